# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role's files for many cases, and the real daemon's reading of them. No daemon is started: it reads its file, and refuses to go on."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

HERE = Path(__file__).parent
CHECKOUT = HERE.parents[2]
CA = "-----BEGIN CERTIFICATE-----\nplaceholder\n-----END CERTIFICATE-----\n"
CE = {
    "docker-ce": "5:29.8.2-1~debian.12~bookworm",
    "docker-ce-cli": "5:29.8.2-1~debian.12~bookworm",
    "docker-buildx-plugin": "0.37.1-1~debian.12~bookworm",
    "containerd.io": "2.3.6-1~debian.12~bookworm",
}
ROOTLESS = {"docker-ce-rootless-extras": CE["docker-ce"], "uidmap": "1:4.13", "slirp4netns": "1.2.0-1"}
MIRROR = {"files": "https://files.example.com/mirror", "registry": "https://hub.example.com:5000", "ca": CA}

# name of the case: (system, packages that are there, variables)
CASES: dict[str, tuple[str, dict[str, str], dict[str, Any]]] = {
    "plain": ("debian 12", CE, {}),
    "ubuntu": ("ubuntu 24.04", CE, {"docker_build_versions": {"docker-ce": "5:*"}}),
    "mirror": ("debian 12", CE, {"cluster_mirror": MIRROR}),
    "everything": (
        "debian 12",
        CE,
        {
            "docker_build_registries": [{"name": "harbor.example.com:8443", "ca": CA}],
            "docker_build_registry_mirrors": ["https://hub.example.com"],
            "docker_build_log_driver": "json-file",
            "docker_build_metrics_address": "127.0.0.1:9323",
            "docker_build_data_root": "/srv/docker",
            "docker_build_daemon": {"debug": True, "log-opts": {"compress": "true"}},
        },
    ),
    "no_prune": ("debian 12", CE, {"docker_build_prune": {}}),
    "distribution": (
        "debian 12",
        {"docker.io": "20.10.24+dfsg1-1+deb12u1+b6"},
        {"docker_build_source": "distribution", "docker_build_versions": {"docker.io": "20.10.*"}},
    ),
    "rootless": ("debian 12", CE | ROOTLESS, {"docker_build_rootless_user": "kubestd-no-such-user"}),
    "absent": ("debian 12", {}, {"docker_build_state": "absent"}),
    "absent_with_data": ("debian 12", {}, {"docker_build_state": "absent", "docker_build_remove_data": True}),
}


@pytest.fixture(scope="session")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One ansible-playbook run of the real role over all cases, in check mode, with modules that write below a folder."""
    root = tmp_path_factory.mktemp("docker_build")
    collection = root / "collections/ansible_collections/kubestd/platform"
    (collection / "roles").mkdir(parents=True)
    (collection / "galaxy.yml").write_text((CHECKOUT / "galaxy.yml").read_text())
    (collection / "roles/docker_build").symlink_to(CHECKOUT / "roles/docker_build")
    shutil.copytree(HERE / "stubs", collection / "plugins/modules")
    (root / "bin").mkdir()
    # what dpkg-query says of packages that are there; it knows no others
    (root / "bin/dpkg-query").write_text('#!/bin/sh\nprintf "$KUBESTD_STUB_PACKAGES"\nexit 1\n')
    (root / "bin/dpkg-query").chmod(0o755)
    plays = [
        {
            "name": f"Render {case}",
            "hosts": "builder",
            "gather_facts": False,
            "vars": variables,
            "environment": {
                "PATH": f"{root}/bin:{os.environ['PATH']}",
                "KUBESTD_STUB_ROOT": f"{root}/{case}",
                "KUBESTD_STUB_SYSTEM": system,
                "KUBESTD_STUB_PACKAGES": "".join(f"installed {name} {version}\\n" for name, version in there.items()),
            },
            "pre_tasks": [{"name": "Forget the machine", "ansible.builtin.meta": "clear_facts"}],
            "roles": [{"role": "kubestd.platform.docker_build"}],
        }
        for case, (system, there, variables) in CASES.items()
    ]
    host = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    (root / "inventory.yml").write_text(yaml.safe_dump({"build_hosts": {"hosts": {"builder": host}}}))
    (root / "play.yml").write_text(yaml.safe_dump(plays))
    environment = {
        **os.environ,
        "ANSIBLE_COLLECTIONS_PATH": f"{root}/collections",
        "ANSIBLE_HOME": f"{root}/home",
        "ANSIBLE_PIPELINING": "1",
    }
    environment.pop("ANSIBLE_CONFIG", None)
    answer = subprocess.run(
        [Path(sys.executable).parent / "ansible-playbook", "--check", "-i", "inventory.yml", "play.yml"],
        cwd=root,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr
    return root


def real_dockerd() -> Path:
    """Docker's daemon of this machine, or of Debian's package, unpacked beside other tools and installed nowhere."""
    found = shutil.which("dockerd")
    if found:
        return Path(found)
    folder = Path(os.environ.get("KUBESTD_CACHE") or Path.home() / ".cache/kubestd") / "tools/docker.io"
    program = folder / "usr/sbin/dockerd"
    if not program.exists():
        with tempfile.TemporaryDirectory() as place:
            got = subprocess.run(
                ["apt-get", "download", "-q", "docker.io"], cwd=place, capture_output=True, check=False
            )
            archives = list(Path(place).glob("docker.io_*.deb"))
            if got.returncode or not archives:
                pytest.skip("there is no dockerd, and apt-get cannot download docker.io")
            subprocess.run(["dpkg-deb", "-x", str(archives[0]), str(folder)], check=True)
    return program


@pytest.fixture(scope="session")
def read_by_dockerd() -> Iterator[Callable[[str], str]]:
    """What the real daemon says of a configuration, for somebody who may not start it."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        program = shutil.copy(real_dockerd(), folder)

        def read(text: str) -> str:
            path = Path(folder) / "daemon.json"
            path.write_text(text)
            path.chmod(0o644)
            answer = subprocess.run(
                [program, "--config-file", str(path)],
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
                user=65534 if os.geteuid() == 0 else None,
                env={"PATH": os.environ["PATH"], "HOME": folder},
            )
            assert answer.returncode
            return answer.stderr.strip().splitlines()[-1]

        yield read
