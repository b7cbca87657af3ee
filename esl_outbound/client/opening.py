"""How a connection with the port that FreeSWITCH listens on comes about."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from contextvars import ContextVar
from typing import Final, TypeAlias, final

import attrs
import trio

from ..arguments.checks import check_number
from ..errors import LocalProtocolError, NoFreeSwitch
from ..handler import HandlerSource
from ..link import keep_alive
from ..protocol import Auth, EventFormat, UserAuth
from .hub import Hub
from .session import Session

__all__ = [
    "CallListener",
    "OpenStream",
    "Opener",
    "call_listeners",
    "credentials_of",
    "open_tcp",
    "opener_of",
    "stream_openers",
]

OpenStream: TypeAlias = Callable[[], Awaitable[trio.abc.Stream]]

stream_openers: Final[ContextVar[dict[tuple[str, int], OpenStream] | None]] = ContextVar(
    "esl_outbound.client.stream_openers", default=None
)
"""Addresses that stand for something else than the network: the test kit puts its simulated switches here."""

CallListener: TypeAlias = Callable[[HandlerSource], AbstractAsyncContextManager[str]]
"""Serves the calls that a FreeSWITCH connects to us for the time of a block; gives the address for its ``socket``.

Leaving the block in order waits until the calls have ended; leaving it by an exception hangs them up."""

call_listeners: Final[ContextVar[dict[tuple[str, int], CallListener] | None]] = ContextVar(
    "esl_outbound.client.call_listeners", default=None
)
"""Who serves the calls that a FreeSWITCH at such an address connects to us, if no port of ours does: the test kit."""


@final
@attrs.frozen
class Opener:
    """Opens connections with one FreeSWITCH, as the same user."""

    peer: str
    """Its address, for log lines and errors."""
    open_stream: OpenStream = attrs.field(repr=False)
    credentials: Auth | UserAuth
    event_format: EventFormat
    seconds: float
    """How long it may take until we are let in."""

    async def open(self, nursery: trio.Nursery, hub: Hub) -> Session:
        """Open a connection, which is read in ``nursery``, and log in.

        Raises:
            NoFreeSwitch: No FreeSWITCH listens there.
            AccessDenied: It turned us away by our address.
            AuthenticationFailed: It refused the password.
        """
        session: Session | None = None
        let_in = False
        with trio.move_on_after(self.seconds):
            try:
                session = await self._connected(hub)
                nursery.start_soon(session.read)
                await session.log_in(self.credentials)
                let_in = True
            finally:
                if session is not None and not let_in:
                    session.close()
        if session is None or not let_in:
            raise NoFreeSwitch(self.peer, f"it did not let us in within {self.seconds:g} s")
        return session

    async def _connected(self, hub: Hub) -> Session:
        try:
            stream = await self.open_stream()
        except OSError as exc:
            raise NoFreeSwitch(self.peer, exc.strerror or str(exc)) from exc
        return Session(stream, hub, self.peer)


def open_tcp(host: str, port: int) -> OpenStream:
    """Connect there by TCP, or to what the test kit has put in that place."""

    async def open_stream() -> trio.abc.Stream:
        found = (stream_openers.get() or {}).get((host, port))
        if found is not None:
            return await found()
        try:
            stream = await trio.open_tcp_stream(host, port)
        except OSError as exc:
            # Of several addresses of a name each has its own reason; the first is the one to be told.
            if isinstance(exc.__cause__, ExceptionGroup):
                first = exc.__cause__.exceptions[0]
                if isinstance(first, OSError) and first.errno is not None:
                    raise OSError(first.errno, os.strerror(first.errno)) from exc
            raise
        except UnicodeError as exc:  # of the codec "idna"
            raise OSError("that is no host's name") from exc
        keep_alive(stream.socket)
        return stream

    return open_stream


def credentials_of(password: str, user: str | None, domain: str | None) -> Auth | UserAuth:
    """What we say to be let in.

    Raises:
        LocalProtocolError: It cannot be said on the wire, or the user has no domain, or two.
        TypeError: There is a domain and no user.
    """
    if user is None:
        if domain is not None:
            raise TypeError("a domain needs its user")
        credentials: Auth | UserAuth = Auth(password)
    else:
        name, _, in_name = user.partition("@")
        if domain and in_name and domain != in_name:
            raise LocalProtocolError(f"user is {user!r}, and domain is {domain!r}: there should be one domain")
        if not (domain or in_name):
            raise LocalProtocolError(f"user is {user!r}, and should have a domain: '{name}@example.com'")
        credentials = UserAuth(name, domain or in_name, password)
    credentials.encode()
    return credentials


def opener_of(
    host: str,
    port: int,
    password: str,
    user: str | None,
    domain: str | None,
    event_format: EventFormat,
    login_seconds: float,
) -> Opener:
    """What opens connections with the FreeSWITCH that listens there.

    Raises:
        LocalProtocolError: A password, user or domain cannot be said on the wire, the user has no domain or two, or
            the port, the format or the time is none.
        TypeError: There is a domain and no user.
    """
    # Of a greater one the system takes the rest, and somebody else would be told the password.
    check_number(port, "port", least=1, most=65535)
    if event_format not in EventFormat.__members__.values():
        raise LocalProtocolError(f"event_format is {event_format!r}, and should be {', '.join(EventFormat)}")
    if not login_seconds > 0:
        raise LocalProtocolError(f"login_seconds is {login_seconds!r}, and should be more than 0")
    peer = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    return Opener(
        peer, open_tcp(host, port), credentials_of(password, user, domain), EventFormat(event_format), login_seconds
    )
