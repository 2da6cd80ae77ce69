# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bring a chart here: from a registry, an address or a path, into a cache whose names are digests."""

from __future__ import annotations

import base64
import os
import re
import shutil
import ssl
import tempfile
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import urlsplit

from .._errors import KubestdError
from . import chart
from .helm import Tool, explain, last_words, login, transport

REGISTRY_CONFIG = "@registry-config"
DOWNLOAD = 60.0  # seconds without a byte
LIMIT = 300.0


class Charts:
    """Charts of one registry login."""

    def __init__(self, helm: Tool, registry: dict[str, Any], verify: dict[str, Any], cosign: str = "cosign") -> None:
        self.helm, self.registry, self.verify, self.cosign = helm, registry, verify, cosign
        self.folder = os.path.join(helm.cache, "charts")

    def cached(self, sha256: str) -> str | None:
        """The archive with this digest, if it is here and still itself."""
        path = os.path.join(self.folder, f"{sha256}.tgz")
        return path if sha256 and os.path.exists(path) and chart.digest_of(path) == sha256 else None

    def get(self, source: chart.Source) -> chart.Archive:
        """The chart, checked: digest, version, size, signature. Raises KubestdError with a sentence."""
        if source.kind == "path":
            if self.verify.get("cosign_key") or self.verify.get("cosign_identity"):
                raise KubestdError(
                    "chart.verify with cosign needs a chart of a registry (oci://…); a path has no signature."
                )
            archive = chart.read(source.ref)
            chart.check(archive, source)
            if self.verify.get("keyring"):
                self._provenance(source.ref)
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
        done = self.helm.run(arguments, {REGISTRY_CONFIG: login(host, self.registry)}, LIMIT)
        if done.code:
            raise self._failed(source, done.err)
        found = re.search(r"Digest:\s*(sha256:[0-9a-f]{64})", done.out + done.err)
        names = [name for name in os.listdir(folder) if name.endswith(".tgz")]
        if not names:
            raise KubestdError(f"helm brought no archive of {ref}: {last_words(done.out + done.err)}")
        if self.verify.get("cosign_key") or self.verify.get("cosign_identity"):
            self._cosign(source, f"sha256:{source.manifest_digest}" if not found else found.group(1), host)
        return os.path.join(folder, names[0])

    @staticmethod
    def _failed(source: chart.Source, words: str) -> KubestdError:
        said, cause = last_words(words), explain(words)
        return KubestdError(f"Cannot pull {source.ref} {source.version}: {cause or 'helm failed'} ({said}).")

    def _download(self, source: chart.Source, folder: str) -> str:
        path = os.path.join(folder, os.path.basename(urlsplit(source.ref).path))
        self._fetch(source, source.ref, path)
        if self.verify.get("cosign_key") or self.verify.get("cosign_identity"):
            raise KubestdError("chart.verify with cosign needs a chart of a registry (oci://…).")
        if self.verify.get("keyring"):
            self._fetch(source, f"{source.ref}.prov", f"{path}.prov")
            self._provenance(path)
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
            with urllib.request.urlopen(request, timeout=DOWNLOAD, context=context) as answer, open(path, "wb") as out:
                shutil.copyfileobj(answer, out)
                length = answer.headers.get("Content-Length")
                if length and out.tell() != int(length):
                    raise KubestdError(f"{address} was cut after {out.tell()} of {length} bytes; try again.")
        except (OSError, urllib.error.HTTPError, ValueError) as error:
            raise self._failed(source, str(error)) from error

    def _provenance(self, path: str) -> None:
        done = self.helm.run(["verify", path, "--keyring", self.verify["keyring"]])
        if done.code:
            raise KubestdError(
                f"The provenance of {path} does not hold: {last_words(done.err)} (chart.verify.keyring)."
            )

    def _cosign(self, source: chart.Source, digest: str, host: str) -> None:
        tool = Tool(self.cosign, self.helm.cache)
        arguments = ["verify"]
        if self.verify.get("cosign_key"):
            arguments += ["--key", self.verify["cosign_key"]]
        else:
            arguments += ["--certificate-identity", self.verify["cosign_identity"]]
            arguments += ["--certificate-oidc-issuer", self.verify.get("cosign_issuer") or ""]
        if self.verify.get("trusted_root"):
            arguments += ["--trusted-root", self.verify["trusted_root"]]
        if self.verify.get("ignore_transparency_log"):
            arguments += ["--insecure-ignore-tlog", "--private-infrastructure"]
        if self.registry.get("plain_http"):
            arguments.append("--allow-http-registry")
        if self.registry.get("ca"):
            arguments += ["--registry-cacert", self.registry["ca"]]
        with tempfile.TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else None) as config:
            # cosign reads a login from a folder only; this one is in memory, of mode 0700, and goes with the call
            with open(os.path.join(config, "config.json"), "wb") as handle:
                handle.write(login(host, self.registry))
            ref = f"{source.ref[6:]}@{digest}"
            done = tool.run([*arguments, ref], limit=LIMIT, DOCKER_CONFIG=config)
        if done.code:
            raise KubestdError(
                f"The signature of {ref} does not hold: {last_words(done.err)} (chart.verify). Nothing was changed."
            )
