# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a record says of its system to those who draw or list systems. Pure; no value of a record gets out but names and addresses."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from .record import Options, Record

#: service.namespace.svc, as addresses inside of a cluster are written
SERVICE = re.compile(
    r"(?<![\w.-])([a-z0-9](?:[-a-z0-9]*[a-z0-9])?)\.([a-z0-9](?:[-a-z0-9]*[a-z0-9])?)\.svc(?![a-z0-9-])"
)
#: https://name/…, as public addresses are written
PUBLIC = re.compile(r"https://([a-z0-9](?:[-a-z0-9.]*[a-z0-9])?)")


#: What only browsers are sent to, so that nobody talks to it.
LEADS_BACK = ("redirectUris", "webOrigins")


def describe(record: Record) -> dict[str, Any]:
    """Name, needs, releases, namespaces, public hosts, open ports, and which addresses the record mentions."""
    text = json.dumps(_without(LEADS_BACK, _texts(record)))
    releases = [release for stage in record.stages for release in stage.releases]
    objects = [item for stage in record.stages for item in stage.manifests]
    services = {f"{name}.{space}" for name, space in SERVICE.findall(text)}
    hosts = sorted(
        {host for item in objects if item["kind"] == "HTTPRoute" for host in _spec(item).get("hostnames") or []}
    )
    own = {str(item["metadata"].get("name")) for item in objects} | {str(release["name"]) for release in releases}
    return {
        "name": record.name,
        "namespaces": sorted({record.namespace, *(str(release["namespace"]) for release in releases)}),
        "needs": list(record.needs),
        "keeps": list(record.keeps),
        "releases": [
            {"name": release["name"], "chart": _chart(release["chart"]), "version": str(release["chart"]["version"])}
            for release in releases
            if release.get("chart")
        ],
        "files": [url["url"] for stage in record.stages for url in stage.urls],
        "hosts": hosts,
        "objects": sorted(own),
        "ports": list(_ports(objects)),
        "mentions": {
            "services": sorted(services),
            "hosts": sorted(set(PUBLIC.findall(text)) - set(hosts)),
        },
    }


def _texts(record: Record) -> list[Any]:
    """What may name others: values, objects and checks, but nothing secret."""
    found: list[Any] = []
    for stage in record.stages:
        found += [[release["values"], release["overlays"]] for release in stage.releases]
        found += [item for item in stage.manifests if item["kind"] != "Secret"]
        found += stage.checks
    return found


def _chart(chart: Mapping[str, Any]) -> str:
    """The name of a chart: the last part of its reference, without what a file has after it."""
    return str(chart["ref"]).rpartition("/")[2].removesuffix(f"-{chart['version']}.tgz")


def _without(keys: tuple[str, ...], value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without(keys, item) for key, item in value.items() if key not in keys}
    return [_without(keys, item) for item in value] if isinstance(value, list) else value


def _spec(item: Options) -> Mapping[str, Any]:
    return item.get("spec") or {}


def _ports(objects: list[Options]) -> Iterator[dict[str, Any]]:
    """What the network policies let in: pods, ports, and from where."""
    for item in objects:
        if item["kind"] != "NetworkPolicy":
            continue
        for rule in _spec(item).get("ingress") or []:
            ports = [f"{port.get('port', 'all')}/{port.get('protocol', 'TCP')}" for port in rule.get("ports") or []]
            yield {
                "policy": item["metadata"]["name"],
                "ports": ports or ["all"],
                "from": [_peer(peer) for peer in rule.get("from") or []] or ["everywhere"],
            }


def _peer(peer: Mapping[str, Any]) -> str:
    if "ipBlock" in peer:
        return str(peer["ipBlock"]["cidr"])
    spaces = peer.get("namespaceSelector")
    where = "this namespace"
    if spaces is not None:
        where = str((spaces.get("matchLabels") or {}).get("kubernetes.io/metadata.name", "every namespace"))
    pods = (peer.get("podSelector") or {}).get("matchLabels") or {}
    return f"{where} ({', '.join(f'{key}={value}' for key, value in pods.items())})" if pods else where
