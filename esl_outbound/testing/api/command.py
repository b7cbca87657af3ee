"""What API commands have in common."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias

from ..core import Core

__all__ = ["DONE", "NO_CHANNEL", "OK", "ApiCommand", "words_of"]

ApiCommand: TypeAlias = Callable[[Core, str], Awaitable[str]]

NO_CHANNEL: Final = "-ERR No such channel!\n"
OK: Final = "+OK\n"
DONE: Final = "+OK Success\n"


def words_of(argument: str, count: int) -> list[str]:
    """The first words, and the rest as the last; missing ones are empty."""
    found = argument.split(" ", count - 1)
    return found + [""] * (count - len(found))
