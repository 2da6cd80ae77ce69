# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: component
short_description: Carry out a verb on the record of a system
description:
  - A record says what a system is, with its secrets, Helm releases, objects and checks, in stages. This carries it out on the controller.
  - Use the role P(kubestd.platform.component#role), whose argument spec describes the record down to its last option.
author:
  - kubestd.platform contributors (@kubestd)
extends_documentation_fragment:
  - kubestd.platform.kube
attributes:
  check_mode:
    support: full
    description: Says what would be done, also before there is a cluster.
  diff_mode:
    support: full
    description: What is secret is masked.
  idempotent:
    support: full
    description: A second run changes nothing.
options:
  record:
    description: The record, free-form here.
    type: dict
    required: true
  action:
    description:
      - The verb. V(plan) is V(release) in check mode.
      - V(describe) asks nobody. It only sets the fact C(component_description), which M(kubestd.platform.architecture) reads.
      - V(hand_over) writes the system as Applications of Argo CD to a folder.
      - What Argo CD owns, by an Application of the system or the annotation on its objects, is changed by V(release) and V(remove) only with O(take_back).
    type: str
    choices: [release, plan, health, remove, describe, bundle, hand_over]
    default: release
  timeout:
    description: Seconds for each stage.
    type: int
    default: 600
  mirror:
    description: As O(kubestd.platform.helm_oci#module:mirror).
    type: dict
  registry:
    description: As O(kubestd.platform.helm_oci#module:registry).
    type: dict
  helm:
    description: The helm program.
    type: str
    default: helm
  cosign:
    description: The cosign program.
    type: str
    default: cosign
  drift:
    description: As O(kubestd.platform.helm_oci#module:drift), for all releases of the record.
    type: str
    choices: [ignore, report, repair]
  pins:
    description: Digests of charts, as C(playbooks/lock.yml) writes them, free-form; C(ref@version) is the key. A pin of the record wins.
    type: dict
  remove_data:
    description: Whether V(remove) takes claims, generated secrets and the namespace too.
    type: bool
    default: false
  take_back:
    description: Whether what Argo CD owns is taken back. Its Applications are deleted without their objects.
    type: bool
    default: false
  hand_over:
    description: Where V(hand_over) writes to, and what Applications say, as P(kubestd.platform.component#role) describes it.
    type: dict
"""

EXAMPLES = r"""
- name: Release a system of your own
  kubestd.platform.component:
    record:
      name: demo
      stages:
        - releases:
            - name: demo
              chart:
                ref: oci://registry.example.com/charts/demo
                version: 1.0.0
    kubeconfig: ~/.kube/config
"""

RETURN = r"""
actions:
  description: What was done, a sentence each.
  returned: always
  type: list
  elements: str
  sample: ["install demo"]
checks:
  description: As RV(kubestd.platform.k8s_health#module:checks).
  returned: success
  type: list
  elements: dict
  sample: []
releases:
  description: As RV(kubestd.platform.helm_oci_info#module:releases), of this system.
  returned: success
  type: list
  elements: dict
  sample: []
kept:
  description: What stays after V(remove), a phrase each.
  returned: success
  type: list
  elements: str
  sample: ["PersistentVolumeClaim harbor/data-harbor-database-0"]
owner:
  description: Who owns the system instead of this collection; empty when it does.
  returned: success
  type: str
  sample: Argo CD (Application argocd/harbor)
applications:
  description: Names of the Applications that were written.
  returned: with V(hand_over)
  type: list
  elements: str
  sample: ["harbor", "harbor-objects"]
blocked_by:
  description: Systems that failed in this run, without which this one was not tried.
  returned: when it was not tried
  type: list
  elements: str
  sample: ["rook_ceph"]
passed:
  description: Whether all checks passed.
  returned: success
  type: bool
  sample: true
message:
  description: In one sentence how it went.
  returned: success
  type: str
  sample: released
seconds:
  description: How long it took.
  returned: always
  type: float
  sample: 12.3
"""
