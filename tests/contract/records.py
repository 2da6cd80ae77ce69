# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The records of all platform roles, evaluated for inventories that differ."""

from __future__ import annotations

import hashlib
import json
import os
import re
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import jinja2
from ansible import __version__ as ansible_version
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

from .test_roles import merged

CACHE = Path(os.environ.get("KUBESTD_CACHE") or Path.home() / ".cache/kubestd")

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
        "vault_path": "argocd/notify",
        "slack": {"token_key": "slack-token", "username": "argocd"},
        "email": {"host": "mail.example.com", "from": "argocd@example.com", "username_key": "u", "password_key": "p"},
        "webhooks": [
            {"name": "chat", "url": "https://chat.example.com", "headers": [{"name": "Token", "value": "$chat-token"}]}
        ],
        "subscriptions": [{"recipients": ["slack:ops", "chat:"], "selector": "team=web"}],
    },
    "argocd_gateway_plugin": {
        "url": "https://github.com/argoproj-labs/rollouts-plugin-trafficrouter-gatewayapi/releases/download/v0.15.0/"
        "gatewayapi-plugin-linux-amd64",
        "sha256": "a" * 64,
    },
    "argocd_policies": ["p, role:deployer, applications, sync, shop/*, allow"],
    "argocd_controller_shards": 2,
    "argocd_repositories": [
        {"name": "charts", "url": "harbor.example.com/charts", "type": "helm", "oci": True},
        {
            "name": "shop",
            "url": "https://git.example.com/shop/deploy.git",
            "project": "shop",
            "vault": {"path": "argocd/shop", "username": "user", "password": "token"},
        },
        {
            "name": "github",
            "url": "https://github.com/example",
            "template": True,
            "github_app_id": "1",
            "github_app_installation_id": "2",
            "vault": {"path": "argocd/github", "github_app_private_key": "key"},
        },
    ],
    "argocd_clusters": [
        {
            "name": "edge",
            "server": "https://edge.example.com:6443",
            "ca": "-----BEGIN CERTIFICATE-----",
            "labels": {"place": "edge"},
            "namespaces": ["shop"],
            "shard": 1,
            "vault": {"path": "argocd/edge", "bearer_token": "token"},
        },
        {
            "name": "old",
            "server": "https://old.example.com:6443",
            "vault": {"path": "argocd/old", "client_certificate": "crt", "client_key": "key"},
        },
    ],
    "argocd_projects": [
        {
            "name": "shop",
            "description": "The shop",
            "source_repos": ["https://git.example.com/shop/*"],
            "destinations": [{"server": "https://kubernetes.default.svc", "namespace": "shop"}],
            "cluster_resources": [{"group": "", "kind": "Namespace"}],
            "namespace_resources_denied": [{"group": "", "kind": "ResourceQuota"}],
            "roles": [{"name": "deployer", "policies": ["p, proj:shop:deployer, applications, sync, shop/*, allow"]}],
            "sync_windows": [{"kind": "deny", "schedule": "0 0 * * 6", "duration": "48h", "applications": ["*"]}],
            "orphaned_resources": True,
        }
    ],
    "argocd_application_sets": [
        {
            "name": "shop",
            "generators": [{"clusters": {"selector": {"matchLabels": {"place": "edge"}}}}],
            "template": {
                "metadata": {"name": "shop-of-a-cluster"},
                "spec": {
                    "project": "shop",
                    "source": {
                        "repoURL": "https://git.example.com/shop/deploy.git",
                        "path": ".",
                        "targetRevision": "main",
                    },
                    "destination": {"name": "edge", "namespace": "shop"},
                },
            },
        }
    ],
    "argocd_image_registries": [
        {
            "name": "harbor",
            "api_url": "https://harbor.example.com",
            "prefix": "harbor.example.com",
            "pull_secret": "pull",
        }
    ],
    "argocd_image_updaters": [
        {
            "name": "shop",
            "applications": [
                {
                    "name": "shop-*",
                    "labels": {"team": "shop"},
                    "images": [
                        {
                            "alias": "web",
                            "image": "harbor.example.com/shop/web:1.x",
                            "ignore_tags": ["*-rc*"],
                            "helm_name": "image.name",
                            "helm_tag": "image.tag",
                        },
                        {"alias": "api", "image": "harbor.example.com/shop/api:main", "strategy": "digest"},
                    ],
                },
                {"name": "other"},
            ],
            "write_back": {"method": "git:secret:argocd/git", "branch": "main", "target": "helmvalues:values.yaml"},
        }
    ],
    "github_runners_image": f"ghcr.io/actions/actions-runner:2.330.0@sha256:{'0' * 64}",
    "github_runners_dind_image": f"docker.io/library/docker:29-dind@sha256:{'1' * 64}",
    "github_runners_allow_privileged": True,
    "github_runners_server_ca": "-----BEGIN CERTIFICATE-----",
    "github_runners_proxy": {
        "https": {"url": "http://proxy.example.com:3128", "secret_name": "proxy"},
        "no_proxy": ["10.96.0.1", "github.example.com"],
    },
    "github_runners_scale_sets": [
        {"name": "small", "url": "https://github.com/example", "secret_name": "github-app", "vault_path": "github/app"},
        {
            "name": "containers",
            "namespace": "arc-containers",
            "url": "https://github.example.com/team/shop/",
            "secret_name": "github-app",
            "group": "shop",
            "labels": ["amd64"],
            "min_runners": 1,
            "max_runners": 5,
            "mode": "kubernetes",
            "require_container": False,
            "work_volume": {"size": "20Gi", "access_mode": "ReadWriteMany"},
            "node_selector": {"builds": "yes"},
            "tolerations": [{"key": "builds", "operator": "Exists"}],
            "resources": {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"memory": "2Gi"}},
        },
        {
            "name": "plain",
            "namespace": "arc-containers",
            "url": "https://github.com/enterprises/example",
            "secret_name": "github-app",
            "mode": "kubernetes-novolume",
            "proxy": {"http": {"url": "http://proxy.example.com:3128"}, "no_proxy": ["10.96.0.1"]},
        },
        {
            "name": "images",
            "namespace": "arc-images",
            "url": "https://github.com/example",
            "secret_name": "github-token",
            "mode": "dind",
        },
    ],
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
    "gateway_api_keep_escaped_slashes": True,
    "gitlab_database": {"host": "gitlab-database-rw", "secret_name": "gitlab-database-app"},
    "gitlab_redis": {
        "host": "gitlab-valkey",
        "sentinels": [{"host": "gitlab-valkey-sentinel"}],
        "secret_name": "gitlab-valkey-generated",
    },
    "gitlab_email": {"host": "mail.example.com", "username": "gitlab", "secret_name": "gitlab-mail"},
    "gitlab_ssh": True,
    "gitlab_runners": [{"name": "shared", "token_secret": "runner-shared"}],
    "jenkins_agents": [
        {"name": "maven", "image": "docker.io/library/maven:3.9.11-eclipse-temurin-21", "memory": "3Gi"},
        {"name": "go", "image": "golang:1.26@sha256:" + "0" * 64, "labels": ["go", "small"]},
    ],
    "jenkins_permissions": [{"user": "robot", "permissions": ["Overall/Read", "Job/Build"]}],
    "jenkins_plugin_mirror": {
        "update_center": "https://mirror.example.com/update-center.actual.json",
        "plugin_info": "https://mirror.example.com/plugin-versions.json",
        "download": "https://mirror.example.com/download",
    },
    "jenkins_configuration": {"banner": {"jenkins": {"systemMessage": "Builds of the platform"}}},
    "jenkins_secrets": [{"secret_name": "deploy-key", "key": "password"}],
    "platform_ca": "-----BEGIN CERTIFICATE-----",
    "harbor_database": {"host": "db.example.com", "username": "harbor", "secret_name": "harbor-db"},
    "harbor_redis": {"address": "redis.example.com:6379", "secret_name": "harbor-redis"},
    "harbor_proxy_caches": [{"name": name} for name in ("docker.io", "quay.io", "ghcr.io", "registry.k8s.io")],
    "harbor_projects": [{"name": "shop", "scan_on_push": True, "members": [{"group": "shop-developers"}]}],
    "harbor_configuration": {"project_creation_restriction": "adminonly"},
    "harbor_trivy_database": {"repositories": ["harbor.example.com/ghcr.io/aquasecurity/trivy-db"]},
    "harbor_mirror": {"registry": "mirror.example.com:5000"},
    "harbor_ca_secret": "platform-ca",
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
        "alertmanager": "http://alertmanager-operated.monitoring.svc:9093",
        "loki": "http://loki-gateway.monitoring.svc",
        "opensearch": "https://opensearch.monitoring.svc:9200",
    },
    "falco_audit": True,
    "falco_opensearch": {"secret_name": "falco-opensearch", "ca_secret": "opensearch-ca"},
    "falco_artifact_ca_secret": "registry-ca",
    "falco_artifact_login_secret": "registry-login",
    "falco_outputs_secret": "falco-outputs",
    "falco_rules": [
        {"name": "shop", "rules": [{"macro": "shop", "condition": "k8s.ns.name = shop"}]},
        {"name": "api", "source": "k8s_audit", "rules": [{"list": "allowed_namespaces", "items": ["shop"]}]},
    ],
    "kubevirt_probe": True,
    "kubevirt_instance_types": [
        {"name": "small", "cpu": 2, "memory": "4Gi"},
        {
            "name": "fast",
            "cpu": 4,
            "memory": "8Gi",
            "dedicated_cpu": True,
            "hugepages": "1Gi",
            "node_selector": {"a": "b"},
        },
    ],
    "kubevirt_preferences": [{"name": "virtio", "spec": {"devices": {"preferredDiskBus": "virtio"}}}],
    "kubevirt_storage_profiles": [
        {"storage_class": "ceph-block", "access_modes": ["ReadWriteMany"], "clone_strategy": "csi-clone"}
    ],
    "kubevirt_state_storage_class": "ceph-filesystem",
    "kubevirt_machines": [
        {
            "name": "web",
            "namespace": "machines",
            "instance_type": "small",
            "preference": "virtio",
            "image": "quay.io/containerdisks/debian@sha256:" + "0" * 64,
            "disk": "20Gi",
            "cloud_init_secret": "web",
            "network": "lan",
            "eviction_strategy": "LiveMigrateIfPossible",
            "node_selector": {"rack": "a"},
            "labels": {"app": "web"},
        }
    ],
    "platform_kafka": {"bootstrap": "platform-kafka-bootstrap.kafka.svc:9093", "ca_secret": "platform-cluster-ca-cert"},
    "knative_broker": "kafka",
    "knative_kafka_files": [
        {"url": "https://example.com/eventing-kafka-controller.yaml", "sha256": "0" * 64},
    ],
    "knative_brokers": [{"name": "default", "namespace": "shop"}],
    "knative_autoscaler": {"scale_to_zero": True, "stable_window": "90s", "target_concurrency": 50},
    "knative_registry_ca_secret": "registries",
    "knative_registries_without_digests": ["registry.example.com"],
    "observability_control_plane": True,
    "observability_grafana_database": {"host": "grafana-database-rw", "secret_name": "grafana-database-app"},
    "observability_remote_write": [
        {
            "name": "long",
            "url": "https://metrics.example.com/write",
            "basic_auth_secret": "long",
            "ca_secret": "long-ca",
        },
        {
            "name": "tenant",
            "url": "http://mimir.example.com/api/v1/push",
            "token_secret": "tenant",
            "headers": {"X-Scope-OrgID": "a"},
            "only": "job:.*",
            "exemplars": False,
            "settings": {"queueConfig": {"maxShards": 20}},
        },
    ],
    "observability_alert_receivers": [
        {
            "name": "ops",
            "to": [
                {"kind": "slack", "secret_name": "alerts", "settings": {"channel": "#ops"}},
                {"kind": "email", "settings": {"to": "ops@example.com"}},
            ],
        },
        {"name": "on-call", "to": [{"kind": "pagerduty", "secret_name": "alerts", "secret_key": "key"}]},
        {
            "name": "outside",
            "to": [{"kind": "webhook", "secret_name": "watchdog", "settings": {"send_resolved": False}}],
        },
    ],
    "observability_alert_routes": [
        {"receiver": "on-call", "matchers": ['severity="critical"'], "continue": True},
        {"receiver": "none", "matchers": ['namespace="sandbox"'], "mute_time_intervals": ["night"]},
    ],
    "observability_alert_default": "ops",
    "observability_alert_watchdog": "outside",
    "observability_alert_smtp": {
        "host": "mail.example.com:587",
        "from": "alerts@example.com",
        "username": "alerts",
        "secret_name": "alerts-mail",
    },
    "observability_alert_mute_times": [
        {"name": "night", "intervals": [{"times": [{"start_time": "22:00", "end_time": "24:00"}]}]}
    ],
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
    "clickhouse_shards": 2,
    "clickhouse_zone_key": "topology.kubernetes.io/zone",
    "clickhouse_settings": {"max_concurrent_queries": 200},
    "clickhouse_users": [
        {
            "name": "shop",
            "namespaces": ["shop"],
            "grants": ["GRANT SELECT ON shop.*"],
            "settings": {"max_memory_usage": 1000000000},
        },
        {"name": "idle"},
    ],
    "clickhouse_statements": ["CREATE DATABASE IF NOT EXISTS shop ON CLUSTER '{cluster}'"],
    "clickhouse_kafka_tables": [
        {
            "name": "orders",
            "database": "shop",
            "topic": "orders",
            "columns": "id UInt64, at DateTime, amount Decimal(12, 2)",
            "order_by": "at, id",
            "ttl": "at + INTERVAL 90 DAY",
            "consumers": 3,
        }
    ],
    "clickhouse_metrics_keep": 365,
    "strimzi_rack": {"topology_key": "topology.kubernetes.io/zone", "zones": ["a", "b", "c"]},
    "strimzi_super_users": ["admin"],
    "strimzi_listeners": [
        {
            "name": "route",
            "port": 9095,
            "type": "tlsroute",
            "authentication": "tls",
            "gateway": {"name": "platform", "namespace": "gateway-system", "section": "kafka"},
        },
        {
            "name": "balanced",
            "port": 9096,
            "type": "loadbalancer",
            "authentication": "oauth",
            "host": "kafka.example.com",
            "host_template": "kafka-{nodeId}.example.com",
            "certificate_secret": "kafka-tls",
            "annotations": {"metallb.io/address-pool": "default"},
            "from": ["192.0.2.0/24"],
        },
        {
            "name": "ports",
            "port": 9097,
            "type": "nodeport",
            "configuration": {"preferredNodePortAddressType": "InternalIP"},
        },
    ],
    "strimzi_topics": [
        {"name": "orders", "partitions": 12, "config": {"retention.ms": 604800000}},
        {"name": "old-orders", "topic_name": "Old_Orders", "replicas": 2},
    ],
    "strimzi_users": [
        {
            "name": "tempo",
            "namespaces": ["monitoring"],
            "acls": [{"type": "topic", "name": "tempo", "pattern": "prefix", "operations": ["All"]}],
            "quotas": {"producerByteRate": 10485760},
        },
        {"name": "shop", "authentication": "tls", "acls": [{"type": "cluster", "operations": ["Describe"]}]},
        {"name": "service-account-web", "authentication": "oauth"},
    ],
    "strimzi_connects": [
        {
            "name": "connect",
            "image": "harbor.example.com/platform/connect@sha256:" + "a" * 64,
            "secrets": ["shop-database"],
            "acls": [{"type": "topic", "name": "orders", "operations": ["Write", "Describe"]}],
            "connectors": [
                {"name": "shop", "class": "io.debezium.connector.postgresql.PostgresConnector", "config": {"a": "b"}}
            ],
        }
    ],
    "strimzi_mirrors": [
        {
            "name": "mirror",
            "sources": [
                {
                    "alias": "old",
                    "bootstrap": "kafka.example.org:9093",
                    "ca_secret": "old-ca",
                    "username": "mirror",
                    "password_secret": "old-mirror",
                },
                {"alias": "test", "bootstrap": "kafka.test:9092", "topics": "a.*"},
            ],
        }
    ],
    "strimzi_bridges": [{"name": "bridge", "clients": ["shop"]}],
    "strimzi_rebalances": [
        {"name": "all", "approve": True},
        {"name": "new", "mode": "add-brokers", "brokers": [6], "goals": ["RackAwareGoal"]},
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
        "cluster_kube_proxy": True,
        "observability_systems": ["prometheus", "grafana"],
        "observability_control_plane": False,
        "observability_grafana_database": {},
        "harbor_s3": {},
        "gitlab_redis": {"host": "gitlab-valkey", "secret_name": "gitlab-valkey-generated"},
        "gitlab_ssh": False,
        "gitlab_email": {},
        "gitlab_runners": [],
        "jenkins_image": "registry.example.com:5000/ci/jenkins:2.568.2-1",
        "jenkins_install_plugins": False,
        "jenkins_agents_pod_security": "baseline",
        "jenkins_hold_drains": True,
        "platform_ca": "",
        "clickhouse_users": [],
        "clickhouse_statements": [],
        "clickhouse_kafka_tables": [],
        "clickhouse_metrics_keep": 0,
        "clickhouse_zone_key": "",
        "clickhouse_issuer": "",
        "strimzi_authentication": "tls",
        "strimzi_authorization": "none",
        "strimzi_rack": {},
        "strimzi_topics": [{"name": "orders"}],
        "strimzi_users": [{"name": "shop"}],
        "strimzi_rebalances": [],
        "falco_audit": False,
        "falco_rules": [],
        "falco_metadata": False,
        "falco_opensearch": {},
    },
    "large": {
        **EVERYTHING,
        "observability_size": "large",
        "observability_logs_by": "opentelemetry",
        "observability_opentelemetry_profiles": True,
        "observability_tempo_kafka": "platform-kafka-bootstrap.kafka.svc:9092",
    },
    "clickhouse of clickhouse": {
        **EVERYTHING,
        "clickhouse_operator": "official",
        "clickhouse_metrics_keep": 0,
        "platform_object_store": {**EVERYTHING["platform_object_store"], "ca": ""},
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
    # What a role never names changes nothing of it, so that many inventories are one to it.
    named = {key: item for key, item in inventory.items() if key in words(role)}
    return json.loads(evaluated(role, name, json.dumps(named, sort_keys=True)))


@cache
def words(role: Path) -> frozenset[str]:
    """All words in the files of a role that are evaluated."""
    paths = [
        path for folder in ("defaults", "vars", "templates") for path in (role / folder).rglob("*") if path.is_file()
    ]
    return frozenset(re.findall(r"\w+", " ".join(path.read_text(encoding="utf-8") for path in paths)))


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
    """A variable as JSON; many tests ask for the same one, and the next run does, where nothing has changed that it is made of."""
    digest = hashlib.sha256(f"{contents(role)} {name} {inventory}".encode()).hexdigest()
    kept = CACHE / "records" / digest[:2] / digest
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        part = kept.with_suffix(f".{os.getpid()}")
        part.write_text(template(role, name, inventory), encoding="utf-8")
        part.rename(kept)
    return kept.read_text(encoding="utf-8")


@cache
def contents(role: Path) -> str:
    """A digest of all that a variable of a role may be made of: its files, our plugins, and Ansible."""
    found = hashlib.sha256(ansible_version.encode())
    plugins = role.parents[1] / "plugins"
    for path in sorted([*role.rglob("*"), *plugins.rglob("*.py")]):
        if path.is_file():
            found.update(path.read_bytes())
    return found.hexdigest()


def template(role: Path, name: str, inventory: str) -> str:
    """A variable of a role as JSON, evaluated by Ansible."""
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
