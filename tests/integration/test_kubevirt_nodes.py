# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module kubevirt_nodes on a real API server with the real CRDs: what nodes can do, and when KubeVirt may go."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from .conftest import ROOT
from .control_plane import ControlPlane
from .standins import module_answer

CONTRACTS = Path(os.environ.get("KUBESTD_CONTRACTS") or ROOT.parent / "shared/contracts")
CRDS = {
    "kubevirts.kubevirt.io",
    "virtualmachines.kubevirt.io",
    "cdis.cdi.kubevirt.io",
    "datavolumes.cdi.kubevirt.io",
}
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """An API server with two nodes on paper."""
    made = ControlPlane(tmp_path_factory.mktemp("kubevirt-nodes"))
    try:
        made.start()
        for name in ("a", "b"):
            lay(made, {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}})
        assert "give it to those that shall run it" in ask(made)["msg"]
        made.kubectl("label", "node", "a", "node-role.kubernetes.io/control-plane=")
        yield made
    finally:
        made.stop()


def lay(own: ControlPlane, *items: Any) -> None:
    text = "\n---\n".join(json.dumps(item) for item in items)
    own.kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=text)


def allocatable(own: ControlPlane, node: str, kvm: str) -> None:
    patch = json.dumps({"status": {"allocatable": {"devices.kubevirt.io/kvm": kvm}}})
    own.kubectl("patch", "node", node, "--subresource=status", "--type=merge", "-p", patch)


def ask(own: ControlPlane, **options: Any) -> dict[str, Any]:
    return module_answer(own, "kubevirt_nodes", **options)


def test_before_kubevirt_runs_nobody_knows(own: ControlPlane) -> None:
    found = ask(own)
    assert found["emulation"] == "unknown" and found["machines"] == [] and not found["changed"]
    assert found["nodes"] == [
        {"name": "a", "kvm": False, "control_plane": True},
        {"name": "b", "kvm": False, "control_plane": False},
    ]
    assert not ask(own, remove=True).get("failed")


def test_problems_of_the_role_are_said_before_anybody_is_asked(own: ControlPlane) -> None:
    found = ask(own, problems=["One.", "Two."], kubeconfig="/nothing/here")
    assert found["failed"] and found["msg"] == "One. Two."


def test_it_is_known_as_soon_as_agents_run(own: ControlPlane) -> None:
    labels = {"kubevirt.io": "virt-handler"}
    container = {"name": "a", "image": "a"}
    spec = {"selector": {"matchLabels": labels}}
    spec["template"] = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    lay(own, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kubevirt"}})
    metadata = {"name": "virt-handler", "namespace": "kubevirt"}
    lay(own, {"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": metadata, "spec": spec})
    ready = json.dumps(
        {
            "status": {
                "numberReady": 2,
                "desiredNumberScheduled": 2,
                "currentNumberScheduled": 2,
                "numberMisscheduled": 0,
            }
        }
    )
    own.kubectl("-n", "kubevirt", "patch", "ds", "virt-handler", "--subresource=status", "--type=merge", "-p", ready)
    assert ask(own)["emulation"] == "yes"
    allocatable(own, "b", "1k")
    found = ask(own)
    assert found["emulation"] == "no" and found["nodes"][1] == {"name": "b", "kvm": True, "control_plane": False}


def test_kubevirt_stays_while_there_are_machines_and_goes_when_they_may(own: ControlPlane) -> None:
    if not CONTRACTS.is_dir():
        pytest.skip(f"there is no contract data in {CONTRACTS}; set KUBESTD_CONTRACTS")
    texts = [(next(CONTRACTS.glob(f"{name}-[0-9]*")) / "crds.yaml").read_text() for name in ("kubevirt", "cdi")]
    crds = [item for text in texts for item in yaml.load_all(text, Loader=LOADER) if item]
    crds = [item for item in crds if item["metadata"]["name"] in CRDS]
    lay(own, *crds)
    own.kubectl("wait", "--for=condition=Established", "--timeout=60s", *(f"crd/{name}" for name in sorted(CRDS)))
    keep = {"uninstallStrategy": "BlockUninstallIfWorkloadsExist"}
    spec = {"runStrategy": "Always", "template": {"spec": {"domain": {"devices": {}}}}}
    probe = {"name": "probe", "namespace": "default", "labels": {"kubestd.platform/part": "probe"}}
    lay(
        own,
        {"apiVersion": "kubevirt.io/v1", "kind": "KubeVirt", "metadata": {"name": "kubevirt", "namespace": "kubevirt"}, "spec": keep},
        {"apiVersion": "cdi.kubevirt.io/v1beta1", "kind": "CDI", "metadata": {"name": "cdi"}, "spec": keep},
        {"apiVersion": "kubevirt.io/v1", "kind": "VirtualMachine", "metadata": probe, "spec": spec},
    )  # fmt: skip
    assert not ask(own, remove=True).get("failed"), "the machine that proves KubeVirt is not missed"
    machine = {"apiVersion": "kubevirt.io/v1", "kind": "VirtualMachine", "spec": spec}
    lay(own, {**machine, "metadata": {"name": "web", "namespace": "default"}})
    refused = ask(own, remove=True)
    assert refused["failed"] and refused["msg"].startswith("VirtualMachine default/web would be lost with KubeVirt")
    assert not ask(own).get("failed"), "only removal is refused"

    wanted = ["let KubeVirt kubevirt go with all machines", "let CDI cdi go with all machines"]
    assert ask(own, check=True, remove=True, remove_data=True)["actions"] == wanted
    said = own.kubectl("-n", "kubevirt", "get", "kubevirt", "kubevirt", "-o", "jsonpath={.spec.uninstallStrategy}")
    assert said == keep["uninstallStrategy"]
    done = ask(own, remove=True, remove_data=True)
    assert done["changed"] and done["actions"] == wanted
    said = own.kubectl("-n", "kubevirt", "get", "kubevirt", "kubevirt", "-o", "jsonpath={.spec.uninstallStrategy}")
    assert said == "RemoveWorkloads"
    assert not ask(own, remove=True, remove_data=True)["changed"]
