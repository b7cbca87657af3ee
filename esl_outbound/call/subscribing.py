"""What is heard over a call's socket beside its applications: events and log lines."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Final

import trio

from ..errors import CommandRejected, LocalProtocolError
from ..log_lines import LogLevel, LogLines, log_level_of
from ..protocol import (
    DivertEvents,
    Event,
    EventFormat,
    EventName,
    Filter,
    FilterDelete,
    NixEvent,
    SendEvent,
    Subscribe,
)
from .base import CallBase
from .digits import Digits
from .observing import EventStream, wanted_events

__all__ = ["Subscribing"]

# The framework has asked for it when the call arrived.
_SUBSCRIBED: Final = EventName.BACKGROUND_JOB.value


class Subscribing(CallBase):
    """Events and log lines: asking for them, reading them, firing one's own."""

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

    async def subscribe(self, *names: str, format: EventFormat | None = None) -> None:  # noqa: A002
        """Ask for more events than ``myevents`` brings (``event``); they are of this channel all the same.

        Args:
            names: Names as ``events`` takes them.
            format: The format of all events from now on, ``myevents``'s too; as it was, if not said.

        Raises:
            LocalProtocolError: A name is no event's name, or there is none.
            NotPermitted: The dialplan line does not say ``full``.
            CommandRejected: FreeSWITCH has no event of that name (``-ERR no keywords supplied``).
            CallEnded: The call is over, and its socket too.
        """
        await self._line.require_full("event")
        wanted = wanted_events(names)
        event_format = self._line.event_format if format is None else format
        await self._line.command(Subscribe(wanted.names, wanted.subclasses, event_format))

    async def myevents(self, format: EventFormat = EventFormat.PLAIN) -> None:  # noqa: A002
        """Have all events written in another format.

        Says ``event`` for an event that there is a subscription to already: ``myevents`` itself was said when the call
        arrived, and a second time FreeSWITCH refuses it, with its format (``-ERR aready enabled.``).

        Args:
            format: Plain, JSON or XML; the events are equal in each of them.

        Raises:
            NotPermitted: The dialplan line does not say ``full``.
            CallEnded: The call is over, and its socket too.
        """
        await self._line.require_full("myevents")
        await self._line.command(Subscribe((_SUBSCRIBED,), (), EventFormat(format)))

    async def noevents(self) -> None:
        """Have no events but those that the framework lives on: those of ``myevents``, and the ends of jobs.

        Says ``nixevent`` for all that were asked for beside these. ``noevents`` itself would take the ends of
        applications and of the call, too.

        Raises:
            LocalProtocolError: Somebody observes events (a bridge, a recording, a conference do so), and would wait
                for ever.
            NotPermitted: The dialplan line does not say ``full``.
            CallEnded: The call is over, and its socket too.
        """
        await self._line.require_full("noevents")
        if self._line.is_observed:
            raise LocalProtocolError("noevents while somebody observes events")
        await self._line.take_subscriptions_back()

    async def unsubscribe(self, *names: str) -> None:
        """Ask for events no longer (``nixevent``). The framework lives on CHANNEL_ events: leave it those.

        Raises:
            LocalProtocolError: A name is no event's name, or there is none.
            NotPermitted: The dialplan line does not say ``full``.
            CommandRejected: FreeSWITCH has no event of that name (``-ERR no keywords supplied``).
            CallEnded: The call is over, and its socket too.
        """
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

        Raises:
            LocalProtocolError: They cannot be said; nothing was sent.
            CommandRejected: FreeSWITCH refused it.
            CallEnded: The call is over, and its socket too.
        """
        await self._line.command(Filter(header, value))

    async def delete_filter(self, header: str | None = None, value: str | None = None) -> None:
        """Take back one value of a filter, all of a header, or (without a header) every filter (``filter delete``)."""
        await self._line.command(FilterDelete(header, value))

    async def divert_events(self, on: bool = True) -> None:
        """Show events that are sent to the session here too (``divert_events``).

        Raises:
            CommandRejected: FreeSWITCH refused it.
            CallEnded: The call is over, and its socket too.
        """
        await self._line.command(DivertEvents(on))

    async def send_event(
        self, name: str, headers: Mapping[str, str] | None = None, *, subclass: str = "", body: str = ""
    ) -> str:
        """Fire an event (``sendevent``), into one session if it bears a ``unique-id`` header.

        Args:
            name: The event's name; FreeSWITCH makes one that it does not know CUSTOM.
            headers: Its headers.
            subclass: The ``Event-Subclass`` of a CUSTOM event.
            body: Its body.

        Returns:
            The new event's ``Event-UUID``.

        Raises:
            LocalProtocolError: It cannot be said; nothing was sent.
            NotPermitted: The dialplan line does not say ``full``.
            CallEnded: The call is over, and its socket too.
        """
        await self._line.require_full("sendevent")
        reply = await self._line.command(SendEvent(name, subclass, tuple((headers or {}).items()), body))
        return reply.text.removeprefix("+OK ")

    async def log(self, level: LogLevel | int | str = "debug") -> None:
        """Have FreeSWITCH's log lines sent, to the logger ``esl_outbound.freeswitch`` (``log``).

        They are those of the whole switch: ``log_lines`` gives them to you one by one.

        Args:
            level: Lines of this level, and of those that are worse.

        Raises:
            LocalProtocolError: There is no such level.
            NotPermitted: The dialplan line does not say ``full``.
            CommandRejected: FreeSWITCH refused it.
            CallEnded: The call is over, and its socket too.
        """
        line = self._line
        number = log_level_of(level)
        await line.require_full("log")
        before, line.logged_level = line.logged_level, number  # lines may come with the reply
        try:
            await line.ask_for_log(level)
        except CommandRejected:
            line.logged_level = before
            raise

    async def nolog(self) -> None:
        """Have them sent to the logger no longer (``nolog``, unless somebody reads them with ``log_lines``).

        Raises:
            NotPermitted: The dialplan line does not say ``full``.
            CommandRejected: There were none anyway (``-ERR not loging``).
            CallEnded: The call is over, and its socket too.
        """
        line = self._line
        await line.require_full("nolog")
        line.logged_level = None
        if line.log_readers:
            await line.ask_for_less_log()
            await trio.lowlevel.checkpoint()
        else:
            await line.nolog()

    @asynccontextmanager
    async def log_lines(self, level: LogLevel | int | str = "debug") -> AsyncIterator[LogLines]:
        """Read FreeSWITCH's log: ``async with self.log_lines("warning") as lines``.

        It is the log of the whole switch; ``line.channel_uuid`` says which channel a line is about. Several readers
        share one ``log`` with the most verbose of their levels; the last one out says ``nolog``.

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
            await line.ask_for_log(level)
            yield lines
        finally:
            line.log_readers.remove(lines)
            await line.ask_for_less_log()
