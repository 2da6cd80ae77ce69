# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real control plane and a real registry as processes on loopback: etcd, kube-apiserver, kube-controller-manager.

No nodes; KWOK can play some (kwok()). Binaries are those of the mirror that the sandbox fills.
"""

from __future__ import annotations

import datetime
import hashlib
import ipaddress
import json
import os
import re
import secrets
import shutil
import signal
import socket
import ssl
import subprocess
import tarfile
import time
import urllib.request
from pathlib import Path

import bcrypt
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

CACHE = Path(os.environ.get("KUBESTD_CACHE") or Path.home() / ".cache/kubestd")
START = 60.0  # seconds in which a process has to answer


def unpacked(name: str, pattern: str, member: str) -> Path:
    """A program of an archive of the mirror, unpacked once beside it."""
    target = CACHE / "tools" / name
    archive = sorted((CACHE / "mirror/files").rglob(pattern))[-1]
    if not target.exists() or target.stat().st_mtime < archive.stat().st_mtime:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tarfile.open(archive) as content:
            found = next(item for item in content.getmembers() if item.name.endswith(f"/{member}"))
            source = content.extractfile(found)
            assert source
            fresh = target.with_suffix(f".{os.getpid()}")
            fresh.write_bytes(source.read())
        fresh.chmod(0o755)
        fresh.rename(target)
    return target


def kubernetes(program: str) -> Path:
    """kube-apiserver, kubectl, kubeadm … as they were built for the mirror."""
    found = CACHE / "build/bin/kubernetes" / program
    assert found.exists(), f"{found} is missing; scripts/kubestd create builds it (it is kept in the cache)"
    return found


def helm() -> Path:
    """helm of the mirror."""
    return unpacked("helm", "helm-v*-linux-*.tar.gz", "helm")


def etcd(program: str = "etcd") -> Path:
    """etcd of the mirror; etcdctl and etcdutl are with it."""
    return unpacked(program, "etcd-v*-linux-*.tar.gz", program)


def go_program(name: str, package: str, version: str) -> Path:
    """A program that is built once from its Go module."""
    path = CACHE / "tools" / f"{name}-{version[1:]}"
    if not path.exists():
        folder = CACHE / f"tools/{name}.build"
        folder.mkdir(parents=True, exist_ok=True)
        environment = {**os.environ, "GOBIN": str(folder), "CGO_ENABLED": "0", "GOFLAGS": "-trimpath -buildvcs=false"}
        command = ["go", "install", "-p", "2", "-ldflags=-s -w", f"{package}@{version}"]
        subprocess.run(command, env=environment, check=True, timeout=1800)
        (folder / name).rename(path)
    return path


def ingress2gateway() -> Path:
    """ingress2gateway, built once with the digests of its go.sum: the public database of checksums does not know it everywhere."""
    source = Path(__file__).parent / "ingress2gateway"
    path = CACHE / f"tools/ingress2gateway-{hashlib.sha256((source / 'go.sum').read_bytes()).hexdigest()[:12]}"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(f".{os.getpid()}")
        environment = {**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "-trimpath -buildvcs=false -mod=readonly"}
        command = [
            "go",
            "build",
            "-p",
            "2",
            "-ldflags=-s -w",
            "-o",
            str(part),
            "github.com/kubernetes-sigs/ingress2gateway",
        ]
        subprocess.run(command, env=environment, cwd=source, check=True, timeout=1800)
        part.rename(path)
    return path


def free_port() -> int:
    """A port of loopback that nothing uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Process:
    """One process of ours, with its output in a file."""

    def __init__(self, name: str, command: list[str], folder: Path, environment: dict[str, str] | None = None) -> None:
        self.name, self.command, self.log = name, command, folder / f"{name}.log"
        self.environment = {**os.environ, **(environment or {})}
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; start() of a running one is an error."""
        assert self.process is None
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                self.command, stdout=output, stderr=output, stdin=subprocess.DEVNULL, env=self.environment
            )

    def stop(self, how: int = signal.SIGTERM) -> None:
        """Stop it and wait."""
        if self.process is not None:
            self.process.send_signal(how)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.process = None

    def answers(self, url: str, context: ssl.SSLContext | None = None) -> None:
        """Wait until url answers 200."""
        until = time.monotonic() + START
        while True:
            assert self.process is not None
            assert self.process.poll() is None, f"{self.name} ended:\n{self.log.read_text()[-3000:]}"
            try:
                with urllib.request.urlopen(url, timeout=2, context=context):
                    return
            except OSError:
                assert time.monotonic() < until, f"{self.name} does not answer:\n{self.log.read_text()[-3000:]}"
                time.sleep(0.1)


class ControlPlane:
    """etcd, kube-apiserver and kube-controller-manager; certificates by kubeadm."""

    def __init__(self, folder: Path, *extra: str) -> None:
        self.folder, self.pki = folder, folder / "pki"
        self.port, self.etcd_port = free_port(), free_port()
        self.kubeconfig = folder / "admin.conf"
        self.url = f"https://127.0.0.1:{self.port}"
        self._certificates()
        peer = free_port()
        self.etcd = Process(
            "etcd",
            [
                str(etcd()),
                f"--data-dir={folder}/etcd",
                f"--listen-client-urls=http://127.0.0.1:{self.etcd_port}",
                f"--advertise-client-urls=http://127.0.0.1:{self.etcd_port}",
                f"--listen-peer-urls=http://127.0.0.1:{peer}",
                f"--initial-advertise-peer-urls=http://127.0.0.1:{peer}",
                f"--initial-cluster=default=http://127.0.0.1:{peer}",
                "--unsafe-no-fsync",
                "--log-level=warn",
            ],
            folder,
        )
        self.api = Process(
            "kube-apiserver",
            [
                str(kubernetes("kube-apiserver")),
                f"--etcd-servers=http://127.0.0.1:{self.etcd_port}",
                "--bind-address=127.0.0.1",
                "--advertise-address=127.0.0.1",
                "--endpoint-reconciler-type=none",
                f"--secure-port={self.port}",
                f"--tls-cert-file={self.pki}/apiserver.crt",
                f"--tls-private-key-file={self.pki}/apiserver.key",
                f"--client-ca-file={self.pki}/ca.crt",
                f"--service-account-key-file={self.pki}/sa.pub",
                f"--service-account-signing-key-file={self.pki}/sa.key",
                "--service-account-issuer=https://kubernetes.default.svc",
                "--service-cluster-ip-range=10.96.0.0/16",
                "--authorization-mode=Node,RBAC",
                "--enable-admission-plugins=NodeRestriction",
                "--allow-privileged=true",
                f"--proxy-client-cert-file={self.pki}/front-proxy-client.crt",
                f"--proxy-client-key-file={self.pki}/front-proxy-client.key",
                f"--requestheader-client-ca-file={self.pki}/front-proxy-ca.crt",
                "--requestheader-allowed-names=front-proxy-client",
                "--requestheader-extra-headers-prefix=X-Remote-Extra-",
                "--requestheader-group-headers=X-Remote-Group",
                "--requestheader-username-headers=X-Remote-User",
                "--shutdown-delay-duration=0s",
                *extra,
            ],
            folder,
        )
        self.controllers = Process(
            "kube-controller-manager",
            [
                str(kubernetes("kube-controller-manager")),
                f"--kubeconfig={self.kubeconfig}",
                "--bind-address=127.0.0.1",
                f"--secure-port={free_port()}",
                "--leader-elect=false",
                "--use-service-account-credentials=true",
                f"--root-ca-file={self.pki}/ca.crt",
                f"--service-account-private-key-file={self.pki}/sa.key",
                "--controllers=*,-nodeipam",
            ],
            folder,
        )
        self.scheduler = Process(
            "kube-scheduler",
            [
                str(kubernetes("kube-scheduler")),
                f"--kubeconfig={self.kubeconfig}",
                "--bind-address=127.0.0.1",
                f"--secure-port={free_port()}",
                "--leader-elect=false",
            ],
            folder,
        )
        self.others: list[Process] = []

    def _certificates(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        config = self.folder / "kubeadm.json"
        config.write_text(
            json.dumps(
                {
                    "apiVersion": "kubeadm.k8s.io/v1beta4",
                    "kind": "InitConfiguration",
                    "localAPIEndpoint": {"advertiseAddress": "192.0.2.1", "bindPort": self.port},
                    "nodeRegistration": {"name": "none", "criSocket": "unix:///run/none.sock"},
                }
            )
            + "\n---\n"
            + json.dumps(
                {
                    "apiVersion": "kubeadm.k8s.io/v1beta4",
                    "kind": "ClusterConfiguration",
                    "kubernetesVersion": "v1.36.4",
                    "certificatesDir": str(self.pki),
                    # kubeadm does not take loopback as the address of a control plane, but as a name of it
                    "apiServer": {"certSANs": ["127.0.0.1"]},
                    "controlPlaneEndpoint": f"127.0.0.1:{self.port}",
                }
            )
        )
        phase = [str(kubernetes("kubeadm")), "init", "phase"]
        run = {"check": True, "stdout": subprocess.DEVNULL, "timeout": 60}
        subprocess.run([*phase, "certs", "all", f"--config={config}"], **run)  # type: ignore[call-overload]
        subprocess.run(
            [*phase, "kubeconfig", "super-admin", f"--config={config}", f"--kubeconfig-dir={self.folder}"],
            **run,  # type: ignore[call-overload]
        )
        config_text = (self.folder / "super-admin.conf").read_text()
        self.kubeconfig.write_text(re.sub(r"server: .*", f"server: {self.url}", config_text))

    @property
    def context(self) -> ssl.SSLContext:
        """TLS that trusts the API server."""
        return ssl.create_default_context(cafile=str(self.pki / "ca.crt"))

    def start(self) -> ControlPlane:
        """Start everything and wait until the API server is ready."""
        self.etcd.start()
        self.start_api()
        self.controllers.start()
        return self

    def start_api(self) -> None:
        """Start the API server and wait until it is ready."""
        self.api.start()
        self.api.answers(f"{self.url}/readyz", self.context)

    def kwok(self, program: Path, stages: Path) -> Process:
        """Nodes that are played: KWOK makes pods of its nodes run on paper."""
        process = Process(
            "kwok",
            [
                str(program),
                f"--kubeconfig={self.kubeconfig}",
                f"--config={stages}",
                "--manage-all-nodes=true",
                "--node-lease-duration-seconds=40",
            ],
            self.folder,
        )
        process.start()
        self.scheduler.start()
        self.others += [process, self.scheduler]
        return process

    def etcdctl(self, *arguments: str) -> str:
        """What etcdctl prints; a failure is an error with its words."""
        command = [str(etcd("etcdctl")), f"--endpoints=http://127.0.0.1:{self.etcd_port}", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def restart_api(self) -> None:
        """Kill the API server, and start it again."""
        self.api.stop(signal.SIGKILL)
        self.start_api()

    def stop(self) -> None:
        """Stop all processes; nobody needs their last words."""
        for process in (*self.others, self.controllers, self.api, self.etcd):
            process.stop(signal.SIGKILL)

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        """What kubectl prints; a failure is an error with its words."""
        done = subprocess.run(
            [str(kubernetes("kubectl")), f"--kubeconfig={self.kubeconfig}", *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


class Registry(Process):
    """Debian's docker-registry on loopback, plain http unless a certificate is given."""

    def __init__(
        self,
        folder: Path,
        certificate: tuple[Path, Path] | None = None,
        htpasswd: Path | None = None,
        name: str = "registry",
        host: str = "127.0.0.1",
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.host, self.address = host, f"{host}:{self.port}"
        program = shutil.which("docker-registry")
        assert program, "docker-registry is missing; scripts/kubestd installs it"
        settings: dict[str, object] = {
            "version": 0.1,
            "log": {"level": "info"},
            "storage": {"filesystem": {"rootdirectory": str(folder / "data")}, "delete": {"enabled": True}},
            "http": {"addr": self.address},
        }
        if certificate:
            settings["http"] = {
                "addr": self.address,
                "tls": {"certificate": str(certificate[0]), "key": str(certificate[1])},
            }
        if htpasswd:
            settings["auth"] = {"htpasswd": {"realm": "test", "path": str(htpasswd)}}
        config = folder / f"{name}.yml"
        config.write_text(json.dumps(settings))
        super().__init__(name, [program, "serve", str(config)], folder, {"OTEL_TRACES_EXPORTER": "none"})
        self.scheme = "https" if certificate else "http"

    def begin(self) -> Registry:
        """Start and wait until it listens."""
        self.start()
        until = time.monotonic() + START
        while time.monotonic() < until:
            with socket.socket() as probe:
                probe.settimeout(1)
                if probe.connect_ex((self.host, self.port)) == 0:
                    return self
            time.sleep(0.05)
        raise AssertionError(self.log.read_text()[-2000:])


def certificate(folder: Path, address: str = "127.0.0.1") -> tuple[Path, Path]:
    """A certificate for an address that signs for itself, so that it is its own authority."""
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
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = folder / "registry.crt", folder / "registry.key"
    paths[0].write_bytes(made.public_bytes(Encoding.PEM))
    paths[1].write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return paths


class LockedRegistry(Registry):
    """One with TLS of a private authority and a login; stopped at the end of its context."""

    def __init__(self, folder: Path) -> None:
        self.username, self.password = "robot", f"MARKER-{secrets.token_hex(16)}"
        folder.mkdir(parents=True, exist_ok=True)
        pair = certificate(folder)
        word = bcrypt.hashpw(self.password.encode(), bcrypt.gensalt(4)).decode()
        (folder / "htpasswd").write_text(f"{self.username}:{word}\n")
        super().__init__(folder, pair, folder / "htpasswd")
        self.ca = str(pair[0])

    @property
    def options(self) -> dict[str, str]:
        """What helm_oci needs for it."""
        return {"ca": self.ca, "username": self.username, "password": self.password}

    def __enter__(self) -> LockedRegistry:
        self.begin()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
