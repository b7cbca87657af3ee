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
        ("error/user_busy", "USER_BUSY", "BUSY"),
        ("error/28", "INVALID_NUMBER_FORMAT", "INVALID_NUMBER_FORMAT"),
        ("error/0", "DESTINATION_OUT_OF_ORDER", "INVALIDARGS"),
        ("error/INVALID_PROFILE", "INVALID_PROFILE", "INVALIDARGS"),
        ("error/nonsense", "NORMAL_CLEARING", "NORMAL_CLEARING"),
        ("error/USER_BUSY,nonsense/1", "CHAN_NOT_IMPLEMENTED", "CHAN_NOT_IMPLEMENTED"),
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
    [
        ("true", True),
        ("USER_BUSY", True),
        ("NO_ANSWER,USER_BUSY", True),
        ("no_answer,user_busy", True),
        ("19,17", True),
        ("NO_ANSWER", False),
        ("19,21", False),
        # A single number is a way to say yes.
        ("19", True),
        ("false", False),
    ],
)
async def test_continue_on_fail_may_name_causes(phone: FakeFreeSwitch, named: str, goes_on: bool) -> None:
    async with parked(phone) as (caller, socket):
        await socket.run("set", f"continue_on_fail={named}")
        await socket.run("bridge", "user/busy")
        assert caller.is_up is goes_on


@pytest.mark.parametrize(
    ("dial_string", "goes_on"),
    [
        ("{originate_timeout=2}user/never", True),
        ("error/NO_USER_RESPONSE", True),
        ("{bad", True),
        ("[leg_timeout=2]user/never", False),
        ("nonsense/1001", False),
    ],
)
async def test_no_answer_is_never_a_failure_unless_causes_are_named(
    phone: FakeFreeSwitch, dial_string: str, goes_on: bool
) -> None:
    async with parked(phone) as (caller, socket):
        await socket.run("bridge", dial_string)
        assert caller.is_up is goes_on


async def test_no_answer_is_a_failure_if_other_causes_are_named(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        await socket.run("set", "continue_on_fail=USER_BUSY")
        await socket.run("bridge", "{originate_timeout=2}user/never")
        assert caller.hangup_cause == "NO_ANSWER"


@pytest.mark.parametrize(
    ("names", "goes_on"),
    [
        (["failure_causes=NO_ANSWER"], True),
        (["failure_causes=17"], False),
        (["failure_causes=USER_BUSY", "continue_on_fail=true"], True),
        (["failure_causes=USER_BUSY", "continue_on_fail=NO_ANSWER"], False),
    ],
)
async def test_with_failure_causes_only_those_fail(phone: FakeFreeSwitch, names: list[str], goes_on: bool) -> None:
    async with parked(phone) as (caller, socket):
        for each in names:
            await socket.run("set", each)
        await socket.run("bridge", "user/busy")
        assert caller.is_up is goes_on


@pytest.mark.parametrize(
    ("where", "heard"),
    [("user_busy 9000", "sorry.wav"), ("17,19 9000 XML default", "sorry.wav"), ("USER_BUSY", "busy.wav")],
)
async def test_transfer_on_fail_sends_the_caller_elsewhere(phone: FakeFreeSwitch, where: str, heard: str) -> None:
    phone.extension("9000", ["playback sorry.wav"])
    phone.extension("USER_BUSY", ["playback busy.wav"])
    async with parked(phone) as (caller, socket):
        await socket.run("set", f"transfer_on_fail={where}")
        await socket.execute("bridge", "user/busy")
        await caller.hears(heard)
        await socket.listen(0.1)
        assert [line for line in socket.told() if line.endswith("_none_")][-2:] == [
            "COMPLETE bridge _none_",
            "COMPLETE socket _none_",
        ]


# "True" gives the call back to the dialplan.
@pytest.mark.parametrize(
    ("where", "goes_on"), [("NO_ANSWER 9000", False), ("true 9000", True), ("17 9000", True), ("19,21 9000", False)]
)
async def test_transfer_on_fail_has_to_name_the_cause(phone: FakeFreeSwitch, where: str, goes_on: bool) -> None:
    async with parked(phone) as (caller, socket):
        await socket.run("set", f"transfer_on_fail={where}")
        await socket.run("bridge", "user/busy")
        assert caller.is_up is goes_on


async def test_the_cause_of_a_group_is_that_of_its_first_leg(phone: FakeFreeSwitch) -> None:
    phone.destination("user/rejects", cause="CALL_REJECTED", refuses_after=1)
    async with parked(phone) as (_, socket):
        await socket.run("set", "continue_on_fail=true")
        found = variables(await socket.run("bridge", "error/NO_ROUTE_DESTINATION,user/rejects,user/busy"))
        assert found["originate_disposition"] == "CALL_REJECTED"
        # Each leg says it when it hangs up itself.
        assert found["last_bridge_hangup_cause"] == "CALL_REJECTED"
        found = variables(await socket.run("bridge", "user/busy,user/rejects"))
        assert found["originate_disposition"] == "USER_BUSY"
        assert found["last_bridge_hangup_cause"] == "CALL_REJECTED"


async def test_a_cause_without_a_leg_is_there_at_once(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (_, socket):
        await socket.run("set", "continue_on_fail=true")
        socket.forget()
        found = variables(await socket.run("bridge", "error/user_busy"))
        assert not {"originated_legs", "originate_causes", "last_bridge_hangup_cause"} & found.keys()
        assert socket.events[-1].seconds == socket.events[0].seconds


async def test_while_it_rings_the_attempt_has_failed_so_far(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        await socket.execute("bridge", "user/never")
        await caller.is_calling("user/never")
        assert await socket.ask("getvar originate_disposition") == "failure"
        assert await socket.ask("getvar DIALSTATUS") == "INVALIDARGS"
        await caller.hangs_up()
        found = variables(await socket.until("CHANNEL_HANGUP"))
        assert (found["originate_disposition"], found["DIALSTATUS"]) == ("failure", "INVALIDARGS")
        assert "originate_failed_cause" not in found
        found = variables(await socket.until("CHANNEL_EXECUTE_COMPLETE"))
        assert found["originate_failed_cause"] == "ORIGINATOR_CANCEL"


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


async def ringing_took(phone: FakeFreeSwitch, dial_string: str, *, before: str = "") -> tuple[float, str]:
    """How long it rang, having begun at a quarter of a second, and the outcome."""
    async with parked(phone) as (_, socket):
        await socket.run("set", "continue_on_fail=true")
        if before:
            await socket.run(*before.split(" "))
        now = socket.events[-1].seconds
        await socket.listen(1.235 - now % 1)
        socket.forget()
        found = variables(await socket.run("bridge", dial_string))
        return socket.events[-1].seconds - socket.events[0].seconds, found["originate_disposition"]


@pytest.mark.parametrize(
    ("dial_string", "seconds", "disposition"),
    [
        ("{originate_timeout=2}user/never", 1.75, "NO_ANSWER"),
        ("{leg_timeout=2}user/never", 2.75, "ALLOTTED_TIMEOUT"),
        ("[leg_timeout=2]user/never", 2.75, "ALLOTTED_TIMEOUT"),
        ("{originate_timeout=2}[leg_timeout=2]user/never", 1.75, "NO_ANSWER"),
        ("{originate_timeout=5}[leg_timeout=2]user/never", 2.75, "ALLOTTED_TIMEOUT"),
        ("{originate_timeout=3}[leg_timeout=2]user/never,user/never", 2.75, "NO_ANSWER"),
        ("[originate_timeout=2]user/never", 59.75, "NO_ANSWER"),
    ],
)
async def test_a_timeout_counts_whole_seconds(
    phone: FakeFreeSwitch, dial_string: str, seconds: float, disposition: str
) -> None:
    took, found = await ringing_took(phone, dial_string)
    assert took == pytest.approx(seconds, abs=0.03)
    assert found == disposition


@pytest.mark.parametrize(
    ("before", "seconds"),
    [
        ("set call_timeout=2", 1.75),
        ("set originate_timeout=2", 59.75),
        ("set leg_timeout=2", 59.75),
        ("export originate_timeout=2", 1.75),
    ],
)
async def test_of_the_callers_variables_only_call_timeout_limits_the_ringing(
    phone: FakeFreeSwitch, before: str, seconds: float
) -> None:
    assert (await ringing_took(phone, "user/never", before=before))[0] == pytest.approx(seconds, abs=0.03)


@pytest.mark.parametrize(
    ("dial_string", "reaches"),
    [
        ("{originate_timeout=2}user/never|user/1001", False),
        ("{originate_timeout=2,originate_continue_on_timeout=true}user/never|user/1001", True),
        ("[leg_timeout=2]user/never|user/1001", True),
    ],
)
async def test_after_a_timeout_no_other_group_is_tried(phone: FakeFreeSwitch, dial_string: str, reaches: bool) -> None:
    phone.destination("user/1001", hangs_up_after=1)
    async with parked(phone) as (caller, socket):
        found = variables(await socket.run("bridge", dial_string))
        assert found["originate_disposition"] == ("SUCCESS" if reaches else "NO_ANSWER")
        assert caller.is_up


async def test_the_caller_may_say_that_it_goes_on_after_a_timeout(phone: FakeFreeSwitch) -> None:
    phone.destination("user/1001", hangs_up_after=1)
    async with parked(phone) as (_, socket):
        await socket.run("set", "originate_continue_on_timeout=true")
        found = variables(await socket.run("bridge", "{originate_timeout=2}user/never|user/1001"))
        assert found["originate_disposition"] == "SUCCESS"


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


async def test_who_loses_a_race_says_so_before_the_winner_has_hung_up(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        await socket.execute("bridge", "user/never,user/1001")
        callee = await caller.is_bridged_to("user/1001")
        assert variables(await socket.until("CHANNEL_BRIDGE"))["last_bridge_hangup_cause"] == "LOSE_RACE"
        await callee.hangs_up()
        found = variables(await socket.until("CHANNEL_EXECUTE_COMPLETE"))
        assert found["last_bridge_hangup_cause"] == "NORMAL_CLEARING"


async def test_groups_are_tried_one_after_the_other_and_all_causes_are_kept(phone: FakeFreeSwitch) -> None:
    phone.destination("user/1001", answers_after=1, hangs_up_after=1)
    async with parked(phone) as (caller, socket):
        argument = f"[origination_uuid={B}]user/busy|[origination_uuid={C}]user/1001"
        found = variables(await socket.run("bridge", argument))
        assert found["originate_disposition"] == "SUCCESS"
        assert found["originate_causes"] == f"ARRAY::{B};USER_BUSY|:{C};NONE"
        assert "originate_failed_cause" not in found
        assert caller.is_up


async def test_dial_strings_of_their_own_are_dialled_at_once(phone: FakeFreeSwitch) -> None:
    phone.destination("user/slow", answers_after=3)
    phone.destination("user/fast", answers_after=1, early_media_after=0.2, hangs_up_after=1)
    async with parked(phone) as (caller, socket):
        argument = f"[origination_uuid={B}]user/slow:_:user/busy|[origination_uuid={C}]user/fast"
        await socket.execute("bridge", argument)
        await caller.is_calling("user/slow")
        await caller.is_bridged_to("user/fast", within=1.1)
        found = variables(await socket.until("CHANNEL_EXECUTE_COMPLETE"))
        assert found["originate_disposition"] == "success"
        assert found["last_bridge_to"] == C
        # The switch calls, and not the caller's channel: nobody tells that of each leg.
        assert not {"DIALSTATUS", "originate_causes", "originate_signal_bond"} & found.keys()
        assert len(found["originated_legs"].split("|:")) == 3
        assert found["last_bridge_hangup_cause"] == "NORMAL_CLEARING"
        assert "user/slow does not answer: LOSE_RACE" in caller.ladder()


async def test_when_dial_strings_of_their_own_all_fail_the_last_one_says_why(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        await socket.run("set", "continue_on_fail=true")
        found = variables(await socket.run("bridge", "user/busy:_:error/CALL_REJECTED"))
        assert found["originate_disposition"] == "failure"
        assert found["originate_failed_cause"] == found["hangup_cause"] == "CALL_REJECTED"
        assert "last_bridge_hangup_cause" not in found
        assert caller.is_up
        await socket.run("set", "continue_on_fail=CALL_REJECTED")
        await socket.run("bridge", "user/busy:_:error/CALL_REJECTED")
        assert caller.hangup_cause == "USER_BUSY"


async def test_a_caller_who_gives_up_ends_all_dial_strings(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        await socket.execute("bridge", "user/never:_:user/never|user/1001")
        first = await caller.is_calling("user/never")
        await caller.hangs_up()
        await socket.until("CHANNEL_EXECUTE_COMPLETE")
        assert not first.is_up
        assert "user/1001" not in caller.ladder().replace("never|user/1001", "")


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
        assert socket.told("PROGRESS") == ["EXECUTE bridge user/early", "PROGRESS_MEDIA", "BRIDGE"]
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


async def test_a_leg_alone_cannot_ignore_early_media(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (_, socket):
        found = variables(await socket.run("bridge", "[ignore_early_media=true]user/early-busy"))
        assert found["originate_disposition"] == "SUCCESS"


@pytest.mark.parametrize(("where", "before"), [("{ignore_early_media=true}", "x=y"), ("", "ignore_early_media=true")])
async def test_with_ignore_early_media_the_bridge_is_made_by_the_answer(
    phone: FakeFreeSwitch, where: str, before: str
) -> None:
    async with parked(phone) as (caller, socket):
        await socket.run("set", before)
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
        callee = await caller.is_calling(f"user/{destination}")
        await trio.sleep(3)
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


@pytest.mark.parametrize("name", ["hangup_after_bridge", "park_after_bridge", "transfer_after_bridge"])
async def test_what_is_to_come_after_a_bridge_comes_only_if_it_was_answered(phone: FakeFreeSwitch, name: str) -> None:
    async with parked(phone) as (caller, socket):
        await socket.run("set", f"{name}=true")
        await socket.run("bridge", "user/early-busy")
        await socket.listen(1)
        assert caller.is_up
        assert "UNPARK" not in socket.told()


@pytest.mark.parametrize("destination", ["1001", "early-busy"])
async def test_an_explicit_hangup_after_bridge_comes_with_the_far_ends_cause(
    phone: FakeFreeSwitch, destination: str
) -> None:
    phone.destination("user/1001", hangs_up_after=1)
    async with parked(phone) as (caller, socket):
        await socket.run("set", "hangup_after_bridge=explicit")
        await socket.run("bridge", f"user/{destination}")
        assert caller.hangup_cause == ("NORMAL_CLEARING" if destination == "1001" else "USER_BUSY")


@pytest.mark.parametrize(
    ("name", "destination"),
    [
        ("park_after_bridge", "1001"),
        ("park_after_early_bridge", "1001"),
        ("park_after_early_bridge", "early-busy"),
    ],
)
async def test_a_caller_who_is_parked_after_a_bridge_is_out_of_the_socket(
    phone: FakeFreeSwitch, name: str, destination: str
) -> None:
    phone.destination("user/1001", hangs_up_after=1)
    async with parked(phone) as (caller, socket):
        await socket.run("set", f"{name}=true")
        socket.forget()
        await socket.execute("bridge", f"user/{destination}")
        await socket.until("CHANNEL_PARK")
        assert socket.told("PROGRESS") == [
            f"EXECUTE bridge user/{destination}",
            "BRIDGE",
            "UNBRIDGE",
            "COMPLETE bridge _none_",
            "UNPARK",
            "COMPLETE socket _none_",
            "PARK",
        ]
        assert caller.is_up


@pytest.mark.parametrize(
    ("name", "destination"),
    [
        ("transfer_after_bridge", "1001"),
        ("transfer_after_early_bridge", "1001"),
        ("transfer_after_early_bridge", "early-busy"),
    ],
)
async def test_a_caller_goes_elsewhere_after_a_bridge(phone: FakeFreeSwitch, name: str, destination: str) -> None:
    phone.destination("user/1001", hangs_up_after=1)
    phone.extension("9000", ["playback survey.wav"], context="after")
    async with parked(phone) as (caller, socket):
        await socket.run("set", f"{name}=9000:XML:after")
        await socket.execute("bridge", f"user/{destination}")
        await caller.hears("survey.wav")
        assert caller.variables.get("transfer_after_bridge") is None


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


@pytest.mark.parametrize(
    ("sent", "cause"), [("user_busy", "USER_BUSY"), ("21", "CALL_REJECTED"), ("", "NORMAL_CLEARING")]
)
async def test_a_hangup_that_is_sent_to_a_leg_is_read_and_comes_at_a_frame(
    phone: FakeFreeSwitch, sent: str, cause: str
) -> None:
    async with parked(phone) as (caller, socket):
        await socket.execute("bridge", f"{{origination_uuid={B}}}user/1001", uuid="it")
        callee = await caller.is_bridged_to("user/1001")
        header = f"\nhangup-cause: {sent}" if sent else ""
        assert await socket.ask(f"sendmsg {B}\ncall-command: hangup{header}") == "+OK"
        assert callee.is_up
        complete = await socket.until("CHANNEL_EXECUTE_COMPLETE", uuid="it")
        assert variables(complete)["last_bridge_hangup_cause"] == cause
        assert not callee.is_up


async def test_a_hangup_that_is_sent_to_a_channel_of_its_own_is_queued(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket), parked(phone) as (other, _):
        await socket.ask(f"sendmsg {other.channel_uuid}\ncall-command: hangup\nhangup-cause: 17")
        assert other.is_up
        await other.was_hung_up("USER_BUSY", within=0.05)
        assert caller.is_up


async def test_what_is_sent_to_nobody_is_refused(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (_, socket):
        assert await socket.ask(f"sendmsg {B}\ncall-command: hangup") == f"-ERR invalid session id [{B}]"


# What else is sent to the other leg


async def test_a_variable_can_be_set_on_the_other_leg(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        await socket.execute("bridge", f"{{origination_uuid={B},name=Ada}}user/1001")
        callee = await caller.is_bridged_to("user/1001")
        for argument in "greeting=Hello ${name}", "name=Eve":
            message = f"sendmsg {B}\ncall-command: execute\nexecute-app-name: set\nexecute-app-arg: {argument}"
            assert await socket.ask(message) == "+OK"
        await socket.listen(0.05)
        assert (callee.variables["greeting"], callee.variables["name"]) == ("Hello Ada", "Eve")
        assert "greeting" not in caller.variables


async def test_what_is_played_to_the_other_leg_is_told(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        await socket.execute("bridge", f"{{origination_uuid={B}}}user/1001")
        await caller.is_bridged_to("user/1001")
        assert await socket.api(f"uuid_broadcast {B} beep.wav aleg") == "+OK Message sent\n"
        await socket.ask(f"sendmsg {B}\ncall-command: execute\nexecute-app-name: playback\nexecute-app-arg: last.wav")
        await socket.listen(0.05)
        assert "user/1001 hears beep.wav" in caller.ladder()
        assert "user/1001 hears last.wav" in caller.ladder()


@pytest.mark.parametrize(
    ("command", "reply"),
    [
        ("uuid_break {0}", "+OK\n"),
        ("uuid_flush_dtmf {0}", "+OK\n"),
        ("uuid_recv_dtmf {0} 12", "+OK {0} received DTMF 12.\n"),
        ("uuid_record {0} start /tmp/b.wav", "+OK Success\n"),
        ("uuid_park {0}", "+OK\n"),
        ("uuid_transfer {0} -bleg 9000", "+OK\n"),
    ],
)
async def test_what_is_not_done_to_the_other_leg_is_told(phone: FakeFreeSwitch, command: str, reply: str) -> None:
    async with parked(phone) as (caller, socket):
        await socket.execute("bridge", f"{{origination_uuid={B}}}user/1001")
        await caller.is_bridged_to("user/1001")
        assert await socket.api(command.format(B)) == reply.format(B)
        assert f"the simulator does not run {command.split()[0]} on a far leg" in caller.ladder()


async def test_another_leg_that_is_transferred_ends_the_bridge(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        await socket.execute("bridge", f"{{origination_uuid={B}}}user/1001", uuid="it")
        await caller.is_bridged_to("user/1001")
        assert await socket.api(f"uuid_transfer {B} 9000") == "+OK\n"
        await socket.until("CHANNEL_EXECUTE_COMPLETE", uuid="it")
        assert caller.is_up
        assert "user/1001 goes to 9000" in caller.ladder()


async def test_an_application_that_the_other_leg_does_not_run_is_told(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        await socket.execute("bridge", f"{{origination_uuid={B}}}user/1001")
        await caller.is_bridged_to("user/1001")
        await socket.ask(f"sendmsg {B}\ncall-command: execute\nexecute-app-name: record\nexecute-app-arg: b.wav")
        await socket.listen(0.05)
        assert "the simulator does not run record on a far leg" in caller.ladder()


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


# Who answers has to confirm; delayed legs; what is kept from a leg


async def test_whoever_answers_is_asked_for_a_key(phone: FakeFreeSwitch) -> None:
    phone.destination("user/mailbox", answers_after=0.1)
    async with parked(phone) as (caller, socket):
        confirm = "group_confirm_key=12,group_confirm_file=accept.wav,group_confirm_error_file=wrong.wav"
        dial_string = f"{{ignore_early_media=true,{confirm}}}user/mailbox,user/1001"
        await socket.execute("bridge", dial_string, uuid="it")
        callee = await caller.is_calling("user/1001")
        await trio.sleep(5)
        assert "BRIDGE" not in socket.told()
        await callee.presses("1")
        await callee.presses("1")
        await callee.presses("12")
        await caller.is_bridged_to("user/1001")
        await callee.presses("3")
        assert [line.split("  ")[-1] for line in caller.ladder().splitlines() if "user/1001 " in line] == [
            "user/1001 rings",
            "user/1001 answers",
            "user/1001 hears accept.wav",
            "user/1001 presses 1",
            "user/1001 presses 1",
            "user/1001 hears wrong.wav",
            "user/1001 hears accept.wav",
            "user/1001 presses 12",
            "user/1001 presses 3",
        ]
        await callee.hangs_up()
        found = variables(await socket.until("CHANNEL_EXECUTE_COMPLETE", uuid="it"))
        assert found["originate_causes"].count("LOSE_RACE") == 1
        with pytest.raises(ValueError, match="cannot be pressed"):
            await callee.presses("x")


async def test_a_key_of_one_leg_or_of_the_callers_channel_is_asked_for_too(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (_, socket):
        await socket.run("set", "continue_on_fail=true")
        one = variables(await socket.run("bridge", "{originate_timeout=3}[group_confirm_key=1]user/1001"))
        await socket.run("set", "group_confirm_key=1")
        own = variables(await socket.run("bridge", "{originate_timeout=3}user/1001"))
        assert [one["originate_disposition"], own["originate_disposition"]] == ["NO_ANSWER", "NO_ANSWER"]


@pytest.mark.parametrize(
    ("dial_string", "least", "most"),
    [
        ("user/never,[leg_delay_start=2]user/1001", 3, 4),
        # Nothing else rings, so nothing is waited for; and the first of several goes first.
        ("[leg_delay_start=20]user/1001", 1, 1.1),
        ("user/busy,[leg_delay_start=20]user/1001", 1, 1.2),
        ("[leg_delay_start=9]user/never,[leg_delay_start=5]user/1001", 1, 1.1),
    ],
)
async def test_a_leg_may_begin_later(phone: FakeFreeSwitch, dial_string: str, least: float, most: float) -> None:
    phone.destination("user/1001", hangs_up_after=0.5)
    async with parked(phone) as (_, socket):
        await socket.run("bridge", f"{{ignore_early_media=true}}{dial_string}")
        moments = {event.name: event.seconds for event in socket.events}
        assert least <= moments["CHANNEL_BRIDGE"] - moments["CHANNEL_EXECUTE"] < most


async def test_a_leg_that_begins_later_is_told_to_ring_when_it_does(phone: FakeFreeSwitch) -> None:
    phone.destination("user/1001", hangs_up_after=0.5)
    async with parked(phone) as (caller, socket):
        await socket.run("bridge", "user/never,[leg_delay_start=2]user/1001")
        rung = {line.split()[2]: float(line.split()[0]) for line in caller.ladder().splitlines() if "rings" in line}
        assert rung["user/1001"] - rung["user/never"] == pytest.approx(2.5, abs=0.6)


async def test_a_legs_own_time_begins_after_its_delay(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (_, socket):
        await socket.run("set", "continue_on_fail=true")
        dial_string = "{originate_timeout=30}[leg_timeout=8]user/never,[leg_delay_start=4,leg_timeout=2]user/never"
        found = variables(await socket.run("bridge", dial_string))
        assert found["originate_causes"].count("ALLOTTED_TIMEOUT") == 2
        moments = [event.seconds for event in socket.events if event["Application"] == "bridge"]
        assert 8 <= moments[-1] - moments[0] < 9.1


@pytest.mark.parametrize(
    "words", ["ignore_early_media=ring_ready", "ignore_early_media=consume", "bridge_early_media=1"]
)
async def test_other_words_keep_early_media_from_connecting_too(phone: FakeFreeSwitch, words: str) -> None:
    async with parked(phone) as (_, socket):
        await socket.run("set", "continue_on_fail=true")
        found = variables(await socket.run("bridge", f"{{{words}}}user/early-busy"))
        assert found["originate_disposition"] == "USER_BUSY"


async def test_whatever_begins_with_api_on_answer_is_run(phone: FakeFreeSwitch) -> None:
    phone.destination("user/1001", hangs_up_after=1)
    async with parked(phone) as (caller, socket):
        names = [f"api_on_answer{suffix}='uuid_setvar {caller.channel_uuid} x{suffix} 1'" for suffix in ("", "_mine")]
        found = variables(await socket.run("bridge", f"{{{','.join(names)}}}user/1001"))
        assert (found["x"], found["x_mine"]) == ("1", "1")


@pytest.mark.parametrize(
    ("before", "braces", "arrives"),
    [("x=1", "", False), ("x=1", "{origination_nested_vars=true}", True), ("origination_nested_vars=true", "", True)],
)
async def test_a_value_with_a_variable_in_it_is_kept_from_the_leg(
    phone: FakeFreeSwitch, before: str, braces: str, arrives: bool
) -> None:
    async with parked(phone) as (caller, socket):
        await socket.run("set", before)
        await socket.execute("bridge", braces + r"[a=\${system(touch x)},b=2]user/1001")
        callee = await caller.is_bridged_to("user/1001")
        assert callee.variables["b"] == "2"
        assert callee.variables.get("a") == ("${system(touch x)}" if arrives else None)
        assert caller.programs == []
