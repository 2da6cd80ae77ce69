# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ends a wait early, and what only looks as if it should."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.kubestd.platform.plugins.module_utils._health import engine
from ansible_collections.kubestd.platform.plugins.module_utils._health.cause import (
    Evidence,
    claim_reason,
    needs_volumes,
)
from ansible_collections.kubestd.platform.plugins.module_utils._health.plan import make_check
from ansible_collections.kubestd.platform.plugins.module_utils._kube import KubeError

CLASS = {"kind": "StorageClass", "metadata": {"name": "slow"}}


def claim(**spec: Any) -> dict[str, Any]:
    metadata = {"name": "data", "namespace": "a", "uid": "1"}
    return {"kind": "PersistentVolumeClaim", "metadata": metadata, "spec": spec, "status": {"phase": "Pending"}}


def volume(name: str = "fast", **spec: Any) -> dict[str, Any]:
    return {"kind": "PersistentVolume", "metadata": {"name": "v"}, "spec": {"storageClassName": name, **spec}}


FAST = claim(storageClassName="fast")
NAMELESS = claim()


@pytest.mark.parametrize(
    ("found", "volumes", "hopeless"),
    [
        (FAST, None, False),  # not looked for yet
        (FAST, (), True),
        (FAST, (volume("other"),), True),
        (FAST, (volume(),), False),
        (FAST, (volume(claimRef={"namespace": "a", "name": "data"}),), False),
        (FAST, (volume(claimRef={"namespace": "b", "name": "data"}),), True),
        (NAMELESS, (volume(),), True),
        (NAMELESS, (volume(""),), False),
    ],
)
def test_a_claim_without_its_class_is_hopeless_when_no_volume_bears_it(
    found: dict[str, Any], volumes: tuple[dict[str, Any], ...] | None, hopeless: bool
) -> None:
    evidence = Evidence((found,), (CLASS,), volumes)
    reason = claim_reason(found, evidence)
    assert reason and reason.hopeless == hopeless
    assert "storage class" in reason.text
    assert needs_volumes(evidence)


@pytest.mark.parametrize("found", [claim(storageClassName="slow"), claim(storageClassName="")])
def test_volumes_are_not_asked_for_when_the_class_is_there_or_none_is_wanted(found: dict[str, Any]) -> None:
    assert not needs_volumes(Evidence((found,), (CLASS,)))


class Refusing:
    """An API server that refuses a number of lists, and then has the object."""

    def __init__(self, times: int) -> None:
        self.times = times
        self.client = self

    def pages(self, *_: Any) -> Any:
        self.times -= 1
        if self.times >= 0:
            raise KubeError("GET /api: 403 nobody may do this", 403)
        yield {"items": [{"metadata": {"name": "x", "namespace": "a"}}], "metadata": {"resourceVersion": "1"}}

    def stream(self, *_: Any) -> Any:
        return iter(())


def result(times: int) -> dict[str, Any]:
    server = Refusing(times)
    check = make_check({"kind": "ConfigMap", "object": "x", "namespace": "a"})
    return engine.Engine(lambda: server, [check], 20).run()  # type: ignore[arg-type, return-value]


def test_a_refusal_that_ends_does_not_end_the_wait() -> None:
    assert result(3)["passed"]


def test_a_refusal_that_stays_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "GRACE", 0.3)
    said = result(10**6)
    assert not said["passed"]
    assert "waiting longer would not help" in said["message"] and "403" in said["message"]
