"""The port of the simulated switch: what a program is told that connects to it, byte for byte."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import unquote
from xml.etree import ElementTree

import pytest
import trio
import trio.testing

from esl_outbound import (
    AccessDenied,
    AuthenticationFailed,
    CallHandler,
    CommandRejected,
    Disconnected,
    EventFormat,
    NoFreeSwitch,
)
from esl_outbound.client import connect, stay_connected
from esl_outbound.client.opening import call_listeners, open_tcp, stream_openers
from esl_outbound.testing import FakeFreeSwitch, Faults

from .speaking import EventSocket, executing, parked

AUTH_REQUEST = b"Content-Type: auth/request\n\n"
GOODBYE = b"Content-Type: text/disconnect-notice\nContent-Length: 67\n\nDisconnected, goodbye.\nSee you at ClueCon! http://www.cluecon.com/\n"
UNKNOWN = "-ERR command not found"
DENIED = "-ERR permission denied"
NOBODY = "00000000-0000-4000-8000-000000000000"


def reply(text: str) -> bytes:
    return f"Content-Type: command/reply\nReply-Text: {text}\n\n".encode()


def goodbye(uuid: str) -> bytes:
    head = f"Controlled-Session-UUID: {uuid}\nContent-Disposition: disconnect\n".encode()
    return GOODBYE.replace(b"Content-Length", head + b"Content-Length", 1)


@asynccontextmanager
async def reached(phone: FakeFreeSwitch, faults: Faults | None = None) -> AsyncIterator[EventSocket]:
    """A program that has connected, and has said nothing."""
    with trio.fail_after(3600):
        async with phone.event_socket(faults=faults) as address:
            yield await another(address)


async def another(address: tuple[str, int] = ("127.0.0.1", 8021)) -> EventSocket:
    """One more connection, not logged in."""
    return EventSocket(await open_tcp(*address)())


@asynccontextmanager
async def let_in(phone: FakeFreeSwitch, faults: Faults | None = None) -> AsyncIterator[EventSocket]:
    """A program that is logged in."""
    async with reached(phone, faults) as socket:
        assert await socket.ask("auth ClueCon") == "+OK accepted"
        socket.forget()
        yield socket


async def one_more() -> EventSocket:
    """One more connection, logged in."""
    socket = await another()
    assert await socket.ask("auth ClueCon") == "+OK accepted"
    socket.forget()
    return socket


async def all_said(socket: EventSocket) -> bytes:
    """All that is said until the connection is closed."""
    await socket.to_the_end()
    assert socket.is_over
    return b"".join(frame.raw for frame in socket.frames)


# Coming in


async def test_whoever_connects_is_asked_who_it_is(phone: FakeFreeSwitch) -> None:
    async with reached(phone) as socket:
        assert (await socket.frame()).raw == AUTH_REQUEST


async def test_the_right_password_is_accepted(phone: FakeFreeSwitch) -> None:
    async with reached(phone) as socket:
        await socket.send("auth ClueCon", "exit")
        assert await all_said(socket) == AUTH_REQUEST + reply("+OK accepted") + reply("+OK bye") + GOODBYE


async def test_a_wrong_password_closes_the_connection(phone: FakeFreeSwitch) -> None:
    async with reached(phone) as socket:
        await socket.send("auth cluecon", "api status")
        assert await all_said(socket) == AUTH_REQUEST + reply("-ERR invalid") + GOODBYE


async def test_the_password_may_be_another(phone: FakeFreeSwitch) -> None:
    phone.event_socket_password = "with a blank:@"
    async with reached(phone) as socket:
        assert await socket.ask("AUTH with a blank:@") == "+OK accepted"


@pytest.mark.parametrize(
    "command",
    [
        "api status",
        "bgapi status",
        "event plain ALL",
        "myevents",
        "linger",
        "auth",
        "userauth",
        "sendmsg",
        "filter A B",
    ],
)
async def test_before_the_password_nothing_is_a_command(phone: FakeFreeSwitch, command: str) -> None:
    async with reached(phone) as socket:
        assert await socket.ask(command) == UNKNOWN
        assert await socket.ask("auth ClueCon") == "+OK accepted"


@pytest.mark.parametrize("command", ["exit", "exitnow", "..."])
async def test_exit_needs_no_password(phone: FakeFreeSwitch, command: str) -> None:
    async with reached(phone) as socket:
        await socket.send(command)
        assert await all_said(socket) == AUTH_REQUEST + reply("+OK bye") + GOODBYE


async def test_whoever_is_in_cannot_log_in_again(phone: FakeFreeSwitch) -> None:
    async with let_in(phone) as socket:
        assert await socket.ask("auth ClueCon") == UNKNOWN
        assert await socket.ask("userauth 1000@example.com:secret") == UNKNOWN


async def test_who_says_nothing_is_shown_out_after_25_seconds_of_the_wall_clock(phone: FakeFreeSwitch) -> None:
    async with reached(phone) as socket:
        began = trio.current_time()
        assert await all_said(socket) == AUTH_REQUEST + GOODBYE
        assert 24 <= trio.current_time() - began <= 25


async def test_after_a_wrong_command_there_is_time_for_ever(phone: FakeFreeSwitch) -> None:
    async with reached(phone) as socket:
        assert await socket.ask("hello") == UNKNOWN
        await socket.listen(1000)
        assert not socket.is_over
        assert await socket.ask("auth ClueCon") == "+OK accepted"


async def test_an_address_that_the_acl_does_not_let_in_is_told_rudely(phone: FakeFreeSwitch) -> None:
    phone.event_socket_acl = ["10.0.0.0/8", "fd00::/8"]
    async with reached(phone) as socket:
        assert (
            await all_said(socket)
            == b"Content-Type: text/rude-rejection\nContent-Length: 24\n\nAccess Denied, go away.\n" + GOODBYE
        )


def test_an_acl_is_a_list_of_networks(phone: FakeFreeSwitch) -> None:
    with pytest.raises(TypeError, match="networks stand in a list"):
        phone.event_socket_acl = "10.0.0.0/8"
    with pytest.raises(ValueError, match="'nowhere'"):
        phone.event_socket_acl = ["nowhere"]
    assert phone.event_socket_acl == ("127.0.0.0/8", "::1/128")


# Users


async def logged_in_as(socket: EventSocket, words: str) -> bytes:
    await socket.send(f"userauth {words}")
    return (await socket.reply_frame()).raw


@pytest.mark.parametrize("words", ["1000@example.com:secret", "1000:secret@example.com"])
async def test_a_user_is_told_what_he_may_do(phone: FakeFreeSwitch, words: str) -> None:
    phone.event_socket_user("1000@example.com", "secret")
    async with reached(phone) as socket:
        assert await logged_in_as(socket, words) == (
            b"Content-Type: command/reply\nReply-Text: +OK accepted\n"
            b"Allowed-Events: all\nAllowed-API: all\nAllowed-LOG: true\n\n"
        )
        assert await socket.ask("event plain ALL", "log", "bgapi status") != DENIED
        assert await socket.api("echo here") == "here"


async def test_a_users_limits_are_told_as_they_stand_in_the_directory(phone: FakeFreeSwitch) -> None:
    phone.event_socket_user(
        "1000@example.com", "secret", events="CHANNEL_ANSWER CUSTOM x::y", api="status,echo", log=False
    )
    async with reached(phone) as socket:
        assert await logged_in_as(socket, "1000@example.com:secret") == (
            b"Content-Type: command/reply\nReply-Text: +OK accepted\n"
            b"Allowed-Events: CHANNEL_ANSWER CUSTOM x::y\nAllowed-API: status,echo\nAllowed-LOG: false\n\n"
        )


@pytest.mark.parametrize(
    "words",
    [
        "1000@example.com:wrong",
        "1000@example.com:",
        "1000@example.com",
        "1001@example.com:secret",
        "1000@example.org:secret",
        "1000:secret",
        "@example.com:secret",
        "1000@:secret",
        ":@",
    ],
)
async def test_an_unknown_user_is_turned_away(phone: FakeFreeSwitch, words: str) -> None:
    phone.event_socket_user("1000@example.com", "secret")
    async with reached(phone) as socket:
        await socket.send(f"userauth {words}")
        assert await all_said(socket) == AUTH_REQUEST + reply("-ERR invalid") + GOODBYE


async def test_a_password_may_hold_colons_and_at_signs(phone: FakeFreeSwitch) -> None:
    phone.event_socket_user("1000@example.com", "a:b@c d")
    async with reached(phone) as socket:
        assert await socket.ask("userauth 1000@example.com:a:b@c d") == "+OK accepted"


@pytest.mark.parametrize("name", ["1000", "@example.com", "1000@", "10:00@example.com"])
def test_a_user_has_a_domain(phone: FakeFreeSwitch, name: str) -> None:
    with pytest.raises(ValueError, match="should be user@domain"):
        phone.event_socket_user(name, "secret")


async def test_a_reply_that_is_too_long_loses_its_end(phone: FakeFreeSwitch) -> None:
    """It is written into a buffer of 512 bytes, its blank line with it."""
    phone.event_socket_user("1000@example.com", "secret", api=",".join(["echo"] * 100))
    async with reached(phone) as socket:
        await socket.send("userauth 1000@example.com:secret", "api echo x")
        raw = (await socket.frame(), await socket.frame())[1].raw
        head = b"Reply-Text: +OK accepted\nAllowed-Events: all\nAllowed-API: " + b"echo," * 100
        assert (
            raw == b"Content-Type: command/reply\n" + head[:510] + b"Content-Type: api/response\nContent-Length: 1\n\nx"
        )


@asynccontextmanager
async def user(
    phone: FakeFreeSwitch, events: str | None = None, api: str | None = None, log: bool = True
) -> AsyncIterator[EventSocket]:
    phone.event_socket_user("1000@example.com", "secret", events=events, api=api, log=log)
    async with reached(phone) as socket:
        assert await socket.ask("userauth 1000@example.com:secret") == "+OK accepted"
        yield socket


@pytest.mark.parametrize(
    ("allowed", "command", "answer"),
    [
        ("CHANNEL_ANSWER,DTMF", "event plain channel_answer DTMF", "+OK event listener enabled plain"),
        ("channel_answer", "event json CHANNEL_ANSWER", "+OK event listener enabled json"),
        ("CHANNEL_ANSWER", "event plain CHANNEL_ANSWER DTMF", DENIED),
        ("CHANNEL_ANSWER", "event plain ALL", DENIED),
        ("CHANNEL_ANSWER", "event plain NO_SUCH", "-ERR no keywords supplied"),
        ("CHANNEL_ANSWER", "event plain CUSTOM x::y", DENIED),
        ("CUSTOM x::y z::z", "event plain CUSTOM x::y z::z", "+OK event listener enabled plain"),
        ("CUSTOM x::y", "event plain CUSTOM x::y X::Y", DENIED),
        ("ALL", "event plain ALL", "+OK event listener enabled plain"),
        ("ALL", "event plain DTMF HEARTBEAT", "+OK event listener enabled plain"),
        # Whoever may hear all events may hear all that are named by no subclass.
        ("ALL", "event plain CUSTOM x::y", DENIED),
        ("", "event plain DTMF", DENIED),
        ("CHANNEL_ANSWER, DTMF", "event plain DTMF", "+OK event listener enabled plain"),
        ("CHANNEL_ANSWER, DTMF", "event plain CHANNEL_ANSWER", DENIED),  # its comma is part of the name
        ("CHANNEL_ANSWER", "nixevent DTMF", "+OK events nixed"),
    ],
)
async def test_a_user_hears_what_he_may(phone: FakeFreeSwitch, allowed: str, command: str, answer: str) -> None:
    async with user(phone, events=allowed) as socket:
        assert await socket.ask(command) == answer


async def test_what_was_named_before_the_refused_event_is_heard_once_events_are_on(phone: FakeFreeSwitch) -> None:
    async with user(phone, events="HEARTBEAT,CUSTOM,x::y") as socket:
        assert await socket.ask("event json HEARTBEAT DTMF") == DENIED
        await socket.ask("sendevent HEARTBEAT")
        await socket.listen(1)
        assert socket.events == []
        assert await socket.ask("event CUSTOM x::y") == "+OK event listener enabled json"
        await socket.ask("sendevent HEARTBEAT")
        await socket.listen(1)
        assert [json.loads(event.body)["Event-Name"] for event in socket.events] == ["HEARTBEAT"]


@pytest.mark.parametrize(
    ("allowed", "command", "may"),
    [
        ("echo,eval", "echo x", True),
        ("echo", "Echo x", False),
        ("echo", "status", False),
        ("echo", " echo x", False),
        ("", "echo x", False),
        ("echo eval", "eval echo x", True),
        ("echo eval", "eval status", False),
        ("eval", "eval", True),
        ("echo eval expand", "eval expand echo x", True),
        ("echo eval expand", "EVAL expand echo x", False),
        ("eval expand", "eval expand status", False),
        # `sched_api` is followed by a time, and not by a command.
        ("sched_api echo", "sched_api +5 none echo x", False),
    ],
)
async def test_a_user_runs_what_he_may(phone: FakeFreeSwitch, allowed: str, command: str, may: bool) -> None:
    async with user(phone, api=allowed) as socket:
        await socket.send(f"api {command}")
        frame = await socket.frame()
        assert (frame.kind == "api/response") is may
        assert may or frame.raw == reply(DENIED)
        answer = await socket.ask(f"bgapi {command}")
        assert answer.startswith("+OK Job-UUID: ") if may else answer == DENIED


async def test_a_sneaky_command_without_another_behind_it_hangs_the_connection(phone: FakeFreeSwitch) -> None:
    """`auth_api_command()` goes round and round."""
    async with user(phone, api="echo,eval,expand") as socket:
        socket.forget()
        await socket.send("api eval expand", "api echo x")
        await socket.listen(1000)
        assert socket.frames == []
        assert not socket.is_over


async def test_a_user_reads_the_log_if_he_may(phone: FakeFreeSwitch) -> None:
    async with user(phone, log=False) as socket:
        assert await socket.ask("log 7") == DENIED
        assert await socket.ask("nolog") == "-ERR not loging"
    async with user(phone) as socket:
        assert await socket.ask("log 7") == "+OK log level 7 [7]"


# Commands of whoever controls no channel


@pytest.mark.parametrize(
    ("commands", "answers"),
    [
        (["event plain CHANNEL_ANSWER"], ["+OK event listener enabled plain"]),
        (["event json channel_answer"], ["+OK event listener enabled json"]),
        (["event xml ALL", "event CUSTOM x::y"], ["+OK event listener enabled xml"] * 2),
        (["event plain NO_SUCH CHANNEL_ANSWER"], ["+OK event listener enabled plain"]),
        (["eventually plain CHANNEL_ANSWER"], ["+OK event listener enabled plain"]),
        (["event", "event plain", "event plain NO_SUCH_EVENT"], ["-ERR no keywords supplied"] * 3),
        (["nixevent CHANNEL_ANSWER"], ["+OK events nixed"]),
        (["nixevent", "nixevent NO_SUCH"], ["-ERR no keywords supplied"] * 2),
        (
            ["noevents", "event ALL", "noevents", "noevents"],
            [
                "-ERR not listening for events",
                "+OK event listener enabled plain",
                "+OK no longer listening for events",
                "-ERR not listening for events",
            ],
        ),
        (["filter A B", "filter add A B"], ["+OK filter added. [A]=[B]"] * 2),
        (["filter A", "filter delete"], ["-ERR invalid syntax"] * 2),
        (["filter"], [UNKNOWN]),
        (
            ["filter delete A B", "filter delete A", "filter delete all"],
            ["+OK filter deleted. [A][B]", "+OK filter deleted. [A][]", "+OK filter deleted. [all][]"],
        ),
        (["log", "log 7"], ["+OK log level  [7]", "+OK log level 7 [7]"]),
        (["log debug", "log 9"], ["+OK log level debug [7]", "+OK log level 9 [9]"]),
        (["log nonsense"], ["-ERR invalid log level"]),
        (["nolog", "log", "nolog"], ["-ERR not loging", "+OK log level  [7]", "+OK no longer logging"]),
        (["linger", "linger 5", "nolinger"], ["-ERR not controlling a session"] * 3),
        (["divert_events", "divert_events on"], ["-ERR not controlling a session."] * 2),
        (["connect", "getvar x", "resume", "myevents", "myeventsx"], [UNKNOWN] * 5),
        (["sendmsg", "sendmsg "], ["-ERR invalid session id []"] * 2),
        ([f"sendmsg {NOBODY}"], [f"-ERR invalid session id [{NOBODY}]"]),
        ([f"sendmsg\nsession-id: {NOBODY}"], [f"-ERR invalid session id [{NOBODY}]"]),
        (["api", "bgapi", "nonsense", " event ALL"], [UNKNOWN] * 4),
    ],
)
async def test_commands_have_their_replies(phone: FakeFreeSwitch, commands: list[str], answers: list[str]) -> None:
    async with let_in(phone) as socket:
        assert [await socket.ask(command) for command in commands] == answers


async def test_replies_are_told_byte_for_byte(phone: FakeFreeSwitch) -> None:
    async with let_in(phone) as socket:
        await socket.send("event plain DTMF", "linger", "bgapi echo x\nJob-UUID: mine", "api nothing", "exit")
        assert await all_said(socket) == (
            reply("+OK event listener enabled plain")
            + reply("-ERR not controlling a session")
            + b"Content-Type: command/reply\nReply-Text: +OK Job-UUID: mine\nJob-UUID: mine\n\n"
            + b"Content-Type: api/response\nContent-Length: 32\n\n-ERR nothing Command not found!\n"
            + reply("+OK bye")
            + GOODBYE
        )


async def test_sendevent_is_heard_by_everybody(phone: FakeFreeSwitch) -> None:
    async with let_in(phone) as one:
        other = await one_more()
        await one.ask("event plain CUSTOM x::y")
        await other.ask("event plain CUSTOM x::y")
        said = await one.ask("sendevent CUSTOM\nEvent-Subclass: x::y\nColour: red\nContent-Length: 4\n\nbody")
        uuid = said.removeprefix("+OK ")
        for socket in (one, other):
            event = await socket.until("CUSTOM")
            assert (event["Event-Subclass"], event["Colour"], event["Event-UUID"]) == ("x::y", "red", uuid)


async def test_a_length_that_freeswitch_does_not_accept_ends_the_connection(phone: FakeFreeSwitch) -> None:
    async with let_in(phone) as socket:
        await socket.send("sendevent CUSTOM\nContent-Length: -1")
        assert await all_said(socket) == GOODBYE


async def test_commands_come_in_pieces_and_several_at_once(phone: FakeFreeSwitch) -> None:
    async with reached(phone) as socket:
        for byte in b"\r\nauth ClueCon\r\n\r\nfilter A B\n\nno":
            await socket.stream.send_all(bytes([byte]))
        await socket.stream.send_all(b"log\n\n")
        assert [await socket.reply() for _ in range(3)] == [
            "+OK accepted",
            "+OK filter added. [A]=[B]",
            "-ERR not loging",
        ]


async def test_no_event_comes_amid_a_command(phone: FakeFreeSwitch) -> None:
    async with let_in(phone) as socket:
        other = await one_more()
        await socket.ask("event plain HEARTBEAT")
        socket.forget()
        await socket.stream.send_all(b"no")
        await other.ask("sendevent HEARTBEAT")
        await socket.listen(10)
        assert socket.frames == []
        await socket.stream.send_all(b"log\n\n")
        await socket.listen(1)
        assert [frame.kind for frame in socket.frames] == ["command/reply", "text/event-plain"]


async def test_an_api_command_holds_the_connection_up_and_no_other(phone: FakeFreeSwitch) -> None:
    async with let_in(phone) as one:
        other = await one_more()
        began = trio.current_time()
        await one.send("api msleep 3000", "noevents")
        assert await other.ask("noevents") == "-ERR not listening for events"
        assert trio.current_time() - began < 0.1
        assert await one.reply() == "-ERR not listening for events"
        assert 2.9 < trio.current_time() - began < 3.1


# Jobs


async def test_everybodys_jobs_are_seen_and_nobody_owns_them(phone: FakeFreeSwitch) -> None:
    async with let_in(phone) as one:
        other = await one_more()
        for socket in (one, other):
            await socket.ask("event plain BACKGROUND_JOB")
        await one.ask("bgapi echo a b\nJob-UUID: mine")
        for socket in (one, other):
            event = await socket.until("BACKGROUND_JOB")
            assert (event["Job-UUID"], event["Job-Command"], event["Job-Command-Arg"]) == ("mine", "echo", "a b")
            assert event.body == "a b"
            assert "Job-Owner-UUID" not in event.headers


async def test_a_connection_is_closed_once_its_jobs_are_done(phone: FakeFreeSwitch) -> None:
    """`listener_run()`: "Session complete, waiting for children"."""
    async with let_in(phone) as one:
        other = await one_more()
        await other.ask("event plain BACKGROUND_JOB")
        await one.ask("bgapi msleep 1000")
        began = trio.current_time()
        await one.send("exit")
        assert (await one.frame()).raw == reply("+OK bye")
        assert trio.current_time() - began < 0.1
        assert (await one.frame()).raw == GOODBYE
        assert 0.9 < trio.current_time() - began < 1.1
        await other.until("BACKGROUND_JOB")


async def test_a_job_outlives_a_connection_that_its_program_closed(phone: FakeFreeSwitch) -> None:
    async with let_in(phone) as one:
        other = await one_more()
        await other.ask("event plain BACKGROUND_JOB")
        await one.ask("bgapi msleep 1000\nJob-UUID: mine")
        await one.stream.aclose()
        assert (await other.until("BACKGROUND_JOB"))["Job-UUID"] == "mine"


async def test_leaving_the_block_ends_what_runs_in_it(phone: FakeFreeSwitch) -> None:
    async with let_in(phone) as socket:
        began = trio.current_time()
        await socket.ask("bgapi msleep 100000")
        await socket.send("api msleep 100000")
    assert trio.current_time() - began < 1


# Formats


def in_plain(body: str) -> dict[str, str]:
    head, _, rest = body.partition("\n\n")
    pairs = {name: unquote(value) for name, _, value in (line.partition(": ") for line in head.split("\n"))}
    return {**pairs, "_body": rest} if rest else pairs


def in_xml(body: str) -> dict[str, str]:
    tree = ElementTree.fromstring(body)
    pairs = {each.tag: unquote(each.text or "") for each in tree.findall("headers/*")}
    text, length = tree.findtext("body"), tree.findtext("Content-Length")
    return {**pairs, "Content-Length": length or "", "_body": text} if text else pairs


async def test_one_event_is_the_same_in_all_formats(phone: FakeFreeSwitch) -> None:
    async with let_in(phone) as plain, parked(phone) as (caller, call):
        as_json, as_xml = await one_more(), await one_more()
        names = "CHANNEL_EXECUTE_COMPLETE BACKGROUND_JOB DTMF"
        for socket, form in ((plain, "plain"), (as_json, "json"), (as_xml, "xml")):
            assert await socket.ask(f"event {form} {names}") == f"+OK event listener enabled {form}"
        await call.run("set", 'odd=a b&c<d>\u00e4 50%/"quoted"')
        await caller.press("#")
        await plain.until("DTMF")
        await call.ask("bgapi echo <&> \u00e4")
        for socket in (plain, as_json, as_xml):
            await socket.listen(1)
        raw = [frame.raw.decode().partition("\n\n")[2] for frame in plain.events]
        said = [in_plain(text) for text in raw]
        assert [event["Event-Name"] for event in said] == ["CHANNEL_EXECUTE_COMPLETE", "DTMF", "BACKGROUND_JOB"]
        assert said[0]["variable_odd"] == 'a b&c<d>\u00e4 50%/"quoted"'
        assert said[2]["_body"] == "<&> \u00e4"
        assert [json.loads(frame.body) for frame in as_json.events] == said
        assert [in_xml(frame.body) for frame in as_xml.events] == said


async def test_filters_are_each_connections_own(phone: FakeFreeSwitch) -> None:
    async with let_in(phone) as one, parked(phone) as (_, call):
        other = await one_more()
        for socket in (one, other):
            await socket.ask("event plain CHANNEL_EXECUTE")
        await one.ask("filter Application set")
        await call.run("set", "a=1")
        await call.run("sleep", "1")
        for socket, told in ((one, ["set"]), (other, ["set", "sleep"])):
            await socket.listen(1)
            assert [event["Application"] for event in socket.events] == told


async def test_the_log_of_all_calls_is_read_with_the_call_that_each_line_is_about(phone: FakeFreeSwitch) -> None:
    async with let_in(phone) as socket, parked(phone) as (caller, call):
        await socket.ask("log warning")
        socket.forget()
        await call.run("log", "WARNING hello there")
        await call.run("log", "NOTICE not for you")
        await socket.listen(1)
        [line] = socket.frames
        assert (line.kind, line["Log-Level"], line["User-Data"]) == ("log/data", "4", caller.channel_uuid)
        assert line.body.endswith(" hello there\n")


# Channels


async def test_sendmsg_goes_to_any_channel(phone: FakeFreeSwitch) -> None:
    async with let_in(phone) as socket, parked(phone) as (caller, call):
        uuid = caller.channel_uuid
        assert await socket.ask(executing("set", "who=me").replace("sendmsg", f"sendmsg {uuid}", 1)) == "+OK"
        await call.until("CHANNEL_EXECUTE_COMPLETE", Application="set")
        assert await call.ask("getvar who") == "me"
        assert await socket.ask(f"sendmsg\nsession-id: {uuid}\ncall-command: hangup\nhangup-cause: USER_BUSY") == "+OK"
        await caller.was_hung_up("USER_BUSY")
        assert await socket.ask(f"sendmsg {uuid}") == f"-ERR invalid session id [{uuid}]"


async def test_myevents_makes_the_connection_the_channels(phone: FakeFreeSwitch) -> None:
    async with let_in(phone) as socket, parked(phone) as (caller, call), parked(phone) as (_, another_call):
        uuid = caller.channel_uuid
        assert await socket.ask(f"myevents {uuid}") == "+OK Events Enabled"
        assert await socket.ask(f"myevents {uuid}") == "-ERR aready enabled."
        assert await socket.ask("myevents") == "-ERR aready enabled."
        await another_call.run("set", "a=1")
        await call.run("set", "b=2")
        await socket.listen(1)
        assert {event["Unique-ID"] for event in socket.events} == {uuid}
        assert socket.told() == ["EXECUTE set b=2", "COMPLETE set _none_"]
        assert await socket.ask("getvar b") == "2"
        assert await socket.ask("getvar nothing") == UNKNOWN
        assert await socket.ask("resume") == "+OK"
        assert await socket.ask("divert_events on", "divert_events off") == "+OK events not diverted"
        assert await socket.ask("divert_events") == "-ERR missing value."
        assert await socket.ask("linger 5") == "+OK will linger 5 seconds"
        assert await socket.ask("linger", "nolinger") == "+OK will not linger"
        assert await socket.ask(executing("set", "c=3")) == "+OK"
        await socket.until("CHANNEL_EXECUTE_COMPLETE", Application_Data="c=3")
        await socket.send("connect")
        frame = await socket.reply_frame()
        assert frame["variable_c"] == "3"
        assert frame.raw.endswith(
            b"Content-Type: command/reply\nReply-Text: %2BOK%0A\nSocket-Mode: async\nControl: full\n\n"
        )


async def test_with_the_channel_goes_the_connection(phone: FakeFreeSwitch) -> None:
    async with let_in(phone) as socket, parked(phone) as (caller, _):
        await socket.ask(f"myevents {caller.channel_uuid}")
        await caller.hangs_up()
        await socket.to_the_end()
        assert socket.is_over
        assert "HANGUP NORMAL_CLEARING" in socket.told()
        assert socket.events[-1].name == "CHANNEL_HANGUP_COMPLETE"
        assert socket.frames[-1].raw == goodbye(caller.channel_uuid)


async def test_with_the_channel_goes_a_connection_that_hears_nothing(phone: FakeFreeSwitch) -> None:
    async with let_in(phone) as socket, parked(phone) as (caller, _):
        await socket.ask(f"myevents {caller.channel_uuid}", "noevents")
        socket.forget()
        await caller.hangs_up()
        assert await all_said(socket) == goodbye(caller.channel_uuid)


async def test_a_connection_lingers_when_it_said_so(phone: FakeFreeSwitch) -> None:
    async with let_in(phone) as socket, parked(phone) as (caller, _):
        uuid = caller.channel_uuid
        await socket.ask(f"myevents {uuid}", "linger 5")
        await caller.hangs_up()
        notice = await socket.frame()
        while notice.kind != "text/disconnect-notice":
            notice = await socket.frame()
        assert (
            notice.raw
            == (
                f"Content-Type: text/disconnect-notice\nControlled-Session-UUID: {uuid}\nContent-Disposition: linger\n"
                "Channel-Name: sofia/internal/1000@127.0.0.1:5070\nLinger-Time: 5\nContent-Length: 0\n\n"
            ).encode()
        )
        began = trio.current_time()
        assert await socket.ask("getvar hangup_cause") == "NORMAL_CLEARING"
        assert await socket.ask("sendmsg\ncall-command: execute\nexecute-app-name: answer") == "+OK"
        await socket.to_the_end()
        assert 5 <= trio.current_time() - began <= 6
        assert socket.frames[-1].raw == goodbye(uuid)


@pytest.mark.parametrize(("words", "kind"), [("", "plain"), (" json", "plain"), (" xml", "plain"), (" x y", "plain")])
async def test_the_format_behind_the_uuid_is_cut_off(phone: FakeFreeSwitch, words: str, kind: str) -> None:
    async with let_in(phone) as socket, parked(phone) as (caller, call):
        assert await socket.ask(f"myevents {caller.channel_uuid}{words}") == "+OK Events Enabled"
        await call.run("set", "a=1")
        await socket.listen(1)
        assert {frame.kind for frame in socket.events} == {f"text/event-{kind}"}


async def test_myevents_keeps_the_format_of_event(phone: FakeFreeSwitch) -> None:
    async with let_in(phone) as socket, parked(phone) as (caller, call):
        await socket.ask("event json BACKGROUND_JOB", f"myevents {caller.channel_uuid} plain")
        await call.run("set", "a=1")
        await socket.listen(1)
        assert {frame.kind for frame in socket.events} == {"text/event-json"}


async def test_a_uuid_that_is_a_format_is_one(phone: FakeFreeSwitch) -> None:
    async with let_in(phone) as socket, parked(phone) as (_, call):
        assert await socket.ask("myevents json") == "+OK Events Enabled"
        await call.run("set", "a=1")
        await socket.listen(1)
        assert {frame.kind for frame in socket.events} == {"text/event-json"}


async def test_an_unknown_uuid_is_refused_only_with_a_format_behind_it(phone: FakeFreeSwitch) -> None:
    async with let_in(phone) as socket:
        assert await socket.ask(f"myevents {NOBODY} plain") == "-ERR invalid uuid"
        assert await socket.ask(f"myevents  {NOBODY}") == "-ERR invalid uuid"  # the UUID is what is before the blank
        assert await socket.ask(f"myevents {NOBODY}") == "+OK Events Enabled"
        assert await socket.ask("linger") == "-ERR not controlling a session"
        assert await socket.ask("getvar x") == UNKNOWN


async def test_an_unknown_uuid_is_that_of_every_channel(phone: FakeFreeSwitch) -> None:
    async with let_in(phone) as socket:
        await socket.ask(f"myevents {NOBODY}", "event HEARTBEAT")
        async with parked(phone) as (one, _), parked(phone) as (other, _):
            await socket.ask("sendevent HEARTBEAT")
            await socket.listen(1)
            assert {event["Unique-ID"] for event in socket.events} == {one.channel_uuid, other.channel_uuid}
        await socket.listen(1)
        assert not socket.is_over


async def test_ones_own_jobs_come_with_myevents_and_others_do_not(phone: FakeFreeSwitch) -> None:
    async with let_in(phone) as socket, parked(phone) as (caller, _):
        other = await one_more()
        await socket.ask(f"myevents {caller.channel_uuid}", "event plain BACKGROUND_JOB")
        socket.forget()
        await other.ask("bgapi echo theirs")
        await socket.ask("bgapi echo mine")
        await socket.listen(1)
        assert [event.body for event in socket.events] == ["mine"]
        assert socket.events[0]["Job-Owner-UUID"] == caller.channel_uuid


async def test_diverted_events_come_to_whoever_controls_the_channel(phone: FakeFreeSwitch) -> None:
    async with let_in(phone) as socket, phone.dial(Answers, before=["answer", "park"]) as caller:
        await socket.ask(f"myevents {caller.channel_uuid}", "divert_events on")
        await socket.ask(f"sendevent MESSAGE\nunique-id: {caller.channel_uuid}\nColour: red")
        await socket.listen(1)
        assert [event["Colour"] for event in socket.events if event["Colour"]] == ["red"]
        await caller.hangs_up()


async def test_diverted_events_wait_where_nobody_hears_events(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, call):
        await call.ask("noevents", "divert_events on", f"sendevent MESSAGE\nunique-id: {caller.channel_uuid}")
        await call.listen(1)
        assert call.events == []
        await call.ask("event plain DTMF")
        await call.listen(1)
        assert len(call.events) == 1


async def test_the_end_of_the_connection_lets_a_parked_channel_go(phone: FakeFreeSwitch) -> None:
    """`listener_run()` clears the flag that keeps it, whoever set it."""
    async with let_in(phone) as socket, parked(phone) as (caller, call):
        await socket.ask(f"myevents {caller.channel_uuid}")
        await socket.ask("exit")
        await caller.was_hung_up("NORMAL_CLEARING")
        await call.until("CHANNEL_HANGUP")


async def test_a_channel_is_there_as_long_as_somebody_holds_it(phone: FakeFreeSwitch) -> None:
    async with let_in(phone) as socket:
        async with parked(phone) as (caller, _):
            await socket.ask(f"myevents {caller.channel_uuid}", "linger 10")
        await socket.to_the_end()
        assert "DESTROY" not in socket.told()


async def test_a_far_leg_is_a_channel_too(phone: FakeFreeSwitch) -> None:
    async with let_in(phone) as socket, parked(phone) as (caller, call):
        await call.execute("bridge", "[origination_uuid=far]user/1001")
        callee = await caller.is_calling("user/1001")
        assert await socket.ask("myevents far") == "+OK Events Enabled"
        assert await socket.ask("getvar uuid") == "far"
        await callee.answers()
        assert await socket.ask("sendmsg\ncall-command: hangup\nhangup-cause: CALL_REJECTED") == "+OK"
        await socket.to_the_end()
        assert socket.told()[:2] == ["ANSWER", "HANGUP CALL_REJECTED"]
        assert socket.frames[-1].raw == goodbye("far")


# What a test does to them


async def test_connections_break_when_a_test_says_so_and_new_ones_are_taken(phone: FakeFreeSwitch) -> None:
    async with let_in(phone) as socket:
        await phone.drops_event_sockets()
        with pytest.raises(trio.BrokenResourceError):
            await socket.stream.receive_some(100)
        assert await (await one_more()).ask("noevents") == "-ERR not listening for events"


async def test_nobody_listens_while_the_port_is_down(phone: FakeFreeSwitch) -> None:
    async with let_in(phone) as socket:
        assert phone.event_socket_is_up
        phone.event_socket_is_up = False
        with pytest.raises(ConnectionRefusedError):
            await another()
        assert await socket.ask("noevents") == "-ERR not listening for events"
        phone.event_socket_is_up = True
        await one_more()


async def test_a_switch_that_dies_says_nothing(phone: FakeFreeSwitch) -> None:
    async with let_in(phone) as socket:
        await phone.dies()
        with pytest.raises(trio.BrokenResourceError):
            await socket.stream.receive_some(100)
        with pytest.raises(ConnectionRefusedError):
            await another()


async def test_a_switch_that_is_shut_down_says_so_once_all_calls_have_ended(phone: FakeFreeSwitch) -> None:
    async with let_in(phone) as socket, parked(phone) as (_, call):
        await socket.ask("event plain CHANNEL_DESTROY")
        socket.forget()
        await phone.shut_down()
        await call.ask("exit")
        await socket.to_the_end()
        assert [frame.name or frame.raw for frame in socket.frames] == [
            "CHANNEL_DESTROY",
            b"Content-Type: text/disconnect-notice\nContent-Length: 31\n\nThe system is being shut down.\n",
        ]
        assert not phone.event_socket_is_up


async def test_faults_are_those_of_the_connections(phone: FakeFreeSwitch) -> None:
    async with let_in(phone, Faults(split=True)) as socket:
        await socket.send("noevents")
        assert bytes(await socket.stream.receive_some(100)) == b"C"
    async with let_in(phone, Faults(lost_events=frozenset({"HEARTBEAT"}), glue=True)) as socket:
        await socket.ask("event plain HEARTBEAT MESSAGE")
        await socket.send("sendevent HEARTBEAT", "sendevent MESSAGE")
        said = bytes(await socket.stream.receive_some(10000))
        assert said.count(b"Reply-Text: +OK ") == 2
        assert b"Event-Name: MESSAGE" in said
        assert b"Event-Name: HEARTBEAT" not in said


async def test_a_fault_that_there_is_not_is_refused(phone: FakeFreeSwitch) -> None:
    with pytest.raises(ValueError, match="did you mean HEARTBEAT"):
        async with phone.event_socket(faults=Faults(lost_events=frozenset({"HEARTBEATS"}))):
            pass


async def test_addresses_stand_for_switches_only_inside_of_their_blocks(phone: FakeFreeSwitch) -> None:
    other = FakeFreeSwitch()
    other.event_socket_password = "other"
    async with phone.event_socket(), other.event_socket(host="pbx.example.com", port=8022):
        async with connect("localhost", password="ClueCon"), connect("pbx.example.com", 8022, password="other"):
            pass
        async with other.event_socket(), connect(password="other"):
            pass
        async with connect(password="ClueCon"):
            pass
        old = open_tcp("127.0.0.1", 8021)
        async with trio.open_nursery() as nursery:
            late = trio.Event()

            async def comes_late() -> None:
                await late.wait()
                with pytest.raises(ConnectionRefusedError):
                    await old()

            nursery.start_soon(comes_late)
            phone.event_socket_is_up = False
            late.set()
    assert not stream_openers.get()
    assert not call_listeners.get()


# With the client


async def test_the_client_is_let_in_and_asks(phone: FakeFreeSwitch) -> None:
    async with phone.connect() as switch:
        assert (await switch.api("echo hello")).text == "hello"
        assert (await switch.job("echo job")).text == "job"


async def test_the_client_of_a_user_is_told_what_he_may(phone: FakeFreeSwitch) -> None:
    phone.event_socket_user("1000@example.com", "secret", events="DTMF", api="echo", log=False)
    async with phone.connect(user="1000", domain="example.com") as switch:
        assert (switch.allowed.events, switch.allowed.api, switch.allowed.log) == (("DTMF",), ("echo",), False)
        assert (await switch.api("echo hello")).text == "hello"
        with pytest.raises(CommandRejected):
            await switch.api("status")


async def test_there_is_no_password_of_a_user_that_there_is_not(phone: FakeFreeSwitch) -> None:
    with pytest.raises(ValueError, match="there is no user"):
        async with phone.connect(user="1000@example.com"):
            pass


async def test_the_client_is_turned_away(phone: FakeFreeSwitch) -> None:
    with pytest.raises(AuthenticationFailed):
        async with phone.connect(password="wrong"):
            pass
    phone.event_socket_acl = ()
    with pytest.raises(AccessDenied):
        async with phone.connect():
            pass
    phone.event_socket_is_up = False
    with pytest.raises(NoFreeSwitch, match="refused"):
        async with phone.connect():
            pass


@pytest.mark.parametrize("form", EventFormat)
async def test_the_client_hears_of_a_call_in_any_format(phone: FakeFreeSwitch, form: EventFormat) -> None:
    async with (
        phone.connect(event_format=form) as switch,
        switch.events("CHANNEL_ANSWER") as events,
        phone.dial(Answers) as caller,
    ):
        event = await events.get()
        assert event["Unique-ID"] == caller.channel_uuid
        await switch.hangup(caller.channel_uuid, "USER_BUSY")
        await caller.was_hung_up("USER_BUSY")


class Answers(CallHandler):
    async def run(self) -> None:
        await self.answer()
        await trio.sleep(3600)


class Asks(CallHandler):
    """A handler that opens a connection of its own."""

    async def run(self) -> None:
        async with connect("127.0.0.1", 8021, password="ClueCon") as switch:
            await self.playback((await switch.api("echo welcome.wav")).text)


async def test_a_handler_may_connect_too(phone: FakeFreeSwitch) -> None:
    async with phone.event_socket(), phone.dial(Asks) as caller:
        await caller.hears("welcome.wav")


async def test_a_connection_that_breaks_is_the_clients_error(phone: FakeFreeSwitch) -> None:
    async with phone.connect() as switch:
        job = await switch.bgapi("msleep 5000")
        await phone.drops_event_sockets()
        with pytest.raises(Disconnected):
            await job.result()


async def test_a_client_that_stays_connected_comes_back(phone: FakeFreeSwitch) -> None:
    async with phone.event_socket(), stay_connected(password="ClueCon") as switch, switch.events("HEARTBEAT") as events:
        phone.event_socket_is_up = False
        await phone.drops_event_sockets()
        await trio.sleep(60)
        phone.event_socket_is_up = True
        async with phone.connect() as other:
            with trio.fail_after(3600):
                while True:
                    await other.send_event("HEARTBEAT")
                    with trio.move_on_after(5):
                        first = await events.get()
                        break
        assert first is not None


async def test_a_call_is_placed_for_a_handler(phone: FakeFreeSwitch) -> None:
    async with phone.connect() as switch:
        handler = await switch.originate("user/1001", Greets)
        callee = await phone.is_called("user/1001")
        await callee.hears("hello.wav")
        assert handler.channel_uuid == callee.channel_uuid
        await callee.hangs_up()


class Greets(CallHandler):
    async def run(self) -> None:
        await self.playback("hello.wav")
        await trio.sleep_forever()


async def test_a_call_that_is_placed_for_a_handler_ends_with_the_programs_error(phone: FakeFreeSwitch) -> None:
    with pytest.raises(KeyError):
        async with phone.connect() as switch:
            await switch.originate("user/1001", Greets)
            raise KeyError


async def test_a_thousand_jobs_at_once_end_each_with_its_own_result(phone: FakeFreeSwitch) -> None:
    results: dict[int, str] = {}

    async with phone.connect() as switch:

        async def run(number: int) -> None:
            results[number] = (await switch.job(f"echo {number}")).text

        async with trio.open_nursery() as nursery:
            for number in range(1000):
                nursery.start_soon(run, number)
    assert results == {number: str(number) for number in range(1000)}


async def test_what_is_scheduled_needs_no_call(phone: FakeFreeSwitch) -> None:
    async with let_in(phone) as socket:
        began = trio.current_time()
        await socket.ask("event plain API")
        assert (await socket.api("sched_api +5 none echo late")).startswith("+OK Added: ")
        await socket.until("API", API_Command="echo")
        assert 4.5 < trio.current_time() - began < 5.5


async def test_what_an_api_command_raises_comes_out_of_the_block(phone: FakeFreeSwitch) -> None:
    async def broken(_: str) -> str:
        raise ZeroDivisionError

    phone.api_command("broken", broken)
    with pytest.raises(ZeroDivisionError):
        async with phone.connect() as switch:
            await switch.api("broken")


# On a real port


async def test_a_real_port_needs_real_time(phone: FakeFreeSwitch) -> None:
    with pytest.raises(ValueError, match="real time"):
        async with phone.listening():
            pass


@pytest.mark.trio(run=trio.run)
async def test_programs_in_other_processes_connect_to_a_real_port(phone: FakeFreeSwitch) -> None:
    with trio.fail_after(30):
        async with phone.listening() as (host, port), connect(host, port, password="ClueCon") as switch:
            assert (await switch.api("echo hello")).text == "hello"
            phone.event_socket_is_up = False
            with pytest.raises(NoFreeSwitch, match="refused"):
                async with connect(host, port, password="ClueCon"):
                    pass
            assert (await switch.api("echo still")).text == "still"
            phone.event_socket_is_up = True
            await trio.testing.wait_all_tasks_blocked()
            async with connect(host, port, password="ClueCon"):
                pass
            await phone.drops_event_sockets()
            with pytest.raises(Disconnected):
                await switch.api("echo gone")


@pytest.mark.trio(run=trio.run)
async def test_the_acl_is_that_of_real_addresses(phone: FakeFreeSwitch) -> None:
    phone.event_socket_acl = ["127.0.0.2/32"]
    with trio.fail_after(30):
        async with phone.listening() as (host, port):
            with pytest.raises(AccessDenied):
                async with connect(host, port, password="ClueCon"):
                    pass
