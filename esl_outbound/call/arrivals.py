"""What FreeSWITCH sends of one call, and what it changes: the reader's part.

All of it is synchronous: state is written, waiters are woken, nothing of a user's is called.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Final

from ..errors import Progress, TooManyDigits, UnknownApplication
from ..log_lines import log_to_logger
from ..protocol import (
    Command,
    ConnectReply,
    DisconnectNotice,
    Event,
    Exchange,
    Execute,
    Hangup,
    HangupCause,
    LogLine,
    Message,
    hangup_cause,
)
from ..protocol.headers import decode, peek, url_decode
from .channel import Channel
from .endings import (
    ANSWER_STATE,
    goes_elsewhere,
    is_hung_up_by,
    is_our_doing,
    may_leave,
    takes_away,
    unknown_application,
)
from .execution import Execution
from .record import Ending
from .state import State

__all__ = ["Arrivals"]

_log: Final = logging.getLogger("esl_outbound.call")

_SOCKET_APPLICATION: Final = b"\nApplication: socket\n"
_HANGUP_CAUSE: Final = b"\nHangup-Cause: "
_BRIDGE_LEGS: Final = (b"\nBridge-B-Unique-ID: ", b"\nBridge-A-Unique-ID: ")


class Arrivals(State):
    """A call's state, written by what arrives."""

    __slots__ = ()

    def answered(self, exchange: Exchange) -> None:
        """The first ``connect`` was answered."""
        reply = exchange.reply
        if isinstance(reply, ConnectReply):
            self._channel = Channel(reply)
            block = reply.headers.block
            if peek(block, ANSWER_STATE) == b"hangup":
                # The caller did not wait for us; his CHANNEL_HANGUP was fired before our subscription.
                self.hangup_cause = hangup_cause(decode(peek(block, _HANGUP_CAUSE) or b""))
                self._end(Ending.HUNG_UP, own=False)
        elif reply is not None:
            self.refusal = reply.text
        self._arrived.set()

    def receive(self, message: Message) -> None:
        """Take in whatever is no reply to a command of ours."""
        if type(message) is Event:
            route = _ROUTES.get(message.raw_name)
            if route is not None and self._channel is not None:
                route(self, message, message.block, self._channel)
            for observer in self._observers:
                observer.offer(message)
        elif type(message) is DisconnectNotice:
            self.notice.set()
        elif type(message) is LogLine:
            if self.logged_level is not None and message.level <= self.logged_level:
                log_to_logger(message, f"channel {self.channel_uuid}")
            for lines in self.log_readers:
                lines.offer(message)

    def last_words(self) -> Sequence[Command]:
        """Hang up before a connection is closed on which nothing can be understood any more.

        Within the first moments of a call, closing alone would leave the caller parked for ever.
        """
        return (Hangup(HangupCause.NORMAL_TEMPORARY_FAILURE),) if self.ending is None else ()

    def connection_ended(self, reason: BaseException | None) -> None:
        """The connection ended."""
        self._reason = reason
        if self._channel is not None and self.ending is None:
            if self._leaving:
                self._end(Ending.TRANSFERRED, own=True)
            elif self.notice.is_set():
                # FreeSWITCH closes in order when the channel has ended; without `full` there is no linger, and an
                # unanswered call may end without CHANNEL_HANGUP.
                self._end(Ending.HUNG_UP, own=self._hangup_asked)
            else:
                self._end(Ending.CONNECTION_LOST, own=False)
        self._arrived.set()
        self.notice.set()
        self.final_word.set()
        self._jobs.lose(lambda _job: self.end_error(Progress.ANSWERED))
        self._executions.clear()
        self._wake_readers()

    def give_up(self, reason: BaseException) -> None:
        """FreeSWITCH does not do what it was told; what becomes of the call is not known."""
        self._reason = reason
        self._end(Ending.CONNECTION_LOST, own=False)

    def _seen(self, event: Event, block: bytes, channel: Channel) -> None:
        channel.noted(event, block)

    def _parked(self, event: Event, block: bytes, channel: Channel) -> None:
        if channel.noted(event, block) and channel.is_new(block) and self.ending is None:
            self.safe_to_leave = True

    def _execute_came(self, event: Event, block: bytes, channel: Channel) -> None:
        channel.noted(event, block)
        execution = self._executions.of(block)
        if execution is not None:
            self.safe_to_leave = True
            self._look_for_leaving(execution)
            if channel.is_async and len(self._executions) > 1:
                self._executions.look_for_skipped(execution)
            execution.execute_came(event)

    def _look_for_leaving(self, running: Execution) -> None:
        """What takes the call away does so at its end, and may be talked through until then (``att_xfer``)."""
        if takes_away(running.command):
            self._leaving = True
        elif self._leaving and not self._asked_away:
            self._leaving = any(takes_away(execution.command) for execution in self._executions)

    def _look_whether_gone(self, command: Execute, block: bytes) -> None:
        """What takes calls away may have found nowhere to take this one."""
        if is_hung_up_by(command, block):
            self._hangup_asked = True
        if may_leave(command) and not self._asked_away:
            self._leaving = goes_elsewhere(command, block)

    def _complete_came(self, event: Event, block: bytes, channel: Channel) -> None:
        owned = channel.noted(event, block)
        execution = self._executions.of(block)
        if execution is not None:
            self.safe_to_leave = True
            if channel.is_async and len(self._executions) > 1:
                self._executions.look_for_skipped(execution)
            if execution.complete_came(event):
                self.forget(execution)
                self._look_whether_gone(execution.command, block)
        elif owned and block.rfind(_SOCKET_APPLICATION) >= 0 and channel.is_new(block):
            if peek(block, ANSWER_STATE) == b"hangup":
                self._hung_up(event, block, channel)  # CHANNEL_HANGUP was fired before our subscription
            else:
                # Without a CHANNEL_HANGUP before it, the call is in other hands now.
                self._end(Ending.TRANSFERRED, own=self._leaving)

    def _hung_up(self, event: Event, block: bytes, channel: Channel) -> None:
        if not channel.noted(event, block):
            return
        raw = peek(block, _HANGUP_CAUSE)
        if raw is not None and self.hangup_cause is None:
            self.hangup_cause = hangup_cause(decode(raw))
        if self.ending is None:
            self._end(Ending.HUNG_UP, own=self._hangup_is_our_doing(block))

    def _hung_up_for_good(self, event: Event, block: bytes, channel: Channel) -> None:
        if channel.owns(block):
            self._hung_up(event, block, channel)
            self.hangup_complete = event
            self.final_word.set()

    def _hangup_is_our_doing(self, block: bytes) -> bool:
        if self._hangup_asked or self._leaving:
            return True
        unknown = unknown_application(self._executions, self.hangup_cause, block)
        if unknown is not None:
            command = unknown.command
            _log.warning("channel %s: there is no application %s", self.channel_uuid, command.application)
            unknown.fail(lambda: UnknownApplication(command.application, command.argument))
        bridge = self.last_bridge
        if bridge is not None and bridge.ends_the_call:
            return True
        return is_our_doing(self._executions, self.hangup_cause, block)

    def _bridged(self, event: Event, block: bytes, channel: Channel) -> None:
        if channel.noted(event, block):
            legs = [decode(peek(block, name) or b"") for name in _BRIDGE_LEGS]
            self.other_leg = next((leg for leg in legs if leg != channel.uuid), "")

    def _unbridged(self, event: Event, block: bytes, channel: Channel) -> None:
        if channel.noted(event, block):
            self.other_leg = ""

    def _digit_came(self, _event: Event, block: bytes, channel: Channel) -> None:
        if not channel.owns(block):
            return
        try:
            for digit in url_decode(peek(block, b"\nDTMF-Digit: ") or b""):
                self.digits.add(digit)
        except TooManyDigits as exc:
            if self.failure is None:
                self.failure = exc
                self.run_scope.cancel()
                self._on_end()

    def _job_finished(self, event: Event, _block: bytes, _channel: Channel) -> None:
        self._jobs.event_came(event)


_ROUTES: Final[dict[bytes, Callable[[Arrivals, Event, bytes, Channel], None]]] = {
    b"CHANNEL_EXECUTE": Arrivals._execute_came,
    b"CHANNEL_EXECUTE_COMPLETE": Arrivals._complete_came,
    b"CHANNEL_HANGUP": Arrivals._hung_up,
    b"CHANNEL_HANGUP_COMPLETE": Arrivals._hung_up_for_good,
    b"CHANNEL_PARK": Arrivals._parked,
    b"CHANNEL_BRIDGE": Arrivals._bridged,
    b"CHANNEL_UNBRIDGE": Arrivals._unbridged,
    b"DTMF": Arrivals._digit_came,
    b"BACKGROUND_JOB": Arrivals._job_finished,
    # These only tell what the channel is like now.
    b"CHANNEL_ANSWER": Arrivals._seen,
    b"CHANNEL_HOLD": Arrivals._seen,
    b"CHANNEL_PROGRESS": Arrivals._seen,
    b"CHANNEL_PROGRESS_MEDIA": Arrivals._seen,
    b"CHANNEL_STATE": Arrivals._seen,
    b"CHANNEL_UNHOLD": Arrivals._seen,
    b"CHANNEL_UNPARK": Arrivals._seen,
}
