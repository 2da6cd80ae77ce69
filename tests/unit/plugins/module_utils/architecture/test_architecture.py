# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What systems say of themselves, who uses whom, and the picture of it."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from typing import Any

from ansible_collections.kubestd.platform.plugins.module_utils._architecture.drawing import CROWD, WIDTH, picture
from ansible_collections.kubestd.platform.plugins.module_utils._architecture.links import Link, links, owner_of
from ansible_collections.kubestd.platform.plugins.module_utils._architecture.page import page
from ansible_collections.kubestd.platform.plugins.module_utils._component.describe import describe
from ansible_collections.kubestd.platform.plugins.module_utils._component.record import parse
from hypothesis import given
from hypothesis import strategies as st

SVG = "{http://www.w3.org/2000/svg}"


def shop(**more: Any) -> dict[str, Any]:
    values = {
        "database": "shop-db-rw.data.svc.cluster.local:5432",
        "issuer": "https://login.example.com/realms/x",
        "client": {"redirectUris": ["https://nobody.example.com/*"]},
    }
    policy = {"ingress": [{"from": [{"podSelector": {"matchLabels": {"app": "shop"}}}], "ports": [{"port": 80}]}, {}]}
    objects = [
        {
            "apiVersion": "v1",
            "kind": "HTTPRoute",
            "metadata": {"name": "shop"},
            "spec": {"hostnames": ["shop.example.com"]},
        },
        {"apiVersion": "v1", "kind": "NetworkPolicy", "metadata": {"name": "shop"}, "spec": policy},
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": {"a": "https://hidden.svc"}},
    ]
    release = {
        "name": "shop",
        "chart": {"ref": "https://c.example/shop-1.0.0.tgz", "version": "1.0.0"},
        "values": values,
        "secret_values": {"password": "https://secret.example.com"},
    }
    return {"name": "shop", "needs": ["database"], "stages": [{"releases": [release], "manifests": objects}], **more}


def test_a_record_says_its_names_ports_and_whom_it_mentions_but_no_value() -> None:
    said = describe(parse(shop()))
    assert said["releases"] == [{"name": "shop", "chart": "shop", "version": "1.0.0"}]
    assert said["hosts"] == ["shop.example.com"]
    assert said["mentions"] == {"services": ["shop-db-rw.data"], "hosts": ["login.example.com"]}
    assert said["ports"] == [
        {"policy": "shop", "ports": ["80/TCP"], "from": ["this namespace (app=shop)"]},
        {"policy": "shop", "ports": ["all"], "from": ["everywhere"]},
    ]
    assert "secret" not in json.dumps(said) and "hidden" not in json.dumps(said)


def systems() -> dict[str, dict[str, Any]]:
    """Four systems, two of them in one namespace."""
    empty: dict[str, Any] = {"needs": [], "hosts": [], "objects": [], "mentions": {"services": [], "hosts": []}}
    return {
        "shop": describe(parse(shop())),
        "database": {**empty, "name": "postgresql", "namespaces": ["data"], "objects": ["shop-db"]},
        "cache": {**empty, "name": "valkey", "namespaces": ["data"], "objects": ["shop-cache"]},
        "login": {**empty, "name": "login", "namespaces": ["id"], "hosts": ["login.example.com"]},
    }


def test_a_service_belongs_to_the_system_whose_object_has_its_name() -> None:
    assert owner_of("shop-db-rw.data", systems()) == "database"
    assert owner_of("shop-cache-headless.data", systems()) == "cache"
    assert owner_of("else.data", systems()) == "database", "the first of the namespace"
    assert owner_of("else.nowhere", systems()) == ""


def test_needs_and_addresses_are_links() -> None:
    assert links(systems()) == [Link("shop", "database", "both"), Link("shop", "login", "talks")]
    alone = {"shop": systems()["shop"]}
    assert links(alone) == [], "what is not in the inventory is no link"


NAMES = st.lists(st.text(min_size=1, max_size=12), unique=True, max_size=20)


@given(st.dictionaries(st.text(min_size=1, max_size=8), NAMES, max_size=5), st.data())
def test_any_architecture_is_a_picture_whose_boxes_do_not_overlap(
    layers: dict[str, list[str]], data: st.DataObject
) -> None:
    clean = {"".join(c for c in name if c.isprintable()) or "x": names for name, names in layers.items()}
    shown: set[str] = set()
    for layer, names in clean.items():
        clean[layer] = [name for name in names if name.isprintable() and not (name in shown or shown.add(name))]  # type: ignore[func-returns-value]
    every = sorted(shown)
    pairs = data.draw(st.lists(st.tuples(st.sampled_from(every), st.sampled_from(every)), max_size=40)) if every else []
    found = [Link(source, target, "needs") for source, target in dict.fromkeys(pairs) if source != target]
    tree = ElementTree.fromstring(picture("A & <b>", clean, {}, found, {"workers": ["w1"]}))
    boxes = [box for box in tree.iter(f"{SVG}rect") if box.get("class") == "box"]
    assert len(boxes) == len(every) + 1
    corners = {(int(box.attrib["x"]), int(box.attrib["y"])) for box in boxes}
    assert len(corners) == len(boxes)
    assert all(int(box.attrib["x"]) + int(box.attrib["width"]) <= WIDTH for box in boxes)
    crowd = {target for target in every if sum(link.target == target for link in found) > CROWD}
    assert len(list(tree.iter(f"{SVG}path"))) == sum(link.target not in crowd for link in found)


def test_the_page_has_a_table_of_systems_links_and_ports() -> None:
    layers = {"data": ["database", "cache", "login"], "runtime": ["shop"]}
    said = {name: {"releases": [], "files": [], "keeps": [], "ports": [], **one} for name, one in systems().items()}
    drawn = picture("It", layers, said, links(said), {})
    text = page("It", drawn, layers, said, links(said))
    assert "<td>shop 1.0.0</td>" in text
    assert "<td>shop</td><td>database</td><td>database, login</td>" in text
    assert "<td>80/TCP</td><td>this namespace (app=shop)</td>" in text
    assert "src=" not in text and "href=" not in text, "the page asks for nothing from elsewhere"
