# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects from files and addresses."""

from __future__ import annotations

import hashlib
import os
import ssl
import urllib.error
import urllib.request
from typing import Any

from .._errors import KubestdError
from .._yaml import LOADER, yaml
from . import kustomize

DOWNLOAD = 60.0  # seconds without a byte


def documents(text: str, name: str) -> tuple[list[Any], list[str]]:
    """The documents of a YAML text, and where each stands."""
    try:
        found = [item for item in yaml.load_all(text, Loader=LOADER) if item is not None]
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        raise KubestdError(
            f"{name}{line} is not YAML: {getattr(error, 'problem', None) or 'it cannot be read'}."
        ) from error
    return found, [f"document {number + 1} of {name}" for number in range(len(found))]


def from_file(path: str) -> str:
    """The text of a file."""
    try:
        with open(os.path.expanduser(path), encoding="utf-8") as handle:
            return handle.read()
    except OSError as error:
        raise KubestdError(f"Cannot read {path}: {error.strerror}; check files.") from error
    except UnicodeDecodeError as error:
        raise KubestdError(f"{path} is not a text of UTF-8.") from error


def from_url(url: str, sha256: str, ca: str | None, cache: str) -> str:
    """The text at an address, refused when its digest is another one; kept by digest, so that it comes once."""
    return download(url, sha256, ca, os.path.join(cache, "manifests", f"{sha256}.yaml")).decode()


def download(url: str, sha256: str, ca: str | None, path: str) -> bytes:
    """What is at an address, refused when its digest is another one, and kept at a path."""
    if os.path.exists(path):
        with open(path, "rb") as handle:
            content = handle.read()
        if hashlib.sha256(content).hexdigest() == sha256:
            return content
    try:
        context = ssl.create_default_context(cafile=ca) if url.startswith("https") else None
        request = urllib.request.Request(url, headers={"User-Agent": "kubestd.platform"})
        with urllib.request.urlopen(request, timeout=DOWNLOAD, context=context) as answer:
            content = bytes(answer.read())
    except (OSError, urllib.error.URLError, ValueError) as error:
        raise KubestdError(f"Cannot download {url}: {error}.") from error
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise KubestdError(
            f"{url} has SHA-256 {found}, and {sha256} was pinned: it is not what was pinned. Nothing was changed."
        )
    os.makedirs(os.path.dirname(path), exist_ok=True)
    fresh = f"{path}.{os.getpid()}"
    with open(fresh, "wb") as out:
        out.write(content)
    os.replace(fresh, path)
    return content


def from_kustomize(options: dict[str, Any], program: str, cache: str) -> str:
    """What kustomize makes of an archive; kept, so that the same one is neither fetched nor built again."""
    path = os.path.join(cache, "kustomize", f"{kustomize.key(options)}.yaml")
    text = kustomize.kept(path)
    if text is None:
        archives = []
        for one in [options, *(options.get("archives") or [])]:
            sha256 = one["sha256"].removeprefix("sha256:")
            kept = os.path.join(cache, "manifests", f"{sha256}.tar")
            archives.append(download(one["url"], sha256, options.get("ca_cert"), kept))
        text = kustomize.render(options, archives[0], program, archives[1:])
        kustomize.keep(path, text)
    return text


def gather(options: dict[str, Any], cache: str) -> tuple[list[Any], list[str]]:
    """All objects of the options objects, files, urls and kustomize, and where each stands."""
    found = list(options.get("objects") or [])
    places = [f"item {number + 1} of objects" for number in range(len(found))]
    texts = [(from_file(path), path) for path in options.get("files") or []]
    for item in options.get("urls") or []:
        texts.append(
            (from_url(item["url"], item["sha256"].removeprefix("sha256:"), item.get("ca_cert"), cache), item["url"])
        )
    for text, name in texts:
        inside, where = documents(text, name)
        found += inside
        places += where
    for item in options.get("kustomize") or []:
        text = from_kustomize(item, options.get("kustomize_program") or "kustomize", cache)
        inside = kustomize.taken(documents(text, item["url"])[0], item.get("take") or "all")
        found += inside
        places += [f"what kustomize makes of {item['url']}"] * len(inside)
    return found, places
