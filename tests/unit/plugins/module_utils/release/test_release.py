# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decisions about a release: a table of states, and values as properties."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.kubestd.platform.plugins.module_utils._errors import KubestdError
from ansible_collections.kubestd.platform.plugins.module_utils._release import chart, values
from ansible_collections.kubestd.platform.plugins.module_utils._release.fetch import cosign_command
from ansible_collections.kubestd.platform.plugins.module_utils._release.helm import Tool, explain, last_words, require
from ansible_collections.kubestd.platform.plugins.module_utils._release.plan import Plan, Revision, Wanted, make_plan
from hypothesis import given
from hypothesis import strategies as st

LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=8)
    | st.sampled_from(["1e3", "on", "0x1"])
)
JSON = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=10,
)
MAPPINGS = st.dictionaries(st.text(max_size=3), JSON, max_size=4)


def ours(status: str = "deployed", number: int = 1, **more: Any) -> Revision:
    known = {"fingerprint": "f", "salt": "s", "chart": "c", "source": "o", **more}
    return Revision(number, status, **known)


PRESENT = Wanted("present", "c", "o", "f")
ABSENT = Wanted("absent", "", "", "")
TABLE = [
    ("nothing there", PRESENT, [], ["upgrade"]),
    ("as described", PRESENT, [ours()], []),
    ("another chart", Wanted("present", "d", "o", "f"), [ours()], ["upgrade"]),
    ("no pin, same source", Wanted("present", "", "o", "f"), [ours()], []),
    ("no pin, another source", Wanted("present", "", "p", "f"), [ours()], ["upgrade"]),
    ("a pin that is the digest, from a mirror", Wanted("present", "c", "mirror", "f"), [ours()], []),
    ("other values", Wanted("present", "c", "o", "g"), [ours()], ["upgrade"]),
    ("failed", PRESENT, [ours("failed")], ["upgrade"]),
    ("history and failed", PRESENT, [ours("superseded"), ours("deployed", 2), ours("failed", 3)], ["upgrade"]),
    ("history and deployed", PRESENT, [ours("deployed", 10), ours("superseded", 9)], []),
    ("uninstalled with history", PRESENT, [ours("uninstalled")], ["upgrade"]),
    ("uninstalling", PRESENT, [ours("uninstalling")], ["uninstall", "upgrade"]),
    ("pending install", PRESENT, [ours("pending-install")], ["mark_failed", "upgrade"]),
    ("pending upgrade", PRESENT, [ours(), ours("pending-upgrade", 2)], ["mark_failed", "upgrade"]),
    ("pending rollback", PRESENT, [ours(), ours("pending-rollback", 2)], ["mark_failed", "upgrade"]),
    ("another hand's", PRESENT, [Revision(1, "deployed")], ["upgrade"]),
    (
        "another hand's, pending for long",
        PRESENT,
        [Revision(1, "pending-upgrade", age=999)],
        ["mark_failed", "upgrade"],
    ),
    ("unknown", PRESENT, [ours("unknown")], ["upgrade"]),
    ("absent, nothing there", ABSENT, [], []),
    ("absent, deployed", ABSENT, [ours()], ["uninstall"]),
    ("absent, failed", ABSENT, [ours("failed")], ["uninstall"]),
    ("absent, pending", ABSENT, [ours("pending-install")], ["uninstall"]),
    ("absent, half gone", ABSENT, [ours("uninstalling")], ["uninstall"]),
    ("absent, gone with history", ABSENT, [ours("uninstalled")], []),
]


@pytest.mark.parametrize(("wanted", "revisions", "steps"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_the_steps_follow_from_the_state(wanted: Wanted, revisions: list[Revision], steps: list[str]) -> None:
    made = make_plan("demo", wanted, revisions)
    assert [step for step, _ in made.steps] == steps
    assert made.changed == bool(steps)


def test_somebody_elses_helm_is_waited_for_before_anything_is_touched() -> None:
    for wanted in (PRESENT, ABSENT):
        made = make_plan("demo", wanted, [Revision(1, "pending-upgrade", age=3)])
        assert made.wait and not made.changed


def test_without_recovery_it_refuses() -> None:
    made = make_plan("demo", Wanted("present", "c", "o", "f", recover=False), [ours("pending-install")])
    assert "set recover to true" in made.refuse and not made.changed
    assert make_plan("demo", PRESENT, [ours()], drifted=True).has("upgrade")
    assert Plan().changed is False


@given(MAPPINGS, MAPPINGS)
def test_merging_keeps_its_arguments_and_takes_every_key_of_the_last(
    first: dict[str, Any], last: dict[str, Any]
) -> None:
    before = copy.deepcopy((first, last))
    merged = values.merge(first, last)
    assert (first, last) == before
    assert set(merged) == set(first) | set(last)
    for key, value in last.items():
        if not isinstance(value, dict):
            assert merged[key] == value and type(merged[key]) is type(value)


@given(MAPPINGS, MAPPINGS, MAPPINGS)
def test_merging_is_associative_and_idempotent(one: dict[str, Any], two: dict[str, Any], three: dict[str, Any]) -> None:
    assert values.merge(one, values.merge(two, three)) == values.merge(values.merge(one, two), three) or _crossed(
        one, two, three
    )
    assert values.merge(one, one) == values.merge(one)


def _crossed(*layers: dict[str, Any]) -> bool:
    """A mapping over something else over a mapping: the order of merging shows, as it does in helm."""
    return any(
        len({isinstance(layer[key], dict) for layer in layers if key in layer}) > 1 for key in set().union(*layers)
    ) or any(
        _crossed(*[layer[key] for layer in layers if isinstance(layer.get(key), dict)])
        for key in set().union(*layers)
        if sum(isinstance(layer.get(key), dict) for layer in layers) > 1
    )


@given(MAPPINGS)
def test_the_fingerprint_does_not_depend_on_order_and_tells_types_apart(found: dict[str, Any]) -> None:
    turned = dict(reversed(list(found.items())))
    assert values.fingerprint(found, {}, {}, "") == values.fingerprint(turned, {}, {}, "")
    assert values.fingerprint({"a": 1}, {}, {}, "") != values.fingerprint({"a": "1"}, {}, {}, "")
    assert values.fingerprint({"a": True}, {}, {}, "") != values.fingerprint({"a": "true"}, {}, {}, "")
    assert len(values.fingerprint(found, {}, {}, "")) <= 63


def test_secret_values_need_the_salt() -> None:
    secret = {"password": "hunter2"}
    first, second = (values.fingerprint({}, secret, {}, salt) for salt in ("a", "b"))
    assert first != second
    assert first == values.fingerprint({}, secret, {}, "a")


@given(st.text(min_size=4, max_size=12), st.text(max_size=20))
def test_no_secret_value_survives_the_mask(secret: str, around: str) -> None:
    text = values.mask(f"{around}{secret}{around}", {"a": {"b": [secret]}})
    assert secret not in text or secret in around or set(secret) <= {"*"}


@given(st.binary(min_size=32, max_size=32))
def test_a_digest_fits_a_label_and_comes_back(digest: bytes) -> None:
    text = values.label(digest)
    assert len(text) <= 63 and values.unlabel(text) == digest.hex()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"ref": "oci://x"}, "write oci://registry/path"),
        ({"ref": "oci://quay.io/a/b"}, "chart.version is missing"),
        ({"ref": "https://x.example.com/index.yaml"}, r"ends in \.tgz"),
        ({"ref": "s3://bucket/x.tgz"}, "write oci://"),
        ({"ref": "oci://quay.io/a/b", "version": "1", "sha256": "abc"}, "chart.sha256 is 'abc'"),
    ],
)
def test_a_wrong_reference_is_named(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(KubestdError, match=sentence):
        chart.source(options)


def test_a_mirror_may_keep_the_host_in_its_path() -> None:
    mirror = {"registry": "harbor.example.com/{host}"}
    moved = chart.source({"ref": "oci://quay.io:443/a/b", "version": "1"}, mirror)
    assert moved.ref == "oci://harbor.example.com/quay.io:443/a/b"


def test_a_mirror_takes_the_place_of_the_host() -> None:
    mirror = {"registry": "m:5000/proxy", "files": "http://m/files/"}
    assert chart.source({"ref": "oci://quay.io/a/b", "version": "1"}, mirror).ref == "oci://m:5000/proxy/a/b"
    assert (
        chart.source({"ref": "https://h.example.com/a/b-1.tgz"}, mirror).ref == "http://m/files/h.example.com/a/b-1.tgz"
    )


@pytest.mark.parametrize(
    ("said", "cause"),
    [
        ("Error: failed: unexpected status from HEAD request: 401 Unauthorized", "refused the login"),
        ("Error: quay.io/a/b:1: not found", "it is not there"),
        ("Error: dial tcp 127.0.0.1:1: connect: connection refused", "does not answer"),
        ("Error: tls: failed to verify certificate: x509: certificate signed by unknown authority", "set registry.ca"),
        ("Error: http: server gave HTTP response to HTTPS client", "registry.plain_http"),
        ('GET "https://127.0.0.1:40387/v2/": basic credential not found', "refused the login"),
        ("http://127.0.0.1:40387/v2/: server gave HTTP response to HTTPS client", "plain_http"),
        ("Error: 429 Too Many Requests: toomanyrequests", "limits requests"),
    ],
)
def test_what_a_registry_says_is_explained(said: str, cause: str) -> None:
    assert cause in explain(last_words(said))


KEY = {"cosign_key": "k.pub"}
KEYLESS = {"cosign_identity": "me@example.com", "cosign_issuer": "https://issuer"}
IDENTITY = ["--certificate-identity", "me@example.com", "--certificate-oidc-issuer", "https://issuer"]


@pytest.mark.parametrize(
    ("verify", "registry", "arguments"),
    [
        (KEY, {}, ["--key", "k.pub"]),
        ({**KEY, "ignore_transparency_log": True}, {}, ["--key", "k.pub", "--insecure-ignore-tlog"]),
        (KEYLESS, {}, IDENTITY),
        ({**KEYLESS, "trusted_root": "r.json"}, {}, [*IDENTITY, "--trusted-root", "r.json", "--offline"]),
        (KEY, {"plain_http": True}, ["--key", "k.pub", "--allow-http-registry"]),
        (KEY, {"ca": "ca.crt", "username": "u", "password": "p"}, ["--key", "k.pub", "--registry-cacert", "ca.crt"]),
    ],
)
def test_cosign_is_asked_what_the_options_say(
    verify: dict[str, Any], registry: dict[str, Any], arguments: list[str]
) -> None:
    assert list(cosign_command(verify, registry)) == ["verify", *arguments]


@pytest.mark.parametrize(
    ("found", "arguments", "needed"),
    [
        ("v1.13.1", ["verify"], "2.0"),
        ("v2.4.1", ["verify", "--registry-cacert", "ca.crt"], "2.4.2"),
        ("v2.5.3", ["verify", "--trusted-root", "r.json"], "2.6.2"),
        ("devel", ["verify"], "2.0"),
        ("v2.5.3", ["verify", "--registry-cacert", "ca.crt"], None),
        ("v3.1.3", ["verify", "--trusted-root", "r.json"], None),
    ],
)
def test_a_cosign_that_would_not_heed_a_flag_is_refused(
    tmp_path: Path, found: str, arguments: list[str], needed: str | None
) -> None:
    program = tmp_path / "cosign"
    said = json.dumps({"gitVersion": found, "goVersion": "go1.26.8"}, indent=2)
    program.write_text(f"#!/bin/sh\ncat << EOF\n{said}\nEOF\n")
    program.chmod(0o755)
    tool = Tool(str(program), str(tmp_path))
    if needed is None:
        require(tool, "cosign", arguments)
    else:
        with pytest.raises(KubestdError, match=rf"cosign is version .*; cosign {needed} or newer is needed"):
            require(tool, "cosign", arguments)
