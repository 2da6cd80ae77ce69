# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Releases and health against a real API server, and against kubernetes.core in the same run: python -m tests.bench.releases"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.kubestd.platform.plugins.module_utils._health.engine import Engine
from ansible_collections.kubestd.platform.plugins.module_utils._health.plan import make_check
from ansible_collections.kubestd.platform.plugins.module_utils._kubeconfig import access
from ansible_collections.kubestd.platform.plugins.module_utils._objects import Objects

from ..integration import charts
from ..integration.charts import Releaser
from ..integration.control_plane import ControlPlane, Registry, helm
from ..integration.standins import nodes
from ..standins import build, every

ROOT = Path(__file__).parents[2]
CONTRACTS = Path(os.environ.get("KUBESTD_CONTRACTS") or ROOT.parent / "shared/contracts")
TIMES = 10
SYSTEMS = 40
PODS = 10_000


def seconds(action: Callable[[], Any]) -> float:
    """How long something takes."""
    start = time.monotonic()
    action()
    return time.monotonic() - start


def play(folder: Path, inventory: str, playbook: str) -> None:
    """Run a playbook; a failure is an error with its words."""
    environment = {
        **os.environ,
        "KUBESTD_CACHE": str(folder / "cache"),
        "PATH": f"{helm().parent}:{os.environ['PATH']}",
    }
    command = ["ansible-playbook", "-i", inventory, playbook]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]


def task(folder: Path, name: str, module: str, options: dict[str, Any]) -> float:
    """Seconds of one task, from a loop of TIMES and one of none."""
    found = []
    for count in (TIMES, 0):
        tasks = [{"name": name, module: options, "loop": list(range(count))}]
        path = folder / f"{module}-{count}.yml"
        path.write_text(
            yaml.safe_dump([{"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": tasks}])
        )
        found.append(seconds(lambda path=path: play(folder, "localhost,", str(path))))
    return (found[0] - found[1]) / TIMES


def releases(folder: Path, control_plane: ControlPlane, registry: Registry) -> None:
    """One unchanged release, ours and kubernetes.core's; first installation and upgrade against bare helm."""
    ref = charts.push(charts.package(folder), registry)
    release = Releaser(control_plane, ref, folder / "cache")
    release()
    config = str(control_plane.kubeconfig)
    chart = {"ref": ref, "version": "1.0.0"}
    ours = {"name": "demo", "namespace": "demo", "chart": chart, "registry": {"plain_http": True}, "kubeconfig": config}
    theirs = {
        "name": "peer",
        "namespace": "demo",
        "chart_ref": ref,
        "chart_version": "1.0.0",
        "plain_http": True,
        "kubeconfig": config,
    }
    first = task(folder, "Release", "kubestd.platform.helm_oci", ours)
    play_theirs = task(folder, "Release", "kubernetes.core.helm", theirs)
    play_theirs = task(folder, "Release", "kubernetes.core.helm", theirs)
    print(
        f"unchanged release as a task: helm_oci {first:.2f} s, kubernetes.core.helm {play_theirs:.2f} s: {play_theirs / first:.1f} x"
    )
    print(f"unchanged release in the module itself: {seconds(release):.3f} s")
    bare = [
        str(helm()),
        "upgrade",
        "--install",
        "bare",
        ref,
        "--version",
        "1.0.0",
        "--plain-http",
        "-n",
        "demo",
        "--kubeconfig",
        config,
    ]
    install = seconds(lambda: subprocess.run(bare, check=True, capture_output=True))
    upgrade = seconds(lambda: subprocess.run([*bare, "--set", "size=2"], check=True, capture_output=True))
    fresh = Releaser(control_plane, ref, folder / "cache-2", "fresh")
    print(f"first installation: helm_oci {seconds(fresh):.2f} s, helm alone {install:.2f} s")
    print(f"upgrade: helm_oci {seconds(lambda: fresh(values={'size': 2})):.2f} s, helm alone {upgrade:.2f} s")


def platform(folder: Path, control_plane: ControlPlane) -> None:
    """SYSTEMS stand-in systems, one release each, installed and unchanged."""
    hosts = {}
    for number, name in enumerate(every(CONTRACTS)[:SYSTEMS]):
        archive = build(CONTRACTS, name, folder)
        system = f"s{number}"
        stage = {"releases": [{"name": system, "chart": {"ref": str(archive)}, "crds": "skip"}]}
        hosts[system] = {"component_role": "component", "component_record": {"name": system, "stages": [stage]}}
    layers = {f"platform_{layer}": {"hosts": part} for layer, part in (("network", hosts),)}
    inventory = {"platform": {"children": layers, "vars": {"platform_kubeconfig": str(control_plane.kubeconfig)}}}
    (folder / "inventory.yml").write_text(yaml.safe_dump(inventory))
    for word in ("first", "unchanged"):
        took = seconds(lambda: play(folder, str(folder / "inventory.yml"), "playbooks/platform.yml"))
        print(f"{len(hosts)} stand-in systems, {word}: {took:.1f} s")


def health(control_plane: ControlPlane) -> None:
    """PODS objects judged."""
    who = access({"kubeconfig": str(control_plane.kubeconfig)})
    template = {"metadata": {"labels": {"app": "many"}}, "spec": {"containers": [{"name": "a", "image": "x"}]}}
    spec = {"replicas": PODS, "selector": {"matchLabels": {"app": "many"}}, "template": template}
    many = {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {"name": "many", "namespace": "default"},
        "spec": spec,
    }
    control_plane.kubectl("apply", "-f", "-", stdin=json.dumps(many))
    Engine(lambda: Objects(who.client()), [make_check({"kind": "ReplicaSet", "object": "many"})], 400).run()
    engine = Engine(lambda: Objects(who.client()), [make_check({"kind": "Pod", "namespace": "default"})], 1)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    took = seconds(lambda: engine.run(wait=False))
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    print(f"k8s_health: {len(engine.verdicts[0].objects)} pods judged in {took:.1f} s, {grown:.0f} MiB more memory")


def main() -> None:
    """All of it."""
    with tempfile.TemporaryDirectory(prefix="kubestd-bench-") as name:
        folder = Path(name)
        control_plane, registry = ControlPlane(folder / "control-plane"), Registry(folder / "registry")
        try:
            control_plane.start()
            registry.begin()
            releases(folder, control_plane, registry)
            nodes(control_plane, folder, 20)
            platform(folder, control_plane)
            health(control_plane)
        finally:
            registry.stop()
            control_plane.stop()


if __name__ == "__main__":
    main()
