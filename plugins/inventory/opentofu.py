# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: opentofu
short_description: Machines that OpenTofu or Terraform made
version_added: 0.1.0
author:
  - kubestd.platform contributors (@kubestd)
description:
  - Reads an output that has the machines by their names, each with its group, address and variables, and puts them into the groups of this collection.
  - C(docs/opentofu) of this collection is a module that has such outputs.
  - The file of this inventory has a name that ends with C(opentofu.yml), C(opentofu.yaml), C(terraform.yml) or C(terraform.yaml).
options:
  plugin:
    description: Names this plugin.
    type: str
    required: true
    choices: [kubestd.platform.opentofu]
  folder:
    description:
      - Folder of the configuration whose outputs are read with C(tofu output -json). Relative to the file of this inventory.
      - Either this or O(file).
    type: str
  file:
    description: File with what C(tofu output -json) printed, where the state cannot be read, as in AWX. Relative to the file of this inventory.
    type: str
  program:
    description: The program that reads the outputs, C(tofu) or C(terraform).
    type: str
    default: tofu
  machines:
    description: Name of the output with the machines. Each has C(group), C(address) and, where wanted, C(variables).
    type: str
    default: machines
  variables:
    description: Name of an output with variables of all machines; it may be missing.
    type: str
    default: variables
"""

EXAMPLES = r"""
# machines.opentofu.yml, beside the files of the inventory that people write
plugin: kubestd.platform.opentofu
folder: ../infrastructure
"""

import subprocess
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleParserError
from ansible.plugins.inventory import BaseInventoryPlugin

from ..module_utils._errors import KubestdError
from ..module_utils._inventory.outputs import GROUPS, hosts, read, value

ENDINGS = ("opentofu.yml", "opentofu.yaml", "terraform.yml", "terraform.yaml")


class InventoryModule(BaseInventoryPlugin):
    """Reads outputs, on the controller."""

    NAME = "kubestd.platform.opentofu"

    def verify_file(self, path: str) -> bool:
        return bool(super().verify_file(path)) and path.endswith(ENDINGS)

    def parse(self, inventory: Any, loader: Any, path: str, cache: bool = True) -> None:
        super().parse(inventory, loader, path, cache)
        self._read_config_data(path)
        try:
            self.fill(Path(path).resolve().parent)
        except KubestdError as error:
            raise AnsibleParserError(f"{path}: {error}") from None

    def fill(self, here: Path) -> None:
        """Put the machines into their groups."""
        text, where = self.text(here)
        outputs = read(text, where)
        self.inventory.add_group("machines")
        for group in GROUPS:
            self.inventory.add_group(group)
            self.inventory.add_child("machines", group)
        for host in hosts(outputs, self.get_option("machines"), where):
            self.inventory.add_host(host.name, group=host.group)
            for name, content in host.variables.items():
                self.inventory.set_variable(host.name, name, content)
        name = self.get_option("variables")
        for key, content in (value(outputs, name, where) if name in outputs else {}).items():
            self.inventory.set_variable("machines", key, content)

    def text(self, here: Path) -> tuple[str, str]:
        """What is read, and what to call it."""
        folder, file, program = (self.get_option(name) for name in ("folder", "file", "program"))
        if bool(folder) == bool(file):
            raise KubestdError("write either folder or file, which say where the outputs are.")
        if file:
            try:
                return (here / file).read_text(encoding="utf-8"), str(file)
            except OSError as error:
                raise KubestdError(
                    f"cannot read file {file}: {error.strerror}; write there what `tofu output -json` prints."
                ) from error
        command = [program, f"-chdir={here / folder}", "output", "-json"]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise KubestdError(f"cannot run {program}: {error}; install it, or name it in program.") from error
        if done.returncode:
            said = " ".join(done.stderr.split()) or f"it ended with {done.returncode}"
            raise KubestdError(
                f"{program} cannot read the outputs of {folder}: {said}; run `{program} init` and `{program} apply` there first."
            )
        return done.stdout, f"`{program} output -json` of {folder}"
