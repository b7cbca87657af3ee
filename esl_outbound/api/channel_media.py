"""How a channel's sound and picture travel."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, Literal

from ..arguments.checks import check_number, check_word, milliseconds
from ..errors import LocalProtocolError
from .base import ApiBase
from .words import check_channel, one_of, words_of

__all__ = ["ChannelMediaCommands"]

_MOST: Final = 2**31 - 1
# switch_parse_bandwidth_string() in switch_utils.h, and 1,024 times that, fit into 32 bits.
_MOST_KILOBITS: Final = 2_000_000
# check_jb() in switch_core_media.c takes all else for one packet.
_SHORTEST_BUFFER, _LONGEST_BUFFER = 0.01, 10.0
_REPLY: Final = re.compile(r"\+OK Command sent reply: \[(.*)\]", re.DOTALL)
# uuid_codec_param_function() says this where a codec has not replied.
_NO_REPLY: Final = "NOT SENT"
# uuid_video_refresh_function() says first what the channel is called, and how it does it now.
_REFRESHED: Final = re.compile(r"(?:.* video refresh now in (?:auto|manual) mode\.\n)?\+OK")


class ChannelMediaCommands(ApiBase):
    """How a channel's sound and picture travel."""

    __slots__ = ()

    async def uuid_media(self, channel_uuid: str, *, off: bool = False) -> None:
        """Let the sound of a bridge go through FreeSWITCH again, or past it.

        Runs ``uuid_media``: both sides are sent a re-INVITE.

        Args:
            channel_uuid: One of the two channels.
            off: Past it. Then nothing can be played, recorded or heard.

        Raises:
            NoSuchChannel: There is no such channel, any more.
            ApiFailed: FreeSWITCH cannot.
            LocalProtocolError: That can be no channel's UUID; nothing was sent.
        """
        check_channel(channel_uuid, options=("off",))
        await self._done("uuid_media", channel_uuid, before="off" if off else "")

    async def uuid_media_3p(self, channel_uuid: str, *, off: bool = False) -> None:
        """Let the sound of a bridge go through FreeSWITCH again, or past it, by third party call control.

        Runs ``uuid_media_3p``.

        Args:
            channel_uuid: One of the two channels.
            off: Past it. Then nothing can be played, recorded or heard.

        Raises:
            NoSuchChannel: There is no such channel, any more.
            ApiFailed: FreeSWITCH cannot.
            LocalProtocolError: That can be no channel's UUID; nothing was sent.
        """
        check_channel(channel_uuid, options=("off",))
        await self._done("uuid_media_3p", channel_uuid, before="off" if off else "")

    async def uuid_media_reneg(self, channel_uuid: str, codecs: Sequence[str] = (), *, both_legs: bool = False) -> None:
        """Negotiate a channel's codecs anew (SIP re-INVITE).

        Runs ``uuid_media_reneg``.

        Args:
            channel_uuid: The channel.
            codecs: Those that are offered, the best first, such as ``PCMA``, ``opus@48000h``; those that it has, if
                there are none.
            both_legs: On the channel that it talks to as well.

        Raises:
            NoSuchChannel: There is no such channel, any more.
            ApiFailed: FreeSWITCH cannot.
            LocalProtocolError: A codec's name is none, or that can be no channel's UUID; nothing was sent.
        """
        if check_channel(channel_uuid).startswith("+"):
            raise LocalProtocolError(f"channel_uuid is {channel_uuid!r}, which this command takes for something else")
        if isinstance(codecs, str):
            raise LocalProtocolError(f"codecs is {codecs!r}, and should be a list of names")
        text = ",".join(check_word(codec, "codec", without=",") for codec in codecs)
        # uuid_media_neg_function() takes a `+` before the UUID for both.
        command = f"uuid_media_reneg {'+' * both_legs}{channel_uuid}" + (f" {words_of('=' + text)}" if text else "")
        await self._checked(channel_uuid, command)

    async def uuid_jitterbuffer(
        self,
        channel_uuid: str,
        length: float | Literal["pause", "resume", "stop"],
        *,
        max_seconds: float | None = None,
    ) -> None:
        """Have what a channel says wait for late packets, or not.

        Runs ``uuid_jitterbuffer``.

        Args:
            channel_uuid: The channel.
            length: How long packets wait, 0.01 to 10 seconds; or what the buffer that there is, shall do.
            max_seconds: How long they may wait at most, if FreeSWITCH finds that they should; fifty times that if None.

        Raises:
            NoSuchChannel: There is no such channel, any more.
            ApiFailed: FreeSWITCH cannot.
            LocalProtocolError: Those are no lengths, or that can be no channel's UUID; nothing was sent.
        """
        if isinstance(length, str):
            text = one_of(length, "length", ("pause", "resume", "stop"))
            if max_seconds is not None:
                raise LocalProtocolError(f"max_seconds does not go with {length}")
        else:
            text = str(_buffer(length, "length", _SHORTEST_BUFFER))
            if max_seconds is not None:
                text += f":{_buffer(max_seconds, 'max_seconds', length)}"
        await self._done("uuid_jitterbuffer", channel_uuid, text)

    async def uuid_set_media_stats(self, channel_uuid: str) -> None:
        """Write a channel's RTP statistics into its variables (``rtp_audio_...``) now, and not only at its end.

        Runs ``uuid_set_media_stats``.

        Args:
            channel_uuid: The channel.

        Raises:
            NoSuchChannel: There is no such channel, any more.
            ApiFailed: FreeSWITCH refused.
            LocalProtocolError: That can be no channel's UUID; nothing was sent.
        """
        await self._done("uuid_set_media_stats", channel_uuid)

    async def uuid_debug_media(
        self,
        channel_uuid: str,
        direction: Literal["read", "write", "both", "vread", "vwrite", "vboth", "all"],
        *,
        on: bool,
    ) -> None:
        """Log each RTP packet of a channel, or no more.

        Runs ``uuid_debug_media``.

        Args:
            channel_uuid: The channel.
            direction: Those that come, those that go, or both; with ``v`` those of its picture; or all.
            on: Log them.

        Raises:
            NoSuchChannel: There is no such channel, any more.
            ApiFailed: FreeSWITCH cannot.
            LocalProtocolError: That is no direction, or can be no channel's UUID; nothing was sent.
        """
        one_of(direction, "direction", ("read", "write", "both", "vread", "vwrite", "vboth", "all"))
        await self._done("uuid_debug_media", channel_uuid, f"{direction} {'on' if on else 'off'}")

    # Codecs

    async def uuid_codec_debug(self, channel_uuid: str, media: Literal["audio", "video"], level: int) -> None:
        """Let a channel's codecs log what they do.

        Runs ``uuid_codec_debug``.

        Args:
            channel_uuid: The channel.
            media: Those of its sound, or of its picture.
            level: How much; 0 for nothing.

        Raises:
            NoSuchChannel: There is no such channel, any more.
            ApiFailed: FreeSWITCH refused.
            LocalProtocolError: An argument is out of bounds, or that can be no channel's UUID; nothing was sent.
        """
        one_of(media, "media", ("audio", "video"))
        number = check_number(level, "level", least=0, most=_MOST)
        await self._done("uuid_codec_debug", channel_uuid, f"{media} {number}")

    async def uuid_codec_param(
        self,
        channel_uuid: str,
        media: Literal["audio", "video"],
        direction: Literal["read", "write"],
        parameter: str,
        value: str,
    ) -> str | None:
        """Tell a channel's codec something that it alone understands.

        Runs ``uuid_codec_param``.

        Args:
            channel_uuid: The channel.
            media: That of its sound, or of its picture.
            direction: The one that decodes (``read``), or the one that encodes (``write``).
            parameter: What it is about.
            value: What it shall be.

        Returns:
            What the codec replied; None if it did not.

        Raises:
            NoSuchChannel: There is no such channel, any more.
            ApiFailed: FreeSWITCH refused.
            LocalProtocolError: An argument cannot be said, or that can be no channel's UUID; nothing was sent.
        """
        one_of(media, "media", ("audio", "video"))
        one_of(direction, "direction", ("read", "write"))
        if not parameter:
            raise LocalProtocolError("parameter is '', and should be a name")
        rest = words_of(media, direction, parameter, value)
        printed = await self._done("uuid_codec_param", channel_uuid, rest, success=_REPLY)
        reply = _REPLY.match(printed)
        return None if reply is None or reply[1] == _NO_REPLY else reply[1]

    # The picture

    async def uuid_video_refresh(self, channel_uuid: str, mode: Literal["auto", "manual"] | None = None) -> None:
        """Ask for a whole picture, and send one.

        Runs ``uuid_video_refresh``.

        Args:
            channel_uuid: The channel.
            mode: Ask for none now, but say whether FreeSWITCH is to ask of its own accord from now on.

        Raises:
            NoSuchChannel: There is no such channel, any more.
            ApiFailed: FreeSWITCH refused.
            LocalProtocolError: That is no mode, or can be no channel's UUID; nothing was sent.
        """
        rest = "" if mode is None else one_of(mode, "mode", ("auto", "manual"))
        await self._done("uuid_video_refresh", channel_uuid, rest, success=_REFRESHED)

    async def uuid_video_bitrate(self, channel_uuid: str, kilobits_per_second: int | Literal["clear"]) -> None:
        """Ask the other side to send its picture with so many bits.

        Runs ``uuid_video_bitrate``. FreeSWITCH itself asks no more from then on.

        Args:
            channel_uuid: The channel.
            kilobits_per_second: How many; ``clear`` lets FreeSWITCH ask for what it likes again.

        Raises:
            NoSuchChannel: There is no such channel, any more.
            ApiFailed: FreeSWITCH refused.
            LocalProtocolError: That is no such number, or can be no channel's UUID; nothing was sent.
        """
        await self._done("uuid_video_bitrate", channel_uuid, _kilobits(kilobits_per_second, "clear"))

    async def uuid_video_bandwidth(self, channel_uuid: str, kilobits_per_second: int | Literal["auto"]) -> None:
        """Send a channel its picture with so many bits.

        Runs ``uuid_video_bandwidth``.

        Args:
            channel_uuid: The channel.
            kilobits_per_second: How many; ``auto`` for as many as FreeSWITCH reckons are needed.

        Raises:
            NoSuchChannel: There is no such channel, any more.
            ApiFailed: FreeSWITCH refused.
            LocalProtocolError: That is no such number, or can be no channel's UUID; nothing was sent.
        """
        await self._done("uuid_video_bandwidth", channel_uuid, _kilobits(kilobits_per_second, "auto"))


def _buffer(seconds: float, name: str, least: float) -> int:
    number = milliseconds(seconds, name, least=least)
    if seconds > _LONGEST_BUFFER:
        raise LocalProtocolError(f"{name} is {seconds!r}, and should be at most {_LONGEST_BUFFER:g}")
    return number


def _kilobits(number: int | str, word: str) -> str:
    if isinstance(number, str):
        return one_of(number, "kilobits_per_second", (word,))
    return str(check_number(number, "kilobits_per_second", least=1, most=_MOST_KILOBITS))
