# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Istio and k8gb: what refers to each other fits together, and what cannot work is refused in a sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from .records import EVERYTHING, manifests, record, value, values
from .test_storage_roles import has, keys

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@pytest.fixture(scope="module")
def mesh(checkout: Path) -> dict[str, Any]:
    return record(checkout / "roles/istio", **EVERYTHING)


@pytest.fixture(scope="module")
def gslb(checkout: Path) -> dict[str, Any]:
    return record(checkout / "roles/k8gb", **EVERYTHING)


def names(found: dict[str, Any]) -> list[str]:
    """All releases, in the order in which they are made."""
    return [release["name"] for stage in found["stages"] for release in stage.get("releases", [])]


def checks(found: dict[str, Any]) -> list[dict[str, Any]]:
    return [check for stage in found["stages"] for check in stage.get("health", [])]


def test_kiali_is_the_client_that_keycloak_makes(checkout: Path, mesh: dict[str, Any]) -> None:
    identity = record(checkout / "roles/teleport_keycloak", **EVERYTHING)
    [realm] = manifests(identity, "KeycloakRealmImport")
    clients = {client["clientId"]: client for client in realm["spec"]["realm"]["clients"]}
    kiali = values(mesh, "kiali")
    login = kiali["auth"]["openid"]
    assert kiali["auth"]["strategy"] == "openid" and login["issuer_uri"] == EVERYTHING["platform_oidc"]["issuer"]
    server = kiali["server"]
    address = f"{server['web_schema']}://{server['web_fqdn']}{server['web_root']}"
    assert clients[login["client_id"]]["redirectUris"] == [f"{address}*"]
    scopes = {scope["name"] for scope in realm["spec"]["realm"]["clientScopes"]}
    assert set(login["scopes"]) - {"openid"} <= scopes
    [secret] = [one for one in identity["secrets"] if one["name"] == kiali["deployment"]["secret_name"]]
    assert mesh["namespace"]["name"] in secret["copies"]
    # the file that Kiali reads
    assert secret["keys"] == [{"key": "oidc-secret"}]


def test_people_see_in_kiali_what_their_account_may_see(checkout: Path, mesh: dict[str, Any]) -> None:
    kiali = values(mesh, "kiali")
    assert kiali["auth"]["openid"]["disable_rbac"] is False and kiali["deployment"]["view_only_mode"] is False
    text = (checkout / "inventories/standard/group_vars/machines.yml").read_text(encoding="utf-8")
    line = next(line for line in text.splitlines() if "audiences:" in line)
    assert "kiali" in yaml.safe_load(line.lstrip("# "))["audiences"], "the API servers would not know who logs in"
    shared = values(record(checkout / "roles/istio", **EVERYTHING, istio_kiali_rbac=False), "kiali")
    assert shared["auth"]["openid"]["disable_rbac"] and shared["deployment"]["view_only_mode"]


def test_kiali_is_reached_through_the_gateway_and_reads_the_telemetry_of_the_platform(mesh: dict[str, Any]) -> None:
    [route] = manifests(mesh, "HTTPRoute")
    kiali = values(mesh, "kiali")
    assert route["spec"]["parentRefs"] == [EVERYTHING["platform_gateway"]]
    assert route["spec"]["hostnames"] == [kiali["server"]["web_fqdn"]] == ["kiali.example.com"]
    [check] = [check["http"] for check in checks(mesh) if "http" in check]
    [backend] = route["spec"]["rules"][0]["backendRefs"]
    assert (check["service"], check["port"]) == (backend["name"], str(backend["port"]))
    assert check["json"] == {"strategy": kiali["auth"]["strategy"]}
    read, there = kiali["external_services"], EVERYTHING["platform_telemetry"]
    assert read["prometheus"] == {"enabled": True, "url": there["prometheus"]}
    assert (read["grafana"]["internal_url"], read["grafana"]["external_url"]) == (
        there["grafana"],
        there["grafana_public"],
    )
    assert read["tracing"]["internal_url"] == there["tempo"] and read["tracing"]["provider"] == "tempo"
    assert read["istio"]["root_namespace"] == mesh["namespace"]["name"]


def test_without_telemetry_nothing_is_read_and_without_a_provider_people_have_tokens(checkout: Path) -> None:
    found = record(checkout / "roles/istio")
    kiali = values(found, "kiali")
    read = kiali["external_services"]
    assert {name: read[name] for name in ("prometheus", "grafana", "tracing")} == dict.fromkeys(
        ("prometheus", "grafana", "tracing"), {"enabled": False}
    )
    assert kiali["auth"] == {"strategy": "token", "openid": {}}
    # a Secret that is there: none is made for a client that nobody has
    assert kiali["deployment"]["secret_name"] == found["secrets"][0]["name"]
    assert manifests(found, "HTTPRoute") == [] and manifests(found, "ServiceMonitor") == []


def test_what_signs_sessions_of_kiali_is_generated_and_shared_by_its_pods(mesh: dict[str, Any]) -> None:
    [secret] = mesh["secrets"]
    kind, name, key = values(mesh, "kiali")["login_token"]["signing_key"].split(":")
    assert (kind, name) == ("secret", secret["name"])
    # Kiali takes 16, 24 or 32 characters
    assert secret["keys"] == [{"key": key, "length": 32}]
    assert values(mesh, "kiali")["deployment"]["replicas"] == 2


def test_what_kiali_is_told_stands_in_its_crd(checkout: Path, contracts: Path) -> None:
    text = next(contracts.glob("kiali-operator-*/crds.yaml")).read_text(encoding="utf-8")
    [crd] = [item for item in yaml.load_all(text, Loader=LOADER) if item]
    schema = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    wanted = values(record(checkout / "roles/istio", **EVERYTHING), "kiali")
    assert [path for path in keys({"spec": wanted}) if not has(schema, path)] == []
    assert not has(schema, "spec.external_services.grafana.address")


@pytest.mark.parametrize(("said", "mode"), [("permissive", "PERMISSIVE"), ("strict", "STRICT")])
def test_mutual_tls_is_decided_for_the_whole_mesh_in_its_root_namespace(checkout: Path, said: str, mode: str) -> None:
    found = record(checkout / "roles/istio", **{**EVERYTHING, "istio_mtls": said})
    [policy] = manifests(found, "PeerAuthentication")
    assert policy["spec"] == {"mtls": {"mode": mode}} and policy["metadata"] == {"name": "default"}
    assert values(found, "istiod")["global"]["istioNamespace"] == found["namespace"]["name"]
    # istiod judges it: it comes in a later stage than istiod
    stages = [stage.get("name") for stage in found["stages"]]
    assert stages.index("mesh") > stages.index("control-plane")


def test_each_namespace_that_is_named_gets_a_waypoint(mesh: dict[str, Any]) -> None:
    found = {(item["metadata"]["namespace"], item["metadata"]["name"]): item for item in manifests(mesh, "Gateway")}
    assert set(found) == {("shop", "waypoint"), ("bank", "front")}
    for item in found.values():
        assert item["spec"]["gatewayClassName"] == "istio-waypoint"
        [listener] = item["spec"]["listeners"]
        assert (listener["protocol"], listener["port"]) == ("HBONE", 15008)
    assert found["bank", "front"]["metadata"]["labels"] == {"istio.io/waypoint-for": "all"}
    made = values(mesh, "istiod")["gatewayClasses"]["istio-waypoint"]
    assert made["deployment"]["spec"]["replicas"] == 2 and made["podDisruptionBudget"]["spec"] == {"minAvailable": 1}


def test_ambient_has_a_proxy_on_each_node_and_sidecars_have_none(checkout: Path, mesh: dict[str, Any]) -> None:
    assert names(mesh) == ["istio-base", "istiod", "istio-cni", "ztunnel", "istio-ingressgateway", "kiali"]
    assert {values(mesh, name)["profile"] for name in ("istiod", "istio-cni", "ztunnel")} == {"ambient"}
    assert mesh["namespace"]["pod_security"] == "privileged"
    wanted = {**EVERYTHING, "istio_mode": "sidecar", "istio_waypoints": []}
    found = record(checkout / "roles/istio", **wanted)
    assert names(found) == ["istio-base", "istiod", "istio-cni", "istio-ingressgateway", "kiali"]
    assert "profile" not in values(found, "istiod") and values(found, "istiod")["cni"] == {"enabled": True}


@pytest.mark.parametrize("mode", ["ambient", "sidecar"])
def test_istio_leaves_the_file_of_our_own_bridge_alone(checkout: Path, mode: str) -> None:
    wanted = {"istio_mode": mode, "cni_implementation": "bridge"}
    found = record(checkout / "roles/istio", **wanted)
    if mode == "ambient":
        assert values(found, "istio-cni")["istioOwnedCNIConfig"] is True
    else:
        # it would write to the file of the role cni, which takes it out again
        assert "istio-cni" not in names(found) and values(found, "istiod")["cni"] == {"enabled": False}
    cilium = record(checkout / "roles/istio", **{**wanted, "cni_implementation": "cilium"})
    assert values(cilium, "istio-cni")["istioOwnedCNIConfig"] is False


def test_the_pod_network_is_read_from_the_first_control_plane_too(checkout: Path) -> None:
    machine = {"cni_implementation": "cilium", "cilium_istio": False, "cluster_version": "1.36.4"}
    inventory = {"groups": {"control_plane": ["cp1"]}, "hostvars": {"cp1": machine}}
    [said] = value(checkout / "roles/istio", "__istio_wrong", **inventory)
    assert said.startswith("cilium_istio is false")
    assert value(checkout / "roles/istio", "__istio_wrong", **inventory, cilium_istio=True) == []


def test_every_pod_of_istio_has_a_policy_and_monitors_find_what_charts_make(mesh: dict[str, Any]) -> None:
    for name in ("istiod", "istio-cni", "ztunnel"):
        assert values(mesh, name)["global"]["networkPolicy"] == {"enabled": True}
    assert values(mesh, "kiali")["deployment"]["network_policy"] == {"enabled": True}
    monitors = {item["metadata"]["name"]: item["spec"] for item in manifests(mesh, "ServiceMonitor")}
    assert monitors["istiod"]["selector"] == {"matchLabels": {"app": "istiod"}}
    # the chart calls the port so when Kiali has no certificate of its own
    assert monitors["kiali"]["endpoints"] == [{"port": "http-metrics"}]
    assert values(mesh, "kiali")["server"]["observability"] == {"metrics": {"enabled": True}}


def test_zones_and_geo_tags_are_what_the_chart_demands(gslb: dict[str, Any]) -> None:
    wanted = values(gslb, "k8gb")
    zones = wanted["k8gb"]["dnsZones"]
    assert zones == [
        {"loadBalancedZone": "cloud.example.com", "parentZone": "example.com", "dnsZoneNegTTL": 30},
        {"loadBalancedZone": "cloud.example.org", "parentZone": "example.org", "dnsZoneNegTTL": 60},
    ]
    written = wanted["extdns"]
    # the chart refuses anything else (its _validators.tpl)
    assert sorted(written["domainFilters"]) == sorted({zone["parentZone"] for zone in zones})
    assert all(wanted["k8gb"]["clusterGeoTag"] in written[name] for name in ("txtPrefix", "txtOwnerId"))
    assert (wanted["k8gb"]["clusterGeoTag"], wanted["k8gb"]["extGslbClustersGeoTags"]) == ("eu", "us")
    [check] = [check for check in checks(gslb) if check.get("kind") == "ZoneDelegation"]
    assert check["min_count"] == len(zones)


def test_delegations_are_objects_of_the_role_that_go_while_k8gb_runs(gslb: dict[str, Any]) -> None:
    made = manifests(gslb, "ZoneDelegation")
    # k8gb makes the same of its values, under these names
    assert [item["spec"] for item in made] == values(gslb, "k8gb")["k8gb"]["dnsZones"]
    assert [item["metadata"]["name"] for item in made] == ["cloud.example.com", "cloud.example.org"]
    first, *later = gslb["stages"]
    assert first["releases"] and not any(stage.get("releases") for stage in later)


def test_two_clusters_differ_in_their_geo_tags_alone(checkout: Path, gslb: dict[str, Any]) -> None:
    there = {**EVERYTHING, "k8gb_geo_tag": "us", "k8gb_external_geo_tags": ["eu"]}
    other = values(record(checkout / "roles/k8gb", **there), "k8gb")
    here = values(gslb, "k8gb")
    assert here["k8gb"]["clusterGeoTag"] == other["k8gb"]["extGslbClustersGeoTags"]
    assert other["k8gb"]["clusterGeoTag"] == here["k8gb"]["extGslbClustersGeoTags"]
    assert here["k8gb"]["dnsZones"] == other["k8gb"]["dnsZones"]
    # what one cluster wrote, the other must not take for its own
    assert here["extdns"]["txtOwnerId"] != other["extdns"]["txtOwnerId"]
    assert here["extdns"]["extraArgs"] == other["extdns"]["extraArgs"]


def test_the_edge_dns_is_written_with_a_key_that_is_no_value(gslb: dict[str, Any]) -> None:
    wanted = values(gslb, "k8gb")
    [variable] = wanted["extdns"]["env"]
    assert variable["valueFrom"] == {"secretKeyRef": {"name": "edge-dns", "key": "secret"}} and "value" not in variable
    arguments = wanted["extdns"]["extraArgs"]
    assert {"--rfc2136-host=ns1.example.com", "--rfc2136-port=53", "--rfc2136-tsig-keyname=k8gb"} <= set(arguments)
    assert [one for one in arguments if one.startswith("--rfc2136-zone=")] == [
        "--rfc2136-zone=example.com",
        "--rfc2136-zone=example.org",
    ]
    assert "--rfc2136-tsig-axfr" in arguments and not [one for one in arguments if "tsig-secret=" in one]
    assert wanted["k8gb"]["edgeDNSServers"] == ["ns1.example.com"]


def test_coredns_has_an_address_of_metallb_and_is_not_the_dns_of_the_cluster(
    checkout: Path, gslb: dict[str, Any]
) -> None:
    coredns = values(gslb, "k8gb")["coredns"]
    assert coredns["serviceType"] == "LoadBalancer" and coredns["isClusterService"] is False
    annotations = coredns["service"]["annotations"]
    assert annotations == {"metallb.io/loadBalancerIPs": "192.0.2.53", "metallb.io/address-pool": "default"}
    pools = manifests(record(checkout / "roles/metallb", **EVERYTHING), "IPAddressPool")
    assert annotations["metallb.io/address-pool"] in {pool["metadata"]["name"] for pool in pools}
    policies = {item["metadata"]["name"]: item["spec"]["ingress"] for item in manifests(gslb, "NetworkPolicy")}
    questions = policies["k8gb-coredns"][0]
    assert "from" not in questions and {port["port"] for port in questions["ports"]} == {5353}
    assert all("from" in rule for rule in policies["k8gb"])


def test_a_record_refers_to_a_route_and_to_a_primary_cluster(gslb: dict[str, Any]) -> None:
    found = {item["metadata"]["name"]: item["spec"] for item in manifests(gslb, "Gslb")}
    assert found["web"] == {
        "resourceRef": {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "name": "web"},
        "strategy": {"type": "roundRobin", "dnsTtlSeconds": 30},
    }
    assert found["bank"]["resourceRef"]["apiVersion"] == "networking.k8s.io/v1"
    assert found["bank"]["strategy"] == {"type": "failover", "dnsTtlSeconds": 60, "primaryGeoTag": "us"}


DNS = {name: EVERYTHING[name] for name in ("k8gb_zones", "k8gb_geo_tag", "k8gb_external_geo_tags", "k8gb_edge_dns")}
CILIUM = {"cni_implementation": "cilium"}
FAILOVER = {"name": "web", "namespace": "shop", "route": "web", "strategy": "failover"}
REFUSED = [
    ("istio", {**CILIUM, "cilium_istio": False}, "cilium_istio is false"),
    ("istio", {**CILIUM, "cilium_values": {"cni": {"exclusive": True}}}, "sets cni.exclusive to true"),
    ("istio", {**CILIUM, "cilium_values": {"socketLB": {"hostNamespaceOnly": False}}}, "hostNamespaceOnly to false"),
    ("istio", {**CILIUM, "cilium_values": {"bpf": {"masquerade": True}}}, "write istio_mode: sidecar"),
    ("istio", {"cni_implementation": "calico", "calico_istio": False}, "needs workloadSourceSpoofing"),
    ("istio", {"cluster_version": "1.31.9"}, "cluster_version is 1.31.9; Istio 1.30 needs Kubernetes 1.32"),
    ("istio", {"istio_mode": "sidecar", "istio_waypoints": [{"namespace": "a"}]}, "they are a part of ambient mode"),
    ("istio", {"istio_waypoints": [{"namespace": "a"}, {"namespace": "a"}]}, "names a/waypoint more than once"),
    ("istio", {"platform_oidc": {"client_id": "kiali"}, "istio_kiali_host": "k.example.com"}, "has no issuer"),
    ("istio", {"platform_oidc": {"issuer": "https://id.example.com"}}, "istio_kiali_host is empty"),
    ("k8gb", {**DNS, "k8gb_zones": []}, "k8gb_zones is empty; name a zone"),
    ("k8gb", {**DNS, "k8gb_zones": [{"zone": "cloud.other.com", "parent": "example.com"}]}, "is not below its parent"),
    ("k8gb", {**DNS, "k8gb_geo_tag": ""}, "k8gb_geo_tag is empty; name the place"),
    ("k8gb", {**DNS, "k8gb_external_geo_tags": ["us", "eu"]}, "k8gb_external_geo_tags has eu which is k8gb_geo_tag"),
    ("k8gb", {**DNS, "k8gb_external_geo_tags": ["us", "us"]}, "names a place more than once"),
    ("k8gb", {**DNS, "k8gb_external_geo_tags": ["US,1"]}, "have US,1 in them"),
    ("k8gb", {**DNS, "k8gb_edge_dns": {}}, "k8gb_edge_dns has no host; name the DNS server that has example.com"),
    ("k8gb", {**DNS, "k8gb_edge_dns": {"host": "ns1", "tsig_key_name": "k"}}, "anybody could change the zone"),
    ("k8gb", {**DNS, "k8gb_edge_dns": {"host": "ns1", "tsig_secret_name": "s"}}, "anybody could change the zone"),
    ("k8gb", {**DNS, "k8gb_records": [FAILOVER]}, "has web with the strategy failover and without primary_geo_tag"),
    ("k8gb", {**DNS, "k8gb_records": [{**FAILOVER, "primary_geo_tag": "asia"}]}, "names asia as a primary cluster"),
    ("k8gb", {**DNS, "k8gb_values": {"coredns": {"isClusterService": True}}}, "names of the cluster itself would be lost"),
    ("k8gb", {**DNS, "k8gb_values": {"coredns": {"serviceType": "ClusterIP"}}}, "sets coredns.serviceType to ClusterIP"),
]  # fmt: skip
ACCEPTED = [
    ("istio", {}),
    ("istio", EVERYTHING),
    ("istio", {**CILIUM, "cilium_values": {"bpf": {"masquerade": True}}, "istio_mode": "sidecar"}),
    ("istio", {**CILIUM, "cilium_values": {"cni": {"exclusive": False}, "socketLB": {"hostNamespaceOnly": True}}}),
    # settings of a network that is not used
    ("istio", {"cni_implementation": "calico", "cilium_values": {"cni": {"exclusive": True}}}),
    ("istio", {"cni_implementation": "calico", "calico_istio": False, "istio_mode": "sidecar"}),
    ("istio", {"cluster_version": "1.31.9", "platform_action": "remove"}),
    ("k8gb", DNS),
    ("k8gb", {**DNS, "k8gb_external_geo_tags": []}),
    ("k8gb", {**DNS, "k8gb_records": [{**FAILOVER, "primary_geo_tag": "eu"}]}),
    ("k8gb", {"platform_action": "remove"}),
]


@pytest.mark.parametrize(("name", "inventory", "message"), REFUSED, ids=[f"{one[0]}: {one[2]}" for one in REFUSED])
def test_what_cannot_work_is_refused_in_a_sentence(
    checkout: Path, name: str, inventory: dict[str, Any], message: str
) -> None:
    found = value(checkout / "roles" / name, f"__{name}_wrong", **inventory)
    assert len(found) == 1 and message in found[0], found
    assert found[0].endswith(".") and found[0].count(". ") == 0


@pytest.mark.parametrize(("name", "inventory"), ACCEPTED)
def test_what_can_work_is_not_refused(checkout: Path, name: str, inventory: dict[str, Any]) -> None:
    assert value(checkout / "roles" / name, f"__{name}_wrong", **inventory) == []


def test_removal_says_what_stays(mesh: dict[str, Any], gslb: dict[str, Any]) -> None:
    assert any("CRDs of Istio" in phrase for phrase in mesh["keeps"])
    assert any("in the edge DNS" in phrase for phrase in gslb["keeps"])
