"""Whoever a bridge reached, or an originate rings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, final

import trio

from .channel import Channel
from .checks import check_cause
from .wire import as_text

__all__ = ["Callee", "Reached"]


class Reached(Protocol):
    """The leg that somebody was reached with."""

    @property
    def destination(self) -> str:
        """What was dialled."""

    @property
    def channel(self) -> Channel:
        """Its channel."""

    @property
    def cause(self) -> str | None:
        """Why it is over; None while it is not."""

    @property
    def is_answered(self) -> bool:
        """Whether the call was taken."""

    def answer(self) -> None:
        """Take the call."""

    def press(self, digits: str) -> None:
        """Press keys."""

    def end(self, cause: str) -> None:
        """Refuse the call, or end it."""


@final
class Callee:
    """Whoever a bridge reached, or an originate rings."""

    def __init__(self, leg: Reached) -> None:
        self._leg = leg

    @property
    def destination(self) -> str:
        """What was dialled, such as ``user/1001``."""
        return self._leg.destination

    @property
    def caller_id(self) -> str:
        """The number that the callee sees."""
        return self._leg.channel.profile.caller_id_number

    @property
    def caller_id_name(self) -> str:
        """The name that the callee sees."""
        return self._leg.channel.profile.caller_id_name

    @property
    def variables(self) -> Mapping[str, str]:
        """The variables of the callee's channel, those of the dial string among them."""
        return {name: as_text(value) for name, value in self._leg.channel.variables}

    @property
    def is_up(self) -> bool:
        """Whether the callee rings or talks."""
        return self._leg.cause is None

    def __repr__(self) -> str:
        state = f"hung up: {self._leg.cause}" if self._leg.cause else "talks" if self._leg.is_answered else "rings"
        return f"<Callee {self.destination}, {state}>"

    async def answers(self) -> None:
        """Take the call, if it rings."""
        self._leg.answer()
        await trio.lowlevel.checkpoint()

    async def presses(self, digits: str) -> None:
        """Press keys, such as those that a bridge asks for before it connects anybody (``group_confirm_key``)."""
        if not digits or not set("0123456789*#ABCD").issuperset(digits):
            raise ValueError(f"{digits!r} cannot be pressed: a telephone has the keys 0-9, *, # and A-D")
        self._leg.press(digits)
        await trio.lowlevel.checkpoint()

    async def hangs_up(self, cause: str = "NORMAL_CLEARING") -> None:
        """End the call, or refuse it while it rings (``USER_BUSY``, ``CALL_REJECTED``, ...)."""
        check_cause(cause)
        self._leg.end(cause)
        await trio.lowlevel.checkpoint()
