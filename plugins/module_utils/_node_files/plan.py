# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What has to change so that a set of files on this host is as described. Pure: no access to the host."""

from __future__ import annotations

import fnmatch
import hashlib
import posixpath
from dataclasses import dataclass, field
from typing import Any

from .._errors import KubestdError


@dataclass(frozen=True)
class Wanted:
    """One entry of the module's O(files), checked and normalised."""

    path: str
    state: str = "present"  # present | directory | absent
    content: str | None = None
    url: str | None = None
    sha256: str | None = None
    include: tuple[str, ...] = ()  # archive members (glob patterns); empty = not an archive
    mode: int = 0o644
    owner: int = 0
    group: int = 0
    validate: tuple[str, ...] = ()
    sensitive: bool = False
    exclusive: bool = False


@dataclass(frozen=True)
class Found:
    """What stands at a path now; sha256 is None for directories and for what is missing."""

    kind: str = "missing"  # missing | file | directory | empty mount (nothing left that could be removed) | other
    sha256: str | None = None
    mode: int = 0
    owner: int = 0
    group: int = 0
    below: tuple[tuple[str, str], ...] = ()  # (path, kind) of all that is in an exclusive directory, parents first


@dataclass
class Step:
    """One thing to do. what: write | download | extract | mkdir | attributes | remove."""

    what: str
    wanted: Wanted
    found: Found
    paths: list[str] = field(default_factory=list)


def parse_entry(index: int, entry: dict[str, Any]) -> Wanted:
    """Check one entry of O(files); raises KubestdError with a sentence that names the entry."""
    path = entry["path"]
    where = f"files[{index}] ({path})"
    if not posixpath.isabs(path):
        raise KubestdError(f"{where}: the path is not absolute; write it from the root, such as /etc/{path}.")
    has_content, has_url = entry.get("content") is not None, bool(entry.get("url"))
    state = entry.get("state") or "present"
    if state != "present" and (has_content or has_url):
        raise KubestdError(f"{where}: state {state} takes neither content nor url; remove them or use state: present.")
    if state == "present" and has_content == has_url:
        raise KubestdError(f"{where}: give exactly one of content and url.")
    if entry.get("exclusive") and state != "directory":
        raise KubestdError(f"{where}: only a directory can be exclusive; use state: directory or remove exclusive.")
    if has_url and not entry.get("sha256"):
        raise KubestdError(f"{where}: url needs sha256, the digest of what is downloaded from {entry['url']}.")
    sha256 = (entry.get("sha256") or "").removeprefix("sha256:").lower() or None
    if sha256 and (len(sha256) != 64 or set(sha256) - set("0123456789abcdef")):
        raise KubestdError(f"{where}: sha256 {entry['sha256']!r} is not a digest of 64 hexadecimal digits.")
    default_mode = "0755" if state == "directory" or has_url else "0644"
    try:
        mode = int(str(entry.get("mode") or default_mode), 8)
    except ValueError:
        raise KubestdError(
            f"{where}: mode {entry['mode']!r} is not octal; write it as a string such as '0644'."
        ) from None
    return Wanted(
        path=posixpath.normpath(path),
        state=state,
        content=entry.get("content"),
        url=entry.get("url"),
        sha256=sha256,
        include=tuple(entry.get("include") or ()),
        mode=mode,
        validate=tuple(entry.get("validate") or ()),
        sensitive=bool(entry.get("sensitive")),
        exclusive=bool(entry.get("exclusive")),
    )


def parse(entries: list[dict[str, Any]]) -> list[Wanted]:
    """Check all entries together: no path may be described twice (archives share their directory)."""
    wanted = [parse_entry(index, entry) for index, entry in enumerate(entries)]
    seen: set[str] = set()
    for item in wanted:
        if item.include:
            continue
        if item.path in seen:
            raise KubestdError(f"files: {item.path} is described twice; keep one of the entries.")
        seen.add(item.path)
    owned = [item.path for item in wanted if item.exclusive]
    for item in wanted:
        if item.include and any(is_in(item.path, folder) for folder in owned):
            raise KubestdError(
                f"files: members of an archive go to {item.path}, which is exclusive; their names are not known before"
                " they are there. Remove exclusive."
            )
    return wanted


def is_in(path: str, folder: str) -> bool:
    """Whether a path is a folder or anything below it."""
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def not_described(found: Found, wanted: list[Wanted]) -> list[tuple[str, str]]:
    """(path, kind) of what has to leave an exclusive directory; of a folder that leaves, nothing below it is listed."""
    leaving: list[tuple[str, str]] = []
    gone = [item.path for item in wanted if item.state == "absent"]
    for path, kind in found.below:
        if not any(is_in(item.path, path) for item in wanted) and not any(is_in(path, folder) for folder in gone):
            leaving.append((path, kind))
            gone.append(path)
    return leaving


def text_digest(text: str) -> str:
    """sha256 of a text as it is written to disk (UTF-8)."""
    return hashlib.sha256(text.encode()).hexdigest()


def archive_key(wanted: Wanted) -> str:
    """Under which name the record keeps the members of an archive."""
    return f"{wanted.path}<{wanted.sha256}:{','.join(sorted(wanted.include))}"


def member_target(wanted: Wanted, member: str) -> str | None:
    """Where a member of the archive goes (flat into the directory), or None when it is not wanted."""
    name = posixpath.normpath(member)
    if any(fnmatch.fnmatchcase(name, posixpath.normpath(pattern)) for pattern in wanted.include):
        return posixpath.join(wanted.path, posixpath.basename(name))
    return None


def attributes_differ(wanted: Wanted, found: Found) -> bool:
    """Whether mode or ownership of what stands there differs from what is wanted."""
    return (wanted.mode, wanted.owner, wanted.group) != (found.mode, found.owner, found.group)


def make_plan(wanted: list[Wanted], found: dict[str, Found], archives: dict[str, list[str] | None]) -> list[Step]:
    """The steps, in the order of O(files).

    found: what stands at each path. archives: for each archive_key the members' paths when all of them
    are known to be as extracted, else None.
    """
    steps: list[Step] = []
    for item in wanted:
        now = found.get(item.path, Found())
        if item.include:
            if archives.get(archive_key(item)) is None:
                steps.append(Step("extract", item, now))
        elif item.state == "absent":
            if now.kind not in ("missing", "empty mount"):
                steps.append(Step("remove", item, now, [item.path]))
        elif item.state == "directory":
            if now.kind == "missing":
                steps.append(Step("mkdir", item, now, [item.path]))
            elif now.kind not in ("directory", "empty mount"):
                raise KubestdError(f"{item.path}: a {now.kind} stands where a directory belongs; remove it first.")
            elif attributes_differ(item, now):
                steps.append(Step("attributes", item, now, [item.path]))
            for path, kind in not_described(now, wanted) if item.exclusive else ():
                steps.append(Step("remove", Wanted(path, "absent"), Found(kind), [path]))
        elif now.kind in ("directory", "empty mount"):
            raise KubestdError(f"{item.path}: a directory stands where a file belongs; remove it first.")
        else:
            digest = item.sha256 if item.url else text_digest(item.content or "")
            if now.sha256 != digest:
                steps.append(Step("download" if item.url else "write", item, now, [item.path]))
            elif attributes_differ(item, now):
                steps.append(Step("attributes", item, now, [item.path]))
    return steps
