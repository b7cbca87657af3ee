"""Answering, ringing, holding and resting: the state that the caller sees."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Final

import trio

from ..arguments.checks import check_one_line, check_word, milliseconds
from ..arguments.text import api_words, argument, words
from ..errors import ApiFailed, EslOutboundError, LocalProtocolError
from .base import CallBase
from .execution import STOP_SECONDS
from .legs import other_leg_of

if TYPE_CHECKING:
    from .line import Line

__all__ = ["Answering"]

# FreeSWITCH's clock and ours, and its frames of 20 ms: a rest this small is no rest.
_FRAME_SECONDS: Final = 0.02


class Answering(CallBase):
    """The state that the caller sees: ringing, answered, held."""

    async def answer(self) -> None:
        """Answer the call; nothing happens if it is answered already.

        Runs the ``answer`` application. If caller and FreeSWITCH have no codec in
        common, that hangs the call up with INCOMPATIBLE_DESTINATION.

        Raises:
            CallEnded: The call ended first.
        """
        await self._line.execute("answer")

    async def pre_answer(self) -> None:
        """Let the caller hear us before the answer (early media, SIP 183); nothing happens if he does already.

        Runs the ``pre_answer`` application. Whatever plays something before the answer does the same by itself.

        Raises:
            CallEnded: The call ended first.
        """
        await self._line.execute("pre_answer")

    async def ring_ready(self, *, queued: bool = False) -> None:
        """Let the caller hear that it rings (SIP 180); nothing happens after early media or the answer.

        Runs the ``ring_ready`` application.

        Args:
            queued: Say that the call waits in a queue (SIP 182), and not that it rings.

        Raises:
            CallEnded: The call ended first.
        """
        await self._line.execute("ring_ready", "queued" if queued else "")

    async def acknowledge_call(self) -> None:
        """Tell the caller's side that the call has arrived (SIP 100).

        Runs the ``acknowledge_call`` application. A SIP profile says this by itself, unless it is told not to.

        Raises:
            CallEnded: The call ended first.
        """
        await self._line.execute("acknowledge_call")

    async def wait_for_answer(self) -> None:
        """Wait until the call is answered: by another program, or by an application that runs beside this.

        Runs nothing, and waits for CHANNEL_ANSWER: the application of this name cannot be stopped.

        Raises:
            CallEnded: The call ended first.
        """
        line = self._line
        await line.require_call()
        with line.observed("CHANNEL_ANSWER") as answers:
            if line.channel.header("Answer-State") == "answered":
                await trio.lowlevel.checkpoint()
                return
            await answers.get()

    async def early_hangup(self) -> None:
        """Let the channel's resources be freed as soon as an application hangs up, and not when it has returned.

        Runs the ``early_hangup`` application.

        Raises:
            CallEnded: The call ended first.
        """
        await self._line.execute("early_hangup")

    # Holding

    async def hold(self, message: str = "", *, other_leg: bool = False) -> None:
        """Put the caller on hold; nothing happens if he is held already.

        Runs the ``hold`` application: a SIP phone is asked to hold (re-INVITE with ``sendonly``). While the
        call is bridged, the other leg hears the channel's ``hold_music``. The caller himself hears nothing
        from FreeSWITCH then, and what plays a file waits until ``unhold()``: to let him hear music, see
        ``music_on_hold()``. Leaving the socket ends it.

        Args:
            message: What some phones show.
            other_leg: Put the channel that the caller talks to on hold (``uuid_hold``), and let the caller hear
                that one's ``hold_music``.

        Raises:
            ApplicationFailed: The caller talks to nobody.
            ApiFailed: The other leg cannot be held, or is held already.
            LocalProtocolError: The message has several lines; nothing was sent.
            NotPermitted: ``other_leg``, and the dialplan line does not say ``full``.
            CallEnded: The call ended first.
        """
        line = self._line
        check_one_line(message, "message")
        await _hold(line, await other_leg_of(line, "uuid_hold") if other_leg else "", message)

    async def unhold(self, *, other_leg: bool = False) -> None:
        """Take the caller, or the other leg, back from hold; nothing happens if there is no hold.

        Sends ``uuid_hold off``, which reaches FreeSWITCH even while a file waits for it; without ``full``
        runs the ``unhold`` application.

        Args:
            other_leg: Take back the channel that the caller talks to.

        Raises:
            ApplicationFailed: The caller talks to nobody.
            NotPermitted: ``other_leg``, and the dialplan line does not say ``full``.
            CallEnded: The call ended first.
        """
        line = self._line
        await _unhold(line, await other_leg_of(line, "uuid_hold") if other_leg else "")

    @asynccontextmanager
    async def on_hold(self, message: str = "", *, other_leg: bool = False) -> AsyncIterator[None]:
        """Keep the caller on hold for as long as the block lasts: ``async with self.on_hold(): ...``.

        As ``hold()`` and, whatever happens in the block, ``unhold()``. Nothing can be played
        to the caller in the block: it would wait for the block's end.

        Args:
            message: What some phones show.
            other_leg: Hold the channel that the caller talks to.

        Raises:
            ApplicationFailed: The caller talks to nobody.
            ApiFailed: The other leg cannot be held, or is held already.
            LocalProtocolError: The message has several lines; nothing was sent.
            NotPermitted: ``other_leg``, and the dialplan line does not say ``full``.
            CallEnded: The call ended first.
        """
        line = self._line
        check_one_line(message, "message")
        held = await other_leg_of(line, "uuid_hold") if other_leg else ""
        is_ours = True
        try:
            try:
                await _hold(line, held, message)
            except ApiFailed:
                is_ours = False  # it may be held by somebody else
                raise
            yield
        finally:
            if is_ours:
                scope = trio.CancelScope(shield=True, deadline=trio.current_time() + STOP_SECONDS)
                with scope, suppress(EslOutboundError):  # the hold may have ended with the call
                    await _unhold(line, held)

    # Telling the caller's phone

    async def send_display(self, name: str, number: str = "") -> None:
        """Let the caller's phone show another name and number for whom he talks to.

        Runs the ``send_display`` application. Whether anything is shown depends on the phone, and on
        ``send-display-update`` of the SIP profile; before the answer nothing is sent. The channel variables
        ``last_sent_callee_id_name`` and ``last_sent_callee_id_number`` tell what was asked for last.

        Args:
            name: The name.
            number: The number; else the one that was called.

        Raises:
            LocalProtocolError: The name is empty, or has several lines; nothing was sent.
            CallEnded: The call ended first.
        """
        if not check_one_line(name, "name"):
            raise LocalProtocolError("name is '', and should be what is to be shown")
        check_one_line(number, "number")
        # switch_core_session_perform_receive_message() divides it at the bar.
        await self._line.execute("send_display", argument(*words(*filter(None, (name, number)), delimiter="|")))

    async def send_info(self, text: str, *, content_type: str = "") -> None:
        """Send a text to the caller's side in a SIP INFO.

        Runs the ``send_info`` application, or with a content type ``uuid_send_info``. FreeSWITCH sends it only
        to another FreeSWITCH that has said that it takes it, unless the channel variable
        ``fs_send_unsupported_info`` is true; it does not tell whether it did.

        Args:
            text: The text.
            content_type: What it is, such as ``application/json``; else ``freeswitch/data``.

        Raises:
            LocalProtocolError: The content type is none, or the text has several lines and one is given.
            ApiFailed: FreeSWITCH could not send it with this content type.
            NotPermitted: ``content_type``, and the dialplan line does not say ``full``.
            CallEnded: The call ended first.
        """
        if not content_type:
            await self._line.execute("send_info", argument(text))
            return
        kind, slash, subtype = check_word(content_type, "content_type").partition("/")
        if not (kind and slash and subtype):
            raise LocalProtocolError(f"content_type is {content_type!r}, and should be two words with a / between them")
        line = self._line
        await line.api_text(f"uuid_send_info {api_words(line.channel_uuid, kind, subtype, text)}")

    # Resting

    async def sleep(self, seconds: float) -> None:
        """Let the channel rest for its whole time, whatever is pressed meanwhile.

        Runs the ``sleep`` application, which reads and sends audio, with
        ``sleep_eat_digits`` and without terminators: on its own it ends at the first
        digit. What is pressed comes to ``digits`` as always.

        Args:
            seconds: How long; FreeSWITCH counts in frames of 20 ms.

        Raises:
            LocalProtocolError: That is no time; nothing was sent.
            CallEnded: The call ended first.
        """
        milliseconds(seconds, "seconds")
        deadline = trio.current_time() + seconds
        rest = seconds
        while True:
            # on_dtmf() in mod_dptools.c knows both variables.
            await self._line.execute("sleep", f"%[sleep_eat_digits=true,playback_terminators=none]{rest * 1000:.0f}")
            rest = deadline - trio.current_time()
            if rest < _FRAME_SECONDS:
                return


async def _hold(line: Line, held: str, message: str) -> None:
    if held:
        await line.api_text(f"uuid_hold {api_words(held, *filter(None, [message]))}")
    else:
        await line.execute("hold", argument(message))


async def _unhold(line: Line, other_leg: str) -> None:
    if line.is_full or other_leg:
        # A file that plays on a channel that is held waits without looking at what is queued (switch_ivr_play_file()).
        await line.require_call()
        await line.api(f"uuid_hold off {other_leg or line.channel_uuid}")
    else:
        await line.execute("unhold")
