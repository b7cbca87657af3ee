"""``fifo``, ``callcenter``, ``valet_park`` and ``voicemail``, as the simulator has them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio

from esl_outbound.testing import Caller, FakeFreeSwitch

from .speaking import EventSocket, parked, variables

CENTER = "support@default"


async def test_a_caller_in_a_fifo_hears_music_until_an_agent_takes_him_away(phone: FakeFreeSwitch) -> None:
    async with parked(phone, caller_id="1001") as (caller, socket), parked(phone, caller_id="2001") as (agent, other):
        await socket.execute("fifo", "q in hello.wav local_stream://moh", uuid="it")
        await caller.hears("local_stream://moh")
        assert "q:0:1:0:0:0" in await socket.api("fifo count q")
        assert await socket.ask("getvar fifo_status") == "WAITING"
        await other.execute("fifo", "q out nowait", uuid="agent")
        complete = await socket.until("CHANNEL_EXECUTE_COMPLETE", uuid="it")
        assert complete["Channel-State-Number"] == "8"
        found = variables(complete)
        assert (found["fifo_serviced_uuid"], found["fifo_serviced_by"]) == (agent.channel_uuid, agent.channel_uuid)
        await socket.until("CHANNEL_EXECUTE_COMPLETE", Application="socket")
        bridge = await other.until("CHANNEL_BRIDGE")
        assert bridge["Bridge-B-Unique-ID"] == caller.channel_uuid
        await trio.sleep(10)
        await caller.hangs_up()
        found = variables(await other.until("CHANNEL_EXECUTE_COMPLETE", uuid="agent"))
        assert (found["fifo_target"], found["fifo_bridge_seconds"]) == (caller.channel_uuid, "10")
        assert agent.is_up
        await agent.hangs_up()


async def test_positions_move_up_and_priorities_go_first(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (_, first), parked(phone) as (_, second), parked(phone) as (_, third):
        for socket in (first, second):
            await socket.execute("fifo", "q in")
            await socket.listen(1)
        await third.execute("fifo", "%[fifo_priority=0,fifo_caller_exit_key=#]q in")
        await third.listen(1)
        assert [await each.ask("getvar fifo_position") for each in (first, second, third)] == ["1", "2", "3"]
        await first.ask("sendmsg\ncall-command: hangup")
        await second.listen(1)
        assert [await each.ask("getvar fifo_position") for each in (second, third)] == ["1", "2"]


async def test_a_key_or_the_time_ends_the_wait_and_a_break_does_not(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        await socket.execute("fifo", "%[fifo_caller_exit_key=#]q in undef local_stream://moh", uuid="it")
        await caller.hears("local_stream://moh")
        await socket.api(f"uuid_break {caller.channel_uuid}")
        await caller.press("1")
        await socket.listen(5)
        await caller.press("#")
        found = variables(await socket.until("CHANNEL_EXECUTE_COMPLETE", uuid="it"))
        assert (found["fifo_status"], found["fifo_caller_exit_key"]) == ("ABORTED", "#")
        complete = await socket.run("fifo", "%[fifo_orbit_exten=_continue_:5]q in")
        assert variables(complete)["fifo_status"] == "TIMEOUT"
        assert "<callers>\n    </callers>" in await socket.api("fifo list q")


async def test_an_agent_who_waits_serves_one_after_the_other(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (agent, other):
        await other.execute("fifo", "%[fifo_consumer_wrapup_time=0]q out wait undef local_stream://moh")
        for _ in range(2):
            async with parked(phone) as (caller, socket):
                await socket.execute("fifo", "q in")
                await other.until("CHANNEL_BRIDGE")
                await trio.sleep(1)
                await agent.press("*")
                await caller.was_hung_up("NORMAL_CLEARING")
        await agent.hangs_up()


@asynccontextmanager
async def in_queue(phone: FakeFreeSwitch, argument: str = CENTER) -> AsyncIterator[tuple[Caller, EventSocket]]:
    async with parked(phone, caller_id_name="Ada|L.") as (caller, socket):
        await socket.execute("callcenter", argument, uuid="it")
        yield caller, socket


async def test_an_agent_of_a_callcenter_takes_the_call_away(phone: FakeFreeSwitch) -> None:
    phone.callcenter(CENTER, agent="1001@default", answers_after=3, talks_for=5)
    async with in_queue(phone) as (caller, socket):
        await caller.hears("local_stream://moh")
        listed = await socket.api(f"callcenter_config queue list members {CENTER}")
        assert f"|{caller.channel_uuid}|1000|Ada|L.|" in listed
        assert "|Waiting|" in listed
        found = variables(await socket.until("CHANNEL_EXECUTE_COMPLETE", uuid="it"))
        assert found["cc_cause"] == "answered"
        assert "cc_agent" not in found
        await socket.until("CHANNEL_BRIDGE")
        assert "|In a queue call|" in await socket.api(f"callcenter_config queue list agents {CENTER}")
        await caller.was_hung_up("NORMAL_CLEARING")
    assert caller.variables["cc_agent"] == "1001@default"


async def test_a_queue_lets_nobody_wait_for_longer_than_it_says(phone: FakeFreeSwitch) -> None:
    phone.callcenter(CENTER, max_wait_seconds=20)
    async with in_queue(phone, f"%[cc_exit_keys=#]{CENTER}") as (_, socket):
        found = variables(await socket.until("CHANNEL_EXECUTE_COMPLETE", uuid="it"))
        assert (found["cc_cause"], found["cc_cancel_reason"]) == ("cancel", "TIMEOUT")
    async with in_queue(phone, f"%[cc_exit_keys=#]{CENTER}") as (caller, socket):
        await caller.hears("local_stream://moh")
        await caller.press("#")
        found = variables(await socket.until("CHANNEL_EXECUTE_COMPLETE", uuid="it"))
        assert (found["cc_cancel_reason"], found["cc_exit_key"]) == ("EXIT_WITH_KEY", "#")
    async with in_queue(phone, "none@default") as (caller, socket):
        assert "cc_cause" not in variables(await socket.until("CHANNEL_EXECUTE_COMPLETE", uuid="it"))


async def test_a_parked_call_is_fetched_by_whoever_names_its_stall(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket), parked(phone) as (_, other):
        await socket.execute("valet_park", "lot auto in 8001 8099", uuid="it")
        await caller.hears("phrase:valet_announce_ext,lot:8001", to_the_end=True)
        await socket.listen(1)
        assert f'<extension uuid="{caller.channel_uuid}">8001</extension>' in await socket.api("valet_info lot")
        await other.execute("valet_park", "lot 8001", uuid="fetch")
        complete = await socket.until("CHANNEL_EXECUTE_COMPLETE", uuid="it")
        assert variables(complete)["valet_lot_extension"] == "8001"
        assert complete["Channel-State-Number"] == "8"
        complete = await other.until("CHANNEL_EXECUTE_COMPLETE", uuid="fetch")
        assert "valet_lot_extension" not in variables(complete)
        assert complete["Channel-State-Number"] == "8"
        await caller.hangs_up()


async def test_a_full_lot_an_empty_one_and_one_that_is_asked_for(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (_, socket), parked(phone) as (caller, other):
        await socket.execute("valet_park", "lot auto in 1 1")
        await socket.listen(5)
        complete = await other.run("valet_park", "lot auto in 1 1")
        assert "valet_lot_extension" not in variables(complete)
        await caller.hears("phrase:valet_lot_full")
        await other.run("valet_park", "lot auto out 7 9")
        await caller.hears("phrase:valet_lot_empty")
        await other.execute("valet_park", "%[valet_parking_timeout=5]lot ask 1 3 5000 which.wav", uuid="it")
        await caller.hears("which.wav")
        await caller.press("22#")
        complete = await other.until("CHANNEL_EXECUTE_COMPLETE", uuid="it")
        assert variables(complete)["valet_lot_extension"] == "22"
        assert complete["Channel-State-Number"] == "4"


async def test_a_message_is_left_in_a_mailbox(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        await socket.execute("voicemail", "default example.org 1001", uuid="it")
        await caller.hears("phrase:voicemail_play_greeting,1001", to_the_end=True)
        message = await caller.is_recorded("*/example.org/1001/*")
        await caller.speaks(7.5)
        await caller.press("#")
        await caller.hears("phrase:voicemail_record_urgent_check,*:#")
        await caller.press("*")
        await caller.hears("phrase:voicemail_ack,marked-urgent")
        found = variables(await socket.until("CHANNEL_EXECUTE_COMPLETE", uuid="it"))
        assert found["voicemail_file_path"] == message.path
        assert (found["voicemail_message_len"], found["voicemail_read_flags"]) == ("00:00:07", "A_URGENT")
        assert await socket.api("vm_boxcount default/1001@example.org|all") == "1:0:1:0"
        phone.missing_mailbox("1002", "example.org")
        found = variables(await socket.run("voicemail", "default example.org 1002"))
        assert found["voicemail_file_path"] == message.path  # what the last one left


async def test_a_message_is_there_though_the_caller_hangs_up(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        await socket.execute("voicemail", "%[skip_greeting=true,skip_instructions=true]default example.org 1001")
        await caller.is_recorded()
        await caller.speaks(3)
        await caller.hangs_up()
        await socket.until("CHANNEL_HANGUP_COMPLETE")
    assert await phone.api("vm_boxcount", "1001@example.org") == "1"
