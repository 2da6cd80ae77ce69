# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The health of custom resources: one row a kind, from the CRDs and controllers of the versions this collection installs."""

from __future__ import annotations

from collections.abc import Iterator

from .kstatus import outdated, told
from .model import DEGRADED, HEALTHY, PROGRESSING, SUSPENDED, Health
from .rows import (
    SILENT,
    Object,
    Rule,
    at,
    conditions,
    is_set,
    listed,
    no_status,
    parents,
    phase,
    reads,
    resting,
    volunteered,
)

READY = conditions("Ready")
NONE = no_status()
# Words of Velero for what has ended badly: velero/pkg/apis/velero
VELERO = phase(
    "status.phase",
    ("Completed",),
    hopeless=("Failed", "FailedValidation", "PartiallyFailed", "Canceled"),
    message="status.failureReason",
)
VELERO_DATA = phase("status.phase", ("Completed",), hopeless=("Failed", "Canceled"), message="status.message")
ROOK = phase("status.phase", ("Ready", "Connected"), degraded=("Failure", "Error", "DeletionIsBlocked"))
ALTINITY = phase("status.status", ("Completed",), degraded=("Aborted",), message="status.error")
POLICY = parents("status.ancestors", "Accepted")
ROUTE = parents("status.parents", "Accepted", "ResolvedRefs")
RUNNER = phase("status.phase", ("Running", "Succeeded"), degraded=("Outdated",), hopeless=("Failed",))
SECRET_SYNC = conditions("Ready", "Healthy", "SecretSynced")
MONITORING = conditions("Reconciled", "Available", failed=("ReconciliationFailed",))
TELEPORT = conditions("ValidStructure", "TeleportResourceOwned", "SuccessfullyReconciled", failed=("Failed",))
APPLIED_OPENSEARCH = phase(
    "status.state", ("CREATED",), degraded=("ERROR", "FAILED", "IGNORED"), message="status.reason"
)


def application(found: Object) -> Health:
    """Argo CD's own words, and what the last operation said."""
    word, sync = at(found, "status.health.status"), at(found, "status.sync.status")
    if not word or not sync:
        return SILENT
    operation = at(found, "status.operationState") or {}
    if operation.get("phase") in ("Failed", "Error"):
        return Health(DEGRADED, f"its last sync {operation['phase'].lower()}: {operation.get('message', '')}")
    if word in ("Degraded", "Suspended"):
        return Health(word, f"{word}: {at(found, 'status.health.message') or 'see its resources'}")
    if word != "Healthy" or sync != "Synced":
        return Health(PROGRESSING, f"health is {word}, sync is {sync}")
    return Health(HEALTHY)


def application_set(found: Object) -> Health:
    """ErrorOccurred stays there as False when all is well."""
    has = listed(at(found, "status.conditions"), None)
    if has.get("ErrorOccurred", {}).get("status") == "True":
        return Health(DEGRADED, told(has["ErrorOccurred"]))
    up = has.get("ResourcesUpToDate")
    return Health(HEALTHY) if up and up.get("status") == "True" else Health(PROGRESSING, told(up)) if up else SILENT


def cnpg_cluster(found: Object) -> Health:
    """Ready instances, and CloudNativePG's sentence about what it does."""
    if (at(found, "metadata.annotations") or {}).get("cnpg.io/hibernation") == "on":
        return Health(SUSPENDED, "is hibernated")
    ready, wanted = at(found, "status.readyInstances") or 0, at(found, "status.instances")
    word = at(found, "status.phase") or ""
    if wanted is None:
        return SILENT
    if word == "Cluster in healthy state" and ready >= wanted:
        return Health(HEALTHY)
    text = f"{ready}/{wanted} instances ready: {at(found, 'status.phaseReason') or word}"
    if word == "Waiting for user action":
        return Health(SUSPENDED, text)
    ended = any(part in word for part in ("unrecoverable", "image catalog", "unknown plugin"))
    bad = any(part in word for part in ("disk space", "Unable to create", "interacting with plugins", "architecture"))
    return Health(DEGRADED if bad or ended else PROGRESSING, text, ended)


def applied(found: Object) -> Health:
    """CloudNativePG's Database and its like: status.applied."""
    old, done = outdated(found), at(found, "status.applied")
    if old or done is None:
        return old or SILENT
    return Health(HEALTHY) if done else Health(DEGRADED, str(at(found, "status.message") or "was not applied"))


def pooler(found: Object) -> Health:
    """CloudNativePG's pooler: all its instances, unless its phase says otherwise."""
    word, have, wanted = at(found, "status.phase"), at(found, "status.instances"), at(found, "spec.instances")
    text = f"is {word}: {at(found, 'status.error') or at(found, 'status.phaseReason') or ''}".rstrip(": ")
    if word == "failed":
        return Health(DEGRADED, text)
    if word in ("paused", "inactive"):
        return Health(SUSPENDED, text)
    if have is None:
        return SILENT
    wanted = 1 if wanted is None else wanted
    return Health(HEALTHY) if have >= wanted else Health(PROGRESSING, f"{have}/{wanted} instances")


def strimzi(found: Object) -> Health:
    """Strimzi's Ready or NotReady; a first deployment is NotReady because of Creating."""
    old = outdated(found)
    has = listed(at(found, "status.conditions"), None)
    if has.get("ReconciliationPaused", {}).get("status") == "True" or has.get("Unmanaged", {}).get("status") == "True":
        return Health(SUSPENDED, "its reconciliation is paused" if "ReconciliationPaused" in has else "is not managed")
    if old:
        return old
    wrong = has.get("NotReady", {})
    if wrong.get("status") != "True" and has.get("Ready", {}).get("status") == "False":
        wrong = has["Ready"]
    if wrong.get("status"):
        reason = wrong.get("reason")
        ended = reason in ("InvalidResourceException", "InvalidConfigurationException", "ResourceConflict")
        return Health(PROGRESSING if reason in ("Creating", None) else DEGRADED, told(wrong), ended)
    return Health(HEALTHY) if has.get("Ready", {}).get("status") == "True" else SILENT


def node_pool(found: Object) -> Health:
    """Strimzi's node pool has no Ready; it counts its nodes."""
    if (at(found, "metadata.annotations") or {}).get("strimzi.io/pause-reconciliation") == "true":
        return Health(SUSPENDED, "its reconciliation is paused")
    have, wanted = len(at(found, "status.nodeIds") or []), at(found, "spec.replicas") or 0
    return outdated(found) or (Health(HEALTHY) if have == wanted else Health(PROGRESSING, f"{have}/{wanted} nodes"))


def rebalance(found: Object) -> Health:
    """A proposal that waits for a person is at rest."""
    old = outdated(found)
    if old:
        return old
    has = listed(at(found, "status.conditions"), None)
    for name, status in (
        ("Ready", HEALTHY),
        ("ProposalReady", SUSPENDED),
        ("ReconciliationPaused", SUSPENDED),
        ("Stopped", SUSPENDED),
        ("NotReady", DEGRADED),
    ):
        if has.get(name, {}).get("status") == "True":
            return Health(status, "" if status == HEALTHY else f"{name}: {told(has[name])}")
    return Health(PROGRESSING, ", ".join(has) or SILENT.message)


def keycloak(*wanted: str) -> Rule:
    """HasErrors wins over everything, then what is wanted: Ready, or Done of an import."""

    def rule(found: Object) -> Health:
        old = outdated(found)
        has = listed(at(found, "status.conditions"), at(found, "metadata.generation"))
        if old or not has:
            return old or SILENT
        if has.get("HasErrors", {}).get("status") == "True":
            return Health(DEGRADED, told(has["HasErrors"]))
        if has.get("RollingUpdate", {}).get("status") == "True":
            return Health(PROGRESSING, told(has["RollingUpdate"]))
        for name in wanted:
            if has.get(name, {}).get("status") != "True":
                return Health(PROGRESSING, told(has[name]) if name in has else f"has no condition {name} yet")
        return Health(HEALTHY)

    return reads(rule, "status.conditions")


def ceph_cluster(found: Object) -> Health:
    """Rook's phase and Ceph's health; a warning of Ceph works, an error does not."""
    word, ceph = at(found, "status.phase"), at(found, "status.ceph.health")
    if not word:
        return SILENT
    details = at(found, "status.ceph.details") or {}
    why = "; ".join(f"{name}: {(item or {}).get('message', '')}" for name, item in sorted(details.items()))
    if word == "Failure" or ceph == "HEALTH_ERR":
        return Health(DEGRADED, why or at(found, "status.message") or f"is {word}")
    if word not in ("Ready", "Connected") or ceph is None:  # Connected: a cluster outside of Kubernetes
        return Health(PROGRESSING, f"is {word}: {at(found, 'status.message') or ''}".rstrip(": "))
    return Health(HEALTHY, "") if ceph == "HEALTH_OK" else Health(DEGRADED, f"{ceph}: {why}")


def gslb(found: Object) -> Health:
    """Every host is healthy and has records; it has no conditions."""
    hosts = at(found, "status.serviceHealth")
    if not hosts:
        return SILENT
    bad = sorted(host for host, word in hosts.items() if word != "Healthy")
    if bad:
        return Health(DEGRADED, f"{', '.join(bad)}: {hosts[bad[0]]}")
    without = sorted(host for host in hosts if not (at(found, "status.healthyRecords") or {}).get(host))
    return Health(PROGRESSING, f"no records for {', '.join(without)}") if without else Health(HEALTHY)


def deployed(found: Object) -> Health:
    """KubeVirt and CDI: a phase, and conditions that outlive it."""
    has = listed(at(found, "status.conditions"), None)
    word = at(found, "status.phase")
    if not word:
        return SILENT
    if has.get("Degraded", {}).get("status") == "True" or word in ("Error", "Failed"):
        return Health(DEGRADED, told(has.get("Degraded") or {"reason": f"is {word}"}))
    if word != "Deployed" or has.get("Available", {}).get("status") != "True":
        return Health(
            PROGRESSING, told(has["Available"]) if "Available" in has and word == "Deployed" else f"is {word}"
        )
    return Health(HEALTHY)


def tigera(found: Object) -> Health:
    """Calico's operator: Degraded, Progressing, Available."""
    has = listed(at(found, "status.conditions"), at(found, "metadata.generation"))
    if not has:
        return SILENT
    if has.get("Degraded", {}).get("status") == "True":
        return Health(DEGRADED, told(has["Degraded"]))
    if has.get("Progressing", {}).get("status") == "True":
        return Health(PROGRESSING, told(has["Progressing"]))
    good = has.get("Available", {})
    return (
        Health(HEALTHY)
        if good.get("status") == "True"
        else Health(PROGRESSING, told(good or {"reason": "is not available yet"}))
    )


def reloaded(found: Object) -> Health:
    """What FRR said about its configuration on one node."""
    for name in ("lastConversionResult", "lastReloadResult"):
        word = at(found, f"status.{name}")
        if word not in (None, "", "success"):
            return Health(DEGRADED, f"{name}: {word}")
    return Health(HEALTHY) if at(found, "status.lastReloadResult") else SILENT


def opensearch(found: Object) -> Health:
    """Its phase, and the colour of the cluster."""
    word, colour = at(found, "status.phase"), at(found, "status.health")
    if not word:
        return SILENT
    if word != "RUNNING" or not at(found, "status.initialized"):
        return Health(PROGRESSING, f"is {word}")
    if colour == "red":
        return Health(DEGRADED, "its health is red, shards are missing")
    return Health(HEALTHY) if colour == "green" else Health(PROGRESSING, f"its health is {colour or 'not known yet'}")


def spark(found: Object) -> Health:
    """The state of its run."""
    word = at(found, "status.applicationState.state")
    why = at(found, "status.applicationState.errorMessage")
    if not word:
        return SILENT
    if word in ("COMPLETED", "RUNNING"):
        return Health(HEALTHY)
    ended = word in ("FAILED", "SUBMISSION_FAILED")
    return Health(DEGRADED if ended else PROGRESSING, f"is {word}{f': {why}' if why else ''}", word == "FAILED")


def last_condition(*good: str) -> Rule:
    """The newest condition counts (Katib, Kubeflow's training)."""

    def rule(found: Object) -> Health:
        items = at(found, "status.conditions") or []
        now = [item for item in items if item.get("status") == "True"]
        if not now:
            return SILENT
        word = str(now[-1].get("type"))
        if word in good:
            return Health(HEALTHY)
        if word == "Suspended":
            return Health(SUSPENDED, told(now[-1]))
        return Health(DEGRADED if word == "Failed" else PROGRESSING, told(now[-1]), word == "Failed")

    return reads(rule, "status.conditions")


def profile(found: Object) -> Health:
    """Kubeflow's profile controller writes only what failed, without a status."""
    for item in at(found, "status.conditions") or []:
        if item.get("type") == "Failed" and item.get("status") != "False":
            return Health(DEGRADED, str(item.get("message") or "failed"))
    return Health(HEALTHY)


def notebook(found: Object) -> Health:
    """Kubeflow's notebook: one ready pod, unless it was stopped."""
    if "kubeflow-resource-stopped" in (at(found, "metadata.annotations") or {}):
        return Health(SUSPENDED, "is stopped")
    if at(found, "status.readyReplicas"):
        return Health(HEALTHY)
    waiting = at(found, "status.containerState.waiting")
    return Health(PROGRESSING, told(waiting)) if waiting and waiting.get("reason") else SILENT


def collector(found: Object) -> Health:
    """OpenTelemetry's collector: its version is written, and 2/2 of its replicas are there."""
    scale = str(at(found, "status.scale.statusReplicas") or "")
    have, slash, wanted = scale.partition("/")
    old = outdated(found)
    if old or not at(found, "status.version"):
        return old or SILENT
    return Health(PROGRESSING, f"{scale} replicas") if slash and int(have) < int(wanted) else Health(HEALTHY)


def bound(found: Object) -> Health:
    """Prometheus' configuration kinds: who uses them may refuse them; older operators say nothing."""
    for binding in at(found, "status.bindings") or []:
        for item in binding.get("conditions") or []:
            if item.get("type") == "Accepted" and item.get("status") == "False":
                return Health(DEGRADED, f"{binding.get('name', 'its user')}: {told(item)}")
    return Health(HEALTHY)


def certificate(found: Object) -> Health:
    """Ready, or the last try that failed (cert-manager tries again later)."""
    said = READY(found)
    issuing = listed(at(found, "status.conditions"), None).get("Issuing", {})
    if not said.ok and issuing.get("status") == "False" and issuing.get("reason") == "Failed":
        return Health(DEGRADED, told(issuing))
    return said


def listeners(rule: Rule) -> Rule:
    """A Gateway or ListenerSet, and what is wrong with one of its listeners."""

    def with_listeners(found: Object) -> Health:
        said = rule(found)
        if said.status == DEGRADED or outdated(found):
            return said
        for listener in at(found, "status.listeners") or []:
            has = listed(listener.get("conditions"), at(found, "metadata.generation"))
            for name, wrong in (("Conflicted", "True"), ("ResolvedRefs", "False"), ("Accepted", "False")):
                if has.get(name, {}).get("status") == wrong:
                    return Health(DEGRADED, f"listener {listener.get('name')}: {told(has[name])}")
        return said

    return reads(with_listeners, "status.conditions", "status.listeners")


def cilium_pool(found: Object) -> Health:
    """No conflict, and an address left."""
    has = listed(at(found, "status.conditions"), at(found, "metadata.generation"))
    if has.get("cilium.io/PoolConflict", {}).get("status") == "True":
        return Health(DEGRADED, told(has["cilium.io/PoolConflict"]))
    left = str(has.get("cilium.io/IPsAvailable", {}).get("message", ""))
    if not has:
        return SILENT
    return Health(DEGRADED, "has no address left") if left == "0" else Health(HEALTHY)


def machine(found: Object) -> Health:
    """KubeVirt's virtual machine: the word kubectl prints, and Ready."""
    word = str(at(found, "status.printableStatus") or "")
    item = listed(at(found, "status.conditions"), None).get("Ready", {})
    if not word:
        return SILENT
    if word in ("Stopped", "Paused"):
        return Health(SUSPENDED, f"is {word}")
    if word in ("Running", "Migrating") and item.get("status") == "True":
        return Health(HEALTHY)
    bad = word.startswith("Err") or word in ("CrashLoopBackOff", "ImagePullBackOff", "DataVolumeError")
    return Health(DEGRADED if bad else PROGRESSING, f"is {word}: {told(item) if item else ''}".rstrip(": "))


def policy(found: Object) -> Health:
    """Kyverno's newer policies: conditionStatus says ready, or why not."""
    said = at(found, "status.conditionStatus") or {}
    if said.get("ready") is True:
        return Health(HEALTHY)
    wrong = [item for item in said.get("conditions") or [] if item.get("status") == "False"]
    return Health(PROGRESSING, str(said.get("message") or told(wrong[0]))) if wrong else SILENT


def scheduled_backup(found: Object) -> Health:
    """CloudNativePG's schedule: wrong, or waiting for its time."""
    wrong = at(found, "status.error")
    return Health(DEGRADED, str(wrong)) if wrong else Health(HEALTHY)


TIGERA = reads(tigera, "status.conditions")


def _kinds(groups: str, kinds: str, rule: Rule) -> Iterator[tuple[tuple[str, str], Rule]]:
    for group in groups.split():
        for kind in kinds.split():
            yield (group, kind), rule


GATEWAY = "gateway.networking.k8s.io"
CUSTOM: dict[tuple[str, str], Rule] = dict(
    row
    for rows in (
        _kinds("argoproj.io", "Application", reads(application, "status.health.status", "status.sync.status", "status.operationState.phase")),
        _kinds("argoproj.io", "ApplicationSet", reads(application_set, "status.conditions")),
        _kinds("argoproj.io", "Rollout", phase("status.phase", ("Healthy",), degraded=("Degraded",), suspended=("Paused",), message="status.message")),
        _kinds("argoproj.io", "AnalysisRun Experiment", phase("status.phase", ("Successful",), hopeless=("Failed", "Error", "Inconclusive"), message="status.message")),
        _kinds("argoproj.io", "AppProject AnalysisTemplate ClusterAnalysisTemplate", NONE),
        _kinds("argocd-image-updater.argoproj.io", "ImageUpdater", READY),
        _kinds("actions.github.com", "AutoscalingRunnerSet EphemeralRunnerSet EphemeralRunner", RUNNER),
        _kinds("actions.github.com", "AutoscalingListener", NONE),
        _kinds("resources.teleport.dev", "TeleportRole TeleportRoleV6 TeleportRoleV7 TeleportRoleV8 TeleportUser TeleportOIDCConnector TeleportSAMLConnector TeleportGithubConnector TeleportProvisionToken TeleportAccessList TeleportBotV1 TeleportWorkloadIdentityV1 TeleportTrustedClusterV2", TELEPORT),
        _kinds("k8s.keycloak.org", "Keycloak", keycloak("Ready")),
        _kinds("k8s.keycloak.org", "KeycloakRealmImport", keycloak("Done")),
        _kinds("k8s.keycloak.org", "KeycloakOIDCClient KeycloakSAMLClient", keycloak()),
        _kinds("postgresql.cnpg.io", "Cluster", reads(cnpg_cluster, "status.readyInstances", "status.instances", "status.phase", "status.phaseReason")),
        _kinds("postgresql.cnpg.io", "Database DatabaseRole Publication Subscription", reads(applied, "status.applied", "status.message")),
        _kinds("postgresql.cnpg.io", "Pooler", reads(pooler, "status.phase", "status.instances", "status.error", "status.phaseReason", "spec.instances")),
        _kinds("postgresql.cnpg.io", "Backup", phase("status.phase", ("completed",), degraded=("walArchivingFailing",), hopeless=("failed",), message="status.error")),
        _kinds("postgresql.cnpg.io", "ScheduledBackup", resting("spec.suspend", reads(scheduled_backup, "status.error"), "is suspended")),
        _kinds("postgresql.cnpg.io", "ImageCatalog ClusterImageCatalog FailoverQuorum", NONE),
        _kinds("barmancloud.cnpg.io", "ObjectStore", NONE),
        _kinds("secrets.hashicorp.com", "VaultConnection VaultAuth", conditions("Ready", "Healthy")),
        _kinds("secrets.hashicorp.com", "VaultAuthGlobal", is_set("status.valid")),
        _kinds("secrets.hashicorp.com", "VaultStaticSecret VaultDynamicSecret VaultPKISecret", SECRET_SYNC),
        _kinds("external-secrets.io", "ClusterSecretStore SecretStore ExternalSecret ClusterExternalSecret PushSecret", conditions("Ready", failed=("SecretSyncedError", "ValidationFailed", "InvalidProviderConfig", "Errored"))),
        _kinds("instance.falcosecurity.dev", "Falco", conditions("Reconciled", "Available")),
        _kinds("instance.falcosecurity.dev", "Component", conditions("Reconciled")),
        _kinds("artifact.falcosecurity.dev", "Rulesfile Plugin Config", conditions("Programmed")),
        _kinds("kafka.strimzi.io", "Kafka KafkaTopic KafkaUser KafkaConnect KafkaConnector KafkaMirrorMaker2 KafkaBridge", reads(strimzi, "status.conditions", "status.observedGeneration")),
        _kinds("kafka.strimzi.io", "KafkaNodePool", reads(node_pool, "status.nodeIds")),
        _kinds("kafka.strimzi.io", "KafkaRebalance", reads(rebalance, "status.conditions")),
        _kinds("clickhouse.altinity.com", "ClickHouseInstallation", ALTINITY),
        _kinds("clickhouse-keeper.altinity.com", "ClickHouseKeeperInstallation", ALTINITY),
        _kinds("clickhouse.altinity.com", "ClickHouseInstallationTemplate ClickHouseOperatorConfiguration", NONE),
        _kinds("clickhouse.com", "ClickHouseCluster KeeperCluster", READY),
        _kinds("kubeflow.org", "Profile", reads(profile, "status.conditions")),
        _kinds("kubeflow.org", "Experiment Suggestion Trial", last_condition("Succeeded", "Running", "DeploymentReady")),
        _kinds("kubeflow.org", "Notebook", reads(notebook, "status.readyReplicas", "status.containerState.waiting")),
        _kinds("kubeflow.org", "Workspace", phase("status.state", ("Running",), degraded=("Error",), suspended=("Paused",), message="status.stateMessage")),
        _kinds("kubeflow.org", "WorkspaceKind ScheduledWorkflow", NONE),
        _kinds("pipelines.kubeflow.org", "Pipeline PipelineVersion", NONE),
        _kinds("serving.kserve.io", "InferenceService InferenceGraph LLMInferenceService", READY),
        _kinds("sparkoperator.k8s.io", "SparkApplication", reads(spark, "status.applicationState.state", "status.applicationState.errorMessage")),
        _kinds("trainer.kubeflow.org", "TrainJob", last_condition("Complete")),
        _kinds("trainer.kubeflow.org", "ClusterTrainingRuntime TrainingRuntime", NONE),
        _kinds("monitoring.coreos.com", "Prometheus Alertmanager ThanosRuler PrometheusAgent", resting("spec.paused", MONITORING)),
        _kinds("monitoring.coreos.com", "ServiceMonitor PodMonitor Probe PrometheusRule ScrapeConfig AlertmanagerConfig", reads(bound, "status.bindings")),
        _kinds("opentelemetry.io", "OpenTelemetryCollector", reads(collector, "status.version", "status.scale.statusReplicas")),
        _kinds("opentelemetry.io", "TargetAllocator OpAMPBridge", is_set("status.version")),
        _kinds("opentelemetry.io", "Instrumentation", NONE),
        _kinds("opentelemetry.io", "ClusterObservability", READY),
        _kinds("opensearch.org opensearch.opster.io", "OpenSearchCluster", reads(opensearch, "status.phase", "status.health", "status.initialized")),
        _kinds("opensearch.org opensearch.opster.io", "OpensearchUser OpensearchRole OpensearchUserRoleBinding OpensearchTenant OpensearchActionGroup OpenSearchISMPolicy OpensearchIndexTemplate OpensearchComponentTemplate OpensearchSnapshotPolicy", APPLIED_OPENSEARCH),
        _kinds("cilium.io", "CiliumLoadBalancerIPPool", resting("spec.disabled", reads(cilium_pool, "status.conditions"), "is disabled")),
        _kinds("cilium.io", "CiliumBGPClusterConfig", conditions(bad=("cilium.io/NoMatchingNode", "cilium.io/MissingPeerConfigs", "cilium.io/ConflictingClusterConfig"))),
        _kinds("cilium.io", "CiliumBGPPeerConfig CiliumBGPAdvertisement CiliumL2AnnouncementPolicy CiliumEgressGatewayPolicy CiliumGatewayClassConfig", NONE),
        _kinds("cilium.io", "CiliumNetworkPolicy CiliumClusterwideNetworkPolicy", NONE),
        _kinds("operator.tigera.io", "TigeraStatus", TIGERA),
        _kinds("operator.tigera.io", "Installation APIServer Goldmane Whisker Istio", volunteered("status.conditions", TIGERA)),
        _kinds("operator.tigera.io", "GatewayAPI ImageSet", NONE),
        _kinds("projectcalico.org", "IPPool BGPConfiguration BGPPeer BGPFilter FelixConfiguration GlobalNetworkPolicy NetworkPolicy Tier", NONE),
        _kinds("projectcalico.org", "CalicoNodeStatus", is_set("status.lastUpdated")),
        _kinds("metallb.io", "IPAddressPool L2Advertisement BGPAdvertisement BGPPeer BFDProfile Community", NONE),
        _kinds("metallb.io", "ConfigurationState", phase("status.result", ("Valid",), degraded=("Invalid",), message="status.errorSummary")),
        _kinds("metallb.io", "ServiceL2Status ServiceBGPStatus", is_set("status.node")),
        _kinds("frrk8s.metallb.io", "BGPSessionState", phase("status.bgpStatus", ("Established",))),
        _kinds("frrk8s.metallb.io", "FRRNodeState", reads(reloaded, "status.lastConversionResult", "status.lastReloadResult")),
        _kinds("ceph.rook.io", "CephCluster", reads(ceph_cluster, "status.phase", "status.ceph.health", "status.message")),
        _kinds("ceph.rook.io", "CephBlockPool CephFilesystem CephObjectStore CephObjectStoreUser CephNFS CephRBDMirror CephFilesystemMirror CephFilesystemSubVolumeGroup CephBlockPoolRadosNamespace", ROOK),
        _kinds("objectbucket.io", "ObjectBucketClaim", phase("status.phase", ("Bound",), degraded=("Failed",))),
        _kinds("csi.ceph.io", "OperatorConfig Driver CephConnection ClientProfile", NONE),
        _kinds("velero.io", "BackupStorageLocation", phase("status.phase", ("Available",), degraded=("Unavailable",), message="status.message")),
        _kinds("velero.io", "VolumeSnapshotLocation", volunteered("status.phase", phase("status.phase", ("Available",), degraded=("Unavailable",)))),
        _kinds("velero.io", "Schedule", resting("spec.paused", phase("status.phase", ("Enabled",), hopeless=("FailedValidation",), message="status.validationErrors"))),
        _kinds("velero.io", "Backup Restore", VELERO),
        _kinds("velero.io", "BackupRepository", phase("status.phase", ("Ready",), degraded=("NotReady",), message="status.message")),
        _kinds("velero.io", "PodVolumeBackup PodVolumeRestore DataUpload DataDownload", VELERO_DATA),
        _kinds("k8gb.io k8gb.absa.oss", "Gslb", reads(gslb, "status.serviceHealth", "status.healthyRecords")),
        _kinds("k8gb.io", "ZoneDelegation", is_set("status.dnsServers")),
        _kinds("externaldns.k8s.io", "DNSEndpoint", NONE),
        _kinds("security.istio.io", "PeerAuthentication AuthorizationPolicy RequestAuthentication", NONE),
        _kinds("telemetry.istio.io", "Telemetry", NONE),
        _kinds("networking.istio.io", "DestinationRule ServiceEntry VirtualService Gateway Sidecar", NONE),
        _kinds("extensions.istio.io", "WasmPlugin TrafficExtension", NONE),
        _kinds("kiali.io", "Kiali", NONE),
        _kinds(GATEWAY, "GatewayClass", conditions("Accepted", failed=("InvalidParameters", "UnsupportedVersion"))),
        _kinds(GATEWAY, "Gateway", listeners(conditions("Accepted", "Programmed", failed=("Invalid", "InvalidParameters", "ListenersNotValid", "UnsupportedAddress")))),
        _kinds(GATEWAY, "ListenerSet", listeners(conditions("Accepted", "Programmed", failed=("Invalid", "NotAllowed", "ListenersNotValid")))),
        _kinds(GATEWAY, "ReferenceGrant", NONE),
        _kinds(GATEWAY, "HTTPRoute GRPCRoute TLSRoute TCPRoute UDPRoute", ROUTE),
        _kinds(GATEWAY, "BackendTLSPolicy", POLICY),
        _kinds("gateway.envoyproxy.io", "EnvoyProxy ClientTrafficPolicy BackendTrafficPolicy SecurityPolicy EnvoyExtensionPolicy", POLICY),
        _kinds("gateway.nginx.org", "NginxProxy", NONE),
        _kinds("cert-manager.io", "ClusterIssuer Issuer", conditions("Ready", failed=("ErrRegisterACMEAccount", "ErrInitIssuer", "Failed"))),
        _kinds("cert-manager.io", "Certificate", reads(certificate, "status.conditions")),
        _kinds("acme.cert-manager.io", "Order Challenge", phase("status.state", ("valid",), hopeless=("invalid", "expired", "errored"), message="status.reason")),
        _kinds("cert-manager.io", "CertificateRequest", conditions("Ready", hopeless=("Failed", "Denied"))),
        _kinds("operator.knative.dev", "KnativeServing KnativeEventing", READY),
        _kinds("serving.knative.dev", "Service Route Configuration Revision DomainMapping", READY),
        _kinds("eventing.knative.dev", "Broker Trigger", READY),
        _kinds("kubevirt.io", "VirtualMachine", reads(machine, "status.printableStatus", "status.conditions")),
        _kinds("migrations.kubevirt.io", "MigrationPolicy", NONE),
        _kinds("kubevirt.io", "KubeVirt", reads(deployed, "status.phase", "status.conditions")),
        _kinds("kyverno.io", "ClusterPolicy Policy GlobalContextEntry", READY),
        _kinds("kyverno.io", "PolicyException", NONE),
        _kinds("policies.kyverno.io", "ValidatingPolicy MutatingPolicy GeneratingPolicy DeletingPolicy ImageValidatingPolicy NamespacedValidatingPolicy NamespacedMutatingPolicy NamespacedGeneratingPolicy NamespacedDeletingPolicy NamespacedImageValidatingPolicy", reads(policy, "status.conditionStatus.ready", "status.conditionStatus.message", "status.conditionStatus.conditions")),
        _kinds("policies.kyverno.io", "PolicyException", NONE),
        _kinds("policy.sigstore.dev", "ClusterImagePolicy TrustRoot", READY),
        _kinds("jobset.x-k8s.io", "JobSet", last_condition("Completed")),
        _kinds("leaderworkerset.x-k8s.io", "LeaderWorkerSet", conditions("Available")),
        _kinds("cdi.kubevirt.io", "CDI", reads(deployed, "status.phase", "status.conditions")),
        _kinds("cdi.kubevirt.io", "StorageProfile", is_set("status.claimPropertySets")),
        _kinds("cdi.kubevirt.io", "DataVolume", phase("status.phase", ("Succeeded",), suspended=("WaitForFirstConsumer", "PendingPopulation", "Paused"), hopeless=("Failed",))),
    )
    for row in rows
)  # fmt: skip
