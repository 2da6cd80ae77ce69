# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""architecture: what all systems have said about themselves, drawn together, on the controller."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ..module_utils._architecture.drawing import picture
from ..module_utils._architecture.links import links
from ..module_utils._architecture.page import page

MACHINES = ("load_balancers", "control_plane", "workers", "build_hosts")


class ActionModule(ActionBase):
    """Runs on the controller only."""

    TRANSFERS_FILES = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        task_vars = task_vars or {}
        path = Path(os.path.abspath(os.path.expanduser(str(self._task.args["path"]))))
        title = str(self._task.args.get("title") or "The platform")
        if path.suffix not in (".svg", ".html"):
            raise AnsibleActionFail(f"path is {path.name}; write a name that ends with .svg or .html.")
        groups, hostvars = task_vars["groups"], task_vars["hostvars"]
        layers = {
            group.removeprefix("platform_"): [host for host in hosts if hostvars[host].get("component_description")]
            for group, hosts in groups.items()
            if group.startswith("platform_")
        }
        said = {host: hostvars[host]["component_description"] for hosts in layers.values() for host in hosts}
        if not said:
            raise AnsibleActionFail(
                "No system has described itself; run playbooks/architecture.yml with hosts in the group platform."
            )
        found = links(said)
        drawn = picture(title, layers, said, found, {name: groups.get(name, []) for name in MACHINES})
        text = drawn if path.suffix == ".svg" else page(title, drawn, layers, said, found)
        result["changed"] = not path.exists() or path.read_text(encoding="utf-8") != text
        if result["changed"] and not self._task.check_mode:
            path.write_text(text, encoding="utf-8")
        result.update(path=str(path), links=[vars(link) for link in found])
        return result
