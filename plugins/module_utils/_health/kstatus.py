# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The health of any object by what all controllers write: observedGeneration and conditions.

https://github.com/kubernetes-sigs/cli-utils/blob/master/pkg/kstatus/README.md
"""

from __future__ import annotations

from typing import Any

from .model import DEGRADED, HEALTHY, PROGRESSING, Health

BAD = ("Stalled", "Failed", "Failure", "Degraded")
GOOD = ("Ready", "Available", "Healthy", "Succeeded", "Complete", "Completed", "Established", "Synced", "Accepted")


def conditions(found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The conditions of an object by their type."""
    status = found.get("status") or {}
    return {item["type"]: item for item in status.get("conditions") or [] if isinstance(item, dict) and "type" in item}


def told(condition: dict[str, Any]) -> str:
    """Reason and message of a condition in one line."""
    parts = [str(condition[name]) for name in ("reason", "message") if condition.get(name)]
    return " ".join(": ".join(parts).split()) or f"{condition.get('type')} is {condition.get('status')}"


def outdated(found: dict[str, Any]) -> Health | None:
    """Progressing when the controller has not seen the latest change, None when it has or does not say."""
    generation = found.get("metadata", {}).get("generation")
    seen = (found.get("status") or {}).get("observedGeneration")
    if isinstance(seen, str) and seen.isdecimal():  # Argo Rollouts and Istio write it as text
        seen = int(seen)
    if isinstance(generation, int) and isinstance(seen, int) and seen < generation:
        return Health(PROGRESSING, f"generation {seen} of {generation} was seen by its controller")
    return None


def judge(found: dict[str, Any]) -> Health:
    """Health of an object of an unknown kind; one without conditions is healthy because it exists."""
    old = outdated(found)
    if old:
        return old
    has = conditions(found)
    for name in BAD:
        if has.get(name, {}).get("status") == "True":
            return Health(DEGRADED, told(has[name]))
    if has.get("Reconciling", {}).get("status") == "True":
        return Health(PROGRESSING, told(has["Reconciling"]))
    for name in GOOD:
        if name in has and has[name].get("status") != "True":
            return Health(PROGRESSING, told(has[name]))
    return Health(HEALTHY)
