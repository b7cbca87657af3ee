"""Running any application: the raw door."""

from __future__ import annotations

from collections.abc import Mapping

import trio

from ..protocol import Event
from .base import CallBase
from .execution import Execution

__all__ = ["Control"]


class Control(CallBase):
    """Any application, with a raw argument."""

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
