# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page of the health report."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

from ansible_collections.kubestd.platform.plugins.module_utils._report.page import page
from hypothesis import given
from hypothesis import strategies as st

CHECK = {"name": "release harbor/harbor", "status": "Degraded", "passed": False, "seconds": 12.34}
RELEASE = {"name": "harbor", "namespace": "harbor", "chart_version": "1.19.2", "revision": 14, "status": "deployed"}


def report(message: str) -> dict[str, Any]:
    line = {"status": "Degraded", "subject": "cp2", "area": "etcd", "check": "member", "message": message}
    system = {
        "name": "harbor",
        "layer": "delivery",
        "status": "Degraded",
        "passed": False,
        "message": message,
        "seconds": 12.9,
        "checks": [{**CHECK, "message": message}],
        "releases": [{**RELEASE, "chart_sha256": "3fa9c1d2e4b5a697" + "0" * 48}],
    }
    areas = {"etcd": "2 of 3 members", "certificates": "38", "nodes": "5 of 5 ready"}
    return {"overall": "Degraded", "lines": [line], "areas": areas, "systems": [system], "not_looked_at": ["w2"]}


class Text(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.said: list[str] = []
        self.tags: set[str] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.add(tag)

    def handle_data(self, data: str) -> None:
        self.said.append(data)


def test_state_version_revision_digest_cause_and_time_of_a_system_are_on_it() -> None:
    text = " ".join(Text(page(report("core 0/2: ImagePullBackOff"), "Health", "now")).said)
    for said in ("Degraded", "Delivery", "1.19.2", "revision 14", "3fa9c1d2e4b5a697", "ImagePullBackOff", "12.9 s"):
        assert said in text
    for said in ("12.3 s", "1 check", "2 of 3 members", "5 of 5 ready", "certificates", "Not looked at: w2"):
        assert said in text


@given(st.text())
def test_what_a_cluster_says_is_never_markup(message: str) -> None:
    found = Text(page(report(f"<script>{message}</script>"), "Health", "now"))
    assert "script" not in found.tags
    assert "<script>" in "".join(found.said)
