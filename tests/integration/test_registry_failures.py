# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What helm_oci says when a registry or an address fails: a sentence each, nothing changed, and the next run works."""

from __future__ import annotations

import datetime
import ipaddress
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import bcrypt
import pytest
from ansible_collections.kubestd.platform.plugins.module_utils._errors import KubestdError
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from . import charts
from .charts import Releaser
from .control_plane import ControlPlane, Registry, free_port

USER, PASSWORD = "robot", "MARKER-registry-password"


def certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for loopback that signs for itself, so that it is its own authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "registry")])
    now = datetime.datetime.now(datetime.timezone.utc)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = folder / "registry.crt", folder / "registry.key"
    paths[0].write_bytes(made.public_bytes(Encoding.PEM))
    paths[1].write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return paths


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """A registry with TLS of a private authority and a login; what helm_oci needs for it."""
    folder = tmp_path_factory.mktemp("locked")
    pair = certificate(folder)
    (folder / "htpasswd").write_text(f"{USER}:{bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()}\n")
    registry = Registry(folder / "registry", pair, folder / "htpasswd").begin()
    try:
        flags = ["--ca-file", str(pair[0]), "--username", USER, "--password", PASSWORD]
        ref = charts.push(charts.package(folder), registry, *flags)
        yield {"ref": ref, "ca": str(pair[0])}
    finally:
        registry.stop()


@pytest.fixture
def release(control_plane: ControlPlane, tmp_path: Path) -> Iterator[Releaser]:
    made = Releaser(control_plane, "oci://127.0.0.1:1/none", tmp_path / "cache", namespace=f"failures-{free_port()}")
    yield made
    control_plane.kubectl("delete", "namespace", made.base["namespace"], "--wait=false", "--ignore-not-found")


def refused(release: Releaser, sentence: str, **options: Any) -> None:
    with pytest.raises(KubestdError, match=sentence) as caught:
        release(**options)
    assert PASSWORD not in str(caught.value) and "Traceback" not in str(caught.value)
    there = release.control_plane.kubectl("get", "namespace", release.base["namespace"], "--ignore-not-found")
    assert there == "", "something was changed before the chart was there"


def test_a_registry_that_is_down(release: Releaser) -> None:
    refused(
        release,
        f"Cannot pull oci://127.0.0.1:{(port := free_port())}/a.*does not answer",
        chart={"ref": f"oci://127.0.0.1:{port}/a", "version": "1.0.0"},
    )


def test_a_registry_of_a_private_authority_with_a_login(release: Releaser, locked: dict[str, Any]) -> None:
    wanted = {"ref": locked["ref"], "version": "1.0.0"}
    refused(release, "certificate is not trusted; set registry.ca", chart=wanted, registry={})
    refused(release, "refused the login", chart=wanted, registry={"ca": locked["ca"]})
    wrong = {"ca": locked["ca"], "username": USER, "password": "wrong"}
    refused(release, "refused the login", chart=wanted, registry=wrong)
    right = {"ca": locked["ca"], "username": USER, "password": PASSWORD}
    refused(release, "it is not there", chart={**wanted, "version": "9.9.9"}, registry=right)
    refused(release, r"chart\.sha256 is 0{64}", chart={**wanted, "sha256": "0" * 64}, registry=right)
    assert release(chart=wanted, registry=right)["release"]["status"] == "deployed"


def test_a_registry_that_speaks_http(release: Releaser, registry: Registry, tmp_path: Path) -> None:
    ref = charts.push(charts.package(tmp_path), registry)
    refused(release, "set registry.plain_http", chart={"ref": ref, "version": "1.0.0"}, registry={})


class Wrong(SimpleHTTPRequestHandler):
    """/moved/x leads to /x; /cut/x ends half-way; /closed/x wants a login."""

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
    refused(release, "it is not there", chart={"ref": f"{address}/none-1.0.0.tgz", "version": "1.0.0"})
    refused(release, "refused the login", chart={"ref": f"{address}/closed/demo-1.0.0.tgz", "version": "1.0.0"})
    refused(release, "cut after|was cut", chart={"ref": f"{address}/cut/demo-1.0.0.tgz", "version": "1.0.0"})
    refused(release, "chart.version is 2.0.0", chart={"ref": f"{address}/demo-1.0.0.tgz", "version": "2.0.0"})
    assert (
        release(chart={"ref": f"{address}/moved/demo-1.0.0.tgz", "version": "1.0.0"})["release"]["status"] == "deployed"
    )


def test_what_is_no_chart(release: Releaser, tmp_path: Path) -> None:
    (tmp_path / "x.tgz").write_bytes(b"no archive")
    refused(release, "is not a chart archive", chart={"ref": str(tmp_path / "x.tgz")})
    refused(
        release,
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
