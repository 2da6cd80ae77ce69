# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole platform of stand-ins: real API server, controllers, scheduler, registry and helm; nodes by KWOK, operators by a thread."""

from __future__ import annotations

import json
import os
import re
import shutil
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

from ..standins import build
from .charts import run as helm_run
from .conftest import ROOT, Result
from .control_plane import ControlPlane, Registry, helm
from .standins import StandInOperators, nodes

CONTRACTS = Path(os.environ.get("KUBESTD_CONTRACTS") or ROOT.parent / "shared/contracts")
LAYERS = {
    "network": ["metallb", "cert_manager", "gateway_api", "metrics_server"],
    "delivery": ["headlamp", "harbor", "argocd"],
}
SYSTEMS = [name for systems in LAYERS.values() for name in systems]


class Files(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass


class Platform:
    """Somebody's cluster, and an inventory of systems for it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.control_plane = ControlPlane(folder / "control-plane")
        self.registry = Registry(folder / "registry")
        (folder / "files").mkdir()
        self.files = ThreadingHTTPServer(("127.0.0.1", 0), partial(Files, directory=str(folder / "files")))

    def start(self) -> None:
        self.control_plane.start()
        self.registry.begin()
        threading.Thread(target=self.files.serve_forever, daemon=True).start()
        nodes(self.control_plane, self.folder)
        self.operators = StandInOperators(self.control_plane)
        for name in SYSTEMS:
            defaults = yaml.safe_load((ROOT / f"roles/{name}/defaults/main.yml").read_text())
            for value in defaults.values():
                if isinstance(value, dict) and "ref" in value:
                    self.publish(value["ref"], value["version"])
        self.inventory({})

    def publish(self, ref: str, version: str) -> None:
        """Put the stand-in of a chart where the mirror has it."""
        name = re.sub(rf"-{re.escape(version)}\.tgz$", "", ref.rpartition("/")[2])
        archive = build(CONTRACTS, f"{name}-{version}", self.folder)
        if ref.startswith("oci://"):
            path = ref.removeprefix("oci://").split("/", 1)[1].rpartition("/")[0]
            helm_run("push", str(archive), f"oci://{self.registry.address}/{path}", "--plain-http")
        else:
            target = self.folder / "files" / ref.split("://", 1)[1]
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(archive, target)

    def inventory(self, hostvars: dict[str, dict[str, Any]], **platform: Any) -> None:
        """Write the inventory."""
        layers = {
            f"platform_{layer}": {"hosts": {name: hostvars.get(name, {}) for name in systems}}
            for layer, systems in LAYERS.items()
        }
        common = {
            "platform_kubeconfig": str(self.control_plane.kubeconfig),
            "platform_mirror": {
                "registry": self.registry.address,
                "files": f"http://127.0.0.1:{self.files.server_address[1]}",
            },
            "platform_registry": {"plain_http": True},
            "platform_helm": str(helm()),
            "platform_domain": "example.test",
            "platform_issuer": "platform",
            "platform_gateway": {"name": "platform", "namespace": "gateway-system"},
            "metallb_pools": [{"name": "default", "addresses": ["192.0.2.10-192.0.2.20"]}],
            "component_timeout": 60,
            **platform,
        }
        found = {"platform": {"children": layers, "vars": common}}
        (self.folder / "inventory.yml").write_text(yaml.safe_dump(found))

    def play(self, *arguments: str, playbook: str = "platform", rc: int | None = 0) -> Result:
        """Run a playbook of the collection."""
        done = subprocess.run(
            ["ansible-playbook", "-i", str(self.folder / "inventory.yml"), f"playbooks/{playbook}.yml", *arguments],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=400,
            check=False,
            env={
                **os.environ,
                "ANSIBLE_NOCOLOR": "1",
                "ANSIBLE_FORCE_COLOR": "0",
                "KUBESTD_CACHE": str(self.folder / "cache"),
            },
        )
        text = done.stdout + done.stderr
        assert rc is None or done.returncode == rc, text[-6000:]
        return Result(done.returncode, text, 0.0)

    def stop(self) -> None:
        self.operators.stop()
        self.files.shutdown()
        self.files.server_close()
        self.registry.stop()
        self.control_plane.stop()


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    if not CONTRACTS.is_dir():
        pytest.skip(f"there is no contract data in {CONTRACTS}; set KUBESTD_CONTRACTS")
    made = Platform(tmp_path_factory.mktemp("platform"))
    try:
        made.start()
        yield made
    finally:
        made.stop()


def test_check_mode_on_an_empty_cluster_shows_everything_and_changes_nothing(platform: Platform) -> None:
    result = platform.play("--check", "--diff")
    assert set(result.changed) == set(SYSTEMS)
    spaces = platform.control_plane.kubectl("get", "namespaces", "-o", "name").split()
    assert len(spaces) == 4, spaces


def test_the_first_run_installs_everything_and_says_each_step(platform: Platform) -> None:
    result = platform.play()
    assert set(result.changed) == set(SYSTEMS), result.text[-3000:]
    assert re.search(r"harbor: install harbor \([\d.]+ s\)", result.text)
    space = json.loads(platform.control_plane.kubectl("get", "namespace", "metallb-system", "-o", "json"))
    assert space["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "privileged"


def test_the_second_run_changes_nothing(platform: Platform) -> None:
    assert platform.play().changed == {}
    assert platform.play("--check", "--diff").changed == {}


def test_limit_works_on_one_system(platform: Platform) -> None:
    platform.inventory({"harbor": {"harbor_values": {"logLevel": "debug"}}})
    result = platform.play("--limit", "harbor")
    assert list(result.recap) == ["harbor"]
    assert "upgrade harbor: other values or options" in result.text
    assert platform.play().changed == {}


def test_a_broken_system_does_not_stop_its_layer_but_what_needs_it(platform: Platform) -> None:
    broken = {"metallb": {"metallb_chart": {"ref": "oci://quay.io/metallb/chart/metallb", "version": "9.9.9"}}}
    platform.inventory({**broken, "headlamp": {"headlamp_values": {"replicaCount": 3}}})
    result = platform.play(rc=2)
    assert result.recap["metallb"]["failed"] == 1
    assert "it is not there; check chart.ref and chart.version" in result.text
    # gateway_api, of the same layer, may have begun before metallb failed; what is above it is blocked by it then
    assert result.recap["cert_manager"]["failed"] == 0
    assert result.recap["argocd"]["failed"] == result.recap["gateway_api"]["failed"]
    platform.inventory({})
    platform.play()


def test_an_unhealthy_system_is_named_with_its_cause(platform: Platform) -> None:
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "none", "namespace": "harbor"}}
    platform.control_plane.kubectl("apply", "-f", "-", stdin=json.dumps({**quota, "spec": {"hard": {"pods": "0"}}}))
    platform.control_plane.kubectl("-n", "harbor", "delete", "pods", "--all", "--wait=false")
    for _ in range(100):
        where = ("-n", "harbor", "get", "deployment", "harbor-core", "-o", "jsonpath={.status.availableReplicas}")
        if not platform.control_plane.kubectl(*where):
            break
        time.sleep(0.1)
    result = platform.play("--limit", "harbor", rc=2)
    assert "exceeded quota: none" in result.text
    platform.control_plane.kubectl("-n", "harbor", "delete", "resourcequota", "none")
    # controllers that were refused wait longer and longer; new ones begin at once
    platform.control_plane.kubectl("-n", "harbor", "delete", "replicasets,statefulsets", "--all")
    platform.play("--limit", "harbor", "-e", "platform_drift=repair")


def test_no_generated_secret_is_said(platform: Platform) -> None:
    platform.play("-e", "platform_action=remove", "-e", "platform_remove_data=true", "--limit", "harbor")
    result = platform.play("-vvv", "--diff", "--limit", "harbor")
    secret = json.loads(
        platform.control_plane.kubectl("-n", "harbor", "get", "secret", "harbor-generated", "-o", "json")
    )
    assert len(secret["data"]) == 8
    for value in secret["data"].values():
        assert value not in result.text
    key = re.search(r"client-key-data: (\S+)", platform.control_plane.kubeconfig.read_text())
    assert key and key.group(1) not in result.text


def test_the_lock_names_every_chart_and_anything_else_is_refused(platform: Platform) -> None:
    platform.play(playbook="lock")
    lock = platform.folder / "group_vars/platform/lock.yml"
    pins = yaml.safe_load(lock.read_text())["platform_pins"]
    assert len(pins) == 10 and all(re.fullmatch("[0-9a-f]{64}", digest) for digest in pins.values())
    assert platform.play().changed == {}
    assert platform.play(playbook="lock").changed == {}
    lock.write_text(lock.read_text().replace(pins["oci://quay.io/metallb/chart/metallb@0.16.1"], "f" * 64))
    result = platform.play("--limit", "metallb", rc=2)
    assert "it is not the chart that was pinned" in result.text
    lock.unlink()


def test_health_is_a_table_a_file_and_a_page(platform: Platform) -> None:
    where = {name: str(platform.folder / f"report.{name}") for name in ("json", "html")}
    flags = ["-e", f"health_report_path={where['json']}", "-e", f"health_report_html={where['html']}"]
    result = platform.play(*flags, playbook="health")
    assert result.changed == {}
    assert re.search(r"^Healthy +harbor +delivery +harbor 1\.19\.2 r\d", result.text, re.MULTILINE)
    report = json.loads(Path(where["json"]).read_text())
    assert {one["name"] for one in report["systems"]} == set(SYSTEMS)
    assert [one["layer"] for one in report["systems"]] == ["network"] * 4 + ["delivery"] * 3
    platform.control_plane.kubectl("-n", "harbor", "delete", "deployment", "harbor-core")
    result = platform.play(*flags, playbook="health", rc=2)
    assert "Deployment harbor/harbor-core is not there, and revision" in result.text
    page = Path(where["html"]).read_text()
    assert "harbor-core is not there" in page
    assert not re.search(r'(src|href)="|@import|url\(', page), "the page asks for something from elsewhere"
    platform.play("-e", "platform_drift=repair", "--limit", "harbor")


def test_removal_leaves_what_it_says(platform: Platform) -> None:
    result = platform.play("-e", "platform_action=remove", "--limit", "harbor,metrics_server")
    assert "Secret harbor/harbor-generated" in result.text
    assert "delete the namespace" not in result.text
    left = platform.control_plane.kubectl("-n", "harbor", "get", "all,secret", "-o", "name").split()
    assert left == ["secret/harbor-generated"]
    again = platform.play("-e", "platform_action=remove", "--limit", "harbor,metrics_server")
    assert again.changed == {}
    platform.play()
