"""``originate``: the exact lines, what reaches FreeSWITCH of hostile data, what it answers, and calls given up."""

from __future__ import annotations

import itertools
import re
from typing import Unpack

import pytest
import trio
import trio.testing

from esl_outbound import (
    ApiFailed,
    Application,
    CallHandler,
    CallHungUp,
    CommandRejected,
    DialLeg,
    DialString,
    Disconnected,
    Expand,
    HangupCause,
    LocalProtocolError,
    NotPermitted,
    OriginateFailed,
    Progress,
)
from esl_outbound.api.originating import CallOptions, Target
from esl_outbound.arguments.dial_strings import Destination
from esl_outbound.client import Switch
from esl_outbound.client.switch import opened
from esl_outbound.testing.destinations import dial_strings
from esl_outbound.testing.expansion import expand, separate

from ..client.scripted import ACCEPTED, AUTH_REQUEST, EVENTS_ENABLED, ScriptedPort, connected, reply
from ..freeswitch import LINGER_NOTICE, ScriptedSwitch, connect_reply, dial

HOSTILE = (
    'it\'s "quoted"',
    "a b  c ",
    " leading",
    "${system(reboot)}",
    "$${domain} ${caller_id_name}",
    "\\${x} \\\\ \\n \\' \\",
    "a)b(c)",
    "a^b^c:d,e|f",
    "'",
    "''",
    "two\nlines\r\n and a\ttab",
    "&park()",
    "%[a=b]x",
    "^^;x;y",
    "m:^:park",
    "undef",
    "caf\u00e9 \udce9",
)


def hostile_texts() -> list[str]:
    return [*HOSTILE, *("".join(pair) for pair in itertools.permutations(HOSTILE, 2))]


class Options(CallOptions, total=False):
    dialplan: str
    context: str


async def line_of(destination: Destination, target: Target, **options: Unpack[Options]) -> str:
    """What is said to FreeSWITCH, without the token."""
    lines: list[str] = []
    async with connected() as (switch, server), trio.open_nursery() as nursery:

        async def answer() -> None:
            lines.append(await read_originate(server, "+OK 7b1e\n"))

        nursery.start_soon(answer)
        assert await switch.originate(destination, target, **options) == "7b1e"
    return lines[0]


async def read_originate(server: ScriptedSwitch, printed: str | None) -> str:
    """Read the subscription and an ``originate``, accept it, and print, unless it is to ring on; gives the line."""
    if not server.received:
        await server.expect("event plain BACKGROUND_JOB")
        await server.send(EVENTS_ENABLED)
    _, line = await read_job(server, printed)
    token = re.search(r"esl_outbound_call=([0-9a-f-]{36})", line)
    assert token, line
    return line.replace(token[1], "TOKEN")


async def read_job(server: ScriptedSwitch, printed: str | None = None) -> tuple[str, str]:
    """Read a ``bgapi``, accept it, and print, if that is said."""
    command = await server.read_command()
    found = re.fullmatch(r"bgapi (.*)\nJob-UUID: (.*)", command)
    assert found, command
    await server.send(f"Content-Type: command/reply\nReply-Text: +OK Job-UUID: {found[2]}\n\n".encode())
    if printed is not None:
        await job_ends(server, found[2], printed)
    return found[2], found[1]


async def job_ends(server: ScriptedSwitch, job_uuid: str, printed: str) -> None:
    await server.send(server.event("BACKGROUND_JOB", printed, "", Job_UUID=job_uuid))


COMMON = "esl_outbound_call=TOKEN,originate_timeout=60,ignore_early_media=true"


@pytest.mark.parametrize(
    ("destination", "target", "options", "line"),
    [
        ("user/1001", "1000", {}, f"originate '{{{COMMON}}}user/1001' 1000"),
        (
            "user/1001",
            "1000",
            {"dialplan": "enum", "context": "public"},
            f"originate '{{{COMMON}}}user/1001' 1000 enum public",
        ),
        ("user/1001", "10 00", {"context": "it's"}, f"originate '{{{COMMON}}}user/1001' '10 00' XML 'it\\'s'"),
        ("user/1001", Application("park"), {}, f"originate '{{{COMMON}}}user/1001' '&park'"),
        (
            "user/1001",
            Application("playback", "welcome.wav"),
            {},
            f"originate '{{{COMMON}}}user/1001' '&playback(welcome.wav)'",
        ),
        (
            "user/1001",
            Application("playback", "a (b).wav"),
            {},
            f"originate '{{{COMMON}}}user/1001' 'm:^:\\'playback:a (b).wav\\'' inline",
        ),
        (
            "user/1001",
            [Application("playback", "a.wav"), Application("hangup")],
            {},
            f"originate '{{{COMMON}}}user/1001' 'm:^:playback:a.wav^hangup' inline",
        ),
        (
            "user/1001",
            Application("playback", Expand("${sounds_dir}/a.wav")),
            {},
            f"originate '{{{COMMON}}}user/1001' '&playback(%[]${{sounds_dir}}/a.wav)'",
        ),
        (
            "user/1001",
            Application("log", "INFO ${x}\nand"),
            {},
            f"originate '{{{COMMON}}}user/1001' '&log(INFO \\\\${{x}}\\nand)'",
        ),
        (
            ["user/1001", DialLeg("sofia/gateway/g/49", ring_seconds=9.5)],
            "1000",
            {"ring_seconds": 20, "ignore_early_media": False, "variables": {"sip_h_X-A": "a, b"}},
            "originate '{esl_outbound_call=TOKEN,originate_timeout=20,ignore_early_media=false,sip_h_X-A=a\\\\, b}"
            "user/1001,[leg_timeout=10]sofia/gateway/g/49' 1000",
        ),
        (
            DialString.in_turn("user/1001", "user/1002", variables={"a": "b"}),
            "1000",
            {},
            f"originate '{{{COMMON},originate_continue_on_timeout=true,a=b}}user/1001|user/1002' 1000",
        ),
        (
            "loopback/1000",
            "1000",
            {"channel_uuid": "c0ffee", "caller_id_name": "Ada L.", "caller_id_number": "1000"},
            f"originate '{{{COMMON},origination_uuid=c0ffee,origination_caller_id_name=Ada L.,"
            "origination_caller_id_number=1000}loopback/1000' 1000",
        ),
        (
            "user/1001",
            "1000",
            {"caller_id_name": "Ada {the} first's", "caller_id_number": "1"},
            f"originate '{{{COMMON},origination_caller_id_number=1}}user/1001'"
            " 1000 XML default 'Ada {the} first\\'s'",
        ),
        (
            "user/1001",
            Application("park"),
            {"caller_id_name": "undef", "caller_id_number": "1}"},
            f"originate '{{{COMMON},origination_caller_id_name=undef}}user/1001' '&park' XML default undef '1}}'",
        ),
        (
            Expand("{a=b}sofia/${x}/1,[c=d]user/1"),
            "1000",
            {},
            f"originate '{{{COMMON}}}{{a=b}}sofia/${{x}}/1,[c=d]user/1' 1000",
        ),
    ],
)
async def test_what_is_said(
    destination: Destination,
    target: Target,
    options: Options,
    line: str,
    autojump_clock: trio.testing.MockClock,
) -> None:
    assert await line_of(destination, target, **options) == line


async def read_by_freeswitch(line: str) -> list[str]:
    """The words that originate_function() makes of a line."""
    found = separate(line.removeprefix("originate "), limit=10)
    assert 2 <= len(found) <= 7
    return found


async def expanded(argument: str) -> str:
    """What an application gets."""

    async def nothing(name: str, argument: str) -> str:
        raise AssertionError(f"{name} {argument} was run")

    return await expand(argument, variable=lambda name: None, api=nothing, global_variable=lambda name: None)


def lines_of(targets: list[Target]) -> list[str]:
    found: list[str] = []

    async def collect() -> None:
        async with connected() as (switch, server), trio.open_nursery() as nursery:

            async def play() -> None:
                found.append(await read_originate(server, "+OK 1\n"))
                for _ in targets[1:]:
                    found.append((await read_job(server, "+OK 1\n"))[1])

            nursery.start_soon(play)
            for target in targets:
                await switch.originate("user/1001", target)

    trio.run(collect, clock=trio.testing.MockClock(autojump_threshold=0))
    return found


def test_whatever_an_application_is_given_reaches_it_as_it_is() -> None:
    texts = hostile_texts()
    for text, line in zip(texts, lines_of([Application("log", text) for text in texts]), strict=True):
        assert "\n" not in line
        assert trio.run(argument_of, line) == [("log", text)], text


def test_whatever_several_applications_are_given_reaches_them_as_it_is() -> None:
    texts = hostile_texts()
    lines = lines_of(
        [[Application("log", text), Application("park"), Application("set", f"x={text}")] for text in texts]
    )
    for text, line in zip(texts, lines, strict=True):
        log, park, setting = trio.run(argument_of, line)
        assert (log, park) == (("log", text), ("park", ""))
        # `set` expands the value once more, by itself.
        assert trio.run(expanded, setting[1].removeprefix("x=")) == text


async def argument_of(line: str) -> list[tuple[str, str]]:
    """The applications that are run, and what they get, as originate_function() or inline_dialplan_hunt() reads it."""
    _, extension, *dialplan = await read_by_freeswitch(line)
    if dialplan:
        assert dialplan == ["inline"]
        assert extension[:4] == "m:^:"
        actions = [each.partition(":") for each in separate(extension[4:], "^", 128)]
        found = [(name.lstrip(" "), argument) for name, _, argument in actions]
    else:
        name, _, argument = extension.removeprefix("&").partition(")")[0].partition("(")
        found = [(name, argument)]
    # A %[] in front stands for no variables (switch_core_session_exec()).
    return [(name, (await expanded(argument)).removeprefix("%[]")) for name, argument in found]


def test_no_callers_name_becomes_more_than_a_name() -> None:
    async def check(name: str) -> None:
        line = await line_of("loopback/1000", "1000", caller_id_name=name, caller_id_number=name)
        url, extension, *more = await read_by_freeswitch(line)
        assert extension == "1000"
        (only,) = dial_strings(url)
        assert [[leg.destination for leg in group] for group in only.groups] == [["loopback/1000"]]
        shown = "".join(max(c, " ") for c in name).strip()
        assert next(each for each in (only.get("origination_caller_id_name"), *more[2:]) if each) == shown

    for text in (*HOSTILE, "a}b{c", "x'y'z", ":_:", "a,b"):
        trio.run(check, text, clock=trio.testing.MockClock(autojump_threshold=0))


@pytest.mark.parametrize(
    ("destination", "target", "options", "reason"),
    [
        ("1001", "1000", {}, "destination is '1001', and should be <endpoint>/<address>"),
        ("user/1001,user/1002", "1000", {}, "in one word"),
        ([], "1000", {}, "should be 1 to 128 destinations"),
        ("user/1001", "", {}, "extension is '', and should be one of a dialplan"),
        ("user/1001", "&park()", {}, "or an Application"),
        ("user/1001", "undef", {}, "extension is 'undef', which originate takes for none at all"),
        ("user/1001", "1000", {"dialplan": "UNDEF"}, "dialplan is 'UNDEF'"),
        ("user/1001", "1000", {"context": "Undef"}, "context is 'Undef'"),
        ("user/1001", "10\n00", {}, "cannot hold line breaks"),
        ("user/1001", [], {}, "0 applications are to be run"),
        ("user/1001", [Application("park")] * 129, {}, "129 applications are to be run"),
        ("user/1001", Application("play:back"), {}, "application is 'play:back', and should be one word"),
        ("user/1001", Application("system)"), {}, "should be one word"),
        ("user/1001", Application("log", "a\0b"), {}, "line"),
        ("user/1001", Application("multiset", "a=b"), {}, "multiset expands what it is given"),
        ("user/1001", "1000", {"ring_seconds": 0}, "ring_seconds is 0, and should be a number of seconds"),
        ("user/1001", "1000", {"channel_uuid": "a}b"}, "channel_uuid is 'a}b', and should be one word"),
        (["user/1", "user/2"], "1000", {"channel_uuid": "x"}, "channel_uuid is 'x', and 2 channels are to be made"),
        ("user/1001", "1000", {"variables": {"a b": "c"}}, "'a b' cannot be the name"),
        ("user/1001", "1000", {"variables": {"x": "a}b"}}, "x cannot be 'a}b': a dial string cannot hold that"),
        ("user/1001", "1000", {"variables": {"x": "a\nb"}}, "a dial string cannot hold that"),
        (DialString.at_once("user/1", variables={"x": Expand("${y}")}), "1000", {}, "a dial string cannot hold that"),
        (
            DialString.at_once("user/1", variables={"origination_caller_id_name": Expand("${y}")}),
            "1000",
            {},
            "cannot hold",
        ),
        ("user/1001", "1000", {"variables": {"ESL_outbound_call": "x"}}, "is a variable of ours"),
        (DialLeg("user/1", variables={"esl_outbound_call": "x"}), "1000", {}, "is a variable of ours"),
        (DialString.at_once("user/1", variables={"esl_outbound_call": "x"}), "1000", {}, "is a variable of ours"),
        (Expand("user/1:_:user/2"), "1000", {}, "one dial string"),
        (Expand("<a=b>user/1"), "1000", {}, "one dial string"),
        (Expand("user/1\nuser/2"), "1000", {}, "cannot hold line breaks"),
    ],
)
async def test_what_cannot_be_said_is_refused_before_anything_is_sent(
    destination: Destination,
    target: Target,
    options: Options,
    reason: str,
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with connected() as (switch, server):
        with pytest.raises(LocalProtocolError, match=re.escape(reason)):
            await switch.originate(destination, target, **options)
        assert not server.received


# What FreeSWITCH answers


@pytest.mark.parametrize(
    ("printed", "cause"),
    [
        ("-ERR USER_BUSY\n", HangupCause.USER_BUSY),
        ("-ERR NO_ANSWER\n", HangupCause.NO_ANSWER),
        ("-ERR SUBSCRIBER_ABSENT\n", HangupCause.SUBSCRIBER_ABSENT),
        ("-ERR SOME_NEW_CAUSE\n", "SOME_NEW_CAUSE"),
    ],
)
async def test_nobody_was_reached(printed: str, cause: str, autojump_clock: trio.testing.MockClock) -> None:
    async with connected() as (switch, server), trio.open_nursery() as nursery:
        nursery.start_soon(read_originate, server, printed)
        with pytest.raises(OriginateFailed) as caught:
            await switch.originate("user/1001", "1000")
    assert caught.value.hangup_cause == cause
    assert isinstance(caught.value.hangup_cause, HangupCause) == (cause != "SOME_NEW_CAUSE")
    assert caught.value.command.startswith("originate '{esl_outbound_call=")
    assert str(caught.value) == f"originate failed: {printed.strip()}"


@pytest.mark.parametrize(
    "printed",
    [
        "-USAGE: <call url> <exten>|&<application_name>(<app_args>) [<dialplan>] [<context>] [<cid_name>] [<cid_num>]"
        " [<timeout_sec>]\n",
        "-ERR originate Command not found!\n",
        "",
        "+OK\n",
    ],
)
async def test_what_was_not_understood_is_another_error(printed: str, autojump_clock: trio.testing.MockClock) -> None:
    async with connected() as (switch, server), trio.open_nursery() as nursery:
        nursery.start_soon(read_originate, server, printed)
        with pytest.raises(ApiFailed) as caught:
            await switch.originate("user/1001", "1000")
    assert not isinstance(caught.value, OriginateFailed)
    assert caught.value.response.text == printed


async def test_a_user_who_may_not_place_calls(autojump_clock: trio.testing.MockClock) -> None:
    async with connected() as (switch, server), trio.open_nursery() as nursery:

        async def refuse() -> None:
            await server.expect("event plain BACKGROUND_JOB")
            await server.send(EVENTS_ENABLED)
            await server.read_command()
            await server.send(reply("-ERR permission denied"))

        nursery.start_soon(refuse)
        with pytest.raises(CommandRejected, match="permission denied"):
            await switch.originate("user/1001", "1000")


# Calls given up


async def cancel_while_it_rings(
    switch: Switch, server: ScriptedSwitch, nursery: trio.Nursery
) -> tuple[str, str, trio.Event]:
    """Place a call, and give it up while it rings: gives the job, the token, and what is set when that has returned."""
    given_up = trio.Event()
    scope = trio.CancelScope()

    async def originate() -> None:
        with scope:
            await switch.originate(["user/1001", "user/1002"], "1000")
        assert scope.cancelled_caught
        given_up.set()

    nursery.start_soon(originate)
    await server.expect("event plain BACKGROUND_JOB")
    await server.send(EVENTS_ENABLED)
    job, line = await read_job(server)
    token = re.search(r"esl_outbound_call=([^,]+),", line)
    assert token
    await trio.testing.wait_all_tasks_blocked()
    scope.cancel()
    return job, token[1], given_up


async def test_a_call_that_is_given_up_ends_its_legs_and_no_others(autojump_clock: trio.testing.MockClock) -> None:
    async with connected() as (switch, server), trio.open_nursery() as nursery:
        job, token, given_up = await cancel_while_it_rings(switch, server, nursery)
        hangup, line = await read_job(server)
        assert line == f"hupall ORIGINATOR_CANCEL esl_outbound_call {token}"
        printed = f"+OK hangup all channels matching [esl_outbound_call]=[{token}] with cause: ORIGINATOR_CANCEL\n"
        await job_ends(server, hangup, printed)
        await trio.testing.wait_all_tasks_blocked()
        assert not given_up.is_set()
        await job_ends(server, job, "-ERR ORIGINATOR_CANCEL\n")
        await given_up.wait()
        assert not server.received


async def test_who_rings_next_in_turn_is_hung_up_too(autojump_clock: trio.testing.MockClock) -> None:
    async with connected() as (switch, server), trio.open_nursery() as nursery:
        job, token, given_up = await cancel_while_it_rings(switch, server, nursery)
        for _ in range(3):
            assert (await read_job(server, "+OK ...\n"))[1] == f"hupall ORIGINATOR_CANCEL esl_outbound_call {token}"
        await job_ends(server, job, "-ERR ORIGINATOR_CANCEL\n")
        await given_up.wait()


async def test_who_answers_while_the_call_is_given_up_is_hung_up(autojump_clock: trio.testing.MockClock) -> None:
    async with connected() as (switch, server), trio.open_nursery() as nursery:
        job, token, given_up = await cancel_while_it_rings(switch, server, nursery)
        first, _ = await read_job(server)
        await job_ends(server, job, "+OK 7b1e\n")
        await job_ends(server, first, "+OK ...\n")
        assert (await read_job(server, "+OK ...\n"))[1] == f"hupall ORIGINATOR_CANCEL esl_outbound_call {token}"
        await given_up.wait()


async def test_giving_up_takes_no_longer_than_it_may(
    autojump_clock: trio.testing.MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    async with connected() as (switch, server), trio.open_nursery() as nursery:
        _, _, given_up = await cancel_while_it_rings(switch, server, nursery)
        began = trio.current_time()
        await given_up.wait()
        assert trio.current_time() - began == 2.5
        await server.read_command()
    assert "a call that is not wanted any more did not end within 2.5 s" in caplog.text


async def test_who_may_not_hang_up_is_told_that_the_call_goes_on(
    autojump_clock: trio.testing.MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    async with connected() as (switch, server), trio.open_nursery() as nursery:
        _, _, given_up = await cancel_while_it_rings(switch, server, nursery)
        await server.read_command()
        await server.send(reply("-ERR permission denied"))
        await given_up.wait()
    assert "a call that is not wanted any more goes on: FreeSWITCH refused bgapi hupall" in caplog.text


async def test_what_is_cancelled_before_it_is_said_costs_nothing(autojump_clock: trio.testing.MockClock) -> None:
    async with connected() as (switch, server):
        with trio.CancelScope() as scope:
            scope.cancel()
            await switch.originate("user/1001", "1000")
        assert scope.cancelled_caught
        assert not server.received


async def test_who_gives_up_before_the_job_is_accepted_hangs_up_too(autojump_clock: trio.testing.MockClock) -> None:
    async with connected() as (switch, server), trio.open_nursery() as nursery:
        with trio.CancelScope() as scope:

            async def play() -> None:
                await server.expect("event plain BACKGROUND_JOB")
                await server.send(EVENTS_ENABLED)
                command = await server.read_command()
                scope.cancel()
                await trio.testing.wait_all_tasks_blocked()
                job = command.rpartition(" ")[2]
                await server.send(f"Content-Type: command/reply\nReply-Text: +OK Job-UUID: {job}\n\n".encode())
                assert (await read_job(server, "+OK ...\n"))[1].startswith(
                    "hupall ORIGINATOR_CANCEL esl_outbound_call "
                )
                await job_ends(server, job, "-ERR ORIGINATOR_CANCEL\n")

            nursery.start_soon(play)
            await switch.originate("user/1001", "1000")
        assert scope.cancelled_caught


async def test_who_gives_up_before_the_job_is_accepted_does_not_wait_for_ever(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with connected() as (switch, server):
        with trio.move_on_after(1) as scope:
            await switch.originate("user/1001", "1000")
        assert scope.cancelled_caught
        assert trio.current_time() == 3.5
        await server.expect("event plain BACKGROUND_JOB")
        await server.expect("nixevent BACKGROUND_JOB")


async def test_a_connection_that_ends_while_it_rings_says_that_the_call_was_accepted(
    autojump_clock: trio.testing.MockClock,
) -> None:
    port = ScriptedPort()

    async def cut() -> None:
        server = await port.newest(1)
        await server.send(AUTH_REQUEST)
        await server.expect("auth ClueCon")
        await server.send(ACCEPTED)
        await read_originate(server, None)
        await server.stream.aclose()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(cut)
        async with opened(port.opener()) as switch:
            with pytest.raises(Disconnected) as caught:
                await switch.originate("user/1001", "1000")
            assert caught.value.progress is Progress.ANSWERED
            assert caught.value.command.startswith("bgapi originate '{esl_outbound_call=")
            with pytest.raises(Disconnected) as caught:
                await switch.originate("user/1001", "1000")
            assert caught.value.progress is Progress.NOT_SENT


# From a call's own socket


class Caller(CallHandler):
    """Calls somebody else while it is up."""

    def __init__(self) -> None:
        self.reached = ""
        self.error: Exception | None = None

    async def run(self) -> None:
        try:
            self.reached = await self.freeswitch.originate("user/1001", Application("park"))
        except (NotPermitted, CallHungUp) as exc:
            self.error = exc
        await self.hangup()


async def test_a_handler_calls_somebody(autojump_clock: trio.testing.MockClock) -> None:
    handler = Caller()
    async with dial(lambda: handler) as switch:
        await switch.greet()
        _, line = await read_job(switch, "+OK 7b1e\n")
        assert re.fullmatch(
            r"originate '\{esl_outbound_call=[0-9a-f-]{36},originate_timeout=60,ignore_early_media=true\}user/1001'"
            r" '&park'",
            line,
        )
        await switch.hang_up_as_told()
        await switch.expect_exit()
    assert handler.reached == "7b1e"


async def test_a_handler_whose_caller_hangs_up_gives_its_other_call_up(autojump_clock: trio.testing.MockClock) -> None:
    handler = Caller()
    async with dial(lambda: handler) as switch:
        await switch.greet()
        job, _ = await read_job(switch)
        await switch.send(switch.hangup(), switch.hangup_complete(), LINGER_NOTICE)
        assert (await read_job(switch, "+OK ...\n"))[1].startswith("hupall ORIGINATOR_CANCEL esl_outbound_call ")
        await job_ends(switch, job, "-ERR ORIGINATOR_CANCEL\n")
        await switch.expect_exit()
    assert handler.reached == ""


async def test_a_call_whose_dialplan_line_does_not_say_full_cannot(autojump_clock: trio.testing.MockClock) -> None:
    handler = Caller()
    refused = reply("-ERR command not found")
    async with dial(lambda: handler) as switch:
        await switch.greet(connect_reply(control="single-channel"), reply("+OK Events Enabled") + refused + refused)
        await switch.hang_up_as_told()
        await switch.expect_exit()
    assert isinstance(handler.error, NotPermitted)
    assert str(handler.error).startswith("originate is not allowed on this socket")
