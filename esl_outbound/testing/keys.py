"""The keys that a caller pressed, until something takes them."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterator
from typing import Final, final

import attrs

from .channel import Channel
from .expansion import separate
from .wire import atoi

__all__ = ["Keys", "spelt"]

_SAMPLES_A_MILLISECOND: Final = 8
_CALLERS_DURATION: Final = 800
_DURATION: Final = 2000
_SHORTEST, _LONGEST = 400, 192_000
_MOST_PARTS: Final = 256


def spelt(text: str) -> Iterator[tuple[str, int]]:
    """The digits of a text as ``queue_dtmf`` and ``send_dtmf`` read it, each with its duration in samples.

    Parts are separated by ``+``, and each may say behind an ``@`` how many milliseconds its digits last. What is
    no digit is left out; ``w`` and ``W`` are, as digits that mean a pause.
    """
    for part in separate(text.removeprefix("~"), "+", _MOST_PARTS):
        digits, _, milliseconds = part.partition("@")
        duration = atoi(milliseconds) * _SAMPLES_A_MILLISECOND
        duration = min(duration, _LONGEST) if duration > _SHORTEST else _DURATION
        yield from ((digit, duration) for digit in re.findall("[0-9A-Da-d*#wWfF]", digits))


@final
@attrs.frozen
class _Key:
    digit: str
    source: str
    duration: int


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

    def press(self, digits: str) -> None:
        """The caller presses keys."""
        for digit in digits:
            self._press(_Key(digit, "UNKNOWN", _CALLERS_DURATION))

    def press_spelt(self, text: str) -> bool:
        """An application presses keys, spelt as in `spelt`; what is bound to them counts only behind a ``~``.

        Returns:
            Whether there were any.
        """
        keys = [_Key(digit, "APP", duration) for digit, duration in spelt(text)]
        for key in keys:
            if text.startswith("~"):
                self._press(key)
            else:
                self._queue(key)
        return bool(keys)

    def queue(self, digit: str) -> None:
        """A key of the caller's for whoever takes it next, whatever is bound to it."""
        self._queue(_Key(digit, "UNKNOWN", _CALLERS_DURATION))

    def _press(self, key: _Key) -> None:
        if not any(takes(key.digit) for takes in tuple(self.bindings)):
            self._queue(key)

    def _queue(self, key: _Key) -> None:
        self._waiting.append(key)
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
            last=[("DTMF-Digit", key.digit), ("DTMF-Duration", str(key.duration)), ("DTMF-Source", key.source)],
        )
        return key.digit
