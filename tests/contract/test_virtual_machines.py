# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""KubeVirt: machines as data, emulation where there is no KVM, disks that can move, and what cannot work is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.kubestd.platform.plugins.module_utils._kubevirt.plan import PART

from .records import EVERYTHING, manifests, record, value
from .test_health_table import exists, schemas

IMAGE = "quay.io/containerdisks/debian@sha256:" + "a" * 64
MACHINE = {"name": "web", "namespace": "shop", "instance_type": "u1.small", "image": IMAGE, "disk": "10Gi"}


def rendered(checkout: Path, **inventory: Any) -> dict[str, Any]:
    return record(checkout / "roles/kubevirt", **inventory)


def problems(checkout: Path, **inventory: Any) -> list[str]:
    return list(value(checkout / "roles/kubevirt", "__kubevirt_problems", **inventory))


def kubevirt(checkout: Path, **inventory: Any) -> dict[str, Any]:
    (found,) = manifests(rendered(checkout, **inventory), "KubeVirt")
    return dict(found["spec"])


@pytest.mark.parametrize(
    ("said", "nodes", "devices", "wanted"),
    [
        ("true", "no", [], True),
        ("false", "yes", [], False),
        (True, "no", [], True),
        ("False", "yes", [], False),
        ("auto", "no", [], False),
        ("auto", "yes", [], True),
        ("auto", "unknown", [], False),
        ("auto", "unknown", [True, False], False),
        ("auto", "unknown", [False, False], True),
    ],
)
def test_machines_are_emulated_where_no_node_has_kvm(
    checkout: Path, said: str | bool, nodes: str, devices: list[bool], wanted: bool
) -> None:
    asked = {"results": [{"stat": {"exists": has}} for has in devices]}
    more = {"__kubevirt_nodes": {"emulation": nodes}, "__kubevirt_devices": asked}
    spec = kubevirt(checkout, kubevirt_emulation=said, **more)
    assert spec["configuration"]["developerConfiguration"]["useEmulation"] is wanted


def test_machines_of_the_inventory_are_asked_only_when_nobody_knows(checkout: Path) -> None:
    def asked(emulation: str = "auto", nodes: str = "unknown", **more: Any) -> Any:
        groups = {"workers": ["w1", "w2"], "control_plane": ["c1"]}
        inventory = {"groups": groups, "kubevirt_emulation": emulation, "__kubevirt_nodes": {"emulation": nodes}}
        return value(checkout / "roles/kubevirt", "__kubevirt_machines_to_ask", **{**inventory, **more})

    assert asked() == ["w1", "w2"]
    assert asked(groups={"control_plane": ["c1"]}) == ["c1"]
    assert asked(groups={}) == asked("true") == asked("false") == asked(nodes="no") == asked(nodes="yes") == []
    assert asked(platform_action="remove") == []


def test_disks_on_ceph_can_be_written_from_two_nodes(checkout: Path) -> None:
    ceph = {"groups": {"platform": ["rook_ceph", "kubevirt"]}, "platform_storage_class": "ceph-block"}
    found = rendered(checkout, **ceph, kubevirt_machines=[MACHINE])
    (profile,) = manifests(found, "StorageProfile")
    assert profile["metadata"]["name"] == "ceph-block"
    assert profile["spec"]["claimPropertySets"] == [{"accessModes": ["ReadWriteMany"], "volumeMode": "Block"}]
    pools = record(checkout / "roles/rook_ceph", **EVERYTHING)["stages"]
    assert "ceph-block" in str(pools), "the class is the one that rook_ceph makes"
    (machine,) = manifests(found, "VirtualMachine")
    (disk,) = machine["spec"]["dataVolumeTemplates"]
    assert disk["spec"]["storage"] == {"resources": {"requests": {"storage": "10Gi"}}, "storageClassName": "ceph-block"}
    (cdi,) = manifests(found, "CDI")
    assert cdi["spec"]["config"]["scratchSpaceStorageClass"] == "ceph-block"
    assert manifests(rendered(checkout, platform_storage_class="local"), "StorageProfile") == []
    own = [{"storage_class": "ceph-block", "access_modes": ["ReadWriteOnce"], "volume_mode": "Filesystem"}]
    (profile,) = manifests(rendered(checkout, **ceph, kubevirt_storage_profiles=own), "StorageProfile")
    assert profile["spec"] == {"claimPropertySets": [{"accessModes": ["ReadWriteOnce"], "volumeMode": "Filesystem"}]}


def test_a_machine_is_what_its_entry_says(checkout: Path) -> None:
    more = {
        "cloud_init_secret": "web-init",
        "preference": "debian",
        "run_strategy": "Halted",
        "network": "lan/servers",
        "eviction_strategy": "External",
        "labels": {"app": "web"},
        "node_selector": {"rack": "a"},
        "storage_class": "fast",
    }
    (plain,) = manifests(rendered(checkout, kubevirt_machines=[MACHINE]), "VirtualMachine")
    template = plain["spec"]["template"]["spec"]
    assert plain["spec"]["runStrategy"] == "Always" and "preference" not in plain["spec"]
    assert template["networks"] == [{"name": "default", "pod": {}}]
    assert template["domain"]["devices"]["interfaces"] == [{"name": "default", "masquerade": {}}]
    (machine,) = manifests(rendered(checkout, kubevirt_machines=[{**MACHINE, **more}]), "VirtualMachine")
    spec = machine["spec"]
    assert spec["instancetype"]["name"] == "u1.small" and spec["preference"]["name"] == "debian"
    (disk,) = spec["dataVolumeTemplates"]
    assert disk["spec"]["source"]["registry"] == {"url": f"docker://{IMAGE}", "pullMethod": "node"}
    assert disk["spec"]["storage"]["storageClassName"] == "fast" and spec["runStrategy"] == "Halted"
    template = spec["template"]["spec"]
    assert [one["name"] for one in template["volumes"]] == [
        one["name"] for one in template["domain"]["devices"]["disks"]
    ]
    assert template["volumes"][0]["dataVolume"]["name"] == disk["metadata"]["name"]
    assert template["volumes"][1]["cloudInitNoCloud"]["secretRef"] == {"name": "web-init"}
    assert template["networks"] == [{"name": "default", "multus": {"networkName": "lan/servers"}}]
    assert template["domain"]["devices"]["interfaces"] == [{"name": "default", "bridge": {}}]
    assert (template["evictionStrategy"], template["nodeSelector"]) == ("External", {"rack": "a"})
    assert spec["template"]["metadata"]["labels"] == {"kubevirt.io/vm": "web", "app": "web"}


def test_machines_stay_and_operators_go_last(checkout: Path) -> None:
    stages = rendered(checkout, kubevirt_machines=[MACHINE], kubevirt_probe=True)["stages"]
    kinds = [{item["kind"] for item in stage.get("manifests", [])} for stage in stages]
    assert [stage["name"] for stage in stages if stage.get("keep")] == ["kubevirt-machines"]
    assert stages[0]["urls"] and {"KubeVirt", "CDI"} == kinds[1] and kinds[3] == kinds[4] == {"VirtualMachine"}
    spec = kubevirt(checkout)
    assert spec["uninstallStrategy"] == "BlockUninstallIfWorkloadsExist"
    # the module that looks for machines does not miss this one
    assert manifests({"stages": stages[4:]}, "VirtualMachine")[0]["metadata"]["labels"] == {PART: "probe"}
    assert stages[4]["manifests"][0]["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] == 0
    assert rendered(checkout)["stages"][4]["manifests"] == []


def test_production_values_promise_no_memory_that_is_not_there(checkout: Path) -> None:
    spec = kubevirt(checkout, **EVERYTHING)
    assert spec["configuration"]["developerConfiguration"]["memoryOvercommit"] == 100
    assert spec["configuration"]["evictionStrategy"] == "LiveMigrate" and spec["infra"]["replicas"] == 2
    assert (spec["monitorNamespace"], spec["serviceMonitorNamespace"]) == ("monitoring", "kubevirt")
    small = kubevirt(checkout, platform_high_availability=False)
    assert small["infra"] == {"replicas": 1} and small["workloads"] == {}, "an empty placement is any node"
    placed = kubevirt(checkout, kubevirt_infra_node_selector={"a": "b"}, kubevirt_workload_tolerations=[{"key": "c"}])
    assert placed["infra"]["nodePlacement"] == {"nodeSelector": {"a": "b"}}
    assert placed["workloads"]["nodePlacement"] == {"tolerations": [{"key": "c"}]}
    assert "monitorNamespace" not in small
    changed = kubevirt(checkout, kubevirt_migrations={"bandwidth": "64Mi", "allow_post_copy": True, "network": "m"})
    wanted = {"bandwidthPerMigration": "64Mi", "allowPostCopy": True, "network": "m"}
    assert changed["configuration"]["migrations"] == wanted


def test_every_field_of_both_operators_is_one_of_theirs(checkout: Path, contracts: Path) -> None:
    def paths(item: Any, prefix: str = "") -> list[str]:
        if not isinstance(item, dict) or not item:
            return [prefix]
        return [path for key, below in item.items() for path in paths(below, f"{prefix}.{key}" if prefix else key)]

    found = rendered(checkout, **EVERYTHING)
    for kind, group in (("KubeVirt", "kubevirt.io"), ("CDI", "cdi.kubevirt.io")):
        (item,) = manifests(found, kind)
        known = schemas(contracts)[group, kind]
        for path in paths(item["spec"]):
            free = path.startswith(("config.podResourceRequirements", "infra.nodeSelector", "workload.nodeSelector"))
            assert free or any(exists(schema, f"spec.{path}") for schema in known), path


@pytest.mark.parametrize(
    ("inventory", "said"),
    [
        ({"kubevirt_operator": {"url": "https://a/b.yaml"}}, "kubevirt_operator.sha256 is no SHA-256"),
        ({"kubevirt_cdi_operator": {"url": "https://a/b.yaml", "sha256": "1"}}, "kubevirt_cdi_operator.sha256 is no"),
        ({"kubevirt_machines": [{**MACHINE, "image": "debian:13"}]}, "image of shop/web is debian:13"),
        ({"kubevirt_machines": [MACHINE, MACHINE]}, "two machines shop/web"),
        ({"kubevirt_machines": [{**MACHINE, "namespace": "kubevirt"}]}, "in the namespace of an operator"),
        ({"kubevirt_machines": [MACHINE], "kubevirt_common_instance_types": False}, "the instance type u1.small"),
        (
            {
                "kubevirt_machines": [{**MACHINE, "instance_type": "s", "preference": "debian"}],
                "kubevirt_instance_types": [{"name": "s", "cpu": 1, "memory": "1Gi"}],
                "kubevirt_common_instance_types": False,
            },
            "the preference debian",
        ),
        (
            {
                "kubevirt_storage_profiles": [
                    {"storage_class": "rbd", "access_modes": ["ReadWriteMany"], "volume_mode": "Filesystem"}
                ]
            },
            "write volume_mode Block",
        ),
        ({"kubevirt_memory_overcommit": 50}, "write 100 or more"),
        (
            {
                "kubevirt_machines": [MACHINE],
                "groups": {"workers": ["w1"]},
                "platform_high_availability": False,
            },
            "which could never be drained",
        ),
    ],
)
def test_what_cannot_work_is_refused(checkout: Path, inventory: dict[str, Any], said: str) -> None:
    (found,) = problems(checkout, **inventory)
    assert said in found
    assert problems(checkout) == [] == problems(checkout, **EVERYTHING)


def test_the_machine_of_the_documentation_is_one(checkout: Path) -> None:
    text = (checkout / "inventories/standard/group_vars/platform.yml").read_text(encoding="utf-8")
    part = text.split("# kubevirt_machines:\n", 1)[1].split("\n\n", 1)[0]
    machines = yaml.safe_load("\n".join(line.removeprefix("# ") for line in part.splitlines()))
    assert machines and problems(checkout, kubevirt_machines=machines) == []
