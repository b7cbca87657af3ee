"""What a call's socket is told, and what FreeSWITCH says to it: commands, and API commands.

All of it is for the methods of ``Call``, over the state that ``arrivals`` writes.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

import trio

from ..errors import ApiFailed, CallEnded, CommandRejected, ConnectionLost, NotPermitted, Progress
from ..jobs import Job
from ..log_lines import log_level_of
from ..protocol import (
    Api,
    ApiResponse,
    Command,
    Connect,
    ConnectReply,
    Linger,
    Log,
    NixEvent,
    NoLog,
    Reply,
    Subscribe,
    Waiter,
)
from .arrivals import Arrivals
from .record import Ending

__all__ = ["Commanding"]


class Commanding(Arrivals):
    """A call's state, and commands to its socket."""

    __slots__ = ()

    async def require_call(self) -> None:
        """Check that the call is ours to command.

        Raises:
            CallEnded: It is not, any more; what was to be said was not sent.
        """
        if self.ending is not None:
            await trio.lowlevel.checkpoint()
            raise self._must_have_ended(Progress.NOT_SENT)

    async def _require_socket(self) -> None:
        # In linger the socket still answers.
        if self.ending is not Ending.HUNG_UP or not self._link.is_open:
            await self.require_call()

    async def require_full(self, what: str) -> None:
        """Check that the dialplan line says ``full``.

        Raises:
            NotPermitted: It does not.
        """
        if not self.is_full:
            await trio.lowlevel.checkpoint()  # a loop around this shall not freeze the server
            raise NotPermitted(what, self.channel.dialplan_line("full"))

    async def require_async(self, what: str) -> None:
        """Check that the dialplan line says ``async``.

        Raises:
            NotPermitted: It does not.
        """
        if not self.is_async:
            await trio.lowlevel.checkpoint()
            raise NotPermitted(what, self.channel.dialplan_line("async"))

    # Commands

    async def ask(self, command: Command) -> Reply | ApiResponse:
        """Send a command and wait for its reply, whatever it says.

        Raises:
            CallEnded: The call is over, and its socket too.
        """
        await self._require_socket()
        try:
            return await self._link.ask(command)
        except ConnectionLost as exc:
            raise await self._ended_by(exc) from exc

    async def command(self, command: Command) -> Reply:
        """Send a command and wait for its reply.

        Raises:
            CommandRejected: FreeSWITCH refused it.
            CallEnded: The call is over, and its socket too.
        """
        reply = await self.ask(command)
        assert isinstance(reply, Reply)
        if not reply.ok:
            raise CommandRejected(command, reply)
        if isinstance(command, Subscribe | NixEvent):
            self.note_subscription(command)
        return reply

    async def _send(self, commands: Sequence[Command], waiters: Sequence[Waiter] = ()) -> None:
        """Write commands, in one piece; a connection that breaks in this raises how the call ended."""
        try:
            await self._link.send(commands, waiters)
        except ConnectionLost as exc:
            raise await self._ended_by(exc) from exc

    async def _ended_by(self, lost: ConnectionLost) -> CallEnded:
        """How the call ended, when the connection broke under our hands.

        What FreeSWITCH sent before it closed may not have been read yet, and it may tell of a hangup.
        """
        with trio.CancelScope(shield=True, deadline=trio.current_time() + 1):
            await self._link.wait_closed()
        if self.ending is None:
            self._reason = lost.__cause__
            self._end(Ending.CONNECTION_LOST, own=False)
        return self._must_have_ended(lost.progress)

    async def refresh(self) -> ConnectReply:
        """Ask for everything that FreeSWITCH knows of the channel: a second ``connect``."""
        command = Connect()
        reply = await self.ask(command)
        if not isinstance(reply, ConnectReply):
            assert isinstance(reply, Reply)
            raise CommandRejected(command, reply)
        self.channel.note(reply, reply.headers.block)
        return reply

    async def linger(self, seconds: int) -> None:
        """Have FreeSWITCH keep the socket for so long after the hangup, and not less than the hooks need it."""
        seconds = max(seconds, self.least_linger_seconds)
        if seconds == self.linger_seconds:
            await trio.lowlevel.checkpoint()
            return
        await self.command(Linger(seconds))
        self.linger_seconds = seconds

    async def take_subscriptions_back(self) -> None:
        """Have no more events than the framework itself lives on."""
        command = None if self._asked is None else self._asked.take_all_back()
        if command is None:
            await trio.lowlevel.checkpoint()
        else:
            await self.command(command)

    # FreeSWITCH's log

    async def ask_for_log(self, level: int | str) -> None:
        """Have log lines sent of this level (``log``), and of those that others want.

        Raises:
            CommandRejected: FreeSWITCH refused it.
            CallEnded: The call is over, and its socket too.
        """
        most = self.wanted_log_level
        before, self._log_told = self._log_told, most
        try:
            await self.command(Log(level if most is None or log_level_of(level) == most else most))
        except CommandRejected:
            self._log_told = before
            raise

    async def ask_for_less_log(self) -> None:
        """Have no more log lines sent than anybody wants, whatever happens; nobody waits for the answer."""
        most = self.wanted_log_level
        if most == self._log_told or not self._link.is_open:
            return
        self._log_told = most
        with suppress(ConnectionLost):
            await self._link.send((NoLog() if most is None else Log(most),), shielded=True)

    async def nolog(self) -> None:
        """Have no log lines sent (``nolog``).

        Raises:
            CommandRejected: There were none anyway.
            CallEnded: The call is over, and its socket too.
        """
        self._log_told = None
        await self.command(NoLog())

    # API commands

    async def api(self, line: str, *, console: bool = False) -> ApiResponse:
        """Run an API command that takes no time, and wait for what it prints: nothing else comes meanwhile.

        Raises:
            NotPermitted: The dialplan line does not say ``full``.
            CommandRejected: FreeSWITCH refused to run it.
            CallEnded: The call is over, and its socket too.
        """
        await self.require_full("api")
        command = Api(line, console)
        reply = await self.ask(command)
        if isinstance(reply, Reply):
            raise CommandRejected(command, reply)
        return reply

    async def api_text(self, line: str) -> str:
        """Run an API command that must not fail, and give what it prints, without its line's end.

        Raises:
            ApiFailed: It printed ``-ERR`` or ``-USAGE``.
            NotPermitted: The dialplan line does not say ``full``.
            CallEnded: The call is over, and its socket too.
        """
        response = await self.api(line)
        if not response.ok:
            raise ApiFailed(line, response)
        return response.text.rstrip("\n")

    async def start_job(self, line: str, what: str = "bgapi") -> Job:
        """Run an API command in the background.

        Raises:
            NotPermitted: The dialplan line does not say ``full``; it is ``what`` that was asked for.
            CommandRejected: FreeSWITCH refused it.
            CallEnded: The call is over, and its socket too.
        """
        await self.require_full(what)
        return await self._jobs.start(line, self.command)

    async def run_job(self, line: str, what: str = "api") -> ApiResponse:
        """Run an API command that may take its time, and wait for what it prints.

        In the background: nothing else would come over the connection meanwhile, not even the hangup.

        Raises:
            NotPermitted: As of ``start_job``.
            CallEnded: The call is over, and its socket too.
        """
        return await (await self.start_job(line, what)).api_response()
