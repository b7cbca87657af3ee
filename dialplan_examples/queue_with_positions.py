"""Callers wait for one of a few agents, hear music, and are told their place in the queue now and then.

Shows music that other speech pauses, two things at once in a nursery, and state that all calls share.
Serve it: `esl-outbound serve queue_with_positions:Waiting`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar

import attrs
import trio

from esl_outbound import CallHandler


@attrs.define(eq=False)
class Ticket:
    """A caller's place in the queue, and his agent once it is his turn."""

    agent: str = ""
    called: trio.Event = attrs.field(factory=trio.Event)


@attrs.define(eq=False)
class Queue:
    """Agents who are free, and callers who wait, both in their order."""

    free: list[str]
    waiting: list[Ticket] = attrs.field(factory=list)

    @contextmanager
    def ticket(self, *, is_first: bool) -> Iterator[Ticket]:
        """A place at the end of the queue, or at its head; whatever happens, the agent is free again afterwards."""
        ticket = Ticket()
        self.waiting.insert(0 if is_first else len(self.waiting), ticket)
        self.call_next()
        try:
            yield ticket
        finally:
            if ticket.agent:
                self.free.append(ticket.agent)
            else:
                self.waiting.remove(ticket)
            self.call_next()

    def call_next(self) -> None:
        while self.free and self.waiting:
            ticket = self.waiting.pop(0)
            ticket.agent = self.free.pop(0)
            ticket.called.set()


class Waiting(CallHandler):
    queue: ClassVar[Queue] = Queue(["user/1001", "user/1002"])
    seconds_between_announcements = 20

    async def run(self) -> None:
        await self.answer()
        await self.playback("queue/welcome.wav")
        is_first = False
        while True:
            with self.queue.ticket(is_first=is_first) as ticket:
                async with self.music_on_hold(), trio.open_nursery() as nursery:
                    nursery.start_soon(self.announce, ticket)
                    await ticket.called.wait()
                    nursery.cancel_scope.cancel()
                outcome = await self.bridge(ticket.agent, ring_seconds=15)
            if outcome.answered:
                break
            # The agent is not there: the caller goes to the head of the queue, and waits for the next one.
            is_first = True

    async def announce(self, ticket: Ticket) -> None:
        while True:
            await trio.sleep(self.seconds_between_announcements)
            if ticket in self.queue.waiting:
                await self.playback("queue/your_place_is.wav")
                await self.say(self.queue.waiting.index(ticket) + 1)
