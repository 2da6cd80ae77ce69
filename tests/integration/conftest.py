# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A sandbox of its own for the tests: real machines as far as containers can be, made and removed by them.

KUBESTD_TEST_KEEP=1 leaves it standing, and uses one that stands. KUBESTD_TEST_NAME and KUBESTD_TEST_SUBNET give it another name and
network than kubestd-test and 10.232.0.0/24, so that two checkouts can be tested on one machine.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from .control_plane import ControlPlane, Registry

ROOT = Path(__file__).parents[2]
RECAP = re.compile(r"^(\S+)\s+: ok=(\d+)\s+changed=(\d+)\s+unreachable=(\d+)\s+failed=(\d+)", re.MULTILINE)


class Result:
    """What a playbook said."""

    def __init__(self, rc: int, text: str, seconds: float) -> None:
        self.rc, self.text, self.seconds = rc, text, seconds
        #: host: {ok, changed, unreachable, failed}
        self.recap = {
            host: dict(zip(("ok", "changed", "unreachable", "failed"), map(int, numbers), strict=True))
            for host, *numbers in RECAP.findall(text)
        }

    @property
    def changed(self) -> dict[str, int]:
        """Hosts that report a change, with how many."""
        return {host: numbers["changed"] for host, numbers in self.recap.items() if numbers["changed"]}

    def tasks_with(self, status: str, host: str) -> list[str]:
        """Names of tasks that ended with a status on a host."""
        names, task = [], ""
        for line in self.text.splitlines():
            if line.startswith(("TASK [", "RUNNING HANDLER [")):
                task = line.split("[", 1)[1].rsplit("]", 1)[0]
            elif line.startswith(f"{status}: [{host}"):
                names.append(task)
        return names

    def __iter__(self) -> Iterator[Any]:
        return iter((self.rc, self.text))


class Sandbox:
    """Machines by the names of the inventory."""

    def __init__(self, name: str, subnet: str, **counts: int) -> None:
        self.name = name
        #: Where the output of building the cluster is kept, with -vvv; beside it the command lines of that time.
        self.build: Path = Path(os.devnull)
        self.environment = {
            **os.environ,
            "KUBESTD_SANDBOX_NAME": name,
            "KUBESTD_SANDBOX_SUBNET": subnet,
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_FORCE_COLOR": "0",
        }
        self.set(**counts)

    def set(self, **counts: int) -> None:
        """How many load_balancers, control_planes and workers the inventory has from now on."""
        for group, count in counts.items():
            self.environment[f"KUBESTD_SANDBOX_{group.upper()}"] = str(count)

    @property
    def inventory(self) -> dict[str, Any]:
        """The inventory as it is now."""
        answer = subprocess.run(
            [ROOT / "inventories/sandbox/hosts.py"], env=self.environment, capture_output=True, text=True, check=True
        )
        found: dict[str, Any] = json.loads(answer.stdout)
        return found

    @property
    def hosts(self) -> dict[str, str]:
        """Addresses by host names."""
        return {host: values["ansible_host"] for host, values in self.inventory["_meta"]["hostvars"].items()}

    @property
    def endpoint(self) -> str:
        """The API server as clients reach it."""
        wanted = self.inventory["all"]["vars"]["cluster_endpoint"]
        return f"https://{wanted['host']}:{wanted['port']}"

    def verb(self, name: str) -> None:
        """A verb of scripts/kubestd."""
        subprocess.run(
            [ROOT / "scripts/kubestd", name], env=self.environment, check=True, cwd=ROOT, stdin=subprocess.DEVNULL
        )

    def run(
        self, host: str, argv: list[str], check: bool = True, timeout: float = 60
    ) -> subprocess.CompletedProcess[str]:
        """A command on a machine, past Ansible."""
        answer = subprocess.run(
            ["podman", "exec", f"{self.name}-{host}", *argv],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
            check=False,
        )
        assert not check or answer.returncode == 0, f"{argv} on {host}: {answer.stdout}{answer.stderr}"
        return answer

    def kubectl(self, *argv: str, host: str = "cp1", check: bool = True, timeout: float = 60) -> str:
        """kubectl on a control plane."""
        command = ["/usr/local/bin/kubectl", "--kubeconfig=/etc/kubernetes/admin.conf", *argv]
        return self.run(host, command, check=check, timeout=timeout).stdout

    def command(self, playbook: str, *args: str) -> list[str]:
        """The command line of a playbook."""
        return ["ansible-playbook", "--inventory", str(ROOT / "inventories/sandbox"), str(ROOT / playbook), *args]

    def playbook(self, playbook: str, *args: str, timeout: float = 600) -> Result:
        """Run a playbook to its end."""
        start = time.monotonic()
        answer = subprocess.run(
            self.command(playbook, *args),
            env=self.environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=timeout,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        return Result(answer.returncode, answer.stdout + answer.stderr, time.monotonic() - start)

    def kill_at(self, playbook: str, task: str, delay: float, *args: str, timeout: float = 400) -> str:
        """Run a playbook and kill it, and its connections, some seconds after a task has begun; returns what it said until then."""
        process = subprocess.Popen(
            self.command(playbook, *args),
            env=self.environment,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        said: list[str] = []
        deadline = time.monotonic() + timeout
        assert process.stdout is not None
        try:
            for line in process.stdout:
                said.append(line)
                if line.startswith("TASK [") and task in line:
                    time.sleep(delay)
                    return "".join(said)
                assert time.monotonic() < deadline, "".join(said)
            raise AssertionError(f"the run ended before {task!r}:\n{''.join(said)}")
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def machine(self, verb: str, host: str) -> None:
        """kill or start a machine, without any goodbye."""
        subprocess.run(["podman", verb, f"{self.name}-{host}"], check=True, capture_output=True)

    def wait(self, what: Callable[[], bool], seconds: float = 60, pause: float = 0.5) -> None:
        """Wait until something is so."""
        deadline = time.monotonic() + seconds
        while not what():
            assert time.monotonic() < deadline, f"not within {seconds} s"
            time.sleep(pause)


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """Two load balancers, three control planes and a worker: bare machines, until a test or the fixture cluster builds one."""
    name, subnet = (os.environ.get(f"KUBESTD_TEST_{key}") for key in ("NAME", "SUBNET"))
    made = Sandbox(name or "kubestd-test", subnet or "10.232.0.0/24", load_balancers=2, control_planes=3, workers=1)
    made.build = tmp_path_factory.mktemp("build") / "site.log"
    keep = bool(os.environ.get("KUBESTD_TEST_KEEP"))
    if not keep:
        made.verb("down")
    made.verb("create")
    yield made
    if not keep:
        made.verb("down")


@pytest.fixture(scope="session")
def cluster(sandbox: Sandbox) -> Sandbox:
    """The sandbox with a cluster on it: what test_cluster.py has built, or one that is built now for a file that runs alone."""
    if sandbox.run("cp1", ["ls", "/etc/kubernetes/admin.conf"], check=False).returncode:
        result = sandbox.playbook("site.yml")
        if result.rc:
            # One sentence for each test that needs it, not the whole output twenty times.
            print(result.text[-6000:])
            pytest.fail("the cluster could not be built, and this needs it", pytrace=False)
    return sandbox


@pytest.fixture(scope="session")
def control_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """A real API server with etcd and controllers, without nodes."""
    made = ControlPlane(tmp_path_factory.mktemp("control-plane"))
    try:
        yield made.start()
    finally:
        made.stop()


@pytest.fixture(scope="session")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """A real OCI registry, plain http."""
    made = Registry(tmp_path_factory.mktemp("registry"))
    try:
        yield made.begin()
    finally:
        made.stop()
