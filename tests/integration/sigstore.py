# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The real cosign, and a stand-in for the services of Sigstore that it asks: nothing here needs the internet."""

from __future__ import annotations

import base64
import datetime
import hashlib
import json
import os
import subprocess
import time
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from .control_plane import go_program

COSIGN = "v3.1.3"
IDENTITY, ISSUER = "release@example.test", "https://issuer.example.test"
NOW = datetime.datetime.now(datetime.timezone.utc)
OFFLINE = {"http_proxy": "http://127.0.0.1:1", "https_proxy": "http://127.0.0.1:1", "no_proxy": "127.0.0.1"}


def cosign() -> str:
    """cosign, built once from its Go module."""
    return str(go_program("cosign", "github.com/sigstore/cosign/v3/cmd/cosign", COSIGN))


def run(command: list[str], **environment: str) -> str:
    """A tool, for what a test prepares."""
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=120, env={**os.environ, **OFFLINE, **environment}
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


class Signer:
    """A key pair of cosign."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        run([cosign(), "generate-key-pair", f"--output-key-prefix={folder}/key"], COSIGN_PASSWORD="MARKER-key")
        self.key, self.verify = (
            f"{folder}/key.key",
            {"cosign_key": f"{folder}/key.pub", "ignore_transparency_log": True},
        )

    def sign(self, ref: str, *flags: str, **environment: str) -> None:
        """Sign what is under version 1.0.0 now, without any service of the internet."""
        command = [cosign(), "sign", "--key", self.key, "--use-signing-config=false", "--tlog-upload=false", "--yes"]
        image = f"{ref.removeprefix('oci://')}:1.0.0"
        run([*command, *flags, image], COSIGN_PASSWORD="MARKER-key", **environment)


class Authority:
    """A certificate authority, a log of certificates and a log of signatures, as those of Sigstore, and its trusted root."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder, self.root = folder, folder / "root.json"
        self.key, self.log, self.rekor = (ec.generate_private_key(ec.SECP256R1()) for _ in range(3))
        self.name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test authority")])
        usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
        constraints = x509.BasicConstraints(ca=True, path_length=0)
        made = self.builder(self.key, self.name).add_extension(usage, True).add_extension(constraints, True)
        self.write("ca.pem", made.sign(self.key, hashes.SHA256()).public_bytes(Encoding.PEM))
        for name, key in (("log.pub", self.log), ("rekor.pub", self.rekor)):
            self.write(name, key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
        since = f"start-time={(NOW - datetime.timedelta(days=1)).strftime('%Y-%m-%dT%H:%M:%SZ')}"
        fulcio = f"--fulcio=url=https://ca.example.test,certificate-chain={folder}/ca.pem"
        logs = [
            f"--{kind}=url=https://log.example.test,public-key={folder}/{name}.pub,{since}"
            for kind, name in (("ctfe", "log"), ("rekor", "rekor"))
        ]
        run([cosign(), "trusted-root", "create", fulcio, *logs, f"--out={self.root}"])

    def write(self, name: str, content: bytes) -> str:
        (self.folder / name).write_bytes(content)
        return f"{self.folder}/{name}"

    def builder(self, key: ec.EllipticCurvePrivateKey, subject: x509.Name) -> x509.CertificateBuilder:
        day = datetime.timedelta(days=1)
        made = x509.CertificateBuilder().subject_name(subject).issuer_name(self.name).public_key(key.public_key())
        return made.serial_number(2).not_valid_before(NOW - day).not_valid_after(NOW + day)

    def certificate(self, key: ec.EllipticCurvePrivateKey) -> bytes:
        """As Fulcio issues it: the identity, its issuer, and the proof that the log of certificates has it (RFC 6962)."""
        made = self.builder(key, x509.Name([]))
        made = made.add_extension(x509.SubjectAlternativeName([x509.RFC822Name(IDENTITY)]), critical=True)
        made = made.add_extension(x509.ExtendedKeyUsage([x509.ExtendedKeyUsageOID.CODE_SIGNING]), critical=False)
        # https://github.com/sigstore/fulcio/blob/main/docs/oid-info.md: the issuer, as text and as DER
        for number, content in ((1, ISSUER.encode()), (8, bytes([12, len(ISSUER)]) + ISSUER.encode())):
            oid = x509.ObjectIdentifier(f"1.3.6.1.4.1.57264.1.{number}")
            made = made.add_extension(x509.UnrecognizedExtension(oid, content), critical=False)
        body = made.sign(self.key, hashes.SHA256()).tbs_certificate_bytes
        stamp = int(NOW.timestamp() * 1000).to_bytes(8, "big")
        entry = b"\0\1" + fingerprint(self.key) + len(body).to_bytes(3, "big") + body + b"\0\0"
        signature = self.log.sign(b"\0\0" + stamp + entry, ec.ECDSA(hashes.SHA256()))
        proof = b"\0" + fingerprint(self.log) + stamp + b"\0\0\4\3" + sized(signature)
        proofs = sized(sized(proof))
        octets = b"\4" + (b"" if len(proofs) < 128 else b"\x81") + bytes([len(proofs)]) + proofs
        extension = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2"), octets)
        return made.add_extension(extension, critical=False).sign(self.key, hashes.SHA256()).public_bytes(Encoding.PEM)

    def logged(self, kind: str, spec: dict[str, Any]) -> tuple[dict[str, Any], str]:
        """An entry of the log of signatures as Rekor answers it, and its promise to keep it."""
        body = base64.b64encode(canonical({"apiVersion": "0.0.1", "kind": kind, "spec": spec})).decode()
        entry = {
            "body": body,
            "integratedTime": int(time.time()),
            "logID": fingerprint(self.rekor).hex(),
            "logIndex": 0,
        }
        return entry, signed(self.rekor, canonical(entry))

    def sign_with_a_tag(self, ref: str) -> None:
        """A keyless signature as cosign 2 makes it: a key that nobody keeps, its certificate, and the entry of the log."""
        image, key = f"{ref.removeprefix('oci://')}:1.0.0", ec.generate_private_key(ec.SECP256R1())
        certificate = self.certificate(key)
        payload = run([cosign(), "generate", "--allow-http-registry", image]).strip().encode()
        signature = signed(key, payload)
        spec = {
            "data": {"hash": {"algorithm": "sha256", "value": hashlib.sha256(payload).hexdigest()}},
            "signature": {"content": signature, "publicKey": {"content": base64.b64encode(certificate).decode()}},
        }
        entry, promise = self.logged("hashedrekord", spec)
        response = {"rekorBundle": {"SignedEntryTimestamp": promise, "Payload": entry}}
        files = {
            "--payload": self.write("payload", payload),
            "--signature": self.write("signature", signature.encode()),
            "--certificate": self.write("certificate.pem", certificate),
            "--certificate-chain": f"{self.folder}/ca.pem",
            "--rekor-response": self.write("rekor.json", json.dumps(response).encode()),
        }
        flags = [f"{flag}={path}" for flag, path in files.items()]
        run([cosign(), "attach", "signature", "--allow-http-registry", *flags, image])

    def sign_with_a_bundle(self, ref: str) -> None:
        """The same as cosign 3 makes it: a Sigstore bundle, with the proof that the log has the entry."""
        image, key = f"{ref.removeprefix('oci://')}:1.0.0", ec.generate_private_key(ec.SECP256R1())
        certificate = self.certificate(key)
        claims = json.loads(run([cosign(), "generate", "--allow-http-registry", image]))
        algorithm, digest = claims["critical"]["image"]["docker-manifest-digest"].split(":")
        statement = {
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [{"name": image, "digest": {algorithm: digest}}],
            "predicateType": "https://sigstore.dev/cosign/sign/v1",
            "predicate": {},
        }
        payload, kind = canonical(statement), "application/vnd.in-toto+json"
        signature = signed(key, f"DSSEv1 {len(kind)} {kind} {len(payload)} ".encode() + payload)
        envelope = {
            "payload": base64.b64encode(payload).decode(),
            "payloadType": kind,
            "signatures": [{"sig": signature}],
        }
        hashed = [
            {"algorithm": "sha256", "value": hashlib.sha256(content).hexdigest()}
            for content in (canonical(envelope), payload)
        ]
        verifier = base64.b64encode(certificate).decode()
        spec = {
            "envelopeHash": hashed[0],
            "payloadHash": hashed[1],
            "signatures": [{"signature": signature, "verifier": verifier}],
        }
        entry, promise = self.logged("dsse", spec)
        # a log with one entry: its hash is the root (RFC 6962); the checkpoint is a note signed by tree 1
        root = base64.b64encode(hashlib.sha256(b"\0" + base64.b64decode(entry["body"])).digest()).decode()
        note, log = f"log.example.test - 1\n1\n{root}\n", fingerprint(self.rekor)
        mark = base64.b64encode(log[:4] + base64.b64decode(signed(self.rekor, note.encode()))).decode()
        proof = {"logIndex": "0", "rootHash": root, "treeSize": "1", "hashes": []}
        proof["checkpoint"] = {"envelope": f"{note}\n\u2014 log.example.test {mark}\n"}
        logged = {
            "logIndex": "0",
            "logId": {"keyId": base64.b64encode(log).decode()},
            "kindVersion": {"kind": "dsse", "version": "0.0.1"},
            "integratedTime": str(entry["integratedTime"]),
            "inclusionPromise": {"signedEntryTimestamp": promise},
            "inclusionProof": proof,
            "canonicalizedBody": entry["body"],
        }
        der = x509.load_pem_x509_certificate(certificate).public_bytes(Encoding.DER)
        material = {"certificate": {"rawBytes": base64.b64encode(der).decode()}, "tlogEntries": [logged]}
        bundle = {
            "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
            "verificationMaterial": material,
            "dsseEnvelope": envelope,
        }
        path = self.write("bundle.json", json.dumps(bundle).encode())
        run([cosign(), "attach", "signature", "--allow-http-registry", f"--payload={path}", image])


def signed(key: ec.EllipticCurvePrivateKey, content: bytes) -> str:
    return base64.b64encode(key.sign(content, ec.ECDSA(hashes.SHA256()))).decode()


def canonical(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def fingerprint(key: ec.EllipticCurvePrivateKey) -> bytes:
    return hashlib.sha256(key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()


def sized(content: bytes) -> bytes:
    return len(content).to_bytes(2, "big") + content
