# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stand-in of Harbor's API and of the Secrets of a cluster, in memory. It is no Harbor: tests/integration/test_harbor.py has a real one.

It answers as the handlers of Harbor 2.15 do (src/server/v2.0/handler), with what they refuse, forget and rename.
"""

from __future__ import annotations

import base64
import itertools
import json
import re
from copy import deepcopy
from typing import Any

from ansible_collections.kubestd.platform.plugins.module_utils._kube import Answer, KubeError

API = "/api/v2.0"
# What is not told in a listing, as in convertRegistry.
STARS = "*****"
SETTINGS = {
    "auth_mode": "db_auth",
    "primary_auth_mode": False,
    "project_creation_restriction": "everyone",
    "robot_name_prefix": "robot$",
    "quota_per_project_enable": True,
    "oidc_name": "",
    "oidc_endpoint": "",
    "oidc_client_id": "",
    "oidc_groups_claim": "",
    "oidc_admin_group": "",
    "oidc_group_filter": "",
    "oidc_scope": "",
    "oidc_user_claim": "",
    "oidc_verify_cert": True,
    "oidc_auto_onboard": False,
    "oidc_logout": False,
}


class Refused(Exception):
    """An answer above 299."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class HarborStandIn:
    """Has the one method of KubeClient that the module uses for Harbor."""

    retry_for = 0.0

    def __init__(self) -> None:
        self.numbers = itertools.count(1)
        self.settings = dict(SETTINGS)
        self.given: dict[str, Any] = {}
        self.tables: dict[str, dict[int, dict[str, Any]]] = {
            name: {} for name in ("registries", "projects", "quotas", "usergroups", "robots", "policies", "retentions")
        }
        self.members: dict[int, dict[int, dict[str, Any]]] = {}
        self.rules: dict[int, dict[int, dict[str, Any]]] = {}
        self.schedules: dict[str, dict[str, Any]] = {}
        self.changes: list[str] = []
        self.headers: dict[str, str] = {}
        self.read_only = False
        self.users = False
        self.post_projects({"project_name": "library", "metadata": {"public": "true"}}, {})

    def add_header(self, name: str, value: str) -> None:
        self.headers[name] = value

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        query: dict[str, str] | None = None,
        content_type: str = "application/json",
    ) -> Answer:
        del content_type
        if method != "GET":
            self.changes.append(f"{method} {path.removeprefix(API)}")
        parts = path.removeprefix(API).strip("/").split("/")
        names = [part for part in parts if not part.isdigit()]
        arguments = [int(part) for part in parts if part.isdigit()]
        one = "_one" if arguments and parts[-1].isdigit() else ""
        name = "_".join([method.lower(), *(re.sub("[A-Z]", lambda hit: "_" + hit[0].lower(), part) for part in names)])
        try:
            answer = getattr(self, name + one)(*arguments, *([deepcopy(body)] if body is not None else []), query or {})
        except Refused as error:
            said = {"errors": [{"code": "X", "message": str(error)}]}
            return Answer(error.status, said, {})
        if isinstance(answer, int):
            return Answer(201, "", {"location": f"{path}/{answer}"})
        return Answer(200, deepcopy(answer), {})

    @staticmethod
    def page(items: Any, query: dict[str, str]) -> list[Any]:
        size, number = int(query.get("page_size", 10)), int(query.get("page", 1))
        return list(items)[size * (number - 1) : size * number]

    @staticmethod
    def one(table: dict[int, Any], number: int) -> Any:
        if number not in table:
            raise Refused(404, f"{number} not found")
        return table[number]

    def get_configurations(self, query: Any) -> Any:
        fixed = {*(self.settings if self.read_only else ()), *(["auth_mode"] if self.users else ())}
        return {name: {"value": value, "editable": name not in fixed} for name, value in self.settings.items()}

    def put_configurations(self, body: Any, query: Any) -> Any:
        if self.read_only:
            raise Refused(403, "current config is init by env variable: CONFIG_OVERWRITE_JSON, it cannot be updated")
        secret = body.pop("oidc_client_secret", None)
        if secret:
            self.given["oidc"] = secret
        self.settings.update({name: value for name, value in body.items() if name in SETTINGS})

    def get_registries(self, query: Any) -> Any:
        shown = []
        for one in self.tables["registries"].values():
            login = one.get("credential")
            hidden = {**login, "access_secret": STARS if login["access_secret"] else ""} if login else None
            shown.append({**one, "credential": hidden})
        return self.page(shown, query)

    def post_registries(self, body: Any, query: Any) -> Any:
        self.healthy(body)
        number = next(self.numbers)
        self.tables["registries"][number] = {**body, "id": number, "url": body["url"].rstrip("/")}
        return number

    @staticmethod
    def healthy(body: Any) -> None:
        if "unreachable" in body.get("url", ""):
            raise Refused(400, "the registry is unhealthy")

    def put_registries_one(self, number: int, body: Any, query: Any) -> Any:
        one = self.one(self.tables["registries"], number)
        self.healthy(body)
        login = one.get("credential") or {"type": "", "access_key": "", "access_secret": ""}
        for name, part in (
            ("credential_type", "type"),
            ("access_key", "access_key"),
            ("access_secret", "access_secret"),
        ):
            if name in body:
                login[part] = body[name]
        taken = {name: body[name] for name in ("url", "description", "insecure", "ca_certificate") if name in body}
        one.update(taken, credential=login)

    def delete_registries_one(self, number: int, query: Any) -> Any:
        used = [one for one in self.tables["projects"].values() if one.get("registry_id") == number]
        used += [
            one
            for one in self.tables["policies"].values()
            if number in ((one.get("src_registry") or {}).get("id"), (one.get("dest_registry") or {}).get("id"))
        ]
        if used:
            raise Refused(412, f"the registry {number} is referenced")
        del self.tables["registries"][number]

    def get_projects(self, query: Any) -> Any:
        return self.page(self.tables["projects"].values(), query)

    def post_projects(self, body: Any, query: Any) -> Any:
        if any(one["name"] == body["project_name"] for one in self.tables["projects"].values()):
            raise Refused(409, "project exists")
        metadata = {"public": "false", **body.get("metadata", {})}
        number, registry = next(self.numbers), body.get("registry_id")
        if registry is None:
            metadata = {
                key: value for key, value in metadata.items() if key not in ("proxy_speed_kb", "max_upstream_conn")
            }
        else:
            self.one(self.tables["registries"], registry)
            metadata.pop("enable_content_trust", None)
        project = {"project_id": number, "name": body["project_name"], "owner_name": "admin", "repo_count": 0}
        project |= {"metadata": metadata, "cve_allowlist": {"items": []}}
        if registry is not None:
            project["registry_id"] = registry
        self.tables["projects"][number] = project
        quota = next(self.numbers)
        self.tables["quotas"][quota] = {"id": quota, "ref": {"id": number}, "hard": {"storage": -1}}
        self.members[number] = {1: {"id": 1, "entity_name": "admin", "entity_type": "u", "role_id": 1}}
        self.rules[number] = {}
        if registry is not None:
            week = {"template": "nDaysSinceLastPull", "params": {"nDaysSinceLastPull": 7}}
            self.post_retentions({"rules": [week], "scope": {"ref": number}, "trigger": {}}, {})
        return number

    def put_projects_one(self, number: int, body: Any, query: Any) -> Any:
        one = self.one(self.tables["projects"], number)
        one["metadata"].update(body.get("metadata") or {})
        if "cve_allowlist" in body:
            one["cve_allowlist"] = body["cve_allowlist"]

    def delete_projects_one(self, number: int, query: Any) -> Any:
        if self.one(self.tables["projects"], number)["repo_count"]:
            raise Refused(412, "the project contains repositories, can not be deleted")
        del self.tables["projects"][number]
        self.tables["robots"] = {key: one for key, one in self.tables["robots"].items() if one["project"] != number}

    def get_quotas(self, query: Any) -> Any:
        found = self.tables["quotas"].values()
        return self.page([one for one in found if str(one["ref"]["id"]) == query["reference_id"]], query)

    def put_quotas_one(self, number: int, body: Any, query: Any) -> Any:
        self.one(self.tables["quotas"], number)["hard"] = body["hard"]

    def get_projects_members(self, number: int, query: Any) -> Any:
        return self.page(self.members[number].values(), query)

    def post_projects_members(self, number: int, body: Any, query: Any) -> Any:
        if "member_group" in body:
            name, kind = self.one(self.tables["usergroups"], body["member_group"]["id"])["group_name"], "g"
        else:
            name, kind = body["member_user"]["username"], "u"
        member = next(self.numbers)
        one = {"id": member, "entity_name": name, "entity_type": kind, "role_id": body["role_id"]}
        self.members[number][member] = one
        return member

    def put_projects_members_one(self, number: int, member: int, body: Any, query: Any) -> Any:
        self.members[number][member]["role_id"] = body["role_id"]

    def delete_projects_members_one(self, number: int, member: int, query: Any) -> Any:
        del self.members[number][member]

    def get_usergroups(self, query: Any) -> Any:
        return self.page(self.tables["usergroups"].values(), query)

    def post_usergroups(self, body: Any, query: Any) -> Any:
        if any(one["group_name"] == body["group_name"] for one in self.tables["usergroups"].values()):
            raise Refused(409, "duplicate user group")
        number = next(self.numbers)
        self.tables["usergroups"][number] = {**body, "id": number}
        return number

    def get_projects_immutabletagrules(self, number: int, query: Any) -> Any:
        return self.page(self.rules[number].values(), query)

    def post_projects_immutabletagrules(self, number: int, body: Any, query: Any) -> Any:
        rule = next(self.numbers)
        # CreateImmutableRule of the dao: a new rule is in force, whatever was asked for
        self.rules[number][rule] = {**body, "id": rule, "disabled": False}
        return rule

    def put_projects_immutabletagrules_one(self, number: int, rule: int, body: Any, query: Any) -> Any:
        if body["id"] != rule:
            raise Refused(400, "the immutable_rule_id doesn't match the id in the payload body of ImmutableRule")
        old = self.rules[number][rule]
        # UpdateImmutableRule of the controller: either the switch, or the rest
        self.rules[number][rule] = (
            {**old, "disabled": body["disabled"]} if old["disabled"] != body["disabled"] else body
        )

    def delete_projects_immutabletagrules_one(self, number: int, rule: int, query: Any) -> Any:
        del self.rules[number][rule]

    def get_retentions_one(self, number: int, query: Any) -> Any:
        return self.one(self.tables["retentions"], number)

    def post_retentions(self, body: Any, query: Any) -> Any:
        project = self.one(self.tables["projects"], body["scope"]["ref"])
        if "retention_id" in project["metadata"]:
            raise Refused(400, "project already has retention policy")
        number = next(self.numbers)
        self.tables["retentions"][number] = {**body, "id": number}
        project["metadata"]["retention_id"] = str(number)
        return number

    def put_retentions_one(self, number: int, body: Any, query: Any) -> Any:
        self.tables["retentions"][number] = {**body, "id": number}

    def delete_retentions_one(self, number: int, query: Any) -> Any:
        one = self.tables["retentions"].pop(number)
        del self.tables["projects"][one["scope"]["ref"]]["metadata"]["retention_id"]

    def get_robots(self, query: Any) -> Any:
        match = re.search(r"ProjectID=(\d+)", query.get("q", ""))
        project = int(match.group(1)) if match else 0
        return self.page([one for one in self.tables["robots"].values() if one["project"] == project], query)

    def post_robots(self, body: Any, query: Any) -> Any:
        space = body["permissions"][0]["namespace"]
        project = self.project(space) if body["level"] == "project" else 0
        number = next(self.numbers)
        name = f"robot${space}+{body['name']}" if project else f"robot${body['name']}"
        made = {"id": number, "name": name, "creation_time": f"2026-01-01T00:00:{number % 60:02}.000Z"}
        self.tables["robots"][number] = {**body, **made, "project": project, "secret": f"Secret{number}"}
        return {**made, "secret": f"Secret{number}"}

    def project(self, name: str) -> int:
        return next(int(one["project_id"]) for one in self.tables["projects"].values() if one["name"] == name)

    def put_robots_one(self, number: int, body: Any, query: Any) -> Any:
        one = self.tables["robots"][number]
        if body["name"] != one["name"] or body["level"] != one["level"]:
            raise Refused(400, "cannot update the level or name of robot")
        one.update(body)

    def patch_robots_one(self, number: int, body: Any, query: Any) -> Any:
        self.tables["robots"][number]["secret"] = f"Secret{next(self.numbers)}"
        return {"secret": self.tables["robots"][number]["secret"]}

    def delete_robots_one(self, number: int, query: Any) -> Any:
        del self.tables["robots"][number]

    def get_replication_policies(self, query: Any) -> Any:
        return self.page(self.tables["policies"].values(), query)

    def policy(self, number: int, body: Any) -> None:
        end = "src_registry" if body.get("src_registry") else "dest_registry"
        registry = self.one(self.tables["registries"], body[end]["id"])
        body[end] = {"id": registry["id"], "name": registry["name"]}
        # the handler reads deletion, and answers with both
        body["replicate_deletion"] = body.get("deletion", False)
        if body["trigger"]["type"] == "event_based" and body["single_active_replication"]:
            raise Refused(500, "single active replication is not allowed for event_based triggers")
        self.tables["policies"][number] = {**body, "id": number}

    def post_replication_policies(self, body: Any, query: Any) -> Any:
        number = next(self.numbers)
        self.policy(number, body)
        return number

    def put_replication_policies_one(self, number: int, body: Any, query: Any) -> Any:
        self.policy(number, body)

    def delete_replication_policies_one(self, number: int, query: Any) -> Any:
        del self.tables["policies"][number]

    def get_system_gc_schedule(self, query: Any) -> Any:
        one = self.schedules.get("gc")
        return one and {"schedule": one["schedule"], "job_parameters": json.dumps(one.get("parameters") or {})}

    def put_system_gc_schedule(self, body: Any, query: Any) -> Any:
        self.schedules["gc"] = body
        if body["schedule"]["type"] == "None":
            del self.schedules["gc"]

    def get_system_scan_all_schedule(self, query: Any) -> Any:
        return self.schedules.get("scan")

    def put_system_scan_all_schedule(self, body: Any, query: Any) -> Any:
        self.schedules["scan"] = body
        if body["schedule"]["type"] == "None":
            del self.schedules["scan"]


class SecretsStandIn:
    """The Secrets of a cluster, for the methods of KubeClient that the module uses for them."""

    def __init__(self, *namespaces: str) -> None:
        self.secrets: dict[tuple[str, str], dict[str, Any]] = {}
        self.namespaces = {"harbor", *namespaces}

    def add(self, name: str, namespace: str = "harbor", **data: str) -> None:
        metadata = {"name": name, "namespace": namespace, "resourceVersion": "1"}
        encoded = {key: base64.b64encode(text.encode()).decode() for key, text in data.items()}
        self.secrets[namespace, name] = {"metadata": metadata, "type": "Opaque", "data": encoded}

    def text(self, name: str, key: str, namespace: str = "harbor") -> str:
        return base64.b64decode(self.secrets[namespace, name]["data"][key]).decode()

    @staticmethod
    def place(path: str) -> tuple[str, str]:
        match = re.fullmatch(r"/api/v1/namespaces/([^/]+)/secrets(?:/([^/]+))?", path)
        assert match, path
        return match.group(1), match.group(2) or ""

    def get(self, path: str) -> Any:
        return deepcopy(self.secrets.get(self.place(path)))

    def send(self, method: str, path: str, body: Any) -> Any:
        namespace, _ = self.place(path)
        if namespace not in self.namespaces:
            raise KubeError(f"{method} {path}: 404 namespaces not found", 404)
        key = (namespace, body["metadata"]["name"])
        if method == "PUT":
            assert self.secrets[key]["type"] == body["type"]
        self.secrets[key] = deepcopy(body)
        self.secrets[key]["metadata"]["resourceVersion"] = "2"

    def delete(self, path: str) -> bool:
        return self.secrets.pop(self.place(path), None) is not None
