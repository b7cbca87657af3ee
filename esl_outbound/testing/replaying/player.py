"""FreeSWITCH's side of a recording, played in answer to what the handler says."""

from __future__ import annotations

import math
from collections import deque
from contextlib import suppress
from typing import Final, final

import trio

from ..recordings import NotARecording, RecordedFrame, Recording
from ..wire import CommandReader, Received, command_reply
from .divergence import ReplayDiverged
from .identity import Identities
from .score import SET_UP, Expected, Part, Score, is_end
from .telling import command_shown, frame_shown, is_execute, word_of
from .unrecorded import Executions, fits

__all__ = ["Player"]

_NEED_FULL: Final = ("linger", "nolinger", "event", "noevents")


class _Over(Exception):
    """There is nothing more to play."""


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
        self._score = score = Score(recording)
        if not any(frame.is_channel_data for frame in score.replies["connect"][:1]):
            raise NotARecording(recording.path, "is not of a call: it holds no reply to connect")
        self._is_full = score.replies["connect"][0].get("Control") != "single-channel"
        self._stream = stream
        self._limit = limit_seconds
        self._begun = self._moment = trio.current_time()
        self._recorded_moment = 0.0
        self._stamped: tuple[float, float] | None = None
        """When the last event of a ``.raw`` file was sent, and its time stamp."""
        self._reader = CommandReader()
        self._said: list[Received] = []
        """What the handler said, other than to set the connection up."""
        self._said_at: dict[int, float] = {}
        """When it said which of the recorded commands."""
        self._set_up: dict[str, int] = dict.fromkeys(SET_UP, 0)
        self._owed: deque[tuple[float, bytes, int | None]] = deque()
        """The commands that are not answered: when they are to be, and with what, or else which one it is."""
        self._identities = Identities()
        self._executions = Executions(
            self._identities,
            score.replies["connect"][0].get("Event-Sequence"),
            is_strict=recording.commands is None,
        )
        self._is_closed = False
        self._ended = False
        self._lost = False
        self._lingers = 0.0
        self._commands: list[str] = []
        self._lines: list[str] = []

    @property
    def commands(self) -> tuple[str, ...]:
        """What the handler said."""
        return tuple(self._commands)

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
            await self._wait_for_commands(None)
            for part in self._score.parts:
                await self._wait_for_commands(part)
                due = self._due(part)
                while trio.current_time() < due:
                    await self._listen(due)
                await self._send(part)
            await self._close()
        self._check_all_said()

    # Waiting

    async def _wait_for_commands(self, part: Part | None) -> None:
        """Wait until the handler has said what was said before a part; without one, for its first word."""
        while not self._is_set_up(part) or (part is not None and len(self._said) < part.needs):
            deadline = self._moment + self._expected_pause() + self._limit
            if not await self._listen(deadline) and trio.current_time() >= deadline:
                if self._ended and self._may_stay_unsaid():
                    raise _Over
                raise self.divergence(self._next_recorded(), f"nothing for {deadline - self._moment:g} s")

    def _is_set_up(self, part: Part | None) -> bool:
        set_up = self._set_up
        shows = part is None or not part.has_events or set_up["myevents"] > 0 or set_up["event"] > 0
        return set_up["connect"] > 0 and shows

    def _expected_pause(self) -> float:
        """How long the recorded handler waited with its next command."""
        following = self._next_expected()
        return max(0.0, following.seconds - self._recorded_moment) if following is not None else 0.0

    def _next_expected(self) -> Expected | None:
        expected = self._score.expected
        return expected[len(self._said)] if expected is not None and len(self._said) < len(expected) else None

    def _may_stay_unsaid(self) -> bool:
        return len(self._said) >= self._score.commands_needed

    def _due(self, part: Part) -> float:
        """When a part is to be sent."""
        frame = part.first
        if self._score.recording.commands is None:
            return self._due_in_raw(part)
        assert frame.seconds is not None
        return self._due_after(frame.after, frame.seconds)

    def _due_after(self, commands: int, seconds: float) -> float:
        """That moment of the recording, counted from the last of so many commands that was said now, too."""
        recorded = self._score.recording.commands or ()
        for place in range(commands - 1, -1, -1):
            said_at = self._said_at.get(place)
            if said_at is not None:
                return said_at + seconds - recorded[place].seconds
        return self._begun + seconds

    def _due_in_raw(self, part: Part) -> float:
        now = trio.current_time()
        stamp = part.first.seconds
        if stamp is None:
            # After the linger notice FreeSWITCH waits as long as it says there.
            return self._moment + self._lingers if self._is_goodbye(part) else now
        if self._stamped is None:
            self._stamped = now, stamp
        sent_at, last_stamp = self._stamped
        return sent_at + max(0.0, stamp - last_stamp)

    def _is_goodbye(self, part: Part) -> bool:
        return part.first.get("Content-Disposition") == "disconnect"

    async def _listen(self, until: float) -> bool:
        """Hear what the handler says, until it has said something or that moment has come; say whether it has."""
        deadline = min(until, self._owed[0][0]) if self._owed and self._owed[0][2] is None else until
        before = len(self._commands)
        with trio.move_on_at(deadline):
            data = await self._stream.receive_some()
            if not data:
                self._note(">", "(closes the connection)")
                raise _Over
            self._reader.feed(bytes(data))
            while (command := self._reader.next_command()) is not None:
                self._take(command)
        data = self._owed_by(trio.current_time())
        if data:
            await self._transmit(data)
        return len(self._commands) > before

    # Hearing

    def _take(self, command: Received) -> None:
        """Match what the handler says with what was recorded."""
        shown = command_shown(command)
        self._commands.append(shown)
        word = word_of(command)
        if word in SET_UP:
            self._note(">", shown)
            self._take_set_up(word, command)
            return
        number = len(self._said)
        following = self._next_expected()
        if word == "exit" and self._ended and not self._exit_was_recorded():
            self._note(">", shown)
            raise _Over
        if self._score.expected is not None:
            if following is None:
                if self._score.recording.is_cut:
                    raise _Over  # nobody knows what was said next
                raise self.divergence("nothing more", shown)
            if not self._identities.matches(following.command, command):
                raise self.divergence(command_shown(following.command), shown)
            self._said_at[following.place] = trio.current_time()
            self._recorded_moment = following.seconds
            if is_execute(command) and not following.command.get("Event-UUID"):
                self._executions.said(command)
        else:
            if number >= self._score.number_of_replies:
                raise self.divergence("nothing more", shown)
            if is_execute(command):
                self._executions.said(command)
        self._note(">", shown)
        self._said.append(command)
        self._owed.append((0.0, b"", number))
        self._moment = trio.current_time()

    def _exit_was_recorded(self) -> bool:
        following = self._next_expected()
        if following is not None:
            return word_of(following.command) == "exit"
        number = len(self._said)
        return any(
            answers == number and frame.get("Reply-Text") == "+OK bye"
            for part in self._score.parts
            for frame, answers in part.frames
        )

    def _take_set_up(self, word: str, command: Received) -> None:
        now = trio.current_time()
        number = self._set_up[word]
        self._set_up[word] += 1
        places, replies = self._score.set_up[word], self._score.replies[word]
        delay = 0.0
        if number < len(places):
            place = places[number]
            self._said_at[place] = now
            if number < len(replies):
                recorded = (self._score.recording.commands or ())[place].seconds
                delay = max(0.0, (replies[number].seconds or 0.0) - recorded)
        if number < len(replies) or word == "connect":
            frame = replies[min(number, len(replies) - 1)]
            data = self._identities.adapted(frame)
            if frame.is_channel_data and frame.seconds is not None:
                self._stamped = now, frame.seconds
        else:
            data = self._usual_reply(word, command)
        self._owed.append((now + delay, data, None))
        self._moment = now

    def _usual_reply(self, word: str, command: Received) -> bytes:
        """What FreeSWITCH answers, where the recording has no answer."""
        if word in _NEED_FULL and not self._is_full:
            return command_reply("-ERR command not found")
        text = SET_UP[word]
        _, _, argument = command.line.partition(" ")
        if word == "linger" and argument:
            text += f" {argument} seconds"
        if word == "event":
            text += f" {argument.partition(' ')[0]}"
        return command_reply(text)

    # Saying

    async def _send(self, part: Part) -> None:
        data = self._owed_by(math.inf)
        for frame, answers in part.frames:
            if answers is not None:
                data += self._owed_before(answers)
                if self._score.expected is None:
                    self._check_answer(frame, self._said[answers])
            data += self._noted(self._say(frame))
        self._moment = now = trio.current_time()
        seconds = part.first.seconds
        if seconds is not None:
            self._recorded_moment = seconds
            self._stamped = now, seconds
        await self._transmit(data)

    async def _transmit(self, data: bytes) -> None:
        if self._is_closed:
            return
        try:
            await self._stream.send_all(data)
        except trio.BrokenResourceError:
            # The handler has closed; what it said before is still to be heard.
            self._is_closed = True
            while True:
                await self._listen(math.inf)

    def _owed_by(self, moment: float) -> bytes:
        """What is owed to commands that set the connection up, if it is owed by that moment and next in turn."""
        data = b""
        while self._owed and self._owed[0][2] is None and self._owed[0][0] <= moment:
            data += self._noted(self._owed.popleft()[1])
        return data

    def _owed_before(self, answered: int) -> bytes:
        """Commands are answered in their order: what is owed before a reply goes out with it."""
        data = b""
        while self._owed:
            _, reply, number = self._owed.popleft()
            if number is None:
                data += self._noted(reply)
            elif number >= answered:
                break
        return data

    def _say(self, frame: RecordedFrame) -> bytes:
        """A frame as it is to be sent now."""
        name = frame.get("Event-Name") if frame.is_event else ""
        if name == "CHANNEL_EXECUTE":
            other = self._executions.began(frame, is_ours=not self._lost)
            if other is not None:
                ran, asked = other
                raise self.divergence(ran, asked or (command_shown(self._said[-1]) if self._said else "nothing"))
        if is_end(frame):
            self._ended = True
            self._lost = self._lost or name == "CHANNEL_EXECUTE_COMPLETE"
            lingers = frame.get("Linger-Time")
            self._lingers = float(lingers) if lingers.isdecimal() else 0.0
        return self._identities.adapted(frame)

    def _check_answer(self, frame: RecordedFrame, command: Received) -> None:
        if not fits(frame, command):
            raise self.divergence(f"a command that gets {frame_shown(frame)!r}", command_shown(command))
        self._identities.name(frame.get("Job-UUID"), command.get("Job-UUID"))

    # The end

    async def _close(self) -> None:
        """Close when FreeSWITCH did, or after the handler."""
        recording = self._score.recording
        until = trio.current_time()
        if recording.commands is not None and recording.seconds is not None:
            until = max(until, self._due_after(len(recording.commands), recording.seconds))
        late = until + self._limit
        if not recording.is_cut and recording.closed_by != "freeswitch" and not self._said_goodbye():
            until = late
        while (now := trio.current_time()) < until or (self._next_expected() is not None and now < late):
            await self._listen(until if now < until else late)

    def _said_goodbye(self) -> bool:
        frames = self._score.recording.frames
        return any(frame.get("Content-Disposition") == "disconnect" for frame in frames[-1:])

    def _check_all_said(self) -> None:
        score = self._score
        if not self._may_stay_unsaid() and not (score.recording.is_cut and score.expected is not None):
            raise self.divergence(self._next_recorded(), "nothing more")

    def _next_recorded(self) -> str:
        following = self._next_expected()
        if following is not None:
            return command_shown(following.command)
        number = len(self._said)
        for part in self._score.parts:
            for frame, answers in part.frames:
                if answers == number:
                    return f"one more command, which gets {frame_shown(frame)!r}"
        return "a command that sets the connection up"

    # Telling

    def _elapsed(self) -> float:
        return trio.current_time() - self._begun

    def _note(self, mark: str, text: str) -> None:
        self._lines.append(f"  {self._elapsed():9.3f} {mark} {text}")

    def _noted(self, data: bytes) -> bytes:
        head_end = data.find(b"\n\n") + 2
        self._note("<", frame_shown(RecordedFrame(data[:head_end], data[head_end:], None, 0, 0)))
        return data
