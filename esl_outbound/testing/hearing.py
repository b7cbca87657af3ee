"""What one connection hears of the switch, and has not said yet: its events and its log lines."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final, final

import trio

from .connection import Faults
from .core import Core, Site
from .frames import FRAME_SECONDS
from .subscriptions import Subscriptions
from .wire import LOG_LEVELS, Event, event_message, log_message

__all__ = ["Hearing"]

# Text-Channel of a log line that stands by itself, without date, level and place.
_CLEAN_LINE: Final = 1


@final
class Hearing:
    """The queues of one connection (``event_handler()``, ``socket_logger()`` in ``mod_event_socket.c``).

    Args:
        core: The switch.
        subscriptions: What the connection wants to hear of.
        faults: What goes wrong.
        nursery: Where events wait that come late.
        notify: Called when there is something to say.
        looks_once_a_frame: Whether who says it has something else to do, and looks once a frame.
    """

    def __init__(
        self,
        core: Core,
        subscriptions: Subscriptions,
        faults: Faults,
        nursery: trio.Nursery,
        notify: Callable[[], None],
        *,
        looks_once_a_frame: bool,
    ) -> None:
        self.log_level: int | None = None
        """The least important lines of the log that are heard; None if none are."""
        self._core: Final = core
        self._subscriptions: Final = subscriptions
        self._faults: Final = faults
        self._nursery: Final = nursery
        self._notify: Final = notify
        self._looks_once_a_frame: Final = looks_once_a_frame
        self._events: Final[deque[tuple[float, Event]]] = deque()
        self._lagging: Final[deque[tuple[float, Event]]] = deque()
        self._logs: Final[deque[bytes]] = deque()
        self._is_over = False

    def begin(self) -> None:
        """Listen."""
        self._core.observers.append(self._hear)
        self._core.log_observers.append(self._hear_log)
        for fired, event in self._core.recent_events:
            if trio.current_time() < fired + self._faults.dispatch_lag:
                self._hear_later(fired, event)

    def end(self) -> None:
        """Listen no longer."""
        self._is_over = True
        self._core.observers.remove(self._hear)
        self._core.log_observers.remove(self._hear_log)

    # Events

    def _hear(self, event: Event) -> None:
        if event.name in self._faults.lost_events:
            return
        if self._faults.dispatch_lag:
            self._hear_later(trio.current_time(), event)
        elif self._subscriptions.wants(event):
            self._queue(event)

    def _hear_later(self, fired: float, event: Event) -> None:
        self._lagging.append((fired + self._faults.dispatch_lag, event))
        if len(self._lagging) == 1:
            self._nursery.start_soon(self._dispatch)

    async def _dispatch(self) -> None:
        while self._lagging:
            due, event = self._lagging[0]
            await trio.sleep_until(due)
            self._lagging.popleft()
            if self._subscriptions.wants(event) and not self._is_over:
                self._queue(event)

    def _queue(self, event: Event) -> None:
        due = trio.current_time() + self._faults.event_delay
        if self._looks_once_a_frame:
            # It looks at events once a frame, and then at all of them.
            due = self._events[-1][0] if self._events else due + FRAME_SECONDS
        self._events.append((due, event))
        self._notify()

    def take_diverted(self, event: Event) -> None:
        """An event that was sent to the session is to be said, whatever was subscribed to."""
        self._events.append((trio.current_time(), event))

    @property
    def has_events(self) -> bool:
        """Whether there are events to be said, now or later."""
        return bool(self._events) and self._subscriptions.are_on

    @property
    def next_moment(self) -> float | None:
        """When the next event is to be said, on trio's clock."""
        return self._events[0][0] if self.has_events else None

    def next_message(self) -> bytes | None:
        """What is to be said of the next event; None if none is due."""
        if self._events and self._events[0][0] <= trio.current_time() + 1e-9:
            return event_message(self._events.popleft()[1], self._subscriptions.form)
        return None

    def forget_events(self) -> None:
        """Throw away what was heard."""
        self._events.clear()

    # The log

    def _hear_log(self, level: int, text: str, site: Site, kind: int, uuid: str) -> None:
        if self.log_level is None or level > self.log_level:
            return
        file, function, number = site
        if kind != _CLEAN_LINE:
            now = datetime.fromtimestamp(self._core.micros() / 1_000_000, UTC)
            name = LOG_LEVELS[level] if level < len(LOG_LEVELS) else f"DEBUG{level - len(LOG_LEVELS) + 1}"
            text = f"{now:%Y-%m-%d %H:%M:%S.%f} 99.00% [{name}] {file}:{number} {text}"
        self._logs.append(
            log_message(text + "\n", level=level, channel=kind, file=file, function=function, number=number, uuid=uuid)
        )
        self._notify()

    def next_line(self) -> bytes | None:
        """What is to be said of the next line of the log; None if there is none."""
        return self._logs.popleft() if self._logs else None

    def forget_lines(self) -> None:
        """Throw away what was logged."""
        self._logs.clear()
