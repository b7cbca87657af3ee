"""How a call's block ends: whatever its tasks shield themselves from, and without showing what is behind it."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import AsyncIterator, Callable
from types import TracebackType
from typing import TYPE_CHECKING, Generic, ParamSpec, TypeVar, final

import trio

if TYPE_CHECKING:
    from trio._core._run import CancelStatus

__all__ = ["call_context", "open_ending_nursery"]

T = TypeVar("T")
P = ParamSpec("P")


@final
class _CallContext(contextlib.AbstractAsyncContextManager[T], Generic[T]):
    def __init__(self, inner: contextlib.AbstractAsyncContextManager[T, bool | None]) -> None:
        self._inner = inner

    async def __aenter__(self) -> T:
        __tracebackhide__ = True
        return await self._inner.__aenter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> bool | None:
        __tracebackhide__ = True
        try:
            return await self._inner.__aexit__(kind, value, traceback)
        except AssertionError as exc:
            if value is not None:
                raise
            # The block itself went well: what was found at its end has nothing to show but that.
            raise exc.with_traceback(None) from exc.__cause__


def call_context(
    function: Callable[P, AsyncIterator[T]],
) -> Callable[P, contextlib.AbstractAsyncContextManager[T, bool | None]]:
    """As ``contextlib.asynccontextmanager``; what fails at the end of the block is shown there, and not behind it."""
    make_inner = contextlib.asynccontextmanager(function)

    @functools.wraps(function)
    def make(*args: P.args, **kwargs: P.kwargs) -> contextlib.AbstractAsyncContextManager[T, bool | None]:
        return _CallContext(make_inner(*args, **kwargs))

    return make


@contextlib.asynccontextmanager
async def open_ending_nursery(patience: float) -> AsyncIterator[trio.Nursery]:
    """A nursery whose tasks lose their shields some seconds after it was cancelled.

    A handler that shields itself for ever would otherwise hang the test run, and the message that says so
    would never be seen.

    Args:
        patience: How many seconds shielded tasks are given.
    """
    ending, over = trio.Event(), trio.Event()
    async with trio.open_nursery() as outer:
        try:
            async with trio.open_nursery() as nursery:
                outer.start_soon(_end_in_time, nursery, ending, over, patience)
                try:
                    yield nursery
                finally:
                    ending.set()
        finally:
            over.set()


async def _end_in_time(nursery: trio.Nursery, ending: trio.Event, over: trio.Event, patience: float) -> None:
    """Once the block has ended, let nothing in its nursery shield itself for longer than its patience."""
    with trio.CancelScope(shield=True):
        await ending.wait()
        while not over.is_set():
            with trio.move_on_after(patience):
                await over.wait()
            if not over.is_set():
                _take_shields_off(nursery)


def _take_shields_off(nursery: trio.Nursery) -> None:
    tasks = list(nursery.child_tasks)
    while tasks:
        task = tasks.pop()
        tasks += [child for children in task.child_nurseries for child in children.child_tasks]
        # Trio knows no public way to the scopes that a task is in; without this one, shields stay on.
        status: CancelStatus | None = getattr(task, "_cancel_status", None)
        while status is not None and status._scope is not nursery.cancel_scope:
            status._scope.shield = False
            status = status._parent
