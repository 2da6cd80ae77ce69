# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Releases against a real API server, and against kubernetes.core in the same run: python -m tests.bench.releases"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from ..integration import charts
from ..integration.charts import Releaser
from ..integration.control_plane import ControlPlane, Registry, helm
from ..integration.standins import nodes
from ..standins import build, every

ROOT = Path(__file__).parents[2]
CONTRACTS = Path(os.environ.get("KUBESTD_CONTRACTS") or ROOT.parent / "shared/contracts")
TIMES = 10  # tasks of one play
ROUNDS = 3
SYSTEMS = 40


def seconds(action: Callable[[], Any]) -> float:
    """How long something takes."""
    start = time.monotonic()
    action()
    return time.monotonic() - start


def play(folder: Path, inventory: str, playbook: str, **environment: str) -> None:
    """Run a playbook; a failure is an error with its words."""
    path = {"KUBESTD_CACHE": str(folder / "cache"), "PATH": f"{helm().parent}:{os.environ['PATH']}"}
    command = ["ansible-playbook", "-i", inventory, playbook]
    full = {**os.environ, **path, **environment}
    done = subprocess.run(command, cwd=ROOT, env=full, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
    assert "Idempotency checks are currently disabled" not in done.stdout + done.stderr, done.stderr


def task(folder: Path, module: str, options: dict[str, Any], count: int, **environment: str) -> tuple[float, float]:
    """Seconds, and seconds of CPU, of a play with that many tasks of a module."""
    tasks = [{"name": f"Task {number}", module: options} for number in range(count)]
    path = folder / f"{module}-{count}.yml"
    here = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
    path.write_text(
        yaml.safe_dump([{"hosts": "localhost", "gather_facts": False, "vars": here, "tasks": tasks}], sort_keys=False)
    )
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    took = seconds(lambda: play(folder, "localhost,", str(path), **environment))
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return took, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def unchanged(folder: Path, control_plane: ControlPlane, ref: str, archive: Path) -> None:
    """An unchanged release as a task: ours, kubernetes.core's with and without helm-diff, and a task that does nothing."""
    place = {"namespace": "demo", "kubeconfig": str(control_plane.kubeconfig)}
    chart = {"ref": ref, "version": "1.0.0"}
    ours = {**place, "name": "demo", "chart": chart, "registry": {"plain_http": True}}
    theirs = {**place, "name": "peer", "chart_ref": ref, "chart_version": "1.0.0", "plain_http": True}
    # helm-diff cannot speak plain http, so it gets the archive itself, and asks no registry
    local = {**place, "name": "peer-diff", "chart_ref": str(archive)}
    # helm-diff is what the person who runs this has installed, as a user of kubernetes.core does
    plugins = subprocess.run([str(helm()), "env", "HELM_PLUGINS"], capture_output=True, text=True, check=True).stdout
    asked: dict[str, tuple[str, dict[str, Any], str]] = {
        "nothing (`debug`)": ("ansible.builtin.debug", {"msg": ""}, ""),
        "`helm_oci`": ("kubestd.platform.helm_oci", ours, ""),
        "`kubernetes.core.helm` without helm-diff": ("kubernetes.core.helm", theirs, str(folder / "no-plugins")),
    }
    if list(Path(plugins.strip()).glob("*diff*/plugin.yaml")):
        asked["`kubernetes.core.helm` with helm-diff"] = ("kubernetes.core.helm", local, plugins.strip())
    else:
        print("helm has no plugin diff, so that nothing is compared with it; helm plugin install brings it")
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in asked}
    # in turns, since others may use this machine too
    for _ in range(ROUNDS):
        for name, (module, options, where) in asked.items():
            task(folder, module, options, 1, HELM_PLUGINS=where)
            many, none = (task(folder, module, options, count, HELM_PLUGINS=where) for count in (TIMES, 0))
            found[name].append(((many[0] - none[0]) / TIMES, (many[1] - none[1]) / TIMES))
    print("unchanged release as a task | seconds | times | seconds of CPU | times")
    took = {name: [statistics.median(part) for part in zip(*costs)] for name, costs in found.items()}  # noqa: B905
    for name, (wall, cpu) in took.items():
        ours_wall, ours_cpu = took["`helm_oci`"]
        print(f"{name} | {wall:.3f} | {wall / ours_wall:.1f} | {cpu:.3f} | {cpu / ours_cpu:.1f}", flush=True)


def releases(folder: Path, control_plane: ControlPlane, registry: Registry) -> None:
    """One release: unchanged, first installed and upgraded, the latter against bare helm."""
    archive = charts.package(folder)
    ref = charts.push(archive, registry)
    release = Releaser(control_plane, ref, folder / "cache")
    release()
    unchanged(folder, control_plane, ref, archive)
    print(f"unchanged release in the module itself: {min(seconds(release) for _ in range(TIMES)):.3f} s")
    place = ["--version", "1.0.0", "--plain-http", "-n", "demo", "--kubeconfig", str(control_plane.kubeconfig)]
    took: dict[str, list[float]] = {"first installation": [], "upgrade": []}
    for number in range(ROUNDS):
        bare = [str(helm()), "upgrade", "--install", f"bare-{number}", ref, *place]
        fresh = Releaser(control_plane, ref, folder / f"cache-{number}", f"fresh-{number}")
        for word, flags, values in (("first installation", (), {}), ("upgrade", ("--set", "size=2"), {"size": 2})):
            alone = seconds(partial(subprocess.run, [*bare, *flags], check=True, capture_output=True))
            took[word].append(seconds(partial(fresh, values=values)) - alone)
    for word, more in took.items():
        print(f"{word}: helm_oci takes {statistics.median(more):+.2f} s more than helm alone")


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
        finally:
            registry.stop()
            control_plane.stop()


if __name__ == "__main__":
    main()
