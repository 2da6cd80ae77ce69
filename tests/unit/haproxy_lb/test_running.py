# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rendered configuration in a real HAProxy on loopback, in front of API servers that are none."""

from __future__ import annotations

import contextlib
import http.client
import http.server
import os
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(not shutil.which("haproxy"), reason="haproxy is not installed on this machine")
DEADLINE = 15.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(condition: Callable[[], bool], what: str) -> None:
    """Ask every 50 ms; fails with a sentence after DEADLINE seconds."""
    end = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < end, f"not within {DEADLINE} s: {what}"
        time.sleep(0.05)


class ApiServer:
    """Answers /readyz over TLS with its status, and /name with its name."""

    def __init__(self, name: str, certificate: Path) -> None:
        self.name, self.status = name, 200
        owner = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                body = owner.name.encode()
                self.send_response(owner.status if self.path == "/readyz" else 200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                """Nobody reads it."""

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

            def handle_error(self, request: object, client_address: object) -> None:
                """Connections are cut on purpose here."""

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.port = int(self.server.server_address[1])
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()


class Balancer:
    """HAProxy in master-worker mode, as systemd runs it."""

    def __init__(self, folder: Path, text: str, ca: Path, servers: list[ApiServer]) -> None:
        self.port, self.monitoring = free_port(), free_port()
        self.config = folder / "haproxy.cfg"
        lines = []
        for line in text.splitlines():
            if line.split()[:1] not in (["user"], ["group"], ["chroot"], ["server"]):
                lines.append(line)
            if line.startswith("    default-server") and servers:
                lines += [f"    server {server.name} 127.0.0.1:{server.port}" for server in servers]
        changed = "\n".join(lines) + "\n"
        for old, new in {
            "/etc/haproxy/kubernetes-ca.crt": str(ca),
            "/run/haproxy/admin.sock": str(folder / "admin.sock"),
            "*:6443": f"127.0.0.1:{self.port}",
            "*:8404": f"127.0.0.1:{self.monitoring}",
        }.items():
            assert old in changed
            changed = changed.replace(old, new)
        self.config.write_text(changed)
        self.context = ssl.create_default_context(cafile=str(ca))
        self.log = (folder / "haproxy.log").open("wb")
        self.process = subprocess.Popen(
            ["haproxy", "-W", "-f", str(self.config)], stdout=self.log, stderr=self.log, cwd=folder
        )

    def workers(self) -> set[str]:
        return set(Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split())

    def get(self, path: str) -> tuple[int, str]:
        """An answer of /healthz or /metrics."""
        connection = http.client.HTTPConnection("127.0.0.1", self.monitoring, timeout=2)
        with contextlib.closing(connection):
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()

    def up(self) -> set[str]:
        """Names of the API servers that HAProxy holds for ready, from its metrics."""
        with contextlib.suppress(OSError):
            lines = self.get("/metrics")[1].splitlines()
            wanted = 'haproxy_server_status{proxy="kube-api",server="'
            return {
                line[len(wanted) :].split('"')[0]
                for line in lines
                if line.startswith(wanted) and 'state="UP"} 1' in line
            }
        return set()

    def connect(self) -> ssl.SSLSocket:
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=5)
        return self.context.wrap_socket(plain, server_hostname="kubernetes")

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(5)
        self.process.kill()
        self.process.wait()
        self.log.close()


def ask(connection: ssl.SSLSocket) -> str:
    """One request on a connection that stays open; the answer's body, empty when the connection was cut."""
    connection.sendall(b"GET /name HTTP/1.1\r\nHost: kubernetes\r\n\r\n")
    answer = http.client.HTTPResponse(connection)
    answer.begin()
    return answer.read().decode()


@pytest.fixture(scope="module")
def servers(pki: Path) -> list[ApiServer]:
    return [
        ApiServer("cp1", pki / "server.pem"),
        ApiServer("cp2", pki / "server.pem"),
        ApiServer("impostor", pki / "other.pem"),
    ]


@pytest.fixture(scope="module")
def balancer(
    rendered: Path, pki: Path, servers: list[ApiServer], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Balancer]:
    text = (rendered / "two_balancers/lb1/etc/haproxy/haproxy.cfg").read_text()
    running = Balancer(tmp_path_factory.mktemp("running"), text, pki / "ca.crt", servers)
    try:
        wait_for(lambda: running.up() == {"cp1", "cp2"}, "cp1 and cp2 are up")
        yield running
    finally:
        running.stop()


def test_only_servers_that_prove_to_be_api_servers_are_used(balancer: Balancer) -> None:
    assert balancer.up() == {"cp1", "cp2"}
    for _ in range(4):
        with balancer.connect() as connection:
            assert ask(connection) in ("cp1", "cp2")


def test_a_reload_cuts_no_connection(balancer: Balancer) -> None:
    with balancer.connect() as connection:
        before = ask(connection)
        first = balancer.workers()
        balancer.config.write_text(balancer.config.read_text() + "# changed\n")
        os.kill(balancer.process.pid, signal.SIGUSR2)
        while not balancer.workers() - first:
            with balancer.connect() as another:
                assert ask(another)
        wait_for(lambda: balancer.up() == {"cp1", "cp2"}, "the new worker has checked its servers")
        assert ask(connection) == before
        assert first < balancer.workers()
    wait_for(
        lambda: not first & balancer.workers(),
        "the worker of the earlier configuration leaves with its last connection",
    )


def test_a_server_that_is_not_ready_loses_its_connections_and_gets_no_new_ones(
    balancer: Balancer, servers: list[ApiServer]
) -> None:
    connections: list[ssl.SSLSocket] = []
    names: list[str] = []
    while {"cp1", "cp2"} != set(names):
        assert len(connections) < 40
        connections.append(balancer.connect())
        names.append(ask(connections[-1]))
    servers[0].status = 500
    try:
        started = time.monotonic()
        wait_for(lambda: balancer.up() == {"cp2"}, "cp1 is down")
        assert time.monotonic() - started < 5
        for name, connection in zip(names, connections, strict=True):
            if name == "cp1":
                with pytest.raises((OSError, http.client.HTTPException)):
                    ask(connection)
            else:
                assert ask(connection) == "cp2"
    finally:
        servers[0].status = 200
        for connection in connections:
            connection.close()
    wait_for(lambda: balancer.up() == {"cp1", "cp2"}, "cp1 is up again")


def test_healthz_says_whether_any_api_server_is_ready(balancer: Balancer, servers: list[ApiServer]) -> None:
    assert balancer.get("/healthz")[0] == 200
    for server in servers[:2]:
        server.status = 500
    try:
        wait_for(lambda: balancer.get("/healthz")[0] == 503, "healthz says 503")
    finally:
        for server in servers[:2]:
            server.status = 200


class ProxyProtocolServer:
    """A node port behind which somebody expects the PROXY protocol, version 2, and says to whom he speaks."""

    SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self.listener.getsockname()[1])
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection = self.listener.accept()[0]
                threading.Thread(target=self.answer, args=(connection,), daemon=True).start()

    def answer(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            head = connection.recv(16, socket.MSG_WAITALL)
            if len(head) < 16 or head[:12] != self.SIGNATURE:
                return
            rest = connection.recv(int.from_bytes(head[14:16]), socket.MSG_WAITALL)
            # 0x21: version 2, PROXY; a health check says LOCAL (0x20) and has no client
            if head[12] == 0x21 and connection.recv(1):
                connection.sendall(f"{socket.inet_ntoa(rest[:4])}:{int.from_bytes(rest[8:10])}".encode())


def test_a_service_reaches_the_node_port_of_a_worker_and_says_who_the_client_is(
    rendered: Path, pki: Path, tmp_path: Path
) -> None:
    worker, port = ProxyProtocolServer(), free_port()
    text = (rendered / "services/lb1/etc/haproxy/haproxy.cfg").read_text()
    # the service https of the inventory, with the worker of this test instead of its own
    start = text.index("frontend https\n")
    service = text[start : text.index("\nfrontend monitoring")]
    assert "mode tcp" in text and "send-proxy-v2 check-send-proxy" in service
    moved = service.replace("*:443", f"127.0.0.1:{port}").replace("10.0.0.50:30443", f"127.0.0.1:{worker.port}")
    head = "\n".join(
        line for line in text[: text.index("frontend kube-api")].splitlines()
        if line.split()[:1] not in (["user"], ["group"], ["chroot"], ["stats"])
    )  # fmt: skip
    config = tmp_path / "haproxy.cfg"
    config.write_text(f"{head}\n\n{moved}\n")
    process = subprocess.Popen(["haproxy", "-W", "-f", str(config)], cwd=tmp_path)

    def told() -> tuple[str, str]:
        """What the worker says about the client, and who the client is."""
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5) as client:
            client.sendall(b"x")
            return client.recv(100).decode(), ":".join(map(str, client.getsockname()))
        return "", "nobody"

    try:
        wait_for(lambda: bool(told()[0]), "the worker answers through HAProxy")
        said, client = told()
        assert said == client
    finally:
        process.terminate()
        process.wait(10)
        worker.listener.close()


def test_a_health_check_can_read_the_state_of_every_server(balancer: Balancer) -> None:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(balancer.config.parent / "admin.sock"))
        connection.sendall(b"show stat\n")
        assert b"kube-api,cp1" in connection.recv(65536)
