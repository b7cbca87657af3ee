"""What a conference's events tell: of our own member, and of all that happens there."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Final, final

import trio

from ..errors import CallEnded, EventsLost
from ..protocol import Event
from .conferences import MAINTENANCE, ConferenceAction, ConferenceEvent, ConferenceExit, conference_event, number
from .execution import Execution, Stage
from .observing import OBSERVER_EVENTS

__all__ = ["ConferenceEvents", "MemberWatch"]

_EXITS: Final = {
    ConferenceAction.KICK_MEMBER: ConferenceExit.KICKED,
    ConferenceAction.HUP_MEMBER: ConferenceExit.TAKEN_OUT,
    ConferenceAction.REJECTED_JOIN_ONLY: ConferenceExit.NOT_THERE,
}


@final
class MemberWatch:
    """What the events of a conference tell of our own member, until he has left.

    Args:
        channel_uuid: Our channel.
    """

    def __init__(self, channel_uuid: str) -> None:
        self._channel_uuid = channel_uuid
        self.execution: Execution | None = None
        """The ``conference`` application, once it has been sent."""
        self.changed = trio.Event()
        """Set when he is a member, or will not be one any more."""
        self.member_id: int | None = None
        self.joined_at: int | None = None
        """Microseconds since 1970."""
        self.left_at: int | None = None
        self.exit: ConferenceExit | None = None

    def offer(self, event: Event) -> None:
        """Take in an event."""
        if self.execution is not None and self.execution.stage >= Stage.COMPLETED:
            self.changed.set()
        if event.raw_name != b"CUSTOM" or event.subclass != MAINTENANCE:
            return
        found = conference_event(event)
        if found.channel_uuid != self._channel_uuid:
            return
        if found.action == ConferenceAction.ADD_MEMBER:
            self.member_id = found.member_id
            self.joined_at = number(event.get("Event-Date-Timestamp"))
            self.changed.set()
        elif found.action == ConferenceAction.DEL_MEMBER:
            self.left_at = number(event.get("Event-Date-Timestamp"))
        elif isinstance(found.action, ConferenceAction) and found.action in _EXITS:
            self.exit = _EXITS[found.action]

    def wake(self) -> None:
        """The call has ended."""
        self.changed.set()


@final
class ConferenceEvents:
    """What happens in a conference: ``async for event in events``, which ends when our member has left it.

    At most 1,024 wait to be read. Whoever does not keep up gets an ``EventsLost``.
    """

    def __init__(self, name: str, execution: Execution, end: Callable[[], CallEnded | None]) -> None:
        self._name = name
        self._execution = execution
        self._end = end
        self._unread: deque[ConferenceEvent | int] = deque()
        self._wake: trio.Event | None = None

    def __aiter__(self) -> AsyncIterator[ConferenceEvent]:
        return self

    async def __anext__(self) -> ConferenceEvent:
        """The next event.

        Raises:
            EventsLost: Events were dropped here, between the last one and the next.
        """
        if self._unread:
            await trio.lowlevel.checkpoint()
        while not self._unread:
            if self._execution.stage >= Stage.COMPLETED or self._end() is not None:
                await trio.lowlevel.checkpoint()
                raise StopAsyncIteration
            if self._wake is None:
                self._wake = trio.Event()
            await self._wake.wait()
        event = self._unread.popleft()
        if isinstance(event, int):
            raise EventsLost(event)
        return event

    # For the reader

    def offer(self, event: Event) -> None:
        """Take in an event, if it is one of this conference's."""
        if self._execution.stage >= Stage.COMPLETED:
            self.wake()
        if event.raw_name != b"CUSTOM" or event.subclass != MAINTENANCE:
            return
        found = conference_event(event)
        if found.conference_name != self._name:
            return
        if len(self._unread) < OBSERVER_EVENTS:
            self._unread.append(found)
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
