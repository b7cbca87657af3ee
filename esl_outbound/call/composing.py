"""Handing a call on to another handler."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

from .base import CallBase

if TYPE_CHECKING:
    from .line import Line

__all__ = ["Composing", "Handling", "hand_over"]

R_co = TypeVar("R_co", covariant=True)
T = TypeVar("T")


class Handling(Protocol[R_co]):
    """A ``CallHandler``, as far as those know it who hand a call over to one."""

    async def run(self) -> R_co:
        """Handle the call."""
        ...

    @property
    def channel_uuid(self) -> str:
        """The channel's UUID."""
        ...


class Composing(CallBase):
    """Handlers made of handlers."""

    async def hand_over(self, handler: Handling[T]) -> T:
        """Let another handler handle the call, and go on when its ``run`` returns.

        Its ``subscriptions`` are asked for, its ``after_hangup`` runs after the call, before this
        handler's. What its ``run`` raises is raised here; ``on_error`` is the business of the handler that
        had the call first.

        Args:
            handler: A ``CallHandler`` that has no call yet.

        Returns:
            What its ``run`` returns.

        Raises:
            TypeError: It is no ``CallHandler``, or has a call already.
            CallEnded: The call is over.
        """
        return await hand_over(self._line, handler)


async def hand_over(line: Line, handler: Handling[T]) -> T:
    """Let a handler handle the call."""
    await line.require_call()
    await line.take_in(handler)
    return await handler.run()
