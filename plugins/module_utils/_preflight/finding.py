# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What preflight finds, one row each, and how it is shown."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

OK, WARN, FAIL = "OK", "WARN", "FAIL"
INVENTORY = "inventory"
COLUMNS = ("", "HOST", "CHECK", "FOUND", "WANTED", "OPTION")
#: Narrowest that a column of the table becomes; names of options stay in one piece, so that they can be copied.
NARROW = (4, 12, 9, 18, 18, 54)


@dataclass(frozen=True)
class Finding:
    """One check of one machine, or of the inventory."""

    host: str
    check: str
    level: str
    found: str
    wanted: str
    option: str = ""
    recommended: str = ""

    @property
    def message(self) -> str:
        """The row as a sentence."""
        what = self.option or self.check
        wanted = self.recommended if self.level == WARN and self.recommended else self.wanted
        return f"{self.host}: {what}: {self.found}; wanted: {wanted}."

    def as_dict(self) -> dict[str, str]:
        """The row as JSON."""
        return {**asdict(self), "message": self.message}


def counted(findings: Iterable[Finding]) -> dict[str, int]:
    """How many findings each level has."""
    levels = [finding.level for finding in findings]
    return {level: levels.count(level) for level in (OK, WARN, FAIL)}


def places(hosts: Sequence[str], groups: Mapping[str, Sequence[str]]) -> str:
    """Hosts in few words: the name of a group that has just these, else their names."""
    for name, members in groups.items():
        if len(hosts) > 1 and set(hosts) == set(members):
            return "all machines" if name == "machines" else f"all of {name}"
    return ", ".join(hosts)


def merged(findings: Iterable[Finding], groups: Mapping[str, Sequence[str]]) -> list[tuple[str, ...]]:
    """Rows of the table; machines that have the same to say share one. FAIL stands first."""
    hosts: dict[tuple[str, ...], list[str]] = {}
    for finding in findings:
        wanted = finding.wanted
        if finding.recommended:
            wanted = f"{wanted}, better {finding.recommended}" if wanted else finding.recommended
        key = (finding.level, finding.check, finding.found, wanted, finding.option)
        hosts.setdefault(key, []).append(finding.host)
    order = sorted(hosts, key=lambda key: (FAIL, WARN, OK).index(key[0]))
    return [(key[0], places(hosts[key], groups), *key[1:]) for key in order]


def widths(rows: Sequence[Sequence[str]], total: int) -> list[int]:
    """Widths of columns: as wide as their content, the widest made narrower until all fit."""
    wide = [max(len(row[number]) for row in rows) for number in range(len(COLUMNS))]
    while sum(wide) + 2 * (len(wide) - 1) > total:
        spare = [size - narrow for size, narrow in zip(wide, NARROW)]
        if max(spare) <= 0:
            break
        widest = max((number for number, left in enumerate(spare) if left > 0), key=lambda number: wide[number])
        wide[widest] -= 1
    return wide


def table(findings: Iterable[Finding], groups: Mapping[str, Sequence[str]], width: int = 140) -> str:
    """Findings as a table for a terminal, long cells in several lines."""
    rows = [COLUMNS, *merged(findings, groups)]
    sizes = widths(rows, width)
    lines = []
    for row in rows:
        cells = [textwrap.wrap(cell, size) or [""] for cell, size in zip(row, sizes)]
        for number in range(max(map(len, cells))):
            parts = [(cell[number] if number < len(cell) else "").ljust(size) for cell, size in zip(cells, sizes)]
            lines.append("  ".join(parts).rstrip())
    return "\n".join(lines)


def summary(findings: Sequence[Finding]) -> str:
    """Counts in a line."""
    numbers = counted(findings)
    hosts = {finding.host for finding in findings} - {INVENTORY}
    machines = f"{len(hosts)} machine{'' if len(hosts) == 1 else 's'}"
    return f"Preflight of {machines}: {numbers[OK]} OK, {numbers[WARN]} WARN, {numbers[FAIL]} FAIL"


def options_of(findings: Iterable[Finding]) -> list[str]:
    """Options (or checks) that the failed ones name, in their order."""
    return list(dict.fromkeys(finding.option or finding.check for finding in findings if finding.level == FAIL))


def report(findings: Sequence[Finding]) -> dict[str, Any]:
    """Everything as JSON."""
    return {"counts": counted(findings), "findings": [finding.as_dict() for finding in findings]}
