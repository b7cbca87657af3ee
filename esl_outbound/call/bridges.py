"""A bridge while it rings and while they talk."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, final

import trio

from ..arguments.checks import check_word
from ..arguments.dial_strings import WrittenLeg
from ..arguments.numbers import timestamp
from ..protocol import Event, HangupCause, hangup_cause
from .bridge_results import (
    BridgeResult,
    HungUpBy,
    Told,
    answered_variable,
    other_leg_in,
    seconds_between,
    sequence,
)
from .execution import STOP_SECONDS, Execution, Stage
from .stopping import end_other_leg
from .variable_commands import ask_for_variable

if TYPE_CHECKING:
    from .line import Line

__all__ = ["Bridge"]

_EVENTS: Final = frozenset(
    {
        *(b"CHANNEL_ANSWER", b"CHANNEL_BRIDGE", b"CHANNEL_UNBRIDGE", b"CHANNEL_EXECUTE_COMPLETE", b"CHANNEL_HANGUP"),
        *(b"CHANNEL_PROGRESS", b"CHANNEL_PROGRESS_MEDIA"),
    }
)
# No event tells a caller who is answered already that somebody answers whom he hears already.
_LOOK_AGAIN_SECONDS: Final = 0.25


@final
class Bridge:
    """Somebody who is called, or talked to, while the handler goes on: ``bridge = await self.start_bridge(...)``.

    What is executed meanwhile runs nested: a ``playback`` is heard by the caller,
    and digits that the caller presses arrive in ``self.digits`` (and are heard by the other leg).
    """

    __slots__ = (
        "_answer",
        "_connect",
        "_connects_early",
        "_execution",
        "_hangup",
        "_has_ended",
        "_is_marked",
        "_last",
        "_line",
        "_news",
        "_ringing",
        "_stopped_by_us",
        "_unbridge",
        "_was_our_hangup",
        "_written",
    )

    def __init__(self, line: Line, written: tuple[WrittenLeg, ...], *, connects_early: bool, is_marked: bool) -> None:
        self._line = line
        self._written = written
        self._connects_early = connects_early
        self._is_marked = is_marked
        self._execution: Execution | None = None
        self._news: trio.Event | None = None
        self._stopped_by_us = False
        self._was_our_hangup = False
        self._has_ended = False
        self._answer: Event | None = None
        self._connect: Event | None = None
        self._unbridge: Event | None = None
        self._hangup: Event | None = None
        self._last: Event | None = None
        self._ringing: Event | None = None

    def __repr__(self) -> str:
        state = "over" if self.is_over else "talking" if self.is_connected else "ringing"
        return f"<Bridge to {', '.join(str(leg.destination) for leg in self._written)}, {state}>"

    @property
    def is_over(self) -> bool:
        """Whether it has ended, in whatever way."""
        return self._has_ended or self._running.stage >= Stage.COMPLETED

    @property
    def is_connected(self) -> bool:
        """Whether the caller and somebody are connected now."""
        return self._connect is not None and self._unbridge is None and not self.is_over

    @property
    def other_leg(self) -> str | None:
        """The UUID of the channel that the caller is connected to, or else of the only one that is called.

        None while several ring. Of ``user/...`` and ``group/...``, which may be several, it is known a moment after the
        ringing begins, if FreeSWITCH tells of the caller's channel then.
        """
        if self._connect is not None:
            return self._connect.get("Bridge-B-Unique-ID") or None
        if len(self._written) > 1:
            return None
        if self._written[0].channel_uuid:
            return self._written[0].channel_uuid
        called = [] if self._ringing is None else Told(self._written, self._ringing.variables).called
        return called[0] if len(called) == 1 else None

    async def connected(self) -> bool:
        """Wait until somebody is connected, or nobody will be.

        Returns:
            Whether somebody is; with ``EarlyMedia.CONNECTS`` that may be before the answer.

        Raises:
            CallEnded: The call ended first.
        """
        await trio.lowlevel.checkpoint()
        while self._connect is None and not self.is_over:
            await self._changed()
        await self._check()
        return self._connect is not None

    async def answered(self) -> bool:
        """Wait until somebody has answered, or nobody will.

        Returns:
            Whether somebody has.

        Raises:
            CallEnded: The call ended first.
        """
        connected = await self.connected()
        while connected and self._answer_moment() is None:
            if await self._is_told_of_answer():
                return True
            if self.is_over:
                return False
            with trio.move_on_after(_LOOK_AGAIN_SECONDS):
                await self._changed()
        return connected

    async def finished(self) -> BridgeResult:
        """Wait for its end; it goes on if the waiting is cancelled.

        Raises:
            CallHungUp: The call ended, and not only the other leg; ``result`` tells what was known then.
            CallEnded: The call ended in another way.
        """
        await self._running.completed()
        await self._line.wait_if_leaving()
        return self._evaluate()

    @property
    def result(self) -> BridgeResult | None:
        """What became of it, as far as FreeSWITCH has said; None while it goes on.

        After the caller's own hangup this is the only account of it.
        """
        return self._evaluate() if self.is_over else None

    async def hang_up_other_leg(self, cause: HangupCause | str = HangupCause.NORMAL_CLEARING) -> None:
        """End it for whoever is called or talked to, and wait until it is over; the caller stays.

        Runs ``uuid_kill`` on the other leg, or on all that ring; those whose turn
        comes next are hung up as well. Without ``full`` it is ``sendmsg`` with ``hangup``.

        Args:
            cause: Why. While it rings this becomes the result's cause.

        Raises:
            LocalProtocolError: It cannot be a cause; nothing was sent.
            NotPermitted: The dialplan line does not say ``async``.
            CallEnded: The call is over.
        """
        check_word(cause, "cause")
        line = self._line
        await line.require_call()
        await line.require_async("hanging up the other leg")
        self._stopped_by_us = not self.is_over
        await self._running.started()
        with trio.move_on_after(STOP_SECONDS):
            await end_other_leg(line, self._running, cause)

    async def stop(self) -> None:
        """End it as a cancelled ``bridge()`` does: hang the other leg up, and wait until it is over.

        Raises:
            NotPermitted: The dialplan line does not say ``async``.
        """
        await self._running.stop()

    # For whoever starts it, and for the reader

    @property
    def ends_the_call(self) -> bool:
        """Whether a hangup that comes now is its doing: they talk no more, and it has not gone on to its end.

        Without ``continue_on_fail``, or with ``hangup_after_bridge`` (switch_ivr_multi_threaded_bridge()).
        """
        return self._unbridge is not None and not self.is_over

    @property
    def _running(self) -> Execution:
        assert self._execution is not None
        return self._execution

    def runs_as(self, execution: Execution) -> None:
        """It was sent."""
        self._execution = execution

    async def finish_or_stop(self) -> BridgeResult:
        """Wait for its end; if the waiting is cancelled, end it."""
        await self._line.finish(self._running)
        return self._evaluate()

    def offer(self, event: Event) -> None:
        """Take in an event, if it tells what becomes of this."""
        name = event.raw_name
        execution = self._execution
        if name not in _EVENTS or self._has_ended or execution is None or execution.stage < Stage.STARTED:
            return
        if event.get("Unique-ID") != self._line.channel_uuid:
            return
        match name:
            case b"CHANNEL_ANSWER":
                self._answer = event if self._answer is None else self._answer
            case b"CHANNEL_BRIDGE" if event.get("Bridge-A-Unique-ID") == self._line.channel_uuid:
                self._connect = event if self._connect is None else self._connect
            case b"CHANNEL_UNBRIDGE":
                if self._connect is not None and other_leg_in(event) == other_leg_in(self._connect):
                    self._unbridge = event
            case b"CHANNEL_HANGUP":
                self._hangup = event
                self._was_our_hangup = self._line.hangup_was_asked
            case b"CHANNEL_EXECUTE_COMPLETE" if event.get("Application-UUID") == execution.application_uuid:
                self._has_ended = True
            case b"CHANNEL_EXECUTE_COMPLETE" | b"CHANNEL_PROGRESS" | b"CHANNEL_PROGRESS_MEDIA":
                self._ringing = event  # which shows who is called so far
                return
        self._last = event
        self.wake()

    def wake(self) -> None:
        """Let whoever waits look again."""
        if self._news is not None:
            self._news.set()
            self._news = None

    async def _changed(self) -> None:
        if self._news is None:
            self._news = trio.Event()
        await self._news.wait()

    async def _is_told_of_answer(self) -> bool:
        """Whether a leg has told the caller's channel of its answer."""
        if self._is_marked:
            for number in range(len(self._written)):
                if await ask_for_variable(self._line, answered_variable(number)):
                    return True
        return False

    async def _check(self) -> None:
        if self._connect is None and self._running.stage is Stage.FAILED:
            await self._running.completed()  # which says why it never will

    # The account of it

    def _evaluate(self) -> BridgeResult:
        # The completion may come after the hangup, or not at all.
        completion = self._running.completion
        last = self._last if completion is None else completion
        told = self._told(last)
        channel_uuid = self._connected_to(told)
        number = told.number_of(channel_uuid)
        answered = channel_uuid is not None and self._was_answered(told, number)
        ring, talk = self._seconds(last, answered=answered, connected=channel_uuid is not None)
        return BridgeResult(
            answered,
            None if number is None else self._written[number].destination,
            channel_uuid,
            (told.get("bridge_channel") or None) if channel_uuid else None,
            told.end_cause if channel_uuid else told.failure,
            told.legs(channel_uuid),
            ring,
            talk,
            self._hung_up_by(told, connected=channel_uuid is not None),
            told.sip_status,
        )

    def _told(self, event: Event | None) -> Told:
        """What an event tells of it."""
        connect = self._connect
        return Told(
            self._written, None if event is None else event.variables, None if connect is None else connect.variables
        )

    def _connected_to(self, told: Told) -> str | None:
        if self._connect is not None:
            return other_leg_in(self._connect) or None
        return told.get("last_bridge_to") or None

    def _was_answered(self, told: Told, number: int | None) -> bool:
        numbers = range(len(self._written)) if number is None else [number]
        if any(told.get(answered_variable(each)) for each in numbers):
            return True
        if self._is_marked and self._last is not self._connect:
            return False
        # Nobody has told us, or not yet: an answer it was, unless early media connects.
        return not self._connects_early or self._answer_moment() is not None

    def _answer_moment(self) -> int | None:
        """When the answer came, in microseconds of FreeSWITCH's clock, if it is known."""
        connect = self._connect
        if connect is None:
            return None
        if not self._connects_early or connect.get("Other-Leg-Channel-Answered-Time", "0") != "0":
            return timestamp(connect)
        # A caller who was not answered is so when the callee answers (switch_ivr_multi_threaded_bridge()).
        return None if self._answer is None else timestamp(self._answer)

    def _seconds(self, last: Event | None, *, answered: bool, connected: bool) -> tuple[float | None, float | None]:
        """How long it rang, and how long they talked."""
        began = self._running.began
        ends = [event for event in (self._unbridge, self._hangup, last) if event is not None]
        start = None if began is None else timestamp(began)
        over = timestamp(ends[0]) if ends else None
        if not answered:
            return seconds_between(start, over), 0.0
        moment = self._answer_moment() if connected else None
        return seconds_between(start, moment), seconds_between(moment, over)

    def _hung_up_by(self, told: Told, *, connected: bool) -> HungUpBy | None:
        if self._hangup is not None and not self._was_over_first(self._hangup):
            if self._was_our_hangup:
                return HungUpBy.HANDLER
            failed = told.failure is not None and told.failure != HangupCause.ORIGINATOR_CANCEL
            if not connected and failed and hangup_cause(self._hangup.get("Hangup-Cause")) == told.failure:
                return None  # nobody hung up: without continue_on_fail a failure ends the call
            return HungUpBy.CALLER
        if self._stopped_by_us or self._running.was_stopped:
            return HungUpBy.HANDLER
        if not connected:
            return None
        return HungUpBy.CALLEE if told.end_cause else None

    def _was_over_first(self, hangup: Event) -> bool:
        """Whether they talked no more when the call ended."""
        if self._unbridge is not None and sequence(self._unbridge) < sequence(hangup):
            return True
        # In the same instant, while our leg had not seen it: the other leg's hangup has left its cause with ours.
        return self._connect is not None and self._told(hangup).end_cause is not None
