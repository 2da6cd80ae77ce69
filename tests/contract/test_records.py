# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests keep of records from one run to the next follows what they are made of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from . import records


def role(folder: Path, name: str) -> Path:
    made = folder / "roles/demo"
    for path, text in (
        ("defaults/main.yml", f"demo_name: {name}\ndemo_size: 1\n"),
        ("vars/main.yml", '__demo_record: {name: "{{ demo_name }}", size: "{{ demo_size }}"}\n'),
    ):
        (made / path).parent.mkdir(parents=True)
        (made / path).write_text(text)
    return made


def test_a_record_is_made_once_and_anew_when_a_file_of_its_role_or_the_inventory_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "CACHE", tmp_path / "cache")
    first, changed, same = (role(tmp_path / name, text) for name, text in (("a", "x"), ("b", "y"), ("c", "x")))
    assert records.record(first) == {"name": "x", "size": 1}
    assert records.record(first, demo_size=2, other=3) == {"name": "x", "size": 2}
    assert records.record(changed) == {"name": "y", "size": 1}

    def nobody(*_: Any) -> str:
        raise AssertionError("it is kept")

    monkeypatch.setattr(records, "template", nobody)
    assert records.record(same) == {"name": "x", "size": 1}
