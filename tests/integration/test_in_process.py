# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A module inside Ansible's process and the same module as a process answer the same, against a real API server and registry."""

from __future__ import annotations

import datetime
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from . import charts
from .conftest import ROOT
from .control_plane import ControlPlane, Registry, helm

HOSTS = ("inproc", "outproc")
MARKER = "MARKER-secret"
# Each runs on both hosts, of which only one differs in the name of its Python.
SAME = {
    "present": ("helm_oci", {"values": {"size": 2}, "description": "with {{ secret }}"}, {}),
    "unchanged": ("helm_oci", {"values": {"size": 2}, "description": "with {{ secret }}"}, {}),
    "checked": ("helm_oci", {"values": {"size": 3}}, {"check_mode": True, "diff": True}),
    "upgraded": ("helm_oci", {"values": {"size": 3}}, {"diff": True}),
    "refused": ("helm_oci", {"chart": {"ref": "./no-such-chart.tgz"}}, {}),
    "misspelt": ("helm_oci", {"valeus": {}}, {}),
    "listed": ("helm_oci_info", {}, {}),
    "made": ("k8s_secret", {"keys": [{"key": "word", "length": 8}]}, {}),
    "applied": (
        "k8s_manifests",
        {"objects": [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}]},
        {},
    ),
    "unread": ("k8s_manifests", {"files": ["no-such-file.yml"]}, {}),
    "well": ("k8s_health", {"checks": [{"kind": "Namespace", "object": "{{ inventory_hostname }}"}]}, {}),
    "ill": ("k8s_health", {"checks": [{"kind": "Pod", "object": "none", "namespace": "x"}], "timeout": 0}, {}),
}
DELEGATED = {"delegated": ("helm_oci_info", {"namespace": "demo"}, {"delegate_to": "inproc"})}
# What Ansible has to do: wait elsewhere, set an environment, become somebody, say what JSON cannot.
AS_A_PROCESS = {
    "async": ("helm_oci_info", {}, {"async": 30, "poll": 1}),
    "environment": ("helm_oci_info", {}, {"environment": {"KUBECONFIG": "admin.conf"}}),
    "become": ("helm_oci_info", {}, {"become": True, "become_method": "nobody"}),
    "date": ("helm_oci", {"values": {"text": datetime.date(2026, 1, 1)}}, {"check_mode": True}),
}
NOBODY = """
from ansible.plugins.become import BecomeBase
DOCUMENTATION = "name: nobody\\nshort_description: becomes nobody else\\ndescription: [x]\\noptions: {}"
class BecomeModule(BecomeBase):
    name = "nobody"
    def build_become_command(self, cmd, shell):
        return cmd
"""


def common(module: str, ref: str) -> dict[str, Any]:
    """Options that all tasks of a module have; the API server comes from module_defaults."""
    place = {"name": "demo", "namespace": "{{ inventory_hostname }}"}
    if module == "helm_oci":
        secret = {"registry": {"plain_http": True, "username": "x", "password": "{{ secret }}"}}
        return {
            **place,
            **secret,
            "chart": {"ref": ref, "version": "1.0.0"},
            "secret_values": {"password": "{{ secret }}"},
        }
    return {"helm_oci_info": {"namespace": place["namespace"]}, "k8s_health": {}}.get(module, place)


class Answers:
    """What a run said: the results of each host, and all text of -vvv."""

    def __init__(self, folder: Path, text: str) -> None:
        self.text = text
        self.results = {host: json.loads((folder / f"{host}.json").read_text()) for host in HOSTS}

    def of(self, host: str, name: str) -> dict[str, Any]:
        """The result of a task, without the name of the host and what takes its time."""
        found = re.sub(r"\d+\.\d s", "0.0 s", json.dumps(self.results[host][name]).replace(host, "host"))
        made: dict[str, Any] = json.loads(re.sub(r'"seconds": [\d.]+', '"seconds": 0', found))
        made.pop("ansible_facts", None)  # which Python was found
        return made


@pytest.fixture(scope="module")
def answers(control_plane: ControlPlane, registry: Registry, tmp_path_factory: pytest.TempPathFactory) -> Answers:
    """One run of all tasks on both hosts."""
    folder = tmp_path_factory.mktemp("in-process")
    ref = charts.push(charts.package(folder), registry)
    shutil.copy(control_plane.kubeconfig, folder / "admin.conf")
    (folder / "become_plugins").mkdir()
    (folder / "become_plugins/nobody.py").write_text(NOBODY)
    tasks: list[dict[str, Any]] = []
    for name, (module, options, words) in {**SAME, **DELEGATED, **AS_A_PROCESS}.items():
        action = {f"kubestd.platform.{module}": {**common(module, ref), **options}}
        only = {"when": f"inventory_hostname == '{HOSTS[0]}'"} if name in AS_A_PROCESS else {}
        tasks.append({"name": name, "register": f"said_{name}", "ignore_errors": True, **action, **words, **only})
    said = ", ".join(f"'{name}': said_{name}" for name in (*SAME, *DELEGATED, *AS_A_PROCESS))
    keep = {"content": f"{{{{ {{{said}}} | to_json }}}}", "dest": f"{folder}/{{{{ inventory_hostname }}}}.json"}
    tasks.append({"name": "Keep", "ansible.builtin.copy": {**keep, "mode": "0600"}})
    # the playbook's folder is where a relative path begins
    defaults = {
        "group/kubestd.platform.kubestd": {"kubeconfig": "admin.conf"},
        "kubestd.platform.helm_oci": {"helm": str(helm())},
    }
    play = {"hosts": "all", "gather_facts": False, "module_defaults": defaults, "tasks": tasks}
    (folder / "play.yml").write_text(yaml.safe_dump([play]))
    # two names of one Python
    other = folder / "python"
    other.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    other.chmod(0o755)
    hosts = {
        "inproc": {"ansible_python_interpreter": "{{ ansible_playbook_python }}"},
        "outproc": {"ansible_python_interpreter": str(other)},
    }
    inventory = {"all": {"hosts": hosts, "vars": {"ansible_connection": "local", "secret": MARKER}}}
    (folder / "inventory.yml").write_text(yaml.safe_dump(inventory))
    done = subprocess.run(
        ["ansible-playbook", "-vvv", "--diff", "-i", str(folder / "inventory.yml"), str(folder / "play.yml")],
        cwd=ROOT,
        env={
            **os.environ,
            "ANSIBLE_INJECT_INVOCATION": "1",
            "ANSIBLE_BECOME_PLUGINS": str(folder / "become_plugins"),
            "KUBESTD_CACHE": str(folder / "cache"),
        },
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr
    return Answers(folder, done.stdout + done.stderr)


@pytest.mark.parametrize("name", SAME)
def test_it_answers_as_the_module_does(answers: Answers, name: str) -> None:
    assert answers.of("inproc", name) == answers.of("outproc", name)


def test_the_tasks_did_what_they_are_named_for(answers: Answers) -> None:
    changed = {name for name in SAME if answers.of("inproc", name)["changed"]}
    failed = {name for name in SAME if answers.of("inproc", name)["failed"]}
    assert changed == {"present", "checked", "upgraded", "made", "applied"}
    assert failed == {"refused", "misspelt", "unread", "ill"}
    assert answers.of("inproc", "listed")["releases"][0]["revision"] == 2
    assert "size: '3'" in answers.of("inproc", "checked")["diff"]["after"]


def test_only_what_is_the_same_runs_in_this_process(answers: Answers) -> None:
    assert answers.text.count("<inproc> Running module") == len(SAME) + len(DELEGATED)
    assert answers.text.count("<outproc> Running module") == len(DELEGATED)
    assert not any(answers.of("inproc", name)["failed"] for name in AS_A_PROCESS), answers.results["inproc"]


def test_no_secret_is_said(answers: Answers) -> None:
    assert "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER" in json.dumps(answers.of("inproc", "present")["invocation"])
    assert "with ********" in json.dumps(answers.of("inproc", "present")["invocation"])
    assert MARKER not in json.dumps(answers.results)
    assert MARKER not in answers.text
