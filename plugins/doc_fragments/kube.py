# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Which API server, and as whom."""

    DOCUMENTATION = r"""
options:
  kubeconfig:
    description:
      - Path of a kubeconfig.
      - Without it the environment variables E(K8S_AUTH_KUBECONFIG) and E(KUBECONFIG) name files, then C(~/.kube/config) is read,
        then the service account of the pod in which the module runs is used.
      - Exec plugins, tokens, C(tokenFile), user and password, client certificates, C(proxy-url) and C(tls-server-name) are followed
        as kubectl does. Tokens of a file or of an exec plugin are renewed while a module runs. Impersonation and C(auth-provider)
        are refused.
    type: path
  kubeconfig_content:
    description: The text of a kubeconfig (YAML or JSON), for example from a vault; wins over O(kubeconfig).
    type: str
  context:
    description: The context of the kubeconfig; without it C(current-context).
    type: str
  host:
    description: The API server's address, for example V(https://10.0.0.10:6443); wins over the one of the kubeconfig.
    type: str
  api_key:
    description: A bearer token; wins over the identity of the kubeconfig.
    type: str
  ca_cert:
    description: Path or PEM text of the certificate authority of the API server.
    type: str
  validate_certs:
    description: Whether the API server's certificate is checked. Without it, as the kubeconfig says.
    type: bool
  proxy:
    description:
      - The address of an HTTP proxy in front of the API server, for example V(http://proxy.example.com:3128).
      - Without it, C(proxy-url) of the kubeconfig is used, else E(HTTPS_PROXY), unless E(NO_PROXY) names the server.
    type: str
"""

    IN_PROCESS = r"""
notes:
  - On a local connection the module runs inside Ansible's own process, with the same checks, masks and results,
    because starting another Python costs more than the module. It is a process of its own, as any module, with C(async), C(become)
    or C(environment), or when C(ansible_python_interpreter) names another Python than that of C(ansible-playbook).
options: {}
"""
