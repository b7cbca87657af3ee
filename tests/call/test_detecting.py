"""Silence, sound, tones and beeps: what FreeSWITCH is told to listen for, and what it says of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
import trio
from trio.testing import MockClock

from esl_outbound import ApplicationFailed, Call, CallHungUp, Expand, LocalProtocolError, NotPermitted
from esl_outbound.call.tones import Beep, BeepDetector, Tone, ToneDirection
from esl_outbound.testing import FakeFreeSwitch

from ..freeswitch import LINGER_NOTICE, ScriptedSwitch, connect_reply, dial
from .doing import Doing, doing, refuses_what

DIVERTED = b"Content-Type: command/reply\nReply-Text: +OK events diverted\n\n"
NOT_DIVERTED = b"Content-Type: command/reply\nReply-Text: +OK events not diverted\n\n"
BUSY = Tone("busy", (480, 620))
FAX = Tone("fax", [1100.0])


# Silence and sound


@pytest.mark.parametrize(
    ("said", "result"),
    [
        ({"variable_wait_for_silence_timeout": "false"}, True),
        ({"variable_wait_for_silence_timeout": "true"}, False),
        ({}, None),
    ],
)
async def test_wait_for_silence_says_which_came_first(said: dict[str, str], result: bool | None) -> None:
    results: list[bool | None] = []

    async def do(call: Call) -> None:
        results.append(await call.wait_for_silence())

    async with doing(do) as switch:
        await switch.run_application("multiunset", "wait_for_silence_timeout")
        await switch.run_application("wait_for_silence", "200 50 0 30000", **said)
    assert results == [result]


async def test_seconds_become_packets_as_freeswitch_counts_them() -> None:
    async def do(call: Call) -> None:
        await call.wait_for_silence(silence_seconds=0.01, speech_seconds=1, timeout_seconds=5, threshold=50)
        await call.wait_for_silence(speech_seconds=0.01, path="it's a.wav")
        assert await call.detect_silence(silence_seconds=0.5) is True
        await call.detect_silence(silence_seconds=0, timeout_seconds=0.02, path=Expand("${a b}.wav"))
        assert await call.detect_audio() is False
        await call.detect_audio(audio_seconds=1, threshold=32767, timeout_seconds=36000, path="a.wav")

    async with doing(do) as switch:
        for application, argument, said in (
            ("wait_for_silence", "50 1 49 5000", ""),
            ("wait_for_silence", r"200 50 1 30000 'it\\'s a.wav'", ""),
            ("detect_silence", "200 24 30000", "false"),
            ("detect_silence", "200 1 20 '${a b}.wav'", ""),
            ("detect_audio", "200 9 30000", "true"),
            ("detect_audio", "32767 49 36000000 a.wav", ""),
        ):
            await switch.run_application("multiunset", f"{application}_timeout")
            await switch.run_application(application, argument, **{f"variable_{application}_timeout": said})


async def test_a_codec_of_longer_packets_has_fewer_of_them() -> None:
    async def do(call: Call) -> None:
        await call.wait_for_silence(silence_seconds=1.2)

    async with doing(do, connect_reply(rtp_use_codec_ptime="60")) as switch:
        await switch.run_application("multiunset")
        await switch.run_application("wait_for_silence", "200 20 0 30000")


async def test_what_cannot_be_listened_for_is_refused_before_anything_is_sent() -> None:
    async def do(call: Call) -> None:
        wrong: list[Callable[[], Awaitable[object]]] = [
            lambda: call.wait_for_silence(silence_seconds=-1),
            lambda: call.wait_for_silence(speech_seconds=-1),
            lambda: call.wait_for_silence(timeout_seconds=0),
            lambda: call.wait_for_silence(timeout_seconds=36001),
            lambda: call.wait_for_silence(threshold=0),
            lambda: call.detect_silence(threshold=40_000),
            lambda: call.detect_audio(path=""),
            lambda: call.detect_audio(path="a\nb.wav"),
            lambda: call.wait_for_tone(),
            lambda: call.wait_for_tone(Tone("a b", (1,))),
            lambda: call.wait_for_tone(Tone("a", ())),
            lambda: call.wait_for_tone(Tone("a", (0,))),
            lambda: call.wait_for_tone(Tone("a", (30_000,))),
            lambda: call.wait_for_tone(Tone("a", (1,)), Tone("A", (2,))),
            lambda: call.wait_for_tone(*(Tone(f"t{n}", (1,)) for n in range(17))),
            lambda: call.wait_for_tone(BUSY, hits=0),
            lambda: call.spandsp_start_fax_detect(""),
        ]
        for each in wrong:
            with pytest.raises(LocalProtocolError):
                await each()
        for block in (
            call.detected_beeps(BeepDetector.VMD, settings={"a": "1"}),
            call.detected_beeps(settings={"a": "1,b=2"}),
        ):
            with pytest.raises(LocalProtocolError):
                async with block:
                    pass

    await refuses_what(do)


async def test_it_cannot_be_stopped_and_gives_up_trying(autojump_clock: MockClock) -> None:
    async def do(call: Call) -> None:
        began = trio.current_time()
        with trio.move_on_after(1):
            await call.wait_for_silence()
        assert trio.current_time() - began == pytest.approx(6, abs=0.1)

    async with doing(do) as switch:
        await switch.run_application("multiunset")
        uuid = await switch.expect_execute("wait_for_silence")
        await switch.send(switch.execute(uuid))
        for _ in range(10):
            assert (await switch.read_command()).startswith("api uuid_break ")
            await switch.send(b"Content-Type: api/response\nContent-Length: 4\n\n+OK\n")


# Tones


def tone(switch: ScriptedSwitch, name: str, **headers: str) -> bytes:
    """DETECTED_TONE as tone_detect_callback() queues it: it tells of no channel."""
    return switch.event("DETECTED_TONE", "", "", Detected_Tone=name, **headers)


async def test_tones_are_listened_for_while_the_block_lasts_and_told_once() -> None:
    heard: list[str] = []

    async def do(call: Call) -> None:
        async with call.detected_tones(BUSY, FAX, direction=ToneDirection.WRITE, hits=3) as tones:
            heard.extend([await tones.get(), await tones.get()])
            await tones.listen_again("fax")
            with pytest.raises(LocalProtocolError):
                await tones.listen_again("other")

    async with doing(do) as switch:
        await switch.expect("divert_events on")
        await switch.send(DIVERTED)
        again = "%[tone_detect_hits=3]fax 1100.00 w"
        uuids = [
            await switch.expect_execute("tone_detect", "%[tone_detect_hits=3]busy '480.00,620.00' w"),
            await switch.expect_execute("tone_detect", again),
        ]
        await switch.send(*(switch.execute(uuid) + switch.complete(uuid) for uuid in uuids))
        await switch.send(
            tone(switch, "busy", Event_Sequence="7000"),
            switch.event("DETECTED_TONE", Detected_Tone="busy", Event_Sequence="7000"),
            tone(switch, "fax"),
        )
        await switch.run_application("tone_detect", again)
        await switch.run_application("stop_tone_detect", "")
        await switch.expect("divert_events off")
        await switch.send(NOT_DIVERTED)
    assert heard == ["busy", "fax"]


async def test_a_tone_is_waited_for_and_the_waiting_can_be_given_up(autojump_clock: MockClock) -> None:
    async def do(call: Call) -> None:
        assert await call.wait_for_tone(BUSY) == "busy"
        with trio.move_on_after(5) as scope:
            await call.wait_for_fax()
        assert scope.cancelled_caught

    async with doing(do) as switch:
        for application, argument in (
            ("tone_detect", "%[tone_detect_hits=1]busy '480.00,620.00' r"),
            ("fax_detect", ""),
        ):
            await switch.expect("divert_events on")
            await switch.send(DIVERTED)
            await switch.run_application(application, argument)
            await switch.send(tone(switch, "busy"))
            await switch.run_application("stop_tone_detect", "")
            await switch.expect("divert_events off")
            await switch.send(NOT_DIVERTED)


async def test_what_two_blocks_need_ends_with_the_last_of_them() -> None:
    async def do(call: Call) -> None:
        async with call.detected_tones(BUSY), call.detected_beeps():
            pass

    async with doing(do) as switch:
        for application in ("tone_detect", "avmd_start"):
            await switch.expect("divert_events on")
            await switch.send(DIVERTED)
            await switch.run_application(application)
        await switch.run_application("avmd_stop")
        await switch.run_application("stop_tone_detect")
        await switch.expect("divert_events off")
        await switch.send(NOT_DIVERTED)


async def test_a_hangup_ends_the_listening() -> None:
    seen: list[str] = []

    async def do(call: Call) -> None:
        with trio.CancelScope(shield=True), pytest.raises(CallHungUp):
            await call.wait_for_fax()
        seen.append("ended")

    async with dial(lambda: Doing(do)) as switch:
        await switch.greet()
        await switch.expect("divert_events on")
        await switch.send(DIVERTED)
        await switch.run_application("fax_detect")
        await switch.send(switch.hangup(), switch.hangup_complete(), LINGER_NOTICE)
        await switch.expect_exit()
    assert seen == ["ended"]


async def test_tones_with_cadence_are_told_as_often_as_they_are_heard() -> None:
    async def do(call: Call) -> None:
        async with call.spandsp_detected_tones("1") as tones:
            assert [await tones.get(), await tones.get()] == ["BUSY_TONE", "BUSY_TONE"]
        with pytest.raises(ApplicationFailed, match="failed to start"):
            async with call.spandsp_detected_tones("99"):
                pass

    async with doing(do) as switch:
        subscribed = b"Content-Type: command/reply\nReply-Text: +OK event listener enabled plain\n\n"
        await switch.expect("event plain DETECTED_TONE")
        await switch.send(subscribed)
        await switch.run_application("spandsp_start_tone_detect", "1", response="%2BOK%20started")
        await switch.send(
            switch.event("DETECTED_TONE", Detected_Tone="BUSY_TONE"),
            switch.event("DETECTED_TONE", Detected_Tone="BUSY_TONE"),
        )
        await switch.run_application("spandsp_stop_tone_detect", "")
        await switch.expect("event plain DETECTED_TONE")
        await switch.send(subscribed)
        await switch.run_application(
            "spandsp_start_tone_detect", "99", response="-ERR%20failed%20to%20start%20tone%20detector"
        )
        await switch.run_application("spandsp_stop_tone_detect", "")


async def test_a_fax_machine_sets_off_an_application() -> None:
    async def do(call: Call) -> None:
        await call.spandsp_start_fax_detect("transfer", "9000 XML fax", timeout_seconds=10)
        await call.spandsp_start_fax_detect("set", "fax=${system(x)}", called=True)
        await call.spandsp_stop_fax_detect()

    async with doing(do) as switch:
        await switch.run_application("spandsp_start_fax_detect", "transfer '9000 XML fax' 10 cng")
        # Expanded now it is what set will be given then, and expand twice.
        await switch.run_application("spandsp_start_fax_detect", r"set 'fax=" + "\\" * 13 + r"${system(x)}' 0 ced")
        await switch.run_application("spandsp_stop_fax_detect", "")


@pytest.mark.parametrize("detector", BeepDetector)
async def test_beeps_are_listened_for(detector: BeepDetector) -> None:
    heard: list[Beep] = []

    async def do(call: Call) -> None:
        settings = {"inbound_channel": "1", "outbound_channel": "0"} if detector is BeepDetector.AVMD else None
        async with call.detected_beeps(detector, settings=settings) as beeps:
            async for beep in beeps:
                heard.append(beep)
                if len(heard) == 2:
                    break

    async with doing(do) as switch:
        await switch.expect("divert_events on")
        await switch.send(DIVERTED)
        if detector is BeepDetector.AVMD:
            await switch.run_application("avmd_start", "inbound_channel=1,outbound_channel=0")
        else:
            await switch.run_application("vmd", "start")
        # Both modules put the channel's UUID in by themselves, queue it, and fire a copy.
        beep = switch.event(
            "CUSTOM", Event_Subclass=f"{detector.value}%3A%3Abeep", Frequency="850.5", Event_Sequence="7000"
        )
        await switch.send(beep, beep, switch.event("CUSTOM", Event_Subclass=f"{detector.value}%3A%3Abeep"))
        if detector is BeepDetector.AVMD:
            await switch.run_application("avmd_stop", "")
        else:
            await switch.run_application("vmd", "stop")
        await switch.expect("divert_events off")
        await switch.send(NOT_DIVERTED)
    assert [beep.frequency for beep in heard] == [850.5, None]
    assert heard[0].event.subclass == f"{detector.value}::beep"


async def test_without_async_nobody_listens_beside_the_handler() -> None:
    async def do(call: Call) -> None:
        for attempt in (call.wait_for_fax, lambda: call.wait_for_tone(BUSY)):
            with pytest.raises(NotPermitted):
                await attempt()
        for block in (call.detected_tones(BUSY), call.detected_beeps(), call.spandsp_detected_tones("1")):
            with pytest.raises(NotPermitted):
                async with block:
                    pass

    async with doing(do, connect_reply("static")):
        pass


# As a user would


async def test_a_caller_who_falls_silent_is_heard_to(phone: FakeFreeSwitch) -> None:
    heard: list[bool | None] = []

    async def do(call: Call) -> None:
        await call.answer()
        heard.append(await call.detect_audio(timeout_seconds=10))
        heard.append(await call.wait_for_silence(silence_seconds=1, timeout_seconds=20))
        heard.append(await call.detect_audio(timeout_seconds=2))
        heard.append(await call.detect_silence(silence_seconds=1, timeout_seconds=2))
        await call.playback("after.wav")

    async with phone.dial(lambda: Doing(do)) as caller:
        await caller.gets_an_answer()
        await caller.stays_silent(2)
        await caller.speaks(3)
        await caller.hears("after.wav")
    assert heard == [True, True, False, True]


async def test_a_fax_machine_is_heard_amid_a_prompt(phone: FakeFreeSwitch) -> None:
    phone.sound("welcome.wav", 20)
    seen: list[str] = []

    async def do(call: Call) -> None:
        await call.answer()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(call.playback, "welcome.wav")
            await call.wait_for_fax()
            nursery.cancel_scope.cancel()
        seen.append("fax")
        seen.append(await call.wait_for_tone(BUSY, Tone("beep", (1000,))))
        await call.playback("after.wav")

    async with phone.dial(lambda: Doing(do)) as caller:
        await caller.hears("welcome.wav")
        await caller.stays_silent(1)
        await caller.makes_tone(480, 620)
        await caller.stays_silent(1)
        await caller.makes_tone(1100)
        await caller.stays_silent(1)
        await caller.makes_tone(480)
        await caller.makes_tone(480, 620)
        await caller.hears("after.wav")
    assert seen == ["fax", "busy"]
