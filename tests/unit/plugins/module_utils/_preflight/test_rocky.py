# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is other on Rocky Linux; no such machine runs these tests, so what roles would do there is read and not carried out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.kubestd.platform.plugins.module_utils._preflight.machine import selinux

from tests.contract.records import value

ROLES = Path(__file__).parents[5] / "roles"


def facts(**commands: str | None) -> dict[str, Any]:
    found = {"dnf": None, "apt-get": None, "haproxy": None, "keepalived": None, "curl": None, **commands}
    return {"ansible_facts": {"kubestd_machine": {"commands": found, "os": {"version_id": "10.1"}, "interfaces": []}}}


@pytest.mark.parametrize(("content", "word"), [("1", "enforcing"), ("0\n", "permissive"), (None, "off")])
def test_selinux_is_what_the_kernel_says(tmp_path: Path, content: str | None, word: str) -> None:
    if content is not None:
        (tmp_path / "enforce").write_text(content)
    assert selinux(str(tmp_path / "enforce")) == word


def test_packages_have_the_names_of_the_system() -> None:
    rocky = value(ROLES / "kubeadm_cluster", "__kubeadm_cluster_packages", **facts(dnf="/usr/bin/dnf"))
    assert rocky["conntrack"] == "conntrack-tools" and rocky["ip"] == "iproute" and rocky["mount"] == "util-linux"
    debian = value(ROLES / "kubeadm_cluster", "__kubeadm_cluster_packages", **facts(**{"apt-get": "/usr/bin/apt-get"}))
    assert debian["conntrack"] == "conntrack" and debian["ip"] == "iproute2" and debian.keys() == rocky.keys()


@pytest.mark.parametrize(("dnf", "state"), [("/usr/bin/dnf", "present"), (None, "absent")])
def test_haproxy_gets_a_folder_for_its_socket_where_its_unit_makes_none(dnf: str | None, state: str) -> None:
    inventory = {"inventory_hostname": "lb1", "groups": {}, "hostvars": {}, **facts(dnf=dnf)}
    assert value(ROLES / "haproxy_lb", "__haproxy_lb_dnf", **inventory) is (state == "present")
