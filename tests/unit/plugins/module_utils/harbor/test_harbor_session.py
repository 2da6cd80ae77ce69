# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The session with a Harbor behind an API server, which takes the header Authorization for itself."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.kubestd.platform.plugins.module_utils._harbor.api import Api
from ansible_collections.kubestd.platform.plugins.module_utils._harbor.plan import HarborError
from ansible_collections.kubestd.platform.plugins.module_utils._kube import Answer


class Client:
    """Answers in turn, and what was asked for."""

    def __init__(self, *answers: Answer) -> None:
        self.answers, self.retry_for = list(answers), 60.0
        self.asked: list[tuple[Any, ...]] = []
        self.headers: dict[str, str] = {}

    def add_header(self, name: str, value: str) -> None:
        self.headers[name] = value

    def ask(self, method: str, path: str, body: Any = None, query: Any = None, content_type: str = "") -> Answer:
        self.asked.append((method, path, body, dict(self.headers), self.retry_for))
        return self.answers.pop(0)


FIRST = Answer(200, {}, {"set-cookie": "_gorilla_csrf=c1; Path=/\nsid=s1; Path=/", "x-harbor-csrf-token": "t1"})
SECOND = Answer(200, "", {"set-cookie": "sid=s2; Path=/; HttpOnly", "x-harbor-csrf-token": "t2"})


def test_a_login_gives_cookies_and_a_token_that_every_change_shows() -> None:
    client = Client(FIRST, SECOND, Answer(201, "", {"location": "/api/v2.0/projects/7"}))
    api = Api(client, "/proxy")
    api.login("admin", "p&=ä")
    assert api.make("/projects", {"project_name": "x"}) == "7"
    _, login, change = client.asked
    assert client.asked[0][3]["Cookie"] == "sid=none"
    assert login[:3] == ("POST", "/proxy/c/login", b"principal=admin&password=p%26%3D%C3%A4")
    assert login[3] == {"Cookie": "sid=s1; _gorilla_csrf=c1", "X-Harbor-CSRF-Token": "t1"}
    assert change[:2] == ("POST", "/proxy/api/v2.0/projects")
    assert change[3] == {"Cookie": "sid=s2; _gorilla_csrf=c1", "X-Harbor-CSRF-Token": "t2"}


def test_reading_is_tried_again_and_a_change_is_not() -> None:
    client = Client(Answer(200, []), Answer(500, {"errors": [{"message": "no  space"}]}))
    api = Api(client)
    api.get("/registries")
    with pytest.raises(HarborError, match="Harbor answers 500 to PUT /quotas/1: no space"):
        api.send("PUT", "/quotas/1", {})
    assert [asked[4] for asked in client.asked] == [60.0, 0.0] and client.retry_for == 60.0


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (Answer(401, ""), "does not accept the password of admin; the Secret has another one"),
        (Answer(503, {"message": "no endpoints available"}), "does not let admin in: 503 no endpoints available"),
    ],
)
def test_a_refused_login_is_said_without_the_password(answer: Answer, message: str) -> None:
    with pytest.raises(HarborError, match=message) as refused:
        Api(Client(FIRST, answer)).login("admin", "marker")
    assert "marker" not in str(refused.value)
