# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Approving kubelets' serving certificates and proving that they are in use."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .._kube import KubeClient, KubeError
from .csr import SIGNER, Verdict, approval, claimed_node, judge, pending

REQUESTS = "/apis/certificates.k8s.io/v1/certificatesigningrequests"
POLL = 0.5


@dataclass
class Outcome:
    """What one wait came to."""

    approved: list[Verdict] = field(default_factory=list)
    refused: dict[str, Verdict] = field(default_factory=dict)
    proven: set[str] = field(default_factory=set)
    last_seen: dict[str, str] = field(default_factory=dict)


def look_at_requests(client: KubeClient, nodes: dict[str, list[str]], outcome: Outcome, check: bool) -> None:
    """Judge what is pending of these nodes; approve it unless in check mode. Requests of others are not ours to speak of."""
    listed = client.get(REQUESTS, {"fieldSelector": f"spec.signerName={SIGNER}"}) or {}
    seen = {verdict.request for verdict in outcome.approved}
    for request in listed.get("items") or []:
        if not pending(request) or claimed_node(request) not in nodes or request["metadata"]["name"] in seen:
            continue
        verdict = judge(request, nodes)
        if not verdict.approve:
            outcome.refused[verdict.request] = verdict
            continue
        if not check:
            stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
            try:
                client.send("PUT", f"{REQUESTS}/{verdict.request}/approval", approval(request, stamp))
            except KubeError as error:
                if error.status != 409:  # somebody else changed it meanwhile: the next round sees what is left
                    raise
                continue
        outcome.approved.append(verdict)


def prove(client: KubeClient, node: str) -> str:
    """Empty when the API server reaches the kubelet over TLS that it verifies; otherwise what it says."""
    try:
        answer = client.ask("GET", f"/api/v1/nodes/{node}/proxy/healthz")
    except KubeError as error:
        return str(error)
    if answer.status == 200:
        return ""
    said = answer.data.get("message", "") if isinstance(answer.data, dict) else str(answer.data)
    return f"{answer.status} {said}".strip()[:300]


def settle(
    client: KubeClient,
    nodes: dict[str, list[str]],
    timeout: float,
    check: bool,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Outcome:
    """Approve and prove until every node is proven or the time is over; one look in check mode."""
    outcome, end = Outcome(), clock() + timeout
    while True:
        look_at_requests(client, nodes, outcome, check)
        for node in nodes:
            if node not in outcome.proven:
                outcome.last_seen[node] = prove(client, node)
                if not outcome.last_seen[node]:
                    outcome.proven.add(node)
        if check or len(outcome.proven) == len(nodes) or clock() > end:
            return outcome
        sleep(POLL)


def describe(outcome: Outcome, nodes: dict[str, list[str]], check: bool, timeout: float) -> tuple[dict[str, Any], bool]:
    """The result of the module, and whether it is a failure."""
    approved = [{"request": verdict.request, "node": verdict.node} for verdict in outcome.approved]
    missing = [name for name in nodes if name not in outcome.proven]
    lines = [f"approve: {verdict.why}" for verdict in outcome.approved]
    message = f"{len(outcome.proven)} of {len(nodes)} kubelets proven"
    if missing and not check:
        seen = "; ".join(f"{name}: {outcome.last_seen.get(name) or 'not asked'}" for name in missing)
        message += f" after {timeout:.0f} s. {seen}"
    refused = [verdict.why for verdict in outcome.refused.values()]
    concerned = [verdict.why for verdict in outcome.refused.values() if verdict.node in missing]
    result = {
        "changed": bool(outcome.approved),
        "approved": approved,
        "refused": refused,
        "nodes": [
            {"name": name, "proven": name in outcome.proven, "last_seen": outcome.last_seen.get(name, "")}
            for name in nodes
        ],
        "diff": {"before": "", "after": "".join(f"{line}\n" for line in lines)},
        "msg": " ".join([message, *concerned]),
    }
    return result, bool(missing) and not check


def before_the_cluster(nodes: dict[str, list[str]]) -> dict[str, Any]:
    """The result in check mode on a machine that is no control plane yet."""
    outcome = Outcome(last_seen=dict.fromkeys(nodes, "there is no cluster yet"))
    return describe(outcome, nodes, True, 0.0)[0]
