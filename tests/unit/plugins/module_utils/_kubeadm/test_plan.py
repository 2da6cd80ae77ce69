# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: E501 - a table has one row a line
"""States of a node, as kubeadm leaves them when it is killed, and what the plan makes of them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.kubestd.platform.plugins.module_utils._kubeadm.plan import (
    COMPONENTS,
    Found,
    Plan,
    Wanted,
    make_plan,
)
from hypothesis import given
from hypothesis import strategies as st

PKI = frozenset(
    {
        "pki/ca.crt",
        "pki/ca.key",
        "pki/apiserver.crt",
        "pki/apiserver.key",
        "pki/apiserver-kubelet-client.crt",
        "pki/apiserver-kubelet-client.key",
    }
)
SHARED = frozenset({"pki/ca.crt", "pki/ca.key", "pki/sa.key", "pki/sa.pub"})
CONFS = frozenset({"admin.conf", "controller-manager.conf", "scheduler.conf"})
INIT_CONFS = CONFS | {"super-admin.conf", "kubelet.conf"}
MANIFESTS = frozenset(f"manifests/{name}.yaml" for name in COMPONENTS)
JOIN_MANIFESTS = MANIFESTS - {"manifests/etcd.yaml"}
KUBELET = frozenset({"kubelet/config.yaml"})
CLIENT = frozenset({"kubelet/pki/kubelet-client-current.pem"})
PARTS = frozenset({"kubeadm-config", "kubelet-config", "cluster-info", "kube-proxy", "coredns"})
TEXTS = {name: f"{name}: v1\n" for name in COMPONENTS}

FIRST = Wanted(role="control_plane", primary=True, node_name="cp1", version="1.36.4", endpoint="vip:6443")
OTHER = replace(FIRST, primary=False, node_name="cp2")
WORKER = replace(FIRST, role="worker", primary=False, node_name="w1")
ABSENT = replace(FIRST, state="absent")


def node(*groups: frozenset[str] | set[str], **more: object) -> Found:
    files = frozenset().union(*groups)
    manifests = {name: TEXTS[name] for name in COMPONENTS if f"manifests/{name}.yaml" in files}
    return Found(files=files, manifests=manifests, **more)  # type: ignore[arg-type]


HEALTHY = node(
    PKI, INIT_CONFS, MANIFESTS, KUBELET, CLIENT, etcd_data=True, api="up", endpoint="up", same_cluster=True, access=True, registered=True,
    ready=True, marked=True, cluster_version="v1.36.4", cluster_parts=PARTS, cluster_configuration="c", kube_proxy="p",
)  # fmt: skip
JOINED = replace(
    HEALTHY, files=HEALTHY.files - {"super-admin.conf"}, cluster_parts=None, cluster_configuration=None, kube_proxy=None
)
JOINED_WORKER = node(
    {"pki/ca.crt", "kubelet.conf"},
    KUBELET,
    CLIENT,
    endpoint="up",
    same_cluster=True,
    access=True,
    registered=True,
    ready=True,
    cluster_version="v1.36.4",
)
STOPPED = replace(
    HEALTHY,
    api="down",
    endpoint="down",
    access=None,
    registered=None,
    marked=None,
    cluster_parts=None,
    cluster_version=None,
    kubelet=False,
)

UP = {"endpoint": "up", "same_cluster": True}
TABLE: list[tuple[str, Wanted, Found, list[str]]] = [
    # nothing there
    ("bare primary, no cluster answers", FIRST, Found(endpoint="down"), ["init"]),
    ("bare primary without kubeadm yet", FIRST, Found(endpoint="down", kubeadm=False), ["init"]),
    ("bare primary, a cluster answers", FIRST, Found(endpoint="up", cluster_version="v1.36.4"), ["join"]),
    ("bare other control plane", OTHER, Found(), ["join"]),
    ("bare worker", WORKER, Found(), ["join"]),
    # init killed
    ("init killed in preflight", FIRST, Found(endpoint="down"), ["init"]),
    ("init killed after the CA", FIRST, node({"pki/ca.crt", "pki/ca.key"}, endpoint="down"), ["init"]),
    ("init killed while writing a key", FIRST, node({"pki/ca.crt", "pki/ca.key", "pki/apiserver.key"}, endpoint="down", half_written=("pki/apiserver.key",)), ["clean", "init"]),
    ("init killed after the certificates", FIRST, node(PKI, endpoint="down"), ["init"]),
    ("init killed among the kubeconfigs", FIRST, node(PKI, {"admin.conf"}, endpoint="down"), ["init"]),
    ("init killed after the kubeconfigs", FIRST, node(PKI, INIT_CONFS, endpoint="down"), ["init"]),
    ("init killed after etcd.yaml", FIRST, node(PKI, INIT_CONFS, {"manifests/etcd.yaml"}, endpoint="down"), ["init"]),
    ("init killed before the kubelet had its configuration", FIRST, node(PKI, INIT_CONFS, MANIFESTS, endpoint="down", api="down"), ["init"]),
    ("init killed while the API came up", FIRST, node(PKI, INIT_CONFS, MANIFESTS, KUBELET, CLIENT, endpoint="down", api="down", kubelet=True), ["wait"]),
    ("init killed before the kubelet was started", FIRST, node(PKI, INIT_CONFS, MANIFESTS, KUBELET, endpoint="down", api="down", kubelet=False), ["init"]),
    ("init killed before the administrators had rights", FIRST, replace(HEALTHY, access=False, cluster_parts=None, registered=None, marked=None), ["complete"]),
    ("init killed before upload-config", FIRST, replace(HEALTHY, cluster_parts=frozenset(), marked=False), ["complete", "mark"]),
    ("init killed before the labels", FIRST, replace(HEALTHY, cluster_parts=frozenset({"kubeadm-config", "kubelet-config"}), marked=False), ["complete", "mark"]),
    ("init killed before the bootstrap tokens", FIRST, replace(HEALTHY, cluster_parts=frozenset({"kubeadm-config", "kubelet-config"})), ["complete"]),
    ("init killed before the add-ons", FIRST, replace(HEALTHY, cluster_parts=PARTS - {"kube-proxy", "coredns"}), ["complete"]),
    ("init killed before CoreDNS", FIRST, replace(HEALTHY, cluster_parts=PARTS - {"coredns"}), ["complete"]),
    # control planes that are well, or only stopped
    ("healthy control plane", FIRST, HEALTHY, []),
    ("healthy control plane that joined", OTHER, JOINED, []),
    ("control plane stopped, cluster down", FIRST, STOPPED, ["wait"]),
    ("control plane stopped, the others answer", FIRST, replace(STOPPED, endpoint="up", same_cluster=True, other_control_planes=("cp2",)), ["wait"]),
    ("joined control plane stopped", OTHER, replace(STOPPED, files=JOINED.files), ["wait"]),
    ("manifest of a joined control plane moved away, API up", OTHER, replace(JOINED, files=JOINED.files - {"manifests/kube-scheduler.yaml"}), []),
    # joins of control planes killed
    ("control plane join killed after downloading certificates", OTHER, node(SHARED, **UP), ["reset", "join"]),
    ("the same on the primary", FIRST, node(SHARED, **UP), ["reset", "join"]),
    ("control plane join killed after its kubeconfigs", OTHER, node(PKI, CONFS, **UP), ["reset", "join"]),
    ("control plane join killed after three manifests", OTHER, node(PKI, CONFS, JOIN_MANIFESTS, **UP, api="down"), ["reset", "join"]),
    ("control plane join killed before etcd was told", OTHER, node(PKI, CONFS, JOIN_MANIFESTS, KUBELET, {"bootstrap-kubelet.conf"}, **UP, api="down"), ["reset", "join"]),
    ("control plane join killed with an etcd learner left", OTHER,
     node(PKI, CONFS, MANIFESTS, KUBELET, {"bootstrap-kubelet.conf", "kubelet.conf"}, **UP, api="down", etcd_data=True, other_control_planes=("cp1",)), ["reset", "join"]),
    ("control plane join killed while nothing answers and no data", OTHER, node(PKI, CONFS, JOIN_MANIFESTS, endpoint="down", api="down"), ["reset", "join"]),
    ("control plane join killed before the labels", OTHER, replace(JOINED, marked=False), ["mark"]),
    ("control plane join killed before its bootstrap file was removed", OTHER, replace(JOINED, files=JOINED.files | {"bootstrap-kubelet.conf"}), ["clean"]),
    # workers
    ("worker joined", WORKER, JOINED_WORKER, []),
    ("worker joined, cluster does not answer", WORKER, replace(JOINED_WORKER, endpoint="down", access=None, registered=None, same_cluster=None), []),
    ("worker join killed after the CA", WORKER, node({"pki/ca.crt"}, **UP), ["reset", "join"]),
    ("worker join killed before TLS bootstrap", WORKER, node({"pki/ca.crt", "bootstrap-kubelet.conf", "kubelet.conf"}, KUBELET, **UP), ["reset", "join"]),
    ("worker join killed before the Node was registered", WORKER, replace(JOINED_WORKER, registered=False, ready=None), ["register"]),
    ("worker whose kubelet directory was lost", WORKER, node({"pki/ca.crt", "kubelet.conf"}, **UP), ["reset", "join"]),
    ("worker's Node deleted", WORKER, replace(JOINED_WORKER, registered=False), ["register"]),
    ("control plane's Node deleted", FIRST, replace(HEALTHY, registered=False, marked=None), ["register"]),
    # settings
    ("an API server setting changed", replace(FIRST, manifests={**TEXTS, "kube-apiserver": "new"}), HEALTHY, ["configure"]),
    ("settings of etcd and the scheduler changed", replace(FIRST, manifests={**TEXTS, "etcd": "new", "kube-scheduler": "new"}), HEALTHY, ["configure", "configure"]),
    ("a manifest is missing", replace(OTHER, manifests=TEXTS), replace(JOINED, manifests={k: v for k, v in TEXTS.items() if k != "kube-scheduler"}), ["configure"]),
    ("a setting was corrected while the API is down", replace(FIRST, manifests={**TEXTS, "kube-apiserver": "new"}), STOPPED, ["restore", "wait"]),
    ("stored configuration differs", replace(FIRST, cluster_configuration="new", kube_proxy="p"), HEALTHY, ["upload"]),
    ("kube-proxy differs", replace(FIRST, cluster_configuration="c", kube_proxy="new"), HEALTHY, ["kube_proxy"]),
    ("stored configuration is the primary's business", replace(OTHER, cluster_configuration="new", kube_proxy="new"), HEALTHY, []),
    ("a name is missing in the certificate", replace(FIRST, certificate_names=("a", "b")), replace(HEALTHY, certificate_names=("a",)), ["certificate"]),
    # absent
    ("absent and bare", ABSENT, Found(), []),
    ("absent, control plane there", ABSENT, replace(HEALTHY, leftovers=("/etc/kubernetes",)), ["reset", "wipe"]),
    ("absent, worker there", replace(WORKER, state="absent"), JOINED_WORKER, ["reset", "wipe"]),
    ("absent, only leftovers", ABSENT, Found(leftovers=("interface cni0",)), ["wipe"]),
]  # fmt: skip


@pytest.mark.parametrize(("wanted", "found", "names"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_every_state_has_its_plan(wanted: Wanted, found: Found, names: list[str]) -> None:
    plan = make_plan(wanted, found)
    assert plan.refusal == ""
    assert [action.name for action in plan.actions] == names
    assert plan.needs_credentials == ("join" in names)
    assert all(len(action.why) > 15 for action in plan.actions)


REFUSED: list[tuple[str, Wanted, Found, str]] = [
    ("files of another cluster", WORKER, replace(JOINED_WORKER, same_cluster=False), "belongs to another cluster"),
    ("control plane of another cluster", FIRST, replace(STOPPED, endpoint="up", same_cluster=False), "belongs to another cluster"),
    ("worker wanted as control plane", replace(OTHER, node_name="w1"), JOINED_WORKER, "w1 is a worker and role asks for a control plane"),
    ("control plane wanted as worker", replace(WORKER, node_name="cp2"), JOINED, "cp2 is a control plane and role asks for a worker"),
    ("etcd data without kubeadm's files", FIRST, Found(etcd_data=True, endpoint="down"), "/var/lib/etcd of cp1 holds data"),
    ("certificates of a control plane expired", FIRST, replace(HEALTHY, expired=("pki/apiserver.crt",)), "kubeadm certs renew all"),
    ("certificate of a worker expired", WORKER, replace(JOINED_WORKER, expired=("kubelet/pki/kubelet-client-current.pem",)), "kubelet of w1 has expired"),
    ("certificate at the endpoint expired", WORKER, replace(JOINED_WORKER, endpoint="expired"), "API server at vip:6443 has expired"),
    ("worker not accepted", WORKER, replace(JOINED_WORKER, access=False, registered=None), "does not accept the certificate of w1"),
    ("upgrade asked of a control plane", replace(FIRST, version="1.37.2"), HEALTHY, "An upgrade is a step of its own"),
    ("kubelet newer than the cluster", replace(WORKER, version="1.37.2"), Found(**UP, cluster_version="v1.36.4", files=frozenset({"pki/ca.crt"})), "must not be newer"),
    ("kubelet too old to join", replace(WORKER, version="1.32.0"), Found(**UP, cluster_version="v1.36.4", files=frozenset({"pki/ca.crt"})), "too old to join"),
    ("half-joined with data and nobody else", OTHER, node(PKI, CONFS, MANIFESTS, KUBELET, endpoint="down", api="down", etcd_data=True), "Bring the cluster at vip:6443 up"),
    ("first control plane lost files, others run", FIRST, node(PKI, INIT_CONFS, JOIN_MANIFESTS, KUBELET, CLIENT, **UP, api="down", other_control_planes=("cp2",)), "lacks manifests/etcd.yaml"),
    ("the same, others not known by name", FIRST, node(PKI, INIT_CONFS, JOIN_MANIFESTS, KUBELET, CLIENT, **UP, api="down"), "lacks manifests/etcd.yaml"),
]  # fmt: skip


@pytest.mark.parametrize(("wanted", "found", "sentence"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_a_refusal_is_a_sentence_and_no_action(wanted: Wanted, found: Found, sentence: str) -> None:
    plan = make_plan(wanted, found)
    assert plan.actions == ()
    assert sentence in plan.refusal
    assert plan.refusal.endswith(".")


def apply(wanted: Wanted, found: Found, plan: Plan) -> Found:
    """What a node looks like after the actions have done what they promise."""
    for action in plan.actions:
        if action.name == "init":
            found = replace(
                HEALTHY, manifests=dict(wanted.manifests or TEXTS), certificate_names=wanted.certificate_names
            )
        elif action.name == "join":
            done = JOINED if wanted.role == "control_plane" else JOINED_WORKER
            found = replace(done, manifests=dict(wanted.manifests or TEXTS) if wanted.role == "control_plane" else {})
        elif action.name in ("reset", "wipe"):
            found = Found(endpoint=found.endpoint)
        elif action.name == "wait":
            found = replace(HEALTHY, manifests=found.manifests, files=found.files, cluster_parts=found.cluster_parts)
        elif action.name == "complete":
            found = replace(found, cluster_parts=PARTS, access=True, registered=True, marked=bool(found.marked))
        elif action.name == "mark":
            found = replace(found, marked=True)
        elif action.name == "register":
            found = replace(found, registered=True, marked=bool(found.marked) or "super-admin.conf" not in found.files)
        elif action.name in ("configure", "restore"):
            texts = {name: (wanted.manifests or {})[name] for name in action.about}
            found = replace(
                found,
                manifests={**found.manifests, **texts},
                files=found.files | {f"manifests/{name}.yaml" for name in texts},
            )
        elif action.name == "upload":
            found = replace(found, cluster_configuration=wanted.cluster_configuration)
        elif action.name == "kube_proxy":
            found = replace(found, kube_proxy=wanted.kube_proxy)
        elif action.name == "certificate":
            found = replace(found, certificate_names=(found.certificate_names or ()) + action.about)
        elif action.name == "clean":
            found = replace(found, files=found.files - set(action.about), half_written=())
    return found


GROUPS = [
    SHARED,
    PKI,
    CONFS,
    INIT_CONFS,
    MANIFESTS,
    JOIN_MANIFESTS,
    KUBELET,
    CLIENT,
    frozenset({"kubelet.conf"}),
    frozenset({"bootstrap-kubelet.conf"}),
    frozenset({"pki/ca.crt"}),
]


@st.composite
def states(draw: st.DrawFn) -> Found:
    files = frozenset().union(*draw(st.lists(st.sampled_from(GROUPS), max_size=6)))
    there = {name for name in COMPONENTS if f"manifests/{name}.yaml" in files}
    asked = draw(st.booleans())
    return Found(
        files=files,
        manifests={name: draw(st.sampled_from([TEXTS[name], "old"])) for name in sorted(there)},
        etcd_data=draw(st.booleans()),
        api=draw(st.sampled_from(["up", "down"])) if "kube-apiserver" in there else "none",
        endpoint=draw(st.sampled_from(["up", "down"])),
        same_cluster=draw(st.sampled_from([True, None])),
        access=True if asked else draw(st.sampled_from([None, False])),
        registered=draw(st.booleans()) if asked else None,
        marked=draw(st.booleans()) if asked else None,
        other_control_planes=draw(st.sampled_from([None, (), ("cp9",)])),
        cluster_parts=draw(st.frozensets(st.sampled_from(sorted(PARTS)))) if asked else None,
        kubelet=draw(st.sampled_from([True, False, None])),
    )


@given(
    found=states(),
    wanted=st.sampled_from(
        [
            FIRST,
            OTHER,
            WORKER,
            ABSENT,
            replace(WORKER, state="absent"),
            replace(FIRST, manifests=TEXTS),
            replace(OTHER, manifests=TEXTS),
        ]
    ),
)
def test_carrying_out_plans_comes_to_an_end(found: Found, wanted: Wanted) -> None:
    for _ in range(5):
        plan = make_plan(wanted, found)
        if plan.refusal or not plan.actions:
            break
        found = apply(wanted, found, plan)
    assert make_plan(wanted, found).actions == ()


@given(found=states(), wanted=st.sampled_from([FIRST, OTHER, WORKER]))
def test_a_reset_never_takes_the_only_copy_of_the_data(found: Found, wanted: Wanted) -> None:
    if any(action.name == "reset" for action in make_plan(wanted, found).actions) and found.control_plane:
        assert not found.etcd_data or found.endpoint == "up"
        assert not found.complete_files


@given(
    base=st.sampled_from([HEALTHY, JOINED, STOPPED]),
    wanted=st.sampled_from([FIRST, OTHER, replace(FIRST, manifests=dict.fromkeys(COMPONENTS, "new"))]),
    api=st.sampled_from(["up", "down"]),
    endpoint=st.sampled_from(["up", "down"]),
    registered=st.sampled_from([True, False, None]),
    kubelet=st.booleans(),
    data=st.booleans(),
)
def test_a_control_plane_that_was_complete_is_never_reset(
    base: Found, wanted: Wanted, api: str, endpoint: str, registered: bool | None, kubelet: bool, data: bool
) -> None:
    found = replace(base, api=api, endpoint=endpoint, registered=registered, kubelet=kubelet, etcd_data=data)
    names = {action.name for action in make_plan(wanted, found).actions}
    assert not names & {"reset", "wipe", "init", "join", "clean"}


def test_waiting_for_a_running_kubelet_changes_nothing() -> None:
    (action,) = make_plan(FIRST, replace(STOPPED, kubelet=True)).actions
    assert (action.name, action.changes) == ("wait", False)


def test_a_node_counts_as_initialised_while_it_is_stopped() -> None:
    assert STOPPED.initialised and HEALTHY.initialised and JOINED_WORKER.initialised
    assert not Found().initialised
    assert not node(PKI, INIT_CONFS, MANIFESTS).initialised
