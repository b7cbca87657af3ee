"""Calls that are there already, brought together: by transfer, by taking them over, by listening in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import ClassVar

import pytest
import trio
import trio.testing
from trio.testing import MockClock

from esl_outbound import (
    ApiFailed,
    ApplicationFailed,
    CallHandler,
    CallHungUp,
    CallRecord,
    CallTransferred,
    Ending,
    Expand,
    HangupCause,
    LocalProtocolError,
    NotPermitted,
)
from esl_outbound.arguments.dial_strings import DialLeg
from esl_outbound.arguments.extensions import Leg
from esl_outbound.call.attended_transfer import AttXferOutcome, AttXferResult
from esl_outbound.call.eavesdropping import Eavesdrop, EavesdropResult, Spied
from esl_outbound.testing import FakeFreeSwitch

from ..freeswitch import CHANNEL, GOODBYE, OK, ScriptedSwitch, api_response, connect_reply, dial

OTHER = "c0ffee00-aaaa-4bbb-8ccc-000000000002"
THIRD = "c0ffee00-aaaa-4bbb-8ccc-000000000003"
SHOWN = "last_sent_callee_id_name last_sent_callee_id_number"
Ask = Callable[[CallHandler], Awaitable[object]]


def bridge_event(switch: ScriptedSwitch, name: str = "CHANNEL_BRIDGE", other: str = OTHER) -> bytes:
    """CHANNEL_BRIDGE or CHANNEL_UNBRIDGE, as in h1_bridge_9196."""
    return switch.event(name, Bridge_A_Unique_ID=CHANNEL, Bridge_B_Unique_ID=other, variable_x="1")


async def bridge(switch: ScriptedSwitch) -> None:
    """Let the caller talk to somebody."""
    await trio.testing.wait_all_tasks_blocked()
    await switch.send(bridge_event(switch))


async def see_the_call_go(switch: ScriptedSwitch) -> None:
    """Control is lost: the completion of ``socket`` comes, and the connection is kept."""
    socket = switch.complete("b2c26881-9112-47f1-85ba-52f952478e96", "socket", Answer_State="answered")
    await switch.send(switch.event("CHANNEL_UNPARK"), socket)
    await switch.expect("nolinger", "noevents")
    await switch.send(GOODBYE)
    await switch.stream.aclose()


@pytest.mark.parametrize(
    "ask",
    [
        lambda call: call.att_xfer(""),
        lambda call: call.att_xfer("user/1001,user/1002"),
        lambda call: call.att_xfer("{x=1}user/1001"),
        lambda call: call.att_xfer("user/1001\n"),
        lambda call: call.att_xfer("user/1001:_:user/1002"),
        lambda call: call.att_xfer("1001"),
        lambda call: call.att_xfer("user/10 01"),
        lambda call: call.att_xfer("user/${x}"),
        lambda call: call.att_xfer(Expand(" ")),
        lambda call: call.att_xfer(DialLeg("user/1001", confirm_key="exec")),
        lambda call: call.att_xfer("user/1001", cancel_key="##"),
        lambda call: call.att_xfer("user/1001", cancel_key="x"),
        lambda call: call.att_xfer("user/1001", cancel_key="*"),
        lambda call: call.intercept(""),
        lambda call: call.intercept("two words"),
        lambda call: call.intercept(CHANNEL),
        lambda call: call.intercept(call),
        lambda call: call.uuid_bridge(call),
        lambda call: call.uuid_bridge("${x}"),
        lambda call: call.uuid_bridge(OTHER, transfer_after_bridge="9000\n"),
        lambda call: call.dual_transfer("9000", ""),
        lambda call: call.dual_transfer("9000", "9001/XML"),
        lambda call: call.eavesdrop(""),
        lambda call: call.eavesdrop(OTHER, listen_to=Spied.NOBODY),
        lambda call: call.eavesdrop(OTHER, require_group="a,b"),
        lambda call: call.three_way(call),
        lambda call: call.native_eavesdrop("a b"),
        lambda call: call.userspy("a b"),
        lambda call: call.soft_hold(""),
        lambda call: call.soft_hold("12"),
        lambda call: call.soft_hold("1", moh_a="a\nb.wav"),
        lambda call: call.broadcast(""),
        lambda call: call.broadcast("system::touch x"),
    ],
)
async def test_what_cannot_be_said_is_refused_before_anything_is_sent(ask: Ask) -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            with pytest.raises(LocalProtocolError):
                await ask(self)

    async with dial(Handler) as switch:
        await switch.greet()
        await switch.hang_up_as_told()
        await switch.expect_exit()


async def test_the_other_leg_is_known_while_the_bridge_lasts() -> None:
    seen: list[str | None] = []

    class Handler(CallHandler):
        async def run(self) -> None:
            async with self.events("CHANNEL_BRIDGE", "CHANNEL_UNBRIDGE") as events:
                seen.append(self.other_leg)
                for _ in range(3):
                    await events.get()
                    seen.append(self.other_leg)

    async with dial(Handler) as switch:
        await switch.greet()
        await trio.testing.wait_all_tasks_blocked()
        await switch.send(bridge_event(switch))
        await trio.testing.wait_all_tasks_blocked()
        await switch.send(bridge_event(switch, "CHANNEL_UNBRIDGE"))
        await trio.testing.wait_all_tasks_blocked()
        # Somebody else's bridge, in which this is the B leg.
        theirs = {"Bridge_A_Unique_ID": OTHER, "Bridge_B_Unique_ID": CHANNEL, "variable_x": "1"}
        await switch.send(switch.event("CHANNEL_BRIDGE", **theirs))
        await switch.hang_up_as_told()
        await switch.expect_exit()
    assert seen == [None, OTHER, None, OTHER]


# Attended transfer


async def begin_att_xfer(
    switch: ScriptedSwitch, destination: str = "user/1002", keys: tuple[str, str, str] = ("#", "*", "0")
) -> str:
    """What is said before it, and that it has started; gives its UUID."""
    names = ("attxfer_cancel_key", "attxfer_hangup_key", "attxfer_conf_key")
    for name, key in zip(names, keys, strict=True):
        await switch.run_application("set", f"{name}={key}")
    await switch.run_application("multiunset", "originate_disposition xfer_uuids")
    uuid = await switch.expect_execute("att_xfer", destination)
    await switch.send(switch.execute(uuid, "att_xfer"))
    return uuid


def att_xfer_handler(results: list[AttXferResult | str]) -> type[CallHandler]:
    class Handler(CallHandler):
        async def run(self) -> None:
            results.append(await self.att_xfer("user/1002"))
            await trio.lowlevel.checkpoint()
            results.append("run goes on")

    return Handler


@pytest.mark.parametrize(
    ("left", "outcome"),
    [
        ({}, AttXferOutcome.RETURNED),
        ({"variable_xfer_uuids": f"{THIRD}%20{OTHER}"}, AttXferOutcome.THREE_WAY),
        ({"variable_xfer_uuids": f"{OTHER}%20{THIRD}"}, AttXferOutcome.RETURNED),
    ],
)
async def test_a_caller_who_comes_back_from_a_third_party_is_not_ours_any_more(
    left: dict[str, str], outcome: AttXferOutcome
) -> None:
    results: list[AttXferResult | str] = []
    async with dial(att_xfer_handler(results)) as switch:
        await switch.greet()
        uuid = await begin_att_xfer(switch)
        await switch.send(bridge_event(switch, other=THIRD))
        # att_thread_run() in mod_dptools.c: switch_ivr_uuid_bridge() has set the state to CS_HIBERNATE by now.
        await switch.send(switch.complete(uuid, "att_xfer", Channel_State_Number="8", **left))
        socket = switch.complete("b2c26881-9112-47f1-85ba-52f952478e96", "socket", Answer_State="answered", **left)
        await switch.send(bridge_event(switch, "CHANNEL_UNBRIDGE"), socket)
        await switch.expect("nolinger", "noevents")
        await switch.send(GOODBYE)
        await switch.stream.aclose()
    assert results == [AttXferResult(outcome, THIRD, None), "run goes on"]


async def test_a_caller_who_leaves_the_other_two_to_each_other() -> None:
    results: list[AttXferResult | str] = []
    async with dial(att_xfer_handler(results)) as switch:
        await switch.greet()
        uuid = await begin_att_xfer(switch)
        await switch.send(bridge_event(switch, other=THIRD), switch.hangup())
        await switch.send(switch.complete(uuid, "att_xfer", Answer_State="hangup"), switch.hangup_complete())
        await switch.expect_exit()
    assert results == [AttXferResult(AttXferOutcome.TRANSFERRED, THIRD, None), "run goes on"]


async def test_a_caller_who_is_gone_before_the_third_party_is_reached() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            with pytest.raises(CallHungUp):
                await self.att_xfer("user/1002")

    async with dial(Handler) as switch:
        await switch.greet()
        await begin_att_xfer(switch)
        await switch.send(switch.hangup(), switch.hangup_complete())
        await switch.expect_exit()


@pytest.mark.parametrize(
    ("disposition", "cause"), [("USER_BUSY", HangupCause.USER_BUSY), ("", None), ("SUCCESS", None), ("ODD", "ODD")]
)
async def test_a_third_party_that_is_not_reached_leaves_the_call_as_it_was(
    disposition: str, cause: HangupCause | str | None, autojump_clock: MockClock
) -> None:
    results: list[AttXferResult | str] = []
    async with dial(att_xfer_handler(results)) as switch:
        await switch.greet()
        uuid = await begin_att_xfer(switch)
        said = {"variable_originate_disposition": disposition} if disposition else {}
        began = trio.current_time()
        await switch.send(switch.complete(uuid, "att_xfer", Channel_State_Number="4", **said))
        await switch.hang_up_as_told()
        assert trio.current_time() == began
        await switch.expect_exit()
    assert results == [AttXferResult(AttXferOutcome.NOT_REACHED, None, cause), "run goes on"]


async def test_without_another_leg_an_attended_transfer_is_a_bridge() -> None:
    results: list[AttXferResult] = []

    class Handler(CallHandler):
        async def run(self) -> None:
            destination = Expand("{x=${y}}user/1002|user/1003")
            results.append(await self.att_xfer(destination, cancel_key="9", hangup_key="", conference_key="8"))

    async with dial(Handler) as switch:
        await switch.greet()
        uuid = await begin_att_xfer(switch, "{x=${y}}user/1002|user/1003", ("9", "n", "8"))
        await switch.send(bridge_event(switch, other=THIRD))
        await switch.send(switch.complete(uuid, "att_xfer", Channel_State_Number="4"))
        await switch.hang_up_as_told()
        await switch.expect_exit()
    assert results == [AttXferResult(AttXferOutcome.ENDED, THIRD, None)]


async def test_a_third_party_is_called_as_a_leg_of_a_bridge_is() -> None:
    outcomes: list[AttXferOutcome] = []

    class Handler(CallHandler):
        async def run(self) -> None:
            leg = DialLeg("loopback/1002", ring_seconds=9, caller_id_name="it's {1}, ${x}", variables={"a": "b,c"})
            outcomes.append((await self.att_xfer(leg)).outcome)
            outcomes.append((await self.att_xfer(Expand("${third}"))).outcome)

    async with dial(Handler) as switch:
        await switch.greet()
        for name, key in (("cancel", "#"), ("hangup", "*"), ("conf", "0")):
            await switch.run_application("set", f"attxfer_{name}_key={key}")
        await switch.run_application("multiunset", "originate_disposition xfer_uuids")
        await switch.run_application("export", r"nolocal:origination_caller_id_name=it's {1}, \${x}")
        uuid = await switch.expect_execute("att_xfer", r"{leg_timeout=9,a=b\,c}loopback/1002")
        # Taken back while it rings.
        await switch.run_application("set", "export_vars=")
        await switch.run_application("multiunset", "nolocal:origination_caller_id_name")
        await switch.send(switch.execute(uuid, "att_xfer"))
        await switch.send(switch.complete(uuid, "att_xfer", Channel_State_Number="4"))
        # What a variable holds is never taken for variables of ours.
        uuid = await begin_att_xfer(switch, "%[]${third}")
        await switch.send(switch.complete(uuid, "att_xfer", Channel_State_Number="4"))
        await switch.hang_up_as_told()
        await switch.expect_exit()
    assert outcomes == [AttXferOutcome.NOT_REACHED] * 2


async def test_an_attended_transfer_that_is_cancelled_hangs_the_third_party_up_and_not_the_other_leg() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self.att_xfer, "user/1002")
                await self.wait_for("CHANNEL_BRIDGE")
                nursery.cancel_scope.cancel()

    async with dial(Handler) as switch:
        await switch.greet()
        names = ("attxfer_cancel_key", "attxfer_hangup_key", "attxfer_conf_key")
        for name, key in zip(names, "#*0", strict=True):
            await switch.run_application("set", f"{name}={key}")
        await switch.run_application("multiunset")
        uuid = await switch.expect_execute("att_xfer")
        before = {"variable_originated_legs": f"{OTHER}%3Bx%3By", "variable_signal_bond": OTHER}
        await switch.send(switch.execute(uuid, "att_xfer", **before))
        await trio.testing.wait_all_tasks_blocked()
        await switch.send(bridge_event(switch, other=THIRD))
        await switch.expect(f"api uuid_getvar {CHANNEL} continue_on_fail")
        await switch.send(api_response("true"))
        await switch.expect(f"api uuid_getvar {CHANNEL} originated_legs")
        await switch.send(api_response(f"ARRAY::{OTHER};x;y|:{THIRD};x;y"))
        await switch.expect(f"api uuid_getvar {CHANNEL} signal_bond")
        await switch.send(api_response(THIRD))
        await switch.expect(f"api uuid_kill {THIRD}")
        await switch.send(api_response("+OK\n"), switch.complete(uuid, "att_xfer", Channel_State_Number="8"))
        await see_the_call_go(switch)


# Taking calls over


TAKEN: list[tuple[Ask, str, str]] = [
    (lambda call: call.intercept(OTHER), "intercept", OTHER),
    (lambda call: call.intercept(OTHER, bleg=True), "intercept", f"-bleg {OTHER}"),
    (
        lambda call: call.intercept(OTHER, unbridged_only=True, unanswered_only=True),
        "intercept",
        f"%[intercept_unbridged_only=true,intercept_unanswered_only=true]{OTHER}",
    ),
    (lambda call: call.userspy("1001@example.org"), "userspy", "1001@example.org"),
    (lambda call: call.userspy("1001@example.org", OTHER), "userspy", f"1001@example.org {OTHER}"),
]


@pytest.mark.parametrize(("take", "application", "argument"), TAKEN)
async def test_who_takes_another_call_is_not_ours_any_more_and_run_goes_on(
    take: Ask, application: str, argument: str
) -> None:
    told: list[str] = []

    class Handler(CallHandler):
        async def run(self) -> None:
            await take(self)
            with pytest.raises(CallTransferred):
                await self.answer()
            told.append("run goes on")

    async with dial(Handler) as switch:
        await switch.greet()
        uuid = await switch.expect_execute(application, argument)
        gone = switch.complete(uuid, application, Channel_State_Number="8")
        await switch.send(switch.execute(uuid, application), gone)
        await see_the_call_go(switch)
    assert told == ["run goes on"]


@pytest.mark.parametrize(("take", "application", "argument"), TAKEN)
async def test_who_finds_nobody_to_take_is_told_at_once(
    take: Ask, application: str, argument: str, autojump_clock: MockClock
) -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            began = trio.current_time()
            with pytest.raises(ApplicationFailed):
                await take(self)
            assert trio.current_time() == began

    async with dial(Handler) as switch:
        await switch.greet()
        await switch.run_application(application, argument, Channel_State_Number="4")
        await switch.hang_up_as_told()
        await switch.expect_exit()


async def test_uuid_bridge_says_what_happens_afterwards_first() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            with pytest.raises(ApiFailed):
                await self.uuid_bridge(OTHER)
            assert self.is_up
            await self.uuid_bridge(OTHER, park_after_bridge=True, transfer_after_bridge="9000:XML:public")

    async with dial(Handler) as switch:
        await switch.greet()
        await switch.expect(f"api uuid_bridge {CHANNEL} {OTHER}")
        await switch.send(api_response("-ERR Invalid uuid\n"))
        await switch.run_application("set", "park_after_bridge=true")
        await switch.run_application("set", "transfer_after_bridge=9000:XML:public")
        await switch.expect(f"api uuid_bridge {CHANNEL} {OTHER}")
        await switch.send(api_response(f"+OK {OTHER}\n"))
        await see_the_call_go(switch)


async def test_both_legs_go_to_extensions_of_their_own() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            with pytest.raises(ApplicationFailed):
                await self.dual_transfer("9000", "9001")
            await self.wait_for("CHANNEL_BRIDGE")
            await self.dual_transfer("9000", "two words", context="public")

    async with dial(Handler) as switch:
        await switch.greet()
        await bridge(switch)
        await switch.expect(f"api uuid_dual_transfer {CHANNEL} 9000/XML/public 'two words/XML/public'")
        await switch.send(api_response("+OK\n"))
        await see_the_call_go(switch)


@pytest.mark.parametrize(
    "ask",
    [
        lambda call: call.uuid_bridge(OTHER),
        lambda call: call.dual_transfer("9000", "9001"),
        lambda call: call.uuid_media(),
        lambda call: call.broadcast("a.wav", leg=Leg.BLEG),
    ],
)
async def test_without_full_what_needs_an_api_command_is_not_permitted(ask: Ask) -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            with pytest.raises(NotPermitted, match="full"):
                await ask(self)

    async with dial(Handler) as switch:
        await switch.greet(connect_reply(control="single-channel"))
        await switch.expect("sendmsg\ncall-command: hangup\nhangup-cause: NORMAL_CLEARING")
        await switch.send(OK, switch.hangup())
        await switch.expect_exit()


# Listening in


@pytest.mark.parametrize(
    ("listen", "application", "argument"),
    [
        (lambda call: call.eavesdrop(OTHER), "eavesdrop", OTHER),
        (lambda call: call.eavesdrop("all"), "eavesdrop", "all"),
        (
            lambda call: call.eavesdrop(OTHER, listen_to=Spied.CHANNEL, whisper_to=Spied.OTHER_LEG),
            "eavesdrop",
            f"%[eavesdrop_bridge_aleg=true,eavesdrop_bridge_bleg=false,eavesdrop_whisper_aleg=true]{OTHER}",
        ),
        (
            lambda call: call.eavesdrop(OTHER, listen_to=Spied.OTHER_LEG, whisper_to=Spied.CHANNEL),
            "eavesdrop",
            f"%[eavesdrop_bridge_aleg=false,eavesdrop_bridge_bleg=true,eavesdrop_whisper_bleg=true]{OTHER}",
        ),
        (
            lambda call: call.eavesdrop(OTHER, whisper_to="3", require_group="sales", keys=False),
            "eavesdrop",
            "%[eavesdrop_whisper_aleg=true,eavesdrop_whisper_bleg=true,eavesdrop_require_group=sales,"
            f"eavesdrop_enable_dtmf=false]{OTHER}",
        ),
        (lambda call: call.three_way(OTHER), "three_way", OTHER),
        (lambda call: call.native_eavesdrop(OTHER), "native_eavesdrop", f"{OTHER} read"),
        (lambda call: call.native_eavesdrop(OTHER, written=True), "native_eavesdrop", f"{OTHER} write"),
    ],
)
async def test_listening_in_tells_whether_it_came_to_that(listen: Ask, application: str, argument: str) -> None:
    results: list[object] = []

    class Handler(CallHandler):
        async def run(self) -> None:
            results.append(await listen(self))
            results.append(await listen(self))

    async with dial(Handler) as switch:
        await switch.greet()
        await switch.run_application("multiunset", SHOWN)
        await switch.run_application(application, argument, variable_last_sent_callee_id_number="1000")
        await switch.run_application("multiunset", SHOWN)
        await switch.run_application(application, argument)
        await switch.hang_up_as_told()
        await switch.expect_exit()
    assert results == [EavesdropResult(attached=True), EavesdropResult(attached=False)]


@pytest.mark.parametrize("application", ["eavesdrop", "three_way", "native_eavesdrop"])
async def test_listening_in_is_ended_by_an_event_for_the_session(application: str, autojump_clock: MockClock) -> None:
    # switch_ivr_eavesdrop_session() looks at nothing else.
    class Handler(CallHandler):
        async def run(self) -> None:
            with trio.move_on_after(3):
                await getattr(self, application)(OTHER)
            assert self.is_up

    async with dial(Handler) as switch:
        await switch.greet()
        await switch.run_application("multiunset")
        uuid = await switch.expect_execute(application)
        await switch.send(switch.execute(uuid, application))
        for _ in range(2):  # one that comes too early is lost
            await switch.expect(f"sendevent COMMAND\nunique-id: {CHANNEL}\neavesdrop-command: *")
            await switch.send(b"Content-Type: command/reply\nReply-Text: +OK 7f4de4bc-17d7-11dd-b7a0-db4edd065621\n\n")
        await switch.send(switch.complete(uuid, application))
        await switch.hang_up_as_told()
        await switch.expect_exit()


async def test_a_hangup_reaches_an_eavesdropper_by_uuid_kill() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            await self.start_eavesdrop(OTHER)
            await self.hangup()

    async with dial(Handler) as switch:
        await switch.greet()
        await switch.run_application("multiunset")
        await switch.expect_execute("eavesdrop")
        await switch.expect(f"api uuid_kill {CHANNEL} NORMAL_CLEARING")
        await switch.send(api_response("+OK\n"), switch.hangup(), switch.hangup_complete())
        await switch.expect_exit()


async def test_an_eavesdropper_is_steered_through_his_handle() -> None:
    results: list[EavesdropResult] = []

    class Handler(CallHandler):
        async def run(self) -> None:
            spy = await self.start_eavesdrop(OTHER, whisper_to=Spied.CHANNEL)
            assert isinstance(spy, Eavesdrop)
            assert spy.channel_uuid == OTHER
            await spy.execution.started()
            assert repr(spy) == f"<Eavesdrop on {OTHER}, started>"
            with trio.CancelScope() as scope:
                scope.cancel()
                await spy.finished()  # he listens on
            await spy.whisper(Spied.BOTH)
            await spy.stop()
            results.append(await spy.finished())

    async with dial(Handler) as switch:
        await switch.greet()
        await switch.run_application("multiunset")
        uuid = await switch.expect_execute("eavesdrop", f"%[eavesdrop_whisper_bleg=true]{OTHER}")
        await switch.send(switch.execute(uuid, "eavesdrop"))
        for command in "3*":
            await switch.expect(f"sendevent COMMAND\nunique-id: {CHANNEL}\neavesdrop-command: {command}")
            await switch.send(b"Content-Type: command/reply\nReply-Text: +OK 7f4de4bc-17d7-11dd-b7a0-db4edd065621\n\n")
        await switch.send(switch.complete(uuid, "eavesdrop", variable_last_sent_callee_id_name="Ada"))
        await switch.hang_up_as_told()
        await switch.expect_exit()
    assert results == [EavesdropResult(attached=True)]


# Amid a bridge


@pytest.mark.parametrize(
    ("ask", "application", "argument"),
    [
        (lambda call: call.soft_hold("*"), "soft_hold", "*"),
        (lambda call: call.soft_hold("9", moh_a="silence"), "soft_hold", "9 silence"),
        (lambda call: call.soft_hold("9", moh_b="a b.wav"), "soft_hold", r"9 '${hold_music}' 'a b.wav'"),
        (lambda call: call.soft_hold("9", moh_a="${x}", moh_b="b"), "soft_hold", r"9 '\${x}' b"),
        (lambda call: call.broadcast("a.wav"), "broadcast", "a.wav both"),
        (lambda call: call.broadcast("a b.wav", leg=Leg.BOTH), "broadcast", "'a b.wav' both"),
        (lambda call: call.broadcast("tone_stream://%(1,2,3)"), "broadcast", "'tone_stream://%(1,2,3)' both"),
        (lambda call: call.broadcast(Expand("${x}.wav")), "broadcast", "'${x}.wav' both"),
        (lambda call: call.broadcast("${x}"), "broadcast", r"'\\\\\${x}' both"),
    ],
)
async def test_what_is_run_amid_a_bridge(ask: Ask, application: str, argument: str) -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            await self.wait_for("CHANNEL_BRIDGE")
            await ask(self)

    async with dial(Handler) as switch:
        await switch.greet()
        await bridge(switch)
        await switch.run_application(application, argument)
        await switch.hang_up_as_told()
        await switch.expect_exit()


async def test_soft_hold_needs_somebody_to_hold() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            with pytest.raises(ApplicationFailed, match="soft_hold needs another leg"):
                await self.soft_hold("*")

    async with dial(Handler) as switch:
        await switch.greet()
        await switch.hang_up_as_told()
        await switch.expect_exit()


async def test_one_leg_alone_hears_what_the_api_broadcasts() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            await self.broadcast("it's ${x}.wav", leg=Leg.BLEG)
            with pytest.raises(ApiFailed):
                await self.broadcast("a.wav", leg="aleg")
            await self.uuid_media(off=True)
            await self.uuid_media()

    async with dial(Handler) as switch:
        await switch.greet()
        await switch.expect(rf"api uuid_broadcast {CHANNEL} 'it\'s \\${{x}}.wav' bleg")
        await switch.send(api_response("+OK Message sent\n"))
        await switch.expect(f"api uuid_broadcast {CHANNEL} a.wav aleg")
        await switch.send(api_response("-ERR invalid uuid\n"))
        await switch.expect(f"api uuid_media off {CHANNEL}")
        await switch.send(api_response("+OK Success\n"))
        await switch.expect(f"api uuid_media {CHANNEL}")
        await switch.send(api_response("+OK Success\n"))
        await switch.hang_up_as_told()
        await switch.expect_exit()


# As a user would


class Agent(CallHandler):
    """Waits for customers."""

    waiting: ClassVar[list[CallHandler]] = []
    records: ClassVar[list[CallRecord]] = []

    async def run(self) -> None:
        await self.answer()
        self.waiting.append(self)
        await trio.sleep_forever()

    async def after_hangup(self, record: CallRecord) -> None:
        self.records.append(record)


class Customer(CallHandler):
    """Is put through to an agent who waits."""

    told: ClassVar[list[str]] = []

    async def run(self) -> None:
        await self.answer()
        await self.uuid_bridge(Agent.waiting.pop())
        self.told.append("goes on")


async def test_a_customer_is_put_through_to_an_agent_who_waits(phone: FakeFreeSwitch) -> None:
    Agent.waiting.clear()
    Agent.records.clear()
    Customer.told.clear()
    async with phone.dial(Agent) as agent:
        await trio.sleep(1)
        async with phone.dial(Customer) as customer:
            await trio.sleep(60)
            assert customer.is_up
            assert agent.is_up
            assert Customer.told == ["goes on"]
            assert [record.ending for record in Agent.records] == [Ending.TRANSFERRED]
            await agent.hangs_up()
            await customer.was_hung_up("NORMAL_CLEARING")


async def test_a_supervisor_listens_until_he_presses_the_star(phone: FakeFreeSwitch) -> None:
    results: list[EavesdropResult] = []

    class Supervisor(CallHandler):
        async def run(self) -> None:
            await self.answer()
            results.append(await self.eavesdrop(Agent.waiting[-1]))
            with trio.move_on_after(5):
                await self.three_way(Agent.waiting[-1])
            results.append(await self.eavesdrop("00000000-0000-4000-8000-000000000000"))
            await self.playback("bye.wav")

    Agent.waiting.clear()
    async with phone.dial(Agent):
        await trio.sleep(1)
        async with phone.dial(Supervisor) as supervisor:
            await trio.sleep(10)
            assert supervisor.heard == []
            await supervisor.press("2*")
            began = await supervisor.sees_run("three_way")
            await supervisor.hears("bye.wav")
            assert began.seconds == pytest.approx(5, abs=0.1)
    assert results == [EavesdropResult(attached=True), EavesdropResult(attached=False)]


class Reception(CallHandler):
    """A bridge, in which the caller asks somebody else."""

    told: ClassVar[list[object]] = []

    async def run(self) -> None:
        await self.answer()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.talk)
            await self.wait_for("CHANNEL_BRIDGE")
            self.told.append((await self.att_xfer("user/1002")).outcome)

    async def talk(self) -> None:
        try:
            await self.execute("bridge", "user/1001")
        except CallTransferred:
            self.told.append("the bridge is over")


@pytest.mark.parametrize(
    ("key", "outcome"),
    [("#", AttXferOutcome.RETURNED), ("*", AttXferOutcome.TRANSFERRED), ("0", AttXferOutcome.THREE_WAY)],
)
async def test_a_caller_asks_a_third_party(phone: FakeFreeSwitch, key: str, outcome: AttXferOutcome) -> None:
    Reception.told.clear()
    async with phone.dial(Reception) as caller:
        callee = await caller.is_bridged_to("user/1001")
        await caller.is_bridged_to("user/1002")
        await caller.press(key)
        await trio.sleep(1)
        assert outcome in Reception.told
        if caller.is_up:
            assert callee.is_up
            await callee.hangs_up()
            await caller.was_hung_up()


async def test_a_third_party_that_is_busy_leaves_the_bridge_as_it_was(phone: FakeFreeSwitch) -> None:
    phone.destination("user/1002", cause="USER_BUSY")
    Reception.told.clear()
    async with phone.dial(Reception) as caller:
        callee = await caller.is_bridged_to("user/1001")
        await trio.sleep(5)
        assert Reception.told == [AttXferOutcome.NOT_REACHED]
        assert callee.is_up
        await callee.hangs_up()
        await caller.was_hung_up()
