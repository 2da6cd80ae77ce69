#!/usr/bin/python
# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: node_metadata
short_description: Labels and taints of nodes are as described, and the nodes are ready
version_added: 0.1.0
author:
  - kubestd.platform contributors (@kubestd)
description:
  - Runs on a control plane, for all nodes in one request when there is nothing to do.
  - Labels and taints that an earlier run set and that are no longer in O(nodes) leave the node; those of others are left alone.
    What was set is noted in the annotation C(kubestd.platform/managed).
options:
  nodes:
    description: Nodes by name. Free-form, since the names are its keys; each has C(labels), a dictionary,
      C(taints), a list of C(key), C(value) and C(effect), and C(schedulable) for a control plane, which says whether the taint of control planes is off.
      That taint is left alone where C(schedulable) is not given.
    type: dict
    required: true
  wait:
    description: Wait until all of them are Ready.
    type: bool
    default: true
  port:
    description: TCP port of the API server on this machine.
    type: int
    default: 6443
  timeout:
    description: Seconds to wait.
    type: float
    default: 300
attributes:
  check_mode:
    support: full
    description: Reports what would change; does not wait.
  diff_mode:
    support: full
    description: Shows labels and taints before and after.
"""

EXAMPLES = r"""
- name: Label and taint the nodes
  kubestd.platform.node_metadata:
    nodes:
      w1:
        labels: {topology.kubernetes.io/zone: a}
        taints: [{key: dedicated, value: ceph, effect: NoSchedule}]
"""

RETURN = r"""
changed_nodes:
  description: Names of the nodes that were changed, or would be.
  returned: always
  type: list
  elements: str
  sample: [w1]
"""

import os

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._errors import KubestdError
from ..module_utils._kube import admin_client
from ..module_utils._nodes.cluster import CA, settle, wait_until_ready


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "nodes": {"type": "dict", "required": True},
            "wait": {"type": "bool", "default": True},
            "port": {"type": "int", "default": 6443},
            "timeout": {"type": "float", "default": 300},
        },
        supports_check_mode=True,
    )
    options = module.params
    if module.check_mode and not os.path.exists(CA):
        module.exit_json(changed=True, changed_nodes=sorted(options["nodes"]))
    try:
        client = admin_client(f"https://127.0.0.1:{options['port']}", retry_for=30)
        plans = settle(client, options["nodes"], module.check_mode)
        if options["wait"] and not module.check_mode:
            wait_until_ready(client, list(options["nodes"]), options["timeout"])
    except KubestdError as error:
        module.fail_json(msg=str(error))
    diff = [
        {"before_header": name, "after_header": name, "before": plan.before, "after": plan.after}
        for name, plan in sorted(plans.items())
    ]
    module.exit_json(changed=bool(plans), changed_nodes=sorted(plans), diff=diff)


if __name__ == "__main__":
    main()
