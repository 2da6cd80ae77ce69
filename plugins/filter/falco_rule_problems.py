# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter falco_rule_problems."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..module_utils._falco.rules import problems

DOCUMENTATION = r"""
name: falco_rule_problems
short_description: What is wrong with rules of Falco
description:
  - A light check of documents of rules without Falco. It reads conditions as Falco does, knows the fields, macros, lists and rules of Falco 0.44 and its
    plug-ins, and carries out the tests of the documents.
  - It says nothing about types of fields, which only C(falco -V) knows.
author:
  - kubestd.platform contributors (@kubestd)
options:
  _input:
    description: Documents, each with C(name), C(source), C(rules) and C(tests), as in C(falco_rules) of the role V(falco).
    type: list
    elements: dict
    required: true
  known:
    description: Further fields, macros, lists and rules that may be named.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Refuse rules that Falco would not load
  ansible.builtin.assert:
    that: falco_rules | kubestd.platform.falco_rule_problems | length == 0
"""

RETURN = r"""
_value:
  description: A sentence for each problem; empty when there is none.
  type: list
  elements: str
  sample: ["falco_rules, document shop, rule A shell: the macro spawned_proces is not known; define it above, or look up how upstream writes it."]
"""


def falco_rule_problems(documents: list[dict[str, Any]], known: list[str] | None = None) -> list[str]:
    """A sentence for each problem."""
    return problems(documents, known or [])


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """By name."""
        return {"falco_rule_problems": falco_rule_problems}
