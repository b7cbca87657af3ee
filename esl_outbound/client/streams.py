"""What observers of a switch read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, final

import attrs

from ..call.observing import Wanted, wanted_events
from ..errors import EslOutboundError, LocalProtocolError
from ..protocol import Event, Filter, Subscribe
from ..streams import Stream

__all__ = ["Selection", "SwitchEvents", "can_be_taken_back", "selection_of"]

# A value that begins with one of these is no plain value to FreeSWITCH (event_handler() in mod_event_socket.c).
_NOT_PLAIN: Final = ("+", "-", " ", "/")


@final
@attrs.frozen(eq=False)
class Selection:
    """Which events an observer wants. Two observers have two, even if they want the same."""

    wanted: Wanted
    where: tuple[tuple[str, str], ...]
    """Headers that they must have, with these values."""

    @property
    def filter(self) -> tuple[str, str] | None:
        """A filter of FreeSWITCH's that lets through all of them, and perhaps more: filters are alternatives."""
        for header, value in self.where:
            if value and not value.startswith(_NOT_PLAIN) and can_be_taken_back(header, value):
                return header, value
        return None

    def matches(self, event: Event) -> bool:
        """Whether an event is one of them."""
        return self.wanted.matches(event) and all(event.get(name) == value for name, value in self.where)


def can_be_taken_back(header: str, value: str) -> bool:
    """Whether FreeSWITCH keeps a filter as it was said, and ``filter delete`` of it takes back this one alone.

    ``filter delete all`` takes back everything (``parse_command()`` in mod_event_socket.c); a bracket in a name is an
    array's index, and an array of one is stored as its item (``switch_event_base_add_header()`` in switch_event.c).
    """
    return header.lower() != "all" and "[" not in header and not value.startswith("ARRAY::")


def selection_of(names: tuple[str, ...], where: Mapping[str, str] | None) -> Selection:
    """Read what an observer asks for.

    Raises:
        LocalProtocolError: No event is named, or a name or a header cannot be said.
    """
    selection = Selection(wanted_events(names), tuple((where or {}).items()))
    if not selection.wanted:
        raise LocalProtocolError("no event was named; ALL is a name")
    Subscribe(selection.wanted.names, selection.wanted.subclasses).encode()
    if selection.filter is not None:
        Filter(*selection.filter).encode()
    return selection


@final
class SwitchEvents(Stream[Event]):
    """The events of a whole switch that one observer asked for: ``async for event in events``.

    At most 1,024 wait to be read. Whoever does not keep up gets an
    ``EventsLost`` that counts what was dropped. When the connection ends, what came before is given
    out, and then ``Disconnected`` is raised.
    """

    __slots__ = ("_selection",)

    def __init__(self, selection: Selection, end: Callable[[], EslOutboundError | None]) -> None:
        super().__init__(end)
        self._selection = selection

    # For the reader

    def offer(self, event: Event) -> None:
        """Take in an event, if it is one that was asked for."""
        if self._selection.matches(event):
            self.put(event)
