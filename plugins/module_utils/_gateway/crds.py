# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether CRDs of the Gateway API may take the place of those that are there. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

GROUP = "gateway.networking.k8s.io"
POLICY = f"safe-upgrades.{GROUP}"
VERSION = f"{GROUP}/bundle-version"
CHANNEL = f"{GROUP}/channel"
# A number that comes after those of all release candidates
RELEASED = 1 << 30
RELEASE = re.compile(r"v?(\d+)\.(\d+)\.(\d+)(?:-[a-z]+\.?(\d+)?)?")


@dataclass(frozen=True)
class Crd:
    """What a CRD says about where it comes from."""

    name: str
    version: str
    channel: str


def crds_of(objects: Sequence[dict[str, Any]]) -> list[Crd]:
    """The CRDs of the Gateway API that say their release and channel; nothing is known of others."""
    found = []
    for item in objects:
        metadata = item["metadata"]
        said = metadata.get("annotations") or {}
        if metadata["name"].endswith(f".{GROUP}") and said.get(VERSION) and said.get(CHANNEL):
            found.append(Crd(metadata["name"], said[VERSION], said[CHANNEL]))
    return sorted(found, key=lambda crd: crd.name)


def order(version: str) -> tuple[int, int, int, int] | None:
    """A release as something that can be compared; None for what is none, such as v0.0.0-dev."""
    found = RELEASE.fullmatch(version)
    if not found or version.endswith("-dev"):
        return None
    major, minor, patch = (int(part) for part in found.groups()[:3])
    candidate = RELEASED if "-" not in version else int(found.group(4) or 0)
    return major, minor, patch, candidate


def refusals(found: Sequence[Crd], version: str, channel: str, guarded: bool) -> list[str]:
    """A sentence for each reason why the CRDs of a release and channel must not be laid over those that are there."""
    wanted = order(version)
    if wanted is None:
        return [f"gateway_api_crds_version is {version}, which is no release; write one such as v1.6.1."]
    said = []
    newer = [crd for crd in found if (order(crd.version) or wanted) > wanted]
    if newer:
        newest = max(newer, key=lambda crd: order(crd.version) or wanted)
        said.append(
            f"The cluster has CRDs of the Gateway API {newest.version} ({names(newer)}), newer than the {version} of gateway_api_crds_version; "
            f"take a gateway_api_crds_chart with {newest.version} or newer, because objects may have what older CRDs do not know."
        )
    others = [crd for crd in found if crd.channel != channel]
    if others and channel == "standard":
        said.append(
            f"The cluster has CRDs of the Gateway API of the experimental channel ({names(others)}), and gateway_api_crds_channel is standard, "
            "which would drop kinds and fields that objects may have; write experimental, or delete these CRDs with all their objects first."
        )
    elif others and guarded:
        said.append(
            f"The cluster has CRDs of the Gateway API of the standard channel ({names(others)}), and its policy {POLICY} denies the experimental "
            "one on top of them; write standard for gateway_api_crds_channel, or delete the policy and its binding if this is meant."
        )
    return said


def names(crds: Sequence[Crd]) -> str:
    """The first of them, and how many more."""
    more = f" and {len(crds) - 1} more" if len(crds) > 1 else ""
    return crds[0].name + more
