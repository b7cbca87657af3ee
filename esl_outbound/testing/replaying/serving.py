"""A handler, served what was recorded."""

from __future__ import annotations

import os
from typing import Final, final

import attrs
import trio

from ...call import Ending
from ...conduct import Outcome
from ...errors import EslOutboundError
from ...handler import HandlerSource
from ...server import conduct_stream
from ..failures import HandlerFailed, without_our_frames
from ..memory import connected_pair
from ..recordings import Recording
from .player import Player
from .telling import ReplayDiverged, conversation_shown

__all__ = ["LIMIT_SECONDS", "Replayed", "replay"]

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
    fails_if_handler_does: bool = True,
) -> Replayed:
    """Play a recorded conversation back against a handler.

    The handler is served on a connection in memory, and gets what FreeSWITCH said then: each reply when it says the
    command, each event as long after the command before it as in the recording. A ``.raw`` file does not know the
    commands: there, the handler's n-th command gets the n-th reply, and events come at the intervals of their time
    stamps. All of it is on trio's clock, so that with a ``MockClock`` an hour's call takes a moment.

    Args:
        recording: The recording, or its path.
        handler: What ``serve`` takes.
        limit_seconds: How much longer than was recorded the handler may take for its next command, and to end.
        fails_if_handler_does: Whether a handler that raises fails the replay, even one that said what was recorded.

    Returns:
        How the handler ended, and what it said.

    Raises:
        ReplayDiverged: The handler said something else than was recorded, or nothing more, or did not end.
        HandlerFailed: It said what was recorded, but raised something, which is the cause of this.
        NotARecording: The file is no recording, or not one of a call.
        TypeError: ``handler`` makes no handlers.
    """
    __tracebackhide__ = True
    if not isinstance(recording, Recording):
        recording = Recording.load(recording)
    ours, theirs = connected_pair()
    player = Player(recording, theirs, limit_seconds)
    begun = trio.current_time()
    diverged: ReplayDiverged | None = None
    refusal: Exception | None = None
    outcome: Outcome | None = None
    serving = trio.CancelScope()

    async def play() -> None:
        nonlocal diverged
        try:
            await player.run()
        except ReplayDiverged as exc:
            diverged = exc
        finally:
            theirs.close()
            serving.deadline = trio.current_time() + limit_seconds

    async with trio.open_nursery() as nursery:
        nursery.start_soon(play)
        with serving:
            try:
                outcome = await conduct_stream(handler, ours)
            except (TypeError, EslOutboundError) as exc:
                refusal = exc
                ours.close()
    if refusal is not None:
        raise refusal
    if serving.cancel_called and diverged is None:
        diverged = player.divergence("the handler ends", f"it goes on for {limit_seconds:g} s more")
    fault = without_our_frames(outcome.fault or outcome.hook_fault) if outcome is not None else None
    if diverged is not None:
        raise diverged.with_traceback(None) from fault  # where it was noticed tells nobody anything
    if fault is not None and fails_if_handler_does:
        expected = f"the handler was to do what was recorded in {recording.path}"
        raise HandlerFailed(expected, f"it raised {fault!r}", conversation_shown(player.conversation)) from fault
    assert outcome is not None
    return Replayed(
        outcome.ending,
        str(outcome.hangup_cause) if outcome.hangup_cause is not None else None,
        outcome.fault,
        player.commands,
        trio.current_time() - begun,
    )
