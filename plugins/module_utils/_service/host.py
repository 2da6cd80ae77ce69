# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asking and telling systemd for node_service."""

from __future__ import annotations

import os
import subprocess
import time

from .._errors import KubestdError
from .plan import Action, Found

PROPERTIES = "LoadState,ActiveState,UnitFileState,NeedDaemonReload,ExecMainStartTimestampMonotonic,MainPID"


def newest(paths: list[str]) -> tuple[float, str]:
    """The latest modification among files, and of whole directories' entries."""
    best = (0.0, "")
    for path in paths:
        candidates = [path]
        if os.path.isdir(path):
            candidates += [entry.path for entry in os.scandir(path)]
        for candidate in candidates:
            try:
                best = max(best, (os.stat(candidate).st_mtime, candidate))
            except OSError:
                continue
    return best


def process_start(pid: int, boot: float) -> float:
    """When a process started (seconds since the epoch), 0 when it is gone."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as handle:
            fields = handle.read().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return boot + int(fields[19]) / os.sysconf("SC_CLK_TCK")


def children(pid: int) -> list[int]:
    """Direct children of a process."""
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="utf-8") as handle:
            return [int(child) for child in handle.read().split()]
    except OSError:
        return []


def look(name: str, restart_after: list[str], reload_after: list[str]) -> Found:
    """One call of systemctl and a stat for each file."""
    answer = subprocess.run(
        ["systemctl", "show", name, f"--property={PROPERTIES}"], capture_output=True, text=True, check=False
    )
    if answer.returncode:
        raise KubestdError(f"systemctl show {name} says: {answer.stderr.strip()} (this machine needs systemd)")
    shown = dict(line.split("=", 1) for line in answer.stdout.splitlines() if "=" in line)
    monotonic = int(shown.get("ExecMainStartTimestampMonotonic") or 0) / 1e6
    boot = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
    pid = int(shown.get("MainPID") or 0)
    started = time.time() - time.monotonic() + monotonic if monotonic else 0.0
    processes = [process_start(child, boot) for child in children(pid)] if pid else []
    return Found(
        loaded=shown.get("LoadState") == "loaded",
        active=shown.get("ActiveState") in ("active", "reloading", "activating"),
        enabled=shown.get("UnitFileState") in ("enabled", "enabled-runtime", "static", "alias", "generated"),
        needs_daemon_reload=shown.get("NeedDaemonReload") == "yes",
        started_at=started,
        newest_process_at=max([started, *processes]),
        newest_restart_file=newest(restart_after),
        newest_reload_file=newest(reload_after),
    )


def carry_out(name: str, actions: list[Action]) -> None:
    """Run systemctl for each action; raises KubestdError with the journal's last lines when it fails."""
    for action in actions:
        command = ["systemctl", action.verb] + ([] if action.verb == "daemon-reload" else [name])
        answer = subprocess.run(command, capture_output=True, text=True, check=False)
        if answer.returncode:
            journal = subprocess.run(
                ["journalctl", "-u", name, "-n", "8", "--no-pager", "-o", "cat"],
                capture_output=True,
                text=True,
                check=False,
            )
            raise KubestdError(
                f"Cannot {action.verb} {name}: {answer.stderr.strip()} Its journal ends: {journal.stdout.strip()}"
            )
