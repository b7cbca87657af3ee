"""Menus: a choice of digits, each with what it leads to."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from enum import Enum
from typing import TYPE_CHECKING, TypeAlias, final

import attrs

from ..arguments.checks import check_digits
from ..errors import LocalProtocolError
from .base import CallBase
from .composing import Handling, hand_over
from .questions import AnswerEnding, Prompts, Question, Verdict, ask_question, asked

if TYPE_CHECKING:
    from .line import Line

__all__ = ["Choice", "Menu", "MenuStep", "Menus"]


class MenuStep(Enum):
    """Where to go in menus: a choice may be one, and a coroutine that is a choice may return one."""

    REPEAT = "repeat"
    """Say this menu again."""
    BACK = "back"
    """Leave this menu, and say the one above it again; from the topmost one, leave it."""
    TOP = "top"
    """Say the topmost menu again."""
    EXIT = "exit"
    """Leave all menus; the result is None."""


@final
@attrs.frozen
class Menu:
    """A menu that is a choice of another one; what ``Call.menu`` takes, as a value."""

    prompt: Prompts
    choices: Mapping[str, Choice]
    invalid: Prompts = attrs.field(default=(), kw_only=True)
    silence: Prompts = attrs.field(default=(), kw_only=True)
    terminators: str = attrs.field(default="#", kw_only=True)
    tries: int = attrs.field(default=3, kw_only=True)
    timeout_seconds: float = attrs.field(default=5, kw_only=True)
    digit_timeout_seconds: float = attrs.field(default=2, kw_only=True)
    on_failure: Choice = attrs.field(default=MenuStep.EXIT, kw_only=True)


# Not of one type of result: type checkers find none in a dict whose values are methods, classes and steps.
Choice: TypeAlias = Callable[[], Awaitable[object] | Handling[object]] | Menu | MenuStep
"""What a digit leads to: a coroutine function without parameters, a handler class (or whatever makes a handler
without being given anything), a ``Menu``, or a ``MenuStep``."""


class Menus(CallBase):
    """Menus."""

    async def menu(
        self,
        prompt: Prompts,
        choices: Mapping[str, Choice],
        *,
        invalid: Prompts = (),
        silence: Prompts = (),
        terminators: str = "#",
        tries: int = 3,
        timeout_seconds: float = 5,
        digit_timeout_seconds: float = 2,
        on_failure: Choice = MenuStep.EXIT,
    ) -> object:
        """Let the caller choose, and do what the choice leads to.

        ``await self.menu("main.wav", {"1": self.sales, "2": Support, "3": Menu(...), "0": MenuStep.REPEAT})``.
        Asks as ``ask`` does. A choice of several digits is complete when no longer one begins with it, at a
        terminator, or when the caller falls silent.

        Args:
            prompt: What to say.
            choices: Digits, and what they lead to: a coroutine function without parameters, a handler class
                (the call is handed over to it), another ``Menu``, or a ``MenuStep``.
            invalid: What to say after a try that was no choice.
            silence: What to say after a try in which nothing was typed.
            terminators: The digits that end a choice of several, unless they are part of one.
            tries: How often the menu is said before it fails; anew each time it is gone back to.
            timeout_seconds: How long the first digit is waited for after the prompt.
            digit_timeout_seconds: How long each further digit is waited for.
            on_failure: What to do when no try gave a choice.

        Returns:
            What the coroutine returned, or the handler's ``run``; None if the menus were left without. Type checkers
            know it as ``object``: ``match await self.menu(...):``, or ``isinstance`` tells what it is.

        Raises:
            FileNotPlayed: FreeSWITCH could not open or decode a prompt.
            LocalProtocolError: There is no choice, or one is no digit; nothing was sent.
            CallEnded: The call ended first.
        """
        menu = Menu(
            prompt,
            choices,
            invalid=invalid,
            silence=silence,
            terminators=terminators,
            tries=tries,
            timeout_seconds=timeout_seconds,
            digit_timeout_seconds=digit_timeout_seconds,
            on_failure=on_failure,
        )
        _check_all(menu)
        while True:
            result = await _run(self._line, menu)
            if result is not MenuStep.TOP:
                return None if isinstance(result, MenuStep) else result


async def _run(line: Line, menu: Menu) -> object:
    """Go through a menu, until there is a result or another menu is to be gone to."""
    asked_for = _question(menu)
    while True:
        answer = await ask_question(line, asked_for)
        choice = menu.on_failure if answer.ending is AnswerEnding.FAILED else menu.choices[answer]
        result = await _follow(line, choice)
        match result:
            case MenuStep.REPEAT:
                continue
            case MenuStep.BACK if isinstance(choice, Menu):
                continue  # from the menu below
            case _:
                return result


async def _follow(line: Line, choice: Choice) -> object:
    if isinstance(choice, MenuStep):
        return choice
    if isinstance(choice, Menu):
        return await _run(line, choice)
    made = choice()
    if isinstance(made, Awaitable):
        return await made
    return await hand_over(line, made)


def _check_all(menu: Menu) -> None:
    """Check a menu and those below it, before the caller hears anything of them."""
    _question(menu)
    for choice in (*menu.choices.values(), menu.on_failure):
        if isinstance(choice, Menu):
            _check_all(choice)
        elif not isinstance(choice, MenuStep) and not callable(choice):
            raise LocalProtocolError(f"a choice leads to {choice!r}, and should to what can be called: self.sales")


def _question(menu: Menu) -> Question:
    choices = frozenset(menu.choices)
    if not choices or "" in choices:
        raise LocalProtocolError("a menu has no choices, or one without digits")
    for digits in choices:
        check_digits(digits, "a choice")
    used = frozenset("".join(choices))

    def verdict(typed: str) -> Verdict:
        if any(digits != typed and digits.startswith(typed) for digits in choices):
            return Verdict.MORE
        return Verdict.ENOUGH if typed in choices else Verdict.WRONG

    return asked(
        menu.prompt,
        verdict,
        choices.__contains__,
        max_digits=max(map(len, choices)),
        terminators="".join(digit for digit in check_digits(menu.terminators, "terminators") if digit not in used),
        tries=menu.tries,
        timeout_seconds=menu.timeout_seconds,
        digit_timeout_seconds=menu.digit_timeout_seconds,
        total_seconds=None,
        invalid=menu.invalid,
        silence=menu.silence,
    )
