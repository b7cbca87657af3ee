"""What begins with one application and ends with another."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .line import Line

__all__ = ["lasting"]


@asynccontextmanager
async def lasting(line: Line, begin: tuple[str, str], end: tuple[str, str]) -> AsyncIterator[None]:
    """Run an application, and once it was sent, another one after the block, whatever happens.

    Args:
        line: The call's state.
        begin: What begins it: an application, and its argument.
        end: What ends it.

    Raises:
        CallEnded: The call ended first.
    """
    (execution,) = await line.start((line.execute_command(*begin),))
    try:
        await line.finish(execution)
        yield
    finally:
        await line.undo(*end)
