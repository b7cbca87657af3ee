"""Calls that are placed for handlers: FreeSWITCH is told to connect to us, and does, or does not."""

from __future__ import annotations

import logging
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import assert_type

import pytest
import trio
import trio.testing

from esl_outbound import (
    Application,
    Call,
    CallHandler,
    CallRecord,
    Disconnected,
    Ending,
    HandlerNotReached,
    HangupCause,
    LocalProtocolError,
    OriginateFailed,
    Progress,
)
from esl_outbound.client import Switch, connect
from esl_outbound.testing import FakeFreeSwitch

from ..freeswitch import CHANNEL, GOODBYE, ScriptedSwitch, connect_reply
from .scripted import ACCEPTED, AUTH_REQUEST, BYE, EVENTS_ENABLED, connected


class Reminder(CallHandler):
    """Tells whoever is called of an appointment."""

    def __init__(self, of: str = "appointment") -> None:
        self.of = of
        self.records: list[CallRecord] = []

    async def run(self) -> None:
        await self.execute("playback", f"{self.of}.wav")
        await self.hangup()

    async def after_hangup(self, record: CallRecord) -> None:
        self.records.append(record)


class ScriptedFreeSwitch:
    """A FreeSWITCH, played by a test: ``port`` is its side of the client's connection."""

    def __init__(self, port: ScriptedSwitch) -> None:
        self.port = port
        self.is_subscribed = False

    async def read_job(self, printed: str | None = None) -> tuple[str, str]:
        """Read a ``bgapi``, accept it, and print, if that is said; give its UUID and its line."""
        if not self.is_subscribed:
            await self.port.expect("event plain BACKGROUND_JOB")
            await self.port.send(EVENTS_ENABLED)
            self.is_subscribed = True
        command = await self.port.read_command()
        found = re.fullmatch(r"bgapi (.*)\nJob-UUID: (.*)", command)
        assert found, command
        await self.port.send(f"Content-Type: command/reply\nReply-Text: +OK Job-UUID: {found[2]}\n\n".encode())
        if printed is not None:
            await self.job_ends(found[2], printed)
        return found[2], found[1]

    async def job_ends(self, job_uuid: str, printed: str) -> None:
        await self.port.send(self.port.event("BACKGROUND_JOB", printed, "", Job_UUID=job_uuid))

    async def read_originate(self, printed: str | None = f"+OK {CHANNEL}\n") -> Placed:
        """Read an ``originate`` that ends in a ``socket``."""
        job_uuid, line = await self.read_job(printed)
        found = re.fullmatch(
            r"originate '\{esl_outbound_call=([0-9a-f-]{36}),originate_timeout=60,ignore_early_media=true\}user/1001'"
            r" '&socket\(127\.0\.0\.1:(\d+) async full\)'",
            line,
        )
        assert found, line
        return Placed(job_uuid, found[1], int(found[2]))

    async def expect_hupall(self, token: str) -> None:
        _, line = await self.read_job("+OK ...\n")
        assert line == f"hupall ORIGINATOR_CANCEL esl_outbound_call {token}"

    async def say_goodbye(self) -> None:
        await self.port.expect("exit")
        await self.port.send(BYE, GOODBYE)
        await self.port.stream.aclose()


class Placed:
    """What FreeSWITCH was told of a call."""

    def __init__(self, job_uuid: str, token: str, port: int) -> None:
        self.job_uuid = job_uuid
        self.token = token
        self.port = port

    async def connect(self, of: str = "") -> ScriptedSwitch:
        """Connect the call, and tell of its channel."""
        call = ScriptedSwitch(await trio.open_tcp_stream("127.0.0.1", self.port))
        await call.greet(connect_reply(esl_outbound_call=self.token, of=of))
        return call


async def end(call: ScriptedSwitch, cause: str = "NORMAL_CLEARING") -> None:
    """Hang up as told, to the end of the connection."""
    await call.hang_up_as_told(cause)
    await call.expect_exit()
    await call.stream.aclose()


@asynccontextmanager
async def a_freeswitch(play: Callable[[ScriptedFreeSwitch], Awaitable[None]]) -> AsyncIterator[int]:
    """A FreeSWITCH that lets one client in, and then plays; gives its port."""
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")

    async def serve() -> None:
        async with await listener.accept() as stream:
            server = ScriptedSwitch(stream)
            await server.send(AUTH_REQUEST)
            await server.expect("auth ClueCon")
            await server.send(ACCEPTED)
            await play(ScriptedFreeSwitch(server))

    with trio.fail_after(30):
        async with listener, trio.open_nursery() as nursery:
            nursery.start_soon(serve)
            yield listener.socket.getsockname()[1]


@asynccontextmanager
async def a_client(play: Callable[[ScriptedFreeSwitch], Awaitable[None]]) -> AsyncIterator[Switch]:
    """A client of such a FreeSWITCH."""
    async with a_freeswitch(play) as port, connect("127.0.0.1", port, password="ClueCon") as switch:
        yield switch


class Talk(CallHandler):
    """Goes on until somebody ends it."""

    def __init__(self) -> None:
        self.last: CallRecord | None = None
        self.runs = trio.Event()

    async def run(self) -> None:
        self.runs.set()
        await trio.sleep_forever()

    async def after_hangup(self, record: CallRecord) -> None:
        self.last = record


# The call goes to its handler


async def test_a_handler_conducts_the_call_and_the_block_waits_for_it() -> None:
    story: list[str] = []
    returned = trio.Event()

    async def play(freeswitch: ScriptedFreeSwitch) -> None:
        call = await (await freeswitch.read_originate()).connect()
        uuid = await call.expect_execute("playback", "appointment.wav")
        await call.send(call.execute(uuid))
        await returned.wait()
        await trio.testing.wait_all_tasks_blocked(0.01)
        story.append("played")
        assert not freeswitch.port.received
        await call.send(call.complete(uuid, response="FILE%20PLAYED"))
        await end(call)
        story.append("hung up")
        await freeswitch.say_goodbye()

    async with a_freeswitch(play) as port:
        async with connect("127.0.0.1", port, password="ClueCon") as switch:
            call = await switch.originate("user/1001", Reminder)
            assert_type(call, Reminder)
            assert call.channel_uuid == CHANNEL
            returned.set()
        story.append("left")
    assert story == ["played", "hung up", "left"]
    (record,) = call.records
    assert record.ending is Ending.HUNG_UP


async def test_every_source_of_handlers_gives_back_its_kind() -> None:
    async def play(freeswitch: ScriptedFreeSwitch) -> None:
        for of in ("rent", "tax", "cat"):
            call = await (await freeswitch.read_originate()).connect(of=of)
            await call.run_application("playback", f"{of}.wav", response="FILE%20PLAYED")
            await end(call)
        await freeswitch.read_job("+OK 7b1e\n")
        await freeswitch.say_goodbye()

    def of_nothing() -> Reminder:
        return Reminder("tax")

    def of_the_call(call: Call) -> Reminder:
        return Reminder(call.variables["of"])

    async with a_client(play) as switch:
        assert_type(await switch.originate("user/1001", partial(Reminder, "rent")), Reminder)
        assert_type(await switch.originate("user/1001", of_nothing), Reminder)
        assert_type(await switch.originate("user/1001", of_the_call), Reminder)
        assert_type(await switch.originate("user/1001", Application("park")), str)


async def test_a_call_that_comes_before_originate_is_answered_waits_for_nobody() -> None:
    async def play(freeswitch: ScriptedFreeSwitch) -> None:
        placed = await freeswitch.read_originate(None)
        call = await placed.connect()
        await call.run_application("playback", "appointment.wav", response="FILE%20PLAYED")
        await end(call)
        await freeswitch.job_ends(placed.job_uuid, f"+OK {CHANNEL}\n")
        await freeswitch.say_goodbye()

    async with a_client(play) as switch:
        call = await switch.originate("user/1001", Reminder)
        assert call.channel_uuid == CHANNEL


async def test_calls_that_come_in_another_order_go_to_their_own_handlers() -> None:
    async def play(freeswitch: ScriptedFreeSwitch) -> None:
        placed = [await freeswitch.read_originate(None) for _ in range(3)]
        for each, uuid in zip(reversed(placed), ("c", "b", "a"), strict=True):
            call = ScriptedSwitch(await trio.open_tcp_stream("127.0.0.1", each.port))
            await call.greet(connect_reply(esl_outbound_call=each.token).replace(CHANNEL.encode(), uuid.encode()))
            await freeswitch.job_ends(each.job_uuid, f"+OK {uuid}\n")
            await call.read_command()
            await call.stream.aclose()
        await freeswitch.say_goodbye()

    found: dict[str, str] = {}

    async with a_client(play) as switch, trio.open_nursery() as nursery:

        async def originate(of: str) -> None:
            call = await switch.originate("user/1001", partial(Reminder, of))
            found[call.of] = call.channel_uuid

        for of in "xyz":
            nursery.start_soon(originate, of)
            await trio.testing.wait_all_tasks_blocked(0.01)
    assert found == {"x": "a", "y": "b", "z": "c"}


async def test_the_connection_may_end_while_the_call_goes_on() -> None:
    async def play(freeswitch: ScriptedFreeSwitch) -> None:
        call = await (await freeswitch.read_originate()).connect()
        uuid = await call.expect_execute("playback", "appointment.wav")
        await freeswitch.port.stream.aclose()
        await trio.testing.wait_all_tasks_blocked(0.01)
        await call.send(call.execute(uuid), call.complete(uuid, response="FILE%20PLAYED"))
        await end(call)

    async with a_client(play) as switch:
        call = await switch.originate("user/1001", Reminder)
    assert [record.ending for record in call.records] == [Ending.HUNG_UP]
    with pytest.raises(Disconnected) as caught:
        await switch.originate("user/1001", Reminder)
    assert caught.value.progress is Progress.NOT_SENT


async def test_a_handler_may_call_for_another_while_the_block_is_left() -> None:
    left = trio.Event()

    async def play(freeswitch: ScriptedFreeSwitch) -> None:
        first = await (await freeswitch.read_originate()).connect()
        second = await (await freeswitch.read_originate()).connect()
        await second.run_application("playback", "appointment.wav", response="FILE%20PLAYED")
        await end(second)
        await end(first)
        await freeswitch.say_goodbye()

    async with a_client(play) as switch:

        class Caller(CallHandler):
            async def run(self) -> None:
                await left.wait()
                await trio.testing.wait_all_tasks_blocked(0.01)
                await switch.originate("user/1001", Reminder)

        await switch.originate("user/1001", Caller)
        left.set()


# Leaving otherwise


async def expect_to_be_hung_up(freeswitch: ScriptedFreeSwitch) -> None:
    call = await (await freeswitch.read_originate()).connect()
    await end(call, "NORMAL_TEMPORARY_FAILURE")
    await freeswitch.say_goodbye()


async def test_an_exception_in_the_block_hangs_the_call_up_and_comes_out_as_it_is() -> None:
    async with a_freeswitch(expect_to_be_hung_up) as port:
        with pytest.raises(KeyError, match="the block's own"):
            async with connect("127.0.0.1", port, password="ClueCon") as switch:
                call = await switch.originate("user/1001", Talk)
                await call.runs.wait()
                raise KeyError("the block's own")
    assert call.last is not None
    assert call.last.hangup_cause is HangupCause.NORMAL_TEMPORARY_FAILURE


async def test_a_cancellation_hangs_the_call_up() -> None:
    async with a_freeswitch(expect_to_be_hung_up) as port:
        with trio.CancelScope() as scope:
            async with connect("127.0.0.1", port, password="ClueCon") as switch:
                call = await switch.originate("user/1001", Talk)
                await call.runs.wait()
                scope.cancel()
                await trio.sleep_forever()
    assert scope.cancelled_caught
    assert call.last is not None


async def test_a_cancellation_while_the_block_waits_hangs_the_call_up() -> None:
    async with a_freeswitch(expect_to_be_hung_up) as port:
        with trio.CancelScope() as scope:
            async with connect("127.0.0.1", port, password="ClueCon") as switch:
                call = await switch.originate("user/1001", Talk)
                await call.runs.wait()
                scope.deadline = trio.current_time() + 0.02
    assert scope.cancelled_caught
    assert call.last is not None


async def test_a_handlers_keyboard_interrupt_leaves_the_block() -> None:
    class Interrupted(Talk):
        async def run(self) -> None:
            raise KeyboardInterrupt

    async with a_freeswitch(expect_to_be_hung_up) as port:
        with pytest.raises(KeyboardInterrupt):
            async with connect("127.0.0.1", port, password="ClueCon") as switch:
                await switch.originate("user/1001", Interrupted)
                await trio.sleep_forever()


# Whoever is not expected


@pytest.mark.parametrize("token", ["", "3b241101-e2bb-4255-8caf-4136c566a962"])
async def test_a_stranger_is_hung_up(token: str, caplog: pytest.LogCaptureFixture) -> None:
    all_came = trio.Event()

    async def play(freeswitch: ScriptedFreeSwitch) -> None:
        placed = await freeswitch.read_originate(None)
        stranger = ScriptedSwitch(await trio.open_tcp_stream("127.0.0.1", placed.port))
        await stranger.greet(connect_reply(esl_outbound_call=token) if token else None)
        await end(stranger, "NORMAL_TEMPORARY_FAILURE")
        call = await placed.connect()
        await end(await placed.connect(), "NORMAL_TEMPORARY_FAILURE")
        await freeswitch.job_ends(placed.job_uuid, f"+OK {CHANNEL}\n")
        await call.run_application("playback", "appointment.wav", response="FILE%20PLAYED")
        await end(call)
        await end(await placed.connect(), "NORMAL_TEMPORARY_FAILURE")
        all_came.set()
        await freeswitch.say_goodbye()

    async with a_client(play) as switch:
        await switch.originate("user/1001", Reminder)
        await all_came.wait()
    unwanted = f"channel {CHANNEL} was not called from here, or is not wanted any more: hung up"
    complaints = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert [record.getMessage() for record in complaints] == [unwanted] * 3
    assert not any(record.exc_info for record in complaints)


async def test_a_call_that_is_answered_after_it_was_given_up_is_hung_up() -> None:
    scope = trio.CancelScope()

    async def play(freeswitch: ScriptedFreeSwitch) -> None:
        placed = await freeswitch.read_originate(None)
        scope.cancel()
        await freeswitch.expect_hupall(placed.token)
        call = await placed.connect()
        await end(call, "NORMAL_TEMPORARY_FAILURE")
        await freeswitch.job_ends(placed.job_uuid, "-ERR ORIGINATOR_CANCEL\n")
        await freeswitch.say_goodbye()

    async with a_client(play) as switch:
        with scope:
            await switch.originate("user/1001", Reminder)
        assert scope.cancelled_caught


# What goes wrong with handlers


class Broken(CallHandler):
    error_hangup_cause = HangupCause.DESTINATION_OUT_OF_ORDER

    def __init__(self) -> None:
        raise ZeroDivisionError("no database")


def no_handler() -> CallHandler:
    return "x"  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("source", "error", "message", "cause"),
    [
        (Broken, ZeroDivisionError, "no database", "DESTINATION_OUT_OF_ORDER"),
        (no_handler, TypeError, "'x' was made to handle a call, but it is no CallHandler", "NORMAL_TEMPORARY_FAILURE"),
    ],
)
async def test_what_the_making_of_a_handler_raises_comes_out_of_originate(
    source: Callable[[], CallHandler],
    error: type[Exception],
    message: str,
    cause: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def play(freeswitch: ScriptedFreeSwitch) -> None:
        call = await (await freeswitch.read_originate()).connect()
        await end(call, cause)
        await freeswitch.say_goodbye()

    async with a_client(play) as switch:
        with pytest.raises(error, match=re.escape(message)):
            await switch.originate("user/1001", source)
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


async def test_a_handler_that_has_a_call_gets_no_other() -> None:
    async def play(freeswitch: ScriptedFreeSwitch) -> None:
        call = await (await freeswitch.read_originate()).connect()
        await call.run_application("playback", "appointment.wav", response="FILE%20PLAYED")
        await end(call)
        await end(await (await freeswitch.read_originate()).connect(), "NORMAL_TEMPORARY_FAILURE")
        await freeswitch.say_goodbye()

    handler = Reminder()
    async with a_client(play) as switch:
        assert await switch.originate("user/1001", lambda: handler) is handler
        with pytest.raises(TypeError, match="every call needs its own"):
            await switch.originate("user/1001", lambda: handler)


async def test_what_can_make_no_handlers_is_refused_before_anything_is_sent() -> None:
    class Deaf(Talk):
        subscriptions = ("CUSTOM",)

    class Hasty(Talk):
        wind_down_seconds = -1

    async with connected() as (switch, server):
        with pytest.raises(TypeError, match="the class, and not an instance"):
            await switch.originate("user/1001", Talk())  # type: ignore[call-overload]
        with pytest.raises(TypeError, match="is no CallHandler"):
            await switch.originate("user/1001", int)  # type: ignore[type-var]
        with pytest.raises(TypeError, match="is -1, and should be a number of seconds"):
            await switch.originate("user/1001", Hasty)
        with pytest.raises(LocalProtocolError, match="a CUSTOM event needs its subclass"):
            await switch.originate("user/1001", Deaf)
        with pytest.raises(LocalProtocolError, match="destination is '1001'"):
            await switch.originate("1001", Talk)
        with pytest.raises(TypeError, match="dialplan"):
            await switch.originate("user/1001", Talk, context="public")  # type: ignore[call-overload]
        assert not server.received


# A call that does not come


async def test_a_failure_is_the_same_as_without_a_handler(autojump_clock: trio.testing.MockClock) -> None:
    async with connected() as (switch, server), trio.open_nursery() as nursery:
        nursery.start_soon(ScriptedFreeSwitch(server).read_originate, "-ERR USER_BUSY\n")
        with pytest.raises(OriginateFailed) as caught:
            await switch.originate("user/1001", Talk)
        assert caught.value.hangup_cause is HangupCause.USER_BUSY


async def test_a_freeswitch_that_does_not_reach_us_is_found_out(autojump_clock: trio.testing.MockClock) -> None:
    async with connected() as (switch, server), trio.open_nursery() as nursery:

        async def play() -> None:
            freeswitch = ScriptedFreeSwitch(server)
            placed = await freeswitch.read_originate()
            for _ in range(9):
                assert (await freeswitch.read_job("true"))[1] == f"uuid_exists {CHANNEL}"
            await freeswitch.expect_hupall(placed.token)

        nursery.start_soon(play)
        with pytest.raises(HandlerNotReached, match="FreeSWITCH did not connect there within 10 s") as caught:
            await switch.originate("user/1001", Talk)
        assert caught.value.channel_uuid == CHANNEL
        assert re.fullmatch(r"127\.0\.0\.1:\d+", caught.value.address)
        assert trio.current_time() == 10


async def test_who_hangs_up_in_the_moment_of_his_answer_is_not_waited_for(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with connected() as (switch, server), trio.open_nursery() as nursery:

        async def play() -> None:
            freeswitch = ScriptedFreeSwitch(server)
            placed = await freeswitch.read_originate()
            await freeswitch.read_job("false")
            await freeswitch.expect_hupall(placed.token)

        nursery.start_soon(play)
        with pytest.raises(HandlerNotReached, match="it was over before"):
            await switch.originate("user/1001", Talk)
        assert trio.current_time() == 1


async def test_a_call_that_comes_while_freeswitch_is_asked_for_it_is_not_hung_up(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async def play(freeswitch: ScriptedFreeSwitch) -> None:
        placed = await freeswitch.read_originate()
        assert (await freeswitch.read_job())[1] == f"uuid_exists {CHANNEL}"
        call = await placed.connect()
        await call.run_application("playback", "appointment.wav")
        await end(call)
        await freeswitch.say_goodbye()  # and has not said by then whether the channel exists

    async with a_client(play) as switch:
        reminder = await switch.originate("user/1001", Reminder)
        assert trio.current_time() == 1
        assert reminder.channel_uuid == CHANNEL


async def test_who_gives_up_before_the_call_has_come_hangs_it_up(autojump_clock: trio.testing.MockClock) -> None:
    async with connected() as (switch, server), trio.open_nursery() as nursery:

        async def play() -> None:
            freeswitch = ScriptedFreeSwitch(server)
            placed = await freeswitch.read_originate()
            await freeswitch.expect_hupall(placed.token)

        nursery.start_soon(play)
        with trio.move_on_after(0.5) as scope:
            await switch.originate("user/1001", Talk)
        assert scope.cancelled_caught


# Where FreeSWITCH connects to


@pytest.mark.parametrize("address", ["0.0.0.0", "::", ""])
async def test_an_address_that_nobody_can_connect_to_is_refused(address: str) -> None:
    with pytest.raises(LocalProtocolError, match="should be the address at which FreeSWITCH reaches this machine"):
        async with connect("127.0.0.1", 1, password="ClueCon", call_host=address):
            raise AssertionError


async def test_a_port_that_is_taken_is_an_oserror_of_originate() -> None:
    async def play(freeswitch: ScriptedFreeSwitch) -> None:
        await freeswitch.say_goodbye()

    async with (
        a_freeswitch(play) as port,
        connect("127.0.0.1", port, password="ClueCon", call_port=port) as switch,
    ):
        with pytest.raises(OSError, match="in use"):
            await switch.originate("user/1001", Talk)


async def test_freeswitch_is_told_an_address_of_the_sixth_version_without_brackets() -> None:
    async def play(freeswitch: ScriptedFreeSwitch) -> None:
        _, line = await freeswitch.read_job("-ERR USER_BUSY\n")
        assert re.search(r" '&socket\(::1:\d+ async full\)'$", line), line
        await freeswitch.say_goodbye()

    async with a_freeswitch(play) as port, connect("127.0.0.1", port, password="ClueCon", call_host="::1") as switch:
        with pytest.raises(OriginateFailed):
            await switch.originate("user/1001", Talk)


# With the simulated switch


class Invitation(CallHandler):
    """Asks whoever is called whether he comes."""

    comes: bool | None = None

    async def run(self) -> None:
        self.comes = await self.ask("invitation.wav", digits=1, allowed="12") == "1"
        await self.playback("thanks.wav")


async def test_a_simulated_call_goes_to_a_handler_in_virtual_time(phone: FakeFreeSwitch) -> None:
    async with phone.connect() as switch, trio.open_nursery() as nursery:

        async def be_called() -> None:
            caller = await phone.is_called("user/1001")
            await caller.hears("invitation.wav")
            await caller.press("1")
            await caller.hears("thanks.wav")
            await caller.was_hung_up()

        nursery.start_soon(be_called)
        call = await switch.originate("user/1001", Invitation)
    assert call.comes


async def test_a_simulated_call_that_is_given_up_stops_ringing(phone: FakeFreeSwitch) -> None:
    phone.destination("user/1001", answers_after=None)
    async with phone.connect() as switch:
        with trio.move_on_after(5) as scope:
            await switch.originate("user/1001", Invitation)
        assert scope.cancelled_caught
        assert await phone.api("show", "calls count") == "\n0 total.\n"
    assert trio.current_time() < 6
