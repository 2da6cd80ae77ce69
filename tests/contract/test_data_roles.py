# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kafka and ClickHouse: what refers to each other fits together, and what cannot work is refused in a sentence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml

from .records import EVERYTHING, INVENTORIES, manifests, record, value, values


def kafka(checkout: Path, **more: Any) -> dict[str, Any]:
    return record(checkout / "roles/strimzi", **{**EVERYTHING, **more})


def wrong(checkout: Path, **more: Any) -> list[str]:
    return list(value(checkout / "roles/strimzi", "__strimzi_problems", **{**EVERYTHING, **more}))


def pool(name: str, replicas: int, *roles: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "roles": list(roles), "replicas": replicas, "size": "1Gi", **more}


def cluster(checkout: Path, **more: Any) -> dict[str, Any]:
    return dict(manifests(kafka(checkout, **more), "Kafka")[0]["spec"])


def named(found: dict[str, Any], kind: str, name: str) -> dict[str, Any]:
    return next(item for item in manifests(found, kind) if item["metadata"]["name"] == name)


@pytest.mark.parametrize("inventory", ["with everything", "small"])
def test_kafka_of_a_good_inventory_is_not_refused(checkout: Path, inventory: str) -> None:
    assert value(checkout / "roles/strimzi", "__strimzi_problems", **INVENTORIES[inventory]) == []


LISTENER = {"name": "more", "port": 9100, "type": "internal"}


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"platform_storage_class": ""}, "The pool broker has no storage class; name one in strimzi_storage_class"),
        ({"strimzi_pools": [pool("a", 3, "controller")]}, "no pool with the role broker"),
        ({"strimzi_pools": [pool("a", 2, "controller", "broker")]}, "has 2 controllers; write an odd number"),
        ({"strimzi_pools": [pool("a", 3, "broker")]}, "has 0 controllers"),
        (
            {"strimzi_pools": [pool("a", 3, "controller"), pool("a", 3, "broker")]},
            "Two pools of strimzi_pools have the same name",
        ),
        ({"strimzi_replication_factor": 4}, "strimzi_replication_factor is 4 and there are 3 brokers; write at most 3"),
        ({"strimzi_min_insync_replicas": 3}, "strimzi_min_insync_replicas is 3 of 3 replicas"),
        ({"strimzi_rack": {"zones": ["a"]}}, "strimzi_rack has no topology_key"),
        ({"strimzi_kafka_version": "4.2.1"}, "strimzi_metadata_version 4.3-IV0 is newer than Kafka 4.2.1"),
        (
            {"platform_high_availability": False, "strimzi_cruise_control": True},
            "strimzi_cruise_control needs two brokers",
        ),
        ({"strimzi_cruise_control": False}, "strimzi_rebalances are carried out by Cruise Control"),
        ({"strimzi_listeners": [{**LISTENER, "name": "Outside"}]}, "The listener Outside has a name that cannot be"),
        ({"strimzi_listeners": [{**LISTENER, "name": "tls"}]}, "The listener tls has a name that cannot be"),
        ({"strimzi_listeners": [{**LISTENER, "port": 9093}]}, "has port 9093, which Kafka and Strimzi take themselves"),
        ({"strimzi_listeners": [{**LISTENER, "port": 9404}]}, "has port 9404"),
        ({"strimzi_listeners": [LISTENER, {**LISTENER, "name": "b"}]}, "Two of strimzi_listeners have the same port"),
        (
            {"strimzi_listeners": [{**LISTENER, "authentication": "oauth"}], "platform_oidc": {}},
            "The listener more takes tokens, and nobody says whose",
        ),
        (
            {"strimzi_listeners": [{**LISTENER, "type": "tlsroute", "host": "k.example.com"}]},
            "The listener more is a tlsroute without a gateway",
        ),
        ({"strimzi_topics": [{"name": "a", "replicas": 5}]}, "The topic a has 5 replicas and there are 3 brokers"),
        ({"strimzi_topics": [{"name": "A_b"}]}, "The topic A_b cannot be the name of an object"),
        (
            {"strimzi_authorization": "none", "strimzi_users": EVERYTHING["strimzi_users"]},
            "The user tempo has acls, and strimzi_authorization is none",
        ),
        (
            {"strimzi_users": [{"name": "a", "authentication": "oauth", "namespaces": ["b"]}]},
            "The user a comes with a token, so that there is nothing to hand to namespaces",
        ),
        ({"strimzi_users": [{"name": "bridge"}]}, "Two users have the same name"),
        (
            {"strimzi_connects": [{"name": "c", "image": "example.com/connect:1"}]},
            "The image of c in strimzi_connects has no digest",
        ),
        (
            {"strimzi_mirrors": [{"name": "m", "sources": [{"alias": "o", "bootstrap": "b:1", "username": "u"}]}]},
            "The source o of m has only one of username and password_secret",
        ),
    ],
)
def test_what_kafka_cannot_be_is_refused_with_what_to_write(
    checkout: Path, settings: dict[str, Any], sentence: str
) -> None:
    said = wrong(checkout, **settings)
    assert any(sentence in one for one in said), said
    assert wrong(checkout, **settings, platform_action="remove") == []


def test_a_partition_survives_the_restart_of_a_broker_and_nobody_makes_a_topic_by_accident(checkout: Path) -> None:
    found = cluster(checkout)["kafka"]["config"]
    assert (found["default.replication.factor"], found["min.insync.replicas"]) == (3, 2)
    assert (found["offsets.topic.replication.factor"], found["transaction.state.log.min.isr"]) == (3, 2)
    assert found["auto.create.topics.enable"] is False
    alone = cluster(checkout, **{**INVENTORIES["small"], "strimzi_topics": []})["kafka"]["config"]
    assert (alone["default.replication.factor"], alone["min.insync.replicas"]) == (1, 1)


def test_nodes_of_a_pool_share_no_machine_and_keep_their_volumes(checkout: Path) -> None:
    pools = manifests(kafka(checkout), "KafkaNodePool")
    assert [(one["metadata"]["name"], one["spec"]["replicas"], one["spec"]["roles"]) for one in pools] == [
        ("controller", 3, ["controller"]),
        ("broker", 3, ["broker"]),
    ]
    for one in pools:
        pod = one["spec"]["template"]["pod"]
        [term] = pod["affinity"]["podAntiAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
        assert term["labelSelector"]["matchLabels"]["strimzi.io/pool-name"] == one["metadata"]["name"]
        [volume] = one["spec"]["storage"]["volumes"]
        assert volume["deleteClaim"] is False and volume["class"] == "ceph-block"
        assert one["metadata"]["labels"] == {"strimzi.io/cluster": "platform"}
    spread = pools[1]["spec"]["template"]["pod"]["topologySpreadConstraints"]
    assert spread[0]["topologyKey"] == "topology.kubernetes.io/zone"
    assert "topologySpreadConstraints" not in pools[0]["spec"]["template"]["pod"]


def test_racks_are_read_from_the_label_and_looked_for_before_anything_is_placed(checkout: Path) -> None:
    found = cluster(checkout)["kafka"]
    assert found["rack"] == {"type": "topology-label", "topologyKey": "topology.kubernetes.io/zone"}
    assert found["config"]["replica.selector.class"].endswith("RackAwareReplicaSelector")
    place = kafka(checkout)["stages"][0]
    asked = [check["selector"] for check in place["health"] if check["kind"] == "Node"]
    assert asked == [{"topology.kubernetes.io/zone": zone} for zone in "abc"] and not place.get("manifests")
    assert "rack" not in cluster(checkout, strimzi_rack={})["kafka"]


def test_a_pool_may_have_volumes_nodes_and_taints_of_its_own(checkout: Path) -> None:
    own = pool("big", 3, "controller", "broker", volumes=2, storage_class="fast", node_selector={"disk": "nvme"})
    own["tolerations"] = [{"key": "kafka", "operator": "Exists"}]
    found = kafka(checkout, strimzi_pools=[own], platform_storage_class="")
    [made] = manifests(found, "KafkaNodePool")
    volumes = made["spec"]["storage"]["volumes"]
    assert [(one["id"], one["class"], one.get("kraftMetadata")) for one in volumes] == [
        (0, "fast", "shared"),
        (1, "fast", None),
    ]
    pod = made["spec"]["template"]["pod"]
    [term] = pod["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]
    assert term["matchExpressions"] == [{"key": "disk", "operator": "In", "values": ["nvme"]}]
    assert pod["tolerations"] == own["tolerations"]
    assert {check["object"] for check in found["stages"][0]["health"] if check["kind"] == "StorageClass"} == {"fast"}


def test_every_listener_has_tls_and_a_login(checkout: Path) -> None:
    found = {one["name"]: one for one in cluster(checkout)["kafka"]["listeners"]}
    assert list(found) == ["tls", "oauth", "route", "balanced", "ports"]
    assert all(one["tls"] is True and one["authentication"]["type"] for one in found.values())
    assert (found["tls"]["port"], found["tls"]["authentication"]) == (9093, {"type": "scram-sha-512"})
    route = found["route"]["configuration"]
    assert route["bootstrap"] == {"host": "kafka.example.com"} and route["hostTemplate"] == "kafka-{nodeId}.example.com"
    assert route["parentRefs"][0]["sectionName"] == "kafka"
    balanced = found["balanced"]["configuration"]
    assert balanced["bootstrap"]["alternativeNames"] == ["kafka.example.com"]
    assert balanced["advertisedHostTemplate"] == "kafka-{nodeId}.example.com"
    assert balanced["brokerCertChainAndKey"]["secretName"] == "kafka-tls"
    assert found["balanced"]["networkPolicyPeers"] == [{"ipBlock": {"cidr": "192.0.2.0/24"}}]
    assert found["ports"]["configuration"] == {"preferredNodePortAddressType": "InternalIP"}


def test_tokens_of_keycloak_are_taken_as_strimzi_1_wants_it(checkout: Path) -> None:
    found = cluster(checkout)["kafka"]
    listener = next(one for one in found["listeners"] if one["name"] == "oauth")
    login = listener["authentication"]
    assert (login["type"], login["sasl"]) == ("custom", True)
    told = login["listenerConfig"]["oauthbearer.sasl.jaas.config"]
    issuer = EVERYTHING["platform_oidc"]["issuer"]
    assert told.startswith("org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required ")
    assert f'oauth.valid.issuer.uri="{issuer}"' in told and told.endswith('";') and "\n" not in told
    assert f'oauth.jwks.endpoint.uri="{issuer}/protocol/openid-connect/certs"' in told
    assert found["config"]["principal.builder.class"].endswith("OAuthKafkaPrincipalBuilder")
    assert "volumes" not in found["template"].get("pod", {})
    without = cluster(checkout, platform_oidc={}, strimzi_listeners=[])["kafka"]
    assert [one["name"] for one in without["listeners"]] == ["tls"]
    assert "principal.builder.class" not in without["config"]


def test_the_authority_of_the_issuer_is_mounted_where_it_is_said_to_be(checkout: Path) -> None:
    oidc = {"issuer": "https://id", "ca_secret": "id-ca", "audience": "kafka"}
    found = cluster(checkout, strimzi_oidc=oidc)["kafka"]
    told = found["listeners"][1]["authentication"]["listenerConfig"]["oauthbearer.sasl.jaas.config"]
    [volume] = found["template"]["pod"]["volumes"]
    [mount] = found["template"]["kafkaContainer"]["volumeMounts"]
    assert volume["secret"]["secretName"] == "id-ca" and mount["name"] == volume["name"]
    assert f'oauth.ssl.truststore.location="{mount["mountPath"]}/ca.crt"' in told
    assert 'oauth.check.audience="true" oauth.client.id="kafka"' in told


def test_only_named_namespaces_reach_the_listeners_in_the_cluster(checkout: Path) -> None:
    inside = cluster(checkout, strimzi_clients=["shop"])["kafka"]["listeners"][:2]
    for listener in inside:
        own, *others = listener["networkPolicyPeers"]
        assert own == {"podSelector": {}}
        names = [peer["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"] for peer in others]
        assert names == ["monitoring", "shop"]


def test_a_user_has_a_password_that_is_made_here_and_rights_by_data(checkout: Path) -> None:
    found = kafka(checkout)
    secrets = {one["name"]: one["keys"] for one in found["secrets"]}
    assert set(secrets) == {f"{name}-password" for name in ("tempo", "connect", "mirror", "bridge", "probe")}
    tempo = named(found, "KafkaUser", "tempo")["spec"]
    reference = tempo["authentication"]["password"]["valueFrom"]["secretKeyRef"]
    assert reference["key"] in {key["key"] for key in secrets[reference["name"]]}
    [acl] = tempo["authorization"]["acls"]
    assert acl["resource"] == {"type": "topic", "name": "tempo", "patternType": "prefix"}
    assert tempo["quotas"] == {"producerByteRate": 10485760}
    shop = named(found, "KafkaUser", "shop")["spec"]
    assert shop["authentication"] == {"type": "tls"}
    assert shop["authorization"]["acls"][0]["resource"] == {"type": "cluster"}
    assert "authentication" not in named(found, "KafkaUser", "service-account-web")["spec"]
    assert found["stages"][3]["name"] == "topics"


def test_a_user_is_handed_to_the_namespaces_that_use_it(checkout: Path) -> None:
    found = kafka(checkout)
    [access] = manifests(found, "KafkaAccess")
    assert access["metadata"] == {"name": "kafka-tempo", "namespace": "monitoring"}
    assert access["spec"]["user"]["name"] == "tempo" and access["spec"]["kafka"]["listener"] == "tls"
    kinds = [[item["kind"] for item in stage.get("manifests", [])] for stage in found["stages"]]
    made = next(number for number, kind in enumerate(kinds) if "CustomResourceDefinition" in kind)
    assert made < next(number for number, kind in enumerate(kinds) if "KafkaAccess" in kind)
    none = kafka(checkout, strimzi_users=[])
    assert not manifests(none, "KafkaAccess")
    assert not [one for one in manifests(none, "Deployment") if "access" in one["metadata"]["name"]]


def test_the_inventory_says_where_kafka_is_and_which_secret_its_user_finds(checkout: Path) -> None:
    told = yaml.safe_load((checkout / "inventories/standard/group_vars/platform.yml").read_text(encoding="utf-8"))
    found = kafka(checkout, strimzi_users=told["strimzi_users"], strimzi_topics=told["strimzi_topics"])
    handed = {item["metadata"]["name"]: item["metadata"]["namespace"] for item in manifests(found, "KafkaAccess")}
    assert told["platform_kafka"]["ca_secret"] in handed
    # what ClickHouse reads it may read, by the user whose Secret it finds
    [table] = told["clickhouse_kafka_tables"]
    reader = clickhouse(checkout, clickhouse_kafka_tables=[table])
    assert handed["kafka-clickhouse"] == reader["namespace"]["name"]
    acls = named(found, "KafkaUser", "clickhouse")["spec"]["authorization"]["acls"]
    named(found, "KafkaTopic", table["topic"])
    assert table["topic"] in [acl["resource"]["name"] for acl in acls]
    probe = manifests(found, "CronJob")[0]["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"][0]
    assert {"name": "BOOTSTRAP", "value": told["platform_kafka"]["bootstrap"]} in probe["env"]


def test_connect_mirror_and_bridge_log_in_as_users_of_their_name(checkout: Path) -> None:
    found = kafka(checkout)
    users = {item["metadata"]["name"] for item in manifests(found, "KafkaUser")}
    connect, mirror, bridge = (
        manifests(found, kind)[0]["spec"] for kind in ("KafkaConnect", "KafkaMirrorMaker2", "KafkaBridge")
    )
    for part in (connect, mirror["target"], bridge):
        assert part["bootstrapServers"] == "platform-kafka-bootstrap.kafka.svc:9093"
        assert part["tls"]["trustedCertificates"][0]["secretName"] == "platform-cluster-ca-cert"
        assert part["authentication"]["username"] in users
        assert part["authentication"]["passwordSecret"]["secretName"] == part["authentication"]["username"]
    acls = named(found, "KafkaUser", "connect")["spec"]["authorization"]["acls"]
    prefixes = [one["resource"]["name"] for one in acls if one["resource"]["patternType"] == "prefix"]
    topics = [connect[f"{name}StorageTopic"] for name in ("config", "status", "offset")]
    assert all(any(topic.startswith(prefix) for prefix in prefixes) for topic in topics)
    [connector] = manifests(found, "KafkaConnector")
    assert connector["metadata"]["labels"] == {"strimzi.io/cluster": "connect"}
    role = named(found, "Role", "connect-connect-secrets")
    assert role["rules"][0]["resourceNames"] == ["shop-database"]
    old, test = mirror["mirrors"]
    assert old["source"]["authentication"]["passwordSecret"] == {"secretName": "old-mirror", "password": "password"}
    assert test["topicsPattern"] == "a.*" and "tls" not in test["source"]
    certificates = manifests(kafka(checkout, strimzi_authentication="tls"), "KafkaBridge")[0]["spec"]
    assert certificates["authentication"]["certificateAndKey"]["secretName"] == "bridge"


def test_a_bridge_is_reached_by_its_clients_alone(checkout: Path) -> None:
    found = kafka(checkout, platform_monitoring=False)
    [rule] = named(found, "NetworkPolicy", "bridge-bridge-clients")["spec"]["ingress"]
    assert rule["ports"] == [{"protocol": "TCP", "port": 8080}] and len(rule["from"]) == 2


def test_a_rebalance_is_carried_out_only_when_that_is_said(checkout: Path) -> None:
    every, new = manifests(kafka(checkout), "KafkaRebalance")
    assert every["metadata"]["annotations"] == {"strimzi.io/rebalance-auto-approval": "true"}
    assert "annotations" not in new["metadata"] and new["spec"]["brokers"] == [6]
    assert [one["mode"] for one in cluster(checkout)["cruiseControl"]["autoRebalance"]] == [
        "add-brokers",
        "remove-brokers",
    ]
    assert "cruiseControl" not in cluster(checkout, **INVENTORIES["small"])


def test_metrics_are_there_where_they_are_read(checkout: Path) -> None:
    found = kafka(checkout)
    told = named(found, "ConfigMap", "platform-metrics")["data"]
    spec = manifests(found, "Kafka")[0]["spec"]
    for part in (spec["kafka"], spec["cruiseControl"]):
        reference = part["metricsConfig"]["valueFrom"]["configMapKeyRef"]
        assert reference["name"] == "platform-metrics" and json.loads(told[reference["key"]])["rules"]
    assert "kafkaExporter" in spec
    without = kafka(checkout, platform_monitoring=False)
    assert not manifests(without, "PodMonitor") and "metricsConfig" not in str(without)


def test_a_drained_node_waits_for_strimzi_where_cert_manager_is(checkout: Path) -> None:
    found = kafka(checkout)
    [hook] = manifests(found, "ValidatingWebhookConfiguration")
    [webhook] = hook["webhooks"]
    assert webhook["rules"][0]["resources"] == ["pods/eviction"] and webhook["failurePolicy"] == "Ignore"
    service = named(found, "Service", webhook["clientConfig"]["service"]["name"])
    certificate = named(found, "Certificate", "strimzi-drain-cleaner")
    assert hook["metadata"]["annotations"]["cert-manager.io/inject-ca-from"] == "kafka/strimzi-drain-cleaner"
    assert certificate["spec"]["dnsNames"] == [f"{service['metadata']['name']}.kafka.svc"]
    pod = named(found, "Deployment", "strimzi-drain-cleaner")["spec"]["template"]["spec"]
    assert pod["volumes"][0]["secret"]["secretName"] == certificate["spec"]["secretName"]
    assert not manifests(kafka(checkout, platform_issuer=""), "ValidatingWebhookConfiguration")


def test_a_message_is_produced_and_read_back_as_a_user(checkout: Path) -> None:
    found = kafka(checkout)
    [cron], [first] = manifests(found, "CronJob"), manifests(found, "Job")
    for template in (cron["spec"]["jobTemplate"]["spec"]["template"], first["spec"]["template"]):
        sources = {one["name"]: one for one in template["spec"]["volumes"]}
        assert sources["user"]["secret"]["secretName"] == named(found, "KafkaUser", "probe")["metadata"]["name"]
        assert sources["ca"]["secret"]["secretName"] == "platform-cluster-ca-cert"
        assert template["metadata"]["labels"].items() <= first["metadata"]["labels"].items()
    assert named(found, "KafkaTopic", "kubestd-probe")["spec"]["replicas"] == 3
    [check] = found["stages"][-1]["health"]
    assert (check["kind"], check["newest"]) == ("Job", {"max_age": 1800})
    assert check["selector"] == first["metadata"]["labels"]
    # a Job cannot be changed: another one is another Job
    [other] = manifests(kafka(checkout, strimzi_kafka_image="example.com/kafka:2"), "Job")
    assert other["metadata"]["name"] != first["metadata"]["name"]


def test_what_holds_messages_is_kept_when_kafka_is_removed(checkout: Path) -> None:
    found = kafka(checkout)
    kept = {stage["name"] for stage in found["stages"] if stage.get("keep")}
    assert kept == {"topics"}
    spec = manifests(found, "Kafka")[0]["spec"]
    assert spec["clusterCa"] == spec["clientsCa"] == {"generateSecretOwnerReference": False}
    container = spec["entityOperator"]["template"]["topicOperatorContainer"]
    assert container["env"] == [{"name": "STRIMZI_USE_FINALIZERS", "value": "false"}]


def test_a_paused_cluster_is_left_alone_with_all_that_needs_it(checkout: Path) -> None:
    found = kafka(checkout, strimzi_paused=True)
    assert manifests(found, "Kafka")[0]["metadata"]["annotations"] == {"strimzi.io/pause-reconciliation": "true"}
    assert [stage["name"] for stage in found["stages"]] == ["place", "operator", "kafka"]
    # pools of a cluster that is not there yet have no nodes, and are not waited for
    pools = {
        item["metadata"]["annotations"]["strimzi.io/pause-reconciliation"] for item in manifests(found, "KafkaNodePool")
    }
    assert pools == {"true"}


def test_the_operator_runs_twice_and_makes_restricted_pods(checkout: Path) -> None:
    found = values(kafka(checkout), "strimzi")
    assert found["replicas"] == 2 and found["podDisruptionBudget"]["enabled"] is True
    assert {"name": "STRIMZI_POD_SECURITY_PROVIDER_CLASS", "value": "restricted"} in found["extraEnvs"]
    assert kafka(checkout)["namespace"]["pod_security"] == "restricted"
    every = values(kafka(checkout, strimzi_watch_namespaces=["*"]), "strimzi")
    assert every["watchAnyNamespace"] is True and every["watchNamespaces"] == []


# ClickHouse


def clickhouse(checkout: Path, **more: Any) -> dict[str, Any]:
    return record(checkout / "roles/clickhouse", **{**EVERYTHING, **more})


OFFICIAL = {
    name: INVENTORIES["clickhouse of clickhouse"][name]
    for name in ("clickhouse_operator", "clickhouse_metrics_keep", "platform_object_store")
}


def installation(found: dict[str, Any]) -> dict[str, Any]:
    return dict(manifests(found, "ClickHouseInstallation")[0]["spec"])


def configured(found: dict[str, Any], part: str = "config") -> dict[str, Any]:
    """The settings of the server, or its users, of either operator."""
    if manifests(found, "ClickHouseInstallation"):
        return dict(yaml.safe_load(installation(found)["configuration"]["files"][f"{part}.d/platform.yaml"]))
    settings = manifests(found, "ClickHouseCluster")[0]["spec"]["settings"]
    return dict(settings["extraConfig" if part == "config" else "extraUsersConfig"])


@pytest.mark.parametrize("inventory", ["with everything", "small", "clickhouse of clickhouse"])
def test_clickhouse_of_a_good_inventory_is_not_refused(checkout: Path, inventory: str) -> None:
    assert value(checkout / "roles/clickhouse", "__clickhouse_problems", **INVENTORIES[inventory]) == []


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"platform_storage_class": ""}, "clickhouse_storage_class is empty; name a storage class"),
        ({"clickhouse_name": "Platform"}, "clickhouse_name is Platform; write at most 15"),
        ({"clickhouse_keepers": 2}, "clickhouse_keepers is 2; write an odd number"),
        ({"clickhouse_replicas": 0}, "clickhouse_replicas is 0; write at least 1"),
        (
            {"clickhouse_image": "clickhouse/clickhouse-server"},
            "clickhouse_image is clickhouse/clickhouse-server, which",
        ),
        ({"clickhouse_keeper_image": "a/b:latest"}, "clickhouse_keeper_image is a/b:latest, which follows"),
        (
            {"clickhouse_operator": "official", "clickhouse_image": "a/b:1@sha256:" + "a" * 64},
            "clickhouse_image has a digest, and the official operator takes either",
        ),
        (
            {"platform_object_store": {"endpoint": "https://s3"}},
            "clickhouse_object_store has neither storage_class nor secret_name",
        ),
        ({"clickhouse_operator": "official"}, "clickhouse_object_store.ca cannot be told to the official operator"),
        ({"clickhouse_users": [{"name": "admin"}]}, "The user admin of clickhouse_users is one of those"),
        ({"clickhouse_users": [{"name": "Shop_1"}]}, "The user Shop_1 cannot be part of the name of a Secret"),
        (
            {"clickhouse_users": [{"name": "a", "grants": ["GRANT SELECT ON *.* TO a"]}]},
            "The user a has the grant GRANT SELECT ON *.* TO a; write GRANT … ON … without a user",
        ),
        ({"platform_kafka": {}}, "clickhouse_kafka_tables reads topics, and nobody says where"),
        ({"clickhouse_operator": "official"}, "clickhouse_metrics_keep needs handlers"),
    ],
)
def test_what_clickhouse_cannot_be_is_refused_with_what_to_write(
    checkout: Path, settings: dict[str, Any], sentence: str
) -> None:
    role = checkout / "roles/clickhouse"
    said = value(role, "__clickhouse_problems", **{**EVERYTHING, **settings})
    assert any(sentence in one for one in said), said
    assert value(role, "__clickhouse_problems", **{**EVERYTHING, **settings, "platform_action": "remove"}) == []


@pytest.mark.parametrize("operator", [{}, OFFICIAL])
def test_every_replica_is_asked_at_its_own_address(checkout: Path, operator: dict[str, Any]) -> None:
    found = clickhouse(checkout, **operator)
    asked = [check["http"] for stage in found["stages"] for check in stage.get("health", []) if "http" in check]
    assert [one["service"] for one in asked] == [f"chi-platform-main-{s}-{r}" for s in (0, 1) for r in (0, 1)]
    query = parse_qs(urlsplit(asked[0]["path"]).query)
    users = configured(found, "users")["users"]
    [user] = query["user"]
    # the kubeconfig is all there is, so that this user has no password, and may read nothing of anybody
    assert (
        "no_password" in users[user] and configured(found, "users")["profiles"][users[user]["profile"]]["readonly"] == 1
    )
    table = query["query"][0].split(" FROM ")[1].split()[0]
    assert f"GRANT SELECT ON {table}" in users[user]["grants"]["query"]
    assert all(grant.startswith("GRANT SELECT ON system.") for grant in users[user]["grants"]["query"])
    assert {one["port"] for one in asked} == {"8443"} and {one["scheme"] for one in asked} == {"https"}
    plain = clickhouse(checkout, **operator, clickhouse_issuer="")
    checks = [check["http"] for stage in plain["stages"] for check in stage.get("health", []) if "http" in check]
    assert {(one["port"], one["scheme"]) for one in checks} == {("8123", "http")}


def test_the_official_operator_gets_the_services_that_the_other_makes(checkout: Path) -> None:
    found = clickhouse(checkout, **OFFICIAL)
    services = {item["metadata"]["name"]: item["spec"] for item in manifests(found, "Service")}
    asked = {
        check["http"]["service"] for stage in found["stages"] for check in stage.get("health", []) if "http" in check
    }
    assert asked < set(services) and set(services) - asked == {"clickhouse-platform"}
    selector = services["chi-platform-main-1-0"]["selector"]
    assert selector == {"app": "platform-clickhouse", "clickhouse.com/shard-id": "1", "clickhouse.com/replica-id": "0"}
    [server], [keeper] = manifests(found, "ClickHouseCluster"), manifests(found, "KeeperCluster")
    assert server["spec"]["keeperClusterRef"]["name"] == keeper["metadata"]["name"] and keeper["spec"]["replicas"] == 3
    assert server["spec"]["settings"]["tls"] == keeper["spec"]["settings"]["tls"]
    names = manifests(found, "Certificate")[0]["spec"]["dnsNames"]
    assert {"*.platform-clickhouse-headless.clickhouse.svc", "*.platform-keeper-headless.clickhouse.svc"} <= set(names)
    image = server["spec"]["containerTemplate"]["image"]
    assert (
        f"{image['repository']}:{image['tag']}"
        == clickhouse(checkout)["stages"][4]["manifests"][0]["spec"]["templates"]["podTemplates"][0]["spec"][
            "containers"
        ][0]["image"]
    )
    assert values(found, "clickhouse-operator")["manager"]["image"] == {"tag": "v0.0.2"}
    assert not manifests(found, "ClickHouseInstallation")


@pytest.mark.parametrize("operator", [{}, OFFICIAL])
def test_every_password_of_clickhouse_is_made_here_and_stands_in_no_object(
    checkout: Path, operator: dict[str, Any]
) -> None:
    found = clickhouse(checkout, **operator)
    made = {one["name"]: {key["key"] for key in one["keys"]} for one in found["secrets"]}
    server = (
        manifests(found, "ClickHouseCluster")[0]["spec"]["containerTemplate"]
        if operator
        else installation(found)["templates"]["podTemplates"][0]["spec"]["containers"][0]
    )
    environment = {one["name"]: one.get("valueFrom", {}).get("secretKeyRef") for one in server["env"]}
    users = configured(found, "users")["users"]
    assert {"admin", "grafana", "shop", "idle"} <= set(users)
    for name, user in users.items():
        if name == "probe":
            continue
        reference = environment[user["password"]["@from_env"]]
        assert reference["name"] == f"clickhouse-{name}" and reference["key"] in made[reference["name"]]
    used = json.dumps([configured(found), configured(found, "users")])
    assert all(f'"@from_env": "{name}"' in used for name in environment if name != "CLICKHOUSE_SKIP_USER_SETUP")
    assert users["idle"]["grants"]["query"] == ["REVOKE ALL ON *.*"]
    assert users["shop"]["profile"] == "shop" and users["admin"]["access_management"] == 1
    copies = {one["name"]: one["copies"] for one in found["secrets"] if one.get("copies")}
    assert copies["clickhouse-shop"] == ["shop"] and copies["clickhouse-grafana"] == ["monitoring"]


def test_the_operator_of_altinity_has_a_login_that_nobody_knows_and_drops_no_replicas(checkout: Path) -> None:
    found = clickhouse(checkout)
    told = values(found, "altinity-clickhouse-operator")
    login = told["configs"]["files"]["config.yaml"]["clickhouse"]["access"]["secret"]["name"]
    keys = next(one["keys"] for one in found["secrets"] if one["name"] == login)
    assert told["secret"] == {"create": False} and {key["key"] for key in keys} == {"username", "password"}
    assert told["crdHook"] == {"enabled": False}
    reconcile = told["configs"]["files"]["config.yaml"]["reconcile"]
    assert reconcile["host"]["drop"]["replicas"]["onDelete"] == "no"
    assert told["rbac"]["namespaceScoped"] is True


def test_volumes_of_clickhouse_outlive_it(checkout: Path) -> None:
    found = clickhouse(checkout)
    for kind in ("ClickHouseInstallation", "ClickHouseKeeperInstallation"):
        spec = manifests(found, kind)[0]["spec"]
        [claim] = spec["templates"]["volumeClaimTemplates"]
        assert claim["reclaimPolicy"] == spec["defaults"]["storageManagement"]["reclaimPolicy"] == "Retain"
        assert claim["spec"]["storageClassName"] == "ceph-block"
    assert {stage["name"] for stage in found["stages"] if stage.get("keep")} == {"bucket"}


def test_clickhouse_finds_its_keepers_and_replicas_share_no_node(checkout: Path) -> None:
    found = clickhouse(checkout)
    spec = installation(found)
    keeper = manifests(found, "ClickHouseKeeperInstallation")[0]
    [cluster] = keeper["spec"]["configuration"]["clusters"]
    hosts = [
        f"chk-{keeper['metadata']['name']}-{cluster['name']}-0-{n}" for n in range(cluster["layout"]["replicasCount"])
    ]
    assert [node["host"] for node in spec["configuration"]["zookeeper"]["nodes"]] == hosts and len(hosts) == 3
    pod = spec["templates"]["podTemplates"][0]
    assert pod["podDistribution"][0]["type"] == "ClickHouseAntiAffinity"
    assert pod["spec"]["topologySpreadConstraints"][0]["topologyKey"] == "topology.kubernetes.io/zone"
    assert spec["configuration"]["clusters"][0]["layout"] == {"shardsCount": 2, "replicasCount": 2}
    templates = {one["name"]: one for one in spec["templates"]["serviceTemplates"]}
    used = spec["defaults"]["templates"]
    assert {used["serviceTemplate"], used["replicaServiceTemplate"]} == set(templates)
    ports = {port["port"] for port in templates["replica"]["spec"]["ports"]}
    assert {8443, 9440, 9009} <= ports
    other = installation(clickhouse(checkout, clickhouse_settings={"max_concurrent_queries": 5}))
    # another setting is another pod, because the operator knows only some files that want a restart
    assert other["templates"]["podTemplates"][0]["metadata"] != pod["metadata"]


def test_the_certificate_is_where_the_server_looks_and_has_all_its_names(checkout: Path) -> None:
    found = clickhouse(checkout)
    config, pod = configured(found), installation(found)["templates"]["podTemplates"][0]["spec"]
    [certificate] = manifests(found, "Certificate")
    volume = next(
        one for one in pod["volumes"] if one.get("secret", {}).get("secretName") == certificate["spec"]["secretName"]
    )
    mount = next(one for one in pod["containers"][0]["volumeMounts"] if one["name"] == volume["name"])
    assert config["openSSL"]["server"]["certificateFile"] == f"{mount['mountPath']}/tls.crt"
    assert (config["https_port"], config["tcp_port_secure"]) == (8443, 9440)
    names = set(certificate["spec"]["dnsNames"])
    assert {"clickhouse-platform.clickhouse.svc", "chi-platform-main-1-1.clickhouse.svc.cluster.local"} <= names
    assert certificate["spec"]["issuerRef"]["name"] == "platform"
    plain = configured(clickhouse(checkout, **INVENTORIES["small"]))
    assert "https_port" not in plain and "server" not in plain["openSSL"]


def test_a_backup_goes_to_the_bucket_whose_credentials_the_server_has(checkout: Path) -> None:
    found = clickhouse(checkout)
    [claim] = manifests(found, "ObjectBucketClaim")
    store = configured(found)["s3"]["backups"]
    assert store["endpoint"] == f"{EVERYTHING['platform_object_store']['endpoint']}/{claim['spec']['bucketName']}/"
    script = named(found, "ConfigMap", "clickhouse-jobs")["data"]["backup.sh"]
    assert f"TO S3('{store['endpoint']}NAME')" in script and "ON CLUSTER '{cluster}'" in script
    assert json.loads(claim["spec"]["additionalConfig"]["bucketLifecycle"])["Rules"][0]["Expiration"] == {"Days": 30}
    # Rook takes a lifecycle only where it is allowed
    rook = values(record(checkout / "roles/rook_ceph", **EVERYTHING), "rook-ceph")
    assert "bucketLifecycle" in rook["obcAllowAdditionalConfigFields"].split(",")
    assert (
        "additionalConfig"
        not in manifests(clickhouse(checkout, clickhouse_backup_keep=0), "ObjectBucketClaim")[0]["spec"]
    )
    [cron] = manifests(found, "CronJob")
    labels = cron["spec"]["jobTemplate"]["metadata"]["labels"]
    [check] = next(stage for stage in found["stages"] if stage["name"] == "backup")["health"]
    assert check["selector"] == labels and check["newest"] == {"max_age": 93600}
    own = {"endpoint": "", "region": "eu", "secret_name": "s3", "buckets": {"clickhouse": "example"}}
    other = clickhouse(checkout, platform_object_store=own)
    assert configured(other)["s3"]["backups"]["endpoint"] == "https://example.s3.eu.amazonaws.com/"
    assert {"name": "the credentials of the object store are there", "kind": "Secret", "object": "s3"} in other[
        "stages"
    ][0]["health"]
    none = clickhouse(checkout, platform_object_store={})
    assert not manifests(none, "CronJob") and "s3" not in configured(none)


def test_no_password_is_an_argument_of_the_client(checkout: Path) -> None:
    found = clickhouse(checkout)
    jobs = [item["spec"]["template"]["spec"] for item in manifests(found, "Job")]
    jobs += [item["spec"]["jobTemplate"]["spec"]["template"]["spec"] for item in manifests(found, "CronJob")]
    assert len(jobs) == 3
    for pod in jobs:
        [container] = pod["containers"]
        assert "--password" not in " ".join(container["command"])
        secret = {one["name"]: one.get("valueFrom") for one in container["env"]}["CLICKHOUSE_PASSWORD"]
        assert secret == {"secretKeyRef": {"name": "clickhouse-admin", "key": "password"}}
    client = yaml.safe_load(named(found, "ConfigMap", "clickhouse-jobs")["data"]["client.yaml"])
    assert client["secure"] is True and client["openSSL"]["client"]["caConfig"] == "/tls/ca.crt"


def test_a_topic_is_read_as_the_user_that_strimzi_hands_over(checkout: Path) -> None:
    user = {"name": "clickhouse", "namespaces": ["clickhouse"]}
    [access] = manifests(kafka(checkout, strimzi_users=[user]), "KafkaAccess")
    found = clickhouse(checkout)
    pod = installation(found)["templates"]["podTemplates"][0]["spec"]
    names = {
        one["valueFrom"]["secretKeyRef"]["name"]
        for one in pod["containers"][0]["env"]
        if one["name"].startswith("KAFKA")
    }
    assert names == {access["metadata"]["name"]} and access["metadata"]["namespace"] == found["namespace"]["name"]
    settings = configured(found)["kafka"]
    mount = next(one for one in pod["containers"][0]["volumeMounts"] if one["name"] == "kafka")
    assert settings["ssl_ca_location"] == f"{mount['mountPath']}/ssl.truststore.crt"
    assert settings["sasl_mechanism"].lower() == cluster(checkout)["kafka"]["listeners"][0]["authentication"]["type"]
    text = named(found, "ConfigMap", "clickhouse-jobs")["data"]["schema.sql"]
    assert f"kafka_broker_list = '{EVERYTHING['platform_kafka']['bootstrap']}'" in text
    assert "CREATE MATERIALIZED VIEW IF NOT EXISTS shop.orders_reader ON CLUSTER '{cluster}' TO shop.orders" in text
    assert found["needs"] == ["cert_manager", "rook_ceph", "strimzi"]
    assert {"name": "there is a user of Kafka for ClickHouse", "kind": "Secret", "object": "kafka-clickhouse"} in found[
        "stages"
    ][0]["health"]
    without = clickhouse(checkout, clickhouse_kafka_tables=[])
    assert "kafka" not in configured(without) and without["needs"] == ["cert_manager", "rook_ceph"]


def test_statements_run_again_only_when_they_are_others(checkout: Path) -> None:
    [first] = [item for item in manifests(clickhouse(checkout), "Job") if "schema" in item["metadata"]["name"]]
    other = clickhouse(checkout, clickhouse_statements=["SELECT 1"])
    [second] = [item for item in manifests(other, "Job") if "schema" in item["metadata"]["name"]]
    assert first["metadata"]["name"] != second["metadata"]["name"]
    small = clickhouse(checkout, **INVENTORIES["small"])
    assert [item["metadata"]["name"].rpartition("-")[0] for item in manifests(small, "Job")] == ["clickhouse-backup"]


def test_grafana_finds_the_data_source_and_the_password_in_its_environment(checkout: Path) -> None:
    found = clickhouse(checkout)
    source = named(found, "ConfigMap", "clickhouse-data-source")
    assert source["metadata"]["namespace"] == "monitoring" and source["metadata"]["labels"] == {
        "grafana_datasource": "1"
    }
    [one] = yaml.safe_load(source["data"]["clickhouse.yaml"])["datasources"]
    key = one["secureJsonData"]["password"].removeprefix("$")
    secret = next(secret for secret in found["secrets"] if key in {item["key"] for item in secret["keys"]})
    assert secret["copies"] == ["monitoring"] and secret["name"] == "clickhouse-grafana"
    assert (one["jsonData"]["host"], one["jsonData"]["port"]) == ("clickhouse-platform.clickhouse.svc", 9440)
    assert one["jsonData"]["username"] in configured(found, "users")["users"]
    assert not [
        item
        for item in manifests(clickhouse(checkout, platform_monitoring=False), "ConfigMap")
        if "source" in item["metadata"]["name"]
    ]


def test_prometheus_writes_to_one_shard_with_a_login(checkout: Path) -> None:
    found = clickhouse(checkout)
    handlers = configured(found)["prometheus"]["handlers"]
    assert {one["handler"]["type"] for one in handlers.values()} == {"expose_metrics", "remote_write", "remote_read"}
    assert handlers["write"]["handler"]["table"] == handlers["read"]["handler"]["table"] == "prometheus"
    service = named(found, "Service", "clickhouse-metrics")
    assert service["spec"]["selector"]["clickhouse.altinity.com/shard"] == "0"
    users = configured(found, "users")
    assert users["profiles"][users["users"]["prometheus"]["profile"]] == {"allow_experimental_time_series_table": 1}
    secret = next(one for one in found["secrets"] if one["name"] == "clickhouse-prometheus")
    assert secret["copies"] == ["monitoring"] and [key["key"] for key in secret["keys"]] == ["username", "password"]
    without = configured(clickhouse(checkout, clickhouse_metrics_keep=0))["prometheus"]
    assert without["endpoint"] == "/metrics" and "handlers" not in without


def test_only_clients_reach_the_native_port_and_nobody_reaches_keeper(checkout: Path) -> None:
    found = clickhouse(checkout, clickhouse_clients=["bi"])
    rules = named(found, "NetworkPolicy", "clickhouse")["spec"]["ingress"]
    native = next(rule for rule in rules if rule.get("ports") == [{"protocol": "TCP", "port": 9440}])
    spaces = [one["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"] for one in native["from"][1:]]
    assert spaces == ["bi", "shop"]
    keeper = named(found, "NetworkPolicy", "clickhouse-keeper")["spec"]
    assert keeper["ingress"] == [{"from": [{"podSelector": {}}]}]
    # plain ports are for replicas alone
    assert 9000 not in {port["port"] for rule in rules for port in rule.get("ports", [])}
