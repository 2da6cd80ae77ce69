# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stand-ins for nodes and operators: KWOK runs pods on paper, and this writes the status that operators would write."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import re
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.kubestd.platform.plugins.module_utils._kube import KubeError
from ansible_collections.kubestd.platform.plugins.module_utils._kubeconfig import access
from ansible_collections.kubestd.platform.plugins.module_utils._objects import Object, Objects

from ..contract.test_roles import merged
from ..standins import IMAGE, LOCKED, SAFE
from .control_plane import CACHE, ControlPlane, go_program

ROLES = Path(__file__).parents[2] / "roles"
CONTRACTS = Path(os.environ.get("KUBESTD_CONTRACTS") or ROLES.parents[1] / "shared/contracts")
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
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
metadata: {name: job-pod-done}
spec:
  resourceRef: {apiGroup: v1, kind: Pod}
  selector:
    matchExpressions:
    - {key: '.metadata.deletionTimestamp', operator: DoesNotExist}
    - {key: '.metadata.labels["batch.kubernetes.io/job-name"]', operator: Exists}
    - {key: '.status.phase', operator: In, values: [Running]}
  next: {statusTemplate: "phase: Succeeded"}
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
    ("cert-manager.io/v1", "Issuer"): ("Ready",),
    ("cert-manager.io/v1", "Certificate"): ("Ready",),
    ("gateway.networking.k8s.io/v1", "GatewayClass"): ("Accepted",),
    ("gateway.networking.k8s.io/v1", "Gateway"): ("Accepted", "Programmed"),
    ("external-secrets.io/v1", "ClusterSecretStore"): ("Ready",),
    ("external-secrets.io/v1", "ExternalSecret"): ("Ready",),
    ("argocd-image-updater.argoproj.io/v1alpha1", "ImageUpdater"): ("Ready",),
    ("argoproj.io/v1alpha1", "ApplicationSet"): ("ResourcesUpToDate",),
    ("cilium.io/v2", "CiliumLoadBalancerIPPool"): ("cilium.io/IPsAvailable",),
    ("operator.knative.dev/v1beta1", "KnativeEventing"): ("Ready",),
    ("serving.knative.dev/v1", "Service"): ("Ready",),
    ("eventing.knative.dev/v1", "Broker"): ("Ready",),
    ("k8s.keycloak.org/v2alpha1", "Keycloak"): ("Ready",),
    ("k8s.keycloak.org/v2alpha1", "KeycloakRealmImport"): ("Done",),
    ("monitoring.coreos.com/v1", "Prometheus"): ("Available", "Reconciled"),
    ("monitoring.coreos.com/v1", "Alertmanager"): ("Available", "Reconciled"),
}
# Kinds whose status is a list of parents or ancestors, each with conditions.
PARENTS = {
    ("gateway.networking.k8s.io/v1", "HTTPRoute"): ("parents", "parentRef"),
    ("gateway.networking.k8s.io/v1", "BackendTLSPolicy"): ("ancestors", "ancestorRef"),
    ("gateway.envoyproxy.io/v1alpha1", "ClientTrafficPolicy"): ("ancestors", "ancestorRef"),
}
# What every system answers at once, and where a Vault listens: at the same port in all pods, which have the address of this machine.
SAID = {"status": "healthy", "sealed": False, "standby": False, "initialized": True, "type": "shamir", "t": 2,
        "issuer": "https://keycloak.example.test/realms/platform", "strategy": "token",
        "query": "keeper answers", "database": "ok",
        "metrics": "falcosecurity_falcosidekick_falco_events_total{rule=Test event of the platform}",
        "data": {"result": [{"metric": {"job": "apiserver", "alertname": "Watchdog"}}]}}  # fmt: skip
VAULT_PORT = 8200
# What is not answered with that: Jenkins asks for a login, and begins one at the provider.
OTHERWISE = {"/api/json": (403, b"Authentication required"), "/securityRealm/commenceLogin": (302, b"")}


def ended(*names: str) -> Callable[[Object], dict[str, Any]]:
    """The status of what has just ended."""
    return lambda item: {"phase": names[0], **dict.fromkeys(names[1:], item["metadata"]["creationTimestamp"])}


def database(item: Object) -> dict[str, Any]:
    """The status of a database whose log arrives in its bucket."""
    count = item["spec"]["instances"]
    archives = [{"type": "ContinuousArchiving", **TRUE}]
    ready = {"instances": count, "readyInstances": count, "phase": "Cluster in healthy state"}
    return {**ready, "conditions": archives}


def observed(**more: Any) -> Callable[[Object], dict[str, Any]]:
    """The status of what is ready, as it was described last."""
    ready = [{"type": "Ready", **TRUE}]
    return lambda item: {"observedGeneration": item["metadata"]["generation"], "conditions": ready, **more}


def deployed(_: Object) -> dict[str, Any]:
    """The status of KubeVirt and CDI when everything of theirs runs."""
    return {"phase": "Deployed", "conditions": [{"type": "Available", **TRUE}]}


def collector(item: Object) -> dict[str, Any]:
    """The status of a collector of OpenTelemetry all of whose pods run."""
    count = item["spec"].get("replicas") or 1
    return {"version": "0.158.0", "scale": {"replicas": count, "statusReplicas": f"{count}/{count}"}}


# (apiVersion, kind): the status that its operator writes when all is well
STATUS: dict[tuple[str, str], Callable[[Object], dict[str, Any]]] = {
    ("ceph.rook.io/v1", "CephCluster"): lambda _: {"phase": "Ready", "ceph": {"health": "HEALTH_OK"}},
    ("ceph.rook.io/v1", "CephBlockPool"): ended("Ready"),
    ("ceph.rook.io/v1", "CephFilesystem"): ended("Ready"),
    ("ceph.rook.io/v1", "CephObjectStore"): ended("Ready"),
    ("objectbucket.io/v1alpha1", "ObjectBucketClaim"): ended("Bound"),
    ("ceph.rook.io/v1", "CephObjectStoreUser"): ended("Ready"),
    ("opentelemetry.io/v1beta1", "OpenTelemetryCollector"): collector,
    ("velero.io/v1", "BackupStorageLocation"): ended("Available"),
    ("velero.io/v1", "Schedule"): ended("Enabled"),
    ("velero.io/v1", "Backup"): ended("Completed", "startTimestamp", "completionTimestamp"),
    ("postgresql.cnpg.io/v1", "Cluster"): database,
    ("postgresql.cnpg.io/v1", "Backup"): ended("completed", "startedAt", "stoppedAt"),
    ("actions.github.com/v1alpha1", "AutoscalingRunnerSet"): ended("Running"),
    ("clickhouse.altinity.com/v1", "ClickHouseInstallation"): lambda _: {"status": "Completed"},
    ("clickhouse-keeper.altinity.com/v1", "ClickHouseKeeperInstallation"): lambda _: {"status": "Completed"},
    ("kafka.strimzi.io/v1", "Kafka"): observed(),
    ("kafka.strimzi.io/v1", "KafkaTopic"): observed(),
    ("kafka.strimzi.io/v1", "KafkaUser"): observed(),
    ("kafka.strimzi.io/v1", "KafkaNodePool"): lambda item: {
        "observedGeneration": item["metadata"]["generation"],
        "nodeIds": list(range(item["spec"]["replicas"])),
    },
    ("k8gb.io/v1beta1", "ZoneDelegation"): lambda _: {"dnsServers": [{"name": "gslb-ns-eu", "address": "192.0.2.53"}]},
    ("k8gb.io/v1beta1", "Gslb"): lambda item: {
        "geoTag": "eu",
        "serviceHealth": {f"{item['metadata']['name']}.cloud.example.test": "Healthy"},
        "healthyRecords": {f"{item['metadata']['name']}.cloud.example.test": ["192.0.2.10"]},
    },
}
STATUS.update(
    {
        ("kubevirt.io/v1", "KubeVirt"): deployed,
        ("cdi.kubevirt.io/v1beta1", "CDI"): deployed,
        ("kubevirt.io/v1", "VirtualMachine"): lambda _: {
            "printableStatus": "Running",
            "conditions": [{"type": "Ready", **TRUE}],
        },
        ("cdi.kubevirt.io/v1beta1", "StorageProfile"): lambda item: {
            "claimPropertySets": item["spec"].get("claimPropertySets", [])
        },
    }
)
# What controllers make of nothing but themselves: the Deployment of each, and objects
MADE: dict[tuple[str, str], list[Object]] = {
    ("istio-system", "istiod"): [
        {
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": "GatewayClass",
            "metadata": {"name": name},
            "spec": {"controllerName": f"istio.io/{controller}-controller"},
        }
        for name, controller in (("istio", "gateway"), ("istio-waypoint", "mesh"))
    ],
    ("kubevirt", "virt-operator"): [
        {
            "apiVersion": "apps/v1",
            "kind": "DaemonSet",
            "metadata": {"name": "virt-handler", "namespace": "kubevirt"},
            "spec": {
                "selector": {"matchLabels": {"kubevirt.io": "virt-handler"}},
                "template": {
                    "metadata": {"labels": {"kubevirt.io": "virt-handler"}},
                    "spec": {"containers": [{"name": "virt-handler", "image": "registry.k8s.io/pause:3.10.2"}]},
                },
            },
        },
        # without a service behind it, so that the API server finds it available
        {
            "apiVersion": "apiregistration.k8s.io/v1",
            "kind": "APIService",
            "metadata": {"name": "v1.subresources.kubevirt.io"},
            "spec": {
                "group": "subresources.kubevirt.io",
                "version": "v1",
                "groupPriorityMinimum": 1000,
                "versionPriority": 15,
            },
        },
    ],
}
LISTENERS = "app.kubernetes.io/component=runner-scale-set-listener"
# A pod that the level restricted of Pod Security takes
SAFE_POD = {
    "securityContext": SAFE,
    "containers": [{"name": "listener", "image": IMAGE, "securityContext": LOCKED}],
}
WEBHOOKS = ("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration")
# What Velero's stand-in copies
RESTORED = (("v1", "ConfigMap"), ("v1", "Secret"), ("v1", "Service"), ("apps/v1", "Deployment"))


def module_answer(control_plane: ControlPlane, name: str, /, check: bool = False, **options: Any) -> dict[str, Any]:
    """What a module of the collection says, started as Ansible starts it on the controller."""
    arguments = {"kubeconfig": str(control_plane.kubeconfig), **options, "_ansible_check_mode": check}
    done = subprocess.run(
        [sys.executable, "-m", f"ansible_collections.kubestd.platform.plugins.modules.{name}"],
        input=json.dumps({"ANSIBLE_MODULE_ARGS": arguments}),
        capture_output=True, text=True, check=False, timeout=120,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2] / ".collections")},
    )  # fmt: skip
    return dict(json.loads(done.stdout.splitlines()[-1]))


def go_module(name: str) -> Path:
    """The folder of a Go module, module@version, which has what upstream's repository has."""
    command = ["go", "mod", "download", "-json", name]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300, cwd="/")
    return Path(json.loads(done.stdout)["Dir"])


def module_program(name: str, module: str, version: str) -> Path:
    """A program below cmd of a Go module that replaces modules, which go install refuses: it is built where the module is unpacked."""
    path = CACHE / "tools" / f"{name}-{version[1:]}"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(f".{os.getpid()}")
        folder = go_module(f"{module}@{version}")
        environment = {**os.environ, "CGO_ENABLED": "0", "GOWORK": "off", "GOFLAGS": "-trimpath -buildvcs=false"}
        command = ["go", "build", "-p", "2", "-ldflags=-s -w", "-o", str(part), f"./cmd/{name}"]
        subprocess.run(command, env=environment, cwd=folder, check=True, timeout=1800)
        part.rename(path)
    return path


def snapshot_crds() -> list[Path]:
    """The CRDs of volume snapshots: GitHub, where the role takes them, may be out of reach."""
    defaults = merged(ROLES / "snapshot_controller", "defaults")
    found = re.fullmatch(r".*/client/(v[0-9.]+)/client/(.*)", defaults["snapshot_controller_crds_url"])
    assert found, defaults["snapshot_controller_crds_url"]
    version, path = found.groups()
    folder = go_module(f"github.com/kubernetes-csi/external-snapshotter/client/v8@{version}") / path
    return [folder / name for name in defaults["snapshot_controller_crds"]]


def monitoring_crds() -> list[Path]:
    """The CRDs of the Prometheus operator: GitHub, where the role takes them, may be out of reach."""
    defaults = merged(ROLES / "monitoring_crds", "defaults")
    found = re.fullmatch(r".*/prometheus-operator/(v[0-9.]+)/(.*)", defaults["monitoring_crds_url"])
    assert found, defaults["monitoring_crds_url"]
    version, path = found.groups()
    folder = go_module(f"github.com/prometheus-operator/prometheus-operator@{version}") / path
    return [folder / name for name in defaults["monitoring_crds_files"]]


def policy_crds() -> list[Path]:
    """The CRDs of cert-manager's approver-policy, whose chart is in no registry of Go modules."""
    version = merged(ROLES / "cert_manager", "defaults")["cert_manager_policy_chart"]["version"]
    return sorted((go_module(f"github.com/cert-manager/approver-policy@{version}") / "deploy/crds").glob("*.yaml"))


def cilium() -> Path:
    """Cilium's Go module of the version that the role releases: its chart and its CRDs, which its operator makes."""
    version = merged(Path(__file__).parents[2] / "roles/cilium", "defaults")["cilium_chart"]["version"]
    return go_module(f"github.com/cilium/cilium@v{version}")


def cilium_crds() -> list[Path]:
    """All of Cilium's CRDs."""
    return sorted((cilium() / "pkg/k8s/apis/cilium.io/client/crds").glob("*/*.yaml"))


def kwok() -> Path:
    """KWOK, built once from its Go module."""
    return go_program("kwok", "sigs.k8s.io/kwok/cmd/kwok", KWOK)


def own_address() -> str:
    """An address of this machine that is not loopback, which the API server would not proxy to."""
    with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as probe:
        probe.connect(("192.0.2.1", 9))
        return str(probe.getsockname()[0])


def said(path: str) -> tuple[int, dict[str, Any]]:
    """Status and answer at a path. What is looked for by its marker has arrived."""
    if path.startswith("/logs-containers/"):
        return 401, {}  # OpenSearch, to whom it does not know
    if path == "/_plugins/_security/health":
        return 200, {"status": "UP"}
    if path.startswith("/api/traces/"):
        return 200, {"service": "kubestd-probe"}
    marker = re.search("%22([0-9a-f]{16})%22", path)
    if marker:
        line = {"metric": {"marker": marker[1]}, "values": [["0", f"probe {marker[1]}"]]}
        return 200, {"data": {"result": [line]}, "names": [marker[1]]}
    return 200, SAID


class Answer(BaseHTTPRequestHandler):
    """What users would get from all systems at once."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.do_GET()

    def do_GET(self) -> None:
        # the API server says which pod was meant; the first leads
        leads = "-0:" in self.headers.get("X-Forwarded-Uri", "")
        status, answer = said(self.path)
        body = json.dumps({**answer, "is_self": leads}).encode()
        status, body = OTHERWISE.get(self.path.partition("?")[0], (status, body))
        # whoever comes to Kubeflow is sent to its login
        self.send_response(302 if self.headers.get("Host", "").startswith("kubeflow.") else status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


class Server(ThreadingHTTPServer):
    """Speaks TLS with whoever begins with it. Others of its kind on this machine may have the same port, and say the same."""

    allow_reuse_port = True

    def __init__(self, port: int, context: ssl.SSLContext) -> None:
        self.context = context
        super().__init__((own_address(), port), Answer)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def finish_request(self, request: Any, client_address: Any) -> None:
        """In the thread of the request: a TLS record of a handshake begins with 22 (RFC 8446, 5.1)."""
        if request.recv(1, socket.MSG_PEEK) == b"\x16":
            request = self.context.wrap_socket(request, server_side=True)
        super().finish_request(request, client_address)


def self_signed(folder: Path) -> ssl.SSLContext:
    """What a server needs to speak TLS with somebody who checks nothing, as the API server does with pods."""
    key, certificate = folder / "standin.key", folder / "standin.pem"
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=stand-in"]
    command = ["openssl", "req", "-x509", *curve, "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


class StandInOperators:
    """Writes the status of custom resources, endpoints of services without pods, and the API of metrics-server.

    ports: where pods of upstream's charts are asked; their webhooks are taken away, because nobody would answer.
    """

    def __init__(self, control_plane: ControlPlane, ports: tuple[int, ...] = ()) -> None:
        self.control_plane = control_plane
        self.upstream = [ThreadingHTTPServer((own_address(), port), Answer) for port in ports]
        for server in self.upstream:
            threading.Thread(target=server.serve_forever, daemon=True).start()
        self.objects = Objects(access({"kubeconfig": str(control_plane.kubeconfig)}).client())
        self.ended = threading.Event()
        self.frozen: set[str] = set()  # kinds that nobody reports on
        self.lost: set[str] = set()  # kinds that a restore leaves out
        context = self_signed(control_plane.kubeconfig.parent)
        self.server, self.vault = Server(0, context), Server(VAULT_PORT, context)
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def stop(self) -> None:
        self.ended.set()
        self.thread.join(20)
        for server in (self.server, self.vault, *self.upstream):
            server.shutdown()
            server.server_close()

    def run(self) -> None:
        """A round whenever something has been written since the last one began."""
        done = ""
        while not self.ended.wait(0.2):
            with contextlib.suppress(KubeError, KeyError):
                newest = self.revision()
                if newest != done:
                    self.round()
                    done = newest

    def revision(self) -> str:
        """Of the whole store: a list of anything has it."""
        page = next(self.objects.pages(self.objects.must("v1", "Namespace"), metadata_only=True))
        return str(page["metadata"]["resourceVersion"])

    def round(self) -> None:
        for (api_version, kind), types in CONDITIONS.items():
            where = self.objects.resource(api_version, kind, fresh=kind not in ("Certificate", "Gateway"))
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
        if self.upstream:
            self.webhooks()
        self.envoy()
        self.proxies()
        for (api_version, kind), make in STATUS.items():
            for item in self.all(api_version, kind):
                status = make(item)
                if any(item.get("status", {}).get(name) != status[name] for name in status if name != "conditions"):
                    self.write(item, status)
        self.makers()
        self.external_secrets()
        self.listeners()
        self.injected()
        self.velero()
        self.cnpg()
        self.calico()
        self.knative()
        self.volumes()
        self.parents()
        self.metallb()
        self.services()
        self.metrics()

    def all(self, api_version: str, kind: str) -> list[Object]:
        """The objects of a kind that somebody reports on; none while its CRD is not there."""
        where = self.objects.resource(api_version, kind) or self.objects.resource(api_version, kind, fresh=True)
        return list(self.objects.list(where)) if where and kind not in self.frozen else []

    def makers(self) -> None:
        """Controllers make what they make as soon as they run."""
        for (space, name), wanted in MADE.items():
            deployment: Object = {"apiVersion": "apps/v1", "kind": "Deployment"}
            deployment["metadata"] = {"name": name, "namespace": space}
            for item in wanted if self.objects.get(deployment) else ():
                served = self.objects.resource(item["apiVersion"], item["kind"], fresh=True)
                if served and self.objects.get(item) is None:
                    self.objects.apply(item)

    def external_secrets(self) -> None:
        """A Secret for each ExternalSecret, with something in every key that it names."""
        for item in self.all("external-secrets.io/v1", "ExternalSecret"):
            target = item["spec"].get("target") or {}
            metadata = {
                "name": target.get("name") or item["metadata"]["name"],
                "namespace": item["metadata"]["namespace"],
                **((target.get("template") or {}).get("metadata") or {}),
            }
            secret: Object = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata}
            if self.objects.get(secret) is None:
                keys = [one["secretKey"] for one in item["spec"].get("data") or []] or ["token"]
                self.objects.apply({**secret, "stringData": dict.fromkeys(keys, "of the store")})

    def listeners(self) -> None:
        """A listener beside the controller of runners for each scale set, as long as there is one."""
        sets = self.all("actions.github.com/v1alpha1", "AutoscalingRunnerSet")
        names = {f"{item['metadata']['name']}-listener" for item in sets}
        for pod in self.objects.list(self.objects.must("v1", "Pod"), "arc-systems", labels=LISTENERS):
            if pod["metadata"]["name"] not in names:
                self.objects.delete(pod)
        for item in sets:
            metadata = item["metadata"]
            labels = {
                "app.kubernetes.io/component": "runner-scale-set-listener",
                "actions.github.com/scale-set-name": metadata["name"],
                "actions.github.com/scale-set-namespace": metadata["namespace"],
            }
            pod: Object = {"apiVersion": "v1", "kind": "Pod"}
            pod["metadata"] = {"name": f"{metadata['name']}-listener", "namespace": "arc-systems", "labels": labels}
            if self.objects.get(pod) is None:
                self.objects.apply({**pod, "spec": SAFE_POD})

    def injected(self) -> None:
        """cert-manager puts the authority of a certificate into the webhooks that ask for it."""
        bundle = base64.b64encode((self.control_plane.kubeconfig.parent / "standin.pem").read_bytes()).decode()
        for item in self.objects.list(self.objects.must(*WEBHOOKS)):
            asks = "cert-manager.io/inject-ca-from" in item["metadata"].get("annotations", {})
            if asks and not all(one["clientConfig"].get("caBundle") for one in item["webhooks"]):
                for one in item["webhooks"]:
                    one["clientConfig"]["caBundle"] = bundle
                body = {"webhooks": item["webhooks"]}
                self.objects.client.send("PATCH", self.objects.path(item), body, "application/merge-patch+json")

    def velero(self) -> None:
        """Velero restores: what it knows of is copied to its new namespace."""
        for item in self.all("velero.io/v1", "Restore"):
            if item.get("status", {}).get("phase"):
                continue
            for source, target in (item["spec"].get("namespaceMapping") or {}).items():
                for kind in RESTORED:
                    for found in self.objects.list(self.objects.must(*kind), source):
                        metadata = {"name": found["metadata"]["name"], "namespace": target}
                        for own in ("clusterIP", "clusterIPs") if kind[1] == "Service" else ():
                            found["spec"].pop(own, None)
                        kept = {name: part for name, part in found.items() if name not in ("status", "metadata")}
                        if kind[1] not in self.lost and metadata["name"] != "kube-root-ca.crt":
                            self.objects.apply({**kept, "metadata": metadata})
            self.write(item, {"phase": "Completed"})

    def cnpg(self) -> None:
        """CloudNativePG makes the first backup of a schedule at once."""
        for item in self.all("postgresql.cnpg.io/v1", "ScheduledBackup"):
            cluster = item["spec"]["cluster"]["name"]
            backup: Object = {"apiVersion": "postgresql.cnpg.io/v1", "kind": "Backup"}
            backup["metadata"] = {name: item["metadata"][name] for name in ("name", "namespace")}
            if not self.objects.get(backup):
                backup["metadata"]["labels"] = {"cnpg.io/cluster": cluster}
                self.objects.apply({**backup, "spec": {"cluster": {"name": cluster}, "method": "plugin"}})

    def calico(self) -> None:
        """Calico's operator says how the parts are that an Installation and an APIServer ask for."""
        there = {item["metadata"]["name"] for item in self.all("operator.tigera.io/v1", "TigeraStatus")}
        for kind, name in (("Installation", "calico"), ("APIServer", "apiserver")):
            status: Object = {"apiVersion": "operator.tigera.io/v1", "kind": "TigeraStatus", "metadata": {"name": name}}
            if name not in there and self.all("operator.tigera.io/v1", kind):
                self.objects.apply(status)
                words = {"Available": "True", "Progressing": "False", "Degraded": "False"}
                conditions = [{"type": word, **TRUE, "status": said} for word, said in words.items()]
                self.write(status, {"conditions": conditions})

    def knative(self) -> None:
        """Knative's operator installs Serving, with Kourier, and says so."""
        for item in self.all("operator.knative.dev/v1beta1", "KnativeServing"):
            if item.get("status", {}).get("conditions"):
                continue
            for path in sorted(CONTRACTS.glob("knative-serving-*/crds.yaml")):
                for crd in yaml.load_all(path.read_text(encoding="utf-8"), Loader=LOADER):
                    if crd and crd["metadata"]["name"] == "services.serving.knative.dev":
                        self.objects.apply(crd)
            space = item["metadata"]["namespace"]
            pod: Object = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "kourier", "namespace": space}}
            image = "registry.k8s.io/pause:3.10.2"
            self.objects.apply({**pod, "spec": {"containers": [{"name": "main", "image": image}]}})
            for name in ("kourier", "kourier-internal"):
                service: Object = {"apiVersion": "v1", "kind": "Service", "spec": {"ports": [{"port": 80}]}}
                # as those of releases, so that the stand-in answers for it
                labels = {"app.kubernetes.io/managed-by": "Helm"}
                service["metadata"] = {"name": name, "namespace": space, "labels": labels}
                self.objects.apply(service)
            self.write(item, {"conditions": [{"type": "Ready", **TRUE}]})

    def volumes(self) -> None:
        """A volume on paper for each claim."""
        for item in self.all("v1", "PersistentVolumeClaim"):
            if not item["spec"].get("volumeName"):
                claim = {name: item["metadata"][name] for name in ("name", "namespace")}
                volume: Object = {"apiVersion": "v1", "kind": "PersistentVolume"}
                volume["metadata"] = {"name": f"{claim['namespace']}-{claim['name']}"}
                spec = {"capacity": item["spec"]["resources"]["requests"], "accessModes": item["spec"]["accessModes"]}
                spec.update(claimRef=claim, hostPath={"path": "/paper"}, persistentVolumeReclaimPolicy="Retain")
                if item["spec"].get("storageClassName"):
                    spec["storageClassName"] = item["spec"]["storageClassName"]
                self.objects.apply({**volume, "spec": spec})

    def write(self, item: Object, status: dict[str, Any]) -> None:
        # Velero's kinds and CDI have no status of their own
        whole = item["apiVersion"].startswith("velero.io/") or item["kind"] == "CDI"
        path = self.objects.path(item) + ("" if whole else "/status")
        self.objects.client.send("PATCH", path, {"status": status}, "application/merge-patch+json")

    def webhooks(self) -> None:
        """Pods on paper judge nothing."""
        for kind in ("ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"):
            for item in self.objects.list(self.objects.must("admissionregistration.k8s.io/v1", kind)):
                self.objects.client.delete(self.objects.path(item))

    def envoy(self) -> None:
        """Envoy Gateway accepts the settings of its proxies, for each GatewayClass that names them."""
        where = self.objects.resource("gateway.envoyproxy.io/v1alpha1", "EnvoyProxy", fresh=True)
        for item in self.objects.list(where) if where and "EnvoyProxy" not in self.frozen else ():
            if not item.get("status", {}).get("ancestors"):
                reference = {"group": "gateway.networking.k8s.io", "kind": "GatewayClass", "name": "envoy-gateway"}
                conditions = [{"type": "Accepted", "observedGeneration": item["metadata"].get("generation"), **TRUE}]
                self.write(item, {"ancestors": [{"ancestorRef": reference, "conditions": conditions}]})

    def proxies(self) -> None:
        """Pods of a Gateway, from controllers that make them for each."""
        for item in self.all("gateway.networking.k8s.io/v1", "Gateway"):
            if item["spec"]["gatewayClassName"] in ("nginx", "kgateway", "istio"):
                name, labels = (
                    item["metadata"]["name"],
                    {"gateway.networking.k8s.io/gateway-name": item["metadata"]["name"]},
                )
                proxy = {"containers": [{"name": "proxy", "image": "registry.k8s.io/pause:3.10.2"}]}
                spec = {"replicas": 2, "selector": {"matchLabels": labels}}
                spec["template"] = {"metadata": {"labels": labels}, "spec": proxy}
                wanted: Object = {"apiVersion": "apps/v1", "kind": "Deployment", "spec": spec}
                wanted["metadata"] = {"name": f"{name}-proxy", "namespace": item["metadata"]["namespace"]}
                if not self.objects.get(wanted):
                    self.objects.apply(wanted)

    def parents(self) -> None:
        """What a Gateway says of its routes and policies."""
        for (api_version, kind), (field, reference) in PARENTS.items():
            where = self.objects.resource(api_version, kind)
            for item in self.objects.list(where) if where and kind not in self.frozen else ():
                if not item.get("status", {}).get(field):
                    asked = (item["spec"].get("parentRefs") or [{"name": "platform"}])[0]
                    generation = item["metadata"].get("generation")
                    names = ("Accepted", "ResolvedRefs")
                    conditions = [{"type": name, "observedGeneration": generation, **TRUE} for name in names]
                    said = {reference: asked, "controllerName": "stand.in/gateway", "conditions": conditions}
                    self.write(item, {field: [said]})

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
    found[0]["metadata"]["labels"]["node-role.kubernetes.io/control-plane"] = ""
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
