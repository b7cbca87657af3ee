"""``show``: what is in FreeSWITCH's tables of channels, calls, registrations, modules."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, TypeVar

from ..arguments.checks import check_one_line, check_word
from ..errors import LocalProtocolError
from .answers import AnsweringBase
from .rows import Row, Rows, rows_of
from .shown import (
    ShownAlias,
    ShownCall,
    ShownChannel,
    ShownCommand,
    ShownInterface,
    ShownRegistration,
    ShownTask,
    shown_alias,
    shown_call,
    shown_channel,
    shown_command,
    shown_interface,
    shown_registration,
    shown_task,
)
from .words import words_of

__all__ = ["ShowCommands"]

T = TypeVar("T")

# show_function() in mod_commands.c makes blanks of them.
_NOT_LIKE: Final = "';"


class ShowCommands(AnsweringBase):
    """``show``, with rows as values. All of it is asked for as JSON: with commas a value's comma divides it.

    What is shown comes from FreeSWITCH's own database, which is written in the background and runs a little behind. A
    switch that has none (``-nosql``) shows nothing: ``ApiFailed``.
    """

    __slots__ = ()

    async def show(self, what: str, *, like: str | None = None) -> list[Mapping[str, str]]:
        """The rows of anything that ``show`` shows, each by the names of its columns.

        Runs ``show <what> [like <like>] as json``.

        Args:
            what: Such as ``channels``, ``interfaces``, ``nat_map``, ``limits``.
            like: Only what holds this text; FreeSWITCH looks for it in ``channels`` alone.

        Raises:
            ApiFailed: FreeSWITCH shows nothing of that name, or not as rows.
            LocalProtocolError: ``what`` is no word, or ``like`` cannot be said; nothing was sent.
        """
        check_word(what, "what")
        return (await self._shown(what, *(() if like is None else ("like", _like(like))))).rows

    # Calls

    async def show_channels(self, *, like: str | None = None) -> list[ShownChannel]:
        """The channels of the switch, the oldest first.

        Runs ``show channels``.

        Args:
            like: Only those that hold this text in their UUID, name, caller's name or number, presence data or account
                code. ``%`` stands for any text then, and ``_`` for one character.

        Raises:
            ApiFailed: The switch has no database.
            LocalProtocolError: ``like`` is empty or cannot be said; nothing was sent.
        """
        return _each(shown_channel, await self.show("channels", like=like))

    async def show_calls(self) -> list[ShownCall]:
        """The calls of the switch: pairs of channels that are bridged, and channels that are alone.

        Runs ``show calls``, which leaves out what runs on a channel, its codecs and the like.

        Raises:
            ApiFailed: The switch has no database.
        """
        return _each(shown_call, await self.show("calls"))

    async def show_bridged_calls(self) -> list[ShownCall]:
        """The calls of the switch that are bridged.

        Runs ``show bridged_calls``.

        Raises:
            ApiFailed: The switch has no database.
        """
        return _each(shown_call, await self.show("bridged_calls"))

    async def show_detailed_calls(self, *, bridged: bool = False) -> list[ShownCall]:
        """The calls of the switch, with all that is known of their channels.

        Runs ``show detailed_calls`` or ``show detailed_bridged_calls``.

        Args:
            bridged: Only those that are bridged.

        Raises:
            ApiFailed: The switch has no database.
        """
        return _each(shown_call, await self.show("detailed_bridged_calls" if bridged else "detailed_calls"))

    async def count_channels(self) -> int:
        """How many channels there are (``show channels count``).

        Raises:
            ApiFailed: The switch has no database.
        """
        return (await self._shown("channels", "count")).count

    async def count_calls(self) -> int:
        """How many calls there are, as ``show_calls`` shows them (``show calls count``).

        Raises:
            ApiFailed: The switch has no database.
        """
        return (await self._shown("calls", "count")).count

    async def count_registrations(self) -> int:
        """How many telephones are registered (``show registrations count``).

        Raises:
            ApiFailed: The switch has no database.
        """
        return (await self._shown("registrations", "count")).count

    # The rest

    async def show_registrations(self) -> list[ShownRegistration]:
        """The telephones that are registered (``show registrations``).

        Raises:
            ApiFailed: The switch has no database.
        """
        return _each(shown_registration, await self.show("registrations"))

    async def show_modules(self) -> list[ShownInterface]:
        """What the modules that are loaded have brought (``show modules``): ``{one.ikey for one in ...}`` are they.

        Raises:
            ApiFailed: The switch has no database.
        """
        return _each(shown_interface, await self.show("modules"))

    async def show_codecs(self) -> list[ShownInterface]:
        """The codecs that FreeSWITCH has (``show codec``).

        Raises:
            ApiFailed: The switch has no database.
        """
        return _each(shown_interface, await self.show("codec"))

    async def show_applications(self) -> list[ShownCommand]:
        """The applications that FreeSWITCH has and describes (``show application``).

        Raises:
            ApiFailed: The switch has no database.
        """
        return _each(shown_command, await self.show("application"))

    async def show_api(self) -> list[ShownCommand]:
        """The API commands that FreeSWITCH has and describes (``show api``).

        Raises:
            ApiFailed: The switch has no database.
        """
        return _each(shown_command, await self.show("api"))

    async def show_tasks(self) -> list[ShownTask]:
        """What FreeSWITCH will do later (``show tasks``); ``sched_del`` takes it back.

        Raises:
            ApiFailed: The switch has no database.
        """
        return _each(shown_task, await self.show("tasks"))

    async def show_aliases(self) -> list[ShownAlias]:
        """The short names of FreeSWITCH's console (``show aliases``).

        Raises:
            ApiFailed: The switch has no database.
        """
        return _each(shown_alias, await self.show("aliases"))

    async def _shown(self, *what: str) -> Rows:
        command = f"show {words_of(*what)} as json"
        return rows_of(command, await self._run(command))


def _each(shown: Callable[[Row], T], rows: list[Mapping[str, str]]) -> list[T]:
    return [shown(Row(cells)) for cells in rows]


def _like(text: str) -> str:
    if not text or any(c in text for c in _NOT_LIKE):
        raise LocalProtocolError(f"like is {text!r}, and should be a text without {' '.join(_NOT_LIKE)}")
    return check_one_line(text, "like")
