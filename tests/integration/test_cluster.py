# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The life of a cluster on the sandbox's machines, in order: bare, built in spite of six kills, changed, hurt, mended."""

from __future__ import annotations

import base64
import contextlib
import ipaddress
import json
import re
import subprocess
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import bcrypt
import pytest

from .conftest import Result, Sandbox
from .control_plane import Registry, certificate
from .load import Load, Watch

NODES = ["cp1", "cp2", "cp3", "w1"]
TOKEN = re.compile(r"\b[a-z0-9]{6}\.[a-z0-9]{16}\b")
#: A pod on every node that answers HTTP with its host's name; the image of kube-proxy has perl.
PROBE = """
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: probe, namespace: default}
spec:
  selector: {matchLabels: {app: probe}}
  template:
    metadata: {labels: {app: probe}}
    spec:
      terminationGracePeriodSeconds: 0
      tolerations: [{operator: Exists}]
      containers:
        - name: probe
          image: registry.k8s.io/kube-proxy:v1.36.4
          env: [{name: NODE, valueFrom: {fieldRef: {fieldPath: spec.nodeName}}}]
          command: [perl, -MIO::Socket::INET, -e]
          args:
            - |
              my $server = IO::Socket::INET->new(LocalPort => 8080, Listen => 20, ReuseAddr => 1) or die;
              while (my $client = $server->accept) { <$client>; print $client "HTTP/1.0 200 OK\\r\\n\\r\\n$ENV{NODE}"; close $client }
---
apiVersion: v1
kind: Service
metadata: {name: probe, namespace: default}
spec: {selector: {app: probe}, ports: [{port: 80, targetPort: 8080}]}
---
apiVersion: v1
kind: Pod
metadata: {name: greedy, namespace: default}
spec:
  restartPolicy: Never
  containers:
    - name: greedy
      image: registry.k8s.io/kube-proxy:v1.36.4
      resources: {limits: {memory: 48Mi}}
      command: [perl, -e, 'my $x = "a" x 400_000_000; sleep 60']
"""


@pytest.fixture(autouse=True)
def built(request: pytest.FixtureRequest) -> None:
    """What begins with bare machines stands first in this file; all others need a cluster, also when they run alone."""
    if request.function not in (
        test_check_mode_on_bare_machines_shows_what_would_happen_and_does_nothing,
        test_a_run_that_is_killed_at_six_moments_converges,
    ):
        request.getfixturevalue("cluster")


def succeed(result: Result) -> Result:
    assert result.rc == 0, result.text[-6000:]
    return result


def nodes_ready(sandbox: Sandbox, host: str = "cp1") -> dict[str, bool]:
    found = json.loads(sandbox.kubectl("get", "nodes", "--output=json", host=host))
    return {
        item["metadata"]["name"]: any(
            c["type"] == "Ready" and c["status"] == "True" for c in item["status"]["conditions"]
        )
        for item in found["items"]
    }


def get(sandbox: Sandbox, host: str, url: str) -> str:
    code = f"import urllib.request; print(urllib.request.urlopen('{url}', timeout=5).read().decode())"
    return sandbox.run(host, ["python3", "-c", code]).stdout.strip()


def secrets_shown(sandbox: Sandbox, said: str, commands: Iterable[str]) -> list[str]:
    """Which secrets of a cluster a run said or had in a command line: kinds, not the secrets."""
    key = re.search(r"secret: (\S+)", sandbox.run("cp1", ["cat", "/etc/kubernetes/kubestd/encryption.yaml"]).stdout)
    admin = re.search(r"client-key-data: (\S+)", sandbox.run("cp1", ["cat", "/etc/kubernetes/admin.conf"]).stdout)
    assert key
    assert admin
    tokens = sandbox.kubectl("get", "secrets", "--namespace=kube-system", "--output=name")
    identities = re.findall(r"bootstrap-token-(\w{6})", tokens)
    patterns = {
        "key of the encryption": re.escape(key.group(1)),
        "key of the administrator": re.escape(admin.group(1)),
        "bootstrap token": TOKEN.pattern,
        "bootstrap token by its name": rf"\b(?:{'|'.join(identities) or '(?!)'})\.(?!\*|<)\w",
        "certificate key": r"certificate[-_]?key\W{1,5}[0-9a-f]{64}\b",
        "private key": r"BEGIN [A-Z ]*PRIVATE KEY",
    }
    texts = {"output": said, "command lines": "\n".join(commands)}
    return [
        f"{kind} in {where}"
        for kind, pattern in patterns.items()
        for where, text in texts.items()
        if re.search(pattern, text, re.IGNORECASE if kind == "certificate key" else 0)
    ]


def test_check_mode_on_bare_machines_shows_what_would_happen_and_does_nothing(sandbox: Sandbox) -> None:
    result = succeed(sandbox.playbook("site.yml", "--check", "--diff"))
    assert set(result.changed) == set(sandbox.hosts)
    assert "bin/kubelet" in result.text
    for host in NODES:
        assert sandbox.run(host, ["ls", "/etc/containerd", "/usr/local/bin/kubelet"], check=False).returncode == 2


KILLS = [
    ("containerd : install | Bring binaries", 0.6),
    ("kubeadm_cluster : prepare | Set the kernel", 0.1),
    ("cluster | Begin the cluster", 5.0),
    ("cluster | Make credentials", 0.1),
    ("cluster | Join the cluster", 7.0),
    ("bridge | Bring the network", 0.4),
]


def test_a_run_that_is_killed_at_six_moments_converges(sandbox: Sandbox) -> None:
    with Watch() as watch:
        said = [sandbox.kill_at("site.yml", task, delay, "-vvv") for task, delay in KILLS]
        said.append(succeed(sandbox.playbook("site.yml", "-vvv")).text)
    sandbox.build.write_text("".join(said))
    sandbox.build.with_suffix(".commands").write_text("\n".join(watch.commands))
    assert nodes_ready(sandbox) == dict.fromkeys(NODES, True)
    members = sandbox.run(
        "cp1",
        [
            "sh",
            "-c",
            "crictl exec $(crictl ps -q --name etcd) etcdctl --endpoints=https://127.0.0.1:2379 --cacert=/etc/kubernetes/pki/etcd/ca.crt --cert=/etc/kubernetes/pki/etcd/healthcheck-client.crt --key=/etc/kubernetes/pki/etcd/healthcheck-client.key member list",
        ],
    ).stdout
    assert sorted(re.findall(r"started, (\S+),", members)) == ["cp1", "cp2", "cp3"]
    assert "true" not in members, "a learner was left behind"


def test_building_the_cluster_shows_no_secret(sandbox: Sandbox) -> None:
    if not sandbox.build.exists():
        pytest.skip("the cluster stood already")
    said, commands = (sandbox.build.with_suffix(end).read_text() for end in (".log", ".commands"))
    assert "Begin the cluster" in said
    assert any(re.search(r"kubeadm init\b", command) for command in commands.splitlines()), "nothing was watched"
    assert secrets_shown(sandbox, said, commands.splitlines()) == []


def test_a_second_run_changes_nothing(sandbox: Sandbox) -> None:
    result = succeed(sandbox.playbook("site.yml"))
    assert result.changed == {}, {host: result.tasks_with("changed", host) for host in result.changed}
    assert max(numbers["ok"] for numbers in result.recap.values()) <= 45
    print(f"second run: {result.seconds:.1f} s, {max(n['ok'] for n in result.recap.values())} tasks a node")


def test_check_mode_on_the_cluster_finds_nothing_to_do(sandbox: Sandbox) -> None:
    assert succeed(sandbox.playbook("site.yml", "--check", "--diff")).changed == {}


def test_one_node_alone_is_fine(sandbox: Sandbox) -> None:
    result = succeed(sandbox.playbook("site.yml", "--limit", "w1"))
    assert set(result.recap) == {"w1"}
    assert result.changed == {}


def test_the_hosts_own_services_are_answered(sandbox: Sandbox) -> None:
    sandbox.run("cp1", ["sh", "-c", f"cat > /tmp/probe.yaml <<'EOF'\n{PROBE}\nEOF"])
    sandbox.kubectl("apply", "--filename=/tmp/probe.yaml")
    sandbox.kubectl("rollout", "status", "daemonset/probe", "--timeout=90s", timeout=100)
    sandbox.kubectl("rollout", "status", "deployment/coredns", "--namespace=kube-system", "--timeout=90s", timeout=100)
    address = sandbox.kubectl("get", "service", "probe", "--output=jsonpath={.spec.clusterIP}")

    def answers(host: str) -> bool:
        with contextlib.suppress(AssertionError):
            return get(sandbox, host, f"http://{address}/") in NODES
        return False

    for host in NODES:  # kube-proxy hears of the pods a moment after the rollout
        sandbox.wait(lambda host=host: answers(host), 15)  # type: ignore[misc]


def test_pods_talk_across_nodes_and_names_are_resolved(sandbox: Sandbox) -> None:
    pods = json.loads(sandbox.kubectl("get", "pods", "--selector=app=probe", "--output=json"))["items"]
    where = {pod["spec"]["nodeName"]: pod for pod in pods}
    assert set(where) == set(NODES)
    ask = (
        "use IO::Socket::INET; for my $peer (@ARGV) { my $s = IO::Socket::INET->new(PeerAddr => $peer, PeerPort => 8080, Timeout => 5) "
        'or die "$peer: $!"; print $s "GET / HTTP/1.0\\r\\n\\r\\n"; my @l = <$s>; print "$l[-1] " } print join ".", unpack "C4", '
        'gethostbyname "kubernetes.default.svc.cluster.local"'
    )
    addresses = [where[node]["status"]["podIP"] for node in NODES]
    for node in NODES:
        said = sandbox.kubectl("exec", where[node]["metadata"]["name"], "--", "perl", "-e", ask, *addresses)
        assert said.split() == [*NODES, "10.96.0.1"]


def test_no_node_has_all_pods_of_dns(sandbox: Sandbox) -> None:
    """Nothing moves them later, so this is where the scheduler put them while the nodes became ready one after the other."""
    pods = json.loads(
        sandbox.kubectl("get", "pods", "--namespace=kube-system", "--selector=k8s-app=kube-dns", "--output=json")
    )["items"]
    where = [pod["spec"].get("nodeName", "none") for pod in pods]
    assert len(where) == len(set(where)) == 2, where


def test_a_memory_limit_holds(sandbox: Sandbox) -> None:
    path = "{.status.containerStatuses[0].state.terminated.reason}"
    sandbox.wait(lambda: sandbox.kubectl("get", "pod", "greedy", f"--output=jsonpath={path}") != "", 60)
    assert sandbox.kubectl("get", "pod", "greedy", f"--output=jsonpath={path}") == "OOMKilled"


def test_secrets_are_encrypted_at_rest_and_requests_audited(sandbox: Sandbox) -> None:
    sandbox.kubectl("create", "secret", "generic", "marker", "--from-literal=key=MARKER-IN-PLAIN")
    stored = sandbox.run(
        "cp1",
        [
            "sh",
            "-c",
            "crictl exec $(crictl ps -q --name etcd) etcdctl --endpoints=https://127.0.0.1:2379 --cacert=/etc/kubernetes/pki/etcd/ca.crt --cert=/etc/kubernetes/pki/etcd/healthcheck-client.crt --key=/etc/kubernetes/pki/etcd/healthcheck-client.key get /registry/secrets/default/marker",
        ],
    ).stdout
    assert "k8s:enc:secretbox:" in stored
    assert "MARKER-IN-PLAIN" not in stored
    logs = "".join(
        sandbox.run(host, ["cat", "/var/log/kubernetes/audit/audit.log"]).stdout for host in ("cp1", "cp2", "cp3")
    )
    assert '"name":"marker"' in logs
    assert "MARKER-IN-PLAIN" not in logs


def test_kubelets_serve_with_certificates_of_the_cluster(sandbox: Sandbox) -> None:
    pending = sandbox.kubectl("get", "csr")
    assert "Pending" not in pending
    assert "hello" in sandbox.kubectl("exec", "daemonset/probe", "--", "echo", "hello")


def test_metrics_of_the_control_plane_are_reachable(sandbox: Sandbox) -> None:
    assert "etcd_server_has_leader 1" in get(sandbox, "w1", f"http://{sandbox.hosts['cp2']}:2381/metrics")
    for port in (10257, 10259):
        code = f"import socket; socket.create_connection(('{sandbox.hosts['cp2']}', {port}), 3)"
        sandbox.run("w1", ["python3", "-c", code])


def test_a_further_worker_joins_and_nobody_else_changes(sandbox: Sandbox) -> None:
    sandbox.set(workers=2)
    sandbox.verb("create")
    result = succeed(sandbox.playbook("site.yml"))
    assert set(result.changed) == {"w2"}, {host: result.tasks_with("changed", host) for host in result.changed}
    assert nodes_ready(sandbox)["w2"]


@pytest.fixture
def private_registry(sandbox: Sandbox, tmp_path: Path) -> Iterator[dict[str, str]]:
    """What an entry of containerd_registries needs for a registry with a private authority and a login, which has an image."""
    address = str(ipaddress.ip_network(sandbox.inventory["all"]["vars"]["sandbox_subnet"])[1])
    pair = certificate(tmp_path, address)
    # For skopeo a key in this folder would be one of its own.
    trusted = tmp_path / "trusted"
    trusted.mkdir()
    (trusted / "ca.crt").write_bytes(pair[0].read_bytes())
    (tmp_path / "htpasswd").write_text(f"somebody:{bcrypt.hashpw(b'LOGIN-MARKER', bcrypt.gensalt(4)).decode()}\n")
    registry = Registry(tmp_path / "registry", pair, tmp_path / "htpasswd", host=address).begin()
    login = {"auths": {registry.address: {"auth": base64.b64encode(b"somebody:LOGIN-MARKER").decode()}}}
    (tmp_path / "auth.json").write_text(json.dumps(login))
    source = (
        sandbox.inventory["all"]["vars"]["cluster_mirror"]["registry"].replace("http:", "docker:") + "/pause:3.10.2"
    )
    target = [f"docker://{registry.address}/private/pause:1", "--dest-authfile", str(tmp_path / "auth.json")]
    options = ["--src-tls-verify=false", f"--dest-cert-dir={trusted}"]
    try:
        subprocess.run(["skopeo", "copy", "--quiet", *options, source, *target], check=True)
        yield {"name": registry.address, "ca": pair[0].read_text(), "username": "somebody", "password": "LOGIN-MARKER"}
    finally:
        registry.stop()


def test_another_containerd_comes_and_goes_under_a_running_pod(
    sandbox: Sandbox, private_registry: dict[str, str], tmp_path: Path
) -> None:
    """With it a private registry that is in the list only for the time being."""

    def pod_of_w1() -> tuple[str, str, int]:
        pods = json.loads(
            sandbox.kubectl("get", "pods", "--selector=app=probe", "--field-selector=spec.nodeName=w1", "--output=json")
        )["items"]
        status = pods[0]["status"]["containerStatuses"][0]
        return pods[0]["metadata"]["name"], status["containerID"], status["restartCount"]

    def server() -> str:
        return sandbox.run("w1", ["ctr", "version"]).stdout.split("Server:")[1].split("Version:")[1].split()[0]

    def registries() -> list[str]:
        return sandbox.run("w1", ["ls", "/etc/containerd/certs.d"]).stdout.split()

    def pull() -> str:
        image = f"{private_registry['name']}/private/pause:1"
        answer = sandbox.run("w1", ["crictl", "pull", image], check=False)
        sandbox.run("w1", ["crictl", "rmi", image], check=False)
        return answer.stdout + answer.stderr

    before, old = pod_of_w1(), server()
    basic = base64.b64encode(b"somebody:LOGIN-MARKER").decode()
    # The files of the node that hold the login, with their modes.
    find = f"grep -rlE 'LOGIN-MARKER|{basic}' /etc /tmp /root /run /var/lib/kubestd 2>/dev/null | xargs -r stat -c '%a %U %n'"
    variables = tmp_path / "variables.json"
    variables.write_text(json.dumps({"containerd_version": "2.3.7", "containerd_registries": [private_registry]}))
    # The mirror answers for registries that are not in the list, and does not have it.
    assert "not found" in pull()
    for version, more in (("2.3.7", ["--extra-vars", f"@{variables}"]), (old.lstrip("v"), [])):
        with Watch() as watch:
            result = succeed(
                sandbox.playbook("site.yml", "--limit", "w1", "--tags", "containerd", "--diff", "-vvv", *more)
            )
        assert set(result.changed) == {"w1"}
        assert not [
            kind for kind in ("LOGIN-MARKER", basic) if kind in result.text or kind in "\n".join(watch.commands)
        ]
        assert server().lstrip("v") == version
        folder = f"/etc/containerd/certs.d/{private_registry['name']}"
        assert registries() == sorted(["_default", *([private_registry["name"]] if more else [])])
        assert sandbox.run("w1", ["sh", "-c", find]).stdout == (f"600 root {folder}/hosts.toml\n" if more else "")
        assert ("Image is up to date for sha256:" in pull()) == bool(more)
        sandbox.wait(lambda: nodes_ready(sandbox)["w1"], 30)
        assert "hello" in sandbox.kubectl("exec", before[0], "--", "echo", "hello")
        assert pod_of_w1() == before


def test_changed_settings_reach_every_node_while_the_api_answers(sandbox: Sandbox) -> None:
    settings = {
        "kubeadm_cluster_api_server_args": {"event-ttl": "2h"},
        "kubeadm_cluster_kubelet_configuration": {
            **sandbox.inventory["all"]["vars"]["kubeadm_cluster_kubelet_configuration"],
            "maxPods": 120,
        },
        "cluster_schedulable_control_plane": True,
    }
    with Load(sandbox.endpoint) as load:
        result = succeed(sandbox.playbook("site.yml", "--extra-vars", json.dumps(settings)))
    assert load.errors == [], load.errors
    assert set(result.changed) == {*NODES, "w2"}
    for host in ("cp1", "cp2", "cp3"):
        assert (
            "--event-ttl=2h"
            in sandbox.run(host, ["sh", "-c", "tr '\\0' ' ' < /proc/$(pgrep -x kube-apiserver)/cmdline"]).stdout
        )
    for node in [*NODES, "w2"]:
        live = json.loads(sandbox.kubectl("get", "--raw", f"/api/v1/nodes/{node}/proxy/configz"))
        assert live["kubeletconfig"]["maxPods"] == 120
    tainted = "jsonpath={.items[*].spec.taints[?(@.key=='node-role.kubernetes.io/control-plane')].key}"
    assert sandbox.kubectl("get", "nodes", "-o", tainted).strip() == ""
    assert succeed(sandbox.playbook("site.yml", "--check", "--extra-vars", json.dumps(settings))).changed == {}


def test_a_control_plane_that_dies_costs_five_seconds_at_most(sandbox: Sandbox) -> None:
    with Load(sandbox.endpoint) as load:
        time.sleep(2)
        sandbox.machine("kill", "cp2")
        time.sleep(12)
        assert load.outage() <= 5.0, load.errors
        quiet = len(load.errors)
        sandbox.machine("start", "cp2")
        sandbox.wait(lambda: nodes_ready(sandbox).get("cp2", False) and "cp2" in ready_backends(sandbox), 90)
        time.sleep(3)
        assert len(load.errors) == quiet, "errors after the balancer had noticed"
    print(f"control plane killed: {load.outage():.1f} s, {len(load.errors)} of {load.count} requests lost")


def ready_backends(sandbox: Sandbox) -> str:
    code = "import socket; s = socket.socket(socket.AF_UNIX); s.connect('/run/haproxy/admin.sock'); s.sendall(b'show stat\\n'); d = b''\nwhile True:\n b = s.recv(65536)\n if not b: break\n d += b\nprint(d.decode())"
    lines = sandbox.run("lb1", ["python3", "-c", code]).stdout.splitlines()
    return " ".join(line.split(",")[1] for line in lines if ",UP" in line)


def test_a_load_balancer_that_dies_costs_five_seconds_at_most(sandbox: Sandbox) -> None:
    address = sandbox.endpoint.split("//")[1].split(":")[0]
    holder = next(lb for lb in ("lb1", "lb2") if f"{address}/" in sandbox.run(lb, ["ip", "-4", "address"]).stdout)
    with Load(sandbox.endpoint) as load:
        time.sleep(2)
        sandbox.machine("kill", holder)
        time.sleep(10)
    sandbox.machine("start", holder)
    assert load.outage() <= 5.0, load.errors
    print(f"load balancer killed: {load.outage():.1f} s, {len(load.errors)} of {load.count} requests lost")
    sandbox.wait(lambda: sandbox.run(holder, ["systemctl", "is-active", "haproxy"], check=False).returncode == 0, 30)


def test_a_control_plane_is_taken_away_and_comes_back_without_showing_a_secret(sandbox: Sandbox) -> None:
    confirm = ["--extra-vars", f"cluster_confirm_remove={sandbox.name}"]
    succeed(sandbox.playbook("playbooks/remove.yml", "--limit", "cp3", *confirm))
    assert "cp3" not in nodes_ready(sandbox)
    for path in ("/etc/kubernetes", "/usr/local/bin/kubelet", "/etc/containerd", "/etc/cni/net.d/10-kubestd.conflist"):
        assert sandbox.run("cp3", ["ls", path], check=False).returncode == 2, path
    assert "cni0" not in sandbox.run("cp3", ["ip", "link"]).stdout
    with Watch() as watch:
        result = succeed(sandbox.playbook("site.yml", "-vvv"))
    assert nodes_ready(sandbox)["cp3"]
    joined = result.tasks_with("changed", "cp3")
    assert any("Join the cluster" in task for task in joined)
    # The settings of the test before this one are taken back, too; nothing else may have changed.
    assert any("kubeadm join" in command for command in watch.commands), "nothing was watched"
    assert secrets_shown(sandbox, result.text, watch.commands) == []
    key = re.search(r"secret: (\S+)", sandbox.run("cp1", ["cat", "/etc/kubernetes/kubestd/encryption.yaml"]).stdout)
    assert key
    for host in sandbox.hosts:
        left = sandbox.run(
            host,
            [
                "sh",
                "-c",
                f"grep -rlE '{TOKEN.pattern}|{key.group(1)}' /tmp /root /run/kubestd /var/lib/kubestd /var/tmp 2>/dev/null || true",
            ],
        ).stdout
        assert left == "", f"{host}: {left}"
        loose = sandbox.run(
            host,
            [
                "sh",
                "-c",
                "find /etc/kubernetes \\( -name '*.key' -o -name '*.conf' -o -name 'encryption.yaml' \\) -type f ! -perm 600 2>/dev/null | grep -v kubelet.conf.d || true",
            ],
        ).stdout
        assert loose == "", f"{host}: {loose}"


def test_what_the_last_run_left_is_stable(sandbox: Sandbox) -> None:
    assert succeed(sandbox.playbook("site.yml")).changed == {}
