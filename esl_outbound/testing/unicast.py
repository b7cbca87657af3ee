"""The audio of a channel as UDP datagrams (``switch_ivr_activate_unicast()`` and ``switch_ivr_park()``)."""

from __future__ import annotations

import contextlib
import socket
from typing import TYPE_CHECKING, Final, final

import trio

from .frames import FRAME_SECONDS
from .happenings import Happening, Who
from .wire import Received, atoi

if TYPE_CHECKING:
    from .session import Session

__all__ = ["FRAME_BYTES", "Audio"]

FRAME_BYTES: Final = 320
"""20 ms of 16-bit samples at 8,000 hertz."""

_BYTES_A_SECOND: Final = 16_000
_LARGEST: Final = 8192  # SWITCH_RECOMMENDED_BUFFER_SIZE
# What is sent for a caller of whom nothing comes: each sample is -1.
_SILENCE: Final = b"\xff" * FRAME_BYTES
# A rectangle of 400 hertz, for a caller who speaks, when it is not said what.
_SPEECH: Final = (b"\x00\x10" * 10 + b"\x00\xf0" * 10) * (FRAME_BYTES // 40)
# Applications at whose end FreeSWITCH clears the session, and this with it (switch_core_session_reset()).
_CLEARING: Final = frozenset(
    {
        *("playback", "endless_playback", "loop_playback", "say", "speak", "phrase", "play_and_get_digits", "read"),
        *("record", "echo", "wait_for_silence", "detect_audio", "detect_silence", "bridge", "eavesdrop"),
    }
)


@final
class _Unicast:
    """One socket of the switch's, and the address to which it sends."""

    def __init__(self, own: trio.socket.SocketType, remote: tuple[str, int]) -> None:
        self.socket: Final = own
        self.remote: Final = remote
        self.receives: Final = trio.CancelScope()


@final
class Audio:
    """What a caller says and hears, as far as it goes through the program.

    Args:
        session: The channel's thread.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self.heard: Final = bytearray()
        """What came back from the program, all of it."""
        self._said = bytearray()
        self._says_until = 0.0
        self._unicast: _Unicast | None = None
        self._parked_with: _Unicast | None = None

    def say(self, pcm: bytes) -> float:
        """The caller says something from now on.

        Returns:
            How long that takes, in seconds.
        """
        self._said = bytearray(pcm)
        seconds = len(pcm) / _BYTES_A_SECOND
        self._says_until = trio.current_time() + seconds
        return seconds

    async def activate(self, message: Received) -> None:
        """Carry out ``sendmsg`` with ``unicast``. If it fails, nobody is told."""
        local = (message.get("local-ip") or "127.0.0.1", atoi(message.get("local-port") or "8025") & 0xFFFF)
        remote = (message.get("remote-ip") or "127.0.0.1", atoi(message.get("remote-port") or "8026") & 0xFFFF)
        if (message.get("transport") or "udp").lower() not in ("udp", "tcp"):
            return
        own = trio.socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            await own.bind(local)
        except (OSError, ValueError):
            own.close()
            channel = self._session.channel
            text = f"Failure creating unicast connection {local[0]}:{local[1]}->{remote[0]}:{remote[1]}"
            channel.log(2, text, ("switch_ivr.c", "switch_ivr_activate_unicast", 498))
            return
        self._unicast = unicast = _Unicast(own, remote)
        self._session.nursery.start_soon(self._send, unicast)

    def deactivate(self) -> None:
        """End it, if there is one."""
        unicast, self._unicast = self._unicast, None
        if unicast is not None:
            unicast.receives.cancel()
            unicast.socket.close()

    def application_ends(self, name: str) -> None:
        """An application is over; many of them clear the session."""
        if name in _CLEARING:
            self.deactivate()

    def park_ends(self) -> None:
        """The channel is not parked any more."""
        self.deactivate()
        self._parked_with = None

    async def _send(self, unicast: _Unicast) -> None:
        """While the channel is parked and nothing runs, send what the caller says, a frame at a time."""
        session = self._session
        with unicast.socket:
            while True:
                await session.frames.next()
                if self._unicast is not unicast or session.channel.hangup_cause is not None:
                    break
                if not session.is_controlled or session.executions.are_carried_out:
                    continue
                if not session.channel.has_media:
                    # It has not read a frame yet, and asserts that it has: all of FreeSWITCH aborts.
                    self._abort()
                    break
                if self._parked_with is None:
                    self._parked_with = unicast
                    session.nursery.start_soon(self._receive, unicast)
                elif self._parked_with is not unicast:
                    # The park holds on to the first one it had, whose socket is closed.
                    break
                try:
                    await unicast.socket.sendto(self._frame(), unicast.remote)
                except (OSError, ValueError):
                    break
            if self._unicast is unicast:
                self.deactivate()

    async def _receive(self, unicast: _Unicast) -> None:
        """Let the caller hear whatever comes, as it comes; a datagram with nothing in it ends that."""
        with unicast.receives, contextlib.suppress(trio.ClosedResourceError, OSError):
            while data := await unicast.socket.recv(_LARGEST):
                self.heard.extend(data)
                self._session.channel.story.wake()

    def _frame(self) -> bytes:
        now = trio.current_time()
        if self._said and now <= self._says_until + FRAME_SECONDS:
            frame = bytes(self._said[:FRAME_BYTES])
            del self._said[:FRAME_BYTES]
            return frame.ljust(FRAME_BYTES, b"\0")
        self._said.clear()
        return _SPEECH if now < self._session.speaks_until else _SILENCE

    def _abort(self) -> None:
        session = self._session
        session.channel.story.tell(Who.SWITCH, Happening.DIES)
        for listener in tuple(session.listeners):
            listener.connection.reset()
            listener.notify()
        session.channel.hang_up("SYSTEM_SHUTDOWN")
