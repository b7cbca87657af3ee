"""How a channel's sound and picture travel."""

from __future__ import annotations

import pytest

from .recording import DONE, Call, Case, Channels, check_failure, check_gone, check_refusal, check_success

SUCCESSES = [
    Case(lambda a: a.uuid_media("U"), "uuid_media U", DONE),
    Case(lambda a: a.uuid_media("U", off=True), "uuid_media off U", DONE),
    Case(lambda a: a.uuid_media_3p("U"), "uuid_media_3p U", DONE),
    Case(lambda a: a.uuid_media_3p("U", off=True), "uuid_media_3p off U", DONE),
    Case(lambda a: a.uuid_media_reneg("U"), "uuid_media_reneg U", DONE),
    Case(lambda a: a.uuid_media_reneg("U", both_legs=True), "uuid_media_reneg +U", DONE),
    Case(
        lambda a: a.uuid_media_reneg("U", ["PCMA", "opus@48000h"], both_legs=True),
        "uuid_media_reneg +U '=PCMA,opus@48000h'",
        DONE,
    ),
    Case(lambda a: a.uuid_jitterbuffer("U", 0.06), "uuid_jitterbuffer U 60", DONE),
    Case(lambda a: a.uuid_jitterbuffer("U", 0.06, max_seconds=0.2), "uuid_jitterbuffer U 60:200", DONE),
    Case(lambda a: a.uuid_jitterbuffer("U", "pause"), "uuid_jitterbuffer U pause", DONE),
    Case(lambda a: a.uuid_jitterbuffer("U", "resume"), "uuid_jitterbuffer U resume", DONE),
    Case(lambda a: a.uuid_jitterbuffer("U", "stop"), "uuid_jitterbuffer U stop", DONE),
    Case(lambda a: a.uuid_set_media_stats("U"), "uuid_set_media_stats U", "+OK:\n"),
    Case(lambda a: a.uuid_debug_media("U", "all", on=True), "uuid_debug_media U all on", DONE),
    Case(lambda a: a.uuid_debug_media("U", "vread", on=False), "uuid_debug_media U vread off", DONE),
    Case(lambda a: a.uuid_codec_debug("U", "video", 2), "uuid_codec_debug U video 2", DONE),
    Case(
        lambda a: a.uuid_codec_param("U", "audio", "write", "bit rate", ""),
        "uuid_codec_param U audio write 'bit rate' ''",
        "+OK Command sent reply: [a] b]\n",
        "a] b",
    ),
    Case(
        lambda a: a.uuid_codec_param("U", "audio", "read", "x", "1"),
        "uuid_codec_param U audio read x 1",
        "+OK Command sent reply: [NOT SENT]\n",
        None,
    ),
    Case(lambda a: a.uuid_video_refresh("U"), "uuid_video_refresh U", DONE),
    Case(
        lambda a: a.uuid_video_refresh("U", "manual"),
        "uuid_video_refresh U manual",
        "sofia/internal/1000@example.com video refresh now in manual mode.\n+OK Success\n",
    ),
    Case(lambda a: a.uuid_video_bitrate("U", 512), "uuid_video_bitrate U 512", DONE),
    Case(lambda a: a.uuid_video_bitrate("U", "clear"), "uuid_video_bitrate U clear", DONE),
    Case(lambda a: a.uuid_video_bandwidth("U", 512), "uuid_video_bandwidth U 512", DONE),
    Case(lambda a: a.uuid_video_bandwidth("U", "auto"), "uuid_video_bandwidth U auto", DONE),
]

FAILED = "-ERR Operation failed\n"
# Some of them spell it like this.
FAILED_TOO = "-ERR Operation Failed\n"

UNSAID = [
    (FAILED, lambda a: a.uuid_media("U")),
    (FAILED, lambda a: a.uuid_media_3p("U", off=True)),
    (FAILED_TOO, lambda a: a.uuid_media_reneg("U")),
    (FAILED_TOO, lambda a: a.uuid_media_reneg("U", both_legs=True)),
    (FAILED, lambda a: a.uuid_jitterbuffer("U", "stop")),
    (FAILED, lambda a: a.uuid_debug_media("U", "both", on=True)),
    (FAILED_TOO, lambda a: a.uuid_codec_debug("U", "audio", 0)),
    ("-ERR Operation Failed [NOT SENT]\n", lambda a: a.uuid_codec_param("U", "audio", "read", "x", "1")),
    (FAILED_TOO, lambda a: a.uuid_video_refresh("U")),
    (FAILED_TOO, lambda a: a.uuid_video_bitrate("U", 1)),
    (FAILED_TOO, lambda a: a.uuid_video_bandwidth("U", 1)),
]


@pytest.mark.parametrize("case", SUCCESSES, ids=lambda case: case.line)
async def test_a_command_is_said_and_its_answer_is_a_value(case: Case) -> None:
    await check_success(case)


@pytest.mark.parametrize(("printed", "call"), UNSAID)
async def test_what_does_not_say_why_is_asked_about(printed: str, call: Call) -> None:
    await check_gone(call, printed, asks=True)
    await check_failure(call, printed, asks=True)


async def test_a_channel_that_there_is_not_has_no_statistics() -> None:
    await check_gone(lambda a: a.uuid_set_media_stats("U"), "-ERR No such channel U!\n", asks=False)


@pytest.mark.parametrize(
    ("printed", "call"),
    [
        ("-USAGE: [off] <uuid>\n-ERR Operation failed\n", lambda a: a.uuid_media("U")),
        ("-USAGE: <uuid> [auto|manual]\n-ERR Operation Failed\n", lambda a: a.uuid_video_bitrate("U", 1)),
        ("x video refresh now in manual mode.\n-ERR x\n", lambda a: a.uuid_video_refresh("U", "manual")),
        ("+OK\n", lambda a: a.uuid_codec_param("U", "audio", "read", "x", "1")),
    ],
)
async def test_whatever_else_is_no_success_is_a_failure(printed: str, call: Call) -> None:
    await check_failure(call, printed)


@pytest.mark.parametrize(
    ("message", "call"),
    [
        ("something else", lambda a: a.uuid_media("off")),
        ("something else", lambda a: a.uuid_media_3p("OFF", off=True)),
        ("something else", lambda a: a.uuid_media_reneg("+U")),
        ("codec is 'a,b'", lambda a: a.uuid_media_reneg("U", ["a,b"])),
        ("codec is ''", lambda a: a.uuid_media_reneg("U", [""])),
        ("codecs is 'PCMA'", lambda a: a.uuid_media_reneg("U", "PCMA")),
        ("length is 0", lambda a: a.uuid_jitterbuffer("U", 0)),
        ("length is 10.5", lambda a: a.uuid_jitterbuffer("U", 10.5)),
        ("length is 'debug:x'", lambda a: a.uuid_jitterbuffer("U", "debug:x")),
        ("max_seconds is 0.05", lambda a: a.uuid_jitterbuffer("U", 0.06, max_seconds=0.05)),
        ("max_seconds is 11", lambda a: a.uuid_jitterbuffer("U", 0.06, max_seconds=11)),
        ("does not go with stop", lambda a: a.uuid_jitterbuffer("U", "stop", max_seconds=1)),
        ("direction is 'none'", lambda a: a.uuid_debug_media("U", "none", on=True)),
        ("media is 'text'", lambda a: a.uuid_codec_debug("U", "text", 1)),
        ("level is -1", lambda a: a.uuid_codec_debug("U", "audio", -1)),
        ("media is 'text'", lambda a: a.uuid_codec_param("U", "text", "read", "x", "1")),
        ("direction is 'both'", lambda a: a.uuid_codec_param("U", "audio", "both", "x", "1")),
        ("parameter is ''", lambda a: a.uuid_codec_param("U", "audio", "read", "", "1")),
        ("mode is 'on'", lambda a: a.uuid_video_refresh("U", "on")),
        ("kilobits_per_second is 0", lambda a: a.uuid_video_bitrate("U", 0)),
        ("kilobits_per_second is 'auto'", lambda a: a.uuid_video_bitrate("U", "auto")),
        ("kilobits_per_second is '1MB'", lambda a: a.uuid_video_bandwidth("U", "1MB")),
        ("kilobits_per_second is 1.5", lambda a: a.uuid_video_bandwidth("U", 1.5)),
    ],
)
async def test_what_cannot_be_said_is_refused_before_anything_is_sent(message: str, call: Call) -> None:
    await check_refusal(call, message)


async def test_a_codecs_parameter_is_one_word_whatever_it_holds() -> None:
    api = Channels("+OK Command sent reply: []\n")
    assert await api.uuid_codec_param("U", "audio", "read", "it's", "a\nb ${x}") == ""
    assert api.lines == [r"uuid_codec_param U audio read 'it\'s' 'a\nb ${x}'"]
