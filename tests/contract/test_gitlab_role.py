# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""GitLab: what is outside of it, how it gets there, who logs in, and what is refused."""

from __future__ import annotations

import configparser
import json
from pathlib import Path
from typing import Any

import pytest
import tomllib
import yaml
from ansible_collections.kubestd.platform.plugins.module_utils._secret.plan import composed, make_keys

from .records import EVERYTHING, manifests, record, value, values

BUCKETS = 10


def rendered(checkout: Path, **more: Any) -> Any:
    return record(checkout / "roles/gitlab", **{**EVERYTHING, **more})


def secret(found: Any, name: str) -> Any:
    return next(one for one in found["secrets"] if one["name"] == name)


def text(described: Any, key: str, **made: str) -> str:
    """A text of a Secret with made-up contents of its other keys."""
    defaults = {"length": 32, "format": "password"}
    keys = {one.name: one for one in make_keys([{**defaults, **one} for one in described["keys"]])}
    return composed(keys[key].text, {name: content.encode() for name, content in made.items()})


def test_nothing_of_its_own_is_left_that_the_platform_has(checkout: Path) -> None:
    found = values(rendered(checkout), "gitlab")
    switches = found["global"]
    assert not switches["ingress"]["enabled"] and not switches["ingress"]["tls"]["enabled"]
    assert switches["gatewayApi"] == {"enabled": False, "installEnvoy": False, "configureCertmanager": False}
    assert found["installCertmanager"] is found["nginx-ingress"]["enabled"] is found["prometheus"]["install"] is False
    assert found["registry"]["enabled"] is switches["registry"]["enabled"] is found["gitlab-runner"]["install"] is False


def test_the_route_leads_to_the_page_at_the_platforms_gateway_and_lets_a_clone_take_its_time(checkout: Path) -> None:
    (route,) = manifests(rendered(checkout), "HTTPRoute")
    assert route["spec"]["parentRefs"] == [EVERYTHING["platform_gateway"]]
    (rule,) = route["spec"]["rules"]
    assert rule["backendRefs"] == [{"name": "gitlab-webservice-default", "port": 8181}]
    assert rule["timeouts"] == {"request": "0s"}
    policies = {item["metadata"]["name"]: item["spec"] for item in manifests(rendered(checkout), "NetworkPolicy")}
    assert policies["gitlab-users"]["ingress"] == [{"ports": [{"protocol": "TCP", "port": 8181}]}]
    inside = policies["gitlab-inside"]["ingress"]
    assert inside[0] == {"from": [{"podSelector": {"matchLabels": {"release": "gitlab"}}}]} and "monitoring" in str(
        inside[1]
    )
    assert "gitlab-ssh" not in {
        item["metadata"]["name"] for item in manifests(rendered(checkout, gitlab_ssh=False), "NetworkPolicy")
    }
    assert manifests(rendered(checkout, gitlab_gateway={}), "HTTPRoute") == []


def test_every_bucket_is_claimed_for_one_owner_whose_keys_are_in_the_file_that_gitlab_reads(checkout: Path) -> None:
    found = rendered(checkout)
    claims = manifests(found, "ObjectBucketClaim")
    (owner,) = manifests(found, "CephObjectStoreUser")
    assert {claim["spec"]["additionalConfig"]["bucketOwner"] for claim in claims} == {owner["metadata"]["name"]}
    application = values(found, "gitlab")["global"]["appConfig"]
    used = [one["bucket"] for one in application.values() if isinstance(one, dict) and "bucket" in one]
    used.append(application["backups"]["tmpBucket"])
    assert sorted(used) == sorted(claim["spec"]["bucketName"] for claim in claims) and len(used) == BUCKETS
    keys = owner["spec"]["keys"][0]
    made = secret(found, keys["accessKeyRef"]["name"])
    # the store reads the keys in its own namespace
    assert made["copies"] == [owner["metadata"]["namespace"]]
    names = {keys["accessKeyRef"]["key"]: "ACCESS", keys["secretKeyRef"]["key"]: "SECRET"}
    connection = application["object_store"]["connection"]
    assert connection["secret"] == made["name"]
    read = yaml.safe_load(text(made, connection["key"], **names))
    assert (read["aws_access_key_id"], read["aws_secret_access_key"], read["provider"]) == ("ACCESS", "SECRET", "AWS")
    assert read["endpoint"] == EVERYTHING["platform_object_store"]["endpoint"] and read["path_style"] is True
    backups = values(found, "gitlab")["gitlab"]["toolbox"]["backups"]["objectStorage"]["config"]
    assert backups["secret"] == made["name"]
    parser = configparser.RawConfigParser()
    parser.read_string(text(made, backups["key"], **names))
    assert (
        dict(parser["default"]).items()
        >= {
            "access_key": "ACCESS",
            "secret_key": "SECRET",
            "host_base": "rook-ceph-rgw-ceph-objectstore.rook-ceph.svc",
            "host_bucket": "rook-ceph-rgw-ceph-objectstore.rook-ceph.svc/%(bucket)",
            "use_https": "True",
        }.items()
    )
    stage = next(one for one in found["stages"] if one["name"] == "buckets")
    assert stage["keep"] and len(stage["manifests"]) == BUCKETS + 1


def test_a_store_without_claims_is_named_by_its_secret(checkout: Path) -> None:
    found = rendered(checkout, gitlab_object_store={"region": "eu-west-1"}, gitlab_object_store_secret="store")
    assert manifests(found, "ObjectBucketClaim") == manifests(found, "CephObjectStoreUser") == []
    assert values(found, "gitlab")["global"]["appConfig"]["object_store"]["connection"] == {
        "secret": "store",
        "key": "connection",
    }
    assert [one["name"] for one in found["secrets"]] == ["gitlab-generated"]


def test_database_and_redis_are_those_that_are_named(checkout: Path) -> None:
    found = values(rendered(checkout), "gitlab")["global"]
    assert found["psql"]["host"] == "gitlab-database-rw"
    assert found["psql"]["password"] == {"secret": "gitlab-database-app", "key": "password"}
    # the name of the master set, which is that of the store, and its sentinels
    store = record(
        checkout / "roles/valkey", **{**EVERYTHING, "valkey_name": "gitlab-valkey", "valkey_namespace": "gitlab"}
    )
    services = {item["metadata"]["name"] for item in manifests(store, "Service")}
    assert {one["host"] for one in found["redis"]["sentinels"]} <= services
    made = store["secrets"][0]
    assert found["redis"]["auth"] == {"enabled": True, "secret": made["name"], "key": made["keys"][0]["key"]}
    assert found["redis"]["host"] == store["name"]
    single = rendered(checkout, gitlab_redis={"host": "redis", "port": 6380, "secret_name": "redis"})
    assert values(single, "gitlab")["global"]["redis"]["port"] == 6380


def test_extensions_that_its_user_may_not_make_are_made_with_the_database(checkout: Path) -> None:
    cluster = manifests(
        record(checkout / "roles/postgresql", **EVERYTHING, postgresql_extensions=["amcheck", "pg_trgm"]), "Cluster"
    )
    statements = cluster[0]["spec"]["bootstrap"]["initdb"]["postInitApplicationSQL"]
    assert statements == [f'CREATE EXTENSION IF NOT EXISTS "{name}"' for name in ("amcheck", "pg_trgm")]
    plain = manifests(record(checkout / "roles/postgresql", **EVERYTHING), "Cluster")[0]["spec"]["bootstrap"]["initdb"]
    assert plain == {"database": "registry", "owner": "registry", "dataChecksums": True}


def test_people_log_in_at_the_provider_with_the_secret_that_its_client_has(checkout: Path) -> None:
    login = values(rendered(checkout), "gitlab")["global"]["appConfig"]["omniauth"]
    (provider,) = login["providers"]
    identity = record(checkout / "roles/teleport_keycloak", **EVERYTHING)
    made = secret(identity, provider["secret"])
    assert made["copies"] == [rendered(checkout)["namespace"]["name"]]
    read = yaml.safe_load(text(made, provider["key"], clientSecret="MARKER"))
    assert read["name"] in login["allowSingleSignOn"]
    told = read["args"]
    assert told["issuer"] == EVERYTHING["platform_oidc"]["issuer"] and told["client_options"]["secret"] == "MARKER"
    clients = manifests(identity, "KeycloakRealmImport")[0]["spec"]["realm"]["clients"]
    client = next(one for one in clients if one["clientId"] == told["client_options"]["identifier"])
    assert client["redirectUris"] == [told["client_options"]["redirect_uri"]]
    # the secret of the realm is the one that is in the file
    placeholders = manifests(identity, "KeycloakRealmImport")[0]["spec"]["placeholders"]
    assert placeholders["GITLAB_SECRET"]["secret"] == {"name": made["name"], "key": "clientSecret"}
    assert values(rendered(checkout, gitlab_oidc={}), "gitlab")["global"]["appConfig"]["omniauth"] == {"enabled": False}


def test_the_password_of_root_is_made_in_the_cluster(checkout: Path) -> None:
    found = rendered(checkout)
    assert values(found, "gitlab")["global"]["initialRootPassword"] == {"secret": "gitlab-generated", "key": "password"}
    assert secret(found, "gitlab-generated")["keys"] == [{"key": "password"}]


@pytest.mark.parametrize(
    ("size", "ha", "replicas"),
    [("small", False, (1, 2)), ("small", True, (2, 2)), ("medium", True, (2, 4)), ("large", False, (4, 10))],
)
def test_a_size_is_replicas_and_processes(checkout: Path, size: str, ha: bool, replicas: tuple[int, int]) -> None:
    found = values(rendered(checkout, gitlab_size=size, gitlab_high_availability=ha), "gitlab")["gitlab"]
    for part in ("webservice", "sidekiq"):
        assert (found[part]["minReplicas"], found[part]["maxReplicas"]) == replicas
    assert found["webservice"]["workerProcesses"] == (2 if size == "small" else 4)


def test_runners_are_releases_whose_builds_see_no_secret_of_gitlab(checkout: Path) -> None:
    found = rendered(checkout)
    stage = next(one for one in found["stages"] if one["name"] == "runners")
    (runner,) = stage["releases"]
    assert runner["namespace"] == "gitlab-runners" != found["namespace"]["name"]
    told = runner["values"]
    assert told["gitlabUrl"] == "https://gitlab.example.com/" and told["runners"]["secret"] == "runner-shared"
    builds = tomllib.loads(told["runners"]["config"])["runners"][0]["kubernetes"]
    assert builds["namespace"] == runner["namespace"] and builds["privileged"] is False
    # a monitor of Services finds none without one
    assert told["service"]["enabled"] and told["metrics"]["serviceMonitor"]["enabled"]
    assert all("*" not in rule["verbs"] + rule["resources"] for rule in told["rbac"]["rules"])
    account = manifests(found, "ServiceAccount")[0]
    assert account["metadata"]["name"] == builds["service_account"] and account["automountServiceAccountToken"] is False
    authorities = manifests(found, "Secret")[0]
    assert told["certsSecretName"] == authorities["metadata"]["name"] and list(authorities["data"]) == [
        "gitlab.example.com.crt"
    ]
    assert manifests(rendered(checkout, gitlab_runners=[]), "Namespace") == []


def test_its_own_values_of_a_runner_come_last(checkout: Path) -> None:
    runner = {"name": "a", "token_secret": "b", "values": {"concurrent": 3}}
    stage = next(one for one in rendered(checkout, gitlab_runners=[runner])["stages"] if one["name"] == "runners")
    assert stage["releases"][0]["overlays"] == [{"concurrent": 3}]


def test_it_is_healthy_when_it_was_migrated_and_reaches_what_it_needs(checkout: Path) -> None:
    stage = next(one for one in rendered(checkout)["stages"] if one["name"] == "server")
    asked = {check["http"]["path"] for check in stage["health"] if "http" in check}
    assert asked == {"/-/readiness?all=1", "/users/sign_in"}
    job = next(check for check in stage["health"] if check.get("kind") == "Job")
    assert job["condition"] == {"type": "Complete"} and job["selector"] == {"app": "migrations", "release": "gitlab"}


def test_no_secret_stands_in_a_value(checkout: Path) -> None:
    found = json.dumps([values(rendered(checkout), "gitlab"), rendered(checkout)["stages"]])
    assert "${" not in found and "aws_secret" not in found


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"gitlab_host": ""}, "gitlab_host is empty"),
        ({"gitlab_database": {}}, "since version 19 GitLab brings no PostgreSQL"),
        ({"gitlab_redis": {}}, "since version 19 GitLab brings no Redis"),
        ({"gitlab_redis": {"sentinels": [{"host": "a"}]}}, "gitlab_redis has neither host"),
        ({"gitlab_object_store": {}}, "brings no MinIO"),
        ({"gitlab_object_store": {"region": "eu"}}, "name the Secret with its connection"),
        ({"gitlab_object_store": {"storage_class": "a"}}, "needs the endpoint"),
        ({"gitlab_email": {"port": 25}}, "name the mail server"),
        ({"gitlab_runners": [{"name": "A", "token_secret": "b"}]}, "gitlab_runners has A"),
        ({"gitlab_runners": [{"name": "a", "token_secret": "b"}] * 2}, "names one runner twice"),
        ({"gitlab_runners_namespace": "gitlab"}, "give builds a namespace of their own"),
    ],
)
def test_what_cannot_work_is_refused(checkout: Path, given: dict[str, Any], said: str) -> None:
    def problems(**more: Any) -> list[str]:
        return list(value(checkout / "roles/gitlab", "__gitlab_problems", **{**EVERYTHING, **more}))

    assert problems() == []
    (found,) = problems(**given)
    assert said in found
