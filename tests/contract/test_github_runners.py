# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runners of GitHub Actions: what each scale set becomes, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from .conftest import CHECKOUT
from .records import EVERYTHING, manifests, record, value, values

ROLE = CHECKOUT / "roles/github_runners"
IMAGE = EVERYTHING["github_runners_image"]
GOOD: dict[str, Any] = {"name": "a", "url": "https://github.com/example", "secret_name": "app"}


def found(**more: Any) -> dict[str, Any]:
    return record(ROLE, **{**EVERYTHING, **more})


def one(**more: Any) -> dict[str, Any]:
    """The values of a release of one scale set."""
    return dict(values(found(github_runners_scale_sets=[{**GOOD, **more}]), "a"))


def problems(*sets: dict[str, Any], **more: Any) -> list[str]:
    return list(
        value(ROLE, "__github_runners_problems", github_runners_image=IMAGE, github_runners_scale_sets=sets, **more)
    )


def test_a_scale_set_is_a_release_in_its_namespace_with_the_pod_security_of_its_modes() -> None:
    releases = {item["name"]: item for stage in found()["stages"] for item in stage.get("releases", [])}
    level = "pod-security.kubernetes.io/enforce"
    levels = {
        name: (item["namespace"], item["namespace_labels"][level])
        for name, item in releases.items()
        if item["name"] != "gha-rs-controller"
    }
    assert levels == {
        "small": ("arc-runners", "baseline"),
        "containers": ("arc-containers", "baseline"),
        "plain": ("arc-containers", "baseline"),
        "images": ("arc-images", "privileged"),
    }
    assert {item["chart"]["version"] for item in releases.values()} == {"0.14.2"}


def test_credentials_are_named_and_never_in_values() -> None:
    made = one()
    assert made["githubConfigSecret"] == "app"
    (copied,) = manifests(found(), "ExternalSecret")
    assert copied["metadata"] == {"name": "github-app", "namespace": "arc-runners"}
    assert copied["spec"]["dataFrom"] == [{"extract": {"key": "github/app"}}]
    assert copied["spec"]["secretStoreRef"] == {"kind": "ClusterSecretStore", "name": "platform"}
    assert found()["needs"] == ["external_secrets"]
    assert found(github_runners_scale_sets=[GOOD])["needs"] == []


def test_jobs_in_containers_share_a_volume_with_their_runner() -> None:
    made = values(found(), "containers")
    assert made["containerMode"] == {
        "type": "kubernetes",
        "kubernetesModeWorkVolumeClaim": {
            "accessModes": ["ReadWriteMany"],
            "storageClassName": "ceph-block",
            "resources": {"requests": {"storage": "20Gi"}},
        },
    }
    (runner,) = made["template"]["spec"]["containers"]
    assert runner["env"] == [{"name": "ACTIONS_RUNNER_REQUIRE_JOB_CONTAINER", "value": "false"}]
    assert made["template"]["spec"]["nodeSelector"] == {"builds": "yes"}
    assert (made["minRunners"], made["maxRunners"], made["runnerGroup"]) == (1, 5, "shop")
    assert made["githubConfigUrl"] == "https://github.example.com/team/shop"
    assert values(found(), "plain")["containerMode"] == {"type": "kubernetes-novolume"}
    assert "containerMode" not in one()


def test_the_docker_daemon_is_of_a_digest_and_the_only_thing_that_is_privileged() -> None:
    spec = values(found(), "images")["template"]["spec"]
    init, daemon = spec["initContainers"]
    assert daemon["image"] == EVERYTHING["github_runners_dind_image"] and daemon["securityContext"]["privileged"]
    assert init["image"] == spec["containers"][0]["image"] == IMAGE and daemon["restartPolicy"] == "Always"
    (runner,) = one()["template"]["spec"]["containers"]
    assert runner["securityContext"] == {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}


def test_an_enterprise_server_is_trusted_and_a_proxy_is_asked() -> None:
    made = one()
    reference = made["githubServerTLS"]["certificateFrom"]["configMapKeyRef"]
    authorities = manifests(found(), "ConfigMap")
    assert {item["metadata"]["namespace"] for item in authorities} == {"arc-runners", "arc-containers", "arc-images"}
    assert reference["name"] == authorities[0]["metadata"]["name"] and reference["key"] in authorities[0]["data"]
    assert made["proxy"] == {
        "https": {"url": "http://proxy.example.com:3128", "credentialSecretRef": "proxy"},
        "noProxy": ["10.96.0.1", "github.example.com"],
    }
    assert set(values(found(), "plain")["proxy"]) == {"http", "noProxy"}
    assert not {"githubServerTLS", "proxy"} & set(
        values(found(github_runners_server_ca="", github_runners_proxy={}), "small")
    )


def test_nobody_asks_runners_and_prometheus_asks_the_controller_alone() -> None:
    policies = manifests(found(), "NetworkPolicy")
    inside = {item["metadata"].get("namespace"): item["spec"] for item in policies}
    assert set(inside) == {None, "arc-runners", "arc-containers", "arc-images"}
    assert all(item["ingress"] == [] for space, item in inside.items() if space)
    assert inside[None]["ingress"][0]["ports"] == [{"protocol": "TCP", "port": 8080}]
    monitors = manifests(found(), "PodMonitor")
    assert len(monitors) == 2 and "metrics" in values(found(), "gha-rs-controller")
    without = found(platform_monitoring=False)
    assert manifests(without, "PodMonitor") == [] and "metrics" not in values(without, "gha-rs-controller")


def test_a_scale_set_is_healthy_with_its_credentials_its_registration_and_its_listener() -> None:
    checks = found(github_runners_scale_sets=[GOOD])["stages"][-1]["health"]
    assert [(check["kind"], check["namespace"]) for check in checks] == [
        ("Secret", "arc-runners"),
        ("AutoscalingRunnerSet", "arc-runners"),
        ("Pod", "arc-systems"),
    ]
    assert checks[2]["selector"]["actions.github.com/scale-set-name"] == "a"


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"name": "A_b"}, "at most 45 lower case letters"),
    ({"namespace": "arc-systems"}, "give it a namespace of its own"),
    ({"url": "http://github.com/example"}, "write https:// with an organization"),
    ({"url": "https://token@github.com/example"}, "no login"),
    ({"min_runners": 3, "max_runners": 2}, "min_runners 3 and max_runners 2"),
    ({"image": "ghcr.io/actions/actions-runner:latest"}, "latest, which may change"),
    ({"mode": "dind"}, "whoever may change a workflow is root on a node"),
    ({"mode": "kubernetes", "proxy": {"https": {"url": "http://p"}}}, "a proxy without no_proxy"),
    ({"proxy": {"https": {"url": "http://u:p@proxy"}, "no_proxy": ["a"]}}, "has a login in proxy.https.url"),
]


@pytest.mark.parametrize(("wrong", "said"), WRONG)
def test_what_cannot_work_is_refused_with_what_to_write(wrong: dict[str, Any], said: str) -> None:
    assert problems(GOOD) == []
    assert any(said in text for text in problems({**GOOD, **wrong}))


def test_all_of_the_inventory_with_everything_is_accepted(checkout: Path) -> None:
    assert value(checkout / "roles/github_runners", "__github_runners_problems", **EVERYTHING) == []


def test_names_are_once_in_a_namespace_and_once_at_github() -> None:
    assert "is there twice in arc-runners" in problems(GOOD, GOOD)[0]
    assert "GitHub takes a name once in a group" in problems(GOOD, {**GOOD, "namespace": "b"})[0]
    assert problems(GOOD, {**GOOD, "namespace": "b", "group": "other"}) == []


def test_a_controller_and_scale_sets_of_different_versions_are_refused() -> None:
    chart = {"ref": "oci://ghcr.io/x/gha-runner-scale-set", "version": "0.15.0"}
    assert "a controller takes scale sets of its own version alone" in problems(github_runners_chart=chart)[0]


def test_docker_needs_an_image_of_a_digest_too() -> None:
    said = problems({**GOOD, "mode": "dind"}, github_runners_allow_privileged=True)
    assert len(said) == 1 and "github_runners_dind_image" in said[0]
