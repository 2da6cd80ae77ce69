# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Applications of Argo CD, and what may differ from what was released."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.kubestd.platform.plugins.module_utils._hand_over import plan
from ansible_collections.kubestd.platform.plugins.module_utils._hand_over.run import hooks, text_of, without_mark
from ansible_collections.kubestd.platform.plugins.module_utils._manifests.plan import labelled

TARGET = plan.Target("https://git.example.com/ops.git", path="clusters/a")
RELEASE: dict[str, Any] = {
    "name": "harbor",
    "chart": {"ref": "oci://registry.example.com/charts/harbor", "version": "1.19.2"},
    "merged": {"a": 1},
}


def found(name: str, kind: str = "ConfigMap", **more: Any) -> dict[str, Any]:
    version = {"Deployment": "apps/v1"}.get(kind, "v1")
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name, "namespace": "a"}, **more}


def application(**more: Any) -> dict[str, Any]:
    target = plan.Target(**{**TARGET.__dict__, **more})
    made = plan.base("harbor", "harbor", "harbor", target, 7)
    return plan.of_release(made, RELEASE, target, "systems/harbor/harbor", "f" * 64, [])


@pytest.mark.parametrize(
    ("one", "other", "differ"),
    [
        ({"a": 1}, {"a": 1}, []),
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": 1, "c": 3}}, ["/a/c"]),
        ({"a/b": 1, "c~d": 1}, {"a/b": 2, "c~d": 2}, ["/a~1b", "/c~0d"]),
        ({"a": [1, {"b": 2}]}, {"a": [1, {"b": 3}]}, ["/a/1/b"]),
        ({"a": [1]}, {"a": [1, 2]}, ["/a"]),
        ({"a": 1}, {"a": True}, ["/a"]),
        ({"a": None}, {}, ["/a"]),
    ],
)
def test_what_differs_is_named_by_its_pointer(one: Any, other: Any, differ: list[str]) -> None:
    assert list(plan.pointers(one, other)) == differ


def test_fields_that_a_chart_makes_up_are_left_as_they_are() -> None:
    before = [found("same"), found("secret", "Secret", data={"password": "eA==", "user": "eQ=="})]
    after = [found("same"), found("secret", "Secret", data={"password": "eg==", "user": "eQ=="})]
    seen = plan.compare(before, after)
    place = {"group": "", "kind": "Secret", "name": "secret", "namespace": "a"}
    assert seen == plan.Comparison(({**place, "jsonPointers": ["/data/password"]},), (), ())
    made = plan.of_release(plan.base("a", "a", "a", TARGET, 0), RELEASE, TARGET, "a", "f" * 64, seen.ignored)
    assert made["spec"]["ignoreDifferences"] == list(seen.ignored)
    # without it Argo CD would still write them when it synchronises
    assert "RespectIgnoreDifferences=true" in made["spec"]["syncPolicy"]["syncOptions"]
    assert "ignoreDifferences" not in application()["spec"]


def test_objects_that_would_be_made_or_forgotten_are_named() -> None:
    many = {str(number): "x" for number in range(plan.MANY + 1)}
    seen = plan.compare([found("old"), found("other", data={})], [found("new"), found("other", data=many)])
    assert seen.left == ("ConfigMap a/old",) and seen.created[0] == "ConfigMap a/new"
    assert plan.compare([found("other", data={"a": "b"})], [found("other", data={"a": "c"})]).created == ()
    apart = {key: key for key in many}
    assert "41 fields differ" in plan.compare([found("o", data=many)], [found("o", data=apart)]).created[0]


def test_an_application_has_the_chart_of_the_repository_with_its_digest() -> None:
    made = application()
    assert made["spec"]["source"] == {
        "repoURL": "https://git.example.com/ops.git",
        "targetRevision": "main",
        "path": "clusters/a/systems/harbor/harbor/chart",
        "helm": {"releaseName": "harbor", "skipTests": True, "valueFiles": ["../values.yaml"]},
    }
    assert made["metadata"]["annotations"] == {
        "argocd.argoproj.io/compare-options": "ServerSideDiff=true",
        "argocd.argoproj.io/sync-wave": "7",
        "kubestd.platform/chart": "oci://registry.example.com/charts/harbor@1.19.2",
        "kubestd.platform/chart-sha256": "f" * 64,
    }
    assert made["metadata"]["labels"] == {"kubestd.platform/system": "harbor"}


def test_a_chart_may_stay_in_its_registry() -> None:
    assert application(charts="referenced")["spec"]["source"] == {
        "repoURL": "registry.example.com/charts",
        "chart": "harbor",
        "targetRevision": "1.19.2",
        "helm": {"releaseName": "harbor", "skipTests": True, "valuesObject": {"a": 1}},
    }


def test_argo_cd_does_nothing_by_itself_unless_told_and_never_prunes() -> None:
    assert "automated" not in application()["spec"]["syncPolicy"]
    assert application(automated=True)["spec"]["syncPolicy"]["automated"] == {"prune": False, "selfHeal": True}
    assert "finalizers" not in application()["metadata"]
    assert "ServerSideApply=true" in application()["spec"]["syncPolicy"]["syncOptions"]


def test_crds_that_we_leave_alone_argo_cd_leaves_alone() -> None:
    made = plan.of_release(plan.base("a", "a", "a", TARGET, 0), {**RELEASE, "crds": "skip"}, TARGET, "a", "", [])
    assert made["spec"]["source"]["helm"]["skipCrds"] is True


def test_a_namespace_keeps_its_labels() -> None:
    policy = plan.with_namespace(application(), {"a": "b"})["spec"]["syncPolicy"]
    assert "CreateNamespace=true" in policy["syncOptions"]
    assert policy["managedNamespaceMetadata"] == {"labels": {"a": "b"}}


def test_names_of_applications_say_their_system_once_and_are_once() -> None:
    assert plan.part_name("cert-manager", "cert-manager", "a", []) == "cert-manager"
    assert plan.part_name("cert-manager", "cert-manager-policies", "a", []) == "cert-manager-policies"
    assert plan.part_name("github-runners", "small", "a", []) == "github-runners-small"
    assert plan.part_name("github-runners", "small", "a", ["github-runners-small"]) == "github-runners-small-a"


def test_the_owner_of_an_object_stands_in_its_annotation() -> None:
    assert plan.tracked_by({"annotations": {plan.TRACKING: "harbor:apps/Deployment:harbor/core"}}) == "harbor"
    assert plan.tracked_by({"annotations": None}) == plan.tracked_by({}) == ""


def test_the_mark_of_our_set_is_not_for_git() -> None:
    one = found("a")
    assert without_mark(labelled(one, "set")) == one
    assert without_mark(labelled({**one, "metadata": {"name": "a", "labels": {"b": "c"}}}, "set"))["metadata"][
        "labels"
    ] == {"b": "c"}


def test_hooks_are_told_but_tests_are_none() -> None:
    stored = {
        "hooks": [
            {"kind": "Job", "name": "a", "events": ["pre-install"]},
            {"kind": "Pod", "name": "t", "events": ["test"]},
        ]
    }
    assert hooks(stored) == [{"kind": "Job", "name": "a"}] and hooks({}) == []


def test_the_same_objects_are_the_same_bytes() -> None:
    assert text_of({"b": 1, "a": 2}) == text_of({"a": 2, "b": 1}) == b"a: 2\nb: 1\n"
