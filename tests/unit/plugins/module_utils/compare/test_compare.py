# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A namespace and its copy: what differs is named, and no value is said."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from ansible_collections.kubestd.platform.plugins.module_utils._compare.plan import differences
from hypothesis import given, settings
from hypothesis import strategies as st


def made(kind: str, name: str, api_version: str = "v1", **parts: Any) -> dict[str, Any]:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name}, **parts}


SETTINGS = made("ConfigMap", "settings", data={"size": "1", "colour": "red"})
SECRET = made("Secret", "login", type="Opaque", data={"password": "bWFya2Vy"})
CLAIM = made("PersistentVolumeClaim", "data", spec={"resources": {"requests": {"storage": "1Gi"}}, "volumeName": "a"},
             status={"phase": "Bound"})  # fmt: skip
WEB = made(
    "Deployment", "web", "apps/v1", spec={"replicas": 2, "template": {"spec": {"containers": [{"image": "a:1"}]}}}
)
SERVICE = made("Service", "web", spec={"clusterIP": "10.0.0.1", "ports": [{"port": 80, "nodePort": 30001}]})
ALL = [SETTINGS, SECRET, CLAIM, WEB, SERVICE]


def changed(found: dict[str, Any], value: Any, *path: Any) -> dict[str, Any]:
    found = copy.deepcopy(found)
    inner: Any = found
    for part in path[:-1]:
        inner = inner[part]
    inner[path[-1]] = value
    return found


@pytest.mark.parametrize(
    ("restored", "said"),
    [
        (ALL, []),
        (ALL[1:], ["ConfigMap settings is not there in the copy"]),
        ([*ALL, made("ConfigMap", "more")], ["ConfigMap more is not there in the source"]),
        ([changed(SETTINGS, "2", "data", "size"), *ALL[1:]], ["ConfigMap settings differs in data.size"]),
        ([SETTINGS, changed(SECRET, "b3RoZXI=", "data", "password"), *ALL[2:]], ["Secret login differs in data.password"]),
        (
            [*ALL[:3], changed(WEB, "a:2", "spec", "template", "spec", "containers", 0, "image"), SERVICE],
            ["Deployment web differs in spec.template.spec.containers.0.image"],
        ),
        ([*ALL[:2], changed(CLAIM, "Pending", "status", "phase"), *ALL[3:]], ["PersistentVolumeClaim data has no volume in the copy"]),
        # what each copy gets from its cluster
        ([*ALL[:2], changed(CLAIM, "b", "spec", "volumeName"), *ALL[3:]], []),
        ([*ALL[:4], changed(changed(SERVICE, "10.0.0.2", "spec", "clusterIP"), 30002, "spec", "ports", 0, "nodePort")], []),
        ([*ALL, made("ConfigMap", "kube-root-ca.crt"), made("ServiceAccount", "default")], []),
        ([*ALL, made("Secret", "token", type="kubernetes.io/service-account-token")], []),
    ],
)  # fmt: skip
def test_what_differs_is_named(restored: list[dict[str, Any]], said: list[str]) -> None:
    assert differences(ALL, restored) == said


VALUE = st.recursive(st.none() | st.integers() | st.text("ab", max_size=2), lambda inner: st.lists(inner, max_size=2)
                     | st.dictionaries(st.sampled_from("xyz"), inner, max_size=2), max_leaves=6)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(VALUE, VALUE)
def test_two_objects_differ_exactly_when_their_contents_do(left: Any, right: Any) -> None:
    said = differences([made("ConfigMap", "a", data=left)], [made("ConfigMap", "a", data=right)])
    # a key that is null is a key that is not there
    assert bool(said) == (clean(left) != clean(right))


def clean(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: clean(item) for key, item in value.items() if item is not None}
    return [clean(item) for item in value] if isinstance(value, list) else value
