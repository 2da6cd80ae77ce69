# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which API server, and as whom: everything that a kubeconfig, the options and the environment may say."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.kubestd.platform.plugins.module_utils import _kubeconfig
from ansible_collections.kubestd.platform.plugins.module_utils._errors import KubestdError
from ansible_collections.kubestd.platform.plugins.module_utils._kubeconfig import (
    Access,
    NoAccess,
    Plugin,
    TokenFile,
    access,
    proxy_for,
)
from hypothesis import given, settings
from hypothesis import strategies as st

CA, CERTIFICATE, KEY = (f"-----BEGIN {name}-----\nx\n-----END {name}-----\n" for name in ("CA", "CERTIFICATE", "KEY"))
SERVER = "https://192.0.2.1:6443"
PATH = {"PATH": os.environ["PATH"]}


def config(user: Any = None, cluster: Any = None, name: str = "one", **more: Any) -> dict[str, Any]:
    """A kubeconfig with one cluster, one user and one context of the same name."""
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": name,
        "clusters": [{"name": name, "cluster": {"server": SERVER} if cluster is None else cluster}],
        "users": [{"name": name, "user": {"token": "secret"} if user is None else user}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        **more,
    }


def read(document: Any, environment: dict[str, str] | None = None, **options: Any) -> Access:
    return access({"kubeconfig_content": json.dumps(document), **options}, environment or {})


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "config"
    path.write_text(yaml.safe_dump(config()))
    return path


def test_a_file_and_its_content_say_the_same(file: Path) -> None:
    by_path, by_content = access({"kubeconfig": str(file)}, {}), read(config())
    assert by_path == by_content == Access(SERVER, token="secret")


def test_content_wins_over_a_path_that_is_not_there() -> None:
    assert read(config(), kubeconfig="/nowhere").token == "secret"


@pytest.mark.parametrize("name", ["K8S_AUTH_KUBECONFIG", "KUBECONFIG"])
def test_the_environment_names_a_file(file: Path, name: str) -> None:
    assert access({}, {name: str(file)}).token == "secret"


def test_the_file_in_the_home_folder_is_the_default(file: Path, tmp_path: Path) -> None:
    (tmp_path / ".kube").mkdir()
    file.rename(tmp_path / ".kube/config")
    assert access({}, {"HOME": str(tmp_path)}).token == "secret"
    assert access({"host": "https://other:6443"}, {"HOME": str(tmp_path)}) == Access("https://other:6443")


def test_of_several_files_the_first_to_name_something_wins(file: Path, tmp_path: Path) -> None:
    second, context = tmp_path / "second", {"name": "two", "context": {"cluster": "one", "user": "two"}}
    users = [{"name": "two", "user": {"token": "two"}}, {"name": "one", "user": {"token": "late"}}]
    second.write_text(json.dumps({"users": users, "contexts": [context], "current-context": "two"}))
    both = {"KUBECONFIG": os.pathsep.join(["/nowhere", str(file), str(second)])}
    assert access({}, both).token == "secret"
    assert access({"context": "two"}, both).token == "two"


def test_files_of_which_none_is_there_are_named() -> None:
    with pytest.raises(NoAccess, match=r"Cannot read the kubeconfig /nowhere: No such file"):
        access({}, {"KUBECONFIG": "/nowhere:/neither"})
    with pytest.raises(NoAccess, match="Cannot read the kubeconfig /nowhere"):
        access({"kubeconfig": "/nowhere"}, {})


def test_nothing_at_all_says_what_to_set(tmp_path: Path) -> None:
    with pytest.raises(NoAccess, match="set kubeconfig to a file, or host and api_key"):
        access({}, {"HOME": str(tmp_path)})


def test_a_context_is_chosen() -> None:
    document = config()
    document["contexts"].append({"name": "two", "context": {"cluster": "one"}})
    assert read(document, context="two") == Access(SERVER)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"current-context": "two"}, "has no context 'two'; it has one"),
        ({"current-context": ""}, "names no context; set current-context there, or the option context"),
        ({"contexts": []}, "has no context 'one'; it has none"),
        ({"clusters": []}, "has no cluster 'one'"),
        ({"users": None}, "has no user 'one'"),
        ({"contexts": [{"name": "one", "context": {}}]}, "names no cluster; its context has to"),
        ({"clusters": "one"}, "clusters of the kubeconfig kubeconfig_content is not a list"),
        ({"users": ["one"]}, "users of the kubeconfig kubeconfig_content is not a list of entries"),
        (
            {"users": [{"name": "one", "user": "me"}]},
            "user 'one' of the kubeconfig kubeconfig_content is not a mapping",
        ),
        ({"clusters": [{"name": "one", "cluster": {}}]}, "No API server is known"),
    ],
)
def test_a_kubeconfig_that_does_not_fit_together_is_named(change: dict[str, Any], message: str) -> None:
    with pytest.raises(KubestdError, match=message):
        read(config(**change))


@pytest.mark.parametrize(("text", "message"), [("{", "is not YAML"), ("- a", "is not a mapping"), ("text", "mapping")])
def test_a_text_that_is_no_kubeconfig_is_named(text: str, message: str) -> None:
    with pytest.raises(KubestdError, match=f"kubeconfig_content {message}|kubeconfig_content is .*{message}"):
        access({"kubeconfig_content": text}, {})


def test_bytes_that_are_no_text_are_named(file: Path) -> None:
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(KubestdError, match=f"{file} is not YAML"):
        access({"kubeconfig": str(file)}, {})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 9) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    max_leaves=6,
)
USER = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(
        (
            "token",
            "tokenFile",
            "username",
            "password",
            "client-certificate",
            "client-certificate-data",
            "client-key-data",
            "auth-provider",
            "as",
        ),
        JSON,
    )
    | {
        "exec": st.fixed_dictionaries(
            {"command": st.sampled_from(["/bin/false", "/nowhere", 1, None])}, optional={"args": JSON, "env": JSON}
        )
    },
)
CLUSTER = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(
        ("server", "certificate-authority", "certificate-authority-data", "proxy-url", "tls-server-name"), JSON
    ),
)
ENTRY = {"name": st.just("one")}
CONFIG = st.fixed_dictionaries(
    {},
    optional={
        "current-context": st.just("one") | JSON,
        "clusters": st.lists(st.fixed_dictionaries({**ENTRY, "cluster": CLUSTER | JSON}), max_size=1) | JSON,
        "users": st.lists(st.fixed_dictionaries({**ENTRY, "user": USER | JSON}), max_size=1) | JSON,
        "contexts": st.just([{"name": "one", "context": {"cluster": "one", "user": "one"}}]) | JSON,
    },
)


@settings(max_examples=150, deadline=None)
@given(CONFIG | JSON)
def test_whatever_stands_in_a_kubeconfig_the_answer_is_an_access_or_a_sentence(document: Any) -> None:
    with contextlib.suppress(KubestdError):
        assert read(document).server


def test_certificates_are_inline_or_files_beside_the_kubeconfig(file: Path, tmp_path: Path) -> None:
    wanted = Access(SERVER, ca=CA, certificate=CERTIFICATE, key=KEY)
    user = {"client-certificate-data": encoded(CERTIFICATE), "client-key-data": encoded(KEY)}
    assert read(config(user, {"server": SERVER, "certificate-authority-data": encoded(CA)})) == wanted
    for name, text in (("ca", CA), ("certificate", CERTIFICATE), ("key", KEY)):
        (tmp_path / name).write_text(text)
    user = {"client-certificate": "certificate", "client-key": str(tmp_path / "key")}
    file.write_text(json.dumps(config(user, {"server": SERVER, "certificate-authority": "ca"})))
    assert access({"kubeconfig": str(file)}, {}) == wanted


def test_inline_data_wins_over_a_file() -> None:
    cluster = {"server": SERVER, "certificate-authority": "/nowhere", "certificate-authority-data": encoded(CA)}
    assert read(config(cluster=cluster)).ca == CA


@pytest.mark.parametrize(
    ("cluster", "message"),
    [
        ({"certificate-authority": "/nowhere"}, r"Cannot read /nowhere \(certificate-authority\): No such file"),
        ({"certificate-authority-data": "//8="}, "certificate-authority-data of the kubeconfig is not base64"),
        ({"certificate-authority-data": "x"}, "certificate-authority-data of the kubeconfig is not base64"),
        ({"certificate-authority-data": 5}, "certificate-authority-data of the kubeconfig is int, not text"),
        ({"server": 6443}, "server of the kubeconfig is int, not text"),
    ],
)
def test_a_certificate_that_cannot_be_read_is_named(cluster: dict[str, Any], message: str) -> None:
    with pytest.raises(KubestdError, match=message):
        read(config(cluster={"server": SERVER, **cluster}))


def test_a_certificate_in_der_is_named(file: Path, tmp_path: Path) -> None:
    (tmp_path / "ca").write_bytes(b"\x30\x82\xff")
    file.write_text(json.dumps(config(cluster={"server": SERVER, "certificate-authority": "ca"})))
    with pytest.raises(KubestdError, match=r"ca \(certificate-authority\) is not text"):
        access({"kubeconfig": str(file)}, {})


def test_options_win_over_the_kubeconfig(tmp_path: Path) -> None:
    document = config(cluster={"server": SERVER, "insecure-skip-tls-verify": True, "proxy-url": "http://a:1"})
    assert not read(document).verify
    (tmp_path / "ca").write_text(CA)
    for ca in (CA, str(tmp_path / "ca")):
        options = {"host": "https://h:1", "api_key": "t", "ca_cert": ca, "validate_certs": True, "proxy": "http://b:1"}
        assert read(document, **options) == Access("https://h:1", ca=CA, token="t", proxy="http://b:1")


def test_an_insecure_connection_has_to_be_asked_for() -> None:
    assert read(config()).verify
    assert not read(config(), validate_certs=False).verify


def test_a_name_for_the_certificate_is_followed() -> None:
    assert read(config(cluster={"server": SERVER, "tls-server-name": "api"})).server_name == "api"


def test_the_service_account_of_a_pod_is_the_last_resort(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pod = {"KUBERNETES_SERVICE_HOST": "fd00::1", "KUBERNETES_SERVICE_PORT": "6443", "HOME": str(tmp_path)}
    monkeypatch.setattr(_kubeconfig, "SERVICE_ACCOUNT", str(tmp_path))
    with pytest.raises(NoAccess):
        access({}, pod)
    (tmp_path / "token").write_text("first\n")
    with pytest.raises(KubestdError, match=r"ca.crt \(the service account\): No such file"):
        access({}, pod)
    (tmp_path / "ca.crt").write_text(CA)
    found = access({}, pod)
    assert (found.server, found.ca) == ("https://[fd00::1]:6443", CA)
    assert isinstance(found.token, TokenFile)
    assert found.token() == "first"
    # A kubelet replaces the token before it expires.
    (tmp_path / "token").write_text("second")
    assert found.token() == "second"


def test_a_token_file_is_read_again_and_wins_over_a_token(file: Path, tmp_path: Path) -> None:
    file.write_text(json.dumps(config({"token": "old", "tokenFile": "token"})))
    with pytest.raises(KubestdError, match=r"token \(tokenFile\): No such file"):
        access({"kubeconfig": str(file)}, {})
    (tmp_path / "token").write_text("")
    with pytest.raises(KubestdError, match=r"token \(tokenFile\) is empty"):
        access({"kubeconfig": str(file)}, {})
    (tmp_path / "token").write_text("first\n")
    found = access({"kubeconfig": str(file)}, {})
    assert isinstance(found.token, TokenFile)
    (tmp_path / "token").write_text("second")
    assert found.token() == "second"


def test_user_and_password_are_used_when_there_is_no_token() -> None:
    assert read(config({"username": "me", "password": "x:y"})) == Access(SERVER, login=("me", "x:y"))
    assert read(config({"username": "me"})).login == ("me", "")


@pytest.mark.parametrize("name", ["as", "auth-provider"])
def test_what_would_make_somebody_else_of_us_is_refused(name: str) -> None:
    with pytest.raises(KubestdError, match=f"user has {name}, which is not supported"):
        read(config({"token": "secret", name: "x"}))


class Script:
    """An exec plugin: a program that counts its runs."""

    def __init__(self, folder: Path, body: str) -> None:
        self.path, self.runs = folder / "plugin", folder / "runs"
        self.path.write_text(f"#!/bin/sh\necho >> {self.runs}\n{body}\n")
        self.path.chmod(self.path.stat().st_mode | stat.S_IXUSR)

    def access(self, cluster: Any = None, **wanted: Any) -> Access:
        user = {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": str(self.path), **wanted}}
        return read(config(user, cluster), PATH)

    @property
    def count(self) -> int:
        return len(self.runs.read_text())


def credential(**status: Any) -> str:
    document = {"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": status}
    return f"cat <<'END'\n{json.dumps(document)}\nEND"


def bearer(found: Access) -> str | None:
    assert isinstance(found.token, Plugin)
    return found.token()


def test_an_exec_plugin_gives_a_token_and_is_asked_once(tmp_path: Path) -> None:
    plugin = Script(tmp_path, credential(token="made", expirationTimestamp="2999-01-01T00:00:00Z"))
    found = plugin.access()
    assert [bearer(found), bearer(found)] == ["made", "made"]
    assert plugin.count == 1


@pytest.mark.parametrize("when", ["2020-01-01T00:00:00Z", "2020-01-01T00:00:00.123456789+02:00", "2020-01-01"])
def test_an_exec_plugin_is_asked_again_when_its_token_has_expired(tmp_path: Path, when: str) -> None:
    plugin = Script(tmp_path, credential(token="made", expirationTimestamp=when))
    assert bearer(plugin.access()) == "made"
    assert plugin.count == 2


def test_an_exec_plugin_gives_a_certificate(tmp_path: Path) -> None:
    plugin = Script(tmp_path, credential(clientCertificateData=CERTIFICATE, clientKeyData=KEY))
    assert plugin.access() == Access(SERVER, certificate=CERTIFICATE, key=KEY)


def test_an_exec_plugin_is_told_what_it_needs(tmp_path: Path) -> None:
    plugin = Script(tmp_path, f'echo "$1 $EXTRA $KUBERNETES_EXEC_INFO" > {tmp_path}/told; {credential(token="x")}')
    (tmp_path / "ca").write_text(CA)
    cluster = {
        "server": SERVER,
        "certificate-authority": str(tmp_path / "ca"),
        "extensions": [{"name": "client.authentication.k8s.io/exec", "extension": {"audience": "a"}}],
    }
    plugin.access(cluster, args=["login"], env=[{"name": "EXTRA", "value": "more"}], provideClusterInfo=True)
    first, extra, info = (tmp_path / "told").read_text().split(" ", 2)
    assert (first, extra) == ("login", "more")
    assert json.loads(info)["spec"] == {
        "interactive": False,
        "cluster": {"server": SERVER, "certificate-authority-data": encoded(CA), "config": {"audience": "a"}},
    }
    plugin.access(cluster)
    assert json.loads((tmp_path / "told").read_text().strip())["spec"] == {"interactive": False}


def test_the_command_of_an_exec_plugin_may_stand_beside_the_kubeconfig(file: Path, tmp_path: Path) -> None:
    Script(tmp_path, credential(token="made"))
    file.write_text(json.dumps(config({"exec": {"command": "./plugin"}})))
    assert bearer(access({"kubeconfig": str(file)}, PATH)) == "made"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("echo no session >&2; exit 3", r"plugin failed \(3\): no session"),
        ("echo rubbish", "did not answer with an ExecCredential"),
        ("echo '[]'", "did not answer with an ExecCredential"),
        ('echo \'{"status": "text"}\'', "did not answer with an ExecCredential"),
        (credential(token="x", expirationTimestamp="soon"), "did not answer with an ExecCredential"),
        (credential(), "neither a token nor a certificate and key"),
        (credential(clientCertificateData=CERTIFICATE), "neither a token nor a certificate and key"),
    ],
)
def test_an_exec_plugin_that_fails_is_named(tmp_path: Path, body: str, message: str) -> None:
    with pytest.raises(KubestdError, match=message):
        Script(tmp_path, body).access()


def test_an_exec_plugin_that_never_answers_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_kubeconfig, "EXEC_TIMEOUT", 0.1)
    with pytest.raises(KubestdError, match="did not answer: .*timed out"):
        Script(tmp_path, "exec sleep 5").access()


def test_an_exec_plugin_that_is_not_there_is_named_with_its_hint() -> None:
    with pytest.raises(KubestdError, match="exec plugin nowhere is not on this machine; brew it"):
        read(config({"exec": {"command": "nowhere", "installHint": "brew it"}}), PATH)
    with pytest.raises(KubestdError, match="exec plugin has no command"):
        read(config({"exec": {"args": []}}), PATH)


def test_a_kubeconfig_for_a_command_says_the_same(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("secret")
    user = {"client-certificate-data": encoded(CERTIFICATE), "client-key-data": encoded(KEY)}
    cluster = {
        "server": SERVER,
        "certificate-authority-data": encoded(CA),
        "tls-server-name": "a",
        "proxy-url": "http://p",
    }
    for found in (
        read(config(user, cluster)),
        read(config({"token": "secret"}, cluster)),
        read(config({"username": "me", "password": "x"}, {"server": SERVER, "insecure-skip-tls-verify": True})),
    ):
        assert access({"kubeconfig_content": found.kubeconfig("here").decode()}, {}) == found
    by_file = read(config({"tokenFile": str(tmp_path / "token")}))
    written = json.loads(by_file.kubeconfig("here"))
    assert written["users"][0]["user"] == {"tokenFile": str(tmp_path / "token")}
    assert written["contexts"][0]["context"]["namespace"] == "here"
    plugin = Script(tmp_path, credential(token="made"))
    assert json.loads(plugin.access().kubeconfig())["users"][0]["user"] == {"token": "made"}


def test_a_secret_is_not_in_what_python_shows() -> None:
    assert "secret" not in repr(read(config()))


PROXY = {"HTTPS_PROXY": "http://proxy:3128"}


@pytest.mark.parametrize(
    ("server", "no_proxy", "used"),
    [
        ("https://api.example.com:6443", "", True),
        ("api.example.com:6443", "", True),
        ("https://localhost:6443", "", False),
        ("https://127.0.0.1:6443", "", False),
        ("https://[::1]:6443", "", False),
        ("https://api.example.com:6443", "*", False),
        ("https://api.example.com:6443", "other.com, Example.COM", False),
        ("https://example.com", "example.com", False),
        ("https://example.com", ".example.com", True),
        ("https://api.example.com", ".example.com", False),
        ("https://api.example.com", "*.example.com", False),
        ("https://example.com", "*.example.com", True),
        ("https://notexample.com", "example.com", True),
        ("https://api.example.com:6443", "example.com:6443", False),
        ("https://api.example.com:6443", "example.com:443", True),
        ("https://api.example.com", "example.com:443", False),
        ("https://192.0.2.1:6443", "192.0.2.0/24", False),
        ("https://192.0.2.1:6443", "198.51.100.0/24", True),
        ("https://192.0.2.1:6443", "192.0.2.1", False),
        ("https://192.0.2.1:6443", "192.0.2.1:6443", False),
        ("https://192.0.2.1:6443", "192.0.2.1:443", True),
        ("https://192.0.2.1:6443", "2.1", True),
        ("https://[2001:db8::1]:6443", "2001:db8::/32", False),
        ("https://[2001:db8::1]:6443", "2001:db8::1", False),
        ("https://[2001:db8::1]:6443", "[2001:db8::1]:6443", False),
        ("https://api.example.com", "192.0.2.1, 300.0.0.0/33,, :6443", True),
    ],
)
def test_the_proxy_of_the_environment_is_used_as_kubectl_does(server: str, no_proxy: str, used: bool) -> None:
    assert proxy_for(server, {**PROXY, "NO_PROXY": no_proxy}) == (PROXY["HTTPS_PROXY"] if used else None)
    assert read(config(cluster={"server": server}), {**PROXY, "no_proxy": no_proxy}).proxy == (
        PROXY["HTTPS_PROXY"] if used else None
    )


def test_which_proxy_is_meant() -> None:
    both = {"https_proxy": "http://a", "HTTP_PROXY": "http://b"}
    assert proxy_for("https://192.0.2.1", both) == "http://a"
    assert proxy_for("http://192.0.2.1", both) == "http://b"
    assert proxy_for("https://192.0.2.1", {}) is None
    assert proxy_for("https://192.0.2.1:port", both) is None
    cluster = {"server": SERVER, "proxy-url": "http://c"}
    assert read(config(cluster=cluster), both).proxy == "http://c"
    assert read(config(cluster=cluster), both, proxy="http://d").proxy == "http://d"


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=12), st.text("0123456789abf.:/*[], ", max_size=16))
def test_no_text_of_the_environment_is_an_error(server: str, no_proxy: str) -> None:
    assert proxy_for(server, {**PROXY, "NO_PROXY": no_proxy}) in (None, PROXY["HTTPS_PROXY"])
