# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The health of the kinds that Kubernetes brings: a table of pure functions."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from .kstatus import conditions, outdated, told
from .model import DEGRADED, HEALTHY, PROGRESSING, SUSPENDED, UNKNOWN, Health

Object = dict[str, Any]
OK = Health(HEALTHY)
# Waiting reasons of the kubelet: k8s.io/kubernetes/pkg/kubelet/images/types.go and container/sync_result.go
NO_IMAGE = frozenset(
    {
        "ErrImagePull",
        "ImagePullBackOff",
        "ImageInspectError",
        "InvalidImageName",
        "ErrImageNeverPull",
        "RegistryUnavailable",
        "SignatureValidationFailed",
    }
)
NOT_MADE = frozenset({"CreateContainerConfigError", "CreateContainerError", "RunContainerError"})
CRASHES = 3  # restarts from which a crash loop will not end by itself
# The API server refuses the object itself. What is forbidden because a service account is not there yet, or refused because
# a webhook does not answer ("failed calling webhook"), may still come.
REFUSED = re.compile(
    r"exceeded quota|denied (?:the )?request|violates PodSecurity|is invalid:|(?:maximum|minimum) \S+ usage per"
)


def _number(value: Any, default: int = 0) -> int:
    return value if isinstance(value, int) else default


def _container(item: Object, done_is_fine: bool) -> Health | None:
    """What is wrong with a container; None when nothing is."""
    state, name = item.get("state") or {}, item.get("name")
    waiting, ended = state.get("waiting"), state.get("terminated")
    if waiting:
        reason = str(waiting.get("reason") or "waits")
        text = f"container {name}: {told({'reason': reason, 'message': waiting.get('message')})}"
        if reason in NO_IMAGE:
            return Health(DEGRADED, text, True)
        if reason == "CrashLoopBackOff":
            last = (item.get("lastState") or {}).get("terminated") or {}
            why = f", it ended with {last.get('reason')} ({last.get('exitCode')})" if last else ""
            again = _number(item.get("restartCount"))
            return Health(DEGRADED, f"container {name}: CrashLoopBackOff after {again} restarts{why}", again >= CRASHES)
        return Health(DEGRADED if reason in NOT_MADE else PROGRESSING, text)
    if ended and not (done_is_fine and ended.get("exitCode") == 0):
        why = told({"reason": ended.get("reason"), "message": ended.get("message")})
        return Health(DEGRADED, f"container {name} ended ({ended.get('exitCode')}): {why}")
    return None


def pod(found: Object) -> Health:
    """Containers first, since they say why; then phase and readiness."""
    status, spec = found.get("status") or {}, found.get("spec") or {}
    phase = status.get("phase")
    if phase == "Succeeded":
        return OK
    if phase == "Failed":
        ends = [_container(item, True) for item in status.get("containerStatuses") or []]
        said = told({"reason": status.get("reason"), "message": status.get("message")}) if status.get("reason") else ""
        # One that has an owner is replaced by it, one without stays as it is.
        alone = not (found.get("metadata") or {}).get("ownerReferences")
        return Health(DEGRADED, said or next((end.message for end in ends if end), "failed"), alone)
    once = {item.get("name") for item in spec.get("initContainers") or [] if item.get("restartPolicy") != "Always"}
    problems = [_container(item, item.get("name") in once) for item in status.get("initContainerStatuses") or []]
    if not any(problem and problem.status == DEGRADED for problem in problems):
        problems += [_container(item, False) for item in status.get("containerStatuses") or []]
    bad = [problem for problem in problems if problem]
    worst = next((one for one in bad if one.hopeless), next((one for one in bad if one.status == DEGRADED), None))
    if worst:
        return worst
    has = conditions(found)
    scheduled = has.get("PodScheduled", {})
    if scheduled.get("status") == "False":
        return Health(PROGRESSING, told(scheduled))
    if phase == "Running" and has.get("Ready", {}).get("status") == "True":
        return OK
    if bad:
        return bad[0]
    if phase == "Running":
        late = [item["name"] for item in status.get("containerStatuses") or [] if not item.get("ready")]
        gates = [told(has[name]) for name in ("ContainersReady", "Ready") if has.get(name, {}).get("message")]
        return Health(PROGRESSING, f"containers not ready: {', '.join(late)}" if late else (gates or ["not ready"])[0])
    return Health(PROGRESSING if phase in (None, "Pending") else UNKNOWN, f"is {phase or 'Pending'}")


def _refused(has: dict[str, Object], name: str = "ReplicaFailure") -> Health | None:
    if has.get(name, {}).get("status") == "True":
        text = told(has[name])
        return Health(DEGRADED, text, bool(REFUSED.search(text)))
    return None


def deployment(found: Object) -> Health:
    """As kubectl rollout status judges, with the reasons it leaves out."""
    spec, status, has = found.get("spec") or {}, found.get("status") or {}, conditions(found)
    if spec.get("paused"):
        return Health(SUSPENDED, "its rollout is paused")
    # What its controller has not seen yet may be the cure of what the conditions say.
    old = outdated(found)
    if old:
        return old
    if has.get("Progressing", {}).get("reason") == "ProgressDeadlineExceeded":
        return Health(DEGRADED, told(has["Progressing"]), True)
    refused = _refused(has)
    if refused:
        return refused
    wanted = _number(spec.get("replicas"), 1)
    updated, available = _number(status.get("updatedReplicas")), _number(status.get("availableReplicas"))
    if "observedGeneration" not in status and wanted:
        return Health(PROGRESSING, "its controller has not seen it yet")
    if available < wanted or updated < wanted:
        return Health(PROGRESSING, f"{available}/{wanted} replicas available, {updated} updated")
    if _number(status.get("replicas")) > updated:
        return Health(PROGRESSING, f"{_number(status.get('replicas')) - updated} old replicas are going away")
    return OK


def stateful_set(found: Object) -> Health:
    """With partition only the replicas above it are updated; OnDelete waits for people."""
    spec, status = found.get("spec") or {}, found.get("status") or {}
    old = outdated(found)
    if old:
        return old
    wanted, ready = _number(spec.get("replicas"), 1), _number(status.get("readyReplicas"))
    available = _number(status.get("availableReplicas"), ready)
    if min(ready, available) < wanted:
        return Health(PROGRESSING, f"{min(ready, available)}/{wanted} replicas available")
    strategy = spec.get("updateStrategy") or {}
    updated = _number(status.get("updatedReplicas"))
    same = status.get("updateRevision") == status.get("currentRevision")
    if strategy.get("type") == "OnDelete":
        text = "" if same else f"{wanted - updated} replicas wait to be deleted by hand before they are updated"
        return Health(HEALTHY, text)
    partition = _number((strategy.get("rollingUpdate") or {}).get("partition"))
    if updated < wanted - partition and not same:
        return Health(PROGRESSING, f"{updated}/{wanted - partition} replicas updated")
    return OK


def daemon_set(found: Object) -> Health:
    """Every node that is to have a pod has an available one of the newest template."""
    spec, status = found.get("spec") or {}, found.get("status") or {}
    old = outdated(found)
    if old:
        return old
    wanted = _number(status.get("desiredNumberScheduled"))
    available, updated = _number(status.get("numberAvailable")), _number(status.get("updatedNumberScheduled"))
    if "observedGeneration" not in status:
        return Health(PROGRESSING, "its controller has not seen it yet")
    if available < wanted:
        return Health(PROGRESSING, f"{available}/{wanted} pods available")
    if updated < wanted:
        if (spec.get("updateStrategy") or {}).get("type") == "OnDelete":
            return Health(HEALTHY, f"{wanted - updated} pods wait to be deleted by hand before they are updated")
        return Health(PROGRESSING, f"{updated}/{wanted} pods updated")
    return OK


def replica_set(found: Object) -> Health:
    """As many available replicas as wanted."""
    refused = outdated(found) or _refused(conditions(found))
    if refused:
        return refused
    wanted = _number((found.get("spec") or {}).get("replicas"), 1)
    available = _number((found.get("status") or {}).get("availableReplicas"))
    return OK if available >= wanted else Health(PROGRESSING, f"{available}/{wanted} replicas available")


def job(found: Object) -> Health:
    """Done, failed for good, or on its way."""
    spec, status, has = found.get("spec") or {}, found.get("status") or {}, conditions(found)
    for name in ("Failed", "FailureTarget"):
        if has.get(name, {}).get("status") == "True":
            return Health(DEGRADED, f"failed: {told(has[name])}", True)
    if has.get("Complete", {}).get("status") == "True":
        return OK
    if spec.get("suspend") or has.get("Suspended", {}).get("status") == "True":
        return Health(SUSPENDED, "is suspended")
    failed = _number(status.get("failed"))
    said = f", {failed} pods failed" if failed else ""
    return Health(
        PROGRESSING, f"{_number(status.get('succeeded'))}/{_number(spec.get('completions'), 1)} succeeded{said}"
    )


def cron_job(found: Object) -> Health:
    """At rest when suspended; its Jobs have a health of their own."""
    return Health(SUSPENDED, "is suspended") if (found.get("spec") or {}).get("suspend") else OK


def claim(found: Object) -> Health:
    """Bound, and not being resized in vain."""
    phase, has = (found.get("status") or {}).get("phase"), conditions(found)
    if phase == "Lost":
        return Health(DEGRADED, "its volume is lost", True)
    if phase != "Bound":
        return Health(PROGRESSING, "is not bound to a volume")
    for name in ("ControllerResizeError", "NodeResizeError", "ModifyVolumeError"):
        if has.get(name, {}).get("status") == "True":
            return Health(DEGRADED, told(has[name]))
    return OK


def volume(found: Object) -> Health:
    """Available and Bound are fine, Released waits for people."""
    status = found.get("status") or {}
    if status.get("phase") == "Failed":
        return Health(DEGRADED, told({"reason": status.get("reason") or "Failed", "message": status.get("message")}))
    if status.get("phase") == "Released":
        return Health(SUSPENDED, "is released, its claim is gone and its data is kept")
    return (
        OK
        if status.get("phase") in ("Bound", "Available")
        else Health(PROGRESSING, f"is {status.get('phase') or 'Pending'}")
    )


def service(found: Object) -> Health:
    """One of type LoadBalancer needs an address."""
    if (found.get("spec") or {}).get("type") != "LoadBalancer":
        return OK
    return (
        OK
        if ((found.get("status") or {}).get("loadBalancer") or {}).get("ingress")
        else Health(PROGRESSING, "has no address yet")
    )


def ingress(found: Object) -> Health:
    """A controller has taken it."""
    address = ((found.get("status") or {}).get("loadBalancer") or {}).get("ingress")
    return OK if address else Health(PROGRESSING, "has no address yet, no controller has taken it")


def autoscaler(found: Object) -> Health:
    """It can read its metrics and scale its target."""
    has = conditions(found)
    if not has:
        return Health(PROGRESSING, "its controller has not seen it yet")
    for name in ("AbleToScale", "ScalingActive"):
        if has.get(name, {}).get("status") == "False":
            if has[name].get("reason") == "ScalingDisabled":
                return Health(SUSPENDED, told(has[name]))
            return Health(DEGRADED, told(has[name]))
    return OK


def disruption_budget(found: Object) -> Health:
    """Enough healthy pods; a budget that allows no disruption at all is said, since it blocks drains."""
    status, has = found.get("status") or {}, conditions(found)
    old = outdated(found)
    if old:
        return old
    if has.get("DisruptionAllowed", {}).get("reason") == "SyncFailed":
        return Health(DEGRADED, told(has["DisruptionAllowed"]))
    now, wanted = _number(status.get("currentHealthy")), _number(status.get("desiredHealthy"))
    return OK if now >= wanted else Health(PROGRESSING, f"{now} pods are healthy, {wanted} are needed")


def api_service(found: Object) -> Health:
    """An API that nobody answers breaks discovery for everybody."""
    has = conditions(found).get("Available", {})
    if has.get("status") == "True":
        return OK
    return Health(DEGRADED if has else PROGRESSING, told(has) if has else "was not checked yet")


def crd(found: Object) -> Health:
    """Served, with the names it asks for."""
    has = conditions(found)
    if has.get("NamesAccepted", {}).get("status") == "False":
        return Health(DEGRADED, told(has["NamesAccepted"]), True)
    if has.get("Established", {}).get("status") != "True":
        return Health(PROGRESSING, "is not served yet")
    return (
        Health(DEGRADED, told(has["NonStructuralSchema"]))
        if has.get("NonStructuralSchema", {}).get("status") == "True"
        else OK
    )


def namespace(found: Object) -> Health:
    """Active; one that cannot go says what holds it."""
    if (found.get("status") or {}).get("phase") != "Terminating":
        return OK
    has = conditions(found)
    names = (
        "NamespaceDeletionDiscoveryFailure",
        "NamespaceDeletionGroupVersionParsingFailure",
        "NamespaceDeletionContentFailure",
        "NamespaceFinalizersRemaining",
        "NamespaceContentRemaining",
    )
    said = [str(has[name].get("message")) for name in names if has.get(name, {}).get("status") == "True"]
    return Health(PROGRESSING, "is being deleted" + (f": {' '.join(said)}" if said else ""))


def node(found: Object) -> Health:
    """Ready without pressure; a cordoned one is at rest."""
    has = conditions(found)
    if has.get("Ready", {}).get("status") != "True":
        return Health(
            DEGRADED if has.get("Ready") else PROGRESSING, told(has.get("Ready") or {"reason": "is not ready yet"})
        )
    for name in ("MemoryPressure", "DiskPressure", "PIDPressure", "NetworkUnavailable"):
        if has.get(name, {}).get("status") == "True":
            return Health(DEGRADED, f"{name}: {told(has[name])}")
    return Health(SUSPENDED, "is cordoned") if (found.get("spec") or {}).get("unschedulable") else OK


def webhooks(found: Object) -> Health:
    """A webhook that is a service needs the certificate authority that its operator writes; endpoints.py looks behind it."""
    late = [
        str(item.get("name"))
        for item in found.get("webhooks") or []
        if (item.get("clientConfig") or {}).get("service") and not item["clientConfig"].get("caBundle")
    ]
    return Health(PROGRESSING, f"has no caBundle yet for {', '.join(late)}") if late else OK


BUILTIN: dict[tuple[str, str], Callable[[Object], Health]] = {
    ("", "Pod"): pod,
    ("", "PersistentVolumeClaim"): claim,
    ("", "PersistentVolume"): volume,
    ("", "Service"): service,
    ("", "Namespace"): namespace,
    ("", "Node"): node,
    ("apps", "Deployment"): deployment,
    ("apps", "StatefulSet"): stateful_set,
    ("apps", "DaemonSet"): daemon_set,
    ("apps", "ReplicaSet"): replica_set,
    ("batch", "Job"): job,
    ("batch", "CronJob"): cron_job,
    ("networking.k8s.io", "Ingress"): ingress,
    ("autoscaling", "HorizontalPodAutoscaler"): autoscaler,
    ("policy", "PodDisruptionBudget"): disruption_budget,
    ("apiregistration.k8s.io", "APIService"): api_service,
    ("apiextensions.k8s.io", "CustomResourceDefinition"): crd,
    ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration"): webhooks,
    ("admissionregistration.k8s.io", "MutatingWebhookConfiguration"): webhooks,
}
