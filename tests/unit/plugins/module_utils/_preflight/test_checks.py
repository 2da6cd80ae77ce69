# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One thing is different from a good inventory of good machines: this is all that preflight says."""

from __future__ import annotations

from typing import Any

import pytest

from tests.preflight import GROUPS, facts, judge

KUBELET = "kubeadm_cluster_kubelet_configuration"
INSIDE = {"containerd": {"version": "2.3.4"}, "kubelet": {"version": "1.36.4"}, "kubeadm": {"version": "1.36.4"}}
RUNS = {"kube-apiserver": {"version": "1.36.4"}, "kubelet": {"version": "1.36.4"}}
VIP = {"cluster_load_balancer": {"virtual_ip": "10.0.0.10"}, "cluster_endpoint": {"host": "10.0.0.10", "port": 6443}}
NAMED = {"cluster_endpoint": {"host": "api.example.com", "port": 6443}}
COLOCATED = {"load_balancers": [], "control_plane": ["cp1"], "workers": ["w1"]}
BESIDE = {"cluster_load_balancer": {"mode": "colocated"}, "cluster_endpoint": {"host": "10.0.0.21", "port": 8443}}
OUTSIDE = {
    "cluster_load_balancer": {"mode": "external"},
    "cluster_endpoint": {"host": "203.0.113.9", "port": 6443},
}
NO_BALANCERS = {**GROUPS, "load_balancers": []}
NO_ANSWER = {"203.0.113.9:6443": {"ok": False, "status": None, "error": "timed out"}}


def interface(name: str, *addresses: str, mac: str = "02:00:00:00:01:01") -> dict[str, Any]:
    return {"name": name, "mac": mac, "addresses": list(addresses), "up": True}


def with_interface(host: str, *more: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """One more interface on a machine."""
    return {host: {"interfaces": [*facts(host)["interfaces"], *more]}}


def on_all(**changes: Any) -> dict[str, dict[str, Any]]:
    return dict.fromkeys(("lb1", "cp1", "cp2", "cp3", "w1"), changes)


#: (what is different, [(level, host, check, part of what was found, option)])
CASES: dict[str, tuple[dict[str, Any], list[tuple[str, str, str, str, str]]]] = {
    "nothing": ({}, []),
    "a machine that does not answer": (
        {"silent": {"w1": True}},
        [("FAIL", "w1", "reachable", "no answer", "ansible_host")],
    ),
    "a machine outside of --limit": ({"silent": {"w1": False}}, []),
    "another system": (
        {"said": {"w1": {"os": {"id": "rhel", "version_id": "10", "pretty_name": "RHEL 10"}}}},
        [("WARN", "w1", "system", "RHEL 10", "")],
    ),
    "an old release of a known system": (
        {"said": {"w1": {"os": {"id": "debian", "version_id": "11", "pretty_name": ""}}}},
        [("WARN", "w1", "system", "debian 11", "")],
    ),
    "an old Python": (
        {"said": {"w1": {"python": "3.8.10"}}},
        [("FAIL", "w1", "python", "3.8.10", "ansible_python_interpreter")],
    ),
    "the oldest kernel that is good": ({"said": {"w1": {"kernel": {"release": "5.13.0-19-generic"}}}}, []),
    "a kernel that is too old": (
        {"said": {"w1": {"kernel": {"release": "5.12.9"}}}},
        [("FAIL", "w1", "kernel", "5.12.9", "")],
    ),
    "a load balancer's kernel": ({"said": {"lb1": {"kernel": {"release": "4.19.0"}}}}, []),
    "a feature that nothing tells": ({"said": {"w1": {"kernel_features": {}}}}, []),
    "swap": (
        {"said": {"w1": {"swap_mib": 512}}},
        [("WARN", "w1", "swap", "512 MiB, will be turned off", "kubeadm_cluster_swap")],
    ),
    "swap that is kept and that the kubelet refuses": (
        {"variables": {"kubeadm_cluster_swap": "keep"}, "said": {"w1": {"swap_mib": 512}}},
        [("FAIL", "w1", "swap", "512 MiB", "kubeadm_cluster_swap")],
    ),
    "swap that is kept and tolerated": (
        {
            "variables": {"kubeadm_cluster_swap": "keep", KUBELET: {"failSwapOn": False}},
            "said": {"w1": {"swap_mib": 512}},
        },
        [],
    ),
    "cgroup v1 that is tolerated": (
        {"variables": {KUBELET: {"failCgroupV1": False}}, "said": {"w1": {"cgroup": {"version": 1}}}},
        [("WARN", "w1", "cgroup", "v1", f"{KUBELET}.failCgroupV1")],
    ),
    "a missing controller": (
        {"said": {"w1": {"cgroup": {"version": 2, "controllers": ["cpu", "cpuset", "pids"]}}}},
        [("FAIL", "w1", "cgroup", "without memory", "")],
    ),
    "two cgroup drivers": (
        {"variables": {KUBELET: {"cgroupDriver": "cgroupfs"}}, "groups": {**GROUPS, "control_plane": ["cp1"]}},
        [
            ("WARN", "inventory", "control_planes", "1 host", "control_plane"),
            ("FAIL", "cp1", "cgroup", "cgroupfs, and cluster_cgroup_driver is systemd", f"{KUBELET}.cgroupDriver"),
            ("FAIL", "w1", "cgroup", "cgroupfs, and cluster_cgroup_driver is systemd", f"{KUBELET}.cgroupDriver"),
        ],
    ),
    "cgroupfs beside systemd": (
        {"hosts": {"w1": {"cluster_cgroup_driver": "cgroupfs"}}},
        [("WARN", "w1", "cgroup", "cgroupfs beside systemd", "cluster_cgroup_driver")],
    ),
    "few CPUs": ({"said": {"cp1": {"cpus": 2}}}, [("WARN", "cp1", "cpu", "2", "cluster_preflight.minimum.cpus")]),
    "the same on a load balancer": ({"said": {"lb1": {"cpus": 2}}}, []),
    "fewer CPUs than the inventory asks for": (
        {"variables": {"cluster_preflight": {"minimum": {"cpus": 6}}}, "said": {"w1": {"cpus": 5}}},
        [("FAIL", "w1", "cpu", "5", "cluster_preflight.minimum.cpus")],
    ),
    "fewer CPUs, and it is accepted": (
        {"variables": {"cluster_preflight": {"minimum": {"cpus": 1}}}, "said": {"cp1": {"cpus": 1}}},
        [("WARN", "cp1", "cpu", "1", "cluster_preflight.minimum.cpus")],
    ),
    "the fullest of two disks": (
        {"said": {"w1": {"disks": [{"path": "/", "free_mib": 99999}, {"path": "/var/lib/etcd", "free_mib": 5}]}}},
        [("FAIL", "w1", "disk", "5 MiB", "cluster_preflight.minimum.disk_mib")],
    ),
    "a full disk of a node that runs": (
        {
            "said": {
                "w1": {"disks": [{"path": "/", "free_mib": 5}], "installed": {"kubelet": {"version": "1.36.4"}}},
                "cp1": {"installed": RUNS},
            }
        },
        [("WARN", "w1", "disk", "5 MiB", "cluster_preflight.minimum.disk_mib")],
    ),
    "a clock that is a little off": (
        {"said": {"w1": {"clock": {"epoch": 105.0, "asked": 99.9, "answered": 100.1}}}},
        [("WARN", "w1", "clock", "4.8 s off", "")],
    ),
    "a call that took long": ({"said": {"w1": {"clock": {"epoch": 105.0, "asked": 95.0, "answered": 105.5}}}}, []),
    "a controller whose clock is wrong": (
        {"said": on_all(clock={"epoch": 9000.0, "asked": 99.9, "answered": 100.1})},
        [],
    ),
    "a MAC address twice": (
        {"said": {"w1": {"interfaces": [interface("eth0", "10.0.0.41/24", mac="02:00:00:00:00:21")]}}},
        [("FAIL", "inventory", "identity", "02:00:00:00:00:21 on cp1, w1", "")],
    ),
    "a MAC address twice on bridges of the pod network": (
        {
            "said": {
                **with_interface("cp1", interface("cni0", "10.244.0.1/24")),
                **with_interface("w1", interface("cni0", "10.244.1.1/24")),
            }
        },
        [],
    ),
    "a machine-id that is empty on two": ({"said": {"cp1": {"machine_id": ""}, "w1": {"machine_id": ""}}}, []),
    "a network of a machine that pods would have": (
        {"said": with_interface("w1", interface("eth1", "10.244.7.1/24"))},
        [("FAIL", "w1", "networks", "eth1 has 10.244.7.1/24, cluster_pod_cidr is 10.244.0.0/16", "cluster_pod_cidr")],
    ),
    "a port that something unknown holds": (
        {"said": {"w1": {"ports": [{"port": 10250, "protocol": "tcp", "process": None}]}}},
        [("FAIL", "w1", "ports", "10250 by an unknown process", "")],
    ),
    "a port whose holder is not told without root": (
        {"said": {"w1": {"uid": 1000, "ports": [{"port": 10250, "protocol": "tcp", "process": None}]}}},
        [("FAIL", "w1", "root", "uid 1000", "ansible_become")],
    ),
    "ports that are ours, with names that the kernel shortens": (
        {
            "said": {
                "cp1": {
                    "ports": [
                        {"port": 10257, "protocol": "tcp", "process": "kube-controller"},
                        {"port": 10259, "protocol": "tcp", "process": "kube-scheduler"},
                        {"port": 6443, "protocol": "tcp", "process": "kube-apiserver"},
                    ]
                }
            }
        },
        [],
    ),
    "a port of a load balancer": (
        {"said": {"lb1": {"ports": [{"port": 6443, "protocol": "tcp", "process": "nginx"}]}}},
        [("FAIL", "lb1", "ports", "6443 by nginx", "")],
    ),
    "a virtual address": ({"variables": VIP}, []),
    "a virtual address of another network": (
        {
            "variables": {
                "cluster_load_balancer": {"virtual_ip": "10.9.9.9"},
                "cluster_endpoint": {"host": "10.9.9.9", "port": 6443},
            }
        },
        [("FAIL", "lb1", "virtual_ip", "10.9.9.9 is not in 10.0.0.0/24", "cluster_load_balancer.virtual_ip")],
    ),
    "an interface that is not there": (
        {"variables": {**VIP, "cluster_load_balancer": {"virtual_ip": "10.0.0.10", "interface": "ens3"}}},
        [("FAIL", "lb1", "virtual_ip", "there is no ens3", "cluster_load_balancer.interface")],
    ),
    "a virtual address that a node has": (
        {"variables": VIP, "said": with_interface("w1", interface("eth1", "10.0.0.10/24"))},
        [("FAIL", "inventory", "virtual_ip", "10.0.0.10 is on w1", "cluster_load_balancer.virtual_ip")],
    ),
    "a virtual address that a load balancer has already": (
        {"variables": VIP, "said": with_interface("lb1", interface("eth0", "10.0.0.10/32"))},
        [],
    ),
    "a virtual address that a stranger has": (
        {
            "variables": VIP,
            "said": {"lb1": {"reach": {"10.0.0.10:6443": {"ok": False, "error": "Connection refused"}}}},
        },
        [
            (
                "FAIL",
                "inventory",
                "virtual_ip",
                "10.0.0.10 answers, and no load balancer has it",
                "cluster_load_balancer.virtual_ip",
            )
        ],
    ),
    "a virtual address that moves while machines are read": (
        {
            "variables": VIP,
            "said": {
                "lb1": {
                    "reach": {"10.0.0.10:6443": {"ok": True, "error": None}},
                    "ports": [{"port": 6443, "protocol": "tcp", "process": "haproxy"}],
                }
            },
        },
        [
            (
                "WARN",
                "inventory",
                "virtual_ip",
                "10.0.0.10 answers, and no load balancer has it",
                "cluster_load_balancer.virtual_ip",
            )
        ],
    ),
    "a name that a machine does not know": (
        {
            "variables": NAMED,
            "said": {
                **on_all(resolves={"api.example.com": ["10.0.0.11"]}),
                "w1": {"resolves": {"api.example.com": []}},
            },
        },
        [("FAIL", "w1", "resolve", "api.example.com is unknown", "cluster_endpoint.host")],
    ),
    "a name of another machine": (
        {"variables": NAMED, "said": {"w1": {"resolves": {"api.example.com": ["10.0.0.99"]}}}},
        [("WARN", "w1", "resolve", "api.example.com is 10.0.0.99", "cluster_endpoint.host")],
    ),
    "a mirror that does not answer": (
        {"said": {"w1": {"reach": {"https://dl.k8s.io": {"ok": False, "error": "refused"}}}}},
        [("FAIL", "w1", "reach", "https://dl.k8s.io: refused", "cluster_mirror.files")],
    ),
    "a registry that does not answer": (
        {"said": {"w1": {"reach": {"https://registry.k8s.io/v2/": {"ok": False, "error": "refused"}}}}},
        [("FAIL", "w1", "reach", "https://registry.k8s.io/v2/: refused", "cluster_mirror.registry")],
    ),
    "a mirror of an unknown CA": (
        {"said": {"w1": {"reach": {"https://m/": {"ok": False, "error": "[SSL: CERTIFICATE_VERIFY_FAILED]"}}}}},
        [("FAIL", "w1", "reach", "CERTIFICATE_VERIFY_FAILED", "cluster_mirror.ca")],
    ),
    "a mirror that a complete node does not need": (
        {
            "said": {
                "w1": {"reach": {"https://m/": {"ok": False, "error": "refused"}}, "installed": INSIDE},
                "cp1": {"installed": RUNS},
            }
        },
        [("WARN", "w1", "reach", "https://m/: refused", "cluster_mirror.files")],
    ),
    "a downgrade": (
        {"said": {"cp1": {"installed": {"kube-apiserver": {"version": "1.37.2"}}}}},
        [("FAIL", "cp1", "skew", "API server 1.37.2", "cluster_version")],
    ),
    "an upgrade": (
        {"said": {"cp1": {"installed": {"kube-apiserver": {"version": "v1.36.3"}}}}},
        [("FAIL", "cp1", "skew", "API server 1.36.3", "cluster_version")],
    ),
    "a kubelet of an earlier life": (
        {"said": {"w1": {"installed": {"kubelet": {"version": "1.30.0"}}}}},
        [("WARN", "w1", "skew", "kubelet 1.30.0, left from something earlier", "cluster_version")],
    ),
    "a kubelet that is newer than the cluster": (
        {"said": {"cp1": {"installed": RUNS}, "w1": {"installed": {"kubelet": {"version": "1.37.0"}}}}},
        [("FAIL", "w1", "skew", "kubelet 1.37.0", "cluster_version")],
    ),
    "a kubelet one minor version below": (
        {"said": {"cp1": {"installed": RUNS}, "w1": {"installed": {"kubelet": {"version": "1.35.9"}}}}},
        [],
    ),
    "a kubelet two minor versions below": (
        {"said": {"cp1": {"installed": RUNS}, "w1": {"installed": {"kubelet": {"version": "1.34.0"}}}}},
        [("FAIL", "w1", "skew", "kubelet 1.34.0", "cluster_version")],
    ),
    "an older kubelet, and control planes were not asked": (
        {
            "silent": {"cp1": False, "cp2": False, "cp3": False},
            "said": {"w1": {"installed": {"kubelet": {"version": "1.35.9"}}}},
        },
        [("FAIL", "w1", "skew", "kubelet 1.35.9", "cluster_version")],
    ),
    "commands that dnf can bring": ({"said": {"w1": {"commands": {"dnf": "/usr/bin/dnf"}}}}, []),
    "Rocky Linux 10": ({"said": {"w1": {"os": {"id": "rocky", "version_id": "10.2", "pretty_name": ""}}}}, []),
    "Rocky Linux 9": (
        {"said": {"w1": {"os": {"id": "rocky", "version_id": "9.6", "pretty_name": ""}}}},
        [("WARN", "w1", "system", "rocky 9.6", "")],
    ),
    "SELinux that forbids": (
        {"said": {"w1": {"selinux": "enforcing"}, "cp1": {"selinux": "permissive"}}},
        [("FAIL", "w1", "SELinux", "enforcing", "")],
    ),
    "a firewall": ({"said": {"w1": {"firewalld": True}}}, [("WARN", "w1", "firewall", "firewalld runs", "")]),
    "commands that apt-get can bring": ({"said": {"w1": {"commands": {"apt-get": "/usr/bin/apt-get"}}}}, []),
    "no keepalived for a virtual address": (
        {"variables": VIP, "said": {"lb1": {"commands": {"haproxy": "/usr/sbin/haproxy"}}}},
        [("FAIL", "lb1", "commands", "missing: keepalived, curl", "")],
    ),
    "an HAProxy that works and is not the one to have": (
        {"said": {"lb1": {"installed": {"haproxy": {"version": "2.6.12-1+deb12u4"}}}}},
        [("WARN", "lb1", "commands", "HAProxy 2.6.12-1+deb12u4", "haproxy_lb_packages")],
    ),
    "an HAProxy that nobody tried": (
        {"said": {"lb1": {"installed": {"haproxy": {"version": "2.5.9"}}}}},
        [("FAIL", "lb1", "commands", "HAProxy 2.5.9", "haproxy_lb_packages")],
    ),
    "a Debian that would bring an old HAProxy": (
        {"said": {"lb1": {"os": {"id": "debian", "version_id": "12", "pretty_name": "Debian 12"}}}},
        [("WARN", "lb1", "commands", "HAProxy 2.6, as debian 12 has it", "haproxy_lb_packages")],
    ),
    "an Ubuntu that would bring one that nobody tried": (
        {"said": {"lb1": {"os": {"id": "ubuntu", "version_id": "22.04", "pretty_name": "Ubuntu 22.04"}}}},
        [("FAIL", "lb1", "commands", "HAProxy 2.4, as ubuntu 22.04 has it", "haproxy_lb_packages")],
    ),
    "an old Debian with a new HAProxy": (
        {
            "said": {
                "lb1": {
                    "os": {"id": "debian", "version_id": "12", "pretty_name": "Debian 12"},
                    "installed": {"haproxy": {"version": "3.2.4"}},
                }
            }
        },
        [],
    ),
    "a Debian 12 as a worker": (
        {"said": {"w1": {"os": {"id": "debian", "version_id": "12", "pretty_name": "Debian 12"}}}},
        [],
    ),
    "no keepalived, and no virtual address": ({"said": {"lb1": {"commands": {"haproxy": "/usr/sbin/haproxy"}}}}, []),
    "a template that cannot be evaluated": (
        {"broken": {"w1": {"cluster_node_labels": "'rack' is undefined"}}},
        [("FAIL", "w1", "variables", "'rack' is undefined", "cluster_node_labels")],
    ),
    "a misspelt variable of a role": (
        {"hosts": {"w1": {"containerd_verson": "2.3.4"}}},
        [("WARN", "w1", "variables", "no role has such a variable", "containerd_verson")],
    ),
    "machines that disagree on a part of a dictionary": (
        {"hosts": {"w1": {"cluster_load_balancer": {"virtual_router_id": 7}}}},
        [("FAIL", "inventory", "same", "7 on w1", "cluster_load_balancer.virtual_router_id")],
    ),
    "the balancer on the control plane": (
        {"variables": BESIDE, "groups": COLOCATED},
        [("WARN", "inventory", "control_planes", "1 host", "control_plane")],
    ),
    "balancers on control planes without an address that moves": (
        {"variables": BESIDE, "groups": NO_BALANCERS},
        [("FAIL", "inventory", "endpoint", "none for 3 load balancers", "cluster_load_balancer.virtual_ip")],
    ),
    "balancers on control planes": (
        {
            "variables": {
                "cluster_load_balancer": {"mode": "colocated", "virtual_ip": "10.0.0.10"},
                "cluster_endpoint": {"host": "10.0.0.10", "port": 8443},
            },
            "groups": NO_BALANCERS,
        },
        [],
    ),
    "a balancer and an API server at one port": (
        {"variables": {**BESIDE, "cluster_endpoint": {"host": "10.0.0.21", "port": 6443}}, "groups": COLOCATED},
        [
            ("WARN", "inventory", "control_planes", "1 host", "control_plane"),
            ("FAIL", "inventory", "endpoint", "6443, and cluster_api_port is 6443", "cluster_endpoint.port"),
        ],
    ),
    "machines for a balancer that is elsewhere": (
        {"variables": OUTSIDE},
        [("WARN", "inventory", "groups", "lb1 unused with cluster_load_balancer.mode external", "load_balancers")],
    ),
    "somebody else's balancer": ({"variables": OUTSIDE, "groups": NO_BALANCERS}, []),
    "somebody else's balancer by its name": (
        {
            "variables": {**OUTSIDE, **NAMED},
            "groups": NO_BALANCERS,
            "said": on_all(resolves={"api.example.com": ["203.0.113.9"]}),
        },
        [],
    ),
    "somebody else's balancer with a virtual address": (
        {
            "variables": {**OUTSIDE, "cluster_load_balancer": {"mode": "external", "virtual_ip": "10.0.0.10"}},
            "groups": NO_BALANCERS,
        },
        [
            (
                "WARN",
                "inventory",
                "endpoint",
                "10.0.0.10 is unused with mode external",
                "cluster_load_balancer.virtual_ip",
            )
        ],
    ),
    "somebody else's balancer before there is a cluster": (
        {"variables": OUTSIDE, "groups": NO_BALANCERS, "said": {"cp1": {"reach": NO_ANSWER}}},
        [("WARN", "cp1", "reach", "203.0.113.9:6443: timed out", "cluster_endpoint")],
    ),
    "somebody else's balancer that does not know the cluster": (
        {
            "variables": OUTSIDE,
            "groups": NO_BALANCERS,
            "said": {"cp1": {"installed": RUNS}, "w1": {"reach": NO_ANSWER}},
        },
        [("FAIL", "w1", "reach", "203.0.113.9:6443: timed out", "cluster_endpoint")],
    ),
    "no balancers for mode dedicated": (
        {"groups": NO_BALANCERS},
        [("FAIL", "inventory", "groups", "0 hosts", "load_balancers")],
    ),
    "the pod network that is there": ({"said": {"w1": {"pod_network": ["10-kubestd.conflist"]}}}, []),
    "another pod network than the one that is there (faked facts)": (
        {
            "variables": {"cni_implementation": "cilium"},
            "said": {"w1": {"pod_network": ["10-kubestd.conflist", "x.conf"]}},
        },
        [
            (
                "FAIL",
                "inventory",
                "pod_network",
                "bridge: /etc/cni/net.d/10-kubestd.conflist on w1",
                "cni_implementation",
            )
        ],
    ),
    "the same and none of ours is wanted": (
        {"variables": {"cni_implementation": "none"}, "said": {"w1": {"pod_network": ["10-kubestd.conflist"]}}},
        [],
    ),
    "kube-proxy that runs and is no longer wanted (faked facts)": (
        {
            "variables": {"cni_implementation": "cilium", "cluster_kube_proxy": False},
            "said": {"w1": {"ports": [{"port": 10256, "protocol": "tcp", "process": "kube-proxy"}]}},
        },
        [("FAIL", "inventory", "pod_network", "kube-proxy on w1", "cluster_kube_proxy")],
    ),
    "nobody carries out Services": (
        {"variables": {"cluster_kube_proxy": False}},
        [("FAIL", "inventory", "pod_network", "bridge, without kube-proxy", "cluster_kube_proxy")],
    ),
    "Cilium in place of kube-proxy": ({"variables": {"cluster_kube_proxy": False, "cni_implementation": "cilium"}}, []),
    "Calico on nftables without kube-proxy": (
        {"variables": {"cluster_kube_proxy": False, "cni_implementation": "calico"}},
        [("FAIL", "inventory", "pod_network", "calico, without kube-proxy", "cluster_kube_proxy")],
    ),
    "Calico's eBPF in place of kube-proxy": (
        {"variables": {"cluster_kube_proxy": False, "cni_implementation": "calico", "calico_data_plane": "ebpf"}},
        [],
    ),
    "Calico's eBPF beside kube-proxy": (
        {"variables": {"cni_implementation": "calico", "calico_data_plane": "ebpf"}},
        [("FAIL", "inventory", "pod_network", "calico, with kube-proxy", "calico_data_plane")],
    ),
    "a kernel without VXLAN for tunnels": (
        {"variables": {"cni_implementation": "cilium"}, "said": {"w1": {"kernel_features": {"vxlan": "missing"}}}},
        [("FAIL", "w1", "kernel", "vxlan missing", "cilium_routing")],
    ),
    "the same for routes": (
        {
            "variables": {"cni_implementation": "calico", "calico_routing": "bgp"},
            "said": {"w1": {"kernel_features": {"vxlan": "missing"}}},
        },
        [],
    ),
    "no workers": ({"groups": {**GROUPS, "workers": []}}, [("WARN", "inventory", "groups", "0 hosts", "workers")]),
    "an even number of control planes": (
        {"groups": {**GROUPS, "control_plane": ["cp1", "cp2"]}},
        [("FAIL", "inventory", "control_planes", "2 hosts", "control_plane")],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_is_different_is_said_and_nothing_else(case: str) -> None:
    different, expected = CASES[case]
    found = [finding for finding in judge(**different) if finding.level != "OK"]
    said = [finding.message for finding in found]
    assert len(found) == len(expected), said
    for finding, (level, host, check, text, option) in zip(found, expected, strict=True):
        assert (finding.level, finding.host, finding.check, finding.option) == (level, host, check, option), said
        assert text in finding.found, said
        assert finding.wanted or finding.recommended, said
