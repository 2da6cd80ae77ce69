# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: git_tree
short_description: A folder of a Git repository is as a folder of this machine
description:
  - Compares a folder with one in a branch of a Git repository, writes what differs, and commits it; nothing is committed when nothing differs.
  - A checkout that is here gets a commit and is not pushed. Anything else, a bare repository or an address, is cloned to a temporary folder and pushed to.
  - Logins are those of git on this machine (SSH, credential helpers); it never asks for one.
author:
  - kubestd.platform contributors (@kubestd)
attributes:
  check_mode:
    support: full
    description: Clones and compares, and writes nothing.
  diff_mode:
    support: full
    description: Shows texts; of large files, and of files in folders called C(chart), the digest.
  idempotent:
    support: full
    description: A second run commits nothing.
options:
  repository:
    description: Path of a checkout or of a bare repository, or an address without a password.
    type: str
    required: true
  branch:
    description: The branch; one that is not there yet is begun.
    type: str
    default: main
  path:
    description: The folder in the repository.
    type: str
    required: true
  source:
    description: The folder on this machine.
    type: path
    required: true
  whole_below:
    description:
      - Folders of this depth below O(path) are described as a whole, so that files go that O(source) does not have; other folders of that depth stay.
      - With V(0) all of O(path) is described.
    type: int
    default: 0
  commit_message:
    description: Message of the commit; how many files when nothing is said.
    type: str
    default: ""
  author_name:
    description: Name of the author.
    type: str
    default: kubestd.platform
  author_email:
    description: Address of the author.
    type: str
    default: kubestd.platform@localhost
  git:
    description: The git program.
    type: str
    default: git
"""

EXAMPLES = r"""
- name: Put rendered files into the repository of the cluster
  kubestd.platform.git_tree:
    repository: git@git.example.com:ops/cluster.git
    path: platform
    source: /tmp/rendered
"""

RETURN = r"""
files:
  description: Files that differ, by their path below O(path).
  returned: success
  type: list
  elements: dict
  contains:
    path:
      description: The file.
      type: str
      sample: applications/harbor/harbor.yaml
    action:
      description: V(created), V(changed) or V(deleted).
      type: str
      sample: created
commit:
  description: The commit; empty when there was nothing to commit, and in check mode.
  returned: success
  type: str
  sample: 1f0c3a
pushed:
  description: Whether it was pushed.
  returned: success
  type: bool
  sample: true
message:
  description: How many files, in words.
  returned: success
  type: str
  sample: 3 created, 1 changed
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._errors import KubestdError
from ..module_utils._git.run import Repository


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "repository": {"type": "str", "required": True},
            "branch": {"type": "str", "default": "main"},
            "path": {"type": "str", "required": True},
            "source": {"type": "path", "required": True},
            "whole_below": {"type": "int", "default": 0},
            "commit_message": {"type": "str", "default": ""},
            "author_name": {"type": "str", "default": "kubestd.platform"},
            "author_email": {"type": "str", "default": "kubestd.platform@localhost"},
            "git": {"type": "str", "default": "git"},
        },
        supports_check_mode=True,
    )
    try:
        result = Repository(module.params).run(module.check_mode)
    except KubestdError as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
