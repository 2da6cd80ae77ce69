# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role of Harbor hands to the chart and to harbor_configuration, and the path by which nodes use it as a mirror."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jinja2
import pytest
import tomllib
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.kubestd.platform.plugins.module_utils._harbor.arguments import ARGUMENTS
from ansible_collections.kubestd.platform.plugins.module_utils._harbor.wanted import make_wanted

from .records import EVERYTHING, record, value

FOUR = ["docker.io", "quay.io", "ghcr.io", "registry.k8s.io"]
LISTS = ("registries", "projects", "robots", "replications")


def described(checkout: Path, **inventory: Any) -> dict[str, Any]:
    """What the role asks harbor_configuration for, as the module gets it."""
    role = checkout / "roles/harbor"
    given = {
        "registries": value(role, "__harbor_registries", **inventory),
        "projects": value(role, "__harbor_projects", **inventory),
    }
    checked = ArgumentSpecValidator(ARGUMENTS).validate(given)
    assert not checked.error_messages, checked.error_messages
    return dict(checked.validated_parameters)


def values(checkout: Path, **inventory: Any) -> dict[str, Any]:
    return dict(record(checkout / "roles/harbor", **inventory)["stages"][0]["releases"][0]["values"])


def documented_mirrors(checkout: Path) -> list[dict[str, Any]]:
    """The example of docs/OPERATIONS.md."""
    text = (checkout / "docs/OPERATIONS.md").read_text(encoding="utf-8")
    block = re.search(r"```yaml\n(containerd_registries:\n.*?)```", text, re.DOTALL)
    assert block
    return list(yaml.safe_load(block.group(1))["containerd_registries"])


def test_the_four_registries_need_only_their_name(checkout: Path) -> None:
    asked = described(checkout, harbor_proxy_caches=[{"name": name} for name in FOUR])
    things = make_wanted(asked, {}).things
    assert [key[1] for key in things if key[0] == "registry"] == FOUR
    for name in FOUR:
        assert things["project", name] == {"registry": name, "public": "true"}
        assert things["registry", name]["url"].startswith("https://")
    assert things["registry", "docker.io"]["type"] == "docker-hub"
    # the chart lets a proxy cache be of these types only (core-cm.yaml, PERMITTED_REGISTRY_TYPES_FOR_PROXY_CACHE)
    assert {things["registry", name]["type"] for name in FOUR} == {"docker-hub", "docker-registry", "github-ghcr"}


def test_a_proxy_cache_may_say_more_and_other_registries_too(checkout: Path) -> None:
    caches = [
        {"name": "docker.io", "secret_name": "hub", "kilobits_per_second": 9000, "quota": "1Ti"},
        {"name": "registry.example.com", "url": "https://registry.example.com", "public": False},
    ]
    things = make_wanted(described(checkout, harbor_proxy_caches=caches), {("registry", "docker.io"): "digest"}).things
    assert things["registry", "docker.io"]["credential"] == "digest"
    assert things["project", "docker.io"]["proxy_speed_kb"] == "9000"
    assert things["quota", "docker.io"] == {"storage": 1 << 40}
    assert things["project", "registry.example.com"]["public"] == "false"
    assert things["registry", "registry.example.com"]["type"] == "docker-registry"


def test_nothing_is_asked_of_harbor_when_nothing_is_described(checkout: Path) -> None:
    role = checkout / "roles/harbor"
    assert value(role, "__harbor_described") is False
    for given in (
        {"harbor_proxy_caches": [{"name": "quay.io"}]},
        {"harbor_projects": [{"name": "shop"}]},
        {"harbor_exclusive": ["robots"]},
        {"harbor_scan_all": {"schedule": ""}},
    ):
        assert value(role, "__harbor_described", **given) is True


def test_the_nodes_ask_for_the_paths_that_the_proxy_caches_have(checkout: Path) -> None:
    mirrors = documented_mirrors(checkout)
    asked = described(checkout, harbor_proxy_caches=[{"name": one["name"]} for one in mirrors])
    projects = {one["name"]: one for one in asked["projects"]}
    assert [one["name"] for one in mirrors] == FOUR
    template = (checkout / "roles/containerd/templates/hosts.toml.j2").read_text(encoding="utf-8")
    environment = jinja2.Environment(trim_blocks=True, autoescape=False)  # noqa: S701 -- TOML, no page
    environment.filters["to_json"] = json.dumps
    for one in mirrors:
        hosts = tomllib.loads(environment.from_string(template).render(item=one))
        url = next(iter(hosts["host"]))
        assert hosts["host"][url]["override_path"] is True and hosts["host"][url]["ca"]
        # containerd puts /<repository>/manifests/<tag> behind it
        root, version, project = urlsplit(url).path.split("/")
        assert (root, version) == ("", "v2")
        assert projects[project]["registry"] == project == one["name"]
        # without a login, since there is none that containerd would not send elsewhere, too
        assert projects[project]["public"] is True and "username" not in one
    assert mirrors[0]["server"] == "https://registry-1.docker.io"


@pytest.mark.parametrize("name", LISTS)
def test_the_lists_of_the_role_are_those_of_the_module(checkout: Path, name: str) -> None:
    specs = yaml.safe_load((checkout / "roles/harbor/meta/argument_specs.yml").read_text(encoding="utf-8"))

    def bare(option: dict[str, Any]) -> dict[str, Any]:
        kept = {key: option[key] for key in ("type", "elements", "required", "default", "choices") if key in option}
        if "options" in option:
            kept["options"] = {key: bare(one) for key, one in option["options"].items()}
        return kept

    assert bare(specs["argument_specs"]["main"]["options"][f"harbor_{name}"]) == bare(ARGUMENTS[name])


def test_settings_and_the_provider_are_one_environment_that_nobody_changes_in_the_portal(checkout: Path) -> None:
    inventory = {
        **EVERYTHING,
        "harbor_configuration": {"project_creation_restriction": "adminonly"},
        "harbor_oidc": {"issuer": "https://sso.example.com", "groups_claim": "roles", "group_filter": "^harbor-"},
        "harbor_admin_group": "harbor-admins",
    }
    told = json.loads(values(checkout, **inventory)["core"]["extraEnvVars"][1]["value"])
    assert told["oidc_groups_claim"] == "roles" and told["oidc_group_filter"] == "^harbor-"
    assert told["oidc_admin_group"] == "harbor-admins" and told["project_creation_restriction"] == "adminonly"
    alone = values(checkout, harbor_configuration={"robot_token_duration": 30})["core"]["extraEnvVars"]
    assert [one["name"] for one in alone] == ["CONFIG_OVERWRITE_JSON"]
    assert json.loads(alone[0]["value"]) == {"robot_token_duration": 30}
    assert values(checkout)["core"]["extraEnvVars"] == []


def test_trivy_asks_the_mirror_of_a_platform_without_internet(checkout: Path) -> None:
    without = values(checkout)["trivy"]
    assert not without["skipUpdate"] and not without["offlineScan"]
    assert "dbRepository" not in without and "javaDBRepository" not in without
    mirrored = values(checkout, platform_mirror={"registry": "mirror.example.com:5000"})["trivy"]
    assert mirrored["dbRepository"] == ["mirror.example.com:5000/aquasecurity/trivy-db"]
    assert mirrored["javaDBRepository"] == ["mirror.example.com:5000/aquasecurity/trivy-java-db"]
    assert mirrored["offlineScan"] is True and mirrored["skipUpdate"] is False
    by_hand = values(checkout, harbor_trivy_database={"update": False, "offline": True})["trivy"]
    assert by_hand["skipUpdate"] is True and by_hand["skipJavaDBUpdate"] is True and by_hand["offlineScan"] is True
    own = {"repositories": ["harbor.example.com/ghcr.io/aquasecurity/trivy-db"]}
    assert values(checkout, harbor_trivy_database=own)["trivy"]["dbRepository"] == own["repositories"]


def test_trivy_finds_its_databases_in_a_mirror_that_keeps_hosts(checkout: Path) -> None:
    found = values(checkout, platform_mirror={"registry": "harbor.example.com/{host}"})["trivy"]
    assert found["dbRepository"] == ["harbor.example.com/ghcr.io/aquasecurity/trivy-db"]


def test_all_parts_trust_the_authority_that_is_named(checkout: Path) -> None:
    assert values(checkout, harbor_ca_secret="platform-ca")["caBundleSecretName"] == "platform-ca"
    assert values(checkout)["caBundleSecretName"] == ""


def test_a_removal_says_that_passwords_of_robots_stay(checkout: Path) -> None:
    role = checkout / "roles/harbor"
    permissions = [{"project": "*", "access": ["repository:pull"]}]
    robots = [{"name": "pull", "permissions": permissions, "secrets": [{"name": "pull"}]}]
    assert (
        record(role)["keeps"] == record(role, harbor_robots=[{"name": "x", "permissions": permissions}])["keeps"] == []
    )
    assert record(role, harbor_robots=robots)["keeps"] == ["Secrets with the passwords of robots"]


def test_every_part_has_a_budget_and_is_measured(checkout: Path) -> None:
    found = values(checkout, **EVERYTHING)
    for part in ("portal", "core", "jobservice", "registry", "trivy", "exporter"):
        assert found[part]["replicas"] == 2
        assert found[part]["podDisruptionBudget"] == {"enabled": True, "minAvailable": 1}
    assert found["metrics"] == {"enabled": True, "serviceMonitor": {"enabled": True}}


def test_the_description_is_refused_before_anything_is_released_and_followed_after(checkout: Path) -> None:
    first, release, last = yaml.safe_load((checkout / "roles/harbor/tasks/main.yml").read_text(encoding="utf-8"))
    before, after = (task["kubestd.platform.harbor_configuration"] for task in (first, last))
    assert before["only_check_options"] is True and "ansible.builtin.include_role" in release
    same = {name for name in before if name in ARGUMENTS and name != "only_check_options"}
    assert {name: before[name] for name in same} == {name: after[name] for name in same}
    assert {*LISTS, "garbage_collection", "scan_all"} <= same
