"""What is subscribed to on a connection that we opened: events, filters, log lines."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Final, TypeVar

import trio

from ..api import SwitchApi
from ..call.observing import Observer, Wanted
from ..errors import Disconnected, LocalProtocolError, Progress, SwitchError
from ..log_lines import LogLevel, log_level_of
from ..protocol import Event, EventFormat, Filter, FilterDelete, NoEvents
from .hub import Hub, LineObserver
from .session import Answers, Session
from .streams import Selection, SwitchEvents, can_be_taken_back, selection_of
from .subscriptions import LogWish, Step

__all__ = ["SwitchSubscriptions"]

ObserverT = TypeVar("ObserverT", bound=Observer)
LineObserverT = TypeVar("LineObserverT", bound=LineObserver)


class SwitchSubscriptions(SwitchApi):
    """What is to be heard of a FreeSWITCH, over a connection that we opened to it."""

    def __init__(self, hub: Hub, peer: str, event_format: EventFormat) -> None:
        self._hub: Final = hub
        self._peer: Final = peer
        self._event_format: Final = event_format
        # One change of subscriptions at a time: what FreeSWITCH is told is to be in the order of what is wanted.
        self._changing: Final = trio.Lock()
        self._subscriptions: Final[list[Selection]] = []
        """What was subscribed to without an observer."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._peer}{'' if self.is_connected else ', not connected'}>"

    @property
    def _waits_for_connection(self) -> bool:
        """Whether what is wished for while there is no connection is told to the next one."""
        return False

    def _connected(self) -> Session | None:
        """The connection, if there is one."""
        raise NotImplementedError

    def _stream_end(self) -> SwitchError | None:
        """Why observers hear nothing more; None while they may."""
        raise NotImplementedError

    async def _session(self, command: str) -> Session:
        """The connection, to say something on it.

        Raises:
            Disconnected: There is none.
        """
        session = self._connected()
        if session is None:
            await trio.lowlevel.checkpoint()  # a loop around this shall not keep it from coming back
            raise self._not_connected(command)
        return session

    def _not_connected(self, command: str) -> Disconnected:
        error = Disconnected(self._peer, command, Progress.NOT_SENT)
        error.__cause__ = self._stream_end()
        return error

    @property
    def is_connected(self) -> bool:
        """Whether commands can be sent."""
        session = self._connected()
        return session is not None and session.is_open

    # Telling FreeSWITCH

    async def _tell(self, add: Callable[[], None], take_back: Callable[[], None]) -> None:
        """Wish for more, tell FreeSWITCH, and wait for its word; what it refuses is not wished for any more."""
        async with self._changing:
            session = self._connected()
            if session is None and not self._waits_for_connection:
                raise self._not_connected("event")
            await trio.lowlevel.checkpoint_if_cancelled()
            add()
            if session is None:
                return
            try:
                await (await self._say(session)).all_answered()
            except BaseException as exc:
                if isinstance(exc, Disconnected) and self._waits_for_connection:
                    return  # the next connection is told
                take_back()
                await self._tell_of_less()
                raise

    async def _tell_of_less(self) -> None:
        """Tell FreeSWITCH what nobody wishes for any more; whatever happens, and without waiting for its word."""
        session = self._connected()
        if session is not None:
            with suppress(Disconnected):
                await self._say(session)

    async def _say(self, session: Session) -> Answers:
        return await session.say(self._hub.wishes.steps(session.told, self._event_format))

    # Events

    @asynccontextmanager
    async def _observing(self, selection: Selection, stream: ObserverT) -> AsyncIterator[ObserverT]:
        """Show a stream the events that it wants, and ask FreeSWITCH for them if nobody has yet."""
        wishes = self._hub.wishes
        with self._hub.observed_by(stream):
            await self._tell(partial(wishes.add, selection), partial(wishes.remove, selection))
            try:
                yield stream
            finally:
                wishes.remove(selection)
                await self._tell_of_less()

    async def wait_for(
        self,
        name: str,
        matching: Callable[[Event], bool] | None = None,
        *,
        where: Mapping[str, str] | None = None,
    ) -> Event:
        """Wait for the next event of a name, as ``events`` takes it.

        Args:
            name: The event's name.
            matching: Which of them, if not any; it is called in the waiting task.
            where: Headers that it must have, as of ``events``.

        Raises:
            LocalProtocolError: A name is no event's name.
            CommandRejected: FreeSWITCH has no event of that name, or this user may not hear of it.
            Disconnected: There is no connection, or it ended: nobody knows whether the event came afterwards.
        """
        selection = selection_of((name,), where)
        session = await self._session(f"event {name}")
        async with self._observing(selection, SwitchEvents(selection, session.end_error)) as events:
            while True:
                event = await events.get()
                if matching is None or matching(event):
                    return event

    async def subscribe(self, *names: str) -> None:
        """Ask for events, whoever observes them (``event``): an observer that comes later has them at once.

        Args:
            names: Names as ``events`` takes them.

        Raises:
            LocalProtocolError: A name is no event's name, or there is none.
            CommandRejected: FreeSWITCH has no event of that name, or this user may not hear of it.
            Disconnected: There is no connection, or it ended.
        """
        selection = selection_of(names, None)
        wishes = self._hub.wishes
        await self._tell(partial(wishes.add, selection), partial(wishes.remove, selection))
        self._subscriptions.append(selection)

    async def unsubscribe(self, *names: str) -> None:
        """Take a ``subscribe`` of the same names back (``nixevent``); what others observe goes on.

        Raises:
            LocalProtocolError: These names were not subscribed to.
        """
        wanted = selection_of(names, None).wanted
        found = next((each for each in self._subscriptions if _same(each, wanted)), None)
        if found is None:
            raise LocalProtocolError(f"{' '.join(names)} was not subscribed to")
        self._subscriptions.remove(found)
        self._hub.wishes.remove(found)
        await self._tell_of_less()
        await trio.lowlevel.checkpoint()

    async def noevents(self) -> None:
        """Have no events at all (``noevents``), and let those go that FreeSWITCH has still in its queue.

        Raises:
            LocalProtocolError: Somebody observes events or waits for a job, and would wait for ever.
            CommandRejected: There were none anyway (``-ERR not listening for events``).
            Disconnected: There is no connection, or it ended.
        """
        async with self._changing:
            session = await self._session("noevents")
            if self._hub.is_observed or session.runs_jobs:
                raise LocalProtocolError("noevents while somebody observes events or waits for a job")
            await trio.lowlevel.checkpoint_if_cancelled()
            for selection in self._subscriptions:
                self._hub.wishes.remove(selection)
            self._subscriptions.clear()
            self._hub.wishes.forget_jobs()
            session.told.forget_events()
            await (await session.say([Step(NoEvents())])).all_answered()

    async def filter(self, header: str, value: str) -> None:
        """Let only events through with this header and value (``filter``), whoever observes; several are alternatives.

        ``events(..., where=...)`` does this for one observer; what it lets through for one, others see as well. The
        ends of background jobs always come, unless they are kept out by name.

        Args:
            header: The header's name, such as ``Unique-ID``.
            value: Its value, whatever its case; ``/X/`` is a regular expression, and ``-X`` keeps out those with X
                that another filter lets through (``"/./"`` of ``Event-Name`` is all of them): alone it lets nothing in.

        Raises:
            LocalProtocolError: They cannot be said, or FreeSWITCH could not take them back; nothing was sent.
            Disconnected: There is no connection, or it ended.
        """
        Filter(header, value).encode()
        if not can_be_taken_back(header, value):
            raise LocalProtocolError(f"{header}: {value} is {_NO_FILTER}")
        wishes, pair = self._hub.wishes, (header, value)
        await self._tell(partial(wishes.add_filter, pair), partial(wishes.remove_filter, pair))

    async def delete_filter(self, header: str | None = None, value: str | None = None) -> None:
        """Take back one value of a filter, all of a header, or (without a header) every one (``filter delete``).

        Raises:
            LocalProtocolError: They cannot be said; nothing was sent.
        """
        FilterDelete(header, value).encode()
        self._hub.wishes.remove_filters(header, value)
        await self._tell_of_less()
        await trio.lowlevel.checkpoint()

    # Log lines

    @asynccontextmanager
    async def _reading_log(self, wish: LogWish, lines: LineObserverT) -> AsyncIterator[LineObserverT]:
        """Show a stream the log's lines, and ask FreeSWITCH for them if nobody has yet."""
        wishes = self._hub.wishes
        with self._hub.read_by(lines):
            await self._tell(partial(wishes.add_log, wish), partial(wishes.remove_log, wish))
            try:
                yield lines
            finally:
                wishes.remove_log(wish)
                await self._tell_of_less()

    async def log(self, level: LogLevel | int | str = "debug") -> None:
        """Have FreeSWITCH's log lines sent, to the logger ``esl_outbound.freeswitch`` (``log``).

        Args:
            level: Lines of this level, and of those that are worse.

        Raises:
            LocalProtocolError: There is no such level.
            CommandRejected: This user may not read the log.
            Disconnected: There is no connection, or it ended.
        """
        wish = LogWish(log_level_of(level))
        wishes = self._hub.wishes
        await self._tell(partial(wishes.add_log, wish), partial(wishes.remove_log, wish))
        before, self._hub.logged = self._hub.logged, wish
        if before is not None:
            wishes.remove_log(before)
            await self._tell_of_less()

    async def nolog(self) -> None:
        """Have them sent to the logger no longer (``nolog``, unless somebody reads them with ``log_lines``)."""
        before, self._hub.logged = self._hub.logged, None
        if before is not None:
            self._hub.wishes.remove_log(before)
            await self._tell_of_less()
        await trio.lowlevel.checkpoint()


_NO_FILTER: Final = "no filter that FreeSWITCH keeps as it is, to take it back alone"


def _same(selection: Selection, wanted: Wanted) -> bool:
    """Whether these are the same names, in whichever order."""
    mine = selection.wanted
    return set(mine.names) == set(wanted.names) and set(mine.subclasses) == set(wanted.subclasses)
