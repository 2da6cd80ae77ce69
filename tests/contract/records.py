# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The records of all platform roles, evaluated for inventories that differ."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import jinja2
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

from .test_roles import merged

# What an inventory with everything sets.
EVERYTHING: dict[str, Any] = {
    "platform_domain": "example.com",
    "platform_gateway": {"name": "platform", "namespace": "gateway-system"},
    "platform_issuer": "platform",
    "platform_oidc": {"issuer": "https://keycloak.example.com/realms/platform"},
    "platform_monitoring": True,
    "platform_high_availability": True,
    "platform_storage_class": "ceph-block",
    "platform_object_store": {
        "endpoint": "https://rook-ceph-rgw-ceph-objectstore.rook-ceph.svc",
        "region": "us-east-1",
        "storage_class": "ceph-bucket",
        "ca": "-----BEGIN CERTIFICATE-----",
    },
    "rook_ceph_nodes": [{"name": f"w{number}", "devices": ["/dev/disk/by-id/nvme-1"]} for number in (1, 2, 3)],
    "rook_ceph_object_store_tls_secret": "object-store-tls",
    "postgresql_name": "harbor-database",
    "postgresql_namespace": "harbor",
    "postgresql_database": "registry",
    "valkey_name": "harbor-valkey",
    "valkey_namespace": "harbor",
    "metallb_pools": [
        {"name": "default", "addresses": ["192.0.2.10-192.0.2.20"], "interfaces": ["eth0"]},
        {
            "name": "routed",
            "addresses": ["198.51.100.0/24", "2001:db8::/120"],
            "advertise": "bgp",
            "auto_assign": False,
            "peers": ["r1"],
            "communities": ["64512:100"],
            "local_preference": 100,
            "aggregation_length": 24,
            "node_selector": {"rack": "a"},
        },
    ],
    "metallb_bgp_peers": [
        {"name": "r1", "my_asn": 64512, "peer_asn": 64513, "peer_address": "192.0.2.1", "bfd": True},
        {
            "name": "r2",
            "my_asn": 64512,
            "peer_asn": 64514,
            "peer_address": "2001:db8::1",
            "peer_port": 1790,
            "ebgp_multi_hop": True,
            "hold_time": "90s",
            "keepalive_time": "30s",
            "source_address": "2001:db8::2",
            "graceful_restart": True,
            "password_secret": "r2",
            "node_selector": {"rack": "a"},
        },
    ],
    "metallb_bfd": {"detect_multiplier": 5, "receive_interval": 200, "transmit_interval": 200, "minimum_ttl": 250},
    "argocd_notifications": {
        "secret_name": "notify",
        "slack": {"token_key": "slack-token", "username": "argocd"},
        "email": {"host": "mail.example.com", "from": "argocd@example.com", "username_key": "u", "password_key": "p"},
        "webhooks": [
            {"name": "chat", "url": "https://chat.example.com", "headers": [{"name": "Token", "value": "$chat-token"}]}
        ],
        "subscriptions": [{"recipients": ["slack:ops", "chat:"], "selector": "team=web"}],
    },
    "cert_manager_policies": [
        {"name": "web", "dns_names": ["*.web.example.com"]},
        {
            "name": "team-a",
            "namespaces": ["team-a-*"],
            "dns_names": ["a.example.com"],
            "ip_addresses": ["192.0.2.*"],
            "max_duration": "2160h",
        },
    ],
    "harbor_s3": {"bucket": "harbor", "region": "eu", "endpoint": "https://s3.example.com", "secret_name": "harbor-s3"},
    "harbor_database": {"host": "db.example.com", "username": "harbor", "secret_name": "harbor-db"},
    "harbor_redis": {"address": "redis.example.com:6379", "secret_name": "harbor-redis"},
    "platform_vault": {
        "server": "https://vault-active.vault.svc:8200",
        "ca_secret": {"name": "vault-tls", "namespace": "vault"},
    },
    "vault_pki": {"common_name": "Example", "allowed_domains": ["example.com"]},
    "vault_snapshots": {"bucket": "vault", "endpoint": "https://s3.example.com", "secret_name": "vault-s3"},
    "teleport_keycloak_systems": ["keycloak", "teleport", "teleport_agent"],
    "teleport_keycloak_database": {"host": "keycloak-database-rw", "secret_name": "keycloak-database-app"},
    "teleport_keycloak_ldap": [
        {
            "name": "ad",
            "url": "ldaps://ad.example.com",
            "bind_dn": "cn=reader,dc=example,dc=com",
            "secret_name": "ad-reader",
            "users_dn": "ou=people,dc=example,dc=com",
            "groups_dn": "ou=groups,dc=example,dc=com",
        }
    ],
    "teleport_keycloak_identity_providers": [
        {"name": "corporate", "client_id": "platform", "secret_name": "corporate", "settings": {"issuer": "https://id"}}
    ],
    "teleport_keycloak_teleport_database": {"host": "teleport-database-rw", "secret_name": "teleport-database-app"},
    "teleport_keycloak_teleport_recordings": {"bucket": "teleport", "region": "eu", "secret_name": "teleport-s3"},
    "cluster_endpoint": {"host": "192.0.2.9", "port": 8443},
    "cluster_kube_proxy": False,
    "cilium_gateway_api": True,
    "cilium_istio": True,
    "cilium_monitoring": True,
    "cilium_pools": [{"name": "default", "addresses": ["192.0.2.10-192.0.2.20", "198.51.100.0/24"]}],
    "cilium_l2_interfaces": ["^eth[0-9]+"],
    "cilium_l2_node_selector": {"rack": "a"},
    "calico_data_plane": "ebpf",
    "calico_routing": "bgp",
    "calico_istio": True,
    "calico_flow_logs": True,
    "calico_mtu": 1400,
    "calico_bgp_advertise": ["192.0.2.0/24"],
    "calico_bgp_peers": [
        {"name": "r1", "peer_address": "192.0.2.1", "peer_asn": 64513},
        {
            "name": "r2",
            "peer_address": "192.0.2.2:1790",
            "peer_asn": 64514,
            "node_selector": {"rack": "a", "zone": "b"},
            "keepalive_time": "30s",
            "graceful_restart": "120s",
            "ttl_security": 2,
            "password_secret": "r2",
        },
    ],
    "teleport_keycloak_agent": {"proxy": "teleport.example.com:443", "secret_name": "teleport-join", "cluster": "a"},
    "platform_telemetry": {
        "prometheus": "http://prometheus-operated.monitoring.svc:9090",
        "grafana": "http://grafana.monitoring.svc",
        "otlp": "http://otel-gateway-collector.monitoring.svc:4317",
        "grafana_public": "https://grafana.example.com",
        "tempo": "http://tempo.monitoring.svc:3200",
    },
    "platform_kafka": {"bootstrap": "platform-kafka-bootstrap.kafka.svc:9093", "ca_secret": "platform-cluster-ca-cert"},
    "knative_broker": "kafka",
    "knative_kafka_files": [
        {"url": "https://example.com/eventing-kafka-controller.yaml", "sha256": "0" * 64},
    ],
    "knative_brokers": [{"name": "default", "namespace": "shop"}],
    "knative_autoscaler": {"scale_to_zero": True, "stable_window": "90s", "target_concurrency": 50},
    "knative_registry_ca_secret": "registries",
    "knative_registries_without_digests": ["registry.example.com"],
    "kubeflow_parts": ["pipelines", "notebooks", "katib", "kserve", "trainer", "spark"],
    "kubeflow_archive": {"url": "https://example.com/kubeflow.tar.gz", "sha256": "1" * 64},
    "kubeflow_argo_archive": {"url": "https://example.com/argo.tar.gz", "sha256": "2" * 64},
    "kubeflow_allowed_groups": ["platform-editors"],
    "kubeflow_oidc_ca_secret": "keycloak-ca",
    "kubeflow_database": {"host": "mysql.example.com"},
    "kubeflow_katib_database": {"host": "katib-database-rw", "secret_name": "katib-database-app"},
    "kubeflow_profiles": [
        {
            "name": "team-a",
            "owner": "anna@example.com",
            "quota": {"requests.cpu": "20", "requests.nvidia.com/gpu": "2"},
            "contributors": [
                {"user": "Ben.B@example.com"},
                {"user": "cleo@example.com", "role": "view"},
            ],
        },
        {"name": "team-b", "owner": "ben.b@example.com"},
    ],
    "istio_mtls": "strict",
    "istio_ingress_gateway": True,
    "istio_waypoints": [{"namespace": "shop"}, {"namespace": "bank", "name": "front", "for": "all"}],
    "k8gb_zones": [
        {"zone": "cloud.example.com", "parent": "example.com"},
        {"zone": "cloud.example.org", "parent": "example.org", "negative_ttl": 60},
    ],
    "k8gb_geo_tag": "eu",
    "k8gb_external_geo_tags": ["us"],
    "k8gb_edge_dns": {"host": "ns1.example.com", "tsig_key_name": "k8gb", "tsig_secret_name": "edge-dns"},
    "k8gb_address": "192.0.2.53",
    "k8gb_address_pool": "default",
    "k8gb_records": [
        {"name": "web", "namespace": "shop", "route": "web"},
        {
            "name": "bank",
            "namespace": "bank",
            "route": "bank",
            "kind": "Ingress",
            "strategy": "failover",
            "primary_geo_tag": "us",
            "ttl": 60,
        },
    ],
}
NODE_PORTS: dict[str, Any] = {
    "gateway_api_service_type": "NodePort",
    "gateway_api_node_ports": {"http": 30080, "https": 30443},
    "gateway_api_proxy_protocol_from": ["192.0.2.0/28"],
}
# What a role's objects and values may depend on; a role that can do more adds to it.
INVENTORIES: dict[str, dict[str, Any]] = {
    "alone": {},
    "with everything": EVERYTHING,
    "small": {
        **EVERYTHING,
        "platform_high_availability": False,
        "platform_monitoring": False,
        "metallb_pools": [{"name": "default", "addresses": ["192.0.2.10-192.0.2.20"]}],
        "metallb_bgp_peers": [
            {"name": "r1", "my_asn": 64512, "peer_asn": 64513, "peer_address": "192.0.2.1", "bfd": True}
        ],
        "metallb_bfd": {},
        "cilium_advertise": "bgp",
        "cilium_hubble_issuer": "internal",
        "cilium_routing": "native",
        "cilium_bgp_advertise_pods": True,
        "cilium_bgp_node_selector": {"rack": "a"},
        "cilium_bgp_peers": [
            {"name": "r1", "peer_address": "192.0.2.1", "peer_asn": 64513},
            {
                "name": "r2",
                "peer_address": "2001:db8::1",
                "peer_asn": 64514,
                "peer_port": 1790,
                "ebgp_multi_hop": 2,
                "hold_time": 9,
                "keepalive_time": 3,
                "graceful_restart": 120,
                "password_secret": "r2",
            },
        ],
        "calico_routing": "vxlan_cross_subnet",
        "calico_bgp_peers": [],
        "calico_bgp_advertise": [],
        "argocd_notifications": {"webhooks": [{"name": "chat", "url": "https://chat.example.com"}]},
        "harbor_s3": {},
    },
    "http only": {"platform_gateway": {"name": "platform", "namespace": "gateway-system"}},
    "openbao": {**EVERYTHING, "vault_implementation": "openbao", "vault_seal": {"type": "transit"}},
    "node ports": {**EVERYTHING, **NODE_PORTS},
    "nginx": {**EVERYTHING, **NODE_PORTS, "gateway_api_implementation": "nginx_gateway_fabric"},
    "traefik": {**EVERYTHING, **NODE_PORTS, "gateway_api_implementation": "traefik"},
    "kong": {**EVERYTHING, "gateway_api_node_ports": {"https": 30443}, "gateway_api_implementation": "kong"},
    "kgateway": {**EVERYTHING, "gateway_api_node_ports": {"http": 30080}, "gateway_api_implementation": "kgateway"},
    "gateway of istio": {
        **EVERYTHING,
        "gateway_api_node_ports": {"http": 30080},
        "gateway_api_implementation": "istio",
        "groups": {"platform": ["gateway_api", "istio"]},
    },
    "small kubeflow": {
        **EVERYTHING,
        "kubeflow_parts": ["notebooks"],
        "kubeflow_oidc_ca_secret": "",
        "platform_high_availability": False,
        "groups": {"platform": ["istio", "kubeflow"]},
    },
    "kubeflow with a bucket that is there": {
        **EVERYTHING,
        "platform_object_store": {
            "endpoint": "http://s3.example.com:9000",
            "buckets": {"kubeflow": "models"},
            "secret_name": "s3",
        },
    },
    "knative through the Gateway API": {**EVERYTHING, "knative_ingress": "gateway_api"},
    "knative through a Gateway of istio": {
        **EVERYTHING,
        "knative_ingress": "gateway_api",
        "gateway_api_implementation": "istio",
        "gateway_api_proxy_protocol_from": [],
        "groups": {"platform": ["gateway_api", "istio"]},
    },
    "knative through istio": {**EVERYTHING, "knative_ingress": "istio", "groups": {"platform": ["istio"]}},
    "knative with an address": {
        **EVERYTHING,
        "platform_gateway": {},
        "knative_address": "192.0.2.30",
        "platform_kafka": {
            "bootstrap": "kafka:9093",
            "ca_secret": "ca",
            "user_secret": "knative",
            "authentication": "tls",
            "partitions": 3,
            "replication_factor": 2,
        },
    },
    "gateway of cilium": {**EVERYTHING, "gateway_api_implementation": "cilium", "cni_implementation": "cilium"},
    "sidecar": {
        **EVERYTHING,
        "istio_mode": "sidecar",
        "istio_mtls": "permissive",
        "istio_waypoints": [],
        "istio_kiali_rbac": False,
        "platform_telemetry": {},
        "k8gb_edge_dns": {
            **EVERYTHING["k8gb_edge_dns"],
            "port": 5353,
            "tsig_algorithm": "hmac-sha512",
            "tsig_secret_key": "key",
        },
        "k8gb_address": "",
    },
    "acme": {
        **EVERYTHING,
        "cert_manager_acme": {
            "server": "https://acme.example.com/directory",
            "email": "ops@example.com",
            "solvers": [{"http01": {"gatewayHTTPRoute": {"parentRefs": [{"name": "platform", "kind": "Gateway"}]}}}],
        },
    },
}


def trusted(value: Any) -> Any:
    """Templates that may be evaluated."""
    if isinstance(value, dict):
        return {key: trusted(item) for key, item in value.items()}
    if isinstance(value, list):
        return [trusted(item) for item in value]
    return trust_as_template(value) if isinstance(value, str) else value


def value(role: Path, name: str, **inventory: Any) -> Any:
    """A variable of a role, evaluated."""
    return json.loads(evaluated(role, name, json.dumps(inventory, sort_keys=True)))


def record(role: Path, **inventory: Any) -> dict[str, Any]:
    """The record of a platform role, evaluated."""
    return dict(value(role, f"__{role.name}_record", **inventory))


def manifests(found: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    """The objects of a kind that a record has."""
    return [item for stage in found["stages"] for item in stage.get("manifests", []) if item["kind"] == kind]


def values(found: dict[str, Any], release: str) -> Any:
    """The values of a release that a record has."""
    return next(
        one["values"] for stage in found["stages"] for one in stage.get("releases", []) if one["name"] == release
    )


class OnceCompiled:
    """Within it a template is compiled once, and not once for each Templar: the same few thousand are most of the time of the tests."""

    codes: ClassVar[dict[tuple[type, str], Any]] = {}

    def __enter__(self) -> None:
        self.before = jinja2.Environment.compile

        def compile_once(environment: jinja2.Environment, source: Any, *rest: Any, **more: Any) -> Any:
            if rest or more or not isinstance(source, str):
                return self.before(environment, source, *rest, **more)
            key = (type(environment), str(source))
            if key not in self.codes:
                self.codes[key] = self.before(environment, source)
            return self.codes[key]

        jinja2.Environment.compile = compile_once  # type: ignore[method-assign]

    def __exit__(self, *_: object) -> None:
        jinja2.Environment.compile = self.before  # type: ignore[method-assign]


@cache
def evaluated(role: Path, name: str, inventory: str) -> str:
    """A variable as JSON; many tests ask for the same one."""
    variables = trusted({**merged(role, "defaults"), **merged(role, "vars"), **json.loads(inventory)})
    with OnceCompiled():
        return json.dumps(Templar(DataLoader(), variables=variables).template(variables[name]))


def platform_roles(checkout: Path) -> list[Path]:
    """Roles that hand a record to the mechanism."""
    return [role for role in sorted((checkout / "roles").glob("*/")) if f"__{role.name}_record" in merged(role, "vars")]


@cache
def releases(checkout: Path) -> list[tuple[str, str, dict[str, Any]]]:
    """Role, inventory and release, for all of them."""
    return [
        (role.name, name, release)
        for role in platform_roles(checkout)
        for name, inventory in INVENTORIES.items()
        for stage in record(role, **inventory)["stages"]
        for release in stage.get("releases", [])
    ]
