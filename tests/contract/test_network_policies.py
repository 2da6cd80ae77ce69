# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Network policies of our own, where a chart has none: they let through what the system is asked, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from .records import EVERYTHING, manifests, record, values


def policies(checkout: Path, role: str, **more: Any) -> dict[str, Any]:
    found = record(checkout / "roles" / role, **{**EVERYTHING, **more})
    return {item["metadata"]["name"]: item["spec"] for item in manifests(found, "NetworkPolicy")}


@pytest.mark.parametrize(
    ("system", "name", "port"), [("headlamp", "headlamp", 4466), ("metrics_server", "metrics-server", 10250)]
)
def test_only_the_port_that_users_ask_is_open(checkout: Path, system: str, name: str, port: int) -> None:
    spec = policies(checkout, system)[name]
    assert spec["podSelector"]["matchLabels"] == {"app.kubernetes.io/instance": name}
    assert spec["ingress"] == [{"ports": [{"protocol": "TCP", "port": port}]}]


def test_the_database_and_the_cache_of_harbor_are_reached_from_inside_only(checkout: Path) -> None:
    found = policies(checkout, "harbor", platform_monitoring=False)
    assert found["harbor-inside"]["ingress"] == [{"from": [{"podSelector": {"matchLabels": {"release": "harbor"}}}]}]
    users = found["harbor-users"]
    assert users["podSelector"]["matchExpressions"][0]["values"] == ["nginx", "core", "portal"]
    assert users["ingress"] == [{"ports": [{"protocol": "TCP", "port": 8080}]}]
    scraped = policies(checkout, "harbor")["harbor-inside"]["ingress"][1]
    assert scraped["ports"][0]["port"] == 8001 and "monitoring" in str(scraped["from"])


def test_nobody_asks_rollouts_and_the_updater_but_prometheus(checkout: Path) -> None:
    found = policies(checkout, "argocd")
    ports = {name: spec["ingress"][0]["ports"][0]["port"] for name, spec in found.items()}
    assert ports == {"argo-rollouts": 8090, "argocd-image-updater": 8443}
    assert {str(spec["ingress"]) for spec in policies(checkout, "argocd", platform_monitoring=False).values()} == {"[]"}
    assert set(policies(checkout, "argocd", argocd_systems=["rollouts"])) == {"argo-rollouts"}


def test_addresses_in_policies_are_those_of_nodes_too_with_cilium(checkout: Path) -> None:
    assert values(record(checkout / "roles/cilium", **EVERYTHING), "cilium")["policyCIDRMatchMode"] == ["nodes"]
