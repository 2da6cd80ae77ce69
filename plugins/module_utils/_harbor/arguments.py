# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of harbor_configuration."""

from __future__ import annotations

from typing import Any

from .._kubeconfig import KUBE_ARGUMENTS
from .wanted import KEEPS, ROLES

TEXT: dict[str, Any] = {"type": "str"}
EMPTY: dict[str, Any] = {"type": "str", "default": ""}
MUST: dict[str, Any] = {"type": "str", "required": True}
SWITCH: dict[str, Any] = {"type": "bool"}
NUMBER: dict[str, Any] = {"type": "int"}
ON: dict[str, Any] = {"type": "bool", "default": True}
OFF: dict[str, Any] = {"type": "bool", "default": False}
TEXTS: dict[str, Any] = {"type": "list", "elements": "str"}
STATE: dict[str, Any] = {"type": "str", "choices": ["present", "absent"], "default": "present"}
REGISTRY_TYPES = [
    "docker-registry",
    "docker-hub",
    "github-ghcr",
    "harbor",
    "ali-acr",
    "aws-ecr",
    "azure-acr",
    "google-gcr",
    "jfrog-artifactory",
    "huawei-SWR",
    "tencent-tcr",
    "volcengine-cr",
]


def _name(default: str | None = None) -> dict[str, Any]:
    """The name of a Secret or of a key in it, which is no secret."""
    return {"type": "str", "no_log": False, **({"default": default} if default is not None else {})}


def _several(options: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "list", "elements": "dict", "options": options, **more}


SELECTORS = {
    "tags": TEXT,
    "except_tags": TEXT,
    "repositories": TEXT,
    "except_repositories": TEXT,
    "enabled": ON,
}
OIDC = {
    "name": {"type": "str", "default": "OpenID Connect"},
    "endpoint": MUST,
    "client_id": {"type": "str", "default": "harbor"},
    "secret_name": _name("harbor-oidc"),
    "secret_key": _name("clientSecret"),
    "scopes": {**TEXTS, "default": ["openid", "profile", "email", "groups", "offline_access"]},
    "groups_claim": {"type": "str", "default": "groups"},
    "admin_group": TEXT,
    "group_filter": TEXT,
    "user_claim": {"type": "str", "default": "preferred_username"},
    "verify_cert": ON,
    "auto_onboard": ON,
    "logout": SWITCH,
    "primary": ON,
}
REGISTRY = {
    "name": MUST,
    "type": {"type": "str", "choices": REGISTRY_TYPES, "default": "docker-registry"},
    "url": TEXT,
    "description": EMPTY,
    "insecure": OFF,
    "ca": TEXT,
    "secret_name": _name(),
    "secret_user_key": _name("username"),
    "secret_password_key": _name("password"),
    "state": STATE,
}
RETENTION = {
    "schedule": EMPTY,
    "rules": _several(
        {
            "keep": {"type": "str", "choices": list(KEEPS), "required": True},
            "count": NUMBER,
            "untagged": ON,
            **SELECTORS,
        },
        default=[],
    ),
}
MEMBER = {"group": TEXT, "user": TEXT, "role": {"type": "str", "choices": list(ROLES), "default": "developer"}}
PROJECT = {
    "name": MUST,
    "registry": TEXT,
    "public": SWITCH,
    "scan_on_push": SWITCH,
    "sbom_on_push": SWITCH,
    "block_on_severity": {"type": "str", "choices": ["never", "low", "medium", "high", "critical"]},
    "allowed_cves": TEXTS,
    "cosign": SWITCH,
    "notation": SWITCH,
    "quota": TEXT,
    "kilobits_per_second": NUMBER,
    "upstream_connections": NUMBER,
    "serve_when_gone_upstream": SWITCH,
    "members": _several(MEMBER),
    "immutable_tags": _several(SELECTORS),
    "retention": {"type": "dict", "options": RETENTION},
    "state": STATE,
}
ROBOT_SECRET = {
    "name": MUST,
    "namespace": TEXT,
    "format": {"type": "str", "choices": ["login", "pull"], "default": "login"},
    "registry": TEXT,
}
ROBOT = {
    "name": MUST,
    "project": TEXT,
    "description": EMPTY,
    "days": {"type": "int", "default": -1},
    "enabled": ON,
    "permissions": _several({"project": TEXT, "access": {**TEXTS, "required": True}}, default=[]),
    "secrets": _several(ROBOT_SECRET, default=[], no_log=False),
    "state": STATE,
}
FILTERS = {
    "name": TEXT,
    "tag": TEXT,
    "except_tag": TEXT,
    "labels": TEXTS,
    "resource": {"type": "str", "choices": ["image", "artifact"]},
}
REPLICATION = {
    "name": MUST,
    "registry": TEXT,
    "direction": {"type": "str", "choices": ["pull", "push"], "default": "pull"},
    "description": EMPTY,
    "filters": {"type": "dict", "options": FILTERS},
    "namespace": TEXT,
    "flatten": {"type": "int", "default": 1},
    "trigger": {"type": "str", "choices": ["manual", "scheduled", "event"], "default": "manual"},
    "schedule": TEXT,
    "delete": OFF,
    "override": ON,
    "enabled": ON,
    "kilobytes_per_second": {"type": "int", "default": 0},
    "copy_by_chunk": OFF,
    "one_at_a_time": OFF,
    "state": STATE,
}
COLLECTION = {"schedule": EMPTY, "delete_untagged": OFF, "workers": {"type": "int", "default": 1}}
ARGUMENTS: dict[str, Any] = {
    **KUBE_ARGUMENTS,
    "namespace": {"type": "str", "default": "harbor"},
    "service": {"type": "str", "default": "harbor-core"},
    "service_port": {"type": "int", "default": 80},
    "service_scheme": {"type": "str", "choices": ["http", "https"], "default": "http"},
    "url": TEXT,
    "server_ca": TEXT,
    "server_verify": ON,
    "username": {"type": "str", "default": "admin"},
    "password_secret": _name("harbor-generated"),
    "password_key": _name("HARBOR_ADMIN_PASSWORD"),
    "record_secret": _name("harbor-configuration"),
    "timeout": {"type": "int", "default": 60},
    "only_check_options": OFF,
    "exclusive": {
        **TEXTS,
        "choices": ["registries", "projects", "members", "robots", "replications"],
        "default": [],
    },
    "configuration": {"type": "dict", "default": {}},
    "oidc": {"type": "dict", "options": OIDC},
    "registries": _several(REGISTRY, default=[]),
    "projects": _several(PROJECT, default=[]),
    "robots": _several(ROBOT, default=[]),
    "replications": _several(REPLICATION, default=[]),
    "garbage_collection": {"type": "dict", "options": COLLECTION},
    "scan_all": {"type": "dict", "options": {"schedule": EMPTY}},
}
