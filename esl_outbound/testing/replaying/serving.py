"""A handler, served what was recorded."""

from __future__ import annotations

import os
from typing import Final, final

import attrs
import trio
import trio.testing

from ...call import Ending
from ...conduct import Outcome
from ...errors import EslOutboundError
from ...handler import HandlerSource
from ...server import conduct_stream
from ..recordings import Recording
from .divergence import ReplayDiverged
from .player import Player

__all__ = ["Replayed", "replay"]

LIMIT_SECONDS: Final = 15.0
"""More than a handler has for its end: ``wind_down_seconds`` and ``after_hangup_seconds``, if it leaves them alone."""


@final
@attrs.frozen
class Replayed:
    """How a handler did in a recorded conversation."""

    ending: Ending | None
    """How the handler's control of the call ended."""
    hangup_cause: str | None
    """Why the channel was hung up; None if it was not."""
    fault: BaseException | None
    """What ``run()`` raised, if it was something else than the call's end."""
    commands: tuple[str, ...]
    """What the handler said, a line each."""
    seconds: float
    """How long it took, by trio's clock."""


async def replay(
    recording: Recording | str | os.PathLike[str],
    handler: HandlerSource,
    *,
    limit_seconds: float = LIMIT_SECONDS,
) -> Replayed:
    """Play a recorded conversation back against a handler.

    The handler is served on a connection in memory, and gets what FreeSWITCH
    said then: each reply when it says the command, each event as long after the command
    before it as in the recording. A ``.raw`` file does not know the commands: there, the handler's n-th command gets
    the n-th reply, and events come at the intervals of their time stamps. All of it is on trio's
    clock, so that with a ``MockClock`` an hour's call takes a moment.

    Args:
        recording: The recording, or its path.
        handler: What ``serve`` takes.
        limit_seconds: How much longer than was recorded the handler may take for its next command, and to end.

    Returns:
        How the handler ended, and what it said.

    Raises:
        ReplayDiverged: The handler said something else than was recorded, or nothing more, or did not end.
        NotARecording: The file is no recording, or not one of a call.
        TypeError: ``handler`` makes no handlers.
    """
    if not isinstance(recording, Recording):
        recording = Recording.load(recording)
    ours, theirs = trio.testing.memory_stream_pair()
    player = Player(recording, theirs, limit_seconds)
    begun = trio.current_time()
    ended = trio.Event()
    refused: list[Exception] = []
    outcomes: list[Outcome] = []

    async def serve() -> None:
        try:
            outcomes.append(await conduct_stream(handler, ours))
        except (TypeError, EslOutboundError) as exc:
            refused.append(exc)
            await ours.aclose()
        ended.set()

    diverged: ReplayDiverged | None = None
    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve)
        try:
            await player.run()
        except ReplayDiverged as exc:
            diverged = exc
        finally:
            await trio.aclose_forcefully(theirs)
        with trio.move_on_after(limit_seconds):
            await ended.wait()
        if not ended.is_set():
            diverged = diverged or player.divergence("the handler ends", f"it goes on for {limit_seconds:g} s more")
            nursery.cancel_scope.cancel()
    if refused:
        raise refused[0]
    outcome = outcomes[0] if outcomes else None
    fault = outcome.fault if outcome is not None else None
    if diverged is not None:
        raise diverged from fault
    return Replayed(
        outcome.ending if outcome is not None else None,
        str(outcome.hangup_cause) if outcome is not None and outcome.hangup_cause is not None else None,
        fault,
        player.commands,
        trio.current_time() - begun,
    )
