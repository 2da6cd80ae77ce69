# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which machines of an inventory balance, by the mode of the load balancer."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.kubestd.platform.plugins.action.health_report import machines_of

GROUPS = {"load_balancers": ["lb1"], "control_plane": ["cp1", "cp2"], "workers": ["w1"]}


@pytest.mark.parametrize(
    ("balancer", "hosts", "virtual_ip"),
    [
        ({}, ("lb1",), ""),
        ({"mode": "dedicated", "virtual_ip": "10.0.0.9"}, ("lb1",), "10.0.0.9"),
        ({"mode": "colocated", "virtual_ip": "10.0.0.9"}, ("cp1", "cp2"), "10.0.0.9"),
        ({"mode": "external"}, (), ""),
        ({"mode": "external", "virtual_ip": "10.0.0.9"}, (), ""),
    ],
)
def test_machines_that_balance(balancer: dict[str, Any], hosts: tuple[str, ...], virtual_ip: str) -> None:
    machines = machines_of(GROUPS, balancer, "10.0.0.9:6443", {})
    assert (machines.load_balancers, machines.virtual_ip) == (hosts, virtual_ip)
    assert machines.nodes == ("cp1", "cp2", "w1")
