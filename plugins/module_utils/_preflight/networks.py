# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks as a cluster needs them. Nothing here asks a machine."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import Union

Network = Union[ipaddress.IPv4Network, ipaddress.IPv6Network]
Address = Union[ipaddress.IPv4Address, ipaddress.IPv6Address]

#: kube-controller-manager: a node's part is at most 16 bits longer than the pod CIDR (PodSubnetNodeMaskMaxDiff of kubeadm).
NODE_BITS = 16
#: kubeadm: a service CIDR has at most 20 bits and at least 10 addresses (MaximumBitsForServiceSubnet, MinimumAddressesInServiceSubnet).
SERVICE_BITS = 20
SERVICE_ADDRESSES = 10
#: The kubelet runs at most 110 pods unless maxPods says otherwise.
PODS = 110
#: Ranges that belong to nobody's pods or Services.
RESERVED = ("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3", "::1/128", "fe80::/10", "ff00::/8")


def address(text: object) -> Address | None:
    """An IP address, None when it is none."""
    try:
        return ipaddress.ip_address(str(text))
    except ValueError:
        return None


def network(text: object) -> Network | None:
    """A network whose host bits are zero, None when it is none."""
    try:
        return ipaddress.ip_network(str(text))
    except ValueError:
        return None


def refused(text: object) -> tuple[str, str] | None:
    """What is wrong with a CIDR, and what to write instead; None when it can be used."""
    value = str(text)
    example = "a network such as 10.244.0.0/16"
    if "," in value:
        return f"{value} is more than one network", "one network; this collection builds clusters of one IP family"
    if network(value) is None:
        try:
            loose = ipaddress.ip_network(value, strict=False)
        except ValueError:
            return f"{value} is not a network", example
        return f"{value} has host bits set", str(loose)
    if "/" not in value:
        return f"{value} has no prefix length", example
    for text_of_range in RESERVED:
        if overlap(network(value), network(text_of_range)):
            return (
                f"{value} overlaps with {text_of_range}, which is reserved",
                "a private network such as 10.244.0.0/16",
            )
    return None


def overlap(one: Network | None, other: Network | None) -> bool:
    """Whether two networks share an address."""
    return one is not None and other is not None and one.version == other.version and one.overlaps(other)


def inside(place: Network | None, who: Address | None) -> bool:
    """Whether an address is in a network."""
    return place is not None and who is not None and place.version == who.version and who in place


def nodes_of(pods: Network, prefix: int) -> int:
    """How many nodes can get a part of that prefix length."""
    return 0 if prefix < pods.prefixlen or prefix > pods.max_prefixlen else int(2 ** (prefix - pods.prefixlen))


def pods_of(pods: Network, prefix: int) -> int:
    """How many pods a node's part has addresses for: the first is the network, the second the gateway, the last (IPv4) the broadcast."""
    return max(0, int(2 ** (pods.max_prefixlen - prefix)) - (3 if pods.version == 4 else 2))


def wrong_parts(pods: Network, prefix: int, nodes: int) -> tuple[str, str] | None:
    """What is wrong with the length of the nodes' parts of the pod CIDR."""
    least, most = pods.prefixlen, min(pods.prefixlen + NODE_BITS, pods.max_prefixlen - 2)
    if not least <= prefix <= most:
        return f"{prefix} does not divide {pods}", f"a number from {least} to {most}"
    if nodes_of(pods, prefix) < nodes:
        bits = (nodes - 1).bit_length()
        larger = f"a cluster_pod_cidr of at least /{max(0, prefix - bits)}"
        return (
            f"{pods} has {nodes_of(pods, prefix)} part{'' if nodes_of(pods, prefix) == 1 else 's'} of /{prefix} for {nodes} nodes",
            f"at least /{least + bits}, or {larger}" if least + bits <= most else larger,
        )
    return None


def wrong_services(services: Network) -> tuple[str, str] | None:
    """What is wrong with the size of a service CIDR."""
    bits = services.max_prefixlen - services.prefixlen
    if bits > SERVICE_BITS:
        return (
            f"{services} is too large for the API server",
            f"a prefix length of at least {services.max_prefixlen - SERVICE_BITS}",
        )
    if services.num_addresses < SERVICE_ADDRESSES:
        return (
            f"{services} has {services.num_addresses} addresses",
            f"a prefix length of at most {services.max_prefixlen - 4}",
        )
    return None


def clashes(networks: dict[str, Network]) -> Iterator[tuple[str, str]]:
    """Pairs of names of networks that overlap, the later one first."""
    names = list(networks)
    for number, name in enumerate(names):
        for earlier in names[:number]:
            if overlap(networks[name], networks[earlier]):
                yield name, earlier
