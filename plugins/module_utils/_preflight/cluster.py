# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What preflight is told: the inventory, its variables after a look at their types, and what the machines have."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .finding import FAIL, INVENTORY, OK, WARN, Finding
from .networks import Address, address
from .spec import Problem, nearest, settle

#: What must be the same for all machines of a cluster.
SAME = (
    "cluster_name",
    "cluster_version",
    "cluster_endpoint",
    "cluster_api_port",
    "cluster_pod_cidr",
    "cluster_node_cidr_prefix",
    "cluster_service_cidr",
    "cluster_dns_domain",
    "cluster_kube_proxy",
    "cluster_load_balancer.mode",
    "cluster_load_balancer.virtual_ip",
    "cluster_load_balancer.virtual_router_id",
)


@dataclass(frozen=True)
class Machine:
    """A host of the inventory. facts: of machine_facts, None when it was not asked, as outside of --limit."""

    name: str
    given: Mapping[str, Any] = field(default_factory=dict)
    address: str = ""
    facts: Mapping[str, Any] | None = None
    reached: bool = True
    #: variable: why its template cannot be evaluated
    broken: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Inventory:
    """All that is known. specs: options of argument specs by role, `cluster` for those of the inventory. defaults: of all roles."""

    groups: Mapping[str, Sequence[str]]
    machines: Mapping[str, Machine]
    specs: Mapping[str, Mapping[str, Any]]
    defaults: Mapping[str, Any] = field(default_factory=dict)


def row(
    host: str,
    check: str,
    good: bool,
    found: object,
    wanted: str,
    option: str = "",
    recommended: str = "",
    otherwise: str = FAIL,
) -> Finding:
    """A finding that is OK when it is good, else of the level `otherwise`."""
    return Finding(host, check, OK if good else otherwise, str(found), wanted, option, recommended)


def role_of(name: str, specs: Mapping[str, Mapping[str, Any]]) -> str | None:
    """The role whose variables begin like this one: the longest name that fits."""
    fitting = [role for role in specs if name.startswith(f"{role}_")]
    return max(fitting, key=len) if fitting else None


class Cluster:
    """The inventory with every value settled, and short names for what the checks ask."""

    def __init__(self, inventory: Inventory) -> None:
        self.inventory = inventory
        self.machines = inventory.machines
        self.groups = inventory.groups
        self.values: dict[str, dict[str, Any]] = {}
        self.findings: list[Finding] = []
        seen: dict[str, tuple[dict[str, Any], list[Problem], list[Problem]]] = {}
        for name, machine in self.machines.items():
            key = json.dumps([machine.given, sorted(machine.broken)], sort_keys=True, default=str)
            if key not in seen:
                seen[key] = self.settle(machine)
            self.values[name], wrong, doubtful = seen[key]
            for level, problems in ((FAIL, wrong), (WARN, doubtful)):
                self.findings += [
                    Finding(name, "variables", level, problem.found, problem.wanted, problem.option)
                    for problem in problems
                ]
            self.findings += [
                Finding(name, "variables", FAIL, reason, "a template that can be evaluated", option)
                for option, reason in machine.broken.items()
            ]
            if not wrong and not machine.broken:
                self.findings.append(
                    Finding(name, "variables", OK, f"{len(machine.given)} variables", "known, of their type")
                )
        self.control = list(self.groups.get("control_plane", ()))
        self.workers = list(self.groups.get("workers", ()))
        self.nodes = list(dict.fromkeys(self.control + self.workers))
        first = next(iter(self.control or self.nodes or self.machines), None)
        self.cluster = self.values[first] if first in self.values else settle(inventory.specs["cluster"], {})[0]
        self.mode: str = self.cluster["cluster_load_balancer"]["mode"]
        self.dedicated = list(self.groups.get("load_balancers", ()))
        self.builders = list(self.groups.get("build_hosts", ()))
        self.balancers = {"dedicated": self.dedicated, "colocated": self.control}.get(self.mode, [])

    def settle(self, machine: Machine) -> tuple[dict[str, Any], list[Problem], list[Problem]]:
        """Values of a machine; what is wrong with them; what only looks wrong."""
        specs = self.inventory.specs
        own: dict[str, dict[str, Any]] = {role: {} for role in specs}
        doubtful = []
        for name, value in machine.given.items():
            role = role_of(name, specs)
            if role and (name in specs[role] or role == "cluster"):
                own[role][name] = value
            elif role:
                meant = nearest(name, specs[role])
                doubtful.append(Problem(name, "no role has such a variable", f"{meant}?" if meant else "another name"))
        # What cannot be evaluated is said already, and is not missing besides.
        required = dict.fromkeys(machine.broken)
        values: dict[str, Any] = {}
        wrong: list[Problem] = []
        for role, options in specs.items():
            settled, problems = settle(options, own[role], required=role == "cluster")
            wrong += [problem for problem in problems if problem.option.split(".")[0] not in required]
            values.update(settled if role == "cluster" else {name: settled[name] for name in own[role]})
        return values, wrong, doubtful

    def of(self, host: str, name: str, default: Any = None) -> Any:
        """A variable of a machine: as it is settled, else the default of its role when that is no template."""
        values = self.values.get(host, self.cluster)
        if name in values:
            return values[name]
        found = self.inventory.defaults.get(name, default)
        return default if isinstance(found, str) and "{{" in found else found

    def facts(self, hosts: Sequence[str]) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Those hosts that were asked, with what they said."""
        for host in hosts:
            machine = self.machines.get(host)
            if machine and machine.facts:
                yield host, machine.facts

    def node_ip_text(self, host: str) -> str:
        """cluster_node_ip as it is, or what it is by default."""
        return str(self.of(host, "cluster_node_ip") or self.machines[host].address or host)

    def node_ip(self, host: str) -> Address | None:
        """The address of a machine, None when it is a name."""
        return address(self.node_ip_text(host)) if host in self.machines else None

    def node_name(self, host: str) -> str:
        """What a machine is called in the cluster."""
        return str(self.of(host, "cluster_node_name") or host)

    def kind(self, host: str) -> str:
        """The group that says how large a machine must be."""
        if host in self.control:
            return "control_plane"
        if host in self.workers:
            return "workers"
        return "build_hosts" if host in self.builders and host not in self.balancers else "load_balancers"

    def only_builds(self, host: str) -> bool:
        """Whether a machine builds images and has no part in the cluster."""
        return host in self.builders and host not in {*self.nodes, *self.balancers}

    def runs(self) -> bool:
        """Whether there is a cluster already: a control plane that was asked has an API server."""
        return any(facts.get("installed", {}).get("kube-apiserver") for _, facts in self.facts(self.control))

    def endpoint(self) -> tuple[str, int]:
        """Host and port that clients use; the host is empty when it is not set."""
        wanted = self.cluster["cluster_endpoint"] or {}
        return str(wanted.get("host") or ""), int(wanted.get("port") or 6443)

    def differences(self) -> Iterator[Finding]:
        """Variables of the cluster that machines disagree on."""
        for path in SAME:
            name, _, key = path.partition(".")
            hosts: dict[str, list[str]] = {}
            for host, values in self.values.items():
                value = values[name][key] if key else values[name]
                if isinstance(value, Mapping):
                    value = " ".join(str(part) for part in value.values())
                hosts.setdefault(str(value), []).append(host)
            found = "; ".join(f"{value} on {', '.join(who)}" for value, who in hosts.items())
            good = len(hosts) <= 1
            yield row(INVENTORY, "same", good, "one value" if good else found, "one value for all machines", path)
