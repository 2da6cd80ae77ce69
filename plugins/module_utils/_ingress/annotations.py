# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of the annotations of ingress-nginx. Pure; from the provider of ingress2gateway 1.1.0, which translates them."""

from __future__ import annotations

import re
from dataclasses import dataclass

PREFIX = "nginx.ingress.kubernetes.io/"
# Translated whatever their value is
WHOLE = frozenset((
    "canary", "canary-by-header", "canary-by-header-value", "canary-weight", "canary-weight-total", "app-root",
    "permanent-redirect", "permanent-redirect-code", "temporal-redirect", "temporal-redirect-code",
    "from-to-www-redirect", "ssl-redirect", "upstream-vhost", "connection-proxy-header", "x-forwarded-prefix",
    "enable-cors", "cors-allow-origin", "cors-allow-methods", "cors-allow-headers", "cors-expose-headers",
    "cors-allow-credentials", "cors-max-age",
))  # fmt: skip
# Translated, and worth a look
PARTLY = {
    "use-regex": "regular expressions are matched by the implementation in its own way",
    "proxy-connect-timeout": "times between two reads become a time for the whole request",
    "proxy-send-timeout": "times between two reads become a time for the whole request",
    "proxy-read-timeout": "times between two reads become a time for the whole request",
    "proxy-ssl-verify": "becomes a BackendTLSPolicy only together with proxy-ssl-secret, proxy-ssl-name and proxy-ssl-server-name",
    "proxy-ssl-secret": "a BackendTLSPolicy takes the CA of it, and no client certificate",
    "proxy-ssl-name": "becomes the host name of a BackendTLSPolicy",
    "proxy-ssl-server-name": "is always on with a BackendTLSPolicy",
    "ssl-passthrough": "becomes a TLSRoute, for which the Gateway needs a listener of its own with mode Passthrough",
}
# Policies of an implementation, which no other has
BY_EMITTER = {
    "proxy-body-size": ("envoy-gateway", "kgateway"),
    "client-body-buffer-size": ("envoy-gateway", "kgateway"),
    "whitelist-source-range": ("envoy-gateway",),
    "denylist-source-range": ("envoy-gateway",),
}
HINTS = {
    "auth-url": "use the external authorisation of the implementation, such as SecurityPolicy of Envoy Gateway",
    "auth-signin": "use the external authorisation of the implementation, such as SecurityPolicy of Envoy Gateway",
    "auth-type": "use the basic authentication of the implementation",
    "auth-secret": "use the basic authentication of the implementation",
    "auth-realm": "use the basic authentication of the implementation",
    "auth-tls-secret": "client certificates are a matter of the Gateway's listener",
    "configuration-snippet": "it is text for nginx",
    "server-snippet": "it is text for nginx",
    "stream-snippet": "it is text for nginx",
    "affinity": "use the session persistence of the implementation",
    "limit-rps": "use the rate limits of the implementation",
    "limit-rpm": "use the rate limits of the implementation",
    "limit-connections": "use the rate limits of the implementation",
    "custom-headers": "write a RequestHeaderModifier or ResponseHeaderModifier",
    "force-ssl-redirect": "write a route on the listener http with a RequestRedirect to https",
    "default-backend": "a route has no second backend for errors",
    "custom-http-errors": "a route has no pages for errors",
    "canary-by-cookie": "match the header Cookie",
    "canary-by-header-pattern": "match the header by a regular expression",
}
TRANSLATED, LOOK, LOST = "translated", "look", "lost"
CAPTURE = re.compile(r"\$\d")


@dataclass(frozen=True)
class Verdict:
    """What becomes of one annotation, and why."""

    name: str
    word: str
    why: str = ""


def judge(name: str, value: str, emitter: str = "standard") -> Verdict | None:
    """What becomes of an annotation; None for one that is not of ingress-nginx."""
    if not name.startswith(PREFIX):
        return None
    short = name[len(PREFIX) :]
    if short == "rewrite-target":
        if CAPTURE.search(value):
            return Verdict(
                short, LOST, "a path cannot be made of groups of a regular expression; write the rewrites one by one"
            )
        return Verdict(short, TRANSLATED)
    if short == "backend-protocol":
        if value.upper() in ("HTTP", "GRPC"):
            return Verdict(short, TRANSLATED)
        if value.upper() in ("HTTPS", "GRPCS"):
            return Verdict(
                short, LOOK, "becomes a BackendTLSPolicy, which verifies the backend's certificate; nginx did not"
            )
        return Verdict(short, LOST, f"there is no backend of {value}")
    if short in WHOLE:
        return Verdict(short, TRANSLATED)
    if short in PARTLY:
        return Verdict(short, LOOK, PARTLY[short])
    if emitter in BY_EMITTER.get(short, ()):
        return Verdict(short, LOOK, f"becomes a policy of {emitter}")
    if short in BY_EMITTER:
        return Verdict(short, LOST, f"only {' and '.join(BY_EMITTER[short])} have a policy for it")
    return Verdict(short, LOST, HINTS.get(short, "the Gateway API has nothing for it"))


def judge_all(annotations: dict[str, str], emitter: str = "standard") -> list[Verdict]:
    """What becomes of the annotations of an Ingress, in the order of their names."""
    found = [judge(name, str(value), emitter) for name, value in sorted(annotations.items())]
    return [verdict for verdict in found if verdict]
