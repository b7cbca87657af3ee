"""Every command of the event socket, on a call's own socket: its bytes, its answer, and each of its refusals.

The refusals are all that ``parse_command()`` in mod_event_socket.c has for the command, whether this socket could hear
them or not.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from functools import partial

import attrs
import pytest
import trio
import trio.testing

from esl_outbound import (
    Call,
    CallHandler,
    CallHungUp,
    CallRecord,
    CallReleased,
    CallTransferred,
    CommandRejected,
    ConnectionLost,
    Ending,
    EslOutboundError,
    EventFormat,
    LocalProtocolError,
    NotPermitted,
    Progress,
)
from esl_outbound.client import LogLevel
from esl_outbound.protocol import ConnectReply

from ..freeswitch import CHANNEL, LINGER_NOTICE, OK, REFUSED, ScriptedSwitch, api_response, connect_reply, dial

FULL = '<action application="socket" data="127.0.0.1:8084 full"/>'
ASYNC_FULL = '<action application="socket" data="127.0.0.1:8084 async full"/>'
NOT_FOUND = "-ERR command not found"
NO_SESSION = "-ERR invalid session id [other]"
MEMORY = "-ERR memory error"

Attempt = Callable[[Call], Awaitable[object]]


def reply(text: str) -> bytes:
    return f"Content-Type: command/reply\nReply-Text: {text}\n\n".encode()


async def printed(call: Call) -> str:
    return (await call.api("status", as_job=False)).text


async def printed_by_console(call: Call) -> str:
    return (await call.api("version", console=True)).text


async def answer_to_send_msg(call: Call) -> str:
    return (await call.send_msg({"call-command": "execute", "execute-app-name": "answer"}, channel_uuid="other")).text


async def connected_channel(call: Call) -> tuple[str, str]:
    answer = await call.refresh()
    assert isinstance(answer, ConnectReply)
    return answer.variables["x"], call.variables["x"]


@attrs.frozen
class Said:
    """One command: how it is asked for, what is said, what FreeSWITCH answers, and how it may refuse."""

    name: str
    attempt: Attempt
    command: str
    answer: bytes
    refusals: tuple[str, ...]
    gives: object = None


COMMANDS = [
    Said(
        "api",
        printed,
        "api status",
        api_response("UP 0 years\n"),
        (NOT_FOUND, "-ERR permission denied"),
        "UP 0 years\n",
    ),
    Said(
        "api-console",
        printed_by_console,
        "api version\nconsole_execute: true",
        api_response("-ERR no reply\n"),
        (NOT_FOUND, "-ERR permission denied"),
        "-ERR no reply\n",
    ),
    Said(
        "event",
        lambda call: call.subscribe("record_start", "CUSTOM a::b", "CUSTOM c::d"),
        "event plain RECORD_START CUSTOM a::b c::d",
        reply("+OK event listener enabled plain"),
        (NOT_FOUND, "-ERR no keywords supplied", "-ERR permission denied"),
    ),
    Said(
        "event-json",
        lambda call: call.subscribe("ALL", format=EventFormat.JSON),
        "event json ALL",
        reply("+OK event listener enabled json"),
        (NOT_FOUND, "-ERR no keywords supplied", "-ERR permission denied"),
    ),
    Said(
        "myevents",
        lambda call: call.myevents(EventFormat.XML),
        "event xml BACKGROUND_JOB",
        reply("+OK event listener enabled xml"),
        (NOT_FOUND, "-ERR aready enabled.", "-ERR invalid uuid"),
    ),
    Said(
        "nixevent",
        lambda call: call.unsubscribe("RECORD_START", "CUSTOM a::b"),
        "nixevent RECORD_START CUSTOM a::b",
        reply("+OK events nixed"),
        (NOT_FOUND, "-ERR no keywords supplied"),
    ),
    Said(
        "divert_events-on",
        lambda call: call.divert_events(),
        "divert_events on",
        reply("+OK events diverted"),
        ("-ERR not controlling a session.", "-ERR missing value."),
    ),
    Said(
        "divert_events-off",
        lambda call: call.divert_events(False),
        "divert_events off",
        reply("+OK events not diverted"),
        ("-ERR not controlling a session.", "-ERR missing value."),
    ),
    Said(
        "filter",
        lambda call: call.filter("Event-Name", "/^(CHANNEL_|DTMF)/"),
        "filter add Event-Name /^(CHANNEL_|DTMF)/",
        reply("+OK filter added. [Event-Name]=[/^(CHANNEL_|DTMF)/]"),
        ("-ERR invalid syntax", NOT_FOUND),
    ),
    Said(
        "filter-delete-value",
        lambda call: call.delete_filter("A", "b c"),
        "filter delete A b c",
        reply("+OK filter deleted. [A][b c]"),
        ("-ERR invalid syntax", NOT_FOUND),
    ),
    Said(
        "filter-delete-header",
        lambda call: call.delete_filter("A"),
        "filter delete A",
        reply("+OK filter deleted. [A][]"),
        ("-ERR invalid syntax", NOT_FOUND),
    ),
    Said(
        "filter-delete-all",
        lambda call: call.delete_filter(),
        "filter delete all",
        reply("+OK filter deleted. [all][]"),
        ("-ERR invalid syntax", NOT_FOUND),
    ),
    Said(
        "sendevent",
        lambda call: call.send_event("CUSTOM", {"X-A": "1"}, subclass="my::event", body="hello"),
        "sendevent CUSTOM\nEvent-Subclass: my::event\nX-A: 1\ncontent-length: 5\n\nhello",
        reply("+OK 7a0e1a4c-5f0e-4f5c-9a0b-2c1d7a7a7a7a"),
        (NOT_FOUND,),
        "7a0e1a4c-5f0e-4f5c-9a0b-2c1d7a7a7a7a",
    ),
    Said(
        "sendmsg",
        answer_to_send_msg,
        "sendmsg other\ncall-command: execute\nexecute-app-name: answer",
        OK,
        (NO_SESSION, MEMORY),
        "+OK",
    ),
    Said(
        "nomedia",
        lambda call: call.nomedia("other"),
        "sendmsg\ncall-command: nomedia\nnomedia-uuid: other",
        OK,
        (NO_SESSION, MEMORY),
    ),
    Said(
        "unicast",
        lambda call: call.unicast(local_port=9000, native=True),
        "sendmsg\ncall-command: unicast\nlocal-ip: 127.0.0.1\nlocal-port: 9000\n"
        "remote-ip: 127.0.0.1\nremote-port: 8026\ntransport: udp\nflags: native",
        OK,
        (NO_SESSION, MEMORY),
    ),
    Said(
        "log",
        lambda call: call.log(LogLevel.WARNING),
        "log 4",
        reply("+OK log level 4 [4]"),
        (NOT_FOUND, "-ERR permission denied", "-ERR invalid log level"),
    ),
    Said(
        "log-by-name",
        lambda call: call.log("debug"),
        "log debug",
        reply("+OK log level debug [7]"),
        (NOT_FOUND, "-ERR permission denied", "-ERR invalid log level"),
    ),
    Said("nolog", lambda call: call.nolog(), "nolog", reply("+OK no longer logging"), (NOT_FOUND, "-ERR not loging")),
    Said("getvar", lambda call: call.getvar("uuid"), "getvar uuid", reply(CHANNEL), (NOT_FOUND,), CHANNEL),
    Said(
        "linger",
        lambda call: call.linger(59.5),
        "linger 60",
        reply("+OK will linger 60 seconds"),
        (NOT_FOUND, "-ERR not controlling a session"),
    ),
    Said("resume", lambda call: call.resume(), "resume", OK, (NOT_FOUND,)),
    Said(
        "connect",
        connected_channel,
        "connect",
        connect_reply(sequence=2000, x="2"),
        (NOT_FOUND,),
        ("2", "2"),
    ),
]


async def play(attempt: Attempt, command: str, answer: bytes) -> object:
    """Let a handler attempt something that says one command; give what came of it."""
    outcomes: list[object] = []

    class Handler(CallHandler):
        async def run(self) -> None:
            try:
                outcomes.append(await attempt(self))
            except EslOutboundError as exc:
                outcomes.append(exc)

    async with dial(Handler) as switch:
        await switch.greet()
        await switch.expect(command)
        await switch.send(answer)
        await switch.hang_up_as_told()
        await switch.expect_exit()
    (outcome,) = outcomes
    return outcome


@pytest.mark.parametrize("said", COMMANDS, ids=lambda said: said.name)
async def test_a_command_is_said_and_answered(said: Said) -> None:
    assert await play(said.attempt, said.command, said.answer) == said.gives


@pytest.mark.parametrize(
    ("said", "refusal"),
    [pytest.param(said, refusal, id=f"{said.name} {refusal}") for said in COMMANDS for refusal in said.refusals],
)
async def test_a_refusal_is_raised_with_freeswitchs_words(said: Said, refusal: str) -> None:
    error = await play(said.attempt, said.command, reply(refusal))
    assert isinstance(error, CommandRejected)
    assert error.reply.text == refusal
    assert error.command.encode().partition(b"\n\n")[0].decode() == said.command.partition("\n\n")[0]
    first_line = said.command.partition("\n")[0]
    assert str(error) == f"FreeSWITCH refused {first_line}: {refusal}"


@pytest.mark.parametrize("refusal", [NO_SESSION, MEMORY, NOT_FOUND])
async def test_an_application_that_is_refused_raises(refusal: str) -> None:
    """``-ERR memory error`` is what comes when 256 messages wait for a session."""
    errors: list[CommandRejected] = []

    class Handler(CallHandler):
        async def run(self) -> None:
            with pytest.raises(CommandRejected) as caught:
                await self.execute("answer")
            errors.append(caught.value)
            execution = await self.start("playback", "a.wav")
            with pytest.raises(CommandRejected):
                await execution.accepted()

    async with dial(Handler) as switch:
        await switch.greet()
        for application in ("answer", "playback"):
            command = await switch.read_command()
            assert command.startswith(f"sendmsg\ncall-command: execute\nexecute-app-name: {application}\nEvent-UUID: ")
            await switch.send(reply(refusal))
        await switch.hang_up_as_told()
        await switch.expect_exit()
    assert errors[0].reply.text == refusal


@pytest.mark.parametrize("refusal", [NO_SESSION, MEMORY])
async def test_a_hangup_that_is_refused_raises_and_is_not_taken_for_one(refusal: str) -> None:
    records: list[CallRecord] = []
    cancelled: list[bool] = []

    class Handler(CallHandler):
        async def run(self) -> None:
            with pytest.raises(CommandRejected, match=re.escape(refusal)):
                await self.hangup("USER_BUSY")
            assert self.is_up
            try:
                await trio.sleep_forever()
            finally:
                # The caller's own hangup cancels at once: it is not the one that was asked for.
                cancelled.append(trio.current_effective_deadline() == -float("inf"))

        async def after_hangup(self, record: CallRecord) -> None:
            records.append(record)

    async with dial(Handler) as switch:
        await switch.greet()
        await switch.expect("sendmsg\ncall-command: hangup\nhangup-cause: USER_BUSY")
        await switch.send(reply(refusal))
        await trio.testing.wait_all_tasks_blocked()
        await switch.send(switch.hangup("ORIGINATOR_CANCEL"), switch.hangup_complete("ORIGINATOR_CANCEL"))
        await switch.expect_exit()
    assert cancelled == [True]
    assert [record.hangup_cause for record in records] == ["ORIGINATOR_CANCEL"]


async def test_a_call_whose_end_is_refused_is_let_go_of_and_its_hook_runs() -> None:
    endings: list[Ending] = []

    class Handler(CallHandler):
        async def run(self) -> None:
            pass

        async def after_hangup(self, record: CallRecord) -> None:
            endings.append(record.ending)

    async with dial(Handler) as switch:
        await switch.greet()
        await switch.expect("sendmsg\ncall-command: hangup\nhangup-cause: NORMAL_CLEARING")
        await switch.send(reply(MEMORY))
        await switch.expect_end()
    assert endings == [Ending.CONNECTION_LOST]


@pytest.mark.parametrize("refusal", [NO_SESSION, MEMORY])
async def test_xferext_sends_the_call_elsewhere_unless_it_is_refused(refusal: str) -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            with pytest.raises(CommandRejected, match=re.escape(refusal)):
                await self.xferext(("park", ""))
            await self.xferext(("set", "a=b"), ("park", ""))
            with pytest.raises(CallTransferred):
                await self.linger(60)

    async with dial(Handler) as switch:
        await switch.greet()
        await switch.expect("sendmsg\ncall-command: xferext\napplication: park")
        await switch.send(reply(refusal))
        await switch.expect("sendmsg\ncall-command: xferext\napplication: set a=b\napplication: park")
        await switch.send(OK, switch.event("CHANNEL_UNPARK"), switch.complete("foreign", "socket"))
        await switch.expect("nolinger", "noevents")
        await switch.stream.aclose()


# Jobs


@pytest.mark.parametrize("refusal", [NOT_FOUND, "-ERR permission denied"])
async def test_a_job_is_said_with_a_uuid_of_ours_and_may_be_refused(refusal: str) -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            assert (await (await self.bgapi("status"))).text == "UP\n"
            assert (await self.api("status")).text == "UP\n"
            for attempt in (self.bgapi, self.api):
                with pytest.raises(CommandRejected, match=f"FreeSWITCH refused bgapi status: {refusal}"):
                    await attempt("status")

    async with dial(Handler) as switch:
        await switch.greet()
        await switch.run_job("status", "UP\n")
        await switch.run_job("status", "UP\n")
        for _ in range(2):
            assert re.fullmatch(r"bgapi status\nJob-UUID: [0-9a-f-]{36}", await switch.read_command())
            await switch.send(reply(refusal))
        await switch.hang_up_as_told()
        await switch.expect_exit()


# What the framework says itself


async def test_linger_lengthens_and_nolinger_gives_back_what_it_lengthened() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            await self.linger(60)
            await self.linger(60)  # it does so already
            await self.nolinger()
            await self.nolinger()
            await self.linger(5)  # the hooks need 14 s
            await self.hand_over(Patient())
            with pytest.raises(LocalProtocolError, match="seconds is -1, and should be"):
                await self.linger(-1)

    class Patient(CallHandler):
        after_hangup_seconds = 90

        async def run(self) -> None:
            await self.linger(3)
            await self.linger(200)
            await self.nolinger()

        async def after_hangup(self, record: CallRecord) -> None:
            pass

    async with dial(Handler) as switch:
        await switch.greet()
        for seconds in (60, 14, 94, 200, 94):
            await switch.expect(f"linger {seconds}")
            await switch.send(reply(f"+OK will linger {seconds} seconds"))
        await switch.hang_up_as_told()
        await switch.expect_exit()


@pytest.mark.parametrize("method", ["linger", "nolinger"])
async def test_a_linger_that_came_too_late_is_not_said(method: str) -> None:
    """``linger`` with a time closes the socket at once when the hangup was before it."""

    class Handler(CallHandler):
        async def run(self) -> None:
            handlers.append(self)
            await trio.sleep_forever()

        async def after_hangup(self, record: CallRecord) -> None:
            with pytest.raises(CallHungUp):
                await (self.linger(60) if method == "linger" else self.nolinger())

    handlers: list[CallHandler] = []
    async with dial(Handler) as switch:
        await switch.greet()
        await switch.send(switch.hangup(), switch.hangup_complete(), LINGER_NOTICE)
        await switch.expect_exit()


async def test_noevents_takes_back_all_that_was_asked_for_beside_what_the_framework_lives_on() -> None:
    class Handler(CallHandler):
        subscriptions = ("RECORD_STOP", "CUSTOM of::the_class")

        async def run(self) -> None:
            await self.subscribe("CHANNEL_ANSWER", "PLAYBACK_START", "CUSTOM a::b")
            await self.unsubscribe("PLAYBACK_START")
            async with self.events("HEARTBEAT"):
                with pytest.raises(LocalProtocolError, match="noevents while somebody observes events"):
                    await self.noevents()
            await self.noevents()
            await self.noevents()  # nothing is left

    answer = reply("+OK event listener enabled plain")
    async with dial(Handler) as switch:
        await switch.expect(
            "connect", "myevents", "linger 14", "event plain BACKGROUND_JOB RECORD_STOP CUSTOM of::the_class"
        )
        await switch.send(connect_reply(), OK, OK, answer)
        await switch.expect("event plain CHANNEL_ANSWER PLAYBACK_START CUSTOM a::b")
        await switch.send(answer)
        await switch.expect("nixevent PLAYBACK_START")
        await switch.send(reply("+OK events nixed"))
        await switch.expect("event plain HEARTBEAT")
        await switch.send(answer)
        await switch.expect("nixevent HEARTBEAT RECORD_STOP CUSTOM a::b of::the_class")
        await switch.send(reply("+OK events nixed"))
        await switch.hang_up_as_told()
        await switch.expect_exit()


async def test_noevents_after_all_events_leaves_the_framework_its_own() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            await self.subscribe("ALL")
            await self.noevents()

    async with dial(Handler) as switch:
        await switch.greet()
        await switch.expect("event plain ALL")
        await switch.send(reply("+OK event listener enabled plain"))
        command, *names = (await switch.read_command()).split()
        await switch.send(reply("+OK events nixed"))
        await switch.hang_up_as_told()
        await switch.expect_exit()
    assert command == "nixevent"
    assert {"HEARTBEAT", "CHANNEL_CALLSTATE", "RE_SCHEDULE", "API", "RECORD_STOP"} <= set(names)
    kept = {"CHANNEL_EXECUTE_COMPLETE", "CHANNEL_HANGUP", "DTMF", "BACKGROUND_JOB", "ALL", "CUSTOM"}
    assert kept.isdisjoint(names)


async def test_noevents_takes_back_what_is_left_of_all_events() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            await self.subscribe("ALL")
            await self.unsubscribe("HEARTBEAT")
            await self.noevents()
            await self.subscribe("ALL", "RECORD_START")
            await self.unsubscribe("ALL")
            await self.noevents()  # nothing is left

    async with dial(Handler) as switch:
        await switch.greet()
        said = []
        for answer in ("+OK event listener enabled plain", "+OK events nixed") * 2:
            said.append(await switch.read_command())
            await switch.send(reply(answer))
            if len(said) == 2:
                said.append(await switch.read_command())
                await switch.send(reply("+OK events nixed"))
        await switch.hang_up_as_told()
        await switch.expect_exit()
    left = said.pop(2).split()
    assert said == ["event plain ALL", "nixevent HEARTBEAT", "event plain ALL RECORD_START", "nixevent ALL"]
    assert left[0] == "nixevent"
    assert {"API", "RECORD_STOP"} <= set(left)
    assert "HEARTBEAT" not in left


@pytest.mark.parametrize("refusal", [NOT_FOUND, "-ERR not listening for events", "-ERR no keywords supplied"])
async def test_a_refused_noevents_raises(refusal: str) -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            await self.subscribe("HEARTBEAT")
            for _ in range(2):  # it was not done, and can be asked for again
                with pytest.raises(CommandRejected, match=refusal):
                    await self.noevents()

    async with dial(Handler) as switch:
        await switch.greet()
        await switch.expect("event plain HEARTBEAT")
        await switch.send(reply("+OK event listener enabled plain"))
        for _ in range(2):
            await switch.expect("nixevent HEARTBEAT")
            await switch.send(reply(refusal))
        await switch.hang_up_as_told()
        await switch.expect_exit()


async def test_events_go_on_in_the_format_that_myevents_asked_for() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            await self.myevents(EventFormat.JSON)
            await self.subscribe("RECORD_START")
            async with self.events("RECORD_STOP") as events:
                event = await events.get()
                assert (event.format, event["Unique-ID"]) == (EventFormat.JSON, CHANNEL)

    json = f'{{"Event-Name":"RECORD_STOP","Unique-ID":"{CHANNEL}"}}'.encode()
    async with dial(Handler) as switch:
        await switch.greet()
        for name in ("BACKGROUND_JOB", "RECORD_START", "RECORD_STOP"):
            await switch.expect(f"event json {name}")
            await switch.send(reply("+OK event listener enabled json"))
        await switch.send(b"Content-Length: %d\nContent-Type: text/event-json\n\n%s" % (len(json), json))
        await switch.hang_up_as_told()
        await switch.expect_exit()


async def test_exit_leaves_the_call_to_its_dialplan_once_that_is_safe() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            await self.exit()
            with pytest.raises(CallReleased):
                await self.exit()

    async with dial(Handler) as switch:
        await switch.greet()
        uuid = await switch.expect_execute("set", "esl_outbound=left")
        await switch.send(switch.execute(uuid, "set"))
        await switch.expect("exit")
        await switch.send(reply("+OK bye"))
        await switch.stream.aclose()


async def test_nolog_leaves_those_their_lines_who_read_them() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            async with self.log_lines("warning") as lines:
                await self.nolog()
                assert (await lines.get()).text == "one\n"

    async with dial(Handler) as switch:
        await switch.greet()
        await switch.expect("log warning")
        await switch.send(reply("+OK log level warning [4]"))
        await switch.send(b"Content-Type: log/data\nContent-Length: 4\nLog-Level: 4\nUser-Data: \n\none\n")
        await switch.expect("nolog")
        await switch.send(reply("+OK no longer logging"))
        await switch.hang_up_as_told()
        await switch.expect_exit()


def log_line(level: int, text: str) -> bytes:
    return b"Content-Type: log/data\nContent-Length: %d\nLog-Level: %d\nUser-Data: \n\n%s" % (
        len(text),
        level,
        text.encode(),
    )


async def test_readers_of_the_log_share_one_level_and_each_has_his_own_lines(caplog: pytest.LogCaptureFixture) -> None:
    read: list[str] = []

    class Handler(CallHandler):
        async def run(self) -> None:
            await self.log("notice")
            async with self.log_lines("debug") as all_lines:
                async with self.log_lines("err") as errors:
                    read.extend([(await all_lines.get()).text, (await errors.get()).text])
                async with self.log_lines("warning"):
                    pass
            await self.nolog()

    caplog.set_level("DEBUG", "esl_outbound.freeswitch")
    async with dial(Handler) as switch:
        await switch.greet()
        await switch.expect("log notice")
        await switch.send(reply("+OK log level notice [5]"))
        await switch.expect("log debug")
        await switch.send(reply("+OK log level debug [7]"))
        # Whoever wants less takes nothing from those who want more.
        await switch.expect("log 7")
        await switch.send(reply("+OK log level 7 [7]"), log_line(7, "fine\n"), log_line(3, "bad\n"))
        await switch.expect("log 7")
        await switch.send(reply("+OK log level 7 [7]"))
        # The last one who wanted more has left.
        await switch.expect("log 5")
        await switch.send(reply("+OK log level 5 [5]"))
        await switch.expect("nolog")
        await switch.send(reply("+OK no longer logging"))
        await switch.hang_up_as_told()
        await switch.expect_exit()
    assert read == ["fine\n", "bad\n"]
    assert [record.message for record in caplog.records if record.name == "esl_outbound.freeswitch"] == [
        f"channel {CHANNEL}: bad"
    ]


async def test_nolog_leaves_readers_what_they_want_and_no_more() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            await self.log("debug")
            async with self.log_lines("warning"):
                await self.nolog()

    async with dial(Handler) as switch:
        await switch.greet()
        await switch.expect("log debug")
        await switch.send(reply("+OK log level debug [7]"))
        await switch.expect("log 7")
        await switch.send(reply("+OK log level 7 [7]"))
        await switch.expect("log 4")
        await switch.send(reply("+OK log level 4 [4]"))
        await switch.expect("nolog")
        await switch.send(reply("+OK no longer logging"))
        await switch.hang_up_as_told()
        await switch.expect_exit()


async def test_whoever_reads_the_log_may_leave_the_call_to_its_dialplan() -> None:
    left: list[str] = []

    class Handler(CallHandler):
        async def run(self) -> None:
            async with self.log_lines("warning"):
                await self.exit()
            left.append("quietly")

    async with dial(Handler) as switch:
        await switch.greet()
        await switch.expect("log warning")
        await switch.send(reply("+OK log level warning [4]"))
        uuid = await switch.expect_execute("set", "esl_outbound=left")
        await switch.send(switch.execute(uuid, "set"))
        await switch.expect("exit")
        await switch.send(reply("+OK bye"))
        await switch.stream.aclose()
    assert left == ["quietly"]


async def test_what_cannot_be_said_is_refused_before_it_is_sent() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            attempts: list[Callable[[], Awaitable[object]]] = [
                partial(self.api, "", as_job=False),
                partial(self.api, "status\nevent plain ALL", as_job=False),
                partial(self.bgapi, "status\n\nexit"),
                partial(self.subscribe),
                partial(self.subscribe, "CUSTOM"),
                partial(self.unsubscribe, "A B"),
                partial(self.filter, "A", ""),
                partial(self.filter, "A", "b\n\nexit"),
                partial(self.filter, "A b", "c"),
                partial(self.delete_filter, None, "c"),
                partial(self.delete_filter, "all"),
                partial(self.send_event, "CUSTOM", {"a\n": "b"}),
                partial(self.send_event, "CUSTOM", {"a": "b\r"}),
                partial(self.send_event, "CUSTOM", {"content-length": "7"}),
                partial(self.send_msg, {"a": ""}),
                partial(self.nomedia, "two words"),
                partial(self.unicast, local_port=0),
                partial(self.xferext),
                partial(self.log, "nonsense"),
                partial(self.log, 9),
                partial(self.getvar, "a\nb"),
                partial(self.linger, float("nan")),
            ]
            for attempt in attempts:
                with pytest.raises(LocalProtocolError):
                    await attempt()

    async with dial(Handler) as switch:
        await switch.greet()
        await switch.hang_up_as_told()
        await switch.expect_exit()


# The dialplan's flags


WITHOUT_FULL: list[tuple[str, Attempt]] = [
    ("api", lambda call: call.api("status")),
    ("api", lambda call: call.api("status", as_job=False)),
    ("bgapi", lambda call: call.bgapi("status")),
    ("event", lambda call: call.subscribe("HEARTBEAT")),
    ("nixevent", lambda call: call.unsubscribe("HEARTBEAT")),
    ("noevents", lambda call: call.noevents()),
    ("myevents", lambda call: call.myevents(EventFormat.JSON)),
    ("sendevent", lambda call: call.send_event("CUSTOM")),
    ("log", lambda call: call.log()),
    ("nolog", lambda call: call.nolog()),
    ("linger", lambda call: call.linger(60)),
    ("nolinger", lambda call: call.nolinger()),
]


async def in_mode(mode: str, run: Callable[[Call], Awaitable[None]], *commands: str, control: str) -> ScriptedSwitch:
    class Handler(CallHandler):
        async def run(self) -> None:
            await run(self)

    async with dial(Handler) as switch:
        replies = OK + (OK + OK if control == "full" else REFUSED + REFUSED)
        await switch.greet(connect_reply(mode, control), replies)
        for command in commands:
            await switch.expect(command)
            await switch.send(connect_reply(mode, control, 2000) if command == "connect" else OK)
        await switch.expect("sendmsg\ncall-command: hangup\nhangup-cause: NORMAL_CLEARING")
        await switch.send(OK, switch.hangup(), switch.hangup_complete(), LINGER_NOTICE)
        await switch.expect_exit()
    return switch


@pytest.mark.parametrize(("mode", "line"), [("static", FULL), ("async", ASYNC_FULL)])
async def test_what_needs_full_says_the_line_that_would_allow_it(mode: str, line: str) -> None:
    async def run(call: Call) -> None:
        for what, attempt in WITHOUT_FULL:
            with pytest.raises(NotPermitted) as caught:
                await attempt(call)
            assert (caught.value.what, caught.value.dialplan_line) == (what, line)
            assert str(caught.value) == (
                f"{what} is not allowed on this socket; the dialplan line would have to be {line}"
            )

    await in_mode(mode, run, control="single-channel")


@pytest.mark.parametrize("mode", ["static", "async"])
async def test_what_needs_no_full_works_without_it(mode: str) -> None:
    async def run(call: Call) -> None:
        await call.filter("A", "b")
        await call.delete_filter()
        await call.divert_events()
        await call.getvar("uuid")
        await call.refresh()
        await call.nomedia("other")
        await call.send_msg({"call-command": "hangup"}, channel_uuid="other")
        if mode == "async":
            await call.resume()

    await in_mode(
        mode,
        run,
        "filter add A b",
        "filter delete all",
        "divert_events on",
        "getvar uuid",
        "connect",
        "sendmsg\ncall-command: nomedia\nnomedia-uuid: other",
        "sendmsg other\ncall-command: hangup",
        *(["resume"] if mode == "async" else []),
        control="single-channel",
    )


@pytest.mark.parametrize(
    ("control", "line"),
    [
        ("full", ASYNC_FULL),
        ("single-channel", '<action application="socket" data="127.0.0.1:8084 async"/>'),
    ],
)
async def test_without_async_resume_is_not_said_for_it_would_leave_the_caller_stuck(control: str, line: str) -> None:
    async def run(call: Call) -> None:
        with pytest.raises(NotPermitted) as caught:
            await call.resume()
        assert (caught.value.what, caught.value.dialplan_line) == ("resume", line)

    await in_mode("static", run, control=control)


# The connection's end


@pytest.mark.parametrize("said", COMMANDS, ids=lambda said: said.name)
async def test_a_command_that_the_connections_end_leaves_unanswered_was_sent(said: Said) -> None:
    errors: list[ConnectionLost] = []

    class Handler(CallHandler):
        async def run(self) -> None:
            for progress in (Progress.SENT, Progress.NOT_SENT):
                with trio.CancelScope(shield=True), pytest.raises(ConnectionLost) as caught:
                    await said.attempt(self)
                assert caught.value.progress is progress
                errors.append(caught.value)

    async with dial(Handler) as switch:
        await switch.greet()
        await switch.expect(said.command)
        await switch.stream.aclose()
    assert len(errors) == 2
