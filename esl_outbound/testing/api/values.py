"""API commands about variables, and about what is kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ..applications.basics import is_allowed
from ..core import Core
from ..expansion import separate
from ..wire import as_text, atoi, decoded, event_body, plain_head
from .command import NO_CHANNEL, OK, ApiCommand

__all__ = ["COMMANDS"]


async def _uuid_getvar(core: Core, argument: str) -> str:
    words = separate(argument, limit=4)
    if len(words) < 2:
        return "-USAGE: <uuid> <var>\n"
    channel = core.channels.get(words[0])
    if channel is None:
        return NO_CHANNEL
    name, bracket, index = words[1].partition("[")
    value = channel.item(name, atoi(index)) if bracket and "]" in index else None
    return value or channel.get(words[1]) or "_undef_"


async def _uuid_setvar(core: Core, argument: str) -> str:
    words = separate(argument, limit=3)
    if len(words) < 2:
        return "-USAGE: <uuid> <var> [value]\n"
    channel = core.channels.get(words[0])
    if channel is None:
        return NO_CHANNEL
    channel.set(words[1], words[2] if len(words) > 2 else None)
    return OK


async def _uuid_setvar_multi(core: Core, argument: str) -> str:
    uuid, found, rest = argument.partition(" ")
    if not found:
        return "" if uuid else _SETVAR_MULTI_USAGE
    channel = core.channels.get(uuid)
    if channel is None:
        return NO_CHANNEL + _SETVAR_MULTI_USAGE
    printed, count = "", 0
    for each in separate(rest, ";", 64):
        name, _, value = each.partition("=")
        if name:
            channel.set(name, value)
            count += 1
        else:
            printed += "-ERR No variable specified\n"
    return printed + (OK if count else _SETVAR_MULTI_USAGE)


_SETVAR_MULTI_USAGE: Final = "-USAGE: <uuid> <var>=<value>;<var>=<value>...\n"


async def _uuid_dump(core: Core, argument: str) -> str:
    """``<uuid> [txt|plain|json|xml]``; only ``plain`` is not encoded."""
    words = separate(argument, limit=2)
    if not words:
        return "-USAGE: <uuid> [format]\n"
    channel = core.channels.get(words[0])
    if channel is None:
        return NO_CHANNEL
    site = ("mod_commands.c", "uuid_dump_function", 6495)
    event = core.make_event("CHANNEL_DATA", headers=channel.headers("CHANNEL_DATA"), site=site)
    form = (*words[1:], "txt")[0].lower()
    if form in ("json", "xml"):
        return decoded(event_body(event, form))
    if form == "plain":
        return "".join(f"{name}: {as_text(value)}\n" for name, value in event.headers) + "\n"
    return decoded(plain_head(event.headers)) + "\n"


async def _global_getvar(core: Core, argument: str) -> str:
    if not argument:
        return "".join(f"{name}={value}\n" for name, value in core.global_variables.items())
    return core.global_variables.get(argument, "")


async def _hash(core: Core, argument: str) -> str:
    words = separate(argument, "/", 4)
    kept = core.stores["hash"]
    key = "_".join(words[1:3])
    match [word.lower() for word in words[:1]], words[1:]:
        case ["insert"], [_, _, value]:
            kept[key] = value
            return OK
        case ["insert_ifempty"], [_, _, value]:
            if key in kept:
                return "-ERR key already exists\n"
            kept[key] = value
            return OK
        case ["select"], [_, _, *_]:
            return kept.get(key, "")
        case ["delete"], [_, _, *_]:
            return "-ERR Not found\n" if kept.pop(key, None) is None else OK
        case ["delete_ifmatch"], [_, _, value]:
            if kept.get(key) == value:
                del kept[key]
                return OK
            return "-ERR Doesn't match\n" if key in kept else "-ERR Not found\n"
        case _:
            return "-ERR Usage: hash insert|insert_ifempty|select|delete|delete_ifmatch/realm/key[/value]\n"


async def _db(core: Core, argument: str) -> str:
    words = separate(argument, "/", 4)
    kept = core.stores["db"]
    key = "_".join(words[1:3])
    match [word.lower() for word in words[:1]], words[1:]:
        case ["insert"], [_, _, value]:
            kept[key] = value
            return "+OK"
        case ["select"], [_, _, *_]:
            return kept.get(key, "")
        case ["exists"], [_, _, *_]:
            return "true" if key in kept else "false"
        case ["delete"], [_, _, *_]:
            kept.pop(key, None)
            return "+OK"
        case _:
            return "!err!"


async def _group(core: Core, argument: str) -> str:
    words = separate(argument, ":", 4)
    match [word.lower() for word in words[:1]], words[1:]:
        case ["insert"], [name, url, *_]:
            members = core.groups.setdefault(name, [])
            members[:] = [*(member for member in members if member != url), url]
            return "+OK"
        case ["delete"], [name, url, *_]:
            members = core.groups.get(name, [])
            members[:] = [member for member in members if url != "*" and member != url]
            return "+OK"
        case ["call"], [name, *how]:
            between = {"order": "|", "multi": ":_:"}.get((how[0] if how else "").lower(), ",")
            return between.join(core.groups.get(name, []))
        case _:
            return "!err!"


async def _limit_usage(core: Core, argument: str) -> str:
    words = separate(argument, limit=5)
    if len(words) < 3:
        return "USAGE: limit_usage <backend> <realm> <id>\n"
    usage, rate = core.limits.usage(words[0], f"{words[1]}_{words[2]}")
    return f"{usage}/{rate}" if words[3:4] == ["rate"] else str(usage)


async def _uuid_limit_release(core: Core, argument: str) -> str:
    words = separate(argument, limit=5)
    if len(words) < 2:
        return "USAGE: uuid_limit_release <uuid> <backend> [realm] [resource]\n"
    if words[0] not in core.channels:
        return f"-ERR Cannot find session with uuid {words[0]}\n"
    core.limits.release(words[0], words[1], "_".join(words[2:4]) or None)
    return "+OK"


async def _acl(core: Core, argument: str) -> str:
    words = separate(argument, limit=3)
    return "true" if len(words) > 1 and is_allowed(words[0], words[1]) else "false"


async def _uuid_session_heartbeat(core: Core, argument: str) -> str:
    words = separate(argument, limit=3)
    if len(words) < 2:
        return "-USAGE: uuid_session_heartbeat <uuid> [sched] [0|<seconds>]\n"
    return OK if words[0] in core.channels else "-ERR Cannot locate session. USAGE: uuid_session_heartbeat\n"


COMMANDS: Final[Mapping[str, ApiCommand]] = {
    "acl": _acl,
    "db": _db,
    "global_getvar": _global_getvar,
    "group": _group,
    "hash": _hash,
    "limit_usage": _limit_usage,
    "uuid_dump": _uuid_dump,
    "uuid_getvar": _uuid_getvar,
    "uuid_limit_release": _uuid_limit_release,
    "uuid_session_heartbeat": _uuid_session_heartbeat,
    "uuid_setvar": _uuid_setvar,
    "uuid_setvar_multi": _uuid_setvar_multi,
}
