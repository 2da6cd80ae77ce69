# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who owns the objects of a system: Argo CD, when it has an Application for them or its annotation stands on them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .._hand_over.plan import SYSTEM_LABEL, TRACKING, tracked_by
from .._kube import KubeError
from .._objects import Object, Objects, Resource
from .._release import manifest, plan, state
from .record import Record

APPLICATIONS = Resource("argoproj.io/v1alpha1", "Application", "applications", True)
WORKLOADS = (
    Resource("apps/v1", "Deployment", "deployments", True),
    Resource("apps/v1", "StatefulSet", "statefulsets", True),
    Resource("apps/v1", "DaemonSet", "daemonsets", True),
)
MERGE = "application/merge-patch+json"


class Owner:
    """What Argo CD has of a system; without Argo CD one request says so."""

    def __init__(self, objects: Objects, record: Record) -> None:
        self.objects, self.record = objects, record
        self.system = record.name.replace("_", "-")
        self.applications: list[Object] = []
        self.tracking: list[str] = []
        try:
            self.look()
        except KubeError as error:
            if error.status != 404:
                raise

    def look(self) -> None:
        """Applications with the label or the name of the system, and the annotation on its objects."""
        labelled = self.objects.list(APPLICATIONS, labels=f"{SYSTEM_LABEL}={self.system}", metadata_only=True)
        named = self.objects.list(APPLICATIONS, fields=f"metadata.name={self.system}", metadata_only=True)
        found = {(item["metadata"]["namespace"], item["metadata"]["name"]): item for item in (*labelled, *named)}
        self.applications = [found[key] for key in sorted(found)]
        self.tracking = sorted({name for item in self.marked() if (name := tracked_by(item["metadata"]))})

    def marked(self) -> Iterator[Object]:
        """Workloads of releases, and objects of stages: metadata of what is there."""
        spaces = {release["namespace"] for stage in self.record.stages for release in stage.releases}
        names = {release["name"] for stage in self.record.stages for release in stage.releases}
        for space in sorted(spaces):
            for kind in WORKLOADS:
                for item in self.objects.list(kind, space, metadata_only=True):
                    notes = item["metadata"].get("annotations") or {}
                    if notes.get("meta.helm.sh/release-name") in names:
                        yield item
        for stage in self.record.stages:
            for item in stage.manifests:
                live = self.objects.get(item, self.record.namespace)
                if live:
                    yield live

    def __bool__(self) -> bool:
        return bool(self.applications or self.tracking)

    def __str__(self) -> str:
        """Argo CD, and its Applications; '' when it is nobody but us."""
        names = [f"{item['metadata']['namespace']}/{item['metadata']['name']}" for item in self.applications]
        known = {item["metadata"]["name"] for item in self.applications}
        names += [name for name in self.tracking if name not in known]
        several = "s" if len(names) > 1 else ""
        return f"Argo CD (Application{several} {', '.join(names)})" if names else ""

    def take_back(self, check_mode: bool) -> list[str]:
        """Delete the Applications without their objects, and take the annotation off these; what was done."""
        done = []
        for item in self.applications:
            path = APPLICATIONS.path(item["metadata"]["namespace"], item["metadata"]["name"])
            done.append(f"delete the Application {item['metadata']['name']} and leave its objects")
            if not check_mode:
                # with the finalizer Argo CD would delete what it has
                self.objects.client.send("PATCH", path, {"metadata": {"finalizers": None}}, MERGE)
                self.objects.client.delete(path, {"propagationPolicy": "Orphan"})
        count = 0
        for item in self.everything():
            live = self.objects.get(item, item["metadata"].get("namespace") or self.record.namespace)
            if live and tracked_by(live["metadata"]):
                count += 1
                if not check_mode:
                    self.objects.client.send(
                        "PATCH", self.objects.path(live), {"metadata": {"annotations": {TRACKING: None}}}, MERGE
                    )
        return [*done, *([f"take {count} objects back from Argo CD"] if count else [])]

    def everything(self) -> Iterator[dict[str, Any]]:
        """All objects of the newest revisions, and of the stages."""
        for stage in self.record.stages:
            for release in stage.releases:
                found = plan.newest(state.revisions(self.objects, release["namespace"], release["name"]))
                stored = state.load(self.objects, release["namespace"], found) if found else {}
                for item in manifest.parse(stored.get("manifest", "")):
                    yield {**item, "metadata": {"namespace": release["namespace"], **item["metadata"]}}
            yield from stage.manifests
