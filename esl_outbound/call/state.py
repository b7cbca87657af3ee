"""What is known of one call, and who is to be told of it: the ground that its reader and its methods stand on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import trio

from ..errors import CallEnded, CallHungUp, CallReleased, CallTransferred, ConnectionLost, Progress, TooManyDigits
from ..jobs import Jobs
from ..link import Link
from ..log_lines import LogLines
from ..protocol import Event, EventFormat, HangupCause, NixEvent, Subscribe
from ..protocol.headers import peek_last, url_decode
from .channel import Channel
from .digits import Digits
from .execution import Execution
from .executions import Executions
from .observing import Asked, EventStream, Observer, Wanted, wanted_events
from .record import Ending

if TYPE_CHECKING:
    from .bridges import Bridge
    from .recorded import Recording

__all__ = ["State"]

_APPLICATION_RESPONSE: Final = b"\nApplication-Response: "


class State:
    """A call's state.

    Args:
        link: The call's connection.
        wind_down_seconds: How long ``run()`` may go on after an end.
        on_end: Told once, synchronously, that control of the call has ended.
        take_in: Gives the call to one more handler.
    """

    __slots__ = (
        "_arrived",
        "_asked",
        "_asked_away",
        "_channel",
        "_executions",
        "_hangup_asked",
        "_jobs",
        "_leaving",
        "_link",
        "_log_told",
        "_observers",
        "_on_end",
        "_reason",
        "audio_was_given",
        "digits",
        "diversions",
        "ended",
        "ended_at",
        "ending",
        "event_format",
        "failure",
        "final_word",
        "hangup_cause",
        "hangup_complete",
        "last_bridge",
        "least_linger_seconds",
        "linger_seconds",
        "log_readers",
        "logged_level",
        "notice",
        "other_leg",
        "recordings",
        "refusal",
        "run_scope",
        "safe_to_leave",
        "started_at",
        "take_in",
        "wind_down_seconds",
    )

    def __init__(
        self,
        link: Link,
        *,
        wind_down_seconds: float,
        on_end: Callable[[], None],
        take_in: Callable[[object], Awaitable[None]],
    ) -> None:
        self._link = link
        self._on_end = on_end
        self.take_in: Final = take_in
        """Give the call to one more handler, whose hooks are to run too."""
        self.wind_down_seconds = wind_down_seconds
        self.run_scope = trio.CancelScope()
        self.started_at = trio.current_time()

        self._arrived = trio.Event()
        self._channel: Channel | None = None
        self.refusal = ""
        """What a peer said to ``connect`` that gives no call."""

        self._executions = Executions()
        self._jobs = Jobs()
        self._observers: list[Observer] = []
        self.digits = Digits(self.end_error)
        self.diversions = 0
        """How many of our observers need what FreeSWITCH queues to the session (``divert_events``)."""
        self.event_format = EventFormat.PLAIN
        """The format that events were asked for last; one connection has one."""
        self._asked: Asked | None = None

        self.logged_level: int | None = None
        """Of which level log lines go to the logger ``esl_outbound.freeswitch``; None if none do."""
        self.log_readers: list[LogLines] = []
        self._log_told: int | None = None
        """The level that FreeSWITCH was told; None if it sends no log lines."""

        self._hangup_asked = False
        self._leaving = False
        self._asked_away = False
        self.linger_seconds = 0
        """How long FreeSWITCH was told to keep the socket after the hangup."""
        self.least_linger_seconds = 0
        """How long the hooks need it."""
        self.notice = trio.Event()
        """Set once FreeSWITCH has said that the channel is down, or the connection has ended."""
        self.other_leg = ""
        """The UUID of the channel that the caller talks to; empty if there is none."""
        self.last_bridge: Bridge | None = None
        """The bridge that was begun last, for whoever asks after the end."""
        self.recordings: list[Recording] = []
        """All that was recorded, for whoever asks after the end."""
        self.audio_was_given = False
        """Whether this call's audio came to us once; a second time it would not."""
        self._reason: BaseException | None = None
        self.safe_to_leave = False
        """Whether the connection can be closed without leaving the caller parked for ever."""
        self.ending: Ending | None = None
        self.ended = trio.Event()
        self.ended_at = 0.0
        self.final_word = trio.Event()
        """Set once CHANNEL_HANGUP_COMPLETE has come, or will not come any more."""
        self.hangup_cause: HangupCause | str | None = None
        self.hangup_complete: Event | None = None
        self.failure: TooManyDigits | None = None
        """What the reader found that shall end the call as a fault of its handler's."""

    # What is known

    @property
    def has_arrived(self) -> bool:
        """Whether FreeSWITCH has told which call this is."""
        return self._channel is not None

    @property
    def channel(self) -> Channel:
        """What is known of the channel."""
        assert self._channel is not None  # a handler gets its call after that
        return self._channel

    @property
    def channel_uuid(self) -> str:
        """The channel's UUID; empty before it is known."""
        return "" if self._channel is None else self._channel.uuid

    @property
    def is_async(self) -> bool:
        """Whether the dialplan line says ``async``."""
        return self.channel.is_async

    @property
    def is_full(self) -> bool:
        """Whether the dialplan line says ``full``."""
        return self.channel.is_full

    @property
    def hangup_was_asked(self) -> bool:
        """Whether we have told FreeSWITCH to hang up."""
        return self._hangup_asked

    def response_to(self, completion: Event) -> str:
        """``Application-Response`` of a CHANNEL_EXECUTE_COMPLETE: what the application says of itself."""
        return url_decode(peek_last(completion.block, _APPLICATION_RESPONSE) or b"")

    def end_error(self, progress: Progress | None = None) -> CallEnded | None:
        """The exception that says how the call ended, anew each time; None while it is up.

        Args:
            progress: How far the command had come that it is for, if the connection was lost.
        """
        match self.ending:
            case None:
                return None
            case Ending.HUNG_UP:
                return CallHungUp(self.hangup_cause)
            case Ending.TRANSFERRED:
                return CallTransferred()
            case Ending.LEFT_TO_DIALPLAN:
                return CallReleased()
            case Ending.CONNECTION_LOST:
                error = ConnectionLost(progress=progress)
                error.__cause__ = self._reason
                return error

    def _must_have_ended(self, progress: Progress | None = None) -> CallEnded:
        error = self.end_error(progress)
        assert error is not None
        return error

    # Who is told

    @contextmanager
    def observed(self, *names: str) -> Iterator[EventStream]:
        """Keep the events of some names that come from now on; a subscription is the caller's."""
        with self.observing(wanted_events(names)) as stream:
            yield stream

    @contextmanager
    def observing(self, wanted: Wanted) -> Iterator[EventStream]:
        """Keep the events that are wanted and come from now on."""
        stream = EventStream(wanted, self.end_error)
        self.watch(stream)
        try:
            yield stream
        finally:
            self.unwatch(stream)

    def watch(self, observer: Observer) -> None:
        """Show an observer every event from now on."""
        self._observers.append(observer)

    @property
    def is_observed(self) -> bool:
        """Whether anybody is shown events."""
        return bool(self._observers)

    def note_subscription(self, command: Subscribe | NixEvent) -> None:
        """FreeSWITCH was asked for more events, or for less."""
        if self._asked is None:
            self._asked = Asked()
        self._asked.note(command)
        if isinstance(command, Subscribe):
            self.event_format = command.format

    def unwatch(self, observer: Observer) -> None:
        """Show it no more events; nothing if it is not shown any. Not while it is being shown one."""
        if observer in self._observers:
            self._observers.remove(observer)

    def forget(self, execution: Execution) -> None:
        """Expect no more events of an execution."""
        self._executions.forget(execution)

    @property
    def wanted_log_level(self) -> int | None:
        """The most verbose of the levels that somebody wants log lines of; None if nobody does."""
        levels = [lines.level for lines in self.log_readers]
        if self.logged_level is not None:
            levels.append(self.logged_level)
        return max(levels, default=None)

    # The end

    def _end(self, ending: Ending, *, own: bool) -> None:
        """Control of the call has ended: record it, cancel ``run()``, wake whoever waits, in this order."""
        if self.ending is not None:
            return
        self.ending = ending
        self.ended_at = trio.current_time()
        if own:
            self.run_scope.deadline = min(self.run_scope.deadline, self.ended_at + self.wind_down_seconds)
        else:
            self.run_scope.cancel()
        self._executions.fail(self._must_have_ended)
        self.ended.set()
        self._wake_readers()
        self._on_end()

    def _wake_readers(self) -> None:
        self.digits.wake()
        for observer in self._observers:
            observer.wake()
        for lines in self.log_readers:
            lines.wake()
