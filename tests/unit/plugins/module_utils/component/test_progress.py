# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How far systems are, as lines."""

from __future__ import annotations

import pytest
from ansible_collections.kubestd.platform.plugins.module_utils._component.progress import (
    BLOCKED,
    FAILED,
    HEALTHY,
    WAITING,
    WORKING,
    System,
    heard,
    outcome,
    rows,
    step,
)
from hypothesis import given
from hypothesis import strategies as st

NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,15}", fullmatch=True)


@given(NAMES, st.text(), st.floats(0, 1e5))
def test_a_step_that_is_said_is_heard(name: str, text: str, seconds: float) -> None:
    assert heard(step(name, text, seconds)) == (name, text)


@pytest.mark.parametrize("line", ["", "ok: [harbor]", "TASK [x] ****", "  harbor: without a time", "fatal: (1.0 s)"])
def test_other_lines_are_no_steps(line: str) -> None:
    assert heard(line) is None


HEALTH = {"component_health": {"status": "Degraded"}}


@pytest.mark.parametrize(
    ("result", "failed", "check_mode", "expected"),
    [
        ({"message": "released", "actions": ["install x"], "changed": True}, False, False, (HEALTHY, "1 change")),
        ({"message": "released", "actions": []}, False, False, (HEALTHY, "unchanged")),
        ({"message": "released", "actions": ["a", "b"], "changed": True}, False, True, ("would change", "2 changes")),
        ({"message": "released", "actions": []}, False, True, ("as wanted", "")),
        ({"message": "would be released once …", "changed": True}, False, True, ("would change", "would be released once …")),
        ({"owner": "Argo CD"}, False, True, ("as wanted", "owned by Argo CD")),
        ({"owner": "Argo CD"}, False, False, (HEALTHY, "owned by Argo CD")),
        ({"owner": "Argo CD", "actions": ["a"], "changed": True}, False, True, ("would change", "1 change, owned by Argo CD")),
        ({"message": "as harbor", "applications": ["harbor"]}, False, False, ("written", "as harbor")),
        ({"message": "removed", "kept": ["Secret a/b"]}, False, False, ("removed", "keeps Secret a/b")),
        ({"message": "described"}, False, True, ("described", "")),
        ({"message": "core 0/2", "ansible_facts": HEALTH}, False, False, ("Degraded", "core 0/2")),
        ({"msg": "harbor: no such chart"}, True, False, (FAILED, "no such chart")),
        ({"msg": "harbor: blocked by x", "blocked_by": ["x"]}, True, False, (BLOCKED, "blocked by x")),
        ({"msg": "Validation of arguments failed:\na", "argument_errors": ["a", "b"]}, True, False, (FAILED, "a; b")),
        ({}, True, False, (FAILED, "it failed and did not say why")),
    ],
)  # fmt: skip
def test_how_a_system_ended(result: dict, failed: bool, check_mode: bool, expected: tuple[str, str]) -> None:
    assert outcome("harbor", result, failed, check_mode) == expected


def test_a_line_has_state_name_seconds_and_what_happens() -> None:
    systems = [
        System("harbor", WORKING, "waits for\ncore", 10.0),
        System("argocd"),
        System("x", HEALTHY, "", 1.0, 3.25),
    ]
    assert [text for text, _ in rows(systems, 12.0, 80, 10)] == [
        "  working  harbor     2.0 s  waits for core",
        "  waiting  argocd",
        "  Healthy  x          3.2 s",
    ]


WORDS = st.sampled_from([WAITING, WORKING, HEALTHY, FAILED, BLOCKED])
SYSTEMS = st.lists(
    st.builds(System, NAMES, WORDS, st.text(), st.none() | st.floats(0, 100), st.none() | st.floats(0, 100)), min_size=1
)


@given(SYSTEMS, st.integers(1, 200), st.integers(2, 60))
def test_the_block_fits_the_terminal_and_what_failed_is_hidden_last(
    systems: list[System], width: int, height: int
) -> None:
    found = rows(systems, 50.0, width, height)
    assert 1 <= len(found) <= height
    assert all(len(text) <= width and "\n" not in text for text, _ in found)
    loud = [one for one in systems if one.word not in (HEALTHY, WAITING)]
    shown = [word for _, word in found if word not in (HEALTHY, WAITING)]
    assert len(shown) >= min(len(loud), height - 1)
