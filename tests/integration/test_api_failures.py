# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said when the API server or its etcd fails: a sentence, nothing half done, and the next run works."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import signal
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.kubestd.platform.plugins.module_utils._errors import KubestdError
from ansible_collections.kubestd.platform.plugins.module_utils._health.engine import Engine
from ansible_collections.kubestd.platform.plugins.module_utils._health.plan import make_check
from ansible_collections.kubestd.platform.plugins.module_utils._kubeconfig import access
from ansible_collections.kubestd.platform.plugins.module_utils._manifests.plan import checked
from ansible_collections.kubestd.platform.plugins.module_utils._manifests.run import ManifestSet, reconcile
from ansible_collections.kubestd.platform.plugins.module_utils._objects import Objects
from ansible_collections.kubestd.platform.plugins.module_utils._release.run import Release
from ansible_collections.kubestd.platform.plugins.module_utils._secret.plan import make_keys
from ansible_collections.kubestd.platform.plugins.module_utils._secret.run import Store

from . import charts
from .charts import DEFAULTS
from .control_plane import ControlPlane, certificate, free_port, helm

QUOTA = 12 << 20  # bytes that this etcd may have; bbolt's file grows in steps of 16 MiB above that size
Verb = Callable[[], dict[str, Any]]


class Changes:
    """A release, a set of objects and a secret, each described for the first time."""

    def __init__(self, control_plane: ControlPlane, folder: Path, kubeconfig: Path | None = None) -> None:
        self.control_plane, self.folder = control_plane, folder
        self.access = access({"kubeconfig": str(kubeconfig or control_plane.kubeconfig)})
        self.space = f"broken-{free_port()}"
        control_plane.kubectl("create", "namespace", self.space)
        self.chart = {"ref": str(charts.package(folder))}

    @property
    def objects(self) -> Objects:
        return Objects(self.access.client(retry_for=5.0))

    def helm_oci(self, name: str = "demo") -> dict[str, Any]:
        options = {
            **DEFAULTS,
            "name": name,
            "namespace": f"{self.space}-{name}",
            "helm": str(helm()),
            "chart": self.chart,
        }
        return Release(options, self.access, str(self.folder)).run(False, False)

    def k8s_manifests(self) -> dict[str, Any]:
        wanted = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "one"}, "data": {"a": "b"}}
        manifests = ManifestSet(self.objects, "test", self.space, 30.0, False)
        return reconcile(manifests, {"state": "present", "prune": True}, checked([wanted], ["here"]), False)

    def k8s_secret(self) -> dict[str, Any]:
        key = {"key": "a", "format": "password", "length": 20, "bits": None, "from_key": None, "user": None}
        options = {
            "name": "made",
            "namespace": self.space,
            "copies": [],
            "labels": {},
            "annotations": {},
            "type": "Opaque",
        }
        return Store(self.objects, options, make_keys([key])).present(False)

    @property
    def all(self) -> list[Verb]:
        return [self.helm_oci, self.k8s_manifests, self.k8s_secret]

    def refused(self, verb: Verb, *words: str) -> None:
        with pytest.raises(KubestdError) as caught:
            verb()
        said = str(caught.value)
        assert all(word in said for word in words), said
        assert "\n" not in said and "Traceback" not in said, said

    def converge(self, verb: Verb) -> None:
        assert verb()["changed"], "there was something left to do"
        assert not verb()["changed"], "a run after it has nothing to do"


@pytest.fixture
def changes(control_plane: ControlPlane, tmp_path: Path) -> Changes:
    return Changes(control_plane, tmp_path)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """A control plane whose etcd has little room."""
    made = ControlPlane(tmp_path_factory.mktemp("small"))
    made.etcd.command.append(f"--quota-backend-bytes={QUOTA}")
    try:
        yield made.start()
    finally:
        made.stop()


def size(control_plane: ControlPlane) -> int:
    """Bytes of etcd's file."""
    found = json.loads(control_plane.etcdctl("endpoint", "status", "--write-out=json"))
    return int(found[0]["Status"]["dbSize"])


def test_a_full_etcd_is_named_and_once_there_is_room_the_next_run_works(small: ControlPlane, tmp_path: Path) -> None:
    changes = Changes(small, tmp_path)
    # room for a namespace and a lease, but not for the release that helm stores
    number, maps, client = 0, "/api/v1/namespaces/default/configmaps", changes.objects.client
    while (room := QUOTA - size(small)) > 700_000:
        number += 1
        ballast = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"ballast-{number}"}}
        client.send("POST", maps, {**ballast, "data": {"a": "x" * (400_000 if room > 1_500_000 else 50_000)}})
        time.sleep(0.3)  # etcd counts what it has committed, which it does ten times a second
    assert number > 5
    (tmp_path / "demo/files.bin").write_bytes(base64.b64encode(os.urandom(560_000)))
    charts.run("package", str(tmp_path / "demo"), "--destination", str(tmp_path))
    full = ("database space exceeded", "etcd is full; delete what is not needed", "alarm disarm")
    changes.refused(changes.helm_oci, "helm upgrade of", *full)
    for verb in changes.all:
        changes.refused(verb, *full)
    names = [f"configmap/ballast-{one}" for one in range(1, number + 1)]
    small.kubectl("delete", "-n", "default", *names)
    revision = json.loads(small.etcdctl("endpoint", "status", "--write-out=json"))[0]["Status"]["header"]["revision"]
    small.etcdctl("compact", str(revision))
    small.etcdctl("defrag")
    small.etcdctl("alarm", "disarm")
    for verb in changes.all:
        changes.converge(verb)


class Slow(BaseHTTPRequestHandler):
    """A webhook that answers when it is told to."""

    go = threading.Event()

    def do_POST(self) -> None:
        self.go.wait(30)
        self.send_error(503)

    def log_message(self, *_: Any) -> None:
        pass


class Throttled:
    """A user to whom API Priority and Fairness gives one request at a time, and whose one request hangs on a webhook."""

    def __init__(self, control_plane: ControlPlane, folder: Path) -> None:
        self.control_plane, self.name, self.kubeconfig = control_plane, f"throttled-{free_port()}", folder / "user.conf"
        control_plane.kubectl("create", "-n", "default", "serviceaccount", self.name)
        binding = ("--clusterrole=cluster-admin", f"--serviceaccount=default:{self.name}")
        control_plane.kubectl("create", "clusterrolebinding", self.name, *binding)
        found = yaml.safe_load(control_plane.kubeconfig.read_text())
        token = control_plane.kubectl("create", "-n", "default", "token", self.name).strip()
        found["users"] = [{"name": found["users"][0]["name"], "user": {"token": token}}]
        self.kubeconfig.write_text(yaml.safe_dump(found))
        pair = certificate(folder)
        self.webhook = ThreadingHTTPServer(("127.0.0.1", 0), Slow)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*pair)
        self.webhook.socket = context.wrap_socket(self.webhook.socket, server_side=True)
        threading.Thread(target=self.webhook.serve_forever, daemon=True).start()
        for item in self.objects(base64.b64encode(pair[0].read_bytes()).decode()):
            control_plane.kubectl("apply", "-f", "-", stdin=json.dumps(item))

    def objects(self, ca: str) -> Iterator[dict[str, Any]]:
        """The level without a seat of its own, who is on it, and the webhook."""
        seats = {"nominalConcurrencyShares": 0, "borrowingLimitPercent": 0, "limitResponse": {"type": "Reject"}}
        every = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"], "namespaces": ["*"], "clusterScope": True}
        rule = {
            "subjects": [{"kind": "ServiceAccount", "serviceAccount": {"namespace": "default", "name": self.name}}],
            "resourceRules": [every],
            "nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["*"]}],
        }
        flow = {"priorityLevelConfiguration": {"name": self.name}, "matchingPrecedence": 2, "rules": [rule]}
        for kind, spec in (
            ("PriorityLevelConfiguration", {"type": "Limited", "limited": seats}),
            ("FlowSchema", flow),
        ):
            metadata = {"name": self.name}
            yield {"apiVersion": "flowcontrol.apiserver.k8s.io/v1", "kind": kind, "metadata": metadata, "spec": spec}
        webhook = {
            "name": "slow.example.test",
            "clientConfig": {"url": f"https://127.0.0.1:{self.webhook.server_address[1]}/", "caBundle": ca},
            "rules": [
                {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["configmaps"]}
            ],
            "objectSelector": {"matchLabels": {"test": self.name}},
            "sideEffects": "None",
            "admissionReviewVersions": ["v1"],
            "failurePolicy": "Fail",
            "timeoutSeconds": 30,
        }
        yield {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "ValidatingWebhookConfiguration",
            "metadata": {"name": self.name},
            "webhooks": [webhook],
        }

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """As long as the one request hangs, at most 30 seconds."""
        who = access({"kubeconfig": str(self.kubeconfig)})
        hanging = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x", "labels": {"test": self.name}}}
        path, until = "/api/v1/namespaces/default/configmaps", time.monotonic() + 20
        Slow.go.clear()
        # the first ones may come before the API server knows the webhook
        client = who.client(timeout=40.0, retry_for=0.0)
        thread = threading.Thread(target=client.ask, args=("POST", path, hanging, {"dryRun": "All"}))
        thread.start()
        other = who.client(retry_for=0.0)
        while (answer := other.ask("GET", "/api/v1/namespaces/default")).status != 429:
            assert time.monotonic() < until, "the API server does not throttle"
            if not thread.is_alive():
                thread = threading.Thread(target=client.ask, args=("POST", path, hanging, {"dryRun": "All"}))
                thread.start()
            time.sleep(0.05)
        assert answer.headers["retry-after"]
        try:
            yield
        finally:
            Slow.go.set()
            thread.join()

    def stop(self) -> None:
        kinds = "flowschema,prioritylevelconfiguration,validatingwebhookconfiguration,clusterrolebinding"
        self.control_plane.kubectl("delete", kinds, self.name)
        self.webhook.shutdown()
        self.webhook.server_close()


@pytest.fixture
def throttled(control_plane: ControlPlane, tmp_path: Path) -> Iterator[Throttled]:
    made = Throttled(control_plane, tmp_path)
    yield made
    made.stop()


def test_a_user_who_is_throttled_waits_and_is_told(throttled: Throttled, tmp_path: Path) -> None:
    changes = Changes(throttled.control_plane, tmp_path, throttled.kubeconfig)
    with throttled.held():
        for verb in (changes.k8s_manifests, changes.k8s_secret):
            changes.refused(verb, "429", "the API server holds requests of this user back")
    with throttled.held():
        timer = threading.Timer(2.0, Slow.go.set)
        timer.start()
        check = make_check({"kind": "Namespace", "object": changes.space})
        assert Engine(lambda: changes.objects, [check], 60.0).run()["passed"]
    for verb in changes.all:
        with throttled.held():
            timer = threading.Timer(2.0, Slow.go.set)
            timer.start()
            changes.converge(verb)


def test_a_restart_of_the_api_server_is_waited_for_by_every_module(changes: Changes) -> None:
    for verb in changes.all:
        changes.control_plane.api.stop(signal.SIGKILL)
        timer = threading.Timer(1.0, changes.control_plane.start_api)
        timer.start()
        try:
            changes.converge(verb)
        finally:
            timer.join()


def test_an_api_server_that_does_not_come_back_is_named(changes: Changes) -> None:
    changes.control_plane.api.stop(signal.SIGKILL)
    try:
        for verb in (changes.k8s_manifests, changes.k8s_secret):
            changes.refused(verb, changes.control_plane.url, "Connection refused")
    finally:
        changes.control_plane.start_api()
    for verb in (changes.k8s_manifests, changes.k8s_secret):
        changes.converge(verb)
