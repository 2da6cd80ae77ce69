# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""node_files: what is described is what stands on the host, and nothing else is touched."""

from __future__ import annotations

import hashlib
import http.server
import io
import os
import tarfile
import threading
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.kubestd.platform.plugins.module_utils._errors import KubestdError
from ansible_collections.kubestd.platform.plugins.module_utils._node_files import host
from ansible_collections.kubestd.platform.plugins.module_utils._node_files.plan import (
    Found,
    archive_key,
    make_plan,
    parse,
    parse_entry,
    text_digest,
)
from hypothesis import given
from hypothesis import strategies as st

DIGEST = "a" * 64
OWN = {"owner": os.getuid(), "group": os.getgid()}


@pytest.mark.parametrize(
    ("entry", "sentence"),
    [
        ({"path": "etc/x", "content": ""}, "the path is not absolute; write it from the root, such as /etc/etc/x."),
        ({"path": "/x"}, "give exactly one of content and url."),
        ({"path": "/x", "content": "", "url": "http://a"}, "give exactly one of content and url."),
        ({"path": "/x", "url": "http://a"}, "url needs sha256"),
        ({"path": "/x", "url": "http://a", "sha256": "12"}, "is not a digest of 64 hexadecimal digits."),
        ({"path": "/x", "content": "", "mode": "rw"}, "mode 'rw' is not octal"),
        ({"path": "/x", "state": "absent", "content": "a"}, "state absent takes neither content nor url"),
        ({"path": "/x", "content": "a", "exclusive": True}, "only a directory can be exclusive"),
    ],
)
def test_a_wrong_entry_is_named(entry: dict[str, Any], sentence: str) -> None:
    with pytest.raises(KubestdError) as caught:
        parse_entry(3, entry)
    assert str(caught.value).startswith(f"files[3] ({entry['path']})")
    assert sentence in str(caught.value)


def test_a_path_described_twice_is_refused() -> None:
    with pytest.raises(KubestdError, match="/etc/x is described twice"):
        parse([{"path": "/etc/x", "content": "1"}, {"path": "/etc//x", "content": "2"}])


FILE = {"kind": "file", "mode": 0o644}


@pytest.mark.parametrize(
    ("entry", "found", "steps"),
    [
        ({"content": "new"}, Found(), ["write"]),
        ({"content": "new"}, Found(**FILE, sha256=text_digest("old")), ["write"]),
        ({"content": "new"}, Found(**FILE, sha256=text_digest("new")), []),
        ({"content": "new", "mode": "0600"}, Found(**FILE, sha256=text_digest("new")), ["attributes"]),
        ({"url": "u", "sha256": DIGEST, "mode": "0644"}, Found(**FILE, sha256=DIGEST), []),
        ({"url": "u", "sha256": DIGEST}, Found(**FILE, sha256="b" * 64), ["download"]),
        ({"url": "u", "sha256": DIGEST, "include": ["*"]}, Found("directory"), ["extract"]),
        ({"state": "absent"}, Found(), []),
        ({"state": "absent"}, Found("empty mount"), []),
        ({"state": "absent"}, Found("directory"), ["remove"]),
        ({"state": "directory"}, Found(), ["mkdir"]),
        ({"state": "directory", "mode": "0700"}, Found("directory", mode=0o755), ["attributes"]),
        ({"state": "directory"}, Found("directory", mode=0o755), []),
    ],
)
def test_the_plan_follows_from_what_is_wanted_and_found(entry: dict[str, Any], found: Found, steps: list[str]) -> None:
    wanted = parse([{"path": "/p", **entry}])
    assert [step.what for step in make_plan(wanted, {"/p": found}, {})] == steps


def test_an_archive_with_all_members_in_place_is_not_fetched() -> None:
    wanted = parse([{"path": "/p", "url": "u", "sha256": DIGEST, "include": ["*"]}])
    assert make_plan(wanted, {}, {archive_key(wanted[0]): ["/p/a"]}) == []


@pytest.mark.parametrize(("entry", "kind"), [({"content": ""}, "directory"), ({"state": "directory"}, "file")])
def test_a_thing_of_another_kind_is_never_replaced(entry: dict[str, Any], kind: str) -> None:
    with pytest.raises(KubestdError, match=f"/p: a {kind} stands where a"):
        make_plan(parse([{"path": "/p", **entry}]), {"/p": Found(kind)}, {})


@given(st.text(max_size=200), st.text(max_size=200))
def test_a_written_text_needs_nothing_further(before: str, after: str) -> None:
    wanted = parse([{"path": "/p", "content": after}])
    steps = make_plan(wanted, {"/p": Found(kind="file", sha256=text_digest(before), mode=0o644)}, {})
    assert bool(steps) == (before != after)
    assert make_plan(wanted, {"/p": Found(kind="file", sha256=text_digest(after), mode=0o644)}, {}) == []


@pytest.fixture
def server(tmp_path: Path) -> Any:
    """A real HTTP server with the files of a folder; counts what was asked for."""
    root = tmp_path / "www"
    root.mkdir()

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args: Any) -> None:
            super().__init__(*args, directory=str(root))

        def do_GET(self) -> None:
            served.requests.append(self.path)  # type: ignore[attr-defined]
            super().do_GET()

        def log_message(self, *_: Any) -> None:
            pass

    served = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served.requests = []  # type: ignore[attr-defined]
    served.root = root  # type: ignore[attr-defined]
    served.url = f"http://127.0.0.1:{served.server_port}"  # type: ignore[attr-defined]
    threading.Thread(target=served.serve_forever, daemon=True).start()
    yield served
    served.shutdown()


def run(entries: list[dict[str, Any]], record_path: Path, check_mode: bool = False) -> list[str]:
    """What the module's main does, with the host's real files."""
    wanted = [type(item)(**{**item.__dict__, **OWN}) for item in parse(entries)]
    record = host.Record(str(record_path))
    found = {item.path: host.look(item.path, record, bool(item.url), item.exclusive) for item in wanted}
    archives = {archive_key(i): record.archive_members(archive_key(i), i) for i in wanted if i.include}
    changed = host.carry_out(make_plan(wanted, found, archives), record, None, 5, check_mode)
    record.save()
    return changed


def tarball(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as bundle:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            bundle.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def test_a_second_run_asks_for_nothing_and_a_tampered_file_is_replaced(server: Any, tmp_path: Path) -> None:
    (server.root / "tool").write_bytes(b"binary")
    entry = {
        "path": str(tmp_path / "bin/tool"),
        "url": f"{server.url}/tool",
        "sha256": hashlib.sha256(b"binary").hexdigest(),
    }
    record = tmp_path / "record.json"
    assert run([entry], record) == [entry["path"]]
    assert (tmp_path / "bin/tool").stat().st_mode & 0o777 == 0o755
    assert run([entry], record) == []
    record.unlink()
    assert run([entry], record) == []
    assert server.requests == ["/tool"]
    (tmp_path / "bin/tool").write_bytes(b"trojan")
    assert run([entry], record) == [entry["path"]]
    assert (tmp_path / "bin/tool").read_bytes() == b"binary"


def test_members_of_an_archive_come_flat_and_a_lost_one_comes_back(server: Any, tmp_path: Path) -> None:
    archive = tarball({"bin/one": b"1", "bin/two": b"2", "LICENSE": b"text", "../../evil": b"x"})
    (server.root / "a.tgz").write_bytes(archive)
    entry = {
        "path": str(tmp_path / "bin"),
        "url": f"{server.url}/a.tgz",
        "sha256": hashlib.sha256(archive).hexdigest(),
        "include": ["bin/*"],
    }
    record = tmp_path / "record.json"
    assert sorted(run([entry], record)) == [str(tmp_path / "bin/one"), str(tmp_path / "bin/two")]
    assert run([entry], record) == []
    (tmp_path / "bin/two").unlink()
    assert run([entry], record) == [str(tmp_path / "bin/two")]
    assert sorted(path.name for path in (tmp_path / "bin").iterdir()) == ["one", "two"]


def test_an_exclusive_directory_keeps_what_is_described_and_nothing_else(tmp_path: Path) -> None:
    folder, record = tmp_path / "certs.d", tmp_path / "record.json"

    def entries(*names: str) -> list[dict[str, Any]]:
        files = [{"path": str(folder / name), "content": name} for name in names]
        return [*files, {"path": str(folder), "state": "directory", "exclusive": True}]

    run(entries("a/hosts.toml", "a/ca.crt", "b/hosts.toml"), record)
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").touch()
    (folder / "link").symlink_to(outside)
    (folder / "aa").mkdir()
    (folder / "a/.hosts.toml.kubestd").touch()
    before = sorted(folder.rglob("*"))
    gone = [str(folder / name) for name in ("a/.hosts.toml.kubestd", "a/ca.crt", "aa", "b", "link")]
    assert run(entries("a/hosts.toml"), record, check_mode=True) == gone
    assert sorted(folder.rglob("*")) == before
    assert run(entries("a/hosts.toml"), record) == gone
    assert sorted(folder.rglob("*")) == [folder / "a", folder / "a/hosts.toml"]
    assert (outside / "kept").exists()
    assert run(entries("a/hosts.toml"), record) == []
    assert run(entries(), record) == [str(folder / "a")]
    assert folder.exists()


def test_what_is_described_as_absent_in_an_exclusive_directory_leaves_once(tmp_path: Path) -> None:
    old = tmp_path / "d/folder/old"
    exclusive = {"path": str(tmp_path / "d"), "state": "directory", "exclusive": True}
    absent = {"path": str(old), "state": "absent"}
    for entries in ([exclusive, absent], [absent, exclusive]):
        old.mkdir(parents=True)
        (old / "file").touch()
        assert run(entries, tmp_path / "record.json") == [str(old)]


@pytest.mark.parametrize("path", ["/d", "/d/e"])
def test_an_archive_in_an_exclusive_directory_is_refused(path: str) -> None:
    archive = {"path": path, "url": "u", "sha256": DIGEST, "include": ["*"]}
    with pytest.raises(KubestdError, match=f"go to {path}, which is exclusive"):
        parse([{"path": "/d", "state": "directory", "exclusive": True}, archive])


def test_members_that_match_nothing_are_an_error(server: Any, tmp_path: Path) -> None:
    archive = tarball({"README": b"1"})
    (server.root / "a.tgz").write_bytes(archive)
    entry = {
        "path": str(tmp_path / "bin"),
        "url": f"{server.url}/a.tgz",
        "sha256": hashlib.sha256(archive).hexdigest(),
        "include": ["bin/*"],
    }
    with pytest.raises(KubestdError, match="has no member that matches"):
        run([entry], tmp_path / "record.json")


def test_a_wrong_digest_puts_nothing_in_place(server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host.time, "sleep", lambda _: None)
    (server.root / "tool").write_bytes(b"other")
    entries = [
        {"path": str(tmp_path / "etc"), "content": "text"},
        {"path": str(tmp_path / "bin/tool"), "url": f"{server.url}/tool", "sha256": DIGEST},
    ]
    with pytest.raises(KubestdError, match=f"tool for .*: its sha256 is [0-9a-f]{{64}}, wanted is {DIGEST}"):
        run(entries, tmp_path / "record.json")
    assert not (tmp_path / "etc").exists()
    assert list((tmp_path / "bin").iterdir()) == []


def test_what_is_not_there_is_said_at_once(server: Any, tmp_path: Path) -> None:
    entry = {"path": str(tmp_path / "tool"), "url": f"{server.url}/missing", "sha256": DIGEST}
    with pytest.raises(KubestdError, match="the server answered 404"):
        run([entry], tmp_path / "record.json")
    assert len(server.requests) == 1


def test_an_invalid_text_stays_out(tmp_path: Path) -> None:
    target = tmp_path / "config"
    target.write_text("good")
    entry = {"path": str(target), "content": "bad", "validate": ["grep", "good", "%s"]}
    with pytest.raises(KubestdError, match="would not be valid, nothing was changed: grep says"):
        run([entry], tmp_path / "record.json")
    assert target.read_text() == "good"
    assert [path.name for path in tmp_path.iterdir()] == ["config"]


def test_check_mode_changes_nothing(server: Any, tmp_path: Path) -> None:
    entries = [
        {"path": str(tmp_path / "etc/new"), "content": "x"},
        {"path": str(tmp_path / "bin/tool"), "url": f"{server.url}/tool", "sha256": DIGEST},
        {"path": str(tmp_path / "dir"), "state": "directory"},
    ]
    assert run(entries, tmp_path / "record.json", check_mode=True) == [entry["path"] for entry in entries]
    assert server.requests == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["www"]


def test_a_secret_text_is_not_in_the_diff() -> None:
    wanted = parse([{"path": "/nowhere/x", "content": "MARKER", "sensitive": True}])
    (step,) = make_plan(wanted, {}, {})
    assert "MARKER" not in str(host.diff_of(step))
