# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What readings of machines and cluster mean: one line for each thing that is wrong, consequences folded into causes.

Causes come first: a machine that does not answer, a service that does not run, a certificate that has expired, an etcd
member, an API server. What follows from one of them (a node NotReady, a backend down, a pod that is not ready) becomes a
word in its line instead of a line of its own.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

HEALTHY, PROGRESSING, DEGRADED, SUSPENDED = "Healthy", "Progressing", "Degraded", "Suspended"
MISSING, UNKNOWN = "Missing", "Unknown"
#: Worst first.
STATUSES = (DEGRADED, MISSING, UNKNOWN, PROGRESSING, SUSPENDED, HEALTHY)
NODES, CONTROL_PLANE, ETCD, CERTIFICATES = "nodes", "control plane", "etcd", "certificates"
BALANCERS, DNS, SERVICE, VERSIONS, SPACE, CLOCKS = "load balancers", "DNS", "Service", "versions", "space", "clocks"
BUILDERS = "build hosts"
AREAS = (NODES, CONTROL_PLANE, ETCD, CERTIFICATES, BALANCERS, DNS, SERVICE, VERSIONS, SPACE, CLOCKS, BUILDERS)
#: Services and the area that they are of.
PARTS = (
    (("containerd", "kubelet"), NODES),
    (("haproxy", "keepalived"), BALANCERS),
    (("docker", "docker-rootless"), BUILDERS),
)
CLUSTER = "cluster"
API_BACKEND = "kube-api"
PRESSURES = ("MemoryPressure", "DiskPressure", "PIDPressure", "NetworkUnavailable")
COMPONENTS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")
DAY = 86400.0
#: Minor versions that a kubelet and a kube-proxy may be older than the API server (kubernetes.io/releases/version-skew-policy).
KUBELET_SKEW = 3
#: What takes the kubelet, the pods or the API server of a node down with it.
NODE_CAUSES = ("machine", "service", "expired:node", "etcd", "expired:etcd", "expired:api", "api")


@dataclass(frozen=True)
class Thresholds:
    """Where healthy ends."""

    certificate_days: float = 30
    certificate_degraded_days: float = 7
    disk_free_percent: float = 10
    memory_free_percent: float = 5
    etcd_size_percent: float = 80
    young_seconds: float = 180
    request_seconds: float = 60
    clock_seconds: float = 2


@dataclass(frozen=True)
class Machines:
    """The inventory: hosts by their part, and their names in Kubernetes where those differ."""

    control_plane: tuple[str, ...] = ()
    workers: tuple[str, ...] = ()
    load_balancers: tuple[str, ...] = ()
    names: dict[str, str] = field(default_factory=dict)
    virtual_ip: str = ""
    endpoint: str = ""
    build_hosts: tuple[str, ...] = ()

    @property
    def nodes(self) -> tuple[str, ...]:
        """Hosts that are nodes."""
        return (*self.control_plane, *self.workers)

    @property
    def hosts(self) -> tuple[str, ...]:
        """All hosts, each once."""
        return tuple(dict.fromkeys((*self.load_balancers, *self.nodes, *self.build_hosts)))

    def name(self, host: str) -> str:
        """A host's name in Kubernetes."""
        return self.names.get(host) or host


@dataclass
class Line:
    """One thing that is not as it should be, or one area that is."""

    subject: str
    area: str
    check: str
    status: str
    message: str
    effects: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, str]:
        """For the file; effects are part of the message."""
        effects = f" ({', '.join(dict.fromkeys(self.effects))})" if self.effects else ""
        return {
            "subject": self.subject,
            "area": self.area,
            "check": self.check,
            "status": self.status,
            "message": self.message + effects,
        }


@dataclass
class Verdict:
    """All lines, problems first, and one text for each area."""

    lines: list[Line]
    areas: dict[str, str]
    not_looked_at: list[str]

    @property
    def problems(self) -> list[Line]:
        """Lines that are not Healthy."""
        return [line for line in self.lines if line.status != HEALTHY]

    @property
    def overall(self) -> str:
        """The worst status."""
        return min((line.status for line in self.lines), key=STATUSES.index, default=UNKNOWN)

    @property
    def failed(self) -> bool:
        """Whether somebody has to do something."""
        return any(line.status in (DEGRADED, MISSING) for line in self.lines)


def judge(
    readings: dict[str, dict[str, Any]],
    machines: Machines,
    thresholds: Thresholds | None = None,
    now: float | None = None,
) -> Verdict:
    """Readings by host: {unreachable: text, error: text, machine: {...}, cluster: {...}}; hosts left out were not asked."""
    judging = _Judging(readings, machines, thresholds or Thresholds(), time.time() if now is None else now)
    for step in (
        judging.machines_answer,
        judging.services,
        judging.certificates,
        judging.etcd,
        judging.api_servers,
        judging.balancers,
        judging.nodes,
        judging.pods,
        judging.kube_proxy_and_dns,
        judging.probes,
        judging.versions,
        judging.space,
        judging.requests,
        judging.clocks,
    ):
        step()
    return judging.verdict()


class _Judging:
    """The state of one judgement; causes maps (host, kind) to the line that explains consequences."""

    def __init__(self, readings: dict[str, dict[str, Any]], machines: Machines, limits: Thresholds, now: float) -> None:
        self.readings, self.machines, self.limits, self.now = readings, machines, limits, now
        self.lines: list[Line] = []
        self.areas: dict[str, str] = {}
        self.causes: dict[tuple[str, str], Line] = {}
        self.by_name = {machines.name(host): host for host in machines.nodes}
        # An API server that is well tells more than one that is not.
        known = [api for host in machines.control_plane if (api := self.cluster(host).get("api"))]
        known.sort(key=lambda api: bool(api["error"]))
        self.objects: dict[str, Any] | None = next((api["objects"] for api in known if api["objects"]), None)

    def machine(self, host: str) -> dict[str, Any]:
        return self.readings.get(host, {}).get("machine") or {}

    def cluster(self, host: str) -> dict[str, Any]:
        return self.readings.get(host, {}).get("cluster") or {}

    def add(self, subject: str, area: str, check: str, status: str, message: str, kind: str = "") -> Line:
        line = Line(subject, area, check, status, message)
        self.lines.append(line)
        if kind:
            self.causes.setdefault((subject, kind), line)
        return line

    def cause(self, host: str, *kinds: str) -> Line | None:
        """The line that explains a consequence on a host, looked for in the order of kinds."""
        return next((self.causes[host, kind] for kind in kinds if (host, kind) in self.causes), None)

    def any_cause(self, *kinds: str) -> Line | None:
        return next((line for (_, kind), line in self.causes.items() if kind in kinds), None)

    def fold(self, cause: Line | None, effect: str = "") -> bool:
        """Whether there is a cause; it takes the effect into its line."""
        if cause is not None and effect:
            cause.effects.append(effect)
        return cause is not None

    def young(self, created: float) -> bool:
        return self.now - created < self.limits.young_seconds

    # Causes

    def machines_answer(self) -> None:
        for host, reading in self.readings.items():
            area = NODES if host in self.machines.nodes else BALANCERS
            if host in self.machines.build_hosts and host not in self.machines.load_balancers:
                area = BUILDERS
            if reading.get("unreachable"):
                self.add(host, area, "machine", DEGRADED, f"does not answer: {reading['unreachable']}", "machine")
            elif reading.get("error"):
                self.add(host, area, "machine", DEGRADED, f"could not be read: {reading['error']}", "unread")

    def services(self) -> None:
        for host in self.readings:
            found = self.machine(host).get("services", {})
            bad = {name: service for name, service in found.items() if service["active"] not in ("active", "reloading")}
            for group, area in PARTS:
                names = [name for name in group if name in bad]
                if not names:
                    continue
                service = bad[names[0]]
                starts = service["active"] == "activating" and service["sub"] != "auto-restart"
                status = PROGRESSING if starts else MISSING if service["load"] == "not-found" else DEGRADED
                state = "not installed" if status == MISSING else "restarting" if starts else service["active"]
                if service["sub"] == "auto-restart":
                    state = f"failing again and again ({service['result']})"
                verb = "service is" if len(names) == 1 else "services are"
                kinds = [{NODES: "service", BALANCERS: "balancer"}.get(area, "builder")]
                line = self.add(host, area, ", ".join(names), status, f"{verb} {state}", kinds[0])
                self.causes.setdefault((host, names[0]), line)
        builders = [host for host in self.machines.build_hosts if host in self.readings]
        if builders:
            ill = {line.subject for line in self.lines if line.area == BUILDERS}
            self.areas[BUILDERS] = f"{len(builders) - len(ill)} of {len(builders)} run Docker"

    def certificates(self) -> None:
        total, first = 0, (float("inf"), "")
        for host in self.readings:
            found = self.machine(host).get("certificates", [])
            total += len(found)
            for entry in found:
                if entry["error"]:
                    self.add(host, CERTIFICATES, entry["path"], UNKNOWN, f"could not be read: {entry['error']}")
            dated = [entry for entry in found if entry["expires"] is not None]
            first = min([first, *((entry["expires"], f"{host} {entry['path']}") for entry in dated)])
            expired = [entry for entry in dated if entry["expires"] <= self.now]
            if expired:
                self._expired(host, expired)
            # The kubelet renews its own in time.
            renewed_by_hand = [entry for entry in dated if not entry["path"].startswith("/var/lib/kubelet/")]
            past = self.now
            for status, limit in (
                (DEGRADED, self.limits.certificate_degraded_days),
                (PROGRESSING, self.limits.certificate_days),
            ):
                until = self.now + limit * DAY
                soon = [entry for entry in renewed_by_hand if past < entry["expires"] <= until]
                past = max(past, until)
                if soon:
                    days = (min(entry["expires"] for entry in soon) - self.now) / DAY
                    text = f"expires in {days:.0f} days; renew with kubeadm certs renew"
                    self.add(host, CERTIFICATES, _names(soon), status, text)
        if total:
            self.areas[CERTIFICATES] = f"{total}, the next to expire is {first[1]} on {_date(first[0])}"

    def _expired(self, host: str, expired: list[dict[str, Any]]) -> None:
        when = _date(min(entry["expires"] for entry in expired))
        line = self.add(host, CERTIFICATES, _names(expired), DEGRADED, f"expired on {when}")
        for path in (entry["path"] for entry in expired):
            kind = "expired:node" if "/kubelet" in path else "expired:etcd" if "/pki/etcd/" in path else "expired:api"
            if "front-proxy" not in path:
                self.causes.setdefault((host, kind), line)

    def etcd(self) -> None:
        members: dict[str, dict[str, Any]] = {}
        working: list[str] = []
        looked = [host for host in self.machines.control_plane if self.cluster(host).get("etcd")]
        for host in looked:
            reading = self.cluster(host)["etcd"]
            if reading["error"]:
                self._etcd_down(host, reading)
                continue
            working.append(host)
            members.update({member["id"]: member for member in reading["members"]})
        if not looked:
            return
        names = {member["id"]: member["name"] or f"member {member['id']}" for member in members.values()}
        size = max(len(members), len(looked)) if not members else len(members)
        if working and len(working) < size // 2 + 1 and set(looked) >= set(self.machines.control_plane):
            for (_, kind), line in list(self.causes.items()):
                if kind == "etcd":
                    line.effects.append(f"no quorum: {len(working)} of {size} members work")
        self._etcd_members(working, members, names)
        largest = max((self.cluster(host)["etcd"]["status"] for host in working), key=lambda s: s["size"], default=None)
        if largest:
            self.areas[ETCD] = (
                f"{len(working)} of {size} members, {_bytes(largest['size'])} of {_bytes(largest['quota'])}, "
                f"leader {names.get(largest['leader'], 'none')}"
            )

    def _etcd_down(self, host: str, reading: dict[str, Any]) -> None:
        cause = self.cause(host, "expired:etcd", "machine", "containerd")
        if cause is not None:
            self.fold(cause, "etcd member does not answer")
            self.causes.setdefault((host, "etcd"), cause)
            return
        why = reading["error"] if reading["manifest"] else "/etc/kubernetes/manifests/etcd.yaml is missing"
        self.add(host, ETCD, "member", DEGRADED if reading["manifest"] else MISSING, f"does not work: {why}", "etcd")

    def _etcd_members(self, working: list[str], members: dict[str, dict[str, Any]], names: dict[str, str]) -> None:
        expected = {self.machines.name(host) for host in self.machines.control_plane}
        for member in members.values():
            name = names[member["id"]]
            if member["learner"]:
                self.add(name, ETCD, "member", PROGRESSING, "is a learner that has not caught up yet")
            elif not member["name"]:
                self.add(CLUSTER, ETCD, "member", PROGRESSING, f"{name} was added and has not started yet")
            elif name not in expected:
                self.add(name, ETCD, "member", DEGRADED, "is a member, but no control plane of the inventory")
        alarms = {(alarm["id"], alarm["alarm"]) for host in working for alarm in self.cluster(host)["etcd"]["alarms"]}
        for member_id, alarm in sorted(alarms):
            self.add(names.get(member_id, member_id), ETCD, "alarm", DEGRADED, f"raises {alarm}")
        for host in working:
            status = self.cluster(host)["etcd"]["status"]
            full = status["size"] * 100 > status["quota"] * self.limits.etcd_size_percent
            if full and not alarms:
                text = f"uses {_bytes(status['size'])} of {_bytes(status['quota'])}"
                self.add(host, ETCD, "database", DEGRADED, text)
            if status["leader"] in ("", "0") and not self.any_cause("etcd", "machine"):
                self.add(host, ETCD, "member", DEGRADED, "knows no leader", "etcd")

    def api_servers(self) -> None:
        looked = [host for host in self.machines.control_plane if self.cluster(host).get("api")]
        for host in looked:
            api = self.cluster(host)["api"]
            if not api["error"]:
                continue
            cause = self.cause(host, "machine", "expired:api", "etcd", "expired:etcd")
            if cause is None and api["failed"] and all(name.startswith("etcd") for name in api["failed"]):
                cause = self.any_cause("etcd", "machine")
            if cause is not None:
                self.fold(cause, "API server not ready" if api["failed"] else "API server could not be asked")
                self.causes.setdefault((host, "api"), cause)
                continue
            why = f"not ready: {', '.join(api['failed'])}" if api["failed"] else f"does not work: {api['error']}"
            self.add(host, CONTROL_PLANE, "kube-apiserver", DEGRADED, why, "api")
        good = sum(not self.cluster(host)["api"]["error"] for host in looked)
        self.areas[CONTROL_PLANE] = f"{good} of {len(self.machines.control_plane)} API servers ready"

    def balancers(self) -> None:
        looked = [host for host in self.machines.load_balancers if "haproxy" in self.machine(host)]
        up = total = 0
        for host in looked:
            stats = self.machine(host)["haproxy"]
            if stats["error"]:
                if not self.fold(self.cause(host, "machine", "haproxy")):
                    self.add(host, BALANCERS, "haproxy", DEGRADED, f"does not answer: {stats['error']}", "balancer")
                continue
            api = [server for server in stats["servers"] if server["backend"] == API_BACKEND]
            up, total = up + sum(_works(server) for server in api), total + len(api)
            for server in stats["servers"]:
                self._backend(host, server)
            there = {server["name"] for server in api}
            expected = [self.machines.name(control) for control in self.machines.control_plane]
            for name in expected if there & set(expected) else []:
                if name not in there:
                    self.add(host, BALANCERS, f"backend {name}", MISSING, "is not behind this load balancer")
        holders = [host for host in self.machines.load_balancers if self.machine(host).get("virtual_ip")]
        self._virtual_ip(holders)
        if looked:
            text = f"{up} of {total} backends up on {len(looked)}"
            held = f", {self.machines.virtual_ip} on {', '.join(holders) or 'none'}" if self.machines.virtual_ip else ""
            self.areas[BALANCERS] = text + held

    def _backend(self, host: str, server: dict[str, str]) -> None:
        if _works(server):
            return
        status, control = server["status"], self.by_name.get(server["name"], "")
        check = f"backend {server['name']}"
        if server["backend"] != API_BACKEND:
            check += f" of {server['backend']}"
        if status.startswith(("MAINT", "DRAIN")):
            self.add(host, BALANCERS, check, DEGRADED, f"is taken out of service by hand ({status})")
            return
        kinds: tuple[str, ...] = ("machine", "etcd", "expired:api", "expired:etcd", "api")
        if server["backend"] != API_BACKEND:
            kinds = ("machine", "service")
        if self.fold(self.cause(control, *kinds), f"backend down on {host}"):
            return
        rising = PROGRESSING if status.startswith("DOWN ") else DEGRADED
        self.add(host, BALANCERS, check, rising, f"is {status}: {server['check']}".rstrip(": "), "backend")

    def _virtual_ip(self, holders: list[str]) -> None:
        address, hosts = self.machines.virtual_ip, self.machines.load_balancers
        if not address:
            return
        if len(holders) > 1:
            self.add(CLUSTER, BALANCERS, address, DEGRADED, f"is held by {' and '.join(holders)} at once", "balancer")
        # One that could not be read may hold it; the probe of the endpoint tells whether somebody does.
        elif not holders and all(self.machine(host) for host in hosts):
            cause = self.any_cause("balancer", "backend", "api")
            if not self.fold(cause, f"nobody holds {address}"):
                self.add(CLUSTER, BALANCERS, address, DEGRADED, "is held by no load balancer", "balancer")

    # Consequences, and what the API server knows

    def no_endpoint(self) -> Line | None:
        """Why nobody reaches the API server through the load balancers, when none of them works."""
        hosts = self.machines.load_balancers
        lines = [self.cause(host, "machine", "balancer") for host in hosts]
        return lines[0] if lines and all(lines) else self.cause(CLUSTER, "balancer")

    def nodes(self) -> None:
        if self.objects is None:
            self.areas[NODES] = f"{len(self.machines.nodes)} in the inventory; no API server told more"
            return
        found = {entry["name"]: entry for entry in self.objects["nodes"]}
        for host in self.machines.nodes:
            name = self.machines.name(host)
            if name not in found:
                if not self.fold(self.cause(host, "machine", "service"), "not in the cluster"):
                    self.add(host, NODES, "node", MISSING, "is not in the cluster")
                continue
            self._node(host, found[name])
        for name, entry in found.items():
            if name not in self.by_name:
                status = UNKNOWN if _condition(entry, "Ready") == "True" else DEGRADED
                self.add(name, NODES, "node", status, "is in the cluster, but not in the inventory")
        ready = sum(_condition(entry, "Ready") == "True" for entry in found.values())
        self.areas[NODES] = f"{ready} of {len(found)} ready"

    def _node(self, host: str, entry: dict[str, Any]) -> None:
        if _condition(entry, "Ready") != "True":
            since = entry["conditions"].get("Ready", {}).get("since")
            effect = "node NotReady" + (f" since {_date(since)}" if since else "")
            if not self.fold(self.cause(host, *NODE_CAUSES) or self.no_endpoint(), effect):
                said = entry["conditions"].get("Ready", {}).get("message", "") or "its kubelet has not reported yet"
                status = PROGRESSING if self.young(entry["created"]) else DEGRADED
                self.add(host, NODES, "node", status, f"is NotReady: {said}", "node")
            return
        for kind in PRESSURES:
            if _condition(entry, kind) == "True":
                self.add(host, NODES, "node", DEGRADED, f"has {kind}: {entry['conditions'][kind]['message']}", kind)
        if entry["unschedulable"]:
            self.add(host, NODES, "node", SUSPENDED, "takes no new pods (cordoned)")

    def pods(self) -> None:
        if self.objects is None:
            return
        found = {(pod["node"], pod["component"]): pod for pod in self.objects["pods"]}
        known = {entry["name"] for entry in self.objects["nodes"]}
        ready = restarts = 0
        for host in self.machines.control_plane:
            cluster = self.cluster(host)
            for component in COMPONENTS:
                pod = found.get((self.machines.name(host), component))
                ready += bool(pod and pod["ready"])
                restarts += pod["restarts"] if pod else 0
                external = component == "etcd" and cluster and cluster.get("etcd") is None
                if external or self.machines.name(host) not in known or (pod and pod["ready"]):
                    continue
                area = ETCD if component == "etcd" else CONTROL_PLANE
                if self.fold(self.cause(host, *NODE_CAUSES, "node") or self.no_endpoint()):
                    continue
                if pod is None:
                    text = f"has no pod; look at /etc/kubernetes/manifests/{component}.yaml"
                    self.add(host, area, component, MISSING, text)
                else:
                    status = PROGRESSING if self.young(pod["created"]) else DEGRADED
                    self.add(host, area, component, status, f"is not ready: {pod['reason']}")
        self.areas[CONTROL_PLANE] += f", {ready} pods ready, restarted {restarts} times"

    def kube_proxy_and_dns(self) -> None:
        if self.objects is None:
            return
        broken = []
        for pod in self.objects["pods"]:
            host = self.by_name.get(pod["node"], pod["node"])
            cause = self.cause(host, *NODE_CAUSES, "node")
            if pod["ready"] and not self.cause(host, "machine"):
                continue
            if pod["component"] == "kube-proxy" and not self.fold(cause or self.no_endpoint()):
                status = PROGRESSING if self.young(pod["created"]) else DEGRADED
                self.add(host, SERVICE, "kube-proxy", status, f"is not ready: {pod['reason']}", "proxy")
            if pod["component"] == "kube-dns":
                broken.append((pod, cause or self.no_endpoint()))
        dns = self.objects["dns"]
        if dns is None:
            self.add(CLUSTER, DNS, "CoreDNS", MISSING, "has no deployment in kube-system", "dns")
            return
        self.areas[DNS] = f"{dns['ready']} of {dns['wanted']} CoreDNS pods ready"
        explained = next((cause for _, cause in broken if cause is not None), None)
        if dns["wanted"] and dns["ready"] >= dns["wanted"] and explained is None:
            return
        if explained is not None:
            self.causes[CLUSTER, "dns"] = explained
            self.fold(explained, "CoreDNS pods on it")
        elif not dns["ready"]:
            why = next((pod["reason"] for pod, _ in broken if pod["reason"]), "")
            young = any(self.young(pod["created"]) for pod, _ in broken)
            text = f"has no pod that is ready, {dns['wanted']} wanted" + (f": {why}" if why else "")
            self.add(CLUSTER, DNS, "CoreDNS", PROGRESSING if young else DEGRADED, text, "dns")
        else:
            text = f"has {dns['ready']} of {dns['wanted']} pods ready"
            young = any(self.young(pod["created"]) for pod, _ in broken) or not broken
            self.add(CLUSTER, DNS, "CoreDNS", PROGRESSING if young else DEGRADED, text, "dns")

    def probes(self) -> None:
        asked = {
            kind: [host for host in self.machines.nodes if kind in self.machine(host)]
            for kind in ("dns", "service", "endpoint")
        }
        bad = {kind: [h for h in hosts if not self.machine(h)[kind]["ok"]] for kind, hosts in asked.items()}
        explained = {
            "dns": self.cause(CLUSTER, "dns"),
            "service": self.any_cause("api"),
            "endpoint": self.no_endpoint() or self.any_cause("balancer", "backend", "api", "machine"),
        }
        kinds = ("machine", "service", "node", "proxy")
        for kind, area, check in (
            ("service", SERVICE, "kubernetes"),
            ("dns", DNS, "probe"),
            ("endpoint", BALANCERS, "endpoint"),
        ):
            hosts = [host for host in bad[kind] if not self.fold(self.cause(host, *kinds))]
            if kind == "dns":  # a node that reaches no Service does not reach this one either
                hosts = [host for host in hosts if not self.fold(self.cause(host, "unreached"), "nor DNS")]
            if asked[kind]:
                text = f"reached from {len(asked[kind]) - len(bad[kind])} of {len(asked[kind])} nodes"
                self.areas[area] = ", ".join(filter(None, (self.areas.get(area), f"{check} {text}")))
            if not hosts or self.fold(explained[kind], f"{area} {check} fails on {', '.join(hosts)}"):
                continue
            errors = {host: self.machine(host)[kind]["error"] for host in hosts}
            if len(hosts) == len(asked[kind]) and len(hosts) > 1:
                line = self.add(CLUSTER, area, check, DEGRADED, f"no node reaches it: {errors[hosts[0]]}")
            elif kind == "endpoint":
                text = f"{', '.join(hosts)} cannot reach it: {errors[hosts[0]]}"
                line = self.add(CLUSTER, area, check, DEGRADED, text)
            else:
                for host in hosts:
                    line = self.add(host, area, check, DEGRADED, f"cannot be reached from here: {errors[host]}")
                    self.causes.setdefault((host, "unreached"), line)
                continue
            for host in hosts if kind == "service" else []:
                self.causes.setdefault((host, "unreached"), line)

    def versions(self) -> None:
        servers = {
            host: api["version"]
            for host in self.machines.control_plane
            if (api := self.cluster(host).get("api")) and api["version"]
        }
        kubelets = {entry["name"]: entry["version"] for entry in (self.objects or {}).get("nodes", [])}
        if not servers:
            return
        runtimes = {entry["name"]: entry["runtime"] for entry in (self.objects or {}).get("nodes", [])}
        proxies = {
            pod["node"]: pod["version"]
            for pod in (self.objects or {}).get("pods", [])
            if pod["component"] == "kube-proxy" and _minor(pod["version"])
        }
        oldest, newest = min(map(_minor, servers.values())), max(map(_minor, servers.values()))
        self.areas[VERSIONS] = ", ".join(
            f"{what} {'/'.join(sorted(set(found.values())))}"
            for what, found in (
                ("API servers", servers),
                ("kubelets", kubelets),
                ("kube-proxies", proxies),
                ("runtimes", runtimes),
            )
            if found
        )
        bad = [
            f"{what} {name} {version}"
            for what, found in (("kubelet", kubelets), ("kube-proxy", proxies))
            for name, version in found.items()
            if not newest - KUBELET_SKEW <= _minor(version) <= oldest
        ]
        if bad or newest - oldest > 1:
            who = ", ".join(bad) or "API servers"
            self.add(CLUSTER, VERSIONS, "skew", DEGRADED, f"more apart than Kubernetes supports: {who}")
        elif len({*servers.values(), *kubelets.values(), *proxies.values()}) > 1 or len(set(runtimes.values())) > 1:
            self.add(CLUSTER, VERSIONS, "skew", PROGRESSING, f"an upgrade is not finished: {self.areas[VERSIONS]}")

    def space(self) -> None:
        least_disk = least_memory = (101.0, "")
        for host in self.readings:
            for disk in self.machine(host).get("disks", []):
                free = 100 * disk["free_mib"] / disk["total_mib"]
                least_disk = min(least_disk, (free, f"{host} {disk['path']}"))
                if free < self.limits.disk_free_percent:
                    text = f"{free:.0f} % free, {disk['free_mib']} MiB"
                    if not self.fold(self.cause(host, "DiskPressure"), f"{disk['path']} {text}"):
                        self.add(host, SPACE, f"disk {disk['path']}", DEGRADED, text)
            memory = self.machine(host).get("memory")
            if memory and memory["total_mib"]:
                free = 100 * memory["available_mib"] / memory["total_mib"]
                least_memory = min(least_memory, (free, host))
                if free < self.limits.memory_free_percent:
                    text = f"{free:.0f} % available, {memory['available_mib']} MiB"
                    if not self.fold(self.cause(host, "MemoryPressure"), text):
                        self.add(host, SPACE, "memory", DEGRADED, text)
        if least_disk[1]:
            self.areas[SPACE] = (
                f"least disk {least_disk[0]:.0f} % free on {least_disk[1]}, "
                f"least memory {least_memory[0]:.0f} % available on {least_memory[1]}"
            )

    def requests(self) -> None:
        waiting: dict[str, list[str]] = {}
        for request in (self.objects or {}).get("requests", []):
            if self.now - request["created"] > self.limits.request_seconds:
                waiting.setdefault(self.by_name.get(request["node"], request["node"]), []).append(request["name"])
        for host, names in waiting.items():
            text = f"its kubelet's serving certificate waits for approval: {', '.join(sorted(names)[:3])}"
            self.add(host, CERTIFICATES, "request", DEGRADED, text)

    def clocks(self) -> None:
        """How far clocks are off the controller's at least, whatever time the connection took."""
        off = {}
        for host in self.readings:
            machine = self.machine(host)
            if "asked" in machine:
                early, late = machine["time"] - machine["answered"], machine["time"] - machine["asked"]
                off[host] = max(early, 0.0) or min(late, 0.0)
        if not off:
            return
        self.areas[CLOCKS] = f"at most {max(map(abs, off.values())):.1f} s off"
        bad = {host: seconds for host, seconds in off.items() if abs(seconds) > self.limits.clock_seconds}
        if len(bad) > 1 and len(bad) == len(off) and len({seconds > 0 for seconds in bad.values()}) == 1:
            text = f"is {abs(min(bad.values(), key=abs)):.0f} s or more off the clocks of all machines"
            self.add("controller", CLOCKS, "clock", DEGRADED, text)
            return
        for host, seconds in bad.items():
            text = f"is {abs(seconds):.0f} s {'ahead' if seconds > 0 else 'behind'}"
            self.add(host, CLOCKS, "clock", DEGRADED, text)

    def verdict(self) -> Verdict:
        lines = sorted(self.lines, key=lambda line: STATUSES.index(line.status))
        ill = {line.area for line in lines}
        for area in AREAS:
            if area in self.areas and area not in ill:
                lines.append(Line(CLUSTER, area, "summary", HEALTHY, self.areas[area]))
        areas = {area: self.areas[area] for area in AREAS if area in self.areas}
        return Verdict(lines, areas, [host for host in self.machines.hosts if host not in self.readings])


def _works(server: dict[str, str]) -> bool:
    return server["status"].startswith(("UP", "no check"))


def _condition(entry: dict[str, Any], kind: str) -> str:
    return str(entry["conditions"].get(kind, {}).get("status", ""))


def _minor(version: str) -> int:
    """The minor version of v1.36.4, and 0 of what is none."""
    parts = version.lstrip("v").split(".")
    return int(parts[1]) if len(parts) > 1 and parts[1].isdigit() else 0


def _names(entries: Iterable[dict[str, Any]]) -> str:
    paths = sorted(entry["path"].replace("/etc/kubernetes/", "", 1) for entry in entries)
    return ", ".join(paths[:3]) + (f" and {len(paths) - 3} more" if len(paths) > 3 else "")


def _date(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(seconds))


def _bytes(count: int) -> str:
    for unit, size in (("GiB", 1 << 30), ("MiB", 1 << 20)):
        if count >= size:
            return f"{count / size:.1f}".removesuffix(".0") + f" {unit}"
    return f"{count / 1024:.0f} KiB"
