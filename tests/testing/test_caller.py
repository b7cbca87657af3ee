"""What a caller does, what is expected of his call, and what he is told when it goes another way."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from textwrap import dedent
from typing import ClassVar

import pytest
import trio

from esl_outbound import CallHandler, FileNotPlayed
from esl_outbound.testing import Callee, Caller, CallFailed, FakeFreeSwitch, HandlerFailed
from esl_outbound.testing.virtual import run_in_virtual_time


class Tape(CallHandler):
    """Plays two files and hangs up."""

    async def run(self) -> None:
        await self.answer()
        await self.playback("tape/one.wav")
        await self.sleep(1)
        await self.playback("two.wav")


class Bridge(CallHandler):
    destination = "user/1001"

    async def run(self) -> None:
        await self.execute("set", "continue_on_fail=true")
        await self.execute("bridge", self.destination)
        await self.playback("after.wav")


class Failover(Bridge):
    destination = "user/1001|user/1002"


class Both(Bridge):
    destination = "user/1001,user/1002"


class Recorder(CallHandler):
    async def run(self) -> None:
        await self.answer()
        await self.execute("record", "/spool/message.wav 60 200 3")


class Waiting(CallHandler):
    """Waits for a digit, and for the caller to go."""

    digits_seen: ClassVar[list[str]] = []

    async def run(self) -> None:
        self.digits_seen.clear()
        async for digit in self.digits:
            self.digits_seen.append(digit)


class Broken(CallHandler):
    async def run(self) -> None:
        await self.playback("one.wav")
        raise KeyError("menu")


async def leaves_at_once(stream: trio.abc.Stream) -> None:
    await stream.send_all(b"connect\n\nexit\n\n")
    while await stream.receive_some():
        pass


@contextmanager
def fails(message: str) -> Iterator[None]:
    """What happens within fails with this message: all of it, or its first line alone."""
    with pytest.raises(CallFailed) as failed:
        yield
    expected, said = dedent(message).strip("\n"), str(failed.value)
    assert (said if "\n" in expected else said.partition("\n")[0]) == expected
    assert type(failed.value) is CallFailed


# Sounds


async def test_a_sound_is_heard_as_soon_as_it_begins(phone: FakeFreeSwitch) -> None:
    async with phone.dial(Tape) as caller:
        sound = await caller.hears("tape/one.wav")
        assert (sound.path, sound.ended, trio.current_time() - 0.05 < 0) == ("tape/one.wav", None, True)


@pytest.mark.parametrize("name", ["tape/one.wav", "one.wav", "*.wav", "tape/*", "*"])
async def test_a_sound_is_known_by_its_path_its_end_or_a_pattern(phone: FakeFreeSwitch, name: str) -> None:
    async with phone.dial(Tape) as caller:
        assert (await caller.hears(name)).path == "tape/one.wav"


@pytest.mark.parametrize("name", ["ne.wav", "one", "tape", "TAPE/ONE.WAV", "[t]ape/one.wav", "tape/one.wa?"])
async def test_a_sound_is_not_known_by_less(phone: FakeFreeSwitch, name: str) -> None:
    with fails(f"the caller was to hear {name}, but heard tape/one.wav next"):
        async with phone.dial(Tape) as caller:
            await caller.hears(name)


async def test_a_sound_that_is_heard_to_its_end_has_ended(phone: FakeFreeSwitch) -> None:
    phone.sound("one.wav", seconds=2.5)
    async with phone.dial(Tape) as caller:
        sound = await caller.hears("one.wav", to_the_end=True)
    assert sound.ended == pytest.approx(sound.began + 2.5)
    assert sound.how == "heard"


async def test_another_sound_fails_at_once(phone: FakeFreeSwitch) -> None:
    with fails("""
        the caller was to hear two.wav, but heard tape/one.wav next

        The call:
             0.000  caller      1000 calls 5000
             0.020     handler  answer
             0.040  caller      hears tape/one.wav (1 s)
             0.040  !!          the caller was to hear two.wav, but heard tape/one.wav next
        """):
        async with phone.dial(Tape) as caller:
            await caller.hears("two.wav")


async def test_no_sound_in_time_fails_and_says_what_ran_meanwhile(phone: FakeFreeSwitch) -> None:
    with fails("""
        the caller was to hear two.wav, but heard nothing within 0.5 s, while sleep 1000 was running

        The call:
             0.000  caller      1000 calls 5000
             0.020     handler  answer
             0.040  caller      hears tape/one.wav (1 s)
             1.060     handler  sleep 1000
             1.540  !!          the caller was to hear two.wav, but heard nothing within 0.5 s, while sleep 1000 was running
        """):  # noqa: E501 - the message is as long as it is
        async with phone.dial(Tape) as caller:
            await caller.hears("one.wav", to_the_end=True)
            await caller.hears("two.wav", within=0.5)


async def test_no_sound_before_the_end_of_the_call_fails_at_the_end(phone: FakeFreeSwitch) -> None:
    with fails("""
        the caller was to hear three.wav, but the call was over: NORMAL_CLEARING

        The call:
             0.000  caller      1000 calls 5000
             0.020     handler  answer
             0.040  caller      hears tape/one.wav (1 s)
             1.060     handler  sleep 1000
             2.080  caller      hears two.wav (1 s)
             3.080     handler  hangs up: NORMAL_CLEARING
             3.100  !!          the caller was to hear three.wav, but the call was over: NORMAL_CLEARING
        """):
        async with phone.dial(Tape) as caller:
            await caller.hears("one.wav")
            await caller.hears("two.wav")
            await caller.hears("three.wav")


async def test_a_sound_that_a_key_cuts_short_is_not_heard_to_its_end(phone: FakeFreeSwitch) -> None:
    with fails("""
        the caller was to hear gentle.wav to its end, but it was cut short by *

        The call:
             0.000  caller      1000 calls 5000
             0.020  caller      hears gentle.wav (1 s)
             0.030  caller      presses *
             0.040      switch  gentle.wav ends: cut short by *
             0.040  !!          the caller was to hear gentle.wav to its end, but it was cut short by *
        """):
        async with phone.dial(plays_gentle) as caller, trio.open_nursery() as nursery:
            nursery.start_soon(press_when_something_plays, caller)
            await caller.hears("gentle.wav", to_the_end=True)


async def plays_gentle(stream: trio.abc.Stream) -> None:
    await stream.send_all(
        b"connect\n\nsendmsg\ncall-command: execute\nexecute-app-name: playback\nexecute-app-arg: gentle.wav\n\n"
    )
    while await stream.receive_some():
        pass


async def press_when_something_plays(caller: Caller) -> None:
    await trio.sleep(0.03)
    await caller.press("*")


async def test_a_sound_that_the_calls_end_cuts_off_is_not_heard_to_its_end(phone: FakeFreeSwitch) -> None:
    phone.sound("one.wav", math.inf)
    with fails("""
        the caller was to hear one.wav to its end, but the call was over: NO_ANSWER

        The call:
             0.000  caller      1000 calls 5000
             0.020     handler  answer
             0.040  caller      hears tape/one.wav (without end)
             5.040  caller      hangs up: NO_ANSWER
             5.040  !!          the caller was to hear one.wav to its end, but the call was over: NO_ANSWER
        """):
        async with phone.dial(Tape) as caller, trio.open_nursery() as nursery:
            nursery.start_soon(hang_up_later, caller)
            await caller.hears("one.wav", to_the_end=True)


async def hang_up_later(caller: Caller) -> None:
    await trio.sleep(5.04)
    await caller.hangs_up("NO_ANSWER")


async def test_a_sound_that_goes_on_is_not_waited_for_without_a_limit(phone: FakeFreeSwitch) -> None:
    phone.sound("one.wav", math.inf)
    with fails(
        "the caller was to hear one.wav to its end, but it still played after 3600 s, "
        "while playback tape/one.wav was running"
    ):
        async with phone.dial(Tape) as caller:
            await caller.hears("one.wav", to_the_end=True)


# Silence


async def test_silence_is_silence_until_the_next_sound(phone: FakeFreeSwitch) -> None:
    async with phone.dial(Tape) as caller:
        await caller.hears("one.wav", to_the_end=True)
        await caller.hears_silence(0.9)
        await caller.hears("two.wav")


async def test_a_sound_that_still_plays_is_no_silence(phone: FakeFreeSwitch) -> None:
    with fails("""
        the caller was to hear nothing for 3 s, but tape/one.wav was still playing

        The call:
             0.000  caller      1000 calls 5000
             0.020     handler  answer
             0.040  caller      hears tape/one.wav (1 s)
             0.040  !!          the caller was to hear nothing for 3 s, but tape/one.wav was still playing
        """):
        async with phone.dial(Tape) as caller:
            await caller.hears("one.wav")
            await caller.hears_silence(3)


async def test_a_sound_that_begins_is_no_silence(phone: FakeFreeSwitch) -> None:
    with fails("the caller was to hear nothing for 3 s, but heard two.wav"):
        async with phone.dial(Tape) as caller:
            await caller.hears("one.wav", to_the_end=True)
            await caller.hears_silence(3)


async def test_what_was_over_before_is_neither_a_breach_of_silence_nor_expected_later(phone: FakeFreeSwitch) -> None:
    async with phone.dial(Tape) as caller:
        await caller.stays_silent(1.5)
        await caller.hears_silence(0.5)
        await caller.hears("two.wav")


async def test_a_call_that_ends_is_no_silence(phone: FakeFreeSwitch) -> None:
    with fails("the caller was to hear nothing for 3 s, but the call was over: NORMAL_CLEARING"):
        async with phone.dial(Tape) as caller:
            await caller.hears("one.wav")
            await caller.hears("two.wav", to_the_end=True)
            await caller.hears_silence(3)


async def test_what_plays_silence_is_silence(phone: FakeFreeSwitch) -> None:
    class Quiet(CallHandler):
        async def run(self) -> None:
            await self.playback("silence_stream://5000")
            await self.playback("bell.wav")

    async with phone.dial(Quiet) as caller:
        await caller.hears_silence(4)
        await caller.hears("bell.wav")
    assert caller.heard == ["silence_stream://5000", "bell.wav"]


# Keys, speech, time


async def test_keys_reach_the_handler_one_after_the_other(phone: FakeFreeSwitch) -> None:
    async with phone.dial(Waiting) as caller:
        before = trio.current_time()
        await caller.press("12*#A", gap=0.5)
        assert trio.current_time() - before == pytest.approx(2.0)
        await caller.stays_silent(1)
        await caller.press("0")
        await caller.stays_silent(1)
    assert Waiting.digits_seen == ["1", "2", "*", "#", "A", "0"]


@pytest.mark.parametrize("keys", ["", "x", "1 2", "a", "12w"])
async def test_only_keys_of_a_telephone_can_be_pressed(phone: FakeFreeSwitch, keys: str) -> None:
    message = r"'.*' cannot be pressed: a telephone has the keys 0-9, \*, # and A-D$"
    with pytest.raises(ValueError, match=message):
        async with phone.dial(Waiting) as caller:
            await caller.press(keys)


async def test_keys_cannot_be_pressed_after_the_call(phone: FakeFreeSwitch) -> None:
    with fails("the caller was to press 1, but the call was over: NORMAL_CLEARING"):
        async with phone.dial(Tape) as caller:
            await caller.was_hung_up()
            await caller.press("1")


async def test_who_speaks_is_recorded_for_as_long_as_he_speaks(phone: FakeFreeSwitch) -> None:
    async with phone.dial(Recorder) as caller:
        message = await caller.is_recorded()
        await caller.speaks(20)
        await caller.was_hung_up()
    assert message.ended is not None
    assert 22 < message.ended - message.began < 24


async def test_nobody_speaks_after_the_call(phone: FakeFreeSwitch) -> None:
    with fails("the caller was to speak for 3 s, but the call was over: NORMAL_CLEARING"):
        async with phone.dial(Tape) as caller:
            await caller.was_hung_up()
            await caller.speaks(3)


async def test_silence_outlasts_the_call(phone: FakeFreeSwitch) -> None:
    async with phone.dial(Tape) as caller:
        await caller.stays_silent(60)
        await caller.was_hung_up("NORMAL_CLEARING")


# Answer


async def test_an_answer_is_seen_when_it_comes(phone: FakeFreeSwitch) -> None:
    class Late(CallHandler):
        async def run(self) -> None:
            await self.sleep(10)
            await self.answer()
            await self.sleep(10)

    async with phone.dial(Late) as caller:
        await caller.gets_an_answer()
        assert 10 < trio.current_time() < 10.1
        await caller.gets_an_answer()


async def test_no_answer_fails_when_patience_is_over(phone: FakeFreeSwitch) -> None:
    phone.patience = 7
    with fails("""
        the call was to be answered, but it was not within 7 s, while no application was running

        The call:
             0.000  caller      1000 calls 5000
             7.000  !!          the call was to be answered, but it was not within 7 s, while no application was running
        """):
        async with phone.dial(Waiting) as caller:
            await caller.gets_an_answer()


# Bridges


async def test_a_callee_is_seen_to_ring_and_answers_when_told(phone: FakeFreeSwitch) -> None:
    phone.destination("user/1001", answers_after=None)
    async with phone.dial(Bridge, caller_id="4711", caller_id_name="Ada L.") as caller:
        ringing = await caller.is_calling("user/1001")
        assert (ringing.destination, ringing.caller_id, ringing.caller_id_name) == ("user/1001", "4711", "Ada L.")
        assert ringing.variables["direction"] == "outbound"
        await caller.stays_silent(20)
        await ringing.answers()
        callee = await caller.is_bridged_to("1001")
        assert ringing.is_up
        assert callee.is_up
        await callee.hangs_up()
        assert not ringing.is_up
        await caller.hears("after.wav")


async def test_a_callee_who_refuses_is_not_put_through(phone: FakeFreeSwitch) -> None:
    phone.destination("user/1001", answers_after=None)
    async with phone.dial(Bridge) as caller:
        callee = await caller.is_calling("user/1001")
        await callee.hangs_up("CALL_REJECTED")
        assert await caller.is_not_put_through("user/1001", "CALL_REJECTED") == "CALL_REJECTED"
        await caller.hears("after.wav")


async def test_those_of_a_list_ring_one_after_the_other(phone: FakeFreeSwitch) -> None:
    phone.destination("user/1001", answers_after=None)
    async with phone.dial(Failover) as caller:
        first = await caller.is_calling("user/1001")
        await first.hangs_up("USER_BUSY")
        await caller.is_calling("user/1002")
        await caller.is_bridged_to("user/1002")


@pytest.mark.parametrize("order", [("user/1001", "user/1002"), ("user/1002", "user/1001")])
async def test_those_who_ring_at_once_are_seen_in_any_order(phone: FakeFreeSwitch, order: tuple[str, str]) -> None:
    async with phone.dial(Both) as caller:
        for each in order:
            await caller.is_calling(each)
        await caller.is_bridged_to("*")


async def test_somebody_else_who_rings_fails(phone: FakeFreeSwitch) -> None:
    with fails("""
        user/1002 was to ring, but user/1001 rang

        The call:
             0.000  caller      1000 calls 5000
             0.020     handler  set continue_on_fail=true
             0.040     handler  bridge user/1001
             0.040      callee  user/1001 rings
             0.040  !!          user/1002 was to ring, but user/1001 rang
        """):
        async with phone.dial(Bridge) as caller:
            await caller.is_calling("user/1002")


async def test_nobody_who_rings_fails(phone: FakeFreeSwitch) -> None:
    with fails("user/1 was to ring, but it did not within 3600 s, while no application was running"):
        async with phone.dial(Waiting) as caller:
            await caller.is_calling("user/1")


async def test_a_bridge_that_fails_before_anybody_rings_fails(phone: FakeFreeSwitch) -> None:
    phone.destination("user/1001", cause="UNALLOCATED_NUMBER", refuses_after=0)
    message = "user/1001 was to ring, but the bridge to user/1001 failed: UNALLOCATED_NUMBER"
    with fails(message):
        async with phone.dial(Bridge) as caller:
            await caller.is_calling("user/1001")


async def test_a_bridge_to_somebody_else_fails(phone: FakeFreeSwitch) -> None:
    with fails("""
        the caller was to talk to user/1002, but talked to user/1001

        The call:
             0.000  caller      1000 calls 5000
             0.020     handler  set continue_on_fail=true
             0.040     handler  bridge user/1001
             0.040      callee  user/1001 rings
             1.040      callee  user/1001 answers
             1.040  caller      talks to user/1001
             1.040  !!          the caller was to talk to user/1002, but talked to user/1001
        """):
        async with phone.dial(Bridge) as caller:
            await caller.is_bridged_to("user/1002")


async def test_a_bridge_that_does_not_come_about_fails_with_its_cause(phone: FakeFreeSwitch) -> None:
    phone.destination("user/*", cause="USER_BUSY")
    with fails("""
        the caller was to talk to user/1001, but the bridge to user/1001 failed: USER_BUSY

        The call:
             0.000  caller      1000 calls 5000
             0.020     handler  set continue_on_fail=true
             0.040     handler  bridge user/1001
             0.040      callee  user/1001 rings
             0.060      callee  user/1001 does not answer: USER_BUSY
             0.060  !!          the caller was to talk to user/1001, but the bridge to user/1001 failed: USER_BUSY
        """):
        async with phone.dial(Bridge) as caller:
            await caller.is_bridged_to("user/1001")


async def test_a_bridge_that_rings_on_fails(phone: FakeFreeSwitch) -> None:
    phone.destination("user/1001", answers_after=None)
    message = "the caller was to talk to 1001, but was not put through within 9 s, while bridge user/1001 was running\n"
    with fails(message):
        async with phone.dial(Bridge) as caller:
            await caller.is_bridged_to("1001", within=9)


async def test_a_bridge_that_was_to_fail_and_does_not_fails(phone: FakeFreeSwitch) -> None:
    with fails("the bridge to 1001 was to fail, but the caller talked to user/1001"):
        async with phone.dial(Bridge) as caller:
            await caller.is_not_put_through("1001")


async def test_a_bridge_that_fails_with_another_cause_fails(phone: FakeFreeSwitch) -> None:
    phone.destination("user/*", cause="USER_BUSY")
    message = "the bridge to 1001 was to fail with NO_ANSWER, but it failed with USER_BUSY"
    with fails(message):
        async with phone.dial(Bridge) as caller:
            await caller.is_not_put_through("1001", "NO_ANSWER")


async def test_another_bridge_that_fails_fails(phone: FakeFreeSwitch) -> None:
    phone.destination("user/*", cause="USER_BUSY")
    message = "the bridge to 1002 was to fail, but it was the bridge to user/1001 that failed: USER_BUSY"
    with fails(message):
        async with phone.dial(Bridge) as caller:
            await caller.is_not_put_through("1002")


async def test_what_was_heard_before_a_bridge_is_past_after_it(phone: FakeFreeSwitch) -> None:
    class Announced(CallHandler):
        async def run(self) -> None:
            await self.playback("hold-the-line.wav")
            await self.execute("bridge", "user/1001")
            await self.playback("after.wav")

    async with phone.dial(Announced) as caller:
        callee = await caller.is_bridged_to("user/1001")
        await callee.hangs_up()
        await caller.hears("after.wav")


# Recordings


@pytest.mark.parametrize("path", ["*", "/spool/message.wav", "message.wav", "/spool/*"])
async def test_a_recording_is_seen_when_it_begins(phone: FakeFreeSwitch, path: str) -> None:
    async with phone.dial(Recorder) as caller:
        message = await caller.is_recorded(path)
        assert (message.path, message.ended) == ("/spool/message.wav", None)


async def test_another_recording_fails(phone: FakeFreeSwitch) -> None:
    with fails("""
        the caller was to be recorded in x.wav, but was recorded in /spool/message.wav

        The call:
             0.000  caller      1000 calls 5000
             0.020     handler  answer
             0.040  caller      is recorded in /spool/message.wav
             0.040  !!          the caller was to be recorded in x.wav, but was recorded in /spool/message.wav
        """):
        async with phone.dial(Recorder) as caller:
            await caller.is_recorded("x.wav")


@pytest.mark.parametrize(("path", "what"), [("*", "recorded"), ("x.wav", "recorded in x.wav")])
async def test_no_recording_fails(phone: FakeFreeSwitch, path: str, what: str) -> None:
    message = f"the caller was to be {what}, but was not within 3600 s, while no application was running"
    with fails(message):
        async with phone.dial(Waiting) as caller:
            await caller.is_recorded(path)


# Applications


async def test_applications_are_seen_to_run_in_their_order(phone: FakeFreeSwitch) -> None:
    async with phone.dial(Tape) as caller:
        await caller.was_hung_up()
        assert (await caller.sees_run("answer")).response == "_none_"
        assert (await caller.sees_run("playback", "two.wav")).began == pytest.approx(2.08)


async def test_an_application_that_does_not_run_fails(phone: FakeFreeSwitch) -> None:
    with fails("""
        set was to run with x=*, but the call was over: NORMAL_CLEARING

        The call:
             0.000  caller      1000 calls 5000
             0.020     handler  answer
             0.040  caller      hears tape/one.wav (1 s)
             1.060     handler  sleep 1000
             2.080  caller      hears two.wav (1 s)
             3.080     handler  hangs up: NORMAL_CLEARING
             3.100  !!          set was to run with x=*, but the call was over: NORMAL_CLEARING
        """):
        async with phone.dial(Tape) as caller:
            await caller.sees_run("set", "x=*")


async def test_an_application_that_ran_before_is_not_seen_again(phone: FakeFreeSwitch) -> None:
    with fails("answer was to run, but it did not within 0.5 s, while playback tape/one.wav was running"):
        async with phone.dial(Tape) as caller:
            await caller.sees_run("playback")
            await caller.sees_run("answer", within=0.5)


# The end


async def test_a_hangup_gives_its_cause(phone: FakeFreeSwitch) -> None:
    class Busy(CallHandler):
        async def run(self) -> None:
            await self.hangup("USER_BUSY")

    async with phone.dial(Busy) as caller:
        assert caller.is_up
        assert caller.hangup_cause is None
        assert await caller.was_hung_up() == "USER_BUSY"
        assert await caller.was_hung_up("USER_BUSY") == "USER_BUSY"
        assert not caller.hung_up_first
        assert not caller.is_up
    assert caller.cdr["hangup_cause"] == "USER_BUSY"


async def test_a_call_that_goes_on_fails(phone: FakeFreeSwitch) -> None:
    with fails("""
        the call was to be hung up, but it was still up after 0.5 s, while playback tape/one.wav was running

        The call:
             0.000  caller      1000 calls 5000
             0.020     handler  answer
             0.040  caller      hears tape/one.wav (1 s)
             0.500  !!          the call was to be hung up, but it was still up after 0.5 s, while playback tape/one.wav was running
        """):  # noqa: E501 - the message is as long as it is
        async with phone.dial(Tape) as caller:
            await caller.was_hung_up(within=0.5)


async def test_another_cause_fails(phone: FakeFreeSwitch) -> None:
    message = "the call was to be hung up with USER_BUSY, but it was hung up with NORMAL_CLEARING"
    with fails(message):
        async with phone.dial(Tape) as caller:
            await caller.was_hung_up("USER_BUSY")


async def test_a_caller_who_hangs_up_himself_was_not_hung_up(phone: FakeFreeSwitch) -> None:
    with fails("""
        the call was to be hung up, but it was the caller who hung up

        The call:
             0.000  caller      1000 calls 5000
             0.000  caller      hangs up: ORIGINATOR_CANCEL
             0.000  !!          the call was to be hung up, but it was the caller who hung up
        """):
        async with phone.dial(Tape) as caller:
            await caller.hangs_up()
            assert caller.hung_up_first
            await caller.was_hung_up()


async def test_a_caller_hangs_up_once(phone: FakeFreeSwitch) -> None:
    async with phone.dial(Tape) as caller:
        await caller.gets_an_answer()
        await caller.hangs_up()
        await caller.hangs_up("USER_BUSY")
    assert caller.hangup_cause == "NORMAL_CLEARING"


async def test_a_caller_who_is_left_parked_is_told_so(phone: FakeFreeSwitch) -> None:
    with fails("""
        the caller was to hear one.wav, but the caller is parked for ever, in silence: \
the event socket was closed before the channel was parked

        The call:
             0.000  caller      1000 calls 5000
             0.000     handler  exit
             0.000      switch  the event socket is closed
             0.001  !!          the caller was to hear one.wav, but the caller is parked for ever, in silence: \
the event socket was closed before the channel was parked
        """):
        async with phone.dial(leaves_at_once) as caller:
            await caller.hears("one.wav")


async def test_a_handler_that_raised_is_named_by_the_expectation_that_it_broke(phone: FakeFreeSwitch) -> None:
    with pytest.raises(HandlerFailed) as failed:
        async with phone.dial(Broken) as caller:
            await caller.hears("one.wav")
            await caller.hears("two.wav")
    ladder = str(failed.value).replace(caller.channel_uuid, "U")
    assert ladder == dedent("""
        the caller was to hear two.wav, but the handler raised KeyError('menu')

        The call:
             0.000  caller      1000 calls 5000
             0.020  caller      hears one.wav (1 s)
             1.020     handler  logs ERROR: channel U: run() failed: KeyError('menu')
             1.020     handler  hangs up: NORMAL_TEMPORARY_FAILURE
             1.040  !!          the caller was to hear two.wav, but the handler raised KeyError('menu')
        """).strip("\n")
    assert isinstance(failed.value.__cause__, KeyError)


async def test_a_handler_that_raised_is_the_cause_of_any_failure_after_it(phone: FakeFreeSwitch) -> None:
    with pytest.raises(CallFailed, match="but it was hung up with NORMAL_TEMPORARY_FAILURE") as failed:
        async with phone.dial(Broken) as caller:
            await caller.was_hung_up("NORMAL_CLEARING")
    assert isinstance(failed.value.__cause__, KeyError)


async def test_of_a_very_long_call_a_failure_shows_the_beginning_and_the_end(phone: FakeFreeSwitch) -> None:
    class Counts(CallHandler):
        async def run(self) -> None:
            for number in range(1000):
                await self.execute("set", f"n={number}")

    with pytest.raises(CallFailed) as failed:
        async with phone.dial(Counts) as caller:
            await caller.hears("a.wav")
    _, _, lines = str(failed.value).partition("The call:\n")
    assert len(lines.splitlines()) == 201
    assert "set n=38\n" in lines
    assert "set n=500\n" not in lines
    assert "set n=999\n" in lines
    assert lines.splitlines()[40] == "  ... 803 lines more, all of them in caller.ladder() ..."
    assert "set n=500\n" in caller.ladder()


async def test_keys_are_not_pressed_after_the_end_of_the_call(phone: FakeFreeSwitch) -> None:
    class Short(CallHandler):
        async def run(self) -> None:
            await self.answer()
            await self.sleep(1)

    with fails("the caller was to press 123, of which 23 was left, but the call was over: NORMAL_CLEARING"):
        async with phone.dial(Short) as caller:
            await caller.gets_an_answer()
            await caller.press("123", gap=5)


async def test_what_plays_on_behind_something_shorter_is_no_silence(phone: FakeFreeSwitch) -> None:
    class Interrupts(CallHandler):
        async def run(self) -> None:
            await self.answer()
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self.playback, "music.wav")
                await trio.sleep(2)
                await self.playback("beep.wav")

    phone.sound("music.wav", 60)
    with fails("the caller was to hear nothing for 5 s, but music.wav was still playing"):
        async with phone.dial(Interrupts) as caller:
            await caller.hears("music.wav")
            await caller.hears("beep.wav", to_the_end=True)
            await caller.hears_silence(5)


async def test_early_media_alone_is_no_talk(phone: FakeFreeSwitch) -> None:
    phone.destination("user/1001", answers_after=None, early_media_after=1)
    with fails("the caller was to talk to user/1001, but user/1001 was heard, and never answered"):
        async with phone.dial(Bridge) as caller:
            callee = await caller.is_calling("user/1001")
            async with trio.open_nursery() as nursery:
                nursery.start_soon(hangs_up_after, callee, 5)
                await caller.is_bridged_to("user/1001")


async def hangs_up_after(callee: Callee, seconds: float) -> None:
    await trio.sleep(seconds)
    await callee.hangs_up()


async def test_a_call_can_be_broken_before_the_handler_has_heard_a_word(phone: FakeFreeSwitch) -> None:
    with fails("there was to be a connection to the handler, but there is none; is_connected() waits for it"):
        async with phone.dial(Tape) as caller:
            caller.connection.reset()
    # Whether `connect` was said in that instant is chance, and so is whether the caller is parked for ever.
    with suppress(CallFailed):
        async with phone.dial(Tape) as caller:
            await caller.is_connected()
            caller.connection.reset()
    assert caller.heard == []
    assert "closed" in caller.ladder()


async def test_what_the_handler_raised_is_told_with_a_check_of_the_tests_own(phone: FakeFreeSwitch) -> None:
    with pytest.raises(ValueError, match="not one, two") as failed:
        async with phone.dial(Broken) as caller:
            await caller.was_hung_up()
            raise ValueError("not one, two")
    [note] = failed.value.__notes__
    assert note.startswith(
        "The handler raised KeyError('menu').\n\nThe call:\n     0.000  caller      1000 calls 5000\n"
    )


async def test_a_handler_that_does_the_same_over_and_over_is_not_watched_for_an_hour(
    phone: FakeFreeSwitch, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Retries(CallHandler):
        async def run(self) -> None:
            while True:
                with suppress(FileNotPlayed):
                    await self.playback("missing.wav")

    phone.missing_sound("missing.wav")
    monkeypatch.setattr("esl_outbound.testing.watch._BUSY_SECONDS", 0.05)
    with pytest.raises(CallFailed, match=r"user/1001, but was not put through within \d+\.\d+ s"):
        async with phone.dial(Retries) as caller:
            await caller.is_bridged_to("user/1001")


def test_in_real_time_nobody_waits_for_an_hour() -> None:
    async def call() -> float:
        async with FakeFreeSwitch().dial(Tape) as caller:
            return caller.patience

    assert trio.run(call) == 60
    assert run_in_virtual_time(call) == 3600


# What is known of a call


async def test_the_whole_conversation_is_there_afterwards(phone: FakeFreeSwitch) -> None:
    class Everything(CallHandler):
        async def run(self) -> None:
            await self.answer()
            await self.execute("play_and_get_digits", "1 1 1 5000 # ask.wav no.wav choice")
            await self.execute("set", "a=${choice}")
            await self.execute("system", "reboot")
            await self.execute("record", "/spool/a.wav 1")
            await self.execute("bridge", "{x=1}user/1001")

    phone.destination("user/1001", hangs_up_after=30)
    async with phone.dial(Everything, before=["set b=2"], variables={"c": "3"}) as caller:
        with fails("there was to be a call detail record, but the call has not ended yet"):
            caller.cdr  # noqa: B018 - it is asked for
        await caller.hears("ask.wav")
        await caller.press("7")
        await caller.was_hung_up()
    assert caller.heard == ["ask.wav"]
    assert [each.argument for each in caller.asked] == ["1 1 1 5000 # ask.wav no.wav choice"]
    assert [each.application for each in caller.executed] == [
        *("set", "answer", "play_and_get_digits", "set", "system", "record", "bridge")
    ]
    assert list(caller.programs) == ["reboot"]
    assert [each.path for each in caller.recorded] == ["/spool/a.wav"]
    assert [(each.destination, each.dial_string, each.callee, each.disposition) for each in caller.bridges] == [
        ("user/1001", "{x=1}user/1001", "user/1001", "SUCCESS")
    ]
    assert {name: caller.variables[name] for name in ("a", "b", "c")} == {"a": "7", "b": "2", "c": "3"}
    assert (caller.cdr["hangup_cause"], int(caller.cdr["billsec"]) > 30) == ("NORMAL_CLEARING", True)
    assert caller.hangup_cause == "NORMAL_CLEARING"


async def test_a_connection_that_is_gone_cannot_be_broken(phone: FakeFreeSwitch) -> None:
    with fails("there was to be a connection to the handler, but there is none"):
        async with phone.dial(Tape) as caller:
            await caller.was_hung_up()
            await caller.stays_silent(20)
            caller.connection.reset()


async def test_a_ladder_shows_what_somebody_else_chose_without_control_characters(phone: FakeFreeSwitch) -> None:
    class Speaks(CallHandler):
        async def run(self) -> None:
            await self.execute("set", "x=\x1b[2J\u202e")

    async with phone.dial(Speaks, caller_id="1\n2") as caller:
        await caller.was_hung_up()
    assert caller.ladder().splitlines()[:2] == [
        "     0.000  caller      1\\n2 calls 5000",
        "     0.020     handler  set x=\\x1b[2J\\u202e",
    ]


async def test_a_ladder_leaves_out_what_is_done_for_the_sake_of_another_application(phone: FakeFreeSwitch) -> None:
    class Works(CallHandler):
        async def run(self) -> None:
            await self.answer()
            await self.set_variables({"a": "1", "b": "2"})
            await self.bridge("user/1001")
            await self.unset_variables("a")
            await self.set_variable("b", "3")
            async with self.mutex("m"):
                pass

    phone.destination("user/1001", cause="USER_BUSY")
    async with phone.dial(Works) as caller:
        await caller.was_hung_up()
    told = [line.split("  ")[-1] for line in caller.ladder().splitlines() if "   handler  " in line]
    assert told == [
        *("answer", "set a=1", "set b=2", "bridge user/1001", "multiunset a", "set b=3", "mutex m", "mutex m off"),
        "hangs up: NORMAL_CLEARING",
    ]
    executed = [each.application for each in caller.executed]
    assert executed[3:7] == ["multiunset", "set", "bridge", "set"]
    assert executed[-2:] == ["mutex", "multiunset"]


async def test_a_ladder_tells_of_housekeeping_that_stands_alone(phone: FakeFreeSwitch) -> None:
    class Tidies(CallHandler):
        async def run(self) -> None:
            await self.execute("multiunset", "a b")
            await self.execute("set", "esl_outbound_x=1")
            await self.execute("set", "c=1")

    async with phone.dial(Tidies) as caller:
        await caller.was_hung_up()
    assert "  multiunset a b\n" in caller.ladder()
    assert "esl_outbound_x" not in caller.ladder()
    assert "  set c=1\n" in caller.ladder()
    await caller.sees_run("set", "esl_outbound_x=1")
