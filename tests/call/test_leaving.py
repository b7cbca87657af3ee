"""The ways out of a call: refusing it, sending it elsewhere, giving it away, now or later."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

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
from esl_outbound.arguments.extensions import Leg
from esl_outbound.call.leaving import DeflectResult
from esl_outbound.testing import FakeFreeSwitch

from ..freeswitch import CHANNEL, GOODBYE, LINGER_NOTICE, OK, ScriptedSwitch, api_response, connect_reply, dial

OTHER = "c0ffee00-aaaa-4bbb-8ccc-000000000002"
Ask = Callable[[CallHandler], Awaitable[object]]
BRIDGED = {"Bridge_A_Unique_ID": CHANNEL, "Bridge_B_Unique_ID": OTHER, "variable_x": "1"}


def socket_complete(switch: ScriptedSwitch) -> bytes:
    """The completion of ``socket``, by which control is lost."""
    return switch.complete("b2c26881-9112-47f1-85ba-52f952478e96", "socket", Answer_State="answered")


async def see_the_call_go(switch: ScriptedSwitch) -> None:
    """CHANNEL_UNPARK and the completion of ``socket``; the connection is kept, and nothing is sent any more."""
    await switch.send(switch.event("CHANNEL_UNPARK"), socket_complete(switch))


async def see_the_connection_kept(switch: ScriptedSwitch) -> None:
    """A call that went elsewhere is watched until FreeSWITCH closes the connection."""
    await switch.expect("nolinger", "noevents")
    await switch.send(GOODBYE)
    await switch.stream.aclose()


# Refusing


REFUSALS: list[tuple[Ask, str, str]] = [
    (lambda call: call.respond(486), "respond", "486"),
    (lambda call: call.respond(603, "Not ${today}"), "respond", r"603 Not \${today}"),
    (lambda call: call.redirect("sip:1001@example.org"), "redirect", "sip:1001@example.org"),
    (lambda call: call.redirect("sip:1@a", "sip:2@b;x=${y}"), "redirect", r"sip:1@a,sip:2@b;x=\${y}"),
]


@pytest.mark.parametrize(("refuse", "application", "argument"), REFUSALS)
async def test_a_refusal_returns_when_the_call_is_hung_up_and_run_goes_on(
    refuse: Ask, application: str, argument: str
) -> None:
    records: list[CallRecord] = []

    class Handler(CallHandler):
        async def run(self) -> None:
            await refuse(self)
            assert not self.is_up
            await trio.lowlevel.checkpoint()
            with pytest.raises(CallHungUp):
                await self.answer()

        async def after_hangup(self, record: CallRecord) -> None:
            records.append(record)

    async with dial(Handler) as switch:
        await switch.greet()
        uuid = await switch.expect_execute(application, argument)
        # As recorded of a hangup by an application: CHANNEL_HANGUP comes before the completion.
        await switch.send(switch.execute(uuid, application), switch.hangup("USER_BUSY"))
        await switch.send(
            switch.complete(uuid, application, Answer_State="hangup"), switch.hangup_complete("USER_BUSY")
        )
        await switch.expect_exit()
    assert records[0].ending is Ending.HUNG_UP
    assert records[0].hangup_cause is HangupCause.USER_BUSY


@pytest.mark.parametrize(("refuse", "application", "argument"), REFUSALS)
async def test_a_refusal_that_ends_nothing_says_so_at_once(
    refuse: Ask, application: str, argument: str, autojump_clock: MockClock
) -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            began = trio.current_time()
            with pytest.raises(ApplicationFailed, match=f"{application} did not end the call") as caught:
                await refuse(self)
            assert (caught.value.application, caught.value.argument) == (application, argument)
            assert trio.current_time() == began
            assert self.is_up

    async with dial(Handler) as switch:
        await switch.greet()
        await switch.run_application(application, argument, Channel_State_Number="4", Answer_State="answered")
        await switch.hang_up_as_told()
        await switch.expect_exit()


async def test_a_hangup_whose_event_comes_after_the_completion_is_waited_for() -> None:
    told: list[str] = []

    class Handler(CallHandler):
        async def run(self) -> None:
            await self.respond(486)
            await trio.lowlevel.checkpoint()
            told.append("run goes on")

    async with dial(Handler) as switch:
        await switch.greet()
        uuid = await switch.expect_execute("respond", "486")
        ended = switch.complete(uuid, "respond", Answer_State="hangup", Channel_State_Number="10")
        await switch.send(switch.execute(uuid, "respond"), ended)
        await trio.testing.wait_all_tasks_blocked()
        await switch.send(switch.hangup("USER_BUSY"), switch.hangup_complete("USER_BUSY"))
        await switch.expect_exit()
    assert told == ["run goes on"]


async def test_a_call_that_is_over_cannot_be_refused_any_more() -> None:
    seen: list[str] = []

    class Handler(CallHandler):
        async def run(self) -> None:
            await self.hangup()
            for refuse in (lambda: self.respond(486), lambda: self.redirect("sip:a@b"), lambda: self.deflect("1001")):
                with pytest.raises(CallHungUp):
                    await refuse()
            seen.append("told")

    async with dial(Handler) as switch:
        await switch.greet()
        await switch.hang_up_as_told()
        await switch.expect_exit()
    assert seen == ["told"]


async def test_deflect_tells_what_the_callers_side_said() -> None:
    results: list[DeflectResult] = []

    class Handler(CallHandler):
        async def run(self) -> None:
            results.append(await self.deflect("sip:1001@example.org"))

    async with dial(Handler) as switch:
        await switch.greet()
        await switch.run_application("multiunset", "sip_refer_target_status_code sip_refer_reply")
        uuid = await switch.expect_execute("deflect", "sip:1001@example.org")
        said = {"variable_sip_refer_target_status_code": "603", "variable_sip_refer_reply": "SIP/2.0%20603%20No%0D%0A"}
        await switch.send(switch.execute(uuid, "deflect"), switch.hangup("BLIND_TRANSFER", **said))
        await switch.send(switch.hangup_complete("BLIND_TRANSFER"))
        await switch.expect_exit()
    assert results == [DeflectResult(603, "SIP/2.0 603 No")]


async def test_deflect_without_a_reply_and_with_a_call_that_goes_on() -> None:
    results: list[DeflectResult] = []

    class Handler(CallHandler):
        async def run(self) -> None:
            with pytest.raises(ApplicationFailed):
                await self.deflect("1001")
            await self.execute("set", "sip_refer_continue_after_reply=true")
            results.append(await self.deflect("1001"))
            assert self.is_up

    async with dial(Handler) as switch:
        await switch.greet()
        await switch.run_application("multiunset")
        await switch.run_application("deflect", "1001", Channel_State_Number="4")
        await switch.run_application("set", variable_sip_refer_continue_after_reply="true")
        await switch.run_application("multiunset")
        await switch.run_application("deflect", "1001", Channel_State_Number="4")
        await switch.hang_up_as_told()
        await switch.expect_exit()
    assert results == [DeflectResult(None, None)]


@pytest.mark.parametrize(
    "ask",
    [
        lambda call: call.hangup("BUSSY"),
        lambda call: call.hangup(17),
        lambda call: call.respond(399),
        lambda call: call.respond(302),
        lambda call: call.respond(700),
        lambda call: call.respond(486, "two\nlines"),
        lambda call: call.respond(486, "a\0b"),
        lambda call: call.redirect(),
        lambda call: call.redirect("sip:a@b,sip:c@d"),
        lambda call: call.redirect("'Ada' <sip:a@b>"),
        lambda call: call.redirect(*["sip:a@b"] * 101),
        lambda call: call.deflect(""),
        lambda call: call.deflect("sip:a@b c"),
        lambda call: call.deflect("1" * 1000),
        lambda call: call.transfer(""),
        lambda call: call.transfer("-bleg"),
        lambda call: call.transfer("-BOTH"),
        lambda call: call.transfer("9000\n"),
        lambda call: call.transfer("9000", context="a\rb"),
        lambda call: call.execute_extension(""),
        lambda call: call.park(0),
        lambda call: call.park(60, timeout_cause="A:B"),
        lambda call: call.sched_hangup(0),
        lambda call: call.sched_hangup(-1),
        lambda call: call.sched_hangup(60, "NORMAL CLEARING"),
        lambda call: call.sched_hangup(60, "BUSSY"),
        lambda call: call.sched_transfer(60, ""),
        lambda call: call.sched_transfer(float("nan"), "9000"),
        lambda call: call.sched_broadcast(60, ""),
        lambda call: call.sched_broadcast(60, "hangup::"),
        lambda call: call.sched_cancel("a b"),
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


# Transfers


TRANSFERS: list[tuple[Ask, str]] = [
    (lambda call: call.transfer("9000"), "9000"),
    (lambda call: call.transfer("9000", dialplan="inline"), "9000 inline"),
    (lambda call: call.transfer("9000", context="public"), "9000 XML public"),
    (lambda call: call.transfer("two words", dialplan="XML", context="it's"), r"'two words' XML 'it\\'s'"),
    (lambda call: call.transfer("${system(x)}"), r"'\${system(x)}'"),
    (lambda call: call.transfer("J\udcf6rg"), "'J\udcf6rg'"),
]


@pytest.mark.parametrize(("transfer", "argument"), TRANSFERS)
async def test_a_transfer_returns_when_the_call_has_gone_and_run_goes_on(transfer: Ask, argument: str) -> None:
    records: list[CallRecord] = []

    class Handler(CallHandler):
        async def run(self) -> None:
            await transfer(self)
            assert not self.is_up
            with pytest.raises(CallTransferred):
                await self.answer()

        async def after_hangup(self, record: CallRecord) -> None:
            records.append(record)

    async with dial(Handler) as switch:
        await switch.greet()
        uuid = await switch.expect_execute("transfer", argument)
        # As recorded in m4_transfer: the state that the channel is about to have is 2, CS_ROUTING.
        gone = switch.complete(uuid, "transfer", Channel_State="CS_EXECUTE", Channel_State_Number="2")
        await switch.send(switch.execute(uuid, "transfer"), gone)
        await see_the_call_go(switch)
        await switch.expect("connect")
        await switch.send(connect_reply())
        await see_the_connection_kept(switch)
    assert records[0].ending is Ending.TRANSFERRED


async def test_a_transfer_that_was_told_by_the_end_of_socket_first() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            await self.transfer("9000")

    async with dial(Handler) as switch:
        await switch.greet()
        uuid = await switch.expect_execute("transfer")
        await switch.send(switch.execute(uuid, "transfer"), socket_complete(switch))
        await see_the_connection_kept(switch)


async def test_one_transfer_too_many_hangs_up_by_our_own_doing() -> None:
    # switch_ivr_session_transfer() hangs up when `max_forwards` is used up.
    errors: list[object] = []

    class Handler(CallHandler):
        async def run(self) -> None:
            with pytest.raises(CallHungUp) as caught:
                await self.transfer("9000")
            errors.append(caught.value.hangup_cause)
            await trio.lowlevel.checkpoint()
            errors.append("it goes on")

    async with dial(Handler) as switch:
        await switch.greet()
        uuid = await switch.expect_execute("transfer")
        await switch.send(switch.execute(uuid, "transfer"), switch.hangup("EXCHANGE_ROUTING_ERROR"))
        await switch.send(switch.hangup_complete("EXCHANGE_ROUTING_ERROR"))
        await switch.expect_exit()
    assert errors == [HangupCause.EXCHANGE_ROUTING_ERROR, "it goes on"]


async def test_a_transfer_that_does_not_happen_says_so() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            with pytest.raises(ApplicationFailed, match="transfer did not take the call away"):
                await self.transfer("9000")
            assert self.is_up

    async with dial(Handler) as switch:
        await switch.greet()
        await switch.run_application("transfer", Channel_State_Number="4")
        await switch.hang_up_as_told()
        await switch.expect_exit()


async def test_a_transfer_that_takes_its_time_is_believed(autojump_clock: MockClock) -> None:
    told: list[str] = []

    class Handler(CallHandler):
        async def run(self) -> None:
            await self.transfer("9000")
            told.append("returned")
            await trio.sleep_forever()

    async with dial(Handler) as switch:
        await switch.greet()
        uuid = await switch.expect_execute("transfer")
        await switch.send(switch.execute(uuid, "transfer"), switch.complete(uuid, "transfer", Channel_State_Number="2"))
        await trio.sleep(2)
        assert told == ["returned"]
        await see_the_call_go(switch)
        await see_the_connection_kept(switch)


async def test_the_other_leg_is_sent_away_and_the_call_stays(autojump_clock: MockClock) -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            for leg in (Leg.BLEG, Leg.BOTH):
                with pytest.raises(ApplicationFailed, match="the caller talks to nobody"):
                    await self.transfer("9000", leg=leg)
            await self.wait_for("CHANNEL_BRIDGE")
            began = trio.current_time()
            await self.transfer("9000", context="public", leg="bleg")
            assert trio.current_time() == began
            assert self.is_up
            await self.transfer("9000", leg=Leg.BOTH)

    async with dial(Handler) as switch:
        await switch.greet()
        await trio.testing.wait_all_tasks_blocked()
        await switch.send(switch.event("CHANNEL_BRIDGE", **BRIDGED))
        await switch.run_application("transfer", "-bleg 9000 XML public")
        uuid = await switch.expect_execute("transfer", "-both 9000")
        await switch.send(switch.execute(uuid, "transfer"), switch.complete(uuid, "transfer", Channel_State_Number="2"))
        await see_the_call_go(switch)
        await see_the_connection_kept(switch)


async def test_an_extension_that_takes_the_call_away_does_so_by_our_own_doing() -> None:
    told: list[str] = []

    class Handler(CallHandler):
        async def run(self) -> None:
            await self.execute_extension("9000", context="public")
            await self.execute_extension("set:a=1", dialplan="inline")
            with pytest.raises(CallTransferred):
                await self.answer()
            told.append("it goes on")

    async with dial(Handler) as switch:
        await switch.greet()
        await switch.run_application("execute_extension", "9000 XML public", Channel_State_Number="4")
        uuid = await switch.expect_execute("execute_extension", "'set:a=1' inline".replace("'", ""))
        gone = switch.complete(uuid, "execute_extension", Channel_State_Number="2")
        await switch.send(switch.execute(uuid, "execute_extension"), gone)
        await see_the_call_go(switch)
        await see_the_connection_kept(switch)
    assert told == ["it goes on"]


async def test_an_extension_that_hangs_up_does_so_by_our_own_doing_and_a_caller_does_not() -> None:
    told: list[str] = []

    class Handler(CallHandler):
        async def run(self) -> None:
            try:
                await self.execute_extension("9000")
            except CallHungUp:
                told.append("it goes on")
                raise
            except trio.Cancelled:
                told.append("it is cancelled")
                raise

    for application in ("hangup", "playback"):
        async with dial(Handler) as switch:
            await switch.greet()
            uuid = await switch.expect_execute("execute_extension", "9000")
            await switch.send(switch.execute(uuid, "execute_extension"))
            await switch.send(switch.hangup(variable_current_application=application), switch.hangup_complete())
            await switch.expect_exit()
    assert told == ["it goes on", "it is cancelled"]


# Parking


async def test_parking_gives_the_call_away_for_an_hour() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            await self.park()
            with pytest.raises(CallTransferred):
                await self.answer()

    async with dial(Handler) as switch:
        await switch.greet()
        await switch.run_application("set", "park_timeout=3600:NORMAL_CLEARING")
        await switch.expect(f"api uuid_park {CHANNEL}")
        await switch.send(api_response("+OK\n"))
        await see_the_call_go(switch)
        await switch.send(switch.event("CHANNEL_PARK"))
        await see_the_connection_kept(switch)


async def test_parking_for_ever_is_to_be_asked_for_and_may_fail() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            with pytest.raises(ApiFailed):
                await self.park(None)
            assert self.is_up

    async with dial(Handler) as switch:
        await switch.greet()
        await switch.expect(f"api uuid_park {CHANNEL}")
        await switch.send(api_response("-ERR No such channel!\n"))
        await switch.hang_up_as_told()
        await switch.expect_exit()


async def test_without_full_an_application_parks() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            await self.park(59.5, timeout_cause=HangupCause.NO_ANSWER)

    async with dial(Handler) as switch:
        await switch.greet(connect_reply(control="single-channel"))
        await switch.run_application("set", "park_timeout=60:NO_ANSWER")
        uuid = await switch.expect_execute("park_state", "")
        gone = switch.complete(uuid, "park_state", Channel_State_Number="6")
        await switch.send(switch.execute(uuid, "park_state"), gone)
        await see_the_call_go(switch)
        await switch.send(GOODBYE)
        await switch.stream.aclose()


# Later


async def test_a_scheduled_hangup_has_a_number_to_cancel_it_by() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            scheduled = await self.sched_hangup(59.2)
            assert (scheduled.what, scheduled.task_id) == ("hangup", 17)
            await scheduled.cancel()
            unnumbered = await self.sched_hangup(60, HangupCause.USER_BUSY)
            assert unnumbered.task_id is None

    async with dial(Handler) as switch:
        await switch.greet()
        await switch.expect(f"api sched_api +60 {CHANNEL} uuid_kill {CHANNEL} ALLOTTED_TIMEOUT")
        await switch.send(api_response("+OK Added: 17\n"))
        await switch.run_application("sched_cancel", "17")
        await switch.expect(f"api sched_api +60 {CHANNEL} uuid_kill {CHANNEL} USER_BUSY")
        await switch.send(api_response("+OK Added\n"))
        await switch.hang_up_as_told()
        await switch.expect_exit()


async def test_without_full_a_scheduled_hangup_can_only_be_cancelled_with_all_others() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            scheduled = await self.sched_hangup(60)
            with pytest.raises(NotPermitted, match="cancelling a scheduled hangup"):
                await scheduled.cancel()
            await self.sched_cancel()
            await self.sched_cancel("mine")

    async with dial(Handler) as switch:
        await switch.greet(connect_reply(control="single-channel"))
        await switch.run_application("sched_hangup", "+60 ALLOTTED_TIMEOUT")
        await switch.run_application("sched_cancel", "")
        await switch.run_application("sched_cancel", "mine")
        await switch.expect("sendmsg\ncall-command: hangup\nhangup-cause: NORMAL_CLEARING")
        await switch.send(OK, switch.hangup())
        await switch.expect_exit()


async def test_scheduled_transfers_and_broadcasts_tell_their_numbers() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            transfer = await self.sched_transfer(30, "9000", context="public")
            assert (transfer.what, transfer.task_id) == ("transfer", 5)
            broadcast = await self.sched_broadcast(30, "it's ${news}.wav", leg=Leg.BOTH)
            assert (broadcast.what, broadcast.task_id) == ("broadcast", 6)
            assert (await self.sched_broadcast(1, Expand("${sounds_dir}/a.wav"))).task_id is None
            await transfer.cancel()
            assert repr(transfer) == "<Scheduled transfer, task 5>"

    async with dial(Handler) as switch:
        await switch.greet()
        await switch.run_application("sched_transfer", "+30 9000 XML public", variable_last_sched_id="5")
        # Expanded twice: now, and when it is played.
        argument = r"+30 'it\\'s \\\\\${news}.wav' both"
        await switch.run_application("sched_broadcast", argument, variable_last_sched_id="6")
        await switch.run_application("sched_broadcast", "+1 '${sounds_dir}/a.wav' aleg")
        await switch.run_application("sched_cancel", "5")
        await switch.hang_up_as_told()
        await switch.expect_exit()


# The connection of a call that went elsewhere


async def test_the_kept_connection_of_a_call_that_is_dead_by_then_is_closed(autojump_clock: MockClock) -> None:
    # An extension that is not there: the hangup, and with it the linger, come before `nolinger` can be said.
    class Handler(CallHandler):
        async def run(self) -> None:
            await self.transfer("nowhere")

    async with dial(Handler) as switch:
        await switch.greet()
        uuid = await switch.expect_execute("transfer")
        await switch.send(
            switch.execute(uuid, "transfer"),
            switch.complete(uuid, "transfer", Channel_State_Number="2"),
            socket_complete(switch),
            switch.hangup("NO_ROUTE_DESTINATION"),
            LINGER_NOTICE,
            switch.hangup_complete("NO_ROUTE_DESTINATION"),
        )
        began = trio.current_time()
        await switch.expect("nolinger", "noevents", "exit")
        await switch.expect_end()
        assert trio.current_time() == began


async def test_the_kept_connection_of_a_call_that_is_up_stays_until_the_call_ends(autojump_clock: MockClock) -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            await self.transfer("9000")

    async with dial(Handler) as switch:
        await switch.greet()
        uuid = await switch.expect_execute("transfer")
        await switch.send(switch.execute(uuid, "transfer"), socket_complete(switch))
        await switch.expect("nolinger", "noevents")
        await trio.sleep(60)
        assert switch.received == b""
        await switch.send(LINGER_NOTICE)
        await switch.expect("exit")
        await switch.expect_end()


# As a user would


async def test_a_caller_is_refused_as_busy(phone: FakeFreeSwitch) -> None:
    class Busy(CallHandler):
        async def run(self) -> None:
            try:
                await self.respond(486)
            except ApplicationFailed:  # it is no SIP call
                await self.hangup("CALL_REJECTED")

    async with phone.dial(Busy) as caller:
        await caller.was_hung_up("USER_BUSY")
    async with phone.dial(Busy, endpoint="loopback") as caller:
        await caller.was_hung_up("CALL_REJECTED")


async def test_a_caller_is_redirected_before_the_answer_and_deflected_after_it(phone: FakeFreeSwitch) -> None:
    results: list[DeflectResult] = []

    class Elsewhere(CallHandler):
        async def run(self) -> None:
            if self.destination_number == "1":
                await self.redirect("sip:1001@example.org")
            await self.answer()
            with pytest.raises(ApplicationFailed):
                await self.redirect("sip:1001@example.org")
            results.append(await self.deflect("1001"))

    async with phone.dial(Elsewhere, number="1") as caller:
        await caller.was_hung_up("NORMAL_UNSPECIFIED")
    async with phone.dial(Elsewhere, number="2") as caller:
        await caller.was_hung_up("BLIND_TRANSFER")
    assert results == [DeflectResult(200, "SIP/2.0 200 OK")]


async def test_a_caller_goes_to_another_extension_and_the_handler_is_done(phone: FakeFreeSwitch) -> None:
    class Survey(CallHandler):
        async def run(self) -> None:
            await self.answer()
            await self.execute_extension("set:greeted=yes", dialplan="inline")
            await self.transfer("9000")

    phone.extension("9000", ["playback survey.wav"])
    async with phone.dial(Survey) as caller:
        await caller.hears("survey.wav", to_the_end=True)
        await caller.was_hung_up("NORMAL_CLEARING")
    assert caller.variables["greeted"] == "yes"


async def test_a_parked_caller_is_hung_up_if_nobody_comes(phone: FakeFreeSwitch) -> None:
    class Parking(CallHandler):
        async def run(self) -> None:
            await self.answer()
            await self.park(30, timeout_cause="NO_ANSWER")

    async with phone.dial(Parking) as caller:
        await trio.sleep(20)
        assert caller.is_up
        await caller.was_hung_up("NO_ANSWER", within=20)


async def test_a_call_has_half_a_minute_unless_somebody_cares(phone: FakeFreeSwitch) -> None:
    class Brief(CallHandler):
        async def run(self) -> None:
            await self.answer()
            limit = await self.sched_hangup(30)
            forward = await self.sched_transfer(40, "9000")
            if self.destination_number == "patient":
                await limit.cancel()
                await forward.cancel()
            await trio.sleep(60)

    async with phone.dial(Brief) as caller:
        await caller.was_hung_up("ALLOTTED_TIMEOUT", within=31)
    async with phone.dial(Brief, number="patient") as caller:
        await caller.was_hung_up("NORMAL_CLEARING", within=61)


async def test_a_file_with_any_name_is_played_later(phone: FakeFreeSwitch) -> None:
    class Later(CallHandler):
        async def run(self) -> None:
            await self.answer()
            await self.sched_broadcast(5, "it's ${system(x)} 'news'.wav")
            await trio.sleep(20)

    async with phone.dial(Later) as caller:
        await caller.hears("it's ${system(x)} 'news'.wav")
    assert caller.programs == []
