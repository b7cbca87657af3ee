"""The legs of a bridge, and the ways in which applications take a call elsewhere: what several subjects share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import trio

from ..arguments.checks import check_word
from ..arguments.text import Text
from ..errors import ApplicationFailed, CallTransferred, LocalProtocolError
from .base import CallBase
from .endings import leaves_execute
from .variable_commands import export_command, exported_names, set_command, unset_command

if TYPE_CHECKING:
    from ..protocol import Execute
    from .line import Line

__all__ = [
    "channel_uuid_of",
    "export_to_legs",
    "leave_by",
    "other_leg_of",
]


def channel_uuid_of(line: Line, channel: CallBase | str, name: str = "channel") -> str:
    """The UUID of another channel, given as a call or as its UUID.

    Raises:
        LocalProtocolError: It is none, or this call's own.
    """
    uuid = channel if isinstance(channel, str) else channel._line.channel_uuid
    check_word(uuid, name)
    if uuid == line.channel_uuid:
        raise LocalProtocolError(f"{name} is {uuid!r}, and should be another channel than this call's own")
    return uuid


async def other_leg_of(line: Line, what: str) -> str:
    """The UUID of the channel that the caller talks to.

    Raises:
        ApplicationFailed: There is none; nothing was sent.
        CallEnded: The call is over.
    """
    await line.require_call()
    if not line.other_leg:
        await trio.lowlevel.checkpoint()
        raise ApplicationFailed(what, "", "needs another leg, and the caller talks to nobody")
    return line.other_leg


async def leave_by(line: Line, application: str, text: str, *, after: Sequence[Execute] = (), reason: str) -> None:
    """Run an application that takes the call elsewhere, and wait until it has.

    Args:
        line: The call's state.
        application: The application.
        text: Its raw argument.
        after: What is to run before it.
        reason: Why it did not, if it did not.

    Raises:
        ApplicationFailed: It completed, and the call is still here.
        CallEnded: The call ended, and in another way.
    """
    try:
        completion = await line.execute(application, text, after=after)
    except CallTransferred:
        return  # told before the completion
    if line.ending is None and not leaves_execute(completion.block):
        raise ApplicationFailed(application, text, reason)


def export_to_legs(line: Line, variables: Mapping[str, Text]) -> tuple[list[Execute], list[Execute]]:
    """The commands that export variables to the legs that an application calls, and those that take them back.

    The latter run nested as soon as it rings: originate has read all of them before it looks at what is queued
    (switch_channel_process_export() in switch_ivr_originate()). So nothing is left whatever becomes of it.
    """
    if not variables:
        return [], []
    listed = exported_names(line)
    before = [export_command(line, f"nolocal:{name}", value, listed) for name, value in variables.items()]
    after = [set_command(line, "export_vars", ",".join(listed))]
    known = line.channel.variables
    names = [f"nolocal:{name}" for name in variables]
    after += [set_command(line, name, known[name]) for name in names if name in known]
    if gone := [name for name in names if name not in known]:
        after.append(unset_command(line, gone))
    return before, after
