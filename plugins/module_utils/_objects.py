# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects of the API: where a kind lives, and reading, listing, applying and deleting objects of any kind."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from ._kube import KubeClient, KubeError

FIELD_MANAGER = "kubestd.platform"
PAGE = 500  # objects of one answer, client-go's default page
METADATA_WATCH = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json"
METADATA_ONLY = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"

Object = dict[str, Any]


def group_of(api_version: str) -> str:
    """apps of apps/v1, '' of v1."""
    return api_version.rpartition("/")[0]


def name_of(found: Object) -> str:
    """Kind namespace/name, as messages name an object."""
    metadata = found.get("metadata", {})
    space = f"{metadata['namespace']}/" if metadata.get("namespace") else ""
    return f"{found.get('kind', 'object')} {space}{metadata.get('name', '?')}"


def essence(found: Object) -> Object:
    """An object without what the server keeps about it: two of them tell whether anything that matters differs."""
    kept = {key: value for key, value in found.items() if key != "status"}
    unimportant = ("managedFields", "resourceVersion", "generation", "uid", "creationTimestamp", "selfLink")
    kept["metadata"] = {key: value for key, value in found.get("metadata", {}).items() if key not in unimportant}
    return kept


@dataclass(frozen=True)
class Resource:
    """Where objects of a kind live."""

    api_version: str
    kind: str
    plural: str
    namespaced: bool

    def path(self, namespace: str | None = None, name: str | None = None, part: str = "") -> str:
        """The path of one object, or of a collection (of all namespaces without one)."""
        root = "/apis/" if "/" in self.api_version else "/api/"
        space = f"/namespaces/{quote(namespace)}" if self.namespaced and namespace else ""
        end = f"/{quote(name)}" if name else ""
        return f"{root}{self.api_version}{space}/{self.plural}{end}{f'/{part}' if part else ''}"


class Objects:
    """The objects of one API server. Raises KubeError; a kind that the server does not know is None or a KubeError."""

    def __init__(self, client: KubeClient) -> None:
        self.client = client
        self._kinds: dict[str, dict[str, Resource]] = {}

    def resource(self, api_version: str, kind: str, fresh: bool = False) -> Resource | None:
        """Where a kind lives; None when the server does not serve it. One request for each group version; fresh asks again."""
        if fresh or api_version not in self._kinds:
            root = "/apis/" if "/" in api_version else "/api/"
            found = self.client.get(root + api_version) or {}
            self._kinds[api_version] = {
                item["kind"]: Resource(api_version, item["kind"], item["name"], item["namespaced"])
                for item in found.get("resources", [])
                if "/" not in item["name"]
            }
        return self._kinds[api_version].get(kind)

    def must(self, api_version: str, kind: str) -> Resource:
        """Where a kind lives; raises when the server does not serve it."""
        found = self.resource(api_version, kind)
        if found is None:
            raise KubeError(
                f"{self.client.server} serves no {kind} of {api_version}; install its CustomResourceDefinition, or mend apiVersion.",
                404,
                "NoKind",
            )
        return found

    def path(self, wanted: Object, namespace: str | None = None) -> str:
        """The path of the object that is described; namespace is for one that names none."""
        metadata = wanted.get("metadata", {})
        where = self.must(wanted["apiVersion"], wanted["kind"])
        return where.path(metadata.get("namespace") or namespace or "default", metadata["name"])

    def get(self, wanted: Object, namespace: str | None = None) -> Object | None:
        """The object as it is; None when it, or its kind, is not there."""
        if self.resource(wanted["apiVersion"], wanted["kind"]) is None:
            return None
        found = self.client.get(self.path(wanted, namespace))
        return dict(found) if found is not None else None

    def pages(
        self,
        where: Resource,
        namespace: str | None = None,
        labels: str = "",
        fields: str = "",
        metadata_only: bool = False,
    ) -> Iterator[Object]:
        """All objects of a kind as the lists that the server answers with, PAGE at a time."""
        query = {"limit": str(PAGE)}
        query.update({name: text for name, text in (("labelSelector", labels), ("fieldSelector", fields)) if text})
        accept = METADATA_ONLY if metadata_only else "application/json"
        path = where.path(namespace)
        while True:
            answer = self.client.ask("GET", path, query=query, accept=accept)
            if answer.status == 410 and "continue" in query:
                # The page's point in time is gone; go on with the inconsistent continuation that the server offers.
                query["continue"] = answer.data.get("metadata", {}).get("continue", "")
                if query["continue"]:
                    continue
            found = self.client.checked("GET", path, answer)
            for item in found.get("items") or []:
                item["apiVersion"], item["kind"] = where.api_version, where.kind
            yield found
            query["continue"] = found.get("metadata", {}).get("continue", "")
            if not query["continue"]:
                return

    def list(
        self,
        where: Resource,
        namespace: str | None = None,
        labels: str = "",
        fields: str = "",
        metadata_only: bool = False,
    ) -> Iterator[Object]:
        """All objects of a kind."""
        for page in self.pages(where, namespace, labels, fields, metadata_only):
            yield from page.get("items") or []

    def apply(
        self,
        wanted: Object,
        namespace: str | None = None,
        force: bool = False,
        dry_run: bool = False,
        manager: str = FIELD_MANAGER,
    ) -> Object:
        """Server-side apply; the object as it is (or would be) afterwards."""
        query = {"fieldManager": manager, "fieldValidation": "Strict", "force": str(force).lower()}
        if dry_run:
            query["dryRun"] = "All"
        path = self.path(wanted, namespace)
        return dict(self.client.send("PATCH", path, wanted, "application/apply-patch+yaml", query))

    def would_change(self, wanted: Object, namespace: str | None = None, manager: str = FIELD_MANAGER) -> str:
        """'' when the object is as described, else missing or changed: the server is asked what applying would do."""
        live = self.get(wanted, namespace)
        if live is None:
            return "missing"
        after = self.apply(wanted, namespace, force=True, dry_run=True, manager=manager)
        return "" if essence(live) == essence(after) else "changed"

    def delete(self, wanted: Object, namespace: str | None = None, propagation: str = "Background") -> bool:
        """Delete; False when it, or its kind, was not there."""
        if self.resource(wanted["apiVersion"], wanted["kind"]) is None:
            return False
        return self.client.delete(self.path(wanted, namespace), {"propagationPolicy": propagation})
