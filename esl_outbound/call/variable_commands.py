"""A channel's variables on the wire: how they are set, unset and asked for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from ..protocol import Execute
from .arguments import Expand, Text, argument, escaped
from .checks import check_name

if TYPE_CHECKING:
    from .line import Line

__all__ = ["ask_for_variable", "set_command", "unset_command"]

_UNSET: Final = "_undef_"
_EMPTY: Final = "-ERR no reply\n"
_NO_CHANNEL: Final = "-ERR No such channel!\n"


def set_command(line: Line, name: str, value: Text | None, *, application: str = "set") -> Execute:
    """The command that sets a variable to a value, or to what its expansion gives; None and empty unset it.

    FreeSWITCH expands the whole argument, then ``set`` and its like (base_set() in mod_dptools.c) the value once more.

    Raises:
        LocalProtocolError: The name is no variable's name.
    """
    check_name(name)
    if isinstance(value, Expand):
        return line.execute_command(application, argument(f"{name}=", value))
    return line.execute_command(application, argument(f"{name}={escaped(value or '')}"))


def unset_command(line: Line, names: Iterable[str]) -> Execute:
    """The command that unsets variables, all of them in one execution (``multiunset``)."""
    return line.execute_command("multiunset", " ".join(check_name(name) for name in names))


async def ask_for_variable(line: Line, name: str) -> str | None:
    """A variable's true value, in whatever way this socket and the state of its call allow."""
    if line.is_full and line.ending is None:
        text = (await line.api(f"uuid_getvar {line.channel_uuid} {name}")).text
        if text == _UNSET:
            return None
        if text != _NO_CHANNEL:
            return "" if text == _EMPTY else text
    return (await line.refresh()).variables.get(name)
