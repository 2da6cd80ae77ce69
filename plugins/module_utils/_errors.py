# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one exception family of this collection; only a module's main() turns it into fail_json."""

from __future__ import annotations


class KubestdError(Exception):
    """A sentence for the operator: what is wrong, where, and what to do next."""
