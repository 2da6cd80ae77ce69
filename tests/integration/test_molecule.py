# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Molecule itself runs the scenario of the sandbox: bare machines, checked, built, asked, built again, asked again, gone."""

from __future__ import annotations

import ipaddress
import os
import re
import subprocess
from pathlib import Path

from .conftest import ROOT

SEQUENCE = ["destroy", "syntax", "create", "check", "converge", "verify", "idempotence", "verify", "destroy"]


def test_the_default_scenario_runs_from_nothing_to_nothing(tmp_path: Path) -> None:
    """One load balancer and one control plane, beside the sandbox of the other tests and in the network after it."""
    name = f"{os.environ.get('KUBESTD_TEST_NAME') or 'kubestd-test'}-m"
    others = ipaddress.ip_network(os.environ.get("KUBESTD_TEST_SUBNET") or "10.232.0.0/24")
    environment = {
        **os.environ,
        "KUBESTD_SANDBOX_NAME": name,
        "KUBESTD_SANDBOX_SUBNET": f"{others.network_address + others.num_addresses}/{others.prefixlen}",
        "KUBESTD_SANDBOX_CONTROL_PLANES": "1",
        "KUBESTD_SANDBOX_WORKERS": "0",
        "MOLECULE_EPHEMERAL_DIRECTORY": str(tmp_path / "molecule"),
        "NO_COLOR": "1",
    }
    answer = subprocess.run(
        [ROOT / "scripts/kubestd", "molecule", "test"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=900,
        check=False,
    )
    said = answer.stdout + answer.stderr
    assert answer.returncode == 0, said[-6000:]
    assert re.findall(r"default (?:➜|>) (\w+)\W+Executing", said) == SEQUENCE
    assert len(re.findall(r"^nodes +1 of 1 ready", said, re.MULTILINE)) == 2, said[-6000:]
    for kind in (["ps", "--all"], ["volume", "ls"], ["network", "ls"]):
        # a regular expression: the name alone is also the beginning of "kubestd-test-mirror"
        named = f"--filter=name=^{name}(-|$)"
        left = subprocess.run(["podman", *kind, "--quiet", named], capture_output=True, check=True)
        assert left.stdout == b"", kind
