"""One task that reads the sockets of all calls."""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress

import pytest
import trio

from esl_outbound.link import Link
from esl_outbound.protocol import Command, Connection, Event, Message
from esl_outbound.reading import CAN_READ_SOCKETS, SocketReader

pytestmark = pytest.mark.skipif(not CAN_READ_SOCKETS, reason="this system has no epoll")

HEARTBEAT = b"Content-Length: 23\nContent-Type: text/event-plain\n\nEvent-Name: HEARTBEAT\n\n"
RE_SCHEDULE = b"Content-Length: 25\nContent-Type: text/event-plain\n\nEvent-Name: RE_SCHEDULE\n\n"


class Ear:
    """Remembers what a link's reader heard."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self.count = 0
        self.ended = trio.Event()
        self.reasons: list[BaseException | None] = []
        self.on_message: Callable[[], None] | None = None

    def receive(self, message: Message) -> None:
        assert isinstance(message, Event)
        self.count += 1
        if self.count <= 10:
            self.heard.append(message.raw_name)
        if self.on_message is not None:
            self.on_message()

    def last_words(self) -> Sequence[Command]:
        return ()

    def connection_ended(self, reason: BaseException | None) -> None:
        self.reasons.append(reason)
        self.ended.set()


@asynccontextmanager
async def running_reader() -> AsyncIterator[SocketReader]:
    """A reader at work; leaving waits until it has nothing more to read."""
    with trio.fail_after(20):
        async with trio.open_nursery() as nursery:
            reader = SocketReader()
            nursery.start_soon(reader.run)
            yield reader
            await reader.wait_empty()
            nursery.cancel_scope.cancel()


def connected(reader: SocketReader) -> tuple[Link, Ear, trio.SocketStream]:
    """A link that the reader reads, who hears it, and the other end of its wire."""
    ours, theirs = trio.socket.socketpair()
    link = Link(ours, Connection())
    ear = Ear()
    link.listen(ear, reader.forget)
    reader.add(link)
    return link, ear, trio.SocketStream(theirs)


async def until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110 - what is waited for is a number that a reader changes
        await trio.sleep(0.002)


async def test_each_link_hears_what_came_over_its_own_socket() -> None:
    async with running_reader() as reader:
        _, first, first_wire = connected(reader)
        _, second, second_wire = connected(reader)
        await first_wire.send_all(HEARTBEAT)
        await second_wire.send_all(RE_SCHEDULE + RE_SCHEDULE[:30])
        await until(lambda: first.count == 1 and second.count == 1)
        await second_wire.send_all(RE_SCHEDULE[30:])
        await until(lambda: second.count == 2)
        assert (first.heard, second.heard) == ([b"HEARTBEAT"], [b"RE_SCHEDULE", b"RE_SCHEDULE"])
        await first_wire.aclose()
        await second_wire.aclose()


async def test_a_socket_that_its_peer_closed_is_read_to_its_end_and_closed() -> None:
    async with running_reader() as reader:
        link, ear, wire = connected(reader)
        await wire.send_all(HEARTBEAT * 3)
        await wire.aclose()
        await ear.ended.wait()
        assert ear.count == 3
        assert ear.reasons == [None]
        assert link.socket_fd == -1
        assert not link.is_open
        await link.wait_closed()


async def test_a_reset_ends_its_link_and_no_other() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        peer = socket.create_connection(listener.getsockname())
        accepted = listener.accept()[0]
    accepted.setblocking(False)
    async with running_reader() as reader:
        link = Link(trio.socket.from_stdlib_socket(accepted), Connection())
        ear = Ear()
        link.listen(ear, reader.forget)
        reader.add(link)
        _, other, other_wire = connected(reader)
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        peer.close()
        await ear.ended.wait()
        assert isinstance(ear.reasons[0], ConnectionResetError)
        assert link.reason is ear.reasons[0]
        await other_wire.send_all(HEARTBEAT)
        await until(lambda: other.count == 1)
        await other_wire.aclose()
        await other.ended.wait()


async def test_a_socket_with_endless_data_starves_neither_another_nor_other_tasks() -> None:
    # So long that one system call, without Python, keeps the socket full for the whole test.
    chunk = HEARTBEAT * 500_000

    def shout(loudspeaker: socket.socket) -> None:
        with loudspeaker, suppress(BrokenPipeError):
            loudspeaker.sendall(chunk)

    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    async with running_reader() as reader, trio.open_nursery() as nursery:
        shouted = Link(trio.socket.from_stdlib_socket(ours), Connection())
        loud = Ear()
        shouted.listen(loud, reader.forget)
        reader.add(shouted)
        _, quiet, quiet_wire = connected(reader)
        nursery.start_soon(trio.to_thread.run_sync, shout, theirs)
        await until(lambda: loud.count > 1000)
        for number in range(1, 6):
            before = loud.count
            await quiet_wire.send_all(RE_SCHEDULE)
            while quiet.count < number:
                await trio.lowlevel.checkpoint()
            # A chunk of 64 KiB holds some 900 of these; a few of them may have had their turns meanwhile.
            assert loud.count - before < 20_000
            await until(lambda before=before: loud.count > before)  # type: ignore[misc]
        shouted.abort()
        await quiet_wire.aclose()


async def test_links_come_and_go_by_the_hundred() -> None:
    async with running_reader() as reader:
        for _ in range(3):
            all_of_them = [connected(reader) for _ in range(300)]
            for number, (link, _, wire) in enumerate(all_of_them):
                match number % 3:
                    case 0:
                        await wire.send_all(HEARTBEAT)
                        await wire.aclose()
                    case 1:
                        link.abort()
                        await wire.aclose()
                    case _:
                        await wire.send_all(HEARTBEAT)
            for number, (link, ear, wire) in enumerate(all_of_them):
                if number % 3 == 2:
                    await until(lambda ear=ear: ear.count == 1)  # type: ignore[misc]
                    await wire.aclose()
                await ear.ended.wait()
                assert ear.count == (0 if number % 3 == 1 else 1)
                assert ear.reasons == [None]
                assert link.socket_fd == -1
            with trio.fail_after(1):
                await reader.wait_empty()


async def test_a_descriptor_that_is_used_again_belongs_to_its_new_link() -> None:
    async with running_reader() as reader:
        first, first_ear, first_wire = connected(reader)
        fd = first.socket_fd
        first.abort()
        second, second_ear, second_wire = connected(reader)
        assert second.socket_fd == fd
        await second_wire.send_all(HEARTBEAT)
        await until(lambda: second_ear.count == 1)
        assert first_ear.count == 0
        await first_wire.aclose()
        await second_wire.aclose()


async def test_a_link_that_ends_another_in_its_turn_leaves_it_unread() -> None:
    async with running_reader() as reader:
        ends: list[Link] = []
        ears: list[Ear] = []
        wires: list[trio.SocketStream] = []
        for _ in range(2):
            link, ear, wire = connected(reader)
            ends.append(link)
            ears.append(ear)
            wires.append(wire)
        ears[0].on_message = ends[1].abort
        ears[1].on_message = ends[0].abort
        # Both are readable in the same turn, and whichever is read first ends the other.
        for wire in wires:
            assert os.write(wire.socket.fileno(), HEARTBEAT) == len(HEARTBEAT)
        await until(lambda: ears[0].count + ears[1].count > 0)
        assert ears[0].count + ears[1].count == 1
        for wire in wires:
            await wire.aclose()


async def test_leaving_waits_until_all_links_have_ended() -> None:
    order: list[str] = []
    with trio.fail_after(5):
        async with trio.open_nursery() as nursery:
            reader = SocketReader()
            nursery.start_soon(reader.run)
            _, first, first_wire = connected(reader)
            _, second, second_wire = connected(reader)

            async def wait() -> None:
                await reader.wait_empty()
                order.append("empty")
                nursery.cancel_scope.cancel()

            nursery.start_soon(wait)
            await trio.testing.wait_all_tasks_blocked(0.01)
            await first_wire.aclose()
            await first.ended.wait()
            await trio.testing.wait_all_tasks_blocked(0.01)
            order.append("one left")
            await second_wire.aclose()
            await second.ended.wait()
            await trio.sleep_forever()
    assert order == ["one left", "empty"]
