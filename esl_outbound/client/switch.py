"""``connect``: a connection with the port that FreeSWITCH listens on."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Final, final

from ..errors import SwitchError
from ..log_lines import LogLevel, LogLines, log_level_of
from ..protocol import EventFormat
from .hub import Hub
from .landing import CALL_HOST, CALL_PORT, CallPlacing, Landing, landing_of, listening_at
from .nursery import own_nursery
from .opening import CallListener, Opener, opener_of
from .session import Session
from .streams import SwitchEvents, selection_of
from .subscriptions import LogWish

__all__ = ["Switch", "connect", "opened"]

LOGIN_SECONDS: Final = 10.0
"""How long it may take until FreeSWITCH has let us in."""


@final
class Switch(CallPlacing):
    """A FreeSWITCH, over a connection that we opened to it."""

    def __init__(self, opener: Opener, hub: Hub, session: Session, landing: Landing) -> None:
        super().__init__(hub, opener.peer, opener.event_format, landing)
        self._opener: Final = opener
        self._only_session: Final = session

    @property
    def _login(self) -> Opener:
        return self._opener

    def _connected(self) -> Session | None:
        return self._only_session

    def _stream_end(self) -> SwitchError | None:
        return self._only_session.end_error()

    @asynccontextmanager
    async def events(self, *names: str, where: Mapping[str, str] | None = None) -> AsyncIterator[SwitchEvents]:
        """Observe events of the whole switch: ``async with switch.events("CHANNEL_ANSWER") as events``.

        Observers share: two of one event cost one ``event``, and the last one out says ``nixevent``. Where every
        observer says ``where``, FreeSWITCH is told to send only that (``filter``).

        Args:
            names: Names of events, such as ``CHANNEL_ANSWER``, ``ALL``, ``CUSTOM conference::maintenance``.
            where: Headers that the events must have, with their values: ``{"Unique-ID": channel_uuid}``.

        Raises:
            LocalProtocolError: A name is no event's name, or there is none.
            CommandRejected: FreeSWITCH has no event of that name, or this user may not hear of it.
            Disconnected: There is no connection, or it ended.
        """
        selection = selection_of(names, where)
        async with self._observing(selection, SwitchEvents(selection, self._stream_end)) as events:
            yield events

    @asynccontextmanager
    async def log_lines(self, level: LogLevel | int | str = "debug") -> AsyncIterator[LogLines]:
        """Read FreeSWITCH's log: ``async with switch.log_lines("warning") as lines``.

        Several readers share one ``log`` with the most verbose of their levels; the last one out says ``nolog``.

        Args:
            level: Lines of this level, and of those that are worse.

        Raises:
            LocalProtocolError: There is no such level.
            CommandRejected: This user may not read the log.
            Disconnected: There is no connection, or it ended.
        """
        wish = LogWish(log_level_of(level))
        async with self._reading_log(wish, LogLines(wish.level, self._stream_end)) as lines:
            yield lines


@asynccontextmanager
async def connect(
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
) -> AsyncIterator[Switch]:
    """A connection with the port that FreeSWITCH listens on, for the time of a block.

    ``async with connect("127.0.0.1", 8021, password="ClueCon") as switch``. Leaving the block says ``exit``. Nothing is
    ever said twice: if the connection ends, whatever waits raises ``Disconnected``, which tells how far its command had
    come. Left in order, the block waits until the calls have ended that were originated into handlers; an exception, or
    a cancellation, hangs them up.

    Args:
        host: Where FreeSWITCH listens (``listen-ip`` in event_socket.conf.xml).
        port: The port (``listen-port``).
        password: The port's password, or the user's (``esl-password`` in the directory).
        user: A user of the directory's, as ``1000`` or ``1000@example.com``; without one, ``auth`` is said.
        domain: The user's domain.
        event_format: How FreeSWITCH writes events. They are equal, but for what a format cannot say: plain and XML a
            ``%`` with two hex digits behind it in a value, XML an array that is no variable, or of one item, and a
            variable that is there twice.
        login_seconds: How long it may take until FreeSWITCH has let us in, in seconds.
        call_host: Where FreeSWITCH connects the calls that are originated into handlers: an address of this machine
            that FreeSWITCH reaches, so another than the default for a FreeSWITCH on another machine. It is listened on
            from the first such call on. The event socket knows no password; calls that were not placed here are
            hung up.
        call_port: The port there; 0 takes a free one.

    Raises:
        NoFreeSwitch: No FreeSWITCH listens there.
        AccessDenied: It turned us away by our address.
        AuthenticationFailed: It refused the password.
        LocalProtocolError: A password, user or domain cannot be said on the wire, the user has no domain, the port or
            another option is none, or ``call_host`` is no address that can be connected to.
    """
    listen = listening_at(call_host, call_port, switch=(host, port))
    opener = opener_of(host, port, password, user, domain, event_format, login_seconds)
    async with opened(opener, listen) as switch:
        yield switch


@asynccontextmanager
async def opened(opener: Opener, listen: CallListener | None = None) -> AsyncIterator[Switch]:
    """As ``connect``, however the connection comes about, and whoever listens for calls."""
    async with own_nursery() as nursery:
        hub = Hub(opener.peer)
        session = await opener.open(nursery, hub)
        try:
            async with landing_of(listen or listening_at()) as landing:
                yield Switch(opener, hub, session, landing)
        finally:
            await session.say_goodbye()
