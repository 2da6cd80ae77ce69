# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why an object is not healthy: down its owner references to pods, claims and events. Pure: evidence in, a sentence out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from .builtin import REFUSED
from .judge import object_health
from .model import DEGRADED, SUSPENDED, Health

Object = dict[str, Any]
# What is read of a namespace to explain the objects in it; OTHERS only for kinds that are no workloads themselves.
EVIDENCE = ("Pod", "ReplicaSet", "Event", "PersistentVolumeClaim")
OTHERS = ("Deployment", "StatefulSet", "DaemonSet", "Job")
WORKLOADS = frozenset({"Pod", "ReplicaSet", *OTHERS})
REVISION = "deployment.kubernetes.io/revision"
TEMPLATE = "deprecated.daemonset.template.generation"
DEFAULT_CLASS = (
    "storageclass.kubernetes.io/is-default-class",
    "storageclass.beta.kubernetes.io/is-default-class",
)
# The API server's words: k8s.io/apiserver/pkg/admission/plugin/webhook/errors/statuserror.go
CALL = re.compile(
    r'^.*?failed calling webhook "(?P<webhook>[^"]+)": (?:failed to call webhook: )?'
    r'\w+ "https://(?P<service>[^./"]+)\.(?P<namespace>[^./"]+)\.svc[^"]*": (?P<why>.*)$'
)
CREATES = frozenset({"SuccessfulCreate", "FailedCreate"})
# Repeats what the pod's status says better.
ECHOES = frozenset({"BackOff", "Failed", "FailedScheduling"})
LONGEST = 400  # characters of somebody else's message


@dataclass(frozen=True)
class Evidence:
    """Objects near the unhealthy ones. classes, volumes: None when they were not or could not be read."""

    objects: tuple[Object, ...] = ()
    classes: tuple[Object, ...] | None = None
    volumes: tuple[Object, ...] | None = None

    def of(self, kind: str) -> Iterator[Object]:
        """Those of a kind."""
        return (found for found in self.objects if found.get("kind") == kind)


@dataclass(frozen=True)
class Reason:
    """A cause in words."""

    text: str
    hopeless: bool = False
    status: str = ""


def explain(found: Object, health: Health, evidence: Evidence) -> Health:
    """The health of an object with its root cause."""
    if health.ok or outdated(found):
        return health
    reason = _reason(found, evidence)
    if reason is None:
        return health
    if reason.status == SUSPENDED:
        return Health(SUSPENDED, reason.text)
    start = progress(found) or health.message.rstrip(".")
    text = f"{start}: {reason.text}" if start and reason.text not in start else start or reason.text
    hopeless = health.hopeless or reason.hopeless
    return Health(DEGRADED if hopeless else health.status, text, hopeless)


def outdated(found: Object) -> bool:
    """Whether its controller has not seen the latest change; then what it owns says nothing yet."""
    generation, seen = found.get("metadata", {}).get("generation"), found.get("status", {}).get("observedGeneration")
    return found.get("kind") in OTHERS and seen is not None and generation is not None and seen < generation


def progress(found: Object) -> str:
    """0/2 available; '' when all are, or when the kind does not count."""
    spec, status = found.get("spec", {}), found.get("status", {})
    kind, word = found.get("kind"), "available"
    if kind in ("Deployment", "StatefulSet"):
        have, wanted = status.get("availableReplicas"), spec.get("replicas", 1)
    elif kind == "DaemonSet":
        have, wanted = status.get("numberAvailable"), status.get("desiredNumberScheduled")
    elif kind == "Job":
        have, wanted, word = status.get("succeeded"), spec.get("completions") or 1, "succeeded"
    else:
        return ""
    return f"{have or 0}/{wanted} {word}" if wanted is not None and (have or 0) < wanted else ""


def _uid(found: Object) -> str:
    return str(found.get("metadata", {}).get("uid", ""))


def _owners(found: Object) -> set[str]:
    return {str(owner.get("uid")) for owner in found.get("metadata", {}).get("ownerReferences") or []}


def _current(child: Object, owner: Object) -> bool:
    """Whether a child is of the revision that its owner rolls out; what is of an older one goes away anyway."""
    notes, labels = child["metadata"].get("annotations") or {}, child["metadata"].get("labels") or {}
    kind = owner.get("kind")
    if kind == "Deployment" and child.get("kind") == "ReplicaSet":
        wanted = (owner["metadata"].get("annotations") or {}).get(REVISION)
        return wanted is None or notes.get(REVISION) == wanted
    if kind == "StatefulSet" and child.get("kind") == "Pod":
        wanted = owner.get("status", {}).get("updateRevision")
        return not wanted or labels.get("controller-revision-hash") in (wanted, None)
    if kind == "DaemonSet" and child.get("kind") == "Pod":
        wanted = (owner["metadata"].get("annotations") or {}).get(TEMPLATE)
        return wanted is None or labels.get("pod-template-generation") in (wanted, None)
    return True


def family(found: Object, evidence: Evidence) -> list[Object]:
    """The object and what it owns, and what that owns, without what is being deleted or of an older revision."""
    members, seen, grown = [found], {_uid(found)}, [found]
    while grown:
        fresh = []
        for owner in grown:
            for child in evidence.objects:
                leaving = child["metadata"].get("deletionTimestamp")
                if _uid(owner) in _owners(child) and _uid(child) not in seen and not leaving and _current(child, owner):
                    fresh.append(child)
                    seen.add(_uid(child))
        members += fresh
        grown = fresh
    return members


def when(event: Object) -> str:
    """When an event was last seen, in a form that can be compared."""
    times = (
        (event.get("series") or {}).get("lastObservedTime"),
        event.get("lastTimestamp"),
        event.get("eventTime"),
        event.get("metadata", {}).get("creationTimestamp"),
    )
    return max((str(time).rstrip("Z") for time in times if time), default="")


def events_of(found: Object, evidence: Evidence) -> list[Object]:
    """Events of an object, the newest first."""
    about = [event for event in evidence.of("Event") if (event.get("involvedObject") or {}).get("uid") == _uid(found)]
    return sorted(about, key=when, reverse=True)


def _said(about: Object) -> str:
    """Reason and message of an event or a condition."""
    text = " ".join(str(about.get("message", "")).split())
    text = CALL.sub(r"webhook \g<webhook> of Service \g<namespace>/\g<service> cannot be called: \g<why>", text)
    text = text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
    return f"{about.get('reason')}: {text}"


def _reason(found: Object, evidence: Evidence) -> Reason | None:
    if found.get("kind") == "PersistentVolumeClaim":
        return claim_reason(found, evidence)
    if found.get("kind") == "Pod":
        return pod_reason(found, evidence, named=False)
    members = family(found, evidence)
    pods = [pod for pod in members if pod.get("kind") == "Pod"]
    reasons = [reason for reason in (pod_reason(pod, evidence) for pod in pods) if reason]
    refused = [reason for one in members if one.get("kind") != "Pod" for reason in refusal(one, evidence)]
    # Jobs and workloads below a custom resource may have failed by themselves.
    below = [reason for one in members[1:] if one.get("kind") != "Pod" for reason in failure(one)]
    warnings = [Reason(_said(event)) for event in _warnings(found, evidence, CREATES)]
    ranked: list[Reason] = [*refused, *reasons, *below, *warnings]
    return next((reason for reason in ranked if reason.hopeless), ranked[0] if ranked else None)


def failure(found: Object) -> Iterator[Reason]:
    """What a child says itself when waiting for it is hopeless."""
    health = object_health(found)
    if health.hopeless and found.get("kind") != "ReplicaSet":
        yield Reason(f"{found.get('kind')} {found['metadata']['name']}: {health.message}", True)


def refusal(found: Object, evidence: Evidence) -> Iterator[Reason]:
    """Why a controller cannot make its pods: the newest word about making them, if it is a failure."""
    for event in events_of(found, evidence):
        if event.get("reason") in CREATES:
            if event["reason"] == "FailedCreate":
                yield Reason(_said(event), bool(REFUSED.search(str(event.get("message")))))
            return
    for condition in found.get("status", {}).get("conditions") or []:
        if condition.get("type") == "ReplicaFailure" and condition.get("status") == "True":
            yield Reason(_said(condition), bool(REFUSED.search(str(condition.get("message")))))


def _warnings(found: Object, evidence: Evidence, but: Iterable[str] = ()) -> list[Object]:
    return [
        event
        for event in events_of(found, evidence)
        if event.get("type") == "Warning" and str(event.get("reason")) not in but
    ]


def pod_reason(pod: Object, evidence: Evidence, named: bool = True) -> Reason | None:
    """Why a pod is not healthy; None when it is."""
    health = object_health(pod)
    if health.ok:
        return None
    name = f"pod {pod['metadata']['name']}: " if named else ""
    if health.hopeless:
        return Reason(f"{name}{health.message}", True) if named else None
    spec = pod.get("spec", {})
    if not spec.get("nodeName"):
        claims = {
            volume["persistentVolumeClaim"].get("claimName")
            for volume in spec.get("volumes") or []
            if volume.get("persistentVolumeClaim")
        }
        for claim in evidence.of("PersistentVolumeClaim"):
            metadata = claim["metadata"]
            if metadata["name"] in claims and metadata.get("namespace") == pod["metadata"].get("namespace"):
                why = claim_reason(claim, evidence)
                if why and why.hopeless:
                    return Reason(f"{name}PersistentVolumeClaim {metadata['name']}: {why.text}", True)
    event = next(iter(_warnings(pod, evidence, ECHOES)), None)
    if event and health.status != DEGRADED:
        return Reason(f"{name}{_said(event)}")
    return Reason(f"{name}{health.message}") if named else None


def claim_reason(claim: Object, evidence: Evidence) -> Reason | None:
    """Why a claim has no volume; None when it has one."""
    spec, metadata = claim.get("spec", {}), claim.get("metadata", {})
    if claim.get("status", {}).get("phase") != "Pending":
        return None
    if evidence.classes is not None and not spec.get("volumeName"):
        problem = class_problem(claim, evidence.classes)
        if problem:
            volumes = evidence.volumes
            return Reason(problem, volumes is not None and not any(_may_serve(one, claim) for one in volumes))
        late = any(
            one["metadata"]["name"] == spec.get("storageClassName")
            and one.get("volumeBindingMode") == "WaitForFirstConsumer"
            for one in evidence.classes
        )
        if late and not any(_mounts(pod, metadata) for pod in evidence.of("Pod")):
            return Reason("waits for its first consumer", status=SUSPENDED)
    events = events_of(claim, evidence)
    told = [*(event for event in events if event.get("type") == "Warning"), *events]
    return Reason(_said(told[0])) if told else None


def class_problem(claim: Object, classes: Iterable[Object]) -> str:
    """Why nobody makes a volume for a claim: it names no storage class that is there; '' when it does, or wants none."""
    wanted, known = claim.get("spec", {}).get("storageClassName"), {one["metadata"]["name"]: one for one in classes}
    if wanted is None and not any(map(_is_default, known.values())):
        return "names no storage class, and the cluster has no default one"
    if wanted and wanted not in known:
        return f"storage class {wanted} does not exist (there is {', '.join(sorted(known)) or 'none'})"
    return ""


def needs_volumes(evidence: Evidence) -> bool:
    """Whether a claim waits that only a volume made by hand can serve."""
    return evidence.classes is not None and any(
        claim.get("status", {}).get("phase") == "Pending" and class_problem(claim, evidence.classes)
        for claim in evidence.of("PersistentVolumeClaim")
    )


def _may_serve(volume: Object, claim: Object) -> bool:
    """Whether a volume bears the class that a claim wants, a class that need not exist, and is nobody else's."""
    spec, wanted, metadata = volume.get("spec", {}), claim.get("spec", {}), claim["metadata"]
    owner = spec.get("claimRef") or metadata
    mine = all(owner.get(part) == metadata.get(part) for part in ("namespace", "name"))
    return mine and (spec.get("storageClassName") or "") == (wanted.get("storageClassName") or "")


def _is_default(found: Object) -> bool:
    notes = found["metadata"].get("annotations") or {}
    return any(notes.get(name) == "true" for name in DEFAULT_CLASS)


def _mounts(pod: Object, claim: Object) -> bool:
    if pod["metadata"].get("namespace") != claim.get("namespace"):
        return False
    volumes = pod.get("spec", {}).get("volumes") or []
    return any((volume.get("persistentVolumeClaim") or {}).get("claimName") == claim.get("name") for volume in volumes)
