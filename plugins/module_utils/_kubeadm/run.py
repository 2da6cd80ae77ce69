# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From options to a result: look, plan, act, look again."""

from __future__ import annotations

import difflib
import os
from dataclasses import replace
from typing import Any

from .._errors import KubestdError
from . import process
from .actions import Node
from .config import without_secrets
from .plan import COMPONENTS, Action, Found, Plan, Wanted, make_plan
from .state import Place, look, render

# A killed init needs init or wait, then complete, then mark; one more round finds nothing to do.
ROUNDS = 5


class Refused(KubestdError):
    """The plan refuses; result is what the module returns beside the sentence."""

    def __init__(self, message: str, result: dict[str, Any]) -> None:
        super().__init__(message)
        self.result = result


def find(place: Place, wanted: Wanted) -> tuple[Wanted, Found, Plan]:
    """Look at the node and plan; kubeadm renders its manifests only for a control plane that has some."""
    found = look(place, wanted)
    plan = make_plan(wanted, found)
    if wanted.state == "present" and found.control_plane and found.complete_files and not plan.refusal:
        wanted = render(place, wanted, found)
        plan = make_plan(wanted, found)
    return wanted, found, plan


def run(options: dict[str, Any], check: bool) -> dict[str, Any]:
    """Bring the node to what the options ask for; raises KubestdError. The result has the same keys in check mode."""
    place = Place(
        "/", options["configuration"], options["api_endpoint"] or "", options["node_name"], options["kubeadm"]
    )
    wanted = Wanted(
        role=options["role"],
        state=options["state"],
        primary=options["primary"],
        node_name=options["node_name"],
        version=(options["version"] or "").lstrip("v"),
        endpoint=place.endpoint,
    )
    timeout = float(options["timeout"])
    with process.one_at_a_time(timeout) as lock:
        node = Node(place, wanted, options["credentials"] or {}, options["ignore_preflight_errors"], timeout, lock)
        return bring(node, check)


def bring(node: Node, check: bool) -> dict[str, Any]:
    """The rounds of one run."""
    done: list[Action] = []
    before = after = ""
    first: tuple[Wanted, Found, Plan] | None = None
    for _ in range(ROUNDS):
        node.wanted, found, plan = find(
            node.place, replace(node.wanted, manifests=None, cluster_configuration=None, kube_proxy=None)
        )
        first = first or (node.wanted, found, plan)
        fresh = list(plan.actions)
        again = [action for action in fresh if action in done]
        if again:
            raise KubestdError(
                f"{again[0].name} was done and {node.wanted.node_name} looks as before: {again[0].why}. Look at"
                " journalctl -u kubelet on it."
            )
        old, new = difference(fresh, node.wanted, found)
        before, after = before + old, after + new
        if plan.refusal:
            raise Refused(plan.refusal, result(node, first[1], found, plan, done, before, after))
        done += fresh
        if check or not fresh:
            break
        for action in fresh:
            node.carry_out(action, found)
            if action.name in ("reset", "clean"):
                found = look(node.place, node.wanted)
    return result(node, first[1] if first else found, found, first[2] if first else plan, done, before, after)


def difference(actions: list[Action], wanted: Wanted, found: Found) -> tuple[str, str]:
    """Before and after of what the actions rewrite, and one line for each other action."""
    before, after = "", ""
    for action in actions:
        pairs: list[tuple[str, str, str]] = []
        if action.name in ("configure", "restore"):
            pairs = [
                (
                    f"/etc/kubernetes/manifests/{name}.yaml",
                    found.manifests.get(name, ""),
                    (wanted.manifests or {})[name],
                )
                for name in action.about
                if name in COMPONENTS
            ]
        elif action.name == "upload":
            pairs = [
                (
                    "ConfigMap kube-system/kubeadm-config",
                    found.cluster_configuration or "",
                    wanted.cluster_configuration or "",
                )
            ]
        elif action.name == "kube_proxy":
            pairs = [("ConfigMap kube-system/kube-proxy", found.kube_proxy or "", wanted.kube_proxy or "")]
        else:
            after += f"{action.name}: {action.why}\n"
        for title, old, new in pairs:
            old_lines, new_lines = changed_lines(old, new)
            before, after = f"{before}# {title}\n{old_lines}", f"{after}# {title}\n{new_lines}"
    return without_secrets(before), without_secrets(after)


def changed_lines(old: str, new: str, context: int = 3) -> tuple[str, str]:
    """The parts of two texts around their differences."""
    left, right = old.splitlines(keepends=True), new.splitlines(keepends=True)
    kept_left, kept_right = [], []
    for group in difflib.SequenceMatcher(a=left, b=right, autojunk=False).get_grouped_opcodes(context):
        kept_left += left[group[0][1] : group[-1][2]]
        kept_right += right[group[0][3] : group[-1][4]]
    return "".join(kept_left), "".join(kept_right)


def describe(found: Found) -> dict[str, Any]:
    """What was found, for people and for conditions in playbooks."""
    return {
        "initialised": found.initialised,
        "control_plane": found.control_plane,
        "bare": found.bare,
        "kubeadm": found.kubeadm,
        "files": sorted(name for name in found.files if not name.startswith("pki/")),
        "half_written": list(found.half_written),
        "etcd_data": found.etcd_data,
        "api": found.api,
        "endpoint": found.endpoint,
        "same_cluster": found.same_cluster,
        "access": found.access,
        "cluster_version": found.cluster_version,
        "registered": found.registered,
        "marked": found.marked,
        "other_control_planes": None if found.other_control_planes is None else list(found.other_control_planes),
        "cluster_parts": None if found.cluster_parts is None else sorted(found.cluster_parts),
        "expired": list(found.expired),
        "leftovers": list(found.leftovers),
    }


def result(
    node: Node, first: Found, last: Found, plan: Plan, done: list[Action], before: str, after: str
) -> dict[str, Any]:
    """The module's return values."""
    wanted = node.wanted
    lines = [f"{action.name}: {action.why}" for action in done]
    return {
        "changed": any(action.changes for action in done),
        "actions": [{"name": action.name, "why": action.why} for action in done],
        "found": describe(first),
        "wanted": {
            "state": wanted.state,
            "role": wanted.role,
            "primary": wanted.primary,
            "node_name": wanted.node_name,
            "version": wanted.version,
            "api_endpoint": wanted.endpoint,
        },
        "needs_credentials": plan.needs_credentials,
        "node": {"registered": last.registered, "ready": last.ready, "pod_cidr": last.pod_cidr},
        "diff": {"before": before, "after": after},
        "msg": plan.refusal or "; ".join([*lines, *plan.notes]) or f"{wanted.node_name} is as wanted",
    }


def kubeadm_version(path: str) -> str | None:
    """Version of the kubeadm on this node; None when there is none."""
    if not os.access(path, os.X_OK):
        return None
    return process.kubeadm(path, ["version", "-o", "short"], "", 30.0).strip()
