"""By day the call goes on in the dialplan; at night and on holidays the caller is told the hours.

Shows `continue_dialplan`, `say` with a time, and a clock that a test can set.
Serve it: `esl-outbound serve night_service:NightService`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from esl_outbound import CallHandler, SayType

ZONE = ZoneInfo("Europe/Vienna")
OPENS, CLOSES = time(9), time(17, 30)
HOLIDAYS = frozenset({date(2026, 12, 25), date(2026, 12, 26), date(2027, 1, 1)})


def now() -> datetime:
    return datetime.now(ZONE)


def is_open(moment: datetime) -> bool:
    return moment.weekday() < 5 and moment.date() not in HOLIDAYS and OPENS <= moment.time() < CLOSES


class NightService(CallHandler):
    def __init__(self, clock: Callable[[], datetime] = now) -> None:
        self.clock = clock

    async def run(self) -> None:
        moment = self.clock()
        if is_open(moment):
            await self.continue_dialplan()
            return
        await self.answer()
        await self.set_variable("timezone", ZONE.key)
        await self.playback("night/closed.wav")
        await self.playback("night/we_open_at.wav")
        await self.say(datetime.combine(moment, OPENS, ZONE), SayType.CURRENT_TIME)
        await self.hangup()
