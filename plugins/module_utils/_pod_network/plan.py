# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which pod network a cluster has, by what is on its nodes and in it, and whether it may have the one that is wanted. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

FOLDER = "/etc/cni/net.d"
#: What each implementation writes to FOLDER. Others' files, such as those of podman and Multus, say nothing about the pod network.
FILES = {
    "10-kubestd.conflist": "bridge",
    "05-cilium.conflist": "cilium",
    "05-cilium.conf": "cilium",
    "10-calico.conflist": "calico",
    "10-flannel.conflist": "flannel",
    "10-antrea.conflist": "antrea",
    "10-kuberouter.conflist": "kube-router",
    "10-weave.conflist": "weave",
    "01-kube-ovn.conflist": "kube-ovn",
}
#: Namespace and name of what runs on all nodes for an implementation; bridge has nothing in the cluster.
DAEMON_SETS = {
    ("kube-system", "cilium"): "cilium",
    ("calico-system", "calico-node"): "calico",
    ("kube-system", "calico-node"): "calico",
    ("kube-flannel", "kube-flannel-ds"): "flannel",
    ("kube-system", "antrea-agent"): "antrea",
    ("kube-system", "kube-router"): "kube-router",
    ("kube-system", "weave-net"): "weave",
    ("kube-system", "kube-ovn-cni"): "kube-ovn",
}
KUBE_PROXY = ("kube-system", "kube-proxy")


@dataclass(frozen=True)
class Wanted:
    """The inventory's choice."""

    implementation: str
    kube_proxy: bool = True


@dataclass(frozen=True)
class Found:
    """nodes: names of the files in FOLDER by node. kube_proxy: whether the cluster has it; None when nobody knows."""

    nodes: Mapping[str, Iterable[str]] = field(default_factory=dict)
    daemon_sets: frozenset[tuple[str, str]] = frozenset()
    kube_proxy: bool | None = None


@dataclass(frozen=True)
class Plan:
    """networks: by implementation, where it was found. refusal: a sentence; empty when nothing speaks against it."""

    networks: dict[str, list[str]]
    refusal: str = ""


def networks(found: Found) -> dict[str, list[str]]:
    """The pod networks that are there, each with the places where it was seen."""
    seen: dict[str, list[str]] = {}
    for node in sorted(found.nodes):
        for name in sorted(set(found.nodes[node])):
            if name in FILES:
                seen.setdefault(FILES[name], []).append(f"{FOLDER}/{name} on {node}")
    for namespace, name in sorted(found.daemon_sets):
        if (namespace, name) in DAEMON_SETS:
            seen.setdefault(DAEMON_SETS[namespace, name], []).append(f"DaemonSet {namespace}/{name}")
    return seen


def make_plan(wanted: Wanted, found: Found) -> Plan:
    """What was found, and why it cannot become what is wanted. A network of somebody else (none) is never refused."""
    there = networks(found)
    if wanted.implementation == "none":
        return Plan(there)
    others = sorted(set(there) - {wanted.implementation})
    if others:
        return Plan(there, other_network(wanted, others, there))
    return Plan(there, other_proxy(wanted, found, bool(there)))


def other_network(wanted: Wanted, others: list[str], there: Mapping[str, list[str]]) -> str:
    """Why a network is not changed while it carries pods."""
    places = "; ".join(f"{name}: {shown(there[name])}" for name in others)
    return (
        f"This cluster has the pod network {' and '.join(others)} ({places}) and cni_implementation is {wanted.implementation};"
        f" pods keep the network they were started with, so write cni_implementation: {others[0]},"
        " or take it away first with cni_state: absent, which cuts all pods off."
    )


def other_proxy(wanted: Wanted, found: Found, runs: bool) -> str:
    """Why kube-proxy does not go from a cluster, and does not come to one whose network runs; a new one may not have it yet."""
    if found.kube_proxy in (None, wanted.kube_proxy) or not (found.kube_proxy or runs):
        return ""
    has = "has kube-proxy" if found.kube_proxy else "has no kube-proxy"
    then = "both would carry out Services" if not wanted.kube_proxy else "its pod network does that work"
    return (
        f"This cluster {has} and cluster_kube_proxy is {str(wanted.kube_proxy).lower()}, so that {then};"
        f" write cluster_kube_proxy: {str(found.kube_proxy).lower()}, or build the cluster anew."
    )


def shown(places: list[str], most: int = 3) -> str:
    """Some of the places, and how many more there are."""
    more = f" and {len(places) - most} more" if len(places) > most else ""
    return ", ".join(places[:most]) + more
