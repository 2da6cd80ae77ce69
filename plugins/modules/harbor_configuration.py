#!/usr/bin/python
# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: harbor_configuration
short_description: Bring registries, projects, robots, replications and settings of a Harbor to their description
description:
  - Looks at a Harbor 2.x over its API, makes a plan of what differs, and carries it out. What Harbor would refuse half-way, as a registry that is still
    used or a project that is not there, is refused before anything is done.
  - Without O(url) Harbor is reached through the service proxy of the API server, which needs nothing but a kubeconfig whose user may use
    C(services/proxy) with all verbs. In any case the user reads and writes Secrets.
  - Passwords are read from Secrets of the cluster and written to Secrets of the cluster; options, results and logs have none.
  - What is not named stays, unless O(exclusive) has its kind. A project with repositories is never deleted.
author:
  - kubestd.platform contributors (@kubestd)
requirements:
  - PyYAML
extends_documentation_fragment:
  - kubestd.platform.kube
  - kubestd.platform.kube.in_process
attributes:
  check_mode:
    support: full
    description: Says the steps. Before Harbor is installed these are the steps for an empty one.
  diff_mode:
    support: full
    description: Shows what differs, never passwords.
  idempotent:
    support: full
    description: A password that somebody changed in Harbor itself is not noticed, since Harbor shows none; one that changed in its Secret is.
options:
  namespace:
    description: Namespace of Harbor, and of the Secrets that this module reads.
    type: str
    default: harbor
  service:
    description: Service of Harbor's core, which the API server is asked for.
    type: str
    default: harbor-core
  service_port:
    description: Its port.
    type: int
    default: 80
  service_scheme:
    description: Whether the service speaks TLS. The API server does not check the certificates of services.
    type: str
    choices: [http, https]
    default: http
  url:
    description: Address of Harbor, for example V(https://harbor.example.com), when it is not reached through the API server.
    type: str
  server_ca:
    description: Path or PEM text of the certificate authority of O(url).
    type: str
  server_verify:
    description: Whether the certificate of O(url) is checked.
    type: bool
    default: true
  username:
    description: An administrator of Harbor's own accounts.
    type: str
    default: admin
  password_secret:
    description: Secret with the password of O(username).
    type: str
    default: harbor-generated
  password_key:
    description: Its key.
    type: str
    default: HARBOR_ADMIN_PASSWORD
  record_secret:
    description: Secret in which this module remembers, as salted digests, which passwords Harbor was given, so that a new one is noticed.
    type: str
    default: harbor-configuration
  timeout:
    description: Seconds for which a Harbor that does not answer yet is asked again.
    type: int
    default: 60
  only_check_options:
    description: Whether to do no more than refuse what Harbor could not follow. Nothing is asked, neither a cluster nor Harbor.
    type: bool
    default: false
  exclusive:
    description:
      - Kinds of which Harbor has nothing but what is named here; the rest is deleted. A project with repositories, and a registry in use, are refused.
      - V(robots) means those of the system and of all projects. V(members) means those of projects that have O(projects[].members); the owner stays.
    type: list
    elements: str
    choices: [registries, projects, members, robots, replications]
    default: []
  configuration:
    description: Settings of the system, as C(GET /api/v2.0/configurations) names them, for example C(project_creation_restriction). Free-form as Harbor
      defines them; secrets are refused.
    type: dict
    default: {}
  oidc:
    description: The OpenID Connect provider for logins. Harbor takes it only while it has no accounts of its own but the administrator.
    type: dict
    suboptions:
      name:
        description: What the button of the login page says.
        type: str
        default: OpenID Connect
      endpoint:
        description: The issuer.
        type: str
        required: true
      client_id:
        description: The client.
        type: str
        default: harbor
      secret_name:
        description: Secret with the secret of the client.
        type: str
        default: harbor-oidc
      secret_key:
        description: Its key.
        type: str
        default: clientSecret
      scopes:
        description: What is asked for.
        type: list
        elements: str
        default: [openid, profile, email, groups, offline_access]
      groups_claim:
        description: The claim with the groups of a user.
        type: str
        default: groups
      admin_group:
        description: Members of this group are administrators.
        type: str
      group_filter:
        description: A regular expression; only groups that match are known to Harbor.
        type: str
      user_claim:
        description: The claim with the name of a user.
        type: str
        default: preferred_username
      verify_cert:
        description: Whether the certificate of the issuer is checked.
        type: bool
        default: true
      auto_onboard:
        description: Whether users get their account at the first login, without being asked for a name.
        type: bool
        default: true
      logout:
        description: Whether a logout of Harbor ends the session at the provider.
        type: bool
      primary:
        description: Whether the login page goes to the provider at once.
        type: bool
        default: true
  registries:
    description: Registries elsewhere, for proxy caches and replications. Harbor asks them before it keeps them.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Its name.
        type: str
        required: true
      type:
        description: What it is; V(docker-registry) for any that has none of the others. Proxy caches take all but V(huawei-SWR), V(tencent-tcr) and
          V(volcengine-cr).
        type: str
        choices: [docker-registry, docker-hub, github-ghcr, harbor, ali-acr, aws-ecr, azure-acr, google-gcr, jfrog-artifactory, huawei-SWR, tencent-tcr,
          volcengine-cr]
        default: docker-registry
      url:
        description: Its address.
        type: str
      description:
        description: For people.
        type: str
        default: ''
      insecure:
        description: Whether its certificate is not checked.
        type: bool
        default: false
      ca:
        description: PEM text of its certificate authority.
        type: str
      secret_name:
        description: Secret with user and password; it is asked without them when empty.
        type: str
      secret_user_key:
        description: The key of the user.
        type: str
        default: username
      secret_password_key:
        description: The key of the password.
        type: str
        default: password
      state:
        description: Whether it is there.
        type: str
        choices: [present, absent]
        default: present
  projects:
    description: Projects. An option that is not given leaves Harbor as it is.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Its name; the first part of the path of its images.
        type: str
        required: true
      registry:
        description: Makes it a proxy cache of this registry. It stays what it was made as.
        type: str
      public:
        description: Whether everybody pulls without a login.
        type: bool
      scan_on_push:
        description: Whether images are scanned when they come.
        type: bool
      sbom_on_push:
        description: Whether a bill of materials is made when they come.
        type: bool
      block_on_severity:
        description: Images with a vulnerability of this severity or above cannot be pulled.
        type: str
        choices: [never, low, medium, high, critical]
      allowed_cves:
        description: Vulnerabilities that do not block, instead of the list of the system.
        type: list
        elements: str
      cosign:
        description: Whether only images with a signature by cosign can be pulled.
        type: bool
      notation:
        description: Whether only images with a signature by notation can be pulled; not for a proxy cache.
        type: bool
      quota:
        description: How much it may hold, for example V(50Gi); V(unlimited) without an end.
        type: str
      kilobits_per_second:
        description: Bandwidth to the registry of a proxy cache; -1 without an end.
        type: int
      upstream_connections:
        description: Connections for each artifact to the registry of a proxy cache; -1 without an end.
        type: int
      serve_when_gone_upstream:
        description: Whether a proxy cache serves what was deleted in its registry.
        type: bool
      members:
        description: Who works in it.
        type: list
        elements: dict
        suboptions:
          group:
            description: A group of the OpenID Connect provider.
            type: str
          user:
            description: A user that Harbor knows.
            type: str
          role:
            description: What they may do.
            type: str
            choices: [project_admin, maintainer, developer, guest, limited_guest]
            default: developer
      immutable_tags:
        description: All rules about tags that nobody overwrites or deletes; none when empty.
        type: list
        elements: dict
        suboptions:
          tags:
            description: Pattern of tags; all when nothing is said.
            type: str
          except_tags:
            description: All tags but those of this pattern.
            type: str
          repositories:
            description: Pattern of repositories, without the project; all when nothing is said.
            type: str
          except_repositories:
            description: All repositories but those of this pattern.
            type: str
          enabled:
            description: Whether it is in force.
            type: bool
            default: true
      retention:
        description: Which tags stay; others are deleted when it runs. A proxy cache begins with those that were pulled in the last seven days.
        type: dict
        suboptions:
          schedule:
            description: When it runs, as cron writes it; only by hand when empty.
            type: str
            default: ''
          rules:
            description: A tag stays when one of them keeps it. Without a rule there is no policy, and all tags stay.
            type: list
            elements: dict
            default: []
            suboptions:
              keep:
                description: What is kept.
                type: str
                choices: [always, latest_pushed, latest_pulled, pushed_within_days, pulled_within_days]
                required: true
              count:
                description: How many, or how many days.
                type: int
              tags:
                description: Pattern of tags; all when nothing is said.
                type: str
              except_tags:
                description: All tags but those of this pattern.
                type: str
              repositories:
                description: Pattern of repositories, without the project; all when nothing is said.
                type: str
              except_repositories:
                description: All repositories but those of this pattern.
                type: str
              untagged:
                description: Whether artifacts without a tag are kept, too.
                type: bool
                default: true
              enabled:
                description: Whether it is in force.
                type: bool
                default: true
      state:
        description: Whether it is there. One with repositories is not deleted.
        type: str
        choices: [present, absent]
        default: present
  robots:
    description: Accounts of machines.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Its name, without the prefix of Harbor (C(robot$)).
        type: str
        required: true
      project:
        description: The project that it is of; of the system when empty. Only one of the system works in several.
        type: str
      description:
        description: For people.
        type: str
        default: ''
      days:
        description: How long it lasts from its making; -1 without an end.
        type: int
        default: -1
      enabled:
        description: Whether it may do anything.
        type: bool
        default: true
      permissions:
        description: What it may do.
        type: list
        elements: dict
        default: []
        suboptions:
          project:
            description: Where; V(*) for all projects. When empty, in its own project, or as one of the system in the system.
            type: str
          access:
            description: Resources and actions, for example V(repository:pull), as C(GET /api/v2.0/permissions) lists them.
            type: list
            elements: str
            required: true
      secrets:
        description: Where its password goes. Harbor tells it once; when none of these Secrets has it any more, the robot gets a new one. So deleting them is
          how a password is changed.
        type: list
        elements: dict
        default: []
        suboptions:
          name:
            description: Name of the Secret.
            type: str
            required: true
          namespace:
            description: Its namespace; O(namespace) when nothing is said.
            type: str
          format:
            description: V(login) has C(username) and C(password); V(pull) is also a C(kubernetes.io/dockerconfigjson) for C(imagePullSecrets).
            type: str
            choices: [login, pull]
            default: login
          registry:
            description: The host that pods pull from, for V(pull).
            type: str
      state:
        description: Whether it is there. With V(absent) its Secrets go, too.
        type: str
        choices: [present, absent]
        default: present
  replications:
    description: Rules by which images are copied.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Its name.
        type: str
        required: true
      registry:
        description: The registry that is copied from or to.
        type: str
      direction:
        description: V(pull) from it, or V(push) to it.
        type: str
        choices: [pull, push]
        default: pull
      description:
        description: For people.
        type: str
        default: ''
      filters:
        description: What is copied; everything when empty.
        type: dict
        suboptions:
          name:
            description: Pattern of repositories.
            type: str
          tag:
            description: Pattern of tags.
            type: str
          except_tag:
            description: Pattern of tags that are left out.
            type: str
          labels:
            description: Labels that all have to be there.
            type: list
            elements: str
          resource:
            description: Kind of artifact.
            type: str
            choices: [image, artifact]
      namespace:
        description: Where copies go; the same path when empty.
        type: str
      flatten:
        description: How many parts of the path O(replications[].namespace) takes the place of; -1 for all of it, as Harbor did before 2.3.
        type: int
        default: 1
      trigger:
        description: V(event) copies what is pushed here at once, and is for V(push) only.
        type: str
        choices: [manual, scheduled, event]
        default: manual
      schedule:
        description: When, as cron writes it.
        type: str
      delete:
        description: Whether what is deleted at the source is deleted at the target.
        type: bool
        default: false
      override:
        description: Whether what is at the target is overwritten.
        type: bool
        default: true
      enabled:
        description: Whether it is in force.
        type: bool
        default: true
      kilobytes_per_second:
        description: Limit for each task; 0 without one.
        type: int
        default: 0
      copy_by_chunk:
        description: Whether layers go in pieces.
        type: bool
        default: false
      one_at_a_time:
        description: Whether a run is left out while the one before goes on.
        type: bool
        default: false
      state:
        description: Whether it is there.
        type: str
        choices: [present, absent]
        default: present
  garbage_collection:
    description: When layers that nothing needs any more are deleted; left alone when not given.
    type: dict
    suboptions:
      schedule:
        description: When, as cron writes it; never when empty.
        type: str
        default: ''
      delete_untagged:
        description: Whether artifacts without a tag are deleted, too.
        type: bool
        default: false
      workers:
        description: How many delete at once, 1 to 10.
        type: int
        default: 1
  scan_all:
    description: When all images are scanned anew; left alone when not given.
    type: dict
    suboptions:
      schedule:
        description: When, as cron writes it; never when empty.
        type: str
        default: ''
"""

EXAMPLES = r"""
- name: Set Harbor up
  kubestd.platform.harbor_configuration:
    registries:
      - {name: quay.io, url: "https://quay.io"}
      - {name: docker.io, type: docker-hub, url: "https://hub.docker.com", secret_name: docker-hub}
    projects:
      - {name: quay.io, registry: quay.io, public: true}
      - {name: docker.io, registry: docker.io, public: true}
      - name: shop
        scan_on_push: true
        block_on_severity: high
        cosign: true
        quota: 100Gi
        members:
          - {group: shop-developers, role: developer}
        immutable_tags:
          - {tags: "v*"}
        retention:
          schedule: 0 4 * * *
          rules:
            - {keep: latest_pushed, count: 20}
    robots:
      - name: shop-pull
        permissions:
          - {project: shop, access: ["repository:pull"]}
        secrets:
          - {name: harbor-pull, namespace: shop, format: pull, registry: harbor.example.com}
    garbage_collection: {schedule: 0 5 * * 6}

- name: Say what another Harbor lacks
  kubestd.platform.harbor_configuration:
    url: https://harbor.example.com
    server_ca: /etc/ssl/platform-ca.pem
    replications:
      - {name: releases, registry: edge, direction: push, trigger: event, filters: {name: "shop/**", tag: "v*"}}
  check_mode: true
"""

RETURN = r"""
actions:
  description: What was done, or would be done in check mode, a phrase each.
  returned: success
  type: list
  elements: str
  sample: ["make registry quay.io", "make project quay.io", "change project shop (severity)"]
reached:
  description: Whether Harbor answered; in check mode it need not be installed yet.
  returned: success
  type: bool
  sample: true
msg:
  description: Why it failed.
  returned: failure
  type: str
  sample: project shop holds 3 repositories and is not deleted with them; delete them first, or let the project stay.
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._errors import KubestdError
from ..module_utils._harbor.arguments import ARGUMENTS
from ..module_utils._harbor.run import result


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    try:
        done = result(module.params, module.check_mode)
    except KubestdError as error:
        module.fail_json(msg=str(error))
    module.exit_json(**done)


if __name__ == "__main__":
    main()
