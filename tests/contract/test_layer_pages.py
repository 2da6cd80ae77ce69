# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pages of the layers say what there is to choose, in both languages."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

from .test_roles import options

LAYERS = ("foundation", "network", "storage", "identity", "delivery", "observability", "data", "runtime")
# How the table of a decision begins.
LANGUAGES = {".md": "Choose", ".ko.md": "선택"}
# Options that choose an implementation, by the page that helps to choose.
CHOICES = {
    "foundation": ["haproxy_lb_mode", "cni_implementation", "calico_data_plane", "cilium_routing", "calico_routing"],
    "network": [
        "metallb_pools[].advertise",
        "cilium_advertise",
        "gateway_api_implementation",
        "gateway_api_service_type",
        "gateway_api_crds_channel",
        "istio_mode",
        "istio_mtls",
        "k8gb_records[].strategy",
    ],
    "storage": ["rook_ceph_failure_domain", "rook_ceph_replicas", "valkey_eviction"],
    "identity": [
        "vault_implementation",
        "vault_seal.type",
        "teleport_keycloak_systems",
        "teleport_keycloak_teleport_login",
    ],
    "delivery": [
        "argocd_systems",
        "gitlab_edition",
        "gitlab_size",
        "github_runners_scale_sets[].mode",
        "jenkins_agents_pod_security",
        "docker_build_source",
    ],
    "observability": ["observability_size", "observability_systems", "observability_logs_by"],
    "data": [
        "strimzi_authentication",
        "strimzi_authorization",
        "strimzi_listeners[].type",
        "clickhouse_operator",
    ],
    "runtime": [
        "knative_parts",
        "knative_ingress",
        "knative_broker",
        "kubeflow_parts",
        "kubevirt_emulation",
        "kubevirt_eviction_strategy",
    ],
}


@cache
def lines(page: Path) -> list[str]:
    return page.read_text(encoding="utf-8").splitlines()


def sections(page: Path) -> list[tuple[str, list[list[str]]]]:
    """Each heading with the rows of the tables below it, as cells."""
    found: list[tuple[str, list[list[str]]]] = []
    for line in lines(page):
        if line.startswith("#"):
            found.append((line, []))
        elif line.startswith("|"):
            found[-1][1].append([cell.strip() for cell in line.strip("|").split("|")])
    return found


def shape(page: Path) -> list[tuple[int, list[int]]]:
    """Depth of each heading, and how many cells each row below it has."""
    return [(len(heading.split()[0]), [len(row) for row in rows]) for heading, rows in sections(page)]


def systems(page: Path) -> list[str]:
    """Roles that the table of systems has, in its order."""
    first = next(rows for _, rows in sections(page) if rows)
    return [name for row in first for name in re.findall(r"\(\.\./\.\./roles/(\w+)/README\.md\)", row[0])]


def choices(checkout: Path, option: str) -> set[str]:
    """What the argument spec of the role lets one choose."""
    top, *rest = re.split(r"(?:\[\])?\.", option)
    role = max(
        (path for path in (checkout / "roles").iterdir() if top.startswith(path.name + "_")), key=lambda p: len(p.name)
    )
    spec = options(role)[top]
    for key in rest:
        spec = spec["options"][key]
    return {str(choice) for choice in spec["choices"]}


def test_every_role_stands_in_the_page_of_one_layer_in_both_languages(checkout: Path) -> None:
    roles = sorted(path.name for path in (checkout / "roles").iterdir() if path.name != "component")
    for ending in LANGUAGES:
        assert sorted(name for layer in LAYERS for name in systems(checkout / f"docs/layers/{layer}{ending}")) == roles


@pytest.mark.parametrize("page", [*(f"layers/{layer}" for layer in LAYERS), "README", "PORTS"])
def test_a_page_has_the_same_headings_and_tables_in_both_languages(checkout: Path, page: str) -> None:
    assert shape(checkout / f"docs/{page}.md") == shape(checkout / f"docs/{page}.ko.md")


@pytest.mark.parametrize("layer", LAYERS)
def test_a_layer_has_the_same_systems_and_options_in_both_languages(checkout: Path, layer: str) -> None:
    english, korean = (checkout / f"docs/layers/{layer}{ending}" for ending in LANGUAGES)
    assert systems(english) == systems(korean)
    codes = [[re.findall(r"`[^`]+`", heading) for heading, _ in sections(page)] for page in (english, korean)]
    assert codes[0] == codes[1]


@pytest.mark.parametrize("ending", LANGUAGES)
@pytest.mark.parametrize("layer", LAYERS)
def test_a_decision_table_has_every_choice_of_its_options_and_no_other(checkout: Path, layer: str, ending: str) -> None:
    told: list[str] = []
    for heading, rows in sections(checkout / f"docs/layers/{layer}{ending}"):
        named = re.findall(r"`([^`]+)`", heading)
        if not named:
            continue
        assert rows[0][0] == LANGUAGES[ending] and len(rows[0]) == 4, heading
        wanted = set().union(*(choices(checkout, option) for option in named))
        found = [match[1] for row in rows[2:] if (match := re.match(r"`([^`]+)`$", row[0]))]
        assert sorted(found) == sorted(wanted), heading
        told += named
    assert sorted(told) == sorted(CHOICES[layer])


def test_no_cell_of_a_layer_is_empty(checkout: Path) -> None:
    for page in sorted((checkout / "docs/layers").glob("*.md")):
        assert [row for _, rows in sections(page) for row in rows if not all(row)] == [], page.name


@pytest.mark.parametrize("ending", LANGUAGES)
def test_the_index_has_every_page_in_its_language_or_else_in_the_other(checkout: Path, ending: str) -> None:
    docs = checkout / "docs"
    pages = {str(path.relative_to(docs)) for path in docs.rglob("*.md")} - {"README.md", "README.ko.md"}
    names = {re.sub(r"(\.ko)?\.md$", "", page) for page in pages}
    other = next(one for one in LANGUAGES if one != ending)
    wanted = {name + (ending if name + ending in pages else other) for name in names}
    assert wanted <= set(re.findall(r"\]\(([^)]+\.md)\)", "\n".join(lines(docs / f"README{ending}"))))
