"""A speech recogniser and detectors of tones: what they queue, who gets it, and when it is thrown away."""

from __future__ import annotations

import pytest

from esl_outbound.testing import FakeFreeSwitch

from .speaking import EventSocket, Frame, parked


def speech(socket: EventSocket) -> list[tuple[str, bool]]:
    """What recognisers told: its kind, and whether the event tells of the channel."""
    return [(event["Speech-Type"], bool(event["Unique-ID"])) for event in socket.events if named(event, "SPEECH")]


def named(event: Frame, what: str) -> bool:
    return event.name == f"DETECTED_{what}"


async def test_a_parked_channel_fires_what_its_recogniser_tells(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        await socket.run("detect_speech", "pocketsphinx yesno yesno")
        await caller.says("yes", confidence=93)
        await socket.listen(0.1)
        assert speech(socket) == [("begin-speaking", True), ("detected-speech", True)]
        assert socket.events[-1].body == (
            '<?xml version="1.0"?>\n<result grammar="yesno">\n  <interpretation grammar="yesno" confidence="93">\n'
            '    <input mode="speech">yes</input>\n  </interpretation>\n</result>\n'
        )


async def test_diverted_it_tells_of_no_channel_and_comes_whatever_runs(phone: FakeFreeSwitch) -> None:
    phone.sound("long.wav", 10)
    async with parked(phone) as (caller, socket):
        assert await socket.ask("divert_events on") == "+OK events diverted"
        await socket.run("detect_speech", "pocketsphinx yesno yesno")
        await socket.execute("playback", "long.wav")
        await caller.says("yes")
        await socket.listen(0.1)
        assert speech(socket) == [("begin-speaking", False), ("detected-speech", False)]


async def test_a_playback_throws_it_away(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        await socket.run("detect_speech", "pocketsphinx yesno yesno")
        uuid = await socket.execute("playback", "a.wav")
        await caller.hears("a.wav")
        await caller.says("yes", seconds=0.5)
        await socket.until("CHANNEL_EXECUTE_COMPLETE", uuid=uuid)
        await socket.listen(1)
        assert speech(socket) == []


async def test_a_copy_that_is_fired_is_the_same_event(phone: FakeFreeSwitch) -> None:
    async with parked(phone, variables={"fire_asr_events": "true"}) as (caller, socket):
        await socket.run("detect_speech", "pocketsphinx yesno yesno")
        await caller.says("yes", result="{}")
        await socket.listen(0.1)
        told = [event["Event-Sequence"] for event in socket.events if named(event, "SPEECH")]
        assert len(told) == 4
        assert len(set(told)) == 2


async def test_after_a_result_it_listens_when_it_is_told_to(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        await socket.run("detect_speech", "pocketsphinx yesno yesno")
        await caller.says("yes")
        await caller.says("yes")
        await socket.run("detect_speech", "resume")
        await caller.says("yes", is_understood=False)
        await socket.run("detect_speech", "resume")
        await socket.run("detect_speech", "pause")
        await caller.says("yes")
        await socket.run("detect_speech", "stop")
        await caller.says("yes")
        await socket.listen(0.1)
        assert [kind for kind, _ in speech(socket)] == ["begin-speaking", "detected-speech"] * 2 + ["closed"]
        assert "<nomatch/>" in [event.body for event in socket.events if event.body][-1]


async def test_it_waits_for_words_only_so_long_once_its_timers_run(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        await socket.run("detect_speech", "pocketsphinx {no-input-timeout=2000}yesno yesno")
        await socket.listen(5)
        assert speech(socket) == []
        await socket.run("detect_speech", "start-input-timers")
        await socket.listen(2.1)
        assert speech(socket) == [("detected-speech", True)]
        assert "<noinput/>" in socket.events[-1].body
        await socket.run("detect_speech", "param no-input-timeout 500")
        await socket.run("detect_speech", "resume")
        await socket.listen(0.6)
        assert len(speech(socket)) == 2
        assert caller.is_up


@pytest.mark.parametrize(
    ("argument", "response"),
    [
        ("a.wav", "USAGE ERROR"),
        ("a.wav detect:pocketsphinx", "USAGE ERROR"),
        ("a.wav detect:vosk g", "ASR INIT ERROR"),
        ("a.wav detect:pocketsphinx none", "GRAMMAR ERROR"),
        ("gone.wav detect:pocketsphinx g", "ERROR"),
    ],
)
async def test_play_and_detect_speech_says_what_went_wrong(phone: FakeFreeSwitch, argument: str, response: str) -> None:
    phone.missing_engine("vosk")
    phone.missing_grammar("none")
    phone.missing_sound("gone.wav")
    async with parked(phone) as (_, socket):
        complete = await socket.run("play_and_detect_speech", argument)
        assert complete["Application-Response"] == response
        assert complete["variable_detect_speech_result"] == ""


async def test_play_and_detect_speech_plays_and_waits_and_has_the_result(phone: FakeFreeSwitch) -> None:
    phone.sound("ask.wav", 3)
    async with parked(phone) as (caller, socket):
        uuid = await socket.execute("play_and_detect_speech", "ask.wav detect:pocketsphinx {a=1}my grammar")
        await caller.hears("ask.wav", to_the_end=True)
        await caller.says("yes", seconds=2)
        complete = await socket.until("CHANNEL_EXECUTE_COMPLETE", uuid=uuid)
        assert complete["Application-Response"] == "DONE"
        assert '<result grammar="my grammar">' in complete["variable_detect_speech_result"]
        assert ">yes<" in complete["variable_detect_speech_result"]


async def test_a_break_ends_only_its_prompt_and_a_closed_recogniser_all_of_it(phone: FakeFreeSwitch) -> None:
    phone.sound("ask.wav", 30)
    async with parked(phone) as (caller, socket):
        uuid = await socket.execute("play_and_detect_speech", "ask.wav detect:pocketsphinx {no-input-timeout=0}g")
        await caller.hears("ask.wav")
        for _ in range(3):
            await socket.api(f"uuid_break {caller.channel_uuid}")
            await socket.listen(0.5)
        assert not any(line.startswith("COMPLETE play_and_detect_speech") for line in socket.told())
        await socket.execute("detect_speech", "stop")
        complete = await socket.until("CHANNEL_EXECUTE_COMPLETE", uuid=uuid)
        assert complete["variable_detect_speech_result"] == ""


async def test_a_tone_is_heard_once_until_it_is_listened_for_again(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        await socket.ask("event plain DETECTED_TONE")
        await socket.run("tone_detect", "busy 480,620 r")
        await socket.run("fax_detect")
        for _ in range(2):
            await caller.makes_tone(480, 620)
        await caller.makes_tone(480)
        await caller.makes_tone(1100)
        await socket.listen(0.1)
        await socket.run("tone_detect", "busy 480,620 r")
        await caller.makes_tone(480, 620)
        await socket.listen(0.1)
        await socket.run("stop_tone_detect")
        await caller.makes_tone(1100)
        await socket.listen(0.1)
        # The copy that is fired tells of no channel, so it does not come here.
        assert [event["Detected-Tone"] for event in socket.events if named(event, "TONE")] == ["busy", "fax", "busy"]
        assert "makes a tone of 480 and 620 Hz" in caller.ladder()
