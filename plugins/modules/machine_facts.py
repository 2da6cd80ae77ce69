#!/usr/bin/python
# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: machine_facts
short_description: What a machine is and has, in one look
version_added: 0.1.0
author:
  - kubestd.platform contributors (@kubestd)
description:
  - Reads what the roles of this collection decide by, in one short call instead of Ansible's own facts.
  - Changes nothing. It needs nothing but Python; with root it also knows which process listens on a port.
options:
  commands:
    description: >-
      Names of commands to look for, besides those that the roles need (C(apt-get), C(conntrack), C(curl), C(dnf), C(ethtool), C(haproxy), C(ip), C(iptables),
      C(keepalived), C(mount), C(nft), C(socat)).
    type: list
    elements: str
    default: []
  resolve:
    description: Names to ask the machine's resolver for.
    type: list
    elements: str
    default: []
  reach:
    description: URLs (C(http://), C(https://)) and C(host:port) to connect to, all at once, for at most three seconds.
    type: list
    elements: str
    default: []
  paths:
    description: Paths whose file systems' space is told. They need not exist.
    type: list
    elements: str
    default: [/var/lib]
  ca:
    description: PEM text of the certificates that servers of O(reach) are verified against, instead of the system's.
    type: str
attributes:
  check_mode:
    support: full
    description: Nothing is ever changed.
  diff_mode:
    support: none
    description: Nothing is ever changed.
"""

EXAMPLES = r"""
- name: Look at the machine
  kubestd.platform.machine_facts:
    resolve: [api.example.com]
    reach: [https://mirror.example.com/, api.example.com:6443]

- name: Say what it runs
  ansible.builtin.debug:
    var: ansible_facts.kubestd_machine.os.pretty_name
"""

RETURN = r"""
ansible_facts:
  description: The fact C(kubestd_machine).
  returned: always
  type: dict
  contains:
    kubestd_machine:
      description:
        - C(os) {id, version_id, pretty_name}, C(arch), C(kernel) {release}, C(python), C(systemd), C(virtualization), C(hostname), C(machine_id);
          C(selinux) (V(enforcing), V(permissive) or V(off)), C(firewalld), whether it runs;
          C(uid) that the module ran as; C(cgroup) {version, controllers, hybrid}; C(cpus), C(memory_mib), C(swap_mib), C(disks)
          [{path, free_mib, total_mib}].
        - C(clock) {epoch, asked, answered} is the machine's time in seconds, and the controller's time before and after the module ran.
        - C(interfaces) [{name, mac, addresses with prefix, up}], C(ports) [{port, protocol, process}] that are listened on, C(resolves) {name, addresses},
          C(reach) {target, {ok, status, error}}.
        - C(commands) {name, path or null}, C(installed) {name, {version, path} or null}, C(kernel_features) {name, loaded or builtin or module or
          missing or unknown}. C(installed) has the API server too, as its manifest names it.
        - C(pod_network), the names of the files in C(/etc/cni/net.d).
      returned: always
      type: dict
      sample:
        arch: x86_64
        cpus: 2
        hostname: cp1
        kernel: {release: 6.12.41+deb13-amd64}
        memory_mib: 3921
        os: {id: debian, pretty_name: Debian GNU/Linux 13 (trixie), version_id: "13"}
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._preflight.machine import look


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "commands": {"type": "list", "elements": "str", "default": []},
            "resolve": {"type": "list", "elements": "str", "default": []},
            "reach": {"type": "list", "elements": "str", "default": []},
            "paths": {"type": "list", "elements": "str", "default": ["/var/lib"]},
            "ca": {"type": "str"},
        },
        supports_check_mode=True,
    )
    try:
        found = look(**module.params)
    except OSError as error:
        module.fail_json(msg=f"Cannot look at this machine: {error}")
    module.exit_json(changed=False, ansible_facts={"kubestd_machine": found})


if __name__ == "__main__":
    main()
