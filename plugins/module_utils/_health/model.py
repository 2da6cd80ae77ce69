# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The words of health: Argo CD's six states, and what is said about one object."""

from __future__ import annotations

from dataclasses import dataclass

HEALTHY = "Healthy"
PROGRESSING = "Progressing"
DEGRADED = "Degraded"
SUSPENDED = "Suspended"
MISSING = "Missing"
UNKNOWN = "Unknown"
STATES = (HEALTHY, SUSPENDED, UNKNOWN, PROGRESSING, MISSING, DEGRADED)  # from best to worst


@dataclass(frozen=True)
class Health:
    """How one object is.

    status: one of STATES. message: a sentence or '' (always one when the status is not Healthy).
    hopeless: waiting longer cannot mend it, somebody has to change something (an image that cannot be pulled,
    a failed Job); a wait ends early on it.
    """

    status: str
    message: str = ""
    hopeless: bool = False

    @property
    def ok(self) -> bool:
        """Healthy, or deliberately at rest."""
        return self.status in (HEALTHY, SUSPENDED)
