#!/usr/bin/python
# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ingress_migration
short_description: Ingresses of ingress-nginx as routes of a Gateway, in files to review
description:
  - Lists the Ingresses of a class, and what becomes of each of their annotations.
  - Has them converted by C(ingress2gateway), hangs the routes on one Gateway instead of Gateways of their own, and writes each to a file
    below C(routes) of a folder, with C(REPORT.md) about what was not translated.
  - A file that somebody has edited, or deleted, stays as it is. Nothing in the cluster is changed.
author:
  - kubestd.platform contributors (@kubestd)
requirements:
  - PyYAML
  - ingress2gateway 1.1.0 or newer, with O(state=converted)
extends_documentation_fragment:
  - kubestd.platform.kube
attributes:
  check_mode:
    support: full
    description: Says whether files would be written.
  diff_mode:
    support: none
    description: The files are there to be read.
  idempotent:
    support: full
    description: Files are written only when they differ.
options:
  state:
    description: Whether the routes are written, or the Ingresses are only listed.
    type: str
    choices: [inventory, converted]
    default: inventory
  ingress_class:
    description: The class of the Ingresses. One that names none counts when this class is the default.
    type: str
    default: nginx
  namespaces:
    description: Namespaces of the Ingresses; all when empty.
    type: list
    elements: str
    default: []
  gateway:
    description: The Gateway that is to carry the routes; its listeners are called C(http) and C(https).
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
  emitter:
    description: For which implementation C(ingress2gateway) writes; V(standard) uses the Gateway API alone.
    type: str
    choices: [standard, envoy-gateway, kgateway]
    default: standard
  program:
    description: The program C(ingress2gateway) on the controller.
    type: str
    default: ingress2gateway
  folder:
    description: The folder on the controller; needed with O(state=converted).
    type: path
"""

EXAMPLES = r"""
- name: Write routes to review
  kubestd.platform.ingress_migration:
    state: converted
    folder: migrate-ingress
"""

RETURN = r"""
ingresses:
  description: The Ingresses and what becomes of them.
  returned: always
  type: list
  elements: dict
  sample:
    - {"name": "shop/web", "hosts": ["shop.example.com"], "becomes": "lost", "address": "192.0.2.10", "lost": ["server-snippet: it is text for nginx"]}
files:
  description: Names of the files below C(routes).
  returned: always
  type: list
  elements: str
  sample: ["shop.httproute.web-shop-example-com.yaml"]
kept:
  description: Files that somebody has edited, and that stayed as they were.
  returned: always
  type: list
  elements: str
  sample: []
report:
  description: The report in Markdown.
  returned: always
  type: str
  sample: "# From Ingresses to routes"
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._errors import KubestdError
from ..module_utils._ingress.run import Migration
from ..module_utils._kubeconfig import KUBE_ARGUMENTS

REQUIRED = {"type": "str", "required": True}
ARGUMENTS = {
    "state": {"type": "str", "choices": ["inventory", "converted"], "default": "inventory"},
    "ingress_class": {"type": "str", "default": "nginx"},
    "namespaces": {"type": "list", "elements": "str", "default": []},
    "gateway": {
        "type": "dict",
        "options": {"name": REQUIRED, "namespace": REQUIRED},
        "default": {"name": "platform", "namespace": "gateway-system"},
    },
    "emitter": {"type": "str", "choices": ["standard", "envoy-gateway", "kgateway"], "default": "standard"},
    "program": {"type": "str", "default": "ingress2gateway"},
    "folder": {"type": "path"},
}


def main() -> None:
    """Run the module."""
    needs = [("state", "converted", ["folder"])]
    module = AnsibleModule({**KUBE_ARGUMENTS, **ARGUMENTS}, required_if=needs, supports_check_mode=True)
    try:
        result = Migration(module.params).run(module.check_mode)
    except KubestdError as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
