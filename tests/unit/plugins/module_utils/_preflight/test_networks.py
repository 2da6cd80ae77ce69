# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds for any network, not only for those that somebody thought of."""

from __future__ import annotations

import ipaddress
import re
from typing import Union

from ansible_collections.kubestd.platform.plugins.module_utils._preflight import networks
from hypothesis import assume, given
from hypothesis import strategies as st

Network = Union[ipaddress.IPv4Network, ipaddress.IPv6Network]


def of_family(family: type[Network], bits: int) -> st.SearchStrategy[Network]:
    return st.builds(
        lambda number, prefix: family((number, prefix), strict=False), st.integers(0, 2**bits - 1), st.integers(0, bits)
    )


FOUR, SIX = of_family(ipaddress.IPv4Network, 32), of_family(ipaddress.IPv6Network, 128)
ANY = st.one_of(FOUR, SIX)


@st.composite
def nested(draw: st.DrawFn) -> tuple[Network, Network]:
    """A network and one that is part of it."""
    outer = draw(ANY)
    prefix = draw(st.integers(outer.prefixlen, outer.max_prefixlen))
    number = draw(st.integers(int(outer.network_address), int(outer.broadcast_address)))
    return outer, type(outer)((number, prefix), strict=False)


@given(ANY, ANY)
def test_an_overlap_is_symmetric_and_means_a_shared_address(one: Network, other: Network) -> None:
    shared = one.version == other.version and (
        max(int(one.network_address), int(other.network_address))
        <= min(int(one.broadcast_address), int(other.broadcast_address))
    )
    assert networks.overlap(one, other) == networks.overlap(other, one) == shared


@given(ANY)
def test_a_network_overlaps_with_itself_and_with_nothing_that_is_none(one: Network) -> None:
    assert networks.overlap(one, one)
    assert not networks.overlap(one, None) and not networks.overlap(None, one)


@given(nested())
def test_what_contains_overlaps(pair: tuple[Network, Network]) -> None:
    outer, inner = pair
    assert networks.overlap(outer, inner) and networks.overlap(inner, outer)
    assert networks.inside(outer, inner.network_address) and networks.inside(outer, inner.broadcast_address)


@given(FOUR, SIX)
def test_families_never_overlap(four: Network, six: Network) -> None:
    assert not networks.overlap(four, six)
    assert not networks.inside(four, six.network_address) and not networks.inside(six, four.network_address)


@given(st.dictionaries(st.text("abc", min_size=1), ANY, max_size=5))
def test_each_clash_is_told_once_with_the_later_name_first(places: dict[str, Network]) -> None:
    found, names = list(networks.clashes(places)), list(places)
    assert len({frozenset(pair) for pair in found}) == len(found)
    assert all(names.index(later) > names.index(earlier) for later, earlier in found)
    for later, earlier in ((a, b) for a in names for b in names if names.index(a) > names.index(b)):
        assert ((later, earlier) in found) == networks.overlap(places[later], places[earlier])


@given(ANY)
def test_a_network_is_read_as_it_is_written(one: Network) -> None:
    assert networks.network(str(one)) == one
    assert networks.address(str(one.network_address)) == one.network_address


@given(ANY, st.integers(1))
def test_host_bits_are_refused_with_the_network_that_was_meant(one: Network, number: int) -> None:
    assume(one.num_addresses > 1)
    host = one.network_address + number % (one.num_addresses - 1) + 1 if one.num_addresses > 2 else one[1]
    written = f"{host}/{one.prefixlen}"
    assert networks.network(written) is None
    assert networks.refused(written) == (f"{written} has host bits set", str(one))


@given(ANY)
def test_a_network_is_refused_when_it_touches_a_reserved_range_and_only_then(one: Network) -> None:
    reserved = [text for text in networks.RESERVED if networks.overlap(one, ipaddress.ip_network(text))]
    wrong = networks.refused(str(one))
    assert (wrong is None) == (not reserved)
    if wrong:
        assert wrong[0] == f"{one} overlaps with {reserved[0]}, which is reserved"


@given(st.text(max_size=40))
def test_any_text_is_a_network_or_is_refused_with_what_to_write(text: str) -> None:
    wrong = networks.refused(text)
    assert wrong is None or (all(wrong) and "None" not in wrong[1])
    if wrong is None:
        assert networks.network(text) is not None


@given(ANY, st.integers(0, 128))
def test_parts_are_as_many_as_fit(pods: Network, prefix: int) -> None:
    count = networks.nodes_of(pods, prefix)
    if pods.prefixlen <= prefix <= pods.max_prefixlen:
        assert count * 2 ** (pods.max_prefixlen - prefix) == pods.num_addresses
    else:
        assert count == 0


@given(FOUR, st.integers(0, 30))
def test_a_nodes_part_has_an_address_less_than_hosts_for_the_gateway(pods: Network, prefix: int) -> None:
    part = ipaddress.IPv4Network((0, prefix))
    assert networks.pods_of(pods, prefix) == part.num_addresses - 3


@given(ANY, st.integers(0, 128), st.integers(1, 5000))
def test_parts_are_accepted_when_each_node_gets_one(pods: Network, prefix: int, nodes: int) -> None:
    wrong = networks.wrong_parts(pods, prefix, nodes)
    possible = pods.prefixlen <= prefix <= min(pods.prefixlen + 16, pods.max_prefixlen - 2)
    assert (wrong is None) == (possible and networks.nodes_of(pods, prefix) >= nodes)


@given(st.one_of(FOUR, SIX), st.data())
def test_the_other_sizes_that_are_proposed_are_enough(pods: Network, data: st.DataObject) -> None:
    """When there are too few parts: longer prefixes of the parts, or a larger pod CIDR."""
    length = min(max(14, pods.prefixlen), pods.max_prefixlen - 2)
    pods = type(pods)((int(pods.network_address), length), strict=False)
    prefix = length + data.draw(st.integers(0, min(6, pods.max_prefixlen - 2 - length)))
    nodes = data.draw(st.integers(networks.nodes_of(pods, prefix) + 1, 5000))
    wrong = networks.wrong_parts(pods, prefix, nodes)
    assert wrong
    found = re.fullmatch(r"(?:at least /(\d+), or )?a cluster_pod_cidr of at least /(\d+)", wrong[1])
    assert found
    if found[1]:
        assert networks.wrong_parts(pods, int(found[1]), nodes) is None
    proposed = type(pods)((int(pods.network_address), int(found[2])), strict=False)
    assert networks.wrong_parts(proposed, prefix, nodes) is None


@given(ANY)
def test_a_service_cidr_is_accepted_when_kubeadm_would(services: Network) -> None:
    bits = services.max_prefixlen - services.prefixlen
    wrong = networks.wrong_services(services)
    assert (wrong is None) == (bits <= 20 and services.num_addresses >= 10)
    if wrong:
        length = int(wrong[1].rpartition(" ")[2])
        proposed = type(services)((int(services.network_address), length), strict=False)
        assert networks.wrong_services(proposed) is None
