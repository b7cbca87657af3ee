"""Hold, and what waits for its end."""

from __future__ import annotations

import pytest
import trio

from esl_outbound.testing import FakeFreeSwitch

from .speaking import parked


async def test_hold_and_unhold_are_told_once_each(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (_, socket):
        await socket.ask("event plain CHANNEL_HOLD CHANNEL_UNHOLD")  # myevents does not bring them
        for application in ("unhold", "hold", "hold", "unhold", "unhold"):
            await socket.run(application)
        assert [event for event in socket.told() if event in ("HOLD", "UNHOLD")] == ["HOLD", "UNHOLD"]


async def test_uuid_hold_tells_whether_there_was_something_to_do(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        uuid = caller.channel_uuid
        assert await socket.api(f"uuid_hold off {uuid}") == "-ERR Operation failed\n"
        assert await socket.api(f"uuid_hold {uuid}") == "+OK Success\n"
        assert await socket.api(f"uuid_hold {uuid} 'a message'") == "-ERR Operation failed\n"
        assert await socket.api(f"uuid_hold toggle {uuid}") == "+OK Success\n"
        assert await socket.api(f"uuid_hold toggle {uuid}") == "+OK Success\n"
        assert await socket.api(f"uuid_hold off {uuid}") == "+OK Success\n"


async def test_a_file_waits_and_hears_of_nothing_that_is_queued(phone: FakeFreeSwitch) -> None:
    phone.sound("news.wav", 2)
    async with parked(phone) as (caller, socket):
        await socket.run("hold")
        await socket.execute("playback", "news.wav", uuid="news")
        await socket.execute("unhold")
        await trio.sleep(30)
        assert [each.application for each in caller.executed][-1] == "playback"
        await socket.api(f"uuid_hold off {caller.channel_uuid}")
        began = trio.current_time()
        await socket.until("CHANNEL_EXECUTE_COMPLETE", uuid="news")
        assert trio.current_time() - began == pytest.approx(2, abs=0.2)


async def test_a_bridged_caller_softly_holds_the_other_one(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        await socket.run("soft_hold", "9")
        await socket.execute("bridge", "user/1001")
        await caller.is_bridged_to("user/1001")
        await socket.execute("soft_hold", "9 ours.wav theirs.wav", uuid="it")
        await caller.hears("ours.wav")
        await trio.sleep(0.1)
        assert "user/1001 hears theirs.wav" in caller.ladder()
        await caller.press("19")
        await socket.until("CHANNEL_EXECUTE_COMPLETE", uuid="it")
        await socket.execute("soft_hold", "9", uuid="again")
        await trio.sleep(5)
        await caller.press("9")
        await socket.until("CHANNEL_EXECUTE_COMPLETE", uuid="again")
        assert caller.is_up


async def test_what_is_broadcast_is_heard_by_whom_it_is_for(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        await socket.execute("bridge", "user/1001")
        await caller.is_bridged_to("user/1001")
        await socket.run("broadcast", "both.wav")
        await caller.hears("both.wav")
        await socket.run("broadcast", "alone.wav holdb")
        await caller.hears("alone.wav")
        await socket.api(f"uuid_broadcast {caller.channel_uuid} 'their own.wav' bleg")
        await trio.sleep(1)
        assert "user/1001 hears both.wav" in caller.ladder()
        assert "user/1001 hears their own.wav" in caller.ladder()
        assert "user/1001 hears alone.wav" not in caller.ladder()
        assert "their own.wav" not in caller.heard


async def test_who_goes_elsewhere_is_not_held_any_more(phone: FakeFreeSwitch) -> None:
    phone.extension("9000", ["playback elsewhere.wav"])
    async with parked(phone) as (caller, socket):
        await socket.run("hold")
        await socket.execute("transfer", "9000")
        await caller.hears("elsewhere.wav", to_the_end=True)
    async with parked(phone) as (_, socket), parked(phone) as (other, theirs):
        await theirs.run("hold")
        await socket.execute("intercept", other.channel_uuid)
        await socket.until("CHANNEL_BRIDGE")
        assert await socket.api(f"uuid_hold off {other.channel_uuid}") == "-ERR Operation failed\n"
