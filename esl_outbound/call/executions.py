"""The applications that are queued or run on a channel, by the key that their events bear."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final, final

import trio

from ..errors import EslOutboundError, ExecutionLost, LocalProtocolError, Progress
from ..protocol import Execute
from ..protocol.headers import url_decode, url_encode
from .execution import Execution, Stage

__all__ = ["Executions"]

_APPLICATION_UUID: Final = b"\nApplication-UUID: "
# Events are dispatched some 20 ms after they were fired.
_REORDERED_SECONDS: Final = 1.0


@final
class Executions:
    """What of ours is queued or runs, in the order in which it was sent."""

    __slots__ = ("_number", "_prefix", "_unfinished")

    def __init__(self) -> None:
        # A random UUID whose last part counts the executions: uuid4() for each would be a system call for each.
        bits = f"{random.getrandbits(72):018x}"
        self._prefix: Final = f"{bits[:8]}-{bits[8:12]}-4{bits[12:15]}-8{bits[15:]}-"
        self._number = 0
        self._unfinished: dict[bytes, Execution] = {}

    def __len__(self) -> int:
        return len(self._unfinished)

    def __iter__(self) -> Iterator[Execution]:
        return iter(self._unfinished.values())

    def command(
        self,
        application: str,
        argument: str = "",
        *,
        loops: int = 1,
        event_lock: bool = False,
        event_uuid: str = "",
        headers: tuple[tuple[str, str], ...] = (),
    ) -> Execute:
        """The command that runs an application, with an ``Event-UUID`` of ours."""
        if not event_uuid:
            self._number += 1
            event_uuid = f"{self._prefix}{self._number:012x}"
        return Execute(application, argument, event_uuid, "", loops, event_lock, False, "", headers)

    def key(self, event_uuid: str) -> bytes:
        """An Event-UUID in the form in which it comes back; one of a user's own may be any text.

        Raises:
            LocalProtocolError: It is no text, or in use.
        """
        if event_uuid.startswith(self._prefix):
            return event_uuid.encode()
        try:
            key = url_encode(event_uuid)
        except UnicodeEncodeError as exc:
            raise LocalProtocolError(f"{event_uuid!r} is no text") from exc
        if key in self._unfinished:
            raise LocalProtocolError(f"an execution with the Event-UUID {event_uuid!r} is running")
        return key

    def add(self, execution: Execution) -> None:
        """Expect events of an execution."""
        self._unfinished[execution.key] = execution

    def forget(self, execution: Execution) -> None:
        """Expect no more events of an execution."""
        self._unfinished.pop(execution.key, None)

    def clear(self) -> None:
        """Expect no more events at all."""
        self._unfinished.clear()

    # For the reader

    def of(self, block: bytes) -> Execution | None:
        """The one that an event is about, if it is one of ours."""
        if not self._unfinished:
            return None
        at = block.rfind(_APPLICATION_UUID) + len(_APPLICATION_UUID)
        raw = block[at : block.find(b"\n", at)]
        execution = self._unfinished.get(raw)
        if execution is None and b"%" in raw:
            # The lines of a JSON event have every % encoded, those of a plain one only some.
            execution = self._unfinished.get(url_encode(url_decode(raw)))
        return execution

    def look_for_skipped(self, running: Execution) -> None:
        """What was queued before an execution that runs, and does not start, was thrown away (``break all``).

        Not at once: events of the same moment may come in another order than they were fired in.
        """
        now = trio.current_time()
        for execution in list(self._unfinished.values()):
            if execution is running:
                return
            if execution.stage >= Stage.STARTED or execution.command.headers:
                continue
            if execution.skipped_at is None:
                execution.skipped_at = now
            elif now - execution.skipped_at > _REORDERED_SECONDS:
                self.forget(execution)
                execution.fail(partial(ExecutionLost, execution.command.application, execution.command.argument))

    def fail(self, error: Callable[[Progress], EslOutboundError]) -> None:
        """None of them will be told of as completed; how far each had come is said."""
        for execution in self._unfinished.values():
            execution.fail(partial(error, Progress.SENT if execution.stage is Stage.SENT else Progress.ANSWERED))
