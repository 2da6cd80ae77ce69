# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bring a folder of a Git repository to its description, in one commit: in a checkout that is here, or in a clone that is pushed."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from typing import Any

from .._errors import KubestdError
from . import plan

SHOWN = 20000  # bytes of a file that a diff shows
# What git says, and what an operator does about it.
EXPLAINED = (
    ("non-fast-forward", "somebody has pushed meanwhile; run it again"),
    ("fetch first", "somebody has pushed meanwhile; run it again"),
    ("could not read Username", "it asks for a login; give git a credential helper, or use SSH"),
    ("Permission denied", "the login was refused; check the key and who may write"),
    ("protected branch", "the branch is protected; write to another, and open a merge request"),
)


class Repository:
    """A repository as the options of the module git_tree describe it."""

    def __init__(self, options: dict[str, Any]) -> None:
        self.options = options
        self.address = plan.checked_repository(str(options["repository"]))
        self.branch, self.path = str(options["branch"]), plan.checked_path(str(options["path"]))
        self.git = shutil.which(options.get("git") or "git")
        if not self.git:
            raise KubestdError(
                f"{options.get('git') or 'git'} is not on this machine's PATH; install git, or name it in git."
            )
        local = os.path.expanduser(self.address)
        self.checkout = (
            os.path.isdir(local) and self.call(local, "rev-parse", "--is-inside-work-tree", fails=True) == "true"
        )
        if os.path.isdir(local):
            self.address = os.path.abspath(local)

    def call(self, folder: str, *arguments: str, fails: bool = False) -> str:
        """Run git; what it says. Raises KubestdError with its last words."""
        name, email = self.options["author_name"], self.options["author_email"]
        people = {
            f"GIT_{who}_{what}": text
            for who in ("AUTHOR", "COMMITTER")
            for what, text in (("NAME", name), ("EMAIL", email))
        }
        command = [str(self.git), "-C", folder, "-c", "core.autocrlf=false", "-c", "core.quotePath=false", *arguments]
        done = subprocess.run(
            command,
            capture_output=True,
            check=False,
            stdin=subprocess.DEVNULL,
            env={**os.environ, **people, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"},
        )
        out, err = done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace")
        if done.returncode and not fails:
            words = " ".join((err or out).split())[-600:]
            cause = next((f" ({said})" for pattern, said in EXPLAINED if pattern in words), "")
            raise KubestdError(f"git {arguments[0]} of {self.address} failed: {words}{cause}")
        return out.strip()

    def run(self, check_mode: bool) -> dict[str, Any]:
        """The result of the module."""
        if self.checkout:
            return self.bring(self.own(), check_mode, push=False)
        with tempfile.TemporaryDirectory(prefix="kubestd-git-") as folder:
            return self.bring(self.clone(folder), check_mode, push=True)

    def own(self) -> str:
        """The checkout, when nobody works on what is to be written."""
        top = self.call(self.address, "rev-parse", "--show-toplevel")
        branch = self.call(top, "symbolic-ref", "--short", "HEAD", fails=True)
        if branch != self.branch:
            raise KubestdError(
                f"{top} is on {branch or 'no branch'}, and branch is {self.branch}; check that out, or name the other."
            )
        dirty = self.call(top, "status", "--porcelain", "--", self.path)
        if dirty:
            raise KubestdError(
                f"{self.path} of {top} has changes that are not committed ({dirty.splitlines()[0].strip()}); commit or drop them."
            )
        return top

    def clone(self, folder: str) -> str:
        """A clone of the branch, or a repository that begins it."""
        top = os.path.join(folder, "repository")
        if self.call(folder, "ls-remote", "--heads", self.address, f"refs/heads/{self.branch}"):
            self.call(folder, "clone", "--quiet", "--single-branch", "--branch", self.branch, self.address, top)
        else:
            self.call(folder, "init", "--quiet", "--initial-branch", self.branch, top)
            self.call(top, "remote", "add", "origin", self.address)
        return top

    def bring(self, top: str, check_mode: bool, push: bool) -> dict[str, Any]:
        """Compare, and write, commit and push what differs."""
        target = os.path.join(top, *self.path.split("/"))
        existing, wanted = contents(target), contents(str(self.options["source"]))
        if not wanted:
            raise KubestdError(f"source {self.options['source']} has no files; nothing is taken away for that.")
        made = plan.make_plan(digests(existing), digests(wanted), int(self.options["whole_below"]))
        commit = ""
        if made.changed and not check_mode:
            for one in made.files:
                write(os.path.join(target, *one.path.split("/")), wanted.get(one.path))
            # charts may have names that the repository ignores
            self.call(top, "add", "--all", "--force", "--", self.path)
            message = self.options["commit_message"] or f"{self.path}: {made.summary}"
            self.call(top, "commit", "--quiet", "--message", message, "--", self.path)
            commit = self.call(top, "rev-parse", "HEAD")
            if push:
                self.call(top, "push", "--quiet", "origin", f"HEAD:refs/heads/{self.branch}")
        return {
            "changed": made.changed,
            "files": [one._asdict() for one in made.files],
            "commit": commit,
            "pushed": bool(commit) and push,
            "message": made.summary,
            "diff": {"before": shown(made, existing, "created"), "after": shown(made, wanted, "deleted")},
        }


def contents(folder: str) -> dict[str, bytes]:
    """All files below a folder by their path in it. Raises KubestdError for links, which may lead anywhere."""
    found = {}
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name != ".git")
        for name in (*folders, *sorted(names)):
            path = os.path.join(place, name)
            if os.path.islink(path):
                raise KubestdError(f"{path} is a link; take it out of the folder, which is written as a whole.")
            if name in names:
                with open(path, "rb") as handle:
                    found[os.path.relpath(path, folder).replace(os.sep, "/")] = handle.read()
    return found


def digests(files: dict[str, bytes]) -> dict[str, str]:
    """Files by digest."""
    return {path: hashlib.sha256(content).hexdigest() for path, content in files.items()}


def write(path: str, content: bytes | None) -> None:
    """A file as it is to be; None takes it away."""
    if content is None:
        os.remove(path)
        return
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as out:
        out.write(content)


def shown(made: plan.Plan, files: dict[str, bytes], without: str) -> str:
    """One side of the diff: texts of the files that differ, and of large ones and those of charts only their digest."""
    texts = []
    for one in made.files:
        if one.action == without:
            continue
        content = files[one.path]
        whole = len(content) <= SHOWN and "/chart/" not in f"/{one.path}" and b"\0" not in content
        text = content.decode("utf-8", "replace") if whole else f"sha256 {hashlib.sha256(content).hexdigest()}\n"
        texts.append(f"# {one.path}\n{text}")
    return "\n".join(texts)
