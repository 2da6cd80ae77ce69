# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What identity and secrets are wired to, on rendered objects: each pair names the same thing on both sides."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml

from .records import EVERYTHING, manifests, record, value, values


def rendered(checkout: Path, role: str, **more: Any) -> Any:
    return record(checkout / "roles" / role, **{**EVERYTHING, **more})


def problems(checkout: Path, **inventory: Any) -> list[str]:
    return list(value(checkout / "roles/teleport_keycloak", "__teleport_keycloak_problems", **inventory))


@pytest.fixture
def identity(checkout: Path) -> Any:
    return rendered(checkout, "teleport_keycloak")


@pytest.fixture
def realm(identity: Any) -> Any:
    return manifests(identity, "KeycloakRealmImport")[0]["spec"]


def test_every_client_with_a_secret_has_it_made_copied_and_put_into_the_realm(identity: Any, realm: Any) -> None:
    made = {secret["name"]: secret for secret in identity["secrets"]}
    clients = {client["clientId"]: client for client in realm["realm"]["clients"]}
    assert len(clients) >= 9
    for name, client in clients.items():
        if client["publicClient"]:
            assert "secret" not in client and client["attributes"]["pkce.code.challenge.method"] == "S256"
            continue
        variable = re.fullmatch(r"\$\{(\w+)\}", client["secret"])
        assert variable, f"the secret of {name} stands in the realm"
        reference = realm["placeholders"][variable.group(1)]["secret"]
        secret = made[reference["name"]]
        assert reference["key"] in {key["key"] for key in secret["keys"]} and secret["copies"]


def test_a_client_is_what_its_system_says_it_is(checkout: Path, identity: Any, realm: Any) -> None:
    clients = {client["clientId"]: client for client in realm["realm"]["clients"]}
    argocd = values(rendered(checkout, "argocd"), "argocd")["configs"]["cm"]
    login = yaml.safe_load(argocd["oidc.config"])
    secret, key = login["clientSecret"].lstrip("$").split(":")
    copied = next(item for item in identity["secrets"] if item["name"] == secret)
    assert "argocd" in copied["copies"] and [one["key"] for one in copied["keys"]] == [key]
    # Argo CD reads only secrets with this label
    assert copied["labels"] == {"app.kubernetes.io/part-of": "argocd"}
    assert clients[login["clientID"]]["redirectUris"] == [argocd["url"].rstrip("/") + "/auth/callback"]
    assert set(login["requestedScopes"]) - {"openid"} <= {scope["name"] for scope in realm["realm"]["clientScopes"]}
    headlamp = values(rendered(checkout, "headlamp"), "headlamp")["config"]["oidc"]
    assert headlamp["usePKCE"] and clients[headlamp["clientID"]]["publicClient"]
    assert clients[headlamp["clientID"]]["redirectUris"] == [headlamp["callbackURL"]]


def test_systems_log_in_at_the_issuer_that_keycloak_is(checkout: Path, identity: Any, realm: Any) -> None:
    server = manifests(identity, "Keycloak")[0]["spec"]
    issuer = f"{server['hostname']['hostname']}/realms/{realm['realm']['realm']}"
    assert issuer == EVERYTHING["platform_oidc"]["issuer"]
    assert values(rendered(checkout, "headlamp"), "headlamp")["config"]["oidc"]["issuerURL"] == issuer
    checks = [
        check["http"]
        for stage in identity["stages"]
        for check in stage.get("health", [])
        if "json" in check.get("http", {})
    ]
    assert checks[0]["json"] == {"issuer": issuer}
    (route,) = manifests(identity, "HTTPRoute")
    assert route["spec"]["hostnames"] == [urlsplit(issuer).hostname]
    assert server["proxy"] == {"headers": "xforwarded"} and server["ingress"] == {"enabled": False}


def test_only_systems_of_the_inventory_are_clients(checkout: Path) -> None:
    found = rendered(checkout, "teleport_keycloak", groups={"platform": ["harbor", "teleport_keycloak"]})
    clients = manifests(found, "KeycloakRealmImport")[0]["spec"]["realm"]["clients"]
    assert [client["clientId"] for client in clients] == ["kubernetes", "harbor"]


def test_a_check_begins_a_login_of_every_client_with_its_own_address(identity: Any, realm: Any) -> None:
    asked = {}
    for check in (check for stage in identity["stages"] for check in stage.get("health", [])):
        path = urlsplit(check.get("http", {}).get("path", ""))
        if path.path.endswith("/auth"):
            query = parse_qs(path.query)
            asked[query["client_id"][0]] = query["redirect_uri"][0]
    for client in realm["realm"]["clients"]:
        assert asked[client["clientId"]] == client["redirectUris"][0].replace("/*", "/")


def test_the_database_of_keycloak_is_the_one_that_is_described(identity: Any) -> None:
    db = manifests(identity, "Keycloak")[0]["spec"]["db"]
    wanted = EVERYTHING["teleport_keycloak_database"]
    assert (db["vendor"], db["host"], db["port"], db["database"]) == ("postgres", wanted["host"], 5432, "keycloak")
    assert {db["usernameSecret"]["name"], db["passwordSecret"]["name"]} == {wanted["secret_name"]}
    storage = values(identity, "teleport")["auth"]["teleportConfig"]["teleport"]["storage"]
    assert urlsplit(storage["conn_string"]).hostname == EVERYTHING["teleport_keycloak_teleport_database"]["host"]
    assert urlsplit(storage["conn_string"]).password is None
    assert storage["audit_sessions_uri"].startswith("s3://teleport/")


def test_rights_are_bound_to_groups_that_the_realm_has_with_the_prefix_of_the_api_servers(
    checkout: Path, identity: Any, realm: Any
) -> None:
    groups = {group["name"] for group in realm["realm"]["groups"]}
    bound = {subject["name"] for item in manifests(identity, "ClusterRoleBinding") for subject in item["subjects"]}
    assert bound == {f"oidc:{name}" for name in groups}
    argocd = values(rendered(checkout, "argocd"), "argocd")["configs"]["rbac"]["policy.csv"]
    assert "platform-admins" in argocd and "platform-admins" in groups


def test_policies_let_in_what_has_to_come_and_servers_only_among_themselves(checkout: Path, identity: Any) -> None:
    for policy in manifests(identity, "NetworkPolicy"):
        everybody = {port["port"] for rule in policy["spec"]["ingress"] if "from" not in rule for port in rule["ports"]}
        own = [rule for rule in policy["spec"]["ingress"] if "from" in rule]
        assert everybody == {"keycloak": {8080, 9000}, "teleport": {3080, 3000}}[policy["metadata"]["name"]]
        assert all(one["from"] == [{"podSelector": policy["spec"]["podSelector"]}] for one in own)
    server = values(rendered(checkout, "vault"), "vault")["server"]
    clients, servers = server["networkPolicy"]["ingress"]
    assert "from" not in clients and clients["ports"][0]["port"] == 8200
    assert servers["from"][0]["podSelector"]["matchLabels"]["component"] == "server"


@pytest.mark.parametrize("implementation", ["vault", "openbao"])
def test_vault_and_what_reads_it_agree(checkout: Path, implementation: str) -> None:
    found = rendered(checkout, "vault", vault_implementation=implementation)
    certificate = manifests(found, "Certificate")[0]["spec"]
    server = values(found, implementation)["server"]
    assert server["volumes"][0]["secret"]["secretName"] == certificate["secretName"] == f"{implementation}-tls"
    config = json.loads(server["ha"]["raft"]["config"])
    joins = config["storage"]["raft"]["retry_join"]
    assert len(joins) == server["ha"]["replicas"] == 3
    assert f"*.{implementation}-internal" in certificate["dnsNames"]
    assert all(f".{implementation}-internal:8200" in join["leader_api_addr"] for join in joins)
    mounts = {mount["mountPath"] for mount in server["volumeMounts"]}
    assert config["listener"]["tcp"]["tls_cert_file"].rpartition("/")[0] in mounts
    assert ("audit" in config) == (implementation == "openbao")
    policy = manifests(found, "BackendTLSPolicy")[0]["spec"]
    assert policy["validation"]["hostname"] in certificate["dnsNames"]
    assert policy["validation"]["caCertificateRefs"][0]["name"] == certificate["secretName"]
    (route,) = manifests(found, "HTTPRoute")
    assert route["spec"]["rules"][0]["backendRefs"][0]["name"] == policy["targetRefs"][0]["name"]


def test_external_secrets_reads_that_vault_as_a_role_that_is_made_for_it(checkout: Path) -> None:
    store = manifests(rendered(checkout, "external_secrets"), "ClusterSecretStore")[0]["spec"]["provider"]["vault"]
    role = checkout / "roles/vault"
    writes = {write["path"]: write["data"] for write in value(role, "__vault_writes", **EVERYTHING)}
    policies = value(role, "__vault_policies", **EVERYTHING)
    kubernetes = store["auth"]["kubernetes"]
    bound = writes[f"auth/{kubernetes['mountPath']}/role/{kubernetes['role']}"]
    account = kubernetes["serviceAccountRef"]
    assert bound["bound_service_account_names"] == [account["name"]]
    assert bound["bound_service_account_namespaces"] == [account["namespace"]]
    assert f"{store['path']}/data/*" in json.loads(policies[bound["token_policies"][0]])["path"]
    certificate = manifests(rendered(checkout, "vault"), "Certificate")[0]["spec"]
    assert store["caProvider"]["name"] == certificate["secretName"]
    assert urlsplit(store["server"]).hostname in certificate["dnsNames"]


@pytest.mark.parametrize(
    ("seal", "strategy", "sealed"), [({}, "OnDelete", True), ({"type": "transit"}, "RollingUpdate", False)]
)
def test_pods_that_only_people_can_open_are_not_restarted_without_them(
    checkout: Path, seal: dict[str, Any], strategy: str, sealed: bool
) -> None:
    server = values(rendered(checkout, "vault", vault_seal=seal), "vault")["server"]
    assert server["updateStrategyType"] == strategy
    assert ("sealedcode=204" in server["readinessProbe"]["path"]) == sealed
    assert ("seal" in json.loads(server["ha"]["raft"]["config"])) != sealed


def test_no_secret_stands_in_a_value_of_vault(checkout: Path) -> None:
    secrets = {"vault_token": "hvs.marker", "vault_unseal_keys": ["marker-share"]}
    assert "marker" not in json.dumps(rendered(checkout, "vault", **secrets))


def test_oidc_without_a_licence_is_refused_with_what_to_write_instead(checkout: Path) -> None:
    (said,) = problems(checkout, **{**EVERYTHING, "teleport_keycloak_teleport_login": "oidc"})
    assert "only with an Enterprise licence" in said and "local (users of its own with WebAuthn) or github" in said
    licensed = {"teleport_keycloak_teleport_login": "oidc", "teleport_keycloak_teleport_license_secret": "licence"}
    assert problems(checkout, **{**EVERYTHING, **licensed}) == []
    found = rendered(checkout, "teleport_keycloak", **licensed)
    (connector,) = manifests(found, "TeleportOIDCConnector")
    roles = {item["value"]: item["roles"] for item in connector["spec"]["claims_to_roles"]}
    assert roles["platform-admins"] == ["access", "editor", "auditor"]
    secret = next(item for item in found["secrets"] if item["name"] == "teleport-oidc")
    assert connector["spec"]["client_secret"] == f"secret://{secret['name']}/{secret['keys'][0]['key']}"
    assert secret["annotations"] == {"resources.teleport.dev/allow-lookup-from-cr": connector["metadata"]["name"]}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"teleport_keycloak_database": {}}, "would lose all users with its pod"),
        ({"teleport_keycloak_teleport_database": {}}, "set both or none"),
        ({"teleport_keycloak_teleport_host": ""}, "names the cluster of Teleport, for good"),
        ({"teleport_keycloak_agent": {}}, "which Teleport it joins"),
        ({"teleport_keycloak_agent_chart": {"ref": "x", "version": "19.0.0"}}, "19.0.0 is newer than Teleport 18.11.1"),
    ],
)
def test_what_cannot_work_is_refused(checkout: Path, given: dict[str, Any], said: str) -> None:
    found = problems(checkout, **{**EVERYTHING, **given})
    assert len(found) == 1 and said in found[0], found
    assert problems(checkout, **EVERYTHING) == []


def test_without_a_database_keycloak_runs_once(checkout: Path) -> None:
    found = rendered(checkout, "teleport_keycloak", teleport_keycloak_database={})
    spec = manifests(found, "Keycloak")[0]["spec"]
    assert (spec["instances"], spec["db"]) == (1, {"vendor": "dev-file"})
