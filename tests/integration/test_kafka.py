# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role strimzi tells Kafka, on a real broker from Maven's jars: the check of its health, rights, and tokens of an issuer."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from ..contract.records import EVERYTHING, INVENTORIES, manifests, record
from ..contract.test_roles import merged
from .conftest import ROOT
from .control_plane import CACHE

ROLE = ROOT / "roles/strimzi"
VERSION = str(merged(ROLE, "defaults")["strimzi_kafka_version"])
# Strimzi's library for tokens; the version in its images may be newer than what Maven has
OAUTH = "0.17.1"
JARS = CACHE / f"kafka-{VERSION}"
DEPENDENCY = "<dependency><groupId>{}</groupId><artifactId>{}</artifactId><version>{}</version></dependency>"
NEEDED = [
    ("org.apache.kafka", "kafka_2.13", VERSION),
    ("org.apache.kafka", "kafka-tools", VERSION),
    ("io.strimzi", "kafka-oauth-server", OAUTH),
    ("io.strimzi", "kafka-oauth-client", OAUTH),
]
PROGRAMS = {"producer": "ConsoleProducer", "consumer": "consumer.ConsoleConsumer"}
PASSWORD = "a-password-of-the-test"


@cache
def jars() -> str:
    """Why there are no jars, or nothing."""
    if not shutil.which("java") or not shutil.which("mvn"):
        return "Kafka runs on Java and comes by Maven, of which one is not here"
    if not JARS.is_dir():
        part = JARS.with_suffix(".part")
        part.mkdir(parents=True, exist_ok=True)
        head = '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>'
        own = "<groupId>kubestd</groupId><artifactId>kafka</artifactId><version>1</version>"
        needs = "".join(DEPENDENCY.format(*one) for one in NEEDED)
        (part / "pom.xml").write_text(f"{head}{own}<dependencies>{needs}</dependencies></project>")
        command = ["mvn", "-q", "-B", "dependency:copy-dependencies", "-DoutputDirectory=."]
        done = subprocess.run(command, cwd=part, capture_output=True, text=True, check=False, timeout=300)
        if done.returncode:
            return f"Maven does not have the jars of Kafka {VERSION}: {done.stdout[-300:]}"
        part.rename(JARS)
    return ""


def java(program: str, *arguments: str, **more: Any) -> str:
    """Run one of Kafka's programs to its end."""
    command = ["java", "-Xmx256m", "-cp", f"{JARS}/*", program, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, **more)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def openssl(folder: Path, *arguments: str, stdin: bytes | None = None) -> bytes:
    return subprocess.run(["openssl", *arguments], cwd=folder, input=stdin, capture_output=True, check=True).stdout


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(one.getsockname()[1]) for one in sockets]
    for one in sockets:
        one.close()
    return ports


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Issuer:
    """The keys of a realm, as Keycloak shows them, and tokens that are signed with one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        openssl(folder, "genrsa", "-out", "token.key", "2048")
        modulus = openssl(folder, "rsa", "-in", "token.key", "-noout", "-modulus").decode().strip().partition("=")[2]
        key = {"kty": "RSA", "kid": "one", "use": "sig", "alg": "RS256", "e": "AQAB"}
        body = json.dumps({"keys": [{**key, "n": encoded(bytes.fromhex(modulus))}]}).encode()

        class Keys(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200 if self.path.endswith("/protocol/openid-connect/certs") else 404)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Keys)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/realms/platform"

    def token(self, user: str, **more: Any) -> str:
        now = int(time.time())
        claims = {"iss": self.url, "sub": user, "preferred_username": user, "typ": "Bearer", "iat": now, **more}
        parts = [{"alg": "RS256", "kid": "one", "typ": "JWT"}, {"exp": now + 600, **claims}]
        text = ".".join(encoded(json.dumps(part).encode()) for part in parts)
        return f"{text}.{encoded(openssl(self.folder, 'dgst', '-sha256', '-sign', 'token.key', stdin=text.encode()))}"


class Broker:
    """One node that is controller and broker, with the listeners and settings that the role describes for a small cluster."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.issuer = folder, Issuer(folder)
        inventory = {**INVENTORIES["small"], "platform_oidc": {"issuer": self.issuer.url}}
        own = {"strimzi_authentication": "scram-sha-512", "strimzi_authorization": "simple"}
        self.record = record(ROLE, **{**inventory, **own})
        self.spec = manifests(self.record, "Kafka")[0]["spec"]["kafka"]
        self.controller, self.inside, self.password, self.certificate, self.tokens = free_ports(5)
        self.certificates()
        (folder / "server.properties").write_text("\n".join(self.properties()))
        identity = java("kafka.tools.StorageTool", "random-uuid").split()[-1]
        users = [f"SCRAM-SHA-512=[name={name},password={PASSWORD}]" for name in ("probe", "other")]
        scram = [word for user in users for word in ("--add-scram", user)]
        level = ["-r", manifests(self.record, "Kafka")[0]["spec"]["kafka"]["metadataVersion"]]
        java("kafka.tools.StorageTool", "format", "-t", identity, "-c", "server.properties", *level, *scram, cwd=folder)
        command = ["java", "-Xmx512m", "-cp", f"{JARS}/*", "kafka.Kafka", "server.properties"]
        with (folder / "broker.log").open("wb") as log:
            self.process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
        self.home()

    def certificates(self) -> None:
        """An authority, the certificate of the broker, and that of a user."""
        new = ["req", "-newkey", "rsa:2048", "-nodes"]
        openssl(self.folder, *new, "-x509", "-days", "2", "-subj", "/CN=ca", "-keyout", "ca.key", "-out", "ca.crt")
        (self.folder / "names").write_text("subjectAltName=DNS:localhost")
        for name in ("broker", "probe"):
            openssl(self.folder, *new, "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr")
            sign = ["x509", "-req", "-in", f"{name}.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial"]
            openssl(self.folder, *sign, "-days", "2", "-extfile", "names", "-out", f"{name}.crt")
        parts = [(self.folder / name).read_text() for name in ("broker.key", "broker.crt")]
        (self.folder / "broker.pem").write_text("".join(parts))

    def properties(self) -> Iterator[str]:
        """What Strimzi makes of the listeners of the role, and the settings as they are."""
        oauth = next(one for one in self.spec["listeners"] if one["name"] == "oauth")
        names = {"TLS-9093": "SASL_SSL", "MUTUAL-9095": "SSL", "OAUTH-9094": "SASL_SSL"}
        ports = dict(zip(names, (self.password, self.certificate, self.tokens), strict=True))
        own = {"CONTROLLER-9090": self.controller, "REPLICATION-9091": self.inside}
        yield "process.roles=broker,controller"
        yield "node.id=0"
        yield f"controller.quorum.voters=0@localhost:{self.controller}"
        yield "listeners=" + ",".join(f"{name}://localhost:{port}" for name, port in {**own, **ports}.items())
        protocols = {**dict.fromkeys(own, "PLAINTEXT"), **names}
        yield "listener.security.protocol.map=" + ",".join(f"{name}:{kind}" for name, kind in protocols.items())
        yield "controller.listener.names=CONTROLLER-9090"
        yield "inter.broker.listener.name=REPLICATION-9091"
        for name in names:
            yield f"listener.name.{name.lower()}.ssl.keystore.type=PEM"
            yield f"listener.name.{name.lower()}.ssl.keystore.location={self.folder}/broker.pem"
        login = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
        yield "listener.name.tls-9093.sasl.enabled.mechanisms=SCRAM-SHA-512"
        yield f"listener.name.tls-9093.scram-sha-512.sasl.jaas.config={login}"
        yield "listener.name.mutual-9095.ssl.client.auth=required"
        yield "listener.name.mutual-9095.ssl.truststore.type=PEM"
        yield f"listener.name.mutual-9095.ssl.truststore.location={self.folder}/ca.crt"
        for key, value in oauth["authentication"]["listenerConfig"].items():
            yield f"listener.name.oauth-9094.{key}={value}"
        for key, value in self.spec["config"].items():
            yield f"{key}={json.dumps(value) if isinstance(value, bool) else value}"
        yield "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer"
        yield "super.users=User:ANONYMOUS"
        yield f"log.dirs={self.folder}/data"

    def home(self) -> None:
        """The folder that Kafka has in Strimzi's image, as far as the check uses it."""
        (self.folder / "kafka/bin").mkdir(parents=True)
        for name, program in PROGRAMS.items():
            path = self.folder / f"kafka/bin/kafka-console-{name}.sh"
            text = f'exec java $KAFKA_HEAP_OPTS -cp "{JARS}/*" org.apache.kafka.tools.{program} "$@"'
            path.write_text(f"#!/bin/sh\n{text}\n")
            path.chmod(0o755)

    def setup(self) -> None:
        """The topic and the rights of the check, as the operators would make them of its objects."""
        inside = ["--bootstrap-server", f"localhost:{self.inside}"]
        topic = next(
            item for item in manifests(self.record, "KafkaTopic") if item["metadata"]["name"] == "kubestd-probe"
        )
        spec = topic["spec"]
        settings = [word for key, value in spec["config"].items() for word in ("--config", f"{key}={value}")]
        count = ["--partitions", str(spec["partitions"]), "--replication-factor", str(spec["replicas"])]
        create = ["--create", "--topic", topic["metadata"]["name"], *count, *settings]
        java("org.apache.kafka.tools.TopicCommand", *inside, *create)
        user = next(item for item in manifests(self.record, "KafkaUser") if item["metadata"]["name"] == "probe")
        for acl in user["spec"]["authorization"]["acls"]:
            words = [f"--{acl['resource']['type']}", acl["resource"]["name"]]
            pattern = {"literal": "literal", "prefix": "prefixed"}[acl["resource"]["patternType"]]
            operations = [word for one in acl["operations"] for word in ("--operation", one)]
            names = ("probe", "CN=probe", "service-account-web")
            principals = [word for one in names for word in ("--allow-principal", f"User:{one}")]
            rule = [*words, "--resource-pattern-type", pattern, *operations, *principals]
            java("org.apache.kafka.tools.AclCommand", *inside, "--add", *rule)

    def check(self, port: int, **user: str) -> subprocess.CompletedProcess[str]:
        """Run the script of the check as its Job would, with these files in the Secret of its user."""
        where = self.folder / f"pod-{port}-{len(list(self.folder.glob('pod-*')))}"
        for name in ("ca", "user", "tmp"):
            (where / name).mkdir(parents=True)
        shutil.copy(self.folder / "ca.crt", where / "ca/ca.crt")
        for name, text in user.items():
            (where / "user" / name.replace("__", ".")).write_text(text)
        config = next(item for item in manifests(self.record, "ConfigMap") if item["metadata"]["name"] == "kafka-probe")
        script = re.sub(r"(?<=[ =])/(?=(ca|user|tmp)\b)", f"{where}/", config["data"]["probe.sh"])
        more = {"BOOTSTRAP": f"localhost:{port}", "KAFKA_HOME": f"{self.folder}/kafka", "HOSTNAME": where.name}
        environment = {**os.environ, **more, "KAFKA_HEAP_OPTS": "-Xmx128m"}
        return subprocess.run(
            ["sh", "-c", script], capture_output=True, text=True, check=False, env=environment, timeout=180
        )

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(30)
        self.issuer.server.shutdown()


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    if reason := jars():
        pytest.skip(reason)
    made = Broker(tmp_path_factory.mktemp("kafka"))
    try:
        made.setup()
        yield made
    finally:
        made.stop()


def scram(user: str, password: str = PASSWORD) -> str:
    login = "org.apache.kafka.common.security.scram.ScramLoginModule required"
    return f'{login} username="{user}" password="{password}";'


def test_the_check_reads_back_what_it_produced_with_a_password(broker: Broker) -> None:
    done = broker.check(broker.password, sasl__jaas__config=scram("probe"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("produced and read back ")


def test_the_check_reads_back_what_it_produced_with_a_certificate(broker: Broker) -> None:
    files = {f"user__{end}": (broker.folder / f"probe.{end}").read_text() for end in ("key", "crt")}
    done = broker.check(broker.certificate, **files)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_check_fails_for_a_user_without_rights_and_for_a_wrong_password(broker: Broker) -> None:
    for login in (scram("other"), scram("probe", "wrong")):
        done = broker.check(broker.password, sasl__jaas__config=login)
        assert done.returncode == 1 and "did not read it back" in done.stderr, done.stdout + done.stderr


def produce(broker: Broker, token: str) -> str:
    """What the producer says who comes with this token."""
    login = "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required"
    settings = {
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "OAUTHBEARER",
        "sasl.jaas.config": f'{login} oauth.access.token="{token}";',
        "sasl.login.callback.handler.class": "io.strimzi.kafka.oauth.client.JaasClientOauthLoginCallbackHandler",
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": f"{broker.folder}/ca.crt",
    }
    (broker.folder / "token.properties").write_text("\n".join(f"{key}={value}" for key, value in settings.items()))
    arguments = ["--bootstrap-server", f"localhost:{broker.tokens}", "--topic", "kubestd-probe"]
    more = ["--command-config", "token.properties", "--max-block-ms", "15000", "--request-required-acks", "all"]
    command = ["java", "-Xmx128m", "-cp", f"{JARS}/*", "org.apache.kafka.tools.ConsoleProducer", *arguments, *more]
    done = subprocess.run(
        command, input=f"{token[-40:]}\n", capture_output=True, text=True, check=False, cwd=broker.folder, timeout=60
    )
    return done.stdout + done.stderr


def arrived(broker: Broker, token: str) -> bool:
    """Whether what was sent with this token is in the topic."""
    end = ["--from-beginning", "--timeout-ms", "12000", "--bootstrap-server", f"localhost:{broker.inside}"]
    return token[-40:] in java("org.apache.kafka.tools.consumer.ConsoleConsumer", "--topic", "kubestd-probe", *end)


def test_a_token_of_the_issuer_is_taken_and_one_of_somebody_else_is_not(broker: Broker) -> None:
    good = broker.issuer.token("service-account-web")
    produce(broker, good)
    assert arrived(broker, good)
    for bad in (
        broker.issuer.token("service-account-web", iss="http://elsewhere/realms/platform"),
        broker.issuer.token("service-account-web", exp=int(time.time()) - 60),
        broker.issuer.token("service-account-shop"),
    ):
        produce(broker, bad)
        assert not arrived(broker, bad)


def test_settings_of_a_large_cluster_are_known_to_kafka(broker: Broker) -> None:
    names = {line.partition("=")[0] for line in broker.properties()}
    large = manifests(record(ROLE, **EVERYTHING), "Kafka")[0]["spec"]["kafka"]["config"]
    known = subprocess.run(
        ["java", "-cp", f"{JARS}/*", "kafka.server.KafkaConfig"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    ).stdout
    assert set(large) - names - {"replica.selector.class"} == set() and all(f'"{name}"' in known for name in large)
