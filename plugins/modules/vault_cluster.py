#!/usr/bin/python
# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: vault_cluster
short_description: Initialise, unseal and join the servers of a HashiCorp Vault or OpenBao, and set it up
description:
  - Looks at all servers, makes a plan of what they still need, and carries it out. A run that ended anywhere is finished by the next one.
  - Keys are made once. The server encrypts them with the PGP keys of their holders before anybody sees them, and the module writes them to files
    on the controller that exist before the keys do. Neither results nor logs have them.
  - A server that unseals itself (transit, KMS) needs no keys; then the files have recovery keys.
author:
  - kubestd.platform contributors (@kubestd)
requirements:
  - PyYAML
extends_documentation_fragment:
  - kubestd.platform.kube
attributes:
  check_mode:
    support: full
    description: Says the next steps.
  diff_mode:
    support: full
    description: Shows the state of the servers before and after, never keys.
  idempotent:
    support: full
    description: A second run changes nothing, but for O(writes) of what a server does not show, as passwords.
options:
  name:
    description: Name of the cluster; the files with keys begin with it.
    type: str
    default: vault
  servers:
    description: All servers. The first is initialised when none has data.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Its name; that of its pod when O(namespace) is given.
        type: str
        required: true
      address:
        description: Where the other servers reach it, for example V(https://vault-0.vault-internal:8200).
        type: str
        required: true
  namespace:
    description:
      - Namespace of the pods. With it they are asked through the proxy of the API server, which needs nothing but a kubeconfig; the API server does not
        check the certificates of pods.
      - Without it servers are asked at their addresses.
    type: str
  port:
    description: Port of the pods.
    type: int
    default: 8200
  server_ca:
    description: Path or PEM text of the certificate authority of servers that are asked at their addresses. A joining server is told it.
    type: str
  tls_secret:
    description: Name of the Secret in O(namespace) whose C(ca.crt) a joining server is told.
    type: str
  pgp_keys:
    description: PGP public keys, armored or as base64, one for each holder of a share. The first also gets the root token. Needed for the first run.
    type: list
    elements: str
    default: []
  threshold:
    description: How many shares open a server.
    type: int
    default: 3
  keys_folder:
    description: Folder on the controller for encrypted keys. Holders read theirs by C(gpg --decrypt).
    type: path
    default: ~/.kubestd/keys
  unseal_keys:
    description: Decrypted shares, for servers that are sealed and do not unseal themselves.
    type: list
    elements: str
    default: []
  token:
    description: A token for O(mounts), O(policies) and O(writes), which are left alone without one.
    type: str
  mounts:
    description: Secrets engines, auth methods and audit devices that are there. Others stay.
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description: Where it is.
        type: str
        required: true
      kind:
        description: What it is. OpenBao takes audit devices from its configuration file only.
        type: str
        choices: [secret, auth, audit]
        default: secret
      type:
        description: Its type, for example V(kv).
        type: str
        required: true
      description:
        description: For people.
        type: str
      options:
        description: Its options; free-form as the type defines them. A C(kv) has its C(version) here.
        type: dict
        default: {}
  policies:
    description: Texts of ACL policies by name.
    type: dict
    default: {}
  writes:
    description: Data that are at a path, in order. What a server has besides stays.
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description: The path.
        type: str
        required: true
      data:
        description: The data; free-form as the path defines them.
        type: dict
        default: {}
      creates:
        description: Written only when nothing can be read at this path.
        type: str
  timeout:
    description: Seconds until all servers have to serve, when keys are there.
    type: int
    default: 120
"""

EXAMPLES = r"""
- name: Make a cluster of three, or open it after a restart
  kubestd.platform.vault_cluster:
    namespace: vault
    tls_secret: vault-tls
    servers:
      - {name: vault-0, address: "https://vault-0.vault-internal:8200"}
      - {name: vault-1, address: "https://vault-1.vault-internal:8200"}
      - {name: vault-2, address: "https://vault-2.vault-internal:8200"}
    pgp_keys: "{{ holders | map('ansible.builtin.extract', public_keys) }}"
    unseal_keys: "{{ decrypted_shares | default([]) }}"

- name: Set it up
  kubestd.platform.vault_cluster:
    servers:
      - {name: a, address: "https://192.0.2.10:8200"}
    server_ca: /etc/ssl/platform-ca.pem
    token: "{{ vault_token }}"
    mounts:
      - {path: kv, type: kv, options: {version: 2}}
      - {path: kubernetes, kind: auth, type: kubernetes}
    writes:
      - path: auth/kubernetes/config
        data: {kubernetes_host: "https://kubernetes.default.svc"}
"""

RETURN = r"""
actions:
  description: What was done, or would be done in check mode, a phrase each.
  returned: success
  type: list
  elements: str
  sample: ["initialise vault-0"]
initialized:
  description: Whether a server has data.
  returned: success
  type: bool
  sample: true
ready:
  description: Whether all servers serve, and one of them leads.
  returned: success
  type: bool
  sample: false
waiting_for:
  description: What a person has to do before more can be done; empty when nothing.
  returned: success
  type: str
  sample: 3 unseal keys in unseal_keys (0 given) for vault-0
msg:
  description: How the servers are, and what they wait for.
  returned: always
  type: str
  sample: "vault-0: sealed. It waits for 3 unseal keys in unseal_keys (0 given) for vault-0."
servers:
  description: How each server is.
  returned: success
  type: list
  elements: dict
  sample: [{name: vault-0, state: sealed}]
key_files:
  description: Files that were written with encrypted keys.
  returned: success
  type: list
  elements: str
  sample: ["/srv/keys/vault-unseal-1.gpg"]
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._errors import KubestdError
from ..module_utils._kubeconfig import KUBE_ARGUMENTS
from ..module_utils._vault.run import result


def main() -> None:
    """Run the module."""
    text, free = {"type": "str"}, {"type": "dict", "default": {}}
    must = {"type": "str", "required": True}
    kinds = {"type": "str", "choices": ["secret", "auth", "audit"], "default": "secret"}
    mount = {"path": must, "kind": kinds, "type": must, "description": text, "options": free}
    several = {"type": "list", "elements": "dict", "default": []}
    secret = {"type": "list", "elements": "str", "default": [], "no_log": True}
    module = AnsibleModule(
        argument_spec={
            **KUBE_ARGUMENTS,
            "name": {"type": "str", "default": "vault"},
            "servers": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": {"name": must, "address": must},
            },
            "namespace": text,
            "port": {"type": "int", "default": 8200},
            "server_ca": text,
            "tls_secret": {"type": "str", "no_log": False},
            "pgp_keys": {"type": "list", "elements": "str", "default": [], "no_log": False},
            "threshold": {"type": "int", "default": 3},
            "keys_folder": {"type": "path", "default": "~/.kubestd/keys", "no_log": False},
            "unseal_keys": secret,
            "token": {"type": "str", "no_log": True},
            "mounts": {**several, "options": mount},
            "policies": free,
            "writes": {**several, "options": {"path": must, "data": free, "creates": text}},
            "timeout": {"type": "int", "default": 120},
        },
        supports_check_mode=True,
    )
    try:
        done = result(module.params, module.check_mode)
    except KubestdError as error:
        module.fail_json(msg=str(error))
    module.exit_json(**done)


if __name__ == "__main__":
    main()
