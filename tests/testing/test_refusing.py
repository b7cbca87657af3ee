"""Answers of SIP that end a call, and channels that know none."""

from __future__ import annotations

import pytest
import trio

from esl_outbound.testing import FakeFreeSwitch

from .speaking import parked, variables


@pytest.mark.parametrize(
    ("argument", "cause"),
    [
        ("486 Busy", "USER_BUSY"),
        ("401", "USER_CHALLENGE"),
        ("488", "INCOMPATIBLE_DESTINATION"),
        ("", "INCOMPATIBLE_DESTINATION"),
        ("499", "NORMAL_UNSPECIFIED"),
    ],
)
async def test_a_status_above_399_hangs_up(phone: FakeFreeSwitch, argument: str, cause: str) -> None:
    async with parked(phone, before=[]) as (caller, socket):
        await socket.execute("respond", argument)
        await socket.until("CHANNEL_EXECUTE_COMPLETE", Application="respond")
        assert caller.hangup_cause == cause
        assert socket.told()[-2:] == [f"HANGUP {cause}", "COMPLETE respond _none_"]


@pytest.mark.parametrize("argument", ["100", "302", "302 sip:a@b", "399"])
async def test_one_below_ends_nothing(phone: FakeFreeSwitch, argument: str) -> None:
    async with parked(phone, before=[]) as (caller, socket):
        await socket.run("respond", argument)
        assert caller.is_up


async def test_after_the_answer_a_status_hangs_up_but_for_488(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        await socket.run("respond", "488")
        assert caller.is_up
        await socket.execute("respond", "486")
        await caller.was_hung_up("USER_BUSY")


async def test_a_redirection_is_for_calls_that_are_not_answered(phone: FakeFreeSwitch) -> None:
    async with parked(phone, before=[]) as (caller, socket):
        await socket.execute("redirect", "sip:1001@example.org USER_BUSY")
        await caller.was_hung_up("USER_BUSY")
    async with parked(phone) as (caller, socket):
        await socket.run("redirect", "sip:1001@example.org")
        assert caller.is_up


async def test_a_deflected_call_is_hung_up_with_what_the_caller_replied(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        await socket.execute("deflect", "1001")
        hangup = await socket.until("CHANNEL_HANGUP")
        assert caller.hangup_cause == "BLIND_TRANSFER"
        assert variables(hangup)["sip_refer_target_status_code"] == "200"


async def test_deflect_waits_for_the_answer(phone: FakeFreeSwitch) -> None:
    async with parked(phone, before=[]) as (caller, socket):
        await socket.execute("deflect", "1001")
        await trio.sleep(9)
        assert caller.is_up
        await caller.was_hung_up("BLIND_TRANSFER", within=2)


@pytest.mark.parametrize("application", ["respond", "redirect", "deflect"])
async def test_a_loopback_channel_knows_none_of_them(phone: FakeFreeSwitch, application: str) -> None:
    async with parked(phone, endpoint="loopback") as (caller, socket):
        await socket.run(application, "486")
        assert caller.is_up
