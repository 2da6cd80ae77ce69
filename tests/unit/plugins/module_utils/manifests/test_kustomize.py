# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Archives for kustomize: what is read from them, and what is refused before anything is built."""

from __future__ import annotations

import contextlib
import io
import os
import tarfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.kubestd.platform.plugins.module_utils._component.record import parse, set_checks
from ansible_collections.kubestd.platform.plugins.module_utils._errors import KubestdError
from ansible_collections.kubestd.platform.plugins.module_utils._manifests.kustomize import (
    build,
    command,
    complete,
    inside,
    keep,
    kept,
    key,
    named,
    read,
    render,
    stand_in,
    taken,
    top,
    unpack,
)
from ansible_collections.kubestd.platform.plugins.module_utils._manifests.plan import Reference
from hypothesis import given
from hypothesis import strategies as st

NAMES = st.lists(st.sampled_from(["..", ".", "a", "b", "", "c.yaml"]), min_size=1, max_size=5).map("/".join)


def archive(files: dict[str, str], links: dict[str, str] | None = None, mode: str = "w:gz") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as made:  # type: ignore[call-overload]
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text.encode())
            made.addfile(member, io.BytesIO(text.encode()))
        for name, target in (links or {}).items():
            member = tarfile.TarInfo(name)
            member.type, member.linkname = tarfile.SYMTYPE, target
            made.addfile(member)
    return buffer.getvalue()


def tree(root: Path, **kustomizations: Any) -> None:
    for folder, found in kustomizations.items():
        (root / folder).mkdir(parents=True)
        (root / folder / "kustomization.yaml").write_text(yaml.safe_dump(found))


@given(NAMES, st.booleans())
def test_a_path_is_inside_exactly_when_it_stays_below_its_beginning(name: str, absolute: bool) -> None:
    path = f"/{name}" if absolute else name
    found = os.path.normpath(os.path.join("/root/of", path))
    below = found == "/root/of" or found.startswith("/root/of/")
    assert inside(path) <= below
    assert inside(path) or absolute or not below or ".." in name


@given(st.lists(NAMES, min_size=1, max_size=4, unique=True), st.lists(st.tuples(NAMES, NAMES), max_size=2))
def test_nothing_is_ever_written_outside(
    tmp_path_factory: pytest.TempPathFactory, names: list[str], links: list[tuple[str, str]]
) -> None:
    outer = tmp_path_factory.mktemp("outer")
    root = outer / "a" / "root"
    root.mkdir(parents=True)
    with contextlib.suppress(KubestdError):
        unpack(archive(dict.fromkeys(names, "x"), dict(links)), str(root), "archive")
    written = [path for path in outer.rglob("*") if not path.is_relative_to(root) and path not in root.parents]
    assert written == []
    for path in root.rglob("*"):
        assert Path(os.path.realpath(path)).is_relative_to(outer / "a"), path
        assert not path.is_symlink() or Path(os.path.realpath(path)).is_relative_to(root), path


def test_a_folder_that_everything_is_in_does_not_count(tmp_path: Path) -> None:
    assert top(["a-1/", "a-1/b", "a-1/c/d"]) == "a-1/"
    assert top(["a", "a/b"]) == top(["a/b", "c/d"]) == top([]) == ""
    unpack(archive({"a-1/b/kustomization.yaml": "resources: []"}), str(tmp_path), "archive")
    assert (tmp_path / "b/kustomization.yaml").read_text() == "resources: []"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (archive({"a/../../x": "", "a/b": ""}), "archive has a/../../x, which is outside of the archive"),
        (archive({"/etc/x": "", "a": ""}), "archive has /etc/x, which is outside of the archive"),
        (archive({"a": ""}, {"b/c": "../../x"}), r"has the link b/c to ../../x, outside of the archive"),
        (archive({"a": ""}, {"b": "/etc/passwd"}), r"has the link b to /etc/passwd, outside of the archive"),
        (b"no archive", "archive is no archive that can be unpacked"),
        (archive({"a": "x" * 5000})[:60], "archive is no archive that can be unpacked"),
    ],
    ids=["above", "absolute", "link above", "link absolute", "text", "cut"],
)
def test_an_archive_that_leaves_its_folder_or_is_none_is_refused(tmp_path: Path, content: bytes, sentence: str) -> None:
    with pytest.raises(KubestdError, match=sentence):
        unpack(content, str(tmp_path), "archive")
    assert not (tmp_path.parent / "x").exists()


def test_everything_that_a_kustomization_reads_is_found() -> None:
    found = {
        "resources": ["a", "b.yaml"],
        "bases": ["c"],
        "components": ["d"],
        "crds": ["e"],
        "patchesStrategicMerge": ["f", "kind: A\nmetadata: {}", "kind: A"],
        "patches": [{"path": "g"}, {"patch": "- op: remove"}],
        "replacements": [{"path": "h"}, {"source": {}}],
        "configMapGenerator": [{"files": ["i", "x=j"], "envs": ["k"], "literals": ["a=b"]}, {"env": "l"}],
        "openapi": {"path": "m"},
        "namespace": "n",
    }
    assert [path for _, path in named(found)] == list("a") + ["b.yaml", *"cdefghijklm"]
    assert list(named({"resources": None, "openapi": None})) == []


@pytest.mark.parametrize(
    ("resource", "sentence"),
    [
        (
            "https://example.com/a.yaml",
            "base names https://example.com/a.yaml in resources, which is not in the archive",
        ),
        (
            "github.com/kubeflow/katib/manifests?ref=v1",
            "which is not in the archive; its digest says nothing of what is",
        ),
        ("git@example.com:a/b.git", "which is not in the archive"),
        ("../../outside", "base names ../../outside in resources, which is outside of the archive"),
        ("/etc/passwd", "base names /etc/passwd in resources, which is outside of the archive"),
    ],
)
def test_what_is_not_in_the_archive_is_refused(tmp_path: Path, resource: str, sentence: str) -> None:
    (tmp_path / "outside").mkdir()
    tree(tmp_path / "root", base={"resources": [resource]}, example={"resources": ["../base"]})
    with pytest.raises(KubestdError) as raised:
        complete(str(tmp_path / "root"), "example")
    assert sentence in str(raised.value)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("https://github.com/a/b/manifests/base?ref=v1", "x/manifests/base"),
        ("https://github.com/a/b//manifests/?ref=v1", "x/manifests"),
        ("https://github.com/a/b?ref=v1", "x/"),
        ("https://github.com/a/bc/manifests", ""),
        ("../base", ""),
    ],
)
def test_an_archive_stands_for_what_is_named_elsewhere(text: str, path: str) -> None:
    assert stand_in(text, {"https://github.com/a/b": "x"}) == path


def test_kustomizations_are_changed_to_name_what_stands_for_it(tmp_path: Path) -> None:
    elsewhere = "https://github.com/a/b"
    tree(
        tmp_path,
        base={"resources": [f"{elsewhere}/one?ref=v1", "kept.yaml"]},
        example={"resources": ["../base"]},
        **{"elsewhere/one": {"resources": [f"{elsewhere}/two"]}, "elsewhere/two": {}},
    )
    (tmp_path / "base/kept.yaml").write_text("kind: A")
    complete(str(tmp_path), "example", {elsewhere: "elsewhere"})
    assert read(str(tmp_path / "base"), "base")[1]["resources"] == ["../elsewhere/one", "kept.yaml"]
    assert read(str(tmp_path / "elsewhere/one"), "one")[1]["resources"] == ["../two"]


def test_folders_that_name_each_other_end(tmp_path: Path) -> None:
    tree(tmp_path, a={"resources": ["../b"]}, b={"components": ["../a"], "resources": ["c.yaml"]})
    (tmp_path / "b/c.yaml").write_text("kind: A")
    complete(str(tmp_path), "a")
    with pytest.raises(KubestdError, match="The archive has no kustomization in nothing; write the path"):
        complete(str(tmp_path), "nothing")
    (tmp_path / "b/kustomization.yaml").write_text("- a")
    with pytest.raises(KubestdError, match="b/kustomization.yaml is no kustomization but list"):
        complete(str(tmp_path), "a")


def test_kubectl_has_kustomize_too() -> None:
    assert command("/usr/bin/kubectl", "/a") == ["/usr/bin/kubectl", "kustomize", "/a"]
    assert command("/usr/bin/kustomize", "/a") == ["/usr/bin/kustomize", "build", "/a"]
    with pytest.raises(KubestdError, match="no-such-tool is not on this machine's PATH, and archive has to be built"):
        build("/", ".", "no-such-tool", "archive")


def test_what_a_build_says_stands_in_the_message_without_the_folder_of_the_moment(tmp_path: Path) -> None:
    program = tmp_path / "kustomize"
    program.write_text(
        f'#!/bin/sh\necho "# Warning: old" >&2\necho "Error: {tmp_path}/x/kustomization.yaml $PATH" >&2\nexit 1\n'
    )
    program.chmod(0o755)
    with pytest.raises(KubestdError) as raised:
        build(str(tmp_path), "x", str(program), "archive")
    assert str(raised.value) == "kustomize cannot build x of archive: Error: /x/kustomization.yaml"


def test_a_path_out_of_the_archive_is_refused() -> None:
    with pytest.raises(KubestdError, match="path is ../x, which is outside of the archive"):
        render({"url": "archive", "path": "../x"}, archive({"a": ""}), "kustomize")


@pytest.mark.parametrize(
    "other",
    [
        {"sha256": "b"},
        {"path": "y"},
        {"overlay": {"namespace": "b"}},
        {"overlay": {}},
        {"path": None},
        {"archives": [{"reference": "a", "sha256": "a"}]},
    ],
)
def test_a_build_is_known_by_its_archive_its_folder_and_what_is_laid_over_it(other: dict[str, Any]) -> None:
    options = {"sha256": "a", "path": "x", "overlay": {"namespace": "a", "resources": ["r"]}}
    assert key(options) == key(
        {**options, "url": "elsewhere", "take": "crds", "overlay": dict(reversed(options["overlay"].items()))}
    )
    assert key(options) != key({**options, **other})


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r")))
def test_what_is_kept_comes_back_and_what_was_changed_does_not(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    path = tmp_path_factory.mktemp("kept") / "a/b.yaml"
    assert kept(str(path)) is None
    keep(str(path), text)
    assert kept(str(path)) == text
    path.write_text(path.read_text() + "x")
    assert kept(str(path)) is None


def test_definitions_and_the_others_are_all() -> None:
    found = [{"kind": "CustomResourceDefinition"}, {"kind": "ConfigMap"}, {"kind": "Namespace"}]
    assert taken(found, "all") == found
    assert taken(found, "crds") + taken(found, "others") == found


def test_workloads_that_kustomize_made_are_checked_unless_they_are_listed() -> None:
    made = [
        Reference("apps/v1", "Deployment", "x", "a"),
        Reference("apps/v1", "Deployment", "x", "b"),
        Reference("v1", "ConfigMap", "x", "c"),
        Reference("admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration", "", "d"),
    ]
    found = list(set_checks("set", "x", made, [("apps/v1", "Deployment", "b")]))
    assert [(one["kind"], one["object"]) for one in found] == [
        ("Deployment", "a"),
        ("MutatingWebhookConfiguration", "d"),
    ]
    [missing] = set_checks("set", "x", [], [])
    assert missing == {"kind": "ConfigMap", "object": "kubestd-set-set", "namespace": "x"}


def test_a_stage_may_have_nothing_but_an_archive() -> None:
    source = {"url": "https://example.com/a.tar.gz", "sha256": "a", "path": None, "take": "crds"}
    [stage] = parse({"name": "x", "stages": [{"kustomize": [source]}]}).stages
    assert stage.kustomize == [{"url": "https://example.com/a.tar.gz", "sha256": "a", "take": "crds"}]
