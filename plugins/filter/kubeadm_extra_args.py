# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Callable

from ansible.errors import AnsibleFilterError


def kubeadm_extra_args(flags: Mapping[str, Any]) -> list[dict[str, str]]:
    """Flags of a Kubernetes component as kubeadm's v1beta4 API takes them."""
    if not isinstance(flags, Mapping):
        raise AnsibleFilterError(f"kubeadm_extra_args takes a dictionary of flags, not {type(flags).__name__}")
    pairs = []
    for name in sorted(flags):
        values = flags[name] if isinstance(flags[name], list) else [flags[name]]
        for value in values:
            if value is not None:
                text = str(value).lower() if isinstance(value, bool) else str(value)
                pairs.append({"name": str(name), "value": text})
    return pairs


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"kubeadm_extra_args": kubeadm_extra_args}
