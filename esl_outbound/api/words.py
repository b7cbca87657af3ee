r"""The arguments of API commands, as ``mod_commands.c`` divides them.

Most divide them with ``switch_separate_string()`` at blanks, where quotes keep a
word together and ``\n`` is a line break. Others take all that follows the
channel's UUID for one text, without quotes.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

from ..arguments.checks import check_word
from ..arguments.text import api_words, holds_variable
from ..errors import LocalProtocolError

__all__ = ["check_channel", "check_stored", "check_value", "one_of", "rest_of_line", "words_of"]

# switch_api_execute() takes these from the end of what a command is given (switch_strip_whitespace()).
_STRIPPED: Final = "\r\n\t \v"
_BREAK: Final = re.compile(r"[\r\n\0]")
_ARRAY: Final = "ARRAY::"
_BETWEEN_ITEMS: Final = "|:"


def words_of(*parts: str) -> str:
    """Arguments that are divided at blanks: each arrives as one word, line breaks and all."""
    # cleanup_separated_string() in switch_utils.c; backslashes of the parts' own are doubled by now.
    return api_words(*parts).replace("\n", "\\n").replace("\r", "\\r")


def rest_of_line(text: str, name: str) -> str:
    """A text that a command takes as it is, to the end of its line."""
    if _BREAK.search(text) is not None or not text.strip(_STRIPPED) or text[-1] in _STRIPPED:
        raise LocalProtocolError(f"{name} is {text!r}, and should be text on one line that does not end in a blank")
    return text


def check_channel(channel_uuid: str, name: str = "channel_uuid", *, options: Collection[str] = ()) -> str:
    """A channel's UUID, which can be chosen freely (``origination_uuid``), and must not be read as anything else.

    Args:
        channel_uuid: The UUID.
        name: What it is called in the error.
        options: Words that the command takes for something else in its place.
    """
    # switch_separate_string() lets what it divides choose the delimiter, by two of these at its beginning.
    if check_word(channel_uuid, name).startswith("^^") or channel_uuid.lower() in options:
        raise LocalProtocolError(f"{name} is {channel_uuid!r}, which this command takes for something else")
    return channel_uuid


def one_of(value: str, name: str, choices: Collection[str]) -> str:
    """One of FreeSWITCH's own words."""
    if value not in choices:
        raise LocalProtocolError(f"{name} is {value!r}, and should be one of {', '.join(choices)}")
    return value


def check_value(value: str, name: str) -> str:
    """A variable's value that stays as it is (switch_event_add_header_string() makes an array of others)."""
    if value.startswith(_ARRAY) and _BETWEEN_ITEMS not in value:
        raise LocalProtocolError(f"{name} is {value!r}, which FreeSWITCH takes for an array")
    return value


def check_stored(value: str, name: str) -> str:
    """A value for where FreeSWITCH keeps none with a variable in it (switch_channel_set_variable())."""
    if holds_variable(value):
        raise LocalProtocolError(f"{name} is {value!r}, which FreeSWITCH does not store there: it holds ${{")
    return check_value(value, name)
