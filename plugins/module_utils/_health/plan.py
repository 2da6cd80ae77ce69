# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a list of checks needs to read, and what follows from it. Pure: objects come in, results go out."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Optional

from .._errors import KubestdError
from .model import DEGRADED, HEALTHY, MISSING, PROGRESSING, STATES, UNKNOWN, Health

Object = dict[str, Any]
Judge = Callable[[Optional[Object]], Health]

# kind: (apiVersion, plural, whether it lives in a namespace); no discovery is needed for these.
BUILT_IN = {
    "ConfigMap": ("v1", "configmaps", True),
    "CronJob": ("batch/v1", "cronjobs", True),
    "CustomResourceDefinition": ("apiextensions.k8s.io/v1", "customresourcedefinitions", False),
    "APIService": ("apiregistration.k8s.io/v1", "apiservices", False),
    "DaemonSet": ("apps/v1", "daemonsets", True),
    "Deployment": ("apps/v1", "deployments", True),
    "EndpointSlice": ("discovery.k8s.io/v1", "endpointslices", True),
    "Event": ("v1", "events", True),
    "HorizontalPodAutoscaler": ("autoscaling/v2", "horizontalpodautoscalers", True),
    "Ingress": ("networking.k8s.io/v1", "ingresses", True),
    "Job": ("batch/v1", "jobs", True),
    "MutatingWebhookConfiguration": ("admissionregistration.k8s.io/v1", "mutatingwebhookconfigurations", False),
    "Namespace": ("v1", "namespaces", False),
    "Node": ("v1", "nodes", False),
    "PersistentVolume": ("v1", "persistentvolumes", False),
    "PersistentVolumeClaim": ("v1", "persistentvolumeclaims", True),
    "Pod": ("v1", "pods", True),
    "PodDisruptionBudget": ("policy/v1", "poddisruptionbudgets", True),
    "ReplicaSet": ("apps/v1", "replicasets", True),
    "Secret": ("v1", "secrets", True),
    "Service": ("v1", "services", True),
    "ServiceAccount": ("v1", "serviceaccounts", True),
    "StatefulSet": ("apps/v1", "statefulsets", True),
    "StorageClass": ("storage.k8s.io/v1", "storageclasses", False),
    "ValidatingWebhookConfiguration": ("admissionregistration.k8s.io/v1", "validatingwebhookconfigurations", False),
}
# What of a Helm release has a health of its own.
RELEASE_KINDS = ("Deployment", "StatefulSet", "DaemonSet", "Job", "Service", "PersistentVolumeClaim")
NAMED = 4  # failing checks that the message names; all of them are in the result
UNIQUE = ("<marker>", "<trace>")  # placeholders of a probe that are new each time
OBJECTS_NAMED = 2  # objects that a check's message names


@dataclass(frozen=True)
class Collection:
    """One list of the API server, which several checks may share. name: only the object of this name."""

    api_version: str
    kind: str
    namespace: str | None = None
    labels: str = ""
    name: str = ""
    metadata_only: bool = False


@dataclass(frozen=True)
class Http:
    """A request through the API server's service proxy, and what is expected of its answer."""

    service: str
    namespace: str
    port: str
    path: str = "/"
    scheme: str = "http"
    status: tuple[int, ...] = (200,)
    body_regex: str | None = None
    json: Mapping[str, Any] = field(default_factory=dict, hash=False)
    body: Any = field(default=None, hash=False)
    content_type: str = "application/json"

    @property
    def payload(self) -> bytes | None:
        """What is sent; None is a GET, anything else a POST. Text goes as it is, everything else as JSON."""
        if self.body is None:
            return None
        return (self.body if isinstance(self.body, str) else json.dumps(self.body)).encode()

    @property
    def where(self) -> str:
        """What messages call the request."""
        return f"{self.scheme} {self.namespace}/{self.service}:{self.port}/{self.path.lstrip('/')}"

    @property
    def url(self) -> str:
        """The path at the API server."""
        scheme = "https:" if self.scheme == "https" else ""
        return f"/api/v1/namespaces/{self.namespace}/services/{scheme}{self.service}:{self.port}/proxy/{self.path.lstrip('/')}"


@dataclass(frozen=True)
class Probe:
    """Something that is sent at one end of a chain and found again at the other. within: seconds that it may take on its way."""

    send: Http
    find: Http
    within: float = 20.0


@dataclass(frozen=True)
class Newest:
    """Of many objects only the newest one that has ended counts. by: the dotted path of its time; max_age: in seconds."""

    by: str = "metadata.creationTimestamp"
    max_age: float | None = None


@dataclass(frozen=True)
class Check:
    """One check of the list."""

    name: str
    api_version: str = ""
    kind: str = ""
    object: str | None = None
    namespace: str | None = None
    labels: str = ""
    min_count: int = 1
    absent: bool = False
    condition: tuple[str, str] | None = None
    newest: Newest | None = None
    http: Http | None = None
    probe: Probe | None = None
    release: str | None = None
    namespaces: tuple[str, ...] = ()  # of a release, its own first


@dataclass(frozen=True)
class Found:
    """What a list said. problem: why there is no answer; served: whether the server knows the kind."""

    objects: tuple[Object, ...] = ()
    problem: str = ""
    hopeless: bool = False
    served: bool = True


@dataclass(frozen=True)
class Seen:
    """One object of a check."""

    kind: str
    namespace: str
    name: str
    health: Health
    source: Object | None = field(default=None, compare=False, repr=False)

    @property
    def sentence(self) -> str:
        """What is said about it in a message that names it."""
        where = f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"
        said = self.health.message or self.health.status
        return f"{where} {said}" if said[:1].isdigit() else f"{where}: {said}"

    def result(self) -> dict[str, str]:
        """As it stands in the module's result."""
        return {
            "kind": self.kind,
            "namespace": self.namespace,
            "name": self.name,
            "status": self.health.status,
            "message": self.health.message,
        }


@dataclass(frozen=True)
class Verdict:
    """What follows for a check. watch: the lists in which a change could make it pass."""

    status: str
    message: str
    passed: bool
    hopeless: bool = False
    objects: tuple[Seen, ...] = ()
    watch: tuple[Collection, ...] = ()


def label_selector(labels: Mapping[str, Any] | None) -> str:
    """Labels as the API takes them: a=b,c=d."""
    return ",".join(f"{name}={value}" for name, value in sorted((labels or {}).items()))


def make_http(options: Mapping[str, Any]) -> Http:
    """A request from its options; raises KubestdError when its regular expression is none."""
    if options.get("body_regex"):
        try:
            re.compile(options["body_regex"])
        except re.error as error:
            raise KubestdError(f"body_regex {options['body_regex']!r} is not a regular expression: {error}.") from error
    return Http(
        options["service"],
        options["namespace"],
        str(options["port"]),
        options.get("path") or "/",
        options.get("scheme") or "http",
        tuple(options.get("status") or (200,)),
        options.get("body_regex"),
        options.get("json") or {},
        options.get("body"),
        options.get("content_type") or "application/json",
    )


def make_probe(options: Mapping[str, Any]) -> Probe:
    """A probe from its options; raises KubestdError when what is sent could not be told from what was there before."""
    send, find = dict(options["send"]), make_http(options["find"])
    send["status"] = send.get("status") or (200, 201, 202, 204)
    sent = make_http(send)
    if sent.payload is None:
        raise KubestdError(f"The probe that sends to {sent.where} has no body; write what is sent.")
    for side, asked in (("send", sent), ("find", find)):
        said = json.dumps((asked.path, asked.body, asked.body_regex, asked.json))
        if not any(word in said for word in UNIQUE):
            raise KubestdError(
                f"{side} of the probe to {asked.where} has neither {' nor '.join(UNIQUE)}, so that any older signal would"
                " do; write one where the signal has its text or its identity."
            )
    within = float(options.get("within") or 20)
    return Probe(sent, find, within)


def words(unique: str, now: float) -> dict[str, str]:
    """What the placeholders of a probe stand for. unique: 32 hexadecimal digits; now: seconds since 1970."""
    nanoseconds = int(now * 1_000_000) * 1000
    return {
        "<marker>": unique[:16],
        "<trace>": unique,
        "<seconds>": str(nanoseconds // 1_000_000_000),
        "<milliseconds>": str(nanoseconds // 1_000_000),
        "<nanoseconds>": str(nanoseconds),
    }


def fill(value: Any, known: Mapping[str, str]) -> Any:
    """A JSON value with the placeholders of all its texts and keys filled in."""
    if isinstance(value, str):
        for word, text in known.items():
            value = value.replace(word, text)
        return value
    if isinstance(value, Mapping):
        return {fill(key, known): fill(item, known) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [fill(item, known) for item in value]
    return value


def filled(asked: Http, known: Mapping[str, str]) -> Http:
    """A request of a probe as it is sent this time."""
    return replace(
        asked,
        path=fill(asked.path, known),
        body=fill(asked.body, known),
        body_regex=fill(asked.body_regex, known),
        json=fill(dict(asked.json), known),
    )


def make_check(options: Mapping[str, Any]) -> Check:
    """A check from its options; raises KubestdError when they do not fit together."""
    name, absent = options.get("name"), options.get("state") == "absent"
    http, release, probe = options.get("http"), options.get("release"), options.get("probe")
    if http:
        if absent:
            raise KubestdError("A check with http cannot have state=absent; expect a status such as 503 instead.")
        asked = make_http(http)
        return Check(name or asked.where, http=asked)
    if probe:
        if absent:
            raise KubestdError("A check with probe cannot have state=absent; what is sent is to arrive.")
        made_probe = make_probe(probe)
        return Check(name or f"{made_probe.send.where} arrives at {made_probe.find.where}", probe=made_probe)
    if release:
        spaces = tuple(dict.fromkeys([release["namespace"], *(release.get("namespaces") or [])]))
        title = f"release {release['namespace']}/{release['name']}"
        return Check(name or title, release=release["name"], namespaces=spaces, absent=absent)
    kind, labels = options["kind"], label_selector(options.get("selector"))
    api_version = options.get("api_version") or BUILT_IN.get(kind, ("",))[0]
    if not api_version:
        raise KubestdError(f"A check of {kind} needs api_version, for example example.com/v1.")
    wanted, namespace = options.get("object"), options.get("namespace")
    condition, newest = options.get("condition"), options.get("newest")
    if newest is not None and (wanted or absent):
        raise KubestdError(f"A check of the newest {kind} names no object and no state; take them out.")
    made = Check(
        "",
        api_version,
        kind,
        wanted,
        namespace or ("default" if wanted else None),
        labels,
        options.get("min_count", 1),
        absent,
        (condition["type"], condition.get("status") or "True") if condition else None,
        Newest(**{name: value for name, value in newest.items() if value is not None}) if newest is not None else None,
    )
    return replace(made, name=name or described(made))


def described(check: Check) -> str:
    """Which objects a check is about: Deployment harbor/core, Node with a=b, Job in x."""
    if check.object:
        return f"{check.kind} {f'{check.namespace}/' if namespaced(check) else ''}{check.object}"
    with_labels = f" with {check.labels}" if check.labels else ""
    return f"{check.kind}{with_labels}{f' in {check.namespace}' if check.namespace else ''}"


def namespaced(check: Check) -> bool:
    """Whether the check's kind lives in a namespace, as far as is known without asking."""
    known = BUILT_IN.get(check.kind)
    return bool(check.namespace) and not (known and known[0] == check.api_version and not known[2])


def collections(checks: Sequence[Check]) -> list[tuple[Collection, ...]]:
    """The lists that each check needs. A name asked alone is a list of one; several of a kind and namespace share one list."""
    names: dict[Collection, set[str]] = {}
    for check in checks:
        if check.kind:
            base = Collection(check.api_version, check.kind, check.namespace)
            # no name: the whole list is needed anyway
            names.setdefault(base, set()).update([check.object] if check.object else [] if check.labels else ["", "*"])
    needed: list[tuple[Collection, ...]] = []
    for check in checks:
        if check.release:
            labels = "app.kubernetes.io/managed-by=Helm"
            lists = [
                Collection(BUILT_IN[kind][0], kind, space, labels)
                for space in check.namespaces
                for kind in RELEASE_KINDS
            ]
            record = f"name={check.release},owner=helm"
            needed.append((*lists, Collection("v1", "Secret", check.namespaces[0], record, metadata_only=True)))
        elif check.kind:
            base = Collection(check.api_version, check.kind, check.namespace)
            alone = check.object if check.object and len(names[base]) == 1 else ""
            needed.append((replace(base, labels=check.labels, name=alone),))
        else:
            needed.append(())
    return needed


def belongs(check: Check, where: Collection, found: Object) -> bool:
    """Whether an object of a list is one of the check's."""
    metadata = found.get("metadata", {})
    if not check.release:
        return not check.object or metadata.get("name") == check.object
    if where.metadata_only:
        return False
    notes = metadata.get("annotations") or {}
    if notes.get("meta.helm.sh/release-name") != check.release:
        return False
    if notes.get("meta.helm.sh/release-namespace") != check.namespaces[0]:
        return False
    return found.get("kind") != "Service" or found.get("spec", {}).get("type") == "LoadBalancer"


def with_condition(found: Object, wanted: tuple[str, str], judge: Judge) -> Health:
    """The health of an object of which one condition is asked."""
    kind, status = wanted
    for condition in found.get("status", {}).get("conditions") or []:
        if condition.get("type") == kind:
            if condition.get("status") == status:
                return Health(HEALTHY)
            why = condition.get("message") or condition.get("reason") or ""
            said = f"condition {kind} is {condition.get('status')}{f': {why}' if why else ''}"
            return Health(PROGRESSING, said, judge(found).hopeless)
    return Health(PROGRESSING, f"condition {kind} is not there yet", judge(found).hopeless)


def leaving(found: Object, judge: Judge) -> Health:
    """An object that should be absent and is there; what is being deleted says what holds it."""
    if not found.get("metadata", {}).get("deletionTimestamp"):
        return Health(PROGRESSING, "is still there, and nobody has deleted it")
    return judge(found)


def moment(found: Object, path: str) -> float:
    """The time at a path, that of its creation where nothing stands there."""
    created = str(found.get("metadata", {}).get("creationTimestamp") or "1970-01-01T00:00:00Z")
    there, value = dotted(found, path)
    return datetime.fromisoformat(str((there and value) or created).replace("Z", "+00:00")).timestamp()


def last(newest: Newest, seen: Sequence[Seen], now: float) -> list[Seen]:
    """The newest object that is not on its way any more, else the newest of all; too old is Degraded."""
    ordered = sorted(seen, key=lambda one: moment(one.source or {}, newest.by), reverse=True)
    one = next((item for item in ordered if item.health.status != PROGRESSING), ordered[0])
    age = now - moment(one.source or {}, newest.by)
    if one.health.ok and newest.max_age is not None and age > newest.max_age:
        text = f"is the newest and {age / 3600:.1f} h old, {newest.max_age / 3600:.1f} h are allowed"
        one = replace(one, health=Health(DEGRADED, text))
    return [one]


def fold(
    check: Check,
    needed: Iterable[Collection],
    lists: Mapping[Collection, Found],
    judge: Judge,
    explain: Callable[[Object, Health], Health] = lambda _found, health: health,
    now: float = 0.0,
) -> Verdict:
    """What the lists say about a check. judge: the health of an object; explain: the same with its root cause; now: seconds since 1970."""
    needed = tuple(needed)
    seen: list[Seen] = []
    unserved: list[Collection] = []
    watch: list[Collection] = []
    there = False
    for where in needed:
        found = lists.get(where, Found(problem="has not been asked yet"))
        if found.problem:
            return Verdict(UNKNOWN, found.problem, False, found.hopeless, watch=needed)
        if not found.served:
            unserved.append(where)
        there = there or bool(where.metadata_only and found.objects)
        for item in found.objects:
            if not belongs(check, where, item):
                continue
            if check.absent:
                health = leaving(item, judge)
            else:
                health = with_condition(item, check.condition, judge) if check.condition else judge(item)
                health = health if health.ok else explain(item, health)
            metadata = item.get("metadata", {})
            seen.append(
                Seen(
                    item.get("kind", where.kind), metadata.get("namespace", ""), metadata.get("name", ""), health, item
                )
            )
            if not health.ok and where not in watch:
                watch.append(where)
    seen.sort(key=lambda one: (one.kind, one.namespace, one.name))
    enough = there if check.release and not seen else check.release or len(seen) >= check.min_count
    if check.newest and seen:
        seen, watch = last(check.newest, seen, now), list(needed)
    if check.absent:
        passed = not seen and not there
        message = _several(seen) or ("" if passed else "the release is still recorded")
        return Verdict(HEALTHY if passed else PROGRESSING, message, passed, False, tuple(seen), needed)
    if unserved and not seen:
        kind = unserved[0]
        text = f"the API server serves no {kind.kind} of {kind.api_version}; is its CustomResourceDefinition installed?"
        return Verdict(MISSING, text, False, objects=_nothing(check), watch=needed)
    if not enough and not seen:
        what = f"no release {check.release} in namespace {check.namespaces[0]}" if check.release else None
        return Verdict(
            MISSING, what or f"{described(check)} is not there", False, objects=_nothing(check), watch=needed
        )
    bad = [one for one in seen if not one.health.ok]
    if bad:
        worst = max((one.health.status for one in bad), key=STATES.index)
        hopeless = any(one.health.hopeless for one in bad)
        return Verdict(worst, _several(seen), False, hopeless, tuple(seen), tuple(watch))
    if not enough:
        text = f"{len(seen)} of at least {check.min_count} found: {described(check)}"
        return Verdict(PROGRESSING, text, False, objects=tuple(seen), watch=needed)
    best = max((one.health.status for one in seen), key=STATES.index, default=HEALTHY)
    text = "has no workloads" if check.release and not seen else ""
    return Verdict(best, text, True, objects=tuple(seen))


def _nothing(check: Check) -> tuple[Seen, ...]:
    if not check.object:
        return ()
    space = check.namespace if namespaced(check) else ""
    return (Seen(check.kind, space or "", check.object, Health(MISSING, "is not there")),)


def _several(seen: Sequence[Seen]) -> str:
    """The worst of the objects in words; hopeless ones first, since they are what to mend."""
    bad = [one for one in seen if not one.health.ok]
    bad.sort(key=lambda one: (not one.health.hopeless, -STATES.index(one.health.status)))
    more = f"; and {len(bad) - OBJECTS_NAMED} more" if len(bad) > OBJECTS_NAMED else ""
    return "; ".join(one.sentence for one in bad[:OBJECTS_NAMED]) + more


def dotted(data: Any, path: str) -> tuple[bool, Any]:
    """(whether it is there, the value) at a.b.0.c of a JSON value."""
    for part in path.split("."):
        if isinstance(data, dict) and part in data:
            data = data[part]
        elif isinstance(data, list) and part.isdigit() and int(part) < len(data):
            data = data[int(part)]
        else:
            return False, None
    return True, data


def same(found: Any, wanted: Any) -> bool:
    """Equal, or the same in words: a template makes texts of numbers and booleans."""
    if found == wanted and isinstance(found, bool) == isinstance(wanted, bool):
        return True
    if isinstance(found, (dict, list)) or isinstance(wanted, (dict, list)):
        return bool(found == wanted)
    return str(found).lower() == str(wanted).lower()


def judge_answer(http: Http, status: int, text: str) -> Verdict:
    """What an answer of a service says about its check."""
    try:
        data = json.loads(text)
    except ValueError:
        data = None
    where = http.where
    if status not in http.status:
        said = data.get("message") if isinstance(data, dict) else None
        said = " ".join(str(said or text).split())[:200]
        return Verdict(PROGRESSING, f"{where} answered {status}{f': {said}' if said else ''}", False)
    if http.body_regex and not re.search(http.body_regex, text):
        return Verdict(PROGRESSING, f"{where} answered {status} without {http.body_regex!r}", False)
    for path, wanted in http.json.items():
        there, value = dotted(data, path)
        if not there or not same(value, wanted):
            found = f"is {value!r}" if there else "is not there"
            return Verdict(PROGRESSING, f"{where} answered {status}, but {path} {found} instead of {wanted!r}", False)
    return Verdict(HEALTHY, "", True)


def judge_probe(probe: Probe, found: Verdict, seconds: float) -> Verdict:
    """What is said of a probe that was sent, from the last look for it."""
    if found.passed:
        return found
    return replace(found, message=f"was sent and not found again in {seconds:.0f} s: {found.message}")


def result(check: Check, verdict: Verdict, seconds: float) -> dict[str, Any]:
    """A check as it stands in the module's result."""
    return {
        "name": check.name,
        "status": verdict.status,
        "message": verdict.message,
        "passed": verdict.passed,
        "objects": [one.result() for one in verdict.objects],
        "seconds": round(seconds, 1),
    }


def summary(results: Sequence[Mapping[str, Any]], seconds: float, hopeless: bool = False) -> str:
    """2 of 5 checks passed after 300 s; harbor: Deployment harbor/harbor-core 0/2 …"""
    failed = [item for item in results if not item["passed"]]
    took = f"{seconds:.0f}" if seconds >= 10 else f"{seconds:.1f}"
    parts = [f"{len(results) - len(failed)} of {len(results)} checks passed after {took} s"]
    if hopeless:
        parts[0] += ", and waiting longer would not help"
    # an object's name in the check's name is not said twice
    for item in failed[:NAMED]:
        said = item["message"] or item["status"]
        parts.append(said if said.startswith(item["name"]) else f"{item['name']}: {said}")
    if len(failed) > NAMED:
        parts.append(f"and {len(failed) - NAMED} more")
    return "; ".join(parts)


def unanswered(problem: str, hopeless: bool = False) -> Verdict:
    """A check about which nothing is known."""
    return Verdict(UNKNOWN, problem, False, hopeless)
