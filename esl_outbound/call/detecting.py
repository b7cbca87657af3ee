"""Speech, silence and tones that FreeSWITCH listens for."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from ..arguments.checks import check_file_name, check_number, milliseconds
from ..arguments.numbers import thousandths
from ..arguments.text import Text, argument, shown, words
from ..errors import LocalProtocolError
from .faxing import Faxing
from .speech import SpeechRecognition
from .tones import ToneDetection
from .variable_commands import unset_command

if TYPE_CHECKING:
    from .line import Line

__all__ = ["Detecting"]

# FreeSWITCH counts what it hears by packets of the call's codec, which as a rule last so long.
_USUAL_PACKET_SECONDS: Final = 0.02
# It counts a timeout in samples, in 32 bits with a sign: at 48,000 hertz not much more than this.
_LONGEST_TIMEOUT: Final = 36_000.0
_LOUDEST: Final = 32_767


class Detecting(SpeechRecognition, ToneDetection, Faxing):
    """Speech, silence and tones that FreeSWITCH listens for."""

    async def wait_for_silence(
        self,
        *,
        silence_seconds: float = 1,
        speech_seconds: float = 0,
        timeout_seconds: float = 30,
        threshold: int = 200,
        path: Text | None = None,
    ) -> bool | None:
        """Wait until the caller is silent, perhaps after he has spoken.

        Runs the ``wait_for_silence`` application. It cannot be stopped: if the waiting is cancelled, FreeSWITCH
        listens on until it has heard silence or its time is over, and runs nothing else meanwhile.

        Args:
            silence_seconds: How long he has to be silent. FreeSWITCH goes on half a second longer.
            speech_seconds: How long he has to speak before silence counts, with pauses or without.
            timeout_seconds: When to give up.
            threshold: How loud silence may not be: the mean of the samples' sizes, of 1 to 32,767.
            path: A file to play meanwhile. When it is over, so is the waiting; if it cannot be opened, at once.

        Returns:
            Whether there was silence; False if the time was over first, None if FreeSWITCH did not say:
            the file was over.

        Raises:
            LocalProtocolError: A number makes no sense; nothing was sent.
            CallEnded: The call ended first.
        """
        line = self._line
        silence = max(_packets(line, silence_seconds, "silence_seconds"), 1)
        # switch_ivr_wait_for_silence(): after more packets with sound than this, silence counts.
        speech = max(_packets(line, speech_seconds, "speech_seconds") - 1, 1) if speech_seconds else 0
        return await _detect(line, "wait_for_silence", threshold, [silence, speech], timeout_seconds, path)

    async def detect_silence(
        self,
        *,
        silence_seconds: float = 1,
        timeout_seconds: float = 30,
        threshold: int = 200,
        path: Text | None = None,
    ) -> bool | None:
        """Wait until the caller is silent.

        Runs the ``detect_silence`` application. It cannot be stopped: if the waiting is cancelled, FreeSWITCH
        listens on until it has heard silence or its time is over, and runs nothing else meanwhile.

        Args:
            silence_seconds: How long he has to be silent, without a break.
            timeout_seconds: When to give up.
            threshold: How loud silence may be: the mean of the samples' sizes, of 1 to 32,767.
            path: A file to play meanwhile. When it is over, so is the waiting; if it cannot be opened, at once.

        Returns:
            Whether there was silence; False if the time was over first, None if FreeSWITCH did not say:
            the file was over.

        Raises:
            LocalProtocolError: A number makes no sense; nothing was sent.
            CallEnded: The call ended first.
        """
        # switch_ivr_detect_silence() wants more packets in a row than it was told.
        packets = max(_packets(self._line, silence_seconds, "silence_seconds") - 1, 1)
        return await _detect(self._line, "detect_silence", threshold, [packets], timeout_seconds, path)

    async def detect_audio(
        self,
        *,
        audio_seconds: float = 0.2,
        timeout_seconds: float = 30,
        threshold: int = 200,
        path: Text | None = None,
    ) -> bool | None:
        """Wait until something is heard from the caller.

        Runs the ``detect_audio`` application. It cannot be stopped: if the waiting is cancelled, FreeSWITCH
        listens on until it has heard something or its time is over, and runs nothing else meanwhile.

        Args:
            audio_seconds: How long it has to last, without a break.
            timeout_seconds: When to give up.
            threshold: How loud it has to be: the mean of the samples' sizes, of 1 to 32,767.
            path: A file to play meanwhile. When it is over, so is the waiting; if it cannot be opened, at once.

        Returns:
            Whether something was heard; False if the time was over first, None if FreeSWITCH did not say:
            the file was over.

        Raises:
            LocalProtocolError: A number makes no sense; nothing was sent.
            CallEnded: The call ended first.
        """
        # switch_ivr_detect_audio() wants more packets in a row than it was told.
        packets = max(_packets(self._line, audio_seconds, "audio_seconds") - 1, 1)
        return await _detect(self._line, "detect_audio", threshold, [packets], timeout_seconds, path)


def _packets(line: Line, seconds: float, name: str) -> int:
    """How many packets last so long."""
    milliseconds(seconds, name)
    packet = thousandths(line.channel.variables.get("rtp_use_codec_ptime")) or _USUAL_PACKET_SECONDS
    return math.ceil(round(seconds / packet, 6))


async def _detect(
    line: Line, application: str, threshold: int, hits: list[int], timeout_seconds: float, path: Text | None
) -> bool | None:
    check_number(threshold, "threshold", least=1, most=_LOUDEST)
    timeout = milliseconds(timeout_seconds, "timeout_seconds", least=0.02)
    if timeout_seconds > _LONGEST_TIMEOUT:
        raise LocalProtocolError(f"timeout_seconds is {timeout_seconds!r}, and should be at most {_LONGEST_TIMEOUT:g}")
    if path is not None:
        check_file_name(shown(path))
    parts: list[Text] = [str(number) for number in (threshold, *hits, timeout)]
    parts += [] if path is None else [path]
    name = f"{application}_timeout"
    completion = await line.execute(application, argument(*words(*parts)), after=(unset_command(line, (name,)),))
    return {"true": False, "false": True}.get(completion.variables.get(name, ""))
