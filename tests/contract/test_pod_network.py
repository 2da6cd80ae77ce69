# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pod networks: what refers to each other fits together, and what cannot work is refused in a sentence."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from .records import EVERYTHING, INVENTORIES, manifests, record, value, values
from .test_health_table import schemas
from .test_roles import load, merged
from .test_storage_roles import has, keys

CLUSTER = {
    "cluster_pod_cidr": "10.9.0.0/16",
    "cluster_node_cidr_prefix": 25,
    "cluster_endpoint": {"host": "api.example.com", "port": 8443},
}
WITHOUT_PROXY = {**CLUSTER, "cluster_kube_proxy": False}
EBPF = {**WITHOUT_PROXY, "calico_data_plane": "ebpf"}
POOLS = [{"name": "default", "addresses": ["192.0.2.10-192.0.2.20"]}]
PEERS = [{"name": "r1", "peer_address": "192.0.2.1", "peer_asn": 64513}]
METALLB = {"groups": {"all": ["cp1", "metallb"]}}
ISTIO = {"groups": {"all": ["cp1", "istio"]}}


def cilium(checkout: Path, **inventory: Any) -> Any:
    return values(record(checkout / "roles/cilium", **inventory), "cilium")


def calico(checkout: Path, **inventory: Any) -> Any:
    return values(record(checkout / "roles/calico", **inventory), "tigera-operator")


def test_pods_get_the_addresses_that_kubeadm_was_told(checkout: Path) -> None:
    told = value(checkout / "roles/kubeadm_cluster", "kubeadm_cluster_pod_cidr", **CLUSTER)
    pool = cilium(checkout, **CLUSTER)["ipam"]
    assert pool == {
        "mode": "cluster-pool",
        "operator": {"clusterPoolIPv4PodCIDRList": [told], "clusterPoolIPv4MaskSize": 25},
    }
    [blocks] = calico(checkout, **CLUSTER)["installation"]["calicoNetwork"]["ipPools"]
    assert (blocks["cidr"], blocks["encapsulation"]) == (told, "VXLAN")
    six = cilium(checkout, cluster_pod_cidr="fd00:9::/48", cluster_node_cidr_prefix=64)
    assert six["ipam"]["operator"] == {"clusterPoolIPv6PodCIDRList": ["fd00:9::/48"], "clusterPoolIPv6MaskSize": 64}
    assert (six["ipv4"]["enabled"], six["ipv6"]["enabled"]) == (False, True)


def kubeadm(checkout: Path, **inventory: Any) -> Any:
    """What kubeadm is told; texts of files stand for themselves."""
    given = {"groups": {"control_plane": ["a"]}, "inventory_hostname": "a", **inventory}
    given |= {"__kubeadm_cluster_audit_text": "", "__kubeadm_cluster_admission_text": ""}
    given["__kubeadm_cluster_cluster"] = {"networking": {"podSubnet": inventory["cluster_pod_cidr"]}}
    return value(checkout / "roles/kubeadm_cluster", "__kubeadm_cluster_configuration", **given)


def test_kubeadm_leaves_kube_proxy_out_exactly_when_the_network_does_its_work(checkout: Path) -> None:
    for inventory, without in ((CLUSTER, False), (WITHOUT_PROXY, True)):
        configuration = kubeadm(checkout, **inventory)["cluster_configuration"]
        assert configuration.get("proxy") == ({"disabled": True} if without else None)
        assert cilium(checkout, **inventory)["kubeProxyReplacement"] is without


def test_nodes_without_kube_proxy_reach_the_api_at_the_endpoint_of_the_cluster(checkout: Path) -> None:
    found = cilium(checkout, **WITHOUT_PROXY)
    assert (found["k8sServiceHost"], found["k8sServicePort"]) == ("api.example.com", "8443")
    assert cilium(checkout, **CLUSTER)["k8sServiceHost"] == ""
    found = calico(checkout, **EBPF)
    assert found["kubernetesServiceEndpoint"] == {"host": "api.example.com", "port": "8443"}
    assert found["installation"]["calicoNetwork"]["linuxDataplane"] == "BPF"
    found = calico(checkout, **CLUSTER)
    assert (found["kubernetesServiceEndpoint"]["host"], found["installation"]["calicoNetwork"]["linuxDataplane"]) == (
        "",
        "Nftables",
    )
    # which is what kube-proxy has to be in beside it
    assert kubeadm(checkout, **CLUSTER)["kube_proxy_configuration"]["mode"] == "nftables"


def test_only_one_of_cilium_and_metallb_gives_addresses_to_services(checkout: Path) -> None:
    assert cilium(checkout, **CLUSTER, **METALLB)["defaultLBServiceIPAM"] == "none"
    assert cilium(checkout, **CLUSTER)["defaultLBServiceIPAM"] == "none"
    found = record(checkout / "roles/cilium", **WITHOUT_PROXY, cilium_pools=POOLS)
    assert values(found, "cilium")["defaultLBServiceIPAM"] == "lbipam"
    [pool] = manifests(found, "CiliumLoadBalancerIPPool")
    assert pool["spec"]["blocks"] == [{"start": "192.0.2.10", "stop": "192.0.2.20"}]


def test_cilium_has_the_settings_without_which_istio_refuses_to_work(checkout: Path) -> None:
    found = cilium(checkout, **ISTIO)
    assert (found["cni"]["exclusive"], found["socketLB"]["hostNamespaceOnly"], found["bpf"]["masquerade"]) == (
        False,
        True,
        False,
    )
    found = cilium(checkout, **METALLB)
    assert (found["cni"]["exclusive"], found["socketLB"]["hostNamespaceOnly"], "bpf" in found) == (True, False, False)


def test_calico_lets_istios_ztunnel_answer_for_pods(checkout: Path) -> None:
    [felix] = manifests(record(checkout / "roles/calico", **ISTIO), "FelixConfiguration")
    assert felix["metadata"]["name"] == "default" and felix["spec"] == {"workloadSourceSpoofing": "Any"}
    assert manifests(record(checkout / "roles/calico"), "FelixConfiguration") == []


@pytest.mark.parametrize("inventory", INVENTORIES)
def test_hubbles_certificates_are_not_made_by_every_run(checkout: Path, inventory: str) -> None:
    auto = cilium(checkout, **INVENTORIES[inventory])["hubble"]["tls"]["auto"]
    issuer = INVENTORIES[inventory].get("cilium_hubble_issuer", "")
    assert auto["method"] == ("certmanager" if issuer else "cronJob")
    assert auto["certManagerIssuerRef"].get("name", "") == issuer


def test_agents_may_ask_more_often_when_they_hold_leases_for_services(checkout: Path) -> None:
    limit = cilium(checkout, **WITHOUT_PROXY, cilium_pools=POOLS, cilium_l2_services=500)["k8sClientRateLimit"]
    # 500 leases, one in 5 s each (Cilium, L2 announcements), beside the 10 a second of an agent
    assert limit == {"qps": 110, "burst": 220}
    assert "k8sClientRateLimit" not in cilium(checkout, **WITHOUT_PROXY)


def test_the_gateway_apis_definitions_are_there_before_cilium_looks_for_them_once(
    checkout: Path, contracts: Path
) -> None:
    found = record(checkout / "roles/cilium", **WITHOUT_PROXY, cilium_gateway_api=True)
    first, second = (stage["releases"][0] for stage in found["stages"][:2])
    assert (first["name"], second["name"]) == ("gateway-api-crds", "cilium") and first["keep"]
    assert second["values"]["gatewayAPI"] == {"enabled": True, "gatewayClass": {"create": "true"}}
    text = (contracts / f"gateway-crds-helm-{first['chart']['version']}/crds.yaml").read_text()
    versions = {tuple(map(int, version.split("."))) for version in re.findall(r"bundle-version: v([0-9.]+)", text)}
    assert versions and min(versions) >= (1, 6, 1)
    needed = (
        "gatewayclasses",
        "gateways",
        "httproutes",
        "grpcroutes",
        "backendtlspolicies",
        "referencegrants",
        "tlsroutes",
    )
    assert all(f"name: {name}.gateway.networking.k8s.io" in text for name in needed)


def test_cilium_and_gateway_api_agree_on_the_release_that_both_may_make(checkout: Path) -> None:
    [own] = record(checkout / "roles/cilium", **WITHOUT_PROXY, cilium_gateway_api=True)["stages"][0]["releases"]
    gateway = record(checkout / "roles/gateway_api", gateway_api_implementation="nginx_gateway_fabric")
    other = next(one for stage in gateway["stages"] for one in stage.get("releases", []) if one["name"] == own["name"])
    assert own.pop("namespace") == gateway["namespace"]["name"]
    assert own == other


def test_bgp_tells_peers_what_is_selected(checkout: Path) -> None:
    bgp = {"cilium_pools": POOLS, "cilium_advertise": "bgp", "cilium_bgp_peers": PEERS}
    found = record(checkout / "roles/cilium", **CLUSTER, **bgp, cilium_bgp_advertise_pods=True)
    assert values(found, "cilium")["bgpControlPlane"] == {"enabled": True}
    assert values(found, "cilium")["l2announcements"] == {"enabled": False}
    [cluster], [peer], [advertisement] = (
        manifests(found, f"CiliumBGP{kind}") for kind in ("ClusterConfig", "PeerConfig", "Advertisement")
    )
    [instance] = cluster["spec"]["bgpInstances"]
    assert [one["peerConfigRef"]["name"] for one in instance["peers"]] == [peer["metadata"]["name"]]
    [family] = peer["spec"]["families"]
    assert family["advertisements"]["matchLabels"].items() <= advertisement["metadata"]["labels"].items()
    assert [one["advertisementType"] for one in advertisement["spec"]["advertisements"]] == ["Service", "PodCIDR"]


def test_calicos_agents_may_read_the_passwords_of_peers_and_no_other_secret(checkout: Path) -> None:
    found = record(checkout / "roles/calico", **EVERYTHING)
    [role] = manifests(found, "Role")
    named = {
        peer["spec"]["password"]["secretKeyRef"]["name"]
        for peer in manifests(found, "BGPPeer")
        if "password" in peer["spec"]
    }
    assert [(rule["resources"], set(rule["resourceNames"])) for rule in role["rules"]] == [(["secrets"], named)]
    assert manifests(found, "RoleBinding")[0]["roleRef"]["name"] == role["metadata"]["name"]
    assert manifests(record(checkout / "roles/calico", calico_routing="bgp", calico_bgp_peers=PEERS), "Role") == []


def test_calicos_definitions_are_of_one_release_before_the_operator_and_stay(checkout: Path) -> None:
    first, second, third = record(checkout / "roles/calico", **EVERYTHING)["stages"]
    [crds], [operator] = first["releases"], second["releases"]
    assert crds["keep"] and crds["chart"]["version"] == operator["chart"]["version"]
    assert operator["values"]["manageCRDs"] is False
    checked = {check.get("object") for check in second["health"] if check["kind"] == "TigeraStatus"}
    # what the third stage needs: the API that Calico serves
    assert {"calico", "apiserver"} < checked and third["manifests"][0]["apiVersion"] == "projectcalico.org/v3"


@pytest.mark.parametrize("inventory", INVENTORIES)
def test_what_the_chart_hands_on_to_the_operator_stands_in_the_schema_of_installation(
    checkout: Path, contracts: Path, inventory: str
) -> None:
    wanted = calico(checkout, **INVENTORIES[inventory])["installation"]
    [schema] = schemas(contracts)["operator.tigera.io", "Installation"][:1]
    assert [path for path in keys({"spec": wanted}) if not has(schema, path)] == []
    assert not has(schema, "spec.calicoNetwork.ipPools[].cidrs")


@pytest.mark.parametrize("name", ["cilium", "calico"])
def test_it_runs_on_a_cluster_of_tainted_control_planes(checkout: Path, name: str) -> None:
    """Taints are set when nodes are ready, and they are ready when the pod network works."""
    taint = {"key": "node-role.kubernetes.io/control-plane", "operator": "Exists", "effect": "NoSchedule"}
    if name == "calico":
        assert calico(checkout)["installation"]["controlPlaneTolerations"] == [taint]
        return
    found = cilium(checkout)
    parts = (found["hubble"]["relay"], found["hubble"]["ui"], found["certgen"])
    assert [part["tolerations"] for part in parts] == [[taint]] * 3


def test_one_node_gets_one_of_each_part(checkout: Path) -> None:
    one = {"groups": {"all": [], "control_plane": ["cp1"], "workers": []}}
    found = cilium(checkout, **one)
    assert (found["operator"]["replicas"], found["operator"]["podDisruptionBudget"]["enabled"]) == (1, False)
    assert calico(checkout, **one)["installation"]["controlPlaneReplicas"] == 1
    two = {"groups": {"all": [], "control_plane": ["cp1"], "workers": ["w1"]}}
    assert cilium(checkout, **two)["operator"]["replicas"] == 2
    assert calico(checkout, **two)["installation"]["controlPlaneReplicas"] == 2


def test_charts_and_images_come_from_the_mirror_of_the_machines(checkout: Path, contracts: Path) -> None:
    mirror = {"files": "https://files.example.com", "registry": "https://registry.example.com/", "ca": "PEM"}
    role = checkout / "roles/cni"
    found = value(role, "__cni_chart_mirror", cluster_mirror=mirror)
    assert found == {"registry": "registry.example.com", "files": "https://files.example.com"}
    registry = value(role, "__cni_chart_registry", cluster_mirror=mirror, __cni_cache="/cache")
    assert registry["plain_http"] is False and registry["ca"].endswith("/ca.crt")
    assert value(role, "__cni_chart_registry", cluster_mirror={"registry": "http://r:5000"}) == {"plain_http": True}
    assert value(role, "__cni_chart_mirror") == {}
    platform = {"registry": "other.example.com"}
    assert value(role, "__cni_chart_mirror", cluster_mirror=mirror, platform_mirror=platform) == platform
    # images: containerd asks the mirror for every registry that it knows nothing of
    known = value(checkout / "roles/containerd", "__containerd_all_registries", cluster_mirror=mirror)
    assert [one["name"] for one in known] == ["_default"]


REFUSED = [
    ("cilium", {"cilium_kube_proxy_replacement": True}, "cilium_api_endpoint has no host"),
    ("cilium", {"cilium_gateway_api": True}, "write cluster_kube_proxy: false for a new cluster"),
    ("cilium", {"cilium_pools": POOLS}, "cilium_advertise is l2 and needs Cilium in place of kube-proxy"),
    ("cilium", {**WITHOUT_PROXY, **METALLB, "cilium_pools": POOLS}, "take cilium_pools out, or metallb out of the inventory"),
    ("cilium", {"cilium_pools": POOLS, "cilium_advertise": "bgp"}, "cilium_bgp_peers is empty"),
    ("cilium", {"cilium_bgp_peers": PEERS}, "addresses of no pool to advertise"),
    ("cilium", {"cilium_values": {"encryption": {"strictMode": {"enabled": True, "cidr": "x"}}}}, "has encryption.strictMode.cidr, encryption.strictMode.enabled,"),
    ("cilium", {"cilium_values": {"encryption": {"ipsec": {"encryptedOverlay": True}}}}, "has encryption.ipsec.encryptedOverlay,"),
    ("cilium", {"cilium_values": {"clustermesh": {"enableMCSAPISupport": True}}}, "has clustermesh.enableMCSAPISupport,"),
    ("cilium", {"cilium_values": {"ipam": {"mode": "kubernetes"}}}, "cilium_values sets ipam"),
    ("calico", {"calico_data_plane": "ebpf", **CLUSTER}, "the cluster has kube-proxy, which does the same work"),
    ("calico", WITHOUT_PROXY, "nobody carries out Services; write ebpf"),
    ("calico", {"calico_data_plane": "ebpf", "cluster_kube_proxy": False}, "calico_api_endpoint has no host"),
    ("calico", {"calico_bgp_peers": PEERS}, "calico_routing is vxlan; write bgp"),
    ("calico", {"calico_routing": "bgp", "calico_bgp_full_mesh": False}, "nodes would know no routes"),
    ("calico", {"calico_crds_chart": {"ref": "x", "version": "v3.31.0"}}, "calico_crds_chart is v3.31.0 and calico_chart is v3.32.1"),
    ("calico", {"calico_values": {"installation": {"calicoNetwork": {"linuxDataplane": "Iptables"}}}}, "write calico_data_plane"),
    ("calico", {"calico_values": {"manageCRDs": True}}, "calico_values sets manageCRDs"),
]  # fmt: skip
ACCEPTED = [
    ("cilium", {}),
    ("cilium", {**WITHOUT_PROXY, "cilium_pools": POOLS, "cilium_gateway_api": True}),
    ("cilium", {"cilium_pools": POOLS, "cilium_advertise": "bgp", "cilium_bgp_peers": PEERS}),
    ("cilium", {"cilium_bgp_peers": PEERS, "cilium_bgp_advertise_pods": True, **METALLB}),
    ("cilium", {"cilium_values": {"encryption": {"strictMode": {"egress": {"enabled": True}}}}}),
    ("cilium", {"component_action": "remove", "cilium_pools": POOLS}),
    ("calico", CLUSTER),
    ("calico", EBPF),
    ("calico", {"calico_routing": "bgp", "calico_bgp_peers": PEERS, "calico_bgp_full_mesh": False}),
    ("calico", {"platform_action": "remove", "calico_data_plane": "ebpf"}),
]


@pytest.mark.parametrize(("name", "inventory", "message"), REFUSED, ids=[f"{one[0]}: {one[2]}" for one in REFUSED])
def test_what_cannot_work_is_refused_in_a_sentence(
    checkout: Path, name: str, inventory: dict[str, Any], message: str
) -> None:
    found = value(checkout / "roles" / name, f"__{name}_wrong", **inventory)
    assert len(found) == 1 and message in found[0], found
    assert found[0].endswith(".") and found[0].count(". ") == 0


@pytest.mark.parametrize(("name", "inventory"), ACCEPTED)
def test_what_can_work_is_not_refused(checkout: Path, name: str, inventory: dict[str, Any]) -> None:
    assert value(checkout / "roles" / name, f"__{name}_wrong", **inventory) == []


def test_the_network_is_compared_before_anything_is_changed_on_a_node(checkout: Path) -> None:
    plays = load(checkout / "playbooks/cluster.yml")
    [play] = [play for play in plays if "kubestd.platform.cni" in [role["role"] for role in play["roles"]]]
    [task] = play["pre_tasks"]
    assert task["ansible.builtin.import_role"] == {"name": "kubestd.platform.cni", "tasks_from": "check"}
    assert task["tags"] == [role["role"].rpartition(".")[2] for role in play["roles"]]


def test_the_verb_of_the_platform_never_reaches_the_pod_network(checkout: Path) -> None:
    includes = [
        task for task in load(checkout / "roles/cni/tasks/release.yml") if "ansible.builtin.include_role" in task
    ]
    assert [task["vars"]["component_action"] for task in includes] == ["{{ __cni_action }}"] * 2
    assert value(checkout / "roles/cni", "__cni_action", platform_action="remove") == "release"
    assert value(checkout / "roles/cni", "__cni_action", cni_state="absent") == "remove"


def test_bridge_brings_the_files_that_it_brought(checkout: Path) -> None:
    """Its plan knows it by one of them."""
    defaults = merged(checkout / "roles/cni", "defaults")
    assert defaults["cni_implementation"] == "bridge"
    paths = [item["path"] for item in yaml.safe_load((checkout / "roles/cni/vars/main.yml").read_text())["__cni_files"]]
    assert paths[0] == "/etc/cni/net.d/10-kubestd.conflist" and len(paths) == 3
