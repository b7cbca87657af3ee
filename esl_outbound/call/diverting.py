"""Events that FreeSWITCH queues to a session and not to the world: what recognisers and detectors say.

A session's events are fired only while the channel is parked, and ``playback``
throws them away (``on_dtmf()`` in mod_dptools.c is given them, then
switch_ivr_play_file() destroys them). ``divert_events`` gives them to the socket instead: all of them, at once,
whatever runs, and without a subscription. Some modules fire a copy besides, which bears the same Event-Sequence.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final, final

import trio

from ..errors import CallEnded, CommandRejected
from ..protocol import DivertEvents, Event
from .execution import STOP_SECONDS
from .line import Line
from .observing import EventStream

__all__ = ["SessionEvents", "session_events"]

_log: Final = logging.getLogger("esl_outbound.call")

# Copies follow one another closely.
_REMEMBERED: Final = 64


@final
class SessionEvents:
    """Events of some names that were queued to the session, each once."""

    __slots__ = ("_events", "_seen")

    def __init__(self, events: EventStream) -> None:
        self._events = events
        self._seen: deque[str] = deque(maxlen=_REMEMBERED)

    async def get(self) -> Event:
        """The next event.

        Raises:
            CallEnded: The call ended, and all events were taken.
            EventsLost: Nobody read them, and some were dropped here.
        """
        while True:
            event = await self._events.get()
            sequence = event.get("Event-Sequence")
            if not sequence or sequence not in self._seen:
                self._seen.append(sequence)
                return event


@asynccontextmanager
async def session_events(line: Line, what: str, *names: str) -> AsyncIterator[SessionEvents]:
    """Get the events of some names that are queued to the session, while the block lasts.

    Args:
        line: The call's state.
        what: What it is for, as ``NotPermitted`` says it.
        names: The events' names, as ``observed`` takes them.

    Raises:
        NotPermitted: The dialplan line does not say ``async``: nobody listens to the caller then.
        CallEnded: The call is over.
    """
    await line.require_call()
    await line.require_async(what)
    with line.observed(*names) as events:
        line.diversions += 1
        try:
            # Each says it for itself: another one may have given up before it did.
            await line.command(DivertEvents(True))
            yield SessionEvents(events)
        finally:
            line.diversions -= 1
            if line.diversions == 0:
                await _end_diversion(line)


async def _end_diversion(line: Line) -> None:
    with trio.CancelScope(shield=True, deadline=trio.current_time() + STOP_SECONDS):
        if line.ending is not None:
            return
        try:
            await line.command(DivertEvents(False))
        except (CallEnded, CommandRejected):
            _log.debug("channel %s: no diversion to end", line.channel_uuid)
