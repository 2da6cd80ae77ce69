# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A record or a setting that is wrong is refused with the name of the option."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.kubestd.platform.plugins.module_utils._component.record import parse
from ansible_collections.kubestd.platform.plugins.module_utils._errors import KubestdError

from .test_roles import entry_points

CHART = {"ref": "oci://registry.example.com/charts/demo", "version": "1.0.0"}
GOOD: dict[str, Any] = {"name": "demo", "stages": [{"releases": [{"name": "demo", "chart": CHART}]}]}


def errors(checkout: Path, role: str, values: dict[str, Any]) -> list[str]:
    """What Ansible says about the variables of a role, as ansible.builtin.validate_argument_spec does."""
    spec = entry_points(checkout / "roles" / role)["main"]
    return list(ArgumentSpecValidator(spec["options"]).validate(values).error_messages)


def stage(**parts: Any) -> dict[str, Any]:
    return {**GOOD, "stages": [parts]}


WRONG_RECORDS: list[tuple[dict[str, Any], str, str]] = [
    ({"stages": []}, "name", "missing required arguments"),
    ({"name": "demo"}, "stages", "missing required arguments"),
    ({**GOOD, "stage": []}, "component_record.stage", "Supported parameters include"),
    ({**GOOD, "namespace": {"name": "x", "pod_security": "strict"}}, "pod_security", "must be one of"),
    ({**GOOD, "needs": {"a": 1}}, "needs", "unable to convert to list"),
    (stage(releases=[{"name": "demo"}]), "chart", "missing required arguments"),
    (stage(releases=[{"name": "demo", "chart": {"version": "1"}}]), "ref", "missing required arguments"),
    (
        stage(releases=[{"name": "demo", "chart": CHART, "vlaues": {}}]),
        "releases.vlaues",
        "Supported parameters include",
    ),
    (stage(releases=[{"name": "demo", "chart": CHART, "crds": "never"}]), "crds", "must be one of"),
    (stage(urls=[{"url": "https://example.com/x.yaml"}]), "sha256", "missing required arguments"),
    (stage(health=[{"probe": {"send": {"service": "x", "port": "1"}}}]), "find", "missing required arguments"),
    (stage(health=[{"http": {"service": "x"}}]), "port", "missing required arguments"),
    (
        {**GOOD, "alerts": [{"name": "A", "expr": "a", "severity": "high", "summary": "a"}]},
        "severity",
        "must be one of",
    ),
    ({**GOOD, "secrets": [{"name": "s", "keys": [{"key": "k", "format": "md5"}]}]}, "format", "must be one of"),
]


@pytest.mark.parametrize(("record", "option", "said"), WRONG_RECORDS, ids=[option for _, option, _ in WRONG_RECORDS])
def test_a_wrong_record_is_refused_with_its_option(checkout: Path, record: Any, option: str, said: str) -> None:
    found = errors(checkout, "component", {"component_record": record})
    assert any(option in text and said in text for text in found), found


WRONG_SETTINGS: list[tuple[str, dict[str, Any], str]] = [
    ("metallb", {"metallb_pools": [{"name": "a"}]}, "addresses"),
    ("metallb", {"metallb_pools": [{"name": "a", "addresses": ["192.0.2.0/24"], "advertise": "arp"}]}, "advertise"),
    ("metallb", {"metallb_bgp_peers": [{"name": "r", "my_asn": 1, "peer_asn": "x", "peer_address": "a"}]}, "peer_asn"),
    ("metallb", {"metallb_bfd": {"multiplier": 3}}, "metallb_bfd.multiplier"),
    ("gateway_api", {"gateway_api_implementation": "ingress"}, "gateway_api_implementation"),
    ("cert_manager", {"cert_manager_acme": {"server": "https://acme.example.com"}}, "email"),
    ("harbor", {"harbor_s3": {"bucket": "b"}}, "secret_name"),
    ("harbor", {"harbor_oidc": {"isuer": "x"}}, "harbor_oidc.isuer"),
    ("headlamp", {"headlamp_gateway": {"name": "platform"}}, "namespace"),
    ("argocd", {"argocd_systems": ["workflows"]}, "argocd_systems"),
    ("argocd", {"argocd_notifications": {"slack": {"token": "xoxb-1"}}}, "token_key"),
    ("argocd", {"argocd_notifications": {"subscriptions": [{"recipients": ["a"], "triggers": ["x"]}]}}, "triggers"),
]


@pytest.mark.parametrize(("name", "values", "option"), WRONG_SETTINGS)
def test_a_wrong_setting_is_refused_with_its_option(checkout: Path, name: str, values: Any, option: str) -> None:
    found = errors(checkout, name, values)
    assert any(option in text for text in found), found


def test_a_good_record_is_accepted(checkout: Path) -> None:
    assert errors(checkout, "component", {"component_record": GOOD}) == []


def test_two_stages_of_one_name_are_refused() -> None:
    with pytest.raises(KubestdError, match="Two stages of demo have the same name"):
        parse({"name": "demo", "stages": [{"name": "x"}, {"name": "x"}]})
