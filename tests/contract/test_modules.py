# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every module and its module_utils keep to."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

# The argument spec counts; what decides anything does not belong here.
MAX_STATEMENT_LINES = 80
# These run on the controller (connection: local) and may use its libraries.
ON_THE_CONTROLLER: set[str] = {
    "k8s_health",
    "k8s_manifests",
    "k8s_secret",
    "helm_oci",
    "helm_oci_info",
    "gateway_answers",
    "gateway_crds",
    "harbor_configuration",
    "ingress_migration",
    "kubevirt_nodes",
    "namespace_compare",
    "vault_cluster",
}


def code_lines(path: Path) -> int:
    """Lines of code below the documentation: no blank lines, comments, docstrings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    texts = {"DOCUMENTATION", "EXAMPLES", "RETURN"}
    lines: set[int] = set()
    for node in tree.body:
        if isinstance(node, ast.Assign) and {getattr(target, "id", "") for target in node.targets} & texts:
            continue
        for part in ast.walk(node):
            is_text = isinstance(part, ast.Expr) and isinstance(part.value, ast.Constant)
            if not is_text and isinstance(part, (ast.expr, ast.stmt)):
                lines |= {part.lineno, part.end_lineno or part.lineno} if isinstance(part, ast.expr) else {part.lineno}
    return len(lines)


def imports(path: Path) -> Iterator[tuple[str, int]]:
    """(module, relative level) of every import in a file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((name.name, 0) for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or "", node.level


def closure(module: Path, checkout: Path) -> set[Path]:
    """A module and all module_utils it reaches."""
    reached, todo = set(), [module]
    while todo:
        path = todo.pop()
        reached.add(path)
        for name, level in imports(path):
            if not level:
                continue
            base = path
            for _ in range(level):
                base = base.parent
            found = base.joinpath(*name.split("."))
            for candidate in (found.with_suffix(".py"), found / "__init__.py"):
                if name and candidate.exists() and candidate not in reached:
                    todo.append(candidate)
    return reached


def test_a_module_is_documentation_and_a_short_main(module: Path) -> None:
    assert code_lines(module) <= MAX_STATEMENT_LINES
    functions = [
        node.name for node in ast.parse(module.read_text(encoding="utf-8")).body if isinstance(node, ast.FunctionDef)
    ]
    action = module.parents[1] / "action" / module.name
    assert functions == ["main"] or (not functions and action.exists())


def test_a_module_documents_itself(module: Path) -> None:
    values: dict[str, str] = {}
    for node in ast.parse(module.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
            values[getattr(node.targets[0], "id", "")] = str(node.value.value)
    documentation, examples, returned = (
        yaml.safe_load(values[name]) for name in ("DOCUMENTATION", "EXAMPLES", "RETURN")
    )
    assert documentation["module"] == module.stem
    assert documentation["author"] == ["kubestd.platform contributors (@kubestd)"]
    assert {"check_mode", "diff_mode"} <= documentation["attributes"].keys()
    assert any(f"kubestd.platform.{module.stem}" in task for task in examples)
    without = [name for name, value in (returned or {}).items() if not {"sample", "contains"} & value.keys()]
    assert not without, f"RETURN of {module.stem} has no sample for {without}"


def test_modules_that_run_on_nodes_need_only_the_standard_library(module: Path, checkout: Path) -> None:
    if module.stem in ON_THE_CONTROLLER:
        pytest.skip("runs on the controller")
    for path in closure(module, checkout):
        for name, level in imports(path):
            package = name.split(".")[0]
            allowed = level or package in sys.stdlib_module_names or name.startswith("ansible.module_utils.")
            assert allowed, f"{path.relative_to(checkout)} imports {name}, which a node may not have"


def test_decisions_import_nothing_that_could_touch_a_host(checkout: Path) -> None:
    forbidden = {"ansible", "subprocess", "socket", "shutil", "urllib", "requests", "kubernetes"}
    plans = sorted((checkout / "plugins/module_utils").rglob("plan.py"))
    assert plans
    for path in plans:
        found = {name.split(".")[0] for name, level in imports(path) if not level}
        # urllib.parse and the like only take texts apart
        found -= {"urllib"} if all(name != "urllib.request" for name, _ in imports(path)) else set()
        assert not found & forbidden, f"{path.relative_to(checkout)} imports {found & forbidden}"


def test_only_a_module_turns_errors_into_fail_json(checkout: Path) -> None:
    users = [
        path
        for path in (checkout / "plugins").rglob("*.py")
        if re.search(r"\bfail_json\(", path.read_text(encoding="utf-8"))
    ]
    assert {path.parent.name for path in users} <= {"modules"}


def test_messages_have_no_markup_of_the_documentation(checkout: Path) -> None:
    """O(option) and the like are for ansible-doc; a person who reads a message sees them raw."""
    markup = re.compile(r"(?<![A-Za-z_])(?:[BCEILMOPUV]|RV)\([a-z]")
    found = []
    for path in (checkout / "plugins").rglob("*.py"):
        if path.parent.name == "doc_fragments":
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        documented = {"DOCUMENTATION", "EXAMPLES", "RETURN"}
        for node in list(tree.body):
            if isinstance(node, ast.Assign) and {getattr(target, "id", "") for target in node.targets} & documented:
                tree.body.remove(node)
        docstrings = {
            id(node.body[0].value)
            for node in ast.walk(tree)
            if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef))
            and node.body
            and isinstance(node.body[0], ast.Expr)
        }
        found += [
            f"{path.relative_to(checkout)}:{node.lineno}: {node.value}"
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and id(node) not in docstrings
            and markup.search(node.value)
        ]
    assert found == []


def test_every_module_is_in_the_action_group(checkout: Path) -> None:
    groups = yaml.safe_load((checkout / "meta/runtime.yml").read_text(encoding="utf-8"))["action_groups"]
    modules = sorted(path.stem for path in (checkout / "plugins/modules").glob("[!_]*.py"))
    assert groups["kubestd"] == modules, "keep action_groups of meta/runtime.yml in alphabetical order and complete"


def test_every_python_file_names_its_licence(checkout: Path) -> None:
    folders = ("plugins", "tests", "scripts")
    files = [path for folder in folders for path in (checkout / folder).rglob("*.py") if path.stat().st_size]
    missing = [
        str(path.relative_to(checkout))
        for path in files
        if "SPDX-License-Identifier: GPL-3.0-or-later" not in path.read_text()
    ]
    assert missing == []


def test_commands_are_lists_and_never_go_through_a_shell(checkout: Path) -> None:
    for path in (checkout / "plugins").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                words = {word.arg: word.value for word in node.keywords}
                for name in ("shell", "use_unsafe_shell"):
                    value = words.get(name)
                    assert not (isinstance(value, ast.Constant) and value.value), (
                        f"{path.name}:{node.lineno} uses a shell"
                    )
                assert not (isinstance(node.func, ast.Attribute) and ast.unparse(node.func) == "os.system"), (
                    f"{path.name}:{node.lineno}"
                )
