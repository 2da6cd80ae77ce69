# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values against an argument spec, all the way down: every problem with the path of its option.

Ansible converts what a module gets; a role's variables stay as they are written. So a text that stands for a list is refused here.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

TRUTH = {"true", "false", "yes", "no", "on", "off", "y", "n", "1", "0"}
WORDS = {
    "str": "a text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "list": "a list",
    "dict": "a dictionary",
    "path": "a path",
}


@dataclass(frozen=True)
class Problem:
    """An option whose value cannot be used."""

    option: str
    found: str
    wanted: str


def nearest(name: str, names: Iterable[str]) -> str | None:
    """The known name that was probably meant."""
    close = difflib.get_close_matches(name, list(names), 1, 0.6)
    return close[0] if close else None


def kind(value: Any) -> str:
    """What a value is, in words."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true or false"
    for types, word in (
        ((str,), "a text"),
        ((int,), "a whole number"),
        ((float,), "a number with a point"),
        ((Mapping,), "a dictionary"),
    ):
        if isinstance(value, types):
            return word
    return "a list" if isinstance(value, (list, tuple)) else type(value).__name__


def shown(value: Any, hidden: bool = False) -> str:
    """A value as the table has it: short, and never a secret or what may have one inside."""
    if hidden or isinstance(value, (Mapping, list, tuple)):
        return kind(value)
    text = {True: "true", False: "false", None: "null"}.get(value) if value is None or isinstance(value, bool) else None
    text = text or str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def fits(value: Any, wanted: str) -> bool:
    """Whether a value is of a type of an argument spec."""
    text = isinstance(value, str)
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if wanted in ("str", "path"):
        return text or (isinstance(value, int) and not isinstance(value, bool))
    if wanted == "int":
        return (number and float(value).is_integer()) or (text and re.fullmatch(r"-?\d+", value.strip()) is not None)
    if wanted == "float":
        return number or (text and re.fullmatch(r"-?\d+(\.\d+)?", value.strip()) is not None)
    if wanted == "bool":
        return isinstance(value, bool) or str(value).lower() in TRUTH
    if wanted == "list":
        return isinstance(value, (list, tuple))
    return isinstance(value, Mapping) if wanted == "dict" else True


def converted(value: Any, wanted: str) -> Any:
    """A value that fits, as that type."""
    if wanted in ("str", "path"):
        return str(value)
    if wanted in ("int", "float"):
        return int(value) if wanted == "int" else float(value)
    return str(value).lower() in ("true", "yes", "on", "y", "1") if wanted == "bool" else value


def wrong_type(option: str, value: Any, wanted: str, hidden: bool) -> Problem:
    """A value of another type than its option's."""
    found = shown(value, hidden)
    words = WORDS.get(wanted, wanted)
    if wanted == "str" and isinstance(value, (bool, float)):
        return Problem(option, f"{found} is {kind(value)} in YAML", "a text; put it in quotes")
    return Problem(option, found if found == kind(value) else f"{found} is {kind(value)}", words)


def settle_one(path: str, spec: Mapping[str, Any], value: Any, hidden: bool = False) -> tuple[Any, list[Problem]]:
    """A value as its option has it (the default when it cannot be used), and what is wrong with it."""
    wanted, default = spec.get("type", "str"), absent(spec)
    hidden = hidden or bool(spec.get("no_log"))
    if value is None:
        if spec.get("default") is None and not spec.get("required"):
            return None, []
        return default, [Problem(path, "null", WORDS.get(wanted, wanted))]
    if not fits(value, wanted):
        return default, [wrong_type(path, value, wanted, hidden)]
    value = converted(value, wanted)
    choices = spec.get("choices")
    if choices and wanted != "list" and value not in choices:
        meant = nearest(str(value), map(str, choices))
        hint = f" (did you mean {meant}?)" if meant else ""
        return default, [Problem(path, shown(value, hidden) + hint, " or ".join(map(str, choices)))]
    if wanted == "dict" and spec.get("options"):
        return settle(spec["options"], value, f"{path}.", hidden)
    if wanted == "list":
        return settle_list(path, spec, value, hidden)
    return value, []


def settle_list(path: str, spec: Mapping[str, Any], values: Any, hidden: bool) -> tuple[list[Any], list[Problem]]:
    """A list, each of its elements."""
    element = {
        "type": spec.get("elements", "raw"),
        "options": spec.get("options"),
        "choices": spec.get("choices"),
        "required": True,
    }
    good: list[Any] = []
    problems: list[Problem] = []
    for number, value in enumerate(values):
        settled, wrong = settle_one(f"{path}[{number}]", element, value, hidden)
        problems += wrong
        if not wrong:
            good.append(settled)
    return good, problems


def settle(
    options: Mapping[str, Any], values: Mapping[str, Any], prefix: str = "", hidden: bool = False, required: bool = True
) -> tuple[dict[str, Any], list[Problem]]:
    """All options with their values or defaults, and every problem. What has no usable value is None."""
    problems = []
    for name in values:
        if name not in options:
            problems.append(unknown(f"{prefix}{name}", nearest(str(name), options), prefix, options))
    settled: dict[str, Any] = {}
    for name, spec in options.items():
        path = f"{prefix}{name}"
        if name not in values:
            if spec.get("required") and required:
                problems.append(Problem(path, "it is missing", WORDS.get(spec.get("type", "str"), "a value")))
            settled[name] = absent(spec)
            continue
        settled[name], wrong = settle_one(path, spec, values[name], hidden)
        problems += wrong
    return settled, problems


def absent(spec: Mapping[str, Any]) -> Any:
    """The value of an option that is not given: its default, with those of its own options."""
    default = spec.get("default")
    if spec.get("type") == "dict" and spec.get("options") and isinstance(default, (Mapping, type(None))):
        return settle(spec["options"], default or {}, required=False)[0]
    return default


def unknown(path: str, meant: str | None, prefix: str, names: Iterable[str]) -> Problem:
    """A key that no option has."""
    known = sorted(names)
    if meant:
        return Problem(path, "there is no such option", f"{prefix}{meant}?")
    few = ", ".join(known) if len(known) <= 8 else "one of those in the README of the role preflight"
    return Problem(path, "there is no such option", few)
