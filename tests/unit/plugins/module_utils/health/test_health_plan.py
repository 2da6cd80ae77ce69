# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a list of checks reads and what follows from it: options to checks, checks to lists, lists to verdicts, verdicts to words."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.kubestd.platform.plugins.module_utils._errors import KubestdError
from ansible_collections.kubestd.platform.plugins.module_utils._health.judge import object_health
from ansible_collections.kubestd.platform.plugins.module_utils._health.model import STATES, Health
from ansible_collections.kubestd.platform.plugins.module_utils._health.plan import (
    Check,
    Collection,
    Found,
    Http,
    Seen,
    Verdict,
    belongs,
    collections,
    dotted,
    fold,
    judge_answer,
    make_check,
    moment,
    result,
    same,
    summary,
    unanswered,
)
from hypothesis import given, settings
from hypothesis import strategies as st


def named(name: str, kind: str = "Thing", space: str = "", **more: Any) -> dict[str, Any]:
    """An object whose health its word tells: well, coming, broken, doomed."""
    return {"kind": kind, "metadata": {"name": name, **({"namespace": space} if space else {})}, **more}


def thing(name: str, word: str = "well") -> dict[str, Any]:
    return named(name, word=word)


WORDS = {
    "well": Health("Healthy"),
    "rests": Health("Suspended", "is paused"),
    "coming": Health("Progressing", "1/2 there"),
    "broken": Health("Degraded", "is broken"),
    "doomed": Health("Progressing", "has no image", True),
}


def judge(found: dict[str, Any] | None) -> Health:
    assert found is not None
    return WORDS[found["word"]]


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"kind": "Deployment", "object": "core", "namespace": "harbor"}, "Deployment harbor/core"),
        ({"kind": "Deployment", "object": "core"}, "Deployment default/core"),
        ({"kind": "Node", "object": "w1"}, "Node w1"),
        ({"kind": "Node", "selector": {"b": "2", "a": 1}}, "Node with a=1,b=2"),
        ({"kind": "Job", "namespace": "x"}, "Job in x"),
        ({"kind": "Thing", "api_version": "x.io/v1", "object": "a", "namespace": "n"}, "Thing n/a"),
        ({"kind": "Thing", "api_version": "x.io/v1"}, "Thing"),
        ({"kind": "Node", "name": "my nodes"}, "my nodes"),
        ({"release": {"name": "harbor", "namespace": "h"}}, "release h/harbor"),
        ({"release": {"name": "harbor", "namespace": "h"}, "name": "Harbor"}, "Harbor"),
        ({"http": {"service": "s", "namespace": "n", "port": 80}}, "http n/s:80/"),
        (
            {"http": {"service": "s", "namespace": "n", "port": "web", "path": "/a", "scheme": "https"}},
            "https n/s:web/a",
        ),
    ],
)
def test_a_check_has_a_name(options: dict[str, Any], name: str) -> None:
    assert make_check(options).name == name


def test_a_check_of_one_object_looks_into_the_default_namespace_and_one_of_many_into_all() -> None:
    assert make_check({"kind": "Pod", "object": "a"}).namespace == "default"
    assert make_check({"kind": "Pod"}).namespace is None


def test_options_of_a_check_of_objects_become_a_check() -> None:
    options = {
        "kind": "Certificate",
        "api_version": "cert-manager.io/v1",
        "object": "a",
        "namespace": "n",
        "min_count": 2,
    }
    options |= {"state": "absent", "condition": {"type": "Ready"}, "selector": {"a": "b"}}
    assert make_check(options) == Check(
        "Certificate n/a",
        "cert-manager.io/v1",
        "Certificate",
        "a",
        "n",
        "a=b",
        2,
        True,
        ("Ready", "True"),
    )
    assert make_check({**options, "condition": {"type": "Ready", "status": "False"}}).condition == ("Ready", "False")


def test_options_of_a_service_become_a_request() -> None:
    options = {"service": "s", "namespace": "n", "port": 443, "path": "a?b=c", "scheme": "https", "status": [200, 204]}
    asked = make_check({"http": {**options, "body_regex": "x+", "json": {"a": 1}}}).http
    assert asked == Http("s", "n", "443", "a?b=c", "https", (200, 204), "x+", {"a": 1})
    assert asked is not None and asked.url == "/api/v1/namespaces/n/services/https:s:443/proxy/a?b=c"
    named = make_check({"http": {**options, "host": "a.example.com"}}).http
    assert named is not None and (named.host, named.url) == ("a.example.com", asked.url)
    assert Http("s", "n", "web", "/").url == "/api/v1/namespaces/n/services/s:web/proxy/"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kind": "Thing"}, "A check of Thing needs api_version, for example example.com/v1"),
        ({"http": {"service": "s"}, "state": "absent"}, "A check with http cannot have state=absent; expect a status"),
        (
            {"http": {"service": "s", "namespace": "n", "port": 1, "body_regex": "("}},
            r"body_regex '\(' is not a regular expression: missing \)",
        ),
    ],
)
def test_options_that_do_not_fit_together_are_a_sentence(options: dict[str, Any], message: str) -> None:
    with pytest.raises(KubestdError, match=message):
        make_check(options)


def test_the_further_namespaces_of_a_release_are_asked_once() -> None:
    made = make_check({"release": {"name": "r", "namespace": "a", "namespaces": ["b", "a", "b"]}})
    assert made.namespaces == ("a", "b")


def lists_of(*options: dict[str, Any]) -> list[tuple[Collection, ...]]:
    return collections([make_check(one) for one in options])


def test_a_name_alone_is_a_list_of_one_and_two_names_share_a_list() -> None:
    a, b = ({"kind": "Pod", "object": name, "namespace": "n"} for name in "ab")
    assert lists_of(a) == [(Collection("v1", "Pod", "n", name="a"),)]
    assert lists_of(a, a) == [(Collection("v1", "Pod", "n", name="a"),)] * 2
    assert lists_of(a, b) == [(Collection("v1", "Pod", "n"),)] * 2
    assert lists_of(a, {"kind": "Pod", "namespace": "n"}) == [(Collection("v1", "Pod", "n"),)] * 2


def test_labels_and_namespaces_make_lists_of_their_own() -> None:
    a = {"kind": "Pod", "object": "a", "namespace": "n"}
    labelled, other = {"kind": "Pod", "namespace": "n", "selector": {"x": "y"}}, {**a, "namespace": "m"}
    assert lists_of(a, labelled, other) == [
        (Collection("v1", "Pod", "n", name="a"),),
        (Collection("v1", "Pod", "n", "x=y"),),
        (Collection("v1", "Pod", "m", name="a"),),
    ]


def test_a_release_reads_its_workloads_and_the_names_of_its_records() -> None:
    [lists] = lists_of({"release": {"name": "r", "namespace": "a", "namespaces": ["b"]}})
    kinds = [(one.kind, one.namespace) for one in lists[:-1]]
    assert kinds == [
        (kind, space)
        for space in "ab"
        for kind in ("Deployment", "StatefulSet", "DaemonSet", "Job", "Service", "PersistentVolumeClaim")
    ]
    assert {one.labels for one in lists[:-1]} == {"app.kubernetes.io/managed-by=Helm"}
    assert lists[-1] == Collection("v1", "Secret", "a", "name=r,owner=helm", metadata_only=True)


def test_a_service_reads_no_list() -> None:
    assert lists_of({"http": {"service": "s", "namespace": "n", "port": 1}}) == [()]


def helm(name: str = "r", space: str = "a", kind: str = "Deployment", **more: Any) -> dict[str, Any]:
    notes = {"meta.helm.sh/release-name": name, "meta.helm.sh/release-namespace": space}
    return {"kind": kind, "metadata": {"name": "x", "annotations": notes}, **more}


@pytest.mark.parametrize(
    ("found", "mine"),
    [
        (helm(), True),
        (helm("other"), False),
        (helm(space="b"), False),
        ({"kind": "Deployment", "metadata": {"name": "x"}}, False),
        (helm(kind="Service", spec={"type": "ClusterIP"}), False),
        (helm(kind="Service", spec={"type": "LoadBalancer"}), True),
    ],
)
def test_what_belongs_to_a_release(found: dict[str, Any], mine: bool) -> None:
    check = make_check({"release": {"name": "r", "namespace": "a"}})
    assert belongs(check, Collection("apps/v1", found["kind"], "a"), found) is mine
    assert not belongs(check, Collection("v1", "Secret", "a", metadata_only=True), found)


THINGS = Collection("x.io/v1", "Thing")


def verdict(*objects: dict[str, Any], found: Found | None = None, **options: Any) -> Verdict:
    check = make_check({"kind": "Thing", "api_version": "x.io/v1", **options})
    [needed] = collections([check])
    assert len(needed) == 1
    return fold(check, needed, {needed[0]: found or Found(objects)}, judge)


@pytest.mark.parametrize(
    ("words", "status", "passed", "hopeless", "message"),
    [
        (["well"], "Healthy", True, False, ""),
        (["well", "rests"], "Suspended", True, False, ""),
        (["well", "coming"], "Progressing", False, False, "Thing b 1/2 there"),
        (["coming", "broken"], "Degraded", False, False, "Thing b: is broken; Thing a 1/2 there"),
        # what is hopeless is what to mend, so it comes first
        (["broken", "doomed"], "Degraded", False, True, "Thing b: has no image; Thing a: is broken"),
        (["coming"] * 4, "Progressing", False, False, "Thing a 1/2 there; Thing b 1/2 there; and 2 more"),
    ],
)
def test_all_objects_have_to_be_well(words: list[str], status: str, passed: bool, hopeless: bool, message: str) -> None:
    said = verdict(*[thing(name, word) for name, word in zip("abcd", words)])  # noqa: B905
    assert (said.status, said.passed, said.hopeless, said.message) == (status, passed, hopeless, message)
    assert [one.name for one in said.objects] == list("abcd"[: len(words)])
    assert said.watch == (() if passed else (THINGS,))


def test_objects_of_other_names_do_not_count() -> None:
    check = make_check({"kind": "Pod", "object": "a", "namespace": "n"})
    where = Collection("v1", "Pod", "n")
    said = fold(check, [where], {where: Found((thing("a"), thing("b", "doomed")))}, judge)
    assert (said.passed, [one.name for one in said.objects]) == (True, ["a"])


def test_what_is_missing_is_said_with_the_object_that_was_meant() -> None:
    said = verdict(object="a", namespace="n")
    assert (said.status, said.passed, said.message) == ("Missing", False, "Thing n/a is not there")
    assert [one.result() for one in said.objects] == [
        {"kind": "Thing", "namespace": "n", "name": "a", "status": "Missing", "message": "is not there"}
    ]
    assert said.watch
    assert verdict(selector={"a": "b"}).message == "Thing with a=b is not there"
    assert verdict(selector={"a": "b"}).objects == ()


def test_too_few_are_waited_for() -> None:
    said = verdict(thing("a"), min_count=2)
    assert (said.status, said.passed, said.message) == ("Progressing", False, "1 of at least 2 found: Thing")
    assert said.watch == (THINGS,)
    assert verdict(thing("a", "broken"), min_count=2).message == "Thing a: is broken"
    assert verdict(min_count=0).passed


def test_a_list_without_an_answer_says_why() -> None:
    said = verdict(found=Found(problem="403 forbidden", hopeless=True))
    assert (said.status, said.message, said.hopeless, said.watch) == ("Unknown", "403 forbidden", True, (THINGS,))
    check = make_check({"kind": "Pod"})
    assert fold(check, collections([check])[0], {}, judge).message == "has not been asked yet"


def test_a_kind_that_is_not_served_is_said() -> None:
    said = verdict(found=Found(served=False), object="a", namespace="n")
    assert (said.status, said.hopeless) == ("Missing", False)
    assert said.message.startswith("the API server serves no Thing of x.io/v1; is its CustomResourceDefinition")
    assert [one.name for one in said.objects] == ["a"]


@pytest.mark.parametrize(
    ("conditions", "status", "message"),
    [
        ([{"type": "Ready", "status": "True"}], "Healthy", ""),
        ([{"type": "Ready", "status": "False", "message": "no"}], "Progressing", "condition Ready is False: no"),
        ([{"type": "Ready", "status": "False", "reason": "No"}], "Progressing", "condition Ready is False: No"),
        ([{"type": "Ready", "status": "Unknown"}], "Progressing", "condition Ready is Unknown"),
        ([{"type": "Other", "status": "True"}], "Progressing", "condition Ready is not there yet"),
        (None, "Progressing", "condition Ready is not there yet"),
    ],
)
def test_one_condition_counts_instead_of_health(conditions: Any, status: str, message: str) -> None:
    for word in ("broken", "doomed"):
        found = {**thing("a", word), "status": {"conditions": conditions}}
        said = verdict(found, condition={"type": "Ready"})
        assert (said.status, said.passed) == (status, status == "Healthy")
        assert said.message == (f"Thing a: {message}" if message else "")
        # waiting for it is in vain when its object cannot be mended by waiting
        assert said.hopeless == (word == "doomed" and not said.passed)


def test_what_should_be_gone_passes_when_it_is() -> None:
    said = verdict(state="absent")
    assert (said.status, said.passed, said.objects) == ("Healthy", True, ())
    assert verdict(found=Found(served=False), state="absent").passed
    said = verdict(thing("a"), state="absent")
    assert (said.status, said.passed, said.hopeless) == ("Progressing", False, False)
    assert said.message == "Thing a: is still there, and nobody has deleted it"
    assert said.watch == (THINGS,)


def test_what_is_being_deleted_says_what_holds_it() -> None:
    check = make_check({"kind": "Namespace", "object": "a", "state": "absent"})
    [[where]] = collections([check])
    held = {"type": "NamespaceFinalizersRemaining", "status": "True", "message": "finalizers remaining: ceph.rook.io"}
    status = {"phase": "Terminating", "conditions": [held]}
    metadata = {"name": "a", "deletionTimestamp": "2026-01-01T00:00:00Z"}
    found = {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata, "status": status}
    said = fold(check, [where], {where: Found((found,))}, object_health)
    assert said.message == "Namespace a: is being deleted: finalizers remaining: ceph.rook.io"
    metadata["finalizers"] = ["example.com/keep"]
    found = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}
    said = fold(check, [where], {where: Found((found,))}, object_health)
    assert said.message == "ConfigMap a: is being deleted since 2026-01-01T00:00:00Z, held by example.com/keep"


def release(*objects: dict[str, Any], record: bool = True, **options: Any) -> Verdict:
    check = make_check({"release": {"name": "r", "namespace": "a"}, **options})
    [needed] = collections([check])
    lists: dict[Collection, Found] = {where: Found() for where in needed}
    for where in needed[:-1]:
        lists[where] = Found(tuple(item for item in objects if item["kind"] == where.kind))
    lists[needed[-1]] = Found(({"metadata": {"name": "sh.helm.release.v1.r.v1"}},) if record else ())
    return fold(check, needed, lists, judge)


def test_a_release_is_as_its_workloads_are() -> None:
    assert release(helm(word="well")).passed
    assert release(helm(word="well"), helm(kind="Job", word="broken")).message == "Job x: is broken"
    assert [where.kind for where in release(helm(word="coming"), helm(kind="Job", word="well")).watch] == ["Deployment"]


def test_a_release_without_workloads_is_there_when_it_is_recorded() -> None:
    said = release()
    assert (said.status, said.passed, said.message) == ("Healthy", True, "has no workloads")
    said = release(record=False)
    assert (said.status, said.passed, said.message) == ("Missing", False, "no release r in namespace a")


def test_a_release_is_gone_when_its_record_is_too() -> None:
    assert release(record=False, state="absent").passed
    assert release(state="absent").message == "the release is still recorded"
    assert "nobody has deleted it" in release(helm(word="well"), record=False, state="absent").message


DAY = 86400.0


def backup(name: str, word: str, day: int, ended: bool = True) -> dict[str, Any]:
    """Made on a day; without an end its creation counts."""
    found = thing(name, word)
    found["metadata"]["creationTimestamp"] = f"2026-01-{day:02}T00:00:00Z"
    return {**found, **({"status": {"end": f"2026-01-{day:02}T06:00:00Z"}} if ended else {})}


def newest(*objects: dict[str, Any], now: str = "2026-01-03T07:00:00Z", **options: Any) -> Verdict:
    check = make_check(
        {"kind": "Thing", "api_version": "x/v1", "newest": {"by": "status.end", "max_age": int(DAY), **options}}
    )
    needed = collections([check])[0]
    return fold(check, needed, {needed[0]: Found(objects)}, judge, now=moment({"now": now}, "now"))


@pytest.mark.parametrize(
    ("objects", "status", "message"),
    [
        # older ones may have failed, and may be forgotten
        ([backup("a", "doomed", 1), backup("b", "well", 3)], "Healthy", ""),
        ([backup("b", "well", 3), backup("a", "broken", 2)], "Healthy", ""),
        ([backup("a", "well", 2), backup("b", "broken", 3)], "Degraded", "Thing b: is broken"),
        # one that is at work is not waited for while there is one that ended
        (
            [backup("a", "well", 2, False), backup("b", "coming", 3, False)],
            "Degraded",
            "31.0 h old, 24.0 h are allowed",
        ),
        ([backup("a", "well", 3), backup("b", "coming", 3, False)], "Healthy", ""),
        ([backup("b", "coming", 3, False)], "Progressing", "1/2 there"),
        ([backup("a", "well", 1)], "Degraded", "Thing a: is the newest and 49.0 h old"),
        ([], "Missing", "is not there"),
    ],
)
def test_of_backups_the_newest_that_ended_counts(objects: list[dict[str, Any]], status: str, message: str) -> None:
    found = newest(*objects)
    assert found.status == status and message in found.message
    assert found.passed == (status == "Healthy")
    assert len(found.objects) == min(1, len(objects))


def test_without_an_age_the_newest_may_be_old_and_a_new_one_is_waited_for() -> None:
    assert newest(backup("a", "well", 1), max_age=None).passed
    assert newest(backup("a", "well", 1)).watch


def test_the_newest_is_one_of_many() -> None:
    for more in ({"object": "a"}, {"state": "absent"}):
        with pytest.raises(KubestdError, match="names no object and no state"):
            make_check({"kind": "Job", "newest": {}, **more})


def test_the_cause_of_what_is_not_well_is_asked_for() -> None:
    check = make_check({"kind": "Thing", "api_version": "x.io/v1"})
    asked = []

    def explain(found: dict[str, Any], health: Health) -> Health:
        asked.append(found["metadata"]["name"])
        return Health("Degraded", "since", True)

    lists = {THINGS: Found((thing("a"), thing("b", "coming")))}
    said = fold(check, [THINGS], lists, judge, explain)
    assert (asked, said.message, said.hopeless) == (["b"], "Thing b: since", True)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.sampled_from(sorted(WORDS)), max_size=6), st.integers(0, 4))
def test_a_check_passes_when_enough_objects_are_there_and_all_are_well(words: list[str], wanted: int) -> None:
    said = verdict(*[thing(f"t{number}", word) for number, word in enumerate(words)], min_count=wanted)
    assert said.passed == (len(words) >= wanted and set(words) <= {"well", "rests"})
    assert said.status in STATES
    assert bool(said.message) != said.passed
    assert bool(said.watch) != said.passed
    assert not (said.passed and said.hopeless)


ASKED = Http("s", "n", "80", "/a")


@pytest.mark.parametrize(
    ("more", "status", "text", "message"),
    [
        ({}, 200, "anything", ""),
        ({}, 503, "", "http n/s:80/a answered 503"),
        ({}, 503, json.dumps({"message": "no endpoints"}), "http n/s:80/a answered 503: no endpoints"),
        ({}, 404, "<p>\n not   found", "http n/s:80/a answered 404: <p> not found"),
        ({}, 500, '["list"]', 'http n/s:80/a answered 500: ["list"]'),
        ({"status": (503,)}, 503, "", ""),
        ({"body_regex": "^ok"}, 200, "ok\n", ""),
        ({"body_regex": "^ok"}, 200, "not ok", "http n/s:80/a answered 200 without '^ok'"),
        ({"body_regex": '"a": *1'}, 200, '{"a": 1}', ""),
        ({"body_regex": "^true$"}, 200, "true", ""),
        ({"json": {"a.b": "up"}}, 200, '{"a": {"b": "up"}}', ""),
        ({"json": {"a.0.b": 1}}, 200, '{"a": [{"b": 1}]}', ""),
        ({"json": {"a": "up"}}, 200, '{"a": "down"}', "answered 200, but a is 'down' instead of 'up'"),
        ({"json": {"a.b": "up"}}, 200, '{"a": 1}', "answered 200, but a.b is not there instead of 'up'"),
        ({"json": {"a": "up"}}, 200, "no json", "answered 200, but a is not there instead of 'up'"),
    ],
)
def test_an_answer_is_judged(more: dict[str, Any], status: int, text: str, message: str) -> None:
    said = judge_answer(Http("s", "n", "80", "/a", **more), status, text)
    assert said.message.endswith(message) and bool(said.message) == bool(message)
    assert (said.passed, said.hopeless) == (not message, False)
    assert said.status == ("Progressing" if message else "Healthy")


def test_a_long_answer_is_cut() -> None:
    assert len(judge_answer(ASKED, 500, "x" * 5000).message) < 300


@pytest.mark.parametrize(
    ("found", "wanted", "equal"),
    [
        (1, 1, True),
        (1, "1", True),
        (True, "true", True),
        (True, 1, False),
        ("True", True, True),
        (None, "none", True),
        ("a", "A", True),
        ([1], [1], True),
        ([1], "[1]", False),
        ({"a": 1}, {"a": 1}, True),
        (0, False, False),
    ],
)
def test_values_are_compared_as_templates_write_them(found: Any, wanted: Any, equal: bool) -> None:
    assert same(found, wanted) is equal


@settings(max_examples=50, deadline=None)
@given(
    st.recursive(
        st.integers(0, 9) | st.text(max_size=3),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab"), inner),
    )
)
def test_every_value_is_found_at_its_path(data: Any) -> None:
    def walk(value: Any, path: list[str]) -> None:
        if path and all(path):
            assert dotted(data, ".".join(path)) == (True, value)
        pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        for key, inner in pairs:
            walk(inner, [*path, str(key)])

    walk(data, [])
    assert dotted(data, "nowhere.0") == (False, None)


def test_a_check_has_the_same_keys_whatever_happened() -> None:
    seen = Seen("Pod", "n", "a", Health("Degraded", "is broken"))
    for said in (Verdict("Healthy", "", True), Verdict("Degraded", "x", False, True, (seen,)), unanswered("no answer")):
        made = result(Check("c"), said, 1.234)
        assert list(made) == ["name", "status", "message", "passed", "objects", "seconds"]
        assert (made["name"], made["passed"], made["seconds"]) == ("c", said.passed, 1.2)
        assert all(list(one) == ["kind", "namespace", "name", "status", "message"] for one in made["objects"])


def lines(*failed: tuple[str, str, str], passed: int = 0) -> list[dict[str, Any]]:
    good = [{"name": f"p{number}", "status": "Healthy", "message": "", "passed": True} for number in range(passed)]
    bad = [{"name": name, "status": status, "message": said, "passed": False} for name, status, said in failed]
    return [*bad, *good]


@pytest.mark.parametrize(
    ("results", "seconds", "hopeless", "text"),
    [
        (lines(passed=2), 0.04, False, "2 of 2 checks passed after 0.0 s"),
        (lines(passed=2), 12.4, False, "2 of 2 checks passed after 12 s"),
        (lines(("a", "Missing", ""), passed=1), 300, False, "1 of 2 checks passed after 300 s; a: Missing"),
        (
            lines(("Pod n/a", "Missing", "Pod n/a is not there")),
            1,
            False,
            "0 of 1 checks passed after 1.0 s; Pod n/a is not there",
        ),
        (
            lines(("a", "Degraded", "x")),
            1,
            True,
            "0 of 1 checks passed after 1.0 s, and waiting longer would not help; a: x",
        ),
        (
            lines(*[(name, "Degraded", "x") for name in "abcdef"]),
            1,
            False,
            "0 of 6 checks passed after 1.0 s; a: x; b: x; c: x; d: x; and 2 more",
        ),
    ],
)
def test_the_summary_counts_and_names(results: Any, seconds: float, hopeless: bool, text: str) -> None:
    assert summary(results, seconds, hopeless) == text


@pytest.mark.parametrize(
    ("seen", "text"),
    [
        (Seen("Pod", "n", "a", Health("Degraded", "is broken")), "Pod n/a: is broken"),
        (Seen("Node", "", "a", Health("Degraded", "")), "Node a: Degraded"),
        (Seen("Deployment", "n", "a", Health("Progressing", "0/2 available")), "Deployment n/a 0/2 available"),
    ],
)
def test_an_object_is_named_in_a_sentence(seen: Seen, text: str) -> None:
    assert seen.sentence == text
