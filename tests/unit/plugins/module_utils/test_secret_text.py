# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A key of a Secret that is a text with other keys in it: it is made last, and follows them."""

from __future__ import annotations

import base64
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.kubestd.platform.plugins.module_utils._errors import KubestdError
from ansible_collections.kubestd.platform.plugins.module_utils._kube import Answer, KubeClient
from ansible_collections.kubestd.platform.plugins.module_utils._secret.plan import make, make_keys
from ansible_collections.kubestd.platform.plugins.module_utils._secret.run import Store

TEXT = "user: a\npassword: ${word}\n"
OPTIONS = {"name": "a", "namespace": "b", "copies": ["c"], "labels": {}, "annotations": {}, "type": "Opaque"}


class Memory(KubeClient):
    """An API server that has Secrets."""

    def __init__(self) -> None:
        super().__init__("http://127.0.0.1:1")
        self.secrets: dict[str, Any] = {}

    def ask(self, method: str, path: str, body: Any = None, *_: Any, **__: Any) -> Answer:
        space = path.split("/")[4]
        if method != "GET":
            assert method == ("PUT" if space in self.secrets else "POST")
            body["metadata"]["resourceVersion"] = "1"
            self.secrets[space] = body
        return Answer(200, self.secrets[space]) if space in self.secrets else Answer(404, {})

    def said(self, key: str, space: str = "b") -> str:
        return base64.b64decode(self.secrets[space]["data"][key]).decode()


def keys(text: str = TEXT) -> list[dict[str, Any]]:
    return [
        {"key": "line", "format": "text", "length": 32, "text": text},
        {"key": "word", "format": "password", "length": 8},
    ]


def present(client: Memory, text: str = TEXT, check_mode: bool = False) -> dict[str, Any]:
    return Store(SimpleNamespace(client=client), OPTIONS, make_keys(keys(text))).present(check_mode)  # type: ignore[arg-type]


def test_it_has_the_other_key_in_it_in_every_copy() -> None:
    client = Memory()
    assert present(client)["made"] == ["word", "line"]
    assert client.said("line") == f"user: a\npassword: {client.said('word')}\n" == client.said("line", "c")
    assert len(client.said("word")) == 8 and not present(client)["changed"]


def test_other_words_change_the_text_and_nothing_else() -> None:
    client = Memory()
    present(client)
    word = client.said("word")
    assert present(client, "password: ${word}", check_mode=True)["made"] == ["line"]
    assert client.said("line").startswith("user")
    assert present(client, "password: ${word}")["made"] == ["line"]
    assert (client.said("word"), client.said("line")) == (word, f"password: {word}")


def test_it_follows_a_key_that_was_made_anew() -> None:
    client = Memory()
    present(client)
    del client.secrets["b"]["data"]["word"]
    assert present(client)["made"] == ["word", "line"]
    assert client.said("line") == f"user: a\npassword: {client.said('word')}\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ("${none}", "names none, which is no other key"),
        ("${line}", "names line, which is no other key"),
    ],
)
def test_a_text_that_is_empty_or_names_no_other_key_is_refused(text: str, said: str) -> None:
    with pytest.raises(KubestdError, match=said):
        make_keys(keys(text))


def test_a_text_without_another_key_stands_beside_it() -> None:
    """As the name of a user beside its password, for programs that read both from one Secret."""
    (key,) = make_keys([{"key": "username", "format": "text", "length": 32, "text": "reader"}])
    assert make(key, {}, lambda _: b"") == b"reader"
