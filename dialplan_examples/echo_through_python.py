"""The caller hears himself, a moment later: his audio comes to this program, and goes back from it.

Shows `audio`, which gives a Python program ears and a mouth: linear PCM in frames, in both directions.
Serve it: `esl-outbound serve echo_through_python:Echo`.
"""

from __future__ import annotations

from collections import deque

from esl_outbound import CallHandler


class Echo(CallHandler):
    delay_seconds = 1.0

    async def run(self) -> None:
        await self.answer()
        async with self.audio() as audio:
            late: deque[bytes] = deque()
            async for frame in audio:
                late.append(frame)
                if len(late) * audio.frame_seconds > self.delay_seconds:
                    await audio.write(late.popleft())
