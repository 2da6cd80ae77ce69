# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verbs of a system, carried out on its record: release, health, remove, hand_over."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from .._errors import KubestdError
from .._hand_over.plan import Target
from .._hand_over.run import Capabilities, HandOver, render
from .._health.engine import Engine
from .._health.plan import make_check, summary
from .._kubeconfig import Access
from .._manifests.plan import checked as checked_objects
from .._manifests.read import gather
from .._manifests.run import ManifestSet, reconcile
from .._objects import Object, Objects, Resource, name_of
from .._release import manifest, plan, state
from .._release.run import Release, cache_folder, listing
from .._secret.plan import make_keys
from .._secret.run import Store
from . import record as records
from .owner import Owner
from .record import Options, Record, Stage

NAMESPACES = Resource("v1", "Namespace", "namespaces", False)
CLAIMS = Resource("v1", "PersistentVolumeClaim", "persistentvolumeclaims", True)
PODS = Resource("v1", "Pod", "pods", True)
SHARED = ("default", "kube-system", "kube-public", "kube-node-lease")


class Component:
    """One system. say: a line of progress for people; settings: mirror, registry, helm, cosign, drift, timeout."""

    def __init__(
        self,
        record: Record,
        access: Access,
        settings: Options,
        check_mode: bool,
        diff: bool,
        say: Callable[[str], None],
    ) -> None:
        self.record, self.access, self.settings = record, access, settings
        self.check_mode, self.with_diff, self.say = check_mode, diff, say
        self.objects = Objects(access.client())
        self.timeout = float(settings["timeout"])
        self.actions: list[str] = []
        self.checks: list[dict[str, Any]] = []
        self.diffs: list[dict[str, str]] = []
        self.kept: list[str] = []
        self.owner = ""
        self.started = time.monotonic()

    def result(self, message: str = "", passed: bool = True) -> dict[str, Any]:
        """The same keys for every verb."""
        names = {(item["namespace"], item["name"]): item for stage in self.record.stages for item in stage.releases}
        found = [
            {**item, "pin": pin_of(names[item["namespace"], item["name"]]["chart"])}
            for item in listing(self.objects, None, None)
            if (item["namespace"], item["name"]) in names
        ]
        return {
            "changed": bool(self.actions),
            "actions": self.actions,
            "passed": passed,
            "message": message,
            "checks": self.checks,
            "releases": found,
            "kept": self.kept,
            "owner": self.owner,
            "diff": self.diffs,
            "seconds": round(time.monotonic() - self.started, 1),
        }

    def did(self, actions: list[str], diff: dict[str, str] | None, about: str) -> None:
        """Note what was done, and say it."""
        self.actions += actions
        for action in actions:
            self.say(action)
        if diff and self.with_diff and actions:
            self.diffs.append({"before_header": about, "after_header": about, **diff})

    def release(self) -> dict[str, Any]:
        """Bring the system to its description, stage by stage, and wait for each. What Argo CD owns is left to it."""
        owner = self.look_for_owner()
        if owner and self.settings.get("take_back"):
            self.did(owner.take_back(self.check_mode), None, "Applications")
            self.settings["drift"], self.owner = "repair", ""
        elif owner:
            return self.leave()
        self.secrets()
        for stage in self.record.stages:
            before = len(self.actions)
            for options in stage.releases:
                self.one_release(options)
            self.manifests(stage, "present")
            if self.check_mode and len(self.actions) > before:
                continue
            self.wait(stage)
        return self.result("released")

    def look_for_owner(self) -> Owner:
        """Who owns the system; a line of the result."""
        owner = Owner(self.objects, self.record)
        self.owner = str(owner)
        if owner:
            self.say(f"is owned by {owner}")
        return owner

    def secrets(self) -> None:
        """The generated Secrets, which are never in Git."""
        for secret in self.record.secrets:
            store = Store(self.objects, secret, make_keys(secret["keys"]))
            done = store.present(self.check_mode)
            self.did(done["actions"], done.get("diff"), f"Secret {secret['namespace']}/{secret['name']}")

    def leave(self) -> dict[str, Any]:
        """Nothing is changed of what Argo CD owns; what runs and is not as described is said, and fails a run that is to change it."""
        self.secrets()
        made = list(self.actions)
        check_mode, self.check_mode = self.check_mode, True
        for stage in self.record.stages:
            for options in stage.releases:
                if not self.runs(options):
                    self.one_release(options)
            self.manifests(stage, "present")
        self.check_mode = check_mode
        differ = self.actions[len(made) :]
        if differ and not check_mode:
            self.actions = made
            raise Unhealthy(
                f"it is owned by {self.owner}, and what runs is not what is described here: {'; '.join(differ)}. Change it in Git, which"
                " playbooks/hand_over.yml writes to, or set platform_take_back to true to have it back.",
                self.result("owned by another", False),
            )
        for stage in self.record.stages:
            self.wait(stage)
        return self.result(f"owned by {self.owner}")

    def runs(self, options: Options) -> bool:
        """Whether the objects of a release are what its description renders to, whoever brought them."""
        release = self.made(options)
        revisions, planned, _ = release.look()
        if not planned.changed and not planned.wait and not planned.refuse:
            return True
        archive = release.archive(plan.newest(revisions))
        wanted = render(release, archive.path, Capabilities(self.objects))
        return not manifest.drifted_objects(self.objects, wanted, release.name, release.namespace)

    def made(self, options: Options) -> Release:
        """A release of a stage with the settings of the run."""
        known = {name: self.settings.get(name) for name in ("mirror", "registry", "helm", "cosign")}
        drift = {"drift": self.settings["drift"]} if self.settings.get("drift") else {}
        chart = options.get("chart")
        if chart and not chart.get("sha256"):
            options = {**options, "chart": {**chart, "sha256": (self.settings.get("pins") or {}).get(pin_of(chart))}}
        return Release({**known, "timeout": self.timeout, **options, **drift}, self.access, cache_folder())

    def one_release(self, options: Options) -> None:
        """One release of a stage."""
        release = self.made(options)
        done = release.run(self.check_mode, self.with_diff)
        self.did(done["actions"], done.get("diff"), f"release {release.namespace}/{release.name}")
        if done["drift"] and not done["actions"]:
            self.say(f"drift: {'; '.join(done['drift'])}")

    def manifests(self, stage: Stage, state: str) -> None:
        """The objects of a stage."""
        if not stage.manifests and not stage.urls and not stage.kustomize:
            return
        options = {"state": state, "prune": True}
        sources: Options = {"objects": stage.manifests, "urls": self.redirected(stage.urls)}
        if state == "present":
            # what is to go is written down in the cluster, and needs no build
            sources.update(kustomize=self.redirected(stage.kustomize), kustomize_program=self.settings.get("kustomize"))
        found: list[Object] = checked_objects(*gather(sources, cache_folder()))
        if state == "present" and not self.check_mode:
            self.ensure_namespace()
        manifests = self.set_of(stage)
        done = reconcile(manifests, options, found, self.check_mode)
        said = [
            f"{item['action']} {item['kind']} {item['name']}"
            for item in done["objects"]
            if item["action"] != "unchanged"
        ]
        self.did(said, done.get("diff"), f"objects of {stage.name}")

    def set_of(self, stage: Stage) -> ManifestSet:
        """The set of the objects of a stage."""
        return ManifestSet(self.objects, stage.name, self.record.namespace, self.timeout, True)

    def checks_of(self, stage: Stage) -> list[Options]:
        """All checks of a stage, with those of workloads that kustomize made."""
        made = list(records.checks(self.record, stage))
        if not stage.kustomize:
            return made
        described = [(item["apiVersion"], item["kind"], item["metadata"]["name"]) for item in stage.manifests]
        return [*records.set_checks(stage.name, self.record.namespace, self.set_of(stage).record(), described), *made]

    def redirected(self, urls: list[Options]) -> list[Options]:
        """Addresses at the mirror of files, when there is one."""
        files = (self.settings.get("mirror") or {}).get("files")
        if not files:
            return urls
        moved = [{**item, "url": f"{files.rstrip('/')}/{item['url'].split('://', 1)[1]}"} for item in urls]
        return [
            {**item, "archives": self.redirected(item["archives"])} if item.get("archives") else item for item in moved
        ]

    def ensure_namespace(self) -> None:
        """The namespace of a system that has objects and no release."""
        release = {**records.RELEASE_DEFAULTS, "name": self.record.name, "namespace": self.record.namespace}
        release.update(state="absent", namespace_labels=self.record.labels, timeout=self.timeout)
        self.did(Release(release, self.access, cache_folder()).ensure_namespace(), None, "namespace")

    def engine(self, checks: list[Options]) -> Engine:
        """Checks, ready to be run."""
        made = [make_check(check) for check in checks]
        return Engine(lambda: Objects(self.access.client()), made, self.timeout, send=not self.check_mode)

    def wait(self, stage: Stage) -> None:
        """Until everything of a stage is healthy; raises with the root cause."""
        wanted = self.checks_of(stage)
        if not wanted:
            return
        engine = self.engine(wanted)
        engine.look = self.waits(engine)
        done = engine.run(wait=not self.check_mode)
        self.checks += done["checks"]
        if not done["passed"] and not self.check_mode:
            raise Unhealthy(done["message"], self.result(done["message"], False))

    def waits(self, engine: Engine) -> Callable[[], None]:
        """Says what is waited for, when it is something else than before."""
        last: list[str] = []

        def look() -> None:
            # by name, because what a check says changes with every pod
            open_ = [check.name for check, verdict in zip(engine.checks, engine.verdicts) if not verdict.passed]
            if open_ != last:
                last[:] = open_
                more = f" and {len(open_) - 1} more" if len(open_) > 1 else ""
                self.say(f"waits for {open_[0]}{more}")

        return look

    def health(self) -> dict[str, Any]:
        """How the system is now, without waiting."""
        self.look_for_owner()
        wanted = [check for stage in self.record.stages for check in self.checks_of(stage)]
        done = self.engine(wanted).run(wait=False)
        self.checks = done["checks"]
        for options in (release for stage in self.record.stages for release in stage.releases):
            self.look_for_lost(options["namespace"], options["name"])
        passed = all(check["passed"] for check in self.checks)
        return self.result(done["message"] if not done["passed"] else summary(self.checks, 0.0), passed)

    def hand_over(self, settings: Options) -> dict[str, Any]:
        """Write the system as Applications of Argo CD to a folder; the cluster is only read. settings: folder, and the fields of a Target."""
        options = {name: value for name, value in settings.items() if value is not None and name != "folder"}
        options.update(wave=int(options.get("wave") or 0), automated=bool(options.get("automated")))
        owned = bool(self.look_for_owner())
        made = HandOver(self.record.name, self.objects, Target(**options), str(settings["folder"]), owned)
        for number, stage in enumerate(self.record.stages):
            for release in stage.releases:
                made.release(self.made(release), release, number)
            if stage.manifests or stage.urls:
                manifests = ManifestSet(self.objects, stage.name, self.record.namespace, self.timeout, True)
                texts = {"objects": stage.manifests, "urls": self.redirected(stage.urls)}
                made.manifests(manifests, texts, self.record.labels, number)
        made.write()
        for note in made.notes:
            self.say(note)
        self.kept = [f"Secret {item['namespace']}/{item['name']}" for item in self.record.secrets] + made.notes
        return {**self.result(f"as {', '.join(made.names) or 'nothing'}"), "applications": made.names}

    def look_for_lost(self, namespace: str, name: str) -> None:
        """Workloads that the release has and the cluster has not: whoever deleted them left nothing that could be sick."""
        check = next(item for item in self.checks if item["name"] == f"release {namespace}/{name}")
        newest = plan.newest(state.revisions(self.objects, namespace, name))
        if not newest or newest.status != plan.DEPLOYED:
            if newest:
                check.update(passed=False, status="Degraded", message=f"revision {newest.number} is {newest.status}")
            return
        there = {(item["kind"], item["namespace"], item["name"]) for item in check["objects"]}
        for item in manifest.parse(state.load(self.objects, namespace, newest).get("manifest", "")):
            key = (item["kind"], item["metadata"].get("namespace") or namespace, item["metadata"]["name"])
            if item["kind"] in ("Deployment", "StatefulSet", "DaemonSet") and key not in there:
                said = f"{key[0]} {key[1]}/{key[2]} is not there, and revision {newest.number} has it"
                check["objects"].append(dict(zip(("kind", "namespace", "name"), key), status="Missing", message=said))
                check.update(passed=False, status="Missing", message=said)

    def remove(self, data: bool) -> dict[str, Any]:
        """Take the system away, last stage first; data stays unless it is to go."""
        owner = self.look_for_owner()
        if owner and self.settings.get("take_back"):
            self.did(owner.take_back(self.check_mode), None, "Applications")
            self.owner = ""
        elif owner:
            raise KubestdError(
                f"it is owned by {owner}, which would bring it back; delete that first, or set platform_take_back to true."
            )
        for stage in reversed(self.record.stages):
            if stage.keep and not data:
                self.kept += [name_of(item) for item in stage.manifests]
                self.kept += [item["url"] for item in stage.urls]
                self.kept += [f"{item.get('take', 'all')} of {item['url']}" for item in stage.kustomize]
            else:
                self.manifests(stage, "absent")
            for options in reversed(stage.releases):
                if options.get("keep"):
                    self.kept.append(f"release {options['namespace']}/{options['name']}")
                else:
                    self.one_release({**options, "state": "absent", "chart": None})
        claims = [
            item["metadata"]["name"] for item in self.objects.list(CLAIMS, self.record.namespace, metadata_only=True)
        ]
        if not data:
            self.kept += [f"PersistentVolumeClaim {self.record.namespace}/{name}" for name in claims]
            self.kept += [f"Secret {item['namespace']}/{item['name']}" for item in self.record.secrets]
        if data or not self.kept:
            self.remove_namespace(data)
        self.kept += self.record.keeps
        for what in self.kept:
            self.say(f"keeps {what}")
        return self.result("removed")

    def remove_namespace(self, data: bool) -> None:
        """The namespace, when it is this system's own: with all its data, or when nothing runs in it any more."""
        space = self.record.namespace
        found = self.objects.client.get(NAMESPACES.path(name=space))
        if found is None or space in SHARED:
            return
        others = [item["name"] for item in listing(self.objects, space, None)] if not self.check_mode else []
        busy = [item["metadata"]["name"] for item in self.objects.list(PODS, space, metadata_only=True)]
        if others or (busy and not data and not self.check_mode):
            self.kept.append(f"Namespace {space}, in which {', '.join(others or busy)} still is")
            return
        self.did([f"delete the namespace {space}"], None, "namespace")
        if not self.check_mode:
            self.objects.client.delete(NAMESPACES.path(name=space))
            gone = self.engine([{"kind": "Namespace", "object": space, "state": "absent"}]).run()
            if not gone["passed"]:
                raise KubestdError(gone["message"])


def pin_of(chart: Options) -> str:
    """The key under which the digest of a chart is locked: where it comes from, not where a mirror has it."""
    return f"{chart['ref']}@{chart.get('version') or ''}"


class Unhealthy(KubestdError):
    """The system was released and did not become healthy; result is what the module returns."""

    def __init__(self, message: str, result: dict[str, Any]) -> None:
        super().__init__(message)
        self.result = result
