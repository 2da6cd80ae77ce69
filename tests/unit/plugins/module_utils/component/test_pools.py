# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pools of addresses that get in the way."""

from __future__ import annotations

import ipaddress

import pytest
from ansible_collections.kubestd.platform.plugins.module_utils._component.pools import conflicts
from hypothesis import given
from hypothesis import strategies as st


def pool(name: str, *addresses: str) -> dict:
    return {"name": name, "addresses": list(addresses)}


@pytest.mark.parametrize(
    ("pools", "reserved", "said"),
    [
        ([pool("a", "192.0.2.10-192.0.2.20"), pool("b", "192.0.2.16/28")], {}, "192.0.2.16/28 of pool b overlaps 192.0.2.10-192.0.2.20 of pool a"),
        ([pool("a", "192.0.2.1/32", "192.0.2.0/24")], {}, "192.0.2.0/24 of pool a overlaps 192.0.2.1/32 of pool a"),
        ([pool("a", "2001:db8::/64"), pool("b", "2001:db8::5-2001:db8::9")], {}, "of pool b overlaps 2001:db8::/64 of pool a"),
        ([pool("a", "10.244.3.0/24")], {"cluster_pod_cidr": "10.244.0.0/16"}, "overlaps 10.244.0.0/16 of cluster_pod_cidr"),
        ([pool("a", "192.0.2.0/28")], {"cluster_endpoint.host": "192.0.2.9"}, "overlaps 192.0.2.9 of cluster_endpoint.host"),
        ([pool("a", "192.0.2.20-192.0.2.10")], {}, "does not go from a lower address to a higher one; write a range"),
        ([pool("a", "192.0.2.1-2001:db8::1")], {}, "does not go from a lower"),
        ([pool("a", "192.0.2.300")], {}, "pool a: '192.0.2.300' does not appear to be"),
        ([pool("a", "192.0.2.1/32"), pool("a", "192.0.2.2/32")], {}, "two pools named a"),
    ],
)  # fmt: skip
def test_a_conflict_is_a_sentence_with_both_sides(pools: list, reserved: dict, said: str) -> None:
    found = conflicts(pools, reserved)
    assert len(found) == 1 and said in found[0]


def test_neighbours_families_and_host_names_are_no_conflict() -> None:
    pools = [pool("a", "192.0.2.0-192.0.2.9"), pool("b", "192.0.2.10-192.0.2.20", "2001:db8::/120"), pool("c", "::/96")]
    assert conflicts(pools, {"cluster_endpoint.host": "k8s.example.com"}) == []


@given(*[st.integers(0, 255)] * 4)
def test_ranges_conflict_when_they_share_an_address(a: int, b: int, c: int, d: int) -> None:
    def text(one: int, other: int) -> str:
        return "-".join(str(ipaddress.IPv4Address(0xC0000200 + number)) for number in sorted((one, other)))

    shared = set(range(min(a, b), max(a, b) + 1)) & set(range(min(c, d), max(c, d) + 1))
    assert bool(conflicts([pool("x", text(a, b)), pool("y", text(c, d))], {})) == bool(shared)
