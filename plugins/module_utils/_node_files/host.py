# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading and changing files on this host for node_files."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import ssl
import stat
import subprocess
import tarfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from .._errors import KubestdError
from .plan import Found, Step, Wanted, archive_key, member_target, text_digest

CHUNK = 1 << 20
ATTEMPTS = 4


def file_digest(path: str) -> str:
    """sha256 of a file's bytes."""
    digest = hashlib.sha256()
    with open(path, "rb") as handle:
        while chunk := handle.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


class Record:
    """Digests of large files by (size, mtime, inode), so that an unchanged file is not read again.

    Losing it costs time, never correctness: what it does not know is hashed again.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.data: dict[str, Any] = {"files": {}, "archives": {}}
        self.changed = False
        with contextlib.suppress(OSError, ValueError), open(path) as handle:
            loaded = json.load(handle)
            if isinstance(loaded, dict) and {"files", "archives"} <= loaded.keys():
                self.data = loaded

    def digest(self, path: str) -> str:
        """The digest of a file, from the record when its stat has not changed."""
        identity = self._identity(path)
        known = self.data["files"].get(path)
        if known and known[1:] == identity:
            return str(known[0])
        return self.remember(path, file_digest(path))

    def remember(self, path: str, digest: str) -> str:
        """Note the digest of a file just written or hashed."""
        self.data["files"][path] = [digest, *self._identity(path)]
        self.changed = True
        return digest

    def archive_members(self, key: str, wanted: Wanted) -> list[str] | None:
        """The members of an archive when all of them still are as extracted, else None."""
        members = self.data["archives"].get(key)
        if not members:
            return None
        for path, digest in members.items():
            try:
                info = os.stat(path)
                if stat.S_IMODE(info.st_mode) != wanted.mode or self.digest(path) != digest:
                    return None
            except OSError:
                return None
        return list(members)

    def remember_archive(self, key: str, members: dict[str, str]) -> None:
        """Note what an archive brought; members of older archives at the same paths are forgotten."""
        for other, known in list(self.data["archives"].items()):
            if other != key and known.keys() & members.keys():
                del self.data["archives"][other]
        self.data["archives"][key] = members
        self.changed = True

    def save(self) -> None:
        """Write the record if anything new is in it."""
        if not self.changed:
            return
        os.makedirs(os.path.dirname(self.path), mode=0o755, exist_ok=True)
        temporary = f"{self.path}.tmp"
        with open(temporary, "w") as handle:
            json.dump(self.data, handle, indent=1, sort_keys=True)
        os.replace(temporary, self.path)

    @staticmethod
    def _identity(path: str) -> list[int]:
        info = os.stat(path)
        return [info.st_size, info.st_mtime_ns, info.st_ino]


def all_below(path: str) -> tuple[tuple[str, str], ...]:
    """(path, kind) of everything in a directory, parents first; links are not followed."""
    entries = sorted(os.scandir(path), key=lambda entry: entry.name)
    found: list[tuple[str, str]] = []
    for entry in entries:
        is_folder = entry.is_dir(follow_symlinks=False)
        found.append((entry.path, "directory" if is_folder else "file"))
        found += all_below(entry.path) if is_folder else ()
    return tuple(found)


def look(path: str, record: Record, large: bool, exclusive: bool = False) -> Found:
    """What stands at a path; digests of large files come from the record."""
    try:
        info = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return Found()
    if stat.S_ISDIR(info.st_mode):
        emptied = os.path.ismount(path) and not os.listdir(path)
        kind, digest = "empty mount" if emptied else "directory", None
    elif stat.S_ISREG(info.st_mode):
        kind, digest = "file", record.digest(path) if large else file_digest(path)
    else:
        kind, digest = "other", None
    below = all_below(path) if exclusive and kind == "directory" else ()
    return Found(kind, digest, stat.S_IMODE(info.st_mode), info.st_uid, info.st_gid, below)


def read_text(path: str) -> str:
    """The text of a file for a diff; empty when there is none or it is not text."""
    try:
        with open(path, encoding="utf-8") as handle:
            return handle.read()
    except (OSError, UnicodeDecodeError):
        return ""


@contextlib.contextmanager
def only_one(lock: str) -> Iterator[None]:
    """Two runs on one host take turns."""
    os.makedirs(os.path.dirname(lock), mode=0o755, exist_ok=True)
    with open(lock, "w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def temporary_name(path: str) -> str:
    """Same directory, one fixed name: what a killed run leaves is overwritten by the next."""
    return os.path.join(os.path.dirname(path), f".{os.path.basename(path)}.kubestd")


def download(wanted: Wanted, target: str, context: ssl.SSLContext | None, timeout: float) -> None:
    """Fetch O(files[].url) to target and check its digest; retried, as networks are."""
    problem = ""
    for attempt in range(ATTEMPTS):
        if attempt:
            time.sleep(2 ** (attempt - 1))
        digest = hashlib.sha256()
        try:
            opened = urllib.request.urlopen(wanted.url or "", timeout=timeout, context=context)
            with opened as answer, open(target, "wb") as handle:
                while chunk := answer.read(CHUNK):
                    digest.update(chunk)
                    handle.write(chunk)
        except urllib.error.HTTPError as error:
            problem = f"the server answered {error.code} {error.reason}"
            if error.code in (401, 403, 404):
                break
            continue
        except (OSError, ValueError) as error:
            problem = str(getattr(error, "reason", error))
            continue
        if digest.hexdigest() == wanted.sha256:
            return
        problem = f"its sha256 is {digest.hexdigest()}, wanted is {wanted.sha256}"
    with contextlib.suppress(OSError):
        os.unlink(target)
    raise KubestdError(f"Cannot download {wanted.url} for {wanted.path}: {problem}.")


def place(source: str, wanted: Wanted, path: str) -> None:
    """Give a temporary file its attributes and put it in place in one step."""
    os.chown(source, wanted.owner, wanted.group)
    os.chmod(source, wanted.mode)
    os.replace(source, path)


def check_with(wanted: Wanted, path: str, check_mode: bool) -> None:
    """Ask the program that will read the file whether it is valid."""
    if not wanted.validate or (check_mode and not shutil.which(wanted.validate[0])):
        return
    command = [part.replace("%s", path) for part in wanted.validate]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    if answer.returncode:
        output = (answer.stderr + answer.stdout).strip().replace(path, wanted.path)
        raise KubestdError(
            f"{wanted.path} would not be valid, nothing was changed: {wanted.validate[0]} says: {output}"
        )


def write(wanted: Wanted, check_mode: bool) -> None:
    """Write a text beside its place, validate it, and move it there."""
    directory = os.path.dirname(wanted.path)
    if check_mode and not os.path.isdir(directory):
        return
    os.makedirs(directory, mode=0o755, exist_ok=True)
    if check_mode and not wanted.validate:
        return
    temporary = temporary_name(wanted.path)
    with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as handle:
        handle.write(wanted.content or "")
    try:
        check_with(wanted, temporary, check_mode)
        if not check_mode:
            place(temporary, wanted, wanted.path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)


def extract(wanted: Wanted, archive: str, record: Record) -> list[str]:
    """Bring the wanted members of an archive into its directory; returns the paths that changed."""
    changed, members = [], {}
    with tarfile.open(archive) as bundle:
        for member in bundle:
            path = member_target(wanted, member.name) if member.isreg() else None
            source = bundle.extractfile(member) if path else None
            if path is None or source is None:
                continue
            temporary = temporary_name(path)
            with open(temporary, "wb") as handle:
                shutil.copyfileobj(source, handle, CHUNK)
            members[path] = file_digest(temporary)
            now = look(path, record, large=True)
            if now.sha256 == members[path] and now.mode == wanted.mode:
                os.unlink(temporary)
            else:
                place(temporary, wanted, path)
                changed.append(path)
            record.remember(path, members[path])
    if not members:
        raise KubestdError(f"{wanted.url} has no member that matches {', '.join(wanted.include)} (files[].include).")
    record.remember_archive(archive_key(wanted), members)
    return changed


def remove(path: str) -> None:
    """Remove a file or a whole directory; of a mount point only what is in it."""
    if not os.path.isdir(path) or os.path.islink(path):
        os.unlink(path)
    elif os.path.ismount(path):
        for entry in os.scandir(path):
            remove(entry.path)
    else:
        shutil.rmtree(path)


def carry_out(steps: list[Step], record: Record, ca: str | None, timeout: float, check_mode: bool) -> list[str]:
    """Do what the plan says; in check mode only what can be validated without a change. Returns changed paths."""
    downloads: dict[int, str] = {}
    if not check_mode:
        downloads = _download_all(steps, ca, timeout)
    changed: list[str] = []
    for number, step in enumerate(steps):
        wanted = step.wanted
        if step.what == "write":
            write(wanted, check_mode)
        elif check_mode:
            pass
        elif step.what == "download":
            place(downloads[number], wanted, wanted.path)
            record.remember(wanted.path, wanted.sha256 or "")
        elif step.what == "extract":
            step.paths = extract(wanted, downloads[number], record)
            os.unlink(downloads[number])
        elif step.what == "mkdir":
            os.makedirs(wanted.path, mode=0o755, exist_ok=True)
            os.chmod(wanted.path, wanted.mode)
        elif step.what == "attributes":
            os.chown(wanted.path, wanted.owner, wanted.group)
            os.chmod(wanted.path, wanted.mode)
        elif step.what == "remove":
            remove(wanted.path)
        changed.extend(step.paths or [wanted.path] if check_mode else step.paths)
    return changed


def _download_all(steps: list[Step], ca: str | None, timeout: float) -> dict[int, str]:
    """All downloads of the plan side by side, each checked, none in place yet."""
    jobs: dict[int, str] = {}
    for number, step in enumerate(steps):
        if step.what in ("download", "extract"):
            wanted = step.wanted
            directory = wanted.path if wanted.include else os.path.dirname(wanted.path)
            os.makedirs(directory, mode=0o755, exist_ok=True)
            name = f"archive-{(wanted.sha256 or '')[:12]}" if wanted.include else os.path.basename(wanted.path)
            jobs[number] = temporary_name(os.path.join(directory, name))
    if not jobs:
        return jobs
    context = ssl.create_default_context(cadata=ca) if ca else None
    with ThreadPoolExecutor(max_workers=4) as pool:
        futures = [pool.submit(download, steps[number].wanted, jobs[number], context, timeout) for number in jobs]
        for future in futures:
            future.result()
    return jobs


def diff_of(step: Step) -> dict[str, str]:
    """Before and after for Ansible's --diff; texts as they are, the rest by digest and attributes."""
    wanted, found = step.wanted, step.found
    header = {"before_header": wanted.path, "after_header": wanted.path}
    if step.what == "write" and wanted.sensitive:
        return {**header, "before": "(not shown)\n" if found.sha256 else "", "after": "(not shown, new content)\n"}
    if step.what == "write":
        return {**header, "before": read_text(wanted.path) if found.sha256 else "", "after": wanted.content or ""}
    if step.what in ("download", "extract"):
        before = f"sha256 {found.sha256}\n" if found.sha256 else ""
        return {**header, "before": before, "after": f"sha256 {wanted.sha256} from {wanted.url}\n"}
    if step.what == "remove":
        return {**header, "before": f"{found.kind}\n", "after": "absent\n"}
    before = "" if found.kind == "missing" else f"mode {found.mode:04o} owner {found.owner}:{found.group}\n"
    return {**header, "before": before, "after": f"mode {wanted.mode:04o} owner {wanted.owner}:{wanted.group}\n"}


__all__ = ["Record", "carry_out", "diff_of", "look", "only_one", "text_digest"]
