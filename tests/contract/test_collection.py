# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the collection as a whole keeps to."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml


def load(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def plays(checkout: Path) -> list[tuple[Path, dict[str, Any]]]:
    return [(path, play) for path in sorted((checkout / "playbooks").glob("*.yml")) for play in load(path)]


def own_files(checkout: Path) -> list[Path]:
    """Every file that git knows or would add."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=True).stdout.splitlines()
    return [path for path in map(checkout.joinpath, names) if path.is_file()]


def test_lint_runs_the_production_profile_and_skips_nothing(checkout: Path) -> None:
    settings = load(checkout / ".ansible-lint")
    assert settings["profile"] == "production"
    assert not {"skip_list", "warn_list"} & settings.keys()
    for path in [*(checkout / "roles").rglob("*.yml"), *(checkout / "playbooks").rglob("*.yml")]:
        assert "noqa" not in path.read_text(encoding="utf-8"), f"{path.relative_to(checkout)} switches a rule off"


def test_no_play_says_all(checkout: Path) -> None:
    assert [path.name for path, play in plays(checkout) if str(play.get("hosts")) == "all"] == []


def test_tags_of_a_role_in_a_playbook_equal_its_name(checkout: Path) -> None:
    for path, play in plays(checkout):
        for role in play.get("roles", []):
            assert role.get("tags") == [role["role"].rpartition(".")[2]], f"{path.name}: {role['role']}"


def test_tags_of_a_task_reach_what_it_brings(checkout: Path) -> None:
    """Tags of include_role and include_tasks stay with the task itself, unless it applies them: `--tags` would leave out all that is included."""
    for path, play in plays(checkout):
        for task in [*play.get("pre_tasks", []), *play.get("tasks", []), *play.get("post_tasks", [])]:
            included = [value for key, value in task.items() if "include_" in key]
            if "tags" in task and included:
                assert included[0].get("apply") == {"tags": task["tags"]}, f"{path.name}: {task['name']}"


def test_a_play_has_a_name_that_begins_with_a_capital(checkout: Path) -> None:
    assert all(play["name"][0].isupper() for _, play in plays(checkout))


def test_the_root_site_imports_the_one_of_the_collection(checkout: Path) -> None:
    imported = [play["ansible.builtin.import_playbook"] for play in load(checkout / "site.yml")]
    assert imported == ["playbooks/site.yml"]


def test_the_required_ansible_is_one_text_everywhere(checkout: Path) -> None:
    assert load(checkout / "meta/runtime.yml")["requires_ansible"] == ">=2.18"
    for path in (checkout / "roles").glob("*/meta/main.yml"):
        assert load(path)["galaxy_info"]["min_ansible_version"] == "2.18", path.parent.parent.name


def test_both_readmes_have_the_same_sections_and_commands(checkout: Path) -> None:
    english, korean = ((checkout / name).read_text(encoding="utf-8") for name in ("README.md", "README.ko.md"))
    assert len(re.findall(r"^## ", english, re.MULTILINE)) == len(re.findall(r"^## ", korean, re.MULTILINE))
    blocks = r"^```(?:sh|yaml)\n(.*?)^```"

    def commands(text: str) -> list[str]:
        lines = "\n".join(re.findall(blocks, text, re.MULTILINE | re.DOTALL)).splitlines()
        return [line.partition("#")[0].strip() for line in lines if line.partition("#")[0].strip()]

    assert commands(english) == commands(korean)
    assert re.search("[가-힣]", korean)


def test_links_of_the_documentation_lead_somewhere(checkout: Path) -> None:
    pages = [
        checkout / "README.md",
        checkout / "README.ko.md",
        *(checkout / "docs").rglob("*.md"),
        *(checkout / "roles").glob("*/README.md"),
    ]
    for page in pages:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.relative_to(checkout)} links to {target}"


def test_the_architecture_names_tests_that_exist(checkout: Path) -> None:
    named = set(re.findall(r"`(test_\w+)`", (checkout / "docs/ARCHITECTURE.md").read_text(encoding="utf-8")))
    existing = {
        name
        for path in (checkout / "tests").rglob("test_*.py")
        for name in re.findall(r"def (test_\w+)", path.read_text(encoding="utf-8"))
    }
    assert named and named <= existing, named - existing


def test_a_visible_change_has_a_valid_fragment(checkout: Path) -> None:
    program = Path(sys.executable).parent / "antsibull-changelog"
    if not program.exists():
        pytest.skip("antsibull-changelog is not installed")
    answer = subprocess.run([program, "lint"], cwd=checkout, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_no_private_key_and_no_path_of_a_developer_is_in_the_project(checkout: Path) -> None:
    # runner is the user of GitHub's image of a runner
    secret = re.compile(
        r"-----BEGIN [A-Z ]*PRIVATE KEY-----\n[A-Za-z0-9+/]{40}|/home/(?!runner/)[a-z]\w+/|\bAKIA[0-9A-Z]{16}\b"
    )
    for path in own_files(checkout):
        if path.stat().st_size < 1_000_000:
            found = secret.search(path.read_text(encoding="utf-8", errors="replace"))
            assert not found, f"{path.relative_to(checkout)}: {found and found[0][:40]}"


@pytest.mark.skipif(not shutil.which("git"), reason="git is not installed")
def test_no_file_is_large(checkout: Path) -> None:
    assert [str(path.relative_to(checkout)) for path in own_files(checkout) if path.stat().st_size > 200_000] == []
