# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wrong input stops before anything is changed, with a row that names the option and says what to write instead."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.kubestd.platform.plugins.module_utils._preflight.finding import FAIL

from tests.preflight import GROUPS, judge

ROOT = Path(__file__).parents[2]


def test_good_input_has_nothing_to_complain_about() -> None:
    assert [finding.message for finding in judge() if finding.level != "OK"] == []


VIP = {"mode": "dedicated", "virtual_ip": "10.0.0.10"}
WRONG: list[tuple[dict[str, Any], str]] = [
    ({"cluster_endpoint": ...}, "cluster_endpoint"),
    ({"cluster_endpoint": "10.0.0.11"}, "cluster_endpoint"),
    ({"cluster_endpoint": {"port": 6443}}, "cluster_endpoint.host"),
    ({"cluster_endpoint": {"host": "https://10.0.0.11"}}, "cluster_endpoint.host"),
    ({"cluster_endpoint": {"host": "10.0.0.11:6443"}}, "cluster_endpoint.host"),
    ({"cluster_endpoint": {"host": "10.0.0.300"}}, "cluster_endpoint.host"),
    ({"cluster_endpoint": {"host": "10.0.0.99"}}, "cluster_endpoint.host"),
    ({"cluster_endpoint": {"host": "10.0.0.11", "port": "https"}}, "cluster_endpoint.port"),
    ({"cluster_endpoint": {"host": "10.0.0.11", "port": 70000}}, "cluster_endpoint.port"),
    ({"cluster_endpoint": {"host": "10.0.0.11", "prot": 6443}}, "cluster_endpoint.prot"),
    ({"cluster_api_port": "six"}, "cluster_api_port"),
    ({"cluster_api_port": 2379}, "cluster_api_port"),
    ({"cluster_api_port": 30000}, "cluster_api_port"),
    ({"cluster_pod_cidr": "10.244.0.1/16"}, "cluster_pod_cidr"),
    ({"cluster_pod_cidr": "10.244.0.0"}, "cluster_pod_cidr"),
    ({"cluster_pod_cidr": "pods"}, "cluster_pod_cidr"),
    ({"cluster_pod_cidr": "10.0.0.0/16"}, "cluster_pod_cidr"),
    ({"cluster_pod_cidr": "10.96.0.0/16"}, "cluster_service_cidr"),
    ({"cluster_pod_cidr": "10.244.0.0/24"}, "cluster_node_cidr_prefix"),
    ({"cluster_pod_cidr": "10.244.0.0/23"}, "cluster_"),
    ({"cluster_service_cidr": "10.96.0.5/16"}, "cluster_service_cidr"),
    ({"cluster_service_cidr": "10.96.0.0/30"}, "cluster_service_cidr"),
    ({"cluster_service_cidr": "10.0.0.0/24"}, "cluster_service_cidr"),
    ({"cluster_service_cidr": ["10.96.0.0/16"]}, "cluster_service_cidr"),
    ({"cluster_node_cidr_prefix": "/24"}, "cluster_node_cidr_prefix"),
    ({"cluster_node_cidr_prefix": 12}, "cluster_node_cidr_prefix"),
    ({"cluster_version": 1.36}, "cluster_version"),
    ({"cluster_version": "v1.36.4"}, "cluster_version"),
    ({"cluster_version": "1.36"}, "cluster_version"),
    ({"cluster_version": "1.20.0"}, "cluster_version"),
    ({"cluster_version": "1.36.99"}, "cluster_version"),
    ({"cluster_name": "My Cluster"}, "cluster_name"),
    ({"cluster_kube_proxy": "perhaps"}, "cluster_kube_proxy"),
    ({"cluster_kube_proxy": False}, "cluster_kube_proxy"),
    ({"cni_implementation": "weave"}, "cni_implementation"),
    ({"cni_implementation": "calico", "calico_data_plane": "ebpf"}, "calico_data_plane"),
    ({"cluster_dns_domain": "-x.local"}, "cluster_dns_domain"),
    ({"cluster_cgroup_driver": "systemdd"}, "cluster_cgroup_driver"),
    ({"cluster_load_balancer": "dedicated"}, "cluster_load_balancer"),
    ({"cluster_load_balancer": {"mode": "dedicate"}}, "cluster_load_balancer.mode"),
    ({"cluster_load_balancer": {"virtual_ip": "ten"}}, "cluster_load_balancer.virtual_ip"),
    ({"cluster_load_balancer": {**VIP, "virtual_router_id": 300}}, "cluster_load_balancer.virtual_router_id"),
    ({"cluster_load_balancer": {"mode": "colocated"}}, "cluster_endpoint.port"),
    ({"cluster_mirror": {"files": "mirror.example.com"}}, "cluster_mirror.files"),
    ({"cluster_mirror": {"registry": 5}}, "cluster_mirror.registry"),
    ({"cluster_mirror": {"ca": "/etc/ca.pem"}}, "cluster_mirror.ca"),
    ({"cluster_mirror": {"file": "https://mirror"}}, "cluster_mirror.file"),
    ({"cluster_node_labels": ["a"]}, "cluster_node_labels"),
    ({"cluster_node_labels": {"a/b/c": "1"}}, "cluster_node_labels"),
    ({"cluster_node_labels": {"a": "not valid!"}}, "cluster_node_labels"),
    ({"cluster_node_taints": [{"key": "a"}]}, "cluster_node_taints[0].effect"),
    ({"cluster_node_taints": [{"key": "a", "effect": "Never"}]}, "cluster_node_taints[0].effect"),
    ({"cluster_preflight": {"skip": ["everything"]}}, "cluster_preflight.skip"),
    ({"cluster_preflight": {"minimum": {"cpu": 2}}}, "cluster_preflight.minimum.cpu"),
    ({"cluster_pod_cird": "10.244.0.0/16"}, "cluster_pod_cird"),
    ({"kubeadm_cluster_swap": "never"}, "kubeadm_cluster_swap"),
    ({"kubeadm_cluster_etcd_quota_mib": "8 GiB"}, "kubeadm_cluster_etcd_quota_mib"),
    ({"containerd_registries": [{"server": "x"}]}, "containerd_registries[0].name"),
    ({"cni_implementation": "flannel"}, "cni_implementation"),
    ({"haproxy_lb_maxconn": "many"}, "haproxy_lb_maxconn"),
]


@pytest.mark.parametrize(
    ("variables", "option"), WRONG, ids=[f"{option}-{number}" for number, (_, option) in enumerate(WRONG)]
)
def test_a_wrong_variable_is_named(variables: dict[str, Any], option: str) -> None:
    failed = [finding for finding in judge(variables) if finding.level == FAIL]
    assert any(finding.option.startswith(option) for finding in failed), [finding.message for finding in failed]
    assert all(finding.wanted for finding in failed)


HOSTS: list[tuple[dict[str, Any], str, str]] = [
    ({"groups": {**GROUPS, "control_plane": ["cp1", "cp2"]}}, "control", "control_plane"),
    ({"groups": {"load_balancers": ["lb1"], "control_plane": [], "workers": ["w1"]}}, "groups", "control_plane"),
    ({"groups": {**GROUPS, "workers": ["w1", "cp1"]}}, "groups", "cp1"),
    ({"groups": {**GROUPS, "load_balancers": []}}, "", "load_balancers"),
    ({"hosts": {"cp2": {"ansible_host": "10.0.0.21"}}}, "addresses", "10.0.0.21"),
    ({"hosts": {"w1": {"cluster_node_ip": "10.0.0.77"}}}, "addresses", "10.0.0.77"),
    ({"hosts": {"w1": {"cluster_node_ip": "w1.example.com"}}}, "addresses", "w1.example.com"),
    ({"hosts": {"w1": {"cluster_node_ip": "127.0.0.1"}}}, "addresses", "127.0.0.1"),
    ({"hosts": {"w1": {"cluster_node_name": "W_1"}}}, "names", "W_1"),
    ({"hosts": {"w1": {"cluster_node_name": "cp1"}}}, "names", "cp1"),
    ({"hosts": {"w1": {"cluster_pod_cidr": "10.245.0.0/16"}}}, "same", "10.245.0.0/16"),
    ({"said": {"cp1": {"arch": "riscv64"}}}, "architecture", "riscv64"),
    ({"said": {"cp1": {"kernel": {"release": "4.19.0"}}}}, "kernel", "4.19.0"),
    ({"said": {"w1": {"kernel_features": {"overlay": "missing"}}}}, "kernel", "overlay"),
    ({"said": {"w1": {"cgroup": {"version": 1}}}}, "cgroup", "v1"),
    ({"said": {"cp1": {"cpus": 1}}}, "cpu", "1"),
    ({"said": {"cp1": {"memory_mib": 900}}}, "memory", "900 MiB"),
    ({"said": {"w1": {"disks": [{"path": "/var/lib", "free_mib": 5}]}}}, "disk", "5 MiB"),
    ({"said": {"w1": {"clock": {"epoch": 500.0, "asked": 100.0, "answered": 101.0}}}}, "clock", "398.9 s"),
    ({"said": {"w1": {"hostname": "cp1"}}}, "identity", "cp1"),
    ({"said": {"w1": {"machine_id": "id-cp1"}}}, "identity", "id-cp1"),
    ({"said": {"cp1": {"ports": [{"port": 2379, "protocol": "tcp", "process": "minio"}]}}}, "ports", "minio"),
    ({"said": {"cp1": {"systemd": False}}}, "systemd", "does not run"),
    ({"said": {"cp1": {"uid": 1000}}}, "root", "1000"),
    ({"said": {"cp1": {"installed": {"kube-apiserver": {"version": "1.37.0"}}}}}, "skew", "1.37.0"),
    ({"said": {"w1": {"commands": {"ip": "/sbin/ip"}}}}, "commands", "conntrack"),
    ({"said": {"w1": {"reach": {"http://mirror/": {"ok": False, "error": "refused"}}}}}, "reach", "refused"),
]


@pytest.mark.parametrize(("inventory", "check", "found"), HOSTS, ids=[f"{check}-{found}" for _, check, found in HOSTS])
def test_a_wrong_machine_or_group_is_named(inventory: dict[str, Any], check: str, found: str) -> None:
    failed = [finding for finding in judge(**inventory) if finding.level == FAIL]
    assert any(check in finding.check and found in finding.message for finding in failed), [f.message for f in failed]


def test_a_skipped_check_warns() -> None:
    findings = judge({"cluster_preflight": {"skip": ["cpu"]}}, said={"cp1": {"cpus": 1}})
    assert [finding.level for finding in findings if finding.check == "cpu" and finding.host == "cp1"] == ["WARN"]


def test_all_problems_stand_in_one_table_before_anything_is_changed(tmp_path: Path) -> None:
    """The real playbook, on this machine as three machines: it fails once, names every option, and runs no task that changes."""
    wrong = {
        "cluster_pod_cidr": "10.244.0.1/16",
        "cluster_version": "v1.36.4",
        "cluster_node_taint": [],
        "cluster_endpoint": {"host": "x"},
    }
    hosts = {
        name: {
            "ansible_connection": "local",
            "ansible_host": "127.0.0.1",
            "ansible_python_interpreter": "{{ ansible_playbook_python }}",
        }
        for name in ("cp1", "cp2")
    }
    children = {"load_balancers": {}, "control_plane": {"hosts": hosts}, "workers": {}}
    inventory = tmp_path / "hosts.yml"
    inventory.write_text(yaml.safe_dump({"machines": {"vars": wrong, "children": children}}))
    command = ["ansible-playbook", "--inventory", str(inventory), str(ROOT / "site.yml")]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    assert answer.returncode == 2, answer.stdout + answer.stderr
    said = answer.stdout + answer.stderr
    for option in ("cluster_pod_cidr", "cluster_version", "cluster_node_taint", "cluster_node_ip"):
        assert option in said
    assert "checks failed and nothing was changed" in said
    assert "changed=0" in said
    assert "containerd" not in [line for line in said.splitlines() if line.startswith("TASK")]
    assert json.dumps(wrong["cluster_version"])[1:-1] in said
