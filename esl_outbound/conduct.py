"""One call, from its first byte to its last.

Greet, run, deal with a fault, let go, ``after_hangup``, close: each is a step
below, in this order. Nothing that a handler does or raises gets past here,
but KeyboardInterrupt and cancellation from above, and those only after the clean-up.
"""

from __future__ import annotations

import heapq
import logging
import math
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Final, final

import trio

from .call import Call, CallRecord, Ending, Line, RecordSource, attach
from .call.observing import Wanted
from .errors import CallEnded, ConnectionLost, LocalProtocolError, RemoteProtocolError
from .handler import CallHandler
from .link import Link
from .protocol import (
    MAX_BODY_BYTES,
    MAX_HEAD_BYTES,
    Command,
    Connect,
    Connection,
    ConnectReply,
    Event,
    Exchange,
    Exit,
    Hangup,
    HangupCause,
    Linger,
    MyEvents,
    NoEvents,
    NoLinger,
    Subscribe,
    hangup_cause,
)

__all__ = ["Conductor", "Overdue", "Plan"]

HANDSHAKE_SECONDS: Final = 25.0
"""How long a peer may take to answer ``connect``. FreeSWITCH itself waits 24 to 25 s for it to be said."""

_HANGUP_SECONDS: Final = 5.0
_FINAL_WORD_SECONDS: Final = 1.0
_FAREWELL_SECONDS: Final = 2.0
# A run() that its cancellation reached is given this long to be scheduled before it counts as shielded.
_GRACE_SECONDS: Final = 0.1

_calls: Final = logging.getLogger("esl_outbound.call")
_log: Final = logging.getLogger("esl_outbound.server")


@final
class Plan:
    """What all calls of one server have in common.

    Args:
        make_handler: Makes the handler of a call.
        handler_class: Whose settings count before the handler is made.
        wanted: Events to subscribe to.
        handshake_seconds: How long a peer may take to answer ``connect``.
        max_head_bytes: The longest head that is accepted from a peer.
        max_body_bytes: The longest body that is accepted from a peer.
    """

    def __init__(
        self,
        make_handler: Callable[[Call], CallHandler[Any]],
        handler_class: type[CallHandler[Any]],
        wanted: Wanted,
        *,
        handshake_seconds: float = HANDSHAKE_SECONDS,
        max_head_bytes: int = MAX_HEAD_BYTES,
        max_body_bytes: int = MAX_BODY_BYTES,
    ) -> None:
        self._limits = (max_head_bytes, max_body_bytes)
        self.make_handler: Final = make_handler
        self.handshake_seconds: Final = handshake_seconds
        self.wind_down_seconds: Final = handler_class.wind_down_seconds
        linger = math.ceil(handler_class.wind_down_seconds + handler_class.after_hangup_seconds + 1)
        # BACKGROUND_JOB is not among the events of myevents, and then only our own jobs come.
        names = ("BACKGROUND_JOB", *wanted.names)
        self.set_up: Final[tuple[Command, ...]] = (
            Connect(),
            MyEvents(),
            # Never without a number: that would keep the session for ever.
            Linger(linger),
            Subscribe(names, wanted.subclasses),
        )

    def new_connection(self) -> Connection:
        """A fresh protocol state with the limits of this server."""
        return Connection(max_head_bytes=self._limits[0], max_body_bytes=self._limits[1])


@final
class Overdue:
    """Watches the calls that have ended for a ``run()`` that shields itself from its end.

    One task for all of them; a call whose ``run()`` ends in time costs an entry in a heap.
    """

    def __init__(self) -> None:
        self._ended: list[tuple[float, int, Conductor]] = []
        self._count = 0
        self._wake = trio.Event()

    def add(self, deadline: float, conductor: Conductor) -> None:
        """Look at a call again at ``deadline``."""
        self._count += 1
        heapq.heappush(self._ended, (deadline, self._count, conductor))
        if self._ended[0][1] == self._count:
            self._wake.set()

    async def watch(self, nursery: trio.Nursery) -> None:
        """Finish calls in ``nursery`` whose time is over."""
        while True:
            self._wake = trio.Event()
            deadline = self._ended[0][0] if self._ended else math.inf
            with trio.move_on_at(deadline):
                await self._wake.wait()
            while self._ended and self._ended[0][0] <= trio.current_time():
                conductor = heapq.heappop(self._ended)[2]
                if conductor.is_running:
                    nursery.start_soon(conductor.finish_beside_run)


@final
class Conductor:
    """Conducts one call.

    Args:
        stream: The connection that FreeSWITCH opened.
        plan: What all calls have in common.
        overdue: Who watches for a ``run()`` that does not end.
    """

    __slots__ = ("_finishing", "_handler", "_interrupt", "_line", "_link", "_overdue", "_plan", "is_running")

    def __init__(self, stream: trio.abc.Stream, plan: Plan, overdue: Overdue) -> None:
        self._plan = plan
        self._overdue = overdue
        self._link = Link(stream, plan.new_connection())
        self._line = Line(self._link, wind_down_seconds=plan.wind_down_seconds, on_end=self._control_ended)
        self._handler: CallHandler[Any] | None = None
        self._interrupt: BaseException | None = None
        self._finishing = False
        self.is_running = False
        """Whether ``run()`` has been entered and not left."""

    async def conduct(self, readers: trio.Nursery) -> None:
        """Conduct the call; its reader lives in ``readers``.

        Raises:
            KeyboardInterrupt: It came out of the handler; the call was finished before.
        """
        readers.start_soon(self._link.read, self._line)
        try:
            if await self._greet():
                error = await self._run()
                if self._finishing:
                    await self._wait_for_finish_beside(error)
                else:
                    with trio.CancelScope(shield=True):
                        await self._finish(error)
                    if self._line.ending is Ending.TRANSFERRED:
                        await self._keep_connection()
        finally:
            with trio.CancelScope(shield=True):
                await self._close()
        if self._interrupt is not None:
            raise self._interrupt

    async def finish_beside_run(self) -> None:
        """Finish the call although its ``run()`` goes on, which nothing can be done about."""
        if not self.is_running or self._finishing:
            return
        _calls.warning("channel %s: run() goes on after the call's end", self._line.channel_uuid)
        with trio.CancelScope(shield=True):
            await self._finish(None)
            await self._close()

    def _control_ended(self) -> None:
        if self.is_running:
            line = self._line
            self._overdue.add(line.ended_at + line.wind_down_seconds + _GRACE_SECONDS, self)

    # Greeting

    async def _greet(self) -> bool:
        """Say ``connect`` and the rest in one write; say whether FreeSWITCH answered."""
        line, link = self._line, self._link
        with trio.move_on_after(self._plan.handshake_seconds):
            try:
                await link.send(self._plan.set_up, (line, _MYEVENTS_WAITER))
                await line.wait_arrived()
            except ConnectionLost:
                await link.wait_closed()  # the reader knows why
        if line.connect_reply is not None:
            return True
        if isinstance(link.reason, RemoteProtocolError):
            what = f"does not speak the event socket protocol: {link.reason}"
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
        self.is_running = True
        try:
            handler = self._plan.make_handler(call)
            if not isinstance(handler, CallHandler):
                raise TypeError(f"{handler!r} was made to handle a call, but it is no CallHandler")
            attach(handler, line)
            self._handler = handler
            with line.run_scope:
                await handler.run()
        except BaseException as exc:
            self._interrupt, error = _interrupt_and_fault(exc)
        finally:
            self.is_running = False
        return line.failure or error

    # Finishing

    async def _finish(self, error: BaseException | None) -> None:
        self._finishing = True
        if error is not None:
            await self._report(error)
        if self._line.ending is None:
            await self._hang_up(HangupCause.NORMAL_CLEARING if error is None and self._interrupt is None else self._error_cause())
        await self._after_hangup()

    async def _wait_for_finish_beside(self, error: BaseException | None) -> None:
        """``run()`` has ended after all, while the rest goes on beside it."""
        if error is not None:
            with trio.CancelScope(shield=True):
                await self._report(error)
        await self._link.wait_closed()

    async def _report(self, error: BaseException) -> None:
        handler = self._handler
        if handler is None:
            _calls.error("channel %s: no handler could be made", self._line.channel_uuid, exc_info=error)
            return
        await self._hook("on_error", handler.on_error(error), handler.on_error_seconds)

    async def _hang_up(self, cause: HangupCause | str) -> None:
        with trio.move_on_after(_HANGUP_SECONDS):
            try:
                await self._line.hangup(cause)
            except (CallEnded, LocalProtocolError):
                _calls.debug("channel %s: the call ended by itself", self._line.channel_uuid)
        if self._line.ending is None:
            self._line.give_up(TimeoutError(f"FreeSWITCH did not hang up within {_HANGUP_SECONDS:g} s"))

    def _error_cause(self) -> HangupCause | str:
        return self._handler.error_hangup_cause if self._handler else CallHandler.error_hangup_cause

    async def _after_hangup(self) -> None:
        handler = self._handler
        if handler is None or type(handler).after_hangup is CallHandler.after_hangup:
            record = self._record_now()
        else:
            record = await self._final_record()
            await self._hook("after_hangup", handler.after_hangup(record), handler.after_hangup_seconds)
        _calls.info(
            "%s %s -> %s: %s after %.1f s%s",
            record.channel_uuid,
            _shown(record.caller_id_number or "anonymous"),
            _shown(record.destination_number),
            record.ending.value,
            record.seconds,
            f", {record.hangup_cause}" if record.hangup_cause else "",
        )

    async def _hook(self, name: str, hook: Coroutine[Any, Any, None], seconds: float) -> None:
        """Run a user's hook: it may fail or take its time, and neither is anybody else's concern."""
        uuid = self._line.channel_uuid
        with trio.move_on_after(seconds) as scope:
            try:
                await hook
            except BaseException as exc:
                interrupt, fault = _interrupt_and_fault(exc)
                self._interrupt = self._interrupt or interrupt
                if fault is not None:
                    _calls.error("channel %s: %s() failed", uuid, name, exc_info=fault)
        if scope.cancelled_caught:
            _calls.error("channel %s: %s() took longer than %g s and was cancelled", uuid, name, seconds)

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
        variables = line.variables if said is None else said.variables
        final = source is not RecordSource.LAST_KNOWN and line.ending is Ending.HUNG_UP
        return CallRecord(
            channel_uuid=line.channel_uuid,
            ending=line.ending,
            source=source,
            hangup_cause=line.hangup_cause or (_cause(variables) if final else None),
            caller_id_name=line.header("Caller-Caller-ID-Name"),
            caller_id_number=line.header("Caller-Caller-ID-Number"),
            destination_number=line.header("Caller-Destination-Number"),
            context=line.header("Caller-Context"),
            seconds=line.ended_at - line.started_at,
            answered=line.header("Caller-Channel-Answered-Time") not in ("", "0"),
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
        if self._link.is_open:
            try:
                await self._link.send((NoLinger(), NoEvents()) if self._line.is_full else ())
            except ConnectionLost:
                _log.debug("%s closed a transferred call's connection", self._link.peer)
        await self._link.wait_closed()

    async def _close(self) -> None:
        """End the connection without harm to a call that is up."""
        line, link = self._line, self._link
        if link.is_open:
            last: tuple[Command, ...] = ()
            if line.ending is Ending.HUNG_UP:
                last = (Exit(),)
            elif line.ending is None:
                # A connection that closes on a call that is up leaves the caller in silence for ever.
                last = (Hangup(self._error_cause()), Exit())
            try:
                await link.send(last)
            except (ConnectionLost, LocalProtocolError):
                _log.debug("%s closed first", link.peer)
        if line.ending in (Ending.HUNG_UP, Ending.LEFT_TO_DIALPLAN):
            with trio.move_on_after(_FAREWELL_SECONDS):
                await link.wait_closed()
        await link.aclose()


@final
class _MyEventsWaiter:
    """Without its events nothing is known of a call, so a refusal of ``myevents`` is worth a line."""

    def answered(self, exchange: Exchange) -> None:
        reply = exchange.reply
        if reply is not None and not reply.ok:
            _log.error("FreeSWITCH refused myevents: %s", reply.text)


_MYEVENTS_WAITER: Final = _MyEventsWaiter()


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
