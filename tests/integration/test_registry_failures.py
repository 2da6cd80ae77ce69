# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What helm_oci says when a registry or an address fails: a sentence each, nothing changed, and the next run works."""

from __future__ import annotations

import contextlib
import http.client
import threading
import time
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from . import charts
from .charts import Releaser
from .control_plane import ControlPlane, LockedRegistry, Registry, free_port


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LockedRegistry]:
    """A registry with TLS of a private authority and a login, and the chart in it."""
    folder = tmp_path_factory.mktemp("locked")
    with LockedRegistry(folder / "registry") as registry:
        flags = ["--ca-file", registry.ca, "--username", registry.username, "--password", registry.password]
        charts.push(charts.package(folder), registry, *flags)
        yield registry


@pytest.fixture
def release(control_plane: ControlPlane, tmp_path: Path) -> Iterator[Releaser]:
    made = Releaser(control_plane, "oci://127.0.0.1:1/none", tmp_path / "cache", namespace=f"failures-{free_port()}")
    yield made
    control_plane.kubectl("delete", "namespace", made.base["namespace"], "--wait=false", "--ignore-not-found")


def test_a_registry_that_is_down(release: Releaser) -> None:
    release.refused(
        f"Cannot pull oci://127.0.0.1:{(port := free_port())}/a.*does not answer",
        chart={"ref": f"oci://127.0.0.1:{port}/a", "version": "1.0.0"},
    )


def test_a_registry_of_a_private_authority_with_a_login(release: Releaser, locked: LockedRegistry) -> None:
    wanted, right = {"ref": f"oci://{locked.address}/charts/demo", "version": "1.0.0"}, locked.options
    release.refused("certificate is not trusted; set registry.ca", chart=wanted, registry={})
    release.refused("refused the login", chart=wanted, registry={"ca": locked.ca})
    release.refused("refused the login", chart=wanted, registry={**right, "password": "wrong"})
    said = release.refused("it is not there", chart={**wanted, "version": "9.9.9"}, registry=right)
    said += release.refused(r"chart\.sha256 is 0{64}", chart={**wanted, "sha256": "0" * 64}, registry=right)
    said += release.refused("it is not there", chart={**wanted, "manifest_digest": "0" * 64}, registry=right)
    assert locked.password not in said
    assert release(chart=wanted, registry=right)["release"]["status"] == "deployed"


class Between(BaseHTTPRequestHandler):
    """Passes requests on to a registry, but for what a test makes go wrong."""

    behind, fault = "", ""

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        blob = "/blobs/" in self.path
        if self.fault.isdigit():
            self.send_error(int(self.fault))
        elif self.fault == "moved" and blob:
            self.send_response(307)
            self.send_header("Location", f"http://{self.behind}{self.path}")
            self.end_headers()
        else:
            self.pass_on(blob)

    def pass_on(self, blob: bool) -> None:
        connection = http.client.HTTPConnection(self.behind, timeout=10)
        kept = {name: text for name, text in self.headers.items() if name.lower() in ("accept", "range")}
        connection.request(self.command, self.path, headers=kept)
        answer = connection.getresponse()
        body = answer.read()
        self.send_response(answer.status)
        for name, text in answer.getheaders():
            if name.lower() not in ("connection", "date", "server"):
                self.send_header(name, text)
        self.end_headers()
        if blob and self.fault == "changed":
            body = body[:-1] + bytes([body[-1] ^ 1])
        if blob and self.fault == "cut":
            body = body[: len(body) // 2]
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            for start in range(0, len(body), 1 if blob and self.fault == "slow" else 1 << 20):
                self.wfile.write(body[start : start + (1 if blob and self.fault == "slow" else 1 << 20)])
                time.sleep(0.2 if blob and self.fault == "slow" else 0)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def between(registry: Registry, tmp_path: Path) -> Iterator[tuple[type[Between], dict[str, Any]]]:
    """Something that stands between helm and the real registry, and the chart behind it."""
    charts.push(charts.package(tmp_path), registry)
    handler = type("Handler", (Between,), {"behind": registry.address})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield handler, {"ref": f"oci://127.0.0.1:{server.server_address[1]}/charts/demo", "version": "1.0.0"}
        server.shutdown()


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        ("slow", "Cannot pull .*: it did not come within 3 s; the registry is slow"),
        ("cut", "the transfer was cut or the blob was changed, try again"),
        ("changed", "the transfer was cut or the blob was changed, try again"),
        ("401", "refused the login"),
        ("403", "denied access"),
        ("404", "it is not there"),
        ("429", "limits requests"),
        ("503", "the registry is out of order"),
    ],
)
def test_a_registry_that_fails_and_works_again(
    release: Releaser, between: tuple[type[Between], dict[str, Any]], fault: str, sentence: str
) -> None:
    handler, wanted = between
    handler.fault = fault
    release.refused(sentence, chart=wanted, timeout=3 if fault == "slow" else 60)
    handler.fault = ""
    assert release(chart=wanted)["release"]["status"] == "deployed"


def test_a_registry_whose_blobs_are_elsewhere(release: Releaser, between: tuple[type[Between], dict[str, Any]]) -> None:
    handler, wanted = between
    handler.fault = "moved"
    assert release(chart=wanted)["release"]["status"] == "deployed"


def test_a_registry_that_speaks_http(release: Releaser, registry: Registry, tmp_path: Path) -> None:
    ref = charts.push(charts.package(tmp_path), registry)
    release.refused("set registry.plain_http", chart={"ref": ref, "version": "1.0.0"}, registry={})


class Wrong(SimpleHTTPRequestHandler):
    """/moved/x leads to /x; /cut/x ends half-way; /slow/x never ends; /closed/x wants a login."""

    def do_GET(self) -> None:
        _, what, name = self.path.split("/", 2) if self.path.count("/") > 1 else ("", "", self.path)
        if what == "moved":
            self.send_response(302)
            self.send_header("Location", f"/{name}")
            self.end_headers()
        elif what == "cut":
            data = (Path(self.directory) / name).read_bytes()
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data[: len(data) // 2])
        elif what == "slow":
            self.send_response(200)
            self.end_headers()
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                while True:
                    self.wfile.write(b"x")
                    time.sleep(0.1)
        elif what == "closed":
            self.send_error(401)
        else:
            super().do_GET()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    folder = tmp_path / "files"
    folder.mkdir()
    charts.package(folder)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Wrong, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def test_an_address_that_fails_and_one_that_moved(release: Releaser, address: str) -> None:
    release.refused("it is not there", chart={"ref": f"{address}/none-1.0.0.tgz", "version": "1.0.0"})
    release.refused("refused the login", chart={"ref": f"{address}/closed/demo-1.0.0.tgz", "version": "1.0.0"})
    release.refused("cut after|was cut", chart={"ref": f"{address}/cut/demo-1.0.0.tgz", "version": "1.0.0"})
    release.refused(
        "did not come within 1 s", chart={"ref": f"{address}/slow/demo-1.0.0.tgz", "version": "1.0.0"}, timeout=1
    )
    release.refused("chart.version is 2.0.0", chart={"ref": f"{address}/demo-1.0.0.tgz", "version": "2.0.0"})
    assert (
        release(chart={"ref": f"{address}/moved/demo-1.0.0.tgz", "version": "1.0.0"})["release"]["status"] == "deployed"
    )


def test_what_is_no_chart(release: Releaser, tmp_path: Path) -> None:
    (tmp_path / "x.tgz").write_bytes(b"no archive")
    release.refused("is not a chart archive", chart={"ref": str(tmp_path / "x.tgz")})
    release.refused(
        "Cannot read the chart .*No such file or directory; check chart.ref",
        chart={"ref": str(tmp_path / "none")},
    )


def test_a_cached_archive_that_was_tampered_with_is_brought_again(
    release: Releaser, registry: Registry, tmp_path: Path
) -> None:
    wanted = {"ref": charts.push(charts.package(tmp_path), registry), "version": "1.0.0"}
    digest = release(chart=wanted)["release"]["chart_sha256"]
    cached = release.cache / "charts" / f"{digest}.tgz"
    cached.write_bytes(cached.read_bytes() + b"x")
    assert release(chart={**wanted, "sha256": digest}, values={"size": 2})["release"]["chart_sha256"] == digest
