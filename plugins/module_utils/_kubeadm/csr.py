# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which signing requests of kubelets deserve a certificate. Pure: no access to the host or the cluster.

The rules are those of the signer kubernetes.io/kubelet-serving
(kubernetes.io/docs/reference/access-authn-authz/certificate-signing-requests),
and one that only an inventory can know: the names and addresses that belong to the node.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
from dataclasses import dataclass
from typing import Any

from .._errors import KubestdError
from .der import request_names

SIGNER = "kubernetes.io/kubelet-serving"
USER = "system:node:"
GROUP = "system:nodes"
ALLOWED_USAGES = frozenset({"digital signature", "key encipherment", "server auth"})
NEEDED_USAGE = "server auth"


@dataclass(frozen=True)
class Verdict:
    """What to do with one request and why; node is the name it claims, empty when it is none of a kubelet."""

    request: str
    node: str
    approve: bool
    why: str


def pending(request: dict[str, Any]) -> bool:
    """Neither approved, nor denied, nor failed, and for this signer."""
    conditions = (request.get("status") or {}).get("conditions") or []
    return request["spec"].get("signerName") == SIGNER and not conditions


def canonical(name: str) -> str:
    """An address in its shortest form, a name in lower case without the final dot."""
    try:
        return str(ipaddress.ip_address(name))
    except ValueError:
        return name.lower().rstrip(".")


def claimed_node(request: dict[str, Any]) -> str:
    """The node whose kubelet a request says to come from; empty when it comes from no kubelet."""
    user = str(request["spec"].get("username") or "")
    return user[len(USER) :] if user.startswith(USER) else ""


def judge(request: dict[str, Any], nodes: dict[str, list[str]]) -> Verdict:
    """The verdict on one request; nodes maps each node's name to the names and addresses it may have."""
    name, spec = request["metadata"]["name"], request["spec"]
    user = str(spec.get("username") or "")
    node = claimed_node(request)
    why = objection(spec, node, nodes)
    if why:
        return Verdict(name, node, False, f"Request {name} of {user or 'nobody'} is not approved: {why}")
    return Verdict(name, node, True, f"Request {name} is from the kubelet of {node} and names nothing but it")


def objection(spec: dict[str, Any], node: str, nodes: dict[str, list[str]]) -> str:
    """The first rule that a request breaks, or an empty string."""
    if not node or GROUP not in (spec.get("groups") or []):
        return f"it does not come from a kubelet (user {USER}<node> in group {GROUP})."
    if node not in nodes:
        return f"{node} is none of the nodes that are asked about."
    usages = set(spec.get("usages") or [])
    if NEEDED_USAGE not in usages or not usages <= ALLOWED_USAGES:
        return (
            f"its usages are {', '.join(sorted(usages)) or 'none'}; a kubelet's serving certificate has"
            f" {', '.join(sorted(ALLOWED_USAGES))}."
        )
    try:
        names = request_names(base64.b64decode(spec.get("request") or "", validate=True).decode("ascii"))
    except (KubestdError, ValueError, binascii.Error) as error:
        return f"it cannot be read ({error})."
    if names.common_name != f"{USER}{node}" or names.organisations != (GROUP,) or names.subject_fields != 2:
        return (
            f"its subject is CN={names.common_name}, O={', '.join(names.organisations)}; it must be CN={USER}{node},"
            f" O={GROUP} and nothing else."
        )
    if names.other:
        return "it asks for e-mail addresses or URIs."
    if not names.alternatives:
        return "it asks for no name and no address."
    allowed = {canonical(entry) for entry in nodes[node]}
    foreign = sorted(entry for entry in names.alternatives if canonical(entry) not in allowed)
    if foreign:
        return f"it asks for {', '.join(foreign)}; {node} may have only {', '.join(sorted(allowed)) or 'nothing'}."
    return ""


def approval(request: dict[str, Any], now: str) -> dict[str, Any]:
    """The request with an approval added, as the subresource approval takes it."""
    condition = {
        "type": "Approved",
        "status": "True",
        "reason": "KubestdInventory",
        "message": "The node, its names and its addresses are those of the inventory.",
        "lastUpdateTime": now,
        "lastTransitionTime": now,
    }
    status = dict(request.get("status") or {})
    return {**request, "status": {**status, "conditions": [*(status.get("conditions") or []), condition]}}
