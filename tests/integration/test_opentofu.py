# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a real `tofu apply` of docs/opentofu to an inventory that preflight likes. No machine is made: main.tf, which needs libvirt, stays out.

OpenTofu is built from its Go module once, by `python -m tests.integration.test_opentofu` (some minutes); where it is not, these tests are skipped and say so.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import ROOT
from .control_plane import CACHE
from .test_inventories import findings

MODULE, VERSION = "github.com/opentofu/opentofu", "1.12.6"
PROGRAM = CACHE / f"tools/tofu-{VERSION}"


def build() -> None:
    """The program, from its Go module; inside of it, because go.mod there replaces modules."""
    found = subprocess.run(["go", "mod", "download", "-json", f"{MODULE}@v{VERSION}"], check=True, capture_output=True)
    folder = CACHE / "tools/tofu.build"
    shutil.copytree(json.loads(found.stdout)["Dir"], folder, dirs_exist_ok=True)
    subprocess.run(["chmod", "-R", "u+w", folder], check=True)
    command = ["go", "build", "-mod=mod", "-trimpath", "-ldflags", "-s -w", "-o", folder / "out", "./cmd/tofu"]
    subprocess.run(["nice", "-n", "15", *command], cwd=folder, check=True)
    (folder / "out").rename(PROGRAM)
    shutil.rmtree(folder)


pytestmark = pytest.mark.skipif(not PROGRAM.exists(), reason=f"{PROGRAM} is not built")


def tofu(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "TF_CLI_CONFIG_FILE": os.devnull, "CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1"}
    command = [PROGRAM, f"-chdir={folder}", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


@pytest.fixture
def infrastructure(tmp_path: Path) -> Path:
    """The variables and outputs of docs/opentofu, with the values of its example."""
    folder = tmp_path / "infrastructure"
    folder.mkdir()
    for name in ("variables.tf", "outputs.tf"):
        shutil.copy(ROOT / "docs/opentofu" / name, folder)
    shutil.copy(ROOT / "docs/opentofu/example.tfvars", folder / "terraform.tfvars")
    assert tofu(folder, "init").returncode == 0
    return folder


def test_what_was_applied_is_an_inventory_that_preflight_likes(
    infrastructure: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = tofu(infrastructure, "apply", "-auto-approve")
    assert done.returncode == 0, done.stderr
    # such a file that is not there is a warning on standard output, before the outputs
    monkeypatch.setenv("TF_CLI_CONFIG_FILE", str(tmp_path / "none"))
    assert "Warning" in subprocess.run([PROGRAM, "version"], capture_output=True, text=True, check=True).stdout
    source = tmp_path / "machines.opentofu.yml"
    source.write_text(
        json.dumps({"plugin": "kubestd.platform.opentofu", "folder": "infrastructure", "program": str(PROGRAM)})
    )
    listed = subprocess.run(
        [Path(sys.executable).parent / "ansible-inventory", "-i", source, "--list"], capture_output=True, check=True
    )
    # texts from outside are no templates, which Ansible notes on each
    groups = json.loads(listed.stdout, object_hook=lambda item: item.get("__ansible_unsafe", item))
    assert groups["control_plane"]["hosts"] == ["cp1", "cp2", "cp3"] and groups["workers"]["hosts"] == ["w1", "w2"]
    w1 = groups["_meta"]["hostvars"]["w1"]
    assert w1["ansible_host"] == "192.0.2.41" and w1["cluster_endpoint"] == {"host": "192.0.2.10", "port": 6443}
    assert w1["cluster_node_labels"] == {"topology.kubernetes.io/zone": "a"} and w1["ansible_user"] == "admin"
    static = tmp_path / "static.yml"
    hosts = {group: {"hosts": groups[group]["hosts"]} for group in ("load_balancers", "control_plane", "workers")}
    for group in hosts.values():
        group["hosts"] = {host: groups["_meta"]["hostvars"][host] for host in group["hosts"]}
    static.write_text(json.dumps({"machines": {"children": hosts}}))
    found = findings(static)
    assert found and not [one for one in found if one.level == "FAIL"]


def test_outputs_of_a_folder_without_a_state_are_a_sentence(infrastructure: Path, tmp_path: Path) -> None:
    source = tmp_path / "machines.opentofu.yml"
    source.write_text(
        json.dumps({"plugin": "kubestd.platform.opentofu", "folder": "infrastructure", "program": str(PROGRAM)})
    )
    answer = subprocess.run(
        [Path(sys.executable).parent / "ansible-inventory", "-i", source, "--list"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "1"},
    )
    assert answer.returncode != 0
    assert "has no output 'machines'; there are none. Add it, or name another one." in " ".join(answer.stderr.split())


@pytest.mark.parametrize(
    ("machines", "said"),
    [
        ('{ cp1 = { group = "control_plane", address = "a", cpus = 1, memory_mib = 1, disk_gib = 1 }, '
         'cp2 = { group = "control_plane", address = "b", cpus = 1, memory_mib = 1, disk_gib = 1 } }', "an odd number of machines"),
        ('{ cp1 = { group = "masters", address = "a", cpus = 1, memory_mib = 1, disk_gib = 1 } }', "group is load_balancers,"),
    ],
)  # fmt: skip
def test_machines_that_are_no_cluster_are_refused_before_anything_is_made(
    infrastructure: Path, machines: str, said: str
) -> None:
    done = tofu(infrastructure, "plan", "-no-color", f"-var=machines={machines}")
    assert done.returncode != 0 and said in " ".join(done.stderr.split())


def test_the_module_has_the_form_that_tofu_writes() -> None:
    done = tofu(ROOT / "docs/opentofu", "fmt", "-check", "-diff")
    assert done.returncode == 0, done.stdout


if __name__ == "__main__":
    build()
