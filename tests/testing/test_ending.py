"""The end of a call: its events and their order, linger and its notices, the final record, shutdown."""

from __future__ import annotations

import pytest
import trio

from esl_outbound.testing import CallFailed, FakeFreeSwitch, Faults

from .speaking import PARKED, EventSocket, connected, parked, variables

HANG_UP = "sendmsg\ncall-command: hangup"
ORDER = ["HANGUP NORMAL_CLEARING", "UNPARK", "COMPLETE socket _none_", "HANGUP_COMPLETE"]


def linger_notice(uuid: str, channel: str, seconds: int) -> bytes:
    return (
        f"Content-Type: text/disconnect-notice\nControlled-Session-UUID: {uuid}\nContent-Disposition: linger\n"
        f"Channel-Name: {channel}\nLinger-Time: {seconds}\nContent-Length: 0\n\n"
    ).encode()


def goodbye(uuid: str) -> bytes:
    return (
        f"Content-Type: text/disconnect-notice\nControlled-Session-UUID: {uuid}\n"
        "Content-Disposition: disconnect\nContent-Length: 67\n\n"
        "Disconnected, goodbye.\nSee you at ClueCon! http://www.cluecon.com/\n"
    ).encode()


# The order of events


async def test_the_events_of_the_end_come_in_this_order(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        await caller.hangs_up()
        await socket.until("CHANNEL_HANGUP_COMPLETE")
        assert [event.name for event in socket.events] == [
            "CHANNEL_HANGUP",
            "CHANNEL_UNPARK",
            "CHANNEL_EXECUTE_COMPLETE",
            "CHANNEL_STATE",
            "CHANNEL_STATE",
            "CHANNEL_HANGUP_COMPLETE",
        ]


async def test_channel_hangup_is_still_in_execute_and_has_no_variable_for_its_cause(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        await caller.hangs_up()
        hangup = await socket.until("CHANNEL_HANGUP")
        assert hangup["Channel-State"] == "CS_EXECUTE"
        assert hangup["Answer-State"] == "hangup"
        assert hangup["Hangup-Cause"] == "NORMAL_CLEARING"
        assert "hangup_cause" not in variables(hangup)


async def test_channel_destroy_does_not_come_while_the_socket_is_open(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        await socket.ask("event plain CHANNEL_DESTROY")
        await caller.hangs_up()
        await socket.listen(60)
        assert "CHANNEL_DESTROY" not in [event.name for event in socket.events]


@pytest.mark.parametrize(
    ("answered", "cause", "found"),
    [
        (True, "", "NORMAL_CLEARING"),
        (False, "", "ORIGINATOR_CANCEL"),
        (True, "NORMAL_TEMPORARY_FAILURE", "NORMAL_TEMPORARY_FAILURE"),
    ],
)
async def test_the_callers_hangup_has_a_cause(phone: FakeFreeSwitch, answered: bool, cause: str, found: str) -> None:
    async with parked(phone, before=["answer"] if answered else []) as (caller, socket):
        await caller.hangs_up(cause)
        assert (await socket.until("CHANNEL_HANGUP"))["Hangup-Cause"] == found


# Without linger


@pytest.mark.parametrize("answered", [True, False])
async def test_without_linger_the_socket_closes_within_a_frame_or_two(phone: FakeFreeSwitch, answered: bool) -> None:
    async with connected(phone, before=["answer"] if answered else []) as (caller, socket):
        await socket.ask("connect", "myevents")
        await socket.until("CHANNEL_PARK")
        await socket.listen(1)
        socket.forget()
        before = trio.current_time()
        await caller.hangs_up()
        await socket.to_the_end()
        assert trio.current_time() - before <= 0.04
        assert socket.frames[-1].raw == goodbye(caller.channel_uuid)
        cause = "NORMAL_CLEARING" if answered else "ORIGINATOR_CANCEL"
        assert socket.told() == [f"HANGUP {cause}", *ORDER[1:]]


async def test_nolinger_takes_linger_back(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        assert await socket.ask("nolinger") == "+OK will not linger"
        await caller.hangs_up()
        await socket.to_the_end()
        assert [frame["Content-Disposition"] for frame in socket.frames if "notice" in frame.kind] == ["disconnect"]


# With linger


async def test_the_notices_are_these_bytes(phone: FakeFreeSwitch) -> None:
    async with parked(phone, caller_id="2000") as (caller, socket):
        assert await socket.ask("linger 5") == "+OK will linger 5 seconds"
        await caller.hangs_up()
        await socket.to_the_end()
        uuid, name = caller.channel_uuid, "sofia/internal/2000@127.0.0.1:5070"
        notices = [frame.raw for frame in socket.frames if frame.kind == "text/disconnect-notice"]
        assert notices == [linger_notice(uuid, name, 5), goodbye(uuid)]


@pytest.mark.parametrize("seconds", [1, 5, 30])
async def test_linger_n_closes_n_to_n_plus_1_seconds_after(phone: FakeFreeSwitch, seconds: int) -> None:
    async with parked(phone) as (caller, socket):
        await socket.ask(f"linger {seconds}")
        before = trio.current_time()
        await caller.hangs_up()
        await socket.to_the_end()
        assert seconds < trio.current_time() - before <= seconds + 1.05
        assert socket.told() == ORDER


async def test_linger_nonsense_is_linger_0(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        assert await socket.ask("linger abc") == "+OK will linger 0 seconds"
        before = trio.current_time()
        await caller.hangs_up()
        await socket.to_the_end()
        assert trio.current_time() - before <= 1.05


async def test_plain_linger_keeps_the_socket_for_ever_and_nolinger_has_no_effect_then(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        await caller.hangs_up()
        await socket.until("CHANNEL_HANGUP_COMPLETE")
        await socket.listen(1)
        notice = next(frame for frame in socket.frames if frame.kind == "text/disconnect-notice")
        assert notice["Linger-Time"] == "-1"
        await socket.ask("nolinger")
        await socket.listen(3600)
        assert not socket.is_over
        assert "\n1 session(s) - peak" in await socket.api("status")
        assert await socket.ask("exit") == "+OK bye"
        await socket.to_the_end()
        assert socket.is_over


async def test_linger_n_after_the_hangup_closes_at_once(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        await caller.hangs_up()
        await socket.until("CHANNEL_HANGUP_COMPLETE")
        await socket.listen(1)
        before = trio.current_time()
        assert await socket.ask("linger 60") == "+OK will linger 60 seconds"
        await socket.to_the_end()
        assert trio.current_time() - before <= 0.02


async def test_the_linger_notice_may_come_before_channel_hangup(phone: FakeFreeSwitch) -> None:
    async with parked(phone, faults=Faults(notice_before_hangup=True)) as (caller, socket):
        await caller.hangs_up()
        await socket.until("CHANNEL_HANGUP_COMPLETE")
        assert socket.frames[0]["Content-Disposition"] == "linger"
        assert socket.told() == ORDER


async def test_in_linger_getvar_and_connect_give_the_final_values(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        await trio.sleep(7)
        await caller.hangs_up()
        await socket.until("CHANNEL_HANGUP_COMPLETE")
        assert await socket.ask("getvar hangup_cause") == "NORMAL_CLEARING"
        await socket.send("connect")
        frame = await socket.reply_frame()
        assert frame["variable_hangup_cause"] == "NORMAL_CLEARING"
        assert int(frame["variable_billsec"]) in (7, 8)
        assert frame.raw.endswith(
            b"Content-Type: command/reply\nReply-Text: %2BOK%0A\nSocket-Mode: async\nControl: full\n\n"
        )


async def test_in_linger_bgapi_works_and_its_job_comes(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        await socket.ask("event plain BACKGROUND_JOB")
        await caller.hangs_up()
        await socket.until("CHANNEL_HANGUP_COMPLETE")
        await socket.ask("bgapi echo late")
        assert (await socket.until("BACKGROUND_JOB")).body == "late"


async def test_channel_hangup_complete_may_be_lost(phone: FakeFreeSwitch) -> None:
    async with parked(phone, faults=Faults(lost_events=frozenset({"CHANNEL_HANGUP_COMPLETE"}))) as (caller, socket):
        await socket.ask("linger 2")
        await caller.hangs_up()
        await socket.to_the_end()
        assert socket.told() == ORDER[:-1]


@pytest.mark.parametrize("lingers", [True, False])
async def test_events_that_come_late_come_before_the_socket_closes(phone: FakeFreeSwitch, lingers: bool) -> None:
    async with connected(phone, before=["answer"], faults=Faults(event_delay=0.5)) as (caller, socket):
        await socket.ask("connect", "myevents", "linger 1" if lingers else "nolinger")
        await socket.until("CHANNEL_PARK")
        await socket.listen(1)
        socket.forget()
        before = trio.current_time()
        await caller.hangs_up()
        hangup = await socket.until("CHANNEL_HANGUP")
        assert hangup.at - before == pytest.approx(0.5)
        await socket.to_the_end()
        assert socket.told() == ORDER


# The final record


async def test_the_final_record_of_an_answered_call(phone: FakeFreeSwitch) -> None:
    async with parked(phone, before=["sleep 3000", "answer"], caller_id="2000", caller_id_name="Ada") as (
        caller,
        socket,
    ):
        await caller.press("12#")
        await socket.run("playback", "a.wav")
        await trio.sleep(5)
        await caller.hangs_up()
        found = variables(await socket.until("CHANNEL_HANGUP_COMPLETE"))
        assert found["hangup_cause"] == "NORMAL_CLEARING"
        assert found["hangup_cause_q850"] == "16"
        assert int(found["mduration"]) == pytest.approx(9300, abs=100)
        assert int(found["billmsec"]) == pytest.approx(6300, abs=100)
        assert int(found["answermsec"]) == pytest.approx(3000, abs=20)
        assert int(found["billsec"]) in (6, 7)
        assert int(found["duration"]) in (9, 10)
        assert int(found["end_epoch"]) - int(found["start_epoch"]) == int(found["duration"])
        assert int(found["answer_epoch"]) > 0
        for name in ("start_stamp", "answer_stamp", "end_stamp"):
            assert len(found[name]) == 19
        assert (found["last_app"], found["last_arg"]) == ("playback", "a.wav")
        assert found["caller_id"] == '"Ada" <2000>'
        assert found["digits_dialed"] == "12#"
        assert found["hold_accum_seconds"] == "0"
        assert found["sip_hangup_disposition"] == "recv_bye"
        assert "rtp_audio_in_media_bytes" in found
        assert caller.cdr["billsec"] == found["billsec"]


async def test_the_final_record_of_a_call_that_was_not_answered(phone: FakeFreeSwitch) -> None:
    async with parked(phone, before=[]) as (caller, socket):
        await trio.sleep(5)
        await caller.hangs_up()
        hangup = await socket.until("CHANNEL_HANGUP")
        assert variables(hangup)["sip_hangup_disposition"] == "recv_cancel"
        found = variables(await socket.until("CHANNEL_HANGUP_COMPLETE"))
        assert found["hangup_cause"] == "ORIGINATOR_CANCEL"
        assert (found["answer_epoch"], found["billsec"]) == ("0", "0")
        assert "answer_stamp" not in found
        assert not [name for name in found if name.startswith("rtp_audio_in_")]


async def test_a_loopback_call_has_no_rtp_and_no_sip(phone: FakeFreeSwitch) -> None:
    found: dict[str, str] = {}

    async def application(stream: trio.abc.Stream) -> None:
        socket = EventSocket(stream)
        await socket.ask(*PARKED, HANG_UP)
        found.update(variables(await socket.until("CHANNEL_HANGUP_COMPLETE")))

    async with phone.dial(application, before=["answer"], endpoint="loopback") as caller:
        await caller.was_hung_up()
    assert found["hangup_cause"] == "NORMAL_CLEARING"
    assert not [name for name in found if name.startswith(("rtp_", "sip_"))]


async def test_there_is_no_record_before_the_end(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, _):
        with pytest.raises(CallFailed, match="the call has not ended yet"):
            caller.cdr  # noqa: B018 - it is asked for


async def test_a_hangup_from_our_side_is_a_bye_that_was_sent(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (_, socket):
        await socket.ask(HANG_UP)
        found = variables(await socket.until("CHANNEL_HANGUP_COMPLETE"))
        assert found["sip_hangup_disposition"] == "send_bye"


async def test_a_hangup_cause_before_the_answer_is_the_calls(phone: FakeFreeSwitch) -> None:
    async with parked(phone, before=[]) as (_, socket):
        await socket.ask(f"{HANG_UP}\nhangup-cause: USER_BUSY")
        found = variables(await socket.until("CHANNEL_HANGUP_COMPLETE"))
        assert (found["hangup_cause"], found["hangup_cause_q850"]) == ("USER_BUSY", "17")
        assert found["sip_hangup_disposition"] == "send_refuse"


# Shutdown, and death


async def test_a_shutdown_hangs_all_calls_up_and_lets_them_linger(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (_, socket), parked(phone) as (_, other):
        await socket.ask("linger 10")
        await phone.shut_down()
        for each in (socket, other):
            assert (await each.until("CHANNEL_HANGUP"))["Hangup-Cause"] == "SYSTEM_SHUTDOWN"
        await socket.until("CHANNEL_HANGUP_COMPLETE")
        before = trio.current_time()
        await socket.to_the_end()
        assert 9 < trio.current_time() - before < 11.1


async def test_a_switch_that_dies_breaks_the_connection_without_a_word(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (_, socket):
        await phone.dies()
        await socket.to_the_end()
        assert socket.is_over
        assert socket.frames == []


# Timers


async def test_sched_hangup_ends_the_call_when_its_time_comes(phone: FakeFreeSwitch) -> None:
    phone.sound("long.wav", 100)
    async with parked(phone) as (_, socket):
        await socket.run("sched_hangup", "+30 NO_USER_RESPONSE")
        before = trio.current_time()
        await socket.execute("playback", "long.wav")
        hangup = await socket.until("CHANNEL_HANGUP")
        assert hangup["Hangup-Cause"] == "NO_USER_RESPONSE"
        assert 29 <= hangup.at - before <= 30.1


async def test_sched_hangup_without_time_ends_it_at_once(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        await socket.run("sched_hangup", "+0")
        assert caller.hangup_cause == "ALLOTTED_TIMEOUT"


async def test_sched_cancel_takes_it_back(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        await socket.run("sched_hangup", "+5")
        await socket.run("sched_cancel")
        await socket.listen(60)
        assert caller.is_up


async def test_sched_transfer_takes_the_call_elsewhere(phone: FakeFreeSwitch) -> None:
    phone.extension("9000", ["playback elsewhere.wav"])
    async with parked(phone) as (caller, socket):
        await socket.run("sched_transfer", "+5 9000")
        sound = await caller.hears("elsewhere.wav")
        assert sound.began == pytest.approx(5, abs=0.1)
