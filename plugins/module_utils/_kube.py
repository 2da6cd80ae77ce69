# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small client of the API server: JSON over one connection that is kept open, only Python's standard library.

It runs on nodes too. Who asks which server (kubeconfig, token, exec plugin) is decided in _kubeconfig.py.
"""

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
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlencode, urlsplit

from ._errors import KubestdError

RETRIED = frozenset({429, 500, 502, 503, 504})
# What OpenSSL answers when a chain does not end in the CA given: X509_V_ERR_* of openssl/x509_vfy.h.
UNKNOWN_CA = frozenset({2, 7, 18, 19, 20, 21, 30, 33, 47})
EXPIRED = frozenset({9, 10})
FULL = "database space exceeded"
# What the API server says, and what an operator does about it.
ADVICE = (
    (
        FULL,
        "etcd is full; delete what is not needed, then compact and defragment it and disarm its alarm (etcdctl compact,"
        " defrag, alarm disarm), or raise its --quota-backend-bytes first",
    ),
    (
        "too many requests",
        "the API server holds requests of this user back (API Priority and Fairness); try again later, or give the user a"
        " FlowSchema with more room",
    ),
)


def advice(text: str) -> str:
    """What to do about a failure, as the rest of a sentence; '' when it says that itself."""
    return next((f" ({said})" for words, said in ADVICE if words in text.lower()), "")


class KubeError(KubestdError):
    """A request failed; status is the HTTP status, 0 when there was no answer.

    reason: the reason of the Status object, or of a certificate that was not accepted. answer: the Status object.
    """

    def __init__(self, message: str, status: int = 0, reason: str = "", answer: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.answer = answer or {}


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


@contextmanager
def in_memory(content: bytes) -> Iterator[str]:
    """A path of content that is in no file system; for this process, and for children that get its descriptor (pass_fds)."""
    memory = os.memfd_create("kubestd", os.MFD_CLOEXEC)
    try:
        with os.fdopen(os.dup(memory), "wb") as handle:
            handle.write(content)
        yield f"/proc/self/fd/{memory}"
    finally:
        os.close(memory)


class _Connection(http.client.HTTPSConnection):
    """TLS with another name than the address, as tls-server-name of a kubeconfig asks for."""

    def __init__(self, host: str, port: int, timeout: float, context: ssl.SSLContext, name: str | None) -> None:
        super().__init__(host, port, timeout=timeout, context=context)
        self._tls, self._name = context, name

    def connect(self) -> None:
        """Connect, through the proxy if there is one, and speak TLS."""
        http.client.HTTPConnection.connect(self)
        tunnel = getattr(self, "_tunnel_host", None)
        self.sock = self._tls.wrap_socket(self.sock, server_hostname=self._name or tunnel or self.host)


def _basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def _value(text: str) -> Any:
    """The JSON value of a text, or the text when it is none."""
    try:
        return json.loads(text)
    except ValueError:
        return text


class KubeClient:
    """Requests to one server over one connection that is kept open.

    ca: a file, or certificates as PEM text; None with verify=True means the CAs of this machine.
    certificate, key: files, or certificate: PEM bytes that hold both. token: a bearer token.
    token may be a function, which is asked before each request, since tokens expire. login: user and password instead of a token.
    verify_name: whether the certificate must name the host (server_name, if given); its issuer is checked in any case.
    proxy: http://[user:password@]host:port through which the server is reached.
    timeout: seconds for one answer. retry_for: seconds in which a request is tried again.
    """

    def __init__(
        self,
        server: str,
        ca: str | None = None,
        certificate: str | bytes | None = None,
        key: str | None = None,
        timeout: float = 10.0,
        retry_for: float = 0.0,
        verify_name: bool = True,
        verify: bool | None = None,
        token: str | Callable[[], str | None] | None = None,
        server_name: str | None = None,
        proxy: str | None = None,
        login: tuple[str, str] | None = None,
    ) -> None:
        url = urlsplit(server if "//" in server else f"https://{server}")
        if not url.hostname or url.scheme not in ("", "http", "https"):
            raise KubestdError(f"{server!r} is not the address of an API server; write https://host:port.")
        self.server = f"{url.scheme or 'https'}://{url.netloc}"
        self.prefix = url.path.rstrip("/")
        self.plain = url.scheme == "http"
        self.host, self.port = url.hostname, url.port or (80 if self.plain else 443)
        self.timeout, self.retry_for = timeout, retry_for
        self._server_name = server_name
        self._proxy = urlsplit(proxy if "://" in proxy else f"http://{proxy}") if proxy else None
        if self._proxy is not None and (self._proxy.scheme != "http" or not self._proxy.hostname):
            where = f"{self._proxy.scheme}://{self._proxy.hostname or ''}"
            raise KubestdError(
                f"The proxy {where} in front of {self.server} cannot be used; name one as http://host:port."
            )
        self._token, self._login = token, login
        self._more: dict[str, str] = {}
        self._connection: http.client.HTTPConnection | None = None
        self._context: ssl.SSLContext | None = None
        if not self.plain:
            verify = ca is not None if verify is None else verify
            try:
                self._context = self._make_context(ca, certificate, key, verify, verify_name)
            except (OSError, ssl.SSLError, ValueError) as error:
                of = [text for text in (ca, certificate) if isinstance(text, str) and "\n" not in text]
                raise KubestdError(f"Cannot use the certificates {', '.join(of) or 'given'}: {error}") from error

    @staticmethod
    def _make_context(
        ca: str | None, certificate: str | bytes | None, key: str | None, verify: bool, verify_name: bool
    ) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = verify and verify_name
        if not verify:
            context.verify_mode = ssl.CERT_NONE
        elif ca is None:
            context.load_default_certs()
        elif "\n" in ca:
            context.load_verify_locations(cadata=ca)
        else:
            context.load_verify_locations(cafile=ca)
        if isinstance(certificate, bytes):
            with in_memory(certificate) as path:
                context.load_cert_chain(path)
        elif certificate is not None:
            context.load_cert_chain(certificate, key)
        return context

    def _connect(self, timeout: float) -> http.client.HTTPConnection:
        host, port = self.host, self.port
        if self._proxy is not None:
            host, port = self._proxy.hostname or "", self._proxy.port or 80
        connection = (
            http.client.HTTPConnection(host, port, timeout=timeout)
            if self._context is None
            else _Connection(host, port, timeout, self._context, self._server_name)
        )
        if self._proxy is not None:
            user = unquote(self._proxy.username or ""), unquote(self._proxy.password or "")
            connection.set_tunnel(self.host, self.port, {"Proxy-Authorization": _basic(*user)} if any(user) else {})
        return connection

    def _headers(self, accept: str) -> dict[str, str]:
        headers = {"User-Agent": "kubestd.platform", "Accept": accept, **self._more}
        try:
            token = self._token() if callable(self._token) else self._token
        except KubestdError as error:
            raise KubeError(str(error)) from error
        if token:
            headers["Authorization"] = f"Bearer {token}"
        elif self._login:
            headers["Authorization"] = _basic(*self._login)
        return headers

    def add_header(self, name: str, value: str) -> None:
        """Send a header with every request, for what is behind the proxy of an API server."""
        self._more[name] = value

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _once(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> Answer:
        fresh = self._connection is None
        if self._connection is None:
            self._connection = self._connect(self.timeout)
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
        headers = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, raw.decode("utf-8", "replace"), headers)

    def look(
        self, path: str, timeout: float, body: bytes | None = None, content_type: str = "application/json"
    ) -> Answer:
        """One GET of anything, or POST of a body, without a second try; data is the text of the answer.

        Raises KubeError when none came in time.
        """
        usual, method, headers = self.timeout, "GET", self._headers("*/*")
        if body is not None:
            method, headers["Content-Type"] = "POST", content_type
            # a server may have closed the one that is kept, and what is sent is not repeated
            self.close()
        self._set_timeout(timeout)
        try:
            return self._once(method, self.prefix + path, body, headers)
        except (OSError, http.client.HTTPException) as error:
            raise self._no_answer(method, path, error) from error
        finally:
            self._set_timeout(usual)

    def _set_timeout(self, seconds: float) -> None:
        self.timeout = seconds
        if self._connection is not None and self._connection.sock is not None:
            self._connection.sock.settimeout(seconds)

    def _no_answer(self, method: str, path: str, error: Exception) -> KubeError:
        text = f"{method} {self.server}{path}: {error or type(error).__name__}"
        return KubeError(text, 0, verify_failure(error))

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        query: dict[str, str] | None = None,
        content_type: str = "application/json",
        accept: str = "application/json",
    ) -> Answer:
        """One request, tried again on 429, 5xx (but not when etcd is full) and a refused connection for retry_for seconds.

        Raises KubeError with status 0 when there is no answer; any HTTP status is an answer.
        """
        target = self.prefix + path + (f"?{urlencode(query)}" if query else "")
        payload = None if body is None else json.dumps(body).encode()
        headers = self._headers(accept)
        if payload is not None:
            headers["Content-Type"] = content_type
        until = time.monotonic() + self.retry_for
        pause = 0.1
        while True:
            wait = pause * (0.5 + random.random())
            last_chance = time.monotonic() + wait > until
            try:
                answer = self._once(method, target, payload, headers)
                answer.data = _value(answer.data)
                if answer.status not in RETRIED or last_chance or FULL in str(answer.data):
                    return answer
                asked = answer.headers.get("retry-after", "")
                wait = max(wait, float(asked)) if asked.isdigit() else wait
                if time.monotonic() + wait > until:
                    return answer
            except (OSError, http.client.HTTPException) as error:
                # A refused connection did nothing; any other break may have, so only reading is repeated.
                repeatable = method == "GET" or isinstance(error, ConnectionRefusedError)
                if last_chance or not repeatable or isinstance(error, ssl.SSLCertVerificationError):
                    raise self._no_answer(method, path, error) from error
            time.sleep(wait)
            pause = min(pause * 2, 2.0)

    def get(self, path: str, query: dict[str, str] | None = None) -> Any:
        """The JSON value at path, or None on 404; raises KubeError on any other answer."""
        answer = self.ask("GET", path, query=query)
        if answer.status == 404:
            return None
        return self.checked("GET", path, answer)

    def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        content_type: str = "application/json",
        query: dict[str, str] | None = None,
    ) -> Any:
        """Send a change and return the answer; raises KubeError on any status above 299."""
        return self.checked(method, path, self.ask(method, path, body, query, content_type))

    def stream(
        self, path: str, query: dict[str, str], idle: float, accept: str = "application/json"
    ) -> Iterator[dict[str, Any]]:
        """The JSON lines of a watch, on a connection of its own, until the server ends it.

        Raises KubeError when there is no connection, when it breaks, or when nothing came for idle seconds.
        """
        connection = self._connect(idle)
        try:
            target = f"{self.prefix}{path}?{urlencode(query)}"
            connection.request("GET", target, headers=self._headers(accept))
            response = connection.getresponse()
            if response.status > 299:
                said = _value(response.read().decode("utf-8", "replace"))
                self.checked("GET", path, Answer(response.status, said))
            while True:
                line = response.readline()
                if not line:
                    return
                yield json.loads(line)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise self._no_answer("GET", path, error) from error
        finally:
            connection.close()

    def delete(self, path: str, query: dict[str, str] | None = None) -> bool:
        """Delete an object; False when there was none."""
        answer = self.ask("DELETE", path, query=query)
        if answer.status == 404:
            return False
        self.checked("DELETE", path, answer)
        return True

    def checked(self, method: str, path: str, answer: Answer) -> Any:
        """The JSON value of an answer; raises KubeError on any status above 299."""
        if answer.status > 299:
            data = answer.data if isinstance(answer.data, dict) else {"message": str(answer.data)[:200]}
            text = f"{method} {self.server}{path}: {answer.status} {data.get('message', '')}".rstrip()
            text += advice(text)
            raise KubeError(text, answer.status, str(data.get("reason", "")), data)
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
    """The API server as the cluster's administrator: with the credentials of /etc/kubernetes/admin.conf."""
    folder = os.path.join(root, "etc/kubernetes")
    config = os.path.join(folder, "admin.conf")
    try:
        pem = kubeconfig_credentials(config)
    except (OSError, ValueError) as error:
        raise KubeError(f"Cannot read {config}: {error}") from error
    if pem is None:
        raise KubeError(f"{config} has no client certificate; kubeadm writes it with one.")
    return KubeClient(server, os.path.join(folder, "pki/ca.crt"), pem, **options)


def port_open(host: str, port: int, timeout: float = 1.0) -> bool:
    """Whether something accepts connections there."""
    try:
        with socket.create_connection((host, port), timeout=timeout):
            return True
    except OSError:
        return False
