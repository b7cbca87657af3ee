"""Two servers, of which one may be down at any time, for an update, say.

Shows, with its dialplan, what becomes of callers when a server is down, when both are, and when a handler gives up.
Serve both: `esl-outbound serve failover:first` and `esl-outbound serve failover:second --port 8085`.
"""

from __future__ import annotations

from functools import partial

from esl_outbound import CallHandler


class Announcement(CallHandler):
    def __init__(self, sound: str) -> None:
        self.sound = sound

    async def run(self) -> None:
        if not await self.backend_is_well():
            await self.continue_dialplan()
            return
        await self.answer()
        await self.playback(self.sound)
        await self.hangup()

    async def backend_is_well(self) -> bool:
        """Ask whatever the application cannot do without."""
        return True


first = partial(Announcement, "failover/first_server.wav")
second = partial(Announcement, "failover/second_server.wav")
