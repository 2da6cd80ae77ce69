# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of what the machines have, and the evaluation of everything together."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping
from typing import Any

from .._pod_network.plan import Found, Wanted, make_plan, shown
from .cluster import Cluster, Inventory, row
from .finding import FAIL, INVENTORY, WARN, Finding
from .inventory import CHECKS, CONTROL_PORTS, WORKER_PORTS, version_of
from .networks import Address, address, inside, network, overlap

SYSTEMS = {"debian": ("12", "13"), "ubuntu": ("22.04", "24.04", "26.04"), "rocky": ("10",)}
#: kube-proxy's mode nftables needs it (kubernetes.io, Virtual IPs and Service Proxies).
OLDEST_KERNEL = (5, 13)
#: (minimum, recommended) of CPUs, memory in MiB and free disk in MiB. Minima of control planes are kubeadm's own (2 CPUs, 1700 MB).
SIZES: dict[str, dict[str, tuple[int, int]]] = {
    "control_plane": {"cpus": (2, 4), "memory_mib": (1700, 8192), "disk_mib": (10240, 51200)},
    "workers": {"cpus": (1, 4), "memory_mib": (1024, 8192), "disk_mib": (10240, 51200)},
    "load_balancers": {"cpus": (1, 2), "memory_mib": (256, 1024), "disk_mib": (1024, 5120)},
}
#: The oldest HAProxy that the tests run, and the one to have. In Debian and Ubuntu where it is older than that.
HAPROXY, HAPROXY_RECOMMENDED = (2, 6), (3, 0)
HAPROXY_OF = {("ubuntu", "22.04"): "2.4", ("debian", "12"): "2.6", ("ubuntu", "24.04"): "2.8"}
#: Controllers without which the kubelet starts no pod (kubernetes.io, cgroup v2; kubeadm's SystemVerification).
CONTROLLERS = ("cpu", "cpuset", "memory", "pids")
#: Since this version the kubelet refuses cgroup v1 unless failCgroupV1 is false (KEP-5573).
REFUSES_V1 = (1, 35)
#: How to give a machine what another one has, too.
OWN = {
    "hostname": "hostnamectl set-hostname",
    "machine-id": "rm /etc/machine-id /var/lib/dbus/machine-id; systemd-machine-id-setup",
    "MAC": "another network card in the hypervisor",
}
#: Seconds that clocks may differ: etcd warns from one on, certificates of minutes fail from some on.
CLOCK_WARN, CLOCK_FAIL = 1.0, 10.0
#: Interfaces that pods and their networks bring.
OWN_INTERFACES = re.compile(r"^(lo|cni|veth|flannel|cali|cilium|vxlan|kube|docker|podman)")


def check_reachable(cluster: Cluster) -> Iterator[Finding]:
    """Machines of this run that did not answer. Those outside of --limit were not asked."""
    for host, machine in cluster.machines.items():
        if not machine.reached:
            wanted = "a login and Python; or leave the machine out, as with --limit '!NAME'"
            yield row(host, "reachable", False, "no answer", wanted, "ansible_host")
        elif machine.facts:
            yield row(host, "reachable", True, "answers", "a login and Python", "ansible_host")


def check_system(cluster: Cluster) -> Iterator[Finding]:
    """The operating system and what runs it."""
    for host, facts in cluster.facts(list(cluster.machines)):
        name, version = facts["os"].get("id", ""), facts["os"].get("version_id", "")
        # Rocky Linux has minor versions, which follow one another by themselves
        known = (version.partition(".")[0] if name == "rocky" else version) in SYSTEMS.get(name, ())
        wanted = "; ".join(f"{system} {', '.join(versions)}" for system, versions in SYSTEMS.items())
        yield row(host, "system", known, facts["os"].get("pretty_name") or f"{name} {version}", wanted, otherwise=WARN)
        yield row(host, "architecture", facts["arch"] in ("x86_64", "aarch64"), facts["arch"], "x86_64 or aarch64")
        yield row(host, "systemd", facts["systemd"], "runs" if facts["systemd"] else "does not run", "systemd")
        yield row(host, "root", facts["uid"] == 0, f"uid {facts['uid']}", "root", "ansible_become")
        yield row(
            host,
            "SELinux",
            facts["selinux"] != "enforcing",
            facts["selinux"],
            "permissive, as kubeadm asks for; its policy knows no containerd of upstream's binaries",
        )
        yield row(
            host,
            "firewall",
            not facts["firewalld"],
            "firewalld runs" if facts["firewalld"] else "no firewalld",
            "",
            recommended="no firewalld, or one that lets through what docs/PORTS.md lists",
            otherwise=WARN,
        )
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
        yield from check_cgroup(cluster, host, facts["cgroup"], kubelet)
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


def check_cgroup(
    cluster: Cluster, host: str, cgroup: Mapping[str, Any], kubelet: Mapping[str, Any]
) -> Iterator[Finding]:
    """The version of cgroups, its controllers, and who manages them."""
    prefix = "kubeadm_cluster_kubelet_configuration"
    version = cgroup["version"]
    tolerated = (
        kubelet.get("failCgroupV1") is False or (version_of(cluster.cluster["cluster_version"]) or ())[:2] < REFUSES_V1
    )
    yield row(
        host,
        "cgroup",
        version == 2,
        f"v{version}",
        "cgroup v2, or failCgroupV1: false",
        f"{prefix}.failCgroupV1",
        "cgroup v2; v1 is no longer developed" if tolerated else "",
        otherwise=WARN if tolerated else FAIL,
    )
    missing = [name for name in CONTROLLERS if name not in cgroup.get("controllers", CONTROLLERS)]
    if missing:
        wanted = "these controllers; look for cgroup_disable in /proc/cmdline"
        yield row(host, "cgroup", False, f"without {', '.join(missing)}", wanted)
    driver = cluster.of(host, "cluster_cgroup_driver")
    other = kubelet.get("cgroupDriver", driver)
    if other != driver:
        found = f"{other}, and cluster_cgroup_driver is {driver}"
        yield row(
            host, "cgroup", False, found, "one driver, set by cluster_cgroup_driver alone", f"{prefix}.cgroupDriver"
        )
    elif driver == "cgroupfs" and version == 2:
        yield row(
            host,
            "cgroup",
            False,
            "cgroupfs beside systemd",
            "",
            "cluster_cgroup_driver",
            recommended="systemd, which is there to manage cgroup v2",
            otherwise=WARN,
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
            # Images and logs fill the disk of a node that runs; that is no reason to stop a change of settings.
            stop = not (what == "disk_mib" and (facts.get("installed") or {}).get("kubelet"))
            check = {"cpus": "cpu", "memory_mib": "memory", "disk_mib": "disk"}[what]
            text, wanted = f"{number}{unit}", f"at least {least}{unit}"
            yield row(
                host, check, good and best, text, wanted, option, f"{better}{unit}", FAIL if stop and not good else WARN
            )


def check_clocks(cluster: Cluster) -> Iterator[Finding]:
    """How far clocks are apart, beyond what the calls took.

    A machine read its clock between `asked` and `answered` of the controller's, so its offset lies between two numbers. The one in the
    middle of all, the controller's included, is right: a controller with a wrong clock makes no machine wrong.
    """
    offsets = {
        host: (facts["clock"]["epoch"] - facts["clock"]["answered"], facts["clock"]["epoch"] - facts["clock"]["asked"])
        for host, facts in cluster.facts(list(cluster.machines))
        if "asked" in facts["clock"]
    }
    all_offsets = sorted([(0.0, 0.0), *offsets.values()], key=sum)
    low, high = all_offsets[(len(all_offsets) - 1) // 2] if len(offsets) > 1 else (0.0, 0.0)
    for host, (least, most) in offsets.items():
        skew = max(least - high, low - most, 0.0)
        yield row(
            host,
            "clock",
            skew <= CLOCK_WARN,
            f"{skew:.1f} s off",
            f"at most {CLOCK_WARN:g} s; run an NTP client",
            otherwise=FAIL if skew > CLOCK_FAIL else WARN,
        )


def check_identity(cluster: Cluster) -> Iterator[Finding]:
    """What kubeadm wants to be unique: host name, machine-id and MAC addresses."""
    seen: dict[str, dict[str, list[str]]] = {"hostname": {}, "machine-id": {}, "MAC": {}}
    for host, facts in cluster.facts(list(cluster.machines)):
        seen["hostname"].setdefault(facts["hostname"], []).append(host)
        if facts["machine_id"]:
            seen["machine-id"].setdefault(facts["machine_id"], []).append(host)
        for interface in facts["interfaces"]:
            if interface.get("mac") and interface["addresses"] and not OWN_INTERFACES.match(interface["name"]):
                seen["MAC"].setdefault(interface["mac"], []).append(host)
    for what, owners in seen.items():
        twice = {value: hosts for value, hosts in owners.items() if len(set(hosts)) > 1}
        found = "; ".join(f"{value} on {', '.join(hosts)}" for value, hosts in twice.items())
        yield row(INVENTORY, "identity", not twice, found or f"{what} unique", f"its own for each: {OWN[what]}")


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
            monitoring = cluster.of(host, "haproxy_lb_monitoring_port", 8404)
            needed.update({port: "haproxy", int(monitoring): "haproxy"})
        # Who listens is told to root alone; without root it is not known, and check_system says so.
        unknown = "an unknown process" if facts["uid"] == 0 else None
        held = {entry["port"]: entry.get("process") or unknown for entry in facts["ports"]}
        taken = {
            number: str(held[number])
            for number, process in needed.items()
            if held.get(number) and str(held[number])[:15] != process[:15]
        }
        found = ", ".join(f"{number} by {process}" for number, process in taken.items())
        yield row(
            host,
            "ports",
            not taken,
            f"taken: {found}" if taken else "free or ours",
            f"{', '.join(map(str, sorted(needed)))} free",
        )


def held_by(cluster: Cluster, wanted: Address) -> list[str]:
    """Machines that have an address now."""
    return [
        host
        for host, facts in cluster.facts(list(cluster.machines))
        if any(
            address(text.split("/")[0]) == wanted
            for interface in facts["interfaces"]
            for text in interface["addresses"]
        )
    ]


def check_virtual_ip(cluster: Cluster) -> Iterator[Finding]:
    """The address that moves is in the balancers' network, and nobody else's."""
    settings = cluster.cluster["cluster_load_balancer"]
    virtual_ip, chosen = address(settings["virtual_ip"]), settings["interface"]
    if virtual_ip is None or cluster.mode == "external":
        return
    option = "cluster_load_balancer.virtual_ip"
    balancers = dict(cluster.facts(cluster.balancers))
    for host, facts in balancers.items():
        names = [interface["name"] for interface in facts["interfaces"]]
        if chosen and chosen not in names:
            wanted = " or ".join(name for name in names if not OWN_INTERFACES.match(name))
            yield row(host, "virtual_ip", False, f"there is no {chosen}", wanted, "cluster_load_balancer.interface")
            continue
        near = [
            ipaddress.ip_interface(text).network
            for interface in facts["interfaces"]
            if (interface["name"] == chosen if chosen else not OWN_INTERFACES.match(interface["name"]))
            for text in interface["addresses"]
            if address(text.split("/")[0]) != virtual_ip
        ]
        there = ", ".join(str(place) for place in near if not place.is_link_local) or "no network"
        good = any(inside(place, virtual_ip) for place in near)
        found = str(virtual_ip) if good else f"{virtual_ip} is not in {there}"
        yield row(host, "virtual_ip", good, found, "an address of the balancers' network", option)
    owners = held_by(cluster, virtual_ip)
    strangers = [host for host in owners if host not in cluster.balancers]
    if strangers:
        found = f"{virtual_ip} is on {', '.join(strangers)}"
        yield row(INVENTORY, "virtual_ip", False, found, "an address that only load balancers have", option)
    name, port = cluster.endpoint()
    if balancers and len(balancers) == len(cluster.balancers) and not owners:
        answers = [facts["reach"].get(f"{virtual_ip}:{port}") or {} for facts in balancers.values()]
        # Whoever refuses a connection is there, too.
        taken = any(answer.get("ok") or "refused" in str(answer.get("error")) for answer in answers)
        found = f"{virtual_ip} {'answers, and no load balancer has it' if taken else 'is free'}"
        # Machines are not read at one moment: where HAProxy runs already, the address may have been on its way between them.
        running = any(
            entry["port"] == port and entry.get("process") == "haproxy"
            for facts in balancers.values()
            for entry in facts["ports"]
        )
        level = WARN if running else FAIL
        yield row(INVENTORY, "virtual_ip", not taken, found, "a free address", option, otherwise=level)


def check_resolution(cluster: Cluster) -> Iterator[Finding]:
    """The name of the API is known to every machine, and means the load balancer."""
    name, _ = cluster.endpoint()
    if not name or address(name) is not None:
        return
    settings = cluster.cluster["cluster_load_balancer"]
    own = [cluster.node_ip(host) for host in cluster.balancers]
    expected = address(settings["virtual_ip"]) or (own[0] if len(own) == 1 else None)
    for host, facts in cluster.facts(list(cluster.machines)):
        if name not in facts["resolves"]:
            continue
        found = facts["resolves"][name]
        meant = not expected or expected in [address(text) for text in found]
        yield row(
            host,
            "resolve",
            bool(found) and meant,
            f"{name} is {', '.join(found) or 'unknown'}",
            "a name that every machine can resolve",
            "cluster_endpoint.host",
            recommended=f"a name for {expected}" if found and expected else "",
            otherwise=WARN if found else FAIL,
        )


def check_reach(cluster: Cluster) -> Iterator[Finding]:
    """Mirrors, or upstream without them, and an endpoint that others bring."""
    name, port = cluster.endpoint()
    endpoint = f"[{name}]:{port}" if ":" in name else f"{name}:{port}"
    wanted_version = str(cluster.cluster["cluster_version"])
    for host, facts in cluster.facts(list(cluster.machines)):
        installed = facts.get("installed") or {}
        complete = (
            bool(installed.get("containerd")) and (installed.get("kubelet") or {}).get("version") == wanted_version
        )
        for target, answer in facts["reach"].items():
            found = target if answer["ok"] else f"{target}: {answer['error']}"
            if target == endpoint:
                # Before there is an API server a load balancer may have nothing to pass connections to.
                if cluster.mode == "external":
                    level = FAIL if cluster.runs() else WARN
                    yield row(host, "reach", answer["ok"], found, "an answer", "cluster_endpoint", otherwise=level)
            elif host in cluster.nodes and "://" in target:
                option = source_option(target, cluster.of(host, "cluster_mirror") or {})
                wanted = "an answer"
                if "CERTIFICATE_VERIFY" in str(answer["error"]):
                    option, wanted = "cluster_mirror.ca", "the certificate of the CA that the mirror's is from"
                # A node that has everything needs no source until something changes.
                level = WARN if complete else FAIL
                yield row(host, "reach", answer["ok"], found, wanted, option, otherwise=level)


def source_option(target: str, mirror: Mapping[str, Any]) -> str:
    """The option that says where something comes from; upstream is asked where there is no mirror."""
    registry = str(mirror.get("registry") or "https://registry.k8s.io").rstrip("/")
    return "cluster_mirror.registry" if target == f"{registry}/v2/" else "cluster_mirror.files"


def check_installed(cluster: Cluster) -> Iterator[Finding]:
    """A living cluster is not up- or downgraded by the way, and no kubelet becomes newer than the API servers.

    The rules are those of kubernetes.io/releases/version-skew-policy; an upgrade is a step of its own.
    """
    wanted = str(cluster.cluster["cluster_version"])
    numbers = version_of(wanted)
    if numbers is None:
        return
    option = "cluster_version"
    asked = dict(cluster.facts(cluster.control))
    for host, facts in cluster.facts(cluster.nodes):
        installed = facts.get("installed") or {}
        server, kubelet = (
            ((installed.get(name) or {}).get("version") or "").lstrip("v") for name in ("kube-apiserver", "kubelet")
        )
        if version_of(server):
            newer = (version_of(server) or ()) > numbers
            hint = "a downgrade is not possible" if newer else "upgrades come in a later release"
            yield row(host, "skew", server == wanted, f"API server {server}", f"{server}; {hint}", option)
        have = version_of(kubelet)
        if not have or (server and server != wanted):
            continue
        found = f"kubelet {kubelet}"
        if kubelet == wanted:
            yield row(host, "skew", True, found, wanted, option)
        elif len(asked) == len(cluster.control) and not cluster.runs():
            yield row(host, "skew", False, f"{found}, left from something earlier", "none", option, otherwise=WARN)
        elif have > numbers:
            yield row(host, "skew", False, found, f"{kubelet} or newer; a downgrade is not possible", option)
        elif not cluster.runs():
            yield row(host, "skew", False, found, f"{kubelet}, or control planes in --limit", option)
        else:
            near = have[0] == numbers[0] and numbers[1] - have[1] <= 1
            yield row(host, "skew", near, found, f"at most one minor version below {wanted}", option)


def check_pod_network_there(cluster: Cluster) -> Iterator[Finding]:
    """A living cluster keeps its pod network, and kube-proxy with it."""
    asked = dict(cluster.facts(cluster.nodes))
    files = {host: facts.get("pod_network") or [] for host, facts in asked.items()}
    proxies = [
        host for host, facts in asked.items() if any(port.get("process") == "kube-proxy" for port in facts["ports"])
    ]
    implementation = str(cluster.of(next(iter(cluster.nodes), ""), "cni_implementation"))
    wanted = Wanted(implementation, bool(cluster.cluster["cluster_kube_proxy"]))
    plan = make_plan(wanted, Found(nodes=files, kube_proxy=True if proxies else None))
    there = "; ".join(f"{name}: {shown(places)}" for name, places in plan.networks.items()) or "none yet"
    if plan.refusal and set(plan.networks) <= {implementation}:
        there, option, text = f"kube-proxy on {shown(proxies)}", "cluster_kube_proxy", "true, or a new cluster"
    else:
        option, text = (
            "cni_implementation",
            "the one that is there, or cni_state: absent first, which cuts all pods off",
        )
    yield row(INVENTORY, "pod_network", not plan.refusal, there, text, option)
    for host, facts in asked.items():
        if uses_vxlan(cluster, host, implementation):
            state = facts["kernel_features"].get("vxlan", "unknown")
            yield row(
                host,
                "kernel",
                state != "missing",
                f"vxlan {state}",
                "vxlan, or other routing",
                f"{implementation}_routing",
            )


def uses_vxlan(cluster: Cluster, host: str, implementation: str) -> bool:
    """Whether the pod network has VXLAN tunnels."""
    return implementation in ("cilium", "calico") and "vxlan" in str(cluster.of(host, f"{implementation}_routing"))


def check_commands(cluster: Cluster) -> Iterator[Finding]:
    """What is missing can be installed."""
    for host, facts in cluster.facts(list(cluster.machines)):
        commands: Mapping[str, Any] = facts["commands"]
        needed = ["haproxy"] if host in cluster.balancers else []
        needed += ["keepalived", "curl"] if needed and cluster.cluster["cluster_load_balancer"]["virtual_ip"] else []
        needed += ["conntrack", "ethtool", "ip", "iptables", "mount", "nft", "socat"] if host in cluster.nodes else []
        missing = [name for name in needed if not commands.get(name)]
        good = not missing or bool(commands.get("apt-get") or commands.get("dnf"))
        yield row(
            host,
            "commands",
            good,
            f"missing: {', '.join(missing)}" if missing else "all there",
            "these commands, or apt-get or dnf to install them",
        )


def check_haproxy(cluster: Cluster) -> Iterator[Finding]:
    """The HAProxy that is there, or that the system's packages would bring."""
    for host, facts in cluster.facts(cluster.balancers):
        there = (facts["installed"].get("haproxy") or {}).get("version")
        system = facts["os"].get("id", ""), facts["os"].get("version_id", "")
        found = there or HAPROXY_OF.get(system, "")
        numbers = tuple(int(part) for part in re.findall(r"\d+", found)[:2]) or HAPROXY_RECOMMENDED
        yield row(
            host,
            "commands",
            numbers >= HAPROXY_RECOMMENDED,
            f"HAProxy {found}" + ("" if there else f", as {' '.join(system)} has it"),
            "HAProxy 2.6 or newer, as from haproxy.debian.net",
            "haproxy_lb_packages",
            "3.0 or newer",
            FAIL if numbers < HAPROXY else WARN,
        )


MACHINE_CHECKS = (
    check_reachable,
    check_system,
    check_kernel,
    check_sizes,
    check_clocks,
    check_identity,
    check_addresses_there,
    check_ports,
    check_virtual_ip,
    check_resolution,
    check_reach,
    check_installed,
    check_pod_network_there,
    check_commands,
    check_haproxy,
)


def evaluate(inventory: Inventory) -> list[Finding]:
    """Every check of every machine. cluster_preflight.skip makes failures of the named checks warnings."""
    cluster = Cluster(inventory)
    findings = list(cluster.findings)
    findings += cluster.differences()
    for check in (*CHECKS, *MACHINE_CHECKS):
        findings += check(cluster)
    skipped = set((cluster.cluster.get("cluster_preflight") or {}).get("skip") or ())
    return [
        Finding(**{**finding.__dict__, "level": WARN})
        if finding.level == FAIL and finding.check in skipped
        else finding
        for finding in findings
    ]
