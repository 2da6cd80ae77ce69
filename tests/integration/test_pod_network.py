# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cilium and Calico on a real API server: stand-ins of their charts, their real CRDs, nodes by KWOK; Cilium's real chart is rendered."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.kubestd.platform.plugins.module_utils._component.record import parse
from ansible_collections.kubestd.platform.plugins.module_utils._component.run import Component
from ansible_collections.kubestd.platform.plugins.module_utils._kubeconfig import access

from ..contract.records import INVENTORIES, record, values
from ..contract.test_roles import merged
from ..standins import build
from .charts import run as helm_run
from .conftest import ROOT, Result
from .control_plane import ControlPlane, Registry, helm
from .standins import StandInOperators, cilium, cilium_crds, nodes

CONTRACTS = Path(os.environ.get("KUBESTD_CONTRACTS") or ROOT.parent / "shared/contracts")
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
CILIUM: dict[str, Any] = {
    "cni_implementation": "cilium",
    "cluster_kube_proxy": False,
    "cluster_pod_cidr": "10.9.0.0/16",
    "cilium_pools": [{"name": "default", "addresses": ["192.0.2.10-192.0.2.20"]}],
}


class Cluster:
    """A cluster without a pod network, and an inventory of two machines that are this one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.control_plane = ControlPlane(folder / "control-plane")
        self.registry = Registry(folder / "registry")

    def start(self) -> None:
        self.control_plane.start()
        self.registry.begin()
        nodes(self.control_plane, self.folder)
        self.operators = StandInOperators(self.control_plane)
        for role in ("cilium", "calico"):
            for chart in merged(ROOT / "roles" / role, "defaults").values():
                if isinstance(chart, dict) and "ref" in chart:
                    name = f"{chart['ref'].rpartition('/')[2]}-{chart['version']}"
                    path = chart["ref"].removeprefix("oci://").split("/", 1)[1].rpartition("/")[0]
                    archive = build(CONTRACTS, name, self.folder)
                    helm_run("push", str(archive), f"oci://{self.registry.address}/{path}", "--plain-http")

    def stop(self) -> None:
        self.operators.stop()
        self.registry.stop()
        self.control_plane.stop()

    def kubectl(self, *arguments: str, **options: Any) -> str:
        return self.control_plane.kubectl(*arguments, **options)

    def apply(self, items: list[dict[str, Any]], *flags: str) -> str:
        text = "\n---\n".join(json.dumps(item) for item in items)
        return self.kubectl("apply", "--server-side", "--validate=strict", *flags, "-f", "-", stdin=text)

    def play(self, playbook: str, *arguments: str, rc: int = 0, **variables: Any) -> Result:
        """Run a playbook, of the collection or by its path, for machines with these variables."""
        common = {
            "ansible_connection": "local",
            "ansible_python_interpreter": "{{ ansible_playbook_python }}",
            "platform_kubeconfig": str(self.control_plane.kubeconfig),
            "platform_helm": str(helm()),
            # where the stand-ins are; the platform says nothing
            "cluster_mirror": {"registry": f"http://{self.registry.address}"},
            "cluster_endpoint": {"host": "127.0.0.1", "port": self.control_plane.port},
            "component_timeout": 60,
            **variables,
        }
        groups: dict[str, Any] = {"control_plane": {"hosts": {"cp1": {}}}, "workers": {"hosts": {"w1": {}}}}
        inventory = {"machines": {"children": groups}}
        path = self.folder / "inventory.yml"
        path.write_text(yaml.safe_dump({"all": {"children": inventory, "vars": common}}))
        done = subprocess.run(
            ["ansible-playbook", "-i", str(path), str(ROOT / "playbooks" / playbook), *arguments],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
            env={
                **os.environ,
                "ANSIBLE_NOCOLOR": "1",
                "ANSIBLE_FORCE_COLOR": "0",
                "KUBESTD_CACHE": str(self.folder / "cache"),
            },
        )
        text = done.stdout + done.stderr
        assert done.returncode == rc, text[-6000:]
        return Result(done.returncode, text, 0.0)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    if not CONTRACTS.is_dir():
        pytest.skip(f"there is no contract data in {CONTRACTS}; set KUBESTD_CONTRACTS")
    made = Cluster(tmp_path_factory.mktemp("pod-network"))
    try:
        made.start()
        # its operator would make them when it starts
        made.apply([yaml.load(path.read_text(), Loader=LOADER) for path in cilium_crds()])
        # which Calico's API server would serve
        crds = yaml.load_all((CONTRACTS / "projectcalico.org.v3-v3.32.1/crds.yaml").read_text(), Loader=LOADER)
        made.apply([item for item in crds if item and item["spec"]["group"] == "projectcalico.org"])
        yield made
    finally:
        made.stop()


def pools(cluster: Cluster) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(cluster.kubectl("get", "ciliumloadbalancerippools", "-o", "json"))["items"]
    return found


def test_cilium_is_released_once_for_all_nodes(cluster: Cluster) -> None:
    result = cluster.play("cluster.yml", "--tags", "cni", **CILIUM)
    assert result.changed == {"cp1": 1}, result.text[-3000:]
    assert re.search(r"cp1: install cilium \([\d.]+ s\)", result.text)
    said = json.loads(
        helm_run(
            "get",
            "values",
            "cilium",
            "-n",
            "kube-system",
            "-o",
            "json",
            "--kubeconfig",
            str(cluster.control_plane.kubeconfig),
        )
    )
    assert said["ipam"]["operator"]["clusterPoolIPv4PodCIDRList"] == ["10.9.0.0/16"]
    assert (said["k8sServiceHost"], said["k8sServicePort"]) == ("127.0.0.1", str(cluster.control_plane.port))
    [found] = pools(cluster)
    assert found["spec"]["blocks"] == [{"start": "192.0.2.10", "stop": "192.0.2.20"}]


def test_a_second_run_changes_nothing(cluster: Cluster) -> None:
    assert cluster.play("cluster.yml", "--tags", "cni", **CILIUM).changed == {}


def test_another_network_is_refused_by_what_a_real_api_server_says_and_nothing_is_changed(cluster: Cluster) -> None:
    before = cluster.kubectl("get", "daemonsets,deployments,namespaces,secrets", "-A", "-o", "name")
    result = cluster.play(
        "cluster.yml",
        "--tags",
        "cni",
        "--limit",
        "w1",
        rc=2,
        **{**CILIUM, "cni_implementation": "calico", "calico_data_plane": "ebpf"},
    )
    assert (
        "This cluster has the pod network cilium (cilium: DaemonSet kube-system/cilium) and cni_implementation is calico;"
        in result.text
    )
    assert result.changed == {} and "Carry out the verb" not in result.text
    assert cluster.kubectl("get", "daemonsets,deployments,namespaces,secrets", "-A", "-o", "name") == before


def test_removal_takes_the_release_and_says_that_definitions_stay(cluster: Cluster) -> None:
    """The part of it that is about the cluster: the other one would take files of this machine."""
    role = {"name": "kubestd.platform.cni", "tasks_from": "withdraw"}
    task = {"name": "Withdraw the pod network", "ansible.builtin.import_role": role, "vars": {"cni_state": "absent"}}
    play = {"hosts": "control_plane:workers", "gather_facts": False, "tasks": [task]}
    path = cluster.folder / "withdraw.yml"
    path.write_text(yaml.safe_dump([play]))
    result = cluster.play(str(path), **CILIUM)
    assert result.changed == {"cp1": 1}
    assert "keeps the custom resource definitions that Cilium's operator made and their objects" in result.text
    assert "cilium" not in cluster.kubectl("get", "daemonsets", "-A", "-o", "name")
    assert "ciliumnetworkpolicies.cilium.io" in cluster.kubectl("get", "crds", "-o", "name")
    assert pools(cluster) == []


def component(cluster: Cluster, **inventory: Any) -> Component:
    """Calico's record, as the role hands it over."""
    settings = {"mirror": {"registry": cluster.registry.address}, "registry": {"plain_http": True}, "helm": str(helm())}
    settings |= {"cosign": "cosign", "drift": None, "pins": {}, "timeout": 60}
    who = access({"kubeconfig": str(cluster.control_plane.kubeconfig)})
    return Component(
        parse(json.loads(json.dumps(record(ROOT / "roles/calico", **inventory)))),
        who,
        settings,
        False,
        False,
        lambda _: None,
    )


BGP: dict[str, Any] = {
    "calico_routing": "bgp",
    "calico_bgp_advertise": ["192.0.2.0/24"],
    "calico_bgp_peers": [{"name": "r1", "peer_address": "192.0.2.1", "peer_asn": 64513}],
}


def test_calico_is_released_and_its_own_word_is_waited_for(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBESTD_CACHE", str(cluster.folder / "cache"))
    assert component(cluster, **BGP).release()["changed"]
    assert cluster.kubectl("get", "tigerastatuses", "-o", "name").split() == [
        "tigerastatus.operator.tigera.io/apiserver",
        "tigerastatus.operator.tigera.io/calico",
    ]
    assert cluster.kubectl("get", "bgppeers.projectcalico.org", "-o", "jsonpath={.items[*].spec.peerIP}") == "192.0.2.1"
    assert not component(cluster, **BGP).release()["changed"]


def test_calicos_definitions_stay_when_it_goes(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBESTD_CACHE", str(cluster.folder / "cache"))
    result = component(cluster, **BGP).remove(False)
    assert result["changed"] and "tigera-operator" not in cluster.kubectl("get", "deployments", "-A", "-o", "name")
    assert "installations.operator.tigera.io" in cluster.kubectl("get", "crds", "-o", "name")
    assert cluster.kubectl("get", "bgppeers.projectcalico.org", "-o", "name") == ""


@pytest.mark.parametrize("inventory", INVENTORIES)
def test_what_calicos_operator_is_told_and_makes_is_accepted(cluster: Cluster, inventory: str) -> None:
    told = values(record(ROOT / "roles/calico", **INVENTORIES[inventory]), "tigera-operator")["installation"]
    named = {"apiVersion": "operator.tigera.io/v1", "metadata": {"name": "default"}}
    [block] = told["calicoNetwork"]["ipPools"]
    modes = {"VXLAN": "Always", "VXLANCrossSubnet": "CrossSubnet", "None": "Never"}
    pool: dict[str, Any] = {
        "apiVersion": "projectcalico.org/v3",
        "kind": "IPPool",
        "metadata": {"name": block["name"]},
        "spec": {"cidr": block["cidr"]},
    }
    pool["spec"] |= {
        "vxlanMode": modes[block["encapsulation"]],
        "blockSize": block["blockSize"],
        "nodeSelector": block["nodeSelector"],
    }
    items = [{**named, "kind": "Installation", "spec": told}, {**named, "kind": "APIServer", "spec": {}}, pool]
    assert cluster.apply(items, "--dry-run=server").count("server dry run") == 3
    with pytest.raises(AssertionError, match="encapsulations"):
        cluster.apply(
            [
                {
                    **named,
                    "kind": "Installation",
                    "spec": {"calicoNetwork": {"ipPools": [{**block, "encapsulations": 1}]}},
                }
            ],
            "--dry-run=server",
        )


def rendered(folder: Path, **inventory: Any) -> tuple[str, dict[str, str]]:
    """All that Cilium's own chart makes of the role's values, and the settings of its agents."""
    path = folder / "values.yaml"
    path.write_text(
        yaml.safe_dump(json.loads(json.dumps(values(record(ROOT / "roles/cilium", **inventory), "cilium"))))
    )
    chart, apis = str(cilium() / "install/kubernetes/cilium"), "monitoring.coreos.com/v1"
    text = helm_run(
        "template", "cilium", chart, "-n", "kube-system", "-f", str(path), "--kube-version", "1.36.4", "-a", apis
    )
    items = [item for item in yaml.load_all(text, Loader=LOADER) if item]
    return text, next(
        item["data"] for item in items if (item["kind"], item["metadata"]["name"]) == ("ConfigMap", "cilium-config")
    )


@pytest.mark.parametrize("inventory", INVENTORIES)
def test_ciliums_own_chart_renders_the_same_each_time_so_that_no_certificate_is_made_by_a_run(
    tmp_path: Path, inventory: str
) -> None:
    text, settings = rendered(tmp_path, **INVENTORIES[inventory])
    assert rendered(tmp_path, **INVENTORIES[inventory])[0] == text
    assert "BEGIN CERTIFICATE" not in text and "hubble-generate-certs" in text or "cert-manager.io" in text
    assert settings["cluster-pool-ipv4-cidr"] == "10.244.0.0/16"


def test_ciliums_own_chart_makes_what_istio_and_metallb_ask_for(tmp_path: Path) -> None:
    settings = rendered(tmp_path, cilium_istio=True, groups={"all": ["metallb"]})[1]
    asked = {"cni-exclusive": "false", "bpf-lb-sock-hostns-only": "true", "enable-bpf-masquerade": "false"}
    assert {**asked, "default-lb-service-ipam": "none"}.items() <= settings.items()
    settings = rendered(tmp_path, **{**INVENTORIES["alone"], **{key: value for key, value in CILIUM.items() if key != "cni_implementation"},
                                     "cluster_endpoint": {"host": "192.0.2.9"}})[1]  # fmt: skip
    asked = {"kube-proxy-replacement": "true", "enable-l2-announcements": "true", "k8s-client-qps": "30"}
    assert {
        **asked,
        "default-lb-service-ipam": "lbipam",
        "cluster-pool-ipv4-cidr": "10.9.0.0/16",
    }.items() <= settings.items()
