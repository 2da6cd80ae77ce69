# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""helm_oci against a real API server, a real registry and the real helm: every state a release can be in."""

from __future__ import annotations

import base64
import gzip
import json
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.kubestd.platform.plugins.module_utils._errors import KubestdError
from ansible_collections.kubestd.platform.plugins.module_utils._kubeconfig import access
from ansible_collections.kubestd.platform.plugins.module_utils._objects import Objects
from ansible_collections.kubestd.platform.plugins.module_utils._release import helm as helm_module
from ansible_collections.kubestd.platform.plugins.module_utils._release import state

from . import charts
from .charts import Releaser
from .control_plane import ControlPlane, Registry, helm

KILLS = 20


@pytest.fixture(scope="module")
def ref(registry: Registry, tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("charts")
    charts.push(charts.package(folder, "1.1.0"), registry)
    return charts.push(charts.package(folder), registry)


@pytest.fixture
def release(control_plane: ControlPlane, ref: str, tmp_path: Path) -> Iterator[Releaser]:
    releaser = Releaser(control_plane, ref, tmp_path / "cache", namespace=f"demo-{random.randrange(10**9)}")
    yield releaser
    control_plane.kubectl("delete", "namespace", releaser.base["namespace"], "--wait=false", "--ignore-not-found")


def revisions(release: Releaser) -> list[Any]:
    who = access({"kubeconfig": str(release.control_plane.kubeconfig)})
    return state.revisions(Objects(who.client()), release.base["namespace"], "demo")


def leave(release: Releaser, status: str) -> None:
    """Make the newest revision look as a killed helm leaves it."""
    newest = revisions(release)[-1]
    secret = json.loads(release.kubectl("get", "secret", newest.secret, "-o", "json"))
    stored = state.stored(secret)
    stored["info"]["status"] = status
    packed = base64.b64encode(gzip.compress(json.dumps(stored).encode()))
    secret["data"]["release"] = base64.b64encode(packed).decode()
    secret["metadata"]["labels"]["status"] = status
    release.kubectl("replace", "-f", "-", stdin=json.dumps(secret))


def test_it_is_installed_and_a_second_run_starts_no_helm_and_asks_no_registry(
    release: Releaser, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = release(values={"size": 3})
    assert first["changed"] and release.size() == "3"
    assert first["release"]["status"] == "deployed"

    def forbidden(*_: Any, **__: Any) -> None:
        raise AssertionError("a program was started")

    monkeypatch.setattr(helm_module.Tool, "run", forbidden)
    requests: list[str] = []
    ask = type(Objects(access({"kubeconfig": str(release.control_plane.kubeconfig)}).client()).client).ask
    monkeypatch.setattr(
        "ansible_collections.kubestd.platform.plugins.module_utils._kube.KubeClient.ask",
        lambda self, method, path, *rest, **more: requests.append(path) or ask(self, method, path, *rest, **more),
    )
    second = release(values={"size": 3})
    assert not second["changed"]
    assert second["release"] == first["release"]
    assert len(requests) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"values": {"size": 4}},
        {"overlays": [{"size": 4}]},
        {"secret_values": {"password": "other"}},
        {"description": "a reason"},
        {"namespace_labels": {"a": "b"}},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_matters_makes_a_new_revision(release: Releaser, change: dict[str, Any]) -> None:
    release(values={"size": 3})
    assert release(**{"values": {"size": 3}, **change})["release"]["revision"] == 2
    assert not release(**{"values": {"size": 3}, **change})["changed"]


def test_types_of_values_survive(release: Releaser) -> None:
    for value, kind, text in (
        ("1e3", "string", "1e3"),
        ("on", "string", "on"),
        (True, "bool", "true"),
        (7, "float64", "7"),
    ):
        release(values={"size": value})
        data = json.loads(release.kubectl("get", "configmap", "demo-config", "-o", "json"))["data"]
        assert (data["kind"], data["size"]) == (kind, text)
    release(values={"text": None})
    assert json.loads(release.kubectl("get", "configmap", "demo-config", "-o", "json"))["data"]["text"] == ""


def test_another_version_of_the_chart_is_released(release: Releaser, ref: str) -> None:
    release()
    result = release(chart={"ref": ref, "version": "1.1.0"})
    assert result["actions"] == ["upgrade demo: another chart"]
    assert result["release"]["chart_version"] == "1.1.0"


def test_a_pin_that_is_added_changes_nothing_and_a_wrong_one_is_refused(release: Releaser, ref: str) -> None:
    digest = release()["release"]["chart_sha256"]
    assert not release(chart={"ref": ref, "version": "1.0.0", "sha256": digest})["changed"]
    with pytest.raises(KubestdError, match=r"has SHA-256 .* and chart\.sha256 is 0{64}"):
        release(chart={"ref": ref, "version": "1.0.0", "sha256": "0" * 64})
    assert len(revisions(release)) == 1


def test_a_chart_that_was_swapped_under_the_same_version_is_refused(
    release: Releaser, registry: Registry, ref: str, tmp_path: Path
) -> None:
    release()
    charts.push(charts.package(tmp_path / "swapped", extra="swapped"), registry)
    try:
        assert not release()["changed"]
        with pytest.raises(KubestdError, match="it was changed under the same version"):
            release(values={"size": 9})
    finally:
        charts.push(charts.package(tmp_path / "original"), registry)


def test_check_mode_shows_the_difference_and_changes_nothing(release: Releaser) -> None:
    before = release(check_mode=True, diff=True)
    assert before["changed"] and "size: '1'" in before["diff"]["after"]
    assert release.control_plane.kubectl("get", "namespace", release.base["namespace"], "--ignore-not-found") == ""
    release()
    result = release(check_mode=True, diff=True, values={"size": 5})
    assert "size: '1'" in result["diff"]["before"] and "size: '5'" in result["diff"]["after"]
    assert "Secret" not in result["diff"]["after"]
    assert release.size() == "1"


def test_no_secret_value_is_in_a_diff(release: Releaser) -> None:
    release(secret_values={"password": "MARKER-old", "text": "MARKER-text"})
    result = release(diff=True, secret_values={"password": "MARKER-new", "text": "MARKER-more"})
    assert "demo-config" in result["diff"]["after"]
    assert "MARKER" not in json.dumps(result)
    checked = release(check_mode=True, diff=True, secret_values={"password": "MARKER-3", "text": "MARKER-4"})
    assert "MARKER" not in json.dumps(checked)


def test_a_failed_first_install_is_mended_by_the_next_run(release: Releaser) -> None:
    with pytest.raises(KubestdError, match="Not_A_Name"):
        release(values={"broken": True})
    assert revisions(release)[-1].status == "failed"
    assert release()["release"]["status"] == "deployed"
    assert not release()["changed"]


def test_a_failed_upgrade_is_mended_by_the_next_run(release: Releaser) -> None:
    release()
    with pytest.raises(KubestdError, match="Not_A_Name"):
        release(values={"broken": True, "size": 2})
    result = release(values={"size": 2})
    assert result["actions"] == ["upgrade demo: revision 2 is failed"]
    assert release.size() == "2"


def test_a_failed_upgrade_goes_back_when_that_is_wanted(release: Releaser) -> None:
    release(values={"size": 1})
    with pytest.raises(KubestdError):
        release(values={"broken": True, "size": 2}, on_failure="rollback")
    assert release.size() == "1"
    assert not release(values={"size": 1})["changed"]


@pytest.mark.parametrize("status", ["pending-install", "pending-upgrade", "pending-rollback"])
def test_a_pending_revision_of_a_killed_run_is_closed(release: Releaser, status: str) -> None:
    release()
    if status != "pending-install":
        release(values={"size": 2})
    leave(release, status)
    with pytest.raises(KubestdError, match="set recover to true"):
        release(recover=False)
    result = release(values={"size": 3})
    assert "by a run that was ended" in result["actions"][0]
    assert release.size() == "3"
    assert not release(values={"size": 3})["changed"]


def test_a_removal_that_was_interrupted_is_finished_first(release: Releaser) -> None:
    release()
    leave(release, "uninstalling")
    assert release()["release"] == {**release()["release"], "status": "deployed", "revision": 1}
    assert release.size() == "1"


def test_an_uninstalled_release_with_history_is_installed_again(release: Releaser) -> None:
    release()
    release.helm("uninstall", "demo", "--keep-history")
    assert not release(state="absent")["changed"]
    assert release()["release"]["status"] == "deployed"
    assert release.size() == "1"


def test_a_release_by_another_hand_is_adopted(release: Releaser, tmp_path: Path) -> None:
    release.control_plane.kubectl("create", "namespace", release.base["namespace"])
    release.helm("install", "demo", str(charts.package(tmp_path)))
    result = release()
    assert result["actions"] == ["adopt demo: it was released by another hand"]
    assert not release()["changed"]


def test_a_pending_revision_by_another_hand_is_given_its_time(release: Releaser, tmp_path: Path) -> None:
    release.control_plane.kubectl("create", "namespace", release.base["namespace"])
    release.helm("install", "demo", str(charts.package(tmp_path)))
    leave(release, "pending-upgrade")
    begun = time.monotonic()
    result = release(timeout=4)
    assert time.monotonic() - begun > 1, "it was not given the time that a helm may take"
    assert result["actions"][0].startswith("close revision 1 of demo")
    assert result["release"]["status"] == "deployed"


def test_values_that_are_taken_away_are_gone(release: Releaser) -> None:
    release(values={"size": 7})
    release()
    assert release.size() == "1"


def test_the_same_name_in_another_namespace_is_another_release(release: Releaser, control_plane: ControlPlane) -> None:
    release()
    other = Releaser(
        control_plane, release.base["chart"]["ref"], release.cache, namespace=f"{release.base['namespace']}-b"
    )
    assert other()["release"]["revision"] == 1
    assert other(state="absent")["changed"]
    assert not release()["changed"]
    control_plane.kubectl("delete", "namespace", other.base["namespace"], "--wait=false")


def test_it_goes_and_leaves_nothing(release: Releaser) -> None:
    release()
    assert release(check_mode=True, state="absent", chart=None)["changed"]
    assert release(state="absent", chart=None)["changed"]
    assert not release(state="absent", chart=None)["changed"]
    assert revisions(release) == []
    assert release.kubectl("get", "configmap,secret", "-o", "name").split() == ["configmap/kube-root-ca.crt"]


def test_objects_of_another_hand_are_taken_only_when_asked(release: Releaser) -> None:
    release.control_plane.kubectl("create", "namespace", release.base["namespace"])
    release.kubectl("create", "configmap", "demo-config")
    with pytest.raises(KubestdError, match="Set take_ownership to true"):
        release()
    assert release(take_ownership=True)["release"]["status"] == "deployed"


def test_drift_is_seen_and_repaired_only_when_asked(release: Releaser) -> None:
    release()
    assert release(drift="report")["drift"] == []
    release.kubectl("patch", "configmap", "demo-config", "-p", '{"data":{"size":"9"}}')
    assert not release()["changed"]
    reported = release(drift="report")
    assert not reported["changed"]
    assert reported["drift"] == ["ConfigMap demo-config is changed"]
    assert release(drift="repair")["changed"]
    assert release.size() == "1"
    release.kubectl("delete", "configmap", "demo-config")
    assert release(drift="report")["drift"] == ["ConfigMap demo-config is missing"]


def test_crds_of_a_chart_are_brought_up_to_date(release: Releaser, registry: Registry, tmp_path: Path) -> None:
    old = charts.package(tmp_path / "old", "2.0.0", crds=charts.CRD)
    crd = json.loads(json.dumps(charts.CRD))
    crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["description"] = "newer"
    new = charts.package(tmp_path / "new", "2.1.0", crds=crd)
    release(chart={"ref": str(old), "version": "2.0.0"})
    result = release(chart={"ref": str(new), "version": "2.1.0"})
    assert "apply 1 CRDs of demo" in result["actions"]
    shown = release.kubectl(
        "get", "crd", "demos.charts.kubestd", "-o", "jsonpath={.spec.versions[0].schema.openAPIV3Schema.description}"
    )
    assert shown == "newer"
    release.kubectl("delete", "crd", "demos.charts.kubestd")


def test_a_kind_whose_crd_is_not_served_yet_is_waited_for(release: Releaser) -> None:
    """The CRD is there, but its kind belongs to another one, which goes two seconds later."""

    def crd(plural: str, version: str) -> str:
        made = json.loads(json.dumps(charts.CRD))
        made["spec"]["versions"][0]["name"] = version
        made["metadata"]["name"] = f"{plural}.charts.kubestd"
        made["spec"]["names"] = {"plural": plural, "singular": plural[:-1], "kind": "Late"}
        return json.dumps(made)

    def later() -> None:
        time.sleep(2)
        release.control_plane.kubectl("delete", "crd", "firsts.charts.kubestd")

    release.control_plane.kubectl("apply", "-f", "-", stdin=crd("firsts", "v9"))
    release.control_plane.kubectl("wait", "--for=condition=Established", "crd/firsts.charts.kubestd")
    release.control_plane.kubectl("apply", "-f", "-", stdin=crd("lates", "v1"))
    release.control_plane.kubectl("wait", "--for=condition=NamesAccepted=False", "crd/lates.charts.kubestd")
    thread = threading.Thread(target=later)
    thread.start()
    try:
        assert release(values={"custom": "Late"})["release"]["status"] == "deployed"
    finally:
        thread.join()
        release.control_plane.kubectl("delete", "crd", "lates.charts.kubestd")


def test_a_kind_without_a_crd_is_said_at_once(release: Releaser) -> None:
    with pytest.raises(KubestdError, match='no matches for kind "Nobody" in version "charts.kubestd/v1"'):
        release(values={"custom": "Nobody"}, timeout=5)


def test_the_namespace_gets_its_labels(release: Releaser) -> None:
    label = {"pod-security.kubernetes.io/enforce": "privileged"}
    assert f"create the namespace {release.base['namespace']}" in release(namespace_labels=label)["actions"]
    found = json.loads(release.kubectl("get", "namespace", release.base["namespace"], "-o", "json"))
    assert label.items() <= found["metadata"]["labels"].items()


SCRIPT = """
import json, sys
from pathlib import Path
from ansible_collections.kubestd.platform.plugins.module_utils._kubeconfig import access
from ansible_collections.kubestd.platform.plugins.module_utils._release.run import Release
options, kubeconfig, cache = json.loads(sys.argv[1]), sys.argv[2], sys.argv[3]
try:
    print(json.dumps(Release(options, access({"kubeconfig": kubeconfig}), cache).run(False, False)))
except Exception as error:
    sys.exit(f"{type(error).__name__}: {error}")
"""


def start(release: Releaser, **options: Any) -> subprocess.Popen[str]:
    arguments = [json.dumps({**release.base, **options}), str(release.control_plane.kubeconfig), str(release.cache)]
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ,
    )


def test_killed_at_any_moment_the_next_run_converges(release: Releaser) -> None:
    begun = time.monotonic()
    done = start(release, values={"size": 0})
    assert done.wait(60) == 0
    whole = time.monotonic() - begun
    seed = random.randrange(10**6)
    moments = random.Random(seed)
    hits = set()
    for number in range(1, KILLS + 1):
        process = start(release, values={"size": number})
        time.sleep(moments.uniform(0.15 * whole, whole))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        hits.add(revisions(release)[-1].status)
        result = release(values={"size": number})
        assert result["release"]["status"] == "deployed", f"seed {seed}"
        assert release.size() == str(number), f"seed {seed}"
        assert not release(values={"size": number})["changed"], f"seed {seed}"
        assert not subprocess.run(
            ["pgrep", "-f", f"{helm()} upgrade demo .*{release.base['namespace']}"], capture_output=True
        ).stdout


def test_killed_during_the_first_install_the_next_run_converges(
    control_plane: ControlPlane, ref: str, tmp_path: Path
) -> None:
    for number in range(5):
        release = Releaser(control_plane, ref, tmp_path / "cache", namespace=f"first-{number}")
        process = start(release)
        time.sleep(0.25 + 0.1 * number)
        process.kill()
        process.communicate()
        assert release()["release"]["status"] == "deployed"
        assert not release()["changed"]
        control_plane.kubectl("delete", "namespace", f"first-{number}", "--wait=false")


def test_two_runs_at_once_take_turns(release: Releaser) -> None:
    release()
    both = [start(release, values={"size": 5}) for _ in range(2)]
    results = []
    for process in both:
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
        results.append(json.loads(out))
    assert sorted(result["changed"] for result in results) == [False, True]
    assert release.size() == "5"
    assert [item.status for item in revisions(release)] == ["superseded", "deployed"]


def test_a_run_that_finds_the_lease_held_says_by_whom(release: Releaser) -> None:
    release()
    spec = {"holderIdentity": "elsewhere_1234_99", "leaseDurationSeconds": 3600}
    lease = {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": "kubestd-release-demo"},
        "spec": spec,
    }
    release.kubectl("create", "-f", "-", stdin=json.dumps(lease))
    with pytest.raises(KubestdError, match=r"Another run works on .*/kubestd-release-demo \(elsewhere_1234_99\)"):
        release(values={"size": 2}, timeout=1)


def test_a_restart_of_the_api_server_during_a_release_is_survived_or_said(release: Releaser) -> None:
    release()
    thread = threading.Thread(target=release.control_plane.restart_api)
    process = start(release, values={"size": 8})
    time.sleep(0.3)
    thread.start()
    out, err = process.communicate(timeout=90)
    thread.join()
    assert "Traceback" not in err
    assert process.returncode == 0 or re.match(r"(KubestdError|KubeError): ", err)
    assert release(values={"size": 8})["release"]["status"] == "deployed"
    assert release.size() == "8"
