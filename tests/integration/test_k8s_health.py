# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""k8s_health against a real API server with real controllers. There are no nodes, so the tests write what a kubelet would."""

from __future__ import annotations

import base64
import json
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from ansible_collections.kubestd.platform.plugins.module_utils._health.engine import Engine
from ansible_collections.kubestd.platform.plugins.module_utils._health.plan import make_check
from ansible_collections.kubestd.platform.plugins.module_utils._kubeconfig import access
from ansible_collections.kubestd.platform.plugins.module_utils._objects import Objects

from .control_plane import ControlPlane
from .standins import own_address

IMAGE = "registry.k8s.io/pause:3.10.2"


def deployment(name: str, replicas: int = 1, **more: Any) -> dict[str, Any]:
    """A Deployment of pause."""
    pod = {"containers": [{"name": "core", "image": IMAGE}], **more}
    template = {"metadata": {"labels": {"app": name}}, "spec": pod}
    spec = {"replicas": replicas, "selector": {"matchLabels": {"app": name}}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": spec}


class Space:
    """A namespace of the test."""

    def __init__(self, control_plane: ControlPlane, name: str) -> None:
        self.control_plane, self.name = control_plane, name
        control_plane.kubectl("create", "namespace", name)

    def kubectl(self, *arguments: str, **options: str) -> str:
        return self.control_plane.kubectl("-n", self.name, *arguments, **options)

    def apply(self, found: dict[str, Any]) -> None:
        self.kubectl("apply", "-f", "-", stdin=json.dumps(found))

    def pod(self, app: str) -> str:
        """The name of the first pod, once its controller has made it."""
        for _ in range(100):
            names = self.kubectl("get", "pods", "-l", f"app={app}", "-o", "name").split()
            if names:
                return names[0]
            time.sleep(0.1)
        raise AssertionError(f"no pod of {app}")

    def report(self, pod: str, status: dict[str, Any]) -> None:
        """What a kubelet would write."""
        self.kubectl("patch", pod, "--subresource=status", "--type=merge", "-p", json.dumps({"status": status}))

    def run(self, pod: str) -> None:
        ready = [{"type": kind, "status": "True"} for kind in ("Ready", "ContainersReady", "PodScheduled")]
        self.report(pod, {"phase": "Running", "conditions": ready})

    def engine(self, *checks: dict[str, Any], timeout: float = 30.0, fail_fast: bool = True) -> Engine:
        who = access({"kubeconfig": str(self.control_plane.kubeconfig)})
        return Engine(lambda: Objects(who.client()), [make_check(check) for check in checks], timeout, fail_fast)

    def wait(self, *checks: dict[str, Any], timeout: float = 30.0) -> dict[str, Any]:
        return self.engine(*checks, timeout=timeout).run()


@pytest.fixture
def space(control_plane: ControlPlane, request: pytest.FixtureRequest) -> Iterator[Space]:
    name = request.node.name.replace("_", "-")[5:58].rstrip("-")
    yield Space(control_plane, name)
    control_plane.kubectl("delete", "namespace", name, "--wait=false")


@pytest.fixture
def later() -> Iterator[Callable[[float, Callable[[], Any]], None]]:
    """Do something after some seconds, while the test waits."""
    timers: list[threading.Timer] = []

    def start(seconds: float, action: Callable[[], Any]) -> None:
        timers.append(threading.Timer(seconds, action))
        timers[-1].start()

    yield start
    for timer in timers:
        timer.join()


def check(space: Space, name: str, kind: str = "Deployment", **more: Any) -> dict[str, Any]:
    return {"kind": kind, "object": name, "namespace": space.name, **more}


def test_what_is_well_is_answered_at_the_first_look(space: Space) -> None:
    space.apply(deployment("app"))
    space.run(space.pod("app"))
    assert space.wait(check(space, "app"))["passed"]
    engine = space.engine(check(space, "app"), {"kind": "Namespace", "object": space.name})
    result = engine.run()
    assert result["passed"], result
    assert not engine.watched
    assert [item["status"] for item in result["checks"]] == ["Healthy", "Healthy"]
    assert result["message"].startswith("2 of 2 checks passed")


def test_it_waits_until_the_last_replica_is_there(space: Space, later: Any) -> None:
    space.apply(deployment("app"))
    pod = space.pod("app")
    later(1.0, lambda: space.run(pod))
    result = space.wait(check(space, "app"))
    assert result["passed"], result
    assert 0.9 < result["checks"][0]["seconds"] < 10


def test_an_image_that_cannot_be_pulled_ends_the_wait_and_is_named(space: Space, later: Any) -> None:
    space.apply(deployment("app"))
    pod = space.pod("app")
    waiting = {"reason": "ImagePullBackOff", "message": 'Back-off pulling image "x": not found'}
    states = [
        {
            "name": "core",
            "image": IMAGE,
            "imageID": "",
            "ready": False,
            "restartCount": 0,
            "state": {"waiting": waiting},
        }
    ]
    later(0.5, lambda: space.report(pod, {"phase": "Pending", "containerStatuses": states}))
    start = time.monotonic()
    result = space.wait(check(space, "app"), {"kind": "Namespace", "object": space.name}, timeout=60)
    assert time.monotonic() - start < 20
    assert not result["passed"]
    assert f"pod {pod.split('/')[1]}: container core: ImagePullBackOff" in result["message"]
    assert "waiting longer would not help" in result["message"]
    assert "1 of 2 checks passed" in result["message"]
    assert [set(item) for item in result["checks"]] == [
        {"name", "status", "message", "passed", "objects", "seconds"}
    ] * 2


def test_a_used_up_quota_is_named(space: Space) -> None:
    quota = {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "small"},
        "spec": {"hard": {"pods": "0"}},
    }
    space.apply(quota)
    space.kubectl("wait", "--for=jsonpath={.status.hard.pods}=0", "resourcequota/small", "--timeout=30s")
    space.apply(deployment("app"))
    result = space.wait(check(space, "app"), timeout=60)
    assert not result["passed"]
    assert "exceeded quota: small" in result["message"]


def test_a_claim_without_a_storage_class_is_hopeless(space: Space) -> None:
    spec = {"accessModes": ["ReadWriteOnce"], "storageClassName": "fast", "resources": {"requests": {"storage": "1Gi"}}}
    space.apply({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data"}, "spec": spec})
    start = time.monotonic()
    result = space.wait(check(space, "data", "PersistentVolumeClaim"), timeout=60)
    assert time.monotonic() - start < 20
    assert "storage class fast does not exist" in result["message"]


def test_a_claim_whose_class_only_volumes_bear_is_waited_for(space: Space, later: Any) -> None:
    size = {"storage": "1Gi"}
    spec = {"accessModes": ["ReadWriteOnce"], "storageClassName": space.name, "resources": {"requests": size}}
    volume = {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": space.name},
        "spec": {"capacity": size, "hostPath": {"path": "/none"}, "storageClassName": space.name},
    }
    # a volume of the class that does not fit, so that the claim does not bind before the test waits
    space.apply({**volume, "spec": {**volume["spec"], "accessModes": ["ReadOnlyMany"]}})
    space.apply({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data"}, "spec": spec})
    fits = {**volume, "metadata": {"name": f"{space.name}-2"}}
    fits["spec"] = {**volume["spec"], "accessModes": ["ReadWriteOnce"]}
    later(1.0, lambda: space.apply(fits))
    result = space.wait(check(space, "data", "PersistentVolumeClaim"), timeout=60)
    space.kubectl("delete", "pv", space.name, f"{space.name}-2", "--wait=false")
    assert result["passed"], result


def test_what_is_missing_is_waited_for(space: Space, later: Any) -> None:
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "late"}}
    assert space.wait(check(space, "late", "ConfigMap"), timeout=0.3)["checks"][0]["status"] == "Missing"
    later(0.5, lambda: space.apply(config))
    assert space.wait(check(space, "late", "ConfigMap"))["passed"]


def test_several_objects_have_to_be_as_many_as_wanted(space: Space) -> None:
    for name in ("a", "b"):
        space.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "labels": {"set": "x"}}})
    several = {"kind": "ConfigMap", "namespace": space.name, "selector": {"set": "x"}}
    assert space.wait({**several, "min_count": 2})["passed"]
    result = space.wait({**several, "min_count": 3}, timeout=0.3)
    assert "2 of at least 3 found" in result["message"]


def test_absent_is_waited_for_and_a_finalizer_is_named(space: Space, later: Any) -> None:
    held = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "held", "finalizers": ["example.com/keep"]}}
    space.apply(held)
    space.kubectl("delete", "configmap", "held", "--wait=false")
    result = space.wait(check(space, "held", "ConfigMap", state="absent"), timeout=0.5)
    assert "held by example.com/keep" in result["message"]
    patch = json.dumps({"metadata": {"finalizers": None}})
    later(0.5, lambda: space.kubectl("patch", "configmap", "held", "--type=merge", "-p", patch))
    assert space.wait(check(space, "held", "ConfigMap", state="absent"))["passed"]


def serve(space: Space, plural: str) -> dict[str, Any]:
    """A kind of its own, and a check of an object one of it."""
    kind = plural[:-1].capitalize()
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    crd = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.test.kubestd"},
        "spec": {
            "group": "test.kubestd",
            "names": {"plural": plural, "singular": plural[:-1], "kind": kind},
            "scope": "Namespaced",
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": schema}],
        },
    }
    space.apply(crd)
    space.kubectl("wait", "--for=condition=Established", f"crd/{plural}.test.kubestd", "--timeout=30s")
    return {"api_version": "test.kubestd/v1", "kind": kind, "object": "one", "namespace": space.name}


def test_a_kind_that_is_not_served_yet_is_waited_for(space: Space, later: Any) -> None:
    wanted = {"api_version": "test.kubestd/v1", "kind": "Late", "object": "one", "namespace": space.name}
    assert "serves no Late" in space.wait(wanted, timeout=0.2)["message"]

    def make() -> None:
        serve(space, "lates")
        space.apply({"apiVersion": "test.kubestd/v1", "kind": "Late", "metadata": {"name": "one"}})

    later(0.3, make)
    assert space.wait(wanted)["passed"]
    space.kubectl("delete", "crd", "lates.test.kubestd")


def test_a_restart_of_the_api_server_does_not_end_the_wait(space: Space, later: Any) -> None:
    space.apply(deployment("app"))
    pod = space.pod("app")

    def restart() -> None:
        space.control_plane.restart_api()
        space.run(pod)

    later(0.5, restart)
    result = space.wait(check(space, "app"), timeout=90)
    assert result["passed"], result


def test_a_watch_that_is_too_old_for_the_server_lists_again(space: Space, later: Any) -> None:
    """410 Gone, as after a compaction: the first list pretends to be of a time that the API server has forgotten."""
    gone = []

    class Old(Objects):
        def pages(self, *arguments: Any) -> Iterator[dict[str, Any]]:
            for page in super().pages(*arguments):
                yield page if gone else {**page, "metadata": {"resourceVersion": "1"}}

    def connect() -> Objects:
        client = access({"kubeconfig": str(space.control_plane.kubeconfig)}).client()
        stream = client.stream

        def recorded(*arguments: Any) -> Iterator[dict[str, Any]]:
            for event in stream(*arguments):
                if event["type"] == "ERROR":
                    gone.append(event["object"]["code"])
                yield event

        client.stream = recorded  # type: ignore[method-assign]
        return Old(client)

    # The API server remembers the events of a kind from the time on at which it began to serve it.
    wanted = serve(space, "olds")
    later(1.0, lambda: space.apply({"apiVersion": "test.kubestd/v1", "kind": "Old", "metadata": {"name": "one"}}))
    result = Engine(connect, [make_check(wanted)], 60.0).run()
    space.kubectl("delete", "crd", "olds.test.kubestd")
    assert result["passed"], result
    assert set(gone) == {410}


@pytest.fixture
def node(space: Space) -> Iterator[str]:
    """A node on paper: only pods that have one become endpoints."""
    space.apply({"apiVersion": "v1", "kind": "Node", "metadata": {"name": space.name}})
    yield space.name
    space.kubectl("delete", "node", space.name)


def hook(space: Space, name: str) -> dict[str, Any]:
    """A webhook for the pods of the test's namespace, called at a service."""
    called = {
        "name": f"{name}.kubestd.test",
        "clientConfig": {"service": {"name": name, "namespace": space.name}, "caBundle": authority(space)},
        "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}],
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": f"{space.name}-guarded"}},
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
        "timeoutSeconds": 1,
    }
    kind = "ValidatingWebhookConfiguration"
    metadata = {"name": space.name}
    return {"apiVersion": "admissionregistration.k8s.io/v1", "kind": kind, "metadata": metadata, "webhooks": [called]}


def authority(space: Space) -> str:
    return base64.b64encode((space.control_plane.pki / "ca.crt").read_bytes()).decode()


@pytest.fixture
def webhook(space: Space) -> Iterator[dict[str, Any]]:
    """A check of a webhook configuration that calls the service app."""
    space.apply(hook(space, "app"))
    yield {"kind": "ValidatingWebhookConfiguration", "object": space.name}
    space.kubectl("delete", "validatingwebhookconfiguration", space.name)


def test_a_webhook_that_nobody_answers_is_waited_for(
    space: Space, node: str, webhook: dict[str, Any], later: Any
) -> None:
    nobody = f"app.kubestd.test cannot be called: Service {space.name}/app has no ready endpoints: "
    assert nobody + "no pod is behind it" in space.wait(webhook, timeout=0)["message"]
    space.apply(deployment("app", nodeName=node))
    space.kubectl("expose", "deployment", "app", "--port=443")
    pod = space.pod("app")
    address = {"podIP": "192.0.2.7", "podIPs": [{"ip": "192.0.2.7"}]}
    conditions = [{"type": "Ready", "status": "False"}, {"type": "PodScheduled", "status": "True"}]
    space.report(pod, {"phase": "Running", "conditions": conditions, **address})
    result = space.wait(webhook, timeout=2)
    assert not result["passed"]
    assert f"{nobody}pod {pod.split('/')[1]}: not ready" in result["message"]
    later(0.5, lambda: space.run(pod))
    result = space.wait(webhook)
    assert result["passed"], result


def test_a_webhook_whose_pod_crashes_ends_the_wait(space: Space, node: str, webhook: dict[str, Any]) -> None:
    space.apply(deployment("app", nodeName=node))
    space.kubectl("expose", "deployment", "app", "--port=443")
    pod = space.pod("app")
    waiting = {"waiting": {"reason": "CrashLoopBackOff"}}
    state = {"name": "core", "image": IMAGE, "imageID": "", "ready": False, "restartCount": 9, "state": waiting}
    address = {"podIP": "192.0.2.8", "podIPs": [{"ip": "192.0.2.8"}]}
    space.report(pod, {"phase": "Running", "containerStatuses": [state], **address})
    result = space.wait(webhook, timeout=60)
    assert "waiting longer would not help" in result["message"]
    assert f"pod {pod.split('/')[1]}: container core: CrashLoopBackOff after 9 restarts" in result["message"]


def test_pods_that_a_webhook_keeps_away_say_which(
    space: Space, control_plane: ControlPlane, webhook: dict[str, Any]
) -> None:
    assert webhook
    guarded = Space(control_plane, f"{space.name}-guarded")
    try:
        guarded.apply(deployment("web"))
        until = time.monotonic() + 30
        wanted = f"webhook app.kubestd.test of Service {space.name}/app cannot be called: "
        while wanted not in (result := guarded.wait(check(guarded, "web"), timeout=1))["message"]:
            assert time.monotonic() < until, result
        assert "waiting longer would not help" not in result["message"]
    finally:
        control_plane.kubectl("delete", "namespace", guarded.name, "--wait=false")


class Answering(ThreadingHTTPServer):
    """A service's pod: it answers what the test says."""

    answer: tuple[int, str, str] = (200, "text/plain", "up")
    asked: int = 0
    host: str = ""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.posted: list[tuple[str, str]] = []


class Handler(BaseHTTPRequestHandler):
    server: Answering

    def do_POST(self) -> None:
        """What is posted is what is answered from now on."""
        self.server.posted.append((self.path, self.headers["Content-Type"]))
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.answer = (200, "text/plain", body)
        self.send_response(204)
        self.end_headers()

    def do_GET(self) -> None:
        self.server.asked += 1
        self.server.host = self.headers["Host"]
        status, kind, text = self.server.answer
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def answering(space: Space, node: str) -> Iterator[Answering]:
    """A Service app:80 whose pod has the address of this machine, since the API server's proxy goes only to pods."""
    space.apply(deployment("app", nodeName=node))
    pod = space.pod("app")
    with Answering((own_address(), 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        address, port = server.server_address[:2]
        space.run(pod)
        space.report(pod, {"podIP": address, "podIPs": [{"ip": address}]})
        ports = [{"name": "web", "port": 80, "targetPort": port}]
        spec = {"selector": {"app": "app"}, "ports": ports}
        space.apply({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "app"}, "spec": spec})
        yield server
        server.shutdown()


def test_a_service_is_asked_through_the_api_server(space: Space, answering: Answering, later: Any) -> None:
    def asked(timeout: float = 30.0, **more: Any) -> dict[str, Any]:
        http = {"service": "app", "namespace": space.name, "port": "web", "path": "/health?full=1", **more}
        return space.wait({"http": http}, timeout=timeout)

    result = asked()
    assert result["passed"], result
    assert result["checks"][0]["name"] == f"http {space.name}/app:web/health?full=1"
    assert asked(port=80, body_regex="^up$")["passed"]
    answering.answer = (200, "application/json", '{"status": "healthy", "parts": [{"up": true}]}')
    assert asked(json={"status": "healthy", "parts.0.up": True}, body_regex='"up": true')["passed"]
    assert "parts.0.up is True instead of False" in asked(0, json={"parts.0.up": False})["message"]
    assert "without 'down'" in asked(0, body_regex="down")["message"]
    answering.answer = (418, "text/plain", "short and stout")
    assert "answered 418: short and stout" in asked(0)["message"]
    assert asked(0, status=[200, 418])["passed"]
    later(1.0, lambda: setattr(answering, "answer", (200, "text/plain", "up")))
    result = asked()
    assert result["passed"] and result["checks"][0]["seconds"] >= 0.9, result


def test_a_service_with_many_names_behind_it_is_asked_for_one_of_them(space: Space, answering: Answering) -> None:
    http = {"service": "app", "namespace": space.name, "port": "web"}
    assert space.wait({"http": {**http, "host": "hello.example.com"}})["passed"]
    assert answering.host == "hello.example.com"
    assert space.wait({"http": http})["passed"]
    assert answering.host != "hello.example.com"


def test_a_look_without_waiting_asks_a_service_once(space: Space, answering: Answering) -> None:
    http = {"service": "app", "namespace": space.name, "port": "web"}
    assert space.wait({"http": http})["passed"]
    answering.answer, answering.asked = (503, "text/plain", "busy"), 0
    result = space.wait({"http": http}, timeout=0)
    assert (answering.asked, result["passed"]) == (1, False)
    assert "answered 503: busy" in result["message"]
    # one that is expected to be down is no failure to be repeated
    assert space.wait({"http": {**http, "status": [503]}}, timeout=0)["passed"]
    assert answering.asked == 2


def test_a_signal_is_sent_and_found_through_the_api_server(space: Space, answering: Answering) -> None:
    service = {"service": "app", "namespace": space.name, "port": "web"}
    body = {"lines": ["<marker> at <nanoseconds>"]}
    send = {**service, "path": "/push?to=a%20b", "body": body, "content_type": "application/vnd.test+json"}
    find = {**service, "path": "/find?q=<marker>", "body_regex": "<marker> at [0-9]{19}"}
    for _ in range(2):
        assert space.wait({"probe": {"send": send, "find": find}}, timeout=0)["passed"]
    assert answering.posted == [("/push?to=a%20b", "application/vnd.test+json")] * 2
    lost = {"probe": {"send": send, "find": {**find, "body_regex": "never <marker>"}, "within": 1}}
    result = space.wait(lost, timeout=0)
    assert not result["passed"] and "was sent and not found again in 1 s" in result["message"], result


def test_a_service_without_endpoints_says_so_at_once(space: Space) -> None:
    space.kubectl("create", "service", "clusterip", "nobody", "--tcp=80")
    result = space.wait({"http": {"service": "nobody", "namespace": space.name, "port": 80}}, timeout=0)
    assert 'answered 503: no endpoints available for service "nobody' in result["message"]
    result = space.wait({"http": {"service": "none", "namespace": space.name, "port": 80}}, timeout=0)
    assert 'answered 404: services "none" not found' in result["message"]


def test_rights_that_come_late_do_not_end_the_wait(space: Space, later: Any) -> None:
    """As after a restart: an API server says that it is ready, and refuses until it has read its roles."""
    space.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "here"}})
    space.kubectl("create", "serviceaccount", "looker")
    token = space.kubectl("create", "token", "looker").strip()
    role = ("create", "rolebinding", "looker", "--clusterrole=view", f"--serviceaccount={space.name}:looker")
    later(1.0, lambda: space.kubectl(*role))
    who = access({"host": space.control_plane.url, "api_key": token, "ca_cert": f"{space.control_plane.pki}/ca.crt"})
    made = [make_check(check(space, "here", "ConfigMap"))]
    result = Engine(lambda: Objects(who.client()), made, 60).run()
    assert result["passed"], result


def test_the_module_fails_with_the_same_keys_as_it_passes_with(space: Space, tmp_path: Any) -> None:
    space.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "here"}})
    results = []
    for name in ("here", "gone"):
        arguments = {
            "checks": [check(space, name, "ConfigMap")],
            "timeout": 1,
            "kubeconfig": str(space.control_plane.kubeconfig),
        }
        done = subprocess.run(
            ["ansible", "localhost", "-m", "kubestd.platform.k8s_health", "-a", json.dumps(arguments)],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        results.append((done.returncode, done.stdout))
    (good, said), (bad, complained) = results
    assert good == 0, said
    assert bad != 0
    parsed = [json.loads(text.split("=>", 1)[1]) for text in (said, complained)]
    keys = {"changed", "checks", "message"}
    assert keys <= set(parsed[0]) and keys <= set(parsed[1])
    assert "ConfigMap" in parsed[1]["msg"] and "is not there" in parsed[1]["msg"]
