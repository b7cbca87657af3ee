"""Answering, ringing, holding and resting."""

from __future__ import annotations

from typing import Final

import trio

from ..errors import LocalProtocolError
from .base import CallBase

__all__ = ["Answering"]

# FreeSWITCH's clock and ours, and its frames of 20 ms: a rest this small is no rest.
_FRAME_SECONDS: Final = 0.02


class Answering(CallBase):
    """The state that the caller sees: ringing, answered, held."""

    async def answer(self) -> None:
        """Answer the call; nothing happens if it is answered already.

        Runs the ``answer`` application.

        Raises:
            CallEnded: The call ended first.
        """
        await self._line.execute("answer")

    async def sleep(self, seconds: float) -> None:
        """Let the channel rest for its whole time, whatever is pressed meanwhile.

        Runs the ``sleep`` application, which reads and sends audio, with
        ``sleep_eat_digits`` and without terminators: on its own it ends at the first
        digit. What is pressed comes to ``digits`` as always.

        Args:
            seconds: How long; FreeSWITCH counts in frames of 20 ms.

        Raises:
            CallEnded: The call ended first.
        """
        if not 0 <= seconds < 2**31 / 1000:
            raise LocalProtocolError(f"a channel cannot sleep for {seconds!r} seconds")
        deadline = trio.current_time() + seconds
        rest = seconds
        while True:
            # on_dtmf() in mod_dptools.c knows both variables.
            await self._line.execute("sleep", f"%[sleep_eat_digits=true,playback_terminators=none]{rest * 1000:.0f}")
            rest = deadline - trio.current_time()
            if rest < _FRAME_SECONDS:
                return
