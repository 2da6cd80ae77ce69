#!/usr/bin/env python3
# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stand-in for ingress2gateway 1.1.0 where that cannot be had: it takes the flags, and prints Gateways, routes and boxes, as that does.

It knows ssl-redirect and rewrite-target, and says of any other annotation that it is not supported.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

PREFIX = "nginx.ingress.kubernetes.io/"


def routes(ingress: dict[str, Any]) -> list[dict[str, Any]]:
    """A route for each host, and one more that leads from http to https where there is a certificate."""
    name, space = ingress["metadata"]["name"], ingress["metadata"]["namespace"]
    annotations = ingress["metadata"].get("annotations") or {}
    parent = {"name": ingress["spec"]["ingressClassName"]}
    secure = {host for tls in ingress["spec"].get("tls") or [] for host in tls["hosts"]}
    found = []
    for rule in ingress["spec"]["rules"]:
        host = rule["host"]
        dashed = host.replace(".", "-")
        rules = []
        for path in rule["http"]["paths"]:
            backend = path["backend"]["service"]
            match = {"path": {"type": "PathPrefix" if path["pathType"] == "Prefix" else "Exact", "value": path["path"]}}
            one = {"matches": [match], "backendRefs": [{"name": backend["name"], "port": backend["port"]["number"]}]}
            if PREFIX + "rewrite-target" in annotations:
                change = {"type": "ReplaceFullPath", "replaceFullPath": annotations[PREFIX + "rewrite-target"]}
                one["filters"] = [{"type": "URLRewrite", "urlRewrite": {"path": change}}]
            rules.append(one)
        metadata = {
            "name": f"{name}-{dashed}",
            "namespace": space,
            "annotations": {"gateway.networking.k8s.io/generator": "ingress2gateway-dev"},
        }
        spec = {"parentRefs": [parent], "hostnames": [host], "rules": rules}
        redirect = annotations.get(PREFIX + "ssl-redirect", "true") == "true"
        if host in secure and redirect:
            spec["parentRefs"] = [{**parent, "port": 443, "sectionName": f"{dashed}-https"}]
            away = {"type": "RequestRedirect", "requestRedirect": {"scheme": "https", "statusCode": 308}}
            plain = [{"matches": one["matches"], "filters": [away]} for one in rules]
            second = {**spec, "parentRefs": [{**parent, "port": 80}], "rules": plain}
            found.append({"metadata": {**metadata, "name": f"{metadata['name']}-http"}, "spec": second})
        found.append({"metadata": metadata, "spec": spec})
    empty: dict[str, Any] = {"parents": []}
    kind = {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute"}
    return [{**kind, **route, "status": empty} for route in found]


def main() -> int:
    """Read the file, print what becomes of it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("verb", choices=["print"])
    for flag in ("--providers", "--emitter", "--input-file", "--ingress-nginx-ingress-class"):
        parser.add_argument(flag, required=True)
    parser.add_argument("--no-color", action="store_true")
    asked = parser.parse_args()
    items = [json.loads(line) for line in Path(asked.input_file).read_text().splitlines()]
    wanted = asked.ingress_nginx_ingress_class
    ingresses = [one for one in items if one["kind"] == "Ingress" and one["spec"].get("ingressClassName") == wanted]
    for item in ingresses:
        for name in sorted(item["metadata"].get("annotations") or {}):
            if name.startswith(PREFIX) and name.removeprefix(PREFIX) not in ("ssl-redirect", "rewrite-target"):
                where = f"{item['metadata']['namespace']}/{item['metadata']['name']}"
                print(f"┌─ WARN  {'─' * 40}\n│  Unsupported annotation {name}", file=sys.stderr)
                print(f"│  source: INGRESS-NGINX\n│  object: Ingress: {where}\n└─", file=sys.stderr)
    gateway = {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway"}
    spaces = sorted({one["metadata"]["namespace"] for one in ingresses})
    made = [{**gateway, "metadata": {"name": wanted, "namespace": space}, "spec": {}} for space in spaces]
    for item in ingresses:
        made += routes(item)
    print("\n---\n".join(json.dumps(one) for one in made) if made else "No resources found")
    return 0


if __name__ == "__main__":
    sys.exit(main())
