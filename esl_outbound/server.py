"""The server: FreeSWITCH connects, a handler runs the call."""

from __future__ import annotations

import errno
import logging
import socket
from functools import partial
from typing import Any, Final

import trio

from .call.observing import wanted_events
from .conduct import HANDSHAKE_SECONDS, Conductor, Plan, Shared
from .handler import CallHandler, HandlerSource, handler_factory
from .protocol import MAX_BODY_BYTES, MAX_HEAD_BYTES
from .reading import CAN_READ_SOCKETS, SocketReader
from .timers import Timers

__all__ = ["serve", "serve_listeners"]

_log: Final = logging.getLogger("esl_outbound.server")

# The process, or the system, is out of descriptors or memory: FreeSWITCH's connections wait in the backlog.
_NO_ROOM: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
_NO_ROOM_SECONDS: Final = 1.0
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
    handshake_seconds: float = HANDSHAKE_SECONDS,
    max_head_bytes: int = MAX_HEAD_BYTES,
    max_body_bytes: int = MAX_BODY_BYTES,
    task_status: trio.TaskStatus[list[trio.SocketListener]] = trio.TASK_STATUS_IGNORED,
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
        handshake_seconds: How long a peer may take to answer ``connect``.
        max_head_bytes: The longest head of a frame that is accepted, in bytes.
        max_body_bytes: The longest body of a frame that is accepted, in bytes.
        task_status: What ``nursery.start`` gives.

    Raises:
        TypeError: ``handler`` makes no handlers.
        LocalProtocolError: The handler's ``subscribe`` names what is no event.
        OSError: The address cannot be listened on.
    """
    plan = _plan(handler, handshake_seconds, max_head_bytes, max_body_bytes)
    listeners = await trio.open_tcp_listeners(port, host=host)
    for listener in listeners:
        _log.info("listening on %s", shown_address(listener.socket.getsockname()))
    await _serve(plan, listeners, task_status)


async def serve_listeners(
    handler: HandlerSource,
    listeners: list[trio.SocketListener],
    *,
    handshake_seconds: float = HANDSHAKE_SECONDS,
    max_head_bytes: int = MAX_HEAD_BYTES,
    max_body_bytes: int = MAX_BODY_BYTES,
    task_status: trio.TaskStatus[list[trio.SocketListener]] = trio.TASK_STATUS_IGNORED,
) -> None:
    """As ``serve``, on listeners that are there already; they are closed at the end."""
    plan = _plan(handler, handshake_seconds, max_head_bytes, max_body_bytes)
    await _serve(plan, listeners, task_status)


def _plan(handler: HandlerSource, handshake_seconds: float, max_head_bytes: int, max_body_bytes: int) -> Plan:
    factory = handler_factory(handler)
    handler_class = _class_of(handler)
    return Plan(
        factory,
        handler_class,
        wanted_events(handler_class.subscribe),
        handshake_seconds=handshake_seconds,
        max_head_bytes=max_head_bytes,
        max_body_bytes=max_body_bytes,
    )


def _class_of(handler: HandlerSource) -> type[CallHandler[Any]]:
    """The class whose settings count before the call is there; a callable that makes handlers has the defaults."""
    made = handler.func if isinstance(handler, partial) else handler
    return made if isinstance(made, type) and issubclass(made, CallHandler) else CallHandler


async def _serve(
    plan: Plan,
    listeners: list[trio.SocketListener],
    task_status: trio.TaskStatus[list[trio.SocketListener]],
) -> None:
    over = trio.Event()
    async with trio.open_nursery() as nursery:
        shared: Shared = await nursery.start(_keep_readers, plan, over)
        try:
            async with trio.open_nursery() as calls:
                for listener in listeners:
                    calls.start_soon(_accept, listener, calls, shared)
                task_status.started(listeners)
        finally:
            over.set()


async def _keep_readers(
    plan: Plan, over: trio.Event, *, task_status: trio.TaskStatus[Shared] = trio.TASK_STATUS_IGNORED
) -> None:
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
            task_status.started(Shared(plan, reader, streams, timers))
            await over.wait()
        if reader is not None:
            await reader.wait_empty()
        nursery.cancel_scope.cancel()


async def _accept(listener: trio.SocketListener, calls: trio.Nursery, shared: Shared) -> None:
    """Take in what FreeSWITCH connects, a task for each call."""
    sock = listener.socket
    if sock.family in (socket.AF_INET, socket.AF_INET6):
        # Connections inherit it: a command is one small write, and shall not wait for the last one's acknowledgement.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    async with listener:
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
                calls.start_soon(Conductor(stream, shared, calls, shown_address(address)).conduct)


def shown_address(address: object) -> str:
    """A socket's address in a log line."""
    match address:
        case (str(host), int(port), *_):
            return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        case _:
            return str(address or "a local socket")
