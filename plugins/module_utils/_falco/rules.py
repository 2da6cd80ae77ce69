# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with documents of rules, and whether their tests pass: a light check before anything is changed. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .condition import Check, Condition, ConditionError, Macro, parse, walk
from .evaluate import holds, text_of
from .known import SOURCES, Names

PRIORITIES = ("emergency", "alert", "critical", "error", "warning", "notice", "informational", "info", "debug")
KEYS = {
    "rule": {
        *("rule", "desc", "condition", "output", "priority", "tags", "source", "enabled", "exceptions", "override"),
        *("append", "warn_evttypes", "skip-if-unknown-filter", "capture", "capture_duration"),
    },
    "macro": {"macro", "condition", "override", "append"},
    "list": {"list", "items", "override", "append"},
    "required_engine_version": {"required_engine_version"},
    "required_plugin_versions": {"required_plugin_versions"},
}
NEEDED = {"rule": ("desc", "condition", "output", "priority"), "macro": ("condition",), "list": ("items",)}
_OUTPUT_FIELD = re.compile(r"%\(?(?:[a-z0-9]+\()?([a-zA-Z][a-zA-Z0-9_]*(?:\.[a-zA-Z][a-zA-Z0-9_]*)+)")
# the argument of an event may be written behind a dot
_BY_ARGUMENT = ("evt.arg.", "evt.rawarg.")


@dataclass
class _Scope:
    """What may be named so far."""

    names: Names
    more: frozenset[str]
    macros: dict[str, Condition] = field(default_factory=dict)
    lists: dict[str, list[str]] = field(default_factory=dict)
    rules: dict[str, Condition | None] = field(default_factory=dict)
    above: set[tuple[str, str]] = field(default_factory=set)
    anywhere: set[tuple[str, str]] = field(default_factory=set)

    def has(self, kind: str, name: str, *, anywhere: bool = False) -> bool:
        upstream = {"macro": self.names.macros, "list": self.names.lists, "rule": self.names.rules}[kind]
        return name in upstream or name in self.more or (kind, name) in (self.anywhere if anywhere else self.above)


def problems(documents: Sequence[Mapping[str, Any]], more: Sequence[str] = ()) -> list[str]:
    """A sentence for each thing that Falco would not load, and for each test that fails."""
    return list(_problems(documents, frozenset(more)))


def _problems(documents: Sequence[Mapping[str, Any]], more: frozenset[str]) -> Iterator[str]:
    scopes = {source: _Scope(names, more) for source, names in SOURCES.items()}
    seen: set[str] = set()
    # Falco reads the files of a folder by their names
    ordered = sorted(documents, key=lambda one: str(one.get("name")))
    for document in ordered:
        items = [item for item in document.get("rules") or [] if _kind(item)]
        _scope_of(document, scopes).anywhere.update((_kind(item), str(item[_kind(item)])) for item in items)
    for document in ordered:
        name, scope = str(document.get("name")), _scope_of(document, scopes)
        if name in seen:
            yield f"falco_rules has two documents named {name}; give each its own name."
        seen.add(name)
        for number, item in enumerate(document.get("rules") or []):
            yield from _item(f"falco_rules, document {name}", number, item, scope)
    for document in ordered:
        for test in document.get("tests") or []:
            yield from _test(f"falco_rules, document {document.get('name')}", test, _scope_of(document, scopes))


def _scope_of(document: Mapping[str, Any], scopes: Mapping[str, _Scope]) -> _Scope:
    return scopes[str(document.get("source") or "syscall")]


def _kind(item: Any) -> str:
    kinds = [kind for kind in KEYS if isinstance(item, Mapping) and kind in item]
    return kinds[0] if len(kinds) == 1 else ""


def _item(place: str, number: int, item: Any, scope: _Scope) -> Iterator[str]:
    kind = _kind(item)
    if not kind:
        yield f"{place}: item {number + 1} is none of rule, macro and list; begin it with one of them."
        return
    if kind not in NEEDED:
        return
    name = str(item[kind])
    where = f"{place}, {kind} {name}"
    for key in sorted(set(item) - KEYS[kind]):
        yield f"{where}: {key} is no key of a {kind}; take it out, or write one of {', '.join(sorted(KEYS[kind]))}."
    changes = bool(item.get("override") or item.get("append") or (kind == "rule" and set(item) == {"rule", "enabled"}))
    if changes and not scope.has(kind, name):
        yield f"{where}: nothing of that name is there to be changed; look up how upstream writes it."
    if not changes:
        for key in NEEDED[kind]:
            if item.get(key) in (None, ""):
                yield f"{where} has no {key}; write one."
    yield from {"rule": _rule, "macro": _macro, "list": _list}[kind](where, name, item, scope, changes)
    scope.above.add((kind, name))


def _list(_where: str, name: str, item: Mapping[str, Any], scope: _Scope, changes: bool) -> Iterator[str]:
    items: list[str] = []
    for value in item.get("items") or []:
        text = text_of(value)
        items += scope.lists.get(text, [text])
    scope.lists[name] = (scope.lists.get(name, []) if changes else []) + items
    yield from ()


def _macro(where: str, name: str, item: Mapping[str, Any], scope: _Scope, changes: bool) -> Iterator[str]:
    condition, said = _condition(where, item, scope, changes)
    yield from said
    if condition and not changes:
        scope.macros[name] = condition


def _rule(where: str, name: str, item: Mapping[str, Any], scope: _Scope, changes: bool) -> Iterator[str]:
    condition, said = _condition(where, item, scope, changes)
    yield from said
    scope.rules[name] = None if changes else condition
    priority = str(item.get("priority") or "debug")
    if priority.lower() not in PRIORITIES:
        yield f"{where}: {priority} is no priority; write one of {', '.join(PRIORITIES)}."
    for found in _OUTPUT_FIELD.findall(str(item.get("output") or "")):
        yield from _field(f"{where}: output", found, scope)
    for exception in item.get("exceptions") or []:
        fields = exception.get("fields") or []
        for one in [fields] if isinstance(fields, str) else fields:
            yield from _field(f"{where}: exception {exception.get('name')}", str(one).split("[")[0], scope)


def _condition(where: str, item: Mapping[str, Any], scope: _Scope, changes: bool) -> tuple[Condition | None, list[str]]:
    text = str(item.get("condition") or "").strip()
    if not text:
        return None, []
    if changes:
        # what is added to another condition begins with the word that joins them
        text = re.sub(r"^(and|or)(?=[\s(])", "", text)
    try:
        condition = parse(text)
    except ConditionError as error:
        return None, [f"{where}: its condition cannot be read: {error}; mend it there."]
    return condition, list(_names(where, condition, scope, rule="rule" in item))


def _names(where: str, condition: Condition, scope: _Scope, *, rule: bool) -> Iterator[str]:
    for one in walk(condition):
        # a rule may name macros that stand below it, a macro may not; lists stand anywhere
        if isinstance(one, Macro) and not scope.has("macro", one.name, anywhere=rule):
            yield f"{where}: the macro {one.name} is not known; define it above, or look up how upstream writes it."
        if isinstance(one, Check):
            yield from _field(where, one.field.name, scope)
            if one.other:
                yield from _field(where, one.other.name, scope)
            if one.list_name and not scope.has("list", one.list_name, anywhere=True):
                yield f"{where}: the list {one.list_name} is not known; define it above, or look up how upstream writes it."


def _field(where: str, name: str, scope: _Scope) -> Iterator[str]:
    if name not in scope.names.fields and name not in scope.more and not name.startswith(_BY_ARGUMENT):
        yield f"{where}: the field {name} is not known; write one that falco --list shows, or name it in falco_known_names."


def _test(place: str, test: Mapping[str, Any], scope: _Scope) -> Iterator[str]:
    name = str(test.get("rule"))
    condition = scope.rules.get(name)
    if condition is None:
        yield f"{place}: a test names the rule {name}, which is not written in falco_rules; test a rule that stands there."
        return
    wanted = test.get("matches", True)
    macros = {**scope.macros, **(test.get("macros") or {})}
    lists = {**scope.lists, **(test.get("lists") or {})}
    try:
        found = holds(condition, test.get("event") or {}, macros, lists)
    except ConditionError as error:
        yield f"{place}: a test of rule {name} cannot be carried out: {error}."
        return
    if found != wanted:
        said = "matches" if found else "does not match"
        yield f"{place}: rule {name} {said} the event {dict(test.get('event') or {})}, and its test says otherwise; mend one of them."
