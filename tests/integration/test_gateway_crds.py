# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CRDs of the Gateway API, of both channels and with upstream's policy, on a real API server: what would take something away is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from .control_plane import ControlPlane
from .standins import go_module, module_answer

ROUTES = "httproutes.gateway.networking.k8s.io"
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@pytest.fixture(scope="module")
def upstream() -> Path:
    """The Gateway API as its Go module has it."""
    return go_module("sigs.k8s.io/gateway-api@v1.6.1") / "config/crd"


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """An API server that nobody else puts CRDs on."""
    made = ControlPlane(tmp_path_factory.mktemp("gateway-crds"))
    try:
        yield made.start()
    finally:
        made.stop()


def crd(upstream: Path, channel: str, version: str = "v1.6.1") -> dict[str, Any]:
    """The CRD of HTTPRoutes."""
    text = (upstream / channel / "gateway.networking.k8s.io_httproutes.yaml").read_text()
    return dict(yaml.load(text.replace("bundle-version: v1.6.1", f"bundle-version: {version}"), Loader=LOADER))


def lay(own: ControlPlane, *items: Any) -> None:
    text = "\n---\n".join(json.dumps(item) for item in items)
    own.kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=text)


def guard(own: ControlPlane, upstream: Path) -> None:
    """Upstream's policy, and wait until it judges."""
    text = (upstream / "standard/gateway.networking.k8s.io_vap_safeupgrades.yaml").read_text()
    own.kubectl("apply", "-f", "-", stdin=text)


def ask(own: ControlPlane, **options: str) -> dict[str, Any]:
    return module_answer(own, "gateway_crds", **{"version": "v1.6.1", "channel": "standard", **options})


def version_of(own: ControlPlane) -> str:
    return own.kubectl("get", "crd", ROUTES, "-o", "jsonpath={.metadata.resourceVersion}")


def test_an_empty_cluster_and_the_same_release_are_fine(own: ControlPlane, upstream: Path) -> None:
    assert ask(own)["crds"] == []
    lay(own, crd(upstream, "standard"))
    assert ask(own)["crds"] == [{"name": ROUTES, "version": "v1.6.1", "channel": "standard"}]


def test_older_crds_are_refused_before_anything_changes(own: ControlPlane, upstream: Path) -> None:
    lay(own, crd(upstream, "standard", "v1.7.0"))
    before = version_of(own)
    said = ask(own)
    assert said["failed"] and "v1.7.0" in said["msg"] and "newer than the v1.6.1" in said["msg"]
    assert version_of(own) == before


def test_the_standard_channel_is_refused_on_top_of_the_experimental_one(own: ControlPlane, upstream: Path) -> None:
    lay(own, crd(upstream, "experimental"))
    said = ask(own)
    assert said["failed"] and "experimental channel" in said["msg"] and "write experimental" in said["msg"]
    assert "failed" not in ask(own, channel="experimental")


def test_what_upstreams_policy_would_deny_midway_is_said_before(own: ControlPlane, upstream: Path) -> None:
    own.kubectl("delete", "crd", ROUTES)
    lay(own, crd(upstream, "standard"))
    assert "failed" not in ask(own, channel="experimental")
    guard(own, upstream)
    said = ask(own, channel="experimental")
    assert said["failed"] and "denies the experimental one" in said["msg"]


def test_upstreams_policy_denies_what_the_module_refuses(own: ControlPlane, upstream: Path) -> None:
    """The policy is read by the API server some time after it was made."""
    for _ in range(300):
        try:
            lay(own, crd(upstream, "experimental"))
        except AssertionError as error:
            assert "Installing experimental CRDs on top of standard channel CRDs is prohibited" in str(error)
            break
        own.kubectl("delete", "crd", ROUTES)
        lay(own, crd(upstream, "standard"))
    with pytest.raises(AssertionError, match="Installing CRDs with version before"):
        lay(own, crd(upstream, "standard", "v1.4.1"))


def test_a_cluster_that_does_not_answer_is_not_refused_here(tmp_path: Path, own: ControlPlane) -> None:
    gone = tmp_path / "gone.conf"
    gone.write_text(own.kubeconfig.read_text().replace(own.url, "https://127.0.0.1:1"))
    assert ask(own, kubeconfig=str(gone))["crds"] == []
    assert ask(own, kubeconfig=str(tmp_path / "none.conf"))["crds"] == []
