# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stands in for kubestd.platform.node_service: notes its options in $KUBESTD_STUB_ROOT."""

from __future__ import annotations

import json
import os

from ansible.module_utils.basic import AnsibleModule


def main() -> None:
    names = ("name", "state", "enabled", "restart_after", "reload_after", "changed_paths")
    module = AnsibleModule(argument_spec={name: {"type": "raw"} for name in names}, supports_check_mode=True)
    root = os.environ["KUBESTD_STUB_ROOT"]
    os.makedirs(root, exist_ok=True)
    with open(os.path.join(root, "services.jsonl"), "a") as handle:
        handle.write(json.dumps(module.params) + "\n")
    module.exit_json(changed=False, actions=[])


if __name__ == "__main__":
    main()
