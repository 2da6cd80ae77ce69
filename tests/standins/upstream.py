# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether upstream's charts can be had from here, so that the tests of the platform can run with them: python -m tests.standins.upstream."""

from __future__ import annotations

import sys
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import yaml

ROLES = Path(__file__).resolve().parents[2] / "roles"
SECONDS = 10.0


def addresses() -> dict[str, str]:
    """What to ask, by the host that has the charts of our roles."""
    found = {}
    for path in sorted(ROLES.glob("*/defaults/**/*.yml")):
        for value in (yaml.safe_load(path.read_text()) or {}).values():
            if isinstance(value, dict) and "ref" in value:
                scheme, _, rest = value["ref"].partition("://")
                host = rest.partition("/")[0]
                found[host] = (
                    f"https://{'registry-1.' if host == 'docker.io' else ''}{host}/{'v2/' if scheme == 'oci' else ''}"
                )
    return found


def answers(url: str) -> bool:
    """Whether somebody is there; a registry may want to know who asks."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, method="HEAD"), timeout=SECONDS):
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False


def main() -> int:
    """0 when all hosts answer."""
    hosts = addresses()
    with ThreadPoolExecutor(len(hosts)) as pool:
        missing = [host for host, there in zip(hosts, pool.map(answers, hosts.values()), strict=True) if not there]
    if missing:
        print(
            f"Upstream's charts cannot be reached from this machine ({', '.join(missing)}); "
            "run make test, which takes stand-ins, or let this machine reach these hosts, by https_proxy for example.",
            file=sys.stderr,
        )
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
