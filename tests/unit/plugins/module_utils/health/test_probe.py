# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A signal is sent and found again: what is sent, how often, and what is said when it does not arrive."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.kubestd.platform.plugins.module_utils._component.record import checked
from ansible_collections.kubestd.platform.plugins.module_utils._errors import KubestdError
from ansible_collections.kubestd.platform.plugins.module_utils._health import engine as engine_module
from ansible_collections.kubestd.platform.plugins.module_utils._health import plan
from ansible_collections.kubestd.platform.plugins.module_utils._health.engine import Engine
from ansible_collections.kubestd.platform.plugins.module_utils._kube import Answer, KubeError
from hypothesis import given
from hypothesis import strategies as st

SEND = {"service": "in", "namespace": "n", "port": 1, "path": "/push", "body": {"line": ["at <nanoseconds>: <marker>"]}}
FIND = {"service": "out", "namespace": "n", "port": "web", "path": "/find?q=<marker>", "body_regex": "<marker>"}
PROBE = {"probe": {"send": SEND, "find": FIND, "within": 5}}
HEX = st.text("0123456789abcdef", min_size=32, max_size=32)


class Chain:
    """A connection to two services. What is sent arrives after some looks, unless it is lost; time passes with each look."""

    def __init__(self, looks: int = 1, lost: int = 0, refused: int = 0) -> None:
        self.looks, self.lost, self.refused = looks, lost, refused
        self.sent: list[tuple[str, Any, str]] = []
        self.found: list[str] = []
        self.left = 0
        self.now = 0.0

    @property
    def client(self) -> Chain:
        return self

    def clock(self) -> float:
        return self.now

    def look(
        self, path: str, _timeout: float, body: bytes | None = None, content_type: str = "", _host: str = ""
    ) -> Answer:
        self.now += 0.5
        if body is not None:
            if self.refused:
                self.refused -= 1
                return Answer(503, "no endpoints available")
            self.sent.append((path, json.loads(body), content_type))
            self.left = self.looks
            return Answer(204, "")
        self.found.append(path)
        self.left -= 1
        if self.left > 0 or self.lost >= len(self.sent):
            return Answer(200, '{"data": []}')
        return Answer(200, self.sent[-1][1]["line"][0])


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(engine_module, "PROBE_EVERY", 0.0)
    monkeypatch.setattr(engine_module, "HTTP_EVERY", 0.001)
    yield


def run(chain: Chain, wait: bool = True, timeout: float = 60.0, send: bool = True, **probe: Any) -> dict[str, Any]:
    check = plan.make_check({"probe": {**copy.deepcopy(PROBE["probe"]), **probe}})
    return Engine(lambda: chain, [check], timeout, clock=chain.clock, send=send).run(wait)  # type: ignore[arg-type,return-value]


def test_a_signal_is_sent_once_and_looked_for_until_it_is_found() -> None:
    chain = Chain(looks=3)
    result = run(chain)
    assert result["passed"], result
    assert len(chain.sent) == 1
    [(path, body, content_type)] = chain.sent
    assert (path, content_type) == ("/api/v1/namespaces/n/services/in:1/proxy/push", "application/json")
    time, marker = body["line"][0].removeprefix("at ").split(": ")
    assert time.isdigit() and len(time) == 19 and len(marker) == 16
    assert chain.found == [f"/api/v1/namespaces/n/services/out:web/proxy/find?q={marker}"] * 3


def test_every_run_has_a_marker_of_its_own() -> None:
    first, second = Chain(), Chain()
    assert run(first)["passed"] and run(second)["passed"]
    assert first.found != second.found


def test_a_signal_that_is_lost_is_followed_by_another() -> None:
    chain = Chain(lost=1)
    result = run(chain)
    assert result["passed"], result
    assert len(chain.sent) == 2 and chain.sent[0] != chain.sent[1]


def test_a_single_look_sends_once_and_says_what_came_instead() -> None:
    chain = Chain(lost=9)
    result = run(chain, wait=False)
    assert (result["passed"], len(chain.sent)) == (False, 1)
    marker = chain.found[0].partition("=")[2]
    [said] = result["checks"]
    assert said["name"] == "http n/in:1/push arrives at http n/out:web/find?q=<marker>"
    assert said["status"] == "Progressing"
    assert said["message"] == (
        f"was sent and not found again in 5 s: http n/out:web/find?q={marker} answered 200 without '{marker}'"
    )


def test_nothing_is_looked_for_when_it_could_not_be_sent() -> None:
    chain = Chain(refused=1)
    result = run(chain, wait=False)
    assert (result["passed"], chain.found) == (False, [])
    assert result["checks"][0]["message"] == "http n/in:1/push answered 503: no endpoints available"
    assert run(Chain(refused=2))["passed"]


def test_nothing_is_sent_in_check_mode() -> None:
    chain = Chain()
    result = run(chain, wait=False, send=False)
    assert (result["passed"], chain.sent, chain.found) == (True, [], [])
    assert (result["checks"][0]["status"], result["checks"][0]["message"]) == ("Suspended", "is not sent in check mode")


def test_a_server_that_does_not_answer_is_what_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(*_: Any) -> Answer:
        raise KubeError("POST https://api:6443/x: timed out")

    chain = Chain()
    monkeypatch.setattr(chain, "look", nobody)
    assert run(chain, wait=False)["checks"][0]["message"] == "POST https://api:6443/x: timed out"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"send": {**SEND, "body": None}}, "The probe that sends to http n/in:1/push has no body"),
        ({"send": {**SEND, "body": "x"}}, "send of the probe to http n/in:1/push has neither <marker> nor <trace>"),
        ({"find": {**FIND, "path": "/", "body_regex": "x"}}, "find of the probe to http n/out:web/ has neither"),
        ({"find": {**FIND, "body_regex": "("}}, "is not a regular expression"),
    ],
)
def test_a_probe_that_proves_nothing_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(KubestdError, match=message):
        plan.make_check({"probe": {**PROBE["probe"], **options}})


def test_a_probe_cannot_be_absent() -> None:
    with pytest.raises(KubestdError, match="what is sent is to arrive"):
        plan.make_check({**PROBE, "state": "absent"})


def test_text_is_sent_as_it_is_and_everything_else_as_json() -> None:
    options = {"service": "s", "namespace": "n", "port": 1}
    assert plan.make_http(options).payload is None
    assert plan.make_http({**options, "body": "a;b 1\n"}).payload == b"a;b 1\n"
    assert plan.make_http({**options, "body": ""}).payload == b""
    assert plan.make_http({**options, "body": {"a": 1}}).payload == b'{"a": 1}'


def test_the_placeholders() -> None:
    known = plan.words("0123456789abcdef" * 2, 1700000000.5)
    assert known == {
        "<marker>": "0123456789abcdef",
        "<trace>": "0123456789abcdef0123456789abcdef",
        "<seconds>": "1700000000",
        "<milliseconds>": "1700000000500",
        "<nanoseconds>": "1700000000500000000",
    }


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["<marker>", "a<trace>b", "<seconds>"]) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5) | st.just("<marker>"), inner),
    max_leaves=10,
)


@given(JSON, HEX, st.floats(0, 4e9))
def test_filling_leaves_no_placeholder_and_nothing_else_changes(value: Any, unique: str, now: float) -> None:
    known = plan.words(unique, now)
    text = json.dumps(value)
    for word, said in known.items():
        text = text.replace(word, said)
    assert json.loads(text) == plan.fill(value, known)


def test_a_record_names_the_namespace_of_both_sides() -> None:
    send = {"service": "in", "port": "1", "body": "<marker>", "path": None}
    find = {"service": "out", "port": "2", "path": "/<marker>", "namespace": "other"}
    made = checked({"name": "x", "probe": {"send": send, "find": find, "within": None}}, "own")
    assert made["probe"] == {
        "send": {"service": "in", "port": "1", "body": "<marker>", "namespace": "own"},
        "find": find,
    }
