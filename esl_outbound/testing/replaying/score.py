"""A recording, arranged to be played: what FreeSWITCH says, after which commands."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final, final

import attrs

from ..recordings import RecordedFrame, Recording
from ..wire import Received
from .telling import word_of

__all__ = ["SET_UP", "Expected", "Part", "Score", "is_end"]

SET_UP: Final = {
    "connect": "",
    "myevents": "+OK Events Enabled",
    "linger": "+OK will linger",
    "nolinger": "+OK will not linger",
    "event": "+OK event listener enabled",
    "noevents": "+OK no longer listening for events",
}
"""What sets a connection up, in whatever order, and how FreeSWITCH's usual answer begins."""

_ENDS: Final = ("CHANNEL_HANGUP", "CHANNEL_HANGUP_COMPLETE")


@final
@attrs.frozen
class Expected:
    """A command of the recording, other than those that set the connection up."""

    place: int
    """Among all commands."""
    seconds: float
    command: Received
    optional: bool
    """Whether it may be left unsaid: the call had ended, and this only let it go."""


@final
@attrs.frozen
class Part:
    """What FreeSWITCH sends in one piece."""

    frames: tuple[tuple[RecordedFrame, int | None], ...]
    """Each with the number of the command that it answers, if it answers one."""
    needs: int
    """How many commands must have been said before it, other than those that set the connection up."""

    @property
    def first(self) -> RecordedFrame:
        """The first frame, which all are sent with."""
        return self.frames[0][0]

    @property
    def has_events(self) -> bool:
        """Whether an event is among them."""
        return any(frame.is_event for frame, _ in self.frames)


@final
class Score:
    """A recording, arranged to be played."""

    def __init__(self, recording: Recording) -> None:
        self.recording: Final = recording
        self.replies: Final[dict[str, list[RecordedFrame]]] = {word: [] for word in SET_UP}
        """The answers to what sets a connection up."""
        self.set_up: Final[dict[str, list[int]]] = {word: [] for word in SET_UP}
        """Where among all commands those were."""
        self.expected: Final[list[Expected] | None] = None if recording.commands is None else list(self._expected())
        self.optional_replies: Final[set[int]] = set()
        frames = [*(self._raw() if recording.commands is None else self._paired())]
        self.parts: Final = list(_parts(frames, is_raw=recording.commands is None))
        self.number_of_replies: Final = sum(answers is not None for _, answers, _ in frames)

    @property
    def commands_needed(self) -> int:
        """How many commands the handler has to say."""
        if self.expected is None:
            return self.number_of_replies - len(self.optional_replies)
        return sum(not each.optional for each in self.expected)

    def _expected(self) -> Iterator[Expected]:
        ends = [frame.after for frame in self.recording.frames if is_end(frame)]
        for place, each in enumerate(self.recording.commands or ()):
            word = word_of(each.command)
            if word in SET_UP:
                self.set_up[word].append(place)
            else:
                optional = word == "exit" and any(after <= place for after in ends)
                yield Expected(place, each.seconds, each.command, optional)

    def _paired(self) -> Iterator[tuple[RecordedFrame, int | None, int]]:
        """Every frame but those replies, with the command that it answers, and how many were said before it."""
        places = [each.place for each in self.expected or ()]
        numbers = {place: number for number, place in enumerate(places)}
        replies = 0
        for frame in self.recording.frames:
            answers = None
            if frame.is_reply:
                place, replies = replies, replies + 1
                asked = self._word_at(place)
                if asked in SET_UP:
                    self.replies[asked].append(frame)
                    continue
                answers = numbers.get(place)
            yield frame, answers, bisect_left(places, frame.after)

    def _word_at(self, place: int) -> str:
        commands = self.recording.commands or ()
        return word_of(commands[place].command) if place < len(commands) else ""

    def _raw(self) -> Iterator[tuple[RecordedFrame, int | None, int]]:
        """The same where the commands are not known: replies tell by what they say what they answer."""
        said = 0
        ended = False
        for frame in self.recording.frames:
            ended = ended or is_end(frame)
            answers = None
            if frame.is_reply:
                word = _word_answered(frame)
                if word:
                    self.replies[word].append(frame)
                    continue
                if ended:
                    self.optional_replies.add(said)
                answers, said = said, said + 1
            yield frame, answers, said


def _parts(frames: Sequence[tuple[RecordedFrame, int | None, int]], *, is_raw: bool) -> Iterator[Part]:
    """Put together what came in one piece: the handler has no turn in between.

    A ``.raw`` file does not know that; what FreeSWITCH made in the same instant came so.
    """

    def piece(each: tuple[RecordedFrame, int | None, int]) -> tuple[int, float, bool]:
        frame, _, needs = each
        by_time = is_raw and frame.seconds is not None
        return needs, frame.seconds if by_time and frame.seconds is not None else frame.piece, by_time

    for (needs, _, _), same in groupby(frames, piece):
        yield Part(tuple((frame, answers) for frame, answers, _ in same), needs)


def _word_answered(frame: RecordedFrame) -> str:
    """Which command that sets a connection up a reply answers, by what it says."""
    if frame.is_channel_data:
        return "connect"
    text = frame.get("Reply-Text")
    return next((word for word, usual in SET_UP.items() if usual and text.startswith(usual)), "")


def is_end(frame: RecordedFrame) -> bool:
    """Whether a frame tells that our control of the call has ended."""
    if frame.content_type == "text/disconnect-notice":
        return True
    if not frame.is_event:
        return False
    name = frame.get("Event-Name")
    return name in _ENDS or (name == "CHANNEL_EXECUTE_COMPLETE" and frame.get("Application") == "socket")
