#!/usr/bin/python
# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: kubeadm_credentials
short_description: Short-lived credentials with which nodes join a cluster
version_added: 0.1.0
author:
  - kubestd.platform contributors (@kubestd)
description:
  - Makes a bootstrap token and, if asked, uploads the certificates that control planes share, encrypted with a key that kubeadm makes.
  - Runs on a control plane that is up. The token is made through its API server, the key is read from kubeadm's
    output; neither stands in a command line or in a file.
  - The result holds secrets. Set C(no_log=true) on the task, and hand RV(credentials) to M(kubestd.platform.kubeadm) without storing it.
options:
  ttl:
    description: How long the token is good for, from V(1m) to V(24h).
    type: str
    default: 30m
  certificate_key:
    description: Whether a control plane is among those that join. kubeadm removes the encrypted certificates after two hours.
    type: bool
    default: false
  joining:
    description:
      - Names of nodes that are about to join and have nothing of this cluster on their disks.
      - An etcd member or a Node that the cluster still holds under such a name, from an interrupted join or a machine that was replaced, is removed first.
    type: list
    elements: str
    default: []
  node_name:
    description: Name of the control plane that the task runs on. By default its host name.
    type: str
  timeout:
    description: Seconds that one step may take.
    type: int
    default: 300
  kubeadm:
    description: Where kubeadm is.
    type: path
    default: /usr/local/bin/kubeadm
attributes:
  check_mode:
    support: full
    description: Makes nothing; the values of RV(credentials) are V(null).
  diff_mode:
    support: none
    description: There is nothing to show that is not secret.
"""

EXAMPLES = r"""
- name: Make credentials for joining
  kubestd.platform.kubeadm_credentials:
    certificate_key: true
    joining: [cp2, cp3, w1]
  delegate_to: cp1
  run_once: true
  no_log: true
  register: made
"""

RETURN = r"""
credentials:
  description: What O(kubestd.platform.kubeadm#module:credentials) takes.
  returned: success
  type: dict
  contains:
    token:
      description: The bootstrap token.
      type: str
    ca_cert_hashes:
      description: The hash of the CA's public key.
      type: list
      elements: str
    certificate_key:
      description: The key, if it was asked for.
      type: str
  sample: {token: null, ca_cert_hashes: ["sha256:…"], certificate_key: null}
removed:
  description: What was removed because nodes of that name join anew.
  returned: success
  type: list
  elements: str
  sample: ["cp3: removed etcd member 13803658152347727308"]
msg:
  description: What was made.
  returned: success
  type: str
  sample: made a token for 30m
"""

import platform

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._errors import KubestdError
from ..module_utils._kubeadm.arguments import CREDENTIALS
from ..module_utils._kubeadm.credentials import Request, make, seconds
from ..module_utils._kubeadm.process import one_at_a_time
from ..module_utils._kubeadm.state import Place


def main() -> None:
    module = AnsibleModule(argument_spec=CREDENTIALS, supports_check_mode=True)
    options = module.params
    place = Place("/", {}, "", options["node_name"] or platform.node(), options["kubeadm"])
    made: dict[str, object] = {"token": None, "ca_cert_hashes": None, "certificate_key": None}
    removed: list[str] = []
    try:
        wanted = Request(seconds(options["ttl"]), options["certificate_key"], tuple(options["joining"]))
        if not module.check_mode:
            with one_at_a_time(options["timeout"]) as lock:
                made, removed = make(place, wanted, options["timeout"], lock)
    except (KubestdError, OSError) as error:
        module.fail_json(msg=str(error))
    what = "a token and a certificate key" if wanted.certificate_key else "a token"
    module.exit_json(
        changed=True,
        credentials=made,
        removed=removed,
        msg=f"{'would make' if module.check_mode else 'made'} {what} for {options['ttl']}",
    )


if __name__ == "__main__":
    main()
