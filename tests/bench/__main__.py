# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long a cluster takes, against the same kubeadm commands typed by hand on the same machines in the same hour.

python -m tests.bench [install] [growth]: prints Markdown for docs/BENCHMARKS.md. Needs an idle machine and about 12 minutes.
"""

from __future__ import annotations

import concurrent.futures
import json
import sys
import time
from collections.abc import Callable

from tests.integration.conftest import Sandbox

#: What the shell does on every node: the files that the roles bring, as plain copies.
PREPARE = """
set -e
get() { curl -sSf "http://$MIRROR:8080/$1"; }
get dl.k8s.io/release/v1.36.4/bin/linux/amd64/kubelet > /usr/local/bin/kubelet
get dl.k8s.io/release/v1.36.4/bin/linux/amd64/kubeadm > /usr/local/bin/kubeadm
get dl.k8s.io/release/v1.36.4/bin/linux/amd64/kubectl > /usr/local/bin/kubectl
g=github.com
get $g/containerd/containerd/releases/download/v2.3.4/containerd-2.3.4-linux-amd64.tar.gz | tar -xz -C /usr/local
get $g/opencontainers/runc/releases/download/v1.4.3/runc.amd64 > /usr/local/sbin/runc
mkdir -p /opt/cni/bin /etc/containerd/certs.d/_default /etc/cni/net.d /etc/kubernetes
get $g/containernetworking/plugins/releases/download/v1.9.1/cni-plugins-linux-amd64-v1.9.1.tgz | tar -xz -C /opt/cni/bin
get $g/kubernetes-sigs/cri-tools/releases/download/v1.36.0/crictl-v1.36.0-linux-amd64.tar.gz | tar -xz -C /usr/local/bin
chmod 755 /usr/local/bin/* /usr/local/sbin/runc
printf 'server = "http://%s:5000"\\n' "$MIRROR" > /etc/containerd/certs.d/_default/hosts.toml
cat > /etc/containerd/config.toml <<'EOF'
version = 3
disabled_plugins = []
[plugins."io.containerd.cri.v1.images".pinned_images]
sandbox = "registry.k8s.io/pause:3.10.2"
[plugins."io.containerd.cri.v1.images".registry]
config_path = "/etc/containerd/certs.d"
[plugins."io.containerd.cri.v1.runtime"]
restrict_oom_score_adj = true
EOF
cat > /etc/systemd/system/containerd.service <<'EOF'
[Service]
ExecStart=/usr/local/bin/containerd
Type=notify
Delegate=yes
KillMode=process
[Install]
WantedBy=multi-user.target
EOF
cat > /etc/systemd/system/kubelet.service <<'EOF'
[Service]
EnvironmentFile=-/var/lib/kubelet/kubeadm-flags.env
ExecStart=/usr/local/bin/kubelet --bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf --kubeconfig=/etc/kubernetes/kubelet.conf --config=/var/lib/kubelet/config.yaml $KUBELET_KUBEADM_ARGS
Restart=always
RestartSec=1
[Install]
WantedBy=multi-user.target
EOF
systemctl daemon-reload
systemctl enable -q --now containerd
systemctl enable -q kubelet
"""

INIT = """
apiVersion: kubeadm.k8s.io/v1beta4
kind: InitConfiguration
localAPIEndpoint: {{advertiseAddress: {ip}}}
nodeRegistration: {{name: {host}, criSocket: "unix:///run/containerd/containerd.sock", ignorePreflightErrors: [SystemVerification, Swap]}}
certificateKey: {key}
bootstrapTokens: [{{token: abcdef.0123456789abcdef}}]
---
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
kubernetesVersion: v1.36.4
controlPlaneEndpoint: {endpoint}:6443
networking: {{podSubnet: 10.244.0.0/16, serviceSubnet: 10.96.0.0/16}}
---
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
{kubelet}
---
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
mode: nftables
conntrack: {{maxPerCore: 0, min: 0}}
"""

CNI = """
cidr=$(kubectl --kubeconfig=/etc/kubernetes/kubelet.conf get node "$(hostname)" -o 'jsonpath={.spec.podCIDR}')
printf '{"cniVersion":"1.0.0","name":"x","plugins":[{"type":"bridge","bridge":"cni0","isGateway":true,"ipam":{"type":"host-local","ranges":[[{"subnet":"%s"}]]}}]}' "$cidr" > /etc/cni/net.d/10-x.conflist
"""
KEY = "ab" * 32


def shell(sandbox: Sandbox, host: str, script: str, timeout: float = 300) -> str:
    """A script on a machine."""
    mirror = sandbox.inventory["all"]["vars"]["sandbox_mirror_ip"]
    return sandbox.run(host, ["env", f"MIRROR={mirror}", "sh", "-c", script], timeout=timeout).stdout


def all_ready(sandbox: Sandbox, count: int) -> Callable[[], bool]:
    """Whether that many nodes are Ready."""

    def look() -> bool:
        lines = sandbox.kubectl("get", "nodes", "--no-headers", check=False).splitlines()
        return sum(line.split()[1] == "Ready" for line in lines) == count

    return look


def floor(sandbox: Sandbox) -> float:
    """The bare sequence: copy, init, join one after the other, network."""
    start = time.monotonic()
    hosts = sandbox.hosts
    nodes = [host for host in hosts if not host.startswith("lb")]
    endpoint = hosts["lb1"]
    with concurrent.futures.ThreadPoolExecutor() as pool:
        list(pool.map(lambda host: shell(sandbox, host, PREPARE), nodes))
    backends = "".join(f" server {h} {hosts[h]}:6443 check\n" for h in nodes if h.startswith("cp"))
    config = f"defaults\n mode tcp\n timeout connect 2s\n timeout client 4h\n timeout server 4h\nlisten api\n bind *:6443\n{backends}"
    shell(sandbox, "lb1", f"cat > /etc/haproxy/haproxy.cfg <<'EOF'\n{config}EOF\nsystemctl restart haproxy")
    variables = sandbox.inventory["all"]["vars"]
    kubelet = json.dumps(
        {"cgroupDriver": variables["cluster_cgroup_driver"], **variables["kubeadm_cluster_kubelet_configuration"]}
    )
    text = INIT.format(
        host="cp1", ip=hosts["cp1"], key=KEY, endpoint=endpoint, kubelet=kubelet[1:-1].replace(', "', '\n"')
    )
    shell(
        sandbox,
        "cp1",
        f"cat > /tmp/init.yaml <<'EOF'\n{text}\nEOF\nkubeadm init --upload-certs --config /tmp/init.yaml",
    )
    join = f"kubeadm join {endpoint}:6443 --token abcdef.0123456789abcdef --discovery-token-unsafe-skip-ca-verification --ignore-preflight-errors=SystemVerification,Swap"
    for host in nodes[1:]:
        extra = (
            f" --control-plane --certificate-key {KEY} --apiserver-advertise-address {hosts[host]}"
            if host.startswith("cp")
            else ""
        )
        shell(sandbox, host, join + extra)
    for host in nodes:
        shell(sandbox, host, CNI)
    sandbox.wait(all_ready(sandbox, len(nodes)), 120)
    return time.monotonic() - start


def ours(sandbox: Sandbox) -> float:
    """site.yml until it says that all nodes are ready."""
    result = sandbox.playbook("site.yml")
    assert result.rc == 0, result.text[-4000:]
    return result.seconds


def fresh(sandbox: Sandbox) -> None:
    """Bare machines."""
    sandbox.verb("down")
    sandbox.verb("create")
    time.sleep(5)


def install(sandbox: Sandbox) -> None:
    """A new cluster, by hand and by us, and then nothing to do."""
    fresh(sandbox)
    by_hand = floor(sandbox)
    fresh(sandbox)
    by_us = ours(sandbox)
    print("| what | seconds | ratio |\n| --- | --- | --- |")
    print(f"| the same kubeadm commands by shell, one after the other | {by_hand:.0f} | 1.00 |")
    print(f"| `site.yml`, bare machines to all Ready | {by_us:.0f} | {by_us / by_hand:.2f} |", flush=True)


def growth(sandbox: Sandbox) -> None:
    """What a second run costs for each further worker."""
    print("\n| workers | second run, seconds | tasks a node |\n| --- | --- | --- |")
    for workers in (1, 3, 6):
        sandbox.set(workers=workers)
        sandbox.verb("create")
        ours(sandbox)
        result = sandbox.playbook("site.yml")
        assert result.changed == {}, result.changed
        print(f"| {workers} | {result.seconds:.1f} | {max(n['ok'] for n in result.recap.values())} |", flush=True)


def main() -> None:
    wanted = sys.argv[1:] or ["install", "growth"]
    sandbox = Sandbox("kubestd-bench", "10.233.0.0/24", load_balancers=1, control_planes=3, workers=1)
    try:
        if "install" in wanted:
            install(sandbox)
        if "growth" in wanted:
            growth(sandbox)
    finally:
        sandbox.verb("down")


if __name__ == "__main__":
    main()
