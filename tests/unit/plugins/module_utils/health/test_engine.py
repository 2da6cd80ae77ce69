# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Look and wait, against a scripted API server and a clock of the test's own: nothing here waits for real time to pass."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ansible_collections.kubestd.platform.plugins.module_utils._health import engine as engine_module
from ansible_collections.kubestd.platform.plugins.module_utils._health.engine import AGAIN, Engine, slim
from ansible_collections.kubestd.platform.plugins.module_utils._health.plan import make_check
from ansible_collections.kubestd.platform.plugins.module_utils._kube import Answer, KubeError
from ansible_collections.kubestd.platform.plugins.module_utils._objects import Resource

Object = dict[str, Any]
MAPS, PODS = "/api/v1/namespaces/n/configmaps", "/api/v1/namespaces/n/pods"
SLICES = "/apis/discovery.k8s.io/v1/namespaces/n/endpointslices?kubernetes.io/service-name=s"
HOOKS = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations?metadata.name=w"
A, P = f"{MAPS}?metadata.name=a", f"{PODS}?metadata.name=p"
END = object()
KEYS = ["name", "status", "message", "passed", "objects", "seconds"]


def key(path: str, labels: str = "", fields: str = "") -> str:
    """How a list and its watch are called in a script."""
    return "?".join(part for part in (path, labels, fields) if part)


class Clock:
    """Seconds that pass when the test says so."""

    now = 0.0

    def __call__(self) -> float:
        return self.now

    def add(self, seconds: float) -> Callable[[], None]:
        """A step of a script that lets time pass."""

        def step() -> None:
            self.now += seconds

        return step


class Server:
    """A connection whose answers are written down: lists, watches and services, each by its key, the last one for ever.

    A list is its objects, or an error. A watch is a list of steps: an event, an error to raise, something to do, or END;
    after the last one it says nothing until the engine has ended.
    """

    def __init__(self) -> None:
        self.lists: dict[str, list[list[Object] | KubeError]] = {}
        self.watches: dict[str, list[list[Any]]] = {}
        self.services: dict[str, list[Answer | KubeError]] = {}
        self.kinds: list[list[str]] = [[]]
        self.listed: list[str] = []
        self.watched: list[tuple[str, dict[str, str]]] = []
        self.looked: list[tuple[str, float]] = []
        self.bodies: list[bytes | None] = []
        self.connections = 0
        self.over = threading.Event()

    @property
    def client(self) -> Server:
        return self

    def connect(self) -> Server:
        self.connections += 1
        return self

    def resource(self, api_version: str, kind: str, fresh: bool = False) -> Resource | None:
        kinds = self.kinds.pop(0) if len(self.kinds) > 1 else self.kinds[0]
        return Resource(api_version, kind, kind.lower() + "s", True) if kind in kinds else None

    def pages(
        self, where: Resource, namespace: Any, labels: str, fields: str, _metadata_only: bool
    ) -> Iterator[Object]:
        path = key(where.path(namespace), labels, fields)
        self.listed.append(path)
        answers = self.lists.get(path, [[]])
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, KubeError):
            raise answer
        name = fields.partition("=")[2]
        items = [copy.deepcopy(item) for item in answer if not name or item["metadata"]["name"] == name]
        for item in items:
            item["apiVersion"], item["kind"] = where.api_version, where.kind
        yield {"metadata": {"resourceVersion": str(len(self.listed))}, "items": items}

    def stream(self, path: str, query: dict[str, str], _idle: float, _accept: str) -> Iterator[Object]:
        path = key(path, query.get("labelSelector", ""), query.get("fieldSelector", ""))
        self.watched.append((path, query))
        scripts = self.watches.get(path, [])
        for step in scripts.pop(0) if scripts else []:
            if step is END:
                return
            if isinstance(step, Exception):
                raise step
            if callable(step):
                step()
            else:
                yield copy.deepcopy(step)
        self.over.wait(20)

    def look(self, path: str, timeout: float, body: bytes | None = None, _content_type: str = "") -> Answer:
        self.looked.append((path, timeout))
        self.bodies.append(body)
        answers = self.services[path]
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, KubeError):
            raise answer
        return answer


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(engine_module, "AGAIN", (0.0, 0.0))
    monkeypatch.setattr(engine_module, "SETTLE", 0.0)
    monkeypatch.setattr(engine_module, "HTTP_EVERY", 0.001)
    made = Server()
    yield made
    made.over.set()


@pytest.fixture
def clock() -> Clock:
    return Clock()


def thing(name: str, **more: Any) -> Object:
    return {"metadata": {"name": name, "namespace": "n"}, **more}


def pod(*, reason: str = "", phase: str = "Pending") -> Object:
    """A pod p that is ready, pending, or waits for a reason."""
    status: Object = {"phase": phase}
    if phase == "Running":
        status["conditions"] = [{"type": "Ready", "status": "True"}]
    if reason:
        status["containerStatuses"] = [{"name": "c", "state": {"waiting": {"reason": reason}}}]
    return thing("p", status=status)


def event(kind: str, found: Object) -> Object:
    return {"type": kind, "object": found}


def check(kind: str = "ConfigMap", name: str | None = "a", **more: Any) -> Object:
    return {"kind": kind, "object": name, "namespace": "n", **more}


A_POD = check("Pod", "p")
GONE = {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old resource version: 1 (2)"}
SERVICE = {"http": {"service": "s", "namespace": "n", "port": "80", "path": "/x"}}
URL = "/api/v1/namespaces/n/services/s:80/proxy/x"


def run(server: Server, clock: Clock, *checks: Object, timeout: float = 300.0, **options: Any) -> Object:
    """The result of an engine, which must come at once."""
    wait = options.pop("wait", True)
    engine = Engine(server.connect, [make_check(one) for one in checks], timeout, clock=clock, **options)  # type: ignore[arg-type]
    others, results = set(threading.enumerate()), list[Object]()
    thread = threading.Thread(target=lambda: results.append(engine.run(wait)), daemon=True)
    thread.start()
    thread.join(5)
    server.over.set()
    for watching in set(threading.enumerate()) - others:
        watching.join(5)
    assert results, "the engine still waits"
    return results[0]


def test_what_is_well_is_not_watched(server: Server, clock: Clock) -> None:
    server.lists = {A: [[thing("a")]], P: [[pod(phase="Running")]]}
    result = run(server, clock, check(), A_POD)
    assert result == {
        "passed": True,
        "message": "2 of 2 checks passed after 0.0 s",
        "checks": [
            {"name": "ConfigMap n/a", "status": "Healthy", "message": "", "passed": True, "seconds": 0.0, "objects": [
                {"kind": "ConfigMap", "namespace": "n", "name": "a", "status": "Healthy", "message": ""}]},
            {"name": "Pod n/p", "status": "Healthy", "message": "", "passed": True, "seconds": 0.0, "objects": [
                {"kind": "Pod", "namespace": "n", "name": "p", "status": "Healthy", "message": ""}]},
        ],
    }  # fmt: skip
    assert (sorted(server.listed), server.watched) == ([A, P], [])


def test_checks_that_read_the_same_read_it_once(server: Server, clock: Clock) -> None:
    server.lists = {MAPS: [[thing("a"), thing("b")]]}
    assert run(server, clock, check(), check(name="b"), check(name=None))["passed"]
    assert server.listed == [MAPS]


def test_a_watch_goes_on_where_its_list_ended(server: Server, clock: Clock) -> None:
    labelled = key(MAPS, "x=y", "metadata.name=a")
    server.watches = {labelled: [[event("ADDED", thing("a"))]]}
    assert run(server, clock, check(selector={"x": "y"}))["passed"]
    path, query = server.watched[0]
    assert (path, query["resourceVersion"], query["allowWatchBookmarks"]) == (labelled, "1", "true")
    assert (query["fieldSelector"], query["labelSelector"]) == ("metadata.name=a", "x=y")


@pytest.mark.parametrize(
    ("first", "steps", "wanted"),
    [
        ([], [event("ADDED", pod(phase="Running"))], A_POD),
        ([pod()], [event("MODIFIED", pod(phase="Running"))], A_POD),
        ([pod()], [event("MODIFIED", pod(reason="PodInitializing")), event("MODIFIED", pod(phase="Running"))], A_POD),
        ([pod()], [event("DELETED", pod())], {**A_POD, "state": "absent"}),
        ([pod()], [event("DELETED", pod()), event("ADDED", pod(phase="Running"))], A_POD),
        (
            [pod()],
            [event("BOOKMARK", {"metadata": {"resourceVersion": "9"}}), event("MODIFIED", pod(phase="Running"))],
            A_POD,
        ),
    ],
    ids=["added", "modified", "twice", "deleted", "replaced", "bookmark"],
)
def test_events_change_what_is_known(server: Server, clock: Clock, first: Any, steps: Any, wanted: Object) -> None:
    server.lists = {P: [first]}
    server.watches = {P: [[clock.add(7.0), *steps]]}
    result = run(server, clock, wanted)
    assert (result["passed"], result["checks"][0]["seconds"]) == (True, 7.0)
    assert len([path for path in server.listed if path == P]) == 1


def test_a_watch_that_lost_its_place_lists_again(server: Server, clock: Clock) -> None:
    server.lists = {P: [[pod()], [pod(reason="PodInitializing")]]}
    server.watches = {P: [[event("ERROR", GONE)], [event("MODIFIED", pod(phase="Running"))]]}
    assert run(server, clock, A_POD)["passed"]
    mine = [query for path, query in server.watched if path == P]
    assert len(mine) == 2
    assert int(mine[1]["resourceVersion"]) > int(mine[0]["resourceVersion"])


def test_what_changed_while_nobody_watched_is_seen_in_the_next_list(server: Server, clock: Clock) -> None:
    server.lists = {A: [[], [thing("a")]]}
    server.watches = {A: [[KubeError("connection reset")]]}
    assert run(server, clock, check())["passed"]


@pytest.mark.parametrize(
    "end", [[KubeError("connection refused")], [END], [event("ERROR", GONE)]], ids=["lost", "ended", "gone"]
)
def test_a_server_that_ends_every_watch_is_not_stormed(
    server: Server, clock: Clock, monkeypatch: pytest.MonkeyPatch, end: list[Any]
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(engine_module, "AGAIN", AGAIN)
    monkeypatch.setattr(engine_module.time, "sleep", lambda seconds: pauses.append(seconds) if seconds else None)
    server.watches = {A: [*[end] * 7, [event("ADDED", thing("a"))]]}
    assert run(server, clock, check())["passed"]
    base = [0.2, 0.4, 0.8, 1.6, 3.0, 3.0, 3.0]
    assert all(0.7 * one <= pause <= 1.3 * one for one, pause in zip(base, pauses, strict=False)), pauses
    assert len(pauses) >= 7


def test_a_watch_that_lasted_is_begun_again_soon(server: Server, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(engine_module, "AGAIN", AGAIN)
    monkeypatch.setattr(engine_module.time, "sleep", lambda seconds: pauses.append(seconds) if seconds else None)
    lost = KubeError("connection reset")
    server.watches = {A: [[lost], [lost], [clock.add(10.0), lost], [lost], [event("ADDED", thing("a"))]]}
    assert run(server, clock, check())["passed"]
    assert pauses[1] > 1.3 * AGAIN[0]
    assert max(pauses[2:4]) <= 1.3 * AGAIN[0]


def test_a_list_without_an_answer_is_asked_for_again(server: Server, clock: Clock) -> None:
    down = KubeError("GET https://api:6443/x: connection refused")
    server.lists = {A: [down, down, [thing("a")]]}
    assert run(server, clock, check())["passed"]
    server.lists = {A: [down]}
    result = run(server, clock, check(), wait=False)
    assert (result["checks"][0]["status"], result["passed"]) == ("Unknown", False)
    assert "connection refused" in result["message"]


def test_a_kind_that_is_not_served_is_asked_for_until_it_is(server: Server, clock: Clock) -> None:
    server.kinds = [[], [], ["Late"]]
    server.lists = {"/apis/x.io/v1/namespaces/n/lates?metadata.name=a": [[thing("a")]]}
    assert run(server, clock, check("Late", api_version="x.io/v1"))["passed"]


def test_a_kind_whose_list_is_not_found_is_not_served(server: Server, clock: Clock) -> None:
    server.kinds = [["Late"]]
    server.lists = {"/apis/x.io/v1/namespaces/n/lates?metadata.name=a": [KubeError("404", 404)]}
    result = run(server, clock, check("Late", api_version="x.io/v1"), wait=False)
    assert "serves no Late" in result["message"]


def test_the_deadline_is_one_for_all_and_the_failed_have_the_keys_of_the_passed(server: Server, clock: Clock) -> None:
    server.lists = {P: [[pod()]], A: [[thing("a")]]}
    server.watches = {
        P: [
            [
                clock.add(299.0),
                event("MODIFIED", pod(reason="PodInitializing")),
                clock.add(1.0),
                event("MODIFIED", pod()),
            ]
        ]
    }
    late = check("Secret", "late")
    result = run(server, clock, A_POD, check(), late)
    assert result["passed"] is False
    assert result["message"].startswith(
        "1 of 3 checks passed after 300 s; Pod n/p: is Pending; Secret n/late is not there"
    )
    assert "would not help" not in result["message"]
    assert [list(one) for one in result["checks"]] == [KEYS] * 3
    assert [(one["name"], one["status"], one["passed"]) for one in result["checks"]] == [
        ("Pod n/p", "Progressing", False),
        ("ConfigMap n/a", "Healthy", True),
        ("Secret n/late", "Missing", False),
    ]
    assert result["checks"][1]["seconds"] == 0.0


def test_waiting_ends_when_it_is_in_vain(server: Server, clock: Clock) -> None:
    server.lists = {P: [[pod()]]}
    server.watches = {P: [[clock.add(2.0), event("MODIFIED", pod(reason="ImagePullBackOff"))]]}
    result = run(server, clock, check(name="late"), A_POD)
    assert result["message"].startswith("0 of 2 checks passed after 2.0 s, and waiting longer would not help")
    assert "container c: ImagePullBackOff" in result["message"]
    assert [one["status"] for one in result["checks"]] == ["Missing", "Degraded"]


def test_waiting_goes_on_when_that_is_wanted(server: Server, clock: Clock) -> None:
    server.lists = {P: [[pod(reason="ImagePullBackOff")]]}
    server.watches = {P: [[event("MODIFIED", pod(phase="Running"))]]}
    assert run(server, clock, A_POD, fail_fast=False)["passed"]


@pytest.mark.parametrize("options", [{"wait": False}, {"timeout": 0.0}])
def test_a_single_look_asks_everything_once(server: Server, clock: Clock, options: dict[str, Any]) -> None:
    server.lists = {P: [[pod()]]}
    server.services = {URL: [Answer(503, "")]}
    result = run(server, clock, A_POD, SERVICE, **options)
    assert result["message"] == ("0 of 2 checks passed after 0.0 s; Pod n/p: is Pending; http n/s:80/x answered 503")
    assert (len(server.looked), server.watched) == (1, [])
    assert len([path for path in server.listed if path == P]) == 1


def test_a_single_look_at_something_hopeless_is_a_word_about_now(server: Server, clock: Clock) -> None:
    server.lists = {P: [[pod(reason="ImagePullBackOff")]]}
    assert "would not help" not in run(server, clock, A_POD, wait=False)["message"]


def test_a_service_is_asked_until_it_answers_as_expected(server: Server, clock: Clock) -> None:
    answers: list[Answer | KubeError] = [KubeError("refused"), Answer(503, "no endpoints"), Answer(200, "up")]
    server.services = {URL: answers}
    result = run(server, clock, {"http": {**SERVICE["http"], "body_regex": "up"}})
    assert result["passed"], result
    assert [path for path, _ in server.looked] == [URL] * 3


def test_a_service_that_does_not_answer_says_why(server: Server, clock: Clock) -> None:
    server.services = {URL: [KubeError("GET https://api:6443/x: timed out")]}
    [said] = run(server, clock, SERVICE, wait=False)["checks"]
    assert (said["status"], said["message"], said["objects"]) == ("Unknown", "GET https://api:6443/x: timed out", [])


@pytest.mark.parametrize(("timeout", "given"), [(300.0, 10.0), (4.0, 4.0), (0.0, 1.0)])
def test_a_service_has_no_more_time_than_is_left(server: Server, clock: Clock, timeout: float, given: float) -> None:
    server.services = {URL: [Answer(200, "")]}
    run(server, clock, SERVICE, timeout=timeout)
    assert server.looked == [(URL, given)]


def test_the_cause_is_read_only_of_what_is_not_well(server: Server, clock: Clock) -> None:
    deployment = thing("web", spec={"replicas": 1}, status={"observedGeneration": 1})
    deployment["metadata"] |= {"uid": "1", "generation": 1}
    owned = {
        **pod(reason="ErrImagePull"),
        "metadata": {"name": "web-x", "namespace": "n", "uid": "2", "ownerReferences": [{"uid": "1"}]},
    }
    server.lists = {
        "/apis/apps/v1/namespaces/n/deployments?metadata.name=web": [[deployment]],
        PODS: [[owned]],
        A: [[thing("a")]],
    }
    result = run(server, clock, check("Deployment", "web"), check())
    assert "Deployment n/web 0/1 available: pod web-x: container c: ErrImagePull" in result["message"]
    assert {path.split("/")[-1].split("?")[0] for path in server.listed} == {
        "deployments", "configmaps", "pods", "replicasets", "events", "persistentvolumeclaims", "storageclasses",
    }  # fmt: skip
    assert server.watched == []


def test_a_webhook_waits_for_the_endpoints_of_its_service(server: Server, clock: Clock) -> None:
    called = {"name": "h", "clientConfig": {"service": {"name": "s", "namespace": "n"}, "caBundle": "x"}}
    server.lists = {HOOKS: [[{"metadata": {"name": "w"}, "webhooks": [called]}]]}
    ready = thing("s-1", endpoints=[{"conditions": {"ready": True}}])
    wanted = {"kind": "ValidatingWebhookConfiguration", "object": "w"}
    assert "h cannot be called: Service n/s has no ready endpoints" in run(server, clock, wanted, wait=False)["message"]
    server.over.clear()
    server.watches = {SLICES: [[clock.add(3.0), event("ADDED", ready)]]}
    result = run(server, clock, wanted)
    assert (result["passed"], result["checks"][0]["seconds"]) == (True, 3.0)
    assert SLICES in server.listed


def test_a_webhook_that_calls_another_service_meanwhile_is_judged_by_that_one(server: Server, clock: Clock) -> None:
    def hook(service: str) -> Object:
        called = {"name": "h", "clientConfig": {"service": {"name": "s", "namespace": service}, "caBundle": "x"}}
        return {"metadata": {"name": "w"}, "webhooks": [called]}

    server.lists = {
        HOOKS: [[hook("n")]],
        SLICES.replace("/n/", "/m/"): [[{"metadata": {"name": "x"}, "endpoints": [{}]}]],
    }
    server.watches = {HOOKS: [[event("MODIFIED", hook("m"))]]}
    assert run(server, clock, {"kind": "ValidatingWebhookConfiguration", "object": "w"})["passed"]


def test_every_thread_has_a_connection_of_its_own(server: Server, clock: Clock) -> None:
    server.watches = {A: [[event("ADDED", thing("a"))]]}
    run(server, clock, check())
    assert server.connections >= 2


def test_what_no_rule_reads_is_not_kept() -> None:
    found = slim(
        {
            "kind": "ConfigMap",
            "metadata": {"name": "a", "managedFields": [1], "annotations": {"long": "x" * 999, "short": "y"}},
            "data": {"a": "b"},
            "binaryData": {"a": "b"},
        }
    )
    assert found == {"kind": "ConfigMap", "metadata": {"name": "a", "annotations": {"short": "y"}}}
    claim, other = {"name": "v", "persistentVolumeClaim": {"claimName": "c"}}, {"name": "t", "emptyDir": {}}
    spec = {"nodeName": "w", "volumes": [claim, other], "containers": [{"name": "c", "image": "i", "env": []}]}
    kept = slim({"kind": "Pod", "metadata": {}, "spec": {**spec, "tolerations": [1]}})["spec"]
    assert (kept["volumes"], kept["containers"], kept["initContainers"]) == (
        [claim],
        [{"name": "c", "restartPolicy": None}],
        [],
    )
    assert "tolerations" not in kept
