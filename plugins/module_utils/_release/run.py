# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carry out the plan for one release: the only place where something is changed."""

from __future__ import annotations

import json
import os
import re
import time
from typing import Any

from .._errors import KubestdError
from .._kube import KubeError, advice
from .._kubeconfig import Access
from .._objects import Objects, Resource
from . import chart as charts
from . import manifest, plan, state
from .fetch import Charts
from .helm import GRACE, Tool, last_words, require
from .lease import Lease
from .values import Values, fingerprint, label, mask, merge

KUBECONFIG, VALUES, SECRET_VALUES = "@kubeconfig", "@values", "@secret-values"
NAMESPACES = Resource("v1", "Namespace", "namespaces", False)
CRDS = Resource("apiextensions.k8s.io/v1", "CustomResourceDefinition", "customresourcedefinitions", False)
ESTABLISHED = 60.0  # seconds for the API server to serve a new CRD


class Release:
    """One release as the options of the module helm_oci describe it."""

    def __init__(self, options: dict[str, Any], access: Access, cache: str) -> None:
        self.options, self.access = options, access
        self.name, self.namespace = str(options["name"]), str(options["namespace"])
        self.objects = Objects(access.client())
        self.values = merge(options.get("values") or {}, *(options.get("overlays") or []))
        self.secret_values: Values = options.get("secret_values") or {}
        self.registry = options.get("registry") or {}
        wanted = (options.get("chart") or {}).get("verify") or {}
        self.verify = {name: value for name, value in wanted.items() if value}
        self.timeout = float(options["timeout"])
        self.cache = cache
        self.present = options["state"] == "present"
        self.source = charts.source(options["chart"], options.get("mirror")) if self.present else None
        self.lease: Lease | None = None
        self._helm: Tool | None = None

    @property
    def helm(self) -> Tool:
        """Helm, looked for when it is needed."""
        if self._helm is None:
            self._helm = Tool(self.options.get("helm") or "helm", self.cache, self.tick)
            require(self._helm, "helm", ["upgrade"])
        return self._helm

    def tick(self) -> None:
        """Called while helm works."""
        if self.lease is not None:
            self.lease.renew()

    def wanted(self, found: plan.Revision | None, archive: charts.Archive | None = None) -> plan.Wanted:
        """What is wanted, comparable with a revision that was found."""
        if self.source is None:
            return plan.Wanted("absent", "", "", "", bool(self.options["recover"]), self.timeout)
        digest = archive.sha256 if archive else self.source.sha256
        if not digest and self.source.kind == "path":
            digest = charts.digest_of(self.source.ref)
        return plan.Wanted(
            "present",
            digest,
            self.source.label,
            self.fingerprint(found.salt if found else ""),
            bool(self.options["recover"]),
            self.timeout,
        )

    def fingerprint(self, salt: str) -> str:
        """The values and the options that make a difference in the cluster."""
        kept = {name: self.options.get(name) for name in ("description", "namespace_labels", "crds")}
        matter = {name: value for name, value in {**kept, "verify": self.verify}.items() if value}
        return fingerprint(self.values, self.secret_values, matter, salt)

    def look(self, archive: charts.Archive | None = None) -> tuple[list[plan.Revision], plan.Plan, list[str]]:
        """The revisions there are, what is to be done, and which objects drifted: one request when nothing is to be done."""
        revisions = state.revisions(self.objects, self.namespace, self.name)
        found = plan.newest(revisions)
        made = plan.make_plan(self.name, self.wanted(found, archive), revisions)
        drift: list[str] = []
        if found and self.present and not made.changed and not made.wait and self.options["drift"] != "ignore":
            stored = state.load(self.objects, self.namespace, found)
            drift = manifest.drifted(self.objects, stored.get("manifest", ""), self.name, self.namespace)
            if drift and self.options["drift"] == "repair":
                made = plan.make_plan(self.name, self.wanted(found, archive), revisions, drifted=True)
        return revisions, made, drift

    def run(self, check_mode: bool, diff: bool) -> dict[str, Any]:
        """Do what is to be done. Raises KubestdError."""
        revisions, made, drift = self.look()
        if made.refuse:
            raise KubestdError(made.refuse)
        if not made.changed and not made.wait:
            return self.result(revisions, made, drift)
        archive = self.archive(plan.newest(revisions)) if self.present else None
        if check_mode:
            revisions, made, drift = self.look(archive)
            result = self.result(revisions, made, drift, archive)
            if diff and made.changed:
                result["diff"] = self.preview(revisions, archive)
            return result
        return self.change(archive, diff)

    def archive(self, found: plan.Revision | None) -> charts.Archive:
        """The chart, brought here and checked; not one that was swapped since it was released."""
        if self.source is None:
            raise TypeError("a release that goes away has no chart")
        cosign = self.options.get("cosign") or "cosign"
        archive = Charts(self.helm, self.registry, self.verify, cosign, self.timeout).get(self.source)
        swapped = found and found.chart and found.source == self.source.label and found.chart != archive.sha256
        if swapped and found and not self.source.sha256 and self.source.kind != "path":
            raise KubestdError(
                f"The chart {self.source.ref} {self.source.version} has SHA-256 {archive.sha256}, and had {found.chart} when"
                f" revision {found.number} was released: it was changed under the same version."
                " Find out why, then set chart.sha256 to the digest that you trust."
            )
        return archive

    def change(self, archive: charts.Archive | None, diff: bool) -> dict[str, Any]:
        """Under the lease: look again, then act."""
        namespace_actions = self.ensure_namespace() if self.present else []
        with Lease(self.objects, self.namespace, f"kubestd-release-{self.name}", self.timeout) as self.lease:
            revisions, made, drift = self.look(archive)
            until = time.monotonic() + self.timeout
            while made.wait and time.monotonic() < until:
                time.sleep(1.0)
                self.lease.renew()
                revisions, made, drift = self.look(archive)
            if made.wait or made.refuse:
                raise KubestdError(made.refuse or f"Waited {self.timeout:.0f} s: {made.wait}.")
            before = plan.newest(revisions)
            crds = self.carry_out(made, before, archive)
        after = state.revisions(self.objects, self.namespace, self.name)
        result = self.result(after, made, drift, archive)
        result["actions"] = [*namespace_actions, *crds, *result["actions"]]
        result["changed"] = bool(result["actions"])
        if diff and made.changed:
            old = (
                state.load(self.objects, self.namespace, before) if before and before.status != plan.UNINSTALLED else {}
            )
            newest = plan.newest(after)
            new = state.load(self.objects, self.namespace, newest) if newest and self.present else {}
            result["diff"] = self.difference(old, new.get("manifest", ""))
        return result

    def carry_out(self, made: plan.Plan, found: plan.Revision | None, archive: charts.Archive | None) -> list[str]:
        """The steps of a plan, in order; what was done to CRDs."""
        crds: list[str] = []
        for step, _ in made.steps:
            if step == "mark_failed" and found:
                state.mark_failed(self.objects, self.namespace, found)
            elif step == "uninstall":
                self.call(
                    ["uninstall", self.name, "--ignore-not-found", "--wait=watcher", *self.limits()], "helm uninstall"
                )
            elif step == "upgrade" and archive:
                crds = self.apply_crds(archive) if self.options["crds"] == "apply" else []
                self.install(archive)
        return crds

    def install(self, archive: charts.Archive) -> None:
        """Install or upgrade; again while a kind has a CRD, of a release before this one, that is not served yet."""
        until = time.monotonic() + ESTABLISHED
        while True:
            try:
                self.call(self.upgrade(archive), "helm upgrade")
                return
            except KubestdError as error:
                if time.monotonic() > until or not self.served_soon(str(error)):
                    raise
            time.sleep(0.5)
            self.tick()

    def served_soon(self, words: str) -> bool:
        """Whether helm failed for nothing but kinds that have a CRD already."""
        missing = set(re.findall(r'no matches for kind "([^"]+)" in version "([^"/]+)/([^"]+)"', words))
        known = {
            (crd["spec"]["names"]["kind"], crd["spec"]["group"], version["name"])
            for crd in (self.objects.list(CRDS) if missing else ())
            for version in crd["spec"]["versions"]
            if version["served"]
        }
        return bool(missing) and missing <= known

    def limits(self) -> list[str]:
        """Where, and for how long."""
        return ["--namespace", self.namespace, "--timeout", f"{self.timeout:.0f}s"]

    def upgrade(self, archive: charts.Archive, *flags: str) -> list[str]:
        """The command for this release."""
        salt = state.new_salt()
        if self.source is None:
            raise TypeError("a release that goes away has no chart")
        labels = {
            "fingerprint": self.fingerprint(salt),
            "salt": salt,
            "chart": label(bytes.fromhex(archive.sha256)),
            "source": self.source.label,
            "version": archive.version.replace("+", "_")[:63],
        }
        command = ["upgrade", self.name, archive.path, "--install", "--skip-crds", "--hide-notes", *self.limits()]
        # without it helm takes the values of the last revision when it is given none
        command.append("--reset-values")
        command += ["--labels", ",".join(f"{state.PREFIX}{name}={text}" for name, text in labels.items())]
        command += ["--history-max", str(self.options["history_max"]), "--values", VALUES, "--wait=hookOnly"]
        if self.secret_values:
            command += ["--values", SECRET_VALUES]
        if self.options.get("description"):
            command += ["--description", self.options["description"]]
        if self.options["on_failure"] == "rollback":
            command.append("--rollback-on-failure")
        if self.options["take_ownership"]:
            command.append("--take-ownership")
        if self.options["drift"] == "repair":
            command.append("--force-conflicts")
        return [*command, *flags]

    def call(self, command: list[str], what: str, values: Values | None = None) -> str:
        """Run helm; its words on failure, without secrets. values: others than those of the description."""
        inputs = {
            KUBECONFIG: self.access.kubeconfig(self.namespace),
            VALUES: json.dumps(self.values if values is None else values).encode(),
            SECRET_VALUES: json.dumps(self.secret_values).encode(),
        }
        done = self.helm.run(command, inputs, self.timeout + GRACE, KUBECONFIG=KUBECONFIG)
        if done.code:
            words = mask(last_words(done.err), self.secret_values)
            raise KubestdError(f"{what} of {self.namespace}/{self.name} failed: {words}{hint(words)}")
        return done.out

    def ensure_namespace(self) -> list[str]:
        """The namespace with its labels; what was done."""
        labels = self.options.get("namespace_labels") or {}
        found = self.objects.client.get(NAMESPACES.path(name=self.namespace))
        if found is None:
            body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.namespace, "labels": labels}}
            try:
                self.objects.client.send("POST", NAMESPACES.path(), body)
            except KubeError as error:
                if error.reason != "AlreadyExists":
                    raise
                return self.ensure_namespace()
            return [f"create the namespace {self.namespace}"]
        has = found["metadata"].get("labels") or {}
        if all(has.get(name) == text for name, text in labels.items()):
            return []
        patch = {"metadata": {"labels": labels}}
        path = NAMESPACES.path(name=self.namespace)
        self.objects.client.send("PATCH", path, patch, "application/merge-patch+json")
        return [f"label the namespace {self.namespace}"]

    def apply_crds(self, archive: charts.Archive) -> list[str]:
        """Bring the CRDs of the chart up to date, which helm does not, and wait until they are served."""
        changed = [crd for crd in archive.crds if self.objects.would_change(crd)]
        for crd in changed:
            self.objects.apply(crd, force=True)
        until = time.monotonic() + ESTABLISHED
        for crd in changed:
            while not established(self.objects.get(crd) or {}):
                if time.monotonic() > until:
                    raise KubestdError(
                        f"The API server does not serve {crd['metadata']['name']} after {ESTABLISHED:.0f} s."
                    )
                time.sleep(0.2)
        return [f"apply {len(changed)} CRDs of {archive.name}"] if changed else []

    def preview(self, revisions: list[plan.Revision], archive: charts.Archive | None) -> dict[str, str]:
        """What a run would change, rendered by helm against the server; without it where kinds do not exist yet."""
        found = plan.newest(revisions)
        old = state.load(self.objects, self.namespace, found) if found and found.status != plan.UNINSTALLED else {}
        if archive is None:
            return self.difference(old, "")
        flags = ["--output", "json"]
        try:
            text = self.call(self.upgrade(archive, "--dry-run=server", *flags), "helm upgrade --dry-run")
        except KubestdError as error:
            if "no matches for kind" not in str(error) and "not found" not in str(error):
                raise
            text = self.call(self.upgrade(archive, "--dry-run=client", *flags), "helm upgrade --dry-run")
        return self.difference(old, json.loads(text).get("manifest", ""))

    def difference(self, old: dict[str, Any], after: str) -> dict[str, str]:
        """Before and after, without what is secret now or may have been."""
        secret = {"now": self.secret_values, "then": manifest.config_secrets(old.get("config"), self.values)}
        return manifest.changes(old.get("manifest", ""), after, secret)

    def result(
        self, revisions: list[plan.Revision], made: plan.Plan, drift: list[str], archive: charts.Archive | None = None
    ) -> dict[str, Any]:
        """What the module returns; the same keys whatever happened."""
        found = plan.newest(revisions)
        return {
            "changed": made.changed,
            "actions": [sentence for _, sentence in made.steps],
            "drift": drift,
            "release": summary(self.name, self.namespace, found, archive if made.changed else None),
        }


def summary(
    name: str, namespace: str, found: plan.Revision | None, archive: charts.Archive | None = None
) -> dict[str, Any]:
    """A release in a few words."""
    return {
        "name": name,
        "namespace": namespace,
        "status": found.status if found else "absent",
        "revision": found.number if found else 0,
        "chart_version": archive.version if archive else (found.version if found else ""),
        "chart_sha256": archive.sha256 if archive else (found.chart if found else ""),
    }


def established(crd: dict[str, Any]) -> bool:
    """Whether the API server serves a CRD."""
    conditions = crd.get("status", {}).get("conditions") or []
    return any(item["type"] == "Established" and item["status"] == "True" for item in conditions)


def hint(words: str) -> str:
    """What an operator does about a failure of helm."""
    if "invalid ownership metadata" in words or "cannot be imported into the current release" in words:
        return " Set take_ownership to true if these objects are to belong to this release."
    if "conflict" in words and "manager" in words:
        return " Another hand owns these fields; set drift to repair to take them back."
    if "may not be more than 1048576" in words or "Too long: must have at most" in words:
        return " Helm stores a release in one Secret of 1 MiB; use a chart with fewer files, or shorter values."
    return advice(words)


def cache_folder() -> str:
    """Where charts are kept, by digest; KUBESTD_CACHE names another place than ~/.cache/kubestd."""
    return os.environ.get("KUBESTD_CACHE") or os.path.join(os.path.expanduser("~"), ".cache", "kubestd")


def listing(objects: Objects, namespace: str | None, name: str | None) -> list[dict[str, Any]]:
    """The newest revision of every release, of one namespace or of all, by namespace and name."""
    selector = "owner=helm" + (f",name={name}" if name else "")
    found: dict[tuple[str, str], list[plan.Revision]] = {}
    for item in objects.list(state.SECRETS, namespace, selector, metadata_only=True):
        metadata = item["metadata"]
        key = (metadata["namespace"], (metadata.get("labels") or {}).get("name", ""))
        found.setdefault(key, []).append(state.revision(metadata))
    return [
        {**summary(key[1], key[0], plan.newest(revisions)), "managed": any(item.ours for item in revisions)}
        for key, revisions in sorted(found.items())
    ]
