"""The handler under test in ``test_office``: a menu of three levels, a bridge, and a mailbox."""

from __future__ import annotations

from typing import ClassVar

from esl_outbound import CallHandler

ANSWER_SECONDS = 5.0


class Office(CallHandler):
    """1 is sales, 2 the office hours; sales asks for a language, and then for a person."""

    finished: ClassVar[list[str]] = []

    async def run(self) -> None:
        await self.answer()
        match await self.choose("welcome.wav", "12"):
            case "1":
                language = await self.choose("language.wav", "12")
                extension = await self.choose(f"persons-{'en' if language == '1' else 'de'}.wav", "345")
                await self.connect(f"user/100{extension}")
            case "2":
                await self.playback("hours.wav")
            case _:
                await self.playback("goodbye.wav")
        await self.hangup()

    async def choose(self, prompt: str, allowed: str) -> str:
        """The key that was pressed; empty after three tries."""
        return await self.ask(
            prompt,
            digits=1,
            allowed=allowed,
            timeout_seconds=ANSWER_SECONDS,
            invalid="wrong-key.wav",
            silence="nothing-heard.wav",
        )

    async def connect(self, destination: str) -> None:
        outcome = await self.bridge(destination)
        if not outcome.answered:
            await self.playback("leave-a-message.wav")
            await self.record("/var/spool/message.wav", max_seconds=60, silence_seconds=3)

    async def after_hangup(self, record: object) -> None:
        self.finished.append("done")
