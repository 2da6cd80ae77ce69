#!/usr/bin/python
# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pod_network
short_description: Refuse another pod network than the one a cluster has
version_added: 0.1.0
author:
  - kubestd.platform contributors (@kubestd)
description:
  - Compares what is wanted with the files that CNI plugins have on the nodes, and with what runs in the cluster when it is asked. Runs on the controller.
  - Pods keep the network that they were started with, so that a change would cut them off from those that start later.
extends_documentation_fragment:
  - kubestd.platform.kube
attributes:
  check_mode:
    support: full
    description: Changes nothing.
  diff_mode:
    support: none
    description: Changes nothing.
options:
  implementation:
    description: The pod network that is wanted; V(none) is somebody else's, and is never refused.
    type: str
    choices: [bridge, cilium, calico, none]
    required: true
  kube_proxy:
    description: Whether the cluster is to have kube-proxy.
    type: bool
    default: true
  nodes:
    description: By node, the names of the files in C(/etc/cni/net.d), as C(kubestd_machine.pod_network) of M(kubestd.platform.machine_facts) has them.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Refuse another pod network than the one that is there
  kubestd.platform.pod_network:
    implementation: cilium
    nodes: {w1: [05-cilium.conflist]}
    kubeconfig: /etc/kubernetes/admin.conf
"""

RETURN = r"""
networks:
  description: The pod networks that are there, by implementation, with the places where each was seen.
  returned: always
  type: dict
  sample: {cilium: ["/etc/cni/net.d/05-cilium.conflist on w1", DaemonSet kube-system/cilium]}
kube_proxy:
  description: Whether the cluster has kube-proxy; V(null) when it was not asked or did not answer.
  returned: always
  type: bool
  sample: false
"""
