"""What is watched of a call for its test, and how it is said that it did not go as expected."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Final, TypeVar, final

import trio

from .failures import CallFailed, HandlerFailed, without_our_frames
from .happenings import Happening, Who, shown
from .session import Session
from .virtual import time_jumps

__all__ = ["Watch"]

T = TypeVar("T")

_BUSY_SECONDS: Final = 30.0


@final
class Watch:
    """Watches one call for whoever expects something of it.

    Args:
        session: The channel's thread.
        patience: Seconds for which an expectation waits.
    """

    def __init__(self, session: Session, patience: float) -> None:
        self.session: Final = session
        self.channel: Final = session.channel
        self.story: Final = session.channel.story
        self.patience = patience
        self.log: Final[list[logging.LogRecord]] = []
        self.handler_error: BaseException | None = None

    @property
    def why_left_alone(self) -> str:
        """Why nothing but the caller's own hangup will ever end this call; empty while that is not so."""
        if not self.session.is_parked_for_ever:
            return ""
        return self.session.stuck or "the event socket was closed before the channel was parked"

    # Waiting

    async def until(self, look: Callable[[], T | None], expected: str, otherwise: str, within: float | None) -> T:
        """Wait until ``look`` finds something; a call that ends first, or a caller left alone, ends the wait."""
        __tracebackhide__ = True
        limit = self.patience if within is None else within
        began, began_really = trio.current_time(), time.monotonic()
        with trio.move_on_after(limit):
            while True:
                found = look()
                if found is not None:
                    await trio.lowlevel.checkpoint()
                    return found
                self.check_is_up(expected)
                await self.story.changed()
                # A handler that does something over and over keeps the processor busy for minutes of virtual hours.
                is_busy = time.monotonic() - began_really > _BUSY_SECONDS
                if is_busy and within is None and time_jumps():
                    limit = round(trio.current_time() - began, 3)
                    break
        raise self.failed(expected, f"{otherwise} {limit:g} s, while {self._running()}")

    def _running(self) -> str:
        """What runs on the channel, for a message."""
        running = [each for each in self.story.executed if each.ended is None]
        if not running:
            return "no application was running"
        return f"{running[-1].application} {shown(running[-1].argument)}".rstrip() + " was running"

    def check_is_up(self, expected: str) -> None:
        """Fail if the call is over, or nobody looks after the caller any more."""
        __tracebackhide__ = True
        cause = self.channel.hangup_cause
        if cause is not None and self.handler_error is not None and not self.channel.is_ended_by_far_end:
            raise self.handler_failed(expected)
        if cause is not None:
            raise self.failed(expected, f"the call was over: {cause}")
        self.check_is_not_left_alone(expected)

    def check_is_not_left_alone(self, expected: str = "the handler was to let the caller go") -> None:
        """Fail if nothing but the caller's own hangup will ever end this call."""
        __tracebackhide__ = True
        if self.why_left_alone:
            raise self.failed(expected, f"the caller is parked for ever, in silence: {self.why_left_alone}")

    # Failing

    def failed(self, expected: str, instead: str) -> CallFailed:
        """An expectation that did not come true, for somebody to raise."""
        self.story.tell(Who.EXPECTED, Happening.FAILED, expected, instead)
        error = CallFailed(expected, instead, self.story.short_ladder())
        error.__cause__ = without_our_frames(self.handler_error)
        return error

    def handler_failed(self, expected: str, who: str = "the handler") -> HandlerFailed:
        """What the handler raised instead, for somebody to raise that it did."""
        instead = f"{who} raised {self.handler_error!r}"
        self.story.tell(Who.EXPECTED, Happening.FAILED, expected, instead)
        error = HandlerFailed(expected, instead, self.story.short_ladder())
        error.__cause__ = without_our_frames(self.handler_error)
        return error

    def blame_handler(self, error: BaseException) -> None:
        """The handler raised something; the first thing counts."""
        self.handler_error = self.handler_error or error

    # Logging

    def tell_log(self, record: logging.LogRecord, message: str) -> None:
        """Something was logged in this call."""
        self.log.append(record)
        about = f": {record.exc_info[1]!r}" if record.exc_info is not None and record.exc_info[1] is not None else ""
        self.story.tell(Who.HANDLER, Happening.LOGS, record.levelname, message + about)
