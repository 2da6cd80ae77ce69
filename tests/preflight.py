# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A good inventory of good machines, and what preflight says when something of it is different."""

from __future__ import annotations

from typing import Any

from ansible_collections.kubestd.platform.plugins.action.preflight import specs
from ansible_collections.kubestd.platform.plugins.module_utils._preflight.cluster import Inventory, Machine
from ansible_collections.kubestd.platform.plugins.module_utils._preflight.finding import Finding
from ansible_collections.kubestd.platform.plugins.module_utils._preflight.machines import evaluate

ADDRESSES = {"lb1": "10.0.0.11", "cp1": "10.0.0.21", "cp2": "10.0.0.22", "cp3": "10.0.0.23", "w1": "10.0.0.41"}
GROUPS = {"load_balancers": ["lb1"], "control_plane": ["cp1", "cp2", "cp3"], "workers": ["w1"]}
GOOD: dict[str, Any] = {"cluster_endpoint": {"host": "10.0.0.11", "port": 6443}}
OPTIONS, DEFAULTS = specs()


def facts(host: str, **changes: Any) -> dict[str, Any]:
    """What a good machine says of itself."""
    last = ADDRESSES[host].rpartition(".")[2]
    commands = [
        "haproxy",
        "keepalived",
        "curl",
        "conntrack",
        "ethtool",
        "ip",
        "iptables",
        "mount",
        "nft",
        "socat",
        "apt-get",
    ]
    return {
        "os": {"id": "debian", "version_id": "13", "pretty_name": "Debian 13"},
        "arch": "x86_64",
        "kernel": {"release": "6.12.0"},
        "cgroup": {"version": 2},
        "cpus": 8,
        "memory_mib": 16384,
        "disks": [{"path": "/var/lib", "free_mib": 99999, "total_mib": 199999}],
        "swap_mib": 0,
        "hostname": host,
        "machine_id": f"id-{host}",
        "interfaces": [
            {"name": "eth0", "mac": f"02:00:00:00:00:{last}", "addresses": [f"{ADDRESSES[host]}/24"], "up": True}
        ],
        "ports": [],
        "commands": {name: f"/usr/bin/{name}" for name in commands},
        "kernel_features": {"overlay": "builtin", "br_netfilter": "module"},
        "systemd": True,
        "selinux": "off",
        "firewalld": False,
        "uid": 0,
        "python": "3.13.0",
        "installed": {},
        "resolves": {},
        "reach": {},
        "clock": {"epoch": 100.0, "asked": 99.9, "answered": 100.1},
        **changes,
    }


def judge(
    variables: dict[str, Any] | None = None,
    groups: dict[str, list[str]] | None = None,
    hosts: dict[str, dict[str, Any]] | None = None,
    said: dict[str, dict[str, Any]] | None = None,
    silent: dict[str, bool] | None = None,
    broken: dict[str, dict[str, str]] | None = None,
) -> list[Finding]:
    """Everything that preflight finds.

    hosts: variables of a host; said: facts of a host that are different; silent: hosts without facts, and whether they were asked in vain;
    broken: variables of a host whose templates cannot be evaluated, with the reason.
    """
    parts = groups or GROUPS
    names = list(dict.fromkeys(host for members in parts.values() for host in members))
    machines = {}
    vain = silent or {}
    for host in names:
        given = {**GOOD, **(variables or {}), **(hosts or {}).get(host, {})}
        address = str(given.pop("ansible_host", ADDRESSES.get(host, host)))
        told = facts(host, **(said or {}).get(host, {})) if host in ADDRESSES and host not in vain else None
        chosen = {key: value for key, value in given.items() if value is not ...}
        machines[host] = Machine(host, chosen, address, told, not vain.get(host, False), (broken or {}).get(host, {}))
    return evaluate(Inventory({**parts, "machines": names}, machines, OPTIONS, DEFAULTS))
