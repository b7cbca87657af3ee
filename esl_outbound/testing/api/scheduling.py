"""API commands that do something later."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Final

import trio

from ..applications.basics import broadcast
from ..applications.transferring import transfer_to
from ..causes import cause_name
from ..core import Core
from ..wire import atoi
from .command import NO_CHANNEL, OK, ApiCommand, words_of

__all__ = ["COMMANDS"]

_MOST_SECONDS: Final = 2**31


async def _sched_hangup(core: Core, argument: str) -> str:
    """``[+]<seconds> <uuid> [<cause>]``."""
    time, uuid, cause = words_of(argument, 3)
    session = core.sessions.get(uuid)
    if session is None:
        return NO_CHANNEL
    name = cause_name(cause) if cause else "ALLOTTED_TIMEOUT"
    seconds = core.seconds_until(time)
    if seconds:
        session.schedule(seconds, partial(session.channel.hang_up, name))
    else:
        session.channel.hang_up(name)
    return OK


async def _sched_broadcast(core: Core, argument: str) -> str:
    """``[+|@]<seconds> <uuid> <path> [aleg|bleg|both]``; nobody asks whether the channel is there."""
    time, uuid, what = words_of(argument, 3)
    if not what:
        return "-USAGE: [[+]<time>|@time] <uuid> <path> [aleg|bleg|both]\n"
    session = core.sessions.get(uuid)
    if session is not None:
        session.schedule(core.seconds_until(time), partial(broadcast, session, what))
    return "+OK Message scheduled\n"


async def _sched_transfer(core: Core, argument: str) -> str:
    """``[+]<seconds> <uuid> <extension> [<dialplan> [<context>]]``."""
    time, uuid, where = words_of(argument, 3)
    if not uuid:
        return "-USAGE: [+]<time> <uuid> <extension> [<dialplan>] [<context>]\n"
    session = core.sessions.get(uuid)
    if session is None:
        return NO_CHANNEL
    session.schedule(core.seconds_until(time), partial(transfer_to, session, where))
    return OK


async def _sched_api(core: Core, argument: str) -> str:
    """``[+@]<time> <group> <command>[&]``; with ``@`` again and again.

    It belongs to the call whose UUID the group is, or else to the block around it all, and ends with that.
    """
    time, group, command = words_of(argument, 3)
    if not command:
        return "-ERR Invalid syntax. USAGE: [+@]<time> <group_name> <command_string>[&]\n"
    session = core.sessions.get(group)
    nursery = session.nursery if session is not None else core.call_nursery
    if nursery is None:
        return "-ERR the simulator schedules only while there is a call, or programs can connect\n"
    name, _, rest = command.removesuffix("&").partition(" ")
    again = atoi(time[1:]) if time.startswith("@") else 0
    seconds = core.seconds_until(time) if not time.startswith("@") else max(again, 0)

    async def run() -> None:
        await core.run_api(name, rest)
        while again > 0:
            await trio.sleep(again)
            await core.run_api(name, rest)

    # A channel's last moment is not the end of what was scheduled in its name.
    number = core.schedule.add(nursery, min(seconds, _MOST_SECONDS), run, group, trio.Event())
    return f"+OK Added: {number}\n"


async def _sched_del(core: Core, argument: str) -> str:
    """``<task>|<group>``."""
    if not argument:
        return "-ERR Invalid syntax\n"
    return f"+OK Deleted: {core.schedule.delete(argument)}\n"


async def _unsched_api(core: Core, argument: str) -> str:
    """``<task>``."""
    number = atoi(argument)
    if not argument:
        return "-ERR Invalid syntax. USAGE: <task_id>\n"
    if not number:
        return ""
    return OK if core.schedule.delete(str(number)) else "-ERR No such id\n"


COMMANDS: Final[Mapping[str, ApiCommand]] = {
    "sched_api": _sched_api,
    "sched_broadcast": _sched_broadcast,
    "sched_del": _sched_del,
    "sched_hangup": _sched_hangup,
    "sched_transfer": _sched_transfer,
    "unsched_api": _unsched_api,
}
