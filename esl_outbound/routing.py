"""Many handlers behind one port: which of them has a call."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from inspect import iscoroutinefunction
from typing import Any, Final, TypeAlias, final

import attrs

from .call import Call
from .errors import LocalProtocolError
from .handler import CallHandler, HandlerSource, handler_factory
from .protocol import Hangup, HangupCause

__all__ = ["Condition", "Route", "Router"]

_log: Final = logging.getLogger("esl_outbound.call")

Condition: TypeAlias = str | re.Pattern[str]
"""What a value has to be: this very text, or one that the whole of a regular expression matches."""


@final
@attrs.frozen
class Route:
    """A handler, and the calls that are for it: those that meet every condition that is given."""

    handler: HandlerSource
    """What ``serve`` takes: a handler class, a partial of one, a callable that makes a handler."""
    path: Condition | None = attrs.field(default=None, kw_only=True)
    """``socket_path`` without what follows a question mark: ``ivr/menu`` of ``127.0.0.1:8084/ivr/menu?language=de``,
    which has no slash before it."""
    destination_number: Condition | None = attrs.field(default=None, kw_only=True)
    """The number that was called."""
    context: Condition | None = attrs.field(default=None, kw_only=True)
    """The dialplan's context."""
    variables: Mapping[str, Condition] = attrs.field(factory=dict, kw_only=True)
    """Channel variables; one that is not set is empty."""
    when: Callable[[Call], bool] | None = attrs.field(default=None, kw_only=True)
    """Any other condition, told from the call; it may not wait."""

    def matches(self, call: Call) -> bool:
        """Whether a call is for this handler."""
        conditions = (
            (self.path, call.socket_path.partition("?")[0]),
            (self.destination_number, call.destination_number),
            (self.context, call.context),
            *((condition, call.variables.get(name, "")) for name, condition in self.variables.items()),
        )
        return all(condition is None or _meets(value, condition) for condition, value in conditions) and (
            self.when is None or bool(self.when(call))
        )


@final
class Router:
    """Gives each call to the first handler whose route it matches: ``serve(Router(Route(...), ...))``.

    A call that matches none is hung up with ``otherwise``, which the caller of a
    SIP call hears as 404, and a warning in the log names it; or ``otherwise`` is a handler.

    Args:
        routes: The routes, in the order in which they are asked.
        otherwise: What becomes of a call that matches none: a hangup cause, or what ``serve`` takes.

    Raises:
        TypeError: A route has nothing that makes handlers, or its ``when`` is ``async def``.
        LocalProtocolError: ``otherwise`` is no hangup cause.
    """

    def __init__(
        self, *routes: Route, otherwise: HangupCause | str | HandlerSource = HangupCause.NO_ROUTE_DESTINATION
    ) -> None:
        for route in routes:
            if iscoroutinefunction(route.when):
                raise TypeError(f"{route.when!r} is 'async def', and should be a plain function: it may not wait")
        self._routes: Final = tuple((route, handler_factory(route.handler)) for route in routes)
        self._otherwise: Final = _unmatched(otherwise) if isinstance(otherwise, str) else handler_factory(otherwise)

    @property
    def routes(self) -> tuple[Route, ...]:
        """The routes, in the order in which they are asked."""
        return tuple(route for route, _ in self._routes)

    def __call__(self, call: Call) -> CallHandler[Any]:
        """The handler of a call; the framework asks for it."""
        for route, make_handler in self._routes:
            if route.matches(call):
                return make_handler(call)
        return self._otherwise(call)


def _meets(value: str, condition: Condition) -> bool:
    return value == condition if isinstance(condition, str) else condition.fullmatch(value) is not None


def _unmatched(cause: HangupCause | str) -> Callable[[Call], CallHandler[Any]]:
    try:
        Hangup(cause).encode()
    except LocalProtocolError as exc:
        raise LocalProtocolError(f"otherwise is {cause!r}, and no hangup cause") from exc
    return lambda _: _Unmatched(cause)


@final
class _Unmatched(CallHandler):
    """Hangs up a call that is for nobody."""

    def __init__(self, cause: HangupCause | str) -> None:
        self._cause = cause

    async def run(self) -> None:
        _log.warning(
            "channel %s: no route for %r, path %r, context %r",
            self.channel_uuid,
            self.destination_number,
            self.socket_path,
            self.context,
        )
        await self.hangup(self._cause)
