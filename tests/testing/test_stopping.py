"""What ends an application before its time, and what does not (``uuid_break``, ``break``, ``uuid_kill``)."""

from __future__ import annotations

import math

import pytest
import trio

from esl_outbound.testing import Caller, FakeFreeSwitch

from .speaking import EventSocket, executing, parked

LONG = 20.0

STOPPABLE = [
    ("playback", "long.wav"),
    ("sleep", "20000"),
    ("record", "/tmp/a.wav"),
    ("gentones", "%(20000,0,440)"),
    ("echo", ""),
]
DEAF = [
    ("bridge", "user/never"),
    ("bridge", "user/answers"),
    ("conference", "room"),
    ("wait_for_silence", "200 1000 10 20000"),
    ("detect_silence", "200 1000 20000"),
    ("endless_playback", "long.wav"),
    ("delay_echo", ""),
    ("play_and_get_digits", "1 1 1 20000 # silence_stream://10 silence_stream://10 d"),
    ("read", "1 1 silence_stream://10 d 20000 #"),
]


@pytest.fixture(autouse=True)
def tables(phone: FakeFreeSwitch) -> None:
    phone.sound("long.wav", LONG)
    phone.destination("user/never", answers_after=None)
    phone.destination("user/answers", answers_after=0.1)


async def stop(caller: Caller, socket: EventSocket, how: str) -> None:
    if how == "uuid_break":
        assert await socket.api(f"uuid_break {caller.channel_uuid}") == "+OK\n"
    else:
        await socket.execute("break", uuid="break")


async def started(socket: EventSocket, application: str, argument: str, **headers: str) -> float:
    """Start an application, and let it run for half a second."""
    await socket.execute(application, argument, uuid="it", **headers)
    began = await socket.until("CHANNEL_EXECUTE", uuid="it")
    await socket.listen(0.505)
    return began.at


async def ends(socket: EventSocket, seconds: float) -> float | None:
    """After how long the application completes; None if not within that time."""
    before = trio.current_time()
    with trio.move_on_after(seconds):
        return (await socket.until("CHANNEL_EXECUTE_COMPLETE", uuid="it")).at - before
    return None


# What a break ends, and what not


@pytest.mark.parametrize(("how", "limit"), [("uuid_break", 0.021), ("break", 0.041)])
@pytest.mark.parametrize(("application", "argument"), STOPPABLE)
async def test_a_break_ends(phone: FakeFreeSwitch, application: str, argument: str, how: str, limit: float) -> None:
    async with parked(phone) as (caller, socket):
        await started(socket, application, argument)
        await stop(caller, socket, how)
        took = await ends(socket, 1)
        assert took is not None
        assert took <= limit + 1e-6


@pytest.mark.parametrize("how", ["uuid_break", "break"])
@pytest.mark.parametrize(("application", "argument"), DEAF)
async def test_a_break_does_not_end(phone: FakeFreeSwitch, application: str, argument: str, how: str) -> None:
    async with parked(phone) as (caller, socket):
        await started(socket, application, argument)
        for _ in range(8):
            await stop(caller, socket, how)
            await socket.listen(0.1)
        assert await ends(socket, 10) is None


@pytest.mark.parametrize(("application", "argument"), STOPPABLE)
async def test_behind_a_lock_uuid_break_passes_and_the_break_application_waits(
    phone: FakeFreeSwitch, application: str, argument: str
) -> None:
    async with parked(phone) as (caller, socket):
        await started(socket, application, argument, event_lock="true")
        await stop(caller, socket, "break")
        assert await ends(socket, 5) is None
        await stop(caller, socket, "uuid_break")
        took = await ends(socket, 1)
        assert took is not None
        assert took <= 0.021


@pytest.mark.parametrize(("how", "limit"), [("uuid_break", 0.021), ("break", 0.041)])
async def test_a_break_ends_all_loops(phone: FakeFreeSwitch, how: str, limit: float) -> None:
    phone.sound("second.wav", 1)
    async with parked(phone) as (caller, socket):
        await socket.execute("playback", "second.wav", uuid="it", loops="10")
        await caller.hears("second.wav", to_the_end=True)
        await caller.hears("second.wav")
        await socket.listen(0.5)
        socket.forget()
        await stop(caller, socket, how)
        took = await ends(socket, 5)
        assert took is not None
        assert took <= limit + 1e-6
        await socket.listen(20)
        assert [event.told for event in socket.events if event["Application-UUID"] == "it"] == [
            "COMPLETE playback FILE PLAYED"
        ]


async def test_loop_playback_loses_one_round_for_each_break(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        await started(socket, "loop_playback", "+3 long.wav")
        for _ in range(2):
            await stop(caller, socket, "uuid_break")
            assert await ends(socket, 1) is None
        await stop(caller, socket, "uuid_break")
        assert await ends(socket, 1) is not None
        assert caller.heard == ["long.wav"] * 3


async def test_a_playback_that_is_nested_in_a_bridge_ends_and_the_bridge_stays(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        await started(socket, "bridge", "user/answers")
        callee = await caller.is_bridged_to("user/answers")
        await socket.execute("playback", "long.wav", uuid="nested")
        await caller.hears("long.wav")
        before = trio.current_time()
        await stop(caller, socket, "uuid_break")
        nested = await socket.until("CHANNEL_EXECUTE_COMPLETE", uuid="nested")
        assert nested.at - before <= 0.021
        assert await ends(socket, 5) is None
        assert callee.is_up


async def test_a_break_of_nested_playbacks_ends_the_whole_stack(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        await socket.execute("playback", "long.wav", uuid="it")
        await caller.hears("long.wav")
        await socket.execute("playback", "inner/long.wav", uuid="inner")
        await caller.hears("inner/long.wav")
        await stop(caller, socket, "uuid_break")
        took = await ends(socket, 1)
        assert took is not None
        assert took <= 0.041
        assert [event["Application-UUID"] for event in socket.events if event.told.startswith("COMPLETE")] == [
            "inner",
            "it",
        ]


async def test_the_response_after_a_break_says_file_played(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        await started(socket, "playback", "long.wav")
        await stop(caller, socket, "uuid_break")
        complete = await socket.until("CHANNEL_EXECUTE_COMPLETE", uuid="it")
        assert complete["Application-Response"] == "FILE PLAYED"


# Too early, and too late


@pytest.mark.parametrize("milliseconds", [0, 5, 10, 15])
async def test_a_break_before_the_execute_is_lost(phone: FakeFreeSwitch, milliseconds: int) -> None:
    phone.sound("three.wav", 3)
    async with parked(phone) as (caller, socket):
        await trio.sleep(0.019)
        await trio.sleep(0.02 - trio.current_time() % 0.02 + 0.001)
        await socket.execute("playback", "three.wav", uuid="it")
        await trio.sleep(milliseconds / 1000)
        await stop(caller, socket, "uuid_break")
        took = await ends(socket, 10)
        assert took is not None
        assert took >= 2.9


async def test_uuid_break_all_before_the_execute_removes_it_and_all_others(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        await trio.sleep(0.02 - trio.current_time() % 0.02 + 0.001)
        await socket.execute("playback", "a.wav")
        await socket.execute("set", "a=1")
        assert await socket.api(f"uuid_break {caller.channel_uuid} all") == "+OK\n"
        await socket.listen(5)
        assert socket.told() == []


async def test_uuid_break_all_ends_what_runs_and_throws_away_what_is_queued(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        await started(socket, "playback", "long.wav", event_lock="true")
        await socket.execute("playback", "queued.wav")
        await socket.execute("set", "a=1")
        await socket.api(f"uuid_break {caller.channel_uuid} all")
        await socket.listen(30)
        assert socket.told() == ["EXECUTE playback long.wav", "COMPLETE playback FILE PLAYED"]


@pytest.mark.parametrize("wait", [0.0, 0.3])
@pytest.mark.parametrize("all_", ["", " all"])
@pytest.mark.parametrize(("application", "argument"), [("playback", "long.wav"), ("sleep", "20000")])
async def test_a_break_of_a_parked_call_does_not_touch_the_next_application(
    phone: FakeFreeSwitch, application: str, argument: str, all_: str, wait: float
) -> None:
    async with parked(phone) as (caller, socket):
        await socket.api(f"uuid_break {caller.channel_uuid}{all_}")
        await trio.sleep(wait)
        await socket.execute(application, argument, uuid="it")
        took = await ends(socket, 30)
        assert took is not None
        assert took >= LONG


async def test_a_break_amid_a_locked_application_does_not_touch_the_one_behind_it(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        await started(socket, "playback", "long.wav", event_lock="true")
        await socket.execute("sleep", "3000", uuid="next")
        await stop(caller, socket, "uuid_break")
        next_ = await socket.until("CHANNEL_EXECUTE_COMPLETE", uuid="next")
        assert next_.at >= 3.5


# The application ``break``


@pytest.mark.parametrize(("argument", "empties"), [("", False), ("all", False), ("x", True)])
async def test_break_empties_the_queue_with_any_argument_but_all(
    phone: FakeFreeSwitch, argument: str, empties: bool
) -> None:
    async with parked(phone) as (caller, socket):
        await started(socket, "playback", "long.wav")
        await socket.send(executing("break", argument), executing("set", "behind=1"))
        await socket.listen(1)
        assert ("behind" in caller.variables) is not empties


async def test_without_full_the_break_application_is_what_there_is(phone: FakeFreeSwitch) -> None:
    async with parked(phone, mode="async") as (caller, socket):
        await started(socket, "playback", "long.wav")
        assert await socket.ask(f"api uuid_break {caller.channel_uuid}") == "-ERR command not found"
        await stop(caller, socket, "break")
        took = await ends(socket, 1)
        assert took is not None
        assert took <= 0.041


# play_and_get_digits


async def test_a_break_ends_the_prompt_that_plays_and_the_next_try_goes_on(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        await started(socket, "play_and_get_digits", "1 1 2 2000 # long.wav silence_stream://10 d")
        before = trio.current_time()
        await stop(caller, socket, "uuid_break")
        await caller.hears("long.wav")
        again = await caller.hears("long.wav")
        assert again.began - before == pytest.approx(2, abs=0.1)
        assert [sound for sound in caller.heard if sound == "long.wav"] == ["long.wav"] * 2


async def test_breaks_do_not_prolong_the_wait_for_digits(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        arguments = "1 1 1 3000 # silence_stream://10 silence_stream://10 d"
        await started(socket, "play_and_get_digits", arguments)
        for _ in range(4):
            await stop(caller, socket, "uuid_break")
            await socket.listen(0.5)
        took = await ends(socket, 5)
        assert took == pytest.approx(0.55, abs=0.1)


async def test_the_terminator_from_outside_ends_one_try_only(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        arguments = "1 1 3 20000 # silence_stream://10 silence_stream://10 d"
        await started(socket, "play_and_get_digits", arguments)
        for _ in range(2):
            assert (
                await socket.api(f"uuid_recv_dtmf {caller.channel_uuid} #")
                == f"+OK {caller.channel_uuid} received DTMF #.\n"
            )
            assert await ends(socket, 0.5) is None
        await socket.api(f"uuid_recv_dtmf {caller.channel_uuid} #")
        assert await ends(socket, 0.5) is not None


# Conference


async def test_a_kick_ends_a_conference_within_a_frame(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        await started(socket, "conference", "room")
        name, member = await socket.ask("getvar conference_name"), await socket.ask("getvar conference_member_id")
        assert await socket.api(f"conference {name} kick {member}") == f"+OK kicked {member}\n"
        took = await ends(socket, 1)
        assert took is not None
        assert took <= 0.021
        assert caller.is_up


# Hangups


@pytest.mark.parametrize(("application", "argument"), [*STOPPABLE, *DEAF])
async def test_uuid_kill_ends(phone: FakeFreeSwitch, application: str, argument: str) -> None:
    async with parked(phone) as (caller, socket):
        await started(socket, application, argument, event_lock="true")
        await socket.api(f"uuid_kill {caller.channel_uuid}")
        took = await ends(socket, 1)
        assert took is not None
        assert took <= 0.021


@pytest.mark.parametrize(
    ("application", "argument"),
    [each for each in [*STOPPABLE, *DEAF] if each[0] not in ("delay_echo", "endless_playback")],
)
async def test_a_hangup_ends_at_once_unless_there_is_a_lock(
    phone: FakeFreeSwitch, application: str, argument: str
) -> None:
    async with parked(phone) as (_, socket):
        await started(socket, application, argument)
        await socket.ask("sendmsg\ncall-command: hangup")
        took = await ends(socket, 1)
        assert took is not None
        assert took <= 0.041
    async with parked(phone) as (caller, socket):
        await started(socket, application, argument, event_lock="true")
        await socket.ask("sendmsg\ncall-command: hangup")
        assert await ends(socket, 2) is None
        assert caller.is_up


async def test_an_endless_sound_is_ended_by_a_break_too(phone: FakeFreeSwitch) -> None:
    phone.sound("music.wav", math.inf)
    async with parked(phone) as (caller, socket):
        await started(socket, "playback", "music.wav")
        await stop(caller, socket, "uuid_break")
        assert await ends(socket, 1) is not None
