"""What was measured of FreeSWITCH over many calls: who is left parked, what comes in which order, and how soon.

FreeSWITCH 1.11, loopback calls, 25 to 60 of each kind.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

import pytest
import trio
import trio.testing

from esl_outbound.testing import Caller, CallFailed, FakeFreeSwitch, Faults

CONNECT = b"connect\n\n"
EXIT = b"exit\n\n"
HANG_UP = b"sendmsg\ncall-command: hangup\n\n"
SET = b"sendmsg\ncall-command: execute\nexecute-app-name: set\nexecute-app-arg: a=b\n\n"

Conversation: TypeAlias = "Callable[[trio.abc.Stream], Awaitable[None]]"


async def hear(stream: trio.abc.Stream, expected: bytes) -> bytes:
    """Receive until something has come."""
    data = b""
    while expected not in data:
        chunk = await stream.receive_some()
        assert chunk, f"{expected!r} did not come: {data!r}"
        data += chunk
    return data


async def hear_all(stream: trio.abc.Stream) -> bytes:
    """Receive until FreeSWITCH closes."""
    data = b""
    async for chunk in stream:
        data += chunk
    return data


# An end that comes too soon leaves the caller parked for ever


def after_reply(*more: bytes, wait: float = 0.0) -> Conversation:
    """Say `connect`, wait for its reply and then a while, say more, and close."""

    async def application(stream: trio.abc.Stream) -> None:
        await stream.send_all(CONNECT)
        await hear(stream, b"Control: full\n\n")
        await trio.sleep(wait)
        for command in more:
            await stream.send_all(command)
            await hear(stream, b"\n\n")

    return application


def in_one_write(commands: bytes) -> Conversation:
    """Say everything at once, and wait for what comes."""

    async def application(stream: trio.abc.Stream) -> None:
        await stream.send_all(commands)
        await hear_all(stream)

    return application


async def executed_first(stream: trio.abc.Stream) -> None:
    """See an execution of its own before the end: the guard that always works."""
    await stream.send_all(CONNECT + b"myevents\n\n" + SET)
    await hear(stream, b"Event-Name: CHANNEL_EXECUTE\n")
    await stream.send_all(EXIT)
    await hear_all(stream)


async def hang_up_without_connect(stream: trio.abc.Stream) -> None:
    await stream.send_all(HANG_UP)


@pytest.mark.parametrize(
    ("application", "is_left"),
    [
        pytest.param(in_one_write(CONNECT + EXIT), True, id="connect and exit in one write: 30 of 30"),
        pytest.param(after_reply(EXIT), True, id="exit right after the reply: 30 of 30"),
        pytest.param(after_reply(), True, id="close right after the reply: 30 of 30"),
        pytest.param(after_reply(b"getvar uuid\n\n", EXIT), True, id="one getvar round trip, then exit: 30 of 30"),
        pytest.param(in_one_write(CONNECT + SET + EXIT), True, id="a set and exit in the first write: 30 of 30"),
        pytest.param(hang_up_without_connect, True, id="hangup without connect, then close: 20 of 20"),
        pytest.param(after_reply(EXIT, wait=0.001), False, id="exit after 1 ms: 0 of 30"),
        pytest.param(after_reply(EXIT, wait=0.002), False, id="exit after 2 ms: 0 of 30"),
        pytest.param(after_reply(EXIT, wait=0.005), False, id="exit after 5 ms: 0 of 30"),
        pytest.param(after_reply(EXIT, wait=0.020), False, id="exit after 20 ms: 0 of 30"),
        pytest.param(
            in_one_write(CONNECT + HANG_UP + EXIT), False, id="connect, hangup and exit in one write: 0 of 30"
        ),
        pytest.param(executed_first, False, id="exit after an execution was seen: 0 of 30"),
    ],
)
async def test_who_leaves_too_soon_leaves_the_caller_parked_for_ever(
    application: Conversation, is_left: bool, autojump_clock: trio.testing.MockClock
) -> None:
    async def call() -> Caller:
        async with FakeFreeSwitch().dial(application, after=["playback bye.wav"]) as caller:
            await trio.sleep(5)
        return caller

    if is_left:
        with pytest.raises(CallFailed, match="the caller is parked for ever"):
            await call()
    else:
        caller = await call()
        assert caller.hangup_cause == "NORMAL_CLEARING"
        assert not caller.hung_up_first


# The order of the last events, and when the connection is closed after the hangup


class Listening:
    """An application that subscribes, and notes what comes of a call's end."""

    def __init__(self, set_up: bytes) -> None:
        self.set_up = set_up
        self.data = b""
        self.closed_at = 0.0

    async def __call__(self, stream: trio.abc.Stream) -> None:
        await stream.send_all(CONNECT + b"myevents\n\n" + self.set_up)
        self.data = await hear_all(stream)
        self.closed_at = trio.current_time()

    @property
    def end(self) -> tuple[str, ...]:
        """What was counted: the hangup, the two that follow it, and the notices."""
        pattern = rb"Event-Name: (CHANNEL_HANGUP|CHANNEL_UNPARK|CHANNEL_HANGUP_COMPLETE)\n|Disposition: (\w+)\n"
        return tuple((name or notice).decode() for name, notice in re.findall(pattern, self.data))


IN_ORDER = ("CHANNEL_HANGUP", "CHANNEL_UNPARK", "CHANNEL_HANGUP_COMPLETE")


async def hear_the_end(
    set_up: bytes, before: Sequence[str], hang_up_after: float, faults: Faults | None = None
) -> tuple[tuple[str, ...], float]:
    """What comes of a hangup, and how long after it the connection is closed."""
    listening = Listening(set_up)

    async def application(stream: trio.abc.Stream) -> None:
        await listening(stream)

    async with FakeFreeSwitch().dial(application, before=before, faults=faults) as caller:
        await trio.sleep(hang_up_after)
        hung_up_at = trio.current_time()
        await caller.hangs_up()
        await trio.sleep(3)
    return listening.end, listening.closed_at - hung_up_at


@pytest.mark.parametrize("hang_up_after", [0.5, 0.507, 0.5132, 0.519999])
@pytest.mark.parametrize("before", [[], ["answer"]], ids=["not answered: 22 of 25", "answered: 25 of 25"])
async def test_without_linger_the_last_events_come_and_the_connection_is_closed_within_a_frame(
    before: list[str], hang_up_after: float, autojump_clock: trio.testing.MockClock
) -> None:
    end, took = await hear_the_end(b"", before, hang_up_after)
    assert end == (*IN_ORDER, "disconnect")
    assert 0 <= took <= 0.03


@pytest.mark.parametrize("hang_up_after", [0.5, 0.507, 0.5132, 0.519999])
@pytest.mark.parametrize("before", [[], ["answer"]], ids=["not answered: 17 of 25", "answered: 24 of 25"])
async def test_with_linger_the_notice_follows_the_last_events_and_the_end_comes_in_whole_seconds(
    before: list[str], hang_up_after: float, autojump_clock: trio.testing.MockClock
) -> None:
    end, took = await hear_the_end(b"linger 1\n\n", before, hang_up_after)
    assert end == (*IN_ORDER, "linger", "disconnect")
    assert 1 <= took <= 2.05


async def test_the_notice_may_come_before_the_last_events(autojump_clock: trio.testing.MockClock) -> None:
    end, _ = await hear_the_end(b"linger 1\n\n", [], 0.5, Faults(notice_before_hangup=True))
    assert end == ("linger", *IN_ORDER, "disconnect")


async def test_without_linger_the_very_last_event_may_be_lost(autojump_clock: trio.testing.MockClock) -> None:
    lost = Faults(lost_events=frozenset({"CHANNEL_HANGUP_COMPLETE"}))
    end, _ = await hear_the_end(b"", [], 0.5, lost)
    assert end == ("CHANNEL_HANGUP", "CHANNEL_UNPARK", "disconnect")


# How soon


@pytest.mark.parametrize("mode", ["async full", "full"])
async def test_a_reply_comes_at_once_and_a_set_takes_a_frame(mode: str, autojump_clock: trio.testing.MockClock) -> None:
    took: dict[bytes, list[float]] = {}

    async def application(stream: trio.abc.Stream) -> None:
        async def measure(what: bytes, command: bytes, answer: bytes) -> None:
            began = trio.current_time()
            if command:
                await stream.send_all(command)
            await hear(stream, answer)
            took.setdefault(what, []).append(trio.current_time() - began)

        await stream.send_all(CONNECT + b"myevents\n\n" + SET)
        await hear(stream, b"CHANNEL_EXECUTE_COMPLETE\n")
        for _ in range(5):
            await measure(b"getvar", b"getvar uuid\n\n", b"Reply-Text: ")
            await measure(b"api", b"api uuid_exists x\n\n", b"false")
            sent_at = trio.current_time()
            await measure(b"set", SET, b"+OK\n\n")
            await measure(b"completed", b"", b"CHANNEL_EXECUTE_COMPLETE\n")
            took[b"completed"][-1] = trio.current_time() - sent_at
        await stream.send_all(HANG_UP)

    async with FakeFreeSwitch().dial(application, mode=mode) as caller:
        await caller.was_hung_up()
    assert max(took[b"getvar"] + took[b"api"] + took[b"set"]) < 0.0005
    # Median 20.24 ms with async, and 20.33 without.
    assert took[b"completed"] == pytest.approx([0.02] * 5, abs=0.001)


async def test_twenty_sets_in_one_write_take_no_longer_than_one(autojump_clock: trio.testing.MockClock) -> None:
    took = 0.0

    async def application(stream: trio.abc.Stream) -> None:
        nonlocal took
        await stream.send_all(CONNECT + b"myevents\n\n")
        await trio.sleep(0.5)
        began = trio.current_time()
        await stream.send_all(SET * 20)
        data = b""
        while data.count(b"Event-Name: CHANNEL_EXECUTE_COMPLETE\n") < 20:
            data += await stream.receive_some()
        took = trio.current_time() - began
        await stream.send_all(HANG_UP)

    async with FakeFreeSwitch().dial(application) as caller:
        await caller.was_hung_up()
    assert 0 < took <= 0.026  # 24 to 26 ms


# An application that does not read


async def test_nothing_is_lost_to_an_application_that_does_not_read(autojump_clock: trio.testing.MockClock) -> None:
    phone = FakeFreeSwitch()
    reads = trio.Event()
    data = b""

    async def application(stream: trio.abc.Stream) -> None:
        nonlocal data
        await stream.send_all(CONNECT + b"myevents\n\nlinger 2\n\n")
        # Each of these brings two events of 20 kB, 4 MB all together.
        await stream.send_all(SET.replace(b"a=b", b"long=" + b"x" * 20_000) + SET * 100)
        await trio.sleep(1)
        await stream.send_all(b"getvar uuid\n\n" + SET.replace(b"a=b", b"late=yes"))
        await reads.wait()
        data = await hear_all(stream)

    async with phone.dial(application) as caller:
        uuid = caller.channel_uuid
        await trio.sleep(3)
        # Its own commands are not read until it has read everything.
        assert await phone.api("uuid_getvar", f"{uuid} late") == "_undef_"
        await caller.hangs_up()
        await trio.sleep(3)
        assert await phone.api("uuid_exists", uuid) == "false"
        assert "\n1 session(s) - peak" in await phone.api("status")
        reads.set()
        await trio.sleep(10)
        assert "\n0 session(s) - peak" in await phone.api("status")
    assert data.count(b"Event-Name: CHANNEL_EXECUTE_COMPLETE\n") >= 101
    tail = data[data.rindex(b"Event-Name: ") :]
    assert re.findall(rb"^Content-Disposition: \w+$", tail, re.MULTILINE) == [
        b"Content-Disposition: linger",
        b"Content-Disposition: disconnect",
    ]
    assert f"Reply-Text: {uuid}\n\n".encode() in data


# Nobody takes the call


async def test_when_all_hosts_refuse_the_dialplan_goes_on(autojump_clock: trio.testing.MockClock) -> None:
    phone = FakeFreeSwitch()
    phone.refuses("127.0.0.1:8098")
    phone.refuses("127.0.0.1:8099")
    then = ["playback tone_stream://%(300,0,500)"]
    async with phone.dial("127.0.0.1:8098|127.0.0.1:8099", after=then) as caller:
        await caller.hears("tone_stream://%(300,0,500)", to_the_end=True)
        await caller.was_hung_up("NORMAL_CLEARING")
        await trio.sleep(0.1)
        assert await phone.api("uuid_exists", caller.channel_uuid) == "false"


async def test_when_all_hosts_refuse_and_nothing_follows_the_call_is_hung_up(
    autojump_clock: trio.testing.MockClock,
) -> None:
    phone = FakeFreeSwitch()
    phone.refuses("127.0.0.1:8099")
    async with phone.dial("127.0.0.1:8099") as caller:
        await caller.was_hung_up("NORMAL_CLEARING")
