"""mod_fifo: how a caller waits, how the wait ends, and what an agent is told."""

from __future__ import annotations

from typing import Any

import pytest
import trio
import trio.testing
from trio.testing import MockClock

from esl_outbound import (
    ApiFailed,
    CallHandler,
    CallHungUp,
    CallTransferred,
    Expand,
    LocalProtocolError,
    RemoteProtocolError,
)
from esl_outbound.call.fifo import FifoCaller, FifoOutcome, FifoResult, FifoService, FifoState
from esl_outbound.testing import FakeFreeSwitch

from ..freeswitch import CHANNEL, ScriptedSwitch, api_response, connect_reply, dial

UNSET = (
    "fifo_status fifo_serviced_uuid fifo_serviced_by fifo_position fifo_target fifo_caller_exit_key fifo_bridge_seconds"
)
UNSET_AGENT = (
    "fifo_status fifo_target fifo_bridge_seconds fifo_epoch_start_bridge fifo_epoch_stop_bridge fifo_serviced_uuid"
)
AGENT = "23a7711a-8133-4876-b7eb-dcd9e87a1613"
KEYS = "%[fifo_caller_exit_key=D]"


async def expect_fifo(switch: ScriptedSwitch, argument: str) -> str:
    await switch.run_application("multiunset", UNSET)
    uuid = await switch.expect_execute("fifo", argument)
    await switch.send(switch.execute(uuid, "fifo"))
    return uuid


async def test_a_caller_who_is_served_is_the_agents_from_then_on() -> None:
    results: list[object] = []

    class Handler(CallHandler):
        async def run(self) -> None:
            results.append(await self.fifo_in("support"))
            for attempt in (self.answer, self.hangup):
                with pytest.raises(CallTransferred):
                    await attempt()
            results.append("run goes on")

    async with dial(Handler) as switch:
        await switch.greet()
        uuid = await expect_fifo(switch, f"{KEYS}support in")
        await switch.send(
            switch.complete(
                uuid,
                "fifo",
                variable_fifo_status="WAITING",
                variable_fifo_serviced_uuid=AGENT,
                variable_fifo_serviced_by="agent%207",
                variable_fifo_position="1",
                Channel_State_Number="8",
            ),
            switch.event("CHANNEL_UNPARK"),
            switch.complete("b2c26881-9112-47f1-85ba-52f952478e96", "socket"),
        )
        await switch.expect("nolinger", "noevents")
        await switch.stream.aclose()
    assert results == [FifoResult(FifoOutcome.SERVED, "", AGENT, "agent 7", 1), "run goes on"]


@pytest.mark.parametrize(
    ("variables", "result"),
    [
        (
            {"variable_fifo_status": "ABORTED", "variable_fifo_caller_exit_key": "%23"},
            FifoResult(FifoOutcome.LEFT_BY_KEY, "#", None, None, 2),
        ),
        ({"variable_fifo_status": "ABORTED"}, FifoResult(FifoOutcome.ABORTED, "", None, None, 2)),
        ({"variable_fifo_status": "TIMEOUT"}, FifoResult(FifoOutcome.TIMED_OUT, "", None, None, 2)),
        ({}, FifoResult(None, "", None, None, 2)),
    ],
)
async def test_each_other_end_leaves_the_call_to_us(variables: dict[str, str], result: FifoResult) -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            before = trio.current_time()
            assert await self.fifo_in("support", exit_keys="#*", max_wait_seconds=29.5) == result
            assert trio.current_time() - before < 0.9  # and not the second that a call takes to go elsewhere

    async with dial(Handler) as switch:
        await switch.greet()
        uuid = await expect_fifo(switch, "%[fifo_orbit_exten=_continue_:30,fifo_caller_exit_key=#*D]support in")
        await switch.send(
            switch.complete(uuid, "fifo", variable_fifo_position="2", Channel_State_Number="4", **variables)
        )
        await switch.hang_up_as_told()
        await switch.expect_exit()


async def test_all_that_can_be_said_of_a_wait() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            await self.fifo_in(
                "q", music="my ${x} music.wav", announce=Expand("${y}.wav"), priority=9, importance=3, chimes=["a.wav"]
            )
            await self.fifo_in("q", music="", chimes=["a.wav", "b.wav"], chime_seconds=9.2)
            await self.fifo_in("q", announce="it's.wav")
            await self.fifo_in("q", announce="", answer=False)

    async with dial(Handler) as switch:
        await switch.greet(connect_reply(fifo_music="theirs.wav"))
        uuid = await expect_fifo(
            switch,
            "%[fifo_chime_list=a.wav,fifo_chime_freq=30,fifo_priority=9,fifo_caller_exit_key=D]"
            r"'q!3' in '${y}.wav' 'my \${x} music.wav'",
        )
        await switch.send(switch.complete(uuid, "fifo"))
        await switch.run_application("multiunset", UNSET)
        await switch.run_application("set", "fifo_chime_list=a.wav,b.wav")
        uuid = await switch.expect_execute("fifo", "%[fifo_chime_freq=10,fifo_caller_exit_key=D]q in undef silence")
        await switch.send(switch.execute(uuid, "fifo"), switch.complete(uuid, "fifo", variable_fifo_music="theirs.wav"))
        await switch.run_application("multiunset", "fifo_chime_list", variable_fifo_music="theirs.wav")
        uuid = await expect_fifo(switch, KEYS + r"q in 'it\\'s.wav' '${fifo_music}'")
        await switch.send(switch.complete(uuid, "fifo", variable_fifo_music="theirs.wav"))
        await switch.run_application("multiunset", UNSET)
        uuid = await switch.expect_execute("fifo", f"{KEYS}q in undef '${{fifo_music}}' noans")
        await switch.send(switch.execute(uuid, "fifo"), switch.complete(uuid, "fifo"))
        await switch.hang_up_as_told()
        await switch.expect_exit()


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""},
        {"name": "a b"},
        {"name": "a,b"},
        {"name": "a!1"},
        {"name": "${x}"},
        {"name": "^^q"},
        {"priority": 10},
        {"priority": -1},
        {"importance": -1},
        {"exit_keys": "x"},
        {"exit_keys": "1D"},
        {"max_wait_seconds": 0},
        {"max_wait_seconds": -1},
        {"music": "a\nb"},
        {"announce": "a\nb"},
        {"chimes": ["a,b"]},
        {"chimes": ["x"] * 26},
        {"chimes": ["x"], "chime_seconds": 0},
    ],
)
async def test_what_cannot_be_said_is_refused_before_anything_is_sent(wrong: dict[str, Any]) -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            for attempt in (self.fifo_in, self.start_fifo_in):
                with pytest.raises(LocalProtocolError):
                    await attempt(**{"name": "q", **wrong})

    async with dial(Handler) as switch:
        await switch.greet()
        await switch.hang_up_as_told()
        await switch.expect_exit()


async def test_cancelling_presses_a_key_of_ours_and_nobody_finds_it_among_the_digits(
    autojump_clock: MockClock,
) -> None:
    seen: list[str] = []

    class Handler(CallHandler):
        async def run(self) -> None:
            with trio.move_on_after(5):
                await self.fifo_in("q")
            seen.append(self.digits.clear())

    async with dial(Handler) as switch:
        await switch.greet()
        uuid = await expect_fifo(switch, f"{KEYS}q in")
        await switch.send(switch.event("DTMF", DTMF_Digit="7"))
        await switch.expect(f"api uuid_recv_dtmf {CHANNEL} D")
        await switch.send(api_response("+OK x received DTMF D.\n"), switch.event("DTMF", DTMF_Digit="D"))
        await switch.expect(f"api uuid_break {CHANNEL}")  # half a second later: something nested has taken it
        await switch.send(api_response("+OK\n"))
        await switch.expect(f"api uuid_recv_dtmf {CHANNEL} D")
        await switch.send(api_response("+OK x received DTMF D.\n"), switch.event("DTMF", DTMF_Digit="D"))
        await switch.send(switch.event("DTMF", DTMF_Digit="8"))
        await switch.send(switch.complete(uuid, "fifo", variable_fifo_status="ABORTED"))
        await switch.hang_up_as_told()
        await switch.expect_exit()
    assert seen == ["78"]


async def test_a_place_can_be_asked_for_announced_and_left(autojump_clock: MockClock) -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            place = await self.start_fifo_in("q")
            assert (place.name, place.is_over, repr(place)) == ("q", False, "<QueuePlace in q>")
            with trio.move_on_after(20):
                await place.finished()
            assert await place.position() == 3
            await self.say(3)
            assert await place.position() is None
            await place.leave()
            assert place.is_over
            assert repr(place) == "<QueuePlace in q, over>"
            assert await place.finished() == FifoResult(FifoOutcome.LEFT, "", None, None, 2)
            assert await place.position() is None

    async with dial(Handler) as switch:
        await switch.greet()
        uuid = await expect_fifo(switch, f"{KEYS}q in")
        await switch.expect(f"api uuid_getvar {CHANNEL} fifo_position")
        await switch.send(api_response("3"))
        await switch.run_application("say")
        await switch.expect(f"api uuid_getvar {CHANNEL} fifo_position")
        await switch.send(api_response("_undef_"))
        await switch.expect(f"api uuid_recv_dtmf {CHANNEL} D")
        await switch.send(api_response("+OK x received DTMF D.\n"))
        left = {"variable_fifo_status": "ABORTED", "variable_fifo_caller_exit_key": "D", "variable_fifo_position": "2"}
        await switch.send(switch.complete(uuid, "fifo", **left))
        await switch.hang_up_as_told()
        await switch.expect_exit()


async def test_chimes_of_a_wait_that_was_left_are_none_of_the_next() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            place = await self.start_fifo_in("q", chimes=["a.wav", "b.wav"])
            await place.leave()
            assert (await place.finished()).outcome is FifoOutcome.LEFT

    async with dial(Handler) as switch:
        await switch.greet()
        await switch.run_application("multiunset", UNSET)
        await switch.run_application("set", "fifo_chime_list=a.wav,b.wav")
        uuid = await switch.expect_execute("fifo")
        await switch.send(switch.execute(uuid, "fifo"))
        await switch.expect(f"api uuid_recv_dtmf {CHANNEL} D")
        said = {"variable_fifo_status": "ABORTED", "variable_fifo_caller_exit_key": "D"}
        await switch.send(api_response("+OK x received DTMF D.\n"), switch.complete(uuid, "fifo", **said))
        await switch.run_application("multiunset", "fifo_chime_list")
        await switch.hang_up_as_told()
        await switch.expect_exit()


async def test_a_caller_who_hangs_up_waits_no_longer() -> None:
    seen: list[str] = []

    class Handler(CallHandler):
        async def run(self) -> None:
            place = await self.start_fifo_in("q", chimes=["a.wav", "b.wav"])
            try:
                await place.finished()
            except trio.Cancelled:
                with trio.CancelScope(shield=True):
                    for attempt in (place.finished, place.position):
                        with pytest.raises(CallHungUp):
                            await attempt()
                seen.append("hung up")
                raise

    async with dial(Handler) as switch:
        await switch.greet()
        await switch.run_application("multiunset", UNSET)
        await switch.run_application("set")
        uuid = await switch.expect_execute("fifo")
        await switch.send(switch.execute(uuid, "fifo"), switch.hangup(), switch.hangup_complete())
        await switch.expect_exit()
    assert seen == ["hung up"]


async def test_an_agent_is_told_whom_he_talked_to() -> None:
    results: list[FifoService] = []

    class Handler(CallHandler):
        async def run(self) -> None:
            results.append(await self.fifo_out("a", "b", wait=False))
            results.append(
                await self.fifo_out(
                    "a",
                    music="local_stream://moh",
                    wrapup_seconds=2.5,
                    wrapup_sound="done.wav",
                    wrapup_key="#",
                    exit_key="0",
                    agent_id="agent 7",
                    strategy="more_ppl",
                )
            )
            for wrong in (
                {"exit_key": "12"},
                {"wrapup_key": "x"},
                {"strategy": "best"},
                {"wrapup_seconds": -1},
                {"wrapup_sound": "a\n"},
            ):
                with pytest.raises(LocalProtocolError):
                    await self.fifo_out("a", **wrong)
            for names in ((), ("",), ("a,b",)):
                with pytest.raises(LocalProtocolError):
                    await self.fifo_out(*names)

    async with dial(Handler) as switch:
        await switch.greet()
        await switch.run_application("multiunset", UNSET_AGENT)
        await switch.run_application(
            "fifo",
            "%[fifo_consumer_exit_key=*,fifo_consumer_wrapup_time=0]'a,b' out nowait",
            variable_fifo_status="WAITING",
        )
        await switch.run_application("multiunset", UNSET_AGENT)
        await switch.run_application(
            "fifo",
            "%[fifo_consumer_exit_key=0,fifo_consumer_wrapup_time=2500,fifo_consumer_wrapup_sound=done.wav,"
            "fifo_consumer_wrapup_key=#,fifo_consumer_id=agent 7,fifo_strategy=more_ppl]"
            "a out wait undef local_stream://moh",
            variable_fifo_target=AGENT,
            variable_fifo_bridge_seconds="12",
        )
        await switch.hang_up_as_told()
        await switch.expect_exit()
    assert results == [FifoService(None, None), FifoService(AGENT, 12)]


LISTED = """<fifo_report>
  <fifo name="q" consumer_count="1" caller_count="2" waiting_count="2" importance="4" outbound_per_cycle="1">
    <outbound></outbound>
    <callers>
      <caller uuid="a" status="WAITING" caller_id_name="Ada%20%22L.%22%20%3Cx%3E" caller_id_number="1000"
        timestamp="2026-11-24 10:00:00" position="1" slot="0"></caller>
      <caller uuid="b" status="WAITING"></caller>
    </callers>
    <consumers></consumers>
    <bridges></bridges>
  </fifo>
</fifo_report>
"""


async def test_who_waits_in_a_fifo_can_be_asked() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            first = FifoCaller("a", 'Ada "L." <x>', "1000", "WAITING", 1, 0)
            second = FifoCaller("b", "", "", "WAITING", None, None)
            assert await self.fifo_state("q") == FifoState("q", 1, 2, 4, (first, second))
            assert await self.fifo_state("none") is None
            with pytest.raises(ApiFailed):
                await self.fifo_state("q")
            with pytest.raises(RemoteProtocolError):
                await self.fifo_state("q")
            with pytest.raises(LocalProtocolError):
                await self.fifo_state("a b")

    async with dial(Handler) as switch:
        await switch.greet()
        for name, printed in (
            ("q", LISTED),
            ("none", "<fifo_report></fifo_report>\n"),
            ("q", "something else"),
            ("q", "<fifo_report><fifo></fifo_report>"),
        ):
            await switch.expect(f"api fifo list {name}")
            await switch.send(api_response(printed))
        await switch.hang_up_as_told()
        await switch.expect_exit()


# With the simulator


async def test_a_queue_whose_callers_hear_their_places(phone: FakeFreeSwitch) -> None:
    results: list[object] = []

    class Caller(CallHandler):
        async def run(self) -> None:
            place = await self.start_fifo_in("q", music="local_stream://moh", exit_keys="0")
            while not place.is_over:
                with trio.move_on_after(30):
                    await place.finished()
                if position := await place.position():
                    await self.say(position)
            results.append((await place.finished()).outcome)
            if self.is_up:
                await self.playback("bye.wav")

    class Agent(CallHandler):
        async def run(self) -> None:
            results.append((await self.fifo_out("q", wait=False)).talk_seconds)
            await self.playback("next.wav")

    async with phone.dial(Caller) as first:
        await first.hears("local_stream://moh")
        async with phone.dial(Caller) as second:
            await first.hears("say:number:1")
            await second.hears("local_stream://moh")
            await second.hears("say:number:2")
            async with phone.dial(Agent) as agent:
                await agent.sees_run("fifo")
                await trio.sleep(6.5)
                await first.hangs_up()
                await agent.hears("next.wav")
            await second.hears("say:number:1")
            await second.stays_silent(5)
            await second.press("0")
            await second.hears("bye.wav")
    assert results[::2] == [FifoOutcome.SERVED, FifoOutcome.LEFT_BY_KEY]
    assert results[1] in (6, 7)  # whole seconds of the wall clock


async def test_cancelling_a_wait_leaves_the_queue(phone: FakeFreeSwitch) -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            with trio.move_on_after(10):
                await self.fifo_in("q", music="local_stream://moh")
            state = await self.fifo_state("q")
            assert state is not None
            assert state.caller_count == 0
            assert self.digits.clear() == ""
            await self.playback("gave up.wav")

    async with phone.dial(Handler) as caller:
        await caller.hears("local_stream://moh")
        await caller.hears("gave up.wav")


async def test_cancelling_a_wait_amid_an_announcement_leaves_the_queue_too(phone: FakeFreeSwitch) -> None:
    phone.sound("long.wav", 60)

    class Handler(CallHandler):
        async def run(self) -> None:
            place = await self.start_fifo_in("q", music="local_stream://moh")
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self.playback, "long.wav")
                await trio.sleep(5)
                await place.leave()
            assert (await place.finished()).outcome is FifoOutcome.LEFT
            assert self.digits.clear() == ""
            await self.playback("gave up.wav")

    async with phone.dial(Handler) as caller:
        await caller.hears("local_stream://moh")
        await caller.hears("long.wav")
        await caller.hears("gave up.wav")
