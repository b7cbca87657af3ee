"""``bridge``: which variable says what and when, who hung up, early media, timeouts, several legs."""

from __future__ import annotations

import pytest
import trio

from esl_outbound.testing import FakeFreeSwitch

from .speaking import Frame, connected, parked, variables

B = "b0000000-0000-4000-8000-000000000001"
C = "c0000000-0000-4000-8000-000000000002"


@pytest.fixture(autouse=True)
def office(phone: FakeFreeSwitch) -> None:
    phone.destination("user/never", answers_after=None)
    phone.destination("user/busy", cause="USER_BUSY")
    phone.destination("user/nobody", cause="SUBSCRIBER_ABSENT")
    phone.destination("user/early", early_media_after=0.2, answers_after=1.0)
    phone.destination("user/early-busy", early_media_after=0.2, cause="USER_BUSY", refuses_after=1.0)


# The order of events, and who the other leg is


async def test_a_bridge_is_told_by_bridge_unbridge_and_complete(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        await socket.execute("bridge", f"{{origination_uuid={B}}}user/1001", uuid="it")
        callee = await caller.is_bridged_to("user/1001")
        bridge = await socket.until("CHANNEL_BRIDGE")
        await callee.hangs_up()
        complete = await socket.until("CHANNEL_EXECUTE_COMPLETE", uuid="it")
        assert socket.told("PROGRESS") == [
            f"EXECUTE bridge {{origination_uuid={B}}}user/1001",
            "BRIDGE",
            "UNBRIDGE",
            "COMPLETE bridge _none_",
        ]
        for event in socket.events[-3:-1]:
            assert (event["Bridge-A-Unique-ID"], event["Bridge-B-Unique-ID"]) == (caller.channel_uuid, B)
        assert bridge["Other-Leg-Unique-ID"] == B
        assert variables(complete)["last_bridge_to"] == B
        assert variables(complete)["bridge_uuid"] == B
        assert variables(complete)["signal_bond"] == B
        assert variables(complete)["bridge_channel"] == "sofia/internal/1001@127.0.0.1"


async def test_the_b_legs_own_events_do_not_come_with_myevents(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        await socket.execute("bridge", "user/1001")
        callee = await caller.is_bridged_to("user/1001")
        await callee.hangs_up()
        await socket.until("CHANNEL_EXECUTE_COMPLETE")
        assert {event["Unique-ID"] for event in socket.events} == {caller.channel_uuid}


async def test_two_filters_before_the_events_show_the_b_leg_from_its_creation_on(phone: FakeFreeSwitch) -> None:
    names = "CHANNEL_OUTGOING CHANNEL_CREATE CHANNEL_ORIGINATE CHANNEL_PROGRESS CHANNEL_ANSWER CHANNEL_BRIDGE"
    async with connected(phone, before=["answer"]) as (caller, socket):
        a = caller.channel_uuid
        await socket.ask("connect", f"filter Unique-ID {a}", f"filter Other-Leg-Unique-ID {a}", f"event plain {names}")
        await socket.listen(0.05)
        await socket.ask("sendmsg\ncall-command: execute\nexecute-app-name: bridge\nexecute-app-arg: user/1001")
        await socket.until("CHANNEL_BRIDGE")
        of_b = [event for event in socket.events if event["Unique-ID"] != a]
        assert [event.name for event in of_b] == [name for name in names.split() if name != "CHANNEL_BRIDGE"]
        assert {event["Other-Leg-Unique-ID"] for event in of_b} == {a}


async def test_ringing_and_talking_are_read_from_the_events_timestamps(phone: FakeFreeSwitch) -> None:
    phone.destination("user/1001", answers_after=3, hangs_up_after=5)
    async with parked(phone) as (_, socket):
        await socket.run("bridge", "{ignore_early_media=true}user/1001")
        moments = {event.name: event.seconds for event in socket.events}
        assert moments["CHANNEL_BRIDGE"] - moments["CHANNEL_EXECUTE"] == pytest.approx(3, abs=0.03)
        assert moments["CHANNEL_UNBRIDGE"] - moments["CHANNEL_BRIDGE"] == pytest.approx(5, abs=0.03)


# How an attempt ends


@pytest.mark.parametrize(
    ("dial_string", "disposition", "dialstatus"),
    [
        ("user/busy", "USER_BUSY", "BUSY"),
        ("{originate_timeout=3}user/never", "NO_ANSWER", "NOANSWER"),
        ("[leg_timeout=3]user/never", "ALLOTTED_TIMEOUT", "ALLOTTED_TIMEOUT"),
        ("user/nobody", "SUBSCRIBER_ABSENT", "SUBSCRIBER_ABSENT"),
        ("nonsense/1001", "CHAN_NOT_IMPLEMENTED", "CHAN_NOT_IMPLEMENTED"),
        ("error/NO_ROUTE_DESTINATION", "NO_ROUTE_DESTINATION", "NO_ROUTE_DESTINATION"),
        ("{bad", "ORIGINATOR_CANCEL", "CANCEL"),
    ],
)
async def test_a_failure_is_named(phone: FakeFreeSwitch, dial_string: str, disposition: str, dialstatus: str) -> None:
    async with parked(phone) as (caller, socket):
        await socket.run("set", "continue_on_fail=true")
        found = variables(await socket.run("bridge", dial_string))
        assert (found["originate_disposition"], found["DIALSTATUS"]) == (disposition, dialstatus)
        assert caller.is_up


async def test_a_success_is_named(phone: FakeFreeSwitch) -> None:
    phone.destination("user/1001", hangs_up_after=1)
    async with parked(phone) as (_, socket):
        found = variables(await socket.run("bridge", "user/1001"))
        assert (found["originate_disposition"], found["DIALSTATUS"]) == ("SUCCESS", "SUCCESS")


async def test_without_continue_on_fail_the_caller_is_hung_up_with_the_b_legs_cause(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (_, socket):
        await socket.run("bridge", "user/busy")
        assert socket.told("PROGRESS") == [
            "EXECUTE bridge user/busy",
            "HANGUP USER_BUSY",
            "COMPLETE bridge _none_",
        ]


@pytest.mark.parametrize(
    ("named", "goes_on"),
    [("true", True), ("USER_BUSY", True), ("NO_ANSWER,USER_BUSY", True), ("NO_ANSWER", False), ("false", False)],
)
async def test_continue_on_fail_may_name_causes(phone: FakeFreeSwitch, named: str, goes_on: bool) -> None:
    async with parked(phone) as (caller, socket):
        await socket.run("set", f"continue_on_fail={named}")
        await socket.run("bridge", "user/busy")
        assert caller.is_up is goes_on


async def test_a_caller_who_gives_up_while_it_rings_leaves_no_last_bridge_hangup_cause(phone: FakeFreeSwitch) -> None:
    async with parked(phone, before=[]) as (caller, socket):
        await socket.execute("bridge", "user/never")
        callee = await caller.is_calling("user/never")
        await caller.hangs_up()
        found = variables(await socket.until("CHANNEL_EXECUTE_COMPLETE"))
        assert found["originate_disposition"] == "ORIGINATOR_CANCEL"
        assert found["DIALSTATUS"] == "CANCEL"
        assert "last_bridge_hangup_cause" not in found
        assert not callee.is_up


@pytest.mark.parametrize(("limit", "name"), [(2, "originate_timeout"), (5, "leg_timeout"), (5, "call_timeout")])
async def test_a_timeout_counts_whole_seconds(phone: FakeFreeSwitch, limit: int, name: str) -> None:
    async with parked(phone) as (_, socket):
        await socket.run("set", "continue_on_fail=true")
        argument = "user/never" if name == "call_timeout" else f"{{{name}={limit}}}user/never"
        if name == "call_timeout":
            await socket.run("set", f"call_timeout={limit}")
        await socket.run("bridge", argument)
        took = socket.events[-1].seconds - next(e.seconds for e in socket.events if "EXECUTE bridge" in e.told)
        assert limit - 1 <= took <= limit + 0.05


# Variables that stay


async def test_a_bridge_to_nothing_sets_no_variable_at_all(phone: FakeFreeSwitch) -> None:
    phone.destination("user/1001", hangs_up_after=1)
    async with parked(phone) as (_, socket):
        await socket.run("bridge", "user/1001")
        found = variables(await socket.run("bridge", ""))
        assert found["originate_disposition"] == "SUCCESS"


async def test_what_the_last_bridge_has_left_is_there_after_one_that_fails(phone: FakeFreeSwitch) -> None:
    phone.destination("user/1001", hangs_up_after=1)
    async with parked(phone) as (_, socket):
        await socket.run("set", "continue_on_fail=true")
        first = variables(await socket.run("bridge", f"{{origination_uuid={B}}}user/1001"))
        second = variables(await socket.run("bridge", "nonsense/1"))
        for name in (
            "last_bridge_to",
            "bridge_channel",
            "signal_bond",
            "bridge_hangup_cause",
            "last_bridge_hangup_cause",
            "originated_legs",
            "originate_causes",
        ):
            assert second[name] == first[name]
        assert second["originate_disposition"] == "CHAN_NOT_IMPLEMENTED"


async def test_originate_failed_cause_stays_after_a_success(phone: FakeFreeSwitch) -> None:
    phone.destination("user/1001", hangs_up_after=1)
    async with parked(phone) as (_, socket):
        await socket.run("set", "continue_on_fail=true")
        await socket.run("bridge", "nonsense/1")
        found = variables(await socket.run("bridge", "user/1001"))
        assert found["originate_disposition"] == "SUCCESS"
        assert found["originate_failed_cause"] == "CHAN_NOT_IMPLEMENTED"


async def test_last_bridge_hangup_cause_is_stale_unless_there_was_a_leg(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (_, socket):
        await socket.run("set", "continue_on_fail=true")
        assert variables(await socket.run("bridge", "user/busy"))["last_bridge_hangup_cause"] == "USER_BUSY"
        assert variables(await socket.run("bridge", "nonsense/1"))["last_bridge_hangup_cause"] == "USER_BUSY"
        found = variables(await socket.run("bridge", "{originate_timeout=2}user/never"))
        assert found["last_bridge_hangup_cause"] == "NO_ANSWER"


# Legs


async def test_a_leg_that_was_tried_is_told_with_its_cause(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (_, socket):
        await socket.run("set", "continue_on_fail=true")
        found = variables(await socket.run("bridge", f"[origination_uuid={B}]user/busy"))
        assert found["originated_legs"] == f"{B};Outbound Call;busy"
        assert found["originate_causes"] == f"{B};USER_BUSY"


async def test_of_several_legs_the_first_to_answer_wins_and_the_others_lose_the_race(phone: FakeFreeSwitch) -> None:
    phone.destination("user/fast", answers_after=1, hangs_up_after=1)
    phone.destination("user/slow", answers_after=2)
    async with parked(phone) as (_, socket):
        argument = f"[origination_uuid={B}]user/slow,[origination_uuid={C}]user/fast"
        found = variables(await socket.run("bridge", argument))
        assert found["originated_legs"] == f"ARRAY::{B};Outbound Call;slow|:{C};Outbound Call;fast"
        assert found["originate_causes"] == f"ARRAY::{B};LOSE_RACE|:{C};NONE"
        assert found["last_bridge_to"] == C


async def test_groups_are_tried_one_after_the_other_and_all_causes_are_kept(phone: FakeFreeSwitch) -> None:
    phone.destination("user/1001", answers_after=1, hangs_up_after=1)
    async with parked(phone) as (caller, socket):
        argument = f"[origination_uuid={B}]user/busy|[origination_uuid={C}]user/1001"
        found = variables(await socket.run("bridge", argument))
        assert found["originate_disposition"] == "SUCCESS"
        assert found["originate_causes"] == f"ARRAY::{B};USER_BUSY|:{C};NONE"
        assert caller.is_up


async def test_originated_legs_can_be_asked_for_while_it_rings(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (_, socket):
        await socket.execute("bridge", f"{{origination_uuid={B}}}user/never")
        await socket.listen(0.021)
        assert await socket.ask("getvar originated_legs") == f"{B};Outbound Call;never"


async def test_a_variable_that_is_exported_reaches_every_leg(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        await socket.run("export", "ours=1")
        await socket.execute("bridge", "user/1001")
        callee = await caller.is_bridged_to("user/1001")
        assert callee.variables["ours"] == "1"
        assert caller.variables["export_vars"] == "ours"


# Who the callee sees


async def test_the_callee_sees_the_effective_caller_id_and_the_one_of_the_leg_wins(phone: FakeFreeSwitch) -> None:
    async with parked(phone, caller_id="2000", caller_id_name="Ada") as (caller, socket):
        await socket.execute("bridge", "user/1")
        callee = await caller.is_bridged_to("user/1")
        assert (callee.caller_id, callee.caller_id_name) == ("2000", "Ada")
        await callee.hangs_up()
        await socket.run("set", "effective_caller_id_name=Office")
        await socket.run("set", "effective_caller_id_number=3000")
        await socket.execute("bridge", "user/2")
        callee = await caller.is_bridged_to("user/2")
        assert (callee.caller_id, callee.caller_id_name) == ("3000", "Office")
        await callee.hangs_up()
        await socket.execute("bridge", "{origination_caller_id_name=Leg}user/3")
        callee = await caller.is_bridged_to("user/3")
        assert (callee.caller_id, callee.caller_id_name) == ("3000", "Leg")


async def test_set_profile_var_changes_what_the_callee_sees(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        await socket.run("set_profile_var", "caller_id_name=Changed")
        assert await socket.ask("getvar caller_id_name") == "Changed"
        await socket.execute("bridge", "user/1")
        assert (await caller.is_bridged_to("user/1")).caller_id_name == "Changed"


# Early media: SUCCESS does not mean answered


async def test_a_bridge_is_made_by_early_media_before_the_answer(phone: FakeFreeSwitch) -> None:
    async with parked(phone, before=[]) as (caller, socket):
        await socket.execute("bridge", "user/early")
        callee = await caller.is_bridged_to("user/early")
        bridge = await socket.until("CHANNEL_BRIDGE")
        assert "ANSWER" not in socket.told()
        answer = await socket.until("CHANNEL_ANSWER")
        assert answer.seconds - bridge.seconds == pytest.approx(0.8, abs=0.03)
        await callee.hangs_up()
        complete = await socket.until("CHANNEL_EXECUTE_COMPLETE")
        assert complete["Other-Leg-Channel-Answered-Time"] in ("", "0")


async def test_busy_after_early_media_is_a_success_that_ended(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        found = variables(await socket.run("bridge", "user/early-busy"))
        assert found["originate_disposition"] == "SUCCESS"
        assert found["bridge_hangup_cause"] == "USER_BUSY"
        assert found["last_bridge_hangup_cause"] == "USER_BUSY"
        assert "BRIDGE" in socket.told()
        assert caller.is_up


@pytest.mark.parametrize("where", ["{ignore_early_media=true}", "[ignore_early_media=true]"])
async def test_with_ignore_early_media_the_bridge_is_made_by_the_answer(phone: FakeFreeSwitch, where: str) -> None:
    async with parked(phone) as (caller, socket):
        await socket.run("set", "continue_on_fail=true")
        socket.forget()
        await socket.execute("bridge", f"{where}user/early")
        began = (await socket.until("CHANNEL_EXECUTE")).seconds
        bridge = await socket.until("CHANNEL_BRIDGE")
        assert bridge.seconds - began == pytest.approx(1, abs=0.03)
        assert int(bridge["Other-Leg-Channel-Answered-Time"]) > 0
        await (await caller.is_bridged_to("user/early")).hangs_up()
        found = variables(await socket.run("bridge", f"{where}user/early-busy"))
        assert found["originate_disposition"] == "USER_BUSY"


@pytest.mark.parametrize(("destination", "is_answered"), [("early", True), ("early-busy", False), ("1001", True)])
async def test_api_on_answer_tells_reliably_whether_it_was_answered(
    phone: FakeFreeSwitch, destination: str, is_answered: bool
) -> None:
    async with parked(phone) as (caller, socket):
        command = f"uuid_setvar {caller.channel_uuid} answered yes"
        await socket.execute("bridge", f"{{api_on_answer='{command}'}}user/{destination}", uuid="it")
        callee = await caller.is_bridged_to(f"user/{destination}")
        await trio.sleep(2)
        await callee.hangs_up()
        complete = await socket.until("CHANNEL_EXECUTE_COMPLETE", uuid="it")
        assert variables(complete).get("answered") == ("yes" if is_answered else None)


async def test_a_caller_who_is_not_answered_is_so_when_the_callee_answers(phone: FakeFreeSwitch) -> None:
    async with parked(phone, before=[]) as (caller, socket):
        await socket.execute("bridge", "user/1001")
        await caller.is_bridged_to("user/1001")
        await socket.until("CHANNEL_BRIDGE")
        assert socket.told("PROGRESS", "PROGRESS_MEDIA")[:3] == ["EXECUTE bridge user/1001", "ANSWER", "BRIDGE"]


# Who hung up


async def test_the_caller_hung_up(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        await socket.execute("bridge", "user/1001", uuid="it")
        callee = await caller.is_bridged_to("user/1001")
        await caller.hangs_up()
        complete = await socket.until("CHANNEL_EXECUTE_COMPLETE", uuid="it")
        assert socket.told("PROGRESS")[-4:] == [
            "BRIDGE",
            "HANGUP NORMAL_CLEARING",
            "UNBRIDGE",
            "COMPLETE bridge _none_",
        ]
        assert "last_bridge_hangup_cause" not in variables(complete)
        assert not callee.is_up


async def test_the_callee_hung_up_and_the_caller_is_in_the_socket_again(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        await socket.execute("bridge", "user/1001", uuid="it")
        callee = await caller.is_bridged_to("user/1001")
        await callee.hangs_up()
        complete = await socket.until("CHANNEL_EXECUTE_COMPLETE", uuid="it")
        assert socket.told("PROGRESS")[-3:] == ["BRIDGE", "UNBRIDGE", "COMPLETE bridge _none_"]
        found = variables(complete)
        assert found["last_bridge_hangup_cause"] == "NORMAL_CLEARING"
        assert found["last_bridge_proto_specific_hangup_cause"] == "sip:200"
        await socket.run("playback", "goodbye.wav")
        assert caller.is_up


async def test_hangup_after_bridge_ends_the_call_with_the_callee(phone: FakeFreeSwitch) -> None:
    phone.destination("user/1001", hangs_up_after=1)
    async with parked(phone) as (caller, socket):
        await socket.run("set", "hangup_after_bridge=true")
        await socket.run("bridge", "user/1001")
        assert caller.hangup_cause == "NORMAL_CLEARING"


# uuid_kill of the other leg


async def killed(phone: FakeFreeSwitch, destination: str, *, full: bool = True) -> tuple[Frame, float, bool]:
    """Bridge, and hang the other leg up with CALL_REJECTED: completion, how long it took, whether the caller is up."""
    async with parked(phone, mode="async full" if full else "async") as (caller, socket):
        if destination == "user/never":
            await socket.run("set", "continue_on_fail=true")
        await socket.execute("bridge", f"{{origination_uuid={B}}}{destination}", uuid="it")
        await socket.listen(3.005)
        before = trio.current_time()
        if full:
            assert await socket.api(f"uuid_kill {B} CALL_REJECTED") == "+OK\n"
        else:
            assert await socket.ask(f"sendmsg {B}\ncall-command: hangup\nhangup-cause: CALL_REJECTED") == "+OK"
        complete = await socket.until("CHANNEL_EXECUTE_COMPLETE", uuid="it")
        return complete, complete.at - before, caller.is_up


@pytest.mark.parametrize("full", [True, False])
async def test_a_ringing_leg_that_is_killed_gives_its_cause_to_the_attempt(phone: FakeFreeSwitch, full: bool) -> None:
    complete, took, is_up = await killed(phone, "user/never", full=full)
    assert variables(complete)["originate_disposition"] == "CALL_REJECTED"
    assert took <= 0.06
    assert is_up


@pytest.mark.parametrize("full", [True, False])
async def test_an_answered_leg_that_is_killed_looks_like_a_callee_who_hangs_up(
    phone: FakeFreeSwitch, full: bool
) -> None:
    complete, took, is_up = await killed(phone, "user/1001", full=full)
    assert variables(complete)["last_bridge_hangup_cause"] == "CALL_REJECTED"
    assert "last_bridge_proto_specific_hangup_cause" not in variables(complete)
    assert took <= 0.03
    assert is_up


async def test_a_ringing_leg_that_is_killed_takes_the_caller_along_without_continue_on_fail(
    phone: FakeFreeSwitch,
) -> None:
    async with parked(phone) as (caller, socket):
        await socket.execute("bridge", f"{{origination_uuid={B}}}user/never")
        await caller.is_calling("user/never")
        await socket.api(f"uuid_kill {B} CALL_REJECTED")
        assert await caller.was_hung_up() == "CALL_REJECTED"


async def test_the_other_leg_does_not_exist_before_the_bridge_runs(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (_, socket):
        await socket.execute("bridge", f"{{origination_uuid={B}}}user/never")
        assert await socket.api(f"uuid_kill {B}") == "-ERR No such channel!\n"
        await socket.listen(0.021)
        assert await socket.api(f"uuid_exists {B}") == "true"


async def test_the_cancel_key_ends_the_ringing(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        await socket.run("set", "continue_on_fail=true")
        await socket.run("set", "origination_cancel_key=9")
        await socket.execute("bridge", "user/never", uuid="it")
        await caller.is_calling("user/never")
        await caller.press("1")
        await socket.listen(1)
        before = trio.current_time()
        await socket.api(f"uuid_recv_dtmf {caller.channel_uuid} 9")
        complete = await socket.until("CHANNEL_EXECUTE_COMPLETE", uuid="it")
        assert complete.at - before <= 0.021
        assert variables(complete)["originate_disposition"] == "NO_ANSWER"


# SIP


async def test_a_sip_failure_is_told_with_its_status(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (_, socket):
        await socket.run("set", "continue_on_fail=true")
        found = variables(await socket.run("bridge", "user/busy"))
        assert found["sip_invite_failure_status"] == "486"
        assert found["last_bridge_proto_specific_hangup_cause"] == "sip:486"


# What runs meanwhile


@pytest.mark.parametrize("destination", ["user/never", "user/1001"])
async def test_what_is_queued_runs_nested_while_it_rings_and_while_they_talk(
    phone: FakeFreeSwitch, destination: str
) -> None:
    async with parked(phone) as (caller, socket):
        await socket.execute("bridge", destination, uuid="it")
        await socket.listen(3.005)
        before = trio.current_time()
        await socket.execute("set", "a=1", uuid="nested")
        assert (await socket.until("CHANNEL_EXECUTE_COMPLETE", uuid="nested")).at - before <= 0.021
        await socket.execute("playback", "to-the-caller.wav")
        await caller.hears("to-the-caller.wav", to_the_end=True)
        assert "COMPLETE bridge _none_" not in socket.told()
