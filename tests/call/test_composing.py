"""A call that is handed on to another handler, and comes back."""

from __future__ import annotations

from typing import ClassVar

import pytest
import trio

from esl_outbound import Call, CallHandler, CallHungUp, CallRecord, Ending, EventFormat
from esl_outbound.testing import FakeFreeSwitch

from ..freeswitch import OK, dial


class Pin(CallHandler[str]):
    subscriptions: ClassVar[tuple[str, ...]] = ("RECORD_STOP",)
    after_hangup_seconds = 5.0
    wind_down_seconds = 4.0

    def __init__(self, told: list[str]) -> None:
        self.told = told

    async def run(self) -> str:
        return str(await self.ask("pin.wav", digits=4))

    async def after_hangup(self, record: CallRecord) -> None:
        self.told.append(f"Pin: {record.hangup_cause}")


async def greet_in(call: Call, language: str) -> str:
    """A sub-dialogue is a plain function."""
    await call.playback(f"{language}/hello.wav")
    return call.caller_id_number


async def test_a_handler_gets_what_the_other_returns_and_both_hear_of_the_end(phone: FakeFreeSwitch) -> None:
    told: list[str] = []

    class Handler(CallHandler):
        async def run(self) -> None:
            await self.answer()
            pin: str = await self.hand_over(Pin(told))
            told.append(pin)
            told.append(await greet_in(self, "de"))

        async def after_hangup(self, record: CallRecord) -> None:
            told.append(f"Handler: {record.hangup_cause}")

    async with phone.dial(Handler) as caller:
        await caller.hears("pin.wav")
        await caller.press("1234")
        await caller.hears("de/hello.wav")
        await caller.was_hung_up()
    assert told == ["1234", "1000", "Pin: NORMAL_CLEARING", "Handler: NORMAL_CLEARING"]


async def test_the_settings_of_the_other_handler_count_from_then_on() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            await self.hand_over(Pin([]))

        async def after_hangup(self, record: CallRecord) -> None:
            ended.append(record.ending)

    ended: list[Ending] = []
    async with dial(Handler) as switch:
        await switch.greet()
        # Wind-down of the longer one, both hooks one after the other, and a second.
        await switch.expect("linger 20", "event plain RECORD_STOP")
        await switch.send(OK, OK)
        uuid = await switch.expect_execute("playback")
        await switch.send(switch.execute(uuid))
        await switch.stream.aclose()
    assert ended == [Ending.CONNECTION_LOST]


async def test_the_events_of_the_other_handler_come_in_the_format_that_was_asked_for() -> None:
    """FreeSWITCH has one for a connection."""

    class Handler(CallHandler):
        async def run(self) -> None:
            await self.subscribe("CHANNEL_CALLSTATE", format=EventFormat.JSON)
            await self.hand_over(Pin([]))

    async with dial(Handler) as switch:
        await switch.greet()
        await switch.expect("event json CHANNEL_CALLSTATE")
        await switch.send(OK)
        await switch.expect("event json RECORD_STOP")
        await switch.send(OK)
        await switch.expect_execute("playback")


async def test_what_the_other_raises_comes_back_and_the_calls_end_reaches_both(phone: FakeFreeSwitch) -> None:
    raised: list[str] = []

    class Failing(CallHandler):
        async def run(self) -> None:
            raise KeyError

    class Waiting(CallHandler):
        async def run(self) -> None:
            try:
                await self.playback("long.wav")
            finally:
                with trio.CancelScope(shield=True), pytest.raises(CallHungUp):
                    await self.answer()
                raised.append("Waiting")

    class Handler(CallHandler):
        async def run(self) -> None:
            with pytest.raises(KeyError):
                await self.hand_over(Failing())
            try:
                await self.hand_over(Waiting())
            finally:
                raised.append("Handler")

    async with phone.dial(Handler) as caller:
        await caller.hears("long.wav")
        await caller.hangs_up()
    assert raised == ["Waiting", "Handler"]


async def test_only_a_handler_without_a_call_can_be_given_one(phone: FakeFreeSwitch) -> None:
    class Other(CallHandler):
        async def run(self) -> None:
            await self.playback("other.wav")

    class Handler(CallHandler):
        async def run(self) -> None:
            other = Other()
            await self.hand_over(other)
            for again in (other, self):
                with pytest.raises(TypeError, match="has this call already"):
                    await self.hand_over(again)
            with pytest.raises(TypeError, match="it is no CallHandler"):
                await self.hand_over(object())  # type: ignore[arg-type]
            await self.hangup()
            with pytest.raises(CallHungUp):
                await self.hand_over(Other())

    async with phone.dial(Handler) as caller:
        await caller.hears("other.wav")
        await caller.was_hung_up()
