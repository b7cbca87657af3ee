"""Tasks behind a block, which leave no mark on what leaves the block."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio

__all__ = ["own_nursery"]


@asynccontextmanager
async def own_nursery() -> AsyncIterator[trio.Nursery]:
    """A nursery for tasks that raise nothing; they are cancelled when the block is left.

    What leaves the block leaves it as it is, and not in a group.
    """
    problem: BaseException | None = None
    try:
        async with trio.open_nursery() as nursery:
            try:
                yield nursery
            except BaseException as exc:
                problem = exc
            nursery.cancel_scope.cancel()
    except BaseException as exc:
        # If all around is cancelled too, so are the tasks: that is not what left the block.
        if problem is None or not _is_cancellation(exc):
            raise
    if problem is not None:
        raise problem


def _is_cancellation(exc: BaseException) -> bool:
    if isinstance(exc, BaseExceptionGroup):
        return exc.split(trio.Cancelled)[1] is None
    return isinstance(exc, trio.Cancelled)
