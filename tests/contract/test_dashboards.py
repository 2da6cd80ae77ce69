# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Dashboards of the systems, where Prometheus is there."""

from __future__ import annotations

import json
from pathlib import Path

from ansible_collections.kubestd.platform.plugins.module_utils._component.record import parse

from .records import EVERYTHING, platform_roles, record

# Nothing of theirs is read by Prometheus, or what reads it brings its own dashboard.
WITHOUT = {
    "calico",
    "cnpg",
    "headlamp",
    "image_mirror",
    "metrics_server",
    "monitoring_crds",
    "snapshot_controller",
    "valkey",
}


def test_every_system_that_prometheus_reads_has_a_dashboard(checkout: Path) -> None:
    for role in platform_roles(checkout):
        panels = (record(role, **EVERYTHING).get("dashboard") or {}).get("panels", [])
        assert (len(panels) >= 4) == (role.name not in WITHOUT), role.name
        assert all(set(panel) == {"title", "expr"} and "{{" not in panel["expr"] for panel in panels)
        without = record(role, **{**EVERYTHING, "platform_monitoring": False, "cilium_monitoring": False})
        assert not without.get("dashboard"), role.name


def test_a_database_shows_itself_alone(checkout: Path) -> None:
    panels = record(checkout / "roles/postgresql", **EVERYTHING)["dashboard"]["panels"]
    assert panels[0]["expr"] == 'sum(cnpg_collector_up{pod=~"harbor-database-[0-9]+"})'


def test_a_dashboard_is_a_config_map_of_the_last_stage() -> None:
    panels = [{"title": "a", "expr": "b"}, {"title": "c", "expr": "d"}, {"title": "e", "expr": "f"}]
    made = parse({"name": "rook_ceph", "stages": [{}], "dashboard": {"title": "Ceph", "panels": panels}}).stages[-1]
    (found,) = made.manifests
    assert made.name == found["metadata"]["name"] == "rook-ceph-dashboard"
    assert found["metadata"]["labels"] == {"grafana_dashboard": "1"}
    page = json.loads(found["data"]["rook-ceph.json"])
    assert [panel["gridPos"]["x"] for panel in page["panels"]] == [0, 12, 0] and page["panels"][2]["gridPos"]["y"] == 8
    assert page["panels"][1]["targets"][0]["expr"] == "d" and page["uid"] == "kubestd-rook-ceph"
    assert len(parse({"name": "a", "stages": [{}], "dashboard": {"title": "A", "panels": []}}).stages) == 1
