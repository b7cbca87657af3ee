"""Observers of a call's events."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Final, Protocol, final

import trio

from ..errors import CallEnded, EventsLost, LocalProtocolError
from ..protocol import Event

__all__ = ["OBSERVER_EVENTS", "EventStream", "Observer", "Wanted", "wanted_events"]

OBSERVER_EVENTS: Final = 1024
"""How many unread events an observer may have before it loses some."""

# What `myevents` brings (parse_command() in mod_event_socket.c). All else is asked for, even what there is not:
# FreeSWITCH refuses a name that it does not know, where we would wait for it for ever.
_MYEVENTS: Final = frozenset(
    {
        *("CHANNEL_ANSWER", "CHANNEL_APPLICATION", "CHANNEL_BRIDGE", "CHANNEL_CREATE", "CHANNEL_DATA"),
        *("CHANNEL_DESTROY", "CHANNEL_EXECUTE", "CHANNEL_EXECUTE_COMPLETE", "CHANNEL_HANGUP"),
        *("CHANNEL_HANGUP_COMPLETE", "CHANNEL_ORIGINATE", "CHANNEL_OUTGOING", "CHANNEL_PARK", "CHANNEL_PROGRESS"),
        *("CHANNEL_PROGRESS_MEDIA", "CHANNEL_STATE", "CHANNEL_UNBRIDGE", "CHANNEL_UNPARK", "CHANNEL_UUID"),
        *("DTMF", "DETECTED_SPEECH", "TALK", "NOTALK"),
    }
)


@final
class Wanted:
    """Names of events, the CUSTOM ones by their subclass."""

    __slots__ = ("names", "subclasses")

    def __init__(self, names: tuple[str, ...], subclasses: tuple[str, ...]) -> None:
        self.names: Final = names
        self.subclasses: Final = subclasses

    def __bool__(self) -> bool:
        return bool(self.names or self.subclasses)

    def beyond_myevents(self) -> Wanted:
        """Those among them that must be subscribed to, because ``myevents`` does not bring them."""
        return Wanted(tuple(name for name in self.names if name not in _MYEVENTS), self.subclasses)

    def matches(self, event: Event) -> bool:
        """Whether an event is one of them."""
        if "ALL" in self.names:
            return True
        name = event.raw_name.decode("utf-8", "replace")
        return name in self.names or (name == "CUSTOM" and event.subclass in self.subclasses)


def wanted_events(names: tuple[str, ...]) -> Wanted:
    """Read names such as ``CHANNEL_BRIDGE`` and ``CUSTOM conference::maintenance``.

    Raises:
        LocalProtocolError: A name is no name, or CUSTOM comes without its subclass.
    """
    plain, subclasses = [], []
    for name in names:
        event, _, subclass = name.partition(" ")
        if event.upper() == "CUSTOM":
            if not subclass.strip():
                raise LocalProtocolError("a CUSTOM event needs its subclass: 'CUSTOM conference::maintenance'")
            subclasses += subclass.split()
        elif subclass or not event:
            raise LocalProtocolError(f"{name!r} is not the name of an event")
        else:
            plain.append(event.upper())
    return Wanted(tuple(plain), tuple(subclasses))


class Observer(Protocol):
    """Whoever is shown a call's events by the reader: it takes what it wants, and waits for nothing."""

    def offer(self, event: Event) -> None:
        """Take in an event; what the call makes of it has been done."""

    def wake(self) -> None:
        """The call has ended: let whoever waits look again."""


@final
class EventStream:
    """The events that one observer asked for: ``async for event in stream``, which ends with the call.

    At most 1,024 wait to be read. Whoever does not keep up gets an
    ``EventsLost`` that counts what was dropped; the call goes on.
    """

    __slots__ = ("_end", "_unread", "_wake", "_wanted")

    def __init__(self, wanted: Wanted, end: Callable[[], CallEnded | None]) -> None:
        self._wanted = wanted
        self._end = end
        # An int among the events says how many were dropped in its place.
        self._unread: deque[Event | int] = deque()
        self._wake: trio.Event | None = None

    def __aiter__(self) -> AsyncIterator[Event]:
        return self

    async def __anext__(self) -> Event:
        try:
            return await self.get()
        except CallEnded:
            raise StopAsyncIteration from None

    async def get(self) -> Event:
        """The next event.

        Events that came before the end of the call are given out after it, too.

        Raises:
            CallEnded: The call ended, and all events were taken.
            EventsLost: Events were dropped here, between the last one and the next.
        """
        if self._unread:
            await trio.lowlevel.checkpoint()
        while not self._unread:
            if (end := self._end()) is not None:
                await trio.lowlevel.checkpoint()
                raise end
            if self._wake is None:
                self._wake = trio.Event()
            await self._wake.wait()
        event = self._unread.popleft()
        if isinstance(event, int):
            raise EventsLost(event)
        return event

    def drain(self) -> list[Event]:
        """The events that came and were not read yet, without waiting for any.

        Raises:
            EventsLost: Events were dropped here; those before the gap were thrown away, those after it are kept.
        """
        drained: list[Event] = []
        while self._unread:
            event = self._unread.popleft()
            if isinstance(event, int):
                raise EventsLost(event)
            drained.append(event)
        return drained

    # For the reader

    def offer(self, event: Event) -> None:
        """Take in an event, if it is one that was asked for."""
        if not self._wanted.matches(event):
            return
        if len(self._unread) < OBSERVER_EVENTS:
            self._unread.append(event)
            self.wake()
        elif isinstance(lost := self._unread[-1], int):
            self._unread[-1] = lost + 1
        else:
            self._unread.append(1)

    def wake(self) -> None:
        """Let whoever waits look again."""
        if self._wake is not None:
            self._wake.set()
            self._wake = None
