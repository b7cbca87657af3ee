"""Asking the caller for digits."""

from __future__ import annotations

from .base import CallBase
from .questions import Answer, Prompts, ask_question, question

__all__ = ["Asking"]


class Asking(CallBase):
    """Questions that are answered with digits."""

    async def ask(
        self,
        prompt: Prompts,
        *,
        digits: int | None = None,
        min_digits: int | None = None,
        max_digits: int | None = None,
        allowed: str = "",
        pattern: str = "",
        terminators: str = "#",
        tries: int = 3,
        timeout_seconds: float = 5,
        digit_timeout_seconds: float = 3,
        total_seconds: float | None = None,
        invalid: Prompts = (),
        silence: Prompts = (),
    ) -> Answer:
        """Ask the caller for digits, as often as need be.

        Says the prompts with ``playback``, ``say`` and the like, and takes the digits from
        DTMF events. The first digit ends the prompt (barge-in); what was typed before counts, and then
        the prompt is not said at all. A terminator that is pressed after a try that ended without one, within
        ``digit_timeout_seconds``, belongs to that try, unless the next question can be answered with it. If the
        waiting is cancelled, the prompt is stopped and what was typed is kept.

        Without ``async`` in the dialplan line, it is ``play_and_get_digits``, a try each; prompts that are no
        files are said before it, to their end. FreeSWITCH waits at least a second for a digit then, takes 127 at
        most, and knows nothing of ``total_seconds``.

        Args:
            prompt: What to say: a sound file, ``Say``, ``Speak``, ``Phrase``, ``Tones``, or several of them in a row.
            digits: How many digits are asked for, if it is a fixed number; then the next two do not count.
            min_digits: The fewest that are an answer; 0 lets nothing be one. 1, if not said.
            max_digits: The most, up to 128; with them the answer is complete, without a terminator.
            allowed: The digits that an answer may be made of, such as ``"12"``; any, if empty, but the terminators.
                Another one makes the try invalid at once.
            pattern: A regular expression that the whole answer has to match.
            terminators: The digits that end an answer, unless they are allowed in one.
            tries: How often the prompt is said.
            timeout_seconds: How long the first digit is waited for after the prompt.
            digit_timeout_seconds: How long each further digit is waited for.
            total_seconds: How long a try may take after the prompt; None is as long as its digits do.
            invalid: What to say after a try that gave no answer that was asked for.
            silence: What to say after a try in which nothing was typed.

        Returns:
            What was typed: a ``str``, empty if there was no answer, that knows how it ended.

        Raises:
            FileNotPlayed: FreeSWITCH could not open or decode a prompt.
            ApplicationFailed: FreeSWITCH could not say a phrase.
            LocalProtocolError: The numbers contradict each other, or something cannot be said; nothing was sent.
            CallEnded: The call ended first.
        """
        asked_for = question(
            prompt,
            digits=digits,
            min_digits=min_digits,
            max_digits=max_digits,
            allowed=allowed,
            pattern=pattern,
            terminators=terminators,
            tries=tries,
            timeout_seconds=timeout_seconds,
            digit_timeout_seconds=digit_timeout_seconds,
            total_seconds=total_seconds,
            invalid=invalid,
            silence=silence,
        )
        return await ask_question(self._line, asked_for)

    async def read_digits(
        self,
        digits: int | None = None,
        *,
        min_digits: int | None = None,
        max_digits: int | None = None,
        allowed: str = "",
        pattern: str = "",
        terminators: str = "#",
        timeout_seconds: float = 5,
        digit_timeout_seconds: float = 3,
        total_seconds: float | None = None,
    ) -> Answer:
        """Wait for digits, without a word.

        Arguments and result as of ``ask``, of which this is one try.

        Raises:
            LocalProtocolError: The numbers contradict each other; nothing was sent.
            CallEnded: The call ended first.
        """
        asked_for = question(
            (),
            digits=digits,
            min_digits=min_digits,
            max_digits=max_digits,
            allowed=allowed,
            pattern=pattern,
            terminators=terminators,
            tries=1,
            timeout_seconds=timeout_seconds,
            digit_timeout_seconds=digit_timeout_seconds,
            total_seconds=total_seconds,
            invalid=(),
            silence=(),
        )
        return await ask_question(self._line, asked_for)
