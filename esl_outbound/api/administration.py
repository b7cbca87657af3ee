"""What is done to a switch: its modules, its configuration, its global variables."""

from __future__ import annotations

import re
from typing import Final

from ..arguments.checks import check_name, check_word
from ..arguments.text import holds_variable, words
from ..errors import ApiFailed, LocalProtocolError
from .fsctl import FsctlCommands
from .scheduling import ScheduleCommands
from .words import check_value

__all__ = ["AdministrationCommands"]

_CONFIGURATION: Final = re.compile(r"\+OK \[(.*)\]", re.DOTALL)
_GOOD: Final = ("Success", "")
_CLEARED: Final = re.compile(r"\+OK cleared (\d{1,10})")
_LOADED: Final = re.compile(r"^\+OK module loaded", re.MULTILINE)


class AdministrationCommands(FsctlCommands, ScheduleCommands):
    """What is done to a switch: its modules, its configuration, its global variables.

    What ends it (``shutdown``) has no method: it is to be said in full, with ``api()``.
    """

    __slots__ = ()

    # The configuration

    async def reloadxml(self) -> None:
        """Read the configuration anew, dialplan and directory included (``reloadxml``).

        What modules have read of it at their start they keep.

        Raises:
            ApiFailed: It cannot be read; the old one stays. FreeSWITCH says ``+OK`` all the same, and the reason.
        """
        command = "reloadxml"
        response = await self._run(command)
        said = _CONFIGURATION.match(response.text)
        if said is None or said[1] not in _GOOD:
            raise ApiFailed(command, response)

    async def reloadacl(self) -> None:
        """Read the access control lists anew, and the configuration with them (``reloadacl``).

        Raises:
            ApiFailed: The configuration cannot be read.
        """
        await self._carry_out("reloadacl")

    async def reloadcert(self) -> None:
        """Let the modules that encrypt read their certificates anew (``reloadcert``); 1.10 may not know this.

        Raises:
            ApiFailed: FreeSWITCH refused it.
        """
        await self._carry_out("reloadcert")

    async def xml_flush_cache(self, user: str | None = None, domain: str = "", *, key: str = "id") -> int:
        """Forget users of the directory that FreeSWITCH remembers (``cacheable`` in the directory).

        Runs ``xml_flush_cache``.

        Args:
            user: The user; all without one.
            domain: His domain; the switch's own if empty.
            key: By which attribute he was looked for.

        Returns:
            How many were remembered.

        Raises:
            ApiFailed: FreeSWITCH printed no number.
            LocalProtocolError: One of them is no word; nothing was sent.
        """
        command = "xml_flush_cache"
        if user is not None:
            command += f" {check_word(key, 'key')} {check_word(user, 'user')}"
            if domain:
                command += f" {check_word(domain, 'domain')}"
        return int((await self._match_of(command, _CLEARED))[1])

    # Modules

    async def load(self, module: str) -> None:
        """Load a module; the configuration is read anew before.

        Runs ``load``.

        Args:
            module: Its name, such as ``mod_sofia``.

        Raises:
            ApiFailed: It cannot be loaded, or is already.
            LocalProtocolError: The name is no word; nothing was sent.
        """
        await self._carry_out(f"load {_module(module)}")

    async def unload(self, module: str, *, force: bool = False) -> None:
        """Unload a module.

        Runs ``unload``.

        Args:
            module: Its name, such as ``mod_sofia``.
            force: Do not wait until nobody uses it; FreeSWITCH may crash.

        Raises:
            ApiFailed: It is not loaded, is in use, or does not let itself be unloaded.
            LocalProtocolError: The name is no word; nothing was sent.
        """
        await self._carry_out(f"unload {'-f ' if force else ''}{_module(module)}")

    async def reload(self, module: str, *, force: bool = False) -> None:
        """Unload a module and load it again; one that was not loaded is loaded. The configuration is read anew before.

        Runs ``reload``.

        Args:
            module: Its name, such as ``mod_callcenter``.
            force: Do not wait until nobody uses it; FreeSWITCH may crash.

        Raises:
            ApiFailed: It cannot be loaded, or could not be unloaded.
            LocalProtocolError: The name is no word; nothing was sent.
        """
        command = f"reload {'-f ' if force else ''}{_module(module)}"
        response = await self._run(command)
        if _LOADED.search(response.text) is None:
            raise ApiFailed(command, response)

    # Global variables

    async def global_setvar(self, name: str, value: str | None, *, if_value: str | None = None) -> None:
        """Set a global variable, until FreeSWITCH ends (``global_setvar``); what was expanded before stays as it was.

        Args:
            name: Its name.
            value: Its value; None, or an empty one, takes it away.
            if_value: Only if this is its value. FreeSWITCH does not tell whether it was.

        Raises:
            ApiFailed: FreeSWITCH refused it.
            LocalProtocolError: The name or a value cannot be said. FreeSWITCH keeps no ``${`` there
                (``switch_core_set_variable()`` in switch_core.c).
        """
        parts = [check_name(name), _kept(value or "", "value")]
        if if_value is not None:
            if not if_value:
                raise LocalProtocolError("if_value is '', which FreeSWITCH takes for no condition")
            parts.append(if_value)
        text = "".join(piece for piece in words(*parts, delimiter="=") if isinstance(piece, str))
        # What is in quotes may be escaped (unescape_char() in switch_utils.c).
        await self._carry_out("global_setvar " + text.replace("\n", "\\n").replace("\r", "\\r"))


def _module(module: str) -> str:
    if check_word(module, "module").startswith("-"):
        raise LocalProtocolError(f"module is {module!r}, which FreeSWITCH takes for an option")
    return module


def _kept(value: str, name: str) -> str:
    if holds_variable(value):
        raise LocalProtocolError(f"{name} is {value!r}, and FreeSWITCH keeps no ${{ in a global variable")
    return check_value(value, name)
