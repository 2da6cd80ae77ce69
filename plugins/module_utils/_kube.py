# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small client of the API server for use on nodes: client certificate, JSON, one connection, only stdlib."""

from __future__ import annotations

import base64
import http.client
import json
import os
import random
import re
import socket
import ssl
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

from ._errors import KubestdError

RETRIED = frozenset({429, 500, 502, 503, 504})
# What OpenSSL answers when a chain does not end in the CA given: X509_V_ERR_* of openssl/x509_vfy.h.
UNKNOWN_CA = frozenset({2, 7, 18, 19, 20, 21, 30, 33, 47})
EXPIRED = frozenset({9, 10})


class KubeError(KubestdError):
    """A request failed; status is the HTTP status, 0 when there was no answer."""

    def __init__(self, message: str, status: int = 0, reason: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason


@dataclass
class Answer:
    """What the server answered; data is the JSON value, or the text when it is none."""

    status: int
    data: Any
    headers: dict[str, str] = field(default_factory=dict)


def verify_failure(error: BaseException) -> str:
    """foreign | expired | '' : why a server's certificate was not accepted."""
    code = getattr(error, "verify_code", None)
    if code in EXPIRED:
        return "expired"
    return "foreign" if code in UNKNOWN_CA else ""


class KubeClient:
    """Requests to one server over one connection that is kept open.

    verify_name: whether the certificate must name the host; its issuer is checked in any case when a CA is given.
    """

    def __init__(
        self,
        server: str,
        ca: str | None = None,
        certificate: str | None = None,
        key: str | None = None,
        timeout: float = 10.0,
        retry_for: float = 0.0,
        verify_name: bool = True,
    ) -> None:
        url = urlsplit(server if "//" in server else f"https://{server}")
        if not url.hostname:
            raise KubestdError(f"{server!r} is not the address of an API server; write https://host:port.")
        self.server = f"{url.scheme or 'https'}://{url.netloc}"
        self.host, self.port, self.plain = url.hostname, url.port or 443, url.scheme == "http"
        self.timeout, self.retry_for = timeout, retry_for
        self._connection: http.client.HTTPConnection | None = None
        self._context: ssl.SSLContext | None = None
        if not self.plain:
            try:
                self._context = self._make_context(ca, certificate, key, verify_name)
            except (OSError, ssl.SSLError) as error:
                raise KubestdError(f"Cannot use the certificates {ca}, {certificate}: {error}") from error

    @staticmethod
    def _make_context(ca: str | None, certificate: str | None, key: str | None, verify_name: bool) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = verify_name and ca is not None
        if ca is None:
            context.verify_mode = ssl.CERT_NONE
        else:
            context.load_verify_locations(cafile=ca)
        if certificate is not None:
            context.load_cert_chain(certificate, key)
        return context

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _once(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> Answer:
        fresh = self._connection is None
        if self._connection is None:
            if self.plain:
                self._connection = http.client.HTTPConnection(self.host, self.port, timeout=self.timeout)
            else:
                self._connection = http.client.HTTPSConnection(
                    self.host, self.port, timeout=self.timeout, context=self._context
                )
        try:
            self._connection.request(method, path, body=body, headers=headers)
            response = self._connection.getresponse()
            raw = response.read()
        except (http.client.BadStatusLine, BrokenPipeError, ConnectionResetError):
            self.close()
            # A server may close an idle connection; a reading request is safe to repeat once on a new one.
            if fresh or method != "GET":
                raise
            return self._once(method, path, body, headers)
        except BaseException:
            self.close()
            raise
        text = raw.decode("utf-8", "replace")
        try:
            data = json.loads(text)
        except ValueError:
            data = text
        return Answer(response.status, data, {name.lower(): value for name, value in response.getheaders()})

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        query: dict[str, str] | None = None,
        content_type: str = "application/json",
        accept: str = "application/json",
    ) -> Answer:
        """One request, tried again on 429, 5xx and a refused connection until retry_for seconds have passed.

        Raises KubeError with status 0 when there is no answer; any HTTP status is an answer.
        """
        target = path + (f"?{urlencode(query)}" if query else "")
        payload = None if body is None else json.dumps(body).encode()
        headers = {"Accept": accept, "User-Agent": "kubestd.platform"}
        if payload is not None:
            headers["Content-Type"] = content_type
        until = time.monotonic() + self.retry_for
        pause = 0.1
        while True:
            wait = pause * (0.5 + random.random())
            last_chance = time.monotonic() + wait > until
            try:
                answer = self._once(method, target, payload, headers)
                if answer.status not in RETRIED or last_chance:
                    return answer
                asked = answer.headers.get("retry-after", "")
                wait = max(wait, float(asked)) if asked.isdigit() else wait
            except (OSError, http.client.HTTPException) as error:
                # A refused connection did nothing; any other break may have, so only reading is repeated.
                repeatable = method == "GET" or isinstance(error, ConnectionRefusedError)
                if last_chance or not repeatable or isinstance(error, ssl.SSLCertVerificationError):
                    raise KubeError(
                        f"{method} {self.server}{path}: {error or type(error).__name__}", 0, verify_failure(error)
                    ) from error
            time.sleep(wait)
            pause = min(pause * 2, 2.0)

    def get(self, path: str, query: dict[str, str] | None = None) -> Any:
        """The JSON value at path, or None on 404; raises KubeError on any other answer."""
        answer = self.ask("GET", path, query=query)
        if answer.status == 404:
            return None
        return self._checked("GET", path, answer)

    def send(self, method: str, path: str, body: Any = None, content_type: str = "application/json") -> Any:
        """Send a change and return the answer; raises KubeError on any status above 299."""
        return self._checked(method, path, self.ask(method, path, body, content_type=content_type))

    def delete(self, path: str) -> bool:
        """Delete an object; False when there was none."""
        answer = self.ask("DELETE", path)
        if answer.status == 404:
            return False
        self._checked("DELETE", path, answer)
        return True

    def _checked(self, method: str, path: str, answer: Answer) -> Any:
        if answer.status > 299:
            said = answer.data.get("message", "") if isinstance(answer.data, dict) else str(answer.data)[:200]
            raise KubeError(f"{method} {self.server}{path}: {answer.status} {said}".rstrip(), answer.status)
        return answer.data


def kubeconfig_credentials(path: str) -> bytes | None:
    """Client certificate and key of a kubeconfig that kubeadm wrote, as PEM; None when it has none.

    Such files have one user with the data inline, so that two lines say it all and no YAML parser is needed on nodes.
    """
    with open(path, encoding="utf-8") as handle:
        text = handle.read()
    parts = [re.search(rf"^\s*client-{part}-data:\s*(\S+)\s*$", text, re.MULTILINE) for part in ("certificate", "key")]
    if not all(parts):
        return None
    return b"\n".join(base64.b64decode(part.group(1)) for part in parts if part)


def admin_client(server: str, root: str = "/", **options: Any) -> KubeClient:
    """The API server as the cluster's administrator: with the credentials of /etc/kubernetes/admin.conf.

    They reach OpenSSL, which takes files only, through memory that has no name in any file system.
    """
    folder = os.path.join(root, "etc/kubernetes")
    config = os.path.join(folder, "admin.conf")
    try:
        pem = kubeconfig_credentials(config)
    except (OSError, ValueError) as error:
        raise KubeError(f"Cannot read {config}: {error}") from error
    if pem is None:
        raise KubeError(f"{config} has no client certificate; kubeadm writes it with one.")
    memory = os.memfd_create("kubestd", os.MFD_CLOEXEC)
    try:
        os.write(memory, pem)
        return KubeClient(server, os.path.join(folder, "pki/ca.crt"), f"/proc/self/fd/{memory}", None, **options)
    finally:
        os.close(memory)


def port_open(host: str, port: int, timeout: float = 1.0) -> bool:
    """Whether something accepts connections there."""
    try:
        with socket.create_connection((host, port), timeout=timeout):
            return True
    except OSError:
        return False
