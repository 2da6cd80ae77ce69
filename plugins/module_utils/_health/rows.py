# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What most operators have in common, as makers of rules: conditions, a phase, the parents of a route, nothing at all."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from .kstatus import outdated, told
from .model import DEGRADED, HEALTHY, PROGRESSING, SUSPENDED, Health

Object = dict[str, Any]
SILENT = Health(PROGRESSING, "its controller has not reported yet")


@dataclass(frozen=True)
class Rule:
    """How the objects of a kind are judged.

    judge: says it of one object. paths: what it reads, dotted; a contract test looks for them in the CRDs.
    """

    judge: Callable[[Object], Health]
    paths: tuple[str, ...] = ()

    def __call__(self, found: Object) -> Health:
        return self.judge(found)


def at(found: Any, path: str) -> Any:
    """The value at a dotted path, None when there is none."""
    for part in path.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return found


def reads(judge: Callable[[Object], Health], *paths: str) -> Rule:
    """The rule that judges so and reads these paths."""
    return Rule(judge, paths)


def resting(path: str, rule: Rule, text: str = "is paused") -> Rule:
    """At rest while the path says so (spec.paused, spec.suspend), else what the rule says."""
    return reads(lambda found: Health(SUSPENDED, text) if at(found, path) is True else rule(found), path, *rule.paths)


def volunteered(path: str, rule: Rule) -> Rule:
    """Nobody has to report on it: healthy until something stands at the path, then what the rule says."""
    return reads(lambda found: rule(found) if at(found, path) else Health(HEALTHY), path, *rule.paths)


def listed(items: Any, generation: Any) -> dict[str, Object]:
    """Conditions by type, without those that speak of an older generation."""
    found = {}
    for item in items or []:
        seen = item.get("observedGeneration")
        if not (isinstance(seen, int) and isinstance(generation, int) and 0 < seen < generation):
            found[str(item.get("type"))] = item
    return found


def conditions(
    *types: str, failed: Collection[str] = (), hopeless: Collection[str] = (), bad: Collection[str] = ()
) -> Rule:
    """All types are True and none of bad is. failed: reasons that are Degraded; hopeless: reasons that time does not mend."""

    def rule(found: Object) -> Health:
        old = outdated(found)
        if old:
            return old
        has = listed(at(found, "status.conditions"), at(found, "metadata.generation"))
        for name in bad:
            if has.get(name, {}).get("status") == "True":
                return Health(DEGRADED, told(has[name]))
        for name in types:
            item = has.get(name)
            if item is None:
                return SILENT if not has else Health(PROGRESSING, f"has no condition {name} yet")
            if item.get("status") != "True":
                reason = item.get("reason")
                ended = reason in hopeless
                return Health(DEGRADED if ended or reason in failed else PROGRESSING, told(item), ended)
        return Health(HEALTHY)

    return reads(rule, "status.conditions")


def phase(
    path: str,
    healthy: Collection[str],
    degraded: Collection[str] = (),
    suspended: Collection[str] = (),
    hopeless: Collection[str] = (),
    message: str = "",
) -> Rule:
    """One word tells. What is in none of the lists is on its way. message: path of a text that says why."""

    def rule(found: Object) -> Health:
        old = outdated(found)
        word = at(found, path)
        if old or word in (None, ""):
            return old or SILENT
        if word in healthy:
            return Health(HEALTHY)
        why = at(found, message) if message else ""
        text = " ".join(f"is {word}{f': {why}' if why else ''}".split())
        if word in suspended:
            return Health(SUSPENDED, text)
        return Health(DEGRADED if word in degraded or word in hopeless else PROGRESSING, text, word in hopeless)

    return reads(rule, path, *([message] if message else []))


def parents(path: str, *types: str) -> Rule:
    """Every parent (of a route) or ancestor (of a policy) says True to all types."""

    def rule(found: Object) -> Health:
        entries = at(found, path)
        if not entries:
            return SILENT
        for entry in entries:
            has = listed(entry.get("conditions"), at(found, "metadata.generation"))
            reference = entry.get("parentRef") or entry.get("ancestorRef") or {}
            for name in types:
                item = has.get(name, {})
                if item.get("status") != "True":
                    said = told(item) if item else f"has not said {name} yet"
                    coming = not item or item.get("status") == "Unknown" or item.get("reason") == "Pending"
                    return Health(PROGRESSING if coming else DEGRADED, f"{reference.get('name', 'its parent')}: {said}")
        return Health(HEALTHY)

    return reads(rule, path)


def no_status() -> Rule:
    """It is there, and nobody reports on it."""
    return reads(lambda _found: Health(HEALTHY))


def is_set(path: str) -> Rule:
    """Its controller has written something there."""
    return reads(lambda found: Health(HEALTHY) if at(found, path) else SILENT, path)
