# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of annotations."""

from __future__ import annotations

import pytest
from ansible_collections.kubestd.platform.plugins.module_utils._ingress.annotations import (
    BY_EMITTER,
    HINTS,
    LOOK,
    LOST,
    PARTLY,
    PREFIX,
    TRANSLATED,
    WHOLE,
    judge,
    judge_all,
)
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("name", "value", "emitter", "word", "why"),
    [
        ("ssl-redirect", "false", "standard", TRANSLATED, ""),
        ("canary-weight", "10", "standard", TRANSLATED, ""),
        ("rewrite-target", "/", "standard", TRANSLATED, ""),
        ("rewrite-target", "/$2", "standard", LOST, "groups of a regular expression"),
        ("backend-protocol", "grpc", "standard", TRANSLATED, ""),
        ("backend-protocol", "HTTPS", "standard", LOOK, "verifies the backend's certificate"),
        ("backend-protocol", "FCGI", "standard", LOST, "no backend of FCGI"),
        ("use-regex", "true", "standard", LOOK, "in its own way"),
        ("proxy-body-size", "8m", "standard", LOST, "only envoy-gateway and kgateway"),
        ("proxy-body-size", "8m", "kgateway", LOOK, "a policy of kgateway"),
        ("whitelist-source-range", "192.0.2.0/24", "kgateway", LOST, "only envoy-gateway"),
        ("configuration-snippet", "more_set_headers", "standard", LOST, "text for nginx"),
        ("something-new", "1", "standard", LOST, "has nothing for it"),
    ],
)
def test_each_annotation_has_its_verdict(name: str, value: str, emitter: str, word: str, why: str) -> None:
    found = judge(PREFIX + name, value, emitter)
    assert found and found.word == word and why in found.why


def test_no_name_stands_in_two_lists() -> None:
    lists = [set(WHOLE), set(PARTLY), set(BY_EMITTER), set(HINTS)]
    assert sum(map(len, lists)) == len(set().union(*lists))


@given(st.dictionaries(st.text(max_size=8).map(lambda end: PREFIX + end) | st.text(max_size=8), st.text(max_size=8)))
def test_every_annotation_of_ingress_nginx_gets_a_word_and_no_other(annotations: dict[str, str]) -> None:
    found = judge_all(annotations)
    assert [PREFIX + one.name for one in found] == sorted(name for name in annotations if name.startswith(PREFIX))
    assert all(one.word in (TRANSLATED, LOOK, LOST) and (one.why or one.word == TRANSLATED) for one in found)
