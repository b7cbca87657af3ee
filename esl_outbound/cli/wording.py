"""What happens in a call, in words for whoever is the caller."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final, final

import attrs

from ..testing import Happening, Moment, Sound, Who
from .output import printable

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

# How what happens is said to the caller, with its details in their places.
_SAYINGS: Final[Mapping[Happening, tuple[str, str | None]]] = {
    Happening.CALLS: ("you call {1} as {0}", _DONE),
    Happening.PRESSES: ("you press {0}", _DONE),
    Happening.SAYS: ("you say {0}", _DONE),
    Happening.MAKES_TONE: ("you make a tone of {0} Hz", _DONE),
    Happening.FAR_END_PRESSES: ("{0} presses {1}", _OTHERS),
    Happening.HEARS: ("playing {0} ({1}) ...", _HEARD),
    Happening.HEARS_NOTHING: ("silence ({1}) ...", _HEARD),
    Happening.IS_ASKED_FOR: ("you are asked for {0}", _HEARD),
    Happening.IS_SENT_DIGITS: ("you are sent the digits {0}", _HEARD),
    Happening.IS_RECORDED: ("recording you in {0} ...", _HEARD),
    Happening.TALKS_TO: ("you talk to {0} ...", _OTHERS),
    Happening.TALKS_TO_ONE_OF_TWO: ("you talk to {0}, while {1} waits ...", _OTHERS),
    Happening.IS_IN_CONFERENCE: ("you are in the conference {0}, one of {1}", _OTHERS),
    Happening.LEAVES_CONFERENCE: ("you leave the conference {0}", _OTHERS),
    Happening.BRIDGES: ("the handler calls {0} ...", None),
    Happening.BEGINS_ATTENDED_TRANSFER: ("the handler calls {0} ...", None),
    Happening.ASKS_API: ("the handler asks FreeSWITCH: {0}", None),
    Happening.STARTS_JOB: ("the handler asks FreeSWITCH: {0}", None),
    Happening.LOGS_ON_SWITCH: ("FreeSWITCH logs {0}: {1}", None),
    Happening.EXITS: ("the handler lets go of the call", None),
    Happening.RINGS: ("{0} rings", _OTHERS),
    Happening.ANSWERS: ("{0} answers", _OTHERS),
    Happening.DOES_NOT_ANSWER: ("{0} does not answer: {1}", _OTHERS),
    Happening.FAR_END_HANGS_UP: ("{0} hangs up: {1}", _OTHERS),
    Happening.FAR_END_HEARS: ("{0} hears {1}", _OTHERS),
    Happening.FAR_END_GOES_TO: ("{0} goes to {1}", _OTHERS),
    Happening.FAR_ENDS_TALK: ("{0} talks to {1}", _OTHERS),
    Happening.SOUND_ENDS: ("{0} is {1}", None),
    Happening.HAS_RECORDED: ("recorded {1} s in {0}", _HEARD),
    Happening.IS_NOT_TAKEN_BY: ("{0} does not take the call ({1})", _WARNING),
    Happening.IS_NOT_TAKEN: ("nobody takes the call", _WARNING),
    Happening.HAS_NO_MORE_ACTIONS: ("nothing more is to be done with the call", None),
    Happening.LACKS_APPLICATION: ("the simulated FreeSWITCH has no application {0}", _WARNING),
    Happening.LACKS_API_COMMAND: ("the simulated FreeSWITCH has no API command {0}", _WARNING),
    Happening.ONLY_COMPLETES: ("the simulator only lets {0} complete", _WARNING),
    Happening.IS_NOT_SIMULATED: ("the simulator does not run {0} on a far leg", _WARNING),
    Happening.REFUSES: ("FreeSWITCH refuses {0}: {1}", _WARNING),
}
_SPOKEN: Final = re.compile(r"say:(\w+):|speak:")


def worded(moment: Moment) -> Words | None:
    """A moment as it is told to the caller; None if it is told otherwise."""
    details = moment.details
    match moment.happening, moment.who:
        case (Happening.FAILED | Happening.LOGS, _):
            return None
        case (Happening.ASKS_API, _) if details[0].startswith("uuid_break "):
            return None  # what that ends is told
        case (Happening.HANGS_UP, Who.CALLER):
            return Words(f"you hang up ({details[0]})", _DONE)
        case (Happening.HANGS_UP, _):
            return _said(f"the handler hangs up ({details[0]})")
        case (Happening.RUNS, who):
            return _said(_running(who, *details))
        case (Happening.HEARS, _) if (spoken := _SPOKEN.match(details[0])) is not None:
            type_ = "" if spoken[1] is None else f" as {spoken[1]}"
            return Words(f'saying "{details[0][spoken.end() :]}"{type_} ({details[1]}) ...', _HEARD)
        case (Happening.IS_NOT_TAKEN_BY, _) if "refused" in details[1].lower():
            return Words(f"nobody listens at {details[0]} (connection refused)", _WARNING)
        case (Happening.SOUND_ENDS, _) if details[1].startswith("cut short by "):
            return _said(f"{details[0]} is cut short by your {details[1][-1]}")
        case (happening, who) if happening in _SAYINGS:
            text, colour = _SAYINGS[happening]
            return Words(text.format(*details), colour, colour is None)
        case (_, Who.CALLER):
            return _said(f"you: {moment.what}")
        case (_, Who.SWITCH):
            return _said(f"FreeSWITCH: {moment.what}")
        case _:
            return _said(moment.what)


def _said(text: str) -> Words:
    return Words(text, None, True)


def _running(who: Who, application: str, argument: str) -> str:
    """An application of the handler's, or of the dialplan."""
    match who, application:
        case (Who.HANDLER, "answer"):
            return "the handler answers"
        case (Who.HANDLER, _):
            return f"the handler runs {application}" + (f": {argument}" if argument else "")
        case (_, "answer"):
            return "FreeSWITCH answers for the handler"
        case (_, "hangup"):
            return f"the dialplan hangs up ({argument})" if argument else "the dialplan hangs up"
        case _:
            return f"FreeSWITCH: {application} {argument}".rstrip()


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
