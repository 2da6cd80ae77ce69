# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Look, and wait: lists in parallel at first, then a watch for each list that could still change a verdict."""

from __future__ import annotations

import gc
import random
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any

from .._kube import KubeError
from .._objects import METADATA_WATCH, Object, Objects, Resource
from . import cause, endpoints, plan
from .judge import object_health
from .model import SUSPENDED, Health
from .plan import BUILT_IN, Check, Collection, Found, Http, Probe, Verdict

AT_ONCE = 6  # connections of the first look
IDLE = 330.0  # seconds without a word after which a watch is taken for dead; the server ends it after WATCH
WATCH = 300
AGAIN = (0.2, 3.0)  # seconds between two tries to reach a server that does not answer: at first, and at most
SETTLE = 0.05  # seconds in which changes are gathered before they are judged, and at least
GATHER = 5  # times as long as it took to judge the last ones
HTTP_ANSWER = 10.0  # seconds that a service has for an answer
PROBE_EVERY = 0.5  # seconds between two looks for what a probe has sent
HTTP_EVERY = 1.0  # seconds between two tries of a service, plus or minus a third
REFUSED = (401, 403)
GRACE = 10.0  # seconds in which a refusal may come from an API server that has not read its users and roles yet
CLASSES = Collection("storage.k8s.io/v1", "StorageClass")
VOLUMES = Collection("v1", "PersistentVolume")


def slim(found: Object) -> Object:
    """An object without what no rule reads, since there may be thousands."""
    metadata = {key: value for key, value in found.get("metadata", {}).items() if key != "managedFields"}
    notes = metadata.get("annotations") or {}
    metadata["annotations"] = {key: text for key, text in notes.items() if len(text) < 256}
    kept = {key: value for key, value in found.items() if key not in ("data", "binaryData", "stringData")}
    if found.get("kind") == "Pod":
        spec = found.get("spec") or {}
        kept["spec"] = {
            "nodeName": spec.get("nodeName"),
            "readinessGates": spec.get("readinessGates"),
            "volumes": [item for item in spec.get("volumes") or [] if item.get("persistentVolumeClaim")],
            **{
                part: [
                    {"name": item.get("name"), "restartPolicy": item.get("restartPolicy")}
                    for item in spec.get(part) or []
                ]
                for part in ("containers", "initContainers")
            },
        }
    return {**kept, "metadata": metadata}


@contextmanager
def uncollected() -> Iterator[None]:
    """JSON has no cycles; looking for some among ten thousand objects took a third of the time, and again while waiting."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was:
            gc.enable()


class Engine:
    """The checks of one call. connect gives a connection of one's own; clock is in seconds."""

    def __init__(
        self,
        connect: Callable[[], Objects],
        checks: Sequence[Check],
        timeout: float,
        fail_fast: bool = True,
        clock: Callable[[], float] = time.monotonic,
        send: bool = True,
    ) -> None:
        self.send = send  # whether probes may be sent
        self.connect, self.checks, self.timeout, self.fail_fast, self.clock = connect, checks, timeout, fail_fast, clock
        self.needed = plan.collections(checks)
        self.lists: dict[Collection, Found] = {}
        self.versions: dict[Collection, str] = {}
        self.refused: dict[Collection, float] = {}  # since when
        self.verdicts: list[Verdict] = [plan.unanswered("was not asked yet") for _ in checks]
        self.seconds = [0.0 for _ in checks]
        self.changed = threading.Condition()
        self.dirty: set[Collection] = set()
        self.watched: set[Collection] = set()
        self.local = threading.local()
        self.ended = False
        self.look: Callable[[], None] = lambda: None  # called whenever there is still something to wait for

    def objects(self) -> Objects:
        """The connection of this thread."""
        if not hasattr(self.local, "objects"):
            self.local.objects = self.connect()
        return self.local.objects  # type: ignore[no-any-return]

    def run(self, wait: bool = True) -> dict[str, Any]:
        """The result: checks in input order, message, passed, hopeless."""
        self.start = self.clock()
        with uncollected():
            self.first_look()
        if wait and self.timeout > 0 and not self.settled():
            self.wait()
        self.ended = True
        seconds = self.clock() - self.start
        checks = [plan.result(*each) for each in zip(self.checks, self.verdicts, self.seconds)]
        passed = all(verdict.passed for verdict in self.verdicts)
        hopeless = not passed and wait and self.hopeless()
        return {"checks": checks, "message": plan.summary(checks, seconds, hopeless), "passed": passed}

    def hopeless(self) -> bool:
        """Whether waiting is in vain, and not to be done."""
        return self.fail_fast and any(verdict.hopeless and not verdict.passed for verdict in self.verdicts)

    def settled(self) -> bool:
        """Whether there is nothing to wait for."""
        return all(verdict.passed for verdict in self.verdicts) or self.hopeless()

    def first_look(self) -> None:
        """Every list once, in parallel, and every service; then what is near the unhealthy objects."""
        distinct = list(dict.fromkeys(where for needed in self.needed for where in needed))
        with ThreadPoolExecutor(AT_ONCE) as pool:
            services = [index for index, check in enumerate(self.checks) if check.http or check.probe]
            asked = [(index, pool.submit(self.ask, self.checks[index])) for index in services]
            for where, found in zip(distinct, pool.map(self.read, distinct)):
                self.lists[where] = found
            for index, future in asked:
                self.note(index, future.result())
            self.judge(range(len(self.checks)))
            near = [where for where in self.evidence_lists() if where not in self.lists]
            for where, found in zip(near, pool.map(self.read, near)):
                self.lists[where] = found
        if near:
            self.judge(range(len(self.checks)))

    def note(self, index: int, verdict: Verdict) -> None:
        """A new verdict; how long a check took counts until it passed."""
        if not (verdict.passed and self.verdicts[index].passed):
            self.seconds[index] = self.clock() - self.start
        self.verdicts[index] = verdict

    def judge(self, indices: Sequence[int] | range) -> None:
        """The verdicts of these checks from the lists as they are now."""
        known: dict[tuple[str, bool], cause.Evidence] = {}

        def judged(found: Object | None) -> Health:
            health = object_health(found)
            return endpoints.reachable(found, health, self.lists) if found else health

        def explain(found: Object, health: Health) -> Health:
            space = found.get("metadata", {}).get("namespace", "")
            key = (space, found.get("kind") in cause.WORKLOADS)
            if key not in known:
                known[key] = self.evidence(*key)
            return cause.explain(found, health, known[key])

        for index in indices:
            if not (self.checks[index].http or self.checks[index].probe):
                verdict = plan.fold(self.checks[index], self.needed[index], self.lists, judged, explain, time.time())
                self.note(index, verdict)

    def evidence(self, namespace: str, workload: bool) -> cause.Evidence:
        """What is known around the objects of a namespace."""
        kinds = cause.EVIDENCE if workload else (*cause.EVIDENCE, *cause.OTHERS)
        lists = [self.lists.get(Collection(BUILT_IN[kind][0], kind, namespace)) for kind in kinds] if namespace else []
        return cause.Evidence(
            tuple(item for found in lists if found for item in found.objects), self.known(CLASSES), self.known(VOLUMES)
        )

    def known(self, where: Collection) -> tuple[Object, ...] | None:
        """What a list has, None when it was not read."""
        found = self.lists.get(where)
        return found.objects if found and not found.problem and found.served else None

    def evidence_lists(self) -> list[Collection]:
        """The lists in which the causes of what is not healthy are to be found."""
        found: dict[Collection, None] = {}
        for verdict in self.verdicts:
            for one in () if verdict.passed else verdict.objects:
                if one.health.ok or one.source is None:
                    continue
                found.update((where, None) for where in endpoints.behind(one.source))
                if not one.namespace:
                    continue
                kinds = cause.EVIDENCE if one.kind in cause.WORKLOADS else (*cause.EVIDENCE, *cause.OTHERS)
                found.update((Collection(BUILT_IN[kind][0], kind, one.namespace), None) for kind in kinds)
                found[CLASSES] = None
                # There may be thousands of volumes, so they are asked for only when they make the difference.
                if cause.needs_volumes(self.evidence(one.namespace, True)):
                    found[VOLUMES] = None
        return list(found)

    def resource(self, where: Collection, fresh: bool = False) -> Resource | None:
        """Where a kind lives; built-in kinds without asking."""
        known = BUILT_IN.get(where.kind)
        if known and known[0] == where.api_version:
            return Resource(where.api_version, where.kind, known[1], known[2])
        return self.objects().resource(where.api_version, where.kind, fresh)

    def read(self, where: Collection, fresh: bool = False) -> Found:
        """One list as it is now."""
        try:
            resource = self.resource(where, fresh)
            if resource is None:
                return Found(served=False)
            fields = f"metadata.name={where.name}" if where.name else ""
            items: list[Object] = []
            for page in self.objects().pages(resource, where.namespace, where.labels, fields, where.metadata_only):
                items += [slim(item) for item in page.get("items") or []]
                self.versions[where] = page.get("metadata", {}).get("resourceVersion", "")
            self.refused.pop(where, None)
            return Found(tuple(items))
        except KubeError as error:
            # A kind that is not served any more answers 404 to its list.
            if error.status == 404:
                return Found(served=False)
            if error.status not in REFUSED:
                return Found(problem=str(error))
            since = self.refused.setdefault(where, self.clock())
            return Found(problem=str(error), hopeless=self.clock() - since > GRACE)

    def ask(self, check: Check) -> Verdict:
        """One request to a service, or one probe."""
        if check.probe:
            return self.send_and_find(check.probe)
        if check.http is None:
            raise TypeError(f"{check} asks no service")
        return self.request(check.http)

    def request(self, http: Http) -> Verdict:
        """One request to a service."""
        left = self.start + self.timeout - self.clock()
        seconds = min(HTTP_ANSWER, max(left, 1.0))
        try:
            answer = self.objects().client.look(http.url, seconds, http.payload, http.content_type)
        except KubeError as error:
            return plan.unanswered(str(error))
        return plan.judge_answer(http, answer.status, answer.data)

    def send_and_find(self, probe: Probe) -> Verdict:
        """One signal with a marker of its own, looked for until it is found, or its time is up."""
        if not self.send:
            return Verdict(SUSPENDED, "is not sent in check mode", True)
        known = plan.words(secrets.token_hex(16), time.time())
        sent = self.request(plan.filled(probe.send, known))
        if not sent.passed:
            return sent
        begun = self.clock()
        find = plan.filled(probe.find, known)
        while True:
            found = self.request(find)
            seconds = self.clock() - begun
            if found.passed or seconds >= probe.within or self.ended:
                return plan.judge_probe(probe, found, seconds)
            time.sleep(PROBE_EVERY)

    def wait(self) -> None:
        """Until everything passed, waiting is in vain, or the time is up."""
        for index, check in enumerate(self.checks):
            if (check.http or check.probe) and not self.verdicts[index].passed:
                threading.Thread(target=self.keep_asking, args=(index,), daemon=True).start()
        until = self.start + self.timeout
        cost = 0.0
        while not self.settled():
            self.look()
            self.start_watches()
            left = until - self.clock()
            if left <= 0:
                return
            with self.changed:
                if not self.dirty:
                    self.changed.wait(left)
            # Judging thousands of objects costs more than a change is worth: several changes share it.
            time.sleep(min(max(SETTLE, GATHER * cost), max(left, 0)))
            with self.changed:
                dirty, self.dirty = self.dirty, set()
            begun = time.thread_time()
            self.judge([index for index in range(len(self.checks)) if self.concerned(index, dirty)])
            cost = time.thread_time() - begun

    def concerned(self, index: int, dirty: set[Collection]) -> bool:
        """Whether a change in these lists can change a verdict: one of the check's, or one near its objects."""
        if self.verdicts[index].passed and not dirty & set(self.needed[index]):
            return False
        seen = self.verdicts[index].objects
        spaces = {one.namespace for one in seen}
        behind = {where for one in seen if one.source for where in endpoints.behind(one.source)}
        near = {*self.needed[index], CLASSES, VOLUMES, *behind}
        return any(where in near or where.namespace in spaces for where in dirty)

    def start_watches(self) -> None:
        """A thread for each list that matters and has none yet."""
        wanted = [where for verdict in self.verdicts if not verdict.passed for where in verdict.watch]
        for where in dict.fromkeys([*wanted, *self.evidence_lists()]):
            if where not in self.watched:
                self.watched.add(where)
                threading.Thread(target=self.watch, args=(where,), daemon=True).start()

    def put(self, where: Collection, found: Found) -> None:
        """A list has changed."""
        with self.changed:
            if found != self.lists.get(where):
                self.lists[where] = found
                self.dirty.add(where)
                self.changed.notify()

    def watch(self, where: Collection) -> None:
        """Follow one list to the end, whatever the server does."""
        pause = AGAIN[0]
        known = self.lists.get(where)
        fresh = known is None or bool(known.problem) or not known.served
        while not self.ended:
            found = self.read(where, fresh=True) if fresh else self.lists[where]
            fresh = True
            self.put(where, found)
            if found.problem or not found.served:
                time.sleep(pause * (0.7 + 0.6 * random.random()))
                pause = min(pause * 2, AGAIN[1])
                continue
            begun = self.clock()
            with suppress(KubeError):
                self.follow(where)
            # One that ended at once is not begun again at once: the server goes down, or does not let us watch.
            lasted = self.clock() - begun > AGAIN[1]
            time.sleep(AGAIN[0] if lasted else pause * (0.7 + 0.6 * random.random()))
            pause = AGAIN[0] if lasted else min(pause * 2, AGAIN[1])

    def follow(self, where: Collection) -> None:
        """One watch, until the server ends it or says that it lost its place (410 Gone)."""
        resource = self.resource(where)
        if resource is None:
            return
        query = {"watch": "1", "resourceVersion": self.versions[where], "allowWatchBookmarks": "true"}
        query["timeoutSeconds"] = str(WATCH)
        if where.name:
            query["fieldSelector"] = f"metadata.name={where.name}"
        if where.labels:
            query["labelSelector"] = where.labels
        accept = METADATA_WATCH if where.metadata_only else "application/json"
        items = {_key(item): item for item in self.lists[where].objects}
        for event in self.objects().client.stream(resource.path(where.namespace), query, IDLE, accept):
            if self.ended or event.get("type") == "ERROR":
                return
            item = event["object"]
            if event["type"] == "BOOKMARK":
                continue
            item["apiVersion"], item["kind"] = where.api_version, where.kind
            if event["type"] == "DELETED":
                items.pop(_key(item), None)
            else:
                items[_key(item)] = slim(item)
            self.put(where, replace(self.lists[where], objects=tuple(items.values())))

    def keep_asking(self, index: int) -> None:
        """A service has nothing to watch, so it is asked about once a second."""
        while not self.ended:
            time.sleep(HTTP_EVERY * (0.67 + 0.66 * random.random()))
            verdict = self.ask(self.checks[index])
            with self.changed:
                self.note(index, verdict)
                self.dirty.add(Collection("", ""))
                self.changed.notify()
            if verdict.passed:
                return


def _key(found: Object) -> tuple[str, str]:
    metadata: dict[str, Any] = found.get("metadata", {})
    return metadata.get("namespace", ""), metadata.get("name", "")
