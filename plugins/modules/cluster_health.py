#!/usr/bin/python
# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cluster_health
short_description: How the cluster is, seen from a control plane
version_added: 0.1.0
author:
  - kubestd.platform contributors (@kubestd)
description:
  - Asks the API server and the etcd member of the control plane it runs on, with the credentials kubeadm left there.
    Nodes, system pods, CoreDNS and pending certificate requests come from the API server.
  - Judges nothing; M(kubestd.platform.health_report) does, over the readings of all control planes.
options:
  api_port:
    description: Port of the API server on this machine.
    type: int
    default: 6443
attributes:
  check_mode:
    support: full
    description: Reads only.
  diff_mode:
    support: none
    description: Changes nothing.
"""

EXAMPLES = r"""
- name: Read the cluster
  kubestd.platform.cluster_health:
  register: reading
"""

RETURN = r"""
cluster:
  description: What was read; C(etcd) is V(null) when kubeadm does not run it here, C(api.objects) when the API server
    gave none.
  returned: always
  type: dict
  sample:
    api:
      error: ""
      failed: []
      version: v1.36.4
      objects: {nodes: [], pods: [], requests: [], dns: {wanted: 2, ready: 2}}
    etcd:
      error: ""
      manifest: true
      members: [{id: "9905636387530951", name: cp1, learner: false}]
      alarms: []
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._cluster_health.cluster import read_cluster
from ..module_utils._errors import KubestdError


def main() -> None:
    module = AnsibleModule(argument_spec={"api_port": {"type": "int", "default": 6443}}, supports_check_mode=True)
    try:
        reading = read_cluster(module.params["api_port"])
    except KubestdError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, cluster=reading)


if __name__ == "__main__":
    main()
