# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""BGP of MetalLB: what is announced to whom, on rendered objects, and what cannot work."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from .records import EVERYTHING, record, value

PEER = {"name": "r1", "my_asn": 64512, "peer_asn": 64513, "peer_address": "192.0.2.1"}
POOL = {"name": "routed", "addresses": ["198.51.100.0/24"], "advertise": "bgp"}


def problems(checkout: Path, **inventory: Any) -> list[str]:
    return list(value(checkout / "roles/metallb", "__metallb_problems", **inventory))


def test_each_pool_is_announced_in_its_own_way_through_frr_with_bfd(checkout: Path) -> None:
    stages = record(checkout / "roles/metallb", **EVERYTHING)["stages"]
    assert stages[0]["releases"][0]["values"]["frrk8s"] == {"enabled": True}
    objects = {(item["kind"], item["metadata"]["name"]): item["spec"] for item in stages[1]["manifests"]}
    assert objects["L2Advertisement", "default"]["ipAddressPools"] == ["default"]
    routed = objects["BGPAdvertisement", "routed"]
    assert routed["ipAddressPools"] == ["routed"] and routed["peers"] == ["r1"]
    assert objects["BGPPeer", "r1"]["bfdProfile"] == "kubestd" and ("BFDProfile", "kubestd") in objects
    assert "bfdProfile" not in objects["BGPPeer", "r2"]


@pytest.mark.parametrize(
    ("pools", "peers", "sentence"),
    [
        ([POOL], [], "routed is announced by BGP, and metallb_bgp_peers names no router"),
        ([{**POOL, "peers": ["r9"]}], [PEER], "routed is announced to r9, which is none of metallb_bgp_peers (r1)"),
        ([], [{**PEER, "bfd": True, "graceful_restart": True}], "r1 has bfd and graceful_restart"),
        ([], [PEER, PEER], "two peers of one name (r1, r1)"),
    ],
)
def test_what_cannot_work_is_refused_with_one_sentence(
    checkout: Path, pools: list[Any], peers: list[Any], sentence: str
) -> None:
    found = problems(checkout, metallb_pools=pools, metallb_bgp_peers=peers)
    assert len(found) == 1 and sentence in found[0]


def test_what_works_is_not_refused(checkout: Path) -> None:
    assert problems(checkout, **EVERYTHING) == []
    assert (
        problems(checkout, metallb_pools=[{**POOL, "peers": ["r1"]}], metallb_bgp_peers=[{**PEER, "bfd": True}]) == []
    )
