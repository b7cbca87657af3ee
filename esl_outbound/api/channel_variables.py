"""What is known of a channel: its variables, and all its data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ..arguments.checks import check_name, check_number
from ..arguments.text import words
from ..errors import ApiFailed, LocalProtocolError, NoSuchChannel, RemoteProtocolError
from ..protocol import NO_REPLY, Event, EventFormat
from .base import ApiBase
from .words import check_channel, check_stored, check_value, words_of

__all__ = ["ChannelVariableCommands"]

_UNSET: Final = "_undef_"
_NO_CHANNEL: Final = "-ERR No such channel!\n"
_UNKNOWN: Final = "-ERR uuid_getvar Command not found!\n"
# uuid_setvar_multi_function() has room for so many.
_MOST_VARIABLES: Final = 64
_MOST_ITEMS: Final = 2**31 - 1


class ChannelVariableCommands(ApiBase):
    """What is known of a channel: its variables, and all its data."""

    __slots__ = ()

    async def uuid_getvar(self, channel_uuid: str, name: str, *, index: int | None = None) -> str | None:
        """Ask for a channel's variable, or a field of its caller profile, or else a global variable.

        Runs ``uuid_getvar``, which gives the value as it is and whole.

        Args:
            channel_uuid: The channel.
            name: The variable's name.
            index: Which item of an array, from 0; if there is none like it, the whole array is given.

        Returns:
            Its value; None if it is not set, or is ``_undef_``, for FreeSWITCH says that for both. A whole array is
            ``ARRAY::a|:b``.

        Raises:
            NoSuchChannel: There is no such channel, any more.
            ApiFailed: This FreeSWITCH has no such command.
            LocalProtocolError: The name is no variable's name, or an argument is out of bounds; nothing was sent.
        """
        wanted = check_name(name)
        if index is not None:
            wanted += f"[{check_number(index, 'index', least=0, most=_MOST_ITEMS)}]"
        command = f"uuid_getvar {check_channel(channel_uuid)} {words_of(wanted)}"
        response = await self._run(command)
        # Only what it prints word for word is an error: a value may begin with -ERR too.
        if response.text == _NO_CHANNEL:
            raise NoSuchChannel(channel_uuid, command, response)
        if response.text == _UNKNOWN:
            raise ApiFailed(command, response)
        if response.text == _UNSET:
            return None
        return "" if response.text == NO_REPLY else response.text

    async def uuid_setvar(self, channel_uuid: str, name: str, value: str | None) -> None:
        """Set a channel's variable.

        Runs ``uuid_setvar``. Nothing in the value is expanded.

        Args:
            channel_uuid: The channel.
            name: The variable's name.
            value: Its value; empty or None unsets it. ``ARRAY::a|:b`` is an array.

        Raises:
            NoSuchChannel: There is no such channel, any more.
            ApiFailed: FreeSWITCH refused.
            LocalProtocolError: The name is no variable's name, or FreeSWITCH would read the value as another one;
                nothing was sent.
        """
        given = [check_value(value, "value")] if value else []
        await self._done("uuid_setvar", channel_uuid, words_of(check_name(name), *given))

    async def uuid_setvar_multi(self, channel_uuid: str, variables: Mapping[str, str | None]) -> None:
        """Set several variables of a channel at once.

        Runs ``uuid_setvar_multi``, which unlike ``uuid_setvar`` stores no value with a ``${`` in it.

        Args:
            channel_uuid: The channel.
            variables: Names and values, 64 at most; empty or None unsets one.

        Raises:
            NoSuchChannel: There is no such channel, any more.
            ApiFailed: FreeSWITCH refused.
            LocalProtocolError: A name is no variable's name, a value would not be stored as it is, or there are none
                or too many of them; nothing was sent.
        """
        if not 0 < len(variables) <= _MOST_VARIABLES:
            raise LocalProtocolError(f"there are {len(variables)} variables, and should be 1 to {_MOST_VARIABLES}")
        pairs = [f"{check_name(name)}={check_stored(value or '', name)}" for name, value in variables.items()]
        # It takes the UUID off at the first blank, and divides the rest at semicolons alone.
        text = "".join(piece for piece in words(*pairs, delimiter=";") if isinstance(piece, str))
        await self._done("uuid_setvar_multi", channel_uuid, text.replace("\n", "\\n").replace("\r", "\\r"))

    async def uuid_dump(self, channel_uuid: str) -> Event:
        """Ask for all that FreeSWITCH knows of a channel.

        Runs ``uuid_dump`` with ``json``, in which all values are true (a plain event cannot tell a ``%41``
        from an ``A``).

        Args:
            channel_uuid: The channel.

        Returns:
            An event, CHANNEL_DATA: ``data["Channel-State"]`` is a header, ``data.headers`` the mapping of all,
            ``data.variables`` that of the variables.

        Raises:
            NoSuchChannel: There is no such channel, any more.
            ApiFailed: FreeSWITCH refused.
            RemoteProtocolError: What it printed is no JSON.
            LocalProtocolError: That can be no channel's UUID; nothing was sent.
        """
        text = await self._on_channel(check_channel(channel_uuid), "uuid_dump", "json")
        try:
            data = Event(text.encode("utf-8", "surrogateescape"), EventFormat.JSON)
        except UnicodeEncodeError as exc:  # JSON can escape what no bytes stand for
            raise RemoteProtocolError(f"uuid_dump printed what is no text: {text[:40]!r}") from exc
        # Broken JSON is found here, not where somebody reads it.
        len(data.headers)
        return data
