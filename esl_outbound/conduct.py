"""One call, from its first byte to its last.

Greet, run, deal with a fault, let go, ``after_hangup``, close: each is a step
below, in this order. Nothing that a handler does or raises gets past here,
but KeyboardInterrupt and cancellation from above, and those only after the clean-up.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, Final, final

import attrs
import trio

from .call import Call, CallRecord, Ending, Line, RecordSource, attach
from .call.observing import wanted_events
from .errors import CallEnded, CommandRejected, ConnectionLost, LocalProtocolError, RemoteProtocolError
from .handler import CallHandler
from .link import Link, Receiver
from .plan import Plan, linger_seconds
from .protocol import (
    Command,
    Connect,
    ConnectReply,
    Event,
    Exchange,
    Exit,
    Hangup,
    HangupCause,
    Linger,
    NoEvents,
    NoLinger,
    Subscribe,
    hangup_cause,
)
from .reading import SocketReader
from .timers import Timer, Timers

__all__ = ["Conductor", "Outcome", "Shared"]

_HANGUP_SECONDS: Final = 5.0
_FINAL_WORD_SECONDS: Final = 1.0
_FAREWELL_SECONDS: Final = 2.0
_EXIT: Final = Exit()
# A run() that its cancellation reached is given this long to be scheduled before it counts as shielded.
_GRACE_SECONDS: Final = 0.1

_calls: Final = logging.getLogger("esl_outbound.call")
_log: Final = logging.getLogger("esl_outbound.server")


@final
class Shared:
    """What the calls of one server share.

    Args:
        plan: How calls are handled.
        reader: Reads their sockets; None where only streams are read.
        streams: Where other streams are read, out of reach of a cancellation from above.
        timers: Their deadlines.
    """

    __slots__ = ("conductors", "plan", "reader", "streams", "timers")

    def __init__(self, plan: Plan, reader: SocketReader | None, streams: trio.Nursery, timers: Timers) -> None:
        self.plan: Final = plan
        self.reader: Final = reader
        self.streams: Final = streams
        self.timers: Final = timers
        self.conductors: Final[set[Conductor]] = set()
        """The calls that are being conducted."""

    def finish_all(self) -> None:
        """Finish every call that is still being conducted, beside its ``run()``."""
        for conductor in list(self.conductors):
            conductor.finish_if_running()

    def read(self, link: Link, receiver: Receiver) -> None:
        """Let what comes over a link reach its receiver, until it ends."""
        if self.reader is not None and link.socket_fd >= 0:
            link.listen(receiver, self.reader.forget)
            self.reader.add(link)
        else:
            link.listen(receiver)
            self.streams.start_soon(link.read_stream)


@final
@attrs.frozen
class Outcome:
    """How the handling of a call ended."""

    ending: Ending | None
    """How control ended; None if it never came to a call."""
    hangup_cause: HangupCause | str | None
    """Why the channel was hung up, if it was, and FreeSWITCH said."""
    fault: BaseException | None
    """What was wrong with the handler: what ``run()`` raised beside the call's end, or was never able to."""
    hook_fault: BaseException | None
    """What ``after_hangup`` or ``on_error`` raised, or that they took too long."""


@final
class Conductor:
    """Conducts one call.

    Args:
        stream: The connection that FreeSWITCH opened.
        shared: What the calls of this server share.
        calls: Where a call is finished whose ``run()`` does not end.
        peer: FreeSWITCH's address, for log lines.
        on_fault: Told at once what the handler raises; may not wait.
    """

    __slots__ = (
        "_calls",
        "_fault",
        "_finishing",
        "_handlers",
        "_hook_fault",
        "_interrupt",
        "_is_running",
        "_line",
        "_link",
        "_on_fault",
        "_plan",
        "_shared",
        "_timer",
    )

    def __init__(
        self,
        stream: trio.socket.SocketType | trio.abc.Stream,
        shared: Shared,
        calls: trio.Nursery,
        peer: str = "a stream",
        on_fault: Callable[[BaseException], None] | None = None,
    ) -> None:
        self._on_fault = on_fault
        self._shared = shared
        self._plan = shared.plan
        self._calls = calls
        recorder = shared.plan.recorder
        self._link = Link(
            stream, shared.plan.new_connection(), peer, None if recorder is None else recorder.new_call(peer)
        )
        self._line = Line(
            self._link,
            wind_down_seconds=shared.plan.wind_down_seconds,
            on_end=self._control_ended,
            take_in=self._take_in,
        )
        self._handlers: list[CallHandler[Any]] = []
        self._fault: BaseException | None = None
        self._hook_fault: BaseException | None = None
        self._interrupt: BaseException | None = None
        self._is_running = False
        self._finishing = False
        self._timer: Timer | None = None
        self._line.linger_seconds = self._line.least_linger_seconds = shared.plan.linger_seconds
        if shared.plan.wanted:
            self._line.note_subscription(shared.plan.subscription)

    @property
    def outcome(self) -> Outcome:
        """How it ended, once it has."""
        line = self._line
        return Outcome(line.ending, line.hangup_cause, self._fault, self._hook_fault)

    def _tell_fault(self, fault: BaseException) -> None:
        if self._on_fault is not None:
            self._on_fault(fault)

    async def conduct(self) -> None:
        """Conduct the call.

        Raises:
            KeyboardInterrupt: It came out of the handler; the call was finished before.
        """
        self._shared.conductors.add(self)
        try:
            self._shared.read(self._link, self._line)
            if await self._greet():
                error = self._fault = await self._run()
                if error is not None:
                    self._tell_fault(error)
                if self._finishing:
                    await self._wait_for_finish_beside(error)
                elif error is None and self._line.ending is Ending.HUNG_UP and not any(map(_has_hook, self._handlers)):
                    self._log_call()  # nothing to wait for, and nothing to shield
                else:
                    in_order = error is None and self._interrupt is None
                    with trio.CancelScope(shield=True):
                        await self._finish(error, HangupCause.NORMAL_CLEARING if in_order else self._error_cause())
                if self._line.ending is Ending.TRANSFERRED and self._interrupt is None:
                    await self._keep_connection()
        except Exception as exc:
            # A fault of ours ends this call, not the others.
            _log.error("%s: the call could not be conducted", self._link.peer, exc_info=exc)
        finally:
            self._shared.conductors.discard(self)
            await self._close()
        if self._interrupt is not None:
            raise self._interrupt

    def _control_ended(self) -> None:
        """The call has ended, or is to end: ``run()`` has its wind-down, and not more."""
        if self._is_running and self._timer is None:
            seconds = self._line.wind_down_seconds + _GRACE_SECONDS
            self._timer = self._shared.timers.call_later(seconds, self.finish_if_running)

    def finish_if_running(self) -> None:
        """Finish the call beside its ``run()``, if that has not ended: it shields itself from the call's end."""
        if self._is_running and not self._finishing:
            _log.warning("channel %s: run() goes on after the call's end", self._line.channel_uuid)
            self._finishing = True
            self._calls.start_soon(self._finish_beside_run)

    async def _finish_beside_run(self) -> None:
        """Finish the call although its ``run()`` goes on, which nothing can be done about."""
        with trio.CancelScope(shield=True):
            await self._finish(self._line.failure, self._error_cause())
        try:
            if self._line.ending is Ending.TRANSFERRED:
                await self._keep_connection()
        finally:
            await self._close()

    # Greeting

    async def _greet(self) -> bool:
        """Say ``connect`` and the rest in one write; say whether FreeSWITCH answered."""
        line, link = self._line, self._link
        timer = self._shared.timers.call_later(self._plan.handshake_seconds, line.stop_waiting)
        try:
            await link.send(self._plan.set_up, (line, _MYEVENTS_WAITER), encoded=self._plan.encoded_set_up)
            await line.wait_arrived()
        except ConnectionLost:
            await link.wait_closed()  # the reader knows why
        finally:
            timer.forget()
        if line.has_arrived:
            return True
        if isinstance(link.reason, RemoteProtocolError):
            what = f"does not speak the event socket protocol: {link.reason}"
        elif line.refusal:
            what = f"refused connect: {_shown(line.refusal)}"
        elif not link.is_open:
            what = "closed the connection" + (" in the middle of a frame" if link.inside_frame else " without a call")
        else:
            what = f"did not answer within {self._plan.handshake_seconds:g} s"
        _log.warning("%s %s", link.peer, what)
        return False

    # Running

    async def _run(self) -> BaseException | None:
        """Let the handler handle the call; return what is to be treated as its fault."""
        line = self._line
        call = Call()
        attach(call, line)
        error: BaseException | None = None
        self._is_running = True
        try:
            handler = self._plan.make_handler(call)
            await self._take_in(handler)
            if line.ending is not None:
                self._control_ended()  # it ended before this began
            with line.run_scope:
                work = handler.run()
                if not isinstance(work, Awaitable):
                    raise TypeError(
                        f"{type(handler).__name__}.run() is a plain function, and should be 'async def run'"
                    )
                await work
        except BaseException as exc:
            self._interrupt, error = _interrupt_and_fault(exc)
        finally:
            self._is_running = False
            if self._timer is not None:
                self._timer.forget()
        return line.failure or error

    async def _take_in(self, handler: object) -> None:
        """Give the call to a handler: the first one, or one that it is handed over to.

        Raises:
            TypeError: It is no handler, or has a call already.
        """
        if not isinstance(handler, CallHandler):
            raise TypeError(f"{handler!r} was made to handle a call, but it is no CallHandler")
        if handler._line is self._line:
            raise TypeError(f"{handler!r} has this call already: whoever is to handle it again is to be made anew")
        if isinstance(handler._line, Line):
            raise TypeError(f"{handler!r} was made for two calls: every call needs its own")
        attach(handler, self._line)
        if self._handlers or type(handler) is not self._plan.handler_class:
            await self._follow_settings(handler)
        self._handlers.append(handler)

    async def _follow_settings(self, handler: CallHandler[Any]) -> None:
        """Catch up with what a class asks for that was not known before its handler was made."""
        line = self._line
        # The hooks of all of them run one after the other.
        seconds = linger_seconds(*(each for each in self._handlers if _has_hook(each)), handler)
        wanted = wanted_events(handler.subscriptions)
        if self._handlers:
            line.wind_down_seconds = max(line.wind_down_seconds, handler.wind_down_seconds)
        else:
            line.wind_down_seconds = handler.wind_down_seconds
        if not line.is_full or line.ending is not None:
            return
        commands: list[Command] = []
        line.least_linger_seconds = max(seconds, line.least_linger_seconds)
        if seconds > line.linger_seconds:
            line.linger_seconds = seconds
            commands.append(Linger(seconds))
        if wanted:
            subscription = Subscribe(wanted.names, wanted.subclasses, line.event_format)
            line.note_subscription(subscription)
            commands.append(subscription)
        if commands:
            await self._link.send(commands)

    # Finishing

    async def _finish(self, error: BaseException | None, cause: HangupCause | str) -> None:
        self._finishing = True
        if error is not None:
            await self._report(error)
        await self._line.wait_if_leaving()
        if self._line.ending is None:
            await self._hang_up(cause)
        await self._after_hangup()

    async def _wait_for_finish_beside(self, error: BaseException | None) -> None:
        """``run()`` has ended after all, while the rest goes on beside it."""
        if error is not None and error is not self._line.failure:
            with trio.CancelScope(shield=True):
                await self._report(error)
        await self._link.wait_closed()

    async def _report(self, error: BaseException) -> None:
        if not self._handlers:
            _calls.error("channel %s: no handler could be made", self._line.channel_uuid, exc_info=error)
            return
        handler = self._handlers[0]
        await self._hook("on_error", partial(handler.on_error, error), handler.on_error_seconds, error)

    async def _hang_up(self, cause: HangupCause | str) -> None:
        line = self._line
        with trio.move_on_after(_HANGUP_SECONDS):
            try:
                await line.hangup(cause)
            except CallEnded:
                _calls.debug("channel %s: the call ended by itself", line.channel_uuid)
            except CommandRejected as exc:
                line.give_up(exc)
        if line.ending is None:
            line.give_up(TimeoutError(f"FreeSWITCH did not hang up within {_HANGUP_SECONDS:g} s"))

    def _error_cause(self) -> HangupCause | str:
        cause = (self._handlers[0] if self._handlers else self._plan.handler_class).error_hangup_cause
        try:
            Hangup(cause).encode()
        except (TypeError, LocalProtocolError) as exc:
            _calls.error("channel %s: %r is no hangup cause: %s", self._line.channel_uuid, cause, exc)
            return HangupCause.NORMAL_TEMPORARY_FAILURE
        return cause

    async def _after_hangup(self) -> None:
        if not any(map(_has_hook, self._handlers)):
            self._log_call()
            return
        record = await self._final_record()
        self._log_call()
        for handler in reversed(self._handlers):
            await self._hook("after_hangup", partial(handler.after_hangup, record), handler.after_hangup_seconds)

    def _log_call(self) -> None:
        """The call's one line: nothing is made or decoded for it but what it shows."""
        line = self._line
        # A connection that is lost while the call is up is nobody's plan.
        level = logging.WARNING if line.ending is Ending.CONNECTION_LOST else logging.INFO
        if not _calls.isEnabledFor(level) or line.ending is None:
            return
        caller, called = line.channel.parties
        why = f", {_shown(line.hangup_cause)}" if line.hangup_cause else ""
        if line.ending is Ending.CONNECTION_LOST and self._link.reason is not None:
            why = f" ({_shown(str(self._link.reason))})"
        _calls.log(
            level,
            "%s %s -> %s: %s after %.1f s%s",
            line.channel_uuid,
            _shown(caller or "anonymous"),
            _shown(called),
            line.ending.value,
            line.ended_at - line.started_at,
            why,
        )

    async def _hook(
        self,
        name: str,
        hook: Callable[[], Awaitable[None]],
        seconds: float,
        about: BaseException | None = None,
    ) -> None:
        """Run a user's hook, which may fail or take its time; what it was about is not lost then."""
        uuid = self._line.channel_uuid
        try:
            with trio.move_on_after(seconds) as scope:
                await hook()
        except BaseException as exc:
            interrupt, fault = _interrupt_and_fault(exc)
            self._interrupt = self._interrupt or interrupt
            if fault is not None:
                if fault is not about and fault.__context__ is None:
                    fault.__context__ = about
                self._hook_fault = fault
                self._tell_fault(fault)
                _calls.error("channel %s: %s() failed", uuid, name, exc_info=fault)
        else:
            if scope.cancelled_caught:
                self._hook_fault = TimeoutError(f"{name}() took longer than {seconds:g} s")
                self._tell_fault(self._hook_fault)
                _calls.error(
                    "channel %s: %s() took longer than %g s and was cancelled", uuid, name, seconds, exc_info=about
                )

    # The record

    async def _final_record(self) -> CallRecord:
        """The best record that can be had: FreeSWITCH's final word, else what it answers now, else what is known."""
        line, link = self._line, self._link
        if line.ending is Ending.HUNG_UP and line.is_async:
            with trio.move_on_after(_FINAL_WORD_SECONDS):
                await line.final_word.wait()
        if line.ending in (Ending.HUNG_UP, Ending.TRANSFERRED) and line.hangup_complete is None and link.is_open:
            # Without `async` the session thread itself runs the socket, and CHANNEL_HANGUP_COMPLETE never comes.
            with trio.move_on_after(_FINAL_WORD_SECONDS):
                try:
                    reply = await link.ask(Connect())
                except ConnectionLost:
                    _log.debug("%s closed before it told the final values", link.peer)
                else:
                    if isinstance(reply, ConnectReply):
                        return self._record(RecordSource.CONNECT, reply)
        return self._record_now()

    def _record_now(self) -> CallRecord:
        line = self._line
        if line.hangup_complete is not None:
            return self._record(RecordSource.HANGUP_COMPLETE, line.hangup_complete)
        return self._record(RecordSource.LAST_KNOWN, None)

    def _record(self, source: RecordSource, said: Event | ConnectReply | None) -> CallRecord:
        line = self._line
        assert line.ending is not None
        headers = line.channel.reply.headers
        variables = line.channel.variables if said is None else said.variables
        final = source is not RecordSource.LAST_KNOWN and line.ending is Ending.HUNG_UP
        return CallRecord(
            channel_uuid=line.channel_uuid,
            ending=line.ending,
            source=source,
            hangup_cause=line.hangup_cause or (_cause(variables) if final else None),
            caller_id_name=headers.get("Caller-Caller-ID-Name", ""),
            caller_id_number=headers.get("Caller-Caller-ID-Number", ""),
            destination_number=headers.get("Caller-Destination-Number", ""),
            context=headers.get("Caller-Context", ""),
            seconds=line.ended_at - line.started_at,
            answered=line.channel.header("Caller-Channel-Answered-Time") not in ("", "0"),
            duration=_seconds(variables, "duration") if final else None,
            billsec=_seconds(variables, "billsec") if final else None,
            variables=variables,
        )

    # Closing

    async def _keep_connection(self) -> None:
        """Keep the connection of a call that went elsewhere until FreeSWITCH closes it.

        Closing it would hang up a call that is parked, or in another socket, by now
        (mod_event_socket clears the channel's flag of being parked under control, wherever it is).
        """
        if self._line.is_full:
            try:
                await self._link.send((NoLinger(), NoEvents()))
                await self._line.notice.wait()
                # Lingering had begun before we said `nolinger`: the channel is down, and nothing can hurt it any more.
                await self._link.send((_EXIT,))
            except ConnectionLost:
                _log.debug("%s closed a transferred call's connection", self._link.peer)
            return
        await self._link.wait_closed()

    async def _close(self) -> None:
        """End the connection without harm to a call that is up."""
        line, link = self._line, self._link
        wait = False
        try:
            if line.ending is None:
                # A connection that closes on a call that is up leaves the caller in silence for ever; a hangup is
                # carried out only after `connect`.
                wait = True
                greeting = () if link.is_greeted else (Connect(),)
                await link.send((*greeting, Hangup(self._error_cause()), _EXIT), shielded=True)
            elif line.ending is Ending.HUNG_UP and link.is_open:
                await link.send((_EXIT,), shielded=True)
            elif line.ending is Ending.LEFT_TO_DIALPLAN:
                wait = True
        except ConnectionLost:
            _log.debug("%s closed first", link.peer)
        finally:
            if wait:
                # What was said last is to be carried out before the connection goes.
                self._shared.timers.call_later(_FAREWELL_SECONDS, link.abort)
            else:
                link.abort()


@final
class _MyEventsWaiter:
    """Without its events nothing is known of a call, so a refusal of ``myevents`` is worth a line."""

    def answered(self, exchange: Exchange) -> None:
        reply = exchange.reply
        if reply is not None and not reply.ok:
            _log.error("FreeSWITCH refused myevents: %s", _shown(reply.text))


_MYEVENTS_WAITER: Final = _MyEventsWaiter()


def _has_hook(handler: CallHandler[Any]) -> bool:
    return type(handler).after_hangup is not CallHandler.after_hangup


def _interrupt_and_fault(exc: BaseException) -> tuple[BaseException | None, BaseException | None]:
    """Divide what came out of a user's code: what must go on up, and what is a fault.

    The call's end is neither, alone or in groups.
    """
    going_up = (trio.Cancelled, KeyboardInterrupt)
    interrupt: BaseException | None
    fault: BaseException | None
    if isinstance(exc, BaseExceptionGroup):
        interrupt, fault = exc.split(going_up)
        if fault is not None and fault.split(CallEnded)[1] is None:
            fault = None
        return interrupt, fault
    if isinstance(exc, going_up):
        return exc, None
    return None, None if isinstance(exc, CallEnded) else exc


def _cause(variables: Mapping[str, str]) -> HangupCause | str | None:
    name = variables.get("hangup_cause")
    return hangup_cause(name) if name else None


def _seconds(variables: Mapping[str, str], name: str) -> int | None:
    text = variables.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 12 else None


def _shown(text: str) -> str:
    """Text in a log line: a caller chooses his number, but not our lines."""
    return text if text.isprintable() else "".join(c if c.isprintable() else "?" for c in text)
