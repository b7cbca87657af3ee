"""What a switch says of itself: ``status``, ``version`` and their like."""

from __future__ import annotations

import re
from typing import Final

from ..arguments.checks import check_name, check_number, check_word
from ..arguments.numbers import whole
from ..arguments.text import Expand
from ..errors import ApiFailed, LocalProtocolError
from ..protocol import ApiResponse
from .directory import DirectoryCommands
from .limits import LimitUsage
from .showing import ShowCommands
from .switch_status import SwitchStatus, SwitchVersion, read_status, read_version
from .words import words_of

__all__ = ["OverviewCommands"]

_WHOLE: Final = re.compile(r"(\d+)")
_MOST_SECONDS: Final = 2**62 // 1_000_000


class OverviewCommands(ShowCommands, DirectoryCommands):
    """What a switch says of itself: ``show``, ``status``, ``version`` and their like."""

    __slots__ = ()

    # The switch

    async def status(self) -> SwitchStatus:
        """How the switch is doing: whether it takes calls, how many it has, how long it has been up.

        Runs ``status``.

        Raises:
            ApiFailed: FreeSWITCH has no such command (mod_commands is not loaded).
        """
        return read_status(await self._text("status"))

    async def version(self) -> SwitchVersion:
        """What FreeSWITCH the switch is (``version``).

        Raises:
            ApiFailed: FreeSWITCH has no such command.
        """
        return read_version(await self._text("version"))

    async def version_short(self) -> str:
        """The version's numbers alone, such as ``1.11.3`` (``version short``).

        Raises:
            ApiFailed: FreeSWITCH has no such command.
        """
        return await self._text("version short")

    async def uptime(self) -> float:
        """How long the switch has been up, in whole seconds (``uptime``); ``status`` knows it to the microsecond.

        FreeSWITCH has other units, and prints 32 bits of them: of microseconds these are 71 minutes
        (``uptime_function()`` in mod_commands.c).

        Raises:
            ApiFailed: FreeSWITCH printed no number.
        """
        return float((await self._match_of("uptime", _WHOLE))[1][:20])

    async def hostname(self) -> str:
        """The name of the machine that the switch runs on (``hostname``).

        Raises:
            ApiFailed: FreeSWITCH has no such command.
        """
        return await self._text("hostname")

    async def switchname(self) -> str:
        """The switch's own name, mostly its machine's (``switchname``).

        Raises:
            ApiFailed: FreeSWITCH has no such command.
        """
        return await self._text("switchname")

    async def module_exists(self, module: str) -> bool:
        """Whether a module is loaded (``module_exists``).

        Args:
            module: Its name, such as ``mod_sofia``.

        Raises:
            ApiFailed: FreeSWITCH said neither yes nor no.
            LocalProtocolError: The name is no word; nothing was sent.
        """
        return await self._yes_or_no(f"module_exists {check_word(module, 'module')}")

    # Global variables

    async def global_getvar(self, name: str) -> str | None:
        """The value of a global variable (``global_getvar``); ``global_setvar`` sets one.

        Args:
            name: Its name, such as ``domain``.

        Returns:
            The value; None where it is not set.

        Raises:
            ApiFailed: FreeSWITCH has no such command.
            LocalProtocolError: It cannot be a variable's name; nothing was sent.
        """
        return await self._value_of(f"global_getvar {check_name(name)}")

    async def global_variables(self) -> dict[str, str]:
        """All global variables, by their names (``global_getvar`` without a name).

        A value with line breaks is told from the next variable only as long as its further lines hold no ``=``.

        Raises:
            ApiFailed: FreeSWITCH has no such command.
        """
        variables: dict[str, str] = {}
        last = ""
        for line in (await self._value_of("global_getvar") or "").removesuffix("\n").split("\n"):
            name, divided, value = line.partition("=")
            if divided:
                last = name
                variables[name] = value
            elif last:
                variables[last] += "\n" + line
        return variables

    # Answers

    async def acl(self, ip: str, list_name: str) -> bool:
        """Whether an access control list lets an address in (``acl``); none of that name lets nobody in.

        Args:
            ip: The address.
            list_name: The list's name, such as ``domains``, or a network of its own, such as ``10.0.0.0/8``.

        Raises:
            ApiFailed: FreeSWITCH said neither yes nor no.
        """
        return await self._yes_or_no(f"acl {words_of(ip, list_name)}")

    async def strftime_tz(self, timezone: str, format: str = "%Y-%m-%d %T", *, epoch: int | None = None) -> str:  # noqa: A002
        """The time in a time zone, as text (``strftime_tz``).

        Args:
            timezone: The zone's name, such as ``Europe/Berlin``.
            format: As C's ``strftime`` takes it; the text can have 79 bytes.
            epoch: The time, in seconds since 1970; now without it.

        Raises:
            ApiFailed: FreeSWITCH has no such zone, or the text is empty or too long.
            LocalProtocolError: The zone is no word, the format cannot be said, or the time is not after 1970.
        """
        # strftime_tz_api_function() in mod_commands.c takes a time of zero for none, and a first `|` for its end.
        if not format or format != format.strip() or (epoch is None and "|" in format):
            raise LocalProtocolError(f"format is {format!r}, and cannot begin or end with a blank, nor hold a | alone")
        time = "" if epoch is None else f"{check_number(epoch, 'epoch', least=1, most=_MOST_SECONDS)}|"
        return await self._text(f"strftime_tz {check_word(timezone, 'timezone')} {time}{format}")

    async def eval(self, text: Expand, *, channel_uuid: str | None = None) -> str:
        """What FreeSWITCH makes of a text with ``${...}`` in it (``eval``).

        ``${...}`` may run any API command, ``system`` included: put nothing into it that somebody else chose.
        ``expand``, which runs a command after having expanded its arguments, is left to ``api()``.

        Args:
            text: The text, such as ``Expand("$${domain}")``; a ``str``, which is data, has nothing to be expanded.
            channel_uuid: The channel whose variables it may name; without one there are global variables only.

        Raises:
            ApiFailed: FreeSWITCH has no such command.
            LocalProtocolError: It is no ``Expand``, or the UUID is no word; nothing was sent.
        """
        if not isinstance(text, Expand):
            raise LocalProtocolError(f"text is {text!r}, and should be Expand(...): a str is data")
        whose = "" if channel_uuid is None else f"uuid:{check_word(channel_uuid, 'channel_uuid')} "
        return await self._value_of(f"eval {whose}{text.text}") or ""

    # Limits

    async def limit_usage(self, realm: str, id: str, *, backend: str = "hash") -> LimitUsage:  # noqa: A002 - FreeSWITCH's word
        """How much a limit is used (``limit_usage``), without taking a place.

        Of a backend that there is not FreeSWITCH says that nothing is used.

        Args:
            realm: What kind of thing is limited.
            id: Which one.
            backend: Where it is counted, such as ``hash``, ``db``.

        Raises:
            ApiFailed: FreeSWITCH printed something else than numbers.
        """
        command = f"limit_usage {words_of(backend, realm, id, 'rate')}"
        text = await self._text(command)
        usage, rate = map(whole, text.partition("/")[::2])
        if usage is None or rate is None:
            raise ApiFailed(command, ApiResponse(text))
        return LimitUsage(usage, rate)

    async def limit_status(self, backend: str = "hash") -> str:
        """What a backend says of its limits, as text (``limit_status``); ``hash`` says that it cannot tell.

        Args:
            backend: Where it is counted, such as ``hash``, ``db``.

        Raises:
            ApiFailed: There is no such backend, or it cannot tell.
        """
        return await self._carry_out(f"limit_status {words_of(backend)}")
