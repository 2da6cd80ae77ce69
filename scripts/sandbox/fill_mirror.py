#!/usr/bin/env python3
# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fill the sandbox's mirror: upstream's files by sha256 where they can be reached, else the same versions built from Go modules.

Usage: fill_mirror.py CACHE [SYSTEM...]. What is in CACHE/mirror already is left alone. Go 1.26 and about 10 GiB are needed for building.
A system of the platform is its chart and its images: upstream's, or those that lie in its Go module. One without a chart may have images
of Debian packages instead, whose version is Debian's.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import http.client
import io
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ARCH = {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()]
CNI = (
    "main/bridge",
    "main/loopback",
    "main/ptp",
    "ipam/host-local",
    "ipam/static",
    "meta/firewall",
    "meta/portmap",
    "meta/tuning",
)
KUBERNETES = (
    "kube-apiserver",
    "kube-controller-manager",
    "kube-proxy",
    "kube-scheduler",
    "kubeadm",
    "kubectl",
    "kubelet",
)
START = time.monotonic()


def say(text: str) -> None:
    """A line for the person who waits."""
    print(f"[{time.monotonic() - START:5.0f} s] mirror: {text}", flush=True)


def run(command: list[str], folder: Path | None = None, **environment: str) -> str:
    """Run a command; its output is shown only when it fails."""
    answer = subprocess.run(
        command, cwd=folder, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    if answer.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{answer.stdout}{answer.stderr}")
    return answer.stdout


class Unfetched(Exception):
    """Why a file did not come from upstream."""


def reachable(url: str) -> bool:
    """Whether upstream answers, within a few seconds."""
    with contextlib.suppress(OSError):
        request = urllib.request.Request(url, method="HEAD")
        with urllib.request.urlopen(request, timeout=4) as answer:
            return bool(answer.status == 200)
    return False


class Builder:
    """Go programs of given versions, in a folder of the cache."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.bin = folder / "bin"
        self.bin.mkdir(parents=True, exist_ok=True)

    def install(self, package: str, version: str, flags: str = "", tags: str = "", cgo: bool = False) -> Path:
        """go install PACKAGE@vVERSION"""
        target = self.bin / version
        options = [f"-ldflags=-s -w {flags}"] + ([f"-tags={tags}"] if tags else [])
        run(
            ["go", "install", "-trimpath", *options, f"{package}@v{version}"],
            GOBIN=str(target),
            CGO_ENABLED="1" if cgo else "0",
        )
        return target / package.split("/")[-1]

    def build(
        self,
        name: str,
        modules: list[str],
        programs: dict[str, str],
        replaces: list[str] | None = None,
        flags: str = "",
    ) -> list[Path]:
        """Programs (package by name) of modules that go install refuses, since their go.mod replaces others."""
        folder = self.folder / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        (folder / "tools.go").write_text(
            "//go:build tools\n\npackage tools\n\nimport (\n"
            + "".join(f'\t_ "{package}"\n' for package in programs.values())
            + ")\n"
        )
        lines = [f"module kubestd.local/{name}", "", "go 1.26", ""]
        lines += [f"require {module}" for module in modules] + [f"replace {line}" for line in replaces or []]
        (folder / "go.mod").write_text("\n".join(lines) + "\n")
        run(["go", "mod", "tidy"], folder)
        out = self.bin / name
        out.mkdir(exist_ok=True)
        for program, package in programs.items():
            run(
                ["go", "build", "-trimpath", f"-ldflags=-s -w {flags}", "-o", str(out / program), package],
                folder,
                CGO_ENABLED="0",
            )
        return [out / program for program in programs]

    def kubernetes(self, version: str) -> list[Path]:
        """All programs of Kubernetes; versions are given to the linker, since kubeadm has to know its own."""
        where = json.loads(run(["go", "mod", "download", "-json", f"k8s.io/kubernetes@v{version}"]))["GoMod"]
        staging = "v0." + version.split(".", 1)[1]
        replaces = [
            f"{name} => {name} {staging}"
            for name in re.findall(r"^\s*(k8s\.io/[\w-]+) => \./staging", Path(where).read_text(), re.MULTILINE)
        ]
        major, minor, _ = version.split(".")
        values = {
            "gitVersion": f"v{version}",
            "gitMajor": major,
            "gitMinor": minor,
            "gitTreeState": "clean",
            "gitCommit": "module",
            "buildDate": "1970-01-01T00:00:00Z",
        }
        packages = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
        flags = " ".join(f"-X {package}.{key}={value}" for package in packages for key, value in values.items())
        return self.build(
            "kubernetes",
            [f"k8s.io/kubernetes v{version}"],
            {name: f"k8s.io/kubernetes/cmd/{name}" for name in KUBERNETES},
            replaces,
            flags,
        )

    def programs(self, name: str, version: str) -> list[Path]:
        """The programs of an artifact, built."""
        if not shutil.which("go"):
            sys.exit(
                f"{name} {version} cannot be downloaded from upstream, and Go 1.26 is not here to build it; "
                "install Go from https://go.dev/dl or open the network."
            )
        if name == "kubernetes":
            return self.kubernetes(version)
        if name.startswith("containerd"):
            flag = f"-X github.com/containerd/containerd/v2/version.Version=v{version}"
            return [
                self.install(f"github.com/containerd/containerd/v2/cmd/{part}", version, flag)
                for part in ("containerd", "containerd-shim-runc-v2", "ctr")
            ]
        if name == "runc":
            return [
                self.install(
                    "github.com/opencontainers/runc",
                    version,
                    f"-extldflags -static -X main.version={version}",
                    "seccomp netgo osusergo",
                    cgo=True,
                )
            ]
        if name == "cni_plugins":
            return [self.install(f"github.com/containernetworking/plugins/plugins/{part}", version) for part in CNI]
        if name == "crictl":
            flag = f"-X sigs.k8s.io/cri-tools/pkg/version.Version={version}"
            return self.build(
                "crictl",
                [f"sigs.k8s.io/cri-tools v{version}"],
                {"crictl": "sigs.k8s.io/cri-tools/cmd/crictl"},
                flags=flag,
            )
        if name == "etcd":
            parts = {"etcd": "server", "etcdctl": "etcdctl", "etcdutl": "etcdutl"}
            modules = [f"go.etcd.io/etcd/{part}/v3 v{version}" for part in parts.values()]
            return self.build(
                "etcd", modules, {program: f"go.etcd.io/etcd/{part}/v3" for program, part in parts.items()}
            )
        if name == "helm":
            return [
                self.install(
                    "helm.sh/helm/v4/cmd/helm", version, f"-X helm.sh/helm/v4/internal/version.version=v{version}"
                )
            ]
        if name == "coredns/coredns":
            return [self.install("github.com/coredns/coredns", version)]
        (self.bin / "pause").mkdir(exist_ok=True)
        run(
            ["go", "build", "-trimpath", "-ldflags=-s -w", "-o", str(self.bin / "pause/pause"), str(HERE / "pause.go")],
            CGO_ENABLED="0",
        )
        return [self.bin / "pause/pause"]


def archive(programs: list[Path], prefix: str) -> bytes:
    """A .tar.gz like upstream's, with the same bytes for the same programs."""
    import gzip

    buffer = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=buffer, mode="wb", compresslevel=1, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w") as bundle,
    ):
        for program in programs:
            info = tarfile.TarInfo(prefix + program.name)
            info.size, info.mode = program.stat().st_size, 0o755
            with program.open("rb") as handle:
                bundle.addfile(info, handle)
    return buffer.getvalue()


def put(target: Path, content: bytes) -> None:
    """Write a file in one step."""
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.part")
    temporary.write_bytes(content)
    temporary.rename(target)


def digest(path: Path) -> str:
    """sha256 of a file."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


class Mirror:
    """The folder that the mirror container serves."""

    def __init__(self, cache: Path) -> None:
        self.table = json.loads((HERE / "artifacts.json").read_text())
        self.root = cache / "mirror"
        self.builder = Builder(cache / "build")
        self.upstream: bool | None = None

    def place(self, url: str, version: str) -> Path:
        """Where a file of upstream lies in the mirror."""
        return self.root / "files" / url.format(version=version, arch=ARCH).removeprefix("https://")

    def from_upstream(self) -> bool:
        """Asked once, when something is missing."""
        if self.upstream is None:
            self.upstream = reachable(self.table["probe"])
            say(
                "upstream answers: downloading"
                if self.upstream
                else "upstream cannot be reached: building the same versions from Go modules"
            )
        return self.upstream

    def download(self, key: str, url: str, version: str) -> bytes:
        """Upstream's file when its digest is known and right. What is complete and wrong stops everything: somebody has changed it."""
        wanted = self.table["sha256"].get(ARCH, {}).get(f"{key} {version}")
        if not wanted:
            raise Unfetched("artifacts.json has no sha256 of it")
        where = url.format(version=version, arch=ARCH)
        try:
            with urllib.request.urlopen(where, timeout=60) as answer:
                content = bytes(answer.read())
        except (OSError, http.client.HTTPException) as error:
            raise Unfetched(f"{where}: {str(error) or type(error).__name__}") from error
        found = hashlib.sha256(content).hexdigest()
        if found != wanted:
            sys.exit(
                f"{where}: its sha256 is {found} and must be {wanted}; do not use it, and find out who has changed it."
            )
        return content

    def fill_files(self) -> None:
        """Every file of the table."""
        for name, entry in self.table["files"].items():
            version = entry["version"]
            missing = {key: url for key, url in entry["urls"].items() if not self.place(url, version).exists()}
            if not missing:
                continue
            say(f"{name} {version}")
            if self.from_upstream():
                try:
                    for key, url in missing.items():
                        put(self.place(url, version), self.download(key, url, version))
                    continue
                except Unfetched as reason:
                    say(f"{name} {version} is built from its Go modules: {reason}")
            programs = self.builder.programs(name, version)
            for key, url in missing.items():
                if url.endswith("gz"):
                    prefix = {
                        "containerd": "bin/",
                        "etcd": f"etcd-v{version}-linux-{ARCH}/",
                        "helm": f"linux-{ARCH}/",
                    }.get(key, "")
                    put(self.place(url, version), archive(programs, prefix))
                else:
                    put(self.place(url, version), next(item for item in programs if item.name == key).read_bytes())

    def fill_images(self) -> None:
        """Every image of the table, in the registry's storage."""
        missing = {name: tag for name, tag in self.table["images"].items() if not self.has_image(name, tag)}
        if not missing:
            return
        with registry(self.root) as address:
            for name, tag in missing.items():
                say(f"image {name}:{tag}")
                if self.from_upstream():
                    copy_image(f"registry.k8s.io/{name}:{tag}", f"{address}/{name}:{tag}")
                else:
                    self.build_image(name, tag, address)

    def has_image(self, name: str, tag: str) -> bool:
        """Whether the registry's storage has it."""
        repositories = self.root / "registry/docker/registry/v2/repositories"
        return (repositories / f"{name}/_manifests/tags/{tag}/current/link").exists()

    def fill_systems(self, names: list[str]) -> None:
        """Chart and images of systems of the platform, under upstream's names."""
        for name in names:
            if name not in self.table["systems"]:
                sys.exit(f"KUBESTD_SANDBOX_SYSTEMS has {name!r}: write some of {','.join(self.table['systems'])}.")
            entry = self.table["systems"][name]
            made_of = {image: package for package, image in entry.get("images", {}).items()} | entry.get("packages", {})
            missing = {
                image: parts
                for image, parts in made_of.items()
                if not self.has_image(*image.split("/", 1)[1].split(":"))
            }
            chart = entry.get("chart")
            oci = (
                chart["ref"].removeprefix("oci://").split("/", 1)[1]
                if chart and chart["ref"].startswith("oci://")
                else ""
            )
            there = not chart or (
                self.has_image(oci, chart["version"]) if oci else self.place(chart["ref"], "").exists()
            )
            if there and not missing:
                continue
            say(f"system {name} {entry['version']}")
            with registry(self.root) as address:
                for image, parts in missing.items():
                    target = f"{address}/{image.split('/', 1)[1]}"
                    if self.from_upstream():
                        copy_image(image, target)
                    elif isinstance(parts, list):
                        self.push_image([], target, parts)
                    else:
                        self.push_image([self.builder.install(f"{entry['module']}/{parts}", entry["version"])], target)
                if not there:
                    self.bring_chart(entry, oci, address)

    def bring_chart(self, entry: dict[str, Any], oci: str, address: str) -> None:
        """The chart of a system: upstream's archive, or its folder in the Go module, packed by helm."""
        chart = entry["chart"]
        if self.from_upstream() and oci:
            copy_image(
                f"{chart['ref'].removeprefix('oci://')}:{chart['version']}", f"{address}/{oci}:{chart['version']}"
            )
        elif self.from_upstream():
            with urllib.request.urlopen(chart["ref"], timeout=60) as answer:
                put(self.place(chart["ref"], ""), answer.read())
        else:
            module = f"{entry['module']}@v{entry['version']}"
            folder = Path(json.loads(run(["go", "mod", "download", "-json", module]))["Dir"]) / chart["folder"]
            helm = str(self.builder.programs("helm", self.table["files"]["helm"]["version"])[0])
            with tempfile.TemporaryDirectory(dir=self.root) as made:
                run([helm, "package", str(folder), "--destination", made])
                packed = next(Path(made).glob(f"*-{chart['version']}.tgz"))
                if oci:
                    run([helm, "push", str(packed), f"oci://{address}/{oci.rpartition('/')[0]}", "--plain-http"])
                else:
                    put(self.place(chart["ref"], ""), packed.read_bytes())

    def build_image(self, name: str, tag: str, address: str) -> None:
        """An image of Kubernetes, with its program where kubeadm's manifests look for it."""
        short = name.split("/")[-1]
        if name.startswith("kube-"):
            programs = [self.builder.bin / "kubernetes" / name]
        elif name == "etcd":
            programs = [self.builder.bin / "etcd" / part for part in ("etcd", "etcdctl", "etcdutl")]
        else:
            programs = self.builder.programs(name, tag.removeprefix("v"))
        if not all(program.exists() for program in programs):
            programs = self.builder.programs(
                "etcd" if name == "etcd" else "kubernetes",
                self.table["files"]["etcd" if name == "etcd" else "kubernetes"]["version"],
            )
            programs = [program for program in programs if program.name in (short, "etcdctl", "etcdutl")]
        base = ["conntrack", "iptables", "kmod", "nftables"] if name == "kube-proxy" else []
        self.push_image(programs, f"{address}/{name}:{tag}", base)

    def push_image(self, programs: list[Path], image: str, packages: list[str] | None = None) -> None:
        """One layer with programs, of which the first is started, over Debian when they need packages."""
        with tempfile.TemporaryDirectory(dir=self.root) as folder:
            layer = Path(folder) / "layer.tar"
            if packages:
                debian(layer, packages)
            with tarfile.open(layer, "a") as bundle:
                for program in programs:
                    bundle.add(program, f"usr/local/bin/{program.name}")
            options = ["--change=ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]
            if programs:
                options.append(f'--change=ENTRYPOINT ["/usr/local/bin/{programs[0].name}"]')
            run(["podman", "import", "--quiet", *options, str(layer), image])
            run(["podman", "push", "--quiet", "--tls-verify=false", image])
            run(["podman", "rmi", "--force", image])

    def write_checksums(self) -> None:
        """What the inventory needs to know: digests by artifact, version and architecture."""
        known: dict[str, dict[str, dict[str, dict[str, str]]]] = {
            "containerd_checksums": {},
            "kubeadm_cluster_checksums": {},
            "platform_checksums": {},
        }
        for entry in self.table["files"].values():
            for key, url in entry["urls"].items():
                group = "kubeadm_cluster_checksums" if key.startswith("kube") else "containerd_checksums"
                group = "platform_checksums" if key == "helm" else group
                known[group].setdefault(key, {})[entry["version"]] = {ARCH: digest(self.place(url, entry["version"]))}
        put(self.root / "checksums.json", json.dumps(known, indent=1).encode())


@contextlib.contextmanager
def registry(root: Path) -> Iterator[str]:
    """A registry on loopback that writes into the mirror's folder."""
    address = "127.0.0.1:5939"
    with tempfile.NamedTemporaryFile("w", suffix=".yml") as config:
        config.write(
            f"version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {root}/registry}}}}\nhttp: {{addr: '{address}'}}\n"
        )
        config.flush()
        process = subprocess.Popen(
            ["docker-registry", "serve", config.name], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            for _ in range(100):
                if reachable(f"http://{address}/v2/"):
                    break
                time.sleep(0.1)
            yield address
        finally:
            process.terminate()
            process.wait()


def copy_image(source: str, target: str) -> None:
    """An image, or a chart, from registry to registry."""
    run(["skopeo", "copy", "--dest-tls-verify=false", f"docker://{source}", f"docker://{target}"])


def debian(target: Path, packages: list[str], *hooks: str) -> None:
    """A small Debian file system with some packages, from the mirror that this machine itself uses (Debian's own when it is no Debian)."""
    sources = "".join(path.read_text() for path in Path("/etc/apt/sources.list.d").glob("debian.sources"))
    sources += Path("/etc/apt/sources.list").read_text() if Path("/etc/apt/sources.list").exists() else ""
    found = re.search(r"^(?:URIs:|deb)\s.*?(https?://\S+/debian)/?(?:\s|$)", sources, re.MULTILINE)
    mirror = found.group(1) if found else "http://deb.debian.org/debian"
    run(
        [
            "mmdebstrap",
            "--quiet",
            "--variant=minbase",
            f"--include={','.join(packages)}",
            *hooks,
            "trixie",
            str(target),
            mirror,
        ]
    )


def node_image(cache: Path) -> None:
    """The machine that every node container is: Debian with systemd, ssh, Python and what the roles would install as packages."""
    packages = [
        "ca-certificates",
        "conntrack",
        "curl",
        "dbus",
        "ethtool",
        "haproxy",
        "iproute2",
        "iptables",
        "keepalived",
        "kmod",
        "mount",
        "nftables",
        "openssh-server",
        "openssl",
        "procps",
        "python3",
        "socat",
        "systemd",
        "systemd-sysv",
        "util-linux",
    ]
    hooks = [
        'mkdir -p "$1/etc/systemd/system.conf.d" "$1/etc/systemd/system/ssh.service.d" "$1/root/.ssh"',
        'printf "[Manager]\\nDefaultLimitNOFILE=20000:20000\\n" > "$1/etc/systemd/system.conf.d/limits.conf"',
        'printf "[Service]\\nExecStartPre=\\nExecStartPre=/usr/bin/ssh-keygen -A\\nExecStartPre=/usr/sbin/sshd -t\\n" > "$1/etc/systemd/system/ssh.service.d/keys.conf"',
        'rm -f "$1"/etc/ssh/ssh_host_*; : > "$1/etc/machine-id"; : > "$1/etc/fstab"',
        'chroot "$1" systemctl disable haproxy keepalived; chroot "$1" systemctl mask getty@tty1 systemd-networkd systemd-resolved',
        'chroot "$1" systemctl enable ssh.service; chroot "$1" systemctl disable ssh.socket || true',
    ]
    recipe = hashlib.sha256(json.dumps([packages, hooks]).encode()).hexdigest()[:12]
    image = f"localhost/kubestd-node:{recipe}"
    if subprocess.run(["podman", "image", "exists", image], check=False).returncode:
        stored = cache / f"node-{recipe}.tar"
        if not stored.exists():
            say("node image (Debian 13 with systemd)")
            part = stored.with_suffix(".part.tar")
            part.unlink(missing_ok=True)
            debian(part, packages, *[f"--customize-hook={hook}" for hook in hooks])
            part.rename(stored)
        run(["podman", "import", "--quiet", str(stored), image])
    run(["podman", "tag", image, "localhost/kubestd-node:latest"])


@contextlib.contextmanager
def alone(cache: Path) -> Iterator[None]:
    """One run at a time fills a cache; another one, of a second sandbox, waits. A killed one holds nothing."""
    with (cache / "mirror.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"another run is filling {cache}; waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def main() -> None:
    cache = Path(sys.argv[1])
    (cache / "mirror/registry").mkdir(parents=True, exist_ok=True)
    (cache / "mirror/files").mkdir(parents=True, exist_ok=True)
    with alone(cache):
        node_image(cache)
        mirror = Mirror(cache)
        mirror.fill_files()
        mirror.fill_images()
        mirror.write_checksums()
        mirror.fill_systems(sys.argv[2:])


if __name__ == "__main__":
    main()
