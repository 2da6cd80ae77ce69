# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading and changing the running kernel for kernel_settings."""

from __future__ import annotations

import os
import subprocess

from .._errors import KubestdError
from .plan import BUILTIN_MARKS, Found, Plan


def read(path: str) -> str:
    """A file's text, empty when there is none."""
    try:
        with open(path, encoding="utf-8") as handle:
            return handle.read()
    except OSError:
        return ""


def sysctl_path(key: str) -> str:
    """Where /proc/sys has a key; a slash in a key stands for itself, as in sysctl(8)."""
    return "/proc/sys/" + (key if "/" in key else key.replace(".", "/"))


def module_state(name: str, listed: str, filesystems: str, builtin: str) -> str:
    """loaded | builtin | missing. A feature of the kernel counts as present even where /sys does not name it."""
    plain = name.replace("-", "_")
    if any(line.split(" ", 1)[0] == plain for line in listed.splitlines()):
        return "loaded"
    mark = BUILTIN_MARKS.get(plain, "")
    if mark.startswith("filesystem:"):
        present = mark.partition(":")[2] in filesystems.split()
    else:
        present = bool(mark) and os.path.exists(mark)
    named = any(os.path.basename(line).partition(".")[0].replace("-", "_") == plain for line in builtin.splitlines())
    return "builtin" if present or named or os.path.isdir(f"/sys/module/{plain}") else "missing"


def look(modules: list[str], sysctls: dict[str, str], modules_file: str, sysctl_file: str, fstab: str) -> Found:
    """Everything the plan needs to know, in a few file reads."""
    listed, filesystems = read("/proc/modules"), read("/proc/filesystems")
    builtin = read(f"/lib/modules/{os.uname().release}/modules.builtin")
    live: dict[str, str | None] = {}
    for key in sysctls:
        live[key] = read(sysctl_path(key)).strip() if os.path.exists(sysctl_path(key)) else None
    swaps = tuple(line.split()[0] for line in read("/proc/swaps").splitlines()[1:])
    states = {name: module_state(name, listed, filesystems, builtin) for name in modules}
    return Found(states, live, swaps, read(fstab), read(modules_file), read(sysctl_file))


def _run(command: list[str], what: str) -> None:
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    if answer.returncode:
        raise KubestdError(f"{what}: {command[0]} says: {(answer.stderr or answer.stdout).strip()}")


def _replace(path: str, text: str) -> None:
    os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
    if not text:
        if os.path.exists(path):
            os.unlink(path)
        return
    with open(f"{path}.kubestd", "w", encoding="utf-8") as handle:
        handle.write(text)
    os.chmod(f"{path}.kubestd", 0o644)
    os.replace(f"{path}.kubestd", path)


def carry_out(plan: Plan, modules_file: str, sysctl_file: str, fstab: str) -> None:
    """Files first, so that a run that dies here is right after the next start of the machine."""
    for path, text in ((modules_file, plan.modules_file), (sysctl_file, plan.sysctl_file), (fstab, plan.fstab)):
        if text is not None:
            _replace(path, text)
    for name in plan.load:
        _run(["modprobe", name], f"Cannot load the kernel module {name} (modules)")
    for key, value in plan.sysctls.items():
        try:
            with open(sysctl_path(key), "w", encoding="utf-8") as handle:
                handle.write(value)
        except OSError as error:
            raise KubestdError(f"Cannot set {key} to {value} (sysctls): {error.strerror}.") from error
    for device in plan.swapoff:
        _run(["swapoff", device], f"Cannot turn off swap on {device} (swap)")
