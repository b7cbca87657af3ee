"""The test of a three-level menu reads like its story, and takes no time."""

from __future__ import annotations

from esl_outbound.testing import FakeFreeSwitch

from .office import Office


async def test_a_caller_who_goes_astray_is_put_through_in_the_end(phone: FakeFreeSwitch) -> None:
    async with phone.dial(Office) as caller:
        await caller.hears("welcome.wav")
        await caller.press("9")
        await caller.hears("wrong-key.wav")
        await caller.hears("welcome.wav", to_the_end=True)
        await caller.stays_silent(5)
        await caller.hears("nothing-heard.wav")
        await caller.hears("welcome.wav")
        await caller.press("1")
        await caller.hears("language.wav")
        await caller.press("2")
        await caller.hears("persons-de.wav")
        await caller.press("4")
        callee = await caller.is_bridged_to("user/1004")
        await callee.hangs_up()
        await caller.was_hung_up("NORMAL_CLEARING")


async def test_a_caller_who_types_ahead_hears_no_menu_twice(phone: FakeFreeSwitch) -> None:
    async with phone.dial(Office) as caller:
        await caller.hears("welcome.wav")
        await caller.press("113")
        await caller.is_bridged_to("user/1003")
    assert [sound for sound in caller.heard if sound == "wrong-key.wav"] == []


async def test_a_caller_who_hangs_up_amid_a_prompt_is_cleaned_up_after(phone: FakeFreeSwitch) -> None:
    Office.finished.clear()
    async with phone.dial(Office) as caller:
        await caller.hears("welcome.wav")
        await caller.hangs_up()
    assert Office.finished == ["done"]
    assert caller.cdr["hangup_cause"] == "NORMAL_CLEARING"


async def test_who_cannot_be_reached_gets_a_message(phone: FakeFreeSwitch) -> None:
    phone.destination("user/1005", cause="USER_BUSY")
    async with phone.dial(Office) as caller:
        await caller.hears("welcome.wav")
        await caller.press("115")
        await caller.is_not_put_through("user/1005", "USER_BUSY")
        await caller.hears("leave-a-message.wav", to_the_end=True)
        message = await caller.is_recorded("message.wav")
        await caller.speaks(10)
        await caller.was_hung_up()
    assert message.seconds is not None
    assert 12 < message.seconds < 14
