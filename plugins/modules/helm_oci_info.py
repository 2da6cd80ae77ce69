#!/usr/bin/python
# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: helm_oci_info
short_description: Which Helm releases there are
description:
  - Reads the newest revision of every release with one metadata request, without helm and without reading any values.
author:
  - kubestd.platform contributors (@kubestd)
requirements:
  - PyYAML
extends_documentation_fragment:
  - kubestd.platform.kube
  - kubestd.platform.kube.in_process
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
  name:
    description: Name of the release; without it all of them.
    type: str
  namespace:
    description: Namespace of the releases; without it all of them.
    type: str
"""

EXAMPLES = r"""
- name: Ask what is released
  kubestd.platform.helm_oci_info:
  register: __found

- name: Show what is not deployed
  ansible.builtin.debug:
    msg: "{{ __found.releases | rejectattr('status', 'equalto', 'deployed') | map(attribute='name') }}"
"""

RETURN = r"""
releases:
  description: The releases, by namespace and name.
  returned: always
  type: list
  elements: dict
  contains:
    name:
      description: Its name.
      type: str
      sample: harbor
    namespace:
      description: Its namespace.
      type: str
      sample: harbor
    status:
      description: Helm's word for its newest revision.
      type: str
      sample: deployed
    revision:
      description: Number of the newest revision.
      type: int
      sample: 3
    chart_version:
      description: Version of the chart, empty when another hand released it.
      type: str
      sample: 1.19.2
    chart_sha256:
      description: SHA-256 of the chart's archive, empty when another hand released it.
      type: str
      sample: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
    managed:
      description: Whether M(kubestd.platform.helm_oci) released it.
      type: bool
      sample: true
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._errors import KubestdError
from ..module_utils._kubeconfig import KUBE_ARGUMENTS, access
from ..module_utils._objects import Objects
from ..module_utils._release.run import listing


def main() -> None:
    """Run the module."""
    spec = {**KUBE_ARGUMENTS, "name": {"type": "str"}, "namespace": {"type": "str"}}
    module = AnsibleModule(argument_spec=spec, supports_check_mode=True)
    try:
        objects = Objects(access(module.params).client())
        releases = listing(objects, module.params["namespace"], module.params["name"])
    except KubestdError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, releases=releases)


if __name__ == "__main__":
    main()
