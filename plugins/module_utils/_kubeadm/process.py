# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Running programs on the node: kubeadm with its configuration through an anonymous file, one at a time; systemctl."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from typing import BinaryIO

from .._errors import KubestdError
from .config import without_secrets

LOCK = "/run/kubestd-kubeadm.lock"
PATHS = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def programs(name: str) -> list[int]:
    """Process ids of a running program; the kernel keeps the first 15 characters of its name."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/comm", encoding="utf-8") as handle:
                    if handle.read().rstrip("\n") == name[:15]:
                        found.append(int(entry))
            except OSError:
                continue
    return found


FLAG = re.compile(r"^    - (--\S.*)$", re.MULTILINE)


def has_arguments(pid: int, manifest: str) -> bool:
    """Whether a process was started with the flags of a static pod's manifest, as far as they stand there unquoted."""
    try:
        with open(f"/proc/{pid}/cmdline", encoding="utf-8", errors="replace") as handle:
            given = set(handle.read().split("\0"))
    except OSError:
        return False
    return all(flag in given for flag in FLAG.findall(manifest) if "'" not in flag and '"' not in flag)


@contextlib.contextmanager
def one_at_a_time(timeout: float, path: str = LOCK) -> Iterator[BinaryIO]:
    """Hold the node's kubeadm lock.

    A kubeadm that outlived its Ansible run has inherited the lock, so this waits for its end.
    """
    until = time.monotonic() + timeout
    with open(path, "ab") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                running = programs("kubeadm")
                if not running:
                    break
                fcntl.flock(lock, fcntl.LOCK_UN)
            except BlockingIOError:
                running = programs("kubeadm")
            if time.monotonic() > until:
                who = f"kubeadm (process {', '.join(map(str, running))})" if running else "another run"
                raise KubestdError(
                    f"{who} still works on this node after {timeout:.0f} s. Wait for its end, or end it, and run again."
                )
            time.sleep(0.3)
        yield lock


def memory_file(name: str, content: str = "") -> int:
    """An anonymous file that exists in memory only, at its beginning."""
    number = os.memfd_create(name)
    os.write(number, content.encode())
    os.lseek(number, 0, os.SEEK_SET)
    return number


def kubeadm(
    path: str,
    arguments: list[str],
    document: str,
    timeout: float,
    lock: BinaryIO | None = None,
    environment: dict[str, str] | None = None,
) -> str:
    """Run kubeadm with a configuration on its standard input and return what it printed.

    Its output goes to memory, not to a pipe: when Ansible is killed, kubeadm finishes what it has begun.
    Raises KubestdError with what it said, secrets hidden.
    """
    full = [path, *arguments]
    name = " ".join(argument for argument in arguments if not argument.startswith("-") and not argument.startswith("/"))
    read, written = memory_file("configuration", document), memory_file("output")
    try:
        merged = {**os.environ, "PATH": f"{os.environ.get('PATH', '')}:{PATHS}", **(environment or {})}
        try:
            process = subprocess.Popen(
                full,
                stdin=read,
                stdout=written,
                stderr=written,
                pass_fds=(lock.fileno(),) if lock else (),
                start_new_session=True,
                env=merged,
            )
        except OSError as error:
            raise KubestdError(
                f"Cannot run {path}: {error.strerror}. Install kubeadm there, or set the option kubeadm to where it is."
            ) from error
        try:
            status = process.wait(timeout)
        except subprocess.TimeoutExpired:
            status = None
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        output = os.pread(written, os.fstat(written).st_size, 0).decode("utf-8", "replace")
    finally:
        os.close(read)
        os.close(written)
    if status != 0:
        how = f"did not end within {timeout:.0f} s" if status is None else f"failed ({status})"
        raise KubestdError(f"kubeadm {name} {how}. It says: {tail(without_secrets(output))}")
    return output


LOG_LINE = re.compile(r"^[IWEF]\d{4} [\d:.]+ ")


def tail(output: str, lines: int = 12, width: int = 300) -> str:
    """What matters of kubeadm's output: the failed checks and the error if it names them, otherwise its last lines."""
    kept = [line.strip() for line in output.splitlines() if line.strip() and "--v=5" not in line]
    kept = [line for line in kept if not LOG_LINE.match(line)] or kept
    errors = [line for line in kept if line.startswith(("[ERROR ", "error:", "error execution"))]
    shown = [line if len(line) <= width else line[:width] + "…" for line in (errors or kept)[-lines:]]
    return " | ".join(shown)


def systemctl(*arguments: str) -> int:
    """Run systemctl and return its status."""
    try:
        return subprocess.run(["systemctl", *arguments], capture_output=True, check=False, timeout=120).returncode
    except (OSError, subprocess.TimeoutExpired):
        return 1


def kubelet_runs() -> bool:
    """Whether systemd runs the kubelet."""
    return systemctl("is-active", "--quiet", "kubelet") == 0
