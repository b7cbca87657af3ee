"""The keys that a caller pressed, until something takes them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final, final

import attrs

from .channel import Channel

__all__ = ["Keys"]


@final
@attrs.frozen
class _Key:
    digit: str
    source: str


@final
class Keys:
    """A channel's queue of digits (``switch_channel_queue_dtmf()``).

    Args:
        channel: The channel.
        notify: Called when a key waits to be taken.
    """

    def __init__(self, channel: Channel, notify: Callable[[], None]) -> None:
        self._channel = channel
        self._notify = notify
        self._waiting: deque[_Key] = deque()
        self.bindings: Final[list[Callable[[str], bool]]] = []
        """Asked for each key before it is queued; one that says yes has taken it."""

    @property
    def are_waiting(self) -> bool:
        """Whether a key waits to be taken."""
        return bool(self._waiting)

    def press(self, digits: str, source: str = "UNKNOWN") -> None:
        """The caller presses keys, or somebody does it for him."""
        for digit in digits:
            if not any(takes(digit) for takes in tuple(self.bindings)):
                self.queue(digit, source)

    def queue(self, digit: str, source: str = "UNKNOWN") -> None:
        """A key for whoever takes it next, whatever is bound to it."""
        self._waiting.append(_Key(digit, source))
        self._notify()

    def flush(self) -> None:
        """Throw away the keys that nothing has taken; no event tells of them."""
        self._waiting.clear()

    def take(self) -> str:
        """Take a key: only now an event tells of it."""
        key = self._waiting.popleft()
        self._channel.digits_dialed += key.digit
        self._channel.fire(
            "DTMF",
            last=[("DTMF-Digit", key.digit), ("DTMF-Duration", "800"), ("DTMF-Source", key.source)],
        )
        return key.digit
