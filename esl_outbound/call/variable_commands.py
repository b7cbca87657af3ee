"""A channel's variables on the wire: how they are set, unset, exported and asked for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, TypeAlias

from ..arguments.checks import check_name
from ..arguments.text import Expand, Text, argument, escaped, holds_variable
from ..errors import LocalProtocolError
from ..protocol import NO_REPLY, Execute

if TYPE_CHECKING:
    from .line import Line

__all__ = [
    "Value",
    "ask_for_variable",
    "check_item",
    "check_plain_value",
    "export_command",
    "export_commands",
    "set_command",
    "unexport_commands",
    "unset_command",
    "unset_commands",
]

Value: TypeAlias = Text | list[str] | tuple[str, ...] | None
"""What a variable can be set to: a text, an array of texts, nothing."""

_UNSET: Final = "_undef_"
_NO_CHANNEL: Final = "-ERR No such channel!\n"
_ARRAY: Final = "ARRAY::"
_BETWEEN_ITEMS: Final = "|:"
_NOLOCAL: Final = ("nolocal:", "_nolocal_")
# multiset_function() and multiunset_function() in mod_dptools.c have room for 256 parts.
_MOST_NAMES: Final = 200


def set_command(line: Line, name: str, value: Value, *, application: str = "set") -> Execute:
    """The command that sets a variable to a value, or to what its expansion gives; None and empty unset it.

    FreeSWITCH expands the whole argument, then ``set`` and its like (base_set() in mod_dptools.c) the value once more.
    What is to be expanded is kept from the first of these, so that it is expanded once, as everywhere else.

    Raises:
        LocalProtocolError: The name is no variable's name, or FreeSWITCH would read the value as another one.
    """
    check_name(name)
    text = value.text if isinstance(value, Expand) else escaped(_plain(name, value))
    return line.execute_command(application, argument(f"{name}={text}"))


def _plain(name: str, value: str | Sequence[str] | None) -> str:
    """A value as FreeSWITCH writes it."""
    if value is None:
        return ""
    if isinstance(value, str):
        # switch_event_add_array() in switch_event.c makes an array of it, and no array has one item.
        if value.startswith(_ARRAY) and _BETWEEN_ITEMS not in value:
            raise LocalProtocolError(f"{name} cannot be {value!r}: FreeSWITCH takes it for an array")
        return value
    if not isinstance(value, list | tuple):
        raise LocalProtocolError(f"{name} cannot be {value!r}: a value is a text, a list of texts, or None")
    items = [check_item(name, item) for item in value]
    return _ARRAY + _BETWEEN_ITEMS.join(items) if len(items) > 1 else "".join(items)


def check_item(name: str, item: str) -> str:
    """One item of an array; an empty one would take all of it away (base_set())."""
    if not isinstance(item, str):
        raise LocalProtocolError(f"{item!r} cannot be an item of {name}: it is no text")
    if not item or item.startswith(_ARRAY) or _BETWEEN_ITEMS in item:
        raise LocalProtocolError(f"{item!r} cannot be an item of {name}: it is empty, or holds {_BETWEEN_ITEMS} itself")
    return item


def check_plain_value(value: Text | None, name: str) -> None:
    """Data for where FreeSWITCH keeps out what has a ``${`` in it; what an expansion gives is not known here."""
    if isinstance(value, str) and (holds_variable(value) or value.startswith(_ARRAY)):
        raise LocalProtocolError(f"{name} cannot be {value!r}: FreeSWITCH does not store that there")


def unset_command(line: Line, names: Iterable[str]) -> Execute:
    """The command that unsets variables, all of them in one execution (``multiunset``)."""
    text = " ".join(check_name(name) for name in names)
    if text.startswith("^^"):
        raise LocalProtocolError(f"{text.partition(' ')[0]!r} cannot be unset: ^^ gives multiunset a delimiter")
    return line.execute_command("multiunset", text)


def unset_commands(line: Line, names: Sequence[str]) -> list[Execute]:
    """The commands that unset any number of variables."""
    return [unset_command(line, names[at : at + _MOST_NAMES]) for at in range(0, len(names), _MOST_NAMES)]


def export_commands(
    line: Line, variables: Mapping[str, Text | None], *, nolocal: bool, application: str = "export"
) -> list[Execute]:
    """The commands that let variables go to the legs that this channel calls; None and empty take them back.

    Raises:
        LocalProtocolError: A name is no variable's name, or cannot stand in the list of names; or the other leg would
            not get a value (switch_ivr_originate() and switch_channel_process_export() set none with a ``${``).
    """
    for name, value in variables.items():
        check_exported(name)
        check_plain_value(value, name)
    back = [name for name, value in variables.items() if value is None or value == ""]
    commands = unexport_commands(line, back, application=application)
    if not nolocal:
        commands += unset_commands(line, back)
    listed = exported_names(line, application)
    for name, value in variables.items():
        if value is not None and value != "":
            full_name = f"{_NOLOCAL[0]}{name}" if nolocal else name
            commands.append(export_command(line, full_name, value, listed, application=application))
    return commands


def export_command(
    line: Line, name: str, value: Text, listed: Sequence[str], *, application: str = "export"
) -> Execute:
    """The command that exports one variable, whose name says with a prefix where it is set.

    What is listed already is only set anew: switch_channel_export_variable_var_check() in switch_channel.c would name
    it in its list once more.
    """
    if name in listed:
        return set_command(line, name, value)
    # A value is expanded once, not twice (export_function() in mod_dptools.c).
    return line.execute_command(application, argument(f"{name}=", value))


def unexport_commands(line: Line, names: Iterable[str], *, application: str = "export") -> list[Execute]:
    """The commands after which variables go to no other leg any more; what this channel has of them stays.

    There is no application for it: the list of names is a variable, and it is written anew without them.
    """
    # Variables' names are compared whatever their case (switch_event_get_header_ptr()).
    gone = {f"{prefix}{check_exported(name)}".lower() for name in names for prefix in ("", *_NOLOCAL)}
    listed = exported_names(line, application)
    taken = [name for name in listed if name.lower() in gone]
    if not taken:
        return []
    kept = ",".join(name for name in listed if name.lower() not in gone)
    commands = [set_command(line, exported_list(application), kept)]
    remote = [name for name in taken if name.lower().startswith(_NOLOCAL)]
    return [*commands, unset_command(line, remote)] if remote else commands


def exported_names(line: Line, application: str = "export") -> list[str]:
    """The names that are exported, as far as the newest event tells."""
    listed = line.channel.variables.get(exported_list(application), "")
    return [name for name in dict.fromkeys(listed.split(",")) if name]


def exported_list(application: str) -> str:
    """The variable that lists what is exported (SWITCH_EXPORT_VARS_VARIABLE and its like)."""
    return f"{application}_vars"


def check_exported(name: str) -> str:
    """A name that can stand in the list of exported ones, without the prefix that says where it is set."""
    check_name(name)
    if name.lower().startswith(_NOLOCAL):
        raise LocalProtocolError(f"{name!r}: say nolocal=True, and leave {_NOLOCAL[0]} away")
    return name


async def ask_for_variable(line: Line, name: str) -> str | None:
    """A variable's true value, in whatever way this socket and the state of its call allow."""
    if line.is_full and line.ending is None:
        text = (await line.api(f"uuid_getvar {line.channel_uuid} {name}")).text
        if text == _UNSET:
            return None
        if text != _NO_CHANNEL:
            return "" if text == NO_REPLY else text
    return (await line.refresh()).variables.get(name)
