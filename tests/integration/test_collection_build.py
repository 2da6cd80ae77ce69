# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection builds, installs into an empty path, and its playbooks run from there. No network."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
TOOLS = Path(sys.executable).parent
PLAYBOOKS = sorted(path.stem for path in (CHECKOUT / "playbooks").glob("*.yml"))
INVENTORY = """\
machines:
  vars:
    cluster_endpoint: {host: 192.0.2.9, port: 6443}
  children:
    load_balancers: {hosts: {lb1: {ansible_host: 192.0.2.11}}}
    control_plane: {hosts: {cp1: {ansible_host: 192.0.2.21}}}
    workers: {hosts: {w1: {ansible_host: 192.0.2.41}}}
"""


def run(folder: Path, *command: str | Path, **environment: str) -> str:
    """The output of a command that must succeed, with no settings of the user or the checkout."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith("ANSIBLE_")}
    variables = {**clean, "ANSIBLE_HOME": str(folder / "home"), "ANSIBLE_NOCOLOR": "1", **environment}
    answer = subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    return answer.stdout


@pytest.fixture(scope="module")
def tarball(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("build")
    run(folder, TOOLS / "ansible-galaxy", "collection", "build", CHECKOUT, "--output-path", folder)
    return folder / "kubestd-platform-0.1.0.tar.gz"


@pytest.fixture(scope="module")
def installed(tarball: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an inventory and the installed collection, far from the checkout."""
    folder = tmp_path_factory.mktemp("elsewhere")
    (folder / "inventory.yml").write_text(INVENTORY)
    run(
        folder,
        TOOLS / "ansible-galaxy",
        "collection",
        "install",
        tarball,
        "--no-deps",
        "--offline",
        "-p",
        folder / "collections",
    )
    return folder


def test_the_tarball_holds_what_a_user_needs(tarball: Path) -> None:
    with tarfile.open(tarball) as bundle:
        names = set(bundle.getnames())
    for name in (
        "LICENSE",
        "README.md",
        "meta/runtime.yml",
        "playbooks/site.yml",
        "roles/haproxy_lb/tasks/main.yml",
        "inventories/standard",
    ):
        assert name in names


def test_the_tarball_holds_nothing_of_the_workshop(tarball: Path) -> None:
    workshop = {"tests", "molecule", ".collections", ".git", ".venv", "__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache",
                ".hypothesis", ".ansible", ".cache", "id_ed25519", "id_rsa", "sandbox"}  # fmt: skip
    with tarfile.open(tarball) as bundle:
        members = bundle.getmembers()
    found = [member.name for member in members if workshop & set(member.name.split("/"))]
    assert found == []
    assert not [member.name for member in members if member.name.endswith((".pyc", ".deb", ".tar.gz", ".key", ".pem"))]
    assert not [member.name for member in members if member.issym() or member.islnk()]
    assert sum(member.size for member in members) < 5_000_000


@pytest.mark.parametrize("playbook", PLAYBOOKS)
def test_a_playbook_runs_from_the_installed_collection(installed: Path, playbook: str) -> None:
    output = run(
        installed, TOOLS / "ansible-playbook", f"kubestd.platform.{playbook}", "-i", "inventory.yml", "--list-tasks",
        ANSIBLE_COLLECTIONS_PATH=str(installed / "collections"),
    )  # fmt: skip
    assert "play #1" in output


def test_site_of_the_installed_collection_has_valid_syntax(installed: Path) -> None:
    run(
        installed, TOOLS / "ansible-playbook", "kubestd.platform.site", "-i", "inventory.yml", "--syntax-check",
        ANSIBLE_COLLECTIONS_PATH=str(installed / "collections"),
    )  # fmt: skip


def test_site_runs_the_same_tasks_from_a_checkout(installed: Path) -> None:
    def tasks(playbook: str | Path, collections: Path) -> list[str]:
        command = [TOOLS / "ansible-playbook", playbook, "-i", "inventory.yml", "--list-tasks"]
        lines = run(installed, *command, ANSIBLE_COLLECTIONS_PATH=str(collections)).splitlines()
        return [line for line in lines if not line.startswith("playbook:")]

    link = installed / "checkout/ansible_collections/kubestd"
    link.mkdir(parents=True)
    (link / "platform").symlink_to(CHECKOUT)
    from_checkout = tasks(CHECKOUT / "site.yml", installed / "checkout")
    assert from_checkout == tasks("kubestd.platform.site", installed / "collections")
    assert any("haproxy_lb" in line for line in from_checkout)
