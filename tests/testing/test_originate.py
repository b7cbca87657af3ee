"""``originate`` in the simulated switch: somebody is called, and what is done with him once he answers."""

from __future__ import annotations

import contextlib
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trio
import trio.testing

from esl_outbound import CallHandler
from esl_outbound.testing import CallFailed, FakeFreeSwitch, HandlerFailed
from esl_outbound.testing.placing import own_calls
from esl_outbound.testing.wire import Event

RECORDINGS = Path(__file__).parent.parent / "recordings"
OURS = "127.0.0.1:8084"
TO_US = "&socket('127.0.0.1:8084 async full')"


class Reminder(CallHandler):
    """Tells whoever is called of an appointment, and takes a digit."""

    async def run(self) -> None:
        choice = await self.ask("appointment.wav", digits=1, allowed="12")
        await self.playback("confirmed.wav" if choice == "1" else "cancelled.wav")
        await self.hangup()


@contextlib.asynccontextmanager
async def placing(phone: FakeFreeSwitch) -> AsyncIterator[list[Event]]:
    """A block in which calls can be placed; gives the events that are fired in it."""
    events: list[Event] = []
    phone._core.observers.append(events.append)
    async with own_calls(phone._core):
        yield events


def told(events: list[Event]) -> list[str]:
    """What events tell of channels, without their states."""
    return [each.name for each in events if each.name not in ("API", "CHANNEL_STATE")]


# Whoever is called


async def test_whoever_is_called_is_handed_to_a_handler(phone: FakeFreeSwitch) -> None:
    phone.listens(OURS, Reminder)
    async with placing(phone):
        answer = await phone.api("originate", f"user/1001 {TO_US}")
        caller = await phone.is_called("user/1001")
        await caller.hears("appointment.wav")
        await caller.press("1")
        await caller.hears("confirmed.wav")
        assert await caller.was_hung_up() == "NORMAL_CLEARING"
    assert answer == f"+OK {caller.channel_uuid}\n"
    assert caller.cdr["sip_hangup_disposition"] == "send_bye"


async def test_a_program_that_connects_has_somebody_called(phone: FakeFreeSwitch) -> None:
    phone.listens("127.0.0.1:8084", Reminder)
    async with phone.connect() as switch:
        await switch.api("originate user/1001 &socket('127.0.0.1:8084 async full')")
        caller = await phone.is_called("user/1001")
        await caller.hears("appointment.wav")
        await caller.press("2")
        await caller.hears("cancelled.wav")
        assert await caller.was_hung_up() == "NORMAL_CLEARING"


async def test_a_call_can_be_placed_while_another_is_dialled(phone: FakeFreeSwitch) -> None:
    phone.listens("127.0.0.1:8085", Reminder)

    class Dispatcher(CallHandler):
        async def run(self) -> None:
            await self.answer()
            await self.api("originate user/1001 &socket('127.0.0.1:8085 async full')")
            await self.playback("somebody-is-called.wav")

    async with phone.dial(Dispatcher) as caller:
        await caller.hears("somebody-is-called.wav")
        called = await phone.is_called("user/1001")
        await called.hears("appointment.wav")
        await called.hangs_up()


async def test_without_a_block_that_sees_to_its_end_no_call_is_placed(phone: FakeFreeSwitch) -> None:
    with pytest.raises(CallFailed, match="nobody would see to its end"):
        await phone.api("originate", "user/1001 &park()")


async def test_what_a_handler_raises_in_a_placed_call_fails_the_test(phone: FakeFreeSwitch) -> None:
    class Broken(CallHandler):
        async def run(self) -> None:
            await self.answer()
            raise ValueError("a bug")

    phone.listens("127.0.0.1:8085", Broken)
    with pytest.raises(HandlerFailed, match="a bug") as failure:
        async with placing(phone):
            await phone.api("originate", "user/1001 &socket('127.0.0.1:8085 async full')")
            await (await phone.is_called("user/1001")).was_hung_up()
    assert isinstance(failure.value.__cause__, ValueError)
    with pytest.raises(HandlerFailed, match="a bug"):
        async with phone.dial(Reminder):
            await phone.api("originate", "user/1001 &socket('127.0.0.1:8085 async full')")
            await (await phone.is_called("user/1001")).was_hung_up()


async def test_a_failed_expectation_comes_before_what_a_handler_raised(phone: FakeFreeSwitch) -> None:
    class Broken(CallHandler):
        async def run(self) -> None:
            raise ValueError("a bug")

    phone.listens(OURS, Broken)
    with pytest.raises(CallFailed) as failure:
        async with placing(phone):
            await phone.api("originate", f"user/1001 {TO_US}")
            caller = await phone.is_called("user/1001")
            await caller.hears("never.wav", within=1)
    assert failure.value.expected == "the caller was to hear never.wav"
    assert isinstance(failure.value.__cause__, ValueError)


async def test_a_handler_that_leaves_whoever_was_called_in_silence_fails_the_test(phone: FakeFreeSwitch) -> None:
    async def leaves(stream: trio.abc.Stream) -> None:
        await stream.send_all(b"connect\n\n")
        await stream.receive_some()

    phone.listens(OURS, leaves)
    with pytest.raises(CallFailed, match="parked for ever, in silence"):
        async with placing(phone):
            await phone.api("originate", f"user/1001 {TO_US}")
            await trio.sleep(5)


async def test_one_that_is_parked_for_whoever_placed_the_call_is_left_alone_by_nobody(phone: FakeFreeSwitch) -> None:
    async with placing(phone):
        uuid = (await phone.api("originate", "user/1001 &park()")).split()[1]
        caller = await phone.is_called("user/1001")
        await caller.sees_run("park")
        await trio.sleep(60)
        assert caller.is_up
        assert await phone.api("uuid_transfer", f"{uuid} playback:goodbye.wav,hangup inline") == "+OK\n"
        await caller.hears("goodbye.wav")
        assert await caller.was_hung_up() == "NORMAL_CLEARING"


async def test_whoever_is_called_hangs_up_at_the_end_of_the_block(phone: FakeFreeSwitch) -> None:
    class Waits(CallHandler):
        async def run(self) -> None:
            await self.playback("music.wav")
            await trio.sleep_forever()

    phone.listens(OURS, Waits)
    async with placing(phone):
        await phone.api("originate", f"user/1001 {TO_US}")
        caller = await phone.is_called("user/1001")
        await caller.hears("music.wav")
    assert caller.hung_up_first
    assert caller.hangup_cause == "NORMAL_CLEARING"
    assert caller.cdr["sip_hangup_disposition"] == "recv_bye"


async def test_each_call_is_expected_once(phone: FakeFreeSwitch) -> None:
    async with placing(phone):
        for name in ("one", "two"):
            await phone.api("originate", f"[origination_uuid={name}]user/1001 &park()")
        first, second = await phone.is_called("user/*"), await phone.is_called("user/1001")
        assert (first.channel_uuid, second.channel_uuid) == ("one", "two")
        with pytest.raises(CallFailed) as failure:
            await phone.is_called("user/1001", within=3)
    assert failure.value.instead == "nobody has answered within 3 s; called were user/1001, user/1001"


async def test_who_is_not_called_is_said(phone: FakeFreeSwitch) -> None:
    with pytest.raises(CallFailed, match="nobody has answered within 3 s: the switch has placed no call"):
        await phone.is_called("user/1001", within=3)
    with pytest.raises(CallFailed, match="user/1001 was to ring, but it did not within 3 s"):
        await phone.rings("user/1001", within=3)


# Ringing


async def test_it_returns_when_the_call_is_answered(phone: FakeFreeSwitch) -> None:
    phone.destination("user/1001", answers_after=4)
    async with placing(phone):
        began = trio.current_time()
        assert (await phone.api("originate", "user/1001 &park()")).startswith("+OK ")
        assert trio.current_time() - began == pytest.approx(4, abs=0.021)


async def test_a_test_answers_or_refuses(phone: FakeFreeSwitch, nursery: trio.Nursery) -> None:
    phone.destination("user/*", answers_after=None)
    answers: list[str] = []

    async def originate(url: str) -> None:
        answers.append(await phone.api("originate", f"{url} &playback(hello.wav)"))

    async with placing(phone):
        nursery.start_soon(originate, "user/1001")
        callee = await phone.rings("user/1001")
        assert repr(callee) == "<Callee user/1001, rings>"
        await trio.sleep(30)
        assert not answers
        await callee.answers()
        caller = await phone.is_called("user/1001")
        await caller.hears("hello.wav")
        assert answers == [f"+OK {caller.channel_uuid}\n"]

        nursery.start_soon(originate, "user/1002")
        await (await phone.rings("user/1002")).hangs_up("CALL_REJECTED")
        await trio.sleep(0.05)
        assert answers[1:] == ["-ERR CALL_REJECTED\n"]


@pytest.mark.parametrize(
    ("url", "answer", "seconds"),
    [
        ("user/busy", "-ERR USER_BUSY\n", 0.04),
        ("user/silent", "-ERR NO_ANSWER\n", 60),
        ("{originate_timeout=5}user/silent", "-ERR NO_ANSWER\n", 5),
        ("[leg_timeout=5]user/silent", "-ERR ALLOTTED_TIMEOUT\n", 6),
        ("{progress_timeout=3}[leg_delay_start=10]user/silent,[leg_delay_start=9]user/silent", "-ERR NO_ANSWER\n", 60),
        ("nowhere/1001", "-ERR CHAN_NOT_IMPLEMENTED\n", 0),
        ("1001", "-ERR CHAN_NOT_IMPLEMENTED\n", 0),
        ("error/user_busy", "-ERR USER_BUSY\n", 0),
        ("undef", "-ERR DESTINATION_OUT_OF_ORDER\n", 0),
        ("{bad", "-ERR DESTINATION_OUT_OF_ORDER\n", 0),
        ("loopback/9999", "-ERR NO_ROUTE_DESTINATION\n", 0.02),
        # The cause of the first leg of the last group is told.
        ("user/busy|error/call_rejected", "-ERR CALL_REJECTED\n", 0.04),
        ("error/call_rejected|user/busy", "-ERR USER_BUSY\n", 0.04),
        ("user/busy,[leg_timeout=1]user/silent", "-ERR USER_BUSY\n", 2),
        ("{originate_timeout=5}user/silent|user/1001", "-ERR NO_ANSWER\n", 5),
        ("{originate_retries=3}user/busy", "-ERR USER_BUSY\n", 2.12),
        ("user/busy:_:error/call_rejected", "-ERR CALL_REJECTED\n", 0.04),
    ],
)
async def test_why_nobody_is_reached(phone: FakeFreeSwitch, url: str, answer: str, seconds: float) -> None:
    phone.destination("user/busy", cause="USER_BUSY")
    phone.destination("user/silent", answers_after=None)
    async with placing(phone):
        began = trio.current_time()
        assert await phone.api("originate", f"{url} &park()") == answer
        assert trio.current_time() - began == pytest.approx(seconds, abs=0.021)
        await trio.sleep(0.1)
        assert await phone.api("show", "channels count") == "\n0 total.\n"


async def test_seven_arguments(phone: FakeFreeSwitch) -> None:
    phone.destination("user/1001", answers_after=None)
    phone.extension("greeting", ["playback hello.wav"], context="public")
    async with placing(phone):
        began = trio.current_time()
        words = "user/1001 greeting XML public"
        assert await phone.api("originate", f"{words} 'Ms Smith' 5551000 7") == "-ERR NO_ANSWER\n"
        assert trio.current_time() - began == pytest.approx(7, abs=0.021)
        phone.destination("user/1001")
        await phone.api("originate", f"{words} 'Ms Smith' 5551000 7")
        caller = await phone.is_called("user/1001")
        await caller.hears("hello.wav")
    assert caller.variables["origination_caller_id_name"] == "Ms Smith"
    assert caller.variables["pre_transfer_caller_id_name"] == "Ms Smith"
    assert caller.variables["pre_transfer_caller_id_number"] == "5551000"


@pytest.mark.parametrize("words", ["", "user/1001", "1 2 3 4 5 6 7 8"])
async def test_fewer_or_more_arguments_are_refused(phone: FakeFreeSwitch, words: str) -> None:
    assert await phone.api("originate", words) == (
        "-USAGE: <call url> <exten>|&<application_name>(<app_args>) [<dialplan>] [<context>] [<cid_name>] [<cid_num>]"
        " [<timeout_sec>]\n"
    )


async def test_what_freeswitch_dies_of_is_said(phone: FakeFreeSwitch) -> None:
    with pytest.raises(CallFailed, match="FreeSWITCH dies of it"):
        await phone.api("originate", "user/1001 undef")


async def test_the_first_of_several_wins_the_race(phone: FakeFreeSwitch) -> None:
    phone.destination("user/1001", answers_after=9)
    phone.destination("user/1002", answers_after=2)
    async with placing(phone) as events:
        answer = await phone.api("originate", "[origination_uuid=a]user/1001,[origination_uuid=b]user/1002 &park()")
        assert answer == "+OK b\n"
        await trio.sleep(0.1)
    hung_up = [each for each in events if each.name == "CHANNEL_HANGUP"]
    assert (hung_up[0].get("Unique-ID"), hung_up[0].get("Hangup-Cause")) == ("a", "LOSE_RACE")


async def test_of_several_dial_strings_the_first_that_answers_wins(phone: FakeFreeSwitch) -> None:
    phone.destination("user/1001", answers_after=9)
    async with placing(phone) as events:
        answer = await phone.api("originate", "{origination_uuid=a}user/1001:_:{origination_uuid=b}user/1002 &park()")
        assert answer == "+OK b\n"
        await trio.sleep(0.1)
    hung_up = [each for each in events if each.name == "CHANNEL_HANGUP"]
    assert (hung_up[0].get("Unique-ID"), hung_up[0].get("Hangup-Cause")) == ("a", "LOSE_RACE")


async def test_a_leg_waits_before_it_rings(phone: FakeFreeSwitch) -> None:
    phone.destination("user/1001", answers_after=None)
    async with placing(phone):
        began = trio.current_time()
        await phone.api("originate", "user/1001,[leg_delay_start=3]user/1002 &park()")
        await phone.is_called("user/1002")
        # More than three seconds, and one that it rings.
        assert trio.current_time() - began == pytest.approx(5, abs=0.021)


async def test_early_media_counts_unless_it_is_ignored(phone: FakeFreeSwitch) -> None:
    phone.destination("user/1001", answers_after=5, early_media_after=1)
    phone.sound("hello.wav", 30)
    async with placing(phone) as events:
        began = trio.current_time()
        await phone.api("originate", "user/1001 &playback(hello.wav)")
        assert trio.current_time() - began == pytest.approx(1, abs=0.021)
        with pytest.raises(CallFailed):
            await phone.is_called("user/1001", within=1)
        caller = await phone.is_called("user/1001")
        assert caller.heard == ["hello.wav"]
        began = trio.current_time()
        await phone.api("originate", "{ignore_early_media=true}user/1001 &park()")
        assert trio.current_time() - began == pytest.approx(5, abs=0.021)
    first = [each for each in events if each.get("Unique-ID") == caller.channel_uuid]
    assert told(first)[:6] == [
        "CHANNEL_OUTGOING",
        "CHANNEL_CREATE",
        "CHANNEL_ORIGINATE",
        "CHANNEL_PROGRESS",
        "CHANNEL_PROGRESS_MEDIA",
        "CHANNEL_CALLSTATE",
    ]
    assert first[0].get("variable_originate_early_media") == ""
    assert first[1].get("variable_originate_early_media") == "true"


async def test_ringing_may_be_enough(phone: FakeFreeSwitch) -> None:
    phone.destination("user/1001", answers_after=None)
    async with placing(phone):
        assert (await phone.api("originate", "{return_ring_ready=true}user/1001 &park()")).startswith("+OK ")


async def test_whoever_is_called_hangs_up_after_a_while(phone: FakeFreeSwitch) -> None:
    phone.destination("user/1001", hangs_up_after=10)
    async with placing(phone):
        await phone.api("originate", "user/1001 &park()")
        caller = await phone.is_called("user/1001")
        await trio.sleep(9.9)
        assert caller.is_up
        await trio.sleep(0.2)
    assert caller.hung_up_first


@pytest.mark.parametrize(
    ("command", "argument", "cause"),
    [
        ("uuid_kill", "it CALL_REJECTED", "CALL_REJECTED"),
        ("uuid_kill", "it", "NORMAL_CLEARING"),
        ("hupall", "NORMAL_TEMPORARY_FAILURE campaign spring", "NORMAL_TEMPORARY_FAILURE"),
        ("fsctl", "hupall", "MANAGER_REQUEST"),
    ],
)
async def test_a_call_that_rings_is_ended_by_others(
    phone: FakeFreeSwitch, nursery: trio.Nursery, command: str, argument: str, cause: str
) -> None:
    phone.destination("user/1001", answers_after=None)
    answers: list[str] = []

    async def originate() -> None:
        url = "{origination_uuid=it,campaign=spring}user/1001"
        answers.append(await phone.api("originate", f"{url} &park()"))

    async with placing(phone) as events:
        nursery.start_soon(originate)
        await phone.rings("user/1001")
        assert (await phone.api(command, argument)).startswith("+OK")
        await trio.sleep(0.05)
    assert answers == [f"-ERR {cause}\n"]
    assert told(events)[-4:] == ["CHANNEL_HANGUP", "CHANNEL_CALLSTATE", "CHANNEL_HANGUP_COMPLETE", "CHANNEL_DESTROY"]


async def test_a_switch_that_pauses_calls_nobody(phone: FakeFreeSwitch) -> None:
    async with placing(phone):
        await phone.api("fsctl", "pause outbound")
        assert await phone.api("originate", "user/1001 &park()") == "-ERR DESTINATION_OUT_OF_ORDER\n"
        await phone.api("fsctl", "resume")
        assert (await phone.api("originate", "user/1001 &park()")).startswith("+OK ")


# What a leg has of the dial string


async def test_variables_and_caller_id(phone: FakeFreeSwitch) -> None:
    async with placing(phone):
        url = (
            "{a=1,b=all,evil=${system(x)},origination_caller_id_number=5550100}[b=own,c=3,origination_uuid=it]user/1001"
        )
        await phone.api("originate", f"'{url}' &park() XML default Name 5559999")
        caller = await phone.is_called("user/1001")
    variables = caller.variables
    # Those of all legs are set last, unless local_var_clobber says otherwise.
    assert (variables["a"], variables["b"], variables["c"]) == ("1", "all", "3")
    assert "evil" not in variables
    assert caller.channel_uuid == variables["origination_uuid"] == "it"
    assert variables["origination_caller_id_number"] == "5550100"
    assert variables["origination_caller_id_name"] == "Name"
    assert variables["originate_endpoint"] == "user"
    assert (variables["dialed_user"], variables["dialed_domain"]) == ("1001", "127.0.0.1")


async def test_a_legs_own_variables_may_win(phone: FakeFreeSwitch) -> None:
    async with placing(phone):
        await phone.api("originate", "{b=all,local_var_clobber=true}[b=own]user/1001 &park()")
        caller = await phone.is_called("user/1001")
    assert caller.variables["b"] == "own"


async def test_a_uuid_that_is_in_use_is_not_taken(phone: FakeFreeSwitch) -> None:
    async with placing(phone):
        assert await phone.api("originate", "{origination_uuid=it}user/1001 &park()") == "+OK it\n"
        answer = await phone.api("originate", "{origination_uuid=it}user/1002 &park()")
        assert re.fullmatch(r"\+OK [-0-9a-f]{36}\n", answer)


# Where it goes


@pytest.mark.parametrize(
    "where",
    ["greeting", "greeting XML", "playback:hello.wav,hangup inline", "m:^:playback:hello.wav^hangup inline"],
)
async def test_it_goes_to_an_extension(phone: FakeFreeSwitch, where: str) -> None:
    phone.extension("greeting", ["playback hello.wav"])
    async with placing(phone):
        assert (await phone.api("originate", f"user/1001 {where}")).startswith("+OK ")
        caller = await phone.is_called("user/1001")
        await caller.hears("hello.wav")
        assert await caller.was_hung_up() == "NORMAL_CLEARING"


async def test_where_the_dialplan_has_nothing_it_ends(phone: FakeFreeSwitch) -> None:
    async with placing(phone):
        assert (await phone.api("originate", "user/1001 nowhere")).startswith("+OK ")
        caller = await phone.is_called("user/1001")
        assert await caller.was_hung_up() == "NO_ROUTE_DESTINATION"


async def test_an_application_may_have_no_argument(phone: FakeFreeSwitch) -> None:
    async with placing(phone):
        for application in ("&park", "&park()", "&park(", "&park()x"):
            await phone.api("originate", f"user/1001 {application}")
            await (await phone.is_called("user/1001")).sees_run("park", "")


# Loopback


class Greeter(CallHandler):
    async def run(self) -> None:
        await self.answer()
        await self.playback("hello.wav")
        await self.hangup("USER_BUSY")


async def test_a_loopback_call_runs_the_dialplan_and_its_handler(phone: FakeFreeSwitch) -> None:
    phone.listens(OURS, Greeter)
    phone.extension("5000", ["set who=me", "socket 127.0.0.1:8084 async full"])
    async with placing(phone):
        answer = await phone.api("originate", "{campaign=spring}loopback/5000/default &park()")
        caller = await phone.is_called("loopback/5000")
        other = await phone.is_called("loopback/5000-a")
        assert answer == f"+OK {other.channel_uuid}\n"
        assert caller.variables["other_loopback_leg_uuid"] == other.channel_uuid
        assert other.variables["other_loopback_leg_uuid"] == caller.channel_uuid
        await caller.hears("hello.wav", to_the_end=True)
        assert await caller.was_hung_up() == "USER_BUSY"
        assert await other.was_hung_up() == "USER_BUSY"
    # What the dial string says, both ends have.
    assert (caller.variables["campaign"], other.variables["campaign"]) == ("spring", "spring")


async def test_a_handler_that_refuses_refuses_the_other_end(phone: FakeFreeSwitch) -> None:
    class Refuses(CallHandler):
        async def run(self) -> None:
            await self.hangup("CALL_REJECTED")

    phone.listens(OURS, Refuses)
    phone.extension("5000", ["socket 127.0.0.1:8084 async full"])
    async with placing(phone):
        assert await phone.api("originate", "loopback/5000 &park()") == "-ERR CALL_REJECTED\n"


async def test_who_placed_a_loopback_call_ends_it_at_both_ends(phone: FakeFreeSwitch) -> None:
    phone.extension("5000", ["answer", "playback silence_stream://-1"])
    async with placing(phone):
        uuid = (await phone.api("originate", "loopback/5000 &park()")).split()[1]
        caller = await phone.is_called("loopback/5000")
        await phone.api("uuid_kill", f"{uuid} NORMAL_UNSPECIFIED")
        assert await caller.was_hung_up() == "NORMAL_UNSPECIFIED"


async def test_a_loopback_call_may_run_one_application(phone: FakeFreeSwitch) -> None:
    async with placing(phone):
        await phone.api("originate", "loopback/app=playback:hello.wav &park()")
        caller = await phone.is_called("loopback/*")
        await caller.hears("hello.wav")
        assert [each.application for each in caller.executed] == ["pre_answer", "playback"]


async def test_where_a_destination_is_said_for_loopback_there_is_no_dialplan(phone: FakeFreeSwitch) -> None:
    phone.destination("loopback/5000", cause="USER_BUSY")
    async with placing(phone):
        assert await phone.api("originate", "loopback/5000 &park()") == "-ERR USER_BUSY\n"


async def test_the_events_of_a_loopback_call_are_those_that_were_recorded(phone: FakeFreeSwitch) -> None:
    """Their order is that of ``e5_event_all``, whose extension answered by a command."""
    phone.extension("async_full_8084", ["answer", "park"])
    async with placing(phone) as events:
        await phone.api("originate", "loopback/async_full_8084/default &park()")
        await trio.sleep(0.1)
        recorded = recorded_events("loopback/async_full_8084-a")
        answered = next(at for at, each in enumerate(events) if each.name == "CHANNEL_ANSWER")
        shown = [(each.name, each.get("Channel-Name")[-1:]) for each in events[answered:]]
        assert shown[:5] == [
            ("CHANNEL_ANSWER", "a"),
            ("CHANNEL_CALLSTATE", "a"),
            ("CHANNEL_ANSWER", "b"),
            ("CHANNEL_CALLSTATE", "b"),
            ("CHANNEL_EXECUTE_COMPLETE", "b"),
        ]
    got = [each for each in events[answered:] if each.get("Channel-Name").endswith("-a")]
    assert [each.name for each in got] == [name for name, _ in recorded]
    for event, (name, headers) in zip(got, recorded, strict=True):
        assert {key for key, _ in event.headers} == set(headers), name
        for key in ("Channel-State", "Channel-Call-State", "Answer-State", "Call-Direction", "Channel-HIT-Dialplan"):
            assert event.get(key) == headers[key], (name, key)
        for key in headers:
            if key.startswith("Caller-") and "Time" not in key and "Unique-ID" not in key:
                assert event.get(key) == headers[key], (name, key)


def recorded_events(channel: str) -> list[tuple[str, dict[str, str]]]:
    """The events of a channel in `e5_event_all`."""
    found = []
    for part in (RECORDINGS / "e5_event_all.raw").read_text().split("Content-Type: text/event-plain\n\n")[1:]:
        head = part.partition("\n\n")[0]
        headers = {name: unquoted(value) for name, value in re.findall(r"(?m)^(.*?): (.*)$", head)}
        if headers.get("Channel-Name") == channel:
            found.append((headers["Event-Name"], headers))
    return found


def unquoted(text: str) -> str:
    return re.sub("%([0-9A-F]{2})", lambda found: chr(int(found[1], 16)), text)
