# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter k8s_object_health."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError

from ..module_utils._health.judge import object_health

DOCUMENTATION = r"""
name: k8s_object_health
short_description: Health of a Kubernetes object
description:
  - Judges one object as M(kubestd.platform.k8s_health) does, without asking a cluster. What only a cluster knows is left out,
    the root cause in pods and events and whether anybody answers a webhook.
author:
  - kubestd.platform contributors (@kubestd)
options:
  _input:
    description: The object as the API server returns it; V(none) is an object that is not there.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Fail with the reason when a certificate is not ready
  ansible.builtin.assert:
    that: (certificate | kubestd.platform.k8s_object_health).status == 'Healthy'
    fail_msg: "{{ (certificate | kubestd.platform.k8s_object_health).message }}"

- name: Show what is not healthy
  ansible.builtin.debug:
    msg: "{{ item.metadata.name }}: {{ (item | kubestd.platform.k8s_object_health).message }}"
  loop: "{{ objects.resources }}"
  when: (item | kubestd.platform.k8s_object_health).status != 'Healthy'
"""

RETURN = r"""
_value:
  description: C(status), one of V(Healthy), V(Progressing), V(Degraded), V(Suspended), V(Missing), V(Unknown), and C(message), a sentence.
  type: dict
  sample: {"status": "Progressing", "message": "1/2 replicas available, 2 updated"}
"""


def k8s_object_health(found: Any) -> dict[str, str]:
    """Status and message of one object."""
    if found is not None and not isinstance(found, Mapping):
        raise AnsibleFilterError(f"k8s_object_health takes one Kubernetes object, not {type(found).__name__}.")
    health = object_health(dict(found) if found is not None else None)
    return {"status": health.status, "message": health.message}


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """By name."""
        return {"k8s_object_health": k8s_object_health}
