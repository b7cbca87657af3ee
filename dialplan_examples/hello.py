"""The least that a call needs: answer, say something, hang up, and keep a record.

Shows that `run()` is straight-line code, and that `after_hangup` comes whatever ended the call.
Serve it: `esl-outbound serve hello:Hello`. Be the caller without a FreeSWITCH: `esl-outbound call hello:Hello`.
"""

from __future__ import annotations

from esl_outbound import CallHandler, CallRecord, SayMethod, SayType


class Hello(CallHandler):
    async def run(self) -> None:
        await self.answer()
        await self.playback("ivr/ivr-welcome_to_freeswitch.wav")
        await self.say(self.caller_id_number, SayType.TELEPHONE_NUMBER, SayMethod.ITERATED)
        await self.hangup()

    async def after_hangup(self, record: CallRecord) -> None:
        print(f"{record.caller_id_number} was here for {record.billsec} s: {record.hangup_cause}")
