"""Digits and texts to and from a channel, and what its telephone shows."""

from __future__ import annotations

import pytest

from esl_outbound.testing.expansion import separate

from .recording import DONE, Call, Case, Channels, check_failure, check_gone, check_refusal, check_success

DROPS = "+OK U is dropping DTMF. mask_file: NONE mask_digits: NONE\n"

SUCCESSES = [
    Case(lambda a: a.uuid_send_dtmf("U", "1w2W#"), "uuid_send_dtmf U 1w2W#", "+OK U sent DTMF 1w2W#.\n"),
    Case(
        lambda a: a.uuid_send_dtmf("U", "12", duration_seconds=0.1),
        "uuid_send_dtmf U 12@100",
        "+OK U sent DTMF 12@100.\n",
    ),
    Case(lambda a: a.uuid_recv_dtmf("U", "*9D"), "uuid_recv_dtmf U *9D", "+OK U received DTMF *9D.\n"),
    Case(
        lambda a: a.uuid_recv_dtmf("U", "1", duration_seconds=24),
        "uuid_recv_dtmf U 1@24000",
        "+OK U received DTMF 1@24000.\n",
    ),
    Case(lambda a: a.uuid_flush_dtmf("U"), "uuid_flush_dtmf U"),
    Case(lambda a: a.uuid_drop_dtmf("U", on=True), "uuid_drop_dtmf U on mask_digits ''", DROPS),
    Case(lambda a: a.uuid_drop_dtmf("U", on=False), "uuid_drop_dtmf U off mask_digits ''", DROPS),
    Case(lambda a: a.uuid_drop_dtmf("U", on=True, mask_digits="00"), "uuid_drop_dtmf U on mask_digits 00", DROPS),
    Case(
        lambda a: a.uuid_drop_dtmf("U", on=True, mask_file="a beep.wav"),
        "uuid_drop_dtmf U on mask_file 'a beep.wav'",
        DROPS,
    ),
    Case(lambda a: a.uuid_send_info("U", "hello"), "uuid_send_info U hello", DONE),
    Case(
        lambda a: a.uuid_send_info("U", '{"a": "b"}', content_type="application/json"),
        """uuid_send_info U application json '{"a": "b"}'""",
        DONE,
    ),
    Case(lambda a: a.uuid_send_info("U", ""), "uuid_send_info U ''", DONE),
    Case(lambda a: a.uuid_send_message("U", "it's\nme"), r"uuid_send_message U 'it\'s\nme'", DONE),
    Case(lambda a: a.uuid_send_text("U", " it's '${x}' \\n"), "uuid_send_text U  it's '${x}' \\n"),
    Case(lambda a: a.uuid_chat("U", "it's me"), "uuid_chat U it's me"),
    Case(lambda a: a.uuid_capture_text("U", on=True), "uuid_capture_text U on", ""),
    Case(lambda a: a.uuid_capture_text("U", on=False), "uuid_capture_text U off", ""),
    Case(lambda a: a.uuid_display("U", "Ann"), "uuid_display U Ann", DONE),
    Case(lambda a: a.uuid_display("U", "Ann", "1000"), "uuid_display U 'Ann|1000'", DONE),
    Case(lambda a: a.uuid_phone_event("U"), "uuid_phone_event U talk", DONE),
    Case(lambda a: a.uuid_phone_event("U", "hold"), "uuid_phone_event U hold", DONE),
]

NAMED = "-ERR No such channel U!\n"
NO_SESSION = "-ERR Cannot locate session!\n"
FAILED = "-ERR Operation failed\n"


@pytest.mark.parametrize("case", SUCCESSES, ids=lambda case: case.line)
async def test_a_command_is_said_and_its_answer_is_a_value(case: Case) -> None:
    await check_success(case)


@pytest.mark.parametrize(
    ("printed", "asks", "call"),
    [
        (NO_SESSION, False, lambda a: a.uuid_send_dtmf("U", "1")),
        (NO_SESSION, False, lambda a: a.uuid_recv_dtmf("U", "1")),
        ("-ERR No such session\n", False, lambda a: a.uuid_flush_dtmf("U")),
        (NAMED, False, lambda a: a.uuid_drop_dtmf("U", on=True)),
        ("-ERR Operation Failed\n", True, lambda a: a.uuid_send_info("U", "x")),
        ("-ERR Unable to find session for UUID\n", False, lambda a: a.uuid_send_message("U", "x")),
        (NAMED, False, lambda a: a.uuid_send_text("U", "x")),
        (NAMED, False, lambda a: a.uuid_chat("U", "x")),
        (NAMED, False, lambda a: a.uuid_capture_text("U", on=True)),
        (FAILED, True, lambda a: a.uuid_display("U", "x")),
        (FAILED, True, lambda a: a.uuid_phone_event("U")),
    ],
)
async def test_each_way_to_say_that_there_is_no_channel_is_understood(printed: str, asks: bool, call: Call) -> None:
    await check_gone(call, printed, asks=asks)


@pytest.mark.parametrize(
    ("printed", "asks", "call"),
    [
        (FAILED, True, lambda a: a.uuid_send_dtmf("U", "1")),
        ("-USAGE: <uuid> <dtmf_data>\n", False, lambda a: a.uuid_recv_dtmf("U", "1")),
        ("-USAGE: <uuid> [on | off ] [ mask_digits <digits> ]\n", False, lambda a: a.uuid_drop_dtmf("U", on=True)),
        ("-ERR Operation Failed\n", True, lambda a: a.uuid_send_message("U", "x")),
        ("-USAGE: <uuid> <message>\n-ERR Operation Failed\n", False, lambda a: a.uuid_send_info("U", "x")),
        ("-ERR Send failed\n", False, lambda a: a.uuid_chat("U", "x")),
        ("-USAGE: <uuid> <on|off>\n", False, lambda a: a.uuid_capture_text("U", on=True)),
        (FAILED, True, lambda a: a.uuid_display("U", "x")),
        (FAILED, True, lambda a: a.uuid_phone_event("U")),
    ],
)
async def test_whatever_else_is_no_success_is_a_failure(printed: str, asks: bool, call: Call) -> None:
    await check_failure(call, printed, asks=asks)


@pytest.mark.parametrize(
    ("message", "call"),
    [
        ("digits is '1e'", lambda a: a.uuid_send_dtmf("U", "1e")),
        ("no digit in it", lambda a: a.uuid_send_dtmf("U", "wW")),
        ("no digit in it", lambda a: a.uuid_send_dtmf("U", "")),
        ("100 characters", lambda a: a.uuid_send_dtmf("U", "1" * 100)),
        ("100 characters", lambda a: a.uuid_send_dtmf("U", "1" * 96, duration_seconds=0.1)),
        ("duration_seconds is 0.05", lambda a: a.uuid_send_dtmf("U", "1", duration_seconds=0.05)),
        ("duration_seconds is 25", lambda a: a.uuid_recv_dtmf("U", "1", duration_seconds=25)),
        ("digits is '1w'", lambda a: a.uuid_recv_dtmf("U", "1w")),
        ("digits is '1 2'", lambda a: a.uuid_recv_dtmf("U", "1 2")),
        ("one of them", lambda a: a.uuid_drop_dtmf("U", on=True, mask_digits="1", mask_file="x.wav")),
        ("mask_digits is 'x'", lambda a: a.uuid_drop_dtmf("U", on=True, mask_digits="x")),
        ("mask_file is '\\$\\{x\\}", lambda a: a.uuid_drop_dtmf("U", on=True, mask_file="${x}.wav")),
        ("takes for an application", lambda a: a.uuid_drop_dtmf("U", on=True, mask_file="hangup::x")),
        ("content_type is 'text'", lambda a: a.uuid_send_info("U", "x", content_type="text")),
        ("content_type is 'a/b c'", lambda a: a.uuid_send_info("U", "x", content_type="a/b c")),
        ("text is ''", lambda a: a.uuid_send_text("U", "")),
        ("text is 'a\\\\nb'", lambda a: a.uuid_send_text("U", "a\nb")),
        ("text is 'a '", lambda a: a.uuid_chat("U", "a ")),
        ("name is ''", lambda a: a.uuid_display("U", "")),
        ("name is 'a\\\\nb'", lambda a: a.uuid_display("U", "a\nb")),
        ("number is '1\\\\r'", lambda a: a.uuid_display("U", "a", "1\r")),
        ("event is 'ring'", lambda a: a.uuid_phone_event("U", "ring")),
    ],
)
async def test_what_cannot_be_said_is_refused_before_anything_is_sent(message: str, call: Call) -> None:
    await check_refusal(call, message)


@pytest.mark.parametrize("name", ['it\'s | "him" \\n', "^^;a;b", "a|b", "'", "${system(x)}", "caf\udce9"])
async def test_what_a_telephone_shows_is_divided_twice_and_arrives(name: str) -> None:
    api = Channels(DONE)
    await api.uuid_display("U", name, "10 00")
    uuid, display = separate(api.lines[0].split(" ", 1)[1], limit=2)
    assert uuid == "U"
    assert separate(display, "|", 2) == [name, "10 00"]


@pytest.mark.parametrize("text", ['it\'s "x" \\n\nnext\r\nline ${system(x)}', " ", "'", "\\", "caf\udce9"])
async def test_a_text_arrives_with_all_its_lines(text: str) -> None:
    api = Channels(DONE, DONE)
    await api.uuid_send_message("U", text)
    await api.uuid_send_info("U", text, content_type="text/plain")
    assert separate(api.lines[0].split(" ", 1)[1], limit=2) == ["U", text]
    assert separate(api.lines[1].split(" ", 1)[1], limit=4) == ["U", "text", "plain", text]
