# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A dashboard from titles and queries, as the sidecar of Grafana's chart finds it. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def config_map(system: str, described: Mapping[str, Any]) -> dict[str, Any]:
    """The ConfigMap of a dashboard; two panels stand in a row. described: title, and panels of title and expr."""
    panels = []
    for number, panel in enumerate(described["panels"]):
        place = {"h": 8, "w": 12, "x": 12 * (number % 2), "y": 8 * (number // 2)}
        target = {"refId": "A", "expr": panel["expr"]}
        shown = {"id": number + 1, "type": "timeseries", "title": panel["title"], "targets": [target], "gridPos": place}
        panels.append(shown)
    page = {
        "title": described["title"],
        "uid": f"kubestd-{system}",
        "schemaVersion": 39,
        "time": {"from": "now-6h", "to": "now"},
        "panels": panels,
    }
    metadata = {"name": f"{system}-dashboard", "labels": {"grafana_dashboard": "1"}}
    data = {f"{system}.json": json.dumps(page, sort_keys=True)}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}
