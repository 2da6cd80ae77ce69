# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Systems are handed over to Argo CD by Git: nothing restarts, a second time changes nothing, and who owns what is said and heeded."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.kubestd.platform.plugins.module_utils._errors import KubestdError
from ansible_collections.kubestd.platform.plugins.module_utils._hand_over.plan import Target
from ansible_collections.kubestd.platform.plugins.module_utils._hand_over.run import HandOver
from ansible_collections.kubestd.platform.plugins.module_utils._kubeconfig import access
from ansible_collections.kubestd.platform.plugins.module_utils._objects import Object, Objects, essence
from ansible_collections.kubestd.platform.plugins.module_utils._release.run import Release

from .charts import Releaser
from .charts import run as helm_run
from .control_plane import ControlPlane
from .test_platform import CONTRACTS, UPSTREAM, Platform

LAYERS = {"network": ["metrics_server", "cert_manager"], "delivery": ["headlamp"]}
SYSTEMS = [name for names in LAYERS.values() for name in names]
TRACKING = "argocd.argoproj.io/tracking-id"
CHANGED = {"headlamp": {"headlamp_values": {"replicaCount": 3}}}


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()


class Handed:
    """A platform, a bare repository, and what Argo CD would do with it."""

    def __init__(self, platform: Platform, folder: Path) -> None:
        self.platform, self.bare, self.folder = platform, folder / "ops.git", folder
        self.objects = Objects(access({"kubeconfig": str(platform.control_plane.kubeconfig)}).client())
        subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", str(self.bare)], check=True)

    def over(self, *arguments: str, rc: int = 0) -> Any:
        return self.platform.play("-e", f"hand_over_repository={self.bare}", *arguments, playbook="hand_over", rc=rc)

    def head(self) -> str:
        return git(self.bare, "rev-parse", "main")

    def checkout(self) -> Path:
        """The repository as Argo CD's repository server has it."""
        target = self.folder / f"clone-{self.head()}"
        if not target.exists():
            subprocess.run(["git", "clone", "--quiet", str(self.bare), str(target)], check=True)
        return target

    def applications(self) -> dict[str, Object]:
        folder = self.checkout() / "platform/applications"
        found = [yaml.safe_load(path.read_text()) for path in sorted(folder.glob("*/*.yaml"))]
        return {item["metadata"]["name"]: item for item in found}

    def rendered(self, application: Object) -> list[Object]:
        """What Argo CD makes of an Application, with its annotation on each object."""
        source, space = application["spec"]["source"], application["spec"]["destination"]["namespace"]
        path = self.checkout() / source["path"]
        if "helm" in source:
            values = [flag for name in source["helm"]["valueFiles"] for flag in ("--values", str(path / name))]
            flags = [] if source["helm"].get("skipCrds") else ["--include-crds"]
            apis = self.platform.control_plane.kubectl("api-versions").split()
            flags += [flag for name in apis for flag in ("--api-versions", name)]
            name = source["helm"]["releaseName"]
            text = helm_run("template", name, str(path), "--namespace", space, "--no-hooks", *values, *flags)
        else:
            text = "\n---\n".join(file.read_text() for file in sorted(path.glob("*.yaml")))
        found = [item for item in yaml.safe_load_all(text) if item]
        for item in found:
            where = self.objects.must(item["apiVersion"], item["kind"])
            if where.namespaced:
                item["metadata"].setdefault("namespace", space)
            group = item["apiVersion"].rpartition("/")[0]
            tracking = f"{application['metadata']['name']}:{group}/{item['kind']}:{space}/{item['metadata']['name']}"
            item["metadata"].setdefault("annotations", {})[TRACKING] = tracking
        return found

    def sync(self, *names: str) -> None:
        """Argo CD synchronises Applications: applied by the server, under its own name and by force."""
        for name, application in self.applications().items():
            if name in names or not names:
                self.objects.apply(application, force=True)
                for item in self.rendered(application):
                    self.objects.apply(item, force=True, manager="argocd-controller")

    def pods(self) -> set[str]:
        path = "jsonpath={range .items[*]}{.metadata.uid}{' '}{end}"
        return set(self.platform.control_plane.kubectl("get", "pods", "-A", "-o", path).split())

    def replicas(self) -> int:
        where = ("-n", "headlamp", "get", "deployment", "headlamp", "-o", "jsonpath={.spec.replicas}")
        return int(self.platform.control_plane.kubectl(*where))


MADE_UP = """\
apiVersion: v1
kind: Secret
metadata: {name: demo}
data: {password: {{ randAlphaNum 20 | b64enc }}, user: {{ .Values.user | b64enc }}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: demo}
spec:
  selector: {matchLabels: {app: demo}}
  template:
    metadata: {labels: {app: demo}, annotations: {checksum/secret: {{ randAlphaNum 20 | sha256sum }}}}
    spec: {containers: [{name: a, image: registry.k8s.io/pause:3.10.2}]}
{{- if and .Values.looks (not (lookup "v1" "Namespace" "" "kube-system")) }}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: only-without-a-cluster}
{{- end }}
"""


def demo(folder: Path, looks: bool = False) -> Path:
    """A chart that makes up a password, and looks into the cluster when it is to."""
    chart = folder / "demo"
    (chart / "templates").mkdir(parents=True)
    (chart / "Chart.yaml").write_text(json.dumps({"apiVersion": "v2", "name": "demo", "version": "1.0.0"}))
    (chart / "values.yaml").write_text(json.dumps({"user": "me", "looks": looks}))
    (chart / "templates/all.yaml").write_text(MADE_UP)
    return chart


def over(
    control_plane: ControlPlane, releaser: Releaser, folder: Path, owned: bool = False, **options: Any
) -> HandOver:
    """A release, written to a folder by the mechanism without Ansible around it."""
    who = access({"kubeconfig": str(control_plane.kubeconfig)})
    described = {**releaser.base, **options}
    target = Target("https://git.example.com/ops.git")
    made = HandOver("demo", Objects(who.client()), target, str(folder / "out"), owned)
    made.release(Release(described, who, str(releaser.cache)), described, 0)
    made.write()
    return made


def test_a_password_that_a_chart_makes_up_is_left_as_it_is(control_plane: ControlPlane, tmp_path: Path) -> None:
    chart = demo(tmp_path)
    releaser = Releaser(control_plane, str(chart), tmp_path / "cache", namespace="made-up")
    releaser()
    over(control_plane, releaser, tmp_path)
    application = yaml.safe_load((tmp_path / "out/applications/demo/demo.yaml").read_text())
    left = {one["kind"]: one["jsonPointers"] for one in application["spec"]["ignoreDifferences"]}
    assert left == {
        "Secret": ["/data/password"],
        "Deployment": ["/spec/template/metadata/annotations/checksum~1secret"],
    }
    assert "RespectIgnoreDifferences=true" in application["spec"]["syncPolicy"]["syncOptions"]
    # once Argo CD has it, Git may differ from what was released; what is made up is known from the chart of then
    over(control_plane, releaser, tmp_path, owned=True, values={"user": "you"})
    again = yaml.safe_load((tmp_path / "out/applications/demo/demo.yaml").read_text())
    assert again["spec"]["ignoreDifferences"] == application["spec"]["ignoreDifferences"]
    assert yaml.safe_load((tmp_path / "out/systems/demo/demo/values.yaml").read_text()) == {"user": "you"}


def test_a_chart_that_would_make_something_else_under_argo_cd_is_not_handed_over(
    control_plane: ControlPlane, tmp_path: Path
) -> None:
    releaser = Releaser(control_plane, str(demo(tmp_path, looks=True)), tmp_path / "cache", namespace="looks")
    releaser()
    with pytest.raises(KubestdError, match="would change under Argo CD.*only-without-a-cluster"):
        over(control_plane, releaser, tmp_path)
    assert not (tmp_path / "out").exists()


def test_secret_values_are_not_handed_over(control_plane: ControlPlane, tmp_path: Path) -> None:
    releaser = Releaser(control_plane, str(demo(tmp_path)), tmp_path / "cache", namespace="secret-values")
    with pytest.raises(KubestdError, match="has secret values, which are not for Git"):
        over(control_plane, releaser, tmp_path, secret_values={"user": "hunter2"})


@pytest.fixture(scope="module")
def handed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Handed]:
    if not CONTRACTS.is_dir() or UPSTREAM:
        pytest.skip(f"there is no contract data in {CONTRACTS}; set KUBESTD_CONTRACTS")
    platform = Platform(tmp_path_factory.mktemp("platform"), LAYERS)
    try:
        platform.start()
        platform.play()
        crds = (CONTRACTS / "argo-cd-10.1.1/crds.yaml").read_text()
        platform.control_plane.kubectl("apply", "--server-side", "-f", "-", stdin=crds)
        platform.control_plane.kubectl("create", "namespace", "argocd")
        yield Handed(platform, tmp_path_factory.mktemp("git"))
    finally:
        platform.stop()


def test_check_mode_says_what_would_be_written_and_writes_nothing(handed: Handed) -> None:
    result = handed.over("--check", "--diff")
    assert "applications/headlamp/headlamp.yaml" in result.text
    assert git(handed.bare, "for-each-ref") == ""


def test_what_runs_is_written_as_applications_in_the_order_of_layers_and_stages(handed: Handed) -> None:
    before = handed.pods()
    handed.over()
    found = handed.applications()
    assert set(found) >= {"metrics-server", "cert-manager", "headlamp"}
    waves = {name: int(one["metadata"]["annotations"]["argocd.argoproj.io/sync-wave"]) for name, one in found.items()}
    assert 100 <= waves["cert-manager"] < min(wave for name, wave in waves.items() if name.startswith("cert-manager-"))
    assert waves["headlamp"] >= 400
    chart = yaml.safe_load((handed.checkout() / "platform/systems/headlamp/headlamp/chart/Chart.yaml").read_text())
    released = found["headlamp"]["metadata"]["annotations"]
    assert released["kubestd.platform/chart"].endswith(f"@{chart['version']}")
    assert len(released["kubestd.platform/chart-sha256"]) == 64
    assert all("automated" not in one["spec"]["syncPolicy"] for one in found.values())
    root = yaml.safe_load((handed.checkout() / "platform/root.yaml").read_text())
    assert root["spec"]["source"]["path"] == "platform/applications"
    # real API server, real CRD
    for one in (*found.values(), root):
        handed.objects.apply(one, dry_run=True)
    assert handed.pods() == before


def test_the_applications_give_the_very_objects_that_run(handed: Handed) -> None:
    seen = 0
    for application in handed.applications().values():
        for item in handed.rendered(application):
            live = handed.objects.get(item)
            assert live, item
            after = handed.objects.apply(item, force=True, dry_run=True, manager="argocd-controller")
            del after["metadata"]["annotations"][TRACKING]
            one, other = essence(after), essence(live)
            for side in (one, other):
                if not side["metadata"].get("annotations"):
                    side["metadata"].pop("annotations", None)
            assert one == other
            seen += 1
    assert seen > 10


def test_a_second_time_changes_nothing(handed: Handed) -> None:
    before = handed.head()
    result = handed.over()
    assert handed.head() == before and result.changed == {}, result.text[-2000:]


def test_argo_cd_takes_over_and_nothing_restarts(handed: Handed) -> None:
    def templates() -> str:
        # an annotation of the Deployment raises its generation, and makes no new ReplicaSet
        path = "jsonpath={range .items[*]}{.metadata.uid} {.spec.replicas} {.spec.template} {end}"
        return handed.platform.control_plane.kubectl("get", "replicasets", "-A", "-o", path)

    before, sets = handed.pods(), templates()
    handed.sync()
    assert (handed.pods(), templates()) == (before, sets)


def test_check_mode_says_who_owns_a_system(handed: Handed) -> None:
    result = handed.platform.play("--check")
    assert result.changed == {}
    assert (
        "headlamp: as wanted: owned by Argo CD (Applications argocd/headlamp, argocd/headlamp-objects)" in result.text
    )
    result = handed.platform.play("-e", "platform_action=health", "--limit", "headlamp")
    assert "headlamp: is owned by Argo CD (Applications argocd/headlamp" in result.text


def test_a_run_does_not_fight_over_what_argo_cd_owns(handed: Handed) -> None:
    assert handed.platform.play().changed == {}
    handed.platform.inventory(CHANGED)
    result = handed.platform.play("--check", "--limit", "headlamp")
    assert result.changed == {"headlamp": 1} and "owned by Argo CD" in result.text
    result = handed.platform.play("--limit", "headlamp", rc=2)
    text = " ".join(result.text.split())
    assert "what runs is not what is described here" in text and "platform_take_back" in text
    assert handed.replicas() == 2
    result = handed.platform.play("-e", "platform_action=remove", "--limit", "headlamp", rc=2)
    assert "delete that first" in " ".join(result.text.split()) and handed.replicas() == 2


def test_a_change_goes_to_git_and_is_as_described_once_argo_cd_has_brought_it(handed: Handed) -> None:
    before = handed.head()
    handed.over("--limit", "headlamp")
    changed = git(handed.bare, "diff", "--name-only", before, "main").splitlines()
    assert changed == ["platform/systems/headlamp/headlamp/values.yaml"]
    handed.sync("headlamp")
    assert handed.replicas() == 3
    # helm's own Secret does not know of it; the objects do
    assert handed.platform.play("--limit", "headlamp").changed == {}


def test_what_was_handed_over_can_be_taken_back(handed: Handed) -> None:
    handed.platform.inventory({"headlamp": {"headlamp_values": {"replicaCount": 4}}})
    before = handed.pods()
    result = handed.platform.play("--limit", "headlamp", "-e", "platform_take_back=true")
    assert "delete the Application headlamp and leave its objects" in result.text
    assert handed.replicas() == 4 and handed.pods() >= before
    names = handed.platform.control_plane.kubectl("get", "applications", "-A", "-o", "name")
    assert "cert-manager" in names and "headlamp" not in names
    result = handed.platform.play("--check")
    assert result.changed == {} and "headlamp: as wanted: owned" not in result.text
    assert "cert_manager: as wanted: owned by Argo CD" in result.text
    assert handed.platform.play("--limit", "headlamp").changed == {}


def test_what_is_not_as_described_is_not_handed_over(handed: Handed) -> None:
    before = handed.head()
    handed.platform.inventory({"headlamp": {"headlamp_values": {"replicaCount": 5}}})
    result = handed.over("--limit", "headlamp", rc=2)
    assert "is not as described; release it first" in " ".join(result.text.split())
    assert handed.head() == before


def test_the_annotation_alone_says_who_owns_a_system(handed: Handed) -> None:
    """As with Applications that somebody else has written, or that are in another cluster."""
    handed.platform.inventory({})
    handed.platform.control_plane.kubectl("-n", "argocd", "delete", "applications", "--all")
    result = handed.platform.play("--check", "--limit", "cert_manager")
    assert "cert_manager: as wanted: owned by Argo CD (Applications cert-manager, " in result.text
    taken = handed.platform.play("--limit", "cert_manager", "-e", "platform_take_back=true")
    assert "objects back from Argo CD" in taken.text
    assert "owned by" not in handed.platform.play("--check", "--limit", "cert_manager").text


def test_without_a_repository_nothing_begins(handed: Handed) -> None:
    result = handed.platform.play(playbook="hand_over", rc=2)
    assert "hand_over_repository is empty" in result.text


def test_no_secret_is_in_the_repository(handed: Handed) -> None:
    texts = [path.read_text(errors="replace") for path in (handed.checkout() / "platform/systems").rglob("*.yaml")]
    secrets = json.loads(handed.platform.control_plane.kubectl("get", "secrets", "-A", "-o", "json"))["items"]
    words = {text for item in secrets for text in (item.get("data") or {}).values() if len(text) > 12}
    assert not [word for word in words if any(word in text for text in texts)]
