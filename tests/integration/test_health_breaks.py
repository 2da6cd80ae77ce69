# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""health.yml: nothing to say of a healthy cluster; one broken thing is one line that names it; nothing is changed."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from .conftest import Result, Sandbox

pytestmark = pytest.mark.usefixtures("cluster")


def health(sandbox: Sandbox, tmp_path: Path) -> tuple[Result, dict[str, Any]]:
    path = tmp_path / "health.json"
    result = sandbox.playbook("playbooks/health.yml", "--extra-vars", f"health_report_path={path}")
    found: dict[str, Any] = json.loads(path.read_text())
    assert result.changed == {}
    return result, found


def problems(report: dict[str, Any]) -> list[dict[str, str]]:
    return [line for line in report["lines"] if line["status"] != "Healthy"]


def until_healthy(sandbox: Sandbox, tmp_path: Path, seconds: float = 150) -> Result:
    """What a cluster says once it has settled."""
    deadline = time.monotonic() + seconds
    while True:
        result, report = health(sandbox, tmp_path)
        if not problems(report):
            return result
        assert time.monotonic() < deadline, problems(report)
        time.sleep(3)


def test_a_healthy_cluster_has_a_line_for_each_area_and_ends_with_0(sandbox: Sandbox, tmp_path: Path) -> None:
    result = until_healthy(sandbox, tmp_path)
    assert result.rc == 0
    for area in (
        "nodes",
        "control plane",
        "etcd",
        "certificates",
        "load balancers",
        "DNS",
        "Service",
        "versions",
        "space",
    ):
        assert f"\n{area} " in result.text


def test_hosts_of_load_balancers_are_left_alone_when_somebody_else_balances(sandbox: Sandbox, tmp_path: Path) -> None:
    path = tmp_path / "external.json"
    mode = json.dumps({"cluster_load_balancer": {"mode": "external"}, "health_report_path": str(path)})
    result = sandbox.playbook("playbooks/health.yml", "--extra-vars", mode)
    report = json.loads(path.read_text())
    assert "Read the machine" not in " ".join(result.tasks_with("ok", "lb1"))
    # what remains is that the nodes reach the address
    nodes = len(sandbox.kubectl("get", "nodes", "--output=name").split())
    assert report["areas"]["load balancers"] == f"endpoint reached from {nodes} of {nodes} nodes"
    assert report["not_looked_at"] == []


PKI = "/etc/kubernetes/pki"
SCALE = ["kubectl", "--kubeconfig=/etc/kubernetes/admin.conf", "--namespace=kube-system", "scale", "deployment/coredns"]


def expire(name: str, ca: str) -> list[str]:
    """Put a certificate in place that is like the one there, and was valid in January 2020."""
    path, signer = f"{PKI}/{name}", f"-CA {PKI}/{ca}.crt -CAkey {PKI}/{ca}.key"
    dates = "-not_before 20200101000000Z -not_after 20200201000000Z"
    return [
        "sh",
        "-ec",
        f"mv {path}.crt {path}.kept; openssl x509 -x509toreq -in {path}.kept -signkey {path}.key"
        f" | openssl x509 -req {signer} {dates} -out {path}.crt",
    ]


def renew(name: str) -> list[str]:
    return ["mv", f"{PKI}/{name}.kept", f"{PKI}/{name}.crt"]


#: host, how it is hurt, how it is mended, (area, subject, check) of the only line
BREAKS = {
    "kubelet": ("w1", ["systemctl", "stop", "kubelet"], ["systemctl", "start", "kubelet"], ("nodes", "w1", "kubelet")),
    "backend": (
        "lb1",
        ["iptables", "-I", "OUTPUT", "-p", "tcp", "-d", "CP2", "--dport", "6443", "-j", "REJECT"],
        ["iptables", "-D", "OUTPUT", "-p", "tcp", "-d", "CP2", "--dport", "6443", "-j", "REJECT"],
        ("load balancers", "lb1", "backend cp2"),
    ),
    "etcd": (
        "cp3",
        ["mv", "/etc/kubernetes/manifests/etcd.yaml", "/etc/kubernetes/etcd.yaml"],
        ["mv", "/etc/kubernetes/etcd.yaml", "/etc/kubernetes/manifests/etcd.yaml"],
        ("etcd", "cp3", "member"),
    ),
    "DNS": ("cp1", [*SCALE, "--replicas=0"], [*SCALE, "--replicas=2"], ("DNS", "cluster", "CoreDNS")),
    "certificate": (
        "cp2",
        expire("apiserver-etcd-client", "etcd/ca"),
        renew("apiserver-etcd-client"),
        ("certificates", "cp2", "pki/apiserver-etcd-client.crt"),
    ),
    # This one has a consequence, since health asks etcd with it.
    "certificate of etcd": (
        "cp2",
        expire("etcd/healthcheck-client", "etcd/ca"),
        renew("etcd/healthcheck-client"),
        ("certificates", "cp2", "pki/etcd/healthcheck-client.crt"),
    ),
}


@pytest.mark.parametrize("what", BREAKS)
def test_one_broken_thing_is_one_line_and_ends_with_2(sandbox: Sandbox, tmp_path: Path, what: str) -> None:
    host, hurt, mend, (area, subject, check) = BREAKS[what]
    hurt, mend = ([part.replace("CP2", sandbox.hosts["cp2"]) for part in command] for command in (hurt, mend))
    sandbox.run(host, hurt)
    try:
        deadline = time.monotonic() + 90
        while True:
            result, report = health(sandbox, tmp_path)
            lines = problems(report)
            settled = len(lines) == 1 and lines[0]["status"] in ("Degraded", "Missing")
            if settled or time.monotonic() > deadline:
                break
            time.sleep(3)
    finally:
        sandbox.run(host, mend)
    assert len(lines) == 1, lines
    assert (lines[0]["area"], lines[0]["subject"]) == (area, subject)
    assert check in lines[0]["check"]
    assert result.rc == 2
    until_healthy(sandbox, tmp_path)
