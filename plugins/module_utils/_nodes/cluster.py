# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading and changing Node objects for node_info and node_metadata."""

from __future__ import annotations

import re
import time
from typing import Any, Callable

from .._errors import KubestdError
from .._kube import KubeClient, KubeError
from .plan import Plan, is_ready, make_plan

KUBELET_CONF = "/etc/kubernetes/kubelet.conf"
KUBELET_CERTIFICATE = "/var/lib/kubelet/pki/kubelet-client-current.pem"
CA = "/etc/kubernetes/pki/ca.crt"
MERGE_PATCH = "application/merge-patch+json"
PAUSE = 0.5


def kubelet_client() -> KubeClient | None:
    """The API server as this node's kubelet speaks to it; None when the node has not joined a cluster."""
    try:
        with open(KUBELET_CONF, encoding="utf-8") as handle:
            server = re.search(r"^\s*server:\s*(\S+)\s*$", handle.read(), re.MULTILINE)
        with open(KUBELET_CERTIFICATE, encoding="utf-8"):
            pass
    except OSError:
        return None
    return KubeClient(server.group(1), CA, KUBELET_CERTIFICATE, KUBELET_CERTIFICATE, retry_for=20) if server else None


def wait_for(look: Callable[[], tuple[Any, str]], timeout: float) -> Any:
    """Look until there is an answer or the time is up; raises KubestdError with what was seen last."""
    deadline = time.monotonic() + timeout
    while True:
        answer, seen = look()
        if answer is not None:
            return answer
        if time.monotonic() > deadline:
            raise KubestdError(f"{seen} (waited {timeout:g} s)")
        time.sleep(PAUSE)


def own_node(client: KubeClient, name: str, need_pod_cidr: bool, timeout: float) -> dict[str, Any]:
    """This node's Node object, once it exists (and has a pod CIDR when that is needed)."""

    def look() -> tuple[dict[str, Any] | None, str]:
        node = client.get(f"/api/v1/nodes/{name}")
        if node is None:
            return (
                None,
                f"The cluster has no node {name}: its kubelet has not registered it. Look at journalctl -u kubelet",
            )
        if need_pod_cidr and not node.get("spec", {}).get("podCIDR"):
            return (
                None,
                f"Node {name} has no pod CIDR: the controller manager gives it one when cluster_pod_cidr has room",
            )
        return node, ""

    found: dict[str, Any] = wait_for(look, timeout)
    return found


def nodes_by_name(client: KubeClient) -> dict[str, dict[str, Any]]:
    """All Node objects."""
    return {item["metadata"]["name"]: item for item in (client.get("/api/v1/nodes") or {}).get("items", [])}


def settle(client: KubeClient, wanted: dict[str, dict[str, Any]], check_mode: bool) -> dict[str, Plan]:
    """Bring labels and taints of the wanted nodes to what they should be; returns the plans of those that differ."""
    plans: dict[str, Plan] = {}
    for name, node in nodes_by_name(client).items():
        if name not in wanted:
            continue
        labels = {str(key): str(value) for key, value in (wanted[name].get("labels") or {}).items()}
        taints = wanted[name].get("taints") or []
        schedulable = wanted[name].get("schedulable")
        plan = make_plan(labels, taints, node, schedulable)
        if plan.patch is None:
            continue
        plans[name] = plan
        while plan.patch is not None and not check_mode:
            try:
                client.send("PATCH", f"/api/v1/nodes/{name}", plan.patch, MERGE_PATCH)
                break
            except KubeError as error:
                if error.status != 409:
                    raise
                plan = make_plan(labels, taints, client.get(f"/api/v1/nodes/{name}") or node, schedulable)
    return plans


def wait_until_ready(client: KubeClient, names: list[str], timeout: float) -> None:
    """Wait until all named nodes are Ready; raises KubestdError that names those that are not, and why."""

    def look() -> tuple[bool | None, str]:
        try:
            nodes = nodes_by_name(client)
        except KubeError as error:
            return None, str(error)
        problems = []
        for name in names:
            ready, message = is_ready(nodes[name]) if name in nodes else (False, "the cluster has no such node")
            if not ready:
                problems.append(f"{name}: {message}")
        return (
            None if problems else True
        ), f"{len(problems)} of {len(names)} nodes are not ready: {'; '.join(problems)}"

    wait_for(look, timeout)
