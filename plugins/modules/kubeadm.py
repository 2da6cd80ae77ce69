#!/usr/bin/python
# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: kubeadm
short_description: A node is a control plane or a worker of a cluster made by kubeadm, or is none
version_added: 0.1.0
author:
  - kubestd.platform contributors (@kubestd)
description:
  - Looks at the node and at its cluster, plans, and runs C(kubeadm init), C(kubeadm join), single phases of them, or C(kubeadm reset).
  - It keeps no files of its own about what it did. A run that was killed, at whatever moment, is completed or repeated by the next one.
  - A C(kubeadm) that is still running, for instance because it outlived the Ansible run that began it, is waited for.
  - A control plane that is merely stopped is started and waited for, never reset.
  - On a control plane the manifests of the static pods are compared with what kubeadm would write for the settings,
    and replaced one after another. Call the module with C(throttle=1) for that, so that one control plane after the other is touched.
  - The kubelet's own settings are not handled here; give them to it in a drop-in directory.
  - The configuration reaches kubeadm through its standard input. No secret stands in a file, in a command line, in the result or in the diff.
extends_documentation_fragment:
  - kubestd.platform.kubeadm
options:
  state:
    description:
      - V(absent) takes the node's member out of etcd and its Node out of the cluster (control planes only), runs C(kubeadm reset),
        and removes what that leaves behind. Drain the node first. The Node of a worker has to be deleted by the playbook.
    type: str
    choices: [present, absent]
    default: present
  role:
    description: What the node is to be.
    type: str
    choices: [control_plane, worker]
    default: worker
  primary:
    description:
      - This control plane may begin a new cluster when it has no files and no API server answers at O(api_endpoint). Others only join.
      - The primary also keeps the configuration that is stored in the cluster up to date (ConfigMaps C(kubeadm-config) and C(kube-proxy)).
    type: bool
    default: false
  version:
    description: The Kubernetes version that is wanted, such as V(1.36.4). The module refuses a version that the cluster cannot have; it does not upgrade.
    type: str
  configuration:
    description: kubeadm's configuration, each part without C(apiVersion) and C(kind), which the module adds.
    type: dict
    default: {}
    suboptions:
      init_configuration:
        description: An C(InitConfiguration) of C(kubeadm.k8s.io/v1beta4). Free-form, because its fields are kubeadm's.
        type: dict
      cluster_configuration:
        description: A C(ClusterConfiguration) of C(kubeadm.k8s.io/v1beta4). Free-form, because its fields are kubeadm's.
        type: dict
      join_configuration:
        description: A C(JoinConfiguration) of C(kubeadm.k8s.io/v1beta4); its C(discovery) and C(certificateKey) come
          from O(credentials). Free-form, because its fields are kubeadm's.
        type: dict
      kube_proxy_configuration:
        description: A C(KubeProxyConfiguration) of C(kubeproxy.config.k8s.io/v1alpha1). Free-form, because its fields are kube-proxy's.
        type: dict
      kubelet_configuration:
        description: A C(KubeletConfiguration) of C(kubelet.config.k8s.io/v1beta1), used when the cluster begins.
          Free-form, because its fields are the kubelet's.
        type: dict
  credentials:
    description: What M(kubestd.platform.kubeadm_credentials) returned. Needed when RV(needs_credentials) is true.
    type: dict
    suboptions:
      token:
        description: A bootstrap token.
        type: str
      ca_cert_hashes:
        description: Hashes of the public key of the cluster's CA, each V(sha256:…).
        type: list
        elements: str
      certificate_key:
        description: The key of the certificates that are shared between control planes. For control planes only.
        type: str
attributes:
  check_mode:
    support: full
    description: Reports the first steps; what they will show is only known afterwards.
  diff_mode:
    support: full
    description: Shows manifests, stored configuration, and a line for each other step.
"""

EXAMPLES = r"""
- name: Compare the node with what it should be
  kubestd.platform.kubeadm: &node
    role: control_plane
    primary: "{{ inventory_hostname == groups['control_plane'][0] }}"
    node_name: "{{ inventory_hostname }}"
    version: 1.36.4
    api_endpoint: 192.0.2.9:6443
    configuration:
      cluster_configuration:
        kubernetesVersion: v1.36.4
        controlPlaneEndpoint: 192.0.2.9:6443
        networking:
          podSubnet: 10.244.0.0/16
      init_configuration:
        nodeRegistration:
          name: "{{ inventory_hostname }}"
          criSocket: unix:///run/containerd/containerd.sock
      join_configuration:
        nodeRegistration:
          name: "{{ inventory_hostname }}"
          criSocket: unix:///run/containerd/containerd.sock
  check_mode: true
  register: plan

- name: Join the cluster
  kubestd.platform.kubeadm:
    <<: *node
    credentials: "{{ made.credentials }}"
  when: plan.needs_credentials
"""

RETURN = r"""
actions:
  description: What was done, or would be, in order.
  returned: always
  type: list
  elements: dict
  contains:
    name:
      description: The step.
      type: str
    why:
      description: A sentence about what makes it necessary.
      type: str
  sample:
    - name: init
      why: no /etc/kubernetes/admin.conf and no etcd data, no cluster answers at 192.0.2.9:6443, and cp1 is the primary
needs_credentials:
  description: The node has to join a cluster, which needs O(credentials).
  returned: always
  type: bool
  sample: false
found:
  description: What the node and its cluster said before anything was done. V(null) means that it could not be asked or did not matter.
  returned: always
  type: dict
  sample: {initialised: true, control_plane: true, api: up, endpoint: up, registered: true}
wanted:
  description: The options that the decision depends on.
  returned: always
  type: dict
  sample: {state: present, role: control_plane, primary: true, node_name: cp1, version: 1.36.4, api_endpoint: "192.0.2.9:6443"}
node:
  description: The Node object as last seen.
  returned: always
  type: dict
  contains:
    registered:
      description: Whether the cluster has it.
      type: bool
    ready:
      description: Whether it is Ready.
      type: bool
    pod_cidr:
      description: The pod network of the node.
      type: str
  sample: {registered: true, ready: true, pod_cidr: 10.244.1.0/24}
msg:
  description: The steps in one line, or that there was nothing to do, or why nothing may be done.
  returned: always
  type: str
  sample: cp1 is as wanted
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._errors import KubestdError
from ..module_utils._kubeadm.arguments import KUBEADM
from ..module_utils._kubeadm.run import Refused, run


def main() -> None:
    module = AnsibleModule(argument_spec=KUBEADM, supports_check_mode=True)
    try:
        module.exit_json(**run(module.params, module.check_mode))
    except Refused as error:
        module.fail_json(**{**error.result, "msg": str(error)})
    except (KubestdError, OSError) as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
