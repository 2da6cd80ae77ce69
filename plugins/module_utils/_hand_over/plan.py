# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Systems as Applications of Argo CD: what each says, and what may differ from what runs. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Object = dict[str, Any]
SYSTEM_LABEL = "kubestd.platform/system"
WAVE = "argocd.argoproj.io/sync-wave"
TRACKING = "argocd.argoproj.io/tracking-id"
# Applied by the server, since large CRDs do not fit into an annotation. What two Applications want is refused, not fought for.
SYNC_OPTIONS = ("ServerSideApply=true", "FailOnSharedResource=true", "SkipDryRunOnMissingResource=true")
# of one object; an object that differs more than this is another one
MANY = 40


@dataclass(frozen=True)
class Target:
    """Where Argo CD finds what is handed over, and what its Applications have in common."""

    repository: str
    revision: str = "main"
    path: str = "platform"
    project: str = "default"
    namespace: str = "argocd"
    server: str = "https://kubernetes.default.svc"
    automated: bool = False
    wave: int = 0
    charts: str = "vendored"  # or referenced


@dataclass(frozen=True)
class Comparison:
    """What Argo CD would render against what was released."""

    ignored: tuple[Object, ...] = ()  # entries of ignoreDifferences
    created: tuple[str, ...] = ()  # objects that it would make
    left: tuple[str, ...] = ()  # objects that it would not know


def pointers(one: Any, other: Any, path: str = "") -> Iterator[str]:
    """JSON pointers (RFC 6901) of the parts that differ."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in sorted({*one, *other}, key=str):
            below = f"{path}/{str(key).replace('~', '~0').replace('/', '~1')}"
            if key not in one or key not in other:
                yield below
            else:
                yield from pointers(one[key], other[key], below)
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for number, pair in enumerate(zip(one, other)):
            yield from pointers(*pair, f"{path}/{number}")
    elif one != other or isinstance(one, bool) != isinstance(other, bool):
        yield path


def group_of(found: Object) -> str:
    """apps of apps/v1, '' of v1."""
    return str(found["apiVersion"]).rpartition("/")[0]


def identity(found: Object) -> tuple[str, str, str, str]:
    """Group, kind, namespace and name."""
    metadata = found["metadata"]
    return group_of(found), found["kind"], metadata.get("namespace") or "", metadata["name"]


def called(key: tuple[str, str, str, str]) -> str:
    """Kind namespace/name."""
    return f"{key[1]} {key[2] + '/' if key[2] else ''}{key[3]}"


def compare(released: Iterable[Object], rendered: Iterable[Object]) -> Comparison:
    """A chart may render otherwise for Argo CD: random secrets, and what it looks up in the cluster. Those fields are left as they are."""
    before, after = ({identity(item): item for item in side} for side in (released, rendered))
    ignored, created = [], [called(key) for key in after if key not in before]
    for key, item in after.items():
        differ = list(pointers(before[key], item)) if key in before else []
        if len(differ) > MANY:
            created.append(f"{called(key)}, of which {len(differ)} fields differ")
        elif differ:
            group, kind, namespace, name = key
            place = {"namespace": namespace} if namespace else {}
            ignored.append({"group": group, "kind": kind, "name": name, **place, "jsonPointers": differ})
    return Comparison(tuple(ignored), tuple(created), tuple(called(key) for key in before if key not in after))


def base(name: str, system: str, namespace: str, target: Target, wave: int) -> Object:
    """An Application without its source. Deleting it leaves its objects: it has no finalizer."""
    policy: Object = {"syncOptions": list(SYNC_OPTIONS)}
    if target.automated:
        policy["automated"] = {"prune": False, "selfHeal": True}
    metadata = {
        "name": name,
        "namespace": target.namespace,
        "labels": {SYSTEM_LABEL: system},
        # the difference is what the server says it would be, as what is applied
        "annotations": {WAVE: str(wave), "argocd.argoproj.io/compare-options": "ServerSideDiff=true"},
    }
    spec = {
        "project": target.project,
        "destination": {"server": target.server, "namespace": namespace},
        "syncPolicy": policy,
    }
    return {"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": metadata, "spec": spec}


def source(target: Target, path: str) -> Object:
    """A folder of the repository."""
    return {"repoURL": target.repository, "targetRevision": target.revision, "path": f"{target.path}/{path}"}


def of_release(
    application: Object,
    release: Mapping[str, Any],
    target: Target,
    folder: str,
    digest: str,
    differences: Sequence[Object],
) -> Object:
    """The Application of a release: the same chart, name and values."""
    chart, values = release["chart"], {}
    helm: Object = {"releaseName": release["name"], "skipTests": True}
    if release.get("crds") == "skip":
        helm["skipCrds"] = True
    notes = {
        "kubestd.platform/chart": f"{chart['ref']}@{chart.get('version') or ''}",
        "kubestd.platform/chart-sha256": digest,
    }
    application["metadata"]["annotations"].update(notes)
    if target.charts == "referenced":
        registry, _, name = chart["ref"].removeprefix("oci://").rpartition("/")
        values = {"chart": name, "repoURL": registry, "targetRevision": chart["version"]}
        helm["valuesObject"] = release["merged"]
    else:
        values = source(target, f"{folder}/chart")
        helm["valueFiles"] = ["../values.yaml"]
    application["spec"]["source"] = {**values, "helm": helm}
    if differences:
        application["spec"]["ignoreDifferences"] = list(differences)
        application["spec"]["syncPolicy"]["syncOptions"].append("RespectIgnoreDifferences=true")
    return application


def with_namespace(application: Object, labels: Mapping[str, str]) -> Object:
    """An Application that sees to its namespace; Argo CD never deletes one that it made so."""
    policy = application["spec"]["syncPolicy"]
    policy["syncOptions"].append("CreateNamespace=true")
    if labels:
        policy["managedNamespaceMetadata"] = {"labels": dict(labels)}
    return application


def root(target: Target) -> Object:
    """The Application of all Applications."""
    found = base("platform", "platform", target.namespace, target, 0)
    found["spec"]["source"] = {**source(target, "applications"), "directory": {"recurse": True}}
    return found


def part_name(system: str, part: str, namespace: str, taken: Iterable[str]) -> str:
    """The name of an Application: that of the release where it says the system already; once each."""
    name = part if part == system or part.startswith(f"{system}-") else f"{system}-{part}"
    return f"{name}-{namespace}" if name in set(taken) else name


def tracked_by(metadata: Mapping[str, Any]) -> str:
    """The Application that an object belongs to, from its tracking annotation; '' for none."""
    return str((metadata.get("annotations") or {}).get(TRACKING) or "").partition(":")[0]
