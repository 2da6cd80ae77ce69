# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What servers of a Vault still need, as a table and as a property."""

from __future__ import annotations

import base64
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.kubestd.platform.plugins.module_utils._vault import plan
from ansible_collections.kubestd.platform.plugins.module_utils._vault.plan import Server, Step, VaultError, Wanted
from ansible_collections.kubestd.platform.plugins.module_utils._vault.run import Handover
from hypothesis import given
from hypothesis import strategies as st

EMPTY = Server("a", needed=0)
SEALED = Server("a", initialized=True, needed=2)
OPEN = Server("a", initialized=True, sealed=False, needed=2, cluster="one", active=True)
SILENT = Server("a", problem="connection refused")
NOBODY, TWO = Wanted(3, 2, 0), Wanted(3, 2, 2)


def trio(*states: Server) -> list[Server]:
    return [replace(state, name=name) for name, state in zip("abc", states)]  # noqa: B905


@pytest.mark.parametrize(
    ("servers", "wanted", "steps", "waiting"),
    [
        (trio(EMPTY, EMPTY, EMPTY), NOBODY, ["initialise a"], "unseal keys"),
        (trio(SEALED, EMPTY, EMPTY), NOBODY, [], "2 unseal keys in unseal_keys (0 given) for a"),
        (trio(SEALED, EMPTY, EMPTY), TWO, ["unseal a", "join b to a", "unseal b", "join c to a", "unseal c"], ""),
        (trio(OPEN, SEALED, EMPTY), TWO, ["unseal b", "join c to a", "unseal c"], ""),
        (trio(OPEN, EMPTY, EMPTY), NOBODY, ["join b to a", "join c to a"], "for b, c"),
        (trio(EMPTY, OPEN, SEALED), TWO, ["unseal c", "join a to b", "unseal a"], ""),
        (trio(OPEN, OPEN, OPEN), NOBODY, [], ""),
        (trio(OPEN, SILENT, SEALED), TWO, ["unseal c"], ""),
        (trio(*[replace(EMPTY, automatic=True)] * 3), NOBODY, ["initialise a", "join b to a", "join c to a"], ""),
        (trio(replace(OPEN, automatic=True), *[replace(SEALED, automatic=True)] * 2), NOBODY, [], ""),
    ],
)
def test_the_steps_follow_from_what_was_found(
    servers: list[Server], wanted: Wanted, steps: list[str], waiting: str
) -> None:
    found = plan.make_plan(servers, wanted)
    assert [str(step) for step in found.steps] == steps
    assert waiting in found.waiting and bool(waiting) == bool(found.waiting)


@pytest.mark.parametrize(
    ("servers", "wanted", "message"),
    [
        (trio(SILENT, EMPTY, EMPTY), NOBODY, "nothing is initialised before all answer"),
        (trio(OPEN, replace(OPEN, cluster="other"), EMPTY), TWO, "are two clusters"),
        (trio(EMPTY, EMPTY, EMPTY), Wanted(0, 3, 0), "never written in clear"),
        (trio(EMPTY, EMPTY, EMPTY), Wanted(3, 1, 0), "at least 2 and at most 3"),
        (trio(EMPTY, EMPTY, EMPTY), Wanted(3, 4, 0), "threshold is 4 with 3 PGP keys"),
    ],
)
def test_what_could_do_harm_is_refused(servers: list[Server], wanted: Wanted, message: str) -> None:
    with pytest.raises(VaultError, match=message):
        plan.make_plan(servers, wanted)


def after(servers: list[Server], step: Step) -> list[Server]:
    """What a step does to servers that keep to their documentation."""
    done = {
        "init": {"initialized": True},
        "join": {"initialized": True},
        "unseal": {"sealed": False, "cluster": "one"},
    }[step.action]
    return [replace(server, needed=2, **done) if server.name == step.server else server for server in servers]


STATES = st.builds(
    Server,
    name=st.just("a"),
    problem=st.sampled_from(["", "", "", "refused"]),
    initialized=st.booleans(),
    sealed=st.booleans(),
    needed=st.just(2),
).map(lambda server: replace(server, sealed=server.sealed or not server.initialized))


@given(st.lists(STATES, min_size=1, max_size=5), st.integers(0, 3))
def test_from_any_half_done_state_all_that_answer_become_open_and_only_an_empty_cluster_is_initialised(
    states: list[Server], keys: int
) -> None:
    servers = [replace(state, name=f"s{number}", cluster="one") for number, state in enumerate(states)]
    had_data = any(server.initialized and not server.problem for server in servers)
    wanted = Wanted(3, 2, keys)
    try:
        found = plan.make_plan(servers, wanted)
    except VaultError:
        assert not had_data and any(server.problem for server in servers)
        return
    assert ("init" in {step.action for step in found.steps}) == (not had_data)
    for step in found.steps:
        by_name = {server.name: server for server in servers}
        assert not by_name[step.server].problem and not by_name[step.server].open
        assert step.action != "join" or by_name[step.peer].open, "who is joined to has to be open by then"
        servers = after(servers, step)
    if had_data and (keys >= 2 or not found.waiting):
        assert all(server.open for server in servers if not server.problem)
        assert plan.make_plan(servers, wanted) == plan.Plan()


@given(st.dictionaries(st.sampled_from("abc"), st.one_of(st.booleans(), st.integers(), st.text("a1hms", max_size=3))))
def test_a_setting_that_was_written_does_not_differ(data: dict[str, Any]) -> None:
    assert plan.differing(data, {**data, "more": 1}) == []
    assert plan.differing(data, None) == list(data)


@pytest.mark.parametrize(
    ("wanted", "found", "same"),
    [
        ("20m", 1200, True),
        ("1h30m", "5400", True),
        (True, "true", True),
        (["b", "a"], ["a", "b"], True),
        ("20m", 60, False),
        ("", 0, False),
        ("h", 0, False),
        (["a"], ["a", "b"], False),
        ({"version": 2}, {"version": "2"}, True),
    ],
)
def test_settings_are_compared_as_the_server_means_them(wanted: Any, found: Any, same: bool) -> None:
    assert (plan.normal(wanted) == plan.normal(found)) is same


def test_a_mount_of_another_type_is_not_taken_for_ours() -> None:
    wanted = {"path": "kv", "type": "kv", "options": {"version": 2}}
    assert plan.mount_problem(wanted, {"type": "kv", "options": {"version": "2"}}) == ""
    assert "of type pki, not kv" in plan.mount_problem(wanted, {"type": "pki"})
    assert "other options (version)" in plan.mount_problem(wanted, {"type": "kv", "options": None})


def gpg(home: Path, *arguments: str, stdin: bytes = b"") -> bytes:
    command = ["gpg", "--homedir", str(home), "--batch", "--quiet", "--pinentry-mode", "loopback", "--passphrase", ""]
    return subprocess.run([*command, *arguments], input=stdin, capture_output=True, check=True).stdout


@pytest.mark.skipif(not shutil.which("gpg"), reason="gpg is not installed")
def test_keys_that_gpg_exports_are_taken_armored_and_binary(tmp_path: Path) -> None:
    gpg(tmp_path, "--quick-generate-key", "holder@example.com", "ed25519", "sign", "never")
    armored, binary = gpg(tmp_path, "--armor", "--export"), gpg(tmp_path, "--export")
    assert base64.b64decode(plan.pgp_key(armored.decode())) == binary
    assert base64.b64decode(plan.pgp_key(base64.encodebytes(binary).decode())) == binary
    secret = gpg(tmp_path, "--armor", "--export-secret-keys").decode()
    for wrong in (secret, "", "holder@example.com", base64.b64encode(b"nonsense").decode()):
        with pytest.raises(VaultError, match="no public key"):
            plan.pgp_key(wrong)


def test_files_for_keys_are_there_before_the_keys_and_hold_what_was_handed_over(tmp_path: Path) -> None:
    handover = Handover(str(tmp_path / "new"), "v", 1)
    handover.reserve()
    assert len(handover.lost()) == 2
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "new").iterdir()} == {0o600}
    handover.reserve()
    handover.fill([base64.b64encode(b"one").decode(), base64.b64encode(b"root").decode()])
    assert not handover.lost()
    assert (tmp_path / "new/v-root-token.gpg").read_bytes() == b"root"
    with pytest.raises(VaultError, match="holds keys already"):
        handover.reserve()
    with pytest.raises(VaultError, match="name another keys_folder"):
        Handover("/proc/nowhere", "v", 1).reserve()
