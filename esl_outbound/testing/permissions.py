"""What who connects may do (``userauth`` and ``auth_api_command()`` in ``mod_event_socket.c``)."""

from __future__ import annotations

from typing import Final, final

import attrs

from .event_names import EVENT_NAMES
from .wire import cut

__all__ = ["ALL", "NeverEnds", "Permissions", "User"]

# Commands that run other commands, of which each is looked at as well.
_SNEAKY: Final = frozenset(["bgapi", "sched_api", "eval", "expand", "xml_wrap"])
# Each header of the reply is formatted into a buffer of this size.
_HEADER_BYTES: Final = 511


class NeverEnds(Exception):
    """FreeSWITCH goes round in circles and never answers: behind the last of several sneaky commands is nothing."""


@final
@attrs.frozen
class Permissions:
    """What one connection may do."""

    events: frozenset[str] | None = None
    """Names of events; None for all."""
    subclasses: frozenset[str] | None = None
    """Subclasses of CUSTOM; None for all."""
    api: frozenset[str] | None = None
    """API commands; None for all."""
    log: bool = True

    def may_hear(self, name: str) -> bool:
        """Whether an event may be subscribed to."""
        return self.events is None or name in self.events or "ALL" in self.events

    def may_hear_subclass(self, subclass: str) -> bool:
        """Whether events of a subclass may be subscribed to."""
        return self.subclasses is None or subclass in self.subclasses

    def may_run(self, name: str, argument: str | None) -> bool:
        """Whether an API command may be run.

        Args:
            name: Its name.
            argument: What is behind the first blank; None if there is none.

        Raises:
            NeverEnds: FreeSWITCH would look for ever.
        """
        if self.api is None:
            return True
        rest = argument
        while name in self.api:
            if name.lower() not in _SNEAKY:
                return True
            if rest is None:
                if argument is None:
                    return True
                raise NeverEnds
            name, blank, behind = rest.partition(" ")
            rest = behind if blank else None
        return False


ALL: Final = Permissions()
"""Whoever said the port's own password may do everything."""


@final
@attrs.frozen
class User:
    """A user of the directory's who may connect."""

    password: str = attrs.field(repr=False)
    """``esl-password``."""
    events: str | None
    """``esl-allowed-events``; None if it is not there."""
    api: str | None
    """``esl-allowed-api``; None if it is not there."""
    log: bool
    """``esl-allowed-log``."""

    @property
    def permissions(self) -> Permissions:
        """What he may do."""
        events: set[str] | None = None
        subclasses: set[str] | None = None
        if self.events is not None:
            events, subclasses = set(), set()
            for word in _words(self.events):
                if "CUSTOM" in events:
                    subclasses.add(word)
                elif word.upper() in EVENT_NAMES:
                    events.add(word.upper())
        return Permissions(
            None if events is None else frozenset(events),
            None if subclasses is None else frozenset(subclasses),
            None if self.api is None else frozenset(_words(self.api)),
            self.log,
        )

    @property
    def reply(self) -> str:
        """What he is told when he is let in; ``~`` stands for headers (``listener_run()``)."""
        events = cut(f"Allowed-Events: {'all' if self.events is None else self.events}\n", _HEADER_BYTES)
        api = cut(f"Allowed-API: {'all' if self.api is None else self.api}\n", _HEADER_BYTES)
        return f"~Reply-Text: +OK accepted\n{events}{api}Allowed-LOG: {'true' if self.log else 'false'}\n\n"


def _words(text: str) -> list[str]:
    return text.split(" " if " " in text else ",")
