"""Whatever goes wrong on the connection, a handler's call ends, its record is there, and nobody waits for ever."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import ClassVar

import pytest
import trio
import trio.testing

from esl_outbound import CallHandler, CallRecord, Ending, RecordSource
from esl_outbound.testing import Caller, CallFailed, FakeFreeSwitch, Faults


class Survey(CallHandler):
    """Answers, asks for two digits, sets a variable, plays it back, and hangs up."""

    records: ClassVar[list[CallRecord]] = []
    errors: ClassVar[list[BaseException]] = []
    digits_seen: ClassVar[list[str]] = []

    async def run(self) -> None:
        await self.answer()
        await self.playback("ask.wav")
        for _ in range(2):
            self.digits_seen.append(await self.digits.get())
        await self.set_variables({"first": self.digits_seen[0], "name": "Ödön 100% ✓"})
        name = await self.get_variable("name")
        assert name == "Ödön 100% ✓"
        await self.playback("thanks.wav")
        await self.hangup("NORMAL_CLEARING")

    async def after_hangup(self, record: CallRecord) -> None:
        self.records.append(record)

    async def on_error(self, error: BaseException) -> None:
        self.errors.append(error)


@pytest.fixture(autouse=True)
def nothing_kept() -> None:
    for each in (Survey.records, Survey.errors, Survey.digits_seen):
        each.clear()


async def answers_both_questions(caller: Caller) -> None:
    await caller.hears("ask.wav")
    await caller.press("12")
    await caller.hears("thanks.wav", to_the_end=True)
    await caller.was_hung_up("NORMAL_CLEARING")


def record() -> CallRecord:
    """The one record that there is, of a handler that had no fault."""
    assert Survey.errors == []
    assert len(Survey.records) == 1
    return Survey.records[0]


# What only looks strange


@pytest.mark.parametrize(
    "faults",
    [
        Faults(split=True, notice_before_hangup=True),
        Faults(glue=True),
        Faults(event_delay=0.5),
        Faults(dispatch_lag=0.02),
        Faults(dispatch_lag=0.3),
        Faults(glue=True, event_delay=0.1, notice_before_hangup=True),
        Faults(notice_before_hangup=True),
        Faults(lost_events=frozenset({"CHANNEL_HANGUP_COMPLETE"})),
        Faults(lost_events=frozenset({"CHANNEL_PARK", "CHANNEL_UNPARK", "CHANNEL_STATE"})),
    ],
    ids=str,
)
async def test_a_whole_call_is_not_disturbed(phone: FakeFreeSwitch, faults: Faults) -> None:
    async with phone.dial(Survey, faults=faults) as caller:
        await answers_both_questions(caller)
    assert Survey.digits_seen == ["1", "2"]
    assert (record().ending, str(record().hangup_cause)) == (Ending.HUNG_UP, "NORMAL_CLEARING")
    assert record().variables["name"] == "Ödön 100% ✓"
    assert record().billsec == int(caller.cdr["billsec"])


@pytest.mark.parametrize("mode", ["async full", "async", "full", ""])
@pytest.mark.parametrize("faults", [Faults(split=True), Faults(glue=True)], ids=["split", "glued"])
async def test_no_mode_is_disturbed_by_how_bytes_are_cut(phone: FakeFreeSwitch, mode: str, faults: Faults) -> None:
    class Plays(Survey):
        async def run(self) -> None:
            await self.answer()
            await self.playback("thanks.wav")

    async with phone.dial(Plays, mode=mode, faults=faults) as caller:
        await caller.hears("thanks.wav", to_the_end=True)
        await caller.was_hung_up("NORMAL_CLEARING")
    assert record().ending is Ending.HUNG_UP


async def test_a_record_without_the_final_word_comes_from_connect(phone: FakeFreeSwitch) -> None:
    lost = Faults(lost_events=frozenset({"CHANNEL_HANGUP_COMPLETE"}))
    async with phone.dial(Survey, faults=lost) as caller:
        await caller.hears("ask.wav", to_the_end=True)
        await caller.hangs_up()
    assert (record().source, record().ending) == (RecordSource.CONNECT, Ending.HUNG_UP)
    assert record().billsec == int(caller.cdr["billsec"])


async def test_a_record_without_hangup_events_at_all_is_made_of_what_is_known(phone: FakeFreeSwitch) -> None:
    lost = Faults(lost_events=frozenset({"CHANNEL_HANGUP", "CHANNEL_HANGUP_COMPLETE"}))
    async with phone.dial(Survey, faults=lost) as caller:
        await caller.hears("ask.wav", to_the_end=True)
        await caller.hangs_up()
    assert record().ending is Ending.HUNG_UP


async def test_a_record_is_complete_when_the_notice_comes_first(phone: FakeFreeSwitch) -> None:
    async with phone.dial(Survey, faults=Faults(notice_before_hangup=True)) as caller:
        await caller.hears("ask.wav", to_the_end=True)
        await caller.hangs_up()
    assert (record().source, str(record().hangup_cause)) == (RecordSource.HANGUP_COMPLETE, "NORMAL_CLEARING")


@pytest.mark.parametrize("command", ["connect", "myevents", "linger", "sendmsg", "api", "event"])
@pytest.mark.parametrize("glue", [False, True], ids=["whole", "glued"])
async def test_a_caller_who_hangs_up_with_a_reply_is_seen_to_have_gone(
    phone: FakeFreeSwitch, command: str, glue: bool
) -> None:
    async with phone.dial(Survey, faults=Faults(glue=glue, hang_up_with_reply_to=command)) as caller:
        await caller.stays_silent(2)
        if caller.is_up:
            await caller.press("12")
            await caller.stays_silent(5)
        assert caller.hung_up_first
        assert "caller      hangs up: " in caller.ladder()
    assert record().ending is Ending.HUNG_UP
    assert str(record().hangup_cause) == caller.hangup_cause


# What breaks


Break = Callable[[FakeFreeSwitch, Caller], Awaitable[None]]


async def reset(phone: FakeFreeSwitch, caller: Caller) -> None:
    caller.connection.reset()


async def half_close(phone: FakeFreeSwitch, caller: Caller) -> None:
    await caller.connection.half_close()


async def garbage(phone: FakeFreeSwitch, caller: Caller) -> None:
    await caller.connection.send_garbage(b"\x16\x03\x01\x00\xc2\n\n")


async def half_a_frame(phone: FakeFreeSwitch, caller: Caller) -> None:
    await caller.connection.send_garbage(b"Content-Length: 5000\nContent-Type: text/event-plain\n\nEvent-Na")
    await caller.connection.half_close()


async def death(phone: FakeFreeSwitch, caller: Caller) -> None:
    await phone.dies()


# Before, in and after the greeting; in the answer; in the first file; while it waits; in the second file; at the end.
MOMENTS = [0.001, 0.02, 0.03, 0.04, 0.5, 1.06, 2.0, 3.1, 3.12, 3.5, 4.14, 4.16]


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("breaks", [reset, half_close, garbage, half_a_frame, death])
async def test_a_connection_that_breaks_at_any_moment_ends_the_call(
    phone: FakeFreeSwitch, moment: float, breaks: Break
) -> None:
    async with phone.dial(Survey) as caller:
        with trio.move_on_at(3.0):
            await trio.sleep_until(moment)
            if moment < 3:
                await break_if_there(breaks, phone, caller)
            else:
                await trio.sleep_forever()
        if moment >= 3:
            await caller.press("12")
            await trio.sleep_until(moment)
            await break_if_there(breaks, phone, caller)
        # The handler is gone, and so is what FreeSWITCH does for it: what runs, runs to its end.
        await trio.sleep(30)
        assert not caller.is_up
    assert len(Survey.records) <= 1
    if "answer" in [each.application for each in caller.executed]:
        assert len(Survey.records) == 1
        assert Survey.records[0].ending in (Ending.CONNECTION_LOST, Ending.HUNG_UP)


@pytest.mark.parametrize("breaks", [reset, half_close, half_a_frame])
async def test_a_connection_that_breaks_within_the_first_moment_leaves_the_caller_parked(
    phone: FakeFreeSwitch, breaks: Break
) -> None:
    with pytest.raises(CallFailed, match="the caller is parked for ever, in silence"):
        async with phone.dial(Survey) as caller:
            await break_if_there(breaks, phone, caller)
            await caller.was_hung_up()
    assert record().ending is Ending.CONNECTION_LOST


async def break_if_there(breaks: Break, phone: FakeFreeSwitch, caller: Caller) -> None:
    await trio.testing.wait_all_tasks_blocked()
    if "the event socket is closed" not in caller.ladder():
        await breaks(phone, caller)


async def test_a_connection_that_breaks_tells_the_record(phone: FakeFreeSwitch) -> None:
    async with phone.dial(Survey) as caller:
        await caller.hears("ask.wav", to_the_end=True)
        caller.connection.reset()
        await caller.was_hung_up()
    assert (record().ending, record().source, record().hangup_cause) == (
        *(Ending.CONNECTION_LOST, RecordSource.LAST_KNOWN),
        None,
    )


async def test_garbage_ends_the_call_with_a_temporary_failure(phone: FakeFreeSwitch) -> None:
    async with phone.dial(Survey) as caller:
        await caller.hears("ask.wav")
        await caller.connection.send_garbage(b"\xff\xfe\n\n")
        await caller.was_hung_up("NORMAL_TEMPORARY_FAILURE")
    assert record().ending is Ending.CONNECTION_LOST


async def test_after_a_half_close_commands_are_still_read(phone: FakeFreeSwitch) -> None:
    heard = bytearray()

    async def application(stream: trio.abc.Stream) -> None:
        await stream.send_all(b"connect\n\nmyevents\n\n")
        while data := await stream.receive_some():
            heard.extend(data)
        await stream.send_all(b"sendmsg\ncall-command: hangup\nhangup-cause: USER_BUSY\n\n")
        await trio.sleep(1)

    async with phone.dial(application) as caller:
        await trio.sleep(1)
        before = len(heard)
        await caller.connection.half_close()
        await caller.was_hung_up("USER_BUSY")
    assert len(heard) == before


# What stops


async def test_a_switch_that_does_not_read_is_waited_for_and_no_longer_than_that(phone: FakeFreeSwitch) -> None:
    async with phone.dial(Survey) as caller:
        await caller.hears("ask.wav")
        caller.connection.stop_reading()
        await caller.press("12")
        await trio.sleep(10)
        assert "first" not in caller.variables
        caller.connection.resume_reading()
        await caller.hears("thanks.wav")
        await caller.was_hung_up()
    assert record().ending is Ending.HUNG_UP


async def test_no_command_is_read_while_nothing_is_read(phone: FakeFreeSwitch) -> None:
    async with phone.dial(Survey) as caller:
        await trio.sleep(0.01)
        caller.connection.stop_reading()
        await trio.sleep(20)
        assert [each.application for each in caller.executed] == ["answer"]
        caller.connection.resume_reading()
        await caller.hears("ask.wav")


async def test_a_caller_who_hangs_up_while_nothing_is_read_is_seen(phone: FakeFreeSwitch) -> None:
    async with phone.dial(Survey) as caller:
        await caller.hears("ask.wav")
        caller.connection.stop_reading()
        await caller.hangs_up()
        await trio.sleep(20)
    assert record().ending is Ending.HUNG_UP


async def test_a_broken_connection_ends_also_while_nothing_is_read(phone: FakeFreeSwitch) -> None:
    async with phone.dial(Survey) as caller:
        await caller.hears("ask.wav")
        caller.connection.stop_reading()
        caller.connection.reset()
        await caller.was_hung_up()
    assert record().ending is Ending.CONNECTION_LOST


async def test_a_transferred_call_outlives_its_connection(phone: FakeFreeSwitch) -> None:
    class Transfers(Survey):
        async def run(self) -> None:
            await self.execute("transfer", "9000")

    phone.extension("9000", ["playback there.wav"])
    for faults in (Faults(), Faults(split=True), Faults(glue=True), Faults(dispatch_lag=0.02), Faults(event_delay=0.5)):
        Survey.records.clear()
        async with phone.dial(Transfers, faults=faults) as caller:
            await caller.hears("there.wav", to_the_end=True)
            await caller.was_hung_up()
        assert record().ending is Ending.TRANSFERRED
