# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A named set of objects: in which order they are applied, and which ones left the set. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from .._errors import KubestdError
from .._objects import Object, name_of

SET_LABEL = "kubestd.platform/set"
# What has to be there before the rest; then helm's order of installation: helm/pkg/release/v1/util/kind_sorter.go
FIRST = ("CustomResourceDefinition", "Namespace")
ORDER = (
    *FIRST, "PriorityClass", "NetworkPolicy", "ResourceQuota", "LimitRange", "PodDisruptionBudget", "ServiceAccount",
    "Secret", "ConfigMap", "StorageClass", "PersistentVolume", "PersistentVolumeClaim", "ClusterRole", "ClusterRoleBinding",
    "Role", "RoleBinding", "Service", "DaemonSet", "Pod", "ReplicaSet", "Deployment", "HorizontalPodAutoscaler",
    "StatefulSet", "Job", "CronJob", "IngressClass", "Ingress", "APIService",
)  # fmt: skip
LAST = ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")


class Reference(NamedTuple):
    """Which object, without what it is like."""

    api_version: str
    kind: str
    namespace: str
    name: str

    def object(self) -> Object:
        """An object of only its identity."""
        metadata = {"name": self.name, **({"namespace": self.namespace} if self.namespace else {})}
        return {"apiVersion": self.api_version, "kind": self.kind, "metadata": metadata}


def rank(kind: str) -> int:
    """Place of a kind: custom resources after the built-in kinds, webhook configurations at the end."""
    if kind in LAST:
        return len(ORDER) + 1
    return ORDER.index(kind) if kind in ORDER else len(ORDER)


def ordered(objects: Iterable[Object]) -> list[Object]:
    """In order of application; objects of one rank keep the order they were given in."""
    return sorted(objects, key=lambda item: rank(item["kind"]))


def reference(found: Object) -> Reference:
    """The identity of an object."""
    metadata = found["metadata"]
    return Reference(found["apiVersion"], found["kind"], metadata.get("namespace") or "", metadata["name"])


def checked(objects: Sequence[Any], where: Sequence[str]) -> list[Object]:
    """The objects, each of them complete and there once. Raises KubestdError that says which one and where."""
    seen: dict[tuple[str, str, str, str], str] = {}
    found: list[Object] = []
    for item, place in zip(objects, where):
        if not isinstance(item, dict):
            raise KubestdError(
                f"{place} is not a Kubernetes object but {type(item).__name__}; write apiVersion, kind and metadata."
            )
        if str(item.get("kind", "")).endswith("List") and isinstance(item.get("items"), list):
            inner = item["items"]
            found += checked(inner, [f"{place}, item {number + 1}" for number in range(len(inner))])
            continue
        for name in ("apiVersion", "kind"):
            if not isinstance(item.get(name), str) or not item[name]:
                raise KubestdError(f"{place} has no {name}.")
        if not isinstance(item.get("metadata"), dict) or not item["metadata"].get("name"):
            raise KubestdError(f"{place} ({item['kind']}) has no metadata.name.")
        one = reference(item)
        key = (one.api_version.rpartition("/")[0], *one[1:])
        if key in seen:
            raise KubestdError(f"{name_of(item)} is there twice: {seen[key]} and {place}.")
        seen[key] = place
        found.append(item)
    return found


def labelled(found: Object, name: str) -> Object:
    """The object with the label of its set."""
    metadata = dict(found["metadata"])
    metadata["labels"] = {**(metadata.get("labels") or {}), SET_LABEL: name}
    return {**found, "metadata": metadata}


def digest(objects: Iterable[Object]) -> str:
    """The same text for the same wanted objects, in any order."""
    lines = sorted(json.dumps(item, sort_keys=True) for item in objects)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def leaving(recorded: Iterable[Reference], wanted: Iterable[Reference]) -> list[Reference]:
    """What was in the set and is not any more, in order of deletion; another version of the same API is the same object."""
    kept = {(item.api_version.rpartition("/")[0], *item[1:]) for item in wanted}
    gone = [item for item in recorded if (item.api_version.rpartition("/")[0], *item[1:]) not in kept]
    return sorted(gone, key=lambda item: -rank(item.kind))


def subset(wanted: Any, live: Any) -> bool:
    """Whether everything that is wanted stands in the live object as it is written; no need to ask the server then."""
    if isinstance(wanted, dict):
        return isinstance(live, dict) and all(key in live and subset(value, live[key]) for key, value in wanted.items())
    if isinstance(wanted, list):
        same = isinstance(live, list) and len(wanted) == len(live)
        return same and all(subset(*pair) for pair in zip(wanted, live))
    return bool(wanted == live) and isinstance(wanted, bool) == isinstance(live, bool)
