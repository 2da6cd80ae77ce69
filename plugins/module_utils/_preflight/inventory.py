# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks that need the inventory alone."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from .cluster import Cluster, row
from .finding import INVENTORY, OK, WARN, Finding
from .networks import (
    PODS,
    Network,
    address,
    clashes,
    inside,
    network,
    pods_of,
    refused,
    wrong_parts,
    wrong_services,
)

DNS_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
LABEL_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")
#: Ports of a control plane besides that of its API server, with the process that has each. The kernel shortens names to 15 letters.
CONTROL_PORTS = {
    2379: "etcd",
    2380: "etcd",
    2381: "etcd",
    10248: "kubelet",
    10250: "kubelet",
    10256: "kube-proxy",
    10257: "kube-controller",
    10259: "kube-scheduler",
}
WORKER_PORTS = {10248: "kubelet", 10250: "kubelet", 10256: "kube-proxy"}
#: The API server gives these to Services of type NodePort, unless --service-node-port-range says otherwise.
NODE_PORTS = range(30000, 32768)
#: kubeadm speaks v1beta4 since 1.31.
OLDEST = (1, 31)


def is_domain(name: str) -> bool:
    """Whether a name is a DNS subdomain as Kubernetes wants it (RFC 1123)."""
    return len(name) <= 253 and all(DNS_LABEL.fullmatch(part) for part in name.split("."))


def check_groups(cluster: Cluster) -> Iterator[Finding]:
    """Which machines there are, and what for."""
    control, both = cluster.control, sorted(set(cluster.control) & set(cluster.workers))
    yield row(
        INVENTORY, "groups", bool(control), f"{len(control)} hosts", "at least one host, better three", "control_plane"
    )
    if both:
        yield row(
            INVENTORY,
            "groups",
            False,
            f"{', '.join(both)} also in workers",
            "each host in one group; pods run on a control plane whose taint is removed",
            "control_plane",
        )
    if cluster.mode == "dedicated":
        shared = sorted(set(cluster.dedicated) & set(cluster.nodes))
        yield row(
            INVENTORY,
            "groups",
            not shared,
            f"{', '.join(shared) or 'none'} also a node of the cluster",
            "other machines, or cluster_load_balancer.mode colocated",
            "load_balancers",
        )
        yield row(
            INVENTORY,
            "groups",
            bool(cluster.dedicated),
            f"{len(cluster.dedicated)} hosts",
            "at least one host for cluster_load_balancer.mode dedicated; else colocated or external",
            "load_balancers",
        )
    elif set(cluster.dedicated) - set(cluster.nodes):
        yield row(
            INVENTORY,
            "groups",
            False,
            f"{', '.join(cluster.dedicated)} unused with cluster_load_balancer.mode {cluster.mode}",
            "no hosts, or mode dedicated",
            "load_balancers",
            otherwise=WARN,
        )
    idle = [host for host in cluster.machines if host not in {*cluster.nodes, *cluster.dedicated}]
    if idle:
        yield row(
            INVENTORY,
            "groups",
            False,
            f"{', '.join(idle)} in none of its groups",
            "load_balancers, control_plane or workers",
            "machines",
            otherwise=WARN,
        )
    if not cluster.workers and not cluster.cluster["cluster_schedulable_control_plane"]:
        yield row(
            INVENTORY,
            "groups",
            False,
            "0 hosts",
            "",
            "workers",
            recommended="at least one, or cluster_schedulable_control_plane: true; pods do not run on control planes",
            otherwise=WARN,
        )


def check_control_planes(cluster: Cluster) -> Iterator[Finding]:
    """etcd needs more than half of its members: an even number bears no more losses than one fewer (etcd.io, FAQ)."""
    count = len(cluster.control)
    if not count:
        return
    if count % 2 == 0:
        yield row(
            INVENTORY,
            "control_planes",
            False,
            f"{count} hosts",
            "1, 3 or 5; an even number bears no more",
            "control_plane",
        )
        return
    yield row(
        INVENTORY,
        "control_planes",
        3 <= count <= 7,
        f"{count} host{'' if count == 1 else 's'}",
        "an odd number",
        "control_plane",
        recommended="3 or 5",
        otherwise=WARN,
    )


def check_names(cluster: Cluster) -> Iterator[Finding]:
    """Names that end up in Kubernetes."""
    owners: dict[str, list[str]] = {}
    for host in cluster.nodes:
        name = cluster.node_name(host)
        owners.setdefault(name, []).append(host)
        yield row(
            host, "names", is_domain(name), name, "lower-case letters, digits, hyphens and points", "cluster_node_name"
        )
    for name, hosts in owners.items():
        if len(hosts) > 1:
            yield row(
                INVENTORY, "names", False, f"{name} for {', '.join(hosts)}", "a name for each", "cluster_node_name"
            )
    for option in ("cluster_name", "cluster_dns_domain"):
        value = str(cluster.cluster[option])
        good = is_domain(value) if option == "cluster_dns_domain" else bool(DNS_LABEL.fullmatch(value))
        yield row(INVENTORY, "names", good, value or "an empty text", "lower-case letters, digits and hyphens", option)


def check_addresses(cluster: Cluster) -> Iterator[Finding]:
    """Node addresses: IP addresses, each of one machine, of one family."""
    owners: dict[str, list[str]] = {}
    virtual_ip = address(cluster.cluster["cluster_load_balancer"]["virtual_ip"])
    needed = [*cluster.nodes, *(cluster.balancers if virtual_ip else [])]
    for host in dict.fromkeys(needed):
        if host not in cluster.machines:
            continue
        text, found = cluster.node_ip_text(host), cluster.node_ip(host)
        if found is None:
            yield row(
                host,
                "addresses",
                False,
                f"{text} is not an IP address",
                "an IP address of the machine",
                "cluster_node_ip",
            )
            continue
        unusable = found.is_loopback or found.is_unspecified or found.is_multicast or found.is_link_local
        yield row(host, "addresses", not unusable, text, "an address that other machines can reach", "cluster_node_ip")
        if found == virtual_ip:
            yield row(
                host,
                "addresses",
                False,
                f"{text} is cluster_load_balancer.virtual_ip",
                "the machine's own address",
                "cluster_node_ip",
            )
    for host in cluster.machines:
        owners.setdefault(str(cluster.node_ip(host) or cluster.node_ip_text(host)), []).append(host)
    for text, hosts in owners.items():
        if len(hosts) > 1:
            yield row(
                INVENTORY,
                "addresses",
                False,
                f"{text} for {', '.join(hosts)}",
                "an address for each",
                "cluster_node_ip",
            )
    pods = network(cluster.cluster["cluster_pod_cidr"])
    other = [host for host in cluster.nodes if pods and (ip := cluster.node_ip(host)) and ip.version != pods.version]
    if other and pods:
        yield row(
            INVENTORY,
            "addresses",
            False,
            f"IPv{pods.version}, but {', '.join(other)} not",
            "nodes, pods and Services of one IP family",
            "cluster_pod_cidr",
        )


def check_endpoint(cluster: Cluster) -> Iterator[Finding]:
    """The API's address, and how it fits the load balancers."""
    host, port = cluster.endpoint()
    settings = cluster.cluster["cluster_load_balancer"]
    option = "cluster_endpoint.host"
    if host:
        wanted = "a name or an IP address alone"
        if "://" in host:
            wanted += "; clients always use https"
        elif re.fullmatch(r"[^:]+:\d+", host):
            wanted += "; the port belongs in cluster_endpoint.port"
        good = address(host) is not None or (is_domain(host) and not re.fullmatch(r"[\d.]+", host))
        yield row(INVENTORY, "endpoint", good, host, wanted, option)
    yield from check_ports_wanted(cluster, port)
    virtual, virtual_ip = settings["virtual_ip"], address(settings["virtual_ip"])
    vip_option = "cluster_load_balancer.virtual_ip"
    if virtual and (virtual_ip is None or virtual_ip.version != 4):
        yield row(INVENTORY, "endpoint", False, f"{virtual} is not an IPv4 address", "an IPv4 address", vip_option)
        return
    if not 1 <= settings["virtual_router_id"] <= 255:
        yield row(
            INVENTORY,
            "endpoint",
            False,
            settings["virtual_router_id"],
            "a number from 1 to 255",
            "cluster_load_balancer.virtual_router_id",
        )
    if cluster.mode == "external":
        if virtual_ip:
            yield row(
                INVENTORY,
                "endpoint",
                False,
                f"{virtual_ip} is unused with mode external",
                "null",
                vip_option,
                otherwise=WARN,
            )
        return
    count = len(cluster.balancers)
    if count > 1 or virtual_ip:
        yield row(
            INVENTORY,
            "endpoint",
            virtual_ip is not None,
            virtual_ip or f"none for {count} load balancers",
            "an address that moves between them",
            vip_option,
        )
    target = address(host)
    expected = virtual_ip or (cluster.node_ip(cluster.balancers[0]) if count == 1 else None)
    if target and expected:
        what = vip_option if virtual_ip else f"the load balancer {cluster.balancers[0]}"
        yield row(INVENTORY, "endpoint", target == expected, host, f"{expected}, the address of {what}", option)


def check_ports_wanted(cluster: Cluster, port: int) -> Iterator[Finding]:
    """Ports that the inventory chooses: in range, and none twice on a machine."""
    api = int(cluster.cluster["cluster_api_port"])
    on_control = {"cluster_api_port": api}
    if cluster.mode == "colocated":
        on_control["cluster_endpoint.port"] = port
    for option, number in {"cluster_endpoint.port": port, "cluster_api_port": api}.items():
        yield row(INVENTORY, "endpoint", 1 <= number <= 65535, number, "a port from 1 to 65535", option)
    for option, number in on_control.items():
        used = CONTROL_PORTS.get(number) or ("Services (NodePort)" if number in NODE_PORTS else None)
        if used:
            yield row(INVENTORY, "endpoint", False, f"{number} belongs to {used}", "another port", option)
    if cluster.mode == "colocated":
        yield row(
            INVENTORY,
            "endpoint",
            port != api,
            f"{port}, and cluster_api_port is {api}",
            "two ports on the same machines, such as 8443 and 6443",
            "cluster_endpoint.port",
        )


def check_networks(cluster: Cluster) -> Iterator[Finding]:
    """Pod and service CIDR."""
    networks: dict[str, Network] = {}
    for option in ("cluster_pod_cidr", "cluster_service_cidr"):
        value = cluster.cluster[option]
        wrong = refused(value)
        found, wanted = wrong or (value, "a network whose host bits are zero")
        yield row(INVENTORY, "networks", wrong is None, found, wanted, option)
        usable = network(value)
        if wrong is None and usable is not None:
            networks[option] = usable
    pods, services = networks.get("cluster_pod_cidr"), networks.get("cluster_service_cidr")
    if pods:
        yield from check_node_parts(cluster, pods)
    if services:
        wrong = wrong_services(services)
        found, wanted = wrong or (f"{services.num_addresses} addresses", "10 to 1048576 addresses")
        yield row(
            INVENTORY,
            "networks",
            wrong is None and services.num_addresses >= 256,
            found,
            wanted,
            "cluster_service_cidr",
            recommended="" if wrong else "256 addresses or more",
            otherwise="FAIL" if wrong else WARN,
        )
    if pods and services and pods.version != services.version:
        yield row(
            INVENTORY,
            "networks",
            False,
            f"{services} and {pods}",
            "two networks of one IP family",
            "cluster_service_cidr",
        )
    for later, earlier in clashes(networks):
        yield row(
            INVENTORY,
            "networks",
            False,
            f"{networks[later]} overlaps with {earlier} {networks[earlier]}",
            "a network of its own",
            later,
        )
    own = {host: cluster.node_ip(host) for host in cluster.machines}
    host, _ = cluster.endpoint()
    own["cluster_endpoint.host"] = address(host)
    own["cluster_load_balancer.virtual_ip"] = address(cluster.cluster["cluster_load_balancer"]["virtual_ip"])
    for option, place in networks.items():
        within = [f"{name} {ip}" for name, ip in own.items() if inside(place, ip)]
        if within:
            yield row(
                INVENTORY,
                "networks",
                False,
                f"{place} has the address of {', '.join(within)} in it",
                "a network without machines",
                option,
            )


def check_node_parts(cluster: Cluster, pods: Network) -> Iterator[Finding]:
    """The part of the pod CIDR that each node gets."""
    prefix = int(cluster.cluster["cluster_node_cidr_prefix"])
    wrong = wrong_parts(pods, prefix, len(cluster.nodes))
    option = "cluster_node_cidr_prefix"
    if wrong:
        yield row(INVENTORY, "networks", False, wrong[0], wrong[1], option)
        return
    limits = [
        int(value)
        for host in cluster.nodes
        if str(
            value := (cluster.of(host, "kubeadm_cluster_kubelet_configuration") or {}).get("maxPods", PODS)
        ).isdigit()
    ]
    most = max(limits, default=PODS)
    yield row(
        INVENTORY,
        "networks",
        pods_of(pods, prefix) >= most,
        f"/{prefix} has addresses for {pods_of(pods, prefix)} pods a node",
        f"addresses for {most}, or fewer in kubeadm_cluster_kubelet_configuration.maxPods",
        option,
        otherwise=WARN,
    )


def wrong_key(key: Any) -> bool:
    """Whether a text cannot be the key of a label or a taint."""
    prefix, slash, name = str(key).rpartition("/")
    return bool(slash and not is_domain(prefix)) or not LABEL_NAME.fullmatch(name)


def wrong_value(value: Any) -> bool:
    """Whether something cannot be the value of a label or a taint."""
    if isinstance(value, (bool, float, Mapping, list)) or value is None:
        return True
    return str(value) != "" and not LABEL_NAME.fullmatch(str(value))


VALUE = "at most 63 letters, digits, hyphens, underscores and points, in quotes"
KEY = "a name such as example.com/disk: at most 63 letters, digits, hyphens, underscores and points"


def check_labels(cluster: Cluster) -> Iterator[Finding]:
    """Labels and taints of nodes."""
    for host in cluster.nodes:
        labels = cluster.of(host, "cluster_node_labels") or {}
        taints = cluster.of(host, "cluster_node_taints") or []
        wrong = [
            *(row(host, "labels", False, key, KEY, "cluster_node_labels") for key in labels if wrong_key(key)),
            *(
                row(host, "labels", False, f"{key}: {value}", VALUE, f"cluster_node_labels.{key}")
                for key, value in labels.items()
                if wrong_value(value)
            ),
        ]
        seen = set()
        for number, taint in enumerate(taints):
            option = f"cluster_node_taints[{number}]"
            key, value, effect = taint.get("key"), taint.get("value"), taint.get("effect")
            if wrong_key(key):
                wrong.append(row(host, "labels", False, key, KEY, f"{option}.key"))
            if value is not None and wrong_value(value):
                wrong.append(row(host, "labels", False, value, VALUE, f"{option}.value"))
            if (key, effect) in seen:
                wrong.append(row(host, "labels", False, f"{key}:{effect} twice", "each taint once", option))
            seen.add((key, effect))
        yield from wrong or [Finding(host, "labels", OK, f"{len(labels)} labels, {len(taints)} taints", "valid names")]


def replaces_kube_proxy(cluster: Cluster) -> tuple[bool, bool]:
    """Whether the pod network can do kube-proxy's work, and whether it would do nothing else."""
    first = next(iter(cluster.nodes), "")
    network = cluster.of(first, "cni_implementation")
    ebpf = network == "calico" and cluster.of(first, "calico_data_plane") == "ebpf"
    return network in ("cilium", "none") or ebpf, ebpf


def check_pod_network(cluster: Cluster) -> Iterator[Finding]:
    """Services are carried out by kube-proxy or by the pod network: not by both, and not by nobody."""
    wanted = bool(cluster.cluster["cluster_kube_proxy"])
    can, must = replaces_kube_proxy(cluster)
    network = cluster.of(next(iter(cluster.nodes), ""), "cni_implementation")
    option = "calico_data_plane" if must else "cluster_kube_proxy"
    good = not must if wanted else can
    others = "cilium, or calico with calico_data_plane: ebpf"
    yield row(
        INVENTORY,
        "pod_network",
        good,
        f"{network}, {'with' if wanted else 'without'} kube-proxy",
        "nftables beside kube-proxy, or cluster_kube_proxy: false" if must else f"true, or cni_implementation {others}",
        option,
    )


def version_of(text: Any) -> tuple[int, ...] | None:
    """A version as numbers."""
    match = re.match(r"v?(\d+)\.(\d+)\.(\d+)", str(text))
    return tuple(map(int, match.groups())) if match else None


def check_versions(cluster: Cluster) -> Iterator[Finding]:
    """Whether the wanted versions are versions, and there are digests for them."""
    wanted = str(cluster.cluster["cluster_version"])
    option = "cluster_version"
    if not re.fullmatch(r"\d+\.\d+\.\d+", wanted):
        yield row(INVENTORY, "version", False, wanted, "three numbers without v, such as 1.36.4", option)
    elif (version_of(wanted) or ())[:2] < OLDEST:
        yield row(INVENTORY, "version", False, wanted, "1.31.0 or newer, for kubeadm's v1beta4", option)
    else:
        yield from check_digests(
            cluster, option, wanted, "kubeadm_cluster_checksums", ("kubeadm", "kubectl", "kubelet")
        )
    for artifact in ("containerd", "runc", "cni_plugins", "crictl"):
        name = "containerd_version" if artifact == "containerd" else f"containerd_{artifact}_version"
        host = next(iter(cluster.nodes), "")
        version = cluster.of(host, name)
        if version is not None:
            yield from check_digests(cluster, name, str(version), "containerd_checksums", (artifact,))


def check_digests(
    cluster: Cluster, option: str, version: str, checksums: str, artifacts: tuple[str, ...]
) -> Iterator[Finding]:
    """Whether every file of a version has a digest for the machines' architectures."""
    known = cluster.of(next(iter(cluster.nodes), ""), checksums)
    if not isinstance(known, Mapping):
        return
    names = {"x86_64": "amd64", "aarch64": "arm64"}
    architectures = {names.get(facts["arch"], facts["arch"]) for _, facts in cluster.facts(cluster.nodes)} & {
        "amd64",
        "arm64",
    }
    missing = []
    for artifact in artifacts:
        versions = known.get(artifact)
        digests = versions.get(version) if isinstance(versions, Mapping) else None
        if not isinstance(digests, Mapping) or architectures - set(digests):
            missing.append(artifact)
    there = sorted(
        {str(have) for artifact in artifacts for have in (known.get(artifact) or ())},
        key=lambda have: version_of(have) or (),
    )
    yield row(
        INVENTORY,
        "version",
        not missing,
        f"{version}, but no digest of {', '.join(missing)} in {checksums}" if missing else version,
        f"{' or '.join(there) or 'a version'}, or its digests in {checksums}",
        option,
    )


def check_sources(cluster: Cluster) -> Iterator[Finding]:
    """Mirrors as they are written."""
    for host in cluster.nodes:
        mirror = cluster.of(host, "cluster_mirror") or {}
        for key in ("files", "registry"):
            url = mirror.get(key)
            if url:
                good = bool(re.fullmatch(r"https?://[^\s/?#]+(/[^\s?#]*)?", str(url)))
                yield row(
                    host, "sources", good, url, "a URL such as https://mirror.example.com", f"cluster_mirror.{key}"
                )
        if mirror.get("ca"):
            good = "-----BEGIN CERTIFICATE-----" in str(mirror["ca"])
            yield row(
                host,
                "sources",
                good,
                "a certificate" if good else "no PEM text",
                "the text of a certificate in PEM",
                "cluster_mirror.ca",
            )


CHECKS = (
    check_groups,
    check_control_planes,
    check_names,
    check_addresses,
    check_endpoint,
    check_networks,
    check_pod_network,
    check_labels,
    check_versions,
    check_sources,
)
