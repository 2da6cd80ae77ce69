# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What platform roles keep to, and whether upstream's charts have the keys that their values set."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from . import keys
from .records import EVERYTHING, INVENTORIES, platform_roles, record, releases, values
from .records import value as variable
from .test_roles import files, load, merged, options


def test_a_platform_role_is_data_and_one_include(checkout: Path) -> None:
    assert len(platform_roles(checkout)) >= 7
    for role in platform_roles(checkout):
        names = [path.name for path in files(role, "tasks")]
        assert set(names) <= {"main.yml", "before.yml", "after.yml"}, role.name
        tasks = load(role / "tasks/main.yml")
        includes = [
            task
            for task in tasks
            if task.get("ansible.builtin.include_role", {}).get("name") == "kubestd.platform.component"
        ]
        assert len(tasks) <= 3 and len(includes) == 1, role.name
        assert includes[0]["vars"] == {"component_record": f"{{{{ __{role.name}_record }}}}"}, role.name


def test_every_platform_role_is_explained_in_korean_too(checkout: Path) -> None:
    text = (checkout / "docs/SYSTEMS.ko.md").read_text(encoding="utf-8")
    assert [role.name for role in platform_roles(checkout) if f"- **{role.name}** — " not in text] == []


def test_every_platform_role_has_a_check_that_a_user_would_notice(checkout: Path) -> None:
    for role in platform_roles(checkout):
        found = [check for stage in record(role, **EVERYTHING)["stages"] for check in stage.get("health", [])]
        assert found and all(check.get("name") for check in found), (
            f"{role.name} proves nothing that a user would notice"
        )


@pytest.mark.parametrize("inventory", INVENTORIES)
def test_a_record_can_be_evaluated_whatever_the_inventory_has(checkout: Path, inventory: str) -> None:
    for role in platform_roles(checkout):
        found = record(role, **INVENTORIES[inventory])
        # a service without an address of its own has the word None, as has a network without tunnels
        text = repr(found).replace("'minAvailable': None", "").replace("'clusterIP': 'None'", "")
        text = text.replace("'encapsulation': 'None'", "").replace("'sideEffects': 'None'", "")
        # Argo CD's notifications have templates of their own, which begin with a dot, and Argo Workflows have names in theirs
        assert not re.search(r"{{(?!\.|(?:workflow|pod)\.)", text) and "None" not in text, f"{role.name}: {text}"
        assert found["name"] == INVENTORIES[inventory].get(f"{role.name}_name", role.name)


def test_every_key_that_a_role_sets_is_one_of_the_chart(checkout: Path) -> None:
    known = json.loads(keys.FILE.read_text(encoding="utf-8"))
    seen = set()
    for role, inventory, release in releases(checkout):
        chart = keys.chart_of(release["chart"])
        if chart in keys.NOT_READ:
            continue
        seen.add(chart)
        found = keys.unlisted(release["values"], set(known.get(chart, [])))
        assert not found, (
            f"{role}, {inventory}: {sorted(found)} of {chart} are not in tests/contract/keys.json; "
            f"write upstream's values to FOLDER/{chart}/values.yaml and run python -m tests.contract.keys FOLDER"
        )
    assert seen == set(known), "tests/contract/keys.json has charts that no role has; make it again (see keys.py)"


def test_what_was_not_compared_with_a_chart_is_said_by_its_role(checkout: Path) -> None:
    assert {
        keys.chart_of(release["chart"]): role for role, _, release in releases(checkout)
    }.items() >= keys.NOT_READ.items()
    for role in set(keys.NOT_READ.values()):
        said = load(checkout / f"roles/{role}/meta/argument_specs.yml")["argument_specs"]["main"]["description"]
        assert "were not compared with a chart" in " ".join(" ".join(said).split())


def test_a_key_that_the_chart_does_not_have_is_found() -> None:
    known, unknown = keys.split("demo", {"a": {"b": 1, "c": 2}, "free": {"x": 1}}, {"a": {"b": 0}, "free": {}})
    assert (known, unknown) == ({"a", "a.b", "free", "free.*"}, {"a.c"})
    assert keys.unlisted({"a": {"b": 1, "d": 1}, "free": {"y": {"z": 1}}, "e": 1}, known) == {"a.d", "e"}


def test_the_list_of_keys_is_what_the_contract_data_gives(contracts: Path) -> None:
    assert keys.FILE.read_text(encoding="utf-8") == keys.text(keys.make(contracts)), (
        f"make it again: python -m tests.contract.keys {contracts}"
    )


def test_what_argocd_tells_stands_as_data_and_its_secrets_only_by_name(checkout: Path) -> None:
    said = values(record(checkout / "roles/argocd", **EVERYTHING), "argocd")["notifications"]
    assert said["secret"] == {"create": False, "name": "notify"}
    services = {name: yaml.safe_load(text) for name, text in said["notifiers"].items()}
    assert services["service.slack"] == {"token": "$slack-token", "username": "argocd"}
    assert services["service.email"]["password"] == "$p" and services["service.email"]["port"] == 587
    assert {"name": "Token", "value": "$chat-token"} in services["service.webhook.chat"]["headers"]
    assert said["subscriptions"] == [
        {
            "recipients": ["slack:ops", "chat:"],
            "triggers": ["on-health-degraded", "on-sync-failed"],
            "selector": "team=web",
        }
    ]
    sent = {name for text in said["triggers"].values() for one in yaml.safe_load(text) for name in one["send"]}
    assert {f"template.{name}" for name in sent} == set(said["templates"])
    template = yaml.safe_load(said["templates"]["template.app-sync-failed"])
    assert "{{.app.metadata.name}} could not be synced" in template["message"]
    assert json.loads(template["webhook"]["chat"]["body"])["event"] == "sync-failed"


def test_the_secret_of_harbors_client_is_put_in_by_the_kubelet(checkout: Path) -> None:
    values = record(checkout / "roles/harbor", **EVERYTHING)["stages"][0]["releases"][0]["values"]
    secret, settings = values["core"]["extraEnvVars"]
    # an environment variable can only refer to one that stands before it
    assert secret["valueFrom"]["secretKeyRef"] == {"name": "harbor-oidc", "key": "clientSecret"}
    told = json.loads(settings["value"])
    assert told["oidc_client_secret"] == f"$({secret['name']})"
    assert told["oidc_endpoint"] == EVERYTHING["platform_oidc"]["issuer"]


def workload_values(values: dict, path: str = "") -> dict[str, dict]:
    """Parts of values that say resources, by path."""
    claim = "storage" in values.get("resources", {}).get("requests", {})
    found = {path: values} if "resources" in values and not claim else {}
    for key, value in values.items():
        if isinstance(value, dict) and not key.endswith("Claim"):
            found.update(workload_values(value, f"{path}.{key}"))
        elif key == "containers":
            for one in value:
                found.update(workload_values(one, f"{path}.{key}"))
    return found


# Charts of custom resources alone: their operators give each daemon its own, and Ceph's stand in the chart's values.
WITHOUT_PODS = (
    "gateway-api-crds",
    "kgateway-crds",
    "istio-base",
    "calico-crds",
    "ceph-csi-drivers",
    "rook-ceph-cluster",
)


def test_every_workload_has_requests_and_a_limit_of_memory(checkout: Path) -> None:
    for role, inventory, release in releases(checkout):
        if release["name"] in WITHOUT_PODS:
            continue
        parts = workload_values(release["values"])
        assert parts, f"{role}, {inventory}: {release['name']} says no resources"
        for path, part in parts.items():
            assert {"cpu", "memory"} <= set(part["resources"]["requests"]), f"{role}{path}"
            assert "memory" in part["resources"]["limits"], f"{role}{path}"


def test_a_role_takes_what_its_own_defaults_make_of_an_inventory_with_everything(checkout: Path) -> None:
    """What systems share may have more parts than one of them knows, and Ansible refuses a part that the argument spec does not have."""
    kafka = {**EVERYTHING["platform_kafka"], "plain_bootstrap": "kafka:9092", "user_secret": "knative"}
    for role in platform_roles(checkout):
        spec = options(role)
        given = {
            name: variable(role, name, **EVERYTHING | {"platform_kafka": kafka})
            for name in spec
            if name in merged(role, "defaults")
        }
        found = ArgumentSpecValidator(spec).validate({key: item for key, item in given.items() if item is not None})
        assert not found.error_messages, f"{role.name}: {found.error_messages}"
