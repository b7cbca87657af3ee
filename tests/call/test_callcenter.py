"""mod_callcenter: how a caller waits for an agent, and how that ends."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from trio.testing import MockClock

from esl_outbound import ApiFailed, ApplicationFailed, CallHandler, CallTransferred, Expand, LocalProtocolError
from esl_outbound.call.callcenter import (
    CallcenterAgent,
    CallcenterMember,
    CallcenterOutcome,
    CallcenterResult,
    read_table,
)
from esl_outbound.testing import FakeFreeSwitch

from ..freeswitch import CHANNEL, OK, REFUSED, ScriptedSwitch, api_response, connect_reply, dial

QUEUE = "support@default"
UNSET = (
    "cc_cause cc_cancel_reason cc_agent cc_agent_uuid cc_exit_key cc_member_uuid "
    "cc_queue_joined_epoch cc_queue_answered_epoch cc_queue_canceled_epoch cc_queue_terminated_epoch"
)
AGENT = "23a7711a-8133-4876-b7eb-dcd9e87a1613"
MEMBER = "b5e1f4c0-6d8f-4a52-9d43-6b1ad4f5a2a1"
SUBSCRIBED = b"Content-Type: command/reply\nReply-Text: +OK event listener enabled plain\n\n"


async def expect_wait(switch: ScriptedSwitch, argument: str = f"%[cc_exit_keys=D]{QUEUE}") -> str:
    await switch.run_application("multiunset", UNSET)
    uuid = await switch.expect_execute("callcenter", argument)
    await switch.send(switch.execute(uuid, "callcenter"))
    return uuid


async def test_a_caller_whom_an_agent_takes_is_the_agents_from_then_on() -> None:
    results: list[object] = []

    class Handler(CallHandler):
        async def run(self) -> None:
            results.append(await self.callcenter(QUEUE))
            with pytest.raises(CallTransferred):
                await self.answer()
            results.append("run goes on")

    async with dial(Handler) as switch:
        await switch.greet()
        uuid = await expect_wait(switch)
        await switch.send(
            switch.complete(
                uuid,
                "callcenter",
                variable_cc_cause="answered",
                variable_cc_agent_uuid=AGENT,
                variable_cc_member_uuid=MEMBER,
                variable_cc_queue_joined_epoch="1764000000",
                Channel_State_Number="8",
            ),
            switch.event("CHANNEL_UNPARK"),
            switch.complete("b2c26881-9112-47f1-85ba-52f952478e96", "socket"),
        )
        await switch.expect("nolinger", "noevents")
        await switch.stream.aclose()
    answered = CallcenterResult(CallcenterOutcome.ANSWERED, "", None, AGENT, MEMBER, 1764000000, None, None)
    assert results == [answered, "run goes on"]


@pytest.mark.parametrize(
    ("variables", "outcome", "key"),
    [
        ({"variable_cc_cancel_reason": "TIMEOUT"}, CallcenterOutcome.TIMED_OUT, ""),
        ({"variable_cc_cancel_reason": "NO_AGENT_TIMEOUT"}, CallcenterOutcome.NO_AGENT, ""),
        ({"variable_cc_cancel_reason": "BREAK_OUT"}, CallcenterOutcome.BROKEN_OUT, ""),
        ({"variable_cc_cancel_reason": "SOMETHING_NEW"}, "SOMETHING_NEW", ""),
        (
            {"variable_cc_cancel_reason": "EXIT_WITH_KEY", "variable_cc_exit_key": "%23"},
            CallcenterOutcome.LEFT_BY_KEY,
            "#",
        ),
    ],
)
async def test_each_other_end_leaves_the_call_to_us(variables: dict[str, str], outcome: str, key: str) -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            result = await self.callcenter(QUEUE, exit_keys="#*")
            assert result == CallcenterResult(outcome, key, None, None, MEMBER, 1764000000, None, 1764000060)

    async with dial(Handler) as switch:
        await switch.greet()
        uuid = await expect_wait(switch, f"%[cc_exit_keys=#*D]{QUEUE}")
        left = {"variable_cc_queue_joined_epoch": "1764000000", "variable_cc_queue_canceled_epoch": "1764000060"}
        await switch.send(
            switch.complete(
                uuid, "callcenter", variable_cc_cause="cancel", variable_cc_member_uuid=MEMBER, **left, **variables
            )
        )
        await switch.hang_up_as_told()
        await switch.expect_exit()


async def test_a_queue_that_there_is_not_raises() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            with pytest.raises(ApplicationFailed, match="callcenter found no queue support@default"):
                await self.callcenter(QUEUE)

    async with dial(Handler) as switch:
        await switch.greet()
        uuid = await expect_wait(switch)
        await switch.send(switch.complete(uuid, "callcenter"))
        await switch.hang_up_as_told()
        await switch.expect_exit()


async def test_music_that_brackets_cannot_carry_does_not_outlive_the_wait() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            await self.callcenter(QUEUE, music="local_stream://moh", base_score=-5)
            await self.callcenter(QUEUE, music="my ${x}, or yours.wav")
            await self.callcenter(QUEUE, music=Expand("${hold_music}"))

    cancelled = {"variable_cc_cause": "cancel", "variable_cc_cancel_reason": "TIMEOUT"}
    async with dial(Handler) as switch:
        await switch.greet()
        uuid = await expect_wait(
            switch, f"%[cc_moh_override=local_stream://moh,cc_base_score=-5,cc_exit_keys=D]{QUEUE}"
        )
        await switch.send(switch.complete(uuid, "callcenter", **cancelled))
        for value in (r"my \\\\\\\${x}, or yours.wav", r"\${hold_music}"):
            await switch.run_application("multiunset", UNSET)
            await switch.run_application("set", f"cc_moh_override={value}")
            await switch.run_application("callcenter", f"%[cc_exit_keys=D]{QUEUE}", **cancelled)
            await switch.run_application("multiunset", "cc_moh_override")
        await switch.hang_up_as_told()
        await switch.expect_exit()


@pytest.mark.parametrize(
    "wrong",
    [
        {"queue": ""},
        {"queue": "a b"},
        {"queue": "${x}"},
        {"queue": "^^q"},
        {"exit_keys": "x"},
        {"exit_keys": "D"},
        {"music": ""},
        {"music": "a\nb"},
        {"base_score": 2**31},
    ],
)
async def test_what_cannot_be_said_is_refused_before_anything_is_sent(wrong: dict[str, Any]) -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            for attempt in (self.callcenter, self.start_callcenter):
                with pytest.raises(LocalProtocolError):
                    await attempt(**{"queue": QUEUE, **wrong})

    async with dial(Handler) as switch:
        await switch.greet()
        await switch.hang_up_as_told()
        await switch.expect_exit()


async def test_cancelling_presses_a_key_of_ours(autojump_clock: MockClock) -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            with trio.move_on_after(5):
                await self.callcenter(QUEUE)
            assert len(self.digits) == 0

    async with dial(Handler) as switch:
        await switch.greet()
        uuid = await expect_wait(switch)
        await switch.expect(f"api uuid_recv_dtmf {CHANNEL} D")
        await switch.send(api_response("+OK x received DTMF D.\n"), switch.event("DTMF", DTMF_Digit="D"))
        await switch.send(switch.complete(uuid, "callcenter", variable_cc_cause="cancel", variable_cc_exit_key="D"))
        await switch.hang_up_as_told()
        await switch.expect_exit()


async def test_without_full_he_cannot_be_taken_out(autojump_clock: MockClock, caplog: pytest.LogCaptureFixture) -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            place = await self.start_callcenter(QUEUE)
            await place.leave()
            assert not place.is_over

    async with dial(Handler) as switch:
        await switch.greet(connect_reply(control="single-channel"), OK + REFUSED + REFUSED)
        await expect_wait(switch)
        await switch.hang_up_as_told()
        await switch.stream.aclose()
    assert "callcenter runs on: leaving a queue is not allowed on this socket" in caplog.text


COLUMNS = (
    "queue|instance_id|uuid|session_uuid|cid_number|cid_name|system_epoch|joined_epoch|rejoined_epoch|bridge_epoch|"
    "abandoned_epoch|base_score|skill_score|serving_agent|serving_system|state|score\n"
)
LISTED = (
    f"{COLUMNS}"
    "support@default|single_box|m1||1000|Bob|1764000000|1764000000|0|0|1764000050|0|0|||Abandoned|70\n"
    "support@default|single_box|m2|other|1001|Ada |L.|\nx|1764000000|1764000010|0|0|0|0|0|1001@default|single_box|"
    "Trying|60\n"
    f"support@default|single_box|m3|{CHANNEL}|1002||1764000000|1764000020|0|0|0|0|0|||Waiting|50\n"
    "+OK\n"
)


async def test_his_place_is_among_those_who_wait() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            place = await self.start_callcenter(QUEUE)
            assert await place.position() == 2
            assert await place.position() is None
            members = await self.callcenter_members(QUEUE)
            assert [member.state for member in members] == ["Abandoned", "Trying", "Waiting"]
            assert members[1] == CallcenterMember(
                QUEUE, "m2", "other", "1001", "Ada |L.|\nx", "Trying", 1764000010, 60, "1001@default"
            )
            with pytest.raises(ApiFailed):
                await self.callcenter_members(QUEUE)
            with pytest.raises(LocalProtocolError):
                await self.callcenter_members("a b")

    async with dial(Handler) as switch:
        await switch.greet()
        await expect_wait(switch)
        for printed in (LISTED, "+OK\n", LISTED, "-ERR Invalid!\n"):
            await switch.expect(f"api callcenter_config queue list members {QUEUE}")
            await switch.send(api_response(printed))
        await switch.hang_up_as_told()
        await switch.expect_exit()


async def test_agents_and_what_happens_and_a_call_that_counts_for_an_agent() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            (agent,) = await self.callcenter_agents(QUEUE)
            assert agent == CallcenterAgent("1001", "callback", "user/1001", "On Break", "Waiting", 12)
            async with self.callcenter_events() as events:
                event = await events.get()
                assert (event["CC-Action"], event["CC-Cause"]) == ("member-queue-end", "Cancel")
            await self.callcenter_track("Ada L.")
            for wrong in ("", "a\nb"):
                with pytest.raises(LocalProtocolError):
                    await self.callcenter_track(wrong)

    async with dial(Handler) as switch:
        await switch.greet()
        await switch.expect(f"api callcenter_config queue list agents {QUEUE}")
        await switch.send(
            api_response(
                "name|type|contact|status|state|calls_answered\n1001|callback|user/1001|On Break|Waiting|12\n+OK\n"
            )
        )
        await switch.expect("event plain CUSTOM callcenter::info")
        about = {"Event_Subclass": "callcenter%3A%3Ainfo", "CC_Action": "member-queue-end", "CC_Cause": "Cancel"}
        await switch.send(SUBSCRIBED, switch.event("CUSTOM", **about))
        await switch.run_application("callcenter_track", "Ada L.")
        await switch.hang_up_as_told()
        await switch.expect_exit()


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("", []),
        ("+OK\n", []),
        ("a|b\n", []),
        ("a|b\n1|2\n3|4\n+OK\n", [{"a": "1", "b": "2"}, {"a": "3", "b": "4"}]),
        ("a|b\n1|2|3\n", [{"a": "1", "b": "2|3"}]),
        ("a|b\n1\n", []),
    ],
)
def test_a_table_is_read_as_far_as_it_is_one(text: str, rows: list[dict[str, str]]) -> None:
    assert read_table(text) == rows


# With the simulator


async def test_a_queue_with_places_and_an_agent_in_the_end(phone: FakeFreeSwitch) -> None:
    phone.callcenter(QUEUE, agent="1001@default", answers_after=70, talks_for=30)
    results: list[CallcenterResult] = []

    class Handler(CallHandler):
        async def run(self) -> None:
            place = await self.start_callcenter(QUEUE)
            while not place.is_over:
                with trio.move_on_after(30):
                    results.append(await place.finished())
                if position := await place.position():
                    await self.say(position)

    async with phone.dial(Handler) as caller:
        await caller.hears("local_stream://moh")
        await caller.hears("say:number:1")
        await caller.hears("say:number:1")
        await caller.was_hung_up("NORMAL_CLEARING")
    assert [result.outcome for result in results] == [CallcenterOutcome.ANSWERED]


async def test_cancelling_takes_a_caller_out_of_a_queue(phone: FakeFreeSwitch) -> None:
    phone.callcenter(QUEUE)

    class Handler(CallHandler):
        async def run(self) -> None:
            with trio.move_on_after(10):
                await self.callcenter(QUEUE)
            assert [member.state for member in await self.callcenter_members(QUEUE)] == ["Abandoned"]
            await self.playback("gave up.wav")

    async with phone.dial(Handler) as caller:
        await caller.hears("local_stream://moh")
        await caller.hears("gave up.wav")
