# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of the modules that run kubeadm."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  node_name:
    description: Name of the node in Kubernetes.
    type: str
    required: true
  api_endpoint:
    description: Host and port of the cluster's endpoint, such as V(192.0.2.9:6443).
    type: str
  ignore_preflight_errors:
    description: kubeadm's preflight checks that are only to warn.
    type: list
    elements: str
    default: []
  timeout:
    description: Seconds that one step may take.
    type: int
    default: 300
  kubeadm:
    description: Where kubeadm is.
    type: path
    default: /usr/local/bin/kubeadm
"""
