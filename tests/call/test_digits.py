"""The caller's digits: each once, in order, none lost."""

from __future__ import annotations

import pytest
import trio
import trio.testing
from trio.testing import MockClock

from esl_outbound import CallHandler, CallHungUp, Digits, TooManyDigits

from ..freeswitch import dial


async def test_digits_come_once_in_order_and_what_was_typed_ahead_is_there() -> None:
    digits: list[str] = []

    class Handler(CallHandler):
        async def run(self) -> None:
            await self.answer()
            assert len(self.digits) == 3
            async for digit in self.digits:
                digits.append(digit)
                if digit == "#":
                    break
            assert self.digits.clear() == "9"
            assert repr(self.digits) == "<Digits 0 unread>"

    async with dial(Handler) as switch:
        await switch.greet()
        uuid = await switch.expect_execute("answer")
        await switch.send(*(switch.event("DTMF", DTMF_Digit=digit) for digit in ("1", "%2A", "A")))
        await switch.send(switch.complete(uuid, "answer"))
        await trio.testing.wait_all_tasks_blocked()
        await switch.send(switch.event("DTMF", DTMF_Digit="%23") + switch.event("DTMF", DTMF_Digit="9"))
        await switch.hang_up_as_told()
        await switch.expect_exit()
    assert digits == ["1", "*", "A", "#"]


async def test_digits_of_another_channel_and_of_a_body_are_not_ours() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            assert await self.digits.get() == "5"

    async with dial(Handler) as switch:
        await switch.greet()
        await switch.send(switch.event("DTMF", "", "0a0b0c0d-0000-4000-8000-000000000001", DTMF_Digit="1"))
        await switch.send(switch.event("DTMF", "\nDTMF-Digit: 7\n\n"))
        await switch.send(switch.event("DTMF", DTMF_Digit="5"))
        await switch.hang_up_as_told()
        await switch.expect_exit()


async def test_digits_before_the_end_are_given_out_after_it_and_then_the_end_is_told() -> None:
    seen: list[str] = []

    class Handler(CallHandler):
        async def run(self) -> None:
            with pytest.raises(CallHungUp):
                await self.hangup()
                await self.answer()
            seen.extend([await self.digits.get(), await self.digits.get()])
            with pytest.raises(CallHungUp):
                await self.digits.get()
            seen.extend([digit async for digit in self.digits])
            seen.append("end")

    async with dial(Handler) as switch:
        await switch.greet()
        await switch.read_command()
        await switch.send(switch.event("DTMF", DTMF_Digit="1"), switch.event("DTMF", DTMF_Digit="2"))
        await switch.send(switch.hangup(), switch.hangup_complete())
        await switch.expect_exit()
    assert seen == ["1", "2", "end"]


async def test_4096_unread_digits_are_kept_and_the_next_one_ends_the_call_with_an_error(
    autojump_clock: MockClock,
) -> None:
    errors: list[BaseException] = []

    class Handler(CallHandler):
        async def run(self) -> None:
            await trio.sleep_forever()

        async def on_error(self, error: BaseException) -> None:
            errors.append(error)
            assert len(self.digits) >= 4097

    async with dial(Handler) as switch:
        await switch.greet()
        await switch.send(b"".join(switch.event("DTMF", DTMF_Digit="1") for _ in range(4096)))
        await trio.sleep(1)
        assert switch.received == b""
        await switch.send(switch.event("DTMF", DTMF_Digit="2"), switch.event("DTMF", DTMF_Digit="3"))
        await switch.hang_up_as_told("NORMAL_TEMPORARY_FAILURE")
        await switch.expect_exit()
    assert isinstance(errors[0], TooManyDigits)
    assert errors[0].count == 4097


async def test_a_digit_interrupts_everybody_who_waits_for_one_in_whatever_order_they_came_and_went(
    autojump_clock: MockClock,
) -> None:
    digits = Digits(lambda: None)
    interrupted: list[float] = []

    async def wait(begin: float, end: float) -> None:
        await trio.sleep(begin)
        with trio.move_on_at(trio.current_time() + end - begin), digits.interrupting():
            await trio.sleep_forever()
        interrupted.append(trio.current_time() - start)

    start = trio.current_time()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(wait, 0, 2)
        nursery.start_soon(wait, 1, 9)
        nursery.start_soon(wait, 3, 9)
        await trio.sleep(4)
        digits.add("1")
    assert interrupted == [2, 4, 4]


async def test_what_an_application_took_is_struck_out_and_nothing_else_however_late() -> None:
    digits = Digits(lambda: None)
    for digit in "12#":
        digits.add(digit)
    took = range(1, digits.came)
    for digit in "3#4":
        digits.add(digit)
    assert "".join([await digits.get(), await digits.get()]) == "12"
    digits.put_back("12")
    for _ in range(2):  # once is as good as twice
        digits.strike_out_last("#", took)
        digits.strike_out_last("", took)
    assert len(digits) == 5
    digits.strike_out(took)
    assert digits.clear() == "13#4"
