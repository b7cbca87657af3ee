"""A person is looked for at the desk, then at two telephones at once; whoever answers there has to press 1.

Shows `DialString` with legs in turn and at once, a confirmation that no mailbox can give, and what a bridge tells.
Serve it: `esl-outbound serve follow_me:FollowMe`.
"""

from __future__ import annotations

from esl_outbound import CallHandler, CallRecord, DialLeg, DialString

DESK = DialLeg("user/1001", ring_seconds=15)
ELSEWHERE = [
    DialLeg(
        destination,
        ring_seconds=30,
        delay_seconds=delay,
        confirm_key="1",
        confirm_prompt="ivr/ivr-accept_reject_voicemail.wav",
    )
    for destination, delay in (("sofia/gateway/provider/436641234567", 0), ("sofia/gateway/provider/4312345678", 5))
]


class FollowMe(CallHandler):
    async def run(self) -> None:
        outcome = await self.bridge(DialString.in_turn(DESK, ELSEWHERE), ring_seconds=45)
        if not outcome.answered:
            await self.answer()
            await self.playback("ivr/ivr-no_user_response.wav")
            await self.hangup()

    async def after_hangup(self, record: CallRecord) -> None:
        bridge = self.last_bridge
        if bridge is not None and bridge.result is not None and bridge.result.answered:
            talked = f"{bridge.result.channel_name} for {bridge.result.talk_seconds} s"
            print(f"{record.caller_id_number} talked to {talked}")
