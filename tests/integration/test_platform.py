# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole platform of stand-ins: real API server, controllers, scheduler, registry and helm; nodes by KWOK, operators by a thread."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shlex
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

from ..contract import records
from ..contract.keys import chart_of
from ..contract.test_roles import merged
from ..standins import build, keycloak_operator, kubeflow, kubevirt_operators
from .charts import run as helm_run
from .conftest import ROOT, Result
from .control_plane import ControlPlane, Registry, helm, kubernetes
from .standins import StandInOperators, monitoring_crds, nodes, snapshot_crds

CONTRACTS = Path(os.environ.get("KUBESTD_CONTRACTS") or ROOT.parent / "shared/contracts")
# make test-upstream: charts from where they really are. Pods of theirs that are asked listen on these ports.
UPSTREAM = os.environ.get("KUBESTD_UPSTREAM") == "1"
PORTS = (8080, 4466) if UPSTREAM else ()
LAYERS = {
    "foundation": ["image_mirror", "monitoring_crds"],
    "network": ["metallb", "cert_manager", "gateway_api", "metrics_server", "istio", "k8gb"],
    "storage": ["snapshot_controller", "rook_ceph", "velero", "cnpg", "postgresql", "valkey"],
    "identity": ["vault", "external_secrets", "teleport_keycloak"],
    "delivery": ["headlamp", "harbor", "argocd", "github_runners", "jenkins", "gitlab"],
    "observability": ["observability"],
    "data": ["strimzi", "clickhouse"],
    "runtime": ["falco", "knative", "kubevirt", "kubeflow"],
}
if UPSTREAM:
    del LAYERS["foundation"]  # there is no mirror
SYSTEMS = [name for systems in LAYERS.values() for name in systems]


class Files(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass


class Platform:
    """Somebody's cluster, and an inventory of systems for it, by layers."""

    def __init__(self, folder: Path, layers: dict[str, list[str]]) -> None:
        self.folder, self.layers = folder, layers
        self.control_plane = ControlPlane(folder / "control-plane")
        self.registry = Registry(folder / "registry")
        (folder / "files").mkdir()
        self.files = ThreadingHTTPServer(("127.0.0.1", 0), partial(Files, directory=str(folder / "files")))

    def start(self) -> None:
        self.control_plane.start()
        self.registry.begin()
        threading.Thread(target=self.files.serve_forever, daemon=True).start()
        nodes(self.control_plane, self.folder)
        self.operators = StandInOperators(self.control_plane, PORTS)
        systems = [name for names in self.layers.values() for name in names]
        for name in () if UPSTREAM else systems:
            for value in merged(ROOT / "roles" / name, "defaults").values():
                if isinstance(value, dict) and "ref" in value:
                    self.publish(value["ref"], value["version"])
        if "snapshot_controller" in systems:
            self.publish_crds("snapshot_controller", "snapshot_controller_crds_url", snapshot_crds())
        if "monitoring_crds" in systems:
            self.publish_crds("monitoring_crds", "monitoring_crds_url", monitoring_crds())
        self.inventory({})

    def publish_crds(self, role: str, variable: str, paths: list[Path]) -> None:
        """Real CRDs, which a role takes from GitHub by their digests."""
        url = merged(ROOT / "roles" / role, "defaults")[variable]
        target = self.folder / "files" / url.split("://", 1)[1]
        target.mkdir(parents=True)
        for path in paths:
            shutil.copy(path, target)

    def publish(self, ref: str, version: str) -> None:
        """Put the stand-in of a chart where the mirror has it."""
        archive = build(CONTRACTS, chart_of({"ref": ref, "version": version}), self.folder)
        if ref.startswith("oci://"):
            path = ref.removeprefix("oci://").split("/", 1)[1].rpartition("/")[0]
            helm_run("push", str(archive), f"oci://{self.registry.address}/{path}", "--plain-http")
        else:
            target = self.folder / "files" / ref.split("://", 1)[1]
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(archive, target)

    def keycloak(self) -> dict[str, Any]:
        """The stand-in of Keycloak's operator, where the mirror has it, and its digest."""
        text = keycloak_operator(CONTRACTS)
        target = self.folder / "files/keycloak.example/operator.yml"
        target.parent.mkdir(exist_ok=True)
        target.write_text(text)
        file = {"name": "operator.yml", "sha256": hashlib.sha256(text.encode()).hexdigest()}
        return {"base": "https://keycloak.example", "api_version": "k8s.keycloak.org/v2alpha1", "files": [file]}

    def kubevirt(self) -> dict[str, Any]:
        """The stand-ins of KubeVirt's operators, where the mirror has them, and their digests."""
        found = {}
        for option, text in kubevirt_operators(CONTRACTS).items():
            target = self.folder / f"files/kubevirt.example/{option}.yaml"
            target.parent.mkdir(exist_ok=True)
            target.write_text(text)
            digest = hashlib.sha256(text.encode()).hexdigest()
            found[option] = {"url": f"https://kubevirt.example/{option}.yaml", "sha256": digest}
        return found

    def kubeflow(self) -> dict[str, Any]:
        """The stand-in of Kubeflow's distribution, where the mirror has it, and its digest."""
        folders = records.value(ROOT / "roles/kubeflow", "__kubeflow_resources")
        content = kubeflow(CONTRACTS, folders)
        target = self.folder / "files/kubeflow.example/distribution.tar.gz"
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(content)
        return {"url": "https://kubeflow.example/distribution.tar.gz", "sha256": hashlib.sha256(content).hexdigest()}

    def inventory(self, hostvars: dict[str, dict[str, Any]], **platform: Any) -> None:
        """Write the inventory."""
        layers = {
            f"platform_{layer}": {"hosts": {name: hostvars.get(name, {}) for name in systems}}
            for layer, systems in self.layers.items()
        }
        common = {
            "platform_kubeconfig": str(self.control_plane.kubeconfig),
            **({} if UPSTREAM else self.mirror()),
            "platform_helm": str(helm()),
            "platform_domain": "example.test",
            "platform_issuer": "platform",
            "platform_gateway": {"name": "platform", "namespace": "gateway-system"},
            "metallb_pools": [{"name": "default", "addresses": ["192.0.2.10-192.0.2.20"]}],
            "platform_storage_class": "ceph-block",
            "platform_object_store": {
                "endpoint": "http://s3.example.test",
                "region": "r",
                "storage_class": "ceph-bucket",
            },
            "rook_ceph_nodes": [{"name": f"kwok-{number}", "devices": ["/dev/sdb"]} for number in range(3)],
            "istio_waypoints": [{"namespace": "default"}],
            "k8gb_zones": [{"zone": "cloud.example.test", "parent": "example.test"}],
            "k8gb_geo_tag": "eu",
            "k8gb_external_geo_tags": ["us"],
            "k8gb_edge_dns": {"host": "192.0.2.5", "tsig_key_name": "k8gb", "tsig_secret_name": "edge-dns"},
            "k8gb_records": [{"name": "web", "namespace": "default", "route": "web"}],
            "kubeflow_oidc": {"issuer": "https://keycloak.example.test/realms/platform"},
            "platform_kustomize": str(kubernetes("kubectl")),
            "kubeflow_archive": self.kubeflow(),
            "kubeflow_profiles": [{"name": "team-a", "owner": "anna@example.test"}],
            "platform_vault": {"server": "https://vault-active.vault.svc:8200"},
            "github_runners_image": f"ghcr.io/actions/actions-runner:2.330.0@sha256:{'0' * 64}",
            "github_runners_scale_sets": [
                {
                    "name": "runners",
                    "url": "https://github.com/example",
                    "secret_name": "github-app",
                    "vault_path": "github/app",
                }
            ],
            "teleport_keycloak_operator": self.keycloak(),
            "teleport_keycloak_database": {"host": "keycloak-database-rw", "secret_name": "keycloak-database-app"},
            "gitlab_database": {"host": "gitlab-database-rw", "secret_name": "gitlab-database-app"},
            "gitlab_redis": {"host": "gitlab-valkey", "secret_name": "gitlab-valkey-generated"},
            "gitlab_runners": [{"name": "shared", "token_secret": "runner-shared"}],
            **self.kubevirt(),
            # found out on the second run otherwise, which shall change nothing
            "kubevirt_emulation": "true",
            "component_timeout": 60,
            **platform,
        }
        found = {"platform": {"children": layers, "vars": common}}
        (self.folder / "inventory.yml").write_text(yaml.safe_dump(found))

    def mirror(self) -> dict[str, Any]:
        """Where the stand-ins are."""
        files = f"http://127.0.0.1:{self.files.server_address[1]}"
        return {
            "platform_mirror": {"registry": self.registry.address, "files": files},
            "platform_registry": {"plain_http": True},
        }

    def play(self, *arguments: str, playbook: str = "platform", rc: int | None = 0, terminal: bool = False) -> Result:
        """Run a playbook of the collection; on a terminal, its text is what was written to it."""
        command = [
            "ansible-playbook",
            "-i",
            str(self.folder / "inventory.yml"),
            f"playbooks/{playbook}.yml",
            *arguments,
        ]
        if terminal:
            line = f"stty cols 100 rows 40; exec {shlex.join(command)}"
            command = ["script", "--quiet", "--return", "--command", line, os.devnull]
        done = subprocess.run(
            command,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=400,
            check=False,
            env={
                **os.environ,
                "ANSIBLE_NOCOLOR": "1",
                "ANSIBLE_FORCE_COLOR": "0",
                "TERM": "xterm",
                "KUBESTD_CACHE": str(self.folder / "cache"),
            },
        )
        text = done.stdout + done.stderr
        failed = "\n".join(line[:1500] for line in text.splitlines() if line.startswith("fatal: "))
        assert rc is None or done.returncode == rc, failed or text[-6000:]
        return Result(done.returncode, text, 0.0)

    def stop(self) -> None:
        self.operators.stop()
        self.files.shutdown()
        self.files.server_close()
        self.registry.stop()
        self.control_plane.stop()


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    if not CONTRACTS.is_dir() and not UPSTREAM:
        pytest.skip(f"there is no contract data in {CONTRACTS}; set KUBESTD_CONTRACTS")
    made = Platform(tmp_path_factory.mktemp("platform"), LAYERS)
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
    # without a terminal: a line for each step, one at the end of each system, no task in between and nothing but text
    assert re.search(r"^  harbor: install harbor \([\d.]+ s\)$", result.text, re.MULTILINE)
    assert set(re.findall(r"^  (\S+): Healthy: \d+ changes? \([\d.]+ s\)$", result.text, re.MULTILINE)) == set(SYSTEMS)
    assert result.text.count("LAYER [") == len(LAYERS) and "Carry out the verb" not in result.text
    assert not re.search(r"[\x00-\x08\x0b-\x1f]", result.text)
    space = json.loads(platform.control_plane.kubectl("get", "namespace", "metallb-system", "-o", "json"))
    assert space["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "privileged"


def test_the_second_run_changes_nothing(platform: Platform) -> None:
    assert platform.play().changed == {}
    assert platform.play("--check", "--diff").changed == {}


@pytest.mark.skipif(UPSTREAM, reason="upstream's charts come from no mirror")
def test_every_image_comes_from_the_mirror_and_others_are_refused(platform: Platform) -> None:
    path = "jsonpath={range .items[*]}{.metadata.namespace} {.spec.containers[*].image}{'\\n'}{end}"
    pods = [line.split() for line in platform.control_plane.kubectl("get", "pods", "-A", "-o", path).splitlines()]
    own, mirrored = (
        {image for space, *images in pods for image in images if (space == "kube-system") is wanted}
        for wanted in (True, False)
    )
    assert own == {"registry.k8s.io/pause:3.10.2"}
    assert f"{platform.registry.address}/pause:3.10.2" in mirrored
    assert {image.partition("/")[0] for image in mirrored} == {platform.registry.address}
    images = {
        "nginx": "library/nginx",
        "grafana/grafana:1": "grafana/grafana:1",
        "localhost/a/b@sha256:" + "0" * 64: "",
    }
    for image, moved in images.items():
        container = {"name": "a", "image": image}
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}}
        pod["spec"] = {"containers": [container], "initContainers": [container | {"name": "b"}]}
        made = json.loads(
            platform.control_plane.kubectl("create", "--dry-run=server", "-o", "json", "-f", "-", stdin=json.dumps(pod))
        )
        wanted = f"{platform.registry.address}/{moved or image.removeprefix('localhost/')}"
        assert [made["spec"][part][0]["image"] for part in ("containers", "initContainers")] == [wanted] * 2


def test_a_terminal_shows_all_systems_of_a_layer_at_once(platform: Platform) -> None:
    text = platform.play(terminal=True).text.replace("\r\n", "\n")
    # each drawing goes up by as many lines as the one before it had, and clears what is below
    drawings = re.split(r"\x1b\[(\d+)F\x1b\[J", text)
    heights = {int(height) for height in drawings[1::2]}
    assert heights == {len(systems) for systems in LAYERS.values()}
    assert re.search(r"^  waiting +harbor$", text, re.MULTILINE)
    assert re.search(r"^  working +harbor +[\d.]+ s", text, re.MULTILINE)
    for name in LAYERS["runtime"]:
        assert re.search(rf"^  Healthy +{name} +[\d.]+ s  unchanged$", drawings[-1], re.MULTILINE), drawings[-1]


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
    # Keycloak has to give a copy of its client's secret to the namespace that went
    result = platform.play("-vvv", "--diff", "--limit", "harbor,teleport_keycloak")
    assert result.changed == {"harbor": 1, "teleport_keycloak": 1}
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
    assert len(pins) == 46 and all(re.fullmatch("[0-9a-f]{64}", digest) for digest in pins.values())
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
    assert [one["layer"] for one in report["systems"]] == [layer for layer in LAYERS for _ in LAYERS[layer]]
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
    # the second is Keycloak's, whose client Harbor still is
    assert left == ["secret/harbor-generated", "secret/harbor-oidc"]
    again = platform.play("-e", "platform_action=remove", "--limit", "harbor,metrics_server")
    assert again.changed == {}
    platform.play()


def test_a_mesh_leaves_its_crds_and_k8gb_what_stands_in_the_edge_dns(platform: Platform) -> None:
    result = platform.play("-e", "platform_action=remove", "--limit", "istio,k8gb")
    assert "keeps the CRDs of Istio and all objects of theirs" in result.text
    assert "keeps delegations and TXT records of this cluster in the edge DNS" in result.text
    left = platform.control_plane.kubectl("get", "deployments,daemonsets", "-A", "-o", "name")
    assert not re.search("istiod|istio-cni|ztunnel|kiali|k8gb", left)
    crds = platform.control_plane.kubectl("get", "crd", "-o", "name")
    assert "peerauthentications.security.istio.io" in crds and "gslbs.k8gb.io" not in crds
    again = platform.play("-e", "platform_action=remove", "--limit", "istio,k8gb")
    assert again.changed == {}
    platform.play("--limit", "istio,k8gb")


def test_ceph_is_not_removed_without_a_confirmation_and_a_database_not_without_its_data(platform: Platform) -> None:
    result = platform.play("-e", "platform_action=remove", "--limit", "rook_ceph,postgresql", rc=2)
    assert "to remove it, write rook_ceph_confirm_remove: rook-ceph." in result.text
    assert "to remove it and its data, write platform_remove_data: true." in result.text
    assert result.changed == {}
    for kind, space in (("cephcluster", "rook-ceph"), ("clusters.postgresql.cnpg.io", "postgresql")):
        assert platform.control_plane.kubectl("-n", space, "get", kind, "-o", "name")


def test_the_bucket_of_backups_outlives_velero(platform: Platform) -> None:
    result = platform.play("-e", "platform_action=remove", "--limit", "velero,snapshot_controller")
    assert "keeps ObjectBucketClaim velero-bucket" in result.text and "keeps all backups in the bucket" in result.text
    platform.control_plane.kubectl("-n", "velero", "get", "objectbucketclaim/velero-bucket", "backup.velero.io/first")
    platform.control_plane.kubectl("get", "crd", "volumesnapshots.snapshot.storage.k8s.io")
    assert not platform.control_plane.kubectl("-n", "velero", "get", "deployments", "-o", "name")
    platform.play("--limit", "velero,snapshot_controller")


def test_a_backup_that_is_too_old_is_a_broken_velero(platform: Platform) -> None:
    platform.operators.frozen.add("Backup")
    old = json.dumps({"status": {"startTimestamp": "2026-01-01T00:00:00Z"}})
    try:
        platform.control_plane.kubectl("-n", "velero", "patch", "backup.velero.io/first", "--type=merge", "-p", old)
        result = platform.play("--limit", "velero", "-e", "component_timeout=15", rc=2)
        assert re.search(r"Backup velero/first: is the newest and [\d.]+ h old, 26.0 h are allowed", result.text)
    finally:
        platform.operators.frozen.clear()
    platform.play("--limit", "velero")


SHOP = """
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, namespace: shop}
data: {colour: red}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {ports: [{port: 80}]}
"""


def test_a_restore_drill_compares_the_copy_and_takes_it_away(platform: Platform) -> None:
    platform.control_plane.kubectl("apply", "-f", "-", stdin=SHOP)
    flags = ("--limit", "velero", "-e", "restore_drill_source=shop")
    result = platform.play(*flags, playbook="restore_drill")
    assert "created Restore drill-" in result.text and "deleted Namespace shop-drill" in result.text
    platform.operators.lost.add("ConfigMap")
    try:
        result = platform.play(*flags, playbook="restore_drill", rc=2)
    finally:
        platform.operators.lost.clear()
    assert "does not restore what is there: ConfigMap settings is not there in the copy." in result.text
    spaces = platform.control_plane.kubectl("get", "namespaces", "-o", "name").split()
    assert "namespace/shop" in spaces and "namespace/shop-drill" not in spaces


def test_a_backup_is_restored_under_another_name(platform: Platform) -> None:
    platform.control_plane.kubectl("apply", "-f", "-", stdin=SHOP)
    platform.control_plane.kubectl("create", "namespace", "shop-old")
    wanted = {"restore_schedule": "velero-daily", "restore_namespaces": ["shop"], "restore_map": {"shop": "shop-old"}}
    platform.play("--limit", "velero", "-e", json.dumps(wanted), playbook="restore")
    where = ("-n", "shop-old", "get", "configmap", "settings", "-o", "jsonpath={.data.colour}")
    assert platform.control_plane.kubectl(*where) == "red"
    result = platform.play("--limit", "velero", playbook="restore", rc=2)
    assert "Write which backup to restore" in result.text
