# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import socket
import time

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
