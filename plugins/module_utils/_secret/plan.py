# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Random contents of a Secret: made once, never changed. Pure but for the randomness, which is a parameter."""

from __future__ import annotations

import base64
import re
import string
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._errors import KubestdError

LETTERS = string.ascii_letters + string.digits
# Formats that are made from another key of the same Secret, and of which formats that may be
SOURCES = {"public_key": ("rsa_private_key", "ec_private_key"), "htpasswd": ("password", "hex", "base64")}
# A name of another key in a text
REFERENCE = re.compile(r"\$\{([-._A-Za-z0-9]+)\}")
Random = Callable[[int], bytes]


@dataclass(frozen=True)
class Key:
    """One key of the Secret."""

    name: str
    format: str
    length: int
    bits: int
    user: str
    source: str
    text: str = ""


def make_keys(described: Sequence[Mapping[str, Any]]) -> list[Key]:
    """The keys in order of making. Raises KubestdError that names the key and the option."""
    by_name = {str(options["key"]): options for options in described}
    if len(by_name) < len(described):
        names = [options["key"] for options in described]
        raise KubestdError(
            f"keys has {next(name for name in names if names.count(name) > 1)} twice; a key has one description."
        )
    order = {**dict.fromkeys(SOURCES, 1), "text": 2}
    return sorted((_make_key(options, by_name) for options in described), key=lambda key: order.get(key.format, 0))


def _make_key(options: Mapping[str, Any], by_name: Mapping[str, Mapping[str, Any]]) -> Key:
    name, source = options["key"], options.get("from_key") or ""
    allowed = SOURCES.get(options["format"])
    if allowed:
        if source not in by_name:
            raise KubestdError(
                f"from_key of the key {name} is {source!r}; name another key of this secret that it is made from."
            )
        if by_name[source]["format"] not in allowed:
            raise KubestdError(
                f"The key {name} cannot be made from {source}, which is of the format {by_name[source]['format']}."
            )
        if options["format"] == "htpasswd" and not options.get("user"):
            raise KubestdError(f"user of the key {name} is missing; an htpasswd line has a user name.")
    text = options.get("text") or ""
    if options["format"] == "text":
        wrong = [one for one in REFERENCE.findall(text) if one not in by_name or by_name[one]["format"] == "text"]
        if not text or wrong:
            said = f"names {wrong[0]}, which is no other key of this secret" if wrong else "is empty"
            raise KubestdError(f"text of the key {name} {said}; write ${{KEY}} where the content of a key belongs.")
    if options["length"] < 1:
        raise KubestdError(f"length of the key {name} is {options['length']}; write a number above 0.")
    return Key(
        name, options["format"], options["length"], options.get("bits") or 0, options.get("user") or "", source, text
    )


def password(length: int, random: Random) -> str:
    """Letters and digits, each equally likely; no character that a shell, a URL or YAML could take for something else."""
    found = ""
    while len(found) < length:
        # bytes beyond the last whole multiple would make the first letters likelier
        found += "".join(LETTERS[byte % len(LETTERS)] for byte in random(length) if byte < 256 - 256 % len(LETTERS))
    return found[:length]


def private_key(kind: str, bits: int) -> str:
    """A private key as PEM (PKCS 8)."""
    from cryptography.hazmat.primitives.asymmetric import ec, rsa
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    if kind == "rsa_private_key":
        key: Any = rsa.generate_private_key(public_exponent=65537, key_size=bits)
    else:
        curves: dict[int, ec.EllipticCurve] = {256: ec.SECP256R1(), 384: ec.SECP384R1(), 521: ec.SECP521R1()}
        if bits not in curves:
            raise KubestdError(f"bits is {bits}; an EC key has 256, 384 or 521.")
        key = ec.generate_private_key(curves[bits])
    return str(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())


def public_key(pem: bytes) -> str:
    """The public key of a private one, as PEM."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

    key = load_pem_private_key(pem, None).public_key()
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def htpasswd(user: str, word: bytes) -> str:
    """One line of an htpasswd file, with bcrypt."""
    try:
        import bcrypt
    except ImportError as error:
        raise KubestdError(
            "The format htpasswd needs the Python library bcrypt; install it where this module runs."
        ) from error
    return f"{user}:{bcrypt.hashpw(word, bcrypt.gensalt(10)).decode()}"


def composed(text: str, made: Mapping[str, bytes]) -> str:
    """A text with the contents of other keys in it."""
    return REFERENCE.sub(lambda found: made[found[1]].decode(), text)


def make(key: Key, made: Mapping[str, bytes], random: Random) -> bytes:
    """The content of one key; made: the keys that are there already."""
    if key.format == "password":
        return password(key.length, random).encode()
    if key.format == "hex":
        return random(key.length).hex().encode()
    if key.format == "base64":
        return base64.b64encode(random(key.length))
    if key.format == "uuid":
        return str(uuid.UUID(bytes=random(16), version=4)).encode()
    if key.format == "text":
        return composed(key.text, made).encode()
    if key.format == "public_key":
        return public_key(made[key.source]).encode()
    if key.format == "htpasswd":
        return htpasswd(key.user, made[key.source]).encode()
    return private_key(key.format, key.bits or (4096 if key.format == "rsa_private_key" else 256)).encode()


def missing(keys: list[Key], found: Mapping[str, Any]) -> list[Key]:
    """Keys that a Secret does not have yet; what it has is never made again."""
    return [key for key in keys if key.name not in found]


def stale(keys: list[Key], made: Mapping[str, bytes]) -> list[Key]:
    """Texts that other keys, or their own words, no longer agree with; these have nothing random of their own."""
    texts = [key for key in keys if key.format == "text" and key.name in made]
    return [
        key
        for key in texts
        if all(one in made for one in REFERENCE.findall(key.text))
        and composed(key.text, made).encode() != made[key.name]
    ]
