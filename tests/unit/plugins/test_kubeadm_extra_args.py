# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""kubeadm_extra_args: flags as kubeadm's v1beta4 API takes them."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.kubestd.platform.plugins.filter.kubeadm_extra_args import FilterModule

convert = FilterModule().filters()["kubeadm_extra_args"]


def test_values_become_strings_in_a_stable_order() -> None:
    assert convert({"v": 2, "profiling": False, "a": "1e3"}) == [
        {"name": "a", "value": "1e3"},
        {"name": "profiling", "value": "false"},
        {"name": "v", "value": "2"},
    ]


def test_null_leaves_a_flag_out_and_a_list_repeats_it() -> None:
    assert convert({"gone": None, "twice": ["x", "y"]}) == [
        {"name": "twice", "value": "x"},
        {"name": "twice", "value": "y"},
    ]


def test_what_is_no_dictionary_is_refused() -> None:
    with pytest.raises(AnsibleFilterError, match="takes a dictionary of flags, not list"):
        convert([])
