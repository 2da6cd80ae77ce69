# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every row of the table of custom resources: objects in all their stages, and anything at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.kubestd.platform.plugins.module_utils._health.custom import CUSTOM
from ansible_collections.kubestd.platform.plugins.module_utils._health.model import STATES
from hypothesis import given, settings
from hypothesis import strategies as st

CASES = yaml.safe_load((Path(__file__).parent / "objects.yaml").read_text(encoding="utf-8"))
# Every word that stands in a path of a row, so that what is made up reaches the code behind it
WORDS = sorted({word for rule in CUSTOM.values() for path in rule.paths for word in path.split(".")})  # type: ignore[attr-defined]
CONDITION = [
    "conditions", "type", "status", "reason", "message", "observedGeneration", "metadata", "annotations", "generation",
    "parentRef", "name", "Ready", "True", "False", "Failed", "Creating", "Healthy", "Synced", "Running", "1/2",
]  # fmt: skip
TEXT = st.sampled_from([*WORDS, *CONDITION])
LEAF = st.none() | st.booleans() | st.integers(-1, 3) | st.floats(allow_nan=False, width=16) | TEXT
JSON = st.recursive(
    LEAF,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=15,
)
CONDITIONS = st.lists(
    st.fixed_dictionaries({"type": TEXT, "status": st.sampled_from(["True", "False", "Unknown", None])}), max_size=3
)
STATUS = st.dictionaries(TEXT, JSON, max_size=4) | st.fixed_dictionaries({"conditions": CONDITIONS | JSON})


def rule_of(found: dict[str, Any]) -> Any:
    return CUSTOM[found["apiVersion"].rpartition("/")[0], found["kind"]]


@pytest.mark.parametrize("case", CASES, ids=[case["is"] for case in CASES])
def test_an_object_is_judged_as_its_operator_means_it(case: dict[str, Any]) -> None:
    expect = case["expect"]
    health = rule_of(case["object"])(case["object"])
    assert health.status == expect["status"], health
    assert expect.get("says", "") in health.message
    assert health.hopeless is expect.get("hopeless", False)


def test_no_case_has_the_name_of_another() -> None:
    names = [case["is"] for case in CASES]
    assert len(names) == len(set(names)) >= 100


@pytest.mark.parametrize("key", sorted(CUSTOM), ids="/".join)
def test_a_new_object_is_on_its_way_or_says_nothing(key: tuple[str, str]) -> None:
    """What was applied a moment ago is never broken."""
    group, kind = key
    metadata = {"name": "new", "generation": 1}
    health = CUSTOM[key]({"apiVersion": f"{group}/v1", "kind": kind, "metadata": metadata, "spec": {}})
    assert health.status in ("Healthy", "Progressing"), health


@settings(max_examples=1500, deadline=None)
@given(st.sampled_from(sorted(CUSTOM)), STATUS | JSON, JSON, JSON)
def test_no_row_raises(key: tuple[str, str], status: Any, metadata: Any, spec: Any) -> None:
    health = CUSTOM[key]({"metadata": metadata, "spec": spec, "status": status})
    assert health.status in STATES
    assert isinstance(health.message, str)
    assert isinstance(health.hopeless, bool)
    assert health.message or health.status == "Healthy"


@given(st.sampled_from(sorted(CUSTOM)), JSON)
def test_no_row_raises_on_what_is_no_object(key: tuple[str, str], found: Any) -> None:
    assert CUSTOM[key](found).status in STATES
