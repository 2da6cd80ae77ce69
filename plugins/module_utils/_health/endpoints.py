# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether somebody answers when the API server calls a webhook: the endpoints of its services. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .judge import object_health
from .model import DEGRADED, PROGRESSING, UNKNOWN, Health
from .plan import BUILT_IN, Collection, Found

Object = dict[str, Any]
SLICES = "EndpointSlice"
KINDS = frozenset({"ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"})


def services(found: Object) -> dict[tuple[str, str], list[str]]:
    """(namespace, name) of the services that a webhook configuration calls, with the webhooks that do; {} for another kind."""
    called: dict[tuple[str, str], list[str]] = {}
    for item in (found.get("webhooks") or []) if found.get("kind") in KINDS else []:
        service = (item.get("clientConfig") or {}).get("service")
        if service:
            called.setdefault((service["namespace"], service["name"]), []).append(str(item.get("name")))
    return called


def slices(service: tuple[str, str]) -> Collection:
    """The list of the endpoints of a service."""
    return Collection(BUILT_IN[SLICES][0], SLICES, service[0], f"kubernetes.io/service-name={service[1]}")


def pods(service: tuple[str, str]) -> Collection:
    """The list in which the pods of a service are."""
    return Collection("v1", "Pod", service[0])


def behind(found: Object) -> list[Collection]:
    """What has to be read to say whether the webhooks of a configuration can be called, and if not, why."""
    return [where for service in services(found) for where in (slices(service), pods(service))]


def reachable(found: Object, health: Health, lists: Mapping[Collection, Found]) -> Health:
    """The health of an object; a webhook configuration is healthy only when each of its services has a ready endpoint."""
    if not health.ok:
        return health
    for service, webhooks in services(found).items():
        answer, name = lists.get(slices(service)), "/".join(service)
        if answer is None:
            return Health(PROGRESSING, f"the endpoints of Service {name} were not read yet")
        if answer.problem:
            return Health(UNKNOWN, f"the endpoints of Service {name} cannot be read: {answer.problem}", answer.hopeless)
        ends = [one for item in answer.objects for one in item.get("endpoints") or []]
        # One that does not say is ready: https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/#ready
        if any((one.get("conditions") or {}).get("ready") is not False for one in ends):
            continue
        late = {(one.get("targetRef") or {}).get("name") for one in ends}
        known = lists.get(pods(service), Found()).objects
        bad = [(pod["metadata"]["name"], object_health(pod)) for pod in known if pod["metadata"]["name"] in late]
        bad = sorted((one for one in bad if not one[1].ok), key=lambda one: (not one[1].hopeless, one[0]))
        why = (
            f"pod {bad[0][0]}: {bad[0][1].message}"
            if bad
            else "none of its pods is ready"
            if ends
            else "no pod is behind it"
        )
        said = f"{', '.join(webhooks)} cannot be called: Service {name} has no ready endpoints: {why}"
        hopeless = bool(bad) and bad[0][1].hopeless
        return Health(DEGRADED if hopeless else PROGRESSING, said, hopeless)
    return health
