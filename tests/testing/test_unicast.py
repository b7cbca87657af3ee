"""``sendmsg`` with ``unicast``: the simulated channel's audio as datagrams."""

from __future__ import annotations

import socket

import pytest
import trio

from esl_outbound.testing import FakeFreeSwitch

from .speaking import EventSocket, parked

SILENCE = b"\xff" * 320


async def our_end() -> trio.socket.SocketType:
    ours = trio.socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    await ours.bind(("127.0.0.1", 0))
    return ours


async def unicast(socket_: EventSocket, ours: trio.socket.SocketType, port: int = 0) -> int:
    """Ask for the audio; give FreeSWITCH's port."""
    if not port:
        with await our_end() as probe:
            port = probe.getsockname()[1]
    remote = ours.getsockname()[1]
    message = f"sendmsg\ncall-command: unicast\nlocal-port: {port}\nremote-port: {remote}"
    assert await socket_.ask(message) == "+OK"
    return port


async def hears_nothing(ours: trio.socket.SocketType, seconds: float = 1) -> bool:
    with trio.move_on_after(seconds):
        await ours.recv(8192)
        return False
    return True


async def test_a_datagram_comes_every_20_ms_and_what_is_sent_back_is_heard(phone: FakeFreeSwitch) -> None:
    with await our_end() as ours:
        async with parked(phone) as (caller, freeswitch):
            port = await unicast(freeswitch, ours)
            times = []
            sender = ("127.0.0.1", port)
            for _ in range(50):
                assert await ours.recvfrom(8192) == (SILENCE, sender)
                times.append(trio.current_time())
            assert times[-1] - times[0] == pytest.approx(49 * 0.02, abs=0.001)
            await ours.sendto(b"first", sender)
            await ours.sendto(b"second", sender)
            await trio.sleep(0.1)
            assert caller.audio_heard == b"firstsecond"
            assert caller.is_up


async def test_what_the_caller_says_is_in_it(phone: FakeFreeSwitch) -> None:
    with await our_end() as ours:
        async with parked(phone) as (caller, freeswitch):
            await unicast(freeswitch, ours)
            await ours.recv(8192)
            said = bytes(range(100, 200)) * 8
            async with trio.open_nursery() as nursery:
                nursery.start_soon(lambda: caller.speaks(audio=said))
                frames = [await ours.recv(8192) for _ in range(6)]
            assert b"".join(frames).strip(b"\xff") == said.ljust(960, b"\0")
            async with trio.open_nursery() as nursery:
                nursery.start_soon(caller.speaks, 1)
                tone = [await ours.recv(8192) for _ in range(20)]
            assert len(set(tone) - {SILENCE}) == 1


async def test_an_empty_datagram_makes_the_switch_deaf(phone: FakeFreeSwitch) -> None:
    with await our_end() as ours:
        async with parked(phone) as (caller, freeswitch):
            await unicast(freeswitch, ours)
            _, sender = await ours.recvfrom(8192)
            await ours.sendto(b"", sender)
            await trio.sleep(0.1)
            await ours.sendto(b"unheard", sender)
            await trio.sleep(0.1)
            assert caller.audio_heard == b""
            assert await ours.recv(8192) == SILENCE


async def test_there_is_none_while_an_application_runs(phone: FakeFreeSwitch) -> None:
    with await our_end() as ours:
        async with parked(phone) as (_, freeswitch):
            await unicast(freeswitch, ours)
            await ours.recv(8192)
            await freeswitch.execute("sleep", "2000")
            await trio.sleep(0.1)
            while not await hears_nothing(ours, 0.1):
                pass
            assert await hears_nothing(ours, 1)
            await trio.sleep(1)
            assert not await hears_nothing(ours)


@pytest.mark.parametrize(("application", "argument"), [("playback", "a.wav"), ("record", "/tmp/a.wav 1")])
async def test_the_end_of_a_playback_ends_it_and_there_is_no_second_one(
    phone: FakeFreeSwitch, application: str, argument: str
) -> None:
    with await our_end() as ours, await our_end() as others:
        async with parked(phone) as (caller, freeswitch):
            await unicast(freeswitch, ours)
            await ours.recv(8192)
            await freeswitch.run(application, argument)
            while not await hears_nothing(ours, 0.1):
                pass
            assert await hears_nothing(ours)
            await unicast(freeswitch, others)
            assert await hears_nothing(others)
            assert caller.is_up


async def test_a_port_that_is_taken_gives_nothing_and_another_one_does(phone: FakeFreeSwitch) -> None:
    with await our_end() as ours, await our_end() as taken:
        async with parked(phone) as (_, freeswitch):
            await unicast(freeswitch, ours, taken.getsockname()[1])
            assert await hears_nothing(ours)
            await unicast(freeswitch, ours)
            assert not await hears_nothing(ours)


@pytest.mark.parametrize(
    "headers", ["local-ip: nowhere.invalid", "transport: carrier-pigeon", "local-ip: 192.0.2.1", "remote-ip: \x00"]
)
async def test_what_makes_no_sense_is_answered_ok_and_does_nothing(phone: FakeFreeSwitch, headers: str) -> None:
    async with parked(phone) as (caller, freeswitch):
        assert await freeswitch.ask(f"sendmsg\ncall-command: unicast\nlocal-port: 0\n{headers}") == "+OK"
        await freeswitch.listen(1)
        assert caller.is_up


async def test_it_ends_with_the_call(phone: FakeFreeSwitch) -> None:
    with await our_end() as ours:
        async with parked(phone) as (caller, freeswitch):
            port = await unicast(freeswitch, ours)
            await ours.recv(8192)
            await caller.hangs_up()
            await freeswitch.until("CHANNEL_HANGUP_COMPLETE")
            while not await hears_nothing(ours, 0.1):
                pass
            with trio.socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as again:
                await again.bind(("127.0.0.1", port))


async def test_before_there_is_media_it_takes_the_switch_down(phone: FakeFreeSwitch) -> None:
    # switch_ivr_park() asserts that it has read a frame.
    with await our_end() as ours:
        async with parked(phone, before=[]) as (caller, freeswitch):
            await unicast(freeswitch, ours)
            await caller.was_hung_up()
            assert "switch  dies" in caller.ladder()
