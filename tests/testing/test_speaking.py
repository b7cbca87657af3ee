"""What the caller hears, and for how long: files, tones and speech, and ``uuid_fileman``."""

from __future__ import annotations

import math

import pytest
import trio

from esl_outbound.testing import FakeFreeSwitch

from .speaking import parked, variables


async def length(phone: FakeFreeSwitch, argument: str, application: str = "playback") -> float:
    """How long an application takes."""
    async with parked(phone) as (_, socket):
        complete = await socket.run(application, argument)
        return complete.seconds - socket.events[0].seconds


@pytest.mark.parametrize(
    ("argument", "seconds"),
    [
        ("long.wav", 4),
        ("/usr/share/sounds/long.wav", 4),
        ("unknown.wav", 1),
        ("long.wav@@16000", 2),
        ("silence_stream://1500", 1.5),
        ("tone_stream://%(500,500,440);loops=3", 3),
        ("file_string://long.wav!unknown.wav", 5),
        ("file_string://long.wav!gone.wav!unknown.wav", 5),
    ],
)
async def test_a_playback_takes_as_long_as_what_it_plays(phone: FakeFreeSwitch, argument: str, seconds: float) -> None:
    phone.sound("long.wav", 4)
    phone.missing_sound("gone.wav")
    assert await length(phone, argument) == pytest.approx(seconds, abs=0.03)


async def test_gentones_take_as_long_as_their_tones(phone: FakeFreeSwitch) -> None:
    assert await length(phone, "%(500,500,440)|2", "gentones") == pytest.approx(2, abs=0.03)


@pytest.mark.parametrize("argument", ["gone.wav", "file_string://gone.wav!gone.wav"])
async def test_a_missing_file_is_not_found_at_once_and_the_call_goes_on(phone: FakeFreeSwitch, argument: str) -> None:
    phone.missing_sound("gone.wav")
    async with parked(phone) as (caller, socket):
        complete = await socket.run("playback", argument)
        assert complete["Application-Response"] == "FILE NOT FOUND"
        assert b"\nApplication-Response: FILE%20NOT%20FOUND\n" in complete.raw
        assert complete.seconds == socket.events[0].seconds
        assert caller.is_up
        assert caller.heard == []


async def test_a_file_string_has_one_pair_of_events_and_skips_what_is_missing_silently(phone: FakeFreeSwitch) -> None:
    phone.missing_sound("gone.wav")
    async with parked(phone) as (_, socket):
        await socket.ask("event plain PLAYBACK_START PLAYBACK_STOP")
        socket.forget()
        await socket.run("playback", "file_string://a.wav!gone.wav!b.wav")
        assert socket.told() == [
            "EXECUTE playback file_string://a.wav!gone.wav!b.wav",
            "PLAYBACK_START",
            "PLAYBACK_STOP",
            "COMPLETE playback FILE PLAYED",
        ]


async def test_a_delimiter_makes_one_playback_of_several_files(phone: FakeFreeSwitch) -> None:
    phone.sound("a.wav", 2)
    phone.sound("b.wav", 3)
    async with parked(phone) as (_, socket):
        await socket.run("set", "playback_delimiter=!")
        await socket.ask("event plain PLAYBACK_START PLAYBACK_STOP")
        socket.forget()
        complete = await socket.run("playback", "a.wav!b.wav")
        assert complete.seconds - socket.events[0].seconds == pytest.approx(5.25, abs=0.03)
        assert [(event.name, event["Playback-File-Path"]) for event in socket.events if "PLAYBACK" in event.name] == [
            ("PLAYBACK_START", "b.wav"),
            ("PLAYBACK_STOP", "b.wav"),
        ]


async def test_playback_start_and_stop_tell_the_path_and_done(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (_, socket):
        await socket.ask("event plain PLAYBACK_START PLAYBACK_STOP")
        socket.forget()
        await socket.run("playback", "a.wav")
        start, stop = socket.events[1], socket.events[2]
        assert (start.name, stop.name) == ("PLAYBACK_START", "PLAYBACK_STOP")
        assert (start["Playback-File-Path"], stop["Playback-File-Path"]) == ("a.wav", "a.wav")
        assert stop["Playback-Status"] == "done"


async def test_playback_before_the_answer_is_early_media(phone: FakeFreeSwitch) -> None:
    async with parked(phone, before=[]) as (_, socket):
        await socket.run("playback", "a.wav")
        assert socket.told() == [
            "PROGRESS_MEDIA",
            "EXECUTE playback a.wav",
            "COMPLETE playback FILE PLAYED",
        ]
        assert socket.events[0]["Answer-State"] == "early"
        await socket.run("answer")
        assert "ANSWER" in socket.told()


@pytest.mark.parametrize(
    ("application", "argument", "heard"),
    [
        ("say", "en number iterated 12", "say:number:12"),
        ("say", "en:de name_spelled pronounced abc", "say:name_spelled:abc"),
        ("speak", "flite|kal|hello there", "speak:hello there"),
        ("phrase", "welcome,1", "phrase:welcome,1"),
    ],
)
async def test_what_is_spoken_is_heard_and_takes_as_long_as_was_said(
    phone: FakeFreeSwitch, application: str, argument: str, heard: str
) -> None:
    phone.sound(heard, 2.5)
    async with parked(phone) as (caller, socket):
        complete = await socket.run(application, argument)
        assert caller.heard == [heard]
        assert complete.seconds - socket.events[0].seconds == pytest.approx(2.5, abs=0.03)
        assert complete["Application-Response"] == ("PHRASE PLAYED" if application == "phrase" else "_none_")


@pytest.mark.parametrize(
    ("application", "argument", "heard", "response"),
    [
        ("say", "en number iterated 12", "say:number:12", "_none_"),
        ("speak", "flite|kal|hello", "speak:hello", "_none_"),
        ("phrase", "welcome", "phrase:welcome", "UNKNOWN ERROR"),
    ],
)
async def test_what_cannot_be_spoken_completes_at_once_without_an_error(
    phone: FakeFreeSwitch, application: str, argument: str, heard: str, response: str
) -> None:
    phone.missing_sound(heard)
    async with parked(phone) as (caller, socket):
        complete = await socket.run(application, argument)
        assert complete.seconds == socket.events[0].seconds
        assert complete["Application-Response"] == response
        assert caller.is_up


async def test_endless_playback_ends_with_the_call_alone(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        await socket.execute("endless_playback", "music.wav")
        await socket.listen(30)
        assert not [event for event in socket.events if event.told.startswith("COMPLETE")]
        await caller.hangs_up()
        await socket.until("CHANNEL_EXECUTE_COMPLETE")


async def test_loop_playback_plays_as_many_rounds_as_it_is_told(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        await socket.run("loop_playback", "+3 a.wav")
        assert caller.heard == ["a.wav"] * 3


# uuid_fileman


async def steered(phone: FakeFreeSwitch, *commands: tuple[float, str]) -> float:
    """How long ten seconds last with these commands, each after so many seconds."""
    phone.sound("ten.wav", 10)
    async with parked(phone) as (caller, socket):
        await socket.execute("playback", "ten.wav", uuid="it")
        began = (await socket.until("CHANNEL_EXECUTE", uuid="it")).at
        for at, command in commands:
            await trio.sleep(began + at - trio.current_time())
            assert await socket.api(f"uuid_fileman {caller.channel_uuid} {command}") == "+OK\n"
        return (await socket.until("CHANNEL_EXECUTE_COMPLETE", uuid="it")).at - began


@pytest.mark.parametrize(
    ("commands", "seconds"),
    [
        ([(2, "pause"), (5, "pause")], 13),
        ([(2, "seek:+1500")], 8.5),
        ([(2, "seek:-500")], 10.5),
        ([(2, "seek:9000")], 3),
        ([(2, "seek:-5000")], 12),
        ([(5, "restart")], 15),
        ([(2, "volume:2")], 10),
        ([(0, "speed:4")], 5),
        ([(2, "stop")], 3.2),
    ],
)
async def test_uuid_fileman(phone: FakeFreeSwitch, commands: list[tuple[float, str]], seconds: float) -> None:
    assert await steered(phone, *commands) == pytest.approx(seconds, abs=0.05)


async def test_uuid_fileman_speed_makes_it_shorter(phone: FakeFreeSwitch) -> None:
    assert 5 < await steered(phone, (0.5, "speed:2")) < 9


async def test_a_paused_file_waits_for_ever(phone: FakeFreeSwitch) -> None:
    phone.sound("ten.wav", 10)
    async with parked(phone) as (caller, socket):
        await socket.execute("playback", "ten.wav")
        await caller.hears("ten.wav")
        await socket.api(f"uuid_fileman {caller.channel_uuid} pause")
        await socket.listen(3600)
        assert socket.told() == ["EXECUTE playback ten.wav"]


async def test_uuid_fileman_steers_a_prompt_of_play_and_get_digits(phone: FakeFreeSwitch) -> None:
    phone.sound("menu.wav", 10)
    async with parked(phone) as (caller, socket):
        await socket.execute("play_and_get_digits", "1 1 1 2000 # menu.wav silence_stream://10 d")
        sound = await caller.hears("menu.wav")
        assert await socket.api(f"uuid_fileman {caller.channel_uuid} seek:+5000") == "+OK\n"
        await socket.until("CHANNEL_EXECUTE_COMPLETE")
        assert sound.ended is not None
        assert sound.ended - sound.began == pytest.approx(5, abs=0.05)


async def test_uuid_fileman_without_a_file(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        assert await socket.api(f"uuid_fileman {caller.channel_uuid} pause") == "-ERR No file handle!\n"


async def test_an_endless_sound_plays_until_the_caller_hangs_up(phone: FakeFreeSwitch) -> None:
    phone.sound("music.wav", math.inf)
    async with parked(phone) as (caller, socket):
        await socket.execute("playback", "music.wav")
        await socket.listen(3600)
        await caller.hangs_up()
        complete = await socket.until("CHANNEL_EXECUTE_COMPLETE")
        assert complete["Application-Response"] == "PLAYBACK ERROR"


async def test_a_playback_leaves_how_much_of_it_was_heard(phone: FakeFreeSwitch) -> None:
    phone.sound("ten.wav", 10)
    async with parked(phone) as (caller, socket):
        await socket.execute("playback", "ten.wav")
        await caller.hears("ten.wav")
        await socket.listen(3)
        await caller.press("*")
        found = variables(await socket.until("CHANNEL_EXECUTE_COMPLETE"))
        assert int(found["playback_last_offset_pos"]) == pytest.approx(24000, abs=400)


# Rounds


async def test_loop_playback_plays_once_unless_it_is_told_more(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        complete = await socket.run("loop_playback", "a.wav")
        assert complete["Application-Response"] == "FILE PLAYED"
        assert caller.heard == ["a.wav"]


@pytest.mark.parametrize("argument", ["", "+", "+3", "+3 "])
async def test_loop_playback_of_nothing_ends_the_call(phone: FakeFreeSwitch, argument: str) -> None:
    async with parked(phone) as (caller, socket):
        await socket.run("loop_playback", argument)
        assert caller.hangup_cause == "DESTINATION_OUT_OF_ORDER"


@pytest.mark.parametrize(("application", "argument"), [("loop_playback", "+-1 a.wav"), ("endless_playback", "a.wav")])
async def test_a_break_ends_a_round_and_no_key_does(phone: FakeFreeSwitch, application: str, argument: str) -> None:
    phone.sound("a.wav", 10)
    async with parked(phone) as (caller, socket):
        await socket.run("set", "playback_terminator_used=stale")
        await socket.execute(application, argument)
        await caller.hears("a.wav")
        await caller.press("*#1")
        await trio.sleep(1)
        assert len(caller.heard) == 1
        await socket.api(f"uuid_break {caller.channel_uuid}")
        await caller.hears("a.wav")
        assert len(caller.heard) == 2
        await caller.hangs_up()
        complete = await socket.until("CHANNEL_EXECUTE_COMPLETE", Application=application)
        assert complete["Application-Response"] == "PLAYBACK ERROR"
        assert variables(complete)["playback_terminator_used"] == "stale"


@pytest.mark.parametrize("application", ["loop_playback", "endless_playback"])
async def test_rounds_of_a_missing_file_end_at_once(phone: FakeFreeSwitch, application: str) -> None:
    phone.missing_sound("gone.wav")
    async with parked(phone) as (_, socket):
        complete = await socket.run(application, "gone.wav")
        assert complete["Application-Response"] == "FILE NOT FOUND"


async def test_a_round_of_a_sound_without_length_takes_a_frame(phone: FakeFreeSwitch) -> None:
    phone.sound("empty.wav", 0)
    async with parked(phone) as (caller, socket):
        await socket.run("loop_playback", "+10 empty.wav")
        assert caller.sounds[-1].began - caller.sounds[0].began == pytest.approx(0.18, abs=0.001)
        await socket.execute("endless_playback", "empty.wav")
        await trio.sleep(1)
        assert len(caller.heard) == pytest.approx(60, abs=2)


# What is no file


async def test_gentones_is_no_file(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        await socket.execute("gentones", "%(1000,0,440)")
        await caller.hears("tone_stream://%(1000,0,440)")
        assert await socket.api(f"uuid_fileman {caller.channel_uuid} pause") == "-ERR No file handle!\n"
        complete = await socket.until("CHANNEL_EXECUTE_COMPLETE", Application="gentones")
        assert socket.told() == ["EXECUTE gentones %(1000,0,440)", "COMPLETE gentones _none_"]
        assert not [name for name in variables(complete) if name.startswith("playback_")]


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("tone_stream://%(100,0,440)", "tone_stream"),
        ("silence_stream://100", ""),
        ("file_string://a.wav!b.wav", ""),
        ("a.wav", ""),
    ],
)
async def test_only_tones_and_local_streams_have_a_type(phone: FakeFreeSwitch, path: str, kind: str) -> None:
    async with parked(phone) as (_, socket):
        await socket.ask("event plain PLAYBACK_START PLAYBACK_STOP")
        await socket.run("playback", path)
        events = [event for event in socket.events if event.name.startswith("PLAYBACK_")]
        assert [event["Playback-File-Type"] for event in events] == [kind, kind]


async def test_a_playback_of_nothing_is_an_error(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        complete = await socket.run("playback")
        assert complete["Application-Response"] == "PLAYBACK ERROR"
        assert caller.is_up


@pytest.mark.parametrize(
    ("argument", "given", "is_heard"),
    [
        ("hello", {}, False),
        ("kal|hello", {}, False),
        ("kal|hello", {"tts_engine": "flite"}, True),
        ("hello", {"tts_engine": "flite", "tts_voice": "kal"}, True),
        ("flite|kal|hello", {}, True),
    ],
)
async def test_speak_needs_an_engine_and_a_voice(
    phone: FakeFreeSwitch, argument: str, given: dict[str, str], is_heard: bool
) -> None:
    async with parked(phone, variables=given) as (caller, socket):
        await socket.run("speak", argument)
        assert caller.heard == (["speak:hello"] if is_heard else [])
        assert caller.hangup_cause == (None if is_heard else "DESTINATION_OUT_OF_ORDER")


# The pace


@pytest.mark.parametrize(
    ("commands", "seconds"),
    [
        (["speed:1"], 7.5),
        (["speed:2"], 5),
        (["speed:99"], 5),
        (["speed:-1"], 12.5),
        (["speed:-99"], 15),
        (["speed:1", "speed:+1"], 5),
        (["speed:+"], 7.5),
        (["speed:2", "speed:-1"], 7.5),
        (["speed:99", "speed:-1"], 7.5),
        (["speed:2", "restart"], 10),
        (["speed:2", "speed:0"], 10),
        (["SPEED:2"], 5),
        (["speed"], 10),
        (["seek:+"], 9),
        (["seek:+", "seek:+500"], 8.5),
        (["seek:4000"], 6),
        (["seek:4000", "seek:0"], 10),
    ],
)
async def test_uuid_fileman_sets_the_pace_and_the_place(
    phone: FakeFreeSwitch, commands: list[str], seconds: float
) -> None:
    phone.sound("long.wav", 10)
    async with parked(phone) as (caller, socket):
        await socket.execute("playback", "long.wav")
        await caller.hears("long.wav")
        before = trio.current_time()
        for command in commands:
            assert await socket.api(f"uuid_fileman {caller.channel_uuid} {command}") == "+OK\n"
        complete = await socket.until("CHANNEL_EXECUTE_COMPLETE", Application="playback")
        assert complete.at - before == pytest.approx(seconds, abs=0.05)
