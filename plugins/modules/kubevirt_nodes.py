#!/usr/bin/python
# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: kubevirt_nodes
short_description: What nodes can do for virtual machines, and whether KubeVirt may go
description:
  - Says which nodes have KVM, whether virtual machines have to be emulated, and which machines are there.
  - Refuses a cluster none of whose nodes is a control plane by its labels (those of managed clusters are not seen), since upstream's operator runs
    nowhere else.
  - Refuses to remove KubeVirt while there are virtual machines or volumes of theirs, and with O(remove_data) tells its operators to let them go.
  - A cluster that does not answer is not refused; who installs will say so.
version_added: 0.1.0
author:
  - kubestd.platform contributors (@kubestd)
requirements:
  - PyYAML
extends_documentation_fragment:
  - kubestd.platform.kube
attributes:
  check_mode:
    support: full
    description: Says what would be done.
  diff_mode:
    support: none
    description: There is nothing to compare.
  idempotent:
    support: full
    description: An operator that was told is not told again.
options:
  problems:
    description: Sentences that the role already knows; with any the module fails before it asks anybody.
    type: list
    elements: str
    default: []
  remove:
    description: Whether KubeVirt is about to be removed.
    type: bool
    default: false
  remove_data:
    description: Whether all machines may be lost with it.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Ask whether virtual machines have to be emulated
  kubestd.platform.kubevirt_nodes:
  register: nodes
"""

RETURN = r"""
nodes:
  description: Nodes, whether KubeVirt found KVM on them, and whether they are control planes.
  returned: success
  type: list
  elements: dict
  sample: [{"name": "w1", "kvm": true, "control_plane": false}]
emulation:
  description: V(no) when a node has KVM, V(yes) when KubeVirt runs and none has, V(unknown) when KubeVirt does not run yet.
  returned: success
  type: str
  sample: 'no'
machines:
  description: Virtual machines and their volumes.
  returned: success
  type: list
  elements: str
  sample: ["VirtualMachine shop/web"]
actions:
  description: What was done, or would be.
  returned: success
  type: list
  elements: str
  sample: ["let KubeVirt kubevirt go with all machines"]
"""

from dataclasses import asdict

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._errors import KubestdError
from ..module_utils._kubeconfig import KUBE_ARGUMENTS
from ..module_utils._kubevirt.cluster import allow_removal, connected, look
from ..module_utils._kubevirt.plan import nowhere, refusal


def main() -> None:
    """Run the module."""
    switch = {"type": "bool", "default": False}
    texts = {"type": "list", "elements": "str", "default": []}
    arguments = {**KUBE_ARGUMENTS, "problems": texts, "remove": switch, "remove_data": switch}
    module = AnsibleModule(arguments, supports_check_mode=True)
    options = module.params
    if options["problems"]:
        module.fail_json(msg=" ".join(options["problems"]))
    result = {"nodes": [], "emulation": "unknown", "machines": [], "actions": []}
    try:
        objects = connected(options)
        if objects is not None:
            nodes, result["emulation"], result["machines"] = look(objects)
            result["nodes"] = [asdict(node) for node in nodes]
            leaving = options["remove"] and not options["remove_data"]
            said = refusal(result["machines"]) if leaving else "" if options["remove"] else nowhere(nodes)
            if said:
                raise KubestdError(said)
            if options["remove"] and options["remove_data"]:
                result["actions"] = allow_removal(objects, module.check_mode)
    except KubestdError as error:
        module.fail_json(msg=str(error), **result)
    module.exit_json(changed=bool(result["actions"]), **result)


if __name__ == "__main__":
    main()
