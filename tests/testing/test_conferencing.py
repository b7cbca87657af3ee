"""``conference``: members, their events, and what the conference command does to them."""

from __future__ import annotations

import pytest

from esl_outbound.testing import FakeFreeSwitch

from .speaking import Frame, parked, variables

MAINTENANCE = "event plain CUSTOM conference::maintenance"


def actions(frames: list[Frame]) -> list[str]:
    return [frame["Action"] for frame in frames if frame.name == "CUSTOM"]


async def test_a_kick_leaves_the_call_in_the_socket(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        assert await socket.ask(MAINTENANCE) == "+OK event listener enabled plain"
        socket.forget()
        await socket.execute("conference", "room@default", uuid="it")
        member = (await socket.until("CUSTOM", Action="add-member"))["Member-ID"]
        await socket.listen(1)
        assert await socket.api(f"conference room kick {member}") == f"+OK kicked {member}\n"
        complete = await socket.until("CHANNEL_EXECUTE_COMPLETE", uuid="it")
        assert complete["Application-Response"] == "_none_"
        assert actions(socket.events) == ["add-member", "floor-change", "kick-member", "del-member"]
        assert {event["Unique-ID"] for event in socket.events} == {caller.channel_uuid}
        await socket.run("playback", "a.wav")
        assert caller.is_up


async def test_a_hangup_ends_it_before_the_completion(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        await socket.execute("conference", "room")
        await socket.listen(1)
        await caller.hangs_up()
        await socket.until("CHANNEL_HANGUP_COMPLETE")
        assert socket.told() == [
            "EXECUTE conference room",
            "HANGUP NORMAL_CLEARING",
            "COMPLETE conference _none_",
            "UNPARK",
            "COMPLETE socket _none_",
            "HANGUP_COMPLETE",
        ]


async def test_the_variables_stay_set_afterwards(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (_, socket):
        await socket.execute("conference", "room", uuid="it")
        await socket.listen(1)
        member = await socket.ask("getvar conference_member_id")
        assert await socket.ask("getvar conference_name") == "room"
        await socket.api(f"conference room kick {member}")
        found = variables(await socket.until("CHANNEL_EXECUTE_COMPLETE", uuid="it"))
        assert (found["conference_name"], found["conference_member_id"]) == ("room", member)
        assert len(found["conference_uuid"]) == 36


@pytest.mark.parametrize(("verb", "word"), [("mute", "mute"), ("unmute", "unmute"), ("kick", "kicked")])
async def test_commands_for_a_member(phone: FakeFreeSwitch, verb: str, word: str) -> None:
    async with parked(phone) as (_, socket):
        await socket.execute("conference", "room")
        await socket.listen(1)
        member = await socket.ask("getvar conference_member_id")
        assert await socket.api(f"conference room {verb} {member}") == f"+OK {word} {member}\n"


async def test_a_member_or_a_room_that_does_not_exist(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (_, socket):
        assert await socket.api("conference room kick 1") == "-ERR Conference room not found\n"
        await socket.execute("conference", "room")
        await socket.listen(1)
        assert await socket.api("conference room kick 99") == "-ERR Non-Existant ID 99\n"


async def test_two_callers_meet_and_leave(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (first, socket), parked(phone) as (second, other):
        await socket.execute("conference", "room")
        await other.execute("conference", "room")
        await socket.listen(1)
        await other.listen(1)
        listed = await socket.api("conference room list")
        assert first.channel_uuid in listed
        assert second.channel_uuid in listed
        await second.hangs_up()
        await socket.listen(1)
        assert second.channel_uuid not in await socket.api("conference room list")
        assert first.is_up


async def test_a_conference_that_everybody_has_left_is_gone(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (_, socket):
        await socket.execute("conference", "room")
        await socket.listen(1)
        await socket.api("conference room kick all")
        await socket.until("CHANNEL_EXECUTE_COMPLETE")
        assert await socket.api("conference room list") == "-ERR Conference room not found\n"


async def test_what_is_queued_runs_nested_and_its_response_sticks(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        await socket.execute("conference", "room", uuid="it")
        await socket.listen(1)
        await socket.execute("playback", "a.wav", uuid="nested")
        await socket.until("CHANNEL_EXECUTE_COMPLETE", uuid="nested")
        await socket.api("conference room kick all")
        complete = await socket.until("CHANNEL_EXECUTE_COMPLETE", uuid="it")
        assert complete["Application-Response"] == "FILE PLAYED"
        assert caller.is_up


async def test_digits_are_taken_and_told(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        await socket.execute("conference", "room")
        await socket.listen(1)
        await caller.press("12")
        await socket.listen(1)
        assert socket.told() == ["EXECUTE conference room", "DTMF 1", "DTMF 2"]
