# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Short-lived credentials for nodes that are about to join."""

from __future__ import annotations

import os
import re
import secrets
import string
import time
from dataclasses import dataclass
from typing import Any

from .._errors import KubestdError
from .._kube import KubeClient, admin_client
from . import process
from .config import documents
from .der import public_key_hash
from .etcd import member_urls, remove_member_of
from .state import Place, local_server, read

ALPHABET = string.ascii_lowercase + string.digits
GROUP = "system:bootstrappers:kubeadm:default-node-token"
UNITS = {"s": 1, "m": 60, "h": 3600}
KEY = re.compile(r"certificate key:\s+([0-9a-f]{64})\b")


@dataclass(frozen=True)
class Request:
    """What is asked for: a token for so many seconds, perhaps a certificate key; and who is going to join."""

    seconds: int
    certificate_key: bool
    joining: tuple[str, ...]


def seconds(ttl: str) -> int:
    """30m, 1h, 1h30m -> seconds; raises KubestdError for anything else and for more than a day."""
    parts = re.findall(r"(\d+)([smh])", ttl)
    total = sum(int(number) * UNITS[unit] for number, unit in parts)
    if "".join(number + unit for number, unit in parts) != ttl or not 60 <= total <= 86400:
        raise KubestdError(f"ttl is {ttl!r}; write a duration from 1m to 24h, such as 30m.")
    return total


def new_token() -> str:
    """6 and 16 characters of [a-z0-9] (kubernetes.io/docs/reference/access-authn-authz/bootstrap-tokens)."""
    return (
        "".join(secrets.choice(ALPHABET) for _ in range(6)) + "." + "".join(secrets.choice(ALPHABET) for _ in range(16))
    )


def token_secret(token: str, expiration: float) -> dict[str, Any]:
    """The Secret that makes a token valid."""
    identity, _, rest = token.partition(".")
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "bootstrap.kubernetes.io/token",
        "metadata": {"name": f"bootstrap-token-{identity}", "namespace": "kube-system"},
        "stringData": {
            "description": "For nodes that are joining; made by kubestd.platform.",
            "token-id": identity,
            "token-secret": rest,
            "expiration": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(expiration)),
            "usage-bootstrap-authentication": "true",
            "usage-bootstrap-signing": "true",
            "auth-extra-groups": GROUP,
        },
    }


def make(place: Place, wanted: Request, timeout: float, lock: Any) -> tuple[dict[str, Any], list[str]]:
    """Make the credentials; also the sentences about what had to be removed first."""
    manifest = read(place.kubernetes("manifests/kube-apiserver.yaml"))
    if not manifest or not os.path.exists(place.kubernetes("admin.conf")):
        raise KubestdError(
            f"{place.node_name} is not an initialised control plane: it has no /etc/kubernetes/admin.conf. Delegate"
            " this task to one that is."
        )
    own = local_server(place, manifest)
    client = admin_client(own, place.root, timeout=10.0, retry_for=min(timeout, 60.0), verify_name=False)
    try:
        removed = forget(place, client, wanted.joining)
        token = new_token()
        client.send("POST", "/api/v1/namespaces/kube-system/secrets", token_secret(token, time.time() + wanted.seconds))
        key = upload_certificates(place, client, own, timeout, lock) if wanted.certificate_key else None
    finally:
        client.close()
    return {
        "token": token,
        "ca_cert_hashes": [public_key_hash(read(place.kubernetes("pki/ca.crt")))],
        "certificate_key": key,
    }, removed


def upload_certificates(place: Place, client: KubeClient, own: str, timeout: float, lock: Any) -> str:
    """Let kubeadm encrypt the shared certificates with a key of its making, and read the key from its output."""
    stored = (
        (client.get("/api/v1/namespaces/kube-system/configmaps/kubeadm-config") or {})
        .get("data", {})
        .get("ClusterConfiguration")
    )
    if not stored:
        raise KubestdError(
            "The cluster has no ConfigMap kube-system/kubeadm-config: its init is not complete. Run"
            " kubestd.platform.kubeadm on the primary first."
        )
    host, _, port = own.split("//")[-1].rpartition(":")
    initial = {
        "localAPIEndpoint": {"advertiseAddress": host.strip("[]"), "bindPort": int(port)},
        "nodeRegistration": {"name": place.node_name},
    }
    document = documents({"init_configuration": initial}, ("init_configuration",)) + "---\n" + stored
    output = process.kubeadm(
        place.kubeadm,
        ["init", "phase", "upload-certs", "--upload-certs", "--config", "/dev/stdin"],
        document,
        timeout,
        lock,
    )
    match = KEY.search(output)
    if match is None:
        raise KubestdError(
            "kubeadm init phase upload-certs printed no certificate key; is this version of kubeadm supported?"
        )
    return match.group(1)


def forget(place: Place, client: KubeClient, joining: tuple[str, ...]) -> list[str]:
    """Remove what the cluster still holds under the names of nodes that are about to join with empty disks."""
    removed = []
    urls = member_urls(client) if joining else {}
    for name in joining:
        if name == place.node_name:
            continue
        said = remove_member_of(place, name, urls)
        if said:
            removed.append(f"{name}: {said}")
        if client.delete(f"/api/v1/nodes/{name}"):
            removed.append(f"{name}: removed a Node of that name")
    return removed
