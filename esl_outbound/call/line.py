"""The state of one call: everything that its methods and its reader share.

The reader writes it, synchronously; methods look at it and wait for changes.
A mixin of ``Call`` calls nothing of another mixin: what two of them need is here.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, final

import trio

from ..errors import (
    ApiFailed,
    ApplicationFailed,
    CallEnded,
    CallHungUp,
    CallReleased,
    CallTransferred,
    CommandRejected,
    ConnectionLost,
    NotPermitted,
    TooManyDigits,
    UnknownApplication,
)
from ..link import Link
from ..protocol import (
    Api,
    ApiResponse,
    Command,
    Connect,
    ConnectReply,
    DisconnectNotice,
    Event,
    EventFormat,
    Exchange,
    Execute,
    Exit,
    Hangup,
    HangupCause,
    LogLine,
    Message,
    Reply,
    Waiter,
    XferExt,
    hangup_cause,
)
from ..protocol.headers import decode, peek, peek_last, url_decode
from .channel import Channel
from .digits import Digits
from .endings import (
    ANSWER_STATE,
    DEAF,
    goes_elsewhere,
    is_hung_up_by,
    is_our_doing,
    may_leave,
    takes_away,
    unknown_application,
)
from .execution import STOP_SECONDS, Execution
from .executions import Executions
from .jobs import Job
from .observing import EventStream, Observer, Wanted, wanted_events
from .record import Ending
from .stopping import stop_application

if TYPE_CHECKING:
    from .bridges import Bridge
    from .recorded import Recording

__all__ = ["Line"]

_log: Final = logging.getLogger("esl_outbound.call")
_switch_log: Final = logging.getLogger("esl_outbound.freeswitch")
# FreeSWITCH's levels: console, alert, critical, error, warning, notice, info, debug.
_LOG_LEVELS: Final = (*[logging.CRITICAL] * 3, logging.ERROR, logging.WARNING, *[logging.INFO] * 2, logging.DEBUG)

_SOCKET_APPLICATION: Final = b"\nApplication: socket\n"
_APPLICATION_RESPONSE: Final = b"\nApplication-Response: "
_HANGUP_CAUSE: Final = b"\nHangup-Cause: "
_BRIDGE_LEGS: Final = (b"\nBridge-B-Unique-ID: ", b"\nBridge-A-Unique-ID: ")

# The way out took 20 ms wherever it was measured.
_LEAVING_SECONDS: Final = 1.0


@final
class Line:
    """A call's state, and the ways in which it changes.

    Args:
        link: The call's connection.
        wind_down_seconds: How long ``run()`` may go on after an end.
        on_end: Told once, synchronously, that control of the call has ended.
        take_in: Gives the call to one more handler.
    """

    __slots__ = (
        "_arrived",
        "_asked_away",
        "_channel",
        "_executions",
        "_hangup_asked",
        "_jobs",
        "_leaving",
        "_link",
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
        self._jobs: dict[str, Job] = {}
        self._observers: list[Observer] = []
        self.digits = Digits(self.end_error)
        self.diversions = 0
        """How many of our observers need what FreeSWITCH queues to the session (``divert_events``)."""
        self.event_format = EventFormat.PLAIN
        """The format that events were asked for last; one connection has one."""

        self._hangup_asked = False
        self._leaving = False
        self._asked_away = False
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

    def end_error(self) -> CallEnded | None:
        """The exception that says how the call ended, anew each time; None while it is up."""
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
                error = ConnectionLost()
                error.__cause__ = self._reason
                return error

    def _must_have_ended(self) -> CallEnded:
        error = self.end_error()
        assert error is not None
        return error

    # Sending

    async def require_call(self) -> None:
        """Check that the call is ours to command.

        Raises:
            CallEnded: It is not, any more.
        """
        if self.ending is not None:
            await trio.lowlevel.checkpoint()
            raise self._must_have_ended()

    async def _require_socket(self) -> None:
        # In linger the socket still answers.
        if self.ending is not Ending.HUNG_UP or not self._link.is_open:
            await self.require_call()

    async def require_full(self, what: str) -> None:
        """Check that the dialplan line says ``full``.

        Raises:
            NotPermitted: It does not.
        """
        if not self.is_full:
            await trio.lowlevel.checkpoint()  # a loop around this shall not freeze the server
            raise NotPermitted(what, self.channel.dialplan_line("full"))

    async def require_async(self, what: str) -> None:
        """Check that the dialplan line says ``async``.

        Raises:
            NotPermitted: It does not.
        """
        if not self.is_async:
            await trio.lowlevel.checkpoint()
            raise NotPermitted(what, self.channel.dialplan_line("async"))

    async def start(self, commands: Sequence[Execute]) -> list[Execution]:
        """Queue applications on the channel, in one write.

        Raises:
            LocalProtocolError: One of them cannot be said; nothing was sent.
            CallEnded: The call is over.
        """
        await self.require_call()
        executions = [Execution(self, command, self._executions.key(command.event_uuid)) for command in commands]
        for execution in executions:
            self._executions.add(execution)
        try:
            await self._send(commands, executions)
        except BaseException:
            for execution in executions:
                self.forget(execution)
            raise
        return executions

    def execute_command(
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
        return self._executions.command(
            application, argument, loops=loops, event_lock=event_lock, event_uuid=event_uuid, headers=headers
        )

    async def execute(self, application: str, argument: str = "", *, after: Sequence[Execute] = ()) -> Event:
        """Run an application and wait for its completion; stop it on the channel if the waiting is cancelled.

        What is to run before it (``set``, ``multiunset``) goes out in the same write, and costs no frame of its own.
        """
        *_, execution = await self.start((*after, self.execute_command(application, argument)))
        return await self.finish(execution)

    async def undo(self, application: str, argument: str = "", *, after: Sequence[Execute] = ()) -> Event | None:
        """Run the application that ends something, whatever happens meanwhile; nothing if the call is over.

        Shielded from its caller's cancellation, and bounded.

        Returns:
            Its completion; None if there was none.
        """
        with trio.CancelScope(shield=True, deadline=trio.current_time() + STOP_SECONDS):
            try:
                *_, execution = await self.start((*after, self.execute_command(application, argument)))
                return await execution.completed()
            except (CallEnded, CommandRejected, ApplicationFailed):
                _log.debug("channel %s: %s found nothing to end", self.channel_uuid, application)
        return None

    async def wait_idle(self) -> None:
        """Wait until no application of ours runs.

        Raises:
            CallEnded: The call ended first.
        """
        while self._executions:
            try:
                await next(iter(self._executions)).completed()
            except (CommandRejected, ApplicationFailed):
                _log.debug("channel %s: one application less", self.channel_uuid)

    async def finish(self, execution: Execution) -> Event:
        """Wait for an application's completion; stop it on the channel if the waiting is cancelled."""
        completion = await execution.finish_or_stop()
        await self.wait_if_leaving()
        return completion

    async def ask(self, command: Command) -> Reply | ApiResponse:
        """Send a command and wait for its reply, whatever it says.

        Raises:
            CallEnded: The call is over, and its socket too.
        """
        await self._require_socket()
        try:
            return await self._link.ask(command)
        except ConnectionLost as exc:
            raise await self._ended_by(exc) from exc

    async def command(self, command: Command) -> Reply:
        """Send a command and wait for its reply.

        Raises:
            CommandRejected: FreeSWITCH refused it.
            CallEnded: The call is over, and its socket too.
        """
        reply = await self.ask(command)
        assert isinstance(reply, Reply)
        if not reply.ok:
            raise CommandRejected(command, reply)
        return reply

    async def api(self, line: str) -> ApiResponse:
        """Run an API command and wait for what it prints.

        Raises:
            NotPermitted: The dialplan line does not say ``full``.
            CallEnded: The call is over, and its socket too.
        """
        await self.require_full("api")
        reply = await self.ask(Api(line))
        return reply if isinstance(reply, ApiResponse) else ApiResponse(reply.text)

    async def api_text(self, line: str) -> str:
        """Run an API command that must not fail, and give what it prints, without its line's end.

        Raises:
            ApiFailed: It printed ``-ERR`` or ``-USAGE``.
            NotPermitted: The dialplan line does not say ``full``.
            CallEnded: The call is over, and its socket too.
        """
        response = await self.api(line)
        if not response.ok or response.text.startswith("-USAGE"):
            raise ApiFailed(line, response)
        return response.text.rstrip("\n")

    async def refresh(self) -> ConnectReply:
        """Ask for everything that FreeSWITCH knows of the channel: a second ``connect``."""
        command = Connect()
        reply = await self.ask(command)
        if not isinstance(reply, ConnectReply):
            assert isinstance(reply, Reply)
            raise CommandRejected(command, reply)
        self.channel.note(reply, reply.headers.block)
        return reply

    async def hangup(self, cause: HangupCause | str) -> None:
        """Hang up, and wait until FreeSWITCH says so.

        Raises:
            CallEnded: The call had ended before, in another way than this.
        """
        await self.require_call()
        # An application that carries `event-lock` would hold back a `sendmsg hangup` until it ends; uuid_kill passes.
        locked = any(
            execution.command.event_lock or execution.command.application.lower() in DEAF
            for execution in self._executions
        )
        kill = Api(f"uuid_kill {self.channel_uuid} {cause}") if locked and self.is_full else Hangup(cause)
        self._hangup_asked = True
        try:
            await self._send((kill,))
        except BaseException:
            self._hangup_asked = False  # nothing was sent: the next hangup is not our doing
            raise
        await self.ended.wait()
        if self.ending is not Ending.HUNG_UP:
            raise self._must_have_ended()

    async def leave_to_dialplan(self) -> None:
        """Say ``exit``, as soon as that does not leave the caller parked for ever.

        Raises:
            CallEnded: The call is over.
        """
        await self.require_call()
        if not self.safe_to_leave:
            # The session thread parks up to 20 ms after `connect`; an `exit` before that is lost on it. Once an
            # execution of ours was seen, it has parked.
            command = self.execute_command("set", "esl_outbound=left")
            (execution,) = await self.start((command,))
            await execution.started()
        await self._send((Exit(),))
        self._end(Ending.LEFT_TO_DIALPLAN, own=True)

    async def stop(self, execution: Execution) -> None:
        """Stop a started application on the channel, however long that takes."""
        await stop_application(self, execution)

    async def _send(self, commands: Sequence[Command], waiters: Sequence[Waiter] = ()) -> None:
        """Write commands, in one piece; a connection that breaks in this raises how the call ended."""
        try:
            await self._link.send(commands, waiters)
        except ConnectionLost as exc:
            raise await self._ended_by(exc) from exc

    async def _ended_by(self, lost: ConnectionLost) -> CallEnded:
        """How the call ended, when the connection broke under our hands.

        What FreeSWITCH sent before it closed may not have been read yet, and it may tell of a hangup.
        """
        with trio.CancelScope(shield=True, deadline=trio.current_time() + 1):
            await self._link.wait_closed()
        if self.ending is None:
            self._reason = lost.__cause__
            self._end(Ending.CONNECTION_LOST, own=False)
        return self._must_have_ended()

    async def send_away(self, command: XferExt) -> None:
        """Let a command take the call elsewhere, by our own doing, and wait until it has."""
        await self.require_call()
        with self._going_away():
            await self.command(command)
        await self.wait_if_leaving()

    async def api_away(self, line: str) -> str:
        """Let an API command take the call elsewhere, by our own doing, and wait until it has.

        Returns:
            What it printed.

        Raises:
            ApiFailed: It printed ``-ERR`` or ``-USAGE``.
            NotPermitted: The dialplan line does not say ``full``.
            CallEnded: The call was over before.
        """
        await self.require_call()
        with self._going_away():
            text = await self.api_text(line)
        await self.wait_if_leaving()
        return text

    @contextmanager
    def _going_away(self) -> Iterator[None]:
        self._leaving = self._asked_away = True
        try:
            yield
        except BaseException:
            self._leaving = self._asked_away = False
            raise

    async def wait_if_leaving(self) -> None:
        """If we sent the call elsewhere, wait until it has gone: a command in between would still reach it."""
        if self._leaving and self.ending is None:
            with trio.move_on_after(_LEAVING_SECONDS):
                await self.ended.wait()
            self._leaving = self._asked_away = False

    # Waiting

    async def wait_arrived(self) -> None:
        """Wait for the reply to ``connect``, or for the connection's end."""
        await self._arrived.wait()

    def stop_waiting(self) -> None:
        """The reply to ``connect`` took too long."""
        self._arrived.set()

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

    def unwatch(self, observer: Observer) -> None:
        """Show it no more events; nothing if it is not shown any. Not while it is being shown one."""
        if observer in self._observers:
            self._observers.remove(observer)

    def new_job(self, job: Job) -> None:
        """Expect the result of a background job."""
        self._jobs[job.job_uuid] = job

    def forget_job(self, job: Job) -> None:
        """Expect a background job's result no longer."""
        self._jobs.pop(job.job_uuid, None)

    def forget(self, execution: Execution) -> None:
        """Expect no more events of an execution."""
        self._executions.forget(execution)

    # What the reader does

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
            level = _LOG_LEVELS[min(message.level, len(_LOG_LEVELS) - 1)]
            _switch_log.log(level, "channel %s: %s", self.channel_uuid, message.text.rstrip("\n"))

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
        for job in self._jobs.values():
            job.lose(self.end_error)
        self._jobs.clear()
        self._executions.clear()
        self._wake_readers()

    def give_up(self, reason: BaseException) -> None:
        """FreeSWITCH does not do what it was told; what becomes of the call is not known."""
        self._reason = reason
        self._end(Ending.CONNECTION_LOST, own=False)

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

    def _job_finished(self, event: Event, block: bytes, _channel: Channel) -> None:
        job = self._jobs.pop(decode(peek(block, b"\nJob-UUID: ") or b""), None)
        if job is not None:
            job.finish(event)


_ROUTES: Final[dict[bytes, Callable[[Line, Event, bytes, Channel], None]]] = {
    b"CHANNEL_EXECUTE": Line._execute_came,
    b"CHANNEL_EXECUTE_COMPLETE": Line._complete_came,
    b"CHANNEL_HANGUP": Line._hung_up,
    b"CHANNEL_HANGUP_COMPLETE": Line._hung_up_for_good,
    b"CHANNEL_PARK": Line._parked,
    b"CHANNEL_BRIDGE": Line._bridged,
    b"CHANNEL_UNBRIDGE": Line._unbridged,
    b"DTMF": Line._digit_came,
    b"BACKGROUND_JOB": Line._job_finished,
    # These only tell what the channel is like now.
    b"CHANNEL_ANSWER": Line._seen,
    b"CHANNEL_HOLD": Line._seen,
    b"CHANNEL_PROGRESS": Line._seen,
    b"CHANNEL_PROGRESS_MEDIA": Line._seen,
    b"CHANNEL_STATE": Line._seen,
    b"CHANNEL_UNHOLD": Line._seen,
    b"CHANNEL_UNPARK": Line._seen,
}
