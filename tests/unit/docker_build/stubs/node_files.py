# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stands in for kubestd.platform.node_files: writes below $KUBESTD_STUB_ROOT and validates nothing."""

from __future__ import annotations

import json
import os

from ansible.module_utils.basic import AnsibleModule


def main() -> None:
    module = AnsibleModule(
        argument_spec={"files": {"type": "list", "elements": "dict"}, "ca": {"type": "str"}}, supports_check_mode=True
    )
    root = os.environ["KUBESTD_STUB_ROOT"]
    os.makedirs(root, exist_ok=True)
    with open(os.path.join(root, "files.json"), "w") as handle:
        json.dump(module.params["files"], handle)
    for item in module.params["files"]:
        if item.get("state", "present") == "present" and "content" in item:
            path = root + item["path"]
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w") as handle:
                handle.write(item["content"])
    module.exit_json(changed=True, changed_paths=[item["path"] for item in module.params["files"]])


if __name__ == "__main__":
    main()
