"""The channel's variables, and the switch's, asked for and set."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from ..arguments.checks import check_name
from ..arguments.text import Text, argument
from ..errors import LocalProtocolError
from ..protocol import NO_REPLY, array_items
from .base import CallBase
from .variable_commands import (
    Value,
    ask_for_variable,
    check_item,
    check_plain_value,
    export_commands,
    set_command,
    unexport_commands,
    unset_commands,
)

__all__ = ["VariableAccess"]


class VariableAccess(CallBase):
    """Setting and asking for channel variables; ``self.variables`` is what is known without asking."""

    async def set_variable(self, name: str, value: Value) -> None:
        """Set a channel variable and wait until it is set.

        Runs ``set``. The value arrives as it is, whatever it contains, line
        breaks included; ``Expand`` asks for expansion.

        Args:
            name: The variable's name.
            value: Its value; empty or None unsets it. A list makes an array, unless it has only one item.

        Raises:
            LocalProtocolError: The name is no variable's name, or the value holds a NUL, or FreeSWITCH would
                take it for an array; nothing was sent.
            CallEnded: The call ended first.
        """
        await self._set({name: value})

    async def set_variables(self, variables: Mapping[str, Value]) -> None:
        """Set several channel variables and wait until all are set.

        Runs ``set`` for each, in one write, which takes one frame (20 ms) for all. (``multiset`` would lose quotes.)

        Args:
            variables: Names and values, as of ``set_variable``.

        Raises:
            LocalProtocolError: As of ``set_variable``; nothing was sent.
            CallEnded: The call ended first.
        """
        await self._set(variables)

    async def _set(self, variables: Mapping[str, Value]) -> None:
        line = self._line
        await line.run_all([set_command(line, name, value) for name, value in variables.items()])

    async def unset_variables(self, *names: str) -> None:
        """Take channel variables away, and wait until they are gone.

        Runs ``multiunset``. One that is not set does no harm.

        Args:
            names: Their names.

        Raises:
            LocalProtocolError: A name is no variable's name; nothing was sent.
            CallEnded: The call ended first.
        """
        await self._line.run_all(unset_commands(self._line, names))

    @asynccontextmanager
    async def temporary_variables(self, variables: Mapping[str, Value]) -> AsyncIterator[None]:
        """Set channel variables for as long as the block lasts, and then give them back what they were.

        Asks for the former values first, and runs ``set`` before and after, whatever happens in the block.

        Args:
            variables: Names and values, as of ``set_variable``.

        Raises:
            LocalProtocolError: As of ``set_variable``; nothing was sent.
            CallEnded: The call ended first.
        """
        line = self._line
        commands = [set_command(line, name, value) for name, value in variables.items()]
        await line.require_call()
        # A second `connect` says which are set at all: uuid_getvar also finds the switch's own variables.
        known = (await line.refresh()).variables
        former = {name: await ask_for_variable(line, name) if name in known else None for name in variables}
        restored = [set_command(line, name, value) for name, value in former.items()]
        try:
            await line.run_all(commands)
            yield
        finally:
            await line.undo_all(restored)

    async def push_variable(self, name: str, *items: str) -> None:
        """Append to a variable that is an array, or becomes one with its second item.

        Runs ``push`` for each item, in one write.

        Args:
            name: The variable's name.
            items: What to append.

        Raises:
            LocalProtocolError: The name is no variable's name, or an item cannot stand in an array (it is empty,
                begins with ``ARRAY::`` or holds ``|:``); nothing was sent.
            CallEnded: The call ended first.
        """
        line = self._line
        await line.run_all([set_command(line, name, check_item(name, item), application="push") for item in items])

    async def unshift_variable(self, name: str, *items: str) -> None:
        """Put items before those of a variable that is an array, or becomes one with its second item.

        Runs ``unshift`` for each item, the last one first, so that they stand in the order in which they were given.

        Args:
            name: The variable's name.
            items: What to put before the rest.

        Raises:
            LocalProtocolError: As of ``push_variable``; nothing was sent.
            CallEnded: The call ended first.
        """
        line = self._line
        commands = [set_command(line, name, check_item(name, item), application="unshift") for item in reversed(items)]
        await line.run_all(commands)

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

    async def get_array(self, name: str) -> list[str]:
        """Ask FreeSWITCH for a channel variable that is an array.

        Asks as ``get_variable`` does.

        Returns:
            Its items; the value alone if it is no array, as after a single ``push``; nothing if it is not set.

        Raises:
            LocalProtocolError: The name is no variable's name; nothing was sent.
            CallEnded: The call is over, and its socket too.
        """
        check_name(name)
        value = await ask_for_variable(self._line, name)
        return [] if value is None else array_items(value)

    # Other legs

    async def export_variables(self, variables: Mapping[str, Text | None], *, nolocal: bool = False) -> None:
        """Give variables to every leg that this channel calls from now on.

        Runs ``export`` for each, in one write; what is exported already is set anew. The value arrives as it
        is; one that holds ``${`` would not be given to a leg, and is refused.

        Args:
            variables: Names and values; empty or None takes a variable back, from this channel too.
            nolocal: Do not set them on this channel; then taking one back leaves this channel's own alone.

        Raises:
            LocalProtocolError: A name is no variable's name, or a value cannot be said; nothing was sent.
            CallEnded: The call ended first.
        """
        await self._line.run_all(export_commands(self._line, variables, nolocal=nolocal))

    async def unexport_variables(self, *names: str) -> None:
        """Give variables to no other leg any more; this channel keeps its own.

        Runs ``set`` on ``export_vars``, the list of what is exported, and takes away what was
        exported with ``nolocal``.

        Args:
            names: Their names.

        Raises:
            LocalProtocolError: A name is no variable's name; nothing was sent.
            CallEnded: The call ended first.
        """
        await self._line.run_all(unexport_commands(self._line, names))

    async def bridge_export_variables(self, variables: Mapping[str, Text | None], *, nolocal: bool = False) -> None:
        """Give variables to the other leg at the moment when a bridge begins.

        Runs ``bridge_export`` for each, in one write. Unlike those of ``export_variables`` they come too
        late for what the leg is called with, but they go to a leg that somebody else called as well.

        Args:
            variables: Names and values, as of ``export_variables``.
            nolocal: Do not set them on this channel.

        Raises:
            LocalProtocolError: A name is no variable's name, or a value cannot be said; nothing was sent.
            CallEnded: The call ended first.
        """
        commands = export_commands(self._line, variables, nolocal=nolocal, application="bridge_export")
        await self._line.run_all(commands)

    async def transfer_variables(self, *names: str, prefix: str = "") -> None:
        """Copy variables of this channel to the leg that it is bridged to.

        Runs ``transfer_vars`` for each. Without another leg nothing happens, and FreeSWITCH does not
        tell; a value that holds ``${`` is not copied (``switch_ivr_transfer_variable()`` in switch_ivr.c).

        Args:
            names: Their names.
            prefix: Copy all whose names begin with this, too.

        Raises:
            LocalProtocolError: A name is no variable's name; nothing was sent.
            CallEnded: The call ended first.
        """
        parts = [*names, *([f"~{prefix}"] if prefix else [])]
        for part in parts:
            check_name(part)
        for name in names:
            if name.startswith("~"):
                raise LocalProtocolError(f"{name!r} would be all variables that begin with {name[1:]!r}: say prefix=")
        await self._line.run_all([self._line.execute_command("transfer_vars", part) for part in parts])

    # The caller profile, and the switch

    async def set_profile_variable(self, name: str, value: Text) -> None:
        """Set a field of the caller profile: what events show as ``Caller-...``.

        Runs ``set_profile_var``. Fields are ``caller_id_name``, ``caller_id_number``, ``callee_id_name``,
        ``callee_id_number``, ``destination_number``, ``ani``, ``aniii``, ``rdnis``, ``username``, ``dialplan``,
        ``context``, ``network_addr``, ``source`` and the like; any other name becomes a field of its own
        (``switch_channel_set_profile_var()`` in switch_channel.c).

        Args:
            name: The field.
            value: What to write there; it may be empty.

        Raises:
            LocalProtocolError: The name is no variable's name; nothing was sent.
            CallEnded: The call ended first.
        """
        await self._line.execute("set_profile_var", argument(f"{check_name(name)}=", value))

    async def set_global_variable(self, name: str, value: Text | None) -> None:
        """Set a variable of the whole switch: ``$${name}`` in its configuration.

        Runs ``set_global``.

        Args:
            name: The variable's name.
            value: Its value; empty or None unsets it.

        Raises:
            LocalProtocolError: The name is no variable's name, or the value holds ``${``, in which FreeSWITCH would
                change the dollar (``switch_core_set_variable()`` in switch_core.c); nothing was sent.
            CallEnded: The call ended first.
        """
        check_plain_value(value, name)
        await self._line.execute("set_global", argument(f"{check_name(name)}=", "" if value is None else value))

    async def get_global_variable(self, name: str) -> str | None:
        """Ask for a variable of the whole switch.

        Runs ``global_getvar``.

        Returns:
            Its value; None if it is not set.

        Raises:
            NotPermitted: The dialplan line does not say ``full``.
            LocalProtocolError: The name is no variable's name; nothing was sent.
            CallEnded: The call is over, and its socket too.
        """
        text = (await self._line.api(f"global_getvar {check_name(name)}")).text
        return None if text == NO_REPLY else text
