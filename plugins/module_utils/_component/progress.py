# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How far the systems of a layer are, as lines of text. Pure.

A worker process says a step as one line of output (step), which is good to read as it is. The callback knows the form (heard),
and shows it in a block that it draws again and again (rows) when there is a terminal.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

WAITING, WORKING, HEALTHY, FAILED, BLOCKED = "waiting", "working", "Healthy", "failed", "blocked"
STEP = re.compile(r"  (\S+): (.*) \((\d+\.\d) s\)", re.DOTALL)


@dataclass
class System:
    """One system of a layer, as it is now."""

    name: str
    word: str = WAITING
    text: str = ""
    started: float | None = None
    seconds: float | None = None  # set when it is done

    def age(self, now: float) -> float | None:
        """Seconds that were or are spent on it."""
        return self.seconds if self.seconds is not None or self.started is None else now - self.started


def step(name: str, text: str, seconds: float) -> str:
    """The line of a step."""
    return f"  {name}: {text} ({seconds:.1f} s)"


def heard(line: str) -> tuple[str, str] | None:
    """The system and the text of a step, when the line is one."""
    found = STEP.fullmatch(line)
    return (found.group(1), found.group(2)) if found else None


def outcome(name: str, result: Mapping[str, Any], failed: bool, check_mode: bool) -> tuple[str, str]:
    """How a system ended, in a word and a sentence, from the result of the task that carried the verb out."""
    text = str(result.get("message") or "")
    changes = len(result.get("actions") or [])
    if failed:
        return (BLOCKED if result.get("blocked_by") else FAILED), cause(name, result)
    health = (result.get("ansible_facts") or {}).get("component_health")
    if health:
        return str(health["status"]), text
    if result.get("applications"):
        return "written", text
    if text == "described":
        return text, ""
    owner = f"owned by {result['owner']}" if result.get("owner") else ""
    if check_mode:
        said = ", ".join(part for part in (text if not changes and not owner else counted(changes), owner) if part)
        return ("would change", said) if result.get("changed") else ("as wanted", owner)
    if text == "removed":
        return "removed", ", ".join(f"keeps {what}" for what in result.get("kept") or [])
    return HEALTHY, owner or counted(changes)


def counted(changes: int) -> str:
    """So many changes."""
    return f"{changes} change{'s' if changes > 1 else ''}" if changes else "unchanged"


def cause(name: str, result: Mapping[str, Any]) -> str:
    """Why a task failed, without the name that stands before it anyway."""
    errors = result.get("argument_errors")
    text = "; ".join(map(str, errors)) if errors else str(result.get("msg") or "it failed and did not say why")
    return text.removeprefix(f"{name}: ").strip()


def rows(systems: Sequence[System], now: float, width: int, height: int) -> list[tuple[str, str]]:
    """A line and its word for each system, none wider than width; when they are more than height, the quiet ones become one line."""
    shown = list(systems)
    hidden: list[System] = []
    for word in (HEALTHY, WAITING):
        while len(shown) + bool(hidden) > max(height, 1) and any(one.word == word for one in shown):
            quiet = next(one for one in shown if one.word == word)
            shown.remove(quiet)
            hidden.append(quiet)
    if len(shown) + bool(hidden) > max(height, 1):
        hidden += shown[max(height - 1, 0) :]
        shown = shown[: max(height - 1, 0)]
    sizes = max((len(one.word) for one in systems), default=0), max((len(one.name) for one in systems), default=0)
    lines = [(_row(one, now, width, *sizes), one.word) for one in shown]
    if hidden:
        words = dict.fromkeys(one.word for one in hidden)
        counts = (f"{sum(one.word == word for one in hidden)} {word}" for word in words)
        lines.append((f"  and {', '.join(counts)}"[: max(width, 0)], WAITING))
    return lines


def _row(one: System, now: float, width: int, words: int, names: int) -> str:
    age = one.age(now)
    spent = f"{age:6.1f} s" if age is not None else " " * 8
    text = " ".join(one.text.split())
    return f"  {one.word.ljust(words)}  {one.name.ljust(names)}  {spent}  {text}".rstrip()[: max(width, 0)]
