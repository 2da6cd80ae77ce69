#!/usr/bin/python
# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: gateway_crds
short_description: Whether CRDs of the Gateway API may be installed over those that are there
description:
  - Refuses a release of the Gateway API that is older than the one in the cluster, and another channel, before anything is changed.
  - CRDs that say neither release nor channel count for nothing. A cluster that does not answer is not refused; who installs will say so.
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
  version:
    description: The release of the Gateway API that is about to be installed.
    type: str
    required: true
  channel:
    description: The channel of its CRDs.
    type: str
    choices: [standard, experimental]
    default: standard
"""

EXAMPLES = r"""
- name: Refuse CRDs that would take something away
  kubestd.platform.gateway_crds:
    version: v1.6.1
"""

RETURN = r"""
crds:
  description: CRDs of the Gateway API that are there.
  returned: always
  type: list
  elements: dict
  sample: [{"name": "gateways.gateway.networking.k8s.io", "version": "v1.6.1", "channel": "standard"}]
"""

from dataclasses import asdict

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._errors import KubestdError
from ..module_utils._gateway.crds import refusals
from ..module_utils._gateway.read import installed
from ..module_utils._kubeconfig import KUBE_ARGUMENTS


def main() -> None:
    """Run the module."""
    channel = {"type": "str", "choices": ["standard", "experimental"], "default": "standard"}
    arguments = {**KUBE_ARGUMENTS, "version": {"type": "str", "required": True}, "channel": channel}
    module = AnsibleModule(arguments, supports_check_mode=True)
    try:
        crds, guarded = installed(module.params)
    except KubestdError as error:
        module.fail_json(msg=str(error))
    said = refusals(crds, module.params["version"], module.params["channel"], guarded)
    if said:
        module.fail_json(msg=" ".join(said), crds=[asdict(crd) for crd in crds])
    module.exit_json(changed=False, crds=[asdict(crd) for crd in crds])


if __name__ == "__main__":
    main()
