# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""node_health, with the controller's time around the call, which the judge compares clocks by."""

from __future__ import annotations

import time
from typing import Any

from ansible.plugins.action import ActionBase


class ActionModule(ActionBase):
    """Run the module; note in its reading when it was asked and when it answered."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        times = {"asked": time.time()}
        result.update(self._execute_module(task_vars=task_vars))
        times["answered"] = time.time()
        if "machine" in result:
            result["machine"].update(times)
        return result
