# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""EXPERIMENT of branch h-waiter: the real one comes from h-rules."""

from __future__ import annotations

from typing import Any

from .model import DEGRADED, HEALTHY, MISSING, PROGRESSING, Health

BAD = {"ImagePullBackOff", "ErrImagePull", "CrashLoopBackOff", "InvalidImageName", "CreateContainerConfigError"}


def object_health(obj: dict[str, Any] | None) -> Health:
    """How an object is."""
    if obj is None:
        return Health(MISSING, "not there")
    kind, spec, status = obj.get("kind"), obj.get("spec", {}), obj.get("status", {})
    if kind in ("Deployment", "StatefulSet"):
        want, have = spec.get("replicas", 1), status.get("availableReplicas", 0)
        if status.get("observedGeneration", 0) < obj["metadata"].get("generation", 0) or have < want:
            return Health(PROGRESSING, f"{have}/{want} available")
    if kind == "Job":
        for condition in status.get("conditions", []):
            if condition["type"] == "Failed" and condition["status"] == "True":
                return Health(DEGRADED, f"failed: {condition.get('message', '')}", True)
            if condition["type"] == "Complete" and condition["status"] == "True":
                return Health(HEALTHY)
        return Health(PROGRESSING, "runs")
    if kind == "PersistentVolumeClaim" and status.get("phase") != "Bound":
        return Health(PROGRESSING, "not bound")
    if (
        kind == "Service"
        and spec.get("type") == "LoadBalancer"
        and not status.get("loadBalancer", {}).get("ingress")
    ):
        return Health(PROGRESSING, "has no address yet")
    if kind == "Pod":
        for one in status.get("containerStatuses", []):
            waiting = one.get("state", {}).get("waiting")
            if waiting and waiting.get("reason") in BAD:
                return Health(
                    DEGRADED, f"container {one['name']}: {waiting['reason']}: {waiting.get('message', '')}", True
                )
        if status.get("phase") in ("Running", "Succeeded"):
            return Health(HEALTHY)
        return Health(PROGRESSING, status.get("phase", "Pending"))
    return Health(HEALTHY)
