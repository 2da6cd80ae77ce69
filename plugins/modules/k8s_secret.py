#!/usr/bin/python
# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: k8s_secret
short_description: A Secret with random contents, made once
description:
  - Makes the keys of a Secret that are not there yet with random contents, and never changes one that is there.
  - The contents never leave the cluster. Neither results nor diffs have them.
author:
  - kubestd.platform contributors (@kubestd)
requirements:
  - PyYAML
  - cryptography, for private and public keys
  - bcrypt, for htpasswd
extends_documentation_fragment:
  - kubestd.platform.kube
  - kubestd.platform.kube.in_process
attributes:
  check_mode:
    support: full
    description: Says what would be made.
  diff_mode:
    support: full
    description: Shows names of keys, never contents.
  idempotent:
    support: full
    description: A second run changes nothing.
options:
  name:
    description: Name of the Secret.
    type: str
    required: true
  namespace:
    description: Its namespace; it is made when it is not there.
    type: str
    required: true
  labels:
    description: Labels it gets; others that it has stay.
    type: dict
    default: {}
  annotations:
    description: Annotations it gets; others that it has stay.
    type: dict
    default: {}
  type:
    description: Type of a Secret that is made.
    type: str
    default: Opaque
  keys:
    description: The keys. One that is not described stays as it is.
    type: list
    elements: dict
    default: []
    suboptions:
      key:
        description: Its name.
        type: str
        required: true
      format:
        description:
          - What it is made of. V(password) has letters and digits; V(hex), V(base64) and V(uuid) are random bytes; private keys are PEM.
          - V(public_key) and V(htpasswd) are made from another key, O(keys[].from_key).
          - V(text) is O(keys[].text), with other keys in it where it names some. Nothing of it is random, so that it follows them and its own words.
        type: str
        choices: [password, hex, base64, uuid, rsa_private_key, ec_private_key, public_key, htpasswd, text]
        default: password
      length:
        description: Number of characters of a password, or of random bytes.
        type: int
        default: 32
      bits:
        description: Size of a private key; without it 4096 for RSA and 256 for EC.
        type: int
      from_key:
        description: Name of the key of this Secret that this one is made from.
        type: str
      user:
        description: Name of the user in an htpasswd line.
        type: str
      text:
        description: A text in which C(${KEY}) stands for the content of another key of this Secret.
        type: str
  copies:
    description: Namespaces that get a copy, which is kept equal. They are made when they are not there.
    type: list
    elements: str
    default: []
  state:
    description: Whether the Secret is there. With V(absent) its copies in O(copies) go too.
    type: str
    choices: [present, absent]
    default: present
"""

EXAMPLES = r"""
- name: Make the passwords of Harbor once
  kubestd.platform.k8s_secret:
    name: harbor-generated
    namespace: harbor
    keys:
      - key: HARBOR_ADMIN_PASSWORD
      - key: secretKey
        length: 16
      - key: REGISTRY_PASSWD
      - key: REGISTRY_HTPASSWD
        format: htpasswd
        user: harbor_registry_user
        from_key: REGISTRY_PASSWD
"""

RETURN = r"""
actions:
  description: What was done, or would be done in check mode, a sentence each.
  returned: always
  type: list
  elements: str
  sample: ["make the secret harbor/harbor-generated"]
made:
  description: Names of the keys that were made.
  returned: always
  type: list
  elements: str
  sample: ["secretKey"]
key_names:
  description: Names of all keys it has.
  returned: always
  type: list
  elements: str
  sample: ["HARBOR_ADMIN_PASSWORD", "secretKey"]
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._errors import KubestdError
from ..module_utils._kubeconfig import KUBE_ARGUMENTS, access
from ..module_utils._objects import Objects
from ..module_utils._secret.plan import make_keys
from ..module_utils._secret.run import Store


def main() -> None:
    """Run the module."""
    keys = ["rsa_private_key", "ec_private_key", "public_key"]
    formats = ["password", "hex", "base64", "uuid", *keys, "htpasswd", "text"]
    key = {
        "key": {"type": "str", "required": True, "no_log": False},
        "format": {"type": "str", "choices": formats, "default": "password"},
        "length": {"type": "int", "default": 32},
        "bits": {"type": "int"},
        "from_key": {"type": "str", "no_log": False},
        "user": {"type": "str"},
        "text": {"type": "str"},
    }
    module = AnsibleModule(
        argument_spec={
            **KUBE_ARGUMENTS,
            "name": {"type": "str", "required": True},
            "namespace": {"type": "str", "required": True},
            "labels": {"type": "dict", "default": {}},
            "annotations": {"type": "dict", "default": {}},
            "type": {"type": "str", "default": "Opaque"},
            "keys": {"type": "list", "elements": "dict", "default": [], "options": key, "no_log": False},
            "copies": {"type": "list", "elements": "str", "default": []},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        },
        supports_check_mode=True,
    )
    try:
        store = Store(Objects(access(module.params).client()), module.params, make_keys(module.params["keys"]))
        present = module.params["state"] == "present"
        result = store.present(module.check_mode) if present else store.absent(module.check_mode)
    except KubestdError as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
