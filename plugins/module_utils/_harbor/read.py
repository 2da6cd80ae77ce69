# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a Harbor has, as things with fields, as far as it has to be known for what is wanted."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from .api import Api
from .plan import Fields, Key, Wanted
from .wanted import SWITCHES, immutable_name

TEXTS = (*SWITCHES.values(), "prevent_vul", "reuse_sys_cve_allowlist")
SCHEDULES = {"garbage_collection": "/system/gc/schedule", "scan_all": "/system/scanAll/schedule"}


class Reader:
    """One look at one Harbor. digests: of the secrets that it was given before; user: who looks."""

    def __init__(self, api: Api, wanted: Wanted, digests: Mapping[Key, str], user: str) -> None:
        self.api, self.wanted, self.digests, self.user = api, wanted, digests, user
        self.registries: dict[int, str] = {}
        self.prefix = "robot$"

    def all(self) -> dict[Key, Fields]:
        """The things."""
        found: dict[Key, Fields] = {}
        settings = self.api.get("/configurations") or {}
        self.prefix = (settings.get("robot_name_prefix") or {}).get("value") or self.prefix
        found[("configuration",)] = self.configuration(settings)
        for one in self.api.pages("/registries"):
            self.registries[one["id"]] = one["name"]
            found[("registry", one["name"])] = self.registry(one)
        projects = {one["name"]: one for one in self.api.pages("/projects")}
        found.update({("project", name): self.project(one) for name, one in projects.items()})
        for name, one in projects.items():
            found.update(self.parts(name, one))
        found.update(self.robots(projects))
        for one in self.api.pages("/replication/policies"):
            found[("replication", one["name"])] = self.replication(one)
        for name in SCHEDULES:
            if ("schedule", name) in self.wanted.things:
                found[("schedule", name)] = self.schedule(name)
        return found

    def asked(self, kind: str, project: str) -> bool:
        """Whether somebody wants to know what is in a project."""
        keys = (*self.wanted.things, *self.wanted.absent, *self.wanted.complete)
        return any(key[:2] == (kind, project) for key in keys)

    def configuration(self, settings: Mapping[str, Any]) -> Fields:
        """Settings of the system."""
        found = {name: item.get("value") for name, item in settings.items() if isinstance(item, dict)}
        fixed = [name for name, item in settings.items() if isinstance(item, dict) and not item.get("editable", True)]
        if ("configuration",) in self.digests:
            found["oidc_client_secret"] = self.digests[("configuration",)]
        return {**found, "read_only": tuple(fixed)}

    def registry(self, one: Mapping[str, Any]) -> Fields:
        """An endpoint. Harbor says that there is a password, never which."""
        login = one.get("credential") or {}
        given = self.digests.get(("registry", one["name"]), "") or "unknown"
        return {
            "id": one["id"],
            "type": one.get("type") or "",
            "url": (one.get("url") or "").rstrip("/"),
            "description": one.get("description") or "",
            "insecure": bool(one.get("insecure")),
            "ca_certificate": (one.get("ca_certificate") or "").strip(),
            "credential": given if login.get("access_key") or login.get("access_secret") else "",
        }

    def project(self, one: Mapping[str, Any]) -> Fields:
        """A project."""
        metadata = one.get("metadata") or {}
        allowed = (one.get("cve_allowlist") or {}).get("items") or []
        return {
            **dict.fromkeys(TEXTS, "false"),
            **metadata,
            "id": one["project_id"],
            "registry": self.registries.get(one.get("registry_id") or 0, ""),
            "repositories": one.get("repo_count") or 0,
            "cve_allowlist": tuple(sorted(item["cve_id"] for item in allowed)),
        }

    def parts(self, name: str, one: Mapping[str, Any]) -> Iterator[tuple[Key, Fields]]:
        """What is in a project."""
        number = one["project_id"]
        if self.asked("quota", name):
            for quota in self.api.pages("/quotas", {"reference": "project", "reference_id": str(number)}):
                yield ("quota", name), {"id": quota["id"], "storage": (quota.get("hard") or {}).get("storage")}
        if self.asked("member", name):
            for member in self.api.pages(f"/projects/{number}/members"):
                kind = "group" if member["entity_type"] == "g" else "user"
                fields = {"id": member["id"], "role": member["role_id"]}
                owner = kind == "user" and member["entity_name"] in (self.user, one.get("owner_name"))
                yield ("member", name, f"{kind} {member['entity_name']}"), {**fields, "permanent": owner}
        if self.asked("immutable_tag", name):
            for rule in self.api.pages(f"/projects/{number}/immutabletagrules"):
                tags, repositories = selected(rule)
                yield (
                    ("immutable_tag", name, immutable_name(tags, repositories)),
                    {
                        "id": rule["id"],
                        "tags": tags,
                        "repositories": repositories,
                        "disabled": bool(rule.get("disabled")),
                    },
                )
        policy = (one.get("metadata") or {}).get("retention_id")
        if policy and self.asked("retention", name):
            yield ("retention", name), self.retention(self.api.get(f"/retentions/{policy}") or {}, policy)

    @staticmethod
    def retention(one: Mapping[str, Any], number: str) -> Fields:
        """Which tags stay."""
        rules = []
        for rule in one.get("rules") or []:
            tags, repositories = selected(rule)
            count = (rule.get("params") or {}).get(rule.get("template"), 0)
            untagged = untagged_too((rule.get("tag_selectors") or [{}])[0].get("extras") or "")
            rules.append((rule.get("template"), int(count), *tags, *repositories, untagged, bool(rule.get("disabled"))))
        settings = (one.get("trigger") or {}).get("settings") or {}
        return {"id": number, "cron": settings.get("cron") or "", "rules": tuple(sorted(rules))}

    def robots(self, projects: Mapping[str, Any]) -> Iterator[tuple[Key, Fields]]:
        """Accounts of the system, and of the projects that somebody asks about."""
        for one in self.api.pages("/robots"):
            yield ("robot", "", one["name"].removeprefix(self.prefix)), self.robot(one)
        every = ("robot",) in self.wanted.complete
        for name, project in projects.items():
            if every or self.asked("robot", name):
                for one in self.api.pages("/robots", {"q": f"Level=project,ProjectID={project['project_id']}"}):
                    short = one["name"].removeprefix(self.prefix).partition("+")[2]
                    yield ("robot", name, short), self.robot(one)

    @staticmethod
    def robot(one: Mapping[str, Any]) -> Fields:
        """An account of a machine."""
        permissions = {
            (part["kind"], part["namespace"], f"{access['resource']}:{access['action']}")
            for part in one.get("permissions") or []
            for access in part.get("access") or []
        }
        return {
            "id": one["id"],
            "full_name": one["name"],
            "identity": identity(one),
            "description": one.get("description") or "",
            "duration": one.get("duration"),
            "disable": bool(one.get("disable")),
            "permissions": tuple(sorted(permissions)),
        }

    @staticmethod
    def replication(one: Mapping[str, Any]) -> Fields:
        """Images that are copied."""
        source, target = one.get("src_registry") or {}, one.get("dest_registry") or {}
        trigger = one.get("trigger") or {}
        filters = []
        for part in one.get("filters") or []:
            value = part.get("value")
            text = ",".join(sorted(value)) if isinstance(value, list) else str(value)
            decoration = part.get("decoration") or ("matches" if part["type"] in ("tag", "label") else "")
            filters.append((part["type"], text, decoration))
        return {
            "id": one["id"],
            "direction": "pull" if source.get("id") else "push",
            "registry": (source if source.get("id") else target).get("name") or "",
            "description": one.get("description") or "",
            "dest_namespace": one.get("dest_namespace") or "",
            "dest_namespace_replace_count": one.get("dest_namespace_replace_count"),
            "trigger": trigger.get("type") or "manual",
            "cron": (trigger.get("trigger_settings") or {}).get("cron") or "",
            "filters": tuple(sorted(filters)),
            "deletion": bool(one.get("replicate_deletion")),
            "override": bool(one.get("override")),
            "enabled": bool(one.get("enabled")),
            "speed": one.get("speed") or 0,
            "copy_by_chunk": bool(one.get("copy_by_chunk")),
            "single_active_replication": bool(one.get("single_active_replication")),
        }

    def schedule(self, name: str) -> Fields:
        """When something is done to the whole system."""
        found = self.api.get(SCHEDULES[name])
        one = found if isinstance(found, dict) else {}
        options = json.loads(one.get("job_parameters") or "{}")
        return {
            "cron": (one.get("schedule") or {}).get("cron") or "",
            "delete_untagged": bool(options.get("delete_untagged")),
            "workers": options.get("workers") or 1,
        }


def identity(robot: Mapping[str, Any]) -> str:
    """Which robot it is: another Harbor begins to count anew."""
    return f"{robot['id']}@{robot.get('creation_time', '')}"


def selected(rule: Mapping[str, Any]) -> tuple[tuple[str, str], tuple[str, str]]:
    """(decoration, pattern) of tags and of repositories of a rule that this collection could have made."""
    tags = (rule.get("tag_selectors") or [{}])[0]
    repositories = ((rule.get("scope_selectors") or {}).get("repository") or [{}])[0]
    return (
        (tags.get("decoration") or "matches", tags.get("pattern") or "**"),
        (repositories.get("decoration") or "repoMatches", repositories.get("pattern") or "**"),
    )


def untagged_too(extras: str) -> bool:
    """Whether a selector of tags takes artifacts without one."""
    try:
        return bool(json.loads(extras or "{}").get("untagged"))
    except (ValueError, AttributeError):
        return False
