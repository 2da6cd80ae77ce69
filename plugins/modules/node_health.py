#!/usr/bin/python
# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: node_health
short_description: How a machine of the cluster is
version_added: 0.1.0
author:
  - kubestd.platform contributors (@kubestd)
description:
  - Reads services, certificates, disks, memory and, where asked for, what HAProxy says of its servers; asks the
    cluster's DNS, the Service of the API server and the cluster's endpoint from where the machine stands.
  - Judges nothing; M(kubestd.platform.health_report) does, over the readings of all machines.
options:
  services:
    description: systemd services to look at, without suffix.
    type: list
    elements: str
    default: []
  service_cidr:
    description:
      - Addresses of Services. The cluster's DNS has the tenth of them, the Service C(kubernetes) the first (kubeadm, kube-apiserver).
      - They are not asked when it is empty.
    type: str
    default: ""
  dns_domain:
    description: The cluster's DNS domain.
    type: str
    default: cluster.local
  endpoint:
    description: Host and port of the cluster's endpoint to ask; not asked when empty.
    type: str
    default: ""
  haproxy_socket:
    description: Path of HAProxy's socket; not asked when empty.
    type: str
    default: ""
  virtual_ip:
    description: Say whether the machine holds this address.
    type: str
    default: ""
attributes:
  check_mode:
    support: full
    description: Reads only.
  diff_mode:
    support: none
    description: Changes nothing.
"""

EXAMPLES = r"""
- name: Read a worker
  kubestd.platform.node_health:
    services: [containerd, kubelet]
    service_cidr: 10.96.0.0/16
  register: reading
"""

RETURN = r"""
machine:
  description: What was read; keys of probes that were not asked for are missing.
  returned: always
  type: dict
  sample:
    services: {kubelet: {load: loaded, active: active, sub: running, result: success}}
    certificates: [{path: /etc/kubernetes/pki/ca.crt, expires: 2110000000.0, error: ""}]
    disks: [{path: /, free_mib: 50000, total_mib: 250000}]
    memory: {available_mib: 3000, total_mib: 4000}
    dns: {ok: true, error: ""}
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._cluster_health.machine import read_machine
from ..module_utils._errors import KubestdError


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "services": {"type": "list", "elements": "str", "default": []},
            "service_cidr": {"type": "str", "default": ""},
            "dns_domain": {"type": "str", "default": "cluster.local"},
            "endpoint": {"type": "str", "default": ""},
            "haproxy_socket": {"type": "str", "default": ""},
            "virtual_ip": {"type": "str", "default": ""},
        },
        supports_check_mode=True,
    )
    try:
        reading = read_machine(module.params)
    except KubestdError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, machine=reading)


if __name__ == "__main__":
    main()
