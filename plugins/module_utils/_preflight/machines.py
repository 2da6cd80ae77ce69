# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of what the machines have, and the evaluation of everything together."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping
from typing import Any

from .cluster import Cluster, Inventory, row
from .finding import FAIL, INVENTORY, WARN, Finding
from .inventory import CHECKS, CONTROL_PORTS, WORKER_PORTS, version_of
from .networks import address, inside, network, overlap

SYSTEMS = {"debian": ("12", "13"), "ubuntu": ("22.04", "24.04", "26.04")}
#: kube-proxy's mode nftables needs it (kubernetes.io, Virtual IPs and Service Proxies).
OLDEST_KERNEL = (5, 13)
#: (minimum, recommended) of CPUs, memory in MiB and free disk in MiB. Minima of control planes are kubeadm's own (2 CPUs, 1700 MB).
SIZES: dict[str, dict[str, tuple[int, int]]] = {
    "control_plane": {"cpus": (2, 4), "memory_mib": (1700, 8192), "disk_mib": (10240, 51200)},
    "workers": {"cpus": (1, 4), "memory_mib": (1024, 8192), "disk_mib": (10240, 51200)},
    "load_balancers": {"cpus": (1, 2), "memory_mib": (256, 1024), "disk_mib": (1024, 5120)},
}
#: Seconds that clocks may differ: etcd warns from one on, certificates of minutes fail from some on.
CLOCK_WARN, CLOCK_FAIL = 1.0, 10.0
#: Interfaces that pods and their networks bring.
OWN_INTERFACES = re.compile(r"^(lo|cni|veth|flannel|cali|cilium|vxlan|kube|docker|podman)")


def check_system(cluster: Cluster) -> Iterator[Finding]:
    """The operating system and what runs it."""
    for host, facts in cluster.facts(list(cluster.machines)):
        name, version = facts["os"].get("id", ""), facts["os"].get("version_id", "")
        known = version in SYSTEMS.get(name, ())
        wanted = "; ".join(f"{system} {', '.join(versions)}" for system, versions in SYSTEMS.items())
        yield row(host, "system", known, facts["os"].get("pretty_name") or f"{name} {version}", wanted, otherwise=WARN)
        yield row(host, "architecture", facts["arch"] in ("x86_64", "aarch64"), facts["arch"], "x86_64 or aarch64")
        yield row(host, "systemd", facts["systemd"], "runs" if facts["systemd"] else "does not run", "systemd")
        yield row(host, "root", facts["uid"] == 0, f"uid {facts['uid']}", "root", "ansible_become")
        python = version_of(facts["python"]) or (3, 9)
        yield row(host, "python", python >= (3, 9), facts["python"], "3.9 or newer", "ansible_python_interpreter")


def check_kernel(cluster: Cluster) -> Iterator[Finding]:
    """Kernel, cgroups and swap of nodes."""
    for host, facts in cluster.facts(cluster.nodes):
        release = facts["kernel"]["release"]
        numbers = tuple(int(part) for part in re.findall(r"\d+", release)[:2])
        yield row(host, "kernel", numbers >= OLDEST_KERNEL, release, "5.13 or newer, for kube-proxy's nftables")
        for name in cluster.of(host, "kubeadm_cluster_kernel_modules") or ():
            state = facts["kernel_features"].get(name.replace("-", "_"), "unknown")
            yield row(
                host, "kernel", state != "missing", f"{name} {state}", f"{name}", "kubeadm_cluster_kernel_modules"
            )
        kubelet = cluster.of(host, "kubeadm_cluster_kubelet_configuration") or {}
        version = facts["cgroup"]["version"]
        allowed = version == 2 or kubelet.get("failCgroupV1") is False
        wanted = "cgroup v2, or failCgroupV1: false"
        yield row(host, "cgroup", allowed, f"v{version}", wanted, "kubeadm_cluster_kubelet_configuration.failCgroupV1")
        if facts["swap_mib"]:
            keep = str(cluster.of(host, "kubeadm_cluster_swap")) == "keep"
            found = f"{facts['swap_mib']} MiB" + ("" if keep else ", will be turned off")
            good = keep and kubelet.get("failSwapOn") is False
            level = FAIL if keep else WARN
            yield row(
                host,
                "swap",
                good,
                found,
                "none, or keep with failSwapOn: false",
                "kubeadm_cluster_swap",
                otherwise=level,
            )


def check_sizes(cluster: Cluster) -> Iterator[Finding]:
    """CPUs, memory and disk, minimal and recommended."""
    asked = (cluster.cluster.get("cluster_preflight") or {}).get("minimum") or {}
    for host, facts in cluster.facts(list(cluster.machines)):
        free = min((disk["free_mib"] for disk in facts["disks"] if disk.get("free_mib") is not None), default=0)
        found = {"cpus": facts["cpus"], "memory_mib": facts["memory_mib"], "disk_mib": free}
        for what, (least, better) in SIZES[cluster.kind(host)].items():
            least = int(asked.get(what) or least)
            unit = "" if what == "cpus" else " MiB"
            number = int(found[what])
            good, best = number >= least, number >= better
            option = f"cluster_preflight.minimum.{what}"
            check = {"cpus": "cpu", "memory_mib": "memory", "disk_mib": "disk"}[what]
            text, wanted = f"{number}{unit}", f"at least {least}{unit}"
            yield row(host, check, good and best, text, wanted, option, f"{better}{unit}", WARN if good else FAIL)


def check_clocks(cluster: Cluster) -> Iterator[Finding]:
    """How far clocks are from the controller's, beyond what the call itself took."""
    for host, facts in cluster.facts(list(cluster.machines)):
        clock = facts["clock"]
        if "asked" not in clock:
            continue
        skew = max(clock["asked"] - clock["epoch"], clock["epoch"] - clock["answered"], 0.0)
        level = FAIL if skew > CLOCK_FAIL else WARN
        yield row(
            host,
            "clock",
            skew <= CLOCK_WARN,
            f"{skew:.1f} s off",
            f"at most {CLOCK_WARN:g} s; run an NTP client",
            otherwise=level,
        )


def check_identity(cluster: Cluster) -> Iterator[Finding]:
    """What kubeadm wants to be unique: host name, machine-id and MAC addresses."""
    seen: dict[str, dict[str, list[str]]] = {"hostname": {}, "machine-id": {}, "MAC": {}}
    for host, facts in cluster.facts(list(cluster.machines)):
        seen["hostname"].setdefault(facts["hostname"], []).append(host)
        if facts["machine_id"]:
            seen["machine-id"].setdefault(facts["machine_id"], []).append(host)
        for interface in facts["interfaces"]:
            if interface.get("mac") and not OWN_INTERFACES.match(interface["name"]):
                seen["MAC"].setdefault(interface["mac"], []).append(host)
    for what, owners in seen.items():
        twice = {value: hosts for value, hosts in owners.items() if len(set(hosts)) > 1}
        found = "; ".join(f"{value} on {', '.join(hosts)}" for value, hosts in twice.items())
        yield row(INVENTORY, "identity", not twice, found or f"{what} unique", f"a {what} of its own for each machine")


def check_addresses_there(cluster: Cluster) -> Iterator[Finding]:
    """Node addresses are on the machines, and pods and Services have others than the machines' networks."""
    ranges = {name: network(cluster.cluster[name]) for name in ("cluster_pod_cidr", "cluster_service_cidr")}
    for host, facts in cluster.facts(list(cluster.machines)):
        own = [text for interface in facts["interfaces"] for text in interface["addresses"]]
        wanted = cluster.node_ip(host)
        if wanted and host in {*cluster.nodes, *cluster.balancers}:
            there = any(address(text.split("/")[0]) == wanted for text in own)
            yield row(
                host,
                "addresses",
                there,
                str(wanted) if there else f"{wanted} is not on the machine",
                "one of its own addresses",
                "cluster_node_ip",
            )
        for interface in facts["interfaces"]:
            if OWN_INTERFACES.match(interface["name"]):
                continue
            for text in interface["addresses"]:
                near = ipaddress.ip_interface(text)
                for name, taken in ranges.items():
                    if (
                        taken
                        and near.version == taken.version
                        and (overlap(near.network, taken) or inside(taken, near.ip))
                    ):
                        yield row(
                            host,
                            "networks",
                            False,
                            f"{interface['name']} has {text}, {name} is {taken}",
                            "networks that do not overlap",
                            name,
                        )


def check_ports(cluster: Cluster) -> Iterator[Finding]:
    """Ports that will be needed are free, or held by what needs them."""
    port = cluster.endpoint()[1]
    for host, facts in cluster.facts(list(cluster.machines)):
        needed: dict[int, str] = {}
        if host in cluster.control:
            needed = {**CONTROL_PORTS, int(cluster.cluster["cluster_api_port"]): "kube-apiserver"}
        elif host in cluster.workers:
            needed = dict(WORKER_PORTS)
        if host in cluster.balancers:
            needed.update({port: "haproxy", 8404: "haproxy"})
        held = {entry["port"]: str(entry.get("process") or "?") for entry in facts["ports"]}
        taken = {
            number: held[number]
            for number, process in needed.items()
            if number in held and held[number][:15] not in (process[:15], "?")
        }
        found = ", ".join(f"{number} by {process}" for number, process in taken.items())
        yield row(
            host,
            "ports",
            not taken,
            f"taken: {found}" if taken else "free or ours",
            f"{', '.join(map(str, sorted(needed)))} free",
        )


def check_reach(cluster: Cluster) -> Iterator[Finding]:
    """Names, mirrors and an endpoint that others bring."""
    name, port = cluster.endpoint()
    for host, facts in cluster.facts(list(cluster.machines)):
        if name and address(name) is None and name in facts["resolves"]:
            found = ", ".join(facts["resolves"][name])
            yield row(
                host,
                "resolve",
                bool(found),
                found or f"{name} is unknown",
                "a name that every machine can resolve",
                "cluster_endpoint.host",
            )
        for target, answer in facts["reach"].items():
            if target == f"{name}:{port}":
                option, needed = "cluster_endpoint", cluster.mode == "external"
            else:
                option, needed = "cluster_mirror", host in cluster.nodes
            if needed:
                yield row(
                    host,
                    "reach",
                    answer["ok"],
                    target if answer["ok"] else f"{target}: {answer['error']}",
                    "an answer",
                    option,
                )


def check_installed(cluster: Cluster) -> Iterator[Finding]:
    """A living cluster is not up- or downgraded by the way."""
    wanted = str(cluster.cluster["cluster_version"])
    for host, facts in cluster.facts(cluster.nodes):
        for name in ("kube-apiserver", "kubelet"):
            have = ((facts.get("installed") or {}).get(name) or {}).get("version", "").lstrip("v")
            if not have or not version_of(have):
                continue
            verb = (
                "a downgrade is not possible"
                if (version_of(have) or ()) > (version_of(wanted) or ())
                else "upgrades come in a later release"
            )
            yield row(
                host, "skew", have == wanted, f"{name} {have}", f"{wanted} as installed; {verb}", "cluster_version"
            )


def check_commands(cluster: Cluster) -> Iterator[Finding]:
    """What is missing can be installed."""
    for host, facts in cluster.facts(list(cluster.machines)):
        commands: Mapping[str, Any] = facts["commands"]
        needed = ["haproxy"] if host in cluster.balancers else []
        needed += ["conntrack", "ethtool", "ip", "iptables", "mount", "nft", "socat"] if host in cluster.nodes else []
        missing = [name for name in needed if not commands.get(name)]
        good = not missing or bool(commands.get("apt-get"))
        yield row(
            host,
            "commands",
            good,
            f"missing: {', '.join(missing)}" if missing else "all there",
            "these commands, or apt-get to install them",
        )


MACHINE_CHECKS = (
    check_system,
    check_kernel,
    check_sizes,
    check_clocks,
    check_identity,
    check_addresses_there,
    check_ports,
    check_reach,
    check_installed,
    check_commands,
)


def evaluate(inventory: Inventory) -> list[Finding]:
    """Every check of every machine. cluster_preflight.skip makes failures of the named checks warnings."""
    cluster = Cluster(inventory)
    findings = list(cluster.findings)
    findings += cluster.differences()
    for check in (*CHECKS, *MACHINE_CHECKS):
        findings += check(cluster)
    skipped = set((cluster.cluster.get("cluster_preflight") or {}).get("skip") or ())
    names = {finding.check for finding in findings}
    for name in sorted(skipped - names):
        findings.append(
            row(
                INVENTORY,
                "variables",
                False,
                f"there is no check {name}",
                ", ".join(sorted(names)),
                "cluster_preflight.skip",
            )
        )
    return [
        Finding(**{**finding.__dict__, "level": WARN})
        if finding.level == FAIL and finding.check in skipped
        else finding
        for finding in findings
    ]
