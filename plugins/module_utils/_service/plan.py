# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A systemd service as wanted. Pure: no access to the host."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Found:
    """What systemd and the file system say; times are seconds since the epoch, 0 when unknown."""

    loaded: bool = False
    active: bool = False
    enabled: bool = False
    needs_daemon_reload: bool = False
    started_at: float = 0.0
    newest_process_at: float = 0.0
    newest_restart_file: tuple[float, str] = (0.0, "")
    newest_reload_file: tuple[float, str] = (0.0, "")


@dataclass(frozen=True)
class Wanted:
    """state: started | stopped | unmanaged."""

    name: str
    state: str
    enabled: bool


@dataclass(frozen=True)
class Action:
    """A verb of systemctl and why it is needed."""

    verb: str
    why: str


def make_plan(wanted: Wanted, found: Found, files_will_change: bool = False) -> list[Action]:
    """The verbs of systemctl in order. files_will_change: check mode, in which an earlier task would have written them."""
    actions: list[Action] = []
    name = wanted.name
    if not found.loaded and wanted.state == "stopped":
        return actions
    if found.needs_daemon_reload:
        actions.append(Action("daemon-reload", f"the unit file of {name} has changed"))
    if wanted.enabled != found.enabled and (found.loaded or wanted.enabled):
        actions.append(
            Action(
                "enable" if wanted.enabled else "disable",
                f"{name} {'does not start' if wanted.enabled else 'starts'} with the machine",
            )
        )
    if wanted.state == "stopped" and found.active:
        actions.append(Action("stop", f"{name} is running"))
    elif wanted.state == "started" and not found.active:
        actions.append(Action("start", f"{name} is not running"))
    elif wanted.state == "started" and found.newest_restart_file[0] > found.started_at:
        actions.append(Action("restart", f"{found.newest_restart_file[1]} is newer than the running {name}"))
    elif wanted.state == "started" and found.newest_reload_file[0] > found.newest_process_at:
        actions.append(
            Action("reload", f"{found.newest_reload_file[1]} is newer than what the running {name} has read")
        )
    elif wanted.state == "started" and files_will_change:
        actions.append(Action("restart", f"files of {name} change"))
    return actions
