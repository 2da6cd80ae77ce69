# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One look at this machine for machine_facts: files of /proc and /sys, few short commands, nothing is changed."""

from __future__ import annotations

import fcntl
import glob
import gzip
import ipaddress
import json
import os
import platform
import re
import shutil
import socket
import ssl
import struct
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

COMMANDS = (
    "apt-get",
    "conntrack",
    "curl",
    "dnf",
    "ethtool",
    "haproxy",
    "ip",
    "iptables",
    "keepalived",
    "mount",
    "nft",
    "socat",
)
#: Where administrators' commands are, also when the connection's PATH lacks them.
SEARCH = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")
#: feature: its option in the kernel's configuration
FEATURES = {
    "br_netfilter": "CONFIG_BRIDGE_NETFILTER",
    "nf_conntrack": "CONFIG_NF_CONNTRACK",
    "nf_tables": "CONFIG_NF_TABLES",
    "overlay": "CONFIG_OVERLAY_FS",
    "vxlan": "CONFIG_VXLAN",
}
VERSIONS = {
    "containerd": ["--version"],
    "runc": ["--version"],
    "kubelet": ["--version"],
    "kubeadm": ["version", "-o", "short"],
    "haproxy": ["-v"],
    "keepalived": ["--version"],
}
VERSION = re.compile(r"\bv?(\d+\.\d+(?:\.\d+)?(?:[-+][0-9A-Za-z.+-]+)?)")
CNI_FOLDER = "/etc/cni/net.d"
API_SERVER = "/etc/kubernetes/manifests/kube-apiserver.yaml"
LISTEN = "0A"
#: Seconds for an answer over HTTP, and for a TCP connection alone.
TIMEOUT, CONNECT = 3.0, 1.5
SIOCGIFADDR, SIOCGIFNETMASK = 0x8915, 0x891B


def text_of(path: str) -> str:
    """The text of a file, empty when there is none."""
    try:
        with open(path, encoding="utf-8", errors="replace") as handle:
            return handle.read()
    except OSError:
        return ""


def said_by(argv: list[str], timeout: float = 5) -> str:
    """What a command says, empty when it cannot be run."""
    try:
        answer = subprocess.run(
            argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return answer.stdout or answer.stderr


def os_release(text: str) -> dict[str, str]:
    """ID, VERSION_ID and PRETTY_NAME of os-release(5)."""
    values = dict(re.findall(r"""^(\w+)=["']?(.*?)["']?$""", text, re.MULTILINE))
    return {
        "id": values.get("ID", ""),
        "version_id": values.get("VERSION_ID", ""),
        "pretty_name": values.get("PRETTY_NAME", ""),
    }


def memory(text: str) -> tuple[int, int]:
    """MiB of memory and of swap in /proc/meminfo."""
    values = {key: int(number) // 1024 for key, number in re.findall(r"^(\w+):\s+(\d+) kB", text, re.MULTILINE)}
    return values.get("MemTotal", 0), values.get("SwapTotal", 0)


def cgroup() -> dict[str, Any]:
    """Version 2 when the unified hierarchy is at /sys/fs/cgroup; hybrid has it beside version 1."""
    unified = text_of("/sys/fs/cgroup/cgroup.controllers")
    if os.path.exists("/sys/fs/cgroup/cgroup.controllers"):
        return {"version": 2, "controllers": sorted(unified.split()), "hybrid": False}
    lines = [line.split() for line in text_of("/proc/cgroups").splitlines() if line and not line.startswith("#")]
    return {
        "version": 1,
        "controllers": sorted(line[0] for line in lines if len(line) > 3 and line[3] == "1"),
        "hybrid": os.path.isdir("/sys/fs/cgroup/unified"),
    }


def disk(path: str) -> dict[str, Any]:
    """Space of the file system that a path is, or will be, on."""
    existing = path
    while existing not in ("", "/") and not os.path.exists(existing):
        existing = os.path.dirname(existing)
    space = os.statvfs(existing or "/")
    return {
        "path": path,
        "free_mib": space.f_bavail * space.f_frsize >> 20,
        "total_mib": space.f_blocks * space.f_frsize >> 20,
    }


def interfaces_of_ip(text: str) -> list[dict[str, Any]]:
    """Interfaces in what `ip -j addr` says."""
    found = []
    for entry in json.loads(text or "[]"):
        if not entry.get("ifname"):
            continue
        found.append(
            {
                "name": entry["ifname"].split("@")[0],
                "mac": entry.get("address") if entry.get("link_type") == "ether" else None,
                "addresses": [
                    f"{address['local']}/{address['prefixlen']}"
                    for address in entry.get("addr_info", [])
                    if "local" in address
                ],
                "up": entry.get("operstate") == "UP" or "LOWER_UP" in entry.get("flags", []),
            }
        )
    return found


def interfaces_of_kernel() -> list[dict[str, Any]]:
    """Interfaces without the command ip: /sys, /proc/net/if_inet6, and for IPv4 two ioctls."""
    six: dict[str, list[str]] = {}
    for line in text_of("/proc/net/if_inet6").splitlines():
        address, _, prefix, _, _, name = line.split()
        six.setdefault(name, []).append(f"{ipaddress.IPv6Address(int(address, 16))}/{int(prefix, 16)}")
    found = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as handle:
        for _, name in socket.if_nameindex():
            request = struct.pack("256s", name.encode()[:15])
            addresses = []
            try:
                address = socket.inet_ntoa(fcntl.ioctl(handle, SIOCGIFADDR, request)[20:24])
                mask = socket.inet_ntoa(fcntl.ioctl(handle, SIOCGIFNETMASK, request)[20:24])
                addresses.append(str(ipaddress.IPv4Interface(f"{address}/{mask}").with_prefixlen))
            except OSError:
                pass
            folder = f"/sys/class/net/{name}"
            found.append(
                {
                    "name": name,
                    # ARPHRD_ETHER
                    "mac": text_of(f"{folder}/address").strip() if text_of(f"{folder}/type").strip() == "1" else None,
                    "addresses": addresses + six.get(name, []),
                    "up": text_of(f"{folder}/carrier").strip() == "1",
                }
            )
    return found


def interfaces(ip: str | None) -> list[dict[str, Any]]:
    """All network interfaces with their addresses."""
    if ip:
        try:
            return interfaces_of_ip(said_by([ip, "-j", "addr"]))
        except ValueError:
            pass
    return interfaces_of_kernel()


def listening(table: str) -> dict[str, int]:
    """inode: port of the listening sockets in /proc/net/tcp or tcp6."""
    found = {}
    for line in table.splitlines()[1:]:
        fields = line.split()
        if len(fields) > 9 and fields[3] == LISTEN:
            found[fields[9]] = int(fields[1].rpartition(":")[2], 16)
    return found


def owners(inodes: set[str]) -> dict[str, str]:
    """inode: name of the process that has the socket open; without root only one's own."""
    found: dict[str, str] = {}
    for folder in glob.iglob("/proc/[0-9]*/fd"):
        if len(found) == len(inodes):
            break
        try:
            names = os.listdir(folder)
        except OSError:
            continue
        for name in names:
            try:
                target = os.readlink(f"{folder}/{name}")
            except OSError:
                continue
            if target.startswith("socket:[") and target[8:-1] in inodes and target[8:-1] not in found:
                found[target[8:-1]] = text_of(f"{folder[:-3]}/comm").strip()
    return found


def ports() -> list[dict[str, Any]]:
    """Listening TCP ports with the process that has them."""
    sockets = {**listening(text_of("/proc/net/tcp")), **listening(text_of("/proc/net/tcp6"))}
    names = owners(set(sockets))
    unique = {(port, names.get(inode, "")) for inode, port in sockets.items()}
    return [{"port": port, "protocol": "tcp", "process": name or None} for port, name in sorted(unique)]


def kernel_configuration(release: str) -> str:
    """The configuration that the kernel was built with, where it is told."""
    try:
        with gzip.open("/proc/config.gz", "rt", encoding="utf-8") as handle:
            return handle.read()
    except OSError:
        return text_of(f"/boot/config-{release}")


def feature(name: str, loaded: set[str], present: bool, files: dict[str, set[str]], configured: str | None) -> str:
    """How a kernel has a feature: loaded, builtin, module (it can be loaded), missing, or unknown when nothing tells.

    loaded: names of /proc/modules. present: the running kernel shows it. files: names in modules.builtin and modules.dep,
    no entry when there is no such file. configured: y, m, n, or None when the configuration is not told.
    """
    if name in loaded:
        return "loaded"
    if present or name in files.get("builtin", ()) or configured == "y":
        return "builtin"
    if name in files.get("dep", ()):
        return "module"
    return "missing" if configured == "n" or {"builtin", "dep"} <= files.keys() else "unknown"


def kernel_features(release: str) -> dict[str, str]:
    """The features that nodes need. A container sees no module files, so what runs counts first."""
    loaded = {line.split()[0] for line in text_of("/proc/modules").splitlines()}
    files = {}
    for kind in ("builtin", "dep"):
        text = text_of(f"/lib/modules/{release}/modules.{kind}")
        names = {line.split(":")[0].strip().rpartition("/")[2] for line in text.splitlines()}
        if names:
            files[kind] = {re.sub(r"\.ko(\.\w+)?$", "", name).replace("-", "_") for name in names}
    systems = text_of("/proc/filesystems").split()
    signs = {"br_netfilter": "/proc/sys/net/bridge", "nf_conntrack": "/proc/sys/net/netfilter/nf_conntrack_max"}
    configuration = kernel_configuration(release)

    def state(name: str, option: str) -> str:
        match = re.search(rf"^{option}=(\w)|^# {option} is not set", configuration, re.MULTILINE)
        present = name in systems or any(
            os.path.exists(path) for path in (f"/sys/module/{name}", signs.get(name, "")) if path
        )
        return feature(name, loaded, present, files, (match[1] or "n") if match else None)

    return {name: state(name, option) for name, option in FEATURES.items()}


def virtualization() -> str:
    """What this machine runs in, as far as files tell: a container's manager, a hypervisor, or none."""
    container = re.search(r"(?:^|\0)container=([^\0]+)", text_of("/proc/1/environ"))
    if container:
        return container[1]
    for path, name in (("/run/.containerenv", "podman"), ("/.dockerenv", "docker")):
        if os.path.exists(path):
            return name
    vendor = text_of("/sys/class/dmi/id/sys_vendor").strip()
    if " hypervisor" in text_of("/proc/cpuinfo"):
        return vendor or "vm"
    return "none"


def selinux(path: str = "/sys/fs/selinux/enforce") -> str:
    """What SELinux does with what its policy does not allow: enforcing, permissive, or off where there is none."""
    return {"1": "enforcing", "0": "permissive"}.get(text_of(path).strip(), "off")


def identity() -> tuple[str, str]:
    """Host name and machine-id."""
    return socket.gethostname(), text_of("/etc/machine-id").strip()


def version(name: str, path: str | None) -> dict[str, str] | None:
    """The version that a command says it has."""
    if not path:
        return None
    match = VERSION.search(said_by([path, *VERSIONS[name]]))
    return {"version": match[1] if match else "", "path": path}


def api_server(text: str) -> dict[str, str] | None:
    """The version of the API server in the manifest that kubeadm wrote, None where there is none."""
    match = re.search(r"^\s+image: (\S+/kube-apiserver):v?([^\s@]+)", text, re.MULTILINE)
    return {"version": match[2], "path": API_SERVER} if match else None


def pod_network(folder: str = CNI_FOLDER) -> list[str]:
    """Names of the files that CNI plugins have here; pod networks are known by them."""
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []


def resolved(name: str) -> list[str]:
    """Addresses of a name."""
    try:
        answers = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    return list(dict.fromkeys(str(answer[4][0]) for answer in answers))


def host_and_port(target: str) -> tuple[str, int]:
    """host:port, [IPv6]:port."""
    parts = urllib.parse.urlsplit(f"//{target}")
    if not parts.hostname or not parts.port:
        raise ValueError("it is neither a URL nor host:port")
    return parts.hostname, parts.port


class NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirect is an answer; nobody needs the page behind it."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


def reached(target: str, ca: str | None, timeout: float = TIMEOUT) -> dict[str, Any]:
    """Whether a server answers; any HTTP status below 500 is an answer."""
    try:
        if "://" not in target:
            socket.create_connection(host_and_port(target), min(timeout, CONNECT)).close()
            return {"ok": True, "status": None, "error": None}
        context = ssl.create_default_context(cadata=ca or None)
        request = urllib.request.Request(target, headers={"User-Agent": "kubestd.platform"})
        opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=context), NoRedirects)
        with opener.open(request, timeout=timeout) as answer:
            return {"ok": True, "status": answer.status, "error": None}
    except urllib.error.HTTPError as error:
        return {
            "ok": error.code < 500,
            "status": error.code,
            "error": None if error.code < 500 else f"HTTP {error.code}",
        }
    except Exception as error:  # A server may answer anything, and this is one line of a table.
        return {"ok": False, "status": None, "error": str(getattr(error, "reason", None) or error)}


def together(calls: dict[Any, Callable[[], Any]], late: Any, timeout: float) -> dict[Any, Any]:
    """Results of calls made at the same time; `late` for those that take longer (a resolver may take minutes)."""
    results: dict[Any, Any] = {}

    def work(key: Any, call: Callable[[], Any]) -> None:
        results[key] = call()

    threads = [threading.Thread(target=work, args=item, daemon=True) for item in calls.items()]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + timeout
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    known = dict(results)
    return {key: known.get(key, late) for key in calls}


def look(
    commands: Iterable[str] = (),
    resolve: Iterable[str] = (),
    reach: Iterable[str] = (),
    paths: Iterable[str] = ("/var/lib",),
    ca: str | None = None,
) -> dict[str, Any]:
    """Everything about this machine that a decision of the collection needs."""
    search = os.pathsep.join(dict.fromkeys([*SEARCH, *os.environ.get("PATH", "").split(os.pathsep)]))
    where = {name: shutil.which(name, path=search) for name in dict.fromkeys([*COMMANDS, *sorted(commands), *VERSIONS])}
    wanted = {*COMMANDS, *commands}
    release = os.uname().release
    mebibytes, swap = memory(text_of("/proc/meminfo"))
    hostname, machine_id = identity()
    calls: dict[Any, Callable[[], Any]] = {
        **{("resolves", name): partial(resolved, name) for name in resolve},
        **{("reach", target): partial(reached, target, ca) for target in reach},
        **{("installed", name): partial(version, name, where[name]) for name in VERSIONS},
        ("firewalld", ""): lambda: said_by(["systemctl", "is-active", "firewalld"]).strip() == "active",
        ("installed", "kube-apiserver"): lambda: api_server(text_of(API_SERVER)),
    }
    late: dict[str, Any] = {
        "resolves": [],
        "reach": {"ok": False, "status": None, "error": "no answer in time"},
        "installed": None,
        "firewalld": False,
    }
    answers = together(calls, None, TIMEOUT + 1)
    parts: dict[str, dict[str, Any]] = {"resolves": {}, "reach": {}, "installed": {}, "firewalld": {}}
    for (part, name), answer in answers.items():
        parts[part][name] = late[part] if answer is None else answer
    return {
        "os": os_release(text_of("/etc/os-release") or text_of("/usr/lib/os-release")),
        "arch": os.uname().machine,
        "kernel": {"release": release},
        "cgroup": cgroup(),
        "cpus": len(os.sched_getaffinity(0)),
        "memory_mib": mebibytes,
        "disks": [disk(path) for path in dict.fromkeys(paths)],
        "swap_mib": swap,
        "hostname": hostname,
        "machine_id": machine_id,
        "interfaces": interfaces(where["ip"]),
        "ports": ports(),
        "commands": {name: where[name] for name in sorted(wanted)},
        "kernel_features": kernel_features(release),
        "pod_network": pod_network(),
        "systemd": os.path.isdir("/run/systemd/system"),
        "virtualization": virtualization(),
        "selinux": selinux(),
        "firewalld": parts.pop("firewalld")[""],
        "uid": os.geteuid(),
        "python": platform.python_version(),
        **parts,
        # Last, so that it is as near as possible to when the controller gets the answer.
        "clock": {"epoch": time.time()},
    }
