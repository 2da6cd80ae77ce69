#!/usr/bin/python
# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: kubelet_certificates
short_description: Kubelets serve with certificates that the cluster has signed
version_added: 0.1.0
author:
  - kubestd.platform contributors (@kubestd)
description:
  - Approves the pending certificate signing requests of kubelets (signer C(kubernetes.io/kubelet-serving)), which Kubernetes never approves by itself.
  - A request is approved only when it comes from the kubelet of a node in O(nodes), has the subject and the usages that the signer asks for,
    and names nothing but the names and addresses given for that node. Another request of such a node stays pending and is reported;
    requests of other nodes are left alone.
  - Then it proves the result. The API server has to reach the kubelet of each node, which with
    C(--kubelet-certificate-authority) it only does when the certificate verifies.
  - Runs on a control plane, for one node or for several.
options:
  nodes:
    description:
      - Names of nodes, each with the list of DNS names and addresses that its certificate may hold.
      - Free-form, because the keys are the nodes' names.
    type: dict
    required: true
  api_endpoint:
    description: Host and port of the API server to ask. By default the one of the control plane that the task runs on.
    type: str
  timeout:
    description: Seconds until every node must be proven.
    type: int
    default: 120
attributes:
  check_mode:
    support: full
    description: Reports what is pending and would be approved, without waiting.
  diff_mode:
    support: full
    description: Shows a line for each request that is approved.
"""

EXAMPLES = r"""
- name: Approve the kubelets' serving certificates
  kubestd.platform.kubelet_certificates:
    nodes:
      cp1: [cp1, 192.0.2.21]
      w1: [w1, 192.0.2.41]
  delegate_to: cp1
  run_once: true
"""

RETURN = r"""
approved:
  description: Requests that were approved, or would be.
  returned: always
  type: list
  elements: dict
  contains:
    request:
      description: Name of the request.
      type: str
    node:
      description: Whose it is.
      type: str
  sample: [{request: csr-8b2zn, node: w1}]
refused:
  description: A sentence for each request of one of O(nodes) that is pending and was not approved.
  returned: always
  type: list
  elements: str
  sample: ["Request csr-x of system:node:w1 is not approved: it asks for 192.0.2.9; w1 may have only 192.0.2.41, w1."]
nodes:
  description: Whether each node is proven, in the order of O(nodes), and what was last seen of it.
  returned: always
  type: list
  elements: dict
  contains:
    name:
      description: Name of the node.
      type: str
    proven:
      description: The API server reaches its kubelet.
      type: bool
    last_seen:
      description: The last answer that was not a proof; empty after a proof.
      type: str
  sample: [{name: w1, proven: true, last_seen: ""}]
msg:
  description: How many are proven, and what is in the way of the others.
  returned: always
  type: str
  sample: 2 of 2 kubelets proven
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._errors import KubestdError
from ..module_utils._kube import admin_client
from ..module_utils._kubeadm.arguments import KUBELET_CERTIFICATES
from ..module_utils._kubeadm.serving import before_the_cluster, describe, settle
from ..module_utils._kubeadm.state import Place, local_server, read


def main() -> None:
    module = AnsibleModule(argument_spec=KUBELET_CERTIFICATES, supports_check_mode=True)
    nodes = {name: [str(entry) for entry in entries or []] for name, entries in module.params["nodes"].items()}
    timeout = float(module.params["timeout"])
    manifest = read(Place("/", {}, "", "").kubernetes("manifests/kube-apiserver.yaml"))
    if module.check_mode and not manifest:
        module.exit_json(**before_the_cluster(nodes))
    try:
        server = module.params["api_endpoint"] or local_server(Place("/", {}, "", ""), manifest)
        client = admin_client(server, timeout=10.0, retry_for=min(timeout, 20.0), verify_name=False)
        result, failed = describe(settle(client, nodes, timeout, module.check_mode), nodes, module.check_mode, timeout)
    except (KubestdError, OSError) as error:
        module.fail_json(msg=str(error))
    for line in result["refused"]:
        module.warn(line)
    if failed:
        module.fail_json(**result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
