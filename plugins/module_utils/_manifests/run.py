# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Apply a set of objects, prune it, or take it away."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterable
from typing import Any

from .._diff import difference
from .._errors import KubestdError
from .._health.judge import object_health
from .._kube import KubeError, advice
from .._objects import Object, Objects, Resource, essence, name_of
from . import plan
from .plan import Reference

CONFIG_MAPS = Resource("v1", "ConfigMap", "configmaps", True)
# What an API server says while a webhook, a namespace or a kind is on its way.
EARLY = re.compile(
    r"failed calling webhook|no endpoints available|no matches for kind|could not find the requested resource|namespaces .* not found"
)
PAUSE = (0.2, 3.0)  # seconds between two tries: at first, and at most
POLICIES = ("MutatingAdmissionPolicyBinding", "ValidatingAdmissionPolicyBinding")
# Seconds; an API server looks for changed policies each second (k8s.io/apiserver, policyRefreshInterval).
IN_FORCE = 2.5


class ManifestSet:
    """The set of one name."""

    def __init__(self, objects: Objects, name: str, namespace: str, timeout: float, force: bool) -> None:
        if not re.fullmatch(r"[a-z0-9]([-a-z0-9]{0,50}[a-z0-9])?", name):
            raise KubestdError(f"name is {name!r}; write at most 52 lower case letters, digits and '-'.")
        self.objects, self.name, self.namespace, self.force = objects, name, namespace, force
        self.until = time.monotonic() + timeout
        self.timeout = timeout
        self.record_path = CONFIG_MAPS.path(namespace, f"kubestd-set-{name}")
        self.before: list[Object] = []
        self.after: list[Object] = []

    def record(self) -> list[Reference]:
        """What the set had when it was last written down; nothing when there is no record."""
        found = self.objects.client.get(self.record_path)
        try:
            return [Reference(*item) for item in json.loads(((found or {}).get("data") or {}).get("objects", "[]"))]
        except (ValueError, TypeError) as error:
            raise KubestdError(
                f"The ConfigMap {self.namespace}/kubestd-set-{self.name} was changed by hand: {error}."
            ) from error

    def write(self, references: Iterable[Reference]) -> None:
        """Write down what the set has."""
        body = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": f"kubestd-set-{self.name}", "namespace": self.namespace},
            "data": {"objects": json.dumps([list(item) for item in references])},
        }
        self.objects.apply(body, force=True)

    def await_kinds(self, objects: list[Object]) -> None:
        """Until kinds that somebody else brings are there: before that nobody knows whether their objects have a namespace."""
        brought = {
            item["spec"]["names"]["kind"]
            for item in objects
            if item["kind"] == "CustomResourceDefinition" and "names" in item.get("spec", {})
        }
        pause = PAUSE[0]
        for item in objects:
            if item["metadata"].get("namespace") or item["kind"] in brought:
                continue
            missing = self.objects.resource(item["apiVersion"], item["kind"]) is None
            while missing:
                missing = self.objects.resource(item["apiVersion"], item["kind"], fresh=True) is None
                if missing and time.monotonic() > self.until:
                    text = f"{item['kind']} of {item['apiVersion']} was not served within {self.timeout:.0f} s"
                    raise KubestdError(f"{name_of(item)}: {text}; is its CustomResourceDefinition installed?")
                if missing:
                    time.sleep(pause)
                    pause = min(pause * 2, PAUSE[1])

    def placed(self, objects: list[Object]) -> list[Object]:
        """The objects with their label, in order, and with a namespace where their kind has one."""
        scopes = {
            (item["spec"]["group"], item["spec"]["names"]["kind"]): item["spec"].get("scope") == "Namespaced"
            for item in objects
            if item["kind"] == "CustomResourceDefinition" and "group" in item.get("spec", {})
        }
        found = []
        for item in plan.ordered(objects):
            one = plan.labelled(item, self.name)
            where = self.objects.resource(one["apiVersion"], one["kind"])
            scope = scopes.get((one["apiVersion"].rpartition("/")[0], one["kind"]))
            if (where.namespaced if where else scope) and not one["metadata"].get("namespace"):
                one["metadata"]["namespace"] = self.namespace
            found.append(one)
        return found

    def look(self, wanted: Object) -> str:
        """created | changed | unchanged: what applying an object would do. Remembers both sides for the diff."""
        try:
            live = self.objects.get(wanted)
            if live is None:
                self.after.append(wanted)
                return "created"
            if plan.subset(wanted, live):
                return "unchanged"
            after = self.objects.apply(wanted, force=True, dry_run=True)
        except KubeError as error:
            # An object of a namespace or a webhook that is still to come
            if EARLY.search(str(error)):
                self.after.append(wanted)
                return "created"
            raise
        if essence(live) == essence(after):
            return "unchanged"
        self.before.append(live)
        self.after.append(after)
        return "changed"

    def present(self, objects: list[Object], prune: bool, check_mode: bool) -> list[dict[str, str]]:
        """Bring the set to its description; what was done to each object, in order."""
        if not check_mode:
            self.await_kinds(objects)
        wanted = self.placed(objects)
        references = [plan.reference(item) for item in wanted]
        recorded = self.record()
        gone = self.own(plan.leaving(recorded, references)) if prune else []
        actions = [self.look(item) for item in wanted]
        todo = [item for item, action in zip(wanted, actions) if action != "unchanged"]
        if not check_mode:
            if todo and any(self.namespace == item["metadata"]["name"] for item in todo if item["kind"] == "Namespace"):
                self.apply([item for item in todo if item["kind"] == "Namespace"])
            if set(references) - set(recorded):
                # written before the objects, so that a run that is killed leaves nothing that nobody knows
                self.write(dict.fromkeys([*recorded, *references]))
            self.apply([item for item in todo if item["kind"] in plan.FIRST])
            self.apply([item for item in todo if item["kind"] not in plan.FIRST])
            if any(item["kind"] in POLICIES for item in todo):
                time.sleep(IN_FORCE)
            self.delete(gone)
            if [item for item in recorded if item not in references]:
                self.write(references)
        done = [_said(one, action) for one, action in zip(references, actions)]
        return [*done, *(_said(one, "deleted") for one in gone)]

    def apply(self, todo: list[Object]) -> None:
        """Apply objects, those that are refused for now again and again, and wait until CRDs and namespaces are in use."""
        pause, last = PAUSE[0], ""
        waiting = todo
        while waiting:
            late = []
            for item in waiting:
                try:
                    if self.objects.resource(item["apiVersion"], item["kind"]) is None:
                        self.objects.resource(item["apiVersion"], item["kind"], fresh=True)
                    self.objects.apply(item, force=self.force or item["kind"] in plan.FIRST)
                except KubeError as error:
                    if not (EARLY.search(str(error)) or error.reason == "NoKind"):
                        raise self.explained(item, error) from error
                    late.append(item)
                    last = f"{name_of(item)}: {error}"
            if late and time.monotonic() > self.until:
                raise KubestdError(
                    f"{len(late)} objects of {self.name} were not accepted within {self.timeout:.0f} s. {last}"
                )
            if late:
                time.sleep(pause)
                pause = min(pause * 2, PAUSE[1])
            waiting = late
        for item in todo:
            while item["kind"] in plan.FIRST:
                health = object_health(self.objects.get(item))
                if health.ok:
                    break
                if health.hopeless or time.monotonic() > self.until:
                    raise KubestdError(f"{name_of(item)} {health.message}.")
                time.sleep(PAUSE[0])

    @staticmethod
    def explained(item: Object, error: KubeError) -> KubestdError:
        """A refusal in one sentence; a conflict with the owner of each field."""
        causes = (error.answer.get("details") or {}).get("causes") or []
        conflicts = [
            f"{cause.get('field')} ({match.group(1)})"
            for cause in causes
            if cause.get("reason") == "FieldManagerConflict"
            for match in [re.search(r'conflict with "([^"]+)"', cause.get("message", ""))]
            if match
        ]
        if conflicts:
            return KubestdError(
                f"{name_of(item)}: others have set {', '.join(conflicts)}; take these fields out of the object,"
                " or set force_conflicts to true to take them over."
            )
        said = str(error.answer.get("message") or error)
        return KubestdError(f"{name_of(item)} was refused: {said}{advice(said) if error.answer else ''}")

    def own(self, references: list[Reference]) -> list[Reference]:
        """Those that are there and still carry the label of this set."""
        found = []
        for one in references:
            live = self.objects.get(one.object())
            if live and (live["metadata"].get("labels") or {}).get(plan.SET_LABEL) == self.name:
                self.before.append(live)
                found.append(one)
        return found

    def delete(self, references: list[Reference]) -> None:
        """Delete and wait until they are gone: custom resources while their operator runs, CRDs and namespaces last."""
        first = [one for one in references if plan.rank(one.kind) >= len(plan.ORDER)]
        last = [one for one in references if one.kind in plan.FIRST]
        rest = [one for one in references if one not in first and one not in last]
        for group in (first, rest, last):
            for one in group:
                self.objects.delete(one.object())
            left = group
            while left:
                left = [one for one in left if self.objects.get(one.object())]
                if left and time.monotonic() > self.until:
                    raise KubestdError(
                        f"{len(left)} objects of {self.name} are still there after {self.timeout:.0f} s: "
                        + "; ".join(self.held(one) for one in left[:5])
                    )
                if left:
                    time.sleep(PAUSE[0])

    def held(self, one: Reference) -> str:
        """What keeps an object."""
        live = self.objects.get(one.object())
        return f"{name_of(one.object())} {object_health(live).message}"

    def absent(self, objects: list[Object], check_mode: bool) -> list[dict[str, str]]:
        """Take everything away that the set had, or that is described and carries its label."""
        recorded = self.record()
        described = [plan.reference(item) for item in self.placed(objects)]
        there = self.own(plan.leaving(dict.fromkeys([*described, *recorded]), []))
        if not check_mode:
            self.delete(there)
            if recorded:
                self.objects.client.delete(self.record_path)
        return [_said(one, "deleted") for one in there]

    def diff(self) -> dict[str, str]:
        """What changed, for people."""
        return difference(self.before, self.after)


def _said(one: Reference, action: str) -> dict[str, str]:
    return {"kind": one.kind, "namespace": one.namespace, "name": one.name, "action": action}


def reconcile(manifests: ManifestSet, options: dict[str, Any], found: list[Object], check_mode: bool) -> dict[str, Any]:
    """The result of the module."""
    if options["state"] == "absent":
        done = manifests.absent(found, check_mode)
    else:
        done = manifests.present(found, options["prune"], check_mode)
    changed = [item for item in done if item["action"] != "unchanged"]
    result: dict[str, Any] = {"changed": bool(changed), "objects": done}
    if changed:
        result["diff"] = manifests.diff()
    return result
