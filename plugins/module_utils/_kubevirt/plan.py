# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether virtual machines need emulation here, and whether KubeVirt may go. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# What KubeVirt's agent on a node says when the node has /dev/kvm.
KVM = "devices.kubevirt.io/kvm"
# One of them is where upstream's manifest puts the operator, and the operator what it makes.
CONTROL_PLANE = ("node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master")
PART = "kubestd.platform/part"
NAMED = 5


@dataclass(frozen=True)
class Node:
    """A node that may run virtual machines."""

    name: str
    kvm: bool
    control_plane: bool = False


def nodes_of(objects: Sequence[Mapping[str, Any]]) -> list[Node]:
    """The nodes, whether KubeVirt found KVM on them, and whether they are control planes by their labels."""
    return [
        Node(
            item["metadata"]["name"],
            str(((item.get("status") or {}).get("allocatable") or {}).get(KVM, "0")) != "0",
            any(label in (item["metadata"].get("labels") or {}) for label in CONTROL_PLANE),
        )
        for item in objects
    ]


def emulation(nodes: Sequence[Node], agents: int) -> str:
    """no: a node has KVM; yes: KubeVirt runs on nodes and none has; unknown: it does not run yet."""
    if any(node.kvm for node in nodes):
        return "no"
    return "yes" if agents else "unknown"


def nowhere(nodes: Sequence[Node]) -> str:
    """Why the operator could not run; nothing when it can."""
    if not nodes or any(node.control_plane for node in nodes):
        return ""
    return (
        f"No node has the label {CONTROL_PLANE[0]}, and upstream's operator of KubeVirt runs on no other;"
        f" give it to those that shall run it, as kubectl label node {nodes[0].name} {CONTROL_PLANE[0]}= does."
    )


def machines_of(objects: Sequence[Mapping[str, Any]]) -> list[str]:
    """What would be lost, by kind, namespace and name; the machine that proves KubeVirt is none of it."""
    return sorted(
        f"{item['kind']} {item['metadata']['namespace']}/{item['metadata']['name']}"
        for item in objects
        if (item["metadata"].get("labels") or {}).get(PART) != "probe"
    )


def refusal(machines: Sequence[str]) -> str:
    """Why KubeVirt does not go while there are machines; nothing when there are none."""
    if not machines:
        return ""
    more = f" and {len(machines) - NAMED} more" if len(machines) > NAMED else ""
    return (
        f"{', '.join(machines[:NAMED])}{more} would be lost with KubeVirt; delete them first,"
        " or set platform_remove_data to true to lose them."
    )
