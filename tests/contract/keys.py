# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""keys.json: of all keys that upstream's charts have, those that our roles set.

It is made from upstream's values files, so that the tests need these only when a role sets something new:
    python -m tests.contract.keys FOLDER
FOLDER/NAME-VERSION/values.yaml is what helm show values prints for a chart; charts that are not there keep their keys.
A key that ends with .* is empty upstream, and takes what is written there.
"""

from __future__ import annotations

import json
import re
import sys
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from .records import releases

CHECKOUT = Path(__file__).resolve().parents[2]
FILE = Path(__file__).with_name("keys.json")
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# Keys that upstream's values file has only in a comment, and parts of a pod that a chart hands on as they are.
COMMENTED = {
    "argo-cd": r"configs\.(cm|params|rbac)\..*",
    "harbor": r"caBundleSecretName|persistence\.imageChartStorage\.s3\.(existingSecret|regionendpoint)|(nginx|portal|core|jobservice|exporter|(database|redis)\.internal|registry\.(registry|controller))\.resources",
    # what Rook's values for it have, and fields of the CephCluster
    "ceph-csi-drivers": r"operatorConfig\.driverSpecDefaults\.controllerPlugin\.priorityClassName",
    "rook-ceph-cluster": r"cephClusterSpec\.storage\.(config|nodes)",
    "cilium": r"socketLB\.hostNamespaceOnly",
    "tigera-operator": r"installation\.calicoNetwork(\..*)?",
    "gateway-crds-helm": r"crds\.(gatewayAPI|envoyGateway)\.channel",
    # what Kiali reads and the chart hands on, compared with the CRD of its operator by test_what_kiali_is_told_stands_in_its_crd
    "kiali-server": r"external_services\.(istio|prometheus|grafana|tracing)(\..*)?|server\.web_(root|fqdn|schema|port)",
    # a set of defaults that is a file of the chart
    "istiod": r"profile|meshConfig\.(trustDomain|extensionProviders)",
    "istio-cni": r"profile",
    "istio-ztunnel": r"profile",
    # the subcharts are Kong's own chart twice, whose Services hand their spec on
    "ingress": r"(controller|gateway)\.(topologySpreadConstraints|podDisruptionBudget\.minAvailable|proxy\.(http|tls)\.nodePort)"
    r"|controller\.ingressController\.env\.anonymous_reports|gateway\.env\.anonymous_reports",
    "traefik": r"service\.spec\.externalTrafficPolicy",
    # what the chart hands on to Loki, whose real server reads it in tests/integration/test_signals.py
    "loki": r"loki\.(limits_config\..*|storage\.bucketNames(\..*)?)",
    # what Fluent Bit itself reads, see upstream's manual
    "fluent-bit-collector": r"config\.service\..*",
    "kube-prometheus-stack": r"alertmanager\.config\..*|(kube-state-metrics|prometheus-node-exporter|prometheusOperator)\.priorityClassName",
    "grafana": r"grafana\.ini\..*|persistence\.storageClassName|sidecar\.datasources\.(restartPolicy|startupProbe)",
    # flags of Pyroscope, whose real server takes them in tests/integration/test_signals.py
    "pyroscope": r"pyroscope\.(extraArgs\..*|persistence\.storageClassName)",
    "tempo": r"persistence\.storageClassName|tempo\.storage\.trace\.s3(\..*)?",
    # upstream's template asks for it without a default
    "tempo-distributed": r"backendWorker\.podDisruptionBudget(\..*)?|storage\.trace\.s3(\..*)?",
    "opensearch": r"persistence\.storageClass",
    "vault": r"server\.readinessProbe\.path",
    "openbao": r"server\.readinessProbe\.path",
    "gha-runner-scale-set-controller": r"metrics(\..*)?|flags\.(excludeLabelPropagationPrefixes|healthProbeBindAddress)",
    "gha-runner-scale-set": r"(containerMode|controllerServiceAccount|githubServerTLS|listenerTemplate|proxy)(\..*)?"
    r"|(min|max)Runners|runnerGroup|template\.spec\..*",
}
# Charts that could not be had. Their roles say so, which test_what_was_not_compared_with_a_chart_is_said_by_its_role sees to.
NOT_READ = {
    "teleport-cluster-18.11.1": "teleport_keycloak",
    "teleport-kube-agent-18.11.1": "teleport_keycloak",
    "kgateway-crds-v2.3.4": "gateway_api",
    "kgateway-v2.3.4": "gateway_api",
    "gitlab-10.3.1": "gitlab",
    "gitlab-runner-0.93.0": "gitlab",
}
# Charts whose names say nothing without the registry that has them, and what they are called here.
OURS = {"base": "istio-base", "cni": "istio-cni", "ztunnel": "istio-ztunnel", "gateway": "istio-gateway"}
HANDED_ON = r"(.*\.)?(resources|securityContext|podSecurityContext|containerSecurityContext)\..*"


def chart_of(chart: dict[str, Any]) -> str:
    """A chart as the folders of contract data are called: name-version."""
    name = re.sub(r"(-v?[0-9.]+)?\.tgz$", "", chart["ref"].rpartition("/")[2])
    return f"{OURS.get(name, name)}-{chart['version']}"


def split(name: str, values: dict[str, Any], upstream: Any, prefix: str = "") -> tuple[set[str], set[str]]:
    """Keys that the chart has, and those that it has not."""
    known, unknown = set(), set()
    for key, value in values.items():
        path = prefix + key
        if key not in upstream and not re.fullmatch(f"{COMMENTED.get(name, '')}|{HANDED_ON}", path):
            unknown.add(path)
            continue
        known.add(path)
        below = upstream.get(key)
        if isinstance(value, dict) and value and (not isinstance(below, dict) or not below):
            known.add(f"{path}.*")
        elif isinstance(value, dict):
            found = split(name, value, below, f"{path}.")
            known, unknown = known | found[0], unknown | found[1]
    return known, unknown


def unlisted(values: dict[str, Any], known: set[str], prefix: str = "") -> set[str]:
    """Keys that are not in the list of a chart."""
    found = set()
    for key, value in values.items():
        path = prefix + key
        if path not in known:
            found.add(path)
        elif isinstance(value, dict) and f"{path}.*" not in known:
            found |= unlisted(value, known, f"{path}.")
    return found


def make(contracts: Path) -> dict[str, list[str]]:
    """The list, from upstream's values files. Raises ValueError when a role sets what upstream does not have."""
    found: dict[str, set[str]] = {}
    before = json.loads(FILE.read_text(encoding="utf-8"))
    for role, _, release in releases(CHECKOUT):
        chart = chart_of(release["chart"])
        if chart in NOT_READ:
            continue
        values = contracts / chart / "values.yaml"
        if not values.exists():
            if chart not in before or unlisted(release["values"], set(before[chart])):
                raise ValueError(f"{role}: write what helm show values prints for the chart to {values}")
            found.setdefault(chart, set()).update(before[chart])
            continue
        known, unknown = split(chart.rpartition("-")[0], release["values"], upstream(values))
        if unknown:
            raise ValueError(f"{role}: the chart {chart} has no {', '.join(sorted(unknown))}")
        found.setdefault(chart, set()).update(known)
    return {chart: sorted(known) for chart, known in sorted(found.items())}


@cache
def upstream(path: Path) -> dict[str, Any]:
    """The values of a chart, with those of its subcharts below their names."""
    found = dict(yaml.load(path.read_text(encoding="utf-8"), Loader=LOADER) or {})
    # Istio's charts have their defaults one level down, so that a profile can be laid between them and the user's values.
    found = laid_over(found.pop("_internal_defaults_do_not_set", {}), found)
    for below in path.parent.glob("subcharts/*.values.yaml"):
        name = below.name.removesuffix(".values.yaml")
        name = aliases(path.with_name("Chart.yaml")).get(name, name)
        found[name] = laid_over(upstream(below), found.get(name) or {})
    return found


def aliases(chart: Path) -> dict[str, str]:
    """What a chart calls its subcharts, where that is another name than theirs."""
    found = yaml.load(chart.read_text(encoding="utf-8"), Loader=LOADER) if chart.exists() else {}
    return {one["name"]: one["alias"] for one in found.get("dependencies") or [] if "alias" in one}


def laid_over(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """Deeply merged."""
    found = dict(base)
    for key, value in over.items():
        below = found.get(key)
        found[key] = laid_over(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return found


def text(keys: dict[str, list[str]]) -> str:
    """keys.json."""
    return json.dumps(keys, indent=1) + "\n"


if __name__ == "__main__":
    FILE.write_text(text(make(Path(sys.argv[1]))), encoding="utf-8")
