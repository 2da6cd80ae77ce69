# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects that kustomize makes of an archive: real kustomize (that of kubectl), real API server."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.kubestd.platform.plugins.module_utils._component.record import parse
from ansible_collections.kubestd.platform.plugins.module_utils._component.run import Component
from ansible_collections.kubestd.platform.plugins.module_utils._errors import KubestdError
from ansible_collections.kubestd.platform.plugins.module_utils._kubeconfig import access
from ansible_collections.kubestd.platform.plugins.module_utils._manifests.plan import checked
from ansible_collections.kubestd.platform.plugins.module_utils._manifests.read import gather

from ..unit.plugins.module_utils.manifests.test_kustomize import archive
from .charts import CRD
from .control_plane import ControlPlane, kubernetes
from .standins import module_answer, own_address
from .test_manifests import Space, actions, config

RESTING = {"selector": {"matchLabels": {"app": "a"}}, "replicas": 0}
POD = {"metadata": {"labels": {"app": "a"}}, "spec": {"containers": [{"name": "a", "image": "a"}]}}


class Counting(SimpleHTTPRequestHandler):
    asked = 0

    def do_GET(self) -> None:
        Counting.asked += 1
        super().do_GET()

    def log_message(self, *_: Any) -> None:
        pass


class Archives:
    """A server of archives."""

    def __init__(self, folder: Path, address: str = "127.0.0.1") -> None:
        self.folder, Counting.asked = folder, 0
        self.server = ThreadingHTTPServer((address, 0), partial(Counting, directory=str(folder)))
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return "http://{}:{}".format(*self.server.server_address[:2])

    def publish(self, files: dict[str, Any], **more: Any) -> dict[str, Any]:
        """The option that names an archive of these files, which are in one folder as in those of GitHub."""
        texts = {
            f"repository-1a2b/{name}": found if isinstance(found, str) else yaml.safe_dump_all(found)
            for name, found in files.items()
        }
        content = archive(texts)
        name = f"{hashlib.sha256(content).hexdigest()}.tar.gz"
        (self.folder / name).write_bytes(content)
        return {"url": f"{self.url}/{name}", "sha256": name.partition(".")[0], **more}

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def space(control_plane: ControlPlane, tmp_path: Path) -> Iterator[Space]:
    made = Space(control_plane, tmp_path)
    yield made
    control_plane.kubectl("delete", "namespace", made.name, "--wait=false")


@pytest.fixture
def archives(tmp_path: Path) -> Iterator[Archives]:
    (tmp_path / "archives").mkdir()
    made = Archives(tmp_path / "archives")
    yield made
    made.stop()


def apply(space: Space, *sources: dict[str, Any], program: str = "", **options: Any) -> dict[str, Any]:
    wanted = {"kustomize": list(sources), "kustomize_program": program or str(kubernetes("kubectl"))}
    return space.apply(*checked(*gather(wanted, str(space.cache))), **options)


def crd(group: str) -> dict[str, Any]:
    found = json.loads(json.dumps(CRD if isinstance(CRD, dict) else yaml.safe_load(CRD)))
    found["spec"]["group"] = group
    found["metadata"]["name"] = f"{found['spec']['names']['plural']}.{group}"
    return dict(found)


def tree(group: str) -> dict[str, Any]:
    """A base with a definition, an object of it and a Deployment, and an overlay that names another base."""
    definition = crd(group)
    version = definition["spec"]["versions"][0]["name"]
    custom = {"apiVersion": f"{group}/{version}", "kind": definition["spec"]["names"]["kind"]}
    deployment = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "rests"}}
    return {
        "base/kustomization.yaml": [{"resources": ["objects.yaml", "definition.yaml"]}],
        "base/objects.yaml": [
            {**custom, "metadata": {"name": "one"}},
            {**deployment, "spec": {**RESTING, "template": POD}},
        ],
        "base/definition.yaml": [definition],
        "overlays/more/kustomization.yaml": [
            {
                "resources": ["../../base"],
                "namePrefix": "more-",
                "configMapGenerator": [{"name": "settings", "literals": ["a=b"]}],
                "generatorOptions": {"disableNameSuffixHash": True},
            }
        ],
    }


def test_a_definition_its_object_and_the_rest_come_in_one_build_and_a_second_run_needs_neither_archive_nor_program(
    space: Space, archives: Archives
) -> None:
    source = archives.publish(tree(f"{space.name}.kubestd.test"), path="overlays/more")
    done = actions(apply(space, source))
    assert set(done.values()) == {"created"} and {"more-one", "more-rests", "more-settings"} < set(done)
    assert Counting.asked == 1
    archives.stop()
    assert not apply(space, source, program="/no/such/program")["changed"]
    assert Counting.asked == 1
    plain = {**source, "path": "base"}
    with pytest.raises(KubestdError, match="/no/such/program is not on this machine's PATH"):
        apply(space, plain, program="/no/such/program")
    # another folder of an archive that is kept already
    done = actions(apply(space, plain))
    assert done["one"] == "created" and done["more-settings"] == "deleted"


def test_an_object_whose_webhook_is_not_up_yet_is_waited_for(space: Space, archives: Archives) -> None:
    group = f"{space.name}.kubestd.test"
    hook = {
        "name": "late.kubestd.test",
        "clientConfig": {"service": {"name": "none", "namespace": space.name}},
        "rules": [{"apiGroups": [group], "apiVersions": ["*"], "operations": ["CREATE"], "resources": ["*"]}],
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
    }
    configuration = {"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration"}
    found = {**configuration, "metadata": {"name": space.name}, "webhooks": [hook]}
    space.control_plane.kubectl("create", "-f", "-", stdin=json.dumps(found))
    time.sleep(1)
    source = archives.publish(tree(group), path="base")
    with pytest.raises(KubestdError, match="1 objects of test were not accepted within 3 s.*late.kubestd.test"):
        apply(space, source, timeout=3)
    assert space.kubectl("get", "deployment", "rests", "-o", "name"), "the rest goes on"
    delete = ("delete", "validatingwebhookconfiguration", space.name)
    timer = threading.Timer(2, space.control_plane.kubectl, delete)
    timer.start()
    assert actions(apply(space, source))["one"] == "created"
    timer.join()


def test_what_was_not_pinned_is_refused_and_nothing_is_made(space: Space, archives: Archives) -> None:
    source = archives.publish(tree("x.kubestd.test"), path="base")
    path = archives.folder / Path(source["url"]).name
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(KubestdError, match="it is not what was pinned. Nothing was changed"):
        apply(space, source)
    assert space.kubectl("get", "deployments", "-o", "name") == ""
    assert list(space.cache.glob("kustomize/*")) == []


@pytest.mark.parametrize(
    ("files", "path", "sentence"),
    [
        ({"a": ""}, "../outside", "path is ../outside, which is outside of the archive"),
        (
            {"base/kustomization.yaml": "resources: [../../outside]"},
            "base",
            r"base names ../../outside in resources, which is outside of the archive",
        ),
        ({"../../evil": "x"}, ".", "which is outside of the archive; nothing was unpacked"),
        (
            {"base/kustomization.yaml": "resources: [a.yaml]", "base/a.yaml": "a: ["},
            "base",
            "kustomize cannot build base of",
        ),
        (
            {"base/kustomization.yaml": "helmCharts: [{name: a, repo: 'https://example.com'}]"},
            "base",
            "must specify --enable-helm",
        ),
    ],
)
def test_what_leaves_the_archive_or_cannot_be_built_is_refused(
    space: Space, archives: Archives, files: dict[str, Any], path: str, sentence: str
) -> None:
    with pytest.raises(KubestdError, match=sentence):
        apply(space, archives.publish(files, path=path))


def test_a_build_reaches_nothing_but_the_archive(space: Space, archives: Archives) -> None:
    (archives.folder / "a.yaml").write_text(yaml.safe_dump(config("from-elsewhere")))
    remote = f"resources: ['{archives.url}/a.yaml']"
    with pytest.raises(KubestdError, match="its digest says nothing of what is elsewhere"):
        apply(space, archives.publish({"base/kustomization.yaml": remote}, path="base"))
    assert Counting.asked == 1, "the archive alone was asked for"
    # what the check of the archive does not understand; no loopback, which Go would never use a proxy for
    elsewhere = Archives(archives.folder, own_address())
    transformer = {"apiVersion": "builtin", "kind": "PatchTransformer", "metadata": {"name": "a"}}
    hidden = {"transformers": [yaml.safe_dump({**transformer, "path": f"{elsewhere.url}/a.yaml"})]}
    with pytest.raises(KubestdError, match="kustomize cannot build base"):
        apply(space, archives.publish({"base/kustomization.yaml": [hidden]}, path="base"))
    elsewhere.stop()
    assert Counting.asked == 1, "the second archive alone was asked for"


def test_another_archive_stands_for_what_is_named_elsewhere(space: Space, archives: Archives) -> None:
    group, elsewhere = f"{space.name}.kubestd.test", "https://github.com/example/elsewhere"
    more = archives.publish(tree(group))
    files = {"base/kustomization.yaml": [{"resources": [f"{elsewhere}/base?ref=v1"], "namePrefix": "mine-"}]}
    source = archives.publish(files, path="base", archives=[{"reference": elsewhere, **more}])
    assert set(actions(apply(space, source))) > {"mine-one", "mine-rests"}
    archives.stop()
    assert not apply(space, source, program="/no/such/program")["changed"]


def test_patches_are_laid_over_folders_of_the_archive(space: Space, archives: Archives) -> None:
    patch = [{"op": "replace", "path": "/metadata/name", "value": "patched"}]
    overlay = {
        "resources": ["overlays/more"],
        "patches": [{"target": {"kind": "ConfigMap"}, "patch": json.dumps(patch)}],
    }
    source = archives.publish(tree(f"{space.name}.kubestd.test"), overlay=overlay)
    assert "patched" in actions(apply(space, source))
    assert not apply(space, source, program="/no/such/program")["changed"]


def component(control_plane: ControlPlane, record: dict[str, Any], **settings: Any) -> Component:
    options = {"timeout": 20, "kustomize": str(kubernetes("kubectl")), **settings}
    found = access({"kubeconfig": str(control_plane.kubeconfig)})
    return Component(parse(record), found, options, False, False, lambda _: None)


def test_a_system_of_archives_is_released_checked_and_removed_and_its_definitions_stay(
    space: Space, archives: Archives, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBESTD_CACHE", str(space.cache))
    group = f"{space.name}.kubestd.test"
    source = archives.publish(tree(group), path="base")
    stages = [
        {"name": "crds", "keep": True, "kustomize": [{**source, "take": "crds"}]},
        {"name": "all", "kustomize": [{**source, "take": "others"}]},
    ]
    record = {"name": "system", "namespace": {"name": space.name}, "stages": stages}
    made = component(space.control_plane, record)
    sick = made.health()
    assert (
        not sick["passed"]
        and "ConfigMap" in sick["message"]
        and "kubestd-set-system-all is not there" in sick["message"]
    )
    assert component(space.control_plane, record).release()["changed"]
    archives.stop()
    assert not component(space.control_plane, record, kustomize="/no/such/program").release()["changed"]
    # how a workload is that nobody has listed
    health = component(space.control_plane, record).health()
    names = [check["name"] for check in health["checks"]]
    assert health["passed"] and f"Deployment {space.name}/rests" in names, health
    space.kubectl("delete", "deployment", "rests")
    assert "Deployment" in component(space.control_plane, record).health()["message"]
    # what was made stands in the cluster: another machine needs neither archive nor program to take it away
    monkeypatch.setenv("KUBESTD_CACHE", str(space.cache / "another"))
    done = component(space.control_plane, record, kustomize="/no/such/program").remove(False)
    assert done["changed"] and any(text.startswith("crds of http") for text in done["kept"])
    assert space.control_plane.kubectl("get", "crds", "-o", "name").count(group) == 1
    assert space.kubectl("get", "configmaps", "-o", "name").count("kubestd-set-system-all") == 0


def test_the_module_takes_it_and_shows_what_it_would_do(space: Space, archives: Archives) -> None:
    options = {
        "name": "test",
        "namespace": space.name,
        "kustomize": [archives.publish(tree(f"{space.name}.kubestd.test"), path="base", take="others")],
        "kustomize_program": str(kubernetes("kubectl")),
    }
    answer = module_answer(space.control_plane, "k8s_manifests", check=True, **options)
    assert answer["changed"] and {item["action"] for item in answer["objects"]} == {"created"}, answer
    assert space.kubectl("get", "deployments", "-o", "name") == ""
