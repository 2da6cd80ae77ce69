# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the cluster knows of a release: the Secrets that helm keeps, one a revision."""

from __future__ import annotations

import base64
import calendar
import gzip
import json
import secrets
import time
from typing import Any

from .._objects import Object, Objects, Resource
from . import plan
from .values import unlabel

PREFIX = "kubestd.platform/"
SECRETS = Resource("v1", "Secret", "secrets", True)


def new_salt() -> str:
    """A salt as a label value."""
    return secrets.token_hex(16)


def _age(labels: dict[str, str], created: str) -> float:
    text = labels.get("modifiedAt") or labels.get("createdAt") or ""
    if text.isdigit():
        return max(0.0, time.time() - int(text))
    try:
        return max(0.0, time.time() - calendar.timegm(time.strptime(created, "%Y-%m-%dT%H:%M:%SZ")))
    except ValueError:
        return 0.0


def revision(metadata: dict[str, Any]) -> plan.Revision:
    """One revision from the metadata of its Secret."""
    labels = metadata.get("labels") or {}
    number = labels.get("version", "")
    return plan.Revision(
        number=int(number) if number.isdigit() else 0,
        status=labels.get("status", "unknown"),
        secret=metadata["name"],
        fingerprint=labels.get(f"{PREFIX}fingerprint", ""),
        salt=labels.get(f"{PREFIX}salt", ""),
        chart=unlabel(labels.get(f"{PREFIX}chart", "")),
        source=labels.get(f"{PREFIX}source", ""),
        version=labels.get(f"{PREFIX}version", ""),
        age=_age(labels, metadata.get("creationTimestamp", "")),
    )


def revisions(objects: Objects, namespace: str, name: str) -> list[plan.Revision]:
    """All revisions of a release: one request, metadata only."""
    selector = f"owner=helm,name={name}"
    found = objects.list(SECRETS, namespace, selector, metadata_only=True)
    return sorted((revision(item["metadata"]) for item in found), key=lambda item: item.number)


def stored(secret: Object) -> dict[str, Any]:
    """The release that a Secret holds: JSON, gzip, base64 by helm, base64 by the API."""
    return dict(json.loads(gzip.decompress(base64.b64decode(base64.b64decode(secret["data"]["release"])))))


def load(objects: Objects, namespace: str, found: plan.Revision) -> dict[str, Any]:
    """The stored release of a revision (chart, config, manifest, info); {} when it is gone."""
    secret = objects.client.get(SECRETS.path(namespace, found.secret))
    return stored(secret) if secret else {}


def mark_failed(objects: Objects, namespace: str, found: plan.Revision) -> None:
    """Close a revision that a killed helm left pending, as helm closes one whose objects were refused."""
    path = SECRETS.path(namespace, found.secret)
    secret = objects.client.get(path)
    if not secret:
        return
    release = stored(secret)
    release["info"]["status"] = plan.FAILED
    release["info"]["description"] = "closed by kubestd.platform: the run that made it was ended"
    packed = base64.b64encode(gzip.compress(json.dumps(release).encode(), 9))
    secret["data"]["release"] = base64.b64encode(packed).decode()
    secret["metadata"]["labels"]["status"] = plan.FAILED
    objects.client.send("PUT", path, secret)
