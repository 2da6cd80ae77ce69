# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stand-ins for nodes and operators: KWOK runs pods on paper, and this writes the status that operators would write."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from ansible_collections.kubestd.platform.plugins.module_utils._kube import KubeError
from ansible_collections.kubestd.platform.plugins.module_utils._kubeconfig import access
from ansible_collections.kubestd.platform.plugins.module_utils._objects import Object, Objects

from .control_plane import CACHE, ControlPlane

KWOK = "v0.8.0"
# KWOK 0.8 has no stages built in: a node is ready, a pod runs, a pod that is deleted goes.
STAGES = """\
apiVersion: kwok.x-k8s.io/v1alpha1
kind: Stage
metadata: {name: node-ready}
spec:
  resourceRef: {apiGroup: v1, kind: Node}
  selector: {matchExpressions: [{key: '.status.phase', operator: NotIn, values: [Running]}]}
  next:
    statusTemplate: |
      {{ $now := Now }}
      conditions:
      - {type: Ready, status: "True", reason: KubeletReady, message: ready, lastHeartbeatTime: {{ $now }}, lastTransitionTime: {{ $now }}}
      allocatable: {cpu: "32", memory: 256Gi, pods: "1000"}
      capacity: {cpu: "32", memory: 256Gi, pods: "1000"}
      phase: Running
---
apiVersion: kwok.x-k8s.io/v1alpha1
kind: Stage
metadata: {name: pod-ready}
spec:
  resourceRef: {apiGroup: v1, kind: Pod}
  selector:
    matchExpressions:
    - {key: '.metadata.deletionTimestamp', operator: DoesNotExist}
    - {key: '.status.podIP', operator: DoesNotExist}
  next:
    statusTemplate: |
      {{ $now := Now }}
      phase: Running
      podIP: ADDRESS
      podIPs: [{ip: ADDRESS}]
      hostIP: 10.0.0.1
      startTime: {{ $now }}
      conditions:
      - {type: Ready, status: "True", lastTransitionTime: {{ $now }}}
      - {type: ContainersReady, status: "True", lastTransitionTime: {{ $now }}}
      - {type: Initialized, status: "True", lastTransitionTime: {{ $now }}}
      - {type: PodScheduled, status: "True", lastTransitionTime: {{ $now }}}
      containerStatuses:
      {{ range .spec.containers }}
      - {name: {{ .name }}, image: {{ .image }}, imageID: "", ready: true, started: true, restartCount: 0, state: {running: {startedAt: {{ $now }}}}}
      {{ end }}
---
apiVersion: kwok.x-k8s.io/v1alpha1
kind: Stage
metadata: {name: pod-delete}
spec:
  resourceRef: {apiGroup: v1, kind: Pod}
  selector: {matchExpressions: [{key: '.metadata.deletionTimestamp', operator: Exists}]}
  next: {delete: true}
"""
TRUE = {"status": "True", "reason": "StandIn", "message": "", "lastTransitionTime": "2026-01-01T00:00:00Z"}
# (apiVersion, kind): the conditions that its operator sets when all is well
CONDITIONS = {
    ("cert-manager.io/v1", "ClusterIssuer"): ("Ready",),
    ("cert-manager.io/v1", "Certificate"): ("Ready",),
    ("gateway.networking.k8s.io/v1", "GatewayClass"): ("Accepted",),
    ("gateway.networking.k8s.io/v1", "Gateway"): ("Accepted", "Programmed"),
}


def kwok() -> Path:
    """KWOK, built once from its Go module."""
    path = CACHE / "tools" / f"kwok-{KWOK[1:]}"
    if not path.exists():
        folder = CACHE / "tools/kwok.build"
        folder.mkdir(parents=True, exist_ok=True)
        environment = {**os.environ, "GOBIN": str(folder), "CGO_ENABLED": "0", "GOFLAGS": "-trimpath"}
        subprocess.run(["go", "install", f"sigs.k8s.io/kwok/cmd/kwok@{KWOK}"], env=environment, check=True, timeout=900)
        (folder / "kwok").rename(path)
    return path


def own_address() -> str:
    """An address of this machine that is not loopback, which the API server would not proxy to."""
    with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as probe:
        probe.connect(("192.0.2.1", 9))
        return str(probe.getsockname()[0])


class Answer(BaseHTTPRequestHandler):
    """What users would get from all systems at once."""

    def do_GET(self) -> None:
        body = json.dumps({"status": "healthy"}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


class StandInOperators:
    """Writes the status of custom resources, endpoints of services without pods, and the API of metrics-server."""

    def __init__(self, control_plane: ControlPlane) -> None:
        self.control_plane = control_plane
        self.objects = Objects(access({"kubeconfig": str(control_plane.kubeconfig)}).client())
        self.ended = threading.Event()
        self.frozen: set[str] = set()  # kinds that nobody reports on
        self.server = ThreadingHTTPServer((own_address(), 0), Answer)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def stop(self) -> None:
        self.ended.set()
        self.thread.join(20)
        self.server.shutdown()
        self.server.server_close()

    def run(self) -> None:
        while not self.ended.wait(0.3):
            with contextlib.suppress(KubeError, KeyError):
                self.round()

    def round(self) -> None:
        for (api_version, kind), types in CONDITIONS.items():
            where = self.objects.resource(api_version, kind, fresh=kind in ("ClusterIssuer", "GatewayClass"))
            for item in self.objects.list(where) if where and kind not in self.frozen else ():
                generation = item["metadata"].get("generation")
                has = {
                    one["type"]
                    for one in item.get("status", {}).get("conditions", [])
                    if one.get("reason") == "StandIn"
                }
                if not set(types) <= has:
                    conditions = [{"type": name, "observedGeneration": generation, **TRUE} for name in types]
                    self.write(item, {"conditions": conditions})
        self.metallb()
        self.services()
        self.metrics()

    def write(self, item: Object, status: dict[str, Any]) -> None:
        path = self.objects.path(item) + "/status"
        self.objects.client.send("PATCH", path, {"status": status}, "application/merge-patch+json")

    def metallb(self) -> None:
        """MetalLB's controller says what it thinks of the pools."""
        where = self.objects.resource("metallb.io/v1beta1", "ConfigurationState", fresh=True)
        if where and "ConfigurationState" not in self.frozen:
            item: Object = {"apiVersion": "metallb.io/v1beta1", "kind": "ConfigurationState"}
            item["metadata"] = {"name": "controller", "namespace": "metallb-system"}
            if self.objects.client.get("/api/v1/namespaces/metallb-system") and not self.objects.get(item):
                self.objects.apply(item)
            found = self.objects.get(item)
            if found and found.get("status", {}).get("result") != "Valid":
                self.write(found, {"result": "Valid"})

    def services(self) -> None:
        """Services of stand-ins have no pods; this machine answers for them."""
        where = self.objects.must("v1", "Service")
        for item in self.objects.list(where, labels="app.kubernetes.io/managed-by=Helm"):
            if item["spec"].get("selector"):
                continue
            # The API server's proxy reads Endpoints, and goes only to addresses of pods.
            space = item["metadata"]["namespace"]
            pods = [
                pod for pod in self.objects.list(self.objects.must("v1", "Pod"), space) if pod["status"].get("podIP")
            ]
            endpoints: Object = {"apiVersion": "v1", "kind": "Endpoints"}
            endpoints["metadata"] = {name: item["metadata"][name] for name in ("name", "namespace")}
            found = self.objects.get(endpoints)
            known = {pod["metadata"]["name"] for pod in pods}
            named = [
                one.get("targetRef", {}).get("name")
                for part in (found or {}).get("subsets", [])
                for one in part["addresses"]
            ]
            if pods and not set(named) & known:
                target = {"kind": "Pod", "namespace": space, "name": pods[0]["metadata"]["name"]}
                address = {"ip": pods[0]["status"]["podIP"], "targetRef": target}
                subset = {"addresses": [address], "ports": [{"port": self.server.server_address[1], "protocol": "TCP"}]}
                self.objects.apply({**endpoints, "subsets": [subset]})

    def metrics(self) -> None:
        """The API that metrics-server would register; a local one is available at once."""
        deployment: Object = {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "metrics-server", "namespace": "kube-system"},
        }
        if self.objects.get(deployment):
            spec = {
                "group": "metrics.k8s.io",
                "version": "v1beta1",
                "groupPriorityMinimum": 100,
                "versionPriority": 100,
            }
            api: Object = {
                "apiVersion": "apiregistration.k8s.io/v1",
                "kind": "APIService",
                "metadata": {"name": "v1beta1.metrics.k8s.io"},
            }
            if self.objects.get(api) is None:
                self.objects.apply({**api, "spec": spec})


def nodes(control_plane: ControlPlane, folder: Path, count: int = 3) -> None:
    """Nodes that KWOK plays."""
    stages = folder / "stages.yaml"
    stages.write_text(STAGES.replace("ADDRESS", own_address()))
    found = [
        {"apiVersion": "v1", "kind": "Node", "metadata": {"name": f"kwok-{number}", "labels": {"type": "kwok"}}}
        for number in range(count)
    ]
    control_plane.kubectl("apply", "-f", "-", stdin="\n---\n".join(json.dumps(item) for item in found))
    control_plane.kwok(kwok(), stages)
    for _ in range(300):
        ready = control_plane.kubectl(
            "get", "nodes", "-o", "jsonpath={.items[*].status.conditions[?(@.type=='Ready')].status}"
        )
        if ready.split().count("True") == count:
            return
        time.sleep(0.1)
    raise AssertionError("KWOK's nodes do not become ready")
