"""``show`` (``show_function()`` in mod_commands.c): tables of channels, calls, registrations, modules and the like."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Final, TypeAlias

from ..channel import Channel
from ..core import Core
from ..expansion import separate
from .command import ApiCommand
from .tables import Row, printed, printed_count

__all__ = ["COMMANDS"]

_USAGE: Final = (
    "-USAGE: codec|endpoint|application|api|dialplan|file|timer|calls [count]|channels [count|like <match string>]|"
    "calls|detailed_calls|bridged_calls|detailed_bridged_calls|aliases|complete|chat|management|modules|nat_map|say|"
    "interfaces|interface_types|tasks|limits|status\n"
)
_HOST: Final = "vm"
_INTERFACES: Final = ("codec", "dialplan", "file", "timer", "chat", "limit", "say", "management", "endpoint")
_COUNTED: Final = ("calls", "channels", "registrations")
_MATCHED: Final = ("uuid", "name", "cid_name", "cid_num", "presence_data", "accountcode")


async def _show(core: Core, argument: str) -> str:
    """``<what> [<name>|count|like <text>] [as <format> [<delimiter>]]``."""
    words = separate(argument, limit=6)
    if not words:
        return _USAGE
    command, *rest = words
    if command.lower().startswith("status"):
        return await core.run_api(command, rest[0] if rest else "")
    option = rest[0].lower() if rest else ""
    is_count = command.lower() in _COUNTED and option == "count"
    at = 2 if is_count else 3 if command.lower() == "channels" and option == "like" else 1
    is_said = len(words) > at + 1 and words[at].lower() == "as"
    form = words[at + 1] if is_said else "delim"
    # Of the words it is always the fourth that is taken for the delimiter.
    delimiter = (words[3] if len(words) > 3 else ",") if is_said else ","
    rows = _rows(core, command, rest)
    if rows is None:
        return _USAGE
    if is_count:
        return printed_count(len(rows), form)
    return printed(rows, form, delimiter)


def _rows(core: Core, command: str, rest: list[str]) -> list[Row] | None:
    """What there is; None if there is no such table."""
    lowered = command.lower()
    if lowered.startswith(_INTERFACES):
        kind = command.removesuffix("s")
        return [row for row in _interfaces(core) if row["type"] == kind]
    if lowered.startswith("module"):
        name = rest[0] if rest and rest[0].lower() != "as" else ""
        found = _interfaces(core, all_types=True)
        return [{**row, "filename": _file_of(row["ikey"])} for row in found if name in ("", row["ikey"])]
    if lowered in ("application", "api"):
        name = rest[0] if rest and rest[0].lower() != "as" else ""
        return [row for row in _things(core, lowered) if name in ("", row["name"])]
    make = _TABLES.get(lowered)
    if make is None:
        return None
    rows = make(core)
    if lowered == "channels" and rest and rest[0].lower() == "like" and len(rest) > 1:
        wanted = rest[1].replace("'", " ").replace(";", " ").strip("%").lower()
        rows = [row for row in rows if any(wanted in row[column].lower() for column in _MATCHED)]
    return rows


# Modules and what they bring


def _file_of(module: str) -> str:
    return "" if module.startswith("CORE_") else f"/usr/lib/freeswitch/mod/{module}.so"


def _interfaces(core: Core, *, all_types: bool = False) -> list[Row]:
    found = [(each.type, each.name, each.module) for each in core.installation.interfaces()]
    if all_types:
        for kind in ("application", "api"):
            found += [(kind, row["name"], row["ikey"]) for row in _things(core, kind)]
    return [{"type": kind, "name": name, "ikey": module} for kind, name, module in sorted(found)]


def _things(core: Core, kind: str) -> list[Row]:
    """Applications or API commands."""
    names = core.applications if kind == "application" else core.api_commands
    return [
        {"name": name, "description": name, "syntax": "", "ikey": core.installation.module_of(kind, name)}
        for name in sorted(names)
    ]


def _types(core: Core) -> list[Row]:
    kinds = [row["type"] for row in _interfaces(core, all_types=True)]
    return [{"type": kind, "total": str(kinds.count(kind))} for kind in sorted(set(kinds))]


# Channels and calls


def _channel(channel: Channel) -> Row:
    """A row of the table ``channels`` (``create_channels_sql`` in switch_core_sqldb.c)."""
    profile = channel.profile
    codec, bits = channel.codec
    name, number = profile.original_caller_id or (profile.caller_id_name, profile.caller_id_number)
    created = datetime.fromtimestamp(profile.created / 1_000_000, UTC).strftime("%Y-%m-%d %H:%M:%S")
    return {
        "uuid": channel.uuid,
        "direction": profile.direction,
        "created": created,
        "created_epoch": str(profile.created // 1_000_000),
        "name": channel.name,
        "state": channel.running_state,
        "cid_name": profile.caller_id_name,
        "cid_num": profile.caller_id_number,
        "ip_addr": profile.network_address,
        "dest": profile.destination_number,
        "application": channel.get("current_application") or "",
        "application_data": channel.get("current_application_data") or "",
        "dialplan": profile.dialplan,
        "context": profile.context,
        "read_codec": codec,
        "read_rate": "8000",
        "read_bit_rate": str(bits),
        "write_codec": codec,
        "write_rate": "8000",
        "write_bit_rate": str(bits),
        "secure": "",
        "hostname": _HOST,
        "presence_id": channel.get("presence_id") or "",
        "presence_data": channel.get("presence_data") or "",
        "accountcode": channel.get("accountcode") or "",
        "callstate": channel.call_state,
        "callee_name": profile.callee_id_name,
        "callee_num": profile.callee_id_number,
        "callee_direction": "",
        "call_uuid": channel.get("call_uuid") or "",
        "sent_callee_name": channel.get("last_sent_callee_id_name") or "",
        "sent_callee_num": channel.get("last_sent_callee_id_number") or "",
        "initial_cid_name": name,
        "initial_cid_num": number,
        "initial_ip_addr": profile.network_address,
        "initial_dest": profile.destination_number,
        "initial_dialplan": profile.dialplan,
        "initial_context": profile.context,
    }


def _channels(core: Core) -> list[Row]:
    return [_channel(channel) for channel in core.existing.values()]


def _pairs(core: Core) -> list[tuple[Channel, Channel | None]]:
    """Who talks to whom: the table ``calls``, and those who talk to nobody."""
    pairs: dict[str, Channel] = {}
    for session in core.sessions.values():
        if session.bridged_to is not None:
            pairs[session.channel.uuid] = session.bridged_to.channel
        elif session.joined_to in core.existing and session.joined_to not in pairs:
            pairs[session.channel.uuid] = core.existing[session.joined_to]
    callees = {other.uuid for other in pairs.values()}
    return [(channel, pairs.get(uuid)) for uuid, channel in core.existing.items() if uuid not in callees]


_BASIC: Final = (
    *("uuid", "direction", "created", "created_epoch", "name", "state", "cid_name", "cid_num", "ip_addr", "dest"),
    *("presence_id", "presence_data", "accountcode", "callstate", "callee_name", "callee_num", "callee_direction"),
    *("call_uuid", "hostname", "sent_callee_name", "sent_callee_num"),
)
"""What the view ``basic_calls`` has of a leg; the other leg's has no ``call_uuid`` and no ``hostname``."""
_NOT_OF_OTHER: Final = ("call_uuid", "hostname")


def _calls(core: Core) -> list[Row]:
    found: list[Row] = []
    for channel, other in _pairs(core):
        row, other_row = _channel(channel), {} if other is None else _channel(other)
        mine = {name: row[name] for name in _BASIC}
        theirs = {f"b_{name}": other_row.get(name, "") for name in _BASIC if name not in _NOT_OF_OTHER}
        found.append({**mine, **theirs, "call_created_epoch": _bridged(channel, other)})
    return found


def _detailed_calls(core: Core) -> list[Row]:
    found: list[Row] = []
    for channel, other in _pairs(core):
        row, other_row = _channel(channel), {} if other is None else _channel(other)
        names = [name for name in row if not name.startswith("initial_")]
        mine = {name: row[name] for name in names}
        theirs = {f"b_{name}": other_row.get(name, "") for name in names}
        found.append({**mine, **theirs, "call_created_epoch": _bridged(channel, other)})
    return found


def _bridged(channel: Channel, other: Channel | None) -> str:
    return "" if other is None else str(channel.profile.bridged // 1_000_000)


def _bridged_ones(make: Callable[[Core], list[Row]]) -> Callable[[Core], list[Row]]:
    return lambda core: [row for row in make(core) if row["b_uuid"]]


# The rest


def _registrations(core: Core) -> list[Row]:
    return [
        {
            "reg_user": each.user,
            "realm": each.domain,
            "token": each.call_id,
            "url": f"sofia/{each.profile}/{each.contact}",
            "expires": str(each.expires),
            "network_ip": each.network[0],
            "network_port": each.network[1],
            "network_proto": "udp",
            "hostname": _HOST,
            "metadata": "",
        }
        for each in core.installation.registrations
    ]


def _nothing(core: Core) -> list[Row]:
    return []


_Table: TypeAlias = Callable[[Core], list[Row]]
_TABLES: Final[Mapping[str, _Table]] = {
    "aliases": _nothing,
    "bridged_calls": _bridged_ones(_calls),
    "calls": _calls,
    "channels": _channels,
    "complete": _nothing,
    "detailed_bridged_calls": _bridged_ones(_detailed_calls),
    "detailed_calls": _detailed_calls,
    "interface_types": _types,
    "interfaces": lambda core: _interfaces(core, all_types=True),
    "nat_map": _nothing,
    "registrations": _registrations,
    "tasks": _nothing,
}

COMMANDS: Final[Mapping[str, ApiCommand]] = {"show": _show}
