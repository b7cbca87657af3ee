"""A connection that comes back: what is restored, what is said of the absence, and what is never sent twice."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import attrs
import pytest
import trio
import trio.testing

from esl_outbound import (
    AccessDenied,
    AuthenticationFailed,
    CallHandler,
    CommandRejected,
    Disconnected,
    EslOutboundError,
    LocalProtocolError,
    NoFreeSwitch,
    Progress,
    SwitchError,
)
from esl_outbound.client import Away, Backoff, ResilientSwitch, Switch, stay_connected
from esl_outbound.client.resilient import kept_open
from esl_outbound.client.switch import opened

from ..freeswitch import CHANNEL, GOODBYE, ScriptedSwitch, api_response
from .scripted import ACCEPTED, AUTH_REQUEST, BYE, EVENTS_ENABLED, EVENTS_NIXED, ScriptedPort, reply

# Without chance: 0.5, 1, 2, 4, ...
STEADY = Backoff(jitter=0)
CLOSED = "FreeSWITCH closed the connection"
FILTER_ADDED = reply("+OK filter added. [x]=[y]")
FILTER_DELETED = reply("+OK filter deleted. [x][y]")
REJECTION = b"Content-Type: text/rude-rejection\nContent-Length: 24\n\nAccess Denied, go away.\n"


async def let_in(server: ScriptedSwitch) -> None:
    await server.send(AUTH_REQUEST)
    await server.expect("auth ClueCon")
    await server.send(ACCEPTED)


async def answer(server: ScriptedSwitch, *exchanges: tuple[str, bytes]) -> None:
    for command, said in exchanges:
        await server.expect(command)
        await server.send(said)


class Stage:
    """A client that stays connected, and its FreeSWITCH, of which each connection is played by hand."""

    def __init__(self, port: ScriptedPort, nursery: trio.Nursery, switch: ResilientSwitch) -> None:
        self.port = port
        self.nursery = nursery
        self.switch = switch

    @property
    def server(self) -> ScriptedSwitch:
        return self.port.connections[-1]

    async def lose(self) -> None:
        """The connection ends."""
        await self.server.stream.aclose()
        await trio.testing.wait_all_tasks_blocked()

    async def comes_back(self, *exchanges: tuple[str, bytes]) -> ScriptedSwitch:
        """The next connection is let in, and told these."""
        server = await self.port.newest(len(self.port.connections) + 1)
        await let_in(server)
        await answer(server, *exchanges)
        await trio.testing.wait_all_tasks_blocked()
        return server


@asynccontextmanager
async def staying(backoff: Backoff = STEADY, *, ends_away: bool = False) -> AsyncIterator[Stage]:
    port = ScriptedPort()
    with trio.fail_after(90_000):
        async with trio.open_nursery() as nursery:

            async def play_first() -> None:
                await let_in(await port.newest(1))

            nursery.start_soon(play_first)
            async with kept_open(port.opener(), backoff) as switch:
                stage = Stage(port, nursery, switch)
                yield stage
                if not ends_away:
                    nursery.start_soon(say_goodbye, stage.server)


async def say_goodbye(server: ScriptedSwitch) -> None:
    # Observers that leave take back what they asked for.
    while (command := await server.read_command()) != "exit":
        await server.send(EVENTS_NIXED if "event" in command else reply("+OK"))
    await server.send(BYE, GOODBYE)
    await server.stream.aclose()


# The stream of events


async def test_it_was_away_twice_and_says_for_how_long(autojump_clock: trio.testing.MockClock) -> None:
    async with staying() as stage:
        stage.nursery.start_soon(answer, stage.server, ("event plain DTMF", EVENTS_ENABLED))
        async with stage.switch.events("DTMF") as events:
            await stage.server.send(stage.server.event("DTMF", DTMF_Digit="1"))
            await stage.lose()
            assert not stage.switch.is_connected
            server = await stage.comes_back(("event plain DTMF", EVENTS_ENABLED))
            assert stage.switch.is_connected
            await server.send(server.event("DTMF", DTMF_Digit="2"))
            await stage.lose()
            server = await stage.comes_back(("event plain DTMF", EVENTS_ENABLED))
            await server.send(server.event("DTMF", DTMF_Digit="3"))
            seen: list[object] = []
            async for event in events:
                seen.append(event if isinstance(event, Away) else event["DTMF-Digit"])
                if len(seen) == 5:
                    break
            # The second connection lasted no time, so the delay after it is the second one.
            assert seen == ["1", Away(0.5, CLOSED), "2", Away(1.0, CLOSED), "3"]


async def test_a_connection_that_lasted_makes_the_first_delay_the_first_again(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with staying() as stage:
        start = trio.current_time()
        stage.port.is_there = False
        await stage.lose()
        await trio.sleep_until(start + 1.6)  # attempts at 0.5 and 1.5
        stage.port.is_there = True
        await stage.comes_back()
        assert trio.current_time() == start + 3.5
        await trio.sleep(30)
        await stage.lose()
        await stage.comes_back()
        assert trio.current_time() == start + 34


async def test_the_absence_stands_before_an_event_that_comes_while_the_rest_is_being_restored(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with staying() as stage:
        exchanges = [("event plain DTMF", EVENTS_ENABLED), ("event plain TALK", EVENTS_ENABLED)]
        stage.nursery.start_soon(answer, stage.server, *exchanges)
        async with stage.switch.events("DTMF", "TALK") as events:
            await stage.lose()
            server = await stage.comes_back()
            await server.expect("event plain DTMF")
            await server.send(EVENTS_ENABLED, server.event("DTMF"))
            first = await events.get()
            assert first == Away(0.5, CLOSED)
            second = await events.get()
            assert not isinstance(second, Away)
            assert not stage.switch.is_connected
            await answer(server, ("event plain TALK", EVENTS_ENABLED))
            await stage.switch.wait_connected()
            assert events.drain() == []


async def test_an_absence_that_was_told_is_over_and_the_next_one_counts_by_itself(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with staying() as stage:
        exchanges = [("event plain DTMF", EVENTS_ENABLED), ("event plain TALK", EVENTS_ENABLED)]
        stage.nursery.start_soon(answer, stage.server, *exchanges)
        async with stage.switch.events("DTMF", "TALK") as events:
            await stage.lose()
            server = await stage.comes_back()
            await server.expect("event plain DTMF")
            await server.send(EVENTS_ENABLED, server.event("DTMF"))
            await trio.sleep(0.25)
            await stage.lose()
            first, _ = events.drain()
            assert first == Away(0.5, CLOSED)
            await stage.comes_back(*exchanges)
            assert events.drain() == [Away(1, CLOSED)]


async def test_events_can_be_observed_while_there_is_no_connection(autojump_clock: trio.testing.MockClock) -> None:
    async with staying() as stage:
        await stage.lose()
        async with stage.switch.events("DTMF") as events:
            server = await stage.comes_back(("event plain DTMF", EVENTS_ENABLED))
            await server.send(server.event("DTMF"))
            assert await events.get() == Away(0.5, CLOSED)
            assert not isinstance(await events.get(), Away)


async def test_whoever_comes_and_goes_while_all_is_being_restored_is_told_of_before_anything_else_is_said(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with staying() as stage:
        stage.nursery.start_soon(answer, stage.server, ("event plain DTMF", EVENTS_ENABLED))
        async with stage.switch.events("DTMF"):
            await stage.lose()
            server = await stage.comes_back()
            await server.expect("event plain DTMF")
            async with stage.switch.events("HEARTBEAT"), stage.switch.events("TALK"):
                await trio.testing.wait_all_tasks_blocked()
                assert server.received == b""
                with pytest.raises(Disconnected) as caught:
                    await stage.switch.send_event("NOTIFY")
                assert caught.value.progress is Progress.NOT_SENT
                await server.send(EVENTS_ENABLED)
                await answer(server, ("event plain HEARTBEAT", EVENTS_ENABLED), ("event plain TALK", EVENTS_ENABLED))
                await stage.switch.wait_connected()


async def test_a_connection_that_ends_while_events_are_being_asked_for_is_no_error_of_whoever_asks(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with staying() as stage:

        async def play() -> None:
            await stage.server.expect("event plain DTMF")
            await stage.lose()
            await stage.comes_back(("event plain DTMF", EVENTS_ENABLED))

        stage.nursery.start_soon(play)
        async with stage.switch.events("DTMF") as events:
            assert await events.get() == Away(0.5, CLOSED)


async def test_a_name_that_freeswitch_does_not_know_is_refused_at_once_where_there_is_a_connection(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with staying() as stage:
        stage.nursery.start_soon(answer, stage.server, ("event plain NO_SUCH", reply("-ERR no keywords supplied")))
        with pytest.raises(CommandRejected):
            async with stage.switch.events("NO_SUCH"):
                raise AssertionError


async def test_what_is_refused_later_is_raised_to_whoever_asked_for_it_and_nobody_else(
    caplog: pytest.LogCaptureFixture, autojump_clock: trio.testing.MockClock
) -> None:
    async with staying() as stage:
        await stage.lose()
        async with stage.switch.events("NO_SUCH", "TALK") as wrong, stage.switch.events("DTMF") as right:
            server = await stage.comes_back(
                ("event plain DTMF", EVENTS_ENABLED),
                ("event plain NO_SUCH", reply("-ERR no keywords supplied")),
                ("event plain TALK", EVENTS_ENABLED),
                ("nixevent TALK", EVENTS_NIXED),
            )
            assert await wrong.get() == Away(0.5, CLOSED)
            with pytest.raises(CommandRejected, match="event plain NO_SUCH: -ERR no keywords supplied"):
                await wrong.get()
            assert stage.switch.is_connected
            assert await right.get() == Away(0.5, CLOSED)
            await server.send(server.event("DTMF"))
            assert not isinstance(await right.get(), Away)
            assert server.received == b""
    assert [record.message for record in caplog.records if record.levelname == "WARNING"] == [
        f"lost FreeSWITCH at 192.0.2.7:8021: {CLOSED}",
        "FreeSWITCH at 192.0.2.7:8021 is back, and FreeSWITCH refused event plain NO_SUCH: -ERR no keywords supplied",
    ]


async def test_whoever_waits_already_is_woken_by_a_refusal(autojump_clock: trio.testing.MockClock) -> None:
    async with staying() as stage:
        await stage.lose()
        async with stage.switch.events("DTMF", "NO_SUCH") as events:
            server = await stage.comes_back()
            await server.expect("event plain DTMF")
            await server.send(EVENTS_ENABLED, server.event("DTMF"))
            assert await events.get() == Away(0.5, CLOSED)
            assert not isinstance(await events.get(), Away)

            async def refuse() -> None:
                refused = ("event plain NO_SUCH", reply("-ERR no keywords supplied"))
                await answer(server, refused, ("nixevent DTMF", EVENTS_NIXED))

            stage.nursery.start_soon(refuse)
            with pytest.raises(CommandRejected), trio.fail_after(1):
                await events.get()
            await stage.switch.wait_connected()


async def test_waiting_for_one_event_ends_with_the_connection(autojump_clock: trio.testing.MockClock) -> None:
    async with staying() as stage:

        async def play() -> None:
            await stage.server.expect("event plain DTMF")
            await stage.server.send(EVENTS_ENABLED)
            await stage.lose()

        stage.nursery.start_soon(play)
        with pytest.raises(Disconnected):
            await stage.switch.wait_for("DTMF")
        with pytest.raises(Disconnected) as caught:
            await stage.switch.wait_for("DTMF")
        assert caught.value.progress is Progress.NOT_SENT
        # Nobody waits any more, so there is nothing to restore.
        await stage.comes_back()
        assert stage.switch.is_connected


# What is restored


async def test_events_filters_and_the_log_are_restored_before_anything_else_is_said(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with staying() as stage:
        subscriptions = [
            ("filter add Event-Name /./", FILTER_ADDED),
            (f"filter add Unique-ID {CHANNEL}", FILTER_ADDED),
            ("filter delete Event-Name /./", FILTER_DELETED),
            ("event plain DTMF", EVENTS_ENABLED),
            ("event plain CUSTOM x::y", EVENTS_ENABLED),
            ("log 4", reply("+OK log level 4 [4]")),
        ]
        stage.nursery.start_soon(answer, stage.server, *subscriptions)
        switch = stage.switch
        async with switch.events("DTMF", "CUSTOM x::y", where={"Unique-ID": CHANNEL}), switch.log_lines("warning"):
            await stage.lose()
            server = await stage.comes_back(*subscriptions)
            stage.nursery.start_soon(answer, server, ("api status", api_response("UP")))
            assert (await switch.api("status", as_job=False)).text == "UP"


async def test_what_was_asked_for_without_an_observer_and_jobs_are_restored_too(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with staying() as stage:
        switch = stage.switch
        await stage.lose()
        await switch.subscribe("HEARTBEAT")
        await switch.filter("Event-Name", "HEARTBEAT")
        await switch.log("err")
        server = await stage.comes_back(
            ("filter add Event-Name /./", FILTER_ADDED),
            ("filter add Event-Name HEARTBEAT", FILTER_ADDED),
            ("filter delete Event-Name /./", FILTER_DELETED),
            ("event plain HEARTBEAT", EVENTS_ENABLED),
            ("log 3", reply("+OK log level 3 [3]")),
        )

        async def play() -> None:
            await answer(server, ("filter add Event-Name BACKGROUND_JOB", FILTER_ADDED))
            await answer(server, ("event plain BACKGROUND_JOB", EVENTS_ENABLED))
            await server.run_job("status", "UP")

        stage.nursery.start_soon(play)
        assert (await switch.job("status")).text == "UP"
        await stage.lose()
        server = await stage.comes_back(
            ("filter add Event-Name /./", FILTER_ADDED),
            ("filter add Event-Name BACKGROUND_JOB", FILTER_ADDED),
            ("filter add Event-Name HEARTBEAT", FILTER_ADDED),
            ("filter delete Event-Name /./", FILTER_DELETED),
            ("event plain BACKGROUND_JOB", EVENTS_ENABLED),
            ("event plain HEARTBEAT", EVENTS_ENABLED),
            ("log 3", reply("+OK log level 3 [3]")),
        )
        stage.nursery.start_soon(server.run_job, "status", "UP")
        assert (await switch.job("status")).text == "UP"


async def test_jobs_whose_ends_a_new_connection_does_not_tell_are_refused(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with staying() as stage:

        async def run_one() -> None:
            await answer(stage.server, ("event plain BACKGROUND_JOB", EVENTS_ENABLED))
            await stage.server.run_job("status", "UP")

        stage.nursery.start_soon(run_one)
        await stage.switch.job("status")
        await stage.lose()
        denied = ("event plain BACKGROUND_JOB", reply("-ERR permission denied"))
        server = await stage.comes_back(denied)
        stage.nursery.start_soon(answer, server, denied)
        with pytest.raises(CommandRejected, match="permission denied"):
            await stage.switch.bgapi("status")


async def test_log_lines_say_that_some_were_missed(autojump_clock: trio.testing.MockClock) -> None:
    async with staying() as stage:
        log = ("log 7", reply("+OK log level 7 [7]"))
        stage.nursery.start_soon(answer, stage.server, log)
        async with stage.switch.log_lines() as lines:
            await stage.lose()
            server = await stage.comes_back(log)
            await server.send(b"Content-Type: log/data\nContent-Length: 3\nLog-Level: 4\n\nabc")
            assert await lines.get() == Away(0.5, CLOSED)
            line = await lines.get()
            assert not isinstance(line, Away)
            assert line.text == "abc"


async def test_a_log_that_is_refused_later_is_raised_to_its_readers(autojump_clock: trio.testing.MockClock) -> None:
    async with staying() as stage:
        await stage.lose()
        async with stage.switch.log_lines("err") as lines:
            await stage.switch.log("debug")
            await stage.comes_back(("log 7", reply("-ERR permission denied")))
            assert await lines.get() == Away(0.5, CLOSED)
            with pytest.raises(CommandRejected, match="permission denied"):
                await lines.get()
        await trio.testing.wait_all_tasks_blocked()
        assert stage.server.received == b""


# Nothing is sent twice

Ask = Callable[[ResilientSwitch], Awaitable[object]]


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda switch: switch.api("status", as_job=False), "api status"),
        (lambda switch: switch.send_event("NOTIFY"), "sendevent NOTIFY"),
        (lambda switch: switch.hangup("7f00"), "sendmsg 7f00"),
    ],
)
async def test_a_command_that_was_sent_is_not_sent_again(
    ask: Ask, said: str, autojump_clock: trio.testing.MockClock
) -> None:
    async with staying() as stage:

        async def play() -> None:
            assert (await stage.server.read_command()).split("\n")[0] == said
            await stage.lose()

        stage.nursery.start_soon(play)
        with pytest.raises(Disconnected) as caught:
            await ask(stage.switch)
        assert (caught.value.command, caught.value.progress) == (said, Progress.SENT)
        with pytest.raises(Disconnected) as caught:
            await ask(stage.switch)
        assert caught.value.progress is Progress.NOT_SENT
        server = await stage.comes_back()
        await stage.switch.wait_connected()
        assert server.received == b""


async def test_a_job_that_was_accepted_is_not_run_again(autojump_clock: trio.testing.MockClock) -> None:
    async with staying() as stage:

        async def play() -> None:
            await answer(stage.server, ("event plain BACKGROUND_JOB", EVENTS_ENABLED))
            command = await stage.server.read_command()
            job_uuid = command.split("Job-UUID: ")[1]
            said = f"Content-Type: command/reply\nReply-Text: +OK Job-UUID: {job_uuid}\nJob-UUID: {job_uuid}\n\n"
            await stage.server.send(said.encode())
            await stage.lose()

        stage.nursery.start_soon(play)
        with pytest.raises(Disconnected) as caught:
            await stage.switch.job("msleep 1000")
        assert caught.value.progress is Progress.ANSWERED
        server = await stage.comes_back(("event plain BACKGROUND_JOB", EVENTS_ENABLED))
        assert server.received == b""


async def test_what_is_asked_while_it_is_away_is_refused_at_once_and_wait_connected_waits(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with staying() as stage:
        await stage.switch.wait_connected()
        await stage.lose()
        start = trio.current_time()
        with pytest.raises(Disconnected) as caught:
            await stage.switch.bgapi("status")
        assert (caught.value.command, caught.value.progress) == ("bgapi status", Progress.NOT_SENT)
        assert trio.current_time() == start
        stage.nursery.start_soon(stage.comes_back)
        await stage.switch.wait_connected()
        assert trio.current_time() == start + 0.5
        assert stage.switch.is_connected


# Attempts


@attrs.frozen
class _Asked:
    """Something that a program may ask in a loop until it succeeds."""

    name: str
    ask: Callable[[Switch | ResilientSwitch], Awaitable[object]]


async def _enter(block: AbstractAsyncContextManager[object]) -> None:
    async with block:
        raise AssertionError


_ASKED = [
    _Asked("api", lambda switch: switch.api("status")),
    _Asked("api at once", lambda switch: switch.api("status", as_job=False)),
    _Asked("bgapi", lambda switch: switch.bgapi("status")),
    _Asked("sendevent", lambda switch: switch.send_event("CUSTOM")),
    _Asked("sendmsg", lambda switch: switch.hangup(CHANNEL)),
    _Asked("noevents", lambda switch: switch.noevents()),
    _Asked("wait_for", lambda switch: switch.wait_for("DTMF")),
    _Asked("status", lambda switch: switch.status()),
    _Asked("originate", lambda switch: switch.originate("user/1001", "5000")),
    _Asked("originate into a handler", lambda switch: switch.originate("user/1001", CallHandler)),
]
# Where the connection comes back, these may be wished for while there is none.
_WISHED = [
    _Asked("events", lambda switch: _enter(switch.events("DTMF"))),
    _Asked("log_lines", lambda switch: _enter(switch.log_lines())),
    _Asked("subscribe", lambda switch: switch.subscribe("DTMF")),
    _Asked("filter", lambda switch: switch.filter("Unique-ID", CHANNEL)),
]


@pytest.mark.parametrize("asked", _ASKED, ids=lambda asked: asked.name)
async def test_a_loop_around_what_cannot_be_sent_lets_others_run(
    asked: _Asked, autojump_clock: trio.testing.MockClock
) -> None:
    async with staying(ends_away=True) as stage:
        await stage.lose()
        with trio.testing.assert_checkpoints(), pytest.raises(Disconnected) as caught:
            await asked.ask(stage.switch)
        assert caught.value.progress is Progress.NOT_SENT


@pytest.mark.parametrize("asked", [*_ASKED, *_WISHED], ids=lambda asked: asked.name)
async def test_a_loop_around_what_will_never_be_sent_lets_others_run(
    asked: _Asked, autojump_clock: trio.testing.MockClock
) -> None:
    async with staying(Backoff(attempts=1), ends_away=True) as stage:
        stage.port.is_there = False
        await stage.lose()
        await trio.sleep(1)
        with trio.testing.assert_checkpoints(), pytest.raises(SwitchError):
            await asked.ask(stage.switch)


@pytest.mark.parametrize("asked", [*_ASKED, *_WISHED], ids=lambda asked: asked.name)
async def test_a_loop_around_what_a_connection_that_has_ended_does_not_send_lets_others_run(
    asked: _Asked, autojump_clock: trio.testing.MockClock
) -> None:
    port = ScriptedPort()
    async with trio.open_nursery() as nursery:

        async def play() -> None:
            await let_in(await port.newest(1))

        nursery.start_soon(play)
        async with opened(port.opener()) as switch:
            await port.connections[0].stream.aclose()
            await trio.testing.wait_all_tasks_blocked()
            with trio.testing.assert_checkpoints(), pytest.raises(Disconnected) as caught:
                await asked.ask(switch)
            assert caught.value.progress is Progress.NOT_SENT


async def test_a_connection_that_ends_during_the_login_or_the_restoration_is_one_more_attempt(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with staying() as stage:
        stage.nursery.start_soon(answer, stage.server, ("event plain DTMF", EVENTS_ENABLED))
        async with stage.switch.events("DTMF") as events:
            await stage.lose()
            server = await stage.port.newest(2)
            await server.send(AUTH_REQUEST)
            await server.expect("auth ClueCon")
            await server.stream.aclose()
            server = await stage.comes_back()
            await server.expect("event plain DTMF")
            await server.stream.aclose()
            await trio.testing.wait_all_tasks_blocked()
            assert events.drain() == []
            await stage.comes_back(("event plain DTMF", EVENTS_ENABLED))
            assert events.drain() == [Away(3.5, CLOSED)]


async def test_a_freeswitch_that_says_nothing_is_not_waited_for_for_ever(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with staying() as stage:
        stage.nursery.start_soon(answer, stage.server, ("event plain DTMF", EVENTS_ENABLED))
        async with stage.switch.events("DTMF") as events:
            await stage.lose()
            await stage.port.newest(2)  # at 0.5: no greeting
            server = await stage.comes_back()  # at 11.5: it is let in, and its subscriptions are not answered
            await server.expect("event plain DTMF")
            await stage.comes_back(("event plain DTMF", EVENTS_ENABLED))  # at 23.5
            assert events.drain() == [Away(23.5, CLOSED)]


@pytest.mark.parametrize(
    ("greeting", "error"),
    [
        (REJECTION, AccessDenied),
        (AUTH_REQUEST, AuthenticationFailed),
    ],
)
async def test_a_refused_login_ends_it_for_good(
    greeting: bytes, error: type[EslOutboundError], autojump_clock: trio.testing.MockClock
) -> None:
    async with staying(ends_away=True) as stage:
        stage.nursery.start_soon(answer, stage.server, ("event plain DTMF", EVENTS_ENABLED))
        async with stage.switch.events("DTMF") as events:
            await stage.lose()
            raised = []

            async def wait() -> None:
                with pytest.raises(error) as caught:
                    await stage.switch.wait_connected()
                raised.append(caught.value)

            async with trio.open_nursery() as nursery:
                nursery.start_soon(wait)
                nursery.start_soon(wait)
                server = await stage.port.newest(2)
                await server.send(greeting)
                if error is AuthenticationFailed:
                    await server.expect("auth ClueCon")
                    await server.send(reply("-ERR invalid"), GOODBYE)
            assert raised[0] is not raised[1]
            with pytest.raises(error):
                await events.get()
        await trio.sleep(500)
        assert len(stage.port.connections) == 2
        assert not stage.switch.is_connected
        with pytest.raises(Disconnected) as lost:
            await stage.switch.bgapi("status")
        assert lost.value.progress is Progress.NOT_SENT
        assert isinstance(lost.value.__cause__, error)
        with pytest.raises(error):
            async with stage.switch.events("DTMF"):
                raise AssertionError
        with pytest.raises(error):
            async with stage.switch.log_lines():
                raise AssertionError
        with pytest.raises(Disconnected):
            await stage.switch.subscribe("DTMF")


async def test_a_missing_freeswitch_is_looked_for_for_ever(autojump_clock: trio.testing.MockClock) -> None:
    async with staying() as stage:
        stage.port.is_there = False
        await stage.lose()
        await trio.sleep(80_000)
        assert not stage.switch.is_connected
        stage.port.is_there = True
        await stage.comes_back()
        assert stage.switch.is_connected


@pytest.mark.parametrize(
    ("backoff", "seconds"),
    [
        (Backoff(jitter=0, attempts=3), 0.5 + 1 + 2),
        (Backoff(jitter=0, seconds=3.5), 0.5 + 1 + 2),
        (Backoff(jitter=0, seconds=3.4), 0.5 + 1),
        (Backoff(jitter=0, seconds=0), 0),
    ],
)
async def test_it_is_given_up_after_so_many_attempts_or_seconds(
    backoff: Backoff, seconds: float, autojump_clock: trio.testing.MockClock
) -> None:
    async with staying(backoff, ends_away=True) as stage:
        stage.port.is_there = False
        await stage.lose()
        start = trio.current_time()
        with pytest.raises(NoFreeSwitch, match="it did not come back, and was given up") as caught:
            await stage.switch.wait_connected()
        assert trio.current_time() == start + seconds
        assert isinstance(caught.value.__cause__, NoFreeSwitch | Disconnected)


async def test_state_changes_are_logged_a_line_each(
    caplog: pytest.LogCaptureFixture, autojump_clock: trio.testing.MockClock
) -> None:
    caplog.set_level(logging.INFO)
    async with staying(ends_away=True) as stage:
        await stage.lose()
        server = await stage.comes_back()
        await server.send(b"Content-Type: text/disconnect-notice\nContent-Length: 30\n\nThe system is being shut down.")
        await stage.lose()
        server = await stage.port.newest(3)
        await server.send(REJECTION)
        await trio.testing.wait_all_tasks_blocked()
    assert [record.message for record in caplog.records if record.name == "esl_outbound.client"] == [
        f"lost FreeSWITCH at 192.0.2.7:8021: {CLOSED}",
        "back at FreeSWITCH at 192.0.2.7:8021 after 0.5 s",
        "lost FreeSWITCH at 192.0.2.7:8021: The system is being shut down.",
        "gave up FreeSWITCH at 192.0.2.7:8021: "
        "FreeSWITCH at 192.0.2.7:8021 lets nobody in from this address (apply-inbound-acl)",
    ]


# The beginning and the end


@pytest.mark.parametrize(
    ("greeting", "error"), [(None, NoFreeSwitch), (REJECTION, AccessDenied), (AUTH_REQUEST, AuthenticationFailed)]
)
async def test_what_is_wrong_with_the_first_connection_is_raised(
    greeting: bytes | None, error: type[EslOutboundError], autojump_clock: trio.testing.MockClock
) -> None:
    port = ScriptedPort()
    port.is_there = greeting is not None

    async def play() -> None:
        if greeting is not None:
            server = await port.newest(1)
            await server.send(greeting)
            if error is AuthenticationFailed:
                await server.expect("auth ClueCon")
                await server.send(reply("-ERR invalid"), GOODBYE)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(play)
        with pytest.raises(error):
            async with kept_open(port.opener(), STEADY):
                raise AssertionError


async def test_leaving_while_it_is_away_looks_for_nothing_more(autojump_clock: trio.testing.MockClock) -> None:
    async with staying(ends_away=True) as stage:
        stage.port.is_there = False
        await stage.lose()
        await trio.sleep(10)
    with pytest.raises(Disconnected):
        await stage.switch.wait_connected()
    assert len(stage.port.connections) == 1
    with pytest.raises(Disconnected):
        async with stage.switch.events("DTMF"):
            raise AssertionError


async def test_leaving_while_it_logs_in_closes_what_it_had_opened(autojump_clock: trio.testing.MockClock) -> None:
    async with staying(ends_away=True) as stage:
        await stage.lose()
        server = await stage.port.newest(2)
        await server.send(AUTH_REQUEST)
        await server.expect("auth ClueCon")
    await server.expect_end()


async def test_leaving_while_it_restores_closes_what_it_had_opened(autojump_clock: trio.testing.MockClock) -> None:
    async with staying(ends_away=True) as stage:
        await stage.lose()
        await stage.switch.subscribe("DTMF")
        server = await stage.comes_back()
        await server.expect("event plain DTMF")
    await server.expect_end()


async def test_leaving_says_goodbye_and_wakes_whoever_reads(autojump_clock: trio.testing.MockClock) -> None:
    raised = []
    async with staying() as stage:
        stage.nursery.start_soon(answer, stage.server, ("event plain DTMF", EVENTS_ENABLED))

        async def read() -> None:
            async with stage.switch.events("DTMF") as events:
                try:
                    await events.get()
                except Disconnected as exc:
                    raised.append(exc)

        stage.nursery.start_soon(read)
        await trio.testing.wait_all_tasks_blocked()
    assert len(raised) == 1


async def test_leaving_while_it_is_away_wakes_whoever_reads(autojump_clock: trio.testing.MockClock) -> None:
    async with trio.open_nursery() as nursery, staying(ends_away=True) as stage:
        await stage.lose()

        async def read() -> None:
            async with stage.switch.events("DTMF") as events:
                with pytest.raises(Disconnected), trio.fail_after(0.4):
                    await events.get()

        nursery.start_soon(read)
        await trio.testing.wait_all_tasks_blocked()


async def test_what_leaves_the_block_leaves_it_as_it_is_and_no_task_stays(
    autojump_clock: trio.testing.MockClock,
) -> None:
    port = ScriptedPort()
    before = trio.lowlevel.current_statistics().tasks_living
    async with trio.open_nursery() as nursery:

        async def play() -> None:
            server = await port.newest(1)
            await let_in(server)
            await server.stream.aclose()

        nursery.start_soon(play)
        with pytest.raises(ZeroDivisionError):
            async with kept_open(port.opener(), STEADY):
                await trio.sleep(5)
                _ = 1 / 0
    assert trio.lowlevel.current_statistics().tasks_living == before


async def test_a_cancelled_block_ends_while_it_is_away(autojump_clock: trio.testing.MockClock) -> None:
    with trio.move_on_after(20) as scope:
        async with staying(ends_away=True) as stage:
            stage.port.is_there = False
            await stage.lose()
            await trio.sleep_forever()
    assert scope.cancelled_caught


async def test_what_is_raised_in_a_cancelled_block_is_not_lost(autojump_clock: trio.testing.MockClock) -> None:
    port = ScriptedPort()
    async with trio.open_nursery() as nursery:

        async def play() -> None:
            server = await port.newest(1)
            await let_in(server)
            await server.stream.aclose()

        nursery.start_soon(play)
        with pytest.raises(ZeroDivisionError), trio.move_on_after(5):
            async with kept_open(port.opener(), STEADY):
                port.is_there = False
                try:
                    await trio.sleep_forever()
                finally:
                    _ = 1 / 0


async def test_whoever_gives_up_observing_while_it_is_away_is_not_restored(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with staying() as stage:
        stage.nursery.start_soon(answer, stage.server, ("event plain DTMF", EVENTS_ENABLED))
        async with stage.switch.events("DTMF") as events:
            await stage.lose()
            with trio.move_on_after(0.2) as scope:
                await events.get()
            assert scope.cancelled_caught
        server = await stage.comes_back()
        assert stage.switch.is_connected
        assert server.received == b""


async def test_it_is_told_apart_by_its_repr(autojump_clock: trio.testing.MockClock) -> None:
    async with staying() as stage:
        assert repr(stage.switch) == "<ResilientSwitch 192.0.2.7:8021>"
        await stage.lose()
        assert repr(stage.switch) == "<ResilientSwitch 192.0.2.7:8021, not connected>"
        await stage.comes_back()


async def test_stay_connected_takes_the_options_of_connect(autojump_clock: trio.testing.MockClock) -> None:
    with pytest.raises(LocalProtocolError, match="call_host"):
        async with stay_connected(password="ClueCon", call_host="0.0.0.0"):
            raise AssertionError
    with pytest.raises(TypeError):
        async with stay_connected(password="ClueCon", domain="example.com"):
            raise AssertionError


# Back-off


@pytest.mark.parametrize("chance", [0.0, 0.25, 0.999])
def test_the_delays_grow_to_the_longest_and_chance_shortens_each_by_half_at_most(chance: float) -> None:
    backoff = Backoff(chance=lambda: chance)
    longest = [0.5, 1, 2, 4, 8, 16, 30, 30, 30]
    assert [backoff.delay(number) for number in range(9)] == [delay * (1 - chance / 2) for delay in longest]
    assert backoff.delay(10**6) == 30 * (1 - chance / 2)


def test_without_a_source_of_ones_own_the_delays_differ_within_their_bounds() -> None:
    delays = {Backoff().delay(3) for _ in range(100)}
    assert len(delays) > 50
    assert all(2 <= delay <= 4 for delay in delays)


def test_delays_need_not_grow() -> None:
    assert Backoff(first_seconds=0, jitter=0).delay(10**9) == 0
    assert Backoff(factor=1, jitter=0).delay(10**9) == 0.5


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Backoff(first_seconds=-1), "first_seconds is -1, and should not be negative"),
        (lambda: Backoff(most_seconds=0.1), "most_seconds is 0.1, and should not be less than first_seconds"),
        (lambda: Backoff(most_seconds=float("inf")), "most_seconds is inf, and should not be less than first_seconds"),
        (lambda: Backoff(factor=0.5), "factor is 0.5, and should be at least 1"),
        (lambda: Backoff(jitter=1.5), "jitter is 1.5, and should be 0 to 1"),
        (lambda: Backoff(jitter=float("nan")), "jitter is nan, and should be 0 to 1"),
        (lambda: Backoff(attempts=0), "attempts is 0, and should be at least 1"),
        (lambda: Backoff(seconds=-1), "seconds is -1, and should not be negative"),
    ],
)
def test_a_back_off_that_makes_no_sense_is_refused(make: Callable[[], Backoff], said: str) -> None:
    with pytest.raises(LocalProtocolError) as caught:
        make()
    assert str(caught.value) == said
