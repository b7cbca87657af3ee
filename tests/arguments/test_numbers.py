"""Numbers as FreeSWITCH writes them."""

from __future__ import annotations

import pytest

from esl_outbound.arguments.numbers import thousandths, whole


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0", 0),
        ("8000", 8000),
        ("9" * 19, 10**19 - 1),
        ("9" * 20, None),
        ("9" * 5000, None),
        ("-1", None),
        ("1.5", None),
        ("٣", None),
        ("", None),
        (None, None),
    ],
)
def test_a_whole_number_is_read_and_anything_else_is_none(text: str | None, number: int | None) -> None:
    assert whole(text) == number


def test_milliseconds_are_seconds() -> None:
    assert thousandths("1500") == 1.5
    assert thousandths("soon") is None
