# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects that kustomize makes of a folder in an archive. Everything it reads has to be in the archive, which has a digest."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .._errors import KubestdError
from .._yaml import LOADER, yaml

BUILD = 300.0  # seconds for a build
LARGEST = 1 << 30  # bytes that an archive may unpack to
FILES = ("kustomization.yaml", "kustomization.yml", "Kustomization")
# Fields of a kustomization that name folders or files: https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/
FOLDERS = ("resources", "bases", "components")
PATHS = ("crds", "configurations", "generators", "transformers", "validators", "patchesStrategicMerge")
WITH_PATH = ("patches", "patchesJson6902", "replacements")
GENERATORS = ("configMapGenerator", "secretGenerator")
# Nothing answers there, and git is not found: what is not in the archive is not fetched.
NOWHERE = "http://127.0.0.1:1"
CRD = "CustomResourceDefinition"


def key(options: Mapping[str, Any]) -> str:
    """The same text for the same build: the archives, the folder and what is laid over it decide."""
    parts = [options["sha256"], options.get("path") or "", options.get("overlay") or {}]
    parts += [[one["reference"], one["sha256"]] for one in options.get("archives") or []]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def inside(path: str) -> bool:
    """Whether a relative path stays below where it begins."""
    return not os.path.isabs(path) and os.path.normpath(path).split(os.sep)[0] != os.pardir


def top(names: list[str]) -> str:
    """The one folder that all members of an archive are in, with its slash; '' when there is none."""
    first = {name.split("/", 1)[0] for name in names}
    return f"{first.pop()}/" if len(first) == 1 and all("/" in name for name in names) else ""


def unpack(content: bytes, root: str, url: str) -> None:
    """Files, folders and links of a tar archive, without the folder that all is in. Refuses what would leave root."""
    try:
        with tarfile.open(fileobj=io.BytesIO(content)) as archive:
            members = [item for item in archive.getmembers() if item.name not in (".", "")]
            strip = top([item.name + ("/" if item.isdir() else "") for item in members])
            if sum(item.size for item in members) > LARGEST:
                raise KubestdError(f"{url} unpacks to more than {LARGEST >> 20} MiB.")
            links = []
            for item in members:
                name = item.name[len(strip) :] if item.name.startswith(strip) else ""
                if not inside(name or "."):
                    raise KubestdError(f"{url} has {item.name}, which is outside of the archive; nothing was unpacked.")
                target = os.path.join(root, name)
                if item.isdir():
                    os.makedirs(target, exist_ok=True)
                elif item.isfile():
                    source = archive.extractfile(item)
                    os.makedirs(os.path.dirname(target), exist_ok=True)
                    with open(target, "wb") as out:
                        shutil.copyfileobj(source, out)  # type: ignore[arg-type]
                elif item.issym():
                    links.append((item, target))
            # last, so that nothing is written through one
            for item, target in links:
                if not inside(os.path.join(os.path.dirname(os.path.relpath(target, root)), item.linkname)):
                    raise KubestdError(f"{url} has the link {item.name} to {item.linkname}, outside of the archive.")
                os.makedirs(os.path.dirname(target), exist_ok=True)
                os.symlink(item.linkname, target)
    except (tarfile.TarError, zlib.error, EOFError, OSError) as error:
        raise KubestdError(f"{url} is no archive that can be unpacked: {error}.") from error


def named(kustomization: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(field, path) of everything that a kustomization reads."""
    for field in (*FOLDERS, *PATHS):
        for text in kustomization.get(field) or []:
            # an object may stand there itself
            if isinstance(text, str) and "\n" not in text and ": " not in text:
                yield field, text
    for field in WITH_PATH:
        for item in kustomization.get(field) or []:
            if isinstance(item, dict) and item.get("path"):
                yield field, str(item["path"])
    for field in GENERATORS:
        for item in kustomization.get(field) or []:
            for text in [
                *(item.get("files") or []),
                *(item.get("envs") or []),
                *([item["env"]] if item.get("env") else []),
            ]:
                yield field, str(text).partition("=")[2] or str(text)
    if (kustomization.get("openapi") or {}).get("path"):
        yield "openapi", str(kustomization["openapi"]["path"])


def read(folder: str, shown: str) -> tuple[str, dict[str, Any]]:
    """The kustomization of a folder, and its file."""
    for name in FILES:
        path = os.path.join(folder, name)
        if os.path.isfile(path):
            try:
                with open(path, encoding="utf-8") as handle:
                    found = yaml.load(handle, Loader=LOADER) or {}
            except (yaml.YAMLError, UnicodeDecodeError) as error:
                raise KubestdError(f"{shown}/{name} is not YAML.") from error
            if not isinstance(found, dict):
                raise KubestdError(f"{shown}/{name} is no kustomization but {type(found).__name__}.")
            return path, found
    raise KubestdError(f"The archive has no kustomization in {shown}; write the path of a folder that has one.")


def stand_in(text: str, archives: Mapping[str, str]) -> str:
    """The path of what a kustomization names elsewhere, where an archive stands for it; '' when none does."""
    for reference, folder in archives.items():
        rest = text[len(reference) :]
        if text.startswith(reference) and rest[:1] in ("", "/", "?"):
            return os.path.join(folder, rest.partition("?")[0].strip("/"))
    return ""


def complete(root: str, path: str, archives: Mapping[str, str] | None = None) -> None:
    """Refuses what a build would read from elsewhere than the archive, before it is built.

    archives: references to elsewhere, and the folders below root that stand for them; kustomizations are changed to name these.
    """
    root, todo, seen = os.path.realpath(root), [path], set()
    while todo:
        one = os.path.normpath(todo.pop())
        if one in seen:
            continue
        seen.add(one)
        file, found = read(os.path.join(root, one), one)
        for field in FOLDERS if archives else ():
            entries = [(text, stand_in(str(text), archives or {})) for text in found.get(field) or []]
            if any(folder for _, folder in entries):
                found[field] = [os.path.relpath(folder, one) if folder else text for text, folder in entries]
                with open(file, "w", encoding="utf-8") as out:
                    json.dump(found, out)
        for field, text in named(found):
            target = os.path.realpath(os.path.join(root, one, text))
            if os.path.commonpath([root, target]) != root or os.path.isabs(text):
                raise KubestdError(f"{one} names {text} in {field}, which is outside of the archive.")
            if not os.path.exists(target):
                raise KubestdError(
                    f"{one} names {text} in {field}, which is not in the archive; its digest says nothing of what is elsewhere."
                )
            if field in FOLDERS and os.path.isdir(target):
                todo.append(os.path.relpath(target, root))


def command(program: str, folder: str) -> list[str]:
    """kustomize, or the same in kubectl."""
    verb = "kustomize" if os.path.basename(program).startswith("kubectl") else "build"
    return [program, verb, folder]


def build(root: str, path: str, program: str, url: str) -> str:
    """The text of all objects."""
    found = shutil.which(program)
    if not found:
        raise KubestdError(
            f"{program} is not on this machine's PATH, and {url} has to be built; install kustomize or kubectl, or name one with"
            " the option kustomize_program."
        )
    environment = {"PATH": "", "HOME": root, "HTTP_PROXY": NOWHERE, "HTTPS_PROXY": NOWHERE, "NO_PROXY": ""}
    try:
        done = subprocess.run(
            command(found, os.path.join(root, path)),
            capture_output=True,
            text=True,
            check=False,
            timeout=BUILD,
            env=environment,
        )
    except subprocess.TimeoutExpired as error:
        raise KubestdError(f"kustomize did not build {path} of {url} within {BUILD:.0f} s.") from error
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if not line.startswith("# Warning")]
        said = " ".join(" ".join(lines).replace(os.path.realpath(root), "").split())[-1000:]
        raise KubestdError(f"kustomize cannot build {path} of {url}: {said}")
    return done.stdout


def kept(path: str) -> str | None:
    """A text as it was written by keep(); nothing when it is not there or not whole."""
    if not os.path.exists(path):
        return None
    with open(path, encoding="utf-8") as handle:
        digest, _, text = handle.read().partition("\n")
    return text if digest == f"# {hashlib.sha256(text.encode()).hexdigest()}" else None


def keep(path: str, text: str) -> None:
    """Write a text with its digest."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    fresh = f"{path}.{os.getpid()}"
    with open(fresh, "w", encoding="utf-8") as out:
        out.write(f"# {hashlib.sha256(text.encode()).hexdigest()}\n{text}")
    os.replace(fresh, path)


def render(options: Mapping[str, Any], archive: bytes, program: str, more: Sequence[bytes] = ()) -> str:
    """The text of all objects of a folder of an archive, or of an overlay there. more: what stands for the archives of the options."""
    url = options["url"]
    with tempfile.TemporaryDirectory(prefix="kustomize.") as root:
        unpack(archive, root, url)
        archives = {}
        for number, (one, content) in enumerate(zip(options.get("archives") or [], more)):
            archives[one["reference"]] = f".archives/{number}"
            os.makedirs(os.path.join(root, archives[one["reference"]]))
            unpack(content, os.path.join(root, archives[one["reference"]]), one["url"])
        path, overlay = str(options.get("path") or "."), options.get("overlay") or {}
        if not inside(path):
            raise KubestdError(f"path is {path}, which is outside of the archive; write a path below its root.")
        if overlay:
            for name in FILES:
                if os.path.exists(os.path.join(root, path, name)):
                    os.remove(os.path.join(root, path, name))
            os.makedirs(os.path.join(root, path), exist_ok=True)
            with open(os.path.join(root, path, FILES[0]), "w", encoding="utf-8") as out:
                json.dump(overlay, out)
        complete(root, path, archives)
        return build(root, path, program, url)


def taken(documents: list[Any], take: str) -> list[Any]:
    """All objects, the CRDs, or the others."""
    if take == "all":
        return documents
    return [item for item in documents if isinstance(item, dict) and (item.get("kind") == CRD) == (take == "crds")]
