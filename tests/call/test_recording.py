"""Messages and whole calls, recorded."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import pytest
import trio
import trio.testing
from trio.testing import MockClock

from esl_outbound import (
    CallHandler,
    CallHungUp,
    CallRecord,
    Expand,
    LocalProtocolError,
    NotPermitted,
    RecordingFailed,
)
from esl_outbound.call.recorded import (
    CallRecording,
    RecordEnd,
    RecordingCause,
    RecordingTags,
    RecordResult,
)
from esl_outbound.testing import FakeFreeSwitch

from ..freeswitch import CHANNEL, RECORDINGS, ScriptedSwitch, api_response, connect_reply, dial

BEEP = "%[playback_terminators=none]%(500,0,640)|1"
UNSET = "silence_hits_exhausted record_ms record_file_size"
UNSET_CALL = "record_completion_cause record_samples record_ms record_file_size"
SUBSCRIBED = b"Content-Type: command/reply\nReply-Text: +OK event listener enabled plain\n\n"
# As FreeSWITCH wrote it at the end of `record /srv/fs/recordings/a.wav 2 200 1`.
SILENT = {
    "variable_silence_hits_exhausted": "true",
    "variable_record_record_file_size": "28204",
    "variable_record_file_size": "28204",
    "variable_record_seconds": "1",
    "variable_record_ms": "1760",
    "variable_record_samples": "14080",
}
# And at the end of `stop_record_session /srv/fs/recordings/b.wav`.
STOPPED = {
    "variable_record_file_size": "16044",
    "variable_record_samples": "8000",
    "variable_record_seconds": "1",
    "variable_record_ms": "1000",
    "variable_record_completion_cause": "success-maxtime",
}
SOME = {"variable_silence_hits_exhausted": "false", "variable_record_ms": "2500", "variable_record_file_size": "40044"}


@pytest.fixture(autouse=True)
def no_handler_fails(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """What a handler finds wrong after its call's end is in the log alone."""
    yield
    assert [record.message for record in caplog.get_records("call") if record.levelname == "ERROR"] == []


async def expect_record(switch: ScriptedSwitch, argument: str, *, unset: bool = True) -> str:
    """Read what records a message; give its Event-UUID."""
    if unset:
        await switch.run_application("multiunset", UNSET)
    return await switch.expect_execute("record", argument)


async def finish(switch: ScriptedSwitch) -> None:
    await switch.hang_up_as_told()
    await switch.expect_exit()


# Messages


async def test_a_message_begins_with_a_beep_and_ends_with_silence() -> None:
    results: list[RecordResult] = []

    class Handler(CallHandler):
        async def run(self) -> None:
            results.append(await self.record("/srv/fs/recordings/a.wav"))

    async with dial(Handler) as switch:
        await switch.greet()
        await switch.run_application("gentones", BEEP)
        uuid = await expect_record(switch, "%[playback_terminators=#]/srv/fs/recordings/a.wav 120 200 5")
        await switch.send(
            switch.execute(uuid, "record", Event_Date_Timestamp="1795384861951730"),
            switch.complete(uuid, "record", Event_Date_Timestamp="1795384863731686", **SILENT),
        )
        await finish(switch)
    assert results == [RecordResult("/srv/fs/recordings/a.wav", 1.76, RecordEnd.SILENCE, "", 28204)]


@pytest.mark.parametrize(
    ("took", "said", "expected"),
    [
        (1_500_000, {"variable_playback_terminator_used": "%23"}, (RecordEnd.TERMINATOR, "#")),
        (2_500_000, {"variable_playback_terminator_used": "*"}, (RecordEnd.TERMINATOR, "*")),
        (2_000_000, {}, (RecordEnd.MAX_SECONDS, "")),
        (1_999_999, {}, (None, "")),
        (9_000_000, {"variable_silence_hits_exhausted": "true"}, (RecordEnd.SILENCE, "")),
    ],
)
async def test_why_a_message_ended_follows_from_what_freeswitch_says(
    took: int, said: dict[str, str], expected: tuple[RecordEnd | None, str]
) -> None:
    results: list[RecordResult] = []

    class Handler(CallHandler):
        async def run(self) -> None:
            results.append(await self.record("/a.wav", max_seconds=1.2, terminators="*#", beep=False))

    async with dial(Handler) as switch:
        await switch.greet()
        uuid = await expect_record(switch, "%[playback_terminators=*#]/a.wav 2 200 5")
        await switch.send(
            switch.execute(uuid, "record", Event_Date_Timestamp="1795384861951730"),
            switch.complete(uuid, "record", Event_Date_Timestamp=str(1795384861951730 + took), **(SOME | said)),
        )
        await finish(switch)
    assert (results[0].ended_by, results[0].terminator) == expected
    assert results[0].seconds == 2.5
    assert results[0].file_bytes == 40044


async def test_what_freeswitch_does_not_say_is_none() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            result = await self.record("/a.opus", max_seconds=0, beep=False)
            assert result == RecordResult("/a.opus", None, None, "", None)

    async with dial(Handler) as switch:
        await switch.greet()
        uuid = await expect_record(switch, "%[playback_terminators=#]/a.opus 0 200 5")
        await switch.send(switch.execute(uuid, "record"), switch.complete(uuid, "record"))
        await finish(switch)


@pytest.mark.parametrize(
    ("options", "codec", "argument"),
    [
        ({"silence_seconds": 0}, "L16", "%[playback_terminators=#]/a.wav 120"),
        ({"silence_seconds": 0, "max_seconds": 0}, "L16", "%[playback_terminators=#]/a.wav"),
        ({"terminators": ""}, "L16", "%[playback_terminators=none]/a.wav 120 200 5"),
        ({"silence_seconds": 1.5, "silence_threshold": 500}, "PCMU", "%[playback_terminators=#]/a.wav 120 500 2"),
        # A packet of G.722 has half as many ticks as samples, so FreeSWITCH counts two seconds for one.
        ({"silence_seconds": 5}, "G722", "%[playback_terminators=#]/a.wav 120 200 3"),
        # And one for two if the file has half the channel's rate, twice as many if it has twice as many samples.
        (
            {"silence_seconds": 5, "sample_rate": 8000},
            "G722",
            "%[playback_terminators=#,record_sample_rate=8000]/a.wav 120 200 5",
        ),
        (
            {"append": True, "sample_rate": 16000},
            "L16",
            "%[playback_terminators=#,RECORD_APPEND=true,record_sample_rate=16000]/a.wav 120 200 3",
        ),
    ],
)
async def test_what_is_asked_for_is_in_the_argument(options: dict[str, object], codec: str, argument: str) -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            await self.record("/a.wav", beep=False, **options)  # type: ignore[arg-type]

    async with dial(Handler) as switch:
        await switch.greet(connect_reply(read_codec=codec))
        uuid = await expect_record(switch, argument)
        await switch.send(switch.execute(uuid, "record"), switch.complete(uuid, "record"))
        await finish(switch)


async def test_a_path_and_its_tags_arrive_as_they_are() -> None:
    evil = "/tmp/it's ${system(touch x)} 5|,.wav"

    class Handler(CallHandler):
        async def run(self) -> None:
            tags = RecordingTags(title='a "b" ${system(x)}', comment="caf\udce9")
            await self.record(evil, beep=False, tags=tags)
            result = await self.record(Expand("${dir}/a.wav"), beep=False)
            assert result.path == "/var/spool/a b.wav"

    async with dial(Handler) as switch:
        await switch.greet()
        await switch.run_application("multiunset", UNSET)
        await switch.run_application("set", r'record_title=a "b" \\\${system(x)}')
        await switch.run_application("set", "record_comment=caf\udce9")
        quoted = r"%[playback_terminators=#]'/tmp/it\\'s \${system(touch x)} 5|,.wav' 120 200 5"
        uuid = await expect_record(switch, quoted, unset=False)
        await switch.send(switch.execute(uuid, "record"), switch.complete(uuid, "record", **SOME))
        uuid = await expect_record(switch, "%[playback_terminators=#]'${dir}/a.wav' 120 200 5")
        data = "'/var/spool/a%20b.wav'%20120%20200%205"
        await switch.send(
            switch.execute(uuid, "record"), switch.complete(uuid, "record", Application_Data=data, **SOME)
        )
        await finish(switch)


async def test_what_cannot_be_recorded_is_refused_before_anything_is_sent() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            for path in ("", "a\nb.wav", "{x=1}/a.wav", "[x=1]/a.wav"):
                with pytest.raises(LocalProtocolError):
                    await self.record(path)
            for options in (
                {"max_seconds": -1},
                {"silence_seconds": float("nan")},
                {"silence_threshold": 0},
                {"silence_threshold": 40000},
                {"terminators": "any"},
                {"sample_rate": 8001},
            ):
                with pytest.raises(LocalProtocolError):
                    await self.record("/a.wav", **options)
            with pytest.raises(LocalProtocolError):
                await self.record("/a.wav", tags=RecordingTags(title="no \ud800 text"))
            assert self.recordings == ()

    async with dial(Handler) as switch:
        await switch.greet()
        await finish(switch)


async def test_the_terminator_is_no_input_for_the_next_question() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            await self.record("/a.wav", beep=False)
            assert [await self.digits.get(), await self.digits.get()] == ["5", "7"]
            assert len(self.digits) == 0

    async with dial(Handler) as switch:
        await switch.greet()
        uuid = await expect_record(switch, "%[playback_terminators=#]/a.wav 120 200 5")
        await switch.send(
            switch.execute(uuid, "record"),
            switch.event("DTMF", DTMF_Digit="5"),
            switch.event("DTMF", DTMF_Digit="%23"),
            switch.event("DTMF", DTMF_Digit="7"),
            switch.complete(uuid, "record", **(SOME | {"variable_playback_terminator_used": "%23"})),
        )
        await finish(switch)


async def test_a_file_that_cannot_be_opened_is_no_hangup_and_run_goes_on(autojump_clock: MockClock) -> None:
    went_on: list[str] = []

    class Handler(CallHandler):
        async def run(self) -> None:
            with pytest.raises(RecordingFailed) as caught:
                await self.record("/forbidden/a.wav", beep=False)
            assert caught.value.path == "/forbidden/a.wav"
            assert caught.value.hung_up
            assert str(caught.value) == "record could not open '/forbidden/a.wav', and FreeSWITCH hung the call up"
            await trio.sleep(1)
            went_on.append("winding down")
            with pytest.raises(CallHungUp):
                await self.record("/b.wav")

        async def after_hangup(self, record: CallRecord) -> None:
            assert self.recordings[0].seconds is None
            went_on.append(str(record.hangup_cause))

    async with dial(Handler) as switch:
        await switch.greet()
        uuid = await expect_record(switch, "%[playback_terminators=#]/forbidden/a.wav 120 200 5")
        await switch.send(
            switch.execute(uuid, "record"),
            switch.hangup("DESTINATION_OUT_OF_ORDER", variable_x="1"),
            switch.complete(uuid, "record"),
            switch.hangup_complete("DESTINATION_OUT_OF_ORDER"),
        )
        await switch.expect_exit()
    assert went_on == ["winding down", "DESTINATION_OUT_OF_ORDER"]


async def test_what_waits_behind_a_file_that_cannot_be_opened_is_not_blamed_for_it() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            message = await self.start_record("/forbidden/a.wav", beep=False)
            waiting = await self.start("set", "x=1")
            with pytest.raises(RecordingFailed):
                await message.finished()
            with pytest.raises(CallHungUp):
                await waiting.completed()

    async with dial(Handler) as switch:
        await switch.greet()
        uuid = await expect_record(switch, "%[playback_terminators=#]/forbidden/a.wav 120 200 5")
        await switch.expect_execute("set")
        await switch.send(
            switch.execute(uuid, "record"), switch.hangup("DESTINATION_OUT_OF_ORDER"), switch.hangup_complete()
        )
        await switch.expect_exit()


async def test_the_same_cause_amid_a_message_is_a_hangup() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            with pytest.raises(CallHungUp) as caught:
                await self.record("/a.wav", beep=False)
            assert str(caught.value.hangup_cause) == "DESTINATION_OUT_OF_ORDER"

    async with dial(Handler) as switch:
        await switch.greet()
        uuid = await expect_record(switch, "%[playback_terminators=#]/a.wav 120 200 5")
        await switch.send(
            switch.execute(uuid, "record"),
            switch.hangup("DESTINATION_OUT_OF_ORDER", variable_silence_hits_exhausted="false"),
            switch.complete(uuid, "record", **SOME),
            switch.hangup_complete(),
        )
        await switch.expect_exit()


async def test_what_was_said_until_the_hangup_is_known_after_it() -> None:
    found: list[object] = []

    class Handler(CallHandler):
        async def run(self) -> None:
            await self.record("/a.wav", beep=False)

        async def after_hangup(self, record: CallRecord) -> None:
            (message,) = self.recordings
            found.extend([message.path, message.seconds, message.is_over])
            assert not isinstance(message, CallRecording)
            assert message.result is not None
            found.append(message.result.ended_by)

    async with dial(Handler) as switch:
        await switch.greet()
        uuid = await expect_record(switch, "%[playback_terminators=#]/a.wav 120 200 5")
        await switch.send(switch.execute(uuid, "record"), switch.hangup(variable_silence_hits_exhausted="false"))
        await switch.send(
            switch.complete(uuid, "record", variable_silence_hits_exhausted="false", variable_record_ms="420"),
            switch.hangup_complete(),
        )
        await switch.expect_exit()
    assert found == ["/a.wav", 0.42, True, RecordEnd.HANGUP]


async def test_a_message_goes_on_beside_the_handler_until_it_is_stopped() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            message = await self.start_record("/a.wav", beep=False)
            assert not message.is_over
            assert message.result is None
            assert repr(message) == "<MessageRecording '/a.wav', under way>"
            await message.stop()
            assert message.is_over
            result = await message.finished()
            assert result.ended_by is RecordEnd.STOPPED
            assert message.seconds == 2.5

    async with dial(Handler) as switch:
        await switch.greet()
        uuid = await expect_record(switch, "%[playback_terminators=#]/a.wav 120 200 5")
        await switch.send(switch.execute(uuid, "record"))
        await switch.expect(f"api uuid_break {CHANNEL}")
        await switch.send(api_response("+OK\n"), switch.complete(uuid, "record", **SOME))
        await finish(switch)


async def test_cancelling_a_message_stops_it_and_keeps_what_was_said(autojump_clock: MockClock) -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            with trio.move_on_after(3):
                await self.record("/a.wav", beep=False)
            assert self.recordings[-1].seconds == 2.5

    async with dial(Handler) as switch:
        await switch.greet()
        uuid = await expect_record(switch, "%[playback_terminators=#]/a.wav 120 200 5")
        await switch.send(switch.execute(uuid, "record"))
        await switch.expect(f"api uuid_break {CHANNEL}")
        await switch.send(api_response("+OK\n"), switch.complete(uuid, "record", **SOME))
        await finish(switch)


# Whole calls


async def begin_recording(
    switch: ScriptedSwitch, argument: str, path: str, *, full: bool = True, said: dict[str, str] | None = None
) -> None:
    if full:
        await switch.expect("event plain RECORD_START RECORD_STOP")
        await switch.send(SUBSCRIBED)
    await switch.run_application("multiunset", UNSET_CALL)
    uuid = await switch.expect_execute("record_session", argument)
    started = switch.event("RECORD_START", variable_x="1", Record_File_Path=path) if full and said is None else b""
    await switch.send(switch.execute(uuid, "record_session"), started)
    await switch.send(switch.complete(uuid, "record_session", Application_Data=argument, **(said or {})))


async def end_recording(switch: ScriptedSwitch, path: str, *, full: bool = True, **said: str) -> None:
    await switch.run_application("multiunset", UNSET_CALL)
    uuid = await switch.expect_execute("stop_record_session", path)
    stopped = switch.event(
        "RECORD_STOP", Record_File_Path=path, Record_Completion_Cause="success-maxtime", **(STOPPED | said)
    )
    await switch.send(switch.execute(uuid, "stop_record_session"), stopped if full else b"")
    await switch.send(switch.complete(uuid, "stop_record_session", **(STOPPED | said)))


@pytest.mark.parametrize("control", ["full", "single-channel"])
async def test_a_call_is_recorded_for_as_long_as_the_block_lasts(control: str) -> None:
    full = control == "full"

    class Handler(CallHandler):
        async def run(self) -> None:
            async with self.recording("/srv/fs/recordings/b.wav") as recording:
                assert recording.path == "/srv/fs/recordings/b.wav"
                assert recording.seconds is None
                assert not recording.is_over
                assert repr(recording) == "<CallRecording '/srv/fs/recordings/b.wav', under way>"
            assert recording.is_over
            assert recording.seconds == 1.0
            assert recording.file_bytes == 16044
            assert recording.completion_cause is RecordingCause.MAXTIME
            assert not recording.is_discarded
            assert self.recordings == (recording,)

    async with dial(Handler) as switch:
        if full:
            await switch.greet()
        else:
            await switch.expect("connect", "myevents", "linger 14", "event plain BACKGROUND_JOB")
            refused = b"Content-Type: command/reply\nReply-Text: -ERR command not found\n\n"
            enabled = b"Content-Type: command/reply\nReply-Text: +OK Events Enabled\n\n"
            await switch.send(connect_reply(control=control), enabled, refused, refused)
        await begin_recording(switch, "/srv/fs/recordings/b.wav", "/srv/fs/recordings/b.wav", full=full)
        await end_recording(switch, "/srv/fs/recordings/b.wav", full=full)
        await finish(switch)


async def test_everything_that_can_be_asked_of_a_recording() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            async with self.recording(
                "/srv/it's b.wav",
                stereo=True,
                answer_required=True,
                bridge_required=True,
                append=True,
                max_seconds=59.1,
                min_seconds=3,
                initial_seconds=4.5,
                final_seconds=2,
                silence_threshold=300,
                sample_rate=16000,
                tags=RecordingTags(artist="Ada L."),
            ):
                pass
            async with self.recording("/b.wav", stereo=True, swap=True, read_only=True):
                pass
            async with self.recording("/b.wav", write_only=True):
                pass

    async with dial(Handler) as switch:
        await switch.greet()
        await switch.expect("event plain RECORD_START RECORD_STOP")
        await switch.send(SUBSCRIBED)
        await switch.run_application("multiunset", UNSET_CALL)
        await switch.run_application("set", "record_artist=Ada L.")
        uuid = await switch.expect_execute(
            "record_session",
            "%[RECORD_STEREO=true,RECORD_ANSWER_REQ=true,RECORD_BRIDGE_REQ=true,RECORD_APPEND=true,RECORD_MIN_SEC=3,"
            "RECORD_INITIAL_TIMEOUT_MS=4500,RECORD_FINAL_TIMEOUT_MS=2000,RECORD_SILENCE_THRESHOLD=300,"
            r"record_sample_rate=16000]'/srv/it\\'s b.wav' +60",
        )
        await switch.send(
            switch.execute(uuid, "record_session"),
            switch.event("RECORD_START", Record_File_Path="/srv/it's%20b.wav"),
            switch.complete(uuid, "record_session"),
        )
        await end_recording(switch, "/srv/it's b.wav")
        await begin_recording(switch, "%[RECORD_STEREO_SWAP=true,RECORD_READ_ONLY=true]/b.wav", "/b.wav")
        await end_recording(switch, "/b.wav")
        await begin_recording(switch, "%[RECORD_WRITE_ONLY=true]/b.wav", "/b.wav")
        await end_recording(switch, "/b.wav")
        await finish(switch)


async def test_a_path_that_freeswitch_expands_is_stopped_by_the_name_that_it_got() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            async with self.recording(Expand("${dir}/${strftime(%H%M%S)}.wav"), max_seconds=9) as recording:
                assert recording.path == "/srv/a b/120000.wav"
                await recording.mask()

    async with dial(Handler) as switch:
        await switch.greet()
        await switch.expect("event plain RECORD_START RECORD_STOP")
        await switch.send(SUBSCRIBED)
        await switch.run_application("multiunset", UNSET_CALL)
        uuid = await switch.expect_execute("record_session", "'${dir}/${strftime(%H%M%S)}.wav' +9")
        await switch.send(
            switch.execute(uuid, "record_session"),
            switch.event("RECORD_START", Record_File_Path="/srv/a%20b/120000.wav"),
            switch.complete(uuid, "record_session", Application_Data="'/srv/a%20b/120000.wav'%20%2B9"),
        )
        await switch.run_application("record_session_mask", "/srv/a b/120000.wav")
        await end_recording(switch, "/srv/a b/120000.wav")
        await finish(switch)


async def test_a_recording_is_paused_and_masked() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            async with self.recording("/it's ${x}.wav") as recording:
                await recording.pause()
                assert recording.is_paused
                await recording.resume()
                assert not recording.is_paused
                await recording.mask()
                assert recording.is_masked
                await recording.unmask()
                assert not recording.is_masked
                async with recording.paused():
                    assert recording.is_paused
                with pytest.raises(ZeroDivisionError):
                    async with recording.masked():
                        assert recording.is_masked
                        raise ZeroDivisionError
                assert not recording.is_paused
                assert not recording.is_masked

    async with dial(Handler) as switch:
        await switch.greet()
        await begin_recording(switch, r"'/it\\'s \${x}.wav'", "/it's%20${x}.wav")
        for verb in ("pause", "resume", "mask", "unmask", "pause", "resume", "mask", "unmask"):
            await switch.run_application(f"record_session_{verb}", r"/it's \${x}.wav")
        await end_recording(switch, r"/it's \${x}.wav")
        await finish(switch)


async def test_what_was_masked_or_paused_before_a_block_is_so_after_it() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            async with self.recording("/a.wav") as recording:
                async with recording.masked(), recording.paused():
                    async with recording.masked(), recording.paused():
                        pass
                    assert recording.is_masked
                    assert recording.is_paused
                await recording.mask()
                async with recording.masked():
                    pass
                assert recording.is_masked

    async with dial(Handler) as switch:
        await switch.greet()
        await begin_recording(switch, "/a.wav", "/a.wav")
        for verb in ("mask", "pause", "resume", "unmask", "mask"):
            await switch.run_application(f"record_session_{verb}", "/a.wav")
        await end_recording(switch, "/a.wav")
        await finish(switch)


async def test_a_mask_that_is_cancelled_while_it_is_put_on_is_taken_off(autojump_clock: MockClock) -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            async with self.recording("/a.wav") as recording:
                with trio.move_on_after(1):
                    async with recording.masked():
                        raise AssertionError
                assert not recording.is_masked

    async with dial(Handler) as switch:
        await switch.greet()
        await begin_recording(switch, "/a.wav", "/a.wav")
        uuid = await switch.expect_execute("record_session_mask", "/a.wav")
        await trio.sleep(2)
        await switch.send(switch.execute(uuid, "record_session_mask"), switch.complete(uuid, "record_session_mask"))
        await switch.run_application("record_session_unmask", "/a.wav")
        await end_recording(switch, "/a.wav")
        await finish(switch)


async def test_a_recording_is_stopped_whatever_happens_in_the_block(autojump_clock: MockClock) -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            with trio.move_on_after(1):
                async with self.recording("/b.wav"):
                    await trio.sleep_forever()
            with pytest.raises(ZeroDivisionError):
                async with self.recording("/b.wav"):
                    raise ZeroDivisionError

    async with dial(Handler) as switch:
        await switch.greet()
        for _ in range(2):
            await begin_recording(switch, "/b.wav", "/b.wav")
            await end_recording(switch, "/b.wav")
        await finish(switch)


async def test_one_that_is_cancelled_while_it_begins_is_stopped_too(autojump_clock: MockClock) -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            with trio.move_on_after(1):
                async with self.recording("/b.wav"):
                    raise AssertionError

    async with dial(Handler) as switch:
        await switch.greet()
        await switch.expect("event plain RECORD_START RECORD_STOP")
        await switch.send(SUBSCRIBED)
        await switch.run_application("multiunset", UNSET_CALL)
        uuid = await switch.expect_execute("record_session", "/b.wav")
        await trio.sleep(2)
        await switch.send(
            switch.execute(uuid, "record_session"),
            switch.event("RECORD_START", Record_File_Path="/b.wav"),
            switch.complete(uuid, "record_session"),
        )
        if not switch.received:
            with trio.move_on_after(0.1):
                switch.received += await switch.stream.receive_some(65536)
        if switch.received.startswith(b"api uuid_break"):
            await switch.read_command()
            await switch.send(api_response("+OK\n"))
        await end_recording(switch, "/b.wav")
        await finish(switch)


async def test_one_that_the_limit_ended_is_known_by_its_event_and_not_by_what_came_later() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            async with self.recording("/b.wav", max_seconds=1) as recording:
                await self.wait_for("CHANNEL_ANSWER")
                assert recording.is_over
                assert recording.seconds == 1.0
                await self.record("/a.wav", beep=False)
            assert recording.seconds == 1.0
            assert recording.completion_cause is RecordingCause.MAXTIME

    async with dial(Handler) as switch:
        await switch.greet()
        await begin_recording(switch, "/b.wav +1", "/b.wav")
        stop = {"Record_File_Path": "/b.wav", "Record_Completion_Cause": "success-maxtime"}
        await trio.testing.wait_all_tasks_blocked()
        await switch.send(
            switch.event("RECORD_STOP", **(stop | {"Record_File_Path": "/other.wav"}), variable_record_samples="1"),
            switch.event("RECORD_STOP", **stop, **STOPPED),
            switch.event("CHANNEL_ANSWER"),
        )
        uuid = await expect_record(switch, "%[playback_terminators=#]/a.wav 120 200 5")
        await switch.send(switch.execute(uuid, "record"), switch.complete(uuid, "record", **SOME))
        await switch.run_application("multiunset", UNSET_CALL)
        await switch.run_application("stop_record_session", "/b.wav")
        await finish(switch)


async def test_one_that_ended_unseen_tells_nothing() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            async with self.recording("/b.wav") as recording:
                pass
            assert recording.is_over
            assert recording.seconds is None
            assert recording.completion_cause is None

    async with dial(Handler) as switch:
        await switch.greet()
        await begin_recording(switch, "/b.wav", "/b.wav")
        await switch.run_application("multiunset", UNSET_CALL)
        await switch.run_application("stop_record_session", "/b.wav")
        await finish(switch)


async def test_a_recording_that_was_too_short_is_thrown_away() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            async with self.recording("/b.wav", min_seconds=3) as recording:
                pass
            assert recording.is_discarded
            assert recording.completion_cause is RecordingCause.TOO_SHORT
            async with self.recording("/c.wav") as other:
                pass
            assert other.completion_cause == "something-new"

    async with dial(Handler) as switch:
        await switch.greet()
        await begin_recording(switch, "%[RECORD_MIN_SEC=3]/b.wav", "/b.wav")
        for path, cause in (("/b.wav", "input-too-short"), ("/c.wav", "something-new")):
            if path == "/c.wav":
                await begin_recording(switch, "/c.wav", "/c.wav")
            await switch.run_application("multiunset", UNSET_CALL)
            said = STOPPED | {"variable_record_completion_cause": cause}
            await switch.run_application("stop_record_session", path, **said)
        await finish(switch)


@pytest.mark.parametrize("said", [{"variable_record_completion_cause": "uri-failure"}, {"variable_y": "1"}])
async def test_a_recording_that_did_not_begin_fails_and_the_call_goes_on(
    said: dict[str, str], autojump_clock: MockClock
) -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            with pytest.raises(RecordingFailed) as caught:
                async with self.recording("/forbidden/b.wav"):
                    raise AssertionError
            assert str(caught.value) == "record_session could not open '/forbidden/b.wav'"
            assert not caught.value.hung_up
            assert self.recordings == ()
            await self.execute("set", "x=")

    async with dial(Handler) as switch:
        await switch.greet()
        await begin_recording(switch, "/forbidden/b.wav", "/forbidden/b.wav", said=said)
        await switch.run_application("set")
        await finish(switch)


async def test_a_recording_may_be_told_of_after_it_has_begun(autojump_clock: MockClock) -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            async with self.recording("/b.wav"):
                await self.execute("set", "x=")

    async with dial(Handler) as switch:
        await switch.greet()
        await begin_recording(switch, "/b.wav", "/b.wav", said={})
        await trio.sleep(0.1)
        await switch.send(switch.event("RECORD_START", Record_File_Path="/b.wav"))
        await switch.run_application("set")
        await end_recording(switch, "/b.wav")
        await finish(switch)


async def test_a_recording_that_cost_the_call_fails() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            with pytest.raises(RecordingFailed) as caught:
                async with self.recording("/forbidden/b.wav"):
                    raise AssertionError
            assert caught.value.hung_up
            assert self.recordings == ()

    async with dial(Handler) as switch:
        await switch.greet()
        await switch.expect("event plain RECORD_START RECORD_STOP")
        await switch.send(SUBSCRIBED)
        await switch.run_application("multiunset", UNSET_CALL)
        uuid = await switch.expect_execute("record_session")
        await switch.send(
            switch.execute(uuid, "record_session"),
            switch.hangup("DESTINATION_OUT_OF_ORDER"),
            switch.complete(uuid, "record_session"),
            switch.hangup_complete("DESTINATION_OUT_OF_ORDER"),
        )
        await switch.expect_exit()


async def test_what_cannot_be_asked_of_a_recording_is_refused_before_anything_is_sent() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            for path in ("", "b.wav", "dir/b.wav", "all", "a\nb", "{x=1}/b.wav", "dir/http://x"):
                with pytest.raises(LocalProtocolError):
                    async with self.recording(path):
                        raise AssertionError
            for options in (
                {"read_only": True, "write_only": True},
                {"max_seconds": -1},
                {"min_seconds": -1},
                {"initial_seconds": -1},
                {"final_seconds": -1},
                {"silence_threshold": -1},
                {"sample_rate": 1},
            ):
                with pytest.raises(LocalProtocolError):
                    async with self.recording("/b.wav", **options):
                        raise AssertionError
            assert self.recordings == ()

    async with dial(Handler) as switch:
        await switch.greet()
        await finish(switch)


async def test_a_file_is_recorded_into_once_at_a_time() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            async with self.recording("/b.wav"):
                with pytest.raises(LocalProtocolError, match="being recorded into already"):
                    async with self.recording("/b.wav"):
                        raise AssertionError
                async with self.recording("http_cache://x/c.wav"):
                    pass

    async with dial(Handler) as switch:
        await switch.greet()
        await begin_recording(switch, "/b.wav", "/b.wav")
        await begin_recording(switch, "http_cache://x/c.wav", "http_cache%3A//x/c.wav")
        await end_recording(switch, "http_cache://x/c.wav")
        await end_recording(switch, "/b.wav")
        await finish(switch)


async def test_the_length_of_a_recording_that_the_hangup_ended_is_known_after_it() -> None:
    found: list[object] = []

    class Handler(CallHandler):
        async def run(self) -> None:
            async with self.recording("/b.wav"):
                await trio.sleep_forever()

        async def after_hangup(self, record: CallRecord) -> None:
            (recording,) = self.recordings
            assert isinstance(recording, CallRecording)
            found.extend([recording.seconds, recording.completion_cause, recording.is_over])

    async with dial(Handler) as switch:
        await switch.greet()
        await begin_recording(switch, "/b.wav", "/b.wav")
        await switch.send(switch.hangup())
        stop = {"Record_File_Path": "/b.wav", "Record_Completion_Cause": "success-silence"}
        await switch.send(switch.event("RECORD_STOP", **stop, **STOPPED), switch.hangup_complete())
        await switch.expect_exit()
    assert found == [1.0, RecordingCause.SILENCE, True]


async def test_what_freeswitch_wrote_in_a_recorded_conversation() -> None:
    raw = (RECORDINGS / "i4_record.raw").read_bytes().replace(b"3f7c4f99-7a95-4b2a-b0c2-030c12e175aa", CHANNEL.encode())
    events = [b"Content-Length: " + each for each in raw.split(b"Content-Length: ")]

    def said(number: int, uuid: str) -> bytes:
        """The events of one application, as FreeSWITCH wrote them."""
        theirs = b"11111111-aaaa-4bbb-8ccc-00000000000%d" % number
        first, last = (n for n, event in enumerate(events) if b"\nApplication-UUID: " + theirs in event)
        return b"".join(events[first : last + 1]).replace(theirs, uuid.encode())

    class Handler(CallHandler):
        async def run(self) -> None:
            result = await self.record(
                "/srv/fs/recordings/a.wav", max_seconds=2, silence_seconds=1, terminators="*", beep=False
            )
            assert result == RecordResult("/srv/fs/recordings/a.wav", 1.76, RecordEnd.SILENCE, "", 28204)
            async with self.recording("/srv/fs/recordings/b.wav") as call:
                pass
            assert (call.seconds, call.file_bytes, call.completion_cause) == (1.0, 16044, RecordingCause.MAXTIME)

    async with dial(Handler) as switch:
        await switch.greet()
        uuid = await expect_record(switch, "%[playback_terminators=*]/srv/fs/recordings/a.wav 2 200 1")
        await switch.send(said(1, uuid))
        await switch.expect("event plain RECORD_START RECORD_STOP")
        await switch.send(SUBSCRIBED)
        await switch.run_application("multiunset", UNSET_CALL)
        uuid = await switch.expect_execute("record_session", "/srv/fs/recordings/b.wav")
        await switch.send(said(2, uuid))
        await switch.run_application("multiunset", UNSET_CALL)
        uuid = await switch.expect_execute("stop_record_session", "/srv/fs/recordings/b.wav")
        await switch.send(said(4, uuid))
        await finish(switch)


# Without FreeSWITCH


class Mailbox(CallHandler):
    """Takes a message in a recorded call, and keeps a card number out of the recording."""

    kept: ClassVar[list[object]] = []

    async def run(self) -> None:
        await self.answer()
        async with self.recording("/var/spool/call.wav", stereo=True) as recording:
            async with recording.masked():
                await self.playback("say-your-card-number.wav")
            result = await self.record("/var/spool/message.wav", max_seconds=60, silence_seconds=3)
            self.kept.append(result.ended_by)
        self.kept.append(recording.completion_cause)
        await self.playback("thanks.wav")

    async def after_hangup(self, record: CallRecord) -> None:
        self.kept.append([(each.path, each.seconds is not None) for each in self.recordings])


BOTH = [("/var/spool/call.wav", True), ("/var/spool/message.wav", True)]


async def test_a_message_in_a_recorded_call(phone: FakeFreeSwitch) -> None:
    Mailbox.kept.clear()
    async with phone.dial(Mailbox) as caller:
        call = await caller.is_recorded("call.wav")
        await caller.sees_run("record_session_mask", "/var/spool/call.wav")
        await caller.hears("say-your-card-number.wav")
        await caller.sees_run("record_session_unmask", "/var/spool/call.wav")
        await caller.is_recorded("message.wav")
        await caller.speaks(4)
        await caller.press("#")
        await caller.hears("thanks.wav", to_the_end=True)
        await caller.was_hung_up()
    assert call.seconds is not None
    assert Mailbox.kept == [RecordEnd.TERMINATOR, RecordingCause.MAXTIME, BOTH]


async def test_a_caller_who_hangs_up_amid_both_leaves_both(phone: FakeFreeSwitch) -> None:
    Mailbox.kept.clear()
    async with phone.dial(Mailbox) as caller:
        await caller.is_recorded("call.wav")
        await caller.is_recorded("message.wav")
        await caller.speaks(4)
        await caller.hangs_up()
    assert Mailbox.kept == [BOTH]


async def test_a_caller_who_falls_silent_ends_the_message(phone: FakeFreeSwitch) -> None:
    Mailbox.kept.clear()
    async with phone.dial(Mailbox) as caller:
        await caller.is_recorded("call.wav")
        await caller.is_recorded("message.wav")
        await caller.speaks(4)
        await caller.was_hung_up()
    assert Mailbox.kept[0] is RecordEnd.SILENCE


async def test_a_disk_that_is_full_of_other_things(phone: FakeFreeSwitch) -> None:
    failures: list[tuple[str, bool]] = []

    class Handler(CallHandler):
        async def run(self) -> None:
            await self.answer()
            for path in ("/full/call.wav", "/full/message.wav"):
                try:
                    if path.endswith("call.wav"):
                        async with self.recording(path):
                            pass
                    else:
                        await self.record(path)
                except RecordingFailed as exc:
                    failures.append((exc.path, exc.hung_up))

    phone.unwritable("/full/*")
    async with phone.dial(Handler) as caller:
        await caller.was_hung_up("DESTINATION_OUT_OF_ORDER")
    assert failures == [("/full/call.wav", False), ("/full/message.wav", True)]


@pytest.mark.parametrize("mode", ["", "full"])
async def test_a_message_without_async(phone: FakeFreeSwitch, mode: str) -> None:
    results: list[RecordEnd | None] = []

    class Handler(CallHandler):
        async def run(self) -> None:
            await self.answer()
            async with self.recording("/call.wav") as recording:
                results.append((await self.record("/a.wav", silence_seconds=0, max_seconds=2)).ended_by)
                message = await self.start_record("/b.wav", max_seconds=1)
                with pytest.raises(NotPermitted):
                    await message.stop()
                results.append((await message.finished()).ended_by)
            assert recording.seconds is not None

    async with phone.dial(Handler, mode=mode) as caller:
        await caller.was_hung_up()
    assert results == [RecordEnd.MAX_SECONDS, RecordEnd.MAX_SECONDS]
