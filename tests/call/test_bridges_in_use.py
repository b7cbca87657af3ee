"""Bridges as handlers use them, against the simulated FreeSWITCH."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
import trio

from esl_outbound import CallHandler, CallHungUp, CallRecord, Expand, HangupCause
from esl_outbound.arguments.dial_strings import DialLeg, DialString
from esl_outbound.call.bridge_results import BridgeResult, EarlyMedia, HungUpBy
from esl_outbound.call.bridges import Bridge
from esl_outbound.testing import FakeFreeSwitch

EVIL = """Ada "L." ${system(touch x)} {x=1}[y=2]user/9,user/8|user/7:_:user/6 it's"""


@pytest.fixture(autouse=True)
def office(phone: FakeFreeSwitch) -> None:
    phone.destination("user/never", answers_after=None)
    phone.destination("user/busy", cause="USER_BUSY")
    phone.destination("user/early", early_media_after=0.2, answers_after=2.0)
    phone.destination("user/early-busy", early_media_after=0.2, cause="USER_BUSY", refuses_after=1.0)
    phone.destination("user/short", answers_after=1.0, hangs_up_after=5)


async def outcome(
    phone: FakeFreeSwitch, bridge: Callable[[CallHandler[None]], Awaitable[BridgeResult]], *, answer: bool = True
) -> BridgeResult:
    """What becomes of a bridge that ends by itself."""
    results: list[BridgeResult] = []

    class Handler(CallHandler[None]):
        async def run(self) -> None:
            if answer:
                await self.answer()
            results.append(await bridge(self))
            await self.playback("goodbye.wav")

    async with phone.dial(Handler) as caller:
        await caller.hears("goodbye.wav", within=600)
    return results[0]


async def test_somebody_answers_and_hangs_up(phone: FakeFreeSwitch) -> None:
    result = await outcome(phone, lambda call: call.bridge("user/short"))
    assert (result.answered, result.destination, result.cause) == (True, "user/short", HangupCause.NORMAL_CLEARING)
    assert result.ring_seconds == pytest.approx(1, abs=0.05)
    assert result.talk_seconds == pytest.approx(5, abs=0.05)
    assert result.hung_up_by is HungUpBy.CALLEE
    assert result.channel_name == "sofia/internal/short@127.0.0.1"


@pytest.mark.parametrize(
    ("destination", "cause"),
    [
        ("user/busy", "USER_BUSY"),
        ("user/never", "NO_ANSWER"),
        ("error/NO_ROUTE_DESTINATION", "NO_ROUTE_DESTINATION"),
        ("nonsense/1", "CHAN_NOT_IMPLEMENTED"),
        ("user/early-busy", "USER_BUSY"),
    ],
)
async def test_nobody_answers_and_the_call_goes_on(phone: FakeFreeSwitch, destination: str, cause: str) -> None:
    result = await outcome(phone, lambda call: call.bridge(destination, ring_seconds=10))
    assert (result.answered, result.cause, result.channel_uuid) == (False, HangupCause(cause), None)
    assert [leg.cause for leg in result.legs] == [cause]
    assert result.hung_up_by is None


@pytest.mark.parametrize("early_media", [EarlyMedia.IGNORED, EarlyMedia.HEARD])
async def test_a_list_goes_on_after_early_media_and_after_a_time_out(
    phone: FakeFreeSwitch, early_media: EarlyMedia
) -> None:
    dialled = DialString.in_turn("user/early-busy", ["user/never", DialLeg("user/busy")], "user/short")
    result = await outcome(phone, lambda call: call.bridge(dialled, ring_seconds=5, early_media=early_media))
    assert (result.answered, result.destination) == (True, "user/short")
    assert [leg.cause for leg in result.legs] == ["USER_BUSY", "NO_ANSWER", "USER_BUSY", "NORMAL_CLEARING"]
    assert all(leg.channel_uuid for leg in result.legs)


async def test_of_several_at_once_the_first_wins(phone: FakeFreeSwitch) -> None:
    late = DialLeg("user/late", delay_seconds=2)
    phone.destination("user/late", answers_after=0.5, hangs_up_after=1)
    result = await outcome(phone, lambda call: call.bridge(["user/never", late]))
    assert result.destination == late
    assert result.ring_seconds is not None
    assert 2.4 < result.ring_seconds < 3.6
    assert [leg.cause for leg in result.legs] == ["LOSE_RACE", "NORMAL_CLEARING"]


async def test_a_leg_has_a_time_of_its_own(phone: FakeFreeSwitch) -> None:
    leg = DialLeg("user/never", ring_seconds=3)
    result = await outcome(phone, lambda call: call.bridge(leg))
    assert (result.cause, result.legs[0].destination) == (HangupCause.ALLOTTED_TIMEOUT, leg)


async def test_early_media_that_connects_is_no_answer(phone: FakeFreeSwitch) -> None:
    result = await outcome(phone, lambda call: call.bridge("user/early-busy", early_media=EarlyMedia.CONNECTS))
    assert (result.answered, result.destination, result.cause) == (False, "user/early-busy", HangupCause.USER_BUSY)
    assert (result.talk_seconds, result.sip_status) == (0, 486)


async def test_an_answer_after_early_media_that_connects(phone: FakeFreeSwitch) -> None:
    phone.destination("user/1001", early_media_after=0.2, answers_after=2, hangs_up_after=3)
    result = await outcome(phone, lambda call: call.bridge("user/1001", early_media=EarlyMedia.CONNECTS), answer=False)
    assert (result.answered, result.hung_up_by) == (True, HungUpBy.CALLEE)
    assert result.ring_seconds == pytest.approx(2, abs=0.05)
    assert result.talk_seconds == pytest.approx(3, abs=0.05)


async def test_what_is_given_to_a_leg_arrives_there_exactly_and_nowhere_else(phone: FakeFreeSwitch) -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            await self.set_variable("origination_caller_id_name", "mine")
            for destination in ("user/1001", "loopback/1001"):
                await self.bridge(
                    destination, caller_id_name=EVIL, caller_id_number="+49 30", variables={"sip_h_X-Who": EVIL}
                )

    phone.destination("loopback/1001", answers_after=1)
    async with phone.dial(Handler, caller_id_name=EVIL) as caller:
        for destination, shown in (("user/1001", EVIL.replace('"', "'")), ("loopback/1001", EVIL)):
            callee = await caller.is_bridged_to(destination)
            assert (callee.caller_id_name, callee.caller_id) == (shown, "+49 30")
            assert callee.variables["sip_h_X-Who"] == EVIL
            assert not {"x", "y"} & callee.variables.keys()
            # Nothing of it is left on the caller's channel, while they talk already.
            assert not [name for name in caller.variables if "nolocal" in name or name == "export_vars"]
            await callee.hangs_up()


async def test_digits_that_a_caller_typed_are_one_destination_or_none(phone: FakeFreeSwitch) -> None:
    phone.destination("sofia/gateway/gw/*", hangs_up_after=1)
    result = await outcome(phone, lambda call: call.bridge("sofia/gateway/gw/*123#"))
    assert result.destination == "sofia/gateway/gw/*123#"


async def test_whoever_answers_has_to_press_a_key(phone: FakeFreeSwitch) -> None:
    phone.destination("user/1001", answers_after=1)
    phone.destination("user/mailbox", answers_after=0.5)
    results: list[BridgeResult] = []

    class FollowMe(CallHandler):
        async def run(self) -> None:
            await self.answer()
            results.append(
                await self.bridge(
                    ["user/mailbox", "user/1001"],
                    ring_seconds=30,
                    confirm_key="1",
                    confirm_prompt="press-1-to-accept.wav",
                    confirm_error_prompt="wrong.wav",
                )
            )
            await self.playback("goodbye.wav")

    async with phone.dial(FollowMe) as caller:
        callee = await caller.is_calling("user/1001")
        await trio.sleep(3)
        assert callee.is_up
        assert not caller.bridges[-1].callee
        await callee.presses("2")
        await callee.presses("1")
        await caller.is_bridged_to("user/1001")
        await callee.hangs_up()
        await caller.hears("goodbye.wav")
    assert results[0].destination == "user/1001"
    assert [leg.cause for leg in results[0].legs] == ["LOSE_RACE", "NORMAL_CLEARING"]


async def test_nobody_confirms(phone: FakeFreeSwitch) -> None:
    leg = DialLeg("user/1001", confirm_key="12", confirm_prompt="press.wav")
    result = await outcome(phone, lambda call: call.bridge([leg, "user/busy"], ring_seconds=4))
    assert (result.answered, result.cause) == (False, HangupCause.NO_ANSWER)


async def test_the_caller_gives_up_with_a_key_and_his_digits_are_not_lost(phone: FakeFreeSwitch) -> None:
    results: list[BridgeResult] = []

    class Handler(CallHandler):
        async def run(self) -> None:
            await self.answer()
            results.append(await self.bridge("user/never", cancel_key="*"))
            await self.playback("mailbox.wav")

    async with phone.dial(Handler) as caller:
        await caller.is_calling("user/never")
        await caller.press("*")
        await caller.hears("mailbox.wav")
    assert (results[0].answered, results[0].cause) == (False, HangupCause.NO_ANSWER)


async def test_digits_while_they_talk_are_feature_codes(phone: FakeFreeSwitch) -> None:
    codes: list[str] = []
    results: list[BridgeResult] = []

    class Handler(CallHandler):
        async def run(self) -> None:
            await self.answer()
            bridge = await self.start_bridge("user/1001")
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self.listen_for_codes, bridge)
                results.append(await bridge.finished())
                nursery.cancel_scope.cancel()
            await self.playback("thank-you.wav")

        async def listen_for_codes(self, bridge: Bridge) -> None:
            await bridge.connected()
            async for digit in self.digits:
                codes.append(digit)
                if digit == "1":
                    await self.playback("only-you-hear-this.wav")
                if digit == "*":
                    await bridge.hang_up_other_leg(HangupCause.CALL_REJECTED)

    async with phone.dial(Handler) as caller:
        callee = await caller.is_bridged_to("user/1001")
        await caller.press("1")
        await caller.hears("only-you-hear-this.wav")
        assert callee.is_up
        await caller.press("2*")
        await caller.hears("thank-you.wav")
    assert codes == ["1", "2", "*"]
    assert (results[0].hung_up_by, results[0].cause) == (HungUpBy.HANDLER, HangupCause.CALL_REJECTED)


async def test_a_time_limit_of_ours_ends_the_bridge_and_not_the_call(phone: FakeFreeSwitch) -> None:
    results: list[BridgeResult | None] = []

    class Handler(CallHandler):
        async def run(self) -> None:
            await self.answer()
            for destination in ("user/1001", "user/never"):
                with trio.move_on_after(10):
                    await self.bridge(destination)
                assert self.last_bridge is not None
                results.append(self.last_bridge.result)
            assert await self.get_variable("continue_on_fail") is None
            await self.playback("time-is-up.wav")

    async with phone.dial(Handler) as caller:
        callee = await caller.is_bridged_to("user/1001")
        await caller.hears("time-is-up.wav", within=60)
        assert not callee.is_up
    first, second = results
    assert first is not None
    assert second is not None
    assert (first.answered, first.hung_up_by) == (True, HungUpBy.HANDLER)
    assert (second.answered, second.channel_uuid) == (False, None)


@pytest.mark.parametrize("mode", ["async full", "async"])
@pytest.mark.parametrize("continue_on_fail", [True, False])
@pytest.mark.parametrize("destination", ["user/short", DialString.in_turn("user/busy", ["user/short", "user/never"])])
# Before anything has begun, before a leg is there, while it rings, at the answer, while they talk.
@pytest.mark.parametrize("after", [0.0, 0.01, 0.5, 0.99, 1.0, 1.01, 3.0])
async def test_whenever_a_bridge_is_given_up_the_caller_stays_and_nobody_else(
    phone: FakeFreeSwitch, after: float, destination: str | DialString, continue_on_fail: bool, mode: str
) -> None:
    results: list[BridgeResult | None] = []

    class Handler(CallHandler):
        async def run(self) -> None:
            await self.answer()
            with trio.move_on_after(after) as given_up:
                await self.bridge(destination, continue_on_fail=continue_on_fail, caller_id_name="O'Neil }")
            assert given_up.cancelled_caught
            results.append(None if self.last_bridge is None else self.last_bridge.result)
            # The take-back of what was exported has run, whether the bridge came to anything or not.
            for name in ("export_vars", "nolocal:origination_caller_id_name"):
                assert await self.get_variable(name) is None
            await self.playback("next.wav")

    async with phone.dial(Handler, mode=mode) as caller:
        await caller.hears("next.wav")
        assert all(leg.cause is not None for bridge in caller.bridges for leg in bridge.legs)
    (result,) = results
    if after == 0:
        assert result is None  # nothing was sent
    else:
        assert result is not None
        assert result.hung_up_by is HungUpBy.HANDLER
        if not 0.9 < after < 1.1:  # then it is FreeSWITCH that knows
            assert result.answered == (after > 1)


@pytest.mark.parametrize("answers", [True, False])
async def test_a_callers_hangup_is_told_apart_from_the_callees(phone: FakeFreeSwitch, answers: bool) -> None:
    results: list[BridgeResult | None] = []
    seen: list[str] = []

    class Handler(CallHandler):
        async def run(self) -> None:
            await self.answer()
            try:
                await self.bridge("user/1001" if answers else "user/never")
            finally:
                seen.append("over")

        async def after_hangup(self, record: CallRecord) -> None:
            assert self.last_bridge is not None
            results.append(self.last_bridge.result)

    async with phone.dial(Handler) as caller:
        if answers:
            await caller.is_bridged_to("user/1001")
            await trio.sleep(4)
        else:
            await caller.is_calling("user/never")
        await caller.hangs_up()
    (result,) = results
    assert result is not None
    assert (result.answered, result.hung_up_by) == (answers, HungUpBy.CALLER)
    if answers:
        assert result.talk_seconds == pytest.approx(4, abs=0.05)


async def test_the_handler_hangs_up_while_they_talk(phone: FakeFreeSwitch) -> None:
    results: list[BridgeResult | None] = []

    class Handler(CallHandler):
        async def run(self) -> None:
            bridge = await self.start_bridge("user/1001")
            await bridge.connected()
            await self.hangup()
            with pytest.raises(CallHungUp):
                await bridge.finished()
            results.append(bridge.result)

    async with phone.dial(Handler) as caller:
        await caller.was_hung_up()
    (result,) = results
    assert result is not None
    assert (result.answered, result.hung_up_by) == (True, HungUpBy.HANDLER)


@pytest.mark.parametrize("answer", [True, False])
async def test_the_other_leg_of_a_user_is_known_while_it_rings(phone: FakeFreeSwitch, answer: bool) -> None:
    seen: list[str | None] = []

    class Handler(CallHandler):
        async def run(self) -> None:
            if answer:
                await self.answer()
            bridge = await self.start_bridge("user/never")
            seen.append(bridge.other_leg)
            await trio.sleep(1)
            seen.append(bridge.other_leg)
            assert bridge.other_leg is not None
            await self.api(f"uuid_kill {bridge.other_leg}")
            seen.append((await bridge.finished()).legs[0].channel_uuid)

    async with phone.dial(Handler) as caller:
        callee = await caller.is_calling("user/never")
        uuid = callee.variables["uuid"]
        await caller.was_hung_up()
    assert seen == [None, uuid, uuid]


async def test_a_bridge_that_was_started_is_stopped(phone: FakeFreeSwitch) -> None:
    results: list[BridgeResult] = []

    class Handler(CallHandler):
        async def run(self) -> None:
            await self.answer()
            bridge = await self.start_bridge(["user/1001", "user/never"])
            await bridge.answered()
            await bridge.stop()
            results.append(await bridge.finished())
            await self.playback("goodbye.wav")

    async with phone.dial(Handler) as caller:
        await caller.hears("goodbye.wav")
    assert (results[0].answered, results[0].hung_up_by) == (True, HungUpBy.HANDLER)


async def test_without_full_a_bridge_can_be_cut_off_too(phone: FakeFreeSwitch) -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            await self.answer()
            with trio.move_on_after(5):
                await self.bridge("user/1001")
            await self.playback("time-is-up.wav")

    async with phone.dial(Handler, mode="async") as caller:
        callee = await caller.is_bridged_to("user/1001")
        await caller.hears("time-is-up.wav")
        assert not callee.is_up


async def test_a_raw_dial_string(phone: FakeFreeSwitch) -> None:
    raw = Expand("[leg_timeout=2]user/never|user/${who}")

    async def bridge(call: CallHandler[None]) -> BridgeResult:
        await call.set_variable("who", "short")
        return await call.bridge(raw)

    result = await outcome(phone, bridge)
    assert (result.answered, result.destination) == (True, raw)
    assert [(leg.destination, leg.cause) for leg in result.legs] == [
        (raw, HangupCause.ALLOTTED_TIMEOUT),
        (raw, HangupCause.NORMAL_CLEARING),
    ]
