"""Observers of a call's events."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol, final

from ..errors import CallEnded, LocalProtocolError
from ..protocol import Event, EventName, NixEvent, Subscribe
from ..streams import Stream

__all__ = ["Asked", "EventStream", "Observer", "Wanted", "wanted_events"]

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
_ALL: Final = "ALL"
# Each connection asks for it once, for all its jobs.
_JOB_EVENT: Final = "BACKGROUND_JOB"
_BEYOND: Final = frozenset(name.value for name in EventName) - _MYEVENTS - {_ALL, "CUSTOM", _JOB_EVENT}


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
        if _ALL in self.names:
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


@final
class Asked:
    """The events that FreeSWITCH was asked for beside those of ``myevents``."""

    __slots__ = ("_names", "_subclasses")

    def __init__(self) -> None:
        self._names: set[str] = set()
        self._subclasses: set[str] = set()

    def note(self, command: Subscribe | NixEvent) -> None:
        """FreeSWITCH was told this."""
        if isinstance(command, Subscribe):
            self._names.update(command.names)
            self._subclasses.update(command.subclasses)
            return
        if _ALL in command.names:
            self._names.clear()
        elif _ALL in self._names:
            # Then FreeSWITCH has every name by itself (parse_command() in mod_event_socket.c).
            self._names = set(_BEYOND)
        self._names.difference_update(command.names)
        self._subclasses.difference_update(command.subclasses)

    def take_all_back(self) -> NixEvent | None:
        """What takes all of them back, but for what the framework itself lives on; None if there are none."""
        names = _BEYOND if _ALL in self._names else self._names - _MYEVENTS - {_JOB_EVENT}
        if not names and not self._subclasses:
            return None
        return NixEvent(tuple(sorted(names)), tuple(sorted(self._subclasses)))


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
