# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Argo CD: what its data become, that no secret is among it, and what is refused."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from .conftest import CHECKOUT
from .records import EVERYTHING, manifests, record, value, values
from .test_roles import entry_points

ROLE = CHECKOUT / "roles/argocd"


def found(**more: Any) -> dict[str, Any]:
    return record(ROLE, **{**EVERYTHING, **more})


def problems(**more: Any) -> list[str]:
    return list(value(ROLE, "__argocd_problems", **more))


def external(name: str, **more: Any) -> dict[str, Any]:
    return next(item["spec"] for item in manifests(found(**more), "ExternalSecret") if item["metadata"]["name"] == name)


def test_groups_have_roles_and_all_others_may_do_nothing() -> None:
    rbac = values(found(), "argocd")["configs"]["rbac"]
    lines = rbac["policy.csv"].splitlines()
    assert rbac["policy.default"] == "" and rbac["scopes"] == "[groups]"
    assert [line for line in lines if line.startswith("g,")] == [
        "g, platform-admins, role:admin",
        "g, platform-editors, role:editor",
        "g, platform-viewers, role:readonly",
    ]
    assert "p, role:deployer, applications, sync, shop/*, allow" in lines
    assert not any("delete" in line or "exec" in line for line in lines if "role:editor" in line)
    assert (
        values(found(argocd_default_role="readonly"), "argocd")["configs"]["rbac"]["policy.default"] == "role:readonly"
    )


def test_what_is_taken_over_is_tracked_by_an_annotation_and_waited_for() -> None:
    cm = values(found(), "argocd")["configs"]["cm"]
    assert cm["application.resourceTrackingMethod"] == "annotation"
    assert "obj.status.health.status" in cm["resource.customizations.health.argoproj.io_Application"]


def test_a_single_controller_does_not_hold_up_a_drain_and_shards_have_a_budget() -> None:
    sharded, single = (values(found(argocd_controller_shards=count), "argocd") for count in (2, 1))
    assert sharded["controller"]["replicas"] == 2 and sharded["controller"]["pdb"] == {
        "enabled": True,
        "maxUnavailable": 1,
    }
    assert sharded["configs"]["params"]["controller.sharding.algorithm"] == "consistent-hashing"
    assert single["controller"]["pdb"] == {"enabled": False}
    assert "controller.sharding.algorithm" not in single["configs"]["params"]


def test_redis_stands_on_three_nodes_and_loses_one_at_a_time() -> None:
    redis = values(found(), "argocd")["redis-ha"]
    assert redis["enabled"] and redis["hardAntiAffinity"]
    assert redis["podDisruptionBudget"] == redis["haproxy"]["podDisruptionBudget"] == {"maxUnavailable": 1}
    assert not values(found(platform_high_availability=False), "argocd")["redis-ha"]["enabled"]


def test_the_login_of_a_repository_comes_from_the_store_and_never_from_the_inventory() -> None:
    spec = external("repository-shop")
    assert spec["secretStoreRef"] == {"kind": "ClusterSecretStore", "name": "platform"}
    assert {one["secretKey"]: one["remoteRef"] for one in spec["data"]} == {
        "username": {"key": "argocd/shop", "property": "user"},
        "password": {"key": "argocd/shop", "property": "token"},
    }
    template = spec["target"]["template"]
    assert template["metadata"]["labels"] == {"argocd.argoproj.io/secret-type": "repository"}
    assert template["data"]["password"] == "{{.password}}" and template["data"]["project"] == "shop"
    creds = external("repository-github")["target"]["template"]
    assert (
        creds["metadata"]["labels"] == {"argocd.argoproj.io/secret-type": "repo-creds"} and "name" not in creds["data"]
    )
    (plain,) = manifests(found(), "Secret")
    assert {key: base64.b64decode(text).decode() for key, text in plain["data"].items()} == {
        "name": "charts",
        "type": "helm",
        "url": "harbor.example.com/charts",
        "enableOCI": "true",
    }
    options = entry_points(ROLE)["main"]["options"]
    refused = ArgumentSpecValidator(options).validate(
        {"argocd_repositories": [{"name": "a", "url": "https://a", "password": "b"}]}
    )
    assert any("argocd_repositories.password" in text for text in refused.error_messages)


def test_the_login_of_a_cluster_is_json_in_which_the_store_writes() -> None:
    edge, old = (external(f"cluster-{name}")["target"]["template"] for name in ("edge", "old"))
    assert edge["metadata"]["labels"] == {"argocd.argoproj.io/secret-type": "cluster", "place": "edge"}
    assert edge["data"] | {"config": ""} == {
        "name": "edge",
        "server": "https://edge.example.com:6443",
        "namespaces": "shop",
        "clusterResources": "false",
        "shard": "1",
        "config": "",
    }
    # as the templates of External Secrets fill it in
    config = json.loads(edge["data"]["config"].replace("{{.token | toJson}}", '"t"'))
    assert config["bearerToken"] == "t"
    assert base64.b64decode(config["tlsClientConfig"]["caData"]) == b"-----BEGIN CERTIFICATE-----"
    text = old["data"]["config"].replace("{{.certificate | b64enc | toJson}}", '"c"')
    assert json.loads(text.replace("{{.key | b64enc | toJson}}", '"k"')) == {
        "tlsClientConfig": {"certData": "c", "keyData": "k"}
    }


def test_what_comes_from_the_vault_needs_its_store() -> None:
    assert found()["needs"] == ["gateway_api", "external_secrets"]
    alone = {"argocd_repositories": [{"name": "a", "url": "https://a"}], "argocd_clusters": []}
    assert found(**alone, argocd_notifications={})["needs"] == ["gateway_api"]
    assert external("notify")["dataFrom"] == [{"extract": {"key": "argocd/notify"}}]


def test_projects_sets_and_updaters_are_objects_after_the_release_that_brings_their_kinds() -> None:
    stages = found()["stages"]
    assert [stage["name"] for stage in stages] == ["access", "argocd", "more", "delivery"]
    kinds = {item["kind"]: item["spec"] for item in stages[-1]["manifests"]}
    assert set(kinds) == {"AppProject", "ApplicationSet", "ImageUpdater"}
    assert kinds["AppProject"]["syncWindows"][0]["kind"] == "deny"
    assert kinds["AppProject"]["destinations"] == [{"server": "https://kubernetes.default.svc", "namespace": "shop"}]
    # nothing is deleted unless somebody says so
    assert kinds["ApplicationSet"]["syncPolicy"] == {
        "preserveResourcesOnDeletion": True,
        "applicationsSync": "create-update",
    }
    assert kinds["ApplicationSet"]["goTemplate"] is True
    web, other = kinds["ImageUpdater"]["applicationRefs"]
    assert web["images"][0]["manifestTargets"] == {"helm": {"name": "image.name", "tag": "image.tag"}}
    assert web["images"][1]["commonUpdateSettings"] == {"updateStrategy": "digest"} and other["useAnnotations"]
    assert kinds["ImageUpdater"]["writeBackConfig"]["method"] == "git:secret:argocd/git"


def test_rollouts_runs_only_a_plugin_of_its_digest_which_a_mirror_may_have() -> None:
    controller = values(found(), "argo-rollouts")["controller"]
    (plugin,) = controller["trafficRouterPlugins"]
    assert plugin["name"] == "argoproj-labs/gatewayAPI" and plugin["sha256"] == "a" * 64
    assert plugin["location"].startswith("https://github.com/argoproj-labs/")
    mirrored = found(platform_mirror={"files": "https://mirror.example.com/files/"})
    (plugin,) = values(mirrored, "argo-rollouts")["controller"]["trafficRouterPlugins"]
    assert plugin["location"].startswith("https://mirror.example.com/files/github.com/argoproj-labs/")
    without = values(found(argocd_gateway_plugin={}), "argo-rollouts")
    assert "trafficRouterPlugins" not in without["controller"] and "providerRBAC" not in without


VAULT = {"path": "a", "password": "b"}
REPOSITORY: dict[str, Any] = {"name": "a", "url": "https://git.example.com/a"}
CLUSTER: dict[str, Any] = {"name": "a", "server": "https://a:6443", "vault": {"path": "a", "bearer_token": "t"}}
UPDATER: dict[str, Any] = {"name": "a", "applications": [{"name": "*"}]}
WRONG: list[tuple[dict[str, Any], str]] = [
    ({"argocd_groups": [{"group": "g", "role": "deployer"}]}, "which nobody describes"),
    ({"argocd_policies": ["role:x, applications"]}, "write p, role:NAME"),
    ({"argocd_oidc": {"issuer": "a"}, "argocd_groups": [{"group": "g", "role": "editor"}]}, "nobody the role admin"),
    ({"argocd_controller_shards": 2}, "with this cluster there are 1"),
    ({"argocd_gateway_plugin": {"url": "https://a", "sha256": "b"}}, "is not a SHA-256"),
    ({"argocd_gateway_plugin": {"url": "http://a", "sha256": "b" * 64}}, "begins with https://"),
    ({"argocd_gateway_plugin": {"url": "https://a", "sha256": "b" * 64}, "argocd_systems": []}, "take rollouts into"),
    ({"argocd_notifications": {"slack": {"token_key": "t"}}}, "write its name in secret_name"),
    ({"argocd_notifications": {"vault_path": "a"}}, "has no Secret to go to"),
    ({"argocd_notifications": {"subscriptions": [{"recipients": ["chat:ops"]}]}}, "there is no service chat"),
    ({"argocd_repositories": [{**REPOSITORY, "url": "https://me:secret@git.example.com/a"}]}, "has a login in its url"),
    ({"argocd_repositories": [{**REPOSITORY, "name": "A"}]}, "no name of an object"),
    ({"argocd_repositories": [REPOSITORY, {**REPOSITORY, "name": "b"}]}, "which another has too"),
    ({"argocd_repositories": [{**REPOSITORY, "project": "shop"}]}, "which argocd_projects does not have"),
    ({"argocd_repositories": [{**REPOSITORY, "vault": {"path": "a"}}]}, "takes nothing from there"),
    ({"argocd_repositories": [{**REPOSITORY, "oci": True}]}, "set its type to helm"),
    (
        {"argocd_repositories": [{**REPOSITORY, "vault": {"path": "a", "github_app_private_key": "k"}}]},
        "write github_app_id",
    ),
    ({"argocd_clusters": [{**CLUSTER, "server": "http://a"}]}, "write https:// and where"),
    ({"argocd_clusters": [{**CLUSTER, "vault": {"path": "a", "client_key": "k"}}]}, "has no login"),
    ({"argocd_clusters": [{**CLUSTER, "server": "https://kubernetes.default.svc"}]}, "which it knows already"),
    ({"argocd_clusters": [{**CLUSTER, "shard": 1}]}, "shards are counted from 0 to 0"),
    ({"argocd_projects": [{"name": "a", "source_repos": ["*"]}]}, "allows nothing without"),
    (
        {"argocd_projects": [{"name": "a", "source_repos": ["*"], "destinations": [{"namespace": "a"}]}]},
        "has a destination without a cluster",
    ),
    (
        {"argocd_application_sets": [{"name": "a", "generators": [], "template": {"spec": {"project": "b"}}}]},
        "is of the project b",
    ),
    ({"argocd_image_updaters": [UPDATER], "argocd_systems": ["rollouts"]}, "take image_updater into"),
    ({"argocd_image_updaters": [{**UPDATER, "write_back": {"method": "push"}}]}, "writes back by push"),
    (
        {
            "argocd_image_updaters": [
                {
                    "name": "a",
                    "applications": [
                        {"name": "*", "images": [{"alias": "a", "image": "h.example.com:5000/a", "strategy": "digest"}]}
                    ],
                }
            ]
        },
        "write the tag behind a colon",
    ),
]


@pytest.mark.parametrize(("wrong", "said"), WRONG)
def test_what_cannot_work_is_refused_with_what_to_write(wrong: dict[str, Any], said: str) -> None:
    assert any(said in text for text in problems(**wrong)), problems(**wrong)


def test_nothing_is_said_against_what_can_work() -> None:
    assert problems() == [] and problems(**EVERYTHING) == []
    assert problems(argocd_repositories=[{**REPOSITORY, "vault": VAULT}], argocd_clusters=[CLUSTER]) == []
    assert problems(argocd_controller_shards=2, argocd_clusters=[{**CLUSTER, "shard": 1}]) == []
