"""The small base on which the call's subjects are mixed."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast, final

from ..errors import NoCallYet

if TYPE_CHECKING:
    from .line import Line

__all__ = ["CallBase", "attach"]


@final
class _NoLine:
    """What a call has before it has a call: everything raises."""

    def __getattr__(self, name: str) -> object:
        raise NoCallYet


class CallBase:
    """All that a call holds: one attribute, with the state that its methods share.

    Its class default raises ``NoCallYet``, so a handler's ``__init__`` needs no ``super()``.
    """

    _line: Line = cast("Line", _NoLine())


def attach(call: CallBase, line: Line) -> None:
    """Give a call its state, whatever its class makes of assignments (frozen ones refuse them)."""
    object.__setattr__(call, "_line", line)
