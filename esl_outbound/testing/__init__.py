"""Test a handler without a FreeSWITCH and without a phone.

``FakeFreeSwitch`` plays FreeSWITCH's side of the event socket, and ``phone.dial(Handler)`` makes you the caller::

    async def test_reception(phone: FakeFreeSwitch) -> None:
        async with phone.dial(Reception) as caller:
            await caller.hears("ivr/welcome.wav")
            await caller.press("1")
            await caller.is_bridged_to("user/1001")

A program that connects to FreeSWITCH finds this one in ``async with phone.event_socket()``, or on a real port in
``phone.listening()``; ``async with phone.connect() as switch`` is the shortest way to a client.

``phone`` is a fixture of the pytest plugin that comes with this package; without pytest, ``FakeFreeSwitch()`` does
the same in any trio program. Everything runs on trio's clock.

Nothing here knows ``esl_outbound.protocol``: it is a second reading of FreeSWITCH, checked against recorded
conversations with a real one.
"""

from __future__ import annotations

from .callee import Callee
from .caller import Caller
from .channel import Channel
from .connection import Connection, Faults
from .failures import CallFailed, HandlerFailed
from .happenings import Happening, Moment, Who
from .recordings import NotARecording, RecordedCommand, RecordedFrame, Recording
from .replaying import ReplayDiverged, Replayed
from .session import Session, Woken
from .story import Bridge, Executed, Recorded, Sound
from .switch import FakeFreeSwitch

__all__ = [
    "Bridge",
    "CallFailed",
    "Callee",
    "Caller",
    "Channel",
    "Connection",
    "Executed",
    "FakeFreeSwitch",
    "Faults",
    "HandlerFailed",
    "Happening",
    "Moment",
    "NotARecording",
    "Recorded",
    "RecordedCommand",
    "RecordedFrame",
    "Recording",
    "ReplayDiverged",
    "Replayed",
    "Session",
    "Sound",
    "Who",
    "Woken",
]
