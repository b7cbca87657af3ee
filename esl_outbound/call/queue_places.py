"""A place in a queue: what a caller has who waits for somebody to take his call."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Generic, TypeVar, final

import trio

from ..arguments.checks import check_digits
from ..errors import LocalProtocolError
from ..protocol import Event, Execute
from .carried import Carried
from .execution import Execution, Stage
from .stopping import LEAVE_KEY

if TYPE_CHECKING:
    from .line import Line

__all__ = ["QueuePlace", "check_exit_keys", "wait_in_queue"]

R = TypeVar("R")


@final
class QueuePlace(Generic[R]):
    """A caller's place in a queue: ``place = await self.start_fifo_in("support")``.

    What is played or said to him meanwhile pauses the queue's music::

        place = await self.start_fifo_in("support", music="local_stream://moh")
        while not place.is_over:
            with trio.move_on_after(30):
                await place.finished()
            if position := await place.position():
                await self.say(position)
    """

    __slots__ = ("_ask_position", "_carried", "_execution", "_is_clean", "_line", "_name", "_result")

    def __init__(
        self,
        line: Line,
        execution: Execution,
        name: str,
        result: Callable[[Execution, Event], R],
        ask_position: Callable[[], Awaitable[int | None]],
        carried: Carried,
    ) -> None:
        self._line = line
        self._execution = execution
        self._name = name
        self._result = result
        self._ask_position = ask_position
        self._carried = carried
        self._is_clean = False

    @property
    def name(self) -> str:
        """The queue's name."""
        return self._name

    @property
    def is_over(self) -> bool:
        """Whether he waits no longer."""
        return self._execution.stage >= Stage.COMPLETED

    def __repr__(self) -> str:
        return f"<QueuePlace in {self._name}{', over' if self.is_over else ''}>"

    async def position(self) -> int | None:
        """Ask FreeSWITCH for his place: 1 is next.

        Returns:
            His place; None if he waits no longer, or not yet.

        Raises:
            NotPermitted: The dialplan line does not say ``full``.
            CallEnded: The call ended first.
        """
        if self._has_completed():
            await trio.lowlevel.checkpoint()
            return None
        await self._line.require_call()
        position = await self._ask_position()
        return None if self._has_completed() else position

    def _has_completed(self) -> bool:
        return self._execution.completion is not None

    async def finished(self) -> R:
        """Wait until he waits no longer; he stays if the waiting is cancelled.

        Raises:
            CallEnded: The call ended first.
        """
        completion = await self._execution.completed()
        await self._line.wait_if_leaving()
        await self._clean_up()
        return self._result(self._execution, completion)

    async def leave(self) -> None:
        """Take him out of the queue, and wait until he is out of it; the call goes on.

        A break does not end it, so this presses a key that telephones do not have
        (``uuid_recv_dtmf``), which is one of his exit keys.

        Raises:
            NotPermitted: The dialplan line does not say ``async``; without ``full`` it only logs that he stays.
        """
        await self._execution.stop()
        await self._line.wait_if_leaving()
        await self._clean_up()

    async def finish_or_leave(self) -> R:
        """Wait until he waits no longer; if the waiting is cancelled, take him out."""
        try:
            return self._result(self._execution, await self._line.finish(self._execution))
        finally:
            await self._clean_up()

    async def _clean_up(self) -> None:
        """Unset what would be taken for the next queue's."""
        if not self._is_clean:
            self._is_clean = True
            await self._carried.undo(self._line)


async def wait_in_queue(
    line: Line,
    commands: Sequence[Execute],
    name: str,
    result: Callable[[Execution, Event], R],
    ask_position: Callable[[], Awaitable[int | None]],
    carried: Carried,
) -> QueuePlace[R]:
    """Put a caller into a queue.

    Args:
        line: The call's state.
        commands: What is run, in one write; the last of them puts him there.
        name: The queue.
        result: What its completion tells.
        ask_position: How his place is asked for.
        carried: Its variables, which are not to outlive the wait.
    """
    *_, execution = await line.start(commands)
    return QueuePlace(line, execution, name, result, ask_position, carried)


def check_exit_keys(keys: str) -> str:
    """The keys that end a wait, and the one by which we do; it is the last."""
    if LEAVE_KEY in check_digits(keys, "exit_keys"):
        raise LocalProtocolError(f"exit_keys is {keys!r}, and {LEAVE_KEY} is taken for leaving by our own doing")
    return keys + LEAVE_KEY
