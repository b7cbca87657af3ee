"""Every command of the event socket, on a connection that we opened: its bytes, its answer, and each of its refusals.

The refusals are all that ``parse_command()`` in mod_event_socket.c has for the command.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial

import attrs
import pytest
import trio
import trio.testing

from esl_outbound import (
    AuthenticationFailed,
    CommandRejected,
    Disconnected,
    EslOutboundError,
    EventFormat,
    LocalProtocolError,
    NoSuchChannel,
    Progress,
)
from esl_outbound.client import Allowed, FollowedChannel, LogLevel, Switch
from esl_outbound.client.switch import opened
from esl_outbound.protocol import ConnectReply

from ..freeswitch import CHANNEL, GOODBYE, OK, ScriptedSwitch, api_response, connect_reply
from .scripted import ACCEPTED, AUTH_REQUEST, BYE, EVENTS_ENABLED, ScriptedPort, connected, reply

NOT_FOUND = "-ERR command not found"
DENIED = "-ERR permission denied"
NO_KEYWORDS = "-ERR no keywords supplied"
NO_SESSION = f"-ERR invalid session id [{CHANNEL}]"
MEMORY = "-ERR memory error"
TO_CHANNEL = (NO_SESSION, MEMORY)

Attempt = Callable[[Switch], Awaitable[object]]


async def printed(switch: Switch) -> str:
    return (await switch.api("status", as_job=False)).text


async def printed_by_console(switch: Switch) -> str:
    return (await switch.api("version", console=True)).text


async def answer_to_send_msg(switch: Switch) -> str:
    return (await switch.send_msg(CHANNEL, {"call-command": "nonsense", "X-A": "b"})).text


async def filter_and_delete(switch: Switch, *what: str) -> None:
    """A filter is taken back beside another one."""
    await switch.filter("Keep", "this")
    await switch.filter("A", "b c")
    await switch.delete_filter(*what)


async def read_log(switch: Switch) -> str:
    async with switch.log_lines(LogLevel.WARNING) as lines:
        return (await lines.get()).text


async def read_event(switch: Switch) -> str:
    async with switch.events("CHANNEL_ANSWER") as events:
        return (await events.get()).name


@attrs.frozen
class Said:
    """One command: how it is asked for, what is said and answered before it, it itself, and how it may be refused."""

    name: str
    attempt: Attempt
    command: str
    answer: bytes
    refusals: tuple[str, ...] = ()
    gives: object = None
    before: tuple[tuple[str, bytes], ...] = ()
    after: tuple[tuple[str, bytes], ...] = ()


LINE = b"Content-Type: log/data\nContent-Length: 4\nLog-Level: 4\nUser-Data: \n\none\n"
ANSWERED = b"Content-Length: 28\nContent-Type: text/event-plain\n\nEvent-Name: CHANNEL_ANSWER\n\n"
FILTERED = (
    ("filter add Event-Name /./", reply("+OK filter added. [Event-Name]=[/./]")),
    ("filter add Keep this", reply("+OK filter added. [Keep]=[this]")),
    ("filter delete Event-Name /./", reply("+OK filter deleted. [Event-Name][/./]")),
    ("filter add A b c", reply("+OK filter added. [A]=[b c]")),
)

COMMANDS = [
    Said("api", printed, "api status", api_response("UP 0 years\n"), (DENIED, NOT_FOUND), "UP 0 years\n"),
    Said(
        "api-console",
        printed_by_console,
        "api version\nconsole_execute: true",
        api_response("-ERR no reply\n"),
        (DENIED, NOT_FOUND),
        "-ERR no reply\n",
    ),
    Said(
        "event",
        lambda switch: switch.subscribe("heartbeat"),
        "event plain HEARTBEAT",
        EVENTS_ENABLED,
        (NO_KEYWORDS, DENIED, NOT_FOUND),
    ),
    Said(
        "event-custom",
        lambda switch: switch.subscribe("CUSTOM a::b"),
        "event plain CUSTOM a::b",
        EVENTS_ENABLED,
        (NO_KEYWORDS, DENIED, NOT_FOUND),
    ),
    Said(
        "event-observed",
        read_event,
        "event plain CHANNEL_ANSWER",
        EVENTS_ENABLED + ANSWERED,
        (NO_KEYWORDS, DENIED, NOT_FOUND),
        "CHANNEL_ANSWER",
        after=(("nixevent CHANNEL_ANSWER", reply("+OK events nixed")),),
    ),
    Said(
        "sendevent",
        lambda switch: switch.send_event("CUSTOM", {"X-A": "1"}, subclass="my::event", body="hello"),
        "sendevent CUSTOM\nEvent-Subclass: my::event\nX-A: 1\ncontent-length: 5\n\nhello",
        reply("+OK 7a0e1a4c-5f0e-4f5c-9a0b-2c1d7a7a7a7a"),
        (NOT_FOUND,),
        "7a0e1a4c-5f0e-4f5c-9a0b-2c1d7a7a7a7a",
    ),
    Said(
        "sendmsg",
        answer_to_send_msg,
        f"sendmsg {CHANNEL}\ncall-command: nonsense\nX-A: b",
        OK,
        TO_CHANNEL,
        "+OK",
    ),
    Said(
        "hangup",
        lambda switch: switch.hangup(CHANNEL, "USER_BUSY"),
        f"sendmsg {CHANNEL}\ncall-command: hangup\nhangup-cause: USER_BUSY",
        OK,
        TO_CHANNEL,
    ),
    Said(
        "nomedia",
        lambda switch: switch.nomedia(CHANNEL, "other"),
        f"sendmsg {CHANNEL}\ncall-command: nomedia\nnomedia-uuid: other",
        OK,
        TO_CHANNEL,
    ),
    Said(
        "unicast",
        lambda switch: switch.unicast(CHANNEL, local_port=9000, native=True),
        f"sendmsg {CHANNEL}\ncall-command: unicast\nlocal-ip: 127.0.0.1\nlocal-port: 9000\n"
        "remote-ip: 127.0.0.1\nremote-port: 8026\ntransport: udp\nflags: native",
        OK,
        TO_CHANNEL,
    ),
    Said(
        "xferext",
        lambda switch: switch.xferext(CHANNEL, ("set", "a=b"), ("park", "")),
        f"sendmsg {CHANNEL}\ncall-command: xferext\napplication: set a=b\napplication: park",
        OK,
        TO_CHANNEL,
    ),
    Said(
        "log",
        lambda switch: switch.log("warning"),
        "log 4",
        reply("+OK log level 4 [4]"),
        (DENIED, "-ERR invalid log level", NOT_FOUND),
    ),
    Said(
        "log-read",
        read_log,
        "log 4",
        reply("+OK log level 4 [4]") + LINE,
        (DENIED, "-ERR invalid log level", NOT_FOUND),
        "one\n",
        after=(("nolog", reply("+OK no longer logging")),),
    ),
    Said(
        "noevents",
        lambda switch: switch.noevents(),
        "noevents",
        reply("+OK no longer listening for events"),
        ("-ERR not listening for events", NOT_FOUND),
    ),
]


async def play(said: Said, answer: bytes) -> object:
    """Attempt something that says one command; give what came of it."""
    outcome: object = None
    async with connected() as (switch, server), trio.open_nursery() as nursery:

        async def serve() -> None:
            for command, before in said.before:
                await server.expect(command)
                await server.send(before)
            await server.expect(said.command)
            await server.send(answer)
            if answer == said.answer:
                for command, after in said.after:
                    await server.expect(command)
                    await server.send(after)

        nursery.start_soon(serve)
        try:
            outcome = await said.attempt(switch)
        except EslOutboundError as exc:
            outcome = exc
    return outcome


@pytest.mark.parametrize("said", COMMANDS, ids=lambda said: said.name)
async def test_a_command_is_said_and_answered(said: Said) -> None:
    assert await play(said, said.answer) == said.gives


@pytest.mark.parametrize(
    ("said", "refusal"),
    [pytest.param(said, refusal, id=f"{said.name} {refusal}") for said in COMMANDS for refusal in said.refusals],
)
async def test_a_refusal_is_raised_with_freeswitchs_words(said: Said, refusal: str) -> None:
    error = await play(said, reply(refusal))
    assert isinstance(error, CommandRejected)
    assert error.reply.text == refusal
    assert error.command.encode().partition(b"\n\n")[0].decode() == said.command.partition("\n\n")[0]
    first_line = said.command.partition("\n")[0]
    assert str(error) == f"FreeSWITCH refused {first_line}: {refusal}"


@pytest.mark.parametrize("said", COMMANDS, ids=lambda said: said.name)
async def test_a_command_that_the_connections_end_leaves_unanswered_was_sent(said: Said) -> None:
    port = ScriptedPort()

    async def serve() -> None:
        server = await let_in(port, 1)
        await server.expect(said.command)
        await server.stream.aclose()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve)
        async with opened(port.opener()) as switch:
            for progress in (Progress.SENT, Progress.NOT_SENT):
                with pytest.raises(Disconnected) as caught:
                    await said.attempt(switch)
                assert caught.value.progress is progress
                if progress is Progress.SENT:
                    assert caught.value.command == said.command.partition("\n")[0]


async def let_in(port: ScriptedPort, count: int) -> ScriptedSwitch:
    server = await port.newest(count)
    await server.send(AUTH_REQUEST)
    await server.expect("auth ClueCon")
    await server.send(ACCEPTED)
    return server


# An application


@pytest.mark.parametrize("refusal", TO_CHANNEL)
async def test_an_application_is_queued_with_a_uuid_of_ours_unless_it_is_refused(refusal: str) -> None:
    async with connected() as (switch, server), trio.open_nursery() as nursery:
        said: list[str] = []

        async def serve() -> None:
            for answer in (OK, reply(refusal)):
                said.append(await server.read_command())
                await server.send(answer)

        nursery.start_soon(serve)
        uuid = await switch.execute(CHANNEL, "playback", "a b.wav", loops=2, event_lock=True)
        assert said == [
            f"sendmsg {CHANNEL}\ncall-command: execute\nexecute-app-name: playback\nEvent-UUID: {uuid}\n"
            "loops: 2\nevent-lock: true\nexecute-app-arg: a b.wav"
        ]
        with pytest.raises(CommandRejected, match=re.escape(f"FreeSWITCH refused sendmsg {CHANNEL}: {refusal}")):
            await switch.execute(CHANNEL, "answer")


# Jobs


@pytest.mark.parametrize("refusal", [DENIED, NOT_FOUND])
async def test_a_job_is_said_with_a_uuid_of_ours_and_may_be_refused(refusal: str) -> None:
    async with connected() as (switch, server), trio.open_nursery() as nursery:

        async def serve() -> None:
            await server.expect("event plain BACKGROUND_JOB")
            await server.send(EVENTS_ENABLED)
            for _ in range(3):
                await server.run_job("status", "UP\n")
            await server.run_job("banner", "")
            for _ in range(3):
                assert re.fullmatch(r"bgapi status\nJob-UUID: [0-9a-f-]{36}", await server.read_command())
                await server.send(reply(refusal))

        nursery.start_soon(serve)
        assert (await (await switch.bgapi("status"))).text == "UP\n"
        assert (await switch.job("status")).text == "UP\n"
        assert (await switch.api("status")).text == "UP\n"
        assert (await switch.api("banner")).text == "-ERR no reply\n"
        for attempt in (switch.bgapi, switch.job, switch.api):
            with pytest.raises(CommandRejected, match=f"FreeSWITCH refused bgapi status: {refusal}"):
                await attempt("status")


# What is counted


async def test_what_was_subscribed_to_is_taken_back_by_the_same_names() -> None:
    async with connected() as (switch, server), trio.open_nursery() as nursery:

        async def serve() -> None:
            for command, answer in (
                ("event plain HEARTBEAT", EVENTS_ENABLED),
                ("event plain CUSTOM a::b", EVENTS_ENABLED),
                ("nixevent HEARTBEAT CUSTOM a::b", reply("+OK events nixed")),
            ):
                await server.expect(command)
                await server.send(answer)

        nursery.start_soon(serve)
        await switch.subscribe("HEARTBEAT", "CUSTOM a::b")
        await switch.unsubscribe("CUSTOM a::b", "heartbeat")
        with pytest.raises(LocalProtocolError, match="HEARTBEAT was not subscribed to"):
            await switch.unsubscribe("HEARTBEAT")


@pytest.mark.parametrize(
    ("what", "deleted"),
    [
        (("A", "b c"), ["filter delete A b c"]),
        (("A",), ["filter delete A b c"]),
        (("Nobody",), []),
    ],
)
async def test_a_filter_that_is_taken_back_leaves_the_others(what: tuple[str, ...], deleted: list[str]) -> None:
    async with connected() as (switch, server), trio.open_nursery() as nursery:

        async def serve() -> None:
            for command, answer in FILTERED:
                await server.expect(command)
                await server.send(answer)

        nursery.start_soon(serve)
        await filter_and_delete(switch, *what)
        for command in deleted:
            await server.expect(command)
            await server.send(reply(f"+OK filter deleted. [{what[0]}][b c]"))


async def test_the_last_filter_is_taken_back_without_keeping_anything_out_meanwhile() -> None:
    async with connected() as (switch, server), trio.open_nursery() as nursery:

        async def serve() -> None:
            for command, answer in FILTERED:
                await server.expect(command)
                await server.send(answer)

        nursery.start_soon(serve)
        await filter_and_delete(switch)
        said = [await server.read_command() for _ in range(4)]
        assert said[0] == "filter add Event-Name /./"
        assert sorted(said[1:3]) == ["filter delete A b c", "filter delete Keep this"]
        assert said[3] == "filter delete Event-Name /./"


@pytest.mark.parametrize("refusal", ["-ERR invalid syntax", NOT_FOUND])
async def test_a_refused_filter_raises_and_is_not_wished_for_any_more(refusal: str) -> None:
    async with connected() as (switch, server), trio.open_nursery() as nursery:
        said: list[str] = []

        async def serve() -> None:
            for answer in (OK, reply(refusal), OK):
                said.append(await server.read_command())
                await server.send(answer)

        nursery.start_soon(serve)
        with pytest.raises(CommandRejected, match=f"FreeSWITCH refused filter add A b: {refusal}"):
            await switch.filter("A", "b")
        assert said == ["filter add Event-Name /./", "filter add A b", "filter delete Event-Name /./"]
        await server.expect("filter add Event-Name /./", "filter delete A b", "filter delete Event-Name /./")


@pytest.mark.parametrize("refusal", ["-ERR not loging", NOT_FOUND])
async def test_nolog_is_said_once_there_is_something_to_take_back_and_its_refusal_does_no_harm(refusal: str) -> None:
    async with connected() as (switch, server), trio.open_nursery() as nursery:

        async def serve() -> None:
            await server.expect("log 7")
            await server.send(reply("+OK log level 7 [7]"))
            await server.expect("nolog")
            await server.send(reply(refusal))
            await server.expect("api status")
            await server.send(api_response("UP\n"))

        nursery.start_soon(serve)
        await switch.nolog()
        await switch.log()
        await switch.nolog()
        assert await printed(switch) == "UP\n"


async def test_noevents_is_refused_while_somebody_listens() -> None:
    async with connected() as (switch, server), trio.open_nursery() as nursery:

        async def serve() -> None:
            await server.expect("event plain HEARTBEAT")
            await server.send(EVENTS_ENABLED)

        nursery.start_soon(serve)
        async with switch.events("HEARTBEAT"):
            with pytest.raises(LocalProtocolError, match="noevents while somebody observes events"):
                await switch.noevents()
        await server.expect("nixevent HEARTBEAT")


async def test_what_cannot_be_said_is_refused_before_it_is_sent() -> None:
    async with connected() as (switch, server):
        attempts: list[Callable[[], Awaitable[object]]] = [
            partial(switch.api, "", as_job=False),
            partial(switch.api, "status\n\nexit", as_job=False),
            partial(switch.subscribe),
            partial(switch.subscribe, "CUSTOM"),
            partial(switch.subscribe, "A B"),
            partial(switch.wait_for, "CUSTOM"),
            partial(switch.filter, "A", ""),
            partial(switch.filter, "A", "b\n\nexit"),
            partial(switch.filter, "A b", "c"),
            partial(switch.delete_filter, None, "c"),
            partial(switch.delete_filter, "all"),
            partial(switch.send_event, "CUSTOM", {"a\n": "b"}),
            partial(switch.send_event, "CUSTOM", {"a": "b\r"}),
            partial(switch.send_msg, "", {"a": "b"}),
            partial(switch.send_msg, CHANNEL, {"content-length": "2"}),
            partial(switch.execute, "", "answer"),
            partial(switch.execute, CHANNEL, "two words"),
            partial(switch.hangup, "", "USER_BUSY"),
            partial(switch.hangup, CHANNEL, "TIRED"),
            partial(switch.nomedia, CHANNEL, "two words"),
            partial(switch.unicast, CHANNEL, remote_port=70_000),
            partial(switch.xferext, CHANNEL),
            partial(switch.log, "nonsense"),
            partial(switch.log, 9),
        ]
        for attempt in attempts:
            with pytest.raises(LocalProtocolError):
                await attempt()
        await trio.testing.wait_all_tasks_blocked()
        assert server.received == b""


# Being let in


@pytest.mark.parametrize("refusal", ["-ERR invalid", NOT_FOUND])
@pytest.mark.parametrize(
    ("user", "command", "who"),
    [(None, "auth s3cret", ""), ("1000@example.com", "userauth 1000@example.com:s3cret", " of 1000@example.com")],
)
async def test_a_refused_password_raises(user: str | None, command: str, who: str, refusal: str) -> None:
    port = ScriptedPort()

    async def serve() -> None:
        server = await port.newest(1)
        await server.send(AUTH_REQUEST)
        await server.expect(command)
        await server.send(reply(refusal), GOODBYE)
        await server.stream.aclose()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve)
        with pytest.raises(AuthenticationFailed) as caught:
            async with opened(port.opener("s3cret", user)):
                raise AssertionError
    assert str(caught.value) == f"FreeSWITCH at 192.0.2.7:8021 refused the password{who}"
    assert caught.value.user == user


@pytest.mark.parametrize(
    ("told", "allowed", "hears_jobs"),
    [
        (
            "Allowed-Events: all\nAllowed-API: all\nAllowed-LOG: true",
            Allowed(None, None, log=True),
            True,
        ),
        (
            "Allowed-Events: CHANNEL_ANSWER BACKGROUND_JOB CUSTOM a::b\nAllowed-API: status uuid_kill\n"
            "Allowed-LOG: false",
            Allowed(("CHANNEL_ANSWER", "BACKGROUND_JOB", "CUSTOM", "a::b"), ("status", "uuid_kill"), log=False),
            True,
        ),
        (
            "Allowed-Events: CHANNEL_ANSWER,DTMF\nAllowed-API: status\nAllowed-LOG: false",
            Allowed(("CHANNEL_ANSWER", "DTMF"), ("status",), log=False),
            False,
        ),
    ],
)
async def test_a_user_is_told_what_he_may_do_and_runs_what_he_may(
    told: str, allowed: Allowed, hears_jobs: bool
) -> None:
    port = ScriptedPort()

    async def serve() -> None:
        server = await port.newest(1)
        await server.send(AUTH_REQUEST)
        await server.expect("userauth 1000@example.com:s3cret")
        await server.send(f"Content-Type: command/reply\nReply-Text: +OK accepted\n{told}\n\n".encode())
        if hears_jobs:
            await server.expect("event plain BACKGROUND_JOB")
            await server.send(EVENTS_ENABLED)
            await server.run_job("status", "UP\n")
        else:
            # He may not hear of the job's end: it runs as `api`.
            await server.expect("api status")
            await server.send(api_response("UP\n"))
            await server.expect("event plain BACKGROUND_JOB")
            await server.send(reply(DENIED))
        await server.expect("exit")
        await server.send(BYE, GOODBYE)
        await server.stream.aclose()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve)
        async with opened(port.opener("s3cret", "1000@example.com")) as switch:
            assert switch.allowed == allowed
            assert (await switch.api("status")).text == "UP\n"
            if not hears_jobs:
                with pytest.raises(CommandRejected, match=DENIED):
                    await switch.bgapi("status")


# One channel


@asynccontextmanager
async def following(*said: tuple[str, bytes]) -> AsyncIterator[FollowedChannel]:
    """A channel that is followed, and what is said and answered on its connection."""
    port = ScriptedPort()

    async def serve() -> None:
        await let_in(port, 1)
        server = await let_in(port, 2)
        await server.expect(f"myevents {CHANNEL} plain")
        await server.send(reply("+OK Events Enabled"))
        for command, answer in said:
            await server.expect(command)
            await server.send(answer)
        for each in (server, port.connections[0]):
            await each.expect("exit")
            await each.send(BYE, GOODBYE)
            await each.stream.aclose()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve)
        async with opened(port.opener()) as switch, switch.follow(CHANNEL) as channel:
            yield channel


async def told_variable(channel: FollowedChannel) -> str:
    answer = await channel.refresh()
    assert isinstance(answer, ConnectReply)
    return answer.variables["x"]


@attrs.frozen
class SaidOfChannel:
    """A command on the connection of a channel that is followed."""

    name: str
    attempt: Callable[[FollowedChannel], Awaitable[object]]
    command: str
    answer: bytes
    refusals: tuple[str, ...]
    gives: object = None


OF_CHANNEL = [
    SaidOfChannel(
        "myevents",
        lambda channel: channel.myevents(),
        f"myevents {CHANNEL} plain",
        reply("+OK Events Enabled"),
        ("-ERR aready enabled.", "-ERR invalid uuid", NOT_FOUND),
    ),
    SaidOfChannel(
        "connect",
        told_variable,
        "connect",
        connect_reply(x="2"),
        (NOT_FOUND,),
        "2",
    ),
    SaidOfChannel(
        "getvar", lambda channel: channel.getvar("uuid"), "getvar uuid", reply(CHANNEL), (NOT_FOUND,), CHANNEL
    ),
    SaidOfChannel(
        "linger",
        lambda channel: channel.linger(4.5),
        "linger 5",
        reply("+OK will linger 5 seconds"),
        ("-ERR not controlling a session", NOT_FOUND),
    ),
    SaidOfChannel(
        "linger-for-ever",
        lambda channel: channel.linger(),
        "linger",
        reply("+OK will linger"),
        ("-ERR not controlling a session", NOT_FOUND),
    ),
    SaidOfChannel(
        "nolinger",
        lambda channel: channel.nolinger(),
        "nolinger",
        reply("+OK will not linger"),
        ("-ERR not controlling a session", NOT_FOUND),
    ),
    SaidOfChannel(
        "divert_events-on",
        lambda channel: channel.divert_events(),
        "divert_events on",
        reply("+OK events diverted"),
        ("-ERR not controlling a session.", "-ERR missing value."),
    ),
    SaidOfChannel(
        "divert_events-off",
        lambda channel: channel.divert_events(False),
        "divert_events off",
        reply("+OK events not diverted"),
        ("-ERR not controlling a session.", "-ERR missing value."),
    ),
    SaidOfChannel("resume", lambda channel: channel.resume(), "resume", OK, (NOT_FOUND,)),
    SaidOfChannel(
        "event",
        lambda channel: channel.subscribe("PLAYBACK_START", "CUSTOM a::b"),
        "event plain PLAYBACK_START CUSTOM a::b",
        EVENTS_ENABLED,
        (NO_KEYWORDS, DENIED),
    ),
    SaidOfChannel(
        "nixevent",
        lambda channel: channel.unsubscribe("CHANNEL_STATE"),
        "nixevent CHANNEL_STATE",
        reply("+OK events nixed"),
        (NO_KEYWORDS,),
    ),
]


@pytest.mark.parametrize("said", OF_CHANNEL, ids=lambda said: said.name)
async def test_a_command_of_a_channel_that_is_followed_is_said_and_answered(said: SaidOfChannel) -> None:
    async with following((said.command, said.answer)) as channel:
        assert await said.attempt(channel) == said.gives


@pytest.mark.parametrize(
    ("said", "refusal"),
    [pytest.param(said, refusal, id=f"{said.name} {refusal}") for said in OF_CHANNEL for refusal in said.refusals],
)
async def test_a_refusal_of_a_channels_command_is_raised(said: SaidOfChannel, refusal: str) -> None:
    async with following((said.command, reply(refusal))) as channel:
        with pytest.raises(CommandRejected) as caught:
            await said.attempt(channel)
    assert caught.value.reply.text == refusal
    assert str(caught.value) == f"FreeSWITCH refused {said.command}: {refusal}"


@pytest.mark.parametrize(
    ("refusal", "error"),
    [
        ("-ERR invalid uuid", NoSuchChannel),
        ("-ERR aready enabled.", CommandRejected),
        (NOT_FOUND, CommandRejected),
    ],
)
async def test_a_channel_that_is_not_there_cannot_be_followed(refusal: str, error: type[EslOutboundError]) -> None:
    port = ScriptedPort()

    async def serve() -> None:
        await let_in(port, 1)
        server = await let_in(port, 2)
        await server.expect(f"myevents {CHANNEL} plain")
        await server.send(reply(refusal))
        for each in (server, port.connections[0]):
            await each.expect("exit")
            await each.stream.aclose()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve)
        async with opened(port.opener()) as switch:
            with pytest.raises(error, match="invalid uuid" if error is NoSuchChannel else refusal):
                async with switch.follow(CHANNEL):
                    raise AssertionError


@pytest.mark.parametrize("event_format", [EventFormat.JSON, EventFormat.XML])
async def test_a_connection_has_its_format_in_each_event_command(event_format: EventFormat) -> None:
    async with connected(event_format) as (switch, server), trio.open_nursery() as nursery:

        async def serve() -> None:
            await server.expect(f"event {event_format.value} HEARTBEAT")
            await server.send(reply(f"+OK event listener enabled {event_format.value}"))

        nursery.start_soon(serve)
        await switch.subscribe("HEARTBEAT")
