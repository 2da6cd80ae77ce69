# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""node_metadata: what the inventory says of a node is true, what others say of it is left alone."""

from __future__ import annotations

import copy
from typing import Any

from ansible_collections.kubestd.platform.plugins.module_utils._nodes.plan import (
    CONTROL_PLANE_TAINT,
    MANAGED,
    is_ready,
    make_plan,
)
from hypothesis import given
from hypothesis import strategies as st

NAMES = st.sampled_from(["a", "b", "c", "d"])
LABELS = st.dictionaries(NAMES, st.sampled_from(["1", "2"]))
TAINTS = st.lists(
    st.fixed_dictionaries(
        {"key": NAMES, "effect": st.sampled_from(["NoSchedule", "NoExecute"]), "value": st.sampled_from(["", "x"])}
    ),
    unique_by=lambda taint: (taint["key"], taint["effect"]),
)


def node(labels: dict[str, str] | None = None, taints: list[dict[str, str]] | None = None) -> dict[str, Any]:
    return {
        "metadata": {"name": "n", "resourceVersion": "7", "labels": labels or {}, "annotations": {}},
        "spec": {"taints": taints or []},
    }


def apply(found: dict[str, Any], patch: dict[str, Any] | None) -> dict[str, Any]:
    """What the API server makes of a merge patch of these fields."""
    result = copy.deepcopy(found)
    for part in ("labels", "annotations"):
        for key, value in ((patch or {}).get("metadata", {}).get(part) or {}).items():
            if value is None:
                result["metadata"][part].pop(key, None)
            else:
                result["metadata"][part][key] = value
    if "spec" in (patch or {}):
        result["spec"]["taints"] = (patch or {})["spec"]["taints"]
    return result


def test_a_node_with_nothing_wanted_stays_untouched() -> None:
    assert make_plan({}, [], node({"x": "1"}, [{"key": "y", "effect": "NoSchedule"}])).patch is None


def test_the_patch_is_refused_when_somebody_else_was_faster() -> None:
    patch = make_plan({"a": "1"}, [], node()).patch
    assert patch is not None
    assert patch["metadata"]["resourceVersion"] == "7"


def test_a_label_that_left_the_inventory_leaves_the_node() -> None:
    first = apply(node({"other": "1"}), make_plan({"a": "1"}, [], node({"other": "1"})).patch)
    second = apply(first, make_plan({}, [], first).patch)
    assert second["metadata"]["labels"] == {"other": "1"}


def test_a_taint_of_the_cluster_stays() -> None:
    own = {"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"}
    now = apply(
        node(taints=[own]), make_plan({}, [{"key": "a", "effect": "NoExecute", "value": "x"}], node(taints=[own])).patch
    )
    assert own in now["spec"]["taints"]
    assert apply(now, make_plan({}, [], now).patch)["spec"]["taints"] == [own]


@given(LABELS, TAINTS, LABELS, TAINTS, LABELS, TAINTS)
def test_two_inventories_in_a_row_leave_the_second_and_a_third_run_changes_nothing(
    live_labels: Any, live_taints: Any, labels1: Any, taints1: Any, labels2: Any, taints2: Any
) -> None:
    found = node({f"o{k}": v for k, v in live_labels.items()}, [{**t, "key": f"o{t['key']}"} for t in live_taints])
    first = apply(found, make_plan(labels1, taints1, found).patch)
    second = apply(first, make_plan(labels2, taints2, first).patch)
    assert second["metadata"]["labels"] == {**found["metadata"]["labels"], **labels2}
    assert {(t["key"], t["effect"], t.get("value", "")) for t in second["spec"]["taints"]} == {
        (t["key"], t["effect"], t.get("value", "")) for t in found["spec"]["taints"] + taints2
    }
    assert make_plan(labels2, taints2, second).patch is None
    assert (MANAGED in second["metadata"]["annotations"]) == bool(labels1 or taints1 or labels2 or taints2)


def test_why_a_node_is_not_ready_is_said() -> None:
    condition = {
        "type": "Ready",
        "status": "False",
        "reason": "KubeletNotReady",
        "message": "cni plugin not initialized",
    }
    assert is_ready({"status": {"conditions": [condition]}}) == (False, "cni plugin not initialized")
    assert is_ready({}) == (False, "its kubelet has not reported yet")
    assert is_ready({"status": {"conditions": [{**condition, "status": "True"}]}})[0]


@given(TAINTS, TAINTS, st.booleans(), st.booleans(), st.booleans())
def test_only_the_taint_of_control_planes_follows_whether_pods_run_there(
    live: Any, wanted: Any, tainted: bool, first: bool, second: bool
) -> None:
    others = [{**taint, "key": f"o{taint['key']}"} for taint in live]
    now = node({}, others + [CONTROL_PLANE_TAINT] * tainted)
    for schedulable in (first, second):
        now = apply(now, make_plan({}, wanted, now, schedulable).patch)
        assert (CONTROL_PLANE_TAINT in now["spec"]["taints"]) is not schedulable
        assert len(now["spec"]["taints"]) == len(others) + len(wanted) + (not schedulable)
        assert make_plan({}, wanted, now, schedulable).patch is None
    assert make_plan({}, wanted, now).patch is None, "without the word the taint is left alone"
