# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Look at the servers of a Vault or OpenBao, take the steps of the plan, hand the keys over, and set what is wanted."""

from __future__ import annotations

import base64
import os
import time
from collections.abc import Mapping, Sequence
from typing import Any

from .._kube import Answer, KubeClient, KubeError
from .._kubeconfig import access
from .._objects import Objects, Resource
from .plan import (
    MOUNTS,
    Plan,
    Server,
    Step,
    VaultError,
    Wanted,
    differing,
    make_plan,
    mount_problem,
    pgp_key,
    said,
    settled,
)

PAUSE = 0.5  # seconds between two looks
#: How often a server is asked to join one that does not lead yet.
JOIN_TRIES = 30
SLOW = (
    120.0  # seconds for an answer: init makes keys and a raft, and who does not wait for its answer has lost the keys
)
SECRETS = Resource("v1", "Secret", "secrets", True)


class Voice:
    """The API of one server. prefix: where it is below the address of client (the proxy of the API server)."""

    def __init__(self, name: str, client: KubeClient, prefix: str, address: str) -> None:
        self.name, self.client, self.prefix, self.address = name, client, prefix, address

    def ask(self, method: str, path: str, body: Any = None) -> Answer:
        """One request; KubeError when there is no answer of the server itself."""
        answer = self.client.ask(method, f"{self.prefix}/v1/{path}", body)
        if isinstance(answer.data, dict) and answer.data.get("kind") == "Status":
            raise KubeError(str(answer.data.get("message")), answer.status)
        return answer

    def must(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        """What the server answers; VaultError with its own words when it refuses. Neither body nor headers are said."""
        try:
            answer = self.ask(method, path, body)
        except KubeError as error:
            raise VaultError(f"{self.name}: {method} {path}: {error}.") from error
        if answer.status > 299:
            raise VaultError(f"{self.name}: {method} {path}: {answer.status} {errors(answer)}.")
        return answer.data if isinstance(answer.data, dict) else {}

    def data(self, path: str) -> dict[str, Any] | None:
        """What can be read at a path; None when nothing is there."""
        answer = self.ask("GET", path)
        if answer.status == 403:
            raise VaultError(f"{self.name}: GET {path}: {errors(answer)}; the token may not read it.")
        found = answer.data.get("data") if answer.status < 300 and isinstance(answer.data, dict) else None
        return found if isinstance(found, dict) else None

    def look(self) -> Server:
        """How the server is."""
        try:
            answer = self.ask("GET", "sys/seal-status")
            state = answer.data
            if not isinstance(state, dict) or "sealed" not in state:
                return Server(self.name, f"{answer.status} {errors(answer)}")
            leader = {} if state["sealed"] else self.ask("GET", "sys/leader").data
        except KubeError as error:
            return Server(self.name, str(error))
        return Server(
            self.name,
            initialized=bool(state.get("initialized")),
            sealed=bool(state["sealed"]),
            automatic=state.get("type") != "shamir",
            needed=int(state.get("t") or 0),
            cluster=str(state.get("cluster_id") or ""),
            active=isinstance(leader, dict) and bool(leader.get("is_self")),
        )


def errors(answer: Answer) -> str:
    """What a server says is wrong."""
    found = answer.data.get("errors") if isinstance(answer.data, dict) else None
    return "; ".join(" ".join(str(item).split()) for item in found or []) or "without a reason"


class Handover:
    """Files on the controller into which encrypted keys go; they are made before the keys are, so that none can be lost."""

    def __init__(self, folder: str, name: str, holders: int) -> None:
        self.folder = os.path.expanduser(folder)
        names = [*(f"unseal-{number}" for number in range(1, holders + 1)), "root-token"]
        self.paths = [os.path.join(self.folder, f"{name}-{one}.gpg") for one in names]
        self.written: list[str] = []

    def lost(self) -> list[str]:
        """Files that were made and never filled."""
        return [path for path in self.paths if os.path.exists(path) and not os.path.getsize(path)]

    def reserve(self) -> None:
        """Make the files, empty."""
        try:
            os.makedirs(self.folder, 0o700, exist_ok=True)
            for path in self.paths:
                if os.path.exists(path) and os.path.getsize(path):
                    raise VaultError(
                        f"{path} holds keys already, and this cluster has none yet; move it away, or name another keys_folder."
                    )
                os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
        except OSError as error:
            raise VaultError(f"Cannot write to {self.folder}: {error.strerror}; name another keys_folder.") from error

    def fill(self, texts: Sequence[str]) -> None:
        """Write encrypted keys (base64), one a file."""
        for path, text in zip(self.paths, texts):
            with open(path, "wb") as handle:
                handle.write(base64.b64decode(text))
                handle.flush()
                os.fsync(handle.fileno())
            self.written.append(path)

    def forget(self) -> None:
        """Take empty files away: nothing was initialised."""
        for path in self.lost():
            os.unlink(path)


class Cluster:
    """All servers of one cluster. keys: shares that open them, as texts; join_ca: PEM of the CA of the servers, when they need to be told."""

    def __init__(
        self,
        voices: Sequence[Voice],
        pgp_keys: Sequence[str],
        threshold: int,
        keys: Sequence[str],
        handover: Handover,
        join_ca: str = "",
    ) -> None:
        self.voices = {voice.name: voice for voice in voices}
        self.pgp_keys, self.threshold, self.keys, self.handover, self.join_ca = (
            pgp_keys,
            threshold,
            keys,
            handover,
            join_ca,
        )
        self.found: list[Server] = []
        self.actions: list[str] = []

    def plan(self) -> Plan:
        """Look, and what follows from it."""
        self.found = [voice.look() for voice in self.voices.values()]
        if any(server.initialized for server in self.found) and self.handover.lost():
            raise VaultError(
                f"A run ended between init and {self.handover.lost()[0]}, so that nobody has the keys of this cluster, which is still empty;"
                " delete its claims and these files, and run again."
            )
        return make_plan(self.found, Wanted(len(self.pgp_keys), self.threshold, len(self.keys)))

    def bring(self, check_mode: bool, timeout: float) -> Plan:
        """Take all steps that can be taken; what is left to wait for is in the plan that is returned."""
        until = time.monotonic() + timeout
        done: set[Step] = set()
        plan = self.plan()
        if check_mode:
            self.actions += [str(step) for step in plan.steps]
            return plan
        while True:
            todo = [step for step in plan.steps if step not in done]
            for step in todo[:1]:
                getattr(self, step.action)(step)
                done.add(step)
                self.actions.append(str(step))
            plan = self.plan()
            left = [step for step in plan.steps if step not in done]
            if not left and (plan.waiting or settled(self.found)):
                return plan
            if not left:
                if time.monotonic() > until:
                    raise VaultError(f"No server leads all others after {timeout:.0f} s. {said(self.found)}.")
                time.sleep(PAUSE)

    def init(self, step: Step) -> None:
        """Make the keys, once, and hand them over."""
        voice = self.voices[step.server]
        automatic = next(server.automatic for server in self.found if server.name == step.server)
        share = "recovery_" if automatic else "secret_"
        body = {
            f"{share}shares": len(self.pgp_keys),
            f"{share}threshold": self.threshold,
            ("recovery_" if automatic else "") + "pgp_keys": list(self.pgp_keys),
            "root_token_pgp_key": self.pgp_keys[0],
        }
        self.handover.reserve()
        try:
            made = voice.must("PUT", "sys/init", body)
        except VaultError as error:
            if not voice.look().initialized:
                self.handover.forget()
            if "already has state" in str(error):
                raise VaultError(
                    f"{error} An init before ended half-way, for example over a PGP key that cannot encrypt;"
                    f" delete the claim of {voice.name}, which holds nothing yet, and run again."
                ) from error
            raise
        self.handover.fill(
            [*(made.get("recovery_keys_base64" if automatic else "keys_base64") or []), made["root_token"]]
        )

    def join(self, step: Step) -> None:
        """Let a server without data become one of the cluster."""
        body = {"leader_api_addr": self.voices[step.peer].address, "leader_ca_cert": self.join_ca, "retry": False}
        # a server that has just been opened leads after a moment, and gives no challenge before
        for left in reversed(range(JOIN_TRIES)):
            try:
                self.voices[step.server].must("PUT", "sys/storage/raft/join", body)
                return
            except VaultError as error:
                if "raft challenge" not in str(error) or not left:
                    raise
                time.sleep(PAUSE)

    def unseal(self, step: Step) -> None:
        """Open a server with the shares at hand. What others began is begun anew."""
        voice = self.voices[step.server]
        voice.must("PUT", "sys/unseal", {"reset": True})
        for key in self.keys:
            try:
                if not voice.must("PUT", "sys/unseal", {"key": key}).get("sealed"):
                    return
            except VaultError as error:
                raise VaultError(f"{step.server} is not opened by the keys in unseal_keys: {error}") from error

    def active(self) -> Voice:
        """The server that leads."""
        return next(self.voices[server.name] for server in self.found if server.active)


class Settings:
    """Mounts, policies and writes of an open cluster. The token of voice may change them."""

    def __init__(self, voice: Voice, check_mode: bool) -> None:
        self.voice, self.check_mode = voice, check_mode
        self.actions: list[str] = []

    def do(self, action: str, method: str, path: str, body: Any) -> None:
        """One change."""
        self.actions.append(action)
        if not self.check_mode:
            self.voice.must(method, path, body)

    def mount(self, wanted: Mapping[str, Any]) -> None:
        """A secrets engine, an auth method or an audit device."""
        root, path = MOUNTS[wanted["kind"]], wanted["path"].strip("/")
        there = self.voice.data(root) or {}
        if f"{path}/" not in there:
            body = {
                "type": wanted["type"],
                "description": wanted.get("description") or "",
                "options": wanted.get("options") or {},
            }
            self.do(f"mount {wanted['kind']} {path}", "POST", f"{root}/{path}", body)
        elif problem := mount_problem(wanted, there[f"{path}/"]):
            raise VaultError(problem)

    def policy(self, name: str, text: str) -> None:
        """An ACL policy."""
        found = self.voice.data(f"sys/policies/acl/{name}") or {}
        if str(found.get("policy", "")).strip() != text.strip():
            self.do(f"write policy {name}", "PUT", f"sys/policies/acl/{name}", {"policy": text})

    def write(self, wanted: Mapping[str, Any]) -> None:
        """Data at a path: when they differ, or once."""
        if wanted.get("creates"):
            differs = [] if self.voice.data(wanted["creates"]) else ["it is not there"]
        else:
            differs = differing(wanted["data"], self.voice.data(wanted["path"]))
        if differs:
            self.do(f"write {wanted['path']} ({', '.join(differs)})", "POST", wanted["path"], wanted["data"])


def voices(options: Mapping[str, Any]) -> list[Voice]:
    """The servers: pods behind the proxy of the API server when a namespace is named, else at their addresses."""
    token, space, found = options["token"], options["namespace"], []
    for server in options["servers"]:
        prefix = f"/api/v1/namespaces/{space}/pods/https:{server['name']}:{options['port']}/proxy" if space else ""
        client = (
            access(dict(options)).client(SLOW, 0)
            if space
            else KubeClient(server["address"], options["server_ca"], timeout=SLOW)
        )
        if token:
            client.add_header("X-Vault-Token", token)
        found.append(Voice(server["name"], client, prefix, server["address"]))
    return found


def join_ca(options: Mapping[str, Any]) -> str:
    """The CA that a joining server has to trust, as PEM."""
    if not (options["namespace"] and options["tls_secret"]):
        given = options["server_ca"] or ""
        if given and "\n" not in given:
            with open(given, encoding="utf-8") as handle:
                return handle.read()
        return given
    found = Objects(access(dict(options)).client()).client.get(
        SECRETS.path(options["namespace"], options["tls_secret"])
    )
    return base64.b64decode(((found or {}).get("data") or {}).get("ca.crt", "")).decode()


def result(options: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """What the module returns."""
    keys = [pgp_key(text) for text in options["pgp_keys"]]
    handover = Handover(options["keys_folder"], options["name"], len(keys))
    servers = voices(options)
    if not servers:
        raise VaultError("servers is empty; name at least one server.")
    cluster = Cluster(servers, keys, options["threshold"], options["unseal_keys"], handover, join_ca(options))
    before = [server.look() for server in servers]
    if check_mode and all(server.problem for server in before):
        return answer(before, [], ["initialise or open the servers once they run"], Plan(), handover)
    plan = cluster.bring(check_mode, options["timeout"])
    actions = list(cluster.actions)
    if settled(cluster.found) and options["token"]:
        settings = Settings(cluster.active(), check_mode)
        for mount in options["mounts"]:
            settings.mount(mount)
        for name, text in options["policies"].items():
            settings.policy(name, text)
        for write in options["writes"]:
            settings.write(write)
        actions += settings.actions
    return answer(before, cluster.found, actions, plan, handover)


def answer(
    before: Sequence[Server], after: Sequence[Server], actions: list[str], plan: Plan, handover: Handover
) -> dict[str, Any]:
    """The result, with the same keys whatever happened."""
    now = list(after) or list(before)
    texts = {"before": said(before) + "\n", "after": "\n".join([said(now), *actions]) + "\n"}
    return {
        "changed": bool(actions),
        "actions": actions,
        "initialized": any(server.initialized for server in now),
        "ready": settled(now),
        "waiting_for": plan.waiting,
        "msg": f"{said(now)}. It waits for {plan.waiting}." if plan.waiting else f"{said(now)}.",
        "servers": [{"name": server.name, "state": said([server]).partition(": ")[2]} for server in now],
        "key_files": handover.written,
        "diff": texts if actions else {},
    }
