"""Observers of a call's events."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol, final

from ..errors import CallEnded, LocalProtocolError
from ..protocol import Event
from ..streams import Stream

__all__ = ["EventStream", "Observer", "Wanted", "wanted_events"]

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
class EventStream(Stream[Event]):
    """The events that one observer asked for: ``async for event in stream``, which ends with the call.

    At most 1,024 wait to be read. Whoever does not keep up gets an
    ``EventsLost`` that counts what was dropped; the call goes on. ``get`` raises ``CallEnded`` once the call has
    ended and all events were taken.
    """

    __slots__ = ("_wanted",)

    def __init__(self, wanted: Wanted, end: Callable[[], CallEnded | None]) -> None:
        super().__init__(end)
        self._wanted = wanted

    async def __anext__(self) -> Event:
        try:
            return await self.get()
        except CallEnded:
            raise StopAsyncIteration from None

    # For the reader

    def offer(self, event: Event) -> None:
        """Take in an event, if it is one that was asked for."""
        if self._wanted.matches(event):
            self.put(event)
