"""Where a digit goes, how none is lost, and what ``read`` and ``play_and_get_digits`` make of them."""

from __future__ import annotations

import pytest
import trio

from esl_outbound.testing import Caller, FakeFreeSwitch

from .speaking import EventSocket, connected, executing, parked, variables

PROMPT = "silence_stream://10"


def digits_of(socket: EventSocket) -> str:
    """All digits that events told of, in order."""
    return "".join(event["DTMF-Digit"] for event in socket.events if event.name == "DTMF")


# The event


async def test_a_digit_has_one_event_with_its_duration_and_source(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        await caller.press("#")
        event = await socket.until("DTMF")
        assert b"\nDTMF-Digit: %23\nDTMF-Duration: 800\nDTMF-Source: UNKNOWN\n" in event.raw
        assert event["Unique-ID"] == caller.channel_uuid
        assert not variables(event)


async def test_the_park_takes_a_digit_within_a_frame(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        await trio.sleep(0.005)
        before = trio.current_time()
        await caller.press("1")
        assert 0 < (await socket.until("DTMF")).at - before <= 0.02


async def test_48_digits_over_any_mix_of_applications_give_48_events_in_order(phone: FakeFreeSwitch) -> None:
    phone.sound("long.wav", 1.5)
    typed = "0123456789ABCD#" * 3 + "123"
    actions = [
        ("set", "a=1"),
        ("playback", "%[playback_terminators=none]long.wav"),
        ("sleep", "300"),
        ("say", "en number iterated 12"),
        ("play_and_get_digits", f"1 3 1 1000 * {PROMPT} {PROMPT} d"),
        ("record", "/tmp/a.wav 1"),
        ("gentones", "%(1000,0,440)"),
        ("read", f"1 2 {PROMPT} r 1000 *"),
        ("bridge", "user/1001"),
    ]
    phone.destination("user/1001", hangs_up_after=2)
    async with parked(phone) as (caller, socket):
        await socket.run("set", "playback_terminators=none")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(type_slowly, caller, typed)
            for application, argument in actions:
                await socket.run(application, argument)
            await socket.listen(20)
        assert digits_of(socket) == typed


async def type_slowly(caller: Caller, digits: str) -> None:
    await caller.press(digits, gap=0.2)


async def test_digits_that_are_flushed_have_no_event(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        await socket.send(executing("queue_dtmf", "12"), executing("flush_dtmf"), executing("queue_dtmf", "3"))
        await socket.listen(1)
        assert digits_of(socket) == "3"
        await caller.press("45", gap=0)
        assert await socket.api(f"uuid_flush_dtmf {caller.channel_uuid}") == "+OK\n"
        await socket.listen(1)
        assert digits_of(socket) == "3"


# What a digit ends


async def test_a_sleep_ends_at_once_with_a_digit_and_leaves_it_to_the_park(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        await socket.execute("sleep", "10000")
        await socket.until("CHANNEL_EXECUTE")
        await socket.listen(1.005)
        before = trio.current_time()
        await caller.press("1")
        complete = await socket.until("CHANNEL_EXECUTE_COMPLETE")
        assert complete.at - before <= 0.022
        await socket.until("DTMF")
        assert socket.told() == ["EXECUTE sleep 10000", "COMPLETE sleep _none_", "DTMF 1"]


@pytest.mark.parametrize(("terminators", "ending"), [(None, "*"), ("7", "7")])
async def test_a_sleep_that_eats_digits_goes_on_until_a_terminator(
    phone: FakeFreeSwitch, terminators: str | None, ending: str
) -> None:
    async with parked(phone) as (caller, socket):
        await socket.run("set", "sleep_eat_digits=true")
        if terminators:
            await socket.run("set", f"playback_terminators={terminators}")
        socket.forget()
        await socket.execute("sleep", "10000")
        await socket.until("CHANNEL_EXECUTE")
        await caller.press("12")
        await socket.listen(3)
        assert socket.told() == ["EXECUTE sleep 10000", "DTMF 1", "DTMF 2"]
        await caller.press(ending)
        await socket.until("CHANNEL_EXECUTE_COMPLETE")
        assert trio.current_time() < 5


@pytest.mark.parametrize(
    ("terminators", "ends", "does_not"),
    [
        (None, "*", "0123456789#ABCD"),
        ("none", "", "0123456789*#ABCD"),
        ("any", "0123456789*#", "ABCD"),
        ("#5", "#5", "01234*A"),
    ],
)
@pytest.mark.parametrize(("application", "argument"), [("playback", "long.wav"), ("record", "/tmp/a.wav")])
async def test_terminators(
    phone: FakeFreeSwitch, application: str, argument: str, terminators: str | None, ends: str, does_not: str
) -> None:
    phone.sound("long.wav", 20)
    async with parked(phone) as (caller, socket):
        if terminators is not None:
            await socket.run("set", f"playback_terminators={terminators}")
        for digit in ends:
            await socket.execute(application, argument, uuid="it")
            await socket.until("CHANNEL_EXECUTE", uuid="it")
            await socket.listen(0.105)
            before = trio.current_time()
            await caller.press(digit)
            complete = await socket.until("CHANNEL_EXECUTE_COMPLETE", uuid="it")
            assert complete.at - before <= 0.022
            assert variables(complete)["playback_terminator_used"] == digit
        await socket.execute(application, argument, uuid="last")
        await caller.press(does_not)
        socket.forget()
        await socket.listen(5)
        assert not [event for event in socket.events if event.told.startswith("COMPLETE")]


@pytest.mark.parametrize(("application", "argument"), [("playback", "a.wav"), ("record", "/tmp/a.wav 1")])
async def test_playback_terminator_used_is_cleared_by_each(
    phone: FakeFreeSwitch, application: str, argument: str
) -> None:
    phone.sound("long.wav", 10)
    async with parked(phone) as (caller, socket):
        await socket.execute("playback", "long.wav")
        await caller.hears("long.wav")
        await caller.press("*")
        assert variables(await socket.until("CHANNEL_EXECUTE_COMPLETE"))["playback_terminator_used"] == "*"
        assert "playback_terminator_used" not in variables(await socket.run(application, argument))


async def test_terminators_may_be_set_for_one_playback(phone: FakeFreeSwitch) -> None:
    phone.sound("long.wav", 10)
    async with parked(phone) as (caller, socket):
        await socket.execute("playback", "%[playback_terminators=any]long.wav")
        await caller.hears("long.wav")
        await caller.press("5")
        complete = await socket.until("CHANNEL_EXECUTE_COMPLETE")
        assert complete["Application-Data"] == "long.wav"
        assert await socket.ask("getvar playback_terminators") == "-ERR command not found"
        assert "playback_terminators" not in caller.variables


# Digits of others


async def test_queue_dtmf_and_play_and_get_digits_in_one_write_are_read_at_once(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (_, socket):
        await socket.send(
            executing("queue_dtmf", "34"),
            executing("play_and_get_digits", f"2 2 1 5000 # {PROMPT} {PROMPT} d", uuid="it"),
        )
        complete = await socket.until("CHANNEL_EXECUTE_COMPLETE", uuid="it")
        assert variables(complete)["d"] == "34"
        events = [event for event in socket.events if event.name == "DTMF"]
        assert [(event["DTMF-Digit"], event["DTMF-Source"]) for event in events] == [("3", "APP"), ("4", "APP")]


async def test_uuid_recv_dtmf_just_before_is_read_at_once(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        await socket.api(f"uuid_recv_dtmf {caller.channel_uuid} 34")
        await socket.execute("play_and_get_digits", f"2 2 1 5000 # {PROMPT} {PROMPT} d", uuid="it")
        complete = await socket.until("CHANNEL_EXECUTE_COMPLETE", uuid="it")
        assert variables(complete)["d"] == "34"


async def test_digits_that_were_queued_earlier_are_eaten_by_the_park(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (_, socket):
        await socket.run("queue_dtmf", "34")
        await socket.listen(0.3)
        complete = await socket.run("play_and_get_digits", f"2 2 1 1000 # {PROMPT} {PROMPT} d")
        assert "d" not in variables(complete)
        assert digits_of(socket) == "34"


async def test_what_is_typed_while_parked_is_not_read_later(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        await caller.press("12")
        await socket.listen(0.5)
        complete = await socket.run("read", f"1 2 {PROMPT} d 1000 #")
        assert "d" not in variables(complete)


async def test_in_sync_mode_what_was_typed_ahead_is_read(phone: FakeFreeSwitch) -> None:
    async with connected(phone, mode="full", before=["answer"]) as (caller, socket):
        await socket.ask("connect", "myevents")
        await caller.press("34")
        await socket.listen(1)
        assert digits_of(socket) == ""
        await socket.ask(executing("play_and_get_digits", f"2 2 1 5000 # {PROMPT} {PROMPT} d"))
        assert caller.variables["d"] == "34"


async def test_digits_beyond_the_maximum_stay_queued_and_the_park_takes_the_next(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        ask = f"2 2 1 5000 # {PROMPT} {PROMPT}"
        await socket.execute("play_and_get_digits", f"{ask} first", uuid="first")
        await socket.until("CHANNEL_EXECUTE", uuid="first")
        await caller.press("123456", gap=0)
        await socket.until("CHANNEL_EXECUTE_COMPLETE", uuid="first")
        await socket.run("play_and_get_digits", f"3 3 1 5000 # {PROMPT} {PROMPT} second")
        assert caller.variables["first"] == "12"
        assert caller.variables["second"] == "456"
        assert digits_of(socket) == "123456"


# play_and_get_digits and read: the results


async def asked(
    phone: FakeFreeSwitch, argument: str, pressed: str, *, application: str = "play_and_get_digits", gap: float = 0.2
) -> dict[str, str]:
    """Ask, press, and give the variables at the end; the terminator of some read before is still there."""
    async with parked(phone) as (caller, socket):
        await socket.run("set", "read_terminator_used=stale")
        await socket.execute(application, argument, uuid="it")
        await socket.until("CHANNEL_EXECUTE", uuid="it")
        await socket.listen(0.1)
        if pressed:
            await caller.press(pressed, gap=gap)
        complete = await socket.until("CHANNEL_EXECUTE_COMPLETE", uuid="it")
        assert complete["Application-Response"] == "_none_"
        return variables(complete)


@pytest.mark.parametrize(
    ("case", "argument", "pressed", "value", "result", "terminator", "invalid"),
    [
        ("terminator", "1 5 1", "12#", "12", "success", "#", None),
        ("maximum", "1 2 1", "12", "12", "success", "stale", None),
        ("digit timeout", "1 5 1", "12", "12", "timeout", "stale", None),
        ("nothing", "1 5 1", "", None, "failure", "stale", None),
        ("too few, timeout", "3 5 1", "12", "12", "failure", "stale", None),
        ("too few, terminator", "3 5 1", "12#", "12", "failure", "#", None),
        ("no match", "1 2 1", "99", None, "success", "stale", "99"),
        ("only the terminator", "1 5 1", "#", None, "failure", "#", None),
        ("only the terminator, minimum 0", "0 5 1", "#", None, "success", "#", None),
        ("one digit that is the terminator", "1 1 1", "#", None, "failure", "#", None),
    ],
)
async def test_play_and_get_digits_results(
    phone: FakeFreeSwitch,
    case: str,
    argument: str,
    pressed: str,
    value: str | None,
    result: str,
    terminator: str,
    invalid: str | None,
) -> None:
    pattern = "[0-8]+" if case == "no match" else ""
    words = f"{argument} 2000 # {PROMPT} {PROMPT} d {pattern}".rstrip()
    found = await asked(phone, words, pressed)
    assert found.get("d") == value
    assert found.get("read_result") == result
    assert found["read_terminator_used"] == terminator
    assert found.get("d_invalid") == invalid


@pytest.mark.parametrize(
    ("argument", "pressed", "value", "result", "terminator"),
    [
        ("1 5", "12#", "12", "success", "#"),
        ("1 2", "12", "12", "success", "stale"),
        ("1 5", "12", "12", "timeout", "stale"),
        ("1 5", "", None, "failure", "stale"),
        ("3 5", "12", "12", "failure", "stale"),
        ("3 5", "12#", "12", "failure", "#"),
        ("1 5", "#", None, "failure", "#"),
    ],
)
async def test_read_results(
    phone: FakeFreeSwitch, argument: str, pressed: str, value: str | None, result: str, terminator: str
) -> None:
    found = await asked(phone, f"{argument} {PROMPT} d 2000 #", pressed, application="read")
    assert found.get("d") == value
    assert found.get("read_result") == result
    assert found["read_terminator_used"] == terminator


async def test_a_missing_prompt_leaves_no_result_at_all_and_takes_no_time(phone: FakeFreeSwitch) -> None:
    phone.missing_sound("gone.wav")
    phone.missing_sound("gone-too.wav")
    async with parked(phone) as (_, socket):
        await socket.run("set", "read_terminator_used=stale")
        before = trio.current_time()
        found = variables(await socket.run("play_and_get_digits", "1 1 2 5000 # gone.wav gone-too.wav d"))
        assert trio.current_time() - before <= 0.06
        assert "read_result" not in found
        assert "d" not in found
        assert found["read_terminator_used"] == "stale"


async def test_the_last_wrong_try_is_kept(phone: FakeFreeSwitch) -> None:
    found = await asked(phone, f"1 1 2 2000 # {PROMPT} {PROMPT} d [0-4]", "97", gap=0.5)
    assert found["d_invalid"] == "7"
    assert "d" not in found


async def test_a_wrong_try_is_followed_by_the_invalid_file_and_the_next(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        await socket.execute("play_and_get_digits", "1 1 3 5000 # menu.wav wrong.wav d [0-4]")
        await caller.hears("menu.wav")
        await caller.press("9")
        await caller.hears("wrong.wav", to_the_end=True)
        await caller.hears("menu.wav")
        await caller.press("4")
        complete = await socket.until("CHANNEL_EXECUTE_COMPLETE")
        assert variables(complete)["d"] == "4"


async def test_after_the_last_try_the_invalid_file_plays_too(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        await socket.run("play_and_get_digits", "1 1 2 1000 # menu.wav wrong.wav d")
        assert caller.heard == ["menu.wav", "wrong.wav", "menu.wav", "wrong.wav"]


async def test_the_first_digit_ends_the_prompt_and_counts(phone: FakeFreeSwitch) -> None:
    phone.sound("menu.wav", 30)
    async with parked(phone) as (caller, socket):
        await socket.execute("play_and_get_digits", f"2 2 1 5000 # menu.wav {PROMPT} d")
        sound = await caller.hears("menu.wav")
        await caller.press("12")
        complete = await socket.until("CHANNEL_EXECUTE_COMPLETE")
        assert sound.how == "cut short by 1"
        assert variables(complete)["d"] == "12"


@pytest.mark.parametrize("moment", ["amid the prompt", "after it"])
async def test_one_digit_that_is_the_terminator_is_no_digit(phone: FakeFreeSwitch, moment: str) -> None:
    phone.sound("menu.wav", 5 if moment == "amid the prompt" else 0.01)
    async with parked(phone) as (caller, socket):
        await socket.execute("play_and_get_digits", f"1 1 1 2000 # menu.wav {PROMPT} d")
        await caller.hears("menu.wav")
        await socket.listen(0.1)
        await caller.press("#")
        assert "d" not in variables(await socket.until("CHANNEL_EXECUTE_COMPLETE"))


async def test_a_timeout_below_a_second_is_a_second(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (_, socket):
        before = trio.current_time()
        await socket.run("play_and_get_digits", f"1 1 1 100 # {PROMPT} {PROMPT} d")
        assert trio.current_time() - before == pytest.approx(1.02, abs=0.05)


async def test_the_digit_timeout_is_its_own(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        await socket.execute("play_and_get_digits", f"1 9 1 20000 # {PROMPT} {PROMPT} d \\d+ 2000")
        await socket.until("CHANNEL_EXECUTE")
        await socket.listen(5)
        before = trio.current_time()
        await caller.press("1")
        complete = await socket.until("CHANNEL_EXECUTE_COMPLETE")
        assert complete.at - before == pytest.approx(2, abs=0.05)


@pytest.mark.parametrize(("terminators", "value"), [("none", "1#*2"), ("*", "1#")])
async def test_terminators_can_be_others_or_none(phone: FakeFreeSwitch, terminators: str, value: str) -> None:
    found = await asked(phone, f"1 4 1 2000 {terminators} {PROMPT} {PROMPT} d", "1#*2")
    assert found["d"] == value


async def test_with_minimum_0_and_a_stale_terminator_nothing_counts_as_success(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        await socket.run("set", "read_terminator_used=#")
        before = len(caller.heard)
        await socket.run("play_and_get_digits", "0 3 3 1000 # menu.wav wrong.wav d")
        assert caller.heard[before:] == ["menu.wav"]


async def test_an_event_of_a_digit_comes_before_the_completion(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        await socket.execute("read", f"1 2 {PROMPT} d 2000 #")
        await socket.until("CHANNEL_EXECUTE")
        await caller.press("12")
        await socket.until("CHANNEL_EXECUTE_COMPLETE")
        assert socket.told() == [f"EXECUTE read 1 2 {PROMPT} d 2000 #", "DTMF 1", "DTMF 2", "COMPLETE read _none_"]


async def test_diverted_events_make_no_difference_to_digits(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        assert await socket.ask("divert_events on") == "+OK events diverted"
        await caller.press("1")
        assert (await socket.until("DTMF"))["Event-Name"] == "DTMF"


# Words


async def test_the_last_word_of_play_and_get_digits_is_all_the_rest(phone: FakeFreeSwitch) -> None:
    phone.extension("other/77", ["playback elsewhere.wav"])
    async with parked(phone) as (caller, socket):
        await socket.execute("play_and_get_digits", f"1 1 1 1000 # {PROMPT} {PROMPT} d . 1000 77 XML other")
        await caller.hears("elsewhere.wav")
        assert caller.variables["transfer_source"].endswith(":bl_xfer:77/other/XML")


async def test_read_takes_seven_words(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        await socket.execute("read", f"1 2 {PROMPT} d 5000 # 2000 more of them")
        await caller.press("1")
        await socket.until("CHANNEL_EXECUTE_COMPLETE", Application="read")
        assert caller.variables["d"] == "1"
        assert trio.current_time() == pytest.approx(2.1, abs=0.1)


@pytest.mark.parametrize("prompt", [PROMPT, "gone.wav"])
async def test_less_than_no_tries_are_tries_without_end(phone: FakeFreeSwitch, prompt: str) -> None:
    phone.missing_sound("gone.wav")
    async with parked(phone) as (caller, socket):
        await socket.execute("play_and_get_digits", f"1 1 -1 1000 # {prompt} gone.wav d . 1000 77")
        await socket.listen(120)
        assert "EXECUTE_COMPLETE" not in "".join(event.name for event in socket.events)
        await caller.hangs_up()
        await socket.until("CHANNEL_EXECUTE_COMPLETE", Application="play_and_get_digits")
