"""A connection in memory that behaves as a TCP connection does, its bad ends included."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Final, final

import trio

__all__ = ["MemoryStream", "connected_pair"]

_WINDOW_BYTES: Final = 256 * 1024
"""How much is under way before a sender waits for the receiver."""


@final
class _Pipe:
    """One direction."""

    def __init__(self) -> None:
        self.data: Final = bytearray()
        self.is_ended = False
        """Nothing more comes."""
        self.is_refused = False
        """Nobody reads any more."""
        self.is_reset = False
        self.segment_bytes: int | None = None
        """How much is received at once at most."""
        self._changed: trio.Event | None = None

    def wake(self) -> None:
        if self._changed is not None:
            self._changed.set()
            self._changed = None

    async def changed(self) -> None:
        if self._changed is None:
            self._changed = trio.Event()
        await self._changed.wait()


@final
class MemoryStream(trio.abc.HalfCloseableStream):
    """One end of a connection in memory."""

    def __init__(self, incoming: _Pipe, outgoing: _Pipe) -> None:
        self._incoming = incoming
        self._outgoing = outgoing
        self._is_closed = False
        self._busy: Final[list[_Pipe]] = []

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send; waits while the other end does not read."""
        with self._alone(self._outgoing, "sends"):
            await trio.lowlevel.checkpoint()
            await self._send(data)

    async def _send(self, data: bytes | bytearray | memoryview) -> None:
        pipe = self._outgoing
        self._check(pipe)
        rest = memoryview(bytes(data))
        while rest:
            self._check(pipe)
            room = _WINDOW_BYTES - len(pipe.data)
            if room > 0:
                pipe.data.extend(rest[:room])
                rest = rest[room:]
                pipe.wake()
            else:
                await pipe.changed()

    @contextlib.contextmanager
    def _alone(self, pipe: _Pipe, does: str) -> Iterator[None]:
        """One task at a time."""
        if pipe in self._busy:
            raise trio.BusyResourceError(f"another task {does} on this stream")
        self._busy.append(pipe)
        try:
            yield
        finally:
            self._busy.remove(pipe)

    def split(self) -> None:
        """Let every byte that is sent from here be received by itself."""
        self._outgoing.segment_bytes = 1

    def _check(self, pipe: _Pipe) -> None:
        if self._is_closed:
            raise trio.ClosedResourceError("this end is closed")
        if pipe.is_reset or pipe.is_refused:
            raise trio.BrokenResourceError("the other end is gone") from ConnectionResetError()
        if pipe.is_ended:
            raise trio.ClosedResourceError("this end has said that it sends nothing more")

    async def wait_send_all_might_not_block(self) -> None:
        """Wait until there is room."""
        pipe = self._outgoing
        with self._alone(pipe, "sends"):
            await trio.lowlevel.checkpoint()
            while len(pipe.data) >= _WINDOW_BYTES and not (pipe.is_reset or pipe.is_refused or self._is_closed):
                await pipe.changed()
            self._check(pipe)

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """Receive what is there; empty at the end."""
        if max_bytes is not None and not isinstance(max_bytes, int):
            raise TypeError("max_bytes is a number of bytes")
        if max_bytes is not None and max_bytes < 1:
            raise ValueError("max_bytes must be at least 1")
        with self._alone(self._incoming, "receives"):
            await trio.lowlevel.checkpoint()
            return await self._receive(max_bytes)

    async def _receive(self, max_bytes: int | None) -> bytes:
        pipe = self._incoming
        while True:
            if self._is_closed:
                raise trio.ClosedResourceError("this end is closed")
            if pipe.is_reset:
                raise trio.BrokenResourceError("the other end reset the connection") from ConnectionResetError()
            if pipe.data:
                count = min(max_bytes or len(pipe.data), pipe.segment_bytes or len(pipe.data))
                data = bytes(pipe.data[:count])
                del pipe.data[:count]
                pipe.wake()
                return data
            if pipe.is_ended:
                return b""
            await pipe.changed()

    async def send_eof(self) -> None:
        """Say that nothing more will be sent."""
        with self._alone(self._outgoing, "sends"):
            await trio.lowlevel.checkpoint()
            if self._is_closed:
                raise trio.ClosedResourceError("this end is closed")
            self._outgoing.is_ended = True
            self._outgoing.wake()

    async def aclose(self) -> None:
        """Close, as a process does that ends in order."""
        self.close()
        await trio.lowlevel.checkpoint()

    def close(self) -> None:
        """Close at once."""
        if self._is_closed:
            return
        self._is_closed = True
        self._outgoing.is_ended = True
        self._incoming.is_refused = True
        self._outgoing.wake()
        self._incoming.wake()

    def reset(self) -> None:
        """Break the connection: what is under way is lost."""
        self._is_closed = True
        for pipe in (self._incoming, self._outgoing):
            pipe.is_reset = True
            pipe.data.clear()
            pipe.wake()


def connected_pair() -> tuple[MemoryStream, MemoryStream]:
    """The two ends of a new connection."""
    one, other = _Pipe(), _Pipe()
    return MemoryStream(one, other), MemoryStream(other, one)
