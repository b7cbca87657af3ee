"""``fsctl``: what a running FreeSWITCH can be told that does it no harm."""

from __future__ import annotations

import re
from typing import Final, Literal

from .fsctl_settings import FsctlSettings, fsctl
from .words import one_of

__all__ = ["FsctlCommands"]

_DIRECTIONS: Final = ("inbound", "outbound")
_RECOVERED: Final = re.compile(r"\+OK (\d{1,10}) session")


class FsctlCommands(FsctlSettings):
    """``fsctl``: what a running FreeSWITCH can be told that does it no harm.

    One method for each, ``fsctl_`` and FreeSWITCH's word for it. Left to
    ``api()``, on purpose, is what ends the switch (``shutdown``, ``crash``), stops its database (``sql``), or serves
    those who work on FreeSWITCH itself (``debug_pool``, ``debug_sql``). While a switch shuts down, it does nothing of
    this, and says that it has (``switch_core_session_ctl()`` in switch_core.c).
    """

    __slots__ = ()

    # Calls

    async def fsctl_pause(self, direction: Literal["inbound", "outbound"] | None = None) -> None:
        """Take no new calls; those that are up go on.

        Args:
            direction: Only those that come in, or only those that go out.

        Raises:
            ApiFailed: FreeSWITCH refused it.
            LocalProtocolError: That is no direction; nothing was sent.
        """
        await self._fsctl("pause", *_direction(direction))

    async def fsctl_resume(self, direction: Literal["inbound", "outbound"] | None = None) -> None:
        """Take new calls again.

        Args:
            direction: Only those that come in, or only those that go out.

        Raises:
            ApiFailed: FreeSWITCH refused it.
            LocalProtocolError: That is no direction; nothing was sent.
        """
        await self._fsctl("resume", *_direction(direction))

    async def fsctl_pause_check(self, direction: Literal["inbound", "outbound"] | None = None) -> bool:
        """Whether no new calls are taken; without a direction, whether neither way.

        Args:
            direction: Only those that come in, or only those that go out.

        Raises:
            ApiFailed: FreeSWITCH said neither yes nor no.
            LocalProtocolError: That is no direction; nothing was sent.
        """
        return await self._yes_or_no(fsctl("pause_check", *_direction(direction)))

    async def fsctl_ready_check(self) -> bool:
        """Whether the switch takes calls: it is neither paused nor about to end.

        Raises:
            ApiFailed: FreeSWITCH said neither yes nor no.
        """
        return await self._yes_or_no(fsctl("ready_check"))

    async def fsctl_shutdown_check(self) -> bool:
        """Whether the switch ends as soon as its calls have ended (``fsctl shutdown elegant`` or ``asap``).

        Raises:
            ApiFailed: FreeSWITCH said neither yes nor no.
        """
        return await self._yes_or_no(fsctl("shutdown_check"))

    async def fsctl_shutdown_cancel(self) -> None:
        """Let the switch not end, which was to end as soon as its calls have ended (``fsctl shutdown cancel``).

        Raises:
            ApiFailed: FreeSWITCH refused it.
        """
        await self._fsctl("shutdown", "cancel")

    async def fsctl_hupall(self) -> None:
        """Hang up every call of the switch, with MANAGER_REQUEST; ``hupall`` takes a cause, and some calls only.

        Raises:
            ApiFailed: FreeSWITCH refused it.
        """
        await self._fsctl("hupall")

    async def fsctl_recover(self) -> int:
        """Take up the calls again that were up when FreeSWITCH died (``track-calls`` in the SIP profile).

        Returns:
            How many.

        Raises:
            ApiFailed: FreeSWITCH refused it.
        """
        return int((await self._match_of(fsctl("recover"), _RECOVERED))[1])

    # Counters and files

    async def fsctl_last_sps(self) -> int:
        """How many channels began within the last second.

        Raises:
            ApiFailed: FreeSWITCH printed no number.
        """
        return await self._number("last_sps", None, "", least=0)

    async def fsctl_sps_peak_reset(self) -> None:
        """Begin anew with the most channels that began in a second, as ``status`` tells it.

        Raises:
            ApiFailed: FreeSWITCH refused it.
        """
        await self._fsctl("sps_peak_reset")

    async def fsctl_send_sighup(self) -> None:
        """Let FreeSWITCH begin new log files, as SIGHUP does.

        Raises:
            ApiFailed: FreeSWITCH refused it.
        """
        await self._fsctl("send_sighup")

    async def fsctl_save_history(self) -> None:
        """Write down what was typed into FreeSWITCH's console.

        Raises:
            ApiFailed: FreeSWITCH refused it.
        """
        await self._fsctl("save_history")

    # The machine

    async def fsctl_sync_clock(self) -> None:
        """Set FreeSWITCH's clock by the machine's, at once; times of calls that are up are wrong then.

        Raises:
            ApiFailed: FreeSWITCH refused it.
        """
        await self._fsctl("sync_clock")

    async def fsctl_sync_clock_when_idle(self) -> bool:
        """Set FreeSWITCH's clock by the machine's as soon as there are no calls.

        Returns:
            Whether it was set at once.

        Raises:
            ApiFailed: FreeSWITCH refused it.
        """
        return "synchronized" in await self._carry_out(fsctl("sync_clock_when_idle"))

    async def fsctl_calibrate_clock(self) -> None:
        """Let FreeSWITCH find out anew how exactly this machine can wait.

        Raises:
            ApiFailed: FreeSWITCH refused it.
        """
        await self._fsctl("calibrate_clock")

    async def fsctl_reclaim_mem(self) -> None:
        """Let FreeSWITCH give memory back that it keeps for calls to come.

        Raises:
            ApiFailed: FreeSWITCH refused it.
        """
        await self._fsctl("reclaim_mem")

    async def fsctl_flush_db_handles(self) -> None:
        """Let FreeSWITCH close the connections to its databases that are idle.

        Raises:
            ApiFailed: FreeSWITCH refused it.
        """
        await self._fsctl("flush_db_handles")

    async def _fsctl(self, *words: str) -> None:
        await self._carry_out(fsctl(*words))


def _direction(direction: str | None) -> tuple[str, ...]:
    return () if direction is None else (one_of(direction, "direction", _DIRECTIONS),)
