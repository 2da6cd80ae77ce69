# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The scripts of the valkey role with real servers and sentinels: Debian's Redis stands for Valkey, addresses of loopback for pods."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ..contract.records import record
from .conftest import ROOT

# In Debian the server, the sentinel and this checker are one program, which looks at its name.
PROGRAM = shutil.which("redis-check-rdb")
pytestmark = pytest.mark.skipif(not PROGRAM, reason="redis-tools is not installed on this machine")
# Ports are those of the pods, so that each instance has an address of its own.
ADDRESSES = ("127.77.0.1", "127.77.0.2", "127.77.0.3")
CLI = """#!/bin/sh
case " $* " in
    *" -h shop-sentinel "*) shift 2; for host in {addresses}; do
        said=$(redis-cli -h $host "$@" 2>/dev/null) && [ -n "$said" ] && echo "$said" && exit 0; done; exit 1 ;;
    *) exec redis-cli -h $HOSTNAME "$@" ;;
esac
"""


class Store:
    """Three instances, each with a server and a sentinel."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.running: dict[str, list[subprocess.Popen[bytes]]] = {}
        described = record(ROOT / "roles/valkey", valkey_name="shop")
        objects = [item for stage in described["stages"] for item in stage.get("manifests", [])]
        self.scripts = next(item["data"] for item in objects if item["kind"] == "ConfigMap")
        tools = folder / "bin"
        tools.mkdir()
        for name in ("valkey-server", "redis-sentinel"):
            (tools / name).symlink_to(str(PROGRAM))
        (tools / "valkey-cli").write_text(CLI.format(addresses=" ".join(ADDRESSES)))
        (tools / "valkey-sentinel").write_text(f'#!/bin/sh\nexec {tools}/redis-sentinel "$@"\n')
        for name in ("valkey-cli", "valkey-sentinel"):
            (tools / name).chmod(0o755)
        for address in ADDRESSES:
            for name, text in self.scripts.items():
                for part in ("scripts", "data"):
                    (folder / address / part).mkdir(parents=True, exist_ok=True)
                (folder / address / "scripts" / name).write_text(self.moved(text, address))

    def moved(self, text: str, address: str) -> str:
        """A script with folders and addresses of this machine."""
        for old, new in (
            ("$HOSTNAME.shop-peers.shop.svc.cluster.local", "$HOSTNAME"),
            ("shop-0.shop-peers.shop.svc.cluster.local", ADDRESSES[0]),
            ("bind * -::*", f"bind {address}"),
            ('echo "port 26379"', f'echo "port 26379"; echo "bind {address}"'),
            ("milliseconds shop 5000", "milliseconds shop 1000"),
            ("/scripts", str(self.folder / address / "scripts")),
            ("/data", str(self.folder / address / "data")),
        ):
            text = text.replace(old, new)
        return text

    def environment(self, address: str) -> dict[str, str]:
        path = f"{self.folder / 'bin'}:{os.environ['PATH']}"
        return {"PATH": path, "HOSTNAME": address, "REDISCLI_AUTH": "a-secret", "SENTINELS": "yes"}

    def start(self, address: str) -> None:
        self.running[address] = [
            subprocess.Popen(
                ["sh", str(self.folder / address / "scripts" / script)],
                env=self.environment(address),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            for script in ("server.sh", "sentinel.sh")
        ]

    def kill(self, address: str) -> None:
        for process in self.running.pop(address):
            process.kill()
            process.wait()

    def ask(self, address: str, *words: str) -> str:
        """What a server answers."""
        command = ["sh", "-c", 'exec valkey-cli "$@"', "sh", *words]
        done = subprocess.run(command, env=self.environment(address), capture_output=True, text=True, check=False)
        return done.stdout.strip()

    def ready(self, address: str) -> bool:
        command = ["sh", str(self.folder / address / "scripts/ready.sh")]
        return subprocess.run(command, env=self.environment(address), capture_output=True, check=False).returncode == 0

    def role(self, address: str) -> str:
        return self.ask(address, "role").partition("\n")[0]


def until(true: Callable[[], bool], what: str) -> None:
    for _ in range(600):
        if true():
            return
        time.sleep(0.1)
    raise AssertionError(f"never: {what}")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(tmp_path)
    try:
        yield made
    finally:
        for address in list(made.running):
            made.kill(address)


def test_the_master_moves_and_comes_back_as_a_replica_and_an_outage_of_all_forgets_nothing(store: Store) -> None:
    first, second, third = ADDRESSES
    for address in ADDRESSES:
        store.start(address)
    until(lambda: all(map(store.ready, ADDRESSES)), "all instances are ready")
    assert [store.role(address) for address in ADDRESSES] == ["master", "slave", "slave"]
    assert "NOAUTH" in subprocess.run(["redis-cli", "-h", first, "get", "a"], capture_output=True, text=True).stdout
    assert store.ask(first, "set", "a", "1") == "OK"
    until(
        lambda: store.ask(second, "get", "a") == store.ask(third, "get", "a") == "1", "replicas have what was written"
    )
    known = ("-p", "26379", "sentinel", "sentinels", "shop")
    until(lambda: all(store.ask(one, *known).count("runid") == 2 for one in ADDRESSES), "sentinels know each other")
    # one that did not would give up, and try again after two minutes
    known = ("-p", "26379", "sentinel", "replicas", "shop")
    until(lambda: all(store.ask(one, *known).count("runid") == 2 for one in ADDRESSES), "sentinels know the replicas")

    store.kill(first)
    until(lambda: "master" in (store.role(second), store.role(third)), "another one is the master")
    master = second if store.role(second) == "master" else third
    until(lambda: store.ask(master, "set", "a", "2") == "OK", "the new master takes what is written")

    store.start(first)
    until(lambda: store.ready(first) and store.role(first) == "slave", "the old master follows the new one")
    until(lambda: store.ask(first, "get", "a") == "2", "it has what was written meanwhile")

    # the first instance is up before the last master, and must not begin again with what it has
    for address in ADDRESSES:
        store.kill(address)
    store.start(first)
    until(lambda: store.role(first) == "slave", "the first instance waits for the last master")
    assert not store.ready(first)
    for address in (second, third):
        store.start(address)
    until(lambda: all(map(store.ready, ADDRESSES)), "all instances are ready again")
    assert store.role(master) == "master" and store.ask(master, "get", "a") == "2"
