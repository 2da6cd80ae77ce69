# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why something is not healthy: a few objects of a namespace, and the sentence that names the cause."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.kubestd.platform.plugins.module_utils._health.cause import (
    CALL,
    LONGEST,
    Evidence,
    events_of,
    explain,
    family,
    when,
)
from ansible_collections.kubestd.platform.plugins.module_utils._health.endpoints import (
    behind,
    pods,
    reachable,
    services,
    slices,
)
from ansible_collections.kubestd.platform.plugins.module_utils._health.judge import object_health
from ansible_collections.kubestd.platform.plugins.module_utils._health.model import Health
from ansible_collections.kubestd.platform.plugins.module_utils._health.plan import Collection, Found
from hypothesis import given, settings
from hypothesis import strategies as st

Object = dict[str, Any]
VERSIONS = {"Deployment": "apps/v1", "ReplicaSet": "apps/v1", "StatefulSet": "apps/v1", "DaemonSet": "apps/v1"}
VERSIONS |= {"Job": "batch/v1", "CronJob": "batch/v1"}


def made(kind: str, name: str, owner: str = "", **more: Any) -> Object:
    """An object; its uid is its name, so that owners are given by name."""
    metadata: Object = {"name": name, "uid": name, "namespace": "n", **more.pop("metadata", {})}
    if owner:
        metadata["ownerReferences"] = [{"uid": owner}]
    return {"apiVersion": VERSIONS.get(kind, "v1"), "kind": kind, "metadata": metadata, **more}


def event(about: str, reason: str, message: str, kind: str = "Warning", at: str = "2026-01-01T00:00:00Z") -> Object:
    return made(
        "Event",
        f"{about}.{reason}.{at}",
        type=kind,
        reason=reason,
        message=message,
        lastTimestamp=at,
        involvedObject={"uid": about},
    )


def deployment(available: int = 0, **metadata: Any) -> Object:
    status = {"observedGeneration": 1, "replicas": 2, "updatedReplicas": 2, "availableReplicas": available}
    return made("Deployment", "web", spec={"replicas": 2}, status=status, metadata={"generation": 1, **metadata})


def replica_set(name: str = "web-1", revision: str = "1", **more: Any) -> Object:
    note = {"annotations": {"deployment.kubernetes.io/revision": revision}}
    return made("ReplicaSet", name, "web", metadata=note, **more)


def pod(name: str = "web-1-a", owner: str = "web-1", status: Object | None = None, **more: Any) -> Object:
    return made("Pod", name, owner, status=status or {"phase": "Pending"}, **more)


def waiting(reason: str, message: str = "", restarts: int = 0) -> Object:
    state = {"waiting": {"reason": reason, "message": message}}
    return {"phase": "Pending", "containerStatuses": [{"name": "core", "restartCount": restarts, "state": state}]}


def unschedulable(message: str = "0/3 nodes are available: 3 Insufficient cpu.") -> Object:
    return {
        "phase": "Pending",
        "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}],
    }


READY = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
RUNNING = {"phase": "Running", "containerStatuses": [{"name": "core", "ready": False, "state": {"running": {}}}]}
QUOTA = 'Error creating: pods "web-1-" is forbidden: exceeded quota: small, requested: pods=1, used: pods=0, limited: pods=0'
NO_ACCOUNT = (
    'Error creating: pods "web-1-" is forbidden: error looking up service account n/web: serviceaccount "web" not found'
)
UNCALLED = (
    'Error creating: Internal error occurred: failed calling webhook "validate.kyverno.svc-fail": failed to call webhook: '
    'Post "https://kyverno-svc.kyverno.svc:443/validate/fail?timeout=10s": no endpoints available for service "kyverno-svc"'
)
CRASH = waiting("CrashLoopBackOff", restarts=5)
MOUNT = 'MountVolume.SetUp failed for volume "tls" : secret "web-tls" not found'
VOLUME = {"volumes": [{"persistentVolumeClaim": {"claimName": "data"}}]}

#: what it is, the object, what is near it, the sentence, whether waiting is in vain
CASES: list[tuple[str, Object, list[Object], str, bool]] = [
    ("nothing near it", deployment(), [], "0/2 replicas available, 2 updated", False),
    (
        "an image",
        deployment(),
        [replica_set(), pod(status=waiting("ImagePullBackOff", "not found"))],
        "0/2 available: pod web-1-a: container core: ImagePullBackOff: not found",
        True,
    ),
    (
        "a crash that may end",
        deployment(1),
        [replica_set(), pod(status=waiting("CrashLoopBackOff", restarts=1))],
        "1/2 available: pod web-1-a: container core: CrashLoopBackOff after 1 restarts",
        False,
    ),
    (
        "the hopeless pod before the others",
        deployment(),
        [replica_set(), pod(), pod("web-1-b", status=CRASH)],
        "0/2 available: pod web-1-b: container core: CrashLoopBackOff after 5 restarts",
        True,
    ),
    ("no node", deployment(), [replica_set(), pod(status=unschedulable())], "0/2 available: pod web-1-a: Unschedulable: 0/3 nodes are available: 3 Insufficient cpu.", False),
    (
        "the scheduler's words, which it says twice",
        deployment(),
        [replica_set(), pod(status=unschedulable()), event("web-1-a", "FailedScheduling", "0/3 nodes are available: …")],
        "0/2 available: pod web-1-a: Unschedulable: 0/3 nodes are available: 3 Insufficient cpu.",
        False,
    ),
    (
        "a volume that cannot be mounted",
        deployment(),
        [replica_set(), pod(status=RUNNING, spec={"nodeName": "w1"}), event("web-1-a", "FailedMount", MOUNT)],
        f"0/2 available: pod web-1-a: FailedMount: {MOUNT}",
        False,
    ),
    (
        "an event that only repeats the status",
        deployment(),
        [replica_set(), pod(status=RUNNING), event("web-1-a", "BackOff", "Back-off restarting")],
        "0/2 available: pod web-1-a: containers not ready: core",
        False,
    ),
    (
        "a normal event",
        deployment(),
        [replica_set(), pod(status=RUNNING), event("web-1-a", "Pulled", "Container image present", "Normal")],
        "0/2 available: pod web-1-a: containers not ready: core",
        False,
    ),
    ("pods of others", deployment(), [pod("x", "other", CRASH), made("ReplicaSet", "other")], "0/2 replicas available, 2 updated", False),
    (
        "a pod that is being deleted",
        deployment(),
        [replica_set(), pod(status=CRASH, metadata={"deletionTimestamp": "2026-01-01T00:00:00Z"})],
        "0/2 replicas available, 2 updated",
        False,
    ),
    (
        "a pod of an older revision",
        deployment(annotations={"deployment.kubernetes.io/revision": "2"}),
        [replica_set(), pod(status=CRASH), replica_set("web-2", "2"), pod("web-2-a", "web-2")],
        "0/2 available: pod web-2-a: is Pending",
        False,
    ),
    ("a quota", deployment(), [replica_set(), event("web-1", "FailedCreate", QUOTA)], f"0/2 available: FailedCreate: {QUOTA}", True),
    (
        "a quota that was raised",
        deployment(),
        [
            replica_set(),
            event("web-1", "FailedCreate", QUOTA),
            event("web-1", "SuccessfulCreate", "Created pod: web-1-a", "Normal", "2026-01-01T00:00:01Z"),
        ],
        "0/2 replicas available, 2 updated",
        False,
    ),
    (
        "a service account that is not there yet",
        deployment(),
        [replica_set(), event("web-1", "FailedCreate", NO_ACCOUNT)],
        f"0/2 available: FailedCreate: {NO_ACCOUNT}",
        False,
    ),
    (
        "a webhook without endpoints",
        deployment(),
        [replica_set(), event("web-1", "FailedCreate", UNCALLED)],
        "0/2 available: FailedCreate: webhook validate.kyverno.svc-fail of Service kyverno/kyverno-svc cannot be called: "
        'no endpoints available for service "kyverno-svc"',
        False,
    ),
    (
        "a condition when there is no event any more",
        deployment(),
        [
            replica_set(
                status={"conditions": [{"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": QUOTA}]}
            )
        ],
        f"0/2 available: FailedCreate: {QUOTA}",
        True,
    ),
    (
        "a warning about the object itself",
        deployment(),
        [event("web", "ReplicaSetCreateError", "Failed to create new replica set")],
        "0/2 available: ReplicaSetCreateError: Failed to create new replica set",
        False,
    ),
    (
        "a stateful set and its claim",
        made("StatefulSet", "db", spec={"replicas": 1}, status={"availableReplicas": 0}),
        [
            pod("db-0", "db", unschedulable("pod has unbound immediate PersistentVolumeClaims"), spec=VOLUME),
            made("PersistentVolumeClaim", "data", spec={"storageClassName": "fast", "volumeName": "v"}, status={"phase": "Pending"}),
            event("data", "ProvisioningFailed", "no space"),
        ],
        "0/1 available: pod db-0: Unschedulable: pod has unbound immediate PersistentVolumeClaims",
        False,
    ),
    (
        "a stateful set in an update",
        made("StatefulSet", "db", spec={"replicas": 2}, status={"availableReplicas": 1, "updateRevision": "new"}),
        [
            pod("db-0", "db", CRASH, metadata={"labels": {"controller-revision-hash": "old"}}),
            pod("db-1", "db", waiting("ErrImagePull"), metadata={"labels": {"controller-revision-hash": "new"}}),
        ],
        "1/2 available: pod db-1: container core: ErrImagePull",
        True,
    ),
    (
        "a daemon set in an update",
        made(
            "DaemonSet",
            "agent",
            metadata={"annotations": {"deprecated.daemonset.template.generation": "2"}, "generation": 2},
            status={"observedGeneration": 2, "desiredNumberScheduled": 2, "numberAvailable": 1, "updatedNumberScheduled": 1},
        ),
        [
            pod("agent-a", "agent", CRASH, metadata={"labels": {"pod-template-generation": "1"}}),
            pod("agent-b", "agent", waiting("CreateContainerError", "no such device"), metadata={"labels": {"pod-template-generation": "2"}}),
        ],
        "1/2 available: pod agent-b: container core: CreateContainerError: no such device",
        False,
    ),
    (
        "a job",
        made("Job", "setup", spec={"completions": 1}, status={"active": 1, "failed": 1}),
        [pod("setup-x", "setup", waiting("CreateContainerConfigError", 'secret "x" not found'))],
        '0/1 succeeded: pod setup-x: container core: CreateContainerConfigError: secret "x" not found',
        False,
    ),
    (
        "a custom resource whose workload crashes",
        made("Cluster", "main", status={"conditions": [{"type": "Ready", "status": "False", "message": "not ready."}]}),
        [made("StatefulSet", "db", "main", spec={"replicas": 1}), pod("db-0", "db", CRASH)],
        "not ready: pod db-0: container core: CrashLoopBackOff after 5 restarts",
        True,
    ),
    (
        "a custom resource whose job failed",
        made("Cluster", "main", status={"conditions": [{"type": "Ready", "status": "False", "message": "not ready"}]}),
        [made("Job", "init", "main", status={"conditions": [{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded"}]})],
        "not ready: Job init: failed: BackoffLimitExceeded",
        True,
    ),
    (
        "a pod itself",
        pod(status=unschedulable()),
        [event("web-1-a", "FailedScheduling", "0/3 nodes are available: 3 Insufficient cpu.")],
        "Unschedulable: 0/3 nodes are available: 3 Insufficient cpu.",
        False,
    ),
    ("a pod that says it all", pod(status=waiting("ErrImagePull", "denied")), [], "container core: ErrImagePull: denied", True),
    (
        "a claim with an event",
        made("PersistentVolumeClaim", "data", spec={"storageClassName": "fast"}, status={"phase": "Pending"}),
        [event("data", "ExternalProvisioning", "waiting", "Normal", "2026-01-02"), event("data", "ProvisioningFailed", "no space")],
        "is not bound to a volume: ProvisioningFailed: no space",
        False,
    ),
    (
        "a claim with a word that is no warning",
        made("PersistentVolumeClaim", "data", spec={"storageClassName": "fast"}, status={"phase": "Pending"}),
        [event("data", "ExternalProvisioning", "Waiting for a volume to be created", "Normal")],
        "is not bound to a volume: ExternalProvisioning: Waiting for a volume to be created",
        False,
    ),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=[case[0] for case in CASES])
def test_the_cause_is_named(case: tuple[str, Object, list[Object], str, bool]) -> None:
    _, found, near, message, hopeless = case
    health = explain(found, object_health(found), Evidence((found, *near)))
    assert (health.message, health.hopeless) == (message, hopeless)
    assert health.status == ("Degraded" if hopeless else object_health(found).status)


def test_a_healthy_object_is_not_explained() -> None:
    near = Evidence((replica_set(), pod(status=CRASH)))
    assert explain(deployment(2), Health("Healthy"), near) == Health("Healthy")


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "DaemonSet", "Job"])
def test_what_its_controller_has_not_seen_yet_is_not_explained_by_what_was(kind: str) -> None:
    """The pods that crash may be those of the template that was mended a moment ago."""
    changed = made(kind, "web", metadata={"generation": 2}, status={"observedGeneration": 1})
    health = Health("Progressing", "generation 1 of 2")
    assert explain(changed, health, Evidence((pod(owner="web", status=CRASH),))) == health
    changed["status"]["observedGeneration"] = 2
    assert explain(changed, health, Evidence((pod(owner="web", status=CRASH),))).hopeless


def test_a_claim_that_waits_for_its_first_consumer_is_at_rest() -> None:
    claim = made("PersistentVolumeClaim", "data", spec={"storageClassName": "late"}, status={"phase": "Pending"})
    late = {"metadata": {"name": "late"}, "volumeBindingMode": "WaitForFirstConsumer"}
    health = explain(claim, object_health(claim), Evidence((claim,), (late,)))
    assert (health.status, health.message) == ("Suspended", "waits for its first consumer")
    consumer = Evidence((claim, pod("a", "", unschedulable(), spec=VOLUME)), (late,))
    assert explain(claim, object_health(claim), consumer).status == "Progressing"


def test_the_family_is_all_that_an_object_owns_and_ends_in_a_circle() -> None:
    root, child, grandchild = made("X", "a"), made("Y", "b", "a"), made("Pod", "c", "b")
    assert [one["metadata"]["name"] for one in family(root, Evidence((grandchild, child, made("Z", "z"))))] == [
        "a",
        "b",
        "c",
    ]
    circle = made("X", "a", "b")
    assert len(family(circle, Evidence((circle, child)))) == 2


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8)), max_size=12))
def test_no_tangle_of_owners_keeps_it_busy_for_ever(pairs: list[tuple[int, int]]) -> None:
    objects = tuple(made("Pod", f"p{child}", f"p{owner}", status={"phase": "Pending"}) for child, owner in pairs)
    root = made("Deployment", "p0", spec={"replicas": 1})
    members = [one["metadata"]["uid"] for one in family(root, Evidence(objects))]
    assert len(members) == len(set(members))
    assert explain(root, object_health(root), Evidence(objects)).message


@pytest.mark.parametrize(
    ("found", "time"),
    [
        ({"lastTimestamp": "2026-01-01T00:00:00Z"}, "2026-01-01T00:00:00"),
        (
            {"eventTime": "2026-01-01T00:00:00.5Z", "metadata": {"creationTimestamp": "2026-01-01T00:00:00Z"}},
            "2026-01-01T00:00:00.5",
        ),
        (
            {"series": {"lastObservedTime": "2026-01-03"}, "lastTimestamp": None, "eventTime": "2026-01-02"},
            "2026-01-03",
        ),
        ({}, ""),
    ],
)
def test_when_an_event_was_last_seen(found: Object, time: str) -> None:
    assert when(found) == time


def test_events_of_an_object_are_the_newest_first_and_long_ones_are_cut() -> None:
    old, new = event("web", "A", "x"), event("web", "B", "y" * 1000, at="2026-01-02T00:00:00Z")
    near = Evidence((old, event("other", "C", "z"), new))
    assert events_of(deployment(), near) == [new, old]
    message = explain(deployment(), Health("Progressing", "x"), near).message
    assert message.endswith("…") and len(message) < LONGEST + 40


@pytest.mark.parametrize(
    ("said", "short"),
    [
        (UNCALLED, 'validate.kyverno.svc-fail kyverno/kyverno-svc no endpoints available for service "kyverno-svc"'),
        (
            'Internal error occurred: failed calling webhook "a.b": failed to call webhook: Post '
            '"https://hook.ns.svc:443/x?timeout=30s": dial tcp 10.96.3.4:443: connect: connection refused',
            "a.b ns/hook dial tcp 10.96.3.4:443: connect: connection refused",
        ),
        ('failed calling webhook "a.b": failed to call webhook: Post "https://example.com/x": EOF', None),
        ('admission webhook "a.b" denied the request: no', None),
    ],
)
def test_a_webhook_that_cannot_be_called_is_taken_out_of_the_api_servers_words(said: str, short: str | None) -> None:
    found = CALL.match(said)
    assert (found and f"{found['webhook']} {found['namespace']}/{found['service']} {found['why']}") == short


def hooks(*named: tuple[str, str | None], kind: str = "ValidatingWebhookConfiguration") -> Object:
    """A webhook configuration of (webhook, service)."""
    called = [
        {
            "name": name,
            "clientConfig": {"service": {"name": service, "namespace": "n"}, "caBundle": "x"}
            if service
            else {"url": "https://x"},
        }
        for name, service in named
    ]
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": kind,
        "metadata": {"name": "w"},
        "webhooks": called,
    }


def ends(*ready: bool | None) -> Found:
    """The endpoints of pods a, b, …"""
    names = "abc"[: len(ready)]
    return Found(
        (
            {
                "endpoints": [
                    {"conditions": {} if one is None else {"ready": one}, "targetRef": {"kind": "Pod", "name": name}}
                    for name, one in zip(names, ready)  # noqa: B905
                ]
            },
        )
    )


SERVICE = ("n", "s")
NOBODY = "h cannot be called: Service n/s has no ready endpoints: "


@pytest.mark.parametrize(
    ("lists", "status", "message"),
    [
        ({}, "Progressing", "the endpoints of Service n/s were not read yet"),
        ({slices(SERVICE): ends(True)}, "Healthy", ""),
        ({slices(SERVICE): ends(None)}, "Healthy", ""),
        ({slices(SERVICE): ends(False, True)}, "Healthy", ""),
        ({slices(SERVICE): Found()}, "Progressing", NOBODY + "no pod is behind it"),
        ({slices(SERVICE): ends()}, "Progressing", NOBODY + "no pod is behind it"),
        ({slices(SERVICE): ends(False)}, "Progressing", NOBODY + "none of its pods is ready"),
        ({slices(SERVICE): Found(problem="403")}, "Unknown", "the endpoints of Service n/s cannot be read: 403"),
        ({slices(SERVICE): ends(False), pods(SERVICE): Found((pod("a", "", RUNNING),))}, "Progressing", NOBODY + "pod a: containers not ready: core"),
        (
            {slices(SERVICE): ends(False, False), pods(SERVICE): Found((pod("a", "", RUNNING), pod("b", "", CRASH)))},
            "Degraded",
            NOBODY + "pod b: container core: CrashLoopBackOff after 5 restarts",
        ),
        ({slices(SERVICE): ends(False), pods(SERVICE): Found((pod("other", "", CRASH),))}, "Progressing", NOBODY + "none of its pods is ready"),
    ],
)  # fmt: skip
def test_a_webhook_is_as_healthy_as_who_answers_it(lists: dict[Collection, Found], status: str, message: str) -> None:
    for kind in ("ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"):
        found = hooks(("h", "s"), kind=kind)
        health = reachable(found, object_health(found), lists)
        assert (health.status, health.message, health.hopeless) == (status, message, status == "Degraded")


def test_a_webhook_without_authority_is_said_before_its_endpoints() -> None:
    found = hooks(("h", "s"))
    del found["webhooks"][0]["clientConfig"]["caBundle"]
    assert reachable(found, object_health(found), {}).message == "has no caBundle yet for h"


def test_every_service_of_a_configuration_is_looked_at_once() -> None:
    found = hooks(("a", "s"), ("b", "t"), ("c", "s"), ("d", None))
    assert services(found) == {("n", "s"): ["a", "c"], ("n", "t"): ["b"]}
    assert [where.kind for where in behind(found)] == ["EndpointSlice", "Pod"] * 2
    lists = {slices(("n", "s")): Found(), slices(("n", "t")): ends(True)}
    assert reachable(found, Health("Healthy"), lists).message.startswith("a, c cannot be called: Service n/s")


def test_other_kinds_and_configurations_without_services_need_no_endpoints() -> None:
    for found in (hooks(("d", None)), {"kind": "Deployment", "webhooks": [{"clientConfig": {"service": {}}}]}, hooks()):
        assert behind(found) == []
        assert reachable(found, Health("Healthy"), {}).ok
