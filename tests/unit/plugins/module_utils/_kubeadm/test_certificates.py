# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates and signing requests as the openssl command makes them."""

from __future__ import annotations

import base64
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.kubestd.platform.plugins.module_utils._errors import KubestdError
from ansible_collections.kubestd.platform.plugins.module_utils._kube import Answer, KubeError
from ansible_collections.kubestd.platform.plugins.module_utils._kubeadm import csr, der, serving

NODES = {"w1": ["w1", "192.0.2.41", "2001:db8::1"]}


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("keys") / "key.pem"
    subprocess.run(
        ["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", str(path)],
        check=True,
        capture_output=True,
    )
    return path


def request(key: Path, subject: str, names: str) -> str:
    command = ["openssl", "req", "-new", "-key", str(key), "-subj", subject]
    command += ["-addext", f"subjectAltName={names}"] if names else []
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def certificate(key: Path, days: int = 30) -> str:
    command = ["openssl", "req", "-new", "-x509", "-key", str(key), "-subj", "/CN=kubernetes", "-days", str(days)]
    command += ["-addext", "subjectAltName=DNS:api.example,IP:192.0.2.9"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def object_of(pem: str, **changes: Any) -> dict[str, Any]:
    spec = {
        "signerName": csr.SIGNER,
        "username": "system:node:w1",
        "groups": ["system:nodes", "system:authenticated"],
        "usages": ["digital signature", "server auth"],
        "request": base64.b64encode(pem.encode()).decode(),
        **changes,
    }
    return {"metadata": {"name": "csr-1"}, "spec": spec, "status": {}}


def test_the_hash_of_a_ca_is_that_of_the_openssl_recipe(key: Path) -> None:
    pem = certificate(key)
    public = subprocess.run(
        ["openssl", "x509", "-pubkey", "-noout"], input=pem.encode(), check=True, capture_output=True
    )
    raw = subprocess.run(
        ["openssl", "pkey", "-pubin", "-outform", "der"], input=public.stdout, check=True, capture_output=True
    )
    digest = subprocess.run(["openssl", "dgst", "-sha256", "-hex"], input=raw.stdout, check=True, capture_output=True)
    assert der.public_key_hash(pem) == "sha256:" + digest.stdout.decode().split("= ")[1].strip()


@pytest.mark.parametrize("days", [1, 3650, 36500])
def test_the_end_of_a_certificate_is_read_from_both_forms_of_time(key: Path, days: int) -> None:
    assert der.expires(certificate(key, days)) == pytest.approx(time.time() + days * 86400, abs=60)


def test_the_names_of_a_certificate_are_read(key: Path) -> None:
    names = der.certificate_names(certificate(key))
    assert (names.common_name, names.alternatives) == ("kubernetes", ("api.example", "192.0.2.9"))


@pytest.mark.parametrize(
    "text", ["", "nonsense", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", "\0" * 20]
)
def test_what_is_no_certificate_is_said_to_be_none(text: str) -> None:
    for function in (der.public_key_hash, der.expires, der.certificate_names):
        with pytest.raises(KubestdError, match="not a PEM certificate"):
            function(text)
    with pytest.raises(KubestdError, match="not a PEM certificate signing request"):
        der.request_names(text)


SUBJECT = "/O=system:nodes/CN=system:node:w1"
GOOD = [
    "DNS:w1,IP:192.0.2.41",
    "IP:192.0.2.41",
    "DNS:W1",
    "IP:2001:db8:0:0:0:0:0:1",
]


@pytest.mark.parametrize("names", GOOD)
def test_a_request_of_the_node_for_its_own_names_is_approved(key: Path, names: str) -> None:
    verdict = csr.judge(object_of(request(key, SUBJECT, names)), NODES)
    assert verdict.approve, verdict.why


BAD: list[tuple[str, str, str, dict[str, Any], str]] = [
    ("another user", SUBJECT, "DNS:w1", {"username": "alice"}, "does not come from a kubelet"),
    ("no group", SUBJECT, "DNS:w1", {"groups": ["system:authenticated"]}, "does not come from a kubelet"),
    ("unknown node", SUBJECT, "DNS:w1", {"username": "system:node:w9"}, "w9 is none of the nodes"),
    ("client usage", SUBJECT, "DNS:w1", {"usages": ["client auth", "server auth"]}, "usages are client auth"),
    ("no server usage", SUBJECT, "DNS:w1", {"usages": ["digital signature"]}, "usages are digital signature"),
    ("another subject", "/O=system:nodes/CN=system:node:w2", "DNS:w1", {}, "subject is CN=system:node:w2"),
    ("administrators", "/O=system:masters/CN=system:node:w1", "DNS:w1", {}, "O=system:masters"),
    ("two organisations", "/O=system:nodes/O=x/CN=system:node:w1", "DNS:w1", {}, "nothing else"),
    ("one more field", "/C=KR/O=system:nodes/CN=system:node:w1", "DNS:w1", {}, "nothing else"),
    ("a foreign name", SUBJECT, "DNS:w1,DNS:kubernetes.default", {}, "asks for kubernetes.default"),
    ("a foreign address", SUBJECT, "IP:192.0.2.9", {}, "asks for 192.0.2.9"),
    ("a URI", SUBJECT, "DNS:w1,URI:spiffe://x/y", {}, "e-mail addresses or URIs"),
    ("no names", SUBJECT, "", {}, "no name and no address"),
    ("not readable", SUBJECT, "DNS:w1", {"request": "%%%"}, "cannot be read"),
]


@pytest.mark.parametrize(("subject", "names", "changes", "sentence"), [r[1:] for r in BAD], ids=[r[0] for r in BAD])
def test_any_other_request_is_refused_with_a_sentence(
    key: Path, subject: str, names: str, changes: dict[str, Any], sentence: str
) -> None:
    verdict = csr.judge(object_of(request(key, subject, names), **changes), NODES)
    assert not verdict.approve
    assert sentence in verdict.why
    assert verdict.why.startswith("Request csr-1 of ")


class Cluster:
    """An API server with requests and kubelets."""

    def __init__(self, requests: list[dict[str, Any]], healthy_after: int = 0) -> None:
        self.requests, self.healthy_after, self.puts = requests, healthy_after, 0

    def get(self, _path: str, _query: dict[str, str] | None = None) -> Any:
        return {"items": self.requests}

    def send(self, method: str, path: str, body: Any) -> Any:
        assert (method, path) == ("PUT", f"{serving.REQUESTS}/csr-1/approval")
        self.puts += 1
        self.requests = [body]
        return body

    def ask(self, _method: str, _path: str) -> Answer:
        self.healthy_after -= 1
        if self.healthy_after > 0:
            raise KubeError("tls: internal error")
        return Answer(200, "ok")


def settle(cluster: Cluster, check: bool, timeout: float = 5.0) -> tuple[dict[str, Any], bool]:
    now = [0.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    outcome = serving.settle(cluster, NODES, timeout, check, lambda: now[0], sleep)  # type: ignore[arg-type]
    return serving.describe(outcome, NODES, check, timeout)


def test_a_request_is_approved_once_and_the_kubelet_is_proven(key: Path) -> None:
    cluster = Cluster([object_of(request(key, SUBJECT, "DNS:w1"))], healthy_after=3)
    result, failed = settle(cluster, check=False)
    assert (failed, result["changed"], cluster.puts) == (False, True, 1)
    assert result["msg"] == "1 of 1 kubelets proven"


@pytest.mark.parametrize("check", [False, True])
@pytest.mark.parametrize("user", ["system:node:w2", "alice", ""])
def test_requests_of_others_are_not_spoken_of(key: Path, check: bool, user: str) -> None:
    cluster = Cluster([object_of(request(key, "/O=system:nodes/CN=system:node:w2", "DNS:w2"), username=user)])
    result, failed = settle(cluster, check)
    assert (failed, result["changed"], result["refused"], cluster.puts) == (False, False, [], 0)


def test_nothing_pending_and_all_proven_changes_nothing() -> None:
    result, failed = settle(Cluster([]), check=False)
    assert (failed, result["changed"], result["approved"]) == (False, False, [])


def test_a_failed_wait_has_the_keys_of_a_passed_one_and_says_why(key: Path) -> None:
    refused = object_of(request(key, SUBJECT, "DNS:other"))
    result, failed = settle(Cluster([refused], healthy_after=999), check=False)
    passed, _ = settle(Cluster([]), check=False)
    assert failed
    assert result.keys() == passed.keys()
    assert "0 of 1 kubelets proven after 5 s. w1: tls: internal error" in result["msg"]
    assert "asks for other" in result["msg"]


def test_check_mode_changes_nothing_and_has_the_same_keys(key: Path) -> None:
    cluster = Cluster([object_of(request(key, SUBJECT, "DNS:w1"))], healthy_after=999)
    result, failed = settle(cluster, check=True)
    real, _ = settle(Cluster([object_of(request(key, SUBJECT, "DNS:w1"))]), check=False)
    assert (failed, result["changed"], cluster.puts) == (False, True, 0)
    assert result.keys() == real.keys() == serving.before_the_cluster(NODES).keys()
