# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stands in for kubestd.platform.machine_facts: a machine that has everything this role needs."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule


def main() -> None:
    module = AnsibleModule(argument_spec={}, supports_check_mode=True)
    commands = {name: f"/usr/bin/{name}" for name in ("haproxy", "keepalived", "curl")}
    interfaces = [
        {"name": "lo", "mac": None, "addresses": ["127.0.0.1/8"], "up": True},
        {"name": "eth1", "mac": "02:00:00:00:00:01", "addresses": ["10.0.0.110/24"], "up": True},
        {
            "name": "lo-test",
            "mac": "02:00:00:00:00:02",
            "addresses": ["10.0.0.11/24", "10.0.0.12/24", "10.0.0.21/24"],
            "up": True,
        },
    ]
    machine = {"commands": commands, "interfaces": interfaces, "os": {"id": "debian", "version_id": "13"}}
    module.exit_json(changed=False, ansible_facts={"kubestd_machine": machine})


if __name__ == "__main__":
    main()
