"""What the simulated FreeSWITCH makes of a cause that it is given."""

from __future__ import annotations

import pytest

from esl_outbound.testing.causes import Q850, cause_name, q850


def test_every_named_cause_is_read_as_itself() -> None:
    assert len(Q850) == 82
    assert {cause_name(name) for name in Q850} == set(Q850)
    assert {cause_name(str(number)) for number in Q850.values()} == set(Q850)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("USER_BUSY", "USER_BUSY"),
        ("user_busy", "USER_BUSY"),
        ("17", "USER_BUSY"),
        ("17 and more", "USER_BUSY"),
        ("487", "ORIGINATOR_CANCEL"),
        ("NONE", "NONE"),
        ("0", "NONE"),
        ("5", "UNKNOWN"),
        ("", "NORMAL_CLEARING"),
        (" 17", "NORMAL_CLEARING"),
        ("-17", "NORMAL_CLEARING"),
        ("USER_BUSY ", "NORMAL_CLEARING"),
        ("BANANA", "NORMAL_CLEARING"),
        ("\u0661", "NORMAL_CLEARING"),
    ],
)
def test_a_text_is_a_number_or_a_name_or_normal_clearing(text: str, name: str) -> None:
    assert cause_name(text) == name


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("NONE", 0),
        ("NO_ANSWER", 19),
        ("no_answer", 19),
        ("INTERWORKING", 127),
        ("SUCCESS", 16),
        ("ORIGINATOR_CANCEL", 16),
        ("ALLOTTED_TIMEOUT", 16),
        ("5", 5),
        ("BANANA", 16),
    ],
)
def test_the_causes_that_are_freeswitchs_own_are_reported_as_sixteen(text: str, number: int) -> None:
    assert q850(text) == number
