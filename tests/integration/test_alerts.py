# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Alerts, queries of dashboards and routes to people, judged by the real promtool and amtool."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.kubestd.platform.plugins.module_utils._component.record import parse

from ..contract.records import EVERYTHING, INVENTORIES, platform_roles, record, values
from .standins import module_program

ROOT = Path(__file__).parents[2]
OBSERVABILITY = ROOT / "roles/observability"
CASES: dict[str, Any] = yaml.safe_load(Path(__file__).with_name("alerts.yaml").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def promtool() -> str:
    """promtool of the Prometheus that the chart runs."""
    return str(module_program("promtool", "github.com/prometheus/prometheus", "v0.314.0"))


@pytest.fixture(scope="session")
def amtool() -> str:
    """amtool of the Alertmanager that the chart runs."""
    return str(module_program("amtool", "github.com/prometheus/alertmanager", "v0.34.0"))


def groups(inventory: str) -> Iterator[dict[str, Any]]:
    """The groups of rules of all systems."""
    for role in platform_roles(ROOT):
        for stage in parse(record(role, **INVENTORIES[inventory])).stages:
            for item in stage.manifests:
                if item["kind"] == "PrometheusRule":
                    yield from item["spec"]["groups"]


def run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.parametrize("inventory", INVENTORIES)
def test_prometheus_reads_every_rule_and_every_query_of_a_dashboard(
    promtool: str, tmp_path: Path, inventory: str
) -> None:
    found = list(groups(inventory))
    panels = []
    for role in platform_roles(ROOT):
        described = record(role, **INVENTORIES[inventory]).get("dashboard") or {}
        rules = [
            {"record": f"panel:{number}", "expr": panel["expr"]}
            for number, panel in enumerate(described.get("panels", []))
        ]
        panels += [{"name": f"panels of {role.name}", "rules": rules}] if rules else []
    if not found and not panels:
        return
    path = tmp_path / "rules.json"
    path.write_text(json.dumps({"groups": found + panels}))
    said = run(promtool, "check", "rules", "--lint=none", str(path))
    assert f"SUCCESS: {sum(len(group['rules']) for group in found + panels)} rules found" in said


def test_every_alert_has_series_with_which_it_fires_and_others_with_which_it_does_not() -> None:
    names = [rule["alert"] for group in groups("with everything") for rule in group["rules"]]
    assert sorted(names) == sorted(CASES), set(names) ^ set(CASES)


@pytest.fixture(scope="session")
def rules() -> dict[str, dict[str, Any]]:
    """Each alert by its name."""
    return {rule["alert"]: rule for group in groups("with everything") for rule in group["rules"]}


@pytest.mark.parametrize("name", sorted(CASES))
def test_an_alert_fires_when_it_should_and_not_otherwise(
    promtool: str, tmp_path: Path, rules: dict[str, dict[str, Any]], name: str
) -> None:
    case, rule = CASES[name], rules[name]
    expected = {
        "exp_labels": {**case.get("labels", {}), **rule["labels"]},
        "exp_annotations": {"summary": case["says"]},
    }
    tests = [
        {
            "interval": "1m",
            "name": f"{name} {which}",
            "input_series": [{"series": series, "values": text} for series, text in case[which].items()],
            "alert_rule_test": [{"eval_time": case.get("at", "4h"), "alertname": name, "exp_alerts": wanted}],
        }
        for which, wanted in (("fires", [expected]), ("quiet", []))
    ]
    (tmp_path / "rules.json").write_text(json.dumps({"groups": [{"name": name, "rules": [rule]}]}))
    file = tmp_path / "test.json"
    file.write_text(json.dumps({"rule_files": ["rules.json"], "evaluation_interval": "1m", "tests": tests}))
    run(promtool, "test", "rules", str(file))


def alertmanager(**inventory: Any) -> dict[str, Any]:
    found = record(OBSERVABILITY, **{**EVERYTHING, **inventory})
    return dict(values(found, "kube-prometheus-stack")["alertmanager"])


def test_alertmanager_reads_its_configuration(amtool: str, tmp_path: Path) -> None:
    kinds = ("webhook", "slack", "mattermost", "msteams", "email", "pagerduty", "opsgenie", "telegram")
    settings: dict[str, Any] = {
        "slack": {"channel": "#ops"},
        "mattermost": {"channel": "ops"},
        "email": {"to": "ops@example.com"},
        "telegram": {"chat_id": 1},
    }
    to = [{"kind": kind, "secret_name": "alerts", "settings": settings.get(kind, {})} for kind in kinds]
    for number, inventory in enumerate(
        ({}, {"observability_alert_receivers": [{"name": name, "to": to} for name in ("ops", "on-call", "outside")]})
    ):
        path = tmp_path / f"{number}.yaml"
        path.write_text(json.dumps(alertmanager(**inventory)["config"]))
        assert "SUCCESS" in run(amtool, "check-config", str(path))


@pytest.mark.parametrize(
    ("labels", "told"),
    [
        ({"alertname": "Watchdog", "severity": "none"}, "outside"),
        ({"alertname": "InfoInhibitor", "severity": "none"}, "none"),
        ({"alertname": "BackupTooOld", "severity": "critical"}, "on-call"),
        ({"alertname": "BackupFailed", "severity": "warning"}, "ops"),
        ({"alertname": "ImageCannotBePulled", "severity": "warning", "namespace": "sandbox"}, "none"),
    ],
)
def test_an_alert_goes_to_whom_the_routes_say(amtool: str, tmp_path: Path, labels: dict[str, str], told: str) -> None:
    path = tmp_path / "alertmanager.yaml"
    path.write_text(json.dumps(alertmanager()["config"]))
    arguments = [f"{key}={value}" for key, value in labels.items()]
    said = run(amtool, "config", "routes", "test", f"--config.file={path}", *arguments)
    assert said.strip() == told
