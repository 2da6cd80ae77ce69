# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values of a release: merged, told apart by a digest, and shown without what is secret."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from typing import Any

Values = dict[str, Any]
HIDDEN = "********"
# Cost of the key derivation for secret values, about 10 ms: whoever reads the label cannot try many guesses.
SCRYPT = {"n": 4096, "r": 8, "p": 1}


def merge(*layers: Values) -> Values:
    """Layers laid over each other, the last wins; no argument is changed.

    Mappings are merged key by key, down to the last. Everything else is replaced as a whole, lists too: helm does the same.
    A null stays a null: helm removes the chart's default for it.
    """
    result: Values = {}
    for layer in layers:
        for key, value in layer.items():
            old = result.get(key)
            if isinstance(value, dict):
                result[key] = merge(old, value) if isinstance(old, dict) else merge(value)
            else:
                result[key] = value
    return result


def canonical(value: Any) -> bytes:
    """The same bytes for equal values, whatever the order of keys; 1 and "1", true and "true" differ."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def label(digest: bytes) -> str:
    """A SHA-256 digest as the value of a label: base32, 52 characters of the 63 that are allowed."""
    return base64.b32encode(digest).decode().rstrip("=").lower()


def unlabel(text: str) -> str:
    """The SHA-256 in hexadecimal that a label holds; '' when it holds none."""
    try:
        digest = base64.b32decode(text.upper() + "=" * (-len(text) % 8))
    except ValueError:
        return ""
    return digest.hex() if len(digest) == 32 else ""


def fingerprint(values: Values, secret_values: Values, options: Values, salt: str) -> str:
    """What tells one description of a release from another, as a label value; secret values go in through scrypt."""
    digest = hashlib.sha256(canonical([values, options]))
    if secret_values:
        digest.update(hashlib.scrypt(canonical(secret_values), salt=salt.encode(), **SCRYPT))
    return label(digest.digest())


def leaves(value: Any) -> Iterator[Any]:
    """All values below, without the mappings and lists that hold them."""
    if isinstance(value, (dict, list)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from leaves(item)
    else:
        yield value


def mask(text: str, secret_values: Values) -> str:
    """text without any secret value, also not as base64. Values of fewer than four characters cannot be told from others."""
    words = {str(value) for value in leaves(secret_values) if value is not None and len(str(value)) >= 4}
    words |= {base64.b64encode(word.encode()).decode() for word in words} | {json.dumps(word)[1:-1] for word in words}
    for word in sorted(words, key=len, reverse=True):
        text = text.replace(word, HIDDEN)
    return text
