# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every test may use."""

from __future__ import annotations

import pytest

ORDER = (
    "unit",
    "contract",
    "integration/test_collection",
    "integration/test_wrong",
    "integration/test_cluster",
    "integration/test_health",
    "integration/test_remove",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Quick tests first; those of the sandbox in the order of a cluster's life."""

    def rank(item: pytest.Item) -> int:
        return next((number for number, part in enumerate(ORDER) if f"tests/{part}" in str(item.path)), len(ORDER))

    items.sort(key=rank)
