# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""remove.yml takes the whole cluster away, only when told so by name, and leaves machines that can be used again."""

from __future__ import annotations

import pytest

from .conftest import Sandbox
from .test_cluster import NODES, nodes_ready, succeed

pytestmark = pytest.mark.usefixtures("cluster")

GONE = [
    "/etc/kubernetes",
    "/etc/containerd",
    "/etc/cni/net.d/10-kubestd.conflist",
    "/etc/modules-load.d/kubestd.conf",
    "/etc/sysctl.d/90-kubestd.conf",
    "/etc/systemd/system/kubelet.service",
    "/etc/systemd/system/containerd.service",
    "/usr/local/bin/kubelet",
    "/usr/local/bin/kubeadm",
    "/usr/local/bin/containerd",
    "/opt/cni/bin",
    "/var/lib/etcd/member",
    "/var/lib/kubelet/config.yaml",
]


def test_nothing_is_removed_without_the_name_of_the_cluster(sandbox: Sandbox) -> None:
    for arguments in ([], ["--extra-vars", "cluster_confirm_remove=yes"]):
        result = sandbox.playbook("playbooks/remove.yml", *arguments)
        assert result.rc == 2
        assert f"-e cluster_confirm_remove={sandbox.name}" in result.text
        assert result.changed == {}
    assert all(nodes_ready(sandbox).values())


def test_the_whole_cluster_goes_and_leaves_nothing(sandbox: Sandbox) -> None:
    confirm = ["--extra-vars", f"cluster_confirm_remove={sandbox.name}"]
    succeed(sandbox.playbook("playbooks/remove.yml", *confirm))
    for host in NODES:
        left = sandbox.run(host, ["sh", "-c", f"ls -d {' '.join(GONE)} 2>/dev/null || true"]).stdout
        assert left == "", f"{host}: {left}"
        interfaces = sandbox.run(host, ["ip", "-o", "link"]).stdout
        assert "cni0" not in interfaces
        assert "veth" not in interfaces
        assert "kube" not in sandbox.run(host, ["nft", "list", "tables"]).stdout
        assert sandbox.run(host, ["pgrep", "-f", "kube|etcd|containerd"], check=False).stdout == ""
    for host in ("lb1", "lb2"):
        assert sandbox.run(host, ["systemctl", "is-active", "haproxy"], check=False).stdout.strip() == "inactive"
    assert succeed(sandbox.playbook("playbooks/remove.yml", *confirm)).changed == {}
