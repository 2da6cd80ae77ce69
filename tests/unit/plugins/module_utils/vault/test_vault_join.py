# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server joins one that has just been opened and leads a moment later, as happens on a busy machine."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.kubestd.platform.plugins.module_utils._vault import run
from ansible_collections.kubestd.platform.plugins.module_utils._vault.plan import Step, VaultError


class Voice:
    """A server that refuses so many times, with these words."""

    def __init__(self, times: int, words: str) -> None:
        self.name, self.address, self.times, self.words, self.asked = "b", "https://b", times, words, 0

    def must(self, *_: Any) -> dict[str, Any]:
        self.asked += 1
        if self.asked <= self.times:
            raise VaultError(self.words)
        return {}


def join(voice: Voice, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run.time, "sleep", lambda _: None)
    cluster = run.Cluster([voice, SimpleNamespace(name="a", address="https://a")], [], 1, [], None)  # type: ignore[arg-type,list-item]
    cluster.join(Step("join", "b", "a"))


def test_it_is_asked_again_until_there_is_a_challenge(monkeypatch: pytest.MonkeyPatch) -> None:
    voice = Voice(3, "500 failed to join raft cluster: failed to get raft challenge.")
    join(voice, monkeypatch)
    assert voice.asked == 4


@pytest.mark.parametrize(
    ("words", "asked"), [("500 failed to get raft challenge.", run.JOIN_TRIES), ("400 wrong certificate.", 1)]
)
def test_what_does_not_pass_is_told(monkeypatch: pytest.MonkeyPatch, words: str, asked: int) -> None:
    voice = Voice(99, words)
    with pytest.raises(VaultError, match=words[:3]):
        join(voice, monkeypatch)
    assert voice.asked == asked
