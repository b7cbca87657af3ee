"""One call from its first byte to its last: the promises about ends, faults and hooks."""

from __future__ import annotations

import logging
import math
from typing import ClassVar

import pytest
import trio
import trio.testing
from trio.testing import MockClock

from esl_outbound import (
    Call,
    CallHandler,
    CallHungUp,
    CallRecord,
    ConnectionLost,
    Ending,
    HangupCause,
    RecordSource,
    serve_stream,
)
from esl_outbound.testing import FakeFreeSwitch, Faults

from .freeswitch import (
    CHANNEL,
    GOODBYE,
    LINGER_NOTICE,
    OK,
    REFUSED,
    SET_UP_REPLIES,
    ScriptedSwitch,
    connect_reply,
    dial,
)

MYEVENTS = b"Content-Type: command/reply\nReply-Text: +OK Events Enabled\n\n"


async def test_a_handler_answers_plays_and_hangs_up() -> None:
    class Reception(CallHandler):
        async def run(self) -> None:
            await self.answer()
            await self.playback("ivr/a.wav")
            await self.hangup()

    async with dial(Reception) as switch:
        await switch.greet()
        await switch.run_application("answer", "")
        await switch.run_application("playback", "%[playback_terminators=none]ivr/a.wav", response="FILE%20PLAYED")
        await switch.hang_up_as_told()
        await switch.expect_exit()


async def test_the_callers_hangup_cancels_run_wherever_it_waits(autojump_clock: MockClock) -> None:
    reached: list[str] = []

    class Dreamer(CallHandler):
        async def run(self) -> None:
            try:
                await trio.sleep(3600)
            finally:
                reached.append("cancelled")

        async def after_hangup(self, record: CallRecord) -> None:
            reached.append("after_hangup")
            assert record.ending is Ending.HUNG_UP
            assert record.hangup_cause is HangupCause.NORMAL_CLEARING
            assert record.source is RecordSource.HANGUP_COMPLETE
            assert (record.duration, record.billsec, record.missing) == (7, 5, ())

    async with dial(Dreamer) as switch:
        await switch.greet()
        await switch.send(switch.hangup(), switch.hangup_complete())
        await switch.expect_exit()
    assert reached == ["cancelled", "after_hangup"]
    assert autojump_clock.current_time() < 60


async def test_a_run_that_returns_at_once_hangs_up_before_the_connection_closes() -> None:
    class Brief(CallHandler):
        async def run(self) -> None:
            pass

    async with dial(Brief) as switch:
        await switch.greet()
        await switch.hang_up_as_told()
        await switch.expect_exit()


async def test_a_fault_goes_to_on_error_once_while_the_call_is_up_and_then_it_is_hung_up() -> None:
    seen: list[object] = []

    class Faulty(CallHandler):
        error_hangup_cause = HangupCause.NETWORK_OUT_OF_ORDER

        async def run(self) -> None:
            raise ValueError("a bug")

        async def on_error(self, error: BaseException) -> None:
            seen.append(error)
            await self.playback("sorry.wav")

        async def after_hangup(self, record: CallRecord) -> None:
            seen.append(record.ending)

    async with dial(Faulty) as switch:
        await switch.greet()
        await switch.run_application("playback", response="FILE%20PLAYED")
        await switch.hang_up_as_told("NETWORK_OUT_OF_ORDER")
        await switch.expect_exit()
    assert isinstance(seen[0], ValueError)
    assert seen[1:] == [Ending.HUNG_UP]


async def test_a_fault_without_on_error_is_logged_with_its_traceback_and_the_channel(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Faulty(CallHandler):
        async def run(self) -> None:
            raise ValueError("a bug")

    async with dial(Faulty) as switch:
        await switch.greet()
        await switch.hang_up_as_told("NORMAL_TEMPORARY_FAILURE")
        await switch.expect_exit()
    (line,) = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert line.getMessage() == f"channel {CHANNEL}: run() failed"
    assert line.exc_info is not None
    assert line.exc_info[0] is ValueError


@pytest.mark.parametrize(
    "error",
    [
        CallHungUp(HangupCause.USER_BUSY),
        ConnectionLost(),
        ExceptionGroup("all of them", [CallHungUp(), ExceptionGroup("deeper", [ConnectionLost()])]),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_the_calls_end_leaving_run_is_no_fault(error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    class Ended(CallHandler):
        async def run(self) -> None:
            raise error

        async def on_error(self, error: BaseException) -> None:
            raise AssertionError(error)

    async with dial(Ended) as switch:
        await switch.greet()
        await switch.hang_up_as_told()
        await switch.expect_exit()
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_a_group_with_one_fault_in_it_is_a_fault() -> None:
    seen: list[BaseException] = []

    class Mixed(CallHandler):
        async def run(self) -> None:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self.fail)
                await trio.sleep_forever()

        async def fail(self) -> None:
            raise KeyError("a bug")

        async def on_error(self, error: BaseException) -> None:
            seen.append(error)

    async with dial(Mixed) as switch:
        await switch.greet()
        await switch.hang_up_as_told("NORMAL_TEMPORARY_FAILURE")
        await switch.expect_exit()
    assert isinstance(seen[0], ExceptionGroup)
    assert isinstance(seen[0].exceptions[0], KeyError)


async def test_after_our_own_hangup_run_goes_on_for_the_wind_down_and_is_then_cancelled(
    autojump_clock: MockClock,
) -> None:
    times: list[float] = []

    class Lingering(CallHandler):
        wind_down_seconds = 7.0

        async def run(self) -> None:
            await self.hangup()
            began = trio.current_time()
            try:
                await trio.sleep(3600)
            finally:
                times.append(trio.current_time() - began)

    async with dial(Lingering) as switch:
        await switch.expect("connect", "myevents", "linger 18", "event plain BACKGROUND_JOB")
        await switch.send(connect_reply(), SET_UP_REPLIES)
        await switch.hang_up_as_told()
        await switch.expect_exit()
    assert times == [7.0]


async def test_a_run_that_is_no_coroutine_function_is_named(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    class Plain(CallHandler):
        def run(self) -> None:  # type: ignore[override]
            pass

    async with dial(Plain) as switch:
        await switch.greet()
        await switch.hang_up_as_told("NORMAL_TEMPORARY_FAILURE")
        await switch.expect_exit()
    assert "Plain.run() is a plain function, and should be 'async def run'" in caplog.text


async def test_after_hangup_is_bounded_and_may_fail(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    class Slow(CallHandler):
        after_hangup_seconds = 5.0

        async def after_hangup(self, record: CallRecord) -> None:
            await trio.sleep(3600)

    class Failing(CallHandler):
        async def after_hangup(self, record: CallRecord) -> None:
            raise ValueError("a bug")

    async with dial(Slow) as switch:
        await switch.expect("connect", "myevents", "linger 9", "event plain BACKGROUND_JOB")
        await switch.send(connect_reply(), SET_UP_REPLIES)
        await switch.hang_up_as_told("NORMAL_TEMPORARY_FAILURE")  # there is no run()
        await switch.expect_exit()
    async with dial(Failing) as switch:
        await switch.greet()
        await switch.hang_up_as_told("NORMAL_TEMPORARY_FAILURE")
        await switch.expect_exit()
    messages = [record.getMessage() for record in caplog.records if "after_hangup" in record.getMessage()]
    assert messages == [
        f"channel {CHANNEL}: after_hangup() took longer than 5 s and was cancelled",
        f"channel {CHANNEL}: after_hangup() failed",
    ]


def recording_handler(records: list[CallRecord]) -> type[CallHandler]:
    """A handler that waits for the end and keeps its record."""

    class Keeping(CallHandler):
        async def run(self) -> None:
            await trio.sleep_forever()

        async def after_hangup(self, record: CallRecord) -> None:
            records.append(record)

    return Keeping


async def test_without_async_a_second_connect_tells_the_final_values(autojump_clock: MockClock) -> None:
    records: list[CallRecord] = []
    async with dial(recording_handler(records)) as switch:
        await switch.greet(connect_reply("static"))
        # The notice comes before CHANNEL_HANGUP here, and CHANNEL_HANGUP_COMPLETE never.
        await switch.send(LINGER_NOTICE, switch.hangup("USER_BUSY"))
        await switch.expect("connect")
        await switch.send(connect_reply("static", sequence=2000, billsec="5", duration="6", hangup_cause="USER_BUSY"))
        await switch.expect_exit()
    assert records[0].source is RecordSource.CONNECT
    assert (records[0].hangup_cause, records[0].billsec, records[0].duration) == (HangupCause.USER_BUSY, 5, 6)
    assert records[0].missing == ()
    assert records[0].caller_id_number == "1000"


async def test_a_lost_channel_hangup_complete_is_asked_for_after_a_second(autojump_clock: MockClock) -> None:
    records: list[CallRecord] = []
    async with dial(recording_handler(records)) as switch:
        await switch.greet()
        await switch.send(switch.hangup())
        await switch.expect("connect")
        assert trio.current_time() == pytest.approx(1)
        await switch.send(connect_reply(sequence=2000, billsec="5"))
        await switch.expect_exit()
    assert records[0].source is RecordSource.CONNECT
    assert records[0].missing == ("duration",)


async def test_without_full_the_record_says_what_is_missing() -> None:
    records: list[CallRecord] = []
    async with dial(recording_handler(records)) as switch:
        await switch.greet(connect_reply(control="single-channel"), MYEVENTS + REFUSED + REFUSED)
        await switch.send(switch.hangup("ORIGINATOR_CANCEL"), GOODBYE)
        await switch.stream.aclose()
    assert records[0].source is RecordSource.LAST_KNOWN
    assert records[0].hangup_cause is HangupCause.ORIGINATOR_CANCEL
    assert records[0].missing == ("duration", "billsec")


async def test_a_notice_without_any_hangup_event_is_a_hangup_whose_cause_nobody_told() -> None:
    records: list[CallRecord] = []
    async with dial(recording_handler(records)) as switch:
        await switch.greet(connect_reply(control="single-channel"), MYEVENTS + REFUSED + REFUSED)
        await switch.send(GOODBYE)
        await switch.stream.aclose()
    assert records[0].ending is Ending.HUNG_UP
    assert records[0].missing == ("hangup_cause", "duration", "billsec")


async def test_a_connection_that_ends_without_a_word_is_lost() -> None:
    records: list[CallRecord] = []
    async with dial(recording_handler(records)) as switch:
        await switch.greet()
        await switch.stream.aclose()
    assert records[0].ending is Ending.CONNECTION_LOST
    assert records[0].source is RecordSource.LAST_KNOWN


async def test_the_linger_notice_may_come_first_last_or_between() -> None:
    for order in ((0, 1, 2), (1, 0, 2), (1, 2, 0)):
        records: list[CallRecord] = []
        async with dial(recording_handler(records)) as switch:
            await switch.greet()
            parts = (LINGER_NOTICE, switch.hangup("USER_BUSY"), switch.hangup_complete("USER_BUSY"))
            await switch.send(*(parts[index] for index in order))
            await switch.expect_exit()
        assert records[0].source is RecordSource.HANGUP_COMPLETE


async def test_the_record_of_an_answered_call_says_so() -> None:
    records: list[CallRecord] = []
    async with dial(recording_handler(records)) as switch:
        await switch.greet()
        answered = {"Caller_Channel_Answered_Time": "1795385567411691"}
        await switch.send(switch.hangup(**answered), switch.hangup_complete(**answered))
        await switch.expect_exit()
    assert records[0].answered


async def test_a_hangup_that_freeswitch_does_not_confirm_is_given_up_after_five_seconds(
    autojump_clock: MockClock,
) -> None:
    records: list[CallRecord] = []

    class Returning(CallHandler):
        async def run(self) -> None:
            pass

        async def after_hangup(self, record: CallRecord) -> None:
            records.append(record)

    async with dial(Returning) as switch:
        await switch.greet()
        await switch.expect("sendmsg\ncall-command: hangup\nhangup-cause: NORMAL_CLEARING")
        await switch.send(OK)
        await switch.expect_end()
    assert records[0].ending is Ending.CONNECTION_LOST


async def test_methods_in_a_cancelled_run_raise_cancelled_and_shielded_the_calls_end(
    autojump_clock: MockClock,
) -> None:
    seen: list[str] = []

    class Cleaning(CallHandler):
        async def run(self) -> None:
            try:
                await trio.sleep_forever()
            finally:
                try:
                    await self.answer()
                except trio.Cancelled:
                    seen.append("cancelled")
                    with trio.CancelScope(shield=True), pytest.raises(CallHungUp):
                        await self.answer()
                    seen.append("hung up")
                    raise

    async with dial(Cleaning) as switch:
        await switch.greet()
        await switch.send(switch.hangup(), switch.hangup_complete())
        await switch.expect_exit()
    assert seen == ["cancelled", "hung up"]


async def test_an_endless_loop_around_a_dead_call_does_not_freeze_the_server() -> None:
    class Stubborn(CallHandler):
        wind_down_seconds = 0.05

        async def run(self) -> None:
            await self.hangup()
            while True:
                try:
                    await self.answer()
                except CallHungUp:
                    continue

    async with dial(Stubborn) as switch:
        await switch.expect("connect", "myevents", "linger 12", "event plain BACKGROUND_JOB")
        await switch.send(connect_reply(), SET_UP_REPLIES)
        await switch.hang_up_as_told()
        await switch.expect_exit()


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("wind_down_seconds", -1),
        ("after_hangup_seconds", math.inf),
        ("on_error_seconds", "10"),
        ("error_hangup_cause", 17),
        ("error_hangup_cause", "USER BUSY"),
        ("error_hangup_cause", "BUSSY"),
    ],
)
async def test_settings_that_make_no_sense_are_refused_before_any_call(setting: str, value: object) -> None:
    handler = type("Strange", (CallHandler,), {setting: value})
    ours, _ = trio.testing.memory_stream_pair()
    with pytest.raises(TypeError, match=rf"^Strange\.{setting} is "):
        await serve_stream(handler, ours)


async def test_a_hook_that_is_no_coroutine_function_harms_nobody_else(caplog: pytest.LogCaptureFixture) -> None:
    class Plain(CallHandler):
        async def run(self) -> None:
            pass

        def after_hangup(self, record: CallRecord) -> None:  # type: ignore[override]
            raise ValueError("a bug")

    async with dial(Plain) as switch:
        await switch.greet()
        await switch.hang_up_as_told()
        await switch.expect_exit()
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == [
        f"channel {CHANNEL}: after_hangup() failed"
    ]


async def test_cancelled_before_anything_was_said_the_caller_is_not_left_parked() -> None:
    class Never(CallHandler):
        pass

    ours, theirs = trio.testing.memory_stream_pair()
    with trio.fail_after(20):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(serve_stream, Never, ours)
            nursery.cancel_scope.cancel()
        switch = ScriptedSwitch(theirs)
        await switch.expect("connect", "sendmsg\ncall-command: hangup\nhangup-cause: NORMAL_TEMPORARY_FAILURE", "exit")


async def test_a_shielded_run_is_hung_up_beside_when_the_server_stops(autojump_clock: MockClock) -> None:
    class Shielded(CallHandler):
        async def run(self) -> None:
            with trio.CancelScope(shield=True):
                await trio.sleep(60)

    ours, theirs = trio.testing.memory_stream_pair()
    switch = ScriptedSwitch(theirs)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve_stream, Shielded, ours)
        await switch.greet()
        await trio.sleep(10)
        nursery.cancel_scope.shield = True
        nursery.cancel_scope.cancel()
        with trio.CancelScope(shield=True):
            await switch.expect("sendmsg\ncall-command: hangup\nhangup-cause: NORMAL_TEMPORARY_FAILURE")
            assert 13 <= trio.current_time() < 14
            await switch.send(OK, switch.hangup(), switch.hangup_complete())
            await switch.expect_exit()
    assert trio.current_time() == pytest.approx(60)


async def test_a_transferred_calls_connection_is_kept_beside_a_shielded_run(autojump_clock: MockClock) -> None:
    class Shielded(CallHandler):
        async def run(self) -> None:
            with trio.CancelScope(shield=True):
                await trio.sleep(60)

    async with dial(Shielded) as switch:
        await switch.greet()
        await switch.send(switch.complete("foreign", "socket"))
        await switch.expect("nolinger", "noevents")
        with trio.move_on_after(20) as scope:
            await switch.read_command()
        assert scope.cancelled_caught
        await switch.stream.aclose()


async def test_a_handler_made_from_the_call_has_its_own_settings(autojump_clock: MockClock) -> None:
    class Chosen(CallHandler):
        subscriptions = ("RECORD_STOP",)
        after_hangup_seconds = 20.0

        async def run(self) -> None:
            await self.answer()

    def choose(call: Call) -> CallHandler:
        assert call.destination_number == "2000"
        return Chosen()

    async with dial(choose) as switch:
        await switch.greet()
        await switch.expect("linger 24", "event plain RECORD_STOP")
        await switch.send(OK, OK)
        await switch.run_application("answer")
        await switch.hang_up_as_told()
        await switch.expect_exit()


async def test_one_handler_is_not_made_for_two_calls(caplog: pytest.LogCaptureFixture) -> None:
    class Single(CallHandler):
        async def run(self) -> None:
            pass

    single = Single()
    async with dial(lambda: single) as switch:
        await switch.greet()
        await switch.hang_up_as_told()
        await switch.expect_exit()
    async with dial(lambda: single) as switch:
        await switch.greet()
        await switch.hang_up_as_told("NORMAL_TEMPORARY_FAILURE")
        await switch.expect_exit()
    assert "no handler could be made" in caplog.text


async def test_too_many_digits_end_the_call_of_a_shielded_run_too(autojump_clock: MockClock) -> None:
    errors: list[BaseException] = []

    class Shielded(CallHandler):
        async def run(self) -> None:
            with trio.CancelScope(shield=True):
                await trio.sleep(60)

        async def on_error(self, error: BaseException) -> None:
            errors.append(error)

    async with dial(Shielded) as switch:
        await switch.greet()
        await switch.send(b"".join(switch.event("DTMF", DTMF_Digit="1") for _ in range(4097)))
        await switch.hang_up_as_told("NORMAL_TEMPORARY_FAILURE")
        await switch.expect_exit()
    assert [type(error).__name__ for error in errors] == ["TooManyDigits"]


async def test_the_log_line_of_a_lost_call_says_why(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "esl_outbound")

    class Waiting(CallHandler):
        async def run(self) -> None:
            await trio.sleep_forever()

    async with dial(Waiting) as switch:
        await switch.greet()
        await switch.send(b"this is no event socket\n\n")
        # The caller is hung up before the connection goes.
        await switch.expect("sendmsg\ncall-command: hangup\nhangup-cause: NORMAL_TEMPORARY_FAILURE")
        await switch.expect_end()
    (line,) = [record.getMessage() for record in caplog.records]
    assert line.startswith(f"{CHANNEL} 1000 -> 2000: connection lost after 0.0 s (not an event socket: ")


async def test_a_caller_who_has_hung_up_before_connect_is_answered_is_a_hangup_and_no_transfer(
    phone: FakeFreeSwitch,
) -> None:
    async with phone.dial(Recording, faults=Faults(hang_up_with_reply_to="connect")) as caller:
        await trio.sleep(1)
        assert caller.hangup_cause == "ORIGINATOR_CANCEL"
    (record,) = Recording.records
    assert (record.ending, record.hangup_cause) == (Ending.HUNG_UP, HangupCause.ORIGINATOR_CANCEL)
    assert record.source is RecordSource.HANGUP_COMPLETE


async def test_a_hangup_between_connect_and_the_subscription_is_no_transfer_either(
    autojump_clock: MockClock,
) -> None:
    async with dial(Recording) as switch:
        await switch.greet()
        await switch.send(switch.complete("0", "socket", Answer_State="hangup", Hangup_Cause="USER_BUSY"))
        await switch.send(switch.hangup_complete("USER_BUSY"))
        await switch.expect_exit()
    (record,) = Recording.records
    assert (record.ending, record.hangup_cause) == (Ending.HUNG_UP, HangupCause.USER_BUSY)


class Recording(CallHandler):
    records: ClassVar[list[CallRecord]] = []

    async def run(self) -> None:
        self.records.clear()
        await trio.sleep_forever()

    async def after_hangup(self, record: CallRecord) -> None:
        self.records.append(record)
