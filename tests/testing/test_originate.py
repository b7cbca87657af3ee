"""``originate`` in the simulated switch: somebody is called, and what is done with him once he answers."""

from __future__ import annotations

import pytest
import trio

from esl_outbound import CallHandler
from esl_outbound.testing import CallFailed, FakeFreeSwitch, HandlerFailed
from esl_outbound.testing.placing import own_calls


class Reminder(CallHandler):
    """Tells whoever is called of an appointment, and takes a digit."""

    async def run(self) -> None:
        choice = await self.ask("appointment.wav", digits=1, allowed="12")
        await self.playback("confirmed.wav" if choice == "1" else "cancelled.wav")
        await self.hangup()


async def test_whoever_is_called_is_handed_to_a_handler(phone: FakeFreeSwitch) -> None:
    phone.listens("127.0.0.1:8084", Reminder)
    async with own_calls(phone._core):
        answer = await phone.api("originate", "user/1001 &socket('127.0.0.1:8084 async full')")
        caller = await phone.is_called("user/1001")
        await caller.hears("appointment.wav")
        await caller.press("1")
        await caller.hears("confirmed.wav")
        assert await caller.was_hung_up() == "NORMAL_CLEARING"
    assert answer == f"+OK {caller.channel_uuid}\n"
