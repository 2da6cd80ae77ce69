# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The client of the API server, against servers that misbehave."""

from __future__ import annotations

import base64
import http.server
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.kubestd.platform.plugins.module_utils._errors import KubestdError
from ansible_collections.kubestd.platform.plugins.module_utils._kube import KubeClient, KubeError, verify_failure
from ansible_collections.kubestd.platform.plugins.module_utils._kubeconfig import Access


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    answers: list[tuple[int, str]] = []
    seen: list[str] = []
    authorizations: list[str | None] = []
    extra: dict[str, str] = {}

    def do_GET(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length).decode()
        Handler.seen.append(f"{self.command} {self.path} {self.headers.get('Content-Type')} {body}")
        Handler.authorizations.append(self.headers.get("Authorization"))
        status, text = Handler.answers.pop(0) if len(Handler.answers) > 1 else Handler.answers[0]
        self.send_response(status)
        for name, value in {**Handler.extra, "Content-Length": str(len(text))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text.encode())

    do_PUT = do_POST = do_PATCH = do_DELETE = do_GET

    def log_message(self, *_args: object) -> None:
        return


@pytest.fixture
def server() -> Iterator[http.server.ThreadingHTTPServer]:
    Handler.seen, Handler.authorizations, Handler.extra = [], [], {}
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        threading.Thread(target=running.serve_forever, args=(0.02,), daemon=True).start()
        yield running
        running.shutdown()


def url(server: http.server.ThreadingHTTPServer) -> str:
    return f"http://127.0.0.1:{server.server_address[1]}"


def test_bytes_are_sent_as_they_are_and_cookies_are_kept_apart(server: http.server.ThreadingHTTPServer) -> None:
    Handler.answers = [(200, "")]
    Handler.extra = {"Set-Cookie": "a=1; Expires=Sun, 29 Nov 2026 06:48:35 GMT", "set-cookie": "b=2"}
    answer = KubeClient(url(server)).ask("POST", "/login", b"user=x", content_type="application/x-www-form-urlencoded")
    assert Handler.seen == ["POST /login application/x-www-form-urlencoded user=x"]
    assert answer.headers["set-cookie"].splitlines() == ["a=1; Expires=Sun, 29 Nov 2026 06:48:35 GMT", "b=2"]


def test_one_connection_carries_many_requests(server: http.server.ThreadingHTTPServer) -> None:
    Handler.answers = [(200, '{"a": 1}')]
    client = KubeClient(url(server))
    assert client.get("/x", {"labelSelector": "a=b"}) == {"a": 1}
    first = client._connection
    assert client.send("PATCH", "/y", {"b": 2}, "application/merge-patch+json") == {"a": 1}
    assert client._connection is first
    assert Handler.seen == ["GET /x?labelSelector=a%3Db None ", 'PATCH /y application/merge-patch+json {"b": 2}']


def test_a_busy_server_is_asked_again(server: http.server.ThreadingHTTPServer) -> None:
    Handler.answers = [(429, ""), (503, ""), (200, "{}")]
    assert KubeClient(url(server), retry_for=10.0).get("/x") == {}
    assert len(Handler.seen) == 3


def test_without_patience_the_first_answer_counts(server: http.server.ThreadingHTTPServer) -> None:
    Handler.answers = [(503, '{"message": "not ready"}')]
    with pytest.raises(KubeError, match="503 not ready") as caught:
        KubeClient(url(server)).get("/x")
    assert caught.value.status == 503


def test_what_is_not_there_is_none(server: http.server.ThreadingHTTPServer) -> None:
    Handler.answers = [(404, "{}")]
    assert KubeClient(url(server)).get("/x") is None
    assert KubeClient(url(server)).delete("/x") is False


def test_a_refused_connection_is_an_error_without_a_status() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    with pytest.raises(KubeError) as caught:
        KubeClient(f"http://127.0.0.1:{port}").get("/x")
    assert caught.value.status == 0


def test_an_address_that_is_none_is_refused() -> None:
    with pytest.raises(KubestdError, match="write https://host:port"):
        KubeClient("https://")


def test_a_server_of_another_ca_is_called_foreign(tmp_path: Path) -> None:
    for name in ("mine", "other"):
        command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        command += [
            "-keyout",
            str(tmp_path / f"{name}.key"),
            "-out",
            str(tmp_path / f"{name}.crt"),
            "-subj",
            f"/CN={name}",
        ]
        subprocess.run(command, check=True, capture_output=True)
    Handler.answers = [(200, "{}")]
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(tmp_path / "mine.crt", tmp_path / "mine.key")
        running.socket = context.wrap_socket(running.socket, server_side=True)
        threading.Thread(target=running.serve_forever, args=(0.02,), daemon=True).start()
        where = f"https://127.0.0.1:{running.server_address[1]}"
        assert KubeClient(where, str(tmp_path / "mine.crt"), verify_name=False).get("/x") == {}
        with pytest.raises(KubeError) as caught:
            KubeClient(where, str(tmp_path / "other.crt"), verify_name=False).get("/x")
        assert caught.value.reason == "foreign"
        running.shutdown()


def test_a_failure_that_is_not_about_certificates_has_no_reason() -> None:
    assert verify_failure(OSError("x")) == ""


def closed_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def test_a_refused_connection_is_tried_until_the_server_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    port, started = closed_port(), []

    def sleep(_seconds: float) -> None:
        """The server comes while the client waits for the second time."""
        started.append(None)
        if len(started) == 2:
            running = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
            threading.Thread(target=running.serve_forever, args=(0.02,), daemon=True).start()
            monkeypatch.setattr(Handler, "running", running, raising=False)

    monkeypatch.setattr("time.sleep", sleep)
    Handler.answers = [(200, '{"a": 1}')]
    assert KubeClient(f"http://127.0.0.1:{port}", retry_for=60.0).send("POST", "/x", {}) == {"a": 1}
    assert len(started) == 2
    Handler.running.shutdown()  # type: ignore[attr-defined]
    Handler.running.server_close()  # type: ignore[attr-defined]


def test_tries_are_further_and_further_apart_and_never_at_the_same_distance(
    server: http.server.ThreadingHTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr("time.sleep", pauses.append)
    Handler.answers = [*[(503, "")] * 7, (200, "{}")]
    assert KubeClient(url(server), retry_for=60.0).get("/x") == {}
    base = [0.1, 0.2, 0.4, 0.8, 1.6, 2.0, 2.0]
    assert len(pauses) == len(base)
    assert all(0.5 * one <= pause <= 1.5 * one for one, pause in zip(base, pauses, strict=True))
    assert len({round(pause / one, 3) for one, pause in zip(base, pauses, strict=True)}) > 1


@pytest.mark.parametrize(("asked", "patience", "requests", "slept"), [("3", 60, 2, [3.0]), ("3600", 60, 1, [])])
def test_a_server_may_ask_for_a_pause_that_is_kept_unless_it_is_too_long(
    server: http.server.ThreadingHTTPServer,
    monkeypatch: pytest.MonkeyPatch,
    asked: str,
    patience: float,
    requests: int,
    slept: list[float],
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr("time.sleep", pauses.append)
    Handler.answers, Handler.extra = [(429, '{"message": "too many requests"}'), (200, "{}")], {"Retry-After": asked}
    answer = KubeClient(url(server), retry_for=patience).ask("GET", "/x")
    assert (len(Handler.seen), pauses) == (requests, slept)
    assert answer.status == (200 if requests == 2 else 429)


def test_one_look_is_one_request_and_its_answer_is_text(server: http.server.ThreadingHTTPServer) -> None:
    Handler.answers = [(503, '{"a": 1}')]
    answer = KubeClient(url(server), retry_for=60.0).look("/x", 5.0)
    assert (answer.status, answer.data, len(Handler.seen)) == (503, '{"a": 1}', 1)
    with pytest.raises(KubeError, match=r"GET http://127.0.0.1:\d+/x: .*refused"):
        KubeClient(f"http://127.0.0.1:{closed_port()}", retry_for=60.0).look("/x", 5.0)


def test_a_look_ends_in_time_and_leaves_the_patience_of_others_alone(server: http.server.ThreadingHTTPServer) -> None:
    Handler.answers = [(200, "{}")]
    client = KubeClient(url(server), timeout=20.0)
    client.get("/x")
    client.look("/x", 5.0)
    assert client._connection is not None and client._connection.sock.gettimeout() == 20.0
    with socket.create_server(("127.0.0.1", 0)) as mute, pytest.raises(KubeError, match="timed out"):
        KubeClient(f"http://127.0.0.1:{mute.getsockname()[1]}", timeout=20.0).look("/x", 0.1)


def broken(answers: list[bytes]) -> tuple[str, list[bytes]]:
    """A server that says each answer once and then hangs up; what it was asked."""
    listening, asked = socket.create_server(("127.0.0.1", 0)), []

    def run() -> None:
        with listening:
            for answer in answers:
                connection, _ = listening.accept()
                with connection:
                    asked.append(connection.recv(65536))
                    connection.sendall(answer)

    threading.Thread(target=run, daemon=True).start()
    return f"http://127.0.0.1:{listening.getsockname()[1]}", asked


ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


def test_reading_is_repeated_when_the_server_hangs_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    where, asked = broken([b"", ANSWER])
    assert KubeClient(where, retry_for=60.0).get("/x") == {}
    assert len(asked) == 2
    # An open connection that has gone stale is no failure, with or without patience.
    where, asked = broken([ANSWER, ANSWER])
    client = KubeClient(where)
    assert [client.get("/x"), client.get("/x")] == [{}, {}]


def test_a_change_is_never_sent_twice_when_nobody_knows_whether_it_arrived() -> None:
    where, asked = broken([b"", ANSWER])
    with pytest.raises(KubeError) as caught:
        KubeClient(where, retry_for=60.0).send("POST", "/x", {})
    assert (caught.value.status, len(asked)) == (0, 1)


def test_a_token_is_asked_for_before_each_request(server: http.server.ThreadingHTTPServer) -> None:
    Handler.answers, tokens = [(200, "{}")], iter(["first", "second", "third"])
    client = KubeClient(url(server), token=lambda: next(tokens))
    client.get("/x")
    client.look("/x", 5.0)
    assert list(client.stream("/x", {}, 5.0)) == [{}]
    assert Handler.authorizations == ["Bearer first", "Bearer second", "Bearer third"]


def test_a_token_that_cannot_be_got_is_an_error_of_the_request(server: http.server.ThreadingHTTPServer) -> None:
    def token() -> str:
        raise KubestdError("the plugin failed")

    with pytest.raises(KubeError, match="the plugin failed"):
        KubeClient(url(server), token=token).get("/x")


def test_user_and_password_are_sent_only_without_a_token(server: http.server.ThreadingHTTPServer) -> None:
    Handler.answers = [(200, "{}")]
    KubeClient(url(server), login=("me", "p:w")).get("/x")
    KubeClient(url(server), login=("me", "p:w"), token="t").get("/x")
    KubeClient(url(server)).get("/x")
    assert Handler.authorizations == ["Basic " + base64.b64encode(b"me:p:w").decode(), "Bearer t", None]


def test_a_watch_says_its_lines_and_why_it_cannot(server: http.server.ThreadingHTTPServer) -> None:
    Handler.answers = [(200, '{"a": 1}\n{"a": 2}\n'), (410, '{"message": "too old", "reason": "Expired"}'), (200, "{")]
    client = KubeClient(url(server))
    assert list(client.stream("/x", {"watch": "1"}, 5.0)) == [{"a": 1}, {"a": 2}]
    with pytest.raises(KubeError, match="410 too old") as caught:
        list(client.stream("/x", {}, 5.0))
    assert (caught.value.status, caught.value.reason) == (410, "Expired")
    with pytest.raises(KubeError) as caught:
        list(client.stream("/x", {}, 5.0))
    assert caught.value.status == 0


def test_a_watch_that_is_silent_for_too_long_has_ended(server: http.server.ThreadingHTTPServer) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute, pytest.raises(KubeError, match="timed out"):
        list(KubeClient(f"http://127.0.0.1:{mute.getsockname()[1]}").stream("/x", {}, 0.1))


class Tunnel(http.server.BaseHTTPRequestHandler):
    """A proxy: it says what it was asked for, and connects everything with one port of this machine."""

    target = 0
    seen: list[tuple[str, str | None]] = []

    def do_CONNECT(self) -> None:
        Tunnel.seen.append((self.path, self.headers.get("Proxy-Authorization")))
        self.send_response(200)
        self.end_headers()
        with socket.create_connection(("127.0.0.1", Tunnel.target)) as out:
            self.connection.settimeout(5)
            out.sendall(self.connection.recv(65536))
            while said := out.recv(65536):
                self.connection.sendall(said)
        self.close_connection = True

    def log_message(self, *_args: object) -> None:
        return


def test_a_proxy_is_asked_for_the_server(server: http.server.ThreadingHTTPServer) -> None:
    Handler.answers, Handler.extra = [(200, '{"a": 1}')], {"Connection": "close"}
    Tunnel.seen, Tunnel.target = [], server.server_address[1]
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Tunnel) as proxy:
        threading.Thread(target=proxy.serve_forever, args=(0.02,), daemon=True).start()
        port = proxy.server_address[1]
        for address in (f"http://me:p%40w@127.0.0.1:{port}", f"127.0.0.1:{port}"):
            assert KubeClient("http://api.example.com:6443", proxy=address).get("/x") == {"a": 1}
        proxy.shutdown()
    basic = "Basic " + base64.b64encode(b"me:p@w").decode()
    assert Tunnel.seen == [("api.example.com:6443", basic), ("api.example.com:6443", None)]


@pytest.mark.parametrize("proxy", ["socks5://me:secret@127.0.0.1:1080", "https://proxy", "http://"])
def test_a_proxy_that_cannot_be_used_is_named_without_its_password(proxy: str) -> None:
    with pytest.raises(KubestdError, match="cannot be used; name one as http://host:port") as caught:
        KubeClient("https://api:6443", proxy=proxy)
    assert "secret" not in str(caught.value)


def test_a_client_certificate_is_shown_and_the_server_is_known_by_another_name(tmp_path: Path) -> None:
    for name, names in (("server", "DNS:api.internal"), ("client", "DNS:me")):
        command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        command += ["-keyout", str(tmp_path / f"{name}.key"), "-out", str(tmp_path / f"{name}.crt")]
        subprocess.run(
            [*command, "-subj", f"/CN={name}", "-addext", f"subjectAltName={names}"], check=True, capture_output=True
        )
    files = {path.name: path.read_text() for path in tmp_path.iterdir()}
    Handler.answers = [(200, "{}")]
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(tmp_path / "server.crt", tmp_path / "server.key")
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(tmp_path / "client.crt")
        running.socket = context.wrap_socket(running.socket, server_side=True)
        threading.Thread(target=running.serve_forever, args=(0.02,), daemon=True).start()
        where = f"https://127.0.0.1:{running.server_address[1]}"
        known = Access(where, files["server.crt"], files["client.crt"], files["client.key"], server_name="api.internal")
        assert known.client().get("/x") == {}
        by_file = KubeClient(
            where,
            str(tmp_path / "server.crt"),
            str(tmp_path / "client.crt"),
            str(tmp_path / "client.key"),
            server_name="api.internal",
        )
        assert by_file.get("/x") == {}
        assert replace(known, ca=None, verify=False).client().get("/x") == {}
        with pytest.raises(KubeError, match="mismatch"):
            replace(known, server_name=None).client(retry_for=60.0).get("/x")
        with pytest.raises(KubeError):
            replace(known, certificate=None, key=None).client(retry_for=0.0).get("/x")
        running.shutdown()


def test_certificates_that_are_none_are_an_error_that_shows_no_key() -> None:
    with pytest.raises(KubestdError, match="Cannot use the certificates given") as caught:
        Access("https://api:6443", certificate="no certificate", key="secret").client()
    assert "secret" not in str(caught.value)
