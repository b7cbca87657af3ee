"""Numbers that FreeSWITCH writes into variables and events, as text; None where it wrote none."""

from __future__ import annotations

from typing import Final

from ..protocol import Event

__all__ = ["thousandths", "timestamp", "whole"]

# FreeSWITCH writes none that is longer; Python refuses to read those of some thousand digits.
_TOO_LONG: Final = 20


def whole(text: str | None) -> int | None:
    """A whole number of 64 bits, without a sign."""
    return int(text) if text and len(text) < _TOO_LONG and text.isascii() and text.isdecimal() else None


def thousandths(text: str | None) -> float | None:
    """Seconds, of milliseconds."""
    number = whole(text)
    return None if number is None else number / 1000


def timestamp(event: Event) -> int | None:
    """When FreeSWITCH made an event, in microseconds since 1970."""
    return whole(event.get("Event-Date-Timestamp"))
