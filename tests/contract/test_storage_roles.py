# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Storage and backup: what refers to each other fits together, and what cannot work is refused in a sentence."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from .records import EVERYTHING as PLATFORM
from .records import manifests, record, value, values
from .test_health_table import exists, schemas


@pytest.fixture
def store(checkout: Path) -> dict[str, Any]:
    """The object store as the inventory describes Rook's."""
    return dict(settings_of_the_inventory(checkout, "platform_object_store"))


def test_the_store_of_the_inventory_is_the_one_that_rook_makes(checkout: Path, store: dict[str, Any]) -> None:
    found = record(checkout / "roles/rook_ceph", **PLATFORM | {"rook_ceph_object_store_tls_secret": ""})
    [made] = values(found, "rook-ceph-cluster")["cephObjectStores"]
    assert store["endpoint"] == f"http://rook-ceph-rgw-{made['name']}.{found['namespace']['name']}.svc"
    assert made["spec"]["gateway"]["port"] == 80
    assert store["storage_class"] == made["storageClass"]["name"]
    assert store["region"] == made["storageClass"]["parameters"]["region"]


def test_velero_uses_the_bucket_that_it_claims(checkout: Path, store: dict[str, Any]) -> None:
    found = record(checkout / "roles/velero", **PLATFORM | {"platform_object_store": store})
    [claim] = manifests(found, "ObjectBucketClaim")
    wanted = values(found, "velero")
    [location] = wanted["configuration"]["backupStorageLocation"]
    assert claim["spec"] == {"bucketName": location["bucket"], "storageClassName": store["storage_class"]}
    assert location["config"]["s3Url"] == store["endpoint"] and location["config"]["region"] == store["region"]
    # the Secret of a claim has the name of the claim, and the keys are those of an environment
    assert wanted["credentials"] == {"useSecret": False, "extraSecretRef": claim["metadata"]["name"]}
    assert found["stages"][0]["keep"], "the bucket goes with its claim"


def test_velero_uses_a_bucket_of_somebody_else(checkout: Path) -> None:
    other = {"endpoint": "https://s3.example.com", "buckets": {"velero": "b"}, "secret_name": "s", "ca": "PEM"}
    found = record(checkout / "roles/velero", velero_object_store=other)
    assert manifests(found, "ObjectBucketClaim") == []
    [location] = values(found, "velero")["configuration"]["backupStorageLocation"]
    assert (location["bucket"], location["caCert"], location["config"]["region"]) == ("b", "UEVN", "us-east-1")
    assert values(found, "velero")["credentials"]["extraSecretRef"] == "s"


def test_only_backups_of_everything_and_the_first_one_count(checkout: Path) -> None:
    schedules = [
        {"name": "all", "schedule": "0 1 * * *", "keep": "24h"},
        {"name": "shop", "schedule": "0 * * * *", "keep": "24h", "namespaces": ["shop"]},
    ]
    found = record(checkout / "roles/velero", **PLATFORM, velero_schedules=schedules)
    check = next(check for check in found["stages"][-1]["health"] if "newest" in check)
    made = {name: one["template"] for name, one in values(found, "velero")["schedules"].items()}
    assert made["all"]["metadata"]["labels"] == check["selector"] and "includedNamespaces" not in made["all"]
    assert made["shop"]["metadata"]["labels"].keys().isdisjoint(check["selector"])
    assert made["shop"]["includedNamespaces"] == ["shop"]
    [first] = manifests(found, "Backup")
    assert first["metadata"]["labels"] == check["selector"]


def test_snapshots_are_made_by_the_drivers_and_found_by_velero(checkout: Path) -> None:
    found = record(checkout / "roles/rook_ceph", **PLATFORM)
    drivers = {one["name"] for one in values(found, "ceph-csi-drivers")["drivers"].values() if one["enabled"]}
    classes = manifests(found, "VolumeSnapshotClass")
    assert {one["driver"] for one in classes} == drivers and len(classes) == 2
    for one in classes:
        assert one["metadata"]["labels"] == {"velero.io/csi-volumesnapshot-class": "true"}
    assert values(found, "ceph-csi-drivers")["operatorConfig"]["driverSpecDefaults"]["snapshotPolicy"] != "none"
    without = record(checkout / "roles/rook_ceph", **PLATFORM, rook_ceph_snapshots=False)
    assert manifests(without, "VolumeSnapshotClass") == []
    assert values(without, "ceph-csi-drivers")["drivers"]["rbd"]["snapshotPolicy"] == "none"


def test_ceph_takes_the_disks_that_are_named_and_no_others(checkout: Path) -> None:
    nodes = [{"name": "a", "devices": ["/dev/sdb", "/dev/sdc"], "metadata_device": "/dev/nvme0n1"}]
    spec = values(record(checkout / "roles/rook_ceph", rook_ceph_nodes=nodes), "rook-ceph-cluster")["cephClusterSpec"]
    assert spec["storage"] == {
        "useAllNodes": False,
        "useAllDevices": False,
        "config": {},
        "nodes": [
            {
                "name": "a",
                "devices": [{"name": "/dev/sdb"}, {"name": "/dev/sdc"}],
                "config": {"metadataDevice": "/dev/nvme0n1"},
            }
        ],
    }
    assert spec["cleanupPolicy"]["confirmation"] == ""


def test_the_dashboard_is_reached_through_the_gateway_alone(checkout: Path) -> None:
    found = record(checkout / "roles/rook_ceph", **PLATFORM)
    cluster = values(found, "rook-ceph-cluster")
    route = cluster["route"]["dashboard"]
    assert route["host"]["name"] == "ceph.example.com" and route["parentRefs"] == [PLATFORM["platform_gateway"]]
    assert cluster["cephClusterSpec"]["dashboard"] == {"enabled": True, "ssl": False}
    policies = {item["metadata"]["name"]: item["spec"]["ingress"] for item in manifests(found, "NetworkPolicy")}
    [rule] = policies["rook-ceph-dashboard"]
    assert rule["ports"] == [{"protocol": "TCP", "port": 7000}]
    labels = {"kubernetes.io/metadata.name": PLATFORM["platform_gateway"]["namespace"]}
    assert rule["from"] == [{"namespaceSelector": {"matchLabels": labels}}]
    assert "rook-ceph-dashboard" not in {
        item["metadata"]["name"] for item in manifests(record(checkout / "roles/rook_ceph"), "NetworkPolicy")
    }


def hosts_of_the_inventory(checkout: Path) -> dict[str, Any]:
    """The hosts of platform_storage."""
    found = yaml.safe_load((checkout / "inventories/standard/platform.yml").read_text(encoding="utf-8"))
    return dict(found["platform"]["children"]["platform_storage"]["hosts"])


def settings_of_the_inventory(checkout: Path, name: str) -> Any:
    return yaml.safe_load((checkout / "inventories/standard/group_vars/platform.yml").read_text(encoding="utf-8"))[name]


def test_harbor_finds_the_database_of_the_inventory(checkout: Path, store: dict[str, Any]) -> None:
    host = hosts_of_the_inventory(checkout)["postgresql_harbor"]
    assert host.pop("component_role") == "postgresql"
    made = record(checkout / "roles/postgresql", platform_object_store=store, **host)
    [cluster] = manifests(made, "Cluster")
    database = settings_of_the_inventory(checkout, "harbor_database")
    harbor = record(checkout / "roles/harbor", harbor_database=database)
    external = values(harbor, "harbor")["database"]["external"]
    name, initdb = cluster["metadata"]["name"], cluster["spec"]["bootstrap"]["initdb"]
    assert cluster["metadata"]["namespace"] == harbor["namespace"]["name"]
    assert external["host"] == f"{name}-rw" and external["existingSecret"] == f"{name}-app"
    assert (external["username"], external["coreDatabase"]) == (initdb["owner"], initdb["database"])


def test_harbor_finds_the_redis_of_the_inventory(checkout: Path) -> None:
    host = hosts_of_the_inventory(checkout)["valkey_harbor"]
    assert host.pop("component_role") == "valkey"
    made = record(checkout / "roles/valkey", **host)
    services = {item["metadata"]["name"]: item["spec"]["ports"][0]["port"] for item in manifests(made, "Service")}
    redis = settings_of_the_inventory(checkout, "harbor_redis")
    external = values(record(checkout / "roles/harbor", harbor_redis=redis), "harbor")["redis"]["external"]
    service, port = external["addr"].split(":")
    assert services[service] == int(port)
    scripts = manifests(made, "ConfigMap")[0]["data"]
    assert f"sentinel monitor {external['sentinelMasterSet']} $master" in scripts["sentinel.sh"]
    [secret] = made["secrets"]
    # the key that Harbor reads
    assert (secret["name"], secret["keys"]) == (external["existingSecret"], [{"key": "REDIS_PASSWORD"}])


def test_a_database_archives_to_the_bucket_that_it_claims(checkout: Path, store: dict[str, Any]) -> None:
    made = record(
        checkout / "roles/postgresql", platform_object_store=store, postgresql_name="a", postgresql_namespace="b"
    )
    [claim], [target], [cluster] = (manifests(made, kind) for kind in ("ObjectBucketClaim", "ObjectStore", "Cluster"))
    [schedule], [policy] = (manifests(made, kind) for kind in ("ScheduledBackup", "NetworkPolicy"))
    spec = target["spec"]["configuration"]
    assert (
        spec["destinationPath"] == f"s3://{claim['spec']['bucketName']}/" and spec["endpointURL"] == store["endpoint"]
    )
    assert {key["name"] for key in spec["s3Credentials"].values()} == {claim["metadata"]["name"]}
    [plugin] = cluster["spec"]["plugins"]
    assert plugin["parameters"]["barmanObjectName"] == target["metadata"]["name"]
    assert schedule["spec"]["pluginConfiguration"]["name"] == plugin["name"]
    assert {item["metadata"]["namespace"] for item in (claim, target, cluster, schedule, policy)} == {"b"}
    # its own namespace and no other reaches the database
    assert policy["spec"]["ingress"][0] == {"from": [{"podSelector": {}}], "ports": [{"protocol": "TCP", "port": 5432}]}
    assert [stage["keep"] for stage in made["stages"] if "keep" in stage] == [True]


def keys(value: Any, prefix: str = "") -> Iterator[str]:
    """Dotted paths of all leaves; items of lists are looked through."""
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from keys(item, f"{prefix}.{key}" if prefix else key)
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        for item in value:
            yield from keys(item, f"{prefix}[]")
    else:
        yield prefix


def has(schema: dict[str, Any], path: str) -> bool:
    """Whether a path with lists may stand in an object of this schema."""
    for part in path.split("[]."):
        if not exists(schema, part):
            return False
        for name in part.split("."):
            free = schema.get("x-kubernetes-preserve-unknown-fields") or schema.get("additionalProperties")
            schema = {"x-kubernetes-preserve-unknown-fields": True} if free else schema["properties"][name]
        schema = schema.get("items", schema)
    return True


@pytest.mark.parametrize("tls", ["", "object-store-tls"])
def test_what_the_chart_hands_on_to_ceph_stands_in_rooks_crds(checkout: Path, contracts: Path, tls: str) -> None:
    nodes = [{"name": "a", "devices": ["sdb"], "metadata_device": "nvme0n1"}]
    inventory = PLATFORM | {
        "rook_ceph_nodes": nodes,
        "rook_ceph_encrypt_disks": True,
        "rook_ceph_host_network": True,
        "rook_ceph_object_store_tls_secret": tls,
    }
    wanted = values(record(checkout / "roles/rook_ceph", **inventory), "rook-ceph-cluster")
    specs = {"CephCluster": wanted["cephClusterSpec"]}
    for kind, name in (
        ("CephBlockPool", "cephBlockPools"),
        ("CephFilesystem", "cephFileSystems"),
        ("CephObjectStore", "cephObjectStores"),
    ):
        specs[kind] = wanted[name][0]["spec"]
    known = schemas(contracts)
    for kind, spec in specs.items():
        [schema] = known["ceph.rook.io", kind]
        assert [path for path in keys({"spec": spec}) if not has(schema, path)] == [], kind
    [schema] = known["ceph.rook.io", "CephCluster"]
    assert not has(schema, "spec.storage.nodes[].disks")


ONE = [{"name": "a", "devices": ["sdb"]}]
THREE = [{"name": name, "devices": ["sdb"]} for name in "abc"]
STORE = {"platform_object_store": {"storage_class": "ceph-bucket"}}
REFUSED = [
    ("rook_ceph", {}, "rook_ceph_nodes is empty; name each node and its disks"),
    ("rook_ceph", {"rook_ceph_nodes": [*THREE, {"name": "d", "devices": []}]}, "names no disk for d;"),
    ("rook_ceph", {"rook_ceph_nodes": [*THREE, ONE[0]]}, "names a more than once"),
    ("rook_ceph", {"rook_ceph_nodes": ONE}, "rook_ceph_replicas is 3 and rook_ceph_nodes has 1 nodes"),
    ("rook_ceph", {"rook_ceph_nodes": THREE, "rook_ceph_mon_count": 4}, "rook_ceph_mon_count is 4; write an odd number"),
    ("rook_ceph", {"rook_ceph_nodes": THREE, "rook_ceph_image_tag": "v20.2.1-20260101"}, "can corrupt data"),
    ("rook_ceph", {"rook_ceph_nodes": THREE, "rook_ceph_clean_disks": True}, "rook_ceph_confirm_remove has to be rook-ceph"),
    ("rook_ceph", {"rook_ceph_nodes": THREE, "rook_ceph_operator_values": {"crds": {"enabled": False}}}, "may destroy"),
    (
        "rook_ceph",
        {"rook_ceph_nodes": THREE, "rook_ceph_cluster_values": {"cephClusterSpec": {"storage": {"useAllDevices": True}}}},
        "name disks in rook_ceph_nodes instead",
    ),
    ("rook_ceph", {"platform_action": "remove"}, "write rook_ceph_confirm_remove: rook-ceph."),
    ("rook_ceph", {"platform_action": "remove", "rook_ceph_confirm_remove": "yes"}, "write rook_ceph_confirm_remove"),
    ("velero", {}, "velero_object_store is empty; set it"),
    ("velero", {"platform_object_store": {"endpoint": "x"}}, "neither storage_class nor secret_name"),
    (
        "velero",
        {**STORE, "velero_schedules": [{"name": "a", "schedule": "x", "keep": "1h", "namespaces": ["b"]}]},
        "no schedule that holds everything",
    ),
    (
        "velero",
        {**STORE, "velero_values": {"initContainers": [{"name": "csi", "image": "velero/velero-plugin-for-csi:v0.7.0"}]}},
        "velero-plugin-for-csi",
    ),
    ("cnpg", {"cnpg_values": {"monitoring": {"podMonitorEnabled": True}}}, "set cnpg_monitoring"),
    ("cnpg", {"cnpg_values": {"crds": {"create": False}}}, "crds.create"),
    ("postgresql", {"postgresql_instances": 2}, "postgresql_instances is 2; write 3, or 1"),
    ("postgresql", {"postgresql_name": "Harbor"}, "postgresql_name is Harbor"),
    ("postgresql", {"postgresql_owner": "postgres"}, "a user of its own"),
    ("postgresql", {"platform_object_store": {"endpoint": "x"}}, "neither storage_class nor secret_name"),
    ("postgresql", {"platform_action": "remove"}, "write platform_remove_data: true"),
    ("valkey", {"valkey_name": "a_b"}, "valkey_name is a_b"),
    ("valkey", {"valkey_memory": 8}, "valkey_memory is 8; write at least 64"),
]  # fmt: skip
ACCEPTED = [
    ("rook_ceph", {"rook_ceph_nodes": THREE}),
    ("rook_ceph", {"rook_ceph_nodes": ONE, "platform_high_availability": False}),
    ("rook_ceph", {"rook_ceph_nodes": THREE, "rook_ceph_image_tag": "v19.2.9-20260101"}),
    ("rook_ceph", {"rook_ceph_nodes": THREE, "rook_ceph_clean_disks": True, "rook_ceph_confirm_remove": "rook-ceph"}),
    ("rook_ceph", {"platform_action": "remove", "rook_ceph_confirm_remove": "rook-ceph"}),
    ("velero", STORE),
    ("velero", {"platform_action": "remove"}),
    ("cnpg", {"cnpg_values": {"monitoring": {"podMonitorEnabled": True}}, "platform_monitoring": True}),
    ("postgresql", STORE),
    ("postgresql", {"platform_action": "remove", "platform_remove_data": True}),
    ("valkey", {}),
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
