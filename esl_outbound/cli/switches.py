"""What a command does on a connection with FreeSWITCH: it logs in, works, and ends with a status."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from signal import Signals
from typing import Final, final

import attrs
import trio

from ..errors import EslOutboundError, LocalProtocolError
from .options import Address
from .output import Output, one_line
from .signals import stopped_by_signals

__all__ = ["INTERRUPTED", "Login", "run_on_switch"]

INTERRUPTED: Final = 130
"""The status of a command that Ctrl-C kept from its end, as of a shell."""


@final
@attrs.frozen
class Login:
    """What the command line says about FreeSWITCH."""

    address: Address
    """The port that it listens on."""
    password: str = attrs.field(repr=False)
    user: str | None = None
    """A user of the directory's; without one, the port's password alone is said."""


def run_on_switch(work: Callable[[], Awaitable[int]], output: Output, *, interrupted: int = INTERRUPTED) -> int:
    """Do what has a status at its end.

    What goes wrong with FreeSWITCH is one line, and status 1; what cannot be asked of it, likewise, and status 2.

    Args:
        work: What is to be done.
        output: Where it is said; whoever reads it may be gone, and then all is over.
        interrupted: The status after Ctrl-C.

    Returns:
        The status with which the process shall end.
    """
    return trio.run(partial(_work_until_told, work, output, interrupted))


async def _work_until_told(work: Callable[[], Awaitable[int]], output: Output, interrupted: int) -> int:
    told: list[Signals] = []
    with trio.CancelScope() as scope, stopped_by_signals(scope, told.append):
        output.when_gone = scope.cancel
        try:
            return await work()
        except EslOutboundError as exc:
            output.say(f"esl-outbound: {one_line(str(exc))}", is_error=True)
            return 2 if isinstance(exc, LocalProtocolError) else 1
    return interrupted if told else 0
