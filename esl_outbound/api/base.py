"""What all API commands stand on: something that runs one."""

from __future__ import annotations

from typing import Final

from ..arguments.text import api_words
from ..errors import ApiFailed, NoSuchChannel
from ..protocol import ApiResponse

__all__ = ["ApiBase"]

# How FreeSWITCH's commands say that there is no such channel (mod_commands.c): for most of them this is all they print.
_NO_CHANNEL: Final = ("-ERR No such channel", "-ERR Cannot locate session", "-ERR Invalid uuid", "-ERR no such session")


class ApiBase:
    """Runs API commands, and makes errors of their refusals."""

    __slots__ = ()

    async def _run(self, command: str) -> ApiResponse:
        """Run an API command, in the background, and wait for what it prints."""
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
        words = api_words(*filter(None, [before]), channel_uuid, *arguments)
        command = f"{name} {words}"
        response = await self._run(command)
        if not response.ok:
            if response.text.lower().startswith(tuple(map(str.lower, _NO_CHANNEL))):
                raise NoSuchChannel(channel_uuid, command, response)
            raise ApiFailed(command, response)
        return response.text.rstrip("\n")
