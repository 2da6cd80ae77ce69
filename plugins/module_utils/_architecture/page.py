# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The picture with its tables as one page of HTML that needs nothing else. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from .links import Link

STYLE = """
:root{color-scheme:light dark;--bg:#fff;--fg:#1d2430;--dim:#5c6675;--line:#dde2ea}
@media(prefers-color-scheme:dark){:root{--bg:#12161c;--fg:#e4e8ee;--dim:#98a3b3;--line:#2b333f}}
body{margin:0;background:var(--bg);color:var(--fg);font:15px/1.5 system-ui,sans-serif}main{max-width:80rem;margin:0 auto;padding:1rem}
h2{font-size:1.1rem;margin:2rem 0 .5rem}main>svg{max-width:100%;height:auto}table{width:100%;border-collapse:collapse}
th{text-align:left;color:var(--dim);font-weight:600}
td,th{padding:.3rem .6rem .3rem 0;border-top:1px solid var(--line);vertical-align:top;overflow-wrap:break-word}
td:nth-child(-n+2){white-space:nowrap}
code{font:.85em ui-monospace,monospace}
"""
Description = Mapping[str, Any]


def page(
    title: str, drawn: str, layers: Mapping[str, Sequence[str]], said: Mapping[str, Description], found: Sequence[Link]
) -> str:
    """The whole page: picture, systems, links, open ports."""
    tables = [
        (
            "Systems",
            ("Layer", "System", "Namespaces", "Installed from", "Stays when it is removed"),
            systems(layers, said),
        ),
        ("Who uses whom", ("System", "is installed after", "has addresses of"), uses(layers, found)),
        ("Ports that network policies open", ("System", "Policy", "Ports", "From"), ports(layers, said)),
    ]
    body = [drawn, *(_table(*table) for table in tables)]
    head = '<meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">'
    return (
        f'<!doctype html><html lang="en"><head>{head}<title>{escape(title)}</title><style>{STYLE}</style></head>'
        f"<body><main>{''.join(body)}</main></body></html>\n"
    )


def systems(layers: Mapping[str, Sequence[str]], said: Mapping[str, Description]) -> list[list[str]]:
    """A row for each system."""
    return [
        [
            layer,
            system,
            ", ".join(said[system]["namespaces"]),
            ", ".join(
                [f"{one['chart']} {one['version']}" for one in said[system]["releases"]]
                + [url.rpartition("/")[2] for url in said[system]["files"]]
            ),
            ", ".join(said[system]["keeps"]),
        ]
        for layer, names in layers.items()
        for system in names
    ]


def uses(layers: Mapping[str, Sequence[str]], found: Sequence[Link]) -> list[list[str]]:
    """A row for each system that uses another."""
    rows = []
    for system in (name for names in layers.values() for name in names):
        own = [link for link in found if link.source == system]
        needs = ", ".join(link.target for link in own if link.kind != "talks")
        talks = ", ".join(link.target for link in own if link.kind != "needs")
        if own:
            rows.append([system, needs, talks])
    return rows


def ports(layers: Mapping[str, Sequence[str]], said: Mapping[str, Description]) -> list[list[str]]:
    """A row for each rule of a policy that lets something in."""
    return [
        [system, rule["policy"], ", ".join(rule["ports"]), ", ".join(rule["from"])]
        for names in layers.values()
        for system in names
        for rule in said[system]["ports"]
    ]


def _table(title: str, heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = "".join(f"<th>{escape(cell)}</th>" for cell in heads)
    body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return f"<h2>{escape(title)}</h2><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
