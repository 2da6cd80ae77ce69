# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What has to happen to a node, decided from what is wanted and what was found.

Pure: no access to the host or the cluster. How kubeadm leaves a node behind when it is killed (cmd/kubeadm/app of
Kubernetes 1.36):

init   Certificates, kubeconfigs (kubelet.conf and super-admin.conf among them), etcd.yaml, three more manifests, the
       kubelet's configuration, kubelet started; the API comes up. Then only objects in the cluster: kubeadm-config and
       kubelet-config, labels of the node, bootstrap-token rules and cluster-info, kube-proxy and CoreDNS.
       Each of these may be done again over what is there, so an interrupted init is completed and never undone.
join   (worker) ca.crt and bootstrap-kubelet.conf, the kubelet's configuration, kubelet started; the kubelet writes
       kubelet.conf, gets its certificate, and registers its Node.
join   (control plane) Downloaded and own certificates, kubeconfigs, three manifests, bootstrap-kubelet.conf, the
       kubelet's configuration, a member is added to etcd, etcd.yaml, the API comes up, the kubelet gets its
       certificate, labels of the node. A member cannot be added twice, so an interrupted join is undone and done
       again; the other control planes hold the data.
"""

from __future__ import annotations

from dataclasses import dataclass, field

COMPONENTS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")
KUBECONFIGS = ("admin.conf", "kubelet.conf", "controller-manager.conf", "scheduler.conf")


@dataclass(frozen=True)
class Wanted:
    """What the node should be.

    manifests, cluster_configuration and kube_proxy are what kubeadm would write; None: not asked.
    """

    role: str = "worker"
    state: str = "present"
    primary: bool = False
    node_name: str = "node"
    version: str = ""
    endpoint: str = ""
    credentials: bool = False
    manifests: dict[str, str] | None = None
    cluster_configuration: str | None = None
    kube_proxy: str | None = None
    certificate_names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Found:
    """What the node and its cluster say. None: not known, because it could not be asked.

    files: which of kubeadm's files are there, named relative to /etc/kubernetes and, with kubelet/ in front, to
        /var/lib/kubelet.
    half_written: files that a killed kubeadm left incomplete.
    manifests: the text of each static pod's manifest.
    api: none (no manifest of an API server) | down | up (it reports ready).
    endpoint: unasked | down | up | expired: the API server that answers at the cluster's endpoint.
    same_cluster: whether that API server's certificate comes from the CA on this node.
    access: whether the cluster accepts this node's certificate.
    other_control_planes: names of further nodes that are control planes.
    cluster_parts: which of kubeadm-config, kubelet-config, cluster-info, kube-proxy, coredns are in the cluster.
    kubelet: whether the kubelet runs; asked only when the API server is not ready.
    leftovers: what an absent node should not have, other than kubeadm's files.
    """

    files: frozenset[str] = frozenset()
    half_written: tuple[str, ...] = ()
    manifests: dict[str, str] = field(default_factory=dict)
    etcd_data: bool = False
    kubeadm: bool = True
    api: str = "none"
    endpoint: str = "unasked"
    same_cluster: bool | None = None
    access: bool | None = None
    cluster_version: str | None = None
    registered: bool | None = None
    ready: bool | None = None
    marked: bool | None = None
    pod_cidr: str | None = None
    other_control_planes: tuple[str, ...] | None = None
    cluster_parts: frozenset[str] | None = None
    cluster_configuration: str | None = None
    kube_proxy: str | None = None
    kubelet: bool | None = None
    expired: tuple[str, ...] = ()
    certificate_names: tuple[str, ...] | None = None
    leftovers: tuple[str, ...] = ()

    @property
    def bare(self) -> bool:
        """No trace of kubeadm."""
        return not self.files and not self.etcd_data

    @property
    def control_plane(self) -> bool:
        """Has files that only a control plane has."""
        signs = ("admin.conf", "super-admin.conf", "pki/ca.key", "pki/apiserver.crt", "pki/apiserver.key")
        return any(name in self.files for name in signs) or any(
            f"manifests/{name}.yaml" in self.files for name in COMPONENTS
        )

    @property
    def began_by_init(self) -> bool:
        """kubeadm init writes super-admin.conf, kubeadm join does not."""
        return "super-admin.conf" in self.files

    @property
    def complete_files(self) -> bool:
        """kubeadm has done its work on this node.

        An init starts the kubelet, which then stores its certificate, after all manifests. In a join the kubelet gets
        its certificate after etcd.yaml and the start of the API server (its kubelet.conf is there before). So with
        these files a manifest that is missing was taken away later.
        """
        needed = {"kubelet.conf", "pki/ca.crt", "kubelet/config.yaml", "kubelet/pki/kubelet-client-current.pem"}
        if self.control_plane:
            needed |= {"admin.conf", "manifests/etcd.yaml"}
        return needed <= self.files

    @property
    def initialised(self) -> bool:
        """This node is a member of a cluster, even when it is stopped at the moment."""
        if self.control_plane:
            return self.complete_files and (self.api == "up" or self.etcd_data)
        return self.complete_files


@dataclass(frozen=True)
class Action:
    """One step.

    why: a sentence; about: components, phases or files; changes: whether it changes anything.
    """

    name: str
    why: str
    about: tuple[str, ...] = ()
    changes: bool = True


@dataclass(frozen=True)
class Plan:
    """The actions in order, or a sentence why nothing may be done; notes say what was seen and needs no action."""

    actions: tuple[Action, ...] = ()
    refusal: str = ""
    notes: tuple[str, ...] = ()

    @property
    def needs_credentials(self) -> bool:
        """Whether a token of the cluster is needed to carry it out."""
        return any(action.name == "join" for action in self.actions)


def make_plan(wanted: Wanted, found: Found) -> Plan:
    """The plan for one node."""
    if wanted.state == "absent":
        return plan_absent(wanted, found)
    refusal = refuse(wanted, found)
    if refusal:
        return Plan(refusal=refusal)
    if wanted.role == "control_plane":
        return plan_control_plane(wanted, found)
    return plan_worker(wanted, found)


def refuse(wanted: Wanted, found: Found) -> str:
    """Why this node must not be touched, or an empty string."""
    node, where = wanted.node_name, wanted.endpoint
    if found.same_cluster is False:
        return (
            f"/etc/kubernetes/pki/ca.crt of {node} is not the CA of the cluster at {where}: the node belongs to another"
            " cluster. Check cluster_endpoint, or remove the node with the remove playbook and run again."
        )
    if wanted.role == "control_plane" and not found.control_plane and "kubelet.conf" in found.files:
        return (
            f"{node} is a worker and role asks for a control plane. Remove the node with the remove playbook, then run"
            " again."
        )
    if wanted.role == "worker" and found.control_plane:
        return (
            f"{node} is a control plane and role asks for a worker. Remove the node with the remove playbook, then run"
            " again."
        )
    if found.etcd_data and "manifests/etcd.yaml" not in found.files:
        return (
            f"/var/lib/etcd of {node} holds data, but /etc/kubernetes/manifests/etcd.yaml is missing, and kubeadm never"
            " leaves a node like that. Put the manifest back; or, when the data is not needed, empty /var/lib/etcd and"
            " run again."
        )
    if found.expired:
        lines = ", ".join(found.expired)
        if found.control_plane:
            return (
                f"Certificates of {node} have expired: {lines}. Run kubeadm certs renew all on it, restart its control"
                " plane pods, then run again."
            )
        return (
            f"The certificate of the kubelet of {node} has expired ({lines}). Remove the node with the remove playbook,"
            " then run again."
        )
    if found.endpoint == "expired":
        return (
            f"The certificate of the API server at {where} has expired. Run kubeadm certs renew all on the control"
            " planes, then run again."
        )
    return refuse_version(wanted, found)


def numbers(version: str) -> tuple[int, ...]:
    """v1.36.4-rc.1 -> (1, 36, 4)."""
    plain = version.lstrip("v").split("-")[0].split("+")[0]
    return tuple(int(part) for part in plain.split(".") if part.isdigit())


def refuse_version(wanted: Wanted, found: Found) -> str:
    """Versions that kubeadm init and join cannot bring together (kubernetes.io/releases/version-skew-policy)."""
    if not wanted.version or not found.cluster_version:
        return ""
    here, there = numbers(wanted.version), numbers(found.cluster_version)
    running = f"the cluster at {wanted.endpoint} runs {found.cluster_version}"
    if wanted.role == "control_plane" and found.initialised and here != there:
        return (
            f"version is {wanted.version}, but {running}. An upgrade is a step of its own: set cluster_version to"
            f" {found.cluster_version.lstrip('v')}, or run the upgrade playbook."
        )
    if here[:2] > there[:2]:
        return (
            f"version is {wanted.version}, but {running}, and a kubelet must not be newer than the API server. Set"
            f" cluster_version to {found.cluster_version.lstrip('v')}."
        )
    if not found.initialised and (
        here[0] != there[0] or there[1] - here[1] > (1 if wanted.role == "control_plane" else 3)
    ):
        return (
            f"version is {wanted.version}, too old to join: {running}. Set cluster_version to"
            f" {found.cluster_version.lstrip('v')}."
        )
    return ""


def clean_up(found: Found) -> list[Action]:
    """Half-written files, which kubeadm would stumble over."""
    if not found.half_written:
        return []
    return [
        Action(
            "clean", f"half-written by a kubeadm that was killed: {', '.join(found.half_written)}", found.half_written
        )
    ]


def plan_worker(wanted: Wanted, found: Found) -> Plan:
    """Join, complete, or leave a worker alone."""
    join = Action("join", f"{wanted.node_name} is to be a worker of the cluster at {wanted.endpoint}")
    if found.bare:
        return Plan((join,))
    if not found.complete_files:
        needed = {"kubelet.conf", "kubelet/config.yaml", "kubelet/pki/kubelet-client-current.pem"}
        lacking = ", ".join(sorted(needed - found.files)) or "pki/ca.crt"
        return Plan((Action("reset", f"a join was interrupted before {lacking}"), join))
    if found.access is False and found.endpoint == "up":
        return Plan(
            refusal=(
                f"The cluster at {wanted.endpoint} does not accept the certificate of {wanted.node_name}'s kubelet."
                " Remove the node with the remove playbook, then run again."
            )
        )
    return Plan(tuple(finish(wanted, found)), notes=tuple(unreachable(wanted, found)))


def unreachable(wanted: Wanted, found: Found) -> list[str]:
    """Say it when the cluster could not be asked."""
    return [f"the cluster at {wanted.endpoint} does not answer"] if found.endpoint == "down" else []


def finish(wanted: Wanted, found: Found) -> list[Action]:
    """What a node that has joined may still lack."""
    actions = []
    if found.registered is False:
        actions.append(
            Action("register", f"the cluster has no Node {wanted.node_name}: its kubelet registers it when it starts")
        )
    if "bootstrap-kubelet.conf" in found.files:
        actions.append(
            Action(
                "clean",
                "bootstrap-kubelet.conf is no longer needed: the kubelet has its own certificate",
                ("bootstrap-kubelet.conf",),
            )
        )
    return actions


def plan_control_plane(wanted: Wanted, found: Found) -> Plan:
    """Init, join, complete, reconfigure, wait for, or leave a control plane alone."""
    if found.bare:
        return Plan((begin(wanted, found),))
    if found.api == "up" and found.complete_files:
        return Plan(tuple(complete(wanted, found) + finish(wanted, found) + settings(wanted, found)))
    if found.complete_files:
        return Plan((*restore(wanted, found), wait_for_api(wanted, found)), notes=tuple(unreachable(wanted, found)))
    if found.began_by_init or not found.manifests:
        return plan_half_init(wanted, found)
    return plan_half_join(wanted, found)


def restore(wanted: Wanted, found: Found) -> list[Action]:
    """Manifests that are missing or differ while the API server is down, perhaps because of them: written all at
    once.
    """
    names = tuple(
        name for name in COMPONENTS if (wanted.manifests or {}).get(name) not in (None, found.manifests.get(name))
    )
    return (
        [
            Action(
                "restore",
                f"the API server is not ready and the manifests of {', '.join(names)} are not what kubeadm writes",
                names,
            )
        ]
        if names
        else []
    )


def wait_for_api(wanted: Wanted, found: Found) -> Action:
    """A control plane that is stopped or starting is waited for, never undone."""
    if found.kubelet:
        return Action("wait", f"the API server of {wanted.node_name} is not ready yet", changes=False)
    return Action(
        "wait",
        f"{wanted.node_name} is a control plane whose API server is not ready: start the kubelet and wait for it",
    )


def begin(wanted: Wanted, found: Found) -> Action:
    """The first step of a control plane that has nothing yet."""
    if wanted.primary and found.endpoint != "up":
        return Action(
            "init",
            f"no /etc/kubernetes/admin.conf and no etcd data, no cluster answers at {wanted.endpoint}, and"
            f" {wanted.node_name} is the primary",
        )
    return Action("join", f"{wanted.node_name} is to be a control plane of the cluster at {wanted.endpoint}")


def plan_half_init(wanted: Wanted, found: Found) -> Plan:
    """Some files of an init or of a join's beginning, and no working API server here."""
    lacking = ", ".join(sorted(missing_files(found)))
    if found.began_by_init and (found.other_control_planes or (found.endpoint == "up" and found.api != "up")):
        return Plan(
            refusal=(
                f"{wanted.node_name} is a control plane of the running cluster at {wanted.endpoint}, but lacks"
                f" {lacking}. Put the files back, or remove the node with the remove playbook and run again."
            )
        )
    if found.endpoint == "up" and not found.began_by_init:
        return plan_half_join(wanted, found)
    if wanted.primary:
        return Plan(
            (
                *clean_up(found),
                Action("init", f"an init was interrupted before {lacking}: init goes on over what is there"),
            )
        )
    return plan_half_join(wanted, found)


def missing_files(found: Found) -> set[str]:
    """What a control plane should have and this one has not."""
    needed = (
        {f"manifests/{name}.yaml" for name in COMPONENTS}
        | set(KUBECONFIGS)
        | {"kubelet/config.yaml", "kubelet/pki/kubelet-client-current.pem", "pki/ca.crt"}
    )
    return needed - found.files


def plan_half_join(wanted: Wanted, found: Found) -> Plan:
    """An interrupted join of a control plane: undone only when nothing can be lost."""
    join = Action("join", f"{wanted.node_name} is to be a control plane of the cluster at {wanted.endpoint}")
    alone = found.endpoint != "up" or (found.api == "up" and not found.other_control_planes)
    if alone and found.etcd_data:
        return Plan(
            refusal=(
                f"{wanted.node_name} was joining as a control plane when it was interrupted, its etcd has data, and no"
                f" other control plane answers at {wanted.endpoint}. Bring the cluster at {wanted.endpoint} up and run"
                " again."
            )
        )
    lacking = ", ".join(sorted(missing_files(found)))
    return Plan(
        (
            Action(
                "reset", f"a join was interrupted before {lacking}; the cluster at {wanted.endpoint} holds the data"
            ),
            join,
        )
    )


def complete(wanted: Wanted, found: Found) -> list[Action]:
    """Phases of an init that was killed after its API server had come up."""
    actions = []
    if (wanted.primary or found.began_by_init) and (found.access is False or found.cluster_parts is not None):
        parts = found.cluster_parts or frozenset()
        phases = [phase for phase, needed in PHASES if not needed <= parts]
        if phases:
            lacking = ", ".join(sorted({part for _, needed in PHASES for part in needed} - parts))
            actions.append(Action("complete", f"an init was interrupted: the cluster lacks {lacking}", tuple(phases)))
    if found.marked is False and found.registered is not False:
        actions.append(Action("mark", f"the Node {wanted.node_name} lacks the label or the taints of a control plane"))
    return actions


PHASES: tuple[tuple[str, frozenset[str]], ...] = (
    ("upload-config all", frozenset({"kubeadm-config", "kubelet-config"})),
    ("bootstrap-token --skip-token-print", frozenset({"cluster-info"})),
    ("addon kube-proxy", frozenset({"kube-proxy"})),
    ("addon coredns", frozenset({"coredns"})),
)


def settings(wanted: Wanted, found: Found) -> list[Action]:
    """Differences between what kubeadm would write now and what is there."""
    actions = []
    missing = [
        name
        for name in wanted.certificate_names
        if found.certificate_names is not None and name not in found.certificate_names
    ]
    if missing:
        actions.append(
            Action(
                "certificate", f"the certificate of the API server does not name {', '.join(missing)}", tuple(missing)
            )
        )
    wrong = [name for name in COMPONENTS if (wanted.manifests or {}).get(name) not in (None, found.manifests.get(name))]
    # etcd first and alone; the other three stop and start at the same time, for each takes up to half a minute to stop.
    for names in ([name for name in wrong if name == "etcd"], [name for name in wrong if name != "etcd"]):
        if names:
            why = f"what kubeadm writes for these settings differs from the manifest of {' and '.join(names)}"
            actions.append(Action("configure", why, tuple(names)))
    if wanted.primary:
        if (
            None not in (wanted.cluster_configuration, found.cluster_configuration)
            and wanted.cluster_configuration != found.cluster_configuration
        ):
            actions.append(Action("upload", "the ClusterConfiguration in ConfigMap kube-system/kubeadm-config differs"))
        if None not in (wanted.kube_proxy, found.kube_proxy) and wanted.kube_proxy != found.kube_proxy:
            actions.append(
                Action(
                    "kube_proxy",
                    "the configuration in ConfigMap kube-system/kube-proxy differs; its pods are restarted",
                )
            )
    return actions


def plan_absent(wanted: Wanted, found: Found) -> Plan:
    """Take kubeadm's work away."""
    actions = []
    if found.files or found.etcd_data:
        kind = "a control plane" if found.control_plane else "a worker"
        actions.append(Action("reset", f"{wanted.node_name} has the files of {kind}"))
    if found.files or found.etcd_data or found.leftovers:
        actions.append(
            Action(
                "wipe", f"kubeadm reset leaves behind: {', '.join(found.leftovers) or 'nothing yet'}", found.leftovers
            )
        )
    return Plan(tuple(actions))
