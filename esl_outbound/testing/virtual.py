"""Running a test in virtual time, which jumps to whatever happens next."""

from __future__ import annotations

import math
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, TypeVar, final

import trio
import trio.testing

from .groups import alone

__all__ = ["StandsStill", "run_in_virtual_time", "time_jumps"]

T = TypeVar("T")

_STEPS_BETWEEN_LOOKS: Final = 1000


class StandsStill(AssertionError):
    """Something keeps the processor busy and never waits, so that virtual time stands still."""


@final
class _Pace(trio.abc.Instrument):
    """Lets time run as it really does while a thread works, and ends a run that goes round in circles.

    Args:
        clock: The clock that jumps.
        scope: What is cancelled when time stands still.
        busy_seconds: Real time for which it may.
    """

    def __init__(self, clock: trio.testing.MockClock, scope: trio.CancelScope, busy_seconds: float) -> None:
        self._clock = clock
        self._scope = scope
        self._busy_seconds = busy_seconds
        self._steps = 0
        self._seen = -1.0
        self._since = time.monotonic()

    def after_task_step(self, _: trio.lowlevel.Task) -> None:
        """Look what is under way."""
        # What a thread does takes real time: a database's answer shall not come too late for a timeout, and a thread
        # that waits for something in the call shall not wait for ever.
        threads = trio.to_thread.current_default_thread_limiter().borrowed_tokens
        threshold = math.inf if threads else 0.0
        if self._clock.autojump_threshold != threshold:
            self._clock.autojump_threshold = threshold
            self._clock.rate = 1.0 if threads else 0.0
        self._steps += 1
        if self._steps % _STEPS_BETWEEN_LOOKS:
            return
        now = self._clock.current_time()
        if threads or now != self._seen:
            self._seen, self._since = now, time.monotonic()
        elif time.monotonic() - self._since > self._busy_seconds:
            self._scope.cancel()


def time_jumps() -> bool:
    """Whether the clock jumps to whatever happens next, so that waiting costs nothing."""
    threshold = getattr(trio.lowlevel.current_clock(), "autojump_threshold", math.inf)
    return bool(threshold < math.inf)


def run_in_virtual_time(
    function: Callable[..., Awaitable[T]],
    *args: object,
    clock: trio.abc.Clock | None = None,
    instruments: Sequence[trio.abc.Instrument] = (),
    busy_seconds: float = 10.0,
    **kwargs: Any,  # noqa: ANN401 - whatever trio.run takes
) -> T:
    """``trio.run`` with a clock that jumps to whatever happens next, unless there is a clock already.

    Raises:
        StandsStill: A task never waits.
    """
    __tracebackhide__ = True
    try:
        if clock is not None:
            return trio.run(function, *args, clock=clock, instruments=instruments, **kwargs)
        jumping = trio.testing.MockClock(autojump_threshold=0)
        scope = trio.CancelScope()
        pace = _Pace(jumping, scope, busy_seconds)

        async def main() -> T:
            with scope:
                return await function(*args)
            raise StandsStill(
                f"virtual time has stood still for {busy_seconds:g} s: something runs round and round and never waits"
            )

        return trio.run(main, clock=jumping, instruments=[*instruments, pace], **kwargs)
    except BaseExceptionGroup as group:
        # What went wrong, and not the nurseries around it.
        found = alone(group)
        raise found from found.__cause__
