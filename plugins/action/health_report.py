# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""health_report: what all machines of the play have said, judged together, as a table and as JSON."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ..module_utils._cluster_health.judge import HEALTHY, Line, Machines, Thresholds, Verdict, judge
from ..module_utils._report.page import page, worst


def reading(own: Mapping[str, Any], machine: str, cluster: str) -> dict[str, Any]:
    """The registered results of one host, as the judge takes them."""
    result: dict[str, Any] = {}
    for key, name in (("machine", machine), ("cluster", cluster)):
        said = own.get(name) or {}
        if said.get("unreachable"):
            return {"unreachable": str(said.get("msg", "no connection")).strip().splitlines()[-1]}
        if key in said:
            result[key] = said[key]
        elif said and not said.get("skipped"):
            result["error"] = str(said.get("msg", "the module failed")).strip().splitlines()[-1]
    return result


def machines_of(
    groups: Mapping[str, list[str]], balancer: Mapping[str, Any], endpoint: str, names: dict[str, str]
) -> Machines:
    """The inventory's machines by their part; with an external load balancer nobody of them balances."""
    control = tuple(groups.get("control_plane", []))
    mode = balancer.get("mode") or "dedicated"
    balancers = {"dedicated": tuple(groups.get("load_balancers", [])), "colocated": control}.get(mode, ())
    virtual_ip = str(balancer.get("virtual_ip") or "") if balancers else ""
    builders = tuple(groups.get("build_hosts", []))
    return Machines(control, tuple(groups.get("workers", [])), balancers, names, virtual_ip, endpoint, builders)


def table(verdict: Verdict) -> list[str]:
    """Problems first, then a line for each area."""
    rows = [("STATUS", "WHERE", "WHAT", "")]
    for line in verdict.problems:
        shown = line.as_dict()
        rows.append((shown["status"], shown["subject"], shown["check"], shown["message"]))
    if len(rows) == 1:
        rows = []
    sizes = [max(len(row[number]) for row in rows) for number in range(3)] if rows else []
    text = ["  ".join([*(cell.ljust(size) for cell, size in zip(row, sizes)), row[3]]).rstrip() for row in rows]
    width = max((len(area) for area in verdict.areas), default=0)
    text += ["", *(f"{area.ljust(width)}  {said}" for area, said in verdict.areas.items())]
    if verdict.not_looked_at:
        text += ["", f"Not looked at: {', '.join(verdict.not_looked_at)}"]
    return text


class ActionModule(ActionBase):
    """Runs on the controller only."""

    TRANSFERS_FILES = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        task_vars = task_vars or {}
        options = self._task.args
        hostvars, groups = task_vars["hostvars"], task_vars["groups"]
        own = {host: hostvars[host] for host in groups.get("machines", [])}
        names = {host: str(values.get("cluster_node_name", host)) for host, values in own.items()}
        machines = machines_of(groups, options.get("load_balancer") or {}, str(options.get("endpoint") or ""), names)
        try:
            limits = Thresholds(**{key: float(value) for key, value in (options.get("thresholds") or {}).items()})
        except (TypeError, ValueError) as error:
            raise AnsibleActionFail(
                f"thresholds: {error}; known are {', '.join(Thresholds.__annotations__)}"
            ) from error
        here = [host for host in task_vars["ansible_play_hosts_all"] if host in own]
        asked = {host: reading(own[host], options["machine"], options["cluster"]) for host in here}
        verdict = (
            judge({host: said for host, said in asked.items() if said}, machines, limits)
            if own
            else Verdict([], {}, [])
        )
        systems = systems_of(groups, hostvars)
        Display().display("\n".join(["", *table(verdict), *system_table(systems), ""]))
        report = {
            "overall": worst([*([verdict.overall] if own else []), *(one["status"] for one in systems)]),
            "lines": [line.as_dict() for line in verdict.lines],
            "areas": verdict.areas,
            "systems": systems,
            "not_looked_at": verdict.not_looked_at,
        }
        when = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime())
        title = str(options.get("title") or "Platform health")
        texts = {"path": json.dumps(report, indent=2) + "\n", "html": page(report, title, when)}
        for option, text in texts.items():
            if options.get(option):
                result[option] = os.path.abspath(os.path.expanduser(options[option]))
                with open(result[option], "w", encoding="utf-8") as handle:
                    handle.write(text)
        result.update(changed=False, **report)
        bad = [one for one in systems if one["status"] in ("Degraded", "Missing")]
        if verdict.failed or bad:
            result.update(
                failed=True, msg=first(verdict.problems) if verdict.failed else f"{bad[0]['name']}: {bad[0]['message']}"
            )
        return result


# in the order in which playbooks/platform.yml sets them up
LAYERS = ("foundation", "network", "storage", "identity", "delivery", "observability", "data", "runtime")


def systems_of(groups: Mapping[str, Any], hostvars: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What the systems of the platform have said in this run, with their layers, in the order of these."""
    layers = {
        host: group.removeprefix("platform_")
        for group, hosts in groups.items()
        if group.startswith("platform_")
        for host in hosts
    }
    hosts = sorted(
        groups.get("platform", []),
        key=lambda host: LAYERS.index(layers[host]) if layers.get(host) in LAYERS else len(LAYERS),
    )
    said = {host: hostvars[host].get("component_health") for host in hosts}
    return json.loads(
        json.dumps([{**found, "layer": layers.get(host, "platform")} for host, found in said.items() if found])
    )  # type: ignore[no-any-return]


def system_table(systems: list[dict[str, Any]]) -> list[str]:
    """A line for each system."""
    if not systems:
        return []
    rows = [
        (
            one["status"],
            one["name"],
            one["layer"],
            ", ".join(
                f"{release['name']} {release['chart_version']} r{release['revision']}" for release in one["releases"]
            ),
            "" if one["passed"] else str(one["message"]),
        )
        for one in systems
    ]
    sizes = [max(len(row[number]) for row in rows) for number in range(4)]
    return ["", *("  ".join([*(cell.ljust(size) for cell, size in zip(row, sizes)), row[4]]).rstrip() for row in rows)]


def first(problems: list[Line]) -> str:
    """One sentence about what is wrong."""
    worst = [line for line in problems if line.status != HEALTHY]
    shown = worst[0].as_dict()
    more = f" (and {len(worst) - 1} more)" if len(worst) > 1 else ""
    return f"{shown['subject']}: {shown['check']}: {shown['message']}{more}"
