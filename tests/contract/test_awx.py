# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What AWX imports fits together and fits the playbooks. No AWX has imported it here."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

#: resource: the type and the keys that AWX's client knows its objects by (awxkit 24.6.1, NATURAL_KEY of its pages)
KEYS = {
    "organizations": ("organization", {"name"}),
    "execution_environments": ("execution_environment", {"name"}),
    "projects": ("project", {"organization", "name"}),
    "inventory": ("inventory", {"organization", "name"}),
    "inventory_sources": ("inventory_source", {"organization", "name", "inventory"}),
    "job_templates": ("job_template", {"organization", "name"}),
}
QUESTIONS = {"text", "textarea", "password", "integer", "float", "multiplechoice", "multiselect"}


@pytest.fixture(scope="module")
def assets(checkout: Path) -> dict[str, list[dict[str, Any]]]:
    return dict(yaml.safe_load((checkout / "docs/awx/assets.yml").read_text(encoding="utf-8")))


def frozen(key: Any) -> Any:
    return tuple(sorted((name, frozen(value)) for name, value in key.items())) if isinstance(key, dict) else key


def references(item: Any) -> Iterator[dict[str, Any]]:
    """All that names another asset."""
    if isinstance(item, dict):
        if "type" in item and "name" in item and "question_name" not in item:
            yield item
        for value in item.values():
            yield from references(value)
    elif isinstance(item, list):
        for value in item:
            yield from references(value)


def test_every_asset_has_its_key_and_names_only_others_that_are_there(assets: dict[str, Any]) -> None:
    assert assets.keys() == KEYS.keys()
    known = set()
    for resource, (kind, keys) in KEYS.items():
        for asset in assets[resource]:
            key = asset["natural_key"]
            assert key["type"] == kind and key.keys() - {"type"} == keys and key["name"] == asset["name"]
            known.add(frozen(key))
    for resource in KEYS:
        for asset in assets[resource]:
            named = [one for one in references(asset) if one["type"] != "schedule"]
            assert not [one for one in named if frozen(one) not in known], asset["name"]


def test_there_is_a_template_with_a_survey_for_every_verb(assets: dict[str, Any]) -> None:
    found = {one["name"].removeprefix("Platform: "): one for one in assets["job_templates"]}
    assert {"install", "health", "upgrade", "one system"} <= found.keys()
    for name in ("install", "health", "upgrade", "one system", "restore drill"):
        assert found[name]["survey_enabled"] and found[name]["related"]["survey_spec"]["spec"]
    assert found["preview"]["job_type"] == "check" and found["preview"]["diff_mode"]
    assert found["health"]["related"]["schedules"][0]["rrule"].startswith("DTSTART:")
    # a project may be run at another tag only where it allows that
    assert found["upgrade"]["ask_scm_branch_on_launch"] and assets["projects"][0]["allow_override"]


def test_a_survey_asks_for_variables_that_are_read_and_offers_what_is_possible(
    checkout: Path, assets: dict[str, Any]
) -> None:
    spec = yaml.safe_load((checkout / "roles/component/meta/argument_specs.yml").read_text())["argument_specs"]["main"]
    for template in assets["job_templates"]:
        playbook = checkout / template["playbook"]
        assert playbook.is_file()
        for question in (template.get("related", {}).get("survey_spec") or {}).get("spec", []):
            name = question["variable"]
            assert question["type"] in QUESTIONS
            readers = [*(checkout / "playbooks").glob("*.yml"), *(checkout / "roles").glob("*/defaults/main.yml")]
            assert any(re.search(rf"\b{name}\b", path.read_text()) for path in readers), name
            if question["type"] == "multiplechoice":
                assert question["default"] in question["choices"]
            known = spec["options"].get(name.replace("platform_", "component_"), {}).get("choices")
            assert not known or set(question["choices"]) <= set(known)


def test_versions_of_the_environment_are_those_of_the_collection(checkout: Path, assets: dict[str, Any]) -> None:
    galaxy = yaml.safe_load((checkout / "galaxy.yml").read_text())
    made = yaml.safe_load((checkout / "docs/awx/execution-environment.yml").read_text())
    wanted = {one["name"]: one["version"] for one in made["dependencies"]["galaxy"]["collections"]}
    assert wanted == {"kubestd.platform": galaxy["version"], **galaxy["dependencies"]}
    assert assets["projects"][0]["scm_branch"] == galaxy["version"]
    assert assets["execution_environments"][0]["image"].endswith(f":{galaxy['version']}")


def test_the_execution_environment_is_a_build_that_ansible_builder_takes(checkout: Path, tmp_path: Path) -> None:
    """The context is made for real; the image is not built, since no registry of images is reached here."""
    program = Path(sys.executable).parent / "ansible-builder"
    if not program.exists():
        pytest.skip("ansible-builder is not installed")
    shutil.copy(checkout / "docs/awx/execution-environment.yml", tmp_path)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/helm").write_text("")
    command = [program, "create", "-f", tmp_path / "execution-environment.yml", "-c", tmp_path / "context"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "COPY _build/bin/ /usr/local/bin/" in (tmp_path / "context/Containerfile").read_text()
    assert (tmp_path / "context/_build/bin/helm").exists()


def test_the_collection_says_what_an_environment_needs_for_it(checkout: Path) -> None:
    described = yaml.safe_load((checkout / "meta/execution-environment.yml").read_text())["dependencies"]
    python, system = ((checkout / "meta" / described[kind]).read_text() for kind in ("python", "system"))
    assert {"kubernetes", "PyYAML"} <= set(re.findall(r"^[\w.-]+", python, re.MULTILINE))
    assert {"git", "openssh-client", "openssh-clients"} == set(re.findall(r"^[\w.-]+", system, re.MULTILINE))
