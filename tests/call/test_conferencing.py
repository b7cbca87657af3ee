"""Conferences: how a caller is let in, what is done to him and seen there, and how it ends."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import trio
import trio.testing
from trio.testing import MockClock

from esl_outbound import (
    ApiFailed,
    ApplicationFailed,
    CallHandler,
    CallHungUp,
    Event,
    EventsLost,
    Expand,
    HangupCause,
    LocalProtocolError,
    NotPermitted,
    RemoteProtocolError,
)
from esl_outbound.call.conference_events import ConferenceAction, ConferenceEvent, conference_event
from esl_outbound.call.conference_member import ConferenceMember
from esl_outbound.call.conference_results import ConferenceExit, ConferenceResult, conference_state
from esl_outbound.call.conferencing import ConferenceFlag
from esl_outbound.testing import FakeFreeSwitch

from ..freeswitch import CHANNEL, OK, REFUSED, ScriptedSwitch, api_response, connect_reply, dial

SUBSCRIBED = b"Content-Type: command/reply\nReply-Text: +OK event listener enabled plain\n\n"
UNSET = "conference_name conference_member_id conference_uuid conference_moderator"
ON = "%[hangup_after_conference=false]"
OTHER = "6f1a4b9e-0000-4000-8000-000000000000"
ROOM_UUID = "2f5bd4a4-3d39-4aa5-8a41-5fb1a0b0a0d7"
MEMBER = {
    "variable_conference_member_id": "6",
    "variable_conference_uuid": ROOM_UUID,
    "variable_conference_moderator": "false",
}


def maintenance(
    switch: ScriptedSwitch, action: str, micros: int = 0, channel: str = CHANNEL, name: str = "room", **more: str
) -> bytes:
    """An event of mod_conference's about a member."""
    return switch.event(
        "CUSTOM",
        "",
        channel,
        Event_Subclass="conference%3A%3Amaintenance",
        Event_Date_Timestamp=str(micros),
        Conference_Name=name,
        Conference_Size="1",
        Caller_Caller_ID_Name="Ada%20L.",
        Caller_Caller_ID_Number="1000",
        Hear="true",
        Speak="false",
        Talking="false",
        Floor="true",
        Member_Type="member",
        **{"Member_ID": "6", **more},
        Action=action,
    )


def digit(switch: ScriptedSwitch, key: str) -> bytes:
    """A digit that something took."""
    return switch.event("DTMF", DTMF_Digit=key)


async def expect_join(switch: ScriptedSwitch, argument: str) -> str:
    """Read what lets a caller in, with ``full``."""
    await switch.expect("event plain CUSTOM conference::maintenance")
    await switch.send(SUBSCRIBED)
    await switch.run_application("multiunset", UNSET)
    return await switch.expect_execute("conference", argument)


@pytest.mark.parametrize(
    ("action", "reason"),
    [
        ("kick-member", ConferenceExit.KICKED),
        ("hup-member", ConferenceExit.TAKEN_OUT),
        ("mute-member", None),
    ],
)
async def test_the_result_tells_why_he_left_as_far_as_it_is_said(action: str, reason: ConferenceExit | None) -> None:
    results: list[ConferenceResult] = []

    class Handler(CallHandler):
        async def run(self) -> None:
            results.append(await self.conference("room"))

    async with dial(Handler) as switch:
        await switch.greet()
        uuid = await expect_join(switch, f"{ON}room@default")
        await switch.send(switch.execute(uuid, "conference"))
        await switch.send(maintenance(switch, "add-member", 1_000_000))
        await switch.send(maintenance(switch, action, 2_000_000, Member_ID="7", channel="another"))
        await switch.send(maintenance(switch, action, 3_000_000), maintenance(switch, "del-member", 3_500_000))
        await switch.send(switch.complete(uuid, "conference", **MEMBER))
        await switch.hang_up_as_told()
        await switch.expect_exit()
    assert results == [ConferenceResult(reason, 6, ROOM_UUID, False, 2.5)]


async def test_what_somebody_else_did_to_another_is_not_taken_for_him() -> None:
    results: list[ConferenceResult] = []

    class Handler(CallHandler):
        async def run(self) -> None:
            results.append(await self.conference("room"))

    async with dial(Handler) as switch:
        await switch.greet()
        uuid = await expect_join(switch, f"{ON}room@default")
        await switch.send(switch.execute(uuid, "conference"), maintenance(switch, "add-member", 1_000_000))
        await switch.send(maintenance(switch, "kick-member", 2_000_000, channel="another"))
        await switch.send(switch.complete(uuid, "conference", **MEMBER, Event_Date_Timestamp="4000000"))
        await switch.hang_up_as_told()
        await switch.expect_exit()
    assert results == [ConferenceResult(None, 6, ROOM_UUID, False, 3.0)]


async def test_who_is_not_let_in_has_no_number() -> None:
    results: list[ConferenceResult] = []

    class Handler(CallHandler):
        async def run(self) -> None:
            results.append(await self.conference("room", pin="1234"))
            results.append(await self.conference("room", flags=[ConferenceFlag.JOIN_ONLY]))

    async with dial(Handler) as switch:
        await switch.greet()
        uuid = await expect_join(switch, f"{ON}room@default+1234")
        await switch.send(switch.execute(uuid, "conference"), switch.complete(uuid, "conference"))
        uuid = await expect_join(switch, f"{ON}room@default+flags{{join-only}}")
        await switch.send(switch.execute(uuid, "conference"), maintenance(switch, "rejected-join-only"))
        await switch.send(switch.complete(uuid, "conference"))
        await switch.hang_up_as_told()
        await switch.expect_exit()
    assert results == [
        ConferenceResult(ConferenceExit.NOT_ADMITTED, None, None, None, None),
        ConferenceResult(ConferenceExit.NOT_THERE, None, None, None, None),
    ]


async def test_without_full_no_event_tells_of_it() -> None:
    results: list[ConferenceResult] = []

    class Handler(CallHandler):
        async def run(self) -> None:
            member = await self.start_conference("room")
            assert member.member_id is None
            with pytest.raises(NotPermitted):
                await member.joined()
            with pytest.raises(NotPermitted):
                await member.mute()
            with pytest.raises(NotPermitted):
                async with member.events():
                    pass
            with pytest.raises(NotPermitted):
                await member.state()
            results.append(await member.finished())

    async with dial(Handler) as switch:
        await switch.greet(connect_reply(control="single-channel"), OK + REFUSED + REFUSED)
        await switch.run_application("multiunset", UNSET)
        uuid = await switch.expect_execute("conference", f"{ON}room@default")
        await switch.send(switch.execute(uuid, "conference", Event_Date_Timestamp="1000000"))
        await switch.send(switch.complete(uuid, "conference", **MEMBER, Event_Date_Timestamp="2250000"))
        await switch.hang_up_as_told()
        await switch.expect_exit()
    assert results == [ConferenceResult(None, 6, ROOM_UUID, False, 1.25)]


async def test_all_that_can_be_said_of_a_conference_is_in_one_write() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            await self.conference(
                "sales.3000",
                profile="wideband",
                flags=[ConferenceFlag.MUTE, "moderator"],
                pin="12*",
                supplied_pin="12*",
                moderator_pin="99",
                max_members=5,
                music="local_stream://moh",
                outcalls=["{a=b,c=d}user/1001", "user/1002"],
                outcall_seconds=20.5,
                hangup_after=True,
            )

    async with dial(Handler) as switch:
        await switch.greet()
        await switch.expect("event plain CUSTOM conference::maintenance")
        await switch.send(SUBSCRIBED)
        await switch.run_application("multiunset", UNSET)
        await switch.run_application("set", "conference_auto_outcall_delimiter=\x1f")
        await switch.run_application("conference_set_auto_outcall", "")
        await switch.run_application("conference_set_auto_outcall", "{a=b,c=d}user/1001")
        await switch.run_application("conference_set_auto_outcall", "user/1002")
        await switch.run_application(
            "conference",
            "%[supplied_pin=12*,conference_moderator_pin=99,conference_max_members=5,"
            "conference_moh_sound=local_stream://moh,hangup_after_conference=true,conference_auto_outcall_timeout=21]"
            "sales.3000@wideband+12*+flags{mute|moderator}",
            **MEMBER,
        )
        await switch.hang_up_as_told()
        await switch.expect_exit()


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""},
        {"name": "my room"},
        {"name": "a+b"},
        {"name": "a@b"},
        {"name": "${system(x)}"},
        {"name": "a\nb"},
        {"name": "it's"},
        {"name": "Bridge:room"},
        {"name": "^^room"},
        {"profile": "a@b"},
        {"pin": "12#"},
        {"pin": "letters"},
        {"supplied_pin": "1 2"},
        {"supplied_pin": "1" * 80},
        {"moderator_pin": "#"},
        {"flags": ["mute}"]},
        {"flags": ["x"] * 11},
        {"max_members": 1},
        {"music": "a,b"},
        {"outcalls": ["user/1"], "outcall_seconds": 5},
        {"outcalls": ["user/1"], "outcall_seconds": 501},
    ],
)
async def test_what_cannot_be_said_is_refused_before_anything_is_sent(wrong: dict[str, Any]) -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            for attempt in (self.conference, self.start_conference):
                with pytest.raises(LocalProtocolError):
                    await attempt(**{"name": "room", **wrong})

    async with dial(Handler) as switch:
        await switch.greet()
        await switch.hang_up_as_told()
        await switch.expect_exit()


async def test_a_caller_who_hangs_up_in_it_ends_the_wait() -> None:
    seen: list[str] = []

    class Handler(CallHandler):
        async def run(self) -> None:
            member = await self.start_conference("room")
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self.watch, member)
                try:
                    await member.finished()
                except trio.Cancelled:
                    with trio.CancelScope(shield=True):
                        for attempt in (member.finished, member.mute, member.joined):
                            with pytest.raises(CallHungUp):
                                await attempt()
                        seen.append("hung up")
                    raise

        async def watch(self, member: ConferenceMember) -> None:
            async with member.events() as events:
                with trio.CancelScope(shield=True):
                    seen.extend([event.action async for event in events])

    async with dial(Handler) as switch:
        await switch.greet()
        uuid = await expect_join(switch, f"{ON}room@default")
        await switch.send(switch.execute(uuid, "conference"))
        await trio.testing.wait_all_tasks_blocked()
        await switch.send(switch.hangup(), switch.complete(uuid, "conference"), switch.hangup_complete())
        await switch.expect_exit()
    assert seen == ["hung up"]


async def test_cancelling_takes_him_out_and_waits_until_he_is_out(autojump_clock: MockClock) -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            with trio.move_on_after(5):
                await self.conference("room")
            await self.playback("after.wav")

    async with dial(Handler) as switch:
        await switch.greet()
        uuid = await expect_join(switch, f"{ON}room@default")
        await switch.send(switch.execute(uuid, "conference"))
        await switch.expect(f"api uuid_getvar {CHANNEL} conference_name")
        await switch.send(api_response("room"))
        await switch.expect(f"api uuid_getvar {CHANNEL} conference_member_id")
        await switch.send(api_response("6"))
        await switch.expect("api conference room kick 6")
        await switch.send(api_response("+OK kicked 6\n"), switch.complete(uuid, "conference", **MEMBER))
        await switch.run_application("playback", response="FILE%20PLAYED")
        await switch.hang_up_as_told()
        await switch.expect_exit()


async def test_cancelling_amid_the_pin_gives_wrong_ones_that_are_not_the_callers(autojump_clock: MockClock) -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            with trio.move_on_after(5):
                await self.conference("room", pin="1234")
            assert [await self.digits.get() for _ in range(len(self.digits))] == ["1", "7"]

    wrong = "D" * 16

    async with dial(Handler) as switch:
        await switch.greet()
        uuid = await expect_join(switch, f"{ON}room@default+1234")
        await switch.send(switch.execute(uuid, "conference"), digit(switch, "1"))
        began = trio.current_time()
        while (line := await switch.read_command()) != f"api uuid_recv_dtmf {CHANNEL} {wrong}":
            # For half a second he may only be about to join.
            assert line == f"api uuid_getvar {CHANNEL} conference_name"
            await switch.send(api_response("room"))
            await switch.expect(f"api uuid_getvar {CHANNEL} conference_member_id")
            await switch.send(api_response("_undef_"))
        assert trio.current_time() - began == pytest.approx(5.5, abs=0.05)
        await switch.send(api_response(f"+OK {CHANNEL} received DTMF {wrong}.\n"))
        await switch.expect(f"api uuid_break {CHANNEL}")
        await switch.send(api_response("+OK\n"), *[digit(switch, "D")] * 4, digit(switch, "7"))
        await switch.send(switch.complete(uuid, "conference"))
        await switch.hang_up_as_told()
        await switch.expect_exit()


Act = Callable[[ConferenceMember], Awaitable[object]]


@pytest.mark.parametrize(
    ("act", "command", "printed"),
    [
        (lambda m: m.mute(), "mute 6", "+OK mute 6\n"),
        (lambda m: m.mute(7, quiet=True), "mute 7 quiet", "+OK mute 7\n"),
        (lambda m: m.unmute("all"), "unmute all", "+OK unmute 6\n+OK unmute 7\n"),
        (lambda m: m.mute("non_moderator"), "mute non_moderator", "-ERR no reply\n"),
        (lambda m: m.deaf(), "deaf 6", "+OK deaf 6\n"),
        (lambda m: m.undeaf("last"), "undeaf last", "+OK undeaf 7\n"),
        (lambda m: m.hold(music="my music.wav"), "hold 6 'my music.wav'", "+OK hold 6\n"),
        (lambda m: m.hold(music="${system(x)}.wav"), r"hold 6 '\\${system(x)}.wav'", "+OK hold 6\n"),
        (lambda m: m.hold(music=Expand("${moh}")), "hold 6 '${moh}'", "+OK hold 6\n"),
        (lambda m: m.unhold(), "unhold 6", "+OK unhold 6\n"),
        (lambda m: m.kick(7), "kick 7", "+OK kicked 7\n"),
        (lambda m: m.volume_in(2), "volume_in 6 2", "+OK Volume IN 6 = 2\n"),
        (lambda m: m.volume_out(-4, 7), "volume_out 7 -4", "+OK Volume OUT 7 = -4\n"),
        (lambda m: m.energy(500), "energy 6 500", "Energy 6 = 500\n"),
        (lambda m: m.send_dtmf("1#"), "dtmf 6 1#", "+OK sent 1# to 6\n"),
        (lambda m: m.play("a.wav"), "play a.wav 6", "+OK (play) Playing file a.wav to member 6\n"),
        (
            lambda m: m.play("it's ${system(x)}.wav", to=7, mix=False),
            r"play 'it\'s \\${system(x)}.wav' 7 nomux",
            "+OK (play) Playing file x to member 7\n",
        ),
        (
            lambda m: m.play(Expand("${sounds_dir}/a.wav")),
            "play '${sounds_dir}/a.wav' 6",
            "+OK (play) Playing file x to member 6\n",
        ),
        (lambda m: m.say("it's ${x}"), r"saymember 6 it's \${x}", "+OK (saymember) OK\n"),
        (lambda m: m.stop_playing(), "stop all 6", "+OK Stopped 1 files.\n"),
        (lambda m: m.play_to_all("my ${x}.wav"), "play 'my ${x}.wav'", "+OK (play) Playing file x\n"),
        (lambda m: m.say_to_all("it's ${x}"), "say it's ${x}", "+OK (say) OK\n"),
        (lambda m: m.stop_playing_to_all(), "stop all", "+OK Stopped 0 files.\n"),
        (lambda m: m.lock(), "lock", "+OK room locked\n"),
        (lambda m: m.unlock(), "unlock", "+OK room unlocked\n"),
        (lambda m: m.set_pin("1*"), "pin 1*", "+OK Pin for conference room set: 1*\n"),
        (lambda m: m.set_pin(""), "nopin", "+OK Pin for conference room deleted\n"),
        (lambda m: m.record("/tmp/my room.wav"), "recording start '/tmp/my room.wav'", "+OK Record file x\n"),
        (lambda m: m.stop_recording("/tmp/a.wav"), "recording stop /tmp/a.wav", "+OK Stopped recording 1 file\n"),
        (lambda m: m.stop_recording(), "recording stop all", "+OK Stopped recording 0 files\n"),
        (lambda m: m.pause_recording("/tmp/a.wav"), "recording pause /tmp/a.wav", "+OK Pause recording file x\n"),
        (lambda m: m.resume_recording("/tmp/a.wav"), "recording resume /tmp/a.wav", "+OK Resume recording file x\n"),
    ],
)
async def test_each_thing_that_can_be_done_there(act: Act, command: str, printed: str) -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            member = await self.start_conference("room")
            assert await act(member) is None

    async with dial(Handler) as switch:
        await switch.greet()
        uuid = await expect_join(switch, f"{ON}room@default")
        await switch.send(switch.execute(uuid, "conference"), maintenance(switch, "add-member"))
        await switch.expect(f"api conference room {command}")
        await switch.send(api_response(printed))
        await switch.hang_up_as_told()
        await switch.expect_exit()


@pytest.mark.parametrize(
    "printed",
    [
        "-ERR Conference room not found\n",
        "-ERR Non-Existant ID 6\n",
        "recording [start|stop|check|pause|resume] [<filename>|all]",
        "+OK Pause recording file /tmp/a.wav\n-ERR non-existant recording '/tmp/a.wav'\n",
    ],
)
async def test_what_cannot_be_done_raises(printed: str) -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            member = await self.start_conference("room")
            with pytest.raises(ApiFailed):
                await member.pause_recording("/tmp/a.wav")

    async with dial(Handler) as switch:
        await switch.greet()
        uuid = await expect_join(switch, f"{ON}room@default")
        await switch.send(switch.execute(uuid, "conference"), maintenance(switch, "add-member"))
        await switch.expect("api conference room recording pause /tmp/a.wav")
        await switch.send(api_response(printed))
        await switch.hang_up_as_told()
        await switch.expect_exit()


@pytest.mark.parametrize(
    "act",
    [
        lambda m: m.volume_in(5),
        lambda m: m.volume_out(-5),
        lambda m: m.energy(1801),
        lambda m: m.send_dtmf("x"),
        lambda m: m.send_dtmf(""),
        lambda m: m.mute(0),
        lambda m: m.mute("nobody"),
        lambda m: m.play(""),
        lambda m: m.play("a\nb"),
        lambda m: m.say(" "),
        lambda m: m.say("a\nb"),
        lambda m: m.say_to_all(""),
        lambda m: m.set_pin("a"),
        lambda m: m.dial("user/1\n"),
    ],
)
async def test_what_cannot_be_done_in_any_conference_is_not_sent(act: Act) -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            member = await self.start_conference("room")
            with pytest.raises(LocalProtocolError):
                await act(member)

    async with dial(Handler) as switch:
        await switch.greet()
        uuid = await expect_join(switch, f"{ON}room@default")
        await switch.send(switch.execute(uuid, "conference"), maintenance(switch, "add-member"))
        await switch.hang_up_as_told()
        await switch.expect_exit()


async def test_what_is_done_to_him_waits_until_he_is_in_and_fails_if_he_is_not_let_in() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            member = await self.start_conference("room", pin="1")
            with pytest.raises(ApplicationFailed, match="conference did not let the caller into room"):
                await member.mute()
            assert member.is_over
            assert member.name == "room"
            assert repr(member) == "<ConferenceMember None of room, over>"
            with pytest.raises(ApplicationFailed):
                await member.joined()
            assert (await member.finished()).reason is ConferenceExit.NOT_ADMITTED

    async with dial(Handler) as switch:
        await switch.greet()
        uuid = await expect_join(switch, f"{ON}room@default+1")
        await switch.send(switch.execute(uuid, "conference"))
        await trio.testing.wait_all_tasks_blocked()
        assert switch.received == b""
        await switch.send(switch.complete(uuid, "conference"))
        await switch.hang_up_as_told()
        await switch.expect_exit()


async def test_a_conference_whose_name_is_in_the_way_of_say_says_it_otherwise() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            member = await self.start_conference("essay")
            await member.say_to_all("it's me")
            await member.say("hello")

    async with dial(Handler) as switch:
        await switch.greet()
        uuid = await expect_join(switch, f"{ON}essay@default")
        await switch.send(switch.execute(uuid, "conference"), maintenance(switch, "add-member", name="essay"))
        await switch.expect(r"api conference essay play 'say:it\'s me'")
        await switch.send(api_response("+OK (play) Playing file say:it's me\n"))
        await switch.expect("api conference essay saymember 6 hello")
        await switch.send(api_response("+OK (saymember) OK\n"))
        await switch.hang_up_as_told()
        await switch.expect_exit()


async def test_leaving_is_told_apart_from_a_kick(autojump_clock: MockClock) -> None:
    results: list[ConferenceResult] = []

    class Handler(CallHandler):
        async def run(self) -> None:
            member = await self.start_conference("room")
            assert await member.joined() == 6
            await member.leave()
            results.append(await member.finished())

    async with dial(Handler) as switch:
        await switch.greet()
        uuid = await expect_join(switch, f"{ON}room@default")
        await switch.send(switch.execute(uuid, "conference"), maintenance(switch, "add-member", 1_000_000))
        await switch.expect(f"api uuid_getvar {CHANNEL} conference_name")
        await switch.send(api_response("room"))
        await switch.expect(f"api uuid_getvar {CHANNEL} conference_member_id")
        await switch.send(api_response("6"))
        await switch.expect("api conference room kick 6")
        await switch.send(api_response("+OK kicked 6\n"), maintenance(switch, "kick-member", 2_000_000))
        await switch.send(maintenance(switch, "del-member", 2_000_000), switch.complete(uuid, "conference", **MEMBER))
        await switch.hang_up_as_told()
        await switch.expect_exit()
    assert results == [ConferenceResult(ConferenceExit.LEFT, 6, ROOM_UUID, False, 1.0)]


async def test_what_happens_there_is_a_stream_that_ends_when_he_is_out() -> None:
    seen: list[ConferenceEvent] = []

    class Handler(CallHandler):
        async def run(self) -> None:
            member = await self.start_conference("room")
            async with member.events() as events:
                await member.joined()
                async for event in events:
                    seen.append(event)
            await self.answer()

    async with dial(Handler) as switch:
        await switch.greet()
        uuid = await expect_join(switch, f"{ON}room@default")
        await trio.testing.wait_all_tasks_blocked()
        await switch.send(switch.execute(uuid, "conference"), maintenance(switch, "add-member"))
        await switch.send(maintenance(switch, "start-talking", name="another"))
        await switch.send(maintenance(switch, "something-new"), switch.event("CHANNEL_PARK"))
        await trio.testing.wait_all_tasks_blocked()
        await switch.send(maintenance(switch, "del-member"), switch.complete(uuid, "conference", **MEMBER))
        await switch.run_application("answer")
        await switch.hang_up_as_told()
        await switch.expect_exit()
    assert [event.action for event in seen] == ["add-member", "something-new", "del-member"]
    first = seen[0]
    assert first.action is ConferenceAction.ADD_MEMBER
    assert (first.conference_name, first.size, first.member_id, first.channel_uuid) == ("room", 1, 6, CHANNEL)
    assert (first.caller_id_name, first.caller_id_number, first.is_moderator) == ("Ada L.", "1000", False)
    assert (first.can_hear, first.can_speak, first.is_talking, first.has_floor) == (True, False, False, True)
    assert first.event["Member-Type"] == "member"


async def test_what_happens_to_the_others_is_shown_by_way_of_a_variable_of_the_conference() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            member = await self.start_conference("room")
            async with member.events(of_everybody=True) as events:
                assert (await anext(events)).member_id == 6
                event = await anext(events)
                assert (event.action, event.member_id, event.channel_uuid) == ("add-member", 7, "another")
            with pytest.raises(ApplicationFailed, match="another call already"):
                async with member.events(of_everybody=True):
                    pass

    async with dial(Handler) as switch:
        await switch.greet()
        uuid = await expect_join(switch, f"{ON}room@default")
        await switch.send(switch.execute(uuid, "conference"), maintenance(switch, "add-member"))
        await switch.expect("api conference room getvar Job-Owner-UUID")
        await switch.send(api_response("-ERR no reply\n"))
        await switch.expect(f"api conference room setvar Job-Owner-UUID {CHANNEL}")
        await switch.send(api_response("+OK\n"))
        await switch.send(maintenance(switch, "add-member", Member_ID="7", channel="another", Job_Owner_UUID=CHANNEL))
        await switch.expect("api conference room setvar Job-Owner-UUID")
        await switch.send(api_response("+OK\n"))
        await switch.expect("api conference room getvar Job-Owner-UUID")
        await switch.send(api_response(OTHER))
        await switch.expect(f"api uuid_exists {OTHER}")
        await switch.send(api_response("true"))
        await switch.hang_up_as_told()
        await switch.expect_exit()


async def test_what_a_call_that_is_gone_left_in_a_conference_is_in_nobodys_way() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            member = await self.start_conference("room")
            async with member.events(of_everybody=True), member.events(of_everybody=True):
                pass

    async with dial(Handler) as switch:
        await switch.greet()
        uuid = await expect_join(switch, f"{ON}room@default")
        await switch.send(switch.execute(uuid, "conference"), maintenance(switch, "add-member"))
        for line, answer in (
            ("getvar Job-Owner-UUID", OTHER),
            (f"uuid_exists {OTHER}", "false"),
            ("setvar Job-Owner-UUID", "+OK\n"),
            (f"setvar Job-Owner-UUID {CHANNEL}", "+OK\n"),
            ("getvar Job-Owner-UUID", CHANNEL),
            ("setvar Job-Owner-UUID", "+OK\n"),
        ):
            await switch.expect(f"api {'' if line.startswith('uuid') else 'conference room '}{line}")
            await switch.send(api_response(answer))
        await switch.hang_up_as_told()
        await switch.expect_exit()


async def test_a_caller_who_hangs_up_leaves_nothing_of_his_in_the_conference() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            member = await self.start_conference("room")
            async with member.events(of_everybody=True) as events:
                async for _ in events:
                    pass

    async with dial(Handler) as switch:
        await switch.greet()
        uuid = await expect_join(switch, f"{ON}room@default")
        await switch.send(switch.execute(uuid, "conference"), maintenance(switch, "add-member"))
        await switch.expect("api conference room getvar Job-Owner-UUID")
        await switch.send(api_response("-ERR no reply\n"))
        await switch.expect(f"api conference room setvar Job-Owner-UUID {CHANNEL}")
        await switch.send(api_response("+OK\n"))
        await switch.send(switch.hangup(), switch.complete(uuid, "conference"))
        await switch.expect("api conference room setvar Job-Owner-UUID")
        await switch.send(api_response("+OK\n"), switch.hangup_complete())
        await switch.expect_exit()


async def test_an_observer_that_does_not_keep_up_is_told_how_many_it_lost() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            member = await self.start_conference("room")
            async with member.events() as events:
                await self.answer()
                for _ in range(1024):
                    await anext(events)
                with pytest.raises(EventsLost) as caught:
                    await anext(events)
                assert caught.value.count == 6

    async with dial(Handler) as switch:
        await switch.greet()
        uuid = await expect_join(switch, f"{ON}room@default")
        answer = await switch.expect_execute("answer")
        await switch.send(b"".join(maintenance(switch, "start-talking") for _ in range(1030)))
        await switch.send(switch.execute(uuid, "conference"), switch.complete(answer, "answer"))
        await switch.hang_up_as_told()
        await switch.expect_exit()


async def test_who_is_called_into_it_is_waited_for_in_the_background() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            member = await self.start_conference("room")
            assert await member.dial("{a='b c'}user/1001", caller_id_name="Ada's") is HangupCause.SUCCESS
            assert await member.dial("user/1002") is HangupCause.USER_BUSY
            with pytest.raises(ApiFailed):
                await member.dial("user/1003")

    async with dial(Handler) as switch:
        await switch.greet()
        await expect_join(switch, f"{ON}room@default")
        for command, printed in (
            (r"'{a=\'b c\'}user/1001' '' 'Ada\'s'", "+OK Call Requested: result: [SUCCESS]\n"),
            ("user/1002", "+OK Call Requested: result: [USER_BUSY]\n"),
            ("user/1003", "-ERR Bad Args\n"),
        ):
            line, _, job = (await switch.read_command()).partition("\nJob-UUID: ")
            assert line == f"bgapi conference room dial {command}"
            await switch.send(
                f"Content-Type: command/reply\nReply-Text: +OK Job-UUID: {job}\nJob-UUID: {job}\n\n".encode(),
                switch.event("BACKGROUND_JOB", printed, Job_UUID=job),
            )
        await switch.hang_up_as_told()
        await switch.expect_exit()


JSON_LIST = """[{
\t"conference_name":\t"room",
\t"member_count":\t2,
\t"ghost_count":\t0,
\t"rate":\t8000,
\t"run_time":\t65,
\t"conference_uuid":\t"2f5bd4a4-3d39-4aa5-8a41-5fb1a0b0a0d7",
\t"locked":\ttrue,
\t"wait_mod":\tfalse,
\t"recording":\ttrue,
\t"max_members":\t5,
\t"variables":\t{},
\t"members":\t[{
\t\t"type":\t"recording_node",
\t\t"record_path":\t"/tmp/a.wav",
\t\t"join_time":\t3
\t}, {
\t\t"type":\t"caller",
\t\t"id":\t7,
\t\t"flags":\t{
\t\t\t"can_hear":\ttrue, "can_see": true, "can_speak": false, "hold": false, "talking": false, "has_floor": false,
\t\t\t"is_moderator": false, "end_conference": false
\t\t},
\t\t"uuid":\t"b",
\t\t"caller_id_name":\t"\\"${system(x)}\\n",
\t\t"join_time":\t5,
\t\t"last_talking":\t0,
\t\t"energy":\t300,
\t\t"volume_in":\t-1,
\t\t"volume_out":\t0
\t}]
}]"""


async def test_who_is_in_a_conference_can_be_asked_without_being_there() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            state = await self.conference_state("room")
            assert state is not None
            assert (state.name, state.conference_uuid, state.seconds) == ("room", ROOM_UUID, 65)
            assert (state.is_locked, state.is_recorded, state.waits_for_moderator) == (True, True, False)
            assert (state.max_members, state.recordings) == (5, ("/tmp/a.wav",))
            (member,) = state.members
            assert (member.member_id, member.channel_uuid) == (7, "b")
            assert (member.caller_id_name, member.caller_id_number) == ('"${system(x)}\n', "")
            assert (member.seconds, member.silent_seconds, member.volume_in, member.energy) == (5, None, -1, 300)
            assert (member.can_hear, member.can_speak, member.has_floor) == (True, False, False)
            assert await self.conference_state("none") is None
            with pytest.raises(ApiFailed):
                await self.conference_state("broken")
            with pytest.raises(LocalProtocolError):
                await self.conference_state("a b")

    async with dial(Handler) as switch:
        await switch.greet()
        await switch.expect("api conference room json_list")
        await switch.send(api_response(JSON_LIST))
        await switch.expect("api conference none json_list")
        await switch.send(api_response("-ERR Conference none not found\n"))
        await switch.expect("api conference broken json_list")
        await switch.send(api_response("-ERR conference Command not found!\n"))
        await switch.hang_up_as_told()
        await switch.expect_exit()


@pytest.mark.parametrize("text", ["", "[]", "{}", "[1]", "[{}]", "+OK", JSON_LIST.replace('"id":\t7', '"id":\t"7"')])
def test_a_list_that_is_none_is_not_guessed_at(text: str) -> None:
    with pytest.raises(RemoteProtocolError):
        conference_state(text)


def test_an_event_about_a_conference_alone_is_about_no_member() -> None:
    lines = "Event-Name: CUSTOM\nEvent-Subclass: conference%3A%3Amaintenance\nConference-Name: room\nAction: lock\n\n"
    found = conference_event(Event(lines.encode()))
    assert (found.action, found.member_id, found.channel_uuid) == (ConferenceAction.LOCK, None, "")
    assert (found.size, found.is_moderator, found.can_hear) == (None, None, None)


# With the simulator


async def test_a_caller_with_a_pin_is_muted_and_kicked_by_a_moderator(phone: FakeFreeSwitch) -> None:
    results: list[ConferenceResult] = []
    seen: list[str] = []

    class Guest(CallHandler):
        async def run(self) -> None:
            results.append(await self.conference("room", pin="1234"))
            await self.playback("bye.wav")

    class Moderator(CallHandler):
        async def run(self) -> None:
            member = await self.start_conference("room", flags=[ConferenceFlag.MODERATOR])
            async with member.events(of_everybody=True) as events:
                async for event in events:
                    if event.member_id in (None, member.member_id):
                        continue
                    seen.append(f"{event.action} {event.member_id}")
                    if event.action == ConferenceAction.ADD_MEMBER:
                        await member.mute(event.member_id)
                        state = await member.state()
                        assert state is not None
                        assert [each.can_speak for each in state.members] == [False, True]
                        assert [each.is_moderator for each in state.members] == [False, True]
                        await member.kick(event.member_id)
                    elif event.action == ConferenceAction.DEL_MEMBER:
                        break
            await member.leave()
            results.append(await member.finished())

    async with phone.dial(Moderator) as moderator, phone.dial(Guest) as guest:
        await moderator.is_in_conference("room")
        await guest.hears("conference/conf-pin.wav")
        await guest.press("9999")
        await guest.hears("conference/conf-bad-pin.wav")
        await guest.hears("conference/conf-pin.wav")
        await guest.press("1234")
        await guest.hears("bye.wav")
        await moderator.was_hung_up()
    assert [result.reason for result in results] == [ConferenceExit.KICKED, ConferenceExit.LEFT]
    assert [result.was_moderator for result in results] == [False, True]
    assert seen == ["add-member 2", "mute-member 2", "kick-member 2", "del-member 2"]


async def test_whoever_takes_too_long_over_the_pin_goes_on_elsewhere(phone: FakeFreeSwitch) -> None:
    class Guest(CallHandler):
        async def run(self) -> None:
            with trio.move_on_after(8):
                await self.conference("room", pin="1234")
            await self.playback("somewhere else.wav")
            assert [await self.digits.get() for _ in range(len(self.digits))] == ["1", "2"]

    async with phone.dial(Guest) as guest:
        await guest.hears("conference/conf-pin.wav")
        await guest.press("12")
        for _ in range(2):
            await guest.hears("conference/conf-bad-pin.wav")
            await guest.hears("conference/conf-pin.wav")
        await guest.hears("conference/conf-bad-pin.wav")
        await guest.hears("somewhere else.wav")
        await guest.was_hung_up()


async def test_the_end_of_a_conference_does_not_end_the_call(phone: FakeFreeSwitch) -> None:
    class Host(CallHandler):
        async def run(self) -> None:
            await self.conference("room", flags=[ConferenceFlag.END_CONFERENCE])

    class Guest(CallHandler):
        async def run(self) -> None:
            result = await self.conference("room")
            assert result.reason is None
            await self.playback("it is over.wav")

    async with phone.dial(Host) as host, phone.dial(Guest) as guest:
        await guest.is_in_conference("room", members=2)
        await host.hangs_up()
        await guest.hears("it is over.wav")


async def test_what_is_said_in_a_conference_is_data(phone: FakeFreeSwitch) -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            member = await self.start_conference("room")
            await member.play("${system(touch x)}.wav")
            await member.say("${system(touch y)} it's")
            await member.say_to_all("all's well")
            await trio.sleep(5)
            await member.leave()

    async with phone.dial(Handler) as caller:
        await caller.was_hung_up()
    assert caller.heard == ["${system(touch x)}.wav", "speak:${system(touch y)} it's", "speak:all's well"]
    assert caller.programs == []
