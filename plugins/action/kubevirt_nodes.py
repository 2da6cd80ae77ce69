# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""kubevirt_nodes, without a process of its own on a local connection."""

from __future__ import annotations

from ..modules import kubevirt_nodes
from ..plugin_utils.in_process import InProcess


class ActionModule(InProcess):
    """Run the module."""

    module = kubevirt_nodes
