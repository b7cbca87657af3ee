"""``sendmsg`` with ``call-command: execute`` on an async socket: when it runs, in what, and when never."""

from __future__ import annotations

import pytest
import trio

from esl_outbound.testing import FakeFreeSwitch, Faults

from .speaking import connected, executing, parked, variables

HANG_UP = "sendmsg\ncall-command: hangup"


# When it runs


async def test_ok_means_queued_and_the_application_runs_at_the_next_frame(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        await trio.sleep(0.005)
        sent = trio.current_time()
        assert await socket.ask(executing("set", "a=1", uuid="x")) == "+OK"
        assert trio.current_time() == sent
        assert "a" not in caller.variables
        execute = await socket.until("CHANNEL_EXECUTE", uuid="x")
        assert 0 < execute.at - sent <= 0.02
        assert (await socket.until("CHANNEL_EXECUTE_COMPLETE", uuid="x")).at == execute.at


async def test_sets_that_are_awaited_one_by_one_take_a_frame_each(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (_, socket):
        before = trio.current_time()
        for number in range(20):
            await socket.run("set", f"a{number}=1")
        assert trio.current_time() - before == pytest.approx(20 * 0.02, abs=0.021)


async def test_sets_that_are_sent_together_take_a_frame_together(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (_, socket):
        before = trio.current_time()
        await socket.send(*(executing("set", f"a{number}=1", uuid=str(number)) for number in range(20)))
        await socket.until("CHANNEL_EXECUTE_COMPLETE", uuid="19")
        assert trio.current_time() - before <= 0.021
        assert socket.told() == [
            line for number in range(20) for line in (f"EXECUTE set a{number}=1", "COMPLETE set _none_")
        ]


# What is ignored


@pytest.mark.parametrize(
    "message",
    [
        "sendmsg",
        "sendmsg\ncall-command: EXECUTE\nexecute-app-name: answer",
        "sendmsg\ncall-command: nonsense\nexecute-app-name: answer",
        "sendmsg\ncall-command: execute",
        "sendmsg\nexecute-app-name: answer",
        "sendmsg\ncall-command: execute\rexecute-app-name: answer\nexecute-app-arg: a: one\rtwo",
    ],
)
async def test_what_makes_no_sense_is_answered_ok_and_nothing_happens(phone: FakeFreeSwitch, message: str) -> None:
    async with parked(phone, before=[]) as (caller, socket):
        assert await socket.ask(message) == "+OK"
        await socket.listen(1)
        assert socket.events == []
        assert caller.is_up


async def test_an_unknown_application_hangs_the_call_up_and_has_no_events(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        assert await socket.ask(executing("no_such_thing", "x")) == "+OK"
        await socket.until("CHANNEL_HANGUP_COMPLETE")
        assert socket.told() == [
            "HANGUP DESTINATION_OUT_OF_ORDER",
            "UNPARK",
            "COMPLETE socket _none_",
            "HANGUP_COMPLETE",
        ]
        assert caller.cdr["hangup_cause_q850"] == "27"


async def test_a_session_that_does_not_exist_is_refused(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (_, socket):
        message = "sendmsg no-such-uuid\ncall-command: execute\nexecute-app-name: answer"
        assert await socket.ask(message) == "-ERR invalid session id [no-such-uuid]"


async def test_an_application_after_the_hangup_is_answered_ok_and_nothing_happens(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        await caller.hangs_up()
        await socket.until("CHANNEL_HANGUP_COMPLETE")
        socket.forget()
        assert await socket.ask(executing("set", "a=1")) == "+OK"
        await socket.listen(1)
        assert socket.events == []


# Its name, its argument, its UUID


async def test_the_event_uuid_comes_back_encoded_in_both_events(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (_, socket):
        await socket.run("set", "a=1", uuid="my id/1 100%", Event_UUID_Name="a name")
        for event in socket.events:
            assert b"\nApplication-UUID: my%20id/1%20100%25\n" in event.raw
            assert b"\nApplication-UUID-Name: a%20name\n" in event.raw


async def test_without_an_event_uuid_each_execution_has_one_of_its_own(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (_, socket):
        await socket.ask(executing("set", "a=1", uuid="given"), executing("set", "b=1"), executing("set", "c=1"))
        for _ in range(3):
            await socket.until("CHANNEL_EXECUTE_COMPLETE")
        uuids = [event["Application-UUID"] for event in socket.events]
        assert uuids[0] == uuids[1] == "given"
        assert uuids[2] == uuids[3] != "given"
        assert uuids[4] == uuids[5] not in uuids[:4]
        assert len(uuids[2]) == 36


async def test_an_applications_name_does_not_care_about_case_and_is_told_in_its_own(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (_, socket):
        await socket.run("SET", "a=1")
        assert socket.told() == ["EXECUTE set a=1", "COMPLETE set _none_"]


async def test_header_names_do_not_care_about_case_and_blanks_before_a_value_are_dropped(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        await socket.ask("sendmsg\nCALL-Command:execute\nExecute-App-Name:   set\nEXECUTE-APP-ARG:   a=1 ")
        await socket.until("CHANNEL_EXECUTE_COMPLETE")
        assert caller.variables["a"] == "1 "


async def test_lines_may_end_in_crlf_and_blank_lines_may_come_before(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        await socket.stream.send_all(
            b"\r\n\n\r\nsendmsg\r\ncall-command: execute\r\nexecute-app-name: set\r\nexecute-app-arg: a=1\r\n\r\n"
        )
        await socket.until("CHANNEL_EXECUTE_COMPLETE")
        assert caller.variables["a"] == "1"


@pytest.mark.parametrize("order", ["type first", "length first"])
async def test_an_argument_may_be_a_body_whose_newlines_are_kept(phone: FakeFreeSwitch, order: str) -> None:
    lines = ["content-type: text/plain", "content-length: 12"]
    lines = lines if order == "type first" else lines[::-1]
    async with parked(phone) as (caller, socket):
        await socket.stream.send_all(
            (
                "\n".join(["sendmsg", "call-command: execute", *lines, "execute-app-name: set"])
                + "\n\na=one\ntw\u00e9\n\n"
            ).encode()
        )
        complete = await socket.until("CHANNEL_EXECUTE_COMPLETE")
        assert caller.variables["a"] == "one\ntw\u00e9\n\n"
        assert complete["Application-Data"] == "a=one\ntw\u00e9\n\n"


async def test_a_body_is_not_used_beside_an_execute_app_arg(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        await socket.stream.send_all(
            b"sendmsg\ncall-command: execute\nexecute-app-name: set\nexecute-app-arg: a=head\n"
            b"content-type: text/plain\ncontent-length: 6\n\na=body"
        )
        await socket.until("CHANNEL_EXECUTE_COMPLETE")
        assert caller.variables["a"] == "head"


async def test_a_content_length_that_is_too_small_makes_a_command_of_the_rest(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        await socket.stream.send_all(
            b"sendmsg\ncall-command: execute\nexecute-app-name: set\ncontent-type: text/plain\ncontent-length: 3\n\n"
            b"a=1234\n\n"
        )
        assert [await socket.reply(), await socket.reply()] == ["+OK", "-ERR command not found"]
        await socket.until("CHANNEL_EXECUTE_COMPLETE")
        assert caller.variables["a"] == "1"


@pytest.mark.parametrize("length", [-1, 16777217])
async def test_a_content_length_that_freeswitch_does_not_take_ends_the_connection(
    phone: FakeFreeSwitch, length: int
) -> None:
    async with parked(phone) as (_, socket):
        await socket.send(f"sendmsg\ncall-command: execute\ncontent-length: {length}")
        await socket.to_the_end()
        assert [frame.kind for frame in socket.frames] == ["text/disconnect-notice"]


async def test_a_command_may_be_split_at_any_byte_and_events_wait_for_its_end(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        command = (executing("set", "a=1", uuid="x") + "\n\n").encode()
        for byte in command[:-1]:
            await socket.stream.send_all(bytes([byte]))
        await caller.press("5")
        await socket.listen(5)
        assert socket.frames == []
        await socket.stream.send_all(command[-1:])
        assert await socket.reply() == "+OK"
        await socket.until("CHANNEL_EXECUTE_COMPLETE")
        assert socket.told() == ["DTMF 5", "EXECUTE set a=1", "COMPLETE set _none_"]
        assert [frame.kind for frame in socket.frames[:2]] == ["command/reply", "text/event-plain"]


# Nesting


async def test_an_execute_interrupts_what_runs_which_pauses_and_goes_on_behind_it(phone: FakeFreeSwitch) -> None:
    phone.sound("long.wav", 4)
    phone.sound("short.wav", 1)
    async with parked(phone) as (_, socket):
        first = await socket.execute("playback", "long.wav")
        began = (await socket.until("CHANNEL_EXECUTE", uuid=first)).at
        await socket.listen(1)
        await socket.execute("playback", "short.wav")
        ended = await socket.until("CHANNEL_EXECUTE_COMPLETE", uuid=first)
        assert socket.told() == [
            "EXECUTE playback long.wav",
            "EXECUTE playback short.wav",
            "COMPLETE playback FILE PLAYED",
            "COMPLETE playback FILE PLAYED",
        ]
        assert socket.events[2]["Application-Data"] == "short.wav"
        assert ended.at - began == pytest.approx(5, abs=0.05)


async def test_a_set_completes_before_the_playback_that_was_sent_before_it(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (_, socket):
        playback = await socket.execute("playback", "a.wav")
        await socket.execute("set", "a=1")
        await socket.until("CHANNEL_EXECUTE_COMPLETE", uuid=playback)
        assert socket.told() == [
            "EXECUTE playback a.wav",
            "EXECUTE set a=1",
            "COMPLETE set _none_",
            "COMPLETE playback FILE PLAYED",
        ]


async def test_the_clock_of_a_sleep_runs_on_while_something_is_nested_in_it(phone: FakeFreeSwitch) -> None:
    phone.sound("two.wav", 2)
    phone.sound("five.wav", 5)
    for file, seconds in (("two.wav", 3), ("five.wav", 5)):
        async with parked(phone) as (_, socket):
            sleep = await socket.execute("sleep", "3000")
            began = (await socket.until("CHANNEL_EXECUTE", uuid=sleep)).at
            await socket.execute("playback", file)
            ended = await socket.until("CHANNEL_EXECUTE_COMPLETE", uuid=sleep)
            assert ended.at - began == pytest.approx(seconds, abs=0.05)
            assert ended["Application-Response"] == "FILE PLAYED"


async def test_nested_executions_with_the_same_event_uuid_have_four_events_with_it(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (_, socket):
        await socket.execute("playback", "a.wav", uuid="same")
        await socket.execute("playback", "b.wav", uuid="same")
        await socket.listen(5)
        assert [event["Application-UUID"] for event in socket.events] == ["same"] * 4


# event-lock


async def test_everything_behind_a_locked_application_waits_for_it_a_hangup_too(phone: FakeFreeSwitch) -> None:
    phone.sound("long.wav", 10)
    async with parked(phone) as (caller, socket):
        await socket.execute("playback", "long.wav", event_lock="true")
        await caller.hears("long.wav")
        began = trio.current_time()
        await socket.execute("set", "a=1")
        await socket.execute("set", "b=1", event_lock="true")
        assert await socket.ask(HANG_UP) == "+OK"
        hangup = await socket.until("CHANNEL_HANGUP")
        assert hangup.at - began == pytest.approx(10, abs=0.05)
        assert socket.told("UNPARK") == [
            "EXECUTE playback long.wav",
            "COMPLETE playback FILE PLAYED",
            "EXECUTE set a=1",
            "COMPLETE set _none_",
            "EXECUTE set b=1",
            "COMPLETE set _none_",
            "HANGUP NORMAL_CLEARING",
        ]


async def test_a_lock_does_not_guard_against_running_in_what_runs_already(phone: FakeFreeSwitch) -> None:
    phone.sound("long.wav", 3)
    async with parked(phone) as (caller, socket):
        await socket.execute("playback", "long.wav")
        await caller.hears("long.wav")
        await socket.execute("playback", "locked.wav", event_lock="true")
        await socket.listen(10)
        assert [event["Application-Data"] for event in socket.events] == [
            "long.wav",
            "locked.wav",
            "locked.wav",
            "long.wav",
        ]


async def test_uuid_kill_passes_a_lock_at_once(phone: FakeFreeSwitch) -> None:
    phone.sound("long.wav", 10)
    async with parked(phone) as (caller, socket):
        await socket.execute("playback", "long.wav", event_lock="true")
        await caller.hears("long.wav")
        before = trio.current_time()
        assert await socket.api(f"uuid_kill {caller.channel_uuid} USER_BUSY") == "+OK\n"
        assert (await socket.until("CHANNEL_HANGUP"))["Hangup-Cause"] == "USER_BUSY"
        complete = await socket.until("CHANNEL_EXECUTE_COMPLETE")
        assert complete["Application-Response"] == "PLAYBACK ERROR"
        assert complete.at - before <= 0.021


async def test_so_does_the_caller(phone: FakeFreeSwitch) -> None:
    phone.sound("long.wav", 10)
    async with parked(phone) as (caller, socket):
        await socket.execute("playback", "long.wav", event_lock="true")
        await caller.hears("long.wav")
        before = trio.current_time()
        await caller.hangs_up()
        assert (await socket.until("CHANNEL_EXECUTE_COMPLETE")).at - before <= 0.021


# loops


async def test_loops_give_a_pair_of_events_each_with_the_same_uuid(phone: FakeFreeSwitch) -> None:
    phone.sound("half.wav", 0.6)
    async with parked(phone) as (_, socket):
        await socket.execute("playback", "half.wav", uuid="loop", loops="3")
        await socket.listen(10)
        assert socket.told() == ["EXECUTE playback half.wav", "COMPLETE playback FILE PLAYED"] * 3
        assert {event["Application-UUID"] for event in socket.events} == {"loop"}


async def test_no_round_follows_one_that_took_less_than_half_a_second(phone: FakeFreeSwitch) -> None:
    phone.sound("short.wav", 0.4)
    async with parked(phone) as (_, socket):
        await socket.execute("playback", "short.wav", loops="3")
        await socket.listen(10)
        assert socket.told() == ["EXECUTE playback short.wav", "COMPLETE playback FILE PLAYED"]


# Responses


async def test_the_response_of_what_was_nested_sticks_to_what_it_was_nested_in(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (_, socket):
        await socket.execute("sleep", "2000")
        await socket.execute("playback", "a.wav")
        await socket.listen(5)
        assert socket.told() == [
            "EXECUTE sleep 2000",
            "EXECUTE playback a.wav",
            "COMPLETE playback FILE PLAYED",
            "COMPLETE sleep FILE PLAYED",
        ]


async def test_the_socket_application_itself_reports_the_last_response(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        await socket.run("playback", "a.wav")
        await caller.hangs_up()
        await socket.until("CHANNEL_HANGUP_COMPLETE")
        assert "COMPLETE socket FILE PLAYED" in socket.told()


async def test_an_application_of_its_own_has_no_response(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (_, socket):
        await socket.run("playback", "a.wav")
        assert (await socket.run("sleep", "100"))["Application-Response"] == "_none_"


async def test_a_playback_reports_file_played_after_a_nested_hangup(phone: FakeFreeSwitch) -> None:
    phone.sound("long.wav", 10)
    async with parked(phone) as (caller, socket):
        await socket.execute("playback", "long.wav")
        await caller.hears("long.wav")
        await socket.ask(HANG_UP)
        assert (await socket.until("CHANNEL_EXECUTE_COMPLETE"))["Application-Response"] == "FILE PLAYED"


async def test_a_playback_reports_playback_error_when_the_caller_is_gone(phone: FakeFreeSwitch) -> None:
    phone.sound("long.wav", 10)
    async with parked(phone) as (caller, socket):
        await socket.execute("playback", "long.wav")
        await caller.hears("long.wav")
        await caller.hangs_up()
        assert (await socket.until("CHANNEL_EXECUTE_COMPLETE"))["Application-Response"] == "PLAYBACK ERROR"


# The hangup


async def test_what_is_queued_behind_a_running_application_at_the_hangup_has_no_events(phone: FakeFreeSwitch) -> None:
    phone.sound("long.wav", 10)
    async with parked(phone) as (caller, socket):
        await socket.execute("playback", "long.wav", event_lock="true")
        await caller.hears("long.wav")
        for _ in range(3):
            await socket.execute("playback", "lost.wav")
        await caller.hangs_up()
        await socket.until("CHANNEL_HANGUP_COMPLETE")
        assert socket.told() == [
            "EXECUTE playback long.wav",
            "HANGUP NORMAL_CLEARING",
            "COMPLETE playback PLAYBACK ERROR",
            "UNPARK",
            "COMPLETE socket PLAYBACK ERROR",
            "HANGUP_COMPLETE",
        ]


async def test_an_execute_just_after_the_hangup_of_a_parked_call_still_runs(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        await trio.sleep(0.005)
        await caller.hangs_up()
        await socket.execute("set", "too=late")
        await socket.until("CHANNEL_HANGUP_COMPLETE")
        assert socket.told() == [
            "HANGUP NORMAL_CLEARING",
            "EXECUTE set too=late",
            "COMPLETE set _none_",
            "UNPARK",
            "COMPLETE socket _none_",
            "HANGUP_COMPLETE",
        ]


async def test_a_nonsense_cause_is_normal_clearing(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        await socket.ask(f"{HANG_UP}\nhangup-cause: NONSENSE")
        assert await caller.was_hung_up() == "NORMAL_CLEARING"


# Events of executions


async def test_the_channel_is_answered_once_however_often_it_is_told_to(phone: FakeFreeSwitch) -> None:
    async with parked(phone, before=[]) as (_, socket):
        await socket.run("answer")
        await socket.run("answer")
        assert socket.told() == [
            "EXECUTE answer",
            "ANSWER",
            "COMPLETE answer _none_",
            "EXECUTE answer",
            "COMPLETE answer _none_",
        ]


async def test_executions_fire_private_command_with_the_whole_message(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (_, socket):
        assert await socket.ask("event plain PRIVATE_COMMAND") == "+OK event listener enabled plain"
        await socket.ask("sendmsg\ncall-command: execute\nexecute-app-name: set\nexecute-app-arg: a=1")
        event = await socket.until("PRIVATE_COMMAND")
        assert event["Command"].startswith(
            "sendmsg\ncall-command: execute\nexecute-app-name: set\nexecute-app-arg: a=1"
        )


async def test_events_of_the_dialplan_come_late_if_the_dispatcher_lags(phone: FakeFreeSwitch) -> None:
    async with connected(phone, before=["answer"], faults=Faults(dispatch_lag=0.02)) as (_, socket):
        await socket.ask("connect", "myevents")
        await socket.listen(0.1)
        late = [event.told for event in socket.events if int(event["Event-Sequence"]) < sequence(socket.frames[0].raw)]
        assert "EXECUTE answer" in late
        assert any(each.startswith("EXECUTE socket 127.0.0.1:8084 async full") for each in late)


def sequence(connect_reply: bytes) -> int:
    return int(connect_reply.partition(b"Event-Sequence: ")[2].partition(b"\n")[0])


async def test_the_variables_of_an_application_come_with_its_completion(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (_, socket):
        complete = await socket.run("set", "a=1 b")
        assert b"\nvariable_a: 1%20b\n" in complete.raw
        assert variables(complete)["current_application_data"] == "a=1 b"


async def test_amid_a_command_a_hangup_is_told_by_the_linger_notice_and_its_events_wait(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        await socket.stream.send_all(b"getvar uu")
        await trio.sleep(0.001)
        await caller.hangs_up()
        await socket.listen(3)
        assert [frame["Content-Disposition"] for frame in socket.frames] == ["linger"]
        await socket.stream.send_all(b"id\n\n")
        assert await socket.reply() == caller.channel_uuid
        await socket.until("CHANNEL_HANGUP_COMPLETE")


async def test_amid_a_command_a_hangup_without_linger_closes_the_socket_without_events(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        assert await socket.ask("nolinger") == "+OK will not linger"
        await socket.stream.send_all(b"getvar uu")
        await trio.sleep(0.001)
        await caller.hangs_up()
        await socket.to_the_end()
        assert [frame["Content-Disposition"] for frame in socket.frames[1:]] == ["disconnect"]


async def test_unicast_is_answered_ok_and_the_call_goes_on(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        message = "sendmsg\ncall-command: unicast\nlocal-ip: 127.0.0.1\nlocal-port: 8025\nremote-port: 8026"
        assert await socket.ask(message) == "+OK"
        await socket.run("playback", "a.wav")
        assert caller.is_up


async def test_xferext_runs_its_applications_outside_of_the_socket(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        await socket.ask("sendmsg\ncall-command: xferext\napplication: set a=1\napplication: playback b.wav")
        await caller.hears("b.wav", to_the_end=True)
        await socket.until("CHANNEL_HANGUP")
        assert socket.told() == [
            "UNPARK",
            "COMPLETE socket _none_",
            "EXECUTE set a=1",
            "COMPLETE set _none_",
            "EXECUTE playback b.wav",
            "COMPLETE playback FILE PLAYED",
            "HANGUP NORMAL_CLEARING",
        ]
