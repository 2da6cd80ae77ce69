# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Implementations of the Gateway that neither the platform of test_platform.py nor the migration has: stand-ins of their charts, real CRDs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .test_platform import CONTRACTS, Platform

CRD = "gateways.gateway.networking.k8s.io"


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    if not CONTRACTS.is_dir():
        pytest.skip(f"there is no contract data in {CONTRACTS}; set KUBESTD_CONTRACTS")
    made = Platform(tmp_path_factory.mktemp("gateways"), {"network": ["gateway_api"]})
    try:
        made.start()
        yield made
    finally:
        made.stop()


@pytest.mark.parametrize("implementation", ["nginx_gateway_fabric", "kgateway", "kong"])
def test_it_is_installed_once_and_goes_without_the_crds(gateway: Platform, implementation: str) -> None:
    gateway.inventory({}, gateway_api_implementation=implementation, platform_issuer="")
    assert gateway.play().changed == {"gateway_api": 1}
    assert gateway.play().changed == {}
    classes = gateway.control_plane.kubectl("get", "gatewayclasses", "-o", "name").split()
    assert len(classes) == 1 and gateway.control_plane.kubectl("-n", "gateway-system", "get", "gateway", "platform")
    gateway.play("-e", "platform_action=remove")
    assert not gateway.control_plane.kubectl("get", "gateways", "-A", "-o", "name")
    names = (
        "-n",
        "gateway-system",
        "get",
        "secrets",
        "--selector=owner=helm",
        "-o",
        "jsonpath={.items[*].metadata.labels.name}",
    )
    left = set(gateway.control_plane.kubectl(*names).split())
    assert "gateway-api-crds" in left and all(name.endswith("-crds") for name in left), left
    assert CRD in gateway.control_plane.kubectl("get", "crds", "-o", "name")
