# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with a cluster, by its readings: every cause is one line, and its consequences are words in it."""

from __future__ import annotations

import copy
import itertools
from typing import Any, Callable

import pytest
from ansible_collections.kubestd.platform.plugins.module_utils._cluster_health.judge import (
    AREAS,
    DAY,
    Machines,
    Thresholds,
    Verdict,
    judge,
)

NOW = 1_800_000_000.0
OLD = NOW - DAY
CONTROL = ("cp1", "cp2", "cp3")
MACHINES = Machines(CONTROL, ("w1",), ("lb1", "lb2"), virtual_ip="10.0.0.9", endpoint="10.0.0.9:6443")
Readings = dict[str, dict[str, Any]]
OK = {"ok": True, "error": ""}
NO = {"ok": False, "error": "timed out"}


def service(
    active: str = "active", sub: str = "running", load: str = "loaded", result: str = "success"
) -> dict[str, str]:
    return {"load": load, "active": active, "sub": sub, "result": result}


def certificates(*paths: str) -> list[dict[str, Any]]:
    return [{"path": path, "expires": NOW + 300 * DAY, "error": ""} for path in paths]


def healthy() -> Readings:
    """Three control planes, a worker, two load balancers, all well."""
    readings: Readings = {}
    for host in (*CONTROL, "w1", "lb1", "lb2"):
        machine: dict[str, Any] = {
            "time": NOW,
            "asked": NOW - 0.5,
            "answered": NOW + 0.5,
            "disks": [{"path": "/", "free_mib": 5000, "total_mib": 10000}],
            "memory": {"available_mib": 2000, "total_mib": 4000},
            "endpoint": OK,
            "certificates": [],
            "virtual_ip": None,
        }
        if host.startswith("lb"):
            machine["services"] = {"haproxy": service(), "keepalived": service()}
            machine["virtual_ip"] = host == "lb1"
            machine["haproxy"] = {
                "error": "",
                "servers": [
                    {"backend": "kube-api", "name": name, "status": "UP", "check": "L7OK 200"} for name in CONTROL
                ],
            }
        else:
            machine.update(services={"containerd": service(), "kubelet": service()}, dns=OK, service=OK)
            machine["certificates"] = certificates(
                "/etc/kubernetes/pki/ca.crt", "/var/lib/kubelet/pki/kubelet-client-current.pem"
            )
        readings[host] = {"machine": machine}
    for number, host in enumerate(CONTROL):
        readings[host]["machine"]["certificates"] += certificates(
            *(
                f"/etc/kubernetes/pki/{name}.crt"
                for name in ("apiserver", "apiserver-etcd-client", "front-proxy-client")
            ),
            "/etc/kubernetes/pki/etcd/server.crt",
            "/etc/kubernetes/admin.conf",
        )
        readings[host]["cluster"] = {
            "api": {"error": "", "failed": [], "version": "v1.36.4", "objects": objects()},
            "etcd": {
                "error": "",
                "manifest": True,
                "alarms": [],
                "members": [{"id": str(at), "name": name, "learner": False} for at, name in enumerate(CONTROL)],
                "status": {"id": str(number), "leader": "1", "size": 30 << 20, "quota": 8 << 30, "errors": []},
            },
        }
    return readings


def pod(node: str, component: str, **other: Any) -> dict[str, Any]:
    found = {"name": f"{component}-{node}", "node": node, "component": component, "version": "v1.36.4", "ready": True}
    return {**found, "created": OLD, "restarts": 0, "reason": "", **other}


def objects() -> dict[str, Any]:
    nodes = [
        {
            "name": name,
            "created": OLD,
            "version": "v1.36.4",
            "runtime": "containerd 2.3.4",
            "unschedulable": False,
            "conditions": {
                "Ready": {"status": "True", "message": "", "since": OLD},
                **{
                    kind: {"status": "False", "message": ""}
                    for kind in ("DiskPressure", "MemoryPressure", "PIDPressure")
                },
            },
        }
        for name in (*CONTROL, "w1")
    ]
    components = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")
    pods = [pod(node, component) for node, component in itertools.product(CONTROL, components)]
    pods += [pod(node, "kube-proxy") for node in (*CONTROL, "w1")]
    pods += [pod(node, "kube-dns", name=f"coredns-{node}", version="v1.14.2") for node in ("cp1", "w1")]
    return {"nodes": nodes, "pods": pods, "requests": [], "dns": {"wanted": 2, "ready": 2}}


def judged(readings: Readings, machines: Machines = MACHINES, **limits: float) -> Verdict:
    return judge(readings, machines, Thresholds(**limits), NOW)


def rows(verdict: Verdict) -> list[tuple[str, str, str, str]]:
    shown = [line.as_dict() for line in verdict.problems]
    return [(line["subject"], line["check"], line["status"], line["message"]) for line in shown]


def all_objects(readings: Readings) -> list[dict[str, Any]]:
    """Those of the API servers that answer."""
    found = [(reading.get("cluster") or {}).get("api", {}).get("objects") for reading in readings.values()]
    return [known for known in found if known]


def not_ready(readings: Readings, *nodes: str) -> None:
    """What the API server says some time after a node fell silent: the node and all its pods."""
    for known in all_objects(readings):
        for node in known["nodes"]:
            if node["name"] in nodes:
                node["conditions"]["Ready"] = {
                    "status": "Unknown",
                    "message": "Kubelet stopped posting node status.",
                    "since": OLD,
                }
        for one in known["pods"]:
            if one["node"] in nodes:
                one["ready"] = False
                known["dns"]["ready"] -= one["component"] == "kube-dns"


def backend_down(readings: Readings, name: str, *balancers: str, status: str = "DOWN", check: str = "L4CON") -> None:
    for host in balancers or ("lb1", "lb2"):
        for server in readings[host]["machine"]["haproxy"]["servers"]:
            if server["name"] == name:
                server.update(status=status, check=check)


def no_api(readings: Readings, host: str, error: str = "Connection refused", failed: tuple[str, ...] = ()) -> None:
    readings[host]["cluster"]["api"] = {"error": error, "failed": list(failed), "version": "", "objects": None}


def expire(readings: Readings, host: str, path: str, days: float = -1) -> None:
    found = [entry for entry in readings[host]["machine"]["certificates"] if entry["path"] == path]
    found[0]["expires"] = NOW + days * DAY


def test_a_healthy_cluster_has_no_problem_and_a_line_for_each_area() -> None:
    verdict = judged(healthy())
    assert rows(verdict) == []
    assert not verdict.failed
    assert verdict.overall == "Healthy"
    assert [line.area for line in verdict.lines] == [area for area in AREAS if area != "build hosts"]
    assert verdict.areas["nodes"] == "4 of 4 ready"
    assert verdict.areas["etcd"] == "3 of 3 members, 30 MiB of 8 GiB, leader cp2"
    assert verdict.areas["load balancers"].startswith("6 of 6 backends up on 2, 10.0.0.9 on lb1")


# One break each: what it does to the readings, and the only line that may come of it.


def kubelet_stopped(r: Readings) -> None:
    r["w1"]["machine"]["services"]["kubelet"] = service("inactive", "dead")
    not_ready(r, "w1")


def containerd_stopped_on_a_control_plane(r: Readings) -> None:
    r["cp2"]["machine"]["services"].update(containerd=service("failed", "failed"), kubelet=service("inactive", "dead"))
    not_ready(r, "cp2")
    no_api(r, "cp2")
    r["cp2"]["cluster"]["etcd"].update(error="Connection refused")
    backend_down(r, "cp2")


def kubelet_loops(r: Readings) -> None:
    r["w1"]["machine"]["services"]["kubelet"] = service("activating", "auto-restart", result="exit-code")
    not_ready(r, "w1")


def kubelet_is_gone(r: Readings) -> None:
    r["w1"]["machine"]["services"]["kubelet"] = service("inactive", "dead", "not-found")
    not_ready(r, "w1")


def control_plane_is_dead(r: Readings) -> None:
    r["cp3"] = {"unreachable": "ssh: connect to host 10.0.0.23 port 22: No route to host"}
    not_ready(r, "cp3")
    backend_down(r, "cp3")


def etcd_manifest_moved(r: Readings) -> None:
    r["cp3"]["cluster"]["etcd"].update(error="Connection refused", manifest=False)
    no_api(r, "cp3", "/readyz answers 500", ("etcd", "etcd-readiness"))
    backend_down(r, "cp3", check="L7STS 500")
    for known in all_objects(r):
        known["pods"] = [one for one in known["pods"] if one["name"] != "etcd-cp3"]


def etcd_certificate_expired(r: Readings) -> None:
    expire(r, "cp2", "/etc/kubernetes/pki/etcd/server.crt")
    r["cp2"]["cluster"]["etcd"].update(error="certificate has expired")
    no_api(r, "cp2", "/readyz answers 500", ("etcd",))
    backend_down(r, "cp2")


def api_server_certificate_expired(r: Readings) -> None:
    expire(r, "cp2", "/etc/kubernetes/pki/apiserver.crt")
    no_api(r, "cp2", "certificate has expired")
    not_ready(r, "cp2")
    backend_down(r, "cp2", check="L6RSP")


def harmless_certificate_expired(r: Readings) -> None:
    expire(r, "cp1", "/etc/kubernetes/pki/front-proxy-client.crt")


def admin_certificate_expired(r: Readings) -> None:
    expire(r, "cp1", "/etc/kubernetes/admin.conf")
    no_api(r, "cp1", "GET /version: 401 Unauthorized")


def kubelet_certificate_expired(r: Readings) -> None:
    expire(r, "w1", "/var/lib/kubelet/pki/kubelet-client-current.pem")
    not_ready(r, "w1")


def api_server_down(r: Readings) -> None:
    no_api(r, "cp1", "GET https://127.0.0.1:6443/readyz: Connection refused")
    backend_down(r, "cp1")
    for known in all_objects(r):
        for one in known["pods"]:
            one["ready"] = one["ready"] and one["name"] not in ("kube-apiserver-cp1", "kube-scheduler-cp1")
        known["nodes"][0]["conditions"]["Ready"] = {"status": "Unknown", "message": "", "since": OLD}


def backend_alone_down(r: Readings) -> None:
    backend_down(r, "cp2", "lb1", check="L4TOUT")


def backend_disabled(r: Readings) -> None:
    backend_down(r, "cp2", "lb2", status="MAINT", check="")


def backend_missing(r: Readings) -> None:
    servers = r["lb1"]["machine"]["haproxy"]["servers"]
    servers[:] = [server for server in servers if server["name"] != "cp3"]


def coredns_scaled_to_nothing(r: Readings) -> None:
    for known in all_objects(r):
        known["dns"] = {"wanted": 0, "ready": 0}
        known["pods"] = [one for one in known["pods"] if one["component"] != "kube-dns"]
    for host in (*CONTROL, "w1"):
        r[host]["machine"]["dns"] = NO


def coredns_crashes(r: Readings) -> None:
    for known in all_objects(r):
        known["dns"] = {"wanted": 2, "ready": 0}
        for one in known["pods"]:
            if one["component"] == "kube-dns":
                one.update(ready=False, reason="CrashLoopBackOff")
    for host in (*CONTROL, "w1"):
        r[host]["machine"]["dns"] = NO


def coredns_is_not_there(r: Readings) -> None:
    coredns_scaled_to_nothing(r)
    for known in all_objects(r):
        known["dns"] = None


def one_balancer_stopped(r: Readings) -> None:
    r["lb1"]["machine"]["services"]["haproxy"] = service("inactive", "dead")
    r["lb1"]["machine"]["haproxy"] = {"servers": [], "error": "No such file"}
    r["lb1"]["machine"]["virtual_ip"], r["lb2"]["machine"]["virtual_ip"] = False, True


def both_balancers_hold_the_address(r: Readings) -> None:
    r["lb2"]["machine"]["virtual_ip"] = True


def nobody_holds_the_address(r: Readings) -> None:
    r["lb1"]["machine"]["virtual_ip"] = False
    for host in (*CONTROL, "w1"):
        r[host]["machine"]["endpoint"] = NO


def member_is_a_learner(r: Readings) -> None:
    for host in CONTROL:
        r[host]["cluster"]["etcd"]["members"][2]["learner"] = True


def stranger_in_etcd(r: Readings) -> None:
    for host in CONTROL:
        r[host]["cluster"]["etcd"]["members"].append({"id": "77", "name": "cp9", "learner": False})


def etcd_is_out_of_space(r: Readings) -> None:
    for host in CONTROL:
        r[host]["cluster"]["etcd"]["alarms"] = [{"id": "1", "alarm": "NOSPACE"}]
        r[host]["cluster"]["etcd"]["status"]["size"] = 8 << 30


def etcd_is_nearly_full(r: Readings) -> None:
    r["cp1"]["cluster"]["etcd"]["status"]["size"] = 7 << 30


def disk_pressure(r: Readings) -> None:
    for known in all_objects(r):
        known["nodes"][3]["conditions"]["DiskPressure"] = {"status": "True", "message": "kubelet has disk pressure"}
    r["w1"]["machine"]["disks"] = [{"path": "/", "free_mib": 100, "total_mib": 10000}]


def disk_full_on_a_balancer(r: Readings) -> None:
    r["lb1"]["machine"]["disks"] = [{"path": "/", "free_mib": 100, "total_mib": 10000}]


def memory_is_short(r: Readings) -> None:
    r["w1"]["machine"]["memory"] = {"available_mib": 40, "total_mib": 4000}


def node_is_cordoned(r: Readings) -> None:
    for known in all_objects(r):
        known["nodes"][3]["unschedulable"] = True


def node_is_missing(r: Readings) -> None:
    for known in all_objects(r):
        known["nodes"].pop(3)
        known["pods"] = [one for one in known["pods"] if one["node"] != "w1"]
        known["dns"] = {"wanted": 1, "ready": 1}


def node_is_a_stranger(r: Readings) -> None:
    for known in all_objects(r):
        known["nodes"].append({**known["nodes"][3], "name": "w9"})


def scheduler_crashes(r: Readings) -> None:
    for known in all_objects(r):
        for one in known["pods"]:
            if one["name"] == "kube-scheduler-cp2":
                one.update(ready=False, reason="CrashLoopBackOff")


def proxy_crashes(r: Readings) -> None:
    for known in all_objects(r):
        for one in known["pods"]:
            if one["name"] == "kube-proxy-w1":
                one.update(ready=False, reason="CrashLoopBackOff")
    r["w1"]["machine"].update(dns=NO, service=NO)


def services_not_reached_from_one_node(r: Readings) -> None:
    r["w1"]["machine"].update(dns=NO, service=NO)


def request_waits(r: Readings) -> None:
    for known in all_objects(r):
        known["requests"] = [
            {"name": "csr-1", "node": "w1", "created": OLD},
            {"name": "csr-2", "node": "w1", "created": NOW - 5},
        ]


def clock_is_ahead(r: Readings) -> None:
    r["w1"]["machine"]["time"] += 40


def own_clock_is_behind(r: Readings) -> None:
    for reading in r.values():
        reading["machine"]["time"] += 40


def machine_without_python(r: Readings) -> None:
    r["w1"] = {"error": "/usr/bin/python3: not found"}


def kubelet_is_too_old(r: Readings) -> None:
    for known in all_objects(r):
        known["nodes"][3]["version"] = "v1.32.9"


def kubelet_is_newer(r: Readings) -> None:
    for known in all_objects(r):
        known["nodes"][3]["version"] = "v1.37.0"


def upgrade_is_half_done(r: Readings) -> None:
    for known in all_objects(r):
        known["nodes"][3]["version"] = "v1.35.4"


def runtime_differs(r: Readings) -> None:
    for known in all_objects(r):
        known["nodes"][3]["runtime"] = "containerd 2.3.7"


def certificate_ends_soon(r: Readings) -> None:
    expire(r, "cp1", "/etc/kubernetes/pki/apiserver.crt", 20)


def certificate_ends_in_days(r: Readings) -> None:
    expire(r, "cp1", "/etc/kubernetes/pki/apiserver.crt", 3)


def certificate_is_cut_off(r: Readings) -> None:
    r["cp1"]["machine"]["certificates"][0].update(expires=None, error="This is not a PEM certificate: cut off")


BREAKS: list[tuple[Callable[[Readings], None], str, str, str, tuple[str, ...]]] = [
    (kubelet_stopped, "w1", "kubelet", "Degraded", ("service is inactive", "node NotReady since 2027-01-14")),
    (kubelet_loops, "w1", "kubelet", "Degraded", ("failing again and again (exit-code)", "node NotReady")),
    (kubelet_is_gone, "w1", "kubelet", "Missing", ("service is not installed",)),
    (containerd_stopped_on_a_control_plane, "cp2", "containerd, kubelet", "Degraded", ("services are failed", "API server", "backend down on lb1")),
    (control_plane_is_dead, "cp3", "machine", "Degraded", ("does not answer: ssh", "backend down on lb2", "node NotReady")),
    (etcd_manifest_moved, "cp3", "member", "Missing", ("etcd.yaml is missing", "API server not ready", "backend down on lb1")),
    (etcd_certificate_expired, "cp2", "pki/etcd/server.crt", "Degraded", ("expired on 2027-01-14", "etcd member does not answer")),
    (api_server_certificate_expired, "cp2", "pki/apiserver.crt", "Degraded", ("expired on", "backend down on lb2", "node NotReady")),
    (harmless_certificate_expired, "cp1", "pki/front-proxy-client.crt", "Degraded", ("expired on",)),
    (admin_certificate_expired, "cp1", "admin.conf", "Degraded", ("expired on", "API server could not be asked")),
    (kubelet_certificate_expired, "w1", "/var/lib/kubelet/pki/kubelet-client-current.pem", "Degraded", ("expired on", "node NotReady")),
    (api_server_down, "cp1", "kube-apiserver", "Degraded", ("Connection refused", "backend down on lb1", "backend down on lb2")),
    (backend_alone_down, "lb1", "backend cp2", "Degraded", ("is DOWN: L4TOUT",)),
    (backend_disabled, "lb2", "backend cp2", "Degraded", ("by hand (MAINT)",)),
    (backend_missing, "lb1", "backend cp3", "Missing", ("is not behind this load balancer",)),
    (coredns_scaled_to_nothing, "cluster", "CoreDNS", "Degraded", ("0 wanted", "DNS probe fails on cp1, cp2, cp3, w1")),
    (coredns_crashes, "cluster", "CoreDNS", "Degraded", ("CrashLoopBackOff", "DNS probe fails")),
    (coredns_is_not_there, "cluster", "CoreDNS", "Missing", ("has no deployment",)),
    (one_balancer_stopped, "lb1", "haproxy", "Degraded", ("service is inactive",)),
    (both_balancers_hold_the_address, "cluster", "10.0.0.9", "Degraded", ("lb1 and lb2 at once",)),
    (nobody_holds_the_address, "cluster", "10.0.0.9", "Degraded", ("held by no load balancer", "endpoint fails on")),
    (member_is_a_learner, "cp3", "member", "Progressing", ("learner",)),
    (stranger_in_etcd, "cp9", "member", "Degraded", ("no control plane of the inventory",)),
    (etcd_is_out_of_space, "cp2", "alarm", "Degraded", ("raises NOSPACE",)),
    (etcd_is_nearly_full, "cp1", "database", "Degraded", ("uses 7 GiB of 8 GiB",)),
    (disk_pressure, "w1", "node", "Degraded", ("DiskPressure", "/ 1 % free")),
    (disk_full_on_a_balancer, "lb1", "disk /", "Degraded", ("1 % free, 100 MiB",)),
    (memory_is_short, "w1", "memory", "Degraded", ("1 % available",)),
    (node_is_cordoned, "w1", "node", "Suspended", ("cordoned",)),
    (node_is_missing, "w1", "node", "Missing", ("is not in the cluster",)),
    (node_is_a_stranger, "w9", "node", "Unknown", ("not in the inventory",)),
    (scheduler_crashes, "cp2", "kube-scheduler", "Degraded", ("CrashLoopBackOff",)),
    (proxy_crashes, "w1", "kube-proxy", "Degraded", ("CrashLoopBackOff",)),
    (services_not_reached_from_one_node, "w1", "kubernetes", "Degraded", ("cannot be reached from here: timed out", "nor DNS")),
    (request_waits, "w1", "request", "Degraded", ("csr-1",)),
    (clock_is_ahead, "w1", "clock", "Degraded", ("40 s ahead",)),
    (own_clock_is_behind, "controller", "clock", "Degraded", ("off the clocks of all machines",)),
    (machine_without_python, "w1", "machine", "Degraded", ("could not be read", "not found")),
    (kubelet_is_too_old, "cluster", "skew", "Degraded", ("kubelet w1 v1.32.9",)),
    (kubelet_is_newer, "cluster", "skew", "Degraded", ("kubelet w1 v1.37.0",)),
    (upgrade_is_half_done, "cluster", "skew", "Progressing", ("kubelets v1.35.4/v1.36.4",)),
    (runtime_differs, "cluster", "skew", "Progressing", ("containerd 2.3.4/containerd 2.3.7",)),
    (certificate_ends_soon, "cp1", "pki/apiserver.crt", "Progressing", ("expires in 20 days",)),
    (certificate_ends_in_days, "cp1", "pki/apiserver.crt", "Degraded", ("expires in 3 days",)),
    (certificate_is_cut_off, "cp1", "/etc/kubernetes/pki/ca.crt", "Unknown", ("not a PEM certificate",)),
]  # fmt: skip


@pytest.mark.parametrize(
    ("hurt", "subject", "check", "status", "words"), BREAKS, ids=[entry[0].__name__ for entry in BREAKS]
)
def test_one_broken_thing_is_one_line_that_names_it(
    hurt: Callable[[Readings], None], subject: str, check: str, status: str, words: tuple[str, ...]
) -> None:
    readings = healthy()
    hurt(readings)
    verdict = judged(readings)
    assert [row[:3] for row in rows(verdict)] == [(subject, check, status)], rows(verdict)
    missing = [word for word in words if word not in rows(verdict)[0][3]]
    assert not missing, rows(verdict)[0][3]
    assert verdict.failed == (status in ("Degraded", "Missing"))


@pytest.mark.parametrize("kind", ["node", "scheduler", "dns"])
def test_what_is_young_is_progressing(kind: str) -> None:
    readings = healthy()
    for known in all_objects(readings):
        if kind == "node":
            known["nodes"][3].update(created=NOW - 10)
            known["nodes"][3]["conditions"]["Ready"] = {"status": "False", "message": "cni plugin not initialized"}
        for one in known["pods"]:
            if (
                one["component"] == {"scheduler": "kube-scheduler", "dns": "kube-dns"}.get(kind)
                and one["node"] != "cp1"
            ):
                one.update(created=NOW - 10, ready=False, reason="ContainerCreating")
                known["dns"]["ready"] -= kind == "dns"
    verdict = judged(readings)
    assert {row[2] for row in rows(verdict)} == {"Progressing"}
    assert not verdict.failed


def test_two_broken_things_are_two_lines_worst_first() -> None:
    readings = healthy()
    node_is_cordoned(readings)
    backend_alone_down(readings)
    assert [row[:3] for row in rows(judged(readings))] == [
        ("lb1", "backend cp2", "Degraded"),
        ("w1", "node", "Suspended"),
    ]


def test_a_quorum_that_is_lost_is_said_in_the_lines_of_the_members() -> None:
    readings = healthy()
    for host in ("cp2", "cp3"):
        readings[host]["cluster"]["etcd"].update(error="Connection refused", manifest=False)
    for host in CONTROL:
        no_api(readings, host, "/readyz answers 500", ("etcd",))
        backend_down(readings, host)
    for host in (*CONTROL, "w1"):
        readings[host]["machine"].update(service=NO, endpoint=NO)
    shown = rows(judged(readings))
    assert [row[:2] for row in shown] == [("cp2", "member"), ("cp3", "member")]
    assert all("no quorum: 1 of 3 members work" in row[3] for row in shown)


def test_all_balancers_stopped_are_a_line_each_and_nothing_more() -> None:
    readings = healthy()
    for host in ("lb1", "lb2"):
        readings[host]["machine"]["services"]["haproxy"] = service("inactive", "dead")
        readings[host]["machine"].update(haproxy={"servers": [], "error": "No such file"}, virtual_ip=False)
    for host in (*CONTROL, "w1"):
        readings[host]["machine"]["endpoint"] = NO
    not_ready(readings, "w1")
    assert [row[:2] for row in rows(judged(readings))] == [("lb1", "haproxy"), ("lb2", "haproxy")]


def test_what_was_not_asked_is_said_and_not_judged() -> None:
    readings = {host: reading for host, reading in healthy().items() if host == "w1"}
    verdict = judged(readings)
    assert rows(verdict) == []
    assert verdict.not_looked_at == ["lb1", "lb2", "cp1", "cp2", "cp3"]
    assert verdict.areas["nodes"] == "4 in the inventory; no API server told more"


def test_a_cluster_with_external_etcd_and_balancers_of_others_is_healthy() -> None:
    readings = {host: reading for host, reading in healthy().items() if not host.startswith("lb")}
    for host in CONTROL:
        readings[host]["cluster"]["etcd"] = None
    for known in all_objects(readings):
        known["pods"] = [one for one in known["pods"] if one["component"] != "etcd"]
    verdict = judged(readings, Machines(CONTROL, ("w1",), endpoint="api:6443"))
    assert rows(verdict) == []
    assert "etcd" not in verdict.areas


def test_nodes_with_names_of_their_own_are_found() -> None:
    readings = healthy()
    for known in all_objects(readings):
        known["nodes"][3]["name"] = "worker.example"
        for one in known["pods"]:
            one["node"] = one["node"].replace("w1", "worker.example")
    kubelet_stopped(readings)
    not_ready(readings, "worker.example")
    machines = Machines(CONTROL, ("w1",), ("lb1", "lb2"), {"w1": "worker.example"}, "10.0.0.9")
    assert [row[:2] for row in rows(judged(readings, machines))] == [("w1", "kubelet")]


@pytest.mark.parametrize("lost", list(healthy()))
@pytest.mark.parametrize("how", [{"unreachable": "no route"}, {"error": "no python"}, {}])
def test_any_reading_may_be_lost(lost: str, how: dict[str, str]) -> None:
    readings = healthy()
    readings[lost] = copy.deepcopy(how)
    verdict = judged(readings)
    assert [row[0] for row in rows(verdict)] == ([lost] if how else [])


@pytest.mark.parametrize("host", CONTROL)
def test_a_control_plane_of_which_the_cluster_could_not_be_read(host: str) -> None:
    readings = healthy()
    readings[host] = {"machine": readings[host]["machine"], "error": "Traceback"}
    assert [row[:3] for row in rows(judged(readings))] == [(host, "machine", "Degraded")]


def test_limits_move_the_judgement() -> None:
    readings = healthy()
    certificate_ends_soon(readings)
    memory_is_short(readings)
    assert rows(judged(readings, certificate_days=10, memory_free_percent=0.5)) == []


@pytest.mark.parametrize(
    ("name", "found", "status", "said"),
    [
        ("docker", service("inactive", "dead"), "Degraded", "service is inactive"),
        ("docker-rootless", service("inactive", "dead", load="not-found"), "Missing", "service is not installed"),
    ],
)
def test_a_build_host_without_its_daemon_is_one_line(name: str, found: dict[str, str], status: str, said: str) -> None:
    readings = healthy()
    reading = {**readings["lb1"]["machine"], "services": {name: service()}, "haproxy": None, "virtual_ip": None}
    for host in ("b1", "b2"):
        readings[host] = {"machine": copy.deepcopy(reading)}
    machines = Machines(**{**MACHINES.__dict__, "build_hosts": ("b1", "b2")})
    verdict = judge(readings, machines, now=NOW)
    assert not verdict.problems and verdict.areas["build hosts"] == "2 of 2 run Docker"
    readings["b1"]["machine"]["services"][name] = found
    verdict = judge(readings, machines, now=NOW)
    assert [(line.subject, line.check, line.status, line.message) for line in verdict.problems] == [
        ("b1", name, status, said)
    ]
    assert verdict.areas["build hosts"] == "1 of 2 run Docker"
    readings["b1"] = {"unreachable": "no route"}
    assert [line.area for line in judge(readings, machines, now=NOW).problems] == ["build hosts"]
