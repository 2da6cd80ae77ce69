# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What platform roles keep to, and whether upstream's charts have the keys that their values set."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

from .test_roles import files, load, merged

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# What an inventory with everything sets.
PLATFORM = {
    "platform_domain": "example.com",
    "platform_gateway": {"name": "platform", "namespace": "gateway-system"},
    "platform_issuer": "platform",
    "platform_oidc": {"issuer": "https://keycloak.example.com/realms/platform"},
    "platform_monitoring": True,
    "platform_high_availability": True,
    "platform_storage_class": "fast",
    "metallb_pools": [{"name": "default", "addresses": ["192.0.2.10-192.0.2.20"]}],
    "metallb_bgp_peers": [{"name": "r1", "my_asn": 64512, "peer_asn": 64513, "peer_address": "192.0.2.1", "bfd": True}],
    "harbor_s3": {"bucket": "harbor", "region": "eu", "endpoint": "https://s3.example.com", "secret_name": "harbor-s3"},
    "harbor_database": {"host": "db.example.com", "username": "harbor", "secret_name": "harbor-db"},
    "harbor_redis": {"address": "redis.example.com:6379", "secret_name": "harbor-redis"},
}


def trusted(value: Any) -> Any:
    """Templates that may be evaluated."""
    if isinstance(value, dict):
        return {key: trusted(item) for key, item in value.items()}
    if isinstance(value, list):
        return [trusted(item) for item in value]
    return trust_as_template(value) if isinstance(value, str) else value


def record(role: Path, **inventory: Any) -> dict[str, Any]:
    """The record of a platform role, evaluated."""
    variables = trusted({**merged(role, "defaults"), **merged(role, "vars"), **inventory})
    found = Templar(DataLoader(), variables=variables).template(variables[f"__{role.name}_record"])
    return dict(found)


def platform_roles(checkout: Path) -> list[Path]:
    """Roles that hand a record to the mechanism."""
    return [role for role in sorted((checkout / "roles").glob("*/")) if f"__{role.name}_record" in merged(role, "vars")]


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


def test_every_platform_role_has_a_check_that_a_user_would_notice(checkout: Path) -> None:
    for role in platform_roles(checkout):
        found = [check for stage in record(role, **PLATFORM)["stages"] for check in stage.get("health", [])]
        assert found and all(check.get("name") for check in found), (
            f"{role.name} proves nothing that a user would notice"
        )


@pytest.mark.parametrize("inventory", [{}, PLATFORM], ids=["alone", "with everything"])
def test_a_record_can_be_evaluated_with_nothing_and_with_everything(checkout: Path, inventory: dict[str, Any]) -> None:
    for role in platform_roles(checkout):
        found = record(role, **inventory)
        text = repr(found)
        assert "{{" not in text and "None" not in text.replace("'minAvailable': None", ""), f"{role.name}: {text}"
        assert found["name"] == role.name


def folder_of(contracts: Path, chart: dict[str, Any]) -> Path | None:
    """The contract data of a chart."""
    name = re.sub(r"(-v?[0-9.]+)?\.tgz$", "", chart["ref"].rpartition("/")[2])
    found = [path for path in contracts.glob(f"{name}-*") if path.name in (f"{name}-{chart['version']}",)]
    return found[0] if found else None


def unknown(values: dict[str, Any], upstream: Any, prefix: str = "") -> Iterator[str]:
    """Keys that a chart's values file does not have. What is empty there takes any keys."""
    for key, value in values.items():
        if not isinstance(upstream, dict) or (not upstream and prefix):
            return
        if key not in upstream:
            yield prefix + key
        elif isinstance(value, dict):
            yield from unknown(value, upstream[key], f"{prefix}{key}.")


# Keys that upstream's values file has only in a comment, and parts of a pod that a chart hands on as they are.
COMMENTED = {
    "argo-cd": r"configs\.(cm|params|rbac)\..*",
    "harbor": r"persistence\.imageChartStorage\.s3\.(existingSecret|regionendpoint)",
    "gateway-crds-helm": r"crds\.(gatewayAPI|envoyGateway)\.channel",
}
HANDED_ON = r"(.*\.)?(resources|securityContext|podSecurityContext)\..*"


def test_every_key_that_a_role_sets_is_one_of_the_chart(checkout: Path, contracts: Path) -> None:
    checked = 0
    for role in platform_roles(checkout):
        for stage in record(role, **PLATFORM)["stages"]:
            for release in stage.get("releases", []):
                folder = folder_of(contracts, release["chart"])
                assert folder, f"there is no contract data of {release['chart']}"
                upstream = yaml.load((folder / "values.yaml").read_text(encoding="utf-8"), Loader=LOADER)
                name = folder.name.rpartition("-")[0]
                found = [
                    key
                    for key in unknown(release["values"], upstream)
                    if not re.fullmatch(f"{COMMENTED.get(name, '')}|{HANDED_ON}", key)
                ]
                assert found == [], f"{role.name}: the chart {folder.name} has no {found}"
                checked += 1
    assert checked >= 9
