# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jenkins: who may do what, what is pinned, what builds can reach, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from .records import EVERYTHING, manifests, record, value, values


def rendered(checkout: Path, **more: Any) -> Any:
    return record(checkout / "roles/jenkins", **{**EVERYTHING, **more})


def controller(checkout: Path, **more: Any) -> Any:
    return values(rendered(checkout, **more), "jenkins")["controller"]


def problems(checkout: Path, **more: Any) -> list[str]:
    return list(value(checkout / "roles/jenkins", "__jenkins_problems", **{**EVERYTHING, **more}))


def realm_and_rights(found: Any) -> tuple[Any, dict[str, list[str]]]:
    code = found["JCasC"]
    entries = yaml.safe_load(code["authorizationStrategy"])["globalMatrix"]["entries"]
    rights = {next(iter(one.values()))["name"]: next(iter(one.values()))["permissions"] for one in entries}
    return yaml.safe_load(code["securityRealm"]), rights


def test_people_log_in_at_the_provider_as_the_client_that_keycloak_knows(checkout: Path) -> None:
    found = controller(checkout)
    realm, _ = realm_and_rights(found)
    login = realm["oic"]
    identity = record(checkout / "roles/teleport_keycloak", **EVERYTHING)
    clients = manifests(identity, "KeycloakRealmImport")[0]["spec"]["realm"]["clients"]
    client = next(one for one in clients if one["clientId"] == login["clientId"])
    assert client["redirectUris"] == [f"{found['jenkinsUrl']}/securityRealm/finishLogin"]
    issuer = EVERYTHING["platform_oidc"]["issuer"]
    discovery = login["serverConfiguration"]["wellKnown"]["wellKnownOpenIDConfigurationUrl"]
    assert discovery == f"{issuer}/.well-known/openid-configuration"
    secret = next(one for one in identity["secrets"] if one["name"] == "jenkins-oidc")
    assert secret["copies"] == [rendered(checkout)["namespace"]["name"]]
    assert {"name": secret["name"], "keyName": secret["keys"][0]["key"]} in found["additionalExistingSecrets"]
    assert login["clientSecret"] == "${jenkins-oidc-clientSecret}"


def test_groups_of_the_provider_are_roles_and_the_last_resort_is_an_administrator(checkout: Path) -> None:
    realm, rights = realm_and_rights(controller(checkout))
    assert rights["platform-admins"] == ["Overall/Administer"]
    assert "Job/Configure" in rights["platform-editors"] and "Overall/Administer" not in rights["platform-editors"]
    assert rights["platform-viewers"] == ["Overall/Read", "Job/Read", "View/Read"]
    assert rights["robot"] == ["Overall/Read", "Job/Build"] and "authenticated" not in rights
    hatch = next(one["escapeHatch"] for one in realm["oic"]["properties"] if isinstance(one, dict))
    assert hatch == {"group": "platform-admins", "secret": "${jenkins-generated-password}", "username": "admin"}


def test_without_a_provider_there_is_one_account_with_a_generated_password(checkout: Path) -> None:
    found = rendered(checkout, platform_oidc={}, jenkins_permissions=[])
    realm, rights = realm_and_rights(values(found, "jenkins")["controller"])
    (user,) = realm["local"]["users"]
    assert (user["id"], user["password"]) == ("admin", "${jenkins-generated-password}")
    assert rights == {"admin": ["Overall/Administer"]} and not realm["local"]["allowsSignup"]
    assert found["secrets"] == [{"name": "jenkins-generated", "keys": [{"key": "password"}]}]
    assert values(found, "jenkins")["controller"]["admin"] == {"createSecret": False}


def test_plugins_are_those_of_the_list_and_nothing_newer(checkout: Path) -> None:
    found = controller(checkout)
    assert not found["installLatestPlugins"] and found["overwritePlugins"]
    assert all(one.count(":") == 1 for one in found["installPlugins"])
    variables = {one["name"]: one["value"] for one in found["initContainerEnv"]}
    mirror = EVERYTHING["jenkins_plugin_mirror"]
    assert variables["JENKINS_UC"] == mirror["update_center"]
    assert variables["JENKINS_PLUGIN_INFO"] == mirror["plugin_info"]
    assert variables["JENKINS_UC_DOWNLOAD_URL"] == mirror["download"]


def test_an_image_with_plugins_needs_no_update_centre(checkout: Path) -> None:
    image = "registry.example.com:5000/ci/jenkins:2.568.2-1"
    found = controller(checkout, jenkins_image=image, jenkins_install_plugins=False)
    assert found["installPlugins"] is False
    assert found["image"] == {"registry": "registry.example.com:5000", "repository": "ci/jenkins", "tag": "2.568.2-1"}


def test_builds_run_where_no_secret_of_the_controller_is_and_have_no_token(checkout: Path) -> None:
    found = rendered(checkout)
    released = values(found, "jenkins")
    space = released["agent"]["namespace"]
    assert space != found["namespace"]["name"]
    (made,) = manifests(found, "Namespace")
    assert made["metadata"]["name"] == space
    assert made["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    assert released["agent"]["restrictedPssSecurityContext"]
    (account,) = manifests(found, "ServiceAccount")
    assert account["metadata"] == {"name": released["agent"]["serviceAccount"], "namespace": space}
    assert account["automountServiceAccountToken"] is False
    (policy,) = manifests(found, "NetworkPolicy")
    assert policy["metadata"]["namespace"] == space and policy["spec"]["ingress"] == []
    allowed = released["networkPolicy"]["internalAgents"]["namespaceLabels"]
    assert allowed == {"kubernetes.io/metadata.name": space}


def test_a_kind_of_agent_is_a_pod_with_a_container_of_its_tools(checkout: Path) -> None:
    kinds = values(rendered(checkout), "jenkins")["additionalAgents"]
    (tools,) = kinds["maven"]["additionalContainers"]
    assert kinds["maven"]["customJenkinsLabels"] == ["maven"] and tools["sideContainerName"] == "maven"
    assert tools["image"] == {"repository": "docker.io/library/maven", "tag": "3.9.11-eclipse-temurin-21"}
    assert tools["resources"]["limits"] == {"cpu": "1", "memory": "3Gi"}
    assert kinds["go"]["customJenkinsLabels"] == ["go", "small"]
    assert kinds["go"]["additionalContainers"][0]["image"] == {
        "repository": "golang",
        "tag": "1.26@sha256:" + "0" * 64,
    }


def test_its_home_stays_when_the_release_goes(checkout: Path) -> None:
    persistence = values(rendered(checkout), "jenkins")["persistence"]
    assert persistence["annotations"] == {"helm.sh/resource-policy": "keep"}
    assert persistence["storageClass"] == "ceph-block"


def test_metrics_are_not_shown_through_the_gateway(checkout: Path) -> None:
    found = controller(checkout)
    (rule,) = found["httpRoute"]["extraRules"]
    scraped = found["prometheus"]["scrapeEndpoint"]
    assert scraped.startswith(rule["matches"][0]["path"]["value"]) and "backendRefs" not in rule
    assert rule["filters"][0]["type"] == "RequestRedirect"


def test_certificate_authorities_reach_java_in_both_containers(checkout: Path) -> None:
    found = rendered(checkout)
    released = values(found, "jenkins")
    (authorities,) = manifests(found, "ConfigMap")
    assert authorities["data"]["ca.crt"] == EVERYTHING["platform_ca"]
    (trust,) = released["controller"]["customInitContainers"]
    (store,) = released["persistence"]["mounts"]
    for part in ("initContainerEnv", "containerEnv"):
        options = {one["name"]: one["value"] for one in released["controller"][part]}
        assert options["JAVA_TOOL_OPTIONS"].endswith(f"={store['mountPath']}/cacerts")
    assert store in trust["volumeMounts"] and trust["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    without = rendered(checkout, platform_ca="")
    assert manifests(without, "ConfigMap") == []
    assert not values(without, "jenkins")["controller"]["customInitContainers"]


def test_an_unconfigured_jenkins_which_lets_everybody_in_is_not_healthy(checkout: Path) -> None:
    checks = {check["name"]: check["http"] for check in rendered(checkout)["stages"][1]["health"]}
    asked = {check["path"]: check.get("status", [200]) for check in checks.values()}
    assert asked == {"/login": [200], "/api/json": [403], "/securityRealm/commenceLogin?from=%2F": [302]}
    local = rendered(checkout, platform_oidc={})["stages"][1]["health"]
    assert [check["http"]["path"] for check in local] == ["/login", "/api/json"]


def test_no_secret_stands_in_a_value(checkout: Path) -> None:
    text = json.dumps(values(rendered(checkout), "jenkins")["controller"]["JCasC"])
    assert text.count("${jenkins-") == 2


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"jenkins_plugins": ["git"]}, "has no version for git"),
        ({"jenkins_plugins": ["git:latest"]}, "has no version for git:latest"),
        ({"jenkins_plugins": ["git:5.10.1"]}, "lacks kubernetes, configuration-as-code, matrix-auth, oic-auth, prom"),
        ({"jenkins_install_plugins": False}, "the image of upstream has no plugins"),
        ({"jenkins_image": "registry.example.com/jenkins"}, "write registry/repository:tag"),
        ({"jenkins_image": "jenkins/jenkins:2.568"}, "write registry/repository:tag"),
        ({"jenkins_host": ""}, "jenkins_oidc needs jenkins_host"),
        ({"jenkins_admin_groups": []}, "nobody could set Jenkins up"),
        ({"jenkins_agents_namespace": "jenkins"}, "give agents a namespace of their own"),
        ({"jenkins_agents": [{"name": "default", "image": "a:1"}]}, "neither default nor jnlp"),
        ({"jenkins_agents": [{"name": "a", "image": "registry:5000/a"}]}, "images without a tag (a)"),
        ({"jenkins_agents": [{"name": "a", "image": "a:1"}, {"name": "a", "image": "b:1"}]}, "names one agent twice"),
    ],
)
def test_what_cannot_work_is_refused(checkout: Path, given: dict[str, Any], said: str) -> None:
    assert problems(checkout) == []
    found = problems(checkout, **given)
    assert any(said in one for one in found), found
