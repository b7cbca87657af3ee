"""A connection that is lost and found: back-off, restored subscriptions, and what its observers are told of it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Final, TypeAlias, final

import trio

from ..errors import (
    AccessDenied,
    AuthenticationFailed,
    CommandRejected,
    Disconnected,
    EslOutboundError,
    NoFreeSwitch,
    SwitchError,
)
from ..protocol import Log, Subscribe
from .absence import Away, ResilientEvents, ResilientLogLines
from .backoff import Backoff
from .hub import Hub
from .opening import Opener
from .session import Session
from .streams import Selection
from .subscriptions import LogWish

__all__ = ["Keeper"]

_log: Final = logging.getLogger("esl_outbound.client")

_Wish: TypeAlias = Selection | LogWish
_Stream: TypeAlias = ResilientEvents | ResilientLogLines


@final
class Keeper:
    """Keeps a connection with one FreeSWITCH.

    Args:
        opener: Opens connections.
        hub: Who wants to hear what.
        session: The first connection.
        backoff: When to try again.
    """

    def __init__(self, opener: Opener, hub: Hub, session: Session, backoff: Backoff) -> None:
        self._opener: Final = opener
        self._hub: Final = hub
        self._backoff: Final = backoff
        self._newest = session
        self._since = trio.current_time()
        self._attempt = 0
        """Which delay comes next."""
        self._over: SwitchError | None = None
        self._left = False
        self._scope: Final = trio.CancelScope()
        self._changed = trio.Event()
        self._streams: Final[dict[_Wish, _Stream]] = {}
        self._refusals: Final[dict[_Wish, CommandRejected]] = {}

    @property
    def session(self) -> Session | None:
        """The connection, if there is one that was told everything."""
        return None if self._left or self._newest.ended.is_set() else self._newest

    @property
    def comes_back(self) -> bool:
        """Whether there is a connection, or will be one perhaps."""
        return self._over is None and not self._left

    async def wait_connected(self) -> None:
        """Wait until commands can be sent.

        Raises:
            SwitchError: There will be no connection any more.
        """
        while (session := self.session) is None or not session.is_open:
            if (end := self.end_error()) is not None:
                await trio.lowlevel.checkpoint()
                raise end
            await self._changed.wait()
        await trio.lowlevel.checkpoint()

    def _change(self) -> None:
        self._changed.set()
        self._changed = trio.Event()

    # Who hears of it

    @contextmanager
    def telling(self, wish: _Wish, stream: _Stream) -> Iterator[None]:
        """Tell a stream of each absence."""
        self._streams[wish] = stream
        try:
            yield
        finally:
            del self._streams[wish]
            self._refusals.pop(wish, None)

    def end_of(self, wish: _Wish) -> EslOutboundError | None:
        """Why nothing more comes of what was wished for; None while something may."""
        refusal = self._refusals.get(wish)
        return self.end_error() if refusal is None else CommandRejected(refusal.command, refusal.reply)

    def end_error(self) -> SwitchError | None:
        """Why there will be no connection any more; None while there may. Each call makes one to be raised."""
        peer = self._opener.peer
        match self._over:
            case None:
                return Disconnected(peer) if self._left else None
            case AuthenticationFailed(user=user):
                error: SwitchError = AuthenticationFailed(peer, user)
            case AccessDenied():
                error = AccessDenied(peer)
            case _:
                error = NoFreeSwitch(peer, "it did not come back, and was given up")
        error.__cause__ = self._over
        return error

    # Losing it, and coming back

    async def keep(self, nursery: trio.Nursery) -> None:
        """Come back, as often as the connection ends; its connections are read in ``nursery``."""
        with self._scope:
            while self._over is None:
                await self._newest.ended.wait()
                await self._come_back(nursery, trio.current_time(), self._newest.end_reason)

    async def leave(self) -> None:
        """Say ``exit`` if there is a connection, and look for none any more."""
        session = self.session
        self._left = True
        self._scope.cancel()
        self._change()
        if session is not None:
            await session.say_goodbye()
        self._hub.wake()

    async def _come_back(self, nursery: trio.Nursery, lost: float, reason: str) -> None:
        _log.warning("lost FreeSWITCH at %s: %s", self._opener.peer, reason)
        self._change()
        if lost - self._since >= self._backoff.most_seconds:
            self._attempt = 0
        made = 0
        problem: SwitchError = self._newest.lost(None, None)
        # Its first event may come before all is restored.
        self._hub.before_next = partial(self._tell_of_absence, lost, reason)
        while True:
            delay = self._backoff.delay(self._attempt)
            away = trio.current_time() - lost
            if self._backoff.attempts == made or (
                self._backoff.seconds is not None and away + delay > self._backoff.seconds
            ):
                self._give_up(problem)
                return
            await trio.sleep(delay)
            self._attempt += 1
            made += 1
            try:
                await self._try(nursery, lost)
            except (AuthenticationFailed, AccessDenied) as exc:
                # To say it again and again would be an attack on the password, or a knock at a closed door.
                self._give_up(exc)
                return
            except SwitchError as exc:
                problem = exc
                _log.debug("attempt %d: %s", made, exc)
                if self._hub.before_next is None:  # something has come, and this is another absence
                    self._hub.before_next = partial(self._tell_of_absence, trio.current_time(), reason)
            else:
                return

    async def _try(self, nursery: trio.Nursery, lost: float) -> None:
        session = await self._opener.open(nursery, self._hub)
        with trio.move_on_after(self._opener.seconds):
            try:
                await self._restore(session)
                self._take(session, lost)
            finally:
                if self._newest is not session:
                    session.close()
        if self._newest is not session:
            raise NoFreeSwitch(self._opener.peer, f"it did not take our subscriptions in {self._opener.seconds:g} s")

    async def _restore(self, session: Session) -> None:
        """Tell a new connection all that is wished for, while others come and go."""
        wishes, event_format = self._hub.wishes, self._opener.event_format
        while steps := wishes.steps(session.told, event_format):
            for refusal in await (await session.say(steps)).refusals():
                self._refused(refusal)

    def _take(self, session: Session, lost: float) -> None:
        if self._hub.before_next is not None:
            self._hub.before_next()
        self._newest = session
        self._since = trio.current_time()
        _log.info("back at FreeSWITCH at %s after %.1f s", self._opener.peer, self._since - lost)
        self._change()

    def _tell_of_absence(self, lost: float, reason: str) -> None:
        self._hub.before_next = None
        away = Away(trio.current_time() - lost, reason)
        for stream in self._streams.values():
            stream.put(away)

    def _refused(self, refusal: CommandRejected) -> None:
        """FreeSWITCH does not give a new connection what is wished for: whoever wished for it is to know."""
        command = refusal.command
        wishes = self._hub.wishes
        given_up: list[_Wish] = []
        if isinstance(command, Subscribe):
            given_up += wishes.give_up(command)
        elif isinstance(command, Log):
            given_up += wishes.give_up_logs()
            self._hub.logged = None
        else:
            return  # less was asked for
        _log.warning("FreeSWITCH at %s is back, and %s", self._opener.peer, refusal)
        for wish in given_up:
            if (stream := self._streams.get(wish)) is not None:
                self._refusals[wish] = refusal
                stream.wake()

    def _give_up(self, error: SwitchError) -> None:
        _log.error("gave up FreeSWITCH at %s: %s", self._opener.peer, error)
        self._over = error
        self._hub.wake()
        self._change()
