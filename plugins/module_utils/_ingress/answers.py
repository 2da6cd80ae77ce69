# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What to ask a Gateway so that every host of its routes has answered, and which answers are good. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

Object = dict[str, Any]
# A name for the star of *.example.com
ANY = "kubestd-probe"


@dataclass(frozen=True, order=True)
class Question:
    """One request."""

    host: str
    path: str
    scheme: str

    def __str__(self) -> str:
        return f"{self.scheme}://{self.host}{self.path}"


@dataclass(frozen=True)
class Answer:
    """A status, or why there is none."""

    status: int | None
    message: str = ""

    def __str__(self) -> str:
        return str(self.status) if self.status is not None else self.message


def questions(routes: Iterable[Object]) -> list[Question]:
    """The first path of each rule of each host; of a regular expression only where text and .* are all of it."""
    found = set()
    for route in routes:
        if route.get("kind") != "HTTPRoute":
            continue
        spec = route.get("spec") or {}
        schemes = schemes_of(spec.get("parentRefs") or [])
        for rule in spec.get("rules") or [{}]:
            path = path_of(rule)
            for host in spec.get("hostnames") or [] if path else []:
                name = f"{ANY}{host[1:]}" if host.startswith("*.") else host
                found |= {Question(name, path, scheme) for scheme in schemes}
    return sorted(found)


def schemes_of(parents: Iterable[Mapping[str, Any]]) -> list[str]:
    """http, https, or the first when the route takes whatever listener there is."""
    sections = {parent.get("sectionName") for parent in parents}
    return [name for name in ("http", "https") if name in sections] or ["http"]


def path_of(rule: Mapping[str, Any]) -> str:
    """A path that the rule takes without a header or a method; nothing when there is none."""
    for match in rule.get("matches") or [{}]:
        path = match.get("path") or {}
        value = str(path.get("value") or "/")
        if path.get("type") == "RegularExpression":
            # as ingress2gateway writes every path of a host that has a rewrite-target
            found = re.fullmatch(r"(?:\(\?i\))?\^?(/[\w/-]*)(?:\.\*|\(\.\*\))?\$?", value)
            value = found.group(1) if found else ""
        if value and not set(match) - {"path"}:
            return value
    return ""


def wrong(asked: Question, answer: Answer, before: Answer | None) -> str:
    """Why an answer is not good; nothing when it is. What the old address says is the measure, when it says anything."""
    if answer.status is None:
        return f"{asked} does not answer: {answer.message}"
    if before is not None and before.status is not None:
        return "" if answer.status == before.status else f"{asked} answers {answer} and the old address {before}"
    if answer.status == 404 or answer.status >= 500:
        return f"{asked} answers {answer}"
    return ""
