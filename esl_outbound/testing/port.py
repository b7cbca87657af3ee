"""The port that FreeSWITCH listens on: who is let in, and who is there (``mod_event_socket_runtime()``)."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator, Sequence
from ipaddress import ip_address, ip_network
from typing import Final, final

import trio

from ..client.opening import OpenStream
from .connection import Faults
from .core import Core
from .inbound import InboundListener
from .memory import connected_pair
from .permissions import User
from .session import Session

__all__ = ["Doors", "Port", "check_networks"]

_LOOPBACK: Final = ("127.0.0.0/8", "::1/128")
_SHUT_DOWN: Final = "The system is being shut down.\n"
_UNLOADING_SECONDS: Final = 0.1
_FIRST_PORT_OF_OTHERS: Final = 40000


@final
class Doors:
    """Who is let in (``event_socket.conf.xml`` and the directory)."""

    def __init__(self) -> None:
        self.password = "ClueCon"
        self.users: Final[dict[str, User]] = {}
        """By ``user@domain``."""
        self.networks: Sequence[str] = _LOOPBACK

    def let_in(self, address: str) -> bool:
        """Whether an address may talk to us at all (``apply-inbound-acl``)."""
        return any(ip_address(address) in ip_network(network) for network in self.networks)


def check_networks(networks: Sequence[str]) -> None:
    """Refuse what is no list of networks.

    Raises:
        TypeError: It is one text.
        ValueError: One is no network.
    """
    if isinstance(networks, str):
        raise TypeError(f"networks stand in a list, not in {networks!r}")
    for network in networks:
        ip_network(network)


@final
class Port:
    """The port, and the connections that came by it.

    Args:
        core: The switch.
    """

    def __init__(self, core: Core) -> None:
        self.doors: Final = Doors()
        self._core: Final = core
        self._connections: Final[list[InboundListener]] = []
        self._sockets: Final[list[trio.SocketListener]] = []
        self._others = 0
        self._comes_up = trio.Event()
        self._comes_up.set()

    @property
    def is_up(self) -> bool:
        """Whether anybody listens."""
        return self._comes_up.is_set()

    @is_up.setter
    def is_up(self, is_up: bool) -> None:
        if is_up:
            self._comes_up.set()
        elif self.is_up:
            self._comes_up = trio.Event()
            for listener in self._sockets:
                listener.socket.close()

    def new_address(self) -> str:
        """An address, ``host:port``, at which some program's own port is, in memory."""
        self._others += 1
        return f"127.0.0.1:{_FIRST_PORT_OF_OTHERS + self._others}"

    # Those who come

    @contextlib.contextmanager
    def in_memory(self, nursery: trio.Nursery, faults: Faults) -> Iterator[OpenStream]:
        """Take connections in memory for the time of a block; gives what makes one, or raises OSError."""
        # Whoever was started in the block has that opener for as long as he runs.
        is_open = True

        async def open_stream() -> trio.abc.Stream:
            await trio.lowlevel.checkpoint()
            if not self.is_up or not is_open:
                raise ConnectionRefusedError(errno.ECONNREFUSED, os.strerror(errno.ECONNREFUSED))
            ours, theirs = connected_pair()
            nursery.start_soon(self._serve, ours, "127.0.0.1", nursery, faults)
            return theirs

        try:
            yield open_stream
        finally:
            is_open = False

    async def listen(
        self,
        host: str,
        port: int,
        nursery: trio.Nursery,
        faults: Faults,
        *,
        task_status: trio.TaskStatus[tuple[str, int]] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Take connections by TCP, whenever the port is up; tells the address."""
        listener = await _listener_at(host, port)
        port = listener.socket.getsockname()[1]
        task_status.started((host, port))
        while True:
            if self.is_up:
                with self._open_while_up(listener):
                    while True:
                        stream = await listener.accept()
                        address = stream.socket.getpeername()[0]
                        nursery.start_soon(self._serve, stream, address, nursery, faults)
            listener.socket.close()
            await self._comes_up.wait()
            listener = await _listener_at(host, port)

    @contextlib.contextmanager
    def _open_while_up(self, listener: trio.SocketListener) -> Iterator[None]:
        self._sockets.append(listener)
        try:
            yield
        except trio.ClosedResourceError:
            # Somebody took the port down.
            pass
        finally:
            self._sockets.remove(listener)
            listener.socket.close()

    async def _serve(self, stream: trio.abc.Stream, address: str, nursery: trio.Nursery, faults: Faults) -> None:
        listener = InboundListener(self._core, self.doors, stream, address, nursery=nursery, faults=faults)
        self._connections.append(listener)
        try:
            await listener.run()
        finally:
            self._connections.remove(listener)

    # What is done to them

    def break_connections(self) -> None:
        """Break all connections, as a crash does."""
        for listener in tuple(self._connections):
            listener.connection.reset()
            listener.notify()

    def die(self) -> None:
        """Break all connections, and take no more."""
        self.is_up = False
        self.break_connections()

    async def shut_down_after(self, sessions: Sequence[Session]) -> None:
        """Once these are over, close all connections in order, and take no more (``mod_event_socket_shutdown()``)."""
        for session in sessions:
            await session.over.wait()
        # The modules are unloaded later than that.
        await trio.sleep(_UNLOADING_SECONDS)
        self.is_up = False
        for listener in tuple(self._connections):
            listener.end(_SHUT_DOWN)


async def _listener_at(host: str, port: int) -> trio.SocketListener:
    return (await trio.open_tcp_listeners(port, host=host))[0]
