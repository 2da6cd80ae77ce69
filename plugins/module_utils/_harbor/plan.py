# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which steps bring a Harbor from what was found to what is wanted, in their order. Pure.

A thing of Harbor is a key, (kind, name, ...), and its fields. What is wanted names only the fields that matter.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .._errors import KubestdError

Key = tuple[str, ...]
Fields = Mapping[str, Any]
# The order of making; things are taken away in the reverse order.
KINDS = (
    "configuration",
    "registry",
    "project",
    "quota",
    "member",
    "immutable_tag",
    "retention",
    "robot",
    "robot_secret",
    "replication",
    "schedule",
)
# Fields that are digests of secrets.
SECRET_FIELDS = frozenset({"credential", "oidc_client_secret"})
# Fields that Harbor never changes, and what to do about it.
FIXED = {
    ("registry", "type"): "delete it, or name another registry",
    ("project", "registry"): "a project is made as a proxy cache or not; name another project",
}


class HarborError(KubestdError):
    """Harbor cannot be brought to its description."""


@dataclass(frozen=True)
class Wanted:
    """things: with the fields that matter; absent: not to be there; complete: beginnings of keys of which nothing else is to be there."""

    things: Mapping[Key, Fields] = field(default_factory=dict)
    absent: Sequence[Key] = ()
    complete: Sequence[Key] = ()


@dataclass(frozen=True)
class Step:
    """make | change | delete one thing; fields: all that is wanted (make), or what differs (change)."""

    verb: str
    key: Key
    fields: Mapping[str, Any] = field(default_factory=dict)
    before: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        named = f"{self.verb} {said(self.key)}"
        return f"{named} ({', '.join(sorted(self.fields))})" if self.verb == "change" else named


@dataclass(frozen=True)
class Plan:
    """Steps in their order."""

    steps: tuple[Step, ...] = ()


def said(key: Key) -> str:
    """A thing as messages name it."""
    kind, *names = key
    words = kind.replace("_", " ")
    if kind in ("configuration", "schedule"):
        return "the configuration" if kind == "configuration" else f"the schedule of {names[0].replace('_', ' ')}"
    if kind in ("quota", "retention"):
        return f"the {words} of project {names[0]}"
    if kind in ("member", "immutable_tag"):
        return f"{words} {names[1]} of project {names[0]}"
    if kind == "robot":
        return f"robot {named(names[0], names[1])}"
    if kind == "robot_secret":
        return f"the Secret {names[2]}/{names[3]} of robot {named(names[0], names[1])}"
    return f"{words} {names[0]}"


def named(project: str, name: str) -> str:
    """A robot as Harbor names it, without the prefix."""
    return f"{project}+{name}" if project else name


def make_plan(found: Mapping[Key, Fields], wanted: Wanted) -> Plan:
    """What to do. Raises HarborError, before anything is done, where Harbor would refuse a step or a step could lose images."""
    gone = _gone(found, wanted)
    there = {key for key in found if key not in gone} | set(wanted.things)
    steps = []
    for key, fields in sorted(owned(wanted.things, found).items(), key=lambda item: (KINDS.index(item[0][0]), item[0])):
        _refuse_dangling(key, fields, there)
        before = found.get(key)
        if before is None:
            steps.append(Step("make", key, dict(fields)))
            continue
        differs = {name: value for name, value in fields.items() if before.get(name) != value}
        for name in differs:
            _refuse_fixed(key, name, before)
        if differs:
            steps.append(Step("change", key, differs, {name: before.get(name) for name in differs}))
    for key in sorted(gone, key=lambda key: (KINDS.index(key[0]), key), reverse=True):
        _refuse_loss(key, found, wanted, there)
        if not _falls_with_its_project(key, gone):
            steps.append(Step("delete", key, {}, _shown_before(found[key])))
    return Plan(tuple(steps))


def owned(things: Mapping[Key, Fields], found: Mapping[Key, Fields]) -> dict[Key, Fields]:
    """The things, with each Secret of a robot belonging to the robot that is there now, or to one that is yet to be made."""
    return {
        key: {**fields, "of": str(found.get(("robot", *key[1:3]), {}).get("identity", "new"))}
        if key[0] == "robot_secret"
        else fields
        for key, fields in things.items()
    }


def _gone(found: Mapping[Key, Fields], wanted: Wanted) -> set[Key]:
    asked = {key for key in wanted.absent if key in found}
    left = {
        key
        for key, fields in found.items()
        if key not in wanted.things
        and not fields.get("permanent")
        and any(key[: len(beginning)] == tuple(beginning) for beginning in wanted.complete)
    }
    gone = asked | left
    projects = {key[1] for key in gone if key[0] == "project"}
    return gone | {key for key in found if _project_of(key) in projects and key not in wanted.things}


def _project_of(key: Key) -> str:
    """The project that a thing is part of; '' when it is of none."""
    return key[1] if key[0] in ("quota", "member", "immutable_tag", "retention", "robot") else ""


def _falls_with_its_project(key: Key, gone: Iterable[Key]) -> bool:
    return bool(_project_of(key)) and ("project", _project_of(key)) in gone


def _shown_before(fields: Fields) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name not in ("id", "permanent")}


def _refuse_fixed(key: Key, name: str, before: Fields) -> None:
    advice = FIXED.get((key[0], name))
    if advice:
        raise HarborError(
            f"{name} of {said(key)} is {before.get(name) or 'none'}, which Harbor does not change; {advice}."
        )
    if name == "auth_mode" and before.get("read_only") == (name,):
        raise HarborError(
            f"auth_mode of Harbor is {before[name]} and stays so, since there are accounts besides the administrator's; delete these first."
        )
    if key[0] == "configuration" and name in before.get("read_only", ()):
        raise HarborError(
            f"{name} of the configuration is set by the environment of Harbor (CONFIG_OVERWRITE_JSON), so that the API does not change it;"
            " set it there."
        )
    if key[0] == "configuration" and name not in before and name not in SECRET_FIELDS:
        raise HarborError(f"This Harbor has no setting {name}; look at GET /api/v2.0/configurations for those it has.")
    if key[0] == "robot_secret" and name == "of" and before.get("foreign"):
        raise HarborError(
            f"{said(key)[4:].partition(' of ')[0]} is there and was not made by this module; name another in secrets, or delete it."
        )


def _refuse_dangling(key: Key, fields: Fields, there: set[Key]) -> None:
    registry = fields.get("registry")
    if registry and ("registry", registry) not in there:
        raise HarborError(f"{said(key)} names the registry {registry}, which is not there; add it to registries.")
    project = _project_of(key)
    if project and ("project", project) not in there:
        raise HarborError(f"{said(key)} is of a project that is not there; add {project} to projects.")
    for permission in fields.get("permissions", ()):
        kind, space, _ = permission
        if kind == "project" and space != "*" and ("project", space) not in there:
            raise HarborError(f"{said(key)} names the project {space}, which is not there; add it to projects.")


def _refuse_loss(key: Key, found: Mapping[Key, Fields], wanted: Wanted, there: set[Key]) -> None:
    if key[0] == "project" and found[key].get("repositories"):
        raise HarborError(
            f"{said(key)} holds {found[key]['repositories']} repositories and is not deleted with them; delete them first,"
            " or let the project stay."
        )
    if key[0] == "registry":
        after = {one: {**found.get(one, {}), **wanted.things.get(one, {})} for one in there}
        users = [said(one) for one, fields in sorted(after.items()) if fields.get("registry") == key[1]]
        if users:
            raise HarborError(f"{said(key)} is used by {', '.join(users)}; take those away as well, or let it stay.")


def difference(plan: Plan) -> dict[str, str]:
    """The steps as two texts for people; secrets are never in them."""
    sides: dict[str, list[str]] = {"before": [], "after": []}
    for step in plan.steps:
        for side, fields, absent in (("before", step.before, "make"), ("after", step.fields, "delete")):
            if step.verb != absent:
                sides[side].append(said(step.key) + ":")
                sides[side].extend(
                    f"  {name}: {_shown(name, value, side)}" for name, value in sorted(fields.items()) if name != "id"
                )
    return {side: "".join(f"{line}\n" for line in lines) for side, lines in sides.items()}


def _shown(name: str, value: Any, side: str) -> Any:
    if name in SECRET_FIELDS and value:
        return "******** (as before)" if side == "before" else "******** (as in the Secret)"
    return list(value) if isinstance(value, tuple) else value
