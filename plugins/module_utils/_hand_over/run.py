# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write a system as Applications, with its charts, values and objects, to a folder. Nothing in the cluster is changed."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any

from .._errors import KubestdError
from .._manifests.plan import SET_LABEL, ordered
from .._manifests.plan import checked as checked_objects
from .._manifests.read import gather
from .._manifests.run import ManifestSet, reconcile
from .._objects import Object, Objects, name_of
from .._release import manifest, state
from .._release import plan as release_plan
from .._release.chart import files_of
from .._release.fetch import Charts
from .._release.run import VALUES, Release, cache_folder
from .._yaml import yaml
from . import plan

DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


def text_of(*documents: Any) -> bytes:
    """Documents as YAML, the same bytes each time."""
    texts = [yaml.dump(item, Dumper=DUMPER, sort_keys=True, allow_unicode=True, width=160) for item in documents]
    return "---\n".join(texts).encode()


class Capabilities:
    """What charts may ask of the cluster, as Argo CD tells helm: its version, groups and kinds."""

    def __init__(self, objects: Objects) -> None:
        self.objects = objects
        self._flags: list[str] = []

    @property
    def flags(self) -> list[str]:
        """Arguments of helm template; about thirty requests, once."""
        if not self._flags:
            version = self.objects.client.get("/version")["gitVersion"]
            groups = self.objects.client.get("/apis").get("groups", [])
            served = ["v1", *(one["groupVersion"] for group in groups for one in group["versions"])]
            names = []
            for api_version in served:
                root = "/apis/" if "/" in api_version else "/api/"
                found = (self.objects.client.get(root + api_version) or {}).get("resources", [])
                kinds = {item["kind"] for item in found if "/" not in item["name"]}
                names += [api_version, *(f"{api_version}/{kind}" for kind in sorted(kinds))]
            self._flags = ["--kube-version", version, *(flag for name in names for flag in ("--api-versions", name))]
        return self._flags


def render(
    release: Release, archive_path: str, capabilities: Capabilities, values: dict[str, Any] | None = None
) -> list[Object]:
    """What Argo CD would make of a release: helm template, without hooks and CRDs, which no release has among its objects.

    values: others than those of the description.
    """
    command = ["template", release.name, archive_path, "--namespace", release.namespace, "--values", VALUES]
    command += ["--no-hooks", "--skip-tests", *capabilities.flags]
    return manifest.parse(release.call(command, "helm template", values))


class HandOver:
    """One system. target: where it goes; folder: where it is written; owned: whether Argo CD has it, so that Git may change what runs."""

    def __init__(self, system: str, objects: Objects, target: plan.Target, folder: str, owned: bool = False) -> None:
        self.owned = owned
        self.system, self.objects, self.target, self.folder = system.replace("_", "-"), objects, target, folder
        self.capabilities = Capabilities(objects)
        self.names: list[str] = []
        self.spaces: set[str] = set()
        self.notes: list[str] = []
        self.files: dict[str, bytes] = {}

    def name(self, part: str, namespace: str) -> str:
        """The name of the next Application."""
        found = plan.part_name(self.system, part, namespace, self.names)
        self.names.append(found)
        return found

    def application(self, name: str, namespace: str, labels: dict[str, str], stage: int, late: int) -> Object:
        """An Application of a stage; those of one wave are synchronised together. The first in a namespace sees to that."""
        made = plan.base(name, self.system, namespace, self.target, self.target.wave + 2 * stage + late)
        if namespace not in self.spaces:
            self.spaces.add(namespace)
            made = plan.with_namespace(made, labels)
        return made

    def release(self, release: Release, options: dict[str, Any], stage: int) -> None:
        """A release as an Application. Raises KubestdError where it would not be the same afterwards."""
        it = f"release {release.namespace}/{release.name}"
        if release.secret_values:
            raise KubestdError(
                f"{it} has secret values, which are not for Git; have its chart read an existing Secret."
            )
        revisions, made, _ = release.look()
        found = release_plan.newest(revisions)
        if found is None or not self.owned and (made.changed or made.wait or made.refuse):
            raise KubestdError(f"{it} is not as described; release it first, and hand over what runs.")
        archive = release.archive(None if self.owned else found)
        stored = state.load(self.objects, release.namespace, found)
        seen = self.seen(release, found, stored, archive.path)
        if seen.created:
            raise KubestdError(
                f"{it} would change under Argo CD, which renders a chart without looking into the cluster: {', '.join(seen.created)}."
                " Set the values that its chart makes up, or leave this system with this collection."
            )
        self.notes += [f"{it}: {left} stays, and Argo CD does not know it" for left in seen.left]
        self.notes += [
            f"{it}: the hook {hook['kind']} {hook['name']} runs at each synchronisation" for hook in hooks(stored)
        ]
        chart = options["chart"]
        target = self.target
        if target.charts == "referenced" and not chart["ref"].startswith("oci://"):
            target = replace(target, charts="vendored")
        name = self.name(release.name, release.namespace)
        folder = f"systems/{self.system}/{name}"
        labels = options.get("namespace_labels") or {}
        application = self.application(name, release.namespace, labels, stage, 0)
        described = {**options, "merged": release.values}
        application = plan.of_release(application, described, target, folder, archive.sha256, seen.ignored)
        self.files[f"applications/{self.system}/{name}.yaml"] = text_of(application)
        if target.charts == "vendored":
            self.files[f"{folder}/values.yaml"] = text_of(release.values)
            for path, content in files_of(archive.path).items():
                self.files[f"{folder}/chart/{PurePosixPath(*PurePosixPath(path).parts[1:])}"] = content

    def seen(
        self, release: Release, found: release_plan.Revision, stored: dict[str, Any], path: str
    ) -> plan.Comparison:
        """What the chart that was released renders to, with the values that it had, against what was released."""
        if not self.owned:
            return plan.compare(manifest.parse(stored.get("manifest", "")), render(release, path, self.capabilities))
        before = Charts(release.helm, {}, {}, "", release.timeout).cached(found.chart)
        if before:
            values = stored.get("config") or {}
            rendered = render(release, before, self.capabilities, values)
            return plan.compare(manifest.parse(stored.get("manifest", "")), rendered)
        # without the chart of then, what is made up anew each time can still be told
        return plan.compare(*(render(release, path, self.capabilities) for _ in range(2)))

    def manifests(self, manifests: ManifestSet, texts: dict[str, Any], labels: dict[str, str], stage: int) -> None:
        """The objects of a stage as an Application of plain files."""
        found = checked_objects(*gather(texts, cache_folder()))
        done = reconcile(manifests, {"state": "present", "prune": True}, found, True)
        other = [item for item in done["objects"] if item["action"] != "unchanged"]
        if other and not self.owned:
            first = f"{other[0]['kind']} {other[0]['name']}"
            raise KubestdError(
                f"objects of {manifests.name} are not as described ({first}); release them first, and hand over what runs."
            )
        placed = [without_mark(item) for item in manifests.placed(ordered(found))]
        secret = [item for item in placed if item["kind"] == "Secret"]
        self.notes += [f"{name_of(item)} is not for Git and stays as it is" for item in secret]
        kept = [item for item in placed if item not in secret]
        if not kept:
            return
        name = self.name(f"{manifests.name}-objects", manifests.namespace)
        folder = f"systems/{self.system}/{name}"
        application = self.application(name, manifests.namespace, labels, stage, 1)
        application["spec"]["source"] = plan.source(self.target, folder)
        self.files[f"applications/{self.system}/{name}.yaml"] = text_of(application)
        self.files[f"{folder}/objects.yaml"] = text_of(*kept)

    def write(self) -> None:
        """The files, below the folder. All systems of a run write the same root."""
        if self.files:
            self.files["root.yaml"] = text_of(plan.root(self.target))
            # charts are what their digest says, to the byte
            self.files[".gitattributes"] = b"* -text\n"
        for path, content in self.files.items():
            target = os.path.join(self.folder, path)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            with open(target, "wb") as out:
                out.write(content)


def hooks(stored: dict[str, Any]) -> list[dict[str, str]]:
    """Hooks of a stored release that Argo CD knows too; tests are none."""
    return [
        {"kind": str(one.get("kind")), "name": str(one.get("name"))}
        for one in stored.get("hooks") or []
        if set(one.get("events") or []) - {"test"}
    ]


def without_mark(found: Object) -> Object:
    """An object without the label of our set, which is ours and not Git's."""
    labels = {key: text for key, text in (found["metadata"].get("labels") or {}).items() if key != SET_LABEL}
    metadata = {key: value for key, value in found["metadata"].items() if key != "labels"}
    return {**found, "metadata": {**metadata, **({"labels": labels} if labels else {})}}
