# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""layers: the default output, and for a layer of the platform the state of all its systems."""

from __future__ import annotations

DOCUMENTATION = r"""
name: layers
type: stdout
short_description: How far all systems of a layer are, while they are worked on
description:
  - Plays about machines are shown as by P(ansible.builtin.default#callback).
  - Of a layer of the platform, a play with the variable C(layer), it shows what matters, a line for each system.
  - "On a terminal the lines stand in a block that is drawn again and again: the state of the system (waiting, working, Healthy, failed, blocked),
    how long it takes so far, and what happens now or what went wrong."
  - Without a terminal, as in CI, it is a line for each step and one at the end of each system, without control characters.
  - With C(-v) all tasks are shown as well.
author:
  - kubestd.platform contributors (@kubestd)
extends_documentation_fragment:
  - ansible.builtin.default_callback
  - ansible.builtin.result_format_callback
requirements:
  - C(stdout_callback = kubestd.platform.layers) in C(ansible.cfg), or E(ANSIBLE_STDOUT_CALLBACK)
"""

import os
import shutil
import sys
import threading
import time
from typing import Any

from ansible import constants as C
from ansible.plugins.callback.default import CallbackModule as Default
from ansible.utils.color import stringc

from ..module_utils._component import progress
from ..module_utils._component.progress import System

ACTION = "kubestd.platform.component"
AGAIN = 0.5  # seconds between two drawings
COLORS = {
    progress.HEALTHY: C.COLOR_OK,
    progress.FAILED: C.COLOR_ERROR,
    progress.BLOCKED: C.COLOR_WARN,
    progress.WORKING: C.COLOR_HIGHLIGHT,
    progress.WAITING: C.COLOR_SKIP,
    "Degraded": C.COLOR_ERROR,
    "Missing": C.COLOR_ERROR,
    "Unknown": C.COLOR_WARN,
    "Progressing": C.COLOR_WARN,
    "would change": C.COLOR_CHANGED,
    "removed": C.COLOR_CHANGED,
    "written": C.COLOR_CHANGED,
}


class Block:
    """Lines at the end of a terminal that are drawn over again. Whoever writes something else lifts them up first."""

    def __init__(self, display: Any, stream: Any) -> None:
        self.display, self.stream = display, stream
        self.systems: dict[str, System] = {}
        self.lines = 0
        self.ended = threading.Event()
        # workers are forks, and have this object, too
        self.process = os.getpid()
        self.write = display.display
        display.display = self.between
        threading.Thread(target=self.keep_drawing, daemon=True).start()

    def between(self, *args: Any, **options: Any) -> None:
        """What is displayed by anybody stands above the block."""
        if os.getpid() != self.process:
            self.write(*args, **options)
            return
        with self.display._lock:
            said = progress.heard(str(args[0] if args else options.get("msg")))
            if said and said[0] in self.systems:
                self.systems[said[0]].text = said[1]
                self.draw()
                if not self.display.verbosity:
                    return
            self.erase()
            self.write(*args, **options)
            self.draw()

    def erase(self) -> None:
        """Take the block away."""
        if self.lines:
            self.stream.write(f"\x1b[{self.lines}F\x1b[J")
            self.lines = 0

    def draw(self) -> None:
        """Draw it as it is now. Ansible forks while it holds the display's lock, so nothing may be left unwritten."""
        with self.display._lock:
            size = shutil.get_terminal_size()
            found = progress.rows(list(self.systems.values()), time.monotonic(), size.columns - 1, size.lines - 2)
            self.erase()
            for text, word in found:
                self.stream.write((stringc(text, COLORS[word]) if word in COLORS else text) + "\n")
            self.lines = len(found)
            self.stream.flush()

    def keep_drawing(self) -> None:
        """Seconds go on."""
        while not self.ended.wait(AGAIN):
            self.draw()

    def end(self) -> None:
        """What is drawn last stays."""
        with self.display._lock:
            self.ended.set()
            self.draw()
            self.lines = 0
            self.display.display = self.write


class CallbackModule(Default):
    """The default output; in plays about a layer, the systems."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "kubestd.platform.layers"

    def __init__(self) -> None:
        super().__init__()
        self.systems: dict[str, System] = {}
        self.block: Block | None = None
        self.empty = False

    def v2_playbook_on_play_start(self, play: Any) -> None:
        self.end()
        layer = play.get_vars().get("layer")
        hosts = play.get_variable_manager().get_vars(play=play)["ansible_play_hosts"] if layer else []
        self.empty = bool(layer) and not hosts and not self._display.verbosity
        if not hosts:
            if not self.empty:
                super().v2_playbook_on_play_start(play)
            return
        self._play = play
        self._display.banner(f"LAYER [{layer}]{' [CHECK MODE]' if play.check_mode else ''}")
        self.systems = {host: System(host) for host in hosts}
        if sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb":
            self.block = Block(self._display, sys.stdout)
            self.block.systems = self.systems
            self.block.draw()

    def v2_playbook_on_no_hosts_matched(self) -> None:
        # most inventories do without some layers
        if not self.empty:
            super().v2_playbook_on_no_hosts_matched()

    def v2_playbook_on_stats(self, stats: Any) -> None:
        self.end()
        super().v2_playbook_on_stats(stats)

    def end(self) -> None:
        """The play about a layer is over."""
        if self.block:
            self.block.end()
        self.block, self.systems = None, {}

    def v2_runner_on_start(self, host: Any, task: Any) -> None:
        system = self.systems.get(host.get_name())
        if system and system.started is None:
            system.started, system.word = time.monotonic(), progress.WORKING
        super().v2_runner_on_start(host, task)

    def done(self, result: Any, failed: bool) -> None:
        """A task of a system is over; the one that carried out the verb, and each that failed, says how it is."""
        system = self.systems[result.host.get_name()]
        if not failed and result.task.action != ACTION:
            return
        check_mode = bool(result.task.check_mode)
        system.word, system.text = progress.outcome(system.name, result.result, failed, check_mode)
        system.seconds = time.monotonic() - (system.started or time.monotonic())
        if not self.block:
            text = f"{system.word}{': ' if system.text else ''}{system.text}"
            line = progress.step(system.name, text, system.seconds)
            self._display.display(line, color=COLORS.get(system.word))
            # a pipe would keep it for minutes
            sys.stdout.flush()

    def quiet(self, result: Any) -> bool:
        """Whether the systems say all that is to be said about a result, but for its warnings."""
        quiet = result.host.get_name() in self.systems and not self._run_is_verbose(result)
        if quiet:
            self._handle_warnings(result.result)
        return quiet

    def v2_runner_on_ok(self, result: Any) -> None:
        if result.host.get_name() in self.systems:
            self.done(result, False)
        if not self.quiet(result):
            super().v2_runner_on_ok(result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        if result.host.get_name() in self.systems:
            self.done(result, True)
        if not self.quiet(result):
            super().v2_runner_on_failed(result, ignore_errors)

    def v2_runner_on_skipped(self, result: Any) -> None:
        if not self.quiet(result):
            super().v2_runner_on_skipped(result)

    def v2_playbook_on_include(self, included_file: Any) -> None:
        if not self.systems or self._display.verbosity:
            super().v2_playbook_on_include(included_file)
