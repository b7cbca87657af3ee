"""A connection in memory behaves as a TCP connection does."""

from __future__ import annotations

import pytest
import trio
import trio.testing

from esl_outbound.testing.memory import MemoryStream, connected_pair


async def make_pair() -> tuple[MemoryStream, MemoryStream]:
    return connected_pair()


async def make_clogged_pair() -> tuple[MemoryStream, MemoryStream]:
    """A pair over which nothing more can be sent until somebody receives."""
    one, other = connected_pair()
    await one.send_all(b"x" * 256 * 1024)
    await other.send_all(b"x" * 256 * 1024)
    return one, other


async def test_it_is_a_stream_as_trio_understands_one() -> None:
    await trio.testing.check_half_closeable_stream(make_pair, make_clogged_pair)


async def test_what_is_sent_arrives_in_both_directions() -> None:
    one, other = connected_pair()
    await one.send_all(b"question")
    await other.send_all(b"answer")
    assert (await other.receive_some(), await one.receive_some()) == (b"question", b"answer")


async def test_no_more_is_received_at_once_than_was_asked_for() -> None:
    one, other = connected_pair()
    await one.send_all(b"abcde")
    assert [await other.receive_some(2) for _ in range(3)] == [b"ab", b"cd", b"e"]


async def test_a_split_stream_gives_every_byte_by_itself() -> None:
    one, other = connected_pair()
    one.split()
    await one.send_all(b"abc")
    assert [await other.receive_some() for _ in range(3)] == [b"a", b"b", b"c"]
    await other.send_all(b"abc")
    assert await one.receive_some() == b"abc"


async def test_a_sender_waits_for_who_does_not_read(autojump_clock: trio.testing.MockClock) -> None:
    one, other = await make_clogged_pair()
    with trio.move_on_after(10) as scope:
        await one.send_all(b"y")
    assert scope.cancelled_caught
    assert len(await other.receive_some(1000)) == 1000
    await one.send_all(b"z")


async def test_what_was_sent_before_the_close_is_received() -> None:
    one, other = connected_pair()
    await one.send_all(b"last words")
    one.close()
    assert [await other.receive_some(), await other.receive_some()] == [b"last words", b""]


async def test_after_a_half_close_the_other_direction_goes_on() -> None:
    one, other = connected_pair()
    await one.send_eof()
    assert await other.receive_some() == b""
    await other.send_all(b"still here")
    assert await one.receive_some() == b"still here"
    with pytest.raises(trio.ClosedResourceError):
        await one.send_all(b"x")


async def test_a_reset_loses_what_is_under_way_and_breaks_the_other_end() -> None:
    one, other = connected_pair()
    await one.send_all(b"lost")
    one.reset()
    with pytest.raises(trio.BrokenResourceError) as broken:
        await other.receive_some()
    assert isinstance(broken.value.__cause__, ConnectionResetError)
    with pytest.raises(trio.BrokenResourceError):
        await other.send_all(b"x")
    with pytest.raises(trio.ClosedResourceError):
        await one.receive_some()


async def test_a_reset_wakes_who_waits() -> None:
    one, other = connected_pair()
    await one.send_all(b"x" * 256 * 1024)
    ended: list[type[BaseException]] = []

    async def send(stream: MemoryStream) -> None:
        try:
            await stream.send_all(b"x")
        except (trio.BrokenResourceError, trio.ClosedResourceError) as exc:
            ended.append(type(exc))

    async def receive(stream: MemoryStream) -> None:
        try:
            await stream.receive_some()
        except (trio.BrokenResourceError, trio.ClosedResourceError) as exc:
            ended.append(type(exc))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(send, one)
        nursery.start_soon(receive, one)
        await trio.testing.wait_all_tasks_blocked()
        other.reset()
    assert ended == [trio.BrokenResourceError, trio.BrokenResourceError]


async def test_a_sender_to_a_closed_end_is_told() -> None:
    one, other = connected_pair()
    other.close()
    with pytest.raises(trio.BrokenResourceError):
        await one.send_all(b"x")
    assert await one.receive_some() == b""
