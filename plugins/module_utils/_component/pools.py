# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether pools of addresses get in each other's way, or in the way of the cluster. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Union

Address = Union[ipaddress.IPv4Address, ipaddress.IPv6Address]
Range = tuple[Address, Address]


def parse(text: str) -> Range:
    """The first and the last address of a range, a CIDR or one address. Raises ValueError."""
    if "-" in text:
        first, last = (ipaddress.ip_address(part.strip()) for part in text.split("-", 1))
        if first.version != last.version or int(first) > int(last):
            raise ValueError(f"{text!r} does not go from a lower address to a higher one")
        return first, last
    network = ipaddress.ip_network(text.strip(), strict=False)
    return network[0], network[-1]


def overlap(one: Range, other: Range) -> bool:
    """Whether two ranges share an address."""
    if one[0].version != other[0].version:
        return False
    return int(one[0]) <= int(other[1]) and int(other[0]) <= int(one[1])


def conflicts(pools: Sequence[Mapping[str, Any]], reserved: Mapping[str, str]) -> list[str]:
    """A sentence for each conflict."""
    return list(_conflicts(pools, reserved))


def _conflicts(pools: Sequence[Mapping[str, Any]], reserved: Mapping[str, str]) -> Iterator[str]:
    seen: list[tuple[str, Range]] = []
    for name, text in reserved.items():
        try:
            seen.append((f"{text} of {name}", parse(text)))
        except ValueError:
            continue  # a host name is no address
    names: set[str] = set()
    for pool in pools:
        name = str(pool["name"])
        if name in names:
            yield f"metallb_pools has two pools named {name}; give each its own name."
        names.add(name)
        for text in map(str, pool["addresses"]):
            try:
                found = parse(text)
            except ValueError as error:
                yield f"metallb_pools: pool {name}: {error}; write a range such as 192.0.2.10-192.0.2.20, or a CIDR."
                continue
            for label, other in seen:
                if overlap(found, other):
                    yield f"metallb_pools: {text} of pool {name} overlaps {label}; take other addresses for one of them."
            seen.append((f"{text} of pool {name}", found))
