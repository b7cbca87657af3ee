"""API commands for the far leg of a bridge, which the simulator runs no thread for."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Final, TypeAlias

from .core import Core
from .wire import Received

if TYPE_CHECKING:
    from .legs import Leg

__all__ = ["with_far_legs"]

_Command: TypeAlias = Callable[[Core, str], Awaitable[str]]

_REPLIES: Final = {
    "uuid_break": "+OK\n",
    "uuid_broadcast": "+OK Message sent\n",
    "uuid_flush_dtmf": "+OK\n",
    "uuid_park": "+OK\n",
    "uuid_record": "+OK Success\n",
    "uuid_recv_dtmf": "+OK {uuid} received DTMF {rest}.\n",
    "uuid_transfer": "+OK\n",
}
"""What FreeSWITCH prints if the channel is there."""
_NEED_NO_MORE: Final = ("uuid_break", "uuid_flush_dtmf", "uuid_park")


def with_far_legs(commands: Mapping[str, _Command]) -> dict[str, _Command]:
    """API commands that find far legs as well.

    What is broadcast to a far leg is told, and one that is transferred is gone. What else FreeSWITCH would do to it is
    not done, and the story of its call says so.
    """
    return {name: partial(_run, name, command) if name in _REPLIES else command for name, command in commands.items()}


async def _run(name: str, command: _Command, core: Core, argument: str) -> str:
    uuid, _, rest = argument.partition(" ")
    leg = core.legs.get(uuid)
    if leg is None or not (rest or name in _NEED_NO_MORE):
        return await command(core, argument)
    if name == "uuid_broadcast":
        _broadcast(leg, rest)
    elif name == "uuid_transfer" and not rest.startswith("-"):
        leg.go_to(rest.partition(" ")[0])
    else:
        leg.is_not_simulated(name)
    return _REPLIES[name].format(uuid=uuid, rest=rest)


def _broadcast(leg: Leg, what: str) -> None:
    what = re.sub(r" (aleg|bleg|both|holda|holdb)$", "", what)
    name, found, argument = what.partition("::")
    name, argument = (name, argument) if found else ("playback", what)
    headers = (("call-command", "execute"), ("execute-app-name", name), ("execute-app-arg", argument))
    leg.queue(Received("sendmsg", headers))
