# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""k8s_manifests and k8s_secret against a real API server."""

from __future__ import annotations

import base64
import hashlib
import json
import random
import subprocess
import threading
import time
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.kubestd.platform.plugins.module_utils._errors import KubestdError
from ansible_collections.kubestd.platform.plugins.module_utils._kubeconfig import access
from ansible_collections.kubestd.platform.plugins.module_utils._manifests.plan import checked
from ansible_collections.kubestd.platform.plugins.module_utils._manifests.read import gather
from ansible_collections.kubestd.platform.plugins.module_utils._manifests.run import ManifestSet, reconcile
from ansible_collections.kubestd.platform.plugins.module_utils._objects import Objects
from ansible_collections.kubestd.platform.plugins.module_utils._secret.plan import make_keys
from ansible_collections.kubestd.platform.plugins.module_utils._secret.run import Store

from .charts import CRD
from .control_plane import ControlPlane

KEY = {"format": "password", "length": 32, "bits": None, "from_key": None, "user": None}


def config(name: str, **data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


class Space:
    """A namespace, and sets in it."""

    def __init__(self, control_plane: ControlPlane, cache: Path) -> None:
        self.control_plane, self.cache = control_plane, cache
        self.name = f"set-{random.randrange(10**9)}"
        control_plane.kubectl("create", "namespace", self.name)

    def kubectl(self, *arguments: str, **options: str) -> str:
        return self.control_plane.kubectl("-n", self.name, *arguments, **options)

    def objects(self) -> Objects:
        return Objects(access({"kubeconfig": str(self.control_plane.kubeconfig)}).client())

    def apply(self, *objects: dict[str, Any], check_mode: bool = False, **options: Any) -> dict[str, Any]:
        chosen = {"state": "present", "prune": True, "timeout": 30, "force": False, "urls": [], **options}
        found = checked(*gather({"objects": list(objects), "urls": chosen["urls"]}, str(self.cache)))
        manifests = ManifestSet(self.objects(), "test", self.name, chosen["timeout"], chosen["force"])
        return reconcile(manifests, chosen, found, check_mode)

    def secret(
        self, *keys: dict[str, Any], copies: tuple[str, ...] = (), state: str = "present", check_mode: bool = False
    ) -> dict[str, Any]:
        options = {
            "name": "made",
            "namespace": self.name,
            "labels": {},
            "annotations": {},
            "type": "Opaque",
            "copies": copies,
        }
        store = Store(self.objects(), options, make_keys([{**KEY, **key} for key in keys]))
        return store.present(check_mode) if state == "present" else store.absent(check_mode)


def actions(result: dict[str, Any]) -> dict[str, str]:
    return {item["name"]: item["action"] for item in result["objects"]}


@pytest.fixture
def space(control_plane: ControlPlane, tmp_path: Path) -> Iterator[Space]:
    made = Space(control_plane, tmp_path)
    yield made
    control_plane.kubectl("delete", "namespace", made.name, "--wait=false")


def test_a_set_is_made_once_and_pruned(space: Space) -> None:
    assert actions(space.apply(config("a", x="1"), config("b"))) == {"a": "created", "b": "created"}
    assert not space.apply(config("a", x="1"), config("b"))["changed"]
    assert actions(space.apply(config("a", x="2"))) == {"a": "changed", "b": "deleted"}
    assert space.kubectl("get", "configmap", "b", "--ignore-not-found") == ""
    assert not space.apply(config("a", x="2"))["changed"]


def test_what_was_changed_by_hand_is_repaired(space: Space) -> None:
    space.apply(config("a", x="1"))
    space.kubectl("delete", "configmap", "a")
    assert actions(space.apply(config("a", x="1"))) == {"a": "created"}


def test_a_conflict_names_the_field_and_its_owner(space: Space) -> None:
    space.apply(config("a", x="1"))
    space.kubectl("patch", "configmap", "a", "--field-manager=someone", "-p", '{"data":{"x":"9"}}')
    with pytest.raises(
        KubestdError, match=r"ConfigMap .*/a: others have set \.data\.x \(someone\).* set force_conflicts to true"
    ):
        space.apply(config("a", x="1"))
    assert space.apply(config("a", x="1"), force=True)["changed"]
    assert space.kubectl("get", "configmap", "a", "-o", "jsonpath={.data.x}") == "1"


def test_a_definition_and_its_resource_come_and_go_in_one_set(space: Space) -> None:
    crd = json.loads(
        json.dumps(CRD)
        .replace("demos", "sets")
        .replace("demo", "set")
        .replace("Demo", "Set")
        .replace("charts.kubestd", "sets.kubestd")
    )
    custom = {"apiVersion": "sets.kubestd/v1", "kind": "Set", "metadata": {"name": "one"}}
    assert actions(space.apply(custom, crd, check_mode=True)) == {"sets.sets.kubestd": "created", "one": "created"}
    assert space.apply(custom, crd)["changed"]
    assert not space.apply(custom, crd)["changed"]
    gone = space.apply(state="absent")
    assert [item["name"] for item in gone["objects"]] == ["one", "sets.sets.kubestd"]
    assert not space.apply(custom, crd, state="absent")["changed"]
    assert space.kubectl("get", "crd", "sets.sets.kubestd", "--ignore-not-found") == ""


def test_an_object_whose_definition_somebody_else_brings_later_is_waited_for_and_lands_in_the_namespace_of_its_set(
    space: Space,
) -> None:
    late = json.loads(json.dumps(CRD).replace("charts.kubestd", "late.kubestd"))
    item = {"apiVersion": "late.kubestd/v1", "kind": "Demo", "metadata": {"name": "a"}}
    with pytest.raises(KubestdError, match=r"Demo a: Demo of late.kubestd/v1 was not served within 0 s; is its Custom"):
        space.apply(item, timeout=0.3)
    timer = threading.Timer(1, space.kubectl, ("apply", "-f", "-"), {"stdin": json.dumps(late)})
    timer.start()
    try:
        assert actions(space.apply(item)) == {"a": "created"}
        assert space.kubectl("get", "demos.late.kubestd", "-o", "name").split() == ["demo.late.kubestd/a"]
        assert actions(space.apply(item)) == {"a": "unchanged"}
        assert actions(space.apply(item, state="absent")) == {"a": "deleted"}
    finally:
        timer.join()
        space.kubectl("delete", "crd", "demos.late.kubestd")


def test_what_holds_an_object_is_named_when_it_does_not_go(space: Space) -> None:
    held = config("held")
    held["metadata"]["finalizers"] = ["example.com/keep"]
    space.apply(held)
    with pytest.raises(
        KubestdError, match=r"still there after 1 s: ConfigMap .*/held is being deleted .* held by example.com/keep"
    ):
        space.apply(state="absent", timeout=1)
    space.kubectl("patch", "configmap", "held", "--type=merge", "-p", '{"metadata":{"finalizers":null}}')
    space.apply(state="absent")


def test_check_mode_changes_nothing_and_shows_the_difference(space: Space) -> None:
    result = space.apply(config("a", x="1"), check_mode=True)
    assert result["changed"] and "x: '1'" in result["diff"]["after"]
    assert space.kubectl("get", "configmap", "a", "--ignore-not-found") == ""
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": {"word": "MARKER"}}
    assert "MARKER" not in json.dumps(space.apply(secret, check_mode=True))


def test_a_namespace_that_is_not_there_yet_can_be_in_the_set(space: Space) -> None:
    name = f"{space.name}-in"
    inside = config("a")
    inside["metadata"]["namespace"] = name
    space_object = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    assert space.apply(inside, space_object, check_mode=True)["changed"]
    assert space.apply(inside, space_object)["changed"]
    assert not space.apply(inside, space_object)["changed"]
    space.apply(state="absent")


def test_a_webhook_that_is_not_up_yet_is_waited_for_and_the_rest_goes_on(space: Space) -> None:
    hook = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": space.name},
        "webhooks": [
            {
                "name": "late.kubestd.test",
                "clientConfig": {"service": {"name": "none", "namespace": space.name}},
                "rules": [
                    {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["secrets"]}
                ],
                "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": space.name}},
                "sideEffects": "None",
                "admissionReviewVersions": ["v1"],
            }
        ],
    }
    space.control_plane.kubectl("create", "-f", "-", stdin=json.dumps(hook))
    time.sleep(1)
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}}
    with pytest.raises(KubestdError, match="1 objects of test were not accepted within 1 s.*late.kubestd.test"):
        space.apply(secret, config("a"), timeout=1)
    assert space.kubectl("get", "configmap", "a", "-o", "name")
    timer = threading.Timer(2, space.control_plane.kubectl, ("delete", "validatingwebhookconfiguration", space.name))
    timer.start()
    assert actions(space.apply(secret, config("a"))) == {"s": "created", "a": "unchanged"}
    timer.join()


def test_objects_from_an_address_are_pinned(space: Space, tmp_path: Path) -> None:
    text = yaml.safe_dump(config("from-url"))
    (tmp_path / "a.yaml").write_text(text)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=str(tmp_path)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_address[1]}/a.yaml"
    with pytest.raises(KubestdError, match="it is not what was pinned"):
        space.apply(urls=[{"url": url, "sha256": "0" * 64}])
    pinned = [{"url": url, "sha256": hashlib.sha256(text.encode()).hexdigest()}]
    assert space.apply(urls=pinned)["changed"]
    server.shutdown()
    server.server_close()
    assert not space.apply(urls=pinned)["changed"], "it is kept by digest"


@pytest.mark.parametrize(
    ("objects", "sentence"),
    [
        ([{"kind": "ConfigMap"}], "item 1 of objects has no apiVersion"),
        ([config("a"), {"apiVersion": "v1", "kind": "Secret"}], r"item 2 of objects \(Secret\) has no metadata.name"),
        ([config("a"), config("a")], "ConfigMap a is there twice: item 1 of objects and item 2 of objects"),
        ([{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "A_B"}}], "A_B was refused: .*RFC 1123"),
    ],
)
def test_a_wrong_object_is_named(space: Space, objects: list[dict[str, Any]], sentence: str) -> None:
    with pytest.raises(KubestdError, match=sentence):
        space.apply(*objects)


def values(space: Space, namespace: str | None = None) -> dict[str, str]:
    text = space.control_plane.kubectl("-n", namespace or space.name, "get", "secret", "made", "-o", "json")
    return dict(json.loads(text)["data"])


def test_a_secret_is_made_once_and_grows(space: Space) -> None:
    result = space.secret({"key": "a"}, {"key": "b", "format": "hex", "length": 8})
    assert result["made"] == ["a", "b"]
    first = values(space)
    assert not space.secret({"key": "a"}, {"key": "b", "format": "hex", "length": 8})["changed"]
    assert space.secret({"key": "a"}, {"key": "c", "format": "uuid"})["made"] == ["c"]
    second = values(space)
    assert first.items() <= second.items() and "c" in second
    assert not any(value in json.dumps(result) for value in first.values())


def test_copies_are_made_and_kept_equal(space: Space) -> None:
    other = f"{space.name}-copy"
    space.secret({"key": "a"}, copies=(other,))
    assert values(space) == values(space, other)
    space.control_plane.kubectl("-n", other, "delete", "secret", "made")
    assert space.secret({"key": "a"}, copies=(other,))["actions"] == [f"make the secret {other}/made"]
    assert space.secret(state="absent", copies=(other,))["changed"]
    assert not space.secret(state="absent", copies=(other,))["changed"]
    space.control_plane.kubectl("delete", "namespace", other, "--wait=false")


def test_keys_belong_together(space: Space) -> None:
    space.secret(
        {"key": "word"},
        {"key": "line", "format": "htpasswd", "user": "me", "from_key": "word"},
        {"key": "private", "format": "ec_private_key"},
        {"key": "public", "format": "public_key", "from_key": "private"},
    )
    import bcrypt
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

    found = {name: base64.b64decode(value) for name, value in values(space).items()}
    user, line = found["line"].split(b":", 1)
    assert user == b"me" and bcrypt.checkpw(found["word"], line)
    public = load_pem_private_key(found["private"], None).public_key()
    assert public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo) == found["public"]


def test_the_modules_run_under_ansible_and_no_value_is_said(space: Space, tmp_path: Path) -> None:
    common = {"kubeconfig": str(space.control_plane.kubeconfig), "namespace": space.name}
    play = [
        {
            "hosts": "localhost",
            "gather_facts": False,
            "module_defaults": {"group/kubestd.platform.kubestd": common},
            "tasks": [
                {
                    "kubestd.platform.k8s_secret": {
                        "name": "made",
                        "keys": [{"key": "a"}, {"key": "b", "format": "rsa_private_key", "bits": 2048}],
                    }
                },
                {"kubestd.platform.k8s_manifests": {"name": "x", "objects": [config("a", x="1")]}},
            ],
        }
    ]
    (tmp_path / "play.yml").write_text(yaml.safe_dump(play))
    outputs = []
    for flags in (["--check", "--diff"], ["-vvv", "--diff"], []):
        done = subprocess.run(
            ["ansible-playbook", *flags, str(tmp_path / "play.yml")],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        outputs.append(done.stdout)
    assert "changed=2" in outputs[0] and "changed=2" in outputs[1] and "changed=0" in outputs[2]
    for value in values(space).values():
        plain = base64.b64decode(value).decode()
        assert value not in outputs[1] and plain not in outputs[1] and plain.replace("\n", "\\n") not in outputs[1]
