"""Callers wait for one of a few agents, hear music, and are told their place in the queue now and then.

Shows music that other speech pauses, two things at once in a nursery, and state that all calls share.
Serve it: `esl-outbound serve queue_with_positions:Waiting`.
"""

from __future__ import annotations

from typing import ClassVar

import attrs
import trio

from esl_outbound import CallHandler


@attrs.define(eq=False)
class Queue:
    """Agents who are free, and callers who wait, both in their order."""

    free: list[str]
    waiting: list[trio.Event] = attrs.field(factory=list)

    async def next_agent(self, ticket: trio.Event) -> str:
        """Wait until it is this caller's turn and an agent is free."""
        self.waiting.append(ticket)
        try:
            self._turn()
            await ticket.wait()
            return self.free.pop(0)
        finally:
            self.waiting.remove(ticket)
            self._turn()

    def give_back(self, agent: str) -> None:
        self.free.append(agent)
        self._turn()

    def _turn(self) -> None:
        for ticket, _ in zip(self.waiting, self.free, strict=False):
            ticket.set()


class Waiting(CallHandler):
    queue: ClassVar[Queue] = Queue(["user/1001", "user/1002"])
    seconds_between_announcements = 20

    async def run(self) -> None:
        await self.answer()
        await self.playback("queue/welcome.wav")
        ticket = trio.Event()
        async with self.music_on_hold(), trio.open_nursery() as nursery:
            nursery.start_soon(self.announce, ticket)
            agent = await self.queue.next_agent(ticket)
            nursery.cancel_scope.cancel()
        try:
            outcome = await self.bridge(agent, ring_seconds=15)
        finally:
            self.queue.give_back(agent)
        if not outcome.answered:
            await self.playback("queue/please_call_again.wav")

    async def announce(self, ticket: trio.Event) -> None:
        while True:
            await trio.sleep(self.seconds_between_announcements)
            if ticket in self.queue.waiting:
                await self.playback("queue/your_place_is.wav")
                await self.say(self.queue.waiting.index(ticket) + 1)
