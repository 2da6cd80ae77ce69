# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The health of one object: the rule of its kind, or what all controllers write."""

from __future__ import annotations

from typing import Any

from .builtin import BUILTIN
from .custom import CUSTOM
from .kstatus import judge
from .model import MISSING, PROGRESSING, UNKNOWN, Health


def object_health(found: dict[str, Any] | None) -> Health:
    """How an object is; None is one that is not there. Never raises: a status that makes no sense is Unknown."""
    if found is None:
        return Health(MISSING, "is not there")
    try:
        metadata = found.get("metadata") or {}
        key = (str(found.get("apiVersion") or "").rpartition("/")[0], str(found.get("kind")))
        if metadata.get("deletionTimestamp") and key != ("", "Namespace"):
            held = ", ".join(metadata.get("finalizers") or [])
            return Health(
                PROGRESSING,
                f"is being deleted since {metadata['deletionTimestamp']}" + (f", held by {held}" if held else ""),
            )
        return (CUSTOM.get(key) or BUILTIN.get(key) or judge)(found)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        return Health(UNKNOWN, f"its status cannot be understood ({error})")
