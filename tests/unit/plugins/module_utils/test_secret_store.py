# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Secret for the namespace of another system, which is installed at the same time."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.kubestd.platform.plugins.module_utils._errors import KubestdError
from ansible_collections.kubestd.platform.plugins.module_utils._kube import Answer, KubeClient, KubeError
from ansible_collections.kubestd.platform.plugins.module_utils._secret.plan import Key, make, make_keys
from ansible_collections.kubestd.platform.plugins.module_utils._secret.run import Store


class Scripted(KubeClient):
    """An API server whose namespace appears between two requests."""

    def __init__(self, namespace: int) -> None:
        super().__init__("http://127.0.0.1:1")
        self.namespace, self.there, self.asked = namespace, False, []

    def ask(self, method: str, path: str, body: Any = None, *_: Any, **__: Any) -> Answer:
        self.asked.append((method, path))
        if method == "GET":
            return Answer(404, {})
        if path.endswith("/namespaces"):
            self.there = self.namespace in (201, 409)
            return Answer(self.namespace, {"message": "as it is"})
        return Answer(201, {}) if self.there else Answer(404, {"message": "no namespace"})


OPTIONS = {"name": "a", "namespace": "b", "copies": [], "labels": {}, "annotations": {}, "type": "Opaque"}


@pytest.mark.parametrize("namespace", [201, 409])
def test_a_namespace_that_somebody_else_makes_at_the_same_time_is_taken(namespace: int) -> None:
    client = Scripted(namespace)
    store = Store(SimpleNamespace(client=client), OPTIONS, [Key("key", "password", 8, 0, "", "")])  # type: ignore[arg-type]
    assert store.present(check_mode=False)["changed"]
    assert client.asked[-1] == ("POST", "/api/v1/namespaces/b/secrets")


def test_a_namespace_that_may_not_be_made_is_told() -> None:
    store = Store(SimpleNamespace(client=Scripted(403)), OPTIONS, [Key("key", "password", 8, 0, "", "")])  # type: ignore[arg-type]
    with pytest.raises(KubeError, match="as it is"):
        store.present(check_mode=False)


def test_a_name_stands_beside_its_password() -> None:
    described = {"key": "username", "format": "user", "user": "reader", "length": 32}
    (key,) = make_keys([described])
    assert make(key, {}, lambda _: b"") == b"reader"
    with pytest.raises(KubestdError, match="user of the key username is missing"):
        make_keys([{**described, "user": None}])
