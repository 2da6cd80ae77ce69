# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A folder of a repository: the plan, and real repositories of a real git."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.kubestd.platform.plugins.module_utils._errors import KubestdError
from ansible_collections.kubestd.platform.plugins.module_utils._git.plan import (
    File,
    checked_path,
    checked_repository,
    make_plan,
)
from ansible_collections.kubestd.platform.plugins.module_utils._git.run import Repository
from hypothesis import given
from hypothesis import strategies as st

TREES = st.dictionaries(st.sampled_from(["a/x/1", "a/x/2", "a/y/1", "b/x/1", "root"]), st.sampled_from("12"))


@given(TREES, TREES, st.integers(0, 3))
def test_a_plan_brings_a_folder_to_its_description(existing: Any, wanted: Any, depth: int) -> None:
    after = dict(existing)
    for one in make_plan(existing, wanted, depth).files:
        if one.action == "deleted":
            del after[one.path]
        else:
            assert (one.action == "changed") == (one.path in existing)
            after[one.path] = wanted[one.path]
    assert wanted.items() <= after.items() and not make_plan(after, wanted, depth).changed
    if not depth and wanted:
        assert after == wanted


def test_other_folders_of_that_depth_stay() -> None:
    made = make_plan({"a/x/1": "1", "a/x/2": "1", "a/y/1": "1"}, {"a/x/1": "2"}, 2)
    assert made.files == (File("a/x/1", "changed"), File("a/x/2", "deleted"))
    assert made.summary == "1 changed, 1 deleted" and make_plan({}, {}).summary == "nothing"


@pytest.mark.parametrize("path", ["", "/etc", "..", "a/../../b", ".git/hooks", "."])
def test_a_path_leads_not_out_of_the_repository(path: str) -> None:
    with pytest.raises(KubestdError, match="write a folder in the repository"):
        checked_path(path)


def test_a_password_in_an_address_is_refused_without_being_said() -> None:
    with pytest.raises(KubestdError) as caught:
        checked_repository("https://me:hunter2@git.example.com/a.git")
    assert "hunter2" not in str(caught.value) and "git.example.com/a.git" in str(caught.value)
    for fine in ("ssh://git@git.example.com/a.git", "git@git.example.com:a.git", "/srv/a.git"):
        assert checked_repository(fine) == fine


def git(folder: Path, *arguments: str) -> str:
    people = ["-c", "user.name=a", "-c", "user.email=a@b"]
    command = ["git", "-C", str(folder), *people, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


class Folder:
    """A folder to write, and the module without Ansible around it."""

    def __init__(self, root: Path) -> None:
        self.source, self.bare = root / "source", root / "bare.git"
        self.source.mkdir()
        subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", str(self.bare)], check=True)
        self.write("a.txt", "one\n")

    def write(self, path: str, text: str) -> None:
        target = self.source / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)

    def __call__(self, repository: Path | None = None, check: bool = False, **more: Any) -> dict[str, Any]:
        options = {
            "repository": str(repository or self.bare),
            "branch": "main",
            "path": "platform",
            "source": str(self.source),
            "whole_below": 0,
            "commit_message": "",
            "author_name": "a",
            "author_email": "a@example.com",
            "git": "git",
        }
        return Repository({**options, **more}).run(check)

    def files(self) -> list[str]:
        return git(self.bare, "ls-tree", "-r", "--name-only", "main").splitlines()


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def test_an_empty_repository_gets_its_first_commit_and_no_second(folder: Folder) -> None:
    planned = folder(check=True)
    assert planned["changed"] and not planned["commit"] and git(folder.bare, "for-each-ref") == ""
    done = folder()
    assert done["pushed"] and done["files"] == [{"path": "a.txt", "action": "created"}] == planned["files"]
    assert git(folder.bare, "rev-parse", "main") == done["commit"]
    assert git(folder.bare, "log", "-1", "--format=%an %s", "main") == "a platform: 1 created"
    again = folder()
    assert not again["changed"] and git(folder.bare, "rev-list", "--count", "main") == "1"
    assert again.keys() == planned.keys()


def test_what_left_the_folder_leaves_the_repository_and_what_is_beside_it_stays(folder: Folder) -> None:
    folder()
    work = folder.source.parent / "work"
    git(folder.source, "clone", "--quiet", str(folder.bare), str(work))
    (work / "README").write_text("mine")
    (work / ".gitignore").write_text("charts/\n")
    git(work, "add", ".")
    git(work, "commit", "--quiet", "-m", "x")
    git(work, "push", "--quiet", "origin", "main")
    (folder.source / "a.txt").unlink()
    folder.write("charts/b.txt", "two\n")
    done = folder()
    assert folder.files() == [".gitignore", "README", "platform/charts/b.txt"]
    assert done["diff"] == {"before": "# a.txt\none\n", "after": "# charts/b.txt\ntwo\n"}


def test_a_checkout_gets_a_commit_of_that_folder_alone(folder: Folder) -> None:
    folder()
    work = folder.source.parent / "work"
    git(folder.source, "clone", "--quiet", str(folder.bare), str(work))
    (work / "mine").write_text("not ready")
    git(work, "add", "mine")
    folder.write("a.txt", "two\n")
    done = folder(work)
    assert done["commit"] and not done["pushed"]
    assert git(work, "show", "--name-only", "--format=", "HEAD") == "platform/a.txt"
    assert git(work, "status", "--porcelain") == "A  mine"


def test_a_checkout_in_which_somebody_works_is_refused(folder: Folder) -> None:
    folder()
    work = folder.source.parent / "work"
    git(folder.source, "clone", "--quiet", str(folder.bare), str(work))
    (work / "platform/a.txt").write_text("not ready")
    with pytest.raises(KubestdError, match="changes that are not committed"):
        folder(work)
    git(work, "checkout", "--quiet", "-b", "other", "--force")
    with pytest.raises(KubestdError, match="is on other, and branch is main"):
        folder(work)


def test_an_empty_folder_takes_nothing_away(folder: Folder) -> None:
    folder()
    (folder.source / "a.txt").unlink()
    with pytest.raises(KubestdError, match="has no files"):
        folder()
    assert folder.files() == ["platform/a.txt"]


def test_a_link_is_refused(folder: Folder) -> None:
    folder()
    work = folder.source.parent / "work"
    git(folder.source, "clone", "--quiet", str(folder.bare), str(work))
    (work / "platform/out").symlink_to("/etc")
    git(work, "add", ".")
    git(work, "commit", "--quiet", "-m", "x")
    with pytest.raises(KubestdError, match="is a link"):
        folder(work)


def test_a_repository_that_does_not_answer_is_told_in_a_sentence(folder: Folder) -> None:
    with pytest.raises(KubestdError, match="git ls-remote of .*nowhere.git failed"):
        folder(folder.source.parent / "nowhere.git")
