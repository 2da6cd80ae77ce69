# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""make test-upstream says in one sentence that it cannot, before it does anything."""

from __future__ import annotations

import os
import subprocess

from .conftest import ROOT


def test_where_upstream_cannot_be_reached_one_sentence_says_so() -> None:
    nowhere = dict.fromkeys(("https_proxy", "HTTPS_PROXY", "http_proxy"), "http://127.0.0.1:9")
    done = subprocess.run(
        ["make", "--silent", "test-upstream"],
        cwd=ROOT,
        env={**os.environ, **nowhere, "no_proxy": "", "NO_PROXY": ""},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode != 0 and done.stdout == ""
    said = done.stderr.splitlines()[0]
    assert said.startswith("Upstream's charts cannot be reached from this machine (")
    assert "quay.io" in said and "run make test, which takes stand-ins" in said
