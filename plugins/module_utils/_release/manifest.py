# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects that a release renders: what changed between two manifests, and what differs in the cluster."""

from __future__ import annotations

from typing import Any

from .._diff import difference
from .._kube import KubeError
from .._objects import Object, Objects, name_of
from .._yaml import LOADER, yaml
from .values import Values, mask


def parse(manifest: str) -> list[Object]:
    """The objects of a rendered manifest."""
    found = yaml.load_all(manifest, Loader=LOADER)
    return [item for item in found if isinstance(item, dict) and item.get("kind") and item.get("metadata")]


def changes(before: str, after: str, secret: Values) -> dict[str, str]:
    """Before and after of the objects that differ between two manifests, without secret values."""
    texts = difference(parse(before), parse(after))
    return {side: mask(text, secret) for side, text in texts.items()}


def as_released(wanted: Object, name: str, namespace: str) -> Object:
    """An object of a manifest as helm sends it: with the marks of the release it belongs to."""
    metadata = dict(wanted["metadata"])
    metadata["labels"] = {**(metadata.get("labels") or {}), "app.kubernetes.io/managed-by": "Helm"}
    marks = {"meta.helm.sh/release-name": name, "meta.helm.sh/release-namespace": namespace}
    metadata["annotations"] = {**(metadata.get("annotations") or {}), **marks}
    return {**wanted, "metadata": metadata}


def drifted(objects: Objects, manifest: str, name: str, namespace: str) -> list[str]:
    """Objects of a manifest that are gone or changed, each as a phrase."""
    return drifted_objects(objects, parse(manifest), name, namespace)


def drifted_objects(objects: Objects, described: list[Object], name: str, namespace: str) -> list[str]:
    """Objects of a release that are gone or changed, each as a phrase."""
    found = []
    for wanted in described:
        try:
            state = objects.would_change(as_released(wanted, name, namespace), namespace, "helm")
        except KubeError as error:
            state = f"not to be compared ({error})"
        if state:
            found.append(f"{name_of(wanted)} is {state}")
    return found


def config_secrets(config: Any, plain: Any) -> Values:
    """The part of stored values that plain values do not have: it was secret, or may have been."""
    if not isinstance(config, dict):
        return {}
    kept: Values = {}
    for key, value in config.items():
        known = plain.get(key) if isinstance(plain, dict) else None
        if isinstance(value, dict) and isinstance(known, dict):
            kept[key] = config_secrets(value, known)
        elif not isinstance(plain, dict) or key not in plain:
            kept[key] = value
    return kept
