# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a cluster has of the Gateway API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._kube import KubeError
from .._kubeconfig import NoAccess, access
from .._objects import Objects
from .crds import POLICY, Crd, crds_of

BINDING = {
    "apiVersion": "admissionregistration.k8s.io/v1",
    "kind": "ValidatingAdmissionPolicyBinding",
    "metadata": {"name": POLICY},
}


def installed(options: Mapping[str, Any]) -> tuple[list[Crd], bool]:
    """Its CRDs, and whether upstream's policy guards them; nothing when nobody answers."""
    try:
        objects = Objects(access(dict(options)).client())
        where = objects.must("apiextensions.k8s.io/v1", "CustomResourceDefinition")
        found = list(objects.list(where, metadata_only=True))
        return crds_of(found), objects.get(BINDING) is not None
    except NoAccess:
        return [], False
    except KubeError as error:
        if error.status == 0:
            return [], False
        raise
