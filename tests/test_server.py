"""Listening, admitting and letting go: the server around the calls."""

from __future__ import annotations

import errno
import logging
import re
import resource
import socket
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Unpack, cast

import pytest
import trio
import trio.testing
from trio.testing import MockClock

from esl_outbound import Call, CallHandler, CallRecord, Ending, LocalProtocolError, serve, serve_listeners, serve_stream
from esl_outbound.handler import HandlerSource
from esl_outbound.plan import Limits

from .freeswitch import SET_UP_REPLIES, ScriptedSwitch, connect_reply, dial


class Reception(CallHandler):
    """What a normal call does."""

    async def run(self) -> None:
        await self.answer()
        await self.hangup()


class Patient(CallHandler):
    """Holds the call until somebody ends it."""

    async def run(self) -> None:
        await trio.sleep_forever()


class Port:
    """A server that listens on loopback, seen by FreeSWITCH."""

    def __init__(self, listeners: list[trio.SocketListener], nursery: trio.Nursery) -> None:
        self.listeners = listeners
        self.number: int = listeners[0].socket.getsockname()[1]
        self.nursery = nursery

    async def connect(self) -> ScriptedSwitch:
        """Open a connection, as FreeSWITCH does for a call."""
        return ScriptedSwitch(await trio.open_tcp_stream("127.0.0.1", self.number))

    async def normal_call(self) -> None:
        """See a call of ``Reception`` go as it should."""
        await normal_call(await self.connect())


async def normal_call(switch: ScriptedSwitch) -> None:
    """See a call of ``Reception`` go as it should."""
    async with switch.stream:
        await switch.greet()
        await switch.run_application("answer", "")
        await switch.hang_up_as_told()
        await switch.expect_exit()


@asynccontextmanager
async def serving(handler: HandlerSource, **limits: Unpack[Limits]) -> AsyncIterator[Port]:
    """Serve on a free port of the loopback; the server is stopped at the end."""
    with trio.fail_after(15):
        async with trio.open_nursery() as nursery:
            listeners = await nursery.start(partial(serve, handler, port=0, **limits))
            yield Port(listeners, nursery)
            nursery.cancel_scope.cancel()


def complaints(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What was logged of warnings and worse."""
    return [
        record.getMessage()
        for record in caplog.records
        if record.levelno >= logging.WARNING and record.name.startswith("esl_outbound")
    ]


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


# Listening


async def test_starting_gives_listeners_on_a_free_port_of_the_loopback() -> None:
    async with serving(Reception) as port:
        (listener,) = port.listeners
        assert listener.socket.getsockname()[0] == "127.0.0.1"
        assert port.number > 0
        await port.normal_call()
        await port.normal_call()


async def test_two_servers_take_two_free_ports() -> None:
    async with serving(Reception) as one, serving(Reception) as other:
        assert one.number != other.number
        await other.normal_call()
        await one.normal_call()


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
async def test_a_call_can_come_over_ipv6(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "esl_outbound")
    with trio.fail_after(15):
        async with trio.open_nursery() as nursery:
            listeners = await nursery.start(partial(serve, Reception, host="::1", port=0))
            number = listeners[0].socket.getsockname()[1]
            assert f"listening on [::1]:{number}" in caplog.text
            await normal_call(ScriptedSwitch(await trio.open_tcp_stream("::1", number)))
            async with await trio.open_tcp_stream("::1", number) as stranger:
                await stranger.send_all(b"GET / HTTP/1.1\r\n\r\n")
                while await stranger.receive_some():
                    pass
            assert len(complaints(caplog)) == 1
            assert complaints(caplog)[0].startswith("[::1]:")
            nursery.cancel_scope.cancel()


async def test_a_port_in_use_is_an_error_at_once() -> None:
    async with serving(Reception) as port:
        with pytest.raises(OSError, match="in use") as caught:
            await serve(Reception, port=port.number)
        assert caught.value.errno == errno.EADDRINUSE
        await port.normal_call()


async def test_a_call_can_come_over_a_unix_socket(tmp_path: object) -> None:
    path = f"{tmp_path}/socket"
    sock = trio.socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    await sock.bind(path)
    sock.listen()
    with trio.fail_after(15):
        async with trio.open_nursery() as nursery:
            listeners = [trio.SocketListener(sock)]
            given = await nursery.start(serve_listeners, Reception, listeners)
            assert given is listeners
            await normal_call(ScriptedSwitch(await trio.open_unix_socket(path)))
            nursery.cancel_scope.cancel()
    assert sock.fileno() == -1


async def test_without_epoll_a_socket_is_read_like_any_other_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("esl_outbound.server.CAN_READ_SOCKETS", False)
    async with serving(Reception) as port:
        await port.normal_call()
        await port.normal_call()


@pytest.fixture
def clock_ahead() -> MockClock:
    """A clock that runs as others do, and can be put forward."""
    return MockClock(rate=1.0)


async def test_out_of_descriptors_the_server_waits_and_goes_on(
    clock_ahead: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(Reception) as port:
        waiting = socket.socket()
        waiting.setblocking(False)
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
        try:
            with pytest.raises(BlockingIOError):
                waiting.connect(("127.0.0.1", port.number))
            await trio.testing.wait_all_tasks_blocked(0.05)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        assert len(complaints(caplog)) == 1
        assert "no connection can be accepted" in complaints(caplog)[0]
        clock_ahead.jump(1)
        stream = trio.SocketStream(trio.socket.from_stdlib_socket(waiting))
        await normal_call(ScriptedSwitch(stream))
        assert len(complaints(caplog)) == 1


# What makes handlers


def made() -> CallHandler:
    return Reception()


def made_of_the_call(call: Call) -> CallHandler:
    assert call.destination_number == "2000"
    return Reception()


def made_of_the_call_by_its_name(call: Call, *, greeting: str = "") -> CallHandler:
    return made_of_the_call(call)


class Configured(Reception):
    def __init__(self, greeting: str) -> None:
        self.greeting = greeting


class Factory:
    def __call__(self) -> CallHandler:
        return Reception()

    def of_the_call(self, call: Call) -> CallHandler:
        return made_of_the_call(call)


@pytest.mark.parametrize(
    "source",
    [
        Reception,
        partial(Configured, "hello"),
        partial(Configured, greeting="hello"),
        made,
        lambda: Reception(),
        made_of_the_call,
        made_of_the_call_by_its_name,
        Factory(),
        Factory().of_the_call,
        partial(made_of_the_call_by_its_name, greeting="hello"),
    ],
)
async def test_a_handler_can_be_made_in_many_ways(source: HandlerSource, caplog: pytest.LogCaptureFixture) -> None:
    async with dial(source) as switch:
        await switch.greet()
        await switch.run_application("answer", "")
        await switch.hang_up_as_told()
        await switch.expect_exit()
    assert not complaints(caplog)


async def test_each_call_gets_a_handler_of_its_own() -> None:
    handlers: list[CallHandler] = []

    class Counted(Reception):
        def __init__(self) -> None:
            handlers.append(self)

    async with serving(Counted) as port:
        for _ in range(3):
            await port.normal_call()
    assert len({id(handler) for handler in handlers}) == 3


async def coroutine_function() -> CallHandler:
    return Reception()


async def async_generator() -> AsyncIterator[CallHandler]:
    yield Reception()


class AsyncFactory:
    async def __call__(self) -> CallHandler:
        return Reception()


def needs_two(call: Call, greeting: str) -> CallHandler:
    return Reception()


def needs_a_keyword(*, greeting: str) -> CallHandler:
    return Reception()


@pytest.mark.parametrize(
    "source",
    [
        Reception(),
        coroutine_function,
        partial(coroutine_function),
        async_generator,
        AsyncFactory(),
        Configured,
        needs_two,
        needs_a_keyword,
        None,
        "app:Reception",
        int,
    ],
    ids=[
        "an instance",
        "a coroutine function",
        "a partial of a coroutine function",
        "an async generator function",
        "an instance with a coroutine function as __call__",
        "a class with required arguments",
        "a callable with two arguments",
        "a callable with a required keyword",
        "None",
        "a string",
        "a class that is no handler",
    ],
)
async def test_what_makes_no_handlers_is_refused_before_anything_listens(
    source: object, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "esl_outbound")
    ours, _theirs = trio.testing.memory_stream_pair()
    with trio.move_on_after(1) as scope:
        with pytest.raises(TypeError):
            await serve(cast("HandlerSource", source), port=0)
        with pytest.raises(TypeError):
            await serve_stream(cast("HandlerSource", source), ours)
    assert not scope.cancelled_caught
    assert "listening" not in caplog.text


async def test_a_subscription_to_what_is_no_event_is_refused_before_anything_listens() -> None:
    class Confused(Reception):
        subscriptions = ("CUSTOM",)

    with trio.fail_after(1), pytest.raises(LocalProtocolError):
        await serve(Confused, port=0)


# Cancellation from above


async def test_stopping_the_server_hangs_up_runs_after_hangup_and_closes_the_listeners() -> None:
    records: list[CallRecord] = []

    class Held(Patient):
        async def after_hangup(self, record: CallRecord) -> None:
            await trio.sleep(0.01)
            records.append(record)

    async with serving(Held) as port:
        switches = [await port.connect() for _ in range(5)]
        for switch in switches:
            await switch.greet()
        await trio.testing.wait_all_tasks_blocked(0.01)
        port.nursery.cancel_scope.cancel()
        with trio.CancelScope(shield=True):
            for switch in switches:
                await switch.hang_up_as_told("NORMAL_TEMPORARY_FAILURE")
            for switch in switches:
                await switch.expect_exit()
                await switch.stream.aclose()
    assert [record.ending for record in records] == [Ending.HUNG_UP] * 5
    assert [record.billsec for record in records] == [5] * 5
    assert port.listeners[0].socket.fileno() == -1
    with pytest.raises(OSError, match=r"could not connect|refused|attempts"):
        await port.connect()


async def test_stopping_the_server_does_not_wait_for_ever_for_a_freeswitch_that_does_nothing(
    autojump_clock: MockClock,
) -> None:
    endings: list[Ending] = []

    class Held(Patient):
        async def after_hangup(self, record: CallRecord) -> None:
            endings.append(record.ending)

    ours, theirs = trio.testing.memory_stream_pair()
    switch = ScriptedSwitch(theirs)
    with trio.fail_after(30):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(serve_stream, Held, ours)
            await switch.greet()
            await trio.testing.wait_all_tasks_blocked()
            nursery.cancel_scope.cancel()
        await switch.expect("sendmsg\ncall-command: hangup\nhangup-cause: NORMAL_TEMPORARY_FAILURE")
        await switch.expect_end()
    assert endings == [Ending.CONNECTION_LOST]
    assert trio.current_time() < 20


async def test_stopping_the_server_while_a_call_is_greeted_hangs_it_up() -> None:
    entered: list[str] = []

    class Never(CallHandler):
        async def run(self) -> None:
            entered.append("run")

    async with serving(Never) as port:
        switch = await port.connect()
        await switch.expect("connect", "myevents", "linger 14", "event plain BACKGROUND_JOB")
        port.nursery.cancel_scope.cancel()
        with trio.CancelScope(shield=True):
            await switch.expect("sendmsg\ncall-command: hangup\nhangup-cause: NORMAL_TEMPORARY_FAILURE", "exit")
            await switch.stream.aclose()
    assert not entered


async def hear_of_a_stop(stream: trio.SocketStream) -> None:
    """What was accepted is hung up, which takes a ``connect`` before it; the rest is reset with its listener."""
    heard = b""
    async with stream:
        try:
            with trio.fail_after(5):
                while not heard.endswith(b"exit\n\n") and (data := await stream.receive_some()):
                    heard += bytes(data)
        except trio.BrokenResourceError:
            assert not heard
        else:
            assert heard.startswith(b"connect\n\n")
            assert heard.endswith(b"call-command: hangup\nhangup-cause: NORMAL_TEMPORARY_FAILURE\n\nexit\n\n")


@pytest.mark.parametrize("steps", range(10))
async def test_stopping_the_server_soon_after_a_connection_leaves_nobody_parked(steps: int) -> None:
    for _ in range(3):
        async with serving(Reception) as port:
            switch = await port.connect()
            for _ in range(steps):
                await trio.lowlevel.checkpoint()
            port.nursery.cancel_scope.cancel()
            with trio.CancelScope(shield=True):
                await hear_of_a_stop(cast("trio.SocketStream", switch.stream))


async def test_stopping_the_server_between_accepting_a_connection_and_greeting_it_leaves_nobody_parked() -> None:
    class StopAtTheNextTask(trio.abc.Instrument):
        def task_spawned(self, task: trio.lowlevel.Task) -> None:
            scope.cancel()

    async with serving(Reception) as port:
        scope = port.nursery.cancel_scope
        trio.lowlevel.add_instrument(stop := StopAtTheNextTask())
        sock = socket.create_connection(("127.0.0.1", port.number))
        sock.setblocking(False)
        stream = trio.SocketStream(trio.socket.from_stdlib_socket(sock))
        with trio.CancelScope(shield=True):
            await trio.testing.wait_all_tasks_blocked(0.01)
            trio.lowlevel.remove_instrument(stop)
            assert scope.cancel_called
            await hear_of_a_stop(stream)


def ends_in_a_thread(main: Callable[[], Awaitable[None]], clock: MockClock | None = None) -> bool:
    """Whether a program ends; one that has shielded itself cannot be bounded from within."""

    async def guarded() -> None:
        await main()

    thread = threading.Thread(target=trio.run, args=(guarded,), kwargs={"clock": clock}, daemon=True)
    thread.start()
    thread.join(2)
    return not thread.is_alive()


def test_a_server_that_is_cancelled_before_it_began_ends_and_closes_its_listeners() -> None:
    sock = socket.create_server(("127.0.0.1", 0))
    sock.setblocking(False)

    async def main() -> None:
        listener = trio.SocketListener(trio.socket.from_stdlib_socket(sock))
        with trio.CancelScope() as scope:
            scope.cancel()
            await serve_listeners(Reception, [listener])

    with sock:
        assert ends_in_a_thread(main)
        assert sock.fileno() == -1


def test_a_call_that_is_cancelled_before_it_began_ends_and_its_stream_is_closed() -> None:
    ours, theirs = trio.testing.memory_stream_pair()
    at_the_end: list[bytes] = []

    async def main() -> None:
        with trio.CancelScope() as scope:
            scope.cancel()
            await serve_stream(Reception, ours)
        with trio.move_on_after(1):
            while data := bytes(await theirs.receive_some()):
                at_the_end.append(data)
            at_the_end.append(data)

    assert ends_in_a_thread(main, MockClock(autojump_threshold=0))
    assert at_the_end
    assert at_the_end[-1] == b""


# Many


async def test_two_hundred_calls_at_once_are_handled_each_by_itself() -> None:
    finished: list[str] = []

    class Echo(CallHandler):
        async def run(self) -> None:
            number = self.variables["number"]
            await self.answer()
            await self.execute("say", number)
            await self.hangup()

        async def after_hangup(self, record: CallRecord) -> None:
            finished.append(record.variables["number"])

    async with serving(Echo) as port:
        together = 0
        all_there = trio.Event()

        async def call(number: int) -> None:
            nonlocal together
            switch = await port.connect()
            async with switch.stream:
                await switch.greet(connect_reply(number=str(number)))
                await switch.run_application("answer", "")
                uuid = await switch.expect_execute("say", str(number))
                together += 1
                if together == 200:
                    all_there.set()
                await all_there.wait()
                await switch.send(switch.execute(uuid, "say"), switch.complete(uuid, "say"))
                await switch.expect("sendmsg\ncall-command: hangup\nhangup-cause: NORMAL_CLEARING")
                await switch.send(switch.hangup(), switch.hangup_complete(variable_number=str(number)))
                await switch.expect_exit()

        async with trio.open_nursery() as calls:
            for number in range(200):
                calls.start_soon(call, number)
    assert sorted(map(int, finished)) == list(range(200))


# A call's line of log


def call_lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == "esl_outbound.call"]


@pytest.mark.parametrize("has_hook", [False, True])
async def test_a_call_leaves_one_line_that_says_who_called_whom_how_long_and_how_it_ended(
    has_hook: bool, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "esl_outbound")

    class Held(Patient):
        pass

    class HeldWithHook(Patient):
        async def after_hangup(self, record: CallRecord) -> None:
            await trio.sleep(3)

    async with dial(HeldWithHook if has_hook else Held) as switch:
        await switch.greet()
        await trio.sleep(12.5)
        await switch.send(switch.hangup("USER_BUSY"), switch.hangup_complete("USER_BUSY"))
        await switch.expect_exit()
    assert call_lines(caplog) == ["5f6433ee-df70-478f-a9ed-0397c83df1da 1000 -> 2000: hung up after 12.5 s, USER_BUSY"]


async def test_a_lost_connection_is_said_in_the_calls_line(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "esl_outbound")
    async with dial(Patient) as switch:
        await switch.greet()
        await trio.sleep(2)
        await switch.stream.aclose()
    assert call_lines(caplog) == ["5f6433ee-df70-478f-a9ed-0397c83df1da 1000 -> 2000: connection lost after 2.0 s"]


async def test_an_anonymous_caller_is_called_that(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "esl_outbound")
    async with dial(Reception) as switch:
        await switch.greet(connect_reply().replace(b"Caller-Caller-ID-Number: 1000\n", b""))
        await switch.run_application("answer", "")
        await switch.hang_up_as_told()
        await switch.expect_exit()
    (line,) = call_lines(caplog)
    assert re.fullmatch(r"5f6433ee-\S+ anonymous -> 2000: hung up after 0\.\d s, NORMAL_CLEARING", line)


@pytest.mark.parametrize(
    "number",
    [
        b"1%0A2026-11-22%20ERROR%20forged",
        b"1%0D%1B[2J%00forged",
        b"1%E2%80%A8forged%C2%85forged%E2%80%AEdegrof",
        b"1%FF%FEforged",
    ],
)
async def test_a_callers_number_cannot_forge_lines(number: bytes, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "esl_outbound")
    reply = connect_reply()
    for name in (b"Caller-Caller-ID-Number: ", b"Caller-Destination-Number: "):
        reply = re.sub(name + b"[^\n]*", lambda found, name=name: name + number, reply)  # type: ignore[misc]
    async with dial(Reception) as switch:
        await switch.greet(reply)
        await switch.run_application("answer", "")
        await switch.hang_up_as_told()
        await switch.expect_exit()
    (line,) = call_lines(caplog)
    assert line.isprintable()
    assert line.encode()
    assert line.count("1?") == 2


async def test_nothing_is_made_of_a_calls_line_that_nobody_wants(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "esl_outbound")
    async with dial(Reception) as switch:
        await switch.greet(connect_reply(), SET_UP_REPLIES)
        await switch.run_application("answer", "")
        await switch.hang_up_as_told()
        await switch.expect_exit()
    assert not call_lines(caplog)
