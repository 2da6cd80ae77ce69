# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of Kubernetes are read as Kubernetes reads them."""

from __future__ import annotations

from ansible_collections.kubestd.platform.plugins.module_utils._yaml import LOADER, yaml


def test_a_lone_equals_sign_is_text() -> None:
    """The CRDs of the Prometheus operator have one; PyYAML alone says that it could not determine a constructor for it."""
    assert yaml.load("enum: ['!=', =, =~]", Loader=LOADER) == {"enum": ["!=", "=", "=~"]}
    assert yaml.load("- =\n- 1\n- a: =\n", Loader=LOADER) == ["=", 1, {"a": "="}]
