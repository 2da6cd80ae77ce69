#!/usr/bin/python
# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: kernel_settings
short_description: Kernel modules, sysctls and swap as a Kubernetes node needs them
version_added: 0.1.0
author:
  - kubestd.platform contributors (@kubestd)
description:
  - Sets the running kernel and what it does after the next start, together and in one call.
  - What is built into the kernel counts as present, so that no module has to be loadable for it.
options:
  modules:
    description: Kernel modules that must be there.
    type: list
    elements: str
    default: []
  sysctls:
    description: Values by sysctl name. Free-form, since the kernel has thousands of names.
    type: dict
    default: {}
  swap:
    description: V(off) turns swap off now and comments it out of O(fstab); V(keep) leaves it alone.
    type: str
    choices: ['off', keep]
    default: keep
  modules_file:
    description: The file that O(modules) are written to; it is removed when the list is empty.
    type: path
    default: /etc/modules-load.d/kubestd.conf
  sysctl_file:
    description: The file that O(sysctls) are written to; it is removed when there are none.
    type: path
    default: /etc/sysctl.d/90-kubestd.conf
  fstab:
    description: The table of file systems.
    type: path
    default: /etc/fstab
attributes:
  check_mode:
    support: full
    description: Reports what would change.
  diff_mode:
    support: full
    description: Shows values and files before and after.
"""

EXAMPLES = r"""
- name: Prepare the kernel of a node
  kubestd.platform.kernel_settings:
    modules: [overlay, br_netfilter]
    sysctls:
      net.ipv4.ip_forward: "1"
    swap: 'off'
"""

RETURN = r"""
modules:
  description: What was found for each module, one of C(loaded), C(builtin) and C(missing).
  returned: always
  type: dict
  sample: {overlay: builtin}
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._errors import KubestdError
from ..module_utils._kernel.host import carry_out, look
from ..module_utils._kernel.plan import check, make_plan


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "modules": {"type": "list", "elements": "str", "default": []},
            "sysctls": {"type": "dict", "default": {}},
            "swap": {"type": "str", "choices": ["off", "keep"], "default": "keep"},
            "modules_file": {"type": "path", "default": "/etc/modules-load.d/kubestd.conf"},
            "sysctl_file": {"type": "path", "default": "/etc/sysctl.d/90-kubestd.conf"},
            "fstab": {"type": "path", "default": "/etc/fstab"},
        },
        supports_check_mode=True,
    )
    options = module.params
    files = options["modules_file"], options["sysctl_file"], options["fstab"]
    sysctls = {key: str(value) for key, value in options["sysctls"].items()}
    try:
        check(options["modules"], sysctls)
        found = look(options["modules"], sysctls, *files)
        plan = make_plan(options["modules"], sysctls, options["swap"] == "off", found)
        if plan.changed and not module.check_mode:
            carry_out(plan, *files)
    except (KubestdError, OSError) as error:
        module.fail_json(msg=str(error))
    before = "".join(f"{key} = {found.sysctls[key]}\n" for key in plan.sysctls)
    before += "".join(f"module {name}: missing\n" for name in plan.load) + "".join(
        f"swap on {name}\n" for name in plan.swapoff
    )
    after = "".join(f"{key} = {value}\n" for key, value in plan.sysctls.items()) + "".join(
        f"module {name}: loaded\n" for name in plan.load
    )
    diff = (
        [{"before_header": "kernel", "after_header": "kernel", "before": before, "after": after}]
        if before or after
        else []
    )
    texts = (found.modules_file, plan.modules_file), (found.sysctl_file, plan.sysctl_file), (found.fstab, plan.fstab)
    for path, (old, new) in zip(files, texts):
        if new is not None:
            diff.append({"before_header": path, "after_header": path, "before": old, "after": new})
    module.exit_json(changed=plan.changed, modules=found.modules, diff=diff)


if __name__ == "__main__":
    main()
