# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From Ingresses to routes of one Gateway, without any Ingress."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.kubestd.platform.plugins.module_utils._ingress.annotations import PREFIX
from ansible_collections.kubestd.platform.plugins.module_utils._ingress.plan import (
    Note,
    boxes,
    convert,
    edited,
    of_class,
    parents,
    report,
    rows,
    serves,
    unserved,
)
from hypothesis import given
from hypothesis import strategies as st

GATEWAY = {"name": "platform", "namespace": "gateway-system"}
LISTENERS: list[dict[str, Any]] = [
    {"name": "http", "hostname": "*.example.com"},
    {"name": "https", "hostname": "*.example.com"},
]


def ingress(annotations: dict[str, str] | None = None, **spec: Any) -> dict[str, Any]:
    annotated = {PREFIX + name: value for name, value in (annotations or {}).items()}
    return {"metadata": {"name": "web", "namespace": "shop", "annotations": annotated}, "spec": spec}


def route(kind: str = "HTTPRoute", *parents: dict[str, Any], **spec: Any) -> dict[str, Any]:
    metadata = {"name": "web", "namespace": "shop", "creationTimestamp": None}
    return {
        "kind": kind,
        "metadata": metadata,
        "spec": {"parentRefs": list(parents), **spec},
        "status": {"parents": []},
    }


@pytest.mark.parametrize(
    ("spec", "annotations", "default", "expected"),
    [
        ({"ingressClassName": "nginx"}, {}, "", True),
        ({"ingressClassName": "traefik"}, {}, "nginx", False),
        ({}, {"kubernetes.io/ingress.class": "nginx"}, "", True),
        ({}, {}, "nginx", True),
        ({}, {}, "", False),
    ],
)
def test_an_ingress_is_of_the_class_that_it_names_or_of_the_default(
    spec: dict[str, Any], annotations: dict[str, str], default: str, expected: bool
) -> None:
    assert of_class({"metadata": {"annotations": annotations}, "spec": spec}, "nginx", default) is expected


def test_an_ingress_is_as_good_as_the_worst_of_it() -> None:
    tls = [{"hosts": ["a.example.com"], "secretName": "a-tls"}]
    found = rows([ingress({"ssl-redirect": "true"}, rules=[{"host": "a.example.com"}])], "standard")
    assert (found[0].name, found[0].hosts, found[0].word) == ("shop/web", ("a.example.com",), "translated")
    assert rows([ingress(rules=[{"host": "a.example.com"}], tls=tls)], "standard")[0].word == "look"
    assert rows([ingress({"auth-url": "x"}, rules=[], tls=tls)], "standard")[0].word == "lost"


def test_what_is_no_annotation_and_would_get_lost_is_seen() -> None:
    item = ingress(rules=[{"http": {"paths": [{"backend": {"resource": {"kind": "Bucket"}}}]}}])
    item["status"] = {"loadBalancer": {"ingress": [{"ip": "192.0.2.10"}]}}
    found = rows([item], "standard")[0]
    assert found.hosts == ("*",) and found.address == "192.0.2.10"
    assert {one.name for one in found.verdicts} == {"no host", "backend.resource"}
    assert rows([ingress(defaultBackend={"service": {"name": "web"}})], "standard")[0].hosts == ("*",)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ([{"name": "nginx"}], [GATEWAY]),
        ([{"name": "nginx", "port": 80}], [{**GATEWAY, "sectionName": "http"}]),
        ([{"name": "nginx", "port": 443, "sectionName": "a-example-com-https"}], [{**GATEWAY, "sectionName": "https"}]),
        ([{"name": "nginx", "sectionName": "a-example-com-http"}], [{**GATEWAY, "sectionName": "http"}]),
        ([{"name": "nginx"}, {"name": "other"}], [GATEWAY]),
        ([{"name": "nginx", "sectionName": "a-example-com-tls-passthrough"}], [GATEWAY]),
    ],
)
def test_a_route_hangs_on_the_shared_gateway(asked: list[dict[str, Any]], expected: list[dict[str, Any]]) -> None:
    assert parents(asked, GATEWAY) == expected


def test_only_what_the_gateway_does_not_have_yet_is_written() -> None:
    policy = {
        "kind": "BackendTrafficPolicy",
        "metadata": {"name": "p"},
        "spec": {"targetRefs": [{"kind": "HTTPRoute"}]},
    }
    wide = {"kind": "ClientTrafficPolicy", "metadata": {"name": "w"}, "spec": {"targetRefs": [{"kind": "Gateway"}]}}
    items = [route("Gateway"), route("GatewayClass"), route(hostnames=["a.example.com"]), policy, wide]
    made = convert(items, GATEWAY, LISTENERS)
    assert set(made.files) == {"shop.httproute.web.yaml", "default.backendtrafficpolicy.p.yaml"}
    written = made.files["shop.httproute.web.yaml"]
    assert "status" not in written and "creationTimestamp" not in written["metadata"]
    assert [note.text for note in made.notes] == [
        "ClientTrafficPolicy default/w is left out: it is for a whole Gateway, which is shared here"
    ]


def test_a_host_that_the_gateway_does_not_serve_is_said() -> None:
    made = convert([route(hostnames=["a.example.com", "shop.example.org"])], GATEWAY, LISTENERS)
    assert len(made.notes) == 1 and "serves shop.example.org; add one" in made.notes[0].text
    made = convert(
        [route("TLSRoute", {"sectionName": "a-tls-passthrough"}, hostnames=["a.example.com"])], GATEWAY, LISTENERS
    )
    assert "needs a listener of the Gateway with mode Passthrough" in made.notes[0].text


@pytest.mark.parametrize(
    ("listener", "host", "expected"),
    [
        ("", "a.example.com", True),
        ("a.example.com", "a.example.com", True),
        ("*.example.com", "b.a.example.com", True),
        ("*.example.com", "example.com", False),
        ("*.example.com", "*.example.com", True),
        ("a.example.com", "*.example.com", True),
        ("*.example.com", "a.example.org", False),
    ],
)
def test_a_listener_serves_hosts_as_the_gateway_api_says(listener: str, host: str, expected: bool) -> None:
    assert serves(listener, host) is expected
    assert unserved({"parentRefs": [{}], "hostnames": [host]}, [{"name": "x", "hostname": listener}]) == (
        [] if expected else [host]
    )


def box(level: str, *lines: str) -> str:
    return f"┌─ {level:5} {'─' * 40}\n" + "".join(f"│  {line}\n" for line in lines) + "└─\n"


def test_boxes_of_the_program_are_read_with_and_without_colours() -> None:
    text = box("WARN", "Unsupported annotation x", "source: INGRESS-NGINX") + box("ERROR", "no port")
    expected = [Note("WARN", "Unsupported annotation x source: INGRESS-NGINX"), Note("ERROR", "no port")]
    assert boxes(text) == expected
    assert boxes(text.replace("WARN ", "\x1b[33mWARN \x1b[90m").replace("│", "\x1b[90m│\x1b[0m")) == expected


words = st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=8).filter(
    lambda text: text[0] not in "┌│"
)


@given(st.lists(st.tuples(st.sampled_from(["INFO", "WARN", "ERROR"]), st.lists(words, min_size=1, max_size=3))))
def test_every_box_is_one_note(asked: list[tuple[str, list[str]]]) -> None:
    text = "".join(box(level, *lines) for level, lines in asked)
    assert boxes(text) == [Note(level, " ".join(lines)) for level, lines in asked]


@given(st.text())
def test_no_output_breaks_it(text: str) -> None:
    boxes(text)


def test_a_file_that_was_changed_or_deleted_is_edited() -> None:
    assert edited({"a": "1", "b": "2", "c": "3"}, {"a": "1", "b": "x", "d": "4"}) == {"b", "c"}


def test_the_report_says_what_is_lost_why_and_what_to_review() -> None:
    found = rows(
        [ingress({"server-snippet": "a|b", "use-regex": "true"}, rules=[{"host": "a.example.com"}])], "standard"
    )
    made = convert([route(hostnames=["a.example.com"])], GATEWAY, LISTENERS)
    made.notes += [Note("INFO", "hello"), Note("WARN", "look | here")]
    text = report(found, made, ["old.yaml"])
    assert "| shop/web | a.example.com | lost |" in text
    lost, look = text.index("| shop/web | server-snippet |"), text.index("| shop/web | use-regex |")
    assert text.index("## Not translated") < lost < text.index("## Translated, and worth a look") < look
    assert "| WARN | look \\| here |" in text and "hello" not in text
    assert "- shop.httproute.web.yaml" in text and "old.yaml was edited and stays" in text
    assert report([]).count("Nothing.") == 2
