"""Digits that are sent, queued, thrown away, listened for in the sound, or kept back."""

from __future__ import annotations

import pytest
import trio
from trio.testing import MockClock

from esl_outbound import Call, LocalProtocolError
from esl_outbound.testing import FakeFreeSwitch

from ..freeswitch import connect_reply, dial
from .doing import Doing, doing, refuses_what


async def test_digits_are_sent_and_freeswitch_says_how_long_they_take() -> None:
    took: list[float | None] = []

    async def do(call: Call) -> None:
        took.append(await call.send_dtmf("12w3W#"))
        took.append(await call.send_dtmf("A", duration_seconds=0.1))

    async with doing(do) as switch:
        for argument, said in (("12w3W#", {"variable_last_dtmf_duration": "3000"}), ("A@100", {})):
            await switch.run_application("multiunset", "last_dtmf_duration")
            await switch.run_application("send_dtmf", argument, **said)
    assert took == [3.0, None]


async def test_digits_are_queued_as_if_they_were_pressed() -> None:
    async def do(call: Call) -> None:
        await call.queue_dtmf("12#")
        await call.queue_dtmf("1", duration_seconds=0.5)

    async with doing(do) as switch:
        await switch.run_application("queue_dtmf", "12#")
        await switch.run_application("queue_dtmf", "1@500")


async def test_what_cannot_be_sent_is_refused_before_anything_is_sent() -> None:
    async def do(call: Call) -> None:
        for digits in ("", "w", "x", "1+2", "1@5", "~1", "1" * 100):
            with pytest.raises(LocalProtocolError):
                await call.send_dtmf(digits)
        for digits in ("", "1w", "^^1"):
            with pytest.raises(LocalProtocolError):
                await call.queue_dtmf(digits)
        for seconds in (0, 0.05, 24.1, -1):
            with pytest.raises(LocalProtocolError):
                await call.send_dtmf("1", duration_seconds=seconds)

    await refuses_what(do)


async def test_a_flush_throws_away_what_freeswitch_has_and_what_we_have() -> None:
    async def do(call: Call) -> None:
        assert await call.flush_dtmf() == "12"
        assert len(call.digits) == 0

    async with doing(do) as switch:
        uuid = await switch.expect_execute("flush_dtmf", None)
        await switch.send(
            switch.event("DTMF", DTMF_Digit="1"),
            switch.execute(uuid, "flush_dtmf"),
            switch.event("DTMF", DTMF_Digit="2"),
            switch.complete(uuid, "flush_dtmf"),
        )


async def test_digits_in_the_sound_are_listened_for_and_made() -> None:
    async def do(call: Call) -> None:
        await call.start_dtmf()
        await call.stop_dtmf()
        await call.spandsp_start_dtmf()
        await call.spandsp_stop_dtmf()
        await call.start_dtmf_generate()
        await call.start_dtmf_generate(write=True)
        await call.stop_dtmf_generate()
        await call.block_dtmf()
        await call.unblock_dtmf()
        await call.deduplicate_dtmf()
        await call.deduplicate_dtmf(only_rtp=True)

    async with doing(do) as switch:
        for application, argument in (
            ("start_dtmf", ""),
            ("stop_dtmf", ""),
            ("spandsp_start_dtmf", ""),
            ("spandsp_stop_dtmf", ""),
            ("start_dtmf_generate", ""),
            ("start_dtmf_generate", "write"),
            ("stop_dtmf_generate", ""),
            ("block_dtmf", ""),
            ("unblock_dtmf", ""),
            ("deduplicate_dtmf", ""),
            ("deduplicate_dtmf", "only_rtp"),
        ):
            await switch.run_application(application, argument)


async def test_each_of_their_blocks_takes_it_back_whatever_happens() -> None:
    async def do(call: Call) -> None:
        for block in (
            call.inband_dtmf(),
            call.inband_dtmf(spandsp=True),
            call.generated_dtmf(write=True),
            call.blocked_dtmf(),
        ):
            with pytest.raises(ZeroDivisionError):
                async with block:
                    raise ZeroDivisionError

    async with doing(do) as switch:
        for start, argument, stop in (
            ("start_dtmf", "", "stop_dtmf"),
            ("spandsp_start_dtmf", "", "spandsp_stop_dtmf"),
            ("start_dtmf_generate", "write", "stop_dtmf_generate"),
            ("block_dtmf", "", "unblock_dtmf"),
        ):
            await switch.run_application(start, argument)
            await switch.run_application(stop, "")


async def test_whoever_gives_up_while_a_block_begins_ends_it_all_the_same(autojump_clock: MockClock) -> None:
    """Digits that are kept back for ever would leave nobody to ask."""

    async def do(call: Call) -> None:
        with trio.move_on_after(1):
            async with call.blocked_dtmf():
                raise AssertionError
        with trio.move_on_after(0):  # before anything is sent there is nothing to end
            async with call.blocked_dtmf():
                raise AssertionError

    async with doing(do) as switch:
        uuid = await switch.expect_execute("block_dtmf")
        await trio.sleep(2)
        await switch.send(switch.execute(uuid, "block_dtmf"), switch.complete(uuid, "block_dtmf"))
        await switch.run_application("unblock_dtmf", "")


async def test_without_async_digits_are_sent_as_well() -> None:
    async def do(call: Call) -> None:
        await call.queue_dtmf("1")

    async with dial(lambda: Doing(do)) as switch:
        await switch.greet(connect_reply("static"))
        await switch.run_application("queue_dtmf", "1")
        await switch.hang_up_as_told()
        await switch.expect_exit()


async def test_a_caller_is_sent_digits_and_queued_ones_come_back(phone: FakeFreeSwitch) -> None:
    async def do(call: Call) -> None:
        await call.answer()
        async with call.inband_dtmf():
            await call.send_dtmf("12")
            await call.queue_dtmf("34")
            assert [await call.digits.get(), await call.digits.get()] == ["3", "4"]
        await call.playback("after.wav")

    async with phone.dial(lambda: Doing(do)) as caller:
        await caller.hears("after.wav")
        assert "is sent the digits 12" in caller.ladder()
