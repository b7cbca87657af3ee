"""``fsctl``: what a running FreeSWITCH is set to, as far as that does it no harm."""

from __future__ import annotations

import re
from typing import Final, Literal

from ..arguments.checks import check_number
from ..errors import LocalProtocolError
from ..log_lines import LogLevel, log_level_of
from .answers import AnsweringBase
from .switch_status import decimal

__all__ = ["FsctlSettings", "fsctl"]

_MOST: Final = 2**31 - 1
_NUMBER: Final = re.compile(r"\+OK [^:\n]*: (\d{1,10})")
_LEVEL: Final = re.compile(r"\[(-?\d{1,4})\]")
_ON: Final = re.compile(r" is (on|off|true|false)\b")
_IDLE: Final = re.compile(r"min idle cpu: (.*)")
# A telephone's digit is counted in 8,000ths of a second (SWITCH_DEFAULT_DTMF_DURATION in switch_types.h).
_DTMF_RATE: Final = 8000
_LEAST_DTMF: Final = 0.05
_MOST_DTMF: Final = 24.0


class FsctlSettings(AnsweringBase):
    """``fsctl``: what a running FreeSWITCH is set to, until it ends. What sets a number asks for it without one."""

    __slots__ = ()

    # How many calls

    async def fsctl_max_sessions(self, sessions: int | None = None) -> int:
        """How many channels there may be at a time.

        Args:
            sessions: How many there may be from now on, until FreeSWITCH ends.

        Raises:
            ApiFailed: FreeSWITCH printed no number.
            LocalProtocolError: It is no whole number above 0; nothing was sent.
        """
        return await self._number("max_sessions", sessions, "sessions", least=1)

    async def fsctl_sps(self, sessions: int | None = None) -> int:
        """How many channels may begin in a second.

        Args:
            sessions: How many may from now on, until FreeSWITCH ends.

        Raises:
            ApiFailed: FreeSWITCH printed no number.
            LocalProtocolError: It is no whole number above 0; nothing was sent.
        """
        return await self._number("sps", sessions, "sessions", least=1)

    async def fsctl_min_idle_cpu(self, percent: float | None = None) -> float:
        """With how much idle time the switch takes no calls any more, in percent; 0 if it always does.

        Args:
            percent: How much from now on, until FreeSWITCH ends; 0 takes all calls.

        Raises:
            ApiFailed: FreeSWITCH printed something else.
            LocalProtocolError: It is not 0 to 100; nothing was sent.
        """
        words: tuple[str, ...] = ()
        if percent is not None:
            words = (f"{_between(percent, 'percent', 0, 100):.2f}",)
        said = await self._match_of(fsctl("min_idle_cpu", *words), _IDLE)
        return decimal(said[1]) or 0.0

    # Digits

    async def fsctl_default_dtmf_duration(self, seconds: float | None = None) -> float:
        """How long a digit is sent for which nothing was said, in seconds.

        Args:
            seconds: How long from now on, until FreeSWITCH ends; the least and the most follow.

        Raises:
            ApiFailed: FreeSWITCH printed no number.
            LocalProtocolError: It is not 0.05 to 24 seconds; nothing was sent.
        """
        return await self._dtmf_duration("default_dtmf_duration", seconds)

    async def fsctl_min_dtmf_duration(self, seconds: float | None = None) -> float:
        """How long a digit is sent at least, in seconds.

        Args:
            seconds: How long from now on, until FreeSWITCH ends.

        Raises:
            ApiFailed: FreeSWITCH printed no number.
            LocalProtocolError: It is not 0.05 to 24 seconds; nothing was sent.
        """
        return await self._dtmf_duration("min_dtmf_duration", seconds)

    async def fsctl_max_dtmf_duration(self, seconds: float | None = None) -> float:
        """How long a digit is sent at most, in seconds.

        Args:
            seconds: How long from now on, until FreeSWITCH ends.

        Raises:
            ApiFailed: FreeSWITCH printed no number.
            LocalProtocolError: It is not 0.05 to 24 seconds; nothing was sent.
        """
        return await self._dtmf_duration("max_dtmf_duration", seconds)

    # The log

    async def fsctl_loglevel(self, level: LogLevel | int | str | None) -> int | None:
        """Let FreeSWITCH log nothing that is less than this, wherever it logs to.

        It cannot be asked for: ``fsctl loglevel`` alone, which is what None says, takes the limit away.

        Args:
            level: A level; None for no limit.

        Returns:
            The limit that there is now, as a number; None where there is none.

        Raises:
            ApiFailed: FreeSWITCH refused it.
            LocalProtocolError: There is no such level; nothing was sent.
        """
        words = () if level is None else (str(int(log_level_of(level))),)
        number = int((await self._match_of(fsctl("loglevel", *words), _LEVEL))[1])
        return None if number < 0 else number

    async def fsctl_debug_level(self, level: int | None = None) -> int:
        """How much is logged of what is logged as debug.

        Args:
            level: How much from now on, 0 to 10.

        Raises:
            ApiFailed: FreeSWITCH printed no number.
            LocalProtocolError: It is not 0 to 10; nothing was sent.
        """
        return await self._number("debug_level", level, "level", least=0, most=10)

    # Behaviour

    async def fsctl_verbose_events(self, on: bool | None = None) -> bool:
        """Whether every event of a channel carries its variables.

        Args:
            on: Whether they shall from now on.

        Raises:
            ApiFailed: FreeSWITCH said neither yes nor no.
        """
        return await self._flag("verbose_events", on)

    async def fsctl_api_expansion(self, on: bool | None = None) -> bool:
        """Whether ``${command(arguments)}`` runs an API command, in what FreeSWITCH expands.

        Args:
            on: Whether it shall from now on.

        Raises:
            ApiFailed: FreeSWITCH said neither yes nor no.
        """
        return await self._flag("api_expansion", on)

    async def fsctl_threaded_system_exec(self, on: bool | None = None) -> bool:
        """Whether programs that FreeSWITCH starts are started by a thread, and not by a process of their own.

        Args:
            on: Whether they shall be from now on.

        Raises:
            ApiFailed: FreeSWITCH said neither yes nor no.
        """
        return await self._flag("threaded_system_exec", on)

    async def fsctl_uuid_version(self, version: Literal[4, 7] | None = None) -> int:
        """Which UUIDs FreeSWITCH makes; 1.10 does not know this.

        Args:
            version: Which from now on: random ones (4), or such as can be sorted by their time (7).

        Raises:
            ApiFailed: FreeSWITCH printed no number.
            LocalProtocolError: It is neither; nothing was sent.
        """
        if version not in (None, 4, 7):
            raise LocalProtocolError(f"version is {version!r}, and should be 4 or 7")
        return await self._number("uuid_version", version, "version", least=4)

    async def fsctl_mdns_resolve(self, on: bool) -> None:
        """Look names up that end in ``.local``, in what a browser offers (ICE), or do not; 1.10 may not know this.

        Args:
            on: Whether they are looked up.

        Raises:
            ApiFailed: FreeSWITCH refused it.
        """
        await self._carry_out(fsctl("mdns_resolve", "enable" if on else "disable"))

    async def _number(self, what: str, number: int | None, name: str, *, least: int, most: int = _MOST) -> int:
        words = () if number is None else (str(check_number(number, name, least=least, most=most)),)
        return int((await self._match_of(fsctl(what, *words), _NUMBER))[1])

    async def _flag(self, what: str, on: bool | None) -> bool:
        words = () if on is None else ("on" if on else "off",)
        return (await self._match_of(fsctl(what, *words), _ON))[1] in ("on", "true")

    async def _dtmf_duration(self, what: str, seconds: float | None) -> float:
        samples = None
        if seconds is not None:
            samples = round(_between(seconds, "seconds", _LEAST_DTMF, _MOST_DTMF) * _DTMF_RATE)
        return await self._number(what, samples, "seconds", least=1) / _DTMF_RATE


def fsctl(*words: str) -> str:
    """The command."""
    return " ".join(("fsctl", *words))


def _between(number: float, name: str, least: float, most: float) -> float:
    try:
        within = least <= number <= most
    except TypeError:
        within = False
    if not within:
        raise LocalProtocolError(f"{name} is {number!r}, and should be a number, {least:g} to {most:g}")
    return number
