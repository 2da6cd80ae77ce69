# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Members of a stacked etcd.

Through the JSON gateway that every member serves on its client port (etcd.io/docs/v3.6/dev-guide/api_grpc_gateway).
"""

from __future__ import annotations

import os
import time
from typing import Any

from .._errors import KubestdError
from .._kube import KubeClient, KubeError
from .state import Place

ADVERTISED = "kubeadm.kubernetes.io/etcd.advertise-client-urls"
CLIENT_CERTIFICATES = ("apiserver-etcd-client", "etcd/healthcheck-client", "etcd/peer")

#: Seconds to wait for members to count as connected.
SETTLE = 40.0


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


def members(place: Place, url: str, certificate: str) -> list[dict[str, Any]]:
    """The members as one of them lists them."""
    listed = call(place, url, certificate, "/v3/cluster/member/list", {})
    return list((listed or {}).get("members") or [])


def own_member(listed: list[dict[str, Any]], node_name: str, peer_host: str) -> dict[str, Any] | None:
    """The member of a node: by name, or, while it has not started and has no name yet, by the host of its peer URL."""
    for member in listed:
        hosts = [str(url).split("//")[-1].rpartition(":")[0] for url in member.get("peerURLs") or []]
        if member.get("name") == node_name or (peer_host and not member.get("name") and peer_host in hosts):
            return member
    return None


def remove_member(place: Place, client: KubeClient, peer_host: str) -> str:
    """Take this node's member out of etcd through another member; a sentence about what was done."""
    return take_out(place, place.node_name, member_urls(client), peer_host, time.monotonic() + SETTLE)


def remove_member_of(place: Place, name: str, urls: dict[str, str]) -> str:
    """Take the stale member of another node out of etcd; an empty string when there is none."""
    said = take_out(place, name, urls, host_of(urls.get(name, "")))
    return said if said.startswith("removed") else ""


def host_of(url: str) -> str:
    """https://[::1]:2379 -> [::1], as it stands in etcd's URLs."""
    return url.split("//")[-1].rpartition(":")[0]


def take_out(place: Place, name: str, urls: dict[str, str], peer_host: str, until: float = 0.0) -> str:
    """Ask one member after the other until one removes it, the member itself last.

    When none answers at all there is no etcd that could be harmed; when one answers and refuses, that is an error.
    """
    certificate = client_certificate(place)
    if certificate is None:
        return "no member was added yet"
    refused: KubeError | None = None
    for url in [url for node, url in urls.items() if node != name] + [
        url for node, url in urls.items() if node == name
    ]:
        try:
            listed = members(place, url, certificate)
            member = own_member(listed, name, peer_host)
            if member is None:
                return "etcd has no member of this node"
            if len(listed) == 1:
                return "it is the only member"
            call(place, url, certificate, "/v3/cluster/member/remove", {"ID": member["ID"]})
            return f"removed etcd member {member['ID']}"
        except KubeError as error:
            refused = refused if error.status == 0 else error
    if refused is None:
        return "no etcd member answers"
    if refused.status == 503 and time.monotonic() < until:
        # Members that were connected anew some seconds ago do not count yet (etcd's --strict-reconfig-check).
        time.sleep(2)
        return take_out(place, name, urls, peer_host, until)
    raise KubestdError(f"Cannot take {name} out of etcd: {refused}. Bring the other members up and run again.")
