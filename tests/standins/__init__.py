# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stand-ins: small charts with the name, version, values, schema and CRDs of an upstream chart, and workloads that do nothing.

Upstream charts cannot be had where the tests run. A stand-in is built from ../shared/contracts and systems.yaml;
charts that systems.yaml does not name get one Deployment of the release's name.
"""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from functools import cache
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent
IMAGE = "registry.k8s.io/pause:3.10.2"
# What the level restricted of Pod Security asks for
SAFE = {"runAsNonRoot": True, "runAsUser": 65534, "seccompProfile": {"type": "RuntimeDefault"}}
LOCKED = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@cache
def systems() -> dict[str, Any]:
    """systems.yaml."""
    return dict(yaml.safe_load((HERE / "systems.yaml").read_text()))


def every(contracts: Path) -> list[str]:
    """Names of all contract folders that are of a chart."""
    return sorted(path.parent.name for path in contracts.glob("*/Chart.yaml"))


def workload(number: int, described: dict[str, Any]) -> str:
    """A template of one workload."""
    labels = {"app.kubernetes.io/instance": "RELEASE", "part": f"part-{number}", **described.get("labels", {})}
    path = described.get("replicas")
    replicas = (
        f"{{{{ dig {' '.join(json.dumps(part) for part in path.split('.'))} 1 (.Values | toJson | fromJson) }}}}"
        if path
        else "1"
    )
    spec: dict[str, Any] = {
        "selector": {"matchLabels": labels},
        "template": {
            "metadata": {"labels": labels},
            "spec": {
                "securityContext": SAFE,
                "containers": [{"name": "main", "image": IMAGE, "securityContext": LOCKED}],
            },
        },
    }
    if described["kind"] == "StatefulSet":
        spec["serviceName"] = "none"
    if described["kind"] != "DaemonSet":
        spec["replicas"] = "REPLICAS"
    metadata = {"name": "NAME", **({"namespace": "SPACE"} if "namespace" in described else {})}
    found = {"apiVersion": "apps/v1", "kind": described["kind"], "metadata": metadata, "spec": spec}
    text = json.dumps(found).replace('"REPLICAS"', replicas).replace("RELEASE", "{{ .Release.Name }}")
    return text.replace("NAME", described["name"]).replace("SPACE", described.get("namespace", ""))


def service(described: str) -> str:
    """A template of a service without pods: a name, or name:port."""
    name, _, port = described.rpartition(":") if ":" in described.rpartition("}")[2] else (described, "", "80")
    spec = {"ports": [{"port": int(port)}]}
    found = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "NAME"}, "spec": spec}
    return json.dumps(found).replace("NAME", name)


def files(contracts: Path, name: str) -> dict[str, str]:
    """All files of a stand-in."""
    folder = contracts / name
    described = systems().get(name, {"workloads": [{"kind": "Deployment", "name": "{{ .Release.Name }}"}]})
    chart = described.get("chart") or yaml.load((folder / "Chart.yaml").read_text(), Loader=LOADER)
    kept = {key: str(chart[key]) for key in ("name", "version", "appVersion") if key in chart}
    kept["description"] = "A stand-in for tests, made from upstream's values, schema and CRDs"
    values = folder / "values.yaml"
    found = {
        "Chart.yaml": json.dumps({"apiVersion": "v2", **kept}),
        "values.yaml": values.read_text() if values.exists() else "{}",
        "templates/values-seen.yaml": json.dumps(
            {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": {"name": "{{ .Release.Name }}-values-seen"},
                "data": {"sha256": "{{ .Values | toJson | sha256sum }}"},
            }
        ),
    }
    schema = folder / "values.schema.json"
    if schema.exists() and "http" not in schema.read_text().split('"$ref"', 1)[-1][:40]:
        found["values.schema.json"] = schema.read_text()
    for number, one in enumerate(described.get("workloads", [])):
        found[f"templates/workload-{number}.yaml"] = workload(number, one)
    for number, one in enumerate(described.get("services", [])):
        found[f"templates/service-{number}.yaml"] = service(one)
    for number, text in enumerate(described.get("objects", [])):
        found[f"templates/object-{number}.yaml"] = text
    crds, where = folder / "crds.yaml", described.get("crds")
    if crds.exists() and where == "folder":
        found["crds/crds.yaml"] = crds.read_text()
    elif crds.exists() and where:
        found["files/crds.yaml"] = crds.read_text()
        condition = f"dig {' '.join(json.dumps(part) for part in where.split('.'))} false (.Values | toJson | fromJson)"
        found["templates/crds.yaml"] = f'{{{{ if {condition} }}}}{{{{ .Files.Get "files/crds.yaml" }}}}{{{{ end }}}}'
    return found


def keycloak_operator(contracts: Path) -> str:
    """Stand-in of the manifests of Keycloak's operator: its CRDs, a Deployment, and the service that it would make for a Keycloak."""
    crds = next(contracts.glob("keycloak-operator-*")) / "crds.yaml"
    template = workload(0, {"kind": "Deployment", "name": "keycloak-operator"})
    deployment = template.replace("{{ .Release.Name }}", "keycloak-operator")
    answering = json.loads(service("keycloak-service:8080"))
    # as those of releases, so that the stand-in answers for it
    answering["metadata"]["labels"] = {"app.kubernetes.io/managed-by": "Helm"}
    return "\n---\n".join([crds.read_text(), deployment, json.dumps(answering)])


def kubevirt_operators(contracts: Path) -> dict[str, str]:
    """Stand-ins of the manifests of KubeVirt's and CDI's operators by their option: namespaces, all CRDs, which they would make, and Deployments."""
    found = {}
    for option, space, name in (
        ("kubevirt_operator", "kubevirt", "virt-operator"),
        ("kubevirt_cdi_operator", "cdi", "cdi-operator"),
    ):
        template = workload(0, {"kind": "Deployment", "name": name})
        deployment = json.loads(template.replace("{{ .Release.Name }}", name))
        deployment["metadata"]["namespace"] = space
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": space}}
        crds = next(contracts.glob(f"{space}-[0-9]*")) / "crds.yaml"
        found[option] = "\n---\n".join([json.dumps(namespace), crds.read_text(), json.dumps(deployment)])
    return found


def kubeflow(contracts: Path, folders: list[str]) -> bytes:
    """Stand-in of Kubeflow's distribution: these folders with a Deployment each, what our role patches, and the CRD of profiles."""
    istio = {"apiVersion": "networking.istio.io/v1", "kind": "Gateway", "metadata": {"name": "kubeflow-gateway"}}
    port = {"number": 80, "name": "http", "protocol": "HTTP"}
    hook = {"name": "a.example.test", "clientConfig": {"url": "https://127.0.0.1:1", "caBundle": ""}}
    hook.update(sideEffects="None", admissionReviewVersions=["v1"], failurePolicy="Ignore")
    webhooks = {"apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingWebhookConfiguration"}
    webhooks["metadata"] = {"name": "poddefaults-webhook-mutating-webhook-configuration"}
    common: list[Any] = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kubeflow"}},
        {**istio, "spec": {"selector": {"istio": "ingressgateway"}, "servers": [{"port": port, "hosts": ["*"]}]}},
        {**webhooks, "webhooks": [hook]},
    ]
    text = next(contracts.glob("kubeflow-[0-9]*")).joinpath("crds.yaml").read_text()
    crds = (item for item in yaml.load_all(text, Loader=LOADER) if item)
    common.append(next(item for item in crds if item["metadata"]["name"] == "profiles.kubeflow.org"))
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for number, folder in enumerate(folders):
            name = f"part-{number}"
            made = workload(number, {"kind": "Deployment", "name": name}).replace("{{ .Release.Name }}", name)
            objects = [json.loads(made.replace("NAME", name)), *(common if not number else [])]
            for file, content in (
                ("kustomization.yaml", json.dumps({"resources": ["objects.yaml"]})),
                ("objects.yaml", yaml.safe_dump_all(objects)),
            ):
                member = tarfile.TarInfo(f"community-distribution-1/{folder}/{file}")
                member.size = len(content.encode())
                archive.addfile(member, io.BytesIO(content.encode()))
    return gzip.compress(buffer.getvalue(), mtime=0)


def build(contracts: Path, name: str, out: Path) -> Path:
    """Write the archive of a stand-in; the same bytes each time."""
    content = files(contracts, name)
    chart = json.loads(content["Chart.yaml"])
    path = out / f"{chart['name']}-{chart['version']}.tgz"
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for file, text in sorted(content.items()):
            data = text.encode()
            member = tarfile.TarInfo(f"{chart['name']}/{file}")
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    path.write_bytes(gzip.compress(buffer.getvalue(), mtime=0))
    return path
