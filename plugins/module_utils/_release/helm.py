# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Helm (and cosign) by command line: lists, never a shell; what is secret goes through memory, never through argv."""

from __future__ import annotations

import base64
import contextlib
import ctypes
import json
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from .._errors import KubestdError
from .._kube import in_memory

# The first version of a tool that has, and heeds, a command or flag of ours:
# https://github.com/helm/helm/releases, https://github.com/sigstore/cosign/releases
MINIMUM: dict[str, dict[str, tuple[int, ...]]] = {
    "helm": {"upgrade": (4, 0)},
    # 2.4 and 2.5 take a trusted root, and ask the internet for another; 2.6.2 mends GHSA-whqx-f9j3-ch6m
    "cosign": {"verify": (2, 0), "--registry-cacert": (2, 4, 2), "--trusted-root": (2, 6, 2)},
}
VERSION = {"helm": ("version", "--template", "{{.Version}}"), "cosign": ("version", "--json")}
PR_SET_PDEATHSIG = 1
GRACE = 30.0  # seconds beyond its own time limit after which helm is ended
# What helm and the registry clients in it say, and what an operator does about it.
EXPLAINED: tuple[tuple[str, str], ...] = (
    (r"server gave HTTP response to HTTPS client", "the registry speaks plain http; set registry.plain_http if that is meant"),
    (r"certificate signed by unknown authority|x509|CERTIFICATE_VERIFY_FAILED", "the registry's certificate is not trusted; set registry.ca"),
    (r"\b401\b|unauthorized|authentication required|basic credential not found|no basic auth", "the registry refused the login; check registry.username and registry.password"),
    (r"\b403\b|denied", "the registry denied access; check that this user may read it"),
    (r"\b429\b|toomanyrequests", "the registry limits requests; wait, log in, or use a mirror"),
    (r"connection refused|no such host|no route to host|i/o timeout|context deadline|timed out|Client\.Timeout|Name or service not known", "the registry does not answer; check the address, the network, or the mirror"),
    (r"\b404\b|not found|manifest unknown|name unknown", "it is not there; check chart.ref and chart.version"),
    (r"\b50[0234]\b", "the registry is out of order; try again later, or use a mirror"),
    (r"digest|unexpected EOF|size mismatch|short read", "what came is not what the registry announced; the transfer was cut or the blob was changed, try again"),
)  # fmt: skip

# Warnings, and what cosign says a second time
NOISE = re.compile(r"level=|WARNING|Flag --|W\d{4} |I\d{4} |time=|error during command execution")


def explain(text: str) -> str:
    """The cause behind a tool's words, '' when it is none of the known ones."""
    return next((said for pattern, said in EXPLAINED if re.search(pattern, text, re.IGNORECASE)), "")


def last_words(text: str) -> str:
    """What a tool said last, without its own prefixes and warnings."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    kept = [line for line in lines if not NOISE.match(line)] or lines
    return re.sub(r"^Error: ", "", " ".join(kept[-4:]))[:1500]


class Late(KubestdError):
    """A tool did not end in its time."""


@dataclass
class Output:
    """What a command left: exit code, stdout, stderr."""

    code: int
    out: str
    err: str


def _die_with_parent() -> None:
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Tool:
    """A program with inputs in memory. tick is called about every second while it works."""

    def __init__(self, program: str, cache: str, tick: Callable[[], None] | None = None) -> None:
        found = shutil.which(program)
        if not found:
            raise KubestdError(
                f"{os.path.basename(program)} is not on this machine's PATH ({program}); install it, or name it with"
                f" the option {os.path.basename(program)}."
            )
        self.program, self.cache, self.tick = found, cache, tick

    def environment(self) -> dict[str, str]:
        """Of this process, without helm's own variables: no plugin, repository or login of the user has a say."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("HELM_")}
        folders = {name: os.path.join(self.cache, "helm", name.lower()) for name in ("CACHE", "CONFIG", "DATA")}
        return {**kept, **{f"HELM_{name}_HOME": path for name, path in folders.items()}, "HELM_DRIVER": "secret"}

    def run(
        self,
        arguments: list[str],
        inputs: dict[str, bytes] | None = None,
        limit: float = 300.0,
        memory: Sequence[str] = (),
        **environment: str,
    ) -> Output:
        """Run it. An argument or variable that is the name of an input becomes its path; raises Late after limit seconds.

        memory: further paths of in_memory() that it may read.
        """
        with contextlib.ExitStack() as stack:
            paths = {name: stack.enter_context(in_memory(content)) for name, content in (inputs or {}).items()}
            process = subprocess.Popen(
                [
                    self.program,
                    *(paths.get(argument, argument) for argument in arguments),
                ],
                env={**self.environment(), **{name: paths.get(value, value) for name, value in environment.items()}},
                pass_fds=[int(path.rpartition("/")[2]) for path in (*paths.values(), *memory)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                preexec_fn=_die_with_parent,
            )
            until = time.monotonic() + limit
            try:
                while True:
                    try:
                        out, err = process.communicate(timeout=1.0)
                        break
                    except subprocess.TimeoutExpired:
                        if time.monotonic() > until:
                            raise Late(
                                f"{os.path.basename(self.program)} {arguments[0]} did not end within {limit:.0f} s."
                            ) from None
                        if self.tick:
                            self.tick()
            finally:
                if process.poll() is None:
                    process.kill()
                    process.communicate()
        return Output(process.returncode, out.decode("utf-8", "replace"), err.decode("utf-8", "replace"))


def version(tool: Tool, kind: str) -> tuple[int, ...]:
    """The version of a tool as numbers; () when it does not know itself."""
    found = re.search(r"v?(\d+)\.(\d+)\.(\d+)", re.sub(r'"?goVersion.*', "", tool.run([*VERSION[kind]]).out))
    return tuple(int(number) for number in found.groups()) if found else ()


def require(tool: Tool, kind: str, arguments: list[str]) -> None:
    """Refuse a tool that is too old for a command."""
    needed = max(MINIMUM[kind].get(argument, ()) for argument in arguments)
    found = version(tool, kind)
    if found < needed:
        shown, wanted = (".".join(map(str, numbers)) for numbers in (found, needed))
        raise KubestdError(f"{tool.program} is version {shown or 'unknown'}; {kind} {wanted} or newer is needed.")


def login(host: str, registry: dict[str, Any]) -> bytes:
    """A registry configuration as docker writes it, for one registry; an empty one without a user name."""
    if not registry.get("username"):
        return b'{"auths": {}}'
    pair = f"{registry['username']}:{registry.get('password') or ''}".encode()
    return json.dumps({"auths": {host: {"auth": base64.b64encode(pair).decode()}}}).encode()


def transport(registry: dict[str, Any]) -> Iterator[str]:
    """Flags for how a registry is spoken to."""
    if registry.get("plain_http"):
        yield "--plain-http"
    if registry.get("ca"):
        yield from ("--ca-file", registry["ca"])
