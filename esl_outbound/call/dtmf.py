"""Digits that are sent, queued, thrown away, listened for in the sound, or kept back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from ..arguments.digits import digits_received, digits_sent
from ..arguments.numbers import thousandths
from .base import CallBase
from .lasting import lasting
from .variable_commands import unset_command

__all__ = ["Dtmf"]


class Dtmf(CallBase):
    """Digits that are sent, queued, thrown away, listened for in the sound, or kept back."""

    async def send_dtmf(self, digits: str, *, duration_seconds: float | None = None) -> float | None:
        """Send digits to the caller, as a telephone does that presses keys.

        Runs the ``send_dtmf`` application. A SIP call sends them beside the sound, and FreeSWITCH does not wait.

        Args:
            digits: Of ``0123456789*#ABCD``; ``w`` is a pause of half a second, ``W`` one of a second. 99 at most,
                the duration's characters among them.
            duration_seconds: How long each lasts, 0.051 to 24; FreeSWITCH's own duration, a quarter of a second, if
                not said.

        Returns:
            How many seconds FreeSWITCH reckons that they take; None if it sent none.

        Raises:
            LocalProtocolError: They cannot be sent; nothing was sent.
            CallEnded: The call ended first.
        """
        text = digits_sent(digits, duration_seconds)
        line = self._line
        completion = await line.execute("send_dtmf", text, after=(unset_command(line, ("last_dtmf_duration",)),))
        return thousandths(completion.variables.get("last_dtmf_duration"))

    async def queue_dtmf(self, digits: str, *, duration_seconds: float | None = None) -> None:
        """Let digits come as if the caller had pressed them.

        Runs the ``queue_dtmf`` application. Whatever runs next takes them; with ``async`` that is the park, at
        once, and they are in ``digits`` then. They do not set off what is bound to them.

        Args:
            digits: Of ``0123456789*#ABCD``.
            duration_seconds: How long each lasts, 0.051 to 24; FreeSWITCH's own duration if not said.

        Raises:
            LocalProtocolError: They are no digits; nothing was sent.
            CallEnded: The call ended first.
        """
        await self._line.execute("queue_dtmf", digits_received(digits, duration_seconds))

    async def flush_dtmf(self) -> str:
        """Throw away what was typed so far.

        Runs the ``flush_dtmf`` application, for digits that nothing has taken yet: no event tells of those. Then
        empties ``digits``.

        Returns:
            What was in ``digits``.

        Raises:
            CallEnded: The call ended first.
        """
        await self._line.execute("flush_dtmf")
        return self._line.digits.clear()

    # Digits in the sound

    async def start_dtmf(self) -> None:
        """Listen for digits in the caller's sound, for callers whose digits come in no other way.

        Runs the ``start_dtmf`` application. They come as all digits do.
        """
        await self._line.execute("start_dtmf")

    async def stop_dtmf(self) -> None:
        """Stop listening for digits in the sound (``stop_dtmf``)."""
        await self._line.execute("stop_dtmf")

    async def spandsp_start_dtmf(self) -> None:
        """Listen for digits in the caller's sound with mod_spandsp, which takes fewer sounds for digits.

        Runs the ``spandsp_start_dtmf`` application.
        """
        await self._line.execute("spandsp_start_dtmf")

    async def spandsp_stop_dtmf(self) -> None:
        """Stop what ``spandsp_start_dtmf`` started (``spandsp_stop_dtmf``)."""
        await self._line.execute("spandsp_stop_dtmf")

    @asynccontextmanager
    async def inband_dtmf(self, *, spandsp: bool = False) -> AsyncIterator[None]:
        """Listen for digits in the caller's sound while the block lasts.

        Runs ``start_dtmf`` and, whatever happens, ``stop_dtmf``.

        Args:
            spandsp: Use mod_spandsp's detector (``spandsp_start_dtmf``).

        Raises:
            CallEnded: The call ended first.
        """
        prefix = "spandsp_" * spandsp
        async with lasting(self._line, (f"{prefix}start_dtmf", ""), (f"{prefix}stop_dtmf", "")):
            yield

    async def start_dtmf_generate(self, *, write: bool = False) -> None:
        """Turn digits into sound, for a far end that understands them in no other way.

        Runs the ``start_dtmf_generate`` application.

        Args:
            write: Do so with the digits that are sent to the caller, and not with those that come from him.
        """
        await self._line.execute("start_dtmf_generate", "write" * write)

    async def stop_dtmf_generate(self) -> None:
        """Stop turning digits into sound (``stop_dtmf_generate``)."""
        await self._line.execute("stop_dtmf_generate")

    @asynccontextmanager
    async def generated_dtmf(self, *, write: bool = False) -> AsyncIterator[None]:
        """Turn digits into sound while the block lasts (``start_dtmf_generate``, ``stop_dtmf_generate``).

        Args:
            write: Do so with the digits that are sent to the caller, and not with those that come from him.

        Raises:
            CallEnded: The call ended first.
        """
        async with lasting(self._line, ("start_dtmf_generate", "write" * write), ("stop_dtmf_generate", "")):
            yield

    # Digits that are kept back

    async def block_dtmf(self) -> None:
        """Let no digit through, in either direction: they are lost, and ``digits`` gets none (``block_dtmf``)."""
        await self._line.execute("block_dtmf")

    async def unblock_dtmf(self) -> None:
        """Let digits through again (``unblock_dtmf``)."""
        await self._line.execute("unblock_dtmf")

    @asynccontextmanager
    async def blocked_dtmf(self) -> AsyncIterator[None]:
        """Let no digit through while the block lasts: such as while an agent hears a card's number typed.

        Runs ``block_dtmf`` and, whatever happens, ``unblock_dtmf``.

        Raises:
            CallEnded: The call ended first.
        """
        async with lasting(self._line, ("block_dtmf", ""), ("unblock_dtmf", "")):
            yield

    async def deduplicate_dtmf(self, *, only_rtp: bool = False) -> None:
        """Take a digit once that comes both in the sound and beside it, for the rest of the call.

        Runs the ``deduplicate_dtmf`` application.

        Args:
            only_rtp: Take only what comes beside the sound, from the beginning.
        """
        await self._line.execute("deduplicate_dtmf", "only_rtp" * only_rtp)
