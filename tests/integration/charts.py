# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Charts for tests: a small one of our own, in a real registry."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.kubestd.platform.plugins.module_utils._errors import KubestdError
from ansible_collections.kubestd.platform.plugins.module_utils._kubeconfig import access
from ansible_collections.kubestd.platform.plugins.module_utils._release.run import Release

from .control_plane import ControlPlane, Registry, helm

TEMPLATE = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: {{ .Release.Name }}-config}
data: {size: {{ .Values.size | quote }}, kind: {{ kindOf .Values.size }}, text: {{ .Values.text | quote }}}
---
apiVersion: v1
kind: Secret
metadata: {name: {{ .Release.Name }}-secret}
stringData: {password: {{ .Values.password | default "none" | quote }}}
{{- if .Values.broken }}
---
apiVersion: v1
kind: Service
metadata: {name: Not_A_Name}
{{- end }}
{{- if .Values.hook }}
---
apiVersion: batch/v1
kind: Job
metadata: {name: {{ .Release.Name }}-hook, annotations: {"helm.sh/hook": "pre-install,pre-upgrade"}}
spec: {template: {spec: {restartPolicy: Never, containers: [{name: a, image: x}]}}}
{{- end }}
{{- if .Values.custom }}
---
apiVersion: charts.kubestd/v1
kind: {{ .Values.custom }}
metadata: {name: {{ .Release.Name }}}
{{- end }}
"""
CRD = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "demos.charts.kubestd"},
    "spec": {
        "group": "charts.kubestd",
        "names": {"plural": "demos", "singular": "demo", "kind": "Demo"},
        "scope": "Namespaced",
        "versions": [
            {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {"type": "object"}}}
        ],
    },
}


def package(folder: Path, version: str = "1.0.0", extra: str = "", crds: dict[str, Any] | None = None) -> Path:
    """An archive of the chart demo; extra makes it another one."""
    source = folder / "demo"
    (source / "templates").mkdir(parents=True, exist_ok=True)
    (source / "Chart.yaml").write_text(json.dumps({"apiVersion": "v2", "name": "demo", "version": version}))
    (source / "values.yaml").write_text(json.dumps({"size": 1, "text": "x"}))
    (source / "templates/all.yaml").write_text(f"# {extra}\n{TEMPLATE}")
    if crds:
        (source / "crds").mkdir(exist_ok=True)
        (source / "crds/crds.yaml").write_text(json.dumps(crds))
    run("package", str(source), "--destination", str(folder))
    return folder / f"demo-{version}.tgz"


def push(archive: Path, registry: Registry, *flags: str) -> str:
    """Push an archive; its reference."""
    scheme = ["--plain-http"] if registry.scheme == "http" else []
    run("push", str(archive), f"oci://{registry.address}/charts", *scheme, *flags)
    return f"oci://{registry.address}/charts/demo"


def run(*arguments: str, **options: Any) -> str:
    """Helm, for what a test prepares."""
    done = subprocess.run(
        [str(helm()), *arguments], capture_output=True, text=True, check=False, timeout=120, **options
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


DEFAULTS: dict[str, Any] = {
    "namespace_labels": {},
    "registry": {"plain_http": True},
    "mirror": {},
    "values": {},
    "overlays": [],
    "secret_values": {},
    "description": None,
    "history_max": 10,
    "crds": "apply",
    "on_failure": "keep",
    "recover": True,
    "take_ownership": False,
    "drift": "ignore",
    "timeout": 60,
    "state": "present",
    "cosign": "cosign",
}


class Releaser:
    """helm_oci without Ansible around it."""

    def __init__(
        self, control_plane: ControlPlane, ref: str, cache: Path, name: str = "demo", namespace: str = "demo"
    ) -> None:
        self.control_plane, self.cache = control_plane, cache
        self.base = {**DEFAULTS, "name": name, "namespace": namespace, "helm": str(helm())}
        self.base["chart"] = {"ref": ref, "version": "1.0.0"}

    def __call__(self, check_mode: bool = False, diff: bool = False, **options: Any) -> dict[str, Any]:
        who = access({"kubeconfig": str(self.control_plane.kubeconfig)})
        return Release({**self.base, **options}, who, str(self.cache)).run(check_mode, diff)

    def refused(self, sentence: str, **options: Any) -> str:
        """It fails with a sentence, which is returned, and changes nothing in the cluster."""
        before = self.state()
        with pytest.raises(KubestdError, match=sentence) as caught:
            self(**options)
        said = str(caught.value)
        assert "Traceback" not in said and "\n" not in said, said
        assert self.state() == before, "something was changed before the chart was known to be good"
        return said

    def state(self) -> str:
        """The namespace and what a release makes in it, down to the version of each object."""
        name = self.base["namespace"]
        show = ("--ignore-not-found", "-o", "jsonpath={range .items[*]}{.kind}/{.metadata.name}/{.metadata.uid}{end}")
        space = self.control_plane.kubectl("get", "namespace", name, "--ignore-not-found", "-o", "name")
        return space and space + self.kubectl("get", "configmaps,secrets,serviceaccounts", *show)

    def kubectl(self, *arguments: str, **options: str) -> str:
        return self.control_plane.kubectl("-n", self.base["namespace"], *arguments, **options)

    def helm(self, *arguments: str) -> str:
        """A plain helm by another hand."""
        flags = ["--kubeconfig", str(self.control_plane.kubeconfig), "--namespace", self.base["namespace"]]
        return run(*arguments, *flags)

    def size(self) -> str:
        return self.kubectl("get", "configmap", "demo-config", "-o", "jsonpath={.data.size}")
