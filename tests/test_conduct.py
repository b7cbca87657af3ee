"""One call from its first byte to its last: the promises about ends, faults and hooks."""

from __future__ import annotations

import logging

import pytest
import trio
from trio.testing import MockClock

from esl_outbound import CallHandler, CallHungUp, CallRecord, ConnectionLost, Ending, HangupCause, RecordSource

from .freeswitch import CHANNEL, GOODBYE, LINGER_NOTICE, OK, REFUSED, SET_UP_REPLIES, connect_reply, dial

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
