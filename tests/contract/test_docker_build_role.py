# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build hosts: what is refused, what is installed, who is in the group docker, and where the role is called."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from .records import value
from .test_roles import load

CE = ("docker-ce", "docker-ce-cli", "docker-buildx-plugin", "containerd.io")


def asked(checkout: Path, name: str, there: dict[str, str] | None = None, **variables: Any) -> Any:
    """A variable of the role on Debian 12 with some packages."""
    lines = [f"installed {package} {version}" for package, version in (there or {}).items()]
    facts = {"os": {"id": "debian", "version_id": "12", "pretty_name": "Debian 12"}, "installed": {"kubelet": None}}
    known = {
        "inventory_hostname": "builder",
        "groups": {"build_hosts": ["builder"]},
        "ansible_facts": {"kubestd_machine": {**facts, **variables.pop("machine", {})}, **variables.pop("facts", {})},
        "__docker_build_query": {"stdout_lines": lines},
    }
    return value(checkout / "roles/docker_build", f"__docker_build_{name}", **{**known, **variables})


@pytest.mark.parametrize(
    ("there", "given", "said"),
    [
        ({}, {"machine": {"os": {"id": "rhel", "version_id": "10", "pretty_name": "RHEL 10"}}}, "this is RHEL 10"),
        ({}, {"machine": {"os": {"id": "debian", "version_id": "11"}}}, "this is debian"),
        ({}, {"groups": {"workers": ["builder"]}}, "builder is a node of a cluster"),
        ({}, {"machine": {"installed": {"kubelet": {"version": "1.36.4"}}}}, "builder is a node of a cluster"),
        ({"docker.io": "20.10"}, {}, "docker.io is installed, which is Docker from another source"),
        ({"docker-ce": "5:29"}, {"docker_build_source": "distribution"}, "docker-ce is installed"),
        ({"podman-docker": "4.3"}, {}, "Podman itself can stay"),
        ({"podman": "4.3", "runc": "1.1"}, {}, "runc of the system would be taken away for containerd.io"),
        # the reason of which is Docker itself
        ({"docker.io": "20.10", "containerd": "1.6", "runc": "1.1"}, {}, "docker.io is installed"),
        ({}, {"docker_build_versions": {"docker-ce-cli": "5:29.8.2-1~*"}}, "has no version of docker-ce"),
        ({}, {"docker_build_daemon": {"insecure-registries": ["a"]}}, "has insecure-registries"),
        ({}, {"docker_build_daemon": {"hosts": ["tcp://0.0.0.0"]}}, "reach the daemon through ssh"),
        ({}, {"docker_build_registry_mirrors": ["http://hub.example.com"]}, "write https://host"),
        ({}, {"docker_build_rootless_user": "ci", "docker_build_users": ["ci"]}, "take one of them out"),
        ({}, {"docker_build_rootless_user": "root"}, "is root"),
    ],
)
def test_what_cannot_work_is_refused(checkout: Path, there: dict[str, str], given: dict[str, Any], said: str) -> None:
    (found,) = asked(checkout, "problems", there, **given)
    assert said in found


def test_what_is_there_is_no_reason_to_refuse(checkout: Path) -> None:
    assert asked(checkout, "problems", {"podman": "4.3.1", "crun": "1.8"}) == []
    there = {"docker.io": "20.10", "containerd": "1.6.20", "runc": "1.1"}
    assert asked(checkout, "problems", there, docker_build_source="distribution") == []
    assert asked(checkout, "problems", dict.fromkeys(CE, "5:29.8.2-1~debian.12~bookworm")) == []


def test_only_a_package_of_another_version_is_installed(checkout: Path) -> None:
    versions = {"docker-ce": "5:29.8.2-1~debian.12~bookworm", "docker-ce-cli": "5:29.8.2-1~debian.12~bookworm"}
    there = {
        **versions,
        "docker-buildx-plugin": "0.37.1-1~debian.12~bookworm",
        "containerd.io": "2.3.6-1~debian.12~bookworm",
    }
    assert asked(checkout, "wrong", there) == []
    assert asked(checkout, "wrong", {**there, "docker-ce": "5:29.8.20-1~debian.12~bookworm"}) == ["docker-ce"]
    assert asked(checkout, "wrong", {**there, "containerd.io": "2.3.5-1~debian.12~bookworm"}) == ["containerd.io"]
    assert asked(checkout, "wrong", {}) == list(CE)
    assert asked(checkout, "wrong", {**there, "docker-ce": "5:30"}, docker_build_versions={}) == []
    assert "docker-ce=5:29.8.2-1~*" in asked(checkout, "apt")


@pytest.mark.parametrize(
    ("system", "packages"),
    [
        (("debian", "12"), ["docker.io"]),
        (("debian", "13"), ["docker.io", "docker-buildx", "docker-cli"]),
        (("ubuntu", "24.04"), ["docker.io", "docker-buildx"]),
    ],
)
def test_the_packages_of_a_system_are_those_that_it_has(
    checkout: Path, system: tuple[str, str], packages: list[str]
) -> None:
    machine = {"os": {"id": system[0], "version_id": system[1]}}
    assert asked(checkout, "apt", machine=machine, docker_build_source="distribution") == packages


def test_the_group_docker_has_exactly_those_who_are_named(checkout: Path) -> None:
    assert asked(checkout, "members", facts={"getent_group": {"docker": ["x", "999", "ci,old"]}}) == ["ci", "old"]
    assert asked(checkout, "members", facts={"getent_group": {"docker": ["x", "999", ""]}}) == []
    # before the packages there is no such group
    assert asked(checkout, "members", facts={"getent_group": {"docker": None}}) == []


def test_no_package_goes_because_of_docker_and_only_ours_go_with_it(checkout: Path) -> None:
    install = next(
        task["ansible.builtin.apt"]
        for task in load(checkout / "roles/docker_build/tasks/install.yml")
        if "ansible.builtin.apt" in task
    )
    assert install["fail_on_autoremove"] is True
    remove = next(
        task["ansible.builtin.apt"]
        for task in load(checkout / "roles/docker_build/tasks/remove.yml")
        if "ansible.builtin.apt" in task
    )
    assert remove["autoremove"] is False and remove["purge"] is False
    assert asked(checkout, "ours", {"podman": "4.3.1", "containerd": "1.6", "docker-ce": "5:29"}) == ["docker-ce"]


def test_build_hosts_have_a_playbook_that_the_site_brings(checkout: Path) -> None:
    (play,) = load(checkout / "playbooks/build_hosts.yml")
    assert play["hosts"] == "build_hosts"
    site = [play["ansible.builtin.import_playbook"] for play in load(checkout / "playbooks/site.yml")]
    assert site == ["cluster.yml", "build_hosts.yml", "platform.yml"]
    removed = next(play for play in load(checkout / "playbooks/remove.yml") if play["hosts"] == "build_hosts")
    (role,) = removed["roles"]
    # images stay
    assert role["vars"] == {"docker_build_state": "absent"}
