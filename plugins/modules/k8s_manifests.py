#!/usr/bin/python
# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: k8s_manifests
short_description: A named set of objects is as described
description:
  - Applies objects with server-side apply under the field manager C(kubestd.platform), as one set with a name.
  - CRDs and namespaces come first, and the rest waits until they are in use. What a webhook or a missing kind refuses for now is tried
    again until O(timeout), while the other objects go on.
  - Objects that left the description are deleted. What a set has is written down in the ConfigMap C(kubestd-set-NAME), and each object
    carries the label C(kubestd.platform/set).
  - An object that has everything that is described costs one request and is not sent again.
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
    description: The API server is asked what it would do.
  diff_mode:
    support: full
    description: Data of Secrets is masked.
  idempotent:
    support: full
    description: A second run changes nothing.
options:
  name:
    description: Name of the set, unique in O(namespace).
    type: str
    required: true
  namespace:
    description: Namespace of objects that name none, and of the record of the set.
    type: str
    default: default
  objects:
    description: Objects.
    type: list
    elements: dict
    default: []
  files:
    description: Paths of YAML files with objects, on the machine the module runs on.
    type: list
    elements: path
    default: []
  urls:
    description: Addresses of YAML files with objects. They are kept by digest, so that they are downloaded once.
    type: list
    elements: dict
    default: []
    suboptions:
      url:
        description: The address.
        type: str
        required: true
      sha256:
        description: SHA-256 of the file; anything else is refused.
        type: str
        required: true
      ca_cert:
        description: Path of the certificate authority of the server.
        type: path
  kustomize:
    description:
      - Objects that kustomize makes of a folder in an archive. What is built is kept by the digest of the archive, the folder and what is laid over it,
        so that an unchanged one is neither downloaded nor built again.
      - The archive has to have everything. What a kustomization names elsewhere is refused, since the digest says nothing of it.
    type: list
    elements: dict
    default: []
    suboptions:
      url:
        description: Address of a tar archive, compressed or not. A folder that everything in it is in does not count in paths.
        type: str
        required: true
      sha256:
        description: SHA-256 of the archive; anything else is refused.
        type: str
        required: true
      ca_cert:
        description: Path of the certificate authority of the server.
        type: path
      path:
        description: Folder in the archive.
        type: str
        default: .
      archives:
        description: Archives that stand for what kustomizations name elsewhere, which would be refused otherwise.
        type: list
        elements: dict
        default: []
        suboptions:
          reference:
            description: Beginning of what kustomizations name, for example V(https://github.com/argoproj/argo-workflows).
            type: str
            required: true
          url:
            description: Address of the archive.
            type: str
            required: true
          sha256:
            description: SHA-256 of the archive.
            type: str
            required: true
      overlay:
        description: A kustomization, as kustomize defines it, that stands in this folder instead of what is there, for example with C(resources) and
          C(patches).
        type: dict
        default: {}
      take:
        description: Which of the objects. CRDs have a set of their own where they are to stay when the rest is taken away.
        type: str
        choices: [all, crds, others]
        default: all
  kustomize_program:
    description: Program that builds; C(kustomize), or C(kubectl), which has it, too.
    type: str
    default: kustomize
  prune:
    description: Whether objects that are in the set and not described any more are deleted.
    type: bool
    default: true
  force_conflicts:
    description: Whether fields that another manager has set are taken over. Without it the module fails and names them with their owner.
    type: bool
    default: false
  timeout:
    description: Seconds until everything is accepted, or gone.
    type: int
    default: 300
  state:
    description:
      - Whether the objects are there.
      - With V(absent) everything that the set ever had is deleted, custom resources before their definitions, and is waited for.
    type: str
    choices: [present, absent]
    default: present
"""

EXAMPLES = r"""
- name: Give MetalLB its addresses
  kubestd.platform.k8s_manifests:
    name: metallb
    namespace: metallb-system
    objects:
      - apiVersion: metallb.io/v1beta1
        kind: IPAddressPool
        metadata:
          name: default
        spec:
          addresses:
            - 192.0.2.10-192.0.2.20

- name: Install the Gateway API
  kubestd.platform.k8s_manifests:
    name: gateway-api
    urls:
      - url: https://github.com/kubernetes-sigs/gateway-api/releases/download/v1.6.1/standard-install.yaml
        sha256: 4f1b0f3e8a1f0e0a3c1f7a4d6e3f9a0c2b7f8d1e5c6a9b0d4e2f1a3c5b7d9e8f
"""

RETURN = r"""
objects:
  description: Every object of the set and what was done to it, deleted ones last.
  returned: always
  type: list
  elements: dict
  contains:
    kind:
      description: Kind.
      type: str
      sample: IPAddressPool
    namespace:
      description: Namespace, empty for objects without one.
      type: str
      sample: metallb-system
    name:
      description: Name.
      type: str
      sample: default
    action:
      description: V(created), V(changed), V(unchanged) or V(deleted).
      type: str
      sample: created
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._errors import KubestdError
from ..module_utils._kubeconfig import KUBE_ARGUMENTS, access
from ..module_utils._manifests.plan import checked
from ..module_utils._manifests.read import gather
from ..module_utils._manifests.run import ManifestSet, reconcile
from ..module_utils._objects import Objects
from ..module_utils._release.run import cache_folder


def main() -> None:
    """Run the module."""
    required = {"type": "str", "required": True}
    pinned = {"url": required, "sha256": required}
    url = {**pinned, "ca_cert": {"type": "path"}}
    kustomization = {
        **url,
        "path": {"type": "str", "default": "."},
        "archives": {"type": "list", "elements": "dict", "default": [], "options": {"reference": required, **pinned}},
        "overlay": {"type": "dict", "default": {}},
        "take": {"type": "str", "choices": ["all", "crds", "others"], "default": "all"},
    }
    module = AnsibleModule(
        argument_spec={
            **KUBE_ARGUMENTS,
            "name": {"type": "str", "required": True},
            "namespace": {"type": "str", "default": "default"},
            "objects": {"type": "list", "elements": "dict", "default": []},
            "files": {"type": "list", "elements": "path", "default": []},
            "urls": {"type": "list", "elements": "dict", "default": [], "options": url},
            "kustomize": {"type": "list", "elements": "dict", "default": [], "options": kustomization},
            "kustomize_program": {"type": "str", "default": "kustomize"},
            "prune": {"type": "bool", "default": True},
            "force_conflicts": {"type": "bool", "default": False},
            "timeout": {"type": "int", "default": 300},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        },
        supports_check_mode=True,
    )
    options = module.params
    try:
        found = checked(*gather(options, cache_folder()))
        objects = Objects(access(options).client())
        manifests = ManifestSet(
            objects, options["name"], options["namespace"], options["timeout"], options["force_conflicts"]
        )
        result = reconcile(manifests, options, found, module.check_mode)
    except KubestdError as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
