"""The server: FreeSWITCH connects, a handler runs the call."""

from __future__ import annotations

import logging
from functools import partial
from typing import Any, Final

import trio

from .call.observing import wanted_events
from .conduct import HANDSHAKE_SECONDS, Conductor, Overdue, Plan
from .handler import CallHandler, HandlerSource, handler_factory
from .protocol import MAX_BODY_BYTES, MAX_HEAD_BYTES

__all__ = ["serve", "serve_listeners"]

_log: Final = logging.getLogger("esl_outbound.server")


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
        address = listener.socket.getsockname()
        _log.info("listening on %s", f"[{address[0]}]:{address[1]}" if ":" in address[0] else f"{address[0]}:{address[1]}")
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
    overdue = Overdue()

    async def serve_call(stream: trio.SocketStream) -> None:
        await Conductor(stream, plan, overdue).conduct(readers)

    # The readers are out of reach of a cancellation from above: a call's clean-up needs its reader. They end when
    # their connections are closed, which each call's clean-up does.
    async with trio.open_nursery() as readers:
        readers.cancel_scope.shield = True
        async with trio.open_nursery() as calls:
            calls.start_soon(overdue.watch, calls)
            await trio.serve_listeners(serve_call, listeners, handler_nursery=calls, task_status=task_status)
