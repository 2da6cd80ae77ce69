# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Knative: what refers to each other fits together, and what cannot work is refused in a sentence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from .records import EVERYTHING, INVENTORIES, manifests, record, value, values
from .test_storage_roles import has, keys

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
SERVICES = "{{.Name}}-{{.Namespace}}.{{.Domain}}"


@pytest.fixture(scope="module")
def knative(checkout: Path) -> dict[str, Any]:
    return record(checkout / "roles/knative", **EVERYTHING)


def made(found: dict[str, Any], kind: str, group: str = "") -> dict[str, Any]:
    """The one object of a kind."""
    [item] = [one for one in manifests(found, kind) if one["apiVersion"].startswith(group)]
    return dict(item)


def serving(found: dict[str, Any]) -> dict[str, Any]:
    return dict(made(found, "KnativeServing")["spec"])


def wrong(checkout: Path, **more: Any) -> list[str]:
    inventory = {"groups": {"platform": ["knative", "external_secrets"]}, **EVERYTHING, **more}
    return list(value(checkout / "roles/knative", "__knative_wrong", **inventory))


@pytest.mark.parametrize(
    "inventory", [name for name in INVENTORIES if "knative" in name] + ["with everything", "alone"]
)
def test_what_the_operator_is_told_stands_in_its_crds(checkout: Path, contracts: Path, inventory: str) -> None:
    text = next(contracts.glob("knative-operator-*/crds.yaml")).read_text(encoding="utf-8")
    crds = {item["spec"]["names"]["kind"]: item for item in yaml.load_all(text, Loader=LOADER) if item}
    found = record(checkout / "roles/knative", **INVENTORIES[inventory])
    for kind in ("KnativeServing", "KnativeEventing"):
        schema = crds[kind]["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
        spec = made(found, kind)["spec"]
        assert [
            path
            for path in keys({"spec": {**spec, "config": {}}})
            if "metallb.io" not in path and not has(schema, path)
        ] == []
        # an operator of one release has others in its image, too
        assert spec["version"] == "1.23.0" and found["stages"][0]["releases"][0]["chart"]["version"] == "v1.23.0"
        settings = [text for part in spec["config"].values() for text in part.values()]
        assert all(isinstance(text, str) for text in settings), "a ConfigMap has texts alone"


def test_names_of_services_are_one_level_below_the_domain_so_that_the_gateway_has_their_certificate(
    checkout: Path, knative: dict[str, Any]
) -> None:
    config = serving(knative)["config"]
    assert config["domain"] == {"example.com": ""} and config["network"]["domain-template"] == SERVICES
    assert config["network"]["default-external-scheme"] == "https"
    gateway = record(checkout / "roles/gateway_api", **EVERYTHING)
    assert "*.example.com" in made(gateway, "Certificate")["spec"]["dnsNames"]
    route = made(knative, "HTTPRoute")
    assert route["spec"]["parentRefs"] == [EVERYTHING["platform_gateway"]]
    assert route["spec"]["hostnames"] == ["*.example.com"]
    # Kourier is in the namespace of Serving when the operator installs it, and needs no address of its own
    assert (route["metadata"]["namespace"], route["spec"]["rules"][0]["backendRefs"][0]["name"]) == (
        "knative-serving",
        "kourier",
    )
    assert serving(knative)["ingress"] == {"kourier": {"enabled": True, "service-type": "ClusterIP"}}


def test_without_a_gateway_kourier_has_an_address_and_each_service_a_certificate(checkout: Path) -> None:
    found = record(checkout / "roles/knative", **INVENTORIES["knative with an address"])
    spec = serving(found)
    assert manifests(found, "HTTPRoute") == [] and spec["ingress"]["kourier"]["service-type"] == "LoadBalancer"
    assert spec["services"] == [{"name": "kourier", "annotations": {"metallb.io/loadBalancerIPs": "192.0.2.30"}}]
    network = spec["config"]["network"]
    assert (network["external-domain-tls"], network["http-protocol"]) == ("Enabled", "Redirected")
    issuer = yaml.safe_load(spec["config"]["certmanager"]["issuerRef"])
    assert issuer == {"kind": "ClusterIssuer", "name": EVERYTHING["platform_issuer"]}
    plain = serving(record(checkout / "roles/knative", platform_domain="example.com"))["config"]
    assert plain["network"]["external-domain-tls"] == "Disabled" and "certmanager" not in plain


@pytest.mark.parametrize(
    ("inventory", "door", "place", "kind"),
    [
        ("knative through the Gateway API", "knative-local", "gateway-system", "envoy-gateway"),
        ("knative through a Gateway of istio", "knative-local-istio", "knative-serving", "istio"),
    ],
)
def test_the_gateway_of_the_platform_carries_services_and_another_one_calls_inside(
    checkout: Path, inventory: str, door: str, place: str, kind: str
) -> None:
    found = record(checkout / "roles/knative", **INVENTORIES[inventory])
    gateways = record(checkout / "roles/gateway_api", **INVENTORIES[inventory])
    config = {name: json.loads(text)[0] for name, text in serving(found)["config"]["gateway"].items()}
    outer = made(gateways, "Gateway")
    assert config["external-gateways"]["gateway"] == f"gateway-system/{outer['metadata']['name']}"
    assert config["external-gateways"]["class"] == outer["spec"]["gatewayClassName"] == kind
    inner = made(found, "Gateway")
    assert config["local-gateways"]["gateway"] == "knative-serving/" + inner["metadata"]["name"]
    assert config["local-gateways"]["service"] == f"{place}/{door}" and inner["spec"]["gatewayClassName"] == kind
    # Envoy Gateway names a Service as it is told, Istio as the Gateway and its class
    if kind == "envoy-gateway":
        proxy = made(found, "EnvoyProxy")
        assert inner["spec"]["infrastructure"]["parametersRef"]["name"] == proxy["metadata"]["name"]
        service = proxy["spec"]["provider"]["kubernetes"]["envoyService"]
        assert service == {"type": "ClusterIP", "name": door} and place == gateways["namespace"]["name"]
    else:
        assert door == f"{inner['metadata']['name']}-{inner['spec']['gatewayClassName']}"
    assert manifests(found, "HTTPRoute") == [], "each service has routes of its own"


def test_istio_carries_services_through_the_gateway_that_its_role_makes(checkout: Path) -> None:
    inventory = INVENTORIES["knative through istio"]
    mesh = record(checkout / "roles/istio", **inventory)
    [gateway] = [stage for stage in mesh["stages"] if stage.get("name") == "gateway"]
    assert gateway["releases"][0]["name"] == "istio-ingressgateway"
    assert values(mesh, "istio-ingressgateway")["service"] == {"type": "ClusterIP"}
    route = made(record(checkout / "roles/knative", **inventory), "HTTPRoute")
    assert route["metadata"]["namespace"] == mesh["namespace"]["name"]
    assert route["spec"]["rules"][0]["backendRefs"] == [{"name": gateway["releases"][0]["name"], "port": 80}]
    assert "gateway" not in [stage.get("name") for stage in record(checkout / "roles/istio")["stages"]]


@pytest.mark.parametrize(
    ("inventory", "service"),
    [
        ("with everything", "knative-serving/kourier-internal"),
        ("knative through istio", "istio-system/knative-local-gateway"),
        ("knative through the Gateway API", "gateway-system/knative-local"),
        ("knative through a Gateway of istio", "knative-serving/knative-local-istio"),
    ],
)
def test_a_service_that_sleeps_is_woken_up_through_the_proxy_inside(
    checkout: Path, inventory: str, service: str
) -> None:
    found = record(checkout / "roles/knative", **INVENTORIES[inventory])
    probe = made(found, "Service", "serving.knative.dev")
    name, space = probe["metadata"]["name"], probe["metadata"]["namespace"]
    [check] = [check["http"] for stage in found["stages"] for check in stage.get("health", []) if "http" in check]
    assert f"{check['namespace']}/{check['service']}" == service and check["host"] == f"{name}.{space}.svc"
    template = probe["spec"]["template"]
    assert template["metadata"]["annotations"]["autoscaling.knative.dev/min-scale"] == "0"
    [container] = template["spec"]["containers"]
    assert "@sha256:" in container["image"], "the controller would ask a registry that a mirror stands in for"
    assert container["securityContext"]["runAsNonRoot"] and container["securityContext"]["runAsUser"] > 0
    spaces = {item["metadata"]["name"]: item["metadata"]["labels"] for item in manifests(found, "Namespace")}
    assert spaces[space]["pod-security.kubernetes.io/enforce"] == "restricted"
    [policy] = [item for item in manifests(found, "NetworkPolicy") if item["metadata"].get("namespace") == space]
    assert check["namespace"] in json.dumps(policy["spec"]["ingress"][0])
    # it goes first, while its controller still runs
    assert found["stages"][-1]["name"] == "probe"
    off = record(checkout / "roles/knative", **INVENTORIES[inventory], knative_probe=False)
    assert [stage["name"] for stage in off["stages"]][-1] != "probe"


@pytest.mark.parametrize(("many", "budget", "replicas"), [(True, 1, 2), (False, 0, 1)])
def test_nodes_can_be_drained(checkout: Path, many: bool, budget: int, replicas: int) -> None:
    found = record(checkout / "roles/knative", **{**EVERYTHING, "platform_high_availability": many})
    for kind in ("KnativeServing", "KnativeEventing"):
        spec = made(found, kind)["spec"]
        assert spec["high-availability"] == {"replicas": replicas}
        # upstream asks for 80 percent, which is all of two
        assert {one["minAvailable"] for one in spec["podDisruptionBudgets"]} == {budget}
    names = {one["name"] for one in serving(found)["podDisruptionBudgets"]}
    assert names == {"activator-pdb", "webhook-pdb", "3scale-kourier-gateway-pdb"}


def test_brokers_keep_events_in_the_kafka_of_the_platform(checkout: Path, knative: dict[str, Any]) -> None:
    spec = made(knative, "KnativeEventing")["spec"]
    default = yaml.safe_load(spec["config"]["br-defaults"]["default-br-config"])["clusterDefault"]
    assert spec["defaultBrokerClass"] == default["brokerClass"] == "Kafka"
    [config] = [item for item in manifests(knative, "ConfigMap") if item["metadata"]["name"] == default["name"]]
    assert config["metadata"]["namespace"] == default["namespace"]
    assert config["data"]["bootstrap.servers"] == EVERYTHING["platform_kafka"]["bootstrap"]
    secret = made(knative, "ExternalSecret")
    assert config["data"]["auth.secret.ref.name"] == secret["spec"]["target"]["name"]
    assert secret["spec"]["target"]["template"]["data"] == {
        "protocol": "SSL",
        "ca.crt": "{{.ca}}",
        "user.skip": "true",
    }
    [data] = secret["spec"]["data"]
    assert data["remoteRef"] == {"key": EVERYTHING["platform_kafka"]["ca_secret"], "property": "ca.crt"}
    # the account may read these secrets and no other
    role, store = made(knative, "Role"), made(knative, "SecretStore")
    assert role["rules"][0]["resourceNames"] == [data["remoteRef"]["key"]] and role["rules"][0]["verbs"] == ["get"]
    kubernetes = store["spec"]["provider"]["kubernetes"]
    assert role["metadata"]["namespace"] == kubernetes["remoteNamespace"] == "kafka"
    assert made(knative, "ServiceAccount")["metadata"]["name"] == kubernetes["auth"]["serviceAccount"]["name"]
    broker = made(knative, "Broker")
    assert broker["metadata"]["annotations"]["eventing.knative.dev/broker.class"] == "Kafka"
    order = [stage["name"] for stage in knative["stages"]]
    assert order.index("parts") < order.index("kafka") < order.index("brokers")


def test_a_client_certificate_of_kafka_is_taken_along(checkout: Path) -> None:
    found = record(checkout / "roles/knative", **INVENTORIES["knative with an address"])
    template = made(found, "ExternalSecret")["spec"]["target"]["template"]["data"]
    assert template["user.crt"] == "{{.crt}}" and template["user.key"] == "{{.key}}"
    assert "user.skip" not in template
    assert made(found, "Role")["rules"][0]["resourceNames"] == ["ca", "knative"]
    config = manifests(found, "ConfigMap")[0]["data"]
    assert (config["default.topic.partitions"], config["default.topic.replication.factor"]) == ("3", "2")
    own = {**EVERYTHING["platform_kafka"], "secret_name": "mine"}
    found = record(checkout / "roles/knative", **{**EVERYTHING, "platform_kafka": own})
    assert manifests(found, "ExternalSecret") == []
    assert manifests(found, "ConfigMap")[0]["data"]["auth.secret.ref.name"] == "mine"


def test_settings_of_the_autoscaler_are_written_as_knative_reads_them(checkout: Path) -> None:
    asked = {"scale_to_zero": False, "target_burst_capacity": 0, "stable_window": "90s"}
    found = serving(record(checkout / "roles/knative", **{**EVERYTHING, "knative_autoscaler": asked}))["config"]
    assert found["autoscaler"] == {
        "enable-scale-to-zero": "false",
        "target-burst-capacity": "0",
        "stable-window": "90s",
    }
    over = {"autoscaler": {"max-scale": "7"}, "gc": {"min-non-active-revisions": "1"}}
    found = serving(record(checkout / "roles/knative", knative_serving_config=over))["config"]
    assert found["autoscaler"] == {"max-scale": "7"} and found["gc"] == over["gc"] and found["network"]


def test_metrics_are_written_where_monitors_read_them(checkout: Path, knative: dict[str, Any]) -> None:
    for kind in ("KnativeServing", "KnativeEventing"):
        config = made(knative, kind)["spec"]["config"]["observability"]
        assert config["metrics-protocol"] == "prometheus"
        assert (config["tracing-protocol"], config["tracing-endpoint"]) == (
            "grpc",
            EVERYTHING["platform_telemetry"]["otlp"],
        )
    assert len(manifests(knative, "PodMonitor")) == 4
    quiet = record(checkout / "roles/knative", **{**EVERYTHING, "platform_monitoring": False, "platform_telemetry": {}})
    assert manifests(quiet, "PodMonitor") == [] and "observability" not in serving(quiet)["config"]
    assert "monitoring" not in json.dumps(manifests(quiet, "NetworkPolicy"))


def test_only_a_part_may_be_installed(checkout: Path) -> None:
    found = record(checkout / "roles/knative", **{**EVERYTHING, "knative_parts": ["serving"], "knative_brokers": []})
    assert manifests(found, "KnativeEventing") == [] and [stage["name"] for stage in found["stages"]] == [
        "operator",
        "parts",
        "probe",
    ]
    found = record(checkout / "roles/knative", **{**EVERYTHING, "knative_parts": ["eventing"]})
    assert manifests(found, "KnativeServing") == [] and not found["dashboard"]
    assert "probe" not in [stage["name"] for stage in found["stages"]]


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"knative_parts": [], "knative_brokers": []}, "knative_parts is empty; write serving, eventing or both."),
        ({"cluster_version": "1.33.4"}, "cluster_version is 1.33.4; Knative 1.23 stops on a Kubernetes before 1.34"),
        ({"knative_ingress": "gateway_api", "platform_gateway": {}}, "knative_gateway is empty; name the Gateway"),
        (
            {"knative_ingress": "gateway_api", "gateway_api_implementation": "traefik"},
            "the Gateways are made by traefik, with which Knative is not tested; write knative_ingress: kourier",
        ),
        (
            {"knative_ingress": "gateway_api", "hostvars": {"gateway_api": {"gateway_api_implementation": "kong"}}},
            "the Gateways are made by kong, with which Knative is not tested",
        ),
        (
            {"knative_ingress": "gateway_api", "gateway_api_service_type": "NodePort"},
            "the Gateway has node ports; Knative asks it at ports 80 and 443 of its address",
        ),
        (
            {"knative_ingress": "istio"},
            "no system istio stands in the platform groups of the inventory; add the host istio",
        ),
        (
            {
                "knative_ingress": "istio",
                "istio_ingress_gateway": False,
                "groups": {"platform": ["istio", "external_secrets"]},
            },
            "istio has no gateway for it; set istio_ingress_gateway to true for the host istio.",
        ),
        ({"knative_address": "192.0.2.1"}, "Kourier stands behind the Gateway of the platform, which has the address"),
        ({"knative_probe_image": "a/b:1"}, "knative_probe_image is a/b:1; add its digest with @sha256"),
        ({"platform_kafka": {}}, "knative_kafka has no bootstrap; write the address of Kafka in platform_kafka."),
        (
            {"knative_kafka_files": []},
            "list eventing-kafka-controller.yaml, eventing-kafka-broker.yaml and eventing-kafka-post-install.yaml of https",
        ),
        ({"groups": {"platform": ["knative"]}}, "no system external_secrets stands in the platform groups"),
        ({"knative_parts": ["serving"]}, "knative_brokers has default and knative_parts has no eventing"),
    ],
)
def test_what_cannot_work_is_refused(checkout: Path, more: dict[str, Any], sentence: str) -> None:
    [said] = wrong(checkout, **more)
    assert sentence in said and said.endswith(".")
    assert wrong(checkout, **more, component_action="remove") == []


def test_what_works_is_not_refused(checkout: Path) -> None:
    assert wrong(checkout) == wrong(checkout, cluster_version="1.36.4") == []
    there = {"groups": {"platform": ["istio", "external_secrets"]}}
    assert wrong(checkout, knative_ingress="istio", **there) == []
    hosts = {"istio": {"istio_ingress_gateway": "yes"}}
    assert value(checkout / "roles/knative", "__knative_wrong", knative_ingress="istio", hostvars=hosts, **there) == []
    assert wrong(checkout, knative_ingress="gateway_api") == []
