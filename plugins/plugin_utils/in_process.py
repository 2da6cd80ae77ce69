# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Modules that run inside Ansible's own process when they would run on this machine anyway: starting Python costs more than they do.

Only the process is saved. The module's main() runs as it does elsewhere, so that arguments are checked, secrets are
masked and results are made in one place. ansible.netcommon runs its modules in this way too (import_modules).
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
from types import ModuleType
from typing import Any

from ansible import constants
from ansible.module_utils import basic
from ansible.plugins.action import ActionBase
from ansible.plugins.action.normal import ActionModule as Normal
from ansible.utils.display import Display

AUTOMATIC = ("", "auto", "auto_silent", "auto_legacy", "auto_legacy_silent")


def answer(module: ModuleType, arguments: str) -> dict[str, Any]:
    """What a module says to arguments in JSON."""
    said = io.StringIO()
    basic._ANSIBLE_ARGS, basic._ANSIBLE_PROFILE = arguments.encode(), "legacy"
    with contextlib.redirect_stdout(said), contextlib.suppress(SystemExit):
        module.main()
    result: dict[str, Any] = json.loads(said.getvalue())
    return result


class InProcess(Normal):
    """A module of the collection; anything but a plain local task is left to Ansible."""

    module: ModuleType

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        task_vars = task_vars or {}
        arguments = self._arguments(task_vars) if self._would_run_here(task_vars) else None
        if arguments is None:
            return dict(super().run(tmp, task_vars))
        Display().vvv(f"Running module {self._task.action} in this process", host=task_vars.get("inventory_hostname"))
        result: dict[str, Any] = ActionBase.run(self, tmp, task_vars)
        # Ansible starts a local module in the playbook's folder
        with contextlib.chdir(self._loader.get_basedir()):
            result.update(answer(self.module, arguments))
        return result

    def _would_run_here(self, task_vars: dict[str, Any]) -> bool:
        """Whether Ansible would start this very Python on this machine, as this user, and wait for it."""
        if self._connection.transport != "local" or self._connection.become or self._task.async_val:
            return False
        environment: dict[str, str] = {}
        self._compute_environment_string(environment)
        name = self._task.delegate_to
        of_host = task_vars["ansible_delegated_vars"][name] if name else task_vars
        wanted = constants.config.get_config_value("INTERPRETER_PYTHON", variables=of_host)
        return not environment and self._templar.template(wanted or "") in (*AUTOMATIC, sys.executable)

    def _arguments(self, task_vars: dict[str, Any]) -> str | None:
        """What Ansible would send to the module; None when plain JSON cannot say it."""
        arguments = dict(self._task.args)
        self._update_module_args(self._task.action, arguments, task_vars)
        try:
            return json.dumps({"ANSIBLE_MODULE_ARGS": arguments})
        except TypeError:
            return None
