"""Virtual time: it jumps when everybody waits, and not while something real is under way."""

from __future__ import annotations

import time

import pytest
import trio

from esl_outbound.testing.virtual import StandsStill, run_in_virtual_time


def test_an_hour_takes_a_moment() -> None:
    before = time.monotonic()
    run_in_virtual_time(trio.sleep, 3600)
    assert time.monotonic() - before < 5


def test_a_task_that_never_waits_is_ended() -> None:
    async def goes_round() -> None:
        while True:
            await trio.lowlevel.checkpoint()

    with pytest.raises(StandsStill, match=r"virtual time has stood still for 0\.1 s"):
        run_in_virtual_time(goes_round, busy_seconds=0.1)


def test_what_takes_its_time_in_a_thread_is_waited_for() -> None:
    async def asks_a_thread() -> str:
        with trio.fail_after(5):
            await trio.to_thread.run_sync(time.sleep, 0.05)
        return "answered"

    assert run_in_virtual_time(asks_a_thread) == "answered"


def test_a_thread_that_waits_for_something_in_virtual_time_is_not_waited_for_without_end() -> None:
    async def asks_a_thread() -> float:
        await trio.to_thread.run_sync(trio.from_thread.run, trio.sleep, 0.05)
        in_a_thread = trio.current_time()
        await trio.sleep(3600)
        return in_a_thread

    before = time.monotonic()
    assert 0.05 <= run_in_virtual_time(asks_a_thread) < 5
    assert time.monotonic() - before < 5


def test_an_exception_comes_out_alone() -> None:
    async def fails() -> None:
        async with trio.open_nursery() as outer:
            outer.start_soon(trio.sleep, 1)
            async with trio.open_nursery():
                raise KeyError("menu")

    with pytest.raises(KeyError, match="menu"):
        run_in_virtual_time(fails)
