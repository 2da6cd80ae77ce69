# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who needs and who talks to whom, from what the records of all systems say. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Description = Mapping[str, Any]


@dataclass(frozen=True, order=True)
class Link:
    """One system that uses another. kind: needs (it is installed after it), talks (its settings name an address of it), or both."""

    source: str
    target: str
    kind: str


def owner_of(service: str, systems: Mapping[str, Description]) -> str:
    """The system that has a service, written name.namespace; '' when nobody of these has it.

    Several systems may share a namespace. Then it is the one of whose objects and releases one has the longest name that the service's begins with,
    and without such a name the first.
    """
    name, _, space = service.partition(".")
    there = {system: said for system, said in systems.items() if space in said["namespaces"]}
    scores = {
        system: max((len(own) for own in (*said["objects"], said["name"]) if name.startswith(own)), default=0)
        for system, said in there.items()
    }
    return max(scores, key=lambda system: scores[system], default="")


def links(systems: Mapping[str, Description]) -> list[Link]:
    """All links between systems of the inventory; systems: their names there, and what describe says of each."""
    hosts = {host: system for system, said in systems.items() for host in said["hosts"]}
    found: list[Link] = []
    for system, said in systems.items():
        needs = {need for need in said["needs"] if need in systems} - {system}
        talks = {owner_of(service, systems) for service in said["mentions"]["services"]}
        talks |= {hosts.get(host, "") for host in said["mentions"]["hosts"]}
        for target in sorted((needs | talks) - {"", system}):
            kind = "both" if target in needs and target in talks else "needs" if target in needs else "talks"
            found.append(Link(system, target, kind))
    return found


def users(all_links: Sequence[Link]) -> dict[str, list[str]]:
    """Who uses each system."""
    found: dict[str, list[str]] = {}
    for link in all_links:
        found.setdefault(link.target, []).append(link.source)
    return found
