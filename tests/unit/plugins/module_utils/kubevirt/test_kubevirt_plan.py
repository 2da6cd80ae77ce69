# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether virtual machines are emulated, and whether KubeVirt may go."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.kubestd.platform.plugins.module_utils._kubevirt.plan import (
    CONTROL_PLANE,
    KVM,
    Node,
    emulation,
    machines_of,
    nodes_of,
    nowhere,
    refusal,
)


def machine(name: str, kind: str = "VirtualMachine", **labels: str) -> dict[str, Any]:
    return {"kind": kind, "metadata": {"name": name, "namespace": "shop", "labels": labels}}


def test_a_node_has_kvm_when_kubevirt_found_some() -> None:
    def node(name: str, *labels: str, **allocatable: str) -> dict[str, Any]:
        return {"metadata": {"name": name, "labels": dict.fromkeys(labels, "")}, "status": {"allocatable": allocatable}}

    found = nodes_of([node("a", **{KVM: "1k"}), node("b", CONTROL_PLANE[1], **{KVM: "0"}), node("c", CONTROL_PLANE[0])])
    assert found == [Node("a", True), Node("b", False, True), Node("c", False, True)]


def test_the_operator_needs_a_control_plane() -> None:
    assert nowhere([]) == nowhere([Node("a", False), Node("b", False, True)]) == ""
    assert nowhere([Node("a", False)]) == (
        "No node has the label node-role.kubernetes.io/control-plane, and upstream's operator of KubeVirt runs on no other;"
        " give it to those that shall run it, as kubectl label node a node-role.kubernetes.io/control-plane= does."
    )


@pytest.mark.parametrize(
    ("kvm", "agents", "wanted"),
    [([True, False], 0, "no"), ([False, True], 2, "no"), ([False, False], 2, "yes"), ([False], 0, "unknown"), ([], 0, "unknown")],
)  # fmt: skip
def test_machines_are_emulated_only_when_it_is_known_that_no_node_has_kvm(
    kvm: list[bool], agents: int, wanted: str
) -> None:
    assert emulation([Node(str(number), has) for number, has in enumerate(kvm)], agents) == wanted


def test_what_would_be_lost_is_named_and_the_probe_is_not_missed() -> None:
    probe = machine("probe", **{"kubestd.platform/part": "probe"})
    found = machines_of([machine("web"), machine("disk", "DataVolume"), probe])
    assert found == ["DataVolume shop/disk", "VirtualMachine shop/web"]
    assert refusal(found) == (
        "DataVolume shop/disk, VirtualMachine shop/web would be lost with KubeVirt; delete them first,"
        " or set platform_remove_data to true to lose them."
    )
    many = refusal([f"VirtualMachine shop/m{number}" for number in range(7)])
    assert "shop/m4 and 2 more would be lost" in many and "shop/m5" not in many
    assert refusal([]) == ""
