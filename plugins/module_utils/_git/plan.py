# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a folder of a repository still needs to be as another folder. Pure: files come in as digests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import NamedTuple

from .._errors import KubestdError


class File(NamedTuple):
    """A file that is to change."""

    path: str
    action: str  # created, changed or deleted


@dataclass(frozen=True)
class Plan:
    """Files in the order of their paths."""

    files: tuple[File, ...] = ()

    @property
    def changed(self) -> bool:
        """Whether there is anything to commit."""
        return bool(self.files)

    @property
    def summary(self) -> str:
        """How many files, in words."""
        counts = {
            action: sum(one.action == action for one in self.files) for action in ("created", "changed", "deleted")
        }
        return ", ".join(f"{count} {action}" for action, count in counts.items() if count) or "nothing"


def folder_of(path: str, depth: int) -> tuple[str, ...]:
    """The folder of that depth in which a file is; of a file that is not so deep, the file itself."""
    return PurePosixPath(path).parts[:depth]


def make_plan(existing: Mapping[str, str], wanted: Mapping[str, str], whole_below: int = 0) -> Plan:
    """whole_below: a folder of that depth is as wanted, or is not spoken of at all; 0 for all of it."""
    spoken_of = {folder_of(path, whole_below) for path in wanted}
    found = [
        File(path, "changed" if path in existing else "created")
        for path, sha in wanted.items()
        if existing.get(path) != sha
    ]
    found += [
        File(path, "deleted") for path in existing if path not in wanted and folder_of(path, whole_below) in spoken_of
    ]
    return Plan(tuple(sorted(found)))


def checked_path(path: str) -> str:
    """A folder in the repository. Raises KubestdError for one that leads out of it."""
    parts = PurePosixPath(path).parts
    if not path or path.startswith("/") or ".." in parts or ".git" in parts or parts == ():
        raise KubestdError(f"path is {path!r}; write a folder in the repository, such as clusters/production.")
    return "/".join(parts)


def checked_repository(repository: str) -> str:
    """An address without a password. Raises KubestdError."""
    scheme, found, rest = repository.partition("://")
    login = rest.partition("/")[0].rpartition("@")[0] if found else ""
    if ":" in login:
        raise KubestdError(
            f"repository has a password in it ({scheme}://…@{rest.partition('@')[2]}); take it out, and let git have it from a"
            " credential helper or use SSH."
        )
    return repository
