"""Listening in: what ends it, and what does not."""

from __future__ import annotations

import pytest
import trio

from esl_outbound.testing import FakeFreeSwitch

from .speaking import parked, variables


@pytest.mark.parametrize("application", ["eavesdrop", "three_way", "native_eavesdrop"])
async def test_it_looks_neither_at_breaks_nor_at_what_is_queued(phone: FakeFreeSwitch, application: str) -> None:
    async with parked(phone) as (caller, socket), parked(phone) as (other, _):
        await socket.execute(application, other.channel_uuid, uuid="it")
        await socket.api(f"uuid_break {caller.channel_uuid}")
        await socket.execute("set", "a=1")
        await trio.sleep(5)
        assert "a" not in caller.variables
        command = f"sendevent COMMAND\nunique-id: {caller.channel_uuid}\neavesdrop-command: *"
        await socket.ask(command)
        completion = await socket.until("CHANNEL_EXECUTE_COMPLETE", uuid="it")
        assert variables(completion)["last_sent_callee_id_number"] == "1000"
        await socket.until("CHANNEL_EXECUTE_COMPLETE", Application="set")
        assert caller.is_up


async def test_it_ends_with_the_other_channel(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket), parked(phone) as (other, _):
        await socket.execute("three_way", other.channel_uuid, uuid="it")
        await trio.sleep(5)
        await other.hangs_up()
        await socket.until("CHANNEL_EXECUTE_COMPLETE", uuid="it")
        assert caller.is_up


async def test_the_star_ends_it_unless_keys_do_not_count(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket), parked(phone) as (other, _):
        await socket.execute("eavesdrop", f"%[eavesdrop_enable_dtmf=false]{other.channel_uuid}", uuid="deaf")
        await trio.sleep(1)
        await caller.press("*")
        await trio.sleep(1)
        assert not [event for event in socket.told() if "eavesdrop" in event and "COMPLETE" in event]
        await socket.ask(f"sendevent COMMAND\nunique-id: {caller.channel_uuid}\neavesdrop-command: *")
        await socket.until("CHANNEL_EXECUTE_COMPLETE", uuid="deaf")
        await socket.execute("eavesdrop", other.channel_uuid, uuid="it")
        await trio.sleep(1)
        await caller.press("12*")
        await socket.until("CHANNEL_EXECUTE_COMPLETE", uuid="it")


async def test_who_is_not_there_or_of_another_group_is_not_heard(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket), parked(phone, variables={"eavesdrop_group": "a,sales"}) as (other, _):
        for target in ("", "no-such-uuid", caller.channel_uuid, f"%[eavesdrop_require_group=b]{other.channel_uuid}"):
            completion = await socket.run("eavesdrop", target)
            assert "last_sent_callee_id_number" not in variables(completion)
        await socket.execute("eavesdrop", f"%[eavesdrop_require_group=sales]{other.channel_uuid}", uuid="it")
        await trio.sleep(1)
        await caller.press("*")
        completion = await socket.until("CHANNEL_EXECUTE_COMPLETE", uuid="it")
        assert "last_sent_callee_id_number" in variables(completion)


async def test_one_without_media_is_waited_for(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket), parked(phone, before=[]) as (other, theirs):
        await socket.run("eavesdrop", other.channel_uuid)  # six seconds are too short
        await socket.execute("eavesdrop", other.channel_uuid, uuid="it")
        await trio.sleep(3)
        await theirs.run("answer")
        await trio.sleep(10)
        assert caller.is_up
        await caller.press("*")
        await socket.until("CHANNEL_EXECUTE_COMPLETE", uuid="it")


async def test_of_all_one_is_heard_after_the_other_until_the_hangup(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        async with parked(phone) as (_, _):
            await socket.execute("eavesdrop", "all")
            for _ in range(3):
                await trio.sleep(1)
                await caller.press("*")
        await trio.sleep(5)
        assert caller.is_up
        assert not [event for event in socket.told() if event.startswith("COMPLETE eavesdrop")]
        await socket.api(f"uuid_kill {caller.channel_uuid}")
        await caller.was_hung_up()


async def test_park_state_takes_the_call_out_of_the_socket(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        await socket.run("set", "park_timeout=20")
        await socket.execute("park_state")
        await socket.until("CHANNEL_PARK")
        assert "COMPLETE socket _none_" in socket.told()
        await caller.was_hung_up("NORMAL_CLEARING", within=21)


async def test_both_legs_of_a_bridge_go_to_places_of_their_own(phone: FakeFreeSwitch) -> None:
    phone.extension("9000", ["playback ours.wav"])
    async with parked(phone) as (caller, socket):
        await socket.execute("bridge", "user/1001")
        await caller.is_bridged_to("user/1001")
        assert (await socket.api(f"uuid_dual_transfer {caller.channel_uuid} 9000")).startswith("-USAGE")
        assert await socket.api(f"uuid_dual_transfer {caller.channel_uuid} 9000/XML/default 9001") == "+OK\n"
        await caller.hears("ours.wav")
        assert "user/1001 goes to 9001" in caller.ladder()
