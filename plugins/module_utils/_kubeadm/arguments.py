# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Argument specs of the modules about kubeadm; what they share stands in the doc fragment kubeadm."""

from __future__ import annotations

from typing import Any

SHARED: dict[str, Any] = {
    "node_name": {"type": "str", "required": True},
    "api_endpoint": {"type": "str"},
    "ignore_preflight_errors": {"type": "list", "elements": "str", "default": []},
    "timeout": {"type": "int", "default": 300},
    "kubeadm": {"type": "path", "default": "/usr/local/bin/kubeadm"},
}

KUBEADM: dict[str, Any] = {
    **SHARED,
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "role": {"type": "str", "choices": ["control_plane", "worker"], "default": "worker"},
    "primary": {"type": "bool", "default": False},
    "version": {"type": "str"},
    "configuration": {
        "type": "dict",
        "default": {},
        "options": {
            "init_configuration": {"type": "dict"},
            "cluster_configuration": {"type": "dict"},
            "join_configuration": {"type": "dict"},
            "kube_proxy_configuration": {"type": "dict"},
            "kubelet_configuration": {"type": "dict"},
        },
    },
    "credentials": {
        "type": "dict",
        "no_log": True,
        "options": {
            "token": {"type": "str", "no_log": True},
            "ca_cert_hashes": {"type": "list", "elements": "str"},
            "certificate_key": {"type": "str", "no_log": True},
        },
    },
}

CREDENTIALS: dict[str, Any] = {
    **{name: SHARED[name] for name in ("timeout", "kubeadm")},
    "node_name": {"type": "str"},
    "ttl": {"type": "str", "default": "30m"},
    "certificate_key": {"type": "bool", "default": False, "no_log": False},
    "joining": {"type": "list", "elements": "str", "default": []},
}

KUBELET_CERTIFICATES: dict[str, Any] = {
    "nodes": {"type": "dict", "required": True},
    "api_endpoint": {"type": "str"},
    "timeout": {"type": "int", "default": 120},
}
