"""The call's audio, in frames, over UDP."""

from __future__ import annotations

import gc
import re
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest
import trio
import trio.testing
from trio.testing import MockClock

from esl_outbound import ApplicationFailed, CallEnded, CallHandler, LocalProtocolError, NotPermitted
from esl_outbound.call.audio import Audio
from esl_outbound.testing import FakeFreeSwitch

from ..freeswitch import OK, ScriptedSwitch, connect_reply, dial

FRAME = bytes(range(160)) * 2
SILENCE = b"\xff" * 320
CLEARED = "%[playback_terminators=none]silence_stream://20"
ANSWERED = connect_reply(read_rate="8000").replace(b"Answer-State: ringing", b"Answer-State: answered")


@pytest.fixture(autouse=True)
def no_handler_fails(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """What a handler finds wrong after its call's end is in the log alone."""
    yield
    assert [record.message for record in caplog.get_records("call") if record.levelname == "ERROR"] == []


@asynccontextmanager
async def unicast(switch: ScriptedSwitch) -> AsyncIterator[trio.socket.SocketType]:
    """Read ``unicast``, do what it says, and send the first frame."""
    command = await switch.read_command()
    found = re.fullmatch(
        "sendmsg\ncall-command: unicast\nlocal-ip: 127.0.0.1\nlocal-port: ([0-9]+)\n"
        "remote-ip: 127.0.0.1\nremote-port: ([0-9]+)\ntransport: udp",
        command,
    )
    assert found, command
    await switch.send(OK)
    with trio.socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as local:
        await local.bind(("127.0.0.1", int(found[1])))
        remote = ("127.0.0.1", int(found[2]))
        with trio.socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            await stranger.bind(("127.0.0.1", 0))
            await stranger.sendto(b"what a stranger says", remote)
        await local.connect(remote)
        await local.send(FRAME)
        yield local


async def finish(switch: ScriptedSwitch) -> None:
    await switch.run_application("playback", CLEARED)
    await switch.hang_up_as_told()
    await switch.expect_exit()


async def test_frames_come_and_go_and_say_how_long_they_are(autojump_clock: MockClock) -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            async with self.audio() as audio:
                assert (audio.sample_rate, audio.frame_bytes, audio.frame_seconds) == (8000, 320, 0.02)
                assert repr(audio) == "<Audio at 8000 Hz in frames of 320 bytes>"
                assert not audio.is_over
                assert await audio.read() == FRAME
                assert await audio.read() == SILENCE
                await audio.write(b"a" * 320 + b"b" * 320)

    async with dial(Handler) as switch:
        await switch.greet(ANSWERED)
        async with unicast(switch) as local:
            await local.send(b"")
            await local.send(SILENCE)
            assert await local.recv(8192) == b"a" * 320
            assert await local.recv(8192) == b"b" * 320
            await finish(switch)


async def test_wideband_audio_says_so(autojump_clock: MockClock) -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            async with self.audio() as audio:
                assert (audio.sample_rate, audio.frame_bytes, audio.frame_seconds) == (16000, 320, 0.01)

    async with dial(Handler) as switch:
        reply = ANSWERED.replace(b"variable_read_rate: 8000\n", b"Channel-Read-Codec-Rate: 16000\n")
        await switch.greet(reply)
        async with unicast(switch):
            await finish(switch)


async def test_what_is_written_is_sent_as_it_is_due(autojump_clock: MockClock) -> None:
    took: list[float] = []

    class Handler(CallHandler):
        async def run(self) -> None:
            async with self.audio() as audio:
                began = trio.current_time()
                await audio.write(b"a" * 32000)
                took.append(trio.current_time() - began)
                await audio.flush()
                took.append(trio.current_time() - began)
                await trio.sleep(5)
                began = trio.current_time()
                await audio.write(b"a" * 1600)
                took.append(trio.current_time() - began)

    async with dial(Handler) as switch:
        await switch.greet(ANSWERED)
        async with unicast(switch) as local:
            for _ in range(100):
                assert await local.recv(8192) == b"a" * 320
            for _ in range(5):
                assert await local.recv(8192) == b"a" * 320
            await finish(switch)
    # Sixty milliseconds early at most, and after a rest no more than that.
    assert took == pytest.approx([1.92, 2.0, 0.02], abs=0.001)


async def test_what_is_written_may_be_of_any_length(autojump_clock: MockClock) -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            async with self.audio() as audio:
                await audio.write(b"")
                for _ in range(7):
                    await audio.write(b"abc" * 33)
                await audio.flush()
                await audio.write(b"z")

    async with dial(Handler) as switch:
        await switch.greet(ANSWERED)
        async with unicast(switch) as local:
            whole = b"abc" * 231
            assert await local.recv(8192) == whole[:320]
            assert await local.recv(8192) == whole[320:640]
            assert await local.recv(8192) == whole[640:].ljust(320, b"\0")
            assert await local.recv(8192) == b"z".ljust(320, b"\0")
            await finish(switch)


async def test_what_a_cancelled_write_had_not_sent_is_not_heard(autojump_clock: MockClock) -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            async with self.audio() as audio:
                with trio.move_on_after(1):
                    await audio.write(b"a" * 64000 + b"rest")
                await audio.write(b"b" * 320)

    async with dial(Handler) as switch:
        await switch.greet(ANSWERED)
        heard = b""
        async with unicast(switch) as local:
            while b"b" not in heard:
                heard += await local.recv(8192)
            await finish(switch)
    assert heard.count(b"a") == pytest.approx(16000 * 1.06, abs=640)
    assert b"rest" not in heard


async def test_a_call_without_media_is_answered_early_first(autojump_clock: MockClock) -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            async with self.audio() as audio:
                assert audio.sample_rate == 8000

    async with dial(Handler) as switch:
        await switch.greet(connect_reply(read_rate="8000"))
        uuid = await switch.expect_execute("pre_answer", "")
        early = {"Answer_State": "early", "variable_read_rate": "8000"}
        await switch.send(switch.execute(uuid, "pre_answer"), switch.complete(uuid, "pre_answer", **early))
        async with unicast(switch):
            await finish(switch)


async def test_a_call_that_gets_no_media_gives_no_audio(autojump_clock: MockClock) -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            with pytest.raises(ApplicationFailed, match="needs media, and the channel has none"):
                async with self.audio():
                    raise AssertionError

    async with dial(Handler) as switch:
        await switch.greet()
        uuid = await switch.expect_execute("pre_answer", "")
        await switch.send(
            switch.execute(uuid, "pre_answer"), switch.complete(uuid, "pre_answer", Answer_State="ringing")
        )
        await switch.hang_up_as_told()
        await switch.expect_exit()


async def test_what_runs_is_waited_for(autojump_clock: MockClock) -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            await self.start_playback("a.wav")
            async with self.audio():
                pass

    async with dial(Handler) as switch:
        await switch.greet(ANSWERED)
        uuid = await switch.expect_execute("playback")
        await switch.send(switch.execute(uuid))
        with trio.move_on_after(3) as waited:
            await switch.read_command()
        assert waited.cancelled_caught
        await switch.send(switch.complete(uuid, response="FILE%20PLAYED", variable_read_rate="8000"))
        async with unicast(switch):
            await finish(switch)


async def test_no_audio_at_all_is_a_failure_and_may_be_tried_again(autojump_clock: MockClock) -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            with pytest.raises(ApplicationFailed, match=r"brought no audio from 127\.0\.0\.1:[0-9]+: is that port"):
                async with self.audio():
                    raise AssertionError
            async with self.audio() as audio:
                assert await audio.read() == FRAME

    async with dial(Handler) as switch:
        await switch.greet(ANSWERED)
        assert "call-command: unicast" in await switch.read_command()
        await switch.send(OK)
        await switch.run_application("playback", CLEARED, variable_read_rate="8000")
        async with unicast(switch):
            await finish(switch)


async def test_audio_of_a_rate_that_nobody_tells_is_not_guessed_at(autojump_clock: MockClock) -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            with pytest.raises(ApplicationFailed, match="of a sample rate that FreeSWITCH does not tell"):
                async with self.audio():
                    raise AssertionError

    async with dial(Handler) as switch:
        await switch.greet(ANSWERED.replace(b"variable_read_rate: 8000\n", b""))
        async with unicast(switch):
            await finish(switch)


async def test_audio_is_given_once_a_call(autojump_clock: MockClock) -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            async with self.audio():
                with pytest.raises(LocalProtocolError, match="only once"):
                    async with self.audio():
                        raise AssertionError
            with pytest.raises(LocalProtocolError, match="only once"):
                async with self.audio():
                    raise AssertionError

    async with dial(Handler) as switch:
        await switch.greet(ANSWERED)
        async with unicast(switch):
            await finish(switch)


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"local_ip": "localhost"}, "local_ip is 'localhost', and should be an IPv4 address"),
        ({"remote_ip": "::1"}, "remote_ip is '::1', and should be an IPv4 address"),
        ({"bind_ip": "127.0.0.1\nx: y"}, "bind_ip is .*, and should be an IPv4 address"),
        ({"local_port": 65536}, "local_port is 65536, and should be a whole number, 0 to 65535"),
        ({"remote_port": -1}, "remote_port is -1, and should be a whole number, 0 to 65535"),
        ({"local_ip": "192.0.2.1"}, "local_port has to be said: 192.0.2.1:0 cannot be used on this machine"),
        ({"remote_ip": "192.0.2.1"}, "remote_port 192.0.2.1:0 cannot be used on this machine"),
    ],
)
async def test_what_cannot_be_is_refused_before_anything_is_sent(options: dict[str, object], what: str) -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            with pytest.raises(LocalProtocolError, match=what):
                async with self.audio(**options):  # type: ignore[arg-type]
                    raise AssertionError

    async with dial(Handler) as switch:
        await switch.greet(ANSWERED)
        await switch.hang_up_as_told()
        await switch.expect_exit()


async def test_one_that_is_cancelled_before_it_begins_leaves_no_socket_open() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            with trio.CancelScope() as scope:
                scope.cancel()
                async with self.audio():
                    raise AssertionError
            gc.collect()  # it warns of a socket that nobody closed

    async with dial(Handler) as switch:
        await switch.greet(ANSWERED)
        await switch.hang_up_as_told()
        await switch.expect_exit()


async def test_addresses_of_another_machine_are_said_as_they_are(autojump_clock: MockClock) -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            ports = {"local_port": 20000, "remote_port": 0}
            async with self.audio(local_ip="127.0.0.2", remote_ip="192.0.2.7", bind_ip="127.0.0.1", **ports):
                raise AssertionError

    async with dial(Handler) as switch:
        await switch.greet(ANSWERED)
        command = await switch.read_command()
        assert "local-ip: 127.0.0.2\nlocal-port: 20000\nremote-ip: 192.0.2.7\n" in command
        await switch.send(OK, switch.hangup(), switch.hangup_complete())
        await switch.expect_exit()


async def test_without_async_there_is_no_audio() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            with pytest.raises(NotPermitted, match="the call's audio is not allowed on this socket"):
                async with self.audio():
                    raise AssertionError

    async with dial(Handler) as switch:
        await switch.greet(connect_reply(mode="static"))
        await switch.hang_up_as_told()
        await switch.expect_exit()


async def test_audio_that_freeswitch_ended_is_noticed_by_who_hears(autojump_clock: MockClock) -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            async with self.audio() as audio:
                await audio.read()
                await self.start_playback("a.wav")
                began = trio.current_time()
                with pytest.raises(ApplicationFailed, match="gives no audio any more"):
                    await audio.read()
                assert 10 < trio.current_time() - began < 14
                assert audio.is_over
                with pytest.raises(ApplicationFailed):
                    await audio.read()
                with pytest.raises(ApplicationFailed):
                    await audio.write(FRAME)

    async with dial(Handler) as switch:
        await switch.greet(ANSWERED)
        async with unicast(switch):
            uuid = await switch.expect_execute("playback")
            await switch.send(switch.execute(uuid))
            # Nothing is heard while it runs, and that alone is no end.
            await trio.sleep(10)
            await switch.send(switch.complete(uuid, response="FILE%20PLAYED"))
            await finish(switch)


async def test_audio_that_freeswitch_ended_is_noticed_by_who_speaks(autojump_clock: MockClock) -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            async with self.audio() as audio:
                assert await audio.read() == FRAME
                with pytest.raises(ApplicationFailed, match="gives no audio any more"):
                    for _ in range(100):
                        await audio.write(FRAME)
                with pytest.raises(ApplicationFailed):
                    await audio.read()

    async with dial(Handler) as switch:
        await switch.greet(ANSWERED)
        async with unicast(switch) as local:
            await local.recv(8192)
        await finish(switch)


async def test_reading_and_writing_end_with_the_call(autojump_clock: MockClock) -> None:
    ended: list[str] = []

    class Handler(CallHandler):
        async def run(self) -> None:
            async with self.audio() as audio, trio.open_nursery() as nursery:
                nursery.start_soon(self.hear, audio)
                nursery.start_soon(self.speak_on, audio)
                await trio.sleep(1)
                await self.hangup()
                assert audio.is_over

        async def hear(self, audio: Audio) -> None:
            async for _ in audio:
                pass
            ended.append("heard")
            with pytest.raises(CallEnded):
                await audio.read()

        async def speak_on(self, audio: Audio) -> None:
            with pytest.raises(CallEnded):
                await audio.write(FRAME * 1000)
            with pytest.raises(CallEnded):
                await audio.flush()
            ended.append("said")

    async with dial(Handler) as switch:
        await switch.greet(ANSWERED)
        async with unicast(switch):
            await switch.hang_up_as_told()
        await switch.expect_exit()
    assert sorted(ended) == ["heard", "said"]


async def test_an_end_of_the_audio_that_is_the_calls_is_told_as_that(autojump_clock: MockClock) -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            async with self.audio() as audio, trio.open_nursery() as nursery:
                nursery.start_soon(self.hear, audio)
                nursery.start_soon(self.speak_on, audio)
                await trio.sleep(1)
                await self.hangup()

        async def hear(self, audio: Audio) -> None:
            async for _ in audio:
                pass

        async def speak_on(self, audio: Audio) -> None:
            with pytest.raises(CallEnded):
                await audio.write(FRAME * 1000)

    async with dial(Handler) as switch:
        await switch.greet(ANSWERED)
        async with unicast(switch) as local:
            await switch.expect("sendmsg\ncall-command: hangup\nhangup-cause: NORMAL_CLEARING")
            local.close()
            await trio.sleep(0.5)
            await switch.send(OK, switch.hangup(), switch.hangup_complete())
        await switch.expect_exit()


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_caller_who_hangs_up_ends_it(autojump_clock: MockClock, when: str) -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            async with self.audio() as audio:
                async for _ in audio:
                    pass
                raise AssertionError

    async with dial(Handler) as switch:
        await switch.greet(ANSWERED)
        if when == "before":
            await switch.read_command()
            await switch.send(OK, switch.hangup(), switch.hangup_complete())
        else:
            async with unicast(switch):
                await switch.send(switch.hangup(), switch.hangup_complete())
        await switch.expect_exit()


async def test_a_block_that_is_cancelled_ends_it_too(autojump_clock: MockClock) -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            with trio.move_on_after(1):
                async with self.audio() as audio:
                    while True:
                        await audio.read()
            with pytest.raises(ZeroDivisionError):
                await self.fail()

        async def fail(self) -> None:
            raise ZeroDivisionError

    async with dial(Handler) as switch:
        await switch.greet(ANSWERED)
        async with unicast(switch):
            await finish(switch)


# Without FreeSWITCH


class Echo(CallHandler):
    """Says what the caller says, as soon as it is said."""

    async def run(self) -> None:
        await self.answer()
        async with self.audio() as audio:
            async for frame in audio:
                await audio.write(frame)


async def test_an_echo_of_the_callers_own_audio(phone: FakeFreeSwitch) -> None:
    pcm = bytes(n % 251 for n in range(32000))
    async with phone.dial(Echo) as caller:
        await caller.gets_an_answer()
        await caller.stays_silent(1)
        await caller.speaks(audio=pcm)
        await caller.stays_silent(1)
        await caller.hangs_up()
    assert pcm in caller.audio_heard
    assert caller.audio_heard.startswith(SILENCE)
    assert len(caller.audio_heard) == pytest.approx(16000 * 4, abs=1600)


async def test_a_program_that_speaks_is_heard_to_its_end(phone: FakeFreeSwitch) -> None:
    pcm = bytes(n % 251 for n in range(50001))

    class Announcer(CallHandler):
        async def run(self) -> None:
            async with self.audio() as audio:
                await audio.write(pcm)
            await self.playback("goodbye.wav")

    async with phone.dial(Announcer) as caller:
        await caller.hears("goodbye.wav")
    assert caller.audio_heard == pcm.ljust(50240, b"\0")
    assert caller.heard == ["silence_stream://20", "goodbye.wav"]


async def test_digits_are_not_lost_to_the_audio(phone: FakeFreeSwitch) -> None:
    digits: list[str] = []

    class Listener(CallHandler):
        async def run(self) -> None:
            await self.answer()
            async with self.audio() as audio:
                while not len(self.digits):
                    await audio.read()
            digits.append(await self.digits.get())
            digits.append(await self.digits.get())

    async with phone.dial(Listener) as caller:
        await caller.gets_an_answer()
        await caller.stays_silent(1)
        await caller.press("12", gap=0)
        await caller.was_hung_up()
    assert digits == ["1", "2"]


async def test_a_second_block_after_a_first_one_that_was_left_is_refused(phone: FakeFreeSwitch) -> None:
    class Twice(CallHandler):
        async def run(self) -> None:
            async with self.audio() as audio:
                await audio.read()
            with pytest.raises(LocalProtocolError):
                async with self.audio():
                    raise AssertionError

    async with phone.dial(Twice) as caller:
        await caller.was_hung_up()
