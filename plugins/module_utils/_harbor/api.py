# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The API of one Harbor, at its address or behind the service proxy of an API server.

The API server takes the header Authorization for itself, so that behind it the module has a session as the portal has:
cookies, and the token against forged requests (src/server/middleware/csrf of Harbor).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from .._kube import Answer, KubeClient
from .plan import HarborError

ROOT = "/api/v2.0"
PAGE = 100  # the most that Harbor gives in one answer
TOKEN = "X-Harbor-CSRF-Token"


class Api:
    """Requests to one Harbor. client: reaches it below prefix; reading is tried again for as long as the client says."""

    def __init__(self, client: KubeClient, prefix: str = "") -> None:
        self.client, self.prefix = client, prefix
        self.cookies: dict[str, str] = {}

    def login(self, user: str, password: str) -> None:
        """Begin a session."""
        # a request with a session is given the token
        self.cookies["sid"] = "none"
        self.client.add_header("Cookie", "sid=none")
        self.get("/systeminfo")
        form = urlencode({"principal": user, "password": password}).encode()
        answer = self._once("POST", f"{self.prefix}/c/login", form, "application/x-www-form-urlencoded")
        if answer.status == 401:
            raise HarborError(
                f"Harbor does not accept the password of {user}; the Secret has another one than Harbor. Who changed it in the portal"
                " writes it into the Secret, too."
            )
        if answer.status > 299:
            raise HarborError(f"Harbor does not let {user} in: {answer.status} {problem(answer)}")

    def get(self, path: str, query: dict[str, str] | None = None) -> Any:
        """The value at a path; None when there is none."""
        answer = self._keep(self.client.ask("GET", f"{self.prefix}{ROOT}{path}", query=query))
        if answer.status in (404, 412):
            return None
        if answer.status > 299:
            raise HarborError(f"Harbor answers {answer.status} to GET {path}: {problem(answer)}")
        return answer.data

    def pages(self, path: str, query: dict[str, str] | None = None) -> Iterator[dict[str, Any]]:
        """All items of a list."""
        number = 1
        while True:
            found = self.get(path, {**(query or {}), "page": str(number), "page_size": str(PAGE)}) or []
            yield from found
            if len(found) < PAGE:
                return
            number += 1

    def send(self, method: str, path: str, body: Any = None) -> Answer:
        """A change, once."""
        answer = self._once(method, f"{self.prefix}{ROOT}{path}", body)
        if answer.status > 299:
            raise HarborError(f"Harbor answers {answer.status} to {method} {path}: {problem(answer)}")
        return answer

    def make(self, path: str, body: Any) -> str:
        """Make a thing; its number."""
        return self.send("POST", path, body).headers.get("location", "").rpartition("/")[2]

    def _once(self, method: str, path: str, body: Any, content_type: str = "application/json") -> Answer:
        patience, self.client.retry_for = self.client.retry_for, 0.0
        try:
            return self._keep(self.client.ask(method, path, body, content_type=content_type))
        finally:
            self.client.retry_for = patience

    def _keep(self, answer: Answer) -> Answer:
        """Remember what belongs to the session."""
        if self.cookies:
            for line in answer.headers.get("set-cookie", "").splitlines():
                name, _, value = line.partition(";")[0].partition("=")
                self.cookies[name.strip()] = value.strip()
            self.client.add_header("Cookie", "; ".join(f"{name}={value}" for name, value in self.cookies.items()))
            if TOKEN.lower() in answer.headers:
                self.client.add_header(TOKEN, answer.headers[TOKEN.lower()])
        return answer


def problem(answer: Answer) -> str:
    """What Harbor says is wrong."""
    data = answer.data
    errors = data.get("errors") if isinstance(data, dict) else None
    if errors:
        return "; ".join(" ".join(str(one.get("message", "")).split()) for one in errors)
    return " ".join(str(data.get("message", "") if isinstance(data, dict) else data or "").split())[:200] or "no reason"
