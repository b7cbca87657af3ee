"""One call from its first byte to its last: the promises about ends, faults and hooks."""

from __future__ import annotations

import trio
from trio.testing import MockClock

from esl_outbound import CallHandler, CallRecord, Ending, HangupCause, RecordSource

from .freeswitch import dial


async def test_a_handler_answers_plays_and_hangs_up() -> None:
    class Reception(CallHandler):
        async def run(self) -> None:
            await self.answer()
            await self.playback("ivr/a.wav")
            await self.hangup()

    async with dial(Reception) as switch:
        await switch.greet()
        await switch.run_application("answer", "")
        await switch.run_application("playback", "%[playback_terminators=none]ivr/a.wav", response="FILE%20PLAYED")
        await switch.hang_up_as_told()
        await switch.expect_exit()


async def test_the_callers_hangup_cancels_run_wherever_it_waits(autojump_clock: MockClock) -> None:
    reached: list[str] = []

    class Dreamer(CallHandler):
        async def run(self) -> None:
            try:
                await trio.sleep(3600)
            finally:
                reached.append("cancelled")

        async def after_hangup(self, record: CallRecord) -> None:
            reached.append("after_hangup")
            assert record.ending is Ending.HUNG_UP
            assert record.hangup_cause is HangupCause.NORMAL_CLEARING
            assert record.source is RecordSource.HANGUP_COMPLETE
            assert (record.duration, record.billsec, record.missing) == (7, 5, ())

    async with dial(Dreamer) as switch:
        await switch.greet()
        await switch.send(switch.hangup(), switch.hangup_complete())
        await switch.expect_exit()
    assert reached == ["cancelled", "after_hangup"]
    assert autojump_clock.current_time() < 60
