"""One task that reads the sockets of all calls.

A task for each socket would wait for it through the event loop: a system call
to arm it, a turn of the scheduler to wake its task, for every segment that comes. Here all
sockets are armed once, in an epoll of their own, and one turn reads all that have something. On the call of
``tests/benchmarks`` that takes four fifths of the processor time, and of a held call's memory, of a task for each.
"""

from __future__ import annotations

import select
from typing import Final, final

import trio

from .link import Link

__all__ = ["CAN_READ_SOCKETS", "SocketReader"]

CAN_READ_SOCKETS: Final = hasattr(select, "epoll")
"""Whether this system has what it takes; elsewhere a socket is read like any other stream."""

# How many sockets have a turn before the handlers have theirs.
_SOCKETS_A_TURN: Final = 256


@final
class SocketReader:
    """Reads from every link that was added, each a chunk at a time, until it ends."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._links: dict[int, Link] = {}
        self._empty: trio.Event | None = None

    def add(self, link: Link) -> None:
        """Read from a link's socket from now on. Its ``listen`` was given ``forget``."""
        self._epoll.register(link.socket_fd, select.EPOLLIN)
        self._links[link.socket_fd] = link

    def forget(self, fd: int) -> None:
        """A socket is about to be closed."""
        # Closing alone takes it out of the epoll only if no forked child holds it too.
        if self._links.pop(fd, None) is not None:
            self._epoll.unregister(fd)
        if self._empty is not None and not self._links:
            self._empty.set()

    async def wait_empty(self) -> None:
        """Wait until all links have ended."""
        while self._links:
            self._empty = trio.Event()
            await self._empty.wait()

    @trio.lowlevel.enable_ki_protection
    async def run(self) -> None:
        """Read, until cancelled."""
        links = self._links
        with self._epoll as epoll:
            while True:
                await trio.lowlevel.wait_readable(epoll.fileno())
                for fd, _ in epoll.poll(0, _SOCKETS_A_TURN):
                    link = links.get(fd)
                    if link is not None:
                        link.read_now()
