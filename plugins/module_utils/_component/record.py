# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What follows from the record of a system: its releases, manifests, secrets and checks. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from .._errors import KubestdError
from .._manifests.plan import Reference
from .alerts import prometheus_rule
from .dashboard import config_map

Options = dict[str, Any]
# What of a set that nobody has listed is waited for.
WATCHED = frozenset(
    ("Deployment", "StatefulSet", "DaemonSet", "PersistentVolumeClaim", "APIService")
    + ("ValidatingWebhookConfiguration", "MutatingWebhookConfiguration")
)
POD_SECURITY = tuple(f"pod-security.kubernetes.io/{mode}" for mode in ("enforce", "audit", "warn"))
RELEASE_DEFAULTS: Options = {
    "overlays": [],
    "values": {},
    "secret_values": {},
    "description": None,
    "history_max": 5,
    "crds": "apply",
    "on_failure": "keep",
    "recover": True,
    "take_ownership": False,
    "drift": "ignore",
    "state": "present",
}
SECRET_DEFAULTS: Options = {"labels": {}, "annotations": {}, "type": "Opaque", "copies": [], "keys": []}
KEY_DEFAULTS: Options = {
    "format": "password",
    "length": 32,
    "bits": None,
    "from_key": None,
    "user": None,
    "text": None,
}


@dataclass(frozen=True)
class Stage:
    """What is applied together and waited for together."""

    name: str  # of its set of manifests
    releases: list[Options] = field(default_factory=list)
    manifests: list[Options] = field(default_factory=list)
    urls: list[Options] = field(default_factory=list)
    kustomize: list[Options] = field(default_factory=list)
    checks: list[Options] = field(default_factory=list)
    keep: bool = False  # whether its objects stay when the system is removed without its data


@dataclass(frozen=True)
class Record:
    """One system."""

    name: str
    namespace: str
    labels: dict[str, str]
    secrets: list[Options]
    stages: list[Stage]
    needs: list[str]
    keeps: list[str]


def given(options: Mapping[str, Any]) -> Options:
    """Options without those that are null, which an argument spec leaves where nothing was written."""
    return {name: value for name, value in options.items() if value is not None}


def parse(described: Mapping[str, Any]) -> Record:
    """The record as it is understood. Raises KubestdError where parts do not fit together."""
    name = str(described["name"])
    space = described.get("namespace") or {}
    namespace = str(space.get("name") or name)
    labels = dict(space.get("labels") or {})
    if space.get("pod_security"):
        labels.update(dict.fromkeys(POD_SECURITY, space["pod_security"]))
    secrets = [
        {**SECRET_DEFAULTS, "namespace": namespace, **given(secret)}
        for secret in map(given, described.get("secrets") or [])
    ]
    for secret in secrets:
        secret["keys"] = [{**KEY_DEFAULTS, **given(key)} for key in secret["keys"]]
    stages = [
        _stage(name, number, stage, namespace, labels) for number, stage in enumerate(described.get("stages") or [])
    ]
    system = name.replace("_", "-")  # as names in a cluster are written
    if described.get("alerts"):
        stages.append(
            Stage(f"{system}-alerts", manifests=[prometheus_rule(system, list(map(given, described["alerts"])))])
        )
    dashboard = described.get("dashboard") or {}
    if dashboard.get("panels"):
        stages.append(Stage(f"{system}-dashboard", manifests=[config_map(system, dashboard)]))
    names = [stage.name for stage in stages]
    if len(set(names)) < len(names):
        raise KubestdError(f"Two stages of {name} have the same name; give each its own.")
    return Record(
        name, namespace, labels, secrets, stages, list(described.get("needs") or []), list(described.get("keeps") or [])
    )


def _stage(system: str, number: int, stage: Mapping[str, Any], namespace: str, labels: dict[str, str]) -> Stage:
    name = system.replace("_", "-")  # as names in a cluster are written
    releases = []
    for release in map(given, stage.get("releases") or []):
        own = release.get("namespace") or namespace
        values = {**RELEASE_DEFAULTS, **release, "namespace": own}
        values["namespace_labels"] = labels if own == namespace else dict(release.get("namespace_labels") or {})
        releases.append(values)
    return Stage(
        name=f"{name}-{stage['name']}" if stage.get("name") else (name if not number else f"{name}-{number}"),
        releases=releases,
        manifests=list(stage.get("manifests") or []),
        urls=[given(item) for item in stage.get("urls") or []],
        kustomize=[given(item) for item in stage.get("kustomize") or []],
        checks=[given(check) for check in stage.get("health") or []],
        keep=bool(stage.get("keep")),
    )


def set_checks(
    name: str, namespace: str, recorded: list[Reference], described: list[tuple[str, str, str]]
) -> Iterator[Options]:
    """Checks of what kustomize made, as the set has written it down: workloads, webhooks and claims that no other check is about."""
    if not recorded:
        yield {"kind": "ConfigMap", "object": f"kubestd-set-{name}", "namespace": namespace}
    for one in recorded:
        if one.kind in WATCHED and (one.api_version, one.kind, one.name) not in described:
            yield {"api_version": one.api_version, "kind": one.kind, "object": one.name, "namespace": one.namespace}


def checks(record: Record, stage: Stage) -> Iterator[Options]:
    """All checks of a stage: the workloads of its releases, its own objects, and what the record adds."""
    for release in stage.releases:
        spaces = list(release.get("workload_namespaces") or [])
        yield {"release": {"name": release["name"], "namespace": release["namespace"], "namespaces": spaces}}
    for item in stage.manifests:
        if item["kind"] not in ("Namespace", "Secret", "ConfigMap"):
            metadata = item["metadata"]
            space = metadata.get("namespace") or record.namespace
            yield {
                "api_version": item["apiVersion"],
                "kind": item["kind"],
                "object": metadata["name"],
                "namespace": space,
            }
    for check in stage.checks:
        yield checked(check, record.namespace)


def checked(check: Mapping[str, Any], namespace: str) -> Options:
    """A check of a record; what names no namespace is in the one of the system."""
    if check.get("http"):
        return {**check, "http": {"namespace": namespace, **given(check["http"])}}
    if check.get("release"):
        return {**check, "release": {"namespace": namespace, **given(check["release"])}}
    if check.get("probe"):
        probe = given(check["probe"])
        sides = {side: {"namespace": namespace, **given(probe[side])} for side in ("send", "find")}
        return {**check, "probe": {**probe, **sides}}
    return {"namespace": namespace, **check}
