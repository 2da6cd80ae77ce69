# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a chart comes from, and what an archive holds. Nothing here asks a network."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import os
import re
import tarfile
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from .._errors import KubestdError
from .._yaml import LOADER, yaml

SHA256 = re.compile(r"(?:sha256:)?([0-9a-f]{64})")
# What stands for the host of a reference in the address of a mirror that keeps it.
HOST = "{host}"
OCI = re.compile(r"oci://(?P<host>[^/@]+)/(?P<path>[^:@]+)(?::(?P<tag>[^@]+))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?")
# A Secret holds 1 MiB (apimachinery, core validation MaxSecretSize), helm stores base64 of gzip in it.
MAX_RELEASE = 1048576 * 3 // 4


def sha256_of(text: str | None, option: str) -> str:
    """A pin in its plain form; '' for none."""
    if not text:
        return ""
    found = SHA256.fullmatch(text)
    if not found:
        raise KubestdError(f"{option} is {text!r}, which is no SHA-256; write its 64 hexadecimal digits.")
    return found.group(1)


@dataclass(frozen=True)
class Source:
    """A chart by reference; kind is oci, url or path. version is '' where the reference says it all."""

    kind: str
    ref: str
    version: str
    sha256: str
    manifest_digest: str

    @property
    def label(self) -> str:
        """What stands for an unpinned chart in the labels of a release: reference and version, not what was found there."""
        return hashlib.sha256(json.dumps([self.ref, self.version, self.manifest_digest]).encode()).hexdigest()[:40]


def source(chart: dict[str, Any], mirror: dict[str, Any] | None = None) -> Source:
    """The option chart, understood. Raises KubestdError with a sentence that names the suboption."""
    ref, version = str(chart["ref"]), str(chart.get("version") or "")
    pin = sha256_of(chart.get("sha256"), "chart.sha256")
    manifest = sha256_of(chart.get("manifest_digest"), "chart.manifest_digest")
    mirror = mirror or {}
    if ref.startswith("oci://"):
        found = OCI.fullmatch(ref)
        if not found:
            raise KubestdError(f"chart.ref is {ref!r}; write oci://registry/path, and the version in chart.version.")
        version = version or found["tag"] or ""
        manifest = manifest or (found["digest"] or "")[7:]
        if not version and not manifest:
            raise KubestdError(f"chart.version is missing for {ref}; a release never follows the newest chart.")
        host = str(mirror.get("registry") or HOST).replace(HOST, found["host"])
        return Source("oci", f"oci://{host}/{found['path']}", version, pin, manifest)
    if re.match(r"https?://", ref):
        if not urlsplit(ref).path.endswith((".tgz", ".tar.gz")):
            raise KubestdError(f"chart.ref is {ref!r}; write the address of the archive, which ends in .tgz.")
        parts = urlsplit(ref)
        moved = f"{mirror['files'].rstrip('/')}/{parts.netloc}{parts.path}" if mirror.get("files") else ref
        return Source("url", moved, version, pin, "")
    if "://" in ref:
        raise KubestdError(f"chart.ref is {ref!r}; write oci://…, https://….tgz, or a path.")
    return Source("path", os.path.abspath(os.path.expanduser(ref)), version, pin, "")


@dataclass(frozen=True)
class Archive:
    """A chart as it is."""

    path: str
    sha256: str
    name: str
    version: str
    app_version: str
    crds: tuple[dict[str, Any], ...]
    release_size: int


def files_of(path: str) -> dict[str, bytes]:
    """All files of a chart, archive or folder, by their path in it."""
    if os.path.isdir(path):
        found = {}
        for folder, folders, names in os.walk(path):
            folders.sort()
            for name in sorted(names):
                full = os.path.join(folder, name)
                with open(full, "rb") as handle:
                    found[f"chart/{os.path.relpath(full, path)}"] = handle.read()
        return found
    try:
        with tarfile.open(path, "r:gz") as content:
            members = {member.name: content.extractfile(member) for member in content if member.isfile()}
            return {name: handle.read() for name, handle in members.items() if handle}
    except (tarfile.TarError, EOFError, OSError) as error:
        raise KubestdError(f"{path} is not a chart archive: {error}.") from error


def digest_of(path: str) -> str:
    """SHA-256 of an archive; of a folder, over the names and contents of its files."""
    if os.path.isdir(path):
        total = hashlib.sha256()
        for name, content in files_of(path).items():
            total.update(f"{name}\0{len(content)}\0".encode() + content)
        return total.hexdigest()
    total = hashlib.sha256()
    try:
        with open(path, "rb") as handle:
            for block in iter(lambda: handle.read(1 << 20), b""):
                total.update(block)
    except OSError as error:
        raise KubestdError(f"Cannot read the chart {path}: {error.strerror}; check chart.ref.") from error
    return total.hexdigest()


def read(path: str) -> Archive:
    """Look into a chart. Raises KubestdError when it is none."""
    digest = digest_of(path)
    files = files_of(path)
    main = [name for name in files if PurePosixPath(name).name == "Chart.yaml" and len(PurePosixPath(name).parts) == 2]
    try:
        about = yaml.load(files[main[0]], Loader=LOADER) if main else None
        crds = tuple(
            document
            for name in sorted(files)
            if re.fullmatch(r"[^/]+/(?:charts/[^/]+/)*crds/.+\.(?:ya?ml|json)", name)
            for document in yaml.load_all(io.BytesIO(files[name]), Loader=LOADER)
            if isinstance(document, dict) and document.get("kind") == "CustomResourceDefinition"
        )
    except yaml.YAMLError as error:
        raise KubestdError(f"{path} is not a chart that can be read: {error}.") from error
    if not isinstance(about, dict) or not about.get("name") or not about.get("version"):
        raise KubestdError(f"{path} is not a chart: it has no Chart.yaml with name and version.")
    stored = json.dumps({name: base64.b64encode(content).decode() for name, content in files.items()}).encode()
    return Archive(
        path,
        digest,
        str(about["name"]),
        str(about["version"]),
        str(about.get("appVersion") or ""),
        crds,
        len(gzip.compress(stored, 9)),
    )


def check(archive: Archive, wanted: Source) -> None:
    """Refuse what is not what was asked for, before anything is changed."""
    if wanted.sha256 and archive.sha256 != wanted.sha256:
        raise KubestdError(
            f"The chart {wanted.ref} {wanted.version} has SHA-256 {archive.sha256}, and chart.sha256 is {wanted.sha256}:"
            " it is not the chart that was pinned. Find out who changed it, or set the pin to the new digest."
        )
    if wanted.version and archive.version.lstrip("v") != wanted.version.lstrip("v"):
        raise KubestdError(
            f"The chart {wanted.ref} says that its version is {archive.version}, and chart.version is {wanted.version}."
        )
    if archive.release_size > MAX_RELEASE:
        raise KubestdError(
            f"The chart {archive.name} {archive.version} takes {archive.release_size} bytes of the {MAX_RELEASE} that helm can"
            " store for one release in a Secret; use a chart with fewer files (CRDs often have a chart of their own)."
        )
