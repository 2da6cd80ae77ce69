# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One reading of the cluster from a control plane: its own API server, its own etcd member, and what they know."""

from __future__ import annotations

import calendar
import os
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from .._errors import KubestdError
from .._kube import KubeClient, admin_client

ETCD = "https://127.0.0.1:2379"
ETCD_PKI = "/etc/kubernetes/pki/etcd"
ETCD_MANIFEST = "/etc/kubernetes/manifests/etcd.yaml"
TIMEOUT = 4.0
NODE_CONDITIONS = ("Ready", "MemoryPressure", "DiskPressure", "PIDPressure", "NetworkUnavailable")
COMPONENTS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")
SERVING = "kubernetes.io/kubelet-serving"


def since(text: str | None) -> float:
    """Seconds since the epoch of an RFC 3339 time as Kubernetes writes it, 0 when there is none."""
    try:
        return float(calendar.timegm(time.strptime(text or "", "%Y-%m-%dT%H:%M:%SZ")))
    except ValueError:
        return 0.0


def node(found: dict[str, Any]) -> dict[str, Any]:
    """What matters of a Node object."""
    status = found.get("status", {})
    return {
        "name": found["metadata"]["name"],
        "created": since(found["metadata"].get("creationTimestamp")),
        "version": status.get("nodeInfo", {}).get("kubeletVersion", ""),
        "runtime": status.get("nodeInfo", {}).get("containerRuntimeVersion", "").replace("://", " "),
        "unschedulable": bool(found.get("spec", {}).get("unschedulable")),
        "conditions": {
            condition["type"]: {
                "status": condition["status"],
                "message": condition.get("message", ""),
                "since": since(condition.get("lastTransitionTime")),
            }
            for condition in status.get("conditions", [])
            if condition["type"] in NODE_CONDITIONS
        },
    }


def pod(found: dict[str, Any]) -> dict[str, Any]:
    """What matters of a Pod object: is it ready, and if not, why."""
    status, labels = found.get("status", {}), found["metadata"].get("labels", {})
    containers = status.get("containerStatuses", [])
    waiting = [
        state.get("reason", "")
        for container in containers
        for kind, state in container.get("state", {}).items()
        if kind != "running" and state
    ]
    ready = [c["status"] == "True" for c in status.get("conditions", []) if c["type"] == "Ready"]
    return {
        "name": found["metadata"]["name"],
        "node": found.get("spec", {}).get("nodeName", ""),
        "component": labels.get("component") or labels.get("k8s-app", ""),
        "version": ([container.get("image", "") for container in containers] or [""])[0].rpartition(":")[2],
        "ready": bool(ready and ready[0]),
        "created": since(found["metadata"].get("creationTimestamp")),
        "restarts": sum(container.get("restartCount", 0) for container in containers),
        "reason": next(filter(None, waiting), "") or status.get("reason") or status.get("phase", ""),
    }


def pending_request(found: dict[str, Any]) -> dict[str, Any] | None:
    """A request for a kubelet's serving certificate that nobody has decided on."""
    if found["spec"].get("signerName") != SERVING or found.get("status", {}).get("conditions"):
        return None
    return {
        "name": found["metadata"]["name"],
        "node": found["spec"].get("username", "").rsplit(":", 1)[-1],
        "created": since(found["metadata"].get("creationTimestamp")),
    }


def failed_checks(text: str) -> list[str]:
    """Names of the checks that /readyz?verbose marks as failed."""
    return [line[3:].split()[0] for line in text.splitlines() if line.startswith("[-]") and line[3:].split()]


def read_api(server: str) -> dict[str, Any]:
    """The API server of this machine and the objects it serves; objects is null when it did not give them."""
    reading: dict[str, Any] = {"error": "", "failed": [], "version": "", "objects": None}
    try:
        client = admin_client(server, timeout=TIMEOUT, verify_name=False)
        answer = client.ask("GET", "/readyz", query={"verbose": "true"}, accept="*/*")
        if answer.status != 200:
            reading["failed"] = failed_checks(str(answer.data))
            reading["error"] = f"/readyz answers {answer.status}" + (
                "" if reading["failed"] else f" {answer.data}"[:120]
            )
        version = client.get("/version")
        reading["version"] = version.get("gitVersion", "") if isinstance(version, dict) else ""
        system = "namespaces/kube-system"
        # From the watch cache: this must not cost etcd anything, nor need its quorum.
        cached = {"resourceVersion": "0"}
        pods = (client.get(f"/api/v1/{system}/pods", cached) or {}).get("items", [])
        requests = (client.get("/apis/certificates.k8s.io/v1/certificatesigningrequests", cached) or {})["items"]
        dns = client.get(f"/apis/apps/v1/{system}/deployments/coredns", cached)
        reading["objects"] = {
            "nodes": [node(item) for item in (client.get("/api/v1/nodes", cached) or {})["items"]],
            "pods": [
                entry for entry in map(pod, pods) if entry["component"] in (*COMPONENTS, "kube-proxy", "kube-dns")
            ],
            "requests": list(filter(None, map(pending_request, requests))),
            "dns": dns
            and {"wanted": dns["spec"].get("replicas", 0), "ready": dns.get("status", {}).get("readyReplicas", 0)},
        }
    except KubestdError as error:
        reading["error"] = reading["error"] or str(error)
    return reading


def read_etcd(server: str = ETCD) -> dict[str, Any] | None:
    """The etcd member of this machine; None when etcd is not run by kubeadm here (an external one)."""
    if not os.path.exists(os.path.join(ETCD_PKI, "healthcheck-client.crt")):
        return None
    reading: dict[str, Any] = {"error": "", "manifest": os.path.exists(ETCD_MANIFEST), "members": [], "alarms": []}
    ca, certificate, key = (
        os.path.join(ETCD_PKI, name) for name in ("ca.crt", "healthcheck-client.crt", "healthcheck-client.key")
    )
    try:
        client = KubeClient(server, ca, certificate, key, timeout=TIMEOUT)
        status = client.send("POST", "/v3/maintenance/status", {})
        reading["status"] = {
            "id": str(status.get("header", {}).get("member_id", "")),
            "leader": str(status.get("leader", "0")),
            "learner": bool(status.get("isLearner")),
            "version": status.get("version", ""),
            "size": int(status.get("dbSize", 0)),
            "quota": int(status.get("dbSizeQuota", 0)) or quota(),
            "errors": status.get("errors", []),
        }
        reading["alarms"] = [
            {"id": str(alarm.get("memberID", "")), "alarm": alarm.get("alarm", "")}
            for alarm in client.send("POST", "/v3/maintenance/alarm", {"action": "GET"}).get("alarms", [])
        ]
        # Serializable: what this member knows, also without a quorum.
        reading["members"] = [
            {"id": str(member["ID"]), "name": member.get("name", ""), "learner": bool(member.get("isLearner"))}
            for member in client.send("POST", "/v3/cluster/member/list", {"linearizable": False}).get("members", [])
        ]
    except KubestdError as error:
        reading["error"] = str(error)
    return reading


def quota(path: str = ETCD_MANIFEST) -> int:
    """The limit of etcd's database in bytes by its manifest; etcd's own default is 2 GiB."""
    flag = "--quota-backend-bytes="
    try:
        with open(path, encoding="utf-8") as handle:
            values = [line.split(flag)[1].strip().strip("'\"") for line in handle if flag in line]
        return int(values[-1]) if values else 2 << 30
    except (OSError, ValueError):
        return 2 << 30


def read_cluster(port: int) -> dict[str, Any]:
    """API server and etcd at the same time, so that a dead one costs its own time only."""
    with ThreadPoolExecutor(2) as pool:
        api, etcd = pool.submit(read_api, f"https://127.0.0.1:{port}"), pool.submit(read_etcd)
        return {"time": time.time(), "api": api.result(), "etcd": etcd.result()}
