# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""kubeadm's configuration documents, command lines and texts. Pure: no access to the host or the cluster."""

from __future__ import annotations

import copy
import json
import re
from typing import Any

KUBEADM_API = "kubeadm.k8s.io/v1beta4"
HEADS: dict[str, tuple[str, str]] = {
    "init_configuration": (KUBEADM_API, "InitConfiguration"),
    "cluster_configuration": (KUBEADM_API, "ClusterConfiguration"),
    "join_configuration": (KUBEADM_API, "JoinConfiguration"),
    "reset_configuration": (KUBEADM_API, "ResetConfiguration"),
    "kube_proxy_configuration": ("kubeproxy.config.k8s.io/v1alpha1", "KubeProxyConfiguration"),
    "kubelet_configuration": ("kubelet.config.k8s.io/v1beta1", "KubeletConfiguration"),
}
INIT_DOCUMENTS = ("init_configuration", "cluster_configuration", "kube_proxy_configuration", "kubelet_configuration")
# What an interrupted init leaves, as kubeadm's preflight checks call it; an init that goes on has to find them there.
GOES_ON = (
    *(
        f"FileAvailable--etc-kubernetes-manifests-{name}.yaml"
        for name in ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "etcd")
    ),
    *(f"Port-{port}" for port in (10250, 10257, 10259, 2379, 2380)),
    "DirAvailable--var-lib-etcd",
)
# The token that kubeadm init insists on making would be good for 24 hours; nobody uses it.
UNUSED_TOKEN = {
    "ttl": "1m0s",
    "usages": ["signing", "authentication"],
    "groups": ["system:bootstrappers:kubeadm:default-node-token"],
}
TOKEN = re.compile(r"\b[a-z0-9]{6}\.[a-z0-9]{16}\b")
CERTIFICATE_KEY = re.compile(r"\b[0-9a-f]{64}\b")


def without_secrets(text: str) -> str:
    """Hide whatever has the shape of a bootstrap token or a certificate key; digests written sha256:… stay."""
    hidden = TOKEN.sub("<token>", text)
    return re.sub(r"(?<!sha256:)" + CERTIFICATE_KEY.pattern, "<certificate key>", hidden)


def documents(configuration: dict[str, Any], names: tuple[str, ...]) -> str:
    """The named documents as kubeadm reads them: JSON (which is YAML), separated by ---."""
    parts = []
    for name in names:
        content = configuration.get(name)
        if content is None:
            continue
        api_version, kind = HEADS[name]
        parts.append(json.dumps({"apiVersion": api_version, "kind": kind, **content}, sort_keys=True))
    return "\n---\n".join(parts) + "\n"


def init_documents(configuration: dict[str, Any]) -> str:
    """The input of kubeadm init and its phases."""
    prepared = {
        name: copy.deepcopy(configuration.get(name) or {})
        for name in INIT_DOCUMENTS
        if configuration.get(name) is not None or name != "kube_proxy_configuration"
    }
    prepared["init_configuration"].setdefault("bootstrapTokens", [UNUSED_TOKEN])
    return documents(prepared, INIT_DOCUMENTS)


def join_documents(configuration: dict[str, Any], role: str, endpoint: str, credentials: dict[str, Any]) -> str:
    """The input of kubeadm join, with the secrets in it."""
    join = copy.deepcopy(configuration.get("join_configuration") or {})
    discovery = join.setdefault("discovery", {})
    discovery["bootstrapToken"] = {
        "apiServerEndpoint": endpoint,
        "token": credentials.get("token"),
        "caCertHashes": credentials.get("ca_cert_hashes") or [],
    }
    if role == "control_plane":
        join.setdefault("controlPlane", {})["certificateKey"] = credentials.get("certificate_key")
    else:
        join.pop("controlPlane", None)
    return documents({"join_configuration": join}, ("join_configuration",))


def cri_socket(configuration: dict[str, Any]) -> str:
    """The container runtime's socket that the configuration names, or an empty string."""
    for name in ("init_configuration", "join_configuration"):
        found = ((configuration.get(name) or {}).get("nodeRegistration") or {}).get("criSocket")
        if found:
            return str(found)
    return ""


def reset_documents(configuration: dict[str, Any]) -> str:
    """The input of kubeadm reset."""
    reset: dict[str, Any] = {"force": True, "cleanupTmpDir": True}
    if cri_socket(configuration):
        reset["criSocket"] = cri_socket(configuration)
    return documents({"reset_configuration": reset}, ("reset_configuration",))


INITIAL_CLUSTER = re.compile(r"^(\s*)- --(initial-cluster(?:-state)?)=(.*)\n", re.MULTILINE)


def keep_initial_cluster(new: str, old: str) -> str:
    """The new manifest of etcd with the old one's --initial-cluster flags.

    kubeadm writes them for the moment in which a member is added; etcd reads them only while it has no data.
    """
    kept = {match.group(2): match.group(0) for match in INITIAL_CLUSTER.finditer(old)}
    if "initial-cluster" not in kept:
        return new

    def replace(match: re.Match[str]) -> str:
        if match.group(2) == "initial-cluster":
            return kept["initial-cluster"] + kept.get("initial-cluster-state", "")
        return ""

    return INITIAL_CLUSTER.sub(replace, new)


def data_text(document: str, key: str) -> str | None:
    """The block text under data.<key> of a ConfigMap that kubeadm printed as YAML."""
    match = re.search(rf"^( +){re.escape(key)}: \|([-+]?)\n((?:\1 +.*\n|\s*\n)+)", document + "\n", re.MULTILINE)
    if match is None:
        return None
    lines = match.group(3).rstrip("\n").split("\n")
    indent = len(lines[0]) - len(lines[0].lstrip())
    text = "\n".join(line[indent:] for line in lines)
    return text if match.group(2) == "-" else text + "\n"
