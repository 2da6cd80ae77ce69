# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The health report as one page of HTML that needs nothing else: no script, no font, no picture from elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

WORDS = ("Degraded", "Missing", "Unknown", "Progressing", "Suspended", "Healthy")  # worst first
STYLE = """
:root{color-scheme:light dark;--bg:#fff;--fg:#1d2430;--dim:#5c6675;--line:#dde2ea;--card:#f6f8fa;
--ok:#1a7f37;--bad:#b3261e;--mid:#8a5a00;--rest:#4b5b73}
@media(prefers-color-scheme:dark){:root{--bg:#12161c;--fg:#e4e8ee;--dim:#98a3b3;--line:#2b333f;--card:#1a2029;
--ok:#4ac26b;--bad:#ff7b72;--mid:#e3b341;--rest:#9fb0c8}}
*{box-sizing:border-box}body{margin:0;background:var(--bg);color:var(--fg);font:16px/1.5 system-ui,sans-serif}
main{max-width:72rem;margin:0 auto;padding:1rem}h1{font-size:1.5rem;margin:.5rem 0}h2{font-size:1.1rem;margin:2rem 0 .5rem}
p{margin:.25rem 0}.dim{color:var(--dim)}.word{font-weight:600;white-space:nowrap}
.Healthy{color:var(--ok)}.Degraded,.Missing{color:var(--bad)}.Progressing,.Unknown{color:var(--mid)}.Suspended{color:var(--rest)}
.card{border:1px solid var(--line);border-left:.35rem solid currentColor;border-radius:.4rem;background:var(--card);
padding:.6rem .8rem;margin:.5rem 0}.card>*{color:var(--fg)}.card .dim{color:var(--dim)}
.head{display:flex;flex-wrap:wrap;gap:.25rem 1rem;align-items:baseline}.name{font-weight:600}
code{font:.85em ui-monospace,monospace;overflow-wrap:anywhere}details{margin-top:.35rem}summary{cursor:pointer;color:var(--dim)}
table{width:100%;border-collapse:collapse}td{padding:.3rem .5rem .3rem 0;border-top:1px solid var(--line);vertical-align:top}
td:first-child{width:9rem}
td:nth-child(2):last-child,td:nth-child(3){overflow-wrap:anywhere}.spent{color:var(--dim);white-space:nowrap}
.counts{display:flex;flex-wrap:wrap;gap:1rem}
@media(max-width:40rem){td,td:first-child{display:block;width:auto;border:0;padding:.1rem 0}td:empty{display:none}
tr{display:block;border-top:1px solid var(--line);padding:.35rem 0}}
"""


def worst(words: Iterable[str]) -> str:
    """The worst of the words; Healthy when there are none."""
    found = [word for word in words if word in WORDS]
    return min(found, key=WORDS.index, default="Healthy")


def _word(word: str) -> str:
    return f'<span class="word {escape(word)}">{escape(word)}</span>'


def _rows(rows: Iterable[Iterable[str]]) -> str:
    cells = ("".join(f"<td>{cell}</td>" for cell in row) for row in rows)
    return f"<table>{''.join(f'<tr>{row}</tr>' for row in cells)}</table>"


def _release(found: Mapping[str, Any]) -> str:
    digest = str(found.get("chart_sha256") or "")
    shown = f" · sha256 <code>{escape(digest[:16])}…</code>" if digest else ""
    version = escape(str(found.get("chart_version") or "of another hand"))
    where = f"{escape(str(found['namespace']))}/{escape(str(found['name']))}"
    return f"{where} · {version} · revision {found['revision']} · {escape(str(found['status']))}{shown}"


def _spent(found: Mapping[str, Any]) -> str:
    """How long it took."""
    seconds = found.get("seconds")
    return "" if seconds is None else f'<span class="spent">{seconds:.1f} s</span>'


def _system(found: Mapping[str, Any]) -> str:
    bad = [check for check in found["checks"] if not check["passed"]]
    said = "".join(f"<p>{escape(check['name'])}: {escape(check['message'] or check['status'])}</p>" for check in bad)
    if not found["checks"] and found["message"]:
        said = f"<p>{escape(found['message'])}</p>"
    releases = "".join(f'<p class="dim">{_release(one)}</p>' for one in found["releases"])
    rows = _rows(
        (_word(check["status"]), escape(check["name"]), escape(check["message"]), _spent(check))
        for check in found["checks"]
    )
    counted = f"{len(found['checks'])} check{'s' if len(found['checks']) > 1 else ''}"
    details = f"<details><summary>{counted}</summary>{rows}</details>" if found["checks"] else ""
    name = f'<span class="name">{escape(found["name"])}</span>'
    head = f'<div class="head">{name}{_word(found["status"])}{_spent(found)}</div>'
    return f'<section class="card {escape(found["status"])}">{head}{said}{releases}{details}</section>'


def page(report: Mapping[str, Any], title: str, when: str) -> str:
    """The whole page. report: overall, lines, areas, not_looked_at, systems (each with its layer)."""
    systems = list(report.get("systems") or [])
    counts = [(word, sum(one["status"] == word for one in systems)) for word in WORDS]
    parts = [f"<h1>{escape(title)} {_word(report['overall'])}</h1>", f'<p class="dim">{escape(when)}</p>']
    if systems:
        shown = "".join(f"<span>{_word(word)} {count}</span>" for word, count in counts if count)
        parts.append(f'<p class="counts">{shown}</p>')
    problems = [line for line in report.get("lines") or [] if line["status"] != "Healthy"]
    if report.get("areas"):
        parts.append("<h2>Machines and cluster</h2>")
        parts += [
            f'<section class="card {escape(line["status"])}"><div class="head"><span class="name">{escape(line["subject"])}: '
            f"{escape(line['check'])}</span>{_word(line['status'])}</div><p>{escape(line['message'])}</p></section>"
            for line in problems
        ]
        parts.append(_rows((escape(area), escape(str(said))) for area, said in report["areas"].items()))
    for layer in dict.fromkeys(one["layer"] for one in systems):
        parts.append(f"<h2>{escape(layer.capitalize())}</h2>")
        parts += [_system(one) for one in systems if one["layer"] == layer]
    if report.get("not_looked_at"):
        parts.append(f'<p class="dim">Not looked at: {escape(", ".join(report["not_looked_at"]))}</p>')
    head = '<meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">'
    style = f"<style>{STYLE}</style>"
    body = "".join(parts)
    return f'<!doctype html><html lang="en"><head>{head}<title>{escape(title)}</title>{style}</head><body><main>{body}</main></body></html>\n'
