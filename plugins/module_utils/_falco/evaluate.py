# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a condition holds for an event, as far as that can be said without Falco. Pure."""

from __future__ import annotations

import fnmatch
import posixpath
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .condition import Check, Condition, ConditionError, Field, Logic

_TRANSFORM: Mapping[str, Callable[[str], str]] = {
    "tolower": str.lower,
    "toupper": str.upper,
    "basename": posixpath.basename,
    "len": lambda text: str(len(text)),
    "val": str,
}
_COMPARE: Mapping[str, Callable[[str, str], bool]] = {
    "=": lambda one, other: one == other,
    "==": lambda one, other: one == other,
    "!=": lambda one, other: one != other,
    "<": lambda one, other: float(one) < float(other),
    "<=": lambda one, other: float(one) <= float(other),
    ">": lambda one, other: float(one) > float(other),
    ">=": lambda one, other: float(one) >= float(other),
    "contains": lambda one, other: other in one,
    "icontains": lambda one, other: other.lower() in one.lower(),
    "startswith": lambda one, other: one.startswith(other),
    "endswith": lambda one, other: one.endswith(other),
    "glob": fnmatch.fnmatchcase,
    "iglob": lambda one, other: fnmatch.fnmatchcase(one.lower(), other.lower()),
    "regex": lambda one, other: re.fullmatch(other, one) is not None,
    "pmatch": lambda one, other: (one + "/").startswith(other.rstrip("/") + "/"),
}


def text_of(value: Any) -> str:
    """A value of an event as Falco writes it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def holds(
    condition: Condition,
    event: Mapping[str, Any],
    macros: Mapping[str, Any],
    lists: Mapping[str, Sequence[str]],
) -> bool:
    """Whether an event fulfils a condition; a macro is a condition or known to be true or false. Raises ConditionError."""
    if isinstance(condition, Logic):
        found = [holds(item, event, macros, lists) for item in condition.items]
        return {"not": not found[0], "and": all(found), "or": any(found)}[condition.operator]
    if isinstance(condition, Check):
        return _fulfils(condition, event, lists)
    if condition.name not in macros:
        raise ConditionError(f"the macro {condition.name} is upstream's; say in its macros whether it holds")
    macro = macros[condition.name]
    return macro if isinstance(macro, bool) else holds(macro, event, macros, lists)


def _extracted(field: Field, event: Mapping[str, Any]) -> list[str]:
    key = f"{field.name}[{field.argument}]" if field.argument else field.name
    value = event.get(key)
    if value is None:
        return []
    found = [text_of(item) for item in (value if isinstance(value, (list, tuple)) else [value])]
    for name in field.transformers:
        if name not in _TRANSFORM:
            raise ConditionError(f"{name}() cannot be worked out without Falco; leave this test out")
        found = [_TRANSFORM[name](item) for item in found]
    return found


def _wanted(check: Check, event: Mapping[str, Any], lists: Mapping[str, Sequence[str]]) -> list[str]:
    if check.other:
        return _extracted(check.other, event)
    if check.list_name and check.list_name not in lists:
        raise ConditionError(f"the list {check.list_name} is upstream's; say in its lists what is in it")
    values: list[str] = []
    for value in (check.list_name,) if check.list_name else check.values:
        known = value in lists and (value in check.bare or check.list_name)
        values += lists[value] if known else [value]
    return values


def _fulfils(check: Check, event: Mapping[str, Any], lists: Mapping[str, Sequence[str]]) -> bool:
    found = _extracted(check.field, event)
    if check.operator == "exists":
        return bool(found)
    wanted = _wanted(check, event, lists)
    if not found:
        return False
    if check.operator == "intersects":
        return bool(set(found) & set(wanted))
    if check.operator == "in":
        return set(found) <= set(wanted)
    if check.operator not in _COMPARE:
        raise ConditionError(f"{check.operator} cannot be worked out without Falco; leave this test out")
    compare = _COMPARE[check.operator]
    try:
        results = [any(compare(one, other) for one in found) for other in wanted]
    except (ValueError, re.error) as error:
        raise ConditionError(f"{check.field.name} {check.operator} {', '.join(wanted)}: {error}") from error
    return all(results) if check.modifier == "allof" else any(results)
