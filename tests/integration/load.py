# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What runs beside a playbook: ten requests a second to the API server, and a look at every command line."""

from __future__ import annotations

import contextlib
import itertools
import os
import ssl
import threading
import time
import urllib.request
from pathlib import Path
from types import TracebackType


class Load:
    """errors: (second, what went wrong) of every lost request, with when it was sent."""

    def __init__(self, endpoint: str, rate: float = 10.0, timeout: float = 2.0) -> None:
        self.url, self.rate, self.timeout = f"{endpoint}/version", rate, timeout
        self.count = 0
        self.errors: list[tuple[float, str]] = []
        self._stop = threading.Event()
        self._context = ssl._create_unverified_context()
        self._thread = threading.Thread(target=self._run)
        self._start = time.monotonic()

    def _ask(self, sent: float) -> None:
        try:
            with urllib.request.urlopen(self.url, timeout=self.timeout, context=self._context) as answer:
                answer.read()
        except OSError as error:
            self.errors.append((round(sent - self._start, 2), str(error)))

    def _run(self) -> None:
        asking: list[threading.Thread] = []
        while not self._stop.wait(1 / self.rate):
            self.count += 1
            asking.append(threading.Thread(target=self._ask, args=(time.monotonic(),)))
            asking[-1].start()
        for thread in asking:
            thread.join()

    def outage(self) -> float:
        """Seconds during which requests were sent that got lost."""
        if not self.errors:
            return 0.0
        times = [when for when, _ in self.errors]
        return max(times) - min(times) + 1 / self.rate

    def __enter__(self) -> Load:
        self._start = time.monotonic()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()


class Watch(threading.Thread):
    """Every command line that exists on this machine, in containers too, while something runs.

    A process is looked at often while it is young, since it begins with the command line of its parent, and all of them once a second.
    """

    EVERY, YOUNG, ALL = 0.02, 10, 50

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.commands: set[str] = set()
        self.over = threading.Event()

    def run(self) -> None:
        looks: dict[str, int] = {}
        for number in itertools.count():
            if self.over.wait(self.EVERY):
                return
            there = [name for name in os.listdir("/proc") if name.isdigit()]
            looks = {name: looks.get(name, 0) + 1 for name in there}
            for name in there:
                if looks[name] <= self.YOUNG or number % self.ALL == 0:
                    with contextlib.suppress(OSError):
                        said = Path(f"/proc/{name}/cmdline").read_bytes()
                        self.commands.add(said.replace(b"\0", b" ").decode(errors="replace"))

    def __enter__(self) -> Watch:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.join()
