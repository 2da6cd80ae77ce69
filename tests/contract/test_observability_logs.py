# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Logs, traces and profiles: where each goes, that it is found there, who may read it, and what it costs."""

from __future__ import annotations

import itertools
import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
import yaml
from ansible_collections.kubestd.platform.plugins.module_utils._component.record import checked
from ansible_collections.kubestd.platform.plugins.module_utils._health.plan import make_check

from .records import EVERYTHING, INVENTORIES, manifests, record, value, values

Object = dict[str, Any]
ALL = value(Path(__file__).parents[2] / "roles/observability", "observability_systems")
# The Services of each system, by what upstream's charts and operators make of our names.
SERVICES = {
    "prometheus": {"prometheus-operated"},
    "loki": {"loki-gateway"},
    "tempo": {"tempo", "tempo-distributor"},
    "pyroscope": {"pyroscope", "pyroscope-distributor"},
    "opensearch": {"opensearch", "opensearch-dashboards"},
    "opentelemetry": {"otel-gateway-collector", "otel-gateway-collector-headless", "otel-agent-collector"},
}
# Gigabytes of logs a day that a size is made for, as the README says.
LOGS = {"small": 5, "medium": 50, "large": 500}


def found(checkout: Path, **more: Any) -> Object:
    return record(checkout / "roles/observability", **{**EVERYTHING, **more})


def releases_of(made: Object) -> dict[str, Object]:
    return {one["name"]: one for stage in made["stages"] for one in stage["releases"]}


def collectors(made: Object) -> dict[str, Object]:
    return {item["metadata"]["name"]: item["spec"] for item in manifests(made, "OpenTelemetryCollector")}


def checks(made: Object) -> list[Object]:
    return [check for stage in made["stages"] for check in stage["health"]]


def outputs(made: Object) -> list[Object]:
    return list(values(made, "fluent-bit")["config"]["pipeline"]["outputs"])


def problems(checkout: Path, **more: Any) -> list[str]:
    return list(value(checkout / "roles/observability", "__observability_problems", **{**EVERYTHING, **more}))


def named(made: Object, kind: str, name: str) -> Object:
    [item] = [item for item in manifests(made, kind) if item["metadata"]["name"] == name]
    return item


CHOICES = [
    list(chosen)
    for count in (1, 2, 4)
    for chosen in itertools.combinations(["prometheus", "loki", "tempo", "opensearch"], count)
]


# ---- where signals go


@pytest.mark.parametrize("chosen", [*CHOICES, ALL])
@pytest.mark.parametrize("logs_by", ["fluent_bit", "opentelemetry"])
def test_every_part_of_a_pipeline_is_there_and_every_part_is_in_a_pipeline(
    checkout: Path, chosen: list[str], logs_by: str
) -> None:
    systems = sorted({*chosen, "opentelemetry", "pyroscope"})
    more = {"observability_opentelemetry_profiles": True, "observability_logs_by": logs_by}
    made = found(checkout, observability_systems=systems, **more)
    assert set(collectors(made)) == {"otel-agent", "otel-gateway"}
    for name, spec in collectors(made).items():
        config = spec["config"]
        used: dict[str, set[str]] = {"receivers": set(), "processors": set(), "exporters": set()}
        for signal, pipeline in config["service"]["pipelines"].items():
            for part, names in pipeline.items():
                used[part] |= set(names)
                assert names, f"{name}: {signal} has no {part}"
        for part, names in used.items():
            assert names == set(config[part]), f"{name}: {part}"
        assert set(config["service"]["extensions"]) == set(config["extensions"])
        stores = {item.get("storage") for item in config["receivers"].values()} - {None}
        assert stores <= set(config["extensions"])
        logins = {item.get("http", {}).get("auth", {}).get("authenticator") for item in config["exporters"].values()}
        assert logins - {None} <= set(config["extensions"])


@pytest.mark.parametrize("chosen", [*CHOICES, ALL])
def test_everything_is_sent_to_a_service_that_is_there(checkout: Path, chosen: list[str]) -> None:
    systems = sorted(
        {*chosen, "opentelemetry", "fluent_bit"} if {"loki", "opensearch"} & {*chosen} else {*chosen, "opentelemetry"}
    )
    made = found(checkout, observability_systems=systems)
    there = set().union(*(SERVICES.get(system, set()) for system in systems))
    addresses = json.dumps([spec["config"]["exporters"] for spec in collectors(made).values()])
    if "fluent-bit" in releases_of(made):
        addresses += json.dumps(outputs(made))
    hosts = re.findall(r"([a-z0-9-]+)\.(monitoring|monitoring-agents)\.svc", addresses)
    assert hosts and {name for name, _ in hosts} <= there
    for check in checks(made):
        for asked in [check.get("http"), *(check.get("probe") or {}).values()]:
            if (
                isinstance(asked, dict)
                and "service" in asked
                and asked["service"] not in ("grafana", "alertmanager-operated")
            ):
                assert asked["service"] in there, check["name"]


@pytest.mark.parametrize(
    ("system", "exporter"),
    [
        ("loki", "otlphttp/loki"),
        ("tempo", "otlp/tempo"),
        ("prometheus", "otlphttp/prometheus-0"),
        ("opensearch", "opensearch"),
    ],
)
def test_the_gateway_sends_only_to_what_is_switched_on(checkout: Path, system: str, exporter: str) -> None:
    on = collectors(found(checkout))["otel-gateway"]["config"]
    assert exporter in on["exporters"]
    rest = [name for name in ALL if name not in (system, "alertmanager")]
    off = collectors(found(checkout, observability_systems=rest))["otel-gateway"]["config"]
    assert exporter not in json.dumps(off)


def test_fluent_bit_sends_everything_it_reads_to_both_stores_and_only_to_those_switched_on(checkout: Path) -> None:
    made = found(checkout)
    sent = {(item["name"], item["match"]) for item in outputs(made)}
    assert sent == set(itertools.product(("loki", "opensearch"), ("kube.*", "host.*", "audit")))
    tags = {item["tag"] for item in values(made, "fluent-bit")["config"]["pipeline"]["inputs"]}
    assert {tag.split(".")[0] for tag in tags} == {match.split(".")[0] for _, match in sent}
    for system, other in (("loki", "opensearch"), ("opensearch", "loki")):
        one = found(checkout, observability_systems=["fluent_bit", system])
        assert {item["name"] for item in outputs(one)} == {system}
        assert ("OPENSEARCH_PASSWORD" in json.dumps(releases_of(one)["fluent-bit"])) == (other == "loki")


def test_logs_that_cannot_be_sent_wait_on_the_disk_of_the_node(checkout: Path) -> None:
    config = values(found(checkout, observability_logs_buffer="7G"), "fluent-bit")["config"]
    assert {item["storage.type"] for item in config["pipeline"]["inputs"]} == {"filesystem"}
    assert all(item["db"].startswith("${STORAGE_PATH}/") for item in config["pipeline"]["inputs"])
    assert {item["storage.total_limit_size"] for item in config["pipeline"]["outputs"]} == {"7G"}
    assert {item["retry_limit"] for item in config["pipeline"]["outputs"]} == {"no_limits"}
    assert values(found(checkout), "fluent-bit")["storage"]["enabled"] is True


def test_the_audit_log_is_read_where_the_api_servers_write_it(checkout: Path) -> None:
    text = (checkout / "roles/kubeadm_cluster/vars/main.yml").read_text(encoding="utf-8")
    [path] = re.findall(r"'audit-log-path': '([^']+)'", text)
    made = found(checkout)
    assert path in [item.get("path") for item in values(made, "fluent-bit")["config"]["pipeline"]["inputs"]]
    other = found(checkout, observability_logs_by="opentelemetry")
    assert collectors(other)["otel-agent"]["config"]["receivers"]["filelog/audit"]["include"] == [path]


def test_logs_are_read_once(checkout: Path) -> None:
    bit = found(checkout)
    assert "fluent-bit" in releases_of(bit)
    assert "filelog" not in json.dumps(collectors(bit)["otel-agent"]["config"])
    otel = found(checkout, observability_logs_by="opentelemetry")
    assert "fluent-bit" not in releases_of(otel)
    logs = collectors(otel)["otel-agent"]["config"]["service"]["pipelines"]["logs"]
    assert logs["receivers"] == ["otlp", "filelog", "filelog/audit"]


def test_what_reads_a_node_is_in_the_namespace_for_that(checkout: Path) -> None:
    made = found(checkout, observability_agents_namespace="agents")
    assert releases_of(made)["fluent-bit"]["namespace"] == "agents"
    assert named(made, "OpenTelemetryCollector", "otel-agent")["metadata"]["namespace"] == "agents"
    for item in manifests(made, "OpenTelemetryCollector"):
        if item["metadata"]["namespace"] != "agents":
            assert "hostPath" not in json.dumps(item)
    assert "hostPath" not in json.dumps(releases_of(made)["opensearch"])


def test_lines_of_one_trace_are_put_together_first(checkout: Path) -> None:
    pipeline = values(found(checkout), "fluent-bit")["config"]["pipeline"]
    assert [item["name"] for item in pipeline["filters"]] == ["multiline"]
    assert pipeline["filters"][0]["multiline.parser"] == "java,go,python"
    assert values(found(checkout, observability_logs_multiline=[]), "fluent-bit")["config"]["pipeline"]["filters"] == []


# ---- that signals arrive


def test_each_signal_has_a_probe_and_no_probe_asks_for_what_is_off(checkout: Path) -> None:
    probes = [check["name"] for check in checks(found(checkout)) if check.get("probe")]
    assert len(probes) == 4 and {
        word for word in ("log line", "trace", "profile", "metric") if word in str(probes)
    } == {
        "log line",
        "trace",
        "profile",
        "metric",
    }
    assert [check for check in checks(found(checkout)) if check.get("newest")]
    for system in ("loki", "tempo", "pyroscope"):
        alone = found(checkout, observability_systems=[system])
        assert len([check for check in checks(alone) if check.get("probe")]) == 1


@pytest.mark.parametrize("inventory", ["with everything", "large"])
def test_a_probe_is_one_that_the_module_takes_and_its_query_is_what_its_comment_says(
    checkout: Path, inventory: str
) -> None:
    made = record(checkout / "roles/observability", **INVENTORIES[inventory])
    for check in checks(made):
        make_check(checked(check, "monitoring"))
    queries = [unquote(check["probe"]["find"]["path"]) for check in checks(made) if check.get("probe")]
    for said in (
        '{service_name="kubestd-probe"} |= "<marker>"',
        "/api/traces/<trace>",
        'kubestd_probe{marker="<marker>"}',
        'process_cpu:cpu:nanoseconds:cpu:nanoseconds{marker="<marker>"}',
    ):
        assert any(query.endswith(said) for query in queries), said


def test_signals_take_the_way_that_those_of_programs_take(checkout: Path) -> None:
    def way(**more: Any) -> dict[str, str]:
        return {
            check["name"].split()[1]: check["probe"]["send"]["service"]
            for check in checks(found(checkout, **more))
            if check.get("probe")
        }

    through = "otel-gateway-collector"
    assert way() == {"log": through, "trace": through, "metric": through, "profile": "pyroscope"}
    alone = way(observability_systems=["loki", "tempo", "pyroscope", "prometheus"])
    assert alone == {"log": "loki-gateway", "trace": "tempo", "profile": "pyroscope"}
    large = {"observability_size": "large", "observability_tempo_kafka": "k:9092"}
    assert way(observability_systems=["tempo", "pyroscope"], **large) == {
        "trace": "tempo-distributor",
        "profile": "pyroscope-distributor",
    }


# ---- who may read and write


def test_no_password_stands_in_values_or_objects(checkout: Path) -> None:
    made = found(checkout)
    secrets = {secret["name"]: {key["key"] for key in secret["keys"]} for secret in made["secrets"]}
    text = json.dumps([made["stages"], made["secrets"]])
    # teleport_keycloak makes the first, cert-manager the second
    elsewhere = {"opensearch-oidc": {"clientSecret"}, "opensearch-http": {"ca.crt"}}
    for name, key in re.findall(r'"secretKeyRef": \{"name": "(opensearch-[^"]+)", "key": "([^"]+)"', text):
        assert key in {**elsewhere, **secrets}.get(name, set()), name
    for word in ("admin:admin", "supersecret", "OPENSEARCH_INITIAL_ADMIN_PASSWORD"):
        assert word not in text
    assert values(made, "opensearch")["securityConfig"]["config"]["data"]["internal_users.yml"] == {
        "_meta": {"type": "internalusers", "config_version": 2}
    }
    environment = values(made, "opensearch")["extraEnvs"]
    assert {"name": "DISABLE_INSTALL_DEMO_CONFIG", "value": "true"} in environment


def test_agents_have_the_password_and_the_authority_in_their_namespace(checkout: Path) -> None:
    made = found(checkout, observability_agents_namespace="agents")
    [writer] = [secret for secret in made["secrets"] if secret["name"] == "opensearch-logs-writer"]
    assert writer["copies"] == ["agents"]
    certificate = named(made, "Certificate", "logs-writer-tls")
    assert certificate["metadata"]["namespace"] == "agents"
    assert certificate["spec"]["issuerRef"] == named(made, "Certificate", "opensearch-http")["spec"]["issuerRef"]
    [volume] = values(made, "fluent-bit")["extraVolumes"]
    assert volume["secret"]["secretName"] == certificate["spec"]["secretName"]


def test_nodes_and_administrators_of_opensearch_have_certificates_that_nobody_else_can_ask_for(checkout: Path) -> None:
    made = found(checkout)
    settings = yaml.safe_load(values(made, "opensearch")["config"]["opensearch.yml"])
    for name, key in (("opensearch-transport", "nodes_dn"), ("opensearch-admin", "authcz.admin_dn")):
        spec = named(made, "Certificate", name)["spec"]
        assert settings[f"plugins.security.{key}"] == [f"CN={spec['commonName']}"]
        assert spec["issuerRef"] == {"name": "opensearch", "kind": "Issuer"}
        assert spec["privateKey"]["encoding"] == "PKCS8"
    assert named(made, "Certificate", "opensearch-http")["spec"]["issuerRef"] == {
        "name": "platform",
        "kind": "ClusterIssuer",
    }
    trusted = settings["plugins.security.ssl.http.pemtrustedcas_filepath"]
    assert trusted == settings["plugins.security.ssl.transport.pemtrustedcas_filepath"]


def test_every_secret_that_is_mounted_is_made_by_somebody(checkout: Path) -> None:
    made = found(checkout)
    text = json.dumps(made["stages"])
    mounted = set(re.findall(r'"secretName": "((?:opensearch|logs)-[^"]+)"', text))
    certificates = {item["spec"]["secretName"] for item in manifests(made, "Certificate")}
    # the chart makes the first of its values, Rook the second of a claim
    assert mounted <= certificates | {"opensearch-securityconfig", "opensearch-bucket"}
    keys = [item for item in manifests(made, "Job") if "opensearch-http" in json.dumps(item)]
    assert keys and all("tls.key" not in json.dumps(item["spec"]["template"]["spec"]["volumes"]) for item in keys)


def test_a_login_to_opensearch_has_a_client_at_the_issuer(checkout: Path) -> None:
    made = found(checkout)
    settings = yaml.safe_load(values(made, "opensearch-dashboards")["config"]["opensearch_dashboards.yml"])
    assert settings["opensearch_security.openid.base_redirect_url"] == "https://opensearch.example.com"
    clients = value(checkout / "roles/teleport_keycloak", "__teleport_keycloak_known_clients", **EVERYTHING)
    [client] = [client for client in clients if client["id"] == settings["opensearch_security.openid.client_id"]]
    assert client["redirect_uris"] == ["https://opensearch.example.com/auth/openid/login"]
    assert client["namespace"] == "monitoring"
    domains = values(made, "opensearch")["securityConfig"]["config"]["data"]["config.yml"]["config"]["dynamic"]["authc"]
    assert domains["openid"]["http_authenticator"]["config"]["roles_key"] == "groups"
    assert domains["openid"]["http_authenticator"]["config"]["openid_connect_url"].startswith(
        EVERYTHING["platform_oidc"]["issuer"]
    )
    without = found(checkout, platform_oidc={})
    assert "openid" not in json.dumps([values(without, "opensearch"), values(without, "opensearch-dashboards")])


def test_groups_have_the_roles_of_the_inventory(checkout: Path) -> None:
    roles = [{"group": "ops", "roles": ["all_access"]}, {"group": "devs", "roles": ["logs-reader", "kibana_user"]}]
    data = named(found(checkout, observability_opensearch_roles=roles), "ConfigMap", "opensearch-setup")["data"]
    said = {name: json.loads(text) for name, text in data.items() if name.startswith("mapping-")}
    assert said["mapping-all_access.json"]["backend_roles"] == ["admin", "ops"]
    assert said["mapping-logs-reader.json"] == {"users": ["logs-reader"], "backend_roles": ["devs"]}
    assert said["mapping-kibana_user.json"]["backend_roles"] == ["devs"]


def test_falco_reaches_loki_and_nobody_else_of_other_namespaces_does(checkout: Path) -> None:
    policies = {item["metadata"]["name"]: item["spec"] for item in manifests(found(checkout), "NetworkPolicy")}
    named = [peer for peer in policies["loki-gateway"]["ingress"][0]["from"] if "ipBlock" not in peer]
    [chosen] = [peer["namespaceSelector"]["matchExpressions"][0] for peer in named]
    assert chosen == {"key": "kubernetes.io/metadata.name", "operator": "In", "values": ["falco"]}


def test_servers_without_passwords_are_closed_to_pods_of_other_namespaces(checkout: Path) -> None:
    made = found(checkout, observability_pod_cidr="10.9.0.0/16,fd00:9::/48", observability_loki_senders=[])
    policies = {item["metadata"]["name"]: item["spec"] for item in manifests(made, "NetworkPolicy")}
    for name in ("loki-gateway", "tempo"):
        for rule in policies[name]["ingress"]:
            assert all("ipBlock" in peer for peer in rule["from"])
            assert [peer["ipBlock"]["except"] for peer in rule["from"]] == [["10.9.0.0/16"], ["fd00:9::/48"]]
    senders = [peer for peer in policies["pyroscope"]["ingress"][0]["from"] if "ipBlock" not in peer]
    assert [peer["namespaceSelector"]["matchLabels"] for peer in senders] == [{"kubestd.platform/profiles": "true"}]
    for name in ("otel-gateway", "otel-agent"):
        assert policies[name]["ingress"][0] == {
            "ports": [{"protocol": "TCP", "port": 4317}, {"protocol": "TCP", "port": 4318}]
        }


# ---- what is kept


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"platform_object_store": {}, "observability_size": "medium"}, "keeps logs in an object store"),
        ({"platform_object_store": {"endpoint": "https://s3"}}, "neither storage_class nor secret_name"),
        ({"observability_loki_retention": "36h"}, "write hours as 744h, in whole days"),
        ({"observability_loki_retention": "30d"}, "write hours as 744h, in whole days"),
        ({"observability_tempo_retention": "7d"}, "observability_tempo_retention is 7d"),
        ({"observability_pyroscope_retention": "7d"}, "observability_pyroscope_retention is 7d"),
        ({"observability_size": "large"}, "set observability_tempo_kafka"),
        ({"observability_opensearch_retention": "1w"}, "write days or hours as 7d or 36h"),
        ({"platform_issuer": ""}, "OpenSearch speaks TLS only"),
        ({"observability_systems": ["fluent_bit"]}, "Fluent Bit has nowhere to send logs"),
        ({"observability_systems": ["opentelemetry"]}, "collectors have nowhere to send"),
        (
            {"observability_systems": ["loki", "fluent_bit"], "observability_logs_by": "opentelemetry"},
            "observability_logs_by is opentelemetry, which is not in observability_systems",
        ),
        (
            {"observability_systems": ["loki", "opentelemetry"], "observability_opentelemetry_profiles": True},
            "pyroscope is not in observability_systems",
        ),
    ],
)
def test_what_cannot_work_is_refused(checkout: Path, given: Object, said: str) -> None:
    assert any(said in problem for problem in problems(checkout, **given)), problems(checkout, **given)
    assert problems(checkout) == []
    assert problems(checkout, component_action="remove", **given) == []


def test_each_system_has_a_bucket_that_stays_and_no_key_of_it_in_its_values(checkout: Path) -> None:
    made = found(checkout)
    [stage] = [stage for stage in made["stages"] if stage["name"] == "buckets"]
    assert stage["keep"] and {item["metadata"]["name"] for item in stage["manifests"]} == {
        f"{system}-bucket" for system in ("loki", "tempo", "pyroscope", "opensearch")
    }
    for system in ("loki", "tempo", "pyroscope"):
        text = json.dumps(values(made, system))
        assert f'"secretRef": {{"name": "{system}-bucket"}}' in text
        assert f"{system}-object-store-ca" in text and named(made, "ConfigMap", f"{system}-object-store-ca")
    own = {"endpoint": "http://s3.example.com:9000", "secret_name": "keys", "buckets": {"loki": "company-logs"}}
    other = found(checkout, platform_object_store=own)
    assert not [stage for stage in other["stages"] if stage["name"] == "buckets"]
    assert values(other, "loki")["loki"]["storage"]["bucketNames"]["chunks"] == "company-logs"
    assert values(other, "loki")["loki"]["storage"]["s3"]["insecure"] is True
    assert values(other, "tempo")["tempo"]["storage"]["trace"]["s3"]["endpoint"] == "s3.example.com:9000"
    assert values(other, "pyroscope")["pyroscope"]["structuredConfig"]["storage"]["s3"]["insecure"] is True


def test_without_an_object_store_there_is_one_server_with_a_volume(checkout: Path) -> None:
    made = found(checkout, platform_object_store={})
    assert values(made, "loki")["singleBinary"]["replicas"] == 1
    assert values(made, "loki")["loki"]["schemaConfig"]["configs"][0]["object_store"] == "filesystem"
    assert values(made, "tempo")["tempo"]["storage"]["trace"]["backend"] == "local"
    assert values(made, "pyroscope")["pyroscope"]["structuredConfig"]["storage"]["backend"] == "filesystem"
    opensearch = values(made, "opensearch")
    assert opensearch["plugins"]["enabled"] is False and opensearch["keystore"] == []


@pytest.mark.parametrize("size", ["small", "medium", "large"])
def test_volumes_hold_the_logs_that_the_size_is_made_for(checkout: Path, size: str) -> None:
    more: Object = {"observability_size": size, "observability_tempo_kafka": "k:9092"}
    opensearch = values(found(checkout, **more), "opensearch")
    setup = json.loads(named(found(checkout, **more), "ConfigMap", "opensearch-setup")["data"]["template.json"])
    copies = 1 + setup["template"]["settings"]["index"]["number_of_replicas"]
    disk = opensearch["replicas"] * int(opensearch["persistence"]["size"].removesuffix("Gi"))
    # 7 days, two copies, 85 % of the disk at most
    assert disk * 0.85 >= LOGS[size] * 7 * copies
    [heap] = set(re.findall(r"-Xm[sx](\d+)g", opensearch["opensearchJavaOpts"]))
    assert int(opensearch["resources"]["limits"]["memory"].removesuffix("Gi")) == 2 * int(heap)
    readme = (checkout / "roles/observability/README.md").read_text(encoding="utf-8")
    assert f"| `{size}` | {LOGS[size]} GB |" in readme
    loki = values(found(checkout, **more), "loki")
    # ten times the mean, for an hour in which much happens
    assert loki["loki"]["limits_config"]["ingestion_rate_mb"] * 86400 / 1000 >= 10 * LOGS[size]
    assert loki["deploymentMode"] == ("Distributed" if size == "large" else "Monolithic")


def test_retention_is_what_the_inventory_says(checkout: Path) -> None:
    made = found(
        checkout,
        observability_loki_retention="240h",
        observability_tempo_retention="48h",
        observability_opensearch_retention="3d",
        observability_pyroscope_retention="24h",
    )
    loki = values(made, "loki")["loki"]
    assert loki["limits_config"]["retention_period"] == "240h" and loki["compactor"]["retention_enabled"] is True
    assert values(made, "tempo")["tempo"]["retention"] == "48h"
    assert values(made, "pyroscope")["pyroscope"]["structuredConfig"]["limits"]["retention_period"] == "24h"
    policy = json.loads(named(made, "ConfigMap", "opensearch-setup")["data"]["ism.json"])["policy"]
    assert policy["states"][0]["transitions"] == [{"state_name": "delete", "conditions": {"min_rollover_age": "3d"}}]


# ---- how OpenSearch is set up

CURL = """#!/bin/bash
echo "curl $*" >> "$RECORD/arguments"
body=""; next=""; method=GET; config=""
for word in "$@"; do
  case "$next" in data) body="$word";; request) method="$word";; config) config=$(cat "$word");; esac
  next=""
  case "$word" in --data) next=data;; --request) next=request;; --config) next=config;; https://*) url="${word#https://*/}";; esac
done
[ "$body" = "@-" ] && body=$(cat)
echo "$method /$url $body$config" >> "$RECORD/requests"
case "$method /$url" in
  "GET /_plugins/_ism/policies/logs") [ -n "$THERE" ] && echo '{"_seq_no":7,"_primary_term":2,"policy":{}}' || exit 22;;
  "GET /_plugins/_sm/policies/logs") [ -n "$THERE" ] && echo '{"_seq_no":9,"_primary_term":1}' || exit 22;;
  "GET /_data_stream/"*) [ -n "$THERE" ] || exit 22;;
  *_count*) echo '{"count":1}';;
esac
exit 0
"""


def set_up(checkout: Path, tmp_path: Path, there: str = "") -> tuple[list[str], str]:
    """What the script of the Job asks of OpenSearch, in order, and all arguments of all programs it starts."""
    data = named(found(checkout), "ConfigMap", "opensearch-setup")["data"]
    setup, programs = tmp_path / "setup", tmp_path / "bin"
    setup.mkdir()
    programs.mkdir()
    tool = "/usr/share/opensearch/plugins/opensearch-security/tools/securityadmin.sh"
    for name, text in data.items():
        (setup / name).write_text(text.replace("/setup/", f"{setup}/").replace(tool, "securityadmin.sh"))
    for name, text in (
        ("curl", CURL),
        (
            "securityadmin.sh",
            '#!/bin/bash\necho "securityadmin $*" | tee -a "$RECORD/arguments" >> "$RECORD/requests"\n',
        ),
        ("sleep", "#!/bin/bash\n"),
    ):
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    passwords = {f"{who}_PASSWORD": f"MARKER-{who}" for who in ("ADMIN", "DASHBOARDS", "WRITER", "READER", "EXPORTER")}
    environment = {**passwords, "RECORD": str(tmp_path), "THERE": there, "PATH": f"{programs}:{os.environ['PATH']}"}
    command = ["bash", str(setup / "setup.sh")]
    answer = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert "MARKER" not in answer.stdout + answer.stderr
    return (tmp_path / "requests").read_text().splitlines(), (tmp_path / "arguments").read_text()


def test_opensearch_is_set_up_without_a_password_in_an_argument(checkout: Path, tmp_path: Path) -> None:
    asked, arguments = set_up(checkout, tmp_path)
    assert "MARKER" not in arguments
    first = [line.split("?")[0].split(" {")[0].split(" @")[0].strip() for line in asked]
    assert first[0] == "GET /_plugins/_security/health"
    users = [line for line in asked if "/internalusers/" in line]
    assert [re.findall(r"internalusers/(\S+) .*MARKER-(\w+)", line)[0] for line in users] == [
        ("admin", "ADMIN"),
        ("kibanaserver", "DASHBOARDS"),
        ("logs-writer", "WRITER"),
        ("logs-reader", "READER"),
        ("exporter", "EXPORTER"),
    ]
    for line in users:
        json.loads(line.split(" ", 2)[2])
    for path in (
        "/_index_template/logs",
        "/_plugins/_ism/policies/logs",
        "/_snapshot/object-store",
        "/_data_stream/logs-audit",
    ):
        assert f"PUT {path}" in first, path
    assert "POST /_plugins/_sm/policies/logs" in first
    assert first.index("PUT /_index_template/logs") < first.index("PUT /_data_stream/logs-audit")
    written, read = asked[-2:]
    assert 'user = "logs-writer:MARKER-WRITER"' in written and 'user = "logs-reader:MARKER-READER"' in read


def test_what_is_there_is_replaced_in_the_version_that_was_seen(checkout: Path, tmp_path: Path) -> None:
    asked, _ = set_up(checkout, tmp_path, there="yes")
    assert any(line.startswith("PUT /_plugins/_ism/policies/logs?if_seq_no=7&if_primary_term=2 ") for line in asked)
    assert any(line.startswith("PUT /_plugins/_sm/policies/logs?if_seq_no=9&if_primary_term=1 ") for line in asked)
    assert not [line for line in asked if line.startswith("PUT /_data_stream")]


def test_opensearch_is_set_up_anew_when_something_of_it_changes(checkout: Path) -> None:
    def job(**more: Any) -> str:
        [name] = [item["metadata"]["name"] for item in manifests(found(checkout, **more), "Job")]
        return str(name)

    assert job() == job(observability_loki_retention="24h")
    others = [
        job(observability_opensearch_retention="3d"),
        job(observability_opensearch_roles=[{"group": "ops", "roles": ["all_access"]}]),
        job(platform_oidc={}),
        job(observability_opensearch_image="example.com/opensearch:3.6.1"),
    ]
    assert len({job(), *others}) == 5


def test_the_probe_of_opensearch_also_looks_for_what_agents_write(checkout: Path) -> None:
    def expected(**more: Any) -> str:
        [job] = [
            item
            for item in manifests(found(checkout, **more), "CronJob")
            if item["metadata"]["name"] == "opensearch-probe"
        ]
        environment = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"][0]["env"]
        return str({item["name"]: item.get("value") for item in environment}["EXPECTED"])

    assert expected() == "logs-containers"
    assert expected(observability_logs_by="opentelemetry") == "logs-otel"
    assert expected(observability_systems=["opensearch"]) == ""
