"""What the caller hears: files, recorded words, synthesised speech, tones, music."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from esl_outbound import (
    ApiFailed,
    ApplicationFailed,
    CallHandler,
    CallHungUp,
    Expand,
    FileNotPlayed,
    LocalProtocolError,
    NotPermitted,
    PlaybackResult,
    SayGender,
    SayMethod,
    SayType,
)
from esl_outbound.testing import FakeFreeSwitch

from ..freeswitch import CHANNEL, api_response, connect_reply, dial

NONE = "%[playback_terminators=none]"
OK_TEXT = api_response("+OK\n")


@pytest.mark.parametrize(
    ("method", "application", "argument"),
    [
        (lambda c: c.playback(["a.wav", "b.wav"]), "playback", f"{NONE}file_string://a.wav!b.wav"),
        (
            lambda c: c.playback(["it's 1!.wav", Expand("${x}.wav")]),
            "playback",
            rf"{NONE}file_string://'it\\'s 1!.wav'!'${{x}}.wav'",
        ),
        (lambda c: c.playback("a.wav", start_seconds=1.5), "playback", f"{NONE}a.wav@@12000"),
        (lambda c: c.playback("a b;'c.wav"), "playback", f"{NONE}a b;'c.wav"),
        (lambda c: c.say(42), "say", f"{NONE}en number pronounced 42"),
        (
            lambda c: c.say("21", SayType.ITEMS, SayMethod.COUNTED, gender=SayGender.FEMININE, language="de"),
            "say",
            f"{NONE}de items counted feminine 21",
        ),
        (
            lambda c: c.say(datetime(2026, 11, 25, 12, tzinfo=UTC), SayType.CURRENT_DATE_TIME, language="en:en-gb"),
            "say",
            f"{NONE}en:en-gb current_date_time pronounced 1795608000",
        ),
        (
            lambda c: c.say("it's ${system(x)}", SayType.NAME_SPELLED, terminators="#"),
            "say",
            r"%[playback_terminators=#]en name_spelled pronounced 'it\\\\'s \${system(x)}'".replace(r"\\\\", r"\\"),
        ),
        (lambda c: c.say(""), "say", f"{NONE}en number pronounced ''"),
        (lambda c: c.speak("hello | world", engine="flite", voice="kal"), "speak", f"{NONE}flite|kal|hello | world"),
        (lambda c: c.speak("it's"), "speak", f"{NONE}${{tts_engine}}|${{tts_voice}}|it's"),
        (lambda c: c.speak("$${x}", voice="a"), "speak", rf"{NONE}${{tts_engine}}|a|\$\${{x}}"),
        (lambda c: c.phrase("welcome"), "phrase", f"{NONE}welcome"),
        (
            lambda c: c.phrase("count", "1,2:3", language="de"),
            "phrase",
            "%[playback_terminators=none,language=de]count,1,2:3",
        ),
        (lambda c: c.tones("%(500,0,800)"), "gentones", f"{NONE}%(500,0,800)|1"),
        (lambda c: c.tones("%(500,0,800)", loops=0), "gentones", f"{NONE}%(500,0,800)|-1"),
    ],
)
async def test_what_is_said_reaches_freeswitch_as_it_is(
    method: Callable[[CallHandler], Awaitable[object]], application: str, argument: str
) -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            await method(self)

    async with dial(Handler) as switch:
        await switch.greet()
        await switch.run_application(application, argument)
        await switch.hang_up_as_told()
        await switch.expect_exit()


@pytest.mark.parametrize(
    "method",
    [
        lambda c: c.playback(""),
        lambda c: c.playback("a\nb.wav"),
        lambda c: c.playback("a@@5.wav"),
        lambda c: c.playback([]),
        lambda c: c.playback(12),
        lambda c: c.playback(Path("/a.wav")),
        lambda c: c.playback(["a.wav", None]),
        lambda c: c.playback("a.wav", start_seconds="1"),
        lambda c: c.playback(["a.wav"] * 129),
        lambda c: c.playback("a.wav", start_seconds=-1),
        lambda c: c.playback("a.wav", loops=1.5),
        lambda c: c.playback("http://u@h/a.wav", start_seconds=1),
        lambda c: c.playback("a.wav", terminators="x"),
        lambda c: c.start_playback("a.wav", terminators="none"),
        lambda c: c.say(1, "two words"),
        lambda c: c.say(1, language=""),
        lambda c: c.say(1, terminators="any"),
        lambda c: c.speak("a", engine="a|b"),
        lambda c: c.phrase("a,b"),
        lambda c: c.phrase("a", language="d]e"),
        lambda c: c.tones(""),
        lambda c: c.tones("%(1,0,800)|2"),
        lambda c: c.tones("%(1,0,800)", loops=-1),
    ],
)
async def test_what_cannot_be_said_is_refused_before_anything_is_sent(
    method: Callable[[CallHandler], Awaitable[object]],
) -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            with pytest.raises(LocalProtocolError):
                await method(self)

    async with dial(Handler) as switch:
        await switch.greet()
        await switch.hang_up_as_told()
        await switch.expect_exit()


async def test_how_a_file_ended_is_read_from_its_completion() -> None:
    results: list[PlaybackResult] = []

    class Handler(CallHandler):
        async def run(self) -> None:
            results.append(await self.playback("a.wav", terminators="#"))
            results.append(await self.playback("a.wav"))
            results.append(await self.playback("a.wav", loops=2))
            with pytest.raises(FileNotPlayed) as caught:
                await self.playback(["a.wav", Expand("${b}")])
            assert caught.value.path == "a.wav!${b}"

    async with dial(Handler) as switch:
        await switch.greet()
        # A file of 300 ms, as the recorded conversations have it.
        said = {"variable_playback_ms": "300", "variable_playback_terminator_used": "%23"}
        await switch.run_application("playback", response="FILE%20PLAYED", **said)
        await switch.run_application("playback", response="FILE%20PLAYED", **said)
        uuid = await switch.expect_execute("playback", f"{NONE}a.wav")
        for number in range(2):
            began = {"Event_Date_Timestamp": str(1_000_000 * number)}
            ended = {"Event_Date_Timestamp": str(1_000_000 * number + 600_000)}
            await switch.send(switch.execute(uuid, **began), switch.complete(uuid, response="FILE%20PLAYED", **ended))
        await switch.run_application("playback", response="FILE%20NOT%20FOUND")
        await switch.hang_up_as_told()
        await switch.expect_exit()
    assert results == [PlaybackResult("#", 0.3), PlaybackResult("", 0.3), PlaybackResult("", None)]


async def test_a_terminator_that_ended_what_was_said_is_its_result_and_a_stale_one_is_not() -> None:
    results: list[str] = []

    class Handler(CallHandler):
        async def run(self) -> None:
            results.append(await self.say(1, terminators="5"))
            results.append(await self.speak("a"))
            results.append(await self.tones("%(1,0,800)", terminators="5"))

    async with dial(Handler) as switch:
        await switch.greet()
        await switch.run_application("say", variable_playback_terminator_used="5")
        await switch.run_application("speak", variable_playback_terminator_used="5")
        await switch.run_application("gentones")
        await switch.hang_up_as_told()
        await switch.expect_exit()
    assert results == ["5", "", ""]


async def test_a_phrase_that_there_is_not_raises() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            assert await self.phrase("here") == ""
            for _ in range(2):
                with pytest.raises(ApplicationFailed, match="could not say 'gone'"):
                    await self.phrase("gone", "x")
            assert await self.phrase("here") == ""  # a nested application's word is no failure

    async with dial(Handler) as switch:
        await switch.greet()
        for response in ("PHRASE%20PLAYED", "UNKNOWN%20ERROR", "NOTHING", "FILE%20NOT%20FOUND"):
            await switch.run_application("phrase", response=response)
        await switch.hang_up_as_told()
        await switch.expect_exit()


async def test_a_file_is_controlled_while_it_plays() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            playback = await self.start_playback("long.wav", terminators="#")
            await playback.pause()
            await playback.pause()
            assert playback.is_paused
            await playback.resume()
            await playback.resume()
            assert not playback.is_paused
            await playback.seek(2)
            await playback.skip(1.5)
            await playback.skip(-0.5)
            await playback.skip(0)
            await playback.restart()
            await playback.set_volume(2)
            await playback.set_volume(-3)
            await playback.set_speed(-1)
            with pytest.raises(ApiFailed, match="uuid_fileman failed: -ERR No file handle!"):
                await playback.set_speed(0)
            assert not playback.is_over
            assert await playback.finished() == PlaybackResult("#", 12.3)
            assert playback.is_over
            for wrong in (playback.set_volume(5), playback.set_speed(-3), playback.seek(-1)):
                with pytest.raises(LocalProtocolError):
                    await wrong

    async with dial(Handler) as switch:
        await switch.greet()
        uuid = await switch.expect_execute("playback", "%[playback_terminators=#]long.wav")
        await switch.send(switch.execute(uuid))
        for command in (
            *("pause", "pause", "seek:2000", "seek:+1500", "seek:-500", "restart"),
            *("volume:2", "volume:0", "volume:-3", "speed:0", "speed:-1"),
        ):
            await switch.expect(f"api uuid_fileman {CHANNEL} {command}")
            await switch.send(OK_TEXT)
        await switch.expect(f"api uuid_fileman {CHANNEL} speed:0")
        await switch.send(api_response("-ERR No file handle!\n"))
        ended = {"variable_playback_ms": "12300", "variable_playback_terminator_used": "%23"}
        await switch.send(switch.complete(uuid, response="FILE%20PLAYED", **ended))
        await switch.hang_up_as_told()
        await switch.expect_exit()


async def test_a_file_that_plays_can_be_stopped_and_one_that_is_gone_says_so() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            playback = await self.start_playback("long.wav")
            await playback.stop()
            assert (await playback.finished()).terminator == ""
            playback = await self.start_playback("gone.wav")
            with pytest.raises(FileNotPlayed):
                await playback.finished()

    async with dial(Handler) as switch:
        await switch.greet()
        uuid = await switch.expect_execute("playback")
        await switch.send(switch.execute(uuid))
        await switch.expect(f"api uuid_break {CHANNEL}")
        await switch.send(OK_TEXT, switch.complete(uuid, response="FILE%20PLAYED"))
        await switch.run_application("playback", response="FILE%20NOT%20FOUND")
        await switch.hang_up_as_told()
        await switch.expect_exit()


async def test_without_full_and_async_a_file_that_plays_is_not_controlled() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            playback = await self.start_playback("long.wav")
            with pytest.raises(NotPermitted) as caught:
                await playback.pause()
            assert caught.value.dialplan_line == '<action application="socket" data="127.0.0.1:8084 async full"/>'
            with pytest.raises(NotPermitted):
                async with self.music_on_hold():
                    raise AssertionError
            await playback.finished()

    async with dial(Handler) as switch:
        await switch.greet(connect_reply(mode="static"))
        uuid = await switch.expect_execute("playback")
        await switch.send(switch.execute(uuid), switch.complete(uuid))
        await switch.hang_up_as_told()
        await switch.expect_exit()


async def test_displacing_ends_with_its_block_whatever_happens_in_it() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            async with self.displaced("/s/beep 1.wav", mix=True, loop=True, to_far_end=True, max_seconds=9.5):
                await self.answer()
            with pytest.raises(KeyError):
                async with self.displaced("b.wav"):
                    raise KeyError
            with trio.move_on_after(0):
                async with self.displaced("c.wav"):
                    raise AssertionError

    async with dial(Handler) as switch:
        await switch.greet()
        await switch.run_application("displace_session", "'/s/beep 1.wav' mlr +10")
        await switch.run_application("answer")
        await switch.run_application("stop_displace_session", "/s/beep 1.wav")
        await switch.run_application("displace_session", "b.wav")
        await switch.run_application("stop_displace_session", "b.wav")
        await switch.hang_up_as_told()
        await switch.expect_exit()


async def test_music_plays_while_something_slow_is_done_and_pauses_for_speech(phone: FakeFreeSwitch) -> None:
    phone.sound("music.wav", 4)
    phone.sound("soon.wav", 2)

    class Handler(CallHandler):
        async def run(self) -> None:
            await self.answer()
            async with self.music_on_hold("music.wav"):
                await trio.sleep(5)
                await self.playback("soon.wav")
                await trio.sleep(1)
            await self.playback("done.wav")
            with pytest.raises(KeyError):
                async with self.music_on_hold("music.wav"):
                    await trio.sleep(1)
                    raise KeyError
            await self.playback("failed.wav")

    expected = ["music.wav", "music.wav", "soon.wav", "done.wav", "music.wav", "failed.wav"]
    async with phone.dial(Handler) as caller:
        for sound in expected:
            await caller.hears(sound)
    assert caller.heard == expected


async def test_music_begins_again_only_when_nothing_else_is_said(phone: FakeFreeSwitch) -> None:
    """What is stopped inside music takes the music with it; begun at once, it would hold up what comes next."""
    phone.sound("long.wav", 60)
    phone.sound("next.wav", 2)

    class Handler(CallHandler):
        async def run(self) -> None:
            await self.answer()
            async with self.music_on_hold():
                await trio.sleep(1)
                with trio.move_on_after(1):
                    await self.playback("long.wav")
                await self.playback("next.wav")
                await trio.sleep(5)
            await self.playback("done.wav")

    expected = ["local_stream://moh", "long.wav", "next.wav", "local_stream://moh", "done.wav"]
    async with phone.dial(Handler) as caller:
        for sound in expected:
            await caller.hears(sound)
    assert caller.heard == expected


async def test_music_ends_with_its_block_and_what_is_raised_there_comes_out_as_it_is(phone: FakeFreeSwitch) -> None:
    for sound in ("music.wav", "long.wav"):
        phone.sound(sound, 60)
    group = ExceptionGroup("two", [KeyError(), ValueError()])

    class Handler(CallHandler):
        async def run(self) -> None:
            await self.answer()
            with pytest.raises(ExceptionGroup) as caught:
                async with self.music_on_hold("music.wav"):
                    await trio.sleep(1)
                    raise group
            assert caught.value is group
            with trio.move_on_after(1):
                async with self.music_on_hold("music.wav"), trio.open_nursery() as nursery:
                    nursery.start_soon(trio.sleep_forever)
                    await trio.sleep_forever()
            async with self.music_on_hold("music.wav"):
                await trio.sleep(1)
                async with self.music_on_hold("other.wav"):
                    await trio.sleep(1)
                    playback = await self.start_playback("long.wav")
                    await trio.sleep(1)
            assert playback.is_over
            await self.playback("done.wav")
            async with self.music_on_hold("music.wav"):
                await trio.sleep(1)
                await self.hangup()
            seen.append("run went on")

    seen: list[str] = []
    expected = ["music.wav", "music.wav", "music.wav", "long.wav", "done.wav", "music.wav"]
    async with phone.dial(Handler) as caller:
        for sound in expected:
            await caller.hears(sound)
        await caller.was_hung_up("NORMAL_CLEARING")
    assert caller.heard == expected
    assert seen == ["run went on"]


async def test_a_caller_who_hangs_up_amid_music_ends_what_is_done_beside_it(phone: FakeFreeSwitch) -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            await self.answer()
            with trio.CancelScope(shield=True), pytest.raises(CallHungUp):
                async with self.music_on_hold("music.wav"):
                    await trio.sleep(1)
                    await self.sleep(60)

    async with phone.dial(Handler) as caller:
        await caller.hears("music.wav")
        await caller.hangs_up()


async def test_music_that_is_not_there_is_silence_and_a_warning(
    phone: FakeFreeSwitch, caplog: pytest.LogCaptureFixture
) -> None:
    phone.missing_sound("gone.wav")

    class Handler(CallHandler):
        async def run(self) -> None:
            async with self.music_on_hold("gone.wav"):
                await trio.sleep(3)
            with pytest.raises(LocalProtocolError):
                async with self.music_on_hold("a\nb"):
                    raise AssertionError

    async with phone.dial(Handler) as caller:
        await caller.was_hung_up()
    assert "no music: playback could not play 'gone.wav': FILE NOT FOUND" in caplog.text


async def test_music_is_what_the_channel_says(phone: FakeFreeSwitch) -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            await self.answer()
            async with self.music_on_hold():
                await trio.sleep(3)

    async with phone.dial(Handler, variables={"hold_music": "ours.wav"}) as caller:
        await caller.hears("ours.wav")
        await caller.hangs_up()


async def test_a_prompt_that_the_hangup_ends_raises_and_is_not_stopped(autojump_clock: MockClock) -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            with trio.CancelScope(shield=True), pytest.raises(CallHungUp):
                await self.say(1)

    async with dial(Handler) as switch:
        await switch.greet()
        uuid = await switch.expect_execute("say")
        await switch.send(switch.execute(uuid, "say"), switch.hangup(), switch.hangup_complete())
        await switch.expect_exit()


async def test_the_digit_that_ended_a_file_is_its_result_and_no_answer_to_what_is_asked_next(
    phone: FakeFreeSwitch,
) -> None:
    phone.sound("terms.wav", 60)

    class Handler(CallHandler):
        async def run(self) -> None:
            await self.answer()
            assert (await self.playback("terms.wav", terminators="#")).terminator == "#"
            assert await self.say(1, terminators="#") == "#"
            playback = await self.start_playback("terms.wav", terminators="#")
            assert (await playback.finished()).terminator == "#"
            assert (await playback.finished()).terminator == "#"
            playback = await self.start_playback("terms.wav", terminators="#")
            await trio.sleep(5)
            assert (await playback.finished()).terminator == "#"
            assert self.digits.clear() == "123#"

    async with phone.dial(Handler) as caller:
        await caller.hears("terms.wav")
        await caller.press("1#")
        await caller.hears("say:number:1")
        await caller.press("#")
        await caller.hears("terms.wav")
        await caller.press("2#")
        await caller.hears("terms.wav")
        await caller.press("#3#")
        await caller.was_hung_up()
