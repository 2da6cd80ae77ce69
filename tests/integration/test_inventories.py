# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every inventory of ours is understood whole: argument specs, refusals and records of all its systems, the checks of its machines, and its picture."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.vars.manager import VariableManager
from ansible_collections.kubestd.platform.plugins.action.preflight import plain, specs
from ansible_collections.kubestd.platform.plugins.module_utils._preflight.cluster import Inventory, Machine
from ansible_collections.kubestd.platform.plugins.module_utils._preflight.finding import Finding
from ansible_collections.kubestd.platform.plugins.module_utils._preflight.machines import evaluate

from .conftest import ROOT
from .control_plane import helm

#: what stands in the inventories of people, and not only in tests
NAMES = sorted(path.name for path in (ROOT / "inventories").iterdir() if (path / "platform.yml").exists())
KUBESPRAY = """
[kube_control_plane]
node1 ansible_host=192.0.2.31 etcd_member_name=etcd1
node2 ansible_host=192.0.2.32 etcd_member_name=etcd2
[etcd:children]
kube_control_plane
[kube_node]
node2
node3 ansible_host=192.0.2.33
[k8s_cluster:children]
kube_control_plane
kube_node
[all:vars]
ansible_ssh_common_args="-o ConnectTimeout=1 -o BatchMode=yes"
"""


def play(playbook: str, *arguments: str) -> str:
    done = subprocess.run(
        [Path(sys.executable).parent / "ansible-playbook", ROOT / "playbooks" / f"{playbook}.yml", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env={**os.environ, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_FORCE_COLOR": "0"},
    )
    text = done.stdout + done.stderr
    assert done.returncode == 0, text[-5000:]
    return text


@pytest.mark.parametrize("name", NAMES)
def test_all_its_systems_are_understood_and_drawn(name: str, tmp_path: Path) -> None:
    where = tmp_path / "architecture.html"
    text = play("architecture", "-i", str(ROOT / "inventories" / name), "-e", f"architecture_path={where}")
    assert "WARNING" not in text and "kubeconfig of a control plane] ***\nfatal" not in text
    groups = InventoryManager(DataLoader(), [str(ROOT / "inventories" / name)]).get_groups_dict()
    assert len(re.findall(r"^  \S+: described \([\d.]+ s\)$", text, re.MULTILINE)) == len(groups["platform"])
    page = where.read_text()
    assert not [host for host in groups["platform"] if f">{host}</text>" not in page]
    assert re.search(r"changed=1 ", text)
    again = play("architecture", "-i", str(ROOT / "inventories" / name), "-e", f"architecture_path={where}", "--check")
    assert not re.search(r"changed=[1-9]", again), "the same inventory is the same picture"


def test_the_picture_in_the_documentation_is_of_the_standard_inventory(tmp_path: Path) -> None:
    where = tmp_path / "architecture.svg"
    play("architecture", "-i", str(ROOT / "inventories/standard"), "-e", f"architecture_path={where}")
    said = "make it again: ansible-playbook playbooks/architecture.yml -i inventories/standard -e architecture_path=docs/architecture.svg"
    assert where.read_text() == (ROOT / "docs/architecture.svg").read_text(), said


def findings(source: Path) -> list[Finding]:
    """What preflight says of the machines of an inventory, without asking them."""
    loader = DataLoader()
    inventory = InventoryManager(loader, [str(source)])
    groups = inventory.get_groups_dict()
    options, defaults = specs()
    variables = VariableManager(loader, inventory)
    machines = {}
    for host in groups.get("machines", []):
        found = plain(variables.get_vars(host=inventory.get_host(host)))
        given = {key: value for key, value in found.items() if key.startswith(tuple(f"{role}_" for role in options))}
        machines[host] = Machine(host, given, found["ansible_host"], None, reached=True, broken={})
    parts = {name: groups.get(name, []) for name in ("load_balancers", "control_plane", "workers", "machines")}
    return evaluate(Inventory(parts, machines, options, defaults)) if machines else []


@pytest.mark.parametrize("name", NAMES)
def test_preflight_finds_nothing_in_what_is_said_of_its_machines(name: str) -> None:
    found = findings(ROOT / "inventories" / name)
    assert bool(found) == (ROOT / "inventories" / name / "hosts.yml").exists()
    assert not [one for one in found if one.level == "FAIL"], found


def test_the_kubeconfig_is_of_the_first_control_plane_of_kubespray(tmp_path: Path) -> None:
    """Its inventory as kubespray documents it, and ours after it; ssh to its machines fails here, and says which one it was."""
    (tmp_path / "inventory.ini").write_text(KUBESPRAY)
    both = ("-i", str(tmp_path / "inventory.ini"), "-i", str(ROOT / "inventories/existing_cluster"))
    text = play("platform", *both, "--check", "--limit", "cert_manager,node1", "-e", f"platform_helm={helm()}")
    assert "/etc/kubernetes/admin.conf of node1 (unreachable)" in text
    listed = subprocess.run(
        [Path(sys.executable).parent / "ansible-inventory", *both, "--list"], capture_output=True, check=True, cwd=ROOT
    )
    groups = json.loads(listed.stdout)
    assert groups["control_plane"]["children"] == ["kube_control_plane"]
    assert "machines" not in groups, "no play of ours sets up machines of kubespray"
