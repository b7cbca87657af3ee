"""How a call is parked, and how it is not: what becomes of it when the socket ends too early, or after a transfer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeAlias

import pytest
import trio

from esl_outbound.testing import CallFailed, FakeFreeSwitch

from .speaking import PARKED, EventSocket, connected, executing, parked

Leaver: TypeAlias = Callable[[trio.abc.Stream], Awaitable[None]]
STUCK = "the caller is parked for ever, in silence"
HANG_UP = "sendmsg\ncall-command: hangup"


# The stuck call: the connection ends before the channel is parked


@pytest.mark.parametrize(
    "said",
    [
        pytest.param((), id="nothing"),
        pytest.param(("connect",), id="connect"),
        pytest.param(("connect", "exit"), id="connect, exit"),
        pytest.param(("connect", "linger", "exit"), id="connect, linger, exit"),
        pytest.param(("connect", executing("set", "a=1"), "exit"), id="an execute alone is no guard"),
        pytest.param((HANG_UP,), id="a hangup without connect is only queued"),
    ],
)
async def test_an_application_that_leaves_at_once_leaves_the_caller_parked_for_ever(
    phone: FakeFreeSwitch, said: tuple[str, ...]
) -> None:
    with pytest.raises(CallFailed, match=STUCK):
        async with phone.dial(quickly(*said), after=["playback next.wav"]) as caller:
            await caller.hears("next.wav")


@pytest.mark.parametrize("answer", [1, 2])
async def test_leaving_right_after_a_reply_leaves_the_caller_parked_for_ever(
    phone: FakeFreeSwitch, answer: int
) -> None:
    async def application(stream: trio.abc.Stream) -> None:
        socket = EventSocket(stream)
        await socket.ask("connect")
        if answer == 2:
            await socket.ask("getvar uuid")

    with pytest.raises(CallFailed, match=STUCK):
        async with phone.dial(application, after=["playback next.wav"]) as caller:
            await caller.hears("next.wav")


async def test_connect_and_hangup_in_one_write_are_safe_whenever_the_socket_closes(phone: FakeFreeSwitch) -> None:
    async with phone.dial(quickly("connect", HANG_UP, "exit"), after=["playback next.wav"]) as caller:
        assert await caller.was_hung_up("NORMAL_CLEARING") == "NORMAL_CLEARING"
    assert caller.heard == []


@pytest.mark.parametrize("mode", ["async full", "async"])
async def test_who_has_seen_an_event_of_his_own_execute_may_leave(phone: FakeFreeSwitch, mode: str) -> None:
    async def application(stream: trio.abc.Stream) -> None:
        socket = EventSocket(stream)
        await socket.ask("connect", "myevents", executing("set", "a=1", uuid="mine"))
        await socket.until("CHANNEL_EXECUTE", uuid="mine")

    async with phone.dial(application, mode=mode, after=["playback next.wav"]) as caller:
        await caller.hears("next.wav")


async def test_who_has_seen_channel_park_may_leave(phone: FakeFreeSwitch) -> None:
    async def application(stream: trio.abc.Stream) -> None:
        socket = EventSocket(stream)
        await socket.ask(*PARKED)
        await socket.until("CHANNEL_PARK")

    async with phone.dial(application, after=["playback next.wav"]) as caller:
        await caller.hears("next.wav")


async def test_20_ms_after_connect_leaving_is_safe(phone: FakeFreeSwitch) -> None:
    async def application(stream: trio.abc.Stream) -> None:
        socket = EventSocket(stream)
        await socket.ask("connect")
        await trio.sleep(0.02)

    async with phone.dial(application, after=["playback next.wav"]) as caller:
        await caller.hears("next.wav")


async def test_channel_park_comes_once_and_within_a_frame(phone: FakeFreeSwitch) -> None:
    async with connected(phone, before=["answer"]) as (_, socket):
        await socket.ask(*PARKED)
        park = await socket.until("CHANNEL_PARK")
        assert park.at <= 0.02
        await socket.run("playback", "a.wav")
        await socket.listen(5)
        assert [event.name for event in socket.events].count("CHANNEL_PARK") == 1


async def test_a_sync_application_that_leaves_at_once_sends_the_call_on(phone: FakeFreeSwitch) -> None:
    async with phone.dial(quickly(), mode="full", after=["playback next.wav"]) as caller:
        await caller.hears("next.wav")


async def test_an_application_that_never_connects_is_left_after_25_s_and_the_caller_stays(
    phone: FakeFreeSwitch,
) -> None:
    frames: list[bytes] = []
    ended: list[float] = []

    async def application(stream: trio.abc.Stream) -> None:
        socket = EventSocket(stream)
        await socket.to_the_end()
        frames.extend(frame.raw for frame in socket.frames)
        ended.append(trio.current_time())

    with pytest.raises(CallFailed, match=STUCK):
        async with phone.dial(application, after=["playback next.wav"]) as caller:
            uuid = caller.channel_uuid
            await caller.hears("next.wav")
    assert 24 <= ended[0] <= 25
    assert frames == [
        b"Content-Type: text/disconnect-notice\nControlled-Session-UUID: %s\n"
        % uuid.encode()
        + b"Content-Disposition: disconnect\nContent-Length: 67\n\n"
        b"Disconnected, goodbye.\nSee you at ClueCon! http://www.cluecon.com/\n"
    ]


async def test_the_reply_to_a_first_command_that_is_not_connect_is_swallowed(phone: FakeFreeSwitch) -> None:
    async with connected(phone) as (_, socket):
        await socket.send("myevents")
        await socket.listen(1)
        assert socket.frames == []
        assert await socket.ask("myevents") == "-ERR aready enabled."


async def test_a_first_command_api_is_answered(phone: FakeFreeSwitch) -> None:
    async with connected(phone) as (_, socket):
        assert await socket.api("echo hello") == "hello"


# The end of the socket after the park


@pytest.mark.parametrize("how", ["exit", "close", "half-close", "reset"])
async def test_after_the_end_of_the_socket_a_playback_plays_on_and_then_the_dialplan_does(
    phone: FakeFreeSwitch, how: str
) -> None:
    phone.sound("long.wav", 5)
    async with parked(phone, after=["playback next.wav", "hangup USER_BUSY"]) as (caller, socket):
        await socket.execute("playback", "long.wav")
        await caller.hears("long.wav")
        stream = socket.stream
        assert isinstance(stream, trio.abc.HalfCloseableStream)
        match how:
            case "exit":
                assert await socket.ask("exit") == "+OK bye"
            case "close":
                await stream.aclose()
            case "half-close":
                await stream.send_eof()
            case _:
                caller.connection.reset()
        sound = await caller.hears("next.wav")
        assert caller.heard == ["long.wav", "next.wav"]
        assert 5 <= sound.began <= 5.1
        await caller.was_hung_up("USER_BUSY")


async def test_without_another_action_the_end_of_the_socket_hangs_the_call_up(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        await socket.stream.aclose()
        assert await caller.was_hung_up() == "NORMAL_CLEARING"


async def test_executes_that_were_sent_before_the_exit_still_run(phone: FakeFreeSwitch) -> None:
    async with parked(phone, before=[], after=["playback next.wav"]) as (caller, socket):
        await socket.send(executing("answer"), executing("set", "a=1"), executing("set", "b=2"), "exit")
        await caller.hears("next.wav")
        assert (caller.variables["a"], caller.variables["b"]) == ("1", "2")
        assert [run.application for run in caller.executed] == ["answer", "set", "set", "playback"]


async def test_exit_is_answered_and_the_socket_closed_at_once_and_nothing_more_is_told(phone: FakeFreeSwitch) -> None:
    async with parked(phone, after=["playback next.wav"]) as (caller, socket):
        before = trio.current_time()
        await socket.send("exit")
        await socket.to_the_end()
        assert trio.current_time() - before < 0.001
        assert [frame.kind for frame in socket.frames] == ["command/reply", "text/disconnect-notice"]
        assert socket.frames[1].body == "Disconnected, goodbye.\nSee you at ClueCon! http://www.cluecon.com/\n"
        await caller.hears("next.wav")


# Resume


async def test_resume_makes_no_difference_on_an_async_socket(phone: FakeFreeSwitch) -> None:
    async with parked(phone, after=["playback next.wav"]) as (caller, socket):
        assert await socket.ask("resume") == "+OK"
        await socket.ask("exit")
        await caller.hears("next.wav")


@pytest.mark.parametrize("after", [[], ["playback next.wav"]])
async def test_resume_and_exit_on_a_sync_socket_leave_the_channel_stuck(
    phone: FakeFreeSwitch, after: list[str]
) -> None:
    with pytest.raises(CallFailed, match="leave the channel in CS_RESET"):
        async with phone.dial(quickly("connect", "resume", "exit"), mode="full", after=after) as caller:
            await caller.was_hung_up(within=10)


# park_timeout


@pytest.mark.parametrize(
    ("named", "cause"),
    [
        ("10", "NORMAL_CLEARING"),
        ("10:USER_BUSY", "USER_BUSY"),
        ("10:17", "USER_BUSY"),
        ("10:nonsense", "NORMAL_CLEARING"),
    ],
)
async def test_park_timeout_ends_a_stuck_call(phone: FakeFreeSwitch, named: str, cause: str) -> None:
    async with phone.dial(quickly("connect", "exit"), before=[f"set park_timeout={named}"]) as caller:
        await trio.sleep(8.9)
        assert caller.is_up
        await trio.sleep(1.2)
        assert caller.hangup_cause == cause


async def test_park_timeout_does_not_end_an_application_but_the_park_behind_it(phone: FakeFreeSwitch) -> None:
    phone.sound("long.wav", 30)
    async with parked(phone, before=["answer", "set park_timeout=10"]) as (caller, socket):
        await socket.execute("playback", "long.wav")
        sound = await caller.hears("long.wav", to_the_end=True)
        assert sound.ended is not None
        assert await caller.was_hung_up(within=0.1) == "NORMAL_CLEARING"


async def test_the_park_unsets_park_timeout(phone: FakeFreeSwitch) -> None:
    async with parked(phone, before=["set park_timeout=10"]) as (caller, _):
        assert "park_timeout" not in caller.variables


# Transfer, and the loss of control


LOST = ["UNPARK", "COMPLETE socket _none_"]


@pytest.mark.parametrize("way", ["transfer", "api uuid_transfer", "xferext"])
async def test_a_transfer_unparks_the_call_and_the_socket_goes_on_telling_of_it(
    phone: FakeFreeSwitch, way: str
) -> None:
    phone.extension("9000", ["playback elsewhere.wav"])
    async with parked(phone) as (caller, socket):
        match way:
            case "transfer":
                await socket.execute("transfer", "9000")
            case "api uuid_transfer":
                assert await socket.api(f"uuid_transfer {caller.channel_uuid} 9000") == "+OK\n"
            case _:
                await socket.ask("sendmsg\ncall-command: xferext\napplication: playback elsewhere.wav")
        await caller.hears("elsewhere.wav", to_the_end=True)
        await socket.listen(0.5)
        told = socket.told("HANGUP_COMPLETE")
        if way == "transfer":
            assert told[:2] == ["EXECUTE transfer 9000", "COMPLETE transfer _none_"]
            told = told[2:]
        assert told == [
            *LOST,
            "EXECUTE playback elsewhere.wav",
            "COMPLETE playback FILE PLAYED",
            "HANGUP NORMAL_CLEARING",
        ]


async def test_executes_still_run_after_a_transfer_nested_in_what_runs_there(phone: FakeFreeSwitch) -> None:
    phone.sound("elsewhere.wav", 10)
    phone.extension("9000", ["playback elsewhere.wav"])
    async with parked(phone) as (caller, socket):
        await socket.execute("transfer", "9000")
        await caller.hears("elsewhere.wav")
        complete = await socket.run("set", "still=mine")
        assert caller.variables["still"] == "mine"
        assert complete.at < 0.2


async def test_uuid_park_stops_anything_within_a_frame_and_takes_the_call_out_of_the_socket(
    phone: FakeFreeSwitch,
) -> None:
    phone.sound("long.wav", 10)
    async with parked(phone) as (caller, socket):
        await socket.execute("playback", "long.wav")
        await caller.hears("long.wav")
        before = trio.current_time()
        assert await socket.api(f"uuid_park {caller.channel_uuid}") == "+OK\n"
        park = await socket.until("CHANNEL_PARK")
        assert park.at - before <= 0.021
        assert socket.told() == [
            "EXECUTE playback long.wav",
            "COMPLETE playback PLAYBACK ERROR",
            "UNPARK",
            "COMPLETE socket PLAYBACK ERROR",
            "PARK",
        ]


async def test_closing_the_old_socket_hurts_a_call_that_was_transferred_to_park(phone: FakeFreeSwitch) -> None:
    phone.extension("9000", ["park"])
    async with parked(phone) as (caller, socket):
        await socket.execute("transfer", "9000")
        await socket.until("CHANNEL_PARK")
        await trio.sleep(30)
        assert caller.is_up
        await socket.stream.aclose()
        await caller.was_hung_up("NORMAL_CLEARING", within=0.05)


async def test_closing_the_old_socket_hurts_a_call_that_was_transferred_to_another_socket(
    phone: FakeFreeSwitch,
) -> None:
    phone.extension("9000", ["socket 127.0.0.1:8085 async full", "playback hurt.wav"])
    phone.listens("127.0.0.1:8085", stays)
    async with parked(phone) as (caller, socket):
        await socket.execute("transfer", "9000")
        await socket.until("CHANNEL_PARK")
        await trio.sleep(30)
        await socket.stream.aclose()
        await caller.hears("hurt.wav", within=0.05)


@pytest.mark.parametrize("action", ["playback elsewhere.wav", "echo", "bridge user/1001"])
async def test_closing_the_old_socket_is_harmless_while_an_application_runs(phone: FakeFreeSwitch, action: str) -> None:
    phone.sound("elsewhere.wav", 60)
    phone.extension("9000", [action])
    async with parked(phone) as (caller, socket):
        await socket.execute("transfer", "9000")
        await caller.sees_run(action.split()[0])
        await trio.sleep(5)
        await socket.stream.aclose()
        await trio.sleep(20)
        assert caller.is_up


async def test_closing_the_old_socket_is_harmless_to_a_sync_socket(phone: FakeFreeSwitch) -> None:
    phone.extension("9000", ["socket 127.0.0.1:8085 full"])
    phone.listens("127.0.0.1:8085", stays)
    async with parked(phone) as (caller, socket):
        await socket.execute("transfer", "9000")
        await trio.sleep(5)
        await socket.stream.aclose()
        await trio.sleep(20)
        assert caller.is_up


async def test_transfer_and_exit_in_one_write_give_the_call_to_the_next_socket(phone: FakeFreeSwitch) -> None:
    phone.extension("9000", ["socket 127.0.0.1:8085 async full"])
    phone.listens("127.0.0.1:8085", stays)
    async with parked(phone) as (caller, socket):
        await socket.send(executing("transfer", "9000"), "exit")
        await trio.sleep(20)
        assert caller.is_up


async def test_without_linger_and_events_a_socket_that_stays_open_does_no_harm(phone: FakeFreeSwitch) -> None:
    phone.extension("9000", ["park"])
    async with parked(phone) as (caller, socket):
        await socket.ask("nolinger", "noevents")
        await socket.execute("transfer", "9000")
        await trio.sleep(60)
        assert caller.is_up
        await caller.hangs_up()
        await socket.to_the_end()
        assert socket.frames[-1].kind == "text/disconnect-notice"


async def test_two_sockets_on_one_channel_both_get_all_events_and_can_both_command_it(phone: FakeFreeSwitch) -> None:
    others: list[EventSocket] = []

    async def other(stream: trio.abc.Stream) -> None:
        socket = EventSocket(stream)
        others.append(socket)
        await socket.ask("connect", "myevents")
        await socket.run("set", "from=second")
        await socket.to_the_end()

    phone.extension("9000", ["socket 127.0.0.1:8085 async full"])
    phone.listens("127.0.0.1:8085", other)
    async with parked(phone) as (caller, socket):
        await socket.execute("transfer", "9000")
        await socket.until("CHANNEL_EXECUTE_COMPLETE", Application="set")
        assert caller.variables["from"] == "second"
        await socket.run("set", "from=first")
        assert caller.variables["from"] == "first"
        await caller.hangs_up()
        await socket.until("CHANNEL_HANGUP_COMPLETE")
        await trio.sleep(0.1)
        assert others[0].is_over
        assert "COMPLETE set _none_" in others[0].told()
        assert "HANGUP NORMAL_CLEARING" in others[0].told()


async def test_park_completes_at_once_inside_the_socket(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        await socket.run("park")
        assert socket.told() == ["EXECUTE park", "COMPLETE park _none_"]
        assert caller.is_up


async def stays(stream: trio.abc.Stream) -> None:
    """An application that takes a call and keeps it."""
    socket = EventSocket(stream)
    await socket.ask("connect", "myevents")
    await socket.to_the_end()


def quickly(*commands: str) -> Leaver:
    """An application that says this and closes."""

    async def application(stream: trio.abc.Stream) -> None:
        if commands:
            await EventSocket(stream).send(*commands)
        await trio.sleep(0.0005)

    return application


# What still ends a call that its socket has left


async def test_a_park_with_a_limit_is_not_for_ever(phone: FakeFreeSwitch) -> None:
    async with phone.dial(quickly("connect", "exit"), variables={"park_timeout": "5:NO_ANSWER"}) as caller:
        await caller.was_hung_up("NO_ANSWER")


async def test_a_call_of_which_the_end_is_scheduled_is_not_parked_for_ever(phone: FakeFreeSwitch) -> None:
    async with phone.dial(quickly("connect", "exit"), before=["sched_hangup +5 alloted_timeout"]) as caller:
        await caller.was_hung_up()


async def test_a_caller_who_is_put_through_after_the_socket_has_gone_is_not_left_alone(phone: FakeFreeSwitch) -> None:
    said = ("connect", executing("set", "hangup_after_bridge=true"), executing("bridge", "user/1001"), "exit")
    phone.destination("user/1001", hangs_up_after=5)
    async with phone.dial(quickly(*said)) as caller:
        await caller.is_bridged_to("user/1001")
        await caller.was_hung_up()


async def test_a_caller_who_hears_one_last_sound_is_left_alone_after_it(phone: FakeFreeSwitch) -> None:
    with pytest.raises(CallFailed, match=STUCK):
        async with phone.dial(quickly("connect", executing("playback", "bye.wav"), "exit")) as caller:
            await caller.hears("bye.wav")
