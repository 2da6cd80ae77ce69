# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""machine_facts, with the controller's time around the call: how far a machine's clock is off cannot be told without it."""

from __future__ import annotations

import time
from typing import Any

from ansible.plugins.action import ActionBase


class ActionModule(ActionBase):
    """Run the module and note when it was asked and when it answered."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        asked = time.time()
        result.update(self._execute_module(task_vars=task_vars))
        machine = (result.get("ansible_facts") or {}).get("kubestd_machine")
        if machine:
            machine["clock"].update(asked=asked, answered=time.time())
        return result
