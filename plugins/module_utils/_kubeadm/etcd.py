# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Members of a stacked etcd, through the JSON gateway that every member serves on its client port (etcd.io/docs/v3.6/dev-guide/api_grpc_gateway)."""

from __future__ import annotations

import os
from typing import Any

from .._errors import KubestdError
from .._kube import KubeClient, KubeError
from .state import Place

ADVERTISED = "kubeadm.kubernetes.io/etcd.advertise-client-urls"
CLIENT_CERTIFICATES = ("apiserver-etcd-client", "etcd/healthcheck-client", "etcd/peer")


def member_urls(client: KubeClient) -> dict[str, str]:
    """Client URL of each member's pod, by node name."""
    pods = client.get("/api/v1/namespaces/kube-system/pods", {"labelSelector": "component=etcd"}) or {}
    found = {}
    for pod in pods.get("items") or []:
        url = (pod["metadata"].get("annotations") or {}).get(ADVERTISED)
        node = (pod.get("spec") or {}).get("nodeName")
        if url and node:
            found[node] = url
    return found


def client_certificate(place: Place) -> str | None:
    """Name of a certificate that etcd accepts from a client, if this node has one."""
    for name in CLIENT_CERTIFICATES:
        if all(os.path.exists(place.kubernetes(f"pki/{name}.{kind}")) for kind in ("crt", "key")):
            return name
    return None


def call(place: Place, url: str, certificate: str, path: str, body: dict[str, Any]) -> Any:
    """One request to a member."""
    pki = place.kubernetes("pki")
    pair = (os.path.join(pki, f"{certificate}.crt"), os.path.join(pki, f"{certificate}.key"))
    client = KubeClient(url, os.path.join(pki, "etcd/ca.crt"), *pair, timeout=10.0, verify_name=False)
    try:
        return client.send("POST", path, body)
    finally:
        client.close()


def own_member(members: list[dict[str, Any]], node_name: str, peer_host: str) -> dict[str, Any] | None:
    """The member of this node: by name, or, while it has not started and has no name yet, by its peer URL."""
    for member in members:
        urls = [str(url).split("//")[-1].rpartition(":")[0] for url in member.get("peerURLs") or []]
        if member.get("name") == node_name or (not member.get("name") and peer_host in urls):
            return member
    return None


def remove_member(place: Place, client: KubeClient, peer_host: str) -> str:
    """Take this node's member out of etcd through another member; a sentence about what was done."""
    certificate = client_certificate(place)
    others = {name: url for name, url in member_urls(client).items() if name != place.node_name}
    if certificate is None or not others:
        return "no other etcd member to tell" if certificate else "no member was added yet"
    last: KubestdError | None = None
    for url in others.values():
        try:
            listed = call(place, url, certificate, "/v3/cluster/member/list", {})
            member = own_member(listed.get("members") or [], place.node_name, peer_host)
            if member is None:
                return "etcd has no member of this node"
            call(place, url, certificate, "/v3/cluster/member/remove", {"ID": member["ID"]})
            return f"removed etcd member {member['ID']}"
        except KubeError as error:
            last = error
    raise KubestdError(f"Cannot take {place.node_name} out of etcd: {last}. Bring the other etcd members up ({', '.join(others)}) and run again.")
