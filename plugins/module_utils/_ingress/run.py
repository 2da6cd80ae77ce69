# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads Ingresses, has them converted by ingress2gateway, and writes the routes to a folder for people to review."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .._errors import KubestdError
from .._kubeconfig import access
from .._objects import Object, Objects
from .._yaml import LOADER, yaml
from .plan import Conversion, boxes, convert, edited, of_class, report, rows

SECONDS = 120
DEFAULT_CLASS = "ingressclass.kubernetes.io/is-default-class"
WRITTEN = ".written.json"


class Migration:
    """One look at the Ingresses of a class. Raises KubestdError."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        self.options = options
        self.objects = Objects(access(dict(options)).client())

    def ingresses(self) -> list[Object]:
        """The Ingresses of the class, of the namespaces that were asked for."""
        networking = "networking.k8s.io/v1"
        classes = self.objects.list(self.objects.must(networking, "IngressClass"))
        default = next(
            (
                one["metadata"]["name"]
                for one in classes
                if (one["metadata"].get("annotations") or {}).get(DEFAULT_CLASS) == "true"
            ),
            "",
        )
        wanted, spaces = self.options["ingress_class"], self.options["namespaces"]
        found = self.objects.list(self.objects.must(networking, "Ingress"))
        return [
            one
            for one in found
            if of_class(one, wanted, default) and (not spaces or one["metadata"]["namespace"] in spaces)
        ]

    def run(self, check_mode: bool) -> dict[str, Any]:
        """The result of the module."""
        found = self.ingresses()
        told = rows(found, self.options["emitter"])
        result: dict[str, Any] = {
            "changed": False,
            "ingresses": [
                {"name": row.name, "hosts": list(row.hosts), "becomes": row.word, "address": row.address,
                 "lost": [f"{one.name}: {one.why}" for one in row.verdicts if one.word == "lost"]}
                for row in told
            ],
            "files": [], "kept": [], "report": report(told),
        }  # fmt: skip
        if self.options["state"] == "inventory":
            return result
        made = self.converted(found)
        folder = Path(self.options["folder"])
        kept = changed_by_people(folder, made)
        text = report(told, made, kept)
        fresh = {
            f"routes/{name}": yaml.safe_dump(item, sort_keys=True)
            for name, item in made.files.items()
            if name not in kept
        }
        changed = write(folder, {**fresh, "REPORT.md": text}, kept, check_mode)
        return {**result, "changed": changed, "files": sorted(made.files), "kept": sorted(kept), "report": text}

    def converted(self, found: list[Object]) -> Conversion:
        """Routes of the Gateway, by the program."""
        gateway = self.options["gateway"]
        live = self.objects.get({"apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway", "metadata": gateway})
        if live is None:
            raise KubestdError(
                f"There is no Gateway {gateway['namespace']}/{gateway['name']}; install gateway_api first, or name another one in gateway."
            )
        services = self.objects.must("v1", "Service")
        spaces = sorted({one["metadata"]["namespace"] for one in found})
        given = [*found, *(one for space in spaces for one in self.objects.list(services, space))]
        output, said = self.ask(given) if found else ("", "")
        made = convert([one for one in documents(output) if one], gateway, live["spec"].get("listeners") or [])
        made.notes[:0] = boxes(said)
        return made

    def ask(self, given: list[Object]) -> tuple[str, str]:
        """What the program prints, and what it says about it. It gets a file and needs no access to the cluster."""
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            file.write("\n".join(json.dumps(one) for one in given))
            file.flush()
            command = [
                self.options["program"],
                "print",
                "--providers=ingress-nginx",
                f"--emitter={self.options['emitter']}",
                "--no-color",
            ]
            command += [f"--ingress-nginx-ingress-class={self.options['ingress_class']}", f"--input-file={file.name}"]
            try:
                done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=SECONDS)
            except (OSError, subprocess.TimeoutExpired) as error:
                raise KubestdError(
                    f"Cannot run {command[0]}: {error}; install ingress2gateway 1.1.0 or newer and name its path in program."
                ) from error
        if done.returncode:
            raise KubestdError(
                f"{command[0]} failed: {' '.join(done.stderr.split())[-500:] or f'exit code {done.returncode}'}."
            )
        return done.stdout, done.stderr


def documents(text: str) -> list[Object]:
    """The objects that the program printed; it says in words when there is none."""
    try:
        return [item for item in yaml.load_all(text, Loader=LOADER) if isinstance(item, dict)]
    except yaml.YAMLError as error:
        raise KubestdError(f"ingress2gateway printed what is no YAML: {' '.join(str(error).split())[:200]}.") from error


def digest(text: str) -> str:
    """What tells one text from another."""
    return hashlib.sha256(text.encode()).hexdigest()


def written_before(folder: Path) -> dict[str, str]:
    """Digests of the files as they were written last."""
    try:
        return dict(json.loads((folder / WRITTEN).read_text(encoding="utf-8")))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise KubestdError(
            f"Cannot read {folder / WRITTEN}: {error}; delete it, and all files count as edited by nobody."
        ) from error


def changed_by_people(folder: Path, made: Conversion) -> set[str]:
    """Files of the routes that somebody has reviewed and changed; they stay."""
    before = written_before(folder)
    found = {path.name: digest(path.read_text(encoding="utf-8")) for path in (folder / "routes").glob("*.yaml")}
    foreign = {name for name in found if name not in before}
    return edited(before, found) | (foreign & set(made.files))


def write(folder: Path, wanted: dict[str, str], kept: set[str], check_mode: bool) -> bool:
    """Write what differs, take away what was written earlier and is not wanted any more; whether anything changed."""
    before = written_before(folder)
    fresh = {name.partition("/")[2]: digest(text) for name, text in wanted.items() if name.startswith("routes/")}
    gone = [name for name in before if name not in fresh and name not in kept]
    there = {name: (folder / name).read_text(encoding="utf-8") for name in wanted if (folder / name).exists()}
    changed = any(there.get(name) != text for name, text in wanted.items()) or bool(gone)
    if not changed or check_mode:
        return changed
    try:
        (folder / "routes").mkdir(parents=True, exist_ok=True)
        for name, text in wanted.items():
            temporary = folder / f"{name}.{os.getpid()}"
            temporary.write_text(text, encoding="utf-8")
            temporary.replace(folder / name)
        for name in gone:
            (folder / "routes" / name).unlink(missing_ok=True)
        noted = {**{name: text for name, text in before.items() if name in kept}, **fresh}
        (folder / WRITTEN).write_text(json.dumps(noted, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    except OSError as error:
        raise KubestdError(f"Cannot write to {folder}: {error.strerror}; name another folder.") from error
    return changed
