# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading the node and its cluster for the kubeadm module. Changes nothing."""

from __future__ import annotations

import ipaddress
import os
import re
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass, replace
from typing import Any

from .._errors import KubestdError
from .._kube import KubeClient, KubeError, admin_client
from . import der
from .config import data_text, init_documents, keep_initial_cluster
from .plan import COMPONENTS, Found, Wanted
from .process import kubeadm, kubelet_runs

KUBERNETES = "etc/kubernetes"
KUBELET = "var/lib/kubelet"
ETCD_DATA = "var/lib/etcd"
CONFIGURATIONS = (
    "admin.conf",
    "super-admin.conf",
    "kubelet.conf",
    "bootstrap-kubelet.conf",
    "controller-manager.conf",
    "scheduler.conf",
)
KUBELET_FILES = ("config.yaml", "pki/kubelet-client-current.pem")
CONTROL_PLANE_LABEL = "node-role.kubernetes.io/control-plane"
ADVERTISED = re.compile(r"kube-apiserver\.advertise-address\.endpoint: \"?([^\s\"]+)")
SERVER = re.compile(r"^\s*server: \"?(https://[^\s\"]+)", re.MULTILINE)
# Directories whose content belongs to a cluster, and what CNI plugins and kube-proxy leave in the kernel.
DIRECTORIES = (
    "etc/kubernetes",
    "etc/cni/net.d",
    "var/lib/etcd",
    "var/lib/kubelet",
    "var/lib/cni",
    "var/log/pods",
    "var/log/containers",
)
INTERFACES = ("cni0", "flannel.1", "kube-ipvs0", "nodelocaldns")
# A kubeconfig without any user: kubeadm wants one even for a dry run that asks no server.
NO_KUBECONFIG = (
    '{"apiVersion":"v1","kind":"Config","clusters":[{"name":"none","cluster":{"server":"https://127.0.0.1:1"}}],"users":[{"name":"none","user":{}}],'
    '"contexts":[{"name":"none","context":{"cluster":"none","user":"none"}}],"current-context":"none"}\n'
)


@dataclass(frozen=True)
class Place:
    """Where to look: the root of the file system, and what the options say."""

    root: str
    configuration: dict[str, Any]
    endpoint: str
    node_name: str
    kubeadm: str = "/usr/local/bin/kubeadm"

    def path(self, *parts: str) -> str:
        """A path below the root."""
        return os.path.join(self.root, *parts)

    def kubernetes(self, name: str) -> str:
        """A path below /etc/kubernetes."""
        return self.path(KUBERNETES, name)

    def file(self, name: str) -> str:
        """The path of a name in Found.files."""
        return self.path(KUBELET, name[len("kubelet/") :]) if name.startswith("kubelet/") else self.kubernetes(name)


def read(path: str) -> str:
    """The text of a file, empty when there is none."""
    try:
        with open(path, encoding="utf-8", errors="replace") as handle:
            return handle.read()
    except OSError:
        return ""


def listing(path: str) -> list[str]:
    """Names in a directory, sorted; empty when there is none."""
    try:
        return sorted(os.listdir(path))
    except OSError:
        return []


def find_files(place: Place) -> frozenset[str]:
    """kubeadm's files that are there."""
    found = {name for name in CONFIGURATIONS if os.path.exists(place.kubernetes(name))}
    for folder in ("pki", "pki/etcd"):
        found |= {
            f"{folder}/{name}"
            for name in listing(place.kubernetes(folder))
            if name.rpartition(".")[2] in ("crt", "key", "pub")
        }
    found |= {
        f"manifests/{name}.yaml" for name in COMPONENTS if os.path.exists(place.kubernetes(f"manifests/{name}.yaml"))
    }
    found |= {f"kubelet/{name}" for name in KUBELET_FILES if os.path.exists(place.path(KUBELET, name))}
    return frozenset(found)


def find_half_written(place: Place, files: frozenset[str]) -> tuple[str, ...]:
    """Files cut off, and keys without their certificate (kubeadm writes the key first)."""
    broken = set()
    for name in files:
        kind = name.rpartition(".")[2]
        text = read(place.file(name)) if kind in ("crt", "key", "pub", "conf") else ""
        if (
            kind in ("crt", "key", "pub")
            and "-----END" not in text
            or kind == "conf"
            and "current-context:" not in text
        ):
            broken.add(name)
        if kind == "key" and f"{name[:-4]}.crt" not in files and f"{name[:-4]}.pub" not in files:
            broken.add(name)
    return tuple(sorted(broken))


def expired_certificates(place: Place, names: list[str], now: float) -> tuple[str, ...]:
    """Those of the certificates whose time is over."""
    out = []
    for name in names:
        try:
            if der.expires(read(place.file(name))) < now:
                out.append(name)
        except KubestdError:
            continue
    return tuple(sorted(out))


def local_server(place: Place, manifest: str) -> str:
    """Where this node's own API server listens."""
    match = ADVERTISED.search(manifest)
    if match:
        return f"https://{match.group(1)}"
    local = (place.configuration.get("init_configuration") or {}).get("localAPIEndpoint") or {}
    address = str(local.get("advertiseAddress") or "127.0.0.1")
    return f"https://{'[' + address + ']' if ':' in address else address}:{local.get('bindPort') or 6443}"


def ask_endpoint(place: Place, files: frozenset[str]) -> tuple[str, bool | None, str | None]:
    """Who answers at the cluster's endpoint: (up | down | expired, same cluster, its version)."""
    if not place.endpoint:
        return "unasked", None, None
    ca = place.kubernetes("pki/ca.crt") if "pki/ca.crt" in files else None
    try:
        client = KubeClient(place.endpoint, ca, timeout=3.0, verify_name=False)
    except KubestdError:
        client, ca = KubeClient(place.endpoint, timeout=3.0), None
    try:
        answer = client.ask("GET", "/version")
    except KubeError as error:
        if error.reason == "foreign":
            return "up", False, None
        return ("expired", None, None) if error.reason == "expired" else ("down", None, None)
    finally:
        client.close()
    version = answer.data.get("gitVersion") if isinstance(answer.data, dict) else None
    if answer.status in (401, 403) or (answer.status == 200 and version):
        return "up", True if ca else None, version
    return "down", None, None


def look(place: Place, wanted: Wanted) -> Found:
    """Everything that the plan wants to know, and no more than it needs for the state the node is in."""
    files = find_files(place)
    data = any(name != "lost+found" for name in listing(place.path(ETCD_DATA)))
    manifests = {
        name: read(place.kubernetes(f"manifests/{name}.yaml"))
        for name in COMPONENTS
        if f"manifests/{name}.yaml" in files
    }
    found = Found(files=files, etcd_data=data, manifests=manifests, kubeadm=os.access(place.kubeadm, os.X_OK))
    if wanted.state == "absent":
        return replace(found, leftovers=leftovers(place))
    if found.bare and not wanted.primary:
        return found
    if not found.complete_files:
        found = replace(found, half_written=find_half_written(place, files))
    certificates = (
        [name for name in files if name.endswith(".crt")]
        if found.control_plane
        else ["kubelet/pki/kubelet-client-current.pem"]
    )
    found = replace(found, expired=expired_certificates(place, certificates, time.time()))
    endpoint, same, version = ask_endpoint(place, files)
    found = replace(found, endpoint=endpoint, same_cluster=same, cluster_version=version)
    if found.same_cluster is False or found.expired or found.bare:
        return found
    if found.control_plane:
        return look_control_plane(place, wanted, found)
    return look_worker(place, wanted, found)


def look_worker(place: Place, wanted: Wanted, found: Found) -> Found:
    """Ask the cluster for this node, as its kubelet."""
    pem = place.path(KUBELET, "pki/kubelet-client-current.pem")
    if not found.complete_files or not os.path.exists(pem):
        return found
    match = SERVER.search(read(place.kubernetes("kubelet.conf")))
    server = place.endpoint or (match.group(1) if match else "")
    client = KubeClient(server, place.kubernetes("pki/ca.crt"), pem, timeout=5.0, verify_name=False)
    try:
        return ask_node(client, place, found)
    finally:
        client.close()


def ask_node(client: KubeClient, place: Place, found: Found) -> Found:
    """The Node object, if the cluster lets us see it."""
    try:
        answer = client.ask("GET", f"/api/v1/nodes/{place.node_name}")
    except KubeError:
        return found
    if answer.status in (401, 403):
        return replace(found, access=False)
    if answer.status == 404:
        return replace(found, access=True, registered=False)
    if answer.status != 200 or not isinstance(answer.data, dict):
        return found
    conditions = (answer.data.get("status") or {}).get("conditions") or []
    ready = any(condition.get("type") == "Ready" and condition.get("status") == "True" for condition in conditions)
    labels = answer.data["metadata"].get("labels") or {}
    return replace(
        found,
        access=True,
        registered=True,
        ready=ready,
        marked=CONTROL_PLANE_LABEL in labels,
        pod_cidr=(answer.data.get("spec") or {}).get("podCIDR"),
    )


def look_control_plane(place: Place, wanted: Wanted, found: Found) -> Found:
    """Ask this node's API server, and the cluster's endpoint while that one is not ready."""
    names = (
        der.certificate_names(read(place.kubernetes("pki/apiserver.crt"))).alternatives
        if usable(place, found, "pki/apiserver.crt")
        else ()
    )
    found = replace(found, certificate_names=names)
    if not (usable(place, found, "pki/apiserver-kubelet-client.crt") and usable(place, found, "pki/ca.crt")):
        return found
    if "kube-apiserver" in found.manifests:
        client = admin_client(
            local_server(place, found.manifests["kube-apiserver"]),
            place.root,
            timeout=5.0,
            retry_for=3.0,
            verify_name=False,
        )
        try:
            ready = client.ask("GET", "/readyz").status == 200
        except KubeError:
            ready = False
        found = replace(found, api="up" if ready else "down")
        if ready:
            try:
                return ask_cluster(client, place, wanted, ask_node(client, place, found))
            finally:
                client.close()
        found = replace(found, kubelet=kubelet_runs())
    if found.endpoint == "up":
        client = admin_client(place.endpoint, place.root, timeout=5.0, verify_name=False)
        try:
            return ask_others(client, place, ask_node(client, place, found))
        finally:
            client.close()
    return found


def usable(place: Place, found: Found, name: str) -> bool:
    """A file that is there and whole, and so is its key."""
    key = f"{name[:-4]}.key"
    return (
        name in found.files
        and name not in found.half_written
        and (name == "pki/ca.crt" or (key in found.files and key not in found.half_written))
    )


def ask_others(client: KubeClient, place: Place, found: Found) -> Found:
    """Which further control planes the cluster has."""
    try:
        answer = client.get("/api/v1/nodes", {"labelSelector": CONTROL_PLANE_LABEL})
    except KubeError:
        return found
    names = sorted(item["metadata"]["name"] for item in (answer or {}).get("items") or [])
    return replace(found, other_control_planes=tuple(name for name in names if name != place.node_name))


def ask_cluster(client: KubeClient, place: Place, wanted: Wanted, found: Found) -> Found:
    """What kubeadm has put into the cluster; the last object of each phase stands for the phase."""
    try:
        version = client.get("/version") or {}
        found = replace(found, cluster_version=version.get("gitVersion"))
        if not found.complete_files:
            found = ask_others(client, place, found)
        if not (wanted.primary or found.began_by_init) or found.access is False:
            return found
        system = "/api/v1/namespaces/kube-system"
        rbac = "/apis/rbac.authorization.k8s.io/v1/namespaces"
        kubeadm_config = client.get(f"{system}/configmaps/kubeadm-config")
        kube_proxy = client.get(f"{system}/configmaps/kube-proxy")
        bindings = {
            item["metadata"]["name"]
            for item in (client.get(f"{rbac}/kube-system/rolebindings") or {}).get("items") or []
        }
        public = client.get(f"{rbac}/kube-public/rolebindings/kubeadm:bootstrap-signer-clusterinfo")
        dns = client.get(f"{system}/services/kube-dns")
    except KubeError as error:
        if error.status in (401, 403):
            return replace(found, access=False)
        raise
    there = {
        "kubeadm-config": bool(kubeadm_config) and "kubeadm:nodes-kubeadm-config" in bindings,
        "kubelet-config": "kubeadm:kubelet-config" in bindings,
        "cluster-info": bool(public),
        "kube-proxy": (bool(kube_proxy) and "kube-proxy" in bindings) or addon_off(place, "proxy", "addon/kube-proxy"),
        "coredns": bool(dns) or addon_off(place, "dns", "addon/coredns"),
    }
    return replace(
        found,
        cluster_parts=frozenset(name for name, present in there.items() if present),
        cluster_configuration=(kubeadm_config or {}).get("data", {}).get("ClusterConfiguration"),
        kube_proxy=(kube_proxy or {}).get("data", {}).get("config.conf"),
    )


def addon_off(place: Place, name: str, phase: str) -> bool:
    """Whether the configuration asks for a cluster without this add-on."""
    cluster = place.configuration.get("cluster_configuration") or {}
    skipped = (place.configuration.get("init_configuration") or {}).get("skipPhases") or []
    return bool((cluster.get(name) or {}).get("disabled")) or phase in skipped or "addon" in skipped


def render(place: Place, wanted: Wanted, found: Found) -> Wanted:
    """Let kubeadm write what it would write for these settings, into a directory in memory that is gone afterwards."""
    document = init_documents(place.configuration)
    parent = place.path("run") if os.path.isdir(place.path("run")) else None
    directory = tempfile.mkdtemp(prefix="kubestd-", dir=parent)
    environment = {"KUBEADM_INIT_DRYRUN_DIR": directory}

    def phase(*arguments: str) -> str:
        return kubeadm(
            place.kubeadm,
            ["init", "phase", *arguments, "--config", "/dev/stdin"],
            document,
            60.0,
            environment=environment,
        )

    try:
        phase("control-plane", "all", "--dry-run")
        if not ((place.configuration.get("cluster_configuration") or {}).get("etcd") or {}).get("external"):
            phase("etcd", "local", "--dry-run")
        manifests = {name: read(os.path.join(directory, f"{name}.yaml")) for name in COMPONENTS}
        manifests = {name: text for name, text in manifests.items() if text}
        if "etcd" in manifests:
            manifests["etcd"] = keep_initial_cluster(manifests["etcd"], found.manifests.get("etcd", ""))
        wanted = replace(wanted, manifests=manifests, certificate_names=certificate_names(place))
        if wanted.primary and found.cluster_configuration is not None:
            with open(os.path.join(directory, "admin.conf"), "w", encoding="utf-8") as handle:
                handle.write(NO_KUBECONFIG)
            printed = data_text(phase("upload-config", "kubeadm", "--dry-run"), "ClusterConfiguration")
            wanted = replace(wanted, cluster_configuration=printed)
        if wanted.primary and found.kube_proxy is not None:
            wanted = replace(
                wanted, kube_proxy=data_text(phase("addon", "kube-proxy", "--print-manifest"), "config.conf")
            )
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    return wanted


def certificate_names(place: Place) -> tuple[str, ...]:
    """Names that the API server's certificate must hold, by the settings."""
    cluster = place.configuration.get("cluster_configuration") or {}
    names = [str(name) for name in (cluster.get("apiServer") or {}).get("certSANs") or []]
    endpoint = str(cluster.get("controlPlaneEndpoint") or "")
    if endpoint:
        names.append(endpoint.rpartition(":")[0].strip("[]") if re.search(r":\d+$", endpoint) else endpoint)
    return tuple(dict.fromkeys(canonical(name) for name in names))


def canonical(name: str) -> str:
    """An address in its shortest form, a name as it is."""
    try:
        return str(ipaddress.ip_address(name))
    except ValueError:
        return name


def tables() -> list[tuple[str, str]]:
    """kube-proxy's tables in nftables: (family, name)."""
    if not shutil.which("nft", path="/usr/sbin:/sbin:/usr/bin:/usr/local/sbin"):
        return []
    answer = subprocess.run(
        ["nft", "list", "tables"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PATH": "/usr/sbin:/sbin:/usr/bin:/usr/local/sbin"},
    )
    return [
        (words[1], words[2])
        for words in map(str.split, answer.stdout.splitlines())
        if len(words) == 3 and words[2] == "kube-proxy"
    ]


def leftovers(place: Place) -> tuple[str, ...]:
    """What a node that left its cluster may still have, in words."""
    found = [
        f"/{name}" for name in DIRECTORIES if [entry for entry in listing(place.path(name)) if entry != "lost+found"]
    ]
    if place.root == "/":
        found += [f"interface {name}" for name in INTERFACES if os.path.exists(f"/sys/class/net/{name}")]
        found += [f"nftables table {family} {name}" for family, name in tables()]
    return tuple(found)
