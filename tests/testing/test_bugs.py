"""Five kinds of bugs that handlers have, each caught by a test of some ten lines that the mended handler passes."""

from __future__ import annotations

from typing import ClassVar

import pytest
import trio

from esl_outbound import CallHandler, literal
from esl_outbound.testing import CallFailed, FakeFreeSwitch

# A wait that never ends


class Waits(CallHandler):
    async def run(self) -> None:
        await self.answer()
        await self.playback("press-a-key.wav")
        await self.digits.get()


class WaitsForAWhile(CallHandler):
    async def run(self) -> None:
        await self.answer()
        await self.playback("press-a-key.wav")
        with trio.move_on_after(10):
            await self.digits.get()


async def who_says_nothing_is_let_go(phone: FakeFreeSwitch, handler: type[CallHandler]) -> None:
    async with phone.dial(handler) as caller:
        await caller.hears("press-a-key.wav")
        await caller.stays_silent(30)
        await caller.was_hung_up()


async def test_a_wait_that_never_ends(phone: FakeFreeSwitch) -> None:
    await who_says_nothing_is_let_go(phone, WaitsForAWhile)
    with pytest.raises(CallFailed, match="it was still up after 3600 s, while no application was running"):
        await who_says_nothing_is_let_go(phone, Waits)


# A digit that is swallowed between prompts


class Swallows(CallHandler):
    digits_seen = ""

    async def run(self) -> None:
        await self.answer()
        for prompt in ("day.wav", "month.wav"):
            self.digits.clear()
            await self.playback(prompt)
            type(self).digits_seen += await self.digits.get()
            await self.sleep(0.1)


class Keeps(Swallows):
    async def run(self) -> None:
        await self.answer()
        for prompt in ("day.wav", "month.wav"):
            await self.playback(prompt)
            type(self).digits_seen += await self.digits.get()
            await self.sleep(0.1)


async def who_types_ahead_is_understood(phone: FakeFreeSwitch, handler: type[Swallows]) -> None:
    handler.digits_seen = ""
    async with phone.dial(handler) as caller:
        await caller.hears("day.wav")
        await caller.press("71")
        await caller.hears("month.wav")
        await caller.was_hung_up(within=5)
    assert handler.digits_seen == "71"


async def test_a_digit_that_is_swallowed_between_prompts(phone: FakeFreeSwitch) -> None:
    await who_types_ahead_is_understood(phone, Keeps)
    with pytest.raises(CallFailed, match="it was still up after 5 s"):
        await who_types_ahead_is_understood(phone, Swallows)


# Clean-up that is skipped when the caller hangs up


class Forgets(CallHandler):
    rooms: ClassVar[set[str]] = set()

    async def run(self) -> None:
        await self.answer()
        self.rooms.add("room 1")
        await self.playback("tour.wav")
        self.rooms.discard("room 1")


class CleansUp(Forgets):
    async def run(self) -> None:
        await self.answer()
        self.rooms.add("room 1")
        try:
            await self.playback("tour.wav")
        finally:
            self.rooms.discard("room 1")


async def who_hangs_up_leaves_nothing_behind(phone: FakeFreeSwitch, handler: type[Forgets]) -> None:
    handler.rooms.clear()
    async with phone.dial(handler) as caller:
        await caller.hears("tour.wav")
        await caller.hangs_up()
    assert handler.rooms == set()


async def test_clean_up_that_is_skipped_when_the_caller_hangs_up(phone: FakeFreeSwitch) -> None:
    await who_hangs_up_leaves_nothing_behind(phone, CleansUp)
    with pytest.raises(AssertionError, match="room 1"):
        await who_hangs_up_leaves_nothing_behind(phone, Forgets)


# A caller's name that runs programs


class Injects(CallHandler):
    async def run(self) -> None:
        await self.answer()
        await self.execute("set", f"greeting=hello {self.caller_id_name}")


class Embeds(CallHandler):
    async def run(self) -> None:
        await self.answer()
        await self.set_variable("greeting", f"hello {self.caller_id_name}")
        await self.execute("log", literal(f"INFO {self.caller_id_name} calls"))


async def a_callers_name_is_only_a_name(phone: FakeFreeSwitch, handler: type[CallHandler]) -> None:
    name = "${system(rm -rf /)}"
    async with phone.dial(handler, caller_id_name=name) as caller:
        await caller.was_hung_up()
    assert caller.programs == []
    assert caller.variables["greeting"] == f"hello {name}"


async def test_a_callers_name_that_runs_programs(phone: FakeFreeSwitch) -> None:
    await a_callers_name_is_only_a_name(phone, Embeds)
    with pytest.raises(AssertionError, match="rm -rf"):
        await a_callers_name_is_only_a_name(phone, Injects)


# A handler that leaves the caller parked


async def leaves(stream: trio.abc.Stream) -> None:
    """An application that has nothing to do with this call, and says so at once."""
    await stream.send_all(b"connect\n\nexit\n\n")
    while await stream.receive_some():
        pass


async def leaves_in_order(stream: trio.abc.Stream) -> None:
    """The same, waiting until the channel is parked: CHANNEL_PARK, or an execute's event, is the sign."""
    await stream.send_all(b"connect\n\nmyevents\n\n")
    seen = b""
    while b"CHANNEL_PARK" not in seen:
        seen += await stream.receive_some()
    await stream.send_all(b"exit\n\n")
    while await stream.receive_some():
        pass


async def test_a_handler_that_leaves_the_caller_parked(phone: FakeFreeSwitch) -> None:
    async with phone.dial(leaves_in_order, after=["playback closed.wav"]) as caller:
        await caller.hears("closed.wav")
    with pytest.raises(CallFailed, match="the caller is parked for ever, in silence"):
        async with phone.dial(leaves, after=["playback closed.wav"]) as caller:
            await caller.hears("closed.wav")


async def test_a_caller_who_is_left_parked_is_noticed_without_being_asked_about(phone: FakeFreeSwitch) -> None:
    with pytest.raises(CallFailed, match="the caller is parked for ever, in silence"):
        async with phone.dial(leaves):
            pass
