# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Outputs of OpenTofu as an inventory: what is there is found, what is wrong is said in a sentence."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.inventory.data import InventoryData
from ansible_collections.kubestd.platform.plugins.inventory import opentofu
from ansible_collections.kubestd.platform.plugins.module_utils._errors import KubestdError
from ansible_collections.kubestd.platform.plugins.module_utils._inventory.outputs import GROUPS, hosts, read
from hypothesis import given
from hypothesis import strategies as st

CP1 = {"group": "control_plane", "address": "192.0.2.21"}
W1 = {"group": "workers", "address": "192.0.2.41", "variables": {"cluster_node_labels": {"zone": "a"}}}
VARIABLES = {"ansible_user": "admin", "cluster_endpoint": {"host": "192.0.2.9", "port": 6443}}


def outputs(**found: Any) -> str:
    return json.dumps({name: {"sensitive": False, "type": "x", "value": value} for name, value in found.items()})


def inventory(where: Path, text: str, **options: str) -> InventoryData:
    """What the plugin makes of outputs with these options, and the defaults of its documentation for others."""
    where.joinpath("outputs.json").write_text(text)
    documented = yaml.safe_load(opentofu.DOCUMENTATION)["options"]
    defaults = {name: one.get("default") for name, one in documented.items()}
    plugin = opentofu.InventoryModule()
    plugin.inventory = InventoryData()
    plugin.get_option = {**defaults, "file": "outputs.json", **options}.__getitem__
    plugin.fill(where)
    plugin.inventory.reconcile_inventory()
    return plugin.inventory


def test_ansible_takes_it_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "outputs.json").write_text(outputs(machines={"cp1": CP1}))
    (tmp_path / "machines.opentofu.yml").write_text('{"plugin": "kubestd.platform.opentofu", "file": "outputs.json"}')
    program = Path(sys.executable).parent / "ansible-inventory"
    command = [program, "-i", tmp_path / "machines.opentofu.yml", "--list"]
    listed = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    assert listed["control_plane"]["hosts"] == ["cp1"]
    (tmp_path / "outputs.json").write_text("{")
    strict = {**os.environ, "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "1"}
    wrong = subprocess.run(command, capture_output=True, check=False, text=True, env=strict)
    assert wrong.returncode and "outputs.json is no JSON" in wrong.stderr


def test_machines_stand_in_their_groups_with_their_variables(tmp_path: Path) -> None:
    found = inventory(tmp_path, outputs(machines={"w1": W1, "cp1": CP1}, variables=VARIABLES, other="x"))
    groups = found.get_groups_dict()
    assert groups["machines"] == ["cp1", "w1"] and groups["control_plane"] == ["cp1"] and groups["workers"] == ["w1"]
    w1 = {**found.groups["machines"].get_vars(), **found.hosts["w1"].get_vars()}
    assert w1["ansible_host"] == "192.0.2.41" and w1["cluster_node_labels"] == {"zone": "a"}
    assert w1["ansible_user"] == "admin" and w1["cluster_endpoint"] == {"host": "192.0.2.9", "port": 6443}


def test_an_output_with_variables_may_be_missing(tmp_path: Path) -> None:
    assert inventory(tmp_path, outputs(fleet={"cp1": CP1}), machines="fleet").get_groups_dict()["machines"] == ["cp1"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "outputs.json is no JSON"),
        ('{"machines": {}}', "has no values of outputs; write there what `tofu output -json` prints, the whole of it"),
        (outputs(vms={}), "has no output 'machines'; there are vms"),
        (outputs(machines=[]), "is no map"),
        (outputs(machines={"a": "192.0.2.1"}), "machines.a of outputs.json is no object"),
        (outputs(machines={"a": {**CP1, "group": "masters"}}), "has the group 'masters'; write one of load_balancers,"),
        (outputs(machines={"a": {"group": "workers"}}), "has no address"),
        (outputs(machines={"a": {**CP1, "zone": "a"}}), "has zone; known are group, address, variables"),
        (outputs(machines={"a": {**CP1, "variables": 1}}), "variables of machines.a of outputs.json is no object"),
    ],
)
def test_what_is_wrong_is_one_sentence(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(KubestdError, match=re.escape(said)):
        inventory(tmp_path, text)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"folder": "x"}, "write either folder or file"),
        ({"file": ""}, "write either folder or file"),
        ({"file": "none.json"}, "cannot read file none.json: No such file"),
        ({"file": "", "folder": ".", "program": "no-such-program"}, "cannot run no-such-program"),
        ({"file": "", "folder": ".", "program": "false"}, "false cannot read the outputs of .: it ended with 1; run `false init`"),
    ],
)  # fmt: skip
def test_outputs_that_cannot_be_had_are_one_sentence(tmp_path: Path, options: dict[str, str], said: str) -> None:
    with pytest.raises(KubestdError, match=re.escape(said)):
        inventory(tmp_path, outputs(machines={}), **options)


@given(
    st.dictionaries(
        st.text(min_size=1),
        st.fixed_dictionaries({"group": st.sampled_from(GROUPS), "address": st.text(min_size=1)}),
    )
)
def test_every_machine_of_an_output_is_a_host_once(machines: dict[str, dict[str, str]]) -> None:
    found = hosts(read(outputs(machines=machines), "it"), "machines", "it")
    assert {host.name: {"group": host.group, "address": host.variables["ansible_host"]} for host in found} == machines
    assert [host.name for host in found] == sorted(machines)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda one: st.lists(one) | st.dictionaries(st.text(), one),
    )
)
def test_any_json_is_machines_or_a_sentence(value: Any) -> None:
    for text in (json.dumps(value), outputs(machines=value)):
        try:
            hosts(read(text, "it"), "machines", "it")
        except KubestdError as error:
            assert str(error).endswith(".")
