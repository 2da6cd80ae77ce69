# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is asked for a route, and which answers are good."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.kubestd.platform.plugins.module_utils._ingress.answers import (
    Answer,
    Question,
    questions,
    wrong,
)

ASKED = Question("a.example.com", "/", "http")


def route(*rules: dict[str, Any], hosts: tuple[str, ...] = ("a.example.com",), sections: tuple[str, ...] = ()) -> Any:
    parents = [{"sectionName": name} for name in sections] or [{}]
    return {"kind": "HTTPRoute", "spec": {"parentRefs": parents, "hostnames": list(hosts), "rules": list(rules)}}


def match(path: str, kind: str = "PathPrefix", **more: Any) -> dict[str, Any]:
    return {"matches": [{"path": {"type": kind, "value": path}, **more}]}


def test_each_host_and_path_is_asked_once() -> None:
    found = questions([route(match("/a"), match("/b")), route(match("/a")), route(hosts=("b.example.com",))])
    assert [str(one) for one in found] == ["http://a.example.com/a", "http://a.example.com/b", "http://b.example.com/"]


def test_the_listener_says_how_to_ask() -> None:
    assert [one.scheme for one in questions([route(match("/"), sections=("https",))])] == ["https"]
    assert [one.scheme for one in questions([route(match("/"), sections=("http", "https"))])] == ["http", "https"]


def test_what_cannot_be_asked_for_is_not() -> None:
    hidden = [match("/[0-9]+", "RegularExpression"), match("/", headers=[{}]), match("/", method="POST")]
    assert questions([route(*hidden), {"kind": "GRPCRoute", "spec": {"hostnames": ["a"]}}, route(hosts=())]) == []


@pytest.mark.parametrize(
    ("pattern", "path"),
    [("(?i)/.*", "/"), ("/api/v1", "/api/v1"), ("^/a-b(.*)$", "/a-b"), ("/a|b", ""), ("/a.b", ""), ("/(a|b)/.*", "")],
)
def test_a_pattern_that_is_text_and_anything_is_asked_for_by_its_text(pattern: str, path: str) -> None:
    assert [one.path for one in questions([route(match(pattern, "RegularExpression"))])] == ([path] if path else [])


def test_some_name_stands_for_a_wildcard() -> None:
    assert questions([route(match("/"), hosts=("*.example.com",))])[0].host == "kubestd-probe.example.com"


@pytest.mark.parametrize(
    ("answer", "before", "sentence"),
    [
        (Answer(200), None, ""),
        (Answer(401), None, ""),
        (Answer(404), None, "answers 404"),
        (Answer(503), None, "answers 503"),
        (Answer(None, "connection refused"), Answer(200), "does not answer: connection refused"),
        (Answer(404), Answer(404), ""),
        (Answer(200), Answer(302), "answers 200 and the old address 302"),
        (Answer(404), Answer(None, "gone"), "answers 404"),
    ],
)
def test_an_answer_is_measured_by_the_old_one(answer: Answer, before: Answer | None, sentence: str) -> None:
    found = wrong(ASKED, answer, before)
    assert (sentence in found) if sentence else found == ""
