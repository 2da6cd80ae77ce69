# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""harbor_configuration against a real Harbor: its core and its job service, PostgreSQL, Redis, registries, behind a real API server.

Harbor is built once from its source, by `python -m tests.integration.test_harbor CHECKOUT`, where CHECKOUT is a git repository that has the
tag of VERSION (`git clone https://github.com/goharbor/harbor`). It takes Go and about three minutes. Where that was not done, or there is no
PostgreSQL or Redis, these tests are skipped and say so.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import pwd
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.kubestd.platform.plugins.module_utils._harbor.arguments import ARGUMENTS
from ansible_collections.kubestd.platform.plugins.module_utils._harbor.plan import HarborError
from ansible_collections.kubestd.platform.plugins.module_utils._harbor.run import result

from ..contract.records import record
from ..contract.test_harbor_role import documented_mirrors
from .conftest import ROOT
from .control_plane import CACHE, ControlPlane, LockedRegistry, Process, Registry, free_port
from .standins import own_address

SOURCE = Path(__file__).parent / "harbor_server"
VERSION = "2.15.2"
SWAGGER = "v0.33.1"  # SWAGGER_VERSION of Harbor's Makefile
PROGRAMS = CACHE / f"tools/harbor-{VERSION}"
POSTGRES = next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))), None)
# In Debian the server and this checker are one program, which looks at its name.
REDIS = shutil.which("redis-check-rdb")
ADMIN = "MARKER-Admin12345"
UNTIL = 90.0


def build(checkout: str) -> None:
    """Core and job service, as Harbor's Makefile makes them: the API's server is generated from its description."""
    folder = CACHE / "tools/harbor.build"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    archive = subprocess.run(["git", "-C", checkout, "archive", f"v{VERSION}"], check=True, capture_output=True).stdout
    subprocess.run(["tar", "-x", "-C", str(folder)], input=archive, check=True)
    source = folder / "src"
    with (source / "go.mod").open("a") as handle:
        handle.write(f"\nreplace go.pinniped.dev => {SOURCE / 'pinniped'}\n")
    environment = {**os.environ, "GOBIN": str(folder / "bin"), "GOFLAGS": "-mod=mod"}
    go = ["nice", "-n", "15", "go"]
    tool = f"github.com/go-swagger/go-swagger/cmd/swagger@{SWAGGER}"
    subprocess.run([*go, "install", tool], cwd=source, check=True, env=environment)
    initials = [f"--additional-initialism={word}" for word in ("CVE", "GC", "OIDC")]
    generate = [
        "bin/swagger",
        "generate",
        "server",
        "--template-dir=tools/swagger/templates",
        "--exclude-main",
        *initials,
    ]
    generate += ["-f", "api/v2.0/swagger.yaml", "-A", "harbor", "--target", "src/server/v2.0"]
    subprocess.run(generate, cwd=folder, check=True)
    PROGRAMS.mkdir(exist_ok=True)
    shutil.copytree(folder / "make/migrations/postgresql", PROGRAMS / "migrations", dirs_exist_ok=True)
    for program in ("jobservice", "core"):
        command = [
            *go,
            "build",
            "-p",
            "2",
            "-trimpath",
            "-ldflags",
            "-s -w",
            "-o",
            str(folder / program),
            f"./{program}",
        ]
        subprocess.run(command, cwd=source, check=True, env=environment)
        (folder / program).rename(PROGRAMS / program)
    shutil.rmtree(folder)


pytestmark = pytest.mark.skipif(
    not ((PROGRAMS / "core").exists() and POSTGRES and REDIS),
    reason=f"{PROGRAMS} is not built, or PostgreSQL or Redis is not installed",
)


class Harbor:
    """One Harbor, with its own database."""

    def __init__(self, folder: Path, registry: str) -> None:
        self.folder, self.host = folder, own_address()
        self.ports = {name: free_port() for name in ("core", "jobs", "postgres", "redis")}
        self.url = f"http://{self.host}:{self.ports['core']}"
        # The server of PostgreSQL refuses to run as root, and cannot look into root's folders.
        self.data = Path(tempfile.mkdtemp(prefix="kubestd-harbor-"))
        self.user = "postgres" if os.getuid() == 0 else pwd.getpwuid(os.getuid()).pw_name
        if os.getuid() == 0:
            shutil.chown(self.data, self.user)
        self.processes: list[Process] = []
        self.registry = registry

    def as_user(self, *command: str) -> list[str]:
        return ["runuser", "-u", self.user, "--", *command] if os.getuid() == 0 else list(command)

    def run(self, name: str, command: list[str], **environment: str) -> Process:
        process = Process(name, command, self.folder, environment)
        process.start()
        self.processes.append(process)
        return process

    def start(self) -> Harbor:
        assert POSTGRES and REDIS
        initdb = self.as_user(
            str(POSTGRES.with_name("initdb")), "-D", str(self.data / "db"), "-A", "trust", "-U", "harbor"
        )
        subprocess.run(initdb, check=True, capture_output=True, cwd="/")
        words = [
            "-p",
            str(self.ports["postgres"]),
            "-k",
            str(self.data),
            "-c",
            "listen_addresses=127.0.0.1",
            "-c",
            "fsync=off",
        ]
        self.run("postgres", self.as_user(str(POSTGRES), "-D", str(self.data / "db"), *words))
        (self.folder / "redis-server").symlink_to(REDIS)
        redis = [str(self.folder / "redis-server"), "--port", str(self.ports["redis"]), "--save", ""]
        self.run("redis", [*redis, "--dir", str(self.folder)])
        self.database()
        # the job service asks the core for its settings before it starts
        self.core().answers(f"{self.url}/api/v2.0/ping")
        self.jobs().answers(f"{self.address('jobs')}/api/v1/stats")
        return self

    def database(self) -> None:
        create = ["psql", "-h", "127.0.0.1", "-p", str(self.ports["postgres"]), "-U", "harbor", "postgres"]
        until = time.monotonic() + UNTIL
        while subprocess.run([*create, "-c", "create database registry"], capture_output=True, check=False).returncode:
            assert time.monotonic() < until, (self.folder / "postgres.log").read_text()
            time.sleep(0.2)

    def address(self, name: str) -> str:
        return f"http://127.0.0.1:{self.ports[name]}"

    def shared(self) -> dict[str, str]:
        """What the Helm chart gives both programs."""
        return {
            "CORE_SECRET": "core-secret-0123",
            "JOBSERVICE_SECRET": "jobs-secret-0123",
            "CORE_URL": self.url,
            "REGISTRY_URL": self.registry,
            "REGISTRY_CONTROLLER_URL": self.registry,
            "REGISTRY_CREDENTIAL_USERNAME": "harbor_registry_user",
            "REGISTRY_CREDENTIAL_PASSWORD": "x",
            "NO_PROXY": "*",
        }

    def jobs(self) -> Process:
        config = {
            "protocol": "http",
            "port": self.ports["jobs"],
            "worker_pool": {
                "workers": 2,
                "backend": "redis",
                "redis_pool": {"redis_url": self.redis(2), "namespace": "jobs", "idle_timeout_second": 3600},
            },
            "job_loggers": [{"name": "STD_OUTPUT", "level": "INFO"}],
            "loggers": [{"name": "STD_OUTPUT", "level": "INFO"}],
            "reaper": {"max_update_hours": 24, "max_dangling_hours": 168},
        }
        (self.folder / "jobs.yml").write_text(yaml.safe_dump(config))
        return self.run("jobs", [str(PROGRAMS / "jobservice"), "-c", str(self.folder / "jobs.yml")], **self.shared())

    def redis(self, number: int) -> str:
        return f"redis://127.0.0.1:{self.ports['redis']}/{number}"

    def core(self, **more: str) -> Process:
        names = ("key.pem", "key", "app.conf")
        key, secret, config = (self.folder / name for name in names)
        subprocess.run(["openssl", "genrsa", "-traditional", "-out", str(key), "2048"], check=True, capture_output=True)
        secret.write_text("0123456789abcdef")
        config.write_text(
            f"appname = Harbor\nrunmode = prod\n[prod]\nhttpaddr = {self.host}\nhttpport = {self.ports['core']}\n"
        )
        types = "docker-hub,harbor,azure-acr,ali-acr,aws-ecr,google-gcr,docker-registry,github-ghcr,jfrog-artifactory"
        settings = {
            **self.shared(),
            "CONFIG_PATH": str(config),
            "KEY_PATH": str(secret),
            "TOKEN_PRIVATE_KEY_PATH": str(key),
            "POSTGRES_MIGRATION_SCRIPTS_PATH": f"{PROGRAMS / 'migrations'}/",
            "_REDIS_URL_CORE": self.redis(0),
            "_REDIS_URL_REG": self.redis(1),
            "EXT_ENDPOINT": "https://harbor.example.com",
            "DATABASE_TYPE": "postgresql",
            "POSTGRESQL_HOST": "127.0.0.1",
            "POSTGRESQL_PORT": str(self.ports["postgres"]),
            "POSTGRESQL_USERNAME": "harbor",
            "POSTGRESQL_PASSWORD": "x",
            "POSTGRESQL_DATABASE": "registry",
            "POSTGRESQL_SSLMODE": "disable",
            "PORTAL_URL": self.url,
            "TOKEN_SERVICE_URL": f"{self.url}/service/token",
            "HARBOR_ADMIN_PASSWORD": ADMIN,
            "MAX_JOB_WORKERS": "2",
            "WITH_TRIVY": "true",
            "TRIVY_ADAPTER_URL": "http://127.0.0.1:9",
            "CORE_LOCAL_URL": self.url,
            "JOBSERVICE_URL": self.address("jobs"),
            "CSRF_KEY": "0123456789abcdef0123456789abcdef",
            "PERMITTED_REGISTRY_TYPES_FOR_PROXY_CACHE": types,
            "REPLICATION_ADAPTER_WHITELIST": types,
        }
        return self.run("core", [str(PROGRAMS / "core")], **settings, **more)

    def stop(self) -> None:
        for process in reversed(self.processes):
            # INT ends PostgreSQL at once, and it is the child of runuser that has to hear it
            process.stop(signal.SIGTERM if process.name != "redis" else signal.SIGKILL)
        shutil.rmtree(self.data, ignore_errors=True)

    def ask(self, path: str, login: str = f"admin:{ADMIN}", method: str = "GET", body: Any = None) -> Any:
        """What Harbor itself says."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/api/v2.0{path}", data, method=method)
        request.add_header("Authorization", "Basic " + base64.b64encode(login.encode()).decode())
        request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read() or "null")

    def one(self, path: str, name: str) -> dict[str, Any]:
        return next(dict(one) for one in self.ask(path) if one["name"] == name)

    def token(self, image: str, actions: str, held: dict[str, str] | None = None) -> str:
        """What a client shows to the registry; for nobody, or for a robot whose Secret is held."""
        scope = urllib.parse.quote(f"repository:{image}:{actions}")
        request = urllib.request.Request(f"{self.url}/service/token?service=harbor-registry&scope={scope}")
        if held:
            login = base64.b64encode(f"{held['username']}:{held['password']}".encode()).decode()
            request.add_header("Authorization", f"Basic {login}")
        with urllib.request.urlopen(request, timeout=30) as answer:
            return str(json.load(answer)["token"])

    def pull(self, image: str, part: str, held: dict[str, str] | None = None) -> bytes:
        """A manifest or a blob, as containerd asks for it where Harbor is a mirror: a token first."""
        # containerd tells a mirror for which registry it asks
        request = urllib.request.Request(f"{self.url}/v2/{image}/{part}?ns={image.partition('/')[0]}")
        request.add_header("Authorization", f"Bearer {self.token(image, 'pull', held)}")
        request.add_header("Accept", "application/vnd.oci.image.manifest.v1+json")
        with urllib.request.urlopen(request, timeout=30) as answer:
            return bytes(answer.read())


class Pusher:
    """Pushes images of nothing: to a registry that asks for a login, or with a token."""

    def __init__(self, root: str, authorization: str, trust: ssl.SSLContext | None = None) -> None:
        self.root, self.authorization, self.trust = root, authorization, trust

    def send(self, method: str, path: str, data: bytes = b"", kind: str = "application/octet-stream") -> str:
        headers = {"Authorization": self.authorization, "Content-Type": kind}
        request = urllib.request.Request(f"{self.root}{path}", data, headers, method=method)
        with urllib.request.urlopen(request, timeout=30, context=self.trust) as answer:
            where = urllib.parse.urlsplit(answer.headers.get("Location", ""))
            return f"{where.path}?{where.query}"

    def push(self, image: str, tag: str, label: str = "") -> bytes:
        """Its manifest."""
        blob = json.dumps({"config": {"Labels": {"of": label}}} if label else {}).encode()
        digest = f"sha256:{hashlib.sha256(blob).hexdigest()}"
        where = self.send("POST", f"/v2/{image}/blobs/uploads/")
        self.send("PUT", f"{where}&digest={digest}", blob)
        kind = "application/vnd.oci.image.manifest.v1+json"
        config = {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": digest, "size": len(blob)}
        manifest = json.dumps({"schemaVersion": 2, "mediaType": kind, "config": config, "layers": []}).encode()
        self.send("PUT", f"/v2/{image}/manifests/{tag}", manifest, kind)
        return manifest


@pytest.fixture(scope="module")
def upstream(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LockedRegistry]:
    with LockedRegistry(tmp_path_factory.mktemp("upstream")) as made:
        yield made


@pytest.fixture(scope="module")
def harbor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Harbor]:
    folder = tmp_path_factory.mktemp("harbor")
    storage = Registry(folder / "storage")
    made = Harbor(folder, f"http://{storage.address}")
    try:
        storage.begin()
        yield made.start()
    finally:
        made.stop()
        storage.stop()


class Cluster:
    """A namespace of Harbor in a cluster whose API server reaches it."""

    def __init__(self, control_plane: ControlPlane, harbor: Harbor, upstream: LockedRegistry) -> None:
        self.control_plane = control_plane
        port = harbor.ports["core"]
        meta = {"name": "harbor-core", "namespace": "harbor"}
        objects: list[dict[str, Any]] = [
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in ("harbor", "shop")
        ]
        service = {"ports": [{"port": 80, "targetPort": port}]}
        # the API server's proxy goes only to addresses of pods
        spec = {"automountServiceAccountToken": False, "containers": [{"name": "core", "image": "example.com/core:1"}]}
        target = {"kind": "Pod", "namespace": "harbor", "name": "harbor-core"}
        subset = {"addresses": [{"ip": harbor.host, "targetRef": target}], "ports": [{"port": port}]}
        objects += [
            {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {**meta, "name": "core"}},
            {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": {**spec, "serviceAccountName": "core"}},
            {"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": service},
            {"apiVersion": "v1", "kind": "Endpoints", "metadata": meta, "subsets": [subset]},
        ]
        control_plane.kubectl("apply", "-f", "-", stdin=yaml.safe_dump_all(objects))
        status = {"status": {"phase": "Running", "podIP": harbor.host, "podIPs": [{"ip": harbor.host}]}}
        patch = ("patch", "pod", "harbor-core", "--subresource=status", "--type=merge", "-p", json.dumps(status))
        control_plane.kubectl("-n", "harbor", *patch)
        self.secret("harbor-generated", HARBOR_ADMIN_PASSWORD=ADMIN)
        self.secret("upstream", username=upstream.username, password=upstream.password)
        self.secret("harbor-oidc", clientSecret="MARKER-oidc")

    def secret(self, name: str, **data: str) -> None:
        metadata = {"name": name, "namespace": "harbor"}
        made = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": data}
        self.control_plane.kubectl("apply", "-f", "-", stdin=json.dumps(made))

    def read(self, name: str, namespace: str = "harbor") -> dict[str, str]:
        found = json.loads(self.control_plane.kubectl("-n", namespace, "get", "secret", name, "-o", "json"))
        return {key: base64.b64decode(text).decode() for key, text in found["data"].items()}

    def configure(self, check_mode: bool = False, **given: Any) -> dict[str, Any]:
        """One run of the module."""
        given = {"kubeconfig": str(self.control_plane.kubeconfig), "timeout": 20, **given}
        checked = ArgumentSpecValidator(ARGUMENTS).validate(given)
        assert not checked.error_messages, checked.error_messages
        done: dict[str, Any] = result(checked.validated_parameters, check_mode)
        assert "MARKER" not in json.dumps(done)
        return done


@pytest.fixture(scope="module")
def cluster(control_plane: ControlPlane, harbor: Harbor, upstream: LockedRegistry) -> Cluster:
    return Cluster(control_plane, harbor, upstream)


@pytest.fixture(scope="module")
def everything(upstream: LockedRegistry) -> dict[str, Any]:
    url = f"https://{upstream.address}"
    registry = {"url": url, "ca": Path(upstream.ca).read_text(), "secret_name": "upstream"}
    return {
        "configuration": {"project_creation_restriction": "adminonly", "robot_token_duration": 60},
        "oidc": {"endpoint": "https://keycloak.example.com/realms/platform", "admin_group": "platform-admins"},
        "registries": [{"name": "quay.io", **registry}, {"name": "edge", "description": "the other side", **registry}],
        "projects": [
            {"name": "quay.io", "registry": "quay.io", "public": True, "kilobits_per_second": 9000},
            {
                "name": "shop",
                "public": False,
                "scan_on_push": True,
                "sbom_on_push": True,
                "block_on_severity": "high",
                "allowed_cves": ["CVE-2024-2", "CVE-2024-1"],
                "cosign": True,
                "notation": True,
                "quota": "50Gi",
                "members": [{"group": "shop-developers"}, {"group": "shop-leads", "role": "project_admin"}],
                "immutable_tags": [
                    {"tags": "v*"},
                    {"except_tags": "dev-*", "repositories": "api/**", "enabled": False},
                ],
                "retention": {
                    "schedule": "0 4 * * *",
                    "rules": [
                        {"keep": "latest_pushed", "count": 10},
                        {"keep": "pulled_within_days", "count": 30, "repositories": "api/**"},
                        {"keep": "always", "tags": "v*", "untagged": False},
                    ],
                },
            },
            {"name": "0815", "retention": {"rules": [{"keep": "latest_pulled", "count": 3}]}},
        ],
        "robots": [
            {
                "name": "pull",
                "description": "pulls of pods",
                "permissions": [
                    {"project": "shop", "access": ["repository:pull"]},
                    {"project": "*", "access": ["artifact:read", "repository:list"]},
                    {"access": ["project:list"]},
                ],
                "secrets": [
                    {"name": "pull", "namespace": "shop", "format": "pull", "registry": "harbor.example.com"},
                    {"name": "robot-pull"},
                ],
            },
            {
                "name": "ci",
                "project": "shop",
                "days": 30,
                "permissions": [{"access": ["repository:push", "repository:pull"]}],
                "secrets": [{"name": "robot-ci"}],
            },
        ],
        "replications": [
            {
                "name": "mirror",
                "registry": "quay.io",
                "trigger": "scheduled",
                "schedule": "30 2 * * *",
                "filters": {"name": "library/**", "tag": "1.*", "labels": ["b", "a"], "resource": "image"},
                "namespace": "shop",
                "one_at_a_time": True,
                "kilobytes_per_second": 2000,
            },
            {
                "name": "out",
                "registry": "edge",
                "direction": "push",
                "trigger": "event",
                "delete": True,
                "override": False,
                "filters": {"name": "shop/**", "except_tag": "dev-*"},
            },
        ],
        "garbage_collection": {"schedule": "0 5 * * 6", "delete_untagged": True, "workers": 2},
        "scan_all": {"schedule": "0 6 * * *"},
    }


def test_the_first_run_makes_everything_as_check_mode_said(
    cluster: Cluster, everything: dict[str, Any], harbor: Harbor
) -> None:
    said = cluster.configure(check_mode=True, **everything)
    assert [one["name"] for one in harbor.ask("/projects")] == ["library"]
    done = cluster.configure(**everything)
    assert done["actions"] == said["actions"]
    assert "make project 0815" in done["actions"]


def test_the_second_run_changes_nothing(cluster: Cluster, everything: dict[str, Any]) -> None:
    again = cluster.configure(**everything)
    assert again == {"changed": False, "actions": [], "reached": True, "diff": {}}


def test_harbor_says_what_was_asked_for(cluster: Cluster, harbor: Harbor) -> None:
    shop = harbor.one("/projects", "shop")
    metadata = {name: text for name, text in shop["metadata"].items() if name != "retention_id"}
    assert metadata == {
        "public": "false",
        "auto_scan": "true",
        "auto_sbom_generation": "true",
        "prevent_vul": "true",
        "severity": "high",
        "enable_content_trust": "true",
        "enable_content_trust_cosign": "true",
        "reuse_sys_cve_allowlist": "false",
    }
    members = {(one["entity_name"], one["role_name"]) for one in harbor.ask("/projects/shop/members")}
    assert {("shop-developers", "developer"), ("shop-leads", "projectAdmin")} < members
    quotas = {one["ref"]["name"]: one["hard"]["storage"] for one in harbor.ask("/quotas?page_size=100")}
    assert quotas["shop"] == 50 * 1024**3
    policy = harbor.ask(f"/retentions/{shop['metadata']['retention_id']}")
    assert policy["trigger"]["settings"]["cron"] == "0 0 4 * * *" and len(policy["rules"]) == 3
    assert harbor.ask("/configurations")["oidc_admin_group"]["value"] == "platform-admins"
    assert harbor.ask("/configurations")["auth_mode"]["value"] == "oidc_auth"
    assert harbor.one("/replication/policies", "out")["replicate_deletion"] is True
    schedules = {one["vendor_type"] for one in harbor.ask("/schedules")}
    assert {"GARBAGE_COLLECTION", "SCAN_ALL", "RETENTION", "REPLICATION"} <= schedules


def test_a_robot_can_log_in_with_what_the_secret_holds(cluster: Cluster, harbor: Harbor) -> None:
    for name, namespace in (("robot-pull", "harbor"), ("robot-ci", "harbor"), ("pull", "shop")):
        held = cluster.read(name, namespace)
        assert held["username"] in ("robot$pull", "robot$shop+ci")
        body = harbor.token("shop/x", "pull", held).split(".")[1]
        granted = json.loads(base64.urlsafe_b64decode(body + "=="))["access"]
        assert granted[0]["name"] == "shop/x" and "pull" in granted[0]["actions"]


def test_what_a_project_asks_for_holds(cluster: Cluster, harbor: Harbor) -> None:
    """The robots push and pull, tags that are immutable stay, and what nobody signed is not given out."""
    ci, puller = cluster.read("robot-ci"), cluster.read("robot-pull")
    pusher = Pusher(harbor.url, f"Bearer {harbor.token('shop/app', 'pull,push', ci)}")
    pusher.push("shop/app", "v1")
    pusher.push("shop/app", "dev-1")
    pusher.push("shop/app", "dev-1", "another")
    with pytest.raises(urllib.error.HTTPError) as immutable:
        pusher.push("shop/app", "v1", "another")
    assert immutable.value.code == 412 and "immutable" in immutable.value.read().decode()
    with pytest.raises(urllib.error.HTTPError) as unsigned:
        harbor.pull("shop/app", "manifests/v1", puller)
    assert unsigned.value.code == 412 and "signed" in unsigned.value.read().decode()
    with pytest.raises(urllib.error.HTTPError) as reader:
        Pusher(harbor.url, f"Bearer {harbor.token('shop/app', 'pull,push', puller)}").push("shop/app", "v2")
    assert reader.value.code == 401


def test_what_somebody_changed_in_the_portal_comes_back(
    cluster: Cluster, everything: dict[str, Any], harbor: Harbor
) -> None:
    harbor.ask("/projects/shop", method="PUT", body={"metadata": {"severity": "low", "auto_scan": "false"}})
    rule = next(one for one in harbor.ask("/projects/shop/immutabletagrules") if not one.get("disabled"))
    harbor.ask(f"/projects/shop/immutabletagrules/{rule['id']}", method="DELETE")
    done = cluster.configure(**everything)
    assert done["actions"] == [
        "change project shop (auto_scan, severity)",
        "make immutable tag matches v* of repoMatches ** of project shop",
    ]
    assert not cluster.configure(**everything)["changed"]


def test_every_option_of_what_is_there_can_be_changed(cluster: Cluster, everything: dict[str, Any]) -> None:
    other = json.loads(json.dumps(everything))
    other["configuration"]["robot_token_duration"] = 90
    other["oidc"]["group_filter"] = "^platform-.*"
    other["registries"][1]["description"] = "another"
    shop = other["projects"][1]
    shop.update(
        {"block_on_severity": "critical", "cosign": False, "quota": "unlimited", "allowed_cves": ["CVE-2024-3"]}
    )
    shop["members"][0]["role"] = "guest"
    shop["immutable_tags"][1]["enabled"] = True
    shop["retention"]["schedule"] = ""
    shop["retention"]["rules"].pop()
    other["robots"][0]["permissions"].pop()
    other["robots"][1].update({"days": -1, "enabled": False, "description": "off"})
    other["replications"][0].update({"trigger": "manual", "schedule": None, "filters": {"name": "x/**"}, "flatten": -1})
    other["replications"][1].update({"delete": False, "enabled": False})
    other["garbage_collection"] = {"schedule": "0 7 * * *"}
    other["scan_all"] = {}
    for wanted in (other, everything):
        done = cluster.configure(**wanted)
        assert {action.split(" ")[0] for action in done["actions"]} == {"change"}
        assert len(done["actions"]) == 13, done["actions"]
        assert not cluster.configure(**wanted)["changed"]


def test_a_new_password_in_a_secret_reaches_harbor(
    cluster: Cluster, everything: dict[str, Any], upstream: LockedRegistry
) -> None:
    cluster.secret("upstream", username=upstream.username, password="MARKER-wrong")
    with pytest.raises(
        HarborError, match=r"Cannot change registry edge \(credential\): .*core has to reach"
    ) as refused:
        cluster.configure(**everything)
    assert "MARKER" not in str(refused.value)
    cluster.secret("upstream", username=upstream.username, password=upstream.password)
    assert not cluster.configure(**everything)["changed"]


def test_a_lost_password_of_a_robot_is_made_anew_and_works(
    cluster: Cluster, everything: dict[str, Any], harbor: Harbor
) -> None:
    before = cluster.read("robot-pull")["password"]
    for name, namespace in (("robot-pull", "harbor"), ("pull", "shop")):
        cluster.control_plane.kubectl("-n", namespace, "delete", "secret", name)
    assert len(cluster.configure(**everything)["actions"]) == 2
    assert before != cluster.read("robot-pull")["password"] == cluster.read("pull", "shop")["password"]
    test_a_robot_can_log_in_with_what_the_secret_holds(cluster, harbor)


def test_an_image_comes_through_the_path_that_nodes_are_told(
    cluster: Cluster, harbor: Harbor, upstream: LockedRegistry
) -> None:
    login = base64.b64encode(f"{upstream.username}:{upstream.password}".encode()).decode()
    trust = ssl.create_default_context(cafile=upstream.ca)
    manifest = Pusher(f"https://{upstream.address}", f"Basic {login}", trust).push("team/app", "1.0")
    # what containerd asks a mirror with override_path for
    mirror = next(one for one in documented_mirrors(ROOT) if one["name"] == "quay.io")
    path = urllib.parse.urlsplit(mirror["mirrors"][0]["url"]).path
    assert path == "/v2/quay.io"
    image = f"{path.removeprefix('/v2/')}/team/app"
    assert harbor.pull(image, "manifests/1.0") == manifest
    assert harbor.pull(image, f"blobs/{json.loads(manifest)['config']['digest']}") == b"{}"


def test_a_project_with_images_stays(cluster: Cluster, harbor: Harbor) -> None:
    until = time.monotonic() + UNTIL
    while not harbor.one("/projects", "quay.io")["repo_count"]:
        assert time.monotonic() < until, "the proxy cache keeps nothing"
        time.sleep(0.5)
    with pytest.raises(HarborError, match=r"project quay\.io holds 1 repositories and is not deleted with them"):
        cluster.configure(projects=[{"name": "quay.io", "state": "absent"}])


def test_at_its_address_harbor_is_the_same(cluster: Cluster, everything: dict[str, Any], harbor: Harbor) -> None:
    assert not cluster.configure(url=harbor.url, **everything)["changed"]
    projects = [{"name": "direct", "public": True}]
    assert cluster.configure(url=harbor.url, projects=projects)["actions"] == ["make project direct"]


def test_a_wrong_password_is_said_without_it(cluster: Cluster) -> None:
    cluster.secret("wrong", HARBOR_ADMIN_PASSWORD="MARKER-no")
    with pytest.raises(HarborError, match="Harbor does not accept the password of admin") as refused:
        cluster.configure(password_secret="wrong")
    assert "MARKER" not in str(refused.value)


def test_ansible_says_no_password_at_any_verbosity(
    cluster: Cluster, everything: dict[str, Any], tmp_path: Path
) -> None:
    task = {
        "kubestd.platform.harbor_configuration": {"kubeconfig": str(cluster.control_plane.kubeconfig), **everything}
    }
    cluster.control_plane.kubectl("-n", "harbor", "delete", "secret", "robot-ci")
    (tmp_path / "play.yml").write_text(yaml.safe_dump([{"hosts": "localhost", "gather_facts": False, "tasks": [task]}]))
    command = ["ansible-playbook", "-i", "localhost,", "-c", "local", "-vvv", "--diff", str(tmp_path / "play.yml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    text = done.stdout + done.stderr
    assert done.returncode == 0, text[-3000:]
    assert "make the Secret harbor/robot-ci of robot shop+ci" in text
    assert "MARKER" not in text and cluster.read("robot-ci")["password"] not in text


def test_the_role_brings_harbor_to_its_description(
    cluster: Cluster, upstream: LockedRegistry, harbor: Harbor, tmp_path: Path
) -> None:
    """The tasks of the role before and after the release, with its variables."""
    role = ROOT / "roles/harbor"
    first, _, last = yaml.safe_load((role / "tasks/main.yml").read_text())
    cache = {"name": "ghcr.io", "type": "docker-registry", "url": f"https://{upstream.address}"}
    given = {
        "component_kubeconfig": str(cluster.control_plane.kubeconfig),
        "harbor_proxy_caches": [
            {**cache, "ca": Path(upstream.ca).read_text(), "secret_name": "upstream", "quota": "1Gi"}
        ],
        "harbor_projects": [{"name": "direct", "members": [{"group": "everybody", "role": "guest"}]}],
        "harbor_robots": [
            {
                "name": "role",
                "permissions": [{"project": "direct", "access": ["repository:pull"]}],
                "secrets": [{"name": "robot-role"}],
            }
        ],
    }
    files = [str(role / "defaults/main.yml"), str(role / "vars/main.yml")]
    play = {"hosts": "localhost", "gather_facts": False, "vars_files": files, "tasks": [first, last]}
    (tmp_path / "play.yml").write_text(yaml.safe_dump([play]))

    def run(**more: Any) -> str:
        (tmp_path / "given.yml").write_text(yaml.safe_dump({**given, **more}))
        command = ["ansible-playbook", "-i", "localhost,", "-c", "local", "-v", "-e", f"@{tmp_path}/given.yml"]
        done = subprocess.run([*command, str(tmp_path / "play.yml")], capture_output=True, text=True, check=False)
        return done.stdout + done.stderr

    for action, changed, made in (("plan", 1, False), ("release", 1, True), ("release", 0, True), ("health", 0, True)):
        text = run(component_action=action)
        assert f"changed={changed} " in text and "failed=0" in text, text
        assert made == any(one["name"] == "ghcr.io" for one in harbor.ask("/projects"))
    wrong = run(harbor_projects=[{"name": "Direct"}])
    assert "The project 'Direct' has a name that Harbor refuses" in wrong and "failed=1" in wrong


def test_what_leaves_the_lists_leaves_harbor_where_asked(
    cluster: Cluster, everything: dict[str, Any], harbor: Harbor
) -> None:
    left = {**everything, "projects": everything["projects"][:2], "robots": [], "replications": []}
    left["registries"] = everything["registries"][:1]
    assert not cluster.configure(**left)["changed"]
    every = ["registries", "projects", "members", "robots", "replications"]
    done = cluster.configure(exclusive=every, **left)
    assert done["actions"] == [
        "delete replication out",
        "delete replication mirror",
        "delete robot shop+ci",
        "delete robot role",
        "delete robot pull",
        "delete project library",
        "delete project ghcr.io",
        "delete project direct",
        "delete project 0815",
        "delete registry ghcr.io",
        "delete registry edge",
    ]
    assert {one["name"] for one in harbor.ask("/projects")} == {"quay.io", "shop"}
    assert not cluster.configure(exclusive=every, **left)["changed"]


def test_the_environment_that_the_role_writes_is_what_the_core_takes(cluster: Cluster, harbor: Harbor) -> None:
    inventory = {
        "harbor_oidc": {"issuer": "https://sso.example.com", "groups_claim": "roles", "group_filter": "^harbor-"},
        "harbor_configuration": {"project_creation_restriction": "everyone", "robot_token_duration": 7},
        "harbor_admin_group": "harbor-admins",
    }
    values = record(ROOT / "roles/harbor", **inventory)["stages"][0]["releases"][0]["values"]
    variables = {one["name"]: one.get("value", "MARKER-oidc") for one in values["core"]["extraEnvVars"]}
    # the kubelet does this
    text = variables["CONFIG_OVERWRITE_JSON"].replace("$(OIDC_CLIENT_SECRET)", variables["OIDC_CLIENT_SECRET"])
    next(process for process in harbor.processes if process.name == "core").stop()
    harbor.core(CONFIG_OVERWRITE_JSON=text).answers(f"{harbor.url}/api/v2.0/ping")
    found = harbor.ask("/configurations")
    wanted = {name: said for name, said in json.loads(text).items() if name != "oidc_client_secret"}
    assert {name: found[name]["value"] for name in wanted} == wanted
    assert not found["oidc_admin_group"]["editable"]
    with pytest.raises(HarborError, match="is set by the environment of Harbor"):
        cluster.configure(configuration={"robot_token_duration": 8})
    assert not cluster.configure(configuration={"robot_token_duration": 7})["changed"]


if __name__ == "__main__":
    build(sys.argv[1])
