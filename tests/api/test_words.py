"""The arguments of API commands: each arrives as one word, or is refused."""

from __future__ import annotations

import random

import pytest

from esl_outbound import LocalProtocolError
from esl_outbound.api.words import (
    check_channel,
    check_stored,
    check_value,
    one_of,
    rest_of_line,
    words_of,
)
from esl_outbound.testing.expansion import separate

HOSTILE = [
    "plain",
    "two words",
    "it's",
    'say "hi"',
    "a\\b",
    "a\\nb",
    "ends in \\",
    "first\nsecond\r\nthird",
    "${system(reboot)}",
    "  blanks around  ",
    "^^;a;b",
    "'",
    "\\'",
    "",
    "caf\udce9",
    "\ttab",
    "%[x=y]z",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_text_arrives_as_one_word_whatever_it_holds(text: str) -> None:
    assert separate(f"U {words_of(text, 'last')}") == ["U", text, "last"]
    assert separate(f"U {words_of('first', text)}") == ["U", "first", text]
    assert "\n" not in words_of(text)
    assert "\r" not in words_of(text)


def test_what_divides_and_quotes_arrives_in_any_order() -> None:
    chosen = random.Random(5)
    for _ in range(400):
        parts = ["".join(chosen.choices("a \\'\"\nrnts^;,|$", k=chosen.randrange(12))) for _ in range(3)]
        assert separate(f"U {words_of(*parts)}", limit=4) == ["U", *parts]


@pytest.mark.parametrize(
    "uuid", ["U", "5d2f0b9e-34b5-4a0f-8d0b-0d1c5d4a3c1e", "mine:1/2", "+U", "-both", "caf\u00e9", "^U", "U;1,2|3"]
)
def test_a_channels_uuid_may_be_any_word(uuid: str) -> None:
    assert check_channel(uuid) == uuid


@pytest.mark.parametrize("uuid", ["", " ", "a b", "a\nb", "a'b", "a\\b", 'a"b', "^^;U", "^^", "${x}", "U\r"])
def test_what_would_be_read_as_something_else_is_no_channels_uuid(uuid: str) -> None:
    with pytest.raises(LocalProtocolError, match="channel_uuid is"):
        check_channel(uuid)


@pytest.mark.parametrize("uuid", ["off", "OFF", "toggle"])
def test_a_commands_own_words_are_no_uuid(uuid: str) -> None:
    assert check_channel(uuid) == uuid
    with pytest.raises(LocalProtocolError, match="something else"):
        check_channel(uuid, options=("off", "toggle"))


@pytest.mark.parametrize("text", ["a", " a b", 'it\'s \\n ${x} "y"', "\u00e4 \udce9"])
def test_the_rest_of_a_line_is_taken_as_it_is(text: str) -> None:
    assert rest_of_line(text, "text") == text


@pytest.mark.parametrize("text", ["", " ", "a ", "a\t", "a\nb", "a\rb", "a\n", "a\0b", "\t \t", "a\v"])
def test_what_a_line_would_lose_is_refused(text: str) -> None:
    with pytest.raises(LocalProtocolError, match="text is"):
        rest_of_line(text, "text")


def test_a_word_of_freeswitchs_own_is_one_of_them() -> None:
    assert one_of("on", "mode", ("on", "off")) == "on"
    with pytest.raises(LocalProtocolError, match="mode is 'ON', and should be one of on, off"):
        one_of("ON", "mode", ("on", "off"))


def test_an_array_of_one_item_would_not_stay_as_it_is() -> None:
    assert check_value("ARRAY::a|:b", "value") == "ARRAY::a|:b"
    assert check_value("${x}", "value") == "${x}"
    with pytest.raises(LocalProtocolError, match="array"):
        check_value("ARRAY::a", "value")


@pytest.mark.parametrize("value", ["${x}", "a $\\{b", "ARRAY::a"])
def test_what_holds_a_variable_is_not_stored_everywhere(value: str) -> None:
    with pytest.raises(LocalProtocolError, match="value is"):
        check_stored(value, "value")
