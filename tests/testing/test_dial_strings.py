"""What survives in a dial string (``switch_ivr_originate()``), as measured on the callee's side."""

from __future__ import annotations

import pytest

from esl_outbound.testing import FakeFreeSwitch
from esl_outbound.testing.destinations import DialledLeg, DialString, dial_strings

from .speaking import parked

SPECIAL = [",", "|", "]", "}", "'", '"', "\\", ";", ":", " ", "[", "{", "<", "^^", "=", ":_:", "&", "%"]

# What cannot be written so, per form.
LOST = {
    "{x=a?b}": [",", "}", "{", ":_:"],
    "{x='a?b'}": ["}", "{", ":_:", "'"],
    "[x=a?b]": [",", "|", "]", "[", ":_:"],
    "[x='a?b']": [",", "]", "[", ":_:", "'"],
}


def dialled(text: str) -> tuple[tuple[DialledLeg, ...], ...]:
    """The groups of what is one dial string."""
    (only,) = dial_strings(text)
    return only.groups


def value_of(dial_string: str) -> str | None:
    """What the callee has as x; None if nobody is called."""
    groups = [group for each in dial_strings(dial_string) for group in each.groups]
    if [[leg.destination for leg in group] for group in groups] != [["user/1001"]]:
        return None
    return groups[0][0].get("x")


@pytest.mark.parametrize(
    ("form", "special"), [(form, special) for form, lost in LOST.items() for special in SPECIAL if special not in lost]
)
def test_a_value_arrives_exactly(form: str, special: str) -> None:
    assert value_of(form.replace("?", special) + "user/1001") == f"a{special}b"


@pytest.mark.parametrize(("form", "special"), [(form, special) for form, lost in LOST.items() for special in lost])
def test_a_value_does_not_arrive_exactly(form: str, special: str) -> None:
    assert value_of(form.replace("?", special) + "user/1001") != f"a{special}b"


@pytest.mark.parametrize("form", ["{x=a?b}", "[x=a?b]"])
def test_a_comma_behind_a_backslash_arrives_exactly(form: str) -> None:
    assert value_of(form.replace("?", "\\,") + "user/1001") == "a,b"


def test_a_bar_behind_a_backslash_arrives_exactly_in_brackets() -> None:
    assert value_of("[x=a\\|b]user/1001") == "a|b"


@pytest.mark.parametrize("form", ["{x=a?b}", "[x=a?b]"])
def test_a_backslash_before_others_stays(form: str) -> None:
    assert value_of(form.replace("?", "\\;") + "user/1001") == "a\\;b"


def test_a_comma_in_braces_cuts_the_value() -> None:
    assert value_of("{x=a,b}user/1001") == "a"


@pytest.mark.parametrize(
    ("dial_string", "groups"),
    [
        ("user/1", [["user/1"]]),
        ("user/1,user/2", [["user/1", "user/2"]]),
        ("user/1|user/2,user/3|user/4", [["user/1"], ["user/2", "user/3"], ["user/4"]]),
        ("{a=1,b=2}[c=3,d=4]user/1,[c=5]user/2", [["user/1", "user/2"]]),
        (" {a=1} user/1 , user/2", [["user/1", "user/2"]]),
        ("", []),
        ("{bad", []),
        ("{a=1}", []),
    ],
)
def test_legs_and_groups(dial_string: str, groups: list[list[str]]) -> None:
    assert [[leg.destination for leg in group] for group in dialled(dial_string)] == groups


def test_dial_strings_of_their_own_share_what_stands_in_angle_brackets() -> None:
    assert dial_strings("<a=1>{b=2}user/1:_:{c=3}user/2|user/3") == [
        DialString((("a", "1"), ("b", "2")), ((DialledLeg("user/1", (("a", "1"), ("b", "2"))),),)),
        DialString(
            (("a", "1"), ("c", "3")),
            (
                (DialledLeg("user/2", (("a", "1"), ("c", "3"))),),
                (DialledLeg("user/3", (("a", "1"), ("c", "3"))),),
            ),
        ),
    ]


def test_a_variable_of_all_legs_is_not_one_of_a_single_leg() -> None:
    (only,) = dial_strings("{a=1}[b=2]user/1")
    assert (only.get("a"), only.get("b")) == ("1", "")


def test_braces_hold_for_all_legs_and_brackets_for_their_own() -> None:
    assert dialled("{a=1,b=2}[b=3,c=4]user/1,user/2") == (
        (
            DialledLeg("user/1", (("a", "1"), ("b", "2"), ("b", "3"), ("c", "4"))),
            DialledLeg("user/2", (("a", "1"), ("b", "2"))),
        ),
    )
    assert dialled("{b=2}[b=3]user/1")[0][0].get("b") == "3"


def test_several_groups_of_brackets_are_read() -> None:
    assert dialled("{a=1}{b=2}[c=3][d=4]user/1")[0][0].variables == (("a", "1"), ("b", "2"), ("c", "3"), ("d", "4"))


def test_brackets_may_have_a_delimiter_of_their_own() -> None:
    assert dialled("{^^;a=1,2;b=3}[^^:c=4,5:d=6]user/1")[0][0].variables == (
        ("a", "1,2"),
        ("b", "3"),
        ("c", "4,5"),
        ("d", "6"),
    )


async def test_everything_is_exact_through_export(phone: FakeFreeSwitch) -> None:
    value = "".join(f"a{special}b" for special in SPECIAL)
    async with parked(phone) as (caller, socket):
        await socket.run("export", f"nolocal:x={value}")
        await socket.execute("bridge", "user/1001")
        callee = await caller.is_bridged_to("user/1001")
        assert callee.variables["x"] == value
        assert "x" not in caller.variables
