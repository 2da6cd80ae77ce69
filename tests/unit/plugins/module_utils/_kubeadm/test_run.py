# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documents for kubeadm, texts from kubeadm, and what a run returns."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.kubestd.platform.plugins.module_utils._errors import KubestdError
from ansible_collections.kubestd.platform.plugins.module_utils._kubeadm import actions, config, credentials, etcd, state
from ansible_collections.kubestd.platform.plugins.module_utils._kubeadm import process as process_module
from ansible_collections.kubestd.platform.plugins.module_utils._kubeadm import run as run_module
from ansible_collections.kubestd.platform.plugins.module_utils._kubeadm.plan import Action, Found, Plan, Wanted

TOKEN, KEY = "abcdef.0123456789abcdef", "5e" * 32
HASH = "sha256:" + "ab" * 32
SECRETS = {"token": TOKEN, "ca_cert_hashes": [HASH], "certificate_key": KEY}


def parts(text: str) -> list[dict[str, Any]]:
    return [json.loads(part) for part in text.split("\n---\n")]


def test_the_module_adds_kinds_and_a_token_that_nobody_uses_dies_at_once() -> None:
    made = parts(config.init_documents({"cluster_configuration": {"clusterName": "k"}}))
    assert [part["kind"] for part in made] == ["InitConfiguration", "ClusterConfiguration", "KubeletConfiguration"]
    assert made[0]["bootstrapTokens"][0]["ttl"] == "1m0s"
    assert made[1] == {"apiVersion": "kubeadm.k8s.io/v1beta4", "kind": "ClusterConfiguration", "clusterName": "k"}


def test_a_worker_gets_no_certificate_key() -> None:
    configuration = {"join_configuration": {"controlPlane": {"localAPIEndpoint": {}}}}
    (worker,) = parts(config.join_documents(configuration, "worker", "vip:6443", SECRETS))
    (control,) = parts(config.join_documents(configuration, "control_plane", "vip:6443", SECRETS))
    assert "controlPlane" not in worker
    assert control["controlPlane"]["certificateKey"] == KEY
    assert worker["discovery"]["bootstrapToken"] == {
        "apiServerEndpoint": "vip:6443",
        "token": TOKEN,
        "caCertHashes": [HASH],
    }
    assert configuration == {"join_configuration": {"controlPlane": {"localAPIEndpoint": {}}}}


def test_secrets_are_hidden_and_digests_are_not() -> None:
    shown = config.without_secrets(f"--token {TOKEN} hash {HASH} key {KEY}")
    assert TOKEN not in shown and KEY not in shown
    assert HASH in shown


OLD = """    - --initial-advertise-peer-urls=https://10.0.0.2:2380
    - --initial-cluster=cp1=https://10.0.0.1:2380,cp2=https://10.0.0.2:2380
    - --initial-cluster-state=existing
    - --snapshot-count=10000
"""
NEW = """    - --initial-advertise-peer-urls=https://10.0.0.2:2380
    - --initial-cluster=cp2=https://10.0.0.2:2380
    - --snapshot-count=20000
"""


def test_the_flags_of_the_moment_of_joining_are_kept() -> None:
    kept = config.keep_initial_cluster(NEW, OLD)
    assert kept == OLD.replace("10000", "20000")
    assert config.keep_initial_cluster(kept, OLD) == kept
    assert config.keep_initial_cluster(NEW, "") == NEW


@pytest.mark.parametrize(
    ("mark", "end"),
    [("|", "\n"), ("|-", "")],
)
def test_the_text_of_a_config_map_is_cut_out(mark: str, end: str) -> None:
    document = (
        f"kind: ConfigMap\ndata:\n  other: x\n  config.conf: {mark}\n    a: 1\n\n    b:\n      c: 2\n---\nkind: B\n"
    )
    assert config.data_text(document, "config.conf") == "a: 1\n\nb:\n  c: 2" + end
    assert config.data_text(document, "missing") is None


@pytest.mark.parametrize(("ttl", "seconds"), [("30m", 1800), ("1h30m", 5400), ("24h", 86400), ("60s", 60)])
def test_a_duration_is_read(ttl: str, seconds: int) -> None:
    assert credentials.seconds(ttl) == seconds


@pytest.mark.parametrize("ttl", ["", "30", "0m", "25h", "1d", "-5m", "30 m"])
def test_other_durations_are_refused(ttl: str) -> None:
    with pytest.raises(KubestdError, match=r"ttl"):
        credentials.seconds(ttl)


def test_a_token_has_the_form_that_kubernetes_asks_for() -> None:
    token = credentials.new_token()
    assert config.TOKEN.fullmatch(token)
    secret = credentials.token_secret(token, 0.0)
    assert secret["stringData"]["expiration"] == "1970-01-01T00:00:00Z"
    assert secret["metadata"]["name"] == f"bootstrap-token-{token[:6]}"


MEMBERS = [
    {"ID": "1", "name": "cp1", "peerURLs": ["https://10.0.0.1:2380"]},
    {"ID": "2", "name": "", "peerURLs": ["https://10.0.0.2:2380"], "isLearner": True},
]


def test_a_learner_that_never_started_is_found_by_its_address() -> None:
    assert (etcd.own_member(MEMBERS, "cp2", "10.0.0.2") or {})["ID"] == "2"
    assert etcd.own_member(MEMBERS, "cp3", "10.0.0.3") is None
    assert etcd.own_member(MEMBERS, "cp3", "") is None
    assert (etcd.own_member(MEMBERS, "cp1", "10.0.0.9") or {})["ID"] == "1"


def test_an_error_names_the_failed_checks_and_no_secret(tmp_path: Path) -> None:
    program = tmp_path / "kubeadm"
    program.write_text(
        f"#!/bin/sh\ncat\necho 'I1124 04:32:39.427721  1 x.go:1] noise'\necho '[ERROR Swap]: {TOKEN}'\nexit 3\n"
    )
    program.chmod(0o755)
    with pytest.raises(KubestdError) as caught:
        process_module.kubeadm(str(program), ["init", "--config", "/dev/stdin"], f"key {KEY}", 10.0)
    assert str(caught.value) == "kubeadm init failed (3). It says: [ERROR Swap]: <token>"


def test_kubeadm_reads_its_configuration_from_memory_twice_if_it_likes(tmp_path: Path) -> None:
    program = tmp_path / "kubeadm"
    program.write_text("#!/bin/sh\ncat /dev/stdin\ncat /dev/stdin\n")
    program.chmod(0o755)
    assert process_module.kubeadm(str(program), ["init"], "text\n", 10.0) == "text\ntext\n"


def test_a_program_that_hangs_is_ended(tmp_path: Path) -> None:
    program = tmp_path / "kubeadm"
    program.write_text("#!/bin/sh\nexec sleep 60\n")
    program.chmod(0o755)
    with pytest.raises(KubestdError, match="did not end within 0 s"):
        process_module.kubeadm(str(program), ["init"], "", 0.3)


def test_a_second_run_waits_for_the_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process_module, "programs", lambda _name: [])
    path = str(tmp_path / "lock")
    refused = pytest.raises(KubestdError, match="another run still works on this node")
    with process_module.one_at_a_time(1.0, path), refused, process_module.one_at_a_time(0.0, path):
        pass
    with process_module.one_at_a_time(0.0, path):
        pass


def test_a_kubeadm_that_runs_anyway_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process_module, "programs", lambda name: [4711] if name == "kubeadm" else [])
    refused = pytest.raises(KubestdError, match=r"kubeadm \(process 4711\) still works on this node after 0 s")
    with refused, process_module.one_at_a_time(0.0, str(tmp_path / "lock")):
        pass


def test_emptying_a_directory_keeps_it_and_does_not_follow_links(tmp_path: Path) -> None:
    (tmp_path / "keep").mkdir()
    (tmp_path / "keep" / "file").write_text("x")
    target = tmp_path / "volume"
    (target / "a" / "b").mkdir(parents=True)
    (target / "a" / "b" / "file").write_text("x")
    (target / "link").symlink_to(tmp_path / "keep")
    actions.remove_content(str(target))
    assert list(target.iterdir()) == []
    assert (tmp_path / "keep" / "file").exists()
    actions.remove_content(str(tmp_path / "missing"))


def test_a_manifest_is_replaced_at_once_and_is_private(tmp_path: Path) -> None:
    path = tmp_path / "manifests" / "etcd.yaml"
    actions.write_atomically(str(path), str(tmp_path / ".new"), "text")
    assert (path.read_text(), path.stat().st_mode & 0o777) == ("text", 0o600)
    assert not (tmp_path / ".new").exists()


def place(tmp_path: Path, **configuration: Any) -> state.Place:
    return state.Place(str(tmp_path), configuration, "", "cp1", str(tmp_path / "kubeadm"))


def test_the_node_is_read_from_its_files(tmp_path: Path) -> None:
    kubernetes = tmp_path / "etc/kubernetes"
    (kubernetes / "pki/etcd").mkdir(parents=True)
    (kubernetes / "manifests").mkdir()
    for name in ("admin.conf", "pki/ca.crt", "pki/ca.key", "pki/apiserver.key", "pki/sa.key"):
        (kubernetes / name).write_text("-----END x-----\ncurrent-context: x\n")
    (kubernetes / "manifests/etcd.yaml").write_text("etcd")
    (kubernetes / "pki/ca.srl").write_text("no file of kubeadm's")
    (tmp_path / "var/lib/etcd/lost+found").mkdir(parents=True)
    found = state.look(place(tmp_path), Wanted(role="control_plane", primary=True, node_name="cp1"))
    assert found.files == {
        "admin.conf", "pki/ca.crt", "pki/ca.key", "pki/apiserver.key", "pki/sa.key", "manifests/etcd.yaml"
    }  # fmt: skip
    assert found.half_written == ("pki/apiserver.key", "pki/sa.key")
    assert (found.etcd_data, found.manifests, found.control_plane) == (False, {"etcd": "etcd"}, True)


def test_a_bare_node_is_read_without_asking_anybody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state, "ask_endpoint", lambda *_: pytest.fail("asked"))
    assert state.look(place(tmp_path), Wanted()).bare


def test_where_the_api_server_listens_stands_in_its_manifest(tmp_path: Path) -> None:
    text = "    kubeadm.kubernetes.io/kube-apiserver.advertise-address.endpoint: 10.0.0.1:7443\n"
    assert state.local_server(place(tmp_path), text) == "https://10.0.0.1:7443"
    local = {"localAPIEndpoint": {"advertiseAddress": "2001:db8::1", "bindPort": 8443}}
    assert state.local_server(place(tmp_path, init_configuration=local), "") == "https://[2001:db8::1]:8443"


def test_the_certificate_must_name_the_endpoint_and_the_settings_names(tmp_path: Path) -> None:
    cluster = {"controlPlaneEndpoint": "[2001:db8:0::9]:6443", "apiServer": {"certSANs": ["a", "127.0.0.1", "a"]}}
    assert state.certificate_names(place(tmp_path, cluster_configuration=cluster)) == ("a", "127.0.0.1", "2001:db8::9")


STATES = [
    Found(),
    Found(endpoint="up", files=frozenset({"pki/ca.crt"}), same_cluster=True),
    Found(files=frozenset({"pki/ca.crt"}), same_cluster=False),
]


def bring(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, states: list[Found], check: bool, done: list[str]
) -> dict[str, Any]:
    """A run on a machine that passes through the given states."""
    left = list(states)
    monkeypatch.setattr(run_module, "look", lambda *_: left[0] if len(left) == 1 else left.pop(0))
    steps: dict[str, Callable[..., None]] = {
        name: lambda _node, action, _found: done.append(action.name) for name in actions.STEPS
    }
    monkeypatch.setattr(actions, "STEPS", steps)
    wanted = Wanted(role="worker", node_name="w1", endpoint="vip:6443")
    with open(tmp_path / "lock", "ab") as lock:
        node = actions.Node(place(tmp_path), wanted, SECRETS, [], 5.0, lock)
        return run_module.bring(node, check)


JOINED = Found(
    files=frozenset({"pki/ca.crt", "kubelet.conf", "kubelet/config.yaml", "kubelet/pki/kubelet-client-current.pem"}),
    access=True,
    registered=True,
    endpoint="up",
    same_cluster=True,
)


@pytest.mark.parametrize("first", [Found(), JOINED], ids=["bare", "joined"])
def test_check_mode_and_a_real_run_return_the_same_keys(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, first: Found
) -> None:
    done: list[str] = []
    checked = bring(monkeypatch, tmp_path, [first], True, done)
    assert done == []
    real = bring(monkeypatch, tmp_path, [first, JOINED], False, done)
    assert checked.keys() == real.keys()
    assert checked["found"].keys() == real["found"].keys()
    assert (checked["changed"], checked["actions"]) == (real["changed"], real["actions"])
    assert checked["found"] == real["found"]


def test_no_secret_is_in_a_result(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    result = bring(monkeypatch, tmp_path, [Found(), JOINED], False, [])
    assert not any(secret in json.dumps(result) for secret in (TOKEN, KEY, HASH))


def test_a_refusal_returns_what_was_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(run_module.Refused, match="belongs to another cluster") as caught:
        bring(monkeypatch, tmp_path, [STATES[2]], False, [])
    assert caught.value.result.keys() == bring(monkeypatch, tmp_path, [JOINED], True, []).keys()


def test_an_action_without_effect_is_an_error_and_not_a_loop(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    done: list[str] = []
    with pytest.raises(KubestdError, match="register was done and w1 looks as before"):
        unregistered = Found(**{**JOINED.__dict__, "registered": False})
        bring(monkeypatch, tmp_path, [unregistered], False, done)
    assert done == ["register"]


def test_a_join_without_credentials_says_how_to_get_them(tmp_path: Path) -> None:
    with open(tmp_path / "lock", "ab") as lock:
        node = actions.Node(
            place(tmp_path), Wanted(role="control_plane", node_name="cp2"), {"token": "x"}, [], 5.0, lock
        )
        with pytest.raises(KubestdError, match="no ca_cert_hashes, certificate_key. Make them with kubestd.platform"):
            node.join(Action("join", ""), Found())


def test_the_diff_shows_what_differs_and_hides_secrets() -> None:
    old = "".join(f"line {number}\n" for number in range(40))
    wanted = Wanted(manifests={"etcd": old.replace("line 20\n", f"line {TOKEN}\n")})
    before, after = run_module.difference(
        [Action("configure", "why", ("etcd",))], wanted, Found(manifests={"etcd": old})
    )
    assert "line 20" in before and "line <token>" in after
    assert "line 5\n" not in before + after
    assert TOKEN not in after


def test_every_action_of_the_plan_can_be_carried_out() -> None:
    source = Path(run_module.__file__).with_name("plan.py").read_text(encoding="utf-8")
    names = {
        part.split('"')[0]
        for part in (
            source.replace("Action(\n", "Action(").replace("Action(                ", "Action(").split('Action("')[1:]
        )
    }
    assert names <= actions.STEPS.keys()
    assert Plan().needs_credentials is False
