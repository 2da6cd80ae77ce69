# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""node_service: a service runs with the files it has been given, also after a run that was killed in between."""

from __future__ import annotations

import pytest
from ansible_collections.kubestd.platform.plugins.module_utils._service.plan import Found, Wanted, make_plan

RUNNING = {"loaded": True, "active": True, "enabled": True, "started_at": 100.0, "newest_process_at": 100.0}
START = Wanted("x", "started", True)


@pytest.mark.parametrize(
    ("wanted", "found", "verbs"),
    [
        (START, Found(), ["enable", "start"]),
        (START, Found(**RUNNING), []),
        (START, Found(**{**RUNNING, "active": False}), ["start"]),
        (START, Found(**{**RUNNING, "enabled": False}), ["enable"]),
        (START, Found(**RUNNING, needs_daemon_reload=True), ["daemon-reload"]),
        (START, Found(**RUNNING, newest_restart_file=(101.0, "/f")), ["restart"]),
        (START, Found(**RUNNING, newest_restart_file=(99.0, "/f")), []),
        (START, Found(**{**RUNNING, "active": False}, newest_restart_file=(101.0, "/f")), ["start"]),
        (START, Found(**RUNNING, newest_reload_file=(101.0, "/f")), ["reload"]),
        (START, Found(**{**RUNNING, "newest_process_at": 102.0}, newest_reload_file=(101.0, "/f")), []),
        (START, Found(**RUNNING, newest_restart_file=(101.0, "/f"), newest_reload_file=(101.0, "/g")), ["restart"]),
        (Wanted("x", "stopped", False), Found(), []),
        (Wanted("x", "stopped", False), Found(**RUNNING), ["disable", "stop"]),
        (Wanted("x", "unmanaged", True), Found(), ["enable"]),
        (Wanted("x", "unmanaged", True), Found(**{**RUNNING, "active": False}), []),
    ],
)
def test_the_verbs_follow_from_what_is_found(wanted: Wanted, found: Found, verbs: list[str]) -> None:
    assert [action.verb for action in make_plan(wanted, found)] == verbs


def test_check_mode_counts_files_that_an_earlier_task_would_write() -> None:
    assert [action.verb for action in make_plan(START, Found(**RUNNING), files_will_change=True)] == ["restart"]


def test_a_reason_names_the_file() -> None:
    (action,) = make_plan(START, Found(**RUNNING, newest_restart_file=(101.0, "/etc/x.toml")))
    assert action.why == "/etc/x.toml is newer than the running x"
