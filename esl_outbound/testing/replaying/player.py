"""FreeSWITCH's side of a recording, played in answer to what the handler says."""

from __future__ import annotations

import math
from collections import deque
from contextlib import suppress
from typing import Final, final

import attrs
import trio

from ..recordings import RecordedFrame, Recording
from ..wire import CommandReader, Received, command_reply
from .identity import Identities
from .score import SET_UP, Expected, Line, Part, Score
from .telling import ReplayDiverged, command_shown, frame_shown, word_of
from .unrecorded import Requests, fits

__all__ = ["Player"]

_NEED_FULL: Final = ("linger", "nolinger", "event", "noevents")
_FREESWITCH: Final = -1


class _Over(Exception):
    """There is nothing more to play."""


@final
@attrs.frozen
class _Owed:
    """The reply to a command that sets the connection up."""

    due: float
    behind: int
    """How many other commands were said before: commands are answered in their order."""
    data: bytes


@final
class Player:
    """One recording that is being played.

    Args:
        recording: The recording.
        stream: FreeSWITCH's end of a connection with the handler.
        limit_seconds: How much longer than was recorded the handler may take for its next command.

    Raises:
        NotARecording: It is not of a call.
    """

    def __init__(self, recording: Recording, stream: trio.abc.Stream, limit_seconds: float) -> None:
        self._score: Final = Score(recording)
        self._stream = stream
        self._limit = limit_seconds
        self._begun = self._moment = trio.current_time()
        self._moments: dict[int, tuple[float, float]] = {_FREESWITCH: (0.0, self._begun)}
        """When a command, by its place, was said in the recording, and now; or the newest event was sent."""
        self._reader = CommandReader()
        self._said: list[str] = []
        """What the handler said, other than to set the connection up."""
        self._answered = 0
        """How many of those are answered, or passed over."""
        self._set_up = {word: iter(commands) for word, commands in self._score.set_up.items()}
        self._set_up_words: set[str] = set()
        """Which of those the handler has said."""
        self._owed: deque[_Owed] = deque()
        self._identities = Identities()
        self._requests = Requests(self._identities)
        self._ended = False
        self._commands: list[str] = []
        self._lines: list[str] = []

    @property
    def commands(self) -> tuple[str, ...]:
        """What the handler said."""
        return tuple(self._commands)

    @property
    def conversation(self) -> tuple[str, ...]:
        """What both said, a line each."""
        return tuple(self._lines)

    def divergence(self, recorded: str, said: str) -> ReplayDiverged:
        """The handler does something else than was recorded."""
        where = f"{self._score.recording.path}, {self._elapsed():.3f} s from its start"
        return ReplayDiverged(where, recorded, said, self._lines)

    async def run(self) -> None:
        """Play.

        Raises:
            ReplayDiverged: The handler does something else than was recorded.
        """
        with suppress(_Over):
            try:
                await self._play()
            except trio.BrokenResourceError:
                # The handler has closed; what it said before is still to be heard.
                while True:
                    await self._hear()
        if not self._may_stay_unsaid() and not self._score.recording.is_cut:
            raise self.divergence(self._next_recorded(), "nothing more")

    async def _play(self) -> None:
        await self._wait_for_commands(None)
        for part in self._score.parts:
            await self._wait_for_commands(part)
            frame = part.first.frame
            due = self._moment + part.pause if frame.seconds is None else self._due(frame.after, frame.seconds)
            while trio.current_time() < due:
                await self._listen(due)
            await self._send(part)
        await self._close()

    # Waiting

    async def _wait_for_commands(self, part: Part | None) -> None:
        """Wait until the handler has said what was said before a part; without one, for its first word."""
        while not self._is_ready_for(part):
            following = self._next_expected()
            due = self._due(following.place, following.seconds) if following is not None else 0.0
            deadline = max(self._moment, due) + self._limit
            if trio.current_time() >= deadline:
                if self._ended and self._may_stay_unsaid():
                    raise _Over
                raise self.divergence(self._next_recorded(), f"nothing for {deadline - self._moment:g} s")
            await self._listen(deadline)

    def _is_ready_for(self, part: Part | None) -> bool:
        words = self._set_up_words
        if part is None or "connect" not in words:
            return "connect" in words
        gets_events = "myevents" in words or "event" in words
        has_events = any(line.frame.is_event for line in part.lines)
        return len(self._said) >= part.first.needs and (gets_events or not has_events)

    def _next_expected(self) -> Expected | None:
        expected = self._score.expected
        return expected[len(self._said)] if len(self._said) < len(expected) else None

    def _may_stay_unsaid(self) -> bool:
        return all(each.optional for each in self._score.expected[len(self._said) :])

    def _due(self, commands: int, seconds: float) -> float:
        """That moment of the recording, counted from the last of so many commands that was said now, too.

        Where the recording does not know them, it is counted from the event before.
        """
        place = next(place for place in range(commands - 1, _FREESWITCH - 1, -1) if place in self._moments)
        recorded, now = self._moments[place]
        return max(now, now + seconds - recorded)

    async def _listen(self, until: float) -> None:
        """Hear what the handler says, until it has said something or that moment has come."""
        if self._owed and self._owed[0].behind <= self._answered:
            until = min(until, self._owed[0].due)
        with trio.move_on_at(until):
            await self._hear()
        data = self._owed_by(trio.current_time())
        if data:
            await self._stream.send_all(data)

    # Hearing

    async def _hear(self) -> None:
        data = await self._stream.receive_some()
        if not data:
            self._note(">", "(closes the connection)")
            raise _Over
        self._reader.feed(bytes(data))
        while (command := self._reader.next_command()) is not None:
            self._take(command)

    def _take(self, command: Received) -> None:
        """Match what the handler says with what was recorded."""
        shown = command_shown(command)
        self._commands.append(shown)
        word = word_of(command)
        following = self._next_expected()
        if word in SET_UP:
            self._take_set_up(word, command)
        elif word == "exit" and self._ended and (following is None or following.word != "exit"):
            self._note(">", shown)
            raise _Over
        elif following is not None:
            self._take_expected(following, command)
            self._said.append(shown)
        elif self._score.recording.is_cut:
            raise _Over  # nobody knows what was said next
        else:
            raise self.divergence("nothing more", shown)
        self._note(">", shown)
        self._moment = trio.current_time()

    def _take_set_up(self, word: str, command: Received) -> None:
        self._set_up_words.add(word)
        due = trio.current_time()
        recorded = next(self._set_up[word], None)
        reply = recorded.reply if recorded is not None else None
        if recorded is not None:
            self._moments[recorded.place] = recorded.seconds, due
            if reply is not None and reply.seconds is not None:
                due += max(0.0, reply.seconds - recorded.seconds)
                self._moments[_FREESWITCH] = reply.seconds, due
        if reply is None and word == "connect":
            reply = self._score.channel_data[-1]
        data = self._usual_reply(word, command) if reply is None else self._identities.adapted(reply)
        self._owed.append(_Owed(due, len(self._said), data))

    def _usual_reply(self, word: str, command: Received) -> bytes:
        """What FreeSWITCH answers, where the recording has no answer."""
        if word in _NEED_FULL and self._score.channel_data[0].get("Control") == "single-channel":
            return command_reply("-ERR command not found")
        text = SET_UP[word]
        _, _, argument = command.line.partition(" ")
        if word == "linger" and argument:
            text += f" {argument} seconds"
        if word == "event":
            text += f" {argument.partition(' ')[0]}"
        return command_reply(text)

    def _take_expected(self, expected: Expected, command: Received) -> None:
        recorded, reply = expected.command, expected.reply
        if recorded is not None:
            is_same = self._identities.matches(recorded, command)
        else:
            assert reply is not None
            is_same = fits(reply, command)
            self._identities.name(reply.get("Job-UUID"), command.get("Job-UUID"))
        if not is_same:
            raise self.divergence(expected.shown(), command_shown(command))
        self._moments[expected.place] = expected.seconds, trio.current_time()
        if command.get("call-command") == "execute" and not (recorded and recorded.get("Event-UUID")):
            self._requests.add(command)

    # Saying

    async def _send(self, part: Part) -> None:
        data = self._owed_by(math.inf)
        for line in part.lines:
            if line.answers is not None:
                self._answered = line.answers
                data += self._owed_by(math.inf)
                self._answered += 1
            data += self._noted(self._say(line))
        self._moment = now = trio.current_time()
        if part.first.frame.seconds is not None:
            self._moments[_FREESWITCH] = part.first.frame.seconds, now
        await self._stream.send_all(data)

    def _owed_by(self, moment: float) -> bytes:
        """What is owed to commands that set the connection up, if it is owed by that moment and next in turn."""
        data = b""
        while self._owed and self._owed[0].behind <= self._answered and self._owed[0].due <= moment:
            data += self._noted(self._owed.popleft().data)
        return data

    def _say(self, line: Line) -> bytes:
        """A frame as it is to be sent now."""
        frame = line.frame
        if frame.is_event and frame.get("Event-Name") == "CHANNEL_EXECUTE":
            other = self._requests.began(frame, is_asked_for=line.is_asked_for)
            if other is not None:
                ran, asked = other
                raise self.divergence(ran, asked or (self._said[-1] if self._said else "nothing"))
        self._ended = self._ended or line.is_end
        return self._identities.adapted(frame)

    # The end

    async def _close(self) -> None:
        """Close when FreeSWITCH did, or after the handler."""
        recording = self._score.recording
        until = trio.current_time()
        if recording.seconds is not None:
            until = max(until, self._due(len(recording.commands or ()), recording.seconds))
        late = until + self._limit
        if not recording.is_cut and not self._score.is_closed_by_freeswitch:
            until = late
        while (now := trio.current_time()) < until or (self._next_expected() is not None and now < late):
            await self._listen(until if now < until else late)

    def _next_recorded(self) -> str:
        following = self._next_expected()
        if following is None:
            return "a command that sets the connection up"
        return following.shown("one more command, which")

    # Telling

    def _elapsed(self) -> float:
        return trio.current_time() - self._begun

    def _note(self, mark: str, text: str) -> None:
        self._lines.append(f"  {self._elapsed():9.3f} {mark} {text}")

    def _noted(self, data: bytes) -> bytes:
        head_end = data.find(b"\n\n") + 2
        self._note("<", frame_shown(RecordedFrame(data[:head_end], data[head_end:], None, 0, 0)))
        return data
