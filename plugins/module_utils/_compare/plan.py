# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What differs between the objects of a namespace and those of its copy. Pure; names and paths are said, never values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

Object = dict[str, Any]
# (apiVersion, kind): what makes the object what it is; nothing: that it is there
COMPARED: dict[tuple[str, str], tuple[str, ...]] = {
    ("v1", "ConfigMap"): ("data", "binaryData"),
    ("v1", "Secret"): ("type", "data"),
    ("v1", "Service"): ("spec",),
    ("v1", "ServiceAccount"): (),
    ("v1", "PersistentVolumeClaim"): ("spec",),
    ("apps/v1", "Deployment"): ("spec",),
    ("apps/v1", "StatefulSet"): ("spec",),
    ("apps/v1", "DaemonSet"): ("spec",),
    ("batch/v1", "CronJob"): ("spec",),
}
# What each cluster or copy gives itself
OWN = {
    "Service": {"clusterIP", "clusterIPs", "nodePort", "healthCheckNodePort", "ipFamilies"},
    "PersistentVolumeClaim": {"volumeName", "dataSource", "dataSourceRef"},
}


def made_by_the_cluster(found: Object) -> bool:
    """Whether every namespace gets such an object by itself."""
    name, kind = found["metadata"]["name"], found["kind"]
    if kind == "Secret":
        return bool(found.get("type") == "kubernetes.io/service-account-token")
    return (kind, name) in (("ConfigMap", "kube-root-ca.crt"), ("ServiceAccount", "default"))


def paths(left: Any, right: Any, own: set[str], path: str) -> Iterator[str]:
    """Where two values differ."""
    if isinstance(left, dict) and isinstance(right, dict):
        for key in sorted({*left, *right} - own):
            yield from paths(left.get(key), right.get(key), own, f"{path}.{key}")
    elif isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
        for number, pair in enumerate(zip(left, right)):
            yield from paths(*pair, own, f"{path}.{number}")
    elif left != right:
        yield path


def differences(source: Iterable[Object], copy: Iterable[Object]) -> list[str]:
    """A sentence for each object that is missing in the copy, or is another one there; what only the copy has counts, too."""
    sides = [
        {
            (item["apiVersion"], item["kind"], item["metadata"]["name"]): item
            for item in side
            if not made_by_the_cluster(item)
        }
        for side in (source, copy)
    ]
    said = []
    for key in sorted({*sides[0], *sides[1]}):
        left, right = (side.get(key) for side in sides)
        title = f"{key[1]} {key[2]}"
        if left is None or right is None:
            said.append(f"{title} is not there in the {'copy' if right is None else 'source'}")
            continue
        own = OWN.get(key[1], set())
        found = [path for part in COMPARED[key[:2]] for path in paths(left.get(part), right.get(part), own, part)]
        if found:
            said.append(
                f"{title} differs in {', '.join(found[:3])}{f' and {len(found) - 3} more' if len(found) > 3 else ''}"
            )
        elif key[1] == "PersistentVolumeClaim" and (right.get("status") or {}).get("phase") != "Bound":
            said.append(f"{title} has no volume in the copy")
    return said
