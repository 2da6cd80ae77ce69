# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kafka and ClickHouse: what refers to each other fits together, and what cannot work is refused in a sentence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

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
    text = (checkout / "inventories/production/group_vars/platform.yml").read_text(encoding="utf-8")
    part = text.split("# platform_kafka:", 1)[1].split("\n\n", 1)[0]
    told = yaml.safe_load("\n".join(line.removeprefix("# ") for line in f"platform_kafka:{part}".splitlines()))
    found = kafka(checkout, strimzi_users=told["strimzi_users"])
    [access] = manifests(found, "KafkaAccess")
    assert access["metadata"]["name"] == told["platform_kafka"]["ca_secret"]
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


def test_the_operator_runs_twice_and_makes_restricted_pods(checkout: Path) -> None:
    found = values(kafka(checkout), "strimzi")
    assert found["replicas"] == 2 and found["podDisruptionBudget"]["enabled"] is True
    assert {"name": "STRIMZI_POD_SECURITY_PROVIDER_CLASS", "value": "restricted"} in found["extraEnvs"]
    assert kafka(checkout)["namespace"]["pod_security"] == "restricted"
    every = values(kafka(checkout, strimzi_watch_namespaces=["*"]), "strimzi")
    assert every["watchAnyNamespace"] is True and every["watchNamespaces"] == []
