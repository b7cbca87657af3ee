"""``stay_connected``: a client of FreeSWITCH's that comes back when the connection is lost."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Final, final

import trio

from ..errors import SwitchError
from ..log_lines import LogLevel, log_level_of
from ..protocol import EventFormat
from .absence import ResilientEvents, ResilientLogLines
from .backoff import Backoff
from .hub import Hub
from .keeping import Keeper
from .landing import CALL_HOST, CALL_PORT, CallPlacing, Landing, landing_of, listening_at
from .nursery import own_nursery
from .opening import CallListener, Opener, opener_of
from .session import Session
from .streams import selection_of
from .subscriptions import LogWish
from .switch import LOGIN_SECONDS

__all__ = ["ResilientSwitch", "kept_open", "stay_connected"]


@final
class ResilientSwitch(CallPlacing):
    """A FreeSWITCH, over a connection that is opened again whenever it is lost.

    Nothing is ever sent twice. What the loss interrupts raises ``Disconnected``, and so does at once what is asked
    while there is no connection (``progress`` is ``NOT_SENT``). What is observed, subscribed to, filtered and logged
    is told to each new connection before anything else is said on it, and may be asked for while there is none.
    """

    def __init__(self, opener: Opener, hub: Hub, keeper: Keeper, landing: Landing) -> None:
        super().__init__(hub, opener.peer, opener.event_format, landing)
        self._opener: Final = opener
        self._keeper: Final = keeper

    @property
    def _login(self) -> Opener:
        return self._opener

    @property
    def _waits_for_connection(self) -> bool:
        return self._keeper.comes_back

    def _connected(self) -> Session | None:
        return self._keeper.session

    def _stream_end(self) -> SwitchError | None:
        return self._keeper.end_error()

    async def wait_connected(self) -> None:
        """Wait until there is a connection; this returns at once if there is one.

        Raises:
            AuthenticationFailed: FreeSWITCH refused the password when we came back.
            AccessDenied: It turned us away by our address.
            NoFreeSwitch: It did not come back within what ``reconnect`` allows.
            Disconnected: The block was left.
        """
        await self._keeper.wait_connected()

    @asynccontextmanager
    async def events(self, *names: str, where: Mapping[str, str] | None = None) -> AsyncIterator[ResilientEvents]:
        """Observe events of the whole switch, as ``Switch.events``: ``async with switch.events("CHANNEL_ANSWER")``.

        In their stream an ``Away`` says that events were missed. The block may be entered while there is no connection;
        it can be refused then only later, by reading.

        Args:
            names: Names of events, such as ``CHANNEL_ANSWER``, ``ALL``, ``CUSTOM conference::maintenance``.
            where: Headers that the events must have, with their values: ``{"Unique-ID": channel_uuid}``.

        Raises:
            LocalProtocolError: A name is no event's name, or there is none.
            CommandRejected: FreeSWITCH has no event of that name, or this user may not hear of it.
            SwitchError: There will be no connection any more.
        """
        selection = selection_of(names, where)
        await self._check_coming_back()
        stream = ResilientEvents(selection, partial(self._keeper.end_of, selection))
        with self._keeper.telling(selection, stream):
            async with self._observing(selection, stream):
                yield stream

    @asynccontextmanager
    async def log_lines(self, level: LogLevel | int | str = "debug") -> AsyncIterator[ResilientLogLines]:
        """Read FreeSWITCH's log, as ``Switch.log_lines``; an ``Away`` says that lines were missed.

        Args:
            level: Lines of this level, and of those that are worse.

        Raises:
            LocalProtocolError: There is no such level.
            CommandRejected: This user may not read the log.
            SwitchError: There will be no connection any more.
        """
        wish = LogWish(log_level_of(level))
        await self._check_coming_back()
        stream = ResilientLogLines(wish.level, partial(self._keeper.end_of, wish))
        with self._keeper.telling(wish, stream):
            async with self._reading_log(wish, stream):
                yield stream

    async def _check_coming_back(self) -> None:
        if (end := self._stream_end()) is not None:
            await trio.lowlevel.checkpoint()
            raise end


@asynccontextmanager
async def stay_connected(
    host: str = "127.0.0.1",
    port: int = 8021,
    *,
    password: str,
    user: str | None = None,
    domain: str | None = None,
    event_format: EventFormat = EventFormat.PLAIN,
    login_seconds: float = LOGIN_SECONDS,
    call_host: str = CALL_HOST,
    call_port: int = CALL_PORT,
    reconnect: Backoff = Backoff(),  # noqa: B008 - it is a value
) -> AsyncIterator[ResilientSwitch]:
    """A connection with the port that FreeSWITCH listens on, which comes back when it is lost.

    ``async with stay_connected("127.0.0.1", 8021, password="ClueCon") as switch``. The first connection is as that of
    ``connect``: what is wrong with it is raised. After that a FreeSWITCH that is not there is tried again, for ever or
    as long as ``reconnect`` says. One that refuses the password, or turns our address away, is given up at once and
    for good: ``wait_connected`` and whoever observes events raise that error, and every command ``Disconnected``.

    Args:
        host: Where FreeSWITCH listens (``listen-ip`` in event_socket.conf.xml).
        port: The port (``listen-port``).
        password: The port's password, or the user's (``esl-password`` in the directory).
        user: A user of the directory's, as ``1000`` or ``1000@example.com``; without one, ``auth`` is said.
        domain: The user's domain.
        event_format: How FreeSWITCH writes events, as of ``connect``.
        login_seconds: How long it may take until FreeSWITCH has let us in, and as long again until it has been told
            what is observed, in seconds.
        call_host: Where FreeSWITCH connects the calls that are originated into handlers, as of ``connect``.
        call_port: The port there; 0 takes a free one.
        reconnect: How often it is tried again.

    Raises:
        NoFreeSwitch: No FreeSWITCH listens there.
        AccessDenied: It turned us away by our address.
        AuthenticationFailed: It refused the password.
        LocalProtocolError: A password, user or domain cannot be said on the wire, the user has no domain, the port or
            another option is none, or ``call_host`` is no address that can be connected to.
    """
    listen = listening_at(call_host, call_port, switch=(host, port))
    opener = opener_of(host, port, password, user, domain, event_format, login_seconds)
    async with kept_open(opener, reconnect, listen) as switch:
        yield switch


@asynccontextmanager
async def kept_open(
    opener: Opener, reconnect: Backoff, listen: CallListener | None = None
) -> AsyncIterator[ResilientSwitch]:
    """As ``stay_connected``, however the connections come about."""
    async with own_nursery() as nursery:
        hub = Hub(opener.peer)
        keeper = Keeper(opener, hub, await opener.open(nursery, hub), reconnect)
        nursery.start_soon(keeper.keep, nursery)
        try:
            async with landing_of(listen or listening_at()) as landing:
                yield ResilientSwitch(opener, hub, keeper, landing)
        finally:
            await keeper.leave()
