"""``sleep``, ``wait_for_answer``, and waiting for silence or for sound."""

from __future__ import annotations

import pytest
import trio

from esl_outbound.testing import Caller, FakeFreeSwitch

from .speaking import PARKED, EventSocket, connected, executing, parked, variables


async def ringing(socket: EventSocket) -> None:
    """Set up a call that is not answered; the park takes its first execution by itself, and tells nobody."""
    await socket.ask(*PARKED)
    await socket.until("CHANNEL_PARK")
    await socket.execute("set", "untold=1")
    await socket.listen(0.05)
    socket.forget()


async def test_a_sleep_without_media_looks_at_nothing_that_is_queued(phone: FakeFreeSwitch) -> None:
    async with connected(phone) as (caller, socket):
        await ringing(socket)
        await socket.send(executing("set", "b=1"), executing("sleep", "1000"), executing("set", "a=1"))
        await caller.press("1")
        await socket.until("CHANNEL_EXECUTE_COMPLETE", Application="set")
        await socket.until("CHANNEL_EXECUTE_COMPLETE", Application="set")
        assert [each for each in socket.told() if not each.startswith("DTMF")] == [
            "EXECUTE set b=1",
            "COMPLETE set _none_",
            "EXECUTE sleep 1000",
            "COMPLETE sleep _none_",
            "EXECUTE set a=1",
            "COMPLETE set _none_",
        ]
        seconds = [event.seconds for event in socket.events if event.name != "DTMF"]
        assert seconds[3] - seconds[2] == pytest.approx(1, abs=0.021)


@pytest.mark.parametrize("way", ["break", "hangup"])
async def test_a_sleep_without_media_ends_by_a_break_or_a_hangup(phone: FakeFreeSwitch, way: str) -> None:
    async with connected(phone) as (caller, socket):
        await ringing(socket)
        await socket.execute("sleep", "60000")
        await socket.listen(1)
        before = trio.current_time()
        if way == "break":
            await socket.api(f"uuid_break {caller.channel_uuid}")
        else:
            await caller.hangs_up()
        await socket.until("CHANNEL_EXECUTE_COMPLETE", Application="sleep")
        assert trio.current_time() - before <= 0.021


@pytest.mark.parametrize(
    ("argument", "seconds"),
    [
        ("", 0),
        ("-5", 0),
        ("0", 0),
        ("4294967", 4294.967),
        ("4294968", 0.000704),
        ("5000000", 705.032704),
        ("3000000000", 0),
    ],
)
async def test_a_sleep_lasts_as_long_as_32_bits_of_microseconds(
    phone: FakeFreeSwitch, argument: str, seconds: float
) -> None:
    async with parked(phone) as (_, socket):
        complete = await socket.run("sleep", argument)
        assert complete.seconds - socket.events[0].seconds == pytest.approx(seconds, abs=0.021)


@pytest.mark.parametrize("before", [[], ["pre_answer"]])
async def test_wait_for_answer_waits_for_the_answer(phone: FakeFreeSwitch, before: list[str]) -> None:
    async with connected(phone, before=before) as (caller, socket):
        await socket.ask(*PARKED)
        await socket.until("CHANNEL_PARK")
        await socket.execute("wait_for_answer")
        await socket.listen(5)
        assert "COMPLETE wait_for_answer _none_" not in socket.told()
        await socket.api(f"uuid_answer {caller.channel_uuid}")
        await socket.execute("set", "a=1")
        await socket.until("CHANNEL_EXECUTE_COMPLETE", Application="set")
        assert caller.hangup_cause is None


# Silence and sound


async def say_something(caller: Caller, after: float, seconds: float) -> None:
    await trio.sleep(after)
    await caller.speaks(seconds)


@pytest.mark.parametrize(
    ("application", "argument", "seconds", "variable", "value"),
    [
        ("wait_for_silence", "200 50 0 60000", 1.5, "wait_for_silence_timeout", "false"),
        ("wait_for_silence", "200 50 0 1000", 1, "wait_for_silence_timeout", "true"),
        ("wait_for_silence", "200 50 10 60000", 5.5, "wait_for_silence_timeout", "false"),
        ("wait_for_silence", "200 50 10 3000", 3, "wait_for_silence_timeout", "true"),
        ("wait_for_silence", "200 50 0", 0, "wait_for_silence_timeout", None),
        ("wait_for_silence", "0 50 0 1000", 0, "wait_for_silence_timeout", None),
        ("detect_audio", "200 50 60000", 3.02, "detect_audio_timeout", "false"),
        ("detect_audio", "200 50 2500", 2.5, "detect_audio_timeout", "true"),
        ("detect_audio", "200 50", 0, "detect_audio_timeout", None),
    ],
)
async def test_what_the_caller_says_is_waited_for(
    phone: FakeFreeSwitch, application: str, argument: str, seconds: float, variable: str, value: str | None
) -> None:
    async with parked(phone) as (caller, socket), trio.open_nursery() as nursery:
        await socket.execute(application, argument)
        nursery.start_soon(say_something, caller, 2, 2)
        complete = await socket.until("CHANNEL_EXECUTE_COMPLETE")
        assert complete.seconds - socket.events[0].seconds == pytest.approx(seconds, abs=0.05)
        assert variables(complete).get(variable) == value
        await trio.sleep(5)
