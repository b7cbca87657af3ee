"""The channel's variables, asked for and set."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from ..errors import LocalProtocolError
from ..protocol import Execute
from .arguments import Expand, escaped
from .base import CallBase

if TYPE_CHECKING:
    from .line import Line

__all__ = ["VariableAccess", "ask_for_variable"]

# What could end a name early, or mean something else: `set` divides at the first `=` (base_set() in mod_dptools.c).
_NAME: Final = re.compile(r"[A-Za-z0-9_.:+~!@&*()/<>|^?-]+")

_UNSET: Final = "_undef_"
_EMPTY: Final = "-ERR no reply\n"
_NO_CHANNEL: Final = "-ERR No such channel!\n"


class VariableAccess(CallBase):
    """Setting and asking for channel variables; ``self.variables`` is what is known without asking."""

    async def set_variable(self, name: str, value: str | Expand | None) -> None:
        """Set a channel variable and wait until it is set.

        Runs ``set``. The value arrives as it is, whatever it contains, line
        breaks included; ``Expand`` asks for expansion (twice: ``set`` does it once more).

        Args:
            name: The variable's name.
            value: Its value; empty or None unsets it.

        Raises:
            LocalProtocolError: The name is no variable's name, or the value holds a NUL; nothing was sent.
            CallEnded: The call ended first.
        """
        await self.set_variables({name: value})

    async def set_variables(self, variables: Mapping[str, str | Expand | None]) -> None:
        """Set several channel variables and wait until all are set.

        Runs ``set`` for each, in one write, which takes one frame (20 ms) for all.

        Args:
            variables: Names and values, as of ``set_variable``.

        Raises:
            LocalProtocolError: As of ``set_variable``; nothing was sent.
            CallEnded: The call ended first.
        """
        commands = [self._set(name, value) for name, value in variables.items()]
        if not commands:
            await self._line.require_call()
            return
        for execution in await self._line.start(commands):
            await execution.completed()

    async def get_variable(self, name: str) -> str | None:
        """Ask FreeSWITCH for a channel variable.

        With ``full``, runs ``uuid_getvar``, which gives the true value: ``getvar`` is
        cut at 511 bytes and breaks on line breaks. Without ``full``, and after the hangup,
        a second ``connect`` gives it, where a ``%`` before two hex digits cannot be told from
        an encoded byte. With ``full``, FreeSWITCH also looks among the caller profile's fields
        (``caller_id_name``) and the global variables.

        Returns:
            Its value; None if it is not set. An array is ``ARRAY::a|:b``.

        Raises:
            LocalProtocolError: The name is no variable's name; nothing was sent.
            CallEnded: The call is over, and its socket too.
        """
        _check(name)
        return await ask_for_variable(self._line, name)

    def _set(self, name: str, value: str | Expand | None) -> Execute:
        _check(name)
        # FreeSWITCH expands the whole argument, then `set` the value once more.
        text = f"{name}={value.text}" if isinstance(value, Expand) else escaped(f"{name}={escaped(value or '')}")
        return self._line.execute_command("set", text)


async def ask_for_variable(line: Line, name: str) -> str | None:
    """A variable's true value, in whatever way this socket and the state of its call allow."""
    if line.is_full and line.ending is None:
        text = (await line.api(f"uuid_getvar {line.channel_uuid} {name}")).text
        if text == _UNSET:
            return None
        if text != _NO_CHANNEL:
            return "" if text == _EMPTY else text
    return (await line.refresh()).variables.get(name)


def _check(name: str) -> None:
    if _NAME.fullmatch(name) is None:
        raise LocalProtocolError(f"{name!r} cannot be a variable's name")
