# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Conditions of Falco's rules as trees, after the grammar of libsinsp's filter parser. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Union

TRANSFORMERS = ("tolower", "toupper", "b64", "basename", "len", "join", "concat", "getopt")
_LIST_OPERATORS = ("intersects", "in", "pmatch")
_OPERATOR = re.compile(
    r"(<=|>=|<|>|==|!=|=|(?:exists|bcontains|bstartswith|icontains|contains|startswith|endswith|iglob|glob|regex"
    r"|intersects|in|pmatch)(?![a-zA-Z0-9_.]))"
)
_MODIFIER = re.compile(r"(oneof|anyof|allof)(?=[\s(])")
_FIELD = re.compile(r"[a-zA-Z]+[a-zA-Z0-9_]*(?:\.[a-zA-Z]+[a-zA-Z0-9_]*)+")
_IDENTIFIER = re.compile(r"[a-zA-Z]+[a-zA-Z0-9_]*")
_QUOTED = re.compile(r'"(?:\\"|[^"])*"|' + r"'(?:\\'|[^'])*'")
_BARE = re.compile(r"[^()\"'\s=,]+")
_TRANSFORMER = re.compile(r"(" + "|".join((*TRANSFORMERS, "val")) + r")\(")


class ConditionError(ValueError):
    """What is written is no condition."""


@dataclass(frozen=True)
class Field:
    """A field of an event, perhaps with an argument and transformed, from the inside out."""

    name: str
    argument: str = ""
    transformers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Check:
    """A field is compared with values; those that are bare words may be names of lists."""

    field: Field
    operator: str
    values: tuple[str, ...] = ()
    bare: frozenset[str] = frozenset()
    list_name: str = ""
    modifier: str = ""
    other: Field | None = None


@dataclass(frozen=True)
class Macro:
    """A condition that stands elsewhere."""

    name: str


@dataclass(frozen=True)
class Logic:
    """not, and, or over conditions."""

    operator: str
    items: tuple[Condition, ...]


Condition = Union[Check, Macro, Logic]


def parse(text: str) -> Condition:
    """The tree of a condition. Raises ConditionError."""
    parser = _Parser(text)
    found = parser.either()
    parser.expect_end()
    return found


def walk(condition: Condition) -> Iterator[Check | Macro]:
    """All checks and macros of a condition."""
    if isinstance(condition, Logic):
        for item in condition.items:
            yield from walk(item)
    else:
        yield condition


class _Parser:
    """Recursive descent over one text."""

    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0

    def blank(self) -> None:
        while self.at < len(self.text) and self.text[self.at].isspace():
            self.at += 1

    def take(self, pattern: re.Pattern[str]) -> str:
        self.blank()
        found = pattern.match(self.text, self.at)
        if not found:
            return ""
        self.at = found.end()
        return found.group(0)

    def literal(self, text: str) -> bool:
        self.blank()
        if not self.text.startswith(text, self.at):
            return False
        self.at += len(text)
        return True

    def word(self, word: str) -> bool:
        return bool(self.take(re.compile(word + r"(?=[\s(]|$)")))

    def wrong(self, wanted: str) -> ConditionError:
        self.blank()
        rest = " ".join(self.text[self.at :].split())[:40]
        return ConditionError(f"{wanted} is missing " + (f"before {rest!r}" if rest else "at its end"))

    def expect_end(self) -> None:
        self.blank()
        if self.at < len(self.text):
            raise self.wrong("and, or, or its end")

    def either(self) -> Condition:
        items = [self.both()]
        while self.word("or"):
            items.append(self.both())
        return items[0] if len(items) == 1 else Logic("or", tuple(items))

    def both(self) -> Condition:
        items = [self.maybe_not()]
        while self.word("and"):
            items.append(self.maybe_not())
        return items[0] if len(items) == 1 else Logic("and", tuple(items))

    def maybe_not(self) -> Condition:
        if self.word("not"):
            return Logic("not", (self.maybe_not(),))
        if self.literal("("):
            found = self.either()
            if not self.literal(")"):
                raise self.wrong("a closing parenthesis")
            return found
        field = self.field()
        if field:
            return self.check(field)
        name = self.take(_IDENTIFIER)
        if not name:
            raise self.wrong("a field, a macro or a parenthesis")
        return Macro(name)

    def field(self) -> Field | None:
        transformer = self.take(_TRANSFORMER)
        if transformer:
            inner = self.field()
            while inner and self.literal(","):
                if not (self.field() or self.take(_QUOTED) or self.take(_BARE) or self.group()):
                    raise self.wrong("an argument")
            if not inner or not self.literal(")"):
                raise self.wrong(f"a field and a closing parenthesis of {transformer[:-1]}")
            return Field(inner.name, inner.argument, (*inner.transformers, transformer[:-1]))
        name = self.take(_FIELD)
        if not name:
            return None
        if self.at < len(self.text) and self.text[self.at] == "[":
            end = self.text.find("]", self.at)
            if end < 0:
                raise self.wrong(f"a closing bracket of {name}")
            argument, self.at = self.text[self.at + 1 : end], end + 1
            return Field(name, argument.strip("\"'"))
        return Field(name)

    def group(self) -> tuple[tuple[str, bool], ...]:
        """Values in parentheses, each with whether it is a bare word."""
        if not self.literal("("):
            return ()
        found: list[tuple[str, bool]] = []
        while not self.literal(")"):
            found.append(self.value())
            if not self.literal(",") and not self.text.startswith(")", self.at):
                raise self.wrong("a comma or a closing parenthesis")
        return tuple(found)

    def value(self) -> tuple[str, bool]:
        quoted = self.take(_QUOTED)
        if quoted:
            return quoted[1:-1].replace("\\" + quoted[0], quoted[0]), False
        bare = self.take(_BARE)
        if not bare:
            raise self.wrong("a value")
        return bare, True

    def check(self, field: Field) -> Check:
        operator = self.take(_OPERATOR)
        if not operator:
            raise self.wrong(f"an operator of {field.name}")
        if operator == "exists":
            return Check(field, operator)
        modifier = self.take(_MODIFIER)
        if operator in _LIST_OPERATORS or modifier:
            return self.listed(field, operator, modifier)
        before = self.at
        if self.take(_TRANSFORMER):
            self.at = before
            return Check(field, operator, other=self.field())
        value, bare = self.value()
        return Check(field, operator, (value,), frozenset({value} if bare else ()))

    def listed(self, field: Field, operator: str, modifier: str) -> Check:
        self.blank()
        if self.text.startswith("(", self.at):
            values = self.group()
            bare = frozenset(value for value, is_bare in values if is_bare)
            return Check(field, operator, tuple(value for value, _ in values), bare, modifier=modifier)
        before = self.at
        if self.take(_TRANSFORMER):
            self.at = before
            return Check(field, operator, modifier=modifier, other=self.field())
        name = self.take(_IDENTIFIER)
        if not name:
            raise self.wrong(f"a list of {field.name} {operator}")
        return Check(field, operator, list_name=name, modifier=modifier)
