"""One call, as its methods command it: the applications that it runs, and how it is ended or sent elsewhere.

What is known of the call is in ``state``, and ``arrivals`` writes it; what its socket is told is in ``commanding``. A
mixin of ``Call`` calls nothing of another mixin: what two of them need is here.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final, final

import trio

from ..errors import (
    ApplicationFailed,
    CallEnded,
    CommandRejected,
)
from ..protocol import (
    Api,
    Event,
    Exchange,
    Execute,
    Exit,
    Hangup,
    HangupCause,
    Reply,
    XferExt,
)
from .commanding import Commanding
from .endings import DEAF
from .execution import STOP_SECONDS, Execution
from .record import Ending
from .stopping import stop_application

__all__ = ["Line"]

_log: Final = logging.getLogger("esl_outbound.call")

# The way out took 20 ms wherever it was measured.
_LEAVING_SECONDS: Final = 1.0


@final
class _Refusal:
    """Ends a wait for what a command does, if FreeSWITCH refuses the command."""

    __slots__ = ("error", "scope")

    def __init__(self) -> None:
        self.scope = trio.CancelScope()
        self.error: CommandRejected | None = None

    def answered(self, exchange: Exchange) -> None:
        if isinstance(exchange.reply, Reply) and not exchange.reply.ok:
            self.error = CommandRejected(exchange.command, exchange.reply)
            self.scope.cancel()


@final
class Line(Commanding):
    """A call, with all that its methods share."""

    __slots__ = ()

    async def wait_arrived(self) -> None:
        """Wait for the reply to ``connect``, or for the connection's end."""
        await self._arrived.wait()

    def stop_waiting(self) -> None:
        """The reply to ``connect`` took too long."""
        self._arrived.set()

    # Applications

    async def start(self, commands: Sequence[Execute]) -> list[Execution]:
        """Queue applications on the channel, in one write.

        Raises:
            LocalProtocolError: One of them cannot be said; nothing was sent.
            CallEnded: The call is over.
        """
        await self.require_call()
        executions = [Execution(self, command, self._executions.key(command.event_uuid)) for command in commands]
        for execution in executions:
            self._executions.add(execution)
        try:
            await self._send(commands, executions)
        except BaseException:
            for execution in executions:
                self.forget(execution)
            raise
        return executions

    def execute_command(
        self,
        application: str,
        argument: str = "",
        *,
        loops: int = 1,
        event_lock: bool = False,
        event_uuid: str = "",
        headers: tuple[tuple[str, str], ...] = (),
    ) -> Execute:
        """The command that runs an application, with an ``Event-UUID`` of ours."""
        return self._executions.command(
            application, argument, loops=loops, event_lock=event_lock, event_uuid=event_uuid, headers=headers
        )

    async def execute(self, application: str, argument: str = "", *, after: Sequence[Execute] = ()) -> Event:
        """Run an application and wait for its completion; stop it on the channel if the waiting is cancelled.

        What is to run before it (``set``, ``multiunset``) goes out in the same write, and costs no frame of its own.
        """
        *_, execution = await self.start((*after, self.execute_command(application, argument)))
        return await self.finish(execution)

    async def run_all(self, commands: Sequence[Execute]) -> Event | None:
        """Run applications, in one write, and wait until all have completed.

        Returns:
            The completion of the last one; None if there are none.

        Raises:
            CallEnded: The call is over, or ended first.
        """
        await self.require_call()
        completion: Event | None = None
        for execution in await self.start(commands) if commands else ():
            completion = await execution.completed()
        return completion

    async def undo(self, application: str, argument: str = "", *, after: Sequence[Execute] = ()) -> Event | None:
        """Run the application that ends something, as ``undo_all`` does."""
        return await self.undo_all((*after, self.execute_command(application, argument)))

    async def undo_all(self, commands: Sequence[Execute]) -> Event | None:
        """Run what ends something, whatever happens meanwhile; nothing if the call is over.

        Shielded from its caller's cancellation, and bounded.

        Returns:
            The completion of the last one; None if there was none.
        """
        with trio.CancelScope(shield=True, deadline=trio.current_time() + STOP_SECONDS):
            try:
                return await self.run_all(commands)
            except (CallEnded, CommandRejected, ApplicationFailed):
                _log.debug("channel %s: there was nothing to end", self.channel_uuid)
        return None

    async def wait_idle(self) -> None:
        """Wait until no application of ours runs.

        Raises:
            CallEnded: The call ended first.
        """
        while self._executions:
            try:
                await next(iter(self._executions)).completed()
            except (CommandRejected, ApplicationFailed):
                _log.debug("channel %s: one application less", self.channel_uuid)

    async def finish(self, execution: Execution) -> Event:
        """Wait for an application's completion; stop it on the channel if the waiting is cancelled."""
        completion = await execution.finish_or_stop()
        await self.wait_if_leaving()
        return completion

    async def stop(self, execution: Execution) -> None:
        """Stop a started application on the channel, however long that takes."""
        await stop_application(self, execution)

    # Its end, and its way elsewhere

    async def hangup(self, cause: HangupCause | str) -> None:
        """Hang up, and wait until FreeSWITCH says so.

        Raises:
            CommandRejected: FreeSWITCH refused to.
            CallEnded: The call had ended before, in another way than this.
        """
        await self.require_call()
        # An application that carries `event-lock` would hold back a `sendmsg hangup` until it ends; uuid_kill passes.
        locked = any(
            execution.command.event_lock or execution.command.application.lower() in DEAF
            for execution in self._executions
        )
        kill = Api(f"uuid_kill {self.channel_uuid} {cause}") if locked and self.is_full else Hangup(cause)
        self._hangup_asked = True
        refusal = _Refusal()
        with refusal.scope:
            try:
                await self._send((kill,), (refusal,))
            except BaseException:
                self._hangup_asked = False  # nothing was sent: the next hangup is not our doing
                raise
            await self.ended.wait()
        if self.ending is None and refusal.error is not None:
            self._hangup_asked = False
            await trio.lowlevel.checkpoint()
            raise refusal.error
        if self.ending is not Ending.HUNG_UP:
            raise self._must_have_ended()

    async def leave_to_dialplan(self) -> None:
        """Say ``exit``, as soon as that does not leave the caller parked for ever.

        Raises:
            CallEnded: The call is over.
        """
        await self.require_call()
        if not self.safe_to_leave:
            # The session thread parks up to 20 ms after `connect`; an `exit` before that is lost on it. Once an
            # execution of ours was seen, it has parked.
            command = self.execute_command("set", "esl_outbound=left")
            (execution,) = await self.start((command,))
            await execution.started()
        await self._send((Exit(),))
        self._end(Ending.LEFT_TO_DIALPLAN, own=True)

    async def send_away(self, command: XferExt) -> None:
        """Let a command take the call elsewhere, by our own doing, and wait until it has."""
        await self.require_call()
        with self._going_away():
            await self.command(command)
        await self.wait_if_leaving()

    async def api_away(self, line: str) -> str:
        """Let an API command take the call elsewhere, by our own doing, and wait until it has.

        Returns:
            What it printed.

        Raises:
            ApiFailed: It printed ``-ERR`` or ``-USAGE``.
            NotPermitted: The dialplan line does not say ``full``.
            CallEnded: The call was over before.
        """
        await self.require_call()
        with self._going_away():
            text = await self.api_text(line)
        await self.wait_if_leaving()
        return text

    @contextmanager
    def _going_away(self) -> Iterator[None]:
        self._leaving = self._asked_away = True
        try:
            yield
        except BaseException:
            self._leaving = self._asked_away = False
            raise

    async def wait_if_leaving(self) -> None:
        """If we sent the call elsewhere, wait until it has gone: a command in between would still reach it."""
        if self._leaving and self.ending is None:
            with trio.move_on_after(_LEAVING_SECONDS):
                await self.ended.wait()
            self._leaving = self._asked_away = False
