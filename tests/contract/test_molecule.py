# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Molecule's scenarios have in common, also those that cannot run on every machine."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

#: scenario: its inventory
SCENARIOS = {
    "default": "inventories/sandbox",
    "kind": "molecule/kind/inventory/hosts.yml",
    "vagrant": "molecule/vagrant/inventory/hosts.yml",
}


def test_all_scenarios_have_the_sequence_of_the_base_configuration(checkout: Path) -> None:
    base = yaml.safe_load((checkout / ".config/molecule/config.yml").read_text())
    sequence = base["scenario"]["test_sequence"]
    assert sequence[sequence.index("check") :] == ["check", "converge", "verify", "idempotence", "verify", "destroy"]
    found = {
        path.parent.name: yaml.safe_load(path.read_text()) for path in (checkout / "molecule").glob("*/molecule.yml")
    }
    assert found.keys() == SCENARIOS.keys()
    assert not [name for name, own in found.items() if own.keys() - {"ansible"}]


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_its_playbooks_are_correct_for_its_inventory(checkout: Path, scenario: str) -> None:
    """Only this is tested of kind (it has no node image here) and of vagrant (it needs virtual machines)."""
    names = [f"molecule/{scenario}/{name}.yml" for name in ("create", "converge", "verify", "destroy")]
    answer = subprocess.run(
        [Path(sys.executable).parent / "ansible-playbook", "--syntax-check", "-i", SCENARIOS[scenario], *names],
        cwd=checkout,
        env={
            **os.environ,
            "ANSIBLE_CONFIG": str(checkout / "ansible.cfg"),
            "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "1",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert answer.stdout.count("playbook: ") == len(names)


def test_the_virtual_machines_pass_preflights_sizes(checkout: Path) -> None:
    from ansible_collections.kubestd.platform.plugins.module_utils._preflight.machines import SIZES

    machines = yaml.safe_load((checkout / "molecule/vagrant/inventory/hosts.yml").read_text())["machines"]
    for group, content in machines["children"].items():
        size = {**machines["vars"], **content.get("vars", {})}
        assert size["vagrant_cpus"] >= SIZES[group]["cpus"][0]
        assert size["vagrant_memory_mib"] >= SIZES[group]["memory_mib"][0]
        assert size["vagrant_disk_gib"] * 1024 > SIZES[group]["disk_mib"][0]


@pytest.mark.skipif(not shutil.which("ruby"), reason="ruby is not installed on this machine")
def test_the_vagrantfile_is_ruby(checkout: Path) -> None:
    answer = subprocess.run(["ruby", "-c", checkout / "molecule/vagrant/Vagrantfile"], capture_output=True, check=False)
    assert answer.returncode == 0, answer.stderr


def test_the_workflow_runs_everything_and_both_scenarios_that_cannot_run_here(checkout: Path) -> None:
    """Read, not run: no runner of GitHub is here."""
    jobs = yaml.safe_load((checkout / ".github/workflows/ci.yml").read_text())["jobs"]
    said = {name: " ".join(step.get("run", "") for step in job["steps"]) for name, job in jobs.items()}
    assert "make test" in said["test"]
    for scenario in ("kind", "vagrant"):
        assert f"scripts/kubestd molecule test -s {scenario}" in said[scenario] and scenario in SCENARIOS
    boxes = [box["name"] for box in jobs["vagrant"]["strategy"]["matrix"]["box"]]
    vagrantfile = (checkout / "molecule/vagrant/Vagrantfile").read_text()
    assert boxes[0] in vagrantfile and {name.split("/")[0] for name in boxes} == {"cloud-image", "rockylinux"}
    for name in jobs["vagrant"]["env"]:
        assert f'ENV.fetch("{name}"' in vagrantfile
    assert all(job["timeout-minutes"] <= 90 for job in jobs.values())


def test_the_virtual_machines_are_three_control_planes_behind_two_balancers(checkout: Path) -> None:
    groups = yaml.safe_load((checkout / "molecule/vagrant/inventory/hosts.yml").read_text())["machines"]["children"]
    assert {name: len(group["hosts"]) for name, group in groups.items()} == {
        "load_balancers": 2,
        "control_plane": 3,
        "workers": 1,
    }
