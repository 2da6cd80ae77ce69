# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signed charts: the real cosign and the real gpg sign them, helm_oci verifies them, and nothing asks the internet."""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
import urllib.request
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.kubestd.platform.plugins.module_utils._release.helm import login

from . import charts
from .charts import Releaser
from .control_plane import ControlPlane, LockedRegistry, Registry, free_port
from .sigstore import IDENTITY, ISSUER, OFFLINE, Authority, Signer, cosign, run


@pytest.fixture(scope="module", autouse=True)
def no_internet() -> Iterator[None]:
    """Whatever would ask the internet fails at once; what is built from Go modules is built before."""
    cosign()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in OFFLINE.items():
            patch.setenv(name, value)
            patch.setenv(name.upper(), value)
        patch.setattr(urllib.request, "_opener", None)  # it remembers the proxy of its first use
        yield


@pytest.fixture(scope="module")
def signer(tmp_path_factory: pytest.TempPathFactory) -> Signer:
    return Signer(tmp_path_factory.mktemp("signer") / "ours")


@pytest.fixture
def release(control_plane: ControlPlane, tmp_path: Path) -> Iterator[Releaser]:
    made = Releaser(control_plane, "oci://127.0.0.1:1/none", tmp_path / "cache", namespace=f"signed-{free_port()}")
    made.base["cosign"] = cosign()
    yield made
    control_plane.kubectl("delete", "namespace", made.base["namespace"], "--wait=false", "--ignore-not-found")


def pushed(registry: Registry, folder: Path, extra: str = "", name: str = "") -> str:
    """A chart under a name that no other test uses."""
    archive = charts.package(folder / f"chart-{extra}", extra=extra)
    scheme = ["--plain-http"] if registry.scheme == "http" else []
    space = name or f"signed-{free_port()}"
    charts.run("push", str(archive), f"oci://{registry.address}/{space}", *scheme)
    return f"oci://{registry.address}/{space}/demo"


def wanted(ref: str, verify: dict[str, Any]) -> dict[str, Any]:
    return {"chart": {"ref": ref, "version": "1.0.0", "verify": verify}}


@pytest.mark.parametrize("bundle", ["true", "false"], ids=["bundle", "tag"])
def test_a_chart_signed_by_the_key_is_released(
    release: Releaser, registry: Registry, signer: Signer, tmp_path: Path, bundle: str
) -> None:
    ref = pushed(registry, tmp_path)
    signer.sign(ref, "--allow-http-registry", f"--new-bundle-format={bundle}")
    assert release(**wanted(ref, signer.verify))["release"]["status"] == "deployed"
    assert not release(**wanted(ref, signer.verify))["changed"]


def test_a_chart_without_a_signature_is_refused(
    release: Releaser, registry: Registry, signer: Signer, tmp_path: Path
) -> None:
    ref = pushed(registry, tmp_path)
    release.refused(
        r"The signature of .*/demo@sha256:\w{64} does not hold: .*no signatures", **wanted(ref, signer.verify)
    )
    # and by the module, whose options are the ones that count
    chart = {"ref": ref, "version": "1.0.0", "verify": signer.verify}
    options = {name: release.base[name] for name in ("name", "namespace", "helm", "cosign", "registry")}
    arguments = {**options, "chart": chart, "kubeconfig": str(release.control_plane.kubeconfig)}
    command = ["ansible", "localhost", "-m", "kubestd.platform.helm_oci", "-a", json.dumps(arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode != 0 and "does not hold: no signatures" in done.stdout, done.stdout
    assert release.state() == ""


def test_a_chart_signed_by_another_key_is_refused(
    release: Releaser, registry: Registry, signer: Signer, tmp_path: Path
) -> None:
    ref = pushed(registry, tmp_path)
    Signer(tmp_path / "other").sign(ref, "--allow-http-registry")
    release.refused(r"The signature of .* does not hold", **wanted(ref, signer.verify))


def test_a_chart_that_was_tampered_with_is_refused_though_a_good_one_is_in_the_cache(
    release: Releaser, registry: Registry, signer: Signer, tmp_path: Path
) -> None:
    ref = pushed(registry, tmp_path)
    signer.sign(ref, "--allow-http-registry")
    release(**wanted(ref, signer.verify))
    pushed(registry, tmp_path, "tampered", ref.split("/")[3])
    release.refused("The signature of .* does not hold", **wanted(ref, signer.verify), values={"size": 2})


def test_a_signature_that_no_log_knows_needs_the_option(
    release: Releaser, registry: Registry, signer: Signer, tmp_path: Path
) -> None:
    ref = pushed(registry, tmp_path)
    signer.sign(ref, "--allow-http-registry")
    verify = {"cosign_key": signer.verify["cosign_key"], "trusted_root": str(Authority(tmp_path / "root").root)}
    release.refused("The signature of .* does not hold", **wanted(ref, verify))


def test_a_signature_in_a_registry_with_a_login_and_a_private_authority(
    release: Releaser, signer: Signer, tmp_path: Path
) -> None:
    with LockedRegistry(tmp_path / "locked") as registry:
        archive = charts.package(tmp_path)
        flags = ["--ca-file", registry.ca, "--username", registry.username, "--password", registry.password]
        ref = charts.push(archive, registry, *flags)
        (tmp_path / "config.json").write_bytes(login(registry.address, registry.options))
        signer.sign(ref, f"--registry-cacert={registry.ca}", DOCKER_CONFIG=str(tmp_path))
        assert release(**wanted(ref, signer.verify), registry=registry.options)["release"]["status"] == "deployed"


@pytest.mark.parametrize("way", [Authority.sign_with_a_tag, Authority.sign_with_a_bundle], ids=["tag", "bundle"])
def test_a_keyless_signature_holds_for_its_identity_and_its_root_only(
    release: Releaser, registry: Registry, tmp_path: Path, way: Callable[[Authority, str], None]
) -> None:
    ref, authority = pushed(registry, tmp_path), Authority(tmp_path / "authority")
    right = {"cosign_identity": IDENTITY, "cosign_issuer": ISSUER, "trusted_root": str(authority.root)}
    release.refused("does not hold: .*no signatures", **wanted(ref, right))
    way(authority, ref)
    for wrong in (
        {"cosign_identity": "somebody@example.test"},
        {"cosign_issuer": "https://elsewhere.example.test"},
        {"trusted_root": str(Authority(tmp_path / "other").root)},
    ):
        release.refused("The signature of .* does not hold", **wanted(ref, {**right, **wrong}))
    assert release(**wanted(ref, right))["release"]["status"] == "deployed"
    pushed(registry, tmp_path, "tampered", ref.split("/")[3])
    release.refused("does not hold: .*no signatures", **wanted(ref, right), values={"size": 2})


class Keyring:
    """A PGP key and its keyrings, as helm reads them."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700)
        self.home, self.public, self.secret = {"GNUPGHOME": str(folder)}, folder / "public.gpg", folder / "secret.gpg"
        self.gpg("--passphrase", "", "--quick-generate-key", "Signer <signer@example.test>", "rsa2048", "sign", "never")
        self.gpg("--output", str(self.public), "--export")
        self.gpg("--output", str(self.secret), "--export-secret-keys")
        self.verify = {"keyring": str(self.public)}

    def gpg(self, *arguments: str) -> None:
        run(["gpg", "--batch", "--yes", "--pinentry-mode", "loopback", *arguments], **self.home)

    def stop(self) -> None:
        """End the agent that gpg has started."""
        run(["gpgconf", "--kill", "all"], **self.home)


@pytest.fixture(scope="module")
def keyrings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Keyring, Keyring]]:
    folder = tmp_path_factory.mktemp("pgp")
    both = Keyring(folder / "ours"), Keyring(folder / "other")
    yield both
    for keyring in both:
        keyring.stop()


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass


class Shelf:
    """A chart with its provenance by path, by address and in a registry."""

    def __init__(self, folder: Path, registry: Registry, keyring: Keyring) -> None:
        self.folder, self.registry, self.space = folder / "shelf", registry, f"proven-{free_port()}"
        self.folder.mkdir()
        charts.package(folder)
        sign = ("--sign", "--key", "Signer", "--keyring", str(keyring.secret), "--destination", str(self.folder))
        charts.run("package", str(folder / "demo"), *sign)
        self.archive = self.folder / "demo-1.0.0.tgz"
        self.proof = self.folder / "demo-1.0.0.tgz.prov"
        assert self.proof.exists()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(self.folder)))
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def refs(self) -> Iterator[str]:
        """The three ways to it, as it is now."""
        yield str(self.archive)
        yield f"http://127.0.0.1:{self.server.server_address[1]}/{self.archive.name}"
        charts.run("push", str(self.archive), f"oci://{self.registry.address}/{self.space}", "--plain-http")
        yield f"oci://{self.registry.address}/{self.space}/demo"


@pytest.fixture
def shelf(tmp_path: Path, registry: Registry, keyrings: tuple[Keyring, Keyring]) -> Iterator[Shelf]:
    made = Shelf(tmp_path, registry, keyrings[0])
    yield made
    made.server.shutdown()
    made.server.server_close()


def test_a_provenance_holds_for_its_chart_and_its_keyring_only(
    release: Releaser, shelf: Shelf, keyrings: tuple[Keyring, Keyring], tmp_path: Path
) -> None:
    ours, other = keyrings
    for ref in shelf.refs():
        release.refused("The provenance of .* does not hold: .*unknown entity", **wanted(ref, other.verify))
    original = shelf.archive.read_bytes()
    shutil.copy(charts.package(tmp_path / "tampered", extra="tampered"), shelf.archive)
    for ref in shelf.refs():
        release.refused("The provenance of .* does not hold: .*sha256", **wanted(ref, ours.verify))
    shelf.archive.write_bytes(original)
    for number, ref in enumerate(shelf.refs()):
        values = {"size": number}
        assert release(**wanted(ref, ours.verify), values=values)["release"]["status"] == "deployed"
        assert release.size() == str(number)


def test_a_chart_without_provenance_is_refused(
    release: Releaser, shelf: Shelf, keyrings: tuple[Keyring, Keyring]
) -> None:
    shelf.proof.unlink()
    for ref in shelf.refs():
        release.refused("Cannot pull|The provenance of .* does not hold", **wanted(ref, keyrings[0].verify))
