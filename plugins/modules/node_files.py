#!/usr/bin/python
# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: node_files
short_description: A set of files on a host is as described
version_added: 0.1.0
author:
  - kubestd.platform contributors (@kubestd)
description:
  - Texts, downloads named by their sha256, members of downloaded archives, directories and removals, all in one call.
  - A host role needs one task for all its files, which costs one round trip when there is nothing to do.
  - Downloads are checked before anything is put in place. Every file is replaced in one step, so that a killed run leaves no half-written file.
  - Digests of large files are remembered by size, time and inode in O(record); an unchanged file is not read again.
options:
  files:
    description: The files, in the order in which they are put in place.
    type: list
    elements: dict
    required: true
    suboptions:
      path:
        description: Absolute path. With O(files[].include) the directory that the members go to.
        type: str
        required: true
      state:
        description: V(absent) removes a file or a whole directory.
        type: str
        choices: [present, directory, absent]
        default: present
      content:
        description: The text of the file. Exactly one of O(files[].content) and O(files[].url) for V(present).
        type: str
      url:
        description: Where to download the file or archive from.
        type: str
      sha256:
        description: Digest of the download, 64 hexadecimal digits, with or without the prefix C(sha256:). Required with O(files[].url).
        type: str
      include:
        description:
          - The download is a tar archive (any compression that Python's tarfile reads), and its regular files that match one of these patterns
            go to the directory O(files[].path), without the folders they have in the archive.
        type: list
        elements: str
      mode:
        description: Octal permissions as a string. The default is V(0644) for texts, V(0755) for downloads and directories.
        type: str
      validate:
        description: A command, as a list, that is asked about a new text before it is used; C(%s) stands for the file.
        type: list
        elements: str
      sensitive:
        description: The text is left out of the diff.
        type: bool
        default: false
      exclusive:
        description: Whatever is in the directory and not described by O(files) is removed, whoever made it. For V(directory) only.
        type: bool
        default: false
  ca:
    description: PEM text of the certificates that servers of O(files[].url) are verified against, instead of the system's.
    type: str
  timeout:
    description: Seconds without any answer after which a download is tried again.
    type: float
    default: 30
  record:
    description: Where digests of large files are remembered. It can be deleted at any time.
    type: path
    default: /var/lib/kubestd/node_files.json
attributes:
  check_mode:
    support: full
    description: Reports what would change; downloads nothing, validates texts.
  diff_mode:
    support: full
    description: Texts in full, except sensitive ones; downloads by digest.
"""

EXAMPLES = r"""
- name: Bring the kubelet and its settings
  kubestd.platform.node_files:
    files:
      - path: /usr/local/bin/kubelet
        url: https://dl.k8s.io/release/v1.36.4/bin/linux/amd64/kubelet
        sha256: cf2562db46c48ab84cc3791540778ee7fb1a0a008529adbb434723dd02ed8b4b
      - path: /etc/haproxy/haproxy.cfg
        content: "{{ lookup('ansible.builtin.template', 'haproxy.cfg.j2') }}"
        validate: [haproxy, -c, -f, "%s"]
      - path: /opt/cni/bin
        url: https://github.com/containernetworking/plugins/releases/download/v1.9.1/cni-plugins-linux-amd64-v1.9.1.tgz
        sha256: b98f74a0f8522f0a83867178729c1aa70f2158f90c45a2ca8fa791db1c76b303
        include: ["*"]
      - path: /etc/cni/net.d/old.conf
        state: absent
      - path: /etc/systemd/system/kubelet.service.d
        state: directory
        exclusive: true
"""

RETURN = r"""
changed_paths:
  description: Paths that were changed, or in check mode would be (for an archive that is not there yet, its directory).
  returned: always
  type: list
  elements: str
  sample: [/usr/local/bin/kubelet]
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._errors import KubestdError
from ..module_utils._node_files.host import Record, carry_out, diff_of, look, only_one
from ..module_utils._node_files.plan import archive_key, make_plan, parse


def main() -> None:
    entry = {
        "path": {"type": "str", "required": True},
        "state": {"type": "str", "choices": ["present", "directory", "absent"], "default": "present"},
        "content": {"type": "str"},
        "url": {"type": "str"},
        "sha256": {"type": "str"},
        "include": {"type": "list", "elements": "str"},
        "mode": {"type": "str"},
        "validate": {"type": "list", "elements": "str"},
        "sensitive": {"type": "bool", "default": False},
        "exclusive": {"type": "bool", "default": False},
    }
    module = AnsibleModule(
        argument_spec={
            "files": {"type": "list", "elements": "dict", "required": True, "options": entry},
            "ca": {"type": "str"},
            "timeout": {"type": "float", "default": 30},
            "record": {"type": "path", "default": "/var/lib/kubestd/node_files.json"},
        },
        supports_check_mode=True,
    )
    options = module.params
    try:
        wanted = parse(options["files"])
        with only_one("/run/kubestd/node_files.lock"):
            record = Record(options["record"])
            found = {item.path: look(item.path, record, bool(item.url), item.exclusive) for item in wanted}
            archives = {
                archive_key(item): record.archive_members(archive_key(item), item) for item in wanted if item.include
            }
            steps = make_plan(wanted, found, archives)
            diff = [diff_of(step) for step in steps]
            try:
                changed = carry_out(steps, record, options["ca"], options["timeout"], module.check_mode)
            finally:
                if not module.check_mode:
                    record.save()
    except (KubestdError, OSError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=bool(changed), changed_paths=changed, diff=diff if changed else [])


if __name__ == "__main__":
    main()
