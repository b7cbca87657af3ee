"""The call's media: codecs, jitter buffer, volume, silence."""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import StrEnum
from typing import Final

from ..arguments.checks import check_number, milliseconds
from ..errors import ApplicationFailed, LocalProtocolError
from .base import CallBase
from .variable_commands import export_commands, set_command, unset_command

__all__ = ["AudioDirection", "Tuning"]

# Such as PCMU, opus@48000h@20i@2c, mod_spandsp.G722@8000h (switch_parse_codec_buf() in switch_loadable_module.c).
_CODEC: Final = re.compile(r"[A-Za-z0-9_.-]+(@[A-Za-z0-9]+)*")
# check_jb() in switch_core_media.c takes anything else for one packet.
_SHORTEST_BUFFER: Final = 0.01
_LONGEST_BUFFER: Final = 10.0
_MOST_LEVEL: Final = 4  # switch_ivr_session_audio() in switch_ivr_async.c


class AudioDirection(StrEnum):
    """Whose voice is meant."""

    READ = "read"
    """What the caller says."""
    WRITE = "write"
    """What the caller hears."""
    BOTH = "both"


class Tuning(CallBase):
    """The call's media: codecs, jitter buffer, volume, silence."""

    # Codecs

    async def filter_codecs(self, codecs: Sequence[str]) -> None:
        """Let the caller's call use only some of the codecs that he offers; before there is any media.

        Runs ``filter_codecs``.

        Args:
            codecs: Their names, the preferred one first, such as ``["opus@48000h", "PCMU"]``.

        Raises:
            ApplicationFailed: The caller offered nothing that could be filtered, as on a loopback channel.
            LocalProtocolError: A name is no codec's, or there is none; nothing was sent.
            CallEnded: The call ended first.
        """
        text = _codec_string(codecs)
        if not text:
            raise LocalProtocolError("there are no codecs to choose from")
        line = self._line
        completion = await line.execute("filter_codecs", text, after=(unset_command(line, ["filter_codec_string"]),))
        # filter_codecs_function() in mod_dptools.c sets it, unless there is no SDP of the caller's.
        if completion.variables.get("filter_codec_string") is None:
            raise ApplicationFailed("filter_codecs", text, "found no offer of the caller's")

    async def set_codecs(self, codecs: Sequence[str]) -> None:
        """Say which codecs this call may use; before there is any media.

        Runs ``set`` on ``absolute_codec_string``.

        Args:
            codecs: Their names, the preferred one first; none takes it back.

        Raises:
            LocalProtocolError: A name is no codec's; nothing was sent.
            CallEnded: The call ended first.
        """
        await self._line.run_all([set_command(self._line, "absolute_codec_string", _codec_string(codecs))])

    async def set_bridge_codecs(self, codecs: Sequence[str]) -> None:
        """Say which codecs are offered to those whom a bridge calls.

        Runs ``export`` with ``nolocal`` on ``absolute_codec_string``. Without it FreeSWITCH offers those of its
        profile, the caller's first.

        Args:
            codecs: Their names, the preferred one first; none takes it back.

        Raises:
            LocalProtocolError: A name is no codec's; nothing was sent.
            CallEnded: The call ended first.
        """
        variables = {"absolute_codec_string": _codec_string(codecs)}
        await self._line.run_all(export_commands(self._line, variables, nolocal=True))

    # Jitter buffer

    async def start_jitterbuffer(self, seconds: float, *, max_seconds: float = 0) -> None:
        """Buffer what the caller says, against packets that come late or in disorder; there has to be media.

        Runs ``jitterbuffer``. Where there is no RTP, nothing happens, and FreeSWITCH does not tell.

        Args:
            seconds: How much is buffered, 0.01 to 10.
            max_seconds: To how much that may grow; fifty times as much, if not said.

        Raises:
            LocalProtocolError: Too little, too much, or a maximum below that; nothing was sent.
            CallEnded: The call ended first.
        """
        if not _SHORTEST_BUFFER <= seconds <= _LONGEST_BUFFER:
            raise LocalProtocolError(f"seconds is {seconds!r}, and should be {_SHORTEST_BUFFER} to {_LONGEST_BUFFER}")
        text = f"{milliseconds(seconds, 'seconds')}"
        if max_seconds:
            text += f":{milliseconds(max_seconds, 'max_seconds', least=seconds)}"
        await self._line.execute("jitterbuffer", text)

    async def stop_jitterbuffer(self) -> None:
        """Buffer what the caller says no longer.

        Runs ``jitterbuffer stop``.

        Raises:
            CallEnded: The call ended first.
        """
        await self._line.execute("jitterbuffer", "stop")

    async def pause_jitterbuffer(self) -> None:
        """Let what the caller says pass the jitter buffer by, as a fax wants it.

        Runs ``jitterbuffer pause``.

        Raises:
            CallEnded: The call ended first.
        """
        await self._line.execute("jitterbuffer", "pause")

    async def resume_jitterbuffer(self) -> None:
        """Use the jitter buffer again after a pause.

        Runs ``jitterbuffer resume``.

        Raises:
            CallEnded: The call ended first.
        """
        await self._line.execute("jitterbuffer", "resume")

    # Volume

    async def set_audio_level(self, level: int, direction: AudioDirection | str = AudioDirection.WRITE) -> None:
        """Make one side of the call louder or softer.

        Runs ``set_audio_level``.

        Args:
            level: -4 to 4; 0 is as it comes.
            direction: Which side: what the caller hears, if not said.

        Raises:
            LocalProtocolError: There is no such level or direction; nothing was sent.
            CallEnded: The call ended first.
        """
        check_number(level, "level", least=-_MOST_LEVEL, most=_MOST_LEVEL)
        await self._line.execute("set_audio_level", f"{_direction(direction)} {level:d}")

    async def set_mute(self, muted: bool, direction: AudioDirection | str = AudioDirection.READ) -> None:
        """Silence one side of the call, or give it its voice back; its audio level is 0 then.

        Runs ``set_mute``. Digits that are no tones still come through.

        Args:
            muted: Whether there shall be silence.
            direction: Which side: what the caller says, if not said.

        Raises:
            LocalProtocolError: There is no such direction; nothing was sent.
            CallEnded: The call ended first.
        """
        await self._line.execute("set_mute", f"{_direction(direction)} {int(bool(muted))}")


def _direction(direction: AudioDirection | str) -> AudioDirection:
    try:
        return AudioDirection(direction)
    except ValueError:
        raise LocalProtocolError(f"direction is {direction!r}, and should be {', '.join(AudioDirection)}") from None


def _codec_string(codecs: Sequence[str]) -> str:
    if isinstance(codecs, str):
        raise LocalProtocolError(f"codecs is {codecs!r}, and should be a list of names")
    for codec in codecs:
        if _CODEC.fullmatch(codec) is None:
            raise LocalProtocolError(f"{codec!r} is no codec, such as PCMU or opus@48000h")
    return ",".join(codecs)
