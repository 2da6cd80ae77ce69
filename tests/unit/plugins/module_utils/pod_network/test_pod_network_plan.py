# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A living cluster keeps its pod network, and kube-proxy with it."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.kubestd.platform.plugins.module_utils._pod_network.plan import (
    DAEMON_SETS,
    FILES,
    Found,
    Wanted,
    make_plan,
    networks,
)
from hypothesis import given
from hypothesis import strategies as st

OURS = ("bridge", "cilium", "calico")
OTHERS = ("87-podman-bridge.conflist", "99-loopback.conf", "00-multus.conf", "10-kubestd.conflist.cilium_bak")
NODES = st.dictionaries(st.sampled_from("abc"), st.lists(st.sampled_from([*FILES, *OTHERS]), max_size=3))
DAEMONS = st.frozensets(st.sampled_from([*DAEMON_SETS, ("kube-system", "kube-proxy"), ("x", "y")]), max_size=3)
FOUND = st.builds(Found, NODES, DAEMONS, st.sampled_from([True, False, None]))
WANTED = st.builds(Wanted, st.sampled_from([*OURS, "none"]), st.booleans())


@given(WANTED, FOUND)
def test_it_is_refused_exactly_when_something_else_is_there(wanted: Wanted, found: Found) -> None:
    plan = make_plan(wanted, found)
    there = set(networks(found))
    another = bool(there - {wanted.implementation})
    proxy = found.kube_proxy is not None and found.kube_proxy != wanted.kube_proxy and bool(found.kube_proxy or there)
    assert bool(plan.refusal) == (wanted.implementation != "none" and (another or proxy))
    assert plan.networks == networks(found)


@given(WANTED, FOUND)
def test_a_refusal_is_one_sentence_that_names_what_is_wrong_where_and_what_to_write(
    wanted: Wanted, found: Found
) -> None:
    said = make_plan(wanted, found).refusal
    if said:
        assert said.endswith(".") and said.count(". ") == 0 and "\n" not in said
        assert "write cni_implementation: " in said or "write cluster_kube_proxy: " in said
        others = set(networks(found)) - {wanted.implementation}
        assert all(name in said for name in others)


@given(st.sampled_from(OURS), st.booleans(), NODES, DAEMONS)
def test_what_a_run_of_ours_has_made_is_never_refused_by_the_next_one(
    implementation: str, kube_proxy: bool, nodes: dict[str, list[str]], daemons: frozenset[tuple[str, str]]
) -> None:
    """Also a run that was killed in between: some nodes have their file and some have not."""
    own = {
        node: [name for name in names if FILES.get(name, implementation) == implementation]
        for node, names in nodes.items()
    }
    runs = frozenset(key for key in daemons if DAEMON_SETS.get(key, implementation) == implementation)
    assert make_plan(Wanted(implementation, kube_proxy), Found(own, runs, kube_proxy)).refusal == ""


@given(WANTED, FOUND)
def test_what_was_found_decides_and_not_the_order_in_which_it_was_found(wanted: Wanted, found: Found) -> None:
    turned = Found(
        {node: reversed(list(found.nodes[node])) for node in reversed(list(found.nodes))},
        found.daemon_sets,
        found.kube_proxy,
    )
    assert make_plan(wanted, turned) == make_plan(wanted, found)


CASES: list[tuple[str, Wanted, dict[str, Any], str]] = [
    ("a new cluster", Wanted("cilium"), {"nodes": {"a": []}}, ""),
    ("a new cluster without kube-proxy that is half done", Wanted("bridge"), {"kube_proxy": False}, ""),
    ("the same", Wanted("bridge"), {"nodes": {"a": ["10-kubestd.conflist"], "b": []}}, ""),
    ("what podman has", Wanted("calico"), {"nodes": {"a": ["87-podman-bridge.conflist"]}}, ""),
    ("somebody else's", Wanted("none"), {"nodes": {"a": ["10-flannel.conflist"]}, "kube_proxy": False}, ""),
    (
        "another on a node",
        Wanted("cilium"),
        {"nodes": {"a": ["10-kubestd.conflist"]}},
        "This cluster has the pod network bridge (bridge: /etc/cni/net.d/10-kubestd.conflist on a) and cni_implementation is cilium;",
    ),
    ("another in the cluster", Wanted("bridge"), {"daemon_sets": frozenset({("kube-system", "cilium")})}, "DaemonSet kube-system/cilium"),
    ("many nodes", Wanted("calico"), {"nodes": dict.fromkeys("abcde", ["05-cilium.conflist"])}, "on c and 2 more"),
    ("two", Wanted("cilium"), {"nodes": {"a": ["10-calico.conflist"], "b": ["10-flannel.conflist"]}}, "network calico and flannel ("),
    (
        "kube-proxy is to go",
        Wanted("cilium", kube_proxy=False),
        {"kube_proxy": True},
        "This cluster has kube-proxy and cluster_kube_proxy is false, so that both would carry out Services; write cluster_kube_proxy: true",
    ),
    (
        "kube-proxy is to come",
        Wanted("cilium"),
        {"nodes": {"a": ["05-cilium.conflist"]}, "kube_proxy": False},
        "This cluster has no kube-proxy and cluster_kube_proxy is true, so that its pod network does that work; write cluster_kube_proxy: false",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("wanted", "found", "sentence"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_cases(wanted: Wanted, found: dict[str, Any], sentence: str) -> None:
    refusal = make_plan(wanted, Found(**found)).refusal
    assert sentence in refusal and bool(refusal) == bool(sentence)
