#!/usr/bin/python
# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: node_info
short_description: What the cluster knows of this node
version_added: 0.1.0
author:
  - kubestd.platform contributors (@kubestd)
description:
  - Reads the Node object of the machine it runs on, with the credentials of its kubelet, in one request.
options:
  name:
    description: Name of the node in the cluster.
    type: str
    required: true
  wait_for_pod_cidr:
    description: Wait until the cluster has given the node its pod CIDR.
    type: bool
    default: false
  timeout:
    description: Seconds to wait.
    type: float
    default: 60
attributes:
  check_mode:
    support: full
    description: Reads only; does not wait in check mode.
  diff_mode:
    support: none
    description: Changes nothing.
"""

EXAMPLES = r"""
- name: Read the pod CIDR of the node
  kubestd.platform.node_info:
    name: w1
    wait_for_pod_cidr: true
  register: node
"""

RETURN = r"""
joined:
  description: Whether the machine belongs to a cluster.
  returned: always
  type: bool
  sample: true
pod_cidr:
  description: Addresses of the node's pods, V(null) when it has none yet.
  returned: always
  type: str
  sample: 10.244.3.0/24
ready:
  description: Whether the node is Ready.
  returned: always
  type: bool
  sample: true
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._errors import KubestdError
from ..module_utils._nodes.cluster import kubelet_client, own_node
from ..module_utils._nodes.plan import is_ready


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "wait_for_pod_cidr": {"type": "bool", "default": False},
            "timeout": {"type": "float", "default": 60},
        },
        supports_check_mode=True,
    )
    options = module.params
    try:
        client = kubelet_client()
        if client is None and not module.check_mode:
            raise KubestdError(f"{options['name']} has not joined a cluster; run the role kubeadm_cluster first.")
        waiting = options["wait_for_pod_cidr"] and not module.check_mode
        node = (
            own_node(client, options["name"], waiting, 0 if module.check_mode else options["timeout"]) if client else {}
        )
    except KubestdError as error:
        module.fail_json(msg=str(error))
    pod_cidr = node.get("spec", {}).get("podCIDR")
    module.exit_json(changed=False, joined=client is not None, pod_cidr=pod_cidr, ready=is_ready(node)[0])


if __name__ == "__main__":
    main()
