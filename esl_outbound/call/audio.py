"""The audio of a call, as frames of samples."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Final, final

import trio

from ..errors import ApplicationFailed, CallEnded, LocalProtocolError

if TYPE_CHECKING:
    from .line import Line

__all__ = ["Audio", "open_socket"]

# switch_ivr_park() and unicast_thread_run() have room for so much (SWITCH_RECOMMENDED_BUFFER_SIZE).
_LARGEST: Final = 8192
_SAMPLE_BYTES: Final = 2
# Frames are sent so much earlier than they are due, lest a late one be heard as a gap.
_AHEAD_SECONDS: Final = 0.06
# FreeSWITCH sends fifty frames a second, whatever the caller does.
_SILENT_SECONDS: Final = 1.0
_AT_ONCE_SECONDS: Final = 0.01
_OVER: Final = "gives no audio any more: FreeSWITCH ends it at the end of an application that plays or records"


@final
class Audio:
    """The audio of a call, as ``async with self.audio() as audio`` gives it.

    All of it is linear PCM: signed samples of 16 bits, little-endian, one channel. ``async for frame in audio``
    hears the caller, and ends with the call; ``write()`` speaks.
    """

    __slots__ = (
        "_due",
        "_first",
        "_is_over",
        "_line",
        "_rest",
        "_socket",
        "_writes",
        "frame_bytes",
        "frame_seconds",
        "sample_rate",
    )

    def __init__(self, line: Line, ours: trio.socket.SocketType, first: bytes, sample_rate: int) -> None:
        self._line = line
        self._socket = ours
        self._first = first
        self._rest = b""
        self._due = 0.0
        self._is_over = False
        self._writes = trio.Lock()
        self.sample_rate: Final = sample_rate
        """Samples a second, as ``read_rate`` reports it."""
        self.frame_bytes: Final = len(first)
        """How long a frame is, as FreeSWITCH sends them."""
        self.frame_seconds: Final = len(first) / _SAMPLE_BYTES / sample_rate
        """The same in seconds; most often 0.02."""

    def __repr__(self) -> str:
        return f"<Audio at {self.sample_rate} Hz in frames of {self.frame_bytes} bytes>"

    @property
    def is_over(self) -> bool:
        """Whether nothing is heard and said any more, as far as that was noticed."""
        return self._is_over or self._line.ending is not None

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        try:
            return await self.read()
        except CallEnded:
            raise StopAsyncIteration from None

    async def read(self) -> bytes:
        """The next frame of what the caller says.

        While the telephone sends nothing, FreeSWITCH sends frames all the same, in which every sample is -1.
        Frames that nobody reads wait in the socket's buffer, some seconds of them; when that is full, new ones
        are lost. While an application runs there are none.

        Raises:
            CallEnded: The call is over; noticed up to a second later, if nobody cancels the waiting.
            ApplicationFailed: FreeSWITCH has ended it.
        """
        if self._first:
            await trio.lowlevel.checkpoint()
            frame, self._first = self._first, b""
            return frame
        line = self._line
        quiet = 0
        while quiet < 2:
            await self._require_audio()
            with trio.move_on_after(_SILENT_SECONDS):
                if frame := await self._receive():
                    return frame
            before = trio.current_time()
            await line.wait_idle()
            quiet = quiet + 1 if trio.current_time() - before < _AT_ONCE_SECONDS else 0
        await self._require_audio()
        raise self._ended()

    async def write(self, pcm: bytes) -> None:
        """Let the caller hear samples, as many as there are, and return when the last frame of them is sent.

        FreeSWITCH passes on what it gets when it gets it (``unicast_thread_run()``), so frames are sent one by
        one as they are due, at most 0.06 seconds early. What is left of a frame waits for the next ``write()``,
        or for ``flush()``. What a cancelled ``write()`` had not sent yet is not heard.

        Args:
            pcm: The samples.

        Raises:
            CallEnded: The call is over.
            ApplicationFailed: FreeSWITCH has ended it, and told so.
        """
        async with self._writes:
            await self._require_audio()
            data = self._rest + pcm
            self._rest = b""
            whole = len(data) - len(data) % self.frame_bytes
            for at in range(0, whole, self.frame_bytes):
                await self._send(data[at : at + self.frame_bytes])
            self._rest = data[whole:]

    async def flush(self) -> None:
        """Send what is left of a frame, with silence behind it, and wait until all that was written is heard.

        Raises:
            CallEnded: The call is over.
            ApplicationFailed: FreeSWITCH has ended it, and told so.
        """
        async with self._writes:
            await self._require_audio()
            rest, self._rest = self._rest, b""
            if rest:
                await self._send(rest.ljust(self.frame_bytes, b"\0"))
            await trio.sleep_until(max(self._due, trio.current_time()))

    async def _require_audio(self) -> None:
        await self._line.require_call()
        if self._is_over:
            await trio.lowlevel.checkpoint()
            raise self._ended()

    def _ended(self) -> ApplicationFailed:
        self._is_over = True
        return ApplicationFailed("unicast", "", _OVER)

    async def _receive(self) -> bytes:
        try:
            return await self._socket.recv(_LARGEST)
        except OSError as exc:
            # Nobody listens there any more, and what we wrote came back so.
            raise await self._refused() from exc

    async def _send(self, frame: bytes) -> None:
        await trio.sleep_until(self._due - _AHEAD_SECONDS)
        await self._line.require_call()
        try:
            await self._socket.send(frame)
        except OSError as exc:
            raise await self._refused() from exc
        self._due = max(self._due, trio.current_time()) + self.frame_seconds

    async def _refused(self) -> CallEnded | ApplicationFailed:
        """Its end may be the call's, of which the event is still on its way."""
        with trio.move_on_after(_SILENT_SECONDS):
            await self._line.ended.wait()
        return self._line.end_error() or self._ended()


async def open_socket(bind_ip: str, port: int, name: str) -> trio.socket.SocketType:
    """A UDP socket at an address of ours; port 0 is any.

    Raises:
        LocalProtocolError: There is no such address here, or the port is taken.
    """
    ours = trio.socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        await ours.bind((bind_ip, port))
    except OSError as exc:
        ours.close()
        raise LocalProtocolError(f"{name} {bind_ip}:{port} cannot be used on this machine: {exc.strerror}") from exc
    except BaseException:
        ours.close()
        raise
    return ours
