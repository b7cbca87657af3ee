"""What takes a call: a handler, a program that speaks the socket itself, or a server on the network."""

from __future__ import annotations

import errno
import inspect
import os
import socket
from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias, cast, final

import trio

from ..handler import HandlerSource
from ..server import conduct_stream
from .logs import call_of_this_context
from .memory import MemoryStream, connected_pair
from .watch import Watch

__all__ = ["Server", "SocketApplication", "Target", "Targets", "is_socket_application"]

SocketApplication: TypeAlias = Callable[[trio.abc.Stream], Awaitable[None]]
"""A program that speaks the event socket itself."""
Server: TypeAlias = "HandlerSource | SocketApplication"
"""What can be served in memory."""
Target: TypeAlias = "Server | str"
"""What takes a call: what ``serve`` takes, a coroutine function that is given the connection, or an address."""


@final
class Targets:
    """The programs that take the connections of one call.

    Args:
        find_server: Who listens at an address: an address again stands for the network, None for nobody.
        nursery: Where they run.
    """

    def __init__(self, find_server: Callable[[str], Target | None], nursery: trio.Nursery) -> None:
        self._find_server = find_server
        self._nursery = nursery
        self.addresses: Final[set[str]] = set()
        """Where somebody was found in memory, as ``host:port``."""
        self.watch: Watch | None = None
        """Who is told what they raise."""
        self._running = 0
        self._done = trio.Event()

    async def connect(self, host: str, port: int) -> trio.abc.Stream:
        """Open a connection as FreeSWITCH would.

        Raises:
            OSError: Nobody listens there.
        """
        server = self._find_server(f"{host}:{port}")
        if server is None:
            raise ConnectionRefusedError(errno.ECONNREFUSED, os.strerror(errno.ECONNREFUSED))
        if isinstance(server, str):
            return await _connect_over_network(host, port)
        self.addresses.add(f"{host}:{port}")
        ours, theirs = connected_pair()
        self._running += 1
        self._nursery.start_soon(self._run, server, theirs)
        return ours

    async def _run(self, server: Server, stream: MemoryStream) -> None:
        call_of_this_context.set(self.watch)
        try:
            if is_socket_application(server):
                await self._run_application(cast("SocketApplication", server), stream)
            else:
                await conduct_stream(cast("HandlerSource", server), stream, self._blame)
        finally:
            # Nothing may wait here: a cancellation would take the place of what went wrong.
            stream.close()
            self._running -= 1
            if not self._running:
                self._done.set()

    async def _run_application(self, application: SocketApplication, stream: trio.abc.Stream) -> None:
        try:
            await application(stream)
        except Exception as exc:
            self._blame(exc)

    def _blame(self, error: BaseException) -> None:
        if self.watch is not None:
            self.watch.blame_handler(error)

    async def finished(self) -> None:
        """Wait until all of them have ended."""
        while self._running:
            self._done = trio.Event()
            await self._done.wait()


def is_socket_application(target: Target) -> bool:
    """Whether it is given the connection, and not a call."""
    return inspect.iscoroutinefunction(target)


async def _connect_over_network(host: str, port: int) -> trio.SocketStream:
    """Connect at once or not at all: FreeSWITCH does not try several addresses of a host side by side."""
    infos = await trio.socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    if not infos:
        raise OSError(f"{host} has no address")
    family, kind, proto, _, address = infos[0]
    sock = trio.socket.socket(family, kind, proto)
    try:
        await sock.connect(address)
    except BaseException:
        sock.close()
        raise
    return trio.SocketStream(sock)
