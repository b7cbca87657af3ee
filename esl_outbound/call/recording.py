"""Recording messages and whole calls."""

from __future__ import annotations

import math
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

import trio

from ..arguments.checks import check_file_name, check_number, milliseconds, whole_seconds
from ..arguments.numbers import whole
from ..arguments.text import Expand, Text, argument, shown, words
from ..errors import CallHungUp, LocalProtocolError, RecordingFailed
from ..protocol import Execute, HangupCause, Subscribe
from .base import CallBase
from .playing import terminators_scope
from .prompts import Tones, spoken
from .recorded import (
    CallRecording,
    MessageRecording,
    Recording,
    RecordingCause,
    RecordingTags,
    RecordResult,
)
from .variable_commands import unset_command

if TYPE_CHECKING:
    from .execution import Execution
    from .line import Line

__all__ = ["Recordings", "check_silence_threshold", "silence_hits"]

# What mod_voicemail asks for a message with, but half a second of it.
_BEEP: Final = Tones("%(500,0,640)")
# switch_is_valid_rate() in switch_utils.h
_RATES: Final = frozenset({8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000})
_LOUDEST: Final = 32767
# switch_is_file_path() in switch_utils.h
_ABSOLUTE: Final = re.compile(r"/|[A-Za-z]:|\\|[^/]+://")
# Its packets are counted in a clock of half its sample rate (RFC 3551).
_HALF_CLOCKED: Final = "G722"
_USUAL_RATE: Final = 8000  # hertz
_STALE: Final = ("silence_hits_exhausted", "record_ms", "record_file_size")
_STALE_OF_CALL: Final = ("record_completion_cause", "record_samples", "record_ms", "record_file_size")
_STARTED: Final = ("RECORD_START", "RECORD_STOP")
# Events of the same moment may come in another order than they were fired in.
_REORDERED_SECONDS: Final = 1.0


class Recordings(CallBase):
    """Recording messages and whole calls."""

    @property
    def recordings(self) -> tuple[Recording, ...]:
        """All that was recorded in this call, in the order in which it was begun.

        For ``after_hangup``: what a caller said until he hung up is in the file, and
        ``recordings[-1].path`` and ``.seconds`` tell of it then.
        """
        return tuple(self._line.recordings)

    async def record(
        self,
        path: Text,
        *,
        max_seconds: float = 120,
        silence_seconds: float = 5,
        silence_threshold: int = 200,
        terminators: str = "#",
        beep: bool = True,
        append: bool = False,
        sample_rate: int | None = None,
        tags: RecordingTags | None = None,
    ) -> RecordResult:
        """Record what the caller says into a file, and wait until that ends: a message.

        Runs the ``record`` application, after a beep (``gentones``). Why it ended is derived from what FreeSWITCH
        says; when the caller hangs up, the file is written, and ``recordings`` tells of it in ``after_hangup``.

        Args:
            path: The file, whose extension says its format; below ``sound_prefix`` unless it is absolute. Without an
                extension it is in the channel's own codec, in which FreeSWITCH does not notice silence.
            max_seconds: The longest it may be; 0 is no limit. FreeSWITCH counts whole seconds of its clock, and
                ends it up to one second later.
            silence_seconds: How long a silence ends it; 0 is none. FreeSWITCH counts whole seconds: it is
                rounded up, to two for G.722 and for a file of twice the channel's ``sample_rate``.
            silence_threshold: Below which level a frame of 20 ms is silent: the mean of its samples' absolute
                values (0 to 32,767), times its sample rate in units of 8,000 hertz (``switch_ivr_record_file()``).
            terminators: The digits that end it. The one that does is taken from ``digits``; others are kept there.
            beep: Whether the caller hears half a second of 640 hertz first.
            append: Go on at the end of a file that there is, and do not replace it.
            sample_rate: The file's, in hertz; the channel's own, if not said.
            tags: What is written about it into the file.

        Returns:
            How long it is, and why it ended.

        Raises:
            RecordingFailed: FreeSWITCH could not open the file, and hung the call up for it. ``run()`` goes on for
                ``wind_down_seconds``.
            LocalProtocolError: A parameter is out of its bounds, or the path cannot be said; nothing was sent.
            CallEnded: The call ended first. What was said is in the file.
        """
        message = await _start_message(
            self._line,
            path,
            max_seconds=max_seconds,
            silence_seconds=silence_seconds,
            silence_threshold=silence_threshold,
            terminators=terminators,
            beep=beep,
            append=append,
            sample_rate=sample_rate,
            tags=tags,
        )
        return await message.finished_or_stopped()

    async def start_record(
        self,
        path: Text,
        *,
        max_seconds: float = 120,
        silence_seconds: float = 5,
        silence_threshold: int = 200,
        terminators: str = "#",
        beep: bool = True,
        append: bool = False,
        sample_rate: int | None = None,
        tags: RecordingTags | None = None,
    ) -> MessageRecording:
        """Begin to record a message, and do not wait for its end.

        Arguments as of ``record``. Only the beep is waited for. What is played meanwhile pauses it.

        Returns:
            A handle: ``stop()``, ``finished()``, ``result``.

        Raises:
            LocalProtocolError: A parameter is out of its bounds, or the path cannot be said; nothing was sent.
            CallEnded: The call ended first.
        """
        message = await _start_message(
            self._line,
            path,
            max_seconds=max_seconds,
            silence_seconds=silence_seconds,
            silence_threshold=silence_threshold,
            terminators=terminators,
            beep=beep,
            append=append,
            sample_rate=sample_rate,
            tags=tags,
        )
        await trio.lowlevel.cancel_shielded_checkpoint()
        return message

    @asynccontextmanager
    async def recording(
        self,
        path: Text,
        *,
        stereo: bool = False,
        swap: bool = False,
        read_only: bool = False,
        write_only: bool = False,
        answer_required: bool = False,
        bridge_required: bool = False,
        append: bool = False,
        max_seconds: float = 0,
        min_seconds: float | None = None,
        initial_seconds: float | None = None,
        final_seconds: float | None = None,
        silence_threshold: int | None = None,
        sample_rate: int | None = None,
        tags: RecordingTags | None = None,
    ) -> AsyncIterator[CallRecording]:
        """Record the call for as long as the block lasts, both sides of it, whatever else is done meanwhile.

        Runs ``record_session`` and, whatever happens, ``stop_record_session``; the call's end ends it by itself.
        A call that goes elsewhere before the block is left (``transfer``, ``continue_dialplan``) is recorded on there.
        ``async with recording.masked():`` keeps a card number out of it. Directories that are missing are made.

        Args:
            path: The file, absolute, whose extension says its format; without an extension there are two,
                ``-in`` and ``-out``, in the channel's own codec.
            stereo: The caller on the left, what he hears on the right.
            swap: The other way round; stereo, too.
            read_only: Only what the caller says.
            write_only: Only what the caller hears.
            answer_required: Only once the call is answered.
            bridge_required: Only while the call is bridged.
            append: Go on at the end of a file that there is, and do not replace it.
            max_seconds: The longest it may be, in whole seconds; 0 is no limit.
            min_seconds: Throw the file away if it gets shorter than this, in whole seconds.
            initial_seconds: End it if nobody says anything for so long from its start.
            final_seconds: End it if nobody says anything for so long later.
            silence_threshold: Which level is silent for these two, as for ``record``; 200, if not said.
            sample_rate: The file's, in hertz; the channel's own, if not said.
            tags: What is written about it into the file.

        Raises:
            RecordingFailed: FreeSWITCH could not open the file. The call goes on, unless the channel variable
                ``RECORD_HANGUP_ON_ERROR`` is true.
            LocalProtocolError: A parameter is out of its bounds, the path cannot be said or is not absolute, or is
                being recorded into; nothing was sent.
            CallEnded: The call ended first.
        """
        if read_only and write_only:
            raise LocalProtocolError("a recording can be read_only or write_only, and not both")
        line = self._line
        scope = _flags(
            RECORD_STEREO=stereo and not swap,
            RECORD_STEREO_SWAP=swap,
            RECORD_READ_ONLY=read_only,
            RECORD_WRITE_ONLY=write_only,
            RECORD_ANSWER_REQ=answer_required,
            RECORD_BRIDGE_REQ=bridge_required,
            RECORD_APPEND=append,
        )
        if min_seconds is not None:
            scope["RECORD_MIN_SEC"] = str(whole_seconds(min_seconds, "min_seconds"))
        if initial_seconds is not None:
            scope["RECORD_INITIAL_TIMEOUT_MS"] = str(milliseconds(initial_seconds, "initial_seconds"))
        if final_seconds is not None:
            scope["RECORD_FINAL_TIMEOUT_MS"] = str(milliseconds(final_seconds, "final_seconds"))
        if silence_threshold is not None:
            scope["RECORD_SILENCE_THRESHOLD"] = check_silence_threshold(silence_threshold)
        scope |= _rate(sample_rate)
        limit = whole_seconds(max_seconds, "max_seconds")
        parts = (_path(path, absolute=True), *([f"+{limit}"] if limit else []))
        command = line.execute_command("record_session", argument(*words(*parts), scope=scope))
        before = (unset_command(line, _STALE_OF_CALL), *_tags(line, tags))
        recording = CallRecording(line, shown(path))
        if any(isinstance(each, CallRecording) and each.is_same_as(recording) for each in line.recordings):
            raise LocalProtocolError(f"{recording.path!r} is being recorded into already")
        await line.require_call()
        if line.is_full:
            await line.command(Subscribe(_STARTED, (), line.event_format))
        *_, execution = await line.start((*before, command))
        line.recordings.append(recording)
        line.watch(recording)
        try:
            await _started(line, execution, recording, expands=isinstance(path, Expand))
            yield recording
        finally:
            await _stop(line, recording)


async def _start_message(
    line: Line,
    path: Text,
    *,
    max_seconds: float,
    silence_seconds: float,
    silence_threshold: int,
    terminators: str,
    beep: bool,
    append: bool,
    sample_rate: int | None,
    tags: RecordingTags | None,
) -> MessageRecording:
    limit = whole_seconds(max_seconds, "max_seconds")
    silence = silence_hits(line, silence_seconds, sample_rate)
    threshold = check_silence_threshold(silence_threshold)
    parts: list[Text] = [_path(path)]
    if limit or silence:
        parts.append(str(limit))
    if silence:
        parts += [threshold, str(silence)]
    scope = {**terminators_scope(terminators), **_flags(RECORD_APPEND=append), **_rate(sample_rate)}
    command = line.execute_command("record", argument(*words(*parts), scope=scope))
    commands = (unset_command(line, _STALE), *_tags(line, tags), command)
    for each in commands:
        each.encode()  # what cannot be said shall be known before the beep
    if beep:
        await line.execute(*spoken(_BEEP, terminators_scope("")))
    *_, execution = await line.start(commands)
    message = MessageRecording(line, execution, shown(path), is_expanded=isinstance(path, Expand), max_seconds=limit)
    line.recordings.append(message)
    return message


async def _started(line: Line, execution: Execution, recording: CallRecording, *, expands: bool) -> None:
    """See that the recording of a call has begun.

    Raises:
        RecordingFailed: FreeSWITCH could not open the file.
        CallEnded: The call ended first.
    """
    try:
        completion = await line.finish(execution)
    except CallHungUp as exc:
        # With RECORD_HANGUP_ON_ERROR (switch_ivr_record_session_event()).
        if exc.hangup_cause == HangupCause.DESTINATION_OUT_OF_ORDER and execution.began is not None:
            recording.fail()
            raise RecordingFailed(recording.path, "record_session") from exc
        raise
    finally:
        if expands and execution.completion is not None:
            recording.expand(execution.completion)
    has_failed = completion.variables.get("record_completion_cause") == RecordingCause.FILE_FAILED
    if not has_failed and line.is_full and not expands:
        # Where there is no media, or somebody else records into the file, it says nothing at all, and does nothing.
        with trio.move_on_after(_REORDERED_SECONDS):
            await recording.began.wait()
        await line.require_call()
        has_failed = not recording.began.is_set()
    if has_failed:
        recording.fail()
        raise RecordingFailed(recording.path, "record_session", hung_up=False)
    recording.began.set()


async def _stop(line: Line, recording: CallRecording) -> None:
    """Stop the recording of a call, whatever happens meanwhile; one that is over told of it by an event, if at all."""
    if recording.has_failed:
        line.recordings.remove(recording)
        line.unwatch(recording)
        return
    unset = unset_command(line, _STALE_OF_CALL)
    completion = await line.undo("stop_record_session", argument(recording.path), after=(unset,))
    if completion is not None:
        recording.end(completion)
        line.unwatch(recording)


def _path(path: Text, *, absolute: bool = False) -> Text:
    """A file's path.

    Raises:
        LocalProtocolError: It cannot be said.
    """
    text = check_file_name(shown(path))
    if isinstance(path, str):
        if text[0] in "{[":
            # switch_core_file_open() takes it for parameters.
            raise LocalProtocolError(f"path is {text!r}, and should not begin with a bracket")
        if absolute and _ABSOLUTE.match(text) is None:
            # switch_ivr_record_session_event() knows it by another name then, and it could not be stopped.
            raise LocalProtocolError(f"path is {text!r}, and should be absolute")
    return path


def silence_hits(line: Line, seconds: float, sample_rate: int | None = None) -> int:
    """How long a silence ends a recording, as ``record`` counts it; 0 is none.

    switch_ivr_record_file_event() multiplies this by the file's sample rate and divides it by a packet's ticks. These
    are seconds, unless the file has another sample rate than the channel, or a packet fewer ticks than samples.
    """
    whole_seconds(seconds, "silence_seconds")
    variables = line.channel.variables
    is_half_clocked = variables.get("read_codec") == _HALF_CLOCKED
    rate = whole(variables.get("read_rate")) or (2 * _USUAL_RATE if is_half_clocked else _USUAL_RATE)
    ticks = rate // 2 if is_half_clocked else rate
    return math.ceil(seconds * ticks / (sample_rate or rate))


def check_silence_threshold(level: int) -> str:
    """A level of sound, as ``record`` is told it."""
    return str(check_number(level, "silence_threshold", least=1, most=_LOUDEST))


def _rate(sample_rate: int | None) -> dict[str, str]:
    if sample_rate is None:
        return {}
    if sample_rate not in _RATES:
        rates = ", ".join(map(str, sorted(_RATES)))
        raise LocalProtocolError(f"sample_rate is {sample_rate!r}, and should be one of {rates}")
    return {"record_sample_rate": str(sample_rate)}


def _flags(**flags: bool) -> dict[str, str]:
    return {name: "true" for name, is_set in flags.items() if is_set}


def _tags(line: Line, tags: RecordingTags | None) -> list[Execute]:
    return [] if tags is None else tags.commands(line)
