# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a cluster says of its pod network."""

from __future__ import annotations

from dataclasses import replace

from .._kube import KubeClient
from .plan import KUBE_PROXY, Found


def ask(client: KubeClient, found: Found) -> Found:
    """Add what runs on all nodes. Raises KubeError when nobody answers."""
    answer = client.get("/apis/apps/v1/daemonsets") or {}
    names = frozenset((item["metadata"]["namespace"], item["metadata"]["name"]) for item in answer.get("items") or [])
    return replace(found, daemon_sets=names, kube_proxy=KUBE_PROXY in names)
