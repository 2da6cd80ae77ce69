# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: health_report
short_description: What all machines have said about themselves, judged together
version_added: 0.1.0
author:
  - kubestd.platform contributors (@kubestd)
description:
  - Takes what the systems of the platform have said to the verb V(health) of P(kubestd.platform.component#role) in the same run.
  - Takes what M(kubestd.platform.node_health) and M(kubestd.platform.cluster_health) have registered on the hosts of the play, on the controller.
  - Shows a table, problems first, then one line for each area. What follows from something else stands in the line of its cause.
  - Fails when something is Degraded or Missing, so that C(ansible-playbook) ends with 2.
options:
  machine:
    description: Name of the variable that M(kubestd.platform.node_health) was registered in.
    type: str
    required: true
  cluster:
    description: Name of the variable that M(kubestd.platform.cluster_health) was registered in.
    type: str
    required: true
  path:
    description: Where to write the report as JSON; not written when empty.
    type: str
  html:
    description: Where to write the report as one page of HTML that needs nothing else; not written when empty.
    type: str
  title:
    description: Title of that page.
    type: str
    default: Platform health
  load_balancer:
    description: The mode and the virtual address of the load balancers.
    type: dict
    suboptions:
      mode:
        description: Where HAProxy runs.
        type: str
        choices: [dedicated, colocated, external]
      virtual_ip:
        description: The address that they share.
        type: str
      virtual_router_id:
        description: Not used here.
        type: int
      interface:
        description: Not used here.
        type: str
  endpoint:
    description: Host and port of the cluster's endpoint.
    type: str
  thresholds:
    description: Where healthy ends.
    type: dict
    suboptions:
      certificate_days:
        description: >-
          Days that a certificate must still be valid not to be mentioned, as Progressing, which is no failure. The default is 30.
          The kubelet's own are not counted, because it renews them itself.
        type: float
      certificate_degraded_days:
        description: Days that a certificate must still be valid not to be Degraded. The default is 7.
        type: float
      disk_free_percent:
        description: Part of a file system that must be free. The default is 10.
        type: float
      memory_free_percent:
        description: Part of the memory that must be available. The default is 5.
        type: float
      etcd_size_percent:
        description: Part of its quota that etcd's database may have. The default is 80.
        type: float
      young_seconds:
        description: Seconds in which a pod or node may still be starting. The default is 180.
        type: float
      request_seconds:
        description: Seconds that a request for a certificate may be pending. The default is 60.
        type: float
      clock_seconds:
        description: Seconds that a machine's clock may be off the controller's. The default is 2.
        type: float
attributes:
  check_mode:
    support: full
    description: Changes nothing in the cluster; writes O(path) all the same.
  diff_mode:
    support: none
    description: Changes nothing.
"""

EXAMPLES = r"""
- name: Say how everything is
  kubestd.platform.health_report:
    machine: health_machine
    cluster: health_cluster
    path: kubestd-health.json
  run_once: true
"""

RETURN = r"""
overall:
  description: The worst status of all lines.
  returned: always
  type: str
  sample: Healthy
lines:
  description: One line for each thing that is not Healthy.
  returned: always
  type: list
  elements: dict
  sample: [{subject: w1, area: nodes, check: kubelet, status: Degraded, message: "service is inactive (node NotReady)"}]
areas:
  description: One text for each area.
  returned: always
  type: dict
  sample: {nodes: 4 of 4 ready}
systems:
  description: One entry for each system of the platform, with its layer, status, checks and releases.
  returned: always
  type: list
  elements: dict
  sample: []
html:
  description: Where the page was written.
  returned: when O(html) is set
  type: str
  sample: /root/kubestd-health.html
not_looked_at:
  description: Hosts of the inventory outside of this run.
  returned: always
  type: list
  elements: str
  sample: []
path:
  description: Where the report was written.
  returned: always
  type: str
  sample: /root/kubestd-health.json
"""
