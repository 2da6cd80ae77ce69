# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The seven implementations of the Gateway behind one interface, on rendered objects."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar

from .keys import split
from .records import EVERYTHING, NODE_PORTS, record, trusted, value
from .test_roles import merged, options

WITH_CHART = ("envoy_gateway", "kgateway", "kong", "nginx_gateway_fabric", "traefik")
WITHOUT_CHART: dict[str, dict[str, Any]] = {
    "istio": {"groups": {"platform": ["gateway_api", "istio"]}},
    "cilium": {"cni_implementation": "cilium"},
}
ALL = (*WITH_CHART, *WITHOUT_CHART)
CLASSES = {"envoy_gateway": "envoy-gateway", "nginx_gateway_fabric": "nginx"}


def described(checkout: Path, implementation: str, **more: Any) -> dict[str, Any]:
    more = {**WITHOUT_CHART.get(implementation, {}), **more}
    return record(
        checkout / "roles/gateway_api", **{**EVERYTHING, "gateway_api_implementation": implementation, **more}
    )


def objects(found: dict[str, Any], kind: str) -> dict[str, dict[str, Any]]:
    return {
        item["metadata"]["name"]: item
        for stage in found["stages"]
        for item in stage.get("manifests", [])
        if item["kind"] == kind
    }


def values(found: dict[str, Any]) -> dict[str, Any]:
    return dict(found["stages"][1]["releases"][0]["values"])


def problems(checkout: Path, implementation: str, **more: Any) -> list[str]:
    more["gateway_api_implementation"] = implementation
    return list(value(checkout / "roles/gateway_api", "__gateway_api_problems", **more))


def test_every_choice_is_tried_here(checkout: Path) -> None:
    assert set(ALL) == set(options(checkout / "roles/gateway_api")["gateway_api_implementation"]["choices"])


@pytest.mark.parametrize("implementation", ALL)
def test_the_gateway_is_of_the_class_that_is_waited_for(checkout: Path, implementation: str) -> None:
    found = described(checkout, implementation)
    gateway = objects(found, "Gateway")["platform"]["spec"]
    assert gateway["gatewayClassName"] == CLASSES.get(implementation, implementation)
    checks = {check["kind"]: check for check in found["stages"][2]["health"]}
    assert checks["GatewayClass"]["object"] == gateway["gatewayClassName"]
    https = next(listener for listener in gateway["listeners"] if listener["name"] == "https")
    certificate = objects(found, "Certificate")["platform-tls"]["spec"]
    assert https["tls"]["certificateRefs"][0]["name"] == certificate["secretName"]


@pytest.mark.parametrize("implementation", ALL)
def test_only_clients_metrics_and_the_api_server_come_in(checkout: Path, implementation: str) -> None:
    found = described(checkout, implementation)
    if implementation == "cilium":  # its proxies are those of the nodes
        assert not objects(found, "NetworkPolicy")
        return
    inside, clients, metrics = objects(found, "NetworkPolicy")["gateway"]["spec"]["ingress"]
    assert inside == {"from": [{"podSelector": {}}]}
    asked = {
        endpoint["portNumber"]
        for monitor in objects(found, "PodMonitor").values()
        for endpoint in monitor["spec"]["podMetricsEndpoints"]
    }
    assert asked == {port["port"] for port in metrics["ports"]}
    assert metrics["from"] == [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}]
    # an admin interface or the channel to the controller is for nobody from outside
    assert {port["port"] for port in clients["ports"]} <= {80, 443, 8000, 8443, 8080, 10080, 10443, 9443}


@pytest.mark.parametrize("implementation", ALL)
def test_without_monitoring_nobody_is_let_in_for_it(checkout: Path, implementation: str) -> None:
    found = described(checkout, implementation, platform_monitoring=False)
    assert not objects(found, "PodMonitor")
    for policy in objects(found, "NetworkPolicy").values():
        assert len(policy["spec"]["ingress"]) == 2


@pytest.mark.parametrize("implementation", [one for one in ALL if one != "cilium"])
def test_every_implementation_runs_twice_with_a_budget_or_once_without(checkout: Path, implementation: str) -> None:
    twice = json.dumps(described(checkout, implementation))
    assert '"minAvailable": 1' in twice and re.search(r'replica(s|Count)"?: 2', twice)
    once = json.dumps(described(checkout, implementation, platform_high_availability=False))
    assert '"minAvailable": 1' not in once and not re.search(r'replica(s|Count)"?: 2', once)


def test_no_pod_has_two_budgets(checkout: Path) -> None:
    budgets = objects(described(checkout, "nginx_gateway_fabric"), "PodDisruptionBudget")
    labels = [set(item["spec"]["selector"]["matchLabels"]) for item in budgets.values()]
    assert len(labels) == 2 and not labels[0] & labels[1]


def node_ports(found: dict[str, Any], implementation: str) -> Any:
    """Where an implementation takes them, as {port of the Service: node port}."""
    if implementation == "envoy_gateway":
        spec = objects(found, "EnvoyProxy")["platform"]["spec"]["provider"]["kubernetes"]["envoyService"]
        return spec["type"], {port["port"]: port["nodePort"] for port in spec["patch"]["value"]["spec"]["ports"]}
    if implementation == "nginx_gateway_fabric":
        spec = values(found)["nginx"]["service"]
        return spec["type"], {port["listenerPort"]: port["port"] for port in spec["nodePorts"]}
    if implementation == "traefik":
        ports = values(found)["ports"]
        kind = values(found)["service"]["spec"]["type"]
        return kind, {80: ports["web"]["nodePort"], 443: ports["websecure"]["nodePort"]}
    if implementation == "kong":
        spec = values(found)["gateway"]["proxy"]
        return spec["type"], {80: spec["http"]["nodePort"], 443: spec["tls"]["nodePort"]}
    if implementation == "kgateway":
        spec = objects(found, "GatewayParameters")["platform"]["spec"]["kube"]["service"]
    else:
        reference = objects(found, "Gateway")["platform"]["spec"]["infrastructure"]["parametersRef"]
        spec = yaml.safe_load(objects(found, "ConfigMap")[reference["name"]]["data"]["service"])["spec"]
    return spec["type"], {port["port"]: port["nodePort"] for port in spec["ports"]}


@pytest.mark.parametrize("implementation", [one for one in ALL if one != "cilium"])
def test_node_ports_are_those_that_the_balancer_knows(checkout: Path, implementation: str) -> None:
    wanted = {name: NODE_PORTS[name] for name in ("gateway_api_service_type", "gateway_api_node_ports")}
    found = described(checkout, implementation, **wanted)
    assert node_ports(found, implementation) == ("NodePort", {80: 30080, 443: 30443})


def test_the_proxy_protocol_is_taken_from_the_balancers(checkout: Path) -> None:
    envoy = objects(described(checkout, "envoy_gateway", **NODE_PORTS), "ClientTrafficPolicy")["clients"]
    assert envoy["spec"]["targetRefs"][0]["name"] == "platform" and not envoy["spec"]["proxyProtocol"]["optional"]
    nginx = values(described(checkout, "nginx_gateway_fabric", **NODE_PORTS))["nginx"]["config"]["rewriteClientIP"]
    assert nginx["mode"] == "ProxyProtocol"
    assert nginx["trustedAddresses"] == [{"type": "CIDR", "value": "192.0.2.0/28"}]
    traefik = values(described(checkout, "traefik", **NODE_PORTS))["ports"]
    assert traefik["web"]["proxyProtocol"] == traefik["websecure"]["proxyProtocol"] == {"trustedIPs": ["192.0.2.0/28"]}


def test_escaped_slashes_stay_where_gitlab_is(checkout: Path) -> None:
    plain = {"gateway_api_proxy_protocol_from": [], "groups": {"platform": ["gateway_api"]}}
    keeps = merged(checkout / "roles/gateway_api", "defaults")["gateway_api_keep_escaped_slashes"]

    def policies(**more: Any) -> dict[str, Any]:
        given = {**plain, "gateway_api_keep_escaped_slashes": keeps, **more}
        return objects(described(checkout, "envoy_gateway", **given), "ClientTrafficPolicy")

    assert policies() == {}
    with_gitlab = policies(groups={"platform": ["gateway_api", "gitlab"]})["clients"]["spec"]
    assert with_gitlab["path"] == {"escapedSlashesAction": "KeepUnchanged"} and "proxyProtocol" not in with_gitlab
    both = policies(gateway_api_keep_escaped_slashes=True, gateway_api_proxy_protocol_from=["192.0.2.0/28"])
    assert set(both["clients"]["spec"]) == {"targetRefs", "path", "proxyProtocol"}


@pytest.mark.parametrize("implementation", ALL)
def test_what_is_there_is_not_refused(checkout: Path, implementation: str) -> None:
    assert problems(checkout, implementation, **WITHOUT_CHART.get(implementation, {})) == []


def test_a_setting_of_the_pod_networks_own_host_counts(checkout: Path) -> None:
    assert problems(checkout, "cilium", hostvars={"cni": {"cni_implementation": "cilium"}}) == []


@pytest.mark.parametrize(
    ("implementation", "more", "sentence"),
    [
        ("istio", {"groups": {"platform": ["gateway_api"]}}, "no system istio stands in the platform groups"),
        ("cilium", {}, "the pod network is bridge; set cni_implementation to cilium"),
        ("cilium", {**WITHOUT_CHART["cilium"], "gateway_api_node_ports": {"http": 30080}}, "takes no node ports"),
        ("cilium", {**WITHOUT_CHART["cilium"], "gateway_api_service_type": "NodePort"}, "no other type of Service"),
        ("kong", {"gateway_api_proxy_protocol_from": ["192.0.2.0/28"]}, "kong is not made to take the PROXY protocol"),
        ("traefik", {"gateway_api_node_ports": {"http": 30080, "https": 30080}}, "http and https the same port 30080"),
    ],
)
def test_what_cannot_work_is_refused_with_one_sentence(
    checkout: Path, implementation: str, more: dict[str, Any], sentence: str
) -> None:
    found = problems(checkout, implementation, **more)
    assert len(found) == 1 and sentence in found[0] and ";" in found[0]


def test_the_channel_that_is_installed_is_the_one_that_is_guarded(checkout: Path) -> None:
    found = described(checkout, "nginx_gateway_fabric", gateway_api_crds_channel="experimental")
    crds = found["stages"][0]
    assert crds["releases"][0]["values"]["crds"]["gatewayAPI"]["channel"] == "experimental"
    assert values(found)["nginxGateway"]["gwAPIExperimentalFeatures"]["enable"] is True
    assert crds["health"][0]["object"] == "safe-upgrades.gateway.networking.k8s.io"


def bridge(checkout: Path) -> dict[str, Any]:
    """The variables of the play that migrates Ingresses."""
    plays = yaml.safe_load((checkout / "playbooks/migrate_ingress.yml").read_text())
    return dict(plays[1]["vars"])


def test_the_bridge_is_the_same_traefik(checkout: Path) -> None:
    chart = merged(checkout / "roles/gateway_api", "defaults")["gateway_api_traefik_chart"]
    release = bridge(checkout)["migrate_ingress_bridge_record"]["stages"][0]["releases"][0]
    assert repr(chart["ref"]) in release["chart"] and repr(str(chart["version"])) in release["chart"]


def test_every_key_of_the_bridge_is_one_of_its_chart(checkout: Path, contracts: Path) -> None:
    values = Templar(DataLoader(), variables={}).template(trusted(bridge(checkout)["migrate_ingress_bridge_values"]))
    known = yaml.safe_load((contracts / "traefik-41.3.0/values.yaml").read_text())
    assert split("traefik", values, known)[1] == set()
    assert values["providers"]["kubernetesIngressNGINX"]["enabled"] is True
