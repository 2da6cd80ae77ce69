# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which API server, and as whom: options, a kubeconfig, or the service account of the pod this runs in.

Read as client-go does: KUBECONFIG may list several files (the first to name something wins), relative paths start at
the file's folder, exec plugins answer with an ExecCredential. https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
from dataclasses import dataclass
from typing import Any

import yaml

from ._errors import KubestdError
from ._kube import KubeClient

SERVICE_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"
EXEC_TIMEOUT = 60.0
# The options of the documentation fragment kube.
KUBE_ARGUMENTS: dict[str, dict[str, Any]] = {
    "kubeconfig": {"type": "path"},
    "kubeconfig_content": {"type": "str", "no_log": True},
    "context": {"type": "str"},
    "host": {"type": "str"},
    "api_key": {"type": "str", "no_log": True},
    "ca_cert": {"type": "str"},
    "validate_certs": {"type": "bool"},
    "proxy": {"type": "str"},
}


class NoAccess(KubestdError):
    """Nothing says which API server, or the file that does is not there (yet)."""


@dataclass(frozen=True, repr=False)
class Access:
    """One API server and one identity; certificates are PEM texts."""

    server: str
    ca: str | None = None
    certificate: str | None = None
    key: str | None = None
    token: str | None = None
    verify: bool = True
    server_name: str | None = None
    proxy: str | None = None

    def client(self, timeout: float = 30.0, retry_for: float = 15.0) -> KubeClient:
        """A client; requests are tried again for retry_for seconds when the server is not there or busy."""
        pair = f"{self.certificate}\n{self.key}".encode() if self.certificate and self.key else None
        return KubeClient(
            self.server,
            self.ca,
            pair,
            timeout=timeout,
            retry_for=retry_for,
            verify=self.verify,
            token=self.token,
            server_name=self.server_name,
            proxy=self.proxy,
        )

    def kubeconfig(self, namespace: str = "default") -> bytes:
        """A kubeconfig of only this access, for a command; it holds secrets, so it goes through memory (in_memory)."""
        cluster: dict[str, Any] = {"server": self.server, "insecure-skip-tls-verify": not self.verify}
        user: dict[str, Any] = {}
        if self.verify and self.ca:
            cluster["certificate-authority-data"] = base64.b64encode(self.ca.encode()).decode()
        for name, value in (("tls-server-name", self.server_name), ("proxy-url", self.proxy)):
            if value:
                cluster[name] = value
        for name, value in (("client-certificate-data", self.certificate), ("client-key-data", self.key)):
            if value:
                user[name] = base64.b64encode(value.encode()).decode()
        if self.token:
            user["token"] = self.token
        named = {"cluster": "kubestd", "user": "kubestd", "namespace": namespace}
        return json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "current-context": "kubestd",
                "clusters": [{"name": "kubestd", "cluster": cluster}],
                "users": [{"name": "kubestd", "user": user}],
                "contexts": [{"name": "kubestd", "context": named}],
            }
        ).encode()


def access(options: dict[str, Any], environment: dict[str, str] | None = None) -> Access:
    """The access that the options name: kubeconfig, kubeconfig_content, context, host, api_key, ca_cert, validate_certs, proxy.

    Raises KubestdError with a sentence when there is none or it cannot be read.
    """
    environment = dict(os.environ) if environment is None else environment
    found = _from_kubeconfig(options, environment)
    if found is None and not options.get("host"):
        found = _from_pod(environment)
    if found is None:
        found = {"server": options.get("host") or ""}
    if options.get("ca_cert"):
        found["ca"] = _text(options["ca_cert"], "ca_cert")
    if options.get("validate_certs") is not None:
        found["verify"] = options["validate_certs"]
    for option, name in (("host", "server"), ("api_key", "token"), ("proxy", "proxy")):
        if options.get(option):
            found[name] = options[option]
    if not found["server"]:
        raise NoAccess(
            "No API server is known: set kubeconfig to a file, or host and api_key, or the environment variable KUBECONFIG."
        )
    return Access(**found)


def _from_pod(environment: dict[str, str]) -> dict[str, Any] | None:
    host = environment.get("KUBERNETES_SERVICE_HOST")
    if not host or not os.path.exists(f"{SERVICE_ACCOUNT}/token"):
        return None
    host = f"[{host}]" if ":" in host else host
    return {
        "server": f"https://{host}:{environment.get('KUBERNETES_SERVICE_PORT', '443')}",
        "ca": _text(f"{SERVICE_ACCOUNT}/ca.crt", "the service account"),
        "token": _text(f"{SERVICE_ACCOUNT}/token", "the service account").strip(),
    }


def _from_kubeconfig(options: dict[str, Any], environment: dict[str, str]) -> dict[str, Any] | None:
    if options.get("kubeconfig_content"):
        documents = [(_parse(options["kubeconfig_content"], "kubeconfig_content"), os.getcwd(), "kubeconfig_content")]
    else:
        given = options.get("kubeconfig")
        home = os.path.join(environment.get("HOME", "/"), ".kube/config")
        asked = given or environment.get("K8S_AUTH_KUBECONFIG") or environment.get("KUBECONFIG")
        paths = [os.path.expanduser(path) for path in (asked or home).split(os.pathsep) if path]
        if not asked and (options.get("host") or not os.path.exists(home)):
            return None
        documents = [_load(path) for path in paths if not (len(paths) > 1 and not os.path.exists(path))]
    context_name = options.get("context") or next(
        (document.get("current-context") for document, _, _ in documents if document.get("current-context")), None
    )
    where = ", ".join(name for _, _, name in documents)
    context, _ = _entry(documents, "contexts", "context", context_name, where)
    cluster, folder = _entry(documents, "clusters", "cluster", context.get("cluster"), where)
    found = {
        "server": cluster.get("server", ""),
        "ca": _pem(cluster, "certificate-authority", folder),
        "verify": not cluster.get("insecure-skip-tls-verify", False),
        "server_name": cluster.get("tls-server-name"),
        "proxy": cluster.get("proxy-url"),
    }
    if context.get("user"):
        user, folder = _entry(documents, "users", "user", context["user"], where)
        found.update(_identity(user, folder, cluster, environment))
    return found


def _identity(
    user: dict[str, Any], folder: str, cluster: dict[str, Any], environment: dict[str, str]
) -> dict[str, Any]:
    found = {
        "certificate": _pem(user, "client-certificate", folder),
        "key": _pem(user, "client-key", folder),
        "token": user.get("token"),
    }
    if not found["token"] and user.get("tokenFile"):
        found["token"] = _text(os.path.join(folder, user["tokenFile"]), "tokenFile").strip()
    if user.get("exec"):
        status = _run_plugin(user["exec"], folder, cluster, environment)
        found["token"] = status.get("token")
        found["certificate"] = status.get("clientCertificateData") or found["certificate"]
        found["key"] = status.get("clientKeyData") or found["key"]
    return found


def _run_plugin(
    wanted: dict[str, Any], folder: str, cluster: dict[str, Any], environment: dict[str, str]
) -> dict[str, Any]:
    """What an exec plugin says; https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins."""
    command = wanted.get("command", "")
    program = os.path.join(folder, command) if os.sep in command else command
    info: dict[str, Any] = {
        "apiVersion": wanted.get("apiVersion", "client.authentication.k8s.io/v1"),
        "kind": "ExecCredential",
        "spec": {"interactive": False},
    }
    if wanted.get("provideClusterInfo"):
        info["spec"]["cluster"] = {name: value for name, value in cluster.items() if name != "extensions"}
    extra = {item["name"]: item["value"] for item in wanted.get("env") or []}
    try:
        done = subprocess.run(
            [program, *(wanted.get("args") or [])],
            env={**environment, **extra, "KUBERNETES_EXEC_INFO": json.dumps(info)},
            capture_output=True,
            timeout=EXEC_TIMEOUT,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except FileNotFoundError as error:
        hint = wanted.get("installHint") or "install it, or use a kubeconfig without it"
        raise KubestdError(f"The kubeconfig's exec plugin {command} is not on this machine; {hint}.") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise KubestdError(f"The kubeconfig's exec plugin {command} did not answer: {error}.") from error
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip()[-500:]
        raise KubestdError(f"The kubeconfig's exec plugin {command} failed ({done.returncode}): {said}")
    try:
        status = json.loads(done.stdout)["status"]
    except (ValueError, KeyError, TypeError) as error:
        raise KubestdError(f"The kubeconfig's exec plugin {command} did not answer with an ExecCredential.") from error
    return dict(status)


def _load(path: str) -> tuple[dict[str, Any], str, str]:
    try:
        with open(path, encoding="utf-8") as handle:
            text = handle.read()
    except OSError as error:
        raise NoAccess(f"Cannot read the kubeconfig {path}: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise KubestdError(f"The kubeconfig {path} is not YAML.") from error
    return _parse(text, path), os.path.dirname(os.path.abspath(path)), path


def _parse(text: str, name: str) -> dict[str, Any]:
    try:
        document = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except yaml.YAMLError as error:
        raise KubestdError(f"The kubeconfig {name} is not YAML.") from error
    if not isinstance(document, dict):
        raise KubestdError(f"The kubeconfig {name} is not a mapping with clusters, users and contexts.")
    return document


def _entry(
    documents: list[tuple[dict[str, Any], str, str]], group: str, kind: str, name: str | None, where: str
) -> tuple[dict[str, Any], str]:
    if not name:
        raise KubestdError(f"The kubeconfig {where} names no {kind}; set current-context there, or the option context.")
    known = []
    for document, folder, _ in documents:
        for entry in document.get(group) or []:
            known.append(str(entry.get("name")))
            if entry.get("name") == name:
                return dict(entry.get(kind) or {}), folder
    raise KubestdError(f"The kubeconfig {where} has no {kind} {name!r}; it has {', '.join(known) or 'none'}.")


def _pem(entry: dict[str, Any], name: str, folder: str) -> str | None:
    if entry.get(f"{name}-data"):
        try:
            return base64.b64decode(entry[f"{name}-data"]).decode()
        except ValueError as error:
            raise KubestdError(f"{name}-data of the kubeconfig is not base64 of a PEM text.") from error
    return _text(os.path.join(folder, entry[name]), name) if entry.get(name) else None


def _text(path: str, what: str) -> str:
    if "-----BEGIN" in path:
        return path
    try:
        with open(os.path.expanduser(path), encoding="utf-8") as handle:
            return handle.read()
    except OSError as error:
        raise KubestdError(f"Cannot read {path} ({what}): {error.strerror}.") from error
