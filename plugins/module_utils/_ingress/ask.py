# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks a Gateway at its address for each host, whatever DNS says of them."""

from __future__ import annotations

import contextlib
import http.client
import os
import socket
import ssl
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from .._errors import KubestdError
from .._kubeconfig import access
from .._objects import Objects
from .._yaml import LOADER, yaml
from .answers import Answer, Question, questions, wrong

SECONDS = 10.0  # for one answer
AT_ONCE = 16


class Prober:
    """Requests to one address. ca: PEM text of authorities besides those of this machine."""

    def __init__(self, ports: Mapping[str, int], ca: str | None, validate: bool) -> None:
        self.ports = ports
        self.context = ssl.create_default_context()
        if ca:
            self.context.load_verify_locations(cadata=ca)
        if not validate:
            self.context.check_hostname, self.context.verify_mode = False, ssl.CERT_NONE

    def ask(self, address: str, asked: Question) -> Answer:
        """One request; the name is said to the server, and not looked up."""
        try:
            with contextlib.closing(socket.create_connection((address, self.ports[asked.scheme]), SECONDS)) as plain:
                secure = (
                    self.context.wrap_socket(plain, server_hostname=asked.host) if asked.scheme == "https" else plain
                )
                connection = http.client.HTTPConnection(asked.host, timeout=SECONDS)
                connection.sock = secure
                connection.request("GET", asked.path, headers={"User-Agent": "kubestd.platform", "Connection": "close"})
                return Answer(connection.getresponse().status)
        except (OSError, http.client.HTTPException, ValueError) as error:
            return Answer(None, str(error) or type(error).__name__)


def routes_of(files: Sequence[str]) -> list[dict[str, Any]]:
    """The objects of files."""
    found = []
    for name in files:
        try:
            text = Path(name).read_text(encoding="utf-8")
            found += [item for item in yaml.load_all(text, Loader=LOADER) if isinstance(item, dict)]
        except (OSError, yaml.YAMLError) as error:
            raise KubestdError(f"Cannot read {name}: {' '.join(str(error).split())}.") from error
    return found


def address_of(options: Mapping[str, Any]) -> str:
    """The address that is asked: as given, of a Service, or of the Gateway."""
    if options["address"]:
        return str(options["address"])
    service = options["service"]
    wanted: dict[str, Any] = {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "Gateway",
        "metadata": options["gateway"],
    }
    if service:
        wanted = {"apiVersion": "v1", "kind": "Service", "metadata": service}
    found = Objects(access(dict(options)).client()).get(wanted) or {}
    status = found.get("status") or {}
    told = (status.get("loadBalancer") or {}).get("ingress") if service else status.get("addresses")
    for one in told or []:
        address = one.get("ip") or one.get("hostname") or one.get("value")
        if address:
            return str(address)
    name = f"{wanted['kind']} {wanted['metadata']['namespace']}/{wanted['metadata']['name']}"
    raise KubestdError(f"The {name} has no address; wait until it has one, or write it to address.")


def authorities(text: str | None) -> str | None:
    """Certificates as text, or those of a file."""
    if not text or "-----BEGIN" in text:
        return text
    try:
        return Path(os.path.expanduser(text)).read_text(encoding="utf-8")
    except OSError as error:
        raise KubestdError(f"Cannot read tls_ca {text}: {error.strerror}.") from error


def run(options: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """Ask until all answers are good, or the time is over."""
    asked = questions(routes_of(options["files"]))
    result: dict[str, Any] = {"changed": False, "asked": [str(one) for one in asked], "wrong": [], "address": ""}
    if check_mode or not asked:
        return result
    result["address"] = address = address_of(options)
    prober = Prober(
        {"http": options["http_port"], "https": options["https_port"]},
        authorities(options["tls_ca"]),
        options["tls_verify"],
    )
    deadline = time.monotonic() + options["timeout"]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        before: dict[Question, Answer] = {}
        if options["reference"]:
            before = dict(zip(asked, pool.map(lambda one: prober.ask(options["reference"], one), asked)))
        left = asked
        while True:
            told = dict(zip(left, pool.map(lambda one: prober.ask(address, one), left)))
            said = {one: wrong(one, answer, before.get(one)) for one, answer in told.items()}
            left = [one for one in left if said[one]]
            if not left or time.monotonic() > deadline:
                return {**result, "wrong": [said[one] for one in left]}
            time.sleep(1)
