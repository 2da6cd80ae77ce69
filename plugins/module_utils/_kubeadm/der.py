# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The few fields of certificates and signing requests that are needed here, read from DER with the standard library.

Shapes: RFC 5280 section 4.1 (certificate), RFC 2986 section 4 (signing request), RFC 5280 section 4.2.1.6
(alternative names).
"""

from __future__ import annotations

import base64
import calendar
import hashlib
import ipaddress
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass

from .._errors import KubestdError

COMMON_NAME = "2.5.4.3"
ORGANISATION = "2.5.4.10"
ALTERNATIVE_NAMES = "2.5.29.17"
EXTENSION_REQUEST = "1.2.840.113549.1.9.14"


@dataclass(frozen=True)
class Element:
    """One DER element: its tag, its content, and the whole with its header."""

    tag: int
    content: bytes
    whole: bytes


@dataclass(frozen=True)
class Names:
    """Subject and alternative names; other holds alternative names that are neither DNS names nor addresses."""

    common_name: str
    organisations: tuple[str, ...]
    subject_fields: int
    alternatives: tuple[str, ...]
    other: int


def elements(data: bytes) -> Iterator[Element]:
    """The elements of a DER byte string, in order; raises ValueError when it is cut off."""
    at = 0
    while at < len(data):
        if at + 2 > len(data):
            raise ValueError("cut off in a header")
        tag, length, head = data[at], data[at + 1], 2
        if length & 0x80:
            size = length & 0x7F
            if not 0 < size <= 4 or at + 2 + size > len(data):
                raise ValueError("a length that is not DER")
            length, head = int.from_bytes(data[at + 2 : at + 2 + size], "big"), 2 + size
        end = at + head + length
        if end > len(data):
            raise ValueError("cut off in a value")
        yield Element(tag, data[at + head : end], data[at:end])
        at = end


def oid(content: bytes) -> str:
    """Dotted form of an object identifier."""
    parts, value = [str(min(content[0] // 40, 2)), str(content[0] - 40 * min(content[0] // 40, 2))], 0
    for byte in content[1:]:
        value = value << 7 | byte & 0x7F
        if not byte & 0x80:
            parts.append(str(value))
            value = 0
    return ".".join(parts)


def from_pem(text: str, label: str) -> bytes:
    """The first block with this label."""
    match = re.search(f"-----BEGIN {label}-----(.+?)-----END {label}-----", text, re.DOTALL)
    if match is None:
        raise ValueError(f"no {label} in it")
    return base64.b64decode(match.group(1))


def _certificate(text: str) -> list[Element]:
    outer = next(elements(from_pem(text, "CERTIFICATE")))
    body = next(elements(outer.content))
    fields = list(elements(body.content))
    return fields[1:] if fields[0].tag == 0xA0 else fields


def public_key_hash(text: str) -> str:
    """What kubeadm calls a CA certificate hash: sha256 of the SubjectPublicKeyInfo of a PEM certificate."""
    try:
        return "sha256:" + hashlib.sha256(_certificate(text)[5].whole).hexdigest()
    except (ValueError, IndexError, StopIteration) as error:
        raise KubestdError(f"This is not a PEM certificate: {error}") from error


def expires(text: str) -> float:
    """End of validity of a PEM certificate, seconds since the epoch."""
    try:
        end = list(elements(_certificate(text)[3].content))[1]
        written = end.content.decode("ascii")
        if end.tag == 0x17:  # UTCTime, RFC 5280 4.1.2.5.1: years 50 to 99 are 19xx
            written = ("19" if int(written[:2]) >= 50 else "20") + written
        return float(calendar.timegm(time.strptime(written, "%Y%m%d%H%M%SZ")))
    except (ValueError, IndexError, StopIteration) as error:
        raise KubestdError(f"This is not a PEM certificate: {error}") from error


def _subject(element: Element) -> tuple[str, tuple[str, ...], int]:
    common, organisations, count = "", [], 0
    for relative in elements(element.content):
        for attribute in elements(relative.content):
            kind, value = list(elements(attribute.content))[:2]
            count += 1
            if oid(kind.content) == COMMON_NAME:
                common = value.content.decode("utf-8", "replace")
            elif oid(kind.content) == ORGANISATION:
                organisations.append(value.content.decode("utf-8", "replace"))
    return common, tuple(organisations), count


def _alternatives(extensions: bytes) -> tuple[tuple[str, ...], int]:
    names: list[str] = []
    other = 0
    for extension in elements(extensions):
        parts = list(elements(extension.content))
        if oid(parts[0].content) != ALTERNATIVE_NAMES:
            continue
        for name in elements(next(elements(parts[-1].content)).content):
            if name.tag == 0x82:
                names.append(name.content.decode("utf-8", "replace"))
            elif name.tag == 0x87:
                names.append(str(ipaddress.ip_address(name.content)))
            else:
                other += 1
    return tuple(names), other


def certificate_names(text: str) -> Names:
    """Subject and alternative names of a PEM certificate."""
    try:
        fields = _certificate(text)
        extensions = [field for field in fields[6:] if field.tag == 0xA3]
        names: tuple[tuple[str, ...], int] = ((), 0)
        if extensions:
            names = _alternatives(next(elements(extensions[0].content)).content)
        return Names(*_subject(fields[4]), *names)
    except (ValueError, IndexError, StopIteration) as error:
        raise KubestdError(f"This is not a PEM certificate: {error}") from error


def request_names(text: str) -> Names:
    """Subject and alternative names of a PEM certificate signing request."""
    try:
        outer = next(elements(from_pem(text, "CERTIFICATE REQUEST")))
        fields = list(elements(next(elements(outer.content)).content))
        names: tuple[tuple[str, ...], int] = ((), 0)
        for attribute in [inner for field in fields[3:] if field.tag == 0xA0 for inner in elements(field.content)]:
            kind, values = list(elements(attribute.content))[:2]
            if oid(kind.content) == EXTENSION_REQUEST:
                found, other = _alternatives(next(elements(values.content)).content)
                names = (names[0] + found, names[1] + other)
        return Names(*_subject(fields[1]), *names)
    except (ValueError, IndexError, StopIteration) as error:
        raise KubestdError(f"This is not a PEM certificate signing request: {error}") from error
