"""An order is taken, and recorded if the caller agrees, but for the number of his card.

Shows `recording` as a block that ends whatever happens, `masked` inside it, and `ask` for consent.
Serve it: `esl-outbound serve recording_with_consent:Order`.
"""

from __future__ import annotations

from contextlib import AsyncExitStack, nullcontext

from esl_outbound import CallHandler, CallRecord, CallRecording


class Order(CallHandler):
    folder = "/var/spool/orders"

    async def run(self) -> None:
        await self.answer()
        consent = await self.ask("order/may_we_record_this.wav", digits=1, allowed="12", tries=2)
        async with AsyncExitStack() as stack:
            recording = None
            if consent == "1":
                path = f"{self.folder}/{self.channel_uuid}.wav"
                recording = await stack.enter_async_context(self.recording(path, stereo=True))
            await self.take_order(recording)
        await self.playback("order/thank_you.wav")

    async def take_order(self, recording: CallRecording | None) -> None:
        item = await self.ask("order/item_number.wav", digits=4, allowed="0123456789")
        if not item:
            return
        # Nobody who hears the recording later hears the tones of the card's digits.
        async with nullcontext() if recording is None else recording.masked():
            card = await self.ask("order/card_number.wav", min_digits=12, max_digits=19, allowed="0123456789")
        if card:
            # Here the item and the card would go to the shop; into no log, and into no channel variable.
            await self.playback("order/you_have_ordered.wav")

    async def after_hangup(self, record: CallRecord) -> None:
        for recording in self.recordings:
            print(f"{record.caller_id_number}: {recording.seconds} s in {recording.path}")
