# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the options of the module ask for, as things of Harbor. Every refusal names the option. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .plan import Fields, HarborError, Key, Wanted

Options = Mapping[str, Any]
# src/server/v2.0/handler of Harbor 2.15: project.go (names), robot.go (validateName), member (role ids)
PROJECT_NAME = re.compile(r"[a-z0-9]+(?:[._-][a-z0-9]+)*")
ROLES = {"project_admin": 1, "maintainer": 4, "developer": 2, "guest": 3, "limited_guest": 5}
KEEPS = {
    "always": "always",
    "latest_pushed": "latestPushedK",
    "latest_pulled": "latestPulledN",
    "pushed_within_days": "nDaysSinceLastPush",
    "pulled_within_days": "nDaysSinceLastPull",
}
UNITS = {"": 1, "Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30, "Ti": 1 << 40}
# What Harbor keeps as texts in the metadata of a project, by option.
SWITCHES = {
    "public": "public",
    "scan_on_push": "auto_scan",
    "sbom_on_push": "auto_sbom_generation",
    "cosign": "enable_content_trust_cosign",
    "notation": "enable_content_trust",
    "serve_when_gone_upstream": "proxy_cache_local_on_not_found",
}
OIDC = {
    "name": "oidc_name",
    "endpoint": "oidc_endpoint",
    "client_id": "oidc_client_id",
    "groups_claim": "oidc_groups_claim",
    "admin_group": "oidc_admin_group",
    "group_filter": "oidc_group_filter",
    "user_claim": "oidc_user_claim",
    "verify_cert": "oidc_verify_cert",
    "auto_onboard": "oidc_auto_onboard",
    "logout": "oidc_logout",
    "primary": "primary_auth_mode",
}
# What Harbor never shows; a value here would stand in the inventory and in logs.
SECRET_SETTINGS = ("oidc_client_secret", "ldap_search_password", "uaa_client_secret")


def make_wanted(options: Options, digests: Mapping[Key, str]) -> Wanted:
    """The things that are asked for. digests: of the secrets of registries and of the client, by thing."""
    things: dict[Key, Fields] = {}
    absent: list[Key] = []
    complete: list[Key] = []
    settings = configuration(options, digests)
    if settings:
        things[("configuration",)] = settings
    for one in options["registries"]:
        key: Key = ("registry", one["name"])
        _put(things, absent, key, registry(one, digests.get(key, "")), one, "registries")
    for one in options["projects"]:
        _put(things, absent, ("project", one["name"]), project(one), one, "projects")
        if one["state"] == "present":
            parts, gone, whole = project_parts(one, "members" in options["exclusive"])
            things.update(parts)
            absent += gone
            complete += whole
    for one in options["robots"]:
        owner: Key = ("robot", one["project"] or "", one["name"])
        _put(things, absent, owner, robot(one), one, "robots")
        for secret in one["secrets"]:
            place: Key = ("robot_secret", *owner[1:], secret["namespace"] or options["namespace"], secret["name"])
            _put(things, absent, place, _robot_secret(secret, one), one, "secrets of robots")
    for one in options["replications"]:
        _put(things, absent, ("replication", one["name"]), replication(one), one, "replications")
    for name in ("garbage_collection", "scan_all"):
        if options[name]:
            things[("schedule", name)] = schedule(options[name], name)
    kinds = {"registries": "registry", "projects": "project", "robots": "robot", "replications": "replication"}
    complete += [(kinds[name],) for name in options["exclusive"] if name in kinds]
    return Wanted(things, tuple(absent), tuple(complete))


def _put(things: dict[Key, Fields], absent: list[Key], key: Key, fields: Fields, one: Options, where: str) -> None:
    if key in things or key in absent:
        raise HarborError(f"{where} has {'/'.join(part for part in key[1:] if part)} twice; write it once.")
    if one["state"] == "present":
        things[key] = fields
    else:
        absent.append(key)


def configuration(options: Options, digests: Mapping[Key, str]) -> dict[str, Any]:
    """Settings of the whole system, with those of the OpenID Connect provider."""
    found = dict(options["configuration"])
    for name in SECRET_SETTINGS:
        if name in found:
            raise HarborError(
                f"configuration has {name}; a secret does not stand there. Name the Secret in oidc.secret_name."
                if name == "oidc_client_secret"
                else f"configuration has {name}; a secret does not stand there. Set it once in the portal, it is left alone."
            )
    oidc = options["oidc"]
    if oidc:
        found["auth_mode"] = "oidc_auth"
        found.update({setting: oidc[name] for name, setting in OIDC.items() if oidc[name] is not None})
        found["oidc_scope"] = ",".join(oidc["scopes"])
        found["oidc_client_secret"] = digests.get(("configuration",), "")
    return found


def registry(one: Options, digest: str) -> dict[str, Any]:
    """An endpoint: a registry elsewhere."""
    if one["state"] == "absent":
        return {}
    if not one["url"]:
        raise HarborError(f"url of the registry {one['name']} is missing; write https://host.")
    if not re.fullmatch(r"https?://[^/\s]+(/[^\s?#]*)?", one["url"]):
        raise HarborError(f"url of the registry {one['name']} is {one['url']!r}; write https://host.")
    return {
        "type": one["type"],
        "url": one["url"].rstrip("/"),
        "description": one["description"],
        "insecure": one["insecure"],
        "ca_certificate": (one["ca"] or "").strip(),
        "credential": digest,
    }


def project(one: Options) -> dict[str, Any]:
    """A project, without what is in it."""
    name = one["name"]
    if not PROJECT_NAME.fullmatch(name):
        raise HarborError(
            f"The project {name!r} has a name that Harbor refuses; write lower-case letters, digits, and single . _ - between them."
        )
    if one["registry"] and one["notation"]:
        raise HarborError(
            f"notation of the project {name} is set, which Harbor does not ask for in a proxy cache; leave it out."
        )
    if not one["registry"] and any(
        one[option] is not None
        for option in ("kilobits_per_second", "upstream_connections", "serve_when_gone_upstream")
    ):
        raise HarborError(
            f"The project {name} has limits of a proxy cache and no registry; name the registry, or leave them out."
        )
    found: dict[str, Any] = {"registry": one["registry"] or ""}
    found.update({text: _text(one[option]) for option, text in SWITCHES.items() if one[option] is not None})
    for option, text in (("kilobits_per_second", "proxy_speed_kb"), ("upstream_connections", "max_upstream_conn")):
        if one[option] is not None:
            found[text] = str(one[option])
    severity = one["block_on_severity"]
    if severity == "never":
        found["prevent_vul"] = "false"
    elif severity:
        found.update({"prevent_vul": "true", "severity": severity})
    if one["allowed_cves"] is not None:
        found["reuse_sys_cve_allowlist"] = "false"
        found["cve_allowlist"] = tuple(sorted(set(one["allowed_cves"])))
    return found


def _text(switch: bool) -> str:
    return "true" if switch else "false"


def project_parts(one: Options, only_members: bool) -> tuple[dict[Key, Fields], list[Key], list[Key]]:
    """What is in a project: things, what is not to be there, and beginnings of keys that are complete."""
    name = one["name"]
    things: dict[Key, Fields] = {}
    absent: list[Key] = []
    complete: list[Key] = []
    if one["quota"]:
        things[("quota", name)] = {"storage": size(one["quota"], f"quota of the project {name}")}
    for member in one["members"] or []:
        if bool(member["group"]) == bool(member["user"]):
            raise HarborError(f"A member of the project {name} needs a group or a user, and not both; write one.")
        who = f"group {member['group']}" if member["group"] else f"user {member['user']}"
        if ("member", name, who) in things:
            raise HarborError(f"members of the project {name} has {who} twice; a member has one role.")
        things[("member", name, who)] = {"role": ROLES[member["role"]]}
    if one["members"] is not None and only_members:
        complete.append(("member", name))
    if one["immutable_tags"] is not None:
        complete.append(("immutable_tag", name))
        for rule in one["immutable_tags"]:
            where = f"immutable_tags of the project {name}"
            tags, repositories = selectors(rule, where)
            key = ("immutable_tag", name, immutable_name(tags, repositories))
            if key in things:
                raise HarborError(f"{where} has {key[2]} twice; write it once.")
            things[key] = {"tags": tags, "repositories": repositories, "disabled": not rule["enabled"]}
    if one["retention"]:
        policy = retention(one["retention"], name)
        if policy["rules"]:
            things[("retention", name)] = policy
        else:
            absent.append(("retention", name))
    return things, absent, complete


def immutable_name(tags: tuple[str, str], repositories: tuple[str, str]) -> str:
    """A rule has no name in Harbor; what it selects is what it is."""
    return f"{' '.join(tags)} of {' '.join(repositories)}"


def selectors(rule: Options, where: str) -> tuple[tuple[str, str], tuple[str, str]]:
    """(decoration, pattern) of tags, and of repositories."""
    found = []
    for option, decorations in (("tags", ("matches", "excludes")), ("repositories", ("repoMatches", "repoExcludes"))):
        if rule[option] and rule[f"except_{option}"]:
            raise HarborError(f"{where} has {option} and except_{option} in one rule; write one of them.")
        pattern = rule[option] or rule[f"except_{option}"] or "**"
        found.append((decorations[bool(rule[f"except_{option}"])], pattern))
    return found[0], found[1]


def retention(policy: Options, name: str) -> dict[str, Any]:
    """Which tags of a project stay, in any order: a tag stays when one rule keeps it."""
    rules = []
    for rule in policy["rules"]:
        where = f"retention of the project {name}"
        count = rule["count"]
        if (rule["keep"] == "always") == (count is not None):
            raise HarborError(
                f"{where} keeps {rule['keep']} {'without' if count is None else 'with'} count; "
                + ("write how many." if count is None else "leave count out.")
            )
        tags, repositories = selectors(rule, where)
        rules.append((KEEPS[rule["keep"]], count or 0, *tags, *repositories, rule["untagged"], not rule["enabled"]))
    if len(set(rules)) < len(rules):
        raise HarborError(f"retention of the project {name} has a rule twice, which Harbor refuses; write it once.")
    if len(rules) > 15:
        raise HarborError(f"retention of the project {name} has {len(rules)} rules; Harbor takes 15 at most.")
    return {
        "cron": cron(policy["schedule"], f"retention.schedule of the project {name}"),
        "rules": tuple(sorted(rules)),
    }


def robot(one: Options) -> dict[str, Any]:
    """An account of a machine."""
    label = f"The robot {one['name']}"
    if one["state"] == "absent":
        return {}
    if not PROJECT_NAME.fullmatch(one["name"]):
        raise HarborError(
            f"{label} has a name that Harbor refuses; write lower-case letters, digits, and single . _ -."
        )
    if one["days"] != -1 and one["days"] < 1:
        raise HarborError(
            f"{label} lasts {one['days']} days; write a number above 0, or -1 for an account without end."
        )
    if not one["permissions"]:
        raise HarborError(f"{label} has no permissions; Harbor makes no account without one.")
    found: set[tuple[str, str, str]] = set()
    for permission in one["permissions"]:
        space = permission["project"] or one["project"] or "/"
        if one["project"] and space != one["project"]:
            raise HarborError(
                f"{label} is of the project {one['project']} and has a permission of {space}; leave project out of the robot, so that it may"
                " work in several."
            )
        for access in permission["access"]:
            if not re.fullmatch(r"[a-z-]+:[a-z*-]+", access):
                raise HarborError(f"{label} has the access {access!r}; write resource:action, as repository:pull.")
            found.add(("system" if space == "/" else "project", space, access))
    return {
        "description": one["description"],
        "duration": one["days"],
        "disable": not one["enabled"],
        "permissions": tuple(sorted(found)),
    }


def _robot_secret(secret: Options, one: Options) -> dict[str, Any]:
    if secret["format"] == "pull" and not secret["registry"]:
        raise HarborError(
            f"The Secret {secret['name']} of the robot {one['name']} is for pulls and names no registry; write the host that pods pull from."
        )
    return {"format": secret["format"], "host": secret["registry"] or ""}


def replication(one: Options) -> dict[str, Any]:
    """Images that are copied from or to a registry."""
    name = one["name"]
    if one["state"] == "absent":
        return {}
    if not one["registry"]:
        raise HarborError(
            f"registry of the replication {name} is missing; name the registry that is copied from or to."
        )
    trigger, time = one["trigger"], one["schedule"]
    if (trigger == "scheduled") != bool(time):
        raise HarborError(
            f"The replication {name} has the trigger {trigger} {'and' if time else 'without'} schedule; "
            + ("leave schedule out." if time else "write when, as cron does.")
        )
    if trigger == "event" and (one["direction"] == "pull" or one["one_at_a_time"]):
        wrong = "direction pull" if one["direction"] == "pull" else "one_at_a_time"
        raise HarborError(
            f"The replication {name} has {wrong} with the trigger event, which Harbor refuses; write scheduled."
        )
    when = cron(time, f"schedule of the replication {name}")
    if when.split()[1:2] == ["*"]:
        raise HarborError(f"schedule of the replication {name} is every minute, which Harbor refuses; write a minute.")
    chosen = one["filters"] or {}
    filters = [
        (kind, chosen[option], decoration)
        for option, kind, decoration in (
            ("name", "name", ""),
            ("tag", "tag", "matches"),
            ("except_tag", "tag", "excludes"),
            ("resource", "resource", ""),
        )
        if chosen.get(option)
    ]
    labels = chosen.get("labels")
    if labels:
        filters.append(("label", ",".join(sorted(labels)), "matches"))
    return {
        "direction": one["direction"],
        "registry": one["registry"],
        "description": one["description"],
        "dest_namespace": one["namespace"] or "",
        "dest_namespace_replace_count": one["flatten"],
        "trigger": {"event": "event_based"}.get(trigger, trigger),
        "cron": when,
        "filters": tuple(sorted(filters)),
        "deletion": one["delete"],
        "override": one["override"],
        "enabled": one["enabled"],
        "speed": one["kilobytes_per_second"],
        "copy_by_chunk": one["copy_by_chunk"],
        "single_active_replication": one["one_at_a_time"],
    }


def schedule(one: Options, name: str) -> dict[str, Any]:
    """When something is done to the whole system."""
    found: dict[str, Any] = {"cron": cron(one["schedule"], f"{name}.schedule")}
    if name == "garbage_collection" and found["cron"]:
        if not 1 <= one["workers"] <= 10:
            raise HarborError(f"garbage_collection.workers is {one['workers']}; write 1 to 10.")
        found.update({"delete_untagged": one["delete_untagged"], "workers": one["workers"]})
    return found


def cron(text: str | None, where: str) -> str:
    """A time as Harbor writes it: with seconds, which are 0. '' is never."""
    parts = (text or "").split()
    if not parts:
        return ""
    if len(parts) == 5:
        parts.insert(0, "0")
    if len(parts) != 6 or parts[0] != "0" or not all(re.fullmatch(r"[0-9A-Za-z*,/?-]+", part) for part in parts):
        raise HarborError(f"{where} is {text!r}; write five fields of cron, as '0 3 * * *'.")
    return " ".join(parts)


def size(text: str, where: str) -> int:
    """Bytes of 50Gi; -1 without a limit."""
    match = re.fullmatch(r"([1-9][0-9]*)(Ki|Mi|Gi|Ti|)", text)
    if text == "unlimited":
        return -1
    if not match:
        raise HarborError(f"{where} is {text!r}; write a size as 50Gi, or unlimited.")
    return int(match.group(1)) * UNITS[match.group(2)]


def secrets(options: Options) -> Iterable[tuple[Key, str, Sequence[str]]]:
    """The Secrets that registries and the client of the provider need: thing, name, keys."""
    for one in options["registries"]:
        if one["state"] == "present" and one["secret_name"]:
            yield ("registry", one["name"]), one["secret_name"], (one["secret_user_key"], one["secret_password_key"])
    if options["oidc"]:
        yield ("configuration",), options["oidc"]["secret_name"], (options["oidc"]["secret_key"],)
