"""One application, from the command that queues it to the event that says it is over."""

from __future__ import annotations

import logging
from collections.abc import Callable
from enum import IntEnum
from typing import TYPE_CHECKING, Final, final

import trio

from ..arguments.numbers import timestamp
from ..errors import ApplicationFailed, CallEnded, CommandRejected, EslOutboundError
from ..protocol import Event, Exchange, Execute, Reply

if TYPE_CHECKING:
    from .line import Line

__all__ = ["STOP_SECONDS", "Execution", "Stage"]

_log: Final = logging.getLogger("esl_outbound.call")

STOP_SECONDS: Final = 5.0
"""How long stopping an application may take before we give up waiting for it."""

# Applications whose beginning is looked at again at their end.
_KEEP_BEGIN: Final = frozenset({"bridge", "att_xfer", "conference", "record", "record_session"})

# With `loops`, FreeSWITCH goes on only after a round of at least this long (switch_ivr_parse_event()).
_SHORTEST_LOOPED_ROUND: Final = 500_000  # microseconds


class Stage(IntEnum):
    """How far an execution has come. FreeSWITCH tells the first three; the others are ends."""

    SENT = 0
    ACCEPTED = 1
    """FreeSWITCH answered ``+OK``: it is queued, nothing more. Without ``async``: it is over."""
    STARTED = 2
    """CHANNEL_EXECUTE came."""
    COMPLETED = 3
    """CHANNEL_EXECUTE_COMPLETE came, for the last round if there are several."""
    FAILED = 4
    """It was refused, is unknown, or was lost with the call."""


@final
class Execution:
    """An application that was started and runs beside us: ``execution = await self.start("playback", path)``."""

    # One for every application: slotted, and an event only while somebody waits.
    __slots__ = (
        "_completion",
        "_digits_since",
        "_digits_until",
        "_error",
        "_line",
        "_round_began",
        "_rounds",
        "_stage",
        "_stop_asked",
        "_wake",
        "_wake_at",
        "began",
        "command",
        "key",
        "skipped_at",
    )

    def __init__(self, line: Line, command: Execute, key: bytes) -> None:
        self._line = line
        self.command: Final = command
        self.key: Final = key
        """What its events bear as ``Application-UUID``, in the wire's form."""
        self._stage = Stage.SENT
        self._rounds = 0
        self._round_began = 0
        self._digits_since = 0
        self._digits_until = 0
        self._stop_asked = False
        self._completion: Event | None = None
        self._error: Callable[[], EslOutboundError] | None = None
        self._wake: trio.Event | None = None
        self._wake_at = Stage.FAILED
        self.skipped_at: float | None = None
        """When a later one was seen to run before this one started."""
        self.began: Event | None = None
        """CHANNEL_EXECUTE of a ``bridge`` or a ``conference``: when it began, and what earlier ones left behind."""

    @property
    def application_uuid(self) -> str:
        """What its events bear as ``Application-UUID``."""
        return self.command.event_uuid

    @property
    def stage(self) -> Stage:
        """How far it has come."""
        return self._stage

    @property
    def was_stopped(self) -> bool:
        """Whether ``stop()`` asked for its end. FreeSWITCH does not tell a stop from an end."""
        return self._stop_asked

    @property
    def completion(self) -> Event | None:
        """Its CHANNEL_EXECUTE_COMPLETE, once that has come; it may come after the hangup."""
        return self._completion

    @property
    def digits(self) -> range:
        """The numbers of the digits that came while it ran, as ``Digits`` counts them; none before it has completed."""
        return range(self._digits_since, self._digits_until)

    def __repr__(self) -> str:
        return f"<Execution of {self.command.application}, {self._stage.name.lower()}>"

    async def accepted(self) -> None:
        """Wait until FreeSWITCH has answered; with ``async`` that is at once and means queued.

        Raises:
            CommandRejected: It was refused.
            CallEnded: The call ended first.
        """
        await self._reach(Stage.ACCEPTED)

    async def started(self) -> None:
        """Wait for its CHANNEL_EXECUTE.

        Raises:
            CommandRejected: It was refused.
            UnknownApplication: FreeSWITCH has no such application, and hung up.
            CallEnded: The call ended first.
        """
        await self._reach(Stage.STARTED)

    async def completed(self) -> Event:
        """Wait for its CHANNEL_EXECUTE_COMPLETE; with ``loops``, for that of the last round.

        Returns:
            That event: ``Application-Response`` and all channel variables as the application left them.

        Raises:
            CommandRejected: It was refused.
            UnknownApplication: FreeSWITCH has no such application, and hung up.
            ExecutionLost: It was thrown away with the channel's queue before it started.
            CallEnded: The call ended first.
        """
        await self._reach(Stage.COMPLETED)
        assert self._completion is not None
        return self._completion

    async def stop(self) -> None:
        """Stop it on the channel and wait until it has completed, five seconds at most.

        The way that was measured to be safe: wait for its CHANNEL_EXECUTE
        (before that FreeSWITCH forgets a break), then ``uuid_break``, or the other
        leg's end for ``bridge`` and a kick for ``conference``, then wait for its
        completion, so that what is sent next is not cut off in its place. Applications
        that run nested inside it end with it. An application that heeds none of
        these (``wait_for_silence``, ``detect_silence``, ``detect_audio``, ``endless_playback``, ``delay_echo``;
        ``play_and_get_digits`` and ``read`` beyond their prompt) runs on, and the log says so.

        Raises:
            NotPermitted: Without ``async`` nothing reaches FreeSWITCH while an application runs.
        """
        if self._stage >= Stage.COMPLETED:
            await trio.lowlevel.checkpoint()
            return
        await self._line.require_async("stopping an application")
        self._stop_asked = True
        uuid, application = self._line.channel_uuid, self.command.application
        with trio.CancelScope(shield=True, deadline=trio.current_time() + STOP_SECONDS) as scope:
            try:
                await self._reach(Stage.STARTED)
                if self._stage < Stage.COMPLETED:
                    await self._line.stop(self)
            except (CallEnded, CommandRejected, ApplicationFailed):
                return  # then it runs no more either
            except EslOutboundError as exc:
                _log.warning("channel %s: %s runs on: %s", uuid, application, exc)
        if scope.cancelled_caught:
            _log.warning("channel %s: %s runs on, or will: it did not end in %g s", uuid, application, STOP_SECONDS)

    async def finish_or_stop(self) -> Event:
        """Wait for its completion; if the waiting is cancelled, stop it on the channel."""
        try:
            return await self.completed()
        finally:
            if self._stage < Stage.COMPLETED and self._line.is_async:
                await self.stop()

    async def _reach(self, stage: Stage) -> None:
        if self._stage >= stage:
            await trio.lowlevel.checkpoint()
        while self._stage < stage:
            if self._wake is None:
                self._wake = trio.Event()
                self._wake_at = stage
            else:
                self._wake_at = min(self._wake_at, stage)
            await self._wake.wait()
        if self._stage is Stage.FAILED:
            assert self._error is not None
            raise self._error()

    # For the reader

    def _advance(self, stage: Stage) -> None:
        if self._stage is Stage.FAILED or (stage <= self._stage and stage is not Stage.FAILED):
            return
        self._stage = stage
        if self._wake is not None and stage >= self._wake_at:
            self._wake.set()
            self._wake = None

    def answered(self, exchange: Exchange) -> None:
        """FreeSWITCH has answered the command."""
        reply = exchange.reply
        if reply is None:
            return  # the call's end tells everybody
        if reply.ok:
            self._advance(Stage.ACCEPTED)
        else:
            assert isinstance(reply, Reply)
            command, refusal = self.command, reply
            self.fail(lambda: CommandRejected(command, refusal))
            self._line.forget(self)

    def execute_came(self, event: Event) -> None:
        """CHANNEL_EXECUTE came."""
        if self.command.loops != 1:
            self._round_began = timestamp(event) or 0
        if self.command.application.lower() in _KEEP_BEGIN:
            self.began = event
        if self._stage < Stage.STARTED:
            self._digits_since = self._line.digits.came
        self._advance(Stage.STARTED)

    def complete_came(self, event: Event) -> bool:
        """CHANNEL_EXECUTE_COMPLETE came; say whether it was the last one."""
        self._completion = event
        if self._stage >= Stage.STARTED:
            self._digits_until = self._line.digits.came
        loops = self.command.loops
        if loops != 1:
            self._rounds += 1
            took = (timestamp(event) or 0) - self._round_began
            if self._rounds != loops and took >= _SHORTEST_LOOPED_ROUND and not self._stop_asked:
                return False
        self._advance(Stage.COMPLETED)
        return True

    def fail(self, error: Callable[[], EslOutboundError]) -> None:
        """It will never complete."""
        if self._stage < Stage.COMPLETED:
            self._error = error
            self._advance(Stage.FAILED)
