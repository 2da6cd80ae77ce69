# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the servers of a Vault or OpenBao still need: init, join, unseal. And which settings differ. Pure."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._errors import KubestdError

ARMOR = re.compile(
    r"-----BEGIN PGP PUBLIC KEY BLOCK-----\r?\n(?:[^\r\n]+: [^\r\n]*\r?\n)*\r?\n?(.*?)-----END", re.DOTALL
)
DURATION = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")
MOUNTS = {"secret": "sys/mounts", "auth": "sys/auth", "audit": "sys/audit"}


class VaultError(KubestdError):
    """The cluster cannot be brought to its description."""


@dataclass(frozen=True)
class Server:
    """One server as it was found. problem: why it does not answer; needed: keys that open it; cluster: known when it is open."""

    name: str
    problem: str = ""
    initialized: bool = False
    sealed: bool = True
    automatic: bool = False
    needed: int = 0
    cluster: str = ""
    active: bool = False

    @property
    def open(self) -> bool:
        """Whether it serves."""
        return not self.problem and self.initialized and not self.sealed


@dataclass(frozen=True)
class Wanted:
    """holders: PGP keys, one for each share; threshold: shares that open a server; keys: shares at hand."""

    holders: int
    threshold: int
    keys: int


@dataclass(frozen=True)
class Step:
    """init | join | unseal of one server; peer: through whom it joins."""

    action: str
    server: str
    peer: str = ""

    def __str__(self) -> str:
        return {
            "init": f"initialise {self.server}",
            "join": f"join {self.server} to {self.peer}",
            "unseal": f"unseal {self.server}",
        }[self.action]


@dataclass(frozen=True)
class Plan:
    """Steps in their order, and what a person has to do before there can be more."""

    steps: tuple[Step, ...] = ()
    waiting: str = ""


def make_plan(servers: Sequence[Server], wanted: Wanted) -> Plan:
    """The next steps. Raises VaultError where any step could do harm."""
    silent = [server for server in servers if server.problem]
    clusters = {server.cluster: server.name for server in servers if server.open and server.cluster}
    if len(clusters) > 1:
        raise VaultError(
            f"{' and '.join(sorted(clusters.values()))} were initialised apart and are two clusters;"
            " delete the claim of the one without data, and run again."
        )
    if not any(server.initialized for server in servers if not server.problem):
        if silent:
            raise VaultError(
                f"{silent[0].name} does not answer ({silent[0].problem}), and the others have no data;"
                " nothing is initialised before all answer, because it may be the one that has them."
            )
        return _init(servers, wanted)
    return _open([server for server in servers if not server.problem], wanted)


def _init(servers: Sequence[Server], wanted: Wanted) -> Plan:
    first, others = servers[0], servers[1:]
    if not wanted.holders:
        raise VaultError(
            "pgp_keys is empty; name a PGP public key for each holder, because keys are never written in clear."
        )
    if not 1 <= wanted.threshold <= wanted.holders or (wanted.threshold == 1 and wanted.holders > 1):
        raise VaultError(
            f"threshold is {wanted.threshold} with {wanted.holders} PGP keys; write 1 for a single holder,"
            f" else at least 2 and at most {wanted.holders}."
        )
    init = Step("init", first.name)
    if first.automatic:
        return Plan((init, *(Step("join", other.name, first.name) for other in others)))
    return Plan(
        (init,), f"the unseal keys: their holders decrypt them, and {wanted.threshold} of them go to unseal_keys"
    )


def _open(servers: Sequence[Server], wanted: Wanted) -> Plan:
    has_data = [server for server in servers if server.initialized]
    needed = max(server.needed for server in servers)
    able = wanted.keys >= needed
    closed = [server for server in has_data if server.sealed and not server.automatic]
    steps = [Step("unseal", server.name) for server in closed if able]
    peers = [server.name for server in has_data if server.open or (server in closed and able)]
    keyless = [server.name for server in closed if not able]
    for server in servers:
        if not server.initialized and peers:
            steps.append(Step("join", server.name, peers[0]))
            if able and not server.automatic:
                steps.append(Step("unseal", server.name))
            elif not server.automatic:
                keyless.append(server.name)
    waiting = ""
    if keyless:
        waiting = f"{needed} unseal keys in unseal_keys ({wanted.keys} given) for {', '.join(keyless)}"
    return Plan(tuple(steps), waiting)


def settled(servers: Sequence[Server]) -> bool:
    """Whether all serve and one of them leads."""
    return all(server.open for server in servers) and sum(server.active for server in servers) == 1


def said(servers: Sequence[Server]) -> str:
    """How they are, for people."""
    words = []
    for server in servers:
        state = (
            "active"
            if server.active
            else "standby"
            if server.open
            else "sealed"
            if server.initialized
            else "not initialised"
        )
        words.append(f"{server.name}: {server.problem or state}")
    return "; ".join(words)


def pgp_key(text: str) -> str:
    """A PGP public key as the API takes it: base64 without armor. Raises VaultError on anything else."""
    match = ARMOR.search(text)
    body = text if match is None else "".join(line for line in match.group(1).splitlines() if not line.startswith("="))
    body = "".join(body.split())
    try:
        raw = base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    # RFC 9580, 4.2: a packet begins with bit 7; tag 6 is a public key, in the old format or in the new one
    tag = (raw[0] & 0x3F if raw[0] & 0x40 else raw[0] >> 2 & 0x0F) if raw and raw[0] & 0x80 else 0
    if tag != 6:
        raise VaultError(
            "a PGP key is no public key; give the text that gpg --armor --export writes, or base64 of the binary one."
        )
    return body


def normal(value: Any) -> Any:
    """A setting as it is compared: durations in seconds, numbers and switches as texts, lists as they are ordered by nobody."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (list, tuple)):
        return sorted(str(normal(item)) for item in value)
    if isinstance(value, Mapping):
        return {key: normal(item) for key, item in value.items()}
    text = str(value)
    match = DURATION.fullmatch(text)
    if text and match:
        hours, minutes, seconds = (int(part or 0) for part in match.groups())
        return str(hours * 3600 + minutes * 60 + seconds)
    return text


def differing(wanted: Mapping[str, Any], found: Mapping[str, Any] | None) -> list[str]:
    """Keys of a setting that are not as wanted; the server may have more."""
    return [key for key, value in wanted.items() if found is None or normal(found.get(key)) != normal(value)]


def mount_problem(mount: Mapping[str, Any], found: Mapping[str, Any]) -> str:
    """Why a mount that is there is not the one that is wanted; '' when it is."""
    if found.get("type") != mount["type"]:
        return f"{mount['path']} is a mount of type {found.get('type')}, not {mount['type']}; choose another path or move it."
    wanted = mount.get("options") or {}
    wrong = differing(wanted, found.get("options") or {})
    return (
        f"{mount['path']} has other options ({', '.join(wrong)}) than wanted; a mount cannot change them."
        if wrong
        else ""
    )
