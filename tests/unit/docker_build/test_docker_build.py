# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role docker_build writes, and that the real daemon, systemd and a TOML parser accept it."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tomllib

ACCEPTED = "dockerd needs to be started with root"


def text(rendered: Path, case: str, path: str) -> str:
    return (rendered / case / path.lstrip("/")).read_text()


def daemon(rendered: Path, case: str, name: str = "daemon") -> Any:
    return json.loads(text(rendered, case, f"/etc/docker/{name}.json"))


def described(rendered: Path, case: str) -> dict[str, dict[str, Any]]:
    return {item["path"]: item for item in json.loads((rendered / case / "files.json").read_text())}


def services(rendered: Path, case: str) -> dict[str, dict[str, Any]]:
    lines = (rendered / case / "services.jsonl").read_text().splitlines()
    return {entry["name"]: entry for entry in map(json.loads, lines)}


@pytest.mark.parametrize(
    ("case", "name"),
    [
        *[(case, "daemon") for case in ("plain", "ubuntu", "mirror", "everything", "distribution")],
        ("rootless", "rootless"),
    ],
)
def test_the_real_daemon_reads_every_configuration(
    rendered: Path, read_by_dockerd: Callable[[str], str], case: str, name: str
) -> None:
    said = read_by_dockerd(text(rendered, case, f"/etc/docker/{name}.json"))
    assert said.startswith(ACCEPTED), said


def test_the_real_daemon_refuses_what_it_does_not_know(rendered: Path, read_by_dockerd: Callable[[str], str]) -> None:
    wrong = {**daemon(rendered, "plain"), "no-such-option": 1}
    assert "match any configuration option: no-such-option" in read_by_dockerd(json.dumps(wrong))


def test_a_registry_without_tls_is_nowhere_and_networks_and_logs_have_limits(rendered: Path) -> None:
    for case in ("plain", "mirror", "everything", "distribution"):
        found = daemon(rendered, case)
        assert "insecure-registries" not in found and "hosts" not in found
        assert found["default-address-pools"] == [{"base": "172.20.0.0/14", "size": 24}]
        assert found["log-opts"]["max-size"] == "20m" and found["builder"]["gc"]["enabled"]
    assert daemon(rendered, "plain")["live-restore"] and daemon(rendered, "plain")["log-driver"] == "local"


def test_own_settings_are_laid_deeply_over_those_of_the_role(rendered: Path) -> None:
    found = daemon(rendered, "everything")
    assert found["debug"] and found["log-opts"] == {"compress": "true", "max-file": "5", "max-size": "20m"}
    assert (found["metrics-addr"], found["data-root"]) == ("127.0.0.1:9323", "/srv/docker")
    assert found["registry-mirrors"] == ["https://hub.example.com"]


def test_registries_have_their_authorities_and_no_others_have_any(rendered: Path) -> None:
    path = "/etc/docker/certs.d/harbor.example.com:8443/ca.crt"
    assert text(rendered, "everything", path).startswith("-----BEGIN CERTIFICATE-----")
    folder = described(rendered, "everything")["/etc/docker/certs.d"]
    assert folder["state"] == "directory" and folder["exclusive"]
    builder = tomllib.loads(text(rendered, "everything", "/etc/docker/buildkitd.toml"))
    assert builder["registry"]["harbor.example.com:8443"]["ca"] == [path]
    assert builder["registry"]["docker.io"]["mirrors"] == ["hub.example.com"]
    assert builder["worker"]["oci"] == {"gc": True, "maxUsedSpace": "40GB"}


def test_the_mirror_of_the_cluster_is_where_packages_and_images_come_from(rendered: Path) -> None:
    key = described(rendered, "mirror")["/etc/apt/keyrings/kubestd-docker.asc"]
    assert key["url"] == "https://files.example.com/mirror/download.docker.com/linux/debian/gpg"
    assert len(key["sha256"]) == 64
    source = text(rendered, "mirror", "/etc/apt/sources.list.d/kubestd-docker.sources")
    assert "URIs: https://files.example.com/mirror/download.docker.com/linux/debian\nSuites: bookworm\n" in source
    assert daemon(rendered, "mirror")["registry-mirrors"] == ["https://hub.example.com:5000"]
    assert (rendered / "mirror/etc/docker/certs.d/hub.example.com:5000/ca.crt").exists()


def test_the_repository_is_that_of_the_system_and_trusts_one_key(rendered: Path) -> None:
    source = text(rendered, "ubuntu", "/etc/apt/sources.list.d/kubestd-docker.sources")
    assert "URIs: https://download.docker.com/linux/ubuntu\nSuites: noble\n" in source
    assert "Signed-By: /etc/apt/keyrings/kubestd-docker.asc\n" in source
    gone = described(rendered, "distribution")
    assert gone["/etc/apt/sources.list.d/kubestd-docker.sources"]["state"] == "absent"


def test_nothing_else_brings_another_version(rendered: Path) -> None:
    pins = text(rendered, "plain", "/etc/apt/preferences.d/kubestd-docker").strip().split("\n\n")
    assert "Package: docker-ce\nPin: version 5:29.8.2-1~*\nPin-Priority: 1001" in pins
    # without root there is one package more
    assert len(pins) == 4 and "docker-ce-rootless-extras" in text(
        rendered, "rootless", "/etc/apt/preferences.d/kubestd-docker"
    )
    assert text(rendered, "distribution", "/etc/apt/preferences.d/kubestd-docker").startswith("Package: docker.io\n")


def test_a_configuration_is_checked_by_the_daemon_that_is_there(rendered: Path) -> None:
    def check(case: str, name: str = "daemon") -> Any:
        return described(rendered, case)[f"/etc/docker/{name}.json"]["validate"]

    assert check("plain") == ["dockerd", "--validate", "--config-file", "%s"] == check("rootless", "rootless")
    # Docker before 23 has no such option
    assert check("distribution") == []


def test_a_changed_file_restarts_the_daemon(rendered: Path) -> None:
    found = services(rendered, "plain")
    assert found["docker"]["restart_after"] == ["/etc/docker/daemon.json"]
    assert {name: found[name]["state"] for name in found} == {
        "docker": "started",
        "docker.socket": "started",
        "docker-rootless": "stopped",
        "docker-prune.timer": "started",
    }


def test_without_root_there_is_no_daemon_of_the_system(rendered: Path) -> None:
    found = services(rendered, "rootless")
    assert [found[name]["state"] for name in ("docker", "docker.socket", "docker-rootless")] == [
        "stopped",
        "stopped",
        "started",
    ]
    assert not found["docker"]["enabled"] and found["docker-rootless"]["enabled"]
    unit = text(rendered, "rootless", "/etc/systemd/system/docker-rootless.service")
    assert "User=kubestd-no-such-user\n" in unit and "--config-file=/etc/docker/rootless.json\n" in unit
    settings = daemon(rendered, "rootless", "rootless")
    assert not {"data-root", "live-restore", "userland-proxy"} & settings.keys()
    prune = text(rendered, "rootless", "/etc/systemd/system/docker-prune.service")
    assert "DOCKER_HOST=unix:///run/docker-rootless/docker.sock" in prune and "User=kubestd-no-such-user" in prune


def test_what_nothing_uses_is_removed_on_a_schedule_and_volumes_never(rendered: Path) -> None:
    prune = text(rendered, "plain", "/etc/systemd/system/docker-prune.service")
    assert "image prune --all --force --filter until=168h" in prune and "volume prune" not in prune
    assert "OnCalendar=*-*-* 03:30:00\n" in text(rendered, "plain", "/etc/systemd/system/docker-prune.timer")
    assert services(rendered, "no_prune")["docker-prune.timer"]["state"] == "stopped"
    assert described(rendered, "no_prune")["/etc/systemd/system/docker-prune.timer"]["state"] == "absent"


@pytest.mark.parametrize("case", ["plain", "rootless"])
def test_systemd_understands_the_units(rendered: Path, case: str) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("this machine has no systemd-analyze")
    folder = rendered / case / "etc/systemd/system"
    answer = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", *map(str, sorted(folder.iterdir()))],
        capture_output=True,
        text=True,
        check=False,
    )
    # the programs are not installed here
    said = [line for line in answer.stderr.splitlines() if str(folder) in line and "not executable" not in line]
    assert said == []


def test_removal_keeps_images_unless_it_is_told(rendered: Path) -> None:
    gone = described(rendered, "absent")
    assert {item["state"] for item in gone.values()} == {"absent"} and "/etc/docker/daemon.json" in gone
    assert "/var/lib/docker" not in gone and "/etc/docker" not in gone
    assert "/var/lib/docker" in described(rendered, "absent_with_data")
    assert {entry["state"] for entry in services(rendered, "absent").values()} == {"stopped"}
