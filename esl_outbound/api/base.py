"""What all API commands stand on: something that runs one, and what its refusals mean."""

from __future__ import annotations

import re
from typing import Final

from ..arguments.text import api_words
from ..errors import ApiFailed, CommandRejected, NoSuchChannel
from ..jobs import Job
from ..protocol import NO_REPLY, ApiResponse
from .words import check_channel

__all__ = ["ApiBase"]

# How commands say that there is no such channel (mod_commands.c); some add its UUID, or how they are used.
_NO_CHANNEL: Final = re.compile(
    r"-ERR (?:no such (?:channel|session)"
    r"|cannot locate session"  # uuid_record, uuid_displace, uuid_send_dtmf, uuid_recv_dtmf, uuid_session_heartbeat
    r"|cannot find session with uuid"  # uuid_limit, uuid_limit_release
    r"|unable to find session for uuid)",  # uuid_send_message
    re.IGNORECASE,
)
# What they print where there is no such channel, and some of them for other reasons as well.
_UNSAID: Final = re.compile(r"-ERROR$|-ERR (?:operation failed|invalid uuid)", re.IGNORECASE)
_OK: Final = re.compile(r"\+OK")
_NOTHING: Final = re.compile(rf"{NO_REPLY}\Z")


class ApiBase:
    """Runs API commands, and makes errors of their refusals."""

    __slots__ = ()

    async def _run(self, command: str) -> ApiResponse:
        """Run an API command, in the background, and wait for what it prints."""
        raise NotImplementedError

    async def _start(self, command: str) -> Job:
        """Run an API command in the background."""
        raise NotImplementedError

    async def _text(self, command: str) -> str:
        """Run an API command that must not fail, and give what it prints, without its line's end.

        Raises:
            ApiFailed: It printed ``-ERR`` or ``-USAGE``.
        """
        response = await self._run(command)
        if not response.ok:
            raise ApiFailed(command, response)
        return response.text.rstrip("\n")

    async def _on_channel(self, channel_uuid: str, name: str, *arguments: str, before: str = "") -> str:
        """Run ``<name> [<before>] <channel_uuid> <arguments>``, each argument one word whatever it holds.

        Raises:
            NoSuchChannel: There is no such channel, any more.
            ApiFailed: It printed ``-ERR`` or ``-USAGE`` for another reason.
        """
        command = f"{name} {api_words(*filter(None, [before]), channel_uuid, *arguments)}"
        response = await self._run(command)
        if not response.ok:
            raise await self._refusal(channel_uuid, command, response)
        return response.text.rstrip("\n")

    async def _done(
        self, name: str, channel_uuid: str, rest: str = "", *, before: str = "", success: re.Pattern[str] = _OK
    ) -> str:
        """Run ``<name> [<before>] <channel_uuid> [<rest>]``, and give what it prints, without its line's end.

        Args:
            name: The command.
            channel_uuid: The channel.
            rest: What follows it, as the command divides it.
            before: What precedes it.
            success: How what it prints begins if it did what it was asked to; all else is a failure.

        Raises:
            NoSuchChannel: There is no such channel, any more.
            ApiFailed: It printed anything else.
            LocalProtocolError: That can be no channel's UUID.
        """
        command = " ".join(filter(None, (name, before, check_channel(channel_uuid), rest)))
        return await self._checked(channel_uuid, command, success)

    async def _checked(self, channel_uuid: str, command: str, success: re.Pattern[str] = _OK) -> str:
        """As ``_done``, of a command that is written already."""
        response = await self._run(command)
        if success.match(response.text) is None:
            raise await self._refusal(channel_uuid, command, response)
        return response.text.rstrip("\n")

    async def _silent(self, name: str, channel_uuid: str, rest: str = "") -> None:
        """Run a command that prints nothing if it did what it was asked to.

        Raises:
            NoSuchChannel: As of ``_done``; likewise ``ApiFailed`` and ``LocalProtocolError``.
        """
        await self._done(name, channel_uuid, rest, success=_NOTHING)

    async def _refusal(self, channel_uuid: str, command: str, response: ApiResponse) -> ApiFailed:
        """The error for what a command printed, which does not always say whether its channel is there."""
        is_gone = _NO_CHANNEL.match(response.text) is not None
        if not is_gone and _UNSAID.match(response.text) is not None:
            is_gone = await self._is_gone(channel_uuid)
        return NoSuchChannel(channel_uuid, command, response) if is_gone else ApiFailed(command, response)

    async def _require_channel(self, channel_uuid: str) -> None:
        """After a command that says ``+OK`` of a channel that there is not.

        Raises:
            NoSuchChannel: There is no such channel, any more.
        """
        if await self._is_gone(channel_uuid):
            raise NoSuchChannel(channel_uuid, f"uuid_exists {channel_uuid}", ApiResponse("false"))

    async def _is_gone(self, channel_uuid: str) -> bool:
        """Whether there is no such channel; no, if this user may not ask."""
        try:
            return (await self._run(f"uuid_exists {channel_uuid}")).text == "false"
        except CommandRejected:
            return False
