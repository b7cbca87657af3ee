"""What is asked of a caller, and the digits that answer it.

Digits come from DTMF events, each once and in order, whatever runs; prompts are
played so that any digit ends them. So nothing that is typed ahead is lost, and tries,
patterns and timeouts are ours (FreeSWITCH's ``play_and_get_digits`` loses what the park takes between two of it).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum, StrEnum
from typing import TYPE_CHECKING, Final, TypeAlias, final

import attrs
import trio

from ..arguments.checks import check_digits, check_number, check_pattern, milliseconds
from ..arguments.text import Expand
from ..errors import LocalProtocolError
from .collecting import COLLECTED_DIGITS, SHORTEST_TIMEOUT, play_and_get_digits
from .execution import Stage
from .playing import ANY_DIGIT
from .prompts import Phrase, Prompt, Say, Speak, Tones, spoken
from .speaking import prompt_ended, say_prompt, start_prompt

if TYPE_CHECKING:
    from .line import Line

__all__ = ["Answer", "AnswerEnding", "Prompts", "Question", "Typed", "Verdict", "ask_question", "question"]

Prompts: TypeAlias = Prompt | Sequence[Prompt]
"""One prompt, or several in a row."""

MOST_DIGITS: Final = 128

# FreeSWITCH ends a prompt 22 ms after the digit. One that was pressed just before the prompt began does not end it.
_BARGE_IN_SECONDS: Final = 0.1


class AnswerEnding(StrEnum):
    """What ended a caller's answer."""

    DIGITS = "digits"
    """There were enough of them."""
    TERMINATOR = "terminator"
    """A terminator was pressed after enough of them."""
    TIMEOUT = "timeout"
    """The caller fell silent after enough of them."""
    FAILED = "failed"
    """No try gave an answer that was asked for."""


@final
class Answer(str):
    """What the caller typed: a ``str``, and how it came to be.

    It is empty if there was no answer, so ``if answer == "1"`` and ``if not answer`` do
    what they seem to do.
    """

    __slots__ = ("_ending", "_rejected", "_terminator", "_tries")

    _ending: AnswerEnding
    _rejected: str
    _terminator: str
    _tries: int

    def __new__(
        cls, digits: str, ending: AnswerEnding, *, terminator: str = "", rejected: str = "", tries: int = 1
    ) -> Answer:
        """Make an answer."""
        answer = super().__new__(cls, digits)
        answer._ending = ending
        answer._terminator = terminator
        answer._rejected = rejected
        answer._tries = tries
        return answer

    def __getnewargs_ex__(self) -> tuple[tuple[str, AnswerEnding], dict[str, str]]:
        """What ``copy`` and ``pickle`` make another one of; they add what is in the slots."""
        return (str(self), self._ending), {}

    @property
    def ending(self) -> AnswerEnding:
        """What ended it."""
        return self._ending

    @property
    def is_valid(self) -> bool:
        """Whether it is an answer that was asked for, even if that was nothing (``min_digits=0``)."""
        return self._ending is not AnswerEnding.FAILED

    @property
    def terminator(self) -> str:
        """The digit that ended it; empty if none did."""
        return self._terminator

    @property
    def rejected(self) -> str:
        """If it failed, what was typed in the last try; empty if that was nothing."""
        return self._rejected

    @property
    def was_silent(self) -> bool:
        """Whether it failed because nothing was typed in the last try."""
        return not self.is_valid and not self._rejected

    @property
    def tries(self) -> int:
        """How many tries it took."""
        return self._tries

    def __repr__(self) -> str:
        return f"Answer({str(self)!r}, {self._ending.name})"


class Verdict(Enum):
    """What is to be made of the digits typed so far."""

    MORE = "more may come"
    ENOUGH = "no more can come"
    WRONG = "this cannot become an answer"


@final
@attrs.frozen
class Typed:
    """What was typed in one try."""

    digits: str
    terminator: str
    ending: AnswerEnding
    """FAILED if it cannot become an answer; else what ended it, whether it is an answer or not."""


@final
@attrs.frozen
class Question:
    """What is asked, checked: ``question()`` makes it."""

    prompts: tuple[Prompt, ...]
    verdict: Callable[[str], Verdict]
    """What is to be made of the digits typed so far."""
    is_answer: Callable[[str], bool]
    """Whether digits are an answer."""
    max_digits: int
    """The most that can be an answer."""
    terminators: str
    tries: int
    timeout_seconds: float
    digit_timeout_seconds: float
    total_seconds: float
    invalid: tuple[Prompt, ...]
    silence: tuple[Prompt, ...]


def question(
    prompts: Prompts,
    *,
    digits: int | None,
    min_digits: int | None,
    max_digits: int | None,
    allowed: str,
    pattern: str,
    terminators: str,
    tries: int,
    timeout_seconds: float,
    digit_timeout_seconds: float,
    total_seconds: float | None,
    invalid: Prompts,
    silence: Prompts,
) -> Question:
    """Check what is to be asked.

    Raises:
        LocalProtocolError: Something about it cannot be; nothing was sent.
    """
    fewest, most = _counts(digits, min_digits, max_digits)
    check_digits(terminators, "terminators")
    right = frozenset(check_digits(allowed, "allowed") or ANY_DIGIT).difference(terminators if not allowed else "")
    expression = check_pattern(pattern, "pattern") if pattern else None

    def verdict(typed: str) -> Verdict:
        if not right.issuperset(typed):
            return Verdict.WRONG
        return Verdict.ENOUGH if len(typed) == most else Verdict.MORE

    def is_answer(typed: str) -> bool:
        return len(typed) >= fewest and (expression is None or expression.fullmatch(typed) is not None)

    return asked(
        prompts,
        verdict,
        is_answer,
        max_digits=most,
        # A digit that may be part of an answer ends none.
        terminators="".join(digit for digit in terminators if digit not in right),
        tries=tries,
        timeout_seconds=timeout_seconds,
        digit_timeout_seconds=digit_timeout_seconds,
        total_seconds=total_seconds,
        invalid=invalid,
        silence=silence,
    )


def _counts(digits: int | None, min_digits: int | None, max_digits: int | None) -> tuple[int, int]:
    """The fewest and the most digits of an answer."""
    if digits is None:
        most = check_number(MOST_DIGITS if max_digits is None else max_digits, "max_digits", least=1, most=MOST_DIGITS)
        return check_number(1 if min_digits is None else min_digits, "min_digits", least=0, most=most), most
    if min_digits is not None or max_digits is not None:
        raise LocalProtocolError("digits says both how many there have to be and how many there can be")
    number = check_number(digits, "digits", least=1, most=MOST_DIGITS)
    return number, number


def asked(
    prompts: Prompts,
    verdict: Callable[[str], Verdict],
    is_answer: Callable[[str], bool],
    *,
    max_digits: int,
    terminators: str,
    tries: int,
    timeout_seconds: float,
    digit_timeout_seconds: float,
    total_seconds: float | None,
    invalid: Prompts,
    silence: Prompts,
) -> Question:
    """A question whose answers are told by functions.

    Raises:
        LocalProtocolError: A number is out of its bounds, or a prompt cannot be said.
    """
    check_number(tries, "tries", least=1, most=1000)
    for name, seconds in (("timeout_seconds", timeout_seconds), ("digit_timeout_seconds", digit_timeout_seconds)):
        milliseconds(seconds, name)
    if total_seconds is not None:
        milliseconds(total_seconds, "total_seconds")
    return Question(
        _checked(prompts),
        verdict,
        is_answer,
        max_digits,
        terminators,
        tries,
        timeout_seconds,
        digit_timeout_seconds,
        float("inf") if total_seconds is None else total_seconds,
        _checked(invalid),
        _checked(silence),
    )


def _checked(prompts: Prompts) -> tuple[Prompt, ...]:
    if isinstance(prompts, str | Expand | Say | Speak | Phrase | Tones):
        found: tuple[Prompt, ...] = (prompts,) if prompts else ()
    else:
        found = tuple(prompts)
    for prompt in found:
        spoken(prompt, {})  # what is wrong with it is said before anything is heard
    return found


async def ask_question(line: Line, asked_for: Question) -> Answer:
    """Ask, until there is an answer or there are no more tries.

    Raises:
        FileNotPlayed: FreeSWITCH could not open or decode a prompt.
        ApplicationFailed: FreeSWITCH could not say a phrase.
        CallEnded: The call ended first.
    """
    await line.require_call()
    await trio.lowlevel.checkpoint()  # all of the answer may have been typed ahead
    line.digits.ask_for("".join(digit for digit in ANY_DIGIT if asked_for.verdict(digit) is not Verdict.WRONG))
    typed = Typed("", "", AnswerEnding.FAILED)
    say, one_try = (_say_until_digit, _try) if line.is_async else (_say_all, _try_without_async)
    for number in range(1, asked_for.tries + 1):
        typed = await one_try(line, asked_for)
        if typed.digits and not typed.terminator:
            line.digits.expect_spare(asked_for.terminators, asked_for.digit_timeout_seconds)
        if typed.ending is not AnswerEnding.FAILED and asked_for.is_answer(typed.digits):
            return Answer(typed.digits, typed.ending, terminator=typed.terminator, tries=number)
        await say(line, asked_for.invalid if typed.digits or typed.terminator else asked_for.silence)
    return Answer("", AnswerEnding.FAILED, rejected=typed.digits or typed.terminator, tries=asked_for.tries)


async def _say_until_digit(line: Line, prompts: Sequence[Prompt]) -> None:
    """Say prompts until they are over or a digit is there, which stays there."""
    digits = line.digits
    for prompt in prompts:
        if digits.is_there():
            return
        terminators = "".join(digit for digit in ANY_DIGIT if digit not in digits.spare_terminators)
        execution = await start_prompt(line, prompt, terminators)
        try:
            while execution.stage < Stage.COMPLETED and not digits.is_there():
                with digits.interrupting():
                    await execution.completed()
            # FreeSWITCH ends it by itself, unless the park had taken the digit before the prompt began.
            with trio.move_on_after(_BARGE_IN_SECONDS):
                await execution.completed()
        finally:
            if execution.stage < Stage.COMPLETED:
                await execution.stop()
        if execution.completion is not None:
            prompt_ended(line, prompt, execution.completion, terminators)


async def _try(line: Line, asked_for: Question) -> Typed:
    """Say the prompts, and collect the digits."""
    await _say_until_digit(line, asked_for.prompts)
    typed = ""
    deadline = trio.current_time() + asked_for.total_seconds
    try:
        while True:
            wait = asked_for.digit_timeout_seconds if typed else asked_for.timeout_seconds
            if not await _digit_until(line, min(deadline, trio.current_time() + wait)):
                return Typed(typed, "", AnswerEnding.TIMEOUT)
            digit = line.digits.take()
            if digit in asked_for.terminators:
                return Typed(typed, digit, AnswerEnding.TERMINATOR)
            typed += digit
            match asked_for.verdict(typed):
                case Verdict.ENOUGH:
                    return Typed(typed, "", AnswerEnding.DIGITS)
                case Verdict.WRONG:
                    return Typed(typed, "", AnswerEnding.FAILED)
    except BaseException:
        # Whoever waits less long than we do (`trio.move_on_after`) finds them where they were.
        line.digits.put_back(typed)
        raise


async def _digit_until(line: Line, deadline: float) -> bool:
    """Whether a digit is there, or comes until then; one that was typed ahead is there however short the time."""
    if not line.digits.is_there():
        with trio.move_on_at(deadline):
            while not line.digits.is_there():
                await line.digits.wait()
    return line.digits.is_there()


async def _say_all(line: Line, prompts: Sequence[Prompt]) -> None:
    for prompt in prompts:
        await say_prompt(line, prompt, "")


async def _try_without_async(line: Line, asked_for: Question) -> Typed:
    """Let FreeSWITCH collect the digits: without ``async`` nothing takes them from it between applications."""
    paths = [prompt for prompt in asked_for.prompts if isinstance(prompt, str | Expand)]
    if len(paths) < len(asked_for.prompts):
        await _say_all(line, asked_for.prompts)
        paths = []
    collected = await play_and_get_digits(
        line,
        paths or None,
        max_digits=min(asked_for.max_digits, COLLECTED_DIGITS),
        tries=1,
        timeout_seconds=max(asked_for.timeout_seconds, SHORTEST_TIMEOUT),
        digit_timeout_seconds=max(asked_for.digit_timeout_seconds, SHORTEST_TIMEOUT),
        terminators=asked_for.terminators,
    )
    digits, terminator = collected.digits or collected.rejected, collected.terminator or ""
    ending = AnswerEnding.DIGITS if len(digits) == asked_for.max_digits else AnswerEnding.TIMEOUT
    if terminator:
        ending = AnswerEnding.TERMINATOR
    allowed = all(asked_for.verdict(digits[:end]) is not Verdict.WRONG for end in range(1, len(digits) + 1))
    return Typed(digits, terminator, ending if allowed else AnswerEnding.FAILED)
