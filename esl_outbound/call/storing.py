"""What outlives a call: values in the hash and the database, groups, limits."""

from __future__ import annotations

from typing import Final

from ..arguments.text import argument, words
from ..errors import ApiFailed, LocalProtocolError
from ..protocol import NO_REPLY
from .limiting import Limiting

__all__ = ["Storing"]

_OK: Final = "+OK"
_EXISTS: Final = "-ERR key already exists"
_NO_MATCH: Final = ("-ERR Not found", "-ERR Doesn't match")
# VARCHAR(255) in mod_db.c; db_api_function() reads a value into 256 bytes, its end included.
_MOST_DB_BYTES: Final = 255
_MULTI: Final = ":_:"
# group_api_function() has 4,096 bytes for all of a group, and cuts off the last delimiter.
_MOST_GROUP_BYTES: Final = 4096 - 1 - len(_MULTI)


class Storing(Limiting):
    """What outlives a call: values in the hash (mod_hash) and the database (mod_db), groups, limits.

    A value belongs to a key, and keys belong to a realm. Values arrive as they are, whatever they contain, and are
    never empty: FreeSWITCH does not tell an empty one from none.
    """

    # The hash

    async def hash_insert(self, realm: str, key: str, value: str) -> None:
        """Keep a value in memory, for every call of this switch, until FreeSWITCH ends.

        Runs ``hash insert``. (``hash_function()`` in mod_hash.c joins realm and key with ``_``: an
        underscore in a realm's name can make two keys one.)

        Args:
            realm: Where the key belongs.
            key: Its name.
            value: The value; it takes the place of an older one.

        Raises:
            LocalProtocolError: One of them is empty or cannot be said; nothing was sent.
            CallEnded: The call ended first.
        """
        await self._line.execute("hash", _stored("insert", realm, key, _value(value)))

    async def hash_insert_ifempty(self, realm: str, key: str, value: str) -> bool:
        """Keep a value in memory unless there is one already; nobody comes in between.

        Runs the API command ``hash insert_ifempty``.

        Args:
            realm: Where the key belongs.
            key: Its name.
            value: The value.

        Returns:
            Whether it is kept now; false if there was one.

        Raises:
            NotPermitted: The dialplan line does not say ``full``.
            ApiFailed: FreeSWITCH has no hash (mod_hash is not loaded).
            LocalProtocolError: One of them is empty or cannot be said; nothing was sent.
            CallEnded: The call is over, and its socket too.
        """
        return await self._said(_command("hash", "insert_ifempty", realm, key, _value(value)), _EXISTS)

    async def hash_select(self, realm: str, key: str) -> str | None:
        """Ask for a value that is kept in memory.

        Runs the API command ``hash select``.

        Args:
            realm: Where the key belongs.
            key: Its name.

        Returns:
            The value; None if there is none.

        Raises:
            NotPermitted: The dialplan line does not say ``full``.
            ApiFailed: FreeSWITCH has no hash (mod_hash is not loaded).
            LocalProtocolError: One of them is empty or cannot be said; nothing was sent.
            CallEnded: The call is over, and its socket too.
        """
        return await self._selected(_command("hash", "select", realm, key))

    async def hash_delete(self, realm: str, key: str) -> None:
        """Keep a value in memory no longer; if there is none, nothing happens.

        Runs ``hash delete``.

        Args:
            realm: Where the key belongs.
            key: Its name.

        Raises:
            LocalProtocolError: One of them is empty or cannot be said; nothing was sent.
            CallEnded: The call ended first.
        """
        await self._line.execute("hash", _stored("delete", realm, key))

    async def hash_delete_ifmatch(self, realm: str, key: str, value: str) -> bool:
        """Keep a value in memory no longer if it is this one; nobody comes in between.

        Runs the API command ``hash delete_ifmatch``.

        Args:
            realm: Where the key belongs.
            key: Its name.
            value: What it has to be.

        Returns:
            Whether it was, and is kept no more.

        Raises:
            NotPermitted: The dialplan line does not say ``full``.
            ApiFailed: FreeSWITCH has no hash (mod_hash is not loaded).
            LocalProtocolError: One of them is empty or cannot be said; nothing was sent.
            CallEnded: The call is over, and its socket too.
        """
        return await self._said(_command("hash", "delete_ifmatch", realm, key, _value(value)), *_NO_MATCH)

    # The database

    async def db_insert(self, realm: str, key: str, value: str) -> None:
        """Keep a value in FreeSWITCH's database, which outlives FreeSWITCH.

        Runs ``db insert``. Whether the database took it FreeSWITCH does not tell.

        Args:
            realm: Where the key belongs.
            key: Its name.
            value: The value; it takes the place of an older one.

        Raises:
            LocalProtocolError: One of them is empty, longer than 255 bytes, or cannot be said; nothing was sent.
            CallEnded: The call ended first.
        """
        await self._line.execute("db", _stored("insert", *_short(realm, key, _value(value))))

    async def db_select(self, realm: str, key: str) -> str | None:
        """Ask for a value that is kept in FreeSWITCH's database.

        Runs the API command ``db select``.

        Args:
            realm: Where the key belongs.
            key: Its name.

        Returns:
            The value, of which FreeSWITCH reads 255 bytes; None if there is none.

        Raises:
            NotPermitted: The dialplan line does not say ``full``.
            ApiFailed: FreeSWITCH has no such command (mod_db is not loaded).
            LocalProtocolError: One of them is empty, longer than 255 bytes, or cannot be said; nothing was sent.
            CallEnded: The call is over, and its socket too.
        """
        return await self._selected(_command("db", "select", *_short(realm, key)))

    async def db_exists(self, realm: str, key: str) -> bool:
        """Ask whether FreeSWITCH's database keeps a value.

        Runs the API command ``db exists``.

        Args:
            realm: Where the key belongs.
            key: Its name.

        Raises:
            NotPermitted: The dialplan line does not say ``full``.
            ApiFailed: FreeSWITCH has no such command (mod_db is not loaded).
            LocalProtocolError: One of them is empty, longer than 255 bytes, or cannot be said; nothing was sent.
            CallEnded: The call is over, and its socket too.
        """
        return await self._line.api_text(_command("db", "exists", *_short(realm, key))) == "true"

    async def db_delete(self, realm: str, key: str) -> None:
        """Keep a value in FreeSWITCH's database no longer; if there is none, nothing happens.

        Runs ``db delete``.

        Args:
            realm: Where the key belongs.
            key: Its name.

        Raises:
            LocalProtocolError: One of them is empty, longer than 255 bytes, or cannot be said; nothing was sent.
            CallEnded: The call ended first.
        """
        await self._line.execute("db", _stored("delete", *_short(realm, key)))

    # Groups of the database

    async def group_insert(self, group: str, url: str) -> None:
        """Put a dial string into a group of FreeSWITCH's database; one that is in it stays there once.

        Runs ``group delete`` and ``group insert``, in one write: the latter alone would put it there twice
        (``group_function()`` in mod_db.c).

        Args:
            group: The group's name.
            url: A dial string, such as ``user/1000``.

        Raises:
            LocalProtocolError: One of them is empty, longer than 255 bytes, or cannot be said; nothing was sent.
            CallEnded: The call ended first.
        """
        line = self._line
        if _MULTI in url:
            raise LocalProtocolError(f"{url!r} holds {_MULTI}, which is between the members of a group")
        group, url = _short(group, url)
        before = line.execute_command("group", _grouped("delete", group, url))
        await line.execute("group", _grouped("insert", group, url), after=(before,))

    async def group_delete(self, group: str, url: str) -> None:
        """Take a dial string out of a group of FreeSWITCH's database; if it is not there, nothing happens.

        Runs ``group delete``.

        Args:
            group: The group's name.
            url: The dial string.

        Raises:
            LocalProtocolError: One of them is empty, longer than 255 bytes, or cannot be said; nothing was sent.
            CallEnded: The call ended first.
        """
        await self._line.execute("group", _grouped("delete", *_short(group, url)))

    async def group_members(self, group: str) -> tuple[str, ...]:
        """Ask which dial strings are in a group of FreeSWITCH's database, to ``bridge`` to them, say.

        Runs the API command ``group call``.

        Args:
            group: The group's name.

        Returns:
            The dial strings; none, if there is no such group.

        Raises:
            NotPermitted: The dialplan line does not say ``full``.
            ApiFailed: FreeSWITCH has no such command (mod_db is not loaded), or the group is too long for it.
            LocalProtocolError: The name is empty, longer than 255 bytes, or cannot be said; nothing was sent.
            CallEnded: The call is over, and its socket too.
        """
        # The words of the group are between colons, and `multi` puts between the members what no dial string holds.
        command = "group " + _said_in_one_line(words("call", *_short(group), "multi", delimiter=":"))
        response = await self._line.api(command)
        if response.text == NO_REPLY:
            return ()
        cut = len(response.text.encode("utf-8", "surrogateescape")) >= _MOST_GROUP_BYTES
        if cut or _is_unknown(response.text, command):
            raise ApiFailed(command, response)
        return tuple(response.text.split(_MULTI))

    async def _selected(self, command: str) -> str | None:
        """What is stored, which may begin like an error and end in a line break."""
        response = await self._line.api(command)
        if _is_unknown(response.text, command):
            raise ApiFailed(command, response)
        return None if response.text == NO_REPLY else response.text

    async def _said(self, command: str, *refusals: str) -> bool:
        """Whether something was done; false for a refusal that is an answer."""
        response = await self._line.api(command)
        text = response.text.rstrip("\n")
        if text == _OK:
            return True
        if text in refusals:
            return False
        raise ApiFailed(command, response)


def _stored(*parts: str) -> str:
    """An application's argument, whose parts are between slashes."""
    return argument(*words(*(_part(part) for part in parts), delimiter="/"))


def _grouped(*parts: str) -> str:
    return argument(*words(*parts, delimiter=":"))


def _command(name: str, *parts: str) -> str:
    """An API command whose parts are between slashes."""
    return f"{name} " + _said_in_one_line(words(*(_part(part) for part in parts), delimiter="/"))


def _said_in_one_line(pieces: tuple[object, ...]) -> str:
    """Quoted words as an API command can have them; what is in quotes may be escaped (unescape_char())."""
    text = "".join(piece for piece in pieces if isinstance(piece, str))
    return text.replace("\r", "\\r").replace("\n", "\\n")


def _part(part: str) -> str:
    if not part:
        raise LocalProtocolError("a realm, a key and a value cannot be empty")
    return part


def _value(value: str) -> str:
    """A value that FreeSWITCH can give back: this one is what it says where it has none."""
    if value == NO_REPLY:
        raise LocalProtocolError(f"{value!r} cannot be told from no value")
    return value


def _short(*parts: str) -> tuple[str, ...]:
    """What fits into the database's columns."""
    for part in parts:
        if not part or len(part.encode("utf-8", "surrogateescape")) > _MOST_DB_BYTES:
            raise LocalProtocolError(f"{part!r} has to have 1 to {_MOST_DB_BYTES} bytes to be kept in the database")
    return parts


def _is_unknown(text: str, command: str) -> bool:
    """Whether FreeSWITCH says that it has no such command."""
    return text == f"-ERR {command.partition(' ')[0]} Command not found!\n"
