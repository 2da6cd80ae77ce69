# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every role keeps to."""

from __future__ import annotations

import contextlib
import re
import subprocess
import sys
from collections.abc import Iterator
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
import yaml
from ansible.plugins.filter.core import (
    dict_to_list_of_dict_key_value_elements,
    list_of_dict_key_value_elements_to_dict,
    to_bool,
)
from jinja2 import nativetypes

BLOCKS = ("block", "rescue", "always")
SWITCHES = (
    "platform_high_availability",
    "platform_monitoring",
    "platform_remove_data",
    "platform_take_back",
    "cluster_kube_proxy",
    "cluster_schedulable_control_plane",
)
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def load(path: Path) -> Any:
    return deepcopy(parsed(path))


@cache
def parsed(path: Path) -> Any:
    return yaml.load(path.read_text(encoding="utf-8"), Loader=LOADER)


def files(role: Path, *folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (role / folder).rglob("*.y*ml"))


def merged(role: Path, folder: str) -> dict[str, Any]:
    """All variables of a role's defaults or vars, from one file or a folder of them."""
    variables: dict[str, Any] = {}
    for path in files(role, folder):
        variables.update(load(path) or {})
    return variables


def entry_points(role: Path) -> dict[str, Any]:
    return dict(load(role / "meta/argument_specs.yml")["argument_specs"])


def options(role: Path) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for entry in entry_points(role).values():
        found.update(entry.get("options", {}))
    return found


def every_option(options: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    for name, option in options.items():
        yield prefix + name, option
        yield from every_option(option.get("options", {}), f"{prefix}{name}.")


def every_task(tasks: Any) -> Iterator[dict[str, Any]]:
    for task in tasks or []:
        yield task
        for block in BLOCKS:
            yield from every_task(task.get(block))


def role_tasks(role: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    for path in files(role, "tasks", "handlers"):
        for task in every_task(load(path)):
            yield path, task


def test_a_role_has_the_files_of_a_role(role: Path) -> None:
    assert not role.name.startswith("_")
    for name in ("defaults", "meta/argument_specs.yml", "meta/main.yml", "README.md"):
        assert (role / name).exists(), f"roles/{role.name}/{name} is missing"


def alone(value: Any) -> Any:
    """What a default is when nobody has set a variable that it takes its value from; the template itself when that matters."""
    if not isinstance(value, str) or "{{" not in value:
        return value
    with contextlib.suppress(jinja2.UndefinedError):
        return evaluated(value)
    return value


def evaluated(template: str, **variables: Any) -> Any:
    """A template of defaults; these filters are the only ones of Ansible's own that they need."""
    environment = nativetypes.NativeEnvironment(undefined=jinja2.StrictUndefined)
    environment.filters["bool"] = to_bool
    environment.filters["dict2items"] = dict_to_list_of_dict_key_value_elements
    environment.filters["items2dict"] = list_of_dict_key_value_elements_to_dict
    return environment.from_string(template).render(variables)


def test_defaults_equal_the_argument_spec_with_their_values(role: Path) -> None:
    """A template in defaults stands in the spec as it is, or as the value it has when the role is used alone.

    What another entry point than main describes, as the inventory's variables by preflight, is no default of the role.
    """
    main = load(role / "meta/argument_specs.yml")["argument_specs"]["main"]["options"]
    wanted = {name: option.get("default") for name, option in main.items() if not option.get("required")}
    defaults = {
        name: value for name, value in merged(role, "defaults").items() if not options(role)[name].get("required")
    }
    assert merged(role, "defaults").keys() <= options(role).keys()
    assert {name: value if wanted.get(name) == value else alone(value) for name, value in defaults.items()} == wanted


def test_a_switch_of_the_inventory_may_be_text_as_extra_vars_are(role: Path) -> None:
    """-e platform_monitoring=false is the text false, which is true to a template."""
    switches = dict.fromkeys(SWITCHES, "false")
    for name, value in merged(role, "defaults").items():
        if options(role)[name]["type"] == "bool" and any(switch in str(value) for switch in SWITCHES):
            assert evaluated(value, **switches) in (False, "not " in value), name


def test_a_required_option_has_no_constant_default(role: Path) -> None:
    required = {name for name, option in options(role).items() if option.get("required")}
    assert [
        name for name, value in merged(role, "defaults").items() if name in required and "{{" not in str(value)
    ] == []


def test_what_may_be_empty_requires_nothing(role: Path) -> None:
    """Ansible asks for required parts of a dictionary whose default is the empty one."""
    for name, option in every_option(options(role)):
        if option.get("type") == "dict" and option.get("default") == {}:
            required = [part for part, described in (option.get("options") or {}).items() if described.get("required")]
            assert required == [], f"{name} may be empty, and requires {required}; use required_together"


def test_the_argument_spec_goes_all_the_way_down(role: Path) -> None:
    for name, option in every_option(options(role)):
        text = " ".join([option["description"]] if isinstance(option["description"], str) else option["description"])
        free_form = "free-form" in text.lower()
        assert "type" in option, f"{name} has no type"
        if option["type"] == "list":
            assert "elements" in option, f"{name} has no elements"
        if option["type"] == "raw" or "dict" in (option["type"], option.get("elements")):
            assert free_form or option.get("options"), f"{name} has neither options nor a reason why it is free-form"


def test_every_option_is_described_in_a_sentence(role: Path) -> None:
    for name, option in every_option(options(role)):
        texts = [option["description"]] if isinstance(option["description"], str) else option["description"]
        assert all(text.rstrip().endswith((".", ")", "?")) for text in texts), f"{name}: {texts}"


def test_public_names_begin_with_the_role_and_internal_ones_with_two_underscores(role: Path) -> None:
    public, internal = f"{role.name}_", f"__{role.name}_"
    assert [name for name in merged(role, "defaults") if not name.startswith(public)] == []
    assert [name for name in merged(role, "vars") if not name.startswith(internal)] == []
    for path, task in role_tasks(role):
        own = [task.get("register"), (task.get("loop_control") or {}).get("loop_var")]
        own += (task.get("ansible.builtin.set_fact") or {}).keys()
        if "ansible.builtin.include_role" not in task:
            own += (task.get("vars") or {}).keys()
        # ansible_: how a task that is delegated reaches its host
        known = ("cacheable", "ansible_connection", "ansible_python_interpreter")
        wrong = [name for name in own if name and name not in known and not name.startswith(internal)]
        assert not wrong, f"{path.name}, {task.get('name')}: {wrong} should begin with {internal}"


def test_inputs_are_never_written_over(role: Path) -> None:
    inputs = set(merged(role, "defaults"))
    for path, task in role_tasks(role):
        assert not inputs & (task.get("ansible.builtin.set_fact") or {}).keys(), f"{path.name}, {task.get('name')}"


def test_tags_stand_in_playbooks_only(role: Path) -> None:
    assert [f"{path.name}: {task.get('name')}" for path, task in role_tasks(role) if "tags" in task] == []


def test_waiting_is_not_done_by_pauses_loops_or_shell_pipes(role: Path) -> None:
    forbidden = {
        "until",
        "ansible.builtin.pause",
        "ansible.builtin.shell",
        "ansible.builtin.raw",
        "ansible.builtin.wait_for",
    }
    for path, task in role_tasks(role):
        assert not forbidden & task.keys(), f"{path.name}, {task.get('name')}: {forbidden & task.keys()}"
    for path in files(role, "tasks"):
        assert "| grep" not in path.read_text(encoding="utf-8")


def test_a_role_is_told_and_never_guesses_its_caller(role: Path) -> None:
    for path in files(role, "tasks", "vars", "defaults"):
        assert not re.search(
            r"ansible_parent_role_names|lookup\('(ansible\.builtin\.)?vars'", path.read_text(encoding="utf-8")
        )


def test_tasks_name_their_modules_in_full(role: Path) -> None:
    keywords = {"name", "when", "vars", "register", "loop", "notify", "listen", "become", "args", "environment", "throttle", "delegate_to",
                "run_once", "loop_control", "no_log", "changed_when", "failed_when", "check_mode", "diff", "ignore_errors",
                "ignore_unreachable", "module_defaults", "any_errors_fatal", "timeout", "delegate_facts", "async", "poll", "retries", "delay",
                "connection", "become_user", *BLOCKS}  # fmt: skip
    for path, task in role_tasks(role):
        short = [key for key in task if key not in keywords and key.count(".") < 2]
        assert not short, f"{path.name}, {task.get('name')}: {short}"


def test_nothing_comes_from_a_moving_version(role: Path) -> None:
    for path in files(role, "tasks", "vars", "defaults"):
        text = path.read_text(encoding="utf-8")
        found = re.search(r":latest\b|/(master|main)/", text)
        assert not found, f"{path}: {found and found[0]}"


def test_the_readme_is_what_scripts_docs_writes(role: Path, checkout: Path) -> None:
    command = [sys.executable, str(checkout / "scripts/docs"), "--check", role.name]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stdout + answer.stderr
