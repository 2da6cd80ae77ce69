# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: preflight
short_description: The inventory and all machines, judged together before anything is changed
version_added: 0.1.0
author:
  - kubestd.platform contributors (@kubestd)
description:
  - Takes the variables of all hosts in the group C(machines) and what M(kubestd.platform.machine_facts) has found on those of the play, on the controller.
  - Collects every problem and shows them in one table.
  - It does not fail, since a failed task shows its whole result and the table would drown in it. Fail when RV(problem) is not empty, as the
    role C(preflight) does.
options:
  verbose:
    description: Show what is good, too.
    type: bool
    default: false
  report:
    description: A file on the controller for all findings as JSON.
    type: path
attributes:
  check_mode:
    support: full
    description: Changes nothing.
  diff_mode:
    support: none
    description: Changes nothing.
"""

EXAMPLES = r"""
- name: Judge the inventory and all machines together
  kubestd.platform.preflight:
  run_once: true
  register: preflight

- name: Stop when something is wrong
  ansible.builtin.fail:
    msg: "{{ preflight.problem }}"
  run_once: true
  when: preflight.problem | length > 0
"""

RETURN = r"""
counts:
  description: How many findings each level has.
  returned: always
  type: dict
  sample: {OK: 120, WARN: 3, FAIL: 0}
problem:
  description: How many checks failed and which options they name; empty when none did.
  returned: always
  type: str
  sample: "1 checks failed and nothing was changed; the table above says what to write. Look at: cluster_pod_cidr."
findings:
  description: Every check of every machine.
  returned: always
  type: list
  elements: dict
  sample:
    - {host: inventory, check: networks, level: FAIL, found: 10.96.0.1/16, wanted: 10.96.0.0/16, option: cluster_service_cidr, recommended: "", message: ""}
"""
