"""``record``, ``record_session`` and ``uuid_record``."""

from __future__ import annotations

import pytest
import trio

from esl_outbound.testing import FakeFreeSwitch

from .speaking import parked, variables


@pytest.fixture(autouse=True)
def disk(phone: FakeFreeSwitch) -> None:
    phone.unwritable("/forbidden/*")


@pytest.mark.parametrize("path", ["/forbidden/a.wav", "/tmp/a.unknown", "/tmp/a.b/no-extension"])
@pytest.mark.parametrize("application", ["record", "record_session"])
async def test_a_path_that_cannot_be_opened_hangs_the_call_up(
    phone: FakeFreeSwitch, application: str, path: str
) -> None:
    # `record_session` does so only if it is told to (switch_ivr_record_session_event() in switch_ivr_async.c).
    variables = {"RECORD_HANGUP_ON_ERROR": "true"} if application == "record_session" else {}
    async with parked(phone, variables=variables) as (caller, socket):
        before = trio.current_time()
        complete = await socket.run(application, path)
        assert complete.at - before <= 0.021
        assert socket.told() == [
            f"EXECUTE {application} {path}",
            "HANGUP DESTINATION_OUT_OF_ORDER",
            f"COMPLETE {application} _none_",
        ]
        assert caller.recorded == []


async def test_the_call_goes_on_if_it_cannot_be_recorded(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        found = variables(await socket.run("record_session", "/forbidden/a.wav"))
        assert found["record_completion_cause"] == "uri-failure"
        assert caller.is_up
        assert caller.recorded == []


async def test_what_is_masked_or_paused_of_a_recording_is_known(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        await socket.run("record_session", "'/tmp/a call.wav'")
        (recorded,) = caller.recorded
        assert recorded.path == "/tmp/a call.wav"
        for verb in ("mask", "mask", "unmask", "pause"):
            await socket.run(f"record_session_{verb}", "/tmp/a call.wav")
            await socket.listen(1)
        found = variables(await socket.run("stop_record_session", "/tmp/a call.wav"))
        ((masked, unmasked),) = recorded.masked
        assert unmasked - masked == pytest.approx(2, abs=0.1)
        assert len(recorded.paused) == 1
        assert recorded.seconds == pytest.approx(4, abs=0.2)
        assert int(found["record_ms"]) == pytest.approx(3000, abs=200)


async def test_a_recording_that_is_too_short_is_thrown_away(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        await socket.run("record_session", "%[RECORD_MIN_SEC=3]/tmp/a.wav")
        found = variables(await socket.run("stop_record_session", "/tmp/a.wav"))
        assert found["record_completion_cause"] == "input-too-short"
        assert found["RECORD_DISCARDED"] == "true"
        assert caller.recorded[0].is_discarded
        complete = await socket.run("playback", "/tmp/a.wav")
        assert complete["Application-Response"] == "FILE PLAYED"  # as any file that the test says nothing of


@pytest.mark.parametrize(("speaks", "seconds", "cause"), [(0, 4, "no-input-timeout"), (3, 5, "success-silence")])
async def test_a_recording_beside_the_call_ends_with_silence_if_it_is_told_to(
    phone: FakeFreeSwitch, speaks: float, seconds: float, cause: str
) -> None:
    async with parked(phone) as (caller, socket):
        scope = "%[RECORD_INITIAL_TIMEOUT_MS=4000,RECORD_FINAL_TIMEOUT_MS=2000]"
        await socket.run("record_session", f"{scope}/tmp/a.wav")
        if speaks:
            await caller.speaks(speaks)
        await socket.listen(10)
        assert caller.recorded[0].seconds == pytest.approx(seconds, abs=0.1)
        assert caller.variables["record_completion_cause"] == cause


@pytest.mark.parametrize("toggles", ["true", "false"])
async def test_a_file_that_is_being_recorded_into_is_not_begun_anew(phone: FakeFreeSwitch, toggles: str) -> None:
    async with parked(phone, variables={"RECORD_TOGGLE_ON_REPEAT": toggles}) as (caller, socket):
        await socket.run("record_session", "/tmp/a.wav")
        await socket.run("record_session", "/tmp/a.wav")
        (recorded,) = caller.recorded
        assert (recorded.ended is not None) == (toggles == "true")


@pytest.mark.parametrize("application", ["record", "record_session"])
async def test_what_is_written_into_a_file_is_not_left_on_the_channel(phone: FakeFreeSwitch, application: str) -> None:
    async with parked(phone, variables={"record_title": "a call"}) as (caller, socket):
        await socket.execute(application, "/tmp/a.wav")
        await caller.is_recorded("/tmp/a.wav")
        assert "record_title" not in caller.variables


async def test_a_terminator_ends_it(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        await socket.execute("record", "/tmp/a.wav")
        await caller.is_recorded("/tmp/a.wav")
        await caller.speaks(2.5)
        await caller.press("*")
        found = variables(await socket.until("CHANNEL_EXECUTE_COMPLETE"))
        assert found["record_seconds"] == "2"
        assert int(found["record_ms"]) == pytest.approx(2500, abs=40)
        assert int(found["record_samples"]) == pytest.approx(20000, abs=320)
        assert int(found["record_file_size"]) == 44 + 2 * int(found["record_samples"])
        assert found["record_record_file_size"] == found["record_file_size"]
        assert found["playback_terminator_used"] == "*"
        assert found["silence_hits_exhausted"] == "false"


async def test_record_seconds_are_cut_off(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        await socket.execute("record", "/tmp/a.wav")
        await caller.is_recorded("/tmp/a.wav")
        await caller.speaks(0.5)
        await socket.api(f"uuid_break {caller.channel_uuid}")
        assert variables(await socket.until("CHANNEL_EXECUTE_COMPLETE"))["record_seconds"] == "0"


async def test_silence_ends_it(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        await socket.execute("record", "/tmp/a.wav 60 200 3")
        recorded = await caller.is_recorded("/tmp/a.wav")
        await caller.speaks(5)
        found = variables(await socket.until("CHANNEL_EXECUTE_COMPLETE"))
        assert found["silence_hits_exhausted"] == "true"
        assert recorded.ended is not None
        assert recorded.ended - recorded.began == pytest.approx(8, abs=0.1)


async def test_a_caller_who_says_nothing_is_silent_from_the_start(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        await socket.execute("record", "/tmp/a.wav 60 200 1")
        recorded = await caller.is_recorded("/tmp/a.wav")
        await socket.until("CHANNEL_EXECUTE_COMPLETE")
        assert recorded.ended is not None
        assert recorded.ended - recorded.began == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("limit", [1, 2, 5])
async def test_the_limit_is_in_whole_seconds_and_must_be_exceeded(phone: FakeFreeSwitch, limit: int) -> None:
    async with parked(phone) as (caller, socket):
        await socket.execute("record", f"/tmp/a.wav {limit}")
        recorded = await caller.is_recorded("/tmp/a.wav")
        found = variables(await socket.until("CHANNEL_EXECUTE_COMPLETE"))
        assert recorded.ended is not None
        assert limit <= recorded.ended - recorded.began <= limit + 1.02
        assert "playback_terminator_used" not in found
        assert found["silence_hits_exhausted"] == "false"


async def test_record_start_and_record_stop_need_a_subscription_and_tell_the_path(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (_, socket):
        await socket.run("record", "/tmp/a.wav 1")
        assert socket.told() == ["EXECUTE record /tmp/a.wav 1", "COMPLETE record _none_"]
        await socket.ask("event plain RECORD_START RECORD_STOP")
        socket.forget()
        await socket.run("record", "/tmp/b.wav 1")
        assert socket.told() == [
            "EXECUTE record /tmp/b.wav 1",
            "RECORD_START",
            "RECORD_STOP",
            "COMPLETE record _none_",
        ]
        assert [event["Record-File-Path"] for event in socket.events[1:3]] == ["/tmp/b.wav"] * 2
        assert not [event for event in socket.events if event["Record-Completion-Cause"]]


async def test_a_hangup_amid_two_recordings_is_told_in_this_order(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        await socket.ask("event plain RECORD_STOP")
        await socket.run("record_session", "/tmp/session.wav")
        socket.forget()
        await socket.execute("record", "/tmp/a.wav")
        await socket.until("CHANNEL_EXECUTE")
        await socket.listen(0.42)
        await caller.hangs_up()
        await socket.until("CHANNEL_HANGUP_COMPLETE")
        assert socket.told() == [
            "EXECUTE record /tmp/a.wav",
            "HANGUP NORMAL_CLEARING",
            "RECORD_STOP",
            "COMPLETE record _none_",
            "UNPARK",
            "COMPLETE socket _none_",
            "RECORD_STOP",
            "HANGUP_COMPLETE",
        ]
        stops = [event for event in socket.events if event.name == "RECORD_STOP"]
        assert [event["Record-File-Path"] for event in stops] == ["/tmp/a.wav", "/tmp/session.wav"]
        assert [event["Record-Completion-Cause"] for event in stops] == ["", "success-silence"]
        assert int(caller.cdr["record_ms"]) > 400


async def test_a_recording_beside_the_call_goes_on_through_other_applications_until_it_is_stopped(
    phone: FakeFreeSwitch,
) -> None:
    async with parked(phone) as (caller, socket):
        await socket.run("record_session", "/tmp/session.wav")
        await socket.run("playback", "a.wav")
        await socket.run("sleep", "2000")
        found = variables(await socket.run("stop_record_session", "/tmp/session.wav"))
        recorded = caller.recorded[0]
        assert recorded.ended is not None
        assert recorded.ended - recorded.began == pytest.approx(3, abs=0.1)
        assert found["record_seconds"] == "3"


async def test_record_session_stops_at_its_limit(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        await socket.run("record_session", "/tmp/session.wav +5")
        await socket.listen(10)
        recorded = caller.recorded[0]
        assert recorded.path == "/tmp/session.wav"
        assert recorded.ended is not None
        assert recorded.ended - recorded.began == pytest.approx(5, abs=0.1)


@pytest.mark.parametrize(
    ("verb", "failure"),
    [
        ("pause", "-ERR Cannot pause recording session!\n"),
        ("resume", "-ERR Cannot resume recording session!\n"),
        ("mask", "-ERR Cannot mask recording session!\n"),
        ("unmask", "-ERR Cannot unmask recording session!\n"),
        ("stop", "-ERR Cannot stop record session!\n"),
    ],
)
async def test_uuid_record(phone: FakeFreeSwitch, verb: str, failure: str) -> None:
    async with parked(phone) as (caller, socket):
        uuid = caller.channel_uuid
        assert await socket.api(f"uuid_record {uuid} start /tmp/a.wav") == "+OK Success\n"
        assert await socket.api(f"uuid_record {uuid} {verb} /tmp/a.wav") == "+OK Success\n"
        assert await socket.api(f"uuid_record {uuid} {verb} /tmp/other.wav") == failure


async def test_uuid_record_cannot_start_where_nothing_can_be_written(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        command = f"uuid_record {caller.channel_uuid} start /forbidden/a.wav"
        assert await socket.api(command) == "-ERR Cannot record session!\n"
        assert caller.is_up


async def test_what_was_recorded_lasts_as_long_when_it_is_played(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        await socket.execute("record", "/tmp/message.wav")
        await caller.is_recorded("message.wav")
        await caller.speaks(4)
        await caller.press("#")
        await caller.press("*")
        await socket.until("CHANNEL_EXECUTE_COMPLETE")
        await socket.run("playback", "/tmp/message.wav")
        sound = await caller.hears("message.wav", to_the_end=True)
        assert sound.ended is not None
        assert sound.ended - sound.began == pytest.approx(4.1, abs=0.1)


@pytest.mark.parametrize(
    ("argument", "seconds"),
    [
        ("/tmp/a.wav 60 200", 3),
        ("/tmp/a.wav 60 200 0", 3),
        ("/tmp/a.wav 60 200 5", 5),
        ("/tmp/a.wav 60 200 -5", 3),
        ("/tmp/a.wav -1 200 2", 2),
        ("%[record_sample_rate=16000]/tmp/a.wav 60 200 2", 4),
        ("%[record_sample_rate=7]/tmp/a.wav 60 200 2", 2),
    ],
)
async def test_silence_ends_a_recording_after_three_seconds_unless_it_is_told_how_many(
    phone: FakeFreeSwitch, argument: str, seconds: float
) -> None:
    async with parked(phone) as (_, socket):
        complete = await socket.run("record", argument)
        assert complete.seconds - socket.events[0].seconds == pytest.approx(seconds, abs=0.03)
        assert variables(complete)["silence_hits_exhausted"] == "true"


async def test_without_an_extension_a_file_is_in_the_channels_codec_and_silence_is_not_noticed(
    phone: FakeFreeSwitch,
) -> None:
    async with parked(phone) as (_, socket):
        complete = await socket.run("record", "/tmp/a 5 200 1")
        assert complete.seconds - socket.events[0].seconds > 4.9
        assert variables(complete)["silence_hits_exhausted"] == "false"


async def test_a_negative_threshold_is_none(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (_, socket):
        complete = await socket.run("record", "/tmp/a.wav 5 -200 1")
        assert complete.seconds - socket.events[0].seconds > 4.9
        assert variables(complete)["silence_hits_exhausted"] == "false"


async def test_a_recording_to_nowhere_is_none_and_the_call_goes_on(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        await socket.run("record")
        assert caller.is_up
        assert not caller.recorded
