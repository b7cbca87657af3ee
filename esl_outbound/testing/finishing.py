"""How a call's end is waited for, and how what went wrong in it reaches the test."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Final

import trio

from .caller import Caller
from .failures import CallFailed, without_our_frames
from .groups import alone
from .targets import Targets
from .watch import Watch

__all__ = ["expectation_in", "finish", "hear_handler_out", "one_problem_at_a_time"]

_LAST_WORD_SECONDS: Final = 20.0


async def finish(caller: Caller, watch: Watch, targets: Targets) -> None:
    """End the call if it is up, and wait for the handler.

    Raises:
        CallFailed: The caller was left alone, or the handler does not end.
    """
    __tracebackhide__ = True
    # A handler that has left the caller alone is seen to have done so one frame after its socket is gone, and after
    # the last thing that it wanted done.
    if caller.is_up:
        await watch.session.frames.next()
        with trio.move_on_after(watch.patience):
            while watch.session.does_last_things:
                await watch.story.changed()
        watch.check_is_not_left_alone()
    await caller.hangs_up()
    with trio.move_on_after(watch.patience):
        await targets.finished()
        await watch.session.over.wait()
        return
    raise watch.failed("the handler was to end with the call", f"it went on for {watch.patience:g} s")


@contextlib.contextmanager
def one_problem_at_a_time() -> Iterator[None]:
    """Take a single exception out of the groups that nurseries put around it."""
    __tracebackhide__ = True
    try:
        yield
    except BaseExceptionGroup as group:
        found = alone(group)
        raise found from found.__cause__


async def hear_handler_out(problem: BaseException, watch: Watch, targets: Targets) -> None:
    """What an expectation failed for may come out of the handler only at its end."""
    if not isinstance(problem, CallFailed):
        if watch.handler_error is not None and isinstance(problem, Exception):
            problem.add_note(f"The handler raised {watch.handler_error!r}.\n\nThe call:\n{watch.story.short_ladder()}")
        return
    if problem.__cause__ is not None:
        return
    watch.session.hang_up_by_far_end()
    with trio.move_on_after(_LAST_WORD_SECONDS):
        await targets.finished()
    if watch.handler_error is not None:
        problem.__cause__ = without_our_frames(watch.handler_error)
        problem.add_note(f"The handler raised {watch.handler_error!r}.")


def expectation_in(problem: BaseException) -> BaseException:
    """What went wrong; an expectation that failed in a nursery of the test's comes out of its groups."""
    found = alone(problem) if isinstance(problem, BaseExceptionGroup) else problem
    return found if isinstance(found, CallFailed) else problem
