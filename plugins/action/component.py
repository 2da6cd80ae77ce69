# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""component: one verb on the record of one system, carried out on the controller, with a line of progress for each step."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ..module_utils._component.describe import describe
from ..module_utils._component.progress import step
from ..module_utils._component.record import parse
from ..module_utils._component.run import Component, Unhealthy
from ..module_utils._errors import KubestdError
from ..module_utils._kube import KubeError
from ..module_utils._kubeconfig import NoAccess, access
from ..module_utils._report.page import worst

VERBS = ("release", "plan", "health", "remove", "describe", "bundle", "hand_over")


def blocked_by(needs: list[str], task_vars: Mapping[str, Any]) -> list[str]:
    """Needs that failed in this run, in this layer or in an earlier one."""
    hosts = task_vars["hostvars"]
    return [need for need in needs if need in hosts and hosts[need].get("component_failed")]


class ActionModule(ActionBase):
    """Runs on the controller only."""

    TRANSFERS_FILES = False
    _supports_check_mode = True
    _supports_diff = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        task_vars = task_vars or {}
        # plain texts, without what Ansible attaches to them
        options = json.loads(json.dumps(self._task.args))
        verb = options.get("action", "release")
        if verb not in VERBS:
            raise AnsibleActionFail(f"action is {verb!r}; write one of {', '.join(VERBS)}.")
        started = time.monotonic()
        check_mode = bool(self._task.check_mode) or verb == "plan"
        name = str((options.get("record") or {}).get("name") or "component")
        # the callback knows systems by their names in the inventory
        host = str(task_vars.get("inventory_hostname") or name)

        def say(text: str) -> None:
            Display().display(step(host, text, time.monotonic() - started))

        try:
            record = parse(options["record"])
            if verb == "describe":
                result.update(message="described", ansible_facts={"component_description": describe(record)})
                return result
            if verb == "bundle":
                raise KubestdError("a bundle cannot be made yet.")
            blocked = blocked_by(record.needs, task_vars) if verb in ("release", "plan") else []
            if blocked:
                result["blocked_by"] = blocked
                raise KubestdError(f"blocked by {', '.join(blocked)}, which was not released in this run.")
            settings = {name: options.get(name) for name in ("mirror", "registry", "helm", "cosign", "drift", "pins")}
            settings["timeout"] = options.get("timeout") or 600
            settings["take_back"] = boolean(options.get("take_back", False))
            made = Component(record, access(dict(options)), settings, check_mode, bool(self._task.diff), say)
            result.update(self.carry_out(made, verb, options))
        except Unhealthy as error:
            result.update(error.result)
            result.update(failed=True, msg=f"{name}: {error}")
        except KubestdError as error:
            if check_mode and (isinstance(error, NoAccess) or (isinstance(error, KubeError) and error.status == 0)):
                # --check of a whole site before there is a cluster
                result.update(changed=verb != "health", message=f"would be released once the cluster answers ({error})")
            else:
                result.update(
                    failed=True, changed=False, msg=f"{name}: {error}", seconds=round(time.monotonic() - started, 1)
                )
        if verb == "health":
            words = [check["status"] for check in result.get("checks", [])]
            status = worst(words) if words or result.get("passed") else "Unknown"
            kept = {key: result.get(key) for key in ("checks", "releases", "message", "passed", "seconds", "owner")}
            result["ansible_facts"] = {"component_health": {**kept, "name": name, "status": status}}
        return result

    @staticmethod
    def carry_out(made: Component, verb: str, options: Mapping[str, Any]) -> dict[str, Any]:
        """The result of a verb."""
        if verb == "remove":
            return made.remove(boolean(options.get("remove_data", False)))
        if verb == "hand_over":
            return made.hand_over(options.get("hand_over") or {})
        return made.health() if verb == "health" else made.release()
