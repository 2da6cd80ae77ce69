# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every pair of choices for a platform: all records render, what they refer to is there, and what upstream forbids is refused."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from .conftest import CHECKOUT
from .records import EVERYTHING, platform_roles, record, value
from .test_roles import load, merged

Choice = dict[str, Any]
# kind, namespace (empty when it has none), name
Thing = tuple[str, str, str]


def choices(role: str, option: str) -> list[Any]:
    """What the argument spec of a role lets a user choose, so that new choices join by themselves."""
    options = load(CHECKOUT / f"roles/{role}/meta/argument_specs.yml")["argument_specs"]["main"]["options"]
    return list(options[option]["choices"])


DIMENSIONS: dict[str, list[Any]] = {
    "cni": choices("cni", "cni_implementation"),
    "gateway": choices("gateway_api", "gateway_api_implementation"),
    "storage": ["ceph", "elsewhere", "none"],
    "mesh": ["none", *choices("istio", "istio_mode")],
    "high_availability": [True, False],
    "mirror": [True, False],
}
ROLES = {role.name: role for role in platform_roles(CHECKOUT)}


def pairs(one: Choice) -> set[Any]:
    """All pairs of choices in a combination."""
    return set(itertools.combinations([(name, one[name]) for name in DIMENSIONS if name in one], 2))


def pairwise() -> list[Choice]:
    """Few combinations that have every pair of choices; the same ones each time."""
    sets = (itertools.product(*([(name, one) for one in DIMENSIONS[name]] for name in names))
            for names in itertools.combinations(DIMENSIONS, 2))  # fmt: skip
    left = dict.fromkeys(itertools.chain.from_iterable(sets))
    found = []
    while left:
        made: Choice = dict(next(iter(left)))
        for name in DIMENSIONS:
            if name not in made:
                gains = [
                    (len(pairs({**made, name: one}) & left.keys()), -rank) for rank, one in enumerate(DIMENSIONS[name])
                ]
                made[name] = DIMENSIONS[name][-max(gains)[1]]
        found.append({name: made[name] for name in DIMENSIONS})
        for pair in pairs(made):
            left.pop(pair, None)
    return found


STORES: dict[str, Choice] = {
    "ceph": {
        "platform_storage_class": "ceph-block",
        "platform_object_store": {
            "endpoint": "http://rook-ceph-rgw-ceph-objectstore.rook-ceph.svc",
            "storage_class": "ceph-bucket",
        },
        "rook_ceph_nodes": EVERYTHING["rook_ceph_nodes"],
    },
    "elsewhere": {
        "platform_storage_class": "san",
        "platform_object_store": {
            "endpoint": "https://s3.example.com",
            "buckets": {"velero": "backups"},
            "secret_name": "object-store",
        },
    },
    "none": {},
}
# What stands on a store: hosts of the inventory, the role of each, and its own variables
DATABASES: dict[str, tuple[str, Choice]] = {
    "snapshot_controller": ("snapshot_controller", {}),
    "velero": ("velero", {}),
    "cnpg": ("cnpg", {}),
    "postgresql_harbor": (
        "postgresql",
        {"postgresql_name": "harbor-database", "postgresql_namespace": "harbor", "postgresql_database": "registry"},
    ),
    "postgresql_keycloak": (
        "postgresql",
        {"postgresql_name": "keycloak-database", "postgresql_namespace": "identity", "postgresql_database": "keycloak"},
    ),
    "valkey_harbor": ("valkey", {"valkey_name": "harbor-valkey", "valkey_namespace": "harbor"}),
    "teleport_keycloak": ("teleport_keycloak", {"teleport_keycloak_systems": ["keycloak"]}),
}
ALWAYS = ("metallb", "cert_manager", "gateway_api", "metrics_server", "k8gb", "vault", "external_secrets", "headlamp",
          "harbor", "argocd", "github_runners")  # fmt: skip
# What people bring: credentials of what is outside, and what an inventory says is there
OUTSIDE: set[tuple[str, str]] = {
    ("Secret", "object-store"),  # platform_object_store.secret_name: made where the buckets are
    ("Secret", "edge-dns"),  # k8gb_edge_dns.tsig_secret_name: the key of the DNS server
    ("StorageClass", "san"),  # platform_storage_class of a driver that is not ours
}
# What charts and operators make in the namespace of a release, and others refer to
MADE_BY_CHARTS: set[Thing] = {("ServiceAccount", "external-secrets", "external-secrets")}
# Systems that a record may need and that are none of the platform's
NEEDS_OUTSIDE = {"cni"}


def systems(one: Choice) -> dict[str, tuple[str, Choice]]:
    """The hosts of the platform, with the role of each and its own variables."""
    names = list(ALWAYS)
    names += ["image_mirror"] if one["mirror"] else []
    names += ["istio"] if one["mesh"] != "none" else []
    names += [one["cni"]] if one["cni"] in ROLES else []
    names += ["rook_ceph"] if one["storage"] == "ceph" else []
    found: dict[str, tuple[str, Choice]] = {name: (name, {}) for name in names}
    return found | (DATABASES if one["storage"] != "none" else {})


def inventory(one: Choice) -> Choice:
    """What all hosts of the platform have."""
    machine = {"cni_implementation": one["cni"], "cluster_pod_cidr": "10.244.0.0/16", "cluster_version": "1.36.4"}
    # Cilium carries a Gateway only in place of kube-proxy.
    carries = one["cni"] == one["gateway"] == "cilium"
    machine |= {"cluster_kube_proxy": not carries, "cilium_gateway_api": carries}
    machine |= {"cluster_endpoint": {"host": "192.0.2.9", "port": 6443}}
    hosts = list(systems(one))
    names = ("platform_domain", "platform_gateway", "platform_issuer", "platform_oidc", "platform_monitoring",
             "platform_vault", "k8gb_zones", "k8gb_geo_tag", "k8gb_edge_dns")  # fmt: skip
    found = {name: EVERYTHING[name] for name in names} | machine | STORES[one["storage"]]
    found |= {
        "groups": {
            "all": [*hosts, "cp1", "w1", "w2"],
            "platform": hosts,
            "control_plane": ["cp1"],
            "workers": ["w1", "w2"],
        },
        "hostvars": {"cp1": machine, **{host: {} for host in hosts}},
        "platform_high_availability": one["high_availability"],
        "gateway_api_implementation": one["gateway"],
        "metallb_pools": [{"name": "default", "addresses": ["192.0.2.10-192.0.2.20"]}],
    }
    if one["mirror"]:
        found["platform_mirror"] = {"registry": "mirror.example.com:5000", "files": "https://mirror.example.com/files"}
    if one["mesh"] != "none":
        found["istio_mode"] = one["mesh"]
        found["istio_waypoints"] = [{"namespace": "harbor"}] if one["mesh"] == "ambient" else []
    if one["storage"] == "none":
        del found["platform_oidc"]  # Keycloak has no database
    else:
        found["teleport_keycloak_database"] = {"host": "keycloak-database-rw", "secret_name": "keycloak-database-app"}
        found["harbor_database"] = {"host": "harbor-database-rw", "secret_name": "harbor-database-app"}
        found["harbor_redis"] = {
            "address": "harbor-valkey-sentinel:26379",
            "sentinel_master": "harbor-valkey",
            "secret_name": "harbor-valkey-generated",
        }
    return found


def refusals(one: Choice) -> list[str]:
    """What roles say against a combination before they do anything."""
    said = []
    variables = inventory(one)
    for role, own in systems(one).values():
        known = merged(ROLES[role], "vars")
        for name in (f"__{role}_wrong", f"__{role}_problems"):
            if name in known:
                said += value(ROLES[role], name, **variables, **own)
    return said


# A combination that upstream forbids, and what is said against it
FORBIDDEN: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    # choices that it has, choices that it has not, reason
    ({"gateway": "istio", "mesh": "none"}, {}, "gateway_api_implementation is istio"),
    ({"gateway": "cilium"}, {"cni": "cilium"}, "gateway_api_implementation is cilium"),
]


def reasons(one: Choice) -> list[str]:
    """Why a combination is forbidden."""
    return [reason for has, has_not, reason in FORBIDDEN
            if has.items() <= one.items() and not (has_not and has_not.items() <= one.items())]  # fmt: skip


COMBINATIONS = pairwise()


def label(one: Choice) -> str:
    return ", ".join(f"{name} {choice}" for name, choice in one.items())


def walk(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """All parts of a value that are not lists, with the keys on the way to them."""
    if isinstance(value, list):
        for item in value:
            yield from walk(item, path)
        return
    yield path, value
    if isinstance(value, dict):
        for key, item in value.items():
            yield from walk(item, (*path, str(key)))


NAMES = {
    "secretName": "Secret",
    "secret_name": "Secret",
    "existingSecret": "Secret",
    "existingSecretAdminPassword": "Secret",
    "existingSecretSecretKey": "Secret",
    "existingXsrfSecret": "Secret",
    "extraSecretRef": "Secret",
    "storageClass": "StorageClass",
    "storageClassName": "StorageClass",
    "serviceAccountName": "ServiceAccount",
}
REFERENCES = {
    "secretKeyRef": "Secret",
    "usernameSecret": "Secret",
    "passwordSecret": "Secret",
    "secretRef": "Secret",
    "configMapKeyRef": "ConfigMap",
    "configMapRef": "ConfigMap",
    "configMap": "ConfigMap",
    "issuerRef": "ClusterIssuer",
    "certificateRefs": "Secret",
    "parentRefs": "Gateway",
    "serviceAccountRef": "ServiceAccount",
}
CLUSTER_WIDE = {"StorageClass", "ClusterIssuer"}


def referred(value: Any, namespace: str) -> Iterator[Thing]:
    """What a value or an object refers to by name."""
    for path, part in walk(value):
        key = path[-1] if path else ""
        kind, name = "", ""
        if key in NAMES and isinstance(part, str):
            kind, name = NAMES[key], part
        elif key in REFERENCES and isinstance(part, dict):
            kind, name = REFERENCES[key], str(part.get("name", ""))
        if kind and name:
            space = part.get("namespace", namespace) if isinstance(part, dict) else namespace
            yield kind, "" if kind in CLUSTER_WIDE else space, name


def made(described: Any, namespace: str) -> Iterator[Thing]:
    """What a record makes, and what operators make of it."""
    for secret in described.get("secrets", []):
        for space in [secret.get("namespace", namespace), *secret.get("copies", [])]:
            yield "Secret", space, secret["name"]
    for stage in described["stages"]:
        for item in stage.get("manifests", []):
            kind, name = item["kind"], item["metadata"]["name"]
            space = item["metadata"].get("namespace", namespace)
            yield kind, "" if kind in CLUSTER_WIDE else space, name
            if kind == "Certificate":
                yield "Secret", space, item["spec"]["secretName"]
            if kind == "ObjectBucketClaim":
                yield "Secret", space, name
            if kind == "Cluster" and item["apiVersion"].startswith("postgresql.cnpg.io/"):
                yield "Secret", space, f"{name}-app"
        for release in stage.get("releases", []):
            for part in ("cephBlockPools", "cephFileSystems", "cephObjectStores"):
                for pool in release["values"].get(part, []):
                    yield "StorageClass", "", pool["storageClass"]["name"]


@cache
def rendered(number: int) -> list[tuple[str, Any]]:
    """The records of a combination by host."""
    one = COMBINATIONS[number]
    variables = inventory(one)
    return [(host, record(ROLES[role], **variables, **own)) for host, (role, own) in systems(one).items()]


def test_every_pair_of_choices_is_in_a_combination() -> None:
    wanted = {
        ((first, one), (second, two))
        for first, second in itertools.combinations(DIMENSIONS, 2)
        for one in DIMENSIONS[first]
        for two in DIMENSIONS[second]
    }
    assert set().union(*(pairs(one) for one in COMBINATIONS)) == wanted
    assert pairwise() == COMBINATIONS and len(COMBINATIONS) < len(list(itertools.product(*DIMENSIONS.values()))) / 2


@pytest.mark.parametrize("number", range(len(COMBINATIONS)), ids=[label(one) for one in COMBINATIONS])
def test_a_combination_works_or_is_refused_with_the_reason(number: int) -> None:
    one = COMBINATIONS[number]
    said, wanted = refusals(one), reasons(one)
    for reason in wanted:
        assert any(reason in sentence for sentence in said), f"{reason} is not said: {said}"
    assert len(said) == len(wanted), said
    assert all(sentence.endswith(".") for sentence in said)


@pytest.mark.parametrize("number", range(len(COMBINATIONS)), ids=[label(one) for one in COMBINATIONS])
def test_nothing_in_a_combination_refers_to_what_is_not_there(number: int) -> None:
    if reasons(COMBINATIONS[number]):
        return
    there, asked = set(MADE_BY_CHARTS), []
    for host, found in rendered(number):
        namespace = (found.get("namespace") or {}).get("name", found["name"])
        there |= set(made(found, namespace))
        for stage in found["stages"]:
            for item in stage.get("manifests", []):
                space = item["metadata"].get("namespace", namespace)
                asked += [(host, thing) for thing in referred(item.get("spec", {}), space)]
            for release in stage.get("releases", []):
                space = release.get("namespace", namespace)
                asked += [(host, thing) for thing in referred(release["values"], space)]
    assert len(asked) > 20
    dangling = {(host, *thing) for host, thing in asked if thing not in there and (thing[0], thing[2]) not in OUTSIDE}
    assert sorted(dangling) == []


@pytest.mark.parametrize("number", range(len(COMBINATIONS)), ids=[label(one) for one in COMBINATIONS])
def test_what_a_system_needs_has_a_role_or_is_outside(number: int) -> None:
    hosts = set(systems(COMBINATIONS[number])) | set(ROLES) | set(DATABASES) | {"postgresql_teleport"}
    for host, found in rendered(number):
        assert set(found.get("needs", [])) - hosts <= NEEDS_OUTSIDE, host


def test_cilium_beside_a_mesh_is_set_as_istio_demands() -> None:
    beside = [number for number, one in enumerate(COMBINATIONS) if one["cni"] == "cilium" and one["mesh"] != "none"]
    assert beside or "cilium" not in DIMENSIONS["cni"]
    for number in beside:
        [release] = [release for host, found in rendered(number) if host == "cilium" for stage in found["stages"]
                     for release in stage.get("releases", []) if release["name"] == "cilium"]  # fmt: skip
        values = release["values"]
        assert values["cni"]["exclusive"] is False and values["socketLB"]["hostNamespaceOnly"] is True
        assert values["bpf"]["masquerade"] is False


def test_a_reference_that_leads_nowhere_is_found() -> None:
    spec = {"issuerRef": {"name": "gone"}, "template": [{"env": [{"valueFrom": {"secretKeyRef": {"name": "lost"}}}]}]}
    assert set(referred(spec, "a")) == {("ClusterIssuer", "", "gone"), ("Secret", "a", "lost")}
    assert list(referred({"parentRefs": [{"name": "g", "namespace": "b"}]}, "a")) == [("Gateway", "b", "g")]
