# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Falco: what it sees arrives somewhere, nothing of it moves by itself, and what cannot work is refused in a sentence."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
import yaml
from ansible_collections.kubestd.platform.plugins.module_utils._falco.rules import problems as rule_problems

from .records import EVERYTHING, manifests, record, value, values


def rendered(checkout: Path, **inventory: Any) -> dict[str, Any]:
    return record(checkout / "roles/falco", **inventory)


def problems(checkout: Path, **inventory: Any) -> list[str]:
    return list(value(checkout / "roles/falco", "__falco_problems", **inventory))


def test_what_falco_sees_goes_to_falcosidekick_and_from_there_to_all_three(checkout: Path) -> None:
    found = rendered(checkout, **EVERYTHING)
    for release in ("falco", "falco-audit"):
        told = values(found, release)["falco"]
        assert told["json_output"] and told["http_output"]["url"] == "http://falcosidekick.falco.svc:2801/"
        assert not values(found, release)["falcosidekick"]["enabled"]
    telemetry, config = EVERYTHING["platform_telemetry"], values(found, "falcosidekick")["config"]
    assert config["alertmanager"]["hostport"] == telemetry["alertmanager"]
    assert config["alertmanager"]["endpoint"] == "/api/v2/alerts"
    assert config["loki"]["hostport"] == telemetry["loki"]
    assert config["elasticsearch"]["hostport"] == telemetry["opensearch"]
    assert [one["valueFrom"]["secretKeyRef"]["name"] for one in config["extraEnv"]] == ["falco-opensearch"] * 2
    assert (config["elasticsearch"]["index"], config["elasticsearch"]["suffix"]) == ("logs-falco", "none")
    writer = {"secret_name": "opensearch-logs-writer", "username": "logs-writer", "daily": True}
    named = values(rendered(checkout, **{**EVERYTHING, "falco_opensearch": writer}), "falcosidekick")["config"]
    user, password = named["extraEnv"]
    assert user == {"name": "ELASTICSEARCH_USERNAME", "value": "logs-writer"}
    assert password["valueFrom"]["secretKeyRef"] == {"name": "opensearch-logs-writer", "key": "password"}
    assert named["elasticsearch"]["suffix"] == "daily"
    (volume,) = values(found, "falcosidekick")["extraVolumes"]
    (mount,) = values(found, "falcosidekick")["extraVolumeMounts"]
    assert volume["secret"]["secretName"] == "opensearch-ca" and mount["name"] == volume["name"]
    assert config["tlsclient"]["cacertfile"] == f"{mount['mountPath']}/ca.crt"
    assert config["existingSecret"] == "falco-outputs"
    without = values(rendered(checkout, **{**EVERYTHING, "falco_opensearch": {}}), "falcosidekick")
    assert "elasticsearch" not in without["config"] and without["extraVolumes"] == []
    assert "config" not in values(rendered(checkout), "falcosidekick")


@pytest.mark.parametrize(
    ("telemetry", "more", "service", "port", "priority"),
    [
        ({"loki": "http://loki-gateway.monitoring.svc", "alertmanager": "x"}, {}, "loki-gateway", "80", "notice"),
        ({"alertmanager": "http://am.monitoring.svc:9093"}, {}, "am", "9093", "warning"),
        ({"loki": "https://loki.example.com"}, {"falco_priority": "error"}, "falcosidekick", "2801", "error"),
        (
            {"loki": "http://l.monitoring.svc", "alertmanager": "http://am.monitoring.svc:9093"},
            {"falco_loki_tenant": "a", "falco_priority": "critical"},
            "am",
            "9093",
            "critical",
        ),
        ({}, {}, "falcosidekick", "2801", "notice"),
    ],
)
def test_the_test_event_is_loaded_and_looked_for_at_the_end_of_the_chain(
    checkout: Path, telemetry: dict[str, str], more: dict[str, Any], service: str, port: str, priority: str
) -> None:
    found = rendered(checkout, platform_telemetry=telemetry, **more)
    (check,) = found["stages"][-1]["health"]
    assert (check["http"]["service"], check["http"]["port"]) == (service, port)
    assert check["http"]["namespace"] == ("falco" if service == "falcosidekick" else "monitoring")
    (rule,) = yaml.safe_load(values(found, "falco")["customRules"]["kubestd-test-event.yaml"])
    assert rule["priority"] == priority
    assert rule["rule"] in unquote(check["http"]["path"]) + check["http"]["body_regex"]
    # the pods of both fulfil the rule, and nothing but their words does
    (job,), (again,) = manifests(found, "Job"), manifests(found, "CronJob")
    for spec in (job["spec"], again["spec"]["jobTemplate"]["spec"]):
        (container,) = spec["template"]["spec"]["containers"]
        event = {"evt.type": "execve", "proc.args": " ".join(container["command"][1:])}
        for happened, matches in ((event, True), ({**event, "proc.args": "-l"}, False)):
            test = {"rule": rule["rule"], "event": happened, "matches": matches}
            assert rule_problems([{"name": "a", "rules": [rule], "tests": [test]}]) == []
    # only where the API server has to ask falcosidekick is it open
    policies = {one["metadata"]["name"]: one["spec"]["ingress"] for one in manifests(found, "NetworkPolicy")}
    assert ("from" in policies["falcosidekick"][0]) == (service != "falcosidekick")
    assert policies["falco-default"] == []


@pytest.mark.parametrize(
    ("words", "answer", "wanted"),
    [
        ("loki", '{"data":{"resultType":"vector","result":[{"metric":{},"value":[1,"3"]}]}}', True),
        ("loki", '{"data":{"resultType":"vector","result":[]}}', False),
        ("alertmanager", '[{"fingerprint":"f"}]', True),
        ("alertmanager", "[]", False),
        ("sidekick", 'falcosecurity_falcosidekick_falco_events_total{a="b",rule="Test event of the platform"} 2', True),
        ("sidekick", 'falcosecurity_falcosidekick_falco_events_total{rule="Other"} 2', False),
    ],
)
def test_an_answer_without_the_event_is_none(checkout: Path, words: str, answer: str, wanted: bool) -> None:
    pattern = value(checkout / "roles/falco", "__falco_end_words")[words]
    assert bool(re.search(pattern, answer)) is wanted


def test_nothing_is_fetched_that_may_become_something_else(checkout: Path) -> None:
    found = rendered(checkout, **{**EVERYTHING, "platform_mirror": {"registry": "mirror.example.com:5000"}})
    for release in ("falco", "falco-audit"):
        falcoctl = values(found, release)["falcoctl"]
        assert not falcoctl["artifact"]["follow"]["enabled"] and falcoctl["config"]["indexes"] == []
        assert not falcoctl["config"]["artifact"]["install"]["resolveDeps"]
    collectors = values(found, "falco")["collectors"]
    refs = [
        collectors["containerEngine"]["pluginRef"],
        collectors["kubernetes"]["pluginRef"],
        *values(found, "falco-audit")["falcoctl"]["config"]["artifact"]["install"]["refs"],
    ]
    assert len(refs) == 5
    for ref in refs:
        assert re.fullmatch(r"mirror\.example\.com:5000/falcosecurity/plugins/(plugin|ruleset)/\w+:\d+\.\d+\.\d+", ref)
    digest = "sha256:" + "a" * 64
    pinned = rendered(checkout, falco_artifacts={"k8smeta": digest})
    assert values(pinned, "falco")["collectors"]["kubernetes"]["pluginRef"].endswith(f"/k8smeta@{digest}")


def test_without_plug_ins_from_elsewhere_nothing_is_fetched(checkout: Path) -> None:
    found = rendered(checkout, falco_metadata=False)
    assert values(found, "falco")["falcoctl"]["artifact"] == {
        "install": {"enabled": False},
        "follow": {"enabled": False},
    }
    assert [one["name"] for stage in found["stages"] for one in stage.get("releases", [])] == ["falcosidekick", "falco"]


def test_the_audit_log_of_our_control_planes_is_read(checkout: Path) -> None:
    group = {"control_plane": ["c1"]}
    found = values(rendered(checkout, groups=group), "falco-audit")
    text = (checkout / "roles/kubeadm_cluster/vars/main.yml").read_text(encoding="utf-8")
    (written,) = re.findall(r"'audit-log-path': '([^']+)'", text)
    (plugin, _) = found["falco"]["plugins"]
    assert plugin["open_params"] == f"file://{written}"
    (volume,), (mount,) = found["mounts"]["volumes"], found["mounts"]["volumeMounts"]
    assert volume["hostPath"]["path"] == mount["mountPath"] == str(Path(written).parent) and mount["readOnly"]
    assert found["nodeSelector"] == {"node-role.kubernetes.io/control-plane": ""}
    assert found["tolerations"] == [{"operator": "Exists"}] and not found["driver"]["enabled"]
    assert problems(checkout, groups=group, hostvars={"c1": {}}) == []
    (said,) = problems(checkout, groups=group, hostvars={"c1": {"kubeadm_cluster_audit": {"enabled": False}}})
    assert said.startswith("falco_audit reads the audit log, and kubeadm_cluster_audit.enabled is false")


def test_rules_go_to_the_falco_that_sees_such_events(checkout: Path) -> None:
    rule = {"rule": "a", "desc": "b", "condition": "kevt", "output": "c", "priority": "info"}
    documents = [{"name": "api", "source": "k8s_audit", "rules": [rule]}, {"name": "host", "rules": [{**rule, "x": 1}]}]
    found = rendered(checkout, falco_audit=True, falco_rules=documents)
    assert set(values(found, "falco")["customRules"]) == {"host.yaml", "kubestd-test-event.yaml"}
    audit = values(found, "falco-audit")["customRules"]
    assert {name: yaml.safe_load(text) for name, text in audit.items()} == {
        "api.yaml": [{**rule, "source": "k8s_audit"}]
    }


@pytest.mark.parametrize(
    ("inventory", "said"),
    [
        ({"falco_artifacts": {"k8smeta": "0.4"}}, "falco_artifacts.k8smeta is 0.4, which may become something else"),
        ({"falco_artifacts": {"container": "latest"}}, "falco_artifacts.container is latest"),
        ({"falco_audit": True, "falco_artifacts": {"json": "0"}}, "falco_artifacts.json is 0,"),
        ({"falco_rules": [{"name": "a", "source": "k8s_audit", "rules": []}]}, "which falco_audit leaves out"),
        ({"falco_rules": [{"name": "kubestd-test-event", "rules": []}]}, "give yours another one"),
        ({"falco_opensearch": {"secret_name": "a"}}, "falco_telemetry.opensearch no address"),
        ({"falco_upstream_rules": False}, "Falco would see nothing"),
        ({"falco_values": {"driver": {"kind": "modern_bpf"}}}, "write modern_ebpf, kmod or auto"),
        ({"falco_values": {"falcosidekick": {"enabled": True}}}, "a second, older falcosidekick"),
        ({"falco_sidekick_values": {"webui": {"enabled": True}}}, "would have the password admin"),
    ],
)
def test_what_cannot_work_is_refused(checkout: Path, inventory: dict[str, Any], said: str) -> None:
    (found,) = problems(checkout, **inventory)
    assert said in found
    assert problems(checkout) == [] == problems(checkout, **EVERYTHING)


def test_the_rules_of_the_documentation_are_good_and_their_tests_pass(checkout: Path) -> None:
    text = (checkout / "inventories/standard/group_vars/platform.yml").read_text(encoding="utf-8")
    part = text.split("# falco_rules:\n", 1)[1].split("\n\n", 1)[0]
    documents = yaml.safe_load("\n".join(line.removeprefix("# ") for line in part.splitlines()))
    assert documents[0]["tests"] and rule_problems(documents) == []
    assert problems(checkout, falco_rules=documents) == []
