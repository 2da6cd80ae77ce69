# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import socket
import time
from pathlib import Path

import pytest
from ansible_collections.kubestd.platform.plugins.module_utils._preflight import machine


def test_a_listening_socket_is_found_with_its_port() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = server.getsockname()[1]
        assert port in {entry["port"] for entry in machine.ports()}
        assert machine.reached(f"127.0.0.1:{port}", None)["ok"]


def test_an_interface_loses_the_name_of_its_peer_and_keeps_the_prefix() -> None:
    entry = {"ifname": "eth0@if7", "address": "02:00:00:00:00:01", "link_type": "ether", "operstate": "UP"}
    entry["addr_info"] = [{"local": "10.0.0.5", "prefixlen": 24}]  # type: ignore[assignment]
    assert machine.interfaces_of_ip(json.dumps([entry])) == [
        {"name": "eth0", "mac": "02:00:00:00:00:01", "addresses": ["10.0.0.5/24"], "up": True}
    ]


def test_the_kernel_and_the_command_ip_tell_the_same_addresses_of_loopback() -> None:
    loopback = next(entry for entry in machine.interfaces_of_kernel() if entry["name"] == "lo")
    assert "127.0.0.1/8" in loopback["addresses"] and loopback["mac"] is None


def test_os_release_is_read_with_and_without_quotes() -> None:
    text = 'PRETTY_NAME="Debian GNU/Linux 13 (trixie)"\nID=debian\nVERSION_ID="13"\n'
    assert machine.os_release(text) == {
        "id": "debian",
        "version_id": "13",
        "pretty_name": "Debian GNU/Linux 13 (trixie)",
    }


@pytest.mark.parametrize("target", ["127.0.0.1:1", "http://127.0.0.1:1/", "nonsense", "http://[::bad/", "x:99999"])
def test_what_cannot_be_reached_has_an_error_and_raises_nothing(target: str) -> None:
    answer = machine.reached(target, None)
    assert not answer["ok"] and answer["error"]


def test_a_slow_answer_does_not_hold_up_the_look() -> None:
    start = time.monotonic()
    answers = machine.together({"slow": lambda: time.sleep(5), "quick": lambda: 1}, "late", 0.1)
    assert answers == {"slow": "late", "quick": 1}
    assert time.monotonic() - start < 2


def test_a_look_has_the_keys_that_the_documentation_names() -> None:
    found = machine.look(resolve=["localhost"], reach=["127.0.0.1:1"], paths=["/var/lib/of/the/future"])
    assert found["disks"][0]["path"] == "/var/lib/of/the/future" and found["disks"][0]["total_mib"] > 0
    assert found["resolves"]["localhost"] and not found["reach"]["127.0.0.1:1"]["ok"]
    assert set(machine.COMMANDS) <= found["commands"].keys()
    assert abs(found["clock"]["epoch"] - time.time()) < 5
    assert found["cgroup"]["version"] in (1, 2) and found["cpus"] >= 1 and found["memory_mib"] > 0
    json.dumps(found)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("MemTotal:       16777216 kB\nMemFree: 1 kB\nSwapTotal:       524288 kB\n", (16384, 512)),
        ("MemTotal: 1048576 kB\nSwapTotal: 0 kB\n", (1024, 0)),
        ("", (0, 0)),
    ],
)
def test_memory_and_swap_are_read_in_mebibytes(text: str, found: tuple[int, int]) -> None:
    assert machine.memory(text) == found


def test_only_listening_sockets_have_a_port() -> None:
    table = (
        "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
        "   0: 0100007F:0929 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1234 1 0 100\n"
        "   1: 0100007F:0929 0100007F:D431 01 00000000:00000000 00:00000000 00000000     0        0 1235 1 0 100\n"
        "   2: 00000000000000000000000001000000:192B 00000000000000000000000000000000:0000 0A 0:0 00:0 0 0 0 1236 1 0\n"
        "   3: short\n"
    )
    assert machine.listening(table) == {"1234": 2345, "1236": 6443}


BUILTIN_AND_DEP = {"builtin": {"overlay"}, "dep": {"vxlan"}}


@pytest.mark.parametrize(
    ("name", "loaded", "present", "files", "configured", "state"),
    [
        ("overlay", {"overlay"}, False, {}, None, "loaded"),
        ("overlay", set(), True, {}, None, "builtin"),
        ("overlay", set(), False, BUILTIN_AND_DEP, None, "builtin"),
        ("overlay", set(), False, {}, "y", "builtin"),
        ("vxlan", set(), False, BUILTIN_AND_DEP, "m", "module"),
        ("vxlan", set(), False, {}, "m", "unknown"),
        ("vxlan", set(), False, {}, "n", "missing"),
        ("nbd", set(), False, BUILTIN_AND_DEP, None, "missing"),
        ("nbd", set(), False, {"dep": {"vxlan"}}, None, "unknown"),
        ("nbd", set(), False, {}, None, "unknown"),
    ],
)
def test_a_feature_of_the_kernel_is_known_from_what_there_is(
    name: str, loaded: set[str], present: bool, files: dict[str, set[str]], configured: str | None, state: str
) -> None:
    assert machine.feature(name, loaded, present, files, configured) == state


@pytest.mark.parametrize(
    ("image", "version"),
    [
        ("registry.k8s.io/kube-apiserver:v1.36.4", "1.36.4"),
        ("mirror:5000/k8s/kube-apiserver:v1.37.2@sha256:abc", "1.37.2"),
        ("registry.k8s.io/etcd:3.6.8-0", None),
    ],
)
def test_the_version_of_the_api_server_is_that_of_its_manifest(image: str, version: str | None) -> None:
    found = machine.api_server(f"spec:\n  containers:\n  - command: [x]\n    image: {image}\n")
    assert found == (version and {"version": version, "path": machine.API_SERVER})


@pytest.mark.parametrize(
    ("target", "found"), [("a.example:6443", ("a.example", 6443)), ("[2001:db8::1]:80", ("2001:db8::1", 80))]
)
def test_a_target_is_a_host_and_a_port(target: str, found: tuple[str, int]) -> None:
    assert machine.host_and_port(target) == found


def test_a_disk_that_is_not_there_yet_is_that_of_its_nearest_folder(tmp_path: Path) -> None:
    found, there = machine.disk(str(tmp_path / "not/yet")), machine.disk(str(tmp_path))
    assert found["path"] == str(tmp_path / "not/yet") and found["total_mib"] == there["total_mib"] > 0


@pytest.mark.parametrize(
    ("said", "version"),
    [
        ("containerd github.com/containerd/containerd v2.3.4 abc", "2.3.4"),
        ("HAProxy version 3.0.11-1+deb13u1 2025/09/15", "3.0.11-1+deb13u1"),
        ("Kubernetes v1.36.4", "1.36.4"),
        ("nothing", ""),
    ],
)
def test_a_version_is_the_first_that_a_command_says(said: str, version: str, tmp_path: Path) -> None:
    command = tmp_path / "containerd"
    command.write_text(f"#!/bin/sh\necho '{said}'\n")
    command.chmod(0o755)
    assert machine.version("containerd", str(command)) == {"version": version, "path": str(command)}
    assert machine.version("containerd", None) is None
