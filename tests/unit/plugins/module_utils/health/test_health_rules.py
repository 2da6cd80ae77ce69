# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every rule judges real objects in all their stages, and none ever raises."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleFilterError
from ansible_collections.kubestd.platform.plugins.filter.k8s_object_health import FilterModule
from ansible_collections.kubestd.platform.plugins.module_utils._health.builtin import BUILTIN
from ansible_collections.kubestd.platform.plugins.module_utils._health.custom import CUSTOM
from ansible_collections.kubestd.platform.plugins.module_utils._health.judge import object_health
from ansible_collections.kubestd.platform.plugins.module_utils._health.model import STATES
from hypothesis import given, settings
from hypothesis import strategies as st

CASES = yaml.safe_load((Path(__file__).parent / "objects.yaml").read_text())
KINDS = sorted([*BUILTIN, *CUSTOM])
WORDS = st.sampled_from(
    ["conditions", "phase", "status", "type", "reason", "Ready", "True", "False", "health", "message"]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 9) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize("case", CASES, ids=[case[0] for case in CASES])
def test_an_object_is_judged_as_an_operator_would(case: list[Any]) -> None:
    _, found, status, *rest = case
    health = object_health(found)
    assert health.status == status, health
    assert (rest[0] if rest else "") in health.message
    assert health.hopeless == (rest[1] if len(rest) > 1 else False)


def test_what_is_not_there_is_missing() -> None:
    assert object_health(None).status == "Missing"


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(KINDS), JSON, JSON, st.integers(0, 3))
def test_no_status_makes_a_rule_fail(key: tuple[str, str], status: Any, spec: Any, generation: int) -> None:
    group, kind = key
    metadata = {"name": "x", "generation": generation}
    health = object_health(
        {"apiVersion": f"{group}/v1".lstrip("/"), "kind": kind, "metadata": metadata, "spec": spec, "status": status}
    )
    assert health.status in STATES
    assert health.message or health.status == "Healthy"


def test_the_filter_says_the_same_as_the_module() -> None:
    judge = FilterModule().filters()["k8s_object_health"]
    assert judge(CASES[0][1]) == {"status": "Healthy", "message": ""}
    assert judge(None)["status"] == "Missing"
    with pytest.raises(AnsibleFilterError, match="one Kubernetes object"):
        judge("text")
