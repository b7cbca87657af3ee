"""What is asked of mod_sofia: profiles, gateways, registrations."""

from __future__ import annotations

import re
from typing import Final, Literal

from ..arguments.checks import check_word
from ..errors import ApiFailed, LocalProtocolError
from ..protocol import ApiResponse
from .sofia_profiles import SofiaProfileCommands
from .sofia_reading import read_gateway, read_profile, read_registrations, read_sofia_status
from .sofia_shown import SofiaGatewayStatus, SofiaProfileStatus, SofiaRegistration, SofiaStatus
from .words import one_of, words_of

__all__ = ["SofiaCommands"]

_COUNT: Final = re.compile(r"-?\d{1,10}\Z")
_NOT_REGISTERED: Final = "error/user_not_registered"
# contact_callback() in mod_sofia.c begins each with its profile, and a contact may hold a comma.
_BETWEEN_CONTACTS: Final = re.compile(r",(?=sofia/)")
_DIRECTIONS: Final = {"inbound": "ivar", "outbound": "ovar", None: "var"}
# What divides `[<profile>/]<user>[@<domain>]`, which cannot be quoted.
_DIVIDES: Final = "/@~"


class SofiaCommands(SofiaProfileCommands):
    """What is asked of mod_sofia, FreeSWITCH's SIP; where that is not loaded, all of it raises ``ApiFailed``."""

    __slots__ = ()

    async def sofia_status(self) -> SofiaStatus:
        """The SIP profiles that run, their gateways and other names (``sofia status``).

        Raises:
            ApiFailed: mod_sofia is not loaded.
        """
        return read_sofia_status(await self._carry_out("sofia status"))

    async def sofia_status_profile(self, profile: str) -> SofiaProfileStatus:
        """How a SIP profile is configured, and how many calls and registrations it has had.

        Runs ``sofia status profile``.

        Args:
            profile: Its name, or another name of it.

        Raises:
            ApiFailed: There is none of that name that runs.
        """
        return read_profile(await self._carry_out(f"sofia status profile {words_of(profile)}"))

    async def sofia_status_gateway(self, gateway: str) -> SofiaGatewayStatus:
        """How a gateway is doing: whether it is registered, whether it answers, how many calls it has had.

        Runs ``sofia status gateway``.

        Args:
            gateway: Its name.

        Raises:
            ApiFailed: There is none of that name.
        """
        return read_gateway(await self._carry_out(f"sofia status gateway {words_of(gateway)}"))

    # Registrations

    async def sofia_registrations(
        self, profile: str, *, user: str | None = None, domain: str | None = None, contact: str | None = None
    ) -> list[SofiaRegistration]:
        """The telephones that are registered with a profile.

        Runs ``sofia status profile <profile> reg`` or ``... user``.

        Args:
            profile: The profile's name.
            user: Only those of this user.
            domain: Only those of this domain.
            contact: Only those whose contact holds this text, and not beside the others. ``%`` stands for any text, and
                ``_`` for one character.

        Raises:
            ApiFailed: There is no such profile.
            LocalProtocolError: A user or domain holds an ``@``, or the contact is not alone or is empty.
        """
        if contact is not None:
            if not contact or user is not None or domain is not None:
                raise LocalProtocolError(f"contact is {contact!r}, and should be some text, without a user or a domain")
            which: tuple[str, ...] = ("reg", contact)
        elif user is not None:
            which = ("user", f"{check_word(user, 'user', without='@')}@{domain or ''}")
        elif domain is not None:
            which = ("user", check_word(domain, "domain", without="@"))
        else:
            which = ("reg",)
        # A telephone's own words may look like a refusal, but they stand behind what they are.
        return read_registrations(await self._carry_out(f"sofia status profile {words_of(profile, *which)}"))

    async def sofia_count_reg(self, domain: str, *, user: str = "", profile: str = "") -> int:
        """How many telephones are registered for a domain, or for one of its users (``sofia_count_reg``).

        A domain without a dot is taken for the profile's name (``sofia_count_reg_function()`` in mod_sofia.c).

        Args:
            domain: The domain.
            user: The user; all if empty.
            profile: The profile; the one of the domain's name if empty.

        Raises:
            ApiFailed: There is no such profile.
            LocalProtocolError: One of them is no word; nothing was sent.
        """
        command = f"sofia_count_reg {_address(user, domain, profile)}"
        text = await self._text(command)
        if _COUNT.match(text) is None or int(text) < 0:
            raise ApiFailed(command, ApiResponse(text))
        return int(text)

    async def sofia_username_of(self, user: str, domain: str, *, profile: str = "") -> str | None:
        """As whom a user registered, that is, with whose password (``sofia_username_of``).

        Args:
            user: The user.
            domain: The domain.
            profile: The profile; the one of the domain's name if empty.

        Returns:
            The name; None where nobody is registered.

        Raises:
            ApiFailed: FreeSWITCH has no such command.
            LocalProtocolError: One of them is no word; nothing was sent.
        """
        # An assertion in sofia_username_of_function() would end FreeSWITCH for want of a user.
        check_word(user, "user")
        return await self._value_of(f"sofia_username_of {_address(user, domain, profile)}")

    async def sofia_contact(self, user: str, domain: str = "", *, profile: str = "*") -> tuple[str, ...]:
        """Where a user is reached, as dial strings (``sofia_contact``).

        They are raw: to be dialled, not to be taken for data.

        Args:
            user: The user.
            domain: The domain; the switch's own if empty.
            profile: The profile; any by default.

        Returns:
            A dial string for each telephone that is registered; none where none is.

        Raises:
            ApiFailed: FreeSWITCH has no such command.
            LocalProtocolError: One of them is no word; nothing was sent.
        """
        check_word(user, "user")
        text = await self._text(f"sofia_contact {_address(user, domain, profile)}")
        return () if text == _NOT_REGISTERED else tuple(_BETWEEN_CONTACTS.split(text))

    # Gateways

    async def sofia_gateway_data(
        self, gateway: str, name: str, *, direction: Literal["inbound", "outbound"] | None = None
    ) -> str | None:
        """A variable that a gateway's calls get (``sofia_gateway_data``).

        Args:
            gateway: The gateway's name.
            name: The variable's name.
            direction: Of its calls that come in, or of those that go out; by default of either.

        Returns:
            The value; None where there is none, or no such gateway.

        Raises:
            ApiFailed: FreeSWITCH has no such command.
            LocalProtocolError: That is no direction; nothing was sent.
        """
        if direction is not None:
            one_of(direction, "direction", ("inbound", "outbound"))
        return await self._value_of(f"sofia_gateway_data {words_of(gateway, _DIRECTIONS[direction], name)}")


def _address(user: str, domain: str, profile: str) -> str:
    """``[<profile>/][<user>][@<domain>]``."""
    text = check_word(user, "user", without=_DIVIDES) if user else ""
    if profile:
        text = check_word(profile, "profile", without=_DIVIDES) + "/" + text
    return text + ("@" + check_word(domain, "domain", without=_DIVIDES) if domain else "")
