#!/usr/bin/env python3
# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sandbox as an inventory: how many machines, where, and what is special about containers on one host.

Environment (all optional): KUBESTD_SANDBOX_NAME, _SUBNET, _LOAD_BALANCERS, _CONTROL_PLANES, _WORKERS, _SYSTEMS; KUBESTD_CACHE.
Without load balancers the control planes balance themselves (cluster_load_balancer.mode colocated).
_SYSTEMS names systems of the platform with commas between them; those are known that the mirror can serve.
"""

from __future__ import annotations

import ipaddress
import json
import os
import re
import sys
from pathlib import Path
from typing import Any

DEFAULTS = {
    "NAME": "kubestd",
    "SUBNET": "10.231.0.0/24",
    "LOAD_BALANCERS": "1",
    "CONTROL_PLANES": "3",
    "WORKERS": "1",
    "SYSTEMS": "",
}
LIMITS = {"LOAD_BALANCERS": (0, 5), "CONTROL_PLANES": (1, 9), "WORKERS": (0, 50)}
#: group: (variable, prefix of host names, first address in the subnet)
GROUPS = {
    "load_balancers": ("LOAD_BALANCERS", "lb", 11),
    "control_plane": ("CONTROL_PLANES", "cp", 21),
    "workers": ("WORKERS", "w", 41),
}
MIRROR, VIRTUAL_IP = 2, 9
POOL = (200, 220)  # the last numbers of the addresses that MetalLB hands out
LAYERS = {"metallb": "network", "metrics_server": "network", "valkey": "storage"}


class WrongSetting(Exception):
    """A sentence about an environment variable."""


def settings(environ: dict[str, str]) -> dict[str, Any]:
    """The sandbox's variables, checked."""
    text = {key: environ.get(f"KUBESTD_SANDBOX_{key}") or default for key, default in DEFAULTS.items()}
    if not re.fullmatch(r"[a-z][a-z0-9-]{0,20}", text["NAME"]):
        raise WrongSetting(
            f"KUBESTD_SANDBOX_NAME={text['NAME']!r}: write at most 21 lower-case letters, digits and dashes, a letter first."
        )
    try:
        subnet = ipaddress.IPv4Network(text["SUBNET"])
    except ValueError as error:
        raise WrongSetting(
            f"KUBESTD_SANDBOX_SUBNET={text['SUBNET']!r}: {error}; write a network such as 10.231.0.0/24."
        ) from None
    if subnet.prefixlen > 24:
        raise WrongSetting(f"KUBESTD_SANDBOX_SUBNET={text['SUBNET']}: a /24 or larger is needed.")
    counts = {}
    for key, (least, most) in LIMITS.items():
        if not text[key].isdigit() or not least <= int(text[key]) <= most:
            raise WrongSetting(f"KUBESTD_SANDBOX_{key}={text[key]!r}: write a number from {least} to {most}.")
        counts[key] = int(text[key])
    systems = [name for name in text["SYSTEMS"].split(",") if name]
    if not set(systems) <= set(LAYERS):
        raise WrongSetting(f"KUBESTD_SANDBOX_SYSTEMS={text['SYSTEMS']!r}: write some of {','.join(LAYERS)}.")
    cache = Path(environ.get("KUBESTD_CACHE") or Path.home() / ".cache/kubestd")
    return {"name": text["NAME"], "subnet": subnet, "cache": cache, "systems": systems, **counts}


def cgroup_variables(v2: bool) -> dict[str, Any]:
    """What containers as nodes need; on hosts with cgroup v1 more of it. Never a default of a role."""
    # The disk is the one of this machine. By default the kubelets want 15 % of it free, which on a big disk is more than many have.
    kubelet: dict[str, Any] = {
        "failSwapOn": False,
        "evictionHard": {"imagefs.available": "1Gi", "nodefs.available": "1Gi", "memory.available": "100Mi"},
        "imageGCHighThresholdPercent": 99,
        "imageGCLowThresholdPercent": 98,
    }
    if not v2:
        kubelet["failCgroupV1"] = False
    return {
        "cluster_cgroup_driver": "systemd" if v2 else "cgroupfs",
        "kubeadm_cluster_kubelet_configuration": kubelet,
        "kubeadm_cluster_ignore_preflight_errors": ["SystemVerification", "Swap"],
        "containerd_config_overrides": {"plugins": {"io.containerd.cri.v1.runtime": {"restrict_oom_score_adj": True}}},
        # The host's own, shared by all nodes: swap, connection tracking, limits of inotify.
        "kubeadm_cluster_swap": "keep",
        "kubeadm_cluster_kube_proxy_configuration": {"conntrack": {"maxPerCore": 0, "min": 0}},
        "kubeadm_cluster_sysctls": {
            "net.bridge.bridge-nf-call-ip6tables": "1",
            "net.bridge.bridge-nf-call-iptables": "1",
            "net.ipv4.ip_forward": "1",
        },
    }


def mirror_variables(cache: Path) -> dict[str, Any]:
    """Digests (and versions) of the files that the mirror has, where they differ from upstream's."""
    try:
        known = json.loads((cache / "mirror/checksums.json").read_text())
    except OSError:
        return {}
    return {
        key: value for key, value in known.items() if key.startswith(("containerd_", "kubeadm_cluster_", "platform_"))
    }


def platform_groups(systems: list[str], registry: str, files: str, pool: str) -> dict[str, Any]:
    """Systems of the platform as hosts, by layers; none when nobody asks for one."""
    if not systems:
        return {}
    wanted = dict.fromkeys(LAYERS[name] for name in sorted(systems, key=list(LAYERS).index))
    layers = {f"platform_{layer}": [name for name in systems if LAYERS[name] == layer] for layer in wanted}
    return {
        **{layer: {"hosts": names} for layer, names in layers.items()},
        "platform": {
            "children": list(layers),
            "vars": {
                "platform_mirror": {"registry": registry, "files": files},
                "platform_registry": {"plain_http": True},
                "metallb_pools": [{"name": "sandbox", "addresses": [pool]}],
                # The newest chart takes the image of the release before: of the Go module's version is this one.
                "metrics_server_values": {"image": {"tag": "v0.9.0"}},
                # One instance for one worker, on a volume that somebody makes: the sandbox has no storage class.
                "valkey_high_availability": False,
                "valkey_size": "64Mi",
                "valkey_memory": 64,
            },
        },
    }


def inventory(environ: dict[str, str], v2: bool) -> dict[str, Any]:
    """The inventory as ansible-inventory --list prints it."""
    chosen = settings(environ)
    address = [str(chosen["subnet"].network_address + number) for number in range(256)]
    state = chosen["cache"] / "sandboxes" / chosen["name"]
    groups: dict[str, Any] = {"machines": {"children": list(GROUPS)}}
    hostvars: dict[str, Any] = {}
    for group, (count, prefix, first) in GROUPS.items():
        groups[group] = {"hosts": []}
        for number in range(chosen[count]):
            host = f"{prefix}{number + 1}"
            groups[group]["hosts"].append(host)
            hostvars[host] = {"ansible_host": address[first + number], "sandbox_container": f"{chosen['name']}-{host}"}
    colocated = not chosen["LOAD_BALANCERS"]
    balancers = groups["control_plane" if colocated else "load_balancers"]["hosts"]
    virtual_ip = address[VIRTUAL_IP] if len(balancers) > 1 else None
    mirror = {"files": f"http://{address[MIRROR]}:8080", "registry": f"http://{address[MIRROR]}:5000"}
    pool = "-".join(address[number] for number in POOL)
    groups |= platform_groups(chosen["systems"], f"{address[MIRROR]}:5000", mirror["files"], pool)
    ssh = f"-o UserKnownHostsFile={state}/known_hosts -o StrictHostKeyChecking=yes"
    groups["all"] = {
        "vars": {
            "sandbox_name": chosen["name"],
            "sandbox_subnet": str(chosen["subnet"]),
            "sandbox_state": str(state),
            "sandbox_cache": str(chosen["cache"]),
            "sandbox_cgroup_v2": v2,
            "sandbox_mirror_ip": address[MIRROR],
            "ansible_user": "root",
            "ansible_ssh_private_key_file": str(state / "id_ed25519"),
            "ansible_ssh_common_args": ssh,
            "ansible_ssh_pipelining": True,
            "ansible_python_interpreter": "/usr/bin/python3",
            "cluster_name": chosen["name"],
            "cluster_endpoint": {
                "host": virtual_ip or hostvars[balancers[0]]["ansible_host"],
                "port": 8443 if colocated else 6443,
            },
            "cluster_load_balancer": {"mode": "colocated" if colocated else "dedicated", "virtual_ip": virtual_ip},
            "cluster_mirror": mirror,
            **cgroup_variables(v2),
            **mirror_variables(chosen["cache"]),
        }
    }
    return {**groups, "_meta": {"hostvars": hostvars}}


if __name__ == "__main__":
    try:
        print(json.dumps(inventory(dict(os.environ), Path("/sys/fs/cgroup/cgroup.controllers").exists()), indent=2))
    except WrongSetting as wrong:
        sys.exit(str(wrong))
