"""Digits that FreeSWITCH itself collects: ``play_and_get_digits`` and ``read``, when called by name."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Final, final

import attrs

from ..arguments.checks import check_digits, check_number, check_pattern, milliseconds
from ..arguments.text import Expand, Text, argument, shown, words
from ..errors import FileNotPlayed, LocalProtocolError
from .base import CallBase
from .prompts import files
from .variable_commands import unset_command

if TYPE_CHECKING:
    from ..protocol import Event
    from .line import Line

__all__ = [
    "COLLECTED_DIGITS",
    "SHORTEST_TIMEOUT",
    "CollectedDigits",
    "CollectingDigits",
    "DigitsOutcome",
    "play_and_get_digits",
    "read",
]

# The variable that the digits are put into: ours, so that it is nobody else's.
_VARIABLE: Final = "esl_outbound_digits"
_INVALID: Final = f"{_VARIABLE}_invalid"
_RESULT: Final = "read_result"
_TERMINATOR: Final = "read_terminator_used"
# read_function() and play_and_get_digits_function() have room for 128 characters, the last of which is none.
COLLECTED_DIGITS: Final = 127
# They take shorter timeouts for a second.
SHORTEST_TIMEOUT: Final = 1.0


class DigitsOutcome(StrEnum):
    """What came of asking for digits."""

    SUCCESS = "success"
    """As many digits as were wanted, or enough of them and a terminator."""
    TIMEOUT = "timeout"
    """Enough digits, and then no more in time."""
    INVALID = "invalid"
    """The digits did not match the pattern, in the last try."""
    FAILURE = "failure"
    """No digits, or too few, in the last try."""


@final
@attrs.frozen
class CollectedDigits:
    """What ``play_and_get_digits`` or ``read`` collected."""

    outcome: DigitsOutcome
    """What came of it."""
    digits: str = ""
    """The digits, without the terminator; empty unless they were accepted."""
    terminator: str | None = None
    """The terminator that was pressed; None if none was. FreeSWITCH does not forget it from one try to the next: with
    several tries it may be an earlier try's."""
    rejected: str = ""
    """What was typed last and not accepted, because it was too short or did not match."""

    @property
    def accepted(self) -> bool:
        """Whether there are digits, as many as were wanted and as the pattern has them."""
        return self.outcome in (DigitsOutcome.SUCCESS, DigitsOutcome.TIMEOUT)


class CollectingDigits(CallBase):
    """Digits that FreeSWITCH itself collects."""

    async def play_and_get_digits(
        self,
        prompt: Text | Sequence[Text] | None,
        *,
        min_digits: int = 1,
        max_digits: int | None = None,
        tries: int = 3,
        timeout_seconds: float = 5,
        digit_timeout_seconds: float | None = None,
        terminators: str = "#",
        terminator_required: bool = False,
        invalid: Text | Sequence[Text] | None = None,
        pattern: str = "",
    ) -> CollectedDigits:
        r"""Play a file and let FreeSWITCH collect digits, in several tries.

        Runs the ``play_and_get_digits`` application. ``ask`` does the same with DTMF events, loses nothing that
        is typed ahead, and can be stopped. This cannot: if the waiting is cancelled, the prompt
        that plays is ended, and FreeSWITCH goes on with its digits and its other tries. What is collected
        here is not among ``digits`` any more.

        Args:
            prompt: What to play in each try: a file, or several in a row. The first digit ends it.
            min_digits: The fewest digits.
            max_digits: The most, up to 127; ``min_digits`` if not said. As soon as there are so many, they are taken.
            tries: How often to ask.
            timeout_seconds: How long to wait for the first digit after the prompt, at least a second.
            digit_timeout_seconds: How long to wait for each further one; ``timeout_seconds`` if not said.
            terminators: The digits that end the typing; none if empty.
            terminator_required: Accept only what a terminator ended.
            invalid: What to play after a try that failed, and after the last one, too. If it cannot be
                played, FreeSWITCH does not tell.
            pattern: A regular expression that the digits match as a whole, such as ``[1-4]\d``. FreeSWITCH's are
                PCRE's.

        Raises:
            FileNotPlayed: The prompt of the last try could not be played.
            LocalProtocolError: A number or a file makes no sense; nothing was sent.
            CallEnded: The call ended first.
        """
        return await play_and_get_digits(
            self._line,
            prompt,
            min_digits=min_digits,
            max_digits=max_digits,
            tries=tries,
            timeout_seconds=timeout_seconds,
            digit_timeout_seconds=digit_timeout_seconds,
            terminators=terminators,
            terminator_required=terminator_required,
            invalid=invalid,
            pattern=pattern,
        )

    async def read(
        self,
        prompt: Text | Sequence[Text] | None,
        *,
        min_digits: int = 1,
        max_digits: int | None = None,
        timeout_seconds: float = 5,
        digit_timeout_seconds: float | None = None,
        terminators: str = "#",
        terminator_required: bool = False,
    ) -> CollectedDigits:
        """Play a file and let FreeSWITCH collect digits, once.

        Runs the ``read`` application. Arguments as of ``play_and_get_digits``, which also says why this cannot
        be stopped: if the waiting is cancelled, only the prompt is ended.

        Raises:
            FileNotPlayed: The prompt could not be played.
            LocalProtocolError: A number or a file makes no sense; nothing was sent.
            CallEnded: The call ended first.
        """
        return await read(
            self._line,
            prompt,
            min_digits=min_digits,
            max_digits=max_digits,
            timeout_seconds=timeout_seconds,
            digit_timeout_seconds=digit_timeout_seconds,
            terminators=terminators,
            terminator_required=terminator_required,
        )


async def play_and_get_digits(
    line: Line,
    prompt: Text | Sequence[Text] | None,
    *,
    min_digits: int = 1,
    max_digits: int | None = None,
    tries: int = 3,
    timeout_seconds: float = 5,
    digit_timeout_seconds: float | None = None,
    terminators: str = "#",
    terminator_required: bool = False,
    invalid: Text | Sequence[Text] | None = None,
    pattern: str = "",
) -> CollectedDigits:
    """Run ``play_and_get_digits``; arguments and errors as of the method of that name."""
    least, most = _counts(min_digits, max_digits, fewest=0)
    check_number(tries, "tries", least=1, most=2**31 - 1)
    timeout, digit_timeout = _timeouts(timeout_seconds, digit_timeout_seconds)
    ends = _terminators(terminators, terminator_required)
    regex = f"^(?:{check_pattern(pattern, 'pattern').pattern})$" if pattern else ""
    # play_and_get_digits_function() in mod_dptools.c.
    first: list[Text] = [least, most, str(tries), timeout, ends]
    last: list[Text] = [
        _VARIABLE,
        *([regex] if regex or digit_timeout else []),
        *([digit_timeout] * bool(digit_timeout)),
    ]
    text = argument(*words(*first), " ", *_file(prompt), " ", *_file(invalid), " ", *words(*last))
    completion = await _run(line, "play_and_get_digits", text)
    return _collected(completion, prompt, can_be_none=min_digits == 0)


async def read(
    line: Line,
    prompt: Text | Sequence[Text] | None,
    *,
    min_digits: int = 1,
    max_digits: int | None = None,
    timeout_seconds: float = 5,
    digit_timeout_seconds: float | None = None,
    terminators: str = "#",
    terminator_required: bool = False,
) -> CollectedDigits:
    """Run ``read``; arguments and errors as of the method of that name."""
    # read_function() in mod_dptools.c takes a minimum of none for one.
    least, most = _counts(min_digits, max_digits, fewest=1)
    timeout, digit_timeout = _timeouts(timeout_seconds, digit_timeout_seconds)
    last = [
        _VARIABLE,
        timeout,
        _terminators(terminators, terminator_required),
        *([digit_timeout] * bool(digit_timeout)),
    ]
    text = argument(*words(least, most), " ", *_file(prompt), " ", *words(*last))
    return _collected(await _run(line, "read", text), prompt, can_be_none=False)


def _counts(min_digits: int, max_digits: int | None, *, fewest: int) -> tuple[str, str]:
    least = check_number(min_digits, "min_digits", least=fewest, most=COLLECTED_DIGITS)
    most = check_number(
        max(least, 1) if max_digits is None else max_digits, "max_digits", least=1, most=COLLECTED_DIGITS
    )
    if most < least:
        raise LocalProtocolError(f"max_digits is {most}, and should be at least min_digits, which is {least}")
    return str(least), str(most)


def _timeouts(timeout_seconds: float, digit_timeout_seconds: float | None) -> tuple[str, str]:
    timeout = milliseconds(timeout_seconds, "timeout_seconds", least=SHORTEST_TIMEOUT)
    if digit_timeout_seconds is None:
        return str(timeout), ""
    # None at all would be taken for the first timeout.
    return str(timeout), str(milliseconds(digit_timeout_seconds, "digit_timeout_seconds", least=0.001))


def _terminators(terminators: str, required: bool) -> str:
    if required and not terminators:
        raise LocalProtocolError("a terminator is required, and there are none")
    # An empty word would stand for #; no letter of this one is a digit. An = asks for one (switch_ivr_read()).
    return ("=" * required + check_digits(terminators, "terminators")) or "none"


def _file(path: Text | Sequence[Text] | None) -> tuple[Text, ...]:
    """A file as one part of an argument that is divided at blanks; an empty one is none."""
    pieces = () if path is None else files(path)
    if len(pieces) <= 1:
        return words(*(pieces or ("",)))
    # Several files are one part, quoted as a whole around the quotes that each of them may have.
    inner = (each if isinstance(each, Expand) else each.replace("\\", "\\\\").replace("'", "\\'") for each in pieces)
    return ("'", *inner, "'")


async def _run(line: Line, application: str, text: str) -> Event:
    """Run it, and take out of the call's digits those that it took."""
    unset = unset_command(line, (_VARIABLE, _INVALID, _RESULT, _TERMINATOR))
    *_, execution = await line.start((unset, line.execute_command(application, text)))
    completion = await line.finish(execution)
    line.digits.strike_out(execution.digits)
    return completion


def _collected(completion: Event, prompt: Text | Sequence[Text] | None, *, can_be_none: bool) -> CollectedDigits:
    """What the variables say, each of which was unset before (switch_ivr_read(), switch_play_and_get_digits())."""
    found = completion.variables
    digits, invalid = found.get(_VARIABLE, ""), found.get(_INVALID, "")
    terminator = found.get(_TERMINATOR) or None
    result = found.get(_RESULT)
    if not result:
        # It is set after each prompt that could be played, and unset before.
        path = () if prompt is None else files(prompt)
        raise FileNotPlayed("".join(map(shown, path)), "nobody was asked for digits")
    if digits and result in ("success", "timeout"):
        return CollectedDigits(DigitsOutcome(result), digits, terminator)
    if result != "failure" and invalid:
        return CollectedDigits(DigitsOutcome.INVALID, "", terminator, invalid)
    if result == "success" and terminator is not None and can_be_none:
        return CollectedDigits(DigitsOutcome.SUCCESS, "", terminator)
    # Too few digits are in the variable as well.
    return CollectedDigits(DigitsOutcome.FAILURE, "", terminator, digits or invalid)
