# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter pool_conflicts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..module_utils._component.pools import conflicts

DOCUMENTATION = r"""
name: pool_conflicts
short_description: Pools of addresses that overlap
description:
  - Compares pools of addresses with each other and with networks that are taken.
author:
  - kubestd.platform contributors (@kubestd)
options:
  _input:
    description: Pools, each with C(name) and C(addresses), a list of ranges and CIDRs.
    type: list
    elements: dict
    required: true
  reserved:
    description: Addresses and CIDRs that no pool may have, by what a sentence calls them. What is no address is left out.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Refuse pools that overlap
  ansible.builtin.assert:
    that: metallb_pools | kubestd.platform.pool_conflicts | length == 0
"""

RETURN = r"""
_value:
  description: A sentence for each conflict; empty when there is none.
  type: list
  elements: str
  sample: ["metallb_pools: 192.0.2.0/28 of pool b overlaps 192.0.2.10-192.0.2.20 of pool a; take other addresses for one of them."]
"""


def pool_conflicts(pools: list[dict[str, Any]], reserved: dict[str, str] | None = None) -> list[str]:
    """A sentence for each conflict."""
    return conflicts(pools, reserved or {})


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """By name."""
        return {"pool_conflicts": pool_conflicts}
