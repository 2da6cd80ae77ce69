# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What differs between two sets of objects, as YAML for people; data of Secrets is never in it."""

from __future__ import annotations

from collections.abc import Iterable

from ._objects import Object, essence, name_of
from ._yaml import yaml

HIDDEN = "********"
DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


def shown(found: Object) -> Object:
    """An object as a diff shows it."""
    kept = essence(found)
    notes = kept["metadata"].get("annotations")
    if isinstance(notes, dict) and "kubectl.kubernetes.io/last-applied-configuration" in notes:
        rest = {key: text for key, text in notes.items() if key != "kubectl.kubernetes.io/last-applied-configuration"}
        kept["metadata"]["annotations"] = rest
    if kept.get("kind") == "Secret":
        for key in ("data", "stringData"):
            if isinstance(kept.get(key), dict):
                kept[key] = dict.fromkeys(kept[key], HIDDEN)
    return kept


def difference(before: Iterable[Object], after: Iterable[Object]) -> dict[str, str]:
    """The objects that differ, before and after, in order of their names."""
    sides = [{name_of(item): item for item in side} for side in (before, after)]
    names = sorted({name for side in sides for name in side if sides[0].get(name) != sides[1].get(name)})
    texts = [
        "---\n".join(
            f"# {name}\n" + yaml.dump(shown(side[name]), Dumper=DUMPER, sort_keys=True)
            for name in names
            if name in side
        )
        for side in sides
    ]
    return {"before": texts[0], "after": texts[1]}
