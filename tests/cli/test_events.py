"""``esl-outbound events``: what is printed of what happens."""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Mapping
from pathlib import Path

import pytest
import trio
from click.testing import CliRunner, Result

from esl_outbound.cli import main
from esl_outbound.cli.options import Address
from esl_outbound.cli.output import Output
from esl_outbound.cli.switches import Login
from esl_outbound.cli.watching import Shape, WatchOptions, as_json, as_raw, as_row, event_names, watch
from esl_outbound.client import connect
from esl_outbound.protocol import Event, EventFormat
from esl_outbound.testing import FakeFreeSwitch

from .switches import ADDRESS, LOGIN, TypedSwitch

UUID = "5f6433ee-df70-478f-a9ed-0397c83df1da"
CREATED: Mapping[str, str] = {
    "Event-Name": "CHANNEL_CREATE",
    "Event-Date-Local": "2026-08-21 12:00:07",
    "Event-Date-Timestamp": "1787313607020345",
    "Unique-ID": UUID,
    "Channel-Name": "sofia/internal/1000@example.com",
    "Caller-Caller-ID-Number": "1000",
    "Caller-Destination-Number": "5000",
}
HUNG_UP: Mapping[str, str] = {
    "Event-Name": "CHANNEL_HANGUP_COMPLETE",
    "Event-Date-Local": "2026-08-21 12:00:09",
    "Event-Date-Timestamp": "1787313609000999",
    "Unique-ID": UUID,
    "Hangup-Cause": "NORMAL_CLEARING",
    "variable_billsec": "2",
}


def options(
    *names: str,
    where: Mapping[str, str] | None = None,
    shape: Shape = Shape.TABLE,
    count: int | None = None,
    seconds: float | None = None,
) -> WatchOptions:
    return WatchOptions(LOGIN, names or ("ALL",), where or {}, shape, count, seconds)


def plain(text: str) -> Event:
    return Event(text.encode())


def as_events(*arguments: str) -> Result:
    """Run the command; its FreeSWITCH is at 192.0.2.7."""
    result = CliRunner().invoke(main, ["events", "--switch", str(ADDRESS), *arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


async def send_two(switch: TypedSwitch) -> None:
    await switch.send_event(CREATED)
    await switch.send_event(HUNG_UP)


# The whole command


def test_events_come_as_an_aligned_table_until_there_are_enough() -> None:
    switch = TypedSwitch()
    switch.when_subscribed = send_two
    with switch.at(ADDRESS):
        result = as_events("channel_create", "CHANNEL_HANGUP_COMPLETE", "--count", "2")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == (
        f"12:00:07.020  CHANNEL_CREATE            {UUID}  1000  5000  sofia/internal/1000@example.com\n"
        f"12:00:09.000  CHANNEL_HANGUP_COMPLETE   {UUID}  NORMAL_CLEARING  2\n"
    )
    subscribed = " ".join(command for command in switch.commands if command.startswith("event json "))
    assert {"CHANNEL_CREATE", "CHANNEL_HANGUP_COMPLETE"} <= set(subscribed.split())
    assert switch.commands[-1] == "exit"


def test_events_come_as_a_json_object_on_each_line() -> None:
    switch = TypedSwitch()
    switch.when_subscribed = send_two
    with switch.at(ADDRESS):
        result = as_events("--format", "json", "--count", "2")
    assert [json.loads(line) for line in result.stdout.splitlines()] == [dict(CREATED), dict(HUNG_UP)]
    assert "event json ALL" in switch.commands


def test_only_events_that_have_a_header_are_shown() -> None:
    switch = TypedSwitch()

    async def send(switch: TypedSwitch) -> None:
        await switch.send_event({**CREATED, "Unique-ID": "another"})
        await switch.send_event(CREATED)

    switch.when_subscribed = send
    with switch.at(ADDRESS):
        result = as_events("CHANNEL_CREATE", "--where", f"Unique-ID={UUID}", "--count", "1")
    assert UUID in result.stdout
    assert "another" not in result.stdout
    assert f"filter add Unique-ID {UUID}" in switch.commands


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--where", "Unique-ID"), "esl-outbound: --where 'Unique-ID': a header is given as NAME=VALUE\n"),
        (("CUSTOM",), "esl-outbound: a CUSTOM event needs its subclass: 'CUSTOM conference::maintenance'\n"),
        (("A B",), "esl-outbound: 'A B' is not the name of an event\n"),
        (("--where", "a\nb=c"), "esl-outbound: "),
        (("--count", "0"), "Usage: "),
        (("--for", "0"), "Usage: "),
        (("--for", "nan"), "esl-outbound: --for nan: that is no number of seconds\n"),
        (("--format", "yaml"), "Usage: "),
        (("--switch", "a:b"), "Usage: "),
    ],
)
def test_what_cannot_be_asked_is_refused_before_anything_is_opened(arguments: tuple[str, ...], said: str) -> None:
    switch = TypedSwitch()
    switch.is_there = False
    with switch.at(ADDRESS):
        result = as_events(*arguments)
    assert result.exit_code == 2
    assert result.stderr.startswith(said)


def test_what_is_wrong_with_freeswitch_is_one_line_and_status_1() -> None:
    switch = TypedSwitch()
    switch.is_there = False
    with switch.at(ADDRESS):
        result = as_events()
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "esl-outbound: no FreeSWITCH answers at 192.0.2.7:8021: Connection refused\n"


def test_a_wrong_password_is_not_told_and_is_taken_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ESL_OUTBOUND_PASSWORD", "s3cret, and wrong")
    with TypedSwitch().at(ADDRESS):
        result = as_events()
        assert (result.exit_code, result.stderr) == (
            1,
            "esl-outbound: FreeSWITCH at 192.0.2.7:8021 refused the password\n",
        )
        helped = as_events("--help").stdout
    assert "s3cret" not in helped
    assert "ESL_OUTBOUND_PASSWORD" in helped


def test_a_user_logs_in_as_one() -> None:
    switch = TypedSwitch()
    with switch.at(ADDRESS):
        result = as_events("--user", "ops@example.com", "--password", "wrong")
    assert result.stderr == "esl-outbound: FreeSWITCH at 192.0.2.7:8021 refused the password of ops@example.com\n"


def test_an_address_that_is_not_let_in_is_told_so() -> None:
    switch = TypedSwitch()
    switch.greeting = b"Content-Type: text/rude-rejection\nContent-Length: 24\n\nAccess Denied, go away.\n"
    with switch.at(ADDRESS):
        result = as_events()
    assert result.exit_code == 1
    assert "apply-inbound-acl" in result.stderr


def test_an_end_of_the_connection_is_one_line_and_what_came_before_is_shown() -> None:
    switch = TypedSwitch()

    async def send(switch: TypedSwitch) -> None:
        await switch.send_event(CREATED)
        await switch.breaks()

    switch.when_subscribed = send
    with switch.at(ADDRESS):
        result = as_events()
    assert result.exit_code == 1
    assert result.stdout.count("\n") == 1
    assert result.stderr == "esl-outbound: the connection to FreeSWITCH at 192.0.2.7:8021 ended\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_in_order(number: signal.Signals) -> None:
    switch = TypedSwitch()

    async def send(switch: TypedSwitch) -> None:
        await switch.send_event(CREATED)
        await trio.testing.wait_all_tasks_blocked()
        os.kill(os.getpid(), number)

    switch.when_subscribed = send
    before = signal.getsignal(number)
    with switch.at(ADDRESS):
        result = as_events()
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.count("\n") == 1
    assert switch.commands[-1] == "exit"
    assert signal.getsignal(number) is before


# Its time


async def test_it_ends_when_its_time_is_over(autojump_clock: trio.testing.MockClock) -> None:
    switch = TypedSwitch()
    with switch.at(ADDRESS):
        assert await watch(options(seconds=60), Output()) == 0
    assert trio.current_time() == pytest.approx(60)


async def test_fewer_events_than_wanted_are_a_failure(
    autojump_clock: trio.testing.MockClock, capsys: pytest.CaptureFixture[str]
) -> None:
    switch = TypedSwitch()
    switch.when_subscribed = send_two
    with switch.at(ADDRESS):
        assert await watch(options(count=3, seconds=60), Output()) == 1
    assert capsys.readouterr().err == "esl-outbound: 2 of 3 events came in 60 s\n"


async def test_events_that_were_lost_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    switch = TypedSwitch()

    async def send(switch: TypedSwitch) -> None:
        one = '{"Event-Name":"HEARTBEAT"}'
        head = f"Content-Length: {len(one)}\nContent-Type: text/event-json\n\n"
        for _ in range(30):
            await switch.send_bytes((head + one).encode() * 100)

    switch.when_subscribed = send
    with switch.at(ADDRESS):
        assert await watch(options(count=1024), Output()) == 0
        output = capsys.readouterr()
    assert output.out.count("HEARTBEAT") == 1024


# A connection that comes back


@pytest.mark.parametrize("shape", [Shape.TABLE, Shape.JSON])
async def test_whoever_reconnects_is_told_for_how_long_he_was_away(
    phone: FakeFreeSwitch, capsys: pytest.CaptureFixture[str], shape: Shape
) -> None:
    watched = WatchOptions(
        Login(Address("127.0.0.1", 8021), "ClueCon"), ("CUSTOM a::b",), {}, shape, 2, None, reconnect=True
    )
    async with phone.event_socket(), connect(password="ClueCon") as other, trio.open_nursery() as nursery:
        nursery.start_soon(watch, watched, Output())
        await trio.sleep(1)
        await other.send_event("CUSTOM", subclass="a::b")
        await trio.sleep(1)
        phone.event_socket_is_up = False
        await phone.drops_event_sockets()
        await trio.sleep(100)
        phone.event_socket_is_up = True
        await trio.sleep(100)
        async with connect(password="ClueCon") as another:
            await another.send_event("CUSTOM", subclass="a::b")
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    if shape is Shape.TABLE:
        assert re.fullmatch(r"\(away for 1[0-9]{2}\.[0-9] s, in which events were missed: .+\)", lines[1])
    else:
        assert 100 <= json.loads(lines[1])["_away_seconds"] < 200


# How an event is written


def test_names_are_as_they_are_typed() -> None:
    assert event_names(["CHANNEL_ANSWER", "custom", "a::b", "c::d", "CUSTOM e::f"]) == (
        "CHANNEL_ANSWER",
        "CUSTOM a::b",
        "CUSTOM c::d",
        "CUSTOM e::f",
    )
    assert event_names(["CUSTOM"]) == ("CUSTOM",)


HOSTILE = "\x1b[31mred\r\nEvent-Name: FORGED\x07\x9b2J\u202e\udcff"


def hostile_event() -> Event:
    body = json.dumps({"Event-Name": "DTMF", "DTMF-Digit": HOSTILE, "_body": f"one\n{HOSTILE}", "Unique-ID": "\x00u"})
    return Event(body.encode(), EventFormat.JSON)


@pytest.mark.parametrize("written", [as_row, as_json, as_raw])
def test_what_a_caller_says_does_not_steer_the_terminal(written: object) -> None:
    assert callable(written)
    text = str(written(hostile_event()))
    assert all(c.isprintable() or c == "\n" for c in text)
    assert not any(line.startswith("Event-Name: FORGED") for line in text.partition("\n\n")[0].splitlines())


def test_a_row_is_one_line_whatever_is_in_it() -> None:
    assert as_row(hostile_event()).count("\n") == 0
    assert as_json(hostile_event()).count("\n") == 0
    assert json.loads(as_json(hostile_event()))["DTMF-Digit"] == HOSTILE


def test_a_row_of_an_event_with_neither_time_nor_channel() -> None:
    assert as_row(plain("Event-Name: HEARTBEAT\nSession-Count: 3\nUp-Time: 1%20day\n\n")) == (
        f"{'':12}  {'HEARTBEAT':24}  {'-':36}  3  1 day"
    )
    assert as_row(plain("a: b\n\n")) == f"{'':12}  {'(no name)':24}  -"


@pytest.mark.parametrize(
    ("headers", "details"),
    [
        ("Event-Name: CUSTOM\nEvent-Subclass: conference%3A%3Amaintenance\nAction: add-member\n",
         "conference::maintenance  add-member"),
        ("Event-Name: CHANNEL_EXECUTE_COMPLETE\nApplication: playback\nApplication-Data: a.wav\n"
         "Application-Response: FILE%20PLAYED\n", "playback  a.wav  FILE PLAYED"),
        ("Event-Name: SOMETHING_NEW\nChannel-Name: loopback/x-a\n", "loopback/x-a"),
    ],
)  # fmt: skip
def test_what_is_worth_to_be_seen_of_an_event(headers: str, details: str) -> None:
    assert as_row(plain(headers + "\n")).endswith(details)


def test_the_end_of_a_job_shows_what_it_printed() -> None:
    event = plain("Event-Name: BACKGROUND_JOB\nJob-UUID: u\nJob-Command: status\nContent-Length: 12\n\n+OK one\ntwo\n")
    assert as_row(event).endswith("u  status  +OK one")


def test_json_has_arrays_repeated_headers_and_the_body() -> None:
    event = plain("a: 1\na: 2\nvariable_x: ARRAY%3A%3Aone%7C%3Atwo\nContent-Length: 4\n\nbody")
    assert json.loads(as_json(event)) == {
        "a": ["1", "2"],
        "variable_x": ["one", "two"],
        "Content-Length": "4",
        "_body": "body",
    }


def test_raw_has_every_header_on_a_line_and_the_body_behind_an_empty_one() -> None:
    assert as_raw(plain("a: 1%0A2\na: 2\nContent-Length: 9\n\none\ntwo\n\n")) == (
        "a: 1\\n2\na: 2\nContent-Length: 9\n\none\ntwo\n\n"
    )


def test_recorded_events_are_all_written() -> None:
    data = (Path(__file__).parents[1] / "recordings" / "e5_event_all.raw").read_bytes()
    events = [
        Event(part[part.index(b"\n\n") + 2 :])
        for part in data.split(b"Content-Length: ")
        if b"text/event-plain" in part[:60]
    ]
    assert len(events) > 20
    for event in events:
        assert as_row(event).isprintable()
        assert json.loads(as_json(event))
        assert as_raw(event)
