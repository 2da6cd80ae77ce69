# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kernel modules, sysctls and swap as wanted. Pure: no access to the host."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from .._errors import KubestdError

#: What shows that a feature is in the kernel although no module of that name is listed (checked on Linux 5.10 to 6.18).
BUILTIN_MARKS = {
    "br_netfilter": "/proc/sys/net/bridge",
    "nf_conntrack": "/proc/sys/net/netfilter/nf_conntrack_max",
    "overlay": "filesystem:overlay",
}
NAME = re.compile(r"^[A-Za-z0-9_-]+$")
SYSCTL = re.compile(r"^[a-z0-9_-]+([./][A-Za-z0-9_-]+)+$")


@dataclass(frozen=True)
class Found:
    """What the host has. modules: loaded | builtin | missing; sysctls: live value, None when the key does not exist."""

    modules: dict[str, str]
    sysctls: dict[str, str | None]
    swaps: tuple[str, ...]
    fstab: str
    modules_file: str
    sysctl_file: str


@dataclass
class Plan:
    """load and sysctls act on the running kernel; the texts are None when the file already is as wanted."""

    load: list[str] = field(default_factory=list)
    sysctls: dict[str, str] = field(default_factory=dict)
    swapoff: list[str] = field(default_factory=list)
    fstab: str | None = None
    modules_file: str | None = None
    sysctl_file: str | None = None

    @property
    def changed(self) -> bool:
        """Whether anything has to be done."""
        return bool(self.load or self.sysctls or self.swapoff) or any(
            text is not None for text in (self.fstab, self.modules_file, self.sysctl_file)
        )


def normalise(value: str) -> str:
    """A sysctl's value without the kernel's choice of white space."""
    return " ".join(str(value).split())


def check(modules: list[str], sysctls: dict[str, str]) -> None:
    """Refuse names that cannot be names; raises KubestdError."""
    for name in modules:
        if not NAME.match(name):
            raise KubestdError(f"modules: {name!r} is not the name of a kernel module; write it like br_netfilter.")
    for key in sysctls:
        if not SYSCTL.match(key):
            raise KubestdError(f"sysctls: {key!r} is not the name of a sysctl; write it like net.ipv4.ip_forward.")


def without_swap(fstab: str) -> str:
    """The text of fstab with its swap lines commented out."""
    lines = []
    for line in fstab.splitlines(keepends=True):
        fields = line.split()
        is_swap = len(fields) > 2 and not line.lstrip().startswith("#") and fields[2] == "swap"
        lines.append(f"# {line}" if is_swap else line)
    return "".join(lines)


def make_plan(modules: list[str], sysctls: dict[str, str], swap_off: bool, found: Found) -> Plan:
    """What to do; raises KubestdError for a sysctl that this kernel does not have and no module of the list would bring."""
    plan = Plan()
    plan.load = [name for name in modules if found.modules[name] == "missing"]
    for key, value in sorted(sysctls.items()):
        live = found.sysctls[key]
        if live is None and not plan.load:
            raise KubestdError(
                f"sysctls: this kernel has no {key}; take it out of the list or add the module that brings it."
            )
        if live is None or normalise(live) != normalise(value):
            plan.sysctls[key] = normalise(value)
    modules_text = "".join(f"{name}\n" for name in modules)
    sysctl_text = "".join(f"{key} = {normalise(value)}\n" for key, value in sorted(sysctls.items()))
    plan.modules_file = modules_text if modules_text != found.modules_file else None
    plan.sysctl_file = sysctl_text if sysctl_text != found.sysctl_file else None
    if swap_off:
        plan.swapoff = list(found.swaps)
        quiet = without_swap(found.fstab)
        plan.fstab = quiet if quiet != found.fstab else None
    return plan
