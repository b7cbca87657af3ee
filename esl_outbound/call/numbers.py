"""Numbers that FreeSWITCH writes into variables and events, as text; None where it wrote none."""

from __future__ import annotations

from ..protocol import Event

__all__ = ["thousandths", "timestamp", "whole"]


def whole(text: str | None) -> int | None:
    """A whole number, without a sign."""
    return int(text) if text and text.isascii() and text.isdecimal() else None


def thousandths(text: str | None) -> float | None:
    """Seconds, of milliseconds."""
    number = whole(text)
    return None if number is None else number / 1000


def timestamp(event: Event) -> int | None:
    """When FreeSWITCH made an event, in microseconds since 1970."""
    return whole(event.get("Event-Date-Timestamp"))
