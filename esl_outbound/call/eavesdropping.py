"""Listening in on another channel, and talking into it."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final, final

import attrs

from ..arguments.text import argument, words
from ..errors import LocalProtocolError
from ..protocol import SendEvent
from .base import CallBase
from .legs import channel_uuid_of
from .variable_commands import unset_command

if TYPE_CHECKING:
    from ..protocol import Event
    from .execution import Execution
    from .line import Line

__all__ = [
    "Eavesdrop",
    "EavesdropResult",
    "Spied",
    "eavesdrop_argument",
    "eavesdropped",
    "send_eavesdrop_command",
    "start_eavesdrop",
]

# What switch_ivr_eavesdrop_session() shows the eavesdropper's phone, once it has attached itself to the channel.
_SHOWN: Final = ("last_sent_callee_id_name", "last_sent_callee_id_number")


class Spied(StrEnum):
    """Which side of the channel that is listened to; the value is the key that lets one talk to it."""

    NOBODY = "0"
    OTHER_LEG = "1"
    """Whoever talks to that channel."""
    CHANNEL = "2"
    """That channel itself."""
    BOTH = "3"


@final
@attrs.frozen
class EavesdropResult:
    """How listening in on a channel ended."""

    attached: bool
    """Whether it came to that: FreeSWITCH shows the caller then whom he listens to. False if there is no such
    channel, if it has no media, or is of another group; and for one with neither a name nor a number to show."""


@final
class Eavesdrop:
    """A caller who listens to another channel beside what the handler does: see ``start_eavesdrop()``."""

    __slots__ = ("_execution", "_line", "channel_uuid")

    def __init__(self, line: Line, execution: Execution, channel_uuid: str) -> None:
        self._line = line
        self._execution = execution
        self.channel_uuid: Final = channel_uuid
        """The channel that is listened to; ``all`` for one after the other."""

    @property
    def execution(self) -> Execution:
        """The application that does it."""
        return self._execution

    def __repr__(self) -> str:
        return f"<Eavesdrop on {self.channel_uuid}, {self._execution.stage.name.lower()}>"

    async def whisper(self, to: Spied | str) -> None:
        """Let a side of the channel hear the caller from now on.

        Sends the event ``eavesdrop-command`` to the caller's session; nothing happens if it listens no more.

        Args:
            to: Who hears the caller: the channel, whoever talks to it, both or nobody.

        Raises:
            NotPermitted: The dialplan line does not say ``full``.
            CallEnded: The call is over.
        """
        to = Spied(to)
        await self._line.require_call()
        await send_eavesdrop_command(self._line, to.value)

    async def stop(self) -> None:
        """Listen no more, and wait until FreeSWITCH has done so; without ``full`` it cannot be stopped.

        Raises:
            NotPermitted: The dialplan line does not say ``async``.
        """
        await self._execution.stop()

    async def finished(self) -> EavesdropResult:
        """Wait until the caller listens no more; he listens on if the waiting is cancelled.

        Raises:
            CallEnded: The call ended first.
        """
        return eavesdropped(await self._execution.completed())


def eavesdrop_argument(
    line: Line, channel: CallBase | str, listen_to: Spied | str, whisper_to: Spied | str, require_group: str, keys: bool
) -> tuple[str, str]:
    """The UUID that is listened to, and the raw argument of ``eavesdrop``.

    Raises:
        LocalProtocolError: It cannot be said.
    """
    listen_to, whisper_to = Spied(listen_to), Spied(whisper_to)
    if listen_to is Spied.NOBODY:
        raise LocalProtocolError("listen_to is Spied.NOBODY, and should be whom the caller listens to")
    scope: dict[str, str] = {}
    # What comes from a channel is read from it, what goes to it is written (eavesdrop_function() in mod_dptools.c):
    # so the A leg of these names is whoever talks to it, for whispering, and the channel, for listening.
    if listen_to is not Spied.BOTH:
        scope["eavesdrop_bridge_aleg"] = "true" if listen_to is Spied.CHANNEL else "false"
        scope["eavesdrop_bridge_bleg"] = "true" if listen_to is Spied.OTHER_LEG else "false"
    if whisper_to in (Spied.OTHER_LEG, Spied.BOTH):
        scope["eavesdrop_whisper_aleg"] = "true"
    if whisper_to in (Spied.CHANNEL, Spied.BOTH):
        scope["eavesdrop_whisper_bleg"] = "true"
    if require_group:
        scope["eavesdrop_require_group"] = require_group
    if not keys:
        scope["eavesdrop_enable_dtmf"] = "false"
    uuid = channel_uuid_of(line, channel)
    return uuid, argument(*words(uuid), scope=scope)


async def start_eavesdrop(line: Line, application: str, text: str) -> Execution:
    """Start an application that attaches itself to another channel."""
    command = line.execute_command(application, text)
    *_, execution = await line.start((unset_command(line, _SHOWN), command))
    return execution


def eavesdropped(completion: Event) -> EavesdropResult:
    """What its completion tells."""
    return EavesdropResult(attached=any(completion.variables.get(name) for name in _SHOWN))


async def send_eavesdrop_command(line: Line, command: str) -> None:
    """Tell an eavesdropper what a key would tell him: the one thing that reaches him while he listens."""
    headers = (("unique-id", line.channel_uuid), ("eavesdrop-command", command))
    await line.require_full("an eavesdropper's command")
    await line.command(SendEvent("COMMAND", headers=headers))
