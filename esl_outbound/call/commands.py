"""The commands of the event socket that are not applications, as methods of a call."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

from ..errors import CommandRejected, LocalProtocolError
from ..jobs import Job
from ..log_lines import LogLevel, LogLines, log_level_of
from ..protocol import (
    ApiResponse,
    DivertEvents,
    Event,
    EventFormat,
    Filter,
    FilterDelete,
    GetVar,
    Log,
    NixEvent,
    NoLog,
    NoMedia,
    Reply,
    SendEvent,
    SendMsg,
    Subscribe,
    Unicast,
    XferExt,
)
from .base import CallBase
from .digits import Digits
from .observing import EventStream, wanted_events

__all__ = ["SocketCommands"]


class SocketCommands(CallBase):
    """API commands, events and the rest of what the socket understands.

    ``connect``, ``myevents``, ``linger``, ``nolinger``, ``noevents`` and ``exit`` are said by the
    framework at their time; ``resume`` is of no use (``async``) or does harm (without), and is left out.
    """

    # API commands

    async def api(self, command: str, *, as_job: bool = True, console: bool = False) -> ApiResponse:
        """Run an API command and wait for what it prints.

        It runs as a background job (``bgapi``): while FreeSWITCH runs an ``api`` nothing else comes over the
        connection, neither events nor the hangup. Cancelled, it runs on.

        Args:
            command: The command and its arguments, such as ``f"uuid_exists {self.channel_uuid}"``. It is raw:
                blanks divide it, and what a caller chose may be more than one argument.
            as_job: Say no to run it as a plain ``api``, which is answered up to 20 ms sooner and holds up all else.
            console: Let the line be a console command, aliases included (``console_execute``); never as a job.

        Returns:
            What it printed; ``.ok`` is false if that begins with ``-ERR`` or ``-USAGE``, and ``.reason`` says why.

        Raises:
            NotPermitted: The dialplan line does not say ``full``.
            CallEnded: The call is over, and its socket too.
        """
        if as_job and not console:
            return await self._line.run_job(command)
        return await self._line.api(command, console=console)

    async def bgapi(self, command: str) -> Job:
        """Run an API command in the background.

        Args:
            command: The command and its arguments.

        Returns:
            The job: ``await job.result()``.

        Raises:
            NotPermitted: The dialplan line does not say ``full``.
            CommandRejected: FreeSWITCH refused it.
            CallEnded: The call is over, and its socket too.
        """
        return await self._line.start_job(command)

    # Events

    @property
    def digits(self) -> Digits:
        """The digits that the caller presses: ``async for digit in self.digits``."""
        return self._line.digits

    @asynccontextmanager
    async def events(self, *names: str) -> AsyncIterator[EventStream]:
        """Observe events of this channel: ``async with self.events("CHANNEL_BRIDGE") as events``.

        What ``myevents`` does not bring is subscribed to. At most 1,024 events
        wait to be read; after that some are lost, and reading says how many.

        Args:
            names: Names of events, such as ``CHANNEL_BRIDGE``, ``ALL``, ``CUSTOM conference::maintenance``.

        Raises:
            LocalProtocolError: A name is no event's name, or there is none.
            NotPermitted: They need a subscription, and the dialplan line does not say ``full``.
            CommandRejected: FreeSWITCH has no event of that name.
            CallEnded: The call is over.
        """
        line = self._line
        wanted = wanted_events(names)
        if not wanted:
            raise LocalProtocolError("no event was named; ALL is a name")
        await line.require_call()
        with line.observing(wanted) as stream:
            if beyond := wanted.beyond_myevents():
                await line.require_full("event " + " ".join((*beyond.names, *beyond.subclasses)))
                await line.command(Subscribe(beyond.names, beyond.subclasses, line.event_format))
            yield stream

    async def wait_for(self, name: str, matching: Callable[[Event], bool] | None = None) -> Event:
        """Wait for the next event of a name, as ``events`` takes it.

        Args:
            name: The event's name.
            matching: Which of them, if not any; it is called in the waiting task.

        Raises:
            LocalProtocolError: As of ``events``; likewise ``NotPermitted`` and ``CommandRejected``.
            CallEnded: The call ended first.
        """
        async with self.events(name) as events:
            while True:
                event = await events.get()
                if matching is None or matching(event):
                    return event

    async def subscribe(self, *names: str, format: EventFormat = EventFormat.PLAIN) -> None:  # noqa: A002
        """Ask for more events than ``myevents`` brings (``event``); they are of this channel all the same.

        Args:
            names: Names as ``events`` takes them.
            format: The format of all events from now on, ``myevents``'s too.
        """
        await self._line.require_full("event")
        wanted = wanted_events(names)
        await self._line.command(Subscribe(wanted.names, wanted.subclasses, format))
        self._line.event_format = format

    async def unsubscribe(self, *names: str) -> None:
        """Ask for events no longer (``nixevent``). The framework lives on CHANNEL_ events: leave it those."""
        await self._line.require_full("nixevent")
        wanted = wanted_events(names)
        await self._line.command(NixEvent(wanted.names, wanted.subclasses))

    async def filter(self, header: str, value: str) -> None:
        """Let only events through with this header and value (``filter``); several are alternatives.

        This is for the events that ``subscribe`` adds. What it keeps out does not reach the framework either, and
        without CHANNEL_EXECUTE_COMPLETE every application that is waited for is waited for until the call ends: let
        through ``("Event-Name", "/^(CHANNEL_|DTMF|BACKGROUND_JOB)/")``, too.

        Args:
            header: The header's name, such as ``Event-Name``.
            value: Its value, whatever its case; ``-X`` keeps out those with X, ``/X/`` is a regular expression.
        """
        await self._line.command(Filter(header, value))

    async def delete_filter(self, header: str | None = None, value: str | None = None) -> None:
        """Take back one value of a filter, all of a header, or (without a header) every filter."""
        await self._line.command(FilterDelete(header, value))

    async def divert_events(self, on: bool = True) -> None:
        """Show events that are sent to the session here too (``divert_events``)."""
        await self._line.command(DivertEvents(on))

    async def send_event(
        self, name: str, headers: Mapping[str, str] | None = None, *, subclass: str = "", body: str = ""
    ) -> str:
        """Fire an event (``sendevent``).

        Returns:
            The new event's ``Event-UUID``.
        """
        await self._line.require_full("sendevent")
        reply = await self._line.command(SendEvent(name, subclass, tuple((headers or {}).items()), body))
        return reply.text.removeprefix("+OK ")

    async def log(self, level: LogLevel | int | str = "debug") -> None:
        """Have FreeSWITCH's log lines sent, to the logger ``esl_outbound.freeswitch`` (``log``).

        They are those of the whole switch: ``log_lines`` gives them to you one by one.
        """
        await self._line.require_full("log")
        before, self._line.logs_lines = self._line.logs_lines, True  # lines may come with the reply
        try:
            await self._line.command(Log(level))
        except CommandRejected:
            self._line.logs_lines = before
            raise

    async def nolog(self) -> None:
        """Have them sent no longer (``nolog``)."""
        await self._line.require_full("nolog")
        self._line.logs_lines = False
        await self._line.command(NoLog())

    @asynccontextmanager
    async def log_lines(self, level: LogLevel | int | str = "debug") -> AsyncIterator[LogLines]:
        """Read FreeSWITCH's log: ``async with self.log_lines("warning") as lines``.

        It is the log of the whole switch; ``line.channel_uuid`` says which channel a line is about. One connection
        has one level, that which was asked for last.

        Args:
            level: Lines of this level, and of those that are worse.

        Raises:
            LocalProtocolError: There is no such level.
            NotPermitted: The dialplan line does not say ``full``.
            CallEnded: The call is over.
        """
        line = self._line
        number = log_level_of(level)
        await line.require_full("log")
        lines = LogLines(number, line.end_error)
        line.log_readers.append(lines)
        try:
            await line.command(Log(level if isinstance(level, str) else number))
            yield lines
        finally:
            line.log_readers.remove(lines)
            if not line.log_readers and not line.logs_lines:
                await line.stop_logging()

    # The channel

    async def getvar(self, name: str) -> str:
        """The raw ``getvar``: cut at 511 bytes, broken by line breaks. ``get_variable`` is the right one.

        Raises:
            CommandRejected: It is not set, or empty: FreeSWITCH says ``-ERR command not found``.
        """
        return (await self._line.command(GetVar(name))).text

    async def refresh(self) -> None:
        """Bring ``variables`` and the rest up to date (a second ``connect``)."""
        await self._line.refresh()

    async def send_msg(self, headers: Mapping[str, str], *, body: str = "", channel_uuid: str = "") -> Reply:
        """A ``sendmsg`` with headers of your own, to this channel or another one."""
        return await self._channel_command(SendMsg(tuple(headers.items()), body, channel_uuid))

    async def nomedia(self, nomedia_uuid: str) -> None:
        """Let the media of a bridged channel go round FreeSWITCH (``sendmsg`` with ``nomedia``)."""
        await self._channel_command(NoMedia(nomedia_uuid))

    async def unicast(
        self,
        *,
        local_ip: str = "127.0.0.1",
        local_port: int = 8025,
        remote_ip: str = "127.0.0.1",
        remote_port: int = 8026,
        native: bool = False,
    ) -> None:
        """Send the call's audio as UDP datagrams, and play to the caller what comes back (``unicast``).

        On an L16/8000 channel FreeSWITCH sends 320 bytes of 16-bit little-endian
        linear PCM at 8,000 hertz every 20 ms, until the call ends. A port serves one call
        (``switch_ivr_activate_unicast()``). ``audio()`` does this with all that belongs to it. Answer or pre-answer
        the call first: without media an assertion in ``switch_ivr_park()`` aborts FreeSWITCH as a whole.

        Args:
            local_ip: The address FreeSWITCH sends from and listens on.
            local_port: Its port.
            remote_ip: The address it sends to.
            remote_port: Its port.
            native: Send the channel's codec as it is.
        """
        flags = "native" if native else ""
        await self._channel_command(Unicast(local_ip, local_port, remote_ip, remote_port, "udp", flags))

    async def xferext(self, *applications: tuple[str, str]) -> None:
        """Transfer the call to an extension made of these applications and arguments (``xferext``).

        The call is no longer ours then, and what is asked of it raises ``CallTransferred``.
        """
        await self._line.send_away(XferExt(applications))

    async def _channel_command(self, command: SendMsg | NoMedia | Unicast) -> Reply:
        await self._line.require_call()
        return await self._line.command(command)
