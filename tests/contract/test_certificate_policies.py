# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""cert_manager: who may have which certificate of the platform's issuer, and what its controller waits for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from .records import EVERYTHING, INVENTORIES, manifests, platform_roles, record, value, values
from .test_roles import merged

POLICIES = {"cert_manager_policies": EVERYTHING["cert_manager_policies"]}


def policies(found: dict[str, Any]) -> dict[str, Any]:
    return {item["metadata"]["name"]: item["spec"] for item in manifests(found, "CertificateRequestPolicy")}


def test_cert_manager_approves_everything_only_while_there_is_no_policy(checkout: Path) -> None:
    role = checkout / "roles/cert_manager"
    without, with_policies = record(role), record(role, **POLICIES)
    assert not values(without, "cert-manager")["disableAutoApproval"] and not policies(without)
    assert len([release for stage in without["stages"] for release in stage.get("releases", [])]) == 1
    assert values(with_policies, "cert-manager")["disableAutoApproval"]
    assert values(with_policies, "cert-manager-approver-policy")["replicaCount"] == 2


def test_cert_manager_may_use_each_policy_that_is_made(checkout: Path) -> None:
    found = record(checkout / "roles/cert_manager", **POLICIES)
    rule = manifests(found, "ClusterRole")[0]["rules"][0]
    assert sorted(rule["resourceNames"]) == sorted(policies(found)) and rule["verbs"] == ["use"]
    assert manifests(found, "ClusterRoleBinding")[0]["subjects"][0]["namespace"] == "cert-manager"


def test_a_policy_allows_what_the_inventory_says_and_no_authority(checkout: Path) -> None:
    found = policies(record(checkout / "roles/cert_manager", **POLICIES))
    assert found["web"]["allowed"]["dnsNames"] == {"values": ["*.web.example.com"]}
    assert "namespace" not in found["web"]["selector"] and "constraints" not in found["web"]
    team = found["team-a"]
    assert team["selector"]["namespace"]["matchNames"] == ["team-a-*"]
    assert team["constraints"] == {"maxDuration": "2160h"} and team["allowed"]["ipAddresses"]["values"] == ["192.0.2.*"]
    authorities = {name for name, spec in found.items() if spec["allowed"].get("isCA")}
    assert authorities == {"kubestd-issuers-of-namespaces", "kubestd-authority"}
    for name in ("web", "team-a", "kubestd-systems"):
        assert found[name]["selector"]["issuerRef"]["name"] == "platform"


def test_every_system_that_asks_the_issuer_of_the_platform_may(checkout: Path) -> None:
    asking = set()
    for role in platform_roles(checkout):
        found = record(role, **EVERYTHING)
        for item in manifests(found, "Certificate"):
            if item["spec"]["issuerRef"] == {"name": "platform", "kind": "ClusterIssuer"}:
                asking.add(item["metadata"].get("namespace") or found["namespace"]["name"])
        if "'kind': 'ClusterIssuer'" in str(
            [release["values"] for stage in found["stages"] for release in stage.get("releases", [])]
        ):
            asking.add(found["namespace"]["name"])
    assert asking - {"cert-manager"} == set(
        merged(checkout / "roles/cert_manager", "defaults")["cert_manager_policy_namespaces"]
    )


@pytest.mark.parametrize(
    ("names", "message"), [(["a", "a"], "has a name more than once (a, a)"), (["kubestd-a"], "write another name")]
)
def test_names_that_cannot_be_are_refused(checkout: Path, names: list[str], message: str) -> None:
    given = [{"name": name, "dns_names": ["a"]} for name in names]
    (found,) = value(checkout / "roles/cert_manager", "__cert_manager_wrong", cert_manager_policies=given)
    assert message in found and found.endswith(".")
    assert value(checkout / "roles/cert_manager", "__cert_manager_wrong", **POLICIES) == []


def test_the_controller_waits_for_the_gateway_api_where_it_is_to_use_it(checkout: Path) -> None:
    role = checkout / "roles/cert_manager"
    without = record(role, **EVERYTHING)
    assert not values(without, "cert-manager")["config"] and "releases" in without["stages"][0]
    for inventory in (INVENTORIES["acme"], {"cert_manager_gateway_api": True}):
        found = record(role, **inventory)
        assert values(found, "cert-manager")["config"]["gatewayAPI"] == {"enabled": True}
        assert found["stages"][0]["health"][0]["object"] == "gateways.gateway.networking.k8s.io"
