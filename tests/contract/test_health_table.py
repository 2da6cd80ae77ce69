# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of health rules against the data of the upstream systems: every kind has a row, every path exists."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.kubestd.platform.plugins.module_utils._health.builtin import BUILTIN
from ansible_collections.kubestd.platform.plugins.module_utils._health.custom import CUSTOM

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def named_kinds(bom: Path) -> Iterator[tuple[str, str]]:
    """(group, kind) of every custom resource that the bill of materials names."""
    for file in ("platform.yaml", "cluster.yaml"):
        document = yaml.load((bom / file).read_text(encoding="utf-8"), Loader=LOADER)
        for component in document if isinstance(document, list) else document.get("components", []):
            for resource in component.get("crs") or []:
                gvk = resource["gvk"]
                if "/*" not in gvk:  # of a whole group the kinds stand in the parentheses, else remarks do
                    gvk = re.sub(r"\(.*?\)", "", gvk).strip()
                group = gvk.split("/")[0]
                for kind in re.findall(r"\b[A-Z][A-Za-z0-9]+", gvk):
                    yield group, kind


def test_every_kind_of_the_bill_of_materials_has_a_row(contracts: Path) -> None:
    bom = contracts.parent / "bom"
    if not bom.is_dir():
        pytest.skip(f"there is no bill of materials in {bom}")
    kinds = set(named_kinds(bom))
    assert len(kinds) > 90
    assert sorted(kinds - CUSTOM.keys() - BUILTIN.keys()) == []


@cache
def schemas(contracts: Path) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """The schemas of all versions of the CRDs that have a row; others are not parsed, since that takes long."""
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    texts = {
        text
        for file in contracts.glob("*/crds.yaml")
        for text in re.split("(?m)^---", file.read_text(encoding="utf-8"))
    }
    for text in texts:
        named = (re.findall(pattern, text) for pattern in (r"(?m)^  group: (\S+)$", r"(?m)^    kind: (\S+)$"))
        if CUSTOM.keys() & set(itertools.product(*named)):
            spec = yaml.load(text, Loader=LOADER)["spec"]
            versions = [item.get("schema", {}).get("openAPIV3Schema", {}) for item in spec["versions"]]
            found.setdefault((spec["group"], spec["names"]["kind"]), []).extend(versions)
    return found


def exists(schema: dict[str, Any], path: str) -> bool:
    """Whether a path may stand in an object of this schema."""
    for part in path.split("."):
        if schema.get("x-kubernetes-preserve-unknown-fields"):
            return True
        if part in schema.get("properties", {}):
            schema = schema["properties"][part]
        elif schema.get("additionalProperties"):
            schema = schema["additionalProperties"]
        else:
            return False
    return True


def test_what_a_row_reads_stands_in_the_schema_of_its_kind(contracts: Path) -> None:
    known = schemas(contracts)
    checked, wrong = 0, []
    for (group, kind), rule in CUSTOM.items():
        for path in rule.paths:
            if (group, kind) in known:
                checked += 1
                if not any(exists(schema, path) for schema in known[group, kind]):
                    wrong.append(f"{kind} of {group} has no {path}")
    assert wrong == []
    assert checked > 80
