"""Digits that are sent to a channel, or that come from it as if they had been pressed there."""

from __future__ import annotations

from typing import Final

from ..errors import LocalProtocolError
from .checks import check_digits, milliseconds

__all__ = ["digits_received", "digits_sent"]

# switch_core_session_send_dtmf_string() in switch_core_io.c takes no more characters, those of the duration among them.
_LONGEST_SENT: Final = 99
# Up to 400 samples a duration is not heeded, and beyond 192,000 it is cut (SWITCH_MIN_DTMF_DURATION, at 8,000 hertz).
_SHORTEST_DIGIT, _LONGEST_DIGIT = 0.051, 24.0
_PAUSES: Final = "wW"


def digits_sent(digits: str, duration_seconds: float | None) -> str:
    """Digits and pauses, as switch_core_session_send_dtmf_string() in switch_core_io.c reads them.

    Raises:
        LocalProtocolError: They cannot be sent.
    """
    text = _spelt(digits, duration_seconds, beside=_PAUSES)
    if len(text) > _LONGEST_SENT:
        raise LocalProtocolError(
            f"{len(text)} characters of digits are to be sent, and should be at most {_LONGEST_SENT}"
        )
    return text


def digits_received(digits: str, duration_seconds: float | None) -> str:
    """Digits, as switch_channel_queue_dtmf_string() in switch_channel.c reads them.

    Raises:
        LocalProtocolError: They are none.
    """
    return _spelt(digits, duration_seconds, beside="")


def _spelt(digits: str, duration_seconds: float | None, *, beside: str) -> str:
    if not check_digits(digits, "digits", beside=beside).strip(beside):
        raise LocalProtocolError(f"digits is {digits!r}, and there is no digit in it")
    if duration_seconds is None:
        return digits
    duration = milliseconds(duration_seconds, "duration_seconds", least=_SHORTEST_DIGIT)
    if duration_seconds > _LONGEST_DIGIT:
        raise LocalProtocolError(f"duration_seconds is {duration_seconds!r}, and should be at most {_LONGEST_DIGIT:g}")
    return f"{digits}@{duration}"
