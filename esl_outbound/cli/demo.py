"""The reception of a small company: the application of ``esl-outbound demo``, and an example to begin with.

Be the caller yourself: ``esl-outbound call esl_outbound.cli.demo:Reception``.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime

from esl_outbound import CallHandler, CallRecord, SayType

__all__ = ["Reception"]

log = logging.getLogger("reception")


class Reception(CallHandler):
    """1 is the sales department, 2 the service, 3 the time of day."""

    async def run(self) -> None:
        """Answer, ask what the caller wants, and do it."""
        await self.answer()
        await self.playback("reception/welcome.wav")
        choice = await self.ask(
            "reception/menu.wav",
            digits=1,
            allowed="123",
            timeout_seconds=2,
            invalid="reception/wrong_key.wav",
            silence="reception/are_you_there.wav",
        )
        if choice == "1":
            await self.put_through("user/1001")
        elif choice == "2":
            await self.put_through("user/1002")
        elif choice == "3":
            await self.say(datetime.now(UTC), SayType.CURRENT_TIME)
        await self.playback("reception/goodbye.wav")
        await self.hangup()

    async def put_through(self, destination: str) -> None:
        """Let the caller talk to somebody, or leave a message."""
        outcome = await self.bridge(destination, ring_seconds=20)
        if not outcome.answered:
            log.info("%s does not answer %s: %s", destination, self.caller_id_number, outcome.cause)
            await self.take_message()

    async def take_message(self) -> None:
        """Record what the caller says, until a # or two seconds of silence."""
        await self.playback("reception/nobody_is_free.wav")
        await self.record(f"/tmp/message-{self.channel_uuid}.wav", max_seconds=60, silence_seconds=2)
        await self.playback("reception/thank_you.wav")

    async def after_hangup(self, record: CallRecord) -> None:
        """Say how the call went; a real one would go into a database."""
        log.info("%s was here for %.1f s: %s", record.caller_id_number, record.seconds, record.hangup_cause)
