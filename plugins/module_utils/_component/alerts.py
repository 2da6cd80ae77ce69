# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Alerts of a system as an object that the Prometheus operator reads. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any


def prometheus_rule(system: str, alerts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The PrometheusRule of a system. alerts: name, expr, severity and summary, and for where it has to last."""
    rules = []
    for alert in alerts:
        rule = {
            "alert": alert["name"],
            "expr": alert["expr"],
            "labels": {"severity": alert["severity"], "system": system},
        }
        rule["annotations"] = {"summary": shown(alert["summary"])}
        rules.append({**rule, "for": alert["for"]} if alert.get("for") else rule)
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": f"{system}-alerts"},
        "spec": {"groups": [{"name": system, "rules": rules}]},
    }


def shown(summary: str) -> str:
    """A summary with the template of Prometheus for each <label>, and for <value>; records have templates of their own."""
    return re.sub(
        r"<(\w+)>",
        lambda found: "{{ $value | humanize }}" if found[1] == "value" else f"{{{{ $labels.{found[1]} }}}}",
        summary,
    )
