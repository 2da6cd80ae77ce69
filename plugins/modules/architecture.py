# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: architecture
short_description: The architecture that an inventory describes, as a picture
author:
  - kubestd.platform contributors (@kubestd)
description:
  - Takes what the systems of the platform have said to the verb V(describe) of P(kubestd.platform.component#role) in the same run.
  - Draws a row for each layer, a box for each system, and a line where one is installed after another or its settings name an address of another.
  - Asks no cluster and no machine.
options:
  path:
    description:
      - Where to write it, on the controller.
      - V(.svg) is the picture alone. V(.html) is a page that needs nothing else, with tables of the systems, of who talks to whom, and of the ports that
        network policies open.
    type: path
    required: true
  title:
    description: Title of the picture and the page.
    type: str
    default: The platform
attributes:
  check_mode:
    support: full
    description: Says whether the file would be another one.
  diff_mode:
    support: none
    description: A picture has no lines to compare.
  idempotent:
    support: full
    description: The same inventory gives the same bytes.
"""

EXAMPLES = r"""
- name: Draw the architecture
  kubestd.platform.architecture:
    path: docs/architecture.svg
  run_once: true
"""

RETURN = r"""
path:
  description: Where it was written.
  returned: always
  type: str
  sample: /root/kubestd-architecture.html
links:
  description: Who uses whom.
  returned: always
  type: list
  elements: dict
  contains:
    source:
      description: The system that uses the other, by its name in the inventory.
      returned: always
      type: str
      sample: harbor
    target:
      description: The system that is used.
      returned: always
      type: str
      sample: rook_ceph
    kind:
      description: V(needs) when it is installed after it, V(talks) when its settings name an address of it, V(both) when both.
      returned: always
      type: str
      sample: both
"""
