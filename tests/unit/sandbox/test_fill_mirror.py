# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the mirror's files come from. A server on loopback stands in for the hosts of upstream, and a text for what Go would build."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
GOOD = b"what upstream published\n" * 1000


class Upstream(BaseHTTPRequestHandler):
    """/good, /wrong (other bytes), /cut (half of what it promises), /error."""

    def do_HEAD(self) -> None:
        self.send_response(200)
        self.end_headers()

    def do_GET(self) -> None:
        name = self.path.rpartition("/")[2]
        self.send_response(503 if name == "error" else 200)
        self.send_header("Content-Length", str(len(GOOD)))
        self.end_headers()
        self.wfile.write({"wrong": GOOD.swapcase(), "cut": GOOD[: len(GOOD) // 2]}.get(name, GOOD))

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="module")
def upstream() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Upstream) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="module")
def filler() -> ModuleType:
    spec = importlib.util.spec_from_file_location("fill_mirror", ROOT / "scripts/sandbox/fill_mirror.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Mirror:
    """A mirror of files of one artifact, and how often Go was asked."""

    def __init__(self, filler: ModuleType, cache: Path, upstream: str, *names: str, known: bool = True) -> None:
        self.real = filler.Mirror(cache)
        digest = hashlib.sha256(GOOD).hexdigest()
        urls = {name: f"{upstream}/v{{version}}/{{arch}}/{name}" for name in names}
        self.real.table = {
            "probe": f"{upstream}/stable.txt",
            "files": {"program": {"version": "1.2.3", "urls": urls}},
            "sha256": {filler.ARCH: {f"{name} 1.2.3": digest for name in names} if known else {}},
        }
        self.built: list[tuple[str, str]] = []
        self.folder = cache

    def programs(self, name: str, version: str) -> list[Path]:
        self.built.append((name, version))
        made = [self.folder / name for name in self.real.table["files"][name]["urls"]]
        for path in made:
            path.write_text(f"built {path.name}")
        return made

    def fill(self) -> dict[str, bytes]:
        self.real.builder.programs = self.programs
        self.real.fill_files()
        return {path.name: path.read_bytes() for path in (self.folder / "mirror").rglob("*") if path.is_file()}


def test_a_good_file_of_the_stand_in_upstream_is_taken_and_nothing_is_built(
    filler: ModuleType, tmp_path: Path, upstream: str
) -> None:
    mirror = Mirror(filler, tmp_path, upstream, "good", "fine")
    assert mirror.fill() == {"good": GOOD, "fine": GOOD}
    assert mirror.built == []


def test_what_is_there_is_not_asked_for_again(filler: ModuleType, tmp_path: Path, upstream: str) -> None:
    Mirror(filler, tmp_path, upstream, "good").fill()
    again = Mirror(filler, tmp_path, upstream, "good")
    again.fill()
    assert again.real.upstream is None and again.built == []


def test_another_sha256_at_the_stand_in_upstream_stops_with_a_sentence_and_leaves_no_file(
    filler: ModuleType, tmp_path: Path, upstream: str
) -> None:
    mirror = Mirror(filler, tmp_path, upstream, "wrong")
    with pytest.raises(
        SystemExit, match=r"/v1\.2\.3/\w+/wrong: its sha256 is \w{64} and must be \w{64}; do not use it"
    ):
        mirror.fill()
    assert mirror.built == [] and not list((tmp_path / "mirror").rglob("wrong"))


@pytest.mark.parametrize(("name", "why"), [("cut", "IncompleteRead"), ("error", "HTTP Error 503")])
def test_a_transfer_that_breaks_at_the_stand_in_upstream_is_said_and_the_version_is_built(
    filler: ModuleType, tmp_path: Path, upstream: str, capsys: pytest.CaptureFixture[str], name: str, why: str
) -> None:
    """All files of the artifact, so that no two of them are of different origin."""
    mirror = Mirror(filler, tmp_path, upstream, "good", name)
    assert mirror.fill() == {"good": b"built good", name: f"built {name}".encode()}
    assert mirror.built == [("program", "1.2.3")]
    said = capsys.readouterr().out
    assert "program 1.2.3 is built from its Go modules: http://127.0.0.1" in said and why in said


def test_a_file_without_a_known_sha256_is_built_and_not_believed(
    filler: ModuleType, tmp_path: Path, upstream: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert Mirror(filler, tmp_path, upstream, "good", known=False).fill() == {"good": b"built good"}
    assert "artifacts.json has no sha256 of it" in capsys.readouterr().out


def test_without_upstream_everything_is_built_after_one_question(
    filler: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mirror = Mirror(filler, tmp_path, "http://127.0.0.1:9", "good", "fine")
    assert mirror.fill() == {"good": b"built good", "fine": b"built fine"}
    assert mirror.built == [("program", "1.2.3")]
    assert capsys.readouterr().out.count("upstream cannot be reached") == 1


def test_with_neither_upstream_nor_go_it_is_said_what_to_install(
    filler: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mirror = Mirror(filler, tmp_path, "http://127.0.0.1:9", "good")
    monkeypatch.setattr(filler.shutil, "which", lambda name: None)
    with pytest.raises(SystemExit, match=r"program 1\.2\.3 cannot be downloaded .* install Go from"):
        mirror.real.fill_files()


def test_every_digest_is_of_a_file_of_the_table() -> None:
    """Another one would be a misprint, and its file built without a word."""
    table = json.loads((ROOT / "scripts/sandbox/artifacts.json").read_text())
    wanted = {f"{key} {entry['version']}" for entry in table["files"].values() for key in entry["urls"]}
    assert set(table["sha256"]["amd64"]) <= wanted


def test_a_second_run_waits_for_the_one_that_fills_the_cache(
    filler: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    order: list[str] = []

    def second() -> None:
        with filler.alone(tmp_path):
            order.append("second")

    with filler.alone(tmp_path):
        waiting = threading.Thread(target=second)
        waiting.start()
        said = ""
        while waiting.is_alive() and "another run is filling" not in said:
            said += capsys.readouterr().out
        order.append("first")
    waiting.join(10)
    assert order == ["first", "second"]
