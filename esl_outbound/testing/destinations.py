"""Who can be called: what ``bridge`` finds at the other end."""

from __future__ import annotations

import fnmatch
from typing import Final, final

import attrs

from .causes import cause_name
from .expansion import brackets, separate

__all__ = ["Destination", "DialString", "DialledLeg", "dial_strings", "find_destination"]

_KNOWN_ENDPOINTS: Final = frozenset(
    ["user", "sofia", "loopback", "error", "group", "verto", "pickup", "null", "portaudio", "skinny", "rtc"]
)


# What originate puts in the place of a comma within square brackets: one in quotes, and one that is in none.
_QUOTED_COMMA: Final = "\x01"
_COMMA: Final = "\x02"


@final
@attrs.define(eq=False)
class Destination:
    """What happens when somebody calls a destination.

    One that is not described otherwise rings for a second and answers.
    """

    pattern: str
    """The dial string of its leg, such as ``user/1001``; ``*`` and ``?`` stand for anything."""
    answers_after: float | None = 1.0
    """Seconds until it answers; None rings until a test says otherwise."""
    cause: str = ""
    """Why it does not answer, such as USER_BUSY; empty if it does."""
    refuses_after: float = 0.02
    """Seconds until it says so; 0 if there is not even a leg to say it, as for an endpoint that is not there."""
    early_media_after: float | None = None
    """Seconds until it is heard before the answer (SIP 183); None never."""
    hangs_up_after: float | None = None
    """Seconds of talk until it hangs up; None when told to, or with the caller."""

    def matches(self, leg: str) -> bool:
        """Whether a leg of a dial string means this destination."""
        return leg == self.pattern or fnmatch.fnmatchcase(leg, self.pattern)


@final
@attrs.frozen
class DialledLeg:
    """One leg of a dial string."""

    destination: str
    """Without what stands in brackets before it."""
    variables: tuple[tuple[str, str], ...]

    def get(self, name: str) -> str:
        """The last value that the brackets give a variable; empty without one."""
        return next((value for key, value in reversed(self.variables) if key == name), "")


@final
@attrs.frozen
class DialString:
    """A dial string that is dialled by itself."""

    common: tuple[tuple[str, str], ...]
    """The variables of all its legs."""
    groups: tuple[tuple[DialledLeg, ...], ...]
    """They are tried one after the other, and the legs of one ring at once."""

    def get(self, name: str) -> str:
        """The last value that is given to a variable of all legs; empty without one."""
        return next((value for key, value in reversed(self.common) if key == name), "")


def dial_strings(text: str) -> list[DialString]:
    """What is dialled: several dial strings, at once, if there is ``:_:`` between them.

    ``{a=b}`` holds for all legs, ``[a=b]`` for its own; ``|`` is between groups and ``,`` between legs. ``<a=b>``
    at the beginning holds for all dial strings. What cannot be read has no groups, and neither has what follows it.
    """
    parts = text.split(":_:")
    common: list[tuple[str, str]] = []
    if len(parts) > 1:
        rest = _take_variables(text.lstrip(" "), "<", ">", common)
        parts = [""] if rest is None else rest.split(":_:")
    return [_dial_string(part, common) for part in parts]


def _take_variables(text: str, opening: str, closing: str, variables: list[tuple[str, str]]) -> str | None:
    """Read the groups of brackets at the beginning; gives what is behind them, None if one cannot be read."""
    while text.startswith(opening):
        found, behind = brackets(text, opening, closing)
        if behind == text:
            return None
        variables += found
        text = behind
    return text


def _dial_string(text: str, of_all: list[tuple[str, str]]) -> DialString:
    common = list(of_all)
    rest: str | None = text.strip(" ")
    for opening, closing in ("<", ">"), ("{", "}"):
        if rest is not None:
            rest = _take_variables(rest, opening, closing, common)
    return DialString(tuple(common), () if rest is None else tuple(map(tuple, _groups(rest, common))))


def _groups(rest: str, common: list[tuple[str, str]]) -> list[list[DialledLeg]]:
    groups = []
    for group in separate(rest.lstrip(" "), "|"):
        legs = _legs(group, common)
        if legs is None:
            break
        if legs:
            groups.append(legs)
    return groups


def _legs(group: str, common: list[tuple[str, str]]) -> list[DialledLeg] | None:
    """The legs of a group; None if one of them cannot be read."""
    legs = []
    for leg in separate(_marked(group), ","):
        own: list[tuple[str, str]] = []
        name = leg.strip(" ")
        while name.startswith("["):
            found, behind = brackets(name.replace(_QUOTED_COMMA, ","), "[", "]", _COMMA)
            if behind == name:
                return None
            own += found
            name = behind
        if name.strip(" "):
            legs.append(DialledLeg(name.strip(" "), (*common, *own)))
    return legs


def _marked(group: str) -> str:
    """A group whose commas within square brackets are marked, so that none of them is taken for one between legs.

    As switch_ivr_originate() does it: those in quotes are marked as part of a value, and those behind a backslash
    are left alone.
    """
    marked = list(group)
    end = None
    is_quoted = has_own_delimiter = False
    for at, char in enumerate(group):
        if end is None and char == "[":
            end = _closing(group, at)
            has_own_delimiter = group.startswith("^^", at + 1)
            is_quoted = False
        if char == "'":
            is_quoted = not is_quoted
        if end is not None and at < end and char == "," and group[at - 1] != "\\":
            marked[at] = _QUOTED_COMMA if is_quoted or has_own_delimiter else _COMMA
        if at == end:
            end = None
    return "".join(marked)


def _closing(text: str, start: int) -> int | None:
    """Where the square bracket closes that opens there."""
    depth = 0
    for at in range(start, len(text)):
        depth += {"[": 1, "]": -1}.get(text[at], 0)
        if not depth:
            return at
    return None


def find_destination(destinations: list[Destination], leg: str) -> Destination:
    """What answers to a leg; the newest description counts."""
    for destination in reversed(destinations):
        if destination.matches(leg):
            return destination
    endpoint, slash, rest = leg.partition("/")
    if endpoint == "error":
        # error_outgoing_channel() in mod_dptools.c gives the cause that is named, and no leg; no name is `service`.
        cause = cause_name(rest or "service")
        return Destination(leg, cause="DESTINATION_OUT_OF_ORDER" if cause == "NONE" else cause, refuses_after=0)
    if not slash or endpoint not in _KNOWN_ENDPOINTS:
        return Destination(leg, cause="CHAN_NOT_IMPLEMENTED", refuses_after=0)
    return Destination(leg)
