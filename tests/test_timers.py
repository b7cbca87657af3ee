"""Deadlines of many calls, watched by one task."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import trio
from trio.testing import MockClock

from esl_outbound.timers import Timers


@asynccontextmanager
async def running_timers() -> AsyncIterator[Timers]:
    with trio.fail_after(1000):
        async with trio.open_nursery() as nursery:
            timers = Timers()
            nursery.start_soon(timers.run)
            yield timers
            nursery.cancel_scope.cancel()


class Diary:
    """What was called, and how many seconds after the beginning."""

    def __init__(self) -> None:
        self.begun = trio.current_time()
        self.entries: list[tuple[str, float]] = []

    def entry(self, name: str) -> Callable[[], None]:
        return lambda: self.entries.append((name, trio.current_time() - self.begun))

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.entries]


async def test_deadlines_come_in_their_order_whatever_the_order_they_were_set_in(autojump_clock: MockClock) -> None:
    async with running_timers() as timers:
        diary = Diary()
        for seconds in (3.0, 1.0, 2.0, 0.5):
            timers.call_later(seconds, diary.entry(f"{seconds:g}"))
        await trio.sleep(10)
    assert diary.names == ["0.5", "1", "2", "3"]


async def test_equal_deadlines_come_in_the_order_they_were_set_in(autojump_clock: MockClock) -> None:
    async with running_timers() as timers:
        diary = Diary()
        for name in "abcdefgh":
            timers.call_later(1.0, diary.entry(name))
        await trio.sleep(10)
    assert diary.names == list("abcdefgh")


async def test_a_deadline_is_never_early_and_at_most_an_eighth_of_a_second_late(autojump_clock: MockClock) -> None:
    wanted = (0.0, 0.001, 0.1, 0.125, 0.126, 0.3, 1.0, 1.06, 2.9)
    async with running_timers() as timers:
        for offset in (0.0, 0.01, 0.07):
            await trio.sleep(offset)
            diary = Diary()
            for seconds in wanted:
                timers.call_later(seconds, diary.entry(f"{seconds:g}"))
            await trio.sleep(10)
            assert diary.names == [f"{seconds:g}" for seconds in wanted]
            for name, at in diary.entries:
                assert float(name) - 1e-9 <= at <= float(name) + 0.125 + 1e-9


async def test_deadlines_within_an_eighth_of_a_second_share_one_awakening(autojump_clock: MockClock) -> None:
    async with running_timers() as timers:
        await trio.sleep(math.ceil(trio.current_time()) - trio.current_time())
        diary = Diary()
        for hundredths in range(1, 13):
            timers.call_later(hundredths / 100, diary.entry(str(hundredths)))
        await trio.sleep(10)
    assert len(diary.names) == 12
    assert len({at for _, at in diary.entries}) == 1


async def test_a_forgotten_deadline_passes_without_effect(autojump_clock: MockClock) -> None:
    async with running_timers() as timers:
        diary = Diary()
        forgotten = [timers.call_later(seconds, diary.entry("forgotten")) for seconds in (0.5, 1.0, 1.5)]
        timers.call_later(1.0, diary.entry("kept"))
        for timer in forgotten:
            timer.forget()
            timer.forget()
        await trio.sleep(10)
    assert diary.names == ["kept"]


async def test_forgetting_a_deadline_that_has_come_changes_nothing(autojump_clock: MockClock) -> None:
    async with running_timers() as timers:
        diary = Diary()
        timer = timers.call_later(1.0, diary.entry("once"))
        await trio.sleep(2)
        timer.forget()
        await trio.sleep(2)
    assert diary.names == ["once"]


async def test_a_deadline_can_be_set_and_another_forgotten_by_an_action(autojump_clock: MockClock) -> None:
    async with running_timers() as timers:
        diary = Diary()
        doomed = timers.call_later(1.0 + 0.125, diary.entry("doomed"))

        def act() -> None:
            diary.entry("first")()
            doomed.forget()
            timers.call_later(0.5, diary.entry("second"))

        timers.call_later(1.0, act)
        await trio.sleep(10)
    assert diary.names == ["first", "second"]
    assert 1.5 <= diary.entries[1][1] <= 1.75


async def test_an_earlier_deadline_that_is_set_while_a_later_one_is_waited_for_comes_in_time(
    autojump_clock: MockClock,
) -> None:
    async with running_timers() as timers:
        diary = Diary()
        timers.call_later(100.0, diary.entry("late"))
        await trio.sleep(1)
        timers.call_later(1.0, diary.entry("early"))
        await trio.sleep(5)
        assert diary.names == ["early"]
        assert 2.0 <= diary.entries[0][1] <= 2.125
        await trio.sleep(200)
    assert diary.names == ["early", "late"]


async def test_a_deadline_that_never_comes_can_be_asked_for(autojump_clock: MockClock) -> None:
    async with running_timers() as timers:
        diary = Diary()
        timers.call_later(math.inf, diary.entry("never"))
        timers.call_later(1.0, diary.entry("soon"))
        await trio.sleep(500)
    assert diary.names == ["soon"]


async def test_deadlines_set_before_anybody_watches_are_kept(autojump_clock: MockClock) -> None:
    timers = Timers()
    diary = Diary()
    timers.call_later(1.0, diary.entry("kept"))
    await trio.sleep(3)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(timers.run)
        await trio.testing.wait_all_tasks_blocked()
        assert diary.names == ["kept"]
        nursery.cancel_scope.cancel()
