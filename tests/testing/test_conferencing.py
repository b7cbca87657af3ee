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


async def test_a_pin_is_asked_for_three_times(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        await socket.execute("conference", "room@default+1234", uuid="it")
        for _ in range(3):
            await caller.hears("conference/conf-pin.wav")
            await caller.press("9#")
            await caller.hears("conference/conf-bad-pin.wav")
        found = variables(await socket.until("CHANNEL_EXECUTE_COMPLETE", uuid="it"))
        assert "conference_member_id" not in found
        assert found["conference_name"] == "room"
        assert caller.is_up


async def test_a_pin_that_cannot_be_asked_for_costs_the_call(phone: FakeFreeSwitch) -> None:
    phone.missing_sound("conference/conf-pin.wav")
    async with parked(phone) as (caller, socket):
        await socket.execute("conference", "room+1")
        await caller.was_hung_up("DESTINATION_OUT_OF_ORDER")


async def test_who_supplies_the_moderators_pin_is_one(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (_, socket):
        await socket.ask(MAINTENANCE)
        await socket.execute("conference", "%[supplied_pin=99,conference_moderator_pin=99]room+1234")
        event = await socket.until("CUSTOM", Action="add-member")
        assert (event["Member-Type"], event["Conference-Size"], event["Hear"]) == ("moderator", "1", "true")
        assert "variable_conference_name" not in event.headers


async def test_a_locked_or_a_full_conference_lets_nobody_in_and_join_only_begins_none(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (_, socket), parked(phone) as (caller, other):
        await other.ask(MAINTENANCE)
        complete = await other.run("conference", "%[hangup_after_conference=false]room+flags{join-only}")
        assert "conference_member_id" not in variables(complete)
        assert actions(other.events) == ["rejected-join-only"]
        await socket.execute("conference", "%[conference_max_members=1]room")
        await socket.listen(1)
        assert "conference_member_id" not in variables(await other.run("conference", "room"))
        assert await socket.api("conference room lock") == "+OK room locked\n"
        assert '"locked": true' in await socket.api("conference room json_list")
        assert "conference_member_id" not in variables(await other.run("conference", "room"))
        assert caller.is_up


async def test_the_end_of_a_conference_hangs_up_whoever_does_not_say_no(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (host, socket), parked(phone) as (guest, other), parked(phone) as (stays, third):
        await socket.execute("conference", "room+flags{endconf}")
        await other.execute("conference", "room")
        await third.execute("conference", "%[hangup_after_conference=false]room", uuid="it")
        await third.listen(1)
        await host.hangs_up()
        await guest.was_hung_up("NORMAL_CLEARING")
        await third.until("CHANNEL_EXECUTE_COMPLETE", uuid="it")
        assert stays.is_up


async def test_recordings_variables_and_volumes(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (_, socket):
        await socket.execute("conference", "room")
        await socket.listen(1)
        for command, printed in (
            ("recording start /tmp/a.wav", "+OK Record file /tmp/a.wav\n"),
            ("recording start /tmp/a.wav", "-ERR file [/tmp/a.wav] is already being used for recording.\n"),
            ("recording check", "+OK Record file /tmp/a.wav\n"),
            ("recording pause /tmp/a.wav", "+OK Pause recording file /tmp/a.wav\n"),
            (
                "recording resume /tmp/b.wav",
                "+OK Resume recording file /tmp/b.wav\n-ERR non-existant recording '/tmp/b.wav'\n",
            ),
            ("norecord all", "+OK Stopped recording 1 file\n"),
            ("recording stop /tmp/a.wav", "-ERR non-existant recording '/tmp/a.wav'\n+OK Stopped recording 0 files\n"),
            ("chkrecord room", "-ERR Conference is not being recorded.\n"),
            ("volume_in 1 9", "+OK Volume IN 1 = 4\n"),
            ("volume_out last -2", "+OK Volume OUT 1 = -2\n"),
            ("energy all", "Energy 1 = 300\n"),
            ("setvar color red", "+OK\n"),
            ("getvar color", "red"),
            ("setvar color", "+OK\n"),
            ("getvar color", "-ERR no reply\n"),
            ("pin 12", "+OK Pin for conference room set: 12\n"),
            ("nopin", "+OK Pin for conference room deleted\n"),
            ("play nothing.wav 9", "-ERR Member: 9 not found.\n"),
            ("saymember 9 hello", "-ERR (saymember) Unknown Member 9!\nsaymember <member_id> <text>"),
        ):
            assert await socket.api(f"conference room {command}") == printed


async def test_what_is_played_to_one_is_not_heard_by_the_others(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (first, socket), parked(phone) as (second, other):
        await socket.execute("conference", "room")
        await socket.listen(1)
        await other.execute("conference", "room")
        await other.listen(1)
        await socket.api("conference room play a.wav 1")
        await socket.api("conference room play b.wav")
        await socket.api("conference room say hello")
        await socket.listen(5)
        assert first.heard == ["a.wav", "b.wav", "speak:hello"]
        assert second.heard == ["b.wav", "speak:hello"]


async def test_who_is_dialled_answers_as_he_does_a_bridge(phone: FakeFreeSwitch) -> None:
    phone.destination("user/1002", cause="USER_BUSY")
    async with parked(phone) as (_, socket):
        await socket.execute("conference", "room")
        await socket.listen(1)
        for destination, result in (("user/1001", "SUCCESS"), ("user/1002", "USER_BUSY")):
            printed = await socket.api(f"conference room dial {destination}")
            assert printed == f"+OK Call Requested: result: [{result}]\n"
