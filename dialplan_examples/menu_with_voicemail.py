"""A menu leads to people; whoever does not answer, or is busy, has a mailbox.

Shows `menu` with choices that are coroutines and handlers, `bridge` and its result, and `voicemail`.
Serve it: `esl-outbound serve menu_with_voicemail:Reception`.
"""

from __future__ import annotations

from functools import partial

from esl_outbound import CallHandler, MenuStep


class Person(CallHandler):
    """Somebody who can be called, and has a mailbox."""

    def __init__(self, extension: str) -> None:
        self.extension = extension

    async def run(self) -> None:
        outcome = await self.bridge(f"user/{self.extension}", ring_seconds=20)
        if not outcome.answered:
            domain = self.variables.get("domain_name", "localhost")
            await self.voicemail(domain, self.extension)


class Reception(CallHandler):
    async def run(self) -> None:
        await self.answer()
        await self.menu(
            "menu/welcome.wav",
            {
                "1": partial(Person, "1001"),
                "2": partial(Person, "1002"),
                "3": self.hours,
                "9": MenuStep.REPEAT,
            },
            invalid="ivr/ivr-that_was_an_invalid_entry.wav",
            silence="ivr/ivr-did_not_receive_a_response.wav",
            on_failure=partial(Person, "1000"),
        )
        await self.hangup()

    async def hours(self) -> MenuStep:
        await self.playback("menu/hours.wav")
        return MenuStep.REPEAT
