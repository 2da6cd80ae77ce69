# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""k8s_health on a large cluster: a real control plane with NODES nodes and PODS pods that KWOK plays. python -m tests.bench.health"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from ansible_collections.kubestd.platform.plugins.module_utils._health.engine import Engine
from ansible_collections.kubestd.platform.plugins.module_utils._health.plan import make_check
from ansible_collections.kubestd.platform.plugins.module_utils._kubeconfig import access
from ansible_collections.kubestd.platform.plugins.module_utils._objects import Object, Objects

from ..integration.control_plane import ControlPlane
from ..integration.standins import nodes

NODES, PODS, CHECKS, SERVICES = 1_000, 10_000, 200, 40
SPACES = 20  # namespaces of the checks that wait
WINDOW = 20  # seconds of waiting that are measured
REST = 8  # seconds without a change
IMAGE = "registry.k8s.io/pause:3.10.2"
MIB = 1024


@dataclass(frozen=True)
class Run:
    """One run of the module in a process of its own, imports and all."""

    seconds: float
    cpu: float
    mib: float
    result: dict[str, Any]


def module(control_plane: ControlPlane, checks: list[Object], timeout: int = 60) -> Run:
    """Start k8s_health as Ansible starts it, and see what it takes."""
    options = {"kubeconfig": str(control_plane.kubeconfig), "checks": checks, "timeout": timeout}
    name = "ansible_collections.kubestd.platform.plugins.modules.k8s_health"
    start = time.monotonic()
    process = subprocess.Popen([sys.executable, "-m", name], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin and process.stdout
    process.stdin.write(json.dumps({"ANSIBLE_MODULE_ARGS": options}).encode())
    process.stdin.close()
    said = process.stdout.read()
    _, _, used = os.wait4(process.pid, 0)
    return Run(time.monotonic() - start, used.ru_utime + used.ru_stime, used.ru_maxrss / MIB, json.loads(said))


class Cluster:
    """Where the objects are."""

    def __init__(self, control_plane: ControlPlane) -> None:
        self.control_plane = control_plane
        self.who = access({"kubeconfig": str(control_plane.kubeconfig)})
        self.local = threading.local()

    def send(self, method: str, path: str, body: Object, kind: str = "application/json") -> Object:
        """One request on this thread's connection."""
        if not hasattr(self.local, "client"):
            self.local.client = self.who.client()
        found: Object = self.local.client.send(method, path, body, kind)
        return found

    def list(self, path: str) -> list[Object]:
        """The objects of a collection."""
        return list(self.who.client().get(path)["items"])

    def make(self, path: str, found: list[Object]) -> None:
        """Create objects, some at once; a controller would take minutes for so many."""
        with ThreadPoolExecutor(6) as pool:
            list(pool.map(lambda item: self.send("POST", path, item), found))

    def status(self, pod: str, status: Object) -> None:
        """What a kubelet would write."""
        self.send("PATCH", f"{pod}/status", {"status": status}, "application/merge-patch+json")

    def engine(self, *checks: Object, timeout: float = 120) -> Engine:
        return Engine(lambda: Objects(self.who.client()), [make_check(check) for check in checks], timeout)


def deployment(name: str, selector: dict[str, str] | None = None) -> Object:
    """A Deployment of one pod, for nodes with these labels."""
    spec = {"containers": [{"name": "core", "image": IMAGE}], "nodeSelector": selector or {}}
    template = {"metadata": {"labels": {"app": name}}, "spec": spec}
    wanted = {"replicas": 1, "selector": {"matchLabels": {"app": name}}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": wanted}


def fill(cluster: Cluster) -> None:
    """NODES nodes, and PODS pods that run."""
    there = {item["metadata"]["name"] for item in cluster.list("/api/v1/nodes")}
    names = [f"kwok-{number}" for number in range(NODES)]
    cluster.make("/api/v1/nodes", [{"metadata": {"name": name}} for name in names if name not in there])
    cluster.make("/api/v1/namespaces", [{"metadata": {"name": "many"}}])
    cluster.control_plane.kubectl("-n", "many", "wait", "--for=create", "serviceaccount/default", "--timeout=60s")
    spec = {"containers": [{"name": "core", "image": IMAGE}]}
    pods = [
        {
            "metadata": {"name": f"pod-{number}", "labels": {"app": "many"}},
            "spec": {**spec, "nodeName": f"kwok-{number % NODES}"},
        }
        for number in range(PODS)
    ]
    cluster.make("/api/v1/namespaces/many/pods", pods)
    check = {"kind": "Pod", "namespace": "many", "min_count": PODS}
    begun, used = time.monotonic(), time.process_time()
    done = cluster.engine(check, timeout=900).run()
    assert done["passed"], done["message"]
    waited, share = time.monotonic() - begun, (time.process_time() - used) / (time.monotonic() - begun)
    print(f"k8s_health: waited {waited:.0f} s for {PODS} pods to run, {share:.0%} of a core", flush=True)


def judged(cluster: Cluster) -> None:
    """All of them at one look, by a process that is there for nothing else."""
    checks = [{"kind": "Pod", "namespace": "many", "min_count": PODS}, {"kind": "Node", "min_count": NODES}]
    runs = [module(cluster.control_plane, checks) for _ in range(5)]
    best = min(runs, key=lambda run: run.seconds)
    assert all(run.result["message"].startswith("2 of 2") for run in runs), runs[0].result["message"]
    objects = sum(len(check["objects"]) for check in best.result["checks"])
    print(
        f"k8s_health: {objects} objects judged in {best.seconds:.1f} s (the slowest of {len(runs)}: "
        f"{max(run.seconds for run in runs):.1f} s), {best.cpu:.1f} s of CPU, {max(run.mib for run in runs):.0f} MiB",
        flush=True,
    )


def rest(cluster: Cluster) -> None:
    """Wait until controllers and scheduler have nothing more to do, so that waiting is measured and not their work."""
    paths = ("/apis/apps/v1/deployments", "/apis/apps/v1/replicasets", "/api/v1/events")
    seen: list[str] = []
    since = time.monotonic()
    while time.monotonic() - since < REST:
        found = [
            item["metadata"]["uid"] + item["metadata"]["resourceVersion"]
            for path in paths
            for item in cluster.list(path)
        ]
        if found != seen:
            seen, since = found, time.monotonic()
        time.sleep(1)


def waiting(cluster: Cluster) -> None:
    """CHECKS checks of Deployments that no node fits, and the same with SERVICES services that do not answer."""
    spaces = [f"wait-{number}" for number in range(SPACES)]
    cluster.make("/api/v1/namespaces", [{"metadata": {"name": space}} for space in spaces])
    names = [f"app-{number}" for number in range(CHECKS // SPACES)]
    for space in spaces:
        wanted = [deployment(name, {"no": "node"}) for name in names]
        cluster.make(f"/apis/apps/v1/namespaces/{space}/deployments", wanted)
    rest(cluster)
    checks: list[Object] = [
        {"kind": "Deployment", "namespace": space, "object": name} for space in spaces for name in names
    ]
    services: list[Object] = [
        {"http": {"service": name, "namespace": space, "port": "80"}} for space in spaces for name in names
    ]
    for title, asked in (
        (f"{CHECKS} checks wait", checks),
        (f"{CHECKS} checks wait, of which {SERVICES} ask services", checks[SERVICES:] + services[:SERVICES]),
    ):
        short, long = (module(cluster.control_plane, asked, timeout) for timeout in (10, 10 + WINDOW))
        assert long.result["message"].startswith(f"0 of {CHECKS}"), long.result["message"]
        share = (long.cpu - short.cpu) / WINDOW
        print(f"k8s_health: {title}: {share:.1%} of a core, {short.cpu:.1f} s for the beginning", flush=True)


def event(pod: Object, message: str) -> Object:
    """The event that a kubelet writes when it gives a container a rest."""
    now = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    about = {"kind": "Pod", "apiVersion": "v1", **{key: pod["metadata"][key] for key in ("name", "namespace", "uid")}}
    return {
        "metadata": {"generateName": f"{pod['metadata']['name']}."},
        "involvedObject": about,
        "reason": "BackOff",
        "message": message,
        "type": "Warning",
        "count": 1,
        "firstTimestamp": now,
        "lastTimestamp": now,
        "source": {"component": "kubelet"},
    }


def crash_loop(cluster: Cluster) -> None:
    """A container that ends again and again, among all the others: when is it named, and when does the wait end."""
    space = "crash"
    cluster.make("/api/v1/namespaces", [{"metadata": {"name": space}}])
    cluster.make(f"/apis/apps/v1/namespaces/{space}/deployments", [deployment("app", {"no": "node"})])
    check = {"kind": "Deployment", "namespace": space, "object": "app"}
    engine = cluster.engine(check, {"kind": "Pod", "namespace": "many", "min_count": PODS})
    thread = threading.Thread(target=engine.run)
    thread.start()
    time.sleep(8)
    pod = cluster.list(f"/api/v1/namespaces/{space}/pods")[0]
    path = f"/api/v1/namespaces/{space}/pods/{pod['metadata']['name']}"

    def crashed(restarts: int) -> float:
        last = {"terminated": {"exitCode": 1, "reason": "Error"}}
        rest = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s restarting failed container"}}
        one = {"name": "core", "image": IMAGE, "imageID": "", "ready": False, "restartCount": restarts}
        cluster.send("POST", f"/api/v1/namespaces/{space}/events", event(pod, "Back-off restarting failed container"))
        cluster.status(path, {"phase": "Running", "containerStatuses": [{**one, "state": rest, "lastState": last}]})
        return time.monotonic()

    first = crashed(1)
    while f"pod {pod['metadata']['name']}: container core: CrashLoopBackOff" not in engine.verdicts[0].message:
        assert time.monotonic() - first < 60, engine.verdicts[0].message
        time.sleep(0.01)
    named = time.monotonic() - first
    third = crashed(3)
    thread.join(60)
    ended = time.monotonic() - third
    print(
        f"k8s_health: a crash-looping pod is named {named:.2f} s after its first BackOff, and ends the wait {ended:.2f} s after its third restart"
    )


def main() -> None:
    """All of it."""
    with tempfile.TemporaryDirectory(prefix="kubestd-bench-") as name:
        control_plane = ControlPlane(Path(name) / "control-plane")
        try:
            control_plane.start()
            nodes(control_plane, Path(name))
            cluster = Cluster(control_plane)
            fill(cluster)
            judged(cluster)
            waiting(cluster)
            crash_loop(cluster)
        finally:
            control_plane.stop()


if __name__ == "__main__":
    main()
