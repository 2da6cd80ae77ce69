#!/usr/bin/python
# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: namespace_compare
short_description: Whether a namespace and its copy hold the same
description:
  - Compares the objects of a namespace with those of a copy of it, such as a backup that was restored under another name.
  - ConfigMaps, Secrets, Services, service accounts, claims, Deployments, StatefulSets, DaemonSets and CronJobs are compared by what makes
    them what they are, without what a cluster gives each object itself. A claim of the copy has to be bound. Contents of volumes are not read.
  - Values are never said, only where they differ.
author:
  - kubestd.platform contributors (@kubestd)
requirements:
  - PyYAML
extends_documentation_fragment:
  - kubestd.platform.kube
attributes:
  check_mode:
    support: full
    description: Nothing is ever changed.
  diff_mode:
    support: none
    description: Nothing is ever changed.
  idempotent:
    support: full
    description: Nothing is ever changed.
options:
  source:
    description: The namespace.
    type: str
    required: true
  copy:
    description: Its copy.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Compare what was restored with what was backed up
  kubestd.platform.namespace_compare:
    source: shop
    copy: shop-drill
  register: __compared
  failed_when: __compared.differences | length > 0
"""

RETURN = r"""
compared:
  description: How many objects the source has.
  returned: always
  type: int
  sample: 14
differences:
  description: A sentence for each object that differs.
  returned: always
  type: list
  elements: str
  sample: ["Deployment web is not there in the copy", "ConfigMap settings differs in data.size"]
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._compare.plan import COMPARED, differences
from ..module_utils._errors import KubestdError
from ..module_utils._kubeconfig import KUBE_ARGUMENTS, access
from ..module_utils._objects import Objects


def main() -> None:
    """Run the module."""
    required = {"type": "str", "required": True}
    module = AnsibleModule({**KUBE_ARGUMENTS, "source": required, "copy": required}, supports_check_mode=True)
    try:
        objects = Objects(access(module.params).client())
        source, copy = (
            [item for kind in COMPARED for item in objects.list(objects.must(*kind), module.params[side])]
            for side in ("source", "copy")
        )
    except KubestdError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, compared=len(source), differences=differences(source, copy))


if __name__ == "__main__":
    main()
