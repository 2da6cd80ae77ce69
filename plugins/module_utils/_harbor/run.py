# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One Harbor, and the Secrets of the cluster that it is set up with. Passwords are never returned."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets as randomness
from collections.abc import Mapping, Sequence
from typing import Any

from .._kube import KubeClient, KubeError
from .._kubeconfig import access
from .._objects import Object, Resource
from .api import Api
from .apply import Worker
from .plan import Fields, HarborError, Key, Plan, difference, make_plan
from .read import Reader
from .wanted import make_wanted, secrets

SECRETS = Resource("v1", "Secret", "secrets", True)
ROBOT = "kubestd.platform/harbor-robot"
PULL_TYPE = "kubernetes.io/dockerconfigjson"
SLOW = 60.0  # Harbor asks a registry elsewhere before it keeps it


class Cluster:
    """The Secrets of one cluster."""

    def __init__(self, client: KubeClient, namespace: str) -> None:
        self.client, self.namespace = client, namespace

    def get(self, namespace: str, name: str) -> Object | None:
        """A Secret; None when it is not there."""
        found = self.client.get(SECRETS.path(namespace, name))
        return dict(found) if found else None

    def values(self, name: str, keys: Sequence[str], what: str) -> list[str]:
        """What a Secret holds. Raises HarborError that names the missing key."""
        data = (self.get(self.namespace, name) or {}).get("data") or {}
        missing = [key for key in keys if not data.get(key)]
        if missing:
            raise HarborError(
                f"The Secret {self.namespace}/{name} for {what} is not there, or has no {' and no '.join(missing)}; make it first."
            )
        return [base64.b64decode(data[key]).decode() for key in keys]

    def write(self, namespace: str, body: Object) -> None:
        """Make a Secret, or replace it."""
        name = body["metadata"]["name"]
        found = self.get(namespace, name)
        if found and found.get("type") != body["type"]:
            # the type of a Secret cannot be changed
            self.client.delete(SECRETS.path(namespace, name))
            found = None
        try:
            if found:
                body["metadata"]["resourceVersion"] = found["metadata"]["resourceVersion"]
                self.client.send("PUT", SECRETS.path(namespace, name), body)
            else:
                self.client.send("POST", SECRETS.path(namespace), body)
        except KubeError as error:
            if error.status != 404:
                raise
            raise HarborError(f"There is no namespace {namespace} for the Secret {name}; make it first.") from error


class RobotSecrets:
    """The Secrets that hold passwords of robots."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.held: dict[Key, str] = {}
        self.found: dict[Key, Fields] = {}

    def look(self, keys: Sequence[Key]) -> dict[Key, Fields]:
        """Those of the keys that are there, as things of Harbor."""
        for key in keys:
            secret = self.cluster.get(key[3], key[4])
            if secret is None:
                continue
            data = secret.get("data") or {}
            note = ((secret.get("metadata") or {}).get("annotations") or {}).get(ROBOT, "")
            whole = bool(data.get("username") and data.get("password"))
            if note and whole:
                self.held[key] = base64.b64decode(data["password"]).decode()
            self.found[key] = {
                "of": note.partition(" ")[0] if whole else "",
                "host": note.partition(" ")[2] if whole else None,
                "format": "pull" if secret.get("type") == PULL_TYPE else "login",
                "foreign": not note,
            }
        return self.found

    def password(self, robot: Key, of: str) -> str:
        """The password that one of them holds for the robot of this identity; '' when none does."""
        for key, text in self.held.items():
            if key[1:3] == robot[1:3] and self.found[key]["of"] == of:
                return text
        return ""

    def put(self, key: Key, fields: Fields, user: str, of: str, password: str) -> None:
        """Write one."""
        content = {"username": user, "password": password}
        if fields["format"] == "pull":
            login = {"username": user, "password": password, "auth": _base64(f"{user}:{password}")}
            content[".dockerconfigjson"] = json.dumps({"auths": {fields["host"]: login}})
        metadata = {"name": key[4], "namespace": key[3], "annotations": {ROBOT: f"{of} {fields['host']}"}}
        body = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": metadata,
            "type": PULL_TYPE if fields["format"] == "pull" else "Opaque",
            "data": {name: _base64(text) for name, text in content.items()},
        }
        self.cluster.write(key[3], body)

    def take_away(self, key: Key) -> None:
        """Delete one that is ours."""
        if not self.found[key]["foreign"]:
            self.cluster.client.delete(SECRETS.path(key[3], key[4]))


class Record:
    """Which secrets Harbor was given, as digests: it never shows them, and only so a new one is noticed."""

    def __init__(self, cluster: Cluster, name: str) -> None:
        self.cluster, self.name = cluster, name
        data = (cluster.get(cluster.namespace, name) or {}).get("data") or {}
        found = json.loads(base64.b64decode(data["record"])) if data.get("record") else {}
        self.salt = found.get("salt") or randomness.token_hex(16)
        self.digests: dict[Key, str] = {
            tuple(key.split("/", 1)): text for key, text in (found.get("digests") or {}).items()
        }

    def digest(self, texts: Sequence[str]) -> str:
        """What stands for a secret."""
        return hmac.new(self.salt.encode(), "\0".join(texts).encode(), hashlib.sha256).hexdigest()

    def keep(self, digests: Mapping[Key, str]) -> None:
        """Remember what Harbor has now."""
        if dict(digests) == self.digests:
            return
        self.digests = dict(digests)
        content = {"salt": self.salt, "digests": {"/".join(key): text for key, text in sorted(digests.items())}}
        text = base64.b64encode(json.dumps(content).encode()).decode()
        metadata = {"name": self.name, "namespace": self.cluster.namespace}
        body = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": "Opaque", "data": {"record": text}}
        self.cluster.write(self.cluster.namespace, body)


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def connect(options: Mapping[str, Any], cluster: Cluster) -> Api:
    """Harbor as its administrator: at its address, or behind the API server when none is given."""
    user, where = options["username"], options["password_secret"]
    password = cluster.values(where, [options["password_key"]], f"the password of {user}")[0]
    if options["url"]:
        client = KubeClient(
            options["url"],
            options["server_ca"],
            timeout=SLOW,
            retry_for=options["timeout"],
            verify=options["server_verify"],
            login=(user, password),
        )
        return Api(client)
    scheme = "https:" if options["service_scheme"] == "https" else ""
    service = f"{scheme}{options['service']}:{options['service_port']}"
    client = access(dict(options)).client(SLOW, options["timeout"])
    api = Api(client, f"/api/v1/namespaces/{options['namespace']}/services/{service}/proxy")
    api.login(user, password)
    return api


def result(options: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """What the module returns."""
    make_wanted(options, {})  # what is wrong in the options is said before anything is asked
    if options["only_check_options"]:
        return answer(Plan(), False)
    cluster = Cluster(access(dict(options)).client(), options["namespace"])
    try:
        api = connect(options, cluster)
    except (HarborError, KubeError):
        if not check_mode or cluster.get(options["namespace"], options["password_secret"]):
            raise
        # Harbor is not installed yet
        return answer(make_plan({}, make_wanted(options, {})), False)
    record = Record(cluster, options["record_secret"])
    given = {key: cluster.values(name, keys, " ".join(key)) for key, name, keys in secrets(options)}
    digests = {key: record.digest(texts) for key, texts in given.items()}
    wanted = make_wanted(options, digests)
    robots = RobotSecrets(cluster)
    found = Reader(api, wanted, record.digests, options["username"]).all()
    found.update(robots.look([key for key in (*wanted.things, *wanted.absent) if key[0] == "robot_secret"]))
    plan = make_plan(found, wanted)
    if check_mode or not plan.steps:
        return answer(plan, True)
    worker = Worker(api, found, wanted, given, robots)
    known = dict(record.digests)
    for step in plan.steps:
        worker.take(step)
        if step.key in digests and step.verb != "delete":
            known[step.key] = digests[step.key]
            record.keep(known)
        elif step.key in known and step.verb == "delete":
            del known[step.key]
            record.keep(known)
    return answer(plan, True)


def answer(plan: Plan, reached: bool) -> dict[str, Any]:
    """The result, with the same keys whatever happened."""
    return {
        "changed": bool(plan.steps),
        "actions": [str(step) for step in plan.steps],
        "reached": reached,
        "diff": difference(plan) if plan.steps else {},
    }
