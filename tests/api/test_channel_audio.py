"""What is played to a channel, and recorded of it."""

from __future__ import annotations

import pytest

from esl_outbound.api.channel_audio import MediaBug
from esl_outbound.testing.expansion import separate

from .recording import DONE, GONE, Call, Case, Channels, check_failure, check_gone, check_refusal, check_success

NO_SESSION = "-ERR Cannot locate session!\n"

# What switch_core_media_bug_enumerate() prints.
NO_BUGS = "<media-bugs>\n</media-bugs>\n"
BUGS = """<media-bugs>
 <media-bug>
  <function>session_record</function>
  <target>/tmp/a <b> & c.wav</target>
  <thread-locked>0</thread-locked>
 </media-bug>
 <media-bug>
  <function>preprocess</function>
  <target>(null)</target>
  <thread-locked>1</thread-locked>
 </media-bug>
</media-bugs>
"""

SUCCESSES = [
    Case(lambda a: a.uuid_record("U", "start", "/tmp/a b.wav"), "uuid_record U start '/tmp/a b.wav'", DONE),
    Case(lambda a: a.uuid_record("U", "start", "a.wav", limit_seconds=9.2), "uuid_record U start a.wav 10", DONE),
    Case(
        lambda a: a.uuid_record("U", "start", "a.wav", variables={"RECORD_STEREO": "true", "RECORD_TITLE": "a, 5%"}),
        r"uuid_record U start a.wav 0 '{RECORD_STEREO=true,\'RECORD_TITLE=a, 5%25\'}'",
        DONE,
    ),
    Case(lambda a: a.uuid_record("U", "stop", "all"), "uuid_record U stop all", DONE),
    Case(lambda a: a.uuid_record("U", "pause", "a.wav"), "uuid_record U pause a.wav", DONE),
    Case(lambda a: a.uuid_record("U", "resume", "a.wav"), "uuid_record U resume a.wav", DONE),
    Case(lambda a: a.uuid_record("U", "mask", "a.wav"), "uuid_record U mask a.wav", DONE),
    Case(lambda a: a.uuid_record("U", "unmask", "a.wav"), "uuid_record U unmask a.wav", DONE),
    Case(lambda a: a.uuid_displace("U", "start", "it's.wav"), r"uuid_displace U start 'it\'s.wav'", DONE),
    Case(lambda a: a.uuid_displace("U", "start", "a.wav", limit_seconds=3), "uuid_displace U start a.wav 3", DONE),
    Case(
        lambda a: a.uuid_displace("U", "start", "a.wav", mux=True, loop=True, both=True),
        "uuid_displace U start a.wav 0 mlrw",
        DONE,
    ),
    Case(lambda a: a.uuid_displace("U", "stop", "a.wav"), "uuid_displace U stop a.wav", DONE),
    Case(lambda a: a.uuid_break("U"), "uuid_break U"),
    Case(lambda a: a.uuid_break("U", all=True), "uuid_break U all"),
    Case(lambda a: a.uuid_break("U", all=True, both=True), "uuid_break U all both"),
    Case(lambda a: a.uuid_fileman("U", "pause"), "uuid_fileman U pause"),
    Case(lambda a: a.uuid_fileman("U", "stop"), "uuid_fileman U stop"),
    Case(lambda a: a.uuid_fileman("U", "truncate"), "uuid_fileman U truncate"),
    Case(lambda a: a.uuid_fileman("U", "restart"), "uuid_fileman U restart"),
    Case(lambda a: a.uuid_fileman("U", "seek", 1.5), "uuid_fileman U seek:1500"),
    Case(lambda a: a.uuid_fileman("U", "seek", 0), "uuid_fileman U seek:0"),
    Case(lambda a: a.uuid_fileman("U", "seek", 1.5, relative=True), "uuid_fileman U seek:+1500"),
    Case(lambda a: a.uuid_fileman("U", "seek", -0.5, relative=True), "uuid_fileman U seek:-500"),
    Case(lambda a: a.uuid_fileman("U", "speed", 2), "uuid_fileman U speed:2"),
    Case(lambda a: a.uuid_fileman("U", "speed", -1, relative=True), "uuid_fileman U speed:-1"),
    Case(lambda a: a.uuid_fileman("U", "volume", 0), "uuid_fileman U volume:0"),
    Case(lambda a: a.uuid_fileman("U", "volume", 8, relative=True), "uuid_fileman U volume:+8"),
    Case(lambda a: a.uuid_pause("U", on=True), "uuid_pause U on", ""),
    Case(lambda a: a.uuid_pause("U", on=False), "uuid_pause U off", ""),
    Case(lambda a: a.uuid_audio("U", "start", "read", mute=1), "uuid_audio U start read mute 1"),
    Case(lambda a: a.uuid_audio("U", "start", "write", mute=0), "uuid_audio U start write mute 0"),
    Case(lambda a: a.uuid_audio("U", "start", "write", level=-4), "uuid_audio U start write level -4"),
    Case(lambda a: a.uuid_audio("U", "stop"), "uuid_audio U stop"),
    Case(
        lambda a: a.uuid_preprocess("U", {"r.agc": True, "w.noise_suppress": -20, "r_echo_cancel": 512}),
        "uuid_preprocess U r.agc=true,w.noise_suppress=-20,r_echo_cancel=512",
    ),
    Case(lambda a: a.uuid_preprocess("U", {"w.echo_cancel": False}), "uuid_preprocess U w.echo_cancel=false"),
    Case(lambda a: a.uuid_preprocess("U", None), "uuid_preprocess U stop"),
    Case(lambda a: a.uuid_buglist("U"), "uuid_buglist U", NO_BUGS, []),
    Case(
        lambda a: a.uuid_buglist("U"),
        "uuid_buglist U",
        BUGS,
        [MediaBug("session_record", "/tmp/a <b> & c.wav", False), MediaBug("preprocess", None, True)],
    ),
]


@pytest.mark.parametrize("case", SUCCESSES, ids=lambda case: case.line)
async def test_a_command_is_said_and_its_answer_is_a_value(case: Case) -> None:
    await check_success(case)


async def test_a_level_below_the_recorded_one_is_a_step_from_that() -> None:
    api = Channels("+OK\n", "+OK\n")
    await api.uuid_fileman("U", "volume", -3)
    assert api.lines == ["uuid_fileman U volume:0", "uuid_fileman U volume:-3"]


@pytest.mark.parametrize(
    ("printed", "call"),
    [
        (NO_SESSION, lambda a: a.uuid_record("U", "start", "a.wav")),
        (NO_SESSION, lambda a: a.uuid_displace("U", "stop", "a.wav")),
        (GONE, lambda a: a.uuid_break("U")),
        (GONE, lambda a: a.uuid_fileman("U", "pause")),
        (GONE, lambda a: a.uuid_fileman("U", "volume", -3)),
        (GONE, lambda a: a.uuid_pause("U", on=True)),
        (GONE, lambda a: a.uuid_audio("U", "stop")),
        (GONE, lambda a: a.uuid_preprocess("U", None)),
        ("", lambda a: a.uuid_buglist("U")),
    ],
)
async def test_each_way_to_say_that_there_is_no_channel_is_understood(printed: str, call: Call) -> None:
    await check_gone(call, printed, asks=False)


@pytest.mark.parametrize(
    ("printed", "call"),
    [
        ("-ERR Cannot record session!\n", lambda a: a.uuid_record("U", "start", "a.wav")),
        ("-ERR Cannot stop record session!\n", lambda a: a.uuid_record("U", "stop", "a.wav")),
        ("-ERR Cannot pause recording session!\n", lambda a: a.uuid_record("U", "pause", "a.wav")),
        ("-ERR Cannot unmask recording session!\n", lambda a: a.uuid_record("U", "unmask", "a.wav")),
        ("-ERR Cannot displace session!\n", lambda a: a.uuid_displace("U", "start", "a.wav")),
        ("-ERR Cannot stop displace session!\n", lambda a: a.uuid_displace("U", "stop", "a.wav")),
        ("-ERR No file handle!\n", lambda a: a.uuid_fileman("U", "pause")),
        ("-USAGE: <uuid> <on|off>\n", lambda a: a.uuid_pause("U", on=True)),
        ("+OK\n", lambda a: a.uuid_pause("U", on=True)),
        ("-USAGE: <uuid> [start [read|write] [mute|level <level>]|stop]\n", lambda a: a.uuid_audio("U", "stop")),
        ("-USAGE: <>\n", lambda a: a.uuid_preprocess("U", None)),
        ("-USAGE: <uuid>\n", lambda a: a.uuid_buglist("U")),
    ],
)
async def test_whatever_else_is_no_success_is_a_failure(printed: str, call: Call) -> None:
    await check_failure(call, printed)


@pytest.mark.parametrize(
    ("message", "call"),
    [
        ("action is 'Start'", lambda a: a.uuid_record("U", "Start", "a.wav")),
        ("path is ''", lambda a: a.uuid_record("U", "start", "")),
        ("path is 'a\\\\nb'", lambda a: a.uuid_record("U", "stop", "a\nb")),
        ("limit_seconds is 0", lambda a: a.uuid_record("U", "start", "a.wav", limit_seconds=0)),
        ("do not go with stop", lambda a: a.uuid_record("U", "stop", "a.wav", limit_seconds=1)),
        ("do not go with mask", lambda a: a.uuid_record("U", "mask", "a.wav", variables={"a": "b"})),
        ("'a b' cannot be the name", lambda a: a.uuid_record("U", "start", "a.wav", variables={"a b": "c"})),
        ("cannot be said of", lambda a: a.uuid_record("U", "start", "a.wav", variables={"a": "}b"})),
        ("cannot be said of", lambda a: a.uuid_record("U", "start", "a.wav", variables={"a": "it's"})),
        ("cannot be said of", lambda a: a.uuid_record("U", "start", "a.wav", variables={"a": " b"})),
        ("cannot be said of", lambda a: a.uuid_record("U", "start", "a.wav", variables={"a": ""})),
        ("cannot be said of", lambda a: a.uuid_record("U", "start", "a.wav", variables={"a": "b\nc"})),
        ("action is 'pause'", lambda a: a.uuid_displace("U", "pause", "a.wav")),
        ("with start alone", lambda a: a.uuid_displace("U", "stop", "a.wav", mux=True)),
        ("with start alone", lambda a: a.uuid_displace("U", "stop", "a.wav", limit_seconds=1)),
        ("limit_seconds is inf", lambda a: a.uuid_displace("U", "start", "a.wav", limit_seconds=float("inf"))),
        ("command is 'play'", lambda a: a.uuid_fileman("U", "play")),
        ("value is 1, and pause has none", lambda a: a.uuid_fileman("U", "pause", 1)),
        ("restart has none", lambda a: a.uuid_fileman("U", "restart", relative=True)),
        ("value is None", lambda a: a.uuid_fileman("U", "volume")),
        ("value is None", lambda a: a.uuid_fileman("U", "seek")),
        ("value is 5", lambda a: a.uuid_fileman("U", "volume", 5)),
        ("value is -3", lambda a: a.uuid_fileman("U", "speed", -3)),
        ("value is 0.5", lambda a: a.uuid_fileman("U", "speed", 0.5)),
        ("value is nan", lambda a: a.uuid_fileman("U", "speed", float("nan"))),
        ("value is '1'", lambda a: a.uuid_fileman("U", "speed", "1")),
        ("value is 0, and should be a step", lambda a: a.uuid_fileman("U", "speed", 0, relative=True)),
        ("value is 0.0001, and should be a step", lambda a: a.uuid_fileman("U", "seek", 0.0001, relative=True)),
        ("value is -1", lambda a: a.uuid_fileman("U", "seek", -1)),
        ("action is 'mute'", lambda a: a.uuid_audio("U", "mute")),
        ("with start alone", lambda a: a.uuid_audio("U", "stop", "read")),
        ("start needs", lambda a: a.uuid_audio("U", "start", "read")),
        ("start needs", lambda a: a.uuid_audio("U", "start", mute=1)),
        ("start needs", lambda a: a.uuid_audio("U", "start", "read", mute=1, level=1)),
        ("direction is 'both'", lambda a: a.uuid_audio("U", "start", "both", mute=1)),
        ("level is 5", lambda a: a.uuid_audio("U", "start", "read", level=5)),
        ("mute is -1", lambda a: a.uuid_audio("U", "start", "read", mute=-1)),
        ("there are 0 settings", lambda a: a.uuid_preprocess("U", {})),
        ("there are 6 settings", lambda a: a.uuid_preprocess("U", dict.fromkeys("abcdef", 1))),
        ("'x.agc' is no setting", lambda a: a.uuid_preprocess("U", {"x.agc": 1})),
        ("r.echo_suppress is 20", lambda a: a.uuid_preprocess("U", {"r.echo_suppress": 20})),
    ],
)
async def test_what_cannot_be_said_is_refused_before_anything_is_sent(message: str, call: Call) -> None:
    await check_refusal(call, message)


@pytest.mark.parametrize("path", ['/tmp/it\'s "a" \\n ${x}.wav', "{a=b}c.wav", "all of it.wav"])
async def test_a_path_arrives_as_it_is(path: str) -> None:
    api = Channels(DONE, DONE)
    await api.uuid_record("U", "start", path, limit_seconds=1)
    await api.uuid_displace("U", "start", path, limit_seconds=1)
    for line in api.lines:
        assert separate(line.split(" ", 1)[1], limit=5) == ["U", "start", path, "1"]
