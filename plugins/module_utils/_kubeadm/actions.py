# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carrying out the actions of a plan on the node."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import stat
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, BinaryIO

from .._errors import KubestdError
from .._kube import KubeClient, KubeError, admin_client
from . import process
from .config import GOES_ON, init_documents, join_documents, reset_documents
from .etcd import host_of, remove_member
from .plan import Action, Found, Wanted
from .state import DIRECTORIES, INTERFACES, Place, local_server, look, tables

POLL = 0.5


@dataclass
class Node:
    """One run on one node."""

    place: Place
    wanted: Wanted
    credentials: dict[str, Any]
    ignored: list[str]
    timeout: float
    lock: BinaryIO
    sleep: Callable[[float], None] = time.sleep

    def carry_out(self, action: Action, found: Found) -> None:
        """Do one action; raises KubestdError when it fails."""
        STEPS[action.name](self, action, found)

    # kubeadm

    def run(self, arguments: list[str], document: str) -> str:
        return process.kubeadm(self.place.kubeadm, arguments, document, self.timeout, self.lock)

    def phase(self, name: str) -> None:
        self.run(["init", "phase", *name.split(), "--config", "/dev/stdin"], init_documents(self.place.configuration))

    def ignore(self, more: list[str]) -> list[str]:
        names = sorted({*self.ignored, *more})
        return [f"--ignore-preflight-errors={','.join(names)}"] if names else []

    def init(self, _action: Action, found: Found) -> None:
        more: list[str] = []
        if not found.bare:
            local = (self.place.configuration.get("init_configuration") or {}).get("localAPIEndpoint") or {}
            more = [*GOES_ON, f"Port-{local.get('bindPort') or 6443}"]
        self.run(
            ["init", "--config", "/dev/stdin", "--skip-token-print", *self.ignore(more)],
            init_documents(self.place.configuration),
        )
        self.wait_for_node()

    def join(self, _action: Action, _found: Found) -> None:
        needed = ["token", "ca_cert_hashes"] + (["certificate_key"] if self.wanted.role == "control_plane" else [])
        missing = [name for name in needed if not self.credentials.get(name)]
        if missing:
            raise KubestdError(
                f"{self.wanted.node_name} has to join the cluster at {self.wanted.endpoint}, and credentials has no"
                f" {', '.join(missing)}. Make them with kubestd.platform.kubeadm_credentials on a control plane of that"
                " cluster."
            )
        document = join_documents(self.place.configuration, self.wanted.role, self.wanted.endpoint, self.credentials)
        self.run(["join", "--config", "/dev/stdin", *self.ignore([])], document)
        self.wait_for_node()

    def complete(self, action: Action, _found: Found) -> None:
        for name in action.about:
            self.phase(name)
        self.phase("kubelet-finalize all")

    def mark(self, _action: Action, _found: Found) -> None:
        self.phase("mark-control-plane")

    def upload(self, _action: Action, _found: Found) -> None:
        self.phase("upload-config kubeadm")

    # the cluster

    def api(self, **options: Any) -> KubeClient:
        """This node's own API server."""
        manifest = look_manifest(self.place)
        return admin_client(local_server(self.place, manifest), self.place.root, verify_name=False, **options)

    def until(self, what: str, check: Callable[[], bool], limit: float | None = None) -> bool:
        """Poll until check holds or the time is over; answers that cannot be had are no reason to stop."""
        end = time.monotonic() + (self.timeout if limit is None else limit)
        while True:
            with contextlib.suppress(KubeError):
                if check():
                    return True
            if time.monotonic() > end:
                return False
            self.sleep(POLL)

    def wait_for_node(self) -> None:
        """A node that has just joined shows up, with its pod network, within seconds; go on without it after 30 s."""

        def settled() -> bool:
            found = look(self.place, self.wanted)
            cluster = self.place.configuration.get("cluster_configuration") or {}
            return bool(found.registered) and (
                found.pod_cidr is not None or not (cluster.get("networking") or {}).get("podSubnet")
            )

        self.until("the node is registered", settled, 30.0)

    def wait(self, _action: Action, found: Found) -> None:
        if not found.kubelet:
            process.systemctl("start", "kubelet")
        if not self.until("the API server is ready", self.api_ready):
            where = local_server(self.place, look_manifest(self.place))
            raise KubestdError(
                f"The API server of {self.wanted.node_name} at {where} was not ready within {self.timeout:.0f} s."
                " Nothing was undone. Look at journalctl -u kubelet and crictl logs on it."
            )

    def api_ready(self) -> bool:
        client = self.api(timeout=5.0)
        try:
            return client.ask("GET", "/readyz").status == 200
        finally:
            client.close()

    def register(self, _action: Action, _found: Found) -> None:
        if process.systemctl("restart", "kubelet"):
            raise KubestdError(
                f"systemctl restart kubelet failed on {self.wanted.node_name}. Look at journalctl -u kubelet."
            )
        if not self.until("the node is registered", lambda: look(self.place, self.wanted).registered is True):
            raise KubestdError(
                f"The kubelet of {self.wanted.node_name} did not register its Node within {self.timeout:.0f} s. Look at"
                " journalctl -u kubelet."
            )

    # settings

    def write_manifest(self, component: str) -> None:
        """Replace a manifest at once; the kubelet never reads half of one."""
        text = (self.wanted.manifests or {})[component]
        write_atomically(
            self.place.kubernetes(f"manifests/{component}.yaml"),
            self.place.kubernetes(f".kubestd-{component}.yaml"),
            text,
        )

    def restore(self, action: Action, _found: Found) -> None:
        for component in action.about:
            self.write_manifest(component)

    def configure(self, action: Action, _found: Found) -> None:
        """Replace manifests and wait until their programs run anew and answer.

        The mirror pods in the cluster would tell it too, but as much as a minute later.
        """
        before = {component: process.programs(component) for component in action.about}
        for component in action.about:
            self.write_manifest(component)
        waiting = list(action.about)

        def renewed() -> bool:
            for component in list(waiting):
                text = (self.wanted.manifests or {})[component]
                fresh = [pid for pid in process.programs(component) if pid not in before[component]]
                if any(process.has_arguments(pid, text) for pid in fresh) and healthy(text, component):
                    waiting.remove(component)
            return not waiting and self.api_ready()

        if not self.until("the programs run with their new manifests", renewed):
            raise KubestdError(
                f"{' and '.join(waiting) or 'The API server'} of {self.wanted.node_name} did not become ready with the "
                f"new manifest within {self.timeout:.0f} s. Look at journalctl -u kubelet and crictl logs on it; "
                "correct the setting and run again."
            )

    def kube_proxy(self, _action: Action, _found: Found) -> None:
        text = self.wanted.kube_proxy or ""
        client = self.api(retry_for=10.0)
        merge = "application/merge-patch+json"
        stamp = {"kubestd.platform/configuration": hashlib.sha256(text.encode()).hexdigest()[:16]}
        try:
            client.send(
                "PATCH", "/api/v1/namespaces/kube-system/configmaps/kube-proxy", {"data": {"config.conf": text}}, merge
            )
            restart = {"spec": {"template": {"metadata": {"annotations": stamp}}}}
            client.send("PATCH", "/apis/apps/v1/namespaces/kube-system/daemonsets/kube-proxy", restart, merge)
        finally:
            client.close()

    def certificate(self, _action: Action, _found: Found) -> None:
        """kubeadm keeps a certificate that is there, so the old one steps aside.

        The API server notices the new one by itself, and goes on with the old one when this is killed half-way.
        """
        names = [self.place.kubernetes(f"pki/apiserver.{kind}") for kind in ("crt", "key")]
        aside = [name for name in names if os.path.exists(name)]
        for name in aside:
            os.replace(name, f"{name}.old")
        try:
            self.phase("certs apiserver")
        except BaseException:
            for name in aside:
                os.replace(f"{name}.old", name)
            raise
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(f"{name}.old")

    # taking away

    def clean(self, action: Action, _found: Found) -> None:
        for name in action.about:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self.place.file(name))

    def reset(self, _action: Action, found: Found) -> None:
        process.systemctl("stop", "kubelet")
        if found.control_plane:
            self.leave(found)
        self.run(["reset", "--config", "/dev/stdin"], reset_documents(self.place.configuration))

    def leave(self, found: Found) -> None:
        """Take a control plane's etcd member and Node out of the cluster, if there is one to speak to."""
        if not all(
            os.path.exists(self.place.kubernetes(f"pki/{name}"))
            for name in ("ca.crt", "apiserver-kubelet-client.crt", "apiserver-kubelet-client.key")
        ):
            return
        own = local_server(self.place, found.manifests.get("kube-apiserver", ""))
        for server in dict.fromkeys((self.place.endpoint or own, own)):
            client = admin_client(server, self.place.root, timeout=10.0, verify_name=False)
            try:
                client.get("/version")
                remove_member(self.place, client, host_of(own))
                client.delete(f"/api/v1/nodes/{self.place.node_name}")
                return
            except KubeError:
                continue
            finally:
                client.close()

    def wipe(self, _action: Action, _found: Found) -> None:
        process.systemctl("stop", "kubelet")
        for name in DIRECTORIES:
            remove_content(self.place.path(name))
        if self.place.root != "/":
            return
        for name in INTERFACES:
            if os.path.exists(f"/sys/class/net/{name}"):
                subprocess.run(["ip", "link", "delete", name], capture_output=True, check=False)
        for family, name in tables():
            subprocess.run(["nft", "delete", "table", family, name], capture_output=True, check=False)


STEPS: dict[str, Callable[[Node, Action, Found], None]] = {
    "certificate": Node.certificate,
    "clean": Node.clean,
    "complete": Node.complete,
    "configure": Node.configure,
    "init": Node.init,
    "join": Node.join,
    "kube_proxy": Node.kube_proxy,
    "mark": Node.mark,
    "register": Node.register,
    "reset": Node.reset,
    "restore": Node.restore,
    "upload": Node.upload,
    "wait": Node.wait,
    "wipe": Node.wipe,
}


def look_manifest(place: Place) -> str:
    """The manifest of this node's API server."""
    try:
        with open(place.kubernetes("manifests/kube-apiserver.yaml"), encoding="utf-8") as handle:
            return handle.read()
    except OSError:
        return ""


PROBE = re.compile(
    r"(?:liveness|readiness)Probe:\n(?: {6,}.*\n)*? {8}host: (\S+)\n {8}path: (\S+)\n(?: {6,}.*\n)*? {8}scheme: (\S+)"
)
PORT = re.compile(r"containerPort: (\d+)")


def healthy(manifest: str, component: str) -> bool:
    """Whether the program answers the probe that its manifest gives to the kubelet; without one, nothing is asked."""
    probe, port = PROBE.search(manifest), PORT.search(manifest)
    if component == "kube-apiserver" or not probe or not port:
        return True
    host = f"[{probe.group(1)}]" if ":" in probe.group(1) else probe.group(1)
    client = KubeClient(f"{probe.group(3).lower()}://{host}:{port.group(1)}", timeout=3.0)
    try:
        return client.ask("GET", probe.group(2)).status == 200
    finally:
        client.close()


def write_atomically(path: str, temporary: str, text: str) -> None:
    """Replace a file with mode 0600; temporary is on the same file system, outside of what the kubelet watches."""
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    number = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(number, "w", encoding="utf-8") as handle:
        handle.write(text)
        handle.flush()
        os.fsync(handle.fileno())
    os.replace(temporary, path)


def remove_content(path: str) -> None:
    """Empty a directory. Mount points in it and the directory itself stay, for either may be a volume."""
    try:
        entries = sorted(os.listdir(path))
    except OSError:
        return
    for name in entries:
        entry = os.path.join(path, name)
        if os.path.islink(entry) or not stat.S_ISDIR(os.lstat(entry).st_mode):
            os.unlink(entry)
            continue
        remove_content(entry)
        if not os.path.ismount(entry):
            with contextlib.suppress(OSError):
                os.rmdir(entry)
