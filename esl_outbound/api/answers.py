"""What API commands print, judged: whether they did what was asked, and the one value that many of them print."""

from __future__ import annotations

import re
from typing import Final

from ..errors import ApiFailed
from ..protocol import NO_REPLY, ApiResponse
from .base import ApiBase

__all__ = ["AnsweringBase"]

# Commands that do several things say how each went, in a line of its own (reload_function() in mod_commands.c), and
# cmd_profile() in mod_sofia.c says no in its own words.
_REFUSAL: Final = re.compile(
    r"^(?:-ERR|-USAGE|USAGE:|Usage:|Invalid |Failure |No gateway name |Profile .* must be up for at least )",
    re.MULTILINE,
)


def says_no(text: str) -> bool:
    """Whether a command says that it did not do what it was asked to do."""
    return _REFUSAL.search(text) is not None


def is_empty(text: str) -> bool:
    """Whether a command printed nothing."""
    return text in ("", NO_REPLY)


def is_unknown(text: str, command: str) -> bool:
    """Whether FreeSWITCH says that it has no such command."""
    return text == f"-ERR {command.partition(' ')[0]} Command not found!\n"


class AnsweringBase(ApiBase):
    """Runs API commands whose answers are no more than that something was done, or one value."""

    __slots__ = ()

    async def _carry_out(self, command: str) -> str:
        """Run a command that does something, and give what it prints, without its line's end.

        Raises:
            ApiFailed: It says that it did not do it.
        """
        response = await self._run(command)
        if is_empty(response.text):
            return ""
        if says_no(response.text):
            raise ApiFailed(command, response)
        return response.text.rstrip("\n")

    async def _value_of(self, command: str) -> str | None:
        """Run a command that prints a value, and give that as it is, whatever it begins with.

        Returns:
            The value; None where FreeSWITCH has none.

        Raises:
            ApiFailed: There is no such command.
        """
        response = await self._run(command)
        if is_unknown(response.text, command):
            raise ApiFailed(command, response)
        return None if is_empty(response.text) else response.text

    async def _yes_or_no(self, command: str) -> bool:
        """Run a command that prints ``true`` or ``false``.

        Raises:
            ApiFailed: It printed something else.
        """
        text = await self._text(command)
        if text not in ("true", "false"):
            raise ApiFailed(command, ApiResponse(text))
        return text == "true"

    async def _match_of(self, command: str, pattern: re.Pattern[str]) -> re.Match[str]:
        """Run a command whose answer is in the middle of what it prints.

        Raises:
            ApiFailed: It is not there.
        """
        text = await self._carry_out(command)
        match = pattern.search(text)
        if match is None:
            raise ApiFailed(command, ApiResponse(text))
        return match
