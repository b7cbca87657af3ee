"""API commands about the switch as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ..causes import cause_name
from ..core import Core
from ..expansion import separate
from .command import ApiCommand

__all__ = ["COMMANDS"]


_UNITS: Final = (("year", 365 * 86400), ("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1))
_VERSION: Final = "1.11.3-dev"


async def _status(core: Core, argument: str) -> str:
    settings = core.installation.settings
    count = len(core.existing)
    settings.peak_sessions = peak = max(settings.peak_sessions, count)
    return (
        f"UP {_in_words(core.uptime_micros)}\n"
        f"FreeSWITCH (Version {_VERSION}  64bit) is {'ready' if core.is_ready else 'not ready'}\n"
        f"{core.sessions_so_far} session(s) since startup\n{count} session(s) - peak {peak}, last 5min {peak} \n"
        f"0 session(s) per Sec out of max {settings.sps}, peak 0, last 5min 0 \n"
        f"{settings.max_sessions} session(s) max\n"
        f"min idle cpu {settings.min_idle_cpu:.2f}/99.00\nCurrent Stack Size/Max 240K/8192K\n"
    )


def _in_words(micros: int) -> str:
    seconds, rest = divmod(micros, 1_000_000)
    parts = []
    for name, size in _UNITS:
        number, seconds = divmod(seconds, size)
        parts.append((number, name))
    parts += [(rest // 1000, "millisecond"), (rest % 1000, "microsecond")]
    return ", ".join(f"{number} {name}{'' if number == 1 else 's'}" for number, name in parts)


_SCALES: Final[Mapping[str, int]] = {
    **dict.fromkeys(("us", "microseconds"), 1),
    **dict.fromkeys(("ms", "milliseconds"), 1000),
    **dict.fromkeys(("", "s", "seconds"), 1_000_000),
    **dict.fromkeys(("m", "minutes"), 60_000_000),
    **dict.fromkeys(("h", "hours"), 3_600_000_000),
    **dict.fromkeys(("d", "days"), 86_400_000_000),
}


async def _uptime(core: Core, argument: str) -> str:
    scale = _SCALES.get(argument.lower())
    if scale is None:
        return "-USAGE: [us|ms|s|m|h|d|microseconds|milliseconds|seconds|minutes|hours|days]\n"
    return f"{core.uptime_micros // scale}\n"


async def _version(core: Core, argument: str) -> str:
    words = separate(argument, limit=2)
    if words and "short" in words[0].lower():
        return "1.11.3\n"
    return f"FreeSWITCH Version {_VERSION}~64bit ({' ' if not words else _VERSION + '  '}64bit)\n"


async def _hostname(core: Core, argument: str) -> str:
    return core.global_variables["hostname"]


async def _hupall(core: Core, argument: str) -> str:
    """``[<cause> [<variable> <value>]...]``."""
    words = separate(argument, limit=11)
    cause = cause_name(words[0]) if words else "MANAGER_REQUEST"
    cause = "MANAGER_REQUEST" if cause == "NONE" else cause
    wanted = list(zip(words[1::2], words[2::2], strict=False))
    for channel in list(core.channels.values()):
        if all(channel.get(name) == value for name, value in wanted):
            channel.hang_up(cause)
    if not wanted:
        return f"+OK hangup all channels with cause {cause}\n"
    more = "..." if len(wanted) > 1 else ""
    return f"+OK hangup all channels matching [{words[1]}]=[{words[2]}]{more} with cause: {cause}\n"


COMMANDS: Final[Mapping[str, ApiCommand]] = {
    "hostname": _hostname,
    "hupall": _hupall,
    "status": _status,
    "switchname": _hostname,
    "uptime": _uptime,
    "version": _version,
}
