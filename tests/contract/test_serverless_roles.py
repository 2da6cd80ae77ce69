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


def test_a_login_to_kafka_is_taken_along(checkout: Path) -> None:
    found = record(checkout / "roles/knative", **INVENTORIES["knative with an address"])
    template = made(found, "ExternalSecret")["spec"]["target"]["template"]["data"]
    assert template["user.crt"] == "{{.crt}}" and template["user.key"] == "{{.key}}"
    assert "user.skip" not in template
    assert made(found, "Role")["rules"][0]["resourceNames"] == ["ca", "knative"]
    config = manifests(found, "ConfigMap")[0]["data"]
    assert (config["default.topic.partitions"], config["default.topic.replication.factor"]) == ("3", "2")
    user = {**EVERYTHING["platform_kafka"], "user_secret": "knative"}
    found = record(checkout / "roles/knative", **{**EVERYTHING, "platform_kafka": user})
    secret = made(found, "ExternalSecret")["spec"]
    assert secret["target"]["template"]["data"] == {
        "protocol": "SASL_SSL",
        "sasl.mechanism": "SCRAM-SHA-512",
        "user": "knative",
        "password": "{{.password}}",
        "ca.crt": "{{.ca}}",
    }
    assert secret["data"][1]["remoteRef"] == {"key": "knative", "property": "password"}
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


@pytest.fixture(scope="module")
def kubeflow(checkout: Path) -> dict[str, Any]:
    return record(checkout / "roles/kubeflow", **EVERYTHING)


def overlay(found: dict[str, Any]) -> dict[str, Any]:
    return dict(found["stages"][0]["kustomize"][0]["overlay"])


def patch(found: dict[str, Any], kind: str, name: str) -> Any:
    """The one patch of an object, read."""
    target = {"kind": kind, "name": name}
    [text] = [item["patch"] for item in overlay(found)["patches"] if item["target"] == target]
    return json.loads(text)


def unfit(checkout: Path, **more: Any) -> list[str]:
    """What the role refuses."""
    inventory = {**FITTING, **more}
    return list(value(checkout / "roles/kubeflow", "__kubeflow_wrong", **inventory))


FITTING: dict[str, Any] = {
    **EVERYTHING,
    "groups": {"platform": ["istio", "cert_manager", "knative", "external_secrets", "kubeflow"]},
    "knative_ingress": "istio",
    "platform_object_store": {"endpoint": "http://s3.example.com", "storage_class": "ceph-bucket"},
}


def test_definitions_come_first_and_stay_and_both_stages_are_one_build(kubeflow: dict[str, Any]) -> None:
    first, second = kubeflow["stages"][:2]
    [crds], [others] = first["kustomize"], second["kustomize"]
    assert first["keep"] and not second.get("keep")
    assert (crds.pop("take"), others.pop("take")) == ("crds", "others") and crds == others
    assert crds["sha256"] == EVERYTHING["kubeflow_archive"]["sha256"]
    [argo] = crds["archives"]
    assert argo["reference"] == "https://github.com/argoproj/argo-workflows" and argo["sha256"] == "2" * 64


def test_what_the_platform_has_is_shared(kubeflow: dict[str, Any]) -> None:
    folders = overlay(kubeflow)["resources"]
    for shared in ("cert-manager", "istio-install", "istio-crds", "dex", "oauth2-proxy", "knative", "user-namespace"):
        assert not [folder for folder in folders if f"common/{shared}" in folder or f"istio/{shared}" in folder], shared
    assert "user@example.com" not in json.dumps(kubeflow) and "seaweedfs" not in json.dumps(kubeflow)
    assert "third-party/mysql" not in json.dumps(folders)


@pytest.mark.parametrize("part", ["pipelines", "notebooks", "katib", "kserve", "trainer", "spark"])
def test_a_part_brings_what_it_needs_and_nothing_else(checkout: Path, part: str) -> None:
    found = record(checkout / "roles/kubeflow", **{**EVERYTHING, "kubeflow_parts": [part]})
    none = record(checkout / "roles/kubeflow", **{**EVERYTHING, "kubeflow_parts": []})
    more = set(overlay(found)["resources"]) - set(overlay(none)["resources"])
    releases = [one["name"] for stage in found["stages"] for one in stage.get("releases", [])]
    word = {"pipelines": "/pipeline/", "trainer": "none"}.get(part, f"/{part}")
    assert bool(more) == (part != "trainer") and all(word in folder for folder in more)
    assert releases == (["kubeflow-trainer"] if part == "trainer" else [])
    assert ("archives" in found["stages"][0]["kustomize"][0]) == (part == "pipelines")
    assert bool(manifests(found, "ObjectBucketClaim")) == (part == "pipelines")


def test_nobody_comes_in_without_a_token_of_the_platform(checkout: Path, kubeflow: dict[str, Any]) -> None:
    issuer = EVERYTHING["platform_oidc"]["issuer"]
    rules = made(kubeflow, "RequestAuthentication")["spec"]["jwtRules"]
    assert rules[0]["issuer"] == issuer
    assert {one["header"]: one["claim"] for one in rules[0]["outputClaimToHeaders"]}["kubeflow-userid"] == "email"
    policies = {
        item["metadata"]["name"]: item["spec"]
        for item in manifests(kubeflow, "AuthorizationPolicy")
        if item["metadata"]["namespace"] == "istio-system"
    }
    asks, denies = policies["kubeflow-login"], policies["kubeflow-token"]
    assert (asks["action"], denies["action"]) == ("CUSTOM", "DENY")
    assert denies["rules"][0]["from"] == [{"source": {"notRequestPrincipals": ["*"]}}]
    operation = {"hosts": ["kubeflow.example.com", "kubeflow.example.com:*"], "notPaths": ["/oauth2/*"]}
    assert asks["rules"][0]["to"] == denies["rules"][0]["to"] == [{"operation": operation}]
    # another host behind the same proxy is not asked, so that it must not lead to Kubeflow
    assert patch(kubeflow, "Gateway", "kubeflow-gateway") == [
        {"op": "replace", "path": "/spec/servers/0/hosts", "value": ["kubeflow.example.com"]}
    ]
    # the provider that the mesh knows
    mesh = record(checkout / "roles/istio", **{**EVERYTHING, "groups": {"platform": ["istio", "kubeflow"]}})
    [provider] = values(mesh, "istiod")["meshConfig"]["extensionProviders"]
    assert provider["name"] == asks["provider"]["name"]
    service = made(kubeflow, "Service")["metadata"]["name"]
    assert provider["envoyExtAuthzHttp"]["service"] == f"{service}.{kubeflow['namespace']['name']}.svc.cluster.local"
    assert "extensionProviders" not in values(record(checkout / "roles/istio"), "istiod")["meshConfig"]


def test_the_ingress_gateway_is_there_for_kubeflow_with_the_account_that_policies_trust(
    checkout: Path, kubeflow: dict[str, Any]
) -> None:
    inventory = {"groups": {"platform": ["istio", "kubeflow"]}}
    mesh = record(checkout / "roles/istio", **inventory)
    gateway = values(mesh, "istio-ingressgateway")
    account = f"cluster.local/ns/istio-system/sa/{gateway['serviceAccount']['name']}"
    members = [item for item in manifests(kubeflow, "AuthorizationPolicy") if "rules" in item["spec"]]
    principals = [
        source["source"]["principals"]
        for item in members
        for rule in item["spec"]["rules"]
        for source in rule.get("from", [])
        if "principals" in source["source"]
    ]
    assert principals and all(account in one for one in principals)
    route = made(kubeflow, "HTTPRoute")
    assert route["metadata"]["namespace"] == mesh["namespace"]["name"]
    assert route["spec"]["hostnames"] == ["kubeflow.example.com"]
    [check] = [check["http"] for stage in kubeflow["stages"] for check in stage.get("health", []) if "http" in check]
    assert check["host"] == "kubeflow.example.com" and check["status"] == [302]
    assert check["service"] == route["spec"]["rules"][0]["backendRefs"][0]["name"]


def test_people_log_in_as_the_client_that_keycloak_makes(checkout: Path, kubeflow: dict[str, Any]) -> None:
    identity = record(checkout / "roles/teleport_keycloak", **EVERYTHING)
    [realm] = manifests(identity, "KeycloakRealmImport")
    clients = {client["clientId"]: client for client in realm["spec"]["realm"]["clients"]}
    [container] = made(kubeflow, "Deployment")["spec"]["template"]["spec"]["containers"]
    environment = {one["name"]: one for one in container["env"]}
    client = environment["OAUTH2_PROXY_CLIENT_ID"]["value"]
    address = next(one for one in container["args"] if one.startswith("--redirect-url=")).partition("=")[2]
    assert clients[client]["redirectUris"] == [address]
    source = environment["OAUTH2_PROXY_CLIENT_SECRET"]["valueFrom"]["secretKeyRef"]
    [secret] = [one for one in identity["secrets"] if one["name"] == source["name"]]
    assert secret["copies"] == ["kubeflow"] and secret["keys"] == [{"key": source["key"]}]
    scopes = {scope["name"] for scope in realm["spec"]["realm"]["clientScopes"]}
    assert {"profile", "email", "groups"} <= scopes
    [own] = kubeflow["secrets"]
    # AES takes 16, 24 or 32 characters
    assert own["keys"] == [{"key": "cookie-secret", "length": 32}]
    assert environment["OAUTH2_PROXY_COOKIE_SECRET"]["valueFrom"]["secretKeyRef"]["name"] == own["name"]
    assert "--allowed-group=platform-editors" in container["args"]
    assert "--provider-ca-file=/ca/ca.crt" in container["args"] and container["volumeMounts"][0]["mountPath"] == "/ca"
    assert not [one for one in container["args"] if "secret" in one]


def test_profiles_are_data(kubeflow: dict[str, Any]) -> None:
    profiles = {item["metadata"]["name"]: item["spec"] for item in manifests(kubeflow, "Profile")}
    assert profiles["team-b"] == {"owner": {"kind": "User", "name": "ben.b@example.com"}}
    assert profiles["team-a"]["resourceQuotaSpec"]["hard"]["requests.nvidia.com/gpu"] == "2"
    bindings = {
        item["metadata"]["name"]: item
        for item in manifests(kubeflow, "RoleBinding")
        if item["metadata"].get("namespace") == "team-a"
    }
    assert {name: item["roleRef"]["name"] for name, item in bindings.items()} == {
        "user-ben-b-example-com-clusterrole-edit": "kubeflow-edit",
        "user-cleo-example-com-clusterrole-view": "kubeflow-view",
    }
    ben = bindings["user-ben-b-example-com-clusterrole-edit"]
    assert ben["metadata"]["annotations"] == {"role": "edit", "user": "Ben.B@example.com"}
    [lets] = [
        item
        for item in manifests(kubeflow, "AuthorizationPolicy")
        if item["metadata"]["name"] == ben["metadata"]["name"]
    ]
    assert lets["spec"]["rules"][0]["when"] == [
        {"key": "request.headers[kubeflow-userid]", "values": ["Ben.B@example.com"]}
    ]
    stages = {stage["name"]: stage for stage in kubeflow["stages"]}
    assert stages["profiles"]["keep"], "namespaces of people stay"


def test_pipelines_have_the_bucket_and_the_database_of_the_platform(kubeflow: dict[str, Any]) -> None:
    settings = patch(kubeflow, "ConfigMap", "pipeline-install-config")["data"]
    assert settings["mysqlHost"] == settings["dbHost"] == "mysql.example.com" and settings["mysqlPort"] == "3306"
    claim = made(kubeflow, "ObjectBucketClaim")
    assert settings["bucketName"] == claim["spec"]["bucketName"] == "kubeflow"
    [server] = patch(kubeflow, "Deployment", "ml-pipeline")["spec"]["template"]["spec"]["containers"]
    store = {one["name"]: one["value"] for one in server["env"]}
    assert store["OBJECTSTORECONFIG_HOST"] == "rook-ceph-rgw-ceph-objectstore.rook-ceph.svc"
    assert (store["OBJECTSTORECONFIG_PORT"], store["OBJECTSTORECONFIG_SECURE"]) == ("443", "true")
    gone = {
        (item["target"]["kind"], item["target"].get("name"))
        for item in overlay(kubeflow)["patches"]
        if "$patch" in item["patch"]
    }
    assert {("Secret", "mysql-secret"), ("Deployment", "kubeflow-pipelines-profile-controller")} <= gone
    # the keys of the bucket go to profiles and nowhere else
    secrets = {item["metadata"]["namespace"] for item in manifests(kubeflow, "ExternalSecret")}
    [reader] = manifests(kubeflow, "ClusterSecretStore")
    assert secrets == {"kubeflow", "team-a", "team-b"} == set(reader["spec"]["conditions"][0]["namespaces"])
    role = next(item for item in manifests(kubeflow, "Role"))
    assert role["rules"][0]["resourceNames"] == [claim["metadata"]["name"]]
    launcher = next(
        item["data"]
        for item in manifests(kubeflow, "ConfigMap")
        if (item["metadata"]["name"], item["metadata"]["namespace"]) == ("kfp-launcher", "team-a")
    )
    assert launcher["defaultPipelineRoot"] == "s3://kubeflow/private-artifacts/team-a/v2/artifacts"
    reference = yaml.safe_load(launcher["providers"])["s3"]["default"]["credentials"]["secretRef"]
    names = {
        item["target"]["name"]: {one["secretKey"] for one in item["data"]}
        for item in (one["spec"] for one in manifests(kubeflow, "ExternalSecret"))
    }
    assert names[reference["secretName"]] == {reference["accessKeyKey"], reference["secretKeyKey"]}


def test_a_bucket_that_is_there_is_used_as_it_is(checkout: Path) -> None:
    found = record(checkout / "roles/kubeflow", **INVENTORIES["kubeflow with a bucket that is there"])
    assert manifests(found, "ObjectBucketClaim") == []
    assert patch(found, "ConfigMap", "pipeline-install-config")["data"]["bucketName"] == "models"
    [server] = patch(found, "Deployment", "ml-pipeline")["spec"]["template"]["spec"]["containers"]
    store = {one["name"]: one["value"] for one in server["env"]}
    assert (store["OBJECTSTORECONFIG_PORT"], store["OBJECTSTORECONFIG_SECURE"]) == ("9000", "false")
    assert made(found, "Role")["rules"][0]["resourceNames"] == ["s3"]


def test_katib_keeps_its_results_in_postgresql_and_kserve_uses_the_gateways_of_knative(
    kubeflow: dict[str, Any],
) -> None:
    [env] = patch(kubeflow, "Deployment", "katib-db-manager")
    found = {one["name"]: one for one in env["value"]}
    assert found["KATIB_POSTGRESQL_DB_HOST"]["value"] == "katib-database-rw"
    assert found["DB_PASSWORD"]["valueFrom"]["secretKeyRef"] == {"name": "katib-database-app", "key": "password"}
    ingress = json.loads(patch(kubeflow, "ConfigMap", "inferenceservice-config")["data"]["ingress"])
    assert ingress["ingressGateway"] == "knative-serving/knative-ingress-gateway"
    assert ingress["ingressDomain"] == "example.com" and ingress["urlScheme"] == "https"
    # as Knative names services, so that the certificate of the Gateway is good for models
    assert ingress["domainTemplate"] == "{{.Name}}-{{.Namespace}}.{{.IngressDomain}}"


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (
            {"groups": {"platform": ["cert_manager", "knative", "external_secrets"]}},
            "no system istio stands in the platform groups of the inventory, and Kubeflow shares the one",
        ),
        (
            {"groups": {"platform": ["knative", "external_secrets"]}},
            "no system cert_manager and no system istio stands in the platform groups",
        ),
        (
            {"groups": {"platform": ["istio", "cert_manager", "external_secrets"]}},
            "kubeflow_parts has kserve, and no system knative stands in the platform groups of the inventory",
        ),
        ({"knative_ingress": "kourier"}, "kubeflow_parts has kserve and knative_ingress is kourier"),
        ({"platform_gateway": {}}, "kubeflow_gateway is empty; name the Gateway"),
        ({"platform_oidc": {}}, "kubeflow_oidc has no issuer, and without logins everybody would be everybody"),
        ({"kubeflow_archive": {"url": "https://a"}}, "kubeflow_archive has no sha256; download https://a, look at it"),
        ({"kubeflow_argo_archive": {"url": "https://b"}}, "kubeflow_argo_archive has no sha256"),
        ({"kubeflow_database": {}}, "kubeflow_database has no host; write that of a MySQL server"),
        ({"platform_object_store": {}}, "kubeflow_object_store has no endpoint"),
        (
            {"platform_object_store": {"endpoint": "https://s3", "ca": "-----"}},
            "kubeflow_object_store has a ca, which steps of pipelines cannot be given",
        ),
        (
            {"groups": {"platform": ["istio", "cert_manager", "knative"]}},
            "no system external_secrets stands in the platform groups of the inventory to bring the keys",
        ),
        ({"kubeflow_katib_database": {"host": "a"}}, "kubeflow_katib_database has no host or no secret_name"),
        (
            {"kubeflow_profiles": [{"name": "a", "owner": "b"}] * 2},
            "kubeflow_profiles names a profile more than once; one entry for each.",
        ),
        (
            {"kubeflow_profiles": [{"name": "kubeflow", "owner": "b"}]},
            "kubeflow_profiles has kubeflow, which is the namespace of a system",
        ),
    ],
)
def test_a_kubeflow_that_cannot_work_is_refused(checkout: Path, more: dict[str, Any], sentence: str) -> None:
    [said] = unfit(checkout, **more)
    assert sentence in said and said.endswith(".")
    assert unfit(checkout, **more, component_action="remove") == []


def test_a_kubeflow_that_fits_is_not_refused(checkout: Path) -> None:
    assert unfit(checkout) == []
    alone = {"groups": {"platform": ["istio", "cert_manager"]}, "kubeflow_parts": ["notebooks", "trainer"]}
    assert unfit(checkout, **alone) == []
    hosts = {"knative": {"knative_ingress": "istio"}}
    inventory = {name: one for name, one in FITTING.items() if name != "knative_ingress"}
    assert value(checkout / "roles/kubeflow", "__kubeflow_wrong", **inventory, hostvars=hosts) == []
