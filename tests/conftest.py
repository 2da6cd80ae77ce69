# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""In which order tests run, and which share a process."""

from __future__ import annotations

from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

# They have one set of machines, and come in the order of a cluster's life.
SANDBOX = ("test_cluster.py", "test_cluster_platform.py", "test_health_breaks.py", "test_remove.py", "test_molecule.py")


class ByFolder(LoadScopeScheduling):
    """One process for tests that share what they have set up; with pytest 9.2 xdist loses its own groups."""

    def _split_scope(self, nodeid: str) -> str:
        path = nodeid.partition("::")[0]
        return path.rpartition("/")[0] if path.startswith("tests/unit") else path


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFolder:
    return ByFolder(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: SANDBOX.index(item.path.name) if item.path.name in SANDBOX else len(SANDBOX))
