# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the policies of image_mirror make of the images of pods, in a real API server."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import yaml

from ..contract.records import value
from .conftest import ROOT
from .control_plane import ControlPlane

NAMESPACE = "mirrored"
BARE = {
    "nginx": "library/nginx",
    "team/app:1": "team/app:1",
    "quay.io/team/app:1": "team/app:1",
    "docker.io/library/nginx": "library/nginx",
    "localhost/x": "x",
    "m:5000/library/nginx": "library/nginx",
}
KEPT = {
    "nginx": "docker.io/library/nginx",
    "team/app:1": "docker.io/team/app:1",
    "quay.io/team/app:1": "quay.io/team/app:1",
    "docker.io/library/nginx": "docker.io/library/nginx",
    "registry.k8s.io/pause:3.10.2": "registry.k8s.io/pause:3.10.2",
    "m:5000/quay.io/x": "quay.io/x",
}


@contextmanager
def policies(control_plane: ControlPlane, mirror: str) -> Iterator[None]:
    names = ("policy", "refusal")
    role = ROOT / "roles/image_mirror"
    objects = [item for name in names for item in value(role, f"__image_mirror_{name}", image_mirror_registry=mirror)]
    text = yaml.safe_dump_all(objects)
    control_plane.kubectl("apply", "-f", "-", stdin=text)
    try:
        yield
    finally:
        control_plane.kubectl("delete", "-f", "-", stdin=text)


def admitted(control_plane: ControlPlane, image: str) -> str:
    """The image of a pod as the API server would keep it."""
    spec = {"automountServiceAccountToken": False, "containers": [{"name": "c", "image": image}]}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": NAMESPACE}, "spec": spec}
    said = control_plane.kubectl("create", "--dry-run=server", "-o", "json", "-f", "-", stdin=json.dumps(pod))
    return str(json.loads(said)["spec"]["containers"][0]["image"])


@pytest.mark.parametrize(("mirror", "images"), [("m:5000", BARE), ("m:5000/{host}", KEPT)], ids=["bare", "host"])
def test_images_come_from_the_mirror(control_plane: ControlPlane, mirror: str, images: dict[str, str]) -> None:
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default", "namespace": NAMESPACE}}
    control_plane.kubectl("apply", "--server-side", "-f", "-", stdin=yaml.safe_dump_all([space, account]))
    with policies(control_plane, mirror):
        until = time.monotonic() + 30
        # one policy may be known before the other, and that of the test before for a while longer
        found = ""
        while found != f"m:5000/{images['nginx']}":
            assert time.monotonic() < until, found
            time.sleep(0.2)
            try:
                found = admitted(control_plane, "nginx")
            except AssertionError as refused:
                found = str(refused)
        assert {image: admitted(control_plane, image) for image in images} == {
            image: f"m:5000/{path}" for image, path in images.items()
        }
