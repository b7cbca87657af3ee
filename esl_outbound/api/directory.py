"""What a switch's directory says: domains, groups, users."""

from __future__ import annotations

from typing import Final, Literal, final

import attrs

from ..arguments.checks import check_word
from ..arguments.text import words
from ..errors import LocalProtocolError
from .answers import AnsweringBase
from .words import one_of, words_of

__all__ = ["DirectoryCommands", "ListedUser"]

_NOBODY: Final = "error/NO_ROUTE_DESTINATION"
_NOT_REGISTERED: Final = "error/user_not_registered"
# dump_user() in mod_commands.c prints a NULL with %s.
_NULL: Final = "(null)"
_COLUMNS: Final = 8
# What list_users_function() in mod_commands.c takes for a name, wherever it stands.
_LIST_KEYS: Final = frozenset({"group", "domain", "user", "context"})
_KINDS: Final = ("var", "param", "attr")
_ORDERS: Final = {"simultaneously": "+A", "one_by_one": "+F", "enterprise": "+E"}


@final
@attrs.frozen
class ListedUser:
    """A user of the directory, once for each group he is in; what is not configured is None."""

    userid: str
    context: str | None
    domain: str | None
    group: str | None
    contact: str | None
    """Where he is reached, as a dial string; None where he is not registered."""
    callgroup: str | None
    effective_caller_id_name: str | None
    effective_caller_id_number: str | None


class DirectoryCommands(AnsweringBase):
    """What a switch's directory says: domains, groups, users."""

    __slots__ = ()

    async def user_exists(self, user: str, domain: str, *, key: str = "id") -> bool:
        """Whether the directory has a user (``user_exists``).

        Args:
            user: The user, such as ``1000``.
            domain: His domain.
            key: By which attribute he is looked for, such as ``id``, ``number-alias``.

        Raises:
            ApiFailed: FreeSWITCH said neither yes nor no.
        """
        return await self._yes_or_no(f"user_exists {words_of(key, user, domain)}")

    async def domain_exists(self, domain: str) -> bool:
        """Whether the directory has a domain (``domain_exists``).

        Raises:
            ApiFailed: FreeSWITCH said neither yes nor no.
            LocalProtocolError: The domain is no word; nothing was sent.
        """
        return await self._yes_or_no(f"domain_exists {check_word(domain, 'domain')}")

    async def user_data(
        self, user: str, domain: str, name: str, *, kind: Literal["var", "param", "attr"] = "var"
    ) -> str | None:
        """What the directory says of a user (``user_data``), what it says of his group and domain included.

        Args:
            user: The user, such as ``1000``.
            domain: His domain.
            name: What is asked for, such as ``effective_caller_id_number``.
            kind: Whether that is a variable, a parameter, or an attribute of the user.

        Returns:
            The value; None where there is none, or no such user.

        Raises:
            ApiFailed: FreeSWITCH has no such command.
            LocalProtocolError: The user holds an ``@``, or ``kind`` is none of these; nothing was sent.
        """
        who = f"{check_word(user, 'user', without='@')}@{domain}"
        return await self._value_of(f"user_data {words_of(who, one_of(kind, 'kind', _KINDS), name)}")

    async def domain_data(self, domain: str, name: str, *, kind: Literal["var", "param", "attr"] = "var") -> str | None:
        """What the directory says of a domain (``domain_data``).

        Args:
            domain: The domain.
            name: What is asked for.
            kind: Whether that is a variable, a parameter, or an attribute of the domain.

        Returns:
            The value; None where there is none, or no such domain.

        Raises:
            ApiFailed: FreeSWITCH has no such command.
            LocalProtocolError: ``kind`` is none of these; nothing was sent.
        """
        return await self._value_of(f"domain_data {words_of(domain, one_of(kind, 'kind', _KINDS), name)}")

    async def list_users(
        self,
        *,
        group: str | None = None,
        domain: str | None = None,
        user: str | None = None,
        context: str | None = None,
    ) -> list[ListedUser]:
        """The users that the directory has (``list_users``), those alone for which all of this is so.

        A directory that is asked over the network (mod_xml_curl) may not have them all.

        Args:
            group: They are in this group.
            domain: They are in this domain.
            user: It is this one.
            context: Their calls begin in this context.

        Raises:
            ApiFailed: FreeSWITCH has no such command.
            LocalProtocolError: One of them is a word that FreeSWITCH takes for a name; nothing was sent.
        """
        wanted: list[str] = []
        for name, value in (("group", group), ("domain", domain), ("user", user), ("context", context)):
            if value is None:
                continue
            if not value or value.lower() in _LIST_KEYS:
                raise LocalProtocolError(f"{name} is {value!r}, and should be something else than {sorted(_LIST_KEYS)}")
            wanted += (name, value)
        command = f"list_users {words_of(*wanted)}".rstrip()
        return _listed(await self._text(command))

    async def group_call(
        self,
        group: str,
        domain: str = "",
        *,
        order: Literal["simultaneously", "one_by_one", "enterprise"] = "simultaneously",
    ) -> str | None:
        """The dial string that calls a group of the directory, with its variables as it is configured (``group_call``).

        It is raw: to be dialled, not to be taken for data.

        Args:
            group: The group.
            domain: Its domain; the switch's own if empty.
            order: How its members are between each other: ``,``, ``|`` or ``:_:``.

        Returns:
            The dial string; None where there is no such group, or nobody in it.

        Raises:
            ApiFailed: FreeSWITCH has no such command.
            LocalProtocolError: The group or the domain is no word, or ``order`` is none of these; nothing was sent.
        """
        where = "@" + check_word(domain, "domain", without="@+") if domain else ""
        command = (
            f"group_call {check_word(group, 'group', without='@+')}{where}{_ORDERS[one_of(order, 'order', _ORDERS)]}"
        )
        text = await self._text(command)
        return None if text == _NOBODY else text

    async def in_group(self, user: str, group: str, *, domain: str = "") -> bool:
        """Whether a user is in a group of the directory (``in_group``).

        Args:
            user: The user, such as ``1000``.
            group: The group.
            domain: Their domain; the switch's own if empty.

        Raises:
            ApiFailed: FreeSWITCH said neither yes nor no.
            LocalProtocolError: The user or the domain is no word; nothing was sent.
        """
        who = check_word(user, "user", without="@") + (
            "@" + check_word(domain, "domain", without="@") if domain else ""
        )
        # in_group_function() in mod_commands.c divides at the comma, whatever the help says.
        return await self._yes_or_no(
            "in_group " + "".join(p for p in words(who, group, delimiter=",") if isinstance(p, str))
        )


def _listed(text: str) -> list[ListedUser]:
    """The lines between the names of the columns and ``+OK``; a column that is new is not looked at."""
    users = []
    for line in text.split("\n")[1:]:
        cells = line.split("|")
        if len(cells) < _COLUMNS:
            continue
        userid, *rest = (None if cell in ("", _NULL, _NOT_REGISTERED) else cell for cell in cells[:_COLUMNS])
        users.append(ListedUser(userid or "", *rest))
    return users
