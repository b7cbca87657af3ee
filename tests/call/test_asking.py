"""Questions that are answered with digits: every way in which they end, and nothing lost that was typed."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Awaitable, Callable

import pytest
import trio
from trio.testing import MockClock

from esl_outbound import (
    Answer,
    AnswerEnding,
    Call,
    CallHandler,
    CallHungUp,
    FileNotPlayed,
    LocalProtocolError,
    Prompts,
    Say,
    Tones,
)
from esl_outbound.testing import Caller, FakeFreeSwitch

from ..freeswitch import CHANNEL, api_response, dial

ANY = "%[playback_terminators=0123456789*#ABCD]"


class Asking(CallHandler):
    """Asks one question, and keeps the answer."""

    def __init__(self, question: Callable[[Call], Awaitable[Answer]]) -> None:
        self.question = question
        self.answers: list[Answer] = []

    async def run(self) -> None:
        await self.answer()
        self.answers.append(await self.question(self))
        await self.playback("after.wav")


async def ask(
    phone: FakeFreeSwitch,
    question: Callable[[Call], Awaitable[Answer]],
    story: Callable[[Caller], Awaitable[None]],
) -> Answer:
    """The answer that a caller gives in a story."""
    handler = Asking(question)
    async with phone.dial(lambda: handler) as caller:
        await story(caller)
        await caller.hears("after.wav")
    (answer,) = handler.answers
    return answer


async def test_enough_digits_are_an_answer_and_the_first_ends_the_prompt(phone: FakeFreeSwitch) -> None:
    phone.sound("pin.wav", 10)

    async def story(caller: Caller) -> None:
        await caller.hears("pin.wav")
        await caller.press("12")
        await caller.press("34")

    answer = await ask(phone, lambda call: call.ask("pin.wav", digits=4), story)
    assert answer == "1234"
    assert (answer.ending, answer.terminator, answer.tries) == (AnswerEnding.DIGITS, "", 1)
    assert answer.is_valid
    assert repr(answer) == "Answer('1234', DIGITS)"


async def test_a_terminator_ends_an_answer(phone: FakeFreeSwitch) -> None:
    async def story(caller: Caller) -> None:
        await caller.hears("pin.wav", to_the_end=True)
        await caller.press("12#")

    answer = await ask(phone, lambda call: call.ask("pin.wav"), story)
    assert (answer, answer.ending, answer.terminator) == ("12", AnswerEnding.TERMINATOR, "#")


async def test_a_caller_who_falls_silent_has_answered_if_it_is_enough(phone: FakeFreeSwitch) -> None:
    async def story(caller: Caller) -> None:
        await caller.hears("pin.wav", to_the_end=True)
        await caller.press("12")
        await caller.stays_silent(3)

    answer = await ask(phone, lambda call: call.ask("pin.wav", min_digits=2, max_digits=4), story)
    assert (answer, answer.ending) == ("12", AnswerEnding.TIMEOUT)


async def test_silence_and_wrong_answers_have_prompts_of_their_own_and_tries_end(phone: FakeFreeSwitch) -> None:
    phone.sound("invalid.wav", 5)

    async def story(caller: Caller) -> None:
        await caller.hears("menu.wav", to_the_end=True)
        await caller.stays_silent(4)
        await caller.hears("silence.wav", to_the_end=True)
        await caller.hears("menu.wav")
        await caller.press("9")
        await caller.hears("invalid.wav", to_the_end=True)
        await caller.hears("menu.wav", to_the_end=True)
        await caller.press("#")
        await caller.hears("invalid.wav", to_the_end=True)

    answer = await ask(
        phone,
        lambda call: call.ask(
            "menu.wav", digits=1, allowed="12", timeout_seconds=4, invalid="invalid.wav", silence="silence.wav"
        ),
        story,
    )
    assert not answer
    assert (answer.ending, answer.tries, answer.rejected) == (AnswerEnding.FAILED, 3, "#")
    assert not answer.is_valid
    assert not answer.was_silent


async def test_a_caller_who_never_types_failed_in_silence(phone: FakeFreeSwitch) -> None:
    async def story(caller: Caller) -> None:
        for _ in range(2):
            await caller.hears("menu.wav", to_the_end=True)
            await caller.stays_silent(4)

    answer = await ask(phone, lambda call: call.ask("menu.wav", digits=1, tries=2), story)
    assert (answer.ending, answer.rejected, answer.was_silent) == (AnswerEnding.FAILED, "", True)


async def test_a_pattern_has_to_match_the_whole_answer(phone: FakeFreeSwitch) -> None:
    async def story(caller: Caller) -> None:
        await caller.hears("pin.wav")
        await caller.press("1299#")
        await caller.hears("pin.wav")
        await caller.press("12#")

    answer = await ask(phone, lambda call: call.ask("pin.wav", pattern="12|13"), story)
    assert (answer, answer.tries) == ("12", 2)


async def test_nothing_may_be_an_answer(phone: FakeFreeSwitch) -> None:
    async def silent(caller: Caller) -> None:
        await caller.hears("extension.wav", to_the_end=True)
        await caller.stays_silent(4)

    async def terminator(caller: Caller) -> None:
        await caller.hears("extension.wav")
        await caller.press("#")

    answer = await ask(phone, lambda call: call.ask("extension.wav", min_digits=0, max_digits=4), silent)
    assert (answer, answer.ending, answer.is_valid) == ("", AnswerEnding.TIMEOUT, True)
    answer = await ask(phone, lambda call: call.ask("extension.wav", min_digits=0, max_digits=4), terminator)
    assert (answer, answer.ending, answer.is_valid) == ("", AnswerEnding.TERMINATOR, True)


async def test_what_was_typed_ahead_is_the_answer_and_nothing_is_said(phone: FakeFreeSwitch) -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            await self.answer()
            await self.playback("welcome.wav")
            assert await self.ask("first.wav", digits=2) == "12"
            assert await self.ask("second.wav", digits=1) == "3"
            assert await self.ask("third.wav", digits=1) == "4"

    async with phone.dial(Handler) as caller:
        await caller.hears("welcome.wav")
        await caller.press("123")
        await caller.hears("third.wav")
        await caller.press("4")
        await caller.was_hung_up()
    assert caller.heard == ["welcome.wav", "third.wav"]


async def test_a_terminator_after_a_whole_answer_belongs_to_it(phone: FakeFreeSwitch) -> None:
    """Whoever has learnt to press # after everything does not skip the next question with it."""
    phone.sound("second.wav", 5)

    class Handler(CallHandler):
        async def run(self) -> None:
            await self.answer()
            assert await self.ask("first.wav", digits=2) == "12"
            assert await self.ask("second.wav", digits=2) == "34"
            assert await self.ask("third.wav", min_digits=0, max_digits=9) == "56"
            assert await self.read_digits(1) == "7"
            await trio.sleep(5)
            assert (await self.read_digits(min_digits=0)).terminator == "#"  # too late to be of the last answer

    async with phone.dial(Handler) as caller:
        await caller.hears("first.wav")
        await caller.press("12")
        await caller.hears("second.wav")
        await caller.press("#")
        await caller.stays_silent(3)
        await caller.press("34#56#7")
        await caller.stays_silent(4)
        await caller.press("#")
        await caller.was_hung_up()
    second = next(sound for sound in caller.sounds if sound.path == "second.wav")
    assert second.seconds is not None
    assert second.seconds > 3


async def test_a_terminator_after_a_wrong_answer_is_no_second_try(phone: FakeFreeSwitch) -> None:
    """Whoever mistypes and presses # out of habit has all the other tries left, and hears what was wrong."""
    phone.sound("invalid.wav", 5)

    async def story(caller: Caller) -> None:
        await caller.hears("pin.wav")
        await caller.press("9999#")
        await caller.hears("invalid.wav", to_the_end=True)
        await caller.hears("pin.wav")
        await caller.press("99")
        await caller.hears("invalid.wav")
        await caller.press("#")
        await caller.hears("pin.wav", to_the_end=True)
        await caller.press("1234")

    answer = await ask(phone, lambda call: call.ask("pin.wav", digits=4, pattern="1.*", invalid="invalid.wav"), story)
    assert (answer, answer.tries) == ("1234", 3)


async def test_a_terminator_that_came_in_time_belongs_to_its_answer_however_late_that_is_looked_at(
    phone: FakeFreeSwitch,
) -> None:
    phone.sound("thanks.wav", 10)

    class Handler(CallHandler):
        async def run(self) -> None:
            await self.answer()
            assert await self.ask("first.wav", digits=2) == "12"
            await self.playback("thanks.wav")
            assert await self.ask("second.wav", digits=2) == "34"
            await self.playback("thanks.wav")
            assert (await self.ask("third.wav", min_digits=0)).terminator == "#"  # pressed too late for the second

    async with phone.dial(Handler) as caller:
        await caller.hears("first.wav")
        await caller.press("12")
        await caller.hears("thanks.wav")
        await caller.press("#")
        await caller.hears("second.wav", to_the_end=True)
        await caller.press("34")
        await caller.hears("thanks.wav")
        await caller.stays_silent(5)
        await caller.press("#")
        await caller.was_hung_up()
    assert "third.wav" not in caller.heard


async def test_a_terminator_that_the_next_question_asks_for_answers_it(phone: FakeFreeSwitch) -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            await self.answer()
            assert await self.ask("first.wav", digits=1) == "1"
            assert await self.ask("second.wav", digits=1, allowed="#*") == "#"
            assert await self.ask("third.wav", digits=1) == "2"
            assert await self.ask("fourth.wav", digits=1) == "3"
            await trio.sleep(1)
            assert self.digits.clear() == "##"

    async with phone.dial(Handler) as caller:
        await caller.hears("first.wav")
        await caller.press("1#2#3##")
        await caller.was_hung_up()


async def test_two_that_ask_at_once_get_each_digit_once_and_each_ends_their_prompts(phone: FakeFreeSwitch) -> None:
    """Not that it makes sense; but neither of them waits for ever."""
    for sound in ("one.wav", "two.wav"):
        phone.sound(sound, 60)
    answers: list[str] = []

    class Handler(CallHandler):
        async def run(self) -> None:
            await self.answer()
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self.ask_for, "one.wav")
                await trio.sleep(1)
                nursery.start_soon(self.ask_for, "two.wav")
            await self.playback("after.wav")

        async def ask_for(self, prompt: str) -> None:
            answers.append(await self.ask(prompt, digits=2))

    async with phone.dial(Handler) as caller:
        for sound in ("one.wav", "two.wav"):
            await caller.hears(sound)
        await caller.press("12")
        await caller.stays_silent(1)
        await caller.press("34")
        await caller.hears("after.wav", within=10)
    assert sorted("".join(answers)) == list("1234")


async def test_what_is_asked_amid_music_and_a_recording_is_heard_and_answered(phone: FakeFreeSwitch) -> None:
    for sound in ("music.wav", "pin.wav"):
        phone.sound(sound, 60)

    class Handler(CallHandler):
        async def run(self) -> None:
            await self.answer()
            async with self.recording("/r/call.wav"), self.music_on_hold("music.wav"):
                await trio.sleep(1)
                assert await self.ask(["pin.wav", "more.wav"], digits=4) == "1234"
                with trio.move_on_after(2):
                    await self.ask("pin.wav")
                assert await self.read_digits(2) == "56"
            await self.playback("after.wav")

    async with phone.dial(Handler) as caller:
        for sound in ("music.wav", "pin.wav"):
            await caller.hears(sound)
        await caller.press("1234")
        await caller.hears("pin.wav")
        await caller.hears("music.wav")
        await caller.press("56")
        await caller.hears("after.wav")


def test_an_answer_can_be_copied_and_kept() -> None:
    answer = Answer("", AnswerEnding.FAILED, rejected="#", tries=3)
    for copied in (copy.deepcopy(answer), pickle.loads(pickle.dumps(answer))):
        assert isinstance(copied, Answer)
        assert (copied, copied.ending, copied.rejected, copied.tries) == ("", AnswerEnding.FAILED, "#", 3)


async def test_several_prompts_of_all_kinds_are_said_in_a_row(phone: FakeFreeSwitch) -> None:
    prompts: Prompts = ["you-have.wav", Say(3), "messages.wav", Tones("%(500,0,800)")]

    async def story(caller: Caller) -> None:
        for sound in ("you-have.wav", "say:number:3"):
            await caller.hears(sound, to_the_end=True)
        await caller.hears("messages.wav")
        await caller.press("1")

    assert await ask(phone, lambda call: call.ask(prompts, digits=1), story) == "1"


async def test_an_answer_may_take_only_so_long(phone: FakeFreeSwitch) -> None:
    async def story(caller: Caller) -> None:
        await caller.hears("pin.wav", to_the_end=True)
        for digit in "123":
            await caller.press(digit)
            await caller.stays_silent(0.8)

    answer = await ask(phone, lambda call: call.ask("pin.wav", total_seconds=3), story)
    assert (answer, answer.ending) == ("123", AnswerEnding.TIMEOUT)


async def test_digits_are_read_without_a_prompt(phone: FakeFreeSwitch) -> None:
    async def story(caller: Caller) -> None:
        await caller.stays_silent(1)
        await caller.press("*5")

    answer = await ask(phone, lambda call: call.read_digits(max_digits=2, pattern=r"\*\d"), story)
    assert answer == "*5"


async def test_what_is_there_is_read_in_no_time(phone: FakeFreeSwitch) -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            await self.answer()
            await self.playback("welcome.wav")
            assert await self.read_digits(timeout_seconds=0, digit_timeout_seconds=0) == "12"
            assert await self.read_digits(timeout_seconds=0) == ""

    async with phone.dial(Handler) as caller:
        await caller.hears("welcome.wav")
        await caller.press("12")
        await caller.was_hung_up()


async def test_whoever_waits_less_long_finds_the_digits_and_no_prompt_plays_on(phone: FakeFreeSwitch) -> None:
    phone.sound("long.wav", 60)

    class Handler(CallHandler):
        async def run(self) -> None:
            await self.answer()
            with trio.move_on_after(2):
                await self.ask("long.wav")
            await self.playback("between.wav")
            with trio.move_on_after(2):
                await self.ask("long.wav", digits=4)
            assert self.digits.clear() == "12"

    async with phone.dial(Handler) as caller:
        await caller.hears("long.wav")
        await caller.hears("between.wav")
        await caller.hears("long.wav")
        await caller.press("12")
        await caller.was_hung_up()


async def test_a_digit_that_the_park_took_before_the_prompt_began_stops_it_all_the_same(
    autojump_clock: MockClock,
) -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            assert await self.ask("long.wav", digits=1) == "1"

    async with dial(Handler) as switch:
        await switch.greet()
        uuid = await switch.expect_execute("playback", f"{ANY}long.wav")
        await switch.send(switch.event("DTMF", DTMF_Digit="1"), switch.execute(uuid))
        await switch.expect(f"api uuid_break {CHANNEL}")
        await switch.send(api_response("+OK\n"), switch.complete(uuid, response="FILE%20PLAYED"))
        await switch.hang_up_as_told()
        await switch.expect_exit()


async def test_a_prompt_that_is_not_there_raises(phone: FakeFreeSwitch) -> None:
    phone.missing_sound("gone.wav")

    class Handler(CallHandler):
        async def run(self) -> None:
            with pytest.raises(FileNotPlayed):
                await self.ask(["here.wav", "gone.wav"])

    async with phone.dial(Handler) as caller:
        await caller.was_hung_up()


async def test_a_caller_who_hangs_up_ends_the_question(phone: FakeFreeSwitch) -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            with trio.CancelScope(shield=True), pytest.raises(CallHungUp):
                await self.ask("pin.wav")
            with trio.CancelScope(shield=True), pytest.raises(CallHungUp):
                await self.read_digits()

    async with phone.dial(Handler) as caller:
        await caller.hears("pin.wav", to_the_end=True)
        await caller.hangs_up()


@pytest.mark.parametrize(
    "method",
    [
        lambda c: c.ask("a.wav", digits=0),
        lambda c: c.ask("a.wav", digits=129),
        lambda c: c.ask("a.wav", digits=4, min_digits=2),
        lambda c: c.ask("a.wav", digits=4, max_digits=4),
        lambda c: c.ask("a.wav", min_digits=5, max_digits=4),
        lambda c: c.ask("a.wav", min_digits=-1),
        lambda c: c.ask("a.wav", allowed="12x"),
        lambda c: c.ask("a.wav", pattern="("),
        lambda c: c.ask("a.wav", terminators="any"),
        lambda c: c.ask("a.wav", tries=0),
        lambda c: c.ask("a.wav", tries=float("nan")),
        lambda c: c.ask("a.wav", timeout_seconds=-1),
        lambda c: c.ask("a.wav", digit_timeout_seconds=float("nan")),
        lambda c: c.ask("a.wav", total_seconds=-0.1),
        lambda c: c.ask("a\nb.wav"),
        lambda c: c.ask("a.wav", invalid=["b.wav", ""]),
        lambda c: c.ask("a.wav", silence=Tones("")),
        lambda c: c.read_digits(1.5),
    ],
)
async def test_a_question_that_cannot_be_asked_is_refused_before_anything_is_sent(
    method: Callable[[CallHandler], Awaitable[object]],
) -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            with pytest.raises(LocalProtocolError):
                await method(self)

    async with dial(Handler) as switch:
        await switch.greet()
        await switch.hang_up_as_told()
        await switch.expect_exit()


async def test_without_async_freeswitch_collects_the_digits(phone: FakeFreeSwitch) -> None:
    answers: list[Answer] = []

    class Handler(CallHandler):
        async def run(self) -> None:
            await self.answer()
            await self.playback("welcome.wav")
            answers.append(await self.ask(["a.wav", "b.wav"], digits=2))
            answers.append(await self.ask(["c.wav", Say(3)], allowed="12", max_digits=3, invalid="invalid.wav"))
            answers.append(await self.ask("d.wav", digits=1, tries=2, silence="silence.wav"))
            answers.append(await self.read_digits(min_digits=0))
            assert len(self.digits) == 0

    async with phone.dial(Handler, mode="full") as caller:
        await caller.hears("welcome.wav")
        await caller.hears("file_string://a.wav!b.wav")
        await caller.press("12")
        await caller.hears("c.wav", to_the_end=True)
        await caller.hears("say:number:3", to_the_end=True)
        await caller.press("39#")
        await caller.hears("invalid.wav", to_the_end=True)
        await caller.hears("c.wav", to_the_end=True)
        await caller.hears("say:number:3", to_the_end=True)
        await caller.press("12#")
        for _ in range(2):
            await caller.hears("d.wav", to_the_end=True)
            await caller.stays_silent(4)
            await caller.hears("silence.wav", to_the_end=True)
        await caller.press("#")
        await caller.was_hung_up()
    assert [(str(answer), answer.ending, answer.terminator, answer.tries) for answer in answers] == [
        ("12", AnswerEnding.DIGITS, "", 1),
        ("12", AnswerEnding.TERMINATOR, "#", 2),
        ("", AnswerEnding.FAILED, "", 2),
        ("", AnswerEnding.TERMINATOR, "#", 1),
    ]


async def test_without_async_a_menu_works_too(phone: FakeFreeSwitch) -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            await self.answer()
            await self.menu("menu.wav", {"1": self.first, "20": self.second})

        async def first(self) -> None:
            await self.playback("first.wav")

        async def second(self) -> None:
            await self.playback("second.wav")

    async with phone.dial(Handler, mode="") as caller:
        await caller.hears("menu.wav")
        await caller.press("1#")
        await caller.hears("first.wav")
    async with phone.dial(Handler, mode="") as caller:
        await caller.hears("menu.wav")
        await caller.press("20")
        await caller.hears("second.wav")
