# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Argo CD with all its data, and runners with their credentials, as stand-ins: installed, unchanged, handed over, removed."""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from ..contract.records import EVERYTHING
from .test_platform import CONTRACTS, UPSTREAM, Platform

LAYERS = {
    "network": ["cert_manager", "gateway_api"],
    "identity": ["external_secrets"],
    "delivery": ["argocd", "github_runners"],
}
DATA = {
    name: value
    for name, value in EVERYTHING.items()
    if name.startswith(("argocd_", "github_runners_")) and name != "github_runners_proxy"
}


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    if not CONTRACTS.is_dir() or UPSTREAM:
        pytest.skip(f"there is no contract data in {CONTRACTS}; set KUBESTD_CONTRACTS")
    made = Platform(tmp_path_factory.mktemp("platform"), LAYERS)
    try:
        made.start()
        made.inventory({}, **DATA)
        yield made
    finally:
        made.stop()


def get(platform: Platform, *arguments: str) -> Any:
    return json.loads(platform.control_plane.kubectl("get", *arguments, "-o", "json"))


def test_all_of_it_is_installed_and_a_second_run_changes_nothing(platform: Platform) -> None:
    sets = DATA["github_runners_scale_sets"]
    for one in (item for item in sets if not item.get("vault_path")):
        space = one.get("namespace", "arc-runners")
        made = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": space}}
        secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": one["secret_name"], "namespace": space}}
        text = "\n---\n".join(map(json.dumps, (made, secret)))
        platform.control_plane.kubectl("apply", "--server-side", "-f", "-", stdin=text)
    result = platform.play()
    assert set(result.changed) == {name for names in LAYERS.values() for name in names}
    assert platform.play().changed == {}
    assert platform.play("--check", "--diff").changed == {}


def test_argo_cd_finds_its_repositories_by_their_label(platform: Platform) -> None:
    found = get(platform, "secrets", "-n", "argocd", "-l", "argocd.argoproj.io/secret-type")["items"]
    names = {item["metadata"]["name"] for item in found}
    assert names == {"repository-charts", "repository-shop", "repository-github", "cluster-edge", "cluster-old"}
    plain = next(item for item in found if item["metadata"]["name"] == "repository-charts")
    assert base64.b64decode(plain["data"]["url"]) == b"harbor.example.com/charts"


def test_namespaces_of_runners_have_the_level_of_their_modes(platform: Platform) -> None:
    label = "pod-security.kubernetes.io/enforce"
    levels = {
        name: get(platform, "namespace", name)["metadata"]["labels"][label]
        for name in ("arc-systems", "arc-runners", "arc-containers", "arc-images")
    }
    assert levels == {
        "arc-systems": "restricted",
        "arc-runners": "baseline",
        "arc-containers": "baseline",
        "arc-images": "privileged",
    }


def test_a_scale_set_without_its_credentials_is_named(platform: Platform) -> None:
    platform.control_plane.kubectl("-n", "arc-images", "delete", "secret", "github-token")
    result = platform.play("-e", "platform_action=health", "--limit", "github_runners")
    text = " ".join(result.text.split())
    assert "Missing" in text and "the credentials of images are there" in text
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "github-token", "namespace": "arc-images"}}
    platform.control_plane.kubectl("apply", "-f", "-", stdin=json.dumps(secret))


def test_argo_cd_can_be_given_itself_and_the_runners(platform: Platform) -> None:
    bare = platform.folder / "ops.git"
    subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", str(bare)], check=True)
    platform.play("-e", f"hand_over_repository={bare}", "--limit", "argocd,github_runners", playbook="hand_over")
    command = ["git", "-C", str(bare), "ls-tree", "-r", "--name-only", "main"]
    files = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    names = {file.rpartition("/")[2] for file in files if "/applications/" in file}
    assert names >= {
        "argocd.yaml",
        "argocd-argo-rollouts.yaml",
        "argocd-access-objects.yaml",
        "argocd-delivery-objects.yaml",
    }
    assert names >= {"github-runners-gha-rs-controller.yaml", "github-runners-small.yaml", "github-runners-images.yaml"}


def test_wrong_data_are_refused_before_anything_is_changed(platform: Platform) -> None:
    wrong = {"github_runners_allow_privileged": False, "argocd_controller_shards": 9}
    platform.inventory({}, **{**DATA, **wrong})
    result = platform.play("--limit", "argocd,github_runners", rc=2)
    text = " ".join(result.text.split())
    assert "whoever may change a workflow is root on a node" in text and "argocd_controller_shards is 9" in text
    assert result.changed == {}
    platform.inventory({}, **DATA)


def test_removal_keeps_what_it_says(platform: Platform) -> None:
    result = platform.play("-e", "platform_action=remove", "--limit", "argocd,github_runners")
    assert "namespaces of runners with their Secrets" in result.text
    assert get(platform, "secret", "-n", "arc-images", "github-token")
    assert (
        not platform.control_plane.kubectl("get", "pods", "-n", "arc-systems", "-o", "name")
        .replace("pod/", "")
        .startswith("gha-rs-controller")
    )
