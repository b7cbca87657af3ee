"""Nothing takes the server down: whatever a peer sends or a handler raises ends its own connection, with a line of log.

And no caller is left parked for ever: a call that is up is hung up before its connection closes.
"""

from __future__ import annotations

import logging
import re
import socket
import struct
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Unpack, cast

import pytest
import trio
import trio.testing
from trio.testing import MockClock

from esl_outbound import Call, CallHandler, CallRecord, Ending, HangupCause, serve_stream
from esl_outbound.handler import HandlerSource
from esl_outbound.plan import Limits

from .freeswitch import GOODBYE, OK, RECORDINGS, SET_UP, ScriptedSwitch, connect_reply
from .test_server import Port, Reception, complaints, serving

FAULT_HANGUP = "sendmsg\ncall-command: hangup\nhangup-cause: NORMAL_TEMPORARY_FAILURE"
CLIENT_HELLO = bytes.fromhex(
    "16030100c2010000be0303d0f1c3c52e4a4b4c4d4e4f505152535455565758595a5b5c5d5e5f6020e0e1e2e3e4e5e6e7"
    "e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff000813021303130100ff0100"
)


async def until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110 - what is waited for is a line of log
        await trio.sleep(0.002)


@asynccontextmanager
async def one_complaint(
    caplog: pytest.LogCaptureFixture,
    handler: HandlerSource = Reception,
    saying: str = "",
    **limits: Unpack[Limits],
) -> AsyncIterator[Port]:
    """A server that complains of what is done to it in one line, and then handles a normal call as ever."""
    async with serving(handler, **limits) as port:
        yield port
        with trio.move_on_after(1):
            await until(lambda: bool(complaints(caplog)))
        await port.normal_call()
        assert len(complaints(caplog)) == 1, complaints(caplog)
        assert saying in complaints(caplog)[0]


def reset(stream: trio.abc.Stream) -> None:
    """Make the closing of a connection a reset."""
    cast("trio.SocketStream", stream).setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


async def read_to_end(stream: trio.abc.Stream) -> bytes:
    """All that the server says before it closes, in order or not."""
    heard = b""
    try:
        while data := await stream.receive_some(65536):
            heard += bytes(data)
    except trio.BrokenResourceError:
        pass
    return heard


def at_first(faulty: HandlerSource) -> HandlerSource:
    """A factory whose first handler is made as said; the others are normal."""
    makers: list[HandlerSource] = [faulty]

    def make(call: Call) -> CallHandler:
        return cast("Callable[[], CallHandler]", makers.pop() if makers else Reception)()

    return make


# Strangers


async def test_a_connection_that_says_nothing_is_hung_up_and_closed(caplog: pytest.LogCaptureFixture) -> None:
    async with one_complaint(caplog, saying="did not answer within 0.2 s", handshake_seconds=0.2) as port:
        switch = await port.connect()
        async with switch.stream:
            await switch.expect("connect", "myevents", "linger 14", "event plain BACKGROUND_JOB")
            await switch.expect(FAULT_HANGUP, "exit")


async def test_a_connection_that_keeps_talking_without_answering_connect_is_closed(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with one_complaint(caplog, saying="did not answer within 0.2 s", handshake_seconds=0.2) as port:
        switch = await port.connect()
        async with switch.stream:
            await switch.expect("connect", "myevents", "linger 14", "event plain BACKGROUND_JOB")
            told = trio.Event()

            async def talk() -> None:
                while not told.is_set():
                    await switch.send(switch.event("HEARTBEAT", "", ""))
                    await trio.sleep(0.01)

            async with trio.open_nursery() as nursery:
                nursery.start_soon(talk)
                await switch.expect(FAULT_HANGUP, "exit")
                told.set()


async def test_a_refused_connect_is_not_called_silence(caplog: pytest.LogCaptureFixture) -> None:
    async with one_complaint(caplog) as port:
        switch = await port.connect()
        async with switch.stream:
            await switch.expect("connect", "myevents", "linger 14", "event plain BACKGROUND_JOB")
            await switch.send(b"Content-Type: command/reply\nReply-Text: -ERR command not found\n\n")
            await until(lambda: bool(complaints(caplog)))
    assert "did not answer" not in complaints(caplog)[0]


@pytest.mark.parametrize("is_reset", [False, True])
async def test_a_port_scan_is_a_line_of_log(caplog: pytest.LogCaptureFixture, is_reset: bool) -> None:
    async with one_complaint(caplog, saying="closed the connection without a call") as port:
        switch = await port.connect()
        if is_reset:
            reset(switch.stream)
        await switch.stream.aclose()


async def test_a_hundred_port_scans_are_a_hundred_lines_of_log(caplog: pytest.LogCaptureFixture) -> None:
    async with serving(Reception) as port:
        for number in range(100):
            switch = await port.connect()
            if number % 2:
                reset(switch.stream)
            await switch.stream.aclose()
        await port.normal_call()
        await until(lambda: len(complaints(caplog)) >= 100)
        assert len(complaints(caplog)) == 100


@pytest.mark.parametrize(
    "said",
    [
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1:8084\r\nUser-Agent: kube-probe/1.29\r\n\r\n",
        CLIENT_HELLO,
        b"\x00",
        b"\n\n\n\n",
        b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n",
        b"A: 1\n\n",
        b"Content-Type: command/reply\nReply-Text: +OK\nContent-Length: -1\n\n",
        b"Content-Type: text/event-plain\n\n",
        connect_reply().replace(b"Unique-ID", b"Not-Unique-ID"),
    ],
    ids=[
        "an HTTP request",
        "a TLS hello",
        "a NUL",
        "blank lines",
        "SSH",
        "a head without type",
        "a negative length",
        "an event without length",
        "a channel without UUID",
    ],
)
async def test_a_stranger_is_closed_at_once(caplog: pytest.LogCaptureFixture, said: bytes) -> None:
    async with one_complaint(caplog, saying="does not speak the event socket protocol") as port:
        switch = await port.connect()
        async with switch.stream:
            await switch.send(said)
            assert (await read_to_end(switch.stream)).startswith(SET_UP)
    assert complaints(caplog)[0].isprintable()


@pytest.mark.parametrize("is_reset", [False, True])
async def test_half_a_frame_and_then_the_end_is_a_line_of_log(caplog: pytest.LogCaptureFixture, is_reset: bool) -> None:
    async with one_complaint(caplog, saying="closed the connection in the middle of a frame") as port:
        switch = await port.connect()
        await switch.expect("connect", "myevents", "linger 14", "event plain BACKGROUND_JOB")
        await switch.send(connect_reply()[:200])
        await trio.testing.wait_all_tasks_blocked(0.01)
        if is_reset:
            reset(switch.stream)
        await switch.stream.aclose()


async def test_a_head_over_the_limit_is_not_read_on(caplog: pytest.LogCaptureFixture) -> None:
    async with one_complaint(caplog, saying="a head of", max_head_bytes=4096) as port:
        switch = await port.connect()
        async with switch.stream:
            await switch.send(b"Event-Name: " + b"x" * 5000)
            await read_to_end(switch.stream)


async def test_a_head_that_comes_in_drops_is_not_kept_beyond_the_limit(caplog: pytest.LogCaptureFixture) -> None:
    async with one_complaint(caplog, saying="a head of", max_head_bytes=4096) as port:
        switch = await port.connect()
        async with switch.stream:
            with pytest.raises(trio.BrokenResourceError):
                while True:
                    await switch.send(b"X-Header: value\n" * 8)
                    await trio.sleep(0.0005)


async def test_a_body_over_the_limit_is_not_waited_for(caplog: pytest.LogCaptureFixture) -> None:
    async with one_complaint(caplog, saying="a body of 1000000000 bytes, more than 4096", max_body_bytes=4096) as port:
        switch = await port.connect()
        async with switch.stream:
            await switch.send(b"Content-Length: 1000000000\nContent-Type: text/event-plain\n\n")
            await read_to_end(switch.stream)


# In the middle of a call


@pytest.mark.parametrize(
    "said",
    [
        b"\x00\xff\xfe garbage\n\n",
        b"HTTP/1.1 502 Bad Gateway\r\n\r\n",
        b"Content-Length: 1000000000\nContent-Type: text/event-plain\n\n",
        b"Content-Type: text/event-plain\nX: " + b"x" * 5000,
        b"Content-Length: 5\nContent-Length: 7\nContent-Type: text/event-plain\n\n",
    ],
    ids=["garbage", "HTTP", "a body over the limit", "a head over the limit", "two lengths"],
)
async def test_garbage_in_the_middle_of_a_call_ends_the_call_with_a_hangup(
    caplog: pytest.LogCaptureFixture, said: bytes
) -> None:
    records: list[CallRecord] = []

    class Held(Reception):
        async def after_hangup(self, record: CallRecord) -> None:
            records.append(record)

    async with one_complaint(caplog, Held, max_head_bytes=4096, max_body_bytes=4096) as port:
        switch = await port.connect()
        async with switch.stream:
            await switch.greet()
            uuid = await switch.expect_execute("answer", "")
            await switch.send(switch.execute(uuid, "answer"), said)
            heard = await read_to_end(switch.stream)
        # FreeSWITCH still reads what we say: it is our reading that has come to an end.
        assert heard.startswith(FAULT_HANGUP.encode() + b"\n\n"), heard
    assert [record.ending for record in records] == [Ending.CONNECTION_LOST, Ending.HUNG_UP]


@pytest.mark.parametrize("is_reset", [False, True])
async def test_a_connection_that_breaks_in_the_middle_of_a_call_ends_it(
    caplog: pytest.LogCaptureFixture, is_reset: bool
) -> None:
    caplog.set_level(logging.INFO, "esl_outbound")
    endings: list[Ending] = []

    class Held(Reception):
        async def after_hangup(self, record: CallRecord) -> None:
            endings.append(record.ending)

    async with serving(Held) as port:
        switch = await port.connect()
        await switch.greet()
        await switch.expect_execute("answer", "")
        if is_reset:
            reset(switch.stream)
        await switch.stream.aclose()
        await until(lambda: bool(endings))
        assert endings == [Ending.CONNECTION_LOST]
        await port.normal_call()
    lines = [record.getMessage() for record in caplog.records if record.name == "esl_outbound.call"]
    assert len([line for line in lines if "connection lost" in line]) == 1
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


def frames_of(recorded: bytes) -> list[int]:
    """Where each frame of a conversation ends."""
    ends: list[int] = []
    at = 0
    while at < len(recorded):
        at = recorded.index(b"\n\n", at) + 2
        head = recorded[ends[-1] if ends else 0 : at]
        length = re.search(rb"(?m)^Content-Length: (\d+)$", head)
        at += int(length[1]) if length else 0
        ends.append(at)
    return ends


def cuts_of(recorded: bytes) -> Iterable[int]:
    """Every position of the first 2 kB, every 7th of the first 8, then every 37th, and all around the frames' ends."""
    ends = frames_of(recorded)
    cuts = {*range(min(2048, len(recorded))), *range(2048, 8192, 7), *range(8192, len(recorded), 37)}
    cuts |= {end + offset for end in ends for offset in (-2, -1, 0, 1) if end + offset <= len(recorded)}
    return sorted(cuts)


@pytest.mark.parametrize("name", ["s1_sip_caller_bye", "c2_sync_hangup_midplay"])
async def test_a_conversation_can_break_off_anywhere(
    name: str, caplog: pytest.LogCaptureFixture, autojump_clock: MockClock
) -> None:
    recorded = (RECORDINGS / f"{name}.raw").read_bytes()
    ends = frames_of(recorded)
    connected = ends[0]
    starts = [0, *ends[:-1]]
    hung_up = next(
        end for start, end in zip(starts, ends, strict=True) if b"\nEvent-Name: CHANNEL_HANGUP\n" in recorded[start:end]
    )
    entered = left = 0
    records: list[CallRecord] = []

    class Listener(CallHandler):
        async def run(self) -> None:
            nonlocal entered, left
            entered += 1
            try:
                await self.answer()
                await self.playback("a.wav")
                await trio.sleep_forever()
            finally:
                left += 1

        async def after_hangup(self, record: CallRecord) -> None:
            records.append(record)

    for cut in cuts_of(recorded):
        entered = left = 0
        records.clear()
        caplog.clear()
        ours, theirs = trio.testing.memory_stream_pair()
        with trio.fail_after(60):
            await theirs.send_all(recorded[:cut])
            await theirs.send_stream.aclose()
            await serve_stream(Listener, ours)
        said = complaints(caplog)
        assert (entered, left, len(records)) == ((1, 1, 1) if cut >= connected else (0, 0, 0)), cut
        assert not [record for record in caplog.records if record.levelno >= logging.ERROR], (cut, said)
        if cut < connected:
            assert len(said) == 1, cut
            assert ("without a call" if cut == 0 else "in the middle of a frame") in said[0], cut
        else:
            expected = Ending.HUNG_UP if cut >= hung_up else Ending.CONNECTION_LOST
            assert records[0].ending is expected, cut
            assert len(said) <= 1, (cut, said)


# Handlers that fail


class Disaster(BaseException):
    """Not an Exception: nothing that catches those catches this."""


def a_group() -> BaseException:
    return ExceptionGroup("several", [ValueError("first"), ExceptionGroup("more", [KeyError("second")])])


def a_group_with_disasters() -> BaseException:
    return BaseExceptionGroup("several", [ValueError("first"), Disaster("second")])


FAULTS: list[Callable[[], BaseException]] = [
    lambda: ValueError("a bug"),
    a_group,
    a_group_with_disasters,
    lambda: Disaster("a bug"),
    lambda: SystemExit(3),
    lambda: StopIteration("a bug"),
    lambda: StopAsyncIteration("a bug"),
    lambda: GeneratorExit("a bug"),
    lambda: RecursionError("a bug"),
    lambda: NotImplementedError("a bug"),
    lambda: trio.TooSlowError(),
    lambda: OSError(9, "a bug"),
]
a_fault = pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: repr(fault()))


async def test_what_is_raised_while_the_call_is_answered_hangs_up_with_the_cause_that_was_chosen(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Chosen(CallHandler):
        error_hangup_cause = HangupCause.USER_BUSY

        async def run(self) -> None:
            raise ValueError("a bug")

    async with one_complaint(caplog, at_first(Chosen), "run() failed") as port:
        switch = await port.connect()
        async with switch.stream:
            await switch.greet()
            await switch.hang_up_as_told("USER_BUSY")
            await switch.expect_exit()


async def see_it_hung_up(port: Port, cause: str = "NORMAL_TEMPORARY_FAILURE") -> None:
    switch = await port.connect()
    async with switch.stream:
        await switch.greet()
        await switch.hang_up_as_told(cause)
        await switch.expect_exit()


def has_traceback(caplog: pytest.LogCaptureFixture) -> bool:
    (record,) = [record for record in caplog.records if record.levelno >= logging.WARNING]
    return record.exc_info is not None and "5f6433ee-df70-478f-a9ed-0397c83df1da" in record.getMessage()


@a_fault
async def test_what_init_raises_hangs_the_call_up(
    fault: Callable[[], BaseException], caplog: pytest.LogCaptureFixture
) -> None:
    hooks: list[str] = []

    class Faulty(CallHandler):
        def __init__(self) -> None:
            raise fault()

        async def after_hangup(self, record: CallRecord) -> None:
            hooks.append("after_hangup")

        async def on_error(self, error: BaseException) -> None:
            hooks.append("on_error")

    async with one_complaint(caplog, at_first(Faulty), "no handler could be made") as port:
        await see_it_hung_up(port)
    assert not hooks
    assert has_traceback(caplog)


@a_fault
async def test_what_run_raises_hangs_the_call_up(
    fault: Callable[[], BaseException], caplog: pytest.LogCaptureFixture
) -> None:
    hooks: list[str] = []

    class Faulty(CallHandler):
        async def run(self) -> None:
            raise fault()

        async def after_hangup(self, record: CallRecord) -> None:
            hooks.append("after_hangup")
            assert record.ending is Ending.HUNG_UP
            assert record.hangup_cause is HangupCause.NORMAL_TEMPORARY_FAILURE

    async with one_complaint(caplog, at_first(Faulty), "run() failed") as port:
        await see_it_hung_up(port)
    assert hooks == ["after_hangup"]
    assert has_traceback(caplog)


@a_fault
async def test_what_a_task_of_runs_raises_hangs_the_call_up(
    fault: Callable[[], BaseException], caplog: pytest.LogCaptureFixture
) -> None:
    hooks: list[str] = []

    class Faulty(CallHandler):
        async def run(self) -> None:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self.fail)
                await self.answer()

        async def fail(self) -> None:
            await trio.sleep(0.005)
            raise fault()

        async def after_hangup(self, record: CallRecord) -> None:
            hooks.append("after_hangup")

    async with one_complaint(caplog, at_first(Faulty), "run() failed") as port:
        switch = await port.connect()
        async with switch.stream:
            await switch.greet()
            await switch.run_application("answer", "")
            await switch.hang_up_as_told("NORMAL_TEMPORARY_FAILURE")
            await switch.expect_exit()
    assert hooks == ["after_hangup"]


@a_fault
async def test_what_on_error_raises_is_a_line_of_log_and_the_call_is_hung_up(
    fault: Callable[[], BaseException], caplog: pytest.LogCaptureFixture
) -> None:
    hooks: list[str] = []

    class Faulty(CallHandler):
        async def run(self) -> None:
            raise LookupError("a bug in run()")

        async def on_error(self, error: BaseException) -> None:
            assert isinstance(error, LookupError)
            hooks.append("on_error")
            raise fault()

        async def after_hangup(self, record: CallRecord) -> None:
            hooks.append("after_hangup")

    async with one_complaint(caplog, at_first(Faulty), "on_error() failed") as port:
        await see_it_hung_up(port)
    assert hooks == ["on_error", "after_hangup"]


async def test_what_on_error_raises_does_not_hide_the_fault_that_it_was_called_for(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Faulty(CallHandler):
        async def run(self) -> None:
            raise LookupError("what went wrong first")

        async def on_error(self, error: BaseException) -> None:
            raise ValueError("what went wrong then")

    async with one_complaint(caplog, at_first(Faulty)) as port:
        await see_it_hung_up(port)
    assert "what went wrong first" in caplog.text
    assert "what went wrong then" in caplog.text


@a_fault
async def test_what_after_hangup_raises_is_a_line_of_log(
    fault: Callable[[], BaseException], caplog: pytest.LogCaptureFixture
) -> None:
    class Faulty(CallHandler):
        async def run(self) -> None:
            await self.hangup()

        async def after_hangup(self, record: CallRecord) -> None:
            raise fault()

    async with one_complaint(caplog, at_first(Faulty), "after_hangup() failed") as port:
        await see_it_hung_up(port, "NORMAL_CLEARING")
    assert has_traceback(caplog)


async def test_what_is_raised_while_the_callers_hangup_cancels_run_is_a_line_of_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Faulty(CallHandler):
        async def run(self) -> None:
            try:
                await trio.sleep_forever()
            finally:
                raise ValueError("a bug in the clean-up")

    async with one_complaint(caplog, at_first(Faulty), "run() failed") as port:
        switch = await port.connect()
        async with switch.stream:
            await switch.greet()
            await switch.send(switch.hangup(), switch.hangup_complete())
            await switch.expect_exit()


async def test_an_error_handler_of_the_users_own_makes_the_line_of_log_its_own_business(
    caplog: pytest.LogCaptureFixture,
) -> None:
    errors: list[BaseException] = []

    class Faulty(CallHandler):
        async def run(self) -> None:
            raise ValueError("a bug")

        async def on_error(self, error: BaseException) -> None:
            errors.append(error)
            await self.playback("sorry.wav")

    async with serving(at_first(Faulty)) as port:
        switch = await port.connect()
        async with switch.stream:
            await switch.greet()
            await switch.run_application("playback", response="FILE%20PLAYED")
            await switch.hang_up_as_told("NORMAL_TEMPORARY_FAILURE")
            await switch.expect_exit()
        await port.normal_call()
    assert [str(error) for error in errors] == ["a bug"]
    assert not complaints(caplog)


# Hooks that are not as they should be


class SlowAfterHangup(Reception):
    after_hangup_seconds = 0.02

    async def after_hangup(self, record: CallRecord) -> None:
        await trio.sleep(0.2)


async def test_an_after_hangup_that_takes_too_long_is_cancelled(caplog: pytest.LogCaptureFixture) -> None:
    async with one_complaint(caplog, at_first(SlowAfterHangup), "after_hangup() took longer than 0.02 s") as port:
        await port.normal_call()


async def test_an_on_error_that_takes_too_long_is_cancelled_and_the_call_hung_up(
    caplog: pytest.LogCaptureFixture,
) -> None:
    hooks: list[str] = []

    class Faulty(CallHandler):
        on_error_seconds = 0.02

        async def run(self) -> None:
            raise ValueError("a bug")

        async def on_error(self, error: BaseException) -> None:
            await trio.sleep_forever()

        async def after_hangup(self, record: CallRecord) -> None:
            hooks.append("after_hangup")

    async with one_complaint(caplog, at_first(Faulty), "on_error() took longer than 0.02 s") as port:
        await see_it_hung_up(port)
    assert hooks == ["after_hangup"]


async def test_other_calls_do_not_notice_an_after_hangup_that_takes_too_long(caplog: pytest.LogCaptureFixture) -> None:
    async with serving(at_first(SlowAfterHangup)) as port:
        first = await port.connect()
        await first.greet()
        uuid = await first.expect_execute("answer", "")
        second = await port.connect()
        await second.greet()
        other_uuid = await second.expect_execute("answer", "")
        await first.send(first.execute(uuid, "answer"), first.complete(uuid, "answer"))
        await first.hang_up_as_told()
        await first.expect_exit()
        await second.send(second.execute(other_uuid, "answer"), second.complete(other_uuid, "answer"))
        await second.hang_up_as_told()
        await second.expect_exit()
        await first.stream.aclose()
        await second.stream.aclose()


class HookWithoutAsync(Reception):
    def after_hangup(self, record: CallRecord) -> None:  # type: ignore[override]
        raise ValueError("a bug")


class HookWithoutRecord(Reception):
    async def after_hangup(self) -> None:  # type: ignore[override]
        """One argument less than it is called with."""


@pytest.mark.parametrize("faulty", [HookWithoutAsync, HookWithoutRecord])
async def test_an_after_hangup_that_cannot_be_called_is_a_line_of_log(
    faulty: type[CallHandler], caplog: pytest.LogCaptureFixture
) -> None:
    async with one_complaint(caplog, at_first(faulty), "after_hangup") as port:
        await port.normal_call()


class ErrorWithoutAsync(CallHandler):
    async def run(self) -> None:
        raise LookupError("what went wrong first")

    def on_error(self, error: BaseException) -> None:  # type: ignore[override]
        raise ValueError("a bug")


class ErrorWithoutArgument(CallHandler):
    async def run(self) -> None:
        raise LookupError("what went wrong first")

    async def on_error(self) -> None:  # type: ignore[override]
        """One argument less than it is called with."""


@pytest.mark.parametrize("faulty", [ErrorWithoutAsync, ErrorWithoutArgument])
async def test_an_on_error_that_cannot_be_called_is_a_line_of_log(
    faulty: type[CallHandler], caplog: pytest.LogCaptureFixture
) -> None:
    async with one_complaint(caplog, at_first(faulty), "on_error") as port:
        await see_it_hung_up(port)


@pytest.mark.parametrize("cause", ["TWO\nLINES", "", None], ids=repr)
async def test_a_hangup_cause_that_cannot_be_said_does_not_spare_the_call(
    cause: object, caplog: pytest.LogCaptureFixture
) -> None:
    class Faulty(CallHandler):
        error_hangup_cause = cast("str", cause)

        async def run(self) -> None:
            raise ValueError("a bug")

    async with serving(at_first(Faulty)) as port:
        switch = await port.connect()
        async with switch.stream:
            await switch.greet()
            assert (await switch.read_command()).startswith("sendmsg\ncall-command: hangup")
            await switch.send(OK, switch.hangup(), switch.hangup_complete())
            await switch.expect_exit()
        await port.normal_call()
    assert complaints(caplog)


# Handlers that are none


async def test_a_factory_that_returns_something_else_hangs_the_call_up(caplog: pytest.LogCaptureFixture) -> None:
    made: list[object] = ["no handler"]

    def make() -> CallHandler:
        return cast("CallHandler", made.pop()) if made else Reception()

    async with one_complaint(caplog, make, "no handler could be made") as port:
        await see_it_hung_up(port)
    assert "'no handler'" in caplog.text


async def test_a_factory_that_returns_a_handler_class_hangs_the_call_up(caplog: pytest.LogCaptureFixture) -> None:
    made: list[object] = [Reception]

    def make() -> CallHandler:
        return cast("CallHandler", made.pop()) if made else Reception()

    async with one_complaint(caplog, make, "no handler could be made") as port:
        await see_it_hung_up(port)


async def test_a_handler_without_run_hangs_the_call_up_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    class Empty(CallHandler):
        pass

    async with one_complaint(caplog, at_first(Empty), "run() failed") as port:
        await see_it_hung_up(port)
    assert "Empty does not say what to do with a call" in caplog.text


async def test_a_run_that_is_no_coroutine_function_hangs_the_call_up(caplog: pytest.LogCaptureFixture) -> None:
    class Plain(CallHandler):
        def run(self) -> None:  # type: ignore[override]
            """Somebody forgot the async."""

    async with one_complaint(caplog, at_first(Plain), "run() failed") as port:
        await see_it_hung_up(port)


# KeyboardInterrupt


class InterruptedIn(CallHandler):
    """Is interrupted at some place, as if control-C had been pressed there."""

    place = ""
    hooks: list[str]

    def __init__(self, place: str, hooks: list[str]) -> None:
        self.place = place
        self.hooks = hooks
        self.at("init")

    def at(self, place: str) -> None:
        if self.place == place:
            raise KeyboardInterrupt

    async def run(self) -> None:
        self.at("run")
        if self.place == "on_error":
            raise ValueError("a bug")
        await self.hangup()

    async def on_error(self, error: BaseException) -> None:
        self.at("on_error")

    async def after_hangup(self, record: CallRecord) -> None:
        self.hooks.append("after_hangup")
        self.at("after_hangup")


@pytest.mark.parametrize("place", ["init", "run", "on_error", "after_hangup"])
async def test_a_keyboard_interrupt_goes_up_after_the_clean_up_of_all_calls(place: str) -> None:
    hooks: list[str] = []
    handlers: list[Callable[[], CallHandler]] = [lambda: InterruptedIn(place, hooks), lambda: Other(hooks)]

    class Other(CallHandler):
        def __init__(self, hooks: list[str]) -> None:
            self.hooks = hooks

        async def run(self) -> None:
            await trio.sleep_forever()

        async def after_hangup(self, record: CallRecord) -> None:
            self.hooks.append("the other's")

    with pytest.raises(BaseExceptionGroup) as caught:
        async with serving(lambda: handlers.pop()()) as port:
            with trio.CancelScope(shield=True):
                other = await port.connect()
                await other.greet()
                await trio.testing.wait_all_tasks_blocked(0.01)
                switch = await port.connect()
                await switch.greet()
                await switch.hang_up_as_told(
                    "NORMAL_CLEARING" if place == "after_hangup" else "NORMAL_TEMPORARY_FAILURE"
                )
                await switch.expect_exit()
                await other.hang_up_as_told("NORMAL_TEMPORARY_FAILURE")
                await other.expect_exit()
                await switch.stream.aclose()
                await other.stream.aclose()
            await trio.sleep_forever()
    interrupts, rest = caught.value.split(KeyboardInterrupt)
    assert interrupts is not None
    assert rest is None
    assert hooks == ([] if place == "init" else ["after_hangup"]) + ["the other's"]


# Handlers that shield themselves


async def test_a_run_that_shields_itself_from_the_callers_hangup_is_left_behind(
    caplog: pytest.LogCaptureFixture,
) -> None:
    order: list[str] = []
    release = trio.Event()

    class Stubborn(CallHandler):
        wind_down_seconds = 0.0

        async def run(self) -> None:
            if self.variables.get("stubborn") is None:
                await self.answer()
                await self.hangup()
                return
            with trio.CancelScope(shield=True):
                await release.wait()
            order.append("run")

        async def after_hangup(self, record: CallRecord) -> None:
            order.append("after_hangup")

    async with one_complaint_with_linger(caplog, Stubborn, "run() goes on after the call's end") as port:
        switch = await port.connect()
        async with switch.stream:
            await greet_with_linger_11(switch, connect_reply(stubborn="1"))
            await trio.testing.wait_all_tasks_blocked(0.01)
            await switch.send(switch.hangup(), switch.hangup_complete())
            await switch.expect_exit()
        assert order == ["after_hangup"]
        release.set()
        await until(lambda: order == ["after_hangup", "run"])
    assert order == ["after_hangup", "run", "after_hangup"]


async def greet_with_linger_11(switch: ScriptedSwitch, reply: bytes) -> None:
    await switch.expect("connect", "myevents", "linger 11", "event plain BACKGROUND_JOB")
    await switch.send(
        reply,
        b"Content-Type: command/reply\nReply-Text: +OK Events Enabled\n\n"
        b"Content-Type: command/reply\nReply-Text: +OK will linger 11 seconds\n\n"
        b"Content-Type: command/reply\nReply-Text: +OK event listener enabled plain\n\n",
    )


@asynccontextmanager
async def one_complaint_with_linger(
    caplog: pytest.LogCaptureFixture, handler: HandlerSource, saying: str
) -> AsyncIterator[Port]:
    async with serving(handler) as port:
        yield port
        await until(lambda: bool(complaints(caplog)))
        switch = await port.connect()
        async with switch.stream:
            await greet_with_linger_11(switch, connect_reply())
            await switch.run_application("answer", "")
            await switch.hang_up_as_told()
            await switch.expect_exit()
        assert len(complaints(caplog)) == 1, complaints(caplog)
        assert saying in complaints(caplog)[0]


@asynccontextmanager
async def stubborn_call(
    endings: list[Ending], release: trio.Event, raises: BaseException | None = None
) -> AsyncIterator[ScriptedSwitch]:
    """A call in memory whose ``run`` shields itself from everything until it is released."""

    class Stubborn(CallHandler):
        async def run(self) -> None:
            with trio.CancelScope(shield=True):
                await release.wait()
            if raises is not None:
                raise raises

        async def after_hangup(self, record: CallRecord) -> None:
            endings.append(record.ending)

    ours, theirs = trio.testing.memory_stream_pair()
    with trio.fail_after(120):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(serve_stream, Stubborn, ours)
            switch = ScriptedSwitch(theirs)
            await switch.greet()
            try:
                yield switch
            finally:
                release.set()


async def test_a_stubborn_run_has_the_wind_down_time_before_the_rest_goes_on_without_it(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    endings: list[Ending] = []
    release = trio.Event()
    async with stubborn_call(endings, release) as switch:
        begun = trio.current_time()
        await switch.send(switch.hangup(), switch.hangup_complete())
        await switch.expect("exit")
        assert 3.0 <= trio.current_time() - begun <= 3.5
        assert endings == [Ending.HUNG_UP]
        await switch.expect_end()
    assert endings == [Ending.HUNG_UP]
    assert len(complaints(caplog)) == 1


async def test_a_stubborn_run_that_ends_within_the_wind_down_time_is_waited_for(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    endings: list[Ending] = []
    release = trio.Event()
    async with stubborn_call(endings, release) as switch:
        await switch.send(switch.hangup(), switch.hangup_complete())
        await trio.sleep(2.9)
        assert not endings
        release.set()
        await switch.expect_exit()
    assert endings == [Ending.HUNG_UP]
    assert not complaints(caplog)


async def test_a_stubborn_run_of_a_call_that_went_elsewhere_does_not_close_its_connection(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    # Closing it would hang up a call that is parked, or in another socket, by now.
    endings: list[Ending] = []
    release = trio.Event()
    async with stubborn_call(endings, release) as switch:
        await switch.send(switch.complete("another", "socket"))
        await switch.expect("connect")
        await switch.send(connect_reply(sequence=9000))
        await switch.expect("nolinger", "noevents")
        await switch.send(
            b"Content-Type: command/reply\nReply-Text: +OK will not linger\n\n"
            b"Content-Type: command/reply\nReply-Text: +OK no longer listening for events\n\n"
        )
        with trio.move_on_after(30) as kept:
            await switch.expect_end()
        assert kept.cancelled_caught
        await switch.send(GOODBYE)
        await switch.stream.aclose()
    assert endings == [Ending.TRANSFERRED]


async def test_what_a_stubborn_run_raises_when_all_is_over_is_a_line_of_log(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    endings: list[Ending] = []
    release = trio.Event()
    async with stubborn_call(endings, release, ValueError("a late bug")) as switch:
        await switch.send(switch.hangup(), switch.hangup_complete())
        await switch.expect_exit()
        release.set()
    assert endings == [Ending.HUNG_UP]
    assert len(complaints(caplog)) == 2
    assert "run() failed" in complaints(caplog)[1]
