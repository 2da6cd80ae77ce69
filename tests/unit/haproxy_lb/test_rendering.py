# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role haproxy_lb writes, and that the real HAProxy and keepalived accept it."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

# keepalived refuses a configuration whose interface does not exist.
NETWORK_INTERFACES = sorted(path.parent.name for path in Path("/sys/class/net").glob("*/device"))


def haproxy_cfg(rendered: Path, case: str, host: str = "lb1") -> str:
    return (rendered / case / host / "etc/haproxy/haproxy.cfg").read_text()


def keepalived_conf(rendered: Path, case: str, host: str = "lb1") -> str:
    return (rendered / case / host / "etc/keepalived/keepalived.conf").read_text()


def services(rendered: Path, case: str, host: str = "lb1") -> dict[str, dict[str, Any]]:
    lines = (rendered / case / host / "services.jsonl").read_text().splitlines()
    return {entry["name"]: entry for entry in map(json.loads, lines)}


def test_every_control_plane_of_the_inventory_is_a_backend(rendered: Path) -> None:
    cfg = haproxy_cfg(rendered, "one_balancer")
    for number in (1, 2, 3):
        assert f"server cp{number} 10.0.0.2{number}:6443\n" in cfg
    assert "bind *:6443" in cfg


def test_api_servers_are_not_verified_before_there_is_a_ca(rendered: Path) -> None:
    assert "verify none" in haproxy_cfg(rendered, "one_balancer")
    assert not (rendered / "one_balancer/lb1/etc/haproxy/kubernetes-ca.crt").exists()


def test_api_servers_are_verified_against_the_ca_once_it_is_known(rendered: Path) -> None:
    cfg = haproxy_cfg(rendered, "two_balancers")
    assert "verify required verifyhost kubernetes ca-file /etc/haproxy/kubernetes-ca.crt" in cfg
    assert "verify none" not in cfg
    assert (
        (rendered / "two_balancers/lb2/etc/haproxy/kubernetes-ca.crt")
        .read_text()
        .startswith("-----BEGIN CERTIFICATE-----")
    )


def test_colocated_balancers_offer_another_port_than_the_api_servers(rendered: Path) -> None:
    cfg = haproxy_cfg(rendered, "colocated", "cp1")
    assert "bind *:8443" in cfg
    assert "server cp2 10.0.0.22:6443" in cfg


def test_given_backends_replace_those_of_the_inventory(rendered: Path) -> None:
    cfg = haproxy_cfg(rendered, "own_backends")
    assert "server far 192.0.2.7:7443" in cfg
    assert "10.0.0.21" not in cfg


def test_further_services_reach_their_machines(rendered: Path) -> None:
    cfg = haproxy_cfg(rendered, "services")
    assert "server w1 10.0.0.41:30080" in cfg
    assert "server 10.0.0.50 10.0.0.50:30443" in cfg
    assert cfg.count("send-proxy-v2") == 1


def test_keepalived_knows_its_peers_and_its_place(rendered: Path) -> None:
    first, second = (keepalived_conf(rendered, "two_balancers", host) for host in ("lb1", "lb2"))
    assert "unicast_src_ip 10.0.0.11" in first and "        10.0.0.12 min_ttl 255\n" in first
    assert "unicast_src_ip 10.0.0.12" in second and "        10.0.0.11 min_ttl 255\n" in second
    assert "priority 150" in first and "priority 149" in second
    for conf in (first, second):
        assert "state BACKUP" in conf and "nopreempt" in conf and "virtual_router_id 77" in conf
        assert "auth_pass" not in conf


def test_keepalived_asks_the_api_through_haproxy_and_verifies_it(rendered: Path) -> None:
    conf = keepalived_conf(rendered, "two_balancers")
    assert (
        "--resolve kubernetes:6443:127.0.0.1 --cacert /etc/haproxy/kubernetes-ca.crt https://kubernetes:6443/readyz"
        in conf
    )
    assert "https://kubernetes:8443/readyz" in keepalived_conf(rendered, "colocated", "cp1")


def test_the_virtual_address_stands_on_the_interface_of_the_node_ip(rendered: Path) -> None:
    assert "interface lo-test\n" in keepalived_conf(rendered, "two_balancers")
    assert "10.0.0.9/32 dev bond0" in keepalived_conf(rendered, "own_interface")


def test_control_planes_are_each_others_peers_when_colocated(rendered: Path) -> None:
    conf = keepalived_conf(rendered, "colocated", "cp1")
    assert "10.0.0.22 min_ttl 255" in conf and "10.0.0.23 min_ttl 255" in conf and "10.0.0.12" not in conf


def test_keepalived_stands_still_without_a_virtual_address(rendered: Path) -> None:
    assert not (rendered / "one_balancer/lb1/etc/keepalived").exists()
    assert services(rendered, "one_balancer")["keepalived"]["state"] == "stopped"
    assert services(rendered, "two_balancers")["keepalived"]["state"] == "started"


def test_a_change_reloads_haproxy_and_never_restarts_it(rendered: Path) -> None:
    haproxy = services(rendered, "one_balancer")["haproxy"]
    assert haproxy["reload_after"] == ["/etc/haproxy/haproxy.cfg", "/etc/haproxy/kubernetes-ca.crt"]
    assert haproxy["restart_after"] is None


def test_every_configuration_is_validated_before_it_is_used(rendered: Path) -> None:
    files = {item["path"]: item for item in json.loads((rendered / "two_balancers/lb1/files.json").read_text())}
    assert files["/etc/haproxy/haproxy.cfg"]["validate"][0] == "haproxy"
    assert files["/etc/keepalived/keepalived.conf"]["validate"][0] == "keepalived"


def test_an_external_load_balancer_is_left_alone(rendered: Path) -> None:
    assert not (rendered / "external").exists()


def test_removal_stops_both_services_and_deletes_every_file(rendered: Path) -> None:
    assert {name: entry["state"] for name, entry in services(rendered, "absent").items()} == {
        "haproxy": "stopped",
        "keepalived": "stopped",
    }
    files = json.loads((rendered / "absent/lb1/files.json").read_text())
    assert len(files) == 4 and {item["state"] for item in files} == {"absent"}
    assert all(item.get("content") is None for item in files)


@pytest.mark.skipif(not shutil.which("haproxy"), reason="haproxy is not installed on this machine")
@pytest.mark.parametrize(
    ("case", "host"),
    [
        ("one_balancer", "lb1"),
        ("two_balancers", "lb2"),
        ("colocated", "cp1"),
        ("services", "lb1"),
        ("own_backends", "lb1"),
    ],
)
def test_the_real_haproxy_accepts_the_configuration(
    rendered: Path, case: str, host: str, tmp_path: Path, cluster_ca: Path
) -> None:
    cfg = haproxy_cfg(rendered, case, host).replace("/etc/haproxy/kubernetes-ca.crt", str(cluster_ca))
    (tmp_path / "haproxy.cfg").write_text(cfg)
    answer = subprocess.run(
        ["haproxy", "-c", "-f", tmp_path / "haproxy.cfg"], capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, answer.stderr
    assert "warning" not in answer.stderr.lower()


@pytest.mark.skipif(
    not shutil.which("keepalived") or not NETWORK_INTERFACES,
    reason="keepalived or a network interface is missing on this machine",
)
@pytest.mark.parametrize(("case", "host"), [("two_balancers", "lb1"), ("two_balancers", "lb2"), ("colocated", "cp1")])
def test_the_real_keepalived_accepts_the_configuration(rendered: Path, case: str, host: str, tmp_path: Path) -> None:
    conf = keepalived_conf(rendered, case, host).replace("lo-test", NETWORK_INTERFACES[0])
    # keepalived 2.2.7 of Debian 12 kills itself when it checks a script of another user (acassen/keepalived#2617).
    conf = conf.replace("script_user nobody", "script_user root")
    (tmp_path / "keepalived.conf").write_text(conf)
    answer = subprocess.run(
        ["keepalived", "--config-test", "--use-file", tmp_path / "keepalived.conf"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr
