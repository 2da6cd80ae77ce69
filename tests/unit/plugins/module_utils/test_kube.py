# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The client of the API server, against servers that misbehave."""

from __future__ import annotations

import http.server
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.kubestd.platform.plugins.module_utils._errors import KubestdError
from ansible_collections.kubestd.platform.plugins.module_utils._kube import KubeClient, KubeError, verify_failure


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    answers: list[tuple[int, str]] = []
    seen: list[str] = []

    def do_GET(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length).decode()
        Handler.seen.append(f"{self.command} {self.path} {self.headers.get('Content-Type')} {body}")
        status, text = Handler.answers.pop(0) if len(Handler.answers) > 1 else Handler.answers[0]
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    do_PUT = do_POST = do_PATCH = do_DELETE = do_GET

    def log_message(self, *_args: object) -> None:
        return


@pytest.fixture
def server() -> Iterator[http.server.ThreadingHTTPServer]:
    Handler.seen = []
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield running
        running.shutdown()


def url(server: http.server.ThreadingHTTPServer) -> str:
    return f"http://127.0.0.1:{server.server_address[1]}"


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
        threading.Thread(target=running.serve_forever, daemon=True).start()
        where = f"https://127.0.0.1:{running.server_address[1]}"
        assert KubeClient(where, str(tmp_path / "mine.crt"), verify_name=False).get("/x") == {}
        with pytest.raises(KubeError) as caught:
            KubeClient(where, str(tmp_path / "other.crt"), verify_name=False).get("/x")
        assert caught.value.reason == "foreign"
        running.shutdown()


def test_a_failure_that_is_not_about_certificates_has_no_reason() -> None:
    assert verify_failure(OSError("x")) == ""
