# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One reading of one machine: services, certificates, space, probes, load balancer. Changes nothing."""

from __future__ import annotations

import base64
import csv
import glob
import io
import ipaddress
import os
import re
import secrets
import socket
import struct
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Callable

from .._errors import KubestdError
from .._kube import KubeClient, KubeError
from .._kubeadm.der import expires

CERTIFICATES = ("etc/kubernetes/pki/*.crt", "etc/kubernetes/pki/*/*.crt")
KUBELET_CERTIFICATES = ("kubelet-client-current.pem", "kubelet-server-current.pem")
DISKS = ("/", "/var", "/var/lib", "/var/lib/etcd", "/var/lib/kubelet", "/var/lib/containerd", "/var/log")
CA = "/etc/kubernetes/pki/ca.crt"
PROBE_TIMEOUT = 2.0
PROBES = 2


def services(names: list[str]) -> dict[str, dict[str, str]]:
    """load, active and enabled of systemd services, by one call."""
    if not names:
        return {}
    properties = "--property=Id,LoadState,ActiveState,SubState,Result"
    try:
        said = subprocess.run(
            ["systemctl", "show", properties, *(f"{name}.service" for name in names)],
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        ).stdout
    except (OSError, subprocess.TimeoutExpired) as error:
        raise KubestdError(f"systemctl show: {error}") from error
    return parse_services(said)


def parse_services(said: str) -> dict[str, dict[str, str]]:
    """What systemctl show printed, by name without its suffix."""
    found = {}
    for block in said.strip().split("\n\n"):
        values = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        name = values.get("Id", "").rsplit(".service", 1)[0]
        if name:
            found[name] = {
                "load": values.get("LoadState", ""),
                "active": values.get("ActiveState", ""),
                "sub": values.get("SubState", ""),
                "result": values.get("Result", ""),
            }
    return found


def certificates(root: str = "/") -> list[dict[str, Any]]:
    """Path and end of validity (seconds since the epoch) of every certificate Kubernetes keeps on this machine."""
    found: list[dict[str, Any]] = []

    def note(path: str, read: Callable[[str], str]) -> None:
        shown = "/" + os.path.relpath(path, root)
        try:
            with open(path, encoding="utf-8") as handle:
                text = read(handle.read())
            if text:
                found.append({"path": shown, "expires": expires(text), "error": ""})
        except (OSError, ValueError, KubestdError) as error:
            found.append({"path": shown, "expires": None, "error": str(error)})

    for pattern in CERTIFICATES:
        for path in sorted(glob.glob(os.path.join(root, pattern))):
            note(path, str)
    for path in sorted(glob.glob(os.path.join(root, "etc/kubernetes/*.conf"))):
        note(path, kubeconfig_certificate)
    for name in KUBELET_CERTIFICATES:
        path = os.path.join(root, "var/lib/kubelet/pki", name)
        if os.path.lexists(path):
            note(path, str)
    return found


def kubeconfig_certificate(text: str) -> str:
    """The client certificate inside a kubeconfig as PEM, '' when it has none."""
    match = re.search(r"^\s*client-certificate-data:\s*(\S+)", text, re.MULTILINE)
    return base64.b64decode(match.group(1)).decode("ascii") if match else ""


def disks(paths: tuple[str, ...] = DISKS) -> list[dict[str, Any]]:
    """Free and total MiB of each file system once, by the first path that is on it."""
    found, seen = [], set()
    for path in paths:
        try:
            device, space = os.stat(path).st_dev, os.statvfs(path)
        except OSError:
            continue
        size = (device, space.f_blocks, space.f_bfree)
        if device not in seen and size[1:] not in seen and space.f_blocks:
            seen |= {device, size[1:]}
            unit = space.f_frsize / 2**20
            found.append(
                {"path": path, "free_mib": int(space.f_bavail * unit), "total_mib": int(space.f_blocks * unit)}
            )
    return found


def memory(path: str = "/proc/meminfo") -> dict[str, int]:
    """Available and total MiB."""
    with open(path, encoding="utf-8") as handle:
        values = {line.split(":")[0]: int(line.split()[1]) // 1024 for line in handle if len(line.split()) > 1}
    return {"available_mib": values.get("MemAvailable", 0), "total_mib": values.get("MemTotal", 0)}


def dns_query(name: str, number: int) -> bytes:
    """A question for the A record of a name (RFC 1035 section 4.1)."""
    labels = b"".join(bytes([len(part)]) + part.encode("ascii") for part in name.strip(".").split("."))
    return struct.pack(">HHHHHH", number, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack(">HH", 1, 1)


def dns_problem(answer: bytes, number: int) -> str:
    """What is wrong with an answer; '' when it names an address."""
    if len(answer) < 12:
        return "an answer that is cut off"
    found, flags, _questions, answers = struct.unpack(">HHHH", answer[:8])
    if found != number or not flags & 0x8000:
        return "an answer to another question"
    if flags & 0x000F:
        return f"error code {flags & 0x000F}"
    return "" if answers else "an answer without an address"


def ask_dns(server: str, name: str) -> dict[str, Any]:
    """Whether a DNS server answers with an address."""
    error = ""
    for _ in range(PROBES):
        number = secrets.randbelow(65536)
        try:
            with socket.socket(socket.AF_INET6 if ":" in server else socket.AF_INET, socket.SOCK_DGRAM) as link:
                link.settimeout(PROBE_TIMEOUT / PROBES)
                link.connect((server, 53))
                link.send(dns_query(name, number))
                problem = dns_problem(link.recv(4096), number)
            error = f"{server} gave {problem} for {name}" if problem else ""
        except OSError as failure:
            error = f"{server}:53 does not answer for {name}: {failure}"
        if not error:
            break
    return {"ok": not error, "error": error}


def ask_api(server: str, ca: str = CA) -> dict[str, Any]:
    """Whether an API server answers here over TLS with a certificate of the cluster; any HTTP status is an answer."""
    error = ""
    for _ in range(PROBES):
        try:
            client = KubeClient(server, ca if os.path.exists(ca) else None, timeout=PROBE_TIMEOUT / PROBES)
            client.ask("GET", "/version")
            client.close()
            return {"ok": True, "error": ""}
        except KubeError as failure:
            error = str(failure).replace("GET ", "").replace("/version", "")
        except KubestdError as failure:
            return {"ok": False, "error": str(failure)}
    return {"ok": False, "error": error}


def haproxy_stats(path: str) -> dict[str, Any]:
    """Servers behind HAProxy as its socket tells; error instead when there is no answer."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link:
            link.settimeout(PROBE_TIMEOUT)
            link.connect(path)
            link.sendall(b"show stat\n")
            said = b"".join(iter(lambda: link.recv(65536), b""))
    except OSError as error:
        return {"servers": [], "error": f"{path}: {error}"}
    return {"servers": parse_stats(said.decode("utf-8", "replace")), "error": ""}


def parse_stats(text: str) -> list[dict[str, str]]:
    """The servers in the CSV of show stat (HAProxy's management guide, section 9.1)."""
    rows = csv.DictReader(io.StringIO(text.lstrip("# ")))
    return [
        {
            "backend": row["pxname"],
            "name": row["svname"],
            "status": row["status"],
            "check": " ".join(
                filter(None, (row.get("check_status", ""), row.get("check_code", ""), row.get("last_chk", "")))
            ),
        }
        for row in rows
        if row.get("svname") not in ("FRONTEND", "BACKEND", None)
    ]


def holds(address: str, path: str = "/proc/net/fib_trie") -> bool:
    """Whether one of the machine's interfaces holds an IPv4 address, by the kernel's local routes."""
    try:
        with open(path, encoding="ascii") as handle:
            return re.search(rf"-- {re.escape(address)}\n\s+/32 host LOCAL", handle.read()) is not None
    except OSError:
        return False


def read_machine(options: dict[str, Any]) -> dict[str, Any]:
    """Everything asked for; probes run at the same time, so that a dead one costs its own time only."""
    probes: dict[str, Callable[[], Any]] = {}
    if options["service_cidr"]:
        # The first of two families is the one that the cluster's own Services have.
        first = ipaddress.ip_network(options["service_cidr"].split(",")[0].strip(), strict=False).network_address
        name = f"kubernetes.default.svc.{options['dns_domain']}"
        probes["dns"] = lambda: ask_dns(str(first + 10), name)
        probes["service"] = lambda: ask_api(f"https://{bracketed(str(first + 1))}:443")
    if options["endpoint"]:
        probes["endpoint"] = lambda: ask_api(f"https://{options['endpoint']}")
    if options["haproxy_socket"]:
        probes["haproxy"] = lambda: haproxy_stats(options["haproxy_socket"])
    probes["services"] = lambda: services(options["services"])
    with ThreadPoolExecutor(len(probes)) as pool:
        running = {key: pool.submit(probe) for key, probe in probes.items()}
        reading: dict[str, Any] = {
            "time": time.time(),
            "certificates": certificates(),
            "disks": disks(),
            "memory": memory(),
            "virtual_ip": holds(options["virtual_ip"]) if options["virtual_ip"] else None,
        }
        reading.update({key: future.result() for key, future in running.items()})
    return reading


def bracketed(address: str) -> str:
    """An address as it stands in a URL."""
    return f"[{address}]" if ":" in address else address
