"""``status`` and ``version``, as values of what they print."""

from __future__ import annotations

import re
from typing import Final, final

import attrs

from ..arguments.numbers import whole

__all__ = ["SwitchStatus", "SwitchVersion", "decimal", "read_status", "read_version"]

# status_function() in mod_commands.c. A year is 365 days there (switch_core_measure_time() in switch_core.c).
_UNITS: Final = {
    "year": 365 * 86_400.0,
    "day": 86_400.0,
    "hour": 3_600.0,
    "minute": 60.0,
    "second": 1.0,
    "millisecond": 1e-3,
    "microsecond": 1e-6,
}
_UP: Final = re.compile(r"^UP (.*)$", re.MULTILINE)
_SPAN: Final = re.compile(r"(?<!\d)(\d{1,15}) ([a-z]+?)s?(?:,|$)")
_READY: Final = re.compile(r"^FreeSWITCH \(Version (.*)\) is (ready|not ready)", re.MULTILINE)
_SINCE: Final = re.compile(r"^(\d+) session\S* since startup", re.MULTILINE)
_SESSIONS: Final = re.compile(r"^(\d+) session\S* - peak (\d+)(?:, last 5min (\d+))?", re.MULTILINE)
_RATE: Final = re.compile(
    r"^(\d+) session\S* per Sec out of max (\d+)(?:, peak (\d+))?(?:, last 5min (\d+))?", re.MULTILINE
)
_MOST: Final = re.compile(r"^(\d+) session\S* max", re.MULTILINE)
_IDLE: Final = re.compile(r"^min idle cpu ([^/\n]*)/(.*)$", re.MULTILINE)
_STACK: Final = re.compile(r"^Current Stack Size/Max (\d+)K/(\d+)K", re.MULTILINE)

# `1.10.12-release+git~20240802T210227Z~a88d069d6f~64bit (git a88d069 2024-08-02 21:02:27Z 64bit)`
_VERSION: Final = re.compile(r"FreeSWITCH Version ([^\s+~(]+)(.*)", re.DOTALL)
_GIT: Final = re.compile(r"git(?:~[^~\s]*~| )([0-9a-f]{4,40})\b")
_BITS: Final = re.compile(r"\b(\d{2})bit\b")
_DECIMAL: Final = re.compile(r"\s*(-?\d{1,15}(?:\.\d{1,15})?)")


@final
@attrs.frozen
class SwitchStatus:
    """How a switch is doing; what it did not say is None. A session is a channel, from its beginning to its end."""

    is_ready: bool | None
    """Whether it takes calls; it does not while it shuts down, or is paused."""
    version: str | None
    """As it names itself, such as ``1.11.3-dev git cc93a68 2026-08-21 15:30:00Z 64bit``."""
    uptime: float | None
    """How long it has been up, in seconds."""
    sessions_since_startup: int | None
    sessions: int | None
    """How many there are now."""
    sessions_peak: int | None
    """The most there have been at a time."""
    sessions_peak_last_5min: int | None
    sessions_per_second: int | None
    """How many began within the last second."""
    sessions_per_second_max: int | None
    """How many may."""
    sessions_per_second_peak: int | None
    sessions_per_second_peak_last_5min: int | None
    sessions_max: int | None
    """How many there may be at a time."""
    min_idle_cpu: float | None
    """With less idle time than this it takes no calls, in percent; 0 takes all."""
    idle_cpu: float | None
    """Idle time now, in percent."""
    stack_size: int | None
    """A thread's stack, in bytes."""
    stack_size_max: int | None


@final
@attrs.frozen
class SwitchVersion:
    """What FreeSWITCH a switch is; what it did not say is None."""

    text: str
    """All that it says, in one line."""
    version: str | None
    """Such as ``1.10.12-release``."""
    git: str | None
    """The commit that it was built of."""
    bits: int | None
    """64, or 32."""

    @property
    def number(self) -> tuple[int, ...]:
        """The version's numbers, to compare: ``(1, 10, 12)``; empty where there are none."""
        match = re.match(r"\d{1,9}(?:\.\d{1,9})*", self.version or "")
        return () if match is None else tuple(map(int, match[0].split(".")))


def read_status(text: str) -> SwitchStatus:
    """What ``status`` printed."""
    ready = _READY.search(text)
    sessions = _numbers(_SESSIONS, text, 3)
    rate = _numbers(_RATE, text, 4)
    idle = _IDLE.search(text)
    stack = _numbers(_STACK, text, 2)
    return SwitchStatus(
        is_ready=None if ready is None else ready[2] == "ready",
        version=None if ready is None else ready[1],
        uptime=_uptime(text),
        sessions_since_startup=_numbers(_SINCE, text, 1)[0],
        sessions=sessions[0],
        sessions_peak=sessions[1],
        sessions_peak_last_5min=sessions[2],
        sessions_per_second=rate[0],
        sessions_per_second_max=rate[1],
        sessions_per_second_peak=rate[2],
        sessions_per_second_peak_last_5min=rate[3],
        sessions_max=_numbers(_MOST, text, 1)[0],
        min_idle_cpu=None if idle is None else decimal(idle[1]),
        idle_cpu=None if idle is None else decimal(idle[2]),
        stack_size=None if stack[0] is None else stack[0] * 1024,
        stack_size_max=None if stack[1] is None else stack[1] * 1024,
    )


def read_version(text: str) -> SwitchVersion:
    """What ``version`` printed (``version_function()`` in mod_commands.c)."""
    match = _VERSION.search(text)
    rest = "" if match is None else match[2]
    git, bits = _GIT.search(rest), _BITS.search(rest)
    return SwitchVersion(
        text=text,
        version=None if match is None else match[1],
        git=None if git is None else git[1],
        bits=None if bits is None else int(bits[1]),
    )


def decimal(text: str | None) -> float | None:
    """The decimal number that a text begins with; None where it begins with none."""
    match = _DECIMAL.match(text or "")
    return None if match is None else float(match[1])


def _uptime(text: str) -> float | None:
    match = _UP.search(text)
    spans = [] if match is None else _SPAN.findall(match[1])
    return sum(int(count) * _UNITS.get(unit, 0.0) for count, unit in spans) if spans else None


def _numbers(pattern: re.Pattern[str], text: str, groups: int) -> tuple[int | None, ...]:
    match = pattern.search(text)
    return (None,) * groups if match is None else tuple(map(whole, match.groups()))
