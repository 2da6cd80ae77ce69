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
# Every word that stands in a path of a row, so that what is made up reaches the code behind it
WORDS = sorted({word for rule in CUSTOM.values() for path in rule.paths for word in path.split(".")})
SAID = [
    "conditions", "type", "status", "reason", "message", "phase", "health", "observedGeneration", "metadata",
    "annotations", "generation", "parentRef", "name", "Ready", "True", "False", "Failed", "Creating", "Healthy",
    "Synced", "Running", "1/2",
]  # fmt: skip
TEXT = st.sampled_from([*WORDS, *SAID])
LEAF = st.none() | st.booleans() | st.integers(-2, 9) | st.floats(allow_nan=False, width=16) | TEXT
JSON = st.recursive(
    LEAF,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=15,
)
CONDITIONS = st.lists(
    st.fixed_dictionaries({"type": TEXT, "status": st.sampled_from(["True", "False", "Unknown", None])}), max_size=3
)
STATUS = st.dictionaries(TEXT, JSON, max_size=4) | st.fixed_dictionaries({"conditions": CONDITIONS | JSON}) | JSON
METADATA = st.fixed_dictionaries({"name": st.just("x"), "generation": st.integers(0, 3)}) | JSON


@pytest.mark.parametrize("case", CASES, ids=[case[0] for case in CASES])
def test_an_object_is_judged_as_an_operator_would(case: list[Any]) -> None:
    _, found, status, *rest = case
    health = object_health(found)
    assert health.status == status, health
    assert (rest[0] if rest else "") in health.message
    assert health.hopeless == (rest[1] if len(rest) > 1 else False)


def test_what_is_not_there_is_missing() -> None:
    assert object_health(None).status == "Missing"


def test_no_case_has_the_name_of_another() -> None:
    names = [case[0] for case in CASES]
    assert len(names) == len(set(names)) >= 250


@pytest.mark.parametrize("key", sorted(CUSTOM), ids="/".join)
def test_a_new_custom_resource_is_on_its_way_or_says_nothing(key: tuple[str, str]) -> None:
    """What was applied a moment ago is never broken."""
    group, kind = key
    metadata = {"name": "new", "generation": 1}
    health = object_health({"apiVersion": f"{group}/v1", "kind": kind, "metadata": metadata, "spec": {}})
    assert health.status in ("Healthy", "Progressing"), health


@pytest.mark.parametrize("key", sorted(BUILTIN), ids="/".join)
def test_a_built_in_kind_is_seen_in_its_stages(key: tuple[str, str]) -> None:
    """Well, and on its way or broken; and each that has a word for broken, broken."""
    group, kind = key
    mine = [case for case in CASES if case[1]["kind"] == kind and case[1]["apiVersion"].rpartition("/")[0] == group]
    stages = {case[2] for case in mine}
    assert "Healthy" in stages and stages - {"Healthy"}
    without = {
        "StatefulSet",
        "DaemonSet",
        "CronJob",
        "Service",
        "Ingress",
        "Namespace",
    }  # their controllers never say so
    without |= {"ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"}
    assert ("Degraded" in stages) == (kind not in without)


@pytest.mark.parametrize("key", [key for key in KINDS if key != ("", "Namespace")], ids="/".join)
def test_what_is_being_deleted_says_what_holds_it(key: tuple[str, str]) -> None:
    group, kind = key
    metadata = {"name": "x", "deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": ["a.b/c", "orphan"]}
    health = object_health({"apiVersion": f"{group}/v1".lstrip("/"), "kind": kind, "metadata": metadata, "status": {}})
    assert health.status == "Progressing"
    assert health.message == "is being deleted since 2026-01-01T00:00:00Z, held by a.b/c, orphan"


@settings(max_examples=600, deadline=None)
@given(st.sampled_from(KINDS), STATUS, JSON, METADATA)
def test_no_status_makes_a_rule_fail(key: tuple[str, str], status: Any, spec: Any, metadata: Any) -> None:
    group, kind = key
    health = object_health(
        {"apiVersion": f"{group}/v1".lstrip("/"), "kind": kind, "metadata": metadata, "spec": spec, "status": status}
    )
    assert health.status in STATES
    assert isinstance(health.message, str)
    assert isinstance(health.hopeless, bool)
    assert health.message or health.status == "Healthy"


@given(JSON)
def test_what_is_no_object_makes_no_rule_fail(found: Any) -> None:
    assert object_health(found).status in STATES


def test_the_filter_says_the_same_as_the_module() -> None:
    judge = FilterModule().filters()["k8s_object_health"]
    assert judge(CASES[0][1]) == {"status": "Healthy", "message": ""}
    assert judge(None)["status"] == "Missing"
    with pytest.raises(AnsibleFilterError, match="one Kubernetes object"):
        judge("text")
