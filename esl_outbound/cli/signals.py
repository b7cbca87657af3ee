"""Ctrl-C, once and twice."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import trio

__all__ = ["stopped_by_signals"]


@contextmanager
def stopped_by_signals(scope: trio.CancelScope, told: Callable[[signal.Signals], None]) -> Iterator[None]:
    """Cancel ``scope`` at the first SIGINT or SIGTERM; a second one ends the process, whatever it is doing.

    Not ``trio.open_signal_receiver``: a handler that blocks the loop would swallow Ctrl-C for good.

    Args:
        scope: What is cancelled.
        told: Called at the first signal.
    """
    token = trio.lowlevel.current_trio_token()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def stop(number: int, _frame: FrameType | None) -> None:
        for each in before:
            signal.signal(each, signal.SIG_DFL)
        told(signal.Signals(number))
        token.run_sync_soon(scope.cancel)

    for number in before:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
