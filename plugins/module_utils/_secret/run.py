# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Secret that is made once in the cluster, and its copies. Its values are never returned."""

from __future__ import annotations

import base64
import secrets
from typing import Any

from .._kube import KubeError
from .._objects import Object, Objects, Resource
from .plan import Key, make, missing, stale

SECRETS = Resource("v1", "Secret", "secrets", True)
NAMESPACES = Resource("v1", "Namespace", "namespaces", False)
COPY_OF = "kubestd.platform/copy-of"


class Store:
    """The Secret of one name, in one namespace, with copies in others."""

    def __init__(self, objects: Objects, options: dict[str, Any], keys: list[Key]) -> None:
        self.objects, self.options, self.keys = objects, options, keys
        self.name, self.namespace = options["name"], options["namespace"]
        self.copies = [space for space in dict.fromkeys(options["copies"]) if space != self.namespace]

    def get(self, namespace: str) -> Object | None:
        """The Secret in a namespace."""
        found = self.objects.client.get(SECRETS.path(namespace, self.name))
        return dict(found) if found else None

    def body(self, namespace: str, data: dict[str, str], found: Object | None) -> Object:
        """The object to be sent."""
        metadata: dict[str, Any] = {"name": self.name, "namespace": namespace}
        notes = {**self.options["annotations"], **({COPY_OF: self.namespace} if namespace != self.namespace else {})}
        for part, wanted in (("labels", self.options["labels"]), ("annotations", notes)):
            metadata[part] = {**(((found or {}).get("metadata") or {}).get(part) or {}), **wanted}
        if found:
            metadata["resourceVersion"] = found["metadata"]["resourceVersion"]
        return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": self.options["type"], "data": data}

    def differs(self, found: Object | None, wanted: Object) -> bool:
        """Whether the Secret has to be written."""
        if found is None:
            return True
        same = found.get("data") == wanted["data"]
        parts = all(
            (found["metadata"].get(part) or {}) == wanted["metadata"][part] for part in ("labels", "annotations")
        )
        return not (same and parts)

    def put(self, namespace: str, body: Object, found: Object | None) -> None:
        """Write it; a namespace that is not there is made."""
        try:
            if found:
                self.objects.client.send("PUT", SECRETS.path(namespace, self.name), body)
            else:
                self.objects.client.send("POST", SECRETS.path(namespace), body)
        except KubeError as error:
            if error.status != 404:
                raise
            space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
            made = self.objects.client.ask("POST", NAMESPACES.path(), space)
            # 409: the system of that namespace, which is installed at the same time, was faster
            if made.status != 409:
                self.objects.client.checked("POST", NAMESPACES.path(), made)
            self.objects.client.send("POST", SECRETS.path(namespace), body)

    def present(self, check_mode: bool) -> dict[str, Any]:
        """Make what is missing; the result has names, never values."""
        found = self.get(self.namespace)
        data: dict[str, str] = dict((found or {}).get("data") or {})
        new = missing(self.keys, data)
        made = {name: base64.b64decode(text) for name, text in data.items()}
        for key in new:
            made[key.name] = b"" if check_mode else make(key, made, secrets.token_bytes)
        outdated = [key for key in stale(self.keys, made) if key not in new]
        for key in outdated:
            made[key.name] = make(key, made, secrets.token_bytes)
        new += outdated
        data.update({key.name: base64.b64encode(made[key.name]).decode() for key in new})
        actions = []
        spaces = [self.namespace, *self.copies]
        for space in spaces:
            live = found if space == self.namespace else self.get(space)
            body = self.body(space, data, live)
            if self.differs(live, body):
                verb = "make" if live is None else "change"
                actions.append(f"{verb} the secret {space}/{self.name}")
                if not check_mode:
                    self.put(space, body, live)
        return self.result(actions, [key.name for key in new], sorted(data), found)

    def absent(self, check_mode: bool) -> dict[str, Any]:
        """Take it and its copies away."""
        found = self.get(self.namespace)
        actions = []
        for space in [self.namespace, *self.copies]:
            if self.get(space):
                actions.append(f"delete the secret {space}/{self.name}")
                if not check_mode:
                    self.objects.client.delete(SECRETS.path(space, self.name))
        return self.result(actions, [], [], found)

    @staticmethod
    def result(actions: list[str], made: list[str], keys: list[str], found: Object | None) -> dict[str, Any]:
        """The same keys whatever happened."""
        result: dict[str, Any] = {"changed": bool(actions), "actions": actions, "made": made, "key_names": keys}
        if actions:
            before = sorted((found or {}).get("data") or {})
            result["diff"] = {
                "before": "".join(f"{key}\n" for key in before),
                "after": "".join(f"{key}\n" for key in keys),
            }
        return result
