"""The event socket protocol: bytes and values, no I/O.

::

    bytes --> frames --> messages --> connection --> whoever listens
    bytes <-- commands <------------- connection <-- whoever speaks

* ``frames`` cuts bytes into frames, ``headers`` looks into their heads lazily.
* ``messages`` says what a frame means, ``events`` is what most of them are.
* ``commands`` has one class per command, ``causes`` the hangup causes.
* ``connection`` pairs replies with the commands they answer.

Nothing here imports trio, socket, time or logging.
"""

from __future__ import annotations

from .causes import HangupCause, hangup_cause
from .commands import (
    Api,
    Auth,
    BgApi,
    Command,
    Connect,
    DivertEvents,
    Execute,
    Exit,
    Filter,
    FilterDelete,
    GetVar,
    Hangup,
    Linger,
    Log,
    MyEvents,
    NixEvent,
    NoEvents,
    NoLinger,
    NoLog,
    NoMedia,
    Resume,
    SendEvent,
    SendMsg,
    Subscribe,
    Unicast,
    UserAuth,
    XferExt,
)
from .connection import Connection, Exchange, Waiter
from .events import Event, EventFormat, EventName, event_name
from .frames import MAX_BODY_BYTES, MAX_HEAD_BYTES, Frame, FrameReader
from .headers import Headers, Variables, array_items
from .messages import (
    NO_REPLY,
    ApiResponse,
    AuthRequest,
    ConnectReply,
    DisconnectNotice,
    LogLine,
    Message,
    Reply,
    RudeRejection,
    UnknownMessage,
    read_message,
)

__all__ = [
    "MAX_BODY_BYTES",
    "MAX_HEAD_BYTES",
    "NO_REPLY",
    "Api",
    "ApiResponse",
    "Auth",
    "AuthRequest",
    "BgApi",
    "Command",
    "Connect",
    "ConnectReply",
    "Connection",
    "DisconnectNotice",
    "DivertEvents",
    "Event",
    "EventFormat",
    "EventName",
    "Exchange",
    "Execute",
    "Exit",
    "Filter",
    "FilterDelete",
    "Frame",
    "FrameReader",
    "GetVar",
    "Hangup",
    "HangupCause",
    "Headers",
    "Linger",
    "Log",
    "LogLine",
    "Message",
    "MyEvents",
    "NixEvent",
    "NoEvents",
    "NoLinger",
    "NoLog",
    "NoMedia",
    "Reply",
    "Resume",
    "RudeRejection",
    "SendEvent",
    "SendMsg",
    "Subscribe",
    "Unicast",
    "UnknownMessage",
    "UserAuth",
    "Variables",
    "Waiter",
    "XferExt",
    "array_items",
    "event_name",
    "hangup_cause",
    "read_message",
]
