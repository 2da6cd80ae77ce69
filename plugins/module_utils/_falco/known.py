# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names that rules of Falco may use: fields of Falco 0.44 and of its plug-ins, and what upstream's rules define."""

from __future__ import annotations

from typing import NamedTuple


class Names(NamedTuple):
    """What a source of events has."""

    fields: frozenset[str]
    macros: frozenset[str]
    lists: frozenset[str]
    rules: frozenset[str]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _lines(text: str) -> frozenset[str]:
    return frozenset(line.strip() for line in text.strip().splitlines())


# libs of July 2026, plug-ins container 0.7 and k8smeta 0.4, falco-rules 5.1.0
SYSCALL = Names(
    fields=_words("""
    container.cni.json container.duration container.full_id container.healthcheck container.host_ipc
    container.host_network container.host_pid container.id container.image container.image.digest container.image.id
    container.image.repository container.image.tag container.ip container.label container.labels
    container.liveness_probe container.mount container.mount.dest container.mount.mode container.mount.propagation
    container.mount.rdwr container.mount.source container.mounts container.name container.privileged
    container.readiness_probe container.start_ts container.type evt.abspath evt.abspath.dst evt.abspath.src evt.arg
    evt.args evt.around evt.asynctype evt.buffer evt.buflen evt.buflen.file evt.buflen.file.in evt.buflen.file.out
    evt.buflen.in evt.buflen.net evt.buflen.net.in evt.buflen.net.out evt.buflen.out evt.category evt.count
    evt.count.error evt.count.error.file evt.count.error.memory evt.count.error.net evt.count.error.other
    evt.count.exit evt.count.procinfo evt.count.threadinfo evt.cpu evt.datetime evt.datetime.s evt.deltatime
    evt.deltatime.ns evt.deltatime.s evt.dir evt.failed evt.hostname evt.info evt.io_dir evt.is_async evt.is_io
    evt.is_io_read evt.is_io_write evt.is_open_create evt.is_open_exec evt.is_open_read evt.is_open_write
    evt.is_syslog evt.is_wait evt.latency evt.latency.human evt.latency.ns evt.latency.quantized evt.latency.s
    evt.num evt.outputtime evt.plugininfo evt.pluginname evt.rawarg evt.rawres evt.rawtime evt.rawtime.ns
    evt.rawtime.s evt.reltime evt.reltime.ns evt.reltime.s evt.res evt.source evt.time evt.time.iso8601 evt.time.s
    evt.type evt.type.is evt.wait_latency fd.cip fd.cip.name fd.cnet fd.connected fd.containerdirectory
    fd.containername fd.cport fd.cproto fd.dev fd.dev.major fd.dev.minor fd.directory fd.filename fd.ino fd.ip
    fd.is_lower_layer fd.is_server fd.is_upper_layer fd.l4proto fd.lip fd.lip.name fd.lnet fd.lport fd.lproto
    fd.name fd.name_changed fd.nameraw fd.net fd.num fd.port fd.proto fd.rip fd.rip.name fd.rnet fd.rport fd.rproto
    fd.sip fd.sip.name fd.snet fd.sockfamily fd.sport fd.sproto fd.type fd.typechar fd.types fd.uid fdlist.cips
    fdlist.cports fdlist.names fdlist.nums fdlist.sips fdlist.sports fs.path fs.path.name fs.path.nameraw
    fs.path.source fs.path.sourceraw fs.path.target fs.path.targetraw group.gid group.name k8s.deployment.id
    k8s.deployment.label k8s.deployment.labels k8s.deployment.name k8s.ns.id k8s.ns.label k8s.ns.labels k8s.ns.name
    k8s.pod.cni.json k8s.pod.full_sandbox_id k8s.pod.id k8s.pod.ip k8s.pod.label k8s.pod.labels k8s.pod.name
    k8s.pod.sandbox_id k8s.pod.uid k8s.rc.id k8s.rc.label k8s.rc.labels k8s.rc.name k8s.rs.id k8s.rs.label
    k8s.rs.labels k8s.rs.name k8s.svc.id k8s.svc.label k8s.svc.labels k8s.svc.name k8smeta.deployment.label
    k8smeta.deployment.labels k8smeta.deployment.name k8smeta.deployment.uid k8smeta.ns.label k8smeta.ns.labels
    k8smeta.ns.name k8smeta.ns.uid k8smeta.pod.ip k8smeta.pod.label k8smeta.pod.labels k8smeta.pod.name
    k8smeta.pod.uid k8smeta.rc.label k8smeta.rc.labels k8smeta.rc.name k8smeta.rc.uid k8smeta.rs.label
    k8smeta.rs.labels k8smeta.rs.name k8smeta.rs.uid k8smeta.svc.label k8smeta.svc.labels k8smeta.svc.name
    k8smeta.svc.uid proc.aargs proc.acmdline proc.aenv proc.aexe proc.aexepath proc.aname proc.apid proc.args
    proc.cmdlenargs proc.cmdline proc.cmdnargs proc.cwd proc.duration proc.env proc.exe proc.exe_ino
    proc.exe_ino.ctime proc.exe_ino.ctime_duration_pidns_start proc.exe_ino.ctime_duration_proc_start
    proc.exe_ino.mtime proc.exeline proc.exepath proc.fdlimit proc.fdopencount proc.fdusage
    proc.is_container_healthcheck proc.is_container_liveness_probe proc.is_container_readiness_probe
    proc.is_exe_from_memfd proc.is_exe_lower_layer proc.is_exe_upper_layer proc.is_exe_writable proc.is_pgid_leader
    proc.is_sid_leader proc.is_vpgid_leader proc.loginshellid proc.name proc.nchilds proc.nthreads proc.pcmdline
    proc.pexe proc.pexepath proc.pgid proc.pgid.exe proc.pgid.exepath proc.pgid.name proc.pid proc.pid.ts
    proc.pidns_init_start_ts proc.pname proc.ppid proc.ppid.duration proc.ppid.ts proc.pvpid proc.sid proc.sid.exe
    proc.sid.exepath proc.sname proc.stderr.name proc.stderr.type proc.stdin.name proc.stdin.type proc.stdout.name
    proc.stdout.type proc.tty proc.vmrss proc.vmsize proc.vmswap proc.vpgid proc.vpgid.exe proc.vpgid.exepath
    proc.vpgid.name proc.vpid syscall.type thread.cap_effective thread.cap_inheritable thread.cap_permitted
    thread.cgroup thread.cgroups thread.cpu thread.cpu.system thread.cpu.user thread.exectime thread.ismain
    thread.nametid thread.pfmajor thread.pfminor thread.tid thread.totexectime thread.vmrss thread.vmrss.b
    thread.vmsize thread.vmsize.b thread.vtid user.homedir user.loginname user.loginuid user.name user.shell
    user.uid util.cnt
    """),
    macros=_words("""
    access_log_files allowed_clear_log_files ansible_running_python check_process_status clear_data_procs
    cmp_cp_by_passwd consul_running_alert_checks consul_running_net_scripts container container_entrypoint
    containerd_activities create_hardlink create_symlink directory_traversal dup etc_dir grep_commands grep_more
    interactive k8s_api_server k8s_containers kernel_module_load known_drop_and_execute_activities
    known_memfd_execution_processes known_ptrace_procs linux_bench_reading_etc_shadow mandb_postinst never_true
    nginx_running_aws_s3_cp nginx_starting_nginx open_file_failed open_read open_write outbound
    parent_java_running_activemq parent_java_running_cassandra parent_java_running_datastax
    parent_java_running_elasticsearch parent_java_running_glassfish parent_java_running_hadoop
    parent_java_running_jboss_wildfly parent_java_running_kafka parent_java_running_zookeeper
    perl_running_centrifydc perl_running_plesk perl_running_updmap possibly_node_in_container
    possibly_parent_java_running_tomcat postgres_running_cnpg postgres_running_wal_e private_aws_credentials
    private_key_or_password proc_is_new proc_name_exists protected_shell_spawner ptrace_attach_or_injection
    python_mesos_marathon_scripting rabbitmq_running_scripts rabbitmqctl_running_scripts
    redis_running_prepost_scripts run_by_appdynamics run_by_chef run_by_foreman run_by_google_accounts_daemon
    run_by_package_mgmt_binaries run_by_qualys runuser_reading_pam sensitive_files serf_script server_procs
    shell_procs spawned_process splunk_running_forwarder ssh_non_standard_ports_network system_users
    trusted_logging_images user_expected_terminal_shell_in_container_conditions
    user_known_contact_k8s_api_server_activities user_known_read_sensitive_files_activities
    user_known_remove_data_activities user_known_stand_streams_redirect_activities user_known_system_user_login
    user_read_sensitive_file_conditions user_read_sensitive_file_containers user_shell_container_exclusions
    user_ssh_directory veritas_driver_script
    """),
    lists=_words("""
    allowed_container_images_loading_kernel_module cron_binaries data_remove_commands db_server_binaries
    deb_binaries docker_binaries falco_containers falco_no_driver_containers falco_privileged_images gitlab_binaries
    grep_binaries hids_binaries http_server_binaries ibm_cloud_containers known_drop_and_execute_containers
    known_memfd_execution_binaries known_ptrace_binaries known_shell_spawn_cmdlines log_directories log_files
    login_binaries mail_binaries mail_config_binaries mesos_shell_binaries needrestart_binaries nomachine_binaries
    nosql_server_binaries package_mgmt_binaries passwd_binaries postgres_mgmt_binaries
    protected_shell_spawning_binaries python_package_managers read_sensitive_file_binaries
    read_sensitive_file_images rfc_1918_addresses rpm_binaries sematext_images sensitive_directory_names
    sensitive_file_names shadowutils_binaries shell_binaries ssh_non_standard_ports sshkit_script_binaries
    trusted_images user_known_packet_socket_binaries user_known_shell_spawn_binaries user_mgmt_binaries
    userexec_binaries vpn_binaries
    """),
    rules=_lines("""
    Clear Log Activities
    Contact K8S API Server From Container
    Create Hardlink Over Sensitive Files
    Create Symlink Over Sensitive Files
    Debugfs Launched in Privileged Container
    Detect release_agent File Container Escapes
    Directory traversal monitored file read
    Disallowed SSH Connection Non Standard Port
    Drop and execute new binary in container
    Execution from /dev/shm
    Fileless execution via memfd_create
    Find AWS Credentials
    Linux Kernel Module Injection Detected
    Netcat Remote Code Execution in Container
    PTRACE anti-debug attempt
    PTRACE attached to process
    Packet socket created in container
    Read sensitive file trusted after startup
    Read sensitive file untrusted
    Redirect STDOUT/STDIN to Network Connection in Container
    Remove Bulk Data from Disk
    Run shell untrusted
    Search Private Keys or Passwords
    System user interactive
    Terminal shell in container
    """),
)
# plug-ins k8saudit 0.18 and json 0.7 with the rules of k8saudit
K8S_AUDIT = Names(
    fields=_words("""
    evt.asynctype evt.datetime evt.datetime.s evt.hostname evt.is_async evt.num evt.plugininfo evt.pluginname
    evt.rawtime evt.rawtime.ns evt.rawtime.s evt.reltime evt.reltime.ns evt.reltime.s evt.source evt.time
    evt.time.iso8601 evt.time.s jevt.obj jevt.rawtime jevt.value json.obj json.rawtime json.value ka.auditid
    ka.auth.decision ka.auth.openshift.decision ka.auth.openshift.username ka.auth.reason ka.cluster.name
    ka.impuser.name ka.req.binding.role ka.req.binding.subject.has_name ka.req.binding.subjects
    ka.req.binding.subjects.group_names ka.req.binding.subjects.serviceaccount_names
    ka.req.binding.subjects.serviceaccount_ns_names ka.req.binding.subjects.user_names ka.req.configmap.name
    ka.req.configmap.obj ka.req.container.host_network ka.req.container.image ka.req.container.image.repository
    ka.req.container.privileged ka.req.pod.containers.add_capabilities
    ka.req.pod.containers.allow_privilege_escalation ka.req.pod.containers.args ka.req.pod.containers.command
    ka.req.pod.containers.eff_run_as_group ka.req.pod.containers.eff_run_as_user ka.req.pod.containers.host_port
    ka.req.pod.containers.image ka.req.pod.containers.image.repository ka.req.pod.containers.name
    ka.req.pod.containers.privileged ka.req.pod.containers.proc_mount ka.req.pod.containers.read_only_fs
    ka.req.pod.containers.run_as_group ka.req.pod.containers.run_as_user
    ka.req.pod.ephemeralContainers.add_capabilities ka.req.pod.ephemeralContainers.allow_privilege_escalation
    ka.req.pod.ephemeralContainers.args ka.req.pod.ephemeralContainers.command
    ka.req.pod.ephemeralContainers.eff_run_as_group ka.req.pod.ephemeralContainers.eff_run_as_user
    ka.req.pod.ephemeralContainers.image ka.req.pod.ephemeralContainers.image.repository
    ka.req.pod.ephemeralContainers.name ka.req.pod.ephemeralContainers.privileged
    ka.req.pod.ephemeralContainers.proc_mount ka.req.pod.ephemeralContainers.read_only_fs
    ka.req.pod.ephemeralContainers.run_as_group ka.req.pod.ephemeralContainers.run_as_user ka.req.pod.fs_group
    ka.req.pod.host_ipc ka.req.pod.host_network ka.req.pod.host_pid ka.req.pod.initContainers.add_capabilities
    ka.req.pod.initContainers.allow_privilege_escalation ka.req.pod.initContainers.args
    ka.req.pod.initContainers.command ka.req.pod.initContainers.eff_run_as_group
    ka.req.pod.initContainers.eff_run_as_user ka.req.pod.initContainers.host_port ka.req.pod.initContainers.image
    ka.req.pod.initContainers.image.repository ka.req.pod.initContainers.name ka.req.pod.initContainers.privileged
    ka.req.pod.initContainers.proc_mount ka.req.pod.initContainers.read_only_fs
    ka.req.pod.initContainers.run_as_group ka.req.pod.initContainers.run_as_user ka.req.pod.run_as_group
    ka.req.pod.run_as_user ka.req.pod.supplemental_groups ka.req.pod.volumes.flexvolume_driver
    ka.req.pod.volumes.hostpath ka.req.pod.volumes.volume_type ka.req.role.rules ka.req.role.rules.apiGroups
    ka.req.role.rules.nonResourceURLs ka.req.role.rules.resources ka.req.role.rules.verbs ka.req.service.ports
    ka.req.service.type ka.req.volume.hostpath ka.resp.name ka.response.code ka.response.reason
    ka.security.pod.violations ka.sourceips ka.stage ka.target.name ka.target.namespace ka.target.pod.name
    ka.target.resource ka.target.subresource ka.uri ka.uri.param ka.user.groups ka.user.name ka.useragent
    ka.validations.admission.policy.failure ka.verb
    """),
    macros=_words("""
    allow_all_k8s_nodes allowed_full_admin_users allowed_k8s_containers allowed_kube_namespace_pods
    any_container_privileged clusterrole clusterrolebinding configmap consider_activity_events consider_all_events
    contains_private_credentials deployment health_endpoint ingress ingress_tls k8s_audit_always_true
    k8s_audit_never_true kactivity kall kcreate kdelete kevt kevt_started kget kmodify live_endpoint namespace node
    non_system_user pod pod_subresource ready_endpoint response_successful role rolebinding secret
    sensitive_vol_mount service serviceaccount trusted_sa user_known_exec_pod_activities
    user_known_node_port_service user_known_pod_debug_activities user_known_portforward_activities writable_verbs
    """),
    lists=_words("""
    allowed_k8s_nodes allowed_k8s_users allowed_kube_namespace_image_list allowed_namespaces eks_allowed_k8s_users
    full_admin_k8s_users k8s_audit_hostipc_images k8s_audit_hostnetwork_images k8s_audit_hostpid_images
    k8s_audit_privileged_images k8s_audit_sensitive_mount_images k8s_audit_stages k8s_image_list known_sa_list
    user_allowed_kube_namespace_image_list user_known_sa_list user_trusted_image_list vertical_pod_autoscaler_users
    """),
    rules=_lines("""
    All K8s Audit Events
    Anonymous Request Allowed
    Attach to cluster-admin Role
    Attach/Exec Pod
    ClusterRole With Pod Exec Created
    ClusterRole With Wildcard Created
    ClusterRole With Write Privileges Created
    Create Disallowed Namespace
    Create Disallowed Pod
    Create HostIPC Pod
    Create HostNetwork Pod
    Create HostPid Pod
    Create NodePort Service
    Create Privileged Pod
    Create Sensitive Mount Pod
    Create/Modify Configmap With Private Credentials
    Disallowed K8s User
    EphemeralContainers Created
    Full K8s Administrative Access
    Ingress Object without TLS Certificate Created
    K8s ClusterRole Created
    K8s ClusterRole Deleted
    K8s ClusterRoleBinding Created
    K8s ClusterRoleBinding Deleted
    K8s ConfigMap Created
    K8s ConfigMap Deleted
    K8s Deployment Created
    K8s Deployment Deleted
    K8s Namespace Created
    K8s Namespace Deleted
    K8s Role Created
    K8s Role Deleted
    K8s RoleBinding Created
    K8s RoleBinding Deleted
    K8s Secret Created
    K8s Secret Deleted
    K8s Secret Get Successfully
    K8s Secret Get Unsuccessfully Tried
    K8s Service Created
    K8s Service Deleted
    K8s Serviceaccount Created
    K8s Serviceaccount Deleted
    Pod Created in Kube Namespace
    Service Account Created in Kube Namespace
    System ClusterRole Modified/Deleted
    Untrusted Node Successfully Joined the Cluster
    Untrusted Node Unsuccessfully Tried to Join the Cluster
    port-forward
    """),
)
SOURCES = {"syscall": SYSCALL, "k8s_audit": K8S_AUDIT}
