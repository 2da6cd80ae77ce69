# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The block at the end of a terminal."""

from __future__ import annotations

import io
import threading
from typing import Any

from ansible_collections.kubestd.platform.plugins.callback.layers import Block
from ansible_collections.kubestd.platform.plugins.module_utils._component.progress import System, step


class Display:
    verbosity = 0

    def __init__(self, stream: io.StringIO) -> None:
        self.stream, self._lock = stream, threading.RLock()

    def display(self, msg: str, **_: Any) -> None:
        self.stream.write(msg + "\n")


def screen(written: str) -> list[str]:
    """What a terminal shows, of the two sequences that the block uses."""
    lines: list[str] = []
    for number, part in enumerate(written.split("\x1b[")):
        if number and part[0] == "J":
            part = part[1:]
        elif number:
            up, part = part.split("F", 1)
            del lines[len(lines) - int(up) :]
        lines += part.splitlines()
    return lines


def test_others_write_above_the_block_and_the_last_drawing_stays() -> None:
    stream = io.StringIO()
    display = Display(stream)
    block = Block(display, stream)
    block.systems = {"harbor": System("harbor", "working"), "argocd": System("argocd")}
    block.draw()
    display.display("[WARNING]: something")
    display.display(step("harbor", "install harbor", 1.0))
    display.display("a diff")
    block.end()
    display.display("PLAY RECAP")
    found = screen(stream.getvalue())
    assert found[:2] == ["[WARNING]: something", "a diff"]
    assert [line.split() for line in found[2:]] == [
        ["working", "harbor", "install", "harbor"],
        ["waiting", "argocd"],
        ["PLAY", "RECAP"],
    ]


def test_with_v_steps_are_lines_as_well() -> None:
    stream = io.StringIO()
    display = Display(stream)
    display.verbosity = 1
    block = Block(display, stream)
    block.systems = {"harbor": System("harbor", "working")}
    display.display(step("harbor", "install harbor", 1.0))
    block.end()
    assert screen(stream.getvalue())[0] == step("harbor", "install harbor", 1.0)
