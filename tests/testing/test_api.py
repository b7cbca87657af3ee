"""API commands, as ``api``, ``bgapi`` and ``phone.api()`` run them, and what they print to the letter."""

from __future__ import annotations

import pytest
import trio

from esl_outbound.testing import FakeFreeSwitch

from .speaking import parked

NOBODY = "5b38fa0e-0000-4000-8000-000000000000"
NO_CHANNEL = "-ERR No such channel!\n"


# How an answer comes


async def test_an_api_response_has_its_length_behind_its_type(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (_, socket):
        await socket.api("echo h\u00e9llo")
        assert socket.frames[0].raw == b"Content-Type: api/response\nContent-Length: 6\n\nh\xc3\xa9llo"


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("nonsense", "-ERR nonsense Command not found!\n"),
        ("nonsense with words", "-ERR nonsense Command not found!\n"),
        ("echo", "-ERR no reply\n"),
        ("global_getvar nothing", "-ERR no reply\n"),
        ("msleep 0", "+OK"),
        ("ECHO x", "x"),
    ],
)
async def test_answers_without_a_channel(phone: FakeFreeSwitch, command: str, answer: str) -> None:
    async with parked(phone) as (_, socket):
        assert await socket.api(command) == answer


async def test_a_command_that_there_is_not_is_told_in_the_ladder(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        await socket.api("Nonsense with words")
        await socket.api("ECHO x")
    assert "     switch  the simulator has no API command Nonsense\n" in caller.ladder()
    assert caller.ladder().count("no API command") == 1


async def test_a_bare_api_or_bgapi_is_no_command(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (_, socket):
        assert await socket.ask("api") == "-ERR command not found"
        assert await socket.ask("bgapi") == "-ERR command not found"


async def test_api_blocks_replies_events_and_the_hangup(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        await trio.sleep(0.001)
        await socket.send("api msleep 3000", "getvar uuid")
        await trio.sleep(0.5)
        await caller.press("1")
        await caller.hangs_up()
        await socket.until("CHANNEL_HANGUP")
        kinds = [(round(frame.at, 1), frame.kind) for frame in socket.frames]
        assert kinds[0][1] == "api/response"
        assert kinds[1][1] == "command/reply"
        assert min(at for at, _ in kinds) == 3.0


async def test_an_api_command_delays_a_digits_event(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        before = trio.current_time()
        await socket.send("api msleep 600")
        await trio.sleep(0.1)
        await caller.press("1")
        assert (await socket.until("DTMF")).at - before == pytest.approx(0.6, abs=0.021)


# bgapi


async def test_bgapi_answers_at_once_and_its_job_comes_with_its_own_subscription(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        assert await socket.ask("bgapi echo lost") == f"+OK Job-UUID: {job_of(socket.frames[-1].raw)}"
        await socket.ask("event plain BACKGROUND_JOB")
        before = trio.current_time()
        await socket.send("bgapi msleep 300\nJob-UUID: my-job")
        reply = await socket.reply_frame()
        assert reply.raw == b"Content-Type: command/reply\nReply-Text: +OK Job-UUID: my-job\nJob-UUID: my-job\n\n"
        job = await socket.until("BACKGROUND_JOB")
        assert job.at - before == pytest.approx(0.3, abs=0.01)
        assert (job["Job-UUID"], job["Job-Command"], job["Job-Command-Arg"]) == ("my-job", "msleep", "300")
        assert job["Job-Owner-UUID"] == caller.channel_uuid
        assert job.body == "+OK"
        assert job.raw.endswith(b"\nContent-Length: 3\n\n+OK")
        assert [event.name for event in socket.events] == ["BACKGROUND_JOB"]


def job_of(reply: bytes) -> str:
    return reply.partition(b"\nJob-UUID: ")[2].strip().decode()


async def test_jobs_of_others_do_not_come(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (_, socket), parked(phone) as (_, other):
        await socket.ask("event plain BACKGROUND_JOB")
        await other.ask("bgapi echo x")
        await socket.listen(1)
        assert socket.events == []


async def test_bgapi_uuid_break_ends_a_playback(phone: FakeFreeSwitch) -> None:
    phone.sound("long.wav", 10)
    async with parked(phone) as (caller, socket):
        await socket.execute("playback", "long.wav")
        await caller.hears("long.wav")
        before = trio.current_time()
        await socket.ask(f"bgapi uuid_break {caller.channel_uuid}")
        assert (await socket.until("CHANNEL_EXECUTE_COMPLETE")).at - before <= 0.022


# Commands for a channel


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("uuid_answer U", "+OK\n"),
        ("uuid_break U", "+OK\n"),
        ("uuid_break U all", "+OK\n"),
        ("uuid_broadcast U a.wav", "+OK Message sent\n"),
        ("uuid_exists U", "true"),
        ("uuid_flush_dtmf U", "+OK\n"),
        ("uuid_getvar U direction", "inbound"),
        ("uuid_getvar U nothing", "_undef_"),
        ("uuid_hold U", "+OK Success\n"),
        ("uuid_kill U", "+OK\n"),
        ("uuid_park U", "+OK\n"),
        ("uuid_pre_answer U", "+OK\n"),
        ("uuid_recv_dtmf U 12", "+OK U received DTMF 12.\n"),
        ("uuid_send_dtmf U 12", "+OK U sent DTMF 12.\n"),
        ("uuid_setvar U a 1 2", "+OK\n"),
        ("uuid_setvar U a", "+OK\n"),
        ("uuid_transfer U 9000", "+OK\n"),
        ("sched_hangup +60 U", "+OK\n"),
    ],
)
async def test_answers_of_a_channel_that_is_there(phone: FakeFreeSwitch, command: str, answer: str) -> None:
    phone.extension("9000", ["park"])
    async with parked(phone) as (caller, socket):
        uuid = caller.channel_uuid
        assert await socket.api(command.replace("U", uuid)) == answer.replace("+OK U", f"+OK {uuid}")


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("uuid_answer U", "-ERROR\n"),
        ("uuid_break U", NO_CHANNEL),
        ("uuid_bridge U U", "-ERR Invalid uuid\n"),
        ("uuid_broadcast U a.wav", "-ERR invalid uuid\n"),
        ("uuid_dump U", NO_CHANNEL),
        ("uuid_exists U", "false"),
        ("uuid_fileman U pause", NO_CHANNEL),
        ("uuid_flush_dtmf U", "-ERR No such session\n"),
        ("uuid_getvar U a", NO_CHANNEL),
        ("uuid_hold U", "+OK Success\n"),  # switch_ivr_hold_uuid() says so of a channel that it cannot find
        ("uuid_kill U", NO_CHANNEL),
        ("uuid_park U", NO_CHANNEL),
        ("uuid_pre_answer U", "-ERROR\n"),
        ("uuid_record U start /tmp/a.wav", "-ERR Cannot locate session!\n"),
        ("uuid_recv_dtmf U 12", "-ERR Cannot locate session!\n"),
        ("uuid_send_dtmf U 12", "-ERR Cannot locate session!\n"),
        ("uuid_setvar U a 1", NO_CHANNEL),
        ("uuid_transfer U 9000", NO_CHANNEL),
        ("sched_hangup +60 U", NO_CHANNEL),
    ],
)
async def test_answers_of_a_channel_that_is_not_there(phone: FakeFreeSwitch, command: str, answer: str) -> None:
    async with parked(phone) as (_, socket):
        assert await socket.api(command.replace("U", NOBODY)) == answer


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("uuid_break", "-USAGE: <uuid> [all]\n"),
        ("uuid_broadcast U", "-USAGE: <uuid> <path> [aleg|bleg|holdb|both]\n"),
        ("uuid_fileman U", "-USAGE: <uuid> <cmd>:<val>\n"),
        ("uuid_getvar U", "-USAGE: <uuid> <var>\n"),
        ("uuid_kill", "-USAGE: <uuid> [cause]\n"),
        ("uuid_park", "-USAGE: <uuid>\n"),
        (
            "uuid_record U nonsense /tmp/a.wav",
            "-USAGE: <uuid> [start|stop|mask|unmask] <path> [<limit>] [<recording_vars>]\n",
        ),
        ("uuid_recv_dtmf U", "-USAGE: <uuid> <dtmf_data>\n"),
        ("uuid_send_dtmf U", "-USAGE: <uuid> <dtmf_data>\n"),
        ("uuid_setvar U", "-USAGE: <uuid> <var> [value]\n"),
        ("uuid_transfer U", "-USAGE: <uuid> [-bleg|-both] <dest-exten> [<dialplan>] [<context>]\n"),
    ],
)
async def test_usage(phone: FakeFreeSwitch, command: str, answer: str) -> None:
    async with parked(phone) as (caller, socket):
        assert await socket.api(command.replace("U", caller.channel_uuid)) == answer


async def test_after_the_hangup_a_channel_cannot_be_found_any_more(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        uuid = caller.channel_uuid
        await caller.hangs_up()
        await socket.until("CHANNEL_HANGUP_COMPLETE")
        assert await socket.api(f"uuid_exists {uuid}") == "false"
        assert await socket.api(f"uuid_getvar {uuid} hangup_cause") == NO_CHANNEL
        assert await socket.api(f"uuid_dump {uuid}") == NO_CHANNEL
        assert await socket.ask("getvar hangup_cause") == "NORMAL_CLEARING"


# What they do


async def test_uuid_setvar_sets_and_unsets(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        await socket.api(f"uuid_setvar {caller.channel_uuid} a one two")
        assert caller.variables["a"] == "one two"
        await socket.api(f"uuid_setvar {caller.channel_uuid} a")
        assert "a" not in caller.variables


async def test_uuid_dump_shows_what_an_event_would(phone: FakeFreeSwitch) -> None:
    async with parked(phone, variables={"who": "Ada L."}) as (caller, socket):
        dump = await socket.api(f"uuid_dump {caller.channel_uuid}")
        assert dump.startswith("Event-Name: CHANNEL_DATA\n")
        assert f"\nUnique-ID: {caller.channel_uuid}\n" in dump
        assert "\nvariable_who: Ada%20L.\n" in dump


async def test_uuid_broadcast_runs_nested_with_a_uuid_of_its_own(phone: FakeFreeSwitch) -> None:
    phone.sound("long.wav", 5)
    async with parked(phone) as (caller, socket):
        await socket.execute("playback", "long.wav", uuid="mine")
        await caller.hears("long.wav")
        await socket.api(f"uuid_broadcast {caller.channel_uuid} news.wav aleg")
        await socket.until("CHANNEL_EXECUTE_COMPLETE", uuid="mine")
        assert [(event["Application-Data"], event["Application-UUID"] == "mine") for event in socket.events] == [
            ("long.wav", True),
            ("news.wav", False),
            ("news.wav", False),
            ("long.wav", True),
        ]
        await socket.api(f"uuid_broadcast {caller.channel_uuid} set::a=1")
        await socket.until("CHANNEL_EXECUTE_COMPLETE", Application="set")
        assert caller.variables["a"] == "1"
        assert "UNPARK" not in socket.told()


@pytest.mark.parametrize(
    ("cause", "found"), [("", "ALLOTTED_TIMEOUT"), (" USER_BUSY", "USER_BUSY"), (" 17", "USER_BUSY")]
)
async def test_sched_hangup(phone: FakeFreeSwitch, cause: str, found: str) -> None:
    async with parked(phone) as (caller, socket):
        await socket.api(f"sched_hangup +30 {caller.channel_uuid}{cause}")
        before = trio.current_time()
        hangup = await socket.until("CHANNEL_HANGUP")
        assert hangup["Hangup-Cause"] == found
        assert 29 <= hangup.at - before <= 30.1


@pytest.mark.parametrize("way", ["api", "application"])
async def test_sched_broadcast_runs_nested_and_does_not_take_the_call_away(phone: FakeFreeSwitch, way: str) -> None:
    phone.sound("long.wav", 10)
    async with parked(phone) as (caller, socket):
        if way == "api":
            command = f"sched_broadcast +3 {caller.channel_uuid} news.wav aleg"
            assert await socket.api(command) == "+OK Message scheduled\n"
        else:
            await socket.run("sched_broadcast", "+3 news.wav")
        await socket.execute("playback", "long.wav", uuid="mine")
        await caller.hears("long.wav")
        sound = await caller.hears("news.wav")
        assert sound.began == pytest.approx(3.2, abs=0.2)
        await socket.until("CHANNEL_EXECUTE_COMPLETE", uuid="mine")
        assert "UNPARK" not in socket.told()


async def test_sched_transfer_goes_to_an_extension_later(phone: FakeFreeSwitch) -> None:
    phone.extension("9000", ["playback elsewhere.wav"])
    async with parked(phone) as (caller, socket):
        assert await socket.api(f"sched_transfer +5 {caller.channel_uuid} 9000") == "+OK\n"
        assert (await caller.hears("elsewhere.wav")).began == pytest.approx(5, abs=0.1)


async def test_a_time_without_a_sign_is_one_since_1970(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        now = int(await socket.api("strepoch"))
        await socket.api(f"sched_hangup {now + 30} {caller.channel_uuid}")
        await trio.sleep(28)
        assert caller.is_up
        await caller.was_hung_up(within=3)
    async with parked(phone) as (caller, socket):
        await socket.api(f"sched_hangup 1000 {caller.channel_uuid}")
        assert caller.hangup_cause == "ALLOTTED_TIMEOUT"


@pytest.mark.parametrize(
    ("cause", "found"),
    [("", "NORMAL_CLEARING"), (" CALL_REJECTED", "CALL_REJECTED"), (" 21", "CALL_REJECTED"), (" x", "NORMAL_CLEARING")],
)
async def test_uuid_kill_has_a_cause(phone: FakeFreeSwitch, cause: str, found: str) -> None:
    async with parked(phone) as (caller, socket):
        await socket.api(f"uuid_kill {caller.channel_uuid}{cause}")
        assert caller.hangup_cause == found


async def test_hupall_ends_all_calls(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (first, socket), parked(phone) as (second, _):
        assert await socket.api("hupall") == "+OK hangup all channels with cause MANAGER_REQUEST\n"
        assert (first.hangup_cause, second.hangup_cause) == ("MANAGER_REQUEST", "MANAGER_REQUEST")


async def test_show_channels_tells_the_call(phone: FakeFreeSwitch) -> None:
    async with parked(phone, number="1234") as (caller, socket):
        shown = await socket.api("show channels")
        assert shown.startswith("uuid,direction,created,")
        assert caller.channel_uuid in shown
        assert shown.endswith("\n1 total.\n")
        assert await socket.api("show channels count") == "\n1 total.\n"


async def test_status_counts_sessions(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (_, socket), parked(phone):
        assert "\n2 session(s) - peak 2, last 5min 2 \n" in await socket.api("status")


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("eval $${domain}", "127.0.0.1"),
        ("expr 1+2*3", "7"),
        ("expr nonsense+", "-ERR\n"),
        ("toupper abc", "ABC"),
        ("url_encode a b", "a%20b"),
        ("global_setvar a=1", "+OK"),
        ("version", "FreeSWITCH Version 1.11.3-dev~64bit ( 64bit)\n"),
    ],
)
async def test_small_ones(phone: FakeFreeSwitch, command: str, answer: str) -> None:
    assert await phone.api(*command.split(" ", 1)) == answer


async def test_a_test_can_register_api_commands_of_its_own(phone: FakeFreeSwitch) -> None:
    async def lookup(argument: str) -> str:
        return f"{argument} is Ada"

    phone.api_command("lookup", lookup)
    async with parked(phone) as (caller, socket):
        assert await socket.api("lookup 1000") == "1000 is Ada"
        await socket.run("set", "who=${lookup(1000)}")
        assert caller.variables["who"] == "1000 is Ada"


async def test_system_runs_nothing_and_is_remembered(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        assert await socket.api("system rm -rf /") == "-ERR no reply\n"
        assert caller.programs == ["rm -rf /"]
        assert phone.programs == ["rm -rf /"]
