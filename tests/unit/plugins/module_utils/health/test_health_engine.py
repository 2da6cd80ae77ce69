# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the engine takes in changes; its API server is a fake, since only the order of things matters here."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.kubestd.platform.plugins.module_utils._health import engine as subject
from ansible_collections.kubestd.platform.plugins.module_utils._health.engine import Engine
from ansible_collections.kubestd.platform.plugins.module_utils._health.judge import object_health
from ansible_collections.kubestd.platform.plugins.module_utils._health.plan import make_check


def pod(phase: str) -> dict[str, Any]:
    """A pod that runs, or does not."""
    ready = [{"type": "Ready", "status": "True" if phase == "Running" else "False"}]
    metadata = {"name": "a", "namespace": "x"}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "status": {"phase": phase, "conditions": ready}}


class FakeServer:
    """One pod, which runs once somebody says so."""

    def __init__(self) -> None:
        self.client = self
        self.runs = threading.Event()

    def pages(self, where: Any, *_: Any) -> Iterator[dict[str, Any]]:
        items = [pod("Pending")] if where.kind == "Pod" else []
        yield {"items": items, "metadata": {"resourceVersion": "1"}}

    def stream(self, path: str, *_: Any) -> Iterator[dict[str, Any]]:
        if path.endswith("/pods"):
            yield {
                "type": "MODIFIED",
                "object": {**pod("Pending"), "metadata": {"name": "a", "namespace": "x", "labels": {}}},
            }
            assert self.runs.wait(25), "nobody judged what has changed"
            yield {"type": "MODIFIED", "object": pod("Running")}
        threading.Event().wait(30)


def engine(server: FakeServer) -> Engine:
    check = make_check({"kind": "Pod", "object": "a", "namespace": "x"})
    return Engine(lambda: server, [check], 30)  # type: ignore[arg-type,return-value]


def test_changes_are_taken_in_while_others_are_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    server = FakeServer()
    made = engine(server)
    blocked: list[bool] = []

    def judge(found: Any) -> Any:
        if made.watched:
            where, known = next(each for each in made.lists.items() if each[0].kind == "Pod")
            thread = threading.Thread(target=made.put, args=(where, known), daemon=True)
            thread.start()
            thread.join(5)
            blocked.append(thread.is_alive())
            server.runs.set()
        return object_health(found)

    monkeypatch.setattr(subject, "object_health", judge)
    assert made.run()["passed"]
    assert blocked and not any(blocked)


@pytest.mark.parametrize("enabled", [True, False])
def test_the_garbage_collector_is_left_as_it_was(enabled: bool) -> None:
    try:
        if not enabled:
            gc.disable()
        engine(FakeServer()).run(wait=False)
        assert gc.isenabled() is enabled
    finally:
        gc.enable()
        gc.unfreeze()
