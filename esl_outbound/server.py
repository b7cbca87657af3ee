"""The server: FreeSWITCH connects, a handler runs the call."""

from __future__ import annotations

import errno
import logging
import os
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final, Unpack, final

import trio

from .call.observing import wanted_events
from .conduct import Conductor, Outcome, Shared
from .handler import HandlerSource, handler_class_of, handler_factory
from .link import keep_alive
from .plan import Options, Plan
from .protocol import Connect, Exit, Hangup, HangupCause
from .reading import CAN_READ_SOCKETS, SocketReader
from .timers import Timers

__all__ = ["serve", "serve_listeners", "serve_stream"]

_log: Final = logging.getLogger("esl_outbound.server")

# The process, or the system, is out of descriptors or memory: FreeSWITCH's connections wait in the backlog.
_NO_ROOM: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
_NO_ROOM_SECONDS: Final = 1.0
# FreeSWITCH carries these out even if the connection closes right behind them.
_TOO_LATE: Final = b"".join(
    command.encode() for command in (Connect(), Hangup(HangupCause.NORMAL_TEMPORARY_FAILURE), Exit())
)
# accept(2): errors of the connection, not of the listener.
_GONE_BEFORE_ACCEPTED: Final = frozenset(
    {
        errno.ECONNABORTED,
        errno.EHOSTDOWN,
        errno.EHOSTUNREACH,
        errno.ENETDOWN,
        errno.ENETUNREACH,
        errno.EOPNOTSUPP,
        errno.EPERM,
        errno.EPROTO,
        errno.ETIMEDOUT,
    }
)


async def serve(
    handler: HandlerSource,
    *,
    host: str = "127.0.0.1",
    port: int = 8084,
    task_status: trio.TaskStatus[list[trio.SocketListener]] = trio.TASK_STATUS_IGNORED,
    **options: Unpack[Options],
) -> None:
    """Listen, and handle every call that FreeSWITCH connects, until cancelled.

    ``listeners = await nursery.start(serve, Reception)`` returns as soon as
    FreeSWITCH can connect. Cancelled, it hangs up the calls that are up, runs
    their ``after_hangup``, and ends.

    Args:
        handler: A ``CallHandler`` class (or ``functools.partial`` of one), a callable
            without required parameters that makes a handler, or one that takes the ``Call``.
        host: The address to listen on, IPv4 or IPv6. The event socket knows no password: whoever
            reaches this port can feign calls.
        port: The TCP port; 0 takes a free one, which the listeners know.
        task_status: What ``nursery.start`` gives.
        options: ``handshake_seconds`` (25), ``max_head_bytes`` (1 MiB) and ``max_body_bytes`` (16 MiB): how long a
            peer may take to answer ``connect``, and the longest parts of a frame that are accepted from it.
            ``record``: a directory into which every call is recorded, a file each, for ``esl_outbound.testing`` to
            play back. Such a file holds all that was said on the socket: numbers, names, and what callers typed.

    Raises:
        TypeError: ``handler`` makes no handlers.
        LocalProtocolError: The handler's ``subscriptions`` name what is no event.
        CannotRecord: Nothing can be written into the directory that is to take the recordings.
        OSError: The address cannot be listened on.
    """
    plan = _plan(handler, **options)
    listeners = await trio.open_tcp_listeners(port, host=host)
    for listener in listeners:
        _log.info("listening on %s", shown_address(listener.socket.getsockname()))
    if plan.recorder is not None:
        _log.info("all calls are recorded into %s", plan.recorder.directory)
    await _serve(plan, listeners, task_status)


async def serve_stream(handler: HandlerSource, stream: trio.abc.Stream, **options: Unpack[Options]) -> None:
    """Handle one call on a connection that is there already, and return when it is over.

    For connections that come another way than through a listener of ours, such as a test's.

    Args:
        handler: As of ``serve``.
        stream: The connection; it is closed at the end.
        options: As of ``serve``.

    Raises:
        TypeError: ``handler`` makes no handlers.
        LocalProtocolError: The handler's ``subscriptions`` name what is no event.
        CannotRecord: Nothing can be written into the directory that is to take the recordings.
    """
    await conduct_stream(handler, stream, **options)


async def conduct_stream(
    handler: HandlerSource,
    stream: trio.abc.Stream,
    on_fault: Callable[[BaseException], None] | None = None,
    **options: Unpack[Options],
) -> Outcome:
    """As ``serve_stream``, for our own test kit: say how it ended, and at once what the handler raises."""
    plan = _plan(handler, **options)
    conductors: list[Conductor] = []

    async def handle(shared: Shared, calls: trio.Nursery) -> None:
        conductors.append(Conductor(stream, shared, calls, on_fault=on_fault))
        await conductors[0].conduct()

    await _with_readers(plan, handle)
    return conductors[0].outcome


async def serve_listeners(
    handler: HandlerSource,
    listeners: list[trio.SocketListener],
    *,
    task_status: trio.TaskStatus[list[trio.SocketListener]] = trio.TASK_STATUS_IGNORED,
    **options: Unpack[Options],
) -> None:
    """As ``serve``, on listeners that are there already; they are closed at the end."""
    plan = _plan(handler, **options)
    await _serve(plan, listeners, task_status)


async def serve_until(over: trio.Event, handler: HandlerSource, listener: trio.SocketListener) -> None:
    """As ``serve_listeners``; once ``over`` is set, end with the last call.

    Until then calls are taken in: one that is up may have sent for another.
    """

    async def accept_all(shared: Shared, calls: trio.Nursery) -> None:
        count = _Count()
        async with trio.open_nursery() as accepting:
            accepting.start_soon(_accept, listener, calls, shared, count.conduct)
            await over.wait()
            await count.wait_none()
            accepting.cancel_scope.cancel()

    await _with_readers(_plan(handler), accept_all)


@final
class _Count:
    """How many calls are being conducted."""

    def __init__(self) -> None:
        self._running = 0
        self._none = trio.Event()

    async def conduct(self, conductor: Conductor) -> None:
        """Conduct one more."""
        self._running += 1
        try:
            await conductor.conduct()
        finally:
            self._running -= 1
            if not self._running:
                self._none.set()

    async def wait_none(self) -> None:
        """Wait until there are none."""
        while self._running:
            self._none = trio.Event()
            await self._none.wait()


def _plan(handler: HandlerSource, **options: Unpack[Options]) -> Plan:
    handler_class = handler_class_of(handler)
    return Plan(handler_factory(handler), handler_class, wanted_events(handler_class.subscriptions), **options)


async def _serve(
    plan: Plan,
    listeners: list[trio.SocketListener],
    task_status: trio.TaskStatus[list[trio.SocketListener]],
) -> None:
    async def accept_all(shared: Shared, calls: trio.Nursery) -> None:
        for listener in listeners:
            calls.start_soon(_accept, listener, calls, shared)
        task_status.started(listeners)

    await _with_readers(plan, accept_all)


async def _with_readers(plan: Plan, body: Callable[[Shared, trio.Nursery], Awaitable[None]]) -> None:
    """Run ``body`` in a nursery for calls, with all that calls share, which outlives them."""
    over = trio.Event()
    kept: list[Shared] = []
    async with trio.open_nursery() as nursery:
        try:
            ready = trio.Event()
            nursery.start_soon(_keep_readers, plan, over, kept, ready)
            with trio.CancelScope(shield=True):  # a moment; a call that is here already shall not be left alone
                await ready.wait()
            shared = kept[0]
            nursery.start_soon(_wait_to_be_cancelled, shared)
            async with trio.open_nursery() as calls:
                await body(shared, calls)
        finally:
            over.set()
        nursery.cancel_scope.cancel()


async def _wait_to_be_cancelled(shared: Shared) -> None:
    """Set the end going for calls whose ``run()`` shields itself: nobody else would hang them up."""
    try:
        await trio.sleep_forever()
    finally:
        shared.timers.call_later(shared.plan.wind_down_seconds, shared.finish_all)


async def _keep_readers(plan: Plan, over: trio.Event, kept: list[Shared], ready: trio.Event) -> None:
    """Keep what reads for all calls, and their timers, until ``over`` is set and all connections have ended.

    It is out of reach of a cancellation from above: a call's clean-up needs its reader, and ends it.
    """
    async with trio.open_nursery() as nursery:
        nursery.cancel_scope.shield = True
        timers = Timers()
        nursery.start_soon(timers.run)
        reader = SocketReader() if CAN_READ_SOCKETS else None
        if reader is not None:
            nursery.start_soon(reader.run)
        async with trio.open_nursery() as streams:
            kept.append(Shared(plan, reader, streams, timers))
            ready.set()
            await over.wait()
        if reader is not None:
            await reader.wait_empty()
        nursery.cancel_scope.cancel()


async def _accept(
    listener: trio.SocketListener,
    calls: trio.Nursery,
    shared: Shared,
    conduct: Callable[[Conductor], Awaitable[None]] = Conductor.conduct,
) -> None:
    """Take in what FreeSWITCH connects, a task for each call."""
    sock = listener.socket
    if sock.family in (socket.AF_INET, socket.AF_INET6):
        keep_alive(sock)  # connections inherit it
        # A command is one small write, and shall not wait for the last one's acknowledgement.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        while True:
            try:
                connection, address = await sock.accept()
            except OSError as exc:
                if exc.errno in _NO_ROOM:
                    _log.error("no connection can be accepted: %s", exc)
                    await trio.sleep(_NO_ROOM_SECONDS)
                elif exc.errno not in _GONE_BEFORE_ACCEPTED:
                    raise
            else:
                stream = connection if shared.reader is not None else trio.SocketStream(connection)
                calls.start_soon(conduct, Conductor(stream, shared, calls, shown_address(address)))
    finally:
        _turn_away_backlog(sock.fileno(), sock.family)
        listener.socket.close()


def _turn_away_backlog(listening: int, family: int) -> None:
    """Hang up the calls that are connected and not accepted: closing the listener would leave their callers parked."""
    with socket.socket(family, socket.SOCK_STREAM, fileno=os.dup(listening)) as sock:
        sock.setblocking(False)
        while True:
            try:
                connection, address = sock.accept()
            except OSError:  # BlockingIOError: there are no more
                return
            _log.warning("%s connected too late, and is hung up", shown_address(address))
            with connection, suppress(OSError):
                connection.send(_TOO_LATE)


def shown_address(address: object) -> str:
    """A socket's address in a log line."""
    match address:
        case (str(host), int(port), *_):
            return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        case _:
            return str(address or "a local socket")
