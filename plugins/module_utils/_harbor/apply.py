# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps of a plan, as requests."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from .api import Api
from .plan import Fields, HarborError, Key, Step, Wanted
from .read import SCHEDULES, identity

OIDC_GROUP = 3
# Fields of a project that stand in its metadata, in the words of the API.
NOT_METADATA = ("registry", "cve_allowlist")


class SecretStore(Protocol):
    """Secrets of robots in the cluster."""

    def password(self, robot: Key, of: str) -> str:
        """The password that a Secret holds for the robot of this identity; '' when none does."""

    def put(self, key: Key, fields: Fields, user: str, of: str, password: str) -> None:
        """Write a Secret."""

    def take_away(self, key: Key) -> None:
        """Delete a Secret."""


class Worker:
    """Takes steps. secrets: user and password of registries, and the client's secret, by thing."""

    def __init__(
        self,
        api: Api,
        found: Mapping[Key, Fields],
        wanted: Wanted,
        secrets: Mapping[Key, Sequence[str]],
        store: SecretStore,
    ) -> None:
        self.api, self.found, self.wanted, self.secrets, self.store = api, found, wanted, secrets, store
        self.numbers = {key: str(fields["id"]) for key, fields in found.items() if "id" in fields}
        robots = {key: fields for key, fields in found.items() if key[0] == "robot"}
        self.users = {key: str(fields["full_name"]) for key, fields in robots.items()}
        self.identities = {key: str(fields["identity"]) for key, fields in robots.items()}
        self.passwords: dict[Key, str] = {}

    def take(self, step: Step) -> None:
        """One step. Raises HarborError that names it."""
        try:
            getattr(self, step.key[0])(step)
        except HarborError as error:
            raise HarborError(f"Cannot {step}: {error}{advice(step, str(error))}") from error

    def whole(self, step: Step) -> dict[str, Any]:
        """All that is wanted of the thing, where Harbor takes it as a whole."""
        return dict(self.wanted.things[step.key])

    def number(self, *key: str) -> str:
        """What Harbor calls a thing."""
        return self.numbers[key]

    def put(self, step: Step, path: str, body: Mapping[str, Any], method: str = "PUT") -> None:
        """Make the thing at a path, or change or delete the one that is there."""
        if step.verb == "make":
            self.numbers[step.key] = self.api.make(path, body)
        elif step.verb == "change":
            self.api.send(method, f"{path}/{self.numbers[step.key]}", body)
        else:
            self.api.send("DELETE", f"{path}/{self.numbers[step.key]}")

    def configuration(self, step: Step) -> None:
        """Settings of the system."""
        body = dict(step.fields)
        if "oidc_client_secret" in body:
            body["oidc_client_secret"] = self.secrets[step.key][0]
        self.api.send("PUT", "/configurations", body)

    def registry(self, step: Step) -> None:
        """A registry elsewhere."""
        body = {name: value for name, value in step.fields.items() if name != "credential"}
        user, password = self.secrets.get(step.key, ("", ""))
        if step.verb == "make":
            body["name"] = step.key[1]
            if user or password:
                body["credential"] = {"type": "basic", "access_key": user, "access_secret": password}
            if not body["ca_certificate"]:
                del body["ca_certificate"]
        elif "credential" in step.fields:
            kind = "basic" if user or password else ""
            body.update({"credential_type": kind, "access_key": user, "access_secret": password})
        self.put(step, "/registries", body)

    def project(self, step: Step) -> None:
        """A project."""
        metadata = {name: value for name, value in step.fields.items() if name not in NOT_METADATA}
        body: dict[str, Any] = {"metadata": metadata}
        allowed = step.fields.get("cve_allowlist")
        if step.verb == "make":
            body["project_name"] = step.key[1]
            if step.fields.get("registry"):
                body["registry_id"] = int(self.number("registry", step.fields["registry"]))
        elif allowed is not None:
            body["cve_allowlist"] = {"items": [{"cve_id": one} for one in allowed]}
        self.put(step, "/projects", body)
        if step.verb == "make" and allowed:
            # Harbor does not read it when a project is made
            listed = {"cve_allowlist": {"items": [{"cve_id": one} for one in allowed]}}
            self.api.send("PUT", f"/projects/{self.numbers[step.key]}", listed)

    def quota(self, step: Step) -> None:
        """How much a project may hold. Harbor makes the quota with the project."""
        number = self.numbers.get(step.key)
        if number is None:
            query = {"reference": "project", "reference_id": self.number("project", step.key[1])}
            number = next((str(one["id"]) for one in self.api.pages("/quotas", query)), None)
        if number is None:
            raise HarborError("quotas of projects are switched off; set quota_per_project_enable in configuration.")
        self.api.send("PUT", f"/quotas/{number}", {"hard": {"storage": step.fields["storage"]}})

    def member(self, step: Step) -> None:
        """Somebody who works in a project."""
        path = f"/projects/{self.number('project', step.key[1])}/members"
        kind, _, name = step.key[2].partition(" ")
        body: dict[str, Any] = {"role_id": step.fields.get("role")}
        if step.verb == "make" and kind == "group":
            body["member_group"] = {"id": self.group(name)}
        elif step.verb == "make":
            body["member_user"] = {"username": name}
        self.put(step, path, body)

    def group(self, name: str) -> int:
        """A group of the provider, which Harbor knows once somebody of it came by, or now."""
        for one in self.api.pages("/usergroups", {"group_name": name}):
            if one["group_name"] == name and one["group_type"] == OIDC_GROUP:
                return int(one["id"])
        return int(self.api.make("/usergroups", {"group_name": name, "group_type": OIDC_GROUP}))

    def immutable_tag(self, step: Step) -> None:
        """Tags that nobody overwrites."""
        body: dict[str, Any] = {}
        if step.verb != "delete":
            whole = self.whole(step)
            body = {
                "disabled": whole["disabled"],
                "action": "immutable",
                "template": "immutable_template",
                **_selectors(whole["tags"], whole["repositories"]),
            }
            if step.verb == "change":
                body["id"] = int(self.numbers[step.key])
        path = f"/projects/{self.number('project', step.key[1])}/immutabletagrules"
        self.put(step, path, body)
        if step.verb == "make" and body["disabled"]:
            # Harbor makes it in force, whatever was asked for
            number = self.numbers[step.key]
            self.api.send("PUT", f"{path}/{number}", {**body, "id": int(number)})

    def retention(self, step: Step) -> None:
        """Tags that stay."""
        body: dict[str, Any] = {}
        if step.verb != "delete":
            whole = self.whole(step)
            body = {
                "algorithm": "or",
                "rules": [_retention_rule(rule) for rule in whole["rules"]],
                "trigger": {"kind": "Schedule", "settings": {"cron": whole["cron"]}},
                "scope": {"level": "project", "ref": int(self.number("project", step.key[1]))},
            }
        self.put(step, "/retentions", body)

    def robot(self, step: Step) -> None:
        """An account of a machine."""
        if step.verb == "delete":
            self.put(step, "/robots", {})
            return
        whole = self.whole(step)
        spaces: dict[tuple[str, str], list[dict[str, str]]] = {}
        for kind, space, access in whole.pop("permissions"):
            resource, _, action = access.partition(":")
            spaces.setdefault((kind, space), []).append({"resource": resource, "action": action})
        permissions = [{"kind": kind, "namespace": space, "access": access} for (kind, space), access in spaces.items()]
        body = {**whole, "level": "project" if step.key[1] else "system", "permissions": permissions}
        if step.verb == "change":
            self.put(step, "/robots", {**body, "name": self.users[step.key]})
            return
        made = self.api.send("POST", "/robots", {**body, "name": step.key[2]}).data
        self.numbers[step.key], self.users[step.key] = str(made["id"]), made["name"]
        self.identities[step.key], self.passwords[step.key] = identity(made), made["secret"]

    def robot_secret(self, step: Step) -> None:
        """The password of a robot, in the cluster. What no Secret holds any more is made anew."""
        if step.verb == "delete":
            self.store.take_away(step.key)
            return
        robot = ("robot", *step.key[1:3])
        of = self.identities[robot]
        if robot not in self.passwords:
            known = self.store.password(robot, of)
            self.passwords[robot] = known or self.api.send("PATCH", f"/robots/{self.numbers[robot]}", {}).data["secret"]
        self.store.put(step.key, self.whole(step), self.users[robot], of, self.passwords[robot])

    def replication(self, step: Step) -> None:
        """Images that are copied."""
        body: dict[str, Any] = {}
        if step.verb != "delete":
            whole = self.whole(step)
            end = {"pull": "src_registry", "push": "dest_registry"}[whole.pop("direction")]
            body = {
                **whole,
                "name": step.key[1],
                end: {"id": int(self.number("registry", whole.pop("registry")))},
                "filters": [_filter(*part) for part in whole["filters"]],
                "trigger": {"type": whole["trigger"], "trigger_settings": {"cron": whole["cron"]}},
            }
            del body["cron"], body["registry"]
        self.put(step, "/replication/policies", body)

    def schedule(self, step: Step) -> None:
        """When something is done to the whole system."""
        whole = self.whole(step)
        time = whole.pop("cron")
        body: dict[str, Any] = {"schedule": {"type": "Custom", "cron": time} if time else {"type": "None", "cron": ""}}
        if whole:
            body["parameters"] = whole
        self.api.send("PUT", SCHEDULES[step.key[1]], body)


def _selector(decoration: str, pattern: str) -> dict[str, str]:
    return {"kind": "doublestar", "decoration": decoration, "pattern": pattern}


def _selectors(tags: Sequence[str], repositories: Sequence[str]) -> dict[str, Any]:
    return {
        "tag_selectors": [_selector(tags[0], tags[1])],
        "scope_selectors": {"repository": [_selector(repositories[0], repositories[1])]},
    }


def _retention_rule(rule: Sequence[Any]) -> dict[str, Any]:
    template, count, *selected, untagged, disabled = rule
    found = {
        "action": "retain",
        "template": template,
        "params": {template: count} if count else {},
        "disabled": disabled,
        **_selectors(selected[:2], selected[2:]),
    }
    found["tag_selectors"][0]["extras"] = json.dumps({"untagged": untagged})
    return found


def _filter(kind: str, value: str, decoration: str) -> dict[str, Any]:
    found: dict[str, Any] = {"type": kind, "value": value.split(",") if kind == "label" else value}
    return {**found, "decoration": decoration} if decoration else found


def advice(step: Step, problem: str) -> str:
    """What to do about a refusal, where Harbor does not say it."""
    if step.key[0] == "registry" and step.verb != "delete":
        return " (Harbor asks a registry before it keeps it: its core has to reach the address, with the CA and the login given)"
    if step.key == ("schedule", "scan_all"):
        return " (there has to be a scanner: Trivy, or one that you registered)"
    if "CONFIG_OVERWRITE_JSON" in problem:
        return " (the environment of Harbor's core has the settings; set them there)"
    return ""
