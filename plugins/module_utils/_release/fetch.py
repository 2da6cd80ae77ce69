# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bring a chart here: from a registry, an address or a path, into a cache whose names are digests."""

from __future__ import annotations

import base64
import os
import re
import ssl
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from .._errors import KubestdError
from .._kube import in_memory
from . import chart
from .helm import Late, Tool, explain, last_words, login, require, transport

REGISTRY_CONFIG = "@registry-config"
DOWNLOAD = 60.0  # seconds without a byte
BLOCK = 1 << 16
# What helm says when it is the signature that fails
PROVENANCE = re.compile(r"provenance|openpgp|sha256 sum does not match|keyring|\.prov\b", re.IGNORECASE)


class Charts:
    """Charts of one registry login; timeout is in seconds, for all that is brought."""

    def __init__(
        self, helm: Tool, registry: dict[str, Any], verify: dict[str, Any], cosign: str, timeout: float
    ) -> None:
        self.helm, self.registry, self.verify, self.cosign, self.timeout = helm, registry, verify, cosign, timeout
        self.until = time.monotonic() + timeout
        if verify.get("cosign_key") and verify.get("cosign_identity"):
            raise KubestdError("chart.verify has a cosign_key and a cosign_identity; write the one that signs.")
        self.folder = os.path.join(helm.cache, "charts")

    @property
    def left(self) -> float:
        """Seconds that are left."""
        return max(0.1, self.until - time.monotonic())

    @property
    def signed(self) -> bool:
        """Whether a signature of cosign is wanted."""
        return bool(self.verify.get("cosign_key") or self.verify.get("cosign_identity"))

    def cached(self, sha256: str) -> str | None:
        """The archive with this digest, if it is here and still itself."""
        path = os.path.join(self.folder, f"{sha256}.tgz")
        return path if sha256 and os.path.exists(path) and chart.digest_of(path) == sha256 else None

    def get(self, source: chart.Source) -> chart.Archive:
        """The chart, checked: digest, version, size, signature. Raises KubestdError with a sentence."""
        if source.kind == "path":
            if self.signed:
                raise KubestdError(
                    "chart.verify with cosign needs a chart of a registry (oci://…); a path has no signature."
                )
            archive = chart.read(source.ref)
            chart.check(archive, source)
            if self.verify.get("keyring"):
                self._provenance(source.ref, source.ref)
            return archive
        # A signature is asked for each time, so that a cached archive is not trusted for one it never had.
        path = None if self.verify else self.cached(source.sha256)
        if path is None:
            path = self._bring(source)
        archive = chart.read(path)
        chart.check(archive, source)
        return archive

    def _bring(self, source: chart.Source) -> str:
        os.makedirs(self.folder, mode=0o755, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self.folder, prefix=".") as folder:
            path = self._pull(source, folder) if source.kind == "oci" else self._download(source, folder)
            archive = chart.read(path)
            chart.check(archive, source)
            target = os.path.join(self.folder, f"{archive.sha256}.tgz")
            os.replace(path, target)
        return target

    def _pull(self, source: chart.Source, folder: str) -> str:
        host = urlsplit(source.ref).netloc
        ref = f"{source.ref}@sha256:{source.manifest_digest}" if source.manifest_digest else source.ref
        arguments = ["pull", ref, "--destination", folder, "--registry-config", REGISTRY_CONFIG]
        if not source.manifest_digest:
            arguments += ["--version", source.version]
        if self.verify.get("keyring"):
            arguments += ["--verify", "--keyring", self.verify["keyring"]]
        arguments += transport(self.registry)
        try:
            done = self.helm.run(arguments, {REGISTRY_CONFIG: login(host, self.registry)}, self.left)
        except Late as error:
            raise self._late(source) from error
        if done.code and PROVENANCE.search(done.err):
            raise self._not_proven(source.ref, done.err)
        if done.code:
            raise self._failed(source, done.err)
        found = re.search(r"Digest:\s*(sha256:[0-9a-f]{64})", done.out + done.err)
        names = [name for name in os.listdir(folder) if name.endswith(".tgz")]
        if not names:
            raise KubestdError(f"helm brought no archive of {ref}: {last_words(done.out + done.err)}")
        if self.signed:
            self._cosign(source, f"sha256:{source.manifest_digest}" if not found else found.group(1), host)
        return os.path.join(folder, names[0])

    @staticmethod
    def _failed(source: chart.Source, words: str) -> KubestdError:
        said, cause = last_words(words), explain(words)
        return KubestdError(f"Cannot pull {source.ref} {source.version}: {cause or 'helm failed'} ({said}).")

    def _late(self, source: chart.Source) -> KubestdError:
        return KubestdError(
            f"Cannot pull {source.ref} {source.version}: it did not come within {self.timeout:.0f} s; the registry is slow"
            " or does not answer. Raise timeout, or use a mirror."
        )

    @staticmethod
    def _not_proven(ref: str, words: str) -> KubestdError:
        return KubestdError(f"The provenance of {ref} does not hold: {last_words(words)} (chart.verify.keyring).")

    def _download(self, source: chart.Source, folder: str) -> str:
        if self.signed:
            raise KubestdError("chart.verify with cosign needs a chart of a registry (oci://…).")
        path = os.path.join(folder, os.path.basename(urlsplit(source.ref).path))
        self._fetch(source, source.ref, path)
        if self.verify.get("keyring"):
            self._fetch(source, f"{source.ref}.prov", f"{path}.prov")
            self._provenance(path, source.ref)
        return path

    def _fetch(self, source: chart.Source, address: str, path: str) -> None:
        request = urllib.request.Request(address, headers={"User-Agent": "kubestd.platform"})
        if self.registry.get("username"):
            pair = f"{self.registry['username']}:{self.registry.get('password') or ''}".encode()
            # not sent on to where a redirection leads
            request.add_unredirected_header("Authorization", "Basic " + base64.b64encode(pair).decode())
        try:
            context = (
                ssl.create_default_context(cafile=self.registry.get("ca")) if address.startswith("https") else None
            )
            wait = min(DOWNLOAD, self.left)
            with urllib.request.urlopen(request, timeout=wait, context=context) as answer, open(path, "wb") as out:
                while block := answer.read1(BLOCK):
                    out.write(block)
                    if time.monotonic() > self.until:
                        raise self._late(source)
                length = answer.headers.get("Content-Length")
                if length and out.tell() != int(length):
                    raise KubestdError(f"{address} was cut after {out.tell()} of {length} bytes; try again.")
        except (OSError, urllib.error.HTTPError, ValueError) as error:
            raise self._failed(source, str(error)) from error

    def _provenance(self, path: str, ref: str) -> None:
        done = self.helm.run(["verify", path, "--keyring", self.verify["keyring"]])
        if done.code:
            raise self._not_proven(ref, done.err)

    def _cosign(self, source: chart.Source, digest: str, host: str) -> None:
        tool = Tool(self.cosign, self.helm.cache)
        arguments = list(cosign_command(self.verify, self.registry))
        require(tool, "cosign", arguments)
        ref = f"{source.ref[6:]}@{digest}"
        # cosign reads a login from a folder only; in this one is nothing but a link to memory
        with in_memory(login(host, self.registry)) as secret, tempfile.TemporaryDirectory() as config:
            os.symlink(secret, os.path.join(config, "config.json"))
            try:
                done = tool.run([*arguments, ref], {}, self.left, [secret], DOCKER_CONFIG=config)
            except Late as error:
                raise self._late(source) from error
        said = last_words(done.err)
        if done.code and re.search(r"\btuf\b", said, re.IGNORECASE):
            raise KubestdError(
                f"The signature of {ref} cannot be checked, because cosign does not reach Sigstore's own root: set"
                f" chart.verify.trusted_root, or ignore_transparency_log for a key of your own ({said})."
            )
        if done.code:
            raise KubestdError(f"The signature of {ref} does not hold: {said} (chart.verify). Nothing was changed.")


def cosign_command(verify: dict[str, Any], registry: dict[str, Any]) -> Iterator[str]:
    """How cosign is to verify a chart, without the chart."""
    yield "verify"
    if verify.get("cosign_key"):
        yield from ("--key", verify["cosign_key"])
    else:
        yield from ("--certificate-identity", verify["cosign_identity"])
        yield from ("--certificate-oidc-issuer", verify.get("cosign_issuer") or "")
    if verify.get("trusted_root"):
        # offline: a signature without its proof is refused, and no log of the internet asked for it
        yield from ("--trusted-root", verify["trusted_root"], "--offline")
    if verify.get("ignore_transparency_log"):
        yield "--insecure-ignore-tlog"
    if registry.get("plain_http"):
        yield "--allow-http-registry"
    if registry.get("ca"):
        yield from ("--registry-cacert", registry["ca"])
