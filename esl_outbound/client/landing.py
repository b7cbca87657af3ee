"""Calls that are placed for handlers of this process: FreeSWITCH connects each to a port of ours, once it is answered.

Every call bears a token, by which the one that comes is known to be the one that was placed. Whatever else connects is
hung up.
"""

from __future__ import annotations

import ipaddress
import logging
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import partial
from typing import Any, Final, TypeAlias, TypeVar, Unpack, final, overload

import trio

from ..api.originating import CALL_VARIABLE, CallOptions, Placing, Target, application_words
from ..arguments.applications import Application
from ..arguments.dial_strings import Destination
from ..call import Call
from ..call.observing import wanted_events
from ..errors import (
    CommandRejected,
    HandlerNotReached,
    LocalProtocolError,
    NoCallYet,
    SwitchError,
)
from ..handler import CallHandler, HandlerSource, handler_class_of, handler_factory
from ..jobs import Job
from ..plan import Plan
from ..protocol import EventFormat, HangupCause
from ..server import serve_until
from .commands import SwitchCommands
from .hub import Hub
from .opening import CallListener, call_listeners

__all__ = ["CALL_HOST", "CALL_PORT", "CallPlacing", "Landing", "SourceOf", "landing_of", "listening_at"]

_log: Final = logging.getLogger("esl_outbound.client")

CALL_HOST: Final = "127.0.0.1"
CALL_PORT: Final = 0
"""Where FreeSWITCH connects to, unless it is said."""

_ARRIVAL_SECONDS: Final = 10.0
"""How long FreeSWITCH may take to connect a call that was answered."""
_LOOK_SECONDS: Final = 1.0

HandlerT = TypeVar("HandlerT", bound=CallHandler[Any])

SourceOf: TypeAlias = type[HandlerT] | partial[HandlerT] | Callable[[], HandlerT] | Callable[[Call], HandlerT]
"""What makes handlers of one class; what ``serve`` takes, too."""


@final
class _Arrival:
    """A call that was placed and is to come."""

    def __init__(self, source: HandlerSource) -> None:
        self._make = handler_factory(source)
        self._class = handler_class_of(source)
        # What the class asks for is looked at before anybody's telephone rings.
        Plan(self._make, self._class, wanted_events(self._class.subscriptions))
        self._made: CallHandler[Any] | Exception | None = None
        self._came = trio.Event()

    @property
    def has_come(self) -> bool:
        """Whether it has."""
        return self._came.is_set()

    async def come(self) -> None:
        """Wait until it has."""
        await self._came.wait()

    @property
    def handler(self) -> CallHandler[Any]:
        """The handler of the call that has come; what the making of one raised is raised here."""
        assert self._made is not None
        if isinstance(self._made, Exception):
            raise self._made
        return self._made

    def take(self, call: Call) -> CallHandler[Any]:
        """It came: make its handler; if that fails, one that hangs up."""
        made: CallHandler[Any]
        try:
            made = self._made = _unused(self._make(call))
        except Exception as exc:
            self._made = exc
            made = _Unwanted(self._class.error_hangup_cause)
        self._came.set()
        return made


@final
class Landing:
    """Where FreeSWITCH connects the calls that are placed for handlers.

    Args:
        listen: Who listens there.
        nursery: Where the calls are served.
    """

    def __init__(self, listen: CallListener, nursery: trio.Nursery) -> None:
        self._listen: Final = listen
        self._nursery: Final = nursery
        self._opening: Final = trio.Lock()
        self._address: str | None = None
        self._over: Final = trio.Event()
        self._expected: Final[dict[str, _Arrival]] = {}

    async def address(self) -> str:
        """What ``socket`` is told; nobody listens there before it is asked for.

        Raises:
            OSError: The address cannot be listened on.
        """
        async with self._opening:
            if self._address is None:
                self._address = await self._nursery.start(self._serve)
            return self._address

    @contextmanager
    def expecting(self, token: str, arrival: _Arrival) -> Iterator[None]:
        """Let a call in that bears a token, the first one that does."""
        self._expected[token] = arrival
        try:
            yield
        finally:
            self.forget(token)

    def forget(self, token: str) -> None:
        """Whoever bears that token is not expected any more."""
        self._expected.pop(token, None)

    def close(self) -> None:
        """Let nobody in once the calls that are up have ended."""
        self._over.set()

    async def _serve(self, task_status: trio.TaskStatus[str]) -> None:
        async with self._listen(self._handler_of) as address:
            task_status.started(address)
            await self._over.wait()

    def _handler_of(self, call: Call) -> CallHandler[Any]:
        arrival = self._expected.pop(call.variables.get(CALL_VARIABLE, ""), None)
        if arrival is None:
            _log.warning("channel %s was not called from here, or is not wanted any more: hung up", call.channel_uuid)
            return _Unwanted(CallHandler.error_hangup_cause)
        return arrival.take(call)


@final
class _Unwanted(CallHandler):
    """Hangs up a call that nobody handles."""

    def __init__(self, cause: HangupCause | str) -> None:
        self._cause = cause

    async def run(self) -> None:
        await self.hangup(self._cause)


def _unused(handler: object) -> CallHandler[Any]:
    """A handler that has no call yet.

    Raises:
        TypeError: It is none, or has one.
    """
    if not isinstance(handler, CallHandler):
        raise TypeError(f"{handler!r} was made to handle a call, but it is no CallHandler")
    with suppress(NoCallYet):
        raise TypeError(f"{handler!r} was made for a call, but it has {handler.channel_uuid}: every call needs its own")
    return handler


@asynccontextmanager
async def landing_of(listen: CallListener) -> AsyncIterator[Landing]:
    """A landing for the time of a block.

    Leaving it in order waits until the calls have ended; leaving it by an exception hangs them up.
    """
    problem: BaseException | None = None
    try:
        async with trio.open_nursery() as nursery:
            landing = Landing(listen, nursery)
            # What leaves the block leaves it as it is, and not in a group.
            try:
                yield landing
            except BaseException as exc:
                problem = exc
                nursery.cancel_scope.cancel()
            landing.close()
    except BaseException as exc:
        # A handler's KeyboardInterrupt, which has cancelled the block, or else our own cancellation.
        if problem is None or _is_more_than_cancelled(exc):
            problem = _alone(exc)
    if problem is not None:
        raise problem


def _is_more_than_cancelled(exc: BaseException) -> bool:
    if isinstance(exc, BaseExceptionGroup):
        return exc.split(trio.Cancelled)[1] is not None
    return not isinstance(exc, trio.Cancelled)


def _alone(exc: BaseException) -> BaseException:
    while isinstance(exc, BaseExceptionGroup) and len(exc.exceptions) == 1:
        exc = exc.exceptions[0]
    return exc


def listening_at(
    call_host: str = CALL_HOST, call_port: int = CALL_PORT, *, switch: tuple[str, int] | None = None
) -> CallListener:
    """Listen at an address of ours, or where the test kit has put something in its place.

    Args:
        call_host: The address.
        call_port: The port; 0 takes a free one.
        switch: Where FreeSWITCH listens.

    Raises:
        LocalProtocolError: FreeSWITCH cannot connect there.
    """
    found = None if switch is None else (call_listeners.get() or {}).get(switch)
    with suppress(ValueError):
        if not call_host or ipaddress.ip_address(call_host).is_unspecified:
            raise LocalProtocolError(
                f"call_host is {call_host!r}, and should be the address at which FreeSWITCH reaches this machine"
            )
    return found or partial(_listening, call_host, call_port)


@asynccontextmanager
async def _listening(host: str, port: int, handler: HandlerSource) -> AsyncIterator[str]:
    listener, *others = await trio.open_tcp_listeners(port, host=host)
    for other in others:  # they may have other ports
        other.socket.close()
    over = trio.Event()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve_until, over, handler, listener)
        # socket_function() in mod_event_socket.c divides at the last colon, and knows no brackets around an address.
        address, port, *_ = listener.socket.getsockname()
        _log.info("listening on %s port %d for calls that are placed", address, port)
        yield f"{address}:{port}"
        over.set()


class CallPlacing(SwitchCommands):
    """What can be said to a FreeSWITCH, and calls that are placed for handlers of this process."""

    def __init__(self, hub: Hub, peer: str, event_format: EventFormat, landing: Landing) -> None:
        super().__init__(hub, peer, event_format)
        self._landing: Final = landing

    @overload
    async def originate(
        self,
        destination: Destination,
        target: Target,
        *,
        dialplan: str = "XML",
        context: str = "default",
        **options: Unpack[CallOptions],
    ) -> str: ...

    @overload
    async def originate(
        self, destination: Destination, target: SourceOf[HandlerT], **options: Unpack[CallOptions]
    ) -> HandlerT: ...

    async def originate(
        self,
        destination: Destination,
        target: Target | HandlerSource,
        *,
        dialplan: str = "XML",
        context: str = "default",
        **options: Unpack[CallOptions],
    ) -> str | CallHandler[Any]:
        """Call somebody, wait until he answers, and connect him to a handler, an extension or an application.

        ``call = await switch.originate("user/1001", Reminder)``: a handler conducts the call as if ``serve`` had given
        it one, while this returns. FreeSWITCH runs ``socket`` on the new channel, with ``async full``, and connects to
        a port that ``connect`` opens for that (``call_host``, ``call_port``). Calls that are up when the block of
        ``connect`` is left in order are waited for; an exception hangs them up.

        Runs ``originate`` as a background job. Cancelled while it rings, it ends all that rings for it, and nothing
        else: every leg bears the channel variable ``esl_outbound_call`` with a token of its own, for which ``hupall``
        is said until the job is over, for up to 2.5 seconds. If the connection ends meanwhile, FreeSWITCH goes on
        with the call.

        Args:
            destination: Whom to call, as of ``bridge``: ``"user/1001"``, a list of those that ring at once, a
                ``DialLeg``, a ``DialString``; ``Expand("...")`` is a whole raw dial string, in which there is no
                channel whose variables could be expanded.
            target: Who conducts the call: what ``serve`` takes, a ``CallHandler`` class, say. Or an extension of the
                dialplan, such as ``"1000"``; an ``Application("playback", "welcome.wav")``; several in a list.
            dialplan: The extension's dialplan.
            context: The extension's context.
            options: ``caller_id_name`` and ``caller_id_number``: what whoever is called is shown. ``ring_seconds``
                (60): how long each group of the destination rings. ``ignore_early_media`` (True): whether only an
                answer counts. ``channel_uuid``: the new channel's UUID, of your choice, for one destination.
                ``variables``: channel variables of all legs.

        Returns:
            The handler, which has its call (``call.channel_uuid``); else the new channel's UUID.

        Raises:
            OriginateFailed: Nobody was reached; its ``hangup_cause`` says why.
            HandlerNotReached: He answered, and the call was over before FreeSWITCH connected it to us, or FreeSWITCH
                did not within 10 seconds, because it does not reach ``call_host``; it is hung up.
            ApiFailed: FreeSWITCH did not understand it (``-USAGE``), or has no ``originate``.
            LocalProtocolError: It cannot be said; nothing was sent.
            CommandRejected: This user may not run it.
            Disconnected: The connection ended first; its ``progress`` says how far the command had come.
            OSError: ``call_host`` and ``call_port`` cannot be listened on.
            TypeError: ``target`` makes no handlers. Whatever else the making of the handler raises comes out here, too.
        """
        if isinstance(target, str | Application | Sequence):
            return await super().originate(destination, target, dialplan=dialplan, context=context, **options)
        if (dialplan, context) != ("XML", "default"):
            raise TypeError("a handler needs no extension's dialplan or context")
        arrival = _Arrival(target)
        placing = Placing(**options)
        if not self.is_connected:  # nobody is to be listened for then
            await trio.lowlevel.checkpoint()
            raise self._not_connected("bgapi originate")
        address = await self._landing.address()
        command = placing.line(destination, application_words((Application("socket", f"{address} async full"),)))
        with self._landing.expecting(placing.token, arrival):
            channel_uuid = await self._place(command, placing.token)
            try:
                await self._wait_for(arrival, channel_uuid, address)
            except BaseException:
                await self._call_off(placing.token)
                raise
        return arrival.handler

    async def _call_off(self, token: str, job: Job | None = None) -> None:
        self._landing.forget(token)
        await super()._call_off(token, job)

    async def _wait_for(self, arrival: _Arrival, channel_uuid: str, address: str) -> None:
        """Wait until FreeSWITCH has connected a call that was answered.

        Raises:
            HandlerNotReached: It did not.
        """
        is_over = False

        async def look() -> None:
            # Whoever hangs up in the moment of his answer never comes.
            nonlocal is_over
            while not is_over:
                await trio.sleep(_LOOK_SECONDS)
                is_over = await self._has_ended(channel_uuid)
            nursery.cancel_scope.cancel()

        async with trio.open_nursery() as nursery:
            nursery.cancel_scope.deadline = trio.current_time() + _ARRIVAL_SECONDS
            nursery.start_soon(look)
            await arrival.come()
            nursery.cancel_scope.cancel()  # however long FreeSWITCH takes to say whether it has ended
        if not arrival.has_come:
            late = f"FreeSWITCH did not connect there within {_ARRIVAL_SECONDS:g} s"
            raise HandlerNotReached(channel_uuid, address, "it was over before" if is_over else late)

    async def _has_ended(self, channel_uuid: str) -> bool:
        """Whether a channel is there no longer; no, where that cannot be found out."""
        try:
            return (await self._run(f"uuid_exists {channel_uuid}")).text == "false"
        except (CommandRejected, SwitchError):
            return False
