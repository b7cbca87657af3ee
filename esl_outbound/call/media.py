"""The call's audio, heard and spoken by this program."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from ipaddress import AddressValueError, IPv4Address
from typing import TYPE_CHECKING, Final

import trio

from ..arguments.checks import check_number
from ..arguments.numbers import whole
from ..arguments.text import argument
from ..errors import ApplicationFailed, CallEnded, LocalProtocolError
from ..protocol import Unicast
from .audio import Audio, open_socket
from .base import CallBase
from .playing import terminators_scope

if TYPE_CHECKING:
    from .line import Line

__all__ = ["Media"]

_LARGEST: Final = 8192
_WITH_MEDIA: Final = frozenset({"answered", "early"})
# It is carried out at a frame, and the first datagram is sent at the next (switch_ivr_park()).
_FIRST_FRAME_SECONDS: Final = 2.0
_SHORTEST_SILENCE: Final = "silence_stream://20"


class Media(CallBase):
    """The call's audio, heard and spoken by this program."""

    @asynccontextmanager
    async def audio(
        self,
        *,
        local_ip: str = "127.0.0.1",
        local_port: int = 0,
        remote_ip: str = "127.0.0.1",
        remote_port: int = 0,
        bind_ip: str = "",
    ) -> AsyncIterator[Audio]:
        """Hear the caller, and speak to him, in frames of linear PCM, for as long as the block lasts.

        Sends ``sendmsg`` with ``unicast``: FreeSWITCH sends the caller's audio as UDP datagrams, one a frame, and
        plays to the caller what comes back. Nothing of it is encrypted: between two machines it wants a network of
        its own. A call that has no media yet is pre-answered. An application of ours that runs is waited for.

        FreeSWITCH gives a call's audio only while nothing else runs on the channel, and **once a call**: the end
        of an application that plays or records (``playback``, ``record``, ``bridge``, ...) ends it for good
        (``switch_core_session_reset()``), and so does the end of this block, by playing 20 ms of silence. ``set``
        and the like, and digits, do not disturb it. It cannot be had twice because ``switch_ivr_park()`` holds on to
        the first one.

        The addresses are of IPv4, for which alone FreeSWITCH has it (``switch_ivr_activate_unicast()``).

        Args:
            local_ip: FreeSWITCH's address, as it calls it: where it sends from, and listens.
            local_port: Its port, which must be free there. 0 is a free one of this machine, if ``local_ip`` is one of
                its addresses; of another machine it has to be said, a different one for each call at a time.
            remote_ip: Our address, as FreeSWITCH reaches it.
            remote_port: Our port; 0 is any.
            bind_ip: Our address, as we know it, if ``remote_ip`` is not on this machine (behind NAT, in a container).

        Raises:
            NotPermitted: The dialplan line does not say ``async``.
            ApplicationFailed: FreeSWITCH sent no audio; that its port is taken is told only in its log.
            LocalProtocolError: An address is none, a port is taken or unknown, or the call's audio was given
                before; nothing was sent.
            CallEnded: The call ended first.
        """
        line = self._line
        for ip, name in ((local_ip, "local_ip"), (remote_ip, "remote_ip"), (bind_ip or remote_ip, "bind_ip")):
            _check_ip(ip, name)
        check_number(local_port, "local_port", least=0, most=65535)
        check_number(remote_port, "remote_port", least=0, most=65535)
        await line.require_call()
        await line.require_async("the call's audio")
        if line.audio_was_given:
            raise LocalProtocolError("FreeSWITCH gives a call's audio only once")
        with await open_socket(bind_ip or remote_ip, remote_port, "remote_port") as ours:
            line.audio_was_given = True
            try:
                if not local_port:
                    await _free_port(local_ip)  # that there can be none is to be known before anything is sent
                await _have_media(line)
                local_port = local_port or await _free_port(local_ip)
                await ours.connect((local_ip, local_port))  # what comes from elsewhere is nothing to us
            except BaseException:
                line.audio_was_given = False
                raise
            try:
                await line.command(Unicast(local_ip, local_port, remote_ip, ours.getsockname()[1]))
                audio = await _first_frame(line, ours, f"{local_ip}:{local_port}")
                yield audio
                with suppress(CallEnded, ApplicationFailed):
                    await audio.flush()
            finally:
                # switch_ivr_play_file() clears the session at its end, and keeps the digits that wait there.
                await line.undo("playback", argument(_SHORTEST_SILENCE, scope=terminators_scope("")))


def _check_ip(ip: str, name: str) -> None:
    try:
        IPv4Address(ip)
    except AddressValueError as exc:
        raise LocalProtocolError(f"{name} is {ip!r}, and should be an IPv4 address") from exc


async def _free_port(local_ip: str) -> int:
    """A port that is free, if FreeSWITCH is on this machine.

    It may be taken before FreeSWITCH takes it, some 20 ms later; then there is no audio.
    """
    with await open_socket(local_ip, 0, "local_port has to be said:") as probe:
        port = probe.getsockname()[1]
        assert isinstance(port, int)
        return port


async def _have_media(line: Line) -> None:
    """See that there is something to hear, and that nothing else runs.

    Without media switch_ivr_park() asserts that it has read a frame, and the assertion takes all of FreeSWITCH down.

    Raises:
        ApplicationFailed: There is none.
    """
    await line.wait_idle()
    if line.channel.header("Answer-State") not in _WITH_MEDIA:
        completion = await line.execute("pre_answer")
        if completion.get("Answer-State") not in _WITH_MEDIA:
            raise ApplicationFailed("unicast", "", "needs media, and the channel has none")


async def _first_frame(line: Line, ours: trio.socket.SocketType, local: str) -> Audio:
    """Wait for the first frame, which tells how long frames are.

    Raises:
        ApplicationFailed: There is none.
        CallEnded: The call ended first.
    """
    first = b""
    with trio.move_on_after(_FIRST_FRAME_SECONDS):
        while not first:
            first = await ours.recv(_LARGEST)
    if not first:
        await line.require_call()
        line.audio_was_given = False
        raise ApplicationFailed("unicast", "", f"brought no audio from {local}: is that port taken?")
    rate = whole(line.channel.variables.get("read_rate") or line.channel.header("Channel-Read-Codec-Rate"))
    if not rate:
        raise ApplicationFailed("unicast", "", "brought audio of a sample rate that FreeSWITCH does not tell")
    return Audio(line, ours, first, rate)
