"""The protocol on a stream or a socket: who hears what, and what is on the wire when something ends early."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import cast

import pytest
import trio
import trio.testing
from trio.testing import MockClock

from esl_outbound import ApiResponse, ConnectionLost, Event, LocalProtocolError, Progress, Reply
from esl_outbound.link import Link
from esl_outbound.protocol import Api, Auth, Command, Connect, Connection, Exit, GetVar, Message, NoEvents, UserAuth
from esl_outbound.reading import CAN_READ_SOCKETS, SocketReader

from .freeswitch import GOODBYE, OK, connect_reply

HEARTBEAT = b"Content-Length: 23\nContent-Type: text/event-plain\n\nEvent-Name: HEARTBEAT\n\n"
YES = b"Content-Type: command/reply\nReply-Text: yes\n\n"
NO = b"Content-Type: command/reply\nReply-Text: no\n\n"
# More than the buffers of any socket pair hold.
LONG = "x" * 3_000_000

needs_epoll = pytest.mark.skipif(not CAN_READ_SOCKETS, reason="this system has no epoll")


class Ear:
    """Remembers what a link's reader heard."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.reasons: list[BaseException | None] = []
        self.fault: Exception | None = None
        self.words: tuple[Command, ...] = ()

    def receive(self, message: Message) -> None:
        self.messages.append(message)
        if self.fault is not None:
            raise self.fault

    def last_words(self) -> Sequence[Command]:
        return self.words

    def connection_ended(self, reason: BaseException | None) -> None:
        self.reasons.append(reason)


def first(command: type[Command]) -> Connection:
    return Connection(opening=(command,))


@asynccontextmanager
async def linked(
    ours: trio.abc.Stream, connection: Connection | None = None, *, bound: float = 10
) -> AsyncIterator[tuple[Link, Ear]]:
    """A link that reads a stream in memory; ``getvar`` may come first. Leaving ends it."""
    with trio.fail_after(bound):
        async with trio.open_nursery() as nursery:
            link = Link(ours, first(GetVar) if connection is None else connection, "192.0.2.2:5060")
            ear = Ear()
            link.listen(ear)
            nursery.start_soon(link.read_stream)
            yield link, ear
            link.abort()


@asynccontextmanager
async def linked_by_socket(*, buffer_bytes: int = 4096) -> AsyncIterator[tuple[Link, Ear, trio.SocketStream]]:
    """A link on a socket with small buffers, and the other end of its wire."""
    ours, theirs = socket.socketpair()
    for end in (ours, theirs):
        end.setblocking(False)
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, buffer_bytes)
    with trio.fail_after(20):
        async with trio.open_nursery() as nursery, trio.SocketStream(trio.socket.from_stdlib_socket(theirs)) as wire:
            link = Link(trio.socket.from_stdlib_socket(ours), first(GetVar))
            ear = Ear()
            reader = SocketReader()
            link.listen(ear, reader.forget)
            reader.add(link)
            nursery.start_soon(reader.run)
            yield link, ear, wire
            link.abort()
            nursery.cancel_scope.cancel()


async def exactly(stream: trio.abc.ReceiveStream, expected: bytes) -> None:
    """Receive these bytes, and none after them."""
    received = b""
    while len(received) < len(expected):
        data = await stream.receive_some(65536)
        assert data, f"the stream ended after {received!r}"
        received += bytes(data)
    # Not compared by pytest: megabytes of difference tell nobody anything.
    if received != expected:
        pytest.fail(f"{received[:200]!r}... came, {expected[:200]!r}... was expected")


async def ends_as_lost(link: Link, command: Command) -> ConnectionLost:
    with pytest.raises(ConnectionLost) as caught:
        await link.ask(command)
    return caught.value


# Replies


async def test_a_reply_reaches_the_task_that_asked() -> None:
    ours, theirs = trio.testing.memory_stream_pair()
    async with linked(ours, Connection()) as (link, ear), trio.open_nursery() as nursery:
        answers: list[Reply | ApiResponse] = []

        async def ask() -> None:
            answers.extend([await link.ask(Connect()), await link.ask(GetVar("a")), await link.ask(Api("status"))])

        nursery.start_soon(ask)
        await exactly(theirs, b"connect\n\n")
        await theirs.send_all(connect_reply())
        await exactly(theirs, b"getvar a\n\n")
        await theirs.send_all(HEARTBEAT + YES)
        await exactly(theirs, b"api status\n\n")
        await theirs.send_all(b"Content-Type: api/response\nContent-Length: 2\n\nUP")
    assert [answer.text for answer in answers] == ["+OK", "yes", "UP"]
    assert [cast("Event", message).raw_name for message in ear.messages] == [b"HEARTBEAT"]


async def test_a_caller_who_gave_up_does_not_shift_the_replies() -> None:
    ours, theirs = trio.testing.memory_stream_pair()
    async with linked(ours) as (link, ear):
        with trio.CancelScope() as impatience:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(link.ask, GetVar("given_up"))
                await exactly(theirs, b"getvar given_up\n\n")
                impatience.cancel()
        answers: list[str] = []
        async with trio.open_nursery() as nursery:

            async def ask() -> None:
                answers.append((await link.ask(GetVar("wanted"))).text)

            nursery.start_soon(ask)
            await exactly(theirs, b"getvar wanted\n\n")
            await theirs.send_all(NO)
            await trio.testing.wait_all_tasks_blocked()
            assert not answers
            await theirs.send_all(YES)
        assert answers == ["yes"]
        assert not ear.messages


async def test_a_reply_that_nobody_asked_for_goes_to_the_receiver_and_shifts_nothing() -> None:
    ours, theirs = trio.testing.memory_stream_pair()
    async with linked(ours) as (link, ear):
        await theirs.send_all(OK)
        await trio.testing.wait_all_tasks_blocked()
        assert [cast("Reply", message).text for message in ear.messages] == ["+OK"]
        async with trio.open_nursery() as nursery:

            async def ask() -> None:
                assert (await link.ask(GetVar("a"))).text == "yes"

            nursery.start_soon(ask)
            await exactly(theirs, b"getvar a\n\n")
            await theirs.send_all(YES)


# Before the write


async def test_cancelled_before_the_write_nothing_is_sent() -> None:
    ours, theirs = trio.testing.memory_stream_pair()
    async with linked(ours) as (link, _):
        with trio.CancelScope() as scope:
            scope.cancel()
            await link.ask(GetVar("never_asked"))
        assert scope.cancelled_caught
        async with trio.open_nursery() as nursery:

            async def ask() -> None:
                assert (await link.ask(GetVar("asked"))).text == "yes"

            nursery.start_soon(ask)
            await exactly(theirs, b"getvar asked\n\n")
            await theirs.send_all(YES)


async def test_cancelled_while_another_task_writes_nothing_is_sent() -> None:
    ours, theirs = trio.testing.lockstep_stream_pair()
    async with linked(ours) as (link, _), trio.open_nursery() as nursery:
        answers: list[str] = []

        async def ask() -> None:
            answers.append((await link.ask(GetVar("slow"))).text)

        nursery.start_soon(ask)
        await trio.testing.wait_all_tasks_blocked()
        with trio.CancelScope() as impatience:
            async with trio.open_nursery() as impatient:
                impatient.start_soon(link.ask, GetVar("never_asked"))
                await trio.testing.wait_all_tasks_blocked()
                impatience.cancel()
        await exactly(theirs, b"getvar slow\n\n")
        await theirs.send_all(YES)
        await trio.testing.wait_all_tasks_blocked()
        assert answers == ["yes"]
        nursery.start_soon(ask)
        await exactly(theirs, b"getvar slow\n\n")
        await theirs.send_all(YES)


async def test_what_waits_behind_exit_is_not_sent_and_says_so() -> None:
    ours, theirs = trio.testing.lockstep_stream_pair()
    async with linked(ours) as (link, _), trio.open_nursery() as nursery:
        for command in (GetVar("slow"), Exit()):
            nursery.start_soon(link.send, (command,))
            await trio.testing.wait_all_tasks_blocked()
        lost: list[ConnectionLost] = []

        async def ask() -> None:
            with pytest.raises(ConnectionLost) as caught:
                await link.ask(GetVar("never_asked"))
            lost.append(caught.value)

        assert link.is_open  # `exit` itself waits
        nursery.start_soon(ask)
        await trio.testing.wait_all_tasks_blocked()
        await exactly(theirs, b"getvar slow\n\nexit\n\n")
        await trio.testing.wait_all_tasks_blocked()
        assert [each.progress for each in lost] == [Progress.NOT_SENT]


async def test_a_shielded_command_is_written_although_its_task_was_cancelled_already() -> None:
    ours, theirs = trio.testing.memory_stream_pair()
    async with linked(ours) as (link, _):
        with trio.CancelScope() as scope:
            scope.cancel()
            await link.send((GetVar("last_word"),), shielded=True)
        await exactly(theirs, b"getvar last_word\n\n")


async def test_what_cannot_be_said_costs_nothing() -> None:
    ours, theirs = trio.testing.memory_stream_pair()
    async with linked(ours, Connection()) as (link, _):
        for commands in ((GetVar("before_connect"),), (Connect(), GetVar("two\nlines")), (Connect(), Exit(), Exit())):
            with pytest.raises(LocalProtocolError):
                await link.send(commands)
        assert link.is_open
        await link.send((Connect(), Exit()))
        await exactly(theirs, b"connect\n\nexit\n\n")
        assert not link.is_open


# During the write


async def test_a_begun_write_is_finished_although_its_task_is_cancelled() -> None:
    ours, theirs = trio.testing.lockstep_stream_pair()
    async with linked(ours) as (link, _):
        async with trio.open_nursery() as nursery:
            with_scope = trio.CancelScope()

            async def ask() -> None:
                with with_scope:
                    await link.ask(GetVar("given_up"))

            nursery.start_soon(ask)
            await trio.testing.wait_all_tasks_blocked()
            with_scope.cancel()
            await trio.testing.wait_all_tasks_blocked()
            assert not with_scope.cancelled_caught
            # Three bytes at a time: FreeSWITCH reads a command's head byte by byte.
            received = b""
            while len(received) < len(b"getvar given_up\n\n"):
                received += bytes(await theirs.receive_some(3))
        assert received == b"getvar given_up\n\n"
        assert with_scope.cancelled_caught
        assert link.is_open


@needs_epoll
async def test_a_begun_write_to_a_full_socket_is_finished_although_its_task_is_cancelled() -> None:
    async with linked_by_socket() as (link, _, wire):
        scope = trio.CancelScope()

        async def ask() -> None:
            with scope:
                await link.ask(GetVar(LONG))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(ask)
            await trio.testing.wait_all_tasks_blocked(0.01)
            scope.cancel()
            await trio.testing.wait_all_tasks_blocked(0.01)
            assert not scope.cancelled_caught
            nursery.start_soon(link.send, (NoEvents(),))
            await exactly(wire, b"getvar " + LONG.encode() + b"\n\n" + b"noevents\n\n")
        assert scope.cancelled_caught


async def test_writes_of_concurrent_tasks_are_never_interleaved() -> None:
    ours, theirs = trio.testing.lockstep_stream_pair()
    names = [letter * 50 for letter in "abcdefghijkl"]
    received = b""
    async with linked(ours) as (link, _), trio.open_nursery() as nursery:
        for name in names:
            nursery.start_soon(link.send, (GetVar(name), NoEvents()))
        while len(received) < len(names) * len(f"getvar {names[0]}\n\nnoevents\n\n"):
            received += bytes(await theirs.receive_some(7))
    pairs = received.decode().removesuffix("\n\nnoevents\n\n").split("\n\nnoevents\n\n")
    assert sorted(pairs) == [f"getvar {name}" for name in names]


@needs_epoll
async def test_writes_of_concurrent_tasks_to_a_full_socket_are_never_interleaved() -> None:
    names = [letter * 200_000 for letter in "abcdef"]
    received = b""
    async with linked_by_socket() as (link, _, wire), trio.open_nursery() as nursery:
        for name in names:
            nursery.start_soon(link.send, (GetVar(name),))
        while len(received) < len(names) * (200_000 + len("getvar \n\n")):
            received += bytes(await wire.receive_some(65536))
    asked = received.decode().removesuffix("\n\n").split("\n\n")
    assert sorted(asked) == [f"getvar {name}" for name in names], [text[:40] for text in asked]


async def test_a_peer_that_does_not_read_for_five_seconds_breaks_the_connection(autojump_clock: MockClock) -> None:
    ours, _theirs = trio.testing.lockstep_stream_pair()
    async with linked(ours) as (link, ear):
        begun = trio.current_time()
        errors: list[ConnectionLost] = []

        async def ask(name: str) -> None:
            errors.append(await ends_as_lost(link, GetVar(name)))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(ask, "a")
            await trio.testing.wait_all_tasks_blocked()
            nursery.start_soon(ask, "b")
            nursery.start_soon(ask, "c")
        assert trio.current_time() - begun == pytest.approx(5)
        assert [type(error.__cause__) for error in errors] == [TimeoutError] * 3
        assert not link.is_open
        assert len(ear.reasons) == 1
        assert ear.reasons[0] is link.reason
        await link.wait_closed()


async def test_a_write_that_fails_midway_is_neither_repeated_nor_continued() -> None:
    ours, theirs = trio.testing.lockstep_stream_pair()
    async with linked(ours) as (link, _):
        lost: list[ConnectionLost] = []

        async def ask() -> None:
            lost.append(await ends_as_lost(link, GetVar("half")))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(ask)
            assert await theirs.receive_some(6) == b"getvar"
            await theirs.receive_stream.aclose()
        assert isinstance(lost[0].__cause__, trio.BrokenResourceError)
        assert not link.is_open
        assert isinstance((await ends_as_lost(link, GetVar("more"))).__cause__, trio.BrokenResourceError)


async def test_after_a_failed_write_what_freeswitch_had_sent_is_still_heard() -> None:
    ours, theirs = trio.testing.memory_stream_pair()
    async with linked(ours) as (link, ear):
        await theirs.receive_stream.aclose()
        await ends_as_lost(link, GetVar("a"))
        await theirs.send_all(HEARTBEAT)
        await theirs.send_all(GOODBYE)
        await trio.testing.wait_all_tasks_blocked()
        assert len(ear.messages) == 2
        assert not ear.reasons
        await theirs.aclose()
        await link.wait_closed()
        assert [type(reason) for reason in ear.reasons] == [trio.BrokenResourceError]


@needs_epoll
async def test_after_a_failed_write_to_a_socket_what_freeswitch_had_sent_is_still_heard() -> None:
    async with linked_by_socket(buffer_bytes=65536) as (link, ear, wire):
        # Without a checkpoint, so that the reader has no turn before the write fails.
        os.write(wire.socket.fileno(), HEARTBEAT)
        wire.socket.close()
        assert isinstance((await ends_as_lost(link, GetVar("a"))).__cause__, OSError)
        await link.wait_closed()
        assert [cast("Event", message).raw_name for message in ear.messages] == [b"HEARTBEAT"]
        assert [type(reason) for reason in ear.reasons] == [BrokenPipeError]


# The end


async def test_every_waiter_ends_when_freeswitch_closes() -> None:
    ours, theirs = trio.testing.memory_stream_pair()
    async with linked(ours) as (link, ear), trio.open_nursery() as nursery:
        lost: list[ConnectionLost] = []

        async def ask(name: str) -> None:
            lost.append(await ends_as_lost(link, GetVar(name)))

        for name in "abcde":
            nursery.start_soon(ask, name)
        nursery.start_soon(link.wait_closed)
        await trio.testing.wait_all_tasks_blocked()
        assert not lost
        await theirs.aclose()
        await link.wait_closed()
        await trio.testing.wait_all_tasks_blocked()
        assert len(lost) == 5
        assert {error.__cause__ for error in lost} == {None}
        assert len({id(error) for error in lost}) == 5
        assert ear.reasons == [None]
        assert link.reason is None
        assert not link.inside_frame
        assert not link.is_open


async def test_the_waiters_learn_why_the_connection_ended() -> None:
    ours, theirs = trio.testing.memory_stream_pair()
    async with linked(ours) as (link, ear), trio.open_nursery() as nursery:
        lost: list[ConnectionLost] = []

        async def ask() -> None:
            lost.append(await ends_as_lost(link, GetVar("a")))

        nursery.start_soon(ask)
        nursery.start_soon(ask)
        await exactly(theirs, b"getvar a\n\ngetvar a\n\n")
        await theirs.send_all(b"HTTP/1.1 400 Bad Request\r\n")
        await link.wait_closed()
        await trio.testing.wait_all_tasks_blocked()
        assert [error.__cause__ for error in lost] == [link.reason] * 2
        assert "not an event socket" in str(link.reason)
        assert ear.reasons == [link.reason]


async def test_a_peer_that_cannot_be_understood_any_more_hears_the_last_words_before_the_end() -> None:
    ours, theirs = trio.testing.memory_stream_pair()
    async with linked(ours) as (link, ear):
        ear.words = (NoEvents(),)
        await link.send((GetVar("a"),))
        await theirs.send_all(b"\x00")
        await exactly(theirs, b"getvar a\n\nnoevents\n\n")
        await link.wait_closed()
        assert await theirs.receive_some() == b""


async def test_a_command_that_is_half_written_is_not_followed_by_last_words() -> None:
    ours, theirs = trio.testing.lockstep_stream_pair()
    async with linked(ours) as (link, ear), trio.open_nursery() as nursery:
        ear.words = (NoEvents(),)
        lost: list[ConnectionLost] = []

        async def ask() -> None:
            lost.append(await ends_as_lost(link, GetVar("half")))

        nursery.start_soon(ask)
        heard = bytes(await theirs.receive_some(6))
        await theirs.send_all(b"\x00")
        await link.wait_closed()
        while data := await theirs.receive_some():
            heard += bytes(data)
        assert b"getvar half\n\n".startswith(heard)
    assert len(lost) == 1


@needs_epoll
async def test_a_socket_that_cannot_be_understood_any_more_hears_the_last_words_before_the_end() -> None:
    async with linked_by_socket() as (link, ear, wire):
        ear.words = (NoEvents(),)
        await link.send((GetVar("a"),))
        await wire.send_all(b"\x00")
        await exactly(wire, b"getvar a\n\nnoevents\n\n")
        await link.wait_closed()
        assert await wire.receive_some() == b""


async def test_a_reply_in_the_last_bytes_is_still_delivered() -> None:
    ours, theirs = trio.testing.memory_stream_pair()
    async with linked(ours) as (link, _), trio.open_nursery() as nursery:
        answers: list[str] = []

        async def ask() -> None:
            answers.append((await link.ask(GetVar("a"))).text)
            await ends_as_lost(link, GetVar("b"))

        nursery.start_soon(ask)
        await exactly(theirs, b"getvar a\n\n")
        await theirs.send_all(YES)
        await theirs.aclose()
        await link.wait_closed()
        await trio.testing.wait_all_tasks_blocked()
        assert answers == ["yes"]


async def test_a_peer_that_stops_in_the_middle_of_a_frame_is_told_from_one_that_ends_in_order() -> None:
    for cut in range(1, len(HEARTBEAT)):
        ours, theirs = trio.testing.memory_stream_pair()
        async with linked(ours) as (link, _):
            await theirs.send_all(OK + HEARTBEAT[:cut])
            await theirs.aclose()
            await link.wait_closed()
            assert link.inside_frame


async def test_ending_a_link_twice_tells_once() -> None:
    ours, _theirs = trio.testing.memory_stream_pair()
    async with linked(ours) as (link, ear):
        reason = OSError("first")
        link.abort(reason)
        link.abort(OSError("second"))
        assert ear.reasons == [reason]
        assert link.reason is reason


async def test_a_link_that_ends_before_its_reader_began_reads_nothing() -> None:
    ours, theirs = trio.testing.memory_stream_pair()
    await theirs.send_all(HEARTBEAT)
    link = Link(ours, Connection())
    ear = Ear()
    link.listen(ear)
    link.abort()
    with trio.fail_after(5):
        await link.read_stream()
    assert not ear.messages
    with pytest.raises(trio.ClosedResourceError):
        await ours.send_all(b"x")


async def test_a_fault_in_what_hears_ends_its_own_link_and_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    ours, theirs = trio.testing.memory_stream_pair()
    async with linked(ours) as (link, ear):
        ear.fault = ValueError("a bug of ours")
        await theirs.send_all(HEARTBEAT * 2)
        await link.wait_closed()
        assert len(ear.messages) == 1
        assert ear.reasons == [ear.fault]
    (record,) = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert record.getMessage() == "reading from 192.0.2.2:5060 failed"
    assert record.exc_info is not None
    assert record.exc_info[1] is ear.fault


@needs_epoll
async def test_a_socket_that_is_reset_ends_its_waiters_with_the_reason() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    peer = socket.create_connection(listener.getsockname())
    accepted = listener.accept()[0]
    listener.close()
    accepted.setblocking(False)
    with trio.fail_after(10):
        async with trio.open_nursery() as nursery:
            link = Link(trio.socket.from_stdlib_socket(accepted), first(GetVar))
            reader = SocketReader()
            link.listen(Ear(), reader.forget)
            reader.add(link)
            nursery.start_soon(reader.run)
            lost: list[ConnectionLost] = []

            async def ask() -> None:
                lost.append(await ends_as_lost(link, GetVar("a")))

            async with trio.open_nursery() as asking:
                asking.start_soon(ask)
                await trio.testing.wait_all_tasks_blocked(0.01)
                peer.close()  # with what it has not read: a reset
            assert isinstance(lost[0].__cause__, ConnectionResetError)
            assert link.socket_fd == -1
            nursery.cancel_scope.cancel()


# Showing


def wire_lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == "esl_outbound.wire"]


async def test_the_wire_is_shown_with_marks_when_it_is_asked_for(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "esl_outbound.wire")
    ours, theirs = trio.testing.memory_stream_pair()
    async with linked(ours) as (link, _), trio.open_nursery() as nursery:
        nursery.start_soon(link.ask, GetVar("a"))
        await exactly(theirs, b"getvar a\n\n")
        await theirs.send_all(b"Content-Type: command/reply\nReply-Text: caf\xe9 \xc3\xa9\n\n")
    shown = wire_lines(caplog)
    assert shown == [
        "192.0.2.2:5060 > getvar a",
        "192.0.2.2:5060 > ",
        "192.0.2.2:5060 < Content-Type: command/reply",
        "192.0.2.2:5060 < Reply-Text: caf\\xe9 é",
        "192.0.2.2:5060 < ",
    ]


@pytest.mark.parametrize(
    ("commands", "sent", "shown"),
    [
        ((Auth("s3cret"),), b"auth s3cret\n\n", "> auth (not shown)"),
        ((UserAuth("1000", "example.org", "s3cret"),), b"userauth 1000@example.org:s3cret\n\n", "> userauth"),
        ((Auth("s3cret"), NoEvents()), b"auth s3cret\n\nnoevents\n\n", "> auth (not shown)"),
        ((NoEvents(), Auth("s3cret")), b"noevents\n\nauth s3cret\n\n", "> auth (not shown)"),
    ],
)
async def test_no_password_is_shown(
    caplog: pytest.LogCaptureFixture, commands: tuple[Command, ...], sent: bytes, shown: str
) -> None:
    caplog.set_level(logging.DEBUG, "esl_outbound")
    ours, theirs = trio.testing.memory_stream_pair()
    async with linked(ours, first(type(commands[0]))) as (link, _):
        await link.send(commands)
        await exactly(theirs, sent)
    assert shown in caplog.text
    assert "s3cret" not in caplog.text
    assert "s3cret" not in repr(commands)


async def test_nothing_of_the_wire_is_shown_unless_it_is_asked_for(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "esl_outbound")
    ours, theirs = trio.testing.memory_stream_pair()
    async with linked(ours) as (link, _):
        await link.send((GetVar("a"),))
        await theirs.send_all(YES)
        await trio.testing.wait_all_tasks_blocked()
    assert not wire_lines(caplog)


def test_a_link_knows_its_descriptor_while_it_has_one() -> None:
    ours, _theirs = trio.testing.memory_stream_pair()
    assert Link(ours, Connection()).socket_fd == -1


# Tapping


class Taps:
    """Remembers what a link shows."""

    def __init__(self) -> None:
        self.shown: list[tuple[str, bytes]] = []

    def heard(self, data: bytes) -> None:
        self.shown.append(("<", data))

    def said(self, data: bytes) -> None:
        self.shown.append((">", data))

    def ended(self, *, by_peer: bool) -> None:
        self.shown.append(("closed by them" if by_peer else "closed by us", b""))


@pytest.mark.parametrize("is_logged", [True, False])
async def test_a_tap_is_shown_both_directions_and_the_end(is_logged: bool, caplog: pytest.LogCaptureFixture) -> None:
    if is_logged:
        caplog.set_level(logging.DEBUG, "esl_outbound.wire")
    ours, theirs = trio.testing.memory_stream_pair()
    taps = Taps()
    link = Link(ours, first(GetVar), "192.0.2.2:5060", taps)
    link.listen(Ear())
    async with trio.open_nursery() as nursery:
        nursery.start_soon(link.read_stream)
        await link.send((GetVar("a"),))
        await theirs.send_all(YES[:20])
        await trio.testing.wait_all_tasks_blocked()
        await theirs.aclose()
    assert taps.shown == [(">", b"getvar a\n\n"), ("<", YES[:20]), ("closed by them", b"")]
    assert bool(wire_lines(caplog)) == is_logged


async def test_a_tap_knows_when_we_closed_even_on_what_we_do_not_understand() -> None:
    for ending in (lambda link: link.abort(), lambda link: None):
        ours, theirs = trio.testing.memory_stream_pair()
        taps = Taps()
        link = Link(ours, first(GetVar), "192.0.2.2:5060", taps)
        link.listen(Ear())
        async with trio.open_nursery() as nursery:
            nursery.start_soon(link.read_stream)
            await trio.testing.wait_all_tasks_blocked()
            ending(link)
            with suppress(trio.BrokenResourceError):
                await theirs.send_all(b"HTTP/1.1 400 Bad Request\r\n")
        assert taps.shown[-1] == ("closed by us", b"")


@needs_epoll
@pytest.mark.parametrize("is_reset", [True, False])
async def test_a_tap_on_a_socket_knows_when_freeswitch_closed(is_reset: bool) -> None:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    taps, ear, reader = Taps(), Ear(), SocketReader()
    link = Link(trio.socket.from_stdlib_socket(ours), first(GetVar), "192.0.2.2:5060", taps)
    link.listen(ear, reader.forget)
    reader.add(link)
    with trio.fail_after(10):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(reader.run)
            await link.send((GetVar("a"),))
            if not is_reset:
                theirs.recv(100)  # what is unread at the close makes it a reset
            theirs.close()
            await link.wait_closed()
            nursery.cancel_scope.cancel()
    assert taps.shown[-1] == ("closed by them", b"")
    assert (ear.reasons == [None]) != is_reset
