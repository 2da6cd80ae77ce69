# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From Ingresses to routes of one Gateway, and a report of what is lost on the way. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .annotations import LOOK, LOST, TRANSLATED, Verdict, judge_all

Object = dict[str, Any]
CLASS = "kubernetes.io/ingress.class"
# What stays here: the Gateway is there already
DROPPED = ("Gateway", "GatewayClass")
ROUTES = ("HTTPRoute", "GRPCRoute", "TLSRoute", "TCPRoute", "UDPRoute")
SECTIONS = {80: "http", 443: "https"}
BOX = re.compile(r"^┌─ (?P<level>[A-Z]+)")
COLOUR = re.compile("\x1b\\[[0-9;]*m")


@dataclass(frozen=True)
class Row:
    """One Ingress."""

    name: str
    hosts: tuple[str, ...]
    address: str
    verdicts: tuple[Verdict, ...]

    @property
    def word(self) -> str:
        """The worst of it."""
        words = {verdict.word for verdict in self.verdicts}
        return next((word for word in (LOST, LOOK) if word in words), TRANSLATED)


@dataclass(frozen=True)
class Note:
    """What the program said about something."""

    level: str
    text: str


@dataclass
class Conversion:
    """Files to review by their names, and what was changed or left out for the Gateway."""

    files: dict[str, Object] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)


def of_class(ingress: Object, name: str, default: str) -> bool:
    """Whether an Ingress is of a class; one that names none is of the default class."""
    said = (ingress.get("spec") or {}).get("ingressClassName")
    said = said or (ingress["metadata"].get("annotations") or {}).get(CLASS) or default
    return bool(said == name)


def rows(ingresses: Iterable[Object], emitter: str) -> list[Row]:
    """What becomes of each Ingress."""
    found = []
    for item in ingresses:
        metadata, spec = item["metadata"], item.get("spec") or {}
        hosts = sorted(
            {rule.get("host") or "*" for rule in spec.get("rules") or []}
            | ({"*"} if spec.get("defaultBackend") else set())
        )
        told = ((item.get("status") or {}).get("loadBalancer") or {}).get("ingress") or [{}]
        address = told[0].get("ip") or told[0].get("hostname") or ""
        verdicts = (*judge_all(metadata.get("annotations") or {}, emitter), *besides(spec, hosts))
        found.append(Row(f"{metadata['namespace']}/{metadata['name']}", tuple(hosts), address, verdicts))
    return sorted(found, key=lambda row: row.name)


def besides(spec: Mapping[str, Any], hosts: Sequence[str]) -> list[Verdict]:
    """What has to be looked at, besides annotations."""
    found = []
    if "*" in hosts:
        found.append(
            Verdict("no host", LOOK, "a route without a host takes all that no other route of the shared Gateway takes")
        )
    secrets = sorted({tls["secretName"] for tls in spec.get("tls") or [] if tls.get("secretName")})
    if secrets:
        found.append(
            Verdict("tls", LOOK, f"the certificate is that of the Gateway's listener and not {', '.join(secrets)}")
        )
    backends = [
        path["backend"] for rule in spec.get("rules") or [] for path in (rule.get("http") or {}).get("paths") or []
    ]
    if any("resource" in backend for backend in [*backends, spec.get("defaultBackend") or {}]):
        found.append(Verdict("backend.resource", LOST, "a route leads to Services"))
    return found


def boxes(text: str) -> list[Note]:
    """What the program wrote about its work: boxes with a level, a message, and where it comes from; anything else is left out."""
    notes: list[Note] = []
    for line in COLOUR.sub("", text).splitlines():
        head = BOX.match(line)
        if head:
            notes.append(Note(head["level"], ""))
        elif line.startswith("│") and notes:
            words = line[1:].strip()
            notes[-1] = Note(notes[-1].level, f"{notes[-1].text} {words}".strip())
    return [note for note in notes if note.text]


def convert(objects: Iterable[Object], gateway: Mapping[str, str], listeners: Sequence[Object]) -> Conversion:
    """Routes of the Gateway from what the program made for Gateways of its own."""
    made = Conversion()
    for item in objects:
        kind, metadata = item["kind"], item["metadata"]
        if kind in DROPPED:
            continue
        where = metadata.get("namespace") or "default"
        title = f"{kind} {where}/{metadata['name']}"
        kept = {key: value for key, value in item.items() if key != "status"}
        kept["metadata"] = {
            key: value for key, value in {**metadata, "namespace": where}.items() if key != "creationTimestamp"
        }
        targets = [one.get("kind") for one in (item.get("spec") or {}).get("targetRefs") or []]
        if "Gateway" in targets:
            made.notes.append(Note("WARN", f"{title} is left out: it is for a whole Gateway, which is shared here"))
            continue
        if kind in ROUTES:
            passthrough = any(
                str(parent.get("sectionName", "")).endswith("-tls-passthrough")
                for parent in item["spec"].get("parentRefs") or []
            )
            kept["spec"] = {**item["spec"], "parentRefs": parents(item["spec"].get("parentRefs") or [{}], gateway)}
            if passthrough:
                made.notes.append(Note("WARN", f"{title} needs a listener of the Gateway with mode Passthrough"))
            for host in unserved(kept["spec"], listeners):
                made.notes.append(
                    Note(
                        "WARN", f"{title}: no listener of the Gateway serves {host}; add one, with a certificate for it"
                    )
                )
        made.files[f"{where}.{kind.lower()}.{metadata['name']}.yaml"] = kept
    return made


def parents(asked: Sequence[Mapping[str, Any]], gateway: Mapping[str, str]) -> list[Object]:
    """The shared Gateway instead of Gateways for each class: its listeners are called http and https."""
    found: list[Object] = []
    for parent in asked:
        section = SECTIONS.get(parent.get("port") or 0, "")
        end = str(parent.get("sectionName") or "").rpartition("-")[2]
        section = section or (end if end in SECTIONS.values() else "")
        one = {
            "name": gateway["name"],
            "namespace": gateway["namespace"],
            **({"sectionName": section} if section else {}),
        }
        if one not in found:
            found.append(one)
    return found


def unserved(spec: Mapping[str, Any], listeners: Sequence[Object]) -> list[str]:
    """Host names of a route that no listener takes, of those that the route names."""
    sections = {parent.get("sectionName") for parent in spec["parentRefs"]}
    asked = [one for one in listeners if None in sections or one.get("name") in sections]
    return [
        host
        for host in spec.get("hostnames") or []
        if not any(serves(one.get("hostname") or "", host) for one in asked)
    ]


def serves(listener: str, host: str) -> bool:
    """Whether a listener's host name takes a host: *.example.com takes a.example.com and a.b.example.com."""
    if not listener or listener == host:
        return True
    if host.startswith("*."):
        return listener.endswith(host[1:])
    return listener.startswith("*.") and host.endswith(listener[1:])


def edited(written: Mapping[str, str], found: Mapping[str, str]) -> set[str]:
    """Files that somebody changed, or took away, after they were written: their digests differ from those that were noted."""
    return {name for name, digest in written.items() if found.get(name) != digest}


def table(head: Sequence[str], lines: Iterable[Sequence[str]]) -> list[str]:
    """A table in Markdown."""
    shown = [" | ".join(cell.replace("|", "\\|").replace("\n", " ") or "-" for cell in line) for line in (head, *lines)]
    return [f"| {shown[0]} |", "|" + " --- |" * len(head), *(f"| {line} |" for line in shown[1:])]


def report(found: Sequence[Row], made: Conversion | None = None, kept: Iterable[str] = ()) -> str:
    """What there is, what is lost, what to look at, and which files wait for a review, in Markdown."""
    lines = [
        "# From Ingresses to routes",
        "",
        *table(("Ingress", "Hosts", "Becomes"), ((row.name, ", ".join(row.hosts), row.word) for row in found)),
    ]
    for word, title in ((LOST, "Not translated"), (LOOK, "Translated, and worth a look")):
        those = [
            (row.name, verdict.name, verdict.why) for row in found for verdict in row.verdicts if verdict.word == word
        ]
        lines += ["", f"## {title}", "", *(table(("Ingress", "What", "Why"), those) if those else ["Nothing."])]
    if made is not None:
        said = [(note.level, note.text) for note in made.notes if note.level != "INFO"]
        lines += [
            "",
            "## What ingress2gateway and the Gateway say",
            "",
            *(table(("Level", "Message"), said) if said else ["Nothing."]),
        ]
        lines += ["", "## Files to review", "", *(f"- {name}" for name in sorted(made.files))]
        lines += [f"- {name} was edited and stays as it is" for name in sorted(kept)]
    return "\n".join(lines) + "\n"
