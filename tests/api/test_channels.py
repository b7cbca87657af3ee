"""The ``uuid_`` commands: none is forgotten; how a channel's life begins and ends."""

from __future__ import annotations

from typing import final

import pytest

from esl_outbound import ApiFailed, CommandRejected, HangupCause, NoSuchChannel
from esl_outbound.api.channels import ChannelCommands
from esl_outbound.log_lines import LogLevel
from esl_outbound.protocol import Api, ApiResponse, Reply
from esl_outbound.protocol.headers import Headers

from .recording import DONE, GONE, Call, Case, Channels, check_failure, check_gone, check_refusal, check_success

# What a FreeSWITCH 1.11 says it has (`show api`), of those.
NAMES = """
    create_uuid hupall
    uuid_answer uuid_audio uuid_break uuid_bridge uuid_broadcast uuid_buglist uuid_capture_text uuid_chat
    uuid_codec_debug uuid_codec_param uuid_debug_media uuid_deflect uuid_displace uuid_display uuid_drop_dtmf
    uuid_dual_transfer uuid_dump uuid_early_ok uuid_exists uuid_fileman uuid_flush_dtmf uuid_getvar uuid_hold
    uuid_jitterbuffer uuid_kill uuid_limit uuid_limit_release uuid_loglevel uuid_media uuid_media_3p
    uuid_media_params uuid_media_reneg uuid_outgoing_answer uuid_park uuid_pause uuid_phone_event uuid_pre_answer
    uuid_preprocess uuid_record uuid_recovery_refresh uuid_recv_dtmf uuid_redirect uuid_ring_ready uuid_send_dtmf
    uuid_send_info uuid_send_message uuid_send_text uuid_session_heartbeat uuid_set_media_stats uuid_setvar
    uuid_setvar_multi uuid_simplify uuid_transfer uuid_video_bandwidth uuid_video_bitrate uuid_video_refresh
    uuid_xfer_zombie uuid_zombie_exec
""".split()  # noqa: SIM905 - a list that can be read


def test_every_command_is_a_method_but_the_one_that_ends_freeswitch() -> None:
    methods = {name for name in dir(ChannelCommands) if not name.startswith("_")}
    assert methods == {*NAMES} - {"uuid_media_params"}


SUCCESSES = [
    Case(lambda a: a.create_uuid(), "create_uuid", "5d2f0b9e-34b5", "5d2f0b9e-34b5"),
    Case(lambda a: a.uuid_exists("U"), "uuid_exists U", "true", True),
    Case(lambda a: a.uuid_exists("U"), "uuid_exists U", "false", False),
    Case(lambda a: a.uuid_kill("U"), "uuid_kill U NORMAL_CLEARING"),
    Case(lambda a: a.uuid_kill("U", "USER_BUSY"), "uuid_kill U USER_BUSY"),
    Case(lambda a: a.uuid_kill("U", HangupCause.CALL_REJECTED), "uuid_kill U CALL_REJECTED"),
    Case(
        lambda a: a.hupall(),
        "hupall MANAGER_REQUEST",
        "+OK hangup all channels with cause MANAGER_REQUEST\n",
    ),
    Case(
        lambda a: a.hupall("NORMAL_CLEARING", where={"customer": "O'Neil & Co", "x": "1"}),
        r"hupall NORMAL_CLEARING customer 'O\'Neil & Co' x 1",
        "+OK hangup all channels matching [customer]=[O'Neil & Co]... with cause: NORMAL_CLEARING\n",
    ),
    Case(lambda a: a.uuid_ring_ready("U"), "uuid_ring_ready U"),
    Case(lambda a: a.uuid_ring_ready("U", queued=True), "uuid_ring_ready U queued"),
    Case(lambda a: a.uuid_pre_answer("U"), "uuid_pre_answer U"),
    Case(lambda a: a.uuid_answer("U"), "uuid_answer U"),
    Case(lambda a: a.uuid_outgoing_answer("U"), "uuid_outgoing_answer U"),
    Case(lambda a: a.uuid_early_ok("U"), "uuid_early_ok U", ""),
    Case(lambda a: a.uuid_xfer_zombie("U"), "uuid_xfer_zombie U", "+OK Success\n"),
    Case(lambda a: a.uuid_zombie_exec("U"), "uuid_zombie_exec U", "+OK MMM Brains...\n"),
    Case(lambda a: a.uuid_session_heartbeat("U", 20), "uuid_session_heartbeat U 20"),
    Case(lambda a: a.uuid_session_heartbeat("U", 1.5), "uuid_session_heartbeat U 2"),
    Case(lambda a: a.uuid_session_heartbeat("U", 20, sched=True), "uuid_session_heartbeat U sched 20"),
    Case(lambda a: a.uuid_session_heartbeat("U", None), "uuid_session_heartbeat U off"),
    Case(lambda a: a.uuid_loglevel("U", LogLevel.DEBUG), "uuid_loglevel U 7"),
    Case(lambda a: a.uuid_loglevel("U", "warning", both_legs=True), "uuid_loglevel U -b 4"),
]


@pytest.mark.parametrize("case", SUCCESSES, ids=lambda case: case.line)
async def test_a_command_is_said_and_its_answer_is_a_value(case: Case) -> None:
    await check_success(case)


@pytest.mark.parametrize(
    ("printed", "asks", "call"),
    [
        (GONE, False, lambda a: a.uuid_kill("U")),
        (GONE, False, lambda a: a.uuid_outgoing_answer("U")),
        ("-ERROR\n", True, lambda a: a.uuid_ring_ready("U")),
        ("-ERROR\n", True, lambda a: a.uuid_pre_answer("U")),
        ("-ERROR\n", True, lambda a: a.uuid_answer("U")),
        ("-ERROR\n", True, lambda a: a.uuid_early_ok("U")),
        ("-ERR Operation Failed\n", True, lambda a: a.uuid_xfer_zombie("U")),
        ("-ERR no such session\n", False, lambda a: a.uuid_zombie_exec("U")),
        (
            "-ERR Cannot locate session. USAGE: uuid_session_heartbeat <uuid> [sched] [0|<seconds>]\n",
            False,
            lambda a: a.uuid_session_heartbeat("U", 20),
        ),
        ("-ERR No such channel U!\n", False, lambda a: a.uuid_loglevel("U", 7)),
    ],
)
async def test_each_way_to_say_that_there_is_no_channel_is_understood(printed: str, asks: bool, call: Call) -> None:
    await check_gone(call, printed, asks=asks)


@pytest.mark.parametrize(
    ("printed", "asks", "call"),
    [
        ("-ERR Not an outbound channel!\n", False, lambda a: a.uuid_outgoing_answer("U")),
        ("-ERROR\n", True, lambda a: a.uuid_pre_answer("U")),
        ("-ERROR\n", True, lambda a: a.uuid_answer("U")),
        ("-ERR Operation failed\n", True, lambda a: a.uuid_hold("U")),
        ("-ERR Invalid log level!\n", False, lambda a: a.uuid_loglevel("U", 7)),
        ("-USAGE: <uuid> [cause]\n", False, lambda a: a.uuid_kill("U")),
        ("-ERR uuid_kill Command not found!\n", False, lambda a: a.uuid_kill("U")),
        ("-ERR uuid_exists Command not found!\n", False, lambda a: a.uuid_exists("U")),
        ("-ERR no reply\n", False, lambda a: a.uuid_answer("U")),
        ("anything", False, lambda a: a.uuid_answer("U")),
        ("+OK\n", False, lambda a: a.uuid_early_ok("U")),
        ("-ERR hupall Command not found!\n", False, lambda a: a.hupall()),
        ("-ERR create_uuid Command not found!\n", False, lambda a: a.create_uuid()),
    ],
)
async def test_whatever_else_is_no_success_is_a_failure(printed: str, asks: bool, call: Call) -> None:
    await check_failure(call, printed, asks=asks)


@pytest.mark.parametrize(
    ("message", "call"),
    [
        ("cause is 'BUSY'", lambda a: a.uuid_kill("U", "BUSY")),
        ("cause is 'USER_BUSY x'", lambda a: a.uuid_kill("U", "USER_BUSY x")),
        ("channel_uuid is 'U USER_BUSY'", lambda a: a.uuid_kill("U USER_BUSY")),
        ("channel_uuid is ''", lambda a: a.uuid_exists("")),
        ("channel_uuid is 'a b'", lambda a: a.uuid_answer("a b")),
        ("cause is 'x'", lambda a: a.hupall("x")),
        ("there are 0 conditions", lambda a: a.hupall(where={})),
        ("there are 6 conditions", lambda a: a.hupall(where=dict.fromkeys("abcdef", "1"))),
        ("customer is to be empty", lambda a: a.hupall(where={"customer": ""})),
        ("'a b' cannot be a variable's name", lambda a: a.hupall(where={"a b": "1"})),
        ("takes for an array", lambda a: a.hupall(where={"a": "ARRAY::1"})),
        ("seconds is 0", lambda a: a.uuid_session_heartbeat("U", 0)),
        ("seconds is nan", lambda a: a.uuid_session_heartbeat("U", float("nan"))),
        ("level is 'loud'", lambda a: a.uuid_loglevel("U", "loud")),
        ("level is 101", lambda a: a.uuid_loglevel("U", 101)),
        ("level is -1", lambda a: a.uuid_loglevel("U", -1)),
        ("off goes neither", lambda a: a.uuid_hold("U", off=True, toggle=True)),
        ("off goes neither", lambda a: a.uuid_hold("U", off=True, display="x")),
        ("something else", lambda a: a.uuid_hold("toggle")),
        ("something else", lambda a: a.uuid_hold("OFF", off=True)),
    ],
)
async def test_what_cannot_be_said_is_refused_before_anything_is_sent(message: str, call: Call) -> None:
    await check_refusal(call, message)


@pytest.mark.parametrize(
    ("line", "call"),
    [
        ("uuid_hold U", lambda a: a.uuid_hold("U")),
        ("uuid_hold off U", lambda a: a.uuid_hold("U", off=True)),
        ("uuid_hold toggle U", lambda a: a.uuid_hold("U", toggle=True)),
        (r"uuid_hold U 'it\'s \nbusy'", lambda a: a.uuid_hold("U", display="it's \nbusy")),
        ("uuid_hold toggle U busy", lambda a: a.uuid_hold("U", toggle=True, display="busy")),
    ],
)
async def test_whether_there_is_a_channel_to_hold_is_asked_afterwards(line: str, call: Call) -> None:
    held = Channels(DONE, "true")
    await call(held)
    assert held.lines == [line, "uuid_exists U"]
    # switch_ivr_hold_uuid() is content without a channel.
    nobody = Channels(DONE, "false")
    with pytest.raises(NoSuchChannel) as caught:
        await call(nobody)
    assert str(caught.value) == "uuid_exists failed: false"
    assert caught.value.channel_uuid == "U"


@final
class Forbidden(ChannelCommands):
    """A user who may not ask whether a channel exists."""

    async def _run(self, command: str) -> ApiResponse:
        if command.startswith("uuid_exists"):
            reply = Reply(Headers(b"Reply-Text: -ERR permission denied\n", url_encoded=False))
            raise CommandRejected(Api(command), reply)
        return ApiResponse("-ERROR\n" if command.startswith("uuid_answer") else "+OK Success\n")


async def test_who_may_not_ask_for_the_channel_gets_the_failure_that_there_was() -> None:
    with pytest.raises(ApiFailed) as caught:
        await Forbidden().uuid_answer("U")
    assert type(caught.value) is ApiFailed
    assert str(caught.value) == "uuid_answer failed: -ERROR"
    await Forbidden().uuid_hold("U")


@pytest.mark.parametrize(
    ("printed", "asks"),
    [
        ("-ERR No such channel!\n", False),
        ("-ERR No such channel U!\n", False),
        ("-ERR No such session\n", False),
        ("-ERR Cannot locate session!\n", False),
        ("-ERR Cannot find session with uuid U\n", False),
        ("-ERR Unable to find session for UUID\n", False),
        ("-ERR invalid uuid\n", True),
        ("-ERR Operation failed\n", True),
        ("-ERR Operation Failed [NOT SENT]\n", True),
        ("-ERROR\n", True),
    ],
)
async def test_a_command_by_its_words_knows_them_too(printed: str, asks: bool) -> None:
    await check_gone(lambda a: a._on_channel("U", "uuid_x", "two words", before="off"), printed, asks=asks)


async def test_a_command_by_its_words_gives_what_it_prints() -> None:
    api = Channels("some\nlines\n")
    assert await api._on_channel("U", "uuid_x", "two words", before="off") == "some\nlines"
    assert api.lines == ["uuid_x off U 'two words'"]
