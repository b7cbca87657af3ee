"""What is done to a SIP profile: ``sofia profile``."""

from __future__ import annotations

from typing import Final

from ..errors import LocalProtocolError
from .answers import AnsweringBase
from .words import words_of

__all__ = ["SofiaProfileCommands"]

# What cmd_profile() in mod_sofia.c takes for something else where a gateway or a registration is named.
_EVERY_GATEWAY: Final = ("all", "_all_")
_OPTION: Final = ("reboot",)


class SofiaProfileCommands(AnsweringBase):
    """What is done to a SIP profile (``sofia profile``).

    A profile that is stopped or restarted loses its registrations' connections, and the calls on it: FreeSWITCH says
    when that is under way, not when it is done.
    """

    __slots__ = ()

    async def sofia_profile_start(self, profile: str) -> None:
        """Start a profile that is configured and does not run; the configuration is read anew before.

        Raises:
            ApiFailed: It does not start, or there is none of that name.
        """
        await self._profile(profile, "start")

    async def sofia_profile_stop(self, profile: str, *, wait: bool = False) -> None:
        """Stop a profile, which must have run for 10 seconds.

        Args:
            profile: Its name.
            wait: Wait until it has finished what is under way, 20 seconds at most.

        Raises:
            ApiFailed: There is none that runs, or not for long enough.
        """
        await self._profile(profile, "stop", *(("wait",) if wait else ()))

    async def sofia_profile_restart(self, profile: str) -> None:
        """Stop a profile, which must have run for 10 seconds, and start it again with its new configuration.

        Raises:
            ApiFailed: There is none that runs, or not for long enough.
        """
        await self._profile(profile, "restart")

    async def sofia_profile_rescan(self, profile: str) -> None:
        """Let a profile take in what is new in its configuration, such as gateways; calls go on.

        Raises:
            ApiFailed: There is none that runs, or it is not configured any more.
        """
        await self._profile(profile, "rescan")

    # Gateways

    async def sofia_profile_startgw(self, profile: str, gateway: str) -> None:
        """Let a profile take in one gateway of its configuration; 1.10 may not know this.

        Raises:
            ApiFailed: There is no such profile, or the gateway is not configured.
        """
        await self._profile(profile, "startgw", gateway)

    async def sofia_profile_killgw(self, profile: str, gateway: str) -> None:
        """Take a gateway away from a profile, until that is rescanned.

        Args:
            profile: The profile.
            gateway: The gateway; ``_all_``, which means every one, is left to ``api()``.

        Raises:
            ApiFailed: There is no such profile or gateway.
            LocalProtocolError: The gateway is ``_all_``; nothing was sent.
        """
        await self._profile(profile, "killgw", _not(gateway, "gateway", _EVERY_GATEWAY))

    async def sofia_profile_register(self, profile: str, gateway: str | None = None) -> None:
        """Let a gateway register anew.

        Args:
            profile: The profile.
            gateway: The gateway; every one of the profile's without it.

        Raises:
            ApiFailed: There is no such profile or gateway, or it does not register.
            LocalProtocolError: The gateway is ``all``; nothing was sent.
        """
        await self._profile(profile, "register", _gateway(gateway))

    async def sofia_profile_unregister(self, profile: str, gateway: str | None = None) -> None:
        """Let a gateway take its registration back.

        Args:
            profile: The profile.
            gateway: The gateway; every one of the profile's without it.

        Raises:
            ApiFailed: There is no such profile or gateway, or it does not register.
            LocalProtocolError: The gateway is ``all``; nothing was sent.
        """
        await self._profile(profile, "unregister", _gateway(gateway))

    async def sofia_profile_gwlist(self, profile: str, *, down: bool = False) -> list[str]:
        """The names of a profile's gateways that are up, or of those that are down.

        Raises:
            ApiFailed: There is no such profile.
        """
        said = await self._profile(profile, "gwlist", "down" if down else "up")
        return said.split()

    # Registrations

    async def sofia_profile_flush_inbound_reg(
        self, profile: str, who: str | None = None, *, reboot: bool = False
    ) -> None:
        """Forget registrations.

        Args:
            profile: The profile.
            who: A registration's Call-ID, or ``user@domain``, or ``@domain``; all without it.
            reboot: Tell the telephones to restart, those that understand it (``check-sync``).

        Raises:
            ApiFailed: There is no such profile.
            LocalProtocolError: ``who`` is empty, or a word of FreeSWITCH's; nothing was sent.
        """
        words = () if who is None else (_not(who, "who", _OPTION),)
        await self._profile(profile, "flush_inbound_reg", *words, *(_OPTION if reboot else ()))

    async def sofia_profile_check_sync(self, profile: str, who: str | None = None) -> None:
        """Tell telephones to read their configuration anew (``check-sync``).

        Args:
            profile: The profile.
            who: A registration's Call-ID, or ``user@domain``, or ``@domain``; all without it.

        Raises:
            ApiFailed: There is no such profile.
            LocalProtocolError: ``who`` is empty; nothing was sent.
        """
        await self._profile(profile, "check_sync", *(() if who is None else (_not(who, "who", ()),)))

    # Watching

    async def sofia_profile_siptrace(self, profile: str, on: bool) -> None:
        """Write a profile's SIP messages to FreeSWITCH's console, or do not.

        Raises:
            ApiFailed: There is no such profile.
        """
        await self._profile(profile, "siptrace", "on" if on else "off")

    async def sofia_profile_capture(self, profile: str, on: bool) -> None:
        """Send a profile's SIP messages to the capture server that is configured, or do not.

        Raises:
            ApiFailed: There is no such profile.
        """
        await self._profile(profile, "capture", "on" if on else "off")

    async def sofia_global_siptrace(self, on: bool) -> None:
        """Write all profiles' SIP messages to FreeSWITCH's console, or do not (``sofia global siptrace``).

        Raises:
            ApiFailed: FreeSWITCH refused it.
        """
        await self._carry_out(f"sofia global siptrace {'on' if on else 'off'}")

    async def _profile(self, profile: str, *words: str) -> str:
        return await self._carry_out(f"sofia profile {words_of(_not(profile, 'profile', ()), *words)}")


def _gateway(gateway: str | None) -> str:
    return "all" if gateway is None else _not(gateway, "gateway", _EVERY_GATEWAY)


def _not(text: str, name: str, meaning_else: tuple[str, ...]) -> str:
    if not text or text.lower() in meaning_else:
        raise LocalProtocolError(f"{name} is {text!r}, which FreeSWITCH takes for something else")
    return text
