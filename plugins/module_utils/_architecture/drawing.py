# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The architecture as one picture (SVG): machines at the bottom, a row for each layer, a box for each system, a line for each link. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from .links import Link, users

WIDTH, MARGIN, LABEL = 1240, 20, 120
BOX, HEIGHT, GAP, LINE = 148, 46, 14, 62  # of a box; between boxes; between rows
#: A system that more than so many use gets a number instead of lines, which would hide all others.
CROWD = 7
COLOURS = ("#5b8def", "#3fa796", "#b58b2a", "#a064c9", "#d1695b", "#4a90a4", "#7a9a3a", "#8a8f98")
STYLE = """
svg{--bg:#fff;--fg:#1d2430;--dim:#5c6675;--band:#f3f5f8}
@media(prefers-color-scheme:dark){svg{--bg:#12161c;--fg:#e4e8ee;--dim:#98a3b3;--band:#1a2029}}
text{font:13px system-ui,sans-serif;fill:var(--fg)}.dim{fill:var(--dim);font-size:11px}.layer{font-weight:600}
.band{fill:var(--band)}.box{fill:var(--bg);stroke-width:1.5}.needs,.talks,.both{fill:none;stroke-width:1.2;stroke-opacity:.75}.needs{stroke-dasharray:4 3}
"""


def picture(
    title: str,
    layers: Mapping[str, Sequence[str]],
    said: Mapping[str, Mapping[str, Any]],
    all_links: Sequence[Link],
    machines: Mapping[str, Sequence[str]],
) -> str:
    """The whole picture. layers: systems of each, the lowest first; said: what describe says of each; machines: names in each group."""
    used = {target: len(sources) for target, sources in users(all_links).items()}
    rows = [(name, list(systems)) for name, systems in reversed(list(layers.items())) if systems]
    bands: list[str] = []
    boxes: list[str] = []
    places: dict[str, tuple[int, int, str]] = {}
    top = MARGIN + 46
    for number, (layer, systems) in enumerate(rows):
        colour = COLOURS[number % len(COLOURS)]
        chunks = list(_chunks(systems))
        height = len(chunks) * (HEIGHT + GAP) - GAP + 2 * GAP
        bands += _band(layer, top, height)
        for line, chunk in enumerate(chunks):
            for column, system in enumerate(chunk):
                x, y = MARGIN + LABEL + column * (BOX + GAP), top + GAP + line * (HEIGHT + GAP)
                places[system] = (x, y, colour)
                boxes.append(_box(x, y, colour, system, _below(said.get(system) or {}, used.get(system, 0))))
        top += height + LINE // 2
    boxes += _machines(machines, top)
    crowded = {target for target, count in used.items() if count > CROWD}
    drawn = [link for link in all_links if link.target not in crowded and {link.source, link.target} <= places.keys()]
    lines = [_line(link, places[link.source], places[link.target]) for link in drawn]
    height = top + (HEIGHT + 2 * GAP if any(machines.values()) else 0) + MARGIN
    head = f'<text class="layer" x="{MARGIN}" y="{MARGIN + 14}" style="font-size:18px">{escape(title)}</text>' + (
        f'<text class="dim" x="{MARGIN}" y="{MARGIN + 32}">dashed: is installed after; solid: its settings name an address of it; '
        f"a number: that many others use it (no lines from more than {CROWD})</text>"
    )
    body = "\n".join([f"<style>{STYLE}</style>", head, *bands, *lines, *boxes])
    size = f'viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="{escape(title)}">\n{body}\n</svg>\n'


def _band(name: str, top: int, height: int) -> list[str]:
    return [
        f'<rect class="band" x="{MARGIN}" y="{top}" width="{WIDTH - 2 * MARGIN}" height="{height}" rx="8"/>',
        f'<text class="layer" x="{MARGIN + 12}" y="{top + GAP + 20}">{escape(name)}</text>',
    ]


def _chunks(systems: Sequence[str]) -> list[Sequence[str]]:
    """Systems in lines of a layer, as evenly as they go."""
    most = (WIDTH - 2 * MARGIN - LABEL) // (BOX + GAP)
    lines = -(-len(systems) // most)
    size = -(-len(systems) // lines)
    return [systems[start : start + size] for start in range(0, len(systems), size)]


def _below(said: Mapping[str, Any], used: int) -> str:
    """The small text of a box."""
    releases = said.get("releases") or []
    version = str(releases[0]["version"]) if len(releases) == 1 else f"{len(releases)} charts" if releases else ""
    return " · ".join(part for part in (version, f"used by {used}" if used > CROWD else "") if part)


def _box(x: int, y: int, colour: str, name: str, below: str) -> str:
    return (
        f'<rect class="box" x="{x}" y="{y}" width="{BOX}" height="{HEIGHT}" rx="6" stroke="{colour}"/>'
        f'<text x="{x + BOX // 2}" y="{y + (20 if below else 28)}" text-anchor="middle">{escape(name)}</text>'
        + (
            f'<text class="dim" x="{x + BOX // 2}" y="{y + 36}" text-anchor="middle">{escape(below)}</text>'
            if below
            else ""
        )
    )


def _line(link: Link, source: tuple[int, int, str], target: tuple[int, int, str]) -> str:
    """From the lower edge of who uses to the upper edge of what is used; between neighbours of a layer an arc above both."""
    start, end = source[0] + BOX // 2, target[0] + BOX // 2
    if source[1] == target[1]:
        y, bow = source[1], source[1] - GAP - 6
        path = f"M{start} {y}C{start} {bow} {end} {bow} {end} {y}"
    else:
        down = source[1] < target[1]
        from_y, to_y = (source[1] + HEIGHT, target[1]) if down else (source[1], target[1] + HEIGHT)
        middle = (from_y + to_y) // 2
        path = f"M{start} {from_y}C{start} {middle} {end} {middle} {end} {to_y}"
    name = f"{link.source} → {link.target}"
    return f'<path class="{link.kind}" stroke="{source[2]}" d="{path}"><title>{escape(name)}</title></path>'


def _machines(machines: Mapping[str, Sequence[str]], top: int) -> list[str]:
    """A box for each group of machines."""
    groups = [(name, hosts) for name, hosts in machines.items() if hosts]
    if not groups:
        return []
    parts = _band("machines", top, HEIGHT + 2 * GAP)
    width = (WIDTH - 2 * MARGIN - LABEL - GAP) // len(groups) - GAP
    for number, (name, hosts) in enumerate(groups):
        x, y = MARGIN + LABEL + number * (width + GAP), top + GAP
        shown = ", ".join(hosts[:8]) + (f" and {len(hosts) - 8} more" if len(hosts) > 8 else "")
        parts.append(
            f'<rect class="box" x="{x}" y="{y}" width="{width}" height="{HEIGHT}" rx="6" stroke="{COLOURS[-1]}"/>'
        )
        parts.append(
            f'<text x="{x + width // 2}" y="{y + 20}" text-anchor="middle">{escape(name)} ({len(hosts)})</text>'
        )
        parts.append(f'<text class="dim" x="{x + width // 2}" y="{y + 36}" text-anchor="middle">{escape(shown)}</text>')
    return parts
