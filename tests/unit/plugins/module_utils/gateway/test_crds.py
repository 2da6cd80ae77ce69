# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CRDs of the Gateway API that would take the place of others."""

from __future__ import annotations

import pytest
from ansible_collections.kubestd.platform.plugins.module_utils._gateway.crds import (
    CHANNEL,
    RELEASED,
    VERSION,
    Crd,
    crds_of,
    order,
    refusals,
)
from hypothesis import given
from hypothesis import strategies as st

GATEWAYS = "gateways.gateway.networking.k8s.io"


def crd(version: str, channel: str = "standard", name: str = GATEWAYS) -> Crd:
    return Crd(name, version, channel)


@pytest.mark.parametrize(
    ("found", "version", "channel", "guarded", "said"),
    [
        ([crd("v1.7.0")], "v1.6.1", "standard", True, "has CRDs of the Gateway API v1.7.0 (gateways."),
        ([crd("v1.6.1")], "v1.6.1-rc.2", "standard", True, "newer than the v1.6.1-rc.2"),
        ([crd("v1.6.0"), crd("v1.7.1", name="b"), crd("v1.10.0", name="c")], "v1.6.1", "standard", True, "API v1.10.0 (b and 1 more)"),
        ([crd("v1.6.1", "experimental")], "v1.6.1", "standard", True, "of the experimental channel"),
        ([crd("v1.6.1", "experimental")], "v1.6.1", "standard", False, "of the experimental channel"),
        ([crd("v1.6.1")], "v1.6.1", "experimental", True, "denies the experimental one on top of them"),
        ([], "latest", "standard", True, "is latest, which is no release; write one such as v1.6.1"),
    ],
)  # fmt: skip
def test_what_would_take_something_away_is_refused_with_a_sentence(
    found: list[Crd], version: str, channel: str, guarded: bool, said: str
) -> None:
    sentences = refusals(found, version, channel, guarded)
    assert len(sentences) == 1 and said in sentences[0]


@pytest.mark.parametrize(
    ("found", "channel", "guarded"),
    [
        ([], "standard", True),
        ([crd("v1.6.1")], "standard", True),
        ([crd("v1.1.0"), crd("v1.6.0-rc.1")], "standard", True),
        ([crd("v1.5.0", "experimental")], "experimental", True),
        ([crd("v1.6.1")], "experimental", False),
        ([crd("v0.0.0-dev")], "standard", True),
    ],
)
def test_what_takes_nothing_away_is_not(found: list[Crd], channel: str, guarded: bool) -> None:
    assert refusals(found, "v1.6.1", channel, guarded) == []


def test_only_crds_of_the_gateway_api_that_say_where_they_come_from_count() -> None:
    said = {VERSION: "v1.6.1", CHANNEL: "standard"}
    items = [
        {"metadata": {"name": GATEWAYS, "annotations": said}},
        {"metadata": {"name": "gateways.networking.istio.io", "annotations": said}},
        {"metadata": {"name": "httproutes.gateway.networking.k8s.io"}},
        {"metadata": {"name": "tcproutes.gateway.networking.k8s.io", "annotations": {VERSION: "v1.6.1"}}},
    ]
    assert crds_of(items) == [crd("v1.6.1")]


numbers = st.integers(0, 99)


@given(st.tuples(numbers, numbers, numbers), st.tuples(numbers, numbers, numbers))
def test_releases_are_ordered_by_their_numbers(one: tuple[int, int, int], other: tuple[int, int, int]) -> None:
    texts = ["v" + ".".join(map(str, parts)) for parts in (one, other)]
    assert [order(text) for text in texts] == [(*one, RELEASED), (*other, RELEASED)]
    assert bool(refusals([crd(texts[0])], texts[1], "standard", True)) == (one > other)


@given(st.text(max_size=12))
def test_no_text_breaks_it(text: str) -> None:
    order(text)
    refusals([crd(text, text)], "v1.6.1", "standard", True)
