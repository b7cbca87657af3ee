"""API commands that need no channel, and those that change a channel's variables or its sound."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import trio

from esl_outbound.testing import FakeFreeSwitch

from .speaking import parked

NOBODY = "5b38fa0e-0000-4000-8000-000000000000"


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("regex", "-ERR"),
        ("regex abc", "-ERR"),
        ("regex abc|b", "true"),
        ("regex abc|x", "false"),
        ("regex 1001|^(1)(.*)|$2-%1", "001-1"),
        ("regex 1001|^x|$1", "1001"),
        ("regex 1001|^x|$1|n", "-ERR no reply\n"),
        ("regex 1001|^x|$1|b", "false"),
        ("regex m:~a|b~a.b", "true"),
        ("regex m:/a/(a)/$1$1", "aa"),
        ("cond 1 == 1 ? yes : no", "yes"),
        ("cond 1 == 2 ? yes : no", "no"),
        ("cond 1.0 == 1 ? yes : no", "yes"),
        ("cond 10 > 9 ? yes : no", "yes"),
        ("cond abc > 2 ? yes : no", "yes"),
        ("cond a == a ? yes : no", "yes"),
        ("cond a != a ? yes : no", "no"),
        ("cond 'a b' == 'a b' ? yes : no", "yes"),
        ("cond '1.0' == '1' ? yes : no", "no"),
        ("cond 1 == 2 ? yes", "-ERR no reply\n"),
        ("cond 1 <= 1 ? yes", "yes"),
        ("cond", "-ERR"),
        ("cond 1", "-ERR"),
        ("cond 1 ~ 1 ? yes : no", "-ERR"),
        ("cond 1 == 1", "-ERR"),
        ("tolower H\u00c9LLO", "h\u00c9llo"),
        ("toupper h\u00e9llo", "H\u00e9LLO"),
        ("url_encode a b/\u00e9", "a%20b/%C3%A9"),
        ("url_decode a%20b%C3%A9%", "a b\u00e9%"),
        ("md5 hello", "5d41402abc4b2a76b9719d911017c592"),
        ("md5", "!err!"),
        ("hostname", "vm"),
        ("expr 1+2*3", "7"),
        ("expr 1/0", "-ERR\n"),
        ("expr '\\d'", "-ERR\n"),
        ("strftime", "2026-08-21 12:00:00"),
        ("strftime %d.%m.%Y", "21.08.2026"),
        ("strftime 0|%Y", "1970"),
        ("strftime " + "x" * 100, "-ERR no reply\n"),
    ],
)
async def test_answers(command: str, answer: str) -> None:
    phone = FakeFreeSwitch(date=datetime(2026, 8, 21, 12, 0, tzinfo=UTC))
    async with parked(phone) as (_, socket):
        assert await socket.api(command) == answer


SETVAR_MULTI = "-USAGE: <uuid> <var>=<value>;<var>=<value>...\n"
DISPLACE = "-USAGE: <uuid> [start|stop] <path> [<limit>] [mux]\n"
AUDIO = "-USAGE: <uuid> [start [read|write] [mute|level <level>]|stop]\n"


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("uuid_setvar_multi U a=1;b=2 x", "+OK\n"),
        ("uuid_setvar_multi U =1", "-ERR No variable specified\n" + SETVAR_MULTI),
        ("uuid_setvar_multi", SETVAR_MULTI),
        (f"uuid_setvar_multi {NOBODY} a=1", "-ERR No such channel!\n" + SETVAR_MULTI),
        ("uuid_media U", "+OK Success\n"),
        ("uuid_media off U", "+OK Success\n"),
        (f"uuid_media {NOBODY}", "-ERR Operation failed\n"),
        ("uuid_display U Ada|1001", "+OK Success\n"),
        ("uuid_display U", "-USAGE: <uuid> <display>\n"),
        (f"uuid_display {NOBODY} x", "-ERR Operation failed\n"),
        ("uuid_ring_ready U", "+OK\n"),
        ("uuid_ring_ready U queued", "+OK\n"),
        ("uuid_ring_ready U x", "-USAGE: <uuid> [queued]\n"),
        (f"uuid_ring_ready {NOBODY}", "-ERROR\n"),
        ("uuid_displace U start a.wav", "+OK Success\n"),
        ("uuid_displace U stop a.wav", "-ERR Cannot stop displace session!\n"),
        ("uuid_displace U start", DISPLACE),
        ("uuid_displace U x a.wav", DISPLACE),
        (f"uuid_displace {NOBODY} start a.wav", "-ERR Cannot locate session!\n"),
        ("uuid_audio U stop", "+OK\n"),
        ("uuid_audio U start read mute 1", "+OK\n"),
        ("uuid_audio U start read", AUDIO),
        (f"uuid_audio {NOBODY} stop", "-ERR No such channel!\n"),
    ],
)
async def test_answers_about_a_channel(phone: FakeFreeSwitch, command: str, answer: str) -> None:
    async with parked(phone) as (caller, socket):
        assert await socket.api(command.replace("U", caller.channel_uuid, 1) if " U" in command else command) == answer


async def test_several_variables_are_set_at_once(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        await socket.api(f"uuid_setvar_multi {caller.channel_uuid} a=1;b=2 x;c=")
        assert (caller.variables["a"], caller.variables["b"]) == ("1", "2 x")
        assert "c" not in caller.variables


async def test_what_is_mixed_in_can_be_taken_out_again(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        command = f"uuid_displace {caller.channel_uuid}"
        await socket.api(f"{command} start a.wav")
        assert await socket.api(f"{command} start a.wav") == "-ERR Cannot displace session!\n"
        assert await socket.api(f"{command} stop a.wav") == "+OK Success\n"
        assert "only lets uuid_displace complete" in caller.ladder()


# Later


@pytest.mark.parametrize("time", ["+5", "@5"])
async def test_a_command_is_run_later(phone: FakeFreeSwitch, time: str) -> None:
    async with parked(phone) as (caller, socket):
        uuid = caller.channel_uuid
        assert await socket.api(f"sched_api {time} none uuid_broadcast {uuid} news.wav aleg") == "+OK Added: 1\n"
        await caller.hears("news.wav")
        assert trio.current_time() == pytest.approx(5.15, abs=0.1)
        await socket.listen(5.5)
        assert len(caller.heard) == (2 if time == "@5" else 1)


@pytest.mark.parametrize(
    ("command", "answer", "is_run"),
    [
        ("sched_del 1", "+OK Deleted: 1\n", False),
        ("sched_del mine", "+OK Deleted: 1\n", False),
        ("sched_del 2", "+OK Deleted: 0\n", True),
        ("sched_del others", "+OK Deleted: 0\n", True),
        ("sched_del", "-ERR Invalid syntax\n", True),
        ("unsched_api 1", "+OK\n", False),
        ("unsched_api 2", "-ERR No such id\n", True),
    ],
)
async def test_what_is_scheduled_can_be_deleted(phone: FakeFreeSwitch, command: str, answer: str, is_run: bool) -> None:
    async with parked(phone) as (caller, socket):
        await socket.api(f"sched_api +5 mine uuid_setvar {caller.channel_uuid} ran yes")
        assert await socket.api(command) == answer
        await trio.sleep(6)
        assert ("ran" in caller.variables) is is_run


async def test_sched_hangup_is_in_the_group_of_its_channel(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        await socket.api(f"sched_hangup +5 {caller.channel_uuid}")
        assert await socket.api(f"sched_del {caller.channel_uuid}") == "+OK Deleted: 1\n"
        await trio.sleep(6)
        assert caller.is_up
        await socket.api(f"sched_hangup +5 {caller.channel_uuid}")
        await socket.run("sched_cancel")
        await trio.sleep(6)
        assert caller.is_up


async def test_a_schedule_needs_its_words(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (_, socket):
        assert await socket.api("sched_api +5 none") == (
            "-ERR Invalid syntax. USAGE: [+@]<time> <group_name> <command_string>[&]\n"
        )


# Replies of the socket


async def test_linger_for_less_than_nothing_is_for_ever(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (_, socket):
        assert await socket.ask("linger -1") == "+OK will linger"
        assert await socket.ask("linger -2") == "+OK will linger -2 seconds"


async def test_a_value_that_begins_with_a_tilde_is_taken_for_headers(phone: FakeFreeSwitch) -> None:
    async with parked(phone, variables={"a": "~X: 1\n\n", "b": "~tail"}) as (_, socket):
        await socket.send("getvar a", "getvar uuid")
        frame = await socket.frame()
        assert frame.raw == b"Content-Type: command/reply\nX: 1\n\n"
        await socket.reply()
        await socket.send("getvar b", "getvar uuid")
        frame = await socket.frame()
        assert frame.raw.startswith(b"Content-Type: command/reply\ntailContent-Type: command/reply\nReply-Text: ")


async def test_a_uuid_of_ones_own_for_a_job_is_cut(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (_, socket):
        await socket.send("bgapi echo x\nJob-UUID: " + "j" * 50)
        assert (await socket.reply_frame())["Job-UUID"] == "j" * 36


async def test_a_conference_does_not_know_every_verb(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        await socket.execute("conference", "room")
        await socket.until("CHANNEL_EXECUTE", Application="conference")
        assert await socket.api("conference room nonsense 1") == "-ERR Conference command 'nonsense' not found.\n"
        assert await socket.api("conference room mute last") == "+OK mute 1\n"
        assert caller.is_up
