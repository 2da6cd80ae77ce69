# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""vault_cluster against three real servers of HashiCorp Vault with raft, TLS and PGP keys on loopback.

The server is built from Vault's Go module (vault_server/main.go), which is too long for a run that has nothing in its cache. So it is
built once, by `python -m tests.integration.test_vault_cluster`, and where it is not, these tests are skipped and say so.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import ssl
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.kubestd.platform.plugins.module_utils._vault.plan import VaultError
from ansible_collections.kubestd.platform.plugins.module_utils._vault.run import Handover, result

from ..contract.records import EVERYTHING, value
from .control_plane import CACHE, free_port

SOURCE = Path(__file__).parent / "vault_server"
VERSION = "1.21.4"
PROGRAM = CACHE / f"tools/vault-server-{VERSION}"
NAMES = ("a", "b", "c")


def build() -> None:
    """The server, from its Go module."""
    folder = CACHE / "tools/vault-server.build"
    shutil.copytree(SOURCE, folder, dirs_exist_ok=True)
    command = ["go", "build", "-mod=mod", "-p", "1", "-trimpath", "-ldflags", "-s -w", "-o", str(folder / "out"), "."]
    subprocess.run(["nice", "-n", "15", *command], cwd=folder, check=True)
    (folder / "out").rename(PROGRAM)


pytestmark = pytest.mark.skipif(
    not (PROGRAM.exists() and shutil.which("gpg")), reason=f"{PROGRAM} is not built, or there is no gpg"
)


def openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)


class Servers:
    """Three servers, a CA, and three people with keys."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / "gpg"
        self.home.mkdir(0o700)
        self.ports = {name: free_port() for name in NAMES}
        self.peers = {name: free_port() for name in NAMES}
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self.ca = folder / "ca.pem"
        curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2")
        openssl(folder, "req", "-x509", *curve, "-subj", "/CN=test", "-keyout", "ca.key", "-out", "ca.pem")
        names = ("-CA", "ca.pem", "-CAkey", "ca.key", "-addext", "subjectAltName=IP:127.0.0.1")
        openssl(folder, "req", "-x509", *curve, *names, "-subj", "/CN=vault", "-keyout", "tls.key", "-out", "tls.pem")
        self.trust = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.trust.load_verify_locations(self.ca)
        self.people = [self.person(f"holder{number}@example.com") for number in range(3)]

    def gpg(self, *arguments: str, stdin: bytes = b"") -> bytes:
        options = ["--homedir", str(self.home), "--batch", "--quiet", "--pinentry-mode", "loopback", "--passphrase", ""]
        return subprocess.run(["gpg", *options, *arguments], input=stdin, capture_output=True, check=True).stdout

    def person(self, name: str) -> str:
        """A key pair; the public key."""
        self.gpg("--quick-generate-key", name, "default", "default", "never")
        return self.gpg("--armor", "--export", name).decode()

    def start(self, *names: str) -> None:
        for name in names:
            (self.folder / name).mkdir(exist_ok=True)
            options = {
                "id": name,
                "data": str(self.folder / name),
                "address": f"127.0.0.1:{self.ports[name]}",
                "cluster": f"127.0.0.1:{self.peers[name]}",
                "certificate": str(self.folder / "tls.pem"),
                "key": str(self.folder / "tls.key"),
            }
            with (self.folder / f"{name}.log").open("ab") as log:
                words = [word for option, value in options.items() for word in (f"-{option}", value)]
                self.running[name] = subprocess.Popen([PROGRAM, *words], stdout=log, stderr=log)
        for name in names:
            for _ in range(600):
                with suppress(OSError):
                    self.ask(name, "sys/seal-status")
                    break
                time.sleep(0.1)

    def stop(self, *names: str) -> None:
        for name in names or tuple(self.running):
            process = self.running.pop(name)
            process.kill()
            process.wait(30)

    def ask(self, name: str, path: str, token: str = "") -> Any:
        request = urllib.request.Request(f"https://127.0.0.1:{self.ports[name]}/v1/{path}")
        request.add_header("X-Vault-Token", token)
        with urllib.request.urlopen(request, timeout=10, context=self.trust) as answer:
            return json.load(answer)

    def options(self, **given: Any) -> dict[str, Any]:
        return {
            "name": "test",
            "servers": [{"name": name, "address": f"https://127.0.0.1:{self.ports[name]}"} for name in NAMES],
            "namespace": None,
            "port": 8200,
            "server_ca": str(self.ca),
            "tls_secret": None,
            "pgp_keys": self.people,
            "threshold": 2,
            "keys_folder": str(self.folder / "keys"),
            "unseal_keys": [],
            "token": None,
            "mounts": [],
            "policies": {},
            "writes": [],
            "timeout": 60,
            **given,
        }

    def run(self, check_mode: bool = False, **given: Any) -> dict[str, Any]:
        return result(self.options(**given), check_mode)

    def decrypted(self, name: str) -> str:
        return self.gpg("--decrypt", str(self.folder / f"keys/test-{name}.gpg")).decode().strip()

    @property
    def shares(self) -> list[str]:
        return [self.decrypted("unseal-3"), self.decrypted("unseal-1")]

    @property
    def token(self) -> str:
        return self.decrypted("root-token")


@pytest.fixture(scope="module")
def vault(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    made = Servers(tmp_path_factory.mktemp("vault"))
    try:
        yield made
    finally:
        made.stop()


def test_nothing_is_initialised_while_a_server_does_not_answer(vault: Servers) -> None:
    vault.start("a", "b")
    with pytest.raises(VaultError, match="nothing is initialised before all answer"):
        vault.run()
    assert vault.ask("a", "sys/seal-status")["initialized"] is False
    vault.start("c")


def test_without_pgp_keys_nothing_is_initialised(vault: Servers) -> None:
    with pytest.raises(VaultError, match="never written in clear"):
        vault.run(pgp_keys=[])


def test_check_mode_says_the_steps_and_takes_none(vault: Servers) -> None:
    done = vault.run(check_mode=True)
    assert done["actions"] == ["initialise a"] and done["changed"] and not done["ready"]
    assert vault.ask("a", "sys/seal-status")["initialized"] is False
    assert not (vault.folder / "keys").exists()


def test_init_hands_every_holder_a_file_that_only_they_can_read(vault: Servers) -> None:
    done = vault.run()
    assert done["actions"] == ["initialise a"]
    assert "2 of them go to unseal_keys" in done["waiting_for"] or "2 unseal keys" in done["waiting_for"]
    assert len(done["key_files"]) == 4
    assert len({vault.decrypted(f"unseal-{number}") for number in (1, 2, 3)}) == 3
    for name in ("unseal-1", "root-token"):
        assert vault.decrypted(name) not in repr(done)
        assert vault.decrypted(name).encode() not in (vault.folder / f"keys/test-{name}.gpg").read_bytes()
    again = vault.run()
    assert not again["changed"] and "2 unseal keys in unseal_keys (0 given) for a" in again["waiting_for"]


def test_wrong_keys_are_refused_and_do_not_harm(vault: Servers) -> None:
    wrong = [base64.b64encode(os.urandom(33)).decode() for _ in range(2)]
    with pytest.raises(VaultError, match="a is not opened by the keys in unseal_keys") as refused:
        vault.run(unseal_keys=wrong)
    assert wrong[0] not in str(refused.value)


def test_keys_open_the_first_and_the_others_join(vault: Servers) -> None:
    done = vault.run(unseal_keys=vault.shares)
    assert done["ready"] and not done["waiting_for"]
    assert done["actions"] == ["unseal a", "join b to a", "unseal b", "join c to a", "unseal c"]
    peers = vault.ask("a", "sys/storage/raft/configuration", vault.token)["data"]["config"]["servers"]
    assert {peer["node_id"] for peer in peers} == set(NAMES)
    assert not vault.run()["changed"]
    assert not vault.run(check_mode=True)["changed"]


def test_what_the_role_sets_up_is_there_once_and_a_second_run_changes_nothing(vault: Servers) -> None:
    role = Path(__file__).parents[2] / "roles/vault"
    inventory = {**EVERYTHING, "vault_pki": {}}
    wanted = {name: value(role, f"__vault_{name}", **inventory) for name in ("mounts", "policies", "writes")}
    for mount in wanted["mounts"]:
        mount.setdefault("kind", "secret")
        if mount["path"] == "storage":
            mount["options"]["file_path"] = str(vault.folder / "audit.log")
    # this is no pod, and has no service account to be read
    wanted["writes"][0]["data"] |= {"disable_local_ca_jwt": True, "kubernetes_ca_cert": vault.ca.read_text()}
    plan = vault.run(check_mode=True, token=vault.token, **wanted)
    done = vault.run(token=vault.token, **wanted)
    assert done["actions"] == plan["actions"]
    assert "mount audit storage" in done["actions"] and "write policy snapshot" in done["actions"]
    again = vault.run(token=vault.token, **wanted)
    assert not again["changed"], again["actions"]
    assert vault.ask("a", "auth/kubernetes/role/external-secrets", vault.token)["data"]["token_ttl"] == 1200
    assert (vault.folder / "audit.log").stat().st_size


def test_a_mount_of_another_type_at_the_path_is_refused(vault: Servers) -> None:
    with pytest.raises(VaultError, match="kv is a mount of type kv, not pki"):
        vault.run(token=vault.token, mounts=[{"path": "kv", "kind": "secret", "type": "pki"}])


def test_a_token_that_may_not_is_told_and_not_said(vault: Servers) -> None:
    with pytest.raises(VaultError, match="the token may not read it") as refused:
        vault.run(token="hvs.marker", policies={"x": "y"})
    assert "hvs.marker" not in str(refused.value)


def test_after_a_restart_all_are_sealed_and_keys_open_them(vault: Servers) -> None:
    vault.stop()
    vault.start(*NAMES)
    waits = vault.run()
    assert not waits["changed"] and not waits["ready"] and "for a, b, c" in waits["waiting_for"]
    done = vault.run(unseal_keys=vault.shares)
    assert done["ready"] and sorted(done["actions"]) == ["unseal a", "unseal b", "unseal c"]


def test_what_somebody_began_to_open_is_begun_anew(vault: Servers) -> None:
    vault.stop("b")
    vault.start("b")
    body = json.dumps({"key": base64.b64encode(os.urandom(33)).decode()}).encode()
    request = urllib.request.Request(f"https://127.0.0.1:{vault.ports['b']}/v1/sys/unseal", body, method="PUT")
    assert json.load(urllib.request.urlopen(request, context=vault.trust))["progress"] == 1
    assert vault.run(unseal_keys=vault.shares)["ready"]


def test_a_server_that_lost_its_data_joins_again(vault: Servers) -> None:
    vault.stop("c")
    shutil.rmtree(vault.folder / "c")
    body = json.dumps({"server_id": "c"}).encode()
    request = urllib.request.Request(
        f"https://127.0.0.1:{vault.ports['a']}/v1/sys/storage/raft/remove-peer", body, {"X-Vault-Token": vault.token}
    )
    urllib.request.urlopen(request, context=vault.trust).close()
    vault.start("c")
    done = vault.run(unseal_keys=vault.shares)
    assert done["ready"] and done["actions"][-2:] == ["join c to a", "unseal c"] or done["actions"][-1] == "unseal c"


def test_keys_that_never_arrived_are_told_while_nothing_is_lost_yet(vault: Servers, tmp_path: Path) -> None:
    Handover(str(tmp_path), "test", 3).reserve()
    with pytest.raises(VaultError, match="nobody has the keys of this cluster, which is still empty"):
        vault.run(keys_folder=str(tmp_path))


def test_no_key_and_no_token_is_said_by_ansible(vault: Servers, tmp_path: Path) -> None:
    vault.stop("b")
    vault.start("b")
    kept = ("name", "servers", "server_ca", "pgp_keys", "threshold", "keys_folder")
    task = {
        "kubestd.platform.vault_cluster": {
            **{name: value for name, value in vault.options().items() if name in kept},
            "unseal_keys": "{{ shares }}",
            "token": "{{ root }}",
            "mounts": [{"path": "more", "type": "kv"}],
        }
    }
    play = {"hosts": "localhost", "gather_facts": False, "tasks": [task], "vars_files": ["secrets.yml"]}
    secrets = {"shares": vault.shares, "root": vault.token}
    (tmp_path / "secrets.yml").write_text(yaml.safe_dump(secrets))
    (tmp_path / "play.yml").write_text(yaml.safe_dump([play]))
    command = ["ansible-playbook", "-i", "localhost,", "-c", "local", "-vvv", "--diff", str(tmp_path / "play.yml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    text = done.stdout + done.stderr
    assert done.returncode == 0, text[-3000:]
    assert "unseal b" in text and "mount secret more" in text
    for secret in (*secrets["shares"], secrets["root"]):
        assert secret not in text


if __name__ == "__main__":
    build()
