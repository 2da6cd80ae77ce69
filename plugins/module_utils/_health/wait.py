# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting for checks: look at everything at once, watch what is not healthy yet, look at everything again.

What follows from what was read is decided in plan.py and cause.py; here are only requests, threads and time.
All threads are daemons that read and put what they read into one inbox, so that a server that hangs never delays the end.
"""

from __future__ import annotations

import queue
import random
import threading
import time
from collections.abc import Callable, Sequence
from concurrent import futures
from dataclasses import dataclass
from typing import Any, TypeVar

from .._errors import KubestdError
from .._kube import KubeClient, KubeError
from .._objects import METADATA_ONLY, PAGE, Objects, Resource
from . import cause, plan
from .judge import object_health
from .model import Health
from .plan import BUILT_IN, Check, Collection, Found, Object, Verdict

T = TypeVar("T")
ANSWER = 10.0  # seconds for one answer
CREW = 4  # requests at the same time
EVIDENCE = 3.0  # seconds between two readings of pods and events, or
EVIDENCE_COST = 10  # times what the last reading took, so that large namespaces are not read all the time
LAST_WORD = 5.0  # seconds for the last reading of evidence, after the deadline
DENIED = 5.0  # seconds of 401 or 403 until it is believed: an API server that starts denies for a moment
WATCH = 30  # seconds of one watch; the next goes on where it ended, so a connection that died silently is noticed
IDLE = WATCH + 10.0
POLL = 1.0  # seconds between two HTTP requests, or two looks for a kind that is not served, give or take a quarter
METADATA_ONLY_WATCH = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json"


class Clock:
    """Time, so that tests can bring their own."""

    def now(self) -> float:
        """Seconds."""
        return time.monotonic()

    def take(self, inbox: queue.Queue[Any], seconds: float) -> Any:
        """The next message; raises queue.Empty after seconds."""
        return inbox.get(timeout=max(0.0, seconds))


@dataclass(frozen=True)
class Report:
    """How it ended. checks: results in the order of the checks."""

    passed: bool
    hopeless: bool
    message: str
    checks: list[dict[str, Any]]
    seconds: float


class Crew:
    """A few threads with a client each."""

    def __init__(self, connect: Callable[[], KubeClient], size: int) -> None:
        self._connect, self._size, self._threads = connect, size, 0
        self._jobs: queue.Queue[tuple[Callable[[KubeClient], Any], futures.Future[Any]] | None] = queue.Queue()

    def submit(self, job: Callable[[KubeClient], T]) -> futures.Future[T]:
        """Do a job soon."""
        promise: futures.Future[T] = futures.Future()
        self._jobs.put((job, promise))
        if self._threads < self._size:
            self._threads += 1
            threading.Thread(target=self._work, daemon=True).start()
        return promise

    def _work(self) -> None:
        client: KubeClient | None = None
        while True:
            todo = self._jobs.get()
            if todo is None:
                self._jobs.put(None)
                break
            job, promise = todo
            try:
                client = client or self._connect()
                promise.set_result(job(client))
            except BaseException as error:
                promise.set_exception(error)
        if client:
            client.close()

    def end(self) -> None:
        """No more jobs."""
        self._jobs.put(None)


class Kinds:
    """Where kinds live; those of Kubernetes itself are known without asking."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], Resource] = {}

    def find(self, client: KubeClient, api_version: str, kind: str) -> Resource | None:
        """None when the server does not serve the kind."""
        known = BUILT_IN.get(kind)
        if known and known[0] == api_version:
            return Resource(api_version, kind, known[1], known[2])
        if (api_version, kind) not in self._known:
            found = Objects(client).resource(api_version, kind)
            if found is None:
                return None
            self._known[api_version, kind] = found
        return self._known[api_version, kind]

    def forget(self, api_version: str, kind: str) -> None:
        """The server does not know it any more."""
        self._known.pop((api_version, kind), None)


def selectors(where: Collection) -> dict[str, str]:
    """The query of a collection."""
    asked = {"labelSelector": where.labels, "fieldSelector": f"metadata.name={where.name}" if where.name else ""}
    return {name: value for name, value in asked.items() if value}


def snapshot(client: KubeClient, kinds: Kinds, where: Collection) -> tuple[Found, str]:
    """A collection as it is now, and the resourceVersion from which a watch goes on. Raises KubeError."""
    resource = kinds.find(client, where.api_version, where.kind)
    if resource is None:
        return Found(served=False), ""
    path, query = resource.path(where.namespace), {"limit": str(PAGE), **selectors(where)}
    accept = METADATA_ONLY if where.metadata_only else "application/json"
    items: list[Object] = []
    while True:
        answer = client.ask("GET", path, query=query, accept=accept)
        if answer.status == 404:
            kinds.forget(where.api_version, where.kind)
            return Found(served=False), ""
        if answer.status == 410 and query.pop("continue", None):
            items = []  # the pages' point in time is gone: from the first page
            continue
        page = client.checked("GET", path, answer)
        for item in page.get("items") or []:
            items.append({"apiVersion": where.api_version, "kind": where.kind, **item})
        query["continue"] = page.get("metadata", {}).get("continue", "")
        if not query["continue"]:
            return Found(tuple(items)), str(page.get("metadata", {}).get("resourceVersion", ""))


def trouble(error: KubestdError) -> Found:
    """What a failed request says about a collection."""
    status, reason = getattr(error, "status", 0), getattr(error, "reason", "")
    never = status in (400, 405, 406, 422) or reason in ("foreign", "expired")
    return Found(problem=str(error), hopeless=never)


def probe(client: KubeClient, http: plan.Http) -> Verdict:
    """One HTTP request through the API server's service proxy."""
    try:
        answer = client.ask("GET", http.url, accept="*/*")
    except KubeError as error:
        return plan.unanswered(str(error))
    return plan.judge_answer(http, answer.status, answer.data, answer.text)


def jitter(seconds: float) -> float:
    """About as long, so that many do not ask at the same moment."""
    return seconds * (0.75 + random.random() / 2)


class Waiter:
    """Waits for checks.

    connect: makes a client; each thread has its own. timeout: seconds for everything. fail_fast: end as soon as a check is hopeless.
    """

    def __init__(
        self,
        connect: Callable[[], KubeClient],
        checks: Sequence[Check],
        timeout: float,
        fail_fast: bool = True,
        clock: Clock | None = None,
    ) -> None:
        self.checks, self.fail_fast, self.clock = list(checks), fail_fast, clock or Clock()
        self.needed = plan.collections(self.checks)
        self._connect, self._crew, self._kinds = connect, Crew(connect, CREW), Kinds()
        self.start = self.clock.now()
        self.deadline = self.start + timeout
        self._inbox: queue.Queue[Callable[[], None]] = queue.Queue()
        self._stop = threading.Event()
        self._lists: dict[Collection, Found] = {}
        self._versions: dict[Collection, str] = {}
        self._denied: dict[Collection, float] = {}
        self._followers: dict[Collection | int, threading.Thread] = {}
        self._verdicts: list[Verdict] = [plan.unanswered("has not been asked yet") for _ in self.checks]
        self._passed_at: dict[int, float] = {}
        self._judged: dict[tuple[str, str], Health] = {}
        self._dirty: set[int] = set()
        self._evidence, self._evidence_at = cause.Evidence(), -1e9
        self._reading: list[futures.Future[tuple[Object, ...]]] = []
        self._reading_since, self._next_reading = 0.0, 0.0

    def run(self, wait: bool = True) -> Report:
        """Until all checks pass, one is hopeless, or the deadline; without wait only one look."""
        try:
            while True:
                self._look()
                if self._all_passed() or not wait or not self._watch():
                    break
            if not self._all_passed():
                self._last_word()
        finally:
            self._stop.set()
            self._crew.end()
        return self._report()

    def _report(self) -> Report:
        seconds = self.clock.now() - self.start
        results = [
            plan.result(check, verdict, self._passed_at.get(number, seconds))
            for number, (check, verdict) in enumerate(zip(self.checks, self._verdicts))
        ]
        early = self._hopeless() and self.clock.now() < self.deadline
        return Report(self._all_passed(), self._hopeless(), plan.summary(results, seconds, early), results, seconds)

    # What is known

    def _all_passed(self) -> bool:
        return all(verdict.passed for verdict in self._verdicts)

    def _hopeless(self) -> bool:
        return any(verdict.hopeless for verdict in self._verdicts)

    def _judge(self, found: Object | None) -> Health:
        metadata = (found or {}).get("metadata", {})
        key = (str(metadata.get("uid", "")), str(metadata.get("resourceVersion", "")))
        if not all(key):
            return object_health(found)
        if key not in self._judged:
            self._judged[key] = object_health(found)
        return self._judged[key]

    def _explain(self, found: Object, health: Health) -> Health:
        return cause.explain(found, health, self._evidence)

    def _set(self, number: int, verdict: Verdict) -> None:
        self._verdicts[number] = verdict
        if verdict.passed:
            self._passed_at.setdefault(number, self.clock.now() - self.start)
        else:
            self._passed_at.pop(number, None)

    def _fold(self) -> None:
        for number in sorted(self._dirty):
            if not self.checks[number].http:
                check, needed = self.checks[number], self.needed[number]
                self._set(number, plan.fold(check, needed, self._lists, self._judge, self._explain))
        self._dirty.clear()

    def _touch(self, where: Collection) -> None:
        self._dirty |= {number for number, needed in enumerate(self.needed) if where in needed}

    def _listed(self, where: Collection, found: Found, status: int = 0) -> None:
        """A collection was read, or could not be."""
        if status in (401, 403):
            since = self._denied.setdefault(where, self.clock.now())
            if self.clock.now() - since >= DENIED:
                found = Found(problem=found.problem, hopeless=True)
        else:
            self._denied.pop(where, None)
        self._lists[where] = found
        self._touch(where)

    def _changed(self, where: Collection, verb: str, item: Object) -> None:
        """A watch said something."""

        def key(found: Object) -> tuple[Any, Any]:
            return found.get("metadata", {}).get("namespace"), found.get("metadata", {}).get("name")

        others = [found for found in self._lists.get(where, Found()).objects if key(found) != key(item)]
        kept = [] if verb == "DELETED" else [{"apiVersion": where.api_version, "kind": where.kind, **item}]
        self._lists[where] = Found((*others, *kept))
        self._touch(where)

    # One look at everything

    def _look(self) -> None:
        lists = {where: self._crew.submit(self._reader(where)) for where in dict.fromkeys(sum(self.needed, ()))}
        probes = {
            number: self._crew.submit(self._prober(check.http))
            for number, check in enumerate(self.checks)
            if check.http
        }
        left = self.deadline - self.clock.now()
        futures.wait([*lists.values(), *probes.values()], timeout=max(left, ANSWER))
        for where, promise in lists.items():
            try:
                found, version = promise.result(timeout=0)
                self._versions[where] = version
                self._listed(where, found)
            except KubestdError as error:
                self._versions[where] = ""
                self._listed(where, trouble(error), getattr(error, "status", 0))
            except (futures.TimeoutError, TimeoutError):
                self._listed(where, Found(problem="the API server does not answer"))
        for number, asked in probes.items():
            silent = plan.unanswered("the API server does not answer")
            self._set(number, asked.result() if asked.done() else silent)
        self._dirty |= set(range(len(self.checks)))
        self._fold()

    def _reader(self, where: Collection) -> Callable[[KubeClient], tuple[Found, str]]:
        return lambda client: snapshot(client, self._kinds, where)

    @staticmethod
    def _prober(http: plan.Http) -> Callable[[KubeClient], Verdict]:
        return lambda client: probe(client, http)

    # Watching what is not healthy

    def _watch(self) -> bool:
        """Until all pass (True: look again), or it is over (False)."""
        while True:
            now = self.clock.now()
            if self._all_passed():
                return True
            if now >= self.deadline or (self.fail_fast and self._hopeless()):
                return False
            self._follow_all()
            if not self._reading and now >= self._next_reading:
                self._read_evidence()
            until = self.deadline if self._reading else min(self.deadline, self._next_reading)
            self._take(until - now)

    def _take(self, seconds: float) -> None:
        """Wait for news, and take all there are."""
        try:
            self.clock.take(self._inbox, seconds)()
            while True:
                self._inbox.get_nowait()()
        except queue.Empty:
            pass
        self._fold()

    def _follow_all(self) -> None:
        for number, (check, verdict) in enumerate(zip(self.checks, self._verdicts)):
            if verdict.passed:
                continue
            for where in verdict.watch or self.needed[number]:
                if where not in self._followers:
                    self._begin(where, lambda where=where: self._follow(where, self._versions.get(where, "")))
            if check.http and number not in self._followers:
                self._begin(number, lambda number=number, http=check.http: self._poll(number, http))

    def _begin(self, key: Collection | int, work: Callable[[], None]) -> None:
        self._followers[key] = threading.Thread(target=work, daemon=True)
        self._followers[key].start()

    def _client(self) -> KubeClient | None:
        """A client of a thread's own, without retries: the thread itself goes on until the end."""
        while not self._stop.is_set():
            try:
                client = self._connect()
            except KubestdError:
                self._stop.wait(jitter(POLL))
                continue
            client.retry_for = 0.0
            return client
        return None

    def _poll(self, number: int, http: plan.Http) -> None:
        """Thread: an HTTP check until it passes."""
        client = self._client()
        while client and not self._stop.wait(jitter(POLL)):
            verdict = probe(client, http)
            if verdict.passed:
                self._inbox.put(lambda: (self._followers.pop(number, None), self._set(number, verdict))[1])
                break
            self._inbox.put(lambda verdict=verdict: self._set(number, verdict))
        if client:
            client.close()

    def _follow(self, where: Collection, version: str) -> None:
        """Thread: a collection's changes; lists again when the watch breaks or its point in time is gone."""
        client = self._client()
        pause = 0.1
        while client and not self._stop.is_set():
            try:
                if not version:
                    found, version = snapshot(client, self._kinds, where)
                    self._inbox.put(lambda found=found: self._listed(where, found))
            except KubestdError as error:
                said, status = trouble(error), getattr(error, "status", 0)
                self._inbox.put(lambda said=said, status=status: self._listed(where, said, status))
            if version:
                heard, version = self._listen(client, where, version)
                pause = 0.1 if heard else min(pause * 2, 2.0)
            else:
                pause = POLL
            self._stop.wait(jitter(pause))
        if client:
            client.close()

    def _listen(self, client: KubeClient, where: Collection, version: str) -> tuple[bool, str]:
        """One watch to its end: (whether it said anything, where to go on; '' to list again)."""
        resource = self._kinds.find(client, where.api_version, where.kind)
        if resource is None:
            return False, ""
        query = {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": version,
            "timeoutSeconds": str(WATCH),
            **selectors(where),
        }
        accept = METADATA_ONLY_WATCH if where.metadata_only else "application/json"
        heard = False
        try:
            for event in client.stream(resource.path(where.namespace), query, IDLE, accept):
                if self._stop.is_set():
                    break
                if event.get("type") == "ERROR":
                    return heard, ""
                heard, item = True, event["object"]
                version = str(item["metadata"]["resourceVersion"])
                if event["type"] != "BOOKMARK":
                    verb = event["type"]
                    self._inbox.put(lambda verb=verb, item=item: self._changed(where, verb, item))
        except (KubeError, KeyError, TypeError):
            return heard, ""
        return heard, version

    # Evidence for root causes

    def _read_evidence(self) -> None:
        """Ask for pods, events and so on near what is not healthy; the answers come through the inbox."""
        spaces: dict[str, bool] = {}
        claims = False
        for check, verdict in zip(self.checks, self._verdicts):
            for one in () if check.absent else verdict.objects:
                if not one.health.ok and one.source and one.namespace:
                    own = one.kind in cause.WORKLOADS or one.kind in BUILT_IN
                    spaces[one.namespace] = spaces.get(one.namespace, False) or not own
                    claims = True
        jobs = [
            Collection(BUILT_IN[kind][0], kind, space)
            for space, more in spaces.items()
            for kind in (*cause.EVIDENCE, *(cause.OTHERS if more else ()))
        ]
        if claims:
            jobs.append(Collection(BUILT_IN["StorageClass"][0], "StorageClass"))
        self._reading_since = self.clock.now()
        self._next_reading = self._reading_since + EVIDENCE
        self._reading = [self._crew.submit(lambda client, where=where: self._near(client, where)) for where in jobs]
        for promise in self._reading:
            promise.add_done_callback(lambda _promise: self._inbox.put(self._learn))

    def _near(self, client: KubeClient, where: Collection) -> tuple[Object, ...]:
        # what may not be read explains nothing, and is no error
        try:
            found = snapshot(client, self._kinds, where)[0]
        except KubeError:
            return ()
        marker = {"kind": "Read", "of": where.kind}
        return (marker, *found.objects)

    def _learn(self) -> None:
        """Take the evidence when all of it is there."""
        if not self._reading or not all(promise.done() for promise in self._reading):
            return
        objects = [item for promise in self._reading if not promise.exception() for item in promise.result()]
        read = {item["of"] for item in objects if item["kind"] == "Read"}
        classes = tuple(item for item in objects if item["kind"] == "StorageClass")
        near = tuple(item for item in objects if item["kind"] not in ("Read", "StorageClass"))
        self._evidence = cause.Evidence(near, classes if "StorageClass" in read else None)
        self._reading, self._evidence_at = [], self.clock.now()
        took = self._evidence_at - self._reading_since
        self._next_reading = self._evidence_at + max(EVIDENCE, took * EVIDENCE_COST)
        self._dirty |= {number for number, verdict in enumerate(self._verdicts) if not verdict.passed}

    def _last_word(self) -> None:
        """Causes as they are at the end; not when they were just read."""
        if self.clock.now() - self._evidence_at < POLL:
            return
        if not self._reading:
            self._read_evidence()
        until = self.clock.now() + LAST_WORD
        while self._reading and self.clock.now() < until:
            self._take(until - self.clock.now())


def wait_for(
    connect: Callable[[], KubeClient],
    checks: Sequence[Check],
    timeout: float,
    fail_fast: bool = True,
    wait: bool = True,
) -> Report:
    """Wait for checks; see Waiter."""
    return Waiter(connect, checks, timeout, fail_fast).run(wait)
