"""What all calls of one server have in common, worked out once."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from typing import Any, Final, TypedDict, final

from .call import Call
from .call.observing import Wanted
from .handler import CallHandler
from .protocol import (
    MAX_BODY_BYTES,
    MAX_HEAD_BYTES,
    Command,
    Connect,
    Connection,
    HangupCause,
    Linger,
    MyEvents,
    Subscribe,
)
from .recorder import Recorder

__all__ = ["HANDSHAKE_SECONDS", "Limits", "Options", "Plan", "linger_seconds"]

HANDSHAKE_SECONDS: Final = 25.0
"""How long a peer may take to answer ``connect``. FreeSWITCH itself waits 24 to 25 s for it to be said."""

# A day: longer than anybody waits for a call that is over.
_LONGEST_SECONDS: Final = 86_400


class Limits(TypedDict, total=False):
    """What a peer may ask of us before it has shown that it is FreeSWITCH."""

    handshake_seconds: float
    max_head_bytes: int
    max_body_bytes: int


class Options(Limits, total=False):
    """What ``serve``, ``serve_listeners`` and ``serve_stream`` can be told by keyword."""

    record: str | os.PathLike[str] | None


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
        record: The directory that all calls are recorded into.

    Raises:
        CannotRecord: Nothing can be written into it.
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
        record: str | os.PathLike[str] | None = None,
    ) -> None:
        self._limits = (max_head_bytes, max_body_bytes)
        self.make_handler: Final = make_handler
        self.handshake_seconds: Final = handshake_seconds
        self.handler_class: Final = handler_class
        self.wind_down_seconds: Final = handler_class.wind_down_seconds
        self.linger_seconds: Final = linger_seconds(handler_class)
        # BACKGROUND_JOB is not among the events of myevents, and then only our own jobs come.
        names = ("BACKGROUND_JOB", *wanted.names)
        self.wanted: Final = wanted
        self.subscription: Final = Subscribe(names, wanted.subclasses)
        self.set_up: Final[tuple[Command, ...]] = (
            Connect(),
            MyEvents(),
            # Never without a number: that would keep the session for ever.
            Linger(self.linger_seconds),
            self.subscription,
        )
        self.encoded_set_up: Final = b"".join(command.encode() for command in self.set_up)
        self.recorder: Final = None if record is None else Recorder(record)

    def new_connection(self) -> Connection:
        """A fresh protocol state with the limits of this server."""
        return Connection(max_head_bytes=self._limits[0], max_body_bytes=self._limits[1])


def linger_seconds(*handlers: CallHandler[Any] | type[CallHandler[Any]]) -> int:
    """How long FreeSWITCH is to keep the socket after the hangup: as long as handlers may still want it.

    Raises:
        TypeError: A setting of a handler's class is no number of seconds, or no hangup cause.
    """
    for handler in handlers:
        _check_settings(handler)
    wind_down = max(handler.wind_down_seconds for handler in handlers)
    return math.ceil(wind_down + sum(handler.after_hangup_seconds for handler in handlers) + 1)


def _check_settings(handler: CallHandler[Any] | type[CallHandler[Any]]) -> None:
    name = (handler if isinstance(handler, type) else type(handler)).__name__
    for setting in ("wind_down_seconds", "after_hangup_seconds", "on_error_seconds"):
        seconds = getattr(handler, setting)
        if not isinstance(seconds, int | float) or not 0 <= seconds < _LONGEST_SECONDS:
            raise TypeError(f"{name}.{setting} is {seconds!r}, and should be a number of seconds")
    if handler.error_hangup_cause not in HangupCause.__members__:
        raise TypeError(f"{name}.error_hangup_cause is {handler.error_hangup_cause!r}, and no hangup cause")
