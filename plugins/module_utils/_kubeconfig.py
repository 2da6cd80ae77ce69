# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which API server, and as whom: options, a kubeconfig, or the service account of the pod this runs in.

Read as client-go does: KUBECONFIG may list several files (the first to name something wins), relative paths start at
the file's folder, exec plugins answer with an ExecCredential. https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/
"""

from __future__ import annotations

import base64
import ipaddress
import json
import os
import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any
from urllib.parse import urlsplit

from ._errors import KubestdError
from ._kube import KubeClient
from ._yaml import LOADER, yaml

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


class TokenFile:
    """A token that somebody replaces in its file from time to time, as the kubelet does for a service account."""

    def __init__(self, path: str, what: str) -> None:
        self.path, self.what = path, what

    def __call__(self) -> str:
        token = _text(self.path, self.what).strip()
        if not token:
            raise KubestdError(f"{self.path} ({self.what}) is empty; it has to hold a bearer token.")
        return token


class Plugin:
    """What an exec plugin says; it is asked again when that has expired."""

    def __init__(self, run: Callable[[], dict[str, Any]]) -> None:
        self.run, self.lock = run, threading.Lock()
        self.status = run()

    def __call__(self) -> str | None:
        with self.lock:
            ends = _time(self.status)
            if ends is not None and ends <= datetime.now(timezone.utc):
                self.status = self.run()
            return self.status.get("token")


@dataclass(frozen=True, repr=False)
class Access:
    """One API server and one identity; certificates are PEM texts. login: user and password."""

    server: str
    ca: str | None = None
    certificate: str | None = None
    key: str | None = None
    token: str | TokenFile | Plugin | None = None
    login: tuple[str, str] | None = None
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
            login=self.login,
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
        if isinstance(self.token, TokenFile):
            user["tokenFile"] = os.path.abspath(self.token.path)
        elif self.token:
            user["token"] = self.token() if isinstance(self.token, Plugin) else self.token
        elif self.login:
            user["username"], user["password"] = self.login
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
    found["proxy"] = found.get("proxy") or proxy_for(found["server"], environment)
    return Access(**found)


def proxy_for(server: str, environment: dict[str, str]) -> str | None:
    """The proxy that the environment names for a server, as kubectl finds it; never one for this machine itself.

    https://pkg.go.dev/golang.org/x/net/http/httpproxy#Config
    """
    try:
        url = urlsplit(server if "//" in server else f"https://{server}")
        host, port = url.hostname or "", url.port or (80 if url.scheme == "http" else 443)
    except ValueError:  # the client says what is wrong with it
        return None
    name = "HTTP_PROXY" if url.scheme == "http" else "HTTPS_PROXY"
    proxy = environment.get(name) or environment.get(name.lower())
    address = _address(host)
    if not proxy or host == "localhost" or (address and address.is_loopback):
        return None
    direct = (environment.get("NO_PROXY") or environment.get("no_proxy") or "").lower().split(",")
    return None if any(_covers(entry.strip(), host, address, port) for entry in direct) else proxy


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _covers(entry: str, host: str, address: ipaddress.IPv4Address | ipaddress.IPv6Address | None, port: int) -> bool:
    """Whether an entry of NO_PROXY is about a server: *, an address, a network, a domain with all below it, or .domain."""
    if entry == "*" or not entry:
        return bool(entry)
    if "/" in entry:
        try:
            return address is not None and address in ipaddress.ip_network(entry, strict=False)
        except ValueError:
            return False
    if _address(entry) is None:
        name, _, number = entry.rpartition(":")
        if name and number.isdecimal():
            if int(number) != port:
                return False
            entry = name
    alone = _address(entry.strip("[]"))
    if address is not None or alone is not None:
        return address == alone
    entry = entry[1:] if entry.startswith("*.") else entry
    return host.endswith(entry) if entry.startswith(".") else host == entry or host.endswith(f".{entry}")


def _from_pod(environment: dict[str, str]) -> dict[str, Any] | None:
    host = environment.get("KUBERNETES_SERVICE_HOST")
    if not host or not os.path.exists(f"{SERVICE_ACCOUNT}/token"):
        return None
    host = f"[{host}]" if ":" in host else host
    return {
        "server": f"https://{host}:{environment.get('KUBERNETES_SERVICE_PORT', '443')}",
        "ca": _text(f"{SERVICE_ACCOUNT}/ca.crt", "the service account"),
        "token": TokenFile(f"{SERVICE_ACCOUNT}/token", "the service account"),
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
        there = [path for path in paths if os.path.exists(path)]
        documents = [_load(path) for path in there or paths[:1]]
    context_name = options.get("context") or next(
        (document.get("current-context") for document, _, _ in documents if document.get("current-context")), None
    )
    where = ", ".join(name for _, _, name in documents)
    context, _ = _entry(documents, "contexts", "context", context_name, where)
    cluster, folder = _entry(documents, "clusters", "cluster", context.get("cluster"), where)
    found = {
        "server": _string(cluster, "server") or "",
        "ca": _pem(cluster, "certificate-authority", folder),
        "verify": not cluster.get("insecure-skip-tls-verify", False),
        "server_name": _string(cluster, "tls-server-name"),
        "proxy": _string(cluster, "proxy-url"),
    }
    if context.get("user"):
        user, folder = _entry(documents, "users", "user", context["user"], where)
        found.update(_identity(user, folder, cluster, environment))
    return found


def _identity(
    user: dict[str, Any], folder: str, cluster: dict[str, Any], environment: dict[str, str]
) -> dict[str, Any]:
    for name in ("as", "auth-provider"):
        if user.get(name):
            raise KubestdError(
                f"The kubeconfig's user has {name}, which is not supported; use a token, certificate or exec."
            )
    found: dict[str, Any] = {
        "certificate": _pem(user, "client-certificate", folder),
        "key": _pem(user, "client-key", folder),
        "token": _string(user, "token"),
    }
    login, path = _string(user, "username"), _string(user, "tokenFile")
    if login:
        found["login"] = (login, _string(user, "password") or "")
    if path:
        found["token"] = TokenFile(os.path.join(folder, path), "tokenFile")
        found["token"]()
    if user.get("exec"):
        plugin = Plugin(lambda: _run_plugin(user["exec"], folder, cluster, environment))
        found["token"] = plugin if plugin.status.get("token") else None
        found["certificate"] = plugin.status.get("clientCertificateData") or found["certificate"]
        found["key"] = plugin.status.get("clientKeyData") or found["key"]
    return found


def _run_plugin(
    wanted: dict[str, Any], folder: str, cluster: dict[str, Any], environment: dict[str, str]
) -> dict[str, Any]:
    """What an exec plugin says; https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins."""
    command = wanted.get("command") if isinstance(wanted, dict) else None
    if not command or not isinstance(command, str):
        raise KubestdError("The kubeconfig's exec plugin has no command.")
    program = os.path.join(folder, command) if os.sep in command else command
    info: dict[str, Any] = {
        "apiVersion": wanted.get("apiVersion", "client.authentication.k8s.io/v1"),
        "kind": "ExecCredential",
        "spec": {"interactive": False},
    }
    if wanted.get("provideClusterInfo"):
        info["spec"]["cluster"] = _cluster_info(cluster, folder)
    try:
        extra = {item["name"]: item["value"] for item in wanted.get("env") or []}
        done = subprocess.run(
            [program, *(wanted.get("args") or [])],
            env={**environment, **extra, "KUBERNETES_EXEC_INFO": json.dumps(info)},
            capture_output=True,
            timeout=EXEC_TIMEOUT,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except (KeyError, TypeError) as error:
        raise KubestdError(f"args and env of the kubeconfig's exec plugin {command} are not lists of texts.") from error
    except FileNotFoundError as error:
        hint = wanted.get("installHint") or "install it, or use a kubeconfig without it"
        raise KubestdError(f"The kubeconfig's exec plugin {command} is not on this machine; {hint}.") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise KubestdError(f"The kubeconfig's exec plugin {command} did not answer: {error}.") from error
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip()[-500:]
        raise KubestdError(f"The kubeconfig's exec plugin {command} failed ({done.returncode}): {said}")
    try:
        status = dict(json.loads(done.stdout)["status"])
        _time(status)
    except (ValueError, KeyError, TypeError) as error:
        raise KubestdError(f"The kubeconfig's exec plugin {command} did not answer with an ExecCredential.") from error
    if not status.get("token") and not (status.get("clientCertificateData") and status.get("clientKeyData")):
        raise KubestdError(
            f"The kubeconfig's exec plugin {command} answered with neither a token nor a certificate and key."
        )
    return status


def _cluster_info(cluster: dict[str, Any], folder: str) -> dict[str, Any]:
    """The cluster as an exec plugin is told about it."""
    names = ("server", "tls-server-name", "insecure-skip-tls-verify", "certificate-authority-data", "proxy-url")
    told = {name: cluster[name] for name in names if cluster.get(name)}
    ca = _pem(cluster, "certificate-authority", folder)
    if ca:
        told["certificate-authority-data"] = base64.b64encode(ca.encode()).decode()
    for extension in cluster.get("extensions") or []:
        if isinstance(extension, dict) and extension.get("name") == "client.authentication.k8s.io/exec":
            told["config"] = extension.get("extension")
    return told


def _time(status: dict[str, Any]) -> datetime | None:
    """When what a plugin said ends; None when it does not say."""
    text = status.get("expirationTimestamp")
    found = datetime.fromisoformat(text.replace("Z", "+00:00")) if text else None
    return found if found is None or found.tzinfo else found.replace(tzinfo=timezone.utc)


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
        document = yaml.load(text, Loader=LOADER)
    except yaml.YAMLError as error:
        raise KubestdError(f"The kubeconfig {name} is not YAML.") from error
    if not isinstance(document, dict):
        raise KubestdError(f"The kubeconfig {name} is not a mapping with clusters, users and contexts.")
    return document


def _entry(
    documents: list[tuple[dict[str, Any], str, str]], group: str, kind: str, name: str | None, where: str
) -> tuple[dict[str, Any], str]:
    if not name:
        hint = "set current-context there, or the option context" if kind == "context" else "its context has to"
        raise KubestdError(f"The kubeconfig {where} names no {kind}; {hint}.")
    known = []
    for document, folder, _ in documents:
        entries = document.get(group) or []
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            raise KubestdError(f"{group} of the kubeconfig {where} is not a list of entries with a name.")
        for entry in entries:
            known.append(str(entry.get("name")))
            if entry.get("name") == name:
                found = entry.get(kind) or {}
                if not isinstance(found, dict):
                    raise KubestdError(f"The {kind} {name!r} of the kubeconfig {where} is not a mapping.")
                return found, folder
    raise KubestdError(f"The kubeconfig {where} has no {kind} {name!r}; it has {', '.join(known) or 'none'}.")


def _string(entry: dict[str, Any], name: str) -> str | None:
    value = entry.get(name)
    if value is not None and not isinstance(value, str):
        raise KubestdError(f"{name} of the kubeconfig is {type(value).__name__}, not text; put it in quotes.")
    return value or None


def _pem(entry: dict[str, Any], name: str, folder: str) -> str | None:
    data, path = _string(entry, f"{name}-data"), _string(entry, name)
    if data:
        try:
            return base64.b64decode(data).decode()
        except ValueError as error:
            raise KubestdError(f"{name}-data of the kubeconfig is not base64 of a PEM text.") from error
    return _text(os.path.join(folder, path), name) if path else None


def _text(path: str, what: str) -> str:
    if "-----BEGIN" in path:
        return path
    try:
        with open(os.path.expanduser(path), encoding="utf-8") as handle:
            return handle.read()
    except OSError as error:
        raise KubestdError(f"Cannot read {path} ({what}): {error.strerror}.") from error
    except ValueError as error:
        raise KubestdError(f"{path} ({what}) is not text.") from error
