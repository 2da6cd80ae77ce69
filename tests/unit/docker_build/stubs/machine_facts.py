# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stands in for kubestd.platform.machine_facts: the system that $KUBESTD_STUB_SYSTEM names."""

from __future__ import annotations

import os

from ansible.module_utils.basic import AnsibleModule


def main() -> None:
    module = AnsibleModule(argument_spec={}, supports_check_mode=True)
    name, version = os.environ["KUBESTD_STUB_SYSTEM"].split()
    machine = {"os": {"id": name, "version_id": version, "pretty_name": name}, "installed": {"kubelet": None}}
    module.exit_json(changed=False, ansible_facts={"kubestd_machine": machine})


if __name__ == "__main__":
    main()
