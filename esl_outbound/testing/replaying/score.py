"""A recording, arranged to be played: what FreeSWITCH says, after which commands.

Where the commands were not recorded, every reply stands for one.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from itertools import accumulate, groupby
from typing import Final, final

import attrs

from ..recordings import NotARecording, RecordedFrame, Recording
from ..wire import Received
from .telling import command_shown, frame_shown, word_of

__all__ = ["SET_UP", "Expected", "Line", "Part", "Score"]

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
    """A command of the recording."""

    place: int
    """Among all commands."""
    seconds: float
    """When it was said; 0 if that is not known."""
    command: Received | None
    """None if it was not recorded: it is one that gets this reply."""
    reply: RecordedFrame | None
    """None if there was none."""
    optional: bool
    """Whether it may be left unsaid: the call had ended, and this only let it go."""

    @property
    def word(self) -> str:
        """Its first word; if it was not recorded, the one that the reply tells, if it tells any."""
        if self.command is not None:
            return word_of(self.command)
        assert self.reply is not None
        if self.reply.is_channel_data:
            return "connect"
        text = self.reply.get("Reply-Text")
        usual = (word for word, beginning in SET_UP.items() if beginning and text.startswith(beginning))
        return "exit" if text == "+OK bye" else next(usual, "")

    def shown(self, unknown: str = "a command that") -> str:
        """The command in a line; with ``unknown``, and the reply, if it was not recorded."""
        if self.command is not None:
            return command_shown(self.command)
        assert self.reply is not None
        return f"{unknown} gets '{frame_shown(self.reply)}'"


@final
@attrs.frozen
class Line:
    """A message of FreeSWITCH's, other than the replies to what sets a connection up."""

    frame: RecordedFrame
    answers: int | None
    """The number of the command that it answers, if it answers one."""
    needs: int
    """How many commands must have been said before it, other than those that set the connection up."""
    is_end: bool
    """Whether it tells that our control of the call has ended."""
    is_asked_for: bool
    """Whether the handler must have asked for an application that begins with it, by all that is known."""


@final
@attrs.frozen
class Part:
    """What FreeSWITCH sends in one piece: the handler has no turn in between."""

    lines: tuple[Line, ...]
    pause: float
    """How long after what was said or sent last it comes, if its own time is not known."""

    @property
    def first(self) -> Line:
        """What all are sent with."""
        return self.lines[0]


@final
class Score:
    """A recording, arranged to be played.

    Raises:
        NotARecording: It is not of a call.
    """

    def __init__(self, recording: Recording) -> None:
        frames = recording.frames
        replies = [frame for frame in frames if frame.is_reply]
        commands: list[tuple[float, Received | None]]
        if recording.commands is None:
            commands = [(reply.seconds or 0.0, None) for reply in replies]
            after = list(accumulate(int(frame.is_reply) for frame in frames))
        else:
            commands = [(each.seconds, each.command) for each in recording.commands]
            after = [frame.after for frame in frames]
        first_end = next((count for frame, count in zip(frames, after, strict=True) if _is_end(frame)), len(commands))
        self.recording: Final = recording
        self.set_up: Final[dict[str, list[Expected]]] = {word: [] for word in SET_UP}
        """What set the connection up."""
        self.expected: Final[list[Expected]] = []
        """What was said besides."""
        for place, (seconds, command) in enumerate(commands):
            reply = replies[place] if place < len(replies) else None
            optional = first_end <= place and (command is None or word_of(command) == "exit")
            each = Expected(place, seconds, command, reply, optional)
            self.set_up.get(each.word, self.expected).append(each)
        channel_data = [each.reply for each in self.set_up["connect"] if each.reply is not None]
        if not channel_data or not channel_data[0].is_channel_data:
            raise NotARecording(recording.path, "is not of a call: it holds no reply to connect")
        self.channel_data: Final = channel_data
        """The replies to ``connect``."""
        self.parts: Final = list(_parts(self._lines(after)))

    @property
    def is_closed_by_freeswitch(self) -> bool:
        """Whether it was FreeSWITCH, as far as is known, who closed the connection."""
        return self.recording.closed_by == "freeswitch" or any(map(_is_goodbye, self.recording.frames[-1:]))

    def _lines(self, after: list[int]) -> Iterator[Line]:
        """The lines: the n-th reply answers the n-th command."""
        numbers = {each.place: number for number, each in enumerate(self.expected)}
        places = list(numbers)
        set_up = {each.place for commands in self.set_up.values() for each in commands}
        begun = _sequence(self.channel_data[0])
        is_in_control = True
        place = -1
        for frame, count in zip(self.recording.frames, after, strict=True):
            place += frame.is_reply
            if frame.is_reply and place in set_up:
                continue
            answers = numbers.get(place) if frame.is_reply else None
            is_end = _is_end(frame)
            # What runs before us, or behind us, is the dialplan's doing.
            is_asked_for = self.recording.commands is None and is_in_control and _sequence(frame) >= begun
            yield Line(frame, answers, bisect_left(places, count), is_end, is_asked_for)
            is_in_control = is_in_control and not (is_end and frame.get("Application") == "socket")


def _parts(lines: Iterator[Line]) -> Iterator[Part]:
    """Put together what came in one piece."""
    lingers = 0.0
    for _, same in groupby(lines, lambda line: (line.needs, line.frame.piece)):
        part = tuple(same)
        yield Part(part, lingers if _is_goodbye(part[0].frame) else 0.0)
        for line in part:
            if line.is_end:
                seconds = line.frame.get("Linger-Time")
                lingers = float(seconds) if seconds.isdecimal() else 0.0


def _sequence(frame: RecordedFrame) -> int:
    number = frame.get("Event-Sequence")
    return int(number) if number.isdecimal() else 0


def _is_end(frame: RecordedFrame) -> bool:
    """Whether a frame tells that our control of the call has ended."""
    if frame.content_type == "text/disconnect-notice":
        return True
    if not frame.is_event:
        return False
    name = frame.get("Event-Name")
    return name in _ENDS or (name == "CHANNEL_EXECUTE_COMPLETE" and frame.get("Application") == "socket")


def _is_goodbye(frame: RecordedFrame) -> bool:
    """Whether FreeSWITCH closes the socket behind a frame."""
    return frame.get("Content-Disposition") == "disconnect"
