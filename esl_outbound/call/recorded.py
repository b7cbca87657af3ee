"""What is recorded of a call: messages and the whole call, while it is recorded and afterwards."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias, final

import attrs
import trio

from ..arguments.numbers import thousandths, timestamp, whole
from ..arguments.text import argument
from ..errors import CallHungUp, RecordingFailed
from ..protocol import Event, Execute, HangupCause
from ..protocol.headers import url_decode
from .execution import Execution, Stage
from .variable_commands import set_command

if TYPE_CHECKING:
    from .line import Line

__all__ = [
    "CallRecording",
    "MessageRecording",
    "RecordEnd",
    "RecordResult",
    "Recording",
    "RecordingCause",
    "RecordingTags",
    "path_of",
]


class RecordEnd(StrEnum):
    """Why a message ended. FreeSWITCH does not say; it follows from what it does say."""

    TERMINATOR = "terminator"
    """The caller pressed one of the terminators."""
    SILENCE = "silence"
    """The caller said nothing for long enough."""
    MAX_SECONDS = "max_seconds"
    """It was as long as it may be."""
    HANGUP = "hangup"
    """The call ended. What was said until then is in the file."""
    STOPPED = "stopped"
    """We stopped it."""


class RecordingCause(StrEnum):
    """FreeSWITCH's own word for how the recording of a call ended (``record_callback()`` in switch_ivr_async.c).

    The words are those of MRCP, and are not to be taken by their sound.
    """

    MAXTIME = "success-maxtime"
    """The limit, or our leaving the block."""
    SILENCE = "success-silence"
    """Silence of ``final_seconds``, or the call's end."""
    NO_INPUT = "no-input-timeout"
    """Silence from the start, or a call's end before anything was said."""
    TOO_SHORT = "input-too-short"
    """It was shorter than ``min_seconds``, and thrown away."""
    EMPTY = "empty-file"
    """There was nothing in it, and it was thrown away."""
    FILE_FAILED = "uri-failure"
    """The file could not be opened, or not be written to."""


@final
@attrs.frozen
class RecordResult:
    """What became of a message."""

    path: str
    """The file, as FreeSWITCH was told, after expansion."""
    seconds: float | None
    """How much of it was received, as ``record_ms`` reports it; None if FreeSWITCH did not say. A telephone that
    sends nothing while its user is silent makes it shorter than it took."""
    ended_by: RecordEnd | None
    """Why it ended; None if somebody else stopped it, or the file could not be written on."""
    terminator: str
    """The digit that ended it; empty if none did. It is not among ``digits`` any more."""
    file_bytes: int | None
    """The file's size, as ``record_file_size`` reports it; None if its format does not say."""


@final
@attrs.frozen
class RecordingTags:
    """What is written about a recording into its file, as far as the file's format has a place for it."""

    title: str = ""
    artist: str = ""
    comment: str = ""
    copyright: str = ""
    software: str = ""
    date: str = ""

    def commands(self, line: Line) -> list[Execute]:
        """The commands that say so. The applications unset these variables once they have opened the file."""
        return [
            set_command(line, f"record_{name}", value)
            for name, value in attrs.asdict(self).items()
            if isinstance(value, str) and value
        ]


@final
class MessageRecording:
    """A message that is recorded while the handler goes on: ``message = await self.start_record(path)``."""

    __slots__ = ("_execution", "_is_expanded", "_line", "_max_seconds", "_path")

    def __init__(self, line: Line, execution: Execution, path: str, *, is_expanded: bool, max_seconds: int) -> None:
        self._line = line
        self._execution = execution
        self._path = path
        self._is_expanded = is_expanded
        self._max_seconds = max_seconds

    def __repr__(self) -> str:
        return f"<MessageRecording {self.path!r}, {'over' if self.is_over else 'under way'}>"

    @property
    def path(self) -> str:
        """The file; as far as it is expanded by FreeSWITCH, that is known at its end."""
        completion = self._execution.completion
        return path_of(completion, self._path) if self._is_expanded and completion is not None else self._path

    @property
    def is_over(self) -> bool:
        """Whether it has ended."""
        return self._execution.stage >= Stage.COMPLETED

    @property
    def seconds(self) -> float | None:
        """How much was received; None as long as that is not known."""
        return None if (result := self.result) is None else result.seconds

    @property
    def result(self) -> RecordResult | None:
        """What became of it; None as long as FreeSWITCH has not told.

        It comes after a hangup, too: ``after_hangup`` finds it here.
        """
        execution = self._execution
        completion = execution.completion
        if completion is None or self._never_began(completion):
            return None
        variables = completion.variables
        terminator = variables.get("playback_terminator_used", "")
        return RecordResult(
            self.path,
            thousandths(variables.get("record_ms")),
            self._ended_by(completion, terminator),
            terminator,
            whole(variables.get("record_file_size")),
        )

    async def stop(self) -> None:
        """Stop it, and wait until it has ended.

        Raises:
            NotPermitted: Without ``async`` nothing reaches FreeSWITCH meanwhile.
        """
        await self._execution.stop()

    async def finished(self) -> RecordResult:
        """Wait for its end; it goes on if the waiting is cancelled.

        Raises:
            RecordingFailed: FreeSWITCH could not open the file, and hung up.
            CallEnded: The call ended first. What was said is in the file, and ``result`` is known soon after.
        """
        return await self._finish(self._execution.completed)

    async def finished_or_stopped(self) -> RecordResult:
        """The same, but stop it if the waiting is cancelled."""
        return await self._finish(self._execution.finish_or_stop)

    async def _finish(self, wait: Callable[[], Awaitable[Event]]) -> RecordResult:
        try:
            await wait()
        except CallHungUp as exc:
            if self._could_not_open():
                raise RecordingFailed(self._path) from exc
            raise
        result = self.result
        assert result is not None
        # It was this message's, and is no input for the next question.
        self._line.digits.strike_out_last(result.terminator or "", self._execution.digits)
        return result

    def _could_not_open(self) -> bool:
        """Whether the call was hung up for the file."""
        execution = self._execution
        if self._line.hangup_cause != HangupCause.DESTINATION_OUT_OF_ORDER or execution.stage is not Stage.FAILED:
            return False
        return execution.began is not None and self._never_began(execution.completion)

    def _never_began(self, completion: Event | None) -> bool:
        # Unset before the application, and set by it once the file is open (switch_ivr_record_file_event()).
        variables = self._line.channel.variables if completion is None else completion.variables
        return self._execution.stage is Stage.FAILED and "silence_hits_exhausted" not in variables

    def _ended_by(self, completion: Event, terminator: str) -> RecordEnd | None:
        execution = self._execution
        if terminator:
            return RecordEnd.TERMINATOR
        if completion.variables.get("silence_hits_exhausted") == "true":
            return RecordEnd.SILENCE
        if execution.stage is Stage.FAILED:
            return RecordEnd.HANGUP
        if execution.was_stopped:
            return RecordEnd.STOPPED
        if self._max_seconds and execution.began is not None:
            began, ended = timestamp(execution.began), timestamp(completion)
            if began is not None and ended is not None and ended - began >= self._max_seconds * 1_000_000:
                return RecordEnd.MAX_SECONDS
        return None


@final
class CallRecording:
    """The recording of a call, as ``async with self.recording(path) as recording`` gives it.

    What became of it is known when the block is left. Where the call's end or a limit ended it, only events tell,
    which need ``full`` in the dialplan line.
    """

    __slots__ = (
        "_cause",
        "_file_bytes",
        "_is_masked",
        "_is_over",
        "_is_paused",
        "_line",
        "_path",
        "_seconds",
        "began",
        "has_failed",
    )

    def __init__(self, line: Line, path: str) -> None:
        self._line = line
        self._path = path
        self._seconds: float | None = None
        self._file_bytes: int | None = None
        self._cause: RecordingCause | str | None = None
        self._is_over = False
        self._is_paused = False
        self._is_masked = False
        self.began = trio.Event()
        """Set once FreeSWITCH has told that it began (RECORD_START)."""
        self.has_failed = False
        """Whether it never began."""

    def __repr__(self) -> str:
        return f"<CallRecording {self._path!r}, {'over' if self.is_over else 'under way'}>"

    @property
    def path(self) -> str:
        """The file, after expansion."""
        return self._path

    @property
    def is_over(self) -> bool:
        """Whether it has ended, or the call: one that goes elsewhere takes it along, and nobody tells of it."""
        return self._is_over or self._line.ending is not None

    @property
    def seconds(self) -> float | None:
        """How much is in the file, as ``record_ms`` reports it; None while it goes on, or if nobody told."""
        return self._seconds

    @property
    def completion_cause(self) -> RecordingCause | str | None:
        """How it ended, in FreeSWITCH's word; None while it goes on, or if nobody told."""
        return self._cause

    @property
    def file_bytes(self) -> int | None:
        """The file's size, as ``record_file_size`` reports it; None if nobody told."""
        return self._file_bytes

    @property
    def is_discarded(self) -> bool:
        """Whether FreeSWITCH has thrown the file away, as too short or empty."""
        return self._cause in (RecordingCause.TOO_SHORT, RecordingCause.EMPTY)

    @property
    def is_paused(self) -> bool:
        """Whether ``pause()`` holds it."""
        return self._is_paused and not self.is_over

    @property
    def is_masked(self) -> bool:
        """Whether silence is written in place of what is said."""
        return self._is_masked and not self.is_over

    async def pause(self) -> None:
        """Write nothing into the file until ``resume()``; it gets shorter than the call.

        Runs ``record_session_pause``, of which FreeSWITCH tells no result.

        Raises:
            CallEnded: The call is over.
        """
        await self._line.execute("record_session_pause", argument(self._path))
        self._is_paused = True

    async def resume(self) -> None:
        """Write on after ``pause()``.

        Runs ``record_session_resume``.

        Raises:
            CallEnded: The call is over.
        """
        await self._line.execute("record_session_resume", argument(self._path))
        self._is_paused = False

    async def mask(self) -> None:
        """Write silence in place of what both sides say, until ``unmask()``; times in the file stay true.

        Runs ``record_session_mask``, of which FreeSWITCH tells no result. It masks what is written, and writes
        a little later than it hears (``record_callback()``): the last moment before is masked, too, and the last
        moment before ``unmask()`` may not be.

        Raises:
            CallEnded: The call is over.
        """
        await self._line.execute("record_session_mask", argument(self._path))
        self._is_masked = True

    async def unmask(self) -> None:
        """Write what is said again, after ``mask()``.

        Runs ``record_session_unmask``.

        Raises:
            CallEnded: The call is over.
        """
        await self._line.execute("record_session_unmask", argument(self._path))
        self._is_masked = False

    @asynccontextmanager
    async def paused(self) -> AsyncIterator[None]:
        """Pause it for as long as the block lasts, whatever happens there.

        One that is paused already stays so after the block.
        """
        if self._is_paused:
            yield
            return
        try:
            await self._line.execute("record_session_pause", argument(self._path))
            self._is_paused = True
            yield
        finally:
            await self._line.undo("record_session_resume", argument(self._path))
            self._is_paused = False

    @asynccontextmanager
    async def masked(self) -> AsyncIterator[None]:
        """Mask it for as long as the block lasts, whatever happens there: a card number is said meanwhile.

        One that is masked already stays so after the block.
        """
        if self._is_masked:
            yield
            return
        try:
            await self._line.execute("record_session_mask", argument(self._path))
            self._is_masked = True
            yield
        finally:
            await self._line.undo("record_session_unmask", argument(self._path))
            self._is_masked = False

    # For who starts it, and for the reader

    def is_same_as(self, other: CallRecording) -> bool:
        """Whether both are of one file, and this one goes on."""
        return not self.is_over and self._path == other.path

    def expand(self, completion: Event) -> None:
        """``record_session`` has completed, and tells to what its path was expanded."""
        self._path = path_of(completion, self._path)

    def fail(self) -> None:
        """It never began."""
        self._is_over = self.has_failed = True

    def end(self, source: Event) -> None:
        """It is over, and this event has what FreeSWITCH left of it; of what is told twice the first is true."""
        variables = source.variables
        if self._is_over or "record_samples" not in variables:
            self._is_over = True
            return
        self._is_over = True
        self._seconds = thousandths(variables.get("record_ms"))
        self._file_bytes = whole(variables.get("record_file_size"))
        cause = source.get("Record-Completion-Cause") or variables.get("record_completion_cause", "")
        self._cause = next((each for each in RecordingCause if each == cause), cause or None)

    def offer(self, event: Event) -> None:
        """Look whether an event tells of this recording."""
        name = event.raw_name
        if (name == b"RECORD_START" and not self.began.is_set()) or (name == b"RECORD_STOP" and not self._is_over):
            told = event.get("Record-File-Path")
            # A % that two digits follow is not encoded on the wire, and comes decoded.
            if told not in (self._path, url_decode(self._path.encode("utf-8", "surrogateescape"))):
                return
            if name == b"RECORD_START":
                self.began.set()
            elif self.began.is_set():
                self.end(event)

    def wake(self) -> None:
        """Nobody waits for anything here."""


Recording: TypeAlias = MessageRecording | CallRecording
"""A message, or the recording of the call."""


def path_of(completion: Event, path: str) -> str:
    """The path as FreeSWITCH expanded it, from the completion of an application that was given it first.

    Args:
        completion: The application's completion.
        path: As it was given; the numbers behind it were plain.
    """
    data = completion.get("Application-Data")
    if not data:
        return path
    if data.startswith("'"):
        # As words() quotes what is expanded.
        return data[1 : data.rindex("'")] if data.rindex("'") else path
    return data.partition(" ")[0]
