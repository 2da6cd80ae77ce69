# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prometheus, Alertmanager and Grafana: what they read, keep, tell and show, and how they fit to the other roles."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
import yaml
from ansible_collections.kubestd.platform.plugins.module_utils._component.alerts import prometheus_rule
from ansible_collections.kubestd.platform.plugins.module_utils._component.record import parse

from .records import EVERYTHING, INVENTORIES, manifests, platform_roles, record, releases, value, values
from .test_dashboards import WITHOUT
from .test_pod_network import CLUSTER, kubeadm

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
UNITS = {"Mi": 2**20, "Gi": 2**30, "GB": 10**9}
# Their charts have rules of their own, which the roles switch on.
RULES_OF_CHARTS = {"metallb": "prometheusRule", "rook_ceph": "createPrometheusRules"}


def rendered(checkout: Path, **more: Any) -> dict[str, Any]:
    return record(checkout / "roles/observability", **{**EVERYTHING, **more})


def stack(checkout: Path, **more: Any) -> dict[str, Any]:
    return dict(values(rendered(checkout, **more), "kube-prometheus-stack"))


def grafana(checkout: Path, **more: Any) -> dict[str, Any]:
    return dict(values(rendered(checkout, **more), "grafana"))


def problems(checkout: Path, **more: Any) -> list[str]:
    return list(value(checkout / "roles/observability", "__observability_problems", **{**EVERYTHING, **more}))


def size(text: str) -> int:
    found = re.fullmatch(r"([0-9]+)(Mi|Gi|GB)", text)
    assert found, text
    return int(found[1]) * UNITS[found[2]]


# ---- how the record is put together


def test_systems_of_one_stage_begin_together_and_agents_have_a_namespace_of_their_own(checkout: Path) -> None:
    found = rendered(checkout)
    names = [stage["name"] for stage in found["stages"]]
    order = value(checkout / "roles/observability", "__observability_stages", **EVERYTHING)
    assert names == [name for name in order if name in names] and names[0] == "namespaces"
    assert names.index("operators") < names.index("servers")
    assert found["namespace"]["pod_security"] == "restricted"
    (agents,) = manifests(found, "Namespace")
    assert agents["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "privileged"
    exporter = values(found, "kube-prometheus-stack")["prometheus-node-exporter"]
    assert exporter["namespaceOverride"] == agents["metadata"]["name"]
    release = next(
        one for stage in found["stages"] for one in stage["releases"] if one["name"] == "kube-prometheus-stack"
    )
    assert release["workload_namespaces"] == [agents["metadata"]["name"]]


def test_each_system_has_one_switch(checkout: Path) -> None:
    found = rendered(checkout, observability_systems=["grafana"])
    assert {one["name"] for stage in found["stages"] for one in stage["releases"]} == {"grafana"}
    alone = stack(checkout, observability_systems=["prometheus"])
    assert alone["alertmanager"] == {"enabled": False} and not alone["grafana"]["forceDeployDashboards"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"observability_systems": []}, "name at least one system"),
        ({"observability_systems": ["alertmanager", "grafana"]}, "alertmanager without prometheus"),
        ({"observability_agents_namespace": "monitoring"}, "name another namespace"),
        ({"observability_alert_default": "nobody"}, "observability_alert_receivers has no nobody"),
        ({"observability_alert_mute_times": []}, "observability_alert_mute_times has no night"),
        ({"observability_alert_smtp": {}}, "told by email, and observability_alert_smtp is empty"),
        ({"observability_grafana_roles": []}, "nobody could log in to Grafana"),
        (
            {"observability_remote_write": [{"name": "a", "url": "http://a"}, {"name": "a", "url": "http://b"}]},
            "observability_remote_write have the same name",
        ),
    ],
)
def test_what_cannot_work_is_refused(checkout: Path, given: dict[str, Any], said: str) -> None:
    found = problems(checkout, **given)
    assert len(found) == 1 and said in found[0], found
    assert problems(checkout) == [] and problems(checkout, **given, platform_action="remove") == []


def test_two_receivers_of_one_name_are_refused(checkout: Path) -> None:
    one = {"name": "ops", "to": [{"kind": "slack", "secret_name": "a"}]}
    more = {"observability_alert_routes": [], "observability_alert_watchdog": ""}
    for names in (("ops", "ops"), ("ops", "none")):
        receivers = [{**one, "name": name} for name in names]
        (said,) = problems(checkout, observability_alert_receivers=receivers, **more)
        assert "give each a name of its own" in said


# ---- what Prometheus reads


def monitors(inventory: dict[str, Any], checkout: Path) -> list[dict[str, Any]]:
    return [
        item
        for role in platform_roles(checkout)
        for stage in parse(record(role, **inventory)).stages
        for item in stage.manifests
        if item["apiVersion"].startswith("monitoring.coreos.com/")
    ]


def matches(selector: dict[str, Any] | None, labels: dict[str, str]) -> bool:
    """An empty selector takes everything, none takes nothing."""
    return selector is not None and all(
        labels.get(key) == text for key, text in selector.get("matchLabels", {}).items()
    )


def test_prometheus_takes_the_monitors_and_rules_of_all_roles_and_namespaces(checkout: Path) -> None:
    spec = stack(checkout)["prometheus"]["prometheusSpec"]
    # what the template of the chart makes of these values
    kinds = {"ServiceMonitor": "serviceMonitor", "PodMonitor": "podMonitor", "Probe": "probe", "PrometheusRule": "rule"}
    taken = {
        kind: None if spec.get(f"{name}SelectorNilUsesHelmValues", True) and not spec.get(f"{name}Selector") else {}
        for kind, name in kinds.items()
    }
    found = monitors(EVERYTHING, checkout)
    assert {item["kind"] for item in found} >= {"PodMonitor", "PrometheusRule", "ServiceMonitor"}
    for item in found:
        assert matches(taken[item["kind"]], item["metadata"].get("labels", {})), item["metadata"]["name"]
    assert not any(f"{name}NamespaceSelector" in spec for name in kinds.values())
    assert not spec["scrapeConfigSelectorNilUsesHelmValues"]


def test_a_control_plane_of_ours_is_read_where_it_answers(checkout: Path, contracts: Path) -> None:
    role = checkout / "roles/kubeadm_cluster"
    for name in ("controller_manager", "scheduler"):
        assert value(role, f"__kubeadm_cluster_{name}_args")["bind-address"] == "0.0.0.0"
    upstream = yaml.load((contracts / "kube-prometheus-stack-88.5.3/values.yaml").read_text(), Loader=LOADER)
    etcd = value(role, "__kubeadm_cluster_etcd_args")["listen-metrics-urls"]
    assert etcd.endswith(f":{upstream['kubeEtcd']['service']['port']}") and "0.0.0.0" in etcd
    proxy = kubeadm(checkout, **CLUSTER)["kube_proxy_configuration"]["metricsBindAddress"]
    assert proxy == f"0.0.0.0:{upstream['kubeProxy']['service']['port']}"


@pytest.mark.parametrize("there", [True, False])
def test_rules_about_what_is_not_read_are_off(checkout: Path, there: bool) -> None:
    found = stack(checkout, observability_control_plane=there, cluster_kube_proxy=there)
    for part in ("kubeEtcd", "kubeScheduler", "kubeControllerManager", "kubeProxy"):
        assert found[part]["enabled"] is there
    rules = found["defaultRules"]["rules"]
    for name in ("etcd", "kubeControllerManager", "kubeSchedulerAlerting", "kubeSchedulerRecording", "kubeProxy"):
        assert rules[name] is there, name
    own = {one["name"] for one in rendered(checkout, observability_control_plane=there)["alerts"]}
    assert ("EtcdNotRead" in own) is there
    assert stack(checkout, observability_systems=["prometheus"])["defaultRules"]["rules"]["alertmanager"] is False


def test_every_switch_of_rules_is_one_of_the_chart(checkout: Path, contracts: Path) -> None:
    upstream = yaml.load((contracts / "kube-prometheus-stack-88.5.3/values.yaml").read_text(), Loader=LOADER)
    assert set(stack(checkout)["defaultRules"]["rules"]) <= set(upstream["defaultRules"]["rules"])


@pytest.mark.parametrize("nodes", [[], ["cp1"]])
def test_a_control_plane_of_the_inventory_is_read(checkout: Path, nodes: list[str]) -> None:
    inventory = {key: item for key, item in EVERYTHING.items() if key != "observability_control_plane"}
    found = record(checkout / "roles/observability", **inventory, groups={"control_plane": nodes})
    assert values(found, "kube-prometheus-stack")["kubeEtcd"]["enabled"] is bool(nodes)


def test_crds_have_one_owner_of_the_version_of_the_chart(checkout: Path, contracts: Path) -> None:
    chart = yaml.safe_load((contracts / "kube-prometheus-stack-88.5.3/Chart.yaml").read_text())
    role = checkout / "roles/monitoring_crds"
    assert f"/{chart['appVersion']}/" in value(role, "monitoring_crds_url")
    brought = {name.partition("_")[2].removesuffix(".yaml") for name in value(role, "monitoring_crds_files")}
    text = (contracts / "kube-prometheus-stack-88.5.3/crds.yaml").read_text()
    assert brought == {item["spec"]["names"]["plural"] for item in yaml.load_all(text, Loader=LOADER) if item}
    for there, wanted in ((["monitoring_crds"], "skip"), ([], "apply")):
        found = rendered(checkout, groups={"platform": there})
        (release,) = [one for stage in found["stages"] for one in stage["releases"] if "crds" in one]
        assert release["crds"] == wanted


# ---- what it keeps, and where else


@pytest.mark.parametrize("name", ["small", "medium", "large"])
def test_a_size_has_room_for_the_samples_it_is_made_for(checkout: Path, name: str) -> None:
    """The arithmetic of the README: a sample each 30 s, 1.7 bytes each, 8 KiB of memory for a series."""
    role = checkout / "roles/observability"
    one = value(role, "__observability_prometheus_sizes", **EVERYTHING)[name]
    days = int(value(role, "observability_retention").removesuffix("d"))
    written = one["series"] / 30 * 86400 * days * 1.7
    # the newest three hours are in the log, before they are blocks
    assert written * 1.05 <= size(one["kept"]) <= 0.85 * size(one["claim"])
    assert one["series"] * 8 * 2**10 <= size(one["memory"]) < size(one["memory_limit"])
    spec = stack(checkout, observability_size=name)["prometheus"]["prometheusSpec"]
    assert spec["resources"]["limits"]["memory"] == one["memory_limit"] and spec["retentionSize"] == one["kept"]
    claim = spec["storageSpec"]["volumeClaimTemplate"]["spec"]
    assert claim["resources"]["requests"]["storage"] == one["claim"] and claim["storageClassName"] == "ceph-block"
    readme = (role / "README.md").read_text(encoding="utf-8")
    row = next(line for line in readme.splitlines() if line.startswith(f"| `{name}`"))
    assert all(f" {text} " in row for text in (f"{one['series']:,}", one["kept"], one["claim"], one["memory"]))


def test_no_storage_class_is_named_when_there_is_none(checkout: Path) -> None:
    spec = stack(checkout, platform_storage_class="")["prometheus"]["prometheusSpec"]
    assert "storageClassName" not in spec["storageSpec"]["volumeClaimTemplate"]["spec"]


def test_two_of_each_run_on_different_nodes_when_wanted(checkout: Path) -> None:
    found = stack(checkout)
    assert found["prometheus"]["prometheusSpec"]["replicas"] == 2
    assert found["prometheus"]["prometheusSpec"]["podAntiAffinity"] == "hard"
    assert found["prometheus"]["podDisruptionBudget"] == {"enabled": True, "minAvailable": 1}
    # who looks at a graph sees one of them, and not both in turns
    assert found["prometheus"]["service"]["sessionAffinity"] == "ClientIP"
    assert found["alertmanager"]["alertmanagerSpec"]["replicas"] == 3
    once = stack(checkout, platform_high_availability=False)
    assert once["prometheus"]["prometheusSpec"]["replicas"] == 1
    assert not once["prometheus"]["podDisruptionBudget"]["enabled"]


def test_metrics_are_written_on_with_secrets_by_name(checkout: Path) -> None:
    long, tenant = stack(checkout)["prometheus"]["prometheusSpec"]["remoteWrite"]
    assert long["basicAuth"]["password"] == {"name": "long", "key": "password"}
    assert long["tlsConfig"] == {"ca": {"secret": {"name": "long-ca", "key": "ca.crt"}}} and long["sendExemplars"]
    assert tenant["authorization"] == {"credentials": {"name": "tenant", "key": "token"}}
    assert tenant["headers"] == {"X-Scope-OrgID": "a"} and tenant["sendExemplars"] is False
    assert tenant["writeRelabelConfigs"] == [{"sourceLabels": ["__name__"], "regex": "job:.*", "action": "keep"}]
    assert tenant["queueConfig"] == {"maxShards": 20}


def test_metrics_come_by_otlp_though_they_are_late(checkout: Path) -> None:
    spec = stack(checkout)["prometheus"]["prometheusSpec"]
    assert spec["enableOTLPReceiver"] and spec["enableRemoteWriteReceiver"]
    assert spec["tsdb"] == {"outOfOrderTimeWindow": "30m"} and "exemplar-storage" in spec["enableFeatures"]
    assert "k8s.namespace.name" in spec["otlp"]["promoteResourceAttributes"]


def test_values_of_the_operator_are_fields_of_its_crds(checkout: Path, contracts: Path) -> None:
    """What the chart hands on as it is."""
    text = (contracts / "kube-prometheus-stack-88.5.3/crds.yaml").read_text()
    found = next(
        item for item in yaml.load_all(text, Loader=LOADER) if item and item["spec"]["names"]["kind"] == "Prometheus"
    )
    fields = found["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]
    spec = stack(checkout)["prometheus"]["prometheusSpec"]
    for part in ("otlp", "tsdb", "exemplars"):
        assert set(spec[part]) <= set(fields[part]["properties"]), part
    for one in spec["remoteWrite"]:
        assert set(one) <= set(fields["remoteWrite"]["items"]["properties"])


def test_only_known_namespaces_read_prometheus_and_send_alerts(checkout: Path) -> None:
    found = {item["metadata"]["name"]: item["spec"] for item in manifests(rendered(checkout), "NetworkPolicy")}
    own, agents = found["inside"]["ingress"][0]["from"]
    assert found["inside"]["podSelector"] == {} and own == {"podSelector": {}}
    assert agents["namespaceSelector"]["matchLabels"] == {"kubernetes.io/metadata.name": "monitoring-agents"}
    for name, port, space in (("prometheus-readers", 9090, "istio-system"), ("alertmanager-senders", 9093, "falco")):
        (rule,) = found[name]["ingress"]
        *no_pods, known = rule["from"]
        assert rule["ports"] == [{"protocol": "TCP", "port": port}]
        assert space in known["namespaceSelector"]["matchExpressions"][0]["values"]
        # what is no pod: the API server asks from a node
        assert all(one["ipBlock"]["except"] for one in no_pods if one["ipBlock"]["cidr"] == "0.0.0.0/0")
    assert found["grafana-users"]["ingress"] == [{"ports": [{"protocol": "TCP", "port": 3000}]}]
    assert stack(checkout)["prometheusOperator"]["networkPolicy"] == {"enabled": True}
    nobody = rendered(checkout, observability_prometheus_readers=[], observability_alert_senders=[])
    closed = {
        item["metadata"]["name"]: item["spec"]["ingress"][0]["from"] for item in manifests(nobody, "NetworkPolicy")[:3]
    }
    assert all("ipBlock" in one for name in ("prometheus-readers", "alertmanager-senders") for one in closed[name])


def test_health_is_what_users_would_notice(checkout: Path) -> None:
    checks = {
        check["name"]: check for stage in rendered(checkout)["stages"] for check in stage["health"] if "http" in check
    }
    read = checks["Prometheus reads the API servers"]["http"]
    assert (read["service"], unquote(read["path"])) == (
        "prometheus-operated",
        '/api/v1/query?query=up{job="apiserver"}==1',
    )
    told = checks["an alert arrives at Alertmanager"]["http"]
    assert (told["service"], unquote(told["path"])) == (
        "alertmanager-operated",
        "/api/v2/alerts?filter=alertname=Watchdog",
    )
    assert checks["Grafana reaches its database"]["http"]["json"] == {"database": "ok"}


# ---- who is told


def test_alertmanager_reads_secrets_from_files_that_are_mounted(checkout: Path) -> None:
    found = stack(checkout)["alertmanager"]
    config, mounted = found["config"], found["alertmanagerSpec"]["secrets"]
    assert mounted == ["alerts", "alerts-mail", "watchdog"]
    files = re.findall(r'"(/etc/alertmanager/secrets/[^"]+)"', json.dumps(config))
    assert {path.split("/")[4] for path in files} == set(mounted)
    receivers = {one["name"]: one for one in config["receivers"]}
    assert receivers["ops"]["slack_configs"] == [
        {"send_resolved": True, "api_url_file": "/etc/alertmanager/secrets/alerts/slack", "channel": "#ops"}
    ]
    assert receivers["on-call"]["pagerduty_configs"][0]["routing_key_file"].endswith("/alerts/key")
    assert receivers["outside"]["webhook_configs"][0]["send_resolved"] is False
    assert config["global"]["smtp_auth_password_file"] == "/etc/alertmanager/secrets/alerts-mail/password"
    assert config["global"]["smtp_require_tls"] is True


def test_the_watchdog_goes_outside_and_everything_else_has_somebody(checkout: Path) -> None:
    route = stack(checkout)["alertmanager"]["config"]["route"]
    assert route["receiver"] == "ops" and route["routes"][0]["receiver"] == "outside"
    assert route["routes"][0]["repeat_interval"] == "5m"
    assert route["routes"][2] == {"receiver": "on-call", "matchers": ['severity="critical"'], "continue": True}
    quiet = stack(checkout, **{name: [] for name in EVERYTHING if name.startswith("observability_alert_r")})
    assert quiet["alertmanager"]["config"]["receivers"] == [{"name": "none"}]


# ---- alerts of all systems


def test_every_system_that_prometheus_reads_has_alerts(checkout: Path) -> None:
    seen: dict[str, str] = {}
    for role in platform_roles(checkout):
        alerts = record(role, **EVERYTHING).get("alerts", [])
        assert bool(alerts) == (role.name not in {*WITHOUT, *RULES_OF_CHARTS}), role.name
        off = {**EVERYTHING, "platform_monitoring": False, "cilium_monitoring": False}
        assert not record(role, **off).get("alerts"), role.name
        for alert in alerts:
            assert set(alert) <= {"name", "expr", "for", "severity", "summary"}
            assert re.fullmatch(r"([A-Z][a-z0-9]+)+", alert["name"]), alert["name"]
            assert alert["severity"] in ("critical", "warning", "info") and not alert["summary"].endswith(".")
            assert seen.setdefault(alert["name"], role.name) == role.name, alert["name"]
    for role_name, switch in RULES_OF_CHARTS.items():
        assert re.search(
            rf'"{switch}": (true|{{"enabled": true)', json.dumps(record(checkout / "roles" / role_name, **EVERYTHING))
        )


@pytest.mark.parametrize("inventory", INVENTORIES)
def test_what_an_alert_says_is_what_its_query_keeps(checkout: Path, inventory: str) -> None:
    """A label that an aggregation drops would be an empty word in the message."""
    for role in platform_roles(checkout):
        for alert in record(role, **INVENTORIES[inventory]).get("alerts", []):
            said = set(re.findall(r"<(\w+)>", alert["summary"])) - {"value"}
            for by in re.findall(r"\bby \(([^)]*)\)", alert["expr"]):
                kept = {word.strip() for word in by.split(",")}
                assert said <= kept or kept == {"le"}, (role.name, alert["name"])


def test_alerts_are_an_object_of_the_operator_in_a_stage_of_their_own() -> None:
    alerts = [
        {"name": "A", "expr": "a > 1", "for": "5m", "severity": "warning", "summary": "<a>/<b> is at <value>"},
        {"name": "B", "expr": "b", "for": None, "severity": "critical", "summary": "b"},
    ]
    stages = parse({"name": "rook_ceph", "stages": [{}], "alerts": alerts}).stages
    (rule,) = stages[-1].manifests
    assert stages[-1].name == rule["metadata"]["name"] == "rook-ceph-alerts"
    first, second = rule["spec"]["groups"][0]["rules"]
    assert first == {
        "alert": "A",
        "expr": "a > 1",
        "for": "5m",
        "labels": {"severity": "warning", "system": "rook-ceph"},
        "annotations": {"summary": "{{ $labels.a }}/{{ $labels.b }} is at {{ $value | humanize }}"},
    }
    assert "for" not in second
    assert prometheus_rule("rook-ceph", [{**alerts[1], "for": ""}])["spec"]["groups"][0]["rules"] == [second]
    assert len(parse({"name": "a", "stages": [{}], "alerts": []}).stages) == 1


# ---- what Grafana shows


def sources(checkout: Path, **more: Any) -> dict[str, Any]:
    (found,) = [
        item
        for item in manifests(rendered(checkout, **more), "ConfigMap")
        if item["metadata"]["name"] == "grafana-data-sources"
    ]
    assert found["metadata"]["labels"] == {"grafana_datasource": "1"}
    provisioned = json.loads(found["data"]["platform.yaml"])
    assert provisioned["prune"]
    return {one["uid"]: one for one in provisioned["datasources"]}


def test_a_signal_leads_to_the_next(checkout: Path) -> None:
    found = sources(
        checkout, observability_systems=["prometheus", "alertmanager", "grafana", "loki", "tempo", "pyroscope"]
    )
    assert {one["datasourceUid"] for one in found["prometheus"]["jsonData"]["exemplarTraceIdDestinations"]} == {"tempo"}
    assert {one["datasourceUid"] for one in found["loki"]["jsonData"]["derivedFields"]} == {"tempo"}
    links = found["tempo"]["jsonData"]
    wanted = {
        "tracesToLogsV2": "loki",
        "tracesToMetrics": "prometheus",
        "tracesToProfiles": "pyroscope",
        "serviceMap": "prometheus",
    }
    assert {name: links[name]["datasourceUid"] for name in wanted} == wanted
    assert found["prometheus"]["isDefault"] and sum(one.get("isDefault", False) for one in found.values()) == 1
    for text in re.findall(r"\$+\w+|\$+\{", json.dumps(found)):
        # Grafana would put an environment variable there
        assert text.startswith("$$") or text.strip("$").isupper(), text


@pytest.mark.parametrize(
    "line",
    ["level=info trace_id=4bf92f3577b34da6a3ce929d0e0e4736 x", '{"traceId": "4bf92f3577b34da6a3ce929d0e0e4736"}'],
)
def test_a_trace_is_found_in_a_line(checkout: Path, line: str) -> None:
    field = sources(checkout, platform_telemetry={"loki": "http://l", "tempo": "http://t"})["loki"]["jsonData"][
        "derivedFields"
    ][0]
    found = re.search(field["matcherRegex"], line)
    assert found and found[1] == "4bf92f3577b34da6a3ce929d0e0e4736"


def test_there_is_a_data_source_for_what_is_there_and_no_link_to_what_is_not(checkout: Path) -> None:
    found = sources(checkout, observability_systems=["prometheus", "grafana"], platform_telemetry={})
    assert list(found) == ["prometheus"]
    assert found["prometheus"]["jsonData"]["exemplarTraceIdDestinations"] == []
    other = sources(
        checkout,
        observability_systems=["grafana"],
        platform_telemetry={"tempo": "http://t:1", "clickhouse": "http://c.ch.svc:8123"},
    )
    assert set(other) == {"tempo", "clickhouse"} and set(other["tempo"]["jsonData"]) == {"nodeGraph"}
    assert other["clickhouse"]["jsonData"] == {
        "host": "c.ch.svc",
        "port": 8123,
        "protocol": "http",
        "username": "$CLICKHOUSE_USER",
    }


def test_clickhouse_brings_its_own_data_source_and_grafana_has_its_plugin_and_password(checkout: Path) -> None:
    more = {"groups": {"platform": ["clickhouse"]}, "platform_telemetry": {"clickhouse": "http://c:8123"}}
    assert "clickhouse" not in sources(checkout, **more)
    found = grafana(checkout, **more)
    assert "grafana-clickhouse-datasource" in found["grafana.ini"]["plugins"]["preinstall"]
    assert found["envFromSecrets"] == [{"name": "clickhouse-grafana", "optional": True}]
    assert grafana(checkout)["envFromSecrets"] == []


def test_what_is_pushed_reaches_both_replicas(checkout: Path) -> None:
    """Each reads all targets, but who asks is answered by one of them."""
    for available, count in ((True, 2), (False, 1)):
        found = rendered(checkout, platform_high_availability=available)
        wanted = [
            f"http://prometheus-platform-{number}.prometheus-operated.monitoring.svc:9090" for number in range(count)
        ]
        collectors = {
            item["metadata"]["name"]: item["spec"]["config"] for item in manifests(found, "OpenTelemetryCollector")
        }
        gateway = collectors["otel-gateway"]
        exporters = gateway["service"]["pipelines"]["metrics"]["exporters"]
        assert [gateway["exporters"][name]["endpoint"] for name in exporters] == [
            f"{url}/api/v1/otlp" for url in wanted
        ]
        written = re.findall(r'"url": "([^"]+)/api/v1/write"', json.dumps(values(found, "tempo")))
        assert written == wanted


def test_addresses_are_those_of_the_platform(checkout: Path) -> None:
    shared = dict(EVERYTHING["platform_telemetry"])
    found = sources(checkout)
    assert found["tempo"]["url"] == shared["tempo"]
    # its own Service keeps who asks at one of the two
    assert found["prometheus"]["url"] == "http://platform-prometheus.monitoring.svc:9090"


def test_plugins_that_do_not_come_with_the_image_are_brought_by_their_version(checkout: Path) -> None:
    only = grafana(checkout, observability_systems=["grafana"], platform_telemetry={"clickhouse": "http://c:8123"})
    assert only["grafana.ini"]["plugins"]["preinstall"] == "grafana-clickhouse-datasource@4.20.0"
    none = grafana(checkout, observability_systems=["grafana"], platform_telemetry={})["grafana.ini"]["plugins"]
    assert none == {"preinstall_disabled": True, "preinstall_auto_update": False}


def test_the_login_of_grafana_is_the_client_of_keycloak(checkout: Path) -> None:
    identity = record(checkout / "roles/teleport_keycloak", **EVERYTHING)
    realm = manifests(identity, "KeycloakRealmImport")[0]["spec"]["realm"]
    found = grafana(checkout)
    login = found["grafana.ini"]["auth.generic_oauth"]
    client = next(one for one in realm["clients"] if one["clientId"] == login["client_id"])
    assert client["redirectUris"] == [f"{found['grafana.ini']['server']['root_url']}/login/generic_oauth"]
    secret = found["envValueFrom"]["GF_AUTH_GENERIC_OAUTH_CLIENT_SECRET"]["secretKeyRef"]
    made = next(one for one in identity["secrets"] if one["name"] == secret["name"])
    assert made["copies"] == [rendered(checkout)["namespace"]["name"]] and made["keys"][0]["key"] == secret["key"]
    assert set(login["scopes"].split()) - {"openid"} <= {scope["name"] for scope in realm["clientScopes"]}
    groups = {group["name"] for group in realm["groups"]}
    assert set(re.findall(r"contains\(groups\[\*\], '([^']+)'\)", login["role_attribute_path"])) == groups
    assert login["role_attribute_strict"] and login["use_pkce"]
    assert "client_secret" not in login


def test_no_password_of_grafana_is_known(checkout: Path) -> None:
    found = grafana(checkout)
    (secret,) = [one for one in rendered(checkout)["secrets"] if one["name"] == "grafana-generated"]
    assert {key["key"] for key in secret["keys"]} == {"admin-password", "secret-key"}
    assert found["admin"] == {"existingSecret": "grafana-generated", "passwordKey": "admin-password"}
    assert found["envValueFrom"]["GF_SECURITY_SECRET_KEY"]["secretKeyRef"]["key"] == "secret-key"
    # the sidecar logs in as the same user
    user = found["env"]["GF_SECURITY_ADMIN_USER"]
    assert {found["sidecar"][part]["env"]["REQ_USERNAME"] for part in ("dashboards", "datasources")} == {user}


def test_grafana_runs_twice_only_with_a_database(checkout: Path) -> None:
    twice = grafana(checkout)
    assert twice["replicas"] == 2 and twice["podDisruptionBudget"] == {"minAvailable": 1} and twice["headlessService"]
    database = twice["grafana.ini"]["database"]
    assert (database["type"], database["host"], database["name"]) == ("postgres", "grafana-database-rw:5432", "grafana")
    assert not {"user", "password"} & set(database)
    assert twice["envValueFrom"]["GF_DATABASE_PASSWORD"]["secretKeyRef"]["name"] == "grafana-database-app"
    assert twice["persistence"]["enabled"] is False
    once = grafana(checkout, observability_grafana_database={})
    assert once["replicas"] == 1 and once["persistence"]["enabled"]
    assert once["deploymentStrategy"] == {"type": "Recreate"} and once["podDisruptionBudget"] == {}


def test_grafana_finds_what_other_roles_make_and_reads_no_secrets(checkout: Path) -> None:
    found = grafana(checkout)["sidecar"]
    (dashboard,) = (
        parse({"name": "a", "stages": [], "dashboard": {"title": "A", "panels": [{"title": "a", "expr": "a"}]}})
        .stages[0]
        .manifests
    )
    assert dashboard["metadata"]["labels"] == {"grafana_dashboard": found["dashboards"]["labelValue"]}
    for part in ("dashboards", "datasources"):
        assert found[part]["searchNamespace"] == "ALL" and found[part]["resource"] == "configmap"
    # watching never ends, so that an init container without this would keep Grafana from starting
    assert found["datasources"]["initDatasources"] and found["datasources"]["restartPolicy"] == "Always"


def test_users_reach_grafana_through_the_gateway(checkout: Path) -> None:
    route = grafana(checkout)["route"]["main"]
    assert route["enabled"] and route["hostnames"] == ["grafana.example.com"]
    assert route["parentRefs"] == [EVERYTHING["platform_gateway"]]
    alone = values(record(checkout / "roles/observability"), "grafana")
    assert not alone["route"]["main"]["enabled"] and "auth.generic_oauth" not in alone["grafana.ini"]


def test_the_roles_of_this_file_release_charts_whose_values_were_read(checkout: Path) -> None:
    charts = {release["name"] for role, _, release in releases(checkout) if role == "observability"}
    assert {"kube-prometheus-stack", "grafana"} <= charts
