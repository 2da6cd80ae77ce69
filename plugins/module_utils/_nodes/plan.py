# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels and taints of nodes as the inventory has them. Pure: no access to the cluster."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

#: Where a node remembers which labels and taints came from the inventory, so that they can leave with it.
MANAGED = "kubestd.platform/managed"
#: What kubeadm puts on control planes (kubernetes.io/docs, Well-Known Labels, Annotations and Taints).
CONTROL_PLANE_TAINT = {"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}


@dataclass
class Plan:
    """patch: a merge patch for the Node, None when nothing differs; before and after: what of it is shown in a diff."""

    patch: dict[str, Any] | None = None
    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)


def taint_key(taint: dict[str, Any]) -> str:
    """What makes a taint unique on a node."""
    return f"{taint['key']}:{taint['effect']}"


def managed(node: dict[str, Any]) -> dict[str, list[str]]:
    """Names of labels and keys of taints that an earlier run put on the node."""
    text = node["metadata"].get("annotations", {}).get(MANAGED, "{}")
    try:
        known = json.loads(text)
    except ValueError:
        known = {}
    return {"labels": list(known.get("labels", [])), "taints": list(known.get("taints", []))}


def make_plan(
    labels: dict[str, str], taints: list[dict[str, str]], node: dict[str, Any], schedulable: bool | None = None
) -> Plan:
    """What of a Node (as the API server gave it) must change. Labels and taints of others are left alone.

    schedulable: whether a control plane runs pods, so whether the taint of control planes is off; None leaves that taint alone.
    """
    known = managed(node)
    live_labels = node["metadata"].get("labels", {})
    live_taints = node.get("spec", {}).get("taints", [])
    label_changes: dict[str, str | None] = {
        name: value for name, value in labels.items() if live_labels.get(name) != value
    }
    label_changes.update({name: None for name in known["labels"] if name not in labels and name in live_labels})

    wanted = {taint_key(taint): _taint(taint) for taint in taints}
    keep = [
        taint for taint in live_taints if taint_key(taint) not in wanted and taint_key(taint) not in known["taints"]
    ]
    stay = {taint_key(taint): taint for taint in live_taints if taint_key(taint) in wanted}
    same = all(key in stay and stay[key].get("value", "") == taint.get("value", "") for key, taint in wanted.items())
    gone = any(key not in wanted and key in {taint_key(taint) for taint in live_taints} for key in known["taints"])

    own = taint_key(CONTROL_PLANE_TAINT)
    if schedulable is not None and own not in wanted:
        tainted = [taint for taint in keep if taint_key(taint) == own]
        same = same and bool(tainted) != schedulable
        keep = [taint for taint in keep if taint not in tainted]
        keep += [] if schedulable else tainted or [CONTROL_PLANE_TAINT]

    note = json.dumps({"labels": sorted(labels), "taints": sorted(wanted)}, separators=(",", ":"))
    noted = node["metadata"].get("annotations", {}).get(MANAGED)
    plan = Plan()
    patch: dict[str, Any] = {}
    if label_changes:
        patch["metadata"] = {"labels": label_changes}
        plan.before["labels"] = {name: live_labels.get(name) for name in label_changes}
        plan.after["labels"] = label_changes
    if not same or gone:
        patch["spec"] = {"taints": keep + list(wanted.values())}
        plan.before["taints"], plan.after["taints"] = live_taints, patch["spec"]["taints"]
    if noted != note and (noted is not None or labels or wanted):
        patch.setdefault("metadata", {})["annotations"] = {MANAGED: note}
        plan.before["managed"], plan.after["managed"] = noted, note
    if patch:
        # Refused by the API server when somebody else changed the node meanwhile; the caller looks again.
        patch.setdefault("metadata", {})["resourceVersion"] = node["metadata"].get("resourceVersion")
        plan.patch = patch
    return plan


def _taint(taint: dict[str, str]) -> dict[str, str]:
    return {"key": taint["key"], "effect": taint["effect"], **({"value": taint["value"]} if taint.get("value") else {})}


def is_ready(node: dict[str, Any]) -> tuple[bool, str]:
    """Whether a Node is Ready, and what its condition says when not."""
    for condition in node.get("status", {}).get("conditions", []):
        if condition["type"] == "Ready":
            return condition["status"] == "True", str(
                condition.get("message") or condition.get("reason") or "not ready"
            )
    return False, "its kubelet has not reported yet"
