# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The architecture as tests: what they walk over."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
ROLES = sorted((path for path in (CHECKOUT / "roles").glob("*/") if path.is_dir()), key=lambda path: path.name)
MODULES = sorted((CHECKOUT / "plugins/modules").glob("[!_]*.py"))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that takes `role` or `module` runs once for each."""
    if "role" in metafunc.fixturenames:
        metafunc.parametrize("role", ROLES, ids=[path.name for path in ROLES])
    if "module" in metafunc.fixturenames:
        metafunc.parametrize("module", MODULES, ids=[path.stem for path in MODULES])


@pytest.fixture(scope="session")
def checkout() -> Path:
    return CHECKOUT


@pytest.fixture
def contracts(checkout: Path) -> Path:
    """The folder of upstream values files, schemas and CRDs; KUBESTD_CONTRACTS names another one."""
    folder = Path(os.environ.get("KUBESTD_CONTRACTS") or checkout.parent / "shared/contracts")
    if not folder.is_dir():
        pytest.skip(f"there is no contract data in {folder}; set KUBESTD_CONTRACTS")
    return folder
