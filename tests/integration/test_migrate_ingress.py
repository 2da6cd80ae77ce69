# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From ingress-nginx to a Gateway and back, on a real API server with the real CRDs and the real ingress2gateway; traffic is played."""

from __future__ import annotations

import json
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from .control_plane import free_port, ingress2gateway
from .standins import module_answer
from .test_platform import Platform

OLD, NEW, BRIDGE = "127.0.0.1", "127.0.0.2", "127.0.0.3"
NGINX = "nginx.ingress.kubernetes.io/"
GATEWAY = {"name": "platform", "namespace": "gateway-system"}


class Carrier:
    """Somebody who answers for hosts, at an address of loopback: status(host, path) says what."""

    def __init__(self, address: str, port: int, status: Callable[[str, str], int]) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(status(self.headers["Host"].partition(":")[0], self.path))
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer((address, port), Handler)
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()


def ingress(name: str, host: str, path: str = "/", tls: bool = False, **annotations: str) -> dict[str, Any]:
    backend = {"service": {"name": name, "port": {"number": 80}}}
    rule = {"host": host, "http": {"paths": [{"path": path, "pathType": "Prefix", "backend": backend}]}}
    spec: dict[str, Any] = {"ingressClassName": "nginx", "rules": [rule]}
    if tls:
        spec["tls"] = [{"hosts": [host], "secretName": f"{name}-tls"}]
    told = {NGINX + key.replace("_", "-"): value for key, value in annotations.items()}
    metadata = {"name": name, "namespace": "shop", "annotations": told}
    return {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": metadata, "spec": spec}


INGRESSES = [
    ingress("web", "web.example.test", rewrite_target="/shop"),
    ingress("api", "api.example.test", "/v1", configuration_snippet="more_clear_headers Server;"),
    ingress("pay", "pay.example.test", tls=True),
]
FOREIGN = ingress("other", "other.example.test")
FOREIGN["spec"]["ingressClassName"] = "traefik"
# What ingress-nginx says; a login page is as good as any
STATUS = {"web.example.test": 302, "api.example.test": 200, "pay.example.test": 308}


class Site(Platform):
    """A cluster whose only system is the Gateway, beside Ingresses of ingress-nginx."""

    def start(self) -> None:
        self.port = free_port()
        self.broken: set[str] = set()
        self.carriers = [
            Carrier(OLD, self.port, lambda host, _: STATUS.get(host, 404)),
            Carrier(NEW, self.port, self.by_route),
            Carrier(BRIDGE, self.port, lambda host, _: STATUS.get(host, 404)),
        ]
        super().start()

    def inventory(self, hostvars: dict[str, dict[str, Any]], **platform: Any) -> None:
        own = {
            # there is no issuer, so no https
            "platform_issuer": "",
            "gateway_api_implementation": "traefik",
            "migrate_ingress_program": str(ingress2gateway()),
            "migrate_ingress_folder": str(self.folder / "review"),
            "migrate_ingress_http_port": self.port,
            "migrate_ingress_new_address": NEW,
            "migrate_ingress_bridge_address": BRIDGE,
            "migrate_ingress_timeout": 10,
        }
        super().inventory(hostvars, **{**own, **platform})

    def by_route(self, host: str, path: str) -> int:
        """What a Gateway says: 404 until a route is there for the host, then what the backend says."""
        if host in self.broken:
            return 503
        for item in json.loads(self.control_plane.kubectl("get", "httproutes", "-A", "-o", "json"))["items"]:
            parents = {(one["name"], one.get("namespace")) for one in item["spec"]["parentRefs"]}
            if host in item["spec"]["hostnames"] and (GATEWAY["name"], GATEWAY["namespace"]) in parents:
                return STATUS[host]
        return 404

    def migrate(self, action: str) -> Any:
        return self.play("-e", f"migrate_ingress_action={action}", playbook="migrate_ingress")

    def ask(self, name: str, **options: Any) -> dict[str, Any]:
        return module_answer(self.control_plane, name, **options)

    def converted(self, **options: Any) -> dict[str, Any]:
        given = {
            "state": "converted",
            "folder": str(self.folder / "review"),
            "program": str(ingress2gateway()),
            "gateway": GATEWAY,
        }
        return self.ask("ingress_migration", **{**given, **options})

    def routes(self) -> set[str]:
        return set(self.control_plane.kubectl("get", "httproutes", "-A", "-o", "name").split())

    def stop(self) -> None:
        for carrier in self.carriers:
            carrier.stop()
        super().stop()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    made = Site(tmp_path_factory.mktemp("migrate"), {"network": ["gateway_api"]})
    try:
        made.start()
        made.play()
        plane = made.control_plane
        plane.kubectl("create", "namespace", "shop")
        classes = {"apiVersion": "networking.k8s.io/v1", "kind": "IngressClass", "metadata": {"name": "nginx"}}
        classes["spec"] = {"controller": "k8s.io/ingress-nginx"}  # type: ignore[assignment]
        text = "\n---\n".join(json.dumps(item) for item in [classes, *INGRESSES, FOREIGN])
        plane.kubectl("apply", "-f", "-", stdin=text)
        status = json.dumps({"status": {"loadBalancer": {"ingress": [{"ip": OLD}]}}})
        for item in INGRESSES:
            name = item["metadata"]["name"]
            plane.kubectl("-n", "shop", "patch", "ingress", name, "--subresource=status", "--type=merge", "-p", status)
        yield made
    finally:
        made.stop()


@pytest.fixture(scope="module")
def review(site: Site) -> Path:
    """The folder after the conversion."""
    result = site.migrate("convert")
    assert "shop/api | api.example.test | lost" in result.text
    return site.folder / "review"


def test_the_gateway_was_installed_with_the_policy_that_guards_its_crds(site: Site) -> None:
    kinds = "validatingadmissionpolicybindings"
    assert "safe-upgrades.gateway.networking.k8s.io" in site.control_plane.kubectl("get", kinds, "-o", "name")
    assert "gateway" in site.control_plane.kubectl("-n", "gateway-system", "get", "networkpolicies", "-o", "name")


def test_the_inventory_is_of_one_class_and_changes_nothing(site: Site) -> None:
    said = site.ask("ingress_migration")
    assert not said["changed"] and said["files"] == []
    words = {one["name"]: (one["becomes"], one["address"]) for one in said["ingresses"]}
    assert words == {"shop/web": ("translated", OLD), "shop/api": ("lost", OLD), "shop/pay": ("look", OLD)}
    assert site.ask("ingress_migration", namespaces=["none"])["ingresses"] == []


def test_check_mode_writes_nothing(site: Site, tmp_path: Path) -> None:
    said = site.converted(folder=str(tmp_path / "never"), check=True)
    assert said["changed"] and said["files"] and not (tmp_path / "never").exists()


def test_a_program_that_is_not_there_or_fails_is_a_sentence(site: Site, tmp_path: Path) -> None:
    said = site.converted(folder=str(tmp_path), program="/nowhere/ingress2gateway")
    assert said["failed"] and "install ingress2gateway 1.1.0" in said["msg"]
    assert "failed: " in site.converted(folder=str(tmp_path), program="/bin/false")["msg"]
    said = site.converted(folder=str(tmp_path), gateway={"name": "none", "namespace": "default"})
    assert "There is no Gateway default/none" in said["msg"]


def test_routes_and_a_report_wait_for_a_review(site: Site, review: Path) -> None:
    text = (review / "REPORT.md").read_text()
    assert "| shop/api | configuration-snippet | it is text for nginx |" in text
    assert "Unsupported annotation nginx.ingress.kubernetes.io/configuration-snippet" in text
    assert "no listener of the Gateway serves pay.example.test" in text  # there is no issuer, so no https
    names = {path.name for path in (review / "routes").iterdir()}
    assert "shop.httproute.web-web-example-test.yaml" in names and not any("gateway" in name for name in names)
    web = yaml.safe_load((review / "routes/shop.httproute.web-web-example-test.yaml").read_text())
    assert web["spec"]["parentRefs"] == [GATEWAY] and "status" not in web
    assert site.routes() == set()


def test_a_second_conversion_writes_nothing_and_keeps_what_people_changed(site: Site, review: Path) -> None:
    assert not site.converted()["changed"]
    # what only people can do: no https here, so nobody is sent to it
    (review / "routes/shop.httproute.pay-pay-example-test.yaml").unlink()
    changed = review / "routes/shop.httproute.api-api-example-test.yaml"
    changed.write_text("# reviewed\n" + changed.read_text())
    said = site.converted()
    assert len(said["kept"]) == 2 and "was edited and stays" in said["report"]
    assert changed.read_text().startswith("# reviewed")
    assert not (review / "routes/shop.httproute.pay-pay-example-test.yaml").exists()
    assert not site.converted()["changed"]


def test_the_bridge_serves_the_same_ingresses_beside_ingress_nginx(site: Site, review: Path) -> None:
    result = site.migrate("bridge")
    assert f"answered well at {BRIDGE}" in result.text
    deployed = site.control_plane.kubectl(
        "-n", "migrate-ingress", "get", "deployments", "-o", "jsonpath={.items[*].spec.replicas}"
    )
    assert deployed == "2" and site.routes() == set()


def test_a_host_that_does_not_answer_as_before_is_named(site: Site, review: Path) -> None:
    files = [str(path) for path in sorted((review / "routes").glob("*.yaml"))]
    given = {"files": files, "address": NEW, "reference": OLD, "http_port": site.port, "timeout": 0}
    said = site.ask("gateway_answers", **given)
    assert said["failed"] and "http://api.example.test/v1 answers 404 and the old address 200" in said["wrong"]
    assert site.ask("gateway_answers", **given, check=True)["asked"] == said["asked"]


def test_switching_applies_the_reviewed_routes_and_proves_every_host(site: Site, review: Path) -> None:
    result = site.migrate("switch")
    assert f"3 requests were answered well at {NEW}" in result.text
    assert len(site.routes()) == 3
    site.broken.add("api.example.test")
    files = [str(review / "routes/shop.httproute.api-api-example-test.yaml")]
    said = site.ask("gateway_answers", files=files, address=NEW, http_port=site.port, timeout=0)
    assert "1 of 1 answers at 127.0.0.2 are not good: http://api.example.test/v1 answers 503." in said["msg"]


def test_going_back_takes_away_what_was_made_and_leaves_the_ingresses(site: Site, review: Path) -> None:
    site.migrate("back")
    assert site.routes() == set()
    assert len(site.control_plane.kubectl("get", "ingresses", "-A", "-o", "name").split()) == 4
    assert not site.control_plane.kubectl("-n", "migrate-ingress", "get", "deployments", "-o", "name")
    assert (review / "REPORT.md").exists()


def test_https_is_asked_with_the_name_of_the_host_and_its_certificate(tmp_path: Path, site: Site) -> None:
    key, certificate = tmp_path / "tls.key", tmp_path / "tls.crt"
    names = [
        "-addext",
        "subjectAltName=DNS:*.example.test",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
    ]
    command = ["openssl", "req", "-x509", "-subj", "/CN=test", *names, "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True)
    port = free_port()
    carrier = Carrier(OLD, port, lambda host, _: STATUS.get(host, 404))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    carrier.server.socket = context.wrap_socket(carrier.server.socket, server_side=True)
    route = {"kind": "HTTPRoute", "spec": {"parentRefs": [{"sectionName": "https"}], "hostnames": ["web.example.test"]}}
    (tmp_path / "route.yaml").write_text(json.dumps(route))
    given = {"files": [str(tmp_path / "route.yaml")], "address": OLD, "https_port": port, "timeout": 0}
    try:
        assert site.ask("gateway_answers", **given, tls_ca=str(certificate))["asked"] == ["https://web.example.test/"]
        assert "certificate verify failed" in site.ask("gateway_answers", **given)["msg"]
        assert "failed" not in site.ask("gateway_answers", **given, tls_verify=False)
    finally:
        carrier.stop()
