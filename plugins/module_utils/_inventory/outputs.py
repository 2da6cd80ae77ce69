# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the outputs of OpenTofu or Terraform say of machines. Pure.

The form is that of `tofu output -json`: names with value, type and sensitive (opentofu.org/docs/cli/commands/output).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .._errors import KubestdError

GROUPS = ("load_balancers", "control_plane", "workers", "build_hosts")
KEYS = ("group", "address", "variables")


class OutputsError(KubestdError):
    """The outputs do not describe machines."""


@dataclass(frozen=True)
class Host:
    """A machine of the inventory."""

    name: str
    group: str
    variables: dict[str, Any]


def read(text: str, where: str) -> Mapping[str, Any]:
    """The outputs as they were printed, perhaps after warnings. where: what to call them in an error."""
    lines = text.splitlines()
    begin = next((number for number, line in enumerate(lines) if line.startswith("{")), 0)
    try:
        found = json.loads("\n".join(lines[begin:]))
    except ValueError as error:
        raise OutputsError(f"{where} is no JSON ({error}); write there what `tofu output -json` prints.") from None
    if not isinstance(found, Mapping) or not all(isinstance(one, Mapping) and "value" in one for one in found.values()):
        raise OutputsError(
            f"{where} has no values of outputs; write there what `tofu output -json` prints, the whole of it."
        )
    return found


def value(outputs: Mapping[str, Any], name: str, where: str) -> Mapping[str, Any]:
    """The value of an output that is a map."""
    if name not in outputs:
        known = ", ".join(sorted(outputs)) or "none"
        raise OutputsError(f"{where} has no output {name!r}; there are {known}. Add it, or name another one.")
    found = outputs[name]["value"]
    if not isinstance(found, Mapping):
        raise OutputsError(
            f"The output {name!r} of {where} is no map; write an object with a key for each of its entries."
        )
    return found


def hosts(outputs: Mapping[str, Any], name: str, where: str) -> list[Host]:
    """The machines of an output, sorted by their names."""
    found = []
    for machine, said in sorted(value(outputs, name, where).items()):
        place = f"{name}.{machine} of {where}"
        if not isinstance(said, Mapping):
            raise OutputsError(f"{place} is no object; write {{group, address, variables}}.")
        unknown = sorted(set(said) - set(KEYS))
        if unknown:
            raise OutputsError(
                f"{place} has {', '.join(unknown)}; known are {', '.join(KEYS)}, and all else goes to variables."
            )
        if said.get("group") not in GROUPS:
            raise OutputsError(f"{place} has the group {said.get('group')!r}; write one of {', '.join(GROUPS)}.")
        if not isinstance(said.get("address"), str) or not said["address"]:
            raise OutputsError(f"{place} has no address; write the IP address that Ansible logs in at.")
        more = said.get("variables") or {}
        if not isinstance(more, Mapping):
            raise OutputsError(f"variables of {place} is no object; write {{name: value}}.")
        found.append(Host(machine, str(said["group"]), {"ansible_host": said["address"], **more}))
    return found
