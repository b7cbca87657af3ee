"""A PIN opens one of several conferences; whoever has the chair's PIN may speak to all, the others only listen.

Shows `ask`, and `conference` with flags and its result.
Serve it: `esl-outbound serve conference_with_pin:Conferences`.
"""

from __future__ import annotations

from typing import ClassVar

from esl_outbound import CallHandler, ConferenceFlag


class Conferences(CallHandler):
    rooms: ClassVar[dict[str, tuple[str, tuple[ConferenceFlag, ...]]]] = {
        "1111": ("board", (ConferenceFlag.MODERATOR,)),
        "1112": ("board", (ConferenceFlag.MUTE,)),
        "2222": ("sales", ()),
    }

    async def run(self) -> None:
        await self.answer()
        for _ in range(3):
            pin = await self.ask("conference/conf-pin.wav", digits=4, allowed="0123456789", tries=1)
            if pin in self.rooms:
                break
            await self.playback("conference/conf-bad-pin.wav")
        else:
            await self.playback("conference/conf-goodbye.wav")
            return
        name, flags = self.rooms[pin]
        await self.conference(name, profile="default", flags=flags)
        await self.playback("conference/conf-goodbye.wav")
