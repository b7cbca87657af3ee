"""One connection of the event socket, on FreeSWITCH's side (``listener_run()`` in ``mod_event_socket.c``).

What is here is what every connection has, whoever opened it: those of a call's ``socket`` are in ``outbound``, those of
programs that connect to FreeSWITCH's port in ``inbound``. The commands are in ``commands``.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Final

import trio

from .channel import Channel
from .connection import Connection, Faults
from .core import Core
from .happenings import Happening, Who
from .hearing import Hearing
from .subscriptions import Subscriptions
from .wire import GOODBYE, CommandReader, Received, UnreadableCommand, disconnect_notice, linger_notice

if TYPE_CHECKING:
    from .session import Session

__all__ = ["FOR_EVER", "Listener"]

FOR_EVER: Final = -1
# The channel's thread sees a hangup at its next frame; this long the end of the call is waited for.
_LAST_EVENTS_SECONDS: Final = 0.04
_LAST_WORDS_SECONDS: Final = 5.0


class Listener(ABC):
    """One connection.

    Args:
        core: The switch.
        stream: The connection, established.
        nursery: Where what belongs to it runs, its jobs included.
        session: The thread of the channel that it controls, if there is one.
        is_async: Whether applications run in another thread than this.
        faults: What goes wrong.
    """

    def __init__(
        self,
        core: Core,
        stream: trio.abc.Stream,
        *,
        nursery: trio.Nursery,
        session: Session | None = None,
        is_async: bool = True,
        faults: Faults,
    ) -> None:
        self.core: Final = core
        self.connection: Final = Connection(stream, faults, nursery)
        self.nursery: Final = nursery
        self.session = session
        self.channel: Channel | None = None if session is None else session.channel
        """The channel that it controls."""
        self.is_async: Final = is_async
        self.is_finished = False
        self.faults: Final = faults
        self.subscriptions: Final = Subscriptions("" if self.channel is None else self.channel.uuid)
        self.hearing: Final = Hearing(
            core, self.subscriptions, faults, nursery, self.notify, looks_once_a_frame=not is_async
        )
        self.runs = True
        """Whether it goes on: until ``exit``."""
        self.resumes = False
        """Whether ``resume`` was said."""
        self.linger: int | None = None
        """For how long it is kept after the end of its channel, in seconds, or for ever; None if it is not."""
        self.lingers_until = math.inf
        self.has_seen_end = False
        """Whether it knows that its channel has ended."""
        self._reader: Final = CommandReader()
        self._down_since = math.inf
        self._input_ended = False
        self._jobs = 0
        self._goodbye = GOODBYE
        self._wake = trio.Event()

    # What the two kinds do in their own ways

    @abstractmethod
    async def serve(self) -> None:
        """Talk to whoever is at the other end, until there is nothing more to say."""

    @abstractmethod
    async def carry_out(self, command: Received) -> bytes | None:
        """Do what a command says; gives its reply, or None if it has had it already."""

    @abstractmethod
    def stops_listening(self) -> None:
        """The connection is about to be closed."""

    @abstractmethod
    def let_go(self) -> None:
        """The connection is closed: its channel is not under its control any more."""

    @abstractmethod
    def tell(self, who: Who, happening: Happening, *details: str) -> None:
        """Something happened that belongs to the story of a call."""

    # The thread

    def notify(self) -> None:
        """Something is there to look at."""
        self._wake.set()

    def end(self, message: str) -> None:
        """Close the connection, with some last words (``kill_listener()``)."""
        self._goodbye = message
        self.runs = False
        self._wake.set()

    async def run(self) -> None:
        """Serve the connection to its end."""
        self.hearing.begin()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._read_input)
            try:
                await self.serve()
            except UnreadableCommand:
                pass
            finally:
                with trio.CancelScope(shield=True):
                    await self._finish()
            nursery.cancel_scope.cancel()

    async def _read_input(self) -> None:
        while not self._input_ended:
            data = await self.connection.receive()
            if not data:
                self._input_ended = True
            self._reader.feed(data)
            self._wake.set()

    async def answer_commands(self) -> None:
        """Carry out and answer what comes, until the end."""
        while self.runs:
            command = await self.next_command(math.inf)
            if command is None:
                return
            reply = await self.carry_out(command)
            if reply is not None:
                await self.connection.send(reply)

    async def next_command(self, seconds: float) -> Received | None:
        """The next command, saying meanwhile what there is to say; None at the end (``read_packet()``).

        Args:
            seconds: How long it is waited for, as FreeSWITCH counts, in seconds of the wall clock.
        """
        gives_up = trio.current_time() + seconds - self.core.part_of_second
        while True:
            self._wake = trio.Event()
            if self.connection.is_dead or not self.runs:
                return None
            command = self._reader.next_command()
            if command is not None:
                return command
            if self._input_ended or trio.current_time() >= gives_up - 1e-9:
                return None
            if not self._reader.is_amid_command:
                await self._say_what_there_is()
            if self.lingers_until <= trio.current_time() + 1e-9 or not await self._look_at_channel():
                return None
            if self._wake.is_set():
                continue
            with trio.move_on_at(min(gives_up, self._next_moment())):
                await self._wake.wait()

    def _next_moment(self) -> float:
        moment = self.lingers_until
        due = self.hearing.next_moment
        if due is not None and not self._reader.is_amid_command:
            moment = min(moment, due)
        if self._is_down and not self.has_seen_end:
            # Once this is over, it is the events that come late that are waited for.
            told = self._down_since + _LAST_EVENTS_SECONDS
            if told > trio.current_time() + 1e-9:
                moment = min(moment, told)
        return moment

    async def _say_what_there_is(self) -> None:
        hearing = self.hearing
        while (line := hearing.next_line()) is not None:
            await self.connection.send(line)
        if self.session is not None and self.session.channel.diverts_events and not self._is_down:
            while self.session.events:
                hearing.take_diverted(self.session.events.popleft())
        if not self.subscriptions.are_on:
            return
        if self.faults.notice_before_hangup and self._is_down and not self.has_seen_end:
            await self._see_end()
        while (message := hearing.next_message()) is not None:
            await self.connection.send(message)

    # Its channel

    @property
    def _is_down(self) -> bool:
        return self.channel is not None and self.channel.hangup_cause is not None

    async def _look_at_channel(self) -> bool:
        """Whether the connection goes on, as far as its channel is concerned."""
        if not self._is_down or self.has_seen_end:
            return True
        now = trio.current_time()
        if self._down_since is math.inf:
            self._down_since = now
        # The thread that reports the end is this one, if the socket is not async.
        is_told = not self.is_async or now >= self._down_since + _LAST_EVENTS_SECONDS - 1e-9
        if self.session is not None and self.session.is_reported:
            is_told = True
        # Amid a command no event is said, and the end of the channel is seen all the same.
        if not is_told or (self.hearing.has_events and not self._reader.is_amid_command):
            return True
        return await self._see_end()

    async def _see_end(self) -> bool:
        assert self.channel is not None
        self.has_seen_end = True
        if self.linger is None:
            return False
        if self.linger != FOR_EVER:
            self.lingers_until = trio.current_time() + self.linger + 1 - self.core.part_of_second
        await self.connection.send(linger_notice(self.channel.uuid, self.channel.name, self.linger))
        return True

    # The end

    def job_begins(self) -> None:
        """A job runs that was started here."""
        self._jobs += 1

    def job_ends(self) -> None:
        """It is over."""
        self._jobs -= 1
        self._wake.set()

    async def _finish(self) -> None:
        self.hearing.end()
        self.stops_listening()
        # "Session complete, waiting for children": its jobs hold the lock of the connection.
        while self._jobs and not self.connection.is_dead:
            self._wake = trio.Event()
            await self._wake.wait()
        if self.channel is not None:
            self.resumes = self.resumes or self.channel.is_true("socket_resume")
        # Whoever does not read shall not hold the test up.
        with trio.move_on_after(_LAST_WORDS_SECONDS):
            await self.connection.send(disconnect_notice(self.subscriptions.channel_uuid, self._goodbye))
        with trio.move_on_after(_LAST_WORDS_SECONDS):
            await self.connection.close()
        self.is_finished = True
        self.let_go()
