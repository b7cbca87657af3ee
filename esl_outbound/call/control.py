"""Running applications, and the ways to end a call."""

from __future__ import annotations

from collections.abc import Mapping

import trio

from ..errors import LocalProtocolError
from ..protocol import Event, HangupCause
from .base import CallBase
from .execution import Execution

__all__ = ["Control"]

# FreeSWITCH's clock and ours, and its frames of 20 ms: a rest this small is no rest.
_FRAME_SECONDS = 0.02


class Control(CallBase):
    """Applications, answering, ending, leaving."""

    async def execute(
        self,
        application: str,
        argument: str = "",
        *,
        loops: int = 1,
        event_lock: bool = False,
        event_uuid: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> Event:
        """Run any application and wait until FreeSWITCH says that it completed.

        This is the raw door: FreeSWITCH expands ``${...}`` in the argument, and
        ``${system(...)}`` runs a program. Embed data with ``literal()``. If the
        waiting is cancelled, the application is stopped on the channel (see ``Execution.stop``).

        Args:
            application: The application's name, such as ``playback``.
            argument: Its argument. One with line breaks travels as a body.
            loops: How often it runs; negative is for ever. FreeSWITCH ends early
                after a round that took less than half a second.
            event_lock: Let nothing that is queued later interrupt it, not even a hangup.
            event_uuid: What its events shall bear as ``Application-UUID``; it must not be in use.
            headers: More headers of the ``sendmsg``, such as ``lead-frames``.

        Returns:
            Its CHANNEL_EXECUTE_COMPLETE: ``Application-Response`` and the channel's variables after it.

        Raises:
            LocalProtocolError: The wire cannot say this; nothing was sent.
            CommandRejected: FreeSWITCH refused the command.
            UnknownApplication: FreeSWITCH has no such application, and hung the call up for it.
            ExecutionLost: It was thrown away with the channel's queue before it started.
            CallEnded: The call ended first.
        """
        execution = await self._queue(application, argument, loops, event_lock, event_uuid, headers)
        return await self._line.finish(execution)

    async def start(
        self,
        application: str,
        argument: str = "",
        *,
        loops: int = 1,
        event_lock: bool = False,
        event_uuid: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> Execution:
        """Queue any application and do not wait for it.

        Arguments as of ``execute``. One that is started while another runs
        interrupts it and runs nested, unless that one carries ``event_lock``.

        Returns:
            A handle: ``await handle.accepted()``, ``.started()``, ``.completed()``, ``.stop()``.

        Raises:
            LocalProtocolError: The wire cannot say this; nothing was sent.
            CallEnded: The call is over.
        """
        execution = await self._queue(application, argument, loops, event_lock, event_uuid, headers)
        await trio.lowlevel.cancel_shielded_checkpoint()
        return execution

    async def answer(self) -> None:
        """Answer the call; nothing happens if it is answered already.

        Runs the ``answer`` application.

        Raises:
            CallEnded: The call ended first.
        """
        await self._line.execute("answer")

    async def sleep(self, seconds: float) -> None:
        """Let the channel rest for its whole time, whatever is pressed meanwhile.

        Runs the ``sleep`` application, which reads and sends audio, with
        ``sleep_eat_digits`` and without terminators: on its own it ends at the first
        digit. What is pressed comes to ``digits`` as always.

        Args:
            seconds: How long; FreeSWITCH counts in frames of 20 ms.

        Raises:
            CallEnded: The call ended first.
        """
        if not 0 <= seconds < 2**31 / 1000:
            raise LocalProtocolError(f"a channel cannot sleep for {seconds!r} seconds")
        deadline = trio.current_time() + seconds
        rest = seconds
        while True:
            # on_dtmf() in mod_dptools.c knows both variables.
            await self._line.execute("sleep", f"%[sleep_eat_digits=true,playback_terminators=none]{rest * 1000:.0f}")
            rest = deadline - trio.current_time()
            if rest < _FRAME_SECONDS:
                return

    async def hangup(self, cause: HangupCause | str = HangupCause.NORMAL_CLEARING) -> None:
        """Hang the call up, and wait until FreeSWITCH says so.

        Sends ``sendmsg`` with ``hangup``; while an application runs that carries
        ``event-lock``, which would hold that back, ``uuid_kill``. Before the answer, the
        cause is what the caller hears: USER_BUSY is SIP 486.

        Args:
            cause: Why. FreeSWITCH takes a name that it does not know for NORMAL_CLEARING.

        Raises:
            CallEnded: The call was over before.
        """
        await self._line.hangup(cause)

    async def continue_dialplan(self) -> None:
        """Leave the call to its dialplan, which goes on with the action after ``socket``.

        Says ``exit``, as soon as that cannot leave the caller parked for ever.
        What was started and not awaited still runs, and a file that plays, plays to its
        end first. Without a next action FreeSWITCH hangs up with NORMAL_CLEARING. Whatever
        is asked of the call afterwards raises ``CallReleased``.

        Raises:
            CallEnded: The call was over before.
        """
        await self._line.leave_to_dialplan()
        await trio.lowlevel.checkpoint()

    async def _queue(
        self,
        application: str,
        argument: str,
        loops: int,
        event_lock: bool,
        event_uuid: str,
        headers: Mapping[str, str] | None,
    ) -> Execution:
        command = self._line.execute_command(
            application,
            argument,
            loops=loops,
            event_lock=event_lock,
            event_uuid=event_uuid,
            headers=tuple(headers.items()) if headers else (),
        )
        return (await self._line.start((command,)))[0]
