"""API commands that move, answer, hold and end one channel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ..applications.holding import hold, unhold
from ..applications.joining import join
from ..applications.transferring import transfer_far_end, transfer_to
from ..causes import cause_name
from ..core import Core
from ..expansion import separate
from .command import DONE, NO_CHANNEL, OK, ApiCommand, words_of

__all__ = ["COMMANDS"]


async def _uuid_break(core: Core, argument: str) -> str:
    uuid, everything = words_of(argument, 2)
    if not uuid:
        return "-USAGE: <uuid> [all]\n"
    session = core.sessions.get(uuid)
    if session is None:
        return NO_CHANNEL
    if "all" in everything:
        session.executions.flush()
    session.executions.break_all()
    return OK


async def _uuid_kill(core: Core, argument: str) -> str:
    uuid, cause = words_of(argument, 2)
    if not uuid:
        return "-USAGE: <uuid> [cause]\n"
    channel = core.channels.get(uuid)
    if channel is None:
        return NO_CHANNEL
    channel.hang_up(cause_name(cause) if cause else "NORMAL_CLEARING")
    return OK


async def _uuid_exists(core: Core, argument: str) -> str:
    return "true" if argument in core.channels else "false"


async def _uuid_answer(core: Core, argument: str) -> str:
    channel = core.channels.get(argument)
    if channel is None:
        return "-ERROR\n"
    channel.answer()
    return OK


async def _uuid_pre_answer(core: Core, argument: str) -> str:
    channel = core.channels.get(argument)
    if channel is None:
        return "-ERROR\n"
    channel.pre_answer()
    return OK


async def _uuid_park(core: Core, argument: str) -> str:
    if not argument:
        return "-USAGE: <uuid>\n"
    session = core.sessions.get(argument)
    if session is None:
        return NO_CHANNEL
    session.go_to_park()
    return OK


async def _uuid_hold(core: Core, argument: str) -> str:
    words = separate(argument)
    if not words:
        return "-USAGE: [off|toggle] <uuid> [<display>]\n-ERR Operation failed\n"
    option = words[0].lower() if words[0].lower() in ("off", "toggle") else ""
    uuid = (*words[1:], "")[0] if option else words[0]
    channel = core.channels.get(uuid)
    if channel is None:
        return DONE
    is_held = channel.call_state == "HELD"
    worked = unhold(core, channel) if option == "off" or (option and is_held) else hold(core, channel)
    return DONE if worked else "-ERR Operation failed\n"


async def _uuid_bridge(core: Core, argument: str) -> str:
    words = separate(argument)
    if len(words) < 2:
        return "-USAGE: <uuid> <other_uuid>\n"
    session = core.sessions.get(words[0])
    if session is None or not join(session, words[1]):
        return "-ERR Invalid uuid\n"
    return f"+OK {words[1]}\n"


async def _uuid_transfer(core: Core, argument: str) -> str:
    words = separate(argument)
    if not 2 <= len(words) <= 5:
        return "-USAGE: <uuid> [-bleg|-both] <dest-exten> [<dialplan>] [<context>]\n"
    session = core.sessions.get(words[0])
    if session is None:
        return NO_CHANNEL
    option = words.pop(1).lower() if words[1].startswith("-") else ""
    where = " ".join(words[1:])
    if option == "-bleg" and transfer_far_end(session, where):
        return OK
    if option == "-both":
        transfer_far_end(session, where)
    return OK if transfer_to(session, where) else "-ERR\n"


async def _uuid_dual_transfer(core: Core, argument: str) -> str:
    words = separate(argument, limit=5)
    if len(words) != 3:
        return (
            "-USAGE: <uuid> <A-dest-exten>[/<A-dialplan>][/<A-context>] <B-dest-exten>[/<B-dialplan>][/<B-context>]\n"
        )
    session = core.sessions.get(words[0])
    if session is None:
        return NO_CHANNEL
    transfer_far_end(session, words[2].replace("/", " "))
    transfer_to(session, words[1].replace("/", " "))
    return OK


async def _uuid_send_info(core: Core, argument: str) -> str:
    words = separate(argument, limit=4)
    if len(words) in (0, 3):
        return "-USAGE: <uuid> [<mime_type> <mime_subtype>] <message>\n-ERR Operation Failed\n"
    return DONE if words[0] in core.channels else "-ERR Operation Failed\n"


async def _uuid_ring_ready(core: Core, argument: str) -> str:
    words = separate(argument)
    if not words or (len(words) > 1 and words[1].lower() != "queued"):
        return "-USAGE: <uuid> [queued]\n"
    channel = core.channels.get(words[0])
    if channel is None:
        return "-ERROR\n"
    channel.ring()
    return OK


async def _uuid_media(core: Core, argument: str) -> str:
    words = separate(argument)
    if not words:
        return "-USAGE: [off] <uuid>\n-ERR Operation failed\n"
    uuid = (*words[1:], "")[0] if words[0].lower() == "off" else words[0]
    return DONE if uuid in core.channels else "-ERR Operation failed\n"


async def _uuid_display(core: Core, argument: str) -> str:
    words = separate(argument, limit=2)
    if len(words) < 2:
        return "-USAGE: <uuid> <display>\n"
    return DONE if words[0] in core.channels else "-ERR Operation failed\n"


COMMANDS: Final[Mapping[str, ApiCommand]] = {
    "uuid_answer": _uuid_answer,
    "uuid_break": _uuid_break,
    "uuid_bridge": _uuid_bridge,
    "uuid_display": _uuid_display,
    "uuid_dual_transfer": _uuid_dual_transfer,
    "uuid_exists": _uuid_exists,
    "uuid_hold": _uuid_hold,
    "uuid_kill": _uuid_kill,
    "uuid_media": _uuid_media,
    "uuid_park": _uuid_park,
    "uuid_pre_answer": _uuid_pre_answer,
    "uuid_ring_ready": _uuid_ring_ready,
    "uuid_send_info": _uuid_send_info,
    "uuid_transfer": _uuid_transfer,
}
