"""``esl-outbound doctor``: what is wrong is named, with the line to change."""

from __future__ import annotations

import os
import signal
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Final

import pytest
import trio
import trio.testing
from click.testing import CliRunner, Result

from esl_outbound import CallHandler
from esl_outbound.cli import main
from esl_outbound.cli.doctor import DoctorOptions, examine
from esl_outbound.cli.findings import Finding, Mark, print_finding, wrong
from esl_outbound.cli.options import Address
from esl_outbound.cli.output import Output
from esl_outbound.cli.reading_dialplan import Host, SocketAction, read_dialplan, socket_findings
from esl_outbound.cli.switches import Login
from esl_outbound.cli.trial_call import CallStory, TrialCall, story_findings
from esl_outbound.client.opening import stream_openers
from esl_outbound.errors import LocalProtocolError
from esl_outbound.protocol import Event
from esl_outbound.testing import FakeFreeSwitch

from .switches import ADDRESS, TypedSwitch

SWITCH = Address("127.0.0.1", 8021)
SERVER = Address("127.0.0.1", 8084)
RIGHT = '<action application="socket" data="127.0.0.1:8084 async full"/>'
SERVE = "esl-outbound serve app:Handler --host 127.0.0.1 --port 8084"

# As switch_xml_toxml() writes it, and made of conf/dialplan of FreeSWITCH's own configuration.
DIALPLAN: Final = """\
<section name="dialplan" description="Regex/XML Dialplan">
  <context name="default">
    <extension name="unloop">
      <condition field="${unroll_loops}" expression="^true$"/>
      <condition field="${sip_looped_call}" expression="^true$">
        <action application="deflect" data="${destination_number}"/>
      </condition>
    </extension>
    <extension name="reception">
      <condition field="destination_number" expression="^5000$">
        <action application="set" data="park_timeout=3600"/>
        <action application="socket" data="127.0.0.1:8084 async full"/>
        <action application="hangup" data="NORMAL_TEMPORARY_FAILURE"/>
      </condition>
    </extension>
  </context>
</section>
"""


def dialplan(*actions: str, extension: str = 'name="ivr"', context: str = "default") -> str:
    lines = "".join(
        f'<action application="{action.partition(" ")[0]}" data="{action.partition(" ")[2]}"/>' for action in actions
    )
    return (
        f'<section name="dialplan"><context name="{context}"><extension {extension}>'
        f'<condition field="destination_number" expression="^5000$">{lines}</condition>'
        "</extension></context></section>"
    )


def said(findings: list[Finding], mark: Mark) -> list[str]:
    return [finding.what for finding in findings if finding.mark is mark]


# The dialplan


def test_the_actions_of_a_dialplan_are_read() -> None:
    assert read_dialplan(DIALPLAN) == [
        SocketAction("default", "reception", "127.0.0.1:8084 async full", has_next=True, has_net=True)
    ]
    assert socket_findings(read_dialplan(DIALPLAN), SERVER) == [
        Finding(
            Mark.OK,
            "the dialplan sends calls to 127.0.0.1:8084 with async full (context default, extension reception)",
        )
    ]


@pytest.mark.parametrize(
    ("data", "hosts"),
    [
        ("127.0.0.1:8084 async full", [("127.0.0.1", 8084)]),
        ("127.0.0.1", [("127.0.0.1", 8084)]),
        ("a:1/ivr/menu|b:2|c|d/x full", [("a", 1), ("b", 2), ("c", 2), ("d", 2)]),
        ("2001:db8::1:8084", [("2001:db8::1", 8084)]),
        ("|a:1", [("a", 1)]),
        ("${server}:8084", [("${server}", 8084)]),
        ("a:${port}", [("a", None)]),
        ("a:99999999999999999999", [("a", None)]),
    ],
)
def test_hosts_are_read_as_the_socket_application_reads_them(data: str, hosts: list[tuple[str, int | None]]) -> None:
    action = SocketAction("", "", data, has_next=True, has_net=True)
    assert action.hosts == tuple(Host(*host) for host in hosts)


@pytest.mark.parametrize(
    ("flags", "missing"),
    [("async full", ""), ("FULL Async", ""), ("full", "async"), ("async", "full"), ("", "async full"),
     ("asynch full", "async"), ("async,full", "async full")],
)  # fmt: skip
def test_a_flag_that_is_not_there_is_wrong_and_the_whole_line_is_given(flags: str, missing: str) -> None:
    actions = read_dialplan(dialplan("set park_timeout=60", f"socket 127.0.0.1:8084/x {flags}".rstrip(), "hangup"))
    findings = socket_findings(actions, SERVER)
    assert [finding.mark for finding in findings] == [Mark.WRONG] * len(missing.split()) or [Mark.OK]
    for flag, finding in zip(missing.split(), findings, strict=False):
        assert f"the socket action has no {flag} (context default, extension ivr)" in finding.what
        assert finding.lines == ('<action application="socket" data="127.0.0.1:8084/x async full"/>',)
    if not missing:
        assert said(findings, Mark.OK)


def test_what_follows_and_what_goes_before_is_looked_for_in_the_whole_extension() -> None:
    (finding, next_, net) = socket_findings(read_dialplan(dialplan("socket localhost:8084 async full")), SERVER)
    assert finding.mark is Mark.OK
    assert "nothing follows the socket action" in next_.what
    assert next_.lines == ('<action application="hangup" data="NORMAL_TEMPORARY_FAILURE"/>',)
    assert "park_timeout is not set" in net.what
    assert net.lines == ('<action application="set" data="park_timeout=3600"/>',)
    assert (next_.mark, net.mark) == (Mark.WARNING, Mark.WARNING)
    goes_on = dialplan("socket localhost:8084 async full", extension='name="a" continue="true"')
    assert read_dialplan(goes_on)[0].has_next
    two = DIALPLAN.replace(
        '<action application="hangup" data="NORMAL_TEMPORARY_FAILURE"/>',
        '</condition><condition field="context" expression=".*"><action application="hangup"/>',
    )
    assert read_dialplan(two)[0].has_next


def test_an_action_may_say_what_it_does_between_its_tags_or_in_a_nested_condition() -> None:
    xml = (
        '<section name="dialplan"><context name="c"><extension><condition field="x" expression="y">'
        '<condition field="z" expression="y"><action application="SOCKET">127.0.0.1:8084 async full</action>'
        '</condition><anti-action application="socket" data="b:1"/></condition></extension></context></section>'
    )
    assert [(each.extension, each.data) for each in read_dialplan(xml)] == [
        ("(without a name)", "127.0.0.1:8084 async full"),
        ("(without a name)", "b:1"),
    ]


def test_a_dialplan_that_leads_elsewhere_is_wrong() -> None:
    (finding,) = socket_findings(read_dialplan(dialplan("socket 192.0.2.9:8084 async full")), SERVER)
    assert finding == wrong(
        "no call reaches 127.0.0.1:8084 by the XML dialplan; its socket actions lead to 192.0.2.9:8084",
        "add an extension, as esl-outbound dialplan prints it, with this action",
        RIGHT,
    )
    (finding,) = socket_findings([], SERVER)
    assert finding.what.endswith("there is no socket action in it")


def test_a_host_that_only_a_call_knows_is_said_not_to_be_known() -> None:
    (finding,) = socket_findings(read_dialplan(dialplan("socket ${server} async full")), SERVER)
    assert finding.mark is Mark.WARNING
    assert "depends on the call" in finding.what


@pytest.mark.parametrize("data", ['a&amp;&quot;&lt;"', "a&#x1b;b", "\u202e:1", "&#9;"])
def test_whatever_a_dialplan_holds_is_read_or_refused(data: str) -> None:
    try:
        actions = read_dialplan(
            dialplan().replace("</condition>", f"<action application='socket' data='{data}'/></condition>")
        )
    except ValueError:
        return
    for finding in socket_findings(actions, SERVER):
        assert finding.what


# The whole examination, of a simulated FreeSWITCH


class Friendly(CallHandler):
    async def run(self) -> None:
        await self.answer()
        # What FreeSWITCH itself would log of a socket that lingers.
        await self.execute("log", f"DEBUG {self.channel_name} Socket Linger 14")
        await self.playback("welcome.wav")
        await self.hangup()


class Waiting(CallHandler):
    async def run(self) -> None:
        await self.answer()
        await trio.sleep_forever()


class Busy(CallHandler):
    async def run(self) -> None:
        await self.hangup("USER_BUSY")


class Leaving(CallHandler):
    async def run(self) -> None:
        await self.answer()
        await self.continue_dialplan()


async def _speaks(first: bytes = b"connect\n\nmyevents\n\n") -> trio.abc.Stream:
    await trio.lowlevel.checkpoint()
    ours, theirs = trio.testing.memory_stream_pair()
    if first:
        await theirs.send_all(first)
    return ours


async def _says_nothing() -> trio.abc.Stream:
    return await _speaks(b"")


async def _speaks_http() -> trio.abc.Stream:
    return await _speaks(b"HTTP/1.1 400 \x1b[2J\r\n")


async def _refuses() -> trio.abc.Stream:
    raise ConnectionRefusedError(111, "Connection refused")


@contextmanager
def server(connected: Callable[[], Awaitable[trio.abc.Stream]] = _speaks, address: Address = SERVER) -> Iterator[None]:
    """Let something listen where the server is, for the doctor who tries it."""
    before = stream_openers.get() or {}
    stream_openers.set({**before, (address.host, address.port): connected})
    try:
        yield
    finally:
        stream_openers.set({key: each for key, each in (stream_openers.get() or {}).items() if key in before})


async def examined(
    phone: FakeFreeSwitch,
    call: TrialCall | None = None,
    *,
    password: str = "ClueCon",
    connected: Callable[[], Awaitable[trio.abc.Stream]] = _speaks,
    user: str | None = None,
) -> list[Finding]:
    findings: list[Finding] = []
    async with phone.event_socket():
        with server(connected):
            await examine(DoctorOptions(Login(SWITCH, password, user), SERVER, call), findings.append)
    return findings


@pytest.fixture
def ready(phone: FakeFreeSwitch) -> FakeFreeSwitch:
    """A FreeSWITCH with nothing wrong."""
    phone.dialplan_xml = DIALPLAN
    phone.listens("127.0.0.1:8084", Friendly)
    phone.extension(
        "5000",
        ["set park_timeout=3600", "socket 127.0.0.1:8084 async full", "hangup NORMAL_TEMPORARY_FAILURE"],
    )
    return phone


async def test_where_all_is_well_every_check_says_so(ready: FakeFreeSwitch) -> None:
    findings = await examined(ready, TrialCall("5000"))
    assert [(finding.mark, finding.what) for finding in findings] == [
        (Mark.OK, "FreeSWITCH at 127.0.0.1:8021 lets us in"),
        (Mark.OK, findings[1].what),
        (
            Mark.OK,
            "loaded: mod_event_socket, mod_commands, mod_dptools, mod_dialplan_xml, mod_loopback, mod_sndfile,"
            " mod_tone_stream, mod_say_en",
        ),
        (Mark.OK, "a server of the event socket listens at 127.0.0.1:8084"),
        (
            Mark.OK,
            "the dialplan sends calls to 127.0.0.1:8084 with async full (context default, extension reception)",
        ),
        (
            Mark.OK,
            "the call to 5000 in context default reached the server at 127.0.0.1:8084, which ran answer, log, playback",
        ),
        (Mark.OK, "Socket-Mode is async, Control is full"),
        (Mark.OK, "linger was granted, for 14 s"),
        (Mark.OK, "the call ended with NORMAL_CLEARING, and its channel is gone"),
    ]
    assert findings[1].what.startswith("FreeSWITCH Version 1.11")


async def test_a_handler_that_does_not_end_is_ended(ready: FakeFreeSwitch) -> None:
    ready.listens("127.0.0.1:8084", Waiting)
    findings = await examined(ready, TrialCall("5000", seconds=30))
    assert said(findings, Mark.OK)[-1] == "the call ended with NORMAL_CLEARING, and its channel is gone"
    assert 30 <= trio.current_time() < 33


@pytest.mark.parametrize("flags", ["async full", "async", "full", ""])
async def test_a_handler_that_hangs_up_at_once_has_had_the_call(ready: FakeFreeSwitch, flags: str) -> None:
    ready.listens("127.0.0.1:8084", Busy)
    ready.extension("6000", [f"socket 127.0.0.1:8084 {flags}".rstrip(), "hangup"])
    findings = await examined(ready, TrialCall("6000"))
    assert "the call to 6000 in context default reached the server at 127.0.0.1:8084" in said(findings, Mark.OK)
    assert "the call ended with USER_BUSY, and its channel is gone" in said(findings, Mark.OK)


@pytest.mark.parametrize(
    ("flags", "mode", "control"),
    [("async", "async", "single-channel"), ("full", "static", "full"), ("", "static", "single-channel")],
)
async def test_a_call_shows_what_its_socket_line_does_not_allow(
    ready: FakeFreeSwitch, flags: str, mode: str, control: str
) -> None:
    ready.listens("127.0.0.1:8084", Busy)
    ready.extension("6000", [f"socket 127.0.0.1:8084 {flags}".rstrip(), "hangup"])
    findings = await examined(ready, TrialCall("6000"))
    (finding,) = [each for each in findings if each.what.startswith("Socket-Mode")]
    assert finding == wrong(
        f"Socket-Mode is {mode}, Control is {control}: not everything works", "let its socket action be", RIGHT
    )
    if control != "full":
        (finding,) = [each for each in findings if each.what.startswith("linger was not granted")]
        assert finding.lines == (RIGHT,)


async def test_a_call_that_nobody_takes_goes_on_in_the_dialplan_which_is_told(ready: FakeFreeSwitch) -> None:
    ready.refuses("127.0.0.1:8084")
    findings = await examined(ready, TrialCall("5000"))
    (finding,) = [each for each in findings if each.mark is Mark.WRONG]
    assert finding.what.startswith(
        "the call to 5000 in context default was sent to 127.0.0.1:8084, and FreeSWITCH could not connect to it"
    )
    assert finding.what.endswith("; then the dialplan ran hangup; it ended with NORMAL_TEMPORARY_FAILURE")
    assert finding.lines == (SERVE,)


async def test_a_handler_that_leaves_the_call_to_the_dialplan_has_had_it(ready: FakeFreeSwitch) -> None:
    ready.listens("127.0.0.1:8084", Leaving)
    findings = await examined(ready, TrialCall("5000"))
    assert said(findings, Mark.WRONG) == []
    assert any("reached the server" in each for each in said(findings, Mark.OK))


async def test_a_number_without_an_extension_comes_to_no_socket_action(ready: FakeFreeSwitch) -> None:
    findings = await examined(ready, TrialCall("7777"))
    (finding,) = [each for each in findings if each.mark is Mark.WRONG]
    assert finding.what == (
        "the call to 7777 in context default came to no socket action: the dialplan ran nothing, and it ended with"
        " NO_ROUTE_DESTINATION"
    )
    assert finding.lines == (RIGHT,)


async def test_a_number_that_leads_to_another_server_is_wrong(ready: FakeFreeSwitch) -> None:
    ready.listens("192.0.2.9:9000", Busy)
    ready.extension("6000", ["socket 192.0.2.9:9000 async full"])
    findings = await examined(ready, TrialCall("6000"))
    (finding,) = [each for each in findings if each.mark is Mark.WRONG]
    assert finding.what == "the call to 6000 in context default was sent to 192.0.2.9:9000, and not to 127.0.0.1:8084"


def test_a_server_that_takes_the_call_and_says_nothing_is_wrong() -> None:
    story = CallStory("a")
    story.take(EXECUTE)
    story.is_being_ended = True
    story.take(HANGUP)
    (finding,) = story_findings(story, TrialCall("5000"), SERVER, None)
    assert finding.mark is Mark.WRONG
    assert "took the connection and did not say connect: the caller waits in silence" in finding.what


async def test_a_caller_who_waits_in_silence_is_ended_soon(ready: FakeFreeSwitch) -> None:
    async def silent(stream: trio.abc.Stream) -> None:
        while await stream.receive_some():
            pass

    ready.listens("192.0.2.8:8084", silent)
    ready.extension("6000", ["socket 192.0.2.8:8084 async full"])
    findings: list[Finding] = []
    remote = Address("192.0.2.8", 8084)
    async with ready.event_socket():
        with server(address=remote):
            await examine(
                DoctorOptions(Login(SWITCH, "ClueCon"), remote, TrialCall("6000", seconds=60)), findings.append
            )
    assert any("did not say connect: the caller waits in silence" in each for each in said(findings, Mark.WRONG))
    assert trio.current_time() < 40


async def test_a_call_is_not_placed_where_nobody_would_take_it(ready: FakeFreeSwitch) -> None:
    findings = await examined(ready, TrialCall("5000"), connected=_refuses)
    (finding,) = [each for each in findings if each.mark is Mark.WRONG]
    assert finding.what == "nobody listens at 127.0.0.1:8084, seen from this machine: Connection refused"
    assert finding.lines == (SERVE,)
    assert "5000 was not called: nobody would have taken the call" in said(findings, Mark.WARNING)


@pytest.mark.parametrize(
    ("connected", "says"), [(_says_nothing, "says nothing"), (_speaks_http, "says b'HTTP/1.1 400 \\x1b[2J\\r\\n'")]
)
async def test_what_listens_and_is_no_server_of_the_event_socket_is_wrong(
    ready: FakeFreeSwitch, connected: Callable[[], Awaitable[trio.abc.Stream]], says: str
) -> None:
    findings = await examined(ready, connected=connected)
    (finding,) = [each for each in findings if each.mark is Mark.WRONG]
    assert finding.what.startswith(f"what listens at 127.0.0.1:8084 {says[:20]}")


async def test_a_server_whose_name_can_be_none_is_not_there() -> None:
    switch = TypedSwitch()
    switch.is_there = False
    findings: list[Finding] = []
    with switch.at(ADDRESS):
        await examine(DoctorOptions(Login(ADDRESS, "x"), Address("a..b", 8084)), findings.append)
    assert findings[-1].what == "nobody listens at a..b:8084, seen from this machine: that is no host's name"


async def test_a_server_on_freeswitchs_own_machine_cannot_be_tried_from_another() -> None:
    switch = TypedSwitch()
    switch.is_there = False
    findings: list[Finding] = []
    with switch.at(ADDRESS), server(_refuses):
        await examine(DoctorOptions(Login(ADDRESS, "x"), SERVER), findings.append)
    assert findings[-1].mark is Mark.WARNING
    assert "is on FreeSWITCH's own machine" in findings[-1].what


@pytest.mark.parametrize("module", ["mod_dptools", "mod_dialplan_xml"])
async def test_a_module_without_which_nothing_works_is_wrong(ready: FakeFreeSwitch, module: str) -> None:
    ready.missing_module(module)
    findings = await examined(ready)
    (finding,) = [each for each in findings if each.mark is Mark.WRONG]
    assert finding.what.startswith(f"{module} is not loaded: ")
    assert finding.lines == (f'<load module="{module}"/>',)
    assert f"load {module}" in finding.place


async def test_a_module_that_is_only_useful_is_a_warning(ready: FakeFreeSwitch) -> None:
    ready.missing_module("mod_sndfile")
    findings = await examined(ready)
    assert said(findings, Mark.WARNING) == ["mod_sndfile is not loaded: WAV files can be neither played nor recorded"]


async def test_loopback_is_needed_for_a_call_alone(ready: FakeFreeSwitch) -> None:
    ready.missing_module("mod_loopback")
    assert said(await examined(ready), Mark.WRONG) == []
    wrongs = said(await examined(ready, TrialCall("5000")), Mark.WRONG)
    assert wrongs[0] == "mod_loopback is not loaded: it makes the call of --call"


async def test_without_mod_commands_there_is_nothing_to_look_at(ready: FakeFreeSwitch) -> None:
    ready.missing_module("mod_commands")
    findings = await examined(ready, TrialCall("5000"))
    assert said(findings, Mark.WRONG) == [
        "mod_commands is not loaded: FreeSWITCH has no API commands, and a server none"
    ]
    assert findings[-1].what == "a server of the event socket listens at 127.0.0.1:8084"


async def test_what_writes_another_dialplan_for_each_call_is_named() -> None:
    switch = TypedSwitch(
        {
            "version": "FreeSWITCH Version 1.10.12-release~64bit (-release 64bit)\n",
            "module_exists": "true",
            "xml_locate": DIALPLAN,
        }
    )
    findings: list[Finding] = []
    with switch.at(ADDRESS), server():
        await examine(DoctorOptions(Login(ADDRESS, "x"), Address("127.0.0.1", 8084)), findings.append)
    assert any("mod_xml_curl is loaded and may write another dialplan" in each for each in said(findings, Mark.WARNING))


@pytest.mark.parametrize(
    ("printed", "why"),
    [
        ("can't find anything\n", 'FreeSWITCH says "can\'t find anything"'),
        ("-ERR bad args\n", "FreeSWITCH says '-ERR bad args'"),
        ("", "FreeSWITCH says '-ERR no reply'"),
        ("<section><broken", "unclosed token"),
    ],
)
async def test_a_dialplan_that_cannot_be_seen_is_said_not_to_be_seen(printed: str, why: str) -> None:
    switch = TypedSwitch({"version": "FreeSWITCH Version 1.10.12\n", "module_exists": "false", "xml_locate": printed})
    findings: list[Finding] = []
    with switch.at(ADDRESS), server():
        await examine(DoctorOptions(Login(ADDRESS, "x"), SERVER), findings.append)
    assert any(why in each for each in said(findings, Mark.WARNING))


async def test_a_user_who_may_do_little_is_told_what_cannot_be_seen(ready: FakeFreeSwitch) -> None:
    ready.event_socket_user("ops@example.com", "1234", api="version module_exists")
    findings = await examined(ready, TrialCall("5000"), user="ops@example.com", password="1234")
    assert any(
        each.startswith("the dialplan cannot be seen: FreeSWITCH refused") for each in said(findings, Mark.WARNING)
    )
    ready.event_socket_user("none@example.com", "1234", api="status")
    findings = await examined(ready, user="none@example.com", password="1234")
    assert any("may not run API commands" in each for each in said(findings, Mark.WARNING))


async def test_an_old_freeswitch_is_a_warning() -> None:
    switch = TypedSwitch({"version": "FreeSWITCH Version 1.6.20\n", "module_exists": "true", "xml_locate": DIALPLAN})
    findings: list[Finding] = []
    with switch.at(ADDRESS), server():
        await examine(DoctorOptions(Login(ADDRESS, "x"), SERVER), findings.append)
    assert any("older than what this package was made for" in each for each in said(findings, Mark.WARNING))


# The connection


async def test_a_wrong_password_is_wrong_and_never_told(ready: FakeFreeSwitch) -> None:
    findings = await examined(ready, password="s3cret")
    (finding,) = [each for each in findings if each.mark is Mark.WRONG]
    assert finding.what == (
        "FreeSWITCH at 127.0.0.1:8021 refused the password; give the right one in ESL_OUTBOUND_PASSWORD or with"
        " --password, or change it"
    )
    assert finding.lines == ('<param name="password" value="..."/>',)
    assert "s3cret" not in repr(findings)
    # The server is tried all the same.
    assert said(findings, Mark.OK) == ["a server of the event socket listens at 127.0.0.1:8084"]


async def test_a_user_without_the_right_password_is_sent_to_the_directory(ready: FakeFreeSwitch) -> None:
    findings = await examined(ready, user="ops@example.com", password="s3cret")
    assert findings[0].lines == ('<param name="esl-password" value="..."/>',)


async def test_an_acl_that_turns_us_away_is_given_the_line_that_lets_us_in(ready: FakeFreeSwitch) -> None:
    ready.event_socket_acl = ()
    findings = await examined(ready)
    assert findings[0].mark is Mark.WRONG
    assert "apply-inbound-acl" in findings[0].what
    assert findings[0].lines == (
        '<list name="esl" default="deny"><node type="allow" cidr="127.0.0.1/32"/></list>',
        '<param name="apply-inbound-acl" value="esl"/>',
    )


async def test_no_freeswitch_is_given_the_lines_that_let_it_listen(ready: FakeFreeSwitch) -> None:
    ready.event_socket_is_up = False
    findings = await examined(ready)
    assert findings[0].mark is Mark.WRONG
    assert findings[0].what.startswith("no FreeSWITCH answers at 127.0.0.1:8021: Connection refused; ")
    assert findings[0].lines == (
        '<load module="mod_event_socket"/>',
        '<param name="listen-ip" value="127.0.0.1"/>',
        '<param name="listen-port" value="8021"/>',
    )


async def test_a_connection_that_ends_in_the_middle_is_a_finding() -> None:
    switch = TypedSwitch({"version": "FreeSWITCH Version 1.11.3\n"})

    async def break_it(_: str) -> str:
        await switch.breaks()
        return ""

    switch.api["module_exists"] = break_it
    findings: list[Finding] = []
    with switch.at(ADDRESS), server():
        await examine(DoctorOptions(Login(ADDRESS, "x"), SERVER), findings.append)
    assert said(findings, Mark.WRONG)[0].startswith("FreeSWITCH ended the connection meanwhile: ")


# What a call's events say


def test_a_linger_without_an_end_is_a_warning() -> None:
    story = taken_story()
    story.take_line("loopback/5000-b Socket Linger -1\n")
    findings = list(story_findings(story, TrialCall("5000"), SERVER, None))
    assert any(each.startswith("linger was granted without an end") for each in said(findings, Mark.WARNING))


def test_a_linger_that_is_not_logged_cannot_be_seen() -> None:
    findings = list(story_findings(taken_story(), TrialCall("5000"), SERVER, None))
    assert "whether linger was granted cannot be seen: FreeSWITCH logged nothing of it" in said(findings, Mark.WARNING)


def test_a_channel_that_stays_is_wrong() -> None:
    story = taken_story(gone=False)
    findings = list(story_findings(story, TrialCall("5000"), SERVER, None))
    assert any(
        "did not end: channel b is still there 20 s after its hangup" in each for each in said(findings, Mark.WRONG)
    )


def test_events_of_other_calls_are_none_of_this_one() -> None:
    story = CallStory("a")
    assert not story.take(Event(b"Event-Name: CHANNEL_EXECUTE\nUnique-ID: x\nApplication: socket\n\n"))
    assert not story.take(Event(b"Event-Name: CHANNEL_EXECUTE\nUnique-ID: y\nvariable_other_loopback_leg_uuid: z\n\n"))
    assert not story.take(Event(b"Event-Name: CHANNEL_EXECUTE\nvariable_other_loopback_leg_uuid: a\n\n"))
    assert story.channel_uuid == ""


def test_the_reason_that_freeswitch_logged_is_told() -> None:
    story = CallStory("a")
    for event in (EXECUTE, COMPLETE):
        story.take(event)
    story.take_line("Socket Error: Connection refused\n")
    (finding,) = story_findings(story, TrialCall("5000"), SERVER, None)
    assert "FreeSWITCH could not connect to it (Connection refused)" in finding.what


_LEG = "Unique-ID: b\nvariable_other_loopback_leg_uuid: a\n"
EXECUTE = Event(
    f"Event-Name: CHANNEL_EXECUTE\n{_LEG}Application: socket\n"
    "Application-Data: 127.0.0.1%3A8084%20async%20full\n\n".encode()
)
COMPLETE = Event(f"Event-Name: CHANNEL_EXECUTE_COMPLETE\n{_LEG}Application: socket\n\n".encode())
PARK = Event(f"Event-Name: CHANNEL_PARK\n{_LEG}\n".encode())
HANGUP = Event(f"Event-Name: CHANNEL_HANGUP\n{_LEG}Hangup-Cause: NORMAL_CLEARING\n\n".encode())
DESTROY = Event(f"Event-Name: CHANNEL_DESTROY\n{_LEG}\n".encode())


def taken_story(*, gone: bool = True) -> CallStory:
    story = CallStory("a")
    for event in (EXECUTE, PARK, HANGUP, COMPLETE, *([DESTROY] if gone else [])):
        assert story.take(event)
    return story


@pytest.mark.parametrize("number", ["a b", "1000,1001", "1000|1001", "1000/public", "${x}", "{a=b}1000", ""])
def test_a_number_that_is_more_than_one_is_refused(number: str) -> None:
    with pytest.raises(LocalProtocolError):
        TrialCall(number)
    result = CliRunner().invoke(main, ["doctor", "--call", number])
    assert result.exit_code == 2
    assert result.stderr.count("\n") == 1


# The command


def as_doctor(switch: TypedSwitch, *arguments: str) -> Result:
    with switch.at(ADDRESS), server(address=Address("192.0.2.8", 8084)):
        result = CliRunner().invoke(
            main, ["doctor", "--switch", str(ADDRESS), "--server", "192.0.2.8:8084", *arguments]
        )
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


API = {
    "version": "FreeSWITCH Version 1.11.3-dev~64bit ( 64bit)\n",
    "module_exists": "true",
    "module_exists mod_xml_curl": "false",
    "module_exists mod_xml_scgi": "false",
    "module_exists mod_xml_ldap": "false",
    "xml_locate": DIALPLAN.replace("127.0.0.1:8084", "192.0.2.8:8084"),
}


def test_all_well_is_a_line_for_each_check_and_status_0() -> None:
    result = as_doctor(TypedSwitch(API))
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == (
        "ok       FreeSWITCH at 192.0.2.7:8021 lets us in\n"
        "ok       FreeSWITCH Version 1.11.3-dev~64bit ( 64bit)\n"
        "ok       loaded: mod_event_socket, mod_commands, mod_dptools, mod_dialplan_xml, mod_sndfile, mod_tone_stream,"
        " mod_say_en\n"
        "ok       a server of the event socket listens at 192.0.2.8:8084\n"
        "ok       the dialplan sends calls to 192.0.2.8:8084 with async full (context default, extension reception)\n"
    )


def test_something_wrong_is_status_1_with_the_line_to_change_below() -> None:
    result = as_doctor(TypedSwitch({**API, "xml_locate": API["xml_locate"].replace(" async full", " async")}))
    assert result.exit_code == 1
    assert (
        "wrong    the socket action has no full (context default, extension reception): the server has no API commands"
        " and few events, and its linger is refused\n"
        '         change <action application="socket" data="192.0.2.8:8084 async"/> to:\n'
        '           <action application="socket" data="192.0.2.8:8084 async full"/>\n'
    ) in result.stdout


def test_a_warning_alone_is_no_failure() -> None:
    result = as_doctor(TypedSwitch({**API, "module_exists mod_say_en": "false"}))
    assert result.exit_code == 0
    assert "warning  mod_say_en is not loaded: say in English says nothing\n" in result.stdout


def test_what_freeswitch_says_does_not_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    print_finding(wrong("a\x1b[2J\nok b\u202e", "c\r\x07", "d\x9b"), Output())
    out = capsys.readouterr().out
    assert all(c.isprintable() or c == "\n" for c in out)
    assert out.count("\n") == 3


def test_ctrl_c_ends_it_with_130() -> None:
    switch = TypedSwitch(API)

    async def interrupt(_: str) -> str:
        os.kill(os.getpid(), signal.SIGINT)
        await trio.sleep_forever()
        raise AssertionError

    switch.api["xml_locate"] = interrupt
    assert as_doctor(switch).exit_code == 130


@pytest.mark.parametrize("arguments", [("--server", "x:y"), ("--seconds", "0"), ("--switch", "::1"), ("--nonsense",)])
def test_wrong_options_are_status_2(arguments: tuple[str, ...]) -> None:
    assert CliRunner().invoke(main, ["doctor", *arguments]).exit_code == 2
