"""What may be asked for: durations, numbers and names, checked before anything is sent.

All of them raise ``LocalProtocolError`` with the parameter's name and what it should be.
"""

from __future__ import annotations

import math
import re
from typing import Final

from ..errors import LocalProtocolError
from ..protocol import HangupCause

__all__ = [
    "DTMF",
    "check_cause",
    "check_digits",
    "check_file_name",
    "check_name",
    "check_number",
    "check_one_line",
    "check_pattern",
    "check_uri",
    "check_word",
    "milliseconds",
    "whole_seconds",
]

DTMF: Final = frozenset("0123456789*#ABCD")
"""Every digit that a telephone can send."""

# FreeSWITCH counts milliseconds in 32 bits.
_MOST_SECONDS: Final = 2**31 // 1000 - 1

# What could end a name early, or mean something else: `set` divides at the first `=` (base_set() in mod_dptools.c).
_VARIABLE_NAME: Final = re.compile(r"[A-Za-z0-9_.:+~!@&*()/<>|^?-]+")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
# sofia_receive_message() in mod_sofia.c writes it into a buffer of 1,024 bytes, with an address behind it.
_LONGEST_URI: Final = 900


def milliseconds(seconds: float, name: str, *, least: float = 0.0) -> int:
    """A duration as FreeSWITCH wants it, in milliseconds."""
    _check_duration(seconds, name, least)
    return round(seconds * 1000)


def whole_seconds(seconds: float, name: str, *, least: float = 0.0) -> int:
    """A duration where FreeSWITCH counts whole seconds: rounded up, so that nothing ends too early."""
    _check_duration(seconds, name, least)
    return math.ceil(seconds)


def _check_duration(seconds: float, name: str, least: float) -> None:
    if not _is_between(least, seconds, _MOST_SECONDS):
        raise LocalProtocolError(
            f"{name} is {seconds!r}, and should be a number of seconds, {least:g} to {_MOST_SECONDS}"
        )


def check_number(number: int, name: str, *, least: int, most: int) -> int:
    """A whole number within bounds."""
    if not _is_between(least, number, most) or int(number) != number:
        raise LocalProtocolError(f"{name} is {number!r}, and should be a whole number, {least} to {most}")
    return int(number)


def _is_between(least: float, number: float, most: float) -> bool:
    """Whether it is a number, and within bounds; whoever uses no type checker may have given a text."""
    try:
        return least <= number <= most
    except TypeError:
        return False


def check_cause(cause: HangupCause | str, name: str = "cause") -> HangupCause | str:
    """A hangup cause: FreeSWITCH takes a name that it does not know for NORMAL_CLEARING."""
    if cause not in HangupCause.__members__:
        raise LocalProtocolError(f"{name} is {cause!r}, and should be a hangup cause, such as USER_BUSY")
    return cause


def check_digits(digits: str, name: str, *, beside: str = "") -> str:
    """Digits that a telephone can send, and what else may stand among them."""
    if not DTMF.union(beside).issuperset(digits):
        raise LocalProtocolError(f"{name} is {digits!r}, and should be digits: 0-9 * # A-D {beside}".rstrip())
    return digits


def check_name(name: str) -> str:
    """A channel variable's name."""
    if _VARIABLE_NAME.fullmatch(name) is None:
        raise LocalProtocolError(f"{name!r} cannot be a variable's name")
    return name


def check_word(word: str, name: str, *, without: str = "") -> str:
    """A name that FreeSWITCH does not let one quote: no blanks, quotes, backslashes or control characters."""
    if not word or any(c.isspace() or not c.isprintable() or c in "'\"\\$" or c in without for c in word):
        beside = "".join(f" {c}" for c in without)
        raise LocalProtocolError(f"{name} is {word!r}, and should be one word without ' \" \\ ${beside}")
    return word


def check_uri(uri: str, name: str, *, without: str = "") -> str:
    """A SIP URI, or a number, that can end up in a line of a SIP message."""
    if (
        not 0 < len(uri.encode("utf-8", "surrogateescape")) <= _LONGEST_URI
        or not uri.isprintable()
        or any(c.isspace() or c in "'\"\\" or c in without for c in uri)
    ):
        raise LocalProtocolError(f"{name} is {uri!r}, and should be a SIP URI, or an extension")
    return uri


def check_file_name(path: str, name: str = "path") -> str:
    """A file's name: there is one, on one line."""
    if not path or _CONTROL.search(path) is not None:
        raise LocalProtocolError(f"{name} is {path!r}, and no file can have that name")
    return path


def check_one_line(text: str, name: str) -> str:
    """Text that goes into a line of somebody else's protocol: no control characters."""
    if _CONTROL.search(text) is not None:
        raise LocalProtocolError(f"{name} is {text!r}, and cannot hold line breaks or other control characters")
    return text


def check_pattern(pattern: str, name: str) -> re.Pattern[str]:
    """A regular expression of Python's."""
    try:
        return re.compile(pattern)
    except re.error as exc:
        raise LocalProtocolError(f"{name} is {pattern!r}, and no regular expression: {exc}") from exc
