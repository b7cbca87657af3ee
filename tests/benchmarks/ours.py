"""The handlers that are measured: ``four-steps`` or ``waiting``, and a port."""

from __future__ import annotations

import sys
from functools import partial

import trio

from esl_outbound import CallHandler, serve


class FourSteps(CallHandler):
    async def run(self) -> None:
        await self.answer()
        await self.playback("ivr/a.wav")
        await self.playback("ivr/b.wav")
        await self.hangup()


class Waiting(CallHandler):
    async def run(self) -> None:
        await self.answer()
        await trio.sleep_forever()


if __name__ == "__main__":
    handler = {"four-steps": FourSteps, "waiting": Waiting}[sys.argv[1]]
    trio.run(partial(serve, handler, port=int(sys.argv[2])))
