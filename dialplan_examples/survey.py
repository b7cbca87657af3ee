"""Three questions are asked after a call; what was answered is kept even if the caller hangs up amid them.

Shows `ask` with allowed digits, and that `after_hangup` is the place to save what a cancelled `run()` has gathered.
Serve it: `esl-outbound serve survey:Survey`.
"""

from __future__ import annotations

import json
import sys

from esl_outbound import CallHandler, CallRecord

QUESTIONS = ("friendliness", "competence", "patience")


class Survey(CallHandler):
    def __init__(self) -> None:
        self.answers: dict[str, int] = {}

    async def run(self) -> None:
        await self.playback("survey/introduction.wav")
        for question in QUESTIONS:
            answer = await self.ask(f"survey/{question}.wav", digits=1, allowed="12345", tries=2)
            if answer:
                self.answers[question] = int(answer)
        await self.playback("survey/thank_you.wav")

    async def after_hangup(self, record: CallRecord) -> None:
        json.dump({"caller": record.caller_id_number, "hung_up": str(record.hangup_cause), **self.answers}, sys.stdout)
        print()
