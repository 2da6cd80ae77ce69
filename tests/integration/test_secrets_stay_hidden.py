# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A secret appears nowhere: real playbooks with -vvv and --diff, while every command line of the machine is watched."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from . import charts
from .conftest import ROOT
from .control_plane import ControlPlane, LockedRegistry, free_port, helm
from .load import Watch

# Helm itself would print the value
LEAK = "\n{{- if .Values.refuse }}{{ fail .Values.password }}{{ end }}"
MARKERS = {
    "secret_values": "MARKER-of-the-release",
    "secret of the record": "MARKER-of-the-record",
    "object": "MARKER-of-an-object",
}


class Stage:
    """A cluster, a registry with a login, and folders in which everything that a run leaves can be found."""

    def __init__(self, control_plane: ControlPlane, registry: LockedRegistry, folder: Path) -> None:
        self.control_plane, self.registry, self.folder = control_plane, registry, folder
        self.space = f"hidden-{free_port()}"
        flags = ["--ca-file", registry.ca, "--username", registry.username, "--password", registry.password]
        self.ref = charts.push(charts.package(folder / "chart", extra=LEAK), registry, *flags)
        control_plane.kubectl("create", "-n", "default", "serviceaccount", self.space)
        binding = ("--clusterrole=cluster-admin", f"--serviceaccount=default:{self.space}")
        control_plane.kubectl("create", "clusterrolebinding", self.space, *binding)
        self.token = control_plane.kubectl("create", "-n", "default", "token", self.space).strip()
        found = yaml.safe_load(control_plane.kubeconfig.read_text())
        found["users"] = [{"name": found["users"][0]["name"], "user": {"token": self.token}}]
        self.kubeconfig = yaml.safe_dump(found)
        self.left = folder / "left"
        for name in ("home", "tmp", "cache"):
            (self.left / name).mkdir(parents=True)

    def tasks(self) -> list[dict[str, Any]]:
        """Every module that is given a secret, and the ways in which a release can fail with one."""
        chart = {"ref": self.ref, "version": "1.0.0"}
        secret = {
            "name": "made",
            "keys": [{"key": "a"}, {"key": "b", "format": "hex"}],
            "copies": [f"{self.space}-copy"],
        }
        record = {
            "name": f"{self.space}-system",
            "secrets": [{key: value for key, value in secret.items() if key != "copies"}],
            "stages": [
                {
                    "releases": [
                        {
                            "name": "demo",
                            "chart": chart,
                            "values": {"size": "{{ round }}", "refuse": "{{ refuse | default(false) }}"},
                            "secret_values": {"password": "{{ of_the_record }}{{ round }}"},
                        }
                    ]
                }
            ],
        }
        system = {
            "ansible.builtin.include_role": {"name": "kubestd.platform.component"},
            "vars": {
                "component_record": record,
                "component_kubeconfig_content": "{{ kubeconfig }}",
                "component_registry": "{{ registry }}",
                "component_helm": str(helm()),
            },
        }
        release = {
            "name": "demo",
            "namespace": self.space,
            "chart": chart,
            "registry": "{{ registry }}",
            "helm": str(helm()),
            "secret_values": {"password": "{{ of_the_release }}{{ round }}", "text": "{{ of_the_release }}{{ round }}"},
        }
        thing = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "thing"}}
        thing["stringData"] = {"a": "{{ of_the_object }}{{ round }}"}
        refused = {**release, "values": {"refuse": True}}
        rescue = [{"ansible.builtin.debug": {"var": "ansible_failed_result"}}]
        health = {**system, "vars": {**system["vars"], "component_action": "health"}}
        wrong = {**system, "vars": {**system["vars"], "refuse": True}}
        return [
            {"kubestd.platform.helm_oci": release},
            {"block": [{"kubestd.platform.helm_oci": refused}], "rescue": rescue},
            {"kubestd.platform.helm_oci_info": {"namespace": self.space}, "register": "info"},
            {"ansible.builtin.debug": {"var": "info"}},
            {"kubestd.platform.k8s_secret": {**secret, "namespace": self.space}},
            {"kubestd.platform.k8s_manifests": {"name": "x", "namespace": self.space, "objects": [thing]}},
            {"kubestd.platform.k8s_health": {"checks": [{"kind": "Namespace", "object": self.space}]}},
            system,
            health,
            {"block": [wrong], "rescue": rescue},
        ]

    def play(self, number: int, callback: str) -> tuple[str, set[str]]:
        """What a run says, and the command lines of its time."""
        secrets = {
            "kubeconfig": self.kubeconfig,
            "registry": self.registry.options,
            "round": number,
            "of_the_release": MARKERS["secret_values"],
            "of_the_record": MARKERS["secret of the record"],
            "of_the_object": MARKERS["object"],
        }
        (self.folder / "secrets.yml").write_text(yaml.safe_dump(secrets))
        common = {"group/kubestd.platform.kubestd": {"kubeconfig_content": "{{ kubeconfig }}"}}
        play = {"hosts": "localhost", "gather_facts": False, "module_defaults": common, "tasks": self.tasks()}
        (self.folder / "play.yml").write_text(yaml.safe_dump([play]))
        command = ["ansible-playbook", "-vvv", "--diff", "-e", f"@{self.folder}/secrets.yml", f"{self.folder}/play.yml"]
        environment = {
            "HOME": str(self.left / "home"),
            "TMPDIR": str(self.left / "tmp"),
            "KUBESTD_CACHE": str(self.left / "cache"),
            "ANSIBLE_LOG_PATH": str(self.left / "log"),
            "ANSIBLE_STDOUT_CALLBACK": callback,
            "ANSIBLE_NOCOLOR": "1",
        }
        with Watch() as watch:
            done = subprocess.run(
                command,
                cwd=ROOT,
                env={**os.environ, **environment},
                capture_output=True,
                text=True,
                timeout=300,
                check=False,
            )
        assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-3000:]
        return done.stdout + done.stderr, watch.commands

    def words(self) -> dict[str, str]:
        """All secrets by what they are."""
        found = {**MARKERS, "token": self.token, "registry password": self.registry.password}
        made = json.loads(self.control_plane.kubectl("-n", self.space, "get", "secret", "made", "-o", "json"))["data"]
        found.update({f"made {key}": base64.b64decode(value).decode() for key, value in made.items()})
        # as base64, wherever it begins in what was encoded
        for name, word in list(found.items()):
            for start in range(3):
                encoded = base64.b64encode(b"x" * start + word.encode()).decode()
                found[f"{name} as base64 {start}"] = encoded[4 if start else 0 : len(encoded) - 4]
        return found

    def metadata(self) -> str:
        """What everyone may see who may list: names, labels, annotations, and events."""
        found = json.loads(
            self.control_plane.kubectl("get", "secrets,configmaps,leases,namespaces", "-A", "-o", "json")
        )
        events = self.control_plane.kubectl("get", "events", "-A", "-o", "json")
        # The registry of who set which field names keys, never values
        return json.dumps([item["metadata"] for item in found["items"]]) + events


@pytest.fixture
def stage(control_plane: ControlPlane, tmp_path: Path) -> Iterator[Stage]:
    (tmp_path / "chart").mkdir()
    with LockedRegistry(tmp_path / "registry") as registry:
        made = Stage(control_plane, registry, tmp_path)
        yield made
        spaces = [made.space, f"{made.space}-copy", f"{made.space}-system"]
        control_plane.kubectl("delete", "namespace", *spaces, "--wait=false", "--ignore-not-found")
        control_plane.kubectl("delete", "clusterrolebinding", made.space)


def test_no_secret_is_said_passed_on_left_or_shown(stage: Stage) -> None:
    memory = set(os.listdir("/dev/shm"))
    said, commands = stage.play(1, "default")
    report, more = stage.play(2, "ansible.posix.json")
    assert "demo-config" in said and "demo-secret" in said, "the differences are there"
    assert said.count("********") > 4, "and what is secret in them is hidden"
    assert json.loads(report[report.index("{\n") : report.rindex("}") + 1])["stats"]["localhost"]["rescued"] == 2
    assert any("helm upgrade demo" in command for command in commands | more), "helm was seen at work"
    places = {
        "output": said,
        "report": report,
        "command lines": "\n".join(commands | more),
        "metadata": stage.metadata(),
    }
    for path in (path for path in stage.left.rglob("*") if path.is_file()):
        places[str(path.relative_to(stage.left))] = path.read_bytes().decode("latin-1")
    assert "log" in places
    shown = [
        f"{name} in {where}" for name, word in stage.words().items() for where, text in places.items() if word in text
    ]
    assert shown == []
    assert set(os.listdir("/dev/shm")) <= memory, "a file was left in memory"
