# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Machines and systems in one inventory: real MetalLB, metrics-server and Valkey on the cluster of test_cluster.py, used, broken, mended, removed.

Charts and programs are upstream's; where upstream cannot be reached, both are of the Go module of the same version, and Valkey is Debian's.
"""

from __future__ import annotations

import contextlib
import ipaddress
import json
import os
import re
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from .conftest import Result, Sandbox
from .load import Watch
from .test_cluster import get, nodes_ready, secrets_shown, succeed

SYSTEMS = ["metallb", "metrics_server", "valkey"]
# The sandbox has no storage class, so that this is where the claim of Valkey is bound.
FOLDER = "/var/lib/valkey-of-the-test"
VOLUME = {
    "apiVersion": "v1",
    "kind": "PersistentVolume",
    "metadata": {"name": "valkey-of-the-test"},
    "spec": {
        "capacity": {"storage": "64Mi"},
        "accessModes": ["ReadWriteOnce"],
        "local": {"path": FOLDER},
        "nodeAffinity": {
            "required": {
                "nodeSelectorTerms": [
                    {"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": ["w1"]}]}
                ]
            }
        },
    },
}
# What comes and goes by itself
RESTLESS = {"events", "leases", "pods", "endpoints", "endpointslices", "replicasets", "certificatesigningrequests"}
# Has the name of every helm before version 4, to see that it is not taken.
OLD_HELM = "#!/bin/sh\necho v3.19.0\n"
WEB = """
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: web, namespace: default}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 0
      containers:
        - name: web
          image: registry.k8s.io/kube-proxy:v1.36.4
          command: [perl, -MIO::Socket::INET, -e]
          args:
            - |
              my $server = IO::Socket::INET->new(LocalPort => 8080, Listen => 20, ReuseAddr => 1) or die;
              while (my $client = $server->accept) { <$client>; print $client "HTTP/1.0 200 OK\\r\\n\\r\\nhello"; close $client }
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: default}
spec: {type: LoadBalancer, selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}
"""


def objects(sandbox: Sandbox) -> set[str]:
    """Every object of the cluster, but for those that come and go by themselves."""
    kinds = sandbox.kubectl("api-resources", "--verbs=list", "--output=name").split()
    wanted = ",".join(kind for kind in kinds if kind.split(".")[0] not in RESTLESS)
    path = "{range .items[*]}{.apiVersion} {.kind} {.metadata.namespace}/{.metadata.name}{'\\n'}{end}"
    return set(sandbox.kubectl("get", wanted, "--all-namespaces", f"--output=jsonpath={path}").splitlines())


def apply(sandbox: Sandbox, text: str, verb: str = "apply", check: bool = True) -> subprocess.CompletedProcess[str]:
    """kubectl with a manifest."""
    sandbox.run("cp1", ["sh", "-c", f"cat > /tmp/manifest.yaml <<'EOF'\n{text}\nEOF"])
    command = ["kubectl", "--kubeconfig=/etc/kubernetes/admin.conf", verb, "--filename=/tmp/manifest.yaml"]
    return sandbox.run("cp1", command, check=check)


@pytest.fixture(scope="module")
def before(cluster: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[set[str]]:
    """The inventory gets its systems, the mirror what they need; yields the objects of the cluster before them."""
    sandbox = cluster
    old = tmp_path_factory.mktemp("bin") / "helm"
    old.write_text(OLD_HELM)
    old.chmod(0o755)
    kept = dict(sandbox.environment)
    sandbox.environment["PATH"] = f"{old.parent}:{kept['PATH']}"
    sandbox.environment["KUBESTD_SANDBOX_SYSTEMS"] = ",".join(SYSTEMS)
    sandbox.verb("create")
    sandbox.run("w1", ["mkdir", "-p", FOLDER])
    apply(sandbox, json.dumps(VOLUME))
    yield objects(sandbox)
    sandbox.kubectl("delete", "persistentvolume", VOLUME["metadata"]["name"], "--wait=false")
    sandbox.environment = kept


@pytest.fixture(autouse=True)
def with_systems(before: set[str]) -> None:
    """Every test of this file is of a sandbox with systems."""


def health(sandbox: Sandbox, folder: Path) -> tuple[Result, dict[str, dict[str, str]]]:
    """What health.yml says, and what of it is about systems."""
    path = folder / "health.json"
    result = sandbox.playbook("playbooks/health.yml", "--extra-vars", f"health_report_path={path}")
    return result, {one["name"]: one for one in json.loads(path.read_text())["systems"]}


def health_when(sandbox: Sandbox, folder: Path, **wanted: str) -> tuple[Result, dict[str, dict[str, str]]]:
    """What health.yml says once it says this of the systems."""
    deadline = time.monotonic() + 90
    while True:
        result, systems = health(sandbox, folder)
        found = {name: one["status"] for name, one in systems.items()}
        if found == wanted:
            return result, systems
        assert time.monotonic() < deadline, found


def patch(sandbox: Sandbox, namespace: str, what: str, change: object, kind: str = "strategic") -> None:
    sandbox.kubectl("--namespace", namespace, "patch", what, f"--type={kind}", f"--patch={json.dumps(change)}")


def test_without_a_helm_4_or_its_digest_it_is_said_which_to_bring(sandbox: Sandbox) -> None:
    result = sandbox.playbook("playbooks/platform.yml", "--extra-vars", '{"platform_checksums": {}}')
    assert result.rc == 2
    assert "There is no helm 4 on this machine's PATH" in result.text
    assert "platform_checksums.helm['4.3.1']" in result.text


def test_systems_are_installed_with_the_kubeconfig_of_the_first_control_plane_and_nobody_sees_it(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    sandbox.environment["TMPDIR"] = str(tmp_path)
    with Watch() as watch:
        result = succeed(sandbox.playbook("site.yml", "-vvv", "--diff"))
    del sandbox.environment["TMPDIR"]
    assert set(result.changed) == set(SYSTEMS), {host: result.tasks_with("changed", host) for host in result.changed}
    assert re.search(r"metallb: install metallb \([\d.]+ s\)", result.text)
    assert any(re.search(r"helm upgrade metallb ", command) for command in watch.commands), "nothing was watched"
    assert secrets_shown(sandbox, result.text, watch.commands) == []
    admin = sandbox.run("cp1", ["cat", "/etc/kubernetes/admin.conf"]).stdout
    key = re.search(r"client-key-data: (\S+)", admin)
    assert key
    cache = Path(sandbox.inventory["all"]["vars"]["sandbox_cache"])
    folders = [tmp_path, Path.home() / ".ansible", Path("/dev/shm"), cache / "helm", cache / "charts"]
    paths = [path for folder in folders for path in folder.rglob("*") if path.is_file() and os.access(path, os.R_OK)]
    assert not [path for path in paths if key.group(1).encode() in path.read_bytes()]


def test_a_second_run_and_check_mode_change_nothing(sandbox: Sandbox) -> None:
    result = succeed(sandbox.playbook("site.yml"))
    assert result.changed == {}, {host: result.tasks_with("changed", host) for host in result.changed}
    assert set(result.recap) == {*sandbox.hosts, *SYSTEMS}
    assert succeed(sandbox.playbook("playbooks/platform.yml", "--check", "--diff")).changed == {}


def test_one_system_alone_is_fine(sandbox: Sandbox) -> None:
    result = succeed(sandbox.playbook("site.yml", "--limit", "metallb"))
    assert list(result.recap) == ["metallb"]
    assert result.changed == {}


def test_a_service_gets_an_address_that_answers_from_outside(sandbox: Sandbox) -> None:
    apply(sandbox, WEB)
    sandbox.kubectl("rollout", "status", "daemonset/web", "--timeout=60s", timeout=70)
    path = "--output=jsonpath={.status.loadBalancer.ingress[0].ip}"
    sandbox.wait(lambda: sandbox.kubectl("get", "service", "web", path) != "", 30)
    address = sandbox.kubectl("get", "service", "web", path)
    first, last = sandbox.inventory["platform"]["vars"]["metallb_pools"][0]["addresses"][0].split("-")
    assert ipaddress.ip_address(first) <= ipaddress.ip_address(address) <= ipaddress.ip_address(last)

    def answers() -> bool:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"http://{address}/", timeout=2) as answer:
            return bool(answer.read() == b"hello")
        return False

    sandbox.wait(answers, 30)
    assert get(sandbox, "lb1", f"http://{address}/") == "hello"
    apply(sandbox, WEB, "delete")


def test_kubectl_top_is_answered_from_kubelets_whose_certificates_are_verified(sandbox: Sandbox) -> None:
    sandbox.wait(lambda: len(sandbox.kubectl("top", "nodes", "--no-headers", check=False).splitlines()) > 0, 60)
    said = {line.split()[0]: line.split()[1] for line in sandbox.kubectl("top", "nodes", "--no-headers").splitlines()}
    assert set(said) == set(nodes_ready(sandbox))
    assert all(re.fullmatch(r"\d+m", cores) for cores in said.values()), said
    where = ("--namespace=kube-system", "get", "deployment", "metrics-server", "--output=json")
    arguments = json.loads(sandbox.kubectl(*where))["spec"]["template"]["spec"]["containers"][0]["args"]
    assert "--kubelet-insecure-tls" not in arguments
    api = json.loads(sandbox.kubectl("get", "apiservice", "v1beta1.metrics.k8s.io", "--output=json"))
    assert not api["spec"].get("insecureSkipTLSVerify")


def test_a_pool_that_overlaps_is_refused_by_the_webhook_that_the_role_waited_for(sandbox: Sandbox) -> None:
    """The role refuses such pools before; this is another hand's."""
    pool = sandbox.inventory["platform"]["vars"]["metallb_pools"][0]
    item = {"apiVersion": "metallb.io/v1beta1", "kind": "IPAddressPool", "spec": {"addresses": pool["addresses"]}}
    item["metadata"] = {"name": "another", "namespace": "metallb-system"}
    answer = apply(sandbox, json.dumps(item), "create", check=False)
    assert answer.returncode == 1
    assert "overlaps with already defined CIDR" in answer.stderr


def valkey(sandbox: Sandbox, *words: str, host: str = "valkey") -> str:
    """What a client with the password of the Secret is told, through the Service."""
    command = ("--namespace=valkey", "exec", "valkey-0", "--", "valkey-cli", "-h", host, *words)
    return sandbox.kubectl(*command, check=False).strip()


def test_valkey_keeps_what_is_written_and_asks_for_the_password(sandbox: Sandbox) -> None:
    assert valkey(sandbox, "set", "colour", "red") == "OK"
    without = (
        "--namespace=valkey",
        "exec",
        "valkey-0",
        "--",
        "env",
        "-u",
        "REDISCLI_AUTH",
        "valkey-cli",
        "get",
        "colour",
    )
    assert "NOAUTH" in sandbox.kubectl(*without)
    sandbox.kubectl("--namespace=valkey", "delete", "pod", "valkey-0", "--grace-period=1")
    sandbox.wait(lambda: valkey(sandbox, "get", "colour") == "red", 60)


def test_valkey_whose_log_is_damaged_is_named_with_its_cause(sandbox: Sandbox, tmp_path: Path) -> None:
    damage = "mv /data/appendonlydir /data/kept && mkdir /data/appendonlydir && echo damaged > /data/appendonlydir/appendonly.aof.manifest"
    sandbox.kubectl("--namespace=valkey", "exec", "valkey-0", "--", "sh", "-c", damage)
    sandbox.kubectl("--namespace=valkey", "delete", "pod", "valkey-0", "--grace-period=0", "--force")
    result, systems = health_when(sandbox, tmp_path, valkey="Degraded", metallb="Healthy", metrics_server="Healthy")
    assert result.rc == 2
    assert re.search(r"container valkey: CrashLoopBackOff", systems["valkey"]["message"])
    sandbox.run("w1", ["sh", "-c", f"rm -r {FOLDER}/appendonlydir && mv {FOLDER}/kept {FOLDER}/appendonlydir"])
    sandbox.kubectl("--namespace=valkey", "delete", "pod", "valkey-0", "--grace-period=0", "--force")
    sandbox.wait(lambda: valkey(sandbox, "get", "colour") == "red", 60)


def test_health_finds_a_control_plane_that_answers(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.environment["ANSIBLE_SSH_ARGS"] = "-o ControlMaster=no"  # no connection that is still open
    sandbox.run("cp1", ["systemctl", "stop", "ssh"])
    try:
        result, systems = health(sandbox, tmp_path)
    finally:
        sandbox.run("cp1", ["systemctl", "start", "ssh"])
        del sandbox.environment["ANSIBLE_SSH_ARGS"]
    assert result.rc == 2
    assert {name: one["status"] for name, one in systems.items()} == dict.fromkeys(SYSTEMS, "Healthy")


def test_a_kubelet_whose_certificate_is_of_another_ca_is_not_asked(sandbox: Sandbox) -> None:
    """metrics-server is to trust its own certificate only. The next test breaks it further, and mends it."""
    flag = {"op": "add", "path": "/spec/template/spec/containers/0/args/-"}
    wrong = "--kubelet-certificate-authority=/tmp/tls-certs/tls.crt"
    patch(sandbox, "kube-system", "deployment/metrics-server", [{**flag, "value": wrong}], "json")
    logs = ("--namespace=kube-system", "logs", "--selector=app.kubernetes.io/name=metrics-server", "--tail=100")
    sandbox.wait(lambda: "certificate signed by unknown authority" in sandbox.kubectl(*logs, check=False), 60)


def test_what_is_broken_is_named_and_mended_by_a_run(sandbox: Sandbox, tmp_path: Path) -> None:
    nowhere = {"spec": {"template": {"spec": {"nodeSelector": {"nowhere": "true"}}}}}
    patch(sandbox, "metallb-system", "daemonset/metallb-speaker", nowhere)
    flag = {"op": "add", "path": "/spec/template/spec/containers/0/args/-", "value": "--no-such-flag"}
    patch(sandbox, "kube-system", "deployment/metrics-server", [flag], "json")
    result, systems = health_when(sandbox, tmp_path, metallb="Missing", metrics_server="Degraded", valkey="Healthy")
    assert result.rc == 2
    assert (
        "a speaker announces addresses: Pod with app.kubernetes.io/component=speaker" in systems["metallb"]["message"]
    )
    assert re.search(r"container metrics-server: CrashLoopBackOff", systems["metrics_server"]["message"])
    result = succeed(sandbox.playbook("playbooks/platform.yml", "--extra-vars", "platform_drift=repair"))
    assert set(result.changed) == {"metallb", "metrics_server"}
    result, systems = health(sandbox, tmp_path)
    assert {name: one["status"] for name, one in systems.items()} == dict.fromkeys(SYSTEMS, "Healthy")


def test_removal_leaves_the_data_until_it_is_told_to_take_it_too(sandbox: Sandbox, before: set[str]) -> None:
    remove = ("playbooks/platform.yml", "--extra-vars", "platform_action=remove")
    result = succeed(sandbox.playbook(*remove))
    assert set(result.changed) == set(SYSTEMS)
    kept = set(re.findall(r"(\w+): keeps (\w+)", result.text))
    assert kept == {("valkey", "Secret"), ("valkey", "PersistentVolumeClaim")}
    result = succeed(sandbox.playbook(*remove, "--extra-vars", "platform_remove_data=true"))
    assert set(result.changed) == {"valkey"}
    assert objects(sandbox) ^ before == set()
    assert succeed(sandbox.playbook(*remove)).changed == {}
