# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""k8s_health against a real API server with real controllers. There are no nodes, so the tests write what a kubelet would."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ansible_collections.kubestd.platform.plugins.module_utils._health.engine import Engine
from ansible_collections.kubestd.platform.plugins.module_utils._health.plan import make_check
from ansible_collections.kubestd.platform.plugins.module_utils._kubeconfig import access
from ansible_collections.kubestd.platform.plugins.module_utils._objects import Objects

from .control_plane import ControlPlane

IMAGE = "registry.k8s.io/pause:3.10.2"


def deployment(name: str, replicas: int = 1) -> dict[str, Any]:
    """A Deployment of pause."""
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [{"name": "core", "image": IMAGE}]}}
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


def test_a_kind_that_is_not_served_yet_is_waited_for(space: Space, later: Any) -> None:
    names = {"plural": "lates", "singular": "late", "kind": "Late"}
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    version = {"name": "v1", "served": True, "storage": True, "schema": schema}
    crd = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "lates.test.kubestd"},
        "spec": {"group": "test.kubestd", "names": names, "scope": "Namespaced", "versions": [version]},
    }
    late = {"apiVersion": "test.kubestd/v1", "kind": "Late", "metadata": {"name": "one"}}
    wanted = {"api_version": "test.kubestd/v1", "kind": "Late", "object": "one", "namespace": space.name}
    assert "serves no Late" in space.wait(wanted, timeout=0.2)["message"]

    def make() -> None:
        space.apply(crd)
        space.kubectl("wait", "--for=condition=Established", "crd/lates.test.kubestd", "--timeout=30s")
        space.apply(late)

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
