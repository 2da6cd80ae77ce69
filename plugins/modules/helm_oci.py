#!/usr/bin/python
# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: helm_oci
short_description: One Helm release is as described
description:
  - Releases a chart that is pinned by digest, from an OCI registry, an address or a path.
  - A release that is as described costs one metadata request to the API server. No helm is started, and no registry is asked.
    What was released is remembered in labels of the Secret that helm keeps for each revision.
  - Failed, pending and half-removed releases are recognised and mended; see O(recover).
  - Two runs at once on one release take turns through a Lease named C(kubestd-release-NAME) in its namespace.
  - Does not wait until the objects are healthy; that is what M(kubestd.platform.k8s_health) is for.
author:
  - kubestd.platform contributors (@kubestd)
requirements:
  - helm 4.0 or newer on the machine the module runs on
  - cosign 2.0 or newer there, when O(chart.verify) names a key or an identity of cosign; 2.6.2 with O(chart.verify.trusted_root)
  - PyYAML
extends_documentation_fragment:
  - kubestd.platform.kube
  - kubestd.platform.kube.in_process
attributes:
  check_mode:
    support: full
    description: Reads the chart and renders it against the API server, and changes nothing.
  diff_mode:
    support: full
    description: Shows the objects that change. Data of Secrets and everything in O(secret_values) is masked.
  idempotent:
    support: full
    description: A second run changes nothing.
options:
  name:
    description: Name of the release, at most 53 characters.
    type: str
    required: true
  namespace:
    description: Namespace of the release; it is made when it is not there.
    type: str
    required: true
  namespace_labels:
    description: Labels that the namespace gets, for example those of Pod Security admission. Other labels of it are left alone.
    type: dict
    default: {}
  chart:
    description: The chart; required unless O(state=absent).
    type: dict
    suboptions:
      ref:
        description:
          - V(oci://registry/path/chart), the address of an archive (V(https://….tgz)), or the path of an archive or a folder.
        type: str
        required: true
      version:
        description: The version, exactly. Required for a registry unless O(chart.manifest_digest) is given. Never a range.
        type: str
      sha256:
        description:
          - SHA-256 of the chart's archive. It is the same in a registry (digest of the layer), in a classic repository (C(digest) of
            its index), in a mirror and in a bundle. With it, anything else is refused.
          - Without it, what is found the first time is remembered, and a chart that was changed under the same version is refused.
        type: str
      manifest_digest:
        description: Digest of the OCI manifest, when the chart is to be pulled by it.
        type: str
      verify:
        description:
          - Signatures to check each time the release is about to change. What is verified is the digest that was pulled.
          - Write a key or an identity of cosign for a chart of a registry, a keyring for a chart from anywhere, or both.
        type: dict
        suboptions:
          cosign_key:
            description: Path or KMS address of cosign's public key.
            type: str
          cosign_identity:
            description: Identity in the certificate of a keyless signature, with O(chart.verify.cosign_issuer).
            type: str
          cosign_issuer:
            description: Address of the OIDC issuer of a keyless signature.
            type: str
          trusted_root:
            description:
              - Path of a Sigstore trusted root, for checking without the internet; C(cosign trusted-root create) makes one.
              - Without it cosign asks Sigstore's own for a keyless signature, and for one by a key unless
                O(chart.verify.ignore_transparency_log) is set.
            type: path
          ignore_transparency_log:
            description: Whether a signature without an entry in a transparency log is good, as with keys of your own.
            type: bool
            default: false
          keyring:
            description:
              - Path of a keyring of public PGP keys as C(gpg --export) writes it. The provenance file of the chart, which lies beside it
                under its name and C(.prov) or was pushed with it, is checked with it. A folder has none.
            type: path
  registry:
    description: How the registry of the chart is reached.
    type: dict
    default: {}
    suboptions:
      username:
        description: User name.
        type: str
      password:
        description: Password or token. It goes to helm through memory.
        type: str
      ca:
        description: Path of the certificate authority of the registry.
        type: path
      plain_http:
        description: Whether the registry speaks http without TLS.
        type: bool
        default: false
  mirror:
    description: Where charts are instead of where O(chart.ref) says.
    type: dict
    default: {}
    suboptions:
      registry:
        description: Takes the place of the registry's host, for example V(mirror.example.com:5000) or V(mirror.example.com/proxy). In it C({host}) is the host
          itself, as in V(harbor.example.com/{host}) for the proxy caches of a Harbor.
        type: str
      files:
        description: Address below which files lie under the host and path of their origin, for example V(http://mirror.example.com/files).
        type: str
  values:
    description:
      - Values of the release. They are shown in diffs; what is secret goes into O(secret_values).
      - Types are kept, V("1e3") and V("on") stay text. A null removes the chart's default of that key.
    type: dict
    default: {}
  overlays:
    description:
      - Further values, each laid over what stands before it. Mappings are merged key by key, down to the last;
        everything else, lists too, is replaced.
    type: list
    elements: dict
    default: []
  secret_values:
    description: Values that are laid over all others and appear nowhere, neither in output nor in diffs, arguments or files.
    type: dict
    default: {}
  description:
    description: Text that helm keeps with the revision.
    type: str
  history_max:
    description: How many revisions are kept.
    type: int
    default: 10
  crds:
    description:
      - Whether the CRDs of the chart's C(crds/) folder are brought up to date with server-side apply before each change.
        Helm itself would make them once and never update them.
    type: str
    choices: [apply, skip]
    default: apply
  on_failure:
    description: Whether helm goes back to the last good revision (and removes a failed first one), or leaves what failed to be looked at.
    type: str
    choices: [rollback, keep]
    default: keep
  recover:
    description: Whether a revision that a killed run left pending or half removed is mended. Without it the module fails and says so.
    type: bool
    default: true
  take_ownership:
    description: Whether objects that exist and belong to no release, or to another one, become part of this one.
    type: bool
    default: false
  drift:
    description:
      - What happens when objects in the cluster differ from what was released. V(ignore) does not look; V(report) says so in RV(drift);
        V(repair) releases again, and takes over fields that another hand has set.
      - Looking costs two requests for each object.
    type: str
    choices: [ignore, report, repair]
    default: ignore
  timeout:
    description: Seconds that bringing the chart may take, that helm may take, and that another run on the same release is waited for.
    type: int
    default: 300
  helm:
    description: The helm program.
    type: str
    default: helm
  cosign:
    description: The cosign program.
    type: str
    default: cosign
  state:
    description: Whether the release is there. CRDs and the namespace stay when it goes.
    type: str
    choices: [present, absent]
    default: present
"""

EXAMPLES = r"""
- name: Release MetalLB, pinned
  kubestd.platform.helm_oci:
    name: metallb
    namespace: metallb-system
    namespace_labels:
      pod-security.kubernetes.io/enforce: privileged
    chart:
      ref: oci://quay.io/metallb/chart/metallb
      version: 0.16.1
      sha256: 0f8cbc3b8a1f0e0a3c1f7a4d6e3f9a0c2b7f8d1e5c6a9b0d4e2f1a3c5b7d9e8f
    values:
      speaker:
        logLevel: warn

- name: Release Harbor from a registry with a login, its password from a vault
  kubestd.platform.helm_oci:
    name: harbor
    namespace: harbor
    chart:
      ref: oci://registry.example.com/charts/harbor
      version: 1.19.2
    registry:
      username: robot
      password: "{{ vault_registry_password }}"
    secret_values:
      harborAdminPassword: "{{ vault_harbor_password }}"

- name: Take a release away
  kubestd.platform.helm_oci:
    name: metallb
    namespace: metallb-system
    state: absent
"""

RETURN = r"""
actions:
  description: What was done, or would be done in check mode, a sentence each.
  returned: always
  type: list
  elements: str
  sample: ["upgrade harbor: other values or options"]
drift:
  description: Objects that differ from what was released, when O(drift) is not V(ignore).
  returned: always
  type: list
  elements: str
  sample: ["Deployment harbor/harbor-core is changed"]
release:
  description: The release as it is.
  returned: always
  type: dict
  contains:
    name:
      description: Its name.
      type: str
      sample: harbor
    namespace:
      description: Its namespace.
      type: str
      sample: harbor
    status:
      description: Helm's word for its newest revision, V(absent) when there is none.
      type: str
      sample: deployed
    revision:
      description: Number of the newest revision, 0 when there is none.
      type: int
      sample: 3
    chart_version:
      description: Version of the chart, empty when another hand released it.
      type: str
      sample: 1.19.2
    chart_sha256:
      description: SHA-256 of the chart's archive, which is what O(chart.sha256) takes as a pin; empty when another hand released it.
      type: str
      sample: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._errors import KubestdError
from ..module_utils._kubeconfig import KUBE_ARGUMENTS, access
from ..module_utils._release.run import Release, cache_folder


def main() -> None:
    """Run the module."""
    verify = {
        "cosign_key": {"type": "str", "no_log": False},
        "cosign_identity": {"type": "str"},
        "cosign_issuer": {"type": "str"},
        "trusted_root": {"type": "path"},
        "ignore_transparency_log": {"type": "bool", "default": False},
        "keyring": {"type": "path", "no_log": False},
    }
    chart = {
        "ref": {"type": "str", "required": True},
        "version": {"type": "str"},
        "sha256": {"type": "str"},
        "manifest_digest": {"type": "str"},
        "verify": {"type": "dict", "options": verify, "required_by": {"cosign_identity": ["cosign_issuer"]}},
    }
    registry = {
        "username": {"type": "str"},
        "password": {"type": "str", "no_log": True},
        "ca": {"type": "path"},
        "plain_http": {"type": "bool", "default": False},
    }
    module = AnsibleModule(
        argument_spec={
            **KUBE_ARGUMENTS,
            "name": {"type": "str", "required": True},
            "namespace": {"type": "str", "required": True},
            "namespace_labels": {"type": "dict", "default": {}},
            "chart": {"type": "dict", "options": chart},
            "registry": {"type": "dict", "options": registry, "default": {}},
            "mirror": {
                "type": "dict",
                "options": {"registry": {"type": "str"}, "files": {"type": "str"}},
                "default": {},
            },
            "values": {"type": "dict", "default": {}},
            "overlays": {"type": "list", "elements": "dict", "default": []},
            "secret_values": {"type": "dict", "default": {}, "no_log": True},
            "description": {"type": "str"},
            "history_max": {"type": "int", "default": 10},
            "crds": {"type": "str", "choices": ["apply", "skip"], "default": "apply"},
            "on_failure": {"type": "str", "choices": ["rollback", "keep"], "default": "keep"},
            "recover": {"type": "bool", "default": True},
            "take_ownership": {"type": "bool", "default": False},
            "drift": {"type": "str", "choices": ["ignore", "report", "repair"], "default": "ignore"},
            "timeout": {"type": "int", "default": 300},
            "helm": {"type": "str", "default": "helm"},
            "cosign": {"type": "str", "default": "cosign"},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        },
        required_if=[("state", "present", ["chart"])],
        supports_check_mode=True,
    )
    try:
        release = Release(module.params, access(module.params), cache_folder())
        result = release.run(module.check_mode, module._diff)
    except KubestdError as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
