"""The handler under test in ``test_office``: a menu of three levels, a bridge, and a mailbox."""

from __future__ import annotations

from typing import ClassVar

import trio

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
        for _ in range(3):
            await self.playback(prompt, terminators="0123456789*#")
            with trio.move_on_after(ANSWER_SECONDS):
                digit = await self.digits.get()
                if digit in allowed:
                    return digit
                await self.playback("wrong-key.wav")
                continue
            await self.playback("nothing-heard.wav")
        return ""

    async def connect(self, destination: str) -> None:
        await self.set_variable("continue_on_fail", "true")
        bridge = await self.execute("bridge", f"{{ignore_early_media=true}}{destination}")
        if bridge.variables["originate_disposition"] != "SUCCESS":
            await self.playback("leave-a-message.wav")
            await self.execute("record", "/var/spool/message.wav 60 200 3")

    async def after_hangup(self, record: object) -> None:
        self.finished.append("done")
