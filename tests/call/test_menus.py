"""Menus: choices, branches, nesting."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

import pytest

from esl_outbound import CallHandler, Choice, LocalProtocolError, Menu, MenuStep
from esl_outbound.testing import FakeFreeSwitch

from ..freeswitch import dial


class Sales(CallHandler[str]):
    async def run(self) -> str:
        await self.playback("sales.wav")
        return "sold"


class Main(CallHandler):
    """A menu of every kind of choice."""

    def __init__(self, results: list[object]) -> None:
        self.results = results

    async def run(self) -> None:
        await self.answer()
        self.results.append(
            await self.menu(
                "main.wav",
                {
                    "1": self.hours,
                    "2": Sales,
                    "3": Menu(
                        "persons.wav", {"1": self.ada, "*": MenuStep.BACK, "0": MenuStep.TOP, "9": MenuStep.EXIT}
                    ),
                    "40": self.forty,
                    "401": self.more,
                    "0": MenuStep.REPEAT,
                    "8": MenuStep.BACK,
                },
                invalid="invalid.wav",
                silence="silence.wav",
                on_failure=self.operator,
            )
        )
        await self.playback("after.wav")

    async def hours(self) -> MenuStep:
        await self.playback("hours.wav")
        return MenuStep.REPEAT

    async def ada(self) -> str:
        return "Ada"

    async def forty(self) -> str:
        return "40"

    async def more(self) -> str:
        return "401"

    async def operator(self) -> str:
        await self.playback("operator.wav")
        return "operator"


@pytest.mark.parametrize(
    ("story", "result"),
    [
        ("2 sales.wav", "sold"),
        ("3 persons.wav 1", "Ada"),
        ("401", "401"),
        ("40#", "40"),
        ("40", "40"),
        ("1 hours.wav main.wav 2 sales.wav", "sold"),
        ("9 invalid.wav main.wav 8", None),
        ("8", None),
        ("3 persons.wav 9", None),
        ("3 persons.wav * main.wav 2 sales.wav", "sold"),
        ("3 persons.wav 0 main.wav 3 persons.wav 1", "Ada"),
        ("0 main.wav 2 sales.wav", "sold"),
        ("# invalid.wav main.wav 5 invalid.wav main.wav silence.wav operator.wav", "operator"),
    ],
)
async def test_a_choice_leads_to_what_it_says(phone: FakeFreeSwitch, story: str, result: str | None) -> None:
    results: list[object] = []
    async with phone.dial(lambda: Main(results)) as caller:
        await caller.hears("main.wav")
        for step in (*story.split(), "after.wav"):
            if step.endswith(".wav"):
                await caller.hears(step)
            else:
                await caller.press(step)
    assert results == [result]


async def test_a_menu_that_fails_without_a_branch_is_left(phone: FakeFreeSwitch) -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            await self.answer()
            assert await self.menu("menu.wav", {"1": Sales}, tries=1, timeout_seconds=2) is None
            assert await self.menu("other.wav", {"1": MenuStep.EXIT}, tries=1, on_failure=Sales) == "sold"

    async with phone.dial(Handler) as caller:
        await caller.hears("menu.wav", to_the_end=True)
        await caller.stays_silent(2)
        await caller.hears("other.wav")
        await caller.press("5")
        await caller.hears("sales.wav")


class Greeting(CallHandler[str]):
    def __init__(self, language: str) -> None:
        self.language = language

    async def run(self) -> str:
        await self.playback(f"{self.language}.wav")
        return self.language


async def test_a_choice_is_whatever_makes_a_coroutine_or_a_handler(phone: FakeFreeSwitch) -> None:
    """Type checkers take them all in one mapping."""
    results: list[str] = []

    class Handler(CallHandler):
        async def run(self) -> None:
            await self.answer()
            choices: dict[str, Choice] = {"1": partial(Greeting, "de"), "2": lambda: Greeting("en")}
            choices["3"] = partial(self.count, 3)
            for _ in range(3):
                match await self.menu("menu.wav", {**choices, "4": Sales, "5": Menu("b.wav", choices)}):
                    case str(language):
                        results.append(language)
                    case int(number):
                        results.append(f"{number}!")

        async def count(self, number: int) -> int | MenuStep:
            return number

    async with phone.dial(Handler) as caller:
        for story in ("1 de.wav", "2 en.wav", "53"):
            digits, _, sound = story.partition(" ")
            await caller.hears("menu.wav")
            await caller.press(digits)
            if sound:
                await caller.hears(sound)
        await caller.was_hung_up()
    assert results == ["de", "en", "3!"]


@pytest.mark.parametrize(
    "method",
    [
        lambda c: c.menu("a.wav", {}),
        lambda c: c.menu("a.wav", {"": MenuStep.EXIT}),
        lambda c: c.menu("a.wav", {"one": MenuStep.EXIT}),
        lambda c: c.menu("a.wav", {"1": Menu("b.wav", {"x": MenuStep.EXIT})}),
        lambda c: c.menu("a.wav", {"1": MenuStep.EXIT}, on_failure=Menu("b.wav", {})),
        lambda c: c.menu("a.wav", {"1": MenuStep.EXIT}, terminators="any"),
        lambda c: c.menu("a.wav", {"1": MenuStep.EXIT}, tries=0),
        lambda c: c.menu("a\nb", {"1": MenuStep.EXIT}),
        lambda c: c.menu("a.wav", {"1": "user/1001"}),
        lambda c: c.menu("a.wav", {"1": MenuStep.EXIT}, on_failure=None),
    ],
)
async def test_a_menu_that_cannot_be_is_refused_before_anything_is_heard(
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
