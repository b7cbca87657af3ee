"""All examples behind one port: the path in the dialplan line says which of them a call is for.

Shows `Router` with paths, patterns and a predicate, and what becomes of a call that is for none of them.
Serve it: `esl-outbound serve many_applications:router`.
"""

from __future__ import annotations

import re

from conference_with_pin import Conferences
from echo_through_python import Echo
from failover import first
from follow_me import FollowMe
from hello import Hello
from menu_with_voicemail import Reception
from night_service import NightService, is_open, now
from pin import account
from queue_with_positions import Waiting
from recording_with_consent import Order
from survey import Survey

from esl_outbound import CallHandler, HangupCause, Route, Router


class Extension(CallHandler):
    """What is behind `many_applications/51..`: the last two digits are said."""

    async def run(self) -> None:
        await self.answer()
        await self.say(self.socket_path[-2:])


router = Router(
    Route(Hello, path="hello"),
    Route(account, path="pin"),
    Route(Survey, path="survey"),
    Route(NightService, path="night_service"),
    Route(first, path="failover"),
    Route(Order, path="recording_with_consent"),
    Route(Waiting, path="queue_with_positions"),
    Route(Conferences, path="conference_with_pin"),
    Route(Reception, path="menu_with_voicemail"),
    Route(FollowMe, path="follow_me"),
    Route(Echo, path="echo_through_python"),
    # By night there is nobody at the even numbers.
    Route(NightService, path=re.compile(r"many_applications/51\d[02468]"), when=lambda _: not is_open(now())),
    Route(Extension, path=re.compile(r"many_applications/51\d\d")),
    otherwise=HangupCause.UNALLOCATED_NUMBER,
)
