"""Which events a socket gets, and in which format (``event_handler()`` in ``mod_event_socket.c``)."""

from __future__ import annotations

import re
from typing import Final, final

from .event_names import EVENT_NAMES, MY_EVENTS
from .patterns import search
from .permissions import ALL, Permissions
from .wire import Event

__all__ = ["Subscriptions"]

_FORMATS: Final = ("plain", "json", "xml")
_DENIED: Final = "-ERR permission denied"


@final
class Subscriptions:
    """What one socket wants to hear of.

    Args:
        channel_uuid: The channel that the socket controls; empty if there is none.
    """

    def __init__(self, channel_uuid: str) -> None:
        self.form = "plain"
        self.are_on = False
        self.is_mine_only = False
        """Whether ``myevents`` was said."""
        self.permissions: Permissions = ALL
        """What may be subscribed to."""
        self.channel_uuid = channel_uuid
        self._names: set[str] = set()
        self._subclasses: set[str] = set()
        self._gets_all = False
        self._gets_all_subclasses = False
        self._filters: list[tuple[str, str]] = []

    def wants(self, event: Event) -> bool:
        """Whether an event is to be sent."""
        if not self.are_on:
            return False
        subclass = event.get("Event-Subclass") if event.name == "CUSTOM" else ""
        if not (
            self._gets_all
            or (
                event.name in self._names
                and (not subclass or self._gets_all_subclasses or subclass in self._subclasses)
            )
        ):
            return False
        if self._filters and not self._passes_filters(event):
            return False
        if self.is_mine_only:
            return self._is_mine(event)
        return True

    def _is_mine(self, event: Event) -> bool:
        if not self.channel_uuid:
            # A channel that was not there to be found is every channel.
            return bool(event.get("Unique-ID"))
        return self.channel_uuid in (event.get("Unique-ID"), event.get("Job-Owner-UUID"))

    def _passes_filters(self, event: Event) -> bool:
        passes = False
        for name, wanted in self._filters:
            value = event.get(name)
            if not value:
                continue
            found = re.match(r"[+\- ]*", wanted)
            signs = found[0] if found is not None else ""
            compared = wanted[len(signs) :]
            is_positive = signs.strip()[-1:] != "-"
            if passes and is_positive:
                continue
            matches = _matches(wanted, value) if wanted.startswith("/") else value.lower() == compared.lower()
            if matches:
                if not is_positive:
                    return False
                passes = True
        return passes

    # Commands, each with its reply

    def my_events(self, rest: str) -> str:
        """``myevents [plain|json|xml]``."""
        if self.is_mine_only:
            return "-ERR aready enabled."
        self._names |= MY_EVENTS
        self.is_mine_only = True
        self.are_on = True
        for form in ("xml", "json"):
            if form in rest or form.upper() in rest:
                self.form = form
        return "+OK Events Enabled"

    def subscribe(self, words: str) -> str:
        """``event [plain|json|xml] <names> [CUSTOM <subclasses>]``."""
        count = 0
        is_custom = False
        for number, word in enumerate(words.split(" ") if words else ()):
            name = word.upper()
            if number == 0 and word.lower() in _FORMATS:
                self.form = word.lower()
            elif is_custom:
                if not self.permissions.may_hear_subclass(word):
                    return _DENIED
                self._subclasses.add(word)
            elif name in EVENT_NAMES:
                # What was said before it stays in force.
                if not self.permissions.may_hear(name):
                    return _DENIED
                count += 1
                self._names.add(name)
                is_custom = name == "CUSTOM"
                if name == "ALL":
                    self._get_all()
        if not count:
            return "-ERR no keywords supplied"
        self.are_on = True
        return f"+OK event listener enabled {self.form}"

    def _get_all(self) -> None:
        self._gets_all = True
        self._names |= EVENT_NAMES
        if self.permissions.subclasses is None:
            self._gets_all_subclasses = True
        else:
            self._subclasses |= self.permissions.subclasses

    def unsubscribe(self, words: str) -> str:
        """``nixevent <names> [CUSTOM <subclasses>]``."""
        count = 0
        is_custom = False
        for word in words.split(" ") if words else ():
            name = word.upper()
            if is_custom:
                self._subclasses.discard(word)
            elif name == "CUSTOM":
                count += 1
                is_custom = True
            elif name == "ALL":
                count += 1
                self._names.clear()
                self._gets_all = False
            elif name in EVENT_NAMES:
                count += 1
                self._gets_all = False
                self._names.discard(name)
        if not count:
            return "-ERR no keywords supplied"
        self.are_on = True
        return "+OK events nixed"

    def none(self) -> str:
        """``noevents``."""
        if not self.are_on:
            return "-ERR not listening for events"
        self.are_on = False
        self._names.clear()
        self._subclasses.clear()
        self._gets_all = self._gets_all_subclasses = False
        return "+OK no longer listening for events"

    def filter(self, words: str) -> str:
        """``filter [add] <header> <value>``, ``filter delete <header> [<value>]``."""
        name, found, value = words.lstrip(" ").partition(" ")
        if not found:
            return "-ERR invalid syntax"
        if name.lower() == "delete":
            name, _, value = value.partition(" ")
            if name.lower() == "all":
                self._filters.clear()
            else:
                self._filters = [
                    each for each in self._filters if each[0].lower() != name.lower() or (value and each[1] != value)
                ]
            return f"+OK filter deleted. [{name}][{value}]"
        if name.lower() == "add":
            name, _, value = value.partition(" ")
        self._filters.append((name, value))
        return f"+OK filter added. [{name}]=[{value}]"


def _matches(pattern: str, text: str) -> bool:
    """A filter's ``/regular expression/``."""
    return search(pattern.strip("/"), text) is not None
