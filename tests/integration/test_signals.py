# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signals through the real collector of OpenTelemetry to real servers of Loki, Tempo and Prometheus, sent and found by the checks of observability.

The checks go through a real API server, as they do in a cluster. The programs take too long to be built in a run that has nothing in its
cache, so that they are built once, by `python -m tests.integration.test_signals` (about half an hour on two cores), and where one is not,
its tests are skipped and say so. Pyroscope and OpenSearch do not run here.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.kubestd.platform.plugins.module_utils._component.record import checked
from ansible_collections.kubestd.platform.plugins.module_utils._health.engine import Engine
from ansible_collections.kubestd.platform.plugins.module_utils._health.plan import make_check
from ansible_collections.kubestd.platform.plugins.module_utils._kubeconfig import access
from ansible_collections.kubestd.platform.plugins.module_utils._objects import Objects

from ..contract.records import EVERYTHING, INVENTORIES, manifests, record, values
from .control_plane import CACHE, ControlPlane, Process, free_port
from .standins import module_program, own_address

TOOLS = CACHE / "tools"
HERE = Path(__file__).parent
ROLE = HERE.parents[1] / "roles/observability"
LOKI, TEMPO, COLLECTOR, PROMETHEUS = (
    TOOLS / name
    for name in ("loki-server-3.7.8", "tempo-server-2.10.8", "otel-collector-0.158.0", "prometheus-0.314.0")
)
SPACE = "signals"
Object = dict[str, Any]


def build() -> None:
    """All programs, each from the place where upstream keeps it."""
    flags = {**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "-trimpath -buildvcs=false -mod=mod", "GOWORK": "off"}

    def go(folder: Path, *command: str, **more: str) -> None:
        subprocess.run(["nice", "-n", "15", *command], cwd=folder, env={**flags, **more}, check=True)

    if not LOKI.exists():
        folder = TOOLS / "loki.build"
        shutil.copytree(HERE / "loki_server", folder, dirs_exist_ok=True)
        go(folder, "go", "build", "-p", "1", "-ldflags=-s -w", "-o", "out", "github.com/grafana/loki/v3/cmd/loki")
        (folder / "out").rename(LOKI)
    if not TEMPO.exists():
        # It is no Go module that others may use, and brings all that it needs.
        folder = TOOLS / "tempo.build"
        source = ["--branch", "v2.10.8", "https://github.com/grafana/tempo"]
        subprocess.run(["git", "clone", "--quiet", "--depth", "1", *source, str(folder)], check=True)
        vendored = {"GOFLAGS": "-trimpath -buildvcs=false -mod=vendor"}
        go(folder, "go", "build", "-p", "1", "-ldflags=-s -w", "-o", "out", "./cmd/tempo", **vendored)
        (folder / "out").rename(TEMPO)
    if not COLLECTOR.exists():
        folder = TOOLS / "otel.build"
        shutil.copytree(HERE / "otel_collector", folder, dirs_exist_ok=True)
        go(folder, "go", "install", "go.opentelemetry.io/collector/cmd/builder@v0.158.0", GOBIN=str(folder))
        go(folder, "./builder", "--config=builder.yaml", "--skip-strict-versioning", "--output-path=out")
        (folder / "out/otel-collector").rename(COLLECTOR)
    module_program("prometheus", "github.com/prometheus/prometheus", "v0.314.0")


def built(*programs: Path) -> pytest.MarkDecorator:
    missing = [program.name for program in programs if not program.exists()]
    return pytest.mark.skipif(bool(missing), reason=f"{', '.join(missing)} was not built, see the head of this file")


def found(**more: Any) -> Object:
    return record(ROLE, **{**EVERYTHING, **more})


def checks(made: Object) -> dict[str, Object]:
    """The checks of a record by name, which look in the namespace of these tests."""
    all_checks = (check for stage in made["stages"] for check in stage["health"])
    return {check["name"]: checked(check, SPACE) for check in all_checks if check.get("probe")}


def write(path: Path, config: Object) -> Path:
    path.write_text(yaml.safe_dump(config, sort_keys=False))
    return path


def loki_config(made: Object, folder: Path, port: int) -> Object:
    """What the chart makes of the values of the role, on loopback and alone."""
    ours = values(made, "loki")["loki"]
    s3 = ours["storage"]["type"] == "s3"
    given = ours["storage"].get("s3", {})
    store = {
        "bucketnames": ours["storage"]["bucketNames"]["chunks"],
        "s3forcepathstyle": given.get("s3ForcePathStyle"),
        **{key: value for key, value in given.items() if key != "s3ForcePathStyle"},
    }
    files = {"chunks_directory": f"{folder}/chunks", "rules_directory": f"{folder}/rules"}
    return {
        "auth_enabled": ours["auth_enabled"],
        "server": {"http_listen_port": port, "grpc_listen_port": free_port(), "log_level": "warn"},
        "common": {
            "path_prefix": str(folder),
            "replication_factor": ours["commonConfig"]["replication_factor"],
            "instance_addr": "127.0.0.1",
            "ring": {"kvstore": {"store": "inmemory"}},
            "storage": {"s3": store} if s3 else {"filesystem": files},
        },
        "schema_config": ours["schemaConfig"],
        "limits_config": ours["limits_config"],
        "compactor": {**ours["compactor"], "working_directory": f"{folder}/compactor"},
        "analytics": ours["analytics"],
    }


@built(LOKI)
@pytest.mark.parametrize(("size", "store"), [("small", False), ("small", True), ("medium", True), ("large", True)])
def test_loki_understands_what_it_is_told(tmp_path: Path, size: str, store: bool) -> None:
    more: Object = {} if store else {"platform_object_store": {}}
    config = loki_config(found(observability_size=size, observability_tempo_kafka="k:9092", **more), tmp_path, 3100)
    if store:
        authority = tmp_path / "ca.pem"
        authority.write_bytes(Path("/etc/ssl/certs/ca-certificates.crt").read_bytes())
        config["common"]["storage"]["s3"]["http_config"]["ca_file"] = str(authority)
    path = write(tmp_path / "loki.yaml", config)
    keys = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret"}
    command = [str(LOKI), "-verify-config", f"-config.file={path}"]
    answer = subprocess.run(command, env={**os.environ, **keys}, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stdout + answer.stderr


def without_opensearch(config: Object) -> Object:
    """A configuration without the exporter that the collector of these tests does not have."""
    config = json.loads(json.dumps(config))
    config["exporters"].pop("opensearch", None)
    for pipeline in config["service"]["pipelines"].values():
        pipeline["exporters"] = [name for name in pipeline["exporters"] if name != "opensearch"]
    return dict(config)


@built(COLLECTOR)
@pytest.mark.parametrize("inventory", ["with everything", "large"])
@pytest.mark.parametrize("name", ["otel-agent", "otel-gateway"])
def test_the_collector_understands_what_it_is_told(tmp_path: Path, inventory: str, name: str) -> None:
    made = record(ROLE, **INVENTORIES[inventory])
    [spec] = [item["spec"] for item in manifests(made, "OpenTelemetryCollector") if item["metadata"]["name"] == name]
    path = write(tmp_path / "config.yaml", without_opensearch(spec["config"]))
    flags = [f"--{key}={value}" for key, value in spec["args"].items()]
    environment = {**os.environ, "NODE_NAME": "node", "OPENSEARCH_PASSWORD": "password"}
    command = [str(COLLECTOR), "validate", f"--config={path}", *flags]
    answer = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stdout + answer.stderr


class Chain:
    """The servers, and Services of their names in a cluster whose pods have the address of this machine."""

    def __init__(self, control_plane: ControlPlane, folder: Path) -> None:
        self.control_plane, self.folder = control_plane, folder
        self.ports = {name: free_port() for name in ("loki", "tempo", "tempo-otlp", "prometheus", "otlp", "otlp-grpc")}
        self.processes: list[Process] = []
        self.made = found(observability_size="small", platform_object_store={}, observability_high_availability=False)

    def start(self, name: str, program: Path, *arguments: str, ready: str, **environment: str) -> Process:
        process = Process(name, [str(program), *arguments], self.folder, environment)
        process.start()
        self.processes.append(process)
        process.answers(ready)
        return process

    def apply(self, item: Object) -> None:
        self.control_plane.kubectl("-n", SPACE, "apply", "-f", "-", stdin=json.dumps(item))

    def pod(self) -> None:
        """A pod on paper with the address of this machine, since the API server's proxy goes only to pods."""
        self.apply({"apiVersion": "v1", "kind": "Node", "metadata": {"name": SPACE}})
        self.apply({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}})
        spec = {"nodeName": SPACE, "containers": [{"name": "servers", "image": "registry.k8s.io/pause:3.10.2"}]}
        self.apply({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "servers"}, "spec": spec})
        status = {"phase": "Running", "podIP": own_address(), "podIPs": [{"ip": own_address()}]}
        patch = [
            "patch",
            "pod",
            "servers",
            "--subresource=status",
            "--type=merge",
            "-p",
            json.dumps({"status": status}),
        ]
        self.control_plane.kubectl("-n", SPACE, *patch)

    def service(self, name: str, port: int, target: str) -> None:
        """A Service whose one end is here."""
        self.apply(
            {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": {"ports": [{"port": port}]}}
        )
        pod = {"kind": "Pod", "namespace": SPACE, "name": "servers"}
        ends = {"addresses": [{"ip": own_address(), "targetRef": pod}], "ports": [{"port": self.ports[target]}]}
        self.apply({"apiVersion": "v1", "kind": "Endpoints", "metadata": {"name": name}, "subsets": [ends]})

    def loki(self) -> None:
        config = write(self.folder / "loki.yaml", loki_config(self.made, self.folder / "loki", self.ports["loki"]))
        self.start("loki", LOKI, f"-config.file={config}", ready=f"http://127.0.0.1:{self.ports['loki']}/ready")
        self.service("loki-gateway", 80, "loki")

    def tempo(self) -> None:
        ours = values(self.made, "tempo")["tempo"]
        receiver = {"protocols": {"grpc": {"endpoint": f"127.0.0.1:{self.ports['tempo-otlp']}"}}}
        trace = {
            **ours["storage"]["trace"],
            "local": {"path": f"{self.folder}/tempo/traces"},
            "wal": {"path": f"{self.folder}/tempo/wal"},
        }
        config = {
            "server": {"http_listen_port": self.ports["tempo"], "grpc_listen_port": free_port(), "log_level": "warn"},
            "distributor": {"receivers": {"otlp": receiver}},
            "compactor": {"compaction": {"block_retention": ours["retention"]}},
            "storage": {"trace": trace},
            "usage_report": {"reporting_enabled": ours["reportingEnabled"]},
            "memberlist": {"bind_port": free_port()},
        }
        path = write(self.folder / "tempo.yaml", config)
        self.start("tempo", TEMPO, f"-config.file={path}", ready=f"http://127.0.0.1:{self.ports['tempo']}/ready")
        self.service("tempo", 3200, "tempo")

    def prometheus(self) -> None:
        ours = values(self.made, "kube-prometheus-stack")["prometheus"]["prometheusSpec"]
        strategy = {"translation_strategy": ours["otlp"]["translationStrategy"]}
        path = write(self.folder / "prometheus.yaml", {"otlp": strategy})
        address = f"{own_address()}:{self.ports['prometheus']}"
        flags = [f"--config.file={path}", f"--storage.tsdb.path={self.folder}/tsdb", f"--web.listen-address={address}"]
        flags += ["--web.enable-otlp-receiver"] if ours["enableOTLPReceiver"] else []
        self.start("prometheus", PROMETHEUS, *flags, ready=f"http://{address}/-/ready")
        self.service("prometheus-operated", 9090, "prometheus")

    def collector(self) -> None:
        """The gateway of the role, with the addresses of this machine."""
        [gateway] = [
            item
            for item in manifests(self.made, "OpenTelemetryCollector")
            if item["metadata"]["name"] == "otel-gateway"
        ]
        text = json.dumps(without_opensearch(gateway["spec"]["config"]))
        here = {
            "tempo.monitoring.svc:4317": f"127.0.0.1:{self.ports['tempo-otlp']}",
            "prometheus-platform-0.prometheus-operated.monitoring.svc:9090": f"{own_address()}:{self.ports['prometheus']}",
            "loki-gateway.monitoring.svc/": f"127.0.0.1:{self.ports['loki']}/",
            "0.0.0.0:4318": f"0.0.0.0:{self.ports['otlp']}",
            "0.0.0.0:4317": f"0.0.0.0:{self.ports['otlp-grpc']}",
            "0.0.0.0:13133": f"127.0.0.1:{(health := free_port())}",
            '"port": 8888': f'"port": {free_port()}',
            "serviceAccount": "kubeConfig",
        }
        for there, address in here.items():
            assert there in text, there
            text = text.replace(there, address)
        config = json.loads(text)
        config["service"]["extensions"] = ["health_check"]
        config["extensions"].pop("basicauth/opensearch")
        path = write(self.folder / "collector.yaml", config)
        kubeconfig = {"KUBECONFIG": str(self.control_plane.kubeconfig)}
        self.start("collector", COLLECTOR, f"--config={path}", ready=f"http://127.0.0.1:{health}", **kubeconfig)
        self.service("otel-gateway-collector", 4318, "otlp")

    def look(self, *wanted: Object, timeout: float = 60.0, wait: bool = True, send: bool = True) -> Object:
        who = access({"kubeconfig": str(self.control_plane.kubeconfig)})
        engine = Engine(lambda: Objects(who.client()), [make_check(one) for one in wanted], timeout, send=send)
        return engine.run(wait)

    def stop(self) -> None:
        for process in self.processes:
            process.stop()


@pytest.fixture(scope="module")
def chain(control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chain]:
    control_plane.kubectl("create", "namespace", SPACE)
    made = Chain(control_plane, tmp_path_factory.mktemp("signals"))
    made.pod()
    try:
        for program, start in ((LOKI, made.loki), (TEMPO, made.tempo), (PROMETHEUS, made.prometheus)):
            if program.exists():
                start()
        if COLLECTOR.exists():
            made.collector()
        yield made
    finally:
        made.stop()
        control_plane.kubectl("delete", "node", SPACE)
        control_plane.kubectl("delete", "namespace", SPACE, "--wait=false")


@built(LOKI)
def test_a_log_line_is_pushed_and_found(chain: Chain) -> None:
    check = checks(found(observability_systems=["loki"]))["a log line that is sent is found again in Loki"]
    assert check["probe"]["send"]["service"] == "loki-gateway"
    result = chain.look(check)
    assert result["passed"], result


@built(LOKI, COLLECTOR)
def test_a_log_line_goes_through_the_collector(chain: Chain) -> None:
    check = checks(chain.made)["a log line that is sent is found again in Loki"]
    assert check["probe"]["send"]["service"] == "otel-gateway-collector"
    result = chain.look(check, wait=False)
    assert result["passed"], result


@built(TEMPO, COLLECTOR)
def test_a_trace_goes_through_the_collector(chain: Chain) -> None:
    result = chain.look(checks(chain.made)["a trace that is sent is found again in Tempo"])
    assert result["passed"], result


@built(PROMETHEUS, COLLECTOR)
def test_a_metric_goes_through_the_collector(chain: Chain) -> None:
    result = chain.look(checks(chain.made)["a metric that is sent to the collectors is found again in Prometheus"])
    assert result["passed"], result


@built(LOKI, COLLECTOR)
def test_a_chain_that_is_broken_is_told_and_a_mended_one_passes(chain: Chain) -> None:
    check = checks(chain.made)["a log line that is sent is found again in Loki"]
    check["probe"]["within"] = 3
    [loki] = [process for process in chain.processes if process.name == "loki"]
    loki.stop()
    result = chain.look(check, wait=False)
    assert not result["passed"]
    assert "was sent and not found again in" in result["message"], result["message"]
    loki.start()
    loki.answers(f"http://127.0.0.1:{chain.ports['loki']}/ready")
    result = chain.look(check, timeout=60.0)
    assert result["passed"], result


@built(LOKI)
def test_nothing_is_sent_in_check_mode(chain: Chain) -> None:
    check = checks(found(observability_systems=["loki"]))["a log line that is sent is found again in Loki"]
    result = chain.look(check, wait=False, send=False)
    assert result["passed"] and result["checks"][0]["message"] == "is not sent in check mode"


if __name__ == "__main__":
    build()
