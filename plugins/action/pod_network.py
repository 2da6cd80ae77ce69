# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""pod_network: what is on the nodes and in the cluster, against what the inventory wants; on the controller, for all hosts at once."""

from __future__ import annotations

import json
from typing import Any

from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase

from ..module_utils._errors import KubestdError
from ..module_utils._kube import KubeError
from ..module_utils._kubeconfig import NoAccess, access
from ..module_utils._pod_network.cluster import ask
from ..module_utils._pod_network.plan import Found, Wanted, make_plan


class ActionModule(ActionBase):
    """Runs on the controller only."""

    TRANSFERS_FILES = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        options = json.loads(json.dumps(self._task.args))
        found = Found(nodes=options.get("nodes") or {})
        try:
            if options.get("kubeconfig") or options.get("kubeconfig_content"):
                found = ask(access(options).client(), found)
        except KubestdError as error:
            # Before there is a cluster nothing answers; with nodes that have a network, what they say is enough.
            if not isinstance(error, NoAccess) and not (isinstance(error, KubeError) and error.status == 0):
                result.update(failed=True, msg=str(error))
                return result
        wanted = Wanted(str(options["implementation"]), boolean(options.get("kube_proxy", True)))
        plan = make_plan(wanted, found)
        result.update(changed=False, networks=plan.networks, kube_proxy=found.kube_proxy)
        if plan.refusal:
            result.update(failed=True, msg=plan.refusal)
        return result
