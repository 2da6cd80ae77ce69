# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules of Falco are read as Falco reads them, and what it would not load is said in a sentence."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from ansible_collections.kubestd.platform.plugins.module_utils._falco.condition import (
    Check,
    ConditionError,
    Field,
    Logic,
    Macro,
    parse,
)
from ansible_collections.kubestd.platform.plugins.module_utils._falco.evaluate import holds
from ansible_collections.kubestd.platform.plugins.module_utils._falco.rules import problems
from hypothesis import given
from hypothesis import strategies as st

RULE = {
    "rule": "Shell in the shop",
    "desc": "a shell",
    "condition": "spawned_process and proc.name in (shells) and shop",
    "output": "A shell (user=%user.name %proc.aname[2])",
    "priority": "WARNING",
    "tags": ["shop"],
}
SHELLS = {"list": "shells", "items": ["bash", "sh"]}
SHOP = {"macro": "shop", "condition": "k8s.ns.name = shop"}
EVENT = {"proc.name": "bash", "k8s.ns.name": "shop"}


def document(*rules: Any, **more: Any) -> list[dict[str, Any]]:
    return [{"name": "shop", "rules": list(rules), **more}]


def test_a_condition_is_a_tree() -> None:
    assert parse("not a and (proc.aname[2] in ('x y', z) or evt.arg.flags icontains O_X)") == Logic(
        "and",
        (
            Logic("not", (Macro("a"),)),
            Logic(
                "or",
                (
                    Check(Field("proc.aname", "2"), "in", ("x y", "z"), frozenset({"z"})),
                    Check(Field("evt.arg.flags"), "icontains", ("O_X",), frozenset({"O_X"})),
                ),
            ),
        ),
    )
    assert parse("tolower(basename(fd.name)) startswith oneof (a, b)") == Check(
        Field("fd.name", "", ("basename", "tolower")), "startswith", ("a", "b"), frozenset({"a", "b"}), modifier="oneof"
    )
    assert parse("fd.sip = val(fd.cip)") == Check(Field("fd.sip"), "=", other=Field("fd.cip", "", ("val",)))
    assert parse("proc.name intersects names") == Check(Field("proc.name"), "intersects", list_name="names")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "a field, a macro or a parenthesis is missing at its end"),
        ("a and", "a field, a macro or a parenthesis is missing at its end"),
        ("(a or b", "a closing parenthesis is missing at its end"),
        ("proc.name bash", "an operator of proc.name is missing before 'bash'"),
        ("proc.name in (a b)", "a comma or a closing parenthesis is missing before 'b)'"),
        ("proc.name =", "a value is missing at its end"),
        ("a b", "and, or, or its end is missing before 'b'"),
        ("proc.aname[2 = x", "a closing bracket of proc.aname is missing before '[2 = x'"),
        ("proc.name in", "a list of proc.name in is missing at its end"),
        ("tolower(a)", "a field and a closing parenthesis of tolower is missing before 'a)'"),
    ],
)
def test_what_is_no_condition_is_said_with_its_place(text: str, said: str) -> None:
    with pytest.raises(ConditionError) as error:
        parse(text)
    assert str(error.value) == said


@given(st.text(alphabet="ab.=()[]'\"<!, \\andorti", max_size=30))
def test_no_text_breaks_the_reader(text: str) -> None:
    with contextlib.suppress(ConditionError):
        parse(text)


@pytest.mark.parametrize(
    ("condition", "wanted"),
    [
        ("proc.name = bash", True),
        ("proc.name != bash", False),
        ("fd.name != bash", False),  # what is not there is not unlike either
        ("not fd.name exists", True),
        ("fd.num >= 3 and fd.num < 10", True),
        ("proc.cmdline contains -lc and proc.cmdline icontains 'BASH -'", True),
        ("proc.cmdline startswith bash and proc.cmdline endswith x", True),
        ("proc.cmdline glob 'bash*' and proc.cmdline regex '^b.*x'", True),
        ("proc.cmdline regex bash", False),
        ("proc.exepath pmatch (/usr, /bin)", True),
        ("proc.exepath pmatch (/us)", False),
        ("tolower(proc.exepath) = /usr/bin/bash and basename(proc.exepath) = Bash", True),
        ("proc.cmdline contains allof (bash, x)", True),
        ("proc.cmdline contains oneof (zsh, nothing)", False),
        ("proc.name in (shells) or never", True),
        ("ka.user.groups intersects (admins, x)", True),
        ("ka.user.groups in (admins)", False),
        ("proc.is_exe_upper_layer = true", True),
    ],
)
def test_a_condition_is_worked_out_for_an_event(condition: str, wanted: bool) -> None:
    event = {
        "proc.name": "bash",
        "fd.num": 3,
        "proc.cmdline": "bash -lc x",
        "proc.exepath": "/usr/bin/Bash",
        "ka.user.groups": ["admins", "dev"],
        "proc.is_exe_upper_layer": True,
    }
    assert holds(parse(condition), event, {"never": False}, {"shells": ["bash", "sh"]}) is wanted


def test_good_rules_and_their_tests_say_nothing() -> None:
    tests = [
        {"rule": RULE["rule"], "event": EVENT, "macros": {"spawned_process": True}},
        {"rule": RULE["rule"], "event": {**EVENT, "k8s.ns.name": "bank"}, "macros": {"spawned_process": True}, "matches": False},
    ]  # fmt: skip
    assert problems(document(SHELLS, RULE, SHOP, tests=tests)) == []
    changes = [
        {"rule": "Terminal shell in container", "enabled": False},
        {"rule": "Read sensitive file untrusted", "condition": "and not proc.name = x", "override": {"condition": "append"}},
        {"list": "shell_binaries", "items": ["fish"], "override": {"items": "append"}},
        {"required_engine_version": "0.57.0"},
    ]  # fmt: skip
    assert problems(document(*changes)) == []
    api = {**RULE, "condition": "kevt and kcreate and pod and ka.target.name startswith x", "output": "%ka.user.name"}
    assert problems(document(api, source="k8s_audit")) == []


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ([{**RULE, "condition": "spawned_proces"}], "the macro spawned_proces is not known"),
        ([{**RULE, "condition": "proc.nme = x"}], "the field proc.nme is not known"),
        ([{**RULE, "condition": "proc.name in shels"}], "the list shels is not known"),
        ([{**RULE, "condition": "kevt"}], "the macro kevt is not known"),
        ([{**RULE, "condition": "proc.name = "}], "its condition cannot be read: a value is missing at its end"),
        ([{**RULE, "condition": "spawned_process", "output": "%usr.name"}], "output: the field usr.name is not known"),
        ([{**RULE, "condition": "spawned_process", "priority": "high"}], "high is no priority"),
        ([{**RULE, "condition": "spawned_process", "cond": 1}], "cond is no key of a rule"),
        ([{"rule": "a", "desc": "b", "condition": "spawned_process", "output": "c"}], "rule a has no priority"),
        ([{"macro": "a"}], "macro a has no condition"),
        ([{"list": "a"}], "list a has no items"),
        ([{"name": "a"}], "item 1 is none of rule, macro and list"),
        ([{"rule": "Terminal shel in container", "enabled": False}], "nothing of that name is there to be changed"),
        # a macro sees what stands above it, and a rule sees all
        ([{"macro": "a", "condition": "b"}, {"macro": "b", "condition": "evt.num = 1"}], "the macro b is not known"),
        (
            [{**RULE, "condition": "spawned_process", "exceptions": [{"name": "e", "fields": ["proc.nme"]}]}],
            "exception e: the field proc.nme is not known",
        ),
    ],
)
def test_what_falco_would_not_load_is_a_sentence(rules: list[dict[str, Any]], said: str) -> None:
    (found,) = problems(document(*rules))
    assert said in found and found.startswith("falco_rules, document shop") and found.endswith(".")


def test_names_of_a_newer_falco_can_be_told() -> None:
    rule = {**RULE, "condition": "proc.newer = 1 and new_macro and proc.name in new_list"}
    assert len(problems(document(rule))) == 3
    assert problems(document(rule), ["proc.newer", "new_macro", "new_list"]) == []


@pytest.mark.parametrize(
    ("test", "said"),
    [
        ({"event": {**EVENT, "proc.name": "top"}, "macros": {"spawned_process": True}}, "does not match the event"),
        ({"event": EVENT, "macros": {"spawned_process": True}, "matches": False}, "matches the event"),
        ({"event": EVENT}, "the macro spawned_process is upstream's"),
        ({"rule": "Other", "event": EVENT}, "names the rule Other, which is not written in falco_rules"),
    ],
)
def test_a_test_that_fails_is_a_sentence(test: dict[str, Any], said: str) -> None:
    (found,) = problems(document(SHELLS, SHOP, RULE, tests=[{"rule": RULE["rule"], **test}]))
    assert said in found


def test_two_documents_need_two_names() -> None:
    assert problems([*document(SHELLS), *document(SHOP)]) == [
        "falco_rules has two documents named shop; give each its own name."
    ]
