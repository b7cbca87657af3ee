"""The channel's variables, asked for and set."""

from __future__ import annotations

from collections.abc import Mapping

from .arguments import Text
from .base import CallBase
from .checks import check_name
from .variable_commands import ask_for_variable, set_command

__all__ = ["VariableAccess"]


class VariableAccess(CallBase):
    """Setting and asking for channel variables; ``self.variables`` is what is known without asking."""

    async def set_variable(self, name: str, value: Text | None) -> None:
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

    async def set_variables(self, variables: Mapping[str, Text | None]) -> None:
        """Set several channel variables and wait until all are set.

        Runs ``set`` for each, in one write, which takes one frame (20 ms) for all.

        Args:
            variables: Names and values, as of ``set_variable``.

        Raises:
            LocalProtocolError: As of ``set_variable``; nothing was sent.
            CallEnded: The call ended first.
        """
        commands = [set_command(self._line, name, value) for name, value in variables.items()]
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
        check_name(name)
        return await ask_for_variable(self._line, name)
