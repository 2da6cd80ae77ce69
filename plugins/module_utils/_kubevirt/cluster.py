# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a cluster says of its nodes and virtual machines, and the leave to remove KubeVirt."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._kube import KubeError
from .._kubeconfig import NoAccess, access
from .._objects import Object, Objects
from .plan import Node, emulation, machines_of, nodes_of

AGENT: Object = {
    "apiVersion": "apps/v1",
    "kind": "DaemonSet",
    "metadata": {"name": "virt-handler", "namespace": "kubevirt"},
}
MACHINES = (("kubevirt.io/v1", "VirtualMachine"), ("cdi.kubevirt.io/v1beta1", "DataVolume"))
OPERATORS: tuple[Object, ...] = (
    {"apiVersion": "kubevirt.io/v1", "kind": "KubeVirt", "metadata": {"name": "kubevirt", "namespace": "kubevirt"}},
    {"apiVersion": "cdi.kubevirt.io/v1beta1", "kind": "CDI", "metadata": {"name": "cdi"}},
)
LEAVE = "RemoveWorkloads"
MANAGER = "kubestd-removal"


def connected(options: Mapping[str, Any]) -> Objects | None:
    """The objects of the cluster; None when nobody answers, which who installs will say better."""
    try:
        objects = Objects(access(dict(options)).client())
        objects.must("v1", "Node")
    except NoAccess:
        return None
    except KubeError as error:
        if error.status == 0:
            return None
        raise
    return objects


def look(objects: Objects) -> tuple[list[Node], str, list[str]]:
    """The nodes, whether emulation is needed, and the machines that are there."""
    nodes = nodes_of(list(objects.list(objects.must("v1", "Node"))))
    agents = int(((objects.get(AGENT) or {}).get("status") or {}).get("numberReady") or 0)
    found: list[Object] = []
    for kind in MACHINES:
        where = objects.resource(*kind)
        found += objects.list(where, metadata_only=True) if where else []
    return nodes, emulation(nodes, agents), machines_of(found)


def allow_removal(objects: Objects, check_mode: bool) -> list[str]:
    """Tell both operators that they may go with all machines; what was done."""
    done = []
    for item in OPERATORS:
        live = objects.get(item)
        if live is None or (live.get("spec") or {}).get("uninstallStrategy") == LEAVE:
            continue
        if not check_mode:
            objects.apply({**item, "spec": {"uninstallStrategy": LEAVE}}, force=True, manager=MANAGER)
        done.append(f"let {item['kind']} {item['metadata']['name']} go with all machines")
    return done
