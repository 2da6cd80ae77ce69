# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One run at a time for a release: a Lease that its holder renews, so that a killed run is told from a working one."""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any

from .._errors import KubestdError
from .._kube import KubeError
from .._objects import Objects, Resource

LEASES = Resource("coordination.k8s.io/v1", "Lease", "leases", True)
DURATION = 10  # seconds after which a lease that was not renewed is taken over
RENEW = 3.0


def _boot() -> str:
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as handle:
            return handle.read()[:8]
    except OSError:
        return "-"


def identity() -> str:
    """This process, for others to read: host, boot, process."""
    return f"{socket.gethostname()}_{_boot()}_{os.getpid()}"


def gone(holder: str) -> bool:
    """Whether the holder was a process of this machine that has ended."""
    host, _, rest = holder.rpartition("_")[0].rpartition("_")
    pid = holder.rpartition("_")[2]
    return host == socket.gethostname() and (rest != _boot() or not os.path.exists(f"/proc/{pid}"))


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S.000000Z", time.gmtime())


class Lease:
    """A lock by name, as a context; waits at most patience seconds for another holder."""

    def __init__(
        self, objects: Objects, namespace: str, name: str, patience: float, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self.objects, self.namespace, self.name, self.patience, self.sleep = objects, namespace, name, patience, sleep
        self.path = LEASES.path(namespace, name)
        self.holder = identity()
        self._held: dict[str, Any] = {}
        self._renewed = 0.0

    def _wanted(self, version: str | None) -> dict[str, Any]:
        metadata = {"name": self.name, "namespace": self.namespace}
        if version:
            metadata["resourceVersion"] = version
        spec = {
            "holderIdentity": self.holder,
            "leaseDurationSeconds": DURATION,
            "acquireTime": _now(),
            "renewTime": _now(),
        }
        return {"apiVersion": LEASES.api_version, "kind": LEASES.kind, "metadata": metadata, "spec": spec}

    def _write(self, version: str | None) -> bool:
        method, path = ("PUT", self.path) if version else ("POST", LEASES.path(self.namespace))
        try:
            self._held = self.objects.client.send(method, path, self._wanted(version))
        except KubeError as error:
            if error.status in (404, 409):
                return False
            raise
        self._renewed = time.monotonic()
        return True

    def __enter__(self) -> Lease:
        until = time.monotonic() + self.patience
        seen, since = "", time.monotonic()
        while not self._write(None):
            found = self.objects.client.get(self.path) or {}
            version, spec = found.get("metadata", {}).get("resourceVersion", ""), found.get("spec", {})
            if version != seen:
                seen, since = version, time.monotonic()
            holder = spec.get("holderIdentity") or ""
            # As client-go does: a lease has expired when nobody was seen to renew it for its duration, whatever the clocks say.
            expired = time.monotonic() - since > (spec.get("leaseDurationSeconds") or DURATION)
            if version and (not holder or gone(holder) or expired) and self._write(version):
                break
            if time.monotonic() > until:
                raise KubestdError(
                    f"Another run works on {self.namespace}/{self.name} ({holder}) and did not end within"
                    f" {self.patience:.0f} s; wait for it, or raise timeout."
                )
            self.sleep(0.3)
        return self

    def renew(self) -> None:
        """Called often; renews when it is time. A lease that cannot be renewed now is renewed the next time."""
        if time.monotonic() - self._renewed < RENEW:
            return
        try:
            self._write(self._held.get("metadata", {}).get("resourceVersion"))
        except KubeError:
            self._renewed = time.monotonic()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        version = self._held.get("metadata", {}).get("resourceVersion")
        with contextlib.suppress(KubeError):  # it expires
            # only the lease that is still ours
            self.objects.client.ask("DELETE", self.path, {"preconditions": {"resourceVersion": version}})
