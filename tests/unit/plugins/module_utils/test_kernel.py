# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""kernel_settings: the running kernel and the next start agree with what is wanted."""

from __future__ import annotations

import pytest
from ansible_collections.kubestd.platform.plugins.module_utils._errors import KubestdError
from ansible_collections.kubestd.platform.plugins.module_utils._kernel.host import module_state, sysctl_path
from ansible_collections.kubestd.platform.plugins.module_utils._kernel.plan import Found, check, make_plan, without_swap
from hypothesis import given
from hypothesis import strategies as st

SYSCTLS = {"net.ipv4.ip_forward": "1"}


def found(**overrides: object) -> Found:
    base = {
        "modules": {"overlay": "builtin"},
        "sysctls": {"net.ipv4.ip_forward": "1"},
        "swaps": (),
        "fstab": "",
        "modules_file": "overlay\n",
        "sysctl_file": "net.ipv4.ip_forward = 1\n",
    }
    return Found(**{**base, **overrides})  # type: ignore[arg-type]


def test_a_kernel_as_wanted_needs_nothing() -> None:
    assert not make_plan(["overlay"], SYSCTLS, True, found()).changed


def test_what_is_built_in_is_not_loaded_but_persists() -> None:
    plan = make_plan(["overlay"], SYSCTLS, True, found(modules_file=""))
    assert (plan.load, plan.modules_file) == ([], "overlay\n")


def test_a_missing_module_is_loaded() -> None:
    assert make_plan(["overlay"], {}, False, found(modules={"overlay": "missing"}, sysctl_file="")).load == ["overlay"]


def test_a_live_value_that_drifted_is_set_again() -> None:
    assert make_plan(["overlay"], SYSCTLS, False, found(sysctls={"net.ipv4.ip_forward": "0"})).sysctls == SYSCTLS


def test_white_space_of_the_kernel_is_no_difference() -> None:
    wanted = {"net.ipv4.ip_local_port_range": "32768 60999"}
    now = found(
        sysctls={"net.ipv4.ip_local_port_range": "32768\t60999"},
        sysctl_file="net.ipv4.ip_local_port_range = 32768 60999\n",
    )
    assert not make_plan(["overlay"], wanted, False, now).changed


def test_an_unknown_sysctl_is_named() -> None:
    with pytest.raises(KubestdError, match="this kernel has no net.ipv4.ip_forward"):
        make_plan(["overlay"], SYSCTLS, False, found(sysctls={"net.ipv4.ip_forward": None}))


def test_a_sysctl_that_a_module_will_bring_is_waited_for() -> None:
    now = found(sysctls={"net.ipv4.ip_forward": None}, modules={"overlay": "missing"})
    assert make_plan(["overlay"], SYSCTLS, False, now).sysctls == SYSCTLS


def test_swap_is_left_alone_unless_asked() -> None:
    now = found(swaps=("/dev/sda2",), fstab="/dev/sda2 none swap sw 0 0\n")
    assert make_plan(["overlay"], SYSCTLS, False, now).changed is False
    plan = make_plan(["overlay"], SYSCTLS, True, now)
    assert (plan.swapoff, plan.fstab) == (["/dev/sda2"], "# /dev/sda2 none swap sw 0 0\n")


@given(st.lists(st.sampled_from(["/dev/a / ext4 defaults 0 1\n", "/dev/b none swap sw 0 0\n", "# a comment\n", "\n"])))
def test_only_swap_lines_are_commented_and_only_once(lines: list[str]) -> None:
    once = without_swap("".join(lines))
    assert without_swap(once) == once
    assert once.replace("# /dev/b", "/dev/b") == "".join(lines)


def test_removing_everything_empties_the_files() -> None:
    plan = make_plan([], {}, False, found())
    assert (plan.modules_file, plan.sysctl_file) == ("", "")


@pytest.mark.parametrize(
    ("name", "listed", "filesystems", "builtin", "state"),
    [
        ("br_netfilter", "br_netfilter 32768 0 - Live 0x0", "", "", "loaded"),
        ("nf-tables-made-up", "", "", "kernel/net/nf_tables_made_up.ko", "builtin"),
        ("overlay", "", "nodev\toverlay\n", "", "builtin"),
        ("made_up", "", "", "", "missing"),
    ],
)
def test_how_a_module_is_recognised(name: str, listed: str, filesystems: str, builtin: str, state: str) -> None:
    assert module_state(name, listed, filesystems, builtin) == state


def test_names_that_cannot_be_names_are_refused() -> None:
    with pytest.raises(KubestdError, match="not the name of a kernel module"):
        check(["a; rm"], {})
    with pytest.raises(KubestdError, match="not the name of a sysctl"):
        check([], {"../../etc/passwd": "1"})


def test_an_interface_with_a_dot_is_written_with_slashes() -> None:
    assert sysctl_path("net/ipv4/conf/eth0.5/proxy_arp") == "/proc/sys/net/ipv4/conf/eth0.5/proxy_arp"
