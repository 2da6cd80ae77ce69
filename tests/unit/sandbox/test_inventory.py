# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sandbox's inventory: counts, addresses and names are variables, and a wrong one is named."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest
import yaml

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def hosts() -> ModuleType:
    spec = importlib.util.spec_from_file_location("sandbox_hosts", ROOT / "inventories/sandbox/hosts.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_default_is_one_balancer_three_control_planes_and_a_worker(hosts: ModuleType, tmp_path: Path) -> None:
    made = hosts.inventory({"KUBESTD_CACHE": str(tmp_path)}, v2=False)
    assert made["machines"]["children"] == ["load_balancers", "control_plane", "workers"]
    addresses = {host: values["ansible_host"] for host, values in made["_meta"]["hostvars"].items()}
    assert addresses == {
        "lb1": "10.231.0.11",
        "cp1": "10.231.0.21",
        "cp2": "10.231.0.22",
        "cp3": "10.231.0.23",
        "w1": "10.231.0.41",
    }
    assert made["all"]["vars"]["cluster_endpoint"] == {"host": "10.231.0.11", "port": 6443}


def test_two_balancers_share_an_address(hosts: ModuleType, tmp_path: Path) -> None:
    environment = {"KUBESTD_CACHE": str(tmp_path), "KUBESTD_SANDBOX_LOAD_BALANCERS": "2"}
    variables = hosts.inventory(environment, v2=False)["all"]["vars"]
    assert variables["cluster_load_balancer"]["virtual_ip"] == variables["cluster_endpoint"]["host"] == "10.231.0.9"


@pytest.mark.parametrize(
    ("control_planes", "endpoint", "virtual_ip"), [("1", "10.231.0.21", None), ("3", "10.231.0.9", "10.231.0.9")]
)
def test_without_balancers_the_control_planes_balance_themselves(
    hosts: ModuleType, tmp_path: Path, control_planes: str, endpoint: str, virtual_ip: str | None
) -> None:
    environment = {
        "KUBESTD_CACHE": str(tmp_path),
        "KUBESTD_SANDBOX_LOAD_BALANCERS": "0",
        "KUBESTD_SANDBOX_CONTROL_PLANES": control_planes,
    }
    made = hosts.inventory(environment, v2=False)
    assert made["load_balancers"]["hosts"] == []
    assert made["all"]["vars"]["cluster_load_balancer"] == {"mode": "colocated", "virtual_ip": virtual_ip}
    assert made["all"]["vars"]["cluster_endpoint"] == {"host": endpoint, "port": 8443}


def test_settings_of_old_cgroups_are_used_only_there(hosts: ModuleType) -> None:
    old, new = hosts.cgroup_variables(v2=False), hosts.cgroup_variables(v2=True)
    assert (old["cluster_cgroup_driver"], new["cluster_cgroup_driver"]) == ("cgroupfs", "systemd")
    assert old["kubeadm_cluster_kubelet_configuration"]["failCgroupV1"] is False
    assert "failCgroupV1" not in new["kubeadm_cluster_kubelet_configuration"]


def test_a_big_disk_with_some_gibibytes_free_is_no_pressure(hosts: ModuleType) -> None:
    """15 % of it would have to be free by default, and all nodes of the sandbox have the same disk."""
    kubelet = hosts.cgroup_variables(v2=False)["kubeadm_cluster_kubelet_configuration"]
    assert kubelet["evictionHard"]["imagefs.available"] == "1Gi" and kubelet["imageGCHighThresholdPercent"] == 99


def test_digests_of_the_mirror_reach_the_roles_and_nothing_else_does(hosts: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "mirror").mkdir()
    known = {"containerd_checksums": {"runc": {}}, "kubeadm_cluster_checksums": {}, "ansible_user": "evil"}
    (tmp_path / "mirror/checksums.json").write_text(json.dumps(known))
    assert set(hosts.mirror_variables(tmp_path)) == {"containerd_checksums", "kubeadm_cluster_checksums"}


def test_two_sandboxes_share_nothing_but_the_cache(hosts: ModuleType, tmp_path: Path) -> None:
    one = hosts.inventory({"KUBESTD_CACHE": str(tmp_path)}, v2=False)
    other = hosts.inventory(
        {"KUBESTD_CACHE": str(tmp_path), "KUBESTD_SANDBOX_NAME": "b", "KUBESTD_SANDBOX_SUBNET": "10.9.0.0/24"}, v2=False
    )
    for key in ("sandbox_container", "ansible_host"):
        mine = {values[key] for values in one["_meta"]["hostvars"].values()}
        assert not mine & {values[key] for values in other["_meta"]["hostvars"].values()}
    assert one["all"]["vars"]["sandbox_state"] != other["all"]["vars"]["sandbox_state"]


def test_systems_come_when_they_are_asked_for(hosts: ModuleType, tmp_path: Path) -> None:
    assert "platform" not in hosts.inventory({"KUBESTD_CACHE": str(tmp_path)}, v2=False)
    environment = {"KUBESTD_CACHE": str(tmp_path), "KUBESTD_SANDBOX_SYSTEMS": "metrics_server,metallb"}
    made = hosts.inventory(environment, v2=False)
    assert made["platform"]["children"] == ["platform_network"]
    assert made["platform_network"]["hosts"] == ["metrics_server", "metallb"]
    variables = made["platform"]["vars"]
    assert variables["platform_mirror"] == {"registry": "10.231.0.2:5000", "files": "http://10.231.0.2:8080"}
    assert variables["metallb_pools"] == [{"name": "sandbox", "addresses": ["10.231.0.200-10.231.0.220"]}]
    assert not set(made["_meta"]["hostvars"]) & {"metallb", "metrics_server"}


def test_the_mirror_can_serve_every_system_and_has_the_chart_that_its_role_installs(hosts: ModuleType) -> None:
    served = json.loads((ROOT / "scripts/sandbox/artifacts.json").read_text())["systems"]
    assert set(hosts.LAYERS) == set(served)
    for name, entry in served.items():
        defaults = yaml.safe_load((ROOT / f"roles/{name}/defaults/main.yml").read_text())
        if "chart" in entry:
            assert {key: entry["chart"][key] for key in ("ref", "version")} == defaults[f"{name}_chart"]
        else:
            assert list(entry["packages"]) == [defaults[f"{name}_image"]]
    used = hosts.platform_groups(["metrics_server"], "", "", "")["platform"]["vars"]["metrics_server_values"]
    assert f":{used['image']['tag']}" in served["metrics_server"]["images"]["cmd/metrics-server"]


@pytest.mark.parametrize(
    ("variable", "value", "sentence"),
    [
        ("NAME", "Not Valid", "write at most 21 lower-case letters"),
        ("SUBNET", "10.0.0.1/24", "has host bits set; write a network such as"),
        ("SUBNET", "10.0.0.0/28", "a /24 or larger is needed"),
        ("CONTROL_PLANES", "0", "write a number from 1 to 9"),
        ("WORKERS", "many", "write a number from 0 to 50"),
        ("SYSTEMS", "metallb,harbour", "write some of metallb,metrics_server,valkey"),
    ],
)
def test_a_wrong_variable_is_named(hosts: ModuleType, variable: str, value: str, sentence: str) -> None:
    with pytest.raises(hosts.WrongSetting) as caught:
        hosts.inventory({f"KUBESTD_SANDBOX_{variable}": value}, v2=False)
    assert f"KUBESTD_SANDBOX_{variable}={value}" in str(caught.value).replace("'", "")
    assert sentence in str(caught.value)
