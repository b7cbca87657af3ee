"""Programs that control telephone calls on FreeSWITCH.

FreeSWITCH's dialplan says ``socket 127.0.0.1:8084 async full``, FreeSWITCH
opens a connection for the call, and a handler that you wrote runs it::

    from esl_outbound import CallHandler

    class Reception(CallHandler):
        async def run(self) -> None:
            await self.answer()
            await self.playback("ivr/ivr-welcome.wav")
            await self.hangup()

``esl-outbound serve app:Reception`` serves it; ``serve()`` does so from a program.

What is listed in ``__all__`` here, in ``errors`` and in ``protocol`` is public, the rest is private.
"""

from __future__ import annotations

from .call import (
    Answer,
    AnswerEnding,
    Call,
    CallRecord,
    Choice,
    Digits,
    Ending,
    EventStream,
    Execution,
    Expand,
    Job,
    Menu,
    MenuStep,
    Phrase,
    Playback,
    PlaybackResult,
    Prompt,
    Prompts,
    RecordSource,
    Say,
    SayGender,
    SayMethod,
    SayType,
    Speak,
    Stage,
    Tones,
    literal,
)
from .errors import (
    ApiFailed,
    ApplicationFailed,
    CallEnded,
    CallHungUp,
    CallReleased,
    CallTransferred,
    CannotRecord,
    CommandRejected,
    ConnectionLost,
    EslOutboundError,
    EventsLost,
    ExecutionLost,
    FileNotPlayed,
    HandlerNotFound,
    LocalProtocolError,
    NoCallYet,
    NotPermitted,
    ProtocolError,
    RecordingFailed,
    RemoteProtocolError,
    TooManyDigits,
    UnknownApplication,
)
from .handler import CallHandler
from .protocol import ApiResponse, Event, EventFormat, EventName, HangupCause, Headers, Reply, Variables
from .routing import Condition, Route, Router
from .server import serve, serve_listeners, serve_stream

__all__ = [
    "Answer",
    "AnswerEnding",
    "ApiFailed",
    "ApiResponse",
    "ApplicationFailed",
    "Call",
    "CallEnded",
    "CallHandler",
    "CallHungUp",
    "CallRecord",
    "CallReleased",
    "CallTransferred",
    "CannotRecord",
    "Choice",
    "CommandRejected",
    "Condition",
    "ConnectionLost",
    "Digits",
    "Ending",
    "EslOutboundError",
    "Event",
    "EventFormat",
    "EventName",
    "EventStream",
    "EventsLost",
    "Execution",
    "ExecutionLost",
    "Expand",
    "FileNotPlayed",
    "HandlerNotFound",
    "HangupCause",
    "Headers",
    "Job",
    "LocalProtocolError",
    "Menu",
    "MenuStep",
    "NoCallYet",
    "NotPermitted",
    "Phrase",
    "Playback",
    "PlaybackResult",
    "Prompt",
    "Prompts",
    "ProtocolError",
    "RecordSource",
    "RecordingFailed",
    "RemoteProtocolError",
    "Reply",
    "Route",
    "Router",
    "Say",
    "SayGender",
    "SayMethod",
    "SayType",
    "Speak",
    "Stage",
    "Tones",
    "TooManyDigits",
    "UnknownApplication",
    "Variables",
    "__version__",
    "literal",
    "serve",
    "serve_listeners",
    "serve_stream",
]

__version__ = "0.1.0"
