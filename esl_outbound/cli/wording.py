"""What happens in a call, in words for whoever is the caller."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Final, final

import attrs

from ..testing import Moment, Sound, Who

__all__ = ["Words", "listed_sounds", "printable", "worded"]


@final
@attrs.frozen
class Words:
    """One line, and its colour."""

    text: str
    colour: str | None = None
    is_dim: bool = False


_HEARD: Final = "cyan"
_DONE: Final = "green"
_OTHERS: Final = "magenta"
_WARNING: Final = "yellow"

# What the simulator tells, and how it is said to the caller himself; the first that matches counts.
_SAYINGS: Final[dict[Who, Sequence[tuple[str, str, str | None]]]] = {
    Who.CALLER: (
        (r"(.+) calls (.+)", r"you call \2 as \1", _DONE),
        (r"hears nothing: .*\((.+ s)\)", r"silence (\1) ...", _HEARD),
        (r"hears nothing: .*", r"silence ...", _HEARD),
        (r"hears say:(\w+):(.*) \(.+ s\)", r'saying "\2" (\1) ...', _HEARD),
        (r"hears speak:(.*) \(.+ s\)", r'saying "\1" ...', _HEARD),
        (r"hears (.*)", r"playing \1 ...", _HEARD),
        (r"presses (.+)", r"you press \1", _DONE),
        (r"hangs up: (.+)", r"you hang up (\1)", _DONE),
        (r"is asked for (.+)", r"you are asked for \1", _HEARD),
        (r"is recorded in (.+)", r"recording you in \1 ...", _HEARD),
        (r"talks to (.+)", r"you talk to \1 ...", _OTHERS),
        (r"is in (.+)", r"you are in \1", _OTHERS),
        (r"is sent (.+)", r"you are sent \1", _HEARD),
        (r"leaves (.+)", r"you leave \1", _OTHERS),
        (r"(.*)", r"you: \1", None),
    ),
    Who.HANDLER: (
        (r"answer", r"the handler answers", None),
        (r"hangs up: (.+)", r"the handler hangs up (\1)", None),
        (r"bridge (.+)", r"the handler calls \1 ...", None),
        (r"exit", r"the handler lets go of the call", None),
        (r"api (.+)", r"the handler asks FreeSWITCH: \1", None),
        (r"bgapi (.+)", r"the handler asks FreeSWITCH: \1", None),
        (r"log (\w+): (.*)", r"FreeSWITCH logs \1: \2", None),
        (r"(\w+) (.+)", r"the handler runs \1: \2", None),
        (r"(.*)", r"the handler runs \1", None),
    ),
    Who.SWITCH: (
        (r"(.+) ends: cut short by (.)", r"\1 is cut short by your \2", None),
        (r"(.+) ends: (.+)", r"\1 is \2", None),
        (r"(.+) has ([\d.]+ s)", r"recorded \2 in \1", _HEARD),
        (r"(.+) does not take the call: .*[Rr]efused.*", r"nobody listens at \1 (connection refused)", _WARNING),
        (r"(.+) does not take the call: (.+)", r"\1 does not take the call (\2)", _WARNING),
        (r"nobody takes the call", r"nobody takes the call", _WARNING),
        (r"the dialplan has no more actions", r"nothing more is to be done with the call", None),
        (r"hangup (.+)", r"the dialplan hangs up (\1)", None),
        (r"there is no application (.*)", r"FreeSWITCH has no application \1", _WARNING),
        (r"answer", r"FreeSWITCH answers for the handler", None),
        (r"(refuses .*)", r"FreeSWITCH \1", _WARNING),
        (r"((?:the|is) .*)", r"\1", None),
        (r"(.*)", r"FreeSWITCH: \1", None),
    ),
    Who.CALLEE: ((r"(.*)", r"\1", _OTHERS),),
}


def worded(moment: Moment) -> Words | None:
    """A moment as it is told to the caller; None if he is told otherwise."""
    if moment.who is Who.EXPECTED or (moment.who is Who.HANDLER and moment.what.startswith("logs ")):
        return None
    for pattern, said, colour in _SAYINGS[moment.who]:
        found = re.fullmatch(pattern, moment.what, re.DOTALL)
        if found is not None:
            return Words(found.expand(said), colour, colour is None)
    return Words(moment.what)


def listed_sounds(sounds: Sequence[Sound]) -> str:
    """The sounds that were heard, each once, in order."""
    counts = Counter(sound.path for sound in sounds if not sound.is_silence)
    cut = {sound.path for sound in sounds if sound.how != "heard"}
    listed = []
    for path, count in counts.items():
        times = f"{count} times" if count > 1 else ""
        how = "not to the end" if path in cut else ""
        notes = ", ".join(note for note in (times, how) if note)
        listed.append(f"{path} ({notes})" if notes else path)
    return ", ".join(listed)


def printable(text: str) -> str:
    """Text from outside for a terminal: nothing in it steers that, and its lines stay lines."""
    return "".join(c if c.isprintable() or c == "\n" else repr(c)[1:-1] for c in text)
