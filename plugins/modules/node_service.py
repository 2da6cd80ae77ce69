#!/usr/bin/python
# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: node_service
short_description: A systemd service runs, with the files it has been given
version_added: 0.1.0
author:
  - kubestd.platform contributors (@kubestd)
description:
  - Starts, stops, enables and disables a systemd service, and restarts or reloads it when a file it depends on is newer than what it runs with.
  - Unlike a handler this looks at the machine. A run that was killed between writing a file and the restart is made good by the next one.
options:
  name:
    description: The unit, such as V(containerd).
    type: str
    required: true
  state:
    description: V(unmanaged) changes only whether it is enabled.
    type: str
    choices: [started, stopped, unmanaged]
    default: started
  enabled:
    description: Whether it starts with the machine.
    type: bool
    default: true
  restart_after:
    description: Files and directories; the service is restarted when one was modified after its main process had started.
    type: list
    elements: path
    default: []
  reload_after:
    description: Files and directories; the service is reloaded when one was modified after its newest process had
      started. For services whose reload starts a new process, such as HAProxy.
    type: list
    elements: path
    default: []
  changed_paths:
    description: What a kubestd.platform.node_files task reported. Used in check mode only, where the files have not
      been written; any of them in O(restart_after) or O(reload_after) counts as newer.
    type: list
    elements: str
    default: []
attributes:
  check_mode:
    support: full
    description: Reports what would be done.
  diff_mode:
    support: full
    description: Shows the actions with their reasons.
"""

EXAMPLES = r"""
- name: Run containerd
  kubestd.platform.node_service:
    name: containerd
    restart_after:
      - /usr/local/bin/containerd
      - /etc/containerd/config.toml
"""

RETURN = r"""
actions:
  description: What was done, or would be, with the reason.
  returned: always
  type: list
  elements: str
  sample: ["restart: /etc/containerd/config.toml is newer than the running containerd"]
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._errors import KubestdError
from ..module_utils._service.host import carry_out, look
from ..module_utils._service.plan import Wanted, make_plan


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "state": {"type": "str", "choices": ["started", "stopped", "unmanaged"], "default": "started"},
            "enabled": {"type": "bool", "default": True},
            "restart_after": {"type": "list", "elements": "path", "default": []},
            "reload_after": {"type": "list", "elements": "path", "default": []},
            "changed_paths": {"type": "list", "elements": "str", "default": []},
        },
        supports_check_mode=True,
    )
    options = module.params
    watched = options["restart_after"] + options["reload_after"]
    will_change = module.check_mode and any(
        changed.startswith(path) for changed in options["changed_paths"] for path in watched
    )
    try:
        found = look(options["name"], options["restart_after"], options["reload_after"])
        actions = make_plan(Wanted(options["name"], options["state"], options["enabled"]), found, will_change)
        if not module.check_mode:
            carry_out(options["name"], actions)
    except (KubestdError, OSError) as error:
        module.fail_json(msg=str(error))
    lines = [f"{action.verb}: {action.why}" for action in actions]
    diff = {"before": "", "after": "".join(f"{line}\n" for line in lines)} if lines else {}
    module.exit_json(changed=bool(actions), actions=lines, diff=diff)


if __name__ == "__main__":
    main()
