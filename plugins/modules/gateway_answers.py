#!/usr/bin/python
# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: gateway_answers
short_description: Every host of some routes answers at an address
description:
  - Asks an address for the first path of each rule of each host of HTTPRoutes in files, without DNS, until all answers are good.
  - With O(reference) an answer is good when it has the status that the reference gives. Where that does not answer, and without one, anything
    below 500 but 404 is good, since 404 is what a Gateway says of a host that it does not know.
  - Rules with a header, a method or a regular expression are not asked, nor routes of other kinds.
author:
  - kubestd.platform contributors (@kubestd)
requirements:
  - PyYAML
extends_documentation_fragment:
  - kubestd.platform.kube
attributes:
  check_mode:
    support: full
    description: Says what would be asked, and asks nothing.
  diff_mode:
    support: none
    description: Nothing is ever changed.
  idempotent:
    support: full
    description: Nothing is ever changed.
options:
  files:
    description: Paths of files with routes.
    type: list
    elements: path
    required: true
  address:
    description: The address that is asked.
    type: str
  service:
    description: A Service of type LoadBalancer whose address is asked when O(address) names none.
    type: dict
    suboptions:
      name:
        description: Its name.
        type: str
        required: true
      namespace:
        description: Its namespace.
        type: str
        required: true
  gateway:
    description: The Gateway whose address is asked when neither O(address) nor O(service) says one.
    type: dict
    default: {name: platform, namespace: gateway-system}
    suboptions:
      name:
        description: Its name.
        type: str
        required: true
      namespace:
        description: Its namespace.
        type: str
        required: true
  reference:
    description: An address that has the right answers.
    type: str
  http_port:
    description: The port for http.
    type: int
    default: 80
  https_port:
    description: The port for https.
    type: int
    default: 443
  tls_ca:
    description: Certificate authorities besides those of this machine, as PEM text or the path of a file.
    type: str
  tls_verify:
    description: Whether certificates have to be good for the host.
    type: bool
    default: true
  timeout:
    description: Seconds until all answers are good.
    type: int
    default: 60
"""

EXAMPLES = r"""
- name: Prove that the Gateway answers for every host as ingress-nginx does
  kubestd.platform.gateway_answers:
    files: "{{ query('ansible.builtin.fileglob', 'migrate-ingress/routes/*.yaml') }}"
    reference: 192.0.2.10
"""

RETURN = r"""
asked:
  description: What was asked.
  returned: always
  type: list
  elements: str
  sample: ["https://shop.example.com/"]
wrong:
  description: A phrase for each answer that is not good.
  returned: always
  type: list
  elements: str
  sample: ["https://shop.example.com/ answers 404 and the old address 200"]
address:
  description: The address that was asked; empty when nothing was.
  returned: always
  type: str
  sample: 192.0.2.20
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._errors import KubestdError
from ..module_utils._ingress.ask import run
from ..module_utils._kubeconfig import KUBE_ARGUMENTS

REQUIRED = {"type": "str", "required": True}
OBJECT = {"type": "dict", "options": {"name": REQUIRED, "namespace": REQUIRED}}
ARGUMENTS = {
    "files": {"type": "list", "elements": "path", "required": True},
    "address": {"type": "str"},
    "service": OBJECT,
    "gateway": {**OBJECT, "default": {"name": "platform", "namespace": "gateway-system"}},
    "reference": {"type": "str"},
    "http_port": {"type": "int", "default": 80},
    "https_port": {"type": "int", "default": 443},
    "tls_ca": {"type": "str"},
    "tls_verify": {"type": "bool", "default": True},
    "timeout": {"type": "int", "default": 60},
}


def main() -> None:
    """Run the module."""
    module = AnsibleModule({**KUBE_ARGUMENTS, **ARGUMENTS}, supports_check_mode=True)
    try:
        result = run(module.params, module.check_mode)
    except KubestdError as error:
        module.fail_json(msg=str(error))
    if result["wrong"]:
        count = f"{len(result['wrong'])} of {len(result['asked'])} answers at {result['address']} are not good"
        module.fail_json(msg=f"{count}: {'; '.join(result['wrong'])}.", **result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
