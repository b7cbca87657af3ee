"""FreeSWITCH's end of a connection, and what can go wrong on it."""

from __future__ import annotations

import contextlib
import socket
import struct
from typing import Final, final

import attrs
import trio

from .memory import MemoryStream

__all__ = ["Connection", "Faults"]

_GLUE_SECONDS: Final = 0.02


@final
@attrs.frozen
class Faults:
    """What goes wrong in a call from its start, for ``phone.dial(..., faults=Faults(...))``.

    Faults of a moment are methods of ``caller.connection``.
    """

    split: bool = False
    """Every byte comes in a segment of its own."""
    glue: bool = False
    """What FreeSWITCH says within 20 ms comes in one segment."""
    event_delay: float = 0.0
    """Seconds by which events come late, behind what was said meanwhile."""
    dispatch_lag: float = 0.0
    """Seconds for which an event waits before it is compared with what was subscribed to: events that were fired
    before the subscription come after it."""
    lost_events: frozenset[str] = frozenset()
    """Names of events that never come, such as CHANNEL_HANGUP_COMPLETE."""
    notice_before_hangup: bool = False
    """The linger notice comes before CHANNEL_HANGUP and all that follows it."""
    hang_up_with_reply_to: str = ""
    """The caller hangs up in the same instant in which a command that begins like this is answered for the first
    time, such as ``api`` or ``sendmsg``."""


@final
class Connection:
    """FreeSWITCH's end of the connection to the application.

    Args:
        stream: What carries it.
        faults: What goes wrong from the start.
        nursery: Where delayed writing goes on.
    """

    def __init__(self, stream: trio.abc.Stream, faults: Faults, nursery: trio.Nursery) -> None:
        self._stream = stream
        self._faults = faults
        self._nursery = nursery
        self._glued = bytearray()
        self._reads = trio.Event()
        self._reads.set()
        self._lock = trio.Lock()
        self.is_dead = False
        """Nothing more can be said: it was reset, or the switch is dead."""
        self._is_mute = False
        self._sends_bytes = faults.split
        if faults.split and isinstance(stream, MemoryStream):
            stream.split()
            self._sends_bytes = False

    # What a test does to it

    def reset(self) -> None:
        """Reset the connection, as a crash does; what was not received is lost."""
        self.is_dead = True
        self._reads.set()
        stream = self._stream
        if isinstance(stream, MemoryStream):
            stream.reset()
        elif isinstance(stream, trio.SocketStream) and stream.socket.fileno() != -1:
            # SO_LINGER with no time makes close() send a RST.
            stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            stream.socket.close()

    async def half_close(self) -> None:
        """Send nothing more, and go on reading."""
        self._is_mute = True
        if isinstance(self._stream, trio.abc.HalfCloseableStream):
            # Once it is closed or broken there is nothing left to end.
            with contextlib.suppress(trio.BrokenResourceError, trio.ClosedResourceError, OSError):
                async with self._lock:
                    await self._stream.send_eof()

    async def send_garbage(self, data: bytes) -> None:
        """Send bytes that are no event socket's."""
        await self._write(data)

    def stop_reading(self) -> None:
        """Read no commands until ``resume_reading()``."""
        self._reads = trio.Event()

    def resume_reading(self) -> None:
        """Read again."""
        self._reads.set()

    # What FreeSWITCH does with it

    async def receive(self) -> bytes:
        """What the application says; empty at the end, whichever way it came."""
        try:
            data = bytes(await self._stream.receive_some(65536))
        except (trio.BrokenResourceError, trio.ClosedResourceError, OSError):
            data = b""
        await self._reads.wait()
        return data

    async def send(self, data: bytes) -> None:
        """Say something; nobody is told if the application is gone."""
        if self._faults.glue:
            if not self._glued:
                self._nursery.start_soon(self._send_glued)
            self._glued += data
        elif self._sends_bytes:
            await self._write(*(data[at : at + 1] for at in range(len(data))))
        else:
            await self._write(data)

    async def _send_glued(self) -> None:
        await trio.sleep(_GLUE_SECONDS)
        await self.flush()

    async def flush(self) -> None:
        """Say what is held back."""
        data = bytes(self._glued)
        self._glued.clear()
        if data:
            await self._write(data)

    async def _write(self, *segments: bytes) -> None:
        if self.is_dead or self._is_mute:
            return
        try:
            async with self._lock:
                for segment in segments:
                    await self._stream.send_all(segment)
        except (trio.BrokenResourceError, trio.ClosedResourceError, OSError):
            self.is_dead = True

    async def close(self) -> None:
        """Close it."""
        try:
            await self.flush()
        finally:
            await trio.aclose_forcefully(self._stream)
