# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Logins to a real API server with the authentication file of kubeadm_cluster and the rights of teleport_keycloak.

The issuer is a stand-in for the realm of Keycloak: it has the two pages that an API server reads, and signs tokens with the claims that
the scopes of the realm make.
"""

from __future__ import annotations

import base64
import json
import ssl
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from ..contract.records import record, value
from .conftest import ROOT
from .control_plane import ControlPlane


def text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Issuer:
    """A realm as far as an API server looks at it."""

    def __init__(self, folder: Path) -> None:
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.ca = folder / "issuer.pem"
        key = folder / "issuer.key"
        command = [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-days",
            "2",
        ]
        names = [
            "-subj",
            "/CN=issuer",
            "-addext",
            "subjectAltName=IP:127.0.0.1",
            "-keyout",
            str(key),
            "-out",
            str(self.ca),
        ]
        subprocess.run([*command, *names], check=True, capture_output=True)
        issuer = self

        class Pages(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = json.dumps(issuer.page(self.path)).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.ca, key)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url = f"https://127.0.0.1:{self.server.server_address[1]}/realms/platform"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def page(self, path: str) -> dict[str, Any]:
        if path.endswith("openid-configuration"):
            return {
                "issuer": self.url,
                "jwks_uri": f"{self.url}/certs",
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
            }
        numbers = self.key.public_key().public_numbers()
        n, e = (text(number.to_bytes((number.bit_length() + 7) // 8, "big")) for number in (numbers.n, numbers.e))
        return {"keys": [{"kty": "RSA", "alg": "RS256", "use": "sig", "kid": "one", "n": n, "e": e}]}

    def token(self, user: str, groups: list[str], audience: str = "kubernetes") -> str:
        now = int(time.time())
        claims = {"iss": self.url, "aud": audience, "sub": user, "iat": now, "exp": now + 600}
        claims |= {"preferred_username": user, "groups": groups}
        parts = [text(json.dumps(part).encode()) for part in ({"alg": "RS256", "kid": "one"}, claims)]
        signature = self.key.sign(".".join(parts).encode(), padding.PKCS1v15(), hashes.SHA256())
        return ".".join([*parts, text(signature)])


class Cluster:
    """A real API server, and who asks it."""

    def __init__(self, folder: Path) -> None:
        self.issuer = Issuer(folder)
        role = ROOT / "roles/kubeadm_cluster"
        jwt = {
            "issuer": {
                "url": self.issuer.url,
                "audiences": ["kubernetes", "headlamp"],
                "audienceMatchPolicy": "MatchAny",
                "certificateAuthority": self.issuer.ca.read_text(),
            },
            "claimMappings": {
                "username": {"claim": "preferred_username", "prefix": "oidc:"},
                "groups": {"claim": "groups", "prefix": "oidc:"},
            },
        }
        (described,) = value(role, "__kubeadm_cluster_authentication_files", kubeadm_cluster_authentication=[jwt])
        file = folder / "authentication.yaml"
        file.write_text(described["content"])
        self.control_plane = ControlPlane(folder / "control-plane", f"--authentication-config={file}")
        self.control_plane.start()
        found = record(ROOT / "roles/teleport_keycloak", platform_domain="example.com")
        realm = next(stage for stage in found["stages"] if stage["name"] == "realm")
        bindings = [item for item in realm["manifests"] if item["kind"] == "ClusterRoleBinding"]
        self.control_plane.kubectl("apply", "-f", "-", stdin=yaml.safe_dump_all(json.loads(json.dumps(bindings))))

        self.filled("view")
        self.filled("edit")

    def filled(self, role: str) -> None:
        """Wait until the controllers have put a role together from its parts."""
        for _ in range(600):
            if "configmaps" in self.control_plane.kubectl("get", "clusterrole", role, "-o", "jsonpath={.rules}"):
                return
            time.sleep(0.1)
        raise AssertionError(f"the role {role} stays empty")

    def status(self, token: str, path: str, method: str = "GET", body: Any = None) -> int:
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        data = json.dumps(body).encode() if body else None
        request = urllib.request.Request(self.control_plane.url + path, data, headers, method=method)
        context = ssl.create_default_context(cafile=self.control_plane.pki / "ca.crt")
        try:
            with urllib.request.urlopen(request, timeout=20, context=context) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code

    def known(self, token: str) -> None:
        """Wait until the API server has read the keys of the issuer."""
        for _ in range(300):
            if self.status(token, "/api/v1/namespaces") != 401:
                return
            time.sleep(0.1)
        raise AssertionError("the API server does not believe the issuer")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    made = Cluster(tmp_path_factory.mktemp("logins"))
    try:
        yield made
    finally:
        made.control_plane.stop()
        made.issuer.server.shutdown()
        made.issuer.server.server_close()


SPACE = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "made-by-a-person"}}
MAP = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}


@pytest.mark.parametrize(
    ("group", "reads", "writes", "administers"),
    [
        ("platform-admins", 200, 201, 201),
        ("platform-editors", 200, 201, 403),
        ("platform-viewers", 200, 403, 403),
        ("somebody", 403, 403, 403),
        ("system:masters", 403, 403, 403),
    ],
)
def test_a_token_as_keycloak_makes_it_has_the_rights_of_its_group(
    cluster: Cluster, group: str, reads: int, writes: int, administers: int
) -> None:
    token = cluster.issuer.token("ada", [group])
    cluster.known(token)
    maps = "/api/v1/namespaces/default/configmaps"
    assert cluster.status(token, maps) == reads
    assert cluster.status(token, f"{maps}?dryRun=All", "POST", MAP) == writes
    assert cluster.status(token, "/api/v1/namespaces?dryRun=All", "POST", SPACE) == administers


def test_a_token_for_headlamp_is_good_and_one_for_another_client_is_not(cluster: Cluster) -> None:
    cluster.known(cluster.issuer.token("ada", ["platform-viewers"]))
    maps = "/api/v1/namespaces/default/configmaps"
    assert cluster.status(cluster.issuer.token("ada", ["platform-viewers"], "headlamp"), maps) == 200
    assert cluster.status(cluster.issuer.token("ada", ["platform-viewers"], "harbor"), maps) == 401
