# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The objects that platform roles make, for every inventory of the contract tests: accepted by a real API server with the real CRDs."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.kubestd.platform.plugins.module_utils._component.record import parse

from ..contract.keys import chart_of
from ..contract.records import INVENTORIES, platform_roles, record
from .conftest import ROOT
from .control_plane import ControlPlane
from .standins import cilium_crds, policy_crds, snapshot_crds

CONTRACTS = Path(os.environ.get("KUBESTD_CONTRACTS") or ROOT.parent / "shared/contracts")
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

# What comes from a file instead of a chart, and what a role makes only for a system that is there.
ELSEWHERE = {
    "projectcalico.org.v3-v3.32.1",
    "keycloak-operator-26.0.0",
    "kube-prometheus-stack-88.5.3",
    "kubeflow-26.03.1",
    "kubevirt-1.9.0",
    "cdi-1.66.0",
    "knative-serving-1.23",
    "knative-eventing-1.23",
}
# Kinds whose CRD could not be had; their role says so (NOT_READ of tests/contract/keys.py).
UNKNOWN = {("gateway.kgateway.dev/v1alpha1", "GatewayParameters")}


def made() -> dict[str, dict[str, Any]]:
    """All different objects by role, inventory and name, each in its namespace."""
    found: dict[str, dict[str, Any]] = {}
    seen = set()
    for role in platform_roles(ROOT):
        for inventory, variables in INVENTORIES.items():
            described = parse(record(role, **variables))
            for stage in described.stages:
                for item in stage.manifests:
                    if (item["apiVersion"], item["kind"]) in UNKNOWN:
                        continue
                    item["metadata"].setdefault("namespace", described.namespace)
                    text = json.dumps(item, sort_keys=True)
                    if text not in seen:
                        seen.add(text)
                        found[f"{role.name}, {inventory}: {item['kind']} {item['metadata']['name']}"] = item
    return found


def definitions(kinds: set[tuple[str, str]], own: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The CRDs of these kinds, from the charts that the roles release and among the objects that they make."""
    charts = {
        chart_of(release["chart"])
        for role in platform_roles(ROOT)
        for variables in INVENTORIES.values()
        for stage in record(role, **variables)["stages"]
        for release in stage.get("releases", [])
    }
    files = [path for chart in sorted(charts | ELSEWHERE) if (path := CONTRACTS / chart / "crds.yaml").exists()]
    found = {(item["spec"]["group"], item["spec"]["names"]["kind"]): item for item in own}
    for path in [*files, *snapshot_crds(), *policy_crds(), *cilium_crds()]:
        for item in yaml.load_all(path.read_text(), Loader=LOADER):
            key = (item["spec"]["group"], item["spec"]["names"]["kind"]) if item else None
            if key in kinds:
                found[key] = item
    missing = kinds - set(found)
    assert not missing, f"no chart of ours has the CRDs of {missing}"
    return list(found.values())


def apply(control_plane: ControlPlane, items: list[dict[str, Any]], *flags: str) -> str:
    text = "\n---\n".join(json.dumps(item) for item in items)
    return control_plane.kubectl("apply", "--server-side", "--validate=strict", *flags, "-f", "-", stdin=text)


@pytest.fixture(scope="module")
def objects(control_plane: ControlPlane) -> dict[str, dict[str, Any]]:
    """All objects; their CRDs and namespaces are there."""
    if not CONTRACTS.is_dir():
        pytest.skip(f"there is no contract data in {CONTRACTS}; set KUBESTD_CONTRACTS")
    found = made()
    served = control_plane.kubectl("api-versions").split()
    others = [item for item in found.values() if item["apiVersion"] not in served]
    kinds = {(item["apiVersion"].partition("/")[0], item["kind"]) for item in others}
    crds = definitions(kinds, [item for item in found.values() if item["kind"] == "CustomResourceDefinition"])
    apply(control_plane, crds)
    names = [f"crd/{item['metadata']['name']}" for item in crds]
    control_plane.kubectl("wait", "--for=condition=Established", "--timeout=60s", *names)
    spaces = {item["metadata"]["namespace"] for item in found.values()}
    apply(control_plane, [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in spaces])
    return found


def test_every_object_of_every_role_is_accepted(
    control_plane: ControlPlane, objects: dict[str, dict[str, Any]]
) -> None:
    made = {item["kind"] for item in objects.values()}
    assert made >= {"IPAddressPool", "L2Advertisement", "BGPAdvertisement", "BGPPeer", "BFDProfile", "ClusterIssuer"}
    assert made >= {
        "CiliumLoadBalancerIPPool",
        "CiliumL2AnnouncementPolicy",
        "CiliumBGPClusterConfig",
        "CiliumBGPPeerConfig",
    }
    assert made >= {"CiliumBGPAdvertisement", "BGPConfiguration", "FelixConfiguration"}
    assert made >= {"Certificate", "GatewayClass", "Gateway", "EnvoyProxy", "ClientTrafficPolicy", "PodMonitor"}
    said = apply(control_plane, list(objects.values()), "--dry-run=server")
    assert said.count("serverside-applied (server dry run)") == len(objects)


def test_a_field_that_does_not_exist_is_refused(
    control_plane: ControlPlane, objects: dict[str, dict[str, Any]]
) -> None:
    item = json.loads(json.dumps(next(one for one in objects.values() if one["kind"] == "BGPPeer")))
    item["spec"]["holdTimes"] = "90s"
    with pytest.raises(AssertionError, match="holdTimes"):
        apply(control_plane, [item], "--dry-run=server")
