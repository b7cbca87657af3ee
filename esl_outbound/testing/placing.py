"""A call that the switch places and that nobody dials: its thread, its program, and the test's end of it."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Final, final

import trio

from .callee import Callee, Reached
from .caller import Caller
from .channel import Channel
from .connection import Faults
from .core import Core
from .ending import open_ending_nursery
from .failures import CallFailed
from .finishing import expectation_in, finish, hear_handler_out, one_problem_at_a_time
from .life import live
from .logs import logs_kept
from .session import Dialplan, Session
from .targets import Target, Targets
from .virtual import time_jumps
from .watch import Watch

__all__ = [
    "PlacedCall",
    "calls_live_in",
    "finish_placed",
    "is_called",
    "own_calls",
    "place_for_calls",
    "placed_in",
    "raise_fault",
    "rings",
]


@final
class PlacedCall:
    """A call that nobody dials.

    Args:
        channel: Its channel.
        dialplan: What it does there, if that is known already.
        names: What it is found by: what was dialled, and its channel's name.
        nursery: Where it lives.
        leg: Who has to answer before there is anybody to talk to, if somebody has to.
    """

    def __init__(
        self,
        channel: Channel,
        dialplan: Dialplan,
        names: Sequence[str],
        nursery: trio.Nursery,
        *,
        leg: Reached | None = None,
    ) -> None:
        core = channel.core
        self.names: Final = tuple(names)
        self.targets: Final = Targets(partial(_server_at, core), nursery)
        self.session: Final = Session(channel, dialplan, nursery=nursery, connect=self.targets.connect, faults=Faults())
        self.watch: Final = Watch(self.session, core.patience_seconds)
        self.targets.watch = self.watch
        self.session.is_placed = True
        self.caller: Final = Caller(self.watch)
        """What the test does in it."""
        self.is_given = False
        """Whether a test has it already."""
        self.is_finished = False
        """Whether its end was seen to."""
        self.leg: Final = leg
        """Who is called, if it is not the dialplan."""
        self.is_rung = False
        """Whether a test has seen it ring."""
        core.placed.add(self)

    @property
    def is_reached(self) -> bool:
        """Whether there is somebody to talk to."""
        return self.leg is None or self.leg.is_answered

    async def live(self, originating: Callable[[], Awaitable[None]] | None = None) -> None:
        """Run its channel to its end, and wait for the program that it was handed to."""
        with logs_kept(self.watch):
            await live(self.session, originating)
            await self.targets.finished()


async def rings(core: Core, pattern: str, within: float | None) -> Callee:
    """Wait until somebody is called whom nobody has waited for yet.

    Raises:
        CallFailed: Nobody was.
    """
    __tracebackhide__ = True

    def look(call: PlacedCall) -> Callee | None:
        if call.leg is None or call.is_rung or not call.session.channel.has_rung:
            return None
        call.is_rung = True
        return Callee(call.leg)

    patience = core.patience_seconds if within is None else within
    return await core.placed.wait_for(pattern, look, f"{pattern} was to ring", "it did not", patience)


async def is_called(core: Core, pattern: str, within: float | None) -> Caller:
    """Wait until somebody has answered whom nobody has waited for yet.

    Raises:
        CallFailed: Nobody has.
    """
    __tracebackhide__ = True

    def look(call: PlacedCall) -> Caller | None:
        if call.is_given or not call.is_reached:
            return None
        call.is_given = True
        return call.caller

    patience = core.patience_seconds if within is None else within
    expected = f"{pattern} was to be called, and to answer"
    return await core.placed.wait_for(pattern, look, expected, "nobody has answered", patience)


def _server_at(core: Core, address: str) -> Target | None:
    """Who listens there: in memory, or on the network as long as that is real."""
    if address in core.servers:
        return core.servers[address]
    return None if time_jumps() else address


def place_for_calls(core: Core, what: str) -> trio.Nursery:
    """Where a call lives that nobody dials.

    Raises:
        CallFailed: Nobody would see to its end.
    """
    if core.call_nursery is None:
        raise CallFailed(
            f"the switch was to place a call ({what})",
            "nobody would see to its end: that needs a block of `async with phone.event_socket()`, `phone.connect()` "
            "or `phone.dial(...)` around it",
            "  (there is none)",
        )
    return core.call_nursery


@contextlib.contextmanager
def calls_live_in(core: Core, nursery: trio.Nursery, *, always: bool = False) -> Iterator[None]:
    """Let calls that nobody dials live in a nursery as long as a block.

    Args:
        core: The switch.
        nursery: The nursery.
        always: Whether that is so even if they have a place already.
    """
    before = core.call_nursery
    is_taken = always or before is None
    if is_taken:
        core.call_nursery = nursery
    try:
        yield
    finally:
        if is_taken:
            core.call_nursery = before


@contextlib.asynccontextmanager
async def own_calls(core: Core, *, fails_if_handler_does: bool = True) -> AsyncIterator[trio.Nursery]:
    """Let calls that nobody dials live as long as a block, and see to their end.

    At the end of the block those that are up are hung up by whoever was called, and their handlers are waited for.
    What they raised comes out here, as it comes out of ``dial()``.

    Args:
        core: The switch.
        fails_if_handler_does: Whether a fault of a handler fails the test.

    Raises:
        CallFailed: Somebody was left parked for ever, or a handler does not end.
        HandlerFailed: A handler raised something that is not the end of its call.
    """
    __tracebackhide__ = True
    problem: BaseException | None = None
    calls: list[PlacedCall] = []
    try:
        with one_problem_at_a_time():
            async with open_ending_nursery(core.patience_seconds) as nursery:
                with calls_live_in(core, nursery, always=True):
                    try:
                        yield nursery
                        await finish_placed(core, nursery)
                    except trio.Cancelled:
                        raise
                    except BaseException as exc:
                        problem = expectation_in(exc)
                        for call in placed_in(core, nursery):
                            await hear_handler_out(problem, call.watch, call.targets)
                calls = placed_in(core, nursery)
                nursery.cancel_scope.cancel()
    except Exception as exc:
        if problem is None:
            raise
        # What the test was told first comes first; the other is told with it.
        problem.add_note(f"and then: {exc!r}")
    if problem is not None:
        raise problem
    if fails_if_handler_does:
        raise_fault(call.watch for call in calls)


def placed_in(core: Core, nursery: trio.Nursery) -> list[PlacedCall]:
    """The calls that live in a nursery."""
    return [call for call in core.placed if call.session.nursery is nursery]


async def finish_placed(core: Core, nursery: trio.Nursery) -> None:
    """End all calls that live in a nursery, those that are placed meanwhile as well.

    Raises:
        CallFailed: Somebody was left parked for ever, or a handler does not end.
    """
    __tracebackhide__ = True
    while unfinished := [call for call in placed_in(core, nursery) if not call.is_finished]:
        for call in unfinished:
            call.is_finished = True
            await finish(call.caller, call.watch, call.targets)


def raise_fault(watches: Iterable[Watch]) -> None:
    """Raise what a handler raised, if one did.

    Raises:
        HandlerFailed: One did.
    """
    __tracebackhide__ = True
    for watch in watches:
        if watch.handler_error is not None:
            raise watch.handler_failed("the handler was to do its work", "it")
