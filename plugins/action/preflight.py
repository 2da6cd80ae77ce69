# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""preflight: the inventory and what all machines have, judged together on the controller."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.module_utils.common.yaml import yaml_load
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ..module_utils._preflight.cluster import Inventory, Machine
from ..module_utils._preflight.finding import FAIL, OK, counted, options_of, report, summary, table
from ..module_utils._preflight.machines import evaluate

ROLES = Path(__file__).parents[2] / "roles"


def read(path: Path) -> Any:
    """A YAML file of a role, by libyaml where Python has it: seven times faster, and there are many roles."""
    return yaml_load(path.read_text(encoding="utf-8"))


def specs() -> tuple[dict[str, Any], dict[str, Any]]:
    """Options by role (`cluster` for the inventory's own), and the defaults of all roles."""
    options: dict[str, Any] = {}
    defaults: dict[str, Any] = {}
    for folder in sorted(ROLES.iterdir()):
        if (folder / "meta/argument_specs.yml").exists():
            entries = read(folder / "meta/argument_specs.yml")["argument_specs"]
            options[folder.name] = entries["main"].get("options") or {}
            if folder.name == "preflight":
                options["cluster"] = entries["inventory"]["options"]
            for path in sorted((folder / "defaults").rglob("*.yml")):
                defaults.update(read(path) or {})
    return options, defaults


def plain(value: Any) -> Any:
    """A value without what Ansible notes on it."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    for kind in (bool, int, float, str):
        if isinstance(value, kind):
            return kind(value)
    return value


def machine(name: str, values: Any, prefixes: tuple[str, ...], asked: bool, lost: bool) -> Machine:
    """What the inventory says of a host, and what the host says of itself. asked: it is in this run; lost: and did not answer."""
    given, broken = {}, {}
    for key in values:
        if key.startswith(prefixes):
            try:
                given[key] = plain(values[key])
            except AnsibleError as error:
                broken[key] = str(error).splitlines()[0]
    try:
        address = str(values.get("ansible_host") or name)
    except AnsibleError as error:
        address, broken["ansible_host"] = name, str(error).splitlines()[0]
    facts = plain((values.get("ansible_facts") or {}).get("kubestd_machine")) if asked else None
    return Machine(name, given, address, facts, reached=not lost, broken=broken)


class ActionModule(ActionBase):
    """Runs on the controller only."""

    TRANSFERS_FILES = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        task_vars = task_vars or {}
        options, defaults = specs()
        hostvars, groups = task_vars["hostvars"], task_vars["groups"]
        prefixes = tuple(f"{role}_" for role in options)
        asked = set(task_vars["ansible_play_hosts"])
        lost = set(task_vars["ansible_play_hosts_all"]) - asked
        parts = {
            name: list(groups.get(name, []))
            for name in ("load_balancers", "control_plane", "workers", "build_hosts", "machines")
        }
        machines = {
            host: machine(host, hostvars[host], prefixes, host in asked, host in lost) for host in parts["machines"]
        }
        findings = evaluate(Inventory(parts, machines, options, defaults))
        counts = counted(findings)
        display = Display()
        width = max(120, min(shutil.get_terminal_size((140, 24)).columns, 200)) if os.isatty(1) else 140
        shown = findings if self._task.args.get("verbose") else [finding for finding in findings if finding.level != OK]
        text = [table(shown, parts, width), ""] if shown else []
        display.display("\n".join(["", *text, summary(findings), ""]))
        path = self._task.args.get("report")
        if path:
            try:
                Path(path).expanduser().write_text(json.dumps(report(findings), indent=2) + "\n", encoding="utf-8")
            except OSError as error:
                raise AnsibleActionFail(f"Cannot write the report: {error}. Look at preflight_report.") from error
        # It does not fail by itself: a failed task shows its whole result, and the table would drown in it.
        problem = ""
        if counts[FAIL]:
            problem = (
                f"{counts[FAIL]} checks failed and nothing was changed; the table above says what to write."
                f" Look at: {', '.join(options_of(findings))}."
            )
        result.update(changed=False, problem=problem, **report(findings))
        return result
