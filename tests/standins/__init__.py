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
